/*
 * fuzz_xml.c: no answer does harm as XML; what is taken is a complete tree of
 * valid text.
 */
#include <string.h>

#include "common/utf8.h"
#include "common/xml.h"
#include "fuzz_main.h"

/* No deeper than the parser's limit. */
static void check_node(const struct xml *node)
{
    FUZZ_CHECK(node->name && node->text);
    FUZZ_CHECK(!strchr(node->name, ':'));
    FUZZ_CHECK(utf8_valid(node->name, strlen(node->name), NULL));
    FUZZ_CHECK(utf8_valid(node->text, strlen(node->text), NULL));
    FUZZ_CHECK(!node->children || !node->text[0]);
    xml_each (node, child) {
        FUZZ_CHECK(xml_child(node, child->name));
        check_node(child);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xml *tree CLEANUP_XML = NULL;
    struct err err CLEANUP_ERR = {0};
    int r = xml_parse((const char *)data, size, &tree, &err);

    FUZZ_CHECK((r == 0) == (tree != NULL));
    FUZZ_CHECK((r == 0) == (err.code == 0));
    if (tree)
        check_node(tree);
    return 0;
}
