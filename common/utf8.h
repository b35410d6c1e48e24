/*
 * utf8.h: where characters begin and end in UTF-8 text, and which of them may
 * be shown to a person as they are.
 */
#ifndef MLOPSD_COMMON_UTF8_H
#define MLOPSD_COMMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

/**
 * Bytes of the character at @text (1 to 4), at most @size_bytes of which are
 * looked at; 0 when there is none or it is malformed (overlong forms,
 * surrogates and anything over U+10FFFF are malformed).
 * @ret  its code point; may be NULL; untouched when 0 is returned.
 */
size_t utf8_length(const char *text, size_t size_bytes, uint32_t *ret);
/** Is all of it well-formed? @ret_bad_at: the offset of the first bad byte; may be NULL. */
bool utf8_valid(const char *text, size_t size_bytes, size_t *ret_bad_at);
/** Characters in well-formed text; in other text, bytes that do not continue a character. */
size_t utf8_count(const char *text, size_t size_bytes);
/** Write @code_point (valid, not a surrogate) to @bytes; return the bytes used, 1 to 4. */
size_t utf8_put(uint32_t code_point, char bytes[4]);

/**
 * Does it move the cursor, break a line or turn the writing direction? C0 and
 * C1 controls (tab too), line separators and bidirectional marks.
 */
bool utf8_is_risky(uint32_t code_point);
/**
 * Append text that strangers chose so that it is safe on a terminal and stays
 * on one line: risky characters as \n, \x1b or \u202e, bytes that are no UTF-8
 * as \xff. 0 or the code of the buffer.
 */
int utf8_add_visible(struct buf *out, const char *text, size_t size_bytes);

#endif
