/*
 * kubernetes_secret.c: a Secret inside a cluster. Its values are read as fingerprints and sent from locked memory; no
 * document, log or message ever holds one.
 *
 * Keys that nobody declared are taken out; labels and annotations of others are left alone. Pods do not notice that a
 * value changed: data_digest, put into a pod template's annotation, rolls them.
 * Ways to fail: the namespace is not there yet; somebody made the Secret immutable.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "kinds/cluster-internal.h"
#include "kinds/registry-internal.h"

/* ---- the table ---- */

static const struct field fields[] = {
    {
        .name = "cluster",
        .type = FIELD_OBJECT,
        .flags = FIELD_REQUIRED | FIELD_KEY,
        .members = cluster_fields,
        .doc = CLUSTER_DOC,
    },
    {
        .name = "namespace",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE,
        .doc = "Namespace it stands in.",
    },
    {
        .name = "name",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE,
        .doc = "Name of the Secret.",
    },
    {
        .name = "type",
        .type = FIELD_STRING,
        .flags = FIELD_IMMUTABLE,
        .fallback = "\"Opaque\"",
        .doc = "What the Secret is for: it decides which keys must be there.",
    },
    {
        .name = "data",
        .type = FIELD_MAP,
        .element = FIELD_SECRET,
        .flags = FIELD_EXCLUSIVE | FIELD_SECURITY | FIELD_SENSITIVE,
        .fallback = "{}",
        .doc = "The values by key, as they are (not in base64); keys not named here are removed.",
    },
    {
        .name = "labels",
        .type = FIELD_MAP,
        .element = FIELD_STRING,
        .doc = "Labels; those not named here are left alone.",
    },
    {
        .name = "annotations",
        .type = FIELD_MAP,
        .element = FIELD_STRING,
        .doc = "Annotations; those not named here are left alone.",
    },
    MARKS_ROW,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "id", .type = FIELD_STRING, .doc = "v1/Secret, namespace and name."},
    {.name = "uid", .type = FIELD_STRING, .doc = "The cluster's id of this very Secret."},
    {.name = "data_digest",
     .type = FIELD_STRING,
     .doc =
         "Changes with every declared value and tells nothing of it: for an annotation of a pod template."},
    {0},
};

static struct target target_of(struct json_object *document)
{
    return (struct target){
        .cluster = cluster_of(document),
        .object = {.api_version = "v1",
                   .kind = "Secret",
                   .namespace = js_text(document, "namespace"),
                   .name = js_text(document, "name")},
    };
}

/* ---- checking ---- */

#define KEY_ALPHABET "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

static void check(struct kind_check *check)
{
    struct json_object *data = js_get(check->document, "data");

    marks_check(check);
    if (!json_object_is_type(data, json_type_object))
        return;
    js_each (data, key, value) {
        (void)value; /* its own row checks it */
        if (!*key || key[strspn(key, KEY_ALPHABET)])
            check->problem(check, "data", "\"%s\": a key has letters, digits and any of - _ .", key);
    }
}

/* ---- the digest ---- */

/* Of what is declared, so that a value changed by hand rolls nothing; NULL while one is not known. Owned. */
static char *data_digest(const struct kind_host *host, void *host_data, struct json_object *desired)
{
    struct json_object *data = js_get(desired, "data");
    char *text CLEANUP_FREE = NULL;
    struct secret *all CLEANUP_SECRET = NULL;

    js_each (data, key, value) {
        (void)key;
        if (!js_text(value, "secret"))
            return NULL;
    }
    text = data ? js_canonical(data) : NULL;
    all = text ? secret_new_text(text) : NULL; /* of fingerprints: the host's key makes one more of them */
    return all ? host->fingerprint(host_data, all) : NULL;
}

/* ---- looking ---- */

/* A copy of a map of the object, without our marks; owned; NULL without memory. */
static struct json_object *plain_map(struct json_object *map)
{
    struct json_object *copied = json_object_is_type(map, json_type_object) ? js_copy(map)
                                                                            : json_object_new_object();

    js_each (copied, key, value) {
        (void)value;
        if (str_starts(key, "mlopsd.io/"))
            json_object_object_del(copied, key); /* the current one may go */
    }
    return copied;
}

static struct json_object *observed_of(struct kind_batch *batch, const struct kind_item *item,
                                       const struct target *target, struct json_object *live)
{
    struct json_object *observed = params_new("namespace", target->object.namespace, "name",
                                              target->object.name, "type", js_text(live, "type"), NULL);
    char *digest CLEANUP_FREE = data_digest(batch->host, batch->host_data, item->desired);

    params_set(&observed, "data", plain_map(js_get(live, "data")));
    params_set(&observed, "labels", plain_map(js_get(live, "metadata.labels")));
    params_set(&observed, "annotations", plain_map(js_get(live, "metadata.annotations")));
    params_text(&observed, "data_digest", digest);
    if (observed && cluster_report(observed, item, target, live) == 0)
        return observed;
    json_object_put(observed);
    return NULL;
}

static struct json_object *notes_of(const struct target *target)
{
    struct json_object *memory = json_object_new_object();

    if (memory && target_note(memory, target) == 0)
        return memory;
    json_object_put(memory);
    return NULL;
}

static void take(struct kind_batch *batch, struct kind_item *item, const struct target *target,
                 struct json_object *live)
{
    struct json_object *observed = observed_of(batch, item, target, live);
    char *id CLEANUP_FREE = target_id(target), *deletion CLEANUP_FREE = deletion_words(live);
    struct err err CLEANUP_ERR = {0};

    item->ret_memory = notes_of(target); /* not noted: the next look notes it */
    item->created_wall_ms = answer_time_ms(live, "metadata.creationTimestamp");
    if (!observed || !id) {
        json_object_put(observed);
        (void)err_no_memory(&err);
        batch_unknown(item, &err);
    } else if (deletion) {
        batch_settling(item, id, observed, deletion);
    } else {
        batch_present(item, id, observed);
    }
}

static void look_at(struct kind_batch *batch, struct kind_item *item)
{
    static const struct cluster_look look = {.target = target_of, .take = take};

    cluster_look_at(batch, item, &look);
}

static int observe(struct kind_batch *batch)
{
    return batch_each(batch, CLUSTER_AT_ONCE, look_at);
}

/* ---- writing ---- */

/* The values of one apply. */
struct values {
    struct kubernetes_hidden *hidden;
    struct secret **secrets;
    const char *(*paths)[3];
    size_t count;
};

static void values_done(struct values *values)
{
    for (size_t i = 0; i < values->count; i++)
        secret_free(values->secrets[i]);
    free(values->hidden);
    free(values->secrets);
    free(values->paths);
}

static int add_value(struct kind_op *op, struct values *values, const char *key)
{
    char *field CLEANUP_FREE = str_format("data.%s", key);
    struct secret *value = NULL;
    size_t i = values->count;
    int r = field ? op_secret(op, field, &value) : err_no_memory(op->err);

    if (r < 0)
        return r;
    values->secrets[i] = value;
    values->paths[i][0] = "data";
    values->paths[i][1] = key;
    values->paths[i][2] = NULL;
    values->hidden[i] = (struct kubernetes_hidden){.path = values->paths[i], .value = value};
    values->count++;
    return 0;
}

static int collect(struct kind_op *op, struct values *values)
{
    struct json_object *data = js_get(op->desired, "data");
    size_t count = json_object_is_type(data, json_type_object) ? (size_t)json_object_object_length(data) : 0;
    int r = 0;

    values->hidden = calloc(count + 1, sizeof(*values->hidden));
    values->secrets = calloc(count + 1, sizeof(*values->secrets));
    values->paths = calloc(count + 1, sizeof(*values->paths));
    if (!values->hidden || !values->secrets || !values->paths)
        return err_no_memory(op->err);
    js_each (data, key, value) {
        (void)value; /* its fingerprint: the value itself is the host's to give */
        if (r == 0)
            r = add_value(op, values, key);
    }
    return r;
}

/* The object without its values; owned; NULL without memory. */
static struct json_object *body_of(struct kind_op *op, const char *intent)
{
    struct json_object *body = params_new("apiVersion", "v1", "kind", "Secret", "type", op_text(op, "type"),
                                          NULL);
    struct json_object *labels = js_get(op->desired, "labels"),
                       *annotations = js_get(op->desired, "annotations");

    params_text(&body, "metadata.name", op_text(op, "name"));
    params_text(&body, "metadata.namespace", op_text(op, "namespace"));
    if (labels)
        params_set(&body, "metadata.labels", js_copy(labels));
    if (annotations)
        params_set(&body, "metadata.annotations", js_copy(annotations));
    if (body && marks_write(body, js_get(op->desired, "tags"), intent) == 0)
        return body;
    json_object_put(body);
    return NULL;
}

static int report_digest(struct kind_op *op)
{
    char *digest CLEANUP_FREE = data_digest(op->host, op->host_data, op->desired);

    return digest ? op_attribute_text(op, "data_digest", digest) : err_no_memory(op->err);
}

/* May wait. */
static int apply(struct kind_op *op, const char *intent, struct kubernetes_answer *ret)
{
    struct target target = target_of(op->desired);
    struct json_object *body CLEANUP_JS = body_of(op, intent), *memory;
    struct values values CLEANUP(values_done) = {0};
    struct kubernetes_call call = {
        .verb = KUBERNETES_APPLY, .cluster = target.cluster, .object = target.object, .body = body};
    int r = body ? collect(op, &values) : err_no_memory(op->err);

    if (r < 0)
        return r;
    call.hidden = values.hidden;
    call.hidden_count = values.count;
    r = cluster_apply(op, &call, ret);
    if (r < 0)
        return r;
    memory = notes_of(&target);
    if (!memory)
        return err_no_memory(op->err);
    op_remember(op, memory);
    return report_digest(op);
}

static int create(struct kind_op *op)
{
    struct kubernetes_answer answer CLEANUP_KUBERNETES_ANSWER = {0};
    struct target target = target_of(op->desired);
    char *id CLEANUP_FREE = target_id(&target);
    int r;

    if (!id)
        return err_no_memory(op->err);
    r = apply(op, op->intent, &answer);
    if (r == 0)
        r = op_created(op, id);
    if (r == 0)
        r = op_attribute_text(op, "id", id);
    return r < 0 ? r : op_attribute_text(op, "uid", js_text(answer.body, "metadata.uid"));
}

static int add_removal(struct json_object *patch, const char *key)
{
    char *pointer CLEANUP_FREE = str_format("/data/%s", key); /* no key needs an escape */
    struct json_object *entry = params_new("op", "remove", "path", pointer, NULL);

    if (pointer && entry && json_object_array_add(patch, entry) == 0)
        return 0;
    json_object_put(entry);
    return -ENOMEM;
}

/* What an apply leaves: keys that others own. May wait. */
static int remove_others(struct kind_op *op, struct json_object *left)
{
    struct json_object *patch CLEANUP_JS = json_object_new_array(), *wanted = js_get(op->desired, "data");
    struct target target = target_of(op->desired);
    int r = patch ? 0 : -ENOMEM;

    js_each (left, key, value) {
        (void)value;
        if (r == 0 && !json_object_object_get_ex(wanted, key, NULL))
            r = add_removal(patch, key);
    }
    if (r < 0)
        return err_no_memory(op->err);
    return js_count(patch, NULL) > 0 ? cluster_send(op, KUBERNETES_PATCH, &target, patch, NULL) : 0;
}

static int update(struct kind_op *op, const struct diff *diff)
{
    struct kubernetes_answer answer CLEANUP_KUBERNETES_ANSWER = {0};
    int r = apply(op, marks_intent(op->observed), &answer);

    if (r == 0 && diff_has(diff, "data"))
        r = remove_others(op, js_get(answer.body, "data"));
    return r;
}

static int remove_secret(struct kind_op *op)
{
    struct target target = target_recorded(target_of(op->desired), op->id, op->memory);

    if (!target.object.name)
        return op_fail(op, -EINVAL, ERR_BUG, "nothing is noted that says which Secret it was");
    return cluster_remove(op, &target);
}

const struct kind kubernetes_secret_kind = {
    .type = "kubernetes_secret",
    .provider = PROVIDER_KUBERNETES,
    .doc = "A Secret inside a Kubernetes cluster, with its values.",
    .fields = fields,
    .attributes = attributes,
    .not_yet = cluster_not_yet,
    .pace =
        {.first_look_ms = 1000, .every_ms = 3000, .give_up_ms = 300000, .grace_ms = 5000, .usual_ms = 500},
    .check = check,
    .observe = observe,
    .create = create,
    .update = update,
    .remove = remove_secret,
};
