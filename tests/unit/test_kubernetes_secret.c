/*
 * test_kubernetes_secret.c: no secret leaves: neither in answers nor in messages of errors.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/js.h"
#include "tests/unit/kube_sim.h"

#define PLAIN   "hunter2 of the database"
#define ENCODED "aHVudGVyMiBvZiB0aGUgZGF0YWJhc2U=" /* the same */

static char *mark(void *data, const struct secret *value)
{
    (void)data;
    return strcmp(secret_text(value), PLAIN) == 0 ? strdup("f1") : str_format("size %zu", secret_size(value));
}

#define SECRET                                                                                               \
    "{\"kind\": \"Secret\", \"metadata\": {\"name\": \"s\", \"annotations\": {\"keep\": \"1\", "             \
    "\"kubectl.kubernetes.io/last-applied-configuration\": \"" ENCODED                                       \
    "\"}, \"managedFields\": [{\"manager\": \"m\"}]}, "                                                      \
    "\"data\": {\"uri\": \"" ENCODED "\", \"empty\": \"\", \"odd\": \"%%%\"}}"

static void expect_no_secret(void)
{
    const char *text = json_object_to_json_string(run.answer.body);

    assert_null(strstr(text, ENCODED));
    assert_null(strstr(text, PLAIN));
    assert_null(strstr(text, "%%%"));
}

static void secret_of_an_answer_is_a_fingerprint(void **state)
{
    struct kubernetes_call call = call_of(KUBERNETES_GET, "v1", "Secret", "a", "s");

    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = SECRET});
    call.fingerprint = mark;
    do_call(call, NULL);
    assert_int_equal(run.r, 0);
    expect_no_secret();
    assert_string_equal(js_text(run.answer.body, "data.uri.secret"), "f1");
    assert_string_equal(js_text(run.answer.body, "data.empty.secret"), "size 0");
    assert_non_null(js_get(run.answer.body, "data.odd"));
    assert_null(js_get(run.answer.body, "data.odd.secret"));
    assert_string_equal(js_text(run.answer.body, "metadata.annotations.keep"), "1");
    assert_int_equal(json_object_object_length(js_get(run.answer.body, "metadata.annotations")), 1);
    assert_string_equal(js_text(run.answer.body, "metadata.managedFields.0.manager"), "m");
}

static void values_are_overwritten_where_they_stood(void **state)
{
    const struct kubernetes_call call = {.object = {.kind = "Secret"}};
    struct json_object *body CLEANUP_JS = NULL, *held[2] = {NULL, NULL}, *annotations;

    (void)state;
    assert_int_equal(js_parse_text(SECRET, &body, NULL), 0);
    annotations = js_get(body, "metadata.annotations");
    json_object_object_get_ex(annotations, "kubectl.kubernetes.io/last-applied-configuration", &held[0]);
    held[1] = js_get(body, "data.uri");
    for (size_t i = 0; i < ARRAY_SIZE(held); i++)
        json_object_get(held[i]); /* outlives the tree */
    assert_int_equal(kube_redact(&call, body, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
        assert_string_equal(json_object_get_string(held[i]), "");
        json_object_put(held[i]);
    }
}

static void secret_is_dropped_where_nobody_asks_for_its_fingerprint(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = SECRET});
    do_call(call_of(KUBERNETES_GET, "v1", "ConfigMap", "a", "s"), NULL); /* by what came, too */
    expect_no_secret();
    assert_int_equal(json_object_object_length(js_get(run.answer.body, "data")), 3);
}

static void secrets_of_a_list_are_fingerprints(void **state)
{
    struct kubernetes_call call = call_of(KUBERNETES_LIST, "v1", "Secret", "a", NULL);

    (void)state;
    SIM_SCRIPT(&sim,
               {.status = 200, .body = "{\"kind\": \"SecretList\", \"items\": [" SECRET ", " SECRET "]}"});
    call.fingerprint = mark;
    do_call(call, NULL);
    assert_int_equal(js_count(run.answer.body, "items"), 2);
    expect_no_secret();
    assert_string_equal(js_text(run.answer.body, "items.1.data.uri.secret"), "f1");
}

static void hidden_values_stand_in_the_message_only(void **state)
{
    struct secret *value CLEANUP_SECRET = secret_new_text(PLAIN),
                         *other CLEANUP_SECRET = secret_new_text("x");
    const struct kubernetes_hidden hidden[] = {{(const char *const[]){"data", "uri", NULL}, value},
                                               {(const char *const[]){"data", "a.b", NULL}, other}};
    struct kubernetes_call call = call_of(KUBERNETES_APPLY, "v1", "Secret", "a", "s");

    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = SECRET},
               {.status = 400, .body = STATUS("BadRequest", "near |" ENCODED "|", "")},
               {.status = 422,
                .body = STATUS("Invalid", ENCODED,
                               "\"causes\": [{\"field\": \"data[uri]\", \"message\": \"" ENCODED "\"}]")});
    call.hidden = hidden;
    call.hidden_count = 2;
    do_call(call, "{\"kind\": \"Secret\"}");
    assert_int_equal(run.r, 0);
    assert_string_equal(sim.requests[0].body,
                        "{\"data\":{\"a.b\":\"eA==\",\"uri\":\"" ENCODED "\"},\"kind\":\"Secret\"}");
    assert_int_equal(json_object_object_length(run.call.body), 1);
    expect_no_secret();
    for (int i = 0; i < 2; i++) {
        do_call(call, "{\"kind\": \"Secret\"}");
        assert_int_equal(run.err.class, ERR_INVALID);
        assert_null(strstr(err_text(&run.err), ENCODED));
    }
    expect_text("Invalid (data[uri]) (422)");
}

static void hidden_value_without_a_place_is_refused(void **state)
{
    struct secret *value CLEANUP_SECRET = secret_new_text(PLAIN);
    const struct kubernetes_hidden hidden = {(const char *const[]){"data", "uri", NULL}, value};
    struct kubernetes_call call = call_of(KUBERNETES_APPLY, "v1", "Secret", "a", "s");

    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = "{}"});
    call.hidden = &hidden;
    call.hidden_count = 1;
    do_call(call, "{\"data\": []}");
    expect_failure(-EINVAL, ERR_BUG, "place");
    do_call(call, "[]");
    expect_failure(-EINVAL, ERR_BUG, "place");
    assert_int_equal(sim.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KUBE_CASE(secret_of_an_answer_is_a_fingerprint),
        KUBE_CASE(values_are_overwritten_where_they_stood),
        KUBE_CASE(secret_is_dropped_where_nobody_asks_for_its_fingerprint),
        KUBE_CASE(secrets_of_a_list_are_fingerprints),
        KUBE_CASE(hidden_values_stand_in_the_message_only),
        KUBE_CASE(hidden_value_without_a_place_is_refused),
    };

    return cmocka_run_group_tests_name("kubernetes_secret", tests, NULL, NULL);
}
