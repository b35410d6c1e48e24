/*
 * stream.c: apply and watch: what happens, as it happens.
 *
 * On a terminal what runs stands in lines at the bottom that count the time; what is done scrolls by above
 * them. Elsewhere every event is a plain line. With --json every answer is a line of its own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "ctl/ctl.h"
#include "ctl/varlink_client.h"

#define TICK_MS    1000
#define LINES_MAX  12
#define LINES_KEPT 4 /* rows of the terminal that the running lines leave to the rest */

struct stream {
    const struct ctl *ctl;
    struct varlink_client *client;
    struct progress progress;
    size_t drawn; /* running lines that stand at the bottom */
};

static bool is_live(const struct stream *stream)
{
    return stream->ctl->is_terminal && !stream->ctl->json;
}

static void erase(struct stream *stream, struct buf *out)
{
    if (stream->drawn > 0)
        (void)buf_addf(out, "\033[%zuA\033[J", stream->drawn);
    stream->drawn = 0;
}

static void draw(struct stream *stream, struct view *view)
{
    size_t rows = stream->ctl->height > LINES_KEPT + 1 ? stream->ctl->height - LINES_KEPT : 1;

    stream->drawn = progress_view(&stream->progress, view, rows < LINES_MAX ? rows : LINES_MAX);
}

static int redraw(struct stream *stream)
{
    struct buf out CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);
    struct view view = ctl_view(stream->ctl, &out);

    erase(stream, &out);
    draw(stream, &view);
    return ctl_print(&out);
}

/* Starts and waits are in the running lines; the rest is worth a line that stays. */
static bool is_worth_a_line(const struct stream *stream, struct json_object *event)
{
    const char *name = js_text(event, "event");

    return !is_live(stream) || !js_text(event, "address") ||
           !(str_equal(name, "start") || str_equal(name, "waiting"));
}

static int show_event(struct stream *stream, struct json_object *event)
{
    struct buf out CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);
    struct view view = ctl_view(stream->ctl, &out);

    if (!progress_take(&stream->progress, event, view.now_ms))
        return ctl_fail("no memory");
    if (is_live(stream))
        erase(stream, &out);
    if (is_worth_a_line(stream, event))
        view_event(&view, event);
    if (is_live(stream))
        draw(stream, &view);
    return ctl_print(&out);
}

/* The end of Apply: its exit status. */
static int show_results(struct stream *stream, struct json_object *reply)
{
    struct json_object *results = js_get(reply, "results");
    size_t count = js_count(results, NULL), left = 0;
    struct buf out CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);
    struct view view = ctl_view(stream->ctl, &out);
    int status;

    for (size_t i = 0; i < count; i++)
        left += !js_bool(js_at(results, i), "converged", false);
    if (stream->ctl->json) {
        status = ctl_print_json(stream->ctl, reply);
    } else {
        erase(stream, &out);
        view_results(&view, reply);
        (void)buf_add_text(&out, left > 0 ? "Apply stopped: " : "Apply complete: ");
        progress_summary(&stream->progress, &view);
        (void)buf_add_text(&out, ".\n");
        status = ctl_print(&out);
    }
    if (status != EXIT_DONE || left == 0)
        return status;
    return ctl_fail("%zu %s did not converge: the reasons stand above, and in mlopsctl status", left,
                    left == 1 ? "platform" : "platforms");
}

/* The end of Destroy: its exit status. */
static int show_destroyed(struct stream *stream, struct json_object *reply)
{
    struct json_object *result = js_get(reply, "result");
    bool is_done = str_equal(js_text(result, "state"), "destroyed");
    size_t left = js_count(result, "left");
    struct buf out CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);
    struct view view = ctl_view(stream->ctl, &out);
    int status;

    if (stream->ctl->json) {
        status = ctl_print_json(stream->ctl, reply);
    } else {
        erase(stream, &out);
        view_destroyed(&view, result);
        (void)buf_add_text(&out, is_done ? "Destroy complete: " : "Destroy is not complete: ");
        progress_summary(&stream->progress, &view);
        (void)buf_add_text(&out, is_done ? ". `mlopsctl apply` builds it again.\n" : ".\n");
        status = ctl_print(&out);
    }
    if (status != EXIT_DONE || is_done)
        return status;
    if (!js_text(result, "state"))
        return ctl_fail("somebody ended the destroy with apply: what was deleted is made again");
    return ctl_fail("%zu %s could not be deleted: mlopsd keeps trying; see mlopsctl status", left,
                    left == 1 ? "resource" : "resources");
}

/* The last answer. */
static int show_end(struct stream *stream, struct json_object *reply)
{
    if (js_get(reply, "results"))
        return show_results(stream, reply);
    return js_get(reply, "result") ? show_destroyed(stream, reply) : EXIT_DONE;
}

static int take(struct stream *stream, struct json_object *reply)
{
    struct json_object *event = js_get(reply, "event");

    if (!event)
        return EXIT_DONE;
    return stream->ctl->json ? ctl_print_json(stream->ctl, reply) : show_event(stream, event);
}

/* Until the last answer: its exit status. */
static int follow(struct stream *stream)
{
    bool continues = true;
    struct err err CLEANUP_ERR = {0};
    int r, status;

    for (;;) {
        struct json_object *reply CLEANUP_JS = NULL;

        r = varlink_receive(stream->client,
                            stream->progress.count > 0 && is_live(stream) ? TICK_MS : VARLINK_FOREVER, &reply,
                            &continues, &err);
        if (r < 0)
            return ctl_fail("%s", err_text(&err));
        status = r == 0 ? redraw(stream) : take(stream, reply);
        if (status != EXIT_DONE)
            return status;
        if (r > 0 && !continues)
            return show_end(stream, reply);
    }
}

int ctl_follow(const struct ctl *ctl, const char *method, struct json_object *take_parameters)
{
    struct json_object *parameters CLEANUP_JS = take_parameters;
    struct stream stream = {.ctl = ctl};
    struct err err CLEANUP_ERR = {0};
    int status;

    stream.client = ctl_connect(ctl);
    if (!stream.client)
        return EXIT_FAILED;
    if (varlink_send(stream.client, method, TAKE(parameters), true, &err) < 0)
        status = ctl_fail("%s", err_text(&err));
    else
        status = follow(&stream);
    progress_done(&stream.progress);
    varlink_client_free(stream.client);
    return status;
}

static int run(const struct ctl *ctl, const char *method)
{
    struct json_object *parameters = ctl_parameters(ctl);

    return parameters ? ctl_follow(ctl, method, parameters) : EXIT_FAILED;
}

int ctl_apply(const struct ctl *ctl)
{
    return run(ctl, "io.mlopsd.Apply");
}

int ctl_watch(const struct ctl *ctl)
{
    return run(ctl, "io.mlopsd.Watch");
}
