/*
 * daemon.c: the process as a whole: set up, reload, run, stop.
 */
#include "config.h"

#include "daemon/daemon.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/str.h"
#include "daemon/control.h"
#include "daemon/notify.h"
#include "daemon/run.h"

#define STOP_PATIENCE_MS 3000
#define STOP_LOOK_MS     20
#define HOPELESS_UNKNOWN 3

struct platform *daemon_find(struct daemon *daemon, const char *name)
{
    for (size_t i = 0; i < daemon->count; i++)
        if (str_equal(daemon->platforms[i]->name, name))
            return daemon->platforms[i];
    return NULL;
}

void daemon_watch(struct daemon *daemon, struct watcher *watcher)
{
    watcher->next = daemon->watchers;
    daemon->watchers = watcher;
}

void daemon_unwatch(struct daemon *daemon, struct watcher *watcher)
{
    for (struct watcher **at = &daemon->watchers; *at; at = &(*at)->next) {
        if (*at == watcher) {
            *at = watcher->next;
            watcher->next = NULL;
            return;
        }
    }
}

/* ---- files ---- */

struct platform *daemon_add(struct daemon *daemon, const char *name, const char *file)
{
    struct platform **all = reallocarray(daemon->platforms, daemon->count + 1, sizeof(*all));
    struct platform *platform;

    if (!all)
        return NULL;
    daemon->platforms = all;
    platform = platform_new(daemon, name, file);
    if (platform)
        all[daemon->count++] = platform;
    return platform;
}

static struct platform *find_by_file(struct daemon *daemon, const char *file)
{
    for (size_t i = 0; i < daemon->count; i++)
        if (str_equal(daemon->platforms[i]->file, file))
            return daemon->platforms[i];
    return NULL;
}

/** Problems as they are shown to a person: place, line and caret, each on a line of the log. */
static void log_lines(const char *text)
{
    while (*text) {
        size_t size = strcspn(text, "\n");

        log_error("%.*s", (int)size, text);
        text += size + (text[size] == '\n');
    }
}

/** A bad file that no platform came from yet: an event without a history to stand in. */
static void refuse_stranger(const char *file)
{
    const struct event_info *info = &event_infos[EVENT_REFUSED];
    const struct log_field field = {"MLOPSD_EVENT", info->name};
    char *text CLEANUP_FREE = str_format("%s is refused: it has mistakes; its platform is not watched", file);

    log_event(info->level, info->message_id, text ? text : "a file is refused", &field, 1);
}

/** A bad file: the last good generation stays in force, and the log says why. */
static void refuse(struct daemon *daemon, const char *file, const struct problems *problems)
{
    struct platform *platform = find_by_file(daemon, file);
    char *text CLEANUP_FREE = problems_text(problems);

    if (platform && str_equal(platform->refused, text))
        return;
    log_lines(text ? text : "no memory for the problems");
    if (!platform) {
        refuse_stranger(file);
        return;
    }
    (void)str_set(&platform->refused, text ? text : "refused");
    report(platform, &(struct report){.event = EVENT_REFUSED},
           "%s is refused: it has mistakes; generation %lld stays in force", file,
           (long long)platform->generation);
}

static bool name_is_taken(struct daemon *daemon, const struct graph *graph, const char *file)
{
    struct platform *other = daemon_find(daemon, graph->platform);

    return other && !other->gone && !str_equal(other->file, file);
}

static int load_platform(struct daemon *daemon, const char *file)
{
    struct problems problems = {0}, warnings = {0};
    struct err err CLEANUP_ERR = {0};
    struct graph *graph = NULL;
    struct platform *platform;
    int r = graph_load(daemon->config, file, &graph, &problems, &warnings);

    if (r == 0 && name_is_taken(daemon, graph, file)) {
        problems_add(&problems, file, (struct yml_mark){0}, NULL,
                     "platform \"%s\" is already declared by %s: one file per platform", graph->platform,
                     daemon_find(daemon, graph->platform)->file);
        graph_free(graph);
        r = -EEXIST;
    }
    for (size_t i = 0; i < warnings.count; i++)
        log_warning("%s:%u:%u: %s", warnings.items[i].file, warnings.items[i].mark.line,
                    warnings.items[i].mark.column, warnings.items[i].text);
    problems_done(&warnings);
    if (r < 0) {
        refuse(daemon, file, &problems);
        problems_done(&problems);
        return r;
    }
    problems_done(&problems);
    platform = daemon_find(daemon, graph->platform);
    if (!platform)
        platform = daemon_add(daemon, graph->platform, file);
    if (!platform) {
        graph_free(graph);
        return -ENOMEM;
    }
    (void)str_set(&platform->file, file);
    r = platform_offer(platform, graph, &err);
    if (r < 0)
        log_err(LOG_AT_ERROR, &err, "%s could not be stored as a generation", file);
    return r;
}

/** Platforms whose file went away are watched no longer; nothing of theirs is deleted. */
static void notice_removed(struct daemon *daemon, const struct strv *files)
{
    for (size_t i = 0; i < daemon->count; i++) {
        struct platform *platform = daemon->platforms[i];

        if (platform->gone || strv_has(files, platform->file))
            continue;
        platform->gone = true;         /* its timer runs out once more, for those who wait for a pass */
        free(TAKE(platform->refused)); /* what was wrong with it went with the file */
        log_warning("%s: its file %s was removed: %s", platform->name, platform->file,
                    platform_watched(platform) ? "its destroy goes on"
                                               : "no longer watched; nothing is deleted");
    }
}

/** @ret_strangers, unless NULL, gets the refused files that no platform stands for. */
static size_t reload_files(struct daemon *daemon, struct strv *ret_strangers)
{
    struct problems problems = {0};
    struct strv files CLEANUP_STRV = {0};
    size_t refused = 0;

    if (platform_files(daemon->config->platforms_dir, &files, &problems) < 0) {
        char *text CLEANUP_FREE = problems_text(&problems);

        log_lines(text ? text : "the platform files can not be listed");
        problems_done(&problems);
        if (ret_strangers)
            (void)strv_add(ret_strangers, daemon->config->platforms_dir); /* the log has it as well */
        return 1;
    }
    problems_done(&problems);
    for (size_t i = 0; i < files.count; i++) {
        if (load_platform(daemon, files.items[i]) == 0)
            continue;
        refused++;
        if (ret_strangers && !find_by_file(daemon, files.items[i]))
            (void)strv_add(ret_strangers, files.items[i]);
    }
    notice_removed(daemon, &files);
    if (daemon->mode != RUN_ONCE_PLAN)
        destroy_recall_all(daemon);
    for (size_t i = 0; i < daemon->count; i++)
        if (daemon->platforms[i]->next_graph)
            schedule_pass(daemon->platforms[i],
                          &(struct pass_request){
                              .mode = daemon->mode == RUN_ONCE_PLAN ? PASS_CHECK : PASS_CONVERGE,
                              .full = true,
                          });
    if (daemon->count == 0 && refused == 0)
        log_warning("%s holds no platform file: nothing to watch", daemon->config->platforms_dir);
    return refused;
}

size_t daemon_reload(struct daemon *daemon)
{
    return reload_files(daemon, NULL);
}

size_t daemon_reload_asked(struct daemon *daemon, struct strv *ret_strangers)
{
    size_t refused;

    log_info("reloading");
    if (daemon->notify)
        notify_reloading(daemon->notify);
    refused = reload_files(daemon, ret_strangers);
    if (daemon->notify)
        notify_ready(daemon->notify);
    return refused;
}

/* ---- one run ---- */

/** Its graph could not be stored: no pass will ever start. */
static bool has_no_graph(const struct platform *platform)
{
    return !platform->graph && !platform->next_graph;
}

static bool nothing_to_run(const struct daemon *daemon)
{
    for (size_t i = 0; i < daemon->count; i++)
        if (!has_no_graph(daemon->platforms[i]))
            return false;
    return true;
}

static bool platform_concluded(const struct platform *platform)
{
    if (has_no_graph(platform))
        return true;
    if (platform->next_graph || platform->fiber || platform->pass_number == 0)
        return false;
    if (platform->converged)
        return true;
    if (platform->problem)
        return platform->problem_class != ERR_RETRY || platform->problem_passes >= HOPELESS_UNKNOWN;
    for (size_t i = 0; i < platform->count; i++)
        if (resource_hopeful(platform->resources[i]))
            return false;
    return true;
}

static void conclude_once(struct daemon *daemon)
{
    int status = 0;

    for (size_t i = 0; i < daemon->count; i++)
        if (daemon->mode == RUN_ONCE
                ? !platform_concluded(daemon->platforms[i])
                : !has_no_graph(daemon->platforms[i]) &&
                      (daemon->platforms[i]->pass_number == 0 || daemon->platforms[i]->fiber))
            return;
    for (size_t i = 0; i < daemon->count; i++) {
        int one = daemon->mode == RUN_ONCE ? run_tell_result(daemon->platforms[i])
                                           : run_tell_plan(daemon->platforms[i]);

        if (one == 1 || (one == 2 && status == 0))
            status = one;
    }
    daemon_stop(daemon, daemon->exit_status ? daemon->exit_status : status);
}

static void tell_manager(struct daemon *daemon)
{
    size_t resources = 0, ready = 0, drifts = 0;
    char *text CLEANUP_FREE = NULL;

    for (size_t i = 0; i < daemon->count; i++) {
        drifts += daemon->platforms[i]->episodes_count;
        for (size_t k = 0; k < daemon->platforms[i]->count; k++) {
            resources += !resource_gone(daemon->platforms[i]->resources[k]);
            ready += daemon->platforms[i]->resources[k]->status == STATUS_READY;
        }
    }
    text = str_format("%zu platform%s, %zu of %zu resources ready, %zu open drift%s", daemon->count,
                      daemon->count == 1 ? "" : "s", ready, resources, drifts, drifts == 1 ? "" : "s");
    if (text && daemon->notify)
        notify_status(daemon->notify, text);
}

/** A pass leaves holes. Up to so many bytes of them stay: given back, the next pass would only ask for them again. */
#define HOLES_MAX_BYTES ((size_t)4 << 20)

static void idle(struct clock_timer *timer)
{
    struct daemon *daemon = timer->data;

    store_idle(daemon->store);
    if (mallinfo2().fordblks > HOLES_MAX_BYTES)
        (void)malloc_trim(0); /* what it gives back is only a matter of size */
}

void daemon_pass_ended(struct daemon *daemon, struct platform *platform)
{
    (void)platform;
    if (daemon->stopping)
        return;
    tell_manager(daemon);
    daemon->idle_timer.data = daemon;
    if (!clock_armed(&daemon->idle_timer) && daemon->mode == RUN_SERVE)
        clock_start(daemon->clock, &daemon->idle_timer, 500, idle);
    if (daemon->mode != RUN_SERVE)
        conclude_once(daemon);
}

/* ---- stop ---- */

static void close_all(struct daemon *daemon);

static void look_for_the_end(struct clock_timer *timer)
{
    struct daemon *daemon = timer->data;
    bool patient = (int64_t)clock_monotonic_ms(daemon->clock) < daemon->stop_deadline_ms;

    if (daemon->fibers.living > 0 && patient) {
        clock_start(daemon->clock, timer, STOP_LOOK_MS, look_for_the_end);
        return;
    }
    if (daemon->fibers.living > 0 && !daemon->abandoned) {
        log_warning("%zu calls are still in flight: abandoned; their intents are written down",
                    daemon->fibers.living);
        daemon->abandoned = true;
        fibers_cancel_all(&daemon->fibers);
        clock_start(daemon->clock, timer, STOP_LOOK_MS, look_for_the_end);
        return;
    }
    if (daemon->fibers.living > 0) {
        clock_start(daemon->clock, timer, STOP_LOOK_MS, look_for_the_end);
        return;
    }
    close_all(daemon);
}

void daemon_stop(struct daemon *daemon, int exit_status)
{
    if (daemon->stopping)
        return;
    daemon->stopping = true;
    daemon->exit_status = exit_status;
    if (daemon->notify)
        notify_stopping(daemon->notify);
    for (size_t i = 0; i < daemon->count; i++) {
        daemon->platforms[i]->cut_short = true;
        schedule_stop(daemon->platforms[i]);
    }
    daemon->stop_deadline_ms = (int64_t)clock_monotonic_ms(daemon->clock) + STOP_PATIENCE_MS;
    daemon->stop_timer.data = daemon;
    clock_start(daemon->clock, &daemon->stop_timer, 0, look_for_the_end);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct daemon *daemon = handle->data;

    if (number == SIGHUP) {
        (void)daemon_reload_asked(daemon, NULL); /* refusals were told one by one */
        return;
    }
    if (daemon->stopping)
        return;
    log_info("stopping (%s)", number == SIGTERM ? "SIGTERM" : "SIGINT");
    daemon_stop(daemon, daemon->mode == RUN_SERVE ? 0 : 1);
}

static void close_all(struct daemon *daemon)
{
    clock_stop(&daemon->idle_timer);
    clock_stop(&daemon->stop_timer);
    for (size_t i = 0; i < daemon->count; i++)
        platform_free(daemon->platforms[i]);
    free(TAKE(daemon->platforms));
    daemon->count = 0;
    if (daemon->control)
        control_close(daemon->control);
    daemon->notify = notify_free(daemon->notify);
    if (daemon->curl) /* none in a test that brings its own transport */
        http_curl_close(daemon->curl);
    for (size_t i = 0; i < ARRAY_SIZE(daemon->signals); i++)
        if (daemon->signals[i].data)
            uv_close((uv_handle_t *)&daemon->signals[i], NULL);
    fibers_uv_close(&daemon->fibers_uv);
    clock_real_close(&daemon->real_clock);
}

/* ---- start ---- */

static int start_signals(struct daemon *daemon)
{
    const int numbers[] = {SIGHUP, SIGTERM, SIGINT};

    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        int r = uv_signal_init(&daemon->loop, &daemon->signals[i]);

        if (r == 0) {
            daemon->signals[i].data = daemon;
            r = uv_signal_start(&daemon->signals[i], on_signal, numbers[i]);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

/** The effects: loop, clock, fibers, HTTP. */
static int start_effects(struct daemon *daemon, struct err *err)
{
    int r = uv_loop_init(&daemon->loop);

    if (r == 0)
        r = clock_real_init(&daemon->real_clock, &daemon->loop);
    if (r == 0) {
        daemon->clock = &daemon->real_clock.clock;
        fibers_init(&daemon->fibers);
        r = fibers_uv_init(&daemon->fibers_uv, &daemon->loop, &daemon->fibers);
    }
    if (r == 0)
        r = start_signals(daemon);
    if (r < 0)
        return err_set(err, r, ERR_BUG, "the event loop could not be set up: %s", uv_strerror(r));
    daemon->started_ms = clock_wall_ms(daemon->clock);
    r = http_curl_new(&daemon->loop, NULL, &daemon->curl, err);
    if (r == 0)
        daemon->http = http_curl_http(daemon->curl);
    return r;
}

static int start_store(struct daemon *daemon, const char *directory, struct err *err)
{
    struct store_options options = {
        .directory = directory,
        .clock = daemon->clock,
        .read_only = daemon->mode == RUN_ONCE_PLAN,
    };

    return store_open(&options, &daemon->store, err);
}

static int serve(struct daemon *daemon, const char *socket, struct err *err)
{
    int r;

    if (daemon->mode != RUN_SERVE)
        return 0;
    r = control_open(daemon, socket, &daemon->control, err);
    if (r < 0)
        return r;
    daemon->notify = notify_new(daemon->clock);
    return daemon->notify ? 0 : err_no_memory(err);
}

/** Nothing runs yet, or everything has stopped: close what was opened. */
static void tear_down(struct daemon *daemon)
{
    if (daemon->curl)
        daemon->curl = http_curl_free(daemon->curl);
    if (daemon->control)
        daemon->control = control_free(daemon->control);
    fibers_close(&daemon->fibers);
    if (uv_loop_close(&daemon->loop) != 0)
        log_warning("handles were left open at the end");
    daemon->store = store_close(daemon->store);
}

int daemon_run(struct daemon *daemon, const char *state_directory, const char *socket)
{
    struct err err CLEANUP_ERR = {0};
    size_t refused;
    int r = start_effects(daemon, &err);

    if (r < 0) {
        log_err(LOG_AT_ERROR, &err, "mlopsd can not start");
        return 1;
    }
    r = start_store(daemon, state_directory, &err);
    if (r == 0)
        r = serve(daemon, socket, &err);
    if (r < 0) {
        log_err(LOG_AT_ERROR, &err, "mlopsd can not start");
        close_all(daemon);
        (void)uv_run(&daemon->loop, UV_RUN_DEFAULT);
        tear_down(daemon);
        return 1;
    }
    refused = daemon_reload(daemon);
    if (daemon->mode != RUN_SERVE && refused > 0)
        daemon->exit_status = 1;
    if (daemon->mode != RUN_SERVE && nothing_to_run(daemon))
        daemon_stop(daemon, 1);
    if (daemon->notify)
        notify_ready(daemon->notify);
    if (daemon->mode == RUN_SERVE)
        log_info("mlopsd %s is ready: %zu platform%s, socket %s", PACKAGE_VERSION, daemon->count,
                 daemon->count == 1 ? "" : "s", socket);
    (void)uv_run(&daemon->loop, UV_RUN_DEFAULT);
    tear_down(daemon);
    return daemon->exit_status;
}
