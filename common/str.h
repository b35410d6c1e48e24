/*
 * str.h: text. Growing buffers with a ceiling, formatting, small predicates.
 * Nothing here knows what the text means.
 */
#ifndef MLOPSD_COMMON_STR_H
#define MLOPSD_COMMON_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/macro.h"

/**
 * A growing byte buffer with a maximum size. The content is always followed by
 * a NUL that does not count. After a failed append the buffer is empty and
 * every later append fails with the same code, so one check at the end is enough.
 */
struct buf {
    char *data;       /* NULL while nothing was appended; owned */
    size_t size;      /* bytes in use */
    size_t capacity;  /* 0 after a failure, at most max_bytes and the NUL: so room is all to ask for */
    size_t max_bytes; /* ceiling; going over it is -EMSGSIZE */
    int failed;       /* 0, -ENOMEM or -EMSGSIZE */
};

#define BUF_INIT(max) ((struct buf){.max_bytes = (max)})

int buf_add(struct buf *buf, const void *data, size_t size_bytes);
int buf_add_text(struct buf *buf, const char *text);
/** Append one byte. Inline: single characters are appended by the thousand. */
static inline int buf_add_char(struct buf *buf, char c)
{
    if (buf->capacity - buf->size < 2)
        return buf_add(buf, &c, 1);
    buf->data[buf->size++] = c;
    buf->data[buf->size] = '\0';
    return 0;
}
int buf_addf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
int buf_vaddf(struct buf *buf, const char *format, va_list arguments) PRINTF_LIKE(2, 0);
/** Content so far as text, "" when empty; borrowed until the next append. */
const char *buf_text(const struct buf *buf);
/** Hand the text to the caller (never NULL unless the buffer failed) and leave the buffer empty. */
char *buf_take(struct buf *buf);
void buf_reset(struct buf *buf); /* empties, keeps max_bytes, clears failed */
void buf_done(struct buf *buf);
/** Wipe with sodium_memzero before releasing: for buffers that held a secret. */
void buf_wipe(struct buf *buf);
#define CLEANUP_BUF CLEANUP(buf_done)

/** Newly allocated formatted text, or NULL without memory. */
char *str_format(const char *format, ...) PRINTF_LIKE(1, 2);
/** Replace *target (owned, may be NULL) by a copy of @text (may be NULL). 0 or -ENOMEM (then unchanged). */
int str_set(char **target, const char *text);
bool str_equal(const char *a, const char *b); /* NULL equals NULL only */
bool str_equal_nocase(const char *a, const char *b);
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);
bool str_empty(const char *text); /* NULL or "" */

/** Parse a whole decimal number in [min, max]; -EINVAL, -ERANGE; *ret untouched on failure. */
int str_to_int64(const char *text, long long min, long long max, long long *ret);

/**
 * Parse "250ms", "30s", "5m", "2h", "90d"; a number without a unit is refused.
 * @ret_ms  milliseconds. Return 0, -EINVAL, or -ERANGE over 10 years.
 */
int str_to_duration(const char *text, unsigned long long *ret_ms);

/** Levenshtein distance, bounded: for "did you mean". Counts at most 64 bytes of each. */
unsigned str_distance(const char *a, const char *b);

/** A growing array of owned texts. */
struct strv {
    char **items;
    size_t count;
};
int strv_add(struct strv *v, const char *text);
int strv_addf(struct strv *v, const char *format, ...) PRINTF_LIKE(2, 3);
bool strv_has(const struct strv *v, const char *text);
/** The first that equals @text, if there is one. */
void strv_remove(struct strv *v, const char *text);
void strv_sort(struct strv *v);
void strv_done(struct strv *v);
#define CLEANUP_STRV CLEANUP(strv_done)

#endif
