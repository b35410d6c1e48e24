/*
 * batch.c: one look at many resources: what was seen of each, and the calls to see it.
 *
 * Only reads: a write that comes this way is our own mistake and goes nowhere.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/str.h"
#include "kinds/kind.h"

const char *item_state_name(enum item_state state)
{
    static const char *const names[ITEM_STATE_MAX] = {
        [ITEM_UNKNOWN] = "unknown",
        [ITEM_ABSENT] = "absent",
        [ITEM_PRESENT] = "present",
        [ITEM_SETTLING] = "settling",
    };

    assert((unsigned)state < ITEM_STATE_MAX);
    return names[state];
}

static void forget_answer(struct kind_item *item)
{
    json_object_put(item->observed);
    item->observed = NULL;
    free(item->ret_id);
    item->ret_id = NULL;
    free(item->note);
    item->note = NULL;
    err_done(&item->err);
    item->state = ITEM_UNKNOWN;
}

static void answer(struct kind_item *item, enum item_state state, const char *id,
                   struct json_object *take_observed)
{
    forget_answer(item);
    if (!take_observed || str_set(&item->ret_id, id) < 0) {
        /* Half an answer is none. */
        json_object_put(take_observed);
        (void)err_no_memory(&item->err);
        return;
    }
    item->observed = take_observed;
    item->state = state;
}

void batch_present(struct kind_item *item, const char *id, struct json_object *take_observed)
{
    answer(item, ITEM_PRESENT, id, take_observed);
}

void batch_settling(struct kind_item *item, const char *id, struct json_object *take_observed,
                    const char *status)
{
    answer(item, ITEM_SETTLING, id, take_observed);
    if (item->state == ITEM_SETTLING)
        (void)str_set(&item->note, status); /* a lost note is no harm */
}

void batch_absent(struct kind_item *item)
{
    forget_answer(item);
    item->state = ITEM_ABSENT;
}

void batch_useless(struct kind_item *item, const char *why)
{
    batch_absent(item);
    (void)str_set(&item->note, why); /* a lost note is no harm */
}

void batch_unknown(struct kind_item *item, const struct err *err)
{
    forget_answer(item);
    err_copy(&item->err, err);
}

void batch_failed(struct kind_item *item, const struct err *err)
{
    if (err->class == ERR_ABSENT)
        batch_absent(item);
    else
        batch_unknown(item, err);
}

int batch_aws(struct kind_batch *batch, enum aws_op operation, struct json_object *take_params,
              struct json_object **ret, struct err *err)
{
    struct json_object *params CLEANUP_JS = take_params;
    const struct aws_operation *row = &aws_operations[operation];

    assert((unsigned)operation < AWS_OP_MAX);
    assert(row->access == AWS_READ);
    err_done(err);
    if (!batch->clouds.aws)
        return err_set(err, -EINVAL, ERR_INVALID, "%s: the platform has no aws: section", row->name);
    return aws_call(batch->clouds.aws, operation, params, NULL, ret, err);
}

int batch_aws_secret(struct kind_batch *batch, enum aws_op operation, struct json_object *take_params,
                     const char *member, struct secret **ret_secret, struct json_object **ret,
                     struct err *err)
{
    struct json_object *params CLEANUP_JS = take_params;

    err_done(err);
    if (!batch->clouds.aws)
        return err_set(err, -EINVAL, ERR_INVALID, "%s: the platform has no aws: section",
                       aws_operations[operation].name);
    return aws_read_secret(batch->clouds.aws, operation, params, member, ret_secret, ret, err);
}

int batch_github(struct kind_batch *batch, enum github_op operation, struct json_object *take_params,
                 struct github_answer *ret, struct err *err)
{
    struct json_object *params CLEANUP_JS = take_params;
    const struct github_operation *row = &github_operations[operation];

    assert((unsigned)operation < GITHUB_OP_MAX);
    assert(!row->write);
    err_done(err);
    if (!batch->clouds.github)
        return err_set(err, -EINVAL, ERR_INVALID, "%s: the platform has no github: section", row->name);
    return github_call(batch->clouds.github, operation, params, ret, err);
}

int batch_kubernetes(struct kind_batch *batch, const struct kubernetes_call *call,
                     struct kubernetes_answer *ret, struct err *err)
{
    assert(!kubernetes_writes(call->verb));
    err_done(err);
    if (!batch->clouds.kubernetes)
        return err_set(err, -EINVAL, ERR_INVALID,
                       "%s %s: the platform has no aws: section, which leads to clusters", call->object.kind,
                       call->object.name ? call->object.name : "");
    return kubernetes_call(batch->clouds.kubernetes, call, ret, err);
}

/* What one fiber of batch_each() is given. */
struct look {
    struct kind_batch *batch;
    struct kind_item *item;
    void (*each)(struct kind_batch *batch, struct kind_item *item);
};

static void look_run(void *arg)
{
    struct look *look = arg;

    look->each(look->batch, look->item);
}

int batch_each(struct kind_batch *batch, size_t limit,
               void (*each)(struct kind_batch *batch, struct kind_item *item))
{
    struct fiber_group group = {.fibers = batch->clouds.fibers, .limit = limit};
    struct look *looks CLEANUP_FREE = NULL;
    int r = 0, waited;

    if (batch->count == 1) {
        each(batch, batch->items); /* no fiber for one alone */
        return fiber_canceled() ? -ECANCELED : 0;
    }
    looks = calloc(batch->count + 1, sizeof(*looks));
    if (!looks)
        return -ENOMEM;
    for (size_t i = 0; i < batch->count && r == 0; i++) {
        looks[i] = (struct look){batch, &batch->items[i], each};
        r = fiber_group_spawn(&group, batch->items[i].address, look_run, &looks[i]);
    }
    waited = fiber_group_wait(&group); /* the children use looks: always wait for them */
    return r < 0 ? r : waited;
}
