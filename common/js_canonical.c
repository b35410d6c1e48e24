/*
 * js_canonical.c: equal values as equal bytes; comparison and copies.
 *
 * Numbers are equal by value: 1, 1.0 and 1e0 are all written "1". A double is
 * written with the fewest digits that read back as the same double.
 */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/js-internal.h"
#include "common/js.h"
#include "common/str.h"

/* Text from outside nests 32 deep at most; what we build around it, a little more. */
#define DEPTH_MAX 64

static int write_value(struct buf *out, struct json_object *object, unsigned depth);

void js_write_string(struct buf *out, const char *text, size_t length)
{
    static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
    size_t start = 0;

    (void)buf_add_char(out, '"'); /* here and below: a failed buffer stays failed, the end looks */
    for (size_t i = 0; (i += js_plain_run(text + i, length - i)) < length; i++) {
        unsigned char c = (unsigned char)text[i];
        const char *value;

        if (c >= 0x80)
            continue;
        (void)buf_add(out, text + start, i - start);
        start = i + 1;
        value = c ? strchr(values, c) : NULL;
        if (value)
            (void)buf_addf(out, "\\%c", names[value - values]);
        else if (c < 0x20)
            (void)buf_addf(out, "\\u%04x", c);
        else
            (void)buf_addf(out, "\\%c", c);
    }
    (void)buf_add(out, text + start, length - start);
    (void)buf_add_char(out, '"');
}

static void write_double(struct buf *out, double number)
{
    char text[32];

    assert(isfinite(number)); /* the parser refuses others, and we make none */
    if (js_is_integral(number)) {
        /* As the integer it equals; "+ 0.0" turns -0 into 0. */
        (void)buf_addf(out, "%.0f", number + 0.0);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        int length = snprintf(text, sizeof(text), "%.*g", digits, number);

        assert(length > 0 && (size_t)length < sizeof(text));
        if (strtod(text, NULL) == number)
            break;
    }
    (void)buf_add_text(out, text);
}

static void write_integer(struct buf *out, struct json_object *object)
{
    int64_t number = json_object_get_int64(object);

    if (number < 0)
        (void)buf_addf(out, "%lld", (long long)number);
    else
        (void)buf_addf(out, "%llu", (unsigned long long)json_object_get_uint64(object));
}

struct member {
    const char *key;
    struct json_object *value;
};

static int compare_members(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

/* The members of an object by key; owned array of borrowed content; NULL without memory. */
static struct member *sorted_members(struct json_object *object, size_t *ret_count)
{
    size_t count = 0;
    struct member *members = calloc((size_t)json_object_object_length(object) + 1, sizeof(*members));

    if (!members)
        return NULL;
    js_each (object, key, value) {
        members[count++] = (struct member){key, value};
    }
    qsort(members, count, sizeof(*members), compare_members);
    *ret_count = count;
    return members;
}

static int write_member(struct buf *out, const char *key, struct json_object *value, bool is_first,
                        unsigned depth)
{
    if (!is_first)
        (void)buf_add_char(out, ',');
    js_write_string(out, key, strlen(key));
    (void)buf_add_char(out, ':');
    return write_value(out, value, depth + 1);
}

static int write_members_sorted(struct buf *out, struct json_object *object, unsigned depth)
{
    struct member *members CLEANUP_FREE = NULL;
    size_t count = 0;
    int r = 0;

    members = sorted_members(object, &count);
    if (!members)
        return -ENOMEM;
    for (size_t i = 0; i < count && r == 0; i++)
        r = write_member(out, members[i].key, members[i].value, i == 0, depth);
    return r;
}

static int write_members_as_they_are(struct buf *out, struct json_object *object, unsigned depth)
{
    bool is_first = true;
    int r;

    js_each (object, key, value) {
        r = write_member(out, key, value, is_first, depth);
        if (r < 0)
            return r;
        is_first = false;
    }
    return 0;
}

/* Do the keys stand in order? In what was canonical text they do. */
static bool is_sorted(struct json_object *object)
{
    const char *before = "";

    js_each (object, key, value) {
        (void)value;
        if (strcmp(before, key) > 0)
            return false;
        before = key;
    }
    return true;
}

static int write_object(struct buf *out, struct json_object *object, unsigned depth)
{
    int r;

    (void)buf_add_char(out, '{');
    r = is_sorted(object) ? write_members_as_they_are(out, object, depth)
                          : write_members_sorted(out, object, depth);
    return r < 0 ? r : buf_add_char(out, '}');
}

static int write_array(struct buf *out, struct json_object *array, unsigned depth)
{
    size_t count = json_object_array_length(array);

    (void)buf_add_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        int r;

        if (i > 0)
            (void)buf_add_char(out, ',');
        r = write_value(out, json_object_array_get_idx(array, i), depth + 1);
        if (r < 0)
            return r;
    }
    return buf_add_char(out, ']');
}

static int write_value(struct buf *out, struct json_object *object, unsigned depth)
{
    if (depth > DEPTH_MAX)
        return -EINVAL;
    switch (json_object_get_type(object)) {
    case json_type_null:
        (void)buf_add_text(out, "null");
        break;
    case json_type_boolean:
        (void)buf_add_text(out, json_object_get_boolean(object) ? "true" : "false");
        break;
    case json_type_double:
        write_double(out, json_object_get_double(object));
        break;
    case json_type_int:
        write_integer(out, object);
        break;
    case json_type_string:
        js_write_string(out, json_object_get_string(object), (size_t)json_object_get_string_len(object));
        break;
    case json_type_object:
        return write_object(out, object, depth);
    case json_type_array:
        return write_array(out, object, depth);
    }
    return out->failed;
}

char *js_canonical(struct json_object *object)
{
    struct buf out CLEANUP_BUF = BUF_INIT(SIZE_MAX);

    if (write_value(&out, object, 0) < 0)
        return NULL;
    return buf_take(&out);
}

char *js_scalar_text(struct json_object *object)
{
    switch (json_object_get_type(object)) {
    case json_type_string:
        return strdup(json_object_get_string(object));
    case json_type_boolean:
    case json_type_double:
    case json_type_int:
        return js_canonical(object);
    default:
        return NULL;
    }
}

struct json_object *js_copy(struct json_object *object)
{
    struct json_object *copy = NULL;

    if (!object || json_object_deep_copy(object, &copy, NULL) < 0)
        return NULL;
    return copy;
}

static bool values_equal(struct json_object *a, struct json_object *b, unsigned depth);

static bool objects_equal(struct json_object *a, struct json_object *b, unsigned depth)
{
    if (json_object_object_length(a) != json_object_object_length(b))
        return false;
    js_each (a, key, value) {
        struct json_object *other = NULL;

        if (!js_find(b, key, &other) || !values_equal(value, other, depth + 1))
            return false;
    }
    return true;
}

static bool arrays_equal(struct json_object *a, struct json_object *b, unsigned depth)
{
    size_t count = json_object_array_length(a);

    if (count != json_object_array_length(b))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!values_equal(json_object_array_get_idx(a, i), json_object_array_get_idx(b, i), depth + 1))
            return false;
    }
    return true;
}

static bool strings_equal(struct json_object *a, struct json_object *b)
{
    size_t length = (size_t)json_object_get_string_len(a);

    return length == (size_t)json_object_get_string_len(b) &&
           memcmp(json_object_get_string(a), json_object_get_string(b), length) == 0;
}

/* Both json_type_int, signed or unsigned inside. */
static bool integers_equal(struct json_object *a, struct json_object *b)
{
    /* get_int64 clamps what is over its range, get_uint64 what is below: both agree only for equal values. */
    return json_object_get_int64(a) == json_object_get_int64(b) &&
           json_object_get_uint64(a) == json_object_get_uint64(b);
}

/* Exact: 2^53 + 1 does not equal the double next to it. */
static bool integer_equals_double(struct json_object *integer, double number)
{
    int64_t value = json_object_get_int64(integer);

    if (!js_is_integral(number) || (number < 0) != (value < 0))
        return false;
    if (value < 0)
        return (int64_t)number == value;
    return (uint64_t)number == json_object_get_uint64(integer);
}

static bool numbers_equal(struct json_object *a, struct json_object *b)
{
    bool a_is_int = json_object_is_type(a, json_type_int), b_is_int = json_object_is_type(b, json_type_int);

    if (a_is_int && b_is_int)
        return integers_equal(a, b);
    if (a_is_int)
        return integer_equals_double(a, json_object_get_double(b));
    if (b_is_int)
        return integer_equals_double(b, json_object_get_double(a));
    return json_object_get_double(a) == json_object_get_double(b);
}

static bool is_number(enum json_type type)
{
    return type == json_type_int || type == json_type_double;
}

static bool values_equal(struct json_object *a, struct json_object *b, unsigned depth)
{
    enum json_type type = json_object_get_type(a), other = json_object_get_type(b);

    if (depth > DEPTH_MAX)
        return false;
    if (is_number(type) && is_number(other))
        return numbers_equal(a, b);
    if (type != other)
        return false;
    switch (type) {
    case json_type_null:
        return true;
    case json_type_boolean:
        return json_object_get_boolean(a) == json_object_get_boolean(b);
    case json_type_object:
        return objects_equal(a, b, depth);
    case json_type_array:
        return arrays_equal(a, b, depth);
    default:
        return strings_equal(a, b);
    }
}

bool js_equal(struct json_object *a, struct json_object *b)
{
    return values_equal(a, b, 0);
}
