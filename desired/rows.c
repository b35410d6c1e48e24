/*
 * rows.c: finding one's way in a table of rows: the row of a list's elements, of a dotted path.
 */
#include <string.h>

#include "desired/desired-internal.h"

struct field row_of_element(const struct field *row)
{
    struct field element = *row;

    element.type = row->element;
    element.flags = row->flags & FIELD_SENSITIVE;
    element.fallback = NULL;
    if (element.type != FIELD_STRING && element.type != FIELD_ENUM)
        element.accepts = NULL;
    element.min = element.max = 0; /* they bound the container */
    element.key = NULL;
    element.element = FIELD_ANY;
    return element;
}

/* The row of one step under @row; false when there is no such step. *ret_free: anything may follow. */
static bool row_step(const struct field *row, const char *step, struct field *ret, bool *ret_free)
{
    const struct field *member;

    switch (row->type) {
    case FIELD_OBJECT:
        member = field_find(row->members, step);
        if (!member)
            return false;
        *ret = *member;
        return true;
    case FIELD_LIST:
    case FIELD_SET:
        if (step[strspn(step, "0123456789")] != '\0')
            return false;
        *ret = row_of_element(row);
        return true;
    case FIELD_MAP:
        *ret = row_of_element(row);
        return true;
    case FIELD_POLICY:
    case FIELD_DOCUMENT:
    case FIELD_ANY:
        *ret_free = true;
        return true;
    default:
        return false;
    }
}

bool row_at(const struct field *fields, const char *path, enum field_type *ret, unsigned *ret_flags)
{
    struct field row = {.type = FIELD_OBJECT, .members = fields};
    unsigned flags = 0;
    bool anything = false;

    while (*path && !anything) {
        size_t n = strcspn(path, ".");
        char *step CLEANUP_FREE = strndup(path, n);

        if (!step || !row_step(&row, step, &row, &anything))
            return false;
        flags |= row.flags & FIELD_SENSITIVE;
        path += n + (path[n] == '.' ? 1 : 0);
    }
    *ret = anything ? FIELD_ANY : row.type;
    *ret_flags = flags | row.flags;
    return true;
}
