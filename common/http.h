/*
 * http.h: one HTTP interface for everything that talks to the outside.
 *
 * Real transport: libcurl's multi interface on a libuv loop (http_curl.c).
 * Simulated: answers from a function, on any clock (http_sim.c).
 * An HTTP status is an answer; only silence is an error. No retries here
 * (but see @fresh: libcurl repeats a POST by itself on a dead kept connection).
 * Loop thread only.
 */
#ifndef MLOPSD_COMMON_HTTP_H
#define MLOPSD_COMMON_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/fiber.h"

#define HTTP_BODY_MAX (8u << 20) /* bytes of an answer, unless the request says less */

/** All borrowed for the length of http_start() only; it copies. */
struct http_request {
    const char *method;         /* "GET" */
    const char *url;            /* absolute, already encoded; sent as it is (path is not normalised) */
    const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
    const void *body;           /* NULL = none */
    size_t body_size;
    uint32_t timeout_ms;         /* whole call, 1..600000; 0 = 60000 */
    uint32_t connect_timeout_ms; /* 0 = 5000 */
    size_t max_answer_bytes;     /* 0 = HTTP_BODY_MAX */
    const char *ca_file;         /* NULL = the transport's */
    const char *ca_pem;          /* PEM text; then nothing else is trusted; NULL = @ca_file */
    size_t ca_pem_size;
    bool fresh;                  /* a new connection: for calls that create and have no token (see above) */
    bool no_proxy;               /* instance metadata, loopback */
};

struct http_header {
    char *name; /* lower case */
    char *value;
};

/** Zeroed before use; content released with http_answer_done(). */
struct http_answer {
    int status;
    struct http_header *headers;
    size_t header_count;
    char *body; /* NUL-terminated, never NULL after success */
    size_t body_size;
};
/** First value of a header, NULL when absent; @name in lower case. Borrowed. */
const char *http_answer_header(const struct http_answer *answer, const char *name);
void http_answer_done(struct http_answer *answer); /* wipes the body: it may hold a credential */
#define CLEANUP_ANSWER CLEANUP(http_answer_done)

/* For whoever makes answers: transports and the handlers of simulated ones. All copy. */
#define HTTP_HEADERS_MAX       200
#define HTTP_HEADERS_BYTES_MAX (64u << 10) /* names and values of one answer together */
/** The name is stored in lower case. 0, -ENOMEM, or -EMSGSIZE over the bounds above. */
int http_answer_add_header(struct http_answer *answer, const char *name, const char *value);
/** Replaces the body; 0 or -ENOMEM (then unchanged). */
int http_answer_set_body(struct http_answer *answer, const void *data, size_t size_bytes);

struct http_call;
/** @answer or @err is borrowed, the other NULL. Runs exactly once, never from inside http_start(). */
typedef void (*http_call_cb)(struct http_call *call, struct http_answer *answer, struct err *err);

/** Owned by the caller, zeroed; valid until the callback ran. */
struct http_call {
    void *data; /* the caller's, never touched */
    http_call_cb cb;
    struct http *http;
    void *transport; /* the transport's */
};

struct http {
    int (*start)(struct http *http, struct http_call *call, const struct http_request *request,
                 struct err *err);
    void (*cancel)(struct http *http, struct http_call *call);
};

/** 0, or -EINVAL / -ENOMEM with @err filled: then nothing was sent and @cb never runs. */
int http_start(struct http *http, struct http_call *call, const struct http_request *request, http_call_cb cb,
               struct err *err);
/**
 * The callback runs with -ECANCELED, once, soon; never from inside. Fine on a
 * finished call. An answer that is already complete is still delivered as one:
 * it may tell the id of what was created.
 */
void http_cancel(struct http_call *call);

/**
 * May wait (fibers only): send and wait for the answer. Canceling the fiber
 * cancels the call; the fiber still waits until the transport let go of it.
 * Return 0 with @ret filled; or -ETIMEDOUT, -ECONNREFUSED, -ECONNRESET,
 * -EHOSTUNREACH (name or route), -EPROTO (TLS or HTTP broken), -EKEYREJECTED (certificate
 * not trusted or for another name), -EMSGSIZE, -ECANCELED, -ENOMEM, -EINVAL with @err.
 */
int http_fetch(struct http *http, const struct http_request *request, struct http_answer *ret,
               struct err *err);

/** The real transport. @ca_file: PEM bundle, NULL = the system's. */
struct http_curl;
int http_curl_new(uv_loop_t *loop, const char *ca_file, struct http_curl **ret, struct err *err);
struct http *http_curl_http(struct http_curl *curl);
/** Cancels what runs, closes its handles; the loop must run once more before http_curl_free(). */
void http_curl_close(struct http_curl *curl);
struct http_curl *http_curl_free(struct http_curl *curl);

/** The simulated transport: @handler fills *answer (0) or returns a negative errno for silence. */
typedef int (*http_sim_handler)(void *data, const struct http_request *request, struct http_answer *answer,
                                uint64_t *ret_delay_ms);
struct http_sim {
    struct http http;
    struct clock *clock;
    http_sim_handler handler;
    void *data;
    uint64_t calls; /* so far */
};
void http_sim_init(struct http_sim *sim, struct clock *clock, http_sim_handler handler, void *data);

#endif
