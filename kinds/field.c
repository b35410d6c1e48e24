/*
 * field.c: finding rows, and naming their types for messages and documentation.
 */
#include <assert.h>
#include <string.h>

#include "common/str.h"
#include "kinds/field.h"

static const char *const type_names[FIELD_TYPE_MAX] = {
    [FIELD_STRING] = "string",   [FIELD_INTEGER] = "integer", [FIELD_BOOLEAN] = "boolean",
    [FIELD_ENUM] = "enum",       [FIELD_LIST] = "list",       [FIELD_SET] = "set",
    [FIELD_MAP] = "map",         [FIELD_OBJECT] = "object",   [FIELD_POLICY] = "policy",
    [FIELD_VERSION] = "version", [FIELD_SECRET] = "secret",   [FIELD_DOCUMENT] = "document",
};

/* Names of containers by the type of what they hold. */
static const char *const list_names[FIELD_TYPE_MAX] = {
    [FIELD_STRING] = "list of strings",   [FIELD_INTEGER] = "list of integers",
    [FIELD_BOOLEAN] = "list of booleans", [FIELD_ENUM] = "list of enums",
    [FIELD_LIST] = "list of lists",       [FIELD_SET] = "list of sets",
    [FIELD_MAP] = "list of maps",         [FIELD_OBJECT] = "list of objects",
    [FIELD_POLICY] = "list of policies",  [FIELD_VERSION] = "list of versions",
    [FIELD_SECRET] = "list of secrets",
};
static const char *const set_names[FIELD_TYPE_MAX] = {
    [FIELD_STRING] = "set of strings",   [FIELD_INTEGER] = "set of integers",
    [FIELD_BOOLEAN] = "set of booleans", [FIELD_ENUM] = "set of enums",
    [FIELD_LIST] = "set of lists",       [FIELD_SET] = "set of sets",
    [FIELD_MAP] = "set of maps",         [FIELD_OBJECT] = "set of objects",
    [FIELD_POLICY] = "set of policies",  [FIELD_VERSION] = "set of versions",
    [FIELD_SECRET] = "set of secrets",
};
static const char *const map_names[FIELD_TYPE_MAX] = {
    [FIELD_STRING] = "map of strings",   [FIELD_INTEGER] = "map of integers",
    [FIELD_BOOLEAN] = "map of booleans", [FIELD_ENUM] = "map of enums",
    [FIELD_LIST] = "map of lists",       [FIELD_SET] = "map of sets",
    [FIELD_MAP] = "map of maps",         [FIELD_OBJECT] = "map of objects",
    [FIELD_POLICY] = "map of policies",  [FIELD_VERSION] = "map of versions",
    [FIELD_SECRET] = "map of secrets",
};

const char *field_type_name(const struct field *field)
{
    assert((unsigned)field->type < FIELD_TYPE_MAX && (unsigned)field->element < FIELD_TYPE_MAX);
    switch (field->type) {
    case FIELD_LIST:
        return list_names[field->element];
    case FIELD_SET:
        return set_names[field->element];
    case FIELD_MAP:
        return map_names[field->element];
    default:
        return type_names[field->type];
    }
}

char *field_bounds(const struct field *field)
{
    bool is_length = field->type != FIELD_INTEGER;

    if (is_length && field->max == 0)
        return str_format("at least %lld", field->min);
    if (is_length && field->min == 0)
        return str_format("at most %lld", field->max);
    if (field->min == field->max)
        return str_format("exactly %lld", field->min);
    return str_format("%lld to %lld", field->min, field->max);
}

const struct field *field_find(const struct field *fields, const char *name)
{
    for (; fields && fields->name; fields++) {
        if (strcmp(fields->name, name) == 0)
            return fields;
    }
    return NULL;
}

const struct attribute *attribute_find(const struct attribute *attributes, const char *name)
{
    for (; attributes && attributes->name; attributes++) {
        if (strcmp(attributes->name, name) == 0)
            return attributes;
    }
    return NULL;
}
