/*
 * schema.c: a tree of values against the rows of a kind (or of one of our own
 * files): unknown and missing fields, containers, defaults; JSON with the places of everything comes out.
 * Scalars are schema_scalar.c's; what rows can not say is the kind's own check.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "desired/desired-internal.h"

static bool check_value(struct schema *schema, const struct spot *spot, struct json_object **ret);

static bool no_memory(struct schema *schema)
{
    report_no_memory(schema->report);
    return false;
}

/* ---- the path of where we are ---- */

/* Steps are cut, so that the path of the deepest tree fits: only memory can fail. */
#define STEP_MAX_BYTES 128

static size_t path_push(struct schema *schema, const char *step)
{
    size_t before = schema->path.size;

    /* A failed buffer stays empty; path_remember() reports it. */
    (void)buf_addf(&schema->path, "%s%.*s", before > 0 ? "." : "", STEP_MAX_BYTES, step);
    return before;
}

static size_t path_push_index(struct schema *schema, size_t index)
{
    size_t before = schema->path.size;

    (void)buf_addf(&schema->path, "%s%zu", before > 0 ? "." : "", index); /* as above */
    return before;
}

static void path_pop(struct schema *schema, size_t before)
{
    if (schema->path.failed < 0 || !schema->path.data)
        return;
    schema->path.size = before;
    schema->path.data[before] = '\0';
}

static void path_remember(struct schema *schema, struct place place)
{
    if (schema->path.failed < 0)
        report_no_memory(schema->report);
    else if (schema->places && place_list_add(schema->places, buf_text(&schema->path), place) < 0)
        report_no_memory(schema->report);
}

/* ---- containers ---- */

/* The one word that may stand in place of a list. */
static const char *word_of(const struct field *row)
{
    return row && row->flags & FIELD_OR_WORD ? row->pattern : NULL;
}

static bool wrong_container(struct schema *schema, const struct spot *spot)
{
    const struct node *node = spot->node;

    if (word_of(spot->row))
        schema_problem(schema, spot, "a list is wanted, or the word %s; this is %s", word_of(spot->row),
                       yml_kind_name(node->kind));
    else if ((spot->type == FIELD_LIST || spot->type == FIELD_SET) && node->kind == YML_STRING &&
             !node->given && !(spot->row->flags & FIELD_SENSITIVE))
        schema_problem(schema, spot, "a list is wanted, this is a string: write [%.60s]", node->text);
    else
        schema_problem(schema, spot, "%s is wanted, this is %s", type_wanted(spot->type),
                       yml_kind_name(node->kind));
    return false;
}

/*
 * The words "secret" and "unknown" alone in a map stand for something else inside the daemon. With a map behind it the
 * word is only a name: {secret: {name: x}} of a projected volume.
 */
static bool marker_free(struct schema *schema, const struct node *node, const char *label)
{
    if (node->kind != YML_MAP || node->count != 1 || node->children[0]->kind == YML_MAP ||
        !(str_equal(node->children[0]->key, "secret") || str_equal(node->children[0]->key, "unknown")))
        return true;
    report_problem(schema->report, node->children[0]->key_place,
                   "%s: a map whose only key is \"%s\" can not be expressed here: add another key", label,
                   node->children[0]->key);
    return false;
}

/* Free-form values: nothing to check but depth, and what would be mistaken for a marker. */
static bool free_form(struct schema *schema, const struct node *node, const char *label, unsigned depth)
{
    bool good = true;

    if (node->poison)
        return false;
    if (schema->depth + depth > DEPTH_MAX) {
        report_problem(schema->report, node->place, "%s: nested deeper than %d levels", label, DEPTH_MAX);
        return false;
    }
    if (schema->templates && !marker_free(schema, node, label))
        good = false;
    for (size_t i = 0; i < node->count; i++) {
        const struct node *child = node->children[i];
        bool keyed = node->kind == YML_MAP;
        size_t before = keyed ? path_push(schema, child->key) : path_push_index(schema, i);

        if (depth < FREE_PLACES_DEPTH)
            path_remember(schema, keyed ? child->key_place : child->place);
        if (!free_form(schema, child, label, depth + 1))
            good = false;
        path_pop(schema, before);
    }
    return good;
}

static bool check_any(struct schema *schema, const struct spot *spot, struct json_object **ret)
{
    int r;

    if (!free_form(schema, spot->node, spot->label, 0))
        return false;
    r = node_to_json(spot->node, ret);
    if (r == -ENOMEM)
        return no_memory(schema);
    if (r < 0)
        schema_problem(schema, spot, "holds a number that is too large: put it in quotes");
    return r == 0;
}

/* A policy written as its JSON text: the same document, checked the same way. */
static bool policy_text(struct schema *schema, const struct spot *spot, struct json_object **ret)
{
    struct err err CLEANUP_ERR = {0};
    struct json_object *document CLEANUP_JS = NULL;
    struct node *tree CLEANUP_NODE = NULL;
    struct spot parsed = *spot;
    int r;

    if (schema->templates && text_is_reference(spot->node->text)) {
        *ret = json_object_new_string(spot->node->text);
        return *ret ? true : no_memory(schema);
    }
    r = js_parse_text(spot->node->text, &document, &err);
    if (r == -ENOMEM)
        return no_memory(schema);
    if (r < 0 || !json_object_is_type(document, json_type_object)) {
        schema_problem(schema, spot, "a policy document is wanted (a map, or its JSON text): %s",
                       r < 0 ? err_text(&err) : "this is no JSON object");
        return false;
    }
    tree = node_from_json(document, spot->node->place);
    if (!tree)
        return no_memory(schema);
    parsed.node = tree;
    return check_any(schema, &parsed, ret);
}

static bool check_policy(struct schema *schema, const struct spot *spot, struct json_object **ret)
{
    if (spot->node->kind == YML_STRING)
        return policy_text(schema, spot, ret);
    if (spot->node->kind != YML_MAP)
        return wrong_container(schema, spot);
    return check_any(schema, spot, ret);
}

/* What is null in a document is not declared. The depth was bounded by free_form(). */
static void drop_nulls(struct json_object *value)
{
    if (json_object_is_type(value, json_type_object)) {
        js_each (value, key, member) {
            if (member)
                drop_nulls(member);
            else
                json_object_object_del(value, key); /* the current one may go */
        }
    }
    for (size_t i = 0, count = js_count(value, NULL); i < count; i++)
        drop_nulls(js_at(value, i));
}

static bool check_document(struct schema *schema, const struct spot *spot, struct json_object **ret)
{
    if (spot->node->kind != YML_MAP)
        return wrong_container(schema, spot);
    if (!check_any(schema, spot, ret))
        return false;
    drop_nulls(*ret);
    return true;
}

/* A set holds nothing twice; objects are told apart by their key member. */
static bool element_is_new(struct schema *schema, const struct spot *spot, struct json_object *seen,
                           const struct node *node, struct json_object *value)
{
    const struct field *row = spot->row;
    char *name CLEANUP_FREE = NULL;

    if (row->type != FIELD_SET)
        return true;
    if (row->key && js_text(value, row->key))
        name = strdup(js_text(value, row->key));
    else
        name = js_canonical(value);
    if (!name)
        return no_memory(schema);
    if (json_object_object_get_ex(seen, name, NULL)) {
        struct spot here = {row, spot->type, node, spot->label};

        schema_problem(schema, &here, "%.60s is there twice", name);
        return false;
    }
    return js_put_key(seen, name, NULL) == 0 ? true : no_memory(schema);
}

/* Also findable as inline_policy["deploy"]: differences name elements so. */
static void remember_by_key(struct schema *schema, const struct field *row, size_t container_end,
                            const struct node *node)
{
    const struct node *name = row->key ? node_get(node, row->key) : NULL;
    struct buf path CLEANUP_BUF = BUF_INIT(1 << 10);

    if (!name || name->kind != YML_STRING || !schema->places || schema->path.failed < 0)
        return;
    (void)buf_add(&path, buf_text(&schema->path), container_end);
    if (buf_addf(&path, "[\"%s\"]", name->text) < 0)
        return; /* a place less to point at */
    if (place_list_add(schema->places, buf_text(&path), node->place) < 0)
        report_no_memory(schema->report);
    for (size_t i = 0; i < node->count; i++) {
        size_t before = path.size;

        if (buf_addf(&path, ".%s", node->children[i]->key) < 0)
            return;
        if (place_list_add(schema->places, buf_text(&path), node->children[i]->key_place) < 0)
            report_no_memory(schema->report);
        path.size = before;
        path.data[before] = '\0';
    }
}

static bool check_elements(struct schema *schema, const struct spot *spot, const struct field *element,
                           struct json_object *array, struct json_object *seen)
{
    char *label CLEANUP_FREE = NULL;
    bool good = true;

    for (size_t i = 0; i < spot->node->count; i++) {
        const struct node *child = spot->node->children[i];
        struct json_object *value = NULL;
        struct spot inner = {element, element->type, child, NULL};
        size_t before;
        bool right;

        free(label);
        label = str_format("%s.%zu", spot->label, i);
        if (!label)
            return no_memory(schema);
        inner.label = label;
        before = path_push_index(schema, i);
        path_remember(schema, child->place);
        right = check_value(schema, &inner, &value);
        path_pop(schema, before);
        if (right && !value && !child->poison) {
            schema_problem(schema, &inner, "is empty");
            right = false;
        }
        if (right && !element_is_new(schema, spot, seen, child, value))
            right = false;
        if (right)
            remember_by_key(schema, spot->row, before, child);
        if (!right || json_object_array_add(array, value) < 0) {
            json_object_put(value);
            good = false;
        }
    }
    return good;
}

/* The word in place of the list is kept as a list of it alone. */
static bool give_word(struct schema *schema, const struct spot *spot, struct json_object **ret)
{
    struct json_object *array CLEANUP_JS = json_object_new_array();

    if (!array || js_add_text(array, spot->node->text) < 0)
        return no_memory(schema);
    *ret = TAKE(array);
    return true;
}

static bool check_list(struct schema *schema, const struct spot *spot, struct json_object **ret)
{
    const struct field element = row_of_element(spot->row);
    const long long count = (long long)spot->node->count;
    struct json_object *array CLEANUP_JS = NULL;
    struct json_object *seen CLEANUP_JS = NULL;

    if (spot->node->kind == YML_STRING && word_of(spot->row) &&
        str_equal(spot->node->text, word_of(spot->row)))
        return give_word(schema, spot, ret);
    if (spot->node->kind != YML_LIST)
        return wrong_container(schema, spot);
    if (!schema_length(schema, spot, "elements", count))
        return false;
    array = json_object_new_array();
    seen = json_object_new_object();
    if (!array || !seen)
        return no_memory(schema);
    if (!check_elements(schema, spot, &element, array, seen))
        return false;
    *ret = TAKE(array);
    return true;
}

static bool check_map(struct schema *schema, const struct spot *spot, struct json_object **ret)
{
    const struct field element = row_of_element(spot->row);
    struct json_object *object CLEANUP_JS = NULL;
    bool good = true;

    if (spot->node->kind != YML_MAP)
        return wrong_container(schema, spot);
    if (schema->templates && !marker_free(schema, spot->node, spot->label))
        return false;
    object = json_object_new_object();
    if (!object)
        return no_memory(schema);
    for (size_t i = 0; i < spot->node->count; i++) {
        const struct node *child = spot->node->children[i];
        char *label CLEANUP_FREE = str_format("%s.%s", spot->label, child->key);
        struct spot inner = {&element, element.type, child, label};
        struct json_object *value = NULL;
        size_t before;

        if (!label)
            return no_memory(schema);
        before = path_push(schema, child->key);
        path_remember(schema, child->key_place);
        if (!check_value(schema, &inner, &value))
            good = false;
        else if (!value && !child->poison) {
            schema_problem(schema, &inner, "is empty");
            good = false;
        } else if (js_put_key(object, child->key, value) < 0)
            good = no_memory(schema);
        path_pop(schema, before);
    }
    if (good)
        *ret = TAKE(object);
    return good;
}

/* ---- objects ---- */

static void unknown_field(struct schema *schema, const struct field *fields, const struct node *child)
{
    struct nearest nearest = NEAREST(child->key);
    char *hint CLEANUP_FREE = NULL;
    char *where CLEANUP_FREE = NULL;

    for (const struct field *row = fields; row->name; row++)
        nearest_offer(&nearest, row->name);
    for (const struct field *row = schema->also; row && row->name && schema->path.size == 0; row++)
        nearest_offer(&nearest, row->name);
    hint = nearest_hint(&nearest);
    if (schema->explain)
        where = str_format(" (mlopsctl explain %s%s%s)", schema->subject, schema->path.size > 0 ? "." : "",
                           buf_text(&schema->path));
    else
        where = strdup("");
    if (!hint || !where) {
        report_no_memory(schema->report);
        return;
    }
    report_problem(schema->report, child->key_place, "\"%s\" is no field of %s%s%s%s%s", child->key,
                   schema->path.size > 0 ? buf_text(&schema->path) : schema->subject,
                   schema->path.size > 0 ? " of " : "", schema->path.size > 0 ? schema->subject : "", hint,
                   where);
}

static void unknown_fields(struct schema *schema, const struct field *fields, const struct node *node)
{
    for (size_t i = 0; i < node->count; i++) {
        const struct node *child = node->children[i];

        if (field_find(fields, child->key))
            continue;
        if (schema->also && schema->path.size == 0 && field_find(schema->also, child->key))
            continue;
        unknown_field(schema, fields, child);
    }
}

/* The default of a row, as a tree standing where the object stands. NULL: none, or reported. */
static struct node *fallback_node(struct schema *schema, const struct field *row, struct place place)
{
    struct json_object *value CLEANUP_JS = NULL;
    struct node *node CLEANUP_NODE = NULL;
    struct node *ready;
    struct err err CLEANUP_ERR = {0};

    if (!row->fallback)
        return NULL;
    if (js_parse_text(row->fallback, &value, &err) < 0) {
        report_problem(schema->report, place,
                       "the default of %s is no JSON: %s (a mistake in mlopsd's tables)", row->name,
                       err_text(&err));
        return NULL;
    }
    node = node_from_json(value, place);
    if (!node) {
        report_no_memory(schema->report);
        return NULL;
    }
    if (!schema->templates || !schema->scope)
        return TAKE(node);
    ready = substitute(node, schema->scope, schema->report);
    if (!ready)
        report_no_memory(schema->report);
    return ready;
}

static void missing_field(struct schema *schema, const struct field *row, struct place place)
{
    char *field CLEANUP_FREE = str_format("%s%s%s", buf_text(&schema->path), schema->path.size > 0 ? "." : "",
                                          row->name);

    if (!field)
        report_no_memory(schema->report);
    else if (schema->explain)
        report_problem(schema->report, place, "%s: missing: %s (mlopsctl explain %s.%s)", field,
                       row->doc ? row->doc : "required", schema->subject, field);
    else
        report_problem(schema->report, place, "%s: missing: %s", field, row->doc ? row->doc : "required");
}

/*
 * Null in the document says "there must be none". An explicit null means that where extras are drift, and "not
 * declared" elsewhere; not declared means that where the default is null.
 */
static bool null_is_meant(const struct field *row, const struct node *node)
{
    if (str_equal(row->fallback, "null") && (!node || node->kind == YML_NULL))
        return true;
    return node && node->kind == YML_NULL && !node->given &&
           row->flags & (FIELD_EXCLUSIVE | FIELD_SECURITY) && !(row->flags & FIELD_REQUIRED);
}

static void check_member(struct schema *schema, const struct field *row, const struct node *parent,
                         struct json_object *object)
{
    const struct node *node = node_get(parent, row->name);
    struct node *fallback CLEANUP_NODE = NULL;
    struct json_object *value = NULL;
    size_t before;
    bool right;

    if (node && node->poison)
        return;
    if (null_is_meant(row, node)) {
        if (js_put_key(object, row->name, NULL) < 0)
            report_no_memory(schema->report);
        return;
    }
    if (!node || node->kind == YML_NULL) {
        struct place place = node ? node->key_place : parent->key_place;

        if (!row->fallback && row->flags & FIELD_REQUIRED)
            missing_field(schema, row, place);
        fallback = fallback_node(schema, row, place);
        if (!fallback || fallback->poison || fallback->kind == YML_NULL)
            return;
        node = fallback;
    }
    before = path_push(schema, row->name);
    path_remember(schema, node == fallback ? node->place : node->key_place);
    {
        char *label CLEANUP_FREE = strdup(buf_text(&schema->path));
        struct spot spot = {row, row->type, node, label};

        right = label ? check_value(schema, &spot, &value) : no_memory(schema);
    }
    path_pop(schema, before);
    if (right && js_put_key(object, row->name, value) < 0)
        report_no_memory(schema->report);
}

static bool check_object(struct schema *schema, const struct field *fields, const struct spot *spot,
                         struct json_object **ret)
{
    size_t before = report_count(schema->report);
    struct json_object *object CLEANUP_JS = NULL;

    if (spot->node->kind != YML_MAP)
        return wrong_container(schema, spot);
    object = json_object_new_object();
    if (!object)
        return no_memory(schema);
    if (!schema->partial || schema->path.size > 0)
        unknown_fields(schema, fields, spot->node);
    for (const struct field *row = fields; row->name; row++)
        check_member(schema, row, spot->node, object);
    if (report_count(schema->report) != before && spot->row)
        return false;
    *ret = TAKE(object);
    return true;
}

/* ---- any value ---- */

static bool check_container(struct schema *schema, const struct spot *spot, struct json_object **ret)
{
    switch (spot->type) {
    case FIELD_LIST:
    case FIELD_SET:
        return check_list(schema, spot, ret);
    case FIELD_MAP:
        return check_map(schema, spot, ret);
    case FIELD_OBJECT:
        return check_object(schema, spot->row->members, spot, ret);
    case FIELD_POLICY:
        return check_policy(schema, spot, ret);
    case FIELD_DOCUMENT:
        return check_document(schema, spot, ret);
    default:
        return check_any(schema, spot, ret);
    }
}

static bool is_container(enum field_type type)
{
    return type == FIELD_LIST || type == FIELD_SET || type == FIELD_MAP || type == FIELD_OBJECT ||
           type == FIELD_POLICY || type == FIELD_DOCUMENT || type == FIELD_ANY;
}

/* True with *ret; false when something was reported or poisoned. */
static bool check_value(struct schema *schema, const struct spot *spot, struct json_object **ret)
{
    const struct node *node = spot->node;
    bool right;

    *ret = NULL;
    if (node->poison)
        return false;
    if (node->kind == YML_NULL)
        return true;
    if (!is_container(spot->type))
        return schema_scalar(schema, spot, ret);
    /* A reference may bring a whole list or map later. */
    if (schema->templates && node->kind == YML_STRING && spot->type != FIELD_POLICY &&
        spot->type != FIELD_DOCUMENT && spot->type != FIELD_ANY && text_is_reference(node->text)) {
        *ret = json_object_new_string(node->text);
        return *ret ? true : no_memory(schema);
    }
    if (schema->depth >= DEPTH_MAX) {
        schema_problem(schema, spot, "nested deeper than %d levels", DEPTH_MAX);
        return false;
    }
    schema->depth++;
    right = check_container(schema, spot, ret);
    schema->depth--;
    return right;
}

int schema_check(struct schema *schema, const struct field *fields, const struct node *node,
                 struct json_object **ret)
{
    struct spot spot = {NULL, FIELD_OBJECT, node, schema->subject};
    struct json_object *object = NULL;

    schema->path = BUF_INIT(4 << 10);
    schema->depth = 1;
    if (node->kind == YML_MAP && !node->poison)
        (void)check_object(schema, fields, &spot, &object); /* mistakes are in the report */
    else if (!node->poison)
        schema_problem(schema, &spot, "a map of fields is wanted, this is %s", yml_kind_name(node->kind));
    buf_done(&schema->path);
    if (!object)
        object = json_object_new_object();
    if (!object || schema->report->failed < 0) {
        json_object_put(object);
        return -ENOMEM;
    }
    *ret = object;
    return 0;
}
