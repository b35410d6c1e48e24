/*
 * engine_fixture.h: a whole daemon without a process: virtual clock, fibers that the test runs turn by turn, the
 * simulated cloud, the real store in a directory of its own, the real reader of platform files.
 *
 * One turn: all fibers that can run, then one timer. Everything random comes from a seed, so a run can be repeated.
 * Nothing is asserted inside a fiber: cmocka leaves by longjmp, which must not cross stacks.
 */
#ifndef MLOPSD_TESTS_UNIT_ENGINE_FIXTURE_H
#define MLOPSD_TESTS_UNIT_ENGINE_FIXTURE_H

#include "common/http.h"
#include "common/str.h"
#include "daemon/daemon.h"
#include "tests/unit/engine_cloud.h"

#define ENGINE_WALL_MS 1795368600000ll /* 2026-11-22T17:30:00Z */
#define ENGINE_FILES   8

/** One thing the daemon said. */
struct engine_news {
    enum event_type event;
    char *address, *field, *detail;
    uint64_t at_ms; /* wall, from the start of the test */
};

/** A file of the state directory, in memory. */
struct engine_file {
    char *name, *data;
    size_t size;
};

/** A moment, to come back to: what a killed daemon leaves behind, and the world as it was then. */
struct engine_moment {
    struct engine_file files[ENGINE_FILES];
    size_t count;
    struct cloud cloud; /* its things only */
    int64_t wall_ms;
    size_t news;
    char *platform_file;
};

struct engine {
    char root[64];
    char state[96], platforms[96], file[128];
    uint64_t seed;
    struct clock_virtual clock;
    struct http_sim sim;
    struct cloud cloud;
    struct daemon_config *config;
    struct daemon *daemon; /* NULL while it is stopped */
    struct watcher watcher;
    struct engine_news *news;
    size_t news_count;
    uint64_t turns;
    unsigned starts;
};

/** Log lines are dropped, unless ENGINE_LOG is set. */
void engine_init(struct engine *engine, uint64_t seed);
void engine_close(struct engine *engine);
/** Write the platform file of platform "p"; the text is what follows "platform: p". NULL removes it. */
void engine_write(struct engine *engine, const char *text);
/**
 * Credentials for AWS, and who answers for it: AWS's own endpoints, or, unless NULL, the URL of a stand-in. For daemons
 * that are started from here on.
 */
void engine_aws(struct engine *engine, http_sim_handler handler, const char *endpoint);

/** Start a daemon on what the last one left. Its monotonic clock begins anew. */
void engine_start(struct engine *engine);
/** As SIGTERM; returns virtual milliseconds until it was gone. The loop must be empty then, and no timer left. */
uint64_t engine_stop(struct engine *engine);
/** As engine_stop(), but nothing gets time to finish. */
void engine_cancel(struct engine *engine);
/** Forget all that happened since @moment, as kill -9 did, but leave time where it is. The daemon must be gone. */
void engine_back(struct engine *engine, const struct engine_moment *moment);
void engine_keep(struct engine *engine, struct engine_moment *ret);
void engine_moment_done(struct engine_moment *moment);

/** One turn; false when there is nothing left that could happen. */
bool engine_turn(struct engine *engine);
/** Turns until @done says so, or @limit_ms passed: then false. */
bool engine_until(struct engine *engine, bool (*done)(struct engine *engine), uint64_t limit_ms);
/** Turns for so long. */
void engine_run(struct engine *engine, uint64_t time_ms);
bool engine_converged(struct engine *engine);
bool engine_rests(struct engine *engine); /* no pass runs, none is wanted at once */
/** A pass, looked at to its end. */
void engine_pass(struct engine *engine, const struct pass_request *request);

struct platform *engine_platform(struct engine *engine);
/** NULL when there is none. */
struct resource *engine_resource(struct engine *engine, const char *address);
/** How often it was said (address NULL = of anything). */
size_t engine_told(const struct engine *engine, enum event_type event, const char *address);
/** The newest of them; NULL when there is none. */
const char *engine_last_words(const struct engine *engine, enum event_type event, const char *address);
/** Everything it said, one line each; owned. For messages. */
char *engine_story(const struct engine *engine);

#endif
