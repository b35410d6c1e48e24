/*
 * kubernetes_manifest_wait.c: what is applied but not yet of use: a rollout under way, a load balancer without a name.
 *
 * The words are for a person who wonders why it takes so long: the reason of the pods is asked for, when there is one.
 */
#include <string.h>

#include "common/js.h"
#include "kinds/manifest-internal.h"

#define REASON_MAX_BYTES 512

static bool is_rollout_waited_for(struct json_object *desired)
{
    return str_equal(js_text(desired, "manifest.kind"), "Deployment") &&
           js_bool(desired, "wait_for.rollout", true);
}

static bool is_balancer_waited_for(struct json_object *desired)
{
    return str_equal(js_text(desired, "manifest.kind"), "Service") &&
           str_equal(js_text(desired, "manifest.spec.type"), "LoadBalancer") &&
           js_bool(desired, "wait_for.load_balancer", true);
}

bool manifest_waits(struct json_object *desired)
{
    return is_rollout_waited_for(desired) || is_balancer_waited_for(desired);
}

/* ---- pods ---- */

/* The waiting (or last ended) container of a pod: "ImagePullBackOff: Back-off pulling image ..."; owned. */
static char *trouble_in(struct json_object *statuses)
{
    for (size_t i = 0, count = js_count(statuses, NULL); i < count; i++) {
        struct json_object *waiting = js_get(js_at(statuses, i), "state.waiting");
        const char *reason = js_text(waiting, "reason"), *message = js_text(waiting, "message");

        if (!reason || str_equal(reason, "ContainerCreating") || str_equal(reason, "PodInitializing"))
            continue;
        return str_format("%s%s%.*s", reason, message ? ": " : "", REASON_MAX_BYTES, message ? message : "");
    }
    return NULL;
}

/* "no node has room: 0/2 nodes are available"; owned. */
static char *scheduling_trouble(struct json_object *pod)
{
    struct json_object *conditions = js_get(pod, "status.conditions");

    for (size_t i = 0, count = js_count(conditions, NULL); i < count; i++) {
        struct json_object *condition = js_at(conditions, i);

        if (str_equal(js_text(condition, "type"), "PodScheduled") &&
            str_equal(js_text(condition, "status"), "False"))
            return str_format("%s: %.*s",
                              js_text(condition, "reason") ? js_text(condition, "reason") : "Pending",
                              REASON_MAX_BYTES,
                              js_text(condition, "message") ? js_text(condition, "message") : "no node yet");
    }
    return NULL;
}

static bool has_labels(struct json_object *pod, struct json_object *labels)
{
    struct json_object *own = js_get(pod, "metadata.labels");

    js_each (labels, key, value) {
        struct json_object *other = NULL;

        if (!json_object_object_get_ex(own, key, &other) || !js_equal(value, other))
            return false;
    }
    return true;
}

/* What keeps the pods of a Deployment from running; owned; NULL when nothing is told or may be asked. May wait. */
static char *trouble_of_pods(struct kind_batch *batch, const struct target *target, struct json_object *live)
{
    struct kubernetes_answer answer CLEANUP_KUBERNETES_ANSWER = {0};
    struct json_object *labels = js_get(live, "spec.selector.matchLabels"), *pods;
    struct target list = {
        .cluster = target->cluster,
        .object = {.api_version = "v1", .kind = "Pod", .namespace = target->object.namespace}};
    struct err err CLEANUP_ERR = {0}; /* the reason is an extra: without it the numbers are told */

    if (!labels || cluster_ask(batch, KUBERNETES_LIST, &list, NULL, &answer, &err) < 0)
        return NULL;
    pods = js_get(answer.body, "items");
    for (size_t i = 0, count = js_count(pods, NULL); i < count; i++) {
        struct json_object *pod = js_at(pods, i);
        char *trouble;

        if (!has_labels(pod, labels) || js_text(pod, "metadata.deletionTimestamp"))
            continue;
        trouble = trouble_in(js_get(pod, "status.initContainerStatuses"));
        if (!trouble)
            trouble = trouble_in(js_get(pod, "status.containerStatuses"));
        if (!trouble)
            trouble = scheduling_trouble(pod);
        if (trouble)
            return trouble;
    }
    return NULL;
}

/* ---- rollout ---- */

/* The message of a condition that has this status; NULL when it has not. Borrowed. */
static const char *condition_message(struct json_object *live, const char *type, const char *status,
                                     const char *reason)
{
    struct json_object *conditions = js_get(live, "status.conditions");

    for (size_t i = 0, count = js_count(conditions, NULL); i < count; i++) {
        struct json_object *condition = js_at(conditions, i);

        if (str_equal(js_text(condition, "type"), type) && str_equal(js_text(condition, "status"), status) &&
            (!reason || str_equal(js_text(condition, "reason"), reason)))
            return js_text(condition, "message") ? js_text(condition, "message") : type;
    }
    return NULL;
}

static bool is_rolled_out(struct json_object *live)
{
    int64_t wanted = js_int(live, "spec.replicas", 1);

    return js_int(live, "status.observedGeneration", 0) >= js_int(live, "metadata.generation", 0) &&
           js_int(live, "status.updatedReplicas", 0) == wanted &&
           js_int(live, "status.replicas", 0) == wanted &&
           js_int(live, "status.availableReplicas", 0) == wanted;
}

static int64_t ready_new_pods(struct json_object *live)
{
    int64_t updated = js_int(live, "status.updatedReplicas", 0);
    int64_t available = js_int(live, "status.availableReplicas", 0);

    return available < updated ? available : updated;
}

/* The controller keeps trying after its deadline, and so do we; but a person should know. */
static char *rollout_words(struct kind_batch *batch, const struct target *target, struct json_object *live)
{
    const char *deadline = condition_message(live, "Progressing", "False", "ProgressDeadlineExceeded");
    const char *refused = condition_message(live, "ReplicaFailure", "True", NULL);
    char *trouble CLEANUP_FREE = NULL;

    if (!refused)
        trouble = trouble_of_pods(batch, target, live);
    return str_format("%s %lld/%lld%s%s", deadline ? "the rollout failed:" : "rolling out",
                      (long long)ready_new_pods(live), (long long)js_int(live, "spec.replicas", 1),
                      refused || trouble || deadline ? ": " : "",
                      refused    ? refused
                      : trouble  ? trouble
                      : deadline ? deadline
                                 : "");
}

char *manifest_waiting(struct kind_batch *batch, struct json_object *desired, const struct target *target,
                       struct json_object *live)
{
    if (is_rollout_waited_for(desired) && !is_rolled_out(live))
        return rollout_words(batch, target, live);
    if (is_balancer_waited_for(desired) && !js_text(live, "status.loadBalancer.ingress.0.hostname"))
        return str_format("waiting for the load balancer's name");
    return NULL;
}
