/*
 * discovery.c: how a cluster calls the kinds that the table does not know: its answer to GET /apis/GROUP/VERSION.
 *
 * What it names is remembered. What it does not name is not: a definition may be added at any time.
 */
#include <errno.h>
#include <string.h>

#include "cloud/kubernetes/kubernetes-internal.h"
#include "common/js.h"

static void found_free(struct kube_found *found)
{
    free(found->api_version);
    free(found->kind);
    free(found->plural);
    free(found);
}

void kube_discovery_forget(struct kube_cluster *cluster)
{
    while (cluster->found) {
        struct kube_found *found = cluster->found;

        cluster->found = found->next;
        found_free(found);
    }
}

static const struct kube_resource *remembered(const struct kube_cluster *cluster,
                                              const struct kubernetes_object *object)
{
    for (const struct kube_found *found = cluster->found; found; found = found->next) {
        if (str_equal(found->kind, object->kind) && str_equal(found->api_version, object->api_version))
            return &found->resource;
    }
    return NULL;
}

static const struct kube_resource *remember(struct kube_cluster *cluster,
                                            const struct kubernetes_object *object, struct json_object *row)
{
    struct kube_found *found = calloc(1, sizeof(*found));

    if (!found)
        return NULL;
    if (str_set(&found->api_version, object->api_version) < 0 || str_set(&found->kind, object->kind) < 0 ||
        str_set(&found->plural, js_text(row, "name")) < 0) {
        found_free(found);
        return NULL;
    }
    found->resource = (struct kube_resource){
        .api_version = found->api_version,
        .kind = found->kind,
        .plural = found->plural,
        .namespaced = js_bool(row, "namespaced", false),
    };
    found->next = cluster->found;
    cluster->found = found;
    return &found->resource;
}

/* The row of a kind; "pods/log" and the like are parts of others. Borrowed, NULL when there is none. */
static struct json_object *find_row(struct json_object *list, const char *kind)
{
    struct json_object *rows = js_get(list, "resources");

    for (size_t i = 0; i < js_count(rows, NULL); i++) {
        struct json_object *row = js_at(rows, i);
        const char *name = js_text(row, "name");

        if (!str_empty(name) && !strchr(name, '/') && str_equal(js_text(row, "kind"), kind))
            return row;
    }
    return NULL;
}

static int unknown_kind(const struct kubernetes_object *object, struct err *err)
{
    return err_set(
        err, -EINVAL, ERR_INVALID,
        "the cluster knows no %.80s of %.80s: is its definition (CRD) installed, are kind and apiVersion "
        "spelt right?",
        object->kind, object->api_version);
}

/* May wait. *ret stays NULL where the cluster has no such group or version. */
static int ask(struct kubernetes *kubernetes, struct kube_cluster *cluster, const char *api_version,
               struct json_object **ret, struct err *err)
{
    struct http_answer answer CLEANUP_ANSWER = {0};
    struct err failure CLEANUP_ERR = {0};
    char *path CLEANUP_FREE = NULL;
    struct kube_request request = {
        .cluster = cluster, .name = "ask for the kinds", .method = "GET", .repeatable = true};
    int r;

    r = kube_version_path(api_version, &path, err);
    if (r < 0)
        return r;
    request.path = path;
    r = kube_exchange(kubernetes, &request, &answer, &failure);
    if (r == 0)
        return kube_answer_object(request.name, &answer, ret, err);
    if (answer.status == 404)
        return 0;
    if (err)
        err_move(err, &failure);
    return r;
}

int kube_discover(struct kubernetes *kubernetes, struct kube_cluster *cluster,
                  const struct kubernetes_object *object, const struct kube_resource **ret, struct err *err)
{
    struct json_object *list CLEANUP_JS = NULL, *row;
    int r;

    *ret = remembered(cluster, object);
    if (*ret)
        return 0;
    r = ask(kubernetes, cluster, object->api_version, &list, err);
    if (r < 0)
        return r;
    row = find_row(list, object->kind);
    if (!row)
        return unknown_kind(object, err);
    *ret = remembered(cluster, object); /* another call may have asked meanwhile */
    if (!*ret)
        *ret = remember(cluster, object, row);
    return *ret ? 0 : err_no_memory(err);
}
