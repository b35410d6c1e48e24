/*
 * retry.c: see retry.h. The curve and its constants are those of the adaptive
 * mode that AWS describes for its SDKs.
 */
#include <errno.h>
#include <math.h>

#include "cloud/aws/retry.h"
#include "common/crypto.h"

#define BETA             0.7 /* what a throttle leaves of the rate */
#define SCALE            0.4 /* steepness of the way back */
#define SMOOTHING        0.8 /* weight of the newest measurement */
#define STEP             0.5 /* seconds per measurement */
#define RATE_MIN         0.5 /* sends per second, however bad it gets */
#define RATE_START       0.5 /* the curve before the first throttle */
#define STORE_SIZE       500 /* units */
#define STORE_RETRY      5   /* price of a retry */
#define STORE_TIMEOUT    10  /* price of one after silence */
#define DELAY_LONGEST_MS 20000

static double zero_point(double w_max)
{
    return cbrt(w_max * (1 - BETA) / SCALE);
}

void aws_budget_init(struct aws_budget *budget, double now)
{
    *budget = (struct aws_budget){.rate = RATE_START,
                                  .capacity_max = 1,
                                  .filled_at = now,
                                  .w_max = RATE_START,
                                  .k = zero_point(RATE_START),
                                  .failed_at = now,
                                  .bucket = floor(now),
                                  .store = STORE_SIZE};
}

static void refill(struct aws_budget *budget, double now)
{
    budget->capacity = fmin(budget->capacity_max,
                            budget->capacity + (now - budget->filled_at) * budget->rate);
    budget->filled_at = now;
}

double aws_budget_take(struct aws_budget *budget, double now)
{
    if (!budget->enabled)
        return 0;
    refill(budget, now);
    if (budget->capacity >= 1) {
        budget->capacity -= 1;
        return 0;
    }
    return (1 - budget->capacity) / budget->rate;
}

static void measure(struct aws_budget *budget, double now)
{
    double bucket = floor(now / STEP) * STEP;

    budget->counted++;
    if (bucket > budget->bucket) {
        double current = budget->counted / (bucket - budget->bucket);

        budget->measured = current * SMOOTHING + budget->measured * (1 - SMOOTHING);
        budget->counted = 0;
        budget->bucket = bucket;
    }
}

static void rate_set(struct aws_budget *budget, double now, double rate)
{
    refill(budget, now); /* what was earned so far was earned at the old rate */
    budget->rate = fmax(rate, RATE_MIN);
    budget->capacity_max = fmax(rate, 1);
    budget->capacity = fmin(budget->capacity, budget->capacity_max);
}

void aws_budget_answer(struct aws_budget *budget, double now, bool throttled)
{
    double since;
    double rate;

    measure(budget, now);
    if (throttled) {
        rate = budget->enabled ? fmin(budget->measured, budget->rate) : budget->measured;
        budget->w_max = rate;
        budget->k = zero_point(rate);
        budget->failed_at = now;
        budget->enabled = true;
        rate *= BETA;
    } else {
        since = now - budget->failed_at - budget->k;
        rate = SCALE * since * since * since + budget->w_max;
    }
    rate_set(budget, now, fmin(rate, 2 * budget->measured));
}

bool aws_budget_pay(struct aws_budget *budget, bool timeout, unsigned *ret_cost)
{
    unsigned cost = timeout ? STORE_TIMEOUT : STORE_RETRY;

    if (budget->store < cost)
        return false;
    budget->store -= cost;
    *ret_cost = cost;
    return true;
}

void aws_budget_refund(struct aws_budget *budget, unsigned cost)
{
    budget->store += cost ? cost : 1;
    if (budget->store > STORE_SIZE)
        budget->store = STORE_SIZE;
}

uint64_t aws_retry_delay_ms(unsigned attempt, uint32_t asked_ms)
{
    uint32_t longest = DELAY_LONGEST_MS;
    uint64_t delay;

    if (attempt >= 1 && attempt <= 5)
        longest = 1000u << (attempt - 1);
    if (longest > DELAY_LONGEST_MS)
        longest = DELAY_LONGEST_MS;
    delay = random_below(longest + 1);
    return delay > asked_ms ? delay : asked_ms;
}

enum aws_outcome aws_outcome_of(int transport_error)
{
    switch (transport_error) {
    case -ECONNREFUSED:
    case -EHOSTUNREACH:
    case -EKEYREJECTED: /* the handshake failed: nothing was sent */
        return AWS_OUTCOME_NOT_SENT;
    default:
        return AWS_OUTCOME_NO_ANSWER;
    }
}

static bool is_passing(const struct err *err)
{
    return err->class == ERR_RETRY || err->class == ERR_THROTTLED;
}

/* Errors of the transport that a second try may not meet. */
static bool is_passing_silence(int code)
{
    return code == -ETIMEDOUT || code == -ECONNREFUSED || code == -ECONNRESET || code == -EHOSTUNREACH ||
           code == -EPROTO || code == -EPIPE;
}

bool aws_retry_safe(const struct aws_operation *operation, bool has_token, enum aws_outcome outcome,
                    const struct err *err)
{
    bool repeatable = operation->access == AWS_READ || !operation->creates || has_token;

    switch (outcome) {
    case AWS_OUTCOME_ANSWER:
        if (err->class == ERR_THROTTLED)
            return true; /* turned away at the door */
        return is_passing(err) && repeatable;
    case AWS_OUTCOME_UNREAD:
        return operation->access == AWS_READ;
    case AWS_OUTCOME_NOT_SENT:
        return is_passing_silence(err->code);
    case AWS_OUTCOME_NO_ANSWER:
        return is_passing_silence(err->code) && repeatable;
    }
    return false;
}
