/*
 * kube_sim.h: a Kubernetes client on the virtual clock, before answers from a list: aws_sim.h with one more client.
 * For tests only. One simulation at a time, begun and ended by each case.
 */
#ifndef MLOPSD_TESTS_UNIT_KUBE_SIM_H
#define MLOPSD_TESTS_UNIT_KUBE_SIM_H

#include "cloud/kubernetes/kubernetes-internal.h"
#include "tests/unit/aws_sim.h"

#define PEM        "-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----\n"
#define HOST       "https://abc.gr7.us-east-1.eks.amazonaws.com"
#define DEPLOYMENT "/apis/apps/v1/namespaces/mlflow/deployments/mlflow"
#define APPLIED    "?fieldManager=mlopsd&fieldValidation=Strict"
/** A refusal; quotes in the texts are escaped twice. */
#define STATUS(reason, message, details)                                                                     \
    "{\"kind\": \"Status\", \"reason\": \"" reason "\", \"message\": \"" message                             \
    "\", \"details\": {" details "}}"

extern struct aws_sim sim;
extern struct kubernetes *kubernetes;
extern char *authority; /* PEM as DescribeCluster gives it */

extern bool gate_closed;
extern unsigned gate_asked;
extern char gate_text[128]; /* what it was asked last */

/** One call, from start to end. */
struct run {
    struct kubernetes_call call; /* owns its body */
    struct kubernetes_answer answer;
    struct err err;
    int r;
    struct fiber *fiber;
};
extern struct run run; /* the last one of do_call() */
void run_fiber(void *run);
void run_done(struct run *run);

int kube_begin(void **state);
int kube_end(void **state);
#define KUBE_CASE(name) cmocka_unit_test_setup_teardown(name, kube_begin, kube_end)

/** A call to the cluster "mlops". */
struct kubernetes_call call_of(enum kubernetes_verb verb, const char *api_version, const char *kind,
                               const char *namespace, const char *name);
/** Run @call to its end, with @body as JSON text; what the run before it left is released. */
void do_call(struct kubernetes_call call, const char *body);
void read_deployment(void);
void write_deployment(enum kubernetes_verb verb, const char *body);
void expect_text(const char *part);
void expect_failure(int code, enum err_class class, const char *part);

#endif
