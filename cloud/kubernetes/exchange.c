/*
 * exchange.c: one request to a cluster, until it has its answer.
 *
 * Each attempt asks the gate (if it writes), waits for one of the cluster's places, says who we are, and sends. A
 * refused token is replaced once, without counting as an attempt. Passing faults are met with full jitter, as long as
 * asking again can not do harm.
 *
 * Ways to fail: the gate's refusal, no token, silence (http.h), a refusal (answer.c), canceled.
 */
#include <errno.h>
#include <string.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "cloud/aws/retry.h"
#include "cloud/kubernetes/kubernetes-internal.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "devel"
#endif

#define TIMEOUT_MS         60000u /* the server's own limit for what is no watch */
#define RETRY_AFTER_MAX_MS 20000u /* a longer pause is the caller's: it gets err.retry_after_ms */

/* What became of an attempt. */
struct attempt {
    unsigned number;
    bool renewed;          /* the token was replaced already */
    uint64_t token_number; /* which one was sent */
    int silence;           /* the transport's error; 0 = there was an answer */
};

static int ask_gate(struct kubernetes *kubernetes, const struct kube_request *request, struct err *err)
{
    if (!request->writes)
        return 0;
    if (!kubernetes->gate)
        return err_set(err, -EPERM, ERR_DENIED, "%s: refused: this client may only read", request->name);
    return kubernetes->gate(kubernetes->gate_data, request->name, err);
}

static int send_request(struct kubernetes *kubernetes, const struct kube_request *request,
                        const char *authorization, struct http_answer *ret, struct err *err)
{
    char *url CLEANUP_FREE = str_format("%s%s", request->cluster->endpoint, request->path);
    char *type CLEANUP_FREE = request->body ? str_format("Content-Type: %s", request->content_type) : NULL;
    const char *headers[] = {"User-Agent: mlopsd/" PACKAGE_VERSION, "Accept: application/json", authorization,
                             type, NULL};
    struct http_request http = {
        .method = request->method,
        .url = url,
        .headers = headers,
        .body = request->body ? request->body->data : NULL,
        .body_size = request->body ? request->body->size : 0,
        .timeout_ms = TIMEOUT_MS,
        .max_answer_bytes = KUBE_ANSWER_MAX,
        .ca_pem = request->cluster->pem,
        .ca_pem_size = request->cluster->pem_size,
    };

    if (!url || (request->body && !type))
        return err_no_memory(err);
    kubernetes->sent++;
    fiber_set_where("waiting for the cluster's answer");
    return http_fetch(kubernetes->http, &http, ret, err);
}

/* Nothing waits between the gate and the sending but the token, which is at hand nearly always. */
static int send_in_turn(struct kubernetes *kubernetes, const struct kube_request *request,
                        struct attempt *attempt, struct http_answer *ret, struct err *err)
{
    struct buf authorization CLEANUP(buf_wipe) = BUF_INIT(8192);
    int r;

    r = kube_token_write(kubernetes, request->cluster, &authorization, &attempt->token_number, err);
    if (r == 0)
        r = ask_gate(kubernetes, request, err);
    if (r < 0)
        return r;
    r = send_request(kubernetes, request, buf_text(&authorization), ret, err);
    attempt->silence = r;
    return r < 0 ? err_wrap(err, r, "%s", request->name) : 0;
}

static bool is_answer(const struct kube_request *request, int status)
{
    return (status >= 200 && status < 300) || (status == 409 && request->conflict_answers);
}

static int attempt_once(struct kubernetes *kubernetes, const struct kube_request *request,
                        struct attempt *attempt, struct http_answer *ret, struct err *err)
{
    int r;

    http_answer_done(ret);
    attempt->silence = 0;
    fiber_set_where("waiting for other calls to this cluster");
    r = fiber_slots_take(&request->cluster->slots, KUBE_AT_ONCE);
    if (r < 0)
        return err_set(err, r, ERR_CANCELED, "%s: canceled", request->name);
    r = send_in_turn(kubernetes, request, attempt, ret, err);
    fiber_slots_give(&request->cluster->slots);
    if (r == 0 && !is_answer(request, ret->status))
        r = kube_answer_error(request->name, ret, request->quiet, err);
    return r;
}

/* ---- again? ---- */

/* The token was refused: true when there is a new one to try. */
static bool renew_token(const struct kube_request *request, struct attempt *attempt,
                        const struct http_answer *answer)
{
    if (attempt->silence || answer->status != 401)
        return false;
    kube_token_drop(request->cluster, attempt->token_number);
    if (attempt->renewed)
        return false;
    attempt->renewed = true;
    return true;
}

static bool is_safe(const struct kube_request *request, const struct attempt *attempt,
                    const struct http_answer *answer, const struct err *err)
{
    if (attempt->silence == -ECANCELED || attempt->silence == -EKEYREJECTED || attempt->silence == -EMSGSIZE)
        return false; /* the second answer would be the same */
    if (attempt->silence)
        return request->repeatable || aws_outcome_of(attempt->silence) == AWS_OUTCOME_NOT_SENT;
    if (answer->status == 429)
        return true; /* turned away at the door */
    return answer->status >= 500 && err->class == ERR_RETRY && request->repeatable;
}

/* May wait. Is there another attempt, and is it time for it? */
static bool another_attempt(struct kubernetes *kubernetes, const struct kube_request *request,
                            struct attempt *attempt, const struct http_answer *answer, const struct err *err)
{
    bool heard = attempt->silence != 0 || answer->status != 0;

    if (!heard || fiber_canceled()) /* nothing was sent: the gate, the token, memory */
        return false;
    if (renew_token(request, attempt, answer))
        return true;
    if (attempt->number >= KUBE_ATTEMPTS || err->retry_after_ms > RETRY_AFTER_MAX_MS ||
        !is_safe(request, attempt, answer, err))
        return false;
    fiber_set_where("waiting before another attempt");
    if (fiber_sleep(kubernetes->clock, aws_retry_delay_ms(attempt->number, err->retry_after_ms)) < 0)
        return false;
    attempt->number++;
    return true;
}

int kube_exchange(struct kubernetes *kubernetes, const struct kube_request *request, struct http_answer *ret,
                  struct err *err)
{
    struct attempt attempt = {.number = 1};
    struct err failure CLEANUP_ERR = {0};
    int r;

    do {
        err_done(&failure);
        r = attempt_once(kubernetes, request, &attempt, ret, &failure);
        if (r == 0)
            return 0;
    } while (another_attempt(kubernetes, request, &attempt, ret, &failure));
    if (fiber_canceled())
        return err_set(err, -ECANCELED, ERR_CANCELED, "%s: canceled", request->name);
    if (err)
        err_move(err, &failure);
    return r;
}
