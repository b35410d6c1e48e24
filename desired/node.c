/*
 * node.c: the tree a resource is made from: values of one or two files, each
 * knowing its file, line and column, merged and later filled with references' values.
 *
 * Recursion is bounded by the depth limits of the YAML reader and of js_parse().
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/utf8.h"
#include "desired/desired-internal.h"

struct node *node_free(struct node *node)
{
    if (!node)
        return NULL;
    for (size_t i = 0; i < node->count; i++)
        node_free(node->children[i]);
    free(node->children);
    free(node->key);
    free(node->text);
    free(node);
    return NULL;
}

struct node *node_new(enum yml_kind kind, struct place place)
{
    struct node *node = calloc(1, sizeof(*node));

    if (!node)
        return NULL;
    node->kind = kind;
    node->place = place;
    node->key_place = place;
    return node;
}

struct node *node_poison(struct place place)
{
    struct node *node = node_new(YML_NULL, place);

    if (node)
        node->poison = true;
    return node;
}

int node_add(struct node *parent, struct node *take_child)
{
    struct node **children;

    /* Grown in powers of two: the count itself says when. */
    if ((parent->count & (parent->count - 1)) == 0) {
        size_t room = parent->count ? parent->count * 2 : 1;

        children = reallocarray(parent->children, room, sizeof(struct node *));
        if (!children) {
            node_free(take_child);
            return -ENOMEM;
        }
        parent->children = children;
    }
    parent->children[parent->count++] = take_child;
    return 0;
}

const struct node *node_get(const struct node *map, const char *key)
{
    if (!map || map->kind != YML_MAP)
        return NULL;
    for (size_t i = 0; i < map->count; i++)
        if (str_equal(map->children[i]->key, key))
            return map->children[i];
    return NULL;
}

struct node *node_take(struct node *map, const char *key)
{
    for (size_t i = 0; map->kind == YML_MAP && i < map->count; i++) {
        struct node *found = map->children[i];

        if (!str_equal(found->key, key))
            continue;
        /* The others keep their order. The count falls, the room stays: node_add() only ever finds too much of it. */
        memmove(&map->children[i], &map->children[i + 1], (map->count - i - 1) * sizeof(struct node *));
        map->count--;
        return found;
    }
    return NULL;
}

/* Does the text stand on one line exactly as we have it, so that offsets are columns? */
static bool text_is_exact(const struct yml *yml)
{
    size_t width;

    if (!yml->text || yml->start.line != yml->end.line)
        return false;
    width = utf8_count(yml->text, strlen(yml->text)) + (yml->quoted ? 2 : 0);
    return yml->end.column == yml->start.column + width;
}

struct node *node_from_yml(const char *file, const struct yml *yml)
{
    struct node *node CLEANUP_NODE = node_new(yml->kind, (struct place){file, yml->start});

    if (!node)
        return NULL;
    node->quoted = yml->quoted;
    node->exact = text_is_exact(yml);
    node->key_place = (struct place){file, yml->key ? yml->key_mark : yml->start};
    if (str_set(&node->key, yml->key) < 0 || str_set(&node->text, yml->text) < 0)
        return NULL;
    for (size_t i = 0; i < yml->count; i++) {
        struct node *child = node_from_yml(file, yml->children[i]);

        if (!child || node_add(node, child) < 0)
            return NULL;
    }
    return TAKE(node);
}

static enum yml_kind kind_of_json(struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_boolean:
        return YML_BOOLEAN;
    case json_type_int:
        return YML_INTEGER;
    case json_type_double:
        return YML_NUMBER;
    case json_type_string:
        return YML_STRING;
    case json_type_array:
        return YML_LIST;
    case json_type_object:
        return YML_MAP;
    case json_type_null:
    default:
        return YML_NULL;
    }
}

static int node_add_json(struct node *parent, const char *key, struct json_object *value)
{
    struct node *child = node_from_json(value, parent->place);

    if (!child)
        return -ENOMEM;
    if (str_set(&child->key, key) < 0) {
        node_free(child);
        return -ENOMEM;
    }
    return node_add(parent, child);
}

static int node_add_members(struct node *node, struct json_object *value)
{
    js_each (value, key, member) {
        if (node_add_json(node, key, member) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int node_add_elements(struct node *node, struct json_object *value)
{
    for (size_t i = 0; i < json_object_array_length(value); i++)
        if (node_add_json(node, NULL, json_object_array_get_idx(value, i)) < 0)
            return -ENOMEM;
    return 0;
}

struct node *node_from_json(struct json_object *value, struct place place)
{
    struct node *node CLEANUP_NODE = node_new(kind_of_json(value), place);

    if (!node)
        return NULL;
    node->given = true;
    if (node->kind == YML_MAP)
        return node_add_members(node, value) < 0 ? NULL : TAKE(node);
    if (node->kind == YML_LIST)
        return node_add_elements(node, value) < 0 ? NULL : TAKE(node);
    if (node->kind == YML_NULL)
        return TAKE(node);
    node->quoted = node->kind == YML_STRING;
    node->text = js_scalar_text(value);
    return node->text ? TAKE(node) : NULL;
}

static int number_to_json(const struct node *node, struct json_object **ret)
{
    char *end;
    double number;
    long long whole;

    if (str_to_int64(node->text, INT64_MIN, INT64_MAX, &whole) == 0) {
        *ret = json_object_new_int64(whole);
        return *ret ? 0 : -ENOMEM;
    }
    if (node->kind == YML_INTEGER)
        return -ERANGE;
    errno = 0;
    number = strtod(node->text, &end);
    if (errno != 0 || *end != '\0' || end == node->text)
        return -ERANGE;
    *ret = json_object_new_double(number);
    return *ret ? 0 : -ENOMEM;
}

static int children_to_json(const struct node *node, struct json_object *into)
{
    int r;

    for (size_t i = 0; i < node->count; i++) {
        const struct node *child = node->children[i];
        struct json_object *value = NULL;

        r = node_to_json(child, &value);
        if (r < 0)
            return r;
        if (node->kind == YML_MAP)
            r = js_put_key(into, child->key, value);
        else if (json_object_array_add(into, value) < 0) {
            json_object_put(value);
            r = -ENOMEM;
        }
        if (r < 0)
            return r;
    }
    return 0;
}

int node_to_json(const struct node *node, struct json_object **ret)
{
    struct json_object *value CLEANUP_JS = NULL;
    int r = 0;

    switch (node->kind) {
    case YML_NULL:
        *ret = NULL;
        return 0;
    case YML_STRING:
        value = json_object_new_string(node->text);
        break;
    case YML_BOOLEAN:
        value = json_object_new_boolean(str_equal(node->text, "true"));
        break;
    case YML_INTEGER:
    case YML_NUMBER:
        return number_to_json(node, ret);
    case YML_LIST:
        value = json_object_new_array();
        break;
    case YML_MAP:
        value = json_object_new_object();
        break;
    case YML_KIND_MAX:
        break;
    }
    if (!value)
        return -ENOMEM;
    if (node->count > 0)
        r = children_to_json(node, value);
    if (r == 0)
        *ret = TAKE(value);
    return r;
}

/* Rows that say how members are put together; a document's own members go by the row that let it in. */
static const struct field any_member = {.type = FIELD_DOCUMENT};

static bool merges(const struct node *base, const struct node *over, const struct field *row)
{
    if (base->kind != YML_MAP || over->kind != YML_MAP || !row)
        return false;
    return row->type == FIELD_OBJECT || row->type == FIELD_MAP || row->type == FIELD_DOCUMENT;
}

static int merge(struct node **base, struct node *take_over, const struct field *fields, bool document);

/* Put @take_over in the place of the member of the same key, or behind the last one. */
static int merge_member(struct node *base, struct node *take_over, const struct field *fields, bool document)
{
    const struct field *row = document ? &any_member : fields ? field_find(fields, take_over->key) : NULL;

    for (size_t i = 0; i < base->count; i++) {
        struct node **slot = &base->children[i];

        if (!str_equal((*slot)->key, take_over->key))
            continue;
        if (merges(*slot, take_over, row))
            return merge(slot, take_over, row->type == FIELD_OBJECT ? row->members : NULL,
                         row->type == FIELD_DOCUMENT);
        node_free(*slot);
        *slot = take_over;
        return 0;
    }
    return node_add(base, take_over);
}

static int merge(struct node **base, struct node *take_over, const struct field *fields, bool document)
{
    int r = 0;

    if ((*base)->kind != YML_MAP || take_over->kind != YML_MAP) {
        node_free(*base);
        *base = take_over;
        return 0;
    }
    for (size_t i = 0; i < take_over->count; i++) {
        struct node *member = TAKE(take_over->children[i]);

        if (r == 0)
            r = merge_member(*base, member, fields, document);
        else
            node_free(member);
    }
    node_free(take_over);
    return r;
}

int node_merge(struct node **base, struct node *take_over, const struct field *fields)
{
    return merge(base, take_over, fields, false);
}
