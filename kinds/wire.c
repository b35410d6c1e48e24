/*
 * wire.c: documents to requests and answers to documents, by the rows' wire
 * paths and types. What has no wire path is the kind's own business.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/encode.h"
#include "common/js.h"
#include "kinds/diff-internal.h"
#include "kinds/kind.h"
#include "kinds/registry-internal.h"

char *wire_policy_text(struct json_object *policy)
{
    /* AWS counts white space against the length limits: canonical text has none. */
    if (json_object_is_type(policy, json_type_string)) {
        struct json_object *parsed CLEANUP_JS = wire_policy(json_object_get_string(policy));

        return json_object_is_type(parsed, json_type_string) ? strdup(json_object_get_string(parsed))
                                                             : js_canonical(parsed);
    }
    return js_canonical(policy);
}

struct json_object *wire_policy(const char *text)
{
    struct json_object *policy = NULL;
    char *decoded CLEANUP_FREE = NULL;

    /* IAM percent-encodes its documents; JSON never begins with '%'. */
    decoded = text[0] == '%' ? decode_percent(text) : strdup(text);
    if (!decoded)
        return NULL;
    if (js_parse_text(decoded, &policy, NULL) == 0 && policy)
        return policy;
    return json_object_new_string(decoded); /* not ours to judge: it will differ from anything */
}

/* ---- to the wire ---- */

static struct json_object *write_value(enum field_type type, const struct field *row,
                                       struct json_object *value);

static struct json_object *write_elements(const struct field *row, struct json_object *value)
{
    struct json_object *array = json_object_new_array();

    for (size_t i = 0, count = js_count(value, NULL); array && i < count; i++) {
        struct json_object *element = write_value(row->element, row, js_at(value, i));

        if (!element || json_object_array_add(array, element) < 0) {
            json_object_put(element);
            json_object_put(array);
            return NULL;
        }
    }
    return array;
}

static struct json_object *write_value(enum field_type type, const struct field *row,
                                       struct json_object *value)
{
    char *text CLEANUP_FREE = NULL;

    switch (type) {
    case FIELD_OBJECT:
        return wire_write(row->members, value);
    case FIELD_LIST:
    case FIELD_SET:
        return write_elements(row, value);
    case FIELD_POLICY:
        text = wire_policy_text(value);
        return text ? json_object_new_string(text) : NULL;
    default:
        return js_copy(value);
    }
}

struct json_object *wire_write(const struct field *fields, struct json_object *document)
{
    struct json_object *result = json_object_new_object();

    for (const struct field *row = fields; result && row && row->name; row++) {
        struct json_object *value = NULL, *written;

        if (!row->wire || row->type == FIELD_SECRET || (row->flags & FIELD_LOCAL))
            continue;
        if (!json_object_object_get_ex(document, row->name, &value) || !value || diff_is_unknown(value))
            continue;
        written = write_value(row->type, row, value);
        if (!written || js_set(result, row->wire, written) < 0) {
            json_object_put(result);
            return NULL;
        }
    }
    return result;
}

/* ---- from the wire ---- */

static int read_value(enum field_type type, const struct field *row, struct json_object *value,
                      struct json_object **ret);

static int read_elements(const struct field *row, struct json_object *value, struct json_object **ret)
{
    struct json_object *array CLEANUP_JS = json_object_new_array(), *element;

    if (!array)
        return -ENOMEM;
    for (size_t i = 0, count = js_count(value, NULL); i < count; i++) {
        int r = read_value(row->element, row, js_at(value, i), &element);

        if (r < 0)
            return r;
        if (json_object_array_add(array, element) < 0) {
            json_object_put(element);
            return -ENOMEM;
        }
    }
    *ret = TAKE(array);
    return 0;
}

static int read_members(const struct field *fields, struct json_object *answer, struct json_object *into);

static int read_object(const struct field *row, struct json_object *value, struct json_object **ret)
{
    struct json_object *object CLEANUP_JS = json_object_new_object();
    int r;

    if (!object)
        return -ENOMEM;
    r = read_members(row->members, value, object);
    if (r < 0)
        return r;
    *ret = TAKE(object);
    return 0;
}

static int made(struct json_object *value, struct json_object **ret)
{
    *ret = value;
    return value ? 0 : -ENOMEM;
}

/*
 * XML answers know only text: numbers and booleans are made from it. What does not fit its type stays
 * as it came.
 */
static int read_scalar(enum field_type type, struct json_object *value, struct json_object **ret)
{
    char *text CLEANUP_FREE = NULL;

    if (type == FIELD_INTEGER && js_int(value, NULL, INT64_MIN) != INT64_MIN)
        return made(json_object_new_int64(js_int(value, NULL, 0)), ret);
    if (type == FIELD_BOOLEAN && js_bool(value, NULL, true) == js_bool(value, NULL, false))
        return made(json_object_new_boolean(js_bool(value, NULL, false)), ret);
    if (type == FIELD_INTEGER || type == FIELD_BOOLEAN || json_object_is_type(value, json_type_string))
        return made(js_copy(value), ret);
    text = js_scalar_text(value);
    return made(text ? json_object_new_string(text) : js_copy(value), ret);
}

static int read_value(enum field_type type, const struct field *row, struct json_object *value,
                      struct json_object **ret)
{
    switch (type) {
    case FIELD_OBJECT:
        return read_object(row, value, ret);
    case FIELD_LIST:
    case FIELD_SET:
        return read_elements(row, value, ret);
    case FIELD_MAP:
        return made(js_copy(value), ret);
    case FIELD_POLICY:
        if (json_object_is_type(value, json_type_string))
            return made(wire_policy(json_object_get_string(value)), ret);
        return made(js_copy(value), ret);
    default:
        return read_scalar(type, value, ret);
    }
}

static int read_members(const struct field *fields, struct json_object *answer, struct json_object *into)
{
    for (const struct field *row = fields; row && row->name; row++) {
        struct json_object *value = row->wire ? js_get(answer, row->wire) : NULL, *read;
        int r;

        if (!value || row->type == FIELD_SECRET)
            continue;
        r = read_value(row->type, row, value, &read);
        if (r == 0)
            r = js_put_key(into, row->name, read);
        if (r < 0)
            return r;
    }
    return 0;
}

int wire_read(const struct kind *kind, struct json_object *answer, struct json_object *observed)
{
    int r = read_members(kind->fields, answer, observed);

    for (const struct attribute *row = kind->attributes; r == 0 && row && row->name; row++) {
        struct json_object *value = row->wire ? js_get(answer, row->wire) : NULL, *read;

        if (!value || (row->flags & FIELD_SENSITIVE))
            continue;
        r = read_scalar(row->type, value, &read);
        if (r == 0)
            r = js_put_key(observed, row->name, read);
    }
    return r;
}
