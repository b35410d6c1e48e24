/*
 * change.c: one difference on one line: what a tired operator reads first, in
 * the journal and in a table. Documents are walked, and only the leaves that differ are shown.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "common/js.h"
#include "common/str.h"
#include "view/view.h"

#define VALUE_MAX      160
#define LEAVES_MAX     3
#define DEPTH_MAX      16
#define LINE_MAX_BYTES 2400

static void add_value(struct buf *out, struct json_object *value)
{
    char *text CLEANUP_FREE = js_canonical(value);
    size_t size = text ? strlen(text) : 0;

    if (size <= VALUE_MAX) {
        (void)buf_add_text(out, text ? text : "?");
        return;
    }
    size = VALUE_MAX;
    while (size > 0 && ((unsigned char)text[size] & 0xC0) == 0x80)
        size--; /* never cut a character in two */
    (void)buf_add(out, text, size);
    (void)buf_add_text(out, "...");
}

/** The leaves at which two documents part, found by walking both. */
struct leaves {
    struct buf *out;
    char path[256];
    size_t found;
};

static void leaf(struct leaves *leaves, struct json_object *wanted, struct json_object *found)
{
    if (leaves->found++ >= LEAVES_MAX)
        return;
    (void)buf_addf(leaves->out, "%s%s: ", leaves->found > 1 ? "; " : "", leaves->path);
    (void)buf_add_text(leaves->out, wanted ? "wanted " : "nothing wanted");
    if (wanted)
        add_value(leaves->out, wanted);
    (void)buf_add_text(leaves->out, found ? ", found " : ", found nothing");
    if (found)
        add_value(leaves->out, found);
}

static void walk(struct leaves *leaves, struct json_object *wanted, struct json_object *found,
                 unsigned depth);

static void step(struct leaves *leaves, const char *key, struct json_object *wanted,
                 struct json_object *found, unsigned depth)
{
    size_t size = strlen(leaves->path);
    int n = snprintf(leaves->path + size, sizeof(leaves->path) - size, "%s%s", size ? "." : "", key);

    if (n > 0 && (size_t)n < sizeof(leaves->path) - size)
        walk(leaves, wanted, found, depth + 1);
    else
        leaf(leaves, wanted, found);
    leaves->path[size] = '\0';
}

static void walk_objects(struct leaves *leaves, struct json_object *wanted, struct json_object *found,
                         unsigned depth)
{
    js_each (wanted, key, value) {
        struct json_object *other = NULL;

        (void)json_object_object_get_ex(found, key, &other); /* absent stays NULL */
        step(leaves, key, value, other, depth);
    }
    js_each (found, extra_key, extra) {
        if (!json_object_object_get_ex(wanted, extra_key, NULL))
            step(leaves, extra_key, NULL, extra, depth);
    }
}

static void walk_arrays(struct leaves *leaves, struct json_object *wanted, struct json_object *found,
                        unsigned depth)
{
    size_t count = json_object_array_length(wanted);
    char index[24];

    for (size_t i = 0; i < count; i++) {
        (void)snprintf(index, sizeof(index), "%zu", i);
        step(leaves, index, json_object_array_get_idx(wanted, i), json_object_array_get_idx(found, i), depth);
    }
}

static void walk(struct leaves *leaves, struct json_object *wanted, struct json_object *found, unsigned depth)
{
    if (js_equal(wanted, found))
        return;
    if (depth < DEPTH_MAX && json_object_is_type(wanted, json_type_object) &&
        json_object_is_type(found, json_type_object))
        walk_objects(leaves, wanted, found, depth);
    else if (depth < DEPTH_MAX && json_object_is_type(wanted, json_type_array) &&
             json_object_is_type(found, json_type_array) &&
             json_object_array_length(wanted) == json_object_array_length(found))
        walk_arrays(leaves, wanted, found, depth);
    else
        leaf(leaves, wanted, found);
}

static void whole(struct buf *out, const char *what, struct json_object *wanted, struct json_object *found)
{
    if (str_equal(what, "missing")) {
        (void)buf_add_text(out, "missing; wanted ");
        add_value(out, wanted);
    } else if (str_equal(what, "extra")) {
        (void)buf_add_text(out, "not declared, found ");
        add_value(out, found);
    } else {
        (void)buf_add_text(out, "wanted ");
        add_value(out, wanted);
        (void)buf_add_text(out, ", found ");
        add_value(out, found);
    }
}

static struct json_object *parse(const char *text)
{
    struct json_object *object = NULL;

    if (!text || js_parse_text(text, &object, NULL) < 0)
        return NULL;
    if (json_object_is_type(object, json_type_string)) {
        /* a policy travels as text: look inside */
        struct json_object *inner = NULL;

        if (json_object_get_string(object)[0] == '{' &&
            js_parse_text(json_object_get_string(object), &inner, NULL) == 0) {
            json_object_put(object);
            return inner;
        }
    }
    return object;
}

char *change_words(const char *what, const char *desired, const char *observed)
{
    struct json_object *wanted CLEANUP_JS = parse(desired), *found CLEANUP_JS = parse(observed);
    struct buf out CLEANUP_BUF = BUF_INIT(LINE_MAX_BYTES);
    struct leaves leaves = {.out = &out};

    if (json_object_is_type(wanted, json_type_string) && json_object_is_type(found, json_type_string) &&
        str_equal(json_object_get_string(wanted), "(sensitive)")) {
        (void)buf_add_text(&out, json_object_get_string(found)); /* what is known of it, in words */
        return buf_take(&out);
    }
    if (str_equal(what, "changed") && json_object_is_type(wanted, json_type_object) &&
        json_object_is_type(found, json_type_object)) {
        walk(&leaves, wanted, found, 0);
        if (leaves.found > LEAVES_MAX)
            (void)buf_addf(&out, " and %zu more", leaves.found - LEAVES_MAX);
    }
    if (leaves.found == 0)
        whole(&out, what, wanted, found);
    return buf_take(&out);
}
