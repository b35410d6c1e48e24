/*
 * test_http_curl.c: the real transport against a local server with bad
 * manners (http_server.py), on a real loop.
 *
 * Needs python3 and openssl in PATH; without them every case is skipped.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/fiber.h"
#include "common/fiber_uv.h"
#include "common/http.h"
#include "common/macro.h"
#include "common/str.h"

static struct {
    pid_t pid;
    int stdin_fd;
    int http, https, wrong, other, closed; /* ports */
    char ca_file[256], other_ca_file[256];
} server;

/* the server */

static int run_server(int stdin_fd, int stdout_fd)
{
    const char *srcdir = getenv("srcdir");
    char script[1024];

    snprintf(script, sizeof(script), "%s/tests/unit/http_server.py", srcdir ? srcdir : ".");
    dup2(stdin_fd, STDIN_FILENO);
    dup2(stdout_fd, STDOUT_FILENO);
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    execlp("python3", "python3", script, (char *)NULL);
    return 127;
}

static int start_server(void **state)
{
    int in[2], out[2];
    FILE *lines;

    (void)state;
    if (pipe(in) < 0 || pipe(out) < 0)
        return -1;
    server.pid = fork();
    if (server.pid == 0)
        _exit(run_server(in[0], out[1]));
    close(in[0]);
    close(out[1]);
    server.stdin_fd = in[1];
    lines = fdopen(out[0], "r");
    if (!lines || fscanf(lines, "%d %d %d %d %d %255s %255s", &server.http, &server.https, &server.wrong,
                         &server.other, &server.closed, server.ca_file, server.other_ca_file) != 7)
        server.http = 0; /* no python3, or no openssl */
    if (lines)
        fclose(lines);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    close(server.stdin_fd);
    waitpid(server.pid, NULL, 0);
    return 0;
}

/* one loop and one transport for each case */

static uv_loop_t loop;
static struct http_curl *curl;
static struct http *http;

struct result {
    struct http_call call;
    int times;
    int code;
    int status;
    char *body;
    size_t body_size;
    char *text;
    char *header; /* X-Mixed-CASE */
    char *connection;
    struct err err;
    struct result *then_cancel; /* in the callback */
};

static int open_with(const char *ca_file)
{
    struct err err = {0};

    if (uv_loop_init(&loop) < 0 || http_curl_new(&loop, ca_file, &curl, &err) < 0)
        return -1;
    http = http_curl_http(curl);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    if (server.http == 0)
        return 0;
    unsetenv("http_proxy");
    unsetenv("https_proxy");
    unsetenv("HTTPS_PROXY");
    unsetenv("HTTP_PROXY");
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    return open_with(server.ca_file);
}

static void close_transport(void)
{
    http_curl_close(curl);
    uv_run(&loop, UV_RUN_DEFAULT);
    curl = http_curl_free(curl);
    assert_int_equal(uv_loop_close(&loop), 0); /* nothing was forgotten */
}

static int teardown(void **state)
{
    (void)state;
    if (server.http != 0)
        close_transport();
    return 0;
}

static void reopen(const char *ca_file)
{
    close_transport();
    assert_int_equal(open_with(ca_file), 0);
}

#define NEED_SERVER()                                                                                        \
    do {                                                                                                     \
        (void)state;                                                                                         \
        if (server.http == 0)                                                                                \
            skip();                                                                                          \
    } while (0)

static void on_result(struct http_call *call, struct http_answer *answer, struct err *err)
{
    struct result *result = container_of(call, struct result, call);

    result->times++;
    assert_true(!answer != !err);
    if (err) {
        result->code = err->code;
        err_move(&result->err, err);
    } else {
        result->status = answer->status;
        result->body = malloc(answer->body_size + 1);
        memcpy(result->body, answer->body, answer->body_size + 1); /* its NUL, too */
        result->body_size = answer->body_size;
        str_set(&result->header, http_answer_header(answer, "x-mixed-case"));
        str_set(&result->connection, http_answer_header(answer, "x-connection"));
    }
    if (result->then_cancel)
        http_cancel(&result->then_cancel->call);
}

static void result_done(struct result *result)
{
    free(result->body);
    free(result->header);
    free(result->connection);
    err_done(&result->err);
    *result = (struct result){0};
}

static void start(struct result *result, const struct http_request *request)
{
    struct err err = {0};

    if (http_start(http, &result->call, request, on_result, &err) != 0)
        fail_msg("%s", err_text(&err));
    assert_int_equal(result->times, 0);
}

static void wait_for(struct result *result)
{
    while (result->times == 0)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(result->times, 1);
}

static char *url_of(const char *scheme, int port, const char *path)
{
    static char urls[8][512];
    static unsigned next;
    char *url = urls[next++ % 8];

    snprintf(url, sizeof(urls[0]), "%s://127.0.0.1:%d%s", scheme, port, path);
    return url;
}

static void fetch(struct result *result, const struct http_request *request)
{
    result_done(result);
    start(result, request);
    wait_for(result);
}

#define GET(path) ((struct http_request){.method = "GET", .url = url_of("http", server.http, path)})

/* How often the server saw a path. */
static int seen(const char *name)
{
    struct result result = {0};
    char path[64];
    int n;

    snprintf(path, sizeof(path), "/counted/%s", name);
    fetch(&result,
          &(struct http_request){.method = "GET", .url = url_of("http", server.http, path), .fresh = true});
    n = atoi(result.body);
    result_done(&result);
    return n;
}

static void expect_failure(const struct http_request *request, int code, const char *text)
{
    struct result result = {0};

    fetch(&result, request);
    if (result.code != code)
        fail_msg("%s: got %s (status %d)", request->url, strerror(-result.code), result.status);
    assert_int_equal(result.err.code, code);
    if (!strstr(err_text(&result.err), text))
        fail_msg("%s does not hold: %s", err_text(&result.err), text);
    result_done(&result);
}

/* answers */

static void an_answer_has_status_headers_and_body(void **state)
{
    struct result result = {0};

    NEED_SERVER();
    fetch(&result, &GET("/hello"));
    assert_int_equal(result.code, 0);
    assert_int_equal(result.status, 200);
    assert_string_equal(result.body, "hello");
    assert_int_equal(result.body_size, 5);
    assert_string_equal(result.header, "Some Value"); /* trimmed, and the first of two */
    result_done(&result);
}

static void a_status_is_an_answer(void **state)
{
    struct result result = {0};

    NEED_SERVER();
    fetch(&result, &GET("/status/503"));
    assert_int_equal(result.status, 503);
    fetch(&result, &GET("/status/404"));
    assert_int_equal(result.status, 404);
    fetch(&result, &GET("/redirect")); /* and not followed */
    assert_int_equal(result.status, 302);
    assert_string_equal(result.body, "");
    result_done(&result);
}

static void only_the_final_answer_counts(void **state)
{
    struct result result = {0};

    NEED_SERVER();
    fetch(&result, &GET("/interim"));
    assert_int_equal(result.status, 200);
    assert_string_equal(result.body, "final");
    assert_null(result.header);
    result_done(&result);
}

static void the_request_arrives_as_it_was_given(void **state)
{
    static const char *const headers[] = {"Authorization: AWS4 x/y", "X-Empty:", "content-TYPE: a/b", NULL};
    struct result result = {0};

    NEED_SERVER();
    fetch(&result, &(struct http_request){
                       .method = "PATCH",
                       .url = url_of("http", server.http, "/echo/../a//b%2Fc/./d?x=%20&y"),
                       .headers = headers,
                       .body = "a\0b",
                       .body_size = 3,
                   });
    assert_non_null(strstr(result.body, "PATCH /echo/../a//b%2Fc/./d?x=%20&y HTTP/1.1\r\n"));
    assert_non_null(strstr(result.body, "\r\nAuthorization: AWS4 x/y\r\n"));
    assert_non_null(strstr(result.body, "\r\nX-Empty:\r\n"));
    assert_non_null(strstr(result.body, "\r\ncontent-TYPE: a/b\r\n"));
    assert_non_null(strstr(result.body, "\r\nContent-Length: 3\r\n"));
    assert_null(strstr(result.body, "Expect"));
    assert_memory_equal(result.body + result.body_size - 7, "\r\n\r\na\0b", 7);
    result_done(&result);
}

static void nothing_is_claimed_that_was_not_given(void **state)
{
    struct result result = {0};

    NEED_SERVER();
    fetch(&result,
          &(struct http_request){
              .method = "POST", .url = url_of("http", server.http, "/echo"), .body = "{}", .body_size = 2});
    assert_null(strcasestr(result.body, "Content-Type"));
    fetch(&result, &(struct http_request){.method = "POST", .url = url_of("http", server.http, "/echo")});
    assert_non_null(strstr(result.body, "POST /echo"));
    assert_non_null(strstr(result.body, "Content-Length: 0"));
    fetch(&result, &(struct http_request){.method = "DELETE", .url = url_of("http", server.http, "/echo")});
    assert_non_null(strstr(result.body, "DELETE /echo"));
    assert_null(strstr(result.body, "Content-Length"));
    fetch(&result,
          &(struct http_request){.method = "HEAD", .url = url_of("http", server.http, "/length/99999999")});
    assert_int_equal(result.status, 200); /* the size that a HEAD tells is not the size of its answer */
    assert_int_equal(result.body_size, 0);
    result_done(&result);
}

static void a_large_body_goes_both_ways(void **state)
{
    struct result result = {0};
    size_t size = 3 << 20;
    char *body;

    NEED_SERVER();
    body = malloc(size);
    memset(body, 'b', size);
    fetch(&result,
          &(struct http_request){
              .method = "PUT", .url = url_of("http", server.http, "/echo"), .body = body, .body_size = size});
    assert_int_equal(result.status, 200);
    assert_true(result.body_size > size);
    assert_memory_equal(result.body + result.body_size - size, body, size);
    free(body);
    result_done(&result);
}

/* connections */

static void a_connection_is_kept(void **state)
{
    struct result a = {0}, b = {0}, c = {0};

    NEED_SERVER();
    fetch(&a, &GET("/hello"));
    fetch(&b, &GET("/hello"));
    assert_string_equal(a.connection, b.connection);
    fetch(&c, &(struct http_request){
                  .method = "GET", .url = url_of("http", server.http, "/hello"), .fresh = true});
    assert_string_not_equal(a.connection, c.connection);
    result_done(&a);
    result_done(&b);
    result_done(&c);
}

static void post_twice(bool fresh)
{
    struct result result = {0};

    for (int i = 0; i < 2; i++) {
        fetch(&result, &(struct http_request){.method = "POST",
                                              .url = url_of("http", server.http, "/die"),
                                              .body = "x",
                                              .body_size = 1,
                                              .fresh = fresh});
        assert_int_equal(result.code, 0);
        assert_string_equal(result.body, "alive");
    }
    result_done(&result);
}

static void libcurl_repeats_a_post_unless_the_connection_is_fresh(void **state)
{
    int before;

    NEED_SERVER();
    before = seen("die");
    post_twice(false);
    assert_int_equal(seen("die") - before, 3); /* two asked for: the reason for `fresh` */
    before = seen("die");
    post_twice(true);
    assert_int_equal(seen("die") - before, 2);
}

static void a_hundred_calls_at_once_all_come_back(void **state)
{
    static struct result results[100];

    NEED_SERVER();
    for (size_t i = 0; i < ARRAY_SIZE(results); i++)
        start(&results[i], &GET("/hello"));
    for (size_t i = 0; i < ARRAY_SIZE(results); i++)
        wait_for(&results[i]);
    for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
        assert_int_equal(results[i].status, 200);
        assert_string_equal(results[i].body, "hello");
        result_done(&results[i]);
    }
}

#define CONNECTIONS 8 /* of http_curl.c, to one host */

/* Every connection is in use for @path_of_all. */
static void occupy(struct result results[CONNECTIONS], const char *path_of_all)
{
    for (size_t i = 0; i < CONNECTIONS; i++)
        start(&results[i], &GET(path_of_all));
}

static void release(struct result results[CONNECTIONS])
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        wait_for(&results[i]);
        assert_int_equal(results[i].status, 200);
        result_done(&results[i]);
    }
}

static void who_waits_longest_gets_the_next_free_connection(void **state)
{
    static struct result busy[CONNECTIONS], results[30];
    size_t done = 0;

    NEED_SERVER();
    occupy(busy, "/slow/50");
    for (size_t i = 0; i < ARRAY_SIZE(results); i++)
        start(&results[i], &GET("/slow/50"));
    while (done < ARRAY_SIZE(results)) {
        wait_for(&results[done]);
        for (size_t i = ++done + 2 * CONNECTIONS; i < ARRAY_SIZE(results);
             i++) /* not faster than the server's moods */
            assert_int_equal(results[i].times, 0);
    }
    release(busy);
    for (size_t i = 0; i < ARRAY_SIZE(results); i++)
        result_done(&results[i]);
}

static void a_call_canceled_before_its_turn_is_never_sent(void **state)
{
    static struct result busy[CONNECTIONS];
    struct result canceled = {0}, next = {0};
    int before;

    NEED_SERVER();
    before = seen("status");
    occupy(busy, "/slow/100");
    start(&canceled, &GET("/status/204"));
    start(&next, &GET("/hello"));
    http_cancel(&canceled.call);
    assert_int_equal(canceled.times, 0); /* never from inside */
    wait_for(&canceled);
    assert_int_equal(canceled.code, -ECANCELED);
    assert_int_equal(busy[0].times, 0); /* at once */
    release(busy);
    wait_for(&next);
    assert_string_equal(next.body, "hello");
    assert_int_equal(seen("status"), before);
    result_done(&canceled);
    result_done(&next);
}

/* limits */

static void a_body_over_the_limit_is_refused_chunked_or_not(void **state)
{
    struct http_request request = GET("/chunked/100000"); /* 6.5 GB, if nobody stopped it */

    NEED_SERVER();
    request.max_answer_bytes = 100000;
    expect_failure(&request, -EMSGSIZE, "its body");
    request.url = url_of("http", server.http, "/length/100001");
    expect_failure(&request, -EMSGSIZE, "larger than allowed");
    request.max_answer_bytes = 0;
    request.url = url_of("http", server.http, "/chunked/200");
    expect_failure(&request, -EMSGSIZE, "its body");
}

static void a_body_of_exactly_the_limit_is_taken(void **state)
{
    struct http_request request = GET("/chunked/2");
    struct result result = {0};

    NEED_SERVER();
    request.max_answer_bytes = 2 * 65536;
    fetch(&result, &request);
    assert_int_equal(result.body_size, 2 * 65536);
    request.url = url_of("http", server.http, "/length/131072");
    fetch(&result, &request);
    assert_int_equal(result.body_size, 2 * 65536);
    result_done(&result);
}

static void too_many_or_too_large_headers_are_refused(void **state)
{
    struct result result = {0};

    NEED_SERVER();
    fetch(&result, &GET("/headers/198x10")); /* and two more that the server always sends */
    assert_int_equal(result.status, 200);
    expect_failure(&GET("/headers/199x10"), -EMSGSIZE, "its headers");
    fetch(&result, &GET("/headers/60x1000"));
    assert_int_equal(result.status, 200);
    expect_failure(&GET("/headers/66x1000"), -EMSGSIZE, "its headers");
    result_done(&result);
}

static void silence_ends_at_the_time_limit(void **state)
{
    struct http_request request = GET("/hang");

    NEED_SERVER();
    request.timeout_ms = 150;
    expect_failure(&request, -ETIMEDOUT, "no answer from 127.0.0.1:");
    request.url = url_of("http", server.http, "/drip"); /* also when something keeps coming */
    expect_failure(&request, -ETIMEDOUT, "no answer from 127.0.0.1:");
    request.url = url_of("http", server.http, "/slow/50");
    request.timeout_ms = 5000;
    struct result result = {0};
    fetch(&result, &request);
    assert_string_equal(result.body, "slow");
    result_done(&result);
}

static void a_time_limit_covers_the_wait_for_a_free_connection(void **state)
{
    static struct result results[12];
    struct http_request request = GET("/hang");

    NEED_SERVER();
    request.timeout_ms = 200;
    for (size_t i = 0; i < ARRAY_SIZE(results); i++)
        start(&results[i], &request);
    for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
        wait_for(&results[i]);
        assert_int_equal(results[i].code, -ETIMEDOUT);
        result_done(&results[i]);
    }
}

static void what_a_call_waited_is_taken_off_its_time_limit(void **state)
{
    static struct result busy[CONNECTIONS];
    struct http_request request;
    struct result result = {0};
    uint64_t start_ns, took_ms;

    NEED_SERVER();
    occupy(busy, "/slow/200");
    request = GET("/hang");
    request.timeout_ms = 500;
    start_ns = uv_hrtime();
    start(&result, &request);
    release(busy);
    wait_for(&result);
    took_ms = (uv_hrtime() - start_ns) / 1000000;
    assert_int_equal(result.code, -ETIMEDOUT);
    assert_in_range(took_ms, 495, 650); /* 700 would be the wait and the limit */
    result_done(&result);
}

/* failures */

static void every_failure_has_its_code_and_names_the_host(void **state)
{
    char host[64];

    NEED_SERVER();
    snprintf(host, sizeof(host), "127.0.0.1:%d", server.http);
    expect_failure(&GET("/reset"), -ECONNRESET, host);
    expect_failure(&GET("/cut"), -ECONNRESET, host);
    expect_failure(&GET("/badchunk"), -ECONNRESET, host);
    expect_failure(&GET("/garbage"), -EPROTO, host);
    snprintf(host, sizeof(host), "connection refused by 127.0.0.1:%d: is the endpoint running?",
             server.closed);
    expect_failure(&(struct http_request){.method = "GET", .url = url_of("http", server.closed, "/")},
                   -ECONNREFUSED, host);
}

static void a_name_that_does_not_exist_can_not_be_reached(void **state)
{
    struct http_request request = {
        .method = "GET", .url = "http://no-such-host.invalid/", .connect_timeout_ms = 3000};
    struct result result = {0};

    NEED_SERVER();
    fetch(&result, &request);
    if (result.code != -ETIMEDOUT) /* a resolver that itself gets no answer */
        assert_int_equal(result.code, -EHOSTUNREACH);
    assert_non_null(strstr(err_text(&result.err), "no-such-host.invalid"));
    result_done(&result);
}

/* TLS */

static void a_trusted_certificate_is_taken(void **state)
{
    struct result result = {0};

    NEED_SERVER();
    fetch(&result, &(struct http_request){.method = "GET", .url = url_of("https", server.https, "/hello")});
    if (result.code < 0)
        fail_msg("%s", err_text(&result.err));
    assert_string_equal(result.body, "hello");
    reopen(NULL);
    fetch(&result, &(struct http_request){.method = "GET",
                                          .url = url_of("https", server.https, "/hello"),
                                          .ca_file = server.ca_file}); /* by the request's own bundle */
    assert_int_equal(result.status, 200);
    result_done(&result);
}

static void an_untrusted_certificate_is_refused(void **state)
{
    struct http_request request = {.method = "GET", .url = url_of("https", server.https, "/hello")};

    NEED_SERVER();
    reopen(NULL); /* the system does not know our CA */
    expect_failure(&request, -EKEYREJECTED, "certificate of 127.0.0.1:");
    request.ca_file = server.ca_file;
    struct result result = {0};
    fetch(&result, &request);
    assert_int_equal(result.status, 200);
    request.ca_file = NULL; /* and the trusted connection is not lent to those who do not trust it */
    expect_failure(&request, -EKEYREJECTED, "not trusted");
    result_done(&result);
}

/* The text of a file; NUL-terminated. */
static size_t slurp(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t got;

    assert_non_null(file);
    got = fread(text, 1, size - 1, file);
    fclose(file);
    text[got] = '\0';
    return got;
}

static void a_ca_that_comes_with_the_request_is_the_only_one(void **state)
{
    char ca[4096], other[4096];
    struct result result = {0};
    struct http_request here = {.method = "GET", .ca_pem = ca}, there = {.method = "GET", .ca_pem = other};
    char *connection CLEANUP_FREE = NULL;

    NEED_SERVER();
    here.ca_pem_size = slurp(server.ca_file, ca, sizeof(ca));
    there.ca_pem_size = slurp(server.other_ca_file, other, sizeof(other));
    here.url = url_of("https", server.https, "/hello");
    there.url = url_of("https", server.other, "/hello");
    fetch(&result, &here);
    assert_int_equal(result.status, 200);
    connection = strdup(result.connection);
    fetch(&result, &there);
    assert_int_equal(result.status, 200);
    fetch(&result, &here); /* the kept connection serves for an equal text */
    assert_string_equal(result.connection, connection);
    result_done(&result);
    here.ca_pem = other; /* and for no other, though the transport trusts this server */
    here.ca_pem_size = there.ca_pem_size;
    expect_failure(&here, -EKEYREJECTED, "only the server's own CA counts");
    there.ca_pem = NULL;
    expect_failure(&there, -EKEYREJECTED, "CA bundle");
}

static void a_ca_that_is_none_trusts_nobody(void **state)
{
    NEED_SERVER();
    expect_failure(&(struct http_request){.method = "GET",
                                          .url = url_of("https", server.https, "/hello"),
                                          .ca_pem = "no PEM at all",
                                          .ca_pem_size = 13},
                   -EKEYREJECTED, "not trusted");
}

static void a_certificate_for_another_name_is_refused(void **state)
{
    NEED_SERVER();
    expect_failure(&(struct http_request){.method = "GET", .url = url_of("https", server.wrong, "/hello")},
                   -EKEYREJECTED, "subject name");
}

static void a_missing_ca_bundle_is_named(void **state)
{
    NEED_SERVER();
    expect_failure(&(struct http_request){.method = "GET",
                                          .url = url_of("https", server.https, "/hello"),
                                          .ca_file = "/nonexistent/bundle.pem"},
                   -EKEYREJECTED, "/nonexistent/bundle.pem");
}

static void plain_http_on_a_tls_port_and_the_reverse_are_no_answer(void **state)
{
    struct result result = {0};

    NEED_SERVER();
    expect_failure(&(struct http_request){.method = "GET",
                                          .url = url_of("https", server.http, "/hello"),
                                          .timeout_ms = 2000},
                   -EPROTO, "127.0.0.1:");
    fetch(&result, &(struct http_request){
                       .method = "GET", .url = url_of("http", server.https, "/hello"), .timeout_ms = 2000});
    assert_true(result.code < 0);
    result_done(&result);
}

/* cancel */

static void a_canceled_call_ends_once_and_not_at_once(void **state)
{
    struct result result = {0};

    NEED_SERVER();
    start(&result, &GET("/hang"));
    for (int i = 0; i < 5; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    http_cancel(&result.call);
    http_cancel(&result.call);
    assert_int_equal(result.times, 0);
    wait_for(&result);
    assert_int_equal(result.code, -ECANCELED);
    assert_int_equal(result.err.class, ERR_CANCELED);
    http_cancel(&result.call); /* fine on a finished call */
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(result.times, 1);
    result_done(&result);
    start(&result, &GET("/hello")); /* before anything was sent */
    http_cancel(&result.call);
    wait_for(&result);
    assert_int_equal(result.code, -ECANCELED);
    result_done(&result);
}

static void a_callback_may_cancel_another_call(void **state)
{
    struct result first = {0}, second = {0};

    NEED_SERVER();
    start(&second, &GET("/hang"));
    first.then_cancel = &second;
    start(&first, &GET("/hello"));
    wait_for(&first);
    wait_for(&second);
    assert_int_equal(first.status, 200);
    assert_int_equal(second.code, -ECANCELED);
    result_done(&first);
    result_done(&second);
}

static void closing_cancels_what_runs(void **state)
{
    struct result a = {0}, b = {0};
    struct err err = {0};

    NEED_SERVER();
    start(&a, &GET("/hang"));
    uv_run(&loop, UV_RUN_NOWAIT);
    start(&b, &GET("/hello"));
    http_curl_close(curl);
    assert_int_equal(a.times + b.times, 0);
    wait_for(&a);
    wait_for(&b);
    assert_int_equal(a.code, -ECANCELED);
    assert_int_equal(b.code, -ECANCELED);
    assert_int_equal(http_start(http, &a.call, &GET("/hello"), on_result, &err), -ECANCELED);
    err_done(&err);
    result_done(&a);
    result_done(&b);
}

/* proxies: the server is its own proxy, and says so */

static void expect_body(const struct http_request *request, const char *body)
{
    struct result result = {0};

    fetch(&result, request);
    if (result.code < 0)
        fail_msg("%s", err_text(&result.err));
    assert_string_equal(result.body, body);
    result_done(&result);
}

static void the_proxy_of_the_environment_is_used(void **state)
{
    NEED_SERVER();
    setenv("http_proxy", url_of("http", server.http, ""), 1);
    setenv("HTTPS_PROXY", url_of("http", server.http, ""), 1);
    reopen(server.ca_file);
    expect_body(&GET("/hello"), "through the proxy");
    expect_failure(&(struct http_request){.method = "GET", .url = url_of("https", server.https, "/hello")},
                   -ECONNRESET, "CONNECT");
}

static void a_request_without_proxy_never_uses_one(void **state)
{
    struct http_request request = GET("/hello"), secure = GET("/hello");

    NEED_SERVER();
    setenv("http_proxy", url_of("http", server.closed, ""), 1);
    setenv("https_proxy", url_of("http", server.closed, ""), 1);
    reopen(server.ca_file);
    expect_failure(&request, -ECONNREFUSED, "refused");
    request.no_proxy = true;
    expect_body(&request, "hello");
    secure.url = url_of("https", server.https, "/hello");
    secure.no_proxy = true;
    expect_body(&secure, "hello");
}

static void no_proxy_of_the_environment_is_honoured(void **state)
{
    NEED_SERVER();
    setenv("http_proxy", url_of("http", server.closed, ""), 1);
    setenv("no_proxy", "example.com,127.0.0.1", 1);
    reopen(server.ca_file);
    expect_body(&GET("/hello"), "hello");
}

static void http_proxy_in_capitals_is_not_read(void **state)
{
    NEED_SERVER();
    setenv("HTTP_PROXY", url_of("http", server.closed, ""), 1);
    reopen(server.ca_file);
    expect_body(&GET("/hello"), "hello");
    unsetenv("HTTP_PROXY");
}

static void a_proxy_set_after_the_start_changes_nothing(void **state)
{
    NEED_SERVER();
    setenv("http_proxy", url_of("http", server.closed, ""), 1);
    setenv("all_proxy", url_of("http", server.closed, ""), 1);
    expect_body(&GET("/hello"), "hello");
    unsetenv("all_proxy");
}

/* fibers */

static struct fibers fibers;
static int fiber_results[4];
static size_t fibers_ended;

static void fetch_in_fiber(void *arg)
{
    struct http_answer answer CLEANUP_ANSWER = {0};
    struct err err CLEANUP_ERR = {0};
    int r = http_fetch(http, arg, &answer, &err);

    fiber_results[fibers_ended++] = r < 0 ? r : answer.status;
    if (r == -ECANCELED) /* later calls fail at once */
        fiber_results[fibers_ended++] = http_fetch(http, arg, &answer, &err);
}

static void fibers_fetch_and_can_be_canceled(void **state)
{
    struct http_request quick = GET("/hello"), hanging = GET("/hang");
    struct fibers_uv glue;
    struct fiber *fiber = NULL;

    NEED_SERVER();
    fibers_ended = 0;
    fibers_init(&fibers);
    assert_int_equal(fibers_uv_init(&glue, &loop, &fibers), 0);
    assert_int_equal(fiber_spawn(&fibers, "hanging", fetch_in_fiber, &hanging, &fiber), 0);
    assert_int_equal(fiber_spawn(&fibers, "quick", fetch_in_fiber, &quick, NULL), 0);
    while (fibers_ended < 1)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(fiber_results[0], 200);
    fiber_cancel(fiber);
    while (fibers.living > 0)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(fibers_ended, 3);
    assert_int_equal(fiber_results[1], -ECANCELED);
    assert_int_equal(fiber_results[2], -ECANCELED);
    fibers_uv_close(&glue);
    uv_run(&loop, UV_RUN_NOWAIT);
    fibers_close(&fibers);
}

static int idle_rounds;

static void count_round(uv_prepare_t *prepare)
{
    (void)prepare;
    idle_rounds++;
}

static void stop_loop(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* How often the loop turns in 300 ms while nobody calls. */
static int idle_turns(void)
{
    uv_prepare_t prepare;
    uv_timer_t timer;

    uv_prepare_init(&loop, &prepare);
    uv_timer_init(&loop, &timer);
    idle_rounds = 0;
    uv_run(&loop, UV_RUN_NOWAIT); /* what is left of the call */
    uv_prepare_start(&prepare, count_round);
    uv_timer_start(&timer, stop_loop, 300, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&prepare, NULL);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
    return idle_rounds;
}

static void an_idle_transport_does_not_wake_the_loop(void **state)
{
    struct result result = {0};

    NEED_SERVER();
    fetch(&result, &GET("/hello"));
    assert_in_range(idle_turns(), 1, 4);
    result_done(&result);
}

static void an_idle_transport_does_not_keep_the_loop_alive(void **state)
{
    struct result result = {0};

    NEED_SERVER();
    fetch(&result, &GET("/hello"));
    uv_run(&loop, UV_RUN_NOWAIT); /* what is left of the call */
    assert_false(uv_loop_alive(&loop));
    result_done(&result);
}

static void a_connection_closed_while_idle_wakes_the_loop_once_and_is_replaced(void **state)
{
    struct result result = {0};

    NEED_SERVER();
    for (int i = 0; i < 3; i++) { /* the new socket has the number of the old one */
        fetch(&result, &GET("/leave"));
        assert_string_equal(result.body, "bye");
        assert_in_range(idle_turns(), 1, 5);
    }
    fetch(&result, &GET("/hello"));
    assert_string_equal(result.body, "hello");
    result_done(&result);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_answer_has_status_headers_and_body),
        CASE(a_status_is_an_answer),
        CASE(only_the_final_answer_counts),
        CASE(the_request_arrives_as_it_was_given),
        CASE(nothing_is_claimed_that_was_not_given),
        CASE(a_large_body_goes_both_ways),
        CASE(a_connection_is_kept),
        CASE(libcurl_repeats_a_post_unless_the_connection_is_fresh),
        CASE(a_hundred_calls_at_once_all_come_back),
        CASE(who_waits_longest_gets_the_next_free_connection),
        CASE(a_call_canceled_before_its_turn_is_never_sent),
        CASE(a_body_over_the_limit_is_refused_chunked_or_not),
        CASE(a_body_of_exactly_the_limit_is_taken),
        CASE(too_many_or_too_large_headers_are_refused),
        CASE(silence_ends_at_the_time_limit),
        CASE(a_time_limit_covers_the_wait_for_a_free_connection),
        CASE(what_a_call_waited_is_taken_off_its_time_limit),
        CASE(every_failure_has_its_code_and_names_the_host),
        CASE(a_name_that_does_not_exist_can_not_be_reached),
        CASE(a_trusted_certificate_is_taken),
        CASE(an_untrusted_certificate_is_refused),
        CASE(a_ca_that_comes_with_the_request_is_the_only_one),
        CASE(a_ca_that_is_none_trusts_nobody),
        CASE(a_certificate_for_another_name_is_refused),
        CASE(a_missing_ca_bundle_is_named),
        CASE(plain_http_on_a_tls_port_and_the_reverse_are_no_answer),
        CASE(a_canceled_call_ends_once_and_not_at_once),
        CASE(a_callback_may_cancel_another_call),
        CASE(closing_cancels_what_runs),
        CASE(the_proxy_of_the_environment_is_used),
        CASE(a_request_without_proxy_never_uses_one),
        CASE(no_proxy_of_the_environment_is_honoured),
        CASE(http_proxy_in_capitals_is_not_read),
        CASE(a_proxy_set_after_the_start_changes_nothing),
        CASE(fibers_fetch_and_can_be_canceled),
        CASE(an_idle_transport_does_not_wake_the_loop),
        CASE(an_idle_transport_does_not_keep_the_loop_alive),
        CASE(a_connection_closed_while_idle_wakes_the_loop_once_and_is_replaced),
    };

    return cmocka_run_group_tests(tests, start_server, stop_server);
}
