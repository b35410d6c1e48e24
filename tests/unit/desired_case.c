/*
 * desired_case.c: see desired_case.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/js.h"
#include "tests/unit/desired_case.h"

char *case_path(const char *name)
{
    const char *top = getenv("srcdir");
    char *path = str_format("%s/tests/unit/desired/%s", top ? top : ".", name);

    assert_non_null(path);
    return path;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Every mark of one line as "FILE:LINE:COLUMN: TEXT". */
static void expect_line(const char *file, unsigned line, const char *text, const char *mark,
                        struct strv *expected)
{
    const char *at = strstr(text, mark);

    while (at) {
        const char *next = strstr(at + 2, mark);
        const char *begin = at + 3;
        size_t length = next ? (size_t)(next - begin) : strlen(begin);

        while (length > 0 && begin[length - 1] == ' ')
            length--;
        assert_int_equal(strv_addf(expected, "%s:%u:%.*s", last_part(file), line, (int)length, begin), 0);
        at = next;
    }
}

static void expect_file(const char *file, const char *mark, struct strv *expected)
{
    struct err err = {0};
    char *text = NULL, *line, *rest;
    size_t size;
    unsigned number = 0;

    assert_int_equal(file_read(file, 1 << 20, &text, &size, &err), 0);
    for (rest = text; rest && *rest;) {
        line = rest;
        rest = strchr(line, '\n');
        if (rest)
            *rest++ = '\0';
        expect_line(file, ++number, line, mark, expected);
    }
    free(text);
}

/* The blueprint a platform file names, if it is one of ours. */
static char *blueprint_of(const char *file)
{
    struct err err = {0};
    struct problems ignored = {0};
    struct yml *root = NULL;
    char *text = NULL, *path = NULL;
    size_t size;

    assert_int_equal(file_read(file, 1 << 20, &text, &size, &err), 0);
    if (yml_parse(file, text, size, &root, &ignored) == 0) {
        const struct yml *name = yml_get(root, "blueprint");

        if (name && name->kind == YML_STRING) {
            char *below = str_format("blueprints/%s.yaml", name->text);

            path = case_path(below);
            free(below);
        }
    }
    yml_free(root);
    problems_done(&ignored);
    free(text);
    return path;
}

static void expect(const char *file, const char *mark, struct strv *expected)
{
    char *blueprint = blueprint_of(file);
    FILE *open;

    expect_file(file, mark, expected);
    open = blueprint ? fopen(blueprint, "r") : NULL;
    if (open) {
        fclose(open);
        expect_file(blueprint, mark, expected);
    }
    free(blueprint);
    strv_sort(expected);
}

/* A message that names a place in a file names its path: without the directory it is the same everywhere. */
static char *without_directory(const char *text, const char *file)
{
    size_t length = (size_t)(last_part(file) - file);
    struct buf out = BUF_INIT(1 << 16);
    const char *at = text;

    while (*at) {
        if (length > 0 && strncmp(at, file, length) == 0)
            at += length;
        else
            assert_int_equal(buf_add_char(&out, *at++), 0);
    }
    return buf_take(&out);
}

static void compare(const struct strv *expected, const struct problems *problems, const char *what)
{
    struct strv seen = {0};
    bool same;

    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->items[i];
        char *text = without_directory(problem->text, problem->file);

        assert_int_equal(strv_addf(&seen, "%s:%u:%u: %s", last_part(problem->file),
                                   (unsigned)problem->mark.line, (unsigned)problem->mark.column, text),
                         0);
        free(text);
    }
    strv_sort(&seen);
    same = seen.count == expected->count;
    for (size_t i = 0; same && i < seen.count; i++)
        same = str_equal(seen.items[i], expected->items[i]);
    if (!same) {
        for (size_t i = 0; i < expected->count; i++)
            if (!strv_has(&seen, expected->items[i]))
                print_error("expected %s: %s\n", what, expected->items[i]);
        for (size_t i = 0; i < seen.count; i++)
            if (!strv_has(expected, seen.items[i]))
                print_error("got %s:      %s\n", what, seen.items[i]);
    }
    strv_done(&seen);
    assert_true(same);
}

static int load(const char *name, struct graph **ret, size_t *ret_expected)
{
    struct problems problems = {0}, warnings = {0};
    struct strv errors = {0}, cautions = {0};
    char *path = case_path(name);
    int r;

    expect(path, "#!", &errors);
    expect(path, "#?", &cautions);
    r = graph_load(NULL, path, ret, &problems, &warnings);
    compare(&errors, &problems, "problem");
    if (r == 0)
        compare(&cautions, &warnings, "warning");
    *ret_expected = errors.count;
    problems_done(&problems);
    problems_done(&warnings);
    strv_done(&errors);
    strv_done(&cautions);
    free(path);
    return r;
}

void case_refused(const char *name)
{
    struct graph *graph = NULL;
    size_t expected;

    assert_int_equal(load(name, &graph, &expected), -EBADMSG);
    assert_null(graph);
    assert_true(expected > 0);
}

struct graph *case_accepted(const char *name)
{
    struct graph *graph = NULL;
    size_t expected;

    assert_int_equal(load(name, &graph, &expected), 0);
    assert_non_null(graph);
    return graph;
}

static void assert_same_json(const char *seen, const char *expected)
{
    struct json_object *one = NULL, *two = NULL;

    assert_int_equal(js_parse_text(seen, &one, NULL), 0);
    assert_int_equal(js_parse_text(expected, &two, NULL), 0);
    if (!js_equal(one, two))
        assert_string_equal(seen, expected);
    json_object_put(one);
    json_object_put(two);
}

void assert_body(const struct graph *graph, const char *address, const char *expected)
{
    const struct desired_resource *resource = graph_find(graph, address);

    assert_non_null(resource);
    assert_same_json(resource->body, expected);
}

void assert_output(const struct graph *graph, const char *name, const char *expected)
{
    for (size_t i = 0; i < graph->outputs_count; i++) {
        if (str_equal(graph->outputs[i].name, name)) {
            assert_same_json(graph->outputs[i].value, expected);
            return;
        }
    }
    fail_msg("no output %s", name);
}

void assert_needs(const struct graph *graph, const char *address, const char *expected)
{
    const struct desired_resource *resource = graph_find(graph, address);
    struct strv names = {0};
    struct buf text = BUF_INIT(1 << 16);

    assert_non_null(resource);
    for (size_t i = 0; i < resource->needs_count; i++)
        assert_int_equal(strv_add(&names, graph->resources[resource->needs[i]].address), 0);
    strv_sort(&names);
    for (size_t i = 0; i < names.count; i++)
        assert_int_equal(buf_addf(&text, "%s%s", i > 0 ? " " : "", names.items[i]), 0);
    assert_string_equal(buf_text(&text), expected);
    buf_done(&text);
    strv_done(&names);
}
