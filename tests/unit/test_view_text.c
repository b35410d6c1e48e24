/*
 * test_view_text.c: escaping, durations, times, values and tables.
 */
#include "view_fixture.h"

#include <errno.h>

static void assert_escaped(const char *text, const char *expected)
{
    char *escaped = view_escape(text);

    assert_string_equal(escaped, expected);
    free(escaped);
}

static void escape_shows_what_would_act_on_a_terminal(void **state)
{
    (void)state;
    assert_escaped("plain, ünïcode, 日本", "plain, ünïcode, 日本");
    assert_escaped("\033[31mred", "\\x1b[31mred");
    assert_escaped("two\nlines\tand\rmore", "two\\nlines\\tand\\x0dmore");
    assert_escaped("\x7f", "\\x7f");
    assert_escaped("\xc2\x9b"
                   "31m",
                   "\\xc2\\x9b31m"); /* the one-character CSI */
    assert_escaped("a\xe2\x80\xae"
                   "b",
                   "a\\xe2\\x80\\xae"
                   "b"); /* right-to-left override */
    assert_escaped("a\xe2\x81\xa6"
                   "b",
                   "a\\xe2\\x81\\xa6"
                   "b"); /* isolate */
    assert_escaped("bad \xff\xc0\xaf!", "bad \\xff\\xc0\\xaf!");
    assert_escaped("cut \xe6\x97", "cut \\xe6\\x97");
    assert_escaped("", "");
    assert_escaped(NULL, "");
}

static void assert_duration(int64_t ms, const char *expected)
{
    char text[24];

    view_duration(ms, text, sizeof(text));
    assert_string_equal(text, expected);
}

static void duration_has_two_parts_at_most(void **state)
{
    (void)state;
    assert_duration(0, "0s");
    assert_duration(-5, "0s");
    assert_duration(59999, "59s");
    assert_duration(60000, "1m00s");
    assert_duration(192000, "3m12s");
    assert_duration(3600000, "1h00m");
    assert_duration(7500000, "2h05m");
    assert_duration(86400000, "1d0h");
    assert_duration(4LL * 86400000 + 3 * 3600000, "4d3h");
    assert_duration(INT64_MAX, "106751991167d7h");
}

static void assert_time(const char *rfc3339, const char *expected)
{
    struct page page;
    char text[VIEW_TIME_SIZE];

    page_init(&page, 0);
    view_time(&page.view, rfc3339, text, sizeof(text));
    assert_string_equal(text, expected);
    buf_done(&page.out);
}

static void time_is_short_in_this_year(void **state)
{
    (void)state;
    assert_time("2026-11-22T17:31:05Z", "Nov 22 17:31:05");
    assert_time("2026-11-22T17:31:05.250Z", "Nov 22 17:31:05");
    assert_time("2026-01-02T03:04:05+01:00", "Jan 02 02:04:05");
    assert_time("2025-11-22T17:31:05Z", "2025-11-22 17:31");
    assert_time("soon \033[1m", "soon \\x1b[1m");
    assert_time(NULL, "");
}

static void assert_value(const char *json, const char *expected)
{
    struct page page;

    page_init(&page, 0);
    view_value(&page.view, json);
    assert_page(&page, expected);
}

static void value_looks_as_in_terraform(void **state)
{
    (void)state;
    assert_value("\"text\"", "\"text\"");
    assert_value("12", "12");
    assert_value("true", "true");
    assert_value("null", "null");
    assert_value(NULL, "null");
    assert_value("[]", "[]");
    assert_value("{}", "{}");
    assert_value("[\"a\",1,null]", "[\"a\", 1, null]");
    assert_value("{\"a\":1,\"x:y\":\"b\",\"9\":2}", "{ a = 1, \"x:y\" = \"b\", \"9\" = 2 }");
    assert_value("\"a \\\"quoted\\\" \\\\ text\\u001b\\n\"", "\"a \\\"quoted\\\" \\\\ text\\x1b\\n\"");
    assert_value("not json", "\"not json\"");
}

static void value_that_is_long_gets_lines(void **state)
{
    (void)state;
    assert_value(
        "{\"Statement\":[{\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::some-bucket-of-ours/*\"},"
        "{\"Action\":[\"sts:AssumeRole\",\"sts:TagSession\"],\"Resource\":\"*\"}],\"Version\":\"1\"}",
        "{\n"
        "    Statement = [\n"
        "        {\n"
        "            Action = \"s3:GetObject\"\n"
        "            Resource = \"arn:aws:s3:::some-bucket-of-ours/*\"\n"
        "        },\n"
        "        {\n"
        "            Action = [\"sts:AssumeRole\", \"sts:TagSession\"]\n"
        "            Resource = \"*\"\n"
        "        },\n"
        "    ]\n"
        "    Version = \"1\"\n"
        "}");
}

static void value_opens_a_document_in_a_text(void **state)
{
    (void)state;
    assert_value("\"{\\\"Version\\\":\\\"1\\\"}\"", "{ Version = \"1\" }");
    assert_value("\"{not json\"", "\"{not json\"");
}

static void value_that_is_secret_or_unknown_is_a_word(void **state)
{
    (void)state;
    assert_value("{\"unknown\":\"aws_iam_role.x.arn\"}", "(known after apply)");
    assert_value("{\"secret\":\"0123\"}", "(sensitive value)");
    assert_value("{\"secret\":null,\"note\":\"written outside\"}", "(sensitive value)");
    assert_value("[{\"unknown\":\"a\"},{\"secret\":\"b\"}]", "[(known after apply), (sensitive value)]");
    assert_value("{\"secret\":\"a\",\"other\":\"b\"}",
                 "{ secret = \"a\", other = \"b\" }"); /* a field of that name */
}

static void value_that_is_deep_does_not_recurse_for_ever(void **state)
{
    struct buf json = BUF_INIT(1 << 20);
    struct page page;

    (void)state;
    for (int i = 0; i < 5000; i++)
        (void)buf_add_char(&json, '[');
    page_init(&page, 0);
    view_value(&page.view, buf_text(&json));
    assert_int_equal(page.out.failed, 0);
    assert_int_equal(page.out.data[0], '"'); /* js_parse() refused it: shown as text */
    buf_done(&page.out);
    buf_done(&json);
}

static void print_table(struct page *page)
{
    static const char *const headings[] = {"NAME", "STATE", "WHAT HAPPENED", NULL};
    struct table *table = table_new(headings);

    table_add(table, STYLE_PLAIN, "aws_iam_role.github_actions");
    table_add(table, STYLE_BAD, "failed");
    table_add(table, STYLE_PLAIN, "the service said that this role may not be created by anyone");
    table_add(table, STYLE_PLAIN, "b");
    table_add(table, STYLE_GOOD, NULL);
    table_add(table, STYLE_PLAIN, "日本\n!");
    table_print(&page->view, table);
}

static void table_is_aligned(void **state)
{
    struct page page;

    (void)state;
    page_init(&page, 0);
    print_table(&page);
    assert_page(
        &page,
        "NAME                         STATE   WHAT HAPPENED\n"
        "aws_iam_role.github_actions  failed  the service said that this role may not be created by anyone\n"
        "b                            -       日本\\n!\n");
}

static void table_wraps_its_last_column(void **state)
{
    struct page page;

    (void)state;
    page_init(&page, 70);
    print_table(&page);
    assert_page(&page, "NAME                         STATE   WHAT HAPPENED\n"
                       "aws_iam_role.github_actions  failed  the service said that this role\n"
                       "                                     may not be created by anyone\n"
                       "b                            -       日本\\n!\n");
}

static void table_puts_its_last_column_below_when_narrow(void **state)
{
    struct page page;

    (void)state;
    page_init(&page, 50);
    print_table(&page);
    assert_page(&page, "NAME                         STATE\n"
                       "aws_iam_role.github_actions  failed\n"
                       "    the service said that this role may not be\n"
                       "    created by anyone\n"
                       "b                            -\n"
                       "    日本\\n!\n");
}

static void table_cuts_only_what_is_too_wide_by_itself(void **state)
{
    struct page page;

    (void)state;
    page_init(&page, 30);
    print_table(&page);
    assert_page(&page, "NAME                    STATE\n"
                       "aws_iam_role.github...  failed\n"
                       "    the service said that this\n"
                       "    role may not be created by\n"
                       "    anyone\n"
                       "b                       -\n"
                       "    日本\\n!\n");
}

static void table_breaks_a_word_that_fits_nowhere(void **state)
{
    static const char *const headings[] = {"N", "W", NULL};
    struct table *table = table_new(headings);
    struct page page;

    (void)state;
    page_init(&page, 34);
    table_add(table, STYLE_PLAIN, "1");
    table_add(table, STYLE_PLAIN, "arn:aws:iam::123456789012:role/very-long-name");
    table_print(&page.view, table);
    assert_page(&page, "N  W\n"
                       "1  arn:aws:iam::123456789012:role/\n"
                       "   very-long-name\n");
}

static void table_colours_cells_without_moving_them(void **state)
{
    static const char *const headings[] = {"N", "W", NULL};
    struct table *table = table_new(headings);
    struct page page;

    (void)state;
    page_init(&page, 0);
    page.view.color = true;
    table_add(table, STYLE_BAD, "bad");
    table_add(table, STYLE_GOOD, "good");
    table_print(&page.view, table);
    assert_page(&page, "\033[1mN\033[0m    \033[1mW\033[0m\n\033[31mbad\033[0m  \033[32mgood\033[0m\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escape_shows_what_would_act_on_a_terminal),
        cmocka_unit_test(duration_has_two_parts_at_most),
        cmocka_unit_test(time_is_short_in_this_year),
        cmocka_unit_test(value_looks_as_in_terraform),
        cmocka_unit_test(value_that_is_long_gets_lines),
        cmocka_unit_test(value_opens_a_document_in_a_text),
        cmocka_unit_test(value_that_is_secret_or_unknown_is_a_word),
        cmocka_unit_test(value_that_is_deep_does_not_recurse_for_ever),
        cmocka_unit_test(table_is_aligned),
        cmocka_unit_test(table_wraps_its_last_column),
        cmocka_unit_test(table_puts_its_last_column_below_when_narrow),
        cmocka_unit_test(table_cuts_only_what_is_too_wide_by_itself),
        cmocka_unit_test(table_breaks_a_word_that_fits_nowhere),
        cmocka_unit_test(table_colours_cells_without_moving_them),
    };

    return cmocka_run_group_tests(tests, view_setup_all, NULL);
}
