/*
 * aws_sagemaker_domain.c: a SageMaker Studio domain: where users work, and with which rights.
 *
 * Looking is in aws_sagemaker_domain_look.c. Made in two minutes. A deletion needs everything in it gone
 * before; the home directories are on a file system that stays behind unless retention_policy says
 * otherwise, and whose network interfaces then keep subnets and VPC from being deleted. Ways to fail: the
 * role is not assumable yet, users' work stands in the way, a write in transition (busy), one domain
 * more than the account may have.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_sagemaker_domain-internal.h"
#include "kinds/registry-internal.h"
#include "kinds/sagemaker-internal.h"

static const char *const auth_modes[] = {"IAM", NULL}; /* SSO needs an identity center: not done here */
static const char *const networks[] = {"VpcOnly", "PublicInternetOnly", NULL};
static const char *const propagation[] = {"ENABLED", "DISABLED", NULL};
static const char *const retention[] = {"Retain", "Delete", NULL};

static const struct field retention_fields[] = {
    {.name = "home_efs_file_system",
     .type = FIELD_ENUM,
     .values = retention,
     .fallback = "\"Retain\"",
     .doc = "Retain keeps the file system with the home directories; it then holds subnets and VPC."},
    {0},
};

static const struct field fields[] = {
    {
        .name = "domain_name",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_IMMUTABLE,
        .wire = "DomainName",
        .pattern = SAGEMAKER_NAME,
        .accepts = sagemaker_accepts_name,
        .doc = "Name of the domain; others may have the same.",
    },
    {
        .name = "auth_mode",
        .type = FIELD_ENUM,
        .values = auth_modes,
        .flags = FIELD_IMMUTABLE | FIELD_SECURITY,
        .wire = "AuthMode",
        .fallback = "\"IAM\"",
        .doc = "How users prove who they are.",
    },
    {
        .name = "vpc_id",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_IMMUTABLE,
        .wire = "VpcId",
        .doc = "VPC that it stands in.",
    },
    {
        .name = "subnet_ids",
        .type = FIELD_SET,
        .element = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_EXCLUSIVE,
        .wire = "SubnetIds",
        .min = 1,
        .max = 16,
        .doc = "Subnets that apps are put into; one can only be taken away while no app runs.",
    },
    {
        .name = "app_network_access_type",
        .type = FIELD_ENUM,
        .values = networks,
        .flags = FIELD_SECURITY,
        .wire = "AppNetworkAccessType",
        .fallback = "\"VpcOnly\"",
        .doc =
            "VpcOnly keeps all traffic of apps in the VPC, whose rules then decide; PublicInternetOnly gives "
            "apps a way to the internet past it.",
    },
    {
        .name = "kms_key_id",
        .type = FIELD_STRING,
        .flags = FIELD_IMMUTABLE | FIELD_SERVER_DEFAULT,
        .wire = "KmsKeyId",
        .doc = "Key that home directories are encrypted with; not given, one of AWS.",
    },
    {
        .name = "default_user_settings",
        .type = FIELD_OBJECT,
        .members = sagemaker_settings_fields,
        .flags = FIELD_REQUIRED,
        .wire = "DefaultUserSettings",
        .doc = "What holds for every user whose profile says nothing else; execution_role must be given.",
    },
    {
        .name = "tag_propagation",
        .type = FIELD_ENUM,
        .values = propagation,
        .wire = "TagPropagation",
        .fallback = "\"DISABLED\"",
        .doc = "Whether what users make carries the tags of domain and profile.",
    },
    {
        .name = "retention_policy",
        .type = FIELD_OBJECT,
        .members = retention_fields,
        .flags = FIELD_LOCAL,
        .fallback = "{}",
        .doc = "What becomes of data when the domain is deleted.",
    },
    {
        .name = "force_destroy",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_LOCAL,
        .fallback = "false",
        .doc = "Delete apps, spaces and undeclared user profiles when the domain is to be deleted.",
    },
    TAGS_ROW,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .wire = "DomainArn", .doc = "ARN of the domain."},
    {.name = "id", .type = FIELD_STRING, .wire = "DomainId", .doc = "Id of the domain: d-...."},
    {.name = "url", .type = FIELD_STRING, .wire = "Url", .doc = "Where users begin."},
    {.name = "home_efs_file_system_id",
     .type = FIELD_STRING,
     .wire = "HomeEfsFileSystemId",
     .doc = "File system with the home directories."},
    {.name = "security_group_id_for_domain_boundary",
     .type = FIELD_STRING,
     .wire = "SecurityGroupIdForDomainBoundary",
     .doc = "Security group between domain and file system."},
    {.name = "status", .type = FIELD_STRING, .wire = "Status", .doc = "The service's word for its state."},
    {0},
};

static void check(struct kind_check *check)
{
    struct json_object *settings = js_get(check->document, "default_user_settings");
    const char *network = js_text(check->document, "app_network_access_type");

    tags_check(check);
    if (!json_object_is_type(settings, json_type_object))
        return;
    if (!js_get(settings, "execution_role"))
        check->problem(check, "default_user_settings.execution_role",
                       "missing: with auth_mode IAM, users' work needs a role");
    if (str_equal(network, "VpcOnly") && !js_get(settings, "security_groups"))
        check->problem(
            check, "default_user_settings.security_groups",
            "missing: app_network_access_type VpcOnly needs them; PublicInternetOnly does without, "
            "and lets apps reach the internet past the VPC");
}

/* ---- create, update ---- */

static int report_domain(struct kind_op *op, struct json_object *answer)
{
    const char *id = js_text(answer, "DomainId");
    int r;

    if (!id)
        return op_fail(op, -EBADMSG, ERR_BUG, "CreateDomain: an answer without DomainId");
    r = op_created(op, id);
    if (r == 0)
        r = op_attribute_text(op, "id", id);
    if (r == 0)
        r = op_attribute_text(op, "arn", js_text(answer, "DomainArn"));
    return r < 0 ? r : op_attribute_text(op, "url", js_text(answer, "Url"));
}

static int create(struct kind_op *op)
{
    struct json_object *params = wire_write(fields, op->desired), *answer CLEANUP_JS = NULL;
    int r;

    params_set(&params, "Tags", op_tag_list(op, "Key", "Value"));
    r = op_send(op, AWS_SAGEMAKER_CREATE_DOMAIN, params, &answer);
    if (r == 0)
        r = report_domain(op, answer);
    if (r == 0)
        op_note_locals(op);
    op_settling(op);
    return r;
}

/* What differs, and of the settings all that is declared: a part that is sent replaces the old one whole. */
static struct json_object *update_params(const struct kind_op *op, const struct diff *diff)
{
    struct json_object *wanted CLEANUP_JS = wire_write(fields, op->desired);
    struct json_object *params = params_new("DomainId", op->id, NULL);

    for (const struct field *row = fields; params && row->name; row++) {
        if (row->wire && diff_has(diff, row->name))
            params_set(&params, row->wire, json_object_get(js_get(wanted, row->wire)));
    }
    return params;
}

static int update(struct kind_op *op, const struct diff *diff)
{
    struct json_object *params = update_params(op, diff);
    bool differs = !params || json_object_object_length(params) > 1;
    int r = 0;

    if (diff_has(diff, "tags"))
        r = sagemaker_put_tags(op, diff);
    if (r < 0 || !differs) {
        json_object_put(params);
        return r;
    }
    r = op_send(op, AWS_SAGEMAKER_UPDATE_DOMAIN, params, NULL);
    op_settling(op);
    return r;
}

/* ---- remove ---- */

static int delete_domain(struct kind_op *op)
{
    struct json_object *params = params_new("DomainId", op->id, NULL);
    struct json_object *keep = op_local(op, "retention_policy.home_efs_file_system");

    params_text(&params, "RetentionPolicy.HomeEfsFileSystem", keep ? json_object_get_string(keep) : "Retain");
    return op_send(op, AWS_SAGEMAKER_DELETE_DOMAIN, params, NULL);
}

/* Its subnets and groups are held until it is really gone: it is built on them. */
static int remove_domain(struct kind_op *op)
{
    char *what CLEANUP_FREE = str_format("domain %s", op->id ? op->id : "?");
    int r;

    if (!op->id)
        return op_fail(op, -EINVAL, ERR_BUG, "DeleteDomain: no id is recorded");
    if (!what)
        return err_no_memory(op->err);
    r = sagemaker_clear_work(op, op->id, NULL);
    if (r == 0)
        r = delete_domain(op);
    if (r < 0)
        return op_forgive(op, r, "ResourceNotFound");
    return sagemaker_wait_gone(op, AWS_SAGEMAKER_DESCRIBE_DOMAIN, params_new("DomainId", op->id, NULL), what);
}

static void farewell_domain(struct kind_batch *batch, struct kind_item *item, struct farewell *farewell)
{
    const char *files = js_text(item->observed, "home_efs_file_system_id");
    bool retain = !str_equal(js_text(item->desired, "retention_policy.home_efs_file_system"), "Delete");

    if (sagemaker_farewell_work(batch, item, item->id, NULL, farewell))
        return;
    if (retain)
        farewell_say(farewell, FAREWELL_LEAVES,
                     "the home directories of its users stay, on the file system %s, and cost",
                     files ? files : "of the domain");
    else
        farewell_say(farewell, FAREWELL_LOSES,
                     "the home directories of its users, with the file system %s "
                     "(retention_policy)",
                     files ? files : "of the domain");
}

static const struct not_yet not_yet[] = {
    {.code = "ValidationException",
     .text = "assume",
     .waiting_for = "the execution role to become assumable by SageMaker"},
    {0},
};

const struct kind aws_sagemaker_domain_kind = {
    .type = "aws_sagemaker_domain",
    .provider = PROVIDER_AWS,
    .flags = KIND_HOLDS_DATA,
    .doc = "A SageMaker Studio domain.",
    .fields = fields,
    .attributes = attributes,
    .not_yet = not_yet,
    .pace = {.first_look_ms = 75000,
             .every_ms = 5000,
             .give_up_ms = 1800000, /* apps take up to 20 minutes to go */
             .grace_ms = 120000,
             .usual_ms = 115000},
    .check = check,
    .observe = aws_sagemaker_domain_observe,
    .create = create,
    .update = update,
    .remove = remove_domain,
    .farewell = farewell_domain,
};
