/*
 * limits.c: when a request may go out. One at a time for a token, a second
 * between writes, nobody while a limit lasts, and no third try with
 * credentials that were refused twice.
 *
 * Whoever enters the lane sends alone until it leaves. A pause shorter than the caller's patience is
 * waited out in the lane, so that everybody else waits too; a longer one fails the call and every
 * other one until it is over: going on can get the token banned.
 */
#include <assert.h>
#include <errno.h>

#include "cloud/github/github-internal.h"

/* ---- the lane: first come, first served ---- */

static void lane_remove(struct limits *limits, struct lane_waiter *waiter)
{
    struct lane_waiter *previous = NULL;

    for (struct lane_waiter *w = limits->head; w; previous = w, w = w->next) {
        if (w != waiter)
            continue;
        *(previous ? &previous->next : &limits->head) = w->next;
        if (limits->tail == w)
            limits->tail = previous;
        return;
    }
}

int lane_enter(struct limits *limits, struct err *err)
{
    struct lane_waiter self = {.fiber = fiber_self()};
    int r;

    assert(self.fiber);
    if (!limits->busy) {
        limits->busy = true;
        return 0;
    }
    *(limits->tail ? &limits->tail->next : &limits->head) = &self;
    limits->tail = &self;
    do {
        fiber_set_where("waiting for another GitHub call to end");
        r = fiber_wait();
    } while (r == 0 && !self.granted);
    if (r == 0)
        return 0;
    /* Canceled; the lane may have been given to us in the meantime. */
    if (self.granted)
        lane_leave(limits);
    else
        lane_remove(limits, &self);
    return err_set(err, -ECANCELED, ERR_CANCELED, "canceled while waiting for another GitHub call");
}

void lane_leave(struct limits *limits)
{
    struct lane_waiter *next = limits->head;

    assert(limits->busy);
    if (!next) {
        limits->busy = false;
        return;
    }
    limits->head = next->next;
    if (!limits->head)
        limits->tail = NULL;
    next->granted = true; /* the lane stays busy: it is theirs */
    fiber_wake(next->fiber, 0);
}

/* ---- pauses ---- */

static uint64_t time_left(const struct limits *limits, uint64_t at_ms)
{
    uint64_t now_ms = clock_monotonic_ms(limits->clock);

    return at_ms > now_ms ? at_ms - now_ms : 0;
}

static int throttled(const struct limits *limits, uint64_t left_ms, struct err *err)
{
    int r;

    r = err_set(err, -EAGAIN, ERR_THROTTLED, "GitHub: %s; next call in %llu s", limits->reason,
                (unsigned long long)((left_ms + 999) / 1000));
    if (err)
        err->retry_after_ms = left_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)left_ms;
    return r;
}

static int check_refusals(const struct limits *limits, enum credential credential, struct err *err)
{
    const struct refusals *refusals = &limits->refusals[credential];
    uint64_t left_ms = time_left(limits, refusals->probe_at_ms);
    int r;

    if (refusals->count < 2 || left_ms == 0)
        return 0;
    r = err_set(
        err, -EACCES, ERR_CREDENTIALS,
        "GitHub refused the %s %u times; not tried again for %llu s (going on would lock the user out)",
        credential == CREDENTIAL_APP ? "App's key" : "token", refusals->count,
        (unsigned long long)((left_ms + 999) / 1000));
    if (err)
        err->retry_after_ms = (uint32_t)left_ms;
    return r;
}

int limits_check(struct limits *limits, enum credential credential, struct err *err)
{
    uint64_t left_ms = time_left(limits, limits->blocked_until_ms);

    if (left_ms == 0)
        limits->fail_fast = false;
    else if (limits->fail_fast)
        return throttled(limits, left_ms, err);
    return check_refusals(limits, credential, err);
}

static int pause_for(struct limits *limits, uint64_t pause_ms, const char *where, struct err *err)
{
    fiber_set_where(where);
    if (fiber_sleep(limits->clock, pause_ms) < 0)
        return err_set(err, -ECANCELED, ERR_CANCELED, "canceled while %s", where);
    return 0;
}

int limits_wait(struct limits *limits, enum credential credential, bool write, uint64_t *waited_ms,
                struct err *err)
{
    uint64_t left_ms;
    int r;

    for (;;) {
        r = limits_check(limits, credential, err);
        if (r < 0)
            return r;
        left_ms = time_left(limits, limits->blocked_until_ms);
        if (left_ms > 0) {
            if (*waited_ms + left_ms > limits->patience_ms) {
                limits->fail_fast = true;
                return throttled(limits, left_ms, err);
            }
            *waited_ms += left_ms;
            r = pause_for(limits, left_ms, "waiting for a rate limit of GitHub", err);
        } else {
            left_ms = write ? time_left(limits, limits->next_write_ms) : 0;
            if (left_ms == 0)
                break;
            r = pause_for(limits, left_ms, "keeping a pause between writes to GitHub", err);
        }
        if (r < 0)
            return r;
    }
    if (write)
        limits->next_write_ms = clock_monotonic_ms(limits->clock) + limits->write_interval_ms;
    return 0;
}

static void block_for(struct limits *limits, uint64_t pause_ms, const char *reason)
{
    uint64_t until_ms = clock_monotonic_ms(limits->clock) + pause_ms;

    if (until_ms <= limits->blocked_until_ms)
        return;
    limits->blocked_until_ms = until_ms;
    limits->reason = reason;
}

void limits_hit(struct limits *limits, uint64_t pause_ms)
{
    if (pause_ms > 0) {
        block_for(limits, pause_ms, "a rate limit is exceeded");
        return;
    }
    if (limits->secondary_ms == 0)
        limits->secondary_ms = SECONDARY_FIRST_MS;
    else if (limits->secondary_ms >= SECONDARY_MAX_MS / 2)
        limits->secondary_ms = SECONDARY_MAX_MS;
    else
        limits->secondary_ms *= 2;
    block_for(limits, limits->secondary_ms, "a secondary rate limit is exceeded");
}

void limits_exhausted(struct limits *limits, uint64_t pause_ms)
{
    block_for(limits, pause_ms, "the hourly rate limit is used up");
}

void limits_success(struct limits *limits, enum credential credential)
{
    limits->secondary_ms = 0;
    limits->refusals[credential] = (struct refusals){0};
}

unsigned limits_refused(struct limits *limits, enum credential credential)
{
    struct refusals *refusals = &limits->refusals[credential];

    refusals->count++;
    if (refusals->count >= 2) {
        if (refusals->probe_wait_ms == 0)
            refusals->probe_wait_ms = PROBE_FIRST_MS;
        else if (refusals->probe_wait_ms < PROBE_MAX_MS / 2)
            refusals->probe_wait_ms *= 2;
        else
            refusals->probe_wait_ms = PROBE_MAX_MS;
        refusals->probe_at_ms = clock_monotonic_ms(limits->clock) + refusals->probe_wait_ms;
    }
    return refusals->count;
}
