/*
 * schema_scalar.c: one scalar of a file against its row: type, bounds,
 * spelling. Every message says what to write instead.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/utf8.h"
#include "desired/desired-internal.h"

#define SHOWN_MAX 60 /* characters of a value quoted in a message */

const char *type_wanted(enum field_type type)
{
    static const char *const names[FIELD_TYPE_MAX + 1] = {
        [FIELD_STRING] = "a string",
        [FIELD_INTEGER] = "an integer",
        [FIELD_BOOLEAN] = "true or false",
        [FIELD_ENUM] = "one of a few words",
        [FIELD_LIST] = "a list",
        [FIELD_SET] = "a list",
        [FIELD_MAP] = "a map",
        [FIELD_OBJECT] = "a map of fields",
        [FIELD_POLICY] = "a policy document",
        [FIELD_DOCUMENT] = "a map",
        [FIELD_VERSION] = "a version",
        [FIELD_SECRET] = "a string",
        [FIELD_ANY] = "a value",
    };

    return names[type];
}

static bool is_hidden(const struct spot *spot)
{
    return spot->type == FIELD_SECRET || (spot->row && spot->row->flags & FIELD_SENSITIVE);
}

void schema_problem(struct schema *schema, const struct spot *spot, const char *format, ...)
{
    va_list arguments;
    char *text CLEANUP_FREE = NULL;
    struct buf message CLEANUP_BUF = BUF_INIT(16 << 10);

    va_start(arguments, format);
    (void)buf_vaddf(&message, format, arguments); /* checked by buf_take */
    va_end(arguments);
    text = buf_take(&message);
    if (!text) {
        report_no_memory(schema->report);
        return;
    }
    if (is_hidden(spot))
        report_hidden(schema->report, spot->node->place, "%s: %s", spot->label, text);
    else
        report_problem(schema->report, spot->node->place, "%s: %s", spot->label, text);
}

static bool no_memory(struct schema *schema)
{
    report_no_memory(schema->report);
    return false;
}

static bool give(struct schema *schema, struct json_object *take_value, struct json_object **ret)
{
    if (!take_value)
        return no_memory(schema);
    *ret = take_value;
    return true;
}

static bool words_like_boolean(const char *text, bool *ret)
{
    static const char *const yes[] = {"yes", "on", "y", "true"}, *const no[] = {"no", "off", "n", "false"};

    for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
        if (str_equal_nocase(text, yes[i]) || str_equal_nocase(text, no[i])) {
            *ret = str_equal_nocase(text, yes[i]);
            return true;
        }
    }
    return false;
}

static bool check_boolean(struct schema *schema, const struct spot *spot, struct json_object **ret)
{
    const struct node *node = spot->node;
    bool value;

    if (node->kind == YML_BOOLEAN)
        return give(schema, json_object_new_boolean(str_equal(node->text, "true")), ret);
    if (is_hidden(spot) || node->kind != YML_STRING || !words_like_boolean(node->text, &value)) {
        schema_problem(schema, spot, "true or false is wanted, this is %s", yml_kind_name(node->kind));
        return false;
    }
    if (node->given)
        schema_problem(schema, spot, "true or false is wanted, and the reference gives the text \"%s\"",
                       node->text);
    else if (node->quoted)
        schema_problem(schema, spot, "\"%s\" in quotes is text: write %s", node->text,
                       value ? "true" : "false");
    else
        schema_problem(schema, spot, "\"%s\" is text in YAML 1.2: write %s", node->text,
                       value ? "true" : "false");
    return false;
}

static bool check_integer(struct schema *schema, const struct spot *spot, struct json_object **ret)
{
    const struct field *row = spot->row;
    const struct node *node = spot->node;
    long long number;

    if (node->kind == YML_STRING && str_to_int64(node->text, INT64_MIN, INT64_MAX, &number) == 0) {
        schema_problem(schema, spot, "\"%s\" in quotes is text: write %lld", node->text, number);
        return false;
    }
    if (node->kind != YML_INTEGER) {
        schema_problem(schema, spot, "an integer is wanted, this is %s", yml_kind_name(node->kind));
        return false;
    }
    if (str_to_int64(node->text, INT64_MIN, INT64_MAX, &number) < 0) {
        schema_problem(schema, spot, "%.*s is too large for an integer", SHOWN_MAX, node->text);
        return false;
    }
    if (row && (row->min || row->max) && (number < row->min || number > row->max)) {
        schema_problem(schema, spot, "%lld is out of bounds: %lld to %lld", number, row->min, row->max);
        return false;
    }
    return give(schema, json_object_new_int64(number), ret);
}

/* Text for a scalar that stands where text is wanted; NULL when reported. Borrowed. */
static const char *text_of(struct schema *schema, const struct spot *spot)
{
    const struct node *node = spot->node;

    if (node->kind == YML_STRING)
        return node->text;
    if (node->kind == YML_LIST || node->kind == YML_MAP) {
        schema_problem(schema, spot, "%s is wanted, this is %s", type_wanted(spot->type),
                       yml_kind_name(node->kind));
        return NULL;
    }
    /* A version keeps its digits: 1.30 is not 1.3, and we still have the text. */
    if (node->given || spot->type == FIELD_VERSION)
        return node->text;
    if (is_hidden(spot))
        schema_problem(schema, spot, "a string is wanted, this is %s: put quotes around it",
                       yml_kind_name(node->kind));
    else
        schema_problem(schema, spot, "a string is wanted, this is %s: write \"%.*s\"",
                       yml_kind_name(node->kind), SHOWN_MAX, node->text);
    return NULL;
}

bool schema_length(struct schema *schema, const struct spot *spot, const char *units, long long count)
{
    const struct field *row = spot->row;
    char *bounds CLEANUP_FREE = NULL;

    if (count >= row->min && (row->max == 0 || count <= row->max))
        return true;
    bounds = field_bounds(row);
    schema_problem(schema, spot, "%lld %s; it takes %s", count, units, bounds ? bounds : "fewer or more");
    return false;
}

static bool length_right(struct schema *schema, const struct spot *spot, const char *text)
{
    long long length = (long long)utf8_count(text, strlen(text));

    if (spot->row && spot->row->min > 0 && length == 0) {
        schema_problem(schema, spot, "must not be empty");
        return false;
    }
    return !spot->row || schema_length(schema, spot, "characters", length);
}

static bool spelling_right(struct schema *schema, const struct spot *spot, const char *text)
{
    const struct field *row = spot->row;

    if (!row || !row->accepts || row->accepts(text))
        return true;
    if (is_hidden(spot))
        schema_problem(schema, spot, "not allowed; wanted: %s", row->pattern ? row->pattern : "another form");
    else
        schema_problem(schema, spot, "\"%.*s\" is not allowed; wanted: %s", SHOWN_MAX, text,
                       row->pattern ? row->pattern : "another form");
    return false;
}

static bool enum_right(struct schema *schema, const struct spot *spot, const char *text)
{
    const char *const *values = spot->row ? spot->row->values : NULL;
    struct nearest nearest = NEAREST(text);
    struct buf all CLEANUP_BUF = BUF_INIT(4 << 10);
    char *hint CLEANUP_FREE = NULL;

    for (size_t i = 0; values && values[i]; i++) {
        if (str_equal(values[i], text))
            return true;
        if (str_equal_nocase(values[i], text)) {
            schema_problem(schema, spot, "\"%s\": letter case counts, write \"%s\"", text, values[i]);
            return false;
        }
        nearest_offer(&nearest, values[i]);
        (void)buf_addf(&all, "%s%s", i > 0 ? ", " : "", values[i]); /* only for the message */
    }
    hint = nearest_hint(&nearest);
    if (!hint)
        return no_memory(schema);
    schema_problem(schema, spot, "\"%.*s\" is none of: %s%s", SHOWN_MAX, text, buf_text(&all), hint);
    return false;
}

static bool version_right(struct schema *schema, const struct spot *spot, const char *text)
{
    if (word_accepted(text, 32, "._-"))
        return true;
    schema_problem(schema, spot, "\"%.*s\" is no version", SHOWN_MAX, text);
    return false;
}

static bool check_text(struct schema *schema, const struct spot *spot, struct json_object **ret)
{
    const char *text = text_of(schema, spot);
    char *plain CLEANUP_FREE = NULL;

    if (!text)
        return false;
    if (schema->templates && text_has_reference(text))
        return give(schema, json_object_new_string(text), ret); /* judged when its values are known */
    plain = schema->templates ? text_unescape(text) : strdup(text);
    if (!plain)
        return no_memory(schema);
    if (!length_right(schema, spot, plain) || !spelling_right(schema, spot, plain))
        return false;
    if (spot->type == FIELD_ENUM && !enum_right(schema, spot, plain))
        return false;
    if (spot->type == FIELD_VERSION && !version_right(schema, spot, plain))
        return false;
    return give(schema, json_object_new_string(text), ret);
}

/* One reference and nothing else may stand anywhere: its type is compared where it is followed. */
static bool is_reference(const struct schema *schema, const struct node *node)
{
    return schema->templates && node->kind == YML_STRING && text_is_reference(node->text);
}

bool schema_scalar(struct schema *schema, const struct spot *spot, struct json_object **ret)
{
    if (!schema->templates && spot->node->kind == YML_STRING && text_has_reference(spot->node->text)) {
        schema_problem(schema, spot, "references are not possible here");
        return false;
    }
    switch (spot->type) {
    case FIELD_BOOLEAN:
    case FIELD_INTEGER:
        if (is_reference(schema, spot->node))
            return give(schema, json_object_new_string(spot->node->text), ret);
        return spot->type == FIELD_BOOLEAN ? check_boolean(schema, spot, ret)
                                           : check_integer(schema, spot, ret);
    default:
        return check_text(schema, spot, ret);
    }
}
