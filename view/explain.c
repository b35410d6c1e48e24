/*
 * explain.c: the tables of the kinds as a reference for the terminal.
 */
#include "common/js.h"
#include "view/view-internal.h"

void view_kinds(const struct view *view, struct json_object *document)
{
    static const char *const headings[] = {"TYPE", "WHAT", NULL};
    struct json_object *list = js_get(document, "kinds");
    struct table *table = table_new(headings);
    size_t count = js_count(list, NULL);

    for (size_t i = 0; i < count; i++) {
        table_add(table, STYLE_PLAIN, js_text(js_at(list, i), "type"));
        table_add(table, STYLE_PLAIN, js_text(js_at(list, i), "doc"));
    }
    table_print(view, table);
}

/* What a flag means for whoever writes the file. */
static const char *flag_words(const char *flag)
{
    static const struct {
        const char *flag, *words;
    } rows[] = {
        {"key", "names the thing in the cloud"},
        {"immutable", "a change replaces the resource"},
        {"exclusive", "what is not declared is removed"},
        {"create-once", "set at creation, then left to others"},
        {"server-default", "the service chooses when it is left out"},
        {"security", "drift is critical"},
        {"sensitive", "never shown"},
        {"local", "for mlopsd, not for the cloud"},
        {"ignore-case", "compared without case"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (str_equal(flag, rows[i].flag))
            return rows[i].words;
    }
    return flag;
}

/* "set of strings, required, a change replaces the resource, default []" */
static void add_facts(struct buf *out, struct json_object *field)
{
    struct json_object *flags = js_get(field, "flags");
    size_t count = js_count(flags, NULL);

    (void)buf_add_text(out, js_text(field, "type") ? js_text(field, "type") : "");
    if (js_bool(field, "required", false))
        (void)buf_add_text(out, ", required");
    for (size_t i = 0; i < count; i++)
        (void)buf_addf(out, ", %s", flag_words(json_object_get_string(js_at(flags, i))));
    if (js_text(field, "default"))
        (void)buf_addf(out, ", default %s", js_text(field, "default"));
}

static void wrapped(const struct view *view, const char *text, unsigned indent)
{
    size_t width = view->width > indent + 20 ? view->width - indent : 0, used = 0;
    char *escaped CLEANUP_FREE = view_escape(text);
    const char *word = escaped ? escaped : "", *end;

    view_addf(view, "%*s", (int)indent, "");
    for (; *word; word = end) {
        size_t columns;

        for (end = word; *end && *end != ' '; end++)
            ;
        columns = (size_t)(end - word);
        if (width > 0 && used > 0 && used + 1 + columns > width) {
            view_addf(view, "\n%*s", (int)indent, "");
            used = 0;
        }
        view_addf(view, "%s%.*s", used ? " " : "", (int)columns, word);
        used += columns + (used ? 1 : 0);
        while (*end == ' ')
            end++;
    }
    (void)buf_add_char(view->out, '\n');
}

static void field_entry(const struct view *view, struct json_object *field)
{
    struct buf facts CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);

    (void)buf_add_text(view->out, "  ");
    view_style(view, STYLE_STRONG);
    view_text(view, js_text(field, "path"));
    view_style(view, STYLE_PLAIN);
    (void)buf_add_char(view->out, '\n');
    add_facts(&facts, field);
    wrapped(view, buf_text(&facts), 6);
    if (!str_empty(js_text(field, "doc")))
        wrapped(view, js_text(field, "doc"), 6);
}

static void attributes(const struct view *view, struct json_object *list)
{
    static const char *const headings[] = {"ATTRIBUTE", "TYPE", "WHAT", NULL};
    size_t count = js_count(list, NULL);
    struct table *table;

    if (count == 0)
        return;
    (void)buf_add_char(view->out, '\n');
    table = table_new(headings);
    for (size_t i = 0; i < count; i++) {
        struct json_object *attribute = js_at(list, i);
        char *type CLEANUP_FREE = str_format("%s%s",
                                             js_text(attribute, "type") ? js_text(attribute, "type") : "",
                                             js_bool(attribute, "sensitive", false) ? ", sensitive" : "");

        table_add(table, STYLE_PLAIN, js_text(attribute, "name"));
        table_add(table, STYLE_PLAIN, type);
        table_add(table, STYLE_PLAIN, js_text(attribute, "doc"));
    }
    table_print(view, table);
}

void view_kind(const struct view *view, struct json_object *document)
{
    struct json_object *fields = js_get(document, "fields");
    size_t count = js_count(fields, NULL);

    view_style(view, STYLE_STRONG);
    view_text(view, js_text(document, "type"));
    view_style(view, STYLE_PLAIN);
    (void)buf_add_char(view->out, '\n');
    wrapped(view, js_text(document, "doc"), 2);
    if (count > 0)
        (void)buf_add_text(view->out, "\n");
    for (size_t i = 0; i < count; i++)
        field_entry(view, js_at(fields, i));
    attributes(view, js_get(document, "attributes"));
}
