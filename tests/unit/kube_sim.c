/*
 * kube_sim.c: see kube_sim.h.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/encode.h"
#include "common/js.h"
#include "tests/unit/kube_sim.h"

struct aws_sim sim;
struct kubernetes *kubernetes;
char *authority;
bool gate_closed;
unsigned gate_asked;
char gate_text[128];

struct run run;

static int gate(void *data, const char *what, struct err *err)
{
    (void)data;
    gate_asked++;
    snprintf(gate_text, sizeof(gate_text), "%s", what);
    return gate_closed ? err_set(err, -EPERM, ERR_DENIED, "check mode") : 0;
}

int kube_begin(void **state)
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

void run_done(struct run *r)
{
    json_object_put(r->call.body);
    kubernetes_answer_done(&r->answer);
    err_done(&r->err);
}

int kube_end(void **state)
{
    (void)state;
    run_done(&run);
    kubernetes = kubernetes_free(kubernetes);
    sim_end(&sim);
    free(authority);
    return 0;
}

void run_fiber(void *arg)
{
    struct run *r = arg;

    r->r = kubernetes_call(kubernetes, &r->call, &r->answer, &r->err);
    r->fiber = NULL;
}

struct kubernetes_call call_of(enum kubernetes_verb verb, const char *api_version, const char *kind,
                               const char *namespace, const char *name)
{
    return (struct kubernetes_call){
        .verb = verb,
        .cluster = {.name = "mlops", .endpoint = HOST, .certificate_authority = authority},
        .object = {api_version, kind, namespace, name}};
}

void do_call(struct kubernetes_call call, const char *body)
{
    run_done(&run);
    run = (struct run){.call = call, .r = 1};
    if (body)
        assert_int_equal(js_parse_text(body, &run.call.body, NULL), 0);
    sim_run(&sim, run_fiber, &run);
}

void read_deployment(void)
{
    do_call(call_of(KUBERNETES_GET, "apps/v1", "Deployment", "mlflow", "mlflow"), NULL);
}

void write_deployment(enum kubernetes_verb verb, const char *body)
{
    do_call(call_of(verb, "apps/v1", "Deployment", "mlflow", "mlflow"), body);
}

void expect_text(const char *part)
{
    if (!strstr(err_text(&run.err), part))
        fail_msg("\"%s\" is not in \"%s\"", part, err_text(&run.err));
}

void expect_failure(int code, enum err_class class, const char *part)
{
    assert_int_equal(run.r, code);
    if (run.err.class != class)
        fail_msg("%s, not %s: %s", err_class_name(run.err.class), err_class_name(class), err_text(&run.err));
    expect_text(part);
}
