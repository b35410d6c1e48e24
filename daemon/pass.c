/*
 * pass.c: one pass, on a fiber of its own.
 *
 *   take over a new graph -> guard -> facts
 *   round:  resolve -> look -> look again at what vanished -> judge -> act
 *   until a round has nothing to do -> record -> tell -> schedule
 *
 * Everything is decided anew in each round from what was just seen; a pass that
 * dies anywhere loses nothing.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/str.h"
#include "daemon/act-internal.h"
#include "daemon/daemon.h"
#include "daemon/words.h"

#define ROUNDS_MAX 8
#define CONFIRM_MS 1000

/** Known to be not there, and not yet its turn to be made. */
static bool waits_its_turn(const struct resource *resource, uint64_t now_ms)
{
    return resource->seen == ITEM_ABSENT && resource->decision.reason == REASON_NEW &&
           !resource->intent.token &&
           (resource->decision.hold != HOLD_NONE || act_waits_for_others(resource, now_ms));
}

/** Worth a look in a short pass: not in order, and neither waiting nor in a transition that can not be over yet. */
static bool is_unready(const struct resource *resource)
{
    uint64_t now_ms = clock_monotonic_ms(resource->platform->daemon->clock);

    if (resource->acted && resource->settling_since_ms == 0)
        return true;
    if (resource->settling_since_ms != 0 || resource->decision.reason == REASON_UNKNOWN)
        return now_ms >= resource->look_due_ms || act_look_again(resource, now_ms);
    return resource->decision.reason != REASON_IN_ORDER && !resource_gone(resource) &&
           !waits_its_turn(resource, now_ms);
}

static bool is_suspect(const struct resource *resource)
{
    return resource->decision.reason == REASON_SUSPECT;
}

/** Its key became known after the round had looked. */
static bool is_unseen(const struct resource *resource)
{
    return !resource->looked && !resource->acted && resource->desired;
}

/** Its values can not be put together (a credential is missing, say): told once, and once when it is over. */
static void tell_unresolved(struct resource *resource, struct err *err)
{
    struct report news = {.event = EVENT_FAILED, .address = resource->address};

    if (err->code < 0) {
        if (!resource->unresolved || !str_equal(err_text(&resource->act_err), err_text(err)))
            report(resource->platform, &news, "its values can not be put together: %s", err_text(err));
        err_move(&resource->act_err, err);
        resource->unresolved = true;
    } else if (resource->unresolved) {
        news.event = EVENT_RECOVERED;
        report(resource->platform, &news, "its values are complete again");
        err_done(&resource->act_err);
        resource->unresolved = false;
    }
}

static void resolve_all(struct platform *platform)
{
    lookup_begin(platform);
    for (size_t i = 0; i < platform->count; i++) {
        struct resource *resource = platform->resources[i];
        struct err err CLEANUP_ERR = {0};

        if (resource->acting)
            continue;
        (void)lookup_desired(resource, &err); /* the code is in err */
        if (resource_doomed(resource))
            err_done(&err); /* it needs no values any more */
        tell_unresolved(resource, &err);
    }
}

/** Judge everything, and take into the records what needs no call. */
static void judge_and_note(struct platform *platform)
{
    size_t waiting;

    judge_brakes(platform);
    judge_all(platform);
    do {
        waiting = import_waiting(platform, true);
        if (record_adopt_and_forget(platform) == 0)
            break;
        resolve_all(platform); /* adopted ones have attributes now */
        judge_all(platform);
    } while (import_waiting(platform, true) < waiting); /* and the next import may refer to them */
}

static int look_and_judge(struct platform *platform, look_filter wanted)
{
    int r = look(platform, wanted);

    if (r < 0)
        return r;
    judge_and_note(platform);
    for (size_t i = 0; i < platform->count; i++) {
        if (!is_suspect(platform->resources[i]))
            continue;
        fiber_set_where("before looking again at what was not found");
        r = fiber_sleep(platform->daemon->clock, CONFIRM_MS);
        if (r == 0)
            r = look(platform, is_suspect);
        if (r < 0)
            return r;
        judge_and_note(platform);
        break;
    }
    return 0;
}

static size_t waiting_for_values(const struct platform *platform)
{
    size_t count = 0;

    for (size_t i = 0; i < platform->count; i++)
        count += platform->resources[i]->waiting_on.count > 0 && !platform->resources[i]->acting;
    return count;
}

/** What the look brought may be what others wait for: the name that a load balancer has at last. */
static int look_further(struct platform *platform)
{
    size_t before, now = waiting_for_values(platform);

    for (;;) {
        int r;

        before = now;
        if (before == 0)
            return 0;
        resolve_all(platform);
        now = waiting_for_values(platform);
        if (now >= before)
            return 0;
        r = look(platform, is_unseen);
        if (r < 0)
            return r;
        judge_and_note(platform);
    }
}

/** Wait until one of the running operations ended. */
static int wait_for_one(struct platform *platform)
{
    int r;

    fiber_set_where("waiting for operations");
    platform->waiting = fiber_self();
    r = fiber_wait();
    platform->waiting = NULL;
    return r;
}

/** Start what may start, as soon as it may. Returns 1 when anything was done, 0, or -ECANCELED. */
static int act(struct platform *platform)
{
    bool any = false;
    int r;

    for (;;) {
        size_t running;

        any = act_start_ready(platform) > 0 || any;
        if (platform->running == 0)
            break;
        running = platform->running;
        while (platform->running >= running && platform->running > 0)
            if (wait_for_one(platform) < 0)
                return -ECANCELED; /* the operations end by themselves, with the same code */
        if (platform->cut_short)
            continue; /* nothing new starts; wait for the rest */
        resolve_all(platform);
        r = look(platform, is_unseen);
        if (r < 0)
            return r;
        judge_all(platform);
    }
    return any ? 1 : 0;
}

static void update_drift(struct platform *platform)
{
    for (size_t i = 0; i < platform->count; i++)
        drift_update(platform->resources[i]);
}

/** Did this round bring imports further, so that others can be found or compared now? */
static bool imports_go_on(const struct platform *platform, size_t *waiting)
{
    size_t before = *waiting;

    *waiting = import_waiting(platform, false);
    return *waiting > 0 && *waiting < before && !platform->cut_short;
}

static int run_rounds(struct platform *platform, bool full)
{
    look_filter wanted = full ? NULL : is_unready;
    size_t importing = import_waiting(platform, true);
    int r = 0;

    for (unsigned round = 0; round < ROUNDS_MAX && r == 0; round++) {
        for (size_t i = 0; i < platform->count; i++)
            platform->resources[i]->looked = !full && !is_unready(platform->resources[i]);
        resolve_all(platform);
        r = look_and_judge(platform, wanted);
        if (r == 0)
            r = look_further(platform);
        if (r < 0)
            break;
        for (size_t i = 0; i < platform->count; i++)
            platform->resources[i]->acted = false;
        update_drift(platform);
        if (platform->mode == PASS_CONVERGE && !platform->cut_short)
            r = act(platform);
        if (r < 0 || !(imports_go_on(platform, &importing) || r > 0))
            break;
        r = 0;
        wanted = is_unready;
        full = false;
    }
    if (platform->running == 0)
        platform_prune(platform);
    return r;
}

/* ---- what there is to say at the end ---- */

static void tell_unknown(struct resource *resource)
{
    unsigned patience = report_patience(resource->look_err.class);

    if (resource->decision.reason != REASON_UNKNOWN) {
        if (resource->unknown_told && resource->seen != ITEM_UNKNOWN) {
            report(resource->platform, &(struct report){.event = EVENT_KNOWN, .address = resource->address},
                   "can be looked at again");
            resource->unknown_told = false;
        }
        return;
    }
    if (resource->looked_early || (resource_doomed(resource) && !resource->record.address))
        return; /* its time has not come, or is over: nobody waits to see it */
    if (resource->unknown_told || resource->platform->problem || resource->unknown_passes < patience)
        return; /* a problem of the whole platform is told once, for all */
    resource->unknown_told = true;
    report(resource->platform,
           &(struct report){.event = EVENT_UNKNOWN,
                            .address = resource->address,
                            .request_id = resource->look_err.request_id},
           "can not be looked at, so nothing is done to it: %s", err_text(&resource->look_err));
}

static void tell_held(struct resource *resource)
{
    const struct decision *decision = &resource->decision;
    const char *hold = hold_text(decision->hold);
    char *text CLEANUP_FREE = NULL;

    if (!hold || decision->hold == HOLD_WAITING)
        free(TAKE(resource->held_told));
    if (!hold || decision->hold == HOLD_WAITING || decision->hold == HOLD_PAUSED ||
        decision->hold == HOLD_POLICY)
        return; /* a pause was asked for; a drift told of itself */
    text = words_of_hold(resource);
    if (!text || str_equal(text, resource->held_told))
        return;
    (void)str_set(&resource->held_told, text);
    report(resource->platform, &(struct report){.event = EVENT_HELD, .address = resource->address}, "%s",
           text);
}

/** In transition for longer than it ever should be: told once. */
static void tell_stuck(struct resource *resource)
{
    struct report news = {.event = EVENT_FAILED, .address = resource->address};

    if (!pace_settles_too_long(resource)) {
        resource->stuck_told = false;
        return;
    }
    if (resource->stuck_told)
        return;
    resource->stuck_told = true;
    report(resource->platform, &news, "still %s after %u minutes: look at it in the service's own console",
           resource->settling ? resource->settling : "in transition",
           resource->kind->pace.give_up_ms / 60000);
}

/** In order without our doing: what failed before is over, and a later failure will be a new one. */
static void tell_over(struct resource *resource)
{
    if (resource->decision.reason != REASON_IN_ORDER || resource->acting || resource->unresolved)
        return;
    err_done(&resource->act_err);
    resource->failures = 0;
    resource->next_try_ms = 0;
    resource->not_yet_since_ms = 0;
    if (!resource->failed_told)
        return;
    report(resource->platform, &(struct report){.event = EVENT_RECOVERED, .address = resource->address},
           "in order without another try; it had failed with: %s", resource->failed_told);
    free(TAKE(resource->failed_told));
}

static void count_status(const struct platform *platform, bool *ret_converged)
{
    *ret_converged = platform->count > 0 || platform->graph;
    for (size_t i = 0; i < platform->count; i++)
        if (platform->resources[i]->status != STATUS_READY && !resource_gone(platform->resources[i]))
            *ret_converged = false;
    if (platform->problem)
        *ret_converged = false;
}

static void conclude(struct platform *platform, int result)
{
    struct err err CLEANUP_ERR = {0};
    size_t ready = 0;

    if (record_pass(platform, &err) < 0)
        log_err(LOG_AT_ERROR, &err, "%s: what this pass learnt could not be written down", platform->name);
    for (size_t i = 0; i < platform->count; i++) {
        if (result == 0) {
            tell_unknown(platform->resources[i]);
            tell_held(platform->resources[i]);
            tell_stuck(platform->resources[i]);
            tell_over(platform->resources[i]);
        }
        ready += platform->resources[i]->status == STATUS_READY;
    }
    destroy_conclude(platform);
    count_status(platform, &platform->converged);
    platform->steady = platform_at_rest(platform);
    platform->calls_last = platform_calls(platform) - platform->calls_before;
    platform->last_pass_ms = clock_wall_ms(platform->daemon->clock);
    if (platform->converged && !platform->converged_told && platform->mode == PASS_CONVERGE &&
        platform->destroy == DESTROY_NONE)
        report(platform, &(struct report){.event = EVENT_CONVERGED}, "%zu resources as wanted", ready);
    if (platform->mode == PASS_CONVERGE)
        platform->converged_told = platform->converged;
}

void pass_wake(struct platform *platform)
{
    struct pass_waiter *waiter = platform->waiters, *keep = NULL;

    platform->waiters = NULL;
    while (waiter) {
        struct pass_waiter *next = waiter->next;
        bool over = !platform_watched(platform) || (platform->pass_number >= waiter->from_pass &&
                                                    (!waiter->until_steady || platform->steady));

        if (over) {
            waiter->next = NULL;
            waiter->done(waiter);
        } else {
            waiter->next = keep;
            keep = waiter;
        }
        waiter = next;
    }
    while (keep) {
        struct pass_waiter *next = keep->next;

        pass_wait(platform, keep);
        keep = next;
    }
}

static bool facts_are_due(const struct platform *platform)
{
    return platform->facts_failures > 0 &&
           clock_monotonic_ms(platform->daemon->clock) >= platform->facts_due_ms;
}

static void gather_facts(struct platform *platform)
{
    struct err err CLEANUP_ERR = {0};
    int r = facts_gather(platform, &err);

    pace_facts(platform, r);
    if (platform->facts_failures == 1) /* said once, not at each try */
        log_err(LOG_AT_WARNING, &err, "%s: what the graph asks of the outside could not be read",
                platform->name);
}

static int run(struct platform *platform, bool full)
{
    struct err err CLEANUP_ERR = {0};
    bool destroyed;
    int r;

    if (platform->daemon->stopping)
        return -ECANCELED;
    r = platform_take_over(platform, &err);
    if (r < 0) {
        log_err(LOG_AT_ERROR, &err, "%s", platform->name);
        return r;
    }
    if (!platform->graph)
        return -ENOENT;
    platform->cut_short = false;
    platform->promises = platform->mode == PASS_CHECK;
    guard_check(platform);
    if (full || !platform->facts || facts_are_due(platform))
        gather_facts(platform);
    destroy_spare(platform);
    r = run_rounds(platform, full);
    platform->promises = false;
    if (r == 0 && platform->farewells)
        destroy_farewells(platform);
    if (r == -ECANCELED)
        return r;
    destroyed = platform->destroy == DESTROY_DONE;
    conclude(platform, r);
    if (!destroyed && platform->destroy == DESTROY_DONE)
        destroy_find_leftovers(platform);
    return r;
}

struct pass_run {
    struct platform *platform;
    bool full;
};

static void pass_main(void *arg)
{
    struct pass_run *pass = arg;
    struct platform *platform = pass->platform;
    int r = run(platform, pass->full);

    free(pass);
    platform->fiber = NULL;
    platform->released = platform->farewells = false;
    if (r != -ECANCELED)
        pass_wake(platform);
    schedule_next(platform);
    daemon_pass_ended(platform->daemon, platform);
}

int pass_start(struct platform *platform, const struct pass_request *request, struct err *err)
{
    struct pass_run *pass = calloc(1, sizeof(*pass));
    char *name CLEANUP_FREE = str_format("pass %s", platform->name);
    int r;

    assert(!platform->fiber);
    if (!pass || !name) {
        free(pass);
        return err_no_memory(err);
    }
    *pass = (struct pass_run){.platform = platform, .full = request->full || platform->next_graph};
    platform->mode = request->mode;
    platform->released = request->released;
    platform->farewells = request->farewells;
    turns_begin(platform, request->full && request->by_timer && !platform->next_graph);
    platform->calls_before = platform_calls(platform);
    platform->pass_number++;
    r = fiber_spawn(&platform->daemon->fibers, name, pass_main, pass, &platform->fiber);
    if (r < 0) {
        free(pass);
        return err_no_memory(err);
    }
    return 0;
}
