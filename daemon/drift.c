/*
 * drift.c: episodes. An episode opens with the first proof of a drift and closes
 * with the first proof that it is over; one alert each, however many passes or restarts
 * lie between. What can not be proved just now opens and closes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/log.h"
#include "common/str.h"
#include "daemon/daemon.h"
#include "view/view.h"

#define FLIP_WINDOW_MS     (15 * 60 * 1000)
#define FLIPS_CONTESTED    3
#define CONTESTED_FIRST_MS 30000
#define CONTESTED_LAST_MS  3600000
#define RECENT_EPISODES    200

int drift_load(struct platform *platform, struct err *err)
{
    return episode_list_open(platform->daemon->store, platform->name, &platform->episodes,
                             &platform->episodes_count, err);
}

static struct episode *find_open(struct platform *platform, const char *address, const char *field)
{
    for (size_t i = 0; i < platform->episodes_count; i++)
        if (str_equal(platform->episodes[i].address, address) &&
            str_equal(platform->episodes[i].field, field))
            return &platform->episodes[i];
    return NULL;
}

/** How often the same thing came back lately. */
static uint32_t count_flips(struct platform *platform, const char *address, const char *field, int64_t now_ms)
{
    struct episode *closed = NULL;
    size_t count = 0;
    uint32_t flips = 0;

    if (episode_list_closed(platform->daemon->store, platform->name, now_ms - FLIP_WINDOW_MS, RECENT_EPISODES,
                            &closed, &count, NULL) < 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        flips += str_equal(closed[i].address, address) && str_equal(closed[i].field, field);
    episodes_free(closed, count);
    return flips;
}

static bool can_store(const struct platform *platform)
{
    return platform->daemon->mode != RUN_ONCE_PLAN;
}

static void keep(struct platform *platform, struct episode *episode)
{
    struct err err CLEANUP_ERR = {0};

    if (can_store(platform) && episode_put(platform->daemon->store, episode, &err) < 0)
        log_err(LOG_AT_ERROR, &err, "a drift episode could not be written down");
}

static const char *state_of(const struct resource *resource, uint32_t flips)
{
    if (flips >= FLIPS_CONTESTED)
        return "contested";
    return resource->decision.hold == HOLD_NONE && resource->platform->mode == PASS_CONVERGE &&
                   !resource->decision.only_own_changes
               ? "healing"
               : "open";
}

/* @by: who did it, as far as the service tells; NULL where it does not. */
static void tell_open(const struct resource *resource, const struct episode *episode, const char *by)
{
    struct platform *platform = resource->platform;
    struct report news = {
        .event = EVENT_DRIFT,
        .address = resource->address,
        .field = episode->field,
        .desired = episode->desired,
        .observed = episode->observed,
        .severity = episode->severity,
    };
    const char *hold = hold_text(resource->decision.hold);
    char *change CLEANUP_FREE = NULL;

    if (episode->field[0] == '\0') {
        report(platform, &news, "[%s] %s%s%s", episode->severity,
               resource->useless ? resource->useless : "it is gone: deleted outside mlopsd", hold ? "; " : "",
               hold ? hold : "");
        return;
    }
    change = change_words(episode->kind, episode->desired, episode->observed);
    report(platform, &news, "[%s] %s: %s%s%s%s%s", episode->severity, episode->field, change ? change : "",
           by ? ", by " : "", by ? by : "", hold ? "; " : "", hold ? hold : "");
    if (episode->flips == FLIPS_CONTESTED)
        report(
            platform,
            &(struct report){.event = EVENT_CONTESTED, .address = resource->address, .field = episode->field},
            "%s was put right %u times within 15 minutes and changed back each time: healing slows down",
            episode->field, episode->flips);
}

static int fill(struct episode *episode, const struct resource *resource, const char *field, const char *kind,
                const char *severity)
{
    return str_set(&episode->platform, resource->platform->name) < 0 ||
                   str_set(&episode->address, resource->address) < 0 ||
                   str_set(&episode->type, resource->kind->type) < 0 || str_set(&episode->field, field) < 0 ||
                   str_set(&episode->kind, kind) < 0 || str_set(&episode->severity, severity) < 0
               ? -1
               : 0;
}

static void open_episode(struct resource *resource, const char *field, const char *kind, const char *severity,
                         const char *desired, const char *observed, const char *by)
{
    struct platform *platform = resource->platform;
    int64_t now_ms = clock_wall_ms(platform->daemon->clock);
    struct episode *all = reallocarray(platform->episodes, platform->episodes_count + 1,
                                       sizeof(*platform->episodes));
    struct episode *episode;

    if (!all)
        return; /* seen again by the next pass */
    platform->episodes = all;
    episode = &all[platform->episodes_count];
    *episode = (struct episode){.first_seen_ms = now_ms, .last_change_ms = now_ms};
    if (fill(episode, resource, field, kind, severity) < 0 || str_set(&episode->desired, desired) < 0 ||
        str_set(&episode->observed, observed) < 0) {
        episode_done(episode);
        return;
    }
    episode->flips = count_flips(platform, resource->address, field, now_ms);
    if (str_set(&episode->state, state_of(resource, episode->flips)) < 0) {
        episode_done(episode);
        return;
    }
    platform->episodes_count++;
    keep(platform, episode);
    tell_open(resource, episode, by);
}

/** Still open: note what changed about it. */
static void refresh(struct resource *resource, struct episode *episode, const char *desired,
                    const char *observed)
{
    const char *state = state_of(resource, episode->flips);

    if (str_equal(episode->observed, observed) && str_equal(episode->desired, desired) &&
        str_equal(episode->state, state))
        return;
    if (!str_equal(episode->observed, observed))
        episode->last_change_ms = clock_wall_ms(resource->platform->daemon->clock);
    if (str_set(&episode->observed, observed) < 0 || str_set(&episode->desired, desired) < 0 ||
        str_set(&episode->state, state) < 0)
        return; /* seen again by the next pass */
    keep(resource->platform, episode);
}

static void saw(struct resource *resource, const char *field, const char *kind, const char *severity,
                const char *desired, const char *observed, const char *by)
{
    struct episode *episode = find_open(resource->platform, resource->address, field);

    if (episode)
        refresh(resource, episode, desired, observed);
    else
        open_episode(resource, field, kind, severity, desired, observed, by);
}

static void close_episode(struct platform *platform, size_t index, const char *how)
{
    struct episode *episode = &platform->episodes[index];
    int64_t now_ms = clock_wall_ms(platform->daemon->clock);
    struct report news = {
        .event = EVENT_RESOLVED,
        .address = episode->address,
        .field = episode->field,
        .severity = episode->severity,
    };

    (void)str_set(&episode->state, "resolved");
    episode->closed_ms = now_ms;
    keep(platform, episode);
    report(platform, &news, "%s%s%s after %.1f s", episode->field, episode->field[0] ? " " : "", how,
           (double)(now_ms - episode->first_seen_ms) / 1000.0);
    episode_done(episode);
    memmove(episode, episode + 1, (platform->episodes_count - index - 1) * sizeof(*episode));
    platform->episodes_count--;
}

static bool still_drifts(const struct resource *resource, const char *field)
{
    const struct decision *decision = &resource->decision;

    if (decision->reason == REASON_MISSING)
        return field[0] == '\0';
    for (size_t i = 0; i < decision->diff.count; i++)
        if (decision->is_drift && decision->is_drift[i] && str_equal(decision->diff.entries[i].path, field))
            return true;
    return false;
}

static void close_what_is_over(struct resource *resource)
{
    struct platform *platform = resource->platform;

    for (size_t i = platform->episodes_count; i > 0; i--)
        if (str_equal(platform->episodes[i - 1].address, resource->address) &&
            !still_drifts(resource, platform->episodes[i - 1].field))
            close_episode(platform, i - 1, resource->want ? "in order again" : "no longer declared");
}

void drift_close_orphans(struct platform *platform)
{
    for (size_t i = platform->episodes_count; i > 0; i--)
        if (!platform_find(platform, platform->episodes[i - 1].address))
            close_episode(platform, i - 1, "no longer declared");
}

/** Nothing is proved by a look that brought no answer, or by one that is still to be repeated. */
static bool proved(const struct resource *resource)
{
    switch (resource->decision.reason) {
    case REASON_UNKNOWN:
    case REASON_SUSPECT:
    case REASON_GRACE:
    case REASON_SETTLING:
    case REASON_TAKEN:
        return false;
    case REASON_WAITING:
        return resource->seen == ITEM_PRESENT;
    default:
        return true;
    }
}

void drift_update(struct resource *resource)
{
    const struct decision *decision = &resource->decision;

    if (!proved(resource) || resource->acting)
        return;
    if (decision->reason == REASON_MISSING && resource->want) {
        saw(resource, "", "missing", severity_name(SEVERITY_CRITICAL), NULL, NULL, NULL);
    } else if (!resource->unconfirmed && !resource->intent.token && resource->want) {
        for (size_t i = 0; i < decision->diff.count; i++) {
            const struct diff_entry *entry = &decision->diff.entries[i];

            if (decision->is_drift[i])
                saw(resource, entry->path, diff_what_name(entry->what), severity_name(entry->severity),
                    entry->desired, entry->observed, entry->by);
        }
    }
    close_what_is_over(resource);
}

bool drift_contested(const struct resource *resource, uint64_t *ret_wait_ms)
{
    struct platform *platform = resource->platform;
    int64_t now_ms = clock_wall_ms(platform->daemon->clock);
    bool contested = false;

    *ret_wait_ms = 0;
    for (size_t i = 0; i < platform->episodes_count; i++) {
        const struct episode *episode = &platform->episodes[i];
        int64_t delay_ms = CONTESTED_FIRST_MS;

        if (episode->flips < FLIPS_CONTESTED || !str_equal(episode->address, resource->address))
            continue;
        contested = true;
        for (uint32_t n = FLIPS_CONTESTED; n < episode->flips && delay_ms < CONTESTED_LAST_MS; n++)
            delay_ms *= 2;
        if (episode->first_seen_ms + delay_ms > now_ms &&
            (uint64_t)(episode->first_seen_ms + delay_ms - now_ms) > *ret_wait_ms)
            *ret_wait_ms = (uint64_t)(episode->first_seen_ms + delay_ms - now_ms);
    }
    return contested;
}
