/*
 * params.c: small things that all AWS kinds need to build calls and read answers.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "common/clock.h"
#include "common/js.h"
#include "kinds/registry-internal.h"

void params_set(struct json_object **params, const char *path, struct json_object *take_value)
{
    if (*params && take_value) {
        if (js_set(*params, path, take_value) == 0)
            return;
    } else {
        json_object_put(take_value);
    }
    json_object_put(*params);
    *params = NULL;
}

void params_text(struct json_object **params, const char *path, const char *text)
{
    if (text)
        params_set(params, path, json_object_new_string(text));
}

void params_add(struct json_object **list, struct json_object *take_value)
{
    if (*list && take_value && json_object_array_add(*list, take_value) == 0)
        return;
    json_object_put(take_value);
    json_object_put(*list);
    *list = NULL;
}

struct json_object *params_new(const char *name, const char *text, ...)
{
    struct json_object *params = json_object_new_object();
    va_list pairs;

    va_start(pairs, text);
    while (name) {
        params_text(&params, name, text);
        name = va_arg(pairs, const char *);
        if (name)
            text = va_arg(pairs, const char *);
    }
    va_end(pairs);
    return params;
}

int op_send(struct kind_op *op, enum aws_op operation, struct json_object *take_params,
            struct json_object **ret)
{
    return take_params ? op_aws(op, operation, take_params, ret) : err_no_memory(op->err);
}

int batch_ask(struct kind_batch *batch, enum aws_op operation, struct json_object *take_params,
              struct json_object **ret, struct err *err)
{
    return take_params ? batch_aws(batch, operation, take_params, ret, err) : err_no_memory(err);
}

struct json_object *wanted_or_seen(const struct kind_op *op, const struct diff *diff, const char *path)
{
    struct json_object *wanted = js_get(op->desired, path), *seen = js_get(op->observed, path);

    return diff_has(diff, path) || !seen ? wanted : seen;
}

bool err_is(const struct err *err, const char *wire_code)
{
    return str_equal(err->wire_code, wire_code);
}

bool op_flag(const struct kind_op *op, const char *name)
{
    return js_bool(op->desired ? op->desired : op->memory, name, false);
}

void op_note_flag(struct kind_op *op, const char *name)
{
    struct json_object *memory;

    if (!js_bool(op->desired, name, false))
        return;
    memory = json_object_new_object();
    if (memory)
        (void)js_set_bool(memory, name, true); /* not noted: the next look notes it */
    op_remember(op, memory);
}

void item_note_flag(struct kind_item *item, const char *name)
{
    bool wanted = js_bool(item->desired, name, false);

    if (!item->desired || wanted == js_bool(item->memory, name, false))
        return;
    json_object_put(item->ret_memory);
    item->ret_memory = json_object_new_object();
    if (item->ret_memory)
        (void)js_set_bool(item->ret_memory, name, wanted); /* not noted: the next look notes it */
}

/* Owned; NULL without memory. */
static struct json_object *locals_of(const struct kind *kind, struct json_object *document)
{
    struct json_object *notes = json_object_new_object(), *value;

    for (const struct field *row = kind->fields; notes && row->name; row++) {
        if (!(row->flags & FIELD_LOCAL) || !json_object_object_get_ex(document, row->name, &value))
            continue;
        if (js_put_key(notes, row->name, json_object_get(value)) < 0) {
            json_object_put(notes);
            return NULL;
        }
    }
    return notes;
}

struct json_object *op_local(const struct kind_op *op, const char *path)
{
    return js_get(op->desired ? op->desired : op->memory, path);
}

void op_note_locals(struct kind_op *op)
{
    op_remember(op, locals_of(op->kind, op->desired)); /* not noted: the next look notes it */
}

void item_note_locals(struct kind_item *item, const struct kind *kind)
{
    struct json_object *notes = item->desired ? locals_of(kind, item->desired) : NULL;

    if (!notes || js_equal(notes, item->memory)) {
        json_object_put(notes);
        return;
    }
    json_object_put(item->ret_memory);
    item->ret_memory = notes;
}

int op_forgive(struct kind_op *op, int result, const char *wire_code)
{
    if (result == 0 || !err_is(op->err, wire_code))
        return result;
    err_done(op->err);
    return 0;
}

int64_t answer_time_ms(struct json_object *answer, const char *path)
{
    struct json_object *value = js_get(answer, path);
    int64_t time_ms;

    if (json_object_is_type(value, json_type_string))
        return clock_parse_time(json_object_get_string(value), &time_ms) == 0 ? time_ms : 0;
    if (json_object_is_type(value, json_type_double) || json_object_is_type(value, json_type_int)) {
        double seconds = json_object_get_double(value);

        /* A time this side of the year 9999; anything else is no time. */
        return seconds > 0 && seconds < 253402300800.0 ? (int64_t)(seconds * 1000) : 0;
    }
    return 0;
}
