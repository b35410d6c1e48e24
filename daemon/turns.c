/*
 * turns.c: whose turn it is. Some reads stand for one resource alone, and their answers hardly ever
 * change; in passes that nobody asked for, each of them is made every TURNS-th time, a few in each pass.
 * Whatever there is a reason to doubt is read at once.
 *
 * Turns are dealt anew for each graph, in its order, to whichever pass has the fewest calls so far: the
 * load is level, and the same after a restart.
 */
#include "common/str.h"
#include "daemon/daemon.h"

#define TURNS 5

/* Of facts.c. */
#define SUBJECT_TURN  0
#define SUBJECT_CALLS 1

static unsigned lightest(const unsigned load[TURNS], unsigned first)
{
    unsigned turn = first;

    for (unsigned i = first + 1; i < TURNS; i++)
        if (load[i] < load[turn])
            turn = i;
    return turn;
}

static void deal(struct platform *platform)
{
    unsigned load[TURNS] = {[SUBJECT_TURN] = SUBJECT_CALLS};

    for (size_t i = 0; i < platform->count; i++) {
        struct resource *resource = platform->resources[i];

        if (resource->kind->seldom_calls == 0)
            continue;
        /* GitHub answers one call at a time: its resources have another turn than the facts */
        resource->turn = lightest(load, resource->kind->provider == PROVIDER_GITHUB ? SUBJECT_TURN + 1 : 0);
        load[resource->turn] += resource->kind->seldom_calls;
    }
}

void turns_begin(struct platform *platform, bool taken)
{
    platform->by_turns = taken;
    if (!taken)
        return;
    deal(platform);
    platform->turn = (platform->turn + 1) % TURNS;
}

static bool is_in_doubt(const struct resource *resource)
{
    return resource->seen != ITEM_PRESENT || resource->decision.reason != REASON_IN_ORDER ||
           resource->unconfirmed || resource->acted || resource->intent.token;
}

bool turns_resource(const struct resource *resource)
{
    const struct platform *platform = resource->platform;

    return !platform->by_turns || resource->turn == platform->turn || is_in_doubt(resource);
}

bool turns_subject(const struct platform *platform)
{
    return !platform->by_turns || platform->turn == SUBJECT_TURN;
}
