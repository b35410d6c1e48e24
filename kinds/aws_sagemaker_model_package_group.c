/*
 * aws_sagemaker_model_package_group.c: a group of model versions: the register of one model.
 *
 * Looking is in aws_sagemaker_model_package_group_look.c. Nothing of a group but its tags and its policy
 * can be changed, and the versions in it are data. Ways to fail: the name is taken, versions stand
 * in the way of a deletion, one of them is in use (busy).
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_sagemaker_model_package_group-internal.h"
#include "kinds/registry-internal.h"
#include "kinds/sagemaker-internal.h"

static const struct field fields[] = {
    {
        .name = "model_package_group_name",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE,
        .wire = "ModelPackageGroupName",
        .pattern = SAGEMAKER_NAME,
        .accepts = sagemaker_accepts_name,
        .doc = "Name of the group.",
    },
    {
        .name = "model_package_group_description",
        .type = FIELD_STRING,
        .flags = FIELD_IMMUTABLE | FIELD_SERVER_DEFAULT,
        .wire = "ModelPackageGroupDescription",
        .max = 1024,
        .doc = "What the models are for; it can not be changed later.",
    },
    {
        .name = "resource_policy",
        .type = FIELD_POLICY,
        .flags = FIELD_EXCLUSIVE | FIELD_SECURITY,
        .fallback = "null",
        .doc = "Who else may use the models; not given means there must be no policy.",
    },
    {
        .name = "force_destroy",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_LOCAL,
        .fallback = "false",
        .doc = "Delete all versions when the group is to be deleted.",
    },
    TAGS_ROW,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .wire = "ModelPackageGroupArn", .doc = "ARN of the group."},
    {.name = "id", .type = FIELD_STRING, .wire = "ModelPackageGroupName", .doc = "Name of the group."},
    {0},
};

static void check(struct kind_check *check)
{
    tags_check(check);
    policy_check(check, "resource_policy", js_get(check->document, "resource_policy"));
}

bool model_group_is_absent(const struct err *err)
{
    return err_is(err, "ValidationException") && err->text && str_ends(err->text, "does not exist.");
}

/* ---- one call each ---- */

static struct json_object *group_params(const struct kind_op *op)
{
    return params_new("ModelPackageGroupName", op->id ? op->id : op_text(op, "model_package_group_name"),
                      NULL);
}

static int put_policy(struct kind_op *op)
{
    struct json_object *policy = js_get(op->desired, "resource_policy"), *params = group_params(op);
    char *text CLEANUP_FREE = policy ? wire_policy_text(policy) : NULL;

    if (!policy)
        return op_send(op, AWS_SAGEMAKER_DELETE_MODEL_PACKAGE_GROUP_POLICY, params, NULL);
    params_set(&params, "ResourcePolicy", text ? json_object_new_string(text) : NULL);
    return op_send(op, AWS_SAGEMAKER_PUT_MODEL_PACKAGE_GROUP_POLICY, params, NULL);
}

/* ---- create, update, remove ---- */

static int report_group(struct kind_op *op, struct json_object *answer)
{
    const char *arn = js_text(answer, "ModelPackageGroupArn"),
               *name = op_text(op, "model_package_group_name");
    int r;

    if (!arn)
        return op_fail(op, -EBADMSG, ERR_BUG, "CreateModelPackageGroup: an answer without an ARN");
    r = op_created(op, name);
    if (r == 0)
        r = op_attribute_text(op, "arn", arn);
    return r < 0 ? r : op_attribute_text(op, "id", name);
}

static int create(struct kind_op *op)
{
    struct json_object *params = wire_write(fields, op->desired), *answer CLEANUP_JS = NULL;
    int r;

    params_set(&params, "Tags", op_tag_list(op, "Key", "Value"));
    r = op_send(op, AWS_SAGEMAKER_CREATE_MODEL_PACKAGE_GROUP, params, &answer);
    if (r < 0 && err_is(op->err, "ValidationException") && op->err->text &&
        strstr(op->err->text, "already exist"))
        op->err->class = ERR_EXISTS;
    if (r == 0)
        r = report_group(op, answer);
    if (r == 0)
        op_note_flag(op, "force_destroy");
    if (r == 0 && js_get(op->desired, "resource_policy"))
        r = put_policy(op);
    return r;
}

static int update(struct kind_op *op, const struct diff *diff)
{
    int r = diff_has(diff, "resource_policy") ? put_policy(op) : 0;

    if (r == 0 && diff_has(diff, "tags"))
        r = sagemaker_put_tags(op, diff);
    return r;
}

/* The versions are the models: they go only when the file says so. May wait. */
static int delete_versions(struct kind_op *op)
{
    struct json_object *answer CLEANUP_JS = NULL, *versions;
    int r = op_send(op, AWS_SAGEMAKER_LIST_MODEL_PACKAGES, group_params(op), &answer);

    if (r < 0)
        return r;
    versions = js_get(answer, "ModelPackageSummaryList");
    if (js_count(versions, NULL) > 0 && !op_flag(op, "force_destroy"))
        return op_fail(op, -ENOTEMPTY, ERR_INVALID,
                       "group %s holds %zu model versions: delete them, or set force_destroy: true", op->id,
                       js_count(versions, NULL));
    for (size_t i = 0; r == 0 && i < js_count(versions, NULL); i++) {
        const char *arn = js_text(js_at(versions, i), "ModelPackageArn");

        r = op_send(op, AWS_SAGEMAKER_DELETE_MODEL_PACKAGE, params_new("ModelPackageName", arn, NULL), NULL);
        if (r < 0 && model_group_is_absent(op->err)) {
            err_done(op->err); /* somebody was faster */
            r = 0;
        }
    }
    return r;
}

static int remove_group(struct kind_op *op)
{
    int r;

    if (!op->id)
        return op_fail(op, -EINVAL, ERR_BUG, "DeleteModelPackageGroup: no name is recorded");
    r = delete_versions(op);
    if (r == 0)
        r = op_send(op, AWS_SAGEMAKER_DELETE_MODEL_PACKAGE_GROUP, group_params(op), NULL);
    if (r < 0 && model_group_is_absent(op->err)) {
        err_done(op->err);
        r = 0;
    }
    return r;
}

static void farewell_group(struct kind_batch *batch, struct kind_item *item, struct farewell *farewell)
{
    struct json_object *params = params_new("ModelPackageGroupName", item->id, NULL),
                       *answer CLEANUP_JS = NULL;
    bool known = batch_ask(batch, AWS_SAGEMAKER_LIST_MODEL_PACKAGES, params, &answer, batch->err) == 0;
    size_t versions = js_count(answer, "ModelPackageSummaryList");

    if (known && versions == 0)
        return;
    if (js_bool(item->desired, "force_destroy", false))
        farewell_say(farewell, FAREWELL_LOSES, "all model versions in it are deleted (force_destroy)");
    else if (known)
        farewell_say(farewell, FAREWELL_BLOCKS,
                     "it holds %zu model versions, and is not deleted while it does: delete them, or set "
                     "force_destroy: true",
                     versions);
    else
        farewell_say(
            farewell, FAREWELL_BLOCKS,
            "it is not deleted while it holds model versions: delete them, or set force_destroy: true");
}

const struct kind aws_sagemaker_model_package_group_kind = {
    .type = "aws_sagemaker_model_package_group",
    .provider = PROVIDER_AWS,
    .flags = KIND_HOLDS_DATA,
    .doc = "A group of model versions in SageMaker's registry.",
    .seldom_calls = 1,
    .fields = fields,
    .attributes = attributes,
    .pace =
        {.first_look_ms = 1000, .every_ms = 2000, .give_up_ms = 120000, .grace_ms = 120000, .usual_ms = 2000},
    .check = check,
    .observe = aws_sagemaker_model_package_group_observe,
    .create = create,
    .update = update,
    .remove = remove_group,
    .farewell = farewell_group,
};
