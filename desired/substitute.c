/*
 * substitute.c: the references whose values are known while the files are read:
 * var.*, each.*, platform.name, aws.account_id|region|partition, github.repository|owner|name.
 *
 * What is known only later (attributes, credential.*, aws.zones.*, ids that GitHub hands out) stays in the
 * text; only its spelling is checked here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/utf8.h"
#include "desired/desired-internal.h"

static const char *const static_names[] = {
    "platform.name",     "aws.account_id", "aws.region",  "aws.partition",
    "github.repository", "github.owner",   "github.name", "blueprint.dir",
};
static const char *const run_time_names[] = {
    "github.oidc_subject_prefix",
    "github.repository_id",
    "github.owner_id",
    "aws.principal_arn",
};

#define ZONES_PREFIX "aws.zones."
#define ZONES_MAX    16

bool reference_is_static(const struct reference *reference)
{
    if (reference->address)
        return false;
    if (str_starts(reference->attribute, "var.") || str_starts(reference->attribute, "each."))
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(static_names); i++)
        if (str_equal(reference->attribute, static_names[i]))
            return true;
    return false;
}

/* What a look-up came to. */
enum found { FOUND, FOUND_LATER, FOUND_NOTHING };

struct lookup {
    const struct scope *scope;
    struct report *report;
    struct place place;
    struct json_object *value; /* owned; NULL is null */
};

static struct place reference_place(const struct node *node, const struct reference *reference)
{
    struct place place = node->place;

    if (node->exact)
        place.mark.column += (uint32_t)utf8_count(node->text, reference->offset) + (node->quoted ? 1 : 0);
    return place;
}

/* Walk on from @base along @path; a step that is missing is reported. */
static enum found step_into(struct lookup *lookup, struct json_object *base, const char *name,
                            const char *path)
{
    struct json_object *value = js_get(base, path);

    if (!value) {
        report_problem(lookup->report, lookup->place, "%s has no \"%s\"", name, path);
        return FOUND_NOTHING;
    }
    lookup->value = json_object_get(value);
    return FOUND;
}

static enum found variable_unknown(struct lookup *lookup, const char *name)
{
    struct nearest nearest = NEAREST(name);
    char *hint CLEANUP_FREE = NULL;

    js_each (lookup->scope->variables, key, value) {
        (void)value;
        nearest_offer(&nearest, key);
    }
    for (size_t i = 0; lookup->scope->broken && i < lookup->scope->broken->count; i++)
        nearest_offer(&nearest, lookup->scope->broken->items[i]);
    hint = nearest_hint(&nearest);
    if (!hint)
        report_no_memory(lookup->report);
    else if (lookup->scope->variables_from)
        report_problem(lookup->report, lookup->place, "%s has no parameter \"%s\"%s",
                       lookup->scope->variables_from, name, hint);
    else
        report_problem(lookup->report, lookup->place,
                       "var.%s: parameters come from a blueprint, and this platform names none", name);
    return FOUND_NOTHING;
}

static enum found lookup_variable(struct lookup *lookup, const char *path)
{
    size_t n = strcspn(path, ".");
    char *name CLEANUP_FREE = strndup(path, n);
    struct json_object *value;

    if (!name) {
        report_no_memory(lookup->report);
        return FOUND_NOTHING;
    }
    if (!lookup->scope->variables) {
        report_problem(lookup->report, lookup->place,
                       "var.%s: the value of a parameter can not refer to another parameter", name);
        return FOUND_NOTHING;
    }
    if (!json_object_object_get_ex(lookup->scope->variables, name, &value)) {
        if (lookup->scope->broken && strv_has(lookup->scope->broken, name))
            return FOUND_NOTHING;
        return variable_unknown(lookup, name);
    }
    if (path[n] == '.')
        return step_into(lookup, value, name, path + n + 1);
    lookup->value = json_object_get(value);
    return FOUND;
}

static enum found lookup_each(struct lookup *lookup, const char *name)
{
    const struct scope *scope = lookup->scope;

    if (!scope->each_key) {
        report_problem(lookup->report, lookup->place,
                       "each.%s can stand only in a resource that has for_each", name);
        return FOUND_NOTHING;
    }
    if (str_equal(name, "key")) {
        lookup->value = json_object_new_string(scope->each_key);
        if (!lookup->value)
            report_no_memory(lookup->report);
        return FOUND;
    }
    if (str_equal(name, "value")) {
        lookup->value = json_object_get(scope->each_value);
        return FOUND;
    }
    if (str_starts(name, "value."))
        return step_into(lookup, scope->each_value, "each.value", name + strlen("value."));
    report_problem(lookup->report, lookup->place, "each.%s: there are only each.key and each.value", name);
    return FOUND_NOTHING;
}

static const char *builtin_text(const struct graph *graph, const char *name)
{
    const char *const values[ARRAY_SIZE(static_names)] = {
        graph->platform,          graph->aws.account_id, graph->aws.region,  graph->aws.partition,
        graph->github.repository, graph->github.owner,   graph->github.name, graph->blueprint_dir,
    };

    for (size_t i = 0; i < ARRAY_SIZE(static_names); i++)
        if (str_equal(name, static_names[i]))
            return values[i];
    return NULL;
}

static bool section_broken(const struct scope *scope, const char *name)
{
    if (str_starts(name, "aws."))
        return scope->aws_broken;
    if (str_starts(name, "github."))
        return scope->github_broken;
    if (str_starts(name, "blueprint."))
        return false;
    return true; /* platform.name: missing only where its absence was reported */
}

static enum found lookup_static(struct lookup *lookup, const char *name)
{
    const char *text = builtin_text(lookup->scope->graph, name);

    if (text) {
        lookup->value = json_object_new_string(text);
        if (!lookup->value)
            report_no_memory(lookup->report);
        return FOUND;
    }
    if (!section_broken(lookup->scope, name))
        report_problem(lookup->report, lookup->place, "${%s}: the platform file has no \"%.*s\" section",
                       name, (int)strcspn(name, "."), name);
    return FOUND_NOTHING;
}

/* Built-ins that only the running daemon knows: right spelling, and the section they need. */
static bool run_time_valid(const char *name)
{
    long long zone;

    if (str_starts(name, "credential.")) {
        const char *credential = name + strlen("credential.");

        return word_accepted(credential, 255, "._-") && credential[0] != '.';
    }
    if (str_starts(name, ZONES_PREFIX))
        return str_to_int64(name + strlen(ZONES_PREFIX), 0, ZONES_MAX - 1, &zone) == 0;
    for (size_t i = 0; i < ARRAY_SIZE(run_time_names); i++)
        if (str_equal(name, run_time_names[i]))
            return true;
    return false;
}

static enum found lookup_run_time(struct lookup *lookup, const char *name)
{
    struct nearest nearest = NEAREST(name);
    char *hint CLEANUP_FREE = NULL;
    bool aws = str_starts(name, "aws."), github = str_starts(name, "github.");

    if (run_time_valid(name)) {
        const struct graph *graph = lookup->scope->graph;

        if ((aws && graph->aws.configured) || (github && graph->github.configured) || (!aws && !github))
            return FOUND_LATER;
        report_problem(lookup->report, lookup->place, "${%s}: the platform file has no \"%s\" section", name,
                       aws ? "aws" : "github");
        return FOUND_NOTHING;
    }
    for (size_t i = 0; i < ARRAY_SIZE(static_names); i++)
        nearest_offer(&nearest, static_names[i]);
    for (size_t i = 0; i < ARRAY_SIZE(run_time_names); i++)
        nearest_offer(&nearest, run_time_names[i]);
    nearest_offer(&nearest, ZONES_PREFIX "0");
    hint = nearest_hint(&nearest);
    if (hint)
        report_problem(lookup->report, lookup->place, "${%s}: there is no such built-in value%s", name, hint);
    else
        report_no_memory(lookup->report);
    return FOUND_NOTHING;
}

static enum found look_up(struct lookup *lookup, const struct reference *reference)
{
    const char *name = reference->attribute;

    if (reference->address)
        return FOUND_LATER;
    if (str_starts(name, "var."))
        return lookup_variable(lookup, name + strlen("var."));
    if (str_starts(name, "each."))
        return lookup_each(lookup, name + strlen("each."));
    if (reference_is_static(reference))
        return lookup_static(lookup, name);
    return lookup_run_time(lookup, name);
}

/* Put one value into the text being assembled. False: reported. */
static bool splice_text(struct lookup *lookup, const struct reference *reference, struct buf *text)
{
    char *scalar CLEANUP_FREE = NULL;

    if (!lookup->value) {
        report_problem(lookup->report, lookup->place, "%s has no value, so it can not be part of a text",
                       reference->text);
        return false;
    }
    scalar = js_scalar_text(lookup->value);
    if (!scalar) {
        report_problem(lookup->report, lookup->place,
                       "%s is %s and can not be part of a text; it must stand alone", reference->text,
                       json_object_is_type(lookup->value, json_type_array) ? "a list" : "a map");
        return false;
    }
    return buf_add_text(text, scalar) == 0;
}

/* The assembled text as a node. */
static struct node *text_node(const struct node *from, struct buf *text, struct report *report)
{
    struct node *node;

    if (text->failed == -EMSGSIZE) {
        report_problem(report, from->place, "the text is longer than %d bytes once its values are put in",
                       TEXT_MAX_BYTES);
        return node_poison(from->place);
    }
    node = node_new(YML_STRING, from->place);
    if (!node)
        return NULL;
    node->quoted = from->quoted;
    node->given = true;
    node->text = buf_take(text);
    return node->text ? node : node_free(node);
}

/* Every reference of a text in turn; a text that is one reference takes its value's type. */
static struct node *substitute_found(const struct node *from, const struct references *references,
                                     const struct scope *scope, struct report *report)
{
    struct buf text CLEANUP_BUF = BUF_INIT(TEXT_MAX_BYTES);
    size_t done = 0;
    bool poison = false;

    for (size_t i = 0; i < references->count; i++) {
        const struct reference *reference = &references->items[i];
        struct lookup lookup = {scope, report, reference_place(from, reference), NULL};
        enum found found = look_up(&lookup, reference);
        struct json_object *value CLEANUP_JS = lookup.value;

        if (found == FOUND && reference_is_whole(reference, from->text))
            return node_from_json(value, from->place);
        (void)buf_add(&text, from->text + done,
                      reference->offset - done); /* a failed buffer is seen at the end */
        done = reference->offset + reference->length;
        if (found == FOUND_LATER)
            (void)buf_add(&text, from->text + reference->offset, reference->length);
        else if (found == FOUND_NOTHING || (!splice_text(&lookup, reference, &text) && text.failed == 0))
            poison = true;
    }
    if (poison)
        return node_poison(from->place);
    (void)buf_add_text(&text, from->text + done);
    return text_node(from, &text, report);
}

/* A scalar without children, copied. */
static struct node *copy_scalar(const struct node *from)
{
    struct node *node = node_new(from->kind, from->place);

    if (!node)
        return NULL;
    node->quoted = from->quoted;
    node->given = from->given;
    node->poison = from->poison;
    node->exact = from->exact;
    if (str_set(&node->text, from->text) < 0)
        return node_free(node);
    return node;
}

static struct node *substitute_text(const struct node *from, const struct scope *scope, struct report *report)
{
    struct references references = {0};
    struct err err CLEANUP_ERR = {0};
    struct node *node;
    int r;

    if (from->kind != YML_STRING || !text_has_reference(from->text))
        return copy_scalar(from);
    r = references_find(from->text, &references, &err);
    if (r == -ENOMEM)
        return NULL;
    if (r < 0) {
        report_problem(report, from->place, "%s", err_text(&err));
        return node_poison(from->place);
    }
    node = substitute_found(from, &references, scope, report);
    references_done(&references);
    return node;
}

/* Keys may hold references too: the condition keys of a trust policy name an issuer. */
static int substitute_key(struct node *node, const struct node *from, const struct scope *scope,
                          struct report *report)
{
    struct node text = {.kind = YML_STRING, .key = NULL, .place = from->key_place, .text = from->key};
    struct node *key CLEANUP_NODE = NULL;

    node->key_place = from->key_place;
    if (!from->key || !text_has_reference(from->key))
        return str_set(&node->key, from->key);
    key = substitute_text(&text, scope, report);
    if (!key)
        return -ENOMEM;
    if (key->poison || !key->text) {
        if (!key->poison)
            report_problem(report, from->key_place, "a key can not be a list, a map or nothing");
        node->poison = true;
        return str_set(&node->key, from->key);
    }
    return str_set(&node->key, key->text);
}

/* Two keys may have become one. */
static bool key_is_new(struct json_object *seen, const struct node *child, struct report *report)
{
    if (child->poison || !child->key)
        return true;
    if (json_object_object_get_ex(seen, child->key, NULL)) {
        report_problem(report, child->key_place, "the key \"%s\" is there twice once its values are put in",
                       child->key);
        return false;
    }
    if (js_put_key(seen, child->key, NULL) < 0)
        report_no_memory(report);
    return true;
}

/* "<<: ${var.tags}": the members of that map, under those that the map itself has. */
static bool is_merge_key(const struct node *map, const struct node *child)
{
    return map->kind == YML_MAP && str_equal(child->key, "<<");
}

static int merge_members(struct node *node, struct node *take_members, const struct node *from,
                         struct report *report)
{
    struct node *members CLEANUP_NODE = take_members;
    int r = 0;

    if (members->poison || members->kind == YML_NULL)
        return 0;
    if (members->kind != YML_MAP) {
        report_problem(report, members->place, "<<: a map to take members from is wanted, this is %s",
                       yml_kind_name(members->kind));
        return 0;
    }
    for (size_t i = 0; r == 0 && i < members->count; i++) {
        if (!node_get(from, members->children[i]->key))
            r = node_add(node, TAKE(members->children[i]));
    }
    return r;
}

static int substitute_children(struct node *node, const struct node *from, const struct scope *scope,
                               struct report *report)
{
    struct json_object *seen CLEANUP_JS = json_object_new_object();

    if (!seen)
        return -ENOMEM;
    for (size_t i = 0; i < from->count; i++) {
        struct node *child = substitute(from->children[i], scope, report);

        if (!child)
            return -ENOMEM;
        if (is_merge_key(from, from->children[i])) {
            if (merge_members(node, child, from, report) < 0)
                return -ENOMEM;
            continue;
        }
        if (from->kind == YML_MAP && !key_is_new(seen, child, report))
            child->poison = true;
        if (node_add(node, child) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* References and for_each can make much of little: there is an end to it, told once. */
static bool within_budget(struct report *report, const struct node *node)
{
    bool was_within = report->nodes <= NODES_MAX;

    report->nodes += 1 + (node->text ? strlen(node->text) / 64 : 0);
    if (report->nodes <= NODES_MAX)
        return true;
    if (was_within)
        report_problem(report, node->place,
                       "the platform is too large once references and for_each are put in");
    return false;
}

static bool tree_within_budget(struct report *report, const struct node *node)
{
    bool within = within_budget(report, node);

    for (size_t i = 0; within && i < node->count; i++)
        within = tree_within_budget(report, node->children[i]);
    return within;
}

struct node *substitute(const struct node *from, const struct scope *scope, struct report *report)
{
    struct node *node CLEANUP_NODE = NULL;

    if (!within_budget(report, from)) {
        node = node_poison(from->place);
        if (!node)
            return NULL;
    } else if (from->kind == YML_LIST || from->kind == YML_MAP) {
        node = copy_scalar(from);
        if (!node || substitute_children(node, from, scope, report) < 0)
            return NULL;
    } else {
        node = substitute_text(from, scope, report);
        if (!node)
            return NULL;
        if (node->given && !tree_within_budget(report, node)) {
            node_free(node);
            node = node_poison(from->place);
            if (!node)
                return NULL;
        }
    }
    if (substitute_key(node, from, scope, report) < 0)
        return NULL;
    return TAKE(node);
}
