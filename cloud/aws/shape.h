/*
 * shape.h: reading the small shape language of operations.h, and lists of names.
 */
#ifndef MLOPSD_CLOUD_AWS_SHAPE_H
#define MLOPSD_CLOUD_AWS_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

/** One entry, pointing into the table's text. Texts are not NUL-terminated. */
struct aws_field {
    const char *name, *wire, *item; /* item is NULL when the shape names none */
    size_t name_size, wire_size, item_size;
    char type; /* 't' text, or a letter of operations.h */
};

/** Look a member up by its name in our JSON, or by its name on the wire. @shape may be NULL. */
bool aws_shape_by_name(const char *shape, const char *name, struct aws_field *ret);
bool aws_shape_by_wire(const char *shape, const char *wire, struct aws_field *ret);
/** Iterate: *position starts as @shape, ends as NULL. */
bool aws_shape_next(const char **position, struct aws_field *ret);

/** Iterate over blank-separated names. Copies at most @size - 1 bytes; false at the end. */
bool aws_names_next(const char **position, char *name, size_t size);

#endif
