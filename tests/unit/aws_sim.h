/*
 * aws_sim.h: an AWS client on a virtual clock, with answers from a list and a
 * record of what was asked. For the tests of cloud/aws only.
 */
#ifndef MLOPSD_TESTS_UNIT_AWS_SIM_H
#define MLOPSD_TESTS_UNIT_AWS_SIM_H

#include "cloud/aws/aws-internal.h"
#include "common/clock.h"
#include "common/fiber.h"
#include "common/http.h"
#include "common/str.h"

#define SIM_WALL_MS      1795366800000LL /* 2026-11-22T17:00:00Z */
#define SIM_REQUESTS_MAX 256

/** One answer. @result < 0: silence instead. Headers are "name: value" lines. */
struct sim_answer {
    int result;
    int status;
    const char *headers;
    const char *body;
    uint64_t delay_ms;
};

struct sim_request {
    char *method, *url, *body;
    char *ca_pem; /* NULL = the transport's trust */
    struct strv headers;
    bool fresh;
    int64_t wall_ms;
    uint64_t at_ms;
};

struct aws_sim {
    struct clock_virtual clock;
    struct fibers fibers;
    struct http_sim http;
    struct aws *aws;
    const struct sim_answer *answers;
    size_t answer_count; /* the last one repeats */
    struct sim_request requests[SIM_REQUESTS_MAX];
    size_t count;
    bool gate_closed;
    unsigned gate_asked;
};

/** Environment emptied of AWS_*, static keys set, no files, a client for us-east-1. */
void sim_begin(struct aws_sim *sim, const char *profile);
/** Nothing may be left running. */
void sim_end(struct aws_sim *sim);
void sim_script(struct aws_sim *sim, const struct sim_answer *answers, size_t count);
#define SIM_SCRIPT(sim, ...)                                                                                 \
    do {                                                                                                     \
        static const struct sim_answer script_[] = {__VA_ARGS__};                                            \
        sim_script(sim, script_, ARRAY_SIZE(script_));                                                       \
    } while (0)

/** Run @fn in a fiber, and virtual time, until no fiber lives. */
void sim_run(struct aws_sim *sim, fiber_fn fn, void *arg);
/** Run until nothing moves without time passing. */
void sim_settle(struct aws_sim *sim);

/** One call in a fiber of its own, from start to end. */
struct sim_call {
    struct aws_sim *sim;
    const struct aws_operation *operation; /* with its pages */
    struct json_object *params;            /* owned */
    const char *token;
    struct json_object *answer;
    struct err err;
    int result;
};
void sim_call_run(void *call);
/** Run one shipped operation with parameters written as JSON (NULL = none). */
void sim_call(struct aws_sim *sim, struct sim_call *call, enum aws_op op, const char *params);
void sim_call_done(struct sim_call *call);

/** Value of a header of request @index, NULL when it was not sent. */
const char *sim_header(const struct aws_sim *sim, size_t index, const char *name);
/** Write text to a new file below the test's directory; the name is owned by the fixture. */
const char *sim_file(const char *name, const char *text);

#endif
