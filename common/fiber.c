/*
 * fiber.c: fibers on ucontext: spawn, switch, wait, wake, cancel.
 *
 * The loop runs fibers_run(), which switches to one queued fiber after the
 * other; a fiber only ever switches back to there. So there is one level, one
 * queue and no priority. Stacks and the hooks of the tools are in
 * fiber_stack.c, sets of fibers in fiber_group.c. docs/fibers.md has the rules.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fiber-internal.h"
#include "common/fiber.h"

static __thread struct fiber *current;
static __thread unsigned no_yield_depth;

/* Where the debugger starts. A daemon has one set. */
struct fibers *fibers_debug;

/* Our own mistake, in a place where assert() would not name the culprit. */
static void __attribute__((noreturn)) die(const struct fiber *fiber, const char *what)
{
    if (fiber)
        fprintf(stderr, "fiber \"%s\" (%s): %s\n", fiber->name, fiber_where(fiber), what);
    else
        fprintf(stderr, "no fiber: %s\n", what);
    abort();
}

static void queue_add(struct fiber *fiber)
{
    struct fibers *fibers = fiber->fibers;

    fiber->queued = true;
    fiber->run_next = NULL;
    fiber->run_prev = fibers->run_tail;
    if (fibers->run_tail)
        fibers->run_tail->run_next = fiber;
    else
        fibers->run_head = fiber;
    fibers->run_tail = fiber;
    if (fibers->run_head == fiber && !fibers->running && fibers->ready)
        fibers->ready(fibers);
}

static void queue_remove(struct fiber *fiber)
{
    struct fibers *fibers = fiber->fibers;

    if (fiber->run_prev)
        fiber->run_prev->run_next = fiber->run_next;
    else
        fibers->run_head = fiber->run_next;
    if (fiber->run_next)
        fiber->run_next->run_prev = fiber->run_prev;
    else
        fibers->run_tail = fiber->run_prev;
    fiber->run_prev = fiber->run_next = NULL;
    fiber->queued = false;
}

static void all_add(struct fiber *fiber)
{
    struct fibers *fibers = fiber->fibers;

    fiber->all_next = fibers->all;
    if (fibers->all)
        fibers->all->all_prev = fiber;
    fibers->all = fiber;
    fibers->living++;
}

static void all_remove(struct fiber *fiber)
{
    struct fibers *fibers = fiber->fibers;

    if (fiber->all_prev)
        fiber->all_prev->all_next = fiber->all_next;
    else
        fibers->all = fiber->all_next;
    if (fiber->all_next)
        fiber->all_next->all_prev = fiber->all_prev;
    fibers->living--;
}

void fibers_init(struct fibers *fibers)
{
    *fibers = (struct fibers){0};
    fibers_debug = fibers;
}

void fibers_close(struct fibers *fibers)
{
    assert(!fibers->running);
    if (fibers->living > 0)
        die(fibers->all, "still lives while its set is closed");
    fiber_stacks_release(fibers);
    if (fibers_debug == fibers)
        fibers_debug = NULL;
}

/* The first function on every new stack. It must not return: there is nothing below it. */
static void fiber_main(void)
{
    struct fiber *self = current;

    fiber_tool_arrive(&self->tool, &self->caller_tool);
    self->fn(self->arg);
    if (no_yield_depth > 0)
        die(self, "ended inside a no-yield section");
    self->state = FIBER_ENDED;
    fiber_tool_leave(&self->tool, &self->caller_tool, true);
    setcontext(&self->caller);
    die(self, "could not switch back");
}

/* Apart and never inlined: the compiler treats the caller of getcontext() as one that may return twice. */
static int __attribute__((noinline)) make_context(struct fiber *fiber)
{
    if (getcontext(&fiber->context) < 0)
        return -errno;
    fiber->context.uc_stack.ss_sp = fiber->stack->bottom;
    fiber->context.uc_stack.ss_size = fiber->stack->size_bytes;
    fiber->context.uc_link = NULL;
    makecontext(&fiber->context, fiber_main, 0);
    /*
     * The address sanitizer forgets all it knows about a stack that is named
     * here, at every switch to it. It is told about switches by our own hooks.
     */
    fiber->context.uc_stack.ss_sp = NULL;
    fiber->context.uc_stack.ss_size = 0;
    return 0;
}

static struct fiber *fiber_free(struct fiber *fiber)
{
    if (!fiber)
        return NULL;
    if (fiber->stack)
        fiber_stack_put(fiber->fibers, fiber->stack);
    free(fiber->name);
    free(fiber);
    return NULL;
}

int fiber_spawn(struct fibers *fibers, const char *name, fiber_fn fn, void *arg, struct fiber **ret)
{
    struct fiber *fiber = calloc(1, sizeof(*fiber));

    if (!fiber)
        return -ENOMEM;
    fiber->fibers = fibers;
    fiber->name = strdup(name);
    fiber->stack = fiber_stack_get(fibers);
    if (!fiber->name || !fiber->stack || make_context(fiber) < 0) {
        fiber_free(fiber);
        return -ENOMEM;
    }
    fiber->fn = fn;
    fiber->arg = arg;
    fiber->thread = pthread_self();
    fiber->tool.bottom = fiber->stack->bottom;
    fiber->tool.size_bytes = fiber->stack->size_bytes;
    fiber->state = FIBER_QUEUED;
    all_add(fiber);
    queue_add(fiber);
    if (ret)
        *ret = fiber;
    return 0;
}

/* From the loop into @fiber, until it waits or ends. */
static void switch_to(struct fiber *fiber)
{
    assert(pthread_equal(fiber->thread, pthread_self())); /* a fiber never moves to another thread */
    fiber->state = FIBER_RUNNING;
    current = fiber;
    fiber_tool_leave(&fiber->caller_tool, &fiber->tool, false);
    if (swapcontext(&fiber->caller, &fiber->context) < 0)
        die(fiber, "could not be switched to");
    fiber_tool_arrive(&fiber->caller_tool, NULL);
    current = NULL;
}

static void fiber_ended(struct fiber *fiber)
{
    if (fiber->queued) /* somebody woke it while it ran: nobody is left to wake */
        queue_remove(fiber);
    all_remove(fiber);
    fiber_free(fiber);
}

void fibers_run(struct fibers *fibers)
{
    struct fiber *fiber;

    if (current)
        die(current, "fibers_run() inside a fiber");
    assert(!fibers->running);
    assert(no_yield_depth == 0); /* fibers wait, and who called us said that nobody may */
    fibers->running = true;
    while ((fiber = fibers->run_head)) {
        queue_remove(fiber);
        switch_to(fiber);
        if (fiber->state == FIBER_ENDED)
            fiber_ended(fiber);
    }
    fibers->running = false;
}

struct fiber *fiber_self(void)
{
    return current;
}

static struct fiber *must_be_able_to_wait(void)
{
    if (!current)
        die(NULL, "waits outside of a fiber");
    if (no_yield_depth > 0)
        die(current, "waits inside a no-yield section");
    return current;
}

int fiber_park(void)
{
    struct fiber *self = must_be_able_to_wait();

    self->state = FIBER_PARKED;
    fiber_tool_leave(&self->tool, &self->caller_tool, false);
    if (swapcontext(&self->context, &self->caller) < 0)
        die(self, "could not switch back");
    fiber_tool_arrive(&self->tool, &self->caller_tool);
    return self->result;
}

int fiber_wait(void)
{
    struct fiber *self = must_be_able_to_wait();
    int r;

    if (self->canceled)
        return -ECANCELED;
    r = fiber_park();
    return self->canceled ? -ECANCELED : r;
}

void fiber_wake(struct fiber *fiber, int result)
{
    assert(fiber->state != FIBER_ENDED);
    assert(pthread_equal(fiber->thread, pthread_self()));
    if (fiber->queued)
        return;
    fiber->result = result;
    if (fiber->state == FIBER_PARKED)
        fiber->state = FIBER_QUEUED;
    queue_add(fiber);
}

void fiber_cancel(struct fiber *fiber)
{
    fiber->canceled = true;
    if (fiber->state == FIBER_PARKED)
        fiber_wake(fiber, -ECANCELED);
}

void fibers_cancel_all(struct fibers *fibers)
{
    struct fiber *fiber = NULL;

    while ((fiber = fiber_next(fibers, fiber)))
        fiber_cancel(fiber);
}

bool fiber_canceled(void)
{
    return current && current->canceled;
}

static void sleep_over(struct clock_timer *timer)
{
    fiber_wake(timer->data, 0);
}

int fiber_sleep(struct clock *clock, uint64_t delay_ms)
{
    struct clock_timer timer = {.data = must_be_able_to_wait()};
    int r = 0;

    if (fiber_canceled())
        return -ECANCELED;
    clock_start(clock, &timer, delay_ms, sleep_over);
    while (clock_armed(&timer) && r != -ECANCELED) /* a wake-up meant for another wait ends nothing */
        r = fiber_wait();
    clock_stop(&timer);
    return fiber_canceled() ? -ECANCELED : 0;
}

void fiber_set_where(const char *where)
{
    if (current)
        current->where = where;
}

const char *fiber_name(const struct fiber *fiber)
{
    return fiber->name;
}

const char *fiber_where(const struct fiber *fiber)
{
    return fiber->where ? fiber->where : "";
}

struct fiber *fiber_next(struct fibers *fibers, struct fiber *previous)
{
    return previous ? previous->all_next : fibers->all;
}

void fiber_no_yield_begin(void)
{
    no_yield_depth++;
}

void fiber_no_yield_end(void)
{
    assert(no_yield_depth > 0);
    no_yield_depth--;
}
