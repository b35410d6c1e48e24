/*
 * credentials.c: the keys in force, and when they are fetched anew.
 *
 * Fetched: when there are none; when a service refused them; when the files
 * changed; when 15 minutes are left (one caller does it, the others go on with
 * the old ones); when 10 minutes are left (all callers wait). One caller at a time does the work; the
 * others wait for its result. If it is canceled, the next one takes over.
 * Old keys stay in use until they really expire, whatever a refresh says.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "cloud/aws/aws-internal.h"
#include "common/js.h"
#include "common/log.h"

#define ADVISORY_MS     (15 * 60 * 1000)
#define MANDATORY_MS    (10 * 60 * 1000)
#define LOOK_MS         1000  /* between looks at the files */
#define AGAIN_MS        2000  /* after a refresh, before a second one for the same reason */
#define AGAIN_USABLE_MS 30000 /* the same while the old keys still work */
#define KEY_ID_MAX      256

struct aws_credentials_waiter {
    struct fiber *fiber;
    struct aws_credentials_waiter *next;
};

enum need { NEED_NOTHING, NEED_SOON, NEED_NOW };

/* ---- one set of keys ---- */

void aws_credentials_done(struct aws_credentials *credentials)
{
    aws_keys_done(&credentials->keys);
    free(credentials->identity);
    *credentials = (struct aws_credentials){0};
}

void aws_credentials_move(struct aws_credentials *to, struct aws_credentials *from)
{
    aws_credentials_done(to);
    *to = *from;
    *from = (struct aws_credentials){0};
}

/* They go into headers: a line break there would be a header of somebody else's making. */
static bool is_printable(const char *text)
{
    for (; text && *text; text++) {
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f)
            return false;
    }
    return true;
}

int aws_credentials_set(struct aws_credentials *credentials, const char *source, const char *id,
                        const char *secret, const char *token, const char *identity, struct err *err)
{
    if (str_empty(id) || str_empty(secret))
        return err_set(err, -EINVAL, ERR_CREDENTIALS, "%s: half a pair of keys: the %s is missing", source,
                       str_empty(id) ? "access key id" : "secret access key");
    if (strlen(id) > KEY_ID_MAX || !is_printable(id) || !is_printable(secret) || !is_printable(token) ||
        strchr(id, '/'))
        return err_set(err, -EINVAL, ERR_CREDENTIALS, "%s: keys with characters that keys do not have",
                       source);
    aws_credentials_done(credentials);
    credentials->source = source;
    credentials->keys.id = strdup(id);
    credentials->keys.secret = secret_new_text(secret);
    credentials->keys.token = str_empty(token) ? NULL : secret_new_text(token);
    credentials->identity = str_format("%s", identity ? identity : id);
    if (credentials->keys.id && credentials->keys.secret && credentials->identity &&
        (str_empty(token) || credentials->keys.token))
        return 0;
    aws_credentials_done(credentials);
    return err_no_memory(err);
}

void aws_wipe_member(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;

    if (json_object_object_get_ex(object, key, &value))
        js_wipe_text(value);
}

/* ---- the order of sources ---- */

static int find_by_profile(struct aws *aws, struct aws_credentials *ret, struct err *err)
{
    return aws_source_profile(aws, aws->profile, ret, err);
}

static int find_by_order(struct aws *aws, struct aws_credentials *ret, struct err *err)
{
    char *profile CLEANUP_FREE = strdup(aws_profiles_name(aws->profiles));
    int r;

    if (!profile)
        return err_no_memory(err);
    r = aws_source_environment(aws, ret, err);
    if (r == 0)
        r = aws_source_role(aws, profile, ret, err);
    if (r == 0)
        r = aws_source_web_identity(aws, profile, false, ret, err);
    if (r == 0)
        r = aws_source_sso(aws, profile, err);
    if (r == 0)
        r = aws_source_static(aws, AWS_FILE_CREDENTIALS, profile, ret, err);
    if (r == 0)
        r = aws_source_process(aws, profile, ret, err);
    if (r == 0)
        r = aws_source_static(aws, AWS_FILE_CONFIG, profile, ret, err);
    if (r == 0)
        r = aws_source_container(aws, ret, err);
    if (r == 0)
        r = aws_source_imds(aws, ret, err);
    return r;
}

static int find(struct aws *aws, struct aws_credentials *ret, struct err *err)
{
    int r = aws_profiles_need(aws, err);

    if (r < 0)
        return r;
    r = aws->profile ? find_by_profile(aws, ret, err) : find_by_order(aws, ret, err);
    if (r != 0)
        return r < 0 ? r : 0;
    if (aws->profile)
        return err_set(err, -ENOKEY, ERR_CREDENTIALS, "profile %s holds no credentials", aws->profile);
    return err_set(err, -ENOKEY, ERR_CREDENTIALS,
                   "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile, or "
                   "run on a host with an instance role");
}

/* ---- when ---- */

static int64_t time_left_ms(const struct aws *aws)
{
    const struct aws_credentials *current = &aws->chain.current;

    if (current->expires_ms == 0)
        return INT64_MAX;
    return current->expires_ms - (clock_wall_ms(aws->clock) + aws->offset_ms);
}

static bool is_usable(const struct aws *aws, uint64_t stale)
{
    const struct aws_chain *chain = &aws->chain;

    return chain->current.keys.id && (stale == 0 || stale != chain->generation) && time_left_ms(aws) > 0;
}

/* @at_ms is one more than the clock said, so that 0 can mean never. */
static bool is_recent(const struct aws *aws, uint64_t at_ms, uint64_t window_ms)
{
    return at_ms != 0 && clock_monotonic_ms(aws->clock) + 1 - at_ms < window_ms;
}

static enum need what_is_needed(const struct aws *aws, uint64_t stale)
{
    const struct aws_chain *chain = &aws->chain;
    int64_t left_ms = time_left_ms(aws);

    if (!is_usable(aws, stale))
        return is_recent(aws, chain->refreshed_at_ms, AGAIN_MS) && chain->current.keys.id && left_ms > 0
                   ? NEED_NOTHING /* just fetched, and the same again: there are no others */
                   : NEED_NOW;
    if (is_recent(aws, chain->refreshed_at_ms, AGAIN_USABLE_MS))
        return NEED_NOTHING; /* keys that are born short-lived */
    if (left_ms <= MANDATORY_MS)
        return NEED_NOW;
    return left_ms <= ADVISORY_MS ? NEED_SOON : NEED_NOTHING;
}

/* ---- how ---- */

static bool same_keys(const struct aws_keys *a, const struct aws_keys *b)
{
    if (!str_equal(a->id, b->id) || !a->secret || !secret_equal(a->secret, b->secret))
        return false;
    if (!a->token || !b->token)
        return !a->token && !b->token;
    return secret_equal(a->token, b->token);
}

static void install(struct aws *aws, struct aws_credentials *fresh)
{
    struct aws_chain *chain = &aws->chain;

    if (!chain->current.keys.id || !same_keys(&chain->current.keys, &fresh->keys)) {
        chain->generation++;
        for (int i = 0; i < AWS_SERVICE_MAX; i++)
            aws_key_cache_done(&aws->services[i].key_cache);
    }
    aws_credentials_move(&chain->current, fresh);
    err_done(&chain->failure);
    chain->refreshed_at_ms = clock_monotonic_ms(aws->clock) + 1; /* 0 means never */
}

static void wake_all(struct aws_chain *chain)
{
    struct aws_credentials_waiter *waiter = chain->waiters;

    chain->waiters = NULL;
    while (waiter) {
        struct aws_credentials_waiter *next = waiter->next; /* it lives on a stack that may run on */

        fiber_wake(waiter->fiber, 0);
        waiter = next;
    }
}

/* May wait. Do the work for everybody. */
static int lead(struct aws *aws, struct err *err)
{
    struct aws_credentials fresh CLEANUP_CREDENTIALS = {0};
    struct err failure CLEANUP_ERR = {0};
    struct aws_chain *chain = &aws->chain;
    int r;

    chain->refreshing = true;
    r = find(aws, &fresh, &failure);
    chain->refreshing = false;
    if (r == 0) {
        install(aws, &fresh);
    } else if (r != -ECANCELED) {
        err_copy(&chain->failure, &failure);
        chain->failed_at_ms = clock_monotonic_ms(aws->clock) + 1;
    }
    wake_all(chain);
    if (r < 0 && err)
        err_move(err, &failure);
    return r;
}

/* May wait. 0: look again; negative: canceled. */
static int follow(struct aws_chain *chain, struct err *err)
{
    struct aws_credentials_waiter waiter = {.fiber = fiber_self(), .next = chain->waiters};
    int r;

    chain->waiters = &waiter;
    r = fiber_wait();
    for (struct aws_credentials_waiter **p = &chain->waiters; *p; p = &(*p)->next) {
        if (*p == &waiter) {
            *p = waiter.next;
            break;
        }
    }
    return r < 0 ? err_set(err, r, ERR_CANCELED, "canceled") : 0;
}

/* The failure of a moment ago, for whoever asks again. */
static int recent_failure(struct aws *aws, bool usable, struct err *err)
{
    const struct aws_chain *chain = &aws->chain;

    if (chain->failure.code == 0 || !is_recent(aws, chain->failed_at_ms, usable ? AGAIN_USABLE_MS : AGAIN_MS))
        return 0;
    if (err)
        err_copy(err, &chain->failure);
    return chain->failure.code;
}

/* Did somebody edit the files? Then everything that came from them is looked up again. */
static void look_at_files(struct aws *aws)
{
    struct aws_chain *chain = &aws->chain;
    struct err err CLEANUP_ERR = {0};

    if (!aws->profiles || is_recent(aws, chain->looked_at_ms, LOOK_MS) || chain->refreshing)
        return;
    chain->looked_at_ms = clock_monotonic_ms(aws->clock) + 1;
    if (!aws_profiles_stale(aws->profiles))
        return;
    if (aws_profiles_need(aws, &err) < 0) {
        log_err(LOG_AT_WARNING, &err, "AWS configuration, keeping what was read before");
        return;
    }
    chain->refreshed_at_ms = 0;
    if (chain->current.keys.id)
        chain->current.expires_ms = 1; /* long past: fetch again, whatever they were */
}

/* May wait. Be the one who refreshes; with old keys that still work a failure is only noted. */
static int refresh(struct aws *aws, uint64_t stale, struct err *err)
{
    struct err failure CLEANUP_ERR = {0};
    bool usable = is_usable(aws, stale);
    int r = recent_failure(aws, usable, &failure);

    if (r == 0) {
        r = lead(aws, &failure);
        if (r < 0 && r != -ECANCELED && usable)
            log_err(LOG_AT_WARNING, &failure, "new AWS credentials, keeping the old ones");
    }
    if (r == 0 || (r != -ECANCELED && is_usable(aws, stale)))
        return 0;
    if (err)
        err_move(err, &failure);
    return r;
}

int aws_chain_ensure(struct aws *aws, uint64_t stale, struct err *err)
{
    struct aws_chain *chain = &aws->chain;
    enum need need;
    int r;

    assert(fiber_self());
    look_at_files(aws);
    for (;;) {
        need = what_is_needed(aws, stale);
        if (need == NEED_NOTHING || (need == NEED_SOON && chain->refreshing))
            return 0;
        if (!chain->refreshing)
            return refresh(aws, stale, err);
        r = follow(chain, err);
        if (r < 0)
            return r;
        if (chain->refreshing)
            continue;
        r = recent_failure(aws, is_usable(aws, stale), err);
        if (r < 0 && !is_usable(aws, stale))
            return r;
    }
}

void aws_chain_done(struct aws_chain *chain)
{
    assert(!chain->refreshing && !chain->waiters);
    aws_credentials_done(&chain->current);
    err_done(&chain->failure);
}
