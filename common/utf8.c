/*
 * utf8.c: where characters begin and end in UTF-8 text.
 *
 * Knows the encoding, and which characters could fool somebody who reads them
 * on a terminal; nothing about how wide they are on a screen.
 */
#include <assert.h>
#include <string.h>

#include "common/utf8.h"

static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

size_t utf8_length(const char *text, size_t size_bytes, uint32_t *ret)
{
    static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first;
    uint32_t point;
    size_t length;

    if (size_bytes == 0)
        return 0;
    first = (unsigned char)text[0];
    if (first < 0x80) {
        length = 1;
        point = first;
    } else if (first >= 0xc2 && first <= 0xdf) {
        length = 2;
        point = first & 0x1f;
    } else if ((first & 0xf0) == 0xe0) {
        length = 3;
        point = first & 0x0f;
    } else if (first >= 0xf0 && first <= 0xf4) {
        length = 4;
        point = first & 0x07;
    } else {
        return 0;
    }
    if (length > size_bytes)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if (!continues(text[i]))
            return 0;
        point = point << 6 | ((unsigned char)text[i] & 0x3f);
    }
    if (point < lowest[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return 0;
    if (ret)
        *ret = point;
    return length;
}

bool utf8_valid(const char *text, size_t size_bytes, size_t *ret_bad_at)
{
    for (size_t at = 0; at < size_bytes;) {
        size_t length = utf8_length(text + at, size_bytes - at, NULL);

        if (length == 0) {
            if (ret_bad_at)
                *ret_bad_at = at;
            return false;
        }
        at += length;
    }
    return true;
}

size_t utf8_count(const char *text, size_t size_bytes)
{
    size_t count = 0;

    for (size_t i = 0; i < size_bytes; i++)
        count += !continues(text[i]);
    return count;
}

size_t utf8_put(uint32_t code_point, char bytes[4])
{
    static const unsigned char mark[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t length = code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;

    assert(code_point <= 0x10ffff && (code_point < 0xd800 || code_point > 0xdfff));
    for (size_t i = length - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    bytes[0] = (char)(mark[length] | code_point);
    return length;
}

bool utf8_is_risky(uint32_t code_point)
{
    return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) || code_point == 0x61c ||
           code_point == 0x200e || code_point == 0x200f || (code_point >= 0x2028 && code_point <= 0x202e) ||
           (code_point >= 0x2066 && code_point <= 0x2069);
}

static int add_escaped(struct buf *out, uint32_t point)
{
    static const char names[] = "nrt", values[] = "\n\r\t";
    const char *value = point > 0 && point < 0x20 ? strchr(values, (int)point) : NULL;

    if (value)
        return buf_addf(out, "\\%c", names[value - values]);
    return buf_addf(out, point < 0x80 ? "\\x%02x" : "\\u%04x", point);
}

int utf8_add_visible(struct buf *out, const char *text, size_t size_bytes)
{
    int r = out->failed;

    for (size_t at = 0; r == 0 && at < size_bytes;) {
        uint32_t point = 0;
        size_t length = utf8_length(text + at, size_bytes - at, &point);

        if (length == 0)
            r = buf_addf(out, "\\x%02x", (unsigned char)text[at]);
        else if (utf8_is_risky(point))
            r = add_escaped(out, point);
        else
            r = buf_add(out, text + at, length);
        at += length ? length : 1;
    }
    return r;
}
