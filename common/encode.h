/*
 * encode.h: base64, hex, percent-encoding. Pure functions; results are owned
 * by the caller, NULL means no memory unless said otherwise.
 */
#ifndef MLOPSD_COMMON_ENCODE_H
#define MLOPSD_COMMON_ENCODE_H

#include <stdbool.h>
#include <stddef.h>

char *encode_hex(const void *data, size_t size_bytes);       /* lower case */
char *encode_base64(const void *data, size_t size_bytes);    /* standard alphabet, padded */
char *encode_base64url(const void *data, size_t size_bytes); /* URL alphabet, no padding */
/** Strict; *ret_data is owned by the caller and followed by a NUL. 0, -EINVAL, -ENOMEM. */
int decode_base64(const char *text, unsigned char **ret_data, size_t *ret_size_bytes);
/** RFC 3986 unreserved bytes stay, others become %XX; @keep_slash leaves '/' too. */
char *encode_percent(const char *text, bool keep_slash);
/** %XX only ('+' stays '+'); malformed sequences and %00 are kept as they are. */
char *decode_percent(const char *text);

#endif
