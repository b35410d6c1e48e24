/*
 * aws_eks_node_group.c: machines of a cluster, kept by EKS in an Auto Scaling group.
 *
 * Made in two minutes, deleted in four. How many machines there are is left to an autoscaler after the create, within
 * the declared bounds. An unhealthy group is told about and never replaced; one that could not be made is deleted
 * and made again. Ways to fail: the cluster is not ready or busy, the node role is not visible yet, machines
 * that do not start or do not join (found only after twenty minutes).
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/eks-internal.h"

#define LOOKS_AT_ONCE 8

static const char *const capacities[] = {"ON_DEMAND", "SPOT", "CAPACITY_BLOCK", NULL};
static const char *const effects[] = {"NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE", NULL};

static const struct field scaling_fields[] = {
    {
        .name = "min_size",
        .type = FIELD_INTEGER,
        .flags = FIELD_REQUIRED,
        .wire = "minSize",
        .max = 100000,
        .doc = "Fewest machines.",
    },
    {
        .name = "max_size",
        .type = FIELD_INTEGER,
        .flags = FIELD_REQUIRED,
        .wire = "maxSize",
        .min = 1,
        .max = 100000,
        .doc = "Most machines.",
    },
    {
        .name = "desired_size",
        .type = FIELD_INTEGER,
        .flags = FIELD_REQUIRED | FIELD_CREATE_ONCE,
        .wire = "desiredSize",
        .max = 100000,
        .doc = "Machines to begin with; then left to an autoscaler.",
    },
    {0},
};

static const struct field taint_fields[] = {
    {.name = "key",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED,
     .wire = "key",
     .doc = "Name of the taint."},
    {.name = "value", .type = FIELD_STRING, .wire = "value", .fallback = "\"\"", .doc = "Its value."},
    {.name = "effect",
     .type = FIELD_ENUM,
     .values = effects,
     .flags = FIELD_REQUIRED,
     .wire = "effect",
     .doc = "What happens to pods that do not tolerate it."},
    {0},
};

static const struct field update_fields[] = {
    {.name = "max_unavailable",
     .type = FIELD_INTEGER,
     .flags = FIELD_SERVER_DEFAULT,
     .wire = "maxUnavailable",
     .min = 1,
     .max = 100,
     .doc = "Machines that may be missing during an update."},
    {.name = "max_unavailable_percentage",
     .type = FIELD_INTEGER,
     .flags = FIELD_SERVER_DEFAULT,
     .wire = "maxUnavailablePercentage",
     .min = 1,
     .max = 100,
     .doc = "The same in per cent of all."},
    {0},
};

static const struct field remote_fields[] = {
    {.name = "ec2_ssh_key",
     .type = FIELD_STRING,
     .wire = "ec2SshKey",
     .doc = "Name of the key pair that opens the machines."},
    {.name = "source_security_group_ids",
     .type = FIELD_SET,
     .element = FIELD_STRING,
     .flags = FIELD_EXCLUSIVE,
     .wire = "sourceSecurityGroups",
     .doc = "Who reaches their port 22; without it everybody."},
    {0},
};

static const struct field fields[] = {
    EKS_CLUSTER_NAME,
    {
        .name = "node_group_name",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE,
        .wire = "nodegroupName",
        .min = 1,
        .max = 63,
        .doc = "Name of the node group.",
    },
    {
        .name = "node_role_arn",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_IMMUTABLE | FIELD_SECURITY,
        .wire = "nodeRole",
        .doc = "ARN of the role of the machines.",
    },
    {
        .name = "subnet_ids",
        .type = FIELD_SET,
        .element = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_EXCLUSIVE | FIELD_IMMUTABLE,
        .wire = "subnets",
        .min = 1,
        .doc = "Subnets that the machines stand in; private ones need a route to a NAT gateway.",
    },
    {
        .name = "scaling_config",
        .type = FIELD_OBJECT,
        .members = scaling_fields,
        .flags = FIELD_REQUIRED,
        .wire = "scalingConfig",
        .doc = "How many machines.",
    },
    {
        .name = "instance_types",
        .type = FIELD_LIST,
        .element = FIELD_STRING,
        .flags = FIELD_EXCLUSIVE | FIELD_IMMUTABLE | FIELD_SERVER_DEFAULT,
        .wire = "instanceTypes",
        .min = 1,
        .max = 20,
        .doc = "Types of machines, the preferred one first; not given, t3.medium.",
    },
    {
        .name = "ami_type",
        .type = FIELD_STRING,
        .flags = FIELD_IMMUTABLE,
        .wire = "amiType",
        .fallback = "\"AL2023_x86_64_STANDARD\"",
        .doc = "Family of images that the machines start from.",
    },
    {
        .name = "capacity_type",
        .type = FIELD_ENUM,
        .values = capacities,
        .flags = FIELD_IMMUTABLE,
        .wire = "capacityType",
        .fallback = "\"ON_DEMAND\"",
        .doc = "Whether AWS may take the machines back at any time (SPOT).",
    },
    {
        .name = "disk_size",
        .type = FIELD_INTEGER,
        .flags = FIELD_IMMUTABLE | FIELD_SERVER_DEFAULT,
        .wire = "diskSize",
        .min = 1,
        .max = 16384,
        .doc = "GiB of each machine's disk; not given, 20.",
    },
    {
        .name = "remote_access",
        .type = FIELD_OBJECT,
        .members = remote_fields,
        .flags = FIELD_IMMUTABLE | FIELD_SECURITY,
        .wire = "remoteAccess",
        .fallback = "null",
        .doc = "Access by SSH; not given means none.",
    },
    {
        .name = "labels",
        .type = FIELD_MAP,
        .element = FIELD_STRING,
        .flags = FIELD_EXCLUSIVE,
        .wire = "labels",
        .fallback = "{}",
        .doc = "Labels of the nodes; others that EKS keeps for the group are removed.",
    },
    {
        .name = "taint",
        .type = FIELD_SET,
        .element = FIELD_OBJECT,
        .members = taint_fields,
        .key = "taint",
        .flags = FIELD_EXCLUSIVE,
        .wire = "taints",
        .fallback = "[]",
        .max = 50,
        .doc = "Taints of the nodes; others that EKS keeps for the group are removed.",
    },
    {
        .name = "update_config",
        .type = FIELD_OBJECT,
        .members = update_fields,
        .flags = FIELD_SERVER_DEFAULT,
        .wire = "updateConfig",
        .doc = "How much of the group an update may take away.",
    },
    {
        .name = "version",
        .type = FIELD_VERSION,
        .flags = FIELD_SERVER_DEFAULT,
        .wire = "version",
        .doc =
            "Version of Kubernetes on the nodes, at most the cluster's; not given, the cluster's at birth.",
    },
    {
        .name = "release_version",
        .type = FIELD_STRING,
        .flags = FIELD_SERVER_DEFAULT,
        .wire = "releaseVersion",
        .doc = "Release of the image.",
    },
    {
        .name = "force_update_version",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_LOCAL,
        .fallback = "false",
        .doc = "Go on with an update when pods can not be moved away.",
    },
    TAGS_ROW,
    EKS_HEALTH,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .wire = "nodegroupArn", .doc = "ARN of the node group."},
    {.name = "id", .type = FIELD_STRING, .doc = "CLUSTER:NAME."},
    {.name = "status", .type = FIELD_STRING, .wire = "status", .doc = "State, as ACTIVE."},
    {.name = "autoscaling_group_name", .type = FIELD_STRING, .doc = "Name of its Auto Scaling group."},
    {.name = "remote_access_security_group_id",
     .type = FIELD_STRING,
     .wire = "resources.remoteAccessSecurityGroup",
     .doc = "Security group that EKS made for access by SSH."},
    {.name = "created_at", .type = FIELD_STRING, .doc = "When it was made."},
    {0},
};

static void check(struct kind_check *check)
{
    int64_t least = js_int(check->document, "scaling_config.min_size", 0);
    int64_t most = js_int(check->document, "scaling_config.max_size", INT64_MAX);
    int64_t first = js_int(check->document, "scaling_config.desired_size", least);

    eks_check(check);
    if (least > most)
        check->problem(check, "scaling_config.min_size", "more than max_size");
    else if (first < least || first > most)
        check->problem(check, "scaling_config.desired_size", "must be from min_size to max_size");
    if (js_get(check->document, "update_config.max_unavailable") &&
        js_get(check->document, "update_config.max_unavailable_percentage"))
        check->problem(check, "update_config", "give max_unavailable or max_unavailable_percentage");
}

/* A taint is told from others by its key and effect together. */
static void name_taints(struct json_object *document)
{
    struct json_object *taints = js_get(document, "taint");

    for (size_t i = 0, count = js_count(taints, NULL); i < count; i++) {
        struct json_object *taint = js_at(taints, i);
        const char *key = js_text(taint, "key"), *effect = js_text(taint, "effect");
        char *name CLEANUP_FREE = key && effect ? str_format("%s:%s", key, effect) : NULL;

        if (name)
            (void)js_set_text(taint, "taint", name); /* without it: told as different, and put right again */
    }
}

static void normalise(struct json_object *desired, struct json_object *observed)
{
    name_taints(desired);
    name_taints(observed);
}

/* ---- looking ---- */

/* What is left out on the wire means nothing, or none. */
static void finish(struct json_object *group, struct json_object **document)
{
    struct json_object *taints = js_get(*document, "taint");

    params_text(document, "autoscaling_group_name",
                js_text(js_at(js_get(group, "resources.autoScalingGroups"), 0), "name"));
    if (!js_get(*document, "labels"))
        params_set(document, "labels", json_object_new_object());
    if (!taints)
        params_set(document, "taint", json_object_new_array());
    for (size_t i = 0, count = js_count(taints, NULL); *document && i < count; i++) {
        struct json_object *taint = js_at(taints, i);

        if (!js_get(taint, "value") && js_set_text(taint, "value", "") < 0)
            params_set(document, "taint", NULL);
    }
}

static const struct eks_thing group = {
    .what = "node group",
    .cluster = "clusterName",
    .name = "nodegroupName",
    .field = "node_group_name",
    .answer = "nodegroup",
    .arn = "nodegroupArn",
    .describe = AWS_EKS_DESCRIBE_NODEGROUP,
    .remove = AWS_EKS_DELETE_NODEGROUP,
    .finish = finish,
};

static void look(struct kind_batch *batch, struct kind_item *item)
{
    eks_look(batch, item, &group);
}

static int observe(struct kind_batch *batch)
{
    return batch_each(batch, LOOKS_AT_ONCE, look);
}

/* ---- create ---- */

static int create(struct kind_op *op)
{
    return eks_create(op, &group, AWS_EKS_CREATE_NODEGROUP, wire_write(fields, op->desired));
}

/* ---- update ---- */

/* How many there are now stays, within the bounds. */
static void put_scaling(const struct kind_op *op, struct json_object **params)
{
    struct json_object *scaling = wire_write(scaling_fields, js_get(op->desired, "scaling_config"));
    int64_t least = js_int(op->desired, "scaling_config.min_size", 0);
    int64_t most = js_int(op->desired, "scaling_config.max_size", least);
    int64_t now = js_int(op->observed, "scaling_config.desired_size", least);

    now = now < least ? least : now > most ? most : now;
    params_set(&scaling, "desiredSize", json_object_new_int64(now));
    params_set(params, "scalingConfig", scaling);
}

static void put_labels(const struct kind_op *op, const struct diff *diff, struct json_object **params)
{
    struct json_object *wanted = js_get(op->desired, "labels"), *value;
    struct json_object *added = json_object_new_object(), *removed = json_object_new_array();
    const char *key;
    size_t cursor = 0;

    while (added && (key = diff_next_added(diff, "labels", &cursor))) {
        if (json_object_object_get_ex(wanted, key, &value) &&
            js_put_key(added, key, json_object_get(value)) < 0) {
            json_object_put(added);
            added = NULL;
        }
    }
    cursor = 0;
    while (removed && (key = diff_next_removed(diff, "labels", &cursor)))
        params_add(&removed, json_object_new_string(key));
    params_set(params, "labels.addOrUpdateLabels", added);
    params_set(params, "labels.removeLabels", removed);
}

/* The taint of that name, as the wire has it, at the end of *@list. */
static void add_taint(struct json_object **list, struct json_object *document, const char *name)
{
    struct json_object *taints = js_get(document, "taint");

    for (size_t i = 0, count = js_count(taints, NULL); *list && i < count; i++) {
        struct json_object *taint = js_at(taints, i);
        char *own CLEANUP_FREE = str_format("%s:%s", js_text(taint, "key"), js_text(taint, "effect"));

        if (!own || str_equal(own, name))
            params_add(list, own ? wire_write(taint_fields, taint) : NULL);
    }
}

static void put_taints(const struct kind_op *op, const struct diff *diff, struct json_object **params)
{
    struct json_object *added = json_object_new_array(), *removed = json_object_new_array();
    const char *name;
    size_t cursor = 0;

    while ((name = diff_next_added(diff, "taint", &cursor)))
        add_taint(&added, op->desired, name);
    cursor = 0;
    while ((name = diff_next_removed(diff, "taint", &cursor)))
        add_taint(&removed, op->observed, name);
    params_set(params, "taints.addOrUpdateTaints", added);
    params_set(params, "taints.removeTaints", removed);
}

static int put_config(struct kind_op *op, const struct diff *diff)
{
    struct json_object *params = eks_params(&group, op->id, op->desired);

    if (diff_has(diff, "scaling_config"))
        put_scaling(op, &params);
    if (diff_has(diff, "labels"))
        put_labels(op, diff, &params);
    if (diff_has(diff, "taint"))
        put_taints(op, diff, &params);
    if (diff_has(diff, "update_config"))
        params_set(&params, "updateConfig", wire_write(update_fields, js_get(op->desired, "update_config")));
    return eks_update(op, AWS_EKS_UPDATE_NODEGROUP_CONFIG, params);
}

static int put_version(struct kind_op *op)
{
    struct json_object *params = eks_params(&group, op->id, op->desired);

    params_text(&params, "version", op_text(op, "version"));
    params_text(&params, "releaseVersion", op_text(op, "release_version"));
    params_set(&params, "force",
               json_object_new_boolean(js_bool(op->desired, "force_update_version", false)));
    return eks_update(op, AWS_EKS_UPDATE_NODEGROUP_VERSION, params);
}

/* One update at a time: the short one first, the version in the next turn. */
static int update(struct kind_op *op, const struct diff *diff)
{
    bool config = diff_has(diff, "scaling_config") || diff_has(diff, "labels") || diff_has(diff, "taint") ||
                  diff_has(diff, "update_config");
    int r = diff_has(diff, "tags") ? eks_put_tags(op, diff) : 0;

    if (r < 0)
        return r;
    if (config)
        return put_config(op, diff);
    if (diff_has(diff, "version") || diff_has(diff, "release_version"))
        return put_version(op);
    return diff_has(diff, "health") ? eks_fail_health(op, &group) : 0;
}

static int remove_group(struct kind_op *op)
{
    return eks_remove(op, &group, eks_params(&group, op->id, op->desired));
}

#define BAD "InvalidParameterException"

static const struct not_yet not_yet[] = {
    {BAD, "nodeRole", "the node role to become visible in IAM"},
    {BAD, "instance profile", "the node role to become visible in EC2"},
    {BAD, "role", "the node role to become visible in IAM"},
    {BAD, "does not exist", "the subnets to become visible in EC2"},
    EKS_CLUSTER_NOT_YET,
    {0},
};

const struct kind aws_eks_node_group_kind = {
    .type = "aws_eks_node_group",
    .provider = PROVIDER_AWS,
    .doc = "Machines of an EKS cluster.",
    .fields = fields,
    .attributes = attributes,
    .not_yet = not_yet,
    .pace = {.first_look_ms = 75000,
             .every_ms = 5000,
             .give_up_ms = 3600000,
             .grace_ms = 120000,
             .usual_ms = 119000},
    .check = check,
    .normalise = normalise,
    .observe = observe,
    .create = create,
    .update = update,
    .remove = remove_group,
};
