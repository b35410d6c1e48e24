/*
 * yml_type.c: what plain scalars mean, and YAML trees as JSON.
 *
 * The core schema of YAML 1.2, narrowed so that a slip can not change a type
 * unseen: true and false only; numbers as JSON writes them. Everything else is
 * a string: yes, on, True, 0x1f, 0o17, 007, 1_000, +1, .5, .inf.
 */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/str.h"
#include "common/yml-internal.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *text)
{
    while (is_digit(*text))
        text++;
    return text;
}

/* The grammar of JSON numbers: INTEGER or NUMBER, or STRING for anything else. */
static enum yml_kind number_kind(const char *text)
{
    enum yml_kind kind = YML_INTEGER;

    if (*text == '-')
        text++;
    if (!is_digit(*text) || (text[0] == '0' && is_digit(text[1])))
        return YML_STRING;
    text = skip_digits(text);
    if (text[0] == '.' && is_digit(text[1])) {
        kind = YML_NUMBER;
        text = skip_digits(text + 1);
    }
    if (*text == 'e' || *text == 'E') {
        kind = YML_NUMBER;
        text++;
        if (*text == '+' || *text == '-')
            text++;
        if (!is_digit(*text))
            return YML_STRING;
        text = skip_digits(text);
    }
    return *text ? YML_STRING : kind;
}

static bool fits_64_bits(const char *text)
{
    errno = 0;
    if (text[0] == '-')
        (void)strtoll(text, NULL, 10);
    else
        (void)strtoull(text, NULL, 10);
    return errno != ERANGE;
}

int yml_plain_kind(const char *text, enum yml_kind *ret)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    enum yml_kind kind;

    for (size_t i = 0; i < ARRAY_SIZE(nulls); i++) {
        if (strcmp(text, nulls[i]) == 0) {
            *ret = YML_NULL;
            return 0;
        }
    }
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        *ret = YML_BOOLEAN;
        return 0;
    }
    kind = number_kind(text);
    if (kind == YML_INTEGER && !fits_64_bits(text))
        return -ERANGE;
    if (kind == YML_NUMBER && !isfinite(strtod(text, NULL)))
        return -ERANGE;
    *ret = kind;
    return 0;
}

const char *yml_kind_name(enum yml_kind kind)
{
    static const char *const names[YML_KIND_MAX] = {
        [YML_NULL] = "nothing",      [YML_STRING] = "a string", [YML_INTEGER] = "an integer",
        [YML_NUMBER] = "a number",   [YML_LIST] = "a list",     [YML_MAP] = "a map",
        [YML_BOOLEAN] = "a boolean",
    };

    return (unsigned)kind < YML_KIND_MAX ? names[kind] : NULL;
}

const struct yml *yml_get(const struct yml *map, const char *key)
{
    if (!map || map->kind != YML_MAP)
        return NULL;
    for (size_t i = 0; i < map->count; i++) {
        if (str_equal(map->children[i]->key, key))
            return map->children[i];
    }
    return NULL;
}

static struct json_object *integer_to_json(const char *text)
{
    unsigned long long number;

    if (text[0] == '-')
        return json_object_new_int64(strtoll(text, NULL, 10));
    number = strtoull(text, NULL, 10);
    return number <= INT64_MAX ? json_object_new_int64((int64_t)number) : json_object_new_uint64(number);
}

static struct json_object *scalar_to_json(const struct yml *node)
{
    switch (node->kind) {
    case YML_STRING:
        return json_object_new_string(node->text);
    case YML_INTEGER:
        return integer_to_json(node->text);
    case YML_NUMBER:
        return json_object_new_double(strtod(node->text, NULL));
    case YML_BOOLEAN:
        return json_object_new_boolean(node->text[0] == 't');
    default:
        return NULL;
    }
}

/* The parser's limit on depth bounds this recursion. */
struct json_object *yml_to_json(const struct yml *node)
{
    struct json_object *result CLEANUP_JS = NULL;

    if (!node)
        return NULL;
    if (node->kind != YML_LIST && node->kind != YML_MAP)
        return scalar_to_json(node);
    result = node->kind == YML_LIST ? json_object_new_array_ext((int)node->count) : json_object_new_object();
    if (!result)
        return NULL;
    for (size_t i = 0; i < node->count; i++) {
        const struct yml *child = node->children[i];
        struct json_object *value = yml_to_json(child);

        if (!value && child->kind != YML_NULL)
            return NULL;
        if (node->kind == YML_MAP) {
            if (js_put_key(result, child->key, value) < 0)
                return NULL;
        } else if (json_object_array_add(result, value) < 0) {
            json_object_put(value);
            return NULL;
        }
    }
    return TAKE(result);
}
