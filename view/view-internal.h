/*
 * view-internal.h: what the files of view/ share beside view.h.
 */
#ifndef MLOPSD_VIEW_VIEW_INTERNAL_H
#define MLOPSD_VIEW_VIEW_INTERNAL_H

#include "view/view.h"

/** Formatted text of our own; arguments from outside go through view_text() instead. */
void view_addf(const struct view *view, const char *format, ...) PRINTF_LIKE(2, 3);
/** Bytes of the first @columns characters of escaped text. */
size_t view_prefix_bytes(const char *text, size_t columns);
/** Two texts line by line: lines that stay, go (-) and come (+), each after @indent blanks. */
void view_line_diff(const struct view *view, const struct strv *before, const struct strv *after,
                    unsigned indent);
/** As value_lines(), all on one line. */
void value_inline(const char *json, struct buf *out);
/** One of three ways to say a count: "no drift", "1 drift", "5 drifts" for ("drift", "drifts"). */
void view_count(const struct view *view, size_t count, const char *one, const char *many);
/** "3m12s" since an RFC 3339 time; "" when it is none. */
void view_age(const struct view *view, const char *rfc3339, char *text, size_t size);
/** Do the documents of a list belong to more than one platform? */
bool has_many_platforms(struct json_object *list);

#endif
