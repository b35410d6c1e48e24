/*
 * engine_cloud.h: a small simulated cloud, and kinds that live in it, for the tests of the engine.
 * It watches the engine while it serves it: what no engine may ever do is kept as a violation.
 *
 * A call reaches the cloud when it is made; its answer comes after a latency on the virtual clock, or, with a
 * fault, not at all. Loop thread only.
 */
#ifndef MLOPSD_TESTS_UNIT_ENGINE_CLOUD_H
#define MLOPSD_TESTS_UNIT_ENGINE_CLOUD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/err.h"
#include "kinds/kind.h"

#define CLOUD_THINGS 64

struct thing {
    char *type, *name, *id, *arn;
    char *token;                  /* idempotency token of the create */
    struct json_object *document; /* fields; owned */
    int64_t created_wall_ms;
    int64_t visible_wall_ms; /* looks before this do not see it */
    int64_t ready_wall_ms;   /* in transition until then */
    bool failed;             /* still listed, never to be used: a new one of its name may be made */
};

/** What happens to a call that a fault meets. */
enum cloud_fault {
    CLOUD_WELL,
    CLOUD_FAILS,    /* an answer: the service had an error, nothing was done */
    CLOUD_DENIES,   /* an answer: no permission, nothing was done */
    CLOUD_REFUSES,  /* an answer: the request is wrong, nothing was done */
    CLOUD_NOT_YET,  /* an answer: eventual consistency */
    CLOUD_NO_SHOW,  /* no answer: it never arrived */
    CLOUD_NO_REPLY, /* no answer: it was done */
    CLOUD_FAULT_MAX,
};
const char *cloud_fault_name(enum cloud_fault fault);

struct cloud_line {
    uint64_t at_ms;
    const char *operation; /* "Create": static */
    char *name;            /* NULL for a list */
    bool write, done;
};

struct cloud {
    struct clock *clock;
    struct thing things[CLOUD_THINGS];
    size_t count;
    struct cloud_line *lines; /* every call */
    size_t calls, writes, doubles_served;
    unsigned made; /* numbers the ids */

    uint64_t latency_ms, jitter_ms;
    uint64_t seed;
    uint64_t blind_ms;  /* a new thing is seen only after so long */
    uint64_t settle_ms; /* a new test_slow is in transition so long */

    /* one call, or a run of them, meets a fault */
    enum cloud_fault fault;
    size_t fault_at, fault_calls; /* the first, counted from 1; how many */
    /* or all calls of one operation on one thing */
    enum cloud_fault always;
    const char *always_operation, *always_name;
    size_t always_met;
    const char *taken_name; /* creates of this name say that it exists; looks do not see it */
    size_t taken_met;

    bool strict_order;     /* deleting what another thing refers to is a violation */
    bool frozen;           /* no write may come any more */
    char blind_names[512]; /* names whose last look brought no answer: ",a,b," */
    char violation[512];   /* the first one; "" = none */
};

/** The one that the kinds talk to. */
extern struct cloud *the_cloud;

void cloud_init(struct cloud *cloud, struct clock *clock, uint64_t seed);
void cloud_done(struct cloud *cloud);
/** Deep copy of the things; *to is an initialised cloud with the same clock. */
void cloud_copy_things(struct cloud *to, const struct cloud *from);
struct thing *cloud_find(struct cloud *cloud, const char *type, const char *name);
/** Changes behind the engine's back. */
struct thing *cloud_put(struct cloud *cloud, const char *type, const char *name, const char *document);
void cloud_set(struct cloud *cloud, const char *type, const char *name, const char *field, const char *json);
void cloud_lose(struct cloud *cloud, const char *type, const char *name);
/** How often an operation on a name was done (NULL = any). */
size_t cloud_count(const struct cloud *cloud, const char *operation, const char *name);
/** When the nth (from 1) such call arrived; UINT64_MAX when there was none. */
uint64_t cloud_time(const struct cloud *cloud, const char *operation, const char *name, size_t nth);

#endif
