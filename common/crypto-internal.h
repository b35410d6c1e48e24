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

#endif
