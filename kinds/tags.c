/*
 * tags.c: tags as maps and as the lists that services want, and what tags may be.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/utf8.h"
#include "kinds/registry-internal.h"

#define TAGS_MAX      47 /* 50 in all, less our own three */
#define TAG_KEY_MAX   128
#define TAG_VALUE_MAX 256

const char *tag_value(struct json_object *tags, const char *key)
{
    struct json_object *value = NULL;

    json_object_object_get_ex(tags, key, &value);
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static struct json_object *tag_pair(const char *key_name, const char *value_name, const char *key,
                                    struct json_object *value)
{
    struct json_object *pair = json_object_new_object();
    char *text CLEANUP_FREE = js_scalar_text(value);

    if (pair && text && js_set_text(pair, key_name, key) == 0 && js_set_text(pair, value_name, text) == 0)
        return pair;
    json_object_put(pair);
    return NULL;
}

struct json_object *tags_to_list(struct json_object *map, const char *key_name, const char *value_name)
{
    struct json_object *list CLEANUP_JS = json_object_new_array();
    bool failed = !list;

    if (!json_object_is_type(map, json_type_object))
        return TAKE(list);
    js_each (map, key, value) {
        struct json_object *pair;

        if (failed || !value)
            continue;
        pair = tag_pair(key_name, value_name, key, value);
        failed = !pair || json_object_array_add(list, pair) < 0;
        if (pair && failed)
            json_object_put(pair);
    }
    return failed ? NULL : TAKE(list);
}

struct json_object *tags_from_list(struct json_object *list, const char *key_name, const char *value_name)
{
    struct json_object *map = json_object_new_object();

    for (size_t i = 0, count = js_count(list, NULL); map && i < count; i++) {
        const char *key = js_text(js_at(list, i), key_name), *value = js_text(js_at(list, i), value_name);

        if (!key)
            continue;
        /* An empty value may be left out on the wire. */
        if (js_put_key(map, key, json_object_new_string(value ? value : "")) < 0) {
            json_object_put(map);
            return NULL;
        }
    }
    return map;
}

struct json_object *tags_added(const struct diff *diff, struct json_object *desired)
{
    struct json_object *tags = json_object_new_object(), *value;
    size_t cursor = 0;
    const char *key;

    while (tags && (key = diff_next_added(diff, "tags", &cursor))) {
        if (!json_object_object_get_ex(js_get(desired, "tags"), key, &value))
            continue;
        if (js_put_key(tags, key, json_object_get(value)) < 0) {
            json_object_put(tags);
            return NULL;
        }
    }
    return tags;
}

int op_put_tags(struct kind_op *op, const struct diff *diff, enum aws_op operation,
                struct json_object *take_params, const char *member)
{
    struct json_object *params = take_params, *tags CLEANUP_JS = tags_added(diff, op->desired);

    params_set(&params, member, tags ? tags_to_list(tags, "Key", "Value") : NULL);
    return op_send(op, operation, params, NULL);
}

/* IAM's alphabet, the narrowest: letters and digits of any script, white space and _.:/=+-@ */
static bool tag_alphabet(const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x80 && !isalnum(c) && c != ' ' && !strchr("_.:/=+-@", c))
            return false;
    }
    return true;
}

static void check_tag(struct kind_check *check, const char *key, struct json_object *value)
{
    char *path CLEANUP_FREE = str_format("tags.%s", key);
    char *text CLEANUP_FREE = js_scalar_text(value);

    if (!path)
        return;
    if (str_starts(key, "aws:") || str_starts(key, "rds:"))
        check->problem(check, path, "tags beginning with \"%.4s\" belong to AWS", key);
    else if (str_starts(key, TAG_PREFIX))
        check->problem(check, path, "tags beginning with \"mlopsd:\" are written by the daemon");
    else if (!tag_alphabet(key) || utf8_count(key, strlen(key)) > TAG_KEY_MAX || key[0] == '\0')
        check->problem(check, path,
                       "a tag's name is 1 to %d letters, digits, spaces and any of _ . : / = + - @",
                       TAG_KEY_MAX);
    else if (text && !has_reference(text) &&
             (!tag_alphabet(text) || utf8_count(text, strlen(text)) > TAG_VALUE_MAX))
        check->problem(check, path,
                       "a tag's value is at most %d letters, digits, spaces and any of _ . : / = + - @",
                       TAG_VALUE_MAX);
}

void tags_check(struct kind_check *check)
{
    struct json_object *tags = js_get(check->document, "tags");

    if (!json_object_is_type(tags, json_type_object))
        return;
    if (json_object_object_length(tags) > TAGS_MAX)
        check->problem(check, "tags", "%d tags, at most %d fit", json_object_object_length(tags), TAGS_MAX);
    js_each (tags, key, value) {
        check_tag(check, key, value);
    }
}
