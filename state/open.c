/*
 * open.c: from a directory to a checked, up-to-date connection.
 *
 * Order: directory, lock, file, connection; is it ours, not newer, not damaged; only then is anything
 * changed: WAL, tables, key. Until the end the connection is told to leave the log alone, so that a refused
 * file stays as it was.
 *
 * Reading only: the file is copied into memory at once (a consistent picture, whatever a running daemon does
 * later), and the copy is worked with. Nothing on the disk is made, changed or kept locked.
 *
 * Ways to fail: no right to the directory, another holder, disk full, damaged, newer, wrong key.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/encode.h"
#include "common/str.h"
#include "state/store-internal.h"

#define BUSY_TIMEOUT_MS 1000
#define VALUE_MAX_BYTES (64 * 1024 * 1024)
#define BACKUP_TRIES    50
#define BACKUP_PAUSE_MS 20

static int configure(struct store *store, struct err *err)
{
    static const struct {
        int option, value;
    } options[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1},
    };
    int rc;

    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        rc = sqlite3_db_config(store->db, options[i].option, options[i].value, NULL);
        if (rc != SQLITE_OK)
            return sqlite_err(store, rc, err, "configure");
    }
    (void)sqlite3_limit(store->db, SQLITE_LIMIT_LENGTH, VALUE_MAX_BYTES); /* returns the old limit */
    (void)sqlite3_limit(store->db, SQLITE_LIMIT_ATTACHED, 1);             /* VACUUM INTO needs one */
    sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    rc = sqlite3_prepare_v3(store->db, "ROLLBACK", -1, SQLITE_PREPARE_PERSISTENT, &store->undo, NULL);
    if (rc != SQLITE_OK)
        return sqlite_err(store, rc, err, "configure");
    return store_exec(store, "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;", err);
}

static int connect_to(struct store *store, const char *name, int flags, const char *vfs, sqlite3 **ret,
                      struct err *err)
{
    sqlite3 *db = NULL;
    int r, rc;

    rc = sqlite3_open_v2(name, &db, flags | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX, vfs);
    if (rc == SQLITE_OK) {
        *ret = db;
        return 0;
    }
    if (!db)
        return err_no_memory(err);
    r = rc & 0xff;
    errno = sqlite3_system_errno(db);
    r = err_set(err, errno > 0 ? -errno : -EIO, ERR_RETRY, "can not open %s: %s", store->path,
                errno > 0 ? strerror(errno) : sqlite3_errstr(r));
    sqlite3_close(db);
    return r;
}

static int quick_check(struct store *store, struct err *err)
{
    char *verdict CLEANUP_FREE = NULL;
    struct row row;
    int r;

    r = store_query(store, "PRAGMA quick_check(1)", (struct values){0}, &row, err);
    if (r < 0)
        return r;
    r = store_next(store, &row, err);
    if (r < 0)
        return r;
    verdict = r > 0 ? row_text(&row) : NULL;
    store_done(&row);
    if (!verdict)
        return err_no_memory(err);
    return str_equal(verdict, "ok") ? 0 : sqlite_err_damaged(store, err, verdict);
}

static int wal_enable(struct store *store, struct err *err)
{
    char *mode CLEANUP_FREE = NULL;
    struct row row;
    int r;

    r = store_query(store, "PRAGMA journal_mode = WAL", (struct values){0}, &row, err);
    if (r < 0)
        return r;
    r = store_next(store, &row, err);
    if (r < 0)
        return r;
    mode = r > 0 ? row_text(&row) : NULL;
    store_done(&row);
    if (!str_equal(mode, "wal"))
        return err_set(err, -EIO, ERR_RETRY, "%s: this file system can not keep a write-ahead log",
                       store->path);
    /* Checkpoints belong to store_idle(); the automatic one is for a daemon that is never idle. */
    return store_exec(
        store,
        "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = 4000;"
        "PRAGMA journal_size_limit = 4194304;",
        err);
}

static int finish(struct store *store, const struct store_setup *setup, struct err *err)
{
    int r;

    r = schema_migrate(store, setup, err);
    if (r == 0)
        r = store_exec(store,
                       "PRAGMA foreign_keys = ON;"
                       "CREATE TEMP TABLE pending_proofs (record INTEGER PRIMARY KEY, proof_ms INTEGER NOT "
                       "NULL) STRICT;",
                       err);
    if (r == 0)
        r = key_load(store, err);
    if (r == 0)
        (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL); /* configure() could */
    return r;
}

static int directory_prepare(const char *directory, struct err *err)
{
    int code;

    if (mkdir(directory, 0700) == 0) {
        /* An odd umask may have taken even our own rights away. */
        if (chmod(directory, 0700) == 0)
            return 0;
    } else if (errno == EEXIST) {
        return 0;
    }
    code = -errno;
    return err_set(err, code, ERR_RETRY, "can not make the state directory %s: %m", directory);
}

/* SQLite gives the log and the shared memory the mode of the file. */
static int file_prepare(struct store *store, struct err *err)
{
    int fd = private_file_create(store->path, err);

    if (fd == -EEXIST)
        return 0;
    if (fd < 0)
        return fd;
    close(fd);
    return directory_sync(store->directory, err);
}

static int open_to_write(struct store *store, const struct store_setup *setup, struct err *err)
{
    int r;

    r = directory_prepare(store->directory, err);
    if (r < 0)
        return r;
    store->lock_fd = lock_take(store->directory, err);
    if (store->lock_fd < 0)
        return store->lock_fd;
    r = file_prepare(store, err);
    if (r == 0)
        r = connect_to(store, store->path, SQLITE_OPEN_READWRITE, setup->vfs, &store->db, err);
    if (r == 0)
        r = configure(store, err);
    if (r == 0)
        r = schema_version_check(store, setup, err);
    if (r == 0)
        r = quick_check(store, err);
    if (r == 0)
        r = wal_enable(store, err);
    return r < 0 ? r : finish(store, setup, err);
}

/*
 * With a log beside it the file is, or was, in use, and must be read through the log. Without one it is
 * complete, and "immutable" keeps SQLite from making the files it would otherwise need.
 */
static int source_open(struct store *store, const char *vfs, sqlite3 **ret, struct err *err)
{
    char *escaped CLEANUP_FREE = encode_percent(store->path, true);
    char *log CLEANUP_FREE = str_format("%s-wal", store->path);
    char *uri CLEANUP_FREE = NULL;
    bool is_whole;

    if (!escaped || !log)
        return err_no_memory(err);
    is_whole = access(log, F_OK) < 0;
    uri = str_format("file:%s?%s", escaped, is_whole ? "immutable=1" : "mode=ro");
    if (!uri)
        return err_no_memory(err);
    return connect_to(store, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, vfs, ret, err);
}

static int copy_pages(struct store *store, sqlite3 *source, struct err *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(store->db, "main", source, "main");
    int rc, tries = 0;

    if (!backup)
        return sqlite_err(store, sqlite3_errcode(store->db), err, "copy");
    do {
        rc = sqlite3_backup_step(backup, -1);
        if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
            sqlite3_sleep(BACKUP_PAUSE_MS);
    } while ((rc == SQLITE_BUSY || rc == SQLITE_LOCKED) && ++tries < BACKUP_TRIES);
    (void)sqlite3_backup_finish(backup); /* gives the same code again */
    return rc == SQLITE_DONE ? 0 : sqlite_err(store, rc, err, "copy");
}

static int open_to_read(struct store *store, const struct store_setup *setup, struct err *err)
{
    sqlite3 *source;
    int r;

    r = connect_to(store, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, NULL, &store->db, err);
    if (r == 0)
        r = configure(store, err);
    if (r == 0 && access(store->path, F_OK) == 0) {
        r = source_open(store, setup->vfs, &source, err);
        if (r < 0)
            return r;
        r = copy_pages(store, source, err);
        sqlite3_close(source);
    }
    if (r == 0)
        r = schema_version_check(store, setup, err);
    if (r == 0)
        r = quick_check(store, err);
    return r < 0 ? r : finish(store, setup, err);
}

int store_open_with(const struct store_options *options, const struct store_setup *setup, struct store **ret,
                    struct err *err)
{
    struct store *store = calloc(1, sizeof(*store));
    int r;

    if (!store)
        return err_no_memory(err);
    store->lock_fd = -1;
    store->clock = options->clock;
    store->read_only = options->read_only;
    store->directory = strdup(options->directory);
    store->path = str_format("%s/state.db", options->directory);
    if (!store->directory || !store->path)
        r = err_no_memory(err);
    else
        r = store->read_only ? open_to_read(store, setup, err) : open_to_write(store, setup, err);
    if (r < 0) {
        store_close(store);
        return r;
    }
    *ret = store;
    return 0;
}

int store_open(const struct store_options *options, struct store **ret, struct err *err)
{
    return store_open_with(options, &store_setup_default, ret, err);
}

struct store *store_close(struct store *store)
{
    if (!store)
        return NULL;
    store_rollback(store);
    statements_close(store);
    sqlite3_finalize(store->undo);
    sqlite3_close(store->db);
    if (store->lock_fd >= 0)
        close(store->lock_fd); /* last: the next holder must find the file closed */
    seal_key_free(store->key);
    err_done(&store->group_err);
    free(store->directory);
    free(store->path);
    free(store);
    return NULL;
}
