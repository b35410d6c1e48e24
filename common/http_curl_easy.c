/*
 * http_curl_easy.c: one call of the real transport: its options, its answer,
 * and what its failure means.
 *
 * Every option that foundations of the transport rest on is set here, on every
 * call, because curl_easy_reset() forgets them all.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/http-internal.h"
#include "common/http.h"
#include "common/http_curl-internal.h"
#include "common/macro.h"

/* Longer calls are downloads: they may take their time, but must move. */
#define DOWNLOAD_TIMEOUT_MS   60000u
#define DOWNLOAD_STALLED_SECS 60L

/* Set options one after the other; the first failure skips the rest. */
#define SET(code, easy, option, value)                                                                       \
    do {                                                                                                     \
        if ((code) == CURLE_OK)                                                                              \
            (code) = curl_easy_setopt((easy), (option), (value));                                            \
    } while (0)

/* proxies and trust */

static int copy_env(char **target, const char *name, const char *other_name)
{
    const char *value = getenv(name);

    if ((!value || !*value) && other_name)
        value = getenv(other_name);
    return str_set(target, value ? value : "");
}

/*
 * "HTTP_PROXY" in capitals is not read: a server program that runs under CGI
 * gets it from whoever sends a "Proxy:" header.
 */
int curl_proxies_load(struct curl_proxies *proxies)
{
    if (copy_env(&proxies->https, "https_proxy", "HTTPS_PROXY") < 0 ||
        copy_env(&proxies->http, "http_proxy", NULL) < 0 ||
        copy_env(&proxies->none, "no_proxy", "NO_PROXY") < 0)
        return -ENOMEM;
    return 0;
}

static void wipe_free(void *data, size_t size_bytes)
{
    if (data)
        explicit_bzero(data, size_bytes);
    free(data);
}

static void wipe_free_text(char *text)
{
    wipe_free(text, text ? strlen(text) : 0);
}

void curl_proxies_done(struct curl_proxies *proxies)
{
    wipe_free_text(proxies->https);
    wipe_free_text(proxies->http);
    wipe_free_text(proxies->none);
    *proxies = (struct curl_proxies){0};
}

const char *curl_system_ca_file(void)
{
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    };
    const char *built_in = curl_version_info(CURLVERSION_NOW)->cainfo;

    if (built_in && access(built_in, R_OK) == 0)
        return built_in;
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        if (access(places[i], R_OK) == 0)
            return places[i];
    }
    return built_in ? built_in : "";
}

/* receiving */

static size_t on_body(char *data, size_t one, size_t size_bytes, void *user)
{
    struct curl_call *call = user;

    (void)one; /* always 1 */
    call->overflow = buf_add(&call->content, data, size_bytes);
    return call->overflow < 0 ? 0 : size_bytes; /* less than given stops the transfer */
}

static const char *trim(const char *text, size_t *size_bytes)
{
    while (*size_bytes > 0 && strchr(" \t\r\n", text[*size_bytes - 1]))
        (*size_bytes)--;
    while (*size_bytes > 0 && strchr(" \t", *text)) {
        text++;
        (*size_bytes)--;
    }
    return text;
}

/* Also called for status lines, of which there may be several ("100 Continue"): only the last one counts. */
static size_t on_header(char *line, size_t one, size_t size_bytes, void *user)
{
    struct curl_call *call = user;
    const char *colon = memchr(line, ':', size_bytes), *name = line, *value;
    size_t name_size, value_size;

    (void)one; /* always 1 */
    if (size_bytes >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        http_answer_drop_headers(&call->answer);
        call->answered = true;
        return size_bytes;
    }
    if (!colon || colon == line)
        return size_bytes; /* the empty line at the end, or nothing that can be looked up */
    name_size = (size_t)(colon - line);
    name = trim(name, &name_size);
    value = colon + 1;
    value_size = size_bytes - (size_t)(value - line);
    value = trim(value, &value_size);
    if (memchr(name, '\0', name_size) || memchr(value, '\0', value_size))
        return size_bytes;
    call->overflow = http_answer_add_header_bytes(&call->answer, name, name_size, value, value_size);
    return call->overflow < 0 ? 0 : size_bytes;
}

/* sending */

static int add_header(struct curl_call *call, const char *header)
{
    struct curl_slist *headers = curl_slist_append(call->headers, header);

    if (!headers)
        return -ENOMEM;
    call->headers = headers;
    return 0;
}

/* To libcurl "Name:" means "do not send Name"; a header without a value is written "Name;". */
static int add_empty_header(struct curl_call *call, const char *header)
{
    char *text = str_format("%.*s;", (int)strcspn(header, ":"), header);
    int r;

    if (!text)
        return -ENOMEM;
    r = add_header(call, text);
    free(text);
    return r;
}

static bool is_empty_header(const char *header)
{
    const char *value = header + strcspn(header, ":") + 1; /* http_start() saw the colon */

    return value[strspn(value, " \t")] == '\0';
}

static int copy_headers(struct curl_call *call, const struct http_request *request)
{
    bool has_type = false;
    int r = 0;

    for (size_t i = 0; r == 0 && request->headers && request->headers[i]; i++) {
        const char *header = request->headers[i];

        has_type |= strncasecmp(header, "Content-Type:", 13) == 0;
        r = is_empty_header(header) ? add_empty_header(call, header) : add_header(call, header);
    }
    if (r == 0)
        r = add_header(call, "Expect:"); /* would cost a second of waiting with most servers */
    if (r == 0 && !has_type)
        r = add_header(call, "Content-Type:"); /* libcurl would claim that the body is a form */
    return r;
}

static int copy_body(struct curl_call *call, const struct http_request *request)
{
    if (request->body_size == 0)
        return 0;
    call->body = malloc(request->body_size);
    if (!call->body)
        return -ENOMEM;
    memcpy(call->body, request->body, request->body_size);
    call->body_size = request->body_size;
    return 0;
}

/* Read once: given only the text, libcurl takes it apart and puts it together at every look for a free connection. */
static CURLUcode parse_url(struct curl_call *call, const char *url)
{
    call->url = curl_url();
    if (!call->url)
        return CURLUE_OUT_OF_MEMORY;
    return curl_url_set(call->url, CURLUPART_URL, url, CURLU_PATH_AS_IS); /* the path was signed as it is */
}

/* options */

static CURLcode set_always(CURL *easy, struct curl_call *call)
{
    CURLcode code = CURLE_OK;

    SET(code, easy, CURLOPT_NOSIGNAL, 1L);
    SET(code, easy, CURLOPT_QUICK_EXIT, 1L); /* else a timeout during a name lookup stops the whole loop */
    SET(code, easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(code, easy, CURLOPT_FOLLOWLOCATION, 0L); /* a redirect is an answer; following could leak a token */
    SET(code, easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(code, easy, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(code, easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L); /* one TLS record; else 64 KiB, for every call */
    SET(code, easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(code, easy, CURLOPT_USERAGENT, "mlopsd");
    SET(code, easy, CURLOPT_ERRORBUFFER, call->reason);
    SET(code, easy, CURLOPT_PRIVATE, call);
    SET(code, easy, CURLOPT_CLOSESOCKETFUNCTION, curl_sockets_close);
    SET(code, easy, CURLOPT_CLOSESOCKETDATA, call->sockets);
    SET(code, easy, CURLOPT_HEADERFUNCTION, on_header);
    SET(code, easy, CURLOPT_HEADERDATA, call);
    SET(code, easy, CURLOPT_WRITEFUNCTION, on_body);
    SET(code, easy, CURLOPT_WRITEDATA, call);
    return code;
}

/*
 * The parsed bundle is kept by the multi, but only the last one used. A call
 * with a bundle of its own must not evict the big one, which takes 30 ms to
 * read: its own is small, and is read again for each connection. Without this,
 * two bundles in turn cost 18 ms of CPU a connection instead of 1.2.
 */
static CURLcode set_trust(CURL *easy, const char *ca_file, bool own)
{
    CURLcode code = CURLE_OK;

    SET(code, easy, CURLOPT_CAINFO, ca_file);
    SET(code, easy, CURLOPT_CAPATH, NULL); /* else the bundle is not kept at all */
    SET(code, easy, CURLOPT_PROXY_CAINFO, ca_file);
    SET(code, easy, CURLOPT_PROXY_CAPATH, NULL);
    SET(code, easy, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(code, easy, CURLOPT_SSL_VERIFYHOST, 2L);
    SET(code, easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (own)
        SET(code, easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    return code;
}

/*
 * Nothing but the text that came with the request: neither the bundle nor the system's certificates. libcurl
 * keeps a copy with the connection, and lends the connection only to requests with an equal text.
 */
static CURLcode set_own_trust(CURL *easy, const struct http_request *request)
{
    struct curl_blob pem = {(void *)(uintptr_t)request->ca_pem, request->ca_pem_size, CURL_BLOB_COPY};
    CURLcode code = CURLE_OK;

    SET(code, easy, CURLOPT_CAINFO, NULL);
    SET(code, easy, CURLOPT_CAINFO_BLOB, &pem);
    return code;
}

/* Always set, also to nothing: where an option is unset, libcurl would read the environment itself. */
static CURLcode set_proxy(CURL *easy, struct curl_call *call, const struct http_request *request,
                          const struct curl_proxies *proxies)
{
    const char *proxy = str_starts(request->url, "https:") ? proxies->https : proxies->http;
    CURLcode code = CURLE_OK;

    if (request->no_proxy)
        proxy = "";
    call->proxied = *proxy != '\0';
    SET(code, easy, CURLOPT_PROXY, proxy);
    SET(code, easy, CURLOPT_NOPROXY, proxies->none);
    SET(code, easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    return code;
}

static CURLcode set_limits(CURL *easy, const struct http_request *request)
{
    uint32_t timeout_ms = http_timeout_ms(request), connect_ms = http_connect_timeout_ms(request);
    CURLcode code = CURLE_OK;

    SET(code, easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    SET(code, easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_ms < timeout_ms ? connect_ms : timeout_ms));
    if (timeout_ms > DOWNLOAD_TIMEOUT_MS) {
        SET(code, easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        SET(code, easy, CURLOPT_LOW_SPEED_TIME, DOWNLOAD_STALLED_SECS);
    }
    if (request->fresh)
        SET(code, easy, CURLOPT_FRESH_CONNECT, 1L);
    return code;
}

/* A POST, PUT or PATCH without a body says so ("Content-Length: 0"); a GET or DELETE says nothing. */
static CURLcode set_method(CURL *easy, struct curl_call *call, const struct http_request *request)
{
    bool sends = call->body || strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0 ||
                 strcmp(request->method, "PATCH") == 0;
    CURLcode code = CURLE_OK;

    if (strcmp(request->method, "HEAD") == 0 && !sends) {
        SET(code, easy, CURLOPT_NOBODY, 1L);
        return code;
    }
    if (sends) {
        SET(code, easy, CURLOPT_POST, 1L);
        SET(code, easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_size);
        SET(code, easy, CURLOPT_POSTFIELDS,
            call->body ? call->body : ""); /* libcurl reads ours, it copies nothing */
    }
    SET(code, easy, CURLOPT_CUSTOMREQUEST, request->method);
    return code;
}

int curl_call_setup(struct curl_call *call, const struct http_request *request, const char *ca_file,
                    const struct curl_proxies *proxies, struct err *err)
{
    CURL *easy = call->easy;
    CURLUcode url_code;
    CURLcode code;

    call->content = BUF_INIT(http_max_answer_bytes(request));
    call->host = http_url_host(request->url);
    if (!call->host || str_set(&call->own_ca_file, request->ca_file) < 0 || copy_headers(call, request) < 0 ||
        copy_body(call, request) < 0)
        return err_no_memory(err);
    url_code = parse_url(call, request->url);
    if (url_code != CURLUE_OK)
        return http_error(err, url_code == CURLUE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL, call->host,
                          curl_url_strerror(url_code));
    call->ca_file = call->own_ca_file ? call->own_ca_file : ca_file;
    call->own_ca_pem = request->ca_pem != NULL;
    code = set_always(easy, call);
    if (code == CURLE_OK)
        code = set_trust(easy, call->ca_file, call->own_ca_file && !str_equal(call->own_ca_file, ca_file));
    if (code == CURLE_OK && request->ca_pem)
        code = set_own_trust(easy, request);
    if (code == CURLE_OK)
        code = set_proxy(easy, call, request, proxies);
    if (code == CURLE_OK)
        code = set_limits(easy, request);
    if (code == CURLE_OK)
        code = set_method(easy, call, request);
    SET(code, easy, CURLOPT_HTTPHEADER, call->headers);
    SET(code, easy, CURLOPT_CURLU, call->url);
    SET(code, easy, CURLOPT_URL, request->url); /* else it would be put together from its parts */
    if (code == CURLE_OK)
        return 0;
    return http_error(err, code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL, call->host,
                      curl_easy_strerror(code));
}

/* results */

static const struct {
    CURLcode curl;
    int code;
} codes[] = {
    {CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT},
    {CURLE_COULDNT_RESOLVE_HOST, -EHOSTUNREACH},
    {CURLE_COULDNT_RESOLVE_PROXY, -EHOSTUNREACH},
    {CURLE_PROXY, -EHOSTUNREACH},
    {CURLE_INTERFACE_FAILED, -EHOSTUNREACH},
    {CURLE_SEND_ERROR, -ECONNRESET},
    {CURLE_RECV_ERROR, -ECONNRESET},
    {CURLE_GOT_NOTHING, -ECONNRESET},
    {CURLE_PARTIAL_FILE, -ECONNRESET},
    {CURLE_HTTP2, -ECONNRESET},
    {CURLE_HTTP2_STREAM, -ECONNRESET},
    {CURLE_SSL_CONNECT_ERROR, -EPROTO},
    {CURLE_WEIRD_SERVER_REPLY, -EPROTO},
    {CURLE_UNSUPPORTED_PROTOCOL, -EPROTO}, /* "HTTP/0.9": the answer has no status line */
    {CURLE_BAD_CONTENT_ENCODING, -EPROTO},
    {CURLE_PEER_FAILED_VERIFICATION, -EKEYREJECTED},
    {CURLE_SSL_ISSUER_ERROR, -EKEYREJECTED},
    {CURLE_SSL_CACERT_BADFILE, -EKEYREJECTED},
    {CURLE_SSL_INVALIDCERTSTATUS, -EKEYREJECTED},
    {CURLE_FILESIZE_EXCEEDED, -EMSGSIZE},
    {CURLE_OUT_OF_MEMORY, -ENOMEM},
    {CURLE_URL_MALFORMAT, -EINVAL},
    {CURLE_ABORTED_BY_CALLBACK, -ECANCELED},
};

/* Why a connection could not be made is known to the kernel only. */
static int connect_code(struct curl_call *call)
{
    long os_errno = 0;

    curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &os_errno);
    switch (os_errno) {
    case ECONNREFUSED:
        return -ECONNREFUSED;
    case ETIMEDOUT:
        return -ETIMEDOUT;
    case ECONNRESET:
        return -ECONNRESET;
    default:
        return -EHOSTUNREACH;
    }
}

static int code_of(struct curl_call *call, CURLcode code)
{
    if (code == CURLE_WRITE_ERROR && call->overflow < 0) /* we stopped it ourselves */
        return call->overflow;
    if (code == CURLE_COULDNT_CONNECT)
        return connect_code(call);
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        if (codes[i].curl == code)
            return codes[i].code;
    }
    return -EPROTO;
}

/* What libcurl said, with what it can not know: which bundle, which limit, that a proxy was asked. */
static void explain(struct curl_call *call, int code, const char *reason)
{
    if (code == -EKEYREJECTED) {
        http_error(&call->err, code, call->host, reason);
        if (call->err.text && call->ca_file) {
            char *text = call->own_ca_pem ? str_format("%s (only the server's own CA counts)", call->err.text)
                                          : str_format("%s (CA bundle %s)", call->err.text,
                                                       *call->ca_file ? call->ca_file : "missing");

            if (text) {
                free(call->err.text);
                call->err.text = text;
            }
        }
        return;
    }
    if (code == -EMSGSIZE)
        reason = call->content.failed < 0 ? "its body" : "its headers";
    if (code == -ECONNREFUSED && !call->proxied)
        reason = NULL; /* the text says it all, unless it was the proxy who refused */
    http_error(&call->err, code, call->host, reason);
}

void curl_call_fail(struct curl_call *call, int code)
{
    http_error(&call->err, code, call->host, NULL);
}

static int take_answer(struct curl_call *call)
{
    long status = 0;
    size_t size_bytes = call->content.size;

    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    call->answer.status = (int)status;
    call->answer.body = buf_take(&call->content);
    call->answer.body_size = size_bytes;
    return call->answer.body ? 0 : -ENOMEM;
}

void curl_call_result(struct curl_call *call, CURLcode code)
{
    const char *reason = *call->reason ? call->reason : curl_easy_strerror(code);

    if (code != CURLE_OK)
        explain(call, code_of(call, code), reason);
    else if (take_answer(call) < 0)
        curl_call_fail(call, -ENOMEM);
}

void curl_call_free(struct curl_call *call)
{
    for (struct curl_slist *header = call->headers; header; header = header->next)
        explicit_bzero(header->data, strlen(header->data));
    curl_slist_free_all(call->headers);
    curl_url_cleanup(call->url);
    wipe_free(call->body, call->body_size);
    buf_wipe(&call->content);
    http_answer_done(&call->answer);
    err_done(&call->err);
    free(call->host);
    free(call->own_ca_file);
    free(call);
}
