/*
 * fiber_stack.c: stacks for fibers, and what the tools must be told of them.
 *
 * A stack is mapped with an inaccessible guard below, so running over its end
 * is a fault at that moment. Switching stacks blinds the sanitizers and
 * valgrind unless they hear of it; all their hooks are here and nowhere else.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "common/fiber-internal.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifndef WITH_ASAN
#define WITH_ASAN 0
#endif

#if WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#define STACK_BYTES ((size_t)256 << 10) /* red zones make frames several times larger */
#else
#define STACK_BYTES ((size_t)64 << 10)
#endif

#if defined(__has_include) && !defined(__cppcheck__) /* which does not know it */
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/memcheck.h>
#include <valgrind/valgrind.h>
#define WITH_VALGRIND 1
#endif
#endif
#ifndef WITH_VALGRIND
#define WITH_VALGRIND 0
#endif

static struct fiber_stack *stack_map(void)
{
    struct fiber_stack *stack = calloc(1, sizeof(*stack));
    char *base;

    if (!stack)
        return NULL;
    base = mmap(NULL, FIBER_GUARD_BYTES + STACK_BYTES, PROT_NONE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (base == MAP_FAILED) {
        free(stack);
        return NULL;
    }
    if (mprotect(base + FIBER_GUARD_BYTES, STACK_BYTES, PROT_READ | PROT_WRITE) < 0) {
        munmap(base, FIBER_GUARD_BYTES + STACK_BYTES);
        free(stack);
        return NULL;
    }
    stack->bottom = base + FIBER_GUARD_BYTES;
    stack->size_bytes = STACK_BYTES;
#if WITH_VALGRIND
    stack->valgrind_id = VALGRIND_STACK_REGISTER(stack->bottom, (char *)stack->bottom + STACK_BYTES);
#endif
    return stack;
}

static void stack_unmap(struct fiber_stack *stack)
{
#if WITH_VALGRIND
    VALGRIND_STACK_DEREGISTER(stack->valgrind_id);
#endif
    munmap((char *)stack->bottom - FIBER_GUARD_BYTES, FIBER_GUARD_BYTES + STACK_BYTES);
    free(stack);
}

/* From now on the leak check takes what the stack points to as in use. */
static void stack_in_use(struct fiber_stack *stack)
{
#if WITH_ASAN
    __lsan_register_root_region(stack->bottom, stack->size_bytes);
#else
    (void)stack;
#endif
}

/*
 * Back to a blank stack. The frames that were left for ever may still be
 * poisoned, which would hit the next user. What they held must go too: stale
 * pointers would hide leaks, stale values uninitialised reads.
 */
static void stack_out_of_use(struct fiber_stack *stack)
{
#if WITH_ASAN
    __lsan_unregister_root_region(stack->bottom, stack->size_bytes);
    __asan_unpoison_memory_region(stack->bottom, stack->size_bytes);
    (void)madvise(stack->bottom, stack->size_bytes, MADV_DONTNEED); /* only makes the check sharper */
#elif WITH_VALGRIND
    (void)VALGRIND_MAKE_MEM_UNDEFINED(stack->bottom, stack->size_bytes); /* 0 outside of valgrind */
#else
    (void)stack;
#endif
}

struct fiber_stack *fiber_stack_get(struct fibers *fibers)
{
    struct fiber_stack *stack = fibers->pool;

    if (stack) {
        fibers->pool = stack->next;
        fibers->pooled--;
        stack->next = NULL;
    } else {
        stack = stack_map();
        if (!stack)
            return NULL;
    }
    stack_in_use(stack);
    return stack;
}

void fiber_stack_put(struct fibers *fibers, struct fiber_stack *stack)
{
    stack_out_of_use(stack);
    if (fibers->pooled >= FIBER_POOL_MAX) {
        stack_unmap(stack);
        return;
    }
    stack->next = fibers->pool;
    fibers->pool = stack;
    fibers->pooled++;
}

void fiber_stacks_release(struct fibers *fibers)
{
    struct fiber_stack *stack;

    while ((stack = fibers->pool)) {
        fibers->pool = stack->next;
        stack_unmap(stack);
    }
    fibers->pooled = 0;
}

void fiber_tool_leave(struct fiber_tool *from, const struct fiber_tool *to, bool for_ever)
{
#if WITH_ASAN
    /* Without a place to keep it, the fake stack of what ended is released. */
    __sanitizer_start_switch_fiber(for_ever ? NULL : &from->fake_stack, to->bottom, to->size_bytes);
#else
    (void)from;
    (void)to;
    (void)for_ever;
#endif
}

void fiber_tool_arrive(struct fiber_tool *here, struct fiber_tool *came_from)
{
#if WITH_ASAN
    const void *bottom;
    size_t size_bytes;

    __sanitizer_finish_switch_fiber(here->fake_stack, &bottom, &size_bytes);
    if (came_from) {
        came_from->bottom = bottom;
        came_from->size_bytes = size_bytes;
    }
#else
    (void)here;
    (void)came_from;
#endif
}
