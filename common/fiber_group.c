/*
 * fiber_group.c: a set of children that one fiber waits for.
 *
 * The group usually lives on the stack of the fiber that waits, so the wait
 * never ends while a child runs: also a canceled waiter stays until the last
 * child, canceled with it, has gone.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/fiber-internal.h"
#include "common/fiber.h"

struct fiber_group_child {
    struct fiber_group *group;
    struct fiber *fiber;
    fiber_fn fn;
    void *arg;
    struct fiber_group_child *prev, *next;
};

static void child_add(struct fiber_group *group, struct fiber_group_child *child)
{
    child->group = group;
    child->next = group->children;
    if (group->children)
        group->children->prev = child;
    group->children = child;
    group->running++;
}

static void child_remove(struct fiber_group *group, struct fiber_group_child *child)
{
    if (child->prev)
        child->prev->next = child->next;
    else
        group->children = child->next;
    if (child->next)
        child->next->prev = child->prev;
    group->running--;
}

static void child_main(void *arg)
{
    struct fiber_group_child *child = arg;
    struct fiber_group *group = child->group;

    child->fn(child->arg);
    child_remove(group, child);
    free(child);
    if (group->waiter && group->running <= group->awaited)
        fiber_wake(group->waiter, 0); /* the group may be gone as soon as the waiter runs */
}

int fiber_group_spawn(struct fiber_group *group, const char *name, fiber_fn fn, void *arg)
{
    struct fiber_group_child *child;
    int r = 0;

    if (fiber_canceled())
        return -ECANCELED; /* who is to stop starts nothing new */
    while (group->limit > 0 && group->running >= group->limit) {
        assert(!group->waiter); /* one fiber owns the group */
        group->waiter = fiber_self();
        group->awaited = group->limit - 1;
        r = fiber_wait();
        group->waiter = NULL;
        if (r == -ECANCELED)
            return r;
    }
    child = calloc(1, sizeof(*child));
    if (!child)
        return -ENOMEM;
    child->fn = fn;
    child->arg = arg;
    r = fiber_spawn(group->fibers, name, child_main, child, &child->fiber);
    if (r < 0) {
        free(child);
        return r;
    }
    child_add(group, child);
    return 0;
}

static void cancel_children(struct fiber_group *group)
{
    for (struct fiber_group_child *child = group->children; child; child = child->next)
        fiber_cancel(child->fiber);
}

int fiber_group_wait(struct fiber_group *group)
{
    bool told = false;

    while (group->running > 0) {
        if (fiber_canceled() && !told) {
            cancel_children(group);
            told = true;
        }
        assert(!group->waiter);
        group->waiter = fiber_self();
        group->awaited = 0;
        (void)fiber_park(); /* why it woke does not matter: the count and the flag say it all */
        group->waiter = NULL;
    }
    return fiber_canceled() ? -ECANCELED : 0;
}
