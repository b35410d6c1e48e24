/*
 * outputs.c: a platform's outputs. Sensitive ones are sealed, bound to their place as in sealed.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/str.h"
#include "state/store-internal.h"

int output_put(struct store *store, const char *platform, const char *name, const char *type,
               const char *value, struct err *err)
{
    return store_write_one(
        store,
        "INSERT INTO outputs (platform, name, type, value) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (platform, name) DO UPDATE SET type = excluded.type, value = excluded.value,"
        "  key_id = NULL, sealed = NULL"
        " WHERE type IS NOT excluded.type OR value IS NOT excluded.value",
        VALUES(TEXT(platform), TEXT(name), TEXT(type), TEXT(value)), err);
}

/* One row in full: a sensitive output and how to open it. */
struct sealed_output {
    char *type, *key_id;
    unsigned char *sealed;
    size_t size;
};

static void sealed_output_done(struct sealed_output *output)
{
    free(output->type);
    free(output->key_id);
    free(output->sealed);
}

static int sealed_output_read(struct row *row, struct sealed_output *output)
{
    const void *sealed;

    output->type = row_text(row);
    output->key_id = row_text(row);
    sealed = row_blob(row, &output->size);
    if (sealed) {
        output->sealed = malloc(output->size);
        if (!output->sealed)
            return -ENOMEM;
        memcpy(output->sealed, sealed, output->size);
    }
    return row->failed ? -ENOMEM : 0;
}

/* -ENOENT without @err when there is no such row. */
static int sealed_output_get(struct store *store, const char *platform, const char *name,
                             struct sealed_output *ret, struct err *err)
{
    struct row row;
    int r;

    r = store_query(store, "SELECT type, key_id, sealed FROM outputs WHERE platform = ? AND name = ?",
                    VALUES(TEXT(platform), TEXT(name)), &row, err);
    if (r < 0)
        return r;
    r = store_next(store, &row, err);
    if (r <= 0)
        return r < 0 ? r : -ENOENT;
    r = sealed_output_read(&row, ret);
    store_done(&row);
    return r < 0 ? err_no_memory(err) : 0;
}

int output_secret(struct store *store, const char *platform, const char *name, struct secret **ret,
                  struct err *err)
{
    struct sealed_output output CLEANUP(sealed_output_done) = {0};
    int r;

    r = sealed_output_get(store, platform, name, &output, err);
    if (r == -ENOENT || (r == 0 && !output.sealed))
        return err_set(err, -ENOENT, ERR_ABSENT, "platform %s has no sensitive output %s", platform, name);
    if (r < 0)
        return r;
    return sealed_open(store, "outputs", platform, name, output.key_id, output.sealed, output.size, ret, err);
}

static bool is_stored(struct store *store, const char *platform, const char *name, const char *type,
                      const struct secret *value)
{
    struct sealed_output output CLEANUP(sealed_output_done) = {0};
    struct secret *stored CLEANUP_SECRET = NULL;

    if (sealed_output_get(store, platform, name, &output, NULL) < 0 || !output.sealed ||
        !str_equal(output.type, type))
        return false;
    return sealed_open(store, "outputs", platform, name, output.key_id, output.sealed, output.size, &stored,
                       NULL) == 0 &&
           secret_equal(stored, value);
}

int output_put_secret(struct store *store, const char *platform, const char *name, const char *type,
                      const struct secret *value, struct err *err)
{
    char *place CLEANUP_FREE = sealed_place("outputs", platform, name);
    unsigned char *sealed CLEANUP_FREE = NULL;
    size_t size;
    int r;

    if (is_stored(store, platform, name, type, value))
        return 0;
    if (!place)
        return err_no_memory(err);
    r = seal(store->key, place, secret_text(value), secret_size(value), &sealed, &size);
    if (r < 0)
        return err_set(err, r, ERR_RETRY, "can not seal the output %s of %s", name, platform);
    return store_write_one(
        store,
        "INSERT INTO outputs (platform, name, type, key_id, sealed) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (platform, name) DO UPDATE SET type = excluded.type, value = NULL,"
        "  key_id = excluded.key_id, sealed = excluded.sealed",
        VALUES(TEXT(platform), TEXT(name), TEXT(type), TEXT(seal_key_id(store->key)), BLOB(sealed, size)),
        err);
}

static void output_read(struct row *row, void *item)
{
    struct output *output = item;

    output->name = row_text(row);
    output->value = row_text(row);
    output->sensitive = row_int(row) != 0;
    output->type = row_text(row);
}

static void outputs_release(void *items, size_t count)
{
    outputs_free(items, count);
}

int output_list(struct store *store, const char *platform, struct output **ret, size_t *ret_count,
                struct err *err)
{
    return store_list(
        store, "SELECT name, value, sealed IS NOT NULL, type FROM outputs WHERE platform = ? ORDER BY name",
        VALUES(TEXT(platform)), sizeof(struct output), output_read, outputs_release, ret, ret_count, err);
}

static bool is_kept(const char *name, const char *const *keep, size_t keep_count)
{
    for (size_t i = 0; i < keep_count; i++) {
        if (str_equal(name, keep[i]))
            return true;
    }
    return false;
}

int output_delete_others(struct store *store, const char *platform, const char *const *keep,
                         size_t keep_count, struct err *err)
{
    struct output *outputs;
    size_t count;
    int r;

    r = output_list(store, platform, &outputs, &count, err);
    if (r < 0)
        return r;
    r = write_begin(store, err);
    if (r == 0) {
        for (size_t i = 0; r >= 0 && i < count; i++) {
            if (!is_kept(outputs[i].name, keep, keep_count))
                r = store_write(store, "DELETE FROM outputs WHERE platform = ? AND name = ?",
                                VALUES(TEXT(platform), TEXT(outputs[i].name)), err);
        }
        r = write_end(store, r, err);
    }
    outputs_free(outputs, count);
    return r;
}

void outputs_free(struct output *outputs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(outputs[i].name);
        free(outputs[i].value);
        free(outputs[i].type);
    }
    free(outputs);
}
