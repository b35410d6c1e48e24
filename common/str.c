/*
 * str.c: text: growing buffers with a ceiling, predicates, numbers, lists.
 *
 * Any buffer may come to hold a secret, so a buffer never leaves its content
 * behind in freed memory when it grows or fails. Releasing it unwiped at the
 * end is the caller's choice (buf_done against buf_wipe).
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/str.h"

#define BUF_FIRST_BYTES    64
#define DISTANCE_MAX_BYTES 64
#define DURATION_MAX_MS    (3650ULL * 86400 * 1000)

static void buf_release(struct buf *buf, bool wipe)
{
    if (buf->data && wipe)
        sodium_memzero(buf->data, buf->capacity);
    free(buf->data);
    buf->data = NULL;
    buf->size = 0;
    buf->capacity = 0;
}

static int buf_fail(struct buf *buf, int code)
{
    buf_release(buf, true);
    buf->failed = code;
    return code;
}

/* A capacity that holds @needed bytes: doubled, so that appends stay cheap, but not past what may be used. */
static size_t buf_capacity(const struct buf *buf, size_t needed)
{
    size_t capacity = buf->capacity ? buf->capacity : BUF_FIRST_BYTES;

    while (capacity < needed)
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    return capacity - 1 > buf->max_bytes ? buf->max_bytes + 1 : capacity;
}

static int buf_grow(struct buf *buf, size_t more)
{
    size_t capacity;
    char *data;

    if (buf->failed < 0)
        return buf->failed;
    if (buf->size > buf->max_bytes || more > buf->max_bytes - buf->size)
        return buf_fail(buf, -EMSGSIZE);
    if (buf->max_bytes == SIZE_MAX && more == SIZE_MAX - buf->size)
        return buf_fail(buf, -ENOMEM); /* no room for the NUL */
    capacity = buf_capacity(buf, buf->size + more + 1);
    /* Not realloc: it would free the old bytes unwiped. */
    data = malloc(capacity);
    if (!data)
        return buf_fail(buf, -ENOMEM);
    if (buf->data) {
        memcpy(data, buf->data, buf->size);
        sodium_memzero(buf->data, buf->capacity);
        free(buf->data);
    }
    buf->data = data;
    buf->capacity = capacity;
    return 0;
}

/* Room for @more bytes and the NUL. */
static inline int buf_reserve(struct buf *buf, size_t more)
{
    return more < buf->capacity - buf->size ? 0 : buf_grow(buf, more);
}

int buf_add(struct buf *buf, const void *data, size_t size_bytes)
{
    int r;

    r = buf_reserve(buf, size_bytes);
    if (r < 0)
        return r;
    if (size_bytes > 0)
        memcpy(buf->data + buf->size, data, size_bytes);
    buf->size += size_bytes;
    buf->data[buf->size] = '\0';
    return 0;
}

int buf_add_text(struct buf *buf, const char *text)
{
    return buf_add(buf, text, strlen(text));
}

int buf_addf(struct buf *buf, const char *format, ...)
{
    va_list arguments;
    int r;

    va_start(arguments, format);
    r = buf_vaddf(buf, format, arguments);
    va_end(arguments);
    return r;
}

int buf_vaddf(struct buf *buf, const char *format, va_list arguments)
{
    size_t room = buf->capacity - buf->size;
    va_list again;
    int length, r = 0;

    va_copy(again, arguments);
    /* Into what room there is; a second time only where it does not fit. */
    length = vsnprintf(room > 0 ? buf->data + buf->size : NULL, room, format, arguments);
    if (length < 0) {
        r = buf_fail(buf, errno == ENOMEM ? -ENOMEM : -EMSGSIZE);
    } else if ((size_t)length >= room) {
        r = buf_reserve(buf, (size_t)length);
        if (r == 0 && vsnprintf(buf->data + buf->size, (size_t)length + 1, format, again) != length)
            r = buf_fail(buf, -ENOMEM);
    }
    va_end(again);
    if (r == 0)
        buf->size += (size_t)length;
    return r;
}

const char *buf_text(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}

char *buf_take(struct buf *buf)
{
    char *data;

    if (buf->failed < 0)
        return NULL;
    if (!buf->data) {
        data = strdup("");
        if (!data)
            buf->failed = -ENOMEM;
        return data;
    }
    data = TAKE(buf->data);
    /* Texts are kept by the thousand: give the slack back. */
    if (buf->capacity - buf->size > BUF_FIRST_BYTES) {
        char *fitted = realloc(data, buf->size + 1);

        data = fitted ? fitted : data;
    }
    buf->size = 0;
    buf->capacity = 0;
    return data;
}

void buf_reset(struct buf *buf)
{
    buf_release(buf, false);
    buf->failed = 0;
}

void buf_done(struct buf *buf)
{
    if (buf)
        buf_reset(buf);
}

void buf_wipe(struct buf *buf)
{
    if (!buf)
        return;
    buf_release(buf, true);
    buf->failed = 0;
}

char *str_format(const char *format, ...)
{
    va_list arguments;
    char *text;
    int r;

    va_start(arguments, format);
    r = vasprintf(&text, format, arguments);
    va_end(arguments);
    return r < 0 ? NULL : text;
}

int str_set(char **target, const char *text)
{
    char *copy = NULL;

    if (text) {
        copy = strdup(text);
        if (!copy)
            return -ENOMEM;
    }
    free(*target);
    *target = copy;
    return 0;
}

bool str_equal(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    return strcmp(a, b) == 0;
}

/* ASCII only: names on the wire must not change with the locale. */
static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_equal_nocase(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    while (*a && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}

bool str_starts(const char *text, const char *prefix)
{
    return text && strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
    size_t length, suffix_length = strlen(suffix);

    if (!text)
        return false;
    length = strlen(text);
    return length >= suffix_length && memcmp(text + length - suffix_length, suffix, suffix_length) == 0;
}

bool str_empty(const char *text)
{
    return !text || !text[0];
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int str_to_int64(const char *text, long long min, long long max, long long *ret)
{
    const char *digits = text;
    long long number;
    char *end;

    if (!text)
        return -EINVAL;
    if (*digits == '-')
        digits++;
    if (!is_digit(*digits))
        return -EINVAL; /* strtoll would take white space and '+' */
    errno = 0;
    number = strtoll(text, &end, 10);
    if (*end)
        return -EINVAL;
    if (errno == ERANGE || number < min || number > max)
        return -ERANGE;
    *ret = number;
    return 0;
}

int str_to_duration(const char *text, unsigned long long *ret_ms)
{
    static const struct {
        const char *name;
        unsigned long long ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    unsigned long long number;
    char *end;

    if (!text || !is_digit(text[0]))
        return -EINVAL;
    errno = 0;
    number = strtoull(text, &end, 10);
    if (errno == ERANGE)
        number = ULLONG_MAX;
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (strcmp(end, units[i].name) != 0)
            continue;
        if (number > DURATION_MAX_MS / units[i].ms)
            return -ERANGE;
        *ret_ms = number * units[i].ms;
        return 0;
    }
    return -EINVAL;
}

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned str_distance(const char *a, const char *b)
{
    size_t a_length = strnlen(a, DISTANCE_MAX_BYTES), b_length = strnlen(b, DISTANCE_MAX_BYTES);
    unsigned row[DISTANCE_MAX_BYTES + 1];

    /* row[j] = edits from the first i bytes of a to the first j bytes of b */
    for (size_t j = 0; j <= b_length; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        unsigned diagonal = row[0];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned change = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            row[j] = smaller(change, smaller(row[j], row[j - 1]) + 1);
        }
    }
    return row[b_length];
}

/* Takes @take_text, also on failure; NULL counts as no memory. */
static int strv_take(struct strv *v, char *take_text)
{
    if (!take_text)
        return -ENOMEM;
    /* The room doubles whenever the count is a power of two, so it needs no field of its own. */
    if ((v->count & (v->count - 1)) == 0) {
        size_t room = v->count ? v->count * 2 : 1;
        char **items = reallocarray(v->items, room, sizeof(*items));

        if (!items) {
            free(take_text);
            return -ENOMEM;
        }
        v->items = items;
    }
    v->items[v->count++] = take_text;
    return 0;
}

int strv_add(struct strv *v, const char *text)
{
    return strv_take(v, strdup(text));
}

int strv_addf(struct strv *v, const char *format, ...)
{
    va_list arguments;
    char *text;
    int r;

    va_start(arguments, format);
    r = vasprintf(&text, format, arguments);
    va_end(arguments);
    return strv_take(v, r < 0 ? NULL : text);
}

bool strv_has(const struct strv *v, const char *text)
{
    for (size_t i = 0; i < v->count; i++) {
        if (strcmp(v->items[i], text) == 0)
            return true;
    }
    return false;
}

void strv_remove(struct strv *v, const char *text)
{
    for (size_t i = 0; i < v->count; i++) {
        if (strcmp(v->items[i], text) != 0)
            continue;
        free(v->items[i]);
        memmove(v->items + i, v->items + i + 1, (v->count - i - 1) * sizeof(*v->items));
        v->count--;
        return;
    }
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *v)
{
    if (v->count > 1)
        qsort(v->items, v->count, sizeof(*v->items), compare_text);
}

void strv_done(struct strv *v)
{
    if (!v)
        return;
    for (size_t i = 0; i < v->count; i++)
        free(v->items[i]);
    free(v->items);
    v->items = NULL;
    v->count = 0;
}
