/*
 * shape.h: reading the small shape language of operations.h, and lists of names.
 */
#ifndef MLOPSD_CLOUD_AWS_SHAPE_H
#define MLOPSD_CLOUD_AWS_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#define AWS_NAME_MAX    64 /* bytes of a member's name in the tables, with its NUL */
#define AWS_SHAPE_SLOTS 64 /* more than the members of any shape; a power of two */

/** One entry, pointing into the table's text. Texts are not NUL-terminated. */
struct aws_field {
    const char *name, *wire, *item; /* item is NULL when the shape names none */
    size_t name_size, wire_size, item_size;
    char type; /* 't' text, or a letter of operations.h */
};

/** The members of a shape by their name on the wire: an answer asks for one per element. */
struct aws_shape_index {
    struct aws_field slots[AWS_SHAPE_SLOTS]; /* no name: free */
};

/** Look a member up by its name in our JSON, or by its name on the wire. @shape may be NULL. */
bool aws_shape_by_name(const char *shape, const char *name, struct aws_field *ret);
void aws_shape_index(const char *shape, struct aws_shape_index *ret);
/** NULL when there is none. Borrowed from @index. */
const struct aws_field *aws_shape_by_wire(const struct aws_shape_index *index, const char *wire);
/** The member's name in our JSON as a text, in @space. */
const char *aws_field_name(const struct aws_field *field, char space[AWS_NAME_MAX]);
/** Iterate: *position starts as @shape, ends as NULL. */
bool aws_shape_next(const char **position, struct aws_field *ret);

/** Iterate over blank-separated names. Copies at most @size - 1 bytes; false at the end. */
bool aws_names_next(const char **position, char *name, size_t size);

#endif
