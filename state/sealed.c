/*
 * sealed.c: secrets at rest. Each is bound to its table, platform and name, so that a row copied to another
 * place does not open there. Same value again: nothing is written (a fresh nonce would look like a change).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/str.h"
#include "state/store-internal.h"

/* Lengths first: two different places can not make the same text. */
char *sealed_place(const char *table, const char *platform, const char *name)
{
    return str_format("%s/%zu:%s/%zu:%s/sealed", table, strlen(platform), platform, strlen(name), name);
}

int sealed_open(struct store *store, const char *table, const char *platform, const char *name,
                const char *key_id, const void *sealed, size_t size_bytes, struct secret **ret,
                struct err *err)
{
    char *place CLEANUP_FREE = sealed_place(table, platform, name);
    struct err cause CLEANUP_ERR = {0};
    int r;

    if (!place)
        return err_no_memory(err);
    if (!str_equal(key_id, seal_key_id(store->key)))
        return err_set(err, -EKEYREJECTED, ERR_INVALID,
                       "the secret %s of %s was sealed with key %s, ours is %s", name, platform,
                       key_id ? key_id : "?", seal_key_id(store->key));
    if (!sealed)
        return err_set(err, -EBADMSG, ERR_BUG, "the secret %s of %s is empty in %s", name, platform,
                       store->path);
    r = unseal(store->key, place, sealed, size_bytes, ret, &cause);
    if (r == -ENOMEM)
        return err_no_memory(err);
    if (r < 0)
        return err_set(err, -EBADMSG, ERR_BUG,
                       "the secret %s of %s does not open: its row in %s was changed or moved", name,
                       platform, store->path);
    return 0;
}

int sealed_get(struct store *store, const char *platform, const char *name, struct secret **ret,
               struct err *err)
{
    char *key_id CLEANUP_FREE = NULL;
    const void *sealed;
    struct row row;
    size_t size;
    int r;

    r = store_query(store, "SELECT key_id, sealed FROM secrets WHERE platform = ? AND name = ?",
                    VALUES(TEXT(platform), TEXT(name)), &row, err);
    if (r < 0)
        return r;
    r = store_next(store, &row, err);
    if (r < 0)
        return r;
    if (r == 0)
        return err_set(err, -ENOENT, ERR_ABSENT, "platform %s has no secret %s", platform, name);
    key_id = row_text(&row);
    sealed = row_blob(&row, &size);
    if (row.failed)
        r = err_no_memory(err);
    else
        r = sealed_open(store, "secrets", platform, name, key_id, sealed, size, ret, err);
    store_done(&row);
    return r;
}

/* A stored value that can not be opened is no reason to keep it. */
static bool is_stored(struct store *store, const char *platform, const char *name, const struct secret *value)
{
    struct secret *stored CLEANUP_SECRET = NULL;

    return sealed_get(store, platform, name, &stored, NULL) == 0 && secret_equal(stored, value);
}

int sealed_put(struct store *store, const char *platform, const char *name, const struct secret *value,
               struct err *err)
{
    char *place CLEANUP_FREE = sealed_place("secrets", platform, name);
    unsigned char *sealed CLEANUP_FREE = NULL;
    size_t size;
    int r;

    if (is_stored(store, platform, name, value))
        return 0;
    if (!place)
        return err_no_memory(err);
    r = seal(store->key, place, secret_text(value), secret_size(value), &sealed, &size);
    if (r < 0)
        return err_set(err, r, ERR_RETRY, "can not seal the secret %s of %s", name, platform);
    return store_write_one(
        store,
        "INSERT INTO secrets (platform, name, key_id, sealed) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (platform, name) DO UPDATE SET key_id = excluded.key_id,"
        "  sealed = excluded.sealed",
        VALUES(TEXT(platform), TEXT(name), TEXT(seal_key_id(store->key)), BLOB(sealed, size)), err);
}

int sealed_delete(struct store *store, const char *platform, const char *name, struct err *err)
{
    return store_write_one(store, "DELETE FROM secrets WHERE platform = ? AND name = ?",
                           VALUES(TEXT(platform), TEXT(name)), err);
}
