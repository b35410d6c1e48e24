/*
 * expand.c: from declared resources to single ones: the platform file's laid over
 * the blueprint's, `when` and `for_each` applied, static references put in, checked against the kind.
 * What refers to what is links.c's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "desired/desired-internal.h"

#define KEY_BYTES            "_-./:@"
#define NEAR_MISS_MIN_LENGTH 4 /* shorter names are alike by chance */

/* What steers mlopsd and is no field of any kind. */
static const struct field meta_fields[] = {
    {.name = "when", .type = FIELD_ANY, .doc = "Is the resource wanted at all?"},
    {.name = "for_each", .type = FIELD_ANY, .doc = "One resource per element of a list or map."},
    {.name = "depends_on", .type = FIELD_ANY, .doc = "Addresses that must be ready first."},
    {.name = "adopt", .type = FIELD_BOOLEAN, .doc = "Take over what exists under that name."},
    {.name = "allow_wide_trust",
     .type = FIELD_BOOLEAN,
     .doc = "Let others than this repository assume the role."},
    {0},
};

/* ---- declared resources ---- */

static const struct yml *resources_of(struct loader *loader, const struct source *source)
{
    const struct yml *found = source->root ? yml_get(source->root, "resources") : NULL;

    if (!found || found->kind == YML_NULL)
        return NULL;
    if (found->kind == YML_MAP)
        return found;
    report_problem(&loader->report, (struct place){source->path, found->start},
                   "resources: a map of TYPE.NAME is wanted, this is %s", yml_kind_name(found->kind));
    return NULL;
}

static bool name_accepted(const char *name)
{
    return word_accepted(name, NAME_MAX_LENGTH, "_-") && !(name[0] >= '0' && name[0] <= '9') &&
           name[0] != '-';
}

/* "TYPE.NAME": false when it is not, reported. */
static bool address_right(struct loader *loader, const char *address, struct place place)
{
    const char *dot = strchr(address, '.');

    if (!dot || dot == address) {
        report_problem(&loader->report, place,
                       "\"%s\": a resource is declared as TYPE.NAME, such as "
                       "aws_iam_role.deploy",
                       address);
        return false;
    }
    if (strchr(dot, '[')) {
        report_problem(&loader->report, place,
                       "\"%s\": single instances of a for_each can not be declared or "
                       "overridden; change %.*s",
                       address, (int)strcspn(address, "["), address);
        return false;
    }
    if (!name_accepted(dot + 1)) {
        report_problem(&loader->report, place,
                       "\"%s\": a name has up to %d letters, digits, _ and -, and begins "
                       "with a letter or _",
                       address, NAME_MAX_LENGTH);
        return false;
    }
    return true;
}

static void type_unknown(struct loader *loader, const char *address, struct place place)
{
    int n = (int)strcspn(address, ".");
    char *type CLEANUP_FREE = strndup(address, (size_t)n);
    const char *near;

    if (!type) {
        report_no_memory(&loader->report);
        return;
    }
    near = kind_suggest(type);
    if (near)
        report_problem(&loader->report, place, "\"%s\": there is no type %s; did you mean \"%s\"?", address,
                       type, near);
    else
        report_problem(&loader->report, place, "\"%s\": there is no type %s (mlopsctl explain lists them)",
                       address, type);
}

static struct declared *declared_by_name(struct loader *loader, size_t count, const char *address)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int r = strcmp(address, loader->declared[middle].address);

        if (r == 0)
            return &loader->declared[middle];
        if (r < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static int declare_one(struct loader *loader, const struct yml *yml, const char *file, bool over,
                       size_t sorted)
{
    struct place place = {file, yml->key_mark};
    struct declared *known = over ? declared_by_name(loader, sorted, yml->key) : NULL;
    struct declared *new;

    if (known) {
        known->over = yml;
        return 0;
    }
    if (!address_right(loader, yml->key, place))
        return 0;
    new = &loader->declared[loader->declared_count];
    new->address = strdup(yml->key);
    if (!new->address)
        return -ENOMEM;
    new->kind = address_kind(yml->key);
    new->place = place;
    if (over)
        new->over = yml;
    else
        new->base = yml;
    if (!new->kind) {
        type_unknown(loader, yml->key, place);
        new->broken = true;
    }
    loader->declared_count++;
    return 0;
}

static int compare_declared(const void *a, const void *b)
{
    const struct declared *left = a, *right = b;

    return strcmp(left->address, right->address);
}

static void declared_sort(struct loader *loader)
{
    if (loader->declared_count > 1)
        qsort(loader->declared, loader->declared_count, sizeof(*loader->declared), compare_declared);
}

int declare_resources(struct loader *loader)
{
    const struct yml *base = resources_of(loader, &loader->blueprint);
    const struct yml *over = resources_of(loader, &loader->platform);
    size_t room = (base ? base->count : 0) + (over ? over->count : 0);
    size_t sorted;
    int r = 0;

    loader->declared = calloc(room + 1, sizeof(*loader->declared));
    if (!loader->declared)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && base && i < base->count; i++)
        r = declare_one(loader, base->children[i], loader->blueprint.path, false, 0);
    declared_sort(loader);
    sorted = loader->declared_count;
    for (size_t i = 0; r == 0 && over && i < over->count; i++)
        r = declare_one(loader, over->children[i], loader->platform.path, true, sorted);
    declared_sort(loader);
    return r;
}

const struct declared *declared_find(const struct loader *loader, const char *base_address, size_t length)
{
    size_t low = 0, high = loader->declared_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *known = loader->declared[middle].address;
        int r = strncmp(base_address, known, length);

        if (r == 0 && known[length] == '\0')
            return &loader->declared[middle];
        if (r > 0)
            low = middle + 1;
        else
            high = middle; /* a longer name with the same beginning sorts behind */
    }
    return NULL;
}

/* ---- drafts ---- */

static int compare_drafts(const void *a, const void *b)
{
    const struct draft *left = a, *right = b;

    return strcmp(left->resource.address, right->resource.address);
}

struct draft *draft_find(const struct loader *loader, const char *address)
{
    struct draft wanted = {.resource.address = (char *)address};

    if (loader->drafts_count == 0)
        return NULL;
    return bsearch(&wanted, loader->drafts, loader->drafts_count, sizeof(*loader->drafts), compare_drafts);
}

/* Order of an address against "BASE[": all instances of a for_each lie together. */
static int compare_instance(const char *address, const char *base_address, size_t length)
{
    int r = strncmp(address, base_address, length);

    return r != 0 ? r : (unsigned char)address[length] - '[';
}

void draft_instances(const struct loader *loader, const char *base_address, size_t *ret_first,
                     size_t *ret_end)
{
    const struct draft *single = draft_find(loader, base_address);
    size_t length = strlen(base_address), low = 0, high = loader->drafts_count;

    if (single) {
        *ret_first = (size_t)(single - loader->drafts);
        *ret_end = *ret_first + 1;
        return;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_instance(loader->drafts[middle].resource.address, base_address, length) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_first = low;
    while (low < loader->drafts_count &&
           compare_instance(loader->drafts[low].resource.address, base_address, length) == 0)
        low++;
    *ret_end = low;
}

/* A new, empty draft at the end; NULL without memory. */
static struct draft *draft_add(struct loader *loader)
{
    struct draft *drafts;

    if (loader->drafts_count == loader->drafts_capacity) {
        size_t capacity = loader->drafts_capacity ? loader->drafts_capacity * 2 : 16;

        drafts = reallocarray(loader->drafts, capacity, sizeof(*drafts));
        if (!drafts)
            return NULL;
        loader->drafts = drafts;
        loader->drafts_capacity = capacity;
    }
    memset(&loader->drafts[loader->drafts_count], 0, sizeof(*loader->drafts));
    return &loader->drafts[loader->drafts_count++];
}

static int name_resource(struct desired_resource *resource, const struct declared *declared, const char *key)
{
    const char *dot = strchr(declared->address, '.');

    resource->type = strndup(declared->address, (size_t)(dot - declared->address));
    resource->name = strdup(dot + 1);
    resource->address = key ? str_format("%s[\"%s\"]", declared->address, key) : strdup(declared->address);
    resource->kind = declared->kind;
    resource->place = declared->place;
    if (str_set(&resource->instance_key, key) < 0)
        return -ENOMEM;
    return resource->type && resource->name && resource->address ? 0 : -ENOMEM;
}

/* adopt, allow_wide_trust and depends_on. */
static int read_meta(struct loader *loader, struct draft *draft, struct node *tree)
{
    struct schema schema = {.report = &loader->report, .subject = draft->resource.type, .partial = true};
    struct json_object *meta CLEANUP_JS = NULL;
    int r;

    draft->depends_on = node_take(tree, "depends_on");
    if (draft->depends_on && draft->depends_on->kind != YML_LIST && !draft->depends_on->poison)
        report_problem(&loader->report, draft->depends_on->place,
                       "depends_on: a list of addresses is wanted, this is %s",
                       yml_kind_name(draft->depends_on->kind));
    r = schema_check(&schema, meta_fields, tree, &meta);
    if (r < 0)
        return r;
    draft->resource.adopt = js_bool(meta, "adopt", false);
    draft->resource.allow_wide_trust = js_bool(meta, "allow_wide_trust", false);
    return 0;
}

static int keep_body(struct loader *loader, struct draft *draft, struct json_object *body)
{
    draft->resource.body = js_canonical(body);
    if (!draft->resource.body)
        return -ENOMEM;
    loader->body_bytes += strlen(draft->resource.body);
    if (strlen(draft->resource.body) > BODY_MAX_BYTES) {
        report_problem(&loader->report, draft->resource.place, "%s is larger than %d bytes",
                       draft->resource.address, BODY_MAX_BYTES);
        draft->sound = false;
    }
    return 0;
}

/* Check the tree of one instance and keep what came out. */
static int fill_draft(struct loader *loader, struct draft *draft, struct node *tree)
{
    struct desired_resource *resource = &draft->resource;
    size_t before = report_count(&loader->report);
    struct place_list places = {0};
    struct schema schema = {.report = &loader->report,
                            .subject = resource->type,
                            .explain = true,
                            .templates = true,
                            .scope = &loader->scope,
                            .also = meta_fields,
                            .places = &places};
    struct json_object *body CLEANUP_JS = NULL;
    int r;

    r = read_meta(loader, draft, tree);
    if (r == 0)
        r = schema_check(&schema, resource->kind->fields, tree, &body);
    place_list_sort(&places);
    resource->places = places.items;
    resource->places_count = places.count;
    if (r < 0)
        return r;
    draft->sound = report_count(&loader->report) == before;
    return keep_body(loader, draft, body);
}

static int add_instance(struct loader *loader, const struct declared *declared, const struct node *merged,
                        const char *key, struct json_object *value)
{
    struct node *tree CLEANUP_NODE = NULL;
    struct draft *draft;
    int r;

    draft = draft_add(loader);
    if (!draft || name_resource(&draft->resource, declared, key) < 0)
        return -ENOMEM;
    loader->scope.each_key = draft->resource.instance_key;
    loader->scope.each_value = value;
    tree = substitute(merged, &loader->scope, &loader->report);
    r = tree ? fill_draft(loader, draft, tree) : -ENOMEM;
    loader->scope.each_key = NULL;
    loader->scope.each_value = NULL;
    return r;
}

/* ---- when and for_each ---- */

static bool is_full(const struct loader *loader)
{
    return loader->drafts_count > RESOURCES_MAX || loader->body_bytes > GRAPH_MAX_BYTES;
}

/* Is it wanted? Mistakes are reported and mean yes, so that references to it are no second mistake. */
static int evaluate_when(struct loader *loader, struct declared *declared, struct node *merged)
{
    struct node *written CLEANUP_NODE = node_take(merged, "when");
    struct node *when CLEANUP_NODE = NULL;

    if (!written)
        return 0;
    when = substitute(written, &loader->scope, &loader->report);
    if (!when)
        return -ENOMEM;
    declared->off = !condition_holds(&loader->report, when);
    declared->when = written->key_place;
    return 0;
}

static bool key_right(struct loader *loader, const char *key, struct place place, struct json_object *seen)
{
    if (!word_accepted(key, NAME_MAX_LENGTH, KEY_BYTES)) {
        report_problem(&loader->report, place,
                       "for_each: \"%.80s\" can not be a key: up to %d letters, digits and _ - . / : @", key,
                       NAME_MAX_LENGTH);
        return false;
    }
    if (json_object_object_get_ex(seen, key, NULL)) {
        report_problem(&loader->report, place, "for_each: \"%s\" is there twice", key);
        return false;
    }
    return true;
}

static int expand_element(struct loader *loader, struct declared *declared, const struct node *merged,
                          const struct node *element, struct json_object *seen)
{
    struct json_object *value CLEANUP_JS = NULL;
    const char *key = element->key ? element->key : element->text;
    int r;

    if (element->poison)
        return 0;
    if (!element->key && element->kind != YML_STRING) {
        report_problem(&loader->report, element->place,
                       "for_each: the elements of a list are strings, this is %s; use a map for more",
                       yml_kind_name(element->kind));
        return 0;
    }
    if (!key_right(loader, key, element->key ? element->key_place : element->place, seen))
        return 0;
    r = node_to_json(element, &value);
    if (r == -ERANGE) {
        report_problem(&loader->report, element->place, "for_each: a number is too large: put it in quotes");
        return 0;
    }
    if (r == 0)
        r = js_put_key(seen, key, NULL);
    return r < 0 ? r : add_instance(loader, declared, merged, key, value);
}

static int expand_each(struct loader *loader, struct declared *declared, const struct node *merged,
                       const struct node *written)
{
    struct node *each CLEANUP_NODE = substitute(written, &loader->scope, &loader->report);
    struct json_object *seen CLEANUP_JS = json_object_new_object();
    size_t before = report_count(&loader->report);
    int r = 0;

    if (!each || !seen)
        return -ENOMEM;
    declared->each = true;
    declared->broken = true;
    if (each->poison)
        return 0;
    if (each->kind != YML_LIST && each->kind != YML_MAP) {
        report_problem(&loader->report, written->place,
                       "for_each: a list of strings or a map is wanted, this is %s",
                       yml_kind_name(each->kind));
        return 0;
    }
    if (each->count > INSTANCES_MAX) {
        report_problem(&loader->report, written->place, "for_each: %zu elements; at most %d are allowed",
                       each->count, INSTANCES_MAX);
        return 0;
    }
    for (size_t i = 0; r == 0 && i < each->count && !is_full(loader); i++)
        r = expand_element(loader, declared, merged, each->children[i], seen);
    declared->broken = report_count(&loader->report) != before;
    return r;
}

/* Both files' halves as one tree, the platform file's over the blueprint's. NULL: -ENOMEM, or reported. */
static int merge_declared(struct loader *loader, const struct declared *declared, struct node **ret)
{
    const struct yml *halves[] = {declared->base, declared->over};
    const char *files[] = {loader->blueprint.path, loader->platform.path};
    struct node *merged CLEANUP_NODE = node_new(YML_MAP, declared->place);
    int r = merged ? str_set(&merged->key, declared->address) : -ENOMEM;

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(halves); i++) {
        struct node *half;

        if (!halves[i] || halves[i]->kind == YML_NULL)
            continue;
        if (halves[i]->kind != YML_MAP) {
            report_problem(&loader->report, (struct place){files[i], halves[i]->start},
                           "%s: a map of fields is wanted, this is %s", declared->address,
                           yml_kind_name(halves[i]->kind));
            return 0;
        }
        half = node_from_yml(files[i], halves[i]);
        r = half ? node_merge(&merged, half, declared->kind->fields) : -ENOMEM;
    }
    if (r == 0)
        *ret = TAKE(merged);
    return r;
}

static int expand_declared(struct loader *loader, struct declared *declared)
{
    struct node *merged CLEANUP_NODE = NULL;
    struct node *each CLEANUP_NODE = NULL;
    int r;

    if (!declared->kind)
        return 0;
    r = merge_declared(loader, declared, &merged);
    if (r < 0 || !merged) {
        declared->broken = true;
        return r;
    }
    merged->key_place = declared->place;
    r = evaluate_when(loader, declared, merged);
    if (r < 0 || declared->off)
        return r;
    each = node_take(merged, "for_each");
    if (each && each->kind != YML_NULL)
        return expand_each(loader, declared, merged, each);
    return add_instance(loader, declared, merged, NULL, NULL);
}

/* A resource of the platform file alone whose name is nearly one of the blueprint's: likely a slip. */
static void warn_near_miss(struct loader *loader, const struct declared *declared)
{
    size_t type = strcspn(declared->address, ".");
    struct nearest nearest = NEAREST(declared->address + type + 1);

    if (declared->base || !loader->blueprint.root || !loader->report.warnings ||
        strlen(nearest.text) < NEAR_MISS_MIN_LENGTH)
        return;
    for (size_t i = 0; i < loader->declared_count; i++) {
        const char *candidate = loader->declared[i].address;

        if (loader->declared[i].base && strncmp(candidate, declared->address, type + 1) == 0)
            nearest_offer(&nearest, candidate + type + 1);
    }
    if (nearest.best && nearest.distance <= 2)
        report_warning(
            &loader->report, declared->place,
            "%s is a resource of its own, not an override; did you mean \"%.*s.%s\" of the blueprint?",
            declared->address, (int)type, declared->address, nearest.best);
}

int expand_resources(struct loader *loader)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < loader->declared_count; i++) {
        r = expand_declared(loader, &loader->declared[i]);
        warn_near_miss(loader, &loader->declared[i]);
        if (r == 0 && is_full(loader)) {
            report_problem(&loader->report, loader->declared[i].place,
                           "the platform is too large: at most %d resources and %d MiB", RESOURCES_MAX,
                           GRAPH_MAX_BYTES >> 20);
            return 0;
        }
    }
    if (r == 0 && loader->drafts_count > 1)
        qsort(loader->drafts, loader->drafts_count, sizeof(*loader->drafts), compare_drafts);
    return r;
}
