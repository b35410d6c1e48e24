/*
 * test_view_change.c: one difference on one line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/str.h"
#include "common/utf8.h"
#include "view/view.h"

static void assert_words(const char *what, const char *desired, const char *observed, const char *expected)
{
    char *got CLEANUP_FREE = change_words(what, desired, observed);

    assert_non_null(got);
    assert_string_equal(got, expected);
}

static void small_values_are_shown_whole(void **state)
{
    (void)state;
    assert_words("changed", "true", "false", "wanted true, found false");
    assert_words("changed", "\"a\"", "\"b\"", "wanted \"a\", found \"b\"");
    assert_words("changed", "[1,2]", "[1]", "wanted [1,2], found [1]");
    assert_words("missing", "\"a\"", NULL, "missing; wanted \"a\"");
    assert_words("extra", NULL, "{\"a\":1}", "not declared, found {\"a\":1}");
    assert_words("changed", "{\"a\":1}", "[1]", "wanted {\"a\":1}, found [1]");
}

static void documents_are_compared_leaf_by_leaf(void **state)
{
    (void)state;
    assert_words("changed", "{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"b\":1,\"c\":3}}",
                 "a.c: wanted 2, found 3");
    assert_words("changed", "{\"a\":[1,2]}", "{\"a\":[1,5]}", "a.1: wanted 2, found 5");
    assert_words("changed", "{\"a\":1}", "{\"b\":1}",
                 "a: wanted 1, found nothing; b: nothing wanted, found 1");
    assert_words("changed", "{\"a\":[1,2]}", "{\"a\":[1]}", "a: wanted [1,2], found [1]");
    assert_words("changed", "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1}",
                 "{\"a\":2,\"b\":2,\"c\":2,\"d\":2,\"e\":2}",
                 "a: wanted 1, found 2; b: wanted 1, found 2; c: wanted 1, found 2 and 2 more");
}

static void policies_that_travel_as_text_are_looked_into(void **state)
{
    (void)state;
    assert_words("changed", "\"{\\\"Effect\\\":\\\"Allow\\\"}\"", "\"{\\\"Effect\\\":\\\"Deny\\\"}\"",
                 "Effect: wanted \"Allow\", found \"Deny\"");
    assert_words("changed", "\"{not json\"", "\"b\"", "wanted \"{not json\", found \"b\"");
}

static void equal_documents_are_shown_whole_rather_than_not_at_all(void **state)
{
    (void)state;
    assert_words("changed", "{\"a\":1}", "{\"a\":1.0}", "wanted {\"a\":1}, found {\"a\":1}");
}

static void a_secret_shows_only_what_is_known_of_it(void **state)
{
    (void)state;
    assert_words("changed", "\"(sensitive)\"", "\"written outside mlopsd at 2026-11-22T17:31:05Z\"",
                 "written outside mlopsd at 2026-11-22T17:31:05Z");
    assert_words("changed", "\"(sensitive)\"", "\"(sensitive)\"", "(sensitive)");
    assert_words("missing", "\"(sensitive)\"", NULL, "missing; wanted \"(sensitive)\"");
}

/** Long values of two-, three- and four-byte characters, at every offset: cut between characters, never within. */
static void long_values_are_cut_between_characters(void **state)
{
    static const char *const characters[] = {"\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x90\xB4"};

    (void)state;
    for (size_t c = 0; c < ARRAY_SIZE(characters); c++) {
        for (size_t lead = 0; lead < 5; lead++) {
            struct buf value CLEANUP_BUF = BUF_INIT(4096);
            char *got CLEANUP_FREE = NULL;

            (void)buf_addf(&value, "\"%.*s", (int)lead, "aaaaa");
            for (int i = 0; i < 120; i++)
                (void)buf_add_text(&value, characters[c]);
            (void)buf_add_text(&value, "\"");
            got = change_words("changed", buf_text(&value), "1");
            assert_non_null(got);
            assert_true(utf8_valid(got, strlen(got), NULL));
            assert_non_null(strstr(got, "..., found 1"));
            assert_true(strlen(got) < 200 && strlen(got) > 150);
        }
    }
}

static void a_line_stays_a_line(void **state)
{
    struct buf wanted CLEANUP_BUF = BUF_INIT(1 << 16), found CLEANUP_BUF = BUF_INIT(1 << 16);
    char *got CLEANUP_FREE = NULL;

    (void)state;
    (void)buf_add_char(&wanted, '{');
    (void)buf_add_char(&found, '{');
    for (int i = 0; i < 50; i++) {
        (void)buf_addf(&wanted, "%s\"%0200d\":\"%0300d\"", i ? "," : "", i, 1);
        (void)buf_addf(&found, "%s\"%0200d\":\"%0300d\"", i ? "," : "", i, 2);
    }
    (void)buf_add_char(&wanted, '}');
    (void)buf_add_char(&found, '}');
    got = change_words("changed", buf_text(&wanted), buf_text(&found));
    assert_non_null(got);
    assert_true(strlen(got) < 2400);
    assert_null(strchr(got, '\n'));
}

/** Keys longer than the room for a path: the walk stops above them and shows the whole. */
static void a_path_too_long_is_not_walked(void **state)
{
    char key[300], *wanted CLEANUP_FREE = NULL, *found CLEANUP_FREE = NULL, *got CLEANUP_FREE = NULL;

    (void)state;
    memset(key, 'k', sizeof(key) - 1);
    key[sizeof(key) - 1] = '\0';
    wanted = str_format("{\"a\":{\"%s\":1}}", key);
    found = str_format("{\"a\":{\"%s\":2}}", key);
    got = change_words("changed", wanted, found);
    assert_non_null(got);
    assert_true(strlen(got) > 10 && strlen(got) < 1200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_values_are_shown_whole),
        cmocka_unit_test(documents_are_compared_leaf_by_leaf),
        cmocka_unit_test(policies_that_travel_as_text_are_looked_into),
        cmocka_unit_test(equal_documents_are_shown_whole_rather_than_not_at_all),
        cmocka_unit_test(a_secret_shows_only_what_is_known_of_it),
        cmocka_unit_test(long_values_are_cut_between_characters),
        cmocka_unit_test(a_line_stays_a_line),
        cmocka_unit_test(a_path_too_long_is_not_walked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
