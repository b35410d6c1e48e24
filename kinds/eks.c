/*
 * eks.c: creates, updates and deletes as all kinds of EKS have them. Looking is in eks_look.c.
 *
 * Every change goes on after the answer: the engine looks again. EKS takes one change at a time; what comes
 * between is "busy". Names are unique, and creates carry a token, so nothing is made twice.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/js.h"
#include "kinds/eks-internal.h"

void eks_check(struct kind_check *check)
{
    tags_check(check);
    if (js_get(check->document, "health"))
        check->problem(check, "health", "its health is for EKS to tell, not for the file");
}

/* ---- names ---- */

struct json_object *eks_params(const struct eks_thing *thing, const char *id, struct json_object *desired)
{
    const char *own = id && thing->cluster ? strchr(id, ':') : NULL; /* no cluster's name holds a colon */
    char *cluster CLEANUP_FREE = own ? str_format("%.*s", (int)(own - id), id) : NULL;

    if (!thing->cluster)
        return params_new(thing->name, id ? id : js_text(desired, thing->field), NULL);
    if (!own)
        return params_new(thing->cluster, js_text(desired, "cluster_name"), thing->name,
                          js_text(desired, thing->field), NULL);
    return cluster ? params_new(thing->cluster, cluster, thing->name, own + 1, NULL) : NULL;
}

char *eks_id(const struct eks_thing *thing, struct json_object *desired)
{
    const char *cluster = js_text(desired, "cluster_name"), *name = js_text(desired, thing->field);

    return thing->cluster ? str_format("%s:%s", cluster ? cluster : "", name ? name : "")
                          : str_format("%s", name ? name : "");
}

/* ---- create ---- */

static int report_created(struct kind_op *op, const struct eks_thing *thing, struct json_object *made)
{
    char *id CLEANUP_FREE = eks_id(thing, op->desired);
    const char *status = js_text(made, "status");
    int r;

    if (!id)
        return err_no_memory(op->err);
    if (!js_text(made, thing->arn))
        return op_fail(op, -EBADMSG, ERR_BUG, "creating %s %s: an answer without %s", thing->what, id,
                       thing->arn);
    r = op_created(op, id);
    if (r == 0)
        r = op_attribute_text(op, "arn", js_text(made, thing->arn));
    if (r == 0)
        r = op_attribute_text(op, "id", id);
    if (r == 0 && status && !str_equal(status, "ACTIVE"))
        op_settling(op);
    return r;
}

int eks_create(struct kind_op *op, const struct eks_thing *thing, enum aws_op operation,
               struct json_object *take_params)
{
    struct json_object *params = take_params, *answer CLEANUP_JS = NULL;
    int r;

    params_text(&params, thing->name, js_text(op->desired, thing->field));
    if (thing->cluster)
        params_text(&params, thing->cluster, op_text(op, "cluster_name"));
    params_set(&params, "tags", op_tags(op));
    r = op_send(op, operation, params, &answer);
    if (r == 0)
        return report_created(op, thing, js_get(answer, thing->answer));
    /* One code for "the name is taken" and for "its cluster is busy": only the text tells. */
    if (err_is(op->err, "ResourceInUseException") && strstr(err_text(op->err), "already"))
        op->err->class = ERR_EXISTS;
    return r;
}

/* ---- update ---- */

static int note_update(struct kind_op *op, const char *id)
{
    struct json_object *memory = op->memory ? js_copy(op->memory) : json_object_new_object();

    if (memory)
        json_object_object_del(memory, "failed");
    params_text(&memory, "update", id);
    if (!memory)
        return err_no_memory(op->err);
    op_remember(op, memory);
    return 0;
}

/* "Unsupported authentication mode update from API to API": somebody was there before us. */
static bool is_from_a_mode_to_itself(const char *text)
{
    const char *said = strstr(text, "authentication mode update from ");
    char from[32], to[32];

    return said && sscanf(said, "authentication mode update from %31[A-Z_] to %31[A-Z_]", from, to) == 2 &&
           str_equal(from, to);
}

/* EKS refuses what would change nothing: then it is as it should be, whoever made it so. */
static bool needs_nothing(const struct err *err)
{
    const char *text = err_text(err);

    return err_is(err, "InvalidParameterException") &&
           (strstr(text, "No changes needed") || strstr(text, "already at the desired") ||
            is_from_a_mode_to_itself(text));
}

int eks_update(struct kind_op *op, enum aws_op operation, struct json_object *take_params)
{
    struct json_object *answer CLEANUP_JS = NULL;
    int r = op_send(op, operation, take_params, &answer);
    const char *id = js_text(answer, "update.id");

    if (r < 0 && needs_nothing(op->err))
        return op_forgive(op, r, "InvalidParameterException");
    if (r < 0 || !id || str_equal(js_text(answer, "update.status"), "Successful"))
        return r;
    op_settling(op);
    return note_update(op, id);
}

int eks_put_tags(struct kind_op *op, const struct diff *diff)
{
    struct json_object *params = params_new("resourceArn", js_text(op->observed, "arn"), NULL);

    params_set(&params, "tags", tags_added(diff, op->desired));
    return op_send(op, AWS_EKS_TAG_RESOURCE, params, NULL);
}

int eks_fail_health(struct kind_op *op, const struct eks_thing *thing)
{
    const char *health = js_text(op->observed, "health");

    return op_fail(op, -EIO, ERR_CONFLICT, "%s %s is not well, and mlopsd can not help: %s", thing->what,
                   op->id, health ? health : "no reason given");
}

/* ---- remove ---- */

static int fail_going(struct kind_op *op, const struct eks_thing *thing)
{
    const char *health = js_text(op->observed, "health");

    if (health)
        return op_fail(op, -EAGAIN, ERR_NOT_YET, "waiting for %s %s to be deleted, which was not well: %s",
                       thing->what, op->id, health);
    return op_fail(op, -EAGAIN, ERR_NOT_YET, "waiting for %s %s to be deleted", thing->what, op->id);
}

static int forgive_absence(struct kind_op *op, int result)
{
    if (result == 0 || !eks_is_absence(op->err))
        return result;
    err_done(op->err);
    return 0;
}

int eks_remove(struct kind_op *op, const struct eks_thing *thing, struct json_object *take_params)
{
    struct json_object *params = take_params;
    int r = op_send(op, thing->remove, params, NULL);

    if (r < 0)
        return forgive_absence(op, r);
    params = eks_params(thing, op->id, op->desired);
    r = op_send(op, thing->describe, params, NULL);
    if (r < 0)
        return forgive_absence(op, r);
    return fail_going(op, thing);
}

/* ---- before ---- */

void eks_farewell_cluster(struct kind_batch *batch, struct kind_item *item, struct farewell *farewell)
{
    (void)batch;
    (void)item;
    farewell_say(
        farewell, FAREWELL_LOSES,
        "all that runs in it ends, and what it keeps in itself is lost; volumes and load balancers that "
        "workloads had made, and no manifest here declares, stay and cost: delete those workloads first");
}
