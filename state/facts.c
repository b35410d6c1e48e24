/*
 * facts.c: small things that must survive a restart, by name.
 */
#include <errno.h>
#include <stdlib.h>

#include "state/store-internal.h"

int fact_put(struct store *store, const char *platform, const char *name, const char *value, struct err *err)
{
    if (!value)
        return store_write_one(store, "DELETE FROM facts WHERE platform = ? AND name = ?",
                               VALUES(TEXT(platform), TEXT(name)), err);
    return store_write_one(store,
                           "INSERT INTO facts (platform, name, value) VALUES (?, ?, ?)"
                           " ON CONFLICT (platform, name) DO UPDATE SET value = excluded.value"
                           " WHERE value IS NOT excluded.value",
                           VALUES(TEXT(platform), TEXT(name), TEXT(value)), err);
}

int fact_get(struct store *store, const char *platform, const char *name, char **ret, struct err *err)
{
    struct row row;
    char *value;
    int r;

    r = store_query(store, "SELECT value FROM facts WHERE platform = ? AND name = ?",
                    VALUES(TEXT(platform), TEXT(name)), &row, err);
    if (r < 0)
        return r;
    r = store_next(store, &row, err);
    if (r < 0)
        return r;
    if (r == 0)
        return err_set(err, -ENOENT, ERR_ABSENT, "platform %s has no fact %s", platform, name);
    value = row_text(&row);
    store_done(&row);
    if (!value)
        return err_no_memory(err);
    *ret = value;
    return 0;
}

int fact_holders(struct store *store, const char *name, struct strv *ret, struct err *err)
{
    struct row row;
    int r = store_query(store, "SELECT platform FROM facts WHERE name = ? ORDER BY platform",
                        VALUES(TEXT(name)), &row, err);

    if (r < 0)
        return r;
    while ((r = store_next(store, &row, err)) > 0) {
        char *platform CLEANUP_FREE = row_text(&row);

        if (!platform || strv_add(ret, platform) < 0) {
            store_done(&row);
            return err_no_memory(err);
        }
    }
    return r;
}
