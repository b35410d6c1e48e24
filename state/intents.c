/*
 * intents.c: durable notes before an act, one per token, cleared together with its result.
 */
#include <stdlib.h>

#include "state/store-internal.h"

int intent_put(struct store *store, const struct intent *intent, struct err *err)
{
    return store_write_one(
        store,
        "INSERT INTO intents (token, platform, address, action, operation, was_absent, at_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (token) DO UPDATE SET platform = excluded.platform, address = excluded.address,"
        "  action = excluded.action, operation = excluded.operation, was_absent = excluded.was_absent,"
        "  at_ms = excluded.at_ms"
        " WHERE platform IS NOT excluded.platform OR address IS NOT excluded.address"
        "  OR action IS NOT excluded.action OR operation IS NOT excluded.operation"
        "  OR was_absent IS NOT excluded.was_absent OR at_ms IS NOT excluded.at_ms",
        VALUES(TEXT(intent->token), TEXT(intent->platform), TEXT(intent->address), TEXT(intent->action),
               TEXT(intent->operation), INT(intent->was_absent), INT(intent->at_ms)),
        err);
}

int intent_clear(struct store *store, const char *token, struct err *err)
{
    return store_write_one(store, "DELETE FROM intents WHERE token = ?", VALUES(TEXT(token)), err);
}

static void intent_read(struct row *row, void *item)
{
    struct intent *intent = item;

    intent->token = row_text(row);
    intent->platform = row_text(row);
    intent->address = row_text(row);
    intent->action = row_text(row);
    intent->operation = row_text(row);
    intent->was_absent = row_int(row) != 0;
    intent->at_ms = row_int(row);
}

static void intents_release(void *items, size_t count)
{
    intents_free(items, count);
}

int intent_list(struct store *store, const char *platform, struct intent **ret, size_t *ret_count,
                struct err *err)
{
    return store_list(store,
                      "SELECT token, platform, address, action, operation, was_absent, at_ms FROM intents"
                      " WHERE platform = ? ORDER BY at_ms, rowid",
                      VALUES(TEXT(platform)), sizeof(struct intent), intent_read, intents_release, ret,
                      ret_count, err);
}

void intents_free(struct intent *intents, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(intents[i].token);
        free(intents[i].platform);
        free(intents[i].address);
        free(intents[i].action);
        free(intents[i].operation);
    }
    free(intents);
}
