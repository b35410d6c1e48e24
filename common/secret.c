/*
 * secret.c: text that must not leave, in memory of libsodium: guard pages on
 * both sides, kept out of core dumps, locked as far as the limits allow, wiped
 * when freed, and read-only in between. There is no fallback to plain memory.
 *
 * Each one costs four pages or more: for tens of secrets, not for thousands. To map, lock and fence
 * them takes ten system calls, and each pass wants the same few again: freed blocks wait, wiped, for
 * the next secret that needs one of exactly that size.
 */
#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "common/crypto-internal.h"

struct secret {
    size_t size;
    char text[]; /* size bytes and a NUL */
};

/* ---- blocks ---- */

#define SPARE_BLOCKS    32
#define SPARE_MAX_BYTES 4096

static struct {
    void *block; /* all zeros, writable; NULL = an empty place */
    size_t size;
} spares[SPARE_BLOCKS];

static size_t block_size(size_t size_bytes)
{
    const size_t align = _Alignof(struct secret);

    /* The block ends at the guard page, so it begins aligned only if its size is a multiple. */
    return (sizeof(struct secret) + size_bytes + 1 + align - 1) / align * align;
}

static void *block_get(size_t size)
{
    for (size_t i = 0; i < SPARE_BLOCKS; i++)
        if (spares[i].block && spares[i].size == size)
            return TAKE(spares[i].block);
    return sodium_malloc(size);
}

static void block_release(void *block, size_t size)
{
    static size_t oldest;

    if (size > SPARE_MAX_BYTES || sodium_mprotect_readwrite(block) < 0) {
        sodium_free(block); /* wipes */
        return;
    }
    sodium_memzero(block, size);
    for (size_t i = 0; i < SPARE_BLOCKS; i++) {
        if (spares[i].block)
            continue;
        spares[i].block = block;
        spares[i].size = size;
        return;
    }
    sodium_free(spares[oldest].block);
    spares[oldest].block = block;
    spares[oldest].size = size;
    oldest = (oldest + 1) % SPARE_BLOCKS;
}

/* ---- secrets ---- */

struct secret *secret_new_blank(size_t size_bytes)
{
    struct secret *secret;

    assert(crypto_is_ready());
    if (size_bytes > SIZE_MAX / 2)
        return NULL;
    secret = block_get(block_size(size_bytes));
    if (!secret)
        return NULL;
    secret->size = size_bytes;
    memset(secret->text, 0, size_bytes + 1);
    return secret;
}

char *secret_space(struct secret *secret)
{
    return secret->text;
}

void secret_finish(struct secret *secret)
{
    /* A second fence only: without it the secret is as safe as it was. */
    (void)sodium_mprotect_readonly(secret);
}

struct secret *secret_new(const void *data, size_t size_bytes)
{
    struct secret *secret = secret_new_blank(size_bytes);

    if (!secret)
        return NULL;
    if (size_bytes > 0)
        memcpy(secret->text, data, size_bytes);
    secret_finish(secret);
    return secret;
}

struct secret *secret_new_text(const char *text)
{
    return secret_new(text, strlen(text));
}

const char *secret_text(const struct secret *secret)
{
    return secret->text;
}

size_t secret_size(const struct secret *secret)
{
    return secret->size;
}

struct secret *secret_copy(const struct secret *secret)
{
    return secret_new(secret->text, secret->size);
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    if (!a || !b)
        return a == b;
    return a->size == b->size && sodium_memcmp(a->text, b->text, a->size) == 0;
}

struct secret *secret_free(struct secret *secret)
{
    if (secret)
        block_release(secret, block_size(secret->size));
    return NULL;
}
