/*
 * test_http_sim.c: what is the same for every transport (requests, answers,
 * wording, waiting in a fiber), and the simulated one on the virtual clock.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/fiber.h"
#include "common/http-internal.h"
#include "common/http.h"
#include "common/macro.h"
#include "common/str.h"

static struct clock_virtual virtual_clock;
static struct fibers fibers;
static struct http_sim sim;

/* What the handler shall do, and what it saw. */
static struct {
    int result;
    uint64_t delay_ms;
    size_t body_size;
    char method[16], url[128];
} plan;

static int handler(void *data, const struct http_request *request, struct http_answer *answer,
                   uint64_t *ret_delay_ms)
{
    char *body;
    int r;

    (void)data;
    snprintf(plan.method, sizeof(plan.method), "%s", request->method);
    snprintf(plan.url, sizeof(plan.url), "%s", request->url);
    *ret_delay_ms = plan.delay_ms;
    if (plan.result < 0)
        return plan.result;
    answer->status = 200;
    r = http_answer_add_header(answer, "X-Request-Id", "42");
    if (r < 0 || plan.body_size == 0)
        return r;
    body = malloc(plan.body_size);
    if (!body)
        return -ENOMEM;
    memset(body, 's', plan.body_size);
    r = http_answer_set_body(answer, body, plan.body_size);
    free(body);
    return r;
}

struct result {
    struct http_call call;
    int times, code, status;
    size_t body_size;
    bool body_ends;
    struct err err;
};

static void on_result(struct http_call *call, struct http_answer *answer, struct err *err)
{
    struct result *result = container_of(call, struct result, call);

    result->times++;
    if (err) {
        result->code = err->code;
        err_move(&result->err, err);
        return;
    }
    result->status = answer->status;
    result->body_size = answer->body_size;
    result->body_ends = answer->body && answer->body[answer->body_size] == '\0';
}

static int setup(void **state)
{
    (void)state;
    memset(&plan, 0, sizeof(plan));
    clock_virtual_init(&virtual_clock, 0);
    fibers_init(&fibers);
    http_sim_init(&sim, &virtual_clock.clock, handler, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fibers_close(&fibers);
    return virtual_clock.clock.timers ? -1 : 0;
}

#define REQUEST(...) ((struct http_request){.url = "https://api.example:8443/a", __VA_ARGS__})
#define GET(...)     REQUEST(.method = "GET", __VA_ARGS__)

static void start(struct result *result, const struct http_request *request)
{
    assert_int_equal(http_start(&sim.http, &result->call, request, on_result, &result->err), 0);
    assert_int_equal(result->times, 0);
}

static void an_answer_comes_after_its_delay(void **state)
{
    struct result result = {0};

    (void)state;
    plan.delay_ms = 70;
    plan.body_size = 5;
    start(&result, &GET());
    assert_string_equal(plan.method, "GET"); /* the server has seen it already */
    clock_virtual_advance(&virtual_clock, 69);
    assert_int_equal(result.times, 0);
    clock_virtual_advance(&virtual_clock, 1);
    assert_int_equal(result.times, 1);
    assert_int_equal(result.status, 200);
    assert_int_equal(result.body_size, 5);
    assert_int_equal(sim.calls, 1);
}

static void an_answer_without_delay_still_never_comes_from_inside(void **state)
{
    struct result result = {0};

    (void)state;
    start(&result, &GET());
    clock_virtual_advance(&virtual_clock, 0);
    assert_int_equal(result.times, 1);
    assert_int_equal(result.body_size, 0);
    assert_true(result.body_ends); /* "", never NULL */
}

static void silence_of_every_kind_has_its_class_and_names_the_host(void **state)
{
    static const struct {
        int code;
        enum err_class class;
    } cases[] = {
        {-ECONNREFUSED, ERR_RETRY}, {-ECONNRESET, ERR_RETRY},    {-EHOSTUNREACH, ERR_RETRY},
        {-EPROTO, ERR_RETRY},       {-EKEYREJECTED, ERR_DENIED}, {-ETIMEDOUT, ERR_RETRY},
        {-EMSGSIZE, ERR_LIMIT},     {-ECANCELED, ERR_CANCELED},  {-EIO, ERR_RETRY},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct result result = {0};

        plan.result = cases[i].code;
        start(&result, &GET());
        clock_virtual_advance(&virtual_clock, 60000);
        assert_int_equal(result.times, 1);
        assert_int_equal(result.code, cases[i].code);
        assert_int_equal(result.err.class, cases[i].class);
        assert_non_null(strstr(err_text(&result.err), "api.example:8443"));
        err_done(&result.err);
    }
}

static void an_answer_after_the_time_limit_is_none(void **state)
{
    struct result result = {0};

    (void)state;
    plan.delay_ms = 5001;
    start(&result, &GET(.timeout_ms = 5000));
    clock_virtual_advance(&virtual_clock, 4999);
    assert_int_equal(result.times, 0);
    clock_virtual_advance(&virtual_clock, 1);
    assert_int_equal(result.code, -ETIMEDOUT);
    err_done(&result.err);
}

static void no_answer_at_all_lasts_until_the_time_limit(void **state)
{
    struct result result = {0};

    (void)state;
    plan.result = -ETIMEDOUT;
    start(&result, &GET(.timeout_ms = 5000));
    clock_virtual_advance(&virtual_clock, 4999);
    assert_int_equal(result.times, 0);
    clock_virtual_advance(&virtual_clock, 1);
    assert_int_equal(result.code, -ETIMEDOUT);
    err_done(&result.err);
}

static void an_answer_over_the_limit_is_refused(void **state)
{
    struct result small = {0}, large = {0};

    (void)state;
    plan.body_size = 100;
    start(&small, &GET(.max_answer_bytes = 100));
    start(&large, &GET(.max_answer_bytes = 99));
    clock_virtual_advance(&virtual_clock, 0);
    assert_int_equal(small.status, 200);
    assert_int_equal(large.code, -EMSGSIZE);
    err_done(&large.err);
}

static void a_canceled_call_ends_once_and_not_at_once(void **state)
{
    struct result result = {0};

    (void)state;
    plan.delay_ms = 1000;
    start(&result, &GET());
    http_cancel(&result.call);
    http_cancel(&result.call);
    assert_int_equal(result.times, 0);
    clock_virtual_advance(&virtual_clock, 0);
    assert_int_equal(result.code, -ECANCELED);
    http_cancel(&result.call);
    clock_virtual_advance(&virtual_clock, 5000);
    assert_int_equal(result.times, 1);
    err_done(&result.err);
}

/* requests that are not sent */

static void expect_refused(const struct http_request *request, const char *text)
{
    struct http_call call = {0};
    struct err err = {0};

    assert_int_equal(http_start(&sim.http, &call, request, on_result, &err), -EINVAL);
    if (!strstr(err_text(&err), text))
        fail_msg("%s does not hold: %s", err_text(&err), text);
    assert_int_equal(err.class, ERR_INVALID);
    assert_int_equal(sim.calls, 0);
    err_done(&err);
}

static void a_bad_request_is_not_sent(void **state)
{
    static const char *const injected[] = {"A: b\r\nC: d", NULL}, *const nameless[] = {": b", NULL},
                             *const plain[] = {"A: b", "no colon", NULL}, *const spaced[] = {"A b: c", NULL};

    (void)state;
    expect_refused(&(struct http_request){.method = "GET", .url = NULL}, "https://");
    expect_refused(&(struct http_request){.method = "GET", .url = "ftp://x/"}, "https://");
    expect_refused(&(struct http_request){.method = "GET", .url = "file:///etc/passwd"}, "https://");
    expect_refused(&(struct http_request){.method = "GET", .url = "https:///x"}, "names no host");
    expect_refused(&(struct http_request){.method = "GET", .url = "https://u:p@x/"}, "a user or a password");
    expect_refused(&(struct http_request){.method = "GET", .url = "https://x/a b"}, "encoded");
    expect_refused(&(struct http_request){.method = "GET", .url = "https://x/a\r\nB: c"}, "encoded");
    expect_refused(&(struct http_request){.method = "GET", .url = "https://x/\xc3\xa9"}, "encoded");
    expect_refused(&REQUEST(.method = "get"), "method");
    expect_refused(&REQUEST(.method = ""), "method");
    expect_refused(&REQUEST(.method = "GET /x"), "method");
    expect_refused(&GET(.headers = injected), "control character");
    expect_refused(&GET(.headers = nameless), "Name: value");
    expect_refused(&GET(.headers = plain), "Name: value");
    expect_refused(&GET(.headers = spaced), "Name: value");
    expect_refused(&GET(.timeout_ms = 600001), "time limit");
    expect_refused(&GET(.connect_timeout_ms = 600001), "time limit");
}

/* answers */

static void headers_are_found_by_their_name_in_lower_case(void **state)
{
    struct http_answer answer CLEANUP_ANSWER = {0};

    (void)state;
    assert_int_equal(http_answer_add_header(&answer, "Content-Type", "a/b"), 0);
    assert_int_equal(http_answer_add_header(&answer, "ETag", "1"), 0);
    assert_int_equal(http_answer_add_header(&answer, "etag", "2"), 0);
    assert_string_equal(http_answer_header(&answer, "content-type"), "a/b");
    assert_string_equal(http_answer_header(&answer, "etag"), "1");
    assert_null(http_answer_header(&answer, "location"));
}

static void headers_are_bounded_in_number_and_size(void **state)
{
    struct http_answer many = {0}, large = {0};
    char value[1024];
    int n = 0;

    (void)state;
    while (http_answer_add_header(&many, "n", "v") == 0)
        n++;
    assert_int_equal(n, HTTP_HEADERS_MAX);
    assert_int_equal(many.header_count, HTTP_HEADERS_MAX);
    memset(value, 'v', sizeof(value));
    value[1023] = '\0';
    for (n = 0; http_answer_add_header(&large, "n", value) == 0;) /* 1024 bytes each */
        n++;
    assert_int_equal(n, 64);
    http_answer_done(&many);
    http_answer_done(&large);
    http_answer_done(&large);
    http_answer_done(NULL);
}

static void a_second_body_replaces_the_first(void **state)
{
    struct http_answer answer CLEANUP_ANSWER = {0};

    (void)state;
    assert_int_equal(http_answer_set_body(&answer, "one", 3), 0);
    assert_int_equal(http_answer_set_body(&answer, "a\0b", 3), 0);
    assert_memory_equal(answer.body, "a\0b", 4);
}

static void the_host_is_cut_from_the_url(void **state)
{
    static const struct {
        const char *url, *host;
    } cases[] = {
        {"https://a.example", "a.example"},       {"https://a.example/x?y@z", "a.example"},
        {"http://127.0.0.1:80/", "127.0.0.1:80"}, {"https://a.example?x", "a.example"},
        {"https://[::1]:443/a:b", "[::1]:443"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *host CLEANUP_FREE = http_url_host(cases[i].url);

        assert_string_equal(host, cases[i].host);
    }
}

/* in a fiber */

static struct {
    int result, second_result;
    int status;
    char id[8];
    enum err_class class;
} fetched;

static void fetch(void *arg)
{
    struct http_answer answer CLEANUP_ANSWER = {0};
    struct err err CLEANUP_ERR = {0};

    fetched.result = http_fetch(&sim.http, arg, &answer, &err);
    fetched.class = err.class;
    fetched.status = answer.status;
    if (answer.header_count > 0)
        snprintf(fetched.id, sizeof(fetched.id), "%s", http_answer_header(&answer, "x-request-id"));
    http_answer_done(&answer);
    fetched.second_result = http_fetch(&sim.http, arg, &answer, &err);
}

static struct fiber *start_fetch(struct http_request *request)
{
    struct fiber *fiber = NULL;

    memset(&fetched, 0, sizeof(fetched));
    assert_int_equal(fiber_spawn(&fibers, "fetch", fetch, request, &fiber), 0);
    fibers_run(&fibers);
    return fiber;
}

static void run_until_nothing_is_due(void)
{
    do
        fibers_run(&fibers);
    while (clock_virtual_step(&virtual_clock));
}

static void a_fiber_gets_the_answer_as_its_own(void **state)
{
    struct http_request request = GET();

    (void)state;
    plan.delay_ms = 10;
    plan.body_size = 100;
    start_fetch(&request);
    run_until_nothing_is_due();
    assert_int_equal(fetched.result, 0);
    assert_int_equal(fetched.status, 200);
    assert_string_equal(fetched.id, "42");
    assert_int_equal(fetched.second_result, 0);
    assert_int_equal(sim.calls, 2);
}

static void a_fiber_gets_the_failure(void **state)
{
    struct http_request request = GET(), bad = REQUEST(.method = "get");

    (void)state;
    plan.result = -ECONNREFUSED;
    start_fetch(&request);
    run_until_nothing_is_due();
    assert_int_equal(fetched.result, -ECONNREFUSED);
    start_fetch(&bad);
    assert_int_equal(fetched.result, -EINVAL);
    assert_int_equal(fetched.class, ERR_INVALID);
}

static void canceling_the_fiber_cancels_the_call_and_later_ones(void **state)
{
    struct http_request request = GET();
    struct fiber *fiber;

    (void)state;
    plan.delay_ms = 10000;
    fiber = start_fetch(&request);
    fiber_cancel(fiber);
    fibers_run(&fibers);
    assert_int_equal(fibers.living, 1); /* the transport has not let go yet */
    run_until_nothing_is_due();
    assert_int_equal(clock_monotonic_ms(&virtual_clock.clock), 0);
    assert_int_equal(fetched.result, -ECANCELED);
    assert_int_equal(fetched.class, ERR_CANCELED);
    assert_int_equal(fetched.second_result, -ECANCELED);
    assert_int_equal(sim.calls, 1); /* the second one was not sent */
}

static void an_answer_that_is_there_is_not_lost_by_a_cancel(void **state)
{
    struct http_request request = GET();
    struct fiber *fiber;

    (void)state;
    fiber = start_fetch(&request);
    clock_virtual_advance(&virtual_clock, 0); /* the answer is in, the fiber did not run yet */
    fiber_cancel(fiber);
    fibers_run(&fibers);
    assert_int_equal(fetched.result, 0);
    assert_string_equal(fetched.id, "42");
    assert_int_equal(fetched.second_result, -ECANCELED);
}

static void a_stray_wake_up_does_not_end_a_fetch(void **state)
{
    struct http_request request = GET();
    struct fiber *fiber;

    (void)state;
    plan.delay_ms = 10;
    fiber = start_fetch(&request);
    fiber_wake(fiber, -EIO);
    run_until_nothing_is_due();
    assert_int_equal(fetched.result, 0);
    assert_int_equal(fetched.status, 200);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_answer_comes_after_its_delay),
        CASE(an_answer_without_delay_still_never_comes_from_inside),
        CASE(silence_of_every_kind_has_its_class_and_names_the_host),
        CASE(an_answer_after_the_time_limit_is_none),
        CASE(no_answer_at_all_lasts_until_the_time_limit),
        CASE(an_answer_over_the_limit_is_refused),
        CASE(a_canceled_call_ends_once_and_not_at_once),
        CASE(a_bad_request_is_not_sent),
        CASE(headers_are_found_by_their_name_in_lower_case),
        CASE(headers_are_bounded_in_number_and_size),
        CASE(a_second_body_replaces_the_first),
        CASE(the_host_is_cut_from_the_url),
        CASE(a_fiber_gets_the_answer_as_its_own),
        CASE(a_fiber_gets_the_failure),
        CASE(canceling_the_fiber_cancels_the_call_and_later_ones),
        CASE(an_answer_that_is_there_is_not_lost_by_a_cancel),
        CASE(a_stray_wake_up_does_not_end_a_fetch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
