/*
 * xml.c: XML answers to a small tree, over expat.
 *
 * A DOCTYPE stops the parser, so there are no entities but the five of XML
 * itself, and nothing can grow beyond the text. Names lose their prefix, the
 * name space behind it is not looked at.
 *
 * A tree is one block of memory: its nodes, the root first, then its texts.
 * Both are counted beforehand. There are no more elements than start tags, and
 * a name and a text with a NUL behind each need no more room than the tags and
 * the text they come from ("<a/>" is four bytes, "a" and "" with theirs are three).
 */
#include <assert.h>
#include <errno.h>
#include <expat.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/str.h"
#include "common/xml.h"

#define DEPTH_MAX 64
#define NODES_MAX 200000

/* An element whose end has not come. */
struct level {
    struct xml *node;
    struct xml **next_child; /* where the next one is to be hung up */
};

struct reader {
    XML_Parser parser;
    struct err *err;
    int failed;
    struct xml *nodes; /* the block */
    size_t node_count, nodes_max;
    char *end, *limit; /* of the texts; behind the last one that of the innermost open node grows */
    struct level open[DEPTH_MAX];
    size_t depth;
};

static int refuse(struct reader *reader, int code, enum err_class class, const char *reason)
{
    if (reader->failed < 0)
        return reader->failed;
    reader->failed = code;
    (void)XML_StopParser(reader->parser, XML_FALSE); /* fails only when it has stopped already */
    return err_set(reader->err, code, class, "not readable as XML: line %lu, column %lu: %s",
                   (unsigned long)XML_GetCurrentLineNumber(reader->parser),
                   (unsigned long)XML_GetCurrentColumnNumber(reader->parser) + 1, reason);
}

/* Put @size bytes behind the texts there are. */
static void add_text(struct reader *reader, const char *text, size_t size)
{
    assert(size <= (size_t)(reader->limit - reader->end));
    memcpy(reader->end, text, size);
    reader->end += size;
}

static bool is_leaf(const struct level *level)
{
    return level->next_child == &level->node->children;
}

static void on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *reader = data;
    struct level *parent = reader->depth > 0 ? &reader->open[reader->depth - 1] : NULL;
    const char *colon = strrchr(name, ':');
    struct xml *node;

    (void)attributes;
    if (reader->failed < 0)
        return;
    if (reader->depth == DEPTH_MAX) {
        (void)refuse(reader, -EMSGSIZE, ERR_LIMIT, "nested too deeply");
        return;
    }
    if (reader->node_count == NODES_MAX) {
        (void)refuse(reader, -EMSGSIZE, ERR_LIMIT, "too many elements");
        return;
    }
    assert(reader->node_count < reader->nodes_max);
    node = &reader->nodes[reader->node_count++];
    *node = (struct xml){0};
    if (parent && is_leaf(parent)) {
        reader->end = parent->node->text; /* what stood before a child is layout */
        add_text(reader, "", 1);
    }
    if (parent) {
        *parent->next_child = node;
        parent->next_child = &node->next;
    }
    reader->open[reader->depth++] = (struct level){node, &node->children};
    name = colon ? colon + 1 : name;
    node->name = reader->end;
    add_text(reader, name, strlen(name) + 1);
    node->text = reader->end;
}

static void on_text(void *data, const XML_Char *text, int length)
{
    struct reader *reader = data;

    if (reader->failed == 0 && reader->depth > 0 && is_leaf(&reader->open[reader->depth - 1]))
        add_text(reader, text, (size_t)length);
}

static void on_end(void *data, const XML_Char *name)
{
    struct reader *reader = data;

    (void)name;
    if (reader->failed < 0)
        return;
    reader->depth--;
    if (is_leaf(&reader->open[reader->depth]))
        add_text(reader, "", 1);
}

static void on_doctype(void *data, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id,
                       int has_internal_subset)
{
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    (void)refuse(data, -EBADMSG, ERR_BUG, "it has a DOCTYPE");
}

static int read_text(struct reader *reader, const char *text, size_t size_bytes)
{
    enum XML_Status status;
    enum XML_Error error;

    XML_SetUserData(reader->parser, reader);
    XML_SetElementHandler(reader->parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader->parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader->parser, on_doctype);
    status = XML_Parse(reader->parser, text, (int)size_bytes, XML_TRUE);
    if (reader->failed < 0)
        return reader->failed;
    if (status == XML_STATUS_OK)
        return 0;
    error = XML_GetErrorCode(reader->parser);
    if (error == XML_ERROR_NO_MEMORY)
        return err_no_memory(reader->err);
    return refuse(reader, -EBADMSG, ERR_BUG, XML_ErrorString(error));
}

/* Expat would draw a salt against chosen names for every document: one that nobody knows serves a whole process. */
static XML_Parser new_parser(void)
{
    static unsigned long salt;
    /* Whatever the text declares: the services answer in UTF-8. */
    XML_Parser parser = XML_ParserCreate("UTF-8");

    if (salt == 0)
        randombytes_buf(&salt, sizeof(salt));
    if (parser)
        (void)XML_SetHashSalt(parser, salt); /* fails only once parsing has begun */
    return parser;
}

/* What can be a start tag; one in a comment counts too. */
static size_t count_elements(const char *text, size_t size_bytes)
{
    const char *end = text + size_bytes;
    size_t count = 0;

    while (count < NODES_MAX && (text = memchr(text, '<', (size_t)(end - text))) && ++text < end)
        count += *text != '/';
    return count;
}

static int make_block(struct reader *reader, const char *text, size_t size_bytes)
{
    size_t nodes_size;

    reader->nodes_max = count_elements(text, size_bytes);
    nodes_size = reader->nodes_max * sizeof(struct xml);
    reader->nodes = malloc(nodes_size + size_bytes + 1);
    if (!reader->nodes)
        return -ENOMEM;
    reader->end = (char *)reader->nodes + nodes_size;
    reader->limit = reader->end + size_bytes;
    return 0;
}

int xml_parse(const char *text, size_t size_bytes, struct xml **ret, struct err *err)
{
    struct reader reader = {.err = err};
    int r;

    if (size_bytes > INT_MAX)
        return err_set(err, -EMSGSIZE, ERR_LIMIT, "not readable as XML: %zu bytes are too many", size_bytes);
    /* expat would take UTF-16 for what it is. */
    if (memchr(text, '\0', size_bytes))
        return err_set(err, -EBADMSG, ERR_BUG, "not readable as XML: a NUL byte in it: no UTF-8 text");
    if (make_block(&reader, text, size_bytes) < 0)
        return err_no_memory(err);
    reader.parser = new_parser();
    r = reader.parser ? read_text(&reader, text, size_bytes) : err_no_memory(err);
    if (reader.parser)
        XML_ParserFree(reader.parser);
    if (r == 0)
        *ret = TAKE(reader.nodes);
    free(reader.nodes);
    return r;
}

struct xml *xml_free(struct xml *root)
{
    free(root);
    return NULL;
}

/* First child whose name is the @length bytes at @name. */
static const struct xml *find_child(const struct xml *node, const char *name, size_t length)
{
    xml_each (node, child) {
        if (strncmp(child->name, name, length) == 0 && child->name[length] == '\0')
            return child;
    }
    return NULL;
}

const struct xml *xml_child(const struct xml *node, const char *name)
{
    return node ? find_child(node, name, strlen(name)) : NULL;
}

const struct xml *xml_get(const struct xml *node, const char *path)
{
    if (str_empty(path))
        return node;
    while (node) {
        size_t length = strcspn(path, ".");

        node = find_child(node, path, length);
        if (path[length] == '\0')
            return node;
        path += length + 1;
    }
    return NULL;
}

const char *xml_text(const struct xml *node, const char *path)
{
    const struct xml *found = xml_get(node, path);

    return found ? found->text : NULL;
}
