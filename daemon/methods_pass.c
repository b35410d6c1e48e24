/*
 * methods_pass.c: calls that start passes and answer when they are over, and the
 * live stream of events.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/js.h"
#include "common/str.h"
#include "daemon/documents.h"
#include "daemon/methods-internal.h"

static void waiting_free(void *data)
{
    struct waiting_call *waiting = data;

    if (waiting->end)
        waiting->end(waiting);
    if (waiting->watching)
        daemon_unwatch(waiting->daemon, &waiting->watcher);
    for (size_t i = 0; i < waiting->count; i++)
        if (!waiting->platforms[i].over)
            pass_forget(waiting->platforms[i].platform, &waiting->platforms[i].waiter);
    free(waiting->platform);
    free(waiting->address);
    strv_done(&waiting->imports);
    json_object_put(waiting->refused);
    free(waiting);
}

struct waiting_call *waiting_new(struct daemon *daemon, struct varlink_call *call, size_t count)
{
    struct waiting_call *waiting = calloc(1, sizeof(*waiting) + count * sizeof(waiting->platforms[0]));

    if (!waiting) {
        method_fail(call, "Failed", "why", "no memory");
        return NULL;
    }
    waiting->daemon = daemon;
    waiting->call = call;
    varlink_on_gone(call, waiting_free, waiting);
    return waiting;
}

void waiting_drop(struct waiting_call *waiting)
{
    varlink_on_gone(waiting->call, NULL, NULL);
    waiting_free(waiting);
}

static void one_is_over(struct pass_waiter *waiter)
{
    struct one_platform *one = container_of(waiter, struct one_platform, waiter);
    struct waiting_call *waiting = one->owner;
    struct varlink_call *call = waiting->call;
    struct json_object *answer;

    one->over = true;
    if (--waiting->left > 0)
        return;
    answer = waiting->answer(waiting);
    varlink_on_gone(call, NULL, NULL);
    waiting_free(waiting);
    varlink_reply(call, answer);
}

void waiting_begin(struct waiting_call *waiting, struct platform **platforms, size_t count,
                   const struct pass_request *request, bool until_steady)
{
    waiting->count = waiting->left = count;
    for (size_t i = 0; i < count; i++) {
        struct one_platform *one = &waiting->platforms[i];

        one->owner = waiting;
        one->platform = platforms[i];
        one->waiter.done = one_is_over;
        one->waiter.from_pass = platforms[i]->pass_number + 1;
        one->waiter.until_steady = until_steady;
        pass_wait(platforms[i], &one->waiter);
        schedule_pass(platforms[i], request);
    }
}

/* ---- Plan ---- */

struct json_object *method_wrap(const char *key, struct json_object *take_list)
{
    struct json_object *answer = json_object_new_object();

    if (answer)
        (void)js_put_key(answer, key, take_list);
    else
        json_object_put(take_list);
    return answer;
}

static struct json_object *answer_plan(struct waiting_call *waiting)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < waiting->count; i++)
        (void)json_object_array_add(list, document_plan(waiting->platforms[i].platform));
    return method_wrap("platforms", list);
}

void method_plan(void *data, struct varlink_call *call, struct json_object *parameters)
{
    struct platform **platforms CLEANUP_FREE = NULL;
    struct waiting_call *waiting;
    size_t count = 0;

    if (!method_platforms(data, call, parameters, false, &platforms, &count))
        return;
    if (count == 0) {
        varlink_reply(call, method_wrap("platforms", json_object_new_array()));
        return;
    }
    waiting = waiting_new(data, call, count);
    if (!waiting)
        return;
    waiting->answer = answer_plan;
    waiting_begin(waiting, platforms, count, &(struct pass_request){.mode = PASS_CHECK, .full = true}, false);
}

/* ---- Apply ---- */

static bool is_of(const struct waiting_call *waiting, const struct platform *platform)
{
    return !waiting->platform || str_equal(waiting->platform, platform->name);
}

static void stream_event(struct watcher *watcher, const struct platform *platform, const struct report *what,
                         int64_t time_ms, const char *detail)
{
    struct waiting_call *waiting = container_of(watcher, struct waiting_call, watcher);
    const struct event_info *info = &event_infos[what->event];

    if (is_of(waiting, platform))
        varlink_continue(waiting->call,
                         method_wrap("event", document_event(time_ms, platform->name, what->address,
                                                             info->name, detail, info->level)));
}

static void stream(struct waiting_call *waiting)
{
    waiting->watcher.event = stream_event;
    waiting->watching = true;
    daemon_watch(waiting->daemon, &waiting->watcher);
}

static struct json_object *answer_apply(struct waiting_call *waiting)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < waiting->count; i++)
        (void)json_object_array_add(list, document_result(waiting->platforms[i].platform));
    return method_wrap("results", list);
}

/** Does a destroy keep Apply from it? Then it has been answered; else the destroy is over. */
static bool held_by_destroy(struct varlink_call *call, struct platform *platform, bool rebuild)
{
    unsigned uid = (unsigned)varlink_peer_of(call)->uid;
    struct err err CLEANUP_ERR = {0};
    char *why CLEANUP_FREE = NULL;

    if (platform->gone)
        why = str_format("%s is being destroyed, and no file says what to build: put %s back first",
                         platform->name, platform->file);
    else if (platform->destroy == DESTROY_GOING && !rebuild)
        why = str_format(
            "%s is being destroyed: `mlopsctl apply --yes` ends that here, and builds again what "
            "was deleted",
            platform->name);
    else if (destroy_cancel(platform, uid, &err) < 0)
        why = str_format("%s", err_text(&err));
    if (platform->destroy == DESTROY_NONE)
        return false;
    method_fail(call, "NotNow", "why", why ? why : "it is being destroyed");
    return true;
}

/** What was destroyed comes back only when it is meant: by its name, or because there is no other. */
static bool method_may_apply(struct varlink_call *call, struct json_object *parameters,
                             struct platform **platforms, size_t count)
{
    bool rebuild = js_bool(parameters, "rebuild", false);

    for (size_t i = 0; i < count; i++) {
        bool others = count > 1 && platforms[i]->destroy == DESTROY_DONE;

        if (platforms[i]->destroy != DESTROY_NONE && !others && held_by_destroy(call, platforms[i], rebuild))
            return false;
    }
    return true;
}

void method_apply(void *data, struct varlink_call *call, struct json_object *parameters)
{
    struct platform **platforms CLEANUP_FREE = NULL;
    struct waiting_call *waiting;
    size_t count = 0;

    if (!method_platforms(data, call, parameters, false, &platforms, &count))
        return;
    if (count == 0) {
        varlink_reply(call, method_wrap("results", json_object_new_array()));
        return;
    }
    if (!method_may_apply(call, parameters, platforms, count))
        return;
    waiting = waiting_new(data, call, count);
    if (!waiting)
        return;
    waiting->answer = answer_apply;
    (void)str_set(&waiting->platform, js_text(parameters, "platform")); /* without memory: events of all */
    if (varlink_wants_more(call))
        stream(waiting);
    waiting_begin(waiting, platforms, count,
                  &(struct pass_request){.mode = PASS_CONVERGE, .full = true, .released = true}, true);
}

/* ---- Destroy ---- */

static struct json_object *answer_destroy_plan(struct waiting_call *waiting)
{
    return method_wrap("plan", document_destroy_plan(waiting->platforms[0].platform));
}

static struct json_object *answer_destroyed(struct waiting_call *waiting)
{
    return method_wrap("result", document_destroyed(waiting->platforms[0].platform));
}

/** The one that is meant, though its file be gone, or refused since the start: then by what is recorded of it. */
static struct platform *platform_to_destroy(struct daemon *daemon, struct varlink_call *call,
                                            struct json_object *parameters)
{
    struct platform **platforms CLEANUP_FREE = NULL;
    const char *name = js_text(parameters, "platform");
    struct platform *platform = name ? daemon_find(daemon, name) : NULL;
    struct err err CLEANUP_ERR = {0};
    size_t count = 0;

    if (!platform && name)
        platform = destroy_recall(daemon, name, &err);
    if (!platform && err.code < 0 && err.code != -ENOENT) {
        method_fail(call, "Failed", "why", err_text(&err));
        return NULL;
    }
    if (!platform && method_platforms(daemon, call, parameters, true, &platforms, &count))
        platform = platforms[0];
    return platform;
}

static void begin_destroy(struct waiting_call *waiting, struct platform *platform)
{
    struct varlink_call *call = waiting->call;
    struct err err CLEANUP_ERR = {0};

    if (varlink_wants_more(call))
        stream(waiting);
    if (destroy_begin(platform, (unsigned)varlink_peer_of(call)->uid, &err) < 0) {
        waiting_drop(waiting);
        method_fail(call, "Failed", "why", err_text(&err));
        return;
    }
    waiting_begin(waiting, &platform, 1,
                  &(struct pass_request){.mode = PASS_CONVERGE, .full = true, .released = true}, true);
}

void method_destroy(void *data, struct varlink_call *call, struct json_object *parameters)
{
    const char *confirm = js_text(parameters, "confirm");
    struct platform *platform = platform_to_destroy(data, call, parameters);
    struct waiting_call *waiting;

    if (!platform)
        return;
    if (confirm && !str_equal(confirm, platform->name)) {
        method_fail(call, "NotNow", "why", "what was confirmed is not the name of this platform");
        return;
    }
    waiting = waiting_new(data, call, 1);
    if (!waiting)
        return;
    waiting->answer = confirm ? answer_destroyed : answer_destroy_plan;
    (void)str_set(&waiting->platform, platform->name); /* without memory: events of all */
    if (confirm)
        begin_destroy(waiting, platform);
    else
        waiting_begin(waiting, &platform, 1,
                      &(struct pass_request){.mode = PASS_CHECK, .full = true, .farewells = true}, false);
}

/* ---- Check ---- */

static struct json_object *answer_check(struct waiting_call *waiting)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < waiting->count; i++) {
        struct platform *platform = waiting->platforms[i].platform;

        for (size_t k = 0; k < platform->count; k++)
            if (!waiting->address || str_equal(waiting->address, platform->resources[k]->address))
                (void)json_object_array_add(list, document_resource(platform->resources[k]));
    }
    return method_wrap("resources", list);
}

void method_check(void *data, struct varlink_call *call, struct json_object *parameters)
{
    struct platform **platforms CLEANUP_FREE = NULL;
    const char *address = js_text(parameters, "address");
    struct waiting_call *waiting;
    size_t count = 0;

    if (!method_platforms(data, call, parameters, address != NULL, &platforms, &count))
        return;
    if (address && !method_resource(platforms[0], call, address))
        return;
    if (count == 0) {
        varlink_reply(call, method_wrap("resources", json_object_new_array()));
        return;
    }
    waiting = waiting_new(data, call, count);
    if (!waiting)
        return;
    waiting->answer = answer_check;
    (void)str_set(&waiting->address, address); /* without memory: all are shown */
    waiting_begin(waiting, platforms, count, &(struct pass_request){.mode = PASS_CONVERGE, .full = true},
                  false);
}

/* ---- Watch ---- */

void method_watch(void *data, struct varlink_call *call, struct json_object *parameters)
{
    struct platform **platforms CLEANUP_FREE = NULL;
    struct waiting_call *waiting;
    size_t count = 0;

    if (!method_platforms(data, call, parameters, false, &platforms, &count))
        return;
    waiting = waiting_new(data, call, 0);
    if (!waiting)
        return;
    (void)str_set(&waiting->platform, js_text(parameters, "platform")); /* without memory: events of all */
    stream(waiting);
}
