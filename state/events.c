/*
 * events.c: the history: what happened, newest first. Bounded: an event that is added pushes the oldest out.
 */
#include <stdlib.h>

#include "state/store-internal.h"

#define LIST_MAX 10000

static int add_and_prune(struct store *store, int64_t time_ms, const char *platform, const char *address,
                         const char *event, const char *detail, struct err *err)
{
    int r;

    r = store_write(store,
                    "INSERT INTO events (time_ms, platform, address, event, detail) VALUES (?, ?, ?, ?, ?)",
                    VALUES(INT(time_ms), TEXT(platform), TEXT(address), TEXT(event), TEXT(detail)), err);
    if (r < 0)
        return r;
    /* In the same commit, so that pruning never costs one of its own. */
    return store_write(store, "DELETE FROM events WHERE id <= ?",
                       VALUES(INT(sqlite3_last_insert_rowid(store->db) - STORE_EVENTS_MAX)), err);
}

int event_add(struct store *store, int64_t time_ms, const char *platform, const char *address,
              const char *event, const char *detail, struct err *err)
{
    int r;

    r = write_begin(store, err);
    if (r < 0)
        return r;
    r = add_and_prune(store, time_ms, platform, address, event, detail, err);
    return write_end(store, r, err);
}

static void event_read(struct row *row, void *item)
{
    struct event *event = item;

    event->id = row_int(row);
    event->time_ms = row_int(row);
    event->platform = row_text(row);
    event->address = row_text(row);
    event->event = row_text(row);
    event->detail = row_text(row);
}

static void events_release(void *items, size_t count)
{
    events_free(items, count);
}

int event_list(struct store *store, const char *platform, const char *address, int64_t before_id,
               size_t limit, struct event **ret, size_t *ret_count, struct err *err)
{
    /* Two texts: with "? IS NULL OR address = ?" the index would not be used. */
    static const char all[] = "SELECT id, time_ms, platform, address, event, detail FROM events"
                              " WHERE (?1 IS NULL OR platform = ?1) AND ?2 IS NULL AND (?3 = 0 OR id < ?3)"
                              " ORDER BY id DESC LIMIT ?4";
    static const char one[] = "SELECT id, time_ms, platform, address, event, detail FROM events"
                              " WHERE (?1 IS NULL OR platform = ?1) AND address = ?2 AND (?3 = 0 OR id < ?3)"
                              " ORDER BY id DESC LIMIT ?4";

    return store_list(store, address ? one : all,
                      VALUES(TEXT(platform), TEXT(address), INT(before_id),
                             INT((int64_t)(limit < LIST_MAX ? limit : LIST_MAX))),
                      sizeof(struct event), event_read, events_release, ret, ret_count, err);
}

void events_free(struct event *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(events[i].platform);
        free(events[i].address);
        free(events[i].event);
        free(events[i].detail);
    }
    free(events);
}
