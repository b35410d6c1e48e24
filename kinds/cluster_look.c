/*
 * cluster_look.c: looking at many objects with few calls: those of one kind and namespace together.
 *
 * One alone is read by itself: that needs fewer rights (a role may be limited to names, a list not) and costs the
 * same. The first item of each group asks for all of it.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/cluster-internal.h"
#include "kinds/registry-internal.h"

/* What is asked for together. */
struct group {
    struct kind_batch *batch;
    const struct cluster_look *look;
    struct kind_item *leader;
    struct target target;
};

static struct target target_of(const struct cluster_look *look, const struct kind_item *item)
{
    return target_recorded(look->target(item->desired), item->id, item->memory);
}

static bool is_together(const struct target *a, const struct target *b)
{
    return str_equal(a->cluster.endpoint, b->cluster.endpoint) &&
           str_equal(a->cluster.name, b->cluster.name) &&
           str_equal(a->object.api_version, b->object.api_version) &&
           str_equal(a->object.kind, b->object.kind) && str_equal(a->object.namespace, b->object.namespace);
}

/* Cluster-wide objects are read one by one: nobody gives away the right to list them. */
static bool belongs(const struct group *group, const struct kind_item *item)
{
    struct target target = target_of(group->look, item);

    return item == group->leader || (group->target.object.namespace && is_together(&group->target, &target));
}

static size_t members_of(const struct group *group, bool *ret_leads)
{
    size_t members = 0;

    *ret_leads = true;
    for (size_t i = 0; i < group->batch->count; i++) {
        const struct kind_item *item = &group->batch->items[i];

        if (!belongs(group, item))
            continue;
        if (members++ == 0)
            *ret_leads = item == group->leader;
    }
    return members;
}

static void read_one(struct group *group)
{
    struct kubernetes_answer answer CLEANUP_KUBERNETES_ANSWER = {0};
    struct err err CLEANUP_ERR = {0};
    int r = cluster_ask(group->batch, KUBERNETES_GET, &group->target, NULL, &answer, &err);

    if (r < 0)
        batch_failed(group->leader, &err);
    else
        group->look->take(group->batch, group->leader, &group->target, answer.body);
}

/* What lists leave out: which kind their items are. 0 or -ENOMEM. */
static int complete(struct json_object *live, const struct kubernetes_object *object)
{
    if (js_set_text(live, "apiVersion", object->api_version) < 0)
        return -ENOMEM;
    return js_set_text(live, "kind", object->kind);
}

static void take_from(struct group *group, struct kind_item *item, struct json_object *items)
{
    struct target target = target_of(group->look, item);
    struct err err CLEANUP_ERR = {0};

    for (size_t i = 0, count = js_count(items, NULL); i < count; i++) {
        struct json_object *live = js_at(items, i);

        if (!str_equal(js_text(live, "metadata.name"), target.object.name))
            continue;
        if (complete(live, &target.object) == 0) {
            group->look->take(group->batch, item, &target, live);
        } else {
            (void)err_no_memory(&err);
            batch_unknown(item, &err);
        }
        return;
    }
    batch_absent(item);
}

static void read_all(struct group *group)
{
    struct kubernetes_answer answer CLEANUP_KUBERNETES_ANSWER = {0};
    struct err err CLEANUP_ERR = {0};
    struct target list = group->target;
    int r;

    list.object.name = NULL;
    r = cluster_ask(group->batch, KUBERNETES_LIST, &list, NULL, &answer, &err);
    if (r == 0 && !json_object_is_type(js_get(answer.body, "items"), json_type_array))
        r = err_set(&err, -EBADMSG, ERR_RETRY, "a list of %s without items", list.object.kind);
    for (size_t i = 0; i < group->batch->count; i++) {
        struct kind_item *item = &group->batch->items[i];

        if (!belongs(group, item))
            continue;
        if (r < 0)
            batch_unknown(item, &err); /* a list never says of one that it is not there */
        else
            take_from(group, item, js_get(answer.body, "items"));
    }
}

void cluster_look_at(struct kind_batch *batch, struct kind_item *item, const struct cluster_look *look)
{
    struct group group = {.batch = batch, .look = look, .leader = item, .target = target_of(look, item)};
    bool leads;
    size_t members = members_of(&group, &leads);

    if (!leads)
        return; /* somebody else asks for it */
    if (members == 1)
        read_one(&group);
    else
        read_all(&group);
}
