/*
 * token.c: as whom a request is made. A personal token is what it is. An
 * App's installation token lives an hour: it is fetched with a JWT when one is
 * needed, kept in memory, and fetched again five minutes before it ends or when it was refused.
 *
 *   token there, fresh ──────────────────────────────► write it
 *   none, old, refused ─► installation known? ─no─► GET installation
 *                              │yes  ▲─────────────────┘
 *                              ▼
 *                         POST access_tokens ─404─► forget a found installation, once more
 *                                            ─422─► without "actions: read", once more
 *
 * All of it happens in the lane, so there is one fetch for all who wait.
 * Failures never say "absent" to the caller: a missing installation is no missing secret.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "cloud/github/github-internal.h"
#include "common/js.h"

#define TOKEN_EARLY_MS 300000

/* ---- cutting the token out of the answer ---- */

/* The end of the string whose first byte (behind the quote) is @at; NULL when it does not end. */
static char *string_end(char *at, const char *end)
{
    for (; at < end; at++) {
        if (*at == '\\')
            at++;
        else if (*at == '"')
            return at;
    }
    return NULL;
}

/* The value text of the top-level member "token": between its quotes. */
static int find_token(char *body, size_t size_bytes, char **ret, size_t *ret_size)
{
    const char *end = body + size_bytes;
    unsigned depth = 0;

    for (char *at = body; at < end; at++) {
        char *close, *value;

        if (*at == '{' || *at == '[')
            depth++;
        else if (*at == '}' || *at == ']')
            depth--;
        if (*at != '"')
            continue;
        close = string_end(at + 1, end);
        if (!close)
            return -EBADMSG;
        value = close + 1;
        while (value < end && strchr(" \t\r\n", *value))
            value++;
        if (depth != 1 || value >= end || *value != ':' || close - at != 6 || memcmp(at, "\"token", 6) != 0) {
            at = close;
            continue;
        }
        value++;
        while (value < end && strchr(" \t\r\n", *value))
            value++;
        close = value < end && *value == '"' ? string_end(value + 1, end) : NULL;
        if (!close)
            return -EBADMSG;
        *ret = value + 1;
        *ret_size = (size_t)(close - value) - 1;
        return 0;
    }
    return -EBADMSG;
}

int token_cut(char *body, size_t size_bytes, struct secret **ret)
{
    struct secret *secret;
    char *token;
    size_t size;
    int r;

    r = find_token(body, size_bytes, &token, &size);
    if (r < 0)
        return r;
    if (size == 0)
        return -EBADMSG;
    for (size_t i = 0; i < size; i++) {
        if (token[i] <= ' ' || token[i] >= 0x7f || token[i] == '\\')
            return -EBADMSG;
    }
    secret = secret_new(token, size);
    if (!secret)
        return -ENOMEM;
    sodium_memzero(token, size);
    memset(token, 'x', size);
    *ret = secret;
    return 0;
}

/* ---- fetching ---- */

/* Whoever asked for a secret must not hear "not found" because an installation is. */
static int token_failed(int r, struct err *err, const char *what)
{
    if (r == -ENOENT) {
        r = -EACCES;
        if (err) {
            err->class = ERR_CREDENTIALS;
            err->code = r;
        }
    }
    return err_wrap(err, r, "%s", what);
}

static int find_installation(struct github *github, struct err *err)
{
    const struct github_operation *operation = &github_operations[GITHUB_GET_INSTALLATION];
    struct json_object *params CLEANUP_JS = json_object_new_object();
    struct json_object *answer CLEANUP_JS = NULL;
    struct reply reply CLEANUP_REPLY = {0};
    char *url CLEANUP_FREE = NULL;
    int64_t id;
    int r;

    if (!params || js_set_text(params, "repository", github->app_repository) < 0)
        return err_no_memory(err);
    r = operation_url(operation, github->api_url, params, &url, err);
    if (r < 0)
        return r;
    r = github_exchange(github, operation, url, NULL, &reply, err);
    if (r == 0)
        r = answer_object(operation, &reply.http, reply.body, &answer, err);
    if (r < 0)
        return token_failed(r, err, "looking for the App's installation");
    id = js_int(answer, "id", 0);
    if (id <= 0)
        return err_set(err, -EIO, ERR_RETRY, "%s: the answer names no id", operation->name);
    free(github->installation);
    github->installation = str_format("%lld", (long long)id);
    github->installation_found = true;
    return github->installation ? 0 : err_no_memory(err);
}

/* {"repositories": ["name"], "permissions": {...}}: no more than the table of operations needs. */
static char *token_request(const struct github *github)
{
    struct json_object *body CLEANUP_JS = json_object_new_object();
    struct json_object *names;
    const char *slash;

    if (!body || js_set_text(body, "permissions.metadata", "read") < 0 ||
        js_set_text(body, "permissions.secrets", "write") < 0)
        return NULL;
    if (!github->without_actions && js_set_text(body, "permissions.actions", "read") < 0)
        return NULL;
    slash = github->app_repository ? strchr(github->app_repository, '/') : NULL;
    if (slash) {
        names = json_object_new_array();
        if (!names || js_add_text(names, slash + 1) < 0) {
            json_object_put(names);
            return NULL;
        }
        if (js_set(body, "repositories", names) < 0)
            return NULL;
    }
    return js_canonical(body);
}

static int keep_token(struct github *github, struct reply *reply, struct err *err)
{
    const struct github_operation *operation = &github_operations[GITHUB_CREATE_INSTALLATION_TOKEN];
    struct json_object *answer CLEANUP_JS = NULL;
    struct secret *token CLEANUP_SECRET = NULL;
    const char *expires;
    int64_t ends_ms;
    int r;

    r = token_cut(reply->http.body, reply->http.body_size, &token);
    if (r == -ENOMEM)
        return err_no_memory(err);
    if (r < 0)
        return err_set(err, -EIO, ERR_RETRY, "%s: the answer holds no token", operation->name);
    r = answer_object(operation, &reply->http, reply->http.body, &answer, err);
    if (r < 0)
        return r;
    expires = js_text(answer, "expires_at");
    if (!expires || clock_parse_time(expires, &ends_ms) < 0)
        return err_set(err, -EIO, ERR_RETRY, "%s: the answer does not say when the token ends",
                       operation->name);
    secret_free(github->token);
    github->token = TAKE(token);
    github->token_ends_ms = ends_ms;
    tags_done(&github->tags); /* what the old token saw */
    return 0;
}

static int request_token(struct github *github, int *ret_status, struct err *err)
{
    const struct github_operation *operation = &github_operations[GITHUB_CREATE_INSTALLATION_TOKEN];
    struct json_object *params CLEANUP_JS = json_object_new_object();
    struct reply reply CLEANUP_REPLY = {0};
    char *url CLEANUP_FREE = NULL;
    char *body CLEANUP_FREE = token_request(github);
    int r;

    if (!params || !body || js_set_text(params, "installation_id", github->installation) < 0)
        return err_no_memory(err);
    r = operation_url(operation, github->api_url, params, &url, err);
    if (r < 0)
        return r;
    r = github_exchange(github, operation, url, body, &reply, err);
    *ret_status = reply.status;
    return r < 0 ? r : keep_token(github, &reply, err);
}

static int fetch_token(struct github *github, struct err *err)
{
    bool again = true;
    int r;

    for (;;) {
        struct err why CLEANUP_ERR = {0};
        int status = 0;

        if (!github->installation) {
            r = find_installation(github, err);
            if (r < 0)
                return r;
        }
        r = request_token(github, &status, &why);
        if (r == 0)
            return 0;
        if (status == 422 && !github->without_actions) {
            github->without_actions = true;
        } else if (status == 404 && github->installation_found && again) {
            /* Installed anew: it has another number now. */
            again = false;
            github->installation_found = false;
            free(TAKE(github->installation));
        } else {
            if (err)
                err_move(err, &why);
            return token_failed(r, err, "getting a token for the App");
        }
    }
}

void token_drop(struct github *github)
{
    if (github->app_key)
        github->token = secret_free(github->token);
}

static int write_jwt(struct github *github, struct buf *buf, struct err *err)
{
    struct secret *jwt CLEANUP_SECRET = NULL;
    int r;

    r = app_jwt(github->app_key, github->app_id, github_wall_ms(github), &jwt, err);
    if (r < 0)
        return r;
    return buf_add(buf, secret_text(jwt), secret_size(jwt)) < 0 ? err_no_memory(err) : 0;
}

int token_write(struct github *github, const struct github_operation *operation, struct buf *buf,
                struct err *err)
{
    int r;

    if (operation->app)
        return write_jwt(github, buf, err);
    if (github->app_key &&
        (!github->token || github_wall_ms(github) >= github->token_ends_ms - TOKEN_EARLY_MS)) {
        r = fetch_token(github, err);
        if (r < 0)
            return r;
    }
    return buf_add(buf, secret_text(github->token), secret_size(github->token)) < 0 ? err_no_memory(err) : 0;
}
