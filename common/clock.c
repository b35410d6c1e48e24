/*
 * clock.c: timers in order, and the real clock on libuv.
 *
 * The list of timers belongs to every clock; only "what time is it" and "wake
 * me at" differ. The clock that stands still is in clock_virtual.c, times as
 * text are in clock_text.c.
 */
#include <assert.h>
#include <time.h>

#include "common/clock-internal.h"
#include "common/clock.h"
#include "common/macro.h"

/*
 * The list is sorted by due time, first come first served among equals. The
 * first timer's prev is the last timer; the last timer's next is NULL.
 */
static void list_insert_before(struct clock *clock, struct clock_timer *timer, struct clock_timer *next)
{
    struct clock_timer *head = clock->timers;

    timer->next = next;
    if (!head) {
        timer->prev = timer;
        clock->timers = timer;
        return;
    }
    if (!next) { /* the new last one */
        timer->prev = head->prev;
        head->prev->next = timer;
        head->prev = timer;
        return;
    }
    timer->prev = next->prev;
    next->prev = timer;
    if (next == head)
        clock->timers = timer;
    else
        timer->prev->next = timer;
}

static void list_remove(struct clock *clock, struct clock_timer *timer)
{
    struct clock_timer *head = clock->timers;

    if (timer->next)
        timer->next->prev = timer->prev;
    else
        head->prev = timer->prev;
    if (timer == head)
        clock->timers = timer->next;
    else
        timer->prev->next = timer->next;
    timer->prev = timer->next = NULL;
}

/* The first timer that is due after @due_ms, looking from the nearer end; NULL = none. */
static struct clock_timer *list_find_later(struct clock *clock, uint64_t due_ms)
{
    struct clock_timer *head = clock->timers, *timer;

    if (!head || head->prev->due_ms <= due_ms)
        return NULL;
    if (due_ms < head->due_ms || due_ms - head->due_ms < head->prev->due_ms - due_ms) {
        for (timer = head; timer->due_ms <= due_ms; timer = timer->next)
            ;
        return timer;
    }
    for (timer = head->prev; timer->prev->due_ms > due_ms; timer = timer->prev)
        ;
    return timer;
}

uint64_t clock_monotonic_ms(struct clock *clock)
{
    return clock->monotonic_ms(clock);
}

int64_t clock_wall_ms(struct clock *clock)
{
    return clock->wall_ms(clock);
}

void clock_start(struct clock *clock, struct clock_timer *timer, uint64_t delay_ms, clock_timer_cb cb)
{
    uint64_t now_ms = clock_monotonic_ms(clock);
    struct clock_timer *first;

    assert(cb);
    clock_stop(timer);
    first = clock->timers;
    timer->cb = cb;
    timer->clock = clock;
    timer->due_ms = delay_ms > UINT64_MAX - now_ms ? UINT64_MAX : now_ms + delay_ms;
    list_insert_before(clock, timer, list_find_later(clock, timer->due_ms));
    if (clock->timers != first)
        clock->changed(clock);
}

void clock_stop(struct clock_timer *timer)
{
    struct clock *clock = timer->clock;
    bool first;

    if (!clock)
        return;
    first = clock->timers == timer;
    list_remove(clock, timer);
    timer->clock = NULL;
    if (first)
        clock->changed(clock);
}

/*
 * The number of expired timers is taken first: one that a callback starts anew
 * without a delay waits for the next round, so the loop is never held here.
 */
void clock_fire_due(struct clock *clock)
{
    uint64_t now_ms = clock_monotonic_ms(clock);
    size_t expired = 0;

    for (struct clock_timer *timer = clock->timers; timer && timer->due_ms <= now_ms; timer = timer->next)
        expired++;
    for (; expired > 0; expired--) {
        struct clock_timer *timer = clock->timers;

        if (!timer || timer->due_ms > now_ms)
            break; /* a callback stopped some */
        list_remove(clock, timer);
        timer->clock = NULL;
        timer->cb(timer);
    }
}

static uint64_t real_monotonic_ms(struct clock *clock)
{
    (void)clock; /* there is one such time */
    return uv_hrtime() / 1000000;
}

static int64_t real_wall_ms(struct clock *clock)
{
    struct timespec now;

    (void)clock; /* as above */
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void real_arm(struct clock_real *real, uint64_t least_ms);

/*
 * libuv's time may run a tick behind: then nothing was due yet. And libuv calls
 * timers until none is due, so one that is always due would hold the loop: 1 ms
 * lets it go round.
 */
static void real_fired(uv_timer_t *handle)
{
    struct clock_real *real = container_of(handle, struct clock_real, timer);

    clock_fire_due(&real->clock);
    real_arm(real, 1);
}

static void real_arm(struct clock_real *real, uint64_t least_ms)
{
    struct clock_timer *first = real->clock.timers;
    uint64_t now_ms, delay_ms;

    if (!first) {
        uv_timer_stop(&real->timer);
        return;
    }
    uv_update_time(real->loop);
    now_ms = clock_monotonic_ms(&real->clock);
    delay_ms = first->due_ms > now_ms ? first->due_ms - now_ms : 0;
    uv_timer_start(&real->timer, real_fired, delay_ms > least_ms ? delay_ms : least_ms, 0);
}

static void real_changed(struct clock *clock)
{
    real_arm(container_of(clock, struct clock_real, clock), 0);
}

int clock_real_init(struct clock_real *real, uv_loop_t *loop)
{
    *real = (struct clock_real){
        .clock = {.monotonic_ms = real_monotonic_ms, .wall_ms = real_wall_ms, .changed = real_changed},
        .loop = loop,
    };
    return uv_timer_init(loop, &real->timer);
}

void clock_real_close(struct clock_real *real)
{
    assert(!real->clock.timers);
    uv_close((uv_handle_t *)&real->timer, NULL);
}
