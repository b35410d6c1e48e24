/*
 * status.c: one screen per platform: is it as its file says, and if not, what is in the way.
 */
#include <string.h>

#include "common/clock.h"
#include "common/js.h"
#include "view/view-internal.h"

#define BLOCKED_SHOWN 20

struct state_word {
    const char *text;
    enum view_style style;
};

static struct state_word state_of(struct json_object *platform)
{
    if (js_text(platform, "problem"))
        return (struct state_word){"stopped", STYLE_BAD};
    if (js_bool(platform, "paused", false))
        return (struct state_word){"paused", STYLE_CHANGE};
    if (str_equal(js_text(platform, "destroy"), "destroying"))
        return (struct state_word){"being destroyed", STYLE_BAD};
    if (str_equal(js_text(platform, "destroy"), "destroyed"))
        return (struct state_word){"destroyed", STYLE_CHANGE};
    if (js_bool(platform, "converged", false))
        return (struct state_word){"converged", STYLE_GOOD};
    if (js_int(platform, "resources.failed", 0) > 0)
        return (struct state_word){"not converged", STYLE_BAD};
    return (struct state_word){"working", STYLE_CHANGE};
}

static void label(const struct view *view, const char *name)
{
    view_addf(view, "%11s: ", name);
}

static void text_line(const struct view *view, const char *name, const char *text, enum view_style style)
{
    if (!text)
        return;
    label(view, name);
    view_style(view, style);
    view_text(view, text);
    view_style(view, STYLE_PLAIN);
    (void)buf_add_char(view->out, '\n');
}

/* "in 48s"; nothing when it is due or not planned. */
static void next_pass(const struct view *view, const char *rfc3339)
{
    char text[VIEW_TIME_SIZE];
    int64_t wall_ms;

    if (!rfc3339 || clock_parse_time(rfc3339, &wall_ms) < 0 || wall_ms <= view->now_ms)
        return;
    view_duration(wall_ms - view->now_ms, text, sizeof(text));
    view_addf(view, ", next in %s", text);
}

static void passes(const struct view *view, struct json_object *platform)
{
    const char *last = js_text(platform, "last_pass");
    char time[VIEW_TIME_SIZE], age[VIEW_TIME_SIZE];

    label(view, "Last pass");
    if (last) {
        view_time(view, last, time, sizeof(time));
        view_age(view, last, age, sizeof(age));
        view_addf(view, "%s (%s ago, ", time, age);
        view_count(view, (size_t)js_int(platform, "calls_last_pass", 0), "call", "calls");
        (void)buf_add_char(view->out, ')');
    } else {
        (void)buf_add_text(view->out, "none yet");
    }
    next_pass(view, js_text(platform, "next_pass"));
    (void)buf_add_char(view->out, '\n');
}

static void resources(const struct view *view, struct json_object *platform)
{
    static const struct {
        const char *path, *word;
        enum view_style style;
    } kinds[] = {
        {"resources.drifted", "drifted", STYLE_CHANGE},
        {"resources.pending", "pending", STYLE_CHANGE},
        {"resources.failed", "failed", STYLE_BAD},
    };

    label(view, "Resources");
    view_addf(view, "%lld of %lld ready", (long long)js_int(platform, "resources.ready", 0),
              (long long)js_int(platform, "resources.total", 0));
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        long long count = js_int(platform, kinds[i].path, 0);

        if (count == 0)
            continue;
        (void)buf_add_text(view->out, ", ");
        view_style(view, kinds[i].style);
        view_addf(view, "%lld %s", count, kinds[i].word);
        view_style(view, STYLE_PLAIN);
    }
    (void)buf_add_char(view->out, '\n');
}

static void drifts(const struct view *view, struct json_object *platform)
{
    long long count = js_int(platform, "open_drifts", 0);

    if (count == 0)
        return;
    label(view, "Drift");
    view_style(view, STYLE_CHANGE);
    view_addf(view, "%lld open", count);
    view_style(view, STYLE_PLAIN);
    (void)buf_add_text(view->out, " (mlopsctl drift)\n");
}

static void blocked(const struct view *view, struct json_object *list)
{
    static const char *const headings[] = {"RESOURCE", "SINCE", "WHY", NULL};
    size_t count = js_count(list, NULL), shown = count < BLOCKED_SHOWN ? count : BLOCKED_SHOWN;
    struct table *table;
    char age[VIEW_TIME_SIZE];

    if (count == 0)
        return;
    (void)buf_add_char(view->out, '\n');
    table = table_new(headings);
    for (size_t i = 0; i < shown; i++) {
        struct json_object *entry = js_at(list, i);

        view_age(view, js_text(entry, "since"), age, sizeof(age));
        table_add(table, STYLE_PLAIN, js_text(entry, "address"));
        table_add(table, STYLE_PLAIN, age[0] ? age : NULL);
        table_add(table, STYLE_PLAIN, js_text(entry, "why"));
    }
    table_print(view, table);
    if (count > shown)
        view_addf(view, "... and %zu more (mlopsctl state list -long)\n", count - shown);
}

/* How to bring it back. */
static void destroyed(const struct view *view, struct json_object *platform)
{
    const char *destroy = js_text(platform, "destroy");

    if (str_equal(destroy, "destroying"))
        text_line(view, "Destroy",
                  "goes on until all is deleted; `mlopsctl apply --yes` ends it and builds again", STYLE_BAD);
    else if (destroy)
        text_line(view, "Destroy", "done: nothing is made until `mlopsctl apply`", STYLE_CHANGE);
}

static void platform_screen(const struct view *view, struct json_object *platform)
{
    struct state_word state = state_of(platform);

    (void)buf_add_char(view->out, '\n');
    view_style(view, state.style);
    (void)buf_add_text(view->out, "* ");
    view_style(view, STYLE_PLAIN);
    view_style(view, STYLE_STRONG);
    view_text(view, js_text(platform, "name"));
    view_style(view, STYLE_PLAIN);
    (void)buf_add_text(view->out, ": ");
    view_style(view, state.style);
    (void)buf_add_text(view->out, state.text);
    view_style(view, STYLE_PLAIN);
    (void)buf_add_char(view->out, '\n');
    text_line(view, "Problem", js_text(platform, "problem"), STYLE_BAD);
    text_line(view, "Paused", js_text(platform, "paused_why"), STYLE_CHANGE);
    destroyed(view, platform);
    label(view, "File");
    view_text(view, js_text(platform, "file"));
    view_addf(view, " (generation %lld)\n", (long long)js_int(platform, "generation", 0));
    text_line(view, "Refused", js_text(platform, "refused") ? "a newer file; its problems stand below" : NULL,
              STYLE_BAD);
    passes(view, platform);
    resources(view, platform);
    drifts(view, platform);
}

/* The problems of a refused file are lines with carets: they keep their shape. */
static void refused(const struct view *view, const char *text)
{
    const char *end;

    if (!text)
        return;
    (void)buf_add_char(view->out, '\n');
    for (; *text; text = *end ? end + 1 : end) {
        end = strchrnul(text, '\n');
        if (end > text) {
            char *line CLEANUP_FREE = strndup(text, (size_t)(end - text));

            view_text(view, line);
        }
        (void)buf_add_char(view->out, '\n');
    }
}

void view_status(const struct view *view, struct json_object *reply)
{
    struct json_object *platforms = js_get(reply, "platforms");
    size_t count = js_count(platforms, NULL);
    char age[VIEW_TIME_SIZE];

    view_age(view, js_text(reply, "started"), age, sizeof(age));
    (void)buf_add_text(view->out, "mlopsd ");
    view_text(view, js_text(reply, "version"));
    view_addf(view, ", pid %lld", (long long)js_int(reply, "pid", 0));
    if (age[0])
        view_addf(view, ", up %s", age);
    (void)buf_add_text(view->out, ", ");
    view_count(view, count, "platform", "platforms");
    (void)buf_add_char(view->out, '\n');
    for (size_t i = 0; i < count; i++) {
        platform_screen(view, js_at(platforms, i));
        refused(view, js_text(js_at(platforms, i), "refused"));
        blocked(view, js_get(js_at(platforms, i), "blocked"));
    }
}
