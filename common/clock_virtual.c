/*
 * clock_virtual.c: a clock that stands still until it is told to move, so that
 * a test runs years in a moment and always in the same order.
 */
#include "common/clock-internal.h"
#include "common/clock.h"
#include "common/macro.h"

static uint64_t virtual_monotonic_ms(struct clock *clock)
{
    return container_of(clock, struct clock_virtual, clock)->now_ms;
}

static int64_t virtual_wall_ms(struct clock *clock)
{
    struct clock_virtual *virtual_clock = container_of(clock, struct clock_virtual, clock);

    return (int64_t)virtual_clock->now_ms + virtual_clock->wall_offset_ms;
}

static void virtual_changed(struct clock *clock)
{
    (void)clock; /* nothing is to be woken: whoever moves the clock looks at the list */
}

void clock_virtual_init(struct clock_virtual *virtual_clock, int64_t wall_ms)
{
    *virtual_clock = (struct clock_virtual){
        .clock = {.monotonic_ms = virtual_monotonic_ms,
                  .wall_ms = virtual_wall_ms,
                  .changed = virtual_changed},
        .wall_offset_ms = wall_ms,
    };
}

/* Time never goes back: a timer may be overdue when somebody moved now_ms by hand. */
static void go_to(struct clock_virtual *virtual_clock, uint64_t now_ms)
{
    if (now_ms > virtual_clock->now_ms)
        virtual_clock->now_ms = now_ms;
}

void clock_virtual_advance(struct clock_virtual *virtual_clock, uint64_t advance_ms)
{
    struct clock *clock = &virtual_clock->clock;
    uint64_t until_ms = virtual_clock->now_ms + advance_ms;

    while (clock->timers && clock->timers->due_ms <= until_ms) {
        go_to(virtual_clock, clock->timers->due_ms);
        clock_fire_due(clock);
    }
    go_to(virtual_clock, until_ms);
}

bool clock_virtual_step(struct clock_virtual *virtual_clock)
{
    struct clock *clock = &virtual_clock->clock;
    struct clock_timer *timer = clock->timers;

    if (!timer)
        return false;
    go_to(virtual_clock, timer->due_ms);
    clock_stop(timer); /* exactly one: others of the same moment are the next steps */
    timer->cb(timer);
    return true;
}
