/*
 * store.c: transactions, commits and housekeeping.
 *
 *          write_begin          store_write   write_end
 *   alone  BEGIN IMMEDIATE    ->  rows  ->  COMMIT, or ROLLBACK when nothing changed or something failed
 *   group  (store_begin did)  ->  rows  ->  nothing; a failure undoes the group at once and spoils the rest
 *
 * A commit is the only thing here that waits for the disk; each one is timed.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "common/fiber.h"
#include "common/log.h"
#include "state/store-internal.h"

#define SLOW_COMMIT_MS 100
#define UNDO_TRIES     3

const struct seal_key *store_key(const struct store *store)
{
    return store->key;
}

uint64_t store_commits(const struct store *store)
{
    return store->commits;
}

/*
 * The statement is prepared at the start, because this must also work without memory. SQLite itself has
 * already undone a transaction that hit a full disk; asking again would be an error.
 */
static void undo(struct store *store)
{
    for (int i = 0; i < UNDO_TRIES && !sqlite3_get_autocommit(store->db); i++) {
        (void)sqlite3_step(store->undo); /* whether the transaction ended is asked above, not here */
        sqlite3_reset(store->undo);
    }
    assert(sqlite3_get_autocommit(store->db));
    store->changes = 0;
}

static int begin(struct store *store, struct err *err)
{
    int r;

    assert(sqlite3_get_autocommit(store->db));
    if (store->read_only)
        return err_set(err, -EROFS, ERR_INVALID, "%s was opened for reading only", store->path);
    r = store_exec(store, "BEGIN IMMEDIATE", err);
    store->changes = 0;
    if (r < 0)
        undo(store); /* it may have begun and then failed */
    return r;
}

static int commit_timed(struct store *store, struct err *err)
{
    uint64_t start_ms = clock_monotonic_ms(store->clock), took_ms;
    int rc;

    rc = sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
    took_ms = clock_monotonic_ms(store->clock) - start_ms;
    if (took_ms > SLOW_COMMIT_MS)
        log_warning("%s: a commit took %" PRIu64 " ms: the disk is slow, and everything waits for it",
                    store->path, took_ms);
    return rc == SQLITE_OK ? 0 : sqlite_err(store, rc, err, "commit");
}

static int commit(struct store *store, struct err *err)
{
    bool is_worth = store->changes > 0;
    int r = 0;

    if (!is_worth && !store->has_proofs) {
        undo(store);
        return 0;
    }
    if (is_worth && store->has_proofs)
        r = proofs_flush(store, err);
    /* With changes in memory only, this touches no page of the file. */
    if (r == 0)
        r = commit_timed(store, err);
    if (r < 0) {
        undo(store);
        return r;
    }
    if (is_worth) {
        store->has_proofs = false;
        store->commits++;
    }
    store->changes = 0;
    return 0;
}

int store_begin(struct store *store, struct err *err)
{
    int r;

    assert(!store->in_group);
    r = begin(store, err);
    if (r < 0)
        return r;
    store->in_group = true;
    fiber_no_yield_begin();
    return 0;
}

static void group_leave(struct store *store)
{
    store->in_group = false;
    err_done(&store->group_err);
    fiber_no_yield_end();
}

int store_commit(struct store *store, struct err *err)
{
    int r;

    assert(store->in_group);
    if (store->group_err.code < 0) {
        r = store->group_err.code;
        if (err)
            err_move(err, &store->group_err);
    } else {
        r = commit(store, err);
    }
    group_leave(store);
    return r;
}

void store_rollback(struct store *store)
{
    if (!store->in_group)
        return;
    undo(store);
    group_leave(store);
}

int write_begin(struct store *store, struct err *err)
{
    if (!store->in_group)
        return begin(store, err);
    if (store->group_err.code < 0) {
        if (err)
            err_copy(err, &store->group_err);
        return store->group_err.code;
    }
    return 0;
}

/* The transaction is gone: what the caller still adds to the group must not become commits of their own. */
static void group_spoil(struct store *store, int r, const struct err *err)
{
    undo(store);
    if (err)
        err_copy(&store->group_err, err);
    store->group_err.code = r;
}

int write_end(struct store *store, int r, struct err *err)
{
    if (r < 0) {
        if (store->in_group)
            group_spoil(store, r, err);
        else
            undo(store);
        return r;
    }
    return store->in_group ? 0 : commit(store, err);
}

int store_write_one(struct store *store, const char *sql, struct values values, struct err *err)
{
    int r;

    r = write_begin(store, err);
    if (r < 0)
        return r;
    r = store_write(store, sql, values, err);
    return write_end(store, r, err);
}

void store_idle(struct store *store)
{
    int rc;

    assert(!store->in_group);
    if (store->read_only)
        return;
    /* BUSY only means that a reader still needs some frames: they stay for the next time. */
    rc = sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (rc != SQLITE_OK && rc != SQLITE_BUSY)
        log_warning("%s: moving the log into the file: %s", store->path, sqlite3_errmsg(store->db));
    (void)sqlite3_db_release_memory(store->db); /* a hint: says only whether it could */
}
