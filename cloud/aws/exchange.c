/*
 * exchange.c: one attempt: wait for the service's rate and for a free place,
 * sign, send, read.
 *
 * Ways to fail: canceled while waiting (nothing was sent), no answer (the
 * transport's error), a refusal (aws_error.c), an answer that is none (codec).
 */
#include <errno.h>
#include <string.h>

#include "cloud/aws/aws_error.h"
#include "cloud/aws/exchange.h"
#include "common/js.h"

#define TIMEOUT_MS         60000
#define CONNECT_TIMEOUT_MS 3000
#define RATE_SLEEP_MAX_MS  2000 /* look again at least this often: the rate may have grown */
#define URL_MAX            (1u << 16)

void aws_exchange_done(struct aws_exchange *x)
{
    aws_message_done(&x->message);
    free(x->bucket);
}

/* Which bucket goes into the host, if any. */
static int choose_bucket(struct aws_exchange *x, struct json_object *params, struct err *err)
{
    struct aws_endpoint *endpoint;
    const char *bucket = x->service->s3 ? js_text(params, "Bucket") : NULL;
    int r = aws_endpoint_need(x->aws, x->operation->service, &endpoint, err);

    if (r < 0)
        return r;
    if (!bucket || !aws_endpoint_bucket_in_host(endpoint, bucket))
        return 0;
    return str_set(&x->bucket, bucket) < 0 ? err_no_memory(err) : 0;
}

int aws_exchange_begin(struct aws_exchange *x, struct json_object *params, struct err *err)
{
    int r;

    x->service = &aws_services[x->operation->service];
    x->state = &x->aws->services[x->operation->service];
    x->has_token = x->operation->token != NULL;
    r = choose_bucket(x, params, err);
    if (r == 0)
        r = aws_encode(x->service, x->operation, params, x->bucket != NULL, &x->message, err);
    if (r == 0 && x->secret_member)
        r = aws_encode_secret(x->service, x->secret_member, x->secret, &x->message, err);
    return r < 0 ? err_wrap(err, r, "%s", x->operation->name) : 0;
}

int aws_exchange_ready(struct aws_exchange *x, struct err *err)
{
    int r;

    if (!x->use_chain)
        return 0;
    fiber_set_where("waiting for credentials");
    r = aws_chain_ensure(x->aws, 0, err);
    return r < 0 ? err_wrap(err, r, "%s", x->operation->name) : 0;
}

/* ---- rate and places ---- */

static double seconds_now(const struct aws_exchange *x)
{
    return (double)clock_monotonic_ms(x->aws->clock) / 1000.0;
}

static int rate_wait(struct aws_exchange *x)
{
    double wait_s;
    int r = 0;

    while (r == 0 && (wait_s = aws_budget_take(&x->state->budget, seconds_now(x))) > 0) {
        uint64_t wait_ms = (uint64_t)(wait_s * 1000) + 1;

        fiber_set_where("waiting for the service's rate");
        r = fiber_sleep(x->aws->clock, wait_ms < RATE_SLEEP_MAX_MS ? wait_ms : RATE_SLEEP_MAX_MS);
    }
    return r;
}

static int slot_take(struct aws_exchange *x)
{
    fiber_set_where("waiting for other calls to this service");
    return fiber_slots_take(&x->state->slots, x->service->parallel);
}

/* ---- sending ---- */

static const struct aws_credentials *keys_of(const struct aws_exchange *x)
{
    return x->use_chain ? &x->aws->chain.current : x->as;
}

/* Pointers to the texts of both, with a NULL behind. Owned array of borrowed texts. */
static const char **header_array(const struct strv *a, const struct strv *b)
{
    const char **array = calloc(a->count + b->count + 1, sizeof *array);
    size_t n = 0;

    for (size_t i = 0; array && i < a->count; i++)
        array[n++] = a->items[i];
    for (size_t i = 0; array && i < b->count; i++)
        array[n++] = b->items[i];
    return array;
}

static int sign(struct aws_exchange *x, const struct aws_endpoint *endpoint, const char *host,
                const char *path, struct strv *headers, struct err *err)
{
    static const struct strv none = {0};
    const char **given CLEANUP_FREE = header_array(&x->message.headers, &none);
    const struct aws_credentials *credentials = keys_of(x);
    struct aws_to_sign what = {
        .method = x->message.method,
        .host = host,
        .path = path,
        .query = buf_text(&x->message.query),
        .headers = given,
        .body = x->message.body.data,
        .body_size = x->message.body.size,
        .service = x->service->signing_name,
        .region = endpoint->region,
        .time_ms = clock_wall_ms(x->aws->clock) + x->state->offset_ms,
        .keys = credentials ? &credentials->keys : NULL,
        .cache = x->use_chain ? &x->state->key_cache : NULL,
        .raw_path = x->service->s3,
        .hash_header = x->service->s3,
    };

    if (!given)
        return err_no_memory(err);
    x->generation = x->aws->chain.generation;
    return credentials ? aws_sign_headers(&what, headers, err) : 0;
}

static int send_request(struct aws_exchange *x, const char *url, const struct strv *headers,
                        struct http_answer *ret, struct err *err)
{
    const char **all CLEANUP_FREE = header_array(&x->message.headers, headers);
    struct http_request request = {
        .method = x->message.method,
        .url = url,
        .headers = all,
        .body = x->message.body.size ? x->message.body.data : NULL,
        .body_size = x->message.body.size,
        .timeout_ms = TIMEOUT_MS,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .ca_file = aws_ca_file(x->aws),
        .fresh = x->operation->creates && !x->has_token,
    };

    if (!all)
        return err_no_memory(err);
    x->aws->calls++;
    fiber_set_where(x->operation->name);
    return http_fetch(x->aws->http, &request, ret, err);
}

/* Nothing waits between building, signing and starting to send: the endpoint and the keys stay what they are. */
static int build_and_send(struct aws_exchange *x, struct http_answer *ret, struct err *err)
{
    struct strv headers CLEANUP_HEADERS = {0};
    struct aws_endpoint *endpoint;
    char *host CLEANUP_FREE = NULL;
    char *path CLEANUP_FREE = NULL;
    char *url CLEANUP_FREE = NULL;
    const char *query = buf_text(&x->message.query);
    int r = aws_endpoint_need(x->aws, x->operation->service, &endpoint, err);

    if (r < 0)
        return r;
    host = x->bucket ? str_format("%s.%s", x->bucket, endpoint->host) : strdup(endpoint->host);
    path = str_format("%s%s", endpoint->prefix, buf_text(&x->message.path));
    if (host && path)
        url = str_format("%s://%s%s%s%s", endpoint->scheme, host, path, *query ? "?" : "", query);
    if (!url || strv_add(&headers, "User-Agent: mlopsd") < 0)
        return err_no_memory(err);
    if (strlen(url) > URL_MAX)
        return err_set(err, -EMSGSIZE, ERR_LIMIT, "the address is too long");
    r = sign(x, endpoint, host, path, &headers, err);
    return r < 0 ? r : send_request(x, url, &headers, ret, err);
}

/* ---- reading ---- */

static void note_date(struct aws_exchange *x, const struct http_answer *answer)
{
    const char *date = http_answer_header(answer, "date");

    if (!date || clock_parse_time(date, &x->server_ms) < 0)
        x->server_ms = 0;
}

static int read_answer(struct aws_exchange *x, const struct http_answer *answer, struct json_object **ret,
                       struct err *err)
{
    int r;

    note_date(x, answer);
    x->outcome = AWS_OUTCOME_ANSWER;
    if (answer->status < 200 || answer->status >= 300)
        return aws_error_read(x->service, x->operation, answer, x->aws->region, err);
    r = aws_decode(x->service, x->operation, answer, ret, err);
    if (r == -EREMOTEIO) /* S3: an error inside a 200 */
        return aws_error_read(x->service, x->operation, answer, x->aws->region, err);
    if (r < 0) {
        x->outcome = AWS_OUTCOME_UNREAD;
        return err_wrap(err, r, "%s", x->operation->name);
    }
    return 0;
}

static int silence(struct aws_exchange *x, int r, struct err *err)
{
    x->server_ms = 0;
    x->outcome = aws_outcome_of(r);
    return err_wrap(err, r, "%s", x->operation->name);
}

int aws_exchange_attempt(struct aws_exchange *x, struct json_object **ret, struct err *err)
{
    struct http_answer answer CLEANUP_ANSWER = {0};
    int r;

    x->outcome = AWS_OUTCOME_NOT_SENT;
    r = rate_wait(x);
    if (r == 0)
        r = slot_take(x);
    if (r < 0)
        return err_set(err, r, ERR_CANCELED, "%s: canceled", x->operation->name);
    r = build_and_send(x, &answer, err);
    fiber_slots_give(&x->state->slots);
    r = r < 0 ? silence(x, r, err) : read_answer(x, &answer, ret, err);
    aws_budget_answer(&x->state->budget, seconds_now(x), r < 0 && err->class == ERR_THROTTLED);
    return r;
}
