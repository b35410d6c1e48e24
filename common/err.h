/*
 * err.h: what went wrong, for a person and for the engine.
 *
 * Functions return 0 or a negative errno. Where a person must understand the
 * failure, the last argument is a struct err. It is untouched on success;
 * callers wrap it on the way up, so that one line tells the whole story.
 * The class says what to do, not what happened; the engine decides on it alone.
 */
#ifndef MLOPSD_COMMON_ERR_H
#define MLOPSD_COMMON_ERR_H

#include <stdint.h>

#include "common/macro.h"

/** What to do about a failure. */
enum err_class {
    ERR_RETRY = 0,   /* passing fault: no answer, 5xx; look again with backoff */
    ERR_THROTTLED,   /* slow down, for every caller of that service */
    ERR_CREDENTIALS, /* refresh them; then a person */
    ERR_DENIED,      /* no permission: unknown, never absent; alert, retry slowly */
    ERR_ABSENT,      /* a definite "not found" */
    ERR_EXISTS,      /* the name is taken: adopt or refuse */
    ERR_BUSY,        /* in use or in transition: wait at a fixed interval */
    ERR_NOT_YET,     /* eventual consistency: wait, not a failure */
    ERR_INVALID,     /* the request is wrong: nothing helps but another desired state */
    ERR_CONFLICT,    /* somebody else's: never touch, tell a person */
    ERR_LIMIT,       /* a quota, or an answer over our own bounds */
    ERR_CANCELED,    /* we stopped it ourselves */
    ERR_BUG,         /* an answer or a state that should not be */
    ERR_CLASS_MAX,
};

/**
 * One failure. Zero-initialise; release the content with err_done().
 * Texts never hold a secret: whoever sets them sees to that.
 */
struct err {
    int code; /* negative errno, the function's return value */
    enum err_class class;
    char *text;              /* "role GitHubActionRole: CreateRole: access denied"; may be NULL */
    char *wire_code;         /* the service's own code, "AccessDenied"; NULL where there is none */
    char *request_id;        /* the service's id for the call; NULL where there is none */
    uint32_t retry_after_ms; /* the service asked for this pause; 0 = did not say */
};

/**
 * Fill @err (which may be NULL) with a new failure, replacing an old one.
 * Return @code, which must be negative, so that callers can write
 * "return err_set(err, -EINVAL, ERR_INVALID, ...)".
 */
int err_set(struct err *err, int code, enum err_class class, const char *format, ...) PRINTF_LIKE(4, 5);

/** Put "context: " before the text of @err (may be NULL). Return err->code, or @code where err is NULL. */
int err_wrap(struct err *err, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/** As err_set() with -ENOMEM and class ERR_RETRY; never allocates. */
int err_no_memory(struct err *err);

/** The text, or a text for the code when there is none; never NULL. Borrowed. */
const char *err_text(const struct err *err);

/** Move the content of @from to @to; @from is zeroed. Content of @to is released first. */
void err_move(struct err *to, struct err *from);

/** Deep copy; what can not be allocated is left NULL. */
void err_copy(struct err *to, const struct err *from);

/** Release the content and zero it; NULL is fine. */
void err_done(struct err *err);

/** "retry", "throttled", ...; never NULL for a valid class. */
const char *err_class_name(enum err_class class);

#define CLEANUP_ERR CLEANUP(err_done)

#endif
