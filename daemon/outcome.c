/*
 * outcome.c: what became of an action, written down in one commit.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/js.h"
#include "common/log.h"
#include "common/str.h"
#include "daemon/act-internal.h"
#include "daemon/daemon.h"
#include "daemon/words.h"

static const enum event_type action_events[ACTION_MAX] = {
    [ACTION_CREATE] = EVENT_CREATE,
    [ACTION_UPDATE] = EVENT_UPDATE,
    [ACTION_REPLACE] = EVENT_REPLACE,
    [ACTION_DELETE] = EVENT_DELETE,
};

/** The intent stays open: remember it as the store does. */
static void intent_keep(struct operation *operation)
{
    struct resource *resource = operation->resource;
    struct platform *platform = resource->platform;

    if (resource->intent.token)
        return;
    (void)str_set(&resource->intent.token, operation->token);
    (void)str_set(&resource->intent.address, resource->address);
    (void)str_set(&resource->intent_desired, operation->desired_text);
    (void)str_set(&resource->intent.action, action_name(operation->action));
    resource->intent.was_absent = operation->was_absent;
    resource->intent.at_ms = clock_wall_ms(platform->daemon->clock) -
                             (int64_t)(clock_monotonic_ms(platform->daemon->clock) -
                                       resource->act_started_ms);
}

/** Attributes that the answers told are added to what was known. */
static void merge_attributes(struct record *record, struct json_object *fresh)
{
    struct json_object *all CLEANUP_JS = NULL;
    char *text = NULL;

    if (!fresh)
        return;
    if (!record->attributes || js_parse_text(record->attributes, &all, NULL) < 0 || !all)
        all = json_object_new_object();
    js_each (fresh, key, value)
        (void)js_put_key(all, key,
                         json_object_get(value)); /* a lost attribute is read again by the next look */
    text = js_canonical(all);
    if (text) {
        free(record->attributes);
        record->attributes = text;
    }
}

/** Bring the record up to what the operation did. */
static int update_record(struct operation *operation, bool made)
{
    struct resource *resource = operation->resource;
    struct platform *platform = resource->platform;
    struct record *record = &resource->record;
    int64_t now_ms = clock_wall_ms(platform->daemon->clock);

    if (str_set(&record->platform, platform->name) < 0 || str_set(&record->type, resource->kind->type) < 0 ||
        str_set(&record->address, resource->address) < 0 ||
        str_set(&record->desired, operation->desired_text) < 0 || resource_note_needs(resource) < 0)
        return -ENOMEM;
    if (operation->op.ret_id && str_set(&record->id, operation->op.ret_id) < 0)
        return -ENOMEM;
    if (operation->op.ret_memory) {
        free(record->memory);
        record->memory = js_canonical(operation->op.ret_memory);
    }
    merge_attributes(record, operation->op.ret_attributes);
    record->written_ms = now_ms;
    if (made) {
        record->created_ms = now_ms;
        record->sightings = 0;
        free(TAKE(record->applied));
    }
    resource->record_dirty = true;
    return 0;
}

static void drop_record(struct resource *resource)
{
    record_done(&resource->record);
    resource->record = (struct record){0};
    resource->record_dirty = false;
    resource_set_observed(resource, NULL);
    pace_settled(resource);
    resource->seen = ITEM_ABSENT;
}

static int store_outcome(struct operation *operation, bool gone, struct err *err)
{
    struct resource *resource = operation->resource;
    struct store *store = resource->platform->daemon->store;
    int r;

    if (gone)
        r = record_drop(resource, err);
    else
        r = resource->record.address ? record_put(store, &resource->record, err) : 0;
    if (r == 0 && operation->intent_kept)
        r = record_settle(resource, operation->token, err);
    if (r == 0) {
        char *row CLEANUP_FREE = str_format("approved %s", resource->address);

        if (row)
            r = fact_put(store, resource->platform->name, row, NULL, err);
    }
    return r;
}

static void told_ok(struct operation *operation)
{
    struct resource *resource = operation->resource;
    struct platform *platform = resource->platform;
    uint64_t took_ms = clock_monotonic_ms(platform->daemon->clock) - resource->act_started_ms;
    bool healed = operation->reason == REASON_DRIFT || operation->reason == REASON_MISSING;
    const char *goes_on = operation->op.ret_settling ? ", not ready yet" : "";
    char *what CLEANUP_FREE = words_of_diff(&operation->diff);
    struct report news = {.event = healed ? EVENT_HEAL : action_events[operation->action],
                          .address = resource->address};

    if (operation->action == ACTION_UPDATE)
        report(platform, &news, "%s %s in %.1f s%s", healed ? "put right:" : "changed", what ? what : "",
               (double)took_ms / 1000.0, goes_on);
    else
        report(platform, &news, "%s%s%s%s in %.1f s%s", healed ? "made again" : words_past(operation->action),
               resource->record.id ? " (" : "", resource->record.id ? resource->record.id : "",
               resource->record.id ? ")" : "", (double)took_ms / 1000.0, goes_on);
    if (resource->failed_told) {
        report(platform, &(struct report){.event = EVENT_RECOVERED, .address = resource->address},
               "works again; it had failed with: %s", resource->failed_told);
        free(TAKE(resource->failed_told));
    }
}

void outcome_success(struct operation *operation)
{
    struct resource *resource = operation->resource;
    struct store *store = resource->platform->daemon->store;
    struct err err CLEANUP_ERR = {0};
    bool gone = operation->action == ACTION_DELETE;
    bool made = operation->action == ACTION_CREATE || operation->action == ACTION_REPLACE;
    int r;

    r = store_begin(store, &err);
    if (r == 0) {
        if (!gone)
            r = update_record(operation, made);
        if (r == 0)
            r = store_outcome(operation, gone, &err);
        if (r == 0)
            told_ok(operation);
        r = r < 0 ? r : store_commit(store, &err);
        if (r < 0)
            store_rollback(store);
    }
    if (r < 0) {
        /* The world changed and the note of it failed: the intent is still in the store; the next look adopts. */
        log_err(LOG_AT_ERROR, &err, "%s: done, but it could not be written down", resource->address);
        intent_keep(operation);
    } else {
        resource_drop_intent(resource);
        resource->record_dirty = false;
    }
    if (gone && r == 0)
        drop_record(resource);
    if (operation->op.ret_settling) {
        resource->seen = ITEM_SETTLING;
        pace_settling(resource, made ? "just made" : "changing");
    }
    err_done(&resource->act_err);
    resource->failures = 0;
    resource->next_try_ms = 0;
    resource->not_yet_since_ms = 0;
    resource->absent_looks = 0;
}

int outcome_removed(struct operation *operation)
{
    struct resource *resource = operation->resource;
    int r = record_delete(resource->platform->daemon->store, resource->platform->name, resource->address,
                          operation->op.err);

    if (r < 0)
        return r;
    drop_record(resource);
    return 0;
}

/** Did the service surely not do it? Then there is nothing to find again. */
static bool surely_not_done(const struct operation *operation)
{
    if (!operation->wrote)
        return true;
    switch (operation->err.class) {
    case ERR_INVALID:
    case ERR_DENIED:
    case ERR_LIMIT:
    case ERR_CREDENTIALS:
    case ERR_THROTTLED:
        return true;
    case ERR_NOT_YET: /* a delete that goes on has been done: what is gone then went by our own hand */
        return operation->action != ACTION_DELETE && operation->action != ACTION_REPLACE;
    default:
        return false;
    }
}

static void tell_failure(struct operation *operation)
{
    struct resource *resource = operation->resource;
    struct platform *platform = resource->platform;
    const char *text = err_text(&operation->err);

    if (operation->err.class == ERR_CANCELED)
        return;
    if (operation->err.class == ERR_NOT_YET) {
        report(platform, &(struct report){.event = EVENT_WAITING, .address = resource->address}, "%s", text);
        return;
    }
    if (str_equal(text, resource->failed_told))
        return;
    (void)str_set(&resource->failed_told, text);
    report(platform,
           &(struct report){
               .event = EVENT_FAILED, .address = resource->address, .request_id = operation->err.request_id},
           "%s failed: %s", action_name(operation->action), text);
}

/** "Not yet" that lasts longer than the kind allows is a failure like others. */
static void not_yet_ends(struct operation *operation)
{
    struct resource *resource = operation->resource;
    uint64_t now_ms = clock_monotonic_ms(resource->platform->daemon->clock);

    if (operation->err.class != ERR_NOT_YET) {
        resource->not_yet_since_ms = 0;
        return;
    }
    if (resource->not_yet_since_ms == 0)
        resource->not_yet_since_ms = now_ms;
    if (now_ms - resource->not_yet_since_ms > resource->kind->pace.give_up_ms) {
        operation->err.class = ERR_RETRY;
        (void)err_wrap(&operation->err, operation->err.code, "still not possible after %u s",
                       resource->kind->pace.give_up_ms / 1000);
    }
}

/** Something was made before it failed: its id must not be lost. */
static void keep_what_was_made(struct operation *operation)
{
    struct resource *resource = operation->resource;
    struct store *store = resource->platform->daemon->store;
    struct err err CLEANUP_ERR = {0};
    int r;

    r = store_begin(store, &err);
    if (r == 0) {
        r = update_record(operation, true);
        if (r == 0)
            r = store_outcome(operation, false, &err);
        r = r < 0 ? r : store_commit(store, &err);
        if (r < 0)
            store_rollback(store);
    }
    if (r == 0) {
        resource_drop_intent(resource);
        resource->record_dirty = false;
    } else {
        intent_keep(operation);
        log_err(LOG_AT_ERROR, &err, "%s: made, but it could not be written down", resource->address);
    }
}

void outcome_failure(struct operation *operation)
{
    struct resource *resource = operation->resource;
    struct daemon *daemon = resource->platform->daemon;
    struct err err CLEANUP_ERR = {0};

    not_yet_ends(operation);
    if (operation->op.ret_id) {
        keep_what_was_made(operation);
    } else if (operation->intent_kept && surely_not_done(operation)) {
        if (record_settle(resource, operation->token, &err) < 0) {
            intent_keep(operation);
            log_err(LOG_AT_ERROR, &err, "%s", resource->address);
        } else {
            resource_drop_intent(resource);
        }
    } else if (operation->intent_kept) {
        intent_keep(operation);
    }
    resource->failures++;
    resource->next_try_ms = clock_monotonic_ms(daemon->clock) +
                            act_backoff_ms(resource, operation->err.class);
    if (operation->err.retry_after_ms > 0)
        resource->next_try_ms = clock_monotonic_ms(daemon->clock) + operation->err.retry_after_ms;
    tell_failure(operation);
    err_copy(&resource->act_err, &operation->err);
}
