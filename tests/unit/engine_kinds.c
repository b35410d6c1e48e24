/*
 * engine_kinds.c: kinds of the simulated cloud, and a registry of them in place of the real one.
 *
 * test_item: make (two calls when it is secure), look one by one. test_slow: the same, in transition for a while.
 * test_seldom: read in turn. test_data: losing it loses data. test_plain: carries no mark, is looked at by one list. random_password is the
 * real one.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "common/str.h"
#include "kinds/registry-internal.h"
#include "tests/unit/engine_cloud-internal.h"

static const struct field item_fields[] = {
    {.name = "name", .type = FIELD_STRING, .flags = FIELD_KEY | FIELD_REQUIRED, .doc = "Name."},
    {.name = "size", .type = FIELD_INTEGER, .fallback = "1", .doc = "Size."},
    {.name = "colour", .type = FIELD_STRING, .doc = "Colour."},
    {.name = "shape", .type = FIELD_STRING, .flags = FIELD_IMMUTABLE, .doc = "Shape: for ever."},
    {.name = "secure", .type = FIELD_BOOLEAN, .flags = FIELD_SECURITY, .fallback = "false", .doc = "Safe?"},
    {.name = "from", .type = FIELD_STRING, .doc = "What it was built on."},
    {.name = "also", .type = FIELD_STRING, .doc = "And on this."},
    {.name = "key", .type = FIELD_SECRET, .doc = "What opens it."},
    {.name = "tags", .type = FIELD_MAP, .element = FIELD_STRING, .doc = "Tags."},
    {0},
};

static const struct field plain_fields[] = {
    {.name = "name", .type = FIELD_STRING, .flags = FIELD_KEY | FIELD_REQUIRED, .doc = "Name."},
    {.name = "size", .type = FIELD_INTEGER, .fallback = "1", .doc = "Size."},
    {.name = "from", .type = FIELD_STRING, .doc = "What it was built on."},
    {0},
};

static const struct attribute item_attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .doc = "ARN."},
    {.name = "id", .type = FIELD_STRING, .doc = "Id."},
    {0},
};

/* ---- what the cloud does ---- */

static void check_built_on(struct cloud *cloud, const struct cloud_call *call, const char *arn)
{
    if (!arn || !str_starts(arn, "arn:"))
        return;
    for (size_t i = 0; i < cloud->count; i++)
        if (str_equal(cloud->things[i].arn, arn))
            return;
    cloud_violates(cloud, "%s %s is built on %s, which is not there", call->operation, call->name, arn);
}

static void check_needs(struct cloud *cloud, const struct cloud_call *call)
{
    check_built_on(cloud, call, js_text(call->in, "from"));
    check_built_on(cloud, call, js_text(call->in, "also"));
}

static int give(struct cloud_call *call, const struct cloud *cloud, const struct thing *thing)
{
    call->out = js_copy(thing->document);
    call->created_wall_ms = thing->created_wall_ms;
    call->settling = thing->ready_wall_ms > clock_wall_ms(cloud->clock);
    (void)js_set_text(call->out, "arn", thing->arn);
    (void)js_set_text(call->out, "id", thing->id);
    return str_set(&call->id, thing->id) | str_set(&call->arn, thing->arn);
}

static int do_create(struct cloud *cloud, struct cloud_call *call, struct err *err)
{
    struct thing *thing = cloud_find(cloud, call->type, call->name);

    if (thing && thing->failed)
        cloud_remove(cloud, TAKE(thing));
    if (str_equal(call->name, cloud->taken_name)) {
        cloud->taken_met++;
        return err_set(err, -EEXIST, ERR_EXISTS, "%s: %s exists", call->operation, call->name);
    }
    if (thing && call->token && str_equal(thing->token, call->token)) {
        /* the same request again: allowed only while the engine could not know that it had worked */
        cloud->doubles_served++;
        if (cloud_is_visible(cloud, thing) && !cloud->blind_ms)
            cloud_violates(cloud, "%s was created again, although a look would have shown it", call->name);
        return give(call, cloud, thing);
    }
    if (thing)
        cloud_violates(cloud, "%s was created twice", call->name);
    check_needs(cloud, call);
    return give(call, cloud, cloud_add(cloud, call->type, call->name, js_copy(call->in), call->token));
}

static int do_read(struct cloud *cloud, struct cloud_call *call, struct err *err)
{
    struct thing *thing = cloud_find(cloud, call->type, call->name);

    (void)err;
    call->ended = thing && thing->failed;
    return thing && !thing->failed && cloud_is_visible(cloud, thing) ? give(call, cloud, thing) : 0;
}

/** A list tells the document and when it was made. */
static struct json_object *listed(const struct thing *thing)
{
    struct json_object *entry = json_object_new_object();

    (void)js_put_key(entry, "document", js_copy(thing->document));
    (void)js_set_int(entry, "created", thing->created_wall_ms);
    return entry;
}

static int do_list(struct cloud *cloud, struct cloud_call *call, struct err *err)
{
    (void)err;
    call->out = json_object_new_object();
    for (size_t i = 0; i < cloud->count; i++)
        if (str_equal(cloud->things[i].type, call->type) && cloud_is_visible(cloud, &cloud->things[i]))
            (void)js_put_key(call->out, cloud->things[i].name, listed(&cloud->things[i]));
    return 0;
}

static bool is_marked(const struct thing *thing)
{
    return str_equal(thing->type, "test_plain") || js_get(thing->document, "tags");
}

static int do_update(struct cloud *cloud, struct cloud_call *call, struct err *err)
{
    struct thing *thing = cloud_find(cloud, call->type, call->name);

    if (!thing)
        return err_set(err, -ENOENT, ERR_ABSENT, "%s: no such thing", call->operation);
    if (!is_marked(thing))
        cloud_violates(cloud, "%s %s, which is somebody else's", call->operation, call->name);
    check_needs(cloud, call);
    js_each (call->in, key, value)
        (void)js_put_key(thing->document, key, js_copy(value));
    return 0;
}

static bool refers_to(const struct thing *thing, const char *arn)
{
    return str_equal(js_text(thing->document, "from"), arn) ||
           str_equal(js_text(thing->document, "also"), arn);
}

static int do_delete(struct cloud *cloud, struct cloud_call *call, struct err *err)
{
    struct thing *thing = cloud_find(cloud, call->type, call->name);

    if (!thing)
        return err_set(err, -ENOENT, ERR_ABSENT, "%s: no such thing", call->operation);
    if (!is_marked(thing))
        cloud_violates(cloud, "%s %s, which is somebody else's", call->operation, call->name);
    for (size_t i = 0; i < cloud->count; i++)
        if (cloud->strict_order && refers_to(&cloud->things[i], thing->arn))
            cloud_violates(cloud, "%s was deleted under %s", call->name, cloud->things[i].name);
    cloud_remove(cloud, thing);
    return 0;
}

/* ---- verbs ---- */

static void call_done(struct cloud_call *call)
{
    json_object_put(call->out);
    free(call->id);
    free(call->arn);
}

static int write_call(struct kind_op *op, struct cloud_call *call)
{
    int r = op->host->before_write(op, call->operation, op->err);

    call->type = op->kind->type;
    call->write = true;
    call->token = op->intent;
    return r < 0 ? r : cloud_serve(the_cloud, call, op->err);
}

/** One member of the desired document, set by a call of its own. */
static int set_member(struct kind_op *op, const char *operation, const char *name)
{
    struct cloud_call call CLEANUP(call_done) = {
        .operation = operation, .name = op_text(op, "name"), .execute = do_update};
    struct json_object *in CLEANUP_JS = json_object_new_object(), *value = js_get(op->desired, name);

    (void)js_put_key(in, name, value ? js_copy(value) : NULL);
    call.in = in;
    return write_call(op, &call);
}

static struct json_object *born(struct kind_op *op)
{
    struct json_object *in = js_copy(op->desired);

    json_object_object_del(in, "secure");
    if (field_find(op->kind->fields, "tags"))
        (void)js_put_key(in, "tags", op_tags(op));
    return in;
}

static int item_create(struct kind_op *op)
{
    struct json_object *in CLEANUP_JS = born(op);
    struct cloud_call call CLEANUP(call_done) = {
        .operation = "Create", .name = op_text(op, "name"), .execute = do_create, .in = in};
    int r = write_call(op, &call);

    if (r == 0)
        r = op_created(op, op->kind->attributes ? call.id : call.name);
    if (r == 0 && op->kind->attributes && !call.settling) /* as a cluster's address: told when it is ready */
        r = op_attribute_text(op, "arn", call.arn);
    if (r == 0 && op->kind->attributes)
        r = op_attribute_text(op, "id", call.id);
    if (r == 0 && js_bool(op->desired, "secure", false))
        r = set_member(op, "Secure", "secure");
    if (r == 0 && call.settling)
        op_settling(op);
    return r;
}

static int item_update(struct kind_op *op, const struct diff *diff)
{
    for (const struct field *field = op->kind->fields; field->name; field++) {
        int r = 0;

        if (diff_has(diff, field->name))
            r = set_member(op, str_equal(field->name, "secure") ? "Secure" : "Update", field->name);
        if (r < 0)
            return r;
    }
    return 0;
}

static int item_remove(struct kind_op *op)
{
    struct cloud_call call CLEANUP(call_done) = {
        .operation = "Delete", .name = op_text(op, "name"), .execute = do_delete};
    int r = write_call(op, &call);

    if (r < 0 && op->err->class == ERR_ABSENT) {
        err_done(op->err);
        return 0;
    }
    return r;
}

static void read_one(struct kind_batch *batch, struct kind_item *item)
{
    struct cloud_call call CLEANUP(call_done) = {.operation = "Read",
                                                 .type = batch->kind->type,
                                                 .name = js_text(item->desired, "name"),
                                                 .execute = do_read};
    struct err err CLEANUP_ERR = {0};

    if (cloud_serve(the_cloud, &call, &err) < 0) {
        batch_failed(item, &err);
    } else if (!call.out) {
        batch_absent(item);
        item->ended = call.ended;
    } else {
        if (!js_get(call.out, "secure"))
            (void)js_set_bool(call.out, "secure", false);
        if (call.settling) {
            json_object_object_del(call.out, "arn");
            batch_settling(item, call.id, TAKE(call.out), "CREATING");
        } else {
            batch_present(item, call.id, TAKE(call.out));
        }
        item->created_wall_ms = call.created_wall_ms;
    }
}

static int item_observe(struct kind_batch *batch)
{
    return batch_each(batch, 16, read_one);
}

static void read_seldom(struct kind_batch *batch, struct kind_item *item)
{
    if (item_may_keep(item))
        batch_keep(item);
    else
        read_one(batch, item);
}

static int seldom_observe(struct kind_batch *batch)
{
    return batch_each(batch, 16, read_seldom);
}

static int plain_observe(struct kind_batch *batch)
{
    struct cloud_call call CLEANUP(call_done) = {
        .operation = "List", .type = batch->kind->type, .execute = do_list};
    int r = cloud_serve(the_cloud, &call, batch->err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < batch->count; i++) {
        struct json_object *found = NULL;
        const char *name = js_text(batch->items[i].desired, "name");

        if (!json_object_object_get_ex(call.out, name, &found)) {
            batch_absent(&batch->items[i]);
            continue;
        }
        batch_present(&batch->items[i], name, js_copy(js_get(found, "document")));
        batch->items[i].created_wall_ms = js_int(found, "created", 0);
    }
    return 0;
}

#define ITEM_PACE                                                                                            \
    {                                                                                                        \
        .first_look_ms = 1000, .every_ms = 500, .give_up_ms = 60000, .grace_ms = 10000, .usual_ms = 100      \
    }

static const struct kind test_item = {
    .type = "test_item",
    .doc = "An item.",
    .fields = item_fields,
    .attributes = item_attributes,
    .pace = ITEM_PACE,
    .observe = item_observe,
    .create = item_create,
    .update = item_update,
    .remove = item_remove,
};

static const struct kind test_slow = {
    .type = "test_slow",
    .doc = "An item that takes its time.",
    .fields = item_fields,
    .attributes = item_attributes,
    .pace = ITEM_PACE,
    .observe = item_observe,
    .create = item_create,
    .update = item_update,
    .remove = item_remove,
};

static const struct kind test_seldom = {
    .type = "test_seldom",
    .doc = "An item that hardly ever changes.",
    .seldom_calls = 1,
    .fields = item_fields,
    .attributes = item_attributes,
    .pace = ITEM_PACE,
    .observe = seldom_observe,
    .create = item_create,
    .update = item_update,
    .remove = item_remove,
};

static const struct kind test_data = {
    .type = "test_data",
    .flags = KIND_HOLDS_DATA,
    .doc = "An item that holds data.",
    .fields = item_fields,
    .attributes = item_attributes,
    .pace = ITEM_PACE,
    .observe = item_observe,
    .create = item_create,
    .update = item_update,
    .remove = item_remove,
};

static const struct kind test_plain = {
    .type = "test_plain",
    .flags = KIND_ADOPT_ALWAYS | KIND_INTENT_ON_UPDATE,
    .doc = "Something that carries no mark.",
    .fields = plain_fields,
    .pace = ITEM_PACE,
    .observe = plain_observe,
    .create = item_create,
    .update = item_update,
    .remove = item_remove,
};

static const struct kind test_guarded = {
    .type = "test_guarded",
    .provider = PROVIDER_AWS,
    .doc = "An item behind the guard of an AWS account.",
    .fields = item_fields,
    .attributes = item_attributes,
    .pace = ITEM_PACE,
    .observe = item_observe,
    .create = item_create,
    .update = item_update,
    .remove = item_remove,
};

/* ---- the registry ---- */

const struct kind *const kinds[] = {
    &random_password_kind, &test_data, &test_guarded, &test_item, &test_plain, &test_seldom, &test_slow, NULL,
};

const struct kind *kind_find(const char *type)
{
    for (size_t i = 0; kinds[i]; i++)
        if (str_equal(kinds[i]->type, type))
            return kinds[i];
    return NULL;
}

const char *kind_suggest(const char *type)
{
    (void)type;
    return NULL;
}

const char *provider_name(enum provider provider)
{
    return provider == PROVIDER_AWS ? "aws" : "none";
}
