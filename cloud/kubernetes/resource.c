/*
 * resource.c: where things live: which path belongs to a kind, a namespace and a name.
 *
 * A row of the table saves the question to the cluster; what is not in it is asked for (discovery.c).
 */
#include <errno.h>
#include <string.h>

#include "cloud/kubernetes/kubernetes-internal.h"
#include "common/encode.h"

#define NAME_MAX_BYTES 253u

static const struct kube_resource resources[] = {
    {"v1", "ConfigMap", "configmaps", true},
    {"v1", "Event", "events", true},
    {"v1", "Namespace", "namespaces", false},
    {"v1", "PersistentVolumeClaim", "persistentvolumeclaims", true},
    {"v1", "Pod", "pods", true},
    {"v1", "Secret", "secrets", true},
    {"v1", "Service", "services", true},
    {"v1", "ServiceAccount", "serviceaccounts", true},
    {"apps/v1", "DaemonSet", "daemonsets", true},
    {"apps/v1", "Deployment", "deployments", true},
    {"apps/v1", "ReplicaSet", "replicasets", true},
    {"apps/v1", "StatefulSet", "statefulsets", true},
    {"authorization.k8s.io/v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", false},
    {"autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true},
    {"batch/v1", "CronJob", "cronjobs", true},
    {"batch/v1", "Job", "jobs", true},
    {"networking.k8s.io/v1", "Ingress", "ingresses", true},
    {"networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", true},
    {"policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", true},
    {"rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", false},
    {"rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings", false},
    {"rbac.authorization.k8s.io/v1", "Role", "roles", true},
    {"rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings", true},
};

const struct kube_resource *kube_resource_known(const char *api_version, const char *kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(resources); i++) {
        if (str_equal(resources[i].kind, kind) && str_equal(resources[i].api_version, api_version))
            return &resources[i];
    }
    return NULL;
}

/* Lower-case letters, digits, dots and hyphens, beginning with a letter: nothing that moves in a path. */
static bool is_label(const char *text, size_t size)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";

    return size > 0 && size <= NAME_MAX_BYTES && text[0] >= 'a' && text[0] <= 'z' &&
           strspn(text, letters) >= size;
}

int kube_version_path(const char *api_version, char **ret, struct err *err)
{
    const char *slash = api_version ? strchr(api_version, '/') : NULL;
    const char *version = slash ? slash + 1 : api_version;

    if (!version || !is_label(version, strlen(version)) ||
        (slash && !is_label(api_version, (size_t)(slash - api_version))))
        return err_set(err, -EINVAL, ERR_INVALID, "\"%.80s\" is no apiVersion of Kubernetes",
                       api_version ? api_version : "");
    *ret = str_format("/%s/%s", slash ? "apis" : "api", api_version);
    return *ret ? 0 : err_no_memory(err);
}

/* The server's own rule for a segment of a path, which is wider than that for most names ("system:node"). */
static int check_name(const char *what, const char *name, struct err *err)
{
    if (*name && strlen(name) <= NAME_MAX_BYTES && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
        !strpbrk(name, "/%"))
        return 0;
    return err_set(err, -EINVAL, ERR_INVALID, "\"%.80s\" can not be the name of a %s", name, what);
}

static int check_namespace(const struct kube_resource *resource, const struct kubernetes_object *object,
                           bool all_namespaces, struct err *err)
{
    if (object->namespace && !resource->namespaced)
        return err_set(err, -EINVAL, ERR_INVALID, "a %s belongs to no namespace, but \"%.80s\" is given",
                       resource->kind, object->namespace);
    if (!object->namespace && resource->namespaced && !all_namespaces)
        return err_set(err, -EINVAL, ERR_INVALID, "a %s needs a namespace", resource->kind);
    return object->namespace ? check_name("namespace", object->namespace, err) : 0;
}

/* Append "/NAME", encoded. */
static void add_segment(struct buf *path, const char *name)
{
    char *encoded CLEANUP_FREE = encode_percent(name, false);

    if (encoded)
        (void)buf_addf(path, "/%s", encoded); /* a failed buffer stays failed */
    else
        path->failed = -ENOMEM;
}

int kube_object_path(const struct kube_resource *resource, const struct kubernetes_object *object,
                     bool all_namespaces, char **ret, struct err *err)
{
    struct buf path CLEANUP_BUF = BUF_INIT(4096);
    char *start CLEANUP_FREE = NULL;
    int r;

    r = kube_version_path(resource->api_version, &start, err);
    if (r == 0)
        r = check_namespace(resource, object, all_namespaces, err);
    if (r == 0 && object->name)
        r = check_name(resource->kind, object->name, err);
    if (r < 0)
        return r;
    (void)buf_add_text(&path, start);
    if (object->namespace) {
        (void)buf_add_text(&path, "/namespaces");
        add_segment(&path, object->namespace);
    }
    add_segment(&path, resource->plural);
    if (object->name)
        add_segment(&path, object->name);
    *ret = buf_take(&path);
    return *ret ? 0 : err_no_memory(err);
}
