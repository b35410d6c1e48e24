/*
 * links.c: following references: does what they name exist, does its type fit,
 * may it be shown there? What is found becomes the graph's edges.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "desired/desired-internal.h"

static const struct field any_row = {.type = FIELD_ANY, .element = FIELD_ANY};

/* One reference being followed. */
struct link {
    struct link_walk *walk;
    const struct reference *reference;
    const struct field *row; /* of the place where it stands */
    bool whole;              /* nothing else in the text */
    struct place place;
};

/* What a reference turned out to name. */
struct target {
    enum field_type type;
    bool sensitive, is_field;
};

#define REPORT(link) (&(link)->walk->loader->report)

char *address_hint(const struct loader *loader, const char *address)
{
    size_t type = strcspn(address, "."), begin = type + (address[type] == '.');
    char *name CLEANUP_FREE = strndup(address + begin, strcspn(address + begin, "["));
    struct nearest nearest = NEAREST(name ? name : "");

    if (!name)
        return NULL;
    /*
     * Names are compared among resources of one type: whole addresses are all alike. Only the first
     * complaints are shown, so there is no search for the rest.
     */
    for (size_t i = 0; i < loader->declared_count && report_count(&loader->report) < PROBLEMS_MAX; i++) {
        const char *candidate = loader->declared[i].address;

        if (strncmp(candidate, address, type) == 0 && candidate[type] == '.')
            nearest_offer(&nearest, candidate + type + 1);
    }
    if (!nearest.best)
        return strdup("");
    return str_format("; did you mean \"%.*s.%s\"?", (int)type, address, nearest.best);
}

int edge_add(struct loader *loader, struct draft *draft, size_t to, struct place place)
{
    struct edge *edges;

    if (loader->edges >= EDGES_MAX) {
        if (loader->edges++ == EDGES_MAX)
            report_problem(&loader->report, place, "more than %d references between resources", EDGES_MAX);
        return 0;
    }
    if (draft->edges_count == draft->edges_capacity) {
        size_t capacity = draft->edges_capacity ? draft->edges_capacity * 2 : 4;

        edges = reallocarray(draft->edges, capacity, sizeof(*edges));
        if (!edges)
            return -ENOMEM;
        draft->edges = edges;
        draft->edges_capacity = capacity;
    }
    draft->edges[draft->edges_count++] = (struct edge){to, place};
    loader->edges++;
    return 0;
}

/* ---- whether an address exists ---- */

static void report_switched_off(struct loader *loader, struct place place, const struct declared *declared,
                                const char *who)
{
    report_problem(&loader->report, place,
                   "%s is switched off (when, %s:%u), so %s can not refer to it; give it "
                   "the same when",
                   declared->address, declared->when.file, (unsigned)declared->when.mark.line, who);
}

/* The keys of a for_each, for a message. */
static void report_key_missing(struct loader *loader, struct place place, const struct declared *declared,
                               const char *address)
{
    struct buf keys CLEANUP_BUF = BUF_INIT(16 << 10);
    size_t first, end;

    draft_instances(loader, declared->address, &first, &end);
    for (size_t i = first; i < end && i < first + 10; i++)
        (void)buf_addf(&keys, "%s%s", i > first ? ", " : "",
                       loader->drafts[i].resource.address); /* message only */
    if (first == end)
        report_problem(&loader->report, place,
                       "%s: its for_each is empty, so there is no instance to refer to", address);
    else if (strchr(address, '['))
        report_problem(&loader->report, place, "there is no %s; there are: %s%s", address, buf_text(&keys),
                       end - first > 10 ? ", ..." : "");
    else
        report_problem(&loader->report, place, "%s has for_each: say which one: %s%s", address,
                       buf_text(&keys), end - first > 10 ? ", ..." : "");
}

/* The draft at an address; NULL: reported, or let pass because its declaration is broken. */
static struct draft *follow_address(struct loader *loader, const char *address, struct place place,
                                    const char *who, const char *shown)
{
    size_t length = strcspn(address, "[");
    const struct declared *declared = declared_find(loader, address, length);
    char *hint CLEANUP_FREE = NULL;
    struct draft *draft;

    if (!declared) {
        hint = address_hint(loader, address);
        if (hint)
            report_problem(&loader->report, place, "%s: there is no resource %s%s", shown, address, hint);
        else
            report_no_memory(&loader->report);
        return NULL;
    }
    if (declared->off) {
        report_switched_off(loader, place, declared, who);
        return NULL;
    }
    draft = draft_find(loader, address);
    if (draft || declared->broken)
        return draft;
    if (declared->each)
        report_key_missing(loader, place, declared, address);
    else
        report_problem(&loader->report, place, "%s: %s has no for_each, so it has no instances", shown,
                       declared->address);
    return NULL;
}

/* ---- what it names ---- */

static void attribute_unknown(const struct link *link, const struct kind *kind)
{
    struct nearest nearest = NEAREST(link->reference->attribute);
    char *hint CLEANUP_FREE = NULL;

    for (const struct attribute *row = kind->attributes; row && row->name; row++)
        nearest_offer(&nearest, row->name);
    for (const struct field *row = kind->fields; row->name; row++)
        nearest_offer(&nearest, row->name);
    hint = nearest_hint(&nearest);
    if (hint)
        report_problem(REPORT(link), link->place, "${%s}: %s has no attribute \"%s\"%s (mlopsctl explain %s)",
                       link->reference->text, kind->type, link->reference->attribute, hint, kind->type);
    else
        report_no_memory(REPORT(link));
}

/* An attribute, by its whole dotted name or by its first step. */
static const struct attribute *attribute_at(const struct kind *kind, const char *path, bool *ret_inside)
{
    const struct attribute *found = kind->attributes ? attribute_find(kind->attributes, path) : NULL;
    char *first CLEANUP_FREE = NULL;

    *ret_inside = false;
    if (found || !kind->attributes || !strchr(path, '.'))
        return found;
    first = strndup(path, strcspn(path, "."));
    found = first ? attribute_find(kind->attributes, first) : NULL;
    if (found && found->type != FIELD_OBJECT && found->type != FIELD_MAP && found->type != FIELD_LIST &&
        found->type != FIELD_SET)
        return NULL;
    *ret_inside = found != NULL;
    return found;
}

static bool find_target(const struct link *link, const struct kind *kind, struct target *ret)
{
    const char *path = link->reference->attribute;
    bool inside;
    const struct attribute *attribute = attribute_at(kind, path, &inside);
    unsigned flags;

    if (attribute) {
        ret->type = inside ? FIELD_ANY : attribute->type;
        ret->sensitive = reference_is_sensitive(link->reference);
        ret->is_field = false;
        return true;
    }
    if (!row_at(kind->fields, path, &ret->type, &flags)) {
        attribute_unknown(link, kind);
        return false;
    }
    ret->sensitive = reference_is_sensitive(link->reference);
    ret->is_field = true;
    return true;
}

/* ---- whether it fits ---- */

static bool is_text(enum field_type type)
{
    return type == FIELD_STRING || type == FIELD_ENUM || type == FIELD_VERSION || type == FIELD_SECRET;
}

static bool is_scalar(enum field_type type)
{
    return is_text(type) || type == FIELD_INTEGER || type == FIELD_BOOLEAN;
}

static bool is_sequence(enum field_type type)
{
    return type == FIELD_LIST || type == FIELD_SET;
}

static bool type_fits(enum field_type wanted, enum field_type given)
{
    if (wanted == FIELD_ANY || given == FIELD_ANY || wanted == given)
        return true;
    if (is_text(wanted))
        return is_scalar(given);
    if (is_sequence(wanted))
        return is_sequence(given);
    if (wanted == FIELD_POLICY)
        return given == FIELD_STRING || given == FIELD_MAP || given == FIELD_OBJECT;
    if (wanted == FIELD_MAP || wanted == FIELD_OBJECT)
        return given == FIELD_MAP || given == FIELD_OBJECT;
    return false;
}

static void check_fit(const struct link *link, const struct target *target)
{
    const char *text = link->reference->text;

    if (!link->whole && !is_scalar(target->type) && target->type != FIELD_ANY)
        report_problem(REPORT(link), link->place,
                       "${%s} is %s and can not be part of a text; it must stand alone", text,
                       type_wanted(target->type));
    else if (link->whole && !type_fits(link->row->type, target->type))
        report_problem(REPORT(link), link->place, "%s: %s is wanted, and ${%s} is %s",
                       buf_text(&link->walk->path), type_wanted(link->row->type), text,
                       type_wanted(target->type));
    if (!target->sensitive)
        return;
    link->walk->sensitive = true;
    if (link->walk->draft && link->row->type != FIELD_SECRET)
        report_problem(REPORT(link), link->place,
                       "%s: ${%s} is sensitive and can stand only in a field that is a secret",
                       buf_text(&link->walk->path), text);
}

static int note_credential(struct loader *loader, const char *name)
{
    return js_put_key(loader->credentials, name, NULL);
}

static int follow_builtin(const struct link *link)
{
    struct target target = {.type = FIELD_STRING};
    const char *name = link->reference->attribute;
    int r = 0;

    if (str_starts(name, "credential.")) {
        target.sensitive = true;
        r = note_credential(link->walk->loader, name + strlen("credential."));
    } else if (str_equal(name, "github.repository_id") || str_equal(name, "github.owner_id")) {
        target.type = FIELD_INTEGER;
    }
    check_fit(link, &target);
    return r;
}

static int follow(const struct link *link)
{
    struct link_walk *walk = link->walk;
    const char *who = walk->draft ? walk->draft->resource.address : "an output";
    struct target target;
    struct draft *to;

    if (!link->reference->address)
        return follow_builtin(link);
    to = follow_address(walk->loader, link->reference->address, link->place, who, link->reference->text);
    if (!to || !find_target(link, to->resource.kind, &target))
        return 0;
    if (to == walk->draft) {
        report_problem(REPORT(link), link->place, "%s refers to itself", to->resource.address);
        return 0;
    }
    check_fit(link, &target);
    walk->refers_to_fields |= target.is_field;
    if (!walk->draft)
        return 0;
    return edge_add(walk->loader, walk->draft, (size_t)(to - walk->loader->drafts), link->place);
}

/* ---- walking a document ---- */

static struct place place_now(const struct link_walk *walk)
{
    const struct desired_resource *resource = walk->draft ? &walk->draft->resource : NULL;

    if (!resource)
        return walk->place;
    return place_find(resource->places, resource->places_count, buf_text(&walk->path), walk->place);
}

static int link_text(struct link_walk *walk, const char *text, const struct field *row)
{
    struct references references = {0};
    struct err err CLEANUP_ERR = {0};
    int r;

    if (!text_has_reference(text))
        return 0;
    r = references_find(text, &references, &err);
    if (r == -EBADMSG)
        report_problem(&walk->loader->report, place_now(walk), "%s", err_text(&err));
    for (size_t i = 0; r == 0 && i < references.count; i++) {
        const struct reference *reference = &references.items[i];
        struct link link = {walk, reference, row, reference_is_whole(reference, text), place_now(walk)};

        r = follow(&link);
    }
    references_done(&references);
    return r == -ENOMEM ? r : 0;
}

static int walk_value(struct link_walk *walk, struct json_object *value, const struct field *row);

static int walk_step(struct link_walk *walk, const char *step, struct json_object *value,
                     const struct field *row)
{
    size_t before = walk->path.size;
    int r;

    if (buf_addf(&walk->path, "%s%.128s", before > 0 ? "." : "", step) < 0)
        return -ENOMEM;
    r = walk_value(walk, value, row);
    walk->path.size = before;
    walk->path.data[before] = '\0';
    return r;
}

static int walk_object(struct link_walk *walk, struct json_object *value, const struct field *row)
{
    const struct field element = row->type == FIELD_MAP ? row_of_element(row) : any_row;
    int r = 0;

    js_each (value, key, member) {
        const struct field *member_row = row->type == FIELD_OBJECT ? field_find(row->members, key) : &element;

        if (r == 0)
            r = link_text(walk, key, &any_row);
        if (r == 0)
            r = walk_step(walk, key, member, member_row ? member_row : &any_row);
    }
    return r;
}

static int walk_array(struct link_walk *walk, struct json_object *value, const struct field *row)
{
    const struct field element = is_sequence(row->type) ? row_of_element(row) : any_row;
    int r = 0;

    for (size_t i = 0; r == 0 && i < json_object_array_length(value); i++) {
        char *step CLEANUP_FREE = str_format("%zu", i);

        r = step ? walk_step(walk, step, json_object_array_get_idx(value, i), &element) : -ENOMEM;
    }
    return r;
}

static int walk_value(struct link_walk *walk, struct json_object *value, const struct field *row)
{
    switch (json_object_get_type(value)) {
    case json_type_string:
        return link_text(walk, json_object_get_string(value), row);
    case json_type_object:
        return walk_object(walk, value, row);
    case json_type_array:
        return walk_array(walk, value, row);
    default:
        return 0;
    }
}

int link_value(struct link_walk *walk, struct json_object *value, const struct field *fields)
{
    struct field top = {.type = fields ? FIELD_OBJECT : FIELD_ANY, .members = fields};
    int r;

    walk->path = BUF_INIT(8 << 10);
    if (buf_add_text(&walk->path, "") < 0)
        return -ENOMEM;
    r = walk_value(walk, value, &top);
    buf_done(&walk->path);
    return r;
}

/* ---- all drafts ---- */

static int link_dependency(struct loader *loader, struct draft *draft, const struct node *node)
{
    size_t first, end;
    struct draft *to;
    int r = 0;

    if (node->poison)
        return 0;
    if (node->kind != YML_STRING) {
        report_problem(&loader->report, node->place,
                       "depends_on: an address such as aws_iam_role.deploy is wanted");
        return 0;
    }
    draft_instances(loader, node->text, &first, &end);
    if (first == end) {
        const struct declared *declared = declared_find(loader, node->text, strlen(node->text));

        if (declared && declared->each && !declared->off)
            return 0; /* all instances of a for_each that has none */
        to = follow_address(loader, node->text, node->place, draft->resource.address, "depends_on");
        first = to ? (size_t)(to - loader->drafts) : 0;
        end = to ? first + 1 : 0;
    }
    for (size_t i = first; r == 0 && i < end; i++) {
        if (&loader->drafts[i] == draft)
            report_problem(&loader->report, node->place, "%s depends on itself", draft->resource.address);
        else
            r = edge_add(loader, draft, i, node->place);
    }
    return r;
}

static int compare_edges(const void *a, const void *b)
{
    const struct edge *left = a, *right = b;

    if (left->to != right->to)
        return left->to < right->to ? -1 : 1;
    return (left->place.mark.line > right->place.mark.line) -
           (left->place.mark.line < right->place.mark.line);
}

static void edges_finish(struct draft *draft)
{
    size_t kept = 0;

    if (draft->edges_count == 0)
        return;
    qsort(draft->edges, draft->edges_count, sizeof(*draft->edges), compare_edges);
    for (size_t i = 0; i < draft->edges_count; i++)
        if (kept == 0 || draft->edges[kept - 1].to != draft->edges[i].to)
            draft->edges[kept++] = draft->edges[i];
    draft->edges_count = kept;
}

static int link_draft(struct loader *loader, struct draft *draft)
{
    struct link_walk walk = {.loader = loader, .draft = draft, .place = draft->resource.place};
    struct json_object *body CLEANUP_JS = NULL;
    struct err err CLEANUP_ERR = {0};
    size_t before = report_count(&loader->report);
    int r = 0;

    /* Most bodies refer to nothing: spare the parsing. */
    if (strstr(draft->resource.body, "${")) {
        r = js_parse_text(draft->resource.body, &body, &err);
        if (r == 0)
            r = link_value(&walk, body, draft->resource.kind->fields);
        else if (r != -ENOMEM) {
            report_problem(&loader->report, draft->resource.place, "%s: %s", draft->resource.address,
                           err_text(&err));
            r = 0;
        }
    }
    for (size_t i = 0;
         r == 0 && draft->depends_on && draft->depends_on->kind == YML_LIST && i < draft->depends_on->count;
         i++)
        r = link_dependency(loader, draft, draft->depends_on->children[i]);
    draft->refers_to_fields = walk.refers_to_fields;
    if (report_count(&loader->report) != before)
        draft->sound = false;
    edges_finish(draft);
    return r;
}

int links_find(struct loader *loader)
{
    int r = 0;

    loader->credentials = json_object_new_object();
    if (!loader->credentials)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < loader->drafts_count; i++)
        r = link_draft(loader, &loader->drafts[i]);
    return r;
}
