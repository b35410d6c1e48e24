/*
 * kubernetes_manifest.c: any object inside a cluster, written as its manifest.
 *
 * The only write is server-side apply: the whole of what is declared, with force. The object is named by cluster, kind,
 * namespace and name; another of these is another object. Looking is in kubernetes_manifest_look.c.
 * Ways to fail: the namespace is not there yet; a field that can not be changed in place; a kind that the cluster
 * does not serve; a finalizer that holds what is to go.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/manifest-internal.h"
#include "kinds/registry-internal.h"

/* ---- the table ---- */

static const struct field wait_fields[] = {
    {
        .name = "rollout",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_LOCAL,
        .fallback = "true",
        .doc = "A Deployment: whether it counts as there only when its pods run.",
    },
    {
        .name = "load_balancer",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_LOCAL,
        .fallback = "true",
        .doc = "A Service of type LoadBalancer: whether it counts as there only with a host name.",
    },
    {0},
};

static const char *const identity[] = {"apiVersion", "kind", "metadata.namespace", "metadata.name", NULL};

static const struct field fields[] = {
    {
        .name = "cluster",
        .type = FIELD_OBJECT,
        .flags = FIELD_REQUIRED | FIELD_KEY,
        .members = cluster_fields,
        .doc = CLUSTER_DOC,
    },
    {
        .name = "manifest",
        .type = FIELD_DOCUMENT,
        .flags = FIELD_REQUIRED | FIELD_KEY,
        .identity = identity,
        .doc = "The object, as kubectl would take it; what it does not say is left to others.",
    },
    {
        .name = "wait_for",
        .type = FIELD_OBJECT,
        .flags = FIELD_LOCAL,
        .members = wait_fields,
        .doc = "What must have happened before others build on it.",
    },
    MARKS_ROW,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "id",
     .type = FIELD_STRING,
     .doc = "Version, kind, namespace and name: apps/v1/Deployment/mlflow/mlflow."},
    {.name = "uid", .type = FIELD_STRING, .doc = "The cluster's id of this very object."},
    {.name = "generation", .type = FIELD_INTEGER, .doc = "How often its specification was changed."},
    {.name = "load_balancer_hostname", .type = FIELD_STRING, .doc = "A Service: name of its load balancer."},
    {0},
};

/* ---- which object ---- */

struct target manifest_target(struct json_object *document)
{
    return (struct target){
        .cluster = cluster_of(document),
        .object = {.api_version = js_text(document, "manifest.apiVersion"),
                   .kind = js_text(document, "manifest.kind"),
                   .namespace = js_text(document, "manifest.metadata.namespace"),
                   .name = js_text(document, "manifest.metadata.name")},
    };
}

const char *manifest_pod_path(const char *kind)
{
    static const char *const templates[] = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"};

    for (size_t i = 0; i < ARRAY_SIZE(templates); i++) {
        if (str_equal(kind, templates[i]))
            return "spec.template.spec";
    }
    if (str_equal(kind, "CronJob"))
        return "spec.jobTemplate.spec.template.spec";
    return str_equal(kind, "Pod") ? "spec" : NULL;
}

struct json_object *manifest_body(struct json_object *document, const char *intent)
{
    struct json_object *body = js_copy(js_get(document, "manifest"));

    if (body && marks_write(body, js_get(document, "tags"), intent) == 0)
        return body;
    json_object_put(body);
    return NULL;
}

/* ---- checking ---- */

/* Kinds that stand beside all namespaces. */
static bool is_cluster_wide(const char *kind)
{
    static const char *const names[] = {
        "Namespace",
        "ClusterRole",
        "ClusterRoleBinding",
        "StorageClass",
        "PersistentVolume",
        "PriorityClass",
        "IngressClass",
        "CustomResourceDefinition",
        "APIService",
        "RuntimeClass",
        "CSIDriver",
        "ValidatingWebhookConfiguration",
        "Node",
        "ValidatingAdmissionPolicy",
        "MutatingWebhookConfiguration",
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (str_equal(kind, names[i]))
            return true;
    }
    return false;
}

/* Groups of Kubernetes itself, whose kinds we know; of others nobody here knows where they live. */
static bool is_known_group(const char *api_version)
{
    static const char *const groups[] = {"v1",
                                         "apps/",
                                         "batch/",
                                         "autoscaling/",
                                         "networking.k8s.io/",
                                         "rbac.authorization.k8s.io/",
                                         "policy/",
                                         "coordination.k8s.io/",
                                         "discovery.k8s.io/"};

    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        if (str_starts(api_version, groups[i]))
            return true;
    }
    return false;
}

static bool is_open(const char *text)
{
    return has_reference(text); /* known later */
}

static void check_text(struct kind_check *check, const char *path)
{
    struct json_object *value = js_get(check->document, path);

    if (!value)
        check->problem(check, path, "missing: the object has no %s", strrchr(path, '.') + 1);
    else if (!json_object_is_type(value, json_type_string) || json_object_get_string_len(value) == 0)
        check->problem(check, path, "a text is wanted");
}

static void check_scope(struct kind_check *check)
{
    const char *api_version = js_text(check->document, "manifest.apiVersion");
    const char *kind = js_text(check->document, "manifest.kind");
    bool namespaced = js_get(check->document, "manifest.metadata.namespace") != NULL;

    if (!api_version || !kind || is_open(api_version) || is_open(kind) || !is_known_group(api_version))
        return;
    if (is_cluster_wide(kind) && namespaced)
        check->problem(check, "manifest.metadata.namespace", "a %s stands in no namespace", kind);
    if (!is_cluster_wide(kind) && !namespaced)
        check->problem(check, "manifest.metadata.namespace", "missing: a %s stands in a namespace", kind);
}

static void refuse(struct kind_check *check, const char *path, const char *why)
{
    if (js_get(check->document, path))
        check->problem(check, path, "%s", why);
}

static void check(struct kind_check *check)
{
    const char *kind = js_text(check->document, "manifest.kind");

    marks_check(check);
    check_text(check, "manifest.apiVersion");
    check_text(check, "manifest.kind");
    check_text(check, "manifest.metadata.name");
    if (kind && str_ends(kind, "List") && js_get(check->document, "manifest.items"))
        check->problem(check, "manifest.kind",
                       "one object each: write a resource for every item of the list");
    if (str_equal(kind, "Secret"))
        check->problem(check, "manifest.kind",
                       "values of a Secret must not stand in a manifest: use a kubernetes_secret");
    refuse(check, "manifest.metadata.generateName", "an object is found by its name: give it one");
    refuse(check, "manifest.metadata.managedFields", "the cluster keeps this: take it out");
    refuse(check, "manifest.metadata.resourceVersion", "the cluster keeps this: take it out");
    refuse(check, "manifest.metadata.uid", "the cluster keeps this: take it out");
    refuse(check, "manifest.status", "the cluster keeps this: take it out");
    check_scope(check);
}

/* ---- writing ---- */

static int note(struct kind_op *op, const struct target *target)
{
    struct json_object *memory = json_object_new_object();

    if (!memory || target_note(memory, target) < 0) {
        json_object_put(memory);
        return err_no_memory(op->err);
    }
    op_remember(op, memory); /* without a version: the next look asks the server */
    return 0;
}

/* May wait. */
static int apply(struct kind_op *op, const char *intent, struct kubernetes_answer *ret)
{
    struct target target = manifest_target(op->desired);
    struct json_object *body CLEANUP_JS = manifest_body(op->desired, intent);
    const struct kubernetes_call call = {
        .verb = KUBERNETES_APPLY, .cluster = target.cluster, .object = target.object, .body = body};
    int r;

    if (!body)
        return err_no_memory(op->err);
    r = cluster_apply(op, &call, ret);
    if (r == 0)
        r = note(op, &target);
    if (r == 0 && manifest_waits(op->desired))
        op_settling(op);
    return r;
}

static int create(struct kind_op *op)
{
    struct kubernetes_answer answer CLEANUP_KUBERNETES_ANSWER = {0};
    struct target target = manifest_target(op->desired);
    char *id CLEANUP_FREE = target_id(&target);
    int r;

    if (!id)
        return err_no_memory(op->err);
    r = apply(op, op->intent, &answer);
    if (r == 0)
        r = op_created(op, id);
    if (r == 0)
        r = op_attribute_text(op, "id", id);
    if (r == 0)
        r = op_attribute_text(op, "uid", js_text(answer.body, "metadata.uid"));
    return r;
}

/* Take out what nobody declared, as it is now. May wait. */
static int remove_extras(struct kind_op *op)
{
    struct kubernetes_answer answer CLEANUP_KUBERNETES_ANSWER = {0};
    struct target target = manifest_target(op->desired);
    struct json_object *patch CLEANUP_JS = json_object_new_array();
    int r;

    if (!patch)
        return err_no_memory(op->err);
    r = cluster_send(op, KUBERNETES_GET, &target, NULL, &answer);
    if (r < 0)
        return r;
    if (manifest_extras(js_get(op->desired, "manifest"), answer.body, NULL, NULL, patch) < 0)
        return err_no_memory(op->err);
    return js_count(patch, NULL) > 0 ? cluster_send(op, KUBERNETES_PATCH, &target, patch, NULL) : 0;
}

static bool has_extras(const struct diff *diff)
{
    for (size_t i = 0; i < diff->count; i++) {
        if (diff->entries[i].what == DIFF_EXTRA)
            return true;
    }
    return false;
}

static int update(struct kind_op *op, const struct diff *diff)
{
    int r = has_extras(diff) ? remove_extras(op) : 0;

    return r < 0 ? r : apply(op, marks_intent(op->observed), NULL);
}

static int remove_object(struct kind_op *op)
{
    struct target target = target_recorded(manifest_target(op->desired), op->id, op->memory);

    if (!target.object.name)
        return op_fail(op, -EINVAL, ERR_BUG, "nothing is noted that says which object it was");
    return cluster_remove(op, &target);
}

const struct kind kubernetes_manifest_kind = {
    .type = "kubernetes_manifest",
    .provider = PROVIDER_KUBERNETES,
    .doc = "An object inside a Kubernetes cluster, written as its manifest.",
    .fields = fields,
    .attributes = attributes,
    .not_yet = cluster_not_yet,
    .pace =
        {.first_look_ms = 2000, .every_ms = 3000, .give_up_ms = 900000, .grace_ms = 5000, .usual_ms = 30000},
    .check = check,
    .observe = kubernetes_manifest_observe,
    .create = create,
    .update = update,
    .remove = remove_object,
};
