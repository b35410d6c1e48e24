/*
 * look.c: observe. Resources are gathered by kind, every kind looks at all of
 * its own in one batch, the batches run at once. What was not answered definitely is
 * unknown, with the reason; unknown is never absent.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/js.h"
#include "common/str.h"
#include "daemon/act-internal.h"
#include "daemon/daemon.h"
#include "desired/reference.h"

/** A write this young may not be visible to every read. */
#define RECENT_MS 15000

struct batch_run {
    struct kind_batch batch;
    struct resource **resources; /* beside batch.items */
    struct err err;
    int64_t asked_ms;
    struct batch_run *next;
};

static bool provider_blocked(const struct platform *platform, enum provider provider)
{
    switch (provider) {
    case PROVIDER_AWS:
        return platform->aws_blocked || !platform->clouds.aws;
    case PROVIDER_GITHUB:
        return platform->github_blocked || !platform->clouds.github;
    case PROVIDER_KUBERNETES: /* reached as the AWS identity */
        return platform->aws_blocked || !platform->clouds.kubernetes;
    default:
        return false;
    }
}

/** All but the document, which may come again as it was. */
static void begin_sight(struct resource *resource)
{
    free(TAKE(resource->seen_id));
    resource->seen = ITEM_UNKNOWN;
    resource->unconfirmed = false;
    resource->ended = false;
    resource->observed_created_ms = 0;
}

static void forget_sight(struct resource *resource)
{
    begin_sight(resource);
    resource_set_observed(resource, NULL);
}

/** A cluster in creation answers for nothing inside it: that is no trouble, its turn has not come. */
static bool looked_early(const struct resource *resource)
{
    return !resource->record.address && !resource->intent.token &&
           !act_needs_usable(resource, clock_monotonic_ms(resource->platform->daemon->clock));
}

static void mark_unknown(struct resource *resource, const struct err *err)
{
    forget_sight(resource);
    err_copy(&resource->look_err, err);
    if (resource->kind->provider == PROVIDER_GITHUB && err->class == ERR_CREDENTIALS)
        resource->platform->github_refused = true;
    resource->looked_early = looked_early(resource);
    if (!resource->looked_early)
        resource->unknown_passes++;
    pace_put_off(resource);
}

static void mark_blocked(struct resource *resource)
{
    struct err err CLEANUP_ERR = {0};

    (void)err_set(&err, -EAGAIN, resource->platform->problem_class, "%s can not be asked: %s",
                  provider_name(resource->kind->provider),
                  resource->platform->problem ? resource->platform->problem
                                              : "no client for it is configured");
    mark_unknown(resource, &err);
}

/** The document whose natural key finds the thing: what is wanted, or what was, for the undeclared. */
static struct json_object *looking_document(const struct resource *resource)
{
    char *last CLEANUP_FREE = NULL;

    if (resource->desired && !resource_doomed(resource))
        return js_read(resource->desired);
    last = resource_last_document(resource);
    return js_read(last);
}

static bool fill_item(struct resource *resource, struct kind_item *item)
{
    int64_t age_ms = clock_wall_ms(resource->platform->daemon->clock) - resource->record.written_ms;

    *item = (struct kind_item){.address = resource->address,
                               .id = resource->record.address ? resource->record.id
                                                              : import_look_id(resource)};
    if (resource->intent.token && !str_equal(resource->intent.action, action_name(ACTION_DELETE))) {
        item->intent = resource->intent.token;
        item->intent_age_ms = clock_wall_ms(resource->platform->daemon->clock) - resource->intent.at_ms;
    }
    item->desired = looking_document(resource);
    if (!item->desired || !document_key_known(resource->kind, item->desired)) {
        json_object_put(item->desired);
        return false;
    }
    if (resource->record.memory)
        (void)js_parse_text(resource->record.memory, &item->memory, NULL); /* unreadable notes are no notes */
    item->recent = resource->record.written_ms != 0 && age_ms >= 0 && age_ms < RECENT_MS;
    item->thorough = item->recent || turns_resource(resource);
    if (resource->kind->seldom_calls > 0)
        item->last = js_read(resource->observed); /* without memory: all of it is read */
    return true;
}

/* ---- what a look brought ---- */

static void take_memory(struct resource *resource, struct kind_item *item)
{
    char *text CLEANUP_FREE = item->ret_memory ? js_canonical(item->ret_memory) : NULL;

    if (!text || str_equal(text, resource->record.memory) || !resource->record.address)
        return;
    free(resource->record.memory);
    resource->record.memory = TAKE(text);
    resource->record_dirty = true;
}

static void take_present(struct resource *resource, struct kind_item *item)
{
    resource_set_observed(resource, js_canonical(item->observed));
    (void)str_set(&resource->seen_id,
                  item->ret_id); /* without memory: adopted without its id, read again next look */
    resource->observed_created_ms = item->created_wall_ms;
    resource->unconfirmed = item->unconfirmed;
    if (item->state == ITEM_SETTLING)
        pace_settling(resource, item->note ? item->note : "in transition");
    else
        pace_settled(resource);
    if (!resource->record.address)
        return;
    if (item->ret_id && !str_equal(item->ret_id, resource->record.id)) {
        (void)str_set(&resource->record.id, item->ret_id);
        resource->record_dirty = true;
    }
    if (resource->record.sightings < SIGHTINGS) {
        resource->record.sightings++;
        resource->record_dirty = true;
    }
    resource_remember_attributes(resource, item->observed);
    take_memory(resource, item);
}

static void take_item(struct resource *resource, struct kind_item *item, const struct err *batch_err,
                      int64_t asked_ms)
{
    begin_sight(resource);
    resource->looked = true;
    resource->asked_ms = asked_ms;
    if (item->state == ITEM_UNKNOWN) {
        mark_unknown(resource, item->err.code < 0 ? &item->err : batch_err);
        return;
    }
    resource->seen = item->state;
    resource->unknown_passes = 0;
    resource->looked_early = false;
    err_done(&resource->look_err);
    resource->record.proof_ms = clock_wall_ms(resource->platform->daemon->clock);
    (void)str_set(&resource->useless, item->state == ITEM_ABSENT ? item->note : NULL);
    if (item->state == ITEM_ABSENT) {
        resource_set_observed(resource, NULL);
        resource->ended = item->ended;
        pace_settled(resource);
        if (!resource_in_grace(resource))
            resource->absent_looks++;
        return;
    }
    resource->absent_looks = 0;
    destroy_dig_up(resource);
    take_present(resource, item);
}

/* ---- batches ---- */

static void run_batch(void *arg)
{
    struct batch_run *run = arg;
    int r = run->batch.kind->observe(&run->batch);

    if (r < 0 && run->err.code == 0)
        (void)err_set(&run->err, r, ERR_BUG, "observing %s failed", run->batch.kind->type);
}

static void batch_run_free(struct batch_run *run)
{
    for (size_t i = 0; i < run->batch.count; i++) {
        struct kind_item *item = &run->batch.items[i];

        json_object_put(item->desired);
        json_object_put(item->memory);
        json_object_put(item->last);
        json_object_put(item->observed);
        json_object_put(item->ret_memory);
        free(item->ret_id);
        free(item->note);
        err_done(&item->err);
    }
    free(run->batch.items);
    free(run->resources);
    err_done(&run->err);
    free(run);
}

static struct batch_run *batch_run_new(struct platform *platform, const struct kind *kind)
{
    struct batch_run *run = calloc(1, sizeof(*run));

    if (!run)
        return NULL;
    run->batch = (struct kind_batch){
        .kind = kind,
        .clouds = platform->clouds,
        .host = &engine_kind_host,
        .host_data = platform,
        .err = &run->err,
    };
    run->asked_ms = clock_wall_ms(platform->daemon->clock);
    run->batch.items = calloc(platform->count, sizeof(*run->batch.items));
    run->resources = calloc(platform->count, sizeof(*run->resources));
    if (!run->batch.items || !run->resources) {
        batch_run_free(run);
        return NULL;
    }
    return run;
}

/** The batch of a resource's kind, made when it is the first of its kind. */
static struct batch_run *batch_for(struct platform *platform, struct batch_run **runs,
                                   const struct kind *kind)
{
    struct batch_run *run;

    for (run = *runs; run; run = run->next)
        if (run->batch.kind == kind)
            return run;
    run = batch_run_new(platform, kind);
    if (run) {
        run->next = *runs;
        *runs = run;
    }
    return run;
}

static int gather(struct platform *platform, look_filter wanted, struct batch_run **runs)
{
    for (size_t i = 0; i < platform->count; i++) {
        struct resource *resource = platform->resources[i];
        struct batch_run *run;

        if ((wanted && !wanted(resource)) || resource->acting || resource_buried(resource))
            continue;
        if (provider_blocked(platform, resource->kind->provider)) {
            mark_blocked(resource);
            continue;
        }
        run = batch_for(platform, runs, resource->kind);
        if (!run)
            return -ENOMEM;
        if (!fill_item(resource, &run->batch.items[run->batch.count])) {
            forget_sight(resource); /* its key is not known yet: it waits, it is not unknown */
            err_done(&resource->look_err);
            continue;
        }
        run->resources[run->batch.count++] = resource;
    }
    return 0;
}

static void take_all(struct batch_run *run)
{
    struct err silent CLEANUP_ERR = {0};

    if (run->err.code == 0)
        (void)err_set(&silent, -EIO, ERR_BUG, "the look brought no answer for it");
    for (size_t i = 0; i < run->batch.count; i++)
        take_item(run->resources[i], &run->batch.items[i], run->err.code ? &run->err : &silent,
                  run->asked_ms);
}

int look(struct platform *platform, look_filter wanted)
{
    struct fiber_group group = {.fibers = &platform->daemon->fibers};
    struct batch_run *runs = NULL;
    int r;

    assert(fiber_self());
    tag_desk_begin(platform->clouds.tag_desk, !wanted);
    r = gather(platform, wanted, &runs);
    for (struct batch_run *run = runs; run && r == 0; run = run->next)
        if (run->batch.count > 0)
            r = fiber_group_spawn(&group, run->batch.kind->type, run_batch, run);
    fiber_set_where("looking");
    if (fiber_group_wait(&group) < 0 && r == 0)
        r = -ECANCELED;
    while (runs) {
        struct batch_run *next = runs->next;

        if (r == 0)
            take_all(runs);
        batch_run_free(runs);
        runs = next;
    }
    return r;
}
