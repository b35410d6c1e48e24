/*
 * fiber-internal.h: what a fiber is made of, for fiber.c, fiber_stack.c,
 * fiber_group.c and those few waits in common/ that must not end early.
 *
 * mlopsd-gdb.py reads these structs by name: change them together.
 */
#ifndef MLOPSD_COMMON_FIBER_INTERNAL_H
#define MLOPSD_COMMON_FIBER_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <ucontext.h>

#include "common/fiber.h"

#define FIBER_GUARD_BYTES ((size_t)64 << 10) /* more than any single frame, so nothing can step over it */
#define FIBER_POOL_MAX    128                /* a pass over a whole platform has some eighty at a time */

/*
 *   spawn          run            wait
 *  ------> QUEUED ----> RUNNING ------> PARKED
 *            ^            |  |            |
 *            |            |  +-> ENDED    |
 *            +------------+---------------+
 *         wake (of a running fiber: `queued` only,
 *         and the next wait comes back at once)
 */
enum fiber_state { FIBER_QUEUED, FIBER_RUNNING, FIBER_PARKED, FIBER_ENDED, FIBER_STATE_MAX };

/** A mapped stack: a guard that can not be touched, then the bytes in use. */
struct fiber_stack {
    void *bottom; /* lowest usable address; the guard lies below */
    size_t size_bytes;
    unsigned valgrind_id;
    struct fiber_stack *next; /* in the pool */
};

/** What a tool must remember about a stack that is switched away from. */
struct fiber_tool {
    void *fake_stack;   /* the sanitizer's, for its use-after-return check */
    const void *bottom; /* where this stack lies */
    size_t size_bytes;
};

struct fiber {
    struct fibers *fibers;
    char *name;
    const char *where;
    enum fiber_state state;
    bool queued; /* in the run queue; a running fiber may be, too */
    bool canceled;
    int result; /* what the waker gave */
    fiber_fn fn;
    void *arg;
    ucontext_t context;
    ucontext_t caller; /* the loop, while this fiber runs */
    struct fiber_stack *stack;
    struct fiber_tool tool, caller_tool;
    pthread_t thread;
    struct fiber *run_prev, *run_next;
    struct fiber *all_prev, *all_next;
};

/** For mlopsd-gdb.py: the set that was initialised last, NULL after its end. */
extern struct fibers *fibers_debug;

/** Park like fiber_wait(), but a cancel does not end it: for a waiter whose frame others point into. */
int fiber_park(void);

struct fiber_stack *fiber_stack_get(struct fibers *fibers); /* from the pool or new; NULL without memory */
void fiber_stack_put(struct fibers *fibers, struct fiber_stack *stack);
void fiber_stacks_release(struct fibers *fibers);

/* Around every switch, so that the sanitizers know which stack is in use. */
void fiber_tool_leave(struct fiber_tool *from, const struct fiber_tool *to, bool for_ever);
void fiber_tool_arrive(struct fiber_tool *here, struct fiber_tool *came_from);

#endif
