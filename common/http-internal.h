/*
 * http-internal.h: what the transports share. Callers have http.h.
 */
#ifndef MLOPSD_COMMON_HTTP_INTERNAL_H
#define MLOPSD_COMMON_HTTP_INTERNAL_H

#include <stdint.h>

#include "common/err.h"
#include "common/http.h"

#define HTTP_TIMEOUT_MS         60000u
#define HTTP_CONNECT_TIMEOUT_MS 5000u
#define HTTP_TIMEOUT_MAX_MS     600000u

static inline uint32_t http_timeout_ms(const struct http_request *request)
{
    return request->timeout_ms ? request->timeout_ms : HTTP_TIMEOUT_MS;
}

static inline uint32_t http_connect_timeout_ms(const struct http_request *request)
{
    return request->connect_timeout_ms ? request->connect_timeout_ms : HTTP_CONNECT_TIMEOUT_MS;
}

static inline size_t http_max_answer_bytes(const struct http_request *request)
{
    return request->max_answer_bytes ? request->max_answer_bytes : HTTP_BODY_MAX;
}

/** "host" or "host:port" of a URL that http_start() let pass; owned, NULL without memory. */
char *http_url_host(const char *url);

/** As http_answer_add_header(), for bytes that are not followed by a NUL. */
int http_answer_add_header_bytes(struct http_answer *answer, const char *name, size_t name_size,
                                 const char *value, size_t value_size);
void http_answer_drop_headers(struct http_answer *answer);

/**
 * The one place that turns silence into a class and a text: names @host, what
 * happened and the way out. @detail: what the library said; may be NULL or "".
 * Return @code.
 */
int http_error(struct err *err, int code, const char *host, const char *detail);

/** Run the callback of @call, which is finished from now on; then release @answer and @err (one is NULL). */
void http_call_finish(struct http_call *call, struct http_answer *answer, struct err *err);

#endif
