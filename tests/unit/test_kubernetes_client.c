/*
 * test_kubernetes_client.c: who we are to a cluster, and what is sent to it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/encode.h"
#include "common/js.h"
#include "tests/unit/kube_sim.h"

/* ---- who we are ---- */

static char *token_sent(size_t request)
{
    const char *header = sim_header(&sim, request, "Authorization");
    const char *text = header + strlen("Bearer k8s-aws-v1.");
    char *padded = str_format("%s%.*s", text, (int)((4 - strlen(text) % 4) % 4), "===");
    unsigned char *url = NULL;
    size_t size;

    assert_true(str_starts(header, "Bearer k8s-aws-v1."));
    for (char *c = padded; *c; c++)
        *c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
    assert_int_equal(decode_base64(padded, &url, &size), 0);
    free(padded);
    return (char *)url;
}

static void token_is_the_presigned_identity_of_the_golden_vector(void **state)
{
    int64_t wall_ms = 0;

    (void)state;
    clock_parse_time("2026-01-02T03:04:05Z", &wall_ms);
    sim.clock.wall_offset_ms += wall_ms - clock_wall_ms(&sim.clock.clock);
    SIM_SCRIPT(&sim, {.status = 200, .body = "{}"});
    read_deployment();
    assert_int_equal(run.r, 0);
    char *url CLEANUP_FREE = token_sent(0);
    assert_true(str_starts(url, "https://sts.us-east-1.amazonaws.com/?"));
    assert_non_null(
        strstr(url, "X-Amz-Signature=593ee7964e7a12d3bbf2d1be5fa02f8fe3231bba63fc517417e8d7d31cb059e4"));
    assert_non_null(strstr(url, "X-Amz-Expires=60"));
    assert_null(strchr(sim_header(&sim, 0, "Authorization"), '='));
}

static void token_names_sts_itself_whatever_stands_in_for_it(void **state)
{
    (void)state;
    setenv("AWS_ENDPOINT_URL", "http://localhost:4566/aws", 1);
    SIM_SCRIPT(&sim, {.status = 200, .body = "{}"});
    read_deployment();
    char *url CLEANUP_FREE = token_sent(0);
    assert_true(str_starts(url, "https://sts.us-east-1.amazonaws.com/?Action="));
}

static void token_serves_for_twelve_minutes(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = "{}"});
    read_deployment();
    clock_virtual_advance(&sim.clock, KUBE_TOKEN_AGE_MS - 1);
    read_deployment();
    assert_string_equal(sim_header(&sim, 0, "Authorization"), sim_header(&sim, 1, "Authorization"));
    clock_virtual_advance(&sim.clock, 1);
    read_deployment();
    assert_string_not_equal(sim_header(&sim, 1, "Authorization"), sim_header(&sim, 2, "Authorization"));
}

#define UNAUTHORIZED                                                                                         \
    "{\"kind\": \"Status\", \"status\": \"Failure\", \"reason\": \"Unauthorized\", \"message\": "            \
    "\"Unauthorized\", "                                                                                     \
    "\"code\": 401}"

static void refused_token_is_replaced_once(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, {.status = 401, .body = UNAUTHORIZED}, {.status = 200, .body = "{}"},
               {.status = 401, .body = UNAUTHORIZED});
    read_deployment();
    assert_int_equal(run.r, 0);
    assert_int_equal(kubernetes->clusters->token_number, 2);
    read_deployment();
    expect_failure(-EACCES, ERR_NOT_YET, "read Deployment mlflow/mlflow: Unauthorized (401)");
    assert_int_equal(sim.count, 4);
    assert_null(kubernetes->clusters->token); /* the next call tries another one */
}

static void late_refusal_of_an_old_token_does_not_cost_the_new_one(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = "{}"});
    read_deployment();
    kube_token_drop(kubernetes->clusters, kubernetes->clusters->token_number - 1);
    assert_non_null(kubernetes->clusters->token);
}

static void clusters_have_tokens_of_their_own(void **state)
{
    struct kubernetes_call call = call_of(KUBERNETES_GET, "v1", "Namespace", NULL, "a");

    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = "{}"});
    do_call(call, NULL);
    call.cluster.name = "other";
    do_call(call, NULL);
    assert_string_not_equal(sim_header(&sim, 0, "Authorization"), sim_header(&sim, 1, "Authorization"));
}

/* ---- what is sent ---- */

static void read_goes_to_the_cluster_and_trusts_it_alone(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = "{\"kind\": \"Deployment\", \"metadata\": {\"uid\": \"u\"}}"});
    read_deployment();
    assert_int_equal(run.r, 0);
    assert_int_equal(run.answer.status, 200);
    assert_string_equal(js_text(run.answer.body, "metadata.uid"), "u");
    assert_string_equal(sim.requests[0].method, "GET");
    assert_string_equal(sim.requests[0].url, HOST DEPLOYMENT);
    assert_string_equal(sim.requests[0].ca_pem, PEM);
    assert_string_equal(sim_header(&sim, 0, "Accept"), "application/json");
    assert_null(sim_header(&sim, 0, "Content-Type"));
    assert_int_equal(kubernetes_calls_sent(kubernetes), 1);
    assert_int_equal(gate_asked, 0);
}

static void apply_is_written_for_a_yaml_parser(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, {.status = 201, .body = "{}"});
    write_deployment(KUBERNETES_APPLY,
                     "{\"image\": \"ghcr.io/a/b\", \"x\": \"\xc3\xa9\xf0\x9f\x98\x80\", "
                     "\"y\": \"a\x7f\xe2\x80\xa8\xc2\x85\xef\xbb\xbf\", \"z\": \"\\t\\u0001\"}");
    assert_int_equal(run.r, 0);
    assert_int_equal(run.answer.status, 201);
    assert_string_equal(sim.requests[0].method, "PATCH");
    assert_string_equal(sim.requests[0].url, HOST DEPLOYMENT APPLIED "&force=true");
    assert_string_equal(sim_header(&sim, 0, "Content-Type"), "application/apply-patch+yaml");
    assert_string_equal(sim.requests[0].body,
                        "{\"image\":\"ghcr.io/a/b\",\"x\":\"\xc3\xa9\xf0\x9f\x98\x80\","
                        "\"y\":\"a\\u007f\\u2028\\u0085\\ufeff\",\"z\":\"\\t\\u0001\"}");
    assert_int_equal(gate_asked, 1);
    assert_string_equal(gate_text, "apply Deployment mlflow/mlflow");
}

static void dry_run_is_a_read_without_force(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = "{}"});
    write_deployment(KUBERNETES_DRY_RUN, "{}");
    assert_string_equal(sim.requests[0].url, HOST DEPLOYMENT APPLIED "&dryRun=All");
    assert_int_equal(gate_asked, 0);
}

static void patch_and_delete_say_what_they_are(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = "{}"});
    write_deployment(KUBERNETES_PATCH, "[{\"op\": \"remove\", \"path\": \"/spec/x\"}]");
    assert_string_equal(sim.requests[0].url, HOST DEPLOYMENT APPLIED);
    assert_string_equal(sim_header(&sim, 0, "Content-Type"), "application/json-patch+json");
    assert_string_equal(sim.requests[0].body, "[{\"op\":\"remove\",\"path\":\"/spec/x\"}]");
    write_deployment(KUBERNETES_DELETE, NULL);
    assert_string_equal(sim.requests[1].method, "DELETE");
    assert_string_equal(
        sim.requests[1].body,
        "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"propagationPolicy\":\"Foreground\"}");
    write_deployment(KUBERNETES_DELETE,
                     "{\"preconditions\": {\"uid\": \"u\"}, \"propagationPolicy\": \"Orphan\"}");
    assert_string_equal(sim.requests[2].body,
                        "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\","
                        "\"preconditions\":{\"uid\":\"u\"},\"propagationPolicy\":\"Orphan\"}");
    assert_int_equal(gate_asked, 3);
    assert_string_equal(gate_text, "delete Deployment mlflow/mlflow");
}

static void only_reviews_are_created(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, {.status = 201, .body = "{\"status\": {\"allowed\": true}}"});
    do_call(call_of(KUBERNETES_CREATE, "authorization.k8s.io/v1", "SelfSubjectAccessReview", NULL, NULL),
            "{}");
    assert_int_equal(run.r, 0);
    assert_string_equal(sim.requests[0].method, "POST");
    assert_string_equal(sim.requests[0].url, HOST "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews");
    assert_int_equal(gate_asked, 0);
    do_call(call_of(KUBERNETES_CREATE, "v1", "Secret", "a", NULL), "{}");
    expect_failure(-EINVAL, ERR_BUG, "only reviews");
    assert_int_equal(sim.count, 1);
}

static void paths_follow_group_scope_and_name(void **state)
{
    static const struct {
        const char *api_version, *kind, *namespace, *name, *path;
    } cases[] = {
        {"v1", "Namespace", NULL, "mlflow", "/api/v1/namespaces/mlflow"},
        {"v1", "ServiceAccount", "a", "b", "/api/v1/namespaces/a/serviceaccounts/b"},
        {"v1", "PersistentVolumeClaim", "a", "b", "/api/v1/namespaces/a/persistentvolumeclaims/b"},
        {"batch/v1", "CronJob", "a", "b", "/apis/batch/v1/namespaces/a/cronjobs/b"},
        {"networking.k8s.io/v1", "NetworkPolicy", "a", "b",
         "/apis/networking.k8s.io/v1/namespaces/a/networkpolicies/b"},
        {"rbac.authorization.k8s.io/v1", "ClusterRole", NULL, "system:x y?",
         "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Ax%20y%3F"},
    };

    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = "{}"});
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        do_call(
            call_of(KUBERNETES_GET, cases[i].api_version, cases[i].kind, cases[i].namespace, cases[i].name),
            NULL);
        assert_int_equal(run.r, 0);
        assert_string_equal(sim.requests[i].url + strlen(HOST), cases[i].path);
    }
}

static void bad_places_send_nothing(void **state)
{
    static const struct {
        const char *api_version, *kind, *namespace, *name;
    } cases[] = {
        {"v1", "Pod", "a", ""},        {"v1", "Pod", "a", ".."},       {"v1", "Pod", "a", "b/c"},
        {"v1", "Pod", "../x", "b"},    {"v1", "Pod", "a", "b%2f"},     {"v1", "Pod", NULL, "b"},
        {"v1", "Namespace", "a", "b"}, {"a/../b/v1", "Pod", "a", "b"}, {"/v1", "Pod", "a", "b"},
        {"", "Pod", "a", "b"},         {"apps/v1?x", "Pod", "a", "b"}, {"v1", "", "a", "b"},
    };

    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = "{}"});
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        do_call(
            call_of(KUBERNETES_GET, cases[i].api_version, cases[i].kind, cases[i].namespace, cases[i].name),
            NULL);
        if (run.r != -EINVAL || run.err.class != ERR_INVALID)
            fail_msg("case %zu: %s", i, err_text(&run.err));
    }
    assert_int_equal(sim.count, 0);
}

static void bad_clusters_send_nothing(void **state)
{
    static const struct kubernetes_cluster cases[] = {
        {"", HOST, "eA==", false},        {"a\nb", HOST, "eA==", false},
        {"a", "http://h", "eA==", false}, {"a", "https://", "eA==", false},
        {"a", HOST "/x", "eA==", false},  {"a", "https://u@h", "eA==", false},
        {"a", NULL, "eA==", false},       {"a", HOST, NULL, false},
        {"a", HOST, "!", false},          {"a", HOST, "eA==", false},
    };

    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = "{}"});
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct kubernetes_call call = call_of(KUBERNETES_GET, "v1", "Pod", "a", "b");

        call.cluster = cases[i];
        do_call(call, NULL);
        if (run.r != -EINVAL || run.err.class != ERR_INVALID)
            fail_msg("case %zu: %s", i, err_text(&run.err));
    }
    assert_int_equal(sim.count, 0);
}

static void closed_gate_lets_no_write_out(void **state)
{
    static const enum kubernetes_verb writes[] = {KUBERNETES_APPLY, KUBERNETES_PATCH, KUBERNETES_DELETE};

    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = "{}"});
    gate_closed = true;
    for (size_t i = 0; i < ARRAY_SIZE(writes); i++) {
        write_deployment(writes[i], "{}");
        expect_failure(-EPERM, ERR_DENIED, "check mode");
    }
    kubernetes->gate = NULL;
    write_deployment(KUBERNETES_APPLY, "{}");
    expect_failure(-EPERM, ERR_DENIED, "only read");
    assert_int_equal(sim.count, 0);
}

static void body_over_the_bound_is_not_sent(void **state)
{
    char *text CLEANUP_FREE = malloc(KUBE_BODY_MAX + 16);

    (void)state;
    memset(text, 'x', KUBE_BODY_MAX + 15);
    memcpy(text, "{\"a\":\"", 6);
    memcpy(text + KUBE_BODY_MAX + 13, "\"}", 3);
    SIM_SCRIPT(&sim, {.status = 200, .body = "{}"});
    write_deployment(KUBERNETES_APPLY, text);
    expect_failure(-EMSGSIZE, ERR_LIMIT, "larger");
    assert_int_equal(sim.count, 0);
}

/* ---- records ---- */

static void rebuilt_cluster_is_trusted_by_its_new_authority(void **state)
{
    char *renewed CLEANUP_FREE = encode_base64(PEM PEM, strlen(PEM PEM));
    struct kubernetes_call call = call_of(KUBERNETES_GET, "v1", "Namespace", NULL, "a");

    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = "{}"});
    do_call(call, NULL);
    call.cluster.certificate_authority = renewed;
    do_call(call, NULL);
    assert_string_equal(sim.requests[0].ca_pem, PEM);
    assert_string_equal(sim.requests[1].ca_pem, PEM PEM);
}

static void records_of_rebuilt_clusters_do_not_pile_up(void **state)
{
    struct kubernetes_call call = call_of(KUBERNETES_GET, "v1", "Namespace", NULL, "a");
    size_t count = 0;

    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = "{}"});
    for (int i = 0; i < 20; i++) {
        char *endpoint CLEANUP_FREE = str_format("https://host%d", i);

        call.cluster.endpoint = endpoint;
        do_call(call, NULL);
    }
    for (struct kube_cluster *cluster = kubernetes->clusters; cluster; cluster = cluster->next)
        count++;
    assert_int_equal(count, KUBE_CLUSTERS_KEPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KUBE_CASE(token_is_the_presigned_identity_of_the_golden_vector),
        KUBE_CASE(token_names_sts_itself_whatever_stands_in_for_it),
        KUBE_CASE(token_serves_for_twelve_minutes),
        KUBE_CASE(refused_token_is_replaced_once),
        KUBE_CASE(late_refusal_of_an_old_token_does_not_cost_the_new_one),
        KUBE_CASE(clusters_have_tokens_of_their_own),
        KUBE_CASE(read_goes_to_the_cluster_and_trusts_it_alone),
        KUBE_CASE(apply_is_written_for_a_yaml_parser),
        KUBE_CASE(dry_run_is_a_read_without_force),
        KUBE_CASE(patch_and_delete_say_what_they_are),
        KUBE_CASE(only_reviews_are_created),
        KUBE_CASE(paths_follow_group_scope_and_name),
        KUBE_CASE(bad_places_send_nothing),
        KUBE_CASE(bad_clusters_send_nothing),
        KUBE_CASE(closed_gate_lets_no_write_out),
        KUBE_CASE(body_over_the_bound_is_not_sent),
        KUBE_CASE(rebuilt_cluster_is_trusted_by_its_new_authority),
        KUBE_CASE(records_of_rebuilt_clusters_do_not_pile_up),
    };

    return cmocka_run_group_tests_name("kubernetes_client", tests, NULL, NULL);
}
