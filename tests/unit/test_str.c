/*
 * test_str.c: buffers with a ceiling, predicates, numbers, lists, and UTF-8.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/str.h"
#include "common/utf8.h"

static void buffer_holds_what_was_appended(void **state)
{
    struct buf buf CLEANUP_BUF = BUF_INIT(100);

    (void)state;
    assert_string_equal(buf_text(&buf), "");
    assert_int_equal(buf_add_text(&buf, "abc"), 0);
    assert_int_equal(buf_add_char(&buf, '-'), 0);
    assert_int_equal(buf_addf(&buf, "%03d%s", 7, "x"), 0);
    assert_int_equal(buf_add(&buf, "a\0b", 3), 0);
    assert_int_equal(buf_add(&buf, NULL, 0), 0);
    assert_int_equal(buf.size, 11);
    assert_memory_equal(buf.data, "abc-007xa\0b", 12);
}

static void buffer_takes_exactly_its_ceiling(void **state)
{
    struct buf buf CLEANUP_BUF = BUF_INIT(5);

    (void)state;
    assert_int_equal(buf_add_text(&buf, "12345"), 0);
    assert_string_equal(buf_text(&buf), "12345");
    assert_int_equal(buf_add(&buf, "", 0), 0);
    assert_int_equal(buf_add_char(&buf, '6'), -EMSGSIZE);
}

static void buffer_takes_its_ceiling_byte_by_byte(void **state)
{
    struct buf buf CLEANUP_BUF = BUF_INIT(100); /* between two doublings */

    (void)state;
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(buf_add_char(&buf, 'a'), 0);
        assert_int_equal(strlen(buf.data), i + 1);
    }
    assert_int_equal(buf_add_char(&buf, 'b'), -EMSGSIZE);
    assert_int_equal(buf_add_char(&buf, 'c'), -EMSGSIZE);
    assert_null(buf.data);
}

static void buffer_that_failed_is_empty_and_stays_failed(void **state)
{
    struct buf buf CLEANUP_BUF = BUF_INIT(5);

    (void)state;
    assert_int_equal(buf_add_text(&buf, "1234"), 0);
    assert_int_equal(buf_addf(&buf, "%d", 56), -EMSGSIZE);
    assert_int_equal(buf.size, 0);
    assert_string_equal(buf_text(&buf), "");
    assert_int_equal(buf_add_char(&buf, 'x'), -EMSGSIZE);
    assert_int_equal(buf_addf(&buf, "x"), -EMSGSIZE);
    assert_null(buf_take(&buf));
    buf_reset(&buf);
    assert_int_equal(buf_add_text(&buf, "12345"), 0);
}

static void buffer_without_ceiling_refuses_sizes_that_wrap(void **state)
{
    struct buf buf CLEANUP_BUF = BUF_INIT(SIZE_MAX);

    (void)state;
    assert_int_equal(buf_add_char(&buf, 'x'), 0);
    assert_int_equal(buf_add(&buf, "x", SIZE_MAX), -EMSGSIZE);
    buf_reset(&buf);
    assert_int_equal(buf_add(&buf, "x", SIZE_MAX), -ENOMEM);
}

static void buffer_grows_by_many_appends(void **state)
{
    struct buf buf CLEANUP_BUF = BUF_INIT(100000);

    (void)state;
    for (int i = 0; i < 10000; i++)
        assert_int_equal(buf_addf(&buf, "%05d", i), 0);
    assert_int_equal(buf.size, 50000);
    assert_memory_equal(buf.data + 5 * 4321, "04321", 5);
    assert_int_equal(strlen(buf.data), 50000);
}

static void buffer_take_hands_the_text_over(void **state)
{
    struct buf buf CLEANUP_BUF = BUF_INIT(1000);
    char *text;

    (void)state;
    text = buf_take(&buf);
    assert_string_equal(text, "");
    free(text);
    buf_addf(&buf, "%0500d", 1);
    text = buf_take(&buf);
    assert_int_equal(strlen(text), 500);
    free(text);
    assert_int_equal(buf.size, 0);
    assert_int_equal(buf_add_text(&buf, "again"), 0);
    assert_string_equal(buf_text(&buf), "again");
}

static void buffer_wipe_and_done_take_null_and_empty(void **state)
{
    struct buf buf = BUF_INIT(10);

    (void)state;
    buf_wipe(NULL);
    buf_done(NULL);
    buf_wipe(&buf);
    buf_add_text(&buf, "secret");
    buf_wipe(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.max_bytes, 10);
}

static void predicates_say_what_they_should(void **state)
{
    (void)state;
    assert_true(str_equal(NULL, NULL));
    assert_false(str_equal("", NULL));
    assert_false(str_equal(NULL, ""));
    assert_true(str_equal("a", "a"));
    assert_false(str_equal("a", "A"));
    assert_true(str_equal_nocase("Content-TYPE", "content-type"));
    assert_false(str_equal_nocase("abc", "abcd"));
    assert_false(str_equal_nocase("abcd", "abc"));
    assert_false(str_equal_nocase("[", "{")); /* one bit apart, as letters are */
    assert_true(str_equal_nocase(NULL, NULL));
    assert_false(str_equal_nocase(NULL, ""));
    assert_true(str_starts("aws_iam_role", "aws_"));
    assert_false(str_starts("aws", "aws_"));
    assert_false(str_starts(NULL, ""));
    assert_true(str_ends("x.yaml", ".yaml"));
    assert_false(str_ends("yaml", ".yaml"));
    assert_true(str_ends("x", ""));
    assert_false(str_ends(NULL, "x"));
    assert_true(str_empty(NULL));
    assert_true(str_empty(""));
    assert_false(str_empty(" "));
}

static void str_set_replaces_and_clears(void **state)
{
    char *text CLEANUP_FREE = NULL;

    (void)state;
    assert_int_equal(str_set(&text, "a"), 0);
    assert_int_equal(str_set(&text, text), 0); /* its own value */
    assert_string_equal(text, "a");
    assert_int_equal(str_set(&text, NULL), 0);
    assert_null(text);
}

static void str_format_formats(void **state)
{
    char *text CLEANUP_FREE = str_format("%s=%d", "a", 1);

    (void)state;
    assert_string_equal(text, "a=1");
}

static void str_to_int64_takes_whole_decimal_numbers_only(void **state)
{
    static const char *const bad[] = {"", "-", "+1", " 1", "1 ", "1x", "0x10", "1.0", "--1", "1e3"};
    long long number = 42;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(str_to_int64(bad[i], LLONG_MIN, LLONG_MAX, &number), -EINVAL);
    assert_int_equal(str_to_int64(NULL, 0, 1, &number), -EINVAL);
    assert_int_equal(number, 42);
    assert_int_equal(str_to_int64("-17", -20, 0, &number), 0);
    assert_int_equal(number, -17);
    assert_int_equal(str_to_int64("9223372036854775807", LLONG_MIN, LLONG_MAX, &number), 0);
    assert_true(number == LLONG_MAX);
    assert_int_equal(str_to_int64("-9223372036854775808", LLONG_MIN, LLONG_MAX, &number), 0);
    assert_true(number == LLONG_MIN);
}

static void str_to_int64_keeps_to_its_range(void **state)
{
    long long number = 42;

    (void)state;
    assert_int_equal(str_to_int64("9223372036854775808", LLONG_MIN, LLONG_MAX, &number), -ERANGE);
    assert_int_equal(str_to_int64("11", 0, 10, &number), -ERANGE);
    assert_int_equal(str_to_int64("-1", 0, 10, &number), -ERANGE);
    assert_int_equal(number, 42);
}

static void durations_need_a_unit(void **state)
{
    static const struct {
        const char *text;
        unsigned long long ms;
    } good[] = {{"250ms", 250},
                {"30s", 30000},
                {"5m", 300000},
                {"2h", 7200000},
                {"0s", 0},
                {"007s", 7000},
                {"3650d", 315360000000ULL}};
    static const char *const bad[] = {"",    "5",     "s",  "5 s",  " 5s",  "-5s",
                                      "+5s", "1h30m", "5S", "1.5h", "5sec", "5w"};
    unsigned long long ms = 42;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(str_to_duration(bad[i], &ms), -EINVAL);
    assert_int_equal(str_to_duration(NULL, &ms), -EINVAL);
    assert_int_equal(ms, 42);
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_int_equal(str_to_duration(good[i].text, &ms), 0);
        assert_true(ms == good[i].ms);
    }
}

static void durations_end_at_ten_years(void **state)
{
    unsigned long long ms = 42;

    (void)state;
    assert_int_equal(str_to_duration("3651d", &ms), -ERANGE);
    assert_int_equal(str_to_duration("315360000001ms", &ms), -ERANGE);
    assert_int_equal(str_to_duration("99999999999999999999999d", &ms), -ERANGE);
    assert_int_equal(str_to_duration("18446744073709551616ms", &ms), -ERANGE);
    assert_int_equal(ms, 42);
}

static void distance_counts_edits(void **state)
{
    char longer[200];

    (void)state;
    assert_int_equal(str_distance("", ""), 0);
    assert_int_equal(str_distance("abc", ""), 3);
    assert_int_equal(str_distance("", "abc"), 3);
    assert_int_equal(str_distance("kitten", "sitting"), 3);
    assert_int_equal(str_distance("aws_iam_rol", "aws_iam_role"), 1);
    assert_int_equal(str_distance("flaw", "lawn"), 2);
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(str_distance(longer, ""), 64);
    assert_int_equal(str_distance(longer, longer), 0);
}

static void list_of_texts_grows_and_sorts(void **state)
{
    struct strv v CLEANUP_STRV = {0};

    (void)state;
    strv_sort(&v);
    assert_false(strv_has(&v, "x"));
    for (int i = 0; i < 100; i++)
        assert_int_equal(strv_addf(&v, "%02d", 99 - i), 0);
    assert_int_equal(strv_add(&v, "last"), 0);
    assert_int_equal(v.count, 101);
    assert_string_equal(v.items[0], "99");
    strv_sort(&v);
    assert_string_equal(v.items[0], "00");
    assert_string_equal(v.items[100], "last");
    assert_true(strv_has(&v, "42"));
    strv_remove(&v, "42");
    strv_remove(&v, "never there");
    assert_false(strv_has(&v, "42"));
    assert_int_equal(v.count, 100);
    assert_string_equal(v.items[42], "43");
    assert_string_equal(v.items[99], "last");
    assert_false(strv_has(&v, "4"));
    strv_done(&v);
    assert_int_equal(v.count, 0);
    assert_int_equal(strv_add(&v, "again"), 0);
}

static void utf8_length_knows_every_form(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        uint32_t point;
    } cases[] = {
        {"a", 1, 'a'},
        {"\xc2\x80", 2, 0x80},
        {"\xdf\xbf", 2, 0x7ff},
        {"\xe0\xa0\x80", 3, 0x800},
        {"\xef\xbf\xbf", 3, 0xffff},
        {"\xf0\x90\x80\x80", 4, 0x10000},
        {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
        {"\x80", 0, 0},             /* continues nothing */
        {"\xc0\xaf", 0, 0},         /* overlong */
        {"\xc1\xbf", 0, 0},         /* overlong */
        {"\xe0\x9f\xbf", 0, 0},     /* overlong */
        {"\xf0\x8f\xbf\xbf", 0, 0}, /* overlong */
        {"\xed\xa0\x80", 0, 0},     /* surrogate */
        {"\xed\xbf\xbf", 0, 0},     /* surrogate */
        {"\xf4\x90\x80\x80", 0, 0}, /* over U+10FFFF */
        {"\xf8\x88\x80\x80", 0, 0}, /* five bytes */
        {"\xff", 0, 0},
        {"\xe2\x82", 0, 0},     /* cut */
        {"\xe2\x28\xa1", 0, 0}, /* broken in the middle */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint32_t point = 0;

        assert_int_equal(utf8_length(cases[i].text, strlen(cases[i].text), &point), cases[i].length);
        assert_int_equal(point, cases[i].point);
    }
    assert_int_equal(utf8_length("", 0, NULL), 0);
    assert_int_equal(utf8_length("", 1, NULL), 1); /* NUL is a character */
}

static void utf8_put_is_the_opposite_of_length(void **state)
{
    (void)state;
    for (uint32_t point = 0; point <= 0x10ffff; point += point < 0x1000 ? 1 : 97) {
        char bytes[4];
        uint32_t back = 1;
        size_t length;

        if (point >= 0xd800 && point <= 0xdfff)
            continue;
        length = utf8_put(point, bytes);
        assert_int_equal(utf8_length(bytes, length, &back), length);
        assert_int_equal(back, point);
    }
}

static void utf8_valid_finds_the_first_bad_byte(void **state)
{
    size_t at = 99;

    (void)state;
    assert_true(utf8_valid("a\xc3\xa4z", 4, &at));
    assert_int_equal(at, 99);
    assert_false(utf8_valid("a\xc3\xa4\xffz", 5, &at));
    assert_int_equal(at, 3);
    assert_int_equal(utf8_count("a\xc3\xa4z", 4), 3);
}

static void visible_text_can_not_steer_a_terminal(void **state)
{
    static const char text[] = "a\tb\n\x1b[2J\x7f \xc2\x9b \xe2\x80\xae \xe2\x81\xa6 \xff \xc3\xa4\\";
    struct buf out CLEANUP_BUF = BUF_INIT(200);

    (void)state;
    assert_int_equal(utf8_add_visible(&out, text, sizeof(text) - 1), 0);
    assert_string_equal(buf_text(&out), "a\\tb\\n\\x1b[2J\\x7f \\u009b \\u202e \\u2066 \\xff \xc3\xa4\\");
    buf_reset(&out);
    assert_int_equal(utf8_add_visible(&out, "\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c\xe2\x80\xa8\xe2\x81\xa9", 14),
                     0);
    assert_string_equal(buf_text(&out), "\\u200e\\u200f\\u061c\\u2028\\u2069");
    assert_int_equal(utf8_add_visible(&out, "\0x", 2), 0);
    assert_true(str_ends(buf_text(&out), "\\x00x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffer_holds_what_was_appended),
        cmocka_unit_test(buffer_takes_exactly_its_ceiling),
        cmocka_unit_test(buffer_takes_its_ceiling_byte_by_byte),
        cmocka_unit_test(buffer_that_failed_is_empty_and_stays_failed),
        cmocka_unit_test(buffer_without_ceiling_refuses_sizes_that_wrap),
        cmocka_unit_test(buffer_grows_by_many_appends),
        cmocka_unit_test(buffer_take_hands_the_text_over),
        cmocka_unit_test(buffer_wipe_and_done_take_null_and_empty),
        cmocka_unit_test(predicates_say_what_they_should),
        cmocka_unit_test(str_set_replaces_and_clears),
        cmocka_unit_test(str_format_formats),
        cmocka_unit_test(str_to_int64_takes_whole_decimal_numbers_only),
        cmocka_unit_test(str_to_int64_keeps_to_its_range),
        cmocka_unit_test(durations_need_a_unit),
        cmocka_unit_test(durations_end_at_ten_years),
        cmocka_unit_test(distance_counts_edits),
        cmocka_unit_test(list_of_texts_grows_and_sorts),
        cmocka_unit_test(utf8_length_knows_every_form),
        cmocka_unit_test(utf8_put_is_the_opposite_of_length),
        cmocka_unit_test(utf8_valid_finds_the_first_bad_byte),
        cmocka_unit_test(visible_text_can_not_steer_a_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
