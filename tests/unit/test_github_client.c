/*
 * test_github_client.c: one call: what is sent, and what each answer becomes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/js.h"
#include "common/log.h"
#include "tests/unit/github_sim.h"

static struct github_sim sim;
static struct sim_call call;

static int setup(void **state)
{
    (void)state;
    memset(&sim, 0, sizeof(sim));
    sim_open(&sim, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sim_call_done(&call);
    memset(&call, 0, sizeof(call));
    sim_close(&sim);
    return 0;
}

static void expect_text(const char *part)
{
    if (!strstr(err_text(&call.err), part))
        fail_msg("\"%s\" is not in \"%s\"", part, err_text(&call.err));
}

/* ---- what is sent ---- */

static void call_sends_the_headers_github_asks_for(void **state)
{
    const char *headers;

    (void)state;
    sim_say(&sim, 200, NULL, "{\"id\": 7}");
    sim_do(&sim, &call, GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    assert_int_equal(call.r, 0);
    assert_string_equal(sim.log[0].method, "GET");
    assert_string_equal(sim.log[0].url, SIM_URL);
    headers = sim.log[0].headers;
    assert_non_null(strstr(headers, "User-Agent: mlopsd/"));
    assert_non_null(strstr(headers, "Accept: application/vnd.github+json\n"));
    assert_non_null(strstr(headers, "X-GitHub-Api-Version: 2022-11-28\n"));
    assert_non_null(strstr(headers, "Authorization: Bearer ghp_test\n"));
    assert_null(strstr(headers, "Content-Type"));
    assert_null(sim.log[0].body);
    assert_int_equal(call.answer.status, 200);
    assert_int_equal(js_int(call.answer.body, "id", 0), 7);
    assert_int_equal(call.answer.server_wall_ms, SIM_WALL_MS);
    assert_int_equal(github_calls_sent(sim.github), 1);
}

static void write_carries_its_body_as_json(void **state)
{
    (void)state;
    sim_say(&sim, 201, NULL, "{}");
    sim_do(&sim, &call, GITHUB_PUT_SECRET,
           "{\"repository\": \"o/r\", \"secret_name\": \"A\", \"body\": {\"key_id\": \"1\", \"a/b\": 2}}");
    assert_int_equal(call.r, 0);
    assert_int_equal(call.answer.status, 201);
    assert_string_equal(sim.log[0].method, "PUT");
    assert_string_equal(sim.log[0].url, "https://api.github.com/repos/o/r/actions/secrets/A");
    assert_string_equal(sim.log[0].body, "{\"a/b\":2,\"key_id\":\"1\"}");
    assert_non_null(strstr(sim.log[0].headers, "Content-Type: application/json\n"));
}

static void base_url_keeps_its_path(void **state)
{
    struct github_options options = {.api_url = "https://ghe.example.org/api/v3/"};

    (void)state;
    sim_close(&sim);
    memset(&sim, 0, sizeof(sim));
    sim_open(&sim, &options);
    sim_say(&sim, 200, NULL, "{}");
    sim_do(&sim, &call, GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    assert_string_equal(sim.log[0].url, "https://ghe.example.org/api/v3/repos/john-doe/mlops-project");
}

static void path_parameters_are_percent_encoded(void **state)
{
    (void)state;
    sim_say(&sim, 204, NULL, NULL);
    sim_do(&sim, &call, GITHUB_DELETE_SECRET, "{\"repository\": \"o/r.x\", \"secret_name\": \"a/b?c#d e%\"}");
    assert_int_equal(call.r, 0);
    assert_int_equal(call.answer.status, 204);
    assert_null(call.answer.body);
    assert_string_equal(sim.log[0].url,
                        "https://api.github.com/repos/o/r.x/actions/secrets/a%2Fb%3Fc%23d%20e%25");
}

static void bad_parameters_send_nothing(void **state)
{
    static const char *const bad[] = {
        "{\"repository\": \"o\", \"secret_name\": \"A\"}",
        "{\"repository\": \"o/r/x\", \"secret_name\": \"A\"}",
        "{\"repository\": \"../r\", \"secret_name\": \"A\"}",
        "{\"repository\": \"o/..\", \"secret_name\": \"A\"}",
        "{\"repository\": \"/r\", \"secret_name\": \"A\"}",
        "{\"repository\": \"o/\", \"secret_name\": \"A\"}",
        "{\"repository\": \"o/r\", \"secret_name\": \"..\"}",
        "{\"repository\": \"o/r\", \"secret_name\": \"\"}",
        "{\"repository\": \"o/r\"}",
        "{\"repository\": 7, \"secret_name\": \"A\"}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        sim_do(&sim, &call, GITHUB_DELETE_SECRET, bad[i]);
        assert_int_equal(call.r, -EINVAL);
        sim_call_done(&call);
    }
    sim_start(&sim, &call, GITHUB_DELETE_SECRET, SIM_SECRET);
    js_put_key(call.params, "secret_name", json_object_new_string_len("a\0b", 3));
    sim_run(&sim);
    assert_int_equal(call.r, -EINVAL);
    assert_int_equal(sim.logged, 0);
}

static void gate_refuses_writes_before_any_byte(void **state)
{
    (void)state;
    sim.gate_closed = true;
    sim_do(&sim, &call, GITHUB_DELETE_SECRET, SIM_SECRET);
    assert_int_equal(call.r, -EPERM);
    assert_int_equal(sim.logged, 0);
    sim_call_done(&call);
    sim_say(&sim, 200, NULL, "{}");
    sim_do(&sim, &call, GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    assert_int_equal(call.r, 0);
}

static void without_a_gate_there_are_no_writes(void **state)
{
    (void)state;
    sim.github->gate = NULL;
    sim_do(&sim, &call, GITHUB_DELETE_SECRET, SIM_SECRET);
    assert_int_equal(call.r, -EPERM);
    assert_int_equal(sim.logged, 0);
}

static void installation_token_is_not_for_callers(void **state)
{
    (void)state;
    sim_do(&sim, &call, GITHUB_CREATE_INSTALLATION_TOKEN, "{\"installation_id\": \"1\"}");
    assert_int_equal(call.r, -EINVAL);
    assert_int_equal(call.err.class, ERR_BUG);
    assert_int_equal(sim.logged, 0);
}

/* ---- conditional reads ---- */

static void unchanged_answer_gives_the_kept_body(void **state)
{
    (void)state;
    sim_say(&sim, 200, "etag: W/\"abc\"", "{\"id\": 7}");
    sim_do(&sim, &call, GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    sim_call_done(&call);
    assert_null(sim.log[0].if_none_match);
    sim_say(&sim, 304, "etag: W/\"abc\"", NULL);
    sim_do(&sim, &call, GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    assert_string_equal(sim.log[1].if_none_match, "W/\"abc\"");
    assert_int_equal(call.r, 0);
    assert_int_equal(call.answer.status, 200);
    assert_int_equal(js_int(call.answer.body, "id", 0), 7);
}

static void new_answer_replaces_the_kept_one(void **state)
{
    (void)state;
    sim_say(&sim, 200, "etag: \"1\"", "{\"id\": 7}");
    sim_say(&sim, 200, "etag: \"2\"", "{\"id\": 8}");
    sim_say(&sim, 304, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        sim_call_done(&call);
        sim_do(&sim, &call, GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    }
    assert_string_equal(sim.log[1].if_none_match, "\"1\"");
    assert_string_equal(sim.log[2].if_none_match, "\"2\"");
    assert_int_equal(js_int(call.answer.body, "id", 0), 8);
}

static void unasked_unchanged_is_a_fault(void **state)
{
    (void)state;
    sim_say(&sim, 304, NULL, NULL);
    sim_do(&sim, &call, GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    assert_int_equal(call.r, -EIO);
    assert_int_equal(call.err.class, ERR_RETRY);
}

static void public_key_is_read_without_a_tag(void **state)
{
    (void)state;
    sim_say(&sim, 200, "etag: \"1\"", "{}");
    sim_say(&sim, 200, "etag: \"1\"", "{}");
    sim_do(&sim, &call, GITHUB_GET_PUBLIC_KEY, SIM_REPOSITORY);
    sim_call_done(&call);
    sim_do(&sim, &call, GITHUB_GET_PUBLIC_KEY, SIM_REPOSITORY);
    assert_null(sim.log[1].if_none_match);
}

static void kept_answers_are_bounded(void **state)
{
    struct tags tags = {0};
    char *big = malloc(TAG_BYTES_MAX + 2);

    (void)state;
    for (int i = 0; i < 200; i++) {
        char *url CLEANUP_FREE = str_format("https://h/%d", i);

        tags_keep(&tags, url, "\"e\"", "{}", i % 2 ? "<l>; rel=next" : NULL);
        assert_non_null(tags_find(&tags, "https://h/0"));
    }
    assert_int_equal(tags.count, TAGS_MAX);
    assert_non_null(tags_find(&tags, "https://h/199"));
    assert_null(tags_find(&tags, "https://h/1"));
    memset(big, 'x', TAG_BYTES_MAX + 1);
    big[TAG_BYTES_MAX + 1] = '\0';
    tags_keep(&tags, "https://h/199", "\"e\"", big, NULL);
    assert_null(tags_find(&tags, "https://h/199"));
    big[TAG_BYTES_MAX] = '\0';
    for (int i = 0; i < 20; i++) {
        char *url CLEANUP_FREE = str_format("https://big/%d", i);

        tags_keep(&tags, url, "\"e\"", big, NULL);
    }
    assert_true(tags.bytes <= TAGS_BYTES_MAX);
    assert_non_null(tags_find(&tags, "https://big/19"));
    tags_done(&tags);
    assert_int_equal(tags.bytes, 0);
    free(big);
}

/* ---- pages ---- */

#define PAGE2 "link: <" SIM_URL "/actions/secrets?per_page=100&page=2>; rel=\"next\""

static void list_joins_all_pages(void **state)
{
    (void)state;
    sim_say(&sim, 200, PAGE2, "{\"total_count\": 3, \"secrets\": [{\"name\": \"A\"}, {\"name\": \"B\"}]}");
    sim_say(&sim, 200, NULL, "{\"total_count\": 3, \"secrets\": [{\"name\": \"C\"}]}");
    sim_do(&sim, &call, GITHUB_LIST_SECRETS, SIM_REPOSITORY);
    assert_int_equal(call.r, 0);
    assert_string_equal(sim.log[0].url, SIM_URL "/actions/secrets?per_page=100");
    assert_string_equal(sim.log[1].url, SIM_URL "/actions/secrets?per_page=100&page=2");
    assert_int_equal(js_int(call.answer.body, "total_count", 0), 3);
    assert_int_equal(js_count(call.answer.body, "secrets"), 3);
    assert_string_equal(js_text(call.answer.body, "secrets.2.name"), "C");
}

static void list_follows_the_kept_link_of_an_unchanged_page(void **state)
{
    (void)state;
    sim_say(&sim, 200, "etag: \"1\"\n" PAGE2, "{\"total_count\": 2, \"secrets\": [{\"name\": \"A\"}]}");
    sim_say(&sim, 200, NULL, "{\"total_count\": 2, \"secrets\": [{\"name\": \"C\"}]}");
    sim_say(&sim, 304, NULL, NULL);
    sim_say(&sim, 200, NULL, "{\"total_count\": 2, \"secrets\": [{\"name\": \"D\"}]}");
    sim_do(&sim, &call, GITHUB_LIST_SECRETS, SIM_REPOSITORY);
    sim_call_done(&call);
    sim_do(&sim, &call, GITHUB_LIST_SECRETS, SIM_REPOSITORY);
    assert_int_equal(call.r, 0);
    assert_string_equal(js_text(call.answer.body, "secrets.1.name"), "D");
}

static void empty_list_is_complete(void **state)
{
    (void)state;
    sim_say(&sim, 200, NULL, "{\"total_count\": 0, \"secrets\": []}");
    sim_do(&sim, &call, GITHUB_LIST_SECRETS, SIM_REPOSITORY);
    assert_int_equal(call.r, 0);
    assert_int_equal(js_count(call.answer.body, "secrets"), 0);
}

struct broken_list {
    const char *headers, *first, *second;
};

static void incomplete_lists_are_errors(void **state)
{
    static const struct broken_list lists[] = {
        {NULL, "{\"total_count\": 2, \"secrets\": [{\"name\": \"A\"}]}", NULL},
        {NULL, "{\"total_count\": 0, \"secrets\": [{\"name\": \"A\"}]}", NULL},
        {NULL, "{\"secrets\": []}", NULL},
        {NULL, "{\"total_count\": 0}", NULL},
        {NULL, "{\"total_count\": 1, \"secrets\": [{}]}", NULL},
        {NULL, "[]", NULL},
        {NULL, "{\"total_count\": 1, \"secrets\": [", NULL},
        {"content-type: text/html", "<html>", NULL},
        {"link: <https://evil.org/x>; rel=\"next\"", "{\"total_count\": 0, \"secrets\": []}", NULL},
        {"link: nonsense", "{\"total_count\": 0, \"secrets\": []}", NULL},
        /* a row moved between the pages */
        {PAGE2, "{\"total_count\": 2, \"secrets\": [{\"name\": \"A\"}]}",
         "{\"total_count\": 2, \"secrets\": [{\"name\": \"A\"}]}"},
        /* one was deleted while we read: the other page is short by one that exists */
        {PAGE2, "{\"total_count\": 3, \"secrets\": [{\"name\": \"A\"}]}",
         "{\"total_count\": 2, \"secrets\": [{\"name\": \"C\"}]}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        size_t before = sim.logged;

        sim_say(&sim, 200, lists[i].headers, lists[i].first);
        if (lists[i].second)
            sim_say(&sim, 200, NULL, lists[i].second);
        sim_do(&sim, &call, GITHUB_LIST_SECRETS, SIM_REPOSITORY);
        assert_int_equal(call.r, -EIO);
        assert_int_equal(call.err.class, ERR_RETRY);
        assert_null(call.answer.body);
        assert_int_equal(sim.logged - before, lists[i].second ? 2 : 1);
        sim_call_done(&call);
    }
    memset(&call, 0, sizeof(call));
}

static int serve_endless(struct github_sim *s, const struct sim_request *request, struct http_answer *answer)
{
    (void)request;
    return sim_answer(s, answer, 200, PAGE2, "{\"total_count\": 1, \"secrets\": []}");
}

static void endless_list_ends(void **state)
{
    (void)state;
    sim.serve = serve_endless;
    sim_do(&sim, &call, GITHUB_LIST_SECRETS, SIM_REPOSITORY);
    assert_int_equal(call.err.class, ERR_RETRY);
    assert_int_equal(sim.logged, 100);
}

/* ---- redirects ---- */

static void read_follows_a_rename_on_the_same_host(void **state)
{
    (void)state;
    sim_say(&sim, 301, "location: https://api.github.com/repositories/7",
            "{\"message\": \"Moved Permanently\"}");
    sim_say(&sim, 200, NULL, "{\"id\": 7}");
    sim_do(&sim, &call, GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    assert_int_equal(call.r, 0);
    assert_true(call.answer.moved);
    assert_string_equal(sim.log[1].url, "https://api.github.com/repositories/7");
    assert_string_equal(sim.log[1].authorization, "Bearer ghp_test");
}

static void token_never_goes_to_another_host(void **state)
{
    (void)state;
    sim_say(&sim, 302, "location: https://evil.org/x", NULL);
    sim_do(&sim, &call, GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    assert_int_equal(call.r, -EINVAL);
    assert_int_equal(call.err.class, ERR_INVALID);
    expect_text("another host");
    assert_int_equal(sim.logged, 1);
}

static void write_does_not_follow_but_says_renamed(void **state)
{
    (void)state;
    sim_say(&sim, 307, "location: https://api.github.com/repositories/7/actions/secrets/X", NULL);
    sim_do(&sim, &call, GITHUB_DELETE_SECRET, SIM_SECRET);
    assert_int_equal(call.r, -EINVAL);
    expect_text("renamed");
    assert_int_equal(sim.logged, 1);
}

static void redirects_in_a_circle_end(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        sim_say(&sim, 301, "location: /repos/a/b", NULL);
    sim_do(&sim, &call, GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    assert_int_equal(call.r, -EIO);
    sim_call_done(&call);
    sim_say(&sim, 301, NULL, NULL);
    sim_do(&sim, &call, GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    assert_int_equal(call.r, -EIO);
}

/* ---- errors ---- */

struct error_row {
    int status;
    const char *headers, *body;
    enum err_class class;
    const char *text;
};

static const struct error_row error_rows[] = {
    {400, NULL, "{\"message\": \"\\\"2020-01-01\\\" is not a supported version\"}", ERR_INVALID,
     "not a supported"},
    {401, NULL, "{\"message\": \"Bad credentials\"}", ERR_CREDENTIALS, "Bad credentials"},
    {403, "x-accepted-github-permissions: secrets=write",
     "{\"message\": \"Resource not accessible by personal access token\"}", ERR_DENIED, "secrets=write"},
    {403, "x-accepted-oauth-scopes: repo", "{\"message\": \"Must have admin rights to Repository.\"}",
     ERR_DENIED, "permission repo"},
    {403, NULL, "{\"message\": \"Repository was archived so is read-only.\"}", ERR_DENIED, "Secrets: read"},
    {403, "x-github-sso: required; url=https://github.com/orgs/x/sso?authorization_request=SECRETISH",
     "{\"message\": \"Resource protected by organization SAML enforcement.\"}", ERR_DENIED, "single sign-on"},
    {403, NULL, "<html>blocked</html>", ERR_DENIED, "access denied"},
    {404, NULL, "{\"message\": \"Not Found\"}", ERR_ABSENT, "Not Found"},
    {404, NULL, "<html>nginx</html>", ERR_RETRY, "not GitHub's own"},
    {404, NULL, NULL, ERR_RETRY, "not GitHub's own"},
    {404, "content-type: text/plain", "{\"message\": \"Not Found\"}", ERR_RETRY, "not GitHub's own"},
    {404, NULL, "[1]", ERR_RETRY, "not GitHub's own"},
    {408, NULL, NULL, ERR_RETRY, "time-out"},
    {409, NULL, "{\"message\": \"Conflict\"}", ERR_RETRY, "conflict"},
    {410, NULL, "{\"message\": \"Gone\"}", ERR_INVALID, "retired"},
    {418, NULL, NULL, ERR_INVALID, "refused (418)"},
    {422, NULL,
     "{\"message\": \"Validation Failed\", \"errors\": [{\"resource\": \"Secret\", \"field\": \"key_id\", "
     "\"code\": \"invalid\"}, \"plain text\", {\"code\": \"custom\", \"message\": \"too long\"}]}",
     ERR_INVALID, "Validation Failed): Secret key_id invalid; plain text; custom too long"},
    {451, NULL, "{\"message\": \"Repository access blocked\"}", ERR_DENIED, "legal"},
    {500, NULL, NULL, ERR_RETRY, "fault"},
    {502, NULL, "<html>Unicorn!</html>", ERR_RETRY, "502"},
    {503, "retry-after: 7", "{\"message\": \"Server Error\"}", ERR_RETRY, "Server Error"},
    {200, NULL, "<html>login</html>", ERR_RETRY, "no JSON"},
    {200, NULL, NULL, ERR_RETRY, "no JSON"},
    {200, NULL, "{\"id\": 1", ERR_RETRY, "GET secret"},
    {200, NULL, "[]", ERR_RETRY, "no JSON object"},
};

static void each_answer_has_its_class(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(error_rows); i++) {
        const struct error_row *row = &error_rows[i];

        sim_say(&sim, row->status, row->headers, row->body);
        sim_do(&sim, &call, GITHUB_GET_SECRET, SIM_SECRET);
        assert_true(call.r < 0);
        assert_int_equal(call.err.code, call.r);
        if (call.err.class != row->class)
            fail_msg("row %zu: class %s: %s", i, err_class_name(call.err.class), err_text(&call.err));
        expect_text(row->text);
        expect_text("GET secret");
        if (row->status >= 400 || row->class == ERR_RETRY)
            assert_string_equal(call.err.request_id, "ABCD:1234");
        if (row->status == 422)
            assert_string_equal(call.err.wire_code, "invalid");
        if (row->status == 503)
            assert_int_equal(call.err.retry_after_ms, 7000);
        assert_null(strstr(err_text(&call.err), "SECRETISH"));
        sim_call_done(&call);
    }
    memset(&call, 0, sizeof(call));
}

static void absent_is_enoent_and_nothing_else_is(void **state)
{
    (void)state;
    sim_say(&sim, 404, NULL, "{\"message\": \"Not Found\"}");
    sim_do(&sim, &call, GITHUB_GET_SECRET, SIM_SECRET);
    assert_int_equal(call.r, -ENOENT);
    sim_call_done(&call);
    sim_say(&sim, 0, NULL, NULL);
    sim_do(&sim, &call, GITHUB_GET_SECRET, SIM_SECRET);
    assert_int_equal(call.r, -ECONNRESET);
    assert_int_equal(call.err.class, ERR_RETRY);
}

static void long_messages_are_cut_between_characters(void **state)
{
    struct buf body CLEANUP_BUF = BUF_INIT(4096);
    struct http_answer answer = {.status = 500};
    char *message CLEANUP_FREE = NULL;

    (void)state;
    buf_add_text(&body, "{\"message\": \"x");
    for (int i = 0; i < 150; i++)
        buf_add_text(&body, "\xc3\xa4");
    buf_add_text(&body, "\\n\"}");
    assert_int_equal(sim_answer(&sim, &answer, 500, NULL, buf_text(&body)), 0);
    message = answer_message(&answer);
    assert_int_equal(strlen(message), 199);
    http_answer_done(&answer);
    memset(&answer, 0, sizeof(answer));
    assert_int_equal(sim_answer(&sim, &answer, 500, NULL, "{\"message\": \"a\\nb\"}"), 0);
    free(message);
    message = answer_message(&answer);
    assert_string_equal(message, "a b");
    http_answer_done(&answer);
}

/* ---- by the way ---- */

static char *heard;

static void hear(void *data, enum log_level level, const char *line)
{
    (void)level;
    ++*(int *)data;
    str_set(&heard, line);
}

static void coming_end_of_the_version_is_told_once(void **state)
{
    int lines = 0;

    (void)state;
    log_set_sink(hear, &lines);
    for (int i = 0; i < 2; i++) {
        sim_say(&sim, 200, "sunset: Tue, 10 Mar 2028 00:00:00 GMT\ndeprecation: @1", "{}");
        sim_do(&sim, &call, GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
        sim_call_done(&call);
    }
    log_set_sink(NULL, NULL);
    assert_int_equal(lines, 1);
    assert_non_null(strstr(heard, "10 Mar 2028"));
    free(TAKE(heard));
    memset(&call, 0, sizeof(call));
}

static void expect_expiry(const char *header, int64_t wall_ms)
{
    sim_say(&sim, 200, header, "{}");
    sim_do(&sim, &call, GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    sim_call_done(&call);
    memset(&call, 0, sizeof(call));
    assert_int_equal(github_token_expires_ms(sim.github), wall_ms);
}

static void end_of_a_personal_token_is_known(void **state)
{
    (void)state;
    assert_int_equal(github_token_expires_ms(sim.github), 0);
    expect_expiry("github-authentication-token-expiration: 2027-01-31 17:00:00 UTC", 1801414800000ll);
    expect_expiry("github-authentication-token-expiration: 2027-01-31 17:00:00 +0200", 1801407600000ll);
    expect_expiry("github-authentication-token-expiration: 2027-01-31T17:00:00Z", 1801414800000ll);
    expect_expiry("github-authentication-token-expiration: some day", 1801414800000ll);
    expect_expiry(NULL, 1801414800000ll);
}

static void canceled_call_says_so(void **state)
{
    (void)state;
    sim_say(&sim, 200, NULL, "{}");
    sim.script[0].delay_ms = 5000;
    sim_start(&sim, &call, GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    fibers_run(&sim.fibers);
    fiber_cancel(call.fiber);
    sim_run(&sim);
    assert_int_equal(call.r, -ECANCELED);
    assert_int_equal(call.err.class, ERR_CANCELED);
    assert_false(sim.github->limits.busy);
}

static void expect_refused(struct github_options options, const char *token, const char *part)
{
    struct secret *secret CLEANUP_SECRET = token ? secret_new(token, strlen(token)) : NULL;
    struct github *github = NULL;
    struct err err CLEANUP_ERR = {0};

    options.http = &sim.http.http;
    options.clock = &sim.clock.clock;
    options.fibers = &sim.fibers;
    options.token = secret;
    assert_int_equal(github_new(&options, &github, &err), -EINVAL);
    assert_null(github);
    if (!strstr(err_text(&err), part))
        fail_msg("\"%s\" is not in \"%s\"", part, err_text(&err));
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    expect_refused((struct github_options){0}, NULL, "either a token or");
    expect_refused((struct github_options){0}, "ghp\r\nX-Evil: 1", "bytes that no token has");
    expect_refused((struct github_options){0}, "  \n", "empty");
    expect_refused((struct github_options){0}, "\n", "empty");
    expect_refused((struct github_options){.api_url = "api.github.com"}, "t", "no URL");
    expect_refused((struct github_options){.api_url = "https://u:p@h"}, "t", "no URL");
}

static void token_loses_the_newline_of_its_file(void **state)
{
    struct secret *token CLEANUP_SECRET = secret_new_text("github_pat_11AA\n");
    struct github_options options = {.token = token};

    (void)state;
    sim_close(&sim);
    memset(&sim, 0, sizeof(sim));
    sim_open(&sim, &options);
    sim_say(&sim, 200, NULL, "{}");
    sim_do(&sim, &call, GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    assert_string_equal(sim.log[0].authorization, "Bearer github_pat_11AA");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(call_sends_the_headers_github_asks_for),
        CASE(write_carries_its_body_as_json),
        CASE(base_url_keeps_its_path),
        CASE(path_parameters_are_percent_encoded),
        CASE(bad_parameters_send_nothing),
        CASE(gate_refuses_writes_before_any_byte),
        CASE(without_a_gate_there_are_no_writes),
        CASE(installation_token_is_not_for_callers),
        CASE(unchanged_answer_gives_the_kept_body),
        CASE(new_answer_replaces_the_kept_one),
        CASE(unasked_unchanged_is_a_fault),
        CASE(public_key_is_read_without_a_tag),
        CASE(kept_answers_are_bounded),
        CASE(list_joins_all_pages),
        CASE(list_follows_the_kept_link_of_an_unchanged_page),
        CASE(empty_list_is_complete),
        CASE(incomplete_lists_are_errors),
        CASE(endless_list_ends),
        CASE(read_follows_a_rename_on_the_same_host),
        CASE(token_never_goes_to_another_host),
        CASE(write_does_not_follow_but_says_renamed),
        CASE(redirects_in_a_circle_end),
        CASE(each_answer_has_its_class),
        CASE(absent_is_enoent_and_nothing_else_is),
        CASE(long_messages_are_cut_between_characters),
        CASE(coming_end_of_the_version_is_told_once),
        CASE(end_of_a_personal_token_is_known),
        CASE(canceled_call_says_so),
        CASE(bad_options_are_refused),
        CASE(token_loses_the_newline_of_its_file),
    };

    if (crypto_setup() < 0)
        return 1;
    return cmocka_run_group_tests_name("github_client", tests, NULL, NULL);
}
