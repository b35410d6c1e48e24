/*
 * retry.h: how fast a service may be asked, how long to wait before asking
 * again, and whether asking again is safe. Pure functions of their arguments
 * (but for the jitter); time in seconds, any origin.
 */
#ifndef MLOPSD_CLOUD_AWS_RETRY_H
#define MLOPSD_CLOUD_AWS_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "cloud/aws/operations.h"
#include "common/err.h"

#define AWS_ATTEMPTS               3
#define AWS_RETRY_AFTER_LONGEST_MS 20000 /* a longer pause is the caller's: it gets err.retry_after_ms */

/**
 * Budget of one service in one account and Region. Until the first throttle it
 * only measures; from then on sends are spaced by a rate that falls with each
 * throttle and grows back along a cubic curve. Besides, a store of 500 units
 * pays for retries, so that a broken service is not hammered by everybody.
 */
struct aws_budget {
    bool enabled;
    double rate, capacity, capacity_max, filled_at; /* token bucket */
    double w_max, k, failed_at;                     /* cubic curve */
    double measured, bucket;                        /* sends per second, in steps of half a second */
    unsigned counted;
    unsigned store;
};

void aws_budget_init(struct aws_budget *budget, double now);
/** 0: a token was taken, send. Else seconds to wait before asking again. */
double aws_budget_take(struct aws_budget *budget, double now);
/** An answer came (or none: @throttled false). */
void aws_budget_answer(struct aws_budget *budget, double now, bool throttled);
/** Pay for a retry; false when the store is empty. @ret_cost is what to give back on success. */
bool aws_budget_pay(struct aws_budget *budget, bool timeout, unsigned *ret_cost);
/** A call succeeded: give back what its last retry cost, or 1. */
void aws_budget_refund(struct aws_budget *budget, unsigned cost);

/** Full jitter: uniform in [0, min(20 s, 2^(attempt-1) s)]; at least @asked_ms. @attempt counts from 1. */
uint64_t aws_retry_delay_ms(unsigned attempt, uint32_t asked_ms);

/** What became of an attempt. */
enum aws_outcome {
    AWS_OUTCOME_ANSWER,    /* refused, with a status and a code */
    AWS_OUTCOME_UNREAD,    /* 2xx, but no answer of this operation */
    AWS_OUTCOME_NOT_SENT,  /* no connection: surely not executed */
    AWS_OUTCOME_NO_ANSWER, /* sent, perhaps executed */
};
enum aws_outcome aws_outcome_of(int transport_error);

/** May the same request be sent again? @has_token: the service recognises a repeat. */
bool aws_retry_safe(const struct aws_operation *operation, bool has_token, enum aws_outcome outcome,
                    const struct err *err);

#endif
