/*
 * js-internal.h: between js.c, js_parse.c and js_canonical.c.
 */
#ifndef MLOPSD_COMMON_JS_INTERNAL_H
#define MLOPSD_COMMON_JS_INTERNAL_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/js.h"

/** Is it an integer that 64 bits can hold, signed below 0 and unsigned above? (floor() would need libm.) */
static inline bool js_is_integral(double number)
{
    if (number < 0)
        return number >= -0x1p63 && (double)(int64_t)number == number;
    return number < 0x1p64 && (double)(uint64_t)number == number;
}

/** Does it stand in a JSON string as it is, and is it a character of one byte? */
static inline bool js_is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

/**
 * How many plain bytes @text begins with, eight of them in a step: the top bit
 * of a byte is set where it was set before, or where the subtraction went below
 * zero. A borrow can spoil only bytes behind the one that is found first.
 */
static inline size_t js_plain_run(const char *text, size_t size_bytes)
{
    const uint64_t ones = 0x0101010101010101;
    size_t at = 0;

    for (uint64_t word; size_bytes - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, text + at, sizeof(word));
        word = le64toh(word);
        word |= (word - ones * 0x20) | ((word ^ ones * '"') - ones) | ((word ^ ones * '\\') - ones);
        word &= ones * 0x80;
        if (word)
            return at + (size_t)__builtin_ctzll(word) / 8;
    }
    while (at < size_bytes && js_is_plain(text[at]))
        at++;
    return at;
}

/**
 * The member @key of the object @object: json_object_object_get_ex(), except
 * that a small object is walked: that takes less time than to hash the key.
 * @ret  borrowed; NULL when there is no such member, or when it is null.
 */
bool js_find(struct json_object *object, const char *key, struct json_object **ret);

#endif
