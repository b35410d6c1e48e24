/*
 * aws_lambda_function.c: a function with its code, who may call it, and its share of concurrency.
 *
 * Its rows are in aws_lambda_function_fields.c, looking in aws_lambda_function_look.c, code and permissions in
 * aws_lambda_function_parts.c. A function in transition refuses writes: after one that it must digest, the rest
 * waits for the next turn.
 * Ways to fail: the role is not assumable yet, the name is taken, a write in transition (busy), a package
 * that is too large, the account's room for code is used up.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_lambda_function-internal.h"
#include "kinds/registry-internal.h"

/* ---- one call each ---- */

static struct json_object *function_params(const struct kind_op *op)
{
    return params_new("FunctionName", op->id ? op->id : op_text(op, "function_name"), NULL);
}

static int note_code(struct kind_op *op, const char *digest, struct json_object *answer)
{
    const char *sha256 = js_text(answer, "CodeSha256");
    struct json_object *notes = lambda_notes(digest, sha256);

    if (!notes)
        return err_no_memory(op->err);
    op_remember(op, notes);
    return sha256 ? op_attribute_text(op, "code_sha256", sha256) : 0;
}

static int put_code(struct kind_op *op)
{
    struct json_object *params = function_params(op), *answer CLEANUP_JS = NULL;
    char *digest CLEANUP_FREE = NULL;
    char *zip CLEANUP_FREE = NULL;
    char *sha256 CLEANUP_FREE = NULL;
    int r = lambda_package(lambda_source(op->desired), &digest, &zip, &sha256, op->err);

    if (r < 0) {
        json_object_put(params);
        return r;
    }
    params_text(&params, "ZipFile", zip);
    params_set(&params, "Architectures", js_copy(js_get(op->desired, "architectures")));
    r = op_send(op, AWS_LAMBDA_UPDATE_FUNCTION_CODE, params, &answer);
    if (r == 0)
        r = note_code(op, digest, answer);
    if (r == 0 && lambda_in_transit(answer))
        op_settling(op);
    return r;
}

static int add_permission(struct kind_op *op, struct json_object *permission)
{
    struct json_object *params = wire_write(lambda_permission_fields, permission);

    params_text(&params, "FunctionName", op->id ? op->id : op_text(op, "function_name"));
    return op_send(op, AWS_LAMBDA_ADD_PERMISSION, params, NULL);
}

static int remove_permission(struct kind_op *op, const char *sid)
{
    struct json_object *params = function_params(op);
    int r;

    params_text(&params, "StatementId", sid);
    r = op_send(op, AWS_LAMBDA_REMOVE_PERMISSION, params, NULL);
    return op_forgive(op, r, "ResourceNotFoundException");
}

static int put_concurrency(struct kind_op *op)
{
    struct json_object *params = function_params(op);
    int64_t count = js_int(op->desired, "reserved_concurrent_executions", -1);

    if (count < 0)
        return op_send(op, AWS_LAMBDA_DELETE_FUNCTION_CONCURRENCY, params, NULL);
    params_set(&params, "ReservedConcurrentExecutions", json_object_new_int64(count));
    return op_send(op, AWS_LAMBDA_PUT_FUNCTION_CONCURRENCY, params, NULL);
}

static int put_tags(struct kind_op *op, const struct diff *diff)
{
    struct json_object *params = params_new("Resource", js_text(op->observed, "arn"), NULL);

    params_set(&params, "Tags", tags_added(diff, op->desired));
    return op_send(op, AWS_LAMBDA_TAG_RESOURCE, params, NULL);
}

/* ---- create ---- */

static int report_function(struct kind_op *op, struct json_object *answer)
{
    const char *arn = js_text(answer, "FunctionArn"), *name = op_text(op, "function_name");
    int r;

    if (!arn)
        return op_fail(op, -EBADMSG, ERR_BUG, "CreateFunction: an answer without FunctionArn");
    r = op_created(op, name);
    if (r == 0)
        r = op_attribute_text(op, "arn", arn);
    return r < 0 ? r : op_attribute_text(op, "id", name);
}

static int create_function(struct kind_op *op)
{
    struct json_object *params = wire_write(aws_lambda_function_fields, op->desired),
                       *answer CLEANUP_JS = NULL;
    char *digest CLEANUP_FREE = NULL;
    char *zip CLEANUP_FREE = NULL;
    char *sha256 CLEANUP_FREE = NULL;
    int r = lambda_package(lambda_source(op->desired), &digest, &zip, &sha256, op->err);

    if (r < 0) {
        json_object_put(params);
        return r;
    }
    params_text(&params, "Code.ZipFile", zip);
    params_set(&params, "Tags", op_tags(op));
    if (js_count(op->desired, "layers") > 0)
        params_set(&params, "Layers", js_copy(js_get(op->desired, "layers")));
    r = op_send(op, AWS_LAMBDA_CREATE_FUNCTION, params, &answer);
    if (r < 0 && err_is(op->err, "ResourceConflictException") && op->err->text &&
        strstr(op->err->text, "already exist"))
        op->err->class = ERR_EXISTS;
    if (r == 0)
        r = report_function(op, answer);
    if (r == 0)
        r = note_code(op, digest, answer);
    if (r == 0 && lambda_in_transit(answer))
        op_settling(op);
    return r;
}

static int create(struct kind_op *op)
{
    struct json_object *permissions = js_get(op->desired, "permission");
    int r = create_function(op);

    for (size_t i = 0; r == 0 && i < js_count(permissions, NULL); i++)
        r = add_permission(op, js_at(permissions, i));
    if (r == 0 && js_int(op->desired, "reserved_concurrent_executions", -1) >= 0)
        r = put_concurrency(op);
    return r;
}

/* ---- update ---- */

/* Serial: parallel changes of one function's policy can be lost. What is too wide goes first. */
static int put_permissions(struct kind_op *op, const struct diff *diff)
{
    struct json_object *all = js_get(op->desired, "permission"), *seen = js_get(op->observed, "permission");
    const char *sid;
    size_t cursor = 0;
    int r = 0;

    while (r == 0 && (sid = diff_next_removed(diff, "permission", &cursor)))
        r = remove_permission(op, sid);
    cursor = 0;
    while (r == 0 && (sid = diff_next_added(diff, "permission", &cursor))) {
        for (size_t i = 0; r == 0 && i < js_count(seen, NULL); i++) {
            if (str_equal(js_text(js_at(seen, i), "statement_id"), sid))
                r = remove_permission(op, sid);
        }
        for (size_t i = 0; r == 0 && i < js_count(all, NULL); i++) {
            if (str_equal(js_text(js_at(all, i), "statement_id"), sid))
                r = add_permission(op, js_at(all, i));
        }
    }
    return r;
}

/* What UpdateFunctionConfiguration takes. */
static const char *const configuration[] = {
    "role",           "handler",           "runtime",    "description", "timeout",
    "memory_size",    "environment",       "vpc_config", "layers",      "tracing_config",
    "logging_config", "ephemeral_storage", NULL};

/** What differs of the configuration, as the service wants it; NULL without memory. Owned. */
static struct json_object *changed_configuration(struct kind_op *op, const struct diff *diff, bool *ret_any)
{
    struct json_object *document CLEANUP_JS = json_object_new_object(), *params;

    for (const char *const *name = configuration; document && *name; name++) {
        struct json_object *value = js_get(op->desired, *name);

        if (!diff_has(diff, *name))
            continue;
        *ret_any = true;
        if (value && js_put_key(document, *name, json_object_get(value)) < 0)
            return NULL;
    }
    params = document ? wire_write(aws_lambda_function_fields, document) : NULL;
    params_text(&params, "FunctionName", op->id);
    if (diff_has(diff, "layers"))
        params_set(&params, "Layers", js_copy(js_get(op->desired, "layers")));
    if (diff_has(diff, "environment") && !js_get(op->desired, "environment"))
        params_set(&params, "Environment.Variables", json_object_new_object());
    if (diff_has(diff, "vpc_config") && !js_get(op->desired, "vpc_config")) {
        params_set(&params, "VpcConfig.SubnetIds", json_object_new_array());
        params_set(&params, "VpcConfig.SecurityGroupIds", json_object_new_array());
    }
    return params;
}

/* *ret_busy: the function refuses other writes for some seconds. */
static int put_configuration(struct kind_op *op, const struct diff *diff, bool *ret_busy)
{
    struct json_object *answer CLEANUP_JS = NULL, *params;
    bool any = false;
    int r;

    params = changed_configuration(op, diff, &any);
    if (!any) {
        json_object_put(params);
        return 0;
    }
    r = op_send(op, AWS_LAMBDA_UPDATE_FUNCTION_CONFIGURATION, params, &answer);
    if (r == 0 && lambda_in_transit(answer)) {
        *ret_busy = true;
        op_settling(op);
    }
    return r;
}

static int update(struct kind_op *op, const struct diff *diff)
{
    bool code = diff_has(diff, "source_dir") || diff_has(diff, "source_file") ||
                diff_has(diff, "architectures");
    bool busy = false;
    int r = diff_has(diff, "permission") ? put_permissions(op, diff) : 0;

    if (r == 0 && diff_has(diff, "reserved_concurrent_executions"))
        r = put_concurrency(op);
    if (r == 0 && diff_has(diff, "tags"))
        r = put_tags(op, diff);
    if (r == 0)
        r = put_configuration(op, diff, &busy);
    if (r == 0 && code && busy)
        return op_fail(op, -EAGAIN, ERR_NOT_YET,
                       "waiting for the function to take its configuration before its code");
    return r == 0 && code ? put_code(op) : r;
}

static int remove_function(struct kind_op *op)
{
    int r;

    if (!op->id)
        return op_fail(op, -EINVAL, ERR_BUG, "DeleteFunction: no name is recorded");
    r = op_send(op, AWS_LAMBDA_DELETE_FUNCTION, function_params(op), NULL);
    return op_forgive(op, r, "ResourceNotFoundException");
}

static const struct not_yet not_yet[] = {
    {"InvalidParameterValueException", "cannot be assumed by Lambda", "the role to become assumable"},
    {"InvalidParameterValueException", "role does not have permissions", "the role's permissions to count"},
    {"InvalidParameterValueException", "KMS key is invalid for CreateGrant", "the role to be known to KMS"},
    {"InvalidParameterValueException", "throttled by EC2", "EC2 to make network interfaces"},
    {0},
};

const struct kind aws_lambda_function_kind = {
    .type = "aws_lambda_function",
    .provider = PROVIDER_AWS,
    .doc = "A Lambda function, its code, and who may call it.",
    .fields = aws_lambda_function_fields,
    .attributes = aws_lambda_function_attributes,
    .not_yet = not_yet,
    .pace =
        {.first_look_ms = 1000, .every_ms = 1000, .give_up_ms = 600000, .grace_ms = 120000, .usual_ms = 8000},
    .check = aws_lambda_function_check,
    .observe = aws_lambda_function_observe,
    .create = create,
    .update = update,
    .remove = remove_function,
};
