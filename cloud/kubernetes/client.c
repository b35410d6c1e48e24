/*
 * client.c: one call to a cluster: find its path, make its message, have it answered, take its secrets out.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "cloud/kubernetes/kubernetes-internal.h"
#include "common/js.h"

/* Who owns what an apply sets, and: unknown fields are mistakes, not wishes. */
#define AS_MANAGER "?fieldManager=" KUBERNETES_FIELD_MANAGER "&fieldValidation=Strict"

static const struct verb {
    const char *word, *method;
    const char *query; /* of the path; LIST writes its own */
    const char *content_type;
    bool writes, repeatable, has_body, has_name;
} verbs[KUBERNETES_VERB_MAX] = {
    [KUBERNETES_GET] = {"read", "GET", .repeatable = true, .has_name = true},
    [KUBERNETES_LIST] = {"list", "GET", .repeatable = true},
    [KUBERNETES_APPLY] = {"apply", "PATCH", AS_MANAGER "&force=true", "application/apply-patch+yaml",
                          .writes = true, .repeatable = true, .has_body = true, .has_name = true},
    [KUBERNETES_DRY_RUN] = {"compare", "PATCH", AS_MANAGER "&dryRun=All", "application/apply-patch+yaml",
                            .repeatable = true, .has_body = true, .has_name = true},
    [KUBERNETES_PATCH] = {"patch", "PATCH", AS_MANAGER, "application/json-patch+json", .writes = true,
                          .has_body = true, .has_name = true},
    [KUBERNETES_DELETE] = {"delete", "DELETE", NULL, "application/json", .writes = true, .repeatable = true,
                           .has_body = true, .has_name = true},
    [KUBERNETES_CREATE] = {"ask", "POST", NULL, "application/json", .repeatable = true, .has_body = true},
};

/* ---- making and freeing ---- */

int kubernetes_new(const struct kubernetes_options *options, struct kubernetes **ret, struct err *err)
{
    struct kubernetes *kubernetes = calloc(1, sizeof(*kubernetes));

    assert(options->http && options->clock && options->fibers && options->aws);
    if (!kubernetes)
        return err_no_memory(err);
    kubernetes->http = options->http;
    kubernetes->clock = options->clock;
    kubernetes->fibers = options->fibers;
    kubernetes->aws = options->aws;
    kubernetes->gate = options->gate;
    kubernetes->gate_data = options->gate_data;
    *ret = kubernetes;
    return 0;
}

struct kubernetes *kubernetes_free(struct kubernetes *kubernetes)
{
    if (!kubernetes)
        return NULL;
    kube_clusters_free(kubernetes);
    free(kubernetes);
    return NULL;
}

uint64_t kubernetes_calls_sent(const struct kubernetes *kubernetes)
{
    return kubernetes->sent;
}

bool kubernetes_writes(enum kubernetes_verb verb)
{
    return verbs[verb].writes;
}

void kubernetes_answer_done(struct kubernetes_answer *answer)
{
    json_object_put(answer->body);
    *answer = (struct kubernetes_answer){0};
}

char *kubernetes_call_name(const struct kubernetes_call *call)
{
    const struct kubernetes_object *object = &call->object;
    bool both = object->namespace && object->name;

    return str_format("%s %.80s%s%.253s%s%.253s", verbs[call->verb].word, object->kind ? object->kind : "?",
                      object->namespace || object->name ? " " : "",
                      object->namespace ? object->namespace : "", both ? "/" : "",
                      object->name ? object->name : "");
}

/* ---- one call ---- */

/* POST stores what it carries, except where it only asks: it is a read for these alone. */
static bool only_asks(const char *api_version)
{
    return str_starts(api_version, "authorization.k8s.io/") ||
           str_starts(api_version, "authentication.k8s.io/");
}

static int check_call(const struct kubernetes_call *call, const char *name, struct err *err)
{
    const struct verb *verb = &verbs[call->verb];
    const struct kubernetes_object *object = &call->object;

    if (str_empty(object->api_version) || str_empty(object->kind))
        return err_set(err, -EINVAL, ERR_INVALID, "%s: apiVersion and kind must be given", name);
    if (verb->has_name != (object->name != NULL))
        return err_set(err, -EINVAL, ERR_BUG, "%s: %s", name,
                       verb->has_name ? "which one is not said" : "asked for one by its name");
    if (verb->has_body && !call->body && call->verb != KUBERNETES_DELETE)
        return err_set(err, -EINVAL, ERR_BUG, "%s: there is nothing to send", name);
    if (call->verb == KUBERNETES_CREATE && !only_asks(object->api_version))
        return err_set(err, -EINVAL, ERR_BUG, "%s: only reviews are created, the rest is applied", name);
    return 0;
}

/* May wait (discovery). */
static int find_path(struct kubernetes *kubernetes, struct kube_cluster *cluster,
                     const struct kubernetes_call *call, char **ret, struct err *err)
{
    const struct kubernetes_object *object = &call->object;
    const struct kube_resource *resource = kube_resource_known(object->api_version, object->kind);
    int r = 0;

    if (!resource)
        r = kube_discover(kubernetes, cluster, object, &resource, err);
    if (r == 0)
        r = kube_object_path(resource, object, call->verb == KUBERNETES_LIST, ret, err);
    return r;
}

/* May wait. */
static int call_one(struct kubernetes *kubernetes, const struct kubernetes_call *call,
                    const struct kube_request *request, struct kubernetes_answer *ret, struct err *err)
{
    struct buf body CLEANUP(buf_wipe) = BUF_INIT(KUBE_BODY_MAX);
    struct http_answer answer CLEANUP_ANSWER = {0};
    struct json_object *object CLEANUP_JS = NULL;
    struct kube_request this = *request;
    int r = 0;

    if (verbs[call->verb].has_body) {
        r = kube_message(call, &body, err);
        if (r < 0)
            return err_wrap(err, r, "%s", request->name);
        this.body = &body;
    }
    r = kube_exchange(kubernetes, &this, &answer, err);
    if (r == 0)
        r = kube_answer_object(request->name, &answer, &object, err);
    if (r == 0)
        r = kube_redact(call, object, err);
    if (r == 0)
        *ret = (struct kubernetes_answer){.status = answer.status, .body = TAKE(object)};
    return r;
}

/* May wait. */
static int call_cluster(struct kubernetes *kubernetes, struct kube_cluster *cluster,
                        const struct kubernetes_call *call, const char *name, struct kubernetes_answer *ret,
                        struct err *err)
{
    const struct verb *verb = &verbs[call->verb];
    char *object_path CLEANUP_FREE = NULL;
    char *path CLEANUP_FREE = NULL;
    struct kube_request request = {
        .cluster = cluster,
        .name = name,
        .method = verb->method,
        .content_type = verb->content_type,
        .writes = verb->writes,
        .repeatable = verb->repeatable,
        .quiet = call->hidden_count > 0,
        .conflict_answers = call->verb == KUBERNETES_DRY_RUN,
    };
    int r;

    r = find_path(kubernetes, cluster, call, &object_path, err);
    if (r < 0)
        return err_wrap(err, r, "%s", name);
    path = str_format("%s%s", object_path, verb->query ? verb->query : "");
    if (!path)
        return err_no_memory(err);
    request.path = path;
    return call->verb == KUBERNETES_LIST ? kube_list(kubernetes, call, &request, ret, err)
                                         : call_one(kubernetes, call, &request, ret, err);
}

/* Nobody answers at a young cluster's address, or its name is not in the DNS yet. */
static bool is_not_up_yet(const struct kubernetes_call *call, const struct err *err)
{
    return call->cluster.young && err->class == ERR_RETRY &&
           (err->code == -ECONNREFUSED || err->code == -EHOSTUNREACH || err->code == -ETIMEDOUT);
}

int kubernetes_call(struct kubernetes *kubernetes, const struct kubernetes_call *call,
                    struct kubernetes_answer *ret, struct err *err)
{
    char *name CLEANUP_FREE = kubernetes_call_name(call);
    struct err failure CLEANUP_ERR = {0};
    struct kube_cluster *cluster;
    int r;

    assert((unsigned)call->verb < KUBERNETES_VERB_MAX);
    if (!name)
        return err_no_memory(err);
    r = check_call(call, name, err);
    if (r < 0)
        return r;
    r = kube_cluster_enter(kubernetes, &call->cluster, &cluster, err);
    if (r < 0)
        return err_wrap(err, r, "%s", name);
    r = call_cluster(kubernetes, cluster, call, name, ret, &failure);
    if (r < 0 && failure.class == ERR_INVALID)
        kube_discovery_forget(cluster); /* a kind that is served no longer, perhaps under another name */
    kube_cluster_leave(cluster);
    if (r == 0)
        return 0;
    if (is_not_up_yet(call, &failure))
        failure.class = ERR_NOT_YET;
    if (err)
        err_move(err, &failure);
    return r;
}
