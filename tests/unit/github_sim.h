/*
 * github_sim.h: a GitHub client on a virtual clock, before a server that says
 * what the test wrote down. For tests only.
 *
 * Nothing is asserted inside a fiber (cmocka leaves by longjmp, which must not
 * cross stacks): calls leave their results in a struct, the case looks at it.
 */
#ifndef MLOPSD_TESTS_UNIT_GITHUB_SIM_H
#define MLOPSD_TESTS_UNIT_GITHUB_SIM_H

#include "cloud/github/github-internal.h"

#define SIM_WALL_MS 1795368600000ll /* 2026-11-22T17:30:00Z */
#define SIM_SCRIPT  64
#define SIM_LOG     256

struct sim_line {
    int status;          /* 0 = silence: -ECONNRESET */
    const char *headers; /* "name: value\nname: value", borrowed; NULL = none */
    char *body;          /* owned; NULL = empty */
    uint64_t delay_ms;
};

struct sim_request {
    char *method, *url, *body, *authorization, *if_none_match;
    char *headers; /* all of them, each with a newline */
    uint64_t at_ms;
};

struct github_sim {
    struct clock_virtual clock;
    struct fibers fibers;
    struct http_sim http;
    struct github *github;
    int64_t server_ahead_ms; /* the server's clock minus ours */
    bool no_date;
    struct sim_line script[SIM_SCRIPT];
    size_t scripted, played;
    struct sim_request log[SIM_LOG];
    size_t logged;
    /** Instead of the script: fill the answer; may be NULL. */
    int (*serve)(struct github_sim *sim, const struct sim_request *request, struct http_answer *answer);
    void *serve_data;
    bool gate_closed;
    unsigned gate_asked;
};

/** With a personal token "ghp_test"; @options may be NULL, its http, clock, fibers and gate are set here. */
void sim_open(struct github_sim *sim, const struct github_options *options);
/** Asserts that the script was played to its end and that nothing is left running. */
void sim_close(struct github_sim *sim);

/** Write down the next answer. Bodies that begin with { or [ are JSON, with < HTML. */
void sim_say(struct github_sim *sim, int status, const char *headers, const char *body);
/** Fill an answer as the server would: status, Date, request id, type. */
int sim_answer(struct github_sim *sim, struct http_answer *answer, int status, const char *headers,
               const char *body);
int64_t sim_server_ms(const struct github_sim *sim);

struct sim_call {
    struct github_sim *sim;
    enum github_op op;
    struct json_object *params;           /* owned */
    const char *repository, *secret_name; /* github_put_secret() when secret_name is set */
    struct secret *value;                 /* owned */
    struct github_answer answer;
    struct err err;
    int r;
    bool done;
    uint64_t done_at_ms;
    struct fiber *fiber;
};
/** Start a call in a fiber; @params is JSON text. */
void sim_start(struct github_sim *sim, struct sim_call *call, enum github_op op, const char *params);
void sim_start_put(struct github_sim *sim, struct sim_call *call, const char *name, const char *value);
/** Run fibers and timers until no fiber lives. */
void sim_run(struct github_sim *sim);
/** Start, run, wait for the end. */
void sim_do(struct github_sim *sim, struct sim_call *call, enum github_op op, const char *params);
void sim_call_done(struct sim_call *call);
uint64_t sim_now(const struct github_sim *sim);

/**
 * An RSA key for Apps, made once per process: PEM as PKCS#8 or PKCS#1, and its public half in PEM.
 * Borrowed.
 */
const char *sim_private_key(bool pkcs1);
const char *sim_public_key(void);

#define SIM_REPOSITORY "{\"repository\": \"john-doe/mlops-project\"}"
#define SIM_SECRET     "{\"repository\": \"john-doe/mlops-project\", \"secret_name\": \"DB_PASSWORD\"}"
#define SIM_URL        "https://api.github.com/repos/john-doe/mlops-project"

#endif
