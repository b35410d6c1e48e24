/*
 * aws_lambda_function_fields.c: what may be declared of a function.
 */
#include <string.h>

#include "common/js.h"
#include "kinds/aws_lambda_function-internal.h"
#include "kinds/registry-internal.h"

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

const struct field aws_lambda_function_fields[] = {
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

const struct attribute aws_lambda_function_attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .wire = "FunctionArn", .doc = "ARN of the function."},
    {.name = "id", .type = FIELD_STRING, .wire = "FunctionName", .doc = "Name of the function."},
    {.name = "code_sha256", .type = FIELD_STRING, .wire = "CodeSha256", .doc = "Digest of the package."},
    {0},
};

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

void aws_lambda_function_check(struct kind_check *check)
{
    bool folder = js_get(check->document, "source_dir") != NULL;
    bool file = js_get(check->document, "source_file") != NULL;

    tags_check(check);
    if (folder == file)
        check->problem(check, folder ? "source_file" : "source_dir",
                       "give either source_dir or source_file: where the code is");
    check_permissions(check);
}
