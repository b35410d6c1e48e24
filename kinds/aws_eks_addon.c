/*
 * aws_eks_addon.c: a part of the cluster that EKS keeps for us: network of the pods, DNS, kube-proxy, storage.
 *
 * An add-on whose pods find no nodes is DEGRADED until there are some: that is waited for, unless something differs
 * that an update could put right. Ways to fail: the cluster is not ready or busy, a version that does not fit the
 * cluster's, a configuration that the add-on does not know.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "common/yml.h"
#include "kinds/eks-internal.h"

#define LOOKS_AT_ONCE 8

static const char *const create_conflicts[] = {"NONE", "OVERWRITE", NULL};
static const char *const update_conflicts[] = {"NONE", "OVERWRITE", "PRESERVE", NULL};

static const struct field fields[] = {
    EKS_CLUSTER_NAME,
    {
        .name = "addon_name",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE,
        .wire = "addonName",
        .min = 1,
        .doc = "Name of the add-on: vpc-cni, coredns, kube-proxy, aws-ebs-csi-driver.",
    },
    {
        .name = "addon_version",
        .type = FIELD_STRING,
        .flags = FIELD_SERVER_DEFAULT,
        .wire = "addonVersion",
        .doc = "Exact version, as v1.18.1-eksbuild.3; not given, the one that EKS prefers for the cluster.",
    },
    {
        .name = "service_account_role_arn",
        .type = FIELD_STRING,
        .flags = FIELD_SECURITY,
        .wire = "serviceAccountRoleArn",
        .fallback = "null",
        .doc = "Role of its service account; not given means none: the nodes' role counts.",
    },
    {
        .name = "resolve_conflicts_on_create",
        .type = FIELD_ENUM,
        .values = create_conflicts,
        .flags = FIELD_LOCAL,
        .fallback = "\"OVERWRITE\"",
        .doc = "Whether a copy that runs already is taken over with all its settings.",
    },
    {
        .name = "resolve_conflicts_on_update",
        .type = FIELD_ENUM,
        .values = update_conflicts,
        .flags = FIELD_LOCAL,
        .fallback = "\"PRESERVE\"",
        .doc = "What an update does with settings that others changed inside the cluster.",
    },
    {
        .name = "configuration_values",
        .type = FIELD_STRING,
        .flags = FIELD_EXCLUSIVE,
        .wire = "configurationValues",
        .fallback = "null",
        .doc = "Settings of the add-on, as JSON or YAML text; not given means none.",
    },
    {
        .name = "preserve",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_LOCAL,
        .fallback = "false",
        .doc = "Leave the pods running when the add-on is deleted.",
    },
    TAGS_ROW,
    EKS_HEALTH,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .wire = "addonArn", .doc = "ARN of the add-on."},
    {.name = "id", .type = FIELD_STRING, .doc = "CLUSTER:NAME."},
    {.name = "status", .type = FIELD_STRING, .wire = "status", .doc = "State, as ACTIVE."},
    {.name = "created_at", .type = FIELD_STRING, .doc = "When it was made."},
    {0},
};

/* ---- settings, compared by meaning ---- */

/* JSON or YAML text as canonical JSON; owned; NULL when it is neither, and without memory. */
static char *canonical_settings(const char *text)
{
    struct problems problems = {0};
    struct yml *tree = NULL;
    struct json_object *value CLEANUP_JS = NULL;

    if (js_parse_text(text, &value, NULL) < 0 &&
        yml_parse("configuration_values", text, strlen(text), &tree, &problems) == 0)
        value = yml_to_json(tree);
    yml_free(tree);
    problems_done(&problems);
    return value ? js_canonical(value) : NULL;
}

/* No settings are written in several ways. */
static bool is_nothing(const char *text)
{
    return str_equal(text, "{}") || str_equal(text, "null") || str_empty(text);
}

static void simplify(struct json_object *document)
{
    const char *text = js_text(document, "configuration_values");
    char *settings CLEANUP_FREE = text ? canonical_settings(text) : NULL;

    if (!text)
        return;
    if (is_nothing(settings ? settings : text))
        json_object_object_del(document, "configuration_values");
    else if (settings)
        (void)js_set_text(document, "configuration_values", settings); /* without memory: as it was written */
}

static void normalise(struct json_object *desired, struct json_object *observed)
{
    simplify(desired);
    simplify(observed);
}

static void check(struct kind_check *check)
{
    const char *text = js_text(check->document, "configuration_values");
    char *settings CLEANUP_FREE = text ? canonical_settings(text) : NULL;

    eks_check(check);
    if (text && !has_reference(text) && (!settings || settings[0] != '{') && !is_nothing(text))
        check->problem(check, "configuration_values", "must be an object, written as JSON or YAML");
}

/* ---- looking ---- */

static const struct eks_thing addon = {
    .what = "add-on",
    .cluster = "clusterName",
    .name = "addonName",
    .field = "addon_name",
    .answer = "addon",
    .arn = "addonArn",
    .describe = AWS_EKS_DESCRIBE_ADDON,
    .remove = AWS_EKS_DELETE_ADDON,
    .passing = "DEGRADED",
};

static void look(struct kind_batch *batch, struct kind_item *item)
{
    if (item_may_keep(item) && !js_text(item->memory, "update")) {
        batch_keep(item);
        return;
    }
    eks_look(batch, item, &addon);
    if (item->state == ITEM_PRESENT && !item->ret_memory)
        item_note_flag(item, "preserve");
}

static int observe(struct kind_batch *batch)
{
    return batch_each(batch, LOOKS_AT_ONCE, look);
}

/* ---- create, update, remove ---- */

static int create(struct kind_op *op)
{
    struct json_object *params = wire_write(fields, op->desired);
    int r;

    params_text(&params, "resolveConflicts", op_text(op, "resolve_conflicts_on_create"));
    r = eks_create(op, &addon, AWS_EKS_CREATE_ADDON, params);
    if (r == 0)
        op_note_flag(op, "preserve");
    return r;
}

/* What is left out of an update goes away, so all of it is sent; settings go only when they are given as none. */
static int put_addon(struct kind_op *op, const struct diff *diff)
{
    struct json_object *params = eks_params(&addon, op->id, op->desired);
    const char *settings = op_text(op, "configuration_values");
    const char *version = op_text(op, "addon_version");

    params_text(&params, "addonVersion", version ? version : js_text(op->observed, "addon_version"));
    params_text(&params, "serviceAccountRoleArn", op_text(op, "service_account_role_arn"));
    params_text(&params, "resolveConflicts", op_text(op, "resolve_conflicts_on_update"));
    if (settings || diff_has(diff, "configuration_values"))
        params_text(&params, "configurationValues", settings ? settings : "{}");
    return eks_update(op, AWS_EKS_UPDATE_ADDON, params);
}

static int update(struct kind_op *op, const struct diff *diff)
{
    bool addon_differs = diff_has(diff, "addon_version") || diff_has(diff, "service_account_role_arn") ||
                         diff_has(diff, "configuration_values");
    int r = diff_has(diff, "tags") ? eks_put_tags(op, diff) : 0;

    if (r == 0 && addon_differs)
        return put_addon(op, diff);
    return r == 0 && diff_has(diff, "health") ? eks_fail_health(op, &addon) : r;
}

static int remove_addon(struct kind_op *op)
{
    struct json_object *params = eks_params(&addon, op->id, op->desired);

    if (op_flag(op, "preserve"))
        params_set(&params, "preserve", json_object_new_boolean(true));
    return eks_remove(op, &addon, params);
}

static const struct not_yet not_yet[] = {
    {"InvalidParameterException", "does not exist", "the role to become visible in IAM"},
    {"InvalidParameterException", "CREATE_FAILED", "the failed one to go"},
    EKS_CLUSTER_NOT_YET,
    {0},
};

const struct kind aws_eks_addon_kind = {
    .type = "aws_eks_addon",
    .provider = PROVIDER_AWS,
    .doc = "An add-on of an EKS cluster.",
    .seldom_calls = 1,
    .fields = fields,
    .attributes = attributes,
    .not_yet = not_yet,
    .pace = {.first_look_ms = 5000,
             .every_ms = 5000,
             .give_up_ms = 1200000,
             .grace_ms = 120000,
             .usual_ms = 30000},
    .check = check,
    .normalise = normalise,
    .observe = observe,
    .create = create,
    .update = update,
    .remove = remove_addon,
};
