/*
 * js.c: reading and changing JSON trees by path.
 *
 * Parsing is in js_parse.c; canonical text, comparison and copies are in
 * js_canonical.c.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/js-internal.h"
#include "common/js.h"
#include "common/str.h"

/* A path step this long is copied to the stack, a longer one to the heap. */
#define STEP_STACK_BYTES 128
/* Objects with more members are asked by the hash of the key. */
#define WALK_MAX         12

bool js_find(struct json_object *object, const char *key, struct json_object **ret)
{
    if (json_object_object_length(object) > WALK_MAX)
        return json_object_object_get_ex(object, key, ret);
    js_each (object, name, value) {
        if (name[0] == key[0] && strcmp(name, key) == 0) {
            *ret = value;
            return true;
        }
    }
    *ret = NULL;
    return false;
}

/* Array index written as digits; SIZE_MAX when it is none. */
static size_t step_index(const char *step)
{
    long long index;

    return step[0] != '-' && str_to_int64(step, 0, INT_MAX, &index) == 0 ? (size_t)index : SIZE_MAX;
}

static struct json_object *step_into(struct json_object *object, const char *step)
{
    struct json_object *value = NULL;
    size_t index;

    if (json_object_is_type(object, json_type_object)) {
        (void)js_find(object, step, &value); /* missing is NULL, as null is */
    } else if (json_object_is_type(object, json_type_array)) {
        index = step_index(step);
        if (index != SIZE_MAX)
            value = json_object_array_get_idx(object, index);
    }
    return value;
}

/* The step that begins at @path as text of its own: in @space, or in *@heap when long. NULL without memory. */
static const char *step_text(const char *path, size_t length, char space[STEP_STACK_BYTES], char **heap)
{
    if (length >= STEP_STACK_BYTES) {
        free(*heap);
        *heap = strndup(path, length);
        return *heap;
    }
    memcpy(space, path, length);
    space[length] = '\0';
    return space;
}

static struct json_object *walk_path(struct json_object *object, const char *path)
{
    char *heap CLEANUP_FREE = NULL;
    char space[STEP_STACK_BYTES];

    while (object) {
        size_t length = strcspn(path, ".");
        const char *step = step_text(path, length, space, &heap);

        if (!step)
            return NULL;
        object = step_into(object, step);
        if (path[length] == '\0')
            return object;
        path += length + 1;
    }
    return NULL;
}

struct json_object *js_get(struct json_object *object, const char *path)
{
    if (!object || str_empty(path))
        return object;
    /* Nearly every path is one step: no copy for it. */
    return strchr(path, '.') ? walk_path(object, path) : step_into(object, path);
}

const char *js_text(struct json_object *object, const char *path)
{
    struct json_object *value = js_get(object, path);

    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

int64_t js_int(struct json_object *object, const char *path, int64_t otherwise)
{
    struct json_object *value = js_get(object, path);
    long long number;
    double real;

    switch (json_object_get_type(value)) {
    case json_type_int:
        /* json-c clamps what only fits unsigned. */
        number = json_object_get_int64(value);
        return number == INT64_MAX && json_object_get_uint64(value) > INT64_MAX ? otherwise : number;
    case json_type_double:
        real = json_object_get_double(value);
        return js_is_integral(real) && real < 0x1p63 ? (int64_t)real : otherwise;
    case json_type_string:
        if (str_to_int64(json_object_get_string(value), INT64_MIN, INT64_MAX, &number) == 0)
            return number;
        return otherwise;
    default:
        return otherwise;
    }
}

bool js_bool(struct json_object *object, const char *path, bool otherwise)
{
    struct json_object *value = js_get(object, path);
    const char *text;

    if (json_object_is_type(value, json_type_boolean))
        return json_object_get_boolean(value);
    text = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
    if (str_equal(text, "true"))
        return true;
    return str_equal(text, "false") ? false : otherwise;
}

size_t js_count(struct json_object *object, const char *path)
{
    struct json_object *value = js_get(object, path);

    return json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 0;
}

struct json_object *js_at(struct json_object *object, size_t index)
{
    return json_object_is_type(object, json_type_array) ? json_object_array_get_idx(object, index) : NULL;
}

int js_put_key(struct json_object *object, const char *key, struct json_object *take_value)
{
    int r = -EINVAL;

    if (json_object_is_type(object, json_type_object)) {
        if (json_object_object_add(object, key, take_value) == 0)
            return 0;
        r = -ENOMEM;
    }
    json_object_put(take_value);
    return r;
}

/* The object under @key, made when it is missing or null. */
static int step_or_make(struct json_object **object, const char *key)
{
    struct json_object *value = NULL;
    int r;

    if (!json_object_is_type(*object, json_type_object))
        return -EINVAL;
    if (!js_find(*object, key, &value) || !value) {
        value = json_object_new_object();
        if (!value)
            return -ENOMEM;
        r = js_put_key(*object, key, value);
        if (r < 0)
            return r;
    }
    *object = value;
    return 0;
}

int js_set(struct json_object *object, const char *path, struct json_object *take_value)
{
    struct json_object *value CLEANUP_JS = take_value;
    char *heap CLEANUP_FREE = NULL;
    char space[STEP_STACK_BYTES];

    if (str_empty(path))
        return -EINVAL;
    while (true) {
        size_t length = strcspn(path, ".");
        const char *step = step_text(path, length, space, &heap);
        int r;

        if (!step)
            return -ENOMEM;
        if (path[length] == '\0')
            return js_put_key(object, step, TAKE(value));
        r = step_or_make(&object, step);
        if (r < 0)
            return r;
        path += length + 1;
    }
}

int js_set_text(struct json_object *object, const char *path, const char *text)
{
    struct json_object *value = text ? json_object_new_string(text) : NULL;

    return text && !value ? -ENOMEM : js_set(object, path, value);
}

int js_set_int(struct json_object *object, const char *path, int64_t number)
{
    struct json_object *value = json_object_new_int64(number);

    return value ? js_set(object, path, value) : -ENOMEM;
}

int js_set_bool(struct json_object *object, const char *path, bool flag)
{
    struct json_object *value = json_object_new_boolean(flag);

    return value ? js_set(object, path, value) : -ENOMEM;
}

int js_add_text(struct json_object *array, const char *text)
{
    struct json_object *value;

    if (!json_object_is_type(array, json_type_array))
        return -EINVAL;
    value = json_object_new_string(text);
    if (!value)
        return -ENOMEM;
    if (json_object_array_add(array, value) == 0)
        return 0;
    json_object_put(value);
    return -ENOMEM;
}

/* All bytes of a JSON string against text: a NUL inside must not hide the rest. */
static bool string_is(struct json_object *object, const char *text, size_t length)
{
    return json_object_is_type(object, json_type_string) &&
           (size_t)json_object_get_string_len(object) == length &&
           memcmp(json_object_get_string(object), text, length) == 0;
}

bool js_has_text(struct json_object *array, const char *text)
{
    size_t count = js_count(array, NULL), length = strlen(text);

    for (size_t i = 0; i < count; i++) {
        if (string_is(json_object_array_get_idx(array, i), text, length))
            return true;
    }
    return false;
}

void js_wipe_text(struct json_object *text)
{
    if (json_object_is_type(text, json_type_string))
        explicit_bzero((char *)(uintptr_t)json_object_get_string(text),
                       (size_t)json_object_get_string_len(text));
}

const char *js_type_name(struct json_object *object)
{
    static const char *const names[] = {
        [json_type_null] = "null",     [json_type_boolean] = "boolean", [json_type_double] = "number",
        [json_type_int] = "integer",   [json_type_object] = "object",   [json_type_array] = "array",
        [json_type_string] = "string",
    };

    return names[json_object_get_type(object)];
}
