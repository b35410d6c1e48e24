/*
 * test_kubernetes_answer.c: what an answer of a cluster becomes, what is asked again, pages, discovery.
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

/* ---- what answers become ---- */

static void refusals_have_class_and_words(void **state)
{
    static const struct {
        struct sim_answer answer;
        int code;
        enum err_class class;
        const char *wire_code, *text;
    } cases[] = {
        {{.status = 404,
          .body = STATUS("NotFound", "deployments.apps \\\"mlflow\\\" not found", "\"name\": \"mlflow\"")},
         -ENOENT,
         ERR_ABSENT,
         "NotFound",
         "read Deployment mlflow/mlflow: deployments.apps \"mlflow\" not found (404)"},
        {{.status = 404, .body = STATUS("NotFound", "the server could not find the requested resource", "")},
         -EINVAL,
         ERR_INVALID,
         "NotFound",
         "could not find the requested resource"},
        {{.status = 404, .body = "404 page not found\n"}, -EINVAL, ERR_INVALID, NULL, "serves no such path"},
        {{.status = 403, .body = STATUS("Forbidden", "User x cannot get", "")},
         -EPERM,
         ERR_DENIED,
         "Forbidden",
         "User x cannot get (403)"},
        {{.status = 403,
          .body = STATUS("Forbidden", "is being terminated",
                         "\"causes\": [{\"reason\": \"NamespaceTerminating\"}]")},
         -EAGAIN,
         ERR_NOT_YET,
         "Forbidden",
         "is being terminated"},
        {{.status = 409, .body = STATUS("Conflict", "the object has been modified", "\"name\": \"x\"")},
         -EAGAIN,
         ERR_BUSY,
         "Conflict",
         "the object has been modified (409)"},
        {{.status = 409,
          .body = STATUS("Conflict", "Apply failed with 1 conflict: .spec.replicas",
                         "\"causes\": [{\"field\": \".spec.replicas\", \"message\": \"m\"}]")},
         -EEXIST,
         ERR_CONFLICT,
         "Conflict",
         "1 conflict: .spec.replicas (409)"},
        {{.status = 422,
          .body = STATUS("Invalid", "is invalid",
                         "\"causes\": [{\"field\": \"spec.selector\", \"message\": \"immutable\"}, "
                         "{\"field\": \"spec.x\", \"message\": \"bad\\u001b[0m\"}]")},
         -EINVAL,
         ERR_INVALID,
         "Invalid",
         "is invalid (spec.selector: immutable; spec.x: bad\\x1b[0m) (422)"},
        {{.status = 400, .body = STATUS("BadRequest", "unknown field", "")},
         -EINVAL,
         ERR_INVALID,
         "BadRequest",
         "unknown field (400)"},
        {{.status = 413, .body = "no JSON"}, -EMSGSIZE, ERR_LIMIT, NULL, "larger"},
        {{.status = 415, .body = "{}"}, -EINVAL, ERR_BUG, NULL, "type of the body"},
        {{.status = 302, .body = ""}, -EIO, ERR_RETRY, NULL, "(302)"},
        {{.status = 200, .body = "[]"}, -EIO, ERR_RETRY, NULL, "no object"},
        {{.status = 200, .body = "{\"a\":"}, -EIO, ERR_RETRY, NULL, "can not be read"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t before = sim.count;

        sim_script(&sim, &cases[i].answer, 1);
        read_deployment();
        expect_failure(cases[i].code, cases[i].class, cases[i].text);
        assert_int_equal(sim.count, before + 1);
        if (!str_equal(run.err.wire_code, cases[i].wire_code))
            fail_msg("case %zu: %s", i, run.err.wire_code ? run.err.wire_code : "no code");
    }
}

static void conflict_answers_a_dry_run(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim,
               {.status = 409, .body = STATUS("Conflict", "m", "\"causes\": [{\"field\": \".spec\"}]")});
    write_deployment(KUBERNETES_DRY_RUN, "{}");
    assert_int_equal(run.r, 0);
    assert_int_equal(run.answer.status, 409);
    assert_string_equal(js_text(run.answer.body, "details.causes.0.field"), ".spec");
    write_deployment(KUBERNETES_APPLY, "{}");
    expect_failure(-EEXIST, ERR_CONFLICT, "apply Deployment mlflow/mlflow");
}

static void young_cluster_that_nobody_hears_is_not_yet_up(void **state)
{
    struct kubernetes_call call = call_of(KUBERNETES_GET, "v1", "Namespace", NULL, "a");

    (void)state;
    SIM_SCRIPT(&sim, {.result = -ECONNREFUSED});
    do_call(call, NULL);
    assert_int_equal(run.err.class, ERR_RETRY);
    call.cluster.young = true;
    do_call(call, NULL);
    expect_failure(-ECONNREFUSED, ERR_NOT_YET, "read Namespace a: connection refused");
}

static void untrusted_certificate_is_not_asked_again(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, {.result = -EKEYREJECTED});
    read_deployment();
    expect_failure(-EKEYREJECTED, ERR_DENIED, "not trusted");
    assert_int_equal(sim.count, 1);
}

/* ---- again ---- */

#define BUSY                                                                                                 \
    {                                                                                                        \
        .status = 503, .body = "{}"                                                                          \
    }

static void passing_faults_are_met_three_times(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, BUSY, {.result = -ECONNRESET}, {.status = 200, .body = "{}"}, BUSY);
    write_deployment(KUBERNETES_APPLY, "{}");
    assert_int_equal(run.r, 0);
    assert_int_equal(sim.count, 3);
    assert_int_equal(gate_asked, 3); /* next to each sending */
    read_deployment();
    expect_failure(-EIO, ERR_RETRY, "(503)");
    assert_int_equal(sim.count, 6);
}

static void server_says_how_long_to_wait(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, {.status = 429, .headers = "retry-after: 7", .body = ""}, {.status = 200, .body = "{}"},
               {.status = 429, .headers = "retry-after: 90", .body = ""});
    read_deployment();
    assert_int_equal(run.r, 0);
    assert_true(sim.requests[1].at_ms - sim.requests[0].at_ms >= 7000);
    read_deployment();
    expect_failure(-EAGAIN, ERR_THROTTLED, "too many requests");
    assert_int_equal(run.err.retry_after_ms, 90000);
    assert_int_equal(sim.count, 3);
}

static void patch_is_repeated_only_when_it_was_not_done(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, {.status = 429, .body = ""}, {.result = -ECONNREFUSED}, {.status = 500, .body = ""},
               {.result = -ECONNRESET});
    write_deployment(KUBERNETES_PATCH, "[]");
    expect_failure(-EIO, ERR_RETRY, "(500)");
    assert_int_equal(sim.count, 3);
    write_deployment(KUBERNETES_PATCH, "[]");
    expect_failure(-ECONNRESET, ERR_RETRY, "closed the connection");
    assert_int_equal(sim.count, 4);
}

static void four_at_once_for_each_cluster(void **state)
{
    enum { MANY = 7 };
    struct run runs[MANY] = {0};

    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = "{}", .delay_ms = 100});
    for (size_t i = 0; i < MANY; i++) {
        runs[i] = (struct run){.call = call_of(KUBERNETES_GET, "v1", "Pod", "a", "b")};
        if (i == MANY - 1)
            runs[i].call.cluster.name = "other";
        assert_int_equal(fiber_spawn(&sim.fibers, "call", run_fiber, &runs[i], &runs[i].fiber), 0);
    }
    sim_settle(&sim);
    assert_int_equal(sim.count, KUBE_AT_ONCE + 1);
    fiber_cancel(runs[4].fiber); /* it waits for a place, and must not take one with it */
    sim_settle(&sim);
    assert_int_equal(runs[4].r, -ECANCELED);
    clock_virtual_advance(&sim.clock, 100);
    fibers_run(&sim.fibers);
    clock_virtual_advance(&sim.clock, 100);
    fibers_run(&sim.fibers);
    assert_int_equal(sim.fibers.living, 0);
    assert_int_equal(sim.count, MANY - 1);
    for (size_t i = 0; i < MANY; i++)
        run_done(&runs[i]);
}

/* ---- lists ---- */

#define GONE                                                                                                 \
    {                                                                                                        \
        .status = 410, .body = STATUS("Expired", "the continue token is too old", "")                        \
    }
#define PAGE(items, more)                                                                                    \
    {                                                                                                        \
        .status = 200,                                                                                       \
        .body = "{\"kind\": \"PodList\", \"metadata\": {\"resourceVersion\": \"7\", \"continue\": \"" more   \
                "\"}, \"items\": [" items "]}"                                                               \
    }

static void list_pods(void)
{
    do_call(call_of(KUBERNETES_LIST, "v1", "Pod", "a", NULL), NULL);
}

static void pages_are_joined(void **state)
{
    struct kubernetes_call call = call_of(KUBERNETES_LIST, "v1", "Pod", NULL, NULL);

    (void)state;
    SIM_SCRIPT(&sim, PAGE("1, 2", "a/b="), PAGE("3", ""));
    call.label_selector = "app=mlflow";
    call.field_selector = "metadata.name!=x";
    do_call(call, NULL);
    assert_int_equal(run.r, 0);
    assert_int_equal(js_count(run.answer.body, "items"), 3);
    assert_int_equal(js_int(run.answer.body, "items.2", 0), 3);
    assert_string_equal(js_text(run.answer.body, "metadata.resourceVersion"), "7");
    assert_string_equal(sim.requests[0].url, HOST "/api/v1/pods?limit=500&labelSelector=app%3Dmlflow"
                                                  "&fieldSelector=metadata.name%21%3Dx");
    assert_string_equal(sim.requests[1].url, HOST "/api/v1/pods?limit=500&labelSelector=app%3Dmlflow"
                                                  "&fieldSelector=metadata.name%21%3Dx&continue=a%2Fb%3D");
}

static void list_whose_moment_is_gone_begins_again_once(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, PAGE("1", "x"), GONE, PAGE("1", "y"), PAGE("2", ""), PAGE("1", "x"), GONE);
    list_pods();
    assert_int_equal(run.r, 0);
    assert_int_equal(js_count(run.answer.body, "items"), 2);
    list_pods();
    expect_failure(-ESTALE, ERR_RETRY, "too old");
    assert_int_equal(sim.count, 7);
}

static void endless_list_is_given_up(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, PAGE("1", "x"));
    list_pods();
    expect_failure(-EMSGSIZE, ERR_LIMIT, "more than");
    assert_int_equal(sim.count, KUBE_PAGES_MAX);
}

static void what_is_no_list_is_not_an_empty_one(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = "{}"}, {.status = 200, .body = "{\"kind\": \"PodList\"}"});
    list_pods();
    expect_failure(-EIO, ERR_RETRY, "no list");
    list_pods();
    assert_int_equal(run.r, 0);
    assert_int_equal(js_count(run.answer.body, "items"), 0);
}

/* ---- discovery ---- */

#define KINDS                                                                                                \
    {                                                                                                        \
        .status = 200, .body = "{\"kind\": \"APIResourceList\", \"resources\": [{\"name\": "                 \
                               "\"issuers/status\", \"kind\": \"Issuer\"}, "                                 \
                               "{\"name\": \"issuers\", \"kind\": \"Issuer\", \"namespaced\": true}]}"       \
    }

static void read_issuer(const char *kind)
{
    do_call(call_of(KUBERNETES_GET, "cert-manager.io/v1", kind, "a", "b"), NULL);
}

static void unknown_kinds_are_asked_for_once(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, KINDS, {.status = 200, .body = "{}"}, {.status = 200, .body = "{}"}, KINDS);
    read_issuer("Issuer");
    assert_int_equal(run.r, 0);
    assert_string_equal(sim.requests[0].url, HOST "/apis/cert-manager.io/v1");
    assert_string_equal(sim.requests[1].url, HOST "/apis/cert-manager.io/v1/namespaces/a/issuers/b");
    read_issuer("Issuer");
    assert_int_equal(sim.count, 3);
    read_issuer("Isuer");
    expect_failure(-EINVAL, ERR_INVALID, "the cluster knows no Isuer of cert-manager.io/v1");
}

static void group_that_is_not_served_is_no_absence(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, {.status = 404, .body = "404 page not found\n"}, {.status = 403, .body = "{}"});
    read_issuer("Issuer");
    expect_failure(-EINVAL, ERR_INVALID, "knows no Issuer");
    read_issuer("Issuer");
    expect_failure(-EPERM, ERR_DENIED, "ask for the kinds");
}

static void kind_that_is_served_no_longer_is_asked_for_again(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, KINDS, {.status = 404, .body = "404 page not found\n"}, KINDS,
               {.status = 200, .body = "{}"});
    read_issuer("Issuer");
    assert_int_equal(run.err.class, ERR_INVALID);
    read_issuer("Issuer");
    assert_int_equal(run.r, 0);
    assert_int_equal(sim.count, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KUBE_CASE(refusals_have_class_and_words),
        KUBE_CASE(conflict_answers_a_dry_run),
        KUBE_CASE(young_cluster_that_nobody_hears_is_not_yet_up),
        KUBE_CASE(untrusted_certificate_is_not_asked_again),
        KUBE_CASE(passing_faults_are_met_three_times),
        KUBE_CASE(server_says_how_long_to_wait),
        KUBE_CASE(patch_is_repeated_only_when_it_was_not_done),
        KUBE_CASE(four_at_once_for_each_cluster),
        KUBE_CASE(pages_are_joined),
        KUBE_CASE(list_whose_moment_is_gone_begins_again_once),
        KUBE_CASE(endless_list_is_given_up),
        KUBE_CASE(what_is_no_list_is_not_an_empty_one),
        KUBE_CASE(unknown_kinds_are_asked_for_once),
        KUBE_CASE(group_that_is_not_served_is_no_absence),
        KUBE_CASE(kind_that_is_served_no_longer_is_asked_for_again),
    };

    return cmocka_run_group_tests_name("kubernetes_answer", tests, NULL, NULL);
}
