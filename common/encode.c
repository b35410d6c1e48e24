/*
 * encode.c: hex, base64, percent-encoding. Pure functions of their arguments.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/encode.h"
#include "common/macro.h"

static const char standard_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *encode_hex(const void *data, size_t size_bytes)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = data;
    char *text;

    if (size_bytes > (SIZE_MAX - 1) / 2)
        return NULL;
    text = malloc(size_bytes * 2 + 1);
    if (!text)
        return NULL;
    for (size_t i = 0; i < size_bytes; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[size_bytes * 2] = '\0';
    return text;
}

static char *encode_sixes(const unsigned char *bytes, size_t size_bytes, const char *alphabet, bool pad)
{
    char *text, *to;

    if (size_bytes > SIZE_MAX / 2)
        return NULL;
    text = malloc(size_bytes / 3 * 4 + 5);
    if (!text)
        return NULL;
    to = text;
    for (size_t i = 0; i < size_bytes; i += 3) {
        size_t left = size_bytes - i;
        uint32_t group = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0);

        *to++ = alphabet[group >> 18];
        *to++ = alphabet[group >> 12 & 63];
        if (left > 1)
            *to++ = alphabet[group >> 6 & 63];
        else if (pad)
            *to++ = '=';
        if (left > 2)
            *to++ = alphabet[group & 63];
        else if (pad)
            *to++ = '=';
    }
    *to = '\0';
    return text;
}

char *encode_base64(const void *data, size_t size_bytes)
{
    return encode_sixes(data, size_bytes, standard_alphabet, true);
}

char *encode_base64url(const void *data, size_t size_bytes)
{
    return encode_sixes(data, size_bytes, url_alphabet, false);
}

static int six_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

/* Four characters to 1, 2 or 3 bytes. Return the number of bytes or -EINVAL. */
static int decode_group(const char *text, bool is_last, unsigned char bytes[3])
{
    int count = 3;
    uint32_t group = 0;

    if (is_last && text[3] == '=')
        count = text[2] == '=' ? 1 : 2;
    for (int i = 0; i < 4; i++) {
        int value = i <= count ? six_value(text[i]) : 0;

        if (value < 0)
            return -EINVAL;
        group = group << 6 | (uint32_t)value;
    }
    /* Bits that no byte carries must be zero, or one value had two spellings. */
    if ((count == 1 && group & 0xffff) || (count == 2 && group & 0xff))
        return -EINVAL;
    bytes[0] = (unsigned char)(group >> 16);
    bytes[1] = (unsigned char)(group >> 8);
    bytes[2] = (unsigned char)group;
    return count;
}

int decode_base64(const char *text, unsigned char **ret_data, size_t *ret_size_bytes)
{
    unsigned char *data CLEANUP_FREE = NULL;
    size_t length = strlen(text), size = 0;

    if (length % 4 != 0)
        return -EINVAL;
    data = malloc(length / 4 * 3 + 1);
    if (!data)
        return -ENOMEM;
    for (size_t i = 0; i < length; i += 4) {
        int count = decode_group(text + i, i + 4 == length, data + size);

        if (count < 0)
            return count;
        size += (size_t)count;
    }
    data[size] = '\0';
    *ret_data = TAKE(data);
    *ret_size_bytes = size;
    return 0;
}

/* By hand, not isalnum(): what is signed must not change with the locale. */
static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

char *encode_percent(const char *text, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t length = strlen(text);
    char *encoded, *to;

    if (length > (SIZE_MAX - 1) / 3)
        return NULL;
    encoded = malloc(length * 3 + 1);
    if (!encoded)
        return NULL;
    to = encoded;
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;

        if (is_unreserved(*text) || (keep_slash && *text == '/')) {
            *to++ = *text;
        } else {
            *to++ = '%';
            *to++ = digits[byte >> 4];
            *to++ = digits[byte & 15];
        }
    }
    *to = '\0';
    return encoded;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

char *decode_percent(const char *text)
{
    char *decoded = strdup(text), *to = decoded;

    if (!decoded)
        return NULL;
    while (*text) {
        int high = text[0] == '%' ? hex_value(text[1]) : -1;
        int low = high >= 0 ? hex_value(text[2]) : -1;

        /* %00 stays as it is too: a NUL would cut the text. */
        if (low >= 0 && high + low > 0) {
            *to++ = (char)(high << 4 | low);
            text += 3;
        } else {
            *to++ = *text++;
        }
    }
    *to = '\0';
    return decoded;
}
