/*
 * fuzz_kubernetes_answer.c: no answer of an API server does harm, as an object or as a refusal; an absence is never
 * guessed, and no value of a Secret comes through.
 *
 * First byte: which status; the rest is the body.
 */
#include <ctype.h>
#include <string.h>

#include "cloud/kubernetes/kubernetes-internal.h"
#include "common/js.h"
#include "common/utf8.h"
#include "fuzz_main.h"

static void check_line(const struct err *err)
{
    FUZZ_CHECK(err->code < 0);
    FUZZ_CHECK(str_starts(err->text, "read X: "));
    FUZZ_CHECK(utf8_valid(err->text, strlen(err->text), NULL));
    for (const char *c = err->text; *c; c++)
        FUZZ_CHECK(!iscntrl((unsigned char)*c));
}

static void as_refusal(const struct http_answer *answer)
{
    struct err err CLEANUP_ERR = {0};

    FUZZ_CHECK(kube_answer_error("read X", answer, false, &err) == err.code);
    check_line(&err);
    if (err.class == ERR_ABSENT)
        FUZZ_CHECK(answer->status == 404 && str_equal(err.wire_code, "NotFound"));
}

static char *mark(void *data, const struct secret *value)
{
    (void)data;
    return str_format("%zu", secret_size(value));
}

/* What stood as a value below "data" or "stringData" is an object with one member now. */
static void check_values(struct json_object *secret, const char *member)
{
    struct json_object *data = js_get(secret, member);

    if (!json_object_is_type(data, json_type_object))
        return;
    js_each (data, key, value) {
        (void)key;
        FUZZ_CHECK(json_object_is_type(value, json_type_object) && json_object_object_length(value) == 1);
    }
}

static void as_secret(const struct http_answer *answer)
{
    const struct kubernetes_call call = {.object = {.kind = "Secret"}, .fingerprint = mark};
    struct json_object *body CLEANUP_JS = NULL, *items;
    struct err err CLEANUP_ERR = {0};

    if (kube_answer_object("read X", answer, &body, &err) < 0) {
        check_line(&err);
        return;
    }
    FUZZ_CHECK(kube_redact(&call, body, NULL) == 0);
    check_values(body, "data");
    check_values(body, "stringData");
    items = js_get(body, "items");
    for (size_t i = 0; i < js_count(items, NULL); i++)
        check_values(js_at(items, i), "data");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {301, 400, 401, 403, 404, 409, 410, 413, 422, 429, 500, 503};
    struct http_answer answer CLEANUP_ANSWER = {0};

    if (size < 1 || crypto_setup() < 0)
        return 0;
    answer.status = statuses[data[0] % ARRAY_SIZE(statuses)];
    if (http_answer_set_body(&answer, data + 1, size - 1) < 0)
        return 0;
    as_refusal(&answer);
    as_secret(&answer);
    return 0;
}
