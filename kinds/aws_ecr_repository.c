/*
 * aws_ecr_repository.c: a repository of images with its scanning, its tag rules and its policies.
 *
 * Looking is in aws_ecr_repository_look.c. Ready at once. Ways to fail: the name is taken, the quota
 * is reached, images stand in the way of a deletion, a key that ECR may not use.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_ecr_repository-internal.h"
#include "kinds/registry-internal.h"

static bool accepts_name(const char *text)
{
    size_t length = strlen(text);

    return has_reference(text) ||
           (length >= 2 && is_small_word(text, "._-/", 256) && isalnum((unsigned char)text[0]) &&
            isalnum((unsigned char)text[length - 1]));
}

static const char *const mutabilities[] = {"MUTABLE", "IMMUTABLE", NULL};
static const char *const encryptions[] = {"AES256", "KMS", "KMS_DSSE", NULL};

static const struct field scanning_fields[] = {
    {
        .name = "scan_on_push",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_REQUIRED | FIELD_SECURITY,
        .wire = "scanOnPush",
        .doc = "Scan every pushed image for known weaknesses.",
    },
    {0},
};

static const struct field encryption_fields[] = {
    {
        .name = "encryption_type",
        .type = FIELD_ENUM,
        .values = encryptions,
        .flags = FIELD_IMMUTABLE,
        .wire = "encryptionType",
        .fallback = "\"AES256\"",
        .doc = "How images are encrypted.",
    },
    {
        .name = "kms_key",
        .type = FIELD_STRING,
        .flags = FIELD_IMMUTABLE | FIELD_SERVER_DEFAULT,
        .wire = "kmsKey",
        .doc = "ARN of the KMS key; not given, AWS uses its own.",
    },
    {0},
};

static const struct field fields[] = {
    {
        .name = "name",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE,
        .wire = "repositoryName",
        .pattern = "2 to 256 lower-case letters, digits and any of . _ - / between letters or digits",
        .accepts = accepts_name,
        .doc = "Name of the repository.",
    },
    {
        .name = "image_tag_mutability",
        .type = FIELD_ENUM,
        .values = mutabilities,
        .flags = FIELD_SECURITY,
        .wire = "imageTagMutability",
        .fallback = "\"MUTABLE\"",
        .doc = "Whether a tag may be moved to another image.",
    },
    {
        .name = "image_scanning_configuration",
        .type = FIELD_OBJECT,
        .members = scanning_fields,
        .flags = FIELD_SERVER_DEFAULT | FIELD_SECURITY,
        .wire = "imageScanningConfiguration",
        .doc = "Scanning of images.",
    },
    {
        .name = "encryption_configuration",
        .type = FIELD_OBJECT,
        .members = encryption_fields,
        .flags = FIELD_SERVER_DEFAULT | FIELD_IMMUTABLE,
        .wire = "encryptionConfiguration",
        .doc = "Encryption of images, chosen when the repository is made.",
    },
    {
        .name = "force_delete",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_LOCAL,
        .fallback = "false",
        .doc = "Delete all images when the repository is to be deleted.",
    },
    {
        .name = "policy",
        .type = FIELD_POLICY,
        .flags = FIELD_EXCLUSIVE | FIELD_SECURITY,
        .fallback = "null",
        .doc = "Repository policy; not given means there must be none.",
    },
    {
        .name = "lifecycle_policy",
        .type = FIELD_POLICY,
        .flags = FIELD_SERVER_DEFAULT,
        .doc = "Which images ECR deletes by itself.",
    },
    TAGS_ROW,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .wire = "repositoryArn", .doc = "ARN of the repository."},
    {.name = "id", .type = FIELD_STRING, .wire = "repositoryName", .doc = "Name of the repository."},
    {.name = "repository_url",
     .type = FIELD_STRING,
     .wire = "repositoryUri",
     .doc = "What images are tagged with to be pushed here."},
    {.name = "registry_id",
     .type = FIELD_STRING,
     .wire = "registryId",
     .doc = "Account that holds the registry."},
    {0},
};

static void check(struct kind_check *check)
{
    struct json_object *encryption = js_get(check->document, "encryption_configuration");
    const char *type = js_text(encryption, "encryption_type");

    tags_check(check);
    policy_check(check, "policy", js_get(check->document, "policy"));
    if (js_get(encryption, "kms_key") && (!type || str_equal(type, "AES256")))
        check->problem(check, "encryption_configuration.kms_key",
                       "a key can be named only with encryption_type KMS or KMS_DSSE");
}

/* ---- one call each ---- */

static struct json_object *repository_params(const struct kind_op *op)
{
    return params_new("repositoryName", op->id ? op->id : op_text(op, "name"), NULL);
}

static int put_policy(struct kind_op *op)
{
    struct json_object *policy = js_get(op->desired, "policy"), *params = repository_params(op);
    char *text CLEANUP_FREE = policy ? wire_policy_text(policy) : NULL;
    int r;

    if (!policy) {
        r = op_send(op, AWS_ECR_DELETE_REPOSITORY_POLICY, params, NULL);
        return op_forgive(op, r, "RepositoryPolicyNotFoundException");
    }
    params_set(&params, "policyText", text ? json_object_new_string(text) : NULL);
    return op_send(op, AWS_ECR_SET_REPOSITORY_POLICY, params, NULL);
}

static int put_lifecycle(struct kind_op *op)
{
    struct json_object *params = repository_params(op);
    char *text CLEANUP_FREE = wire_policy_text(js_get(op->desired, "lifecycle_policy"));

    params_set(&params, "lifecyclePolicyText", text ? json_object_new_string(text) : NULL);
    return op_send(op, AWS_ECR_PUT_LIFECYCLE_POLICY, params, NULL);
}

static int put_scanning(struct kind_op *op)
{
    struct json_object *params = repository_params(op);

    params_set(
        &params, "imageScanningConfiguration.scanOnPush",
        json_object_new_boolean(js_bool(op->desired, "image_scanning_configuration.scan_on_push", false)));
    return op_send(op, AWS_ECR_PUT_IMAGE_SCANNING_CONFIGURATION, params, NULL);
}

static int put_mutability(struct kind_op *op)
{
    struct json_object *params = repository_params(op);

    params_text(&params, "imageTagMutability", op_text(op, "image_tag_mutability"));
    return op_send(op, AWS_ECR_PUT_IMAGE_TAG_MUTABILITY, params, NULL);
}

static int put_tags(struct kind_op *op, const struct diff *diff)
{
    return op_put_tags(op, diff, AWS_ECR_TAG_RESOURCE,
                       params_new("resourceArn", js_text(op->observed, "arn"), NULL), "tags");
}

/* ---- create, update, remove ---- */

static int report_repository(struct kind_op *op, struct json_object *answer)
{
    struct json_object *repository = js_get(answer, "repository");
    int r = op_created(op, op_text(op, "name"));

    for (const struct attribute *row = attributes; row->name && r == 0; row++) {
        if (!js_text(repository, row->wire))
            return op_fail(op, -EBADMSG, ERR_BUG, "CreateRepository: an answer without %s", row->wire);
        r = op_attribute_text(op, row->name, js_text(repository, row->wire));
    }
    return r;
}

static int create(struct kind_op *op)
{
    struct json_object *params = wire_write(fields, op->desired), *answer CLEANUP_JS = NULL;
    int r;

    params_set(&params, "tags", op_tag_list(op, "Key", "Value"));
    r = op_send(op, AWS_ECR_CREATE_REPOSITORY, params, &answer);
    if (r == 0)
        r = report_repository(op, answer);
    if (r == 0)
        op_note_flag(op, "force_delete");
    if (r == 0 && js_get(op->desired, "policy"))
        r = put_policy(op);
    if (r == 0 && js_get(op->desired, "lifecycle_policy"))
        r = put_lifecycle(op);
    return r;
}

static int update(struct kind_op *op, const struct diff *diff)
{
    bool policy = diff_has(diff, "policy"), wanted = js_get(op->desired, "policy") != NULL;
    int r = 0;

    if (policy && !wanted)
        r = put_policy(op);
    if (r == 0 && diff_has(diff, "image_tag_mutability"))
        r = put_mutability(op);
    if (r == 0 && diff_has(diff, "image_scanning_configuration"))
        r = put_scanning(op);
    if (r == 0 && policy && wanted)
        r = put_policy(op);
    if (r == 0 && diff_has(diff, "lifecycle_policy"))
        r = put_lifecycle(op);
    if (r == 0 && diff_has(diff, "tags"))
        r = put_tags(op, diff);
    return r;
}

static int remove_repository(struct kind_op *op)
{
    struct json_object *params;
    bool force = op_flag(op, "force_delete");
    int r;

    if (!op->id)
        return op_fail(op, -EINVAL, ERR_BUG, "DeleteRepository: no name is recorded");
    params = repository_params(op);
    params_set(&params, "force", json_object_new_boolean(force));
    r = op_send(op, AWS_ECR_DELETE_REPOSITORY, params, NULL);
    if (r < 0 && err_is(op->err, "RepositoryNotEmptyException") && !force)
        return op_fail(op, -ENOTEMPTY, ERR_INVALID,
                       "repository %s holds images: delete them, or set force_delete: true", op->id);
    return op_forgive(op, r, "RepositoryNotFoundException");
}

static void farewell_repository(struct kind_batch *batch, struct kind_item *item, struct farewell *farewell)
{
    struct json_object *params = params_new("repositoryName", item->id, NULL), *answer CLEANUP_JS = NULL;
    bool known = batch_ask(batch, AWS_ECR_LIST_IMAGES, params, &answer, batch->err) == 0;

    if (known && js_count(answer, "imageIds") == 0)
        return;
    if (js_bool(item->desired, "force_delete", false))
        farewell_say(farewell, FAREWELL_LOSES, "all images in it are deleted (force_delete)");
    else if (known)
        farewell_say(
            farewell, FAREWELL_BLOCKS,
            "it holds images, and is not deleted while it does: delete them, or set force_delete: true");
    else
        farewell_say(farewell, FAREWELL_BLOCKS,
                     "it is not deleted while it holds images: delete them, or set force_delete: true");
}

const struct kind aws_ecr_repository_kind = {
    .type = "aws_ecr_repository",
    .provider = PROVIDER_AWS,
    .flags = KIND_HOLDS_DATA,
    .doc = "An ECR repository for container images.",
    .seldom_calls = 1,
    .fields = fields,
    .attributes = attributes,
    .pace =
        {.first_look_ms = 1000, .every_ms = 2000, .give_up_ms = 120000, .grace_ms = 120000, .usual_ms = 2000},
    .check = check,
    .observe = aws_ecr_repository_observe,
    .create = create,
    .update = update,
    .remove = remove_repository,
    .farewell = farewell_repository,
};
