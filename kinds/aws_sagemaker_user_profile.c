/*
 * aws_sagemaker_user_profile.c: a user of a SageMaker domain, with the rights the work runs with.
 *
 * Made in seconds, once its domain is in service. The name is unique in the domain, whatever its case.
 * Its apps and its own spaces keep it from being deleted. Recorded id: DOMAIN/NAME.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "kinds/registry-internal.h"
#include "kinds/sagemaker-internal.h"

static const struct field fields[] = {
    {
        .name = "domain_id",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE,
        .wire = "DomainId",
        .doc = "Id of the domain.",
    },
    {
        .name = "user_profile_name",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE | FIELD_IGNORE_CASE,
        .wire = "UserProfileName",
        .pattern = SAGEMAKER_NAME,
        .accepts = sagemaker_accepts_name,
        .doc = "Name of the user in the domain.",
    },
    {
        .name = "user_settings",
        .type = FIELD_OBJECT,
        .members = sagemaker_settings_fields,
        .wire = "UserSettings",
        .fallback = "{}",
        .doc = "What differs for this user from the domain's default_user_settings.",
    },
    {
        .name = "force_destroy",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_LOCAL,
        .fallback = "false",
        .doc = "Delete the user's apps and spaces when the profile is to be deleted.",
    },
    TAGS_ROW,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .wire = "UserProfileArn", .doc = "ARN of the profile."},
    {.name = "id", .type = FIELD_STRING, .doc = "DOMAIN/NAME."},
    {.name = "home_efs_file_system_uid",
     .type = FIELD_STRING,
     .wire = "HomeEfsFileSystemUid",
     .doc = "Number of the user on the domain's file system."},
    {.name = "status", .type = FIELD_STRING, .wire = "Status", .doc = "The service's word for its state."},
    {0},
};

/* ---- which one ---- */

static char *id_of(struct json_object *answer)
{
    const char *domain = js_text(answer, "DomainId"), *name = js_text(answer, "UserProfileName");

    return domain && name ? str_format("%s/%s", domain, name) : NULL;
}

/* Of a recorded id, else of what is wanted. */
static struct json_object *profile_params(const char *id, struct json_object *desired)
{
    const char *slash = id ? strchr(id, '/') : NULL;
    char *domain CLEANUP_FREE = slash ? strndup(id, (size_t)(slash - id)) : NULL;

    if (!slash)
        return params_new("DomainId", js_text(desired, "domain_id"), "UserProfileName",
                          js_text(desired, "user_profile_name"), NULL);
    return domain ? params_new("DomainId", domain, "UserProfileName", slash + 1, NULL) : NULL;
}

/* ---- looking ---- */

static void describe(struct kind_batch *batch, struct kind_item *item)
{
    struct err err CLEANUP_ERR = {0};

    if (batch_ask(batch, AWS_SAGEMAKER_DESCRIBE_USER_PROFILE, profile_params(item->id, item->desired),
                  &item->observed, &err) < 0)
        batch_failed(item, &err);
}

static void report(struct kind_batch *batch, struct kind_item *item)
{
    sagemaker_report(batch, item, "UserProfileArn", "user_profile_name", id_of);
}

static const struct tagged_look profile_look = {
    .arn = "UserProfileArn",
    .tags = SAGEMAKER_TAGS,
    .describe = describe,
    .report = report,
};

static int observe(struct kind_batch *batch)
{
    return tagged_observe(batch, &profile_look);
}

/* ---- create, update, remove ---- */

static int report_profile(struct kind_op *op, struct json_object *params, struct json_object *answer)
{
    char *id CLEANUP_FREE = id_of(params);
    int r;

    if (!js_text(answer, "UserProfileArn"))
        return op_fail(op, -EBADMSG, ERR_BUG, "CreateUserProfile: an answer without UserProfileArn");
    if (!id)
        return err_no_memory(op->err);
    r = op_created(op, id);
    if (r == 0)
        r = op_attribute_text(op, "id", id);
    return r < 0 ? r : op_attribute_text(op, "arn", js_text(answer, "UserProfileArn"));
}

static int create(struct kind_op *op)
{
    struct json_object *params CLEANUP_JS = wire_write(fields, op->desired), *answer CLEANUP_JS = NULL;
    int r;

    params_set(&params, "Tags", op_tag_list(op, "Key", "Value"));
    r = op_send(op, AWS_SAGEMAKER_CREATE_USER_PROFILE, json_object_get(params), &answer);
    /* The same code says that the domain is busy. */
    if (r < 0 && err_is(op->err, "ResourceInUse") && op->err->text && strstr(op->err->text, "already exists"))
        op->err->class = ERR_EXISTS;
    if (r == 0)
        r = report_profile(op, params, answer);
    if (r == 0)
        op_note_locals(op);
    op_settling(op);
    return r;
}

static int update(struct kind_op *op, const struct diff *diff)
{
    struct json_object *params;
    int r = 0;

    if (diff_has(diff, "tags"))
        r = sagemaker_put_tags(op, diff);
    if (r < 0 || !diff_has(diff, "user_settings"))
        return r;
    params = wire_write(fields, op->desired); /* a part that is sent replaces the old one whole */
    r = op_send(op, AWS_SAGEMAKER_UPDATE_USER_PROFILE, params, NULL);
    op_settling(op);
    return r;
}

static int delete_profile(struct kind_op *op, struct json_object *params)
{
    const char *domain = js_text(params, "DomainId"), *name = js_text(params, "UserProfileName");
    char *what CLEANUP_FREE = str_format("user profile %s", op->id);
    int r;

    if (!what)
        return err_no_memory(op->err);
    r = sagemaker_clear_work(op, domain, name);
    if (r == 0)
        r = op_send(op, AWS_SAGEMAKER_DELETE_USER_PROFILE, json_object_get(params), NULL);
    if (r < 0)
        return op_forgive(op, r, "ResourceNotFound");
    return sagemaker_wait_gone(op, AWS_SAGEMAKER_DESCRIBE_USER_PROFILE, json_object_get(params), what);
}

static int remove_profile(struct kind_op *op)
{
    struct json_object *params CLEANUP_JS = NULL;

    if (!op->id || !strchr(op->id, '/'))
        return op_fail(op, -EINVAL, ERR_BUG, "DeleteUserProfile: no domain and name are recorded");
    params = profile_params(op->id, NULL);
    return params ? delete_profile(op, params) : err_no_memory(op->err);
}

static void farewell_profile(struct kind_batch *batch, struct kind_item *item, struct farewell *farewell)
{
    const char *slash = strchr(item->id, '/');
    char *domain CLEANUP_FREE = slash ? strndup(item->id, (size_t)(slash - item->id)) : NULL;

    if (domain)
        (void)sagemaker_farewell_work(batch, item, domain, slash + 1,
                                      farewell); /* nothing else goes with it */
}

static const struct not_yet not_yet[] = {
    {.code = "ValidationException",
     .text = "assume",
     .waiting_for = "the execution role to become assumable by SageMaker"},
    {0},
};

const struct kind aws_sagemaker_user_profile_kind = {
    .type = "aws_sagemaker_user_profile",
    .provider = PROVIDER_AWS,
    .flags = KIND_HOLDS_DATA,
    .doc = "A user of a SageMaker domain.",
    .fields = fields,
    .attributes = attributes,
    .not_yet = not_yet,
    .pace = {.first_look_ms = 2000,
             .every_ms = 2000,
             .give_up_ms = 1800000, /* apps take up to 20 minutes to go */
             .grace_ms = 120000,
             .usual_ms = 4000},
    .check = tags_check,
    .observe = observe,
    .create = create,
    .update = update,
    .remove = remove_profile,
    .farewell = farewell_profile,
};
