/*
 * value.c: a JSON value in the look of Terraform: name = "value", lists and objects on lines of their own.
 *
 * {"unknown": ...} is a value that is known after apply, {"secret": ...} one that is never shown.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "view/view-internal.h"

#define SHORT_COLUMNS 60
#define INDENT        4
#define DEPTH_MAX     34 /* js_parse() takes 32, and a text may hold one more document */

static bool is_identifier(const char *text)
{
    if (*text == '\0' || (*text >= '0' && *text <= '9'))
        return false;
    for (; *text; text++) {
        if (!(*text >= 'a' && *text <= 'z') && !(*text >= 'A' && *text <= 'Z') &&
            !(*text >= '0' && *text <= '9') && *text != '_' && *text != '-')
            return false;
    }
    return true;
}

static void add_text(struct buf *out, const char *text)
{
    char *escaped CLEANUP_FREE = view_escape(text);

    (void)buf_add_text(out, escaped ? escaped : "");
}

/* Quotes and backslashes as in JSON; the rest as view_escape() has it. */
static void add_quoted(struct buf *out, const char *text)
{
    char one[2] = "";
    const char *start = text;

    (void)buf_add_char(out, '"');
    for (; *text; text++) {
        if (*text != '"' && *text != '\\')
            continue;
        if (text > start) {
            char *part CLEANUP_FREE = strndup(start, (size_t)(text - start));

            add_text(out, part);
        }
        one[0] = *text;
        (void)buf_add_char(out, '\\');
        (void)buf_add_text(out, one);
        start = text + 1;
    }
    add_text(out, start);
    (void)buf_add_char(out, '"');
}

static void add_key(struct buf *out, const char *key)
{
    if (is_identifier(key))
        (void)buf_add_text(out, key);
    else
        add_quoted(out, key);
    (void)buf_add_text(out, " = ");
}

/* An object with one member of that name. */
static bool is_mark(struct json_object *value, const char *name)
{
    return json_object_is_type(value, json_type_object) && json_object_object_length(value) >= 1 &&
           json_object_object_length(value) <= 2 && json_object_object_get_ex(value, name, NULL) &&
           (json_object_object_length(value) == 1 || json_object_object_get_ex(value, "note", NULL));
}

/* What stands for itself on a line; NULL for lists and objects. */
static const char *plain_word(struct json_object *value)
{
    if (!value)
        return "null";
    if (is_mark(value, "unknown"))
        return "(known after apply)";
    if (is_mark(value, "secret"))
        return "(sensitive value)";
    if (json_object_is_type(value, json_type_string) || json_object_is_type(value, json_type_array) ||
        json_object_is_type(value, json_type_object))
        return NULL;
    return json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);
}

static bool is_scalar(struct json_object *value)
{
    return json_object_is_type(value, json_type_string) || plain_word(value);
}

static void add_inline(struct buf *out, struct json_object *value, unsigned depth);

static void add_inline_list(struct buf *out, struct json_object *value, unsigned depth)
{
    size_t count = json_object_array_length(value);

    (void)buf_add_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            (void)buf_add_text(out, ", ");
        add_inline(out, json_object_array_get_idx(value, i), depth + 1);
    }
    (void)buf_add_char(out, ']');
}

static void add_inline_object(struct buf *out, struct json_object *value, unsigned depth)
{
    bool is_first = true;

    (void)buf_add_char(out, '{');
    js_each (value, key, member) {
        (void)buf_add_text(out, is_first ? " " : ", ");
        is_first = false;
        add_key(out, key);
        add_inline(out, member, depth + 1);
    }
    (void)buf_add_text(out, is_first ? "}" : " }");
}

static void add_inline(struct buf *out, struct json_object *value, unsigned depth)
{
    const char *word = plain_word(value);

    if (word)
        (void)buf_add_text(out, word);
    else if (json_object_is_type(value, json_type_string))
        add_quoted(out, json_object_get_string(value));
    else if (depth > DEPTH_MAX)
        (void)buf_add_text(out, "...");
    else if (json_object_is_type(value, json_type_array))
        add_inline_list(out, value, depth);
    else
        add_inline_object(out, value, depth);
}

/* Lines in the making: @line is the one that grows. */
struct writer {
    struct strv *lines;
    struct buf line;
    unsigned depth;
    int failed;
};

static void end_line(struct writer *writer)
{
    if (writer->failed == 0)
        writer->failed = writer->line.failed;
    if (writer->failed == 0)
        writer->failed = strv_add(writer->lines, buf_text(&writer->line));
    buf_reset(&writer->line);
    for (unsigned i = 0; i < writer->depth * INDENT; i++)
        (void)buf_add_char(&writer->line, ' ');
}

static bool fits(struct json_object *value)
{
    struct buf line CLEANUP_BUF = BUF_INIT(SHORT_COLUMNS);

    add_inline(&line, value, 0);
    return line.failed == 0;
}

static void write_value(struct writer *writer, struct json_object *value);

static void write_parts(struct writer *writer, struct json_object *value)
{
    size_t count;

    if (json_object_is_type(value, json_type_array)) {
        count = json_object_array_length(value);
        for (size_t i = 0; i < count; i++) {
            end_line(writer);
            write_value(writer, json_object_array_get_idx(value, i));
            (void)buf_add_char(&writer->line, ',');
        }
        return;
    }
    js_each (value, key, member) {
        end_line(writer);
        add_key(&writer->line, key);
        write_value(writer, member);
    }
}

static void write_value(struct writer *writer, struct json_object *value)
{
    bool is_list = json_object_is_type(value, json_type_array);

    if (is_scalar(value) || fits(value) || writer->depth > DEPTH_MAX) {
        add_inline(&writer->line, value, 0);
        return;
    }
    (void)buf_add_char(&writer->line, is_list ? '[' : '{');
    writer->depth++;
    write_parts(writer, value);
    writer->depth--;
    end_line(writer);
    (void)buf_add_char(&writer->line, is_list ? ']' : '}');
}

/* A policy travels as text: open it. */
static struct json_object *parse_value(const char *json, bool *ret_parsed)
{
    struct json_object *value = NULL, *inner = NULL;
    const char *text;

    *ret_parsed = js_parse_text(json, &value, NULL) == 0;
    if (!*ret_parsed || !json_object_is_type(value, json_type_string))
        return value;
    text = json_object_get_string(value);
    if ((text[0] != '{' && text[0] != '[') || js_parse_text(text, &inner, NULL) < 0)
        return value;
    json_object_put(value);
    return inner;
}

int value_lines(const char *json, struct strv *ret)
{
    struct json_object *value CLEANUP_JS = NULL;
    struct writer writer = {.lines = ret, .line = BUF_INIT(VIEW_MAX_BYTES)};
    bool is_parsed;

    value = parse_value(json ? json : "null", &is_parsed);
    if (is_parsed)
        write_value(&writer, value);
    else
        add_quoted(&writer.line, json); /* not JSON: shown all the same */
    end_line(&writer);
    buf_done(&writer.line);
    return writer.failed ? -ENOMEM : 0;
}

void view_value(const struct view *view, const char *json)
{
    struct strv lines CLEANUP_STRV = {0};

    if (value_lines(json, &lines) < 0) {
        view->out->failed = -ENOMEM;
        return;
    }
    for (size_t i = 0; i < lines.count; i++) {
        if (i > 0)
            (void)buf_add_char(view->out, '\n');
        (void)buf_add_text(view->out, lines.items[i]);
    }
}

void value_inline(const char *json, struct buf *out)
{
    struct json_object *value CLEANUP_JS = NULL;
    bool is_parsed;

    value = parse_value(json ? json : "null", &is_parsed);
    if (is_parsed)
        add_inline(out, value, 0);
    else
        add_quoted(out, json);
}
