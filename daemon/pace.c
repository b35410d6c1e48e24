/*
 * pace.c: how long to wait before looking again at what takes its time.
 *
 * A kind's table knows how long the real service takes, so nothing is asked before it can be over. A stand-in
 * for AWS (an endpoint that is not AWS's own) keeps its own time, unknown to us: there the waits grow with the age of
 * what is waited for, never longer than the table's.
 */
#include <stdlib.h>

#include "common/str.h"
#include "daemon/daemon.h"

#define STAND_IN_FIRST_MS 100
#define STAND_IN_SHARE    40 /* of the age so far: one part in; so late is the news at worst */
#define STEADY_MS         2000
#define UNSEEN_MS         2000 /* a look that brought nothing: doubled each time */
#define UNSEEN_DOUBLINGS  4
#define BLOCKED_MS        15000 /* the whole cloud is out of reach */
#define NOT_YET_FIRST_MS  2000
#define NOT_YET_LAST_MS   8000

static bool keeps_its_own_time(const struct platform *platform)
{
    return platform->clouds.aws && aws_is_stand_in(platform->clouds.aws);
}

static uint64_t at_most(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

static uint64_t grown_ms(uint64_t age_ms)
{
    uint64_t share_ms = age_ms / STAND_IN_SHARE;

    return share_ms > STAND_IN_FIRST_MS ? share_ms : STAND_IN_FIRST_MS;
}

static uint64_t settling_wait_ms(const struct resource *resource, uint64_t now_ms)
{
    const struct pace *pace = &resource->kind->pace;
    uint64_t age_ms = now_ms - resource->settling_since_ms;
    uint64_t every_ms = pace->every_ms ? pace->every_ms : STEADY_MS;

    if (keeps_its_own_time(resource->platform))
        return at_most(grown_ms(age_ms), every_ms);
    return age_ms < pace->first_look_ms ? pace->first_look_ms - age_ms : every_ms;
}

void pace_settling(struct resource *resource, const char *status)
{
    uint64_t now_ms = clock_monotonic_ms(resource->platform->daemon->clock);

    (void)str_set(&resource->settling, status); /* without memory: the old word, or the reason's */
    if (resource->settling_since_ms == 0)
        resource->settling_since_ms = now_ms;
    resource->look_due_ms = now_ms + settling_wait_ms(resource, now_ms);
}

static uint64_t unseen_wait_ms(const struct resource *resource)
{
    bool somebody_waits = resource->platform->daemon->mode != RUN_SERVE;
    unsigned n = resource->unknown_passes > UNSEEN_DOUBLINGS ? UNSEEN_DOUBLINGS : resource->unknown_passes;

    if (resource->settling_since_ms != 0)
        return STEADY_MS;
    if (resource->platform->problem)
        return somebody_waits ? UNSEEN_MS : BLOCKED_MS;
    return (uint64_t)UNSEEN_MS << n;
}

void pace_put_off(struct resource *resource)
{
    resource->look_due_ms = clock_monotonic_ms(resource->platform->daemon->clock) + unseen_wait_ms(resource);
}

void pace_facts(struct platform *platform, int result)
{
    unsigned n = platform->facts_failures > UNSEEN_DOUBLINGS ? UNSEEN_DOUBLINGS : platform->facts_failures;

    platform->facts_failures = result < 0 ? platform->facts_failures + 1 : 0;
    platform->facts_due_ms = clock_monotonic_ms(platform->daemon->clock) + ((uint64_t)UNSEEN_MS << n);
}

void pace_settled(struct resource *resource)
{
    free(TAKE(resource->settling));
    resource->settling_since_ms = 0;
    resource->look_due_ms = 0;
}

bool pace_settles_too_long(const struct resource *resource)
{
    uint64_t give_up_ms = resource->kind->pace.give_up_ms;
    uint64_t now_ms = clock_monotonic_ms(resource->platform->daemon->clock);

    return resource->settling_since_ms != 0 && give_up_ms > 0 &&
           now_ms - resource->settling_since_ms > give_up_ms;
}

uint64_t pace_not_yet_ms(const struct resource *resource)
{
    uint64_t now_ms = clock_monotonic_ms(resource->platform->daemon->clock);
    unsigned n = resource->failures > 3 ? 2 : resource->failures > 0 ? resource->failures - 1 : 0;

    if (keeps_its_own_time(resource->platform) && resource->not_yet_since_ms != 0)
        return at_most(grown_ms(now_ms - resource->not_yet_since_ms), NOT_YET_LAST_MS);
    return at_most((uint64_t)NOT_YET_FIRST_MS << n, NOT_YET_LAST_MS);
}
