/*
 * test_kubernetes_client.c: calls to a cluster, on the virtual clock: what is sent, what each answer becomes, and
 * that no secret leaves.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/kubernetes/kubernetes-internal.h"
#include "common/encode.h"
#include "common/js.h"
#include "tests/unit/aws_sim.h"

#define PEM        "-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----\n"
#define HOST       "https://abc.gr7.us-east-1.eks.amazonaws.com"
#define DEPLOYMENT "/apis/apps/v1/namespaces/mlflow/deployments/mlflow"
#define APPLIED    "?fieldManager=mlopsd&fieldValidation=Strict"
#define PLAIN      "hunter2 of the database"

static struct aws_sim sim;
static struct kubernetes *kubernetes;
static char *authority;
static bool gate_closed;
static unsigned gate_asked;
static char gate_text[128];

/* One call, from start to end. */
struct run {
    struct kubernetes_call call;
    struct kubernetes_answer answer;
    struct err err;
    int r;
    struct fiber *fiber;
};
static struct run run;

static int gate(void *data, const char *what, struct err *err)
{
    (void)data;
    gate_asked++;
    snprintf(gate_text, sizeof(gate_text), "%s", what);
    return gate_closed ? err_set(err, -EPERM, ERR_DENIED, "check mode") : 0;
}

static int begin(void **state)
{
    struct kubernetes_options options = {.gate = gate};

    (void)state;
    sim_begin(&sim, NULL);
    options.http = &sim.http.http;
    options.clock = &sim.clock.clock;
    options.fibers = &sim.fibers;
    options.aws = sim.aws;
    authority = encode_base64(PEM, strlen(PEM));
    gate_closed = false;
    gate_asked = 0;
    memset(&run, 0, sizeof(run));
    return kubernetes_new(&options, &kubernetes, NULL);
}

static void run_done(struct run *r)
{
    json_object_put(r->call.body);
    kubernetes_answer_done(&r->answer);
    err_done(&r->err);
}

static int end(void **state)
{
    (void)state;
    run_done(&run);
    kubernetes = kubernetes_free(kubernetes);
    sim_end(&sim);
    free(authority);
    return 0;
}

static void run_fiber(void *arg)
{
    struct run *r = arg;

    r->r = kubernetes_call(kubernetes, &r->call, &r->answer, &r->err);
    r->fiber = NULL;
}

static struct kubernetes_call call_of(enum kubernetes_verb verb, const char *api_version, const char *kind,
                                      const char *namespace, const char *name)
{
    return (struct kubernetes_call){
        .verb = verb,
        .cluster = {.name = "mlops", .endpoint = HOST, .certificate_authority = authority},
        .object = {api_version, kind, namespace, name}};
}

/* Run @call, with @body as JSON text; what the run before it left is released. */
static void do_call(struct kubernetes_call call, const char *body)
{
    run_done(&run);
    run = (struct run){.call = call, .r = 1};
    if (body)
        assert_int_equal(js_parse_text(body, &run.call.body, NULL), 0);
    sim_run(&sim, run_fiber, &run);
}

static void read_deployment(void)
{
    do_call(call_of(KUBERNETES_GET, "apps/v1", "Deployment", "mlflow", "mlflow"), NULL);
}

static void write_deployment(enum kubernetes_verb verb, const char *body)
{
    do_call(call_of(verb, "apps/v1", "Deployment", "mlflow", "mlflow"), body);
}

static void expect_text(const char *part)
{
    if (!strstr(err_text(&run.err), part))
        fail_msg("\"%s\" is not in \"%s\"", part, err_text(&run.err));
}

static void expect_failure(int code, enum err_class class, const char *part)
{
    assert_int_equal(run.r, code);
    if (run.err.class != class)
        fail_msg("%s, not %s: %s", err_class_name(run.err.class), err_class_name(class), err_text(&run.err));
    expect_text(part);
}

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

/* ---- what answers become ---- */

#define STATUS(reason, message, details)                                                                     \
    "{\"kind\": \"Status\", \"reason\": \"" reason "\", \"message\": \"" message                             \
    "\", \"details\": {" details "}}"

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

/* ---- secrets ---- */

static char *mark(void *data, const struct secret *value)
{
    (void)data;
    return strcmp(secret_text(value), PLAIN) == 0 ? strdup("f1") : str_format("size %zu", secret_size(value));
}

/* base64 of PLAIN */
#define ENCODED "aHVudGVyMiBvZiB0aGUgZGF0YWJhc2U="
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
    assert_string_equal(js_text(run.answer.body, "metadata.managedFields.0.manager"), "m");
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

/* ---- records ---- */

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

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(token_is_the_presigned_identity_of_the_golden_vector),
        CASE(token_names_sts_itself_whatever_stands_in_for_it),
        CASE(token_serves_for_twelve_minutes),
        CASE(refused_token_is_replaced_once),
        CASE(clusters_have_tokens_of_their_own),
        CASE(read_goes_to_the_cluster_and_trusts_it_alone),
        CASE(apply_is_written_for_a_yaml_parser),
        CASE(dry_run_is_a_read_without_force),
        CASE(patch_and_delete_say_what_they_are),
        CASE(only_reviews_are_created),
        CASE(paths_follow_group_scope_and_name),
        CASE(bad_places_send_nothing),
        CASE(bad_clusters_send_nothing),
        CASE(closed_gate_lets_no_write_out),
        CASE(body_over_the_bound_is_not_sent),
        CASE(refusals_have_class_and_words),
        CASE(conflict_answers_a_dry_run),
        CASE(young_cluster_that_nobody_hears_is_not_yet_up),
        CASE(untrusted_certificate_is_not_asked_again),
        CASE(passing_faults_are_met_three_times),
        CASE(server_says_how_long_to_wait),
        CASE(patch_is_repeated_only_when_it_was_not_done),
        CASE(four_at_once_for_each_cluster),
        CASE(secret_of_an_answer_is_a_fingerprint),
        CASE(secret_is_dropped_where_nobody_asks_for_its_fingerprint),
        CASE(secrets_of_a_list_are_fingerprints),
        CASE(hidden_values_stand_in_the_message_only),
        CASE(hidden_value_without_a_place_is_refused),
        CASE(pages_are_joined),
        CASE(list_whose_moment_is_gone_begins_again_once),
        CASE(endless_list_is_given_up),
        CASE(what_is_no_list_is_not_an_empty_one),
        CASE(unknown_kinds_are_asked_for_once),
        CASE(group_that_is_not_served_is_no_absence),
        CASE(kind_that_is_served_no_longer_is_asked_for_again),
        CASE(records_of_rebuilt_clusters_do_not_pile_up),
    };

    return cmocka_run_group_tests_name("kubernetes_client", tests, NULL, NULL);
}
