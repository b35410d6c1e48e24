/*
 * github.h: one GitHub, one token: calls by table, politely.
 *
 * One request at a time per token, at least a second between writes, ETags
 * for reads, primary and secondary limits waited out for all callers, tokens of both kinds
 * (personal access tokens; App installation tokens fetched with a signed JWT and
 * refreshed early). Sealed boxes for secrets. Loop thread only.
 * Facts: GitHub REST API description, versions 2022-11-28 and 2026-03-10.
 */
#ifndef MLOPSD_CLOUD_GITHUB_GITHUB_H
#define MLOPSD_CLOUD_GITHUB_GITHUB_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/crypto.h"
#include "common/err.h"
#include "common/fiber.h"
#include "common/http.h"

struct github;

enum github_op {
    GITHUB_GET_REPOSITORY,
    GITHUB_LIST_SECRETS, /* all pages; answer {"total_count", "secrets": [...]}, incomplete = error */
    GITHUB_GET_SECRET,
    GITHUB_GET_PUBLIC_KEY,
    GITHUB_PUT_SECRET,
    GITHUB_DELETE_SECRET,
    GITHUB_GET_OIDC_SUBJECT,
    GITHUB_GET_ACTIONS_PERMISSIONS,
    GITHUB_CREATE_INSTALLATION_TOKEN,
    GITHUB_GET_INSTALLATION,
    GITHUB_OP_MAX,
};

struct github_operation {
    const char *name; /* "PUT secret": for messages and the log */
    const char *method;
    const char *path; /* "/repos/{repository}/actions/secrets/{secret_name}"; its '/' stays */
    bool write;
    const char *permission; /* "Secrets: write": named when a 403 says so */
    const char *list;       /* member that pages are joined on, or NULL */
    bool tagged;            /* the ETag is kept, and the body with it: a 304 costs nothing of the limit */
    bool app;               /* made with the App's own JWT, not with the token */
};
extern const struct github_operation github_operations[GITHUB_OP_MAX];

/** How to prove who we are: exactly one of @token or the app_ members. Secrets are copied. */
struct github_options {
    struct http *http;
    struct clock *clock;
    struct fibers *fibers;
    const char *api_url;                  /* NULL = https://api.github.com; no trailing slash */
    const struct secret *token;           /* classic or fine-grained personal access token */
    const char *app_id;                   /* App: client id or app id */
    const char *app_installation_id;      /* NULL = ask for it with the repository */
    const struct secret *app_private_key; /* PEM, PKCS#1 or PKCS#8 */
    const char *app_repository;           /* App: what the installation token is narrowed to: "owner/name" */
    /** As aws_options.gate: asked before every write. NULL = all writes are refused. */
    int (*gate)(void *data, const struct github_operation *operation, struct err *err);
    void *gate_data;
    uint32_t write_interval_ms; /* between the starts of two writes; 0 = 1000 */
    uint32_t patience_ms;       /* how long one call waits for limits to pass; 0 = 30000 */
};

/**
 * Sends nothing yet. -EINVAL with @err for a bad URL, a token with odd bytes, or a key that is no RSA
 * key in PEM.
 */
int github_new(const struct github_options *options, struct github **ret, struct err *err);
struct github *github_free(struct github *github); /* no call may be in flight */

/** Zeroed before use. */
struct github_answer {
    int status;               /* 200, 201, 204; a 304 is given back as the 200 it confirms */
    struct json_object *body; /* NULL for an empty body */
    int64_t server_wall_ms;   /* from the Date header; 0 when absent */
    bool moved;               /* a redirect was followed: the repository goes by another name now */
};
void github_answer_done(struct github_answer *answer);
#define CLEANUP_GITHUB_ANSWER CLEANUP(github_answer_done)

/**
 * May wait. @params: path parameters and, for writes, "body". Borrowed.
 * Errors by class: 404 ERR_ABSENT (hidden things answer 404 too: the caller
 * must hold other proof), 401 ERR_CREDENTIALS, 403 ERR_DENIED naming the permission, limits ERR_THROTTLED
 * (after waiting as GitHub asked, at most @patience of the client), 422 ERR_INVALID, 5xx and HTML ERR_RETRY.
 * A limit that lasts longer than patience stops every call at once until its time has come;
 * err->retry_after_ms says when. Two refusals of the credentials in a row do the same
 * (ERR_CREDENTIALS), with a slow probe. Never for GITHUB_CREATE_INSTALLATION_TOKEN: the client does
 * that by itself, and the answer is a secret.
 */
int github_call(struct github *github, enum github_op op, struct json_object *params,
                struct github_answer *ret, struct err *err);

/**
 * May wait: PUT one Actions secret: key fetched once and kept for minutes, sealed, sent; a 422 for an
 * old key is mended once.
 */
int github_put_secret(struct github *github, const char *repository, const char *secret_name,
                      const struct secret *value, struct github_answer *ret, struct err *err);

uint64_t github_calls_sent(const struct github *github);
/**
 * When a personal token ends, Unix ms, as answers told; 0 = unknown or never. An App's tokens renew
 * themselves: 0.
 */
int64_t github_token_expires_ms(const struct github *github);

#endif
