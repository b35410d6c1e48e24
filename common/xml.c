/*
 * xml.c: XML answers to a small tree, over expat.
 *
 * A DOCTYPE stops the parser, so there are no entities but the five of XML
 * itself, and nothing can grow beyond the text. Names lose their prefix, the
 * name space behind it is not looked at.
 */
#include <assert.h>
#include <errno.h>
#include <expat.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/str.h"
#include "common/xml.h"

#define DEPTH_MAX 64
#define NODES_MAX 200000

struct reader {
    XML_Parser parser;
    struct err *err;
    int failed;
    struct xml *root;
    struct xml *open[DEPTH_MAX];
    size_t depth;
    size_t node_count;
    struct buf text; /* of the innermost open node */
};

static int refuse(struct reader *reader, int code, enum err_class class, const char *reason)
{
    if (reader->failed < 0)
        return reader->failed;
    reader->failed = code;
    (void)XML_StopParser(reader->parser, XML_FALSE); /* fails only when it has stopped already */
    if (code == -ENOMEM)
        return err_no_memory(reader->err);
    return err_set(reader->err, code, class, "not readable as XML: line %lu, column %lu: %s",
                   (unsigned long)XML_GetCurrentLineNumber(reader->parser),
                   (unsigned long)XML_GetCurrentColumnNumber(reader->parser) + 1, reason);
}

/* Takes @take_child, also on failure. */
static int add_child(struct xml *parent, struct xml *take_child)
{
    /* The room doubles whenever the count is a power of two. */
    if ((parent->count & (parent->count - 1)) == 0) {
        size_t room = parent->count ? parent->count * 2 : 1;
        struct xml **children = reallocarray(parent->children, room, sizeof(struct xml *));

        if (!children) {
            xml_free(take_child);
            return -ENOMEM;
        }
        parent->children = children;
    }
    parent->children[parent->count++] = take_child;
    return 0;
}

static struct xml *new_node(struct reader *reader, const char *name)
{
    const char *colon = strrchr(name, ':');
    struct xml *node = calloc(1, sizeof(*node));

    if (!node)
        return NULL;
    node->name = strdup(colon ? colon + 1 : name);
    if (!node->name)
        return xml_free(node);
    if (reader->depth == 0)
        reader->root = node;
    else if (add_child(reader->open[reader->depth - 1], node) < 0)
        return NULL;
    return node;
}

static void on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *reader = data;
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
    node = new_node(reader, name);
    if (!node) {
        (void)refuse(reader, -ENOMEM, ERR_RETRY, NULL);
        return;
    }
    reader->node_count++;
    reader->open[reader->depth++] = node;
    buf_reset(&reader->text); /* what stood before a child is layout */
}

static void on_text(void *data, const XML_Char *text, int length)
{
    struct reader *reader = data;

    if (reader->failed < 0 || reader->depth == 0 || reader->open[reader->depth - 1]->count > 0)
        return;
    if (buf_add(&reader->text, text, (size_t)length) < 0)
        (void)refuse(reader, -ENOMEM, ERR_RETRY, NULL);
}

static void on_end(void *data, const XML_Char *name)
{
    struct reader *reader = data;
    struct xml *node;

    (void)name;
    if (reader->failed < 0)
        return;
    node = reader->open[--reader->depth];
    node->text = buf_take(&reader->text);
    if (!node->text)
        (void)refuse(reader, -ENOMEM, ERR_RETRY, NULL);
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

int xml_parse(const char *text, size_t size_bytes, struct xml **ret, struct err *err)
{
    struct reader *reader;
    int r;

    if (size_bytes > INT_MAX)
        return err_set(err, -EMSGSIZE, ERR_LIMIT, "not readable as XML: %zu bytes are too many", size_bytes);
    /* expat would take UTF-16 for what it is. */
    if (memchr(text, '\0', size_bytes))
        return err_set(err, -EBADMSG, ERR_BUG, "not readable as XML: a NUL byte in it: no UTF-8 text");
    reader = calloc(1, sizeof(*reader));
    if (!reader)
        return err_no_memory(err);
    reader->err = err;
    reader->text = BUF_INIT(size_bytes);
    /* Whatever the text declares: the services answer in UTF-8. */
    reader->parser = XML_ParserCreate("UTF-8");
    r = reader->parser ? read_text(reader, text, size_bytes) : err_no_memory(err);
    if (reader->parser)
        XML_ParserFree(reader->parser);
    if (r == 0)
        *ret = TAKE(reader->root);
    xml_free(reader->root);
    buf_done(&reader->text);
    free(reader);
    return r;
}

static void release(struct xml *node)
{
    free(node->children);
    free(node->name);
    free(node->text);
    free(node);
}

struct xml *xml_free(struct xml *node)
{
    struct xml *open[DEPTH_MAX];
    size_t depth = 0;

    if (!node)
        return NULL;
    open[depth++] = node;
    while (depth > 0) {
        node = open[depth - 1];
        if (node->count == 0) {
            release(node);
            depth--;
        } else {
            assert(depth < DEPTH_MAX);
            open[depth++] = node->children[--node->count];
        }
    }
    return NULL;
}

/* First child whose name is the @length bytes at @name. */
static const struct xml *find_child(const struct xml *node, const char *name, size_t length)
{
    for (size_t i = 0; i < node->count; i++) {
        const char *other = node->children[i]->name;

        if (strncmp(other, name, length) == 0 && other[length] == '\0')
            return node->children[i];
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
