/*
 * aws_eks_access_entry.c: who may sign in to a cluster, and with which of EKS' policies.
 *
 * Two calls to look, both at once. What is too wide goes before what is missing comes. EKS remembers the hidden id of the
 * principal: a role that was deleted and made again under its name is another one for it, and the entry is dead
 * without looking so. Ways to fail: the principal is not visible yet, an authentication mode without API.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/eks-internal.h"

#define LOOKS_AT_ONCE 8

enum { READ_ENTRY, READ_POLICIES, READ_MAX };

static const char *const scopes[] = {"cluster", "namespace", NULL};

static const struct field scope_fields[] = {
    {.name = "type",
     .type = FIELD_ENUM,
     .values = scopes,
     .flags = FIELD_REQUIRED,
     .wire = "type",
     .doc = "The whole cluster, or namespaces of it."},
    {.name = "namespaces",
     .type = FIELD_SET,
     .element = FIELD_STRING,
     .flags = FIELD_EXCLUSIVE,
     .wire = "namespaces",
     .fallback = "[]",
     .doc = "The namespaces."},
    {0},
};

static const struct field policy_fields[] = {
    {.name = "policy_arn",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED,
     .wire = "policyArn",
     .doc = "ARN of the policy: arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy."},
    {.name = "access_scope",
     .type = FIELD_OBJECT,
     .members = scope_fields,
     .flags = FIELD_REQUIRED,
     .wire = "accessScope",
     .doc = "Where it holds."},
    {0},
};

static const struct field fields[] = {
    EKS_CLUSTER_NAME,
    {
        .name = "principal_arn",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE,
        .wire = "principalArn",
        .doc = "ARN of the role or user; for a session, of its role.",
    },
    {
        .name = "type",
        .type = FIELD_STRING,
        .flags = FIELD_IMMUTABLE | FIELD_SECURITY,
        .wire = "type",
        .fallback = "\"STANDARD\"",
        .doc = "Who it is: STANDARD for people and programs, EC2_LINUX and others for nodes.",
    },
    {
        .name = "kubernetes_groups",
        .type = FIELD_SET,
        .element = FIELD_STRING,
        .flags = FIELD_EXCLUSIVE | FIELD_SECURITY,
        .wire = "kubernetesGroups",
        .fallback = "[]",
        .doc = "Groups inside Kubernetes.",
    },
    {
        .name = "user_name",
        .type = FIELD_STRING,
        .flags = FIELD_SERVER_DEFAULT | FIELD_SECURITY,
        .wire = "username",
        .doc = "Name inside Kubernetes; not given, EKS makes one.",
    },
    {
        .name = "policy_association",
        .type = FIELD_SET,
        .element = FIELD_OBJECT,
        .members = policy_fields,
        .key = "policy_arn",
        .flags = FIELD_EXCLUSIVE | FIELD_SECURITY,
        .fallback = "[]",
        .max = 20,
        .doc = "EKS' policies that hold for it; others are taken away.",
    },
    TAGS_ROW,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .wire = "accessEntryArn", .doc = "ARN of the entry."},
    {.name = "access_entry_arn", .type = FIELD_STRING, .wire = "accessEntryArn", .doc = "The same."},
    {.name = "id", .type = FIELD_STRING, .doc = "CLUSTER:PRINCIPAL."},
    {.name = "created_at", .type = FIELD_STRING, .doc = "When it was made."},
    {0},
};

static const struct eks_thing entry = {
    .what = "access entry",
    .cluster = "clusterName",
    .name = "principalArn",
    .field = "principal_arn",
    .answer = "accessEntry",
    .arn = "accessEntryArn",
    .describe = AWS_EKS_DESCRIBE_ACCESS_ENTRY,
    .remove = AWS_EKS_DELETE_ACCESS_ENTRY,
};

static void check_associations(struct kind_check *check)
{
    struct json_object *policies = js_get(check->document, "policy_association");

    for (size_t i = 0; i < js_count(policies, NULL); i++) {
        struct json_object *scope = js_get(js_at(policies, i), "access_scope");
        bool whole = str_equal(js_text(scope, "type"), "cluster"), named = js_count(scope, "namespaces") > 0;
        char *path CLEANUP_FREE = str_format("policy_association.%zu.access_scope", i);

        if (!path || !js_text(scope, "type"))
            continue;
        if (whole && named)
            check->problem(check, path, "the scope \"cluster\" has no namespaces");
        if (str_equal(js_text(scope, "type"), "namespace") && !named && !js_text(scope, "namespaces"))
            check->problem(check, path, "the scope \"namespace\" needs namespaces");
    }
}

static void check(struct kind_check *check)
{
    const char *principal = js_text(check->document, "principal_arn");

    tags_check(check);
    check_associations(check);
    if (principal && strstr(principal, ":assumed-role/"))
        check->problem(check, "principal_arn", "EKS knows no sessions: give the ARN of the role");
}

/* EKS gives nodes groups of its own; they are not ours to declare. */
static void normalise(struct json_object *desired, struct json_object *observed)
{
    const char *type = js_text(desired, "type");

    if (type && !str_equal(type, "STANDARD") && js_count(desired, "kubernetes_groups") == 0)
        json_object_object_del(observed, "kubernetes_groups");
}

/* ---- looking ---- */

/* The associations as they are declared; owned; NULL without memory. */
static struct json_object *associations(struct json_object *answer)
{
    struct json_object *policies = js_get(answer, "associatedAccessPolicies"),
                       *list = json_object_new_array();

    for (size_t i = 0; list && i < js_count(policies, NULL); i++) {
        struct json_object *policy = js_at(policies, i),
                           *namespaces = js_get(policy, "accessScope.namespaces");
        struct json_object *one = params_new("policy_arn", js_text(policy, "policyArn"), NULL);

        params_text(&one, "access_scope.type", js_text(policy, "accessScope.type"));
        params_set(&one, "access_scope.namespaces",
                   namespaces ? js_copy(namespaces) : json_object_new_array());
        params_add(&list, one);
    }
    return list;
}

static void take(struct kind_batch *batch, struct kind_item *item, struct aws_read *reads)
{
    struct json_object *seen = js_get(reads[READ_ENTRY].answer, "accessEntry"), *document;
    struct err err CLEANUP_ERR = {0};

    if (!js_text(seen, "accessEntryArn")) {
        (void)err_set(&err, -EBADMSG, ERR_BUG, "DescribeAccessEntry: an answer without accessEntryArn");
        batch_unknown(item, &err);
        return;
    }
    document = eks_document(batch->kind, &entry, seen);
    if (document && !js_get(document, "kubernetes_groups"))
        params_set(&document, "kubernetes_groups", json_object_new_array());
    params_set(&document, "policy_association", associations(reads[READ_POLICIES].answer));
    item->created_wall_ms = answer_time_ms(seen, "createdAt");
    batch_present(item, js_text(document, "id"), document);
}

static void look(struct kind_batch *batch, struct kind_item *item)
{
    struct aws_read reads[READ_MAX] = {
        [READ_ENTRY] = {.op = entry.describe, .params = eks_params(&entry, item->id, item->desired)},
        [READ_POLICIES] = {.op = AWS_EKS_LIST_ASSOCIATED_ACCESS_POLICIES,
                           .params = eks_params(&entry, item->id, item->desired)},
    };
    struct err err CLEANUP_ERR = {0};
    int r;

    if (!batch->clouds.aws)
        r = err_set(&err, -EINVAL, ERR_INVALID, "the platform has no aws: section");
    else if (!reads[READ_ENTRY].params || !reads[READ_POLICIES].params)
        r = err_no_memory(&err);
    else {
        r = aws_read_all(batch->clouds.aws, reads, READ_MAX, 0);
        if (r < 0)
            (void)err_set(&err, r, r == -ECANCELED ? ERR_CANCELED : ERR_RETRY, "reading the access entry");
    }
    if (r < 0)
        batch_unknown(item, &err);
    else if (reads[READ_ENTRY].result < 0)
        eks_failed(item, &reads[READ_ENTRY].err);
    else if (reads[READ_POLICIES].result < 0) {
        /* The entry was there a moment ago: half a picture is none. */
        reads[READ_POLICIES].err.class = eks_is_absence(&reads[READ_POLICIES].err)
                                             ? ERR_RETRY
                                             : reads[READ_POLICIES].err.class;
        batch_unknown(item, &reads[READ_POLICIES].err);
    } else
        take(batch, item, reads);
    aws_reads_done(reads, READ_MAX);
}

static int observe(struct kind_batch *batch)
{
    return batch_each(batch, LOOKS_AT_ONCE, look);
}

/* ---- associations ---- */

static int associate(struct kind_op *op, struct json_object *policy)
{
    char *id CLEANUP_FREE = eks_id(&entry, op->desired);
    struct json_object *params = id ? eks_params(&entry, id, NULL) : NULL;
    struct json_object *scope = wire_write(scope_fields, js_get(policy, "access_scope"));

    if (scope && str_equal(js_text(scope, "type"), "cluster"))
        json_object_object_del(scope, "namespaces");
    params_text(&params, "policyArn", js_text(policy, "policy_arn"));
    params_set(&params, "accessScope", scope);
    return op_send(op, AWS_EKS_ASSOCIATE_ACCESS_POLICY, params, NULL);
}

static int disassociate(struct kind_op *op, const char *policy_arn)
{
    struct json_object *params = eks_params(&entry, op->id, op->desired);
    int r;

    params_text(&params, "policyArn", policy_arn);
    r = op_send(op, AWS_EKS_DISASSOCIATE_ACCESS_POLICY, params, NULL);
    return op_forgive(op, r, "ResourceNotFoundException");
}

static struct json_object *find_policy(struct json_object *document, const char *policy_arn)
{
    struct json_object *policies = js_get(document, "policy_association");

    for (size_t i = 0; i < js_count(policies, NULL); i++) {
        if (str_equal(js_text(js_at(policies, i), "policy_arn"), policy_arn))
            return js_at(policies, i);
    }
    return NULL;
}

/* A scope is changed by taking it away first. */
static int put_associations(struct kind_op *op, const struct diff *diff)
{
    const char *arn;
    size_t cursor = 0;
    int r = 0;

    while (r == 0 && (arn = diff_next_removed(diff, "policy_association", &cursor)))
        r = disassociate(op, arn);
    cursor = 0;
    while (r == 0 && (arn = diff_next_added(diff, "policy_association", &cursor))) {
        struct json_object *wanted = find_policy(op->desired, arn);

        if (find_policy(op->observed, arn))
            r = disassociate(op, arn);
        if (r == 0 && wanted)
            r = associate(op, wanted);
    }
    return r;
}

/* ---- create, update, remove ---- */

static int create(struct kind_op *op)
{
    struct json_object *policies = js_get(op->desired, "policy_association");
    struct json_object *params = wire_write(fields, op->desired);
    int r;

    if (params && js_count(params, "kubernetesGroups") == 0)
        json_object_object_del(params, "kubernetesGroups"); /* entries of nodes may not even give none */
    r = eks_create(op, &entry, AWS_EKS_CREATE_ACCESS_ENTRY, params);
    for (size_t i = 0; r == 0 && i < js_count(policies, NULL); i++)
        r = associate(op, js_at(policies, i));
    return r;
}

static int put_entry(struct kind_op *op)
{
    struct json_object *params = eks_params(&entry, op->id, op->desired);

    params_set(&params, "kubernetesGroups", js_copy(js_get(op->desired, "kubernetes_groups")));
    params_text(&params, "username", op_text(op, "user_name"));
    return op_send(op, AWS_EKS_UPDATE_ACCESS_ENTRY, params, NULL);
}

static int update(struct kind_op *op, const struct diff *diff)
{
    int r = 0;

    if (diff_has(diff, "kubernetes_groups") || diff_has(diff, "user_name"))
        r = put_entry(op);
    if (r == 0 && diff_has(diff, "policy_association"))
        r = put_associations(op, diff);
    if (r == 0 && diff_has(diff, "tags"))
        r = eks_put_tags(op, diff);
    return r;
}

static int remove_entry(struct kind_op *op)
{
    return eks_remove(op, &entry, eks_params(&entry, op->id, op->desired));
}

static const struct not_yet not_yet[] = {
    {"InvalidParameterException", "invalid principal", "the principal to become visible in IAM"},
    EKS_CLUSTER_NOT_YET,
    {0},
};

const struct kind aws_eks_access_entry_kind = {
    .type = "aws_eks_access_entry",
    .provider = PROVIDER_AWS,
    .doc = "Who may sign in to an EKS cluster, and what EKS' policies allow them.",
    .fields = fields,
    .attributes = attributes,
    .not_yet = not_yet,
    .pace =
        {.first_look_ms = 1000, .every_ms = 2000, .give_up_ms = 120000, .grace_ms = 120000, .usual_ms = 2000},
    .check = check,
    .normalise = normalise,
    .observe = observe,
    .create = create,
    .update = update,
    .remove = remove_entry,
};
