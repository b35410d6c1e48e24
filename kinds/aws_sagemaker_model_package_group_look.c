/*
 * aws_sagemaker_model_package_group_look.c: looking at groups: the group and its policy at once (the policy
 * in thorough looks only), then its tags, for which the service's own ARN is needed.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_sagemaker_model_package_group-internal.h"
#include "kinds/registry-internal.h"
#include "kinds/sagemaker-internal.h"

enum { READ_GROUP, READ_POLICY, READ_MAX };

/* 0, or negative with @err: what was read does not make a picture. */
static int check_reads(struct aws_read *reads, struct err *err)
{
    struct json_object *group = reads[READ_GROUP].answer;

    /* The request is well-formed, the same name was just found: this can only mean that there is none. */
    if (reads[READ_POLICY].result < 0 && !err_is(&reads[READ_POLICY].err, "ValidationException")) {
        err_move(err, &reads[READ_POLICY].err);
        if (err->class == ERR_ABSENT)
            err->class = ERR_RETRY; /* we have just seen it */
        return err->code;
    }
    if (!js_text(group, "ModelPackageGroupArn"))
        return err_set(err, -EBADMSG, ERR_BUG, "DescribeModelPackageGroup: an answer without an ARN");
    if (str_equal(js_text(group, "ModelPackageGroupStatus"), "Failed"))
        return err_set(err, -EIO, ERR_INVALID, "the making of the group failed: delete it");
    return 0;
}

/* Leave the description in the item, with the policy's text among its members. */
static void judge(struct kind_item *item, struct aws_read *reads)
{
    struct err err CLEANUP_ERR = {0};
    const char *policy;
    int r;

    if (reads[READ_GROUP].result < 0) {
        if (model_group_is_absent(&reads[READ_GROUP].err))
            batch_absent(item);
        else
            batch_failed(item, &reads[READ_GROUP].err);
        return;
    }
    r = check_reads(reads, &err);
    policy = js_text(reads[READ_POLICY].answer, "ResourcePolicy");
    if (r == 0 && policy && js_set_text(reads[READ_GROUP].answer, "ResourcePolicy", policy) < 0)
        r = err_no_memory(&err);
    if (r < 0)
        batch_unknown(item, &err);
    else
        item->observed = TAKE(reads[READ_GROUP].answer);
}

static void describe(struct kind_batch *batch, struct kind_item *item)
{
    const char *name = item->id ? item->id : js_text(item->desired, "model_package_group_name");
    size_t count = item_may_keep(item) ? READ_POLICY : READ_MAX;
    struct aws_read reads[READ_MAX] = {
        [READ_GROUP] = {.op = AWS_SAGEMAKER_DESCRIBE_MODEL_PACKAGE_GROUP,
                        .params = params_new("ModelPackageGroupName", name, NULL)},
        [READ_POLICY] = {.op = AWS_SAGEMAKER_GET_MODEL_PACKAGE_GROUP_POLICY,
                         .params = params_new("ModelPackageGroupName", name, NULL)},
    };
    struct err err CLEANUP_ERR = {0};
    int r;

    if (!batch->clouds.aws)
        r = err_set(&err, -EINVAL, ERR_INVALID, "the platform has no aws: section");
    else if (!reads[READ_GROUP].params || !reads[READ_POLICY].params)
        r = err_no_memory(&err);
    else {
        r = aws_read_all(batch->clouds.aws, reads, count, 0);
        if (r < 0)
            (void)err_set(&err, r, r == -ECANCELED ? ERR_CANCELED : ERR_RETRY, "reading the group");
    }
    if (r < 0)
        batch_unknown(item, &err);
    else
        judge(item, reads);
    aws_reads_done(reads, READ_MAX);
}

static struct json_object *read_document(const struct kind_item *item, struct json_object *group)
{
    struct json_object *document = json_object_new_object();
    const char *policy = js_text(group, "ResourcePolicy");

    if (!document || wire_read(&aws_sagemaker_model_package_group_kind, group, document) < 0) {
        json_object_put(document);
        return NULL;
    }
    if (policy)
        params_set(&document, "resource_policy", wire_policy(policy));
    else if (item_may_keep(item))
        item_keep(item, "resource_policy", &document);
    params_set(&document, "tags", js_copy(js_get(group, SAGEMAKER_TAGS)));
    return document;
}

static bool in_transit(const char *status)
{
    return str_equal(status, "Pending") || str_equal(status, "InProgress") || str_equal(status, "Deleting");
}

static void report(struct kind_batch *batch, struct kind_item *item)
{
    struct json_object *group CLEANUP_JS = TAKE(item->observed), *document;
    const char *status = js_text(group, "ModelPackageGroupStatus");
    struct err err CLEANUP_ERR = {0};

    if (!group)
        return; /* reported already */
    if (sagemaker_read_tags(batch, group, js_text(group, "ModelPackageGroupArn"), &err) < 0) {
        batch_unknown(item, &err);
        return;
    }
    document = read_document(item, group);
    item_note_flag(item, "force_destroy");
    item->created_wall_ms = answer_time_ms(group, "CreationTime");
    if (in_transit(status))
        batch_settling(item, js_text(group, "ModelPackageGroupName"), document, status);
    else
        batch_present(item, js_text(group, "ModelPackageGroupName"), document);
}

static const struct tagged_look group_look = {
    .arn = "ModelPackageGroupArn",
    .tags = SAGEMAKER_TAGS,
    .describe = describe,
    .report = report,
};

int aws_sagemaker_model_package_group_observe(struct kind_batch *batch)
{
    return tagged_observe(batch, &group_look);
}
