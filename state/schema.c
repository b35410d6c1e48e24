/*
 * schema.c: the tables, and how an older file gets them.
 *
 * PRAGMA user_version counts the migrations that a file has seen; each runs in one transaction with its
 * number. To change the schema add a row below, never edit one. A file with a higher number belongs to a
 * newer mlopsd: hands off.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"
#include "common/str.h"
#include "state/store-internal.h"

static const char version_1[] =
    /* One sealed text: tells whether the key fits before anything else is touched. */
    "CREATE TABLE seal_check ("
    "  id INTEGER PRIMARY KEY CHECK (id = 1),"
    "  key_id TEXT NOT NULL,"
    "  sealed BLOB NOT NULL"
    ") STRICT;"

    "CREATE TABLE generations ("
    "  platform TEXT NOT NULL,"
    "  number INTEGER NOT NULL CHECK (number > 0),"
    "  digest TEXT NOT NULL CHECK (digest <> ''),"
    "  text TEXT NOT NULL,"
    "  file TEXT NOT NULL,"
    "  created_ms INTEGER NOT NULL,"
    "  PRIMARY KEY (platform, number)"
    ") STRICT;"

    "CREATE TABLE records ("
    "  id INTEGER PRIMARY KEY,"
    "  platform TEXT NOT NULL,"
    "  address TEXT NOT NULL CHECK (address <> ''),"
    "  type TEXT NOT NULL CHECK (type <> ''),"
    "  cloud_id TEXT,"
    "  attributes TEXT,"
    "  memory TEXT,"
    "  desired TEXT,"
    "  needs TEXT,"
    "  applied TEXT,"
    "  created_ms INTEGER NOT NULL CHECK (created_ms >= 0),"
    "  written_ms INTEGER NOT NULL CHECK (written_ms >= 0),"
    "  sightings INTEGER NOT NULL CHECK (sightings >= 0),"
    "  UNIQUE (platform, address)"
    ") STRICT;"

    /* Apart from records and narrow: it changes with every pass, and is written beside other things only. */
    "CREATE TABLE proofs ("
    "  record INTEGER PRIMARY KEY REFERENCES records (id) ON DELETE CASCADE,"
    "  proof_ms INTEGER NOT NULL"
    ") STRICT;"

    "CREATE TABLE intents ("
    "  token TEXT PRIMARY KEY CHECK (token <> ''),"
    "  platform TEXT NOT NULL,"
    "  address TEXT NOT NULL CHECK (address <> ''),"
    "  action TEXT NOT NULL CONSTRAINT known_action CHECK (action IN ('create', 'replace', 'delete', "
    "'update')),"
    "  operation TEXT NOT NULL,"
    "  was_absent INTEGER NOT NULL CHECK (was_absent IN (0, 1)),"
    "  at_ms INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX intents_by_platform ON intents (platform, at_ms);"

    "CREATE TABLE secrets ("
    "  platform TEXT NOT NULL,"
    "  name TEXT NOT NULL CHECK (name <> ''),"
    "  key_id TEXT NOT NULL,"
    "  sealed BLOB NOT NULL,"
    "  PRIMARY KEY (platform, name)"
    ") STRICT;"

    "CREATE TABLE episodes ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  platform TEXT NOT NULL,"
    "  address TEXT NOT NULL CHECK (address <> ''),"
    "  type TEXT NOT NULL,"
    "  field TEXT,"
    "  kind TEXT NOT NULL CONSTRAINT known_kind CHECK (kind IN ('changed', 'missing', 'extra')),"
    "  severity TEXT NOT NULL CONSTRAINT known_severity CHECK (severity IN ('critical', 'warning', "
    "'notice')),"
    "  desired TEXT,"
    "  observed TEXT,"
    "  state TEXT NOT NULL CONSTRAINT known_state"
    "    CHECK (state IN ('open', 'healing', 'resolved', 'ignored', 'contested')),"
    "  first_seen_ms INTEGER NOT NULL,"
    "  last_change_ms INTEGER NOT NULL,"
    "  closed_ms INTEGER NOT NULL CHECK (closed_ms >= 0),"
    "  reminded_ms INTEGER NOT NULL,"
    "  flips INTEGER NOT NULL CHECK (flips >= 0)"
    ") STRICT;"
    "CREATE INDEX episodes_open ON episodes (first_seen_ms) WHERE closed_ms = 0;"
    "CREATE INDEX episodes_closed ON episodes (closed_ms) WHERE closed_ms <> 0;"

    "CREATE TABLE events ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  time_ms INTEGER NOT NULL,"
    "  platform TEXT NOT NULL,"
    "  address TEXT,"
    "  event TEXT NOT NULL CHECK (event <> ''),"
    "  detail TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX events_by_address ON events (address);"

    "CREATE TABLE outputs ("
    "  platform TEXT NOT NULL,"
    "  name TEXT NOT NULL CHECK (name <> ''),"
    "  type TEXT NOT NULL,"
    "  value TEXT,"
    "  key_id TEXT,"
    "  sealed BLOB,"
    "  PRIMARY KEY (platform, name),"
    "  CONSTRAINT open_or_sealed CHECK ((value IS NULL) <> (sealed IS NULL) AND (key_id IS NULL) = (sealed "
    "IS NULL))"
    ") STRICT;"

    "CREATE TABLE facts ("
    "  platform TEXT NOT NULL,"
    "  name TEXT NOT NULL CHECK (name <> ''),"
    "  value TEXT NOT NULL,"
    "  PRIMARY KEY (platform, name)"
    ") STRICT;";

static const struct migration migrations[] = {
    {version_1},
};

const struct store_setup store_setup_default = {
    .migrations = migrations,
    .migration_count = ARRAY_SIZE(migrations),
};

static int pragma_int(struct store *store, const char *sql, int64_t *ret, struct err *err)
{
    struct row row;
    int r;

    r = store_query(store, sql, (struct values){0}, &row, err);
    if (r < 0)
        return r;
    r = store_next(store, &row, err);
    if (r < 0)
        return r;
    *ret = r > 0 ? row_int(&row) : 0;
    store_done(&row);
    return 0;
}

static int version_get(struct store *store, int64_t *ret, struct err *err)
{
    return pragma_int(store, "PRAGMA user_version", ret, err);
}

int schema_version_check(struct store *store, const struct store_setup *setup, struct err *err)
{
    int64_t version, application, tables;
    int r;

    r = version_get(store, &version, err);
    if (r == 0)
        r = pragma_int(store, "PRAGMA application_id", &application, err);
    if (r == 0)
        r = pragma_int(store, "SELECT count(*) FROM sqlite_schema", &tables, err);
    if (r < 0)
        return r;
    if (tables > 0 && application != STORE_APPLICATION_ID)
        return sqlite_err_damaged(store, err, "it was not made by mlopsd");
    if (version > (int64_t)setup->migration_count)
        return err_set(err, -ENOTSUP, ERR_INVALID,
                       "%s was made by a newer mlopsd (schema %" PRId64
                       ", this one knows %zu): start that one, or move "
                       "the file away",
                       store->path, version, setup->migration_count);
    if (version < 0 || (version == 0) != (tables == 0))
        return sqlite_err_damaged(store, err, "its version does not fit its tables");
    return 0;
}

static int vacuum_into(struct store *store, const char *path, struct err *err)
{
    struct row row;
    int r;

    r = store_query(store, "VACUUM INTO ?", VALUES(TEXT(path)), &row, err);
    return r < 0 ? r : store_next(store, &row, err);
}

/* A draft left by a crash is worth nothing; the finished copy gets its name at once. */
static int backup_make(struct store *store, int64_t version, struct err *err)
{
    char *path CLEANUP_FREE = str_format("%s.v%" PRId64 ".backup", store->path, version);
    char *draft CLEANUP_FREE = str_format("%s.v%" PRId64 ".backup.new", store->path, version);
    int fd, r;

    if (!path || !draft)
        return err_no_memory(err);
    (void)unlink(draft); /* most often there is none; what else could fail shows in the next line */
    fd = private_file_create(draft, err);
    if (fd < 0)
        return fd == -EEXIST ? err_set(err, -EEXIST, ERR_INVALID, "can not replace %s", draft) : fd;
    r = vacuum_into(store, draft, err);
    if (r == 0 && fsync(fd) < 0)
        r = err_set(err, -EIO, ERR_RETRY, "can not write %s to the disk: %m", draft);
    close(fd);
    if (r == 0 && rename(draft, path) < 0) {
        r = -errno;
        err_set(err, r, ERR_RETRY, "can not rename %s to %s: %m", draft, path);
    }
    if (r < 0) {
        (void)unlink(draft); /* half a copy: the failure itself is what counts */
        return r;
    }
    log_notice("%s: schema %" PRId64 " is brought up to date; a copy of it is %s", store->path, version,
               path);
    return directory_sync(store->directory, err);
}

static int references_check(struct store *store, struct err *err)
{
    struct row row;
    int r;

    r = store_query(store, "PRAGMA foreign_key_check", (struct values){0}, &row, err);
    if (r < 0)
        return r;
    r = store_next(store, &row, err);
    if (r <= 0)
        return r;
    store_done(&row);
    return sqlite_err_damaged(store, err, "a row refers to one that is not there");
}

static int step_up(struct store *store, const struct store_setup *setup, size_t version, struct err *err)
{
    char *number CLEANUP_FREE = str_format("PRAGMA user_version = %zu", version + 1);
    char *owner CLEANUP_FREE = str_format("PRAGMA application_id = %d", STORE_APPLICATION_ID);
    int r;

    if (!number || !owner)
        return err_no_memory(err);
    r = store_exec(store, setup->migrations[version].sql, err);
    if (r == 0)
        r = store_exec(store, number, err);
    if (r == 0)
        r = store_exec(store, owner, err);
    if (r == 0)
        r = references_check(store, err);
    return r;
}

/* All steps or none. */
static int steps_up(struct store *store, const struct store_setup *setup, size_t version, struct err *err)
{
    int r;

    r = store_exec(store, "BEGIN EXCLUSIVE", err);
    for (size_t i = version; r == 0 && i < setup->migration_count; i++)
        r = step_up(store, setup, i, err);
    if (r == 0)
        r = store_exec(store, "COMMIT", err);
    if (r < 0 && !sqlite3_get_autocommit(store->db))
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL,
                           NULL); /* it ends the transaction even when it fails */
    return r < 0 ? err_wrap(err, r, "schema %zu to %zu", version, setup->migration_count) : 0;
}

int schema_migrate(struct store *store, const struct store_setup *setup, struct err *err)
{
    int64_t version;
    int r;

    r = version_get(store, &version, err);
    if (r < 0 || version == (int64_t)setup->migration_count)
        return r;
    assert(version < (int64_t)setup->migration_count); /* schema_version_check() came first */
    if (version > 0 && !store->read_only)
        r = backup_make(store, version, err);
    return r < 0 ? r : steps_up(store, setup, (size_t)version, err);
}
