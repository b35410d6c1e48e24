/*
 * act.c: act. A resource starts the moment the last thing it needs is ready;
 * nothing waits for a phase. Every action runs on a fiber of its own:
 *
 *   intent (durable) -> calls -> one commit: record, intent cleared, history
 *
 * A failure keeps the intent open unless the world surely did not change, so that the
 * next look finds what may have been made.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/str.h"
#include "daemon/act-internal.h"
#include "daemon/clients.h"
#include "daemon/daemon.h"

#define RUNNING_MAX      32
#define BACKOFF_FIRST_MS 1000
#define BACKOFF_LAST_MS  300000
#define BUSY_MS          5000
#define HOPELESS_MS      300000 /* wrong request, quota, no permission: nothing helps but a change */

/* ---- what a kind may ask of the engine while it runs ---- */

static struct operation *operation_of(struct kind_op *op)
{
    return container_of(op, struct operation, op);
}

static bool needs_intent(const struct operation *operation)
{
    switch (operation->action) {
    case ACTION_CREATE:
    case ACTION_REPLACE:
    case ACTION_DELETE:
        return true;
    default:
        return (operation->resource->kind->flags & KIND_INTENT_ON_UPDATE) != 0;
    }
}

static int host_before_write(struct kind_op *op, const char *name, struct err *err)
{
    struct operation *operation = operation_of(op);
    struct resource *resource = operation->resource;
    struct platform *platform = resource->platform;
    struct intent intent = {
        .token = operation->token,
        .platform = platform->name,
        .address = resource->address,
        .action = (char *)action_name(operation->action),
        .operation = (char *)name,
        .was_absent = operation->was_absent,
        .at_ms = clock_wall_ms(platform->daemon->clock),
    };
    int r;

    r = clients_gate(platform, name, err);
    if (r < 0)
        return r;
    operation->wrote = true;
    fiber_set_where(name);
    if (operation->intent_kept || !needs_intent(operation))
        return 0;
    r = record_intend(resource, &intent, operation->desired_text, err);
    if (r < 0) {
        operation->wrote = false;
        return err_wrap(err, r, "the intent could not be written down, so nothing was sent");
    }
    operation->intent_kept = true;
    return 0;
}

static int host_secret(struct kind_op *op, const char *field, struct secret **ret, struct err *err)
{
    return lookup_secret(operation_of(op)->resource, field, ret, err);
}

static int host_keep_secret(struct kind_op *op, const char *attribute, const struct secret *value,
                            struct err *err)
{
    struct resource *resource = operation_of(op)->resource;
    char *name CLEANUP_FREE = str_format("%s.%s", resource->address, attribute);
    int r;

    if (!name)
        return err_no_memory(err);
    r = host_before_write(op, "keep secret", err);
    if (r < 0)
        return r;
    return sealed_put(resource->platform->daemon->store, resource->platform->name, name, value, err);
}

static char *host_fingerprint(void *host_data, const struct secret *value)
{
    return lookup_fingerprint(host_data, value);
}

static char *host_kept_secret(void *host_data, const char *address, const char *attribute)
{
    struct platform *platform = host_data;
    struct secret *value CLEANUP_SECRET = NULL;
    char *name CLEANUP_FREE = str_format("%s.%s", address, attribute);

    if (!name || sealed_get(platform->daemon->store, platform->name, name, &value, NULL) < 0)
        return NULL;
    return lookup_fingerprint(platform, value);
}

const struct kind_host engine_kind_host = {
    .before_write = host_before_write,
    .secret = host_secret,
    .keep_secret = host_keep_secret,
    .fingerprint = host_fingerprint,
    .kept_secret = host_kept_secret,
};

/* ---- one operation ---- */

static int remove_then_create(struct operation *operation)
{
    struct resource *resource = operation->resource;
    int r = resource->kind->remove(&operation->op);

    if (r < 0)
        return r;
    r = outcome_removed(operation);
    if (r < 0)
        return r;
    free(TAKE(operation->id));
    operation->op.id = NULL;
    json_object_put(TAKE(operation->op.observed));
    json_object_put(TAKE(operation->op.memory));
    operation->was_absent = true;
    return resource->kind->create(&operation->op);
}

static int run_action(struct operation *operation)
{
    const struct kind *kind = operation->resource->kind;

    switch (operation->action) {
    case ACTION_CREATE:
        return kind->create(&operation->op);
    case ACTION_UPDATE:
        return kind->update(&operation->op, &operation->diff);
    case ACTION_REPLACE:
        return remove_then_create(operation);
    case ACTION_DELETE:
        return kind->remove(&operation->op);
    default:
        assert(!"an action that is no operation");
        return -EINVAL;
    }
}

static void operation_free(struct operation *operation)
{
    json_object_put(operation->op.desired);
    json_object_put(operation->op.observed);
    json_object_put(operation->op.memory);
    json_object_put(operation->op.ret_attributes);
    json_object_put(operation->op.ret_memory);
    free(operation->op.ret_id);
    free(operation->id);
    free(operation->token);
    free(operation->desired_text);
    diff_done(&operation->diff);
    err_done(&operation->err);
    free(operation);
}

static void run_operation(void *arg)
{
    struct operation *operation = arg;
    struct resource *resource = operation->resource;
    struct platform *platform = resource->platform;
    int r;

    r = run_action(operation);
    if (r < 0 && operation->err.code == 0)
        (void)err_set(&operation->err, r, r == -ECANCELED ? ERR_CANCELED : ERR_BUG, "%s failed with code %d",
                      action_name(operation->action), r);
    if (r < 0)
        outcome_failure(operation);
    else
        outcome_success(operation);
    resource->acting = false;
    resource->acted = true;
    platform->running--;
    operation_free(operation);
    if (platform->waiting)
        fiber_wake(platform->waiting, 0);
}

static int prepare(struct operation *operation, struct resource *resource)
{
    struct platform *platform = resource->platform;
    const char *token = resource->intent.token;
    char *last CLEANUP_FREE = resource_last_document(resource);
    const bool *skip = resource->decision.only_own_changes ? resource->decision.is_drift : NULL;

    operation->resource = resource;
    operation->action = resource->decision.action;
    operation->reason = resource->decision.reason;
    operation->was_absent = resource->seen == ITEM_ABSENT;
    operation->token = token ? str_format("%s", token) : random_hex(32);
    operation->intent_kept = token != NULL;
    /* skip: with on_drift: alert, change what the config changed and leave the drift */
    if (!operation->token || diff_copy(&resource->decision.diff, skip, &operation->diff) < 0 ||
        str_set(&operation->id, resource->record.id ? resource->record.id : resource->seen_id) < 0 ||
        str_set(&operation->desired_text, resource_wanted(resource) ? resource->desired : last) < 0)
        return -ENOMEM;
    operation->op = (struct kind_op){
        .kind = resource->kind,
        .address = resource->address,
        .platform = platform->name,
        .desired = js_read(operation->desired_text),
        .observed = js_read(resource->observed),
        .memory = js_read(resource->record.memory),
        .id = operation->id,
        .intent = operation->token,
        .clouds = platform->clouds,
        .host = &engine_kind_host,
        .host_data = platform,
        .err = &operation->err,
    };
    return 0;
}

static int start_operation(struct resource *resource)
{
    struct platform *platform = resource->platform;
    struct operation *operation = calloc(1, sizeof(*operation));
    char *name CLEANUP_FREE = NULL;
    int r = operation ? prepare(operation, resource) : -ENOMEM;

    if (r == 0) {
        name = str_format("%s %s", action_name(operation->action), resource->address);
        r = name ? fiber_spawn(&platform->daemon->fibers, name, run_operation, operation, NULL) : -ENOMEM;
    }
    if (r < 0) {
        if (operation)
            operation_free(operation);
        return r;
    }
    resource->acting = true;
    resource->act_started_ms = clock_monotonic_ms(platform->daemon->clock);
    platform->running++;
    report(platform, &(struct report){.event = EVENT_START, .address = resource->address}, "%s: %s",
           action_name(resource->decision.action), reason_text(resource->decision.reason));
    return 0;
}

/* ---- when ---- */

static bool is_operation(enum action action)
{
    return action == ACTION_CREATE || action == ACTION_UPDATE || action == ACTION_REPLACE ||
           action == ACTION_DELETE;
}

bool act_wanted(const struct resource *resource)
{
    return is_operation(resource->decision.action) && resource->decision.hold == HOLD_NONE &&
           !resource->acting && !resource->acted;
}

/** Can others be built on it now? Its own unfinished update comes first, so that the graph is walked in order. */
static bool usable(const struct resource *need, uint64_t now_ms)
{
    if (need->acting)
        return false;
    if (need->acted)
        return need->act_err.code == 0 && need->settling_since_ms == 0;
    if (act_wanted(need) && need->next_try_ms <= now_ms)
        return false;
    if (need->seen == ITEM_PRESENT)
        return need->record.address && need->decision.action != ACTION_REPLACE;
    return need->seen == ITEM_UNKNOWN &&
           need->record.address; /* not checkable just now: what is recorded holds */
}

bool act_needs_usable(const struct resource *resource, uint64_t now_ms)
{
    struct platform *platform = resource->platform;

    if (!resource_wanted(resource))
        return true;
    for (size_t i = 0; i < resource->want->needs_count; i++)
        if (!usable(platform->resources[resource->want->needs[i]], now_ms))
            return false;
    return true;
}

/** Does it surely stand on what it now declares, and on nothing older? */
static bool is_moved(const struct resource *resource)
{
    return resource_wanted(resource) && resource->decision.reason == REASON_IN_ORDER;
}

/**
 * Deletes wait until everything declared is done, and until what was built on them is gone: what can not be
 * looked at, is held, or failed to move away is still there.
 */
static bool delete_may_start(const struct resource *resource)
{
    struct platform *platform = resource->platform;

    for (size_t i = 0; i < platform->count; i++) {
        const struct resource *other = platform->resources[i];

        if (other == resource)
            continue;
        if (resource_wanted(other) && (other->acting || (act_wanted(other) && other->next_try_ms == 0)))
            return false;
        if (!is_moved(other) && resource_needs(other, resource))
            return false;
    }
    return true;
}

bool act_waits_for_others(const struct resource *resource, uint64_t now_ms)
{
    if (!act_wanted(resource))
        return false;
    return resource->decision.action == ACTION_DELETE ? !delete_may_start(resource)
                                                      : !act_needs_usable(resource, now_ms);
}

static bool may_start(const struct resource *resource, uint64_t now_ms)
{
    uint64_t contested_ms = 0;

    if (!act_wanted(resource) || resource->next_try_ms > now_ms)
        return false;
    if (resource->decision.reason == REASON_DRIFT && drift_contested(resource, &contested_ms) &&
        contested_ms > 0 && !resource->platform->released)
        return false;
    return !act_waits_for_others(resource, now_ms);
}

size_t act_start_ready(struct platform *platform)
{
    uint64_t now_ms = clock_monotonic_ms(platform->daemon->clock);
    size_t started = 0;

    if (platform->cut_short || platform->mode != PASS_CONVERGE)
        return 0;
    for (size_t i = 0; i < platform->count && platform->running < RUNNING_MAX; i++) {
        struct resource *resource = platform->resources[i];

        if (may_start(resource, now_ms) && start_operation(resource) == 0)
            started++;
    }
    return started;
}

uint64_t act_backoff_ms(const struct resource *resource, enum err_class class)
{
    uint64_t ceiling_ms = BACKOFF_FIRST_MS;
    unsigned n = resource->failures;

    switch (class) {
    case ERR_NOT_YET:
        return pace_not_yet_ms(resource);
    case ERR_BUSY:
        return BUSY_MS;
    case ERR_INVALID:
    case ERR_LIMIT:
    case ERR_DENIED:
    case ERR_CONFLICT:
        return HOPELESS_MS;
    case ERR_EXISTS:
        if (n <= 1)
            return 1; /* look at once: it may be ours */
        /* fall through */
    default:
        for (unsigned i = 1; i < n && ceiling_ms < BACKOFF_LAST_MS; i++)
            ceiling_ms *= 2;
        if (ceiling_ms > BACKOFF_LAST_MS)
            ceiling_ms = BACKOFF_LAST_MS;
        return 1 + random_below((uint32_t)ceiling_ms);
    }
}
