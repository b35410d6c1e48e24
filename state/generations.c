/*
 * generations.c: numbered versions of a platform's desired state; the newest hundred are kept.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/str.h"
#include "state/store-internal.h"

void generation_done(struct generation *generation)
{
    if (!generation)
        return;
    free(generation->digest);
    free(generation->text);
    free(generation->file);
    memset(generation, 0, sizeof(*generation));
}

int generation_latest(struct store *store, const char *platform, struct generation *ret, struct err *err)
{
    struct generation found = {0};
    struct row row;
    int r;

    r = store_query(store,
                    "SELECT number, digest, text, file, created_ms FROM generations WHERE platform = ?"
                    " ORDER BY number DESC LIMIT 1",
                    VALUES(TEXT(platform)), &row, err);
    if (r < 0)
        return r;
    r = store_next(store, &row, err);
    if (r < 0)
        return r;
    if (r == 0)
        return err_set(err, -ENOENT, ERR_ABSENT, "platform %s has no generation yet", platform);
    found.number = row_int(&row);
    found.digest = row_text(&row);
    found.text = row_text(&row);
    found.file = row_text(&row);
    found.created_ms = row_int(&row);
    r = row.failed ? err_no_memory(err) : 0;
    store_done(&row);
    if (r < 0)
        generation_done(&found);
    else
        *ret = found;
    return r;
}

/* 1 when the newest has that digest, 0 when not; its number, 0 without one. */
static int newest_is(struct store *store, const char *platform, const char *digest, int64_t *ret_number,
                     struct err *err)
{
    char *newest CLEANUP_FREE = NULL;
    struct row row;
    int r;

    *ret_number = 0;
    r = store_query(store,
                    "SELECT number, digest FROM generations WHERE platform = ? ORDER BY number DESC LIMIT 1",
                    VALUES(TEXT(platform)), &row, err);
    if (r < 0)
        return r;
    r = store_next(store, &row, err);
    if (r <= 0)
        return r;
    *ret_number = row_int(&row);
    newest = row_text(&row);
    r = row.failed ? err_no_memory(err) : 0;
    store_done(&row);
    return r < 0 ? r : str_equal(newest, digest);
}

static int generation_add(struct store *store, const char *platform, const char *digest, const char *text,
                          const char *file, int64_t number, struct err *err)
{
    int r;

    r = store_write(store,
                    "INSERT INTO generations (platform, number, digest, text, file, created_ms)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    VALUES(TEXT(platform), INT(number), TEXT(digest), TEXT(text), TEXT(file),
                           INT(clock_wall_ms(store->clock))),
                    err);
    if (r < 0)
        return r;
    return store_write(store, "DELETE FROM generations WHERE platform = ? AND number <= ?",
                       VALUES(TEXT(platform), INT(number - STORE_GENERATIONS_MAX)), err);
}

int generation_put(struct store *store, const char *platform, const char *digest, const char *text,
                   const char *file, int64_t *ret_number, struct err *err)
{
    int64_t number;
    int r;

    r = newest_is(store, platform, digest, &number, err);
    if (r < 0)
        return r;
    if (r == 0) {
        r = write_begin(store, err);
        if (r < 0)
            return r;
        r = generation_add(store, platform, digest, text, file, ++number, err);
        r = write_end(store, r, err);
        if (r < 0)
            return r;
    }
    *ret_number = number;
    return 0;
}
