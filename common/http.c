/*
 * http.c: what is the same for every transport: checking requests, answers,
 * the wording of failures, and waiting for an answer in a fiber.
 *
 * Leaves the sending to http_curl.c and http_sim.c, and the meaning of a
 * status to the callers.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "common/fiber-internal.h"
#include "common/http-internal.h"
#include "common/http.h"
#include "common/macro.h"

#define URL_BYTES_MAX ((size_t)64 << 10)
#define METHOD_MAX    16

/* answers */

const char *http_answer_header(const struct http_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        if (strcmp(answer->headers[i].name, name) == 0)
            return answer->headers[i].value;
    }
    return NULL;
}

static void header_done(struct http_header *header)
{
    free(header->name);
    if (header->value)
        explicit_bzero(header->value, strlen(header->value)); /* a cookie or a token, perhaps */
    free(header->value);
}

void http_answer_drop_headers(struct http_answer *answer)
{
    for (size_t i = 0; i < answer->header_count; i++)
        header_done(&answer->headers[i]);
    free(answer->headers);
    answer->headers = NULL;
    answer->header_count = 0;
}

static void drop_body(struct http_answer *answer)
{
    if (answer->body)
        explicit_bzero(answer->body, answer->body_size);
    free(answer->body);
    answer->body = NULL;
    answer->body_size = 0;
}

void http_answer_done(struct http_answer *answer)
{
    if (!answer)
        return;
    http_answer_drop_headers(answer);
    drop_body(answer);
    answer->status = 0;
}

static bool headers_have_room(const struct http_answer *answer, size_t more_bytes)
{
    size_t used = more_bytes;

    if (answer->header_count >= HTTP_HEADERS_MAX || more_bytes > HTTP_HEADERS_BYTES_MAX)
        return false;
    for (size_t i = 0; i < answer->header_count; i++)
        used += strlen(answer->headers[i].name) + strlen(answer->headers[i].value);
    return used <= HTTP_HEADERS_BYTES_MAX;
}

static int header_fill(struct http_header *header, const char *name, size_t name_size, const char *value,
                       size_t value_size)
{
    header->name = strndup(name, name_size);
    header->value = strndup(value, value_size);
    if (!header->name || !header->value) {
        header_done(header);
        return -ENOMEM;
    }
    for (char *c = header->name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return 0;
}

/* Room for one more: a dozen copies of a few pointers are cheaper than an idea of capacity. */
static struct http_header *header_room(struct http_answer *answer)
{
    struct http_header *headers = calloc(answer->header_count + 1, sizeof(*headers));

    if (!headers)
        return NULL;
    if (answer->header_count > 0)
        memcpy(headers, answer->headers, answer->header_count * sizeof(*headers));
    free(answer->headers);
    answer->headers = headers;
    return &headers[answer->header_count];
}

int http_answer_add_header_bytes(struct http_answer *answer, const char *name, size_t name_size,
                                 const char *value, size_t value_size)
{
    struct http_header *header;
    int r;

    if (!headers_have_room(answer, name_size + value_size))
        return -EMSGSIZE;
    header = header_room(answer);
    r = header ? header_fill(header, name, name_size, value, value_size) : -ENOMEM;
    if (r == 0)
        answer->header_count++;
    return r;
}

int http_answer_add_header(struct http_answer *answer, const char *name, const char *value)
{
    return http_answer_add_header_bytes(answer, name, strlen(name), value, strlen(value));
}

int http_answer_set_body(struct http_answer *answer, const void *data, size_t size_bytes)
{
    char *body = malloc(size_bytes + 1);

    if (!body)
        return -ENOMEM;
    if (size_bytes > 0)
        memcpy(body, data, size_bytes);
    body[size_bytes] = '\0';
    drop_body(answer);
    answer->body = body;
    answer->body_size = size_bytes;
    return 0;
}

/* failures */

static const struct {
    int code;
    enum err_class class;
    const char *before, *after; /* around the host */
} failures[] = {
    {-ETIMEDOUT, ERR_RETRY, "no answer from ", " in time"},
    {-ECONNREFUSED, ERR_RETRY, "connection refused by ", ": is the endpoint running?"},
    {-ECONNRESET, ERR_RETRY, "", " closed the connection before its answer was complete"},
    {-EHOSTUNREACH, ERR_RETRY, "", " can not be reached: check the name, the resolver and the route"},
    {-EPROTO, ERR_RETRY, "", " does not speak proper TLS or HTTP: check scheme and port"},
    {-EKEYREJECTED, ERR_DENIED, "certificate of ", " is not trusted"},
    {-EMSGSIZE, ERR_LIMIT, "the answer of ", " is larger than allowed"},
    {-ECANCELED, ERR_CANCELED, "the call to ", " was canceled"},
    {-EINVAL, ERR_INVALID, "the request to ", " is not valid"},
};

int http_error(struct err *err, int code, const char *host, const char *detail)
{
    const char *separator = detail && *detail ? ": " : "";

    assert(code < 0);
    if (code == -ENOMEM)
        return err_no_memory(err);
    if (!detail)
        detail = "";
    for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
        if (failures[i].code == code)
            return err_set(err, code, failures[i].class, "%s%s%s%s%s", failures[i].before, host,
                           failures[i].after, separator, detail);
    }
    return err_set(err, code, ERR_RETRY, "no answer from %s: %s", host, *detail ? detail : strerror(-code));
}

/* requests */

static const char *authority(const char *url)
{
    if (strncmp(url, "https://", 8) == 0)
        return url + 8;
    return strncmp(url, "http://", 7) == 0 ? url + 7 : NULL;
}

char *http_url_host(const char *url)
{
    const char *host = authority(url);

    return host ? strndup(host, strcspn(host, "/?#")) : NULL;
}

static const char *url_fault(const char *url)
{
    const char *host = url ? authority(url) : NULL;
    size_t size;

    if (!host)
        return "the URL is neither https:// nor http://";
    size = strcspn(host, "/?#");
    if (size == 0)
        return "the URL names no host";
    if (memchr(host, '@', size))
        return "the URL holds a user or a password";
    if (strnlen(url, URL_BYTES_MAX + 1) > URL_BYTES_MAX)
        return "the URL is longer than 64 KiB";
    for (; *url; url++) {
        if (*url <= ' ' || *url >= 0x7f)
            return "the URL holds a character that should have been encoded";
    }
    return NULL;
}

static const char *method_fault(const char *method)
{
    size_t size = method ? strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") : 0;

    return size == 0 || size > METHOD_MAX || method[size] ? "the method is not a word in capitals" : NULL;
}

/* A line break in a header would be a second header, or a second request. */
static const char *header_fault(const char *header)
{
    const char *c = header;

    while (isalnum((unsigned char)*c) || (*c && strchr("!#$%&'*+-.^_`|~", *c)))
        c++;
    if (c == header || *c != ':')
        return "a header is not \"Name: value\"";
    for (; *c; c++) {
        if (iscntrl((unsigned char)*c) && *c != '\t')
            return "a header holds a control character";
    }
    return NULL;
}

static const char *request_fault(const struct http_request *request)
{
    const char *fault = url_fault(request->url);

    if (!fault)
        fault = method_fault(request->method);
    for (size_t i = 0; !fault && request->headers && request->headers[i]; i++)
        fault = header_fault(request->headers[i]);
    if (!fault && request->timeout_ms > HTTP_TIMEOUT_MAX_MS)
        fault = "the time limit is over ten minutes";
    if (!fault && request->connect_timeout_ms > HTTP_TIMEOUT_MAX_MS)
        fault = "the time limit for connecting is over ten minutes";
    return fault;
}

int http_start(struct http *http, struct http_call *call, const struct http_request *request, http_call_cb cb,
               struct err *err)
{
    const char *fault = request_fault(request);
    int r;

    assert(cb);
    assert(!call->transport); /* still running */
    assert(request->body || request->body_size == 0);
    if (fault)
        return err_set(err, -EINVAL, ERR_INVALID, "request not sent: %s", fault);
    call->cb = cb;
    call->http = http;
    r = http->start(http, call, request, err);
    if (r < 0)
        call->transport = NULL;
    return r;
}

void http_cancel(struct http_call *call)
{
    if (call->transport)
        call->http->cancel(call->http, call);
}

void http_call_finish(struct http_call *call, struct http_answer *answer, struct err *err)
{
    assert(!answer != !err);
    call->transport = NULL;
    call->cb(call, answer, err); /* @call may be gone from here on */
    http_answer_done(answer);
    err_done(err);
}

/* waiting */

struct fetch {
    struct http_call call;
    struct fiber *fiber;
    struct http_answer *answer;
    struct err *err;
    int result;
    bool done;
};

static void fetch_done(struct http_call *call, struct http_answer *answer, struct err *err)
{
    struct fetch *fetch = container_of(call, struct fetch, call);

    if (answer) {
        *fetch->answer = *answer; /* moved: nothing is left to release */
        *answer = (struct http_answer){0};
    } else {
        fetch->result = err->code;
        if (fetch->err)
            err_move(fetch->err, err);
    }
    fetch->done = true;
    fiber_wake(fetch->fiber, 0);
}

int http_fetch(struct http *http, const struct http_request *request, struct http_answer *ret,
               struct err *err)
{
    struct fetch fetch = {.fiber = fiber_self(), .answer = ret, .err = err};
    bool told = false;
    int r;

    assert(fetch.fiber);
    if (fiber_canceled())
        return err_set(err, -ECANCELED, ERR_CANCELED, "canceled before the request was sent");
    r = http_start(http, &fetch.call, request, fetch_done, err);
    if (r < 0)
        return r;
    while (!fetch.done) { /* the call lives in this frame, so nothing but its end ends the wait */
        if (fiber_canceled() && !told) {
            http_cancel(&fetch.call);
            told = true;
        }
        (void)fiber_park();
    }
    return fetch.result;
}
