/*
 * lists.c: drift, history and resources as tables, and one resource in full.
 */
#include <errno.h>

#include "common/js.h"
#include "view/view-internal.h"

static enum view_style severity_style(const char *severity)
{
    if (str_equal(severity, "critical") || str_equal(severity, "error"))
        return STYLE_BAD;
    return str_equal(severity, "warning") ? STYLE_CHANGE : STYLE_PLAIN;
}

/* ---- drift ---- */

static const char *what_is_off(struct json_object *drift, struct buf *out)
{
    const char *kind = js_text(drift, "kind"), *field = js_text(drift, "field");
    char *change CLEANUP_FREE = NULL;

    if (str_equal(kind, "missing") && str_empty(field))
        return buf_add_text(out, "the resource is gone") < 0 ? NULL : buf_text(out);
    change = change_words(kind, js_text(drift, "desired"), js_text(drift, "observed"));
    (void)buf_addf(out, "%s: %s", field ? field : "", change ? change : "no memory for it"); /* shows below */
    return out->failed ? NULL : buf_text(out);
}

void view_drift(const struct view *view, struct json_object *reply)
{
    static const char *const one[] = {"SEVERITY", "SINCE", "STATE", "RESOURCE", "WHAT", NULL};
    static const char *const many[] = {"SEVERITY", "SINCE", "STATE", "PLATFORM", "RESOURCE", "WHAT", NULL};
    struct json_object *list = js_get(reply, "drifts");
    size_t count = js_count(list, NULL);
    bool is_many = has_many_platforms(list);
    struct table *table;
    char time[VIEW_TIME_SIZE];

    if (count == 0) {
        (void)buf_add_text(view->out, "No drift.\n");
        return;
    }
    table = table_new(is_many ? many : one);
    for (size_t i = 0; i < count; i++) {
        struct json_object *drift = js_at(list, i);
        struct buf what CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);

        view_time(view, js_text(drift, "first_seen"), time, sizeof(time));
        table_add(table, severity_style(js_text(drift, "severity")), js_text(drift, "severity"));
        table_add(table, STYLE_PLAIN, time);
        table_add(table, STYLE_PLAIN, js_text(drift, "state"));
        if (is_many)
            table_add(table, STYLE_PLAIN, js_text(drift, "platform"));
        table_add(table, STYLE_PLAIN, js_text(drift, "address"));
        table_add(table, STYLE_PLAIN, what_is_off(drift, &what));
    }
    table_print(view, table);
}

/* ---- history ---- */

void view_history(const struct view *view, struct json_object *reply)
{
    static const char *const one[] = {"TIME", "EVENT", "RESOURCE", "DETAIL", NULL};
    static const char *const many[] = {"TIME", "PLATFORM", "EVENT", "RESOURCE", "DETAIL", NULL};
    struct json_object *list = js_get(reply, "events");
    size_t count = js_count(list, NULL);
    bool is_many = has_many_platforms(list);
    struct table *table;
    char time[VIEW_TIME_SIZE];

    if (count == 0) {
        (void)buf_add_text(view->out, "No events.\n");
        return;
    }
    table = table_new(is_many ? many : one);
    for (size_t i = 0; i < count; i++) {
        struct json_object *event = js_at(list, i);

        view_time(view, js_text(event, "time"), time, sizeof(time));
        table_add(table, STYLE_PLAIN, time);
        if (is_many)
            table_add(table, STYLE_PLAIN, js_text(event, "platform"));
        table_add(table, severity_style(js_text(event, "level")), js_text(event, "event"));
        table_add(table, STYLE_PLAIN, js_text(event, "address"));
        table_add(table, STYLE_PLAIN, js_text(event, "detail"));
    }
    table_print(view, table);
}

void view_event(const struct view *view, struct json_object *event)
{
    const char *address = js_text(event, "address"), *level = js_text(event, "level");
    enum view_style style = severity_style(level);
    char time[VIEW_TIME_SIZE];

    view_time(view, js_text(event, "time"), time, sizeof(time));
    view_addf(view, "%s ", time);
    view_text(view, address ? address : js_text(event, "platform"));
    (void)buf_add_text(view->out, ": ");
    if (style != STYLE_PLAIN)
        view_style(view, style);
    view_text(view, js_text(event, "event"));
    if (style != STYLE_PLAIN)
        view_style(view, STYLE_PLAIN);
    if (!str_empty(js_text(event, "detail"))) {
        (void)buf_add_text(view->out, ": ");
        view_text(view, js_text(event, "detail"));
    }
    (void)buf_add_char(view->out, '\n');
}

/* ---- resources ---- */

static enum view_style status_style(const char *status)
{
    if (str_equal(status, "ready"))
        return STYLE_GOOD;
    return str_equal(status, "failed") || str_equal(status, "unknown") ? STYLE_BAD : STYLE_CHANGE;
}

static void resources_long(const struct view *view, struct json_object *list)
{
    static const char *const one[] = {"RESOURCE", "STATUS", "LOOKED", "ID", "WHY", NULL};
    static const char *const many[] = {"RESOURCE", "PLATFORM", "STATUS", "LOOKED", "ID", "WHY", NULL};
    bool is_many = has_many_platforms(list);
    size_t count = js_count(list, NULL);
    struct table *table = table_new(is_many ? many : one);
    char age[VIEW_TIME_SIZE];

    for (size_t i = 0; i < count; i++) {
        struct json_object *resource = js_at(list, i);
        const char *status = js_text(resource, "status");

        view_age(view, js_text(resource, "proved"), age, sizeof(age));
        table_add(table, STYLE_PLAIN, js_text(resource, "address"));
        if (is_many)
            table_add(table, STYLE_PLAIN, js_text(resource, "platform"));
        table_add(table, status_style(status), status);
        table_add(table, STYLE_PLAIN, age[0] ? age : NULL);
        table_add(table, STYLE_PLAIN, js_text(resource, "id"));
        table_add(table, STYLE_PLAIN, js_text(resource, "why"));
    }
    table_print(view, table);
}

void view_resources(const struct view *view, struct json_object *reply, bool is_long)
{
    struct json_object *list = js_get(reply, "resources");
    size_t count = js_count(list, NULL);

    if (is_long && count > 0) {
        resources_long(view, list);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        view_text(view, js_text(js_at(list, i), "address"));
        (void)buf_add_char(view->out, '\n');
    }
}

static void members(const struct view *view, struct json_object *document)
{
    size_t widest = 0;

    js_each (document, key, value) {
        size_t columns = view_columns(key);

        (void)value;
        widest = columns > widest ? columns : widest;
    }
    js_each (document, name, member) {
        char *json CLEANUP_FREE = js_canonical(member);
        struct strv lines CLEANUP_STRV = {0};

        (void)buf_add_text(view->out, "    ");
        view_text(view, name);
        view_addf(view, "%*s = ", (int)(widest - view_columns(name)), "");
        if (value_lines(json, &lines) < 0)
            view->out->failed = -ENOMEM;
        for (size_t i = 0; i < lines.count; i++)
            view_addf(view, "%s%s\n", i ? "    " : "", lines.items[i]);
    }
}

/* What is there, or what is wanted while nothing is there, and the attributes that the cloud gave. */
static struct json_object *whole_document(struct json_object *reply)
{
    const char *text = js_text(reply, "observed") ? js_text(reply, "observed") : js_text(reply, "desired");
    struct json_object *document = NULL, *attributes CLEANUP_JS = NULL;

    if (!text || js_parse_text(text, &document, NULL) < 0 ||
        !json_object_is_type(document, json_type_object)) {
        json_object_put(document);
        document = json_object_new_object();
    }
    text = js_text(reply, "attributes");
    if (!document || !text || js_parse_text(text, &attributes, NULL) < 0 ||
        !json_object_is_type(attributes, json_type_object))
        return document;
    js_each (attributes, key, value)
        (void)js_put_key(document, key, json_object_get(value)); /* without memory one line is missing */
    return document;
}

void view_resource(const struct view *view, struct json_object *reply)
{
    struct json_object *document CLEANUP_JS = whole_document(reply);
    struct json_object *needs = js_get(reply, "needs");
    const char *status = js_text(reply, "resource.status"), *why = js_text(reply, "resource.why");
    size_t count = js_count(needs, NULL);

    (void)buf_add_text(view->out, "# ");
    view_text(view, js_text(reply, "resource.address"));
    (void)buf_add_text(view->out, ": ");
    view_style(view, status_style(status));
    view_text(view, status);
    view_style(view, STYLE_PLAIN);
    if (why) {
        (void)buf_add_text(view->out, ": ");
        view_text(view, why);
    }
    (void)buf_add_char(view->out, '\n');
    if (js_text(reply, "resource.id")) {
        (void)buf_add_text(view->out, "# id: ");
        view_text(view, js_text(reply, "resource.id"));
        (void)buf_add_char(view->out, '\n');
    }
    for (size_t i = 0; i < count; i++) {
        (void)buf_add_text(view->out, i == 0 ? "# needs: " : ", ");
        view_text(view, json_object_get_string(js_at(needs, i)));
    }
    if (count > 0)
        (void)buf_add_char(view->out, '\n');
    view_text(view, js_text(reply, "resource.address"));
    (void)buf_add_text(view->out, " {\n");
    members(view, document);
    (void)buf_add_text(view->out, "}\n");
}
