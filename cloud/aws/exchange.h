/*
 * exchange.h: one call while it runs: its message, and each attempt to have it answered.
 */
#ifndef MLOPSD_CLOUD_AWS_EXCHANGE_H
#define MLOPSD_CLOUD_AWS_EXCHANGE_H

#include "cloud/aws/aws-internal.h"
#include "cloud/aws/codec.h"

/** Zero; fill the first group; aws_exchange_begin(); release with aws_exchange_done(). */
struct aws_exchange {
    struct aws *aws;
    const struct aws_operation *operation;
    const struct aws_credentials *as; /* these keys, or with NULL ... */
    bool use_chain;                   /* ... the chain's, or none */
    const char *secret_member;        /* JSON protocols: a member that never stands in the parameters */
    const struct secret *secret;      /* its value; needed by aws_exchange_begin() only */

    const struct aws_service_info *service;
    struct aws_service_state *state;
    struct aws_message message; /* encoded once: repeats are the same bytes */
    char *bucket;               /* S3: goes into the host */
    bool has_token;
    bool clock_mended, credentials_mended;
    unsigned attempt, cost;

    /* What the last attempt left. */
    uint64_t generation; /* of the chain's keys that signed it */
    int64_t server_ms;   /* the answer's Date, 0 = none */
    enum aws_outcome outcome;
};

/** Encode @params. The error begins with the operation's name, as in all of these. */
int aws_exchange_begin(struct aws_exchange *x, struct json_object *params, struct err *err);
/** May wait: until there are good keys. */
int aws_exchange_ready(struct aws_exchange *x, struct err *err);
/** May wait: sign, send, read. Fills what the last attempt left. */
int aws_exchange_attempt(struct aws_exchange *x, struct json_object **ret, struct err *err);
void aws_exchange_done(struct aws_exchange *x);

#endif
