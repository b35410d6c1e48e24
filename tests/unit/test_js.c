/*
 * test_js.c: JSON from outside, canonical text, paths.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/js.h"
#include "common/str.h"

static struct json_object *parse(const char *text)
{
    struct json_object *object = NULL;
    struct err err CLEANUP_ERR = {0};

    if (js_parse_text(text, &object, &err) < 0)
        fail_msg("%s: %s", text, err_text(&err));
    return object;
}

static void assert_canonical(const char *text, const char *expected)
{
    struct json_object *object CLEANUP_JS = parse(text);
    char *canonical CLEANUP_FREE = js_canonical(object);

    assert_string_equal(canonical, expected);
}

/* Refused, at that place and for that reason; the output stays untouched. */
static void assert_refused_bytes(const char *text, size_t size, const char *place, const char *reason)
{
    struct json_object *untouched = (void *)0x1, *object = untouched;
    struct err err CLEANUP_ERR = {0};

    if (js_parse(text, size, &object, &err) != -EBADMSG)
        fail_msg("not refused: %s", text);
    assert_ptr_equal(object, untouched);
    assert_int_equal(err.code, -EBADMSG);
    assert_int_equal(err.class, ERR_BUG);
    if (!strstr(err.text, place) || !strstr(err.text, reason))
        fail_msg("%s: expected \"%s: %s\", got \"%s\"", text, place, reason, err.text);
}

static void assert_refused(const char *text, const char *place, const char *reason)
{
    assert_refused_bytes(text, strlen(text), place, reason);
}

static void well_formed_values_are_taken(void **state)
{
    (void)state;
    assert_canonical("null", "null");
    assert_canonical(" \t\r\n{ } \n", "{}");
    assert_canonical("[]", "[]");
    assert_canonical("0", "0");
    assert_canonical("-0", "0");
    assert_canonical("[1,[2,[{}]],\"\",true,false,null]", "[1,[2,[{}]],\"\",true,false,null]");
    assert_canonical("{\"\":1}", "{\"\":1}");
    assert_canonical("{\"a\":{\"a\":1},\"b\":{\"a\":2}}", "{\"a\":{\"a\":1},\"b\":{\"a\":2}}");
}

static void text_need_not_end_with_nul(void **state)
{
    struct json_object *object CLEANUP_JS = NULL;
    static const char digits[] = {'1', '2', '3', '4'};

    (void)state;
    assert_int_equal(js_parse(digits, 2, &object, NULL), 0);
    assert_int_equal(js_int(object, NULL, 0), 12);
}

static void cut_text_is_refused(void **state)
{
    static const char whole[] = "{\"a\": [1.5e3, true, \"x\\u00e4\\n\"], \"b\": null}";

    (void)state;
    for (size_t size = 0; size < sizeof(whole) - 1; size++)
        assert_refused_bytes(whole, size, "line 1", "");
    assert_refused("", "line 1, column 1", "ends too early");
    assert_refused(" \n ", "line 2, column 2", "ends too early");
}

static void trailing_bytes_are_refused(void **state)
{
    (void)state;
    assert_refused("{} x", "line 1, column 4", "more text");
    assert_refused("1 2", "line 1, column 3", "more text");
    assert_refused("[]]", "line 1, column 3", "more text");
    assert_refused_bytes("{}\0", 3, "line 1, column 3", "more text");
}

static void duplicate_keys_are_refused(void **state)
{
    (void)state;
    assert_refused("{\"a\":1,\n \"a\":2}", "line 2, column 2", "duplicate key");
    assert_refused("{\"a\":1,\"b\":2,\"\\u0061\":3}", "line 1, column 14", "duplicate key");
    assert_refused("{\"x\":[{\"k\":1,\"k\":1}]}", "line 1, column 14", "duplicate key");
    assert_refused("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":1}", "line 1, column 19", "duplicate key");
    assert_refused("{\"b\":1,\"a\":1,\"b\":1,\"a\":1}", "line 1, column 14", "duplicate key");
    assert_refused("{\"\\/\":1,\"/\":1}", "line 1, column 9", "duplicate key");
    assert_canonical("{\"a\":1,\"A\":2,\"ab\":3}", "{\"A\":2,\"a\":1,\"ab\":3}");
}

static void what_json_c_would_let_pass_is_refused(void **state)
{
    (void)state;
    assert_refused("{'a':1}", "line 1, column 2", "double quotes");
    assert_refused("['a']", "line 1, column 2", "a value must stand here");
    assert_refused("NaN", "line 1, column 1", "a value must stand here");
    assert_refused("[-Infinity]", "line 1, column 3", "digit");
    assert_refused("Infinity", "line 1, column 1", "a value");
    assert_refused("nan", "line 1, column 1", "a value");
    assert_refused("TRUE", "line 1, column 1", "a value");
    assert_refused("Null", "line 1, column 1", "a value");
    assert_refused("[1,]", "line 1, column 4", "a value");
    assert_refused("{\"a\":1,}", "line 1, column 8", "a key");
    assert_refused("/* c */ 1", "line 1, column 1", "a value");
    assert_refused("// c\n1", "line 1, column 1", "a value");
    assert_refused("[\"a\tb\"]", "line 1, column 4", "control character");
    assert_refused("[\"a\nb\"]", "line 1, column 4", "control character");
    assert_refused("[\"a\\u0000b\"]", "line 1, column 4", "NUL");
    assert_refused_bytes("[\"a\0b\"]", 7, "line 1, column 4", "control character");
    assert_refused("{\"\\u0000\":1}", "line 1, column 3", "NUL");
    assert_refused("\xef\xbb\xbf{}", "line 1, column 1", "a value");
    assert_refused("\v1", "line 1, column 1", "a value");
    assert_refused("{a:1}", "line 1, column 2", "double quotes");
    assert_refused("{1:1}", "line 1, column 2", "double quotes");
    assert_refused("{\"a\" 1}", "line 1, column 6", "':'");
    assert_refused("{\"a\":1 \"b\":2}", "line 1, column 8", "',' or '}'");
    assert_refused("[1 2]", "line 1, column 4", "',' or ']'");
    assert_refused("[1}", "line 1, column 3", "',' or ']'");
    assert_refused("{\"a\":1]", "line 1, column 7", "',' or '}'");
    assert_refused("truex", "line 1, column 5", "more text");
}

static void malformed_strings_are_refused(void **state)
{
    (void)state;
    assert_refused("\"\\x41\"", "column 2", "unknown escape");
    assert_refused("\"\\'\"", "column 2", "unknown escape");
    assert_refused("\"\\u12g4\"", "column 2", "four hex digits");
    assert_refused("\"\\u12", "column 2", "four hex digits");
    assert_refused("\"\\ud800\"", "column 2", "surrogate");
    assert_refused("\"\\ud800\\u0041\"", "column 2", "surrogate");
    assert_refused("\"\\udc00\"", "column 2", "surrogate");
    assert_refused("\"\\ud800\\ue000\"", "column 2", "surrogate");
    assert_refused("\"\\ud800\\ud800\"", "column 2", "surrogate");
    assert_refused("\"\xc0\xaf\"", "column 2", "not UTF-8");
    assert_refused("\"\xed\xa0\x80\"", "column 2", "not UTF-8");
    assert_refused("{\"\xff\":1}", "column 3", "not UTF-8");
    assert_refused("\"\xc3", "column 2", "not UTF-8");
    assert_canonical("\"\\u00e4\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\\u001f\"",
                     "\"\xc3\xa4\xf0\x9f\x98\x80\\\"\\\\/\\b\\f\\n\\r\\t\\u001f\"");
}

static void malformed_numbers_are_refused(void **state)
{
    static const char *const bad[] = {"01", "-",   "-01", "+1",  ".5",  "1.",   "1.e3",
                                      "1e", "1e+", "0x1", "1_0", "--1", "1.5.2"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_refused(bad[i], "line 1", "");
    assert_refused("[01]", "column 3", "must not begin with 0");
}

static void numbers_that_a_tree_can_not_keep_are_refused(void **state)
{
    char long_number[200] = "[0.";

    (void)state;
    assert_refused("18446744073709551616", "column 1", "64 bits");
    assert_refused("-9223372036854775809", "column 1", "64 bits");
    assert_refused("[1e999]", "column 2", "too big");
    assert_refused("[-1.5e400]", "column 2", "too big");
    memset(long_number + 3, '1', 150);
    long_number[153] = ']'; /* a NUL follows: the rest is zero */
    assert_refused(long_number, "column 2", "too long");
    assert_canonical("[18446744073709551615,-9223372036854775808,9223372036854775808]",
                     "[18446744073709551615,-9223372036854775808,9223372036854775808]");
}

static void nested(char *text, size_t depth)
{
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    text[2 * depth] = '\0';
}

static void depth_ends_at_32(void **state)
{
    char text[2 * 1000 + 1];

    (void)state;
    nested(text, 32);
    assert_canonical(text, text);
    nested(text, 33);
    assert_refused(text, "column 33", "too deeply");
    nested(text, 1000);
    assert_refused(text, "column 33", "too deeply");
    memset(text, '[', sizeof(text) - 1);
    assert_refused_bytes(text, 2000, "column 33", "too deeply");
    assert_canonical("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[{\"a\":1}]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
                     "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[{\"a\":1}]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
}

static void column_counts_characters(void **state)
{
    (void)state;
    assert_refused("{\"\xc3\xa4\xf0\x9f\x98\x80\": x}", "line 1, column 8", "a value");
    assert_refused("[\n\n  \"\xe6\x97\xa5\", ?]", "line 3, column 8", "a value");
}

/* Quadratic work on the keys would take minutes here. */
static void fifty_thousand_keys_are_no_trouble(void **state)
{
    struct buf text CLEANUP_BUF = BUF_INIT(4 << 20);
    struct json_object *object CLEANUP_JS = NULL;

    (void)state;
    buf_add_char(&text, '{');
    for (int i = 0; i < 50000; i++)
        buf_addf(&text, "%s\"key-number-%d\":%d", i ? "," : "", i, i);
    buf_add_char(&text, '}');
    assert_int_equal(js_parse_text(buf_text(&text), &object, NULL), 0);
    assert_int_equal(json_object_object_length(object), 50000);
    text.data[text.size - 1] = ',';
    buf_add_text(&text, "\"key-number-4711\":1}");
    assert_refused(buf_text(&text), "line 1", "duplicate key");
}

/* @c alone behind @before letters and in front of @after: taken as it is, or refused. */
static void assert_byte_judged(unsigned char c, size_t before, size_t after)
{
    size_t size = before + after + 3;
    char *text CLEANUP_FREE = malloc(size); /* of exactly this size: nothing behind it may be read */
    struct json_object *object CLEANUP_JS = NULL;
    bool is_plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';

    assert_non_null(text);
    memset(text, 'a', size);
    text[0] = text[size - 1] = '"';
    text[before + 1] = (char)c;
    if (js_parse(text, size, &object, NULL) != (is_plain ? 0 : -EBADMSG))
        fail_msg("byte 0x%02x, %zu before, %zu behind", c, before, after);
    if (is_plain) {
        char *written CLEANUP_FREE = js_canonical(object);

        assert_int_equal(strlen(written), size);
        assert_memory_equal(written, text, size);
    }
}

static void every_byte_is_judged_at_every_place(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        for (size_t before = 0; before < 18; before++) {
            for (size_t after = 0; after < 10; after++)
                assert_byte_judged((unsigned char)c, before, after);
        }
    }
}

static void escapes_are_written_at_every_place(void **state)
{
    (void)state;
    for (size_t before = 0; before < 18; before++) {
        struct buf text CLEANUP_BUF = BUF_INIT(200);

        (void)buf_addf(&text, "\"%.*s\\n\\\"\xc3\xa4\\\\abcdefghijk\\u0001\"", (int)before,
                       "0123456789abcdefgh");
        assert_canonical(buf_text(&text), buf_text(&text));
    }
}

/* Small objects are walked and big ones hashed: both find the same. */
static void members_are_found_in_objects_of_every_size(void **state)
{
    struct json_object *object CLEANUP_JS = json_object_new_object();
    char key[16], longer[17];

    (void)state;
    for (int count = 0; count < 40; count++) {
        for (int i = 0; i < 40; i++) {
            snprintf(key, sizeof(key), "key%d", i);
            snprintf(longer, sizeof(longer), "%s_", key);
            assert_int_equal(js_int(object, key, -1), i < count ? i : -1);
            assert_int_equal(js_int(object, longer, -1), -1);
        }
        assert_null(js_get(object, "k"));
        snprintf(key, sizeof(key), "key%d", count);
        assert_int_equal(js_set_int(object, key, count), 0);
    }
}

static void duplicates_are_refused_in_objects_of_every_size(void **state)
{
    (void)state;
    for (int count = 1; count < 40; count++) {
        struct buf text CLEANUP_BUF = BUF_INIT(2000);

        (void)buf_add_char(&text, '{');
        for (int i = 0; i < count; i++)
            (void)buf_addf(&text, "\"key%d\":%d,", i, i);
        (void)buf_addf(&text, "\"key%d\":1}", count / 2);
        assert_refused(buf_text(&text), "line 1", "duplicate key");
    }
}

static void parse_works_without_an_err(void **state)
{
    struct json_object *object = NULL;

    (void)state;
    assert_int_equal(js_parse_text("{", &object, NULL), -EBADMSG);
    assert_null(object);
}

static void canonical_sorts_by_bytes_at_every_level(void **state)
{
    (void)state;
    assert_canonical("{\"b\":{\"z\":1,\"A\":[{\"y\":1,\"x\":2}]},\"a\":1,\"B\":2,\"\xc3\xa4\":3,\"~\":4}",
                     "{\"B\":2,\"a\":1,\"b\":{\"A\":[{\"x\":2,\"y\":1}],\"z\":1},\"~\":4,\"\xc3\xa4\":3}");
    assert_canonical("{\"a/b\":\"http://x/y\"}", "{\"a/b\":\"http://x/y\"}");
}

static void canonical_numbers_are_short_and_exact(void **state)
{
    static const struct {
        const char *text, *canonical;
    } cases[] = {
        {"1.0", "1"},
        {"1e2", "100"},
        {"-0.0", "0"},
        {"0.1", "0.1"},
        {"2.50", "2.5"},
        {"1e18", "1000000000000000000"},
        {"1.8446744073709551615e19", "1.8446744073709552e+19"},
        {"1e-7", "1e-07"},
        {"0.30000000000000004", "0.30000000000000004"},
        {"5e-324", "5e-324"},
        {"1.7976931348623157e308", "1.7976931348623157e+308"},
        {"-123.456", "-123.456"},
        {"9007199254740993", "9007199254740993"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_canonical(cases[i].text, cases[i].canonical);
        assert_canonical(cases[i].canonical, cases[i].canonical);
    }
}

static void canonical_refuses_endless_depth(void **state)
{
    struct json_object *root CLEANUP_JS = json_object_new_array(), *inner = root;

    (void)state;
    for (int i = 0; i < 70; i++) {
        struct json_object *next = json_object_new_array();

        json_object_array_add(inner, next);
        inner = next;
    }
    assert_null(js_canonical(root));
    assert_false(js_equal(root, root));
}

static void canonical_keeps_a_nul_that_we_made(void **state)
{
    struct json_object *text CLEANUP_JS = json_object_new_string_len("a\0b", 3);
    struct json_object *other CLEANUP_JS = json_object_new_string_len("a\0c", 3);
    char *canonical CLEANUP_FREE = js_canonical(text);

    (void)state;
    assert_string_equal(canonical, "\"a\\u0000b\"");
    assert_false(js_equal(text, other));
}

static void assert_equality(const char *a, const char *b, bool expected)
{
    struct json_object *x CLEANUP_JS = parse(a), *y CLEANUP_JS = parse(b);
    char *x_text CLEANUP_FREE = js_canonical(x), *y_text CLEANUP_FREE = js_canonical(y);

    if (js_equal(x, y) != expected || js_equal(y, x) != expected || str_equal(x_text, y_text) != expected)
        fail_msg("%s and %s", a, b);
}

/* Also: equal values have equal canonical text, and only they. */
static void equality_is_by_value(void **state)
{
    (void)state;
    assert_equality("{\"a\":1,\"b\":[1,2]}", "{\"b\":[1,2],\"a\":1.0}", true);
    assert_equality("[1,2]", "[2,1]", false);
    assert_equality("[1]", "[1,1]", false);
    assert_equality("{\"a\":null}", "{}", false);
    assert_equality("{\"a\":null}", "{\"b\":null}", false);
    assert_equality("1", "\"1\"", false);
    assert_equality("1", "true", false);
    assert_equality("null", "false", false);
    assert_equality("null", "null", true);
    assert_equality("\"a\"", "\"a\"", true);
    assert_equality("9007199254740993", "9007199254740992.0", false);
    assert_equality("18446744073709551615", "1.8446744073709551615e19", false);
    assert_equality("18446744073709551615", "18446744073709551614", false);
    assert_equality("18446744073709551615", "9223372036854775807", false);
    assert_equality("9223372036854775808", "9223372036854775808.0", true);
    assert_equality("-9223372036854775808", "-9223372036854775808.0", true);
    assert_equality("-1", "0", false);
    assert_equality("-1", "-1.0", true);
    assert_equality("-1", "18446744073709551615", false);
    assert_equality("18446744073709551615", "-1.0", false);
    assert_equality("1.5", "1", false);
    assert_equality("-0.0", "0", true);
    assert_equality("0.1", "0.1000", true);
}

static void copies_share_nothing(void **state)
{
    struct json_object *object CLEANUP_JS = parse("{\"a\":[1,{\"b\":\"c\"}],\"d\":1.5}");
    struct json_object *copy CLEANUP_JS = js_copy(object);

    (void)state;
    assert_true(js_equal(object, copy));
    assert_int_equal(js_set_text(copy, "e", "x"), 0);
    json_object_array_add(js_get(copy, "a"), NULL);
    assert_int_equal(js_count(object, "a"), 2);
    assert_null(js_get(object, "e"));
    assert_null(js_copy(NULL));
}

static const char sample[] =
    "{\"a\":{\"b\":[{\"c\":\"deep\"},null,7]},\"n\":-12,\"t\":true,\"f\":false,\"text\":\"12\","
    "\"yes\":\"true\",\"no\":\"false\",\"null\":null,\"real\":2.5,\"whole\":3.0,"
    "\"big\":18446744073709551615,\"0\":\"zero\",\"huge\":1e300}";

static void paths_walk_objects_and_arrays(void **state)
{
    struct json_object *object CLEANUP_JS = parse(sample);

    (void)state;
    assert_ptr_equal(js_get(object, ""), object);
    assert_ptr_equal(js_get(object, NULL), object);
    assert_string_equal(js_text(object, "a.b.0.c"), "deep");
    assert_string_equal(js_text(object, "0"), "zero");
    assert_null(js_get(object, "a.b.1"));
    assert_null(js_get(object, "a.b.3"));
    assert_null(js_get(object, "a.b.-1"));
    assert_null(js_get(object, "a.b.-0"));
    assert_null(js_get(object, "a.b.x"));
    assert_null(js_get(object, "a.b.99999999999999999999"));
    assert_null(js_get(object, "a.x.y.z"));
    assert_null(js_get(object, "text.x"));
    assert_null(js_get(object, "a."));
    assert_null(js_get(object, ".a"));
    assert_null(js_get(object, "null"));
    assert_null(js_get(NULL, "a"));
    assert_null(js_text(object, "n"));
    assert_int_equal(js_count(object, "a.b"), 3);
    assert_int_equal(js_count(object, "a"), 0);
    assert_int_equal(js_count(js_get(object, "a.b"), NULL), 3);
    assert_string_equal(js_text(js_at(js_get(object, "a.b"), 0), "c"), "deep");
    assert_null(js_at(js_get(object, "a.b"), 3));
    assert_null(js_at(object, 0));
}

static void long_steps_are_found_too(void **state)
{
    struct json_object *object CLEANUP_JS = json_object_new_object();
    char step[301], path[610];

    (void)state;
    memset(step, 'k', 300);
    step[300] = '\0';
    snprintf(path, sizeof(path), "%s.%s", step, step);
    assert_int_equal(js_set_int(object, path, 5), 0);
    assert_int_equal(js_int(object, path, 0), 5);
}

static void numbers_and_booleans_may_come_as_text(void **state)
{
    struct json_object *object CLEANUP_JS = parse(sample);

    (void)state;
    assert_int_equal(js_int(object, "n", 0), -12);
    assert_int_equal(js_int(object, "text", 0), 12);
    assert_int_equal(js_int(object, "whole", 0), 3);
    assert_int_equal(js_int(object, "real", 99), 99);
    assert_int_equal(js_int(object, "huge", 99), 99);
    assert_int_equal(js_int(object, "big", 99), 99);
    assert_int_equal(js_int(object, "yes", 99), 99);
    assert_int_equal(js_int(object, "t", 99), 99);
    assert_int_equal(js_int(object, "missing", 99), 99);
    assert_true(js_bool(object, "t", false));
    assert_false(js_bool(object, "f", true));
    assert_true(js_bool(object, "yes", false));
    assert_false(js_bool(object, "no", true));
    assert_true(js_bool(object, "text", true));
    assert_false(js_bool(object, "n", false));
    assert_true(js_bool(object, "missing", true));
}

static void js_set_makes_objects_on_the_way(void **state)
{
    struct json_object *object CLEANUP_JS = parse("{\"x\":null,\"s\":\"text\",\"l\":[]}");
    char *canonical CLEANUP_FREE = NULL;

    (void)state;
    assert_int_equal(js_set_text(object, "a.b.c", "deep"), 0);
    assert_int_equal(js_set_int(object, "a.b.n", INT64_MIN), 0);
    assert_int_equal(js_set_bool(object, "x.y", true), 0);
    assert_int_equal(js_set_text(object, "a.null", NULL), 0);
    assert_int_equal(js_set(object, "s.x", json_object_new_int(1)), -EINVAL);
    assert_int_equal(js_set(object, "l.0", json_object_new_int(1)), -EINVAL);
    assert_int_equal(js_set(object, "", json_object_new_int(1)), -EINVAL);
    assert_int_equal(js_set(js_get(object, "s"), "a", json_object_new_int(1)), -EINVAL);
    assert_int_equal(js_set(NULL, "a", json_object_new_int(1)), -EINVAL);
    assert_int_equal(js_put_key(object, "with.dot", json_object_new_int(1)), 0);
    assert_int_equal(js_put_key(js_get(object, "l"), "k", json_object_new_int(1)), -EINVAL);
    canonical = js_canonical(object);
    assert_string_equal(canonical,
                        "{\"a\":{\"b\":{\"c\":\"deep\",\"n\":-9223372036854775808},\"null\":null},\"l\":[],"
                        "\"s\":\"text\",\"with.dot\":1,\"x\":{\"y\":true}}");
}

static void arrays_of_text_can_be_asked(void **state)
{
    struct json_object *array CLEANUP_JS = json_object_new_array();
    struct json_object *object CLEANUP_JS = json_object_new_object();

    (void)state;
    assert_int_equal(js_add_text(array, "a"), 0);
    assert_int_equal(js_add_text(array, "b"), 0);
    json_object_array_add(array, json_object_new_int(1));
    json_object_array_add(array, json_object_new_string_len("c\0d", 3));
    assert_true(js_has_text(array, "b"));
    assert_false(js_has_text(array, "1"));
    assert_false(js_has_text(array, "c"));
    assert_false(js_has_text(object, "a"));
    assert_int_equal(js_add_text(object, "x"), -EINVAL);
}

static void scalars_have_a_text_form(void **state)
{
    struct json_object *object CLEANUP_JS = parse(
        "{\"s\":\"a\\\"b\",\"i\":12,\"t\":true,\"r\":1.50,\"n\":null,\"l\":[]}");
    static const struct {
        const char *path, *text, *type;
    } cases[] = {
        {"s", "a\"b", "string"}, {"i", "12", "integer"}, {"t", "true", "boolean"},
        {"r", "1.5", "number"},  {"n", NULL, "null"},    {"l", NULL, "array"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text CLEANUP_FREE = js_scalar_text(js_get(object, cases[i].path));

        assert_true(str_equal(text, cases[i].text));
        assert_string_equal(js_type_name(js_get(object, cases[i].path)), cases[i].type);
    }
    assert_string_equal(js_type_name(object), "object");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_values_are_taken),
        cmocka_unit_test(text_need_not_end_with_nul),
        cmocka_unit_test(cut_text_is_refused),
        cmocka_unit_test(trailing_bytes_are_refused),
        cmocka_unit_test(duplicate_keys_are_refused),
        cmocka_unit_test(what_json_c_would_let_pass_is_refused),
        cmocka_unit_test(malformed_strings_are_refused),
        cmocka_unit_test(malformed_numbers_are_refused),
        cmocka_unit_test(numbers_that_a_tree_can_not_keep_are_refused),
        cmocka_unit_test(depth_ends_at_32),
        cmocka_unit_test(column_counts_characters),
        cmocka_unit_test(fifty_thousand_keys_are_no_trouble),
        cmocka_unit_test(every_byte_is_judged_at_every_place),
        cmocka_unit_test(escapes_are_written_at_every_place),
        cmocka_unit_test(members_are_found_in_objects_of_every_size),
        cmocka_unit_test(duplicates_are_refused_in_objects_of_every_size),
        cmocka_unit_test(parse_works_without_an_err),
        cmocka_unit_test(canonical_sorts_by_bytes_at_every_level),
        cmocka_unit_test(canonical_numbers_are_short_and_exact),
        cmocka_unit_test(canonical_refuses_endless_depth),
        cmocka_unit_test(canonical_keeps_a_nul_that_we_made),
        cmocka_unit_test(equality_is_by_value),
        cmocka_unit_test(copies_share_nothing),
        cmocka_unit_test(paths_walk_objects_and_arrays),
        cmocka_unit_test(long_steps_are_found_too),
        cmocka_unit_test(numbers_and_booleans_may_come_as_text),
        cmocka_unit_test(js_set_makes_objects_on_the_way),
        cmocka_unit_test(arrays_of_text_can_be_asked),
        cmocka_unit_test(scalars_have_a_text_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
