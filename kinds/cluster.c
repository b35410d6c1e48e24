/*
 * cluster.c: objects inside a Kubernetes cluster: which one is meant, whose it is, and taking it away.
 *
 * An object is named by cluster, kind, namespace and name. The notes keep these: when the config gives it
 * another name, the old object is what is looked at until it is gone. Looking at many is in cluster_look.c.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/cluster-internal.h"
#include "kinds/registry-internal.h"

#define MARK_ANNOTATION "mlopsd.io/"

const struct field cluster_fields[] = {
    {
        .name = "name",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_IMMUTABLE,
        .doc = "Name of the EKS cluster.",
    },
    {
        .name = "endpoint",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_LOCAL,
        .doc = "Address of its API server.",
    },
    {
        .name = "certificate_authority",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_LOCAL,
        .doc = "The certificate authority that its API server answers to, base64 of PEM.",
    },
    {0},
};

struct kubernetes_cluster cluster_of(struct json_object *document)
{
    return (struct kubernetes_cluster){
        .name = js_text(document, "cluster.name"),
        .endpoint = js_text(document, "cluster.endpoint"),
        .certificate_authority = js_text(document, "cluster.certificate_authority"),
    };
}

/* ---- names ---- */

size_t group_length(const char *api_version)
{
    return strchr(api_version, '/') ? strcspn(api_version, "/") : 0;
}

bool same_group(const char *a, const char *b)
{
    return a && b && group_length(a) == group_length(b) && strncmp(a, b, group_length(a)) == 0;
}

char *target_id(const struct target *target)
{
    const struct kubernetes_object *object = &target->object;

    return str_format("%s/%s/%s%s%s", object->api_version, object->kind,
                      object->namespace ? object->namespace : "", object->namespace ? "/" : "", object->name);
}

char *target_name(const struct target *target)
{
    const struct kubernetes_object *object = &target->object;

    return str_format("%s %s%s%s", object->kind, object->namespace ? object->namespace : "",
                      object->namespace ? "/" : "", object->name);
}

int target_note(struct json_object *memory, const struct target *target)
{
    const struct kubernetes_object *object = &target->object;
    const struct kubernetes_cluster *cluster = &target->cluster;
    int r = js_set_text(memory, "object.apiVersion", object->api_version);

    if (r == 0)
        r = js_set_text(memory, "object.kind", object->kind);
    if (r == 0)
        r = js_set_text(memory, "object.namespace", object->namespace);
    if (r == 0)
        r = js_set_text(memory, "object.name", object->name);
    if (r == 0)
        r = js_set_text(memory, "cluster.name", cluster->name);
    if (r == 0)
        r = js_set_text(memory, "cluster.endpoint", cluster->endpoint);
    return r < 0 ? r : js_set_text(memory, "cluster.certificate_authority", cluster->certificate_authority);
}

struct target target_recorded(struct target wanted, const char *id, struct json_object *memory)
{
    struct target seen = {
        .cluster = cluster_of(memory),
        .object = {.api_version = js_text(memory, "object.apiVersion"),
                   .kind = js_text(memory, "object.kind"),
                   .namespace = js_text(memory, "object.namespace"),
                   .name = js_text(memory, "object.name")},
    };

    if (!id || !seen.object.api_version || !seen.object.kind || !seen.object.name || !seen.cluster.endpoint)
        return wanted;
    if (str_equal(seen.cluster.name, wanted.cluster.name))
        seen.cluster = wanted.cluster; /* it may have moved */
    if (same_group(seen.object.api_version, wanted.object.api_version) &&
        str_equal(seen.object.kind, wanted.object.kind))
        seen.object.api_version = wanted.object.api_version; /* another version shows the same object */
    return seen;
}

/* ---- whose it is ---- */

struct json_object *marks_read(struct json_object *live)
{
    struct json_object *annotations = js_get(live, "metadata.annotations"), *tags = json_object_new_object();

    if (!tags || !json_object_is_type(annotations, json_type_object))
        return tags;
    js_each (annotations, key, value) {
        char *tag CLEANUP_FREE = NULL;

        if (!str_starts(key, MARK_ANNOTATION))
            continue;
        tag = str_format(TAG_PREFIX "%s", key + strlen(MARK_ANNOTATION));
        if (!tag || js_put_key(tags, tag, json_object_get(value)) < 0) {
            json_object_put(tags);
            return NULL;
        }
    }
    return tags;
}

static int add_mark(struct json_object *annotations, const char *tag, struct json_object *take_value)
{
    char *key CLEANUP_FREE = str_format(MARK_ANNOTATION "%s", tag + strlen(TAG_PREFIX));

    if (key && take_value)
        return js_put_key(annotations, key, take_value);
    json_object_put(take_value);
    return -ENOMEM;
}

/* metadata.annotations, made where it is missing; borrowed; NULL without memory. */
static struct json_object *annotations_of(struct json_object *body)
{
    struct json_object *annotations = js_get(body, "metadata.annotations");

    if (annotations)
        return annotations;
    if (js_set(body, "metadata.annotations", json_object_new_object()) < 0)
        return NULL;
    return js_get(body, "metadata.annotations");
}

int marks_write(struct json_object *body, struct json_object *tags, const char *intent)
{
    struct json_object *annotations = annotations_of(body);
    int r = annotations ? 0 : -ENOMEM;

    js_each (tags, key, value) {
        if (r == 0 && value && str_starts(key, TAG_PREFIX))
            r = add_mark(annotations, key, json_object_get(value));
    }
    if (r == 0 && intent)
        r = add_mark(annotations, TAG_INTENT, json_object_new_string(intent));
    return r;
}

const char *marks_intent(struct json_object *observed)
{
    return tag_value(js_get(observed, "tags"), TAG_INTENT);
}

void marks_check(struct kind_check *check)
{
    if (js_get(check->document, "tags"))
        check->problem(check, "tags", "objects of a cluster have no tags: write labels or annotations");
}

/* ---- what every object has ---- */

int cluster_report(struct json_object *observed, const struct kind_item *item, const struct target *target,
                   struct json_object *live)
{
    struct json_object *tags = marks_read(live), *cluster = js_copy(js_get(item->desired, "cluster"));
    char *id CLEANUP_FREE = target_id(target);
    int r = tags ? js_put_key(observed, "tags", tags) : -ENOMEM;

    if (r < 0 || !cluster || !id) {
        json_object_put(cluster);
        return -ENOMEM;
    }
    r = js_put_key(observed, "cluster", cluster);
    if (r == 0)
        r = js_set_text(cluster, "name", target->cluster.name);
    if (r == 0)
        r = js_set_text(observed, "id", id);
    return r < 0 ? r : js_set_text(observed, "uid", js_text(live, "metadata.uid"));
}

/* A condition of a Namespace that says what holds it up. */
static const char *stuck_because(struct json_object *live)
{
    struct json_object *conditions = js_get(live, "status.conditions");

    for (size_t i = 0, count = js_count(conditions, NULL); i < count; i++) {
        struct json_object *condition = js_at(conditions, i);

        if (str_starts(js_text(condition, "type") ? js_text(condition, "type") : "", "Namespace") &&
            str_equal(js_text(condition, "status"), "True"))
            return js_text(condition, "message");
    }
    return NULL;
}

char *deletion_words(struct json_object *live)
{
    const char *why = stuck_because(live), *finalizer = js_text(live, "metadata.finalizers.0");

    if (!js_text(live, "metadata.deletionTimestamp"))
        return NULL;
    if (why)
        return str_format("being deleted: %s", why);
    if (finalizer)
        return str_format("being deleted: waits for %s", finalizer);
    return str_format("being deleted");
}

/* ---- calls ---- */

static char *fingerprint(void *data, const struct secret *value)
{
    struct kind_batch *batch = data;

    return batch->host->fingerprint(batch->host_data, value);
}

int cluster_ask(struct kind_batch *batch, enum kubernetes_verb verb, const struct target *target,
                struct json_object *body, struct kubernetes_answer *ret, struct err *err)
{
    const struct kubernetes_call call = {
        .verb = verb,
        .cluster = target->cluster,
        .object = target->object,
        .body = body,
        .fingerprint = fingerprint,
        .fingerprint_data = batch,
    };

    return batch_kubernetes(batch, &call, ret, err);
}

int cluster_send(struct kind_op *op, enum kubernetes_verb verb, const struct target *target,
                 struct json_object *body, struct kubernetes_answer *ret)
{
    const struct kubernetes_call call = {
        .verb = verb,
        .cluster = target->cluster,
        .object = target->object,
        .body = body,
    };

    return op_kubernetes(op, &call, ret);
}

int cluster_apply(struct kind_op *op, const struct kubernetes_call *call, struct kubernetes_answer *ret)
{
    int r = op_kubernetes(op, call, ret);

    if (r < 0 && op->err->class == ERR_INVALID && op->err->text && strstr(op->err->text, "immutable"))
        return err_wrap(op->err, r,
                        "this can not be changed in place: put it back as it was, or give the object another "
                        "name, and mlopsd makes a new one");
    return r;
}

/* ---- remove ---- */

/* {"kind": "DeleteOptions", ...}: the uid keeps a namesake safe that somebody made since. Owned. */
static struct json_object *delete_options(const char *uid)
{
    struct json_object *options = params_new("kind", "DeleteOptions", "apiVersion", "v1", "propagationPolicy",
                                             "Foreground", NULL);

    params_text(&options, "preconditions.uid", uid);
    return options;
}

/* Gone, or only its namesake is there? May wait. */
static int is_gone(struct kind_op *op, const struct target *target, const char *uid, bool *ret_gone,
                   char **ret_words)
{
    struct kubernetes_answer answer CLEANUP_KUBERNETES_ANSWER = {0};
    int r = cluster_send(op, KUBERNETES_GET, target, NULL, &answer);

    if (r < 0 && op->err->class != ERR_ABSENT)
        return r;
    *ret_gone = r < 0 || (uid && !str_equal(js_text(answer.body, "metadata.uid"), uid));
    if (r < 0)
        err_done(op->err);
    else
        *ret_words = deletion_words(answer.body);
    return 0;
}

const struct not_yet cluster_not_yet[] = {
    {.code = "NotFound", .text = "namespaces \"", .waiting_for = "the namespace to be there"},
    {0},
};

/* Others build on that it is really gone: a Service's load balancer stands in the VPC until then. */
int cluster_remove(struct kind_op *op, const struct target *target)
{
    const char *uid = js_text(op->observed, "uid");
    struct json_object *options CLEANUP_JS = delete_options(uid);
    struct kubernetes_answer answer CLEANUP_KUBERNETES_ANSWER = {0};
    char *name CLEANUP_FREE = target_name(target), *words CLEANUP_FREE = NULL;
    bool gone = false;
    int r;

    if (!options || !name)
        return err_no_memory(op->err);
    r = cluster_send(op, KUBERNETES_DELETE, target, options, &answer);
    if (r < 0 && op->err->class == ERR_ABSENT) {
        err_done(op->err);
        return 0;
    }
    if (r == 0)
        r = is_gone(op, target, uid, &gone, &words);
    if (r < 0 || gone)
        return r;
    return op_fail(op, -EAGAIN, ERR_NOT_YET, "waiting for %s to be gone%s%s", name, words ? ": " : "",
                   words ? words : "");
}
