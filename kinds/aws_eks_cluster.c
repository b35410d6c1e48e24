/*
 * aws_eks_cluster.c: the control plane of Kubernetes: who reaches it, who may sign in, what it logs.
 *
 * Its rows are in aws_eks_cluster_fields.c. Made in ten minutes. Every change takes minutes too, one at a time and
 * one topic per call: an update sends the first topic that differs, the looks that follow bring the next. Versions
 * go up one minor version at a time, never down.
 * Ways to fail: the role is not assumable yet, zones that EKS does not serve, a version that does not exist,
 * the name is taken, another change goes on (busy); node groups must go before a delete.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_eks_cluster-internal.h"
#include "kinds/eks-internal.h"

#define LOOKS_AT_ONCE 8
#define VERSIONS_MAX  1000 /* bytes of a list of versions in a message */

/* ---- looking ---- */

static struct json_object *enabled_logs(struct json_object *cluster)
{
    struct json_object *setups = js_get(cluster, "logging.clusterLogging"), *list = json_object_new_array();

    for (size_t i = 0; list && i < js_count(setups, NULL); i++) {
        struct json_object *types = js_get(js_at(setups, i), "types");

        if (!js_bool(js_at(setups, i), "enabled", false))
            continue;
        for (size_t k = 0; list && k < js_count(types, NULL); k++)
            params_add(&list, json_object_get(js_at(types, k)));
    }
    return list;
}

/* What Kubernetes' kinds need, once it is known. */
static void add_connection(struct json_object **document)
{
    const char *endpoint = js_text(*document, "endpoint");
    const char *authority = js_text(*document, "certificate_authority");

    if (str_empty(endpoint) || str_empty(authority))
        return;
    params_set(document, "connection",
               params_new("name", js_text(*document, "name"), "endpoint", endpoint, "certificate_authority",
                          authority, NULL));
}

static void finish(struct json_object *cluster, struct json_object **document)
{
    struct json_object *encryption = js_at(js_get(cluster, "encryptionConfig"), 0);
    const char *issuer = js_text(*document, "oidc_issuer");

    add_connection(document);
    params_set(document, "enabled_cluster_log_types", enabled_logs(cluster));
    params_set(document, "deletion_protection",
               json_object_new_boolean(js_bool(cluster, "deletionProtection", false)));
    if (issuer && str_starts(issuer, "https://"))
        params_text(document, "oidc_issuer_host_path", issuer + strlen("https://"));
    if (encryption) {
        params_text(document, "encryption_config.provider.key_arn", js_text(encryption, "provider.keyArn"));
        params_set(document, "encryption_config.resources", js_copy(js_get(encryption, "resources")));
    }
}

static const struct eks_thing cluster = {
    .what = "cluster",
    .name = "name",
    .field = "name",
    .answer = "cluster",
    .arn = "arn",
    .describe = AWS_EKS_DESCRIBE_CLUSTER,
    .remove = AWS_EKS_DELETE_CLUSTER,
    .finish = finish,
};

static void look(struct kind_batch *batch, struct kind_item *item)
{
    eks_look(batch, item, &cluster);
}

static int observe(struct kind_batch *batch)
{
    return batch_each(batch, LOOKS_AT_ONCE, look);
}

/* ---- what is sent ---- */

/* Which types are on, or off. Owned; NULL without memory. */
static struct json_object *log_setup(struct json_object *wanted, bool enabled)
{
    struct json_object *setup = json_object_new_object(), *types = json_object_new_array();

    for (size_t i = 0; i < EKS_LOG_TYPES; i++) {
        if (js_has_text(wanted, eks_log_types[i]) == enabled)
            params_add(&types, json_object_new_string(eks_log_types[i]));
    }
    params_set(&setup, "enabled", json_object_new_boolean(enabled));
    params_set(&setup, "types", types);
    return setup;
}

/* All types: those that are not wanted must be switched off in so many words. */
static void put_logging(const struct kind_op *op, struct json_object **params)
{
    struct json_object *wanted = js_get(op->desired, "enabled_cluster_log_types");
    struct json_object *setups = json_object_new_array();
    size_t count = js_count(wanted, NULL);

    if (count > 0)
        params_add(&setups, log_setup(wanted, true));
    if (count < EKS_LOG_TYPES)
        params_add(&setups, log_setup(wanted, false));
    params_set(params, "logging.clusterLogging", setups);
}

static void put_encryption(const struct kind_op *op, struct json_object **params)
{
    struct json_object *list = json_object_new_array();

    params_add(&list, wire_write(eks_encryption_fields, js_get(op->desired, "encryption_config")));
    params_set(params, "encryptionConfig", list);
}

static struct json_object *endpoint_access(const struct kind_op *op)
{
    struct json_object *vpc = wire_write(eks_vpc_fields, js_get(op->desired, "vpc_config"));

    if (vpc && !js_bool(vpc, "endpointPublicAccess", true))
        json_object_object_del(vpc, "publicAccessCidrs");
    return vpc;
}

static void put_endpoint(const struct kind_op *op, struct json_object **params)
{
    struct json_object *vpc = endpoint_access(op);

    if (vpc) {
        json_object_object_del(vpc, "subnetIds");
        json_object_object_del(vpc, "securityGroupIds");
    }
    params_set(params, "resourcesVpcConfig", vpc);
}

static void put_network(const struct kind_op *op, struct json_object **params)
{
    params_set(params, "resourcesVpcConfig.subnetIds", js_copy(js_get(op->desired, "vpc_config.subnet_ids")));
    params_set(params, "resourcesVpcConfig.securityGroupIds",
               js_copy(js_get(op->desired, "vpc_config.security_group_ids")));
}

/* From the ConfigMap to the API it is two steps. */
static void put_access(const struct kind_op *op, struct json_object **params)
{
    const char *seen = js_text(op->observed, "access_config.authentication_mode");
    bool first_step = str_equal(seen, "CONFIG_MAP");

    params_text(params, "accessConfig.authenticationMode",
                first_step ? "API_AND_CONFIG_MAP" : op_text(op, "access_config.authentication_mode"));
}

static void put_protection(const struct kind_op *op, struct json_object **params)
{
    params_set(params, "deletionProtection",
               json_object_new_boolean(js_bool(op->desired, "deletion_protection", false)));
}

static void put_support(const struct kind_op *op, struct json_object **params)
{
    params_text(params, "upgradePolicy.supportType", op_text(op, "upgrade_policy.support_type"));
}

/* The wanted version, or the first step to it. */
static void put_version(const struct kind_op *op, struct json_object **params)
{
    const char *wanted = op_text(op, "version"), *seen = js_text(op->observed, "version");
    int major, minor, to_major, to_minor;
    char *step CLEANUP_FREE = NULL;

    if (seen && sscanf(seen, "%3d.%3d", &major, &minor) == 2 &&
        sscanf(wanted, "%3d.%3d", &to_major, &to_minor) == 2 && major == to_major && minor + 1 < to_minor)
        step = str_format("%d.%d", major, minor + 1);
    else
        step = str_format("%s", wanted);
    params_set(params, "version", step ? json_object_new_string(step) : NULL);
}

/* ---- versions that do not exist ---- */

static void list_versions(struct json_object *answer, struct buf *list)
{
    struct json_object *versions = js_get(answer, "clusterVersions");

    for (size_t i = 0; i < js_count(versions, NULL); i++) {
        const char *version = js_text(js_at(versions, i), "clusterVersion");

        if (version && !str_equal(js_text(js_at(versions, i), "versionStatus"), "UNSUPPORTED"))
            buf_addf(list, "%s%s", list->size > 0 ? ", " : "", version);
    }
}

/* EKS refused a version: say which ones there are. @r is what the call returned. May wait. */
static int explain_version(struct kind_op *op, int r)
{
    struct json_object *answer CLEANUP_JS = NULL;
    struct buf list CLEANUP_BUF = BUF_INIT(VERSIONS_MAX);
    struct err refusal CLEANUP_ERR = {0};

    if (r == 0 || !op_text(op, "version") || !err_is(op->err, "InvalidParameterException") ||
        !strstr(err_text(op->err), "ersion"))
        return r;
    err_move(&refusal, op->err);
    if (op_send(op, AWS_EKS_DESCRIBE_CLUSTER_VERSIONS, params_new(NULL, NULL, NULL), &answer) == 0)
        list_versions(answer, &list);
    err_done(op->err);
    err_move(op->err, &refusal);
    if (list.size == 0)
        return r;
    return err_wrap(op->err, r, "version %s is not to be had (EKS offers %s)", op_text(op, "version"),
                    buf_text(&list));
}

/* ---- create, update, remove ---- */

static int create(struct kind_op *op)
{
    struct json_object *params = wire_write(aws_eks_cluster_fields, op->desired);

    params_set(&params, "resourcesVpcConfig", endpoint_access(op));
    put_logging(op, &params);
    if (js_get(op->desired, "encryption_config"))
        put_encryption(op, &params);
    return explain_version(op, eks_create(op, &cluster, AWS_EKS_CREATE_CLUSTER, params));
}

/* One topic of an update. The order is that of urgency; the version comes last, since it takes longest. */
struct topic {
    const char *path; /* what differs begins with this */
    enum aws_op operation;
    void (*put)(const struct kind_op *op, struct json_object **params);
};

static const struct topic topics[] = {
    {"vpc_config.endpoint_", AWS_EKS_UPDATE_CLUSTER_CONFIG, put_endpoint},
    {"vpc_config.public_access_cidrs", AWS_EKS_UPDATE_CLUSTER_CONFIG, put_endpoint},
    {"access_config", AWS_EKS_UPDATE_CLUSTER_CONFIG, put_access},
    {"enabled_cluster_log_types", AWS_EKS_UPDATE_CLUSTER_CONFIG, put_logging},
    {"deletion_protection", AWS_EKS_UPDATE_CLUSTER_CONFIG, put_protection},
    {"vpc_config", AWS_EKS_UPDATE_CLUSTER_CONFIG, put_network},
    {"encryption_config", AWS_EKS_ASSOCIATE_ENCRYPTION_CONFIG, put_encryption},
    {"upgrade_policy", AWS_EKS_UPDATE_CLUSTER_CONFIG, put_support},
    {"version", AWS_EKS_UPDATE_CLUSTER_VERSION, put_version},
};

static const struct topic *first_topic(const struct diff *diff)
{
    for (size_t i = 0; i < ARRAY_SIZE(topics); i++) {
        for (size_t k = 0; k < diff->count; k++) {
            if (str_starts(diff->entries[k].path, topics[i].path))
                return &topics[i];
        }
    }
    return NULL;
}

/* EKS knows no way back: say so before it is tried in vain. */
static int refuse_impossible(struct kind_op *op, const struct topic *topic)
{
    const char *seen = js_text(op->observed, "access_config.authentication_mode");

    if (topic->put == put_encryption && js_get(op->observed, "encryption_config"))
        return op_fail(op, -EINVAL, ERR_INVALID,
                       "cluster %s is encrypted with another key, and EKS can not change that: declare %s",
                       op->id, js_text(op->observed, "encryption_config.provider.key_arn"));
    if (topic->put != put_access || !seen || str_equal(seen, "CONFIG_MAP"))
        return 0;
    if (str_equal(seen, "API") || str_equal(op_text(op, "access_config.authentication_mode"), "CONFIG_MAP"))
        return op_fail(op, -EINVAL, ERR_INVALID,
                       "cluster %s has authentication mode %s, and EKS only goes from CONFIG_MAP to "
                       "API_AND_CONFIG_MAP to API: declare one of those",
                       op->id, seen);
    return 0;
}

static int put_topic(struct kind_op *op, const struct topic *topic)
{
    bool encryption = topic->operation == AWS_EKS_ASSOCIATE_ENCRYPTION_CONFIG;
    struct json_object *params;
    int r = refuse_impossible(op, topic);

    if (r < 0)
        return r;
    params = params_new(encryption ? "clusterName" : "name", op->id, NULL);
    topic->put(op, &params);
    return explain_version(op, eks_update(op, topic->operation, params));
}

static int update(struct kind_op *op, const struct diff *diff)
{
    const struct topic *topic = first_topic(diff);
    int r = diff_has(diff, "tags") ? eks_put_tags(op, diff) : 0;

    if (r == 0 && topic)
        return put_topic(op, topic);
    return r == 0 && diff_has(diff, "health") ? eks_fail_health(op, &cluster) : r;
}

static int remove_cluster(struct kind_op *op)
{
    return eks_remove(op, &cluster, eks_params(&cluster, op->id, op->desired));
}

#define BAD "InvalidParameterException"

static const struct not_yet not_yet[] = {
    {BAD, "does not exist", "the role and the subnets to become visible"},
    {BAD, "Error in role params", "the role to become visible in IAM"},
    {BAD, "Role could not be assumed", "the role to become assumable"},
    {BAD, "doesn't have the Amazon EKS Managed Policies", "the role's policies to count"},
    {BAD, "IAM role's policy must include", "the role's policies to count"},
    {"ResourcePropagationDelayException", NULL, "what it refers to to become visible"},
    {0},
};

const struct kind aws_eks_cluster_kind = {
    .type = "aws_eks_cluster",
    .provider = PROVIDER_AWS,
    .flags = KIND_HOLDS_DATA,
    .doc = "A Kubernetes cluster of EKS: its control plane.",
    .fields = aws_eks_cluster_fields,
    .attributes = aws_eks_cluster_attributes,
    .not_yet = not_yet,
    .pace = {.first_look_ms = 360000,
             .every_ms = 10000,
             .give_up_ms = 3600000,
             .grace_ms = 120000,
             .usual_ms = 583000},
    .check = aws_eks_cluster_check,
    .normalise = aws_eks_cluster_normalise,
    .observe = observe,
    .create = create,
    .update = update,
    .remove = remove_cluster,
    .farewell = eks_farewell_cluster,
};
