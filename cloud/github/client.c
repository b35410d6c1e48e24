/*
 * client.c: one call to GitHub, from parameters to a JSON answer.
 *
 * An exchange is a loop around one request: wait until it may go out, say who
 * we are, send, look at what came back. It ends with an answer or an error;
 * it goes round again after a limit that was waited out, after credentials were mended
 * (once), and along a redirect on the same host (reads only).
 *
 * Fails with: everything of http.h (no answer), limits.c (limit or refused credentials, without
 * sending), answer.c (what GitHub said), list.c (pages that do not add up), and here: a redirect to
 * elsewhere. No fault is repeated here: that is the engine's, which knows what else is failing.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "cloud/github/github-internal.h"
#include "common/js.h"
#include "common/log.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "devel"
#endif

#define API_URL     "https://api.github.com"
#define TIMEOUT_MS  30000 /* GitHub itself gives up after ten seconds */
#define TRIES_MAX   5u    /* requests of one exchange that a limit may eat */
#define HOPS_MAX    3u
#define PATIENCE_MS 30000u
#define WRITE_MS    1000u
#define TOKEN_MAX   8192u

/* ---- making and freeing ---- */

/*
 * Tokens are read from files, which end with a newline; what else is no printable ASCII would break
 * the header.
 */
static int copy_token(const struct secret *token, struct secret **ret, struct err *err)
{
    const char *text = secret_text(token);
    size_t size = secret_size(token);

    while (size > 0 && strchr(" \t\r\n", text[size - 1]) && text[size - 1])
        size--;
    for (size_t i = 0; i < size; i++) {
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return err_set(err, -EINVAL, ERR_INVALID, "the GitHub token holds bytes that no token has");
    }
    if (size == 0 || size > TOKEN_MAX)
        return err_set(err, -EINVAL, ERR_INVALID, "the GitHub token is %s", size ? "too long" : "empty");
    *ret = secret_new(text, size);
    return *ret ? 0 : err_no_memory(err);
}

static int copy_identity(struct github *github, const struct github_options *options, struct err *err)
{
    int r;

    if (options->token)
        return copy_token(options->token, &github->token, err);
    if (str_empty(options->app_id) ||
        (str_empty(options->app_installation_id) && str_empty(options->app_repository)))
        return err_set(err, -EINVAL, ERR_INVALID,
                       "a GitHub App needs its id, and its installation id or a repository");
    r = app_key_check(options->app_private_key, err);
    if (r < 0)
        return r;
    github->app_key = secret_copy(options->app_private_key);
    if (!github->app_key || str_set(&github->app_id, options->app_id) < 0 ||
        str_set(&github->app_repository, options->app_repository) < 0 ||
        str_set(&github->installation, options->app_installation_id) < 0)
        return err_no_memory(err);
    return 0;
}

static int copy_url(struct github *github, const char *url, struct err *err)
{
    size_t size = strlen(url);

    while (size > 0 && url[size - 1] == '/')
        size--;
    github->api_url = strndup(url, size);
    if (!github->api_url)
        return err_no_memory(err);
    if (!url_is_base(github->api_url))
        return err_set(err, -EINVAL, ERR_INVALID, "\"%s\" is no URL of a GitHub API", url);
    return 0;
}

int github_new(const struct github_options *options, struct github **ret, struct err *err)
{
    struct github *github;
    int r;

    assert(options->http && options->clock && options->fibers);
    if (!options->token == !options->app_private_key)
        return err_set(err, -EINVAL, ERR_INVALID, "GitHub needs either a token or an App's private key");
    github = calloc(1, sizeof(*github));
    if (!github)
        return err_no_memory(err);
    github->http = options->http;
    github->clock = options->clock;
    github->fibers = options->fibers;
    github->gate = options->gate;
    github->gate_data = options->gate_data;
    github->limits.clock = options->clock;
    github->limits.write_interval_ms = options->write_interval_ms ? options->write_interval_ms : WRITE_MS;
    github->limits.patience_ms = options->patience_ms ? options->patience_ms : PATIENCE_MS;
    r = copy_url(github, options->api_url ? options->api_url : API_URL, err);
    if (r == 0)
        r = copy_identity(github, options, err);
    if (r < 0) {
        github_free(github);
        return r;
    }
    *ret = github;
    return 0;
}

struct github *github_free(struct github *github)
{
    if (!github)
        return NULL;
    assert(!github->limits.busy);
    for (size_t i = 0; i < PUBLIC_KEYS_MAX; i++) {
        free(github->keys[i].repository);
        free(github->keys[i].key_id);
    }
    tags_done(&github->tags);
    secret_free(github->token);
    secret_free(github->app_key);
    free(github->app_id);
    free(github->app_repository);
    free(github->installation);
    free(github->api_url);
    free(github);
    return NULL;
}

uint64_t github_calls_sent(const struct github *github)
{
    return github->sent;
}

int64_t github_token_expires_ms(const struct github *github)
{
    return github->personal_expires_ms;
}

int64_t github_wall_ms(const struct github *github)
{
    return clock_wall_ms(github->clock) + github->skew_ms;
}

void github_answer_done(struct github_answer *answer)
{
    json_object_put(answer->body);
    *answer = (struct github_answer){0};
}

void reply_done(struct reply *reply)
{
    http_answer_done(&reply->http);
    *reply = (struct reply){0};
}

static int ask_gate(struct github *github, const struct github_operation *operation, struct err *err)
{
    if (!operation->write)
        return 0;
    if (!github->gate)
        return err_set(err, -EPERM, ERR_CANCELED, "%s: writes are not allowed here", operation->name);
    return github->gate(github->gate_data, operation, err);
}

/* ---- one exchange ---- */

struct attempt {
    const struct github_operation *operation;
    enum credential credential;
    const char *body;
    char *url; /* owned; a redirect changes it */
    uint64_t waited_ms;
    unsigned limits_hit, hops;
};

static void attempt_done(struct attempt *attempt)
{
    free(attempt->url);
}

static bool is_read(const struct github_operation *operation)
{
    return str_equal(operation->method, "GET");
}

static int send_request(struct github *github, const struct attempt *attempt, const char *authorization,
                        struct http_answer *ret, struct err *err)
{
    const struct tag *tag = attempt->operation->tagged ? tags_find(&github->tags, attempt->url) : NULL;
    char *if_none_match CLEANUP_FREE = tag ? str_format("If-None-Match: %s", tag->etag) : NULL;
    const char *headers[] = {
        "User-Agent: mlopsd/" PACKAGE_VERSION,
        "Accept: application/vnd.github+json",
        "X-GitHub-Api-Version: 2022-11-28",
        authorization,
        NULL,
        NULL,
        NULL,
    };
    size_t count = 4;
    struct http_request request = {
        .method = attempt->operation->method,
        .url = attempt->url,
        .headers = headers,
        .body = attempt->body,
        .body_size = attempt->body ? strlen(attempt->body) : 0,
        .timeout_ms = TIMEOUT_MS,
    };
    int r;

    if (attempt->body)
        headers[count++] = "Content-Type: application/json";
    if (if_none_match)
        headers[count++] = if_none_match;
    github->sent++;
    fiber_set_where("waiting for GitHub's answer");
    r = http_fetch(github->http, &request, ret, err);
    return r < 0 ? err_wrap(err, r, "%s", attempt->operation->name) : 0;
}

/* Wait for our turn, say who we are, send. */
static int try_once(struct github *github, struct attempt *attempt, struct http_answer *ret, struct err *err)
{
    struct buf authorization CLEANUP(buf_wipe) = BUF_INIT(32768);
    int r;

    r = limits_check(&github->limits, attempt->credential, err);
    if (r < 0)
        return err_wrap(err, r, "%s", attempt->operation->name);
    buf_add_text(&authorization, "Authorization: Bearer ");
    r = token_write(github, attempt->operation, &authorization, err);
    if (r < 0)
        return r;
    r = limits_wait(&github->limits, attempt->credential, attempt->operation->write, &attempt->waited_ms,
                    err);
    if (r < 0)
        return err_wrap(err, r, "%s", attempt->operation->name);
    /* Asked again, next to the sending: much may have changed while we waited. */
    r = ask_gate(github, attempt->operation, err);
    if (r < 0)
        return r;
    return send_request(github, attempt, buf_text(&authorization), ret, err);
}

/* What every answer tells by the way. */
static void take_note(struct github *github, const struct http_answer *answer)
{
    int64_t date_ms = answer_date(answer);
    const char *sunset = http_answer_header(answer, "sunset");
    uint64_t pause_ms;

    if (date_ms > 0)
        github->skew_ms = date_ms - clock_wall_ms(github->clock);
    if (!github->app_key && answer_token_expires(answer) > 0)
        github->personal_expires_ms = answer_token_expires(answer);
    /* A refusal for a limit says itself how long; this is for the last answer that was given. */
    pause_ms = answer_exhausted_ms(answer, github_wall_ms(github));
    if (pause_ms > 0 && answer_meaning(answer) != MEANS_LIMIT)
        limits_exhausted(&github->limits, pause_ms);
    if (!github->sunset_told && (sunset || http_answer_header(answer, "deprecation"))) {
        github->sunset_told = true;
        log_warning("GitHub says that this version of its API will end%s%.40s", sunset ? ": " : "",
                    sunset ? sunset : "");
    }
}

/* Where a redirect leads, if we may go there with a token. */
static int follow(struct attempt *attempt, const struct http_answer *answer, struct err *err)
{
    const char *name = attempt->operation->name;
    const char *location = http_answer_header(answer, "location");
    char *url = NULL;
    int r;

    if (!is_read(attempt->operation))
        return err_set(err, -EINVAL, ERR_INVALID,
                       "%s: the repository was renamed or moved (%d); the config must give its new name",
                       name, answer->status);
    r = location ? url_resolve(attempt->url, location, &url) : -EBADMSG;
    if (r == -ENOMEM)
        return err_no_memory(err);
    if (r < 0 || attempt->hops == HOPS_MAX) {
        free(url);
        return err_set(err, -EIO, ERR_RETRY, "%s: a redirect (%d) that leads nowhere", name, answer->status);
    }
    if (!url_same_host(attempt->url, url)) {
        free(url);
        return err_set(err, -EINVAL, ERR_INVALID,
                       "%s: redirected to another host (%d), where the token must not go: was the repository "
                       "renamed or moved?",
                       name, answer->status);
    }
    free(attempt->url);
    attempt->url = url;
    attempt->hops++;
    return 0;
}

/* The credentials were refused: true when it makes sense to try once more with others. */
static bool mend_credentials(struct github *github, const struct attempt *attempt,
                             const struct http_answer *answer)
{
    unsigned count = limits_refused(&github->limits, attempt->credential);

    if (answer->status == 403 && count < 2) /* locked out: the next one would only prolong it */
        count = limits_refused(&github->limits, attempt->credential);
    if (!github->app_key)
        return false;
    if (attempt->credential == CREDENTIAL_TOKEN)
        token_drop(github);
    /* The JWT is signed anew with the clock that take_note() has just corrected. */
    return count == 1;
}

static int accept_unchanged(struct github *github, const struct attempt *attempt, struct reply *reply,
                            struct err *err)
{
    const struct tag *tag = attempt->operation->tagged ? tags_find(&github->tags, attempt->url) : NULL;

    if (!tag)
        return err_set(err, -EIO, ERR_RETRY, "%s: an answer (304) to a question not asked",
                       attempt->operation->name);
    reply->body = tag->body;
    reply->link = tag->link;
    reply->status = 200;
    return 0;
}

static void accept_success(struct github *github, const struct attempt *attempt, struct reply *reply)
{
    const char *etag = http_answer_header(&reply->http, "etag");

    reply->body = reply->http.body;
    reply->link = http_answer_header(&reply->http, "link");
    if (!attempt->operation->tagged)
        return;
    if (reply->status == 200 && etag)
        tags_keep(&github->tags, attempt->url, etag, reply->body, reply->link);
    else
        tags_forget(&github->tags, attempt->url);
}

/* What to do about an answer: 0 done, 1 go round again, negative: failed. */
static int judge(struct github *github, struct attempt *attempt, struct reply *reply, struct err *err)
{
    struct http_answer *answer = &reply->http;
    int r;

    take_note(github, answer);
    reply->status = answer->status;
    switch (answer_meaning(answer)) {
    case MEANS_SUCCESS:
        limits_success(&github->limits, attempt->credential);
        accept_success(github, attempt, reply);
        return 0;
    case MEANS_UNCHANGED:
        limits_success(&github->limits, attempt->credential);
        return accept_unchanged(github, attempt, reply, err);
    case MEANS_MOVED:
        reply->moved = true;
        r = follow(attempt, answer, err);
        return r < 0 ? r : 1;
    case MEANS_LIMIT:
        limits_hit(&github->limits, answer_pause_ms(answer, github_wall_ms(github)));
        if (++attempt->limits_hit < TRIES_MAX)
            return 1;
        break;
    case MEANS_LOGIN:
        if (mend_credentials(github, attempt, answer))
            return 1;
        break;
    case MEANS_FAILURE:
        if (answer->status == 404 || answer->status == 409 || answer->status == 422)
            limits_success(&github->limits, attempt->credential); /* we are known and heard */
        break;
    }
    return answer_error(attempt->operation, answer, err);
}

int github_exchange(struct github *github, const struct github_operation *operation, const char *url,
                    const char *body, struct reply *ret, struct err *err)
{
    struct attempt attempt CLEANUP(attempt_done) = {
        .operation = operation,
        .credential = operation->app ? CREDENTIAL_APP : CREDENTIAL_TOKEN,
        .body = body,
        .url = strdup(url),
    };
    int r;

    if (!attempt.url)
        return err_no_memory(err);
    do {
        http_answer_done(&ret->http);
        ret->status = 0;
        r = try_once(github, &attempt, &ret->http, err);
        if (r == 0)
            r = judge(github, &attempt, ret, err);
    } while (r > 0);
    return r;
}

/* ---- one call ---- */

static int call_plain(struct github *github, const struct github_operation *operation, const char *url,
                      const char *body, struct github_answer *ret, int *ret_status, struct err *err)
{
    struct reply reply CLEANUP_REPLY = {0};
    struct json_object *object = NULL;
    int r;

    r = github_exchange(github, operation, url, body, &reply, err);
    *ret_status = reply.status;
    if (r < 0)
        return r;
    if (reply.body[0] || is_read(operation)) {
        r = answer_object(operation, &reply.http, reply.body, &object, err);
        if (r < 0) {
            tags_done(&github->tags); /* a 304 must not bring it back for ever */
            return r;
        }
    }
    *ret = (struct github_answer){.status = reply.status,
                                  .body = object,
                                  .server_wall_ms = answer_date(&reply.http),
                                  .moved = reply.moved};
    return 0;
}

int github_call_in_lane(struct github *github, enum github_op op, struct json_object *params,
                        struct github_answer *ret, int *ret_status, struct err *err)
{
    const struct github_operation *operation = &github_operations[op];
    char *url CLEANUP_FREE = NULL;
    char *body CLEANUP_FREE = NULL;
    int ignored = 0;
    int *status = ret_status ? ret_status : &ignored;
    int r;

    r = operation_url(operation, github->api_url, params, &url, err);
    if (r < 0)
        return r;
    if (operation->list)
        return github_list(github, operation, url, ret, status, err);
    if (!is_read(operation) && js_get(params, "body")) {
        body = js_canonical(js_get(params, "body"));
        if (!body)
            return err_no_memory(err);
    }
    return call_plain(github, operation, url, body, ret, status, err);
}

int github_begin(struct github *github, const struct github_operation *operation, struct err *err)
{
    int r;

    r = ask_gate(github, operation, err);
    if (r < 0)
        return r;
    r = limits_check(&github->limits, operation->app ? CREDENTIAL_APP : CREDENTIAL_TOKEN, err);
    if (r == 0)
        r = lane_enter(&github->limits, err);
    return r < 0 ? err_wrap(err, r, "%s", operation->name) : 0;
}

int github_call(struct github *github, enum github_op op, struct json_object *params,
                struct github_answer *ret, struct err *err)
{
    const struct github_operation *operation = &github_operations[op];
    struct github_answer answer CLEANUP_GITHUB_ANSWER = {0};
    int r;

    assert((unsigned)op < GITHUB_OP_MAX);
    if (op == GITHUB_CREATE_INSTALLATION_TOKEN || (operation->app && !github->app_key))
        return err_set(err, -EINVAL, ERR_BUG, "%s: not a call that this client makes for others",
                       operation->name);
    r = github_begin(github, operation, err);
    if (r < 0)
        return r;
    r = github_call_in_lane(github, op, params, &answer, NULL, err);
    lane_leave(&github->limits);
    if (r < 0)
        return r;
    if (ret) {
        *ret = answer;
        answer = (struct github_answer){0};
    }
    return 0;
}
