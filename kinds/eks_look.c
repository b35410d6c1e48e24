/*
 * eks_look.c: one cluster, node group or add-on: one call, and one more while an update of ours goes on.
 *
 *   CREATING PENDING UPDATING DELETING      settling
 *   FAILED CREATE_FAILED DELETE_FAILED      there, but nothing that could be put right: its name reads as another
 *                                           one, which asks for a replacement
 *   everything else                         there; what is wrong with it stands in "health"
 */
#include <string.h>

#include "common/clock.h"
#include "common/js.h"
#include "common/str.h"
#include "kinds/diff.h"
#include "kinds/eks-internal.h"

#define TEXT_MAX 2000 /* bytes of what EKS tells about health */

static bool is_one_of(const char *text, const char *const *list)
{
    for (; *list; list++) {
        if (str_equal(text, *list))
            return true;
    }
    return false;
}

static bool in_transition(const char *status)
{
    static const char *const list[] = {"CREATING", "PENDING", "UPDATING", "DELETING", NULL};

    return is_one_of(status, list);
}

static bool is_broken(const char *status)
{
    static const char *const list[] = {"FAILED", "CREATE_FAILED", "DELETE_FAILED", NULL};

    return is_one_of(status, list);
}

bool eks_is_absence(const struct err *err)
{
    return err_is(err, "ResourceNotFoundException") ||
           (err_is(err, "ClientException") && strstr(err_text(err), "No cluster found"));
}

/* A cluster that is just being made answers for nothing in it: what we know nothing of is not there yet. */
static bool is_before_its_cluster(const struct kind_item *item, const struct err *err)
{
    return !item->id && err_is(err, "InvalidRequestException") &&
           strstr(err_text(err), "not in ACTIVE status") != NULL;
}

void eks_failed(struct kind_item *item, struct err *err)
{
    if (eks_is_absence(err) || is_before_its_cluster(item, err))
        err->class = ERR_ABSENT;
    batch_failed(item, err);
}

/* ---- health ---- */

/* What a code means for the one who has to put it right. */
static const char *hint_for(const char *code)
{
    static const struct {
        const char *code, *hint;
    } hints[] = {
        {"AsgInstanceLaunchFailures",
         "EC2 starts no machines: look at quotas, and at capacity for these types"},
        {"NodeCreationFailure",
         "the machines do not join: they need a way to the cluster's endpoint, ECR, S3 and STS "
         "(NAT gateway and route), and their role its policies"},
        {"InsufficientFreeAddresses", "the subnets are full: free addresses, or declare larger subnets"},
        {"InstanceLimitExceeded", "ask AWS for a higher quota of machines"},
        {"IamNodeRoleNotFound", "the node role was deleted, or made again under its name"},
        {"IamInstanceProfileNotFound", "the instance profile was deleted: the node group must be replaced"},
        {"IamRoleNotFound", "the cluster's role was deleted, or made again under its name"},
        {"IamThrottling", "IAM is asked too much: it passes by itself"},
        {"AccessDenied", "the role lacks a policy, or the nodes lack their access entry"},
        {"ClusterUnreachable", "EKS does not reach the API server: look at security groups and subnets"},
        {"Ec2SubnetInvalidConfiguration", "public subnets must give their machines public addresses"},
        {"Ec2SubnetNotFound", "a subnet was deleted"},
        {"Ec2SecurityGroupNotFound", "a security group was deleted"},
        {"AutoScalingGroupNotFound", "the Auto Scaling group was deleted: the node group must be replaced"},
        {"InsufficientNumberOfReplicas", "its pods do not run: are there nodes with room?"},
        {"ConfigurationConflict", "others manage the same objects: see resolve_conflicts_on_update"},
        {"VpcNotFound", "the network was deleted: the cluster must be replaced"},
        {"KmsKeyNotFound", "the key of its secrets was deleted: cancel that at KMS if you still can"},
        {"KmsKeyDisabled", "the key of its secrets is disabled: enable it at KMS"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(hints); i++) {
        if (str_equal(hints[i].code, code))
            return hints[i].hint;
    }
    return NULL;
}

static void tell_issue(struct buf *text, const char *code, const char *message)
{
    const char *hint = code ? hint_for(code) : NULL;

    buf_addf(text, "%s%s", text->size > 0 ? "; " : "", code ? code : "no code");
    if (message)
        buf_addf(text, ": %s", message);
    if (hint)
        buf_addf(text, " (%s)", hint);
}

/* "STATUS: CODE: what EKS says (what to do); ..."; owned. NULL when all is well, and without memory. */
static char *health_of(const char *status, struct json_object *issues)
{
    struct buf text CLEANUP_BUF = BUF_INIT(TEXT_MAX);

    for (size_t i = 0, count = js_count(issues, NULL); i < count; i++)
        tell_issue(&text, js_text(js_at(issues, i), "code"), js_text(js_at(issues, i), "message"));
    if (!status || str_equal(status, "ACTIVE"))
        return text.size > 0 ? buf_take(&text) : NULL;
    return text.size > 0 ? str_format("%s: %s", status, buf_text(&text)) : strdup(status);
}

/* ---- updates ---- */

/* What became of the last update of ours. */
struct followed {
    bool runs;
    char *failed; /* why it failed; owned, NULL when it did not */
};

static char *why_failed(struct json_object *update)
{
    struct json_object *errors = js_get(update, "errors");
    struct buf text CLEANUP_BUF = BUF_INIT(TEXT_MAX);

    for (size_t i = 0, count = js_count(errors, NULL); i < count; i++)
        tell_issue(&text, js_text(js_at(errors, i), "errorCode"), js_text(js_at(errors, i), "errorMessage"));
    return str_format("the last update (%s) failed: %s",
                      js_text(update, "type") ? js_text(update, "type") : "?",
                      text.size > 0 ? buf_text(&text) : "no reason given");
}

/* The names, as DescribeUpdate wants them. */
static struct json_object *update_params(const struct eks_thing *thing, const struct kind_item *item)
{
    struct json_object *names CLEANUP_JS = eks_params(thing, item->id, item->desired);
    struct json_object *params = params_new("updateId", js_text(item->memory, "update"), NULL);

    params_text(&params, "name", js_text(names, thing->cluster ? thing->cluster : thing->name));
    if (thing->cluster)
        params_text(&params, thing->name, js_text(names, thing->name));
    return names ? params : (json_object_put(params), NULL);
}

static void forget_update(struct kind_item *item, const char *failed)
{
    struct json_object *memory = js_copy(item->memory);

    if (memory)
        json_object_object_del(memory, "update");
    params_text(&memory, "failed", failed);
    json_object_put(item->ret_memory);
    item->ret_memory = memory; /* without memory: asked again by the next look */
}

/* 0 with *ret filled, or negative with @err. May wait. */
static int follow_update(struct kind_batch *batch, struct kind_item *item, const struct eks_thing *thing,
                         struct followed *ret, struct err *err)
{
    struct json_object *answer CLEANUP_JS = NULL;
    const char *failed = js_text(item->memory, "failed"), *status;
    int r;

    if (!js_text(item->memory, "update")) {
        ret->failed = failed ? strdup(failed) : NULL;
        return failed && !ret->failed ? err_no_memory(err) : 0;
    }
    r = batch_ask(batch, AWS_EKS_DESCRIBE_UPDATE, update_params(thing, item), &answer, err);
    if (r < 0 && !eks_is_absence(err))
        return r;
    err_done(err); /* EKS forgets updates after a while, and with the thing itself */
    status = js_text(answer, "update.status");
    ret->runs = str_equal(status, "InProgress");
    if (ret->runs)
        return 0;
    if (str_equal(status, "Failed") || str_equal(status, "Cancelled")) {
        ret->failed = why_failed(js_get(answer, "update"));
        if (!ret->failed)
            return err_no_memory(err);
    }
    forget_update(item, ret->failed);
    return 0;
}

/* ---- the document ---- */

struct json_object *eks_document(const struct kind *kind, const struct eks_thing *thing,
                                 struct json_object *answer)
{
    struct json_object *document = json_object_new_object(), *tags = js_get(answer, "tags");
    int64_t created_ms = answer_time_ms(answer, "createdAt");
    char *id CLEANUP_FREE = NULL;
    char time[32];

    if (!document || wire_read(kind, answer, document) < 0) {
        json_object_put(document);
        return NULL;
    }
    params_set(&document, "tags", tags ? js_copy(tags) : json_object_new_object());
    if (created_ms > 0) {
        clock_format_rfc3339(created_ms, time, sizeof time);
        params_text(&document, "created_at", time);
    }
    if (document && thing->finish)
        thing->finish(answer, &document);
    id = document ? eks_id(thing, document) : NULL;
    params_set(&document, "id", id ? json_object_new_string(id) : NULL);
    return document;
}

static bool differs(const struct kind *kind, struct json_object *desired, struct json_object *document)
{
    struct diff diff CLEANUP_DIFF = {0};

    return desired && (diff_documents(kind, desired, document, &diff, NULL) < 0 || diff.count > 0);
}

/* There, and through with what it did: is it well? */
static void take_steady(struct kind_batch *batch, struct kind_item *item, const struct eks_thing *thing,
                        struct json_object *answer, struct json_object *take_document, const char *failed)
{
    const char *status = js_text(answer, "status");
    struct json_object *document = take_document;
    char *health CLEANUP_FREE = health_of(status, js_get(answer, "health.issues"));
    char *id CLEANUP_FREE = document ? eks_id(thing, document) : NULL;
    bool changes = document && differs(batch->kind, item->desired, document);
    char *name CLEANUP_FREE = NULL;

    if (!id || (!health && !str_equal(status, "ACTIVE"))) {
        json_object_put(document);
        batch_present(item, NULL, NULL); /* no memory: nothing is told */
        return;
    }
    if (thing->passing && str_equal(status, thing->passing) && !changes) {
        batch_settling(item, id, document, health);
        return;
    }
    if (is_broken(status)) {
        name = str_format("%s (%s)", js_text(document, thing->field), status);
        params_set(&document, thing->field, name ? json_object_new_string(name) : NULL);
    }
    if (health || (failed && changes))
        params_text(&document, "health", health ? health : failed);
    batch_present(item, id, document);
}

static void take(struct kind_batch *batch, struct kind_item *item, const struct eks_thing *thing,
                 struct json_object *answer, const struct followed *update)
{
    struct json_object *document = eks_document(batch->kind, thing, answer);
    const char *status = js_text(answer, "status");

    item->created_wall_ms = answer_time_ms(answer, "createdAt");
    if (in_transition(status) || update->runs)
        batch_settling(item, js_text(document, "id"), document,
                       in_transition(status) ? status : "its update is in progress");
    else
        take_steady(batch, item, thing, answer, document, update->failed);
}

void eks_look(struct kind_batch *batch, struct kind_item *item, const struct eks_thing *thing)
{
    struct json_object *answer CLEANUP_JS = NULL;
    struct followed update = {0};
    struct err err CLEANUP_ERR = {0};
    int r = batch_ask(batch, thing->describe, eks_params(thing, item->id, item->desired), &answer, &err);

    if (r < 0) {
        eks_failed(item, &err);
        return;
    }
    if (!js_text(js_get(answer, thing->answer), thing->arn))
        r = err_set(&err, -EBADMSG, ERR_BUG, "looking at %s %s: an answer without %s", thing->what,
                    item->address, thing->arn);
    else
        r = follow_update(batch, item, thing, &update, &err);
    if (r < 0)
        batch_unknown(item, &err);
    else
        take(batch, item, thing, js_get(answer, thing->answer), &update);
    free(update.failed);
}
