/*
 * fuzz_yml.c: no text does harm as YAML. What is taken has places in reading
 * order and reads as JSON; what is refused says where and why.
 */
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/utf8.h"
#include "common/yml.h"
#include "fuzz_main.h"

static int compare(struct yml_mark a, struct yml_mark b)
{
    if (a.line != b.line)
        return a.line < b.line ? -1 : 1;
    return (a.column > b.column) - (a.column < b.column);
}

static void check_node(const struct yml *node)
{
    FUZZ_CHECK((unsigned)node->kind < YML_KIND_MAX);
    FUZZ_CHECK(node->start.line > 0 && node->start.column > 0);
    FUZZ_CHECK(compare(node->start, node->end) <= 0);
    FUZZ_CHECK((node->text == NULL) == (node->kind == YML_LIST || node->kind == YML_MAP));
    FUZZ_CHECK(node->kind == YML_STRING || !node->quoted);
    for (size_t i = 0; i < node->count; i++) {
        const struct yml *child = node->children[i];

        FUZZ_CHECK((child->key != NULL) == (node->kind == YML_MAP));
        FUZZ_CHECK(compare(node->start, child->start) <= 0);
        FUZZ_CHECK(i == 0 || compare(node->children[i - 1]->start, child->start) <= 0);
        check_node(child);
    }
}

static void check_json(const struct yml *tree)
{
    struct json_object *object CLEANUP_JS = yml_to_json(tree), *again CLEANUP_JS = NULL;
    char *text CLEANUP_FREE = js_canonical(object);

    FUZZ_CHECK(text);
    FUZZ_CHECK(js_parse_text(text, &again, NULL) == 0);
    FUZZ_CHECK(js_equal(object, again));
}

static void check_problems(struct problems *problems)
{
    char *text;

    problems_sort(problems);
    text = problems_text(problems);
    FUZZ_CHECK(text && text[0] && strlen(text) < 100000);
    FUZZ_CHECK(utf8_valid(text, strlen(text), NULL));
    FUZZ_CHECK(!strchr(text, '\x1b') && !strchr(text, '\r'));
    for (size_t i = 1; i < problems->count; i++)
        FUZZ_CHECK(compare(problems->items[i - 1].mark, problems->items[i].mark) <= 0);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct problems problems = {0};
    struct yml *tree = NULL;
    int r;

    r = yml_parse("x.yaml", (const char *)data, size, &tree, &problems);
    FUZZ_CHECK((r == 0) == (tree != NULL));
    FUZZ_CHECK((r == 0) == (problems.count == 0));
    if (r == 0) {
        check_node(tree);
        check_json(tree);
    } else {
        check_problems(&problems);
    }
    yml_free(tree);
    problems_done(&problems);
    return 0;
}
