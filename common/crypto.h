/*
 * crypto.h: digests, keyed digests, sealing of small records, secrets in memory.
 * OpenSSL for SHA-256 and HMAC, libsodium for AEAD, random bytes and locked memory.
 */
#ifndef MLOPSD_COMMON_CRYPTO_H
#define MLOPSD_COMMON_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/macro.h"

#define DIGEST_SIZE   32
#define SEAL_KEY_SIZE 32
#define SEAL_OVERHEAD (24 + 16) /* nonce + tag */

/** Call once per process before anything else here: sodium_init. 0 or -EIO. */
int crypto_setup(void);

void digest_sha256(const void *data, size_t size_bytes, unsigned char digest[DIGEST_SIZE]);
void digest_hmac_sha256(const void *key, size_t key_size, const void *data, size_t size_bytes,
                        unsigned char digest[DIGEST_SIZE]);
/** Hex SHA-256 of text; owned by the caller, NULL without memory. */
char *digest_text(const char *text);

/**
 * 64 bits that tell texts of this process apart that follow those of @before: SipHash with a key drawn at
 * start. Cheap; not for storing, not for anybody else.
 */
uint64_t digest_quick(uint64_t before, const void *data, size_t size_bytes);

void random_fill(void *data, size_t size_bytes);
/** @length characters of hex from the random source; owned; NULL without memory. */
char *random_hex(size_t length);
uint32_t random_below(uint32_t bound); /* uniform in [0, bound) */

/**
 * Text that must not leave: in locked, guarded memory that is wiped. Never
 * formatted, logged, or compared with strcmp. All on one thread.
 */
struct secret;
struct secret *secret_new(const void *data, size_t size_bytes); /* copies; NULL without memory */
struct secret *secret_new_text(const char *text);
/** One of @size_bytes zeros, still writable, to be put together in place; NULL without memory. */
struct secret *secret_new_blank(size_t size_bytes);
/** Where to write the content of a blank secret. */
char *secret_space(struct secret *secret);
/** The content is complete: from now on writing to it is a fault. */
void secret_finish(struct secret *secret);
/** Borrowed bytes, followed by a NUL; valid until secret_free(). */
const char *secret_text(const struct secret *secret);
size_t secret_size(const struct secret *secret);
struct secret *secret_copy(const struct secret *secret);
bool secret_equal(const struct secret *a, const struct secret *b); /* constant time */
struct secret *secret_free(struct secret *secret);
static inline void secret_freep(struct secret **secret)
{
    secret_free(*secret);
}
#define CLEANUP_SECRET CLEANUP(secret_freep)

/** A 32-byte key in locked memory, and what is derived from it. */
struct seal_key;
struct seal_key *seal_key_new(const unsigned char key[SEAL_KEY_SIZE]); /* copies */
struct seal_key *seal_key_free(struct seal_key *key);
/** 16 hex digits that name the key without telling it; borrowed. */
const char *seal_key_id(const struct seal_key *key);

/**
 * Seal with XChaCha20-Poly1305 and a random nonce; @place (table, row key and
 * column) is bound to it, so a record can not be moved. Output = nonce + ciphertext.
 */
int seal(const struct seal_key *key, const char *place, const void *data, size_t size_bytes,
         unsigned char **ret, size_t *ret_size_bytes);
/** -EBADMSG with class ERR_BUG when key, place or bytes do not fit together. */
int unseal(const struct seal_key *key, const char *place, const void *sealed, size_t size_bytes,
           struct secret **ret, struct err *err);
/** Keyed fingerprint of a secret, 32 hex digits: tells equal from different, and nothing else. Owned. */
char *seal_fingerprint(const struct seal_key *key, const char *purpose, const void *data, size_t size_bytes);

/** libsodium sealed box (X25519, XSalsa20-Poly1305): @public_key is 32 bytes. Owned output, size + 48. */
int sealed_box(const unsigned char public_key[32], const void *data, size_t size_bytes, unsigned char **ret,
               size_t *ret_size_bytes);

#endif
