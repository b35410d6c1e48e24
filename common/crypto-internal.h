/*
 * crypto-internal.h: between crypto.c, secret.c and seal.c.
 */
#ifndef MLOPSD_COMMON_CRYPTO_INTERNAL_H
#define MLOPSD_COMMON_CRYPTO_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/crypto.h"

/** Has crypto_setup() run? Locked memory and the random source are undefined before. */
bool crypto_is_ready(void);
/** A secret of @size_bytes zeros, still writable; NULL without memory. */
struct secret *secret_new_blank(size_t size_bytes);
/** Where to write the content of a blank secret. */
char *secret_space(struct secret *secret);
/** The content is complete: from now on writing to it is a fault. */
void secret_finish(struct secret *secret);

#endif
