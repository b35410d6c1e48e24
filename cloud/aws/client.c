/*
 * client.c: the client object, and which attempts make up one call.
 *
 * A call: gate, encode, then up to AWS_ATTEMPTS attempts (exchange.c). Between
 * them at most one mending of the clock and one of the credentials, which do
 * not count as attempts. What is safe to repeat is decided in retry.c.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "cloud/aws/aws_error.h"
#include "cloud/aws/exchange.h"
#include "common/encode.h"
#include "common/js.h"
#include "common/log.h"

#define SKEW_MS       (4 * 60 * 1000) /* services bear five minutes */
#define SKEW_ALERT_MS (60 * 1000)     /* beyond this the stamps in our own log are wrong too */

static double seconds_now(const struct aws *aws)
{
    return (double)clock_monotonic_ms(aws->clock) / 1000.0;
}

/* ---- the object ---- */

static int copy_options(struct aws *aws, const struct aws_options *options)
{
    aws->http = options->http;
    aws->clock = options->clock;
    aws->fibers = options->fibers;
    aws->loop = options->loop;
    aws->gate = options->gate;
    aws->gate_data = options->gate_data;
    if (str_set(&aws->region, options->region) < 0 || str_set(&aws->profile, options->profile) < 0)
        return -ENOMEM;
    return 0;
}

int aws_new(const struct aws_options *options, struct aws **ret, struct err *err)
{
    struct aws *aws;

    assert(options->http && options->clock && options->fibers);
    if (!aws_partition_of(options->region))
        return err_set(err, -EINVAL, ERR_INVALID, "unknown Region %.64s",
                       options->region ? options->region : "(none)");
    aws = calloc(1, sizeof *aws);
    if (!aws)
        return err_no_memory(err);
    if (copy_options(aws, options) < 0) {
        aws_free(aws);
        return err_no_memory(err);
    }
    for (int i = 0; i < AWS_SERVICE_MAX; i++)
        aws_budget_init(&aws->services[i].budget, seconds_now(aws));
    *ret = aws;
    return 0;
}

struct aws *aws_free(struct aws *aws)
{
    if (!aws)
        return NULL;
    aws_profiles_drop(aws);
    aws_chain_done(&aws->chain);
    for (int i = 0; i < AWS_SERVICE_MAX; i++) {
        assert(aws->services[i].slots.taken == 0 && !aws->services[i].slots.waiters);
        aws_key_cache_done(&aws->services[i].key_cache);
    }
    free(aws->region);
    free(aws->profile);
    free(aws->account);
    free(aws->arn);
    free(aws->identity);
    free(aws);
    return NULL;
}

const char *aws_region(const struct aws *aws)
{
    return aws->region;
}

const char *aws_partition(const struct aws *aws)
{
    return aws_partition_of(aws->region);
}

uint64_t aws_calls_sent(const struct aws *aws)
{
    return aws->calls;
}

/* ---- files and endpoints ---- */

void aws_profiles_drop(struct aws *aws)
{
    aws->profiles = aws_profiles_free(aws->profiles);
    for (int i = 0; i < AWS_SERVICE_MAX; i++) {
        aws_endpoint_done(&aws->services[i].endpoint);
        aws->services[i].resolved = false;
    }
}

int aws_profiles_need(struct aws *aws, struct err *err)
{
    struct aws_profiles *profiles;
    int r;

    if (aws->profiles && !aws_profiles_stale(aws->profiles))
        return 0;
    r = aws_profiles_load(aws->profile, &profiles, err);
    if (r < 0)
        return r;
    aws_profiles_drop(aws);
    aws->profiles = profiles;
    return 0;
}

const char *aws_ca_file(const struct aws *aws)
{
    return aws->profiles ? aws_profiles_setting(aws->profiles, "AWS_CA_BUNDLE", "ca_bundle") : NULL;
}

int aws_endpoint_need(struct aws *aws, enum aws_service service, struct aws_endpoint **ret, struct err *err)
{
    struct aws_service_state *state = &aws->services[service];
    int r;

    if (!aws->profiles) {
        r = aws_profiles_need(aws, err);
        if (r < 0)
            return r;
    }
    if (!state->resolved) {
        r = aws_endpoint_resolve(&aws_services[service], aws->region, aws->profiles, &state->endpoint, err);
        if (r < 0)
            return r;
        state->resolved = true;
    }
    *ret = &state->endpoint;
    return 0;
}

static bool ends_in(const char *host, const char *suffix)
{
    size_t size = strcspn(host, ":"), tail = strlen(suffix);

    return size > tail && host[size - tail - 1] == '.' && strncmp(host + size - tail, suffix, tail) == 0;
}

bool aws_is_stand_in(struct aws *aws)
{
    const struct aws_partition *partition = aws_partition_find(aws->region);
    struct err err CLEANUP_ERR = {0};
    struct aws_endpoint *endpoint;

    if (aws_endpoint_need(aws, AWS_SERVICE_EC2, &endpoint, &err) < 0 || !endpoint->custom)
        return false;
    return !partition ||
           (!ends_in(endpoint->host, partition->suffix) && !ends_in(endpoint->host, partition->dual_suffix));
}

/* ---- mending ---- */

/* Is our clock the reason? Then sign with the server's time from now on. */
static bool mend_clock(struct aws_exchange *x, const struct err *err)
{
    int64_t ours = clock_wall_ms(x->aws->clock) + x->state->offset_ms;
    int64_t difference = x->server_ms - ours;

    if (x->clock_mended || x->server_ms == 0 || !aws_error_may_be_clock(err->wire_code))
        return false;
    if (difference <= SKEW_MS && difference >= -SKEW_MS)
        return false;
    x->clock_mended = true;
    x->state->offset_ms += difference;
    x->aws->offset_ms = x->state->offset_ms;
    if (x->state->offset_ms > SKEW_ALERT_MS || x->state->offset_ms < -SKEW_ALERT_MS)
        log_warning("the clock of this host differs from that of AWS by %lld s: correct it",
                    (long long)(x->state->offset_ms / 1000));
    return true;
}

/* May wait. Were the keys used up, and are there newer ones? */
static bool mend_credentials(struct aws_exchange *x, const struct err *err)
{
    if (x->credentials_mended || !x->use_chain || !aws_error_is_credentials(err->wire_code))
        return false;
    x->credentials_mended = true;
    if (aws_chain_ensure(x->aws, x->generation, NULL) < 0)
        return false; /* the service's refusal tells more than why there are no others */
    return x->aws->chain.generation != x->generation;
}

/* ---- one call ---- */

/* May wait. Is there another attempt, and is it time for it? */
static bool another_attempt(struct aws_exchange *x, const struct err *err)
{
    bool silence = x->outcome == AWS_OUTCOME_NO_ANSWER;

    if (err->code == -ECANCELED || fiber_canceled())
        return false;
    if (x->outcome == AWS_OUTCOME_ANSWER && (mend_clock(x, err) || mend_credentials(x, err)))
        return true;
    if (x->attempt >= AWS_ATTEMPTS || err->retry_after_ms > AWS_RETRY_AFTER_LONGEST_MS ||
        !aws_retry_safe(x->operation, x->has_token, x->outcome, err) ||
        !aws_budget_pay(&x->state->budget, silence, &x->cost))
        return false;
    if (fiber_sleep(x->aws->clock, aws_retry_delay_ms(x->attempt, err->retry_after_ms)) < 0)
        return false;
    x->attempt++;
    return true;
}

static int attempts(struct aws_exchange *x, struct json_object **ret, struct err *err)
{
    struct err failure CLEANUP_ERR = {0};
    int r;

    x->attempt = 1;
    do {
        err_done(&failure);
        r = aws_exchange_ready(x, err);
        if (r < 0)
            return r;
        r = aws_exchange_attempt(x, ret, &failure);
        if (r == 0) {
            aws_budget_refund(&x->state->budget, x->cost);
            return 0;
        }
    } while (another_attempt(x, &failure));
    if (fiber_canceled())
        return err_set(err, -ECANCELED, ERR_CANCELED, "%s: canceled", x->operation->name);
    if (err)
        err_move(err, &failure);
    return r;
}

static int ask_gate(struct aws *aws, const struct aws_operation *operation, struct err *err)
{
    int r;

    if (operation->access == AWS_READ)
        return 0;
    if (!aws->gate)
        return err_set(err, -EPERM, ERR_DENIED, "%s: refused: this client may only read", operation->name);
    r = aws->gate(aws->gate_data, operation, err);
    return r < 0 ? err_wrap(err, r, "%s", operation->name) : 0;
}

/* A random token in the form services know it: 8-4-4-4-12 hex digits. */
static char *random_token(void)
{
    char *hex CLEANUP_FREE = random_hex(32);

    if (!hex)
        return NULL;
    return str_format("%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

/* The parameters with the idempotency token in its place, to be read only; owned. NULL without memory. */
static struct json_object *with_token(const struct aws_operation *operation, struct json_object *params,
                                      const char *token)
{
    struct json_object *copy CLEANUP_JS = operation->token ? aws_without_nulls(params)
                                                           : aws_given_params(params);
    char *made CLEANUP_FREE = NULL;

    if (!copy || !operation->token || json_object_object_get_ex(copy, operation->token, NULL))
        return TAKE(copy);
    if (!token)
        token = made = random_token();
    if (!token || js_put_key(copy, operation->token, json_object_new_string(token)) < 0)
        return NULL;
    return TAKE(copy);
}

static int call(struct aws_exchange *x, struct json_object *params, const char *token,
                struct json_object **ret, struct err *err)
{
    struct json_object *given CLEANUP_JS = NULL;
    struct json_object *answer CLEANUP_JS = NULL;
    int r;

    assert(fiber_self());
    if (params && !json_object_is_type(params, json_type_object))
        return err_set(err, -EINVAL, ERR_BUG, "%s: the parameters are no object", x->operation->name);
    given = with_token(x->operation, params, token);
    if (!given)
        return err_no_memory(err);
    r = ask_gate(x->aws, x->operation, err);
    if (r == 0)
        r = aws_exchange_begin(x, given, err);
    if (r == 0)
        r = attempts(x, &answer, err);
    if (r == 0 && ret)
        *ret = TAKE(answer);
    fiber_set_where(NULL);
    return r;
}

int aws_call_once(struct aws *aws, const struct aws_operation *operation, struct json_object *params,
                  const char *token, struct json_object **ret, struct err *err)
{
    struct aws_exchange x CLEANUP(aws_exchange_done) = {
        .aws = aws, .operation = operation, .use_chain = !operation->anonymous};

    return call(&x, params, token, ret, err);
}

int aws_call_as(struct aws *aws, const struct aws_operation *operation, struct json_object *params,
                const struct aws_credentials *as, struct json_object **ret, struct err *err)
{
    struct aws_exchange x CLEANUP(aws_exchange_done) = {.aws = aws, .operation = operation, .as = as};

    return call(&x, params, NULL, ret, err);
}

int aws_call_secret(struct aws *aws, enum aws_op op, struct json_object *params, const char *token,
                    const char *member, const struct secret *value, struct json_object **ret, struct err *err)
{
    struct aws_exchange x CLEANUP(aws_exchange_done) = {.aws = aws,
                                                        .operation = &aws_operations[op],
                                                        .use_chain = true,
                                                        .secret_member = member,
                                                        .secret = value};

    assert(op < AWS_OP_MAX);
    return call(&x, params, token, ret, err);
}

int aws_read_secret(struct aws *aws, enum aws_op op, struct json_object *params, const char *member,
                    struct secret **ret_secret, struct json_object **ret, struct err *err)
{
    struct json_object *answer CLEANUP_JS = NULL, *text;
    struct secret *value = NULL;
    int r;

    assert(op < AWS_OP_MAX && aws_operations[op].secret && aws_operations[op].access == AWS_READ);
    r = aws_call_once(aws, &aws_operations[op], params, NULL, &answer, err);
    if (r < 0)
        return r;
    if (json_object_object_get_ex(answer, member, &text) && json_object_is_type(text, json_type_string)) {
        value = secret_new(json_object_get_string(text), (size_t)json_object_get_string_len(text));
        aws_wipe_member(answer, member);
        if (!value)
            return err_no_memory(err);
    }
    json_object_object_del(answer, member);
    *ret_secret = value;
    if (ret)
        *ret = TAKE(answer);
    return 0;
}

int aws_call(struct aws *aws, enum aws_op op, struct json_object *params, const char *token,
             struct json_object **ret, struct err *err)
{
    assert(op < AWS_OP_MAX);
    return aws_call_pages(aws, &aws_operations[op], params, token, ret, err);
}
