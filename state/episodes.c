/*
 * episodes.c: drift from first sight to its end. Closed ones are kept up to a number, the oldest go first.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "state/store-internal.h"

#define COLUMNS                                                                                              \
    "id, platform, address, type, field, kind, severity, desired, observed, state, first_seen_ms, "          \
    "last_change_ms, closed_ms, reminded_ms, flips"

void episode_done(struct episode *episode)
{
    if (!episode)
        return;
    free(episode->platform);
    free(episode->address);
    free(episode->type);
    free(episode->field);
    free(episode->kind);
    free(episode->severity);
    free(episode->desired);
    free(episode->observed);
    free(episode->state);
    memset(episode, 0, sizeof(*episode));
}

void episodes_free(struct episode *episodes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        episode_done(&episodes[i]);
    free(episodes);
}

/* Ids grow by one, so the distance from the newest counts well enough, and costs one step in the index. */
static int prune(struct store *store, int64_t newest_id, struct err *err)
{
    return store_write(store, "DELETE FROM episodes WHERE id <= ? AND closed_ms <> 0",
                       VALUES(INT(newest_id - STORE_CLOSED_MAX)), err);
}

static int episode_add(struct store *store, const struct episode *episode, int64_t *ret_id, struct err *err)
{
    int r;

    r = store_write(
        store,
        "INSERT INTO episodes (platform, address, type, field, kind, severity, desired, observed, state,"
        "  first_seen_ms, last_change_ms, closed_ms, reminded_ms, flips)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        VALUES(TEXT(episode->platform), TEXT(episode->address), TEXT(episode->type), TEXT(episode->field),
               TEXT(episode->kind), TEXT(episode->severity), TEXT(episode->desired), TEXT(episode->observed),
               TEXT(episode->state), INT(episode->first_seen_ms), INT(episode->last_change_ms),
               INT(episode->closed_ms), INT(episode->reminded_ms), INT(episode->flips)),
        err);
    if (r < 0)
        return r;
    *ret_id = sqlite3_last_insert_rowid(store->db);
    return prune(store, *ret_id, err);
}

static int episode_update(struct store *store, const struct episode *episode, struct err *err)
{
    return store_write(
        store,
        "UPDATE episodes SET platform = ?2, address = ?3, type = ?4, field = ?5, kind = ?6, severity = ?7,"
        "  desired = ?8, observed = ?9, state = ?10, first_seen_ms = ?11, last_change_ms = ?12, closed_ms = "
        "?13,"
        "  reminded_ms = ?14, flips = ?15"
        " WHERE id = ?1 AND (platform IS NOT ?2 OR address IS NOT ?3 OR type IS NOT ?4 OR field IS NOT ?5"
        "  OR kind IS NOT ?6 OR severity IS NOT ?7 OR desired IS NOT ?8 OR observed IS NOT ?9 OR state IS "
        "NOT ?10"
        "  OR first_seen_ms IS NOT ?11 OR last_change_ms IS NOT ?12 OR closed_ms IS NOT ?13"
        "  OR reminded_ms IS NOT ?14 OR flips IS NOT ?15)",
        VALUES(INT(episode->id), TEXT(episode->platform), TEXT(episode->address), TEXT(episode->type),
               TEXT(episode->field), TEXT(episode->kind), TEXT(episode->severity), TEXT(episode->desired),
               TEXT(episode->observed), TEXT(episode->state), INT(episode->first_seen_ms),
               INT(episode->last_change_ms), INT(episode->closed_ms), INT(episode->reminded_ms),
               INT(episode->flips)),
        err);
}

/* The update that changed nothing: was there a row at all? */
static int episode_must_exist(struct store *store, int64_t id, struct err *err)
{
    struct row row;
    int r;

    r = store_query(store, "SELECT 1 FROM episodes WHERE id = ?", VALUES(INT(id)), &row, err);
    if (r < 0)
        return r;
    r = store_next(store, &row, err);
    if (r == 0)
        return err_set(err, -ENOENT, ERR_ABSENT, "there is no drift episode %" PRId64, id);
    if (r > 0)
        store_done(&row);
    return r;
}

int episode_put(struct store *store, struct episode *episode, struct err *err)
{
    int64_t id = episode->id;
    int r;

    r = write_begin(store, err);
    if (r < 0)
        return r;
    if (id == 0)
        r = episode_add(store, episode, &id, err);
    else
        r = episode_update(store, episode, err);
    if (r == 0 && episode->id != 0)
        r = episode_must_exist(store, id, err);
    r = write_end(store, r, err);
    if (r == 0)
        episode->id = id;
    return r;
}

static void episode_read(struct row *row, void *item)
{
    struct episode *episode = item;

    episode->id = row_int(row);
    episode->platform = row_text(row);
    episode->address = row_text(row);
    episode->type = row_text(row);
    episode->field = row_text(row);
    episode->kind = row_text(row);
    episode->severity = row_text(row);
    episode->desired = row_text(row);
    episode->observed = row_text(row);
    episode->state = row_text(row);
    episode->first_seen_ms = row_int(row);
    episode->last_change_ms = row_int(row);
    episode->closed_ms = row_int(row);
    episode->reminded_ms = row_int(row);
    episode->flips = (uint32_t)row_int(row);
}

static void episodes_release(void *items, size_t count)
{
    episodes_free(items, count);
}

int episode_list_open(struct store *store, const char *platform, struct episode **ret, size_t *ret_count,
                      struct err *err)
{
    return store_list(store,
                      "SELECT " COLUMNS " FROM episodes WHERE closed_ms = 0 AND (?1 IS NULL OR platform = ?1)"
                      " ORDER BY first_seen_ms, id",
                      VALUES(TEXT(platform)), sizeof(struct episode), episode_read, episodes_release, ret,
                      ret_count, err);
}

int episode_list_closed(struct store *store, const char *platform, int64_t since_ms, size_t limit,
                        struct episode **ret, size_t *ret_count, struct err *err)
{
    return store_list(store,
                      "SELECT " COLUMNS " FROM episodes WHERE closed_ms <> 0 AND closed_ms >= ?2"
                      "  AND (?1 IS NULL OR platform = ?1) ORDER BY closed_ms DESC, id DESC LIMIT ?3",
                      VALUES(TEXT(platform), INT(since_ms), INT((int64_t)limit)), sizeof(struct episode),
                      episode_read, episodes_release, ret, ret_count, err);
}
