/*
 * schedule.c: when the next pass starts. One timer per platform: a look at
 * everything each interval, and in between short passes over what is not ready, as soon as
 * the first of it is due. Nothing polls that has nothing to wait for.
 */
#include "common/log.h"
#include "common/str.h"
#include "daemon/act-internal.h"
#include "daemon/daemon.h"

#define UNSEEN_RETRY_MS 2000
#define SHORTEST_MS     50

static void merge(struct pass_request *queued, const struct pass_request *request, bool any)
{
    if (!any) {
        *queued = *request;
        return;
    }
    if (request->mode == PASS_CONVERGE)
        queued->mode = PASS_CONVERGE;
    queued->full = queued->full || request->full;
    queued->released = queued->released || request->released;
    queued->farewells = queued->farewells || request->farewells;
}

static void start_queued(struct platform *platform)
{
    struct pass_request request = platform->queued;
    struct err err CLEANUP_ERR = {0};

    platform->queued_any = false;
    if (platform->daemon->stopping)
        return;
    if (!platform_watched(platform) && !platform->next_graph && !request.farewells) {
        pass_wake(platform);
        return;
    }
    if (pass_start(platform, &request, &err) < 0) {
        log_err(LOG_AT_ERROR, &err, "%s: a pass could not start", platform->name);
        schedule_next(platform);
    }
}

static void due(struct clock_timer *timer)
{
    struct platform *platform = timer->data;

    if (platform->fiber)
        return;
    if (!platform->queued_any)
        platform->queued = (struct pass_request){
            .mode = platform->daemon->mode == RUN_ONCE_PLAN ? PASS_CHECK : PASS_CONVERGE,
            .full = clock_monotonic_ms(platform->daemon->clock) >= platform->full_due_ms,
            .by_timer = platform->daemon->mode == RUN_SERVE,
        };
    start_queued(platform);
}

static void arm(struct platform *platform, uint64_t delay_ms)
{
    platform->timer.data = platform;
    platform->next_pass_ms = clock_wall_ms(platform->daemon->clock) + (int64_t)delay_ms;
    clock_start(platform->daemon->clock, &platform->timer, delay_ms, due);
}

void schedule_pass(struct platform *platform, const struct pass_request *request)
{
    merge(&platform->queued, request, platform->queued_any);
    platform->queued_any = true;
    if (!platform->fiber)
        arm(platform, 0);
}

static uint64_t until(uint64_t then_ms, uint64_t now_ms)
{
    return then_ms > now_ms ? then_ms - now_ms : 0;
}

/** In how many ms does this resource want attention? UINT64_MAX = not before the next full pass. */
static uint64_t attention_ms(const struct resource *resource, uint64_t now_ms)
{
    uint64_t contested_ms = 0;

    if (resource->settling_since_ms != 0)
        return until(resource->look_due_ms, now_ms);
    switch (resource->decision.reason) {
    case REASON_SUSPECT:
    case REASON_GRACE:
        return UNSEEN_RETRY_MS;
    case REASON_IN_ORDER:
    case REASON_TAKEN:
    case REASON_GONE:
        return UINT64_MAX;
    case REASON_UNKNOWN:
        return act_look_again(resource, now_ms) ? 0 : until(resource->look_due_ms, now_ms);
    default:
        break;
    }
    if (resource->decision.hold != HOLD_NONE || resource->decision.action == ACTION_NONE ||
        act_waits_for_others(resource, now_ms))
        return UINT64_MAX;
    if (drift_contested(resource, &contested_ms) && contested_ms > 0)
        return contested_ms;
    return until(resource->next_try_ms, now_ms);
}

static uint64_t interval_ms(const struct platform *platform)
{
    uint64_t interval = platform->graph && platform->graph->poll_interval_ms
                            ? platform->graph->poll_interval_ms
                            : platform->daemon->config->poll_interval_ms;

    /* +-10 %: many platforms must not look in step */
    return interval - interval / 10 + random_below((uint32_t)(interval / 5 + 1));
}

void schedule_next(struct platform *platform)
{
    uint64_t now_ms = clock_monotonic_ms(platform->daemon->clock);
    uint64_t delay_ms;

    if (platform->daemon->stopping)
        return;
    if (platform->next_graph || platform->queued_any) {
        arm(platform, 0);
        return;
    }
    if (now_ms >= platform->full_due_ms)
        platform->full_due_ms = now_ms + interval_ms(platform);
    delay_ms = until(platform->full_due_ms, now_ms);
    for (size_t i = 0; i < platform->count; i++) {
        uint64_t wait_ms = attention_ms(platform->resources[i], now_ms);

        if (wait_ms < delay_ms)
            delay_ms = wait_ms < SHORTEST_MS ? SHORTEST_MS : wait_ms;
    }
    if (platform->facts_failures > 0 && until(platform->facts_due_ms, now_ms) < delay_ms)
        delay_ms = until(platform->facts_due_ms, now_ms);
    arm(platform, delay_ms);
}

void schedule_stop(struct platform *platform)
{
    clock_stop(&platform->timer);
    platform->next_pass_ms = 0;
}

/* ---- those who wait for a pass ---- */

void pass_wait(struct platform *platform, struct pass_waiter *waiter)
{
    waiter->next = platform->waiters;
    platform->waiters = waiter;
}

void pass_forget(struct platform *platform, struct pass_waiter *waiter)
{
    for (struct pass_waiter **at = &platform->waiters; *at; at = &(*at)->next) {
        if (*at == waiter) {
            *at = waiter->next;
            waiter->next = NULL;
            return;
        }
    }
}
