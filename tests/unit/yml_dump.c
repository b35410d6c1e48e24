/*
 * yml_dump.c: shows how yml_parse() reads a file, for check_yml_positions.py.
 *
 * For each file named in the arguments one line of JSON: {"nodes":[...]} with
 * every node in document order, or {"problems":[[line,column,text],...]}.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/yml.h"

static struct json_object *mark_to_json(struct yml_mark mark)
{
    struct json_object *pair = json_object_new_array();

    json_object_array_add(pair, json_object_new_int64(mark.line));
    json_object_array_add(pair, json_object_new_int64(mark.column));
    return pair;
}

static void dump_node(struct json_object *nodes, const struct yml *node)
{
    struct json_object *entry = json_object_new_object();

    json_object_object_add(entry, "kind", json_object_new_int((int)node->kind));
    json_object_object_add(entry, "start", mark_to_json(node->start));
    json_object_object_add(entry, "end", mark_to_json(node->end));
    if (node->key) {
        json_object_object_add(entry, "key", json_object_new_string(node->key));
        json_object_object_add(entry, "key_mark", mark_to_json(node->key_mark));
    }
    if (node->text) {
        json_object_object_add(entry, "text", json_object_new_string(node->text));
        json_object_object_add(entry, "quoted", json_object_new_boolean(node->quoted));
    }
    json_object_array_add(nodes, entry);
    for (size_t i = 0; i < node->count; i++)
        dump_node(nodes, node->children[i]);
}

static struct json_object *problems_to_json(const struct problems *problems)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < problems->count; i++) {
        struct json_object *entry = mark_to_json(problems->items[i].mark);

        json_object_array_add(entry, json_object_new_string(problems->items[i].text));
        json_object_array_add(list, entry);
    }
    return list;
}

static int dump_file(const char *path)
{
    struct json_object *answer CLEANUP_JS = json_object_new_object();
    struct problems problems = {0};
    struct err err CLEANUP_ERR = {0};
    char *text CLEANUP_FREE = NULL, *line CLEANUP_FREE = NULL;
    struct yml *tree = NULL;
    size_t size;

    if (file_read(path, 1 << 24, &text, &size, &err) < 0) {
        fprintf(stderr, "%s\n", err_text(&err));
        return -1;
    }
    if (yml_parse(path, text, size, &tree, &problems) == 0) {
        struct json_object *nodes = json_object_new_array();

        dump_node(nodes, tree);
        json_object_object_add(answer, "nodes", nodes);
    } else {
        problems_sort(&problems);
        json_object_object_add(answer, "problems", problems_to_json(&problems));
    }
    line = js_canonical(answer);
    if (line)
        puts(line);
    yml_free(tree);
    problems_done(&problems);
    return line ? 0 : -1;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (dump_file(argv[i]) < 0)
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
