/*
 * xml.h: XML answers to a small tree, over expat.
 *
 * No DOCTYPE, hence no entities; depth 64, 200,000 nodes; local names only,
 * name spaces are ignored. Attributes are dropped: no AWS answer we read needs one.
 */
#ifndef MLOPSD_COMMON_XML_H
#define MLOPSD_COMMON_XML_H

#include <stddef.h>

#include "common/err.h"
#include "common/macro.h"

struct xml {
    char *name;
    char *text;                  /* character data of a leaf, "" when empty; never NULL */
    struct xml *children, *next; /* the first child, and the one behind this; NULL at the end */
};

/** The children of a node in document order. */
#define xml_each(node, child) for (struct xml *child = (node)->children; child; child = child->next)

/** 0 with *ret owned by the caller; -EBADMSG (ERR_BUG), -EMSGSIZE (ERR_LIMIT), -ENOMEM. */
int xml_parse(const char *text, size_t size_bytes, struct xml **ret, struct err *err);
/** The whole tree at once. @root: what xml_parse() gave. */
struct xml *xml_free(struct xml *root);
static inline void xml_freep(struct xml **node)
{
    xml_free(*node);
}
#define CLEANUP_XML CLEANUP(xml_freep)
/** First child of that name, NULL when none. Borrowed. */
const struct xml *xml_child(const struct xml *node, const char *name);
/** Walk "Error.Code"; NULL when a step is missing. Borrowed. */
const struct xml *xml_get(const struct xml *node, const char *path);
/** Text at a path, or NULL. Borrowed. */
const char *xml_text(const struct xml *node, const char *path);

#endif
