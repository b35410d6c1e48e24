/*
 * outputs.c: outputs in the look, and with --json in the shape, of Terraform.
 */
#include "common/js.h"
#include "view/view-internal.h"

void view_outputs(const struct view *view, struct json_object *reply)
{
    struct json_object *list = js_get(reply, "outputs");
    size_t count = js_count(list, NULL), widest = 0;

    for (size_t i = 0; i < count; i++) {
        const char *name = js_text(js_at(list, i), "name");
        size_t columns = name ? view_columns(name) : 0;

        widest = columns > widest ? columns : widest;
    }
    for (size_t i = 0; i < count; i++) {
        struct json_object *output = js_at(list, i);
        const char *name = js_text(output, "name"), *value = js_text(output, "value");

        view_text(view, name);
        view_addf(view, "%*s = ", (int)(widest - (name ? view_columns(name) : 0)), "");
        if (value)
            view_value(view, value);
        else
            (void)buf_add_text(view->out,
                               js_bool(output, "sensitive", false) ? "<sensitive>" : "(known after apply)");
        (void)buf_add_char(view->out, '\n');
    }
    if (count == 0)
        (void)buf_add_text(view->out, "No outputs.\n");
}

/* JSON in text → JSON; what is none stays text. */
static struct json_object *embedded(const char *text)
{
    struct json_object *value = NULL;

    if (!text)
        return NULL;
    return js_parse_text(text, &value, NULL) < 0 ? json_object_new_string(text) : value;
}

struct json_object *view_outputs_json(struct json_object *reply)
{
    struct json_object *list = js_get(reply, "outputs");
    struct json_object *result CLEANUP_JS = json_object_new_object();
    size_t count = js_count(list, NULL);

    for (size_t i = 0; i < count; i++) {
        struct json_object *output = js_at(list, i), *entry;
        const char *name = js_text(output, "name");

        if (!name)
            continue;
        entry = json_object_new_object();
        if (js_put_key(result, name, entry) < 0 ||
            js_set_bool(entry, "sensitive", js_bool(output, "sensitive", false)) < 0 ||
            js_put_key(entry, "type", embedded(js_text(output, "type"))) < 0 ||
            js_put_key(entry, "value", embedded(js_text(output, "value"))) < 0)
            return NULL;
    }
    return TAKE(result);
}
