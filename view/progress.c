/*
 * progress.c: what runs now, from the stream of events.
 *
 *   start -> running -> create, update, replace, delete, adopt, heal, failed -> gone from the list
 *                    -> waiting: still running, and it says for what
 */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/js.h"
#include "view/view-internal.h"

#define RUNNING_MAX 20000

static struct progress_action *find(struct progress *progress, const char *platform, const char *address)
{
    for (size_t i = 0; i < progress->count; i++) {
        if (str_equal(progress->running[i].address, address) &&
            str_equal(progress->running[i].platform, platform))
            return &progress->running[i];
    }
    return NULL;
}

static void action_done(struct progress_action *action)
{
    free(action->platform);
    free(action->address);
    free(action->what);
    free(action->waiting);
}

static void drop(struct progress *progress, struct progress_action *action)
{
    size_t index;

    if (!action)
        return;
    index = (size_t)(action - progress->running);
    action_done(action);
    memmove(action, action + 1, (progress->count - index - 1) * sizeof(*action));
    progress->count--;
}

static struct progress_action *add(struct progress *progress, const char *platform, const char *address,
                                   int64_t since_ms)
{
    struct progress_action *grown, *action;

    if (progress->count >= RUNNING_MAX)
        return NULL;
    grown = reallocarray(progress->running, progress->count + 1, sizeof(*grown));
    if (!grown)
        return NULL;
    progress->running = grown;
    action = &grown[progress->count++];
    *action = (struct progress_action){.since_ms = since_ms};
    if (str_set(&action->platform, platform) < 0 || str_set(&action->address, address) < 0) {
        drop(progress, action);
        return NULL;
    }
    return action;
}

static bool take_running(struct progress *progress, struct json_object *event, int64_t now_ms)
{
    const char *platform = js_text(event, "platform"), *address = js_text(event, "address");
    const char *name = js_text(event, "event"), *detail = js_text(event, "detail");
    struct progress_action *action = find(progress, platform, address);
    int64_t time_ms;

    if (!js_text(event, "time") || clock_parse_time(js_text(event, "time"), &time_ms) < 0 || time_ms > now_ms)
        time_ms = now_ms;
    if (!action)
        action = add(progress, platform, address, time_ms);
    if (!action)
        return false;
    if (str_equal(name, "waiting"))
        return str_set(&action->waiting, detail) == 0;
    return str_set(&action->what, detail) == 0 && str_set(&action->waiting, NULL) == 0;
}

bool progress_take(struct progress *progress, struct json_object *event, int64_t now_ms)
{
    const struct {
        const char *name;
        size_t *counts[2];
    } ends[] = {
        {"create", {&progress->added}},
        {"update", {&progress->changed}},
        {"replace", {&progress->added, &progress->destroyed}},
        {"delete", {&progress->destroyed}},
        {"adopt", {&progress->adopted}},
        {"heal", {&progress->changed}},
        {"failed", {&progress->failed}},
        {"held", {NULL}},
        {"forgotten", {NULL}},
    };
    const char *name = js_text(event, "event"), *address = js_text(event, "address");

    if (!address)
        return true;
    if (str_equal(name, "start") || str_equal(name, "waiting"))
        return take_running(progress, event, now_ms);
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        if (!str_equal(name, ends[i].name))
            continue;
        drop(progress, find(progress, js_text(event, "platform"), address));
        for (size_t k = 0; k < ARRAY_SIZE(ends[i].counts) && ends[i].counts[k]; k++)
            ++*ends[i].counts[k];
    }
    return true;
}

static void running_line(const struct view *view, const struct progress_action *action)
{
    struct buf line CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);
    struct view inner = *view;
    char elapsed[VIEW_TIME_SIZE];
    size_t bytes = 0;

    inner.out = &line;
    inner.color = false;
    view_duration(view->now_ms - action->since_ms, elapsed, sizeof(elapsed));
    view_addf(&inner, "  %7s  ", elapsed);
    view_text(&inner, action->address);
    if (action->waiting || action->what) {
        (void)buf_add_text(&line, ": ");
        view_text(&inner, action->waiting ? action->waiting : action->what);
    }
    /* One row each, or the cursor would not find back. */
    bytes = line.size;
    if (view->width > 0 && view_columns(buf_text(&line)) >= view->width) {
        bytes = view_prefix_bytes(buf_text(&line), view->width - 4);
        (void)buf_add(view->out, buf_text(&line), bytes);
        (void)buf_add_text(view->out, "...\n");
        return;
    }
    (void)buf_add(view->out, buf_text(&line), bytes);
    (void)buf_add_char(view->out, '\n');
}

size_t progress_view(const struct progress *progress, const struct view *view, size_t max_lines)
{
    size_t shown = progress->count;

    if (max_lines == 0)
        return 0;
    if (shown > max_lines)
        shown = max_lines - 1;
    for (size_t i = 0; i < shown; i++)
        running_line(view, &progress->running[i]);
    if (shown == progress->count)
        return shown;
    view_addf(view, "  ... and %zu more\n", progress->count - shown);
    return shown + 1;
}

void progress_summary(const struct progress *progress, const struct view *view)
{
    if (progress->adopted > 0)
        view_addf(view, "%zu adopted, ", progress->adopted);
    view_addf(view, "%zu added, %zu changed, %zu destroyed", progress->added, progress->changed,
              progress->destroyed);
    if (progress->failed > 0)
        view_addf(view, ", %zu failed", progress->failed);
}

void progress_done(struct progress *progress)
{
    for (size_t i = 0; i < progress->count; i++)
        action_done(&progress->running[i]);
    free(progress->running);
    *progress = (struct progress){0};
}

/* ---- the end of Apply ---- */

static void result(const struct view *view, struct json_object *result)
{
    struct json_object *blocked = js_get(result, "blocked");
    bool is_converged = js_bool(result, "converged", false);
    size_t count = js_count(blocked, NULL);

    view_text(view, js_text(result, "platform"));
    (void)buf_add_text(view->out, ": ");
    view_style(view, is_converged ? STYLE_GOOD : STYLE_BAD);
    (void)buf_add_text(view->out, is_converged ? "converged" : "not converged");
    view_style(view, STYLE_PLAIN);
    if (js_text(result, "problem")) {
        (void)buf_add_text(view->out, ": ");
        view_text(view, js_text(result, "problem"));
    }
    (void)buf_add_char(view->out, '\n');
    for (size_t i = 0; i < count; i++) {
        (void)buf_add_text(view->out, "  ");
        view_text(view, js_text(js_at(blocked, i), "address"));
        (void)buf_add_text(view->out, ": ");
        view_text(view, js_text(js_at(blocked, i), "why"));
        (void)buf_add_char(view->out, '\n');
    }
}

void view_results(const struct view *view, struct json_object *reply)
{
    struct json_object *results = js_get(reply, "results");
    size_t count = js_count(results, NULL);

    for (size_t i = 0; i < count; i++)
        result(view, js_at(results, i));
}
