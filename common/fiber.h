/*
 * fiber.h: straight-line code that waits, on one thread.
 *
 * One operation = one fiber. Only operations wait; a control command, a libuv
 * or curl callback, a diff or a plan never do. Stacks are mapped with a guard
 * below, and the sanitizers and valgrind are told of every switch.
 * Rules that code must keep are in docs/fibers.md; most are asserted here.
 */
#ifndef MLOPSD_COMMON_FIBER_H
#define MLOPSD_COMMON_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"

struct fiber;
typedef void (*fiber_fn)(void *arg);

/** All fibers of one loop: run queue and stack pool. Embed; zeroed by fibers_init. */
struct fibers {
    struct fiber *run_head, *run_tail;
    struct fiber *all; /* every living fiber, for listing */
    size_t living;
    void *pool; /* spare stacks */
    size_t pooled;
    void (*ready)(
        struct fibers *fibers); /* the run queue became non-empty: arrange a fibers_run() soon; may be NULL */
    void *data;                 /* the owner's, for ready() */
    bool running;
};

void fibers_init(struct fibers *fibers);
/** Every fiber must have ended (asserted); releases the pool. */
void fibers_close(struct fibers *fibers);
/** Run until the queue is empty. Never from inside a fiber. */
void fibers_run(struct fibers *fibers);
/** Wake every living fiber with -ECANCELED; later waits in them fail at once too. */
void fibers_cancel_all(struct fibers *fibers);

/**
 * Start @fn(@arg) on a stack of its own; it first runs from fibers_run().
 * @name     copied; shown in listings ("create aws_iam_role.x").
 * @ret      may be NULL; borrowed: dead as soon as the fiber ended.
 * 0 or -ENOMEM (then @fn never runs).
 */
int fiber_spawn(struct fibers *fibers, const char *name, fiber_fn fn, void *arg, struct fiber **ret);

/** The running fiber, or NULL outside of one. */
struct fiber *fiber_self(void);
/**
 * Park until fiber_wake(). Return what the waker gave, or -ECANCELED.
 * Aborts outside a fiber and inside a no-yield section, with the fiber's name.
 */
int fiber_wait(void);
/** Make a parked fiber runnable with @result; ignored when it is already queued. */
void fiber_wake(struct fiber *fiber, int result);
/** Ask a fiber to stop: its current and all later waits return -ECANCELED. */
void fiber_cancel(struct fiber *fiber);
bool fiber_canceled(void); /* of the running fiber */

/** Sleep; 0 or -ECANCELED. */
int fiber_sleep(struct clock *clock, uint64_t delay_ms);

/** What the running fiber waits for, shown in listings: a static or long-lived text. */
void fiber_set_where(const char *where);
const char *fiber_name(const struct fiber *fiber);
const char *fiber_where(const struct fiber *fiber);
/** Iterate over the living: NULL starts, NULL ends. */
struct fiber *fiber_next(struct fibers *fibers, struct fiber *previous);

/** Between these, waiting aborts: inside a transaction or while a list is walked. They count; per thread. */
void fiber_no_yield_begin(void);
void fiber_no_yield_end(void);

/**
 * A set of children that one fiber waits for. Embed, zero, set @fibers.
 * At most @limit run at once (0 = no limit); fiber_group_spawn waits for a place.
 */
struct fiber_group {
    struct fibers *fibers;
    size_t limit;
    size_t running;
    struct fiber *waiter;
    size_t awaited; /* the waiter is woken when no more than these run */
    struct fiber_group_child *children;
};
/** May wait. 0, -ENOMEM, or -ECANCELED; then @fn does not run. */
int fiber_group_spawn(struct fiber_group *group, const char *name, fiber_fn fn, void *arg);
/**
 * May wait: until no child runs. When the waiter is canceled the children are
 * canceled too and it still waits for them: 0 or -ECANCELED, never early.
 */
int fiber_group_wait(struct fiber_group *group);

/** A few places for many fibers, first come, first served. Embed, zero. */
struct fiber_slots {
    size_t taken;
    struct fiber_slot_waiter *waiters; /* on their own stacks */
};
/** May wait: for one of @limit places (0 = no limit). 0, or -ECANCELED: then no place was taken. */
int fiber_slots_take(struct fiber_slots *slots, size_t limit);
void fiber_slots_give(struct fiber_slots *slots);

#endif
