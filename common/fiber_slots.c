/*
 * fiber_slots.c: a few places for many fibers, first come, first served.
 *
 * A place that is given back passes straight on to the first who waits: the count
 * stays, so nobody who comes in between can take it.
 */
#include "common/fiber.h"

struct fiber_slot_waiter {
    struct fiber *fiber;
    struct fiber_slot_waiter *next;
};

void fiber_slots_give(struct fiber_slots *slots)
{
    struct fiber_slot_waiter *first = slots->waiters;

    if (!first) {
        slots->taken--;
        return;
    }
    slots->waiters = first->next;
    fiber_wake(first->fiber, 0);
}

/* Take @waiter out of the list; false when it is not there: the place was already given to it. */
static bool waiter_remove(struct fiber_slots *slots, const struct fiber_slot_waiter *waiter)
{
    for (struct fiber_slot_waiter **p = &slots->waiters; *p; p = &(*p)->next) {
        if (*p == waiter) {
            *p = waiter->next;
            return true;
        }
    }
    return false;
}

int fiber_slots_take(struct fiber_slots *slots, size_t limit)
{
    struct fiber_slot_waiter waiter = {.fiber = fiber_self()};
    struct fiber_slot_waiter **end = &slots->waiters;
    int r;

    if (limit == 0 || slots->taken < limit) {
        slots->taken++;
        return 0;
    }
    while (*end)
        end = &(*end)->next;
    *end = &waiter;
    r = fiber_wait();
    if (r < 0 && !waiter_remove(slots, &waiter))
        fiber_slots_give(slots);
    return r < 0 ? r : 0;
}
