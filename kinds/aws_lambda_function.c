/*
 * aws_lambda_function.c: a function with its code, who may call it, and its share of concurrency.
 *
 * Looking is in aws_lambda_function_look.c, code and permissions in aws_lambda_function_parts.c. A
 * function in transition refuses writes: after one that it must digest, the rest waits for the next turn.
 * Ways to fail: the role is not assumable yet, the name is taken, a write in transition (busy), a package
 * that is too large, the account's room for code is used up.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_lambda_function-internal.h"
#include "kinds/registry-internal.h"

/* ---- the table ---- */

static bool accepts_name(const char *text)
{
    return has_reference(text) || is_word(text, "_-", 64);
}

static bool accepts_sid(const char *text)
{
    return has_reference(text) || is_word(text, "_-", 100);
}

static bool accepts_path(const char *text)
{
    return text[0] == '/' || str_starts(text, "${");
}

static const char *const tracing_modes[] = {"Active", "PassThrough", NULL};
static const char *const log_formats[] = {"JSON", "Text", NULL};

const struct field lambda_permission_fields[] = {
    {
        .name = "statement_id",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED,
        .wire = "StatementId",
        .pattern = "1 to 100 letters, digits, _ and -",
        .accepts = accepts_sid,
        .doc = "Name of the permission.",
    },
    {
        .name = "action",
        .type = FIELD_STRING,
        .flags = FIELD_SECURITY,
        .wire = "Action",
        .fallback = "\"lambda:InvokeFunction\"",
        .doc = "What is allowed.",
    },
    {
        .name = "principal",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_SECURITY,
        .wire = "Principal",
        .doc = "Who is allowed: a service (events.amazonaws.com), an account, or an ARN.",
    },
    {
        .name = "source_arn",
        .type = FIELD_STRING,
        .flags = FIELD_SECURITY,
        .wire = "SourceArn",
        .fallback = "null",
        .doc = "On whose behalf: without it, anybody's rule could make the service call.",
    },
    {
        .name = "source_account",
        .type = FIELD_STRING,
        .flags = FIELD_SECURITY,
        .wire = "SourceAccount",
        .fallback = "null",
        .doc = "Account on whose behalf.",
    },
    {0},
};

static const struct field environment_fields[] = {
    {
        .name = "variables",
        .type = FIELD_MAP,
        .element = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_EXCLUSIVE | FIELD_SECURITY | FIELD_SENSITIVE,
        .wire = "Variables",
        .doc = "All variables; others are removed.",
    },
    {0},
};

static const struct field vpc_fields[] = {
    {
        .name = "subnet_ids",
        .type = FIELD_SET,
        .element = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_EXCLUSIVE | FIELD_SECURITY,
        .wire = "SubnetIds",
        .doc = "Subnets the function is put into.",
    },
    {
        .name = "security_group_ids",
        .type = FIELD_SET,
        .element = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_EXCLUSIVE | FIELD_SECURITY,
        .wire = "SecurityGroupIds",
        .doc = "Its security groups.",
    },
    {0},
};

static const struct field tracing_fields[] = {
    {.name = "mode",
     .type = FIELD_ENUM,
     .values = tracing_modes,
     .flags = FIELD_REQUIRED,
     .wire = "Mode",
     .doc = "Whether calls are traced by X-Ray."},
    {0},
};

static const struct field logging_fields[] = {
    {.name = "log_format",
     .type = FIELD_ENUM,
     .values = log_formats,
     .flags = FIELD_REQUIRED,
     .wire = "LogFormat",
     .doc = "Form of log lines."},
    {.name = "log_group",
     .type = FIELD_STRING,
     .flags = FIELD_SERVER_DEFAULT,
     .wire = "LogGroup",
     .doc = "Log group; not given, /aws/lambda/NAME."},
    {0},
};

static const struct field storage_fields[] = {
    {.name = "size",
     .type = FIELD_INTEGER,
     .flags = FIELD_REQUIRED,
     .wire = "Size",
     .min = 512,
     .max = 10240,
     .doc = "MiB of /tmp."},
    {0},
};

static const struct field fields[] = {
    {
        .name = "function_name",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE,
        .wire = "FunctionName",
        .pattern = "1 to 64 letters, digits, _ and -",
        .accepts = accepts_name,
        .doc = "Name of the function.",
    },
    {
        .name = "role",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_SECURITY,
        .wire = "Role",
        .doc = "ARN of the role that the function works with.",
    },
    {
        .name = "source_dir",
        .type = FIELD_STRING,
        .flags = FIELD_SECURITY,
        .pattern = "an absolute path",
        .accepts = accepts_path,
        .doc = "Folder with the code; mlopsd makes the package.",
    },
    {
        .name = "source_file",
        .type = FIELD_STRING,
        .flags = FIELD_SECURITY,
        .pattern = "an absolute path",
        .accepts = accepts_path,
        .doc = "The code, when it is a single file.",
    },
    {
        .name = "handler",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_SECURITY,
        .wire = "Handler",
        .max = 128,
        .doc = "What is called: FILE.FUNCTION.",
    },
    {
        .name = "runtime",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED,
        .wire = "Runtime",
        .doc = "What runs the code: python3.12.",
    },
    {
        .name = "description",
        .type = FIELD_STRING,
        .wire = "Description",
        .fallback = "\"\"",
        .max = 256,
        .doc = "What the function is for.",
    },
    {
        .name = "timeout",
        .type = FIELD_INTEGER,
        .wire = "Timeout",
        .fallback = "3",
        .min = 1,
        .max = 900,
        .doc = "Seconds after which a call is stopped.",
    },
    {
        .name = "memory_size",
        .type = FIELD_INTEGER,
        .wire = "MemorySize",
        .fallback = "128",
        .min = 128,
        .max = 10240,
        .doc = "MiB of memory, and a share of processor with it.",
    },
    {
        .name = "architectures",
        .type = FIELD_SET,
        .element = FIELD_STRING,
        .flags = FIELD_EXCLUSIVE,
        .wire = "Architectures",
        .fallback = "[\"x86_64\"]",
        .min = 1,
        .max = 1,
        .doc = "x86_64 or arm64.",
    },
    {
        .name = "environment",
        .type = FIELD_OBJECT,
        .members = environment_fields,
        .flags = FIELD_SECURITY,
        .wire = "Environment",
        .fallback = "null",
        .doc = "Environment of the code; not given means none.",
    },
    {
        .name = "vpc_config",
        .type = FIELD_OBJECT,
        .members = vpc_fields,
        .flags = FIELD_SECURITY,
        .wire = "VpcConfig",
        .fallback = "null",
        .doc = "Network of the function; not given means none of ours.",
    },
    {
        .name = "layers",
        .type = FIELD_LIST,
        .element = FIELD_STRING,
        .flags = FIELD_EXCLUSIVE | FIELD_SECURITY,
        .fallback = "[]",
        .max = 5,
        .doc = "ARNs of layers, in order; not given means none.",
    },
    {
        .name = "tracing_config",
        .type = FIELD_OBJECT,
        .members = tracing_fields,
        .flags = FIELD_SERVER_DEFAULT,
        .wire = "TracingConfig",
        .doc = "Tracing.",
    },
    {
        .name = "logging_config",
        .type = FIELD_OBJECT,
        .members = logging_fields,
        .flags = FIELD_SERVER_DEFAULT,
        .wire = "LoggingConfig",
        .doc = "Logging.",
    },
    {
        .name = "ephemeral_storage",
        .type = FIELD_OBJECT,
        .members = storage_fields,
        .flags = FIELD_SERVER_DEFAULT,
        .wire = "EphemeralStorage",
        .doc = "Room for files of a call.",
    },
    {
        .name = "reserved_concurrent_executions",
        .type = FIELD_INTEGER,
        .flags = FIELD_SECURITY,
        .fallback = "-1",
        .min = -1,
        .max = 100000,
        .doc = "Calls at once that are kept for it; -1 = a share of the account's, 0 = none run at all.",
    },
    {
        .name = "permission",
        .type = FIELD_SET,
        .element = FIELD_OBJECT,
        .members = lambda_permission_fields,
        .key = "statement_id",
        .flags = FIELD_EXCLUSIVE | FIELD_SECURITY,
        .fallback = "[]",
        .max = 50,
        .doc = "Who may call the function; permissions not named here are removed.",
    },
    TAGS_ROW,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .wire = "FunctionArn", .doc = "ARN of the function."},
    {.name = "id", .type = FIELD_STRING, .wire = "FunctionName", .doc = "Name of the function."},
    {.name = "code_sha256", .type = FIELD_STRING, .wire = "CodeSha256", .doc = "Digest of the package."},
    {0},
};

/* What UpdateFunctionConfiguration takes. */
static const char *const configuration[] = {
    "role",           "handler",           "runtime",    "description", "timeout",
    "memory_size",    "environment",       "vpc_config", "layers",      "tracing_config",
    "logging_config", "ephemeral_storage", NULL};

static void check_permissions(struct kind_check *check)
{
    struct json_object *permissions = js_get(check->document, "permission");

    for (size_t i = 0; i < js_count(permissions, NULL); i++) {
        struct json_object *permission = js_at(permissions, i);
        const char *principal = js_text(permission, "principal");
        bool narrowed = js_get(permission, "source_arn") || js_get(permission, "source_account");
        char *path CLEANUP_FREE = str_format("permission.%zu", i);

        if (!path || !principal || narrowed)
            continue;
        if (str_equal(principal, "*"))
            check->problem(check, path, "principal * lets anybody call the function: give source_arn too");
        else if (strstr(principal, ".amazonaws."))
            check->warning(check, path,
                           "without source_arn, %s may call the function on behalf of any account",
                           principal);
    }
}

static void check(struct kind_check *check)
{
    bool folder = js_get(check->document, "source_dir") != NULL;
    bool file = js_get(check->document, "source_file") != NULL;

    tags_check(check);
    if (folder == file)
        check->problem(check, folder ? "source_file" : "source_dir",
                       "give either source_dir or source_file: where the code is");
    check_permissions(check);
}

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
    struct json_object *params = wire_write(fields, op->desired), *answer CLEANUP_JS = NULL;
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
    params = document ? wire_write(fields, document) : NULL;
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
    .fields = fields,
    .attributes = attributes,
    .not_yet = not_yet,
    .pace =
        {.first_look_ms = 1000, .every_ms = 1000, .give_up_ms = 600000, .grace_ms = 120000, .usual_ms = 8000},
    .check = check,
    .observe = aws_lambda_function_observe,
    .create = create,
    .update = update,
    .remove = remove_function,
};
