/*
 * store-internal.h: what the files of state/ share. Nothing outside includes this but their tests.
 *
 *   open.c        directory, connection, checks         lock.c    who holds the directory
 *   key.c         the sealing key and its canary        schema.c  tables and migrations
 *   store.c       groups, commits, housekeeping         statement.c  SQL with typed arguments
 *   sqlite_err.c  SQLite's codes to errno and class
 *   generations.c records.c intents.c sealed.c episodes.c events.c outputs.c facts.c  one per family of rows
 *
 * A write is: write_begin(), any number of store_write(), write_end(). Inside a group of the caller these
 * add to the group; outside they are one commit of their own. When no row changed nothing is committed.
 */
#ifndef MLOPSD_STATE_STORE_INTERNAL_H
#define MLOPSD_STATE_STORE_INTERNAL_H

#include <sqlite3.h>

#include "state/store.h"

/* "mlop": tells our files from other SQLite files. */
#define STORE_APPLICATION_ID 0x6d6c6f70

#define STORE_EVENTS_MAX      100000
#define STORE_CLOSED_MAX      20000 /* closed episodes */
#define STORE_GENERATIONS_MAX 100   /* per platform */

/** Brings a file from version index to index + 1. */
struct migration {
    const char *sql;
};

/** What tests replace. */
struct store_setup {
    const struct migration *migrations;
    size_t migration_count; /* = the version this program writes */
    const char *vfs;        /* NULL = the default one */
};

struct statement {
    const char *sql; /* static text: found by its address */
    sqlite3_stmt *stmt;
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *undo; /* ROLLBACK */
    char *directory, *path;
    struct clock *clock;
    struct seal_key *key;
    int lock_fd;
    bool read_only;
    bool in_group;        /* between store_begin() and store_commit() / store_rollback() */
    struct err group_err; /* the first failure in the group: the rest of it fails the same way */
    uint64_t changes;     /* rows changed by the open transaction */
    bool has_proofs;      /* some wait in memory for the next commit */
    uint64_t commits;
    struct statement *statements;
    size_t statement_count;
};

/* ---- open.c, lock.c, key.c, schema.c ---- */
int store_open_with(const struct store_options *options, const struct store_setup *setup, struct store **ret,
                    struct err *err);
/** DIR/lock with flock and our pid. Return the descriptor, or -EBUSY "another mlopsd (pid 7) holds DIR". */
int lock_take(const char *directory, struct err *err);
/** Make a file with mode 0600 whatever the umask; -EEXIST is for the caller to judge (no @err then). */
int private_file_create(const char *path, struct err *err);
int directory_sync(const char *directory, struct err *err);

/** Fill store->key; the schema must be there. */
int key_load(struct store *store, struct err *err);

extern const struct store_setup store_setup_default;
/** -ENOTSUP for a file of a newer program, -EUCLEAN for one that is not ours; reads only. */
int schema_version_check(struct store *store, const struct store_setup *setup, struct err *err);
/** Bring the file up to date; a backup of an older one is left beside it. */
int schema_migrate(struct store *store, const struct store_setup *setup, struct err *err);

/* ---- sqlite_err.c ---- */
/** @err from the connection's last failure @rc; @doing: "record aws_iam_role.x". */
int sqlite_err(struct store *store, int rc, struct err *err, const char *doing);
int sqlite_err_damaged(struct store *store, struct err *err, const char *detail);

/* ---- statement.c: values in, rows out ---- */
enum value_kind { VALUE_TEXT, VALUE_INT, VALUE_BLOB };
struct value {
    enum value_kind kind;
    int64_t integer;
    const void *data; /* borrowed; NULL = NULL */
    size_t size;
};
#define TEXT(text_)        ((struct value){.kind = VALUE_TEXT, .data = (text_)})
#define INT(integer_)      ((struct value){.kind = VALUE_INT, .integer = (integer_)})
#define BLOB(data_, size_) ((struct value){.kind = VALUE_BLOB, .data = (data_), .size = (size_)})

struct values {
    const struct value *items;
    size_t count;
};
#define VALUES(...)                                                                                          \
    ((struct values){(struct value[]){__VA_ARGS__},                                                          \
                     sizeof((struct value[]){__VA_ARGS__}) / sizeof(struct value)})

/** A row being read: columns come in order. After one failed for want of memory the rest are empty. */
struct row {
    sqlite3_stmt *stmt;
    int column;
    bool failed;
};
char *row_text(struct row *row); /* owned; NULL for SQL NULL */
int64_t row_int(struct row *row);
/** Borrowed until the statement moves on. */
const void *row_blob(struct row *row, size_t *ret_size);

/** Bind @values (borrowed until store_done) to the prepared @sql, a static text. */
int store_query(struct store *store, const char *sql, struct values values, struct row *ret, struct err *err);
/** 1 and the next row, 0 after the last one (then store_done was called), negative errno (the same). */
int store_next(struct store *store, struct row *row, struct err *err);
void store_done(struct row *row);
/** Run @sql to its end. Return the number of rows changed. Only between write_begin() and write_end(). */
int store_write(struct store *store, const char *sql, struct values values, struct err *err);
/** As store_write() for tables in memory: it does not make the transaction worth a commit. */
int store_write_memory(struct store *store, const char *sql, struct values values, struct err *err);
void statements_close(struct store *store);
/** Plain SQL without arguments or rows. */
int store_exec(struct store *store, const char *sql, struct err *err);

typedef void (*row_read)(struct row *row, void *item);
typedef void (*items_free)(void *items, size_t count);
/** All rows as an array of @item_size; @read fills a zeroed item, @release frees an array of them. */
int store_list(struct store *store, const char *sql, struct values values, size_t item_size, row_read read,
               items_free release, void *ret, size_t *ret_count, struct err *err);

/* ---- store.c ---- */
int write_begin(struct store *store, struct err *err);
/** @r: 0 or more commits (or adds to the group), negative undoes. Return 0 or the failure. */
int write_end(struct store *store, int r, struct err *err);
/** A write of one statement. */
int store_write_one(struct store *store, const char *sql, struct values values, struct err *err);

/* ---- records.c ---- */
int proofs_flush(struct store *store, struct err *err);

/* ---- sealed.c ---- */
/** The text that binds a sealed value to its place; owned. */
char *sealed_place(const char *table, const char *platform, const char *name);
/** Open bytes sealed at that place with the key named @key_id. */
int sealed_open(struct store *store, const char *table, const char *platform, const char *name,
                const char *key_id, const void *sealed, size_t size_bytes, struct secret **ret,
                struct err *err);

#endif
