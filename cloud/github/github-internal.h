/*
 * github-internal.h: what the files of the GitHub client share with each
 * other and with their tests.
 *
 * Layers, each used only by those below it: link.c (URLs), operations.c
 * (paths), etag.c, answer.c (what an answer means), limits.c (when to send),
 * jwt.c and token.c (as whom), client.c (one exchange, one call), list.c
 * (pages), secret.c.
 */
#ifndef MLOPSD_CLOUD_GITHUB_GITHUB_INTERNAL_H
#define MLOPSD_CLOUD_GITHUB_GITHUB_INTERNAL_H

#include "cloud/github/github.h"
#include "common/str.h"

#define GITHUB_URL_MAX 4096u

/* ---- link.c: pure ---- */

/**
 * The target of rel="next" in a Link header; owned. 0 with *ret NULL when there is none; -EBADMSG,
 * -ENOMEM.
 */
int link_next(const char *header, char **ret);
/** Same scheme, host and port (the default ports are filled in)? */
bool url_same_host(const char *a, const char *b);
/** Is this an absolute http or https URL without user, query and fragment, as a base must be? */
bool url_is_base(const char *url);
/**
 * A Location header against the URL it answers: absolute, or a path on the same host. Owned. 0,
 * -EBADMSG, -ENOMEM.
 */
int url_resolve(const char *base, const char *location, char **ret);

/* ---- operations.c ---- */

/**
 * Put @params into the path of @operation and the result behind @base. Owned. -EINVAL (ERR_INVALID)
 * for a bad value.
 */
int operation_url(const struct github_operation *operation, const char *base, struct json_object *params,
                  char **ret, struct err *err);

/* ---- etag.c: answers that a 304 may confirm ---- */

#define TAGS_MAX       64u
#define TAGS_BYTES_MAX (2u << 20)
#define TAG_BYTES_MAX  (512u << 10)

struct tag {
    char *url;
    char *etag;
    char *body;
    char *link; /* the page's Link header; may be NULL */
    size_t size_bytes;
    struct tag *prev, *next;
};
struct tags {
    struct tag *head, *tail; /* last used first */
    size_t count, bytes;
};
/** Borrowed until the next tags_ call; marks it as used. NULL when there is none. */
const struct tag *tags_find(struct tags *tags, const char *url);
/** Keep an answer; without memory or over the bounds it is simply not kept. */
void tags_keep(struct tags *tags, const char *url, const char *etag, const char *body, const char *link);
void tags_forget(struct tags *tags, const char *url);
void tags_done(struct tags *tags);

/* ---- answer.c: pure ---- */

enum meaning {
    MEANS_SUCCESS,
    MEANS_UNCHANGED, /* 304 */
    MEANS_MOVED,     /* a redirect */
    MEANS_LIMIT,     /* wait, everyone */
    MEANS_LOGIN,     /* the credentials are refused */
    MEANS_FAILURE,
};
enum meaning answer_meaning(const struct http_answer *answer);
/** The "message" of an error body, at most 200 bytes, or NULL. Owned. */
char *answer_message(const struct http_answer *answer);
/** Fill @err for a MEANS_LOGIN, _LIMIT or _FAILURE answer. Returns the code. */
int answer_error(const struct github_operation *operation, const struct http_answer *answer, struct err *err);
/** Date header, Unix ms; 0 when absent or garbled. */
int64_t answer_date(const struct http_answer *answer);
/**
 * The pause a limit asks for: > 0, or 0 when the answer does not say (secondary limit).
 * @server_wall_ms: "now" there.
 */
uint64_t answer_pause_ms(const struct http_answer *answer, int64_t server_wall_ms);
/** Has this answer used up the primary limit? Then as answer_pause_ms(); else 0. */
uint64_t answer_exhausted_ms(const struct http_answer *answer, int64_t server_wall_ms);
/** github-authentication-token-expiration, Unix ms; 0 when absent or garbled. */
int64_t answer_token_expires(const struct http_answer *answer);
/** Parse a body that must be a JSON object; ERR_RETRY when it is not. */
int answer_object(const struct github_operation *operation, const struct http_answer *answer,
                  const char *body, struct json_object **ret, struct err *err);

/* ---- limits.c ---- */

#define PAUSE_MAX_MS       (24ull * 3600 * 1000)
#define SECONDARY_FIRST_MS 60000u
#define SECONDARY_MAX_MS   3600000u
#define PROBE_FIRST_MS     300000u
#define PROBE_MAX_MS       3600000u

enum credential { CREDENTIAL_TOKEN, CREDENTIAL_APP, CREDENTIAL_MAX };

/** Refusals of one credential in a row. From the second on only a probe is sent, ever more rarely. */
struct refusals {
    unsigned count;
    uint64_t probe_at_ms; /* monotonic */
    uint32_t probe_wait_ms;
};

struct lane_waiter {
    struct fiber *fiber;
    bool granted;
    struct lane_waiter *next;
};

struct limits {
    struct clock *clock;
    uint32_t write_interval_ms, patience_ms;
    bool busy; /* somebody is in the lane */
    struct lane_waiter *head, *tail;
    uint64_t blocked_until_ms; /* monotonic; nobody sends before */
    bool fail_fast;            /* somebody lost patience: do not wait for blocked_until_ms, fail */
    const char *reason;        /* static text */
    uint32_t secondary_ms;     /* last pause for a secondary limit; 0 = none since the last success */
    uint64_t next_write_ms;
    struct refusals refusals[CREDENTIAL_MAX];
};
/** May wait: for the one place on the road. 0 or -ECANCELED with @err. */
int lane_enter(struct limits *limits, struct err *err);
void lane_leave(struct limits *limits);
/** 0, or the failure that every call of this credential gets at the moment. Does not wait. */
int limits_check(struct limits *limits, enum credential credential, struct err *err);
/**
 * May wait, in the lane: until a request may go out. @waited_ms sums up what one call has waited for limits.
 * ERR_THROTTLED when patience does not reach that far, ERR_CREDENTIALS as limits_check().
 */
int limits_wait(struct limits *limits, enum credential credential, bool write, uint64_t *waited_ms,
                struct err *err);
/** A limit was hit: @pause_ms as the answer asks; 0 = it does not say: a minute, doubling. */
void limits_hit(struct limits *limits, uint64_t pause_ms);
/** The primary limit is used up with this answer. */
void limits_exhausted(struct limits *limits, uint64_t pause_ms);
void limits_success(struct limits *limits, enum credential credential);
/** The credentials were refused; return how often in a row. */
unsigned limits_refused(struct limits *limits, enum credential credential);

/* ---- the client ---- */

#define PUBLIC_KEYS_MAX   16
#define PUBLIC_KEY_AGE_MS 300000u

struct public_key {
    char *repository; /* NULL = free */
    char *key_id;
    unsigned char key[32];
    uint64_t read_at_ms;
};

struct github {
    struct http *http;
    struct clock *clock;
    struct fibers *fibers;
    char *api_url;
    int (*gate)(void *data, const struct github_operation *operation, struct err *err);
    void *gate_data;

    struct secret *token;   /* the personal token, or the installation token of the moment */
    int64_t token_ends_ms;  /* installation token: Unix ms on GitHub's clock */
    struct secret *app_key; /* PEM; NULL = personal token */
    char *app_id, *app_repository;
    char *installation;
    bool installation_found; /* asked for, not configured */
    bool without_actions;    /* the App was not given "actions: read" */

    struct limits limits;
    struct tags tags;
    struct public_key keys[PUBLIC_KEYS_MAX];
    int64_t skew_ms; /* GitHub's clock minus ours */
    uint64_t sent;
    int64_t personal_expires_ms;
    bool sunset_told;
};

/** What one exchange brought. Zero; release with reply_done(). */
struct reply {
    struct http_answer http;
    const char *body; /* of the answer, or of the tag that a 304 confirmed; dies with the next exchange */
    const char *link; /* likewise; may be NULL */
    int status;       /* also after a failure; 0 = no answer came */
    bool moved;
};
void reply_done(struct reply *reply);
#define CLEANUP_REPLY CLEANUP(reply_done)

/**
 * May wait, in the lane: one request, with waits for limits, new tokens and redirects, until it has
 * its answer.
 */
int github_exchange(struct github *github, const struct github_operation *operation, const char *url,
                    const char *body, struct reply *ret, struct err *err);
/** list.c. May wait, in the lane: all pages from @first on, joined. @ret_status: of the last page. */
int github_list(struct github *github, const struct github_operation *operation, const char *first,
                struct github_answer *ret, int *ret_status, struct err *err);
/** github_call() for who holds the lane already. @ret_status: as reply.status; may be NULL. */
int github_call_in_lane(struct github *github, enum github_op op, struct json_object *params,
                        struct github_answer *ret, int *ret_status, struct err *err);
/** May wait: gate, limits, and then the lane, which the caller must leave. */
int github_begin(struct github *github, const struct github_operation *operation, struct err *err);
/** Our clock, corrected by GitHub's. Unix ms. */
int64_t github_wall_ms(const struct github *github);

/* ---- jwt.c ---- */

/** Is this PEM an RSA private key? -EINVAL. */
int app_key_check(const struct secret *pem, struct err *err);
/** A JWT that proves the App for nine minutes from @wall_ms. Owned. */
int app_jwt(const struct secret *pem, const char *app_id, int64_t wall_ms, struct secret **ret,
            struct err *err);
/* ---- token.c ---- */

/** May wait, in the lane: append what follows "Authorization: Bearer ". The buffer must be wiped. */
int token_write(struct github *github, const struct github_operation *operation, struct buf *buf,
                struct err *err);
/** The installation token was refused: the next token_write() gets a new one. */
void token_drop(struct github *github);
/**
 * Cut the value of the top-level member "token" out of a JSON text, so that no parser ever holds it: it is
 * moved to @ret and overwritten in @body. -EBADMSG when there is no plain one.
 */
int token_cut(char *body, size_t size_bytes, struct secret **ret);

#endif
