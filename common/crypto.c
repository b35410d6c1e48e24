/*
 * crypto.c: digests, random bytes, sealed boxes. Secrets in memory are in
 * secret.c, sealed records in seal.c.
 *
 * A digest can not fail for its callers. OpenSSL is five times as fast on long
 * input but allocates; should that fail, libsodium computes the same bytes
 * without memory. What an HMAC is made of here is short: libsodium is the faster one.
 */
#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto-internal.h"
#include "common/encode.h"

static bool is_ready;
/* OpenSSL looks an algorithm up by its name whenever one is used, which costs more than a short digest: once is enough. */
static EVP_MD *fetched_sha256;
static unsigned char quick_key[crypto_shorthash_KEYBYTES];

int crypto_setup(void)
{
    if (sodium_init() < 0)
        return -EIO;
    if (!fetched_sha256)
        fetched_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    crypto_shorthash_keygen(quick_key);
    is_ready = true;
    return 0;
}

bool crypto_is_ready(void)
{
    return is_ready;
}

/* Without memory at the setup: the one that is looked up each time. */
static const EVP_MD *sha256(void)
{
    return fetched_sha256 ? fetched_sha256 : EVP_sha256();
}

void digest_sha256(const void *data, size_t size_bytes, unsigned char digest[DIGEST_SIZE])
{
    if (EVP_Digest(data, size_bytes, digest, NULL, sha256(), NULL) == 1)
        return;
    ERR_clear_error(); /* or the next TLS call would find it */
    crypto_hash_sha256(digest, data, size_bytes);
}

uint64_t digest_quick(uint64_t before, const void *data, size_t size_bytes)
{
    uint64_t chain[3] = {before, size_bytes};
    unsigned char digest[crypto_shorthash_BYTES];

    _Static_assert(sizeof(digest) == sizeof(chain[0]), "a digest is one link of the chain");
    (void)crypto_shorthash((unsigned char *)&chain[2], data, size_bytes, quick_key);
    (void)crypto_shorthash(digest, (const unsigned char *)chain, sizeof(chain), quick_key);
    memcpy(&before, digest, sizeof(before));
    return before;
}

void digest_hmac_sha256(const void *key, size_t key_size, const void *data, size_t size_bytes,
                        unsigned char digest[DIGEST_SIZE])
{
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, key_size > 0 ? key : (const void *)"", key_size);
    crypto_auth_hmacsha256_update(&state, data, size_bytes);
    crypto_auth_hmacsha256_final(&state, digest);
    sodium_memzero(&state, sizeof(state));
}

char *digest_text(const char *text)
{
    unsigned char digest[DIGEST_SIZE];

    digest_sha256(text, strlen(text), digest);
    return encode_hex(digest, sizeof(digest));
}

void random_fill(void *data, size_t size_bytes)
{
    assert(is_ready);
    randombytes_buf(data, size_bytes);
}

char *random_hex(size_t length)
{
    static const char digits[] = "0123456789abcdef";
    char *text;

    if (length == SIZE_MAX)
        return NULL;
    text = malloc(length + 1);
    if (!text)
        return NULL;
    random_fill(text, length);
    for (size_t i = 0; i < length; i++)
        text[i] = digits[text[i] & 15];
    text[length] = '\0';
    return text;
}

uint32_t random_below(uint32_t bound)
{
    assert(is_ready);
    assert(bound > 0);
    return randombytes_uniform(bound);
}

int sealed_box(const unsigned char public_key[32], const void *data, size_t size_bytes, unsigned char **ret,
               size_t *ret_size_bytes)
{
    unsigned char *box;

    assert(is_ready);
    if (size_bytes > SIZE_MAX - crypto_box_SEALBYTES)
        return -ENOMEM;
    box = malloc(size_bytes + crypto_box_SEALBYTES);
    if (!box)
        return -ENOMEM;
    if (crypto_box_seal(box, data, size_bytes, public_key) != 0) {
        free(box);
        return -EINVAL; /* a public key that would make every box readable */
    }
    *ret = box;
    *ret_size_bytes = size_bytes + crypto_box_SEALBYTES;
    return 0;
}
