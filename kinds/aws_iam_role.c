/*
 * aws_iam_role.c: a role with all that decides what it may do: trust policy, inline
 * policies, attachments, permissions boundary. It owns these sets whole.
 *
 * Looking at roles is in aws_iam_role_look.c. Ways to fail: a principal of the
 * trust policy that IAM does not see yet ("not yet"), a name that is taken, a role in use by an
 * instance profile (its deletion takes it out), a boundary or policy that does not exist.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_iam_role-internal.h"
#include "kinds/registry-internal.h"

#define SERVICE_PATH "/aws-service-role/"

static bool accepts_name(const char *text)
{
    return has_reference(text) || is_word(text, "_+=,.@-", SIZE_MAX);
}

static bool accepts_path(const char *text)
{
    return has_reference(text) || (text[0] == '/' && str_ends(text, "/"));
}

static bool accepts_arn(const char *text)
{
    return has_reference(text) || str_starts(text, "arn:");
}

static const struct field inline_policy_fields[] = {
    {
        .name = "name",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED,
        .wire = "PolicyName",
        .pattern = "letters, digits and any of _ + = , . @ -",
        .accepts = accepts_name,
        .min = 1,
        .max = 128,
        .doc = "Name of the policy, unique in the role.",
    },
    {
        .name = "policy",
        .type = FIELD_POLICY,
        .flags = FIELD_REQUIRED | FIELD_SECURITY,
        .wire = "PolicyDocument",
        .doc = "What the role may do.",
    },
    {0},
};

static const struct field fields[] = {
    {
        .name = "name",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE,
        .wire = "RoleName",
        .pattern = "letters, digits and any of _ + = , . @ -",
        .accepts = accepts_name,
        .min = 1,
        .max = 64,
        .doc = "Name of the role, unique in the account whatever its capital letters.",
    },
    {
        .name = "path",
        .type = FIELD_STRING,
        .flags = FIELD_IMMUTABLE,
        .wire = "Path",
        .fallback = "\"/\"",
        .pattern = "a path that begins and ends with /",
        .accepts = accepts_path,
        .min = 1,
        .max = 512,
        .doc = "Path in the role's ARN.",
    },
    {
        .name = "description",
        .type = FIELD_STRING,
        .wire = "Description",
        .max = 1000,
        .doc = "What the role is for.",
    },
    {
        .name = "max_session_duration",
        .type = FIELD_INTEGER,
        .flags = FIELD_SECURITY,
        .wire = "MaxSessionDuration",
        .fallback = "3600",
        .min = 3600,
        .max = 43200,
        .doc = "Longest session in seconds.",
    },
    {
        .name = "permissions_boundary",
        .type = FIELD_STRING,
        .flags = FIELD_SECURITY,
        .fallback = "null",
        .pattern = "an ARN",
        .accepts = accepts_arn,
        .doc = "ARN of the policy that bounds what the role may ever do; not given means there must be none.",
    },
    {
        .name = "assume_role_policy",
        .type = FIELD_POLICY,
        .flags = FIELD_REQUIRED | FIELD_SECURITY,
        .wire = "AssumeRolePolicyDocument",
        .doc = "The trust policy: who may assume the role.",
    },
    {
        .name = "inline_policy",
        .type = FIELD_SET,
        .element = FIELD_OBJECT,
        .members = inline_policy_fields,
        .key = "name",
        .flags = FIELD_EXCLUSIVE | FIELD_SECURITY,
        .fallback = "[]",
        .doc = "Policies written into the role; another one added by hand is removed.",
    },
    {
        .name = "managed_policy_arns",
        .type = FIELD_SET,
        .element = FIELD_STRING,
        .flags = FIELD_EXCLUSIVE | FIELD_SECURITY,
        .fallback = "[]",
        .pattern = "an ARN",
        .accepts = accepts_arn,
        .doc = "ARNs of the policies attached to the role; another one attached by hand is detached.",
    },
    {
        .name = "force_detach_policies",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_LOCAL,
        .fallback = "false",
        .doc = "Taken for the sake of files written for Terraform; policies are always detached before a "
               "role is "
               "deleted, since the role owns the whole set.",
    },
    TAGS_ROW,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .wire = "Arn", .doc = "ARN of the role."},
    {.name = "id", .type = FIELD_STRING, .wire = "RoleName", .doc = "Name of the role."},
    {.name = "unique_id",
     .type = FIELD_STRING,
     .wire = "RoleId",
     .doc = "IAM's own id; another one means that the role was deleted and made again."},
    {0},
};

static const struct not_yet not_yet[] = {
    {"MalformedPolicyDocument", "Invalid principal in policy", "the principal to become visible in IAM"},
    {0},
};

static void check(struct kind_check *check)
{
    struct json_object *policies = js_get(check->document, "inline_policy");

    tags_check(check);
    policy_check(check, "assume_role_policy", js_get(check->document, "assume_role_policy"));
    trust_check(check, "assume_role_policy", js_get(check->document, "assume_role_policy"));
    for (size_t i = 0, count = js_count(policies, NULL); i < count; i++) {
        char *path CLEANUP_FREE = str_format("inline_policy.%zu.policy", i);

        if (path)
            policy_check(check, path, js_get(js_at(policies, i), "policy"));
    }
    if (str_starts(js_text(check->document, "path") ? js_text(check->document, "path") : "", SERVICE_PATH))
        check->problem(check, "path", "roles under " SERVICE_PATH " belong to AWS services");
}

/* ---- one call each ---- */

static int put_inline(struct kind_op *op, struct json_object *policy)
{
    struct json_object *params = wire_write(inline_policy_fields, policy);

    params_text(&params, "RoleName", op_text(op, "name"));
    return op_send(op, AWS_IAM_PUT_ROLE_POLICY, params, NULL);
}

/*
 * Calls that need the role's name and one more text. @name: op->id, or the desired name before there
 * is an id.
 */
static int role_call(struct kind_op *op, enum aws_op operation, const char *name, const char *member,
                     const char *text)
{
    return op_send(op, operation, params_new("RoleName", name, member, text, NULL), NULL);
}

/* ---- create ---- */

static int remember_role(struct kind_op *op, struct json_object *answer)
{
    static const char *const names[][2] = {{"arn", "Arn"}, {"id", "RoleName"}, {"unique_id", "RoleId"}};
    struct json_object *role = js_get(answer, "Role");
    int r = op_created(op, op_text(op, "name"));

    for (size_t i = 0; i < ARRAY_SIZE(names) && r == 0; i++) {
        const char *text = js_text(role, names[i][1]);

        if (!text)
            return op_fail(op, -EBADMSG, ERR_BUG, "CreateRole: an answer without %s", names[i][1]);
        r = op_attribute_text(op, names[i][0], text);
    }
    return r;
}

static int create(struct kind_op *op)
{
    struct json_object *params = wire_write(fields, op->desired), *answer CLEANUP_JS = NULL;
    struct json_object *policies = js_get(op->desired, "inline_policy");
    struct json_object *arns = js_get(op->desired, "managed_policy_arns");
    const char *name = op_text(op, "name");
    int r;

    if (str_empty(op_text(op, "description")) && params)
        json_object_object_del(params, "Description");
    params_text(&params, "PermissionsBoundary", op_text(op, "permissions_boundary"));
    params_set(&params, "Tags", op_tag_list(op, "Key", "Value"));
    r = op_send(op, AWS_IAM_CREATE_ROLE, params, &answer);
    if (r == 0)
        r = remember_role(op, answer);
    for (size_t i = 0; i < js_count(policies, NULL) && r == 0; i++)
        r = put_inline(op, js_at(policies, i));
    for (size_t i = 0; i < js_count(arns, NULL) && r == 0; i++)
        r = role_call(op, AWS_IAM_ATTACH_ROLE_POLICY, name, "PolicyArn", js_text(js_at(arns, i), NULL));
    return r;
}

/* ---- update: what takes rights away comes first ---- */

static int set_boundary(struct kind_op *op)
{
    return role_call(op, AWS_IAM_PUT_ROLE_PERMISSIONS_BOUNDARY, op->id, "PermissionsBoundary",
                     op_text(op, "permissions_boundary"));
}

static int take_extras(struct kind_op *op, const struct diff *diff)
{
    size_t cursor = 0;
    const char *text;
    int r;

    while ((text = diff_next_removed(diff, "managed_policy_arns", &cursor))) {
        r = role_call(op, AWS_IAM_DETACH_ROLE_POLICY, op->id, "PolicyArn", text);
        r = op_forgive(op, r, "NoSuchEntity");
        if (r < 0)
            return r;
    }
    cursor = 0;
    while ((text = diff_next_removed(diff, "inline_policy", &cursor))) {
        r = role_call(op, AWS_IAM_DELETE_ROLE_POLICY, op->id, "PolicyName", text);
        r = op_forgive(op, r, "NoSuchEntity");
        if (r < 0)
            return r;
    }
    return 0;
}

static int set_trust(struct kind_op *op)
{
    struct json_object *params = params_new("RoleName", op->id, NULL);
    char *text CLEANUP_FREE = wire_policy_text(js_get(op->desired, "assume_role_policy"));

    params_set(&params, "PolicyDocument", text ? json_object_new_string(text) : NULL);
    return op_send(op, AWS_IAM_UPDATE_ASSUME_ROLE_POLICY, params, NULL);
}

/* Both are always sent: what UpdateRole is not told falls back to its default. */
static int set_description_and_session(struct kind_op *op, const struct diff *diff)
{
    struct json_object *params = params_new("RoleName", op->id, NULL);
    struct json_object *description = wanted_or_seen(op, diff, "description");
    struct json_object *session = wanted_or_seen(op, diff, "max_session_duration");

    if (description)
        params_set(&params, "Description", js_copy(description));
    if (session)
        params_set(&params, "MaxSessionDuration", js_copy(session));
    return op_send(op, AWS_IAM_UPDATE_ROLE, params, NULL);
}

static int give_missing(struct kind_op *op, const struct diff *diff)
{
    struct json_object *policies = js_get(op->desired, "inline_policy");
    size_t cursor = 0;
    const char *text;
    int r = 0;

    while (r == 0 && (text = diff_next_added(diff, "inline_policy", &cursor))) {
        for (size_t i = 0; i < js_count(policies, NULL) && r == 0; i++) {
            if (str_equal(js_text(js_at(policies, i), "name"), text))
                r = put_inline(op, js_at(policies, i));
        }
    }
    cursor = 0;
    while (r == 0 && (text = diff_next_added(diff, "managed_policy_arns", &cursor)))
        r = role_call(op, AWS_IAM_ATTACH_ROLE_POLICY, op->id, "PolicyArn", text);
    return r;
}

static int put_tags(struct kind_op *op, const struct diff *diff)
{
    return op_put_tags(op, diff, AWS_IAM_TAG_ROLE, params_new("RoleName", op->id, NULL), "Tags");
}

static int update(struct kind_op *op, const struct diff *diff)
{
    bool boundary = diff_has(diff, "permissions_boundary");
    bool bounded = op_text(op, "permissions_boundary") != NULL;
    int r = 0;

    if (boundary && bounded)
        r = set_boundary(op);
    if (r == 0)
        r = take_extras(op, diff);
    if (r == 0 && diff_has(diff, "assume_role_policy"))
        r = set_trust(op);
    if (r == 0 && (diff_has(diff, "description") || diff_has(diff, "max_session_duration")))
        r = set_description_and_session(op, diff);
    if (r == 0)
        r = give_missing(op, diff);
    if (r == 0 && boundary && !bounded)
        r = op_send(op, AWS_IAM_DELETE_ROLE_PERMISSIONS_BOUNDARY, params_new("RoleName", op->id, NULL), NULL);
    if (r == 0 && diff_has(diff, "tags"))
        r = put_tags(op, diff);
    return r;
}

/* ---- remove ---- */

/** What must be taken off a role before it can go: a list, the member that names an item, and the call. */
struct holding {
    enum aws_op list;
    const char *items; /* member of the answer */
    const char *name;  /* in an item; NULL = the item is the name itself */
    enum aws_op release;
    const char *member; /* of the call's parameters */
};

static const struct holding holdings[] = {
    {AWS_IAM_LIST_INSTANCE_PROFILES_FOR_ROLE, "InstanceProfiles", "InstanceProfileName",
     AWS_IAM_REMOVE_ROLE_FROM_INSTANCE_PROFILE, "InstanceProfileName"},
    {AWS_IAM_LIST_ATTACHED_ROLE_POLICIES, "AttachedPolicies", "PolicyArn", AWS_IAM_DETACH_ROLE_POLICY,
     "PolicyArn"},
    {AWS_IAM_LIST_ROLE_POLICIES, "PolicyNames", NULL, AWS_IAM_DELETE_ROLE_POLICY, "PolicyName"},
};

static int release(struct kind_op *op, const struct holding *holding, struct json_object *answer)
{
    struct json_object *items = js_get(answer, holding->items);

    if (js_count(items, NULL) > ROLE_ITEMS_MAX)
        return op_fail(op, -E2BIG, ERR_LIMIT, "%s: more than %d", aws_operations[holding->list].name,
                       ROLE_ITEMS_MAX);
    for (size_t i = 0; i < js_count(items, NULL); i++) {
        const char *name = js_text(js_at(items, i), holding->name);
        int r = name ? role_call(op, holding->release, op->id, holding->member, name) : 0;

        r = op_forgive(op, r, "NoSuchEntity");
        if (r < 0)
            return r;
    }
    return 0;
}

static int remove_role(struct kind_op *op)
{
    struct json_object *answers[ARRAY_SIZE(holdings)] = {NULL};
    int r = 0;

    if (!op->id)
        return op_fail(op, -EINVAL, ERR_BUG, "DeleteRole: no name is recorded");
    for (size_t i = 0; i < ARRAY_SIZE(holdings) && r == 0; i++)
        r = op_send(op, holdings[i].list, params_new("RoleName", op->id, NULL), &answers[i]);
    for (size_t i = 0; i < ARRAY_SIZE(holdings) && r == 0; i++)
        r = release(op, &holdings[i], answers[i]);
    for (size_t i = 0; i < ARRAY_SIZE(holdings); i++)
        json_object_put(answers[i]);
    if (r == 0)
        r = op_send(op, AWS_IAM_DELETE_ROLE, params_new("RoleName", op->id, NULL), NULL);
    return op_forgive(op, r, "NoSuchEntity");
}

const struct kind aws_iam_role_kind = {
    .type = "aws_iam_role",
    .provider = PROVIDER_AWS,
    .doc = "An IAM role with its trust policy, inline policies, attachments and permissions boundary.",
    .fields = fields,
    .attributes = attributes,
    .not_yet = not_yet,
    .pace =
        {.first_look_ms = 1000, .every_ms = 2000, .give_up_ms = 120000, .grace_ms = 120000, .usual_ms = 2000},
    .check = check,
    .observe = aws_iam_role_observe,
    .create = create,
    .update = update,
    .remove = remove_role,
};
