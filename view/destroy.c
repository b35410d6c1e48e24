/*
 * destroy.c: what a destroy would delete, for somebody who is about to say yes; and what it left.
 */
#include "common/js.h"
#include "view/view-internal.h"

static void entry_line(const struct view *view, struct json_object *entry, const char *symbol,
                       enum view_style style)
{
    view_style(view, style);
    view_addf(view, "  %s ", symbol);
    view_style(view, STYLE_PLAIN);
    view_text(view, js_text(entry, "address"));
    if (js_text(entry, "id")) {
        (void)buf_add_text(view->out, " (");
        view_text(view, js_text(entry, "id"));
        (void)buf_add_char(view->out, ')');
    }
}

static void why_behind(const struct view *view, struct json_object *entry)
{
    if (js_text(entry, "why")) {
        (void)buf_add_text(view->out, ": ");
        view_text(view, js_text(entry, "why"));
    }
    (void)buf_add_char(view->out, '\n');
}

static void why_below(const struct view *view, struct json_object *entry)
{
    bool is_bad = !str_equal(js_text(entry, "farewell"), "leaves");

    (void)buf_add_char(view->out, '\n');
    if (!js_text(entry, "why"))
        return;
    view_style(view, is_bad ? STYLE_BAD : STYLE_CHANGE);
    (void)buf_add_text(view->out, "      ");
    view_text(view, js_text(entry, "why"));
    view_style(view, STYLE_PLAIN);
    (void)buf_add_char(view->out, '\n');
}

static void section(const struct view *view, const char *heading, struct json_object *list,
                    const char *symbol, enum view_style style)
{
    size_t count = js_count(list, NULL);

    if (count == 0)
        return;
    view_addf(view, "%s:\n", heading);
    for (size_t i = 0; i < count; i++) {
        entry_line(view, js_at(list, i), symbol, style);
        why_behind(view, js_at(list, i));
    }
    (void)buf_add_char(view->out, '\n');
}

void view_destroy_plan(const struct view *view, struct json_object *plan)
{
    struct json_object *deletes = js_get(plan, "deletes");
    size_t count = js_count(deletes, NULL);

    if (js_text(plan, "problem")) {
        view_style(view, STYLE_BAD);
        (void)buf_add_text(view->out, "Nothing can be deleted now: ");
        view_text(view, js_text(plan, "problem"));
        view_style(view, STYLE_PLAIN);
        (void)buf_add_text(view->out, "\n\n");
    }
    if (count > 0) {
        (void)buf_add_text(view->out, "To be deleted, in this order as far as one needs another:\n");
        for (size_t i = 0; i < count; i++) {
            entry_line(view, js_at(deletes, i), "-", STYLE_BAD);
            why_below(view, js_at(deletes, i));
        }
        (void)buf_add_char(view->out, '\n');
    }
    section(view, "Kept", js_get(plan, "kept"), "=", STYLE_GOOD);
    section(view, "Could not be looked at; deleted as soon as they can be", js_get(plan, "unknown"), "?",
            STYLE_CHANGE);
    view_text(view, js_text(plan, "platform"));
    (void)buf_add_text(view->out, ": ");
    view_style(view, STYLE_STRONG);
    view_addf(view, "%zu to delete, %zu kept", count, js_count(plan, "kept"));
    view_style(view, STYLE_PLAIN);
    (void)buf_add_text(view->out, ".\n");
}

void view_destroyed(const struct view *view, struct json_object *result)
{
    section(view, "Kept", js_get(result, "kept"), "=", STYLE_GOOD);
    section(view, "Not deleted", js_get(result, "left"), "!", STYLE_BAD);
    section(view, "Still tagged as this platform's", js_get(result, "leftovers"), "?", STYLE_CHANGE);
    if (!js_text(result, "problem"))
        return;
    view_style(view, STYLE_BAD);
    view_text(view, js_text(result, "problem"));
    view_style(view, STYLE_PLAIN);
    (void)buf_add_char(view->out, '\n');
}
