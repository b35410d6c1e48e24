/*
 * sqlite_err.c: SQLite's result codes to errno, class and a text that says what to do. The one place for it.
 */
#include <errno.h>

#include "state/store-internal.h"

static const struct {
    int sqlite;
    int code;
    enum err_class class;
    const char *advice; /* NULL = SQLite's own text says it */
} rows[] = {
    {SQLITE_FULL, -ENOSPC, ERR_RETRY, "the disk is full: free some space; nothing was changed"},
    {SQLITE_READONLY, -EROFS, ERR_RETRY,
     "the file can not be written: check the mount, its owner and its mode"},
    {SQLITE_BUSY, -EBUSY, ERR_BUSY, "another program holds the file: look with fuser"},
    {SQLITE_LOCKED, -EBUSY, ERR_BUSY, NULL},
    {SQLITE_IOERR, -EIO, ERR_RETRY, "the disk failed or a limit was reached: see the kernel log"},
    {SQLITE_PROTOCOL, -EIO, ERR_RETRY, NULL},
    {SQLITE_NOMEM, -ENOMEM, ERR_RETRY, NULL},
    {SQLITE_TOOBIG, -E2BIG, ERR_LIMIT, NULL},
    {SQLITE_PERM, -EACCES, ERR_DENIED, NULL},
    {SQLITE_AUTH, -EACCES, ERR_DENIED, NULL},
    {SQLITE_CONSTRAINT, -EINVAL, ERR_BUG, NULL},
    {SQLITE_MISMATCH, -EINVAL, ERR_BUG, NULL},
    {SQLITE_MISUSE, -EINVAL, ERR_BUG, NULL},
    {SQLITE_RANGE, -EINVAL, ERR_BUG, NULL},
    {SQLITE_SCHEMA, -EINVAL, ERR_BUG, NULL},
    {SQLITE_ERROR, -EINVAL, ERR_BUG, NULL},
};

int sqlite_err_damaged(struct store *store, struct err *err, const char *detail)
{
    return err_set(err, -EUCLEAN, ERR_BUG,
                   "%s is damaged (%s): move it away (mlopsd finds its resources again by their tags) or put "
                   "a backup in its place",
                   store->path, detail);
}

/* A full disk that shows in shared memory or as a limit on the size of files comes as "disk I/O error". */
static int real_code(struct store *store, int rc)
{
    int system = sqlite3_system_errno(store->db);

    if ((rc & 0xff) != SQLITE_IOERR)
        return rc & 0xff;
    if (rc == SQLITE_IOERR_SHMSIZE || system == ENOSPC || system == EDQUOT || system == EFBIG)
        return SQLITE_FULL;
    return SQLITE_IOERR;
}

static int cantopen_err(struct store *store, struct err *err)
{
    int system = sqlite3_system_errno(store->db);

    if (system <= 0)
        system = EIO;
    errno = system;
    return err_set(err, -system, ERR_RETRY, "can not open %s: %m", store->path);
}

int sqlite_err(struct store *store, int rc, struct err *err, const char *doing)
{
    int primary = real_code(store, rc);
    const char *detail = sqlite3_errmsg(store->db);

    if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB)
        return sqlite_err_damaged(store, err, detail);
    if (primary == SQLITE_CANTOPEN)
        return cantopen_err(store, err);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].sqlite != primary)
            continue;
        if (rows[i].code == -ENOMEM)
            return err_no_memory(err);
        return err_set(err, rows[i].code, rows[i].class, "%s: %s: %s", store->path, doing,
                       rows[i].advice ? rows[i].advice : detail);
    }
    return err_set(err, -EIO, ERR_RETRY, "%s: %s: %s (SQLite code %d)", store->path, doing, detail, rc);
}
