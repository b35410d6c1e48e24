/*
 * test_github_link.c: Link and Location headers, and which of them a token may follow.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/github/github-internal.h"

static void expect_next(const char *header, const char *url)
{
    char *next CLEANUP_FREE = NULL;

    assert_int_equal(link_next(header, &next), 0);
    if (url)
        assert_string_equal(next, url);
    else
        assert_null(next);
}

static void expect_bad(const char *header)
{
    char *next = NULL;

    assert_int_equal(link_next(header, &next), -EBADMSG);
    assert_null(next);
}

static void link_next_finds_the_relation(void **state)
{
    (void)state;
    expect_next("<https://a/x?page=2>; rel=\"next\", <https://a/x?page=9>; rel=\"last\"",
                "https://a/x?page=2");
    expect_next("<https://a/x?page=1>; rel=\"prev\", <https://a/x?page=3>; rel=\"next\"",
                "https://a/x?page=3");
    expect_next("<u>; rel=next", "u");
    expect_next("<u>;rel=\"last next\"", "u");
    expect_next("<u>; title=\"a, b; rel=next\"; REL=\"NEXT\"", "u");
    expect_next("<https://a/?q=a,b;c>; rel=\"next\"", "https://a/?q=a,b;c");
}

static void link_next_is_none_on_the_last_page(void **state)
{
    (void)state;
    expect_next("", NULL);
    expect_next("<https://a/x?page=1>; rel=\"first\"", NULL);
    expect_next("<u>; title=\"rel=next\"", NULL);
    expect_next("<u>; rel=\"nextish\"", NULL);
    expect_next("<u>; xrel=\"next\"", NULL);
}

static void link_next_refuses_what_it_can_not_read(void **state)
{
    (void)state;
    expect_bad("https://a/x; rel=next");
    expect_bad("<https://a/x; rel=\"next\"");
    expect_bad("<u>; rel=\"next");
    expect_bad("<u> rel=\"next\"");
    expect_bad("<u>; rel=\"ne\\\"xt\"");
    expect_bad("<u>; ; rel=next");
}

static void same_host_compares_scheme_host_and_port(void **state)
{
    (void)state;
    assert_true(url_same_host("https://api.github.com/a", "https://API.github.com:443/b?c"));
    assert_true(url_same_host("http://127.0.0.1:8080", "http://127.0.0.1:8080/x"));
    assert_true(url_same_host("http://[::1]:8080/", "http://[::1]:8080/x"));
    assert_false(url_same_host("https://api.github.com/", "http://api.github.com/"));
    assert_false(url_same_host("https://api.github.com/", "https://api.github.com:8443/"));
    assert_false(url_same_host("https://api.github.com/", "https://api.github.com.evil.org/"));
    assert_false(url_same_host("https://api.github.com/", "https://api.github.co/"));
}

static void same_host_is_false_for_disguises(void **state)
{
    static const char *const disguises[] = {
        "https://api.github.com@evil.org/",
        "https://evil.org#@api.github.com/",
        "https://user@api.github.com/",
        "https://api.github.com\\@evil.org/",
        "//api.github.com/",
        "https:/api.github.com/",
        "https://api.github.com:0/",
        "https://api.github.com:99999/",
        "https://api.github.com:/",
        "https:///",
        "",
        "https://api.github.com/a b",
        "javascript://api.github.com/",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(disguises); i++)
        assert_false(url_same_host("https://api.github.com/", disguises[i]));
}

static void base_url_may_have_a_path_but_no_query(void **state)
{
    (void)state;
    assert_true(url_is_base("https://ghe.example.org/api/v3"));
    assert_true(url_is_base("http://127.0.0.1:8002"));
    assert_false(url_is_base("https://h/api?x=1"));
    assert_false(url_is_base("ftp://h"));
    assert_false(url_is_base("api.github.com"));
}

static void expect_resolved(const char *location, const char *url)
{
    char *got CLEANUP_FREE = NULL;

    assert_int_equal(url_resolve("https://h:444/api/v3/repos/a/b?x", location, &got), 0);
    assert_string_equal(got, url);
}

static void location_is_absolute_or_a_path_on_the_host(void **state)
{
    char *got = NULL;

    (void)state;
    expect_resolved("https://h:444/api/v3/repositories/1", "https://h:444/api/v3/repositories/1");
    expect_resolved("/repositories/1", "https://h:444/repositories/1");
    assert_int_equal(url_resolve("https://h/", "//evil.org/x", &got), -EBADMSG);
    assert_int_equal(url_resolve("https://h/", "../x", &got), -EBADMSG);
    assert_int_equal(url_resolve("https://h/", "https://h/x#y", &got), -EBADMSG);
    assert_null(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(link_next_finds_the_relation),
        cmocka_unit_test(link_next_is_none_on_the_last_page),
        cmocka_unit_test(link_next_refuses_what_it_can_not_read),
        cmocka_unit_test(same_host_compares_scheme_host_and_port),
        cmocka_unit_test(same_host_is_false_for_disguises),
        cmocka_unit_test(base_url_may_have_a_path_but_no_query),
        cmocka_unit_test(location_is_absolute_or_a_path_on_the_host),
    };

    return cmocka_run_group_tests_name("github_link", tests, NULL, NULL);
}
