/*
 * redact.c: a Secret's values leave no answer. In their place stands what the caller makes of each.
 *
 * Everything that holds them is treated: the values themselves, and the annotation in which "kubectl apply" keeps
 * the whole object as it was written. What is taken out is overwritten in the tree before it is released; the text
 * of the answer is wiped by http_answer_done().
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "cloud/kubernetes/kubernetes-internal.h"
#include "common/encode.h"
#include "common/js.h"

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

/* 0 with *ret NULL for what is no base64 and where nobody asks. */
static int fingerprint(const struct kubernetes_call *call, struct json_object *value, char **ret)
{
    struct secret *secret CLEANUP_SECRET = NULL;
    unsigned char *bytes = NULL;
    size_t size = 0;
    int r;

    *ret = NULL;
    if (!call->fingerprint || !json_object_is_type(value, json_type_string))
        return 0;
    r = decode_base64(json_object_get_string(value), &bytes, &size);
    if (r < 0)
        return r == -ENOMEM ? r : 0;
    secret = secret_new(bytes, size);
    sodium_memzero(bytes, size);
    free(bytes);
    if (!secret)
        return -ENOMEM;
    *ret = call->fingerprint(call->fingerprint_data, secret);
    return *ret ? 0 : -ENOMEM;
}

/* {"secret": TEXT}; owned. */
static struct json_object *stand_in(const char *text)
{
    struct json_object *object CLEANUP_JS = json_object_new_object();

    if (!object || js_set_text(object, "secret", text) < 0)
        return NULL;
    return TAKE(object);
}

static int redact_values(const struct kubernetes_call *call, struct json_object *secret, const char *member)
{
    struct json_object *data = js_get(secret, member);

    if (!json_object_is_type(data, json_type_object))
        return 0;
    js_each (data, key, value) {
        char *text CLEANUP_FREE = NULL;
        int r = fingerprint(call, value, &text);
        struct json_object *instead = r == 0 ? stand_in(text) : NULL;

        js_wipe_text(value);
        if (!instead ||
            js_put_key(data, key, instead) < 0) /* an existing key: the walk goes on undisturbed */
            return -ENOMEM;
    }
    return 0;
}

static int redact_one(const struct kubernetes_call *call, struct json_object *secret)
{
    struct json_object *annotations = js_get(secret, "metadata.annotations"), *applied = NULL;

    if (json_object_object_get_ex(annotations, LAST_APPLIED, &applied)) {
        js_wipe_text(applied);
        json_object_object_del(annotations, LAST_APPLIED);
    }
    if (redact_values(call, secret, "data") < 0)
        return -ENOMEM;
    return redact_values(call, secret, "stringData");
}

/* By what was asked for and by what came: one of them is enough. */
static bool holds_secrets(const struct kubernetes_call *call, struct json_object *body)
{
    const char *kind = js_text(body, "kind");

    return str_equal(call->object.kind, "Secret") || str_equal(kind, "Secret") ||
           str_equal(kind, "SecretList");
}

int kube_redact(const struct kubernetes_call *call, struct json_object *body, struct err *err)
{
    struct json_object *items = js_get(body, "items");
    int r;

    if (!holds_secrets(call, body))
        return 0;
    r = redact_one(call, body);
    for (size_t i = 0; r == 0 && i < js_count(items, NULL); i++)
        r = redact_one(call, js_at(items, i));
    return r < 0 ? err_no_memory(err) : 0;
}
