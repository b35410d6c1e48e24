/*
 * daemon.h: the whole process: loop, effects, store, and its platforms.
 */
#ifndef MLOPSD_DAEMON_DAEMON_H
#define MLOPSD_DAEMON_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "common/clock.h"
#include "common/fiber.h"
#include "common/fiber_uv.h"
#include "common/http.h"
#include "daemon/platform.h"
#include "desired/desired.h"
#include "state/store.h"

/** Is told of every event as it happens. Embedded by its owner. */
struct watcher {
    void (*event)(struct watcher *watcher, const struct platform *platform, const struct report *what,
                  int64_t time_ms, const char *detail);
    struct watcher *next;
};

enum run_mode { RUN_SERVE, RUN_ONCE, RUN_ONCE_PLAN, RUN_CHECK };

struct daemon {
    enum run_mode mode;
    char *config_file;
    struct daemon_config *config;
    uv_loop_t loop;
    struct clock_real real_clock;
    struct clock *clock;
    struct fibers fibers;
    struct fibers_uv fibers_uv;
    struct http_curl *curl;
    struct http *http;
    struct store *store;
    struct platform **platforms;
    size_t count;
    struct watcher *watchers;
    struct control *control;
    struct notify *notify;
    uv_signal_t signals[4];
    struct clock_timer stop_timer, idle_timer;
    bool stopping, abandoned;
    int64_t stop_deadline_ms; /* monotonic */
    int64_t started_ms;
    int exit_status;
};

/** Run to the end in the mode that is set; the config is loaded. Returns the exit status. */
int daemon_run(struct daemon *daemon, const char *state_directory, const char *socket);
/** Read all platform files: offers new graphs, keeps the last good ones. Returns how many files were refused. */
size_t daemon_reload(struct daemon *daemon);
/**
 * The same because somebody asks for it: the service manager is told. @ret_strangers, unless NULL, gets the
 * paths of refused files that no platform stands for.
 */
size_t daemon_reload_asked(struct daemon *daemon, struct strv *ret_strangers);
/** A platform by what is recorded of it; NULL when it could not be read (told). */
struct platform *daemon_add(struct daemon *daemon, const char *name, const char *file);
struct platform *daemon_find(struct daemon *daemon, const char *name);
/** Begin to stop: nothing new starts, calls in flight get 3 s, then are abandoned. */
void daemon_stop(struct daemon *daemon, int exit_status);
/** A pass of this platform ended. */
void daemon_pass_ended(struct daemon *daemon, struct platform *platform);
void daemon_watch(struct daemon *daemon, struct watcher *watcher);
void daemon_unwatch(struct daemon *daemon, struct watcher *watcher);

#endif
