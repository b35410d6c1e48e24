/*
 * fake_cloud.h: the clients of AWS, GitHub and Kubernetes, replaced at link time by answers
 * that a test wrote down, by operation and parameters. For tests of kinds.
 *
 * A program that links fake_cloud.c has no other aws_call(), github_call() etc.; tables
 * and error classes are the real ones. Loop thread only; waits only in fake_run().
 */
#ifndef MLOPSD_TESTS_UNIT_FAKE_CLOUD_H
#define MLOPSD_TESTS_UNIT_FAKE_CLOUD_H

#include "kinds/kind.h"

#define FAKE_ACCOUNT "123456789012"

struct aws {
    struct fake_cloud *cloud;
};

struct github {
    struct fake_cloud *cloud;
};

struct kubernetes {
    struct fake_cloud *cloud;
};

struct fake_cloud {
    struct aws aws;
    struct github github;
    struct kubernetes kubernetes;
    struct http_sim http;
    struct clock_virtual clock;
    struct fibers fibers;
    /**
     * Array of {"operation", "params"?, "answer" | "error": "CODE", "message"?, "times"?}. An answer
     * serves a call of its operation whose parameters hold all of its params; times says how often,
     * once where it is not given. GitHub's operations go by their names ("GET repository"), its errors
     * by their status ("404").
     * Calls to a cluster are named as kubernetes_call_name() does ("apply Deployment
     * mlflow/mlflow"), their params are the body, with secret values under "hidden" and a JSON patch under "patch";
     * plain HTTP is "GET URL". Both may give a "status".
     */
    struct json_object *answers;
    struct json_object *log;    /* array of {"OPERATION": params}; owned */
    struct json_object *writes; /* those that write; owned */
    char *stray;                /* the first call that no answer fits; owned */
    const char *region;
    size_t calls, gates;
    size_t fail_at;        /* this call, counted from 1, fails; 0 = none */
    const char *fail_code; /* with this code */
    bool write_failed;     /* and it was one that writes */
};

/** @answers: borrowed. */
void fake_cloud_begin(struct fake_cloud *cloud, struct json_object *answers);
/** Forget log and stray; use @answers from the start again. */
void fake_cloud_again(struct fake_cloud *cloud, struct json_object *answers);
void fake_cloud_end(struct fake_cloud *cloud);
struct clouds fake_clouds(struct fake_cloud *cloud);
/** Run @fn on a fiber until nothing runs any more. */
void fake_run(struct fake_cloud *cloud, void (*fn)(void *arg), void *arg);
/** A host that lets everything pass and counts. host_data = the cloud. */
extern const struct kind_host fake_host;

#endif
