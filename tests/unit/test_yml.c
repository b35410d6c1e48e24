/*
 * test_yml.c: YAML to a tree with places, complaints about it, files.
 *
 * Places of many more documents are compared with another implementation by
 * check_yml_positions.py.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/js.h"
#include "common/str.h"
#include "common/yml.h"

DEFINE_CLEANUP(struct yml *, yml_free)
#define CLEANUP_YML      CLEANUP(yml_freep)
#define CLEANUP_PROBLEMS CLEANUP(problems_done)

static struct yml *parse_bytes(const char *text, size_t size)
{
    struct problems problems CLEANUP_PROBLEMS = {0};
    struct yml *tree = NULL;

    if (yml_parse("x.yaml", text, size, &tree, &problems) < 0) {
        char *why CLEANUP_FREE = problems_text(&problems);

        fail_msg("%s\n%s", text, why);
    }
    assert_int_equal(problems.count, 0);
    assert_non_null(tree);
    return tree;
}

static struct yml *parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void assert_json(const char *text, const char *expected)
{
    struct yml *tree CLEANUP_YML = parse(text);
    struct json_object *object CLEANUP_JS = yml_to_json(tree);
    char *canonical CLEANUP_FREE = js_canonical(object);

    assert_string_equal(canonical, expected);
}

/* All complaints as "line:column text\n". */
static char *refusals_of(const char *text, size_t size)
{
    struct problems problems CLEANUP_PROBLEMS = {0};
    struct buf out CLEANUP_BUF = BUF_INIT(1 << 20);
    struct yml *untouched = (void *)0x1, *tree = untouched;

    if (yml_parse("x.yaml", text, size, &tree, &problems) != -EBADMSG)
        fail_msg("not refused: %s", text);
    assert_ptr_equal(tree, untouched);
    assert_true(problems.count > 0);
    problems_sort(&problems);
    for (size_t i = 0; i < problems.count; i++) {
        assert_string_equal(problems.items[i].file, "x.yaml");
        buf_addf(&out, "%u:%u %s\n", problems.items[i].mark.line, problems.items[i].mark.column,
                 problems.items[i].text);
    }
    return buf_take(&out);
}

static void assert_refused_bytes(const char *text, size_t size, const char *expected)
{
    char *refusals CLEANUP_FREE = refusals_of(text, size);

    if (!strstr(refusals, expected))
        fail_msg("%s: expected \"%s\", got \"%s\"", text, expected, refusals);
}

static void assert_refused(const char *text, const char *expected)
{
    assert_refused_bytes(text, strlen(text), expected);
}

static void plain_scalars_have_the_narrow_types(void **state)
{
    static const struct {
        const char *text;
        enum yml_kind kind;
    } cases[] = {
        {"~", YML_NULL},
        {"null", YML_NULL},
        {"Null", YML_NULL},
        {"NULL", YML_NULL},
        {"nUll", YML_STRING},
        {"true", YML_BOOLEAN},
        {"false", YML_BOOLEAN},
        {"True", YML_STRING},
        {"TRUE", YML_STRING},
        {"yes", YML_STRING},
        {"no", YML_STRING},
        {"on", YML_STRING},
        {"off", YML_STRING},
        {"y", YML_STRING},
        {"0", YML_INTEGER},
        {"-0", YML_INTEGER},
        {"12", YML_INTEGER},
        {"-12", YML_INTEGER},
        {"+12", YML_STRING},
        {"012", YML_STRING},
        {"00", YML_STRING},
        {"1_000", YML_STRING},
        {"0x1f", YML_STRING},
        {"0o17", YML_STRING},
        {"1:30", YML_STRING},
        {"1.5", YML_NUMBER},
        {"-0.5", YML_NUMBER},
        {"1e3", YML_NUMBER},
        {"1E-3", YML_NUMBER},
        {"1.5e+3", YML_NUMBER},
        {".5", YML_STRING},
        {"1.", YML_STRING},
        {"1e", YML_STRING},
        {"1.5.2", YML_STRING},
        {".inf", YML_STRING},
        {".nan", YML_STRING},
        {"NaN", YML_STRING},
        {"-", YML_STRING},
        {"--1", YML_STRING},
        {"2012-10-17", YML_STRING},
        {"1 2", YML_STRING},
        {"<<", YML_STRING},
        {"=", YML_STRING},
        {"10.0.0.0/16", YML_STRING},
        {"9223372036854775808", YML_INTEGER},
        {"18446744073709551615", YML_INTEGER},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text CLEANUP_FREE = str_format("- %s\n- '%s'\n", cases[i].text, cases[i].text);
        struct yml *tree CLEANUP_YML = NULL;

        if (str_equal(cases[i].text, "-"))
            continue; /* a list where it stands alone */
        tree = parse(text);
        if (tree->children[0]->kind != cases[i].kind)
            fail_msg("%s is %s", cases[i].text, yml_kind_name(tree->children[0]->kind));
        assert_false(tree->children[0]->quoted);
        assert_string_equal(tree->children[0]->text, cases[i].text);
        assert_int_equal(tree->children[1]->kind, YML_STRING);
        assert_true(tree->children[1]->quoted);
    }
}

static void trees_become_json(void **state)
{
    (void)state;
    assert_json(
        "a: 1\nb: [x, \"no\", no, 1.5, null, true]\nc:\n  - d: |\n      t\n  - {e: }\nf: -9\n",
        "{\"a\":1,\"b\":[\"x\",\"no\",\"no\",1.5,null,true],\"c\":[{\"d\":\"t\\n\"},{\"e\":null}],\"f\":-9}");
    assert_json("18446744073709551615", "18446744073709551615");
    assert_json("{}", "{}");
    assert_json("[]", "[]");
    assert_json("a b", "\"a b\"");
    assert_json("a.b: {c.d: 1}", "{\"a.b\":{\"c.d\":1}}");
    assert_null(yml_to_json(NULL));
}

static void empty_files_read_as_nothing(void **state)
{
    static const char *const texts[] = {"", "\n\n", "# remark\n", "---\n", "---\n...\n", "\xef\xbb\xbf"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct yml *tree CLEANUP_YML = parse(texts[i]);

        assert_int_equal(tree->kind, YML_NULL);
        assert_string_equal(tree->text, "");
        assert_true(tree->start.line >= 1 && tree->start.column >= 1);
        assert_null(yml_to_json(tree));
    }
}

static void assert_mark(struct yml_mark mark, unsigned line, unsigned column)
{
    assert_int_equal(mark.line, line);
    assert_int_equal(mark.column, column);
}

static void places_are_kept_in_characters(void **state)
{
    struct yml *tree CLEANUP_YML = parse(
        "# \xc3\xa4\n\xc3\xa4\xc3\xa4: {k\xc3\xb6: \"\xe6\x97\xa5\", l: [1]}\nb: >\n  x\n");
    const struct yml *map = yml_get(tree, "\xc3\xa4\xc3\xa4");

    (void)state;
    assert_mark(tree->start, 2, 1);
    assert_mark(tree->end, 5, 1);
    assert_mark(map->key_mark, 2, 1);
    assert_mark(map->start, 2, 5);
    assert_mark(map->end, 2, 22);
    assert_mark(map->children[0]->key_mark, 2, 6);
    assert_mark(map->children[0]->start, 2, 10);
    assert_mark(map->children[0]->end, 2, 13);
    assert_mark(yml_get(tree, "b")->start, 3, 4);
}

static void places_end_where_the_text_ends(void **state)
{
    struct yml *tree CLEANUP_YML = parse("a: 1\nb: [2]");

    (void)state;
    assert_mark(tree->end, 2, 7);
    assert_refused("a: [1", "1:6 a \",\" or \"]\" is missing");
}

static void a_byte_order_mark_at_the_start_takes_no_place(void **state)
{
    struct yml *tree CLEANUP_YML = parse("\xef\xbb\xbf"
                                         "a: 1\n");

    (void)state;
    assert_mark(tree->start, 1, 1);
    assert_mark(tree->children[0]->start, 1, 4);
}

static void yml_get_finds_children_of_maps_only(void **state)
{
    struct yml *tree CLEANUP_YML = parse("a: {b: 1}\nc: [a]\n");

    (void)state;
    assert_string_equal(yml_get(yml_get(tree, "a"), "b")->text, "1");
    assert_null(yml_get(tree, "x"));
    assert_null(yml_get(yml_get(tree, "c"), "a"));
    assert_null(yml_get(NULL, "a"));
    assert_null(yml_free(NULL));
}

static void anchors_aliases_and_tags_are_refused(void **state)
{
    (void)state;
    assert_refused("a: &x 1\n", "1:4 an anchor (&x)");
    assert_refused("a: &x {b: 1}\n", "1:4 an anchor (&x)");
    assert_refused("a: &x [b]\n", "1:4 an anchor (&x)");
    assert_refused("&x a: 1\n", "1:1 an anchor (&x)");
    assert_refused("a: 1\nb: *x\n", "2:4 an alias (*x)");
    assert_refused("*x : 1\n", "1:1 an alias (*x)");
    assert_refused("[*x]\n", "1:2 an alias");
    assert_refused("*x\n", "1:1 an alias");
    assert_refused("a: !!str 1\n", "1:4 a tag (tag:yaml.org,2002:str)");
    assert_refused("a: ! x\n", "1:4 a tag (!)");
    assert_refused("a: !secret {b: 1}\n", "1:4 a tag (!secret)");
    assert_refused("- !!seq []\n", "1:3 a tag");
    assert_refused("!!int 1: x\n", "1:1 a tag");
}

static void merge_keys_are_refused(void **state)
{
    (void)state;
    assert_json("a:\n  <<: {b: 1}\n",
                "{\"a\":{\"<<\":{\"b\":1}}}"); /* a key like others: desired/ gives it a meaning */
    assert_json("\"<<\": 1", "{\"<<\":1}");
}

static void keys_must_be_text(void **state)
{
    (void)state;
    assert_refused("1: x\n", "1:1 this key is an integer, not text; put it in quotes: \"1\"");
    assert_refused("1.5: x\n", "1:1 this key is a number");
    assert_refused("99999999999999999999: x\n", "1:1 this key is a number");
    assert_refused("true: x\n", "1:1 this key is a boolean");
    assert_refused("~: x\n", "1:1 this key is nothing");
    assert_refused("a: 1\n? \n: x\n", "2:2 a key is missing");
    assert_refused("? [a, b]\n: 1\n", "1:3 a key that is a list");
    assert_refused("? {a: b}\n: 1\n", "1:3 a key that is a map");
    assert_refused("{[a]: 1}\n", "1:2 a key that is a list");
    assert_refused("? \n", "1:2 a key is missing");
    assert_json("\"1\": a\n'true': b\non: c\n2012-10-17: d\n",
                "{\"1\":\"a\",\"2012-10-17\":\"d\",\"on\":\"c\",\"true\":\"b\"}");
}

static void duplicate_keys_name_the_first_line(void **state)
{
    (void)state;
    assert_refused("a: 1\nb: 2\n\"a\": 3\n", "3:1 \"a\" is here twice; the first is on line 1\n");
    assert_refused("x:\n  - {k: 1, l: 2, k: 3}\n", "2:18 \"k\" is here twice; the first is on line 2\n");
    assert_refused(
        "a: 1\na: 2\na: 3\n",
        "2:1 \"a\" is here twice; the first is on line 1\n3:1 \"a\" is here twice; the first is on line 1\n");
    assert_json("a: {k: 1}\nb: {k: 1}\nA: 1\n", "{\"A\":1,\"a\":{\"k\":1},\"b\":{\"k\":1}}");
}

static void a_second_document_is_refused(void **state)
{
    (void)state;
    assert_refused("a: 1\n---\nb: 2\n", "2:1 a second document");
    assert_refused("---\n---\n", "2:1 a second document");
    assert_refused("a: 1\n...\nb: 2\n", "3:1");
    assert_json("--- \na: 1\n...\n# end\n", "{\"a\":1}");
}

static void numbers_out_of_range_are_refused(void **state)
{
    (void)state;
    assert_refused("a: 18446744073709551616\n", "1:4 the number is too big");
    assert_refused("a: -9223372036854775809\n", "1:4 the number is too big");
    assert_refused("a: 1e999\n", "1:4 the number is too big");
    assert_json("a: '1e999'\n", "{\"a\":\"1e999\"}");
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    (void)state;
    assert_refused_bytes("a: \0b\n", 6, "1:4 NUL");
    assert_refused_bytes("a\0:\0 \0b\0", 8, "1:2 NUL");
    assert_refused("\xff\xfe"
                   "a",
                   "1:1 not UTF-8");
    assert_refused("\xc3\xa4: \xff\n", "1:4 not UTF-8");
    assert_refused("a: \xed\xa0\x80\n", "1:4 not UTF-8");
    assert_refused("a:\n b: \x1b[31m\n", "2:5 a control character");
    assert_refused("a: \xc2\x9b\n", "1:4 a control character");
    assert_refused("a: \x7f\n", "1:4 a control character");
    assert_refused("a: \"x\xe2\x80\xa8y\"\n", "1:6 a line separator");
    assert_refused("a: x\xc2\x85y\n", "1:5 a line separator");
    assert_refused("a: \xef\xbb\xbf\n", "1:4 a byte order mark");
    assert_refused("a: \xef\xbf\xbe\n", "1:4 a control character");
    assert_refused("\r\r\n\na: \xff\n", "4:4 not UTF-8");
    assert_refused("a: \"x\\0y\"\n", "1:4 NUL (\\0) in text");
    assert_refused("\"x\\0y\": 1\n", "1:1 NUL (\\0) in text");
}

static void syntax_errors_say_what_to_do(void **state)
{
    (void)state;
    assert_refused("a: b: c\n", "1:5 a \":\" too many here");
    assert_refused("a:\n\tb: 1\n", "2:1 text can not begin with this character");
    assert_refused("a: \"x\n",
                   "the closing quote is missing (while scanning a quoted scalar that begins on line 1)");
    assert_refused("a: @x\n", "1:4 text can not begin");
    assert_refused("- a\nb: 1\n", "2:1 no \"- \" here");
    assert_refused("a: {b: 1\n", "a \",\" or \"}\" is missing");
    assert_refused("a:\n  b: 1\n c: 2\n", "3:2 no key here");
    assert_refused("%YAML 3.0\n---\na\n", "1:1");
}

static void all_mistakes_are_reported_at_once(void **state)
{
    static const char text[] = "a: &x 1\nb: *x\na: !!str 5\n? [k]\n: v\n1: x\n";
    char *refusals CLEANUP_FREE = refusals_of(text, sizeof(text) - 1);

    (void)state;
    assert_string_equal(refusals,
                        "1:4 an anchor (&x); write the value out where it is needed\n"
                        "2:4 an alias (*x); write the value out\n"
                        "3:1 \"a\" is here twice; the first is on line 1\n"
                        "3:4 a tag (tag:yaml.org,2002:str); remove it: quotes make text, bare words have "
                        "their own type\n"
                        "4:3 a key that is a list; keys are text\n"
                        "6:1 this key is an integer, not text; put it in quotes: \"1\"\n");
}

static void nested(char *text, size_t depth)
{
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    text[2 * depth] = '\0';
}

static void depth_ends_at_32(void **state)
{
    char text[2001];
    struct yml *tree CLEANUP_YML = NULL;

    (void)state;
    nested(text, 32);
    tree = parse(text);
    assert_int_equal(tree->kind, YML_LIST);
    nested(text, 33);
    assert_refused(text, "1:33 nested more than 32 deep");
    nested(text, 1000);
    assert_refused(text, "1:33 nested more than 32 deep");
}

static void values_end_at_one_hundred_thousand(void **state)
{
    struct buf text CLEANUP_BUF = BUF_INIT(2 << 20);
    struct yml *tree CLEANUP_YML = NULL;

    (void)state;
    buf_add_text(&text, "[");
    for (int i = 0; i < 99999; i++)
        buf_add_text(&text, "a,");
    buf_add_text(&text, "]");
    tree = parse(buf_text(&text));
    assert_int_equal(tree->count, 99999);
    text.data[text.size - 1] = 'a';
    buf_add_text(&text, "]");
    assert_refused(buf_text(&text), "1:200000 more than 100000 values");
}

static void size_ends_at_one_mebibyte(void **state)
{
    char *text = malloc((1 << 20) + 2);
    struct yml *tree CLEANUP_YML = NULL;

    (void)state;
    memset(text, 'a', 1 << 20);
    memcpy(text + (1 << 20), "a", 2);
    tree = parse_bytes(text, 1 << 20);
    assert_int_equal(strlen(tree->text), 1 << 20);
    assert_refused_bytes(text, (1 << 20) + 1, "0:0 1048577 bytes; a file may have 1048576");
    free(text);
}

/* Quadratic work on the keys, or an excerpt for each of them, would take minutes here. */
static void many_duplicates_are_no_trouble(void **state)
{
    struct problems problems CLEANUP_PROBLEMS = {0};
    struct buf text CLEANUP_BUF = BUF_INIT(1 << 20);
    struct yml *tree = NULL;

    (void)state;
    for (int i = 0; i < 60000; i++)
        buf_addf(&text, "k%d: x\n", i % 30000);
    assert_int_equal(yml_parse("x.yaml", text.data, text.size, &tree, &problems), -EBADMSG);
    assert_int_equal(problems.count, PROBLEMS_MAX);
    assert_int_equal(problems.dropped, 30000 - PROBLEMS_MAX);
}

static void the_first_problems_by_place_are_kept(void **state)
{
    struct problems problems CLEANUP_PROBLEMS = {0};
    char *text CLEANUP_FREE = NULL;

    (void)state;
    for (uint32_t i = 50; i > 0; i--)
        problems_add(&problems, "f", (struct yml_mark){i, 1}, NULL, "number %u", i);
    problems_sort(&problems);
    assert_int_equal(problems.count, PROBLEMS_MAX);
    assert_int_equal(problems.dropped, 30);
    for (uint32_t i = 0; i < PROBLEMS_MAX; i++)
        assert_int_equal(problems.items[i].mark.line, i + 1);
    text = problems_text(&problems);
    assert_true(str_starts(text, "f:1:1: error: number 1\nf:2:1: "));
    assert_true(str_ends(text, "f:20:1: error: number 20\n30 more not shown\n"));
}

static void problems_are_sorted_by_file_and_place(void **state)
{
    static const struct {
        const char *file;
        struct yml_mark mark;
    } cases[] = {{"b", {1, 1}}, {"a", {2, 1}}, {"a", {1, 9}}, {"a", {1, 2}}, {"a", {0, 0}}, {"a", {1, 2}}};
    static const unsigned order[] = {4, 3, 5, 2, 1, 0};
    struct problems problems CLEANUP_PROBLEMS = {0};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
        problems_add(&problems, cases[i].file, cases[i].mark, NULL, "%u", i);
    problems_sort(&problems);
    for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
        assert_int_equal(atoi(problems.items[i].text), order[i]);
}

static void assert_problem_text(struct yml_mark mark, const char *source, const char *expected)
{
    struct problems problems CLEANUP_PROBLEMS = {0};
    char *text CLEANUP_FREE = NULL;

    problems_add(&problems, "etc/x.yaml", mark, source, "wrong");
    text = problems_text(&problems);
    assert_string_equal(text, expected);
}

static void problems_show_line_and_caret(void **state)
{
    static const char source[] = "first\n\ta:\tb\r\nthird\rfourth";

    (void)state;
    assert_problem_text((struct yml_mark){1, 3}, source,
                        "etc/x.yaml:1:3: error: wrong\n    1 | first\n      |   ^\n");
    assert_problem_text((struct yml_mark){2, 5}, source,
                        "etc/x.yaml:2:5: error: wrong\n    2 | \ta:\tb\n      | \t  \t^\n");
    assert_problem_text((struct yml_mark){3, 6}, source,
                        "etc/x.yaml:3:6: error: wrong\n    3 | third\n      |      ^\n");
    assert_problem_text((struct yml_mark){4, 99}, source,
                        "etc/x.yaml:4:99: error: wrong\n    4 | fourth\n      |       ^\n");
    assert_problem_text((struct yml_mark){5, 1}, source, "etc/x.yaml:5:1: error: wrong\n");
    assert_problem_text((struct yml_mark){2, 0}, source, "etc/x.yaml:2: error: wrong\n    2 | \ta:\tb\n");
    assert_problem_text((struct yml_mark){0, 0}, source, "etc/x.yaml: error: wrong\n");
    assert_problem_text((struct yml_mark){1, 3}, NULL, "etc/x.yaml:1:3: error: wrong\n");
    assert_problem_text((struct yml_mark){1, 3}, "\xc3\xa4\xc3\xb6x",
                        "etc/x.yaml:1:3: error: wrong\n    1 | \xc3\xa4\xc3\xb6x\n      |   ^\n");
}

static void long_lines_are_cut_around_the_place(void **state)
{
    char source[501], expected[600];

    (void)state;
    memset(source, 'a', 500);
    source[500] = '\0';
    source[299] = 'X';
    snprintf(expected, sizeof(expected),
             "etc/x.yaml:1:300: error: wrong\n    1 | ...%.60sX%.39s...\n      | %63s^\n", source, source,
             "");
    assert_problem_text((struct yml_mark){1, 300}, source, expected);
    snprintf(expected, sizeof(expected), "etc/x.yaml:1:2: error: wrong\n    1 | %.100s...\n      |  ^\n",
             source);
    assert_problem_text((struct yml_mark){1, 2}, source, expected);
}

static void problems_can_not_steer_a_terminal(void **state)
{
    struct problems problems CLEANUP_PROBLEMS = {0};
    char *text CLEANUP_FREE = NULL;

    (void)state;
    problems_add(&problems, "x\x1b.yaml", (struct yml_mark){1, 4}, "a \x1b\xff\xc2\x9bz", "key \"%s\"",
                 "\x1b[2J\n");
    text = problems_text(&problems);
    assert_string_equal(text, "x\\x1b.yaml:1:4: error: key \"\\x1b[2J\\n\"\n    1 | a ???z\n      |    ^\n");
}

static void long_complaints_are_cut(void **state)
{
    struct problems problems CLEANUP_PROBLEMS = {0};
    char *value = malloc(100001);

    (void)state;
    for (int i = 0; i < 100000; i += 2)
        memcpy(value + i, "\xc3\xa4", 2);
    value[100000] = '\0';
    problems_add(&problems, "f", (struct yml_mark){1, 1}, NULL, "x%s", value);
    free(value);
    assert_true(strlen(problems.items[0].text) <= 1000);
    assert_true(str_ends(problems.items[0].text, "\xc3\xa4..."));
}

static void problems_without_any_are_empty(void **state)
{
    struct problems problems = {0};
    char *text CLEANUP_FREE = problems_text(&problems);

    (void)state;
    assert_string_equal(text, "");
    problems_sort(&problems);
    problems_done(&problems);
    problems_done(NULL);
}

static void every_kind_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < YML_KIND_MAX; i++)
        assert_non_null(yml_kind_name((enum yml_kind)i));
    assert_string_equal(yml_kind_name(YML_STRING), "a string");
    assert_string_equal(yml_kind_name(YML_INTEGER), "an integer");
    assert_null(yml_kind_name(YML_KIND_MAX));
}

static void assert_unreadable(const char *path, int code, enum err_class class, const char *why)
{
    struct err err CLEANUP_ERR = {0};
    char *data = NULL;
    size_t size = 42;

    assert_int_equal(file_read(path, 100, &data, &size, &err), code);
    assert_int_equal(err.class, class);
    assert_true(str_starts(err.text, "cannot read "));
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, why));
    assert_null(data);
    assert_int_equal(size, 42);
}

static void files_are_read_up_to_their_limit(void **state)
{
    char path[] = "/tmp/test_yml.XXXXXX";
    char *data CLEANUP_FREE = NULL, *whole CLEANUP_FREE = NULL;
    size_t size = 0;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a\0b", 3), 3);
    assert_int_equal(file_read(path, 3, &data, &size, NULL), 0);
    assert_int_equal(size, 3);
    assert_memory_equal(data, "a\0b", 4);
    assert_int_equal(file_read(path, 2, &whole, &size, NULL), -EFBIG);
    assert_int_equal(ftruncate(fd, 101), 0);
    assert_unreadable(path, -EFBIG, ERR_LIMIT, "more than 100 bytes");
    assert_int_equal(ftruncate(fd, 100000), 0);
    assert_int_equal(file_read(path, 100000, &whole, NULL, NULL), 0);
    close(fd);
    unlink(path);
}

static void empty_and_endless_files_are_no_trouble(void **state)
{
    char *data CLEANUP_FREE = NULL, *status CLEANUP_FREE = NULL;
    size_t size = 42;

    (void)state;
    assert_unreadable("/dev/zero", -EINVAL, ERR_INVALID, "not a regular file");
    assert_int_equal(file_read("/proc/self/status", 100000, &status, NULL, NULL), 0); /* stat says 0 bytes */
    assert_non_null(strstr(status, "Pid:"));
    assert_int_equal(file_read("/proc/self/coredump_filter", 100, &data, &size, NULL), 0);
    assert_true(size > 0);
}

static void files_that_can_not_be_read_say_why(void **state)
{
    char path[] = "/tmp/test_yml_fifo.XXXXXX";

    (void)state;
    assert_unreadable("/nowhere/x.yaml", -ENOENT, ERR_ABSENT, "No such file");
    assert_unreadable("/tmp", -EISDIR, ERR_INVALID, "directory");
    assert_non_null(mkdtemp(path));
    rmdir(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_unreadable(path, -EINVAL, ERR_INVALID, "not a regular file");
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_scalars_have_the_narrow_types),
        cmocka_unit_test(trees_become_json),
        cmocka_unit_test(empty_files_read_as_nothing),
        cmocka_unit_test(places_are_kept_in_characters),
        cmocka_unit_test(places_end_where_the_text_ends),
        cmocka_unit_test(a_byte_order_mark_at_the_start_takes_no_place),
        cmocka_unit_test(yml_get_finds_children_of_maps_only),
        cmocka_unit_test(anchors_aliases_and_tags_are_refused),
        cmocka_unit_test(merge_keys_are_refused),
        cmocka_unit_test(keys_must_be_text),
        cmocka_unit_test(duplicate_keys_name_the_first_line),
        cmocka_unit_test(a_second_document_is_refused),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(bytes_that_are_no_text_are_refused),
        cmocka_unit_test(syntax_errors_say_what_to_do),
        cmocka_unit_test(all_mistakes_are_reported_at_once),
        cmocka_unit_test(depth_ends_at_32),
        cmocka_unit_test(values_end_at_one_hundred_thousand),
        cmocka_unit_test(size_ends_at_one_mebibyte),
        cmocka_unit_test(many_duplicates_are_no_trouble),
        cmocka_unit_test(the_first_problems_by_place_are_kept),
        cmocka_unit_test(problems_are_sorted_by_file_and_place),
        cmocka_unit_test(problems_show_line_and_caret),
        cmocka_unit_test(long_lines_are_cut_around_the_place),
        cmocka_unit_test(problems_can_not_steer_a_terminal),
        cmocka_unit_test(long_complaints_are_cut),
        cmocka_unit_test(problems_without_any_are_empty),
        cmocka_unit_test(every_kind_has_a_name),
        cmocka_unit_test(files_are_read_up_to_their_limit),
        cmocka_unit_test(empty_and_endless_files_are_no_trouble),
        cmocka_unit_test(files_that_can_not_be_read_say_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
