/*
 * test_kubernetes_op.c: clusters as kinds reach them: the gate before each write, "not yet", looks that only read.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/js.h"
#include "kinds/kind.h"
#include "tests/unit/kube_sim.h"

static const struct not_yet rows[] = {{"NotFound", "namespaces \"", "the namespace"}, {0}};
static const struct kind plain = {.type = "plain", .not_yet = rows};

#define NO_NAMESPACE                                                                                         \
    STATUS("NotFound", "namespaces \\\"mlflow\\\" not found",                                                \
           "\"name\": \"mlflow\", \"kind\": \"namespaces\"")

static bool refuse;
static char asked[128];

static int before_write(struct kind_op *op, const char *operation, struct err *err)
{
    (void)op;
    snprintf(asked, sizeof(asked), "%s", operation);
    fiber_set_where(operation); /* as the engine does */
    return refuse ? err_set(err, -EROFS, ERR_CONFLICT, "not ours") : 0;
}

static const struct kind_host host = {.before_write = before_write};

static void op_fiber(void *arg)
{
    struct run *r = arg;
    struct kind_op op = {.kind = &plain, .clouds = {.kubernetes = kubernetes}, .host = &host, .err = &r->err};

    r->r = op_kubernetes(&op, &r->call, &r->answer);
    assert_true(strstr(fiber_where(fiber_self()), "Deployment") == NULL); /* a text that is freed by now */
}

static void batch_fiber(void *arg)
{
    struct run *r = arg;
    struct kind_batch batch = {.kind = &plain, .clouds = {.kubernetes = kubernetes}};

    r->r = batch_kubernetes(&batch, &r->call, &r->answer, &r->err);
}

static void run_with(fiber_fn fn, enum kubernetes_verb verb, const char *body)
{
    run_done(&run);
    run = (struct run){.call = call_of(verb, "apps/v1", "Deployment", "mlflow", "mlflow"), .r = 1};
    if (body)
        assert_int_equal(js_parse_text(body, &run.call.body, NULL), 0);
    *asked = '\0';
    sim_run(&sim, fn, &run);
}

static void write_passes_the_host_first(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = "{}"});
    refuse = false;
    run_with(op_fiber, KUBERNETES_APPLY, "{}");
    assert_int_equal(run.r, 0);
    assert_int_equal(run.answer.status, 200);
    assert_string_equal(asked, "apply Deployment mlflow/mlflow");
    refuse = true;
    run_with(op_fiber, KUBERNETES_APPLY, "{}");
    expect_failure(-EROFS, ERR_CONFLICT, "not ours");
    assert_int_equal(sim.count, 1);
    run_with(op_fiber, KUBERNETES_GET, NULL); /* a read is nobody's business */
    assert_int_equal(run.r, 0);
    assert_string_equal(asked, "");
}

static void reason_of_the_table_means_not_yet(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, {.status = 404, .body = NO_NAMESPACE});
    refuse = false;
    run_with(op_fiber, KUBERNETES_APPLY, "{}");
    expect_failure(-ENOENT, ERR_NOT_YET, "waiting for the namespace: apply Deployment mlflow/mlflow");
    run_with(op_fiber, KUBERNETES_GET, NULL);
    expect_failure(-ENOENT, ERR_ABSENT, "not found"); /* a read says what it says */
}

static void look_reads(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = "{\"kind\": \"Deployment\"}"},
               {.status = 404, .body = NO_NAMESPACE});
    run_with(batch_fiber, KUBERNETES_GET, NULL);
    assert_int_equal(run.r, 0);
    run_with(batch_fiber, KUBERNETES_DRY_RUN, "{}");
    expect_failure(-ENOENT, ERR_ABSENT, "not found");
}

static void platform_without_aws_has_no_clusters(void **state)
{
    struct kubernetes_call call = call_of(KUBERNETES_GET, "v1", "Pod", "a", "b");
    struct err err CLEANUP_ERR = {0};
    struct kind_op op = {.kind = &plain, .err = &err};
    struct kind_batch batch = {.kind = &plain};
    struct kubernetes_answer answer = {0};

    (void)state;
    assert_int_equal(op_kubernetes(&op, &call, NULL), -EINVAL);
    assert_non_null(strstr(err_text(&err), "read Pod a/b: the platform has no aws: section"));
    assert_int_equal(batch_kubernetes(&batch, &call, &answer, &err), -EINVAL);
    assert_int_equal(err.class, ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KUBE_CASE(write_passes_the_host_first),
        KUBE_CASE(reason_of_the_table_means_not_yet),
        KUBE_CASE(look_reads),
        KUBE_CASE(platform_without_aws_has_no_clusters),
    };

    return cmocka_run_group_tests_name("kubernetes_op", tests, NULL, NULL);
}
