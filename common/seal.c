/*
 * seal.c: small records sealed under one key, and fingerprints of secrets.
 *
 * The key that comes in is only a source: sealing, fingerprints and the key's
 * name each use a key of their own derived from it, so that none tells
 * anything about another.
 */
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto-internal.h"
#include "common/encode.h"

#define KEY_ID_BYTES      8
#define FINGERPRINT_BYTES 16
#define NONCE_BYTES       crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES         crypto_aead_xchacha20poly1305_ietf_ABYTES

_Static_assert(SEAL_OVERHEAD == NONCE_BYTES + TAG_BYTES, "the header tells callers what a seal adds");
_Static_assert(SEAL_KEY_SIZE == crypto_kdf_KEYBYTES, "the key is the source of the derived ones");
_Static_assert(SEAL_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
               "derived keys have the same size");

/* Part of the format of the state file: never change these. */
static const char derive_context[crypto_kdf_CONTEXTBYTES] = "mlopsd/1";
enum { DERIVE_SEALING = 1, DERIVE_FINGERPRINT = 2, DERIVE_ID = 3 };

struct seal_key {
    unsigned char sealing[SEAL_KEY_SIZE];
    unsigned char fingerprint[SEAL_KEY_SIZE];
    char id[2 * KEY_ID_BYTES + 1];
};

struct seal_key *seal_key_new(const unsigned char key[SEAL_KEY_SIZE])
{
    unsigned char id[crypto_kdf_BYTES_MIN];
    struct seal_key *derived;

    assert(crypto_is_ready());
    derived = sodium_malloc(sizeof(*derived));
    if (!derived)
        return NULL;
    /* These fail for sizes out of range only, and ours are constants. */
    (void)crypto_kdf_derive_from_key(derived->sealing, sizeof(derived->sealing), DERIVE_SEALING,
                                     derive_context, key);
    (void)crypto_kdf_derive_from_key(derived->fingerprint, sizeof(derived->fingerprint), DERIVE_FINGERPRINT,
                                     derive_context, key);
    (void)crypto_kdf_derive_from_key(id, sizeof(id), DERIVE_ID, derive_context, key);
    sodium_bin2hex(derived->id, sizeof(derived->id), id, KEY_ID_BYTES);
    (void)sodium_mprotect_readonly(derived); /* a second fence only */
    return derived;
}

struct seal_key *seal_key_free(struct seal_key *key)
{
    sodium_free(key); /* wipes; NULL is fine */
    return NULL;
}

const char *seal_key_id(const struct seal_key *key)
{
    return key->id;
}

int seal(const struct seal_key *key, const char *place, const void *data, size_t size_bytes,
         unsigned char **ret, size_t *ret_size_bytes)
{
    unsigned char *sealed;

    if (size_bytes > SIZE_MAX - SEAL_OVERHEAD)
        return -ENOMEM;
    sealed = malloc(size_bytes + SEAL_OVERHEAD);
    if (!sealed)
        return -ENOMEM;
    randombytes_buf(sealed, NONCE_BYTES);
    /* Always 0: the function has no way to fail. */
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE_BYTES, NULL, data, size_bytes,
                                                     (const unsigned char *)place, strlen(place), NULL,
                                                     sealed, key->sealing);
    *ret = sealed;
    *ret_size_bytes = size_bytes + SEAL_OVERHEAD;
    return 0;
}

int unseal(const struct seal_key *key, const char *place, const void *sealed, size_t size_bytes,
           struct secret **ret, struct err *err)
{
    const unsigned char *bytes = sealed;
    struct secret *secret CLEANUP_SECRET = NULL;
    int r;

    if (size_bytes < SEAL_OVERHEAD)
        return err_set(err, -EBADMSG, ERR_BUG, "sealed record %s: too short, only %zu bytes", place,
                       size_bytes);
    secret = secret_new_blank(size_bytes - SEAL_OVERHEAD);
    if (!secret)
        return err_no_memory(err);
    r = crypto_aead_xchacha20poly1305_ietf_decrypt(
        (unsigned char *)secret_space(secret), NULL, NULL, bytes + NONCE_BYTES, size_bytes - NONCE_BYTES,
        (const unsigned char *)place, strlen(place), bytes, key->sealing);
    if (r != 0)
        return err_set(
            err, -EBADMSG, ERR_BUG,
            "sealed record %s: does not open with key %s: another key sealed it, it was moved, or it "
            "is damaged",
            place, key->id);
    secret_finish(secret);
    *ret = TAKE(secret);
    return 0;
}

char *seal_fingerprint(const struct seal_key *key, const char *purpose, const void *data, size_t size_bytes)
{
    unsigned char fingerprint[FINGERPRINT_BYTES];
    crypto_generichash_state state;

    /* With its NUL, so that no purpose runs on into the data. Sizes are constants: nothing here can fail. */
    (void)crypto_generichash_init(&state, key->fingerprint, sizeof(key->fingerprint), sizeof(fingerprint));
    (void)crypto_generichash_update(&state, (const unsigned char *)purpose, strlen(purpose) + 1);
    (void)crypto_generichash_update(&state, data, size_bytes);
    (void)crypto_generichash_final(&state, fingerprint, sizeof(fingerprint));
    sodium_memzero(&state, sizeof(state));
    return encode_hex(fingerprint, sizeof(fingerprint));
}
