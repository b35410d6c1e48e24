/*
 * store_fixture.h: a state directory of its own for a test, and looks at what lies in it. For test_store*.c.
 */
#ifndef MLOPSD_TESTS_UNIT_STORE_FIXTURE_H
#define MLOPSD_TESTS_UNIT_STORE_FIXTURE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/str.h"
#include "state/store-internal.h"

#define FIXTURE_WALL_MS 1700000000000

struct fixture {
    char root[64];      /* made for the test, removed after it */
    char directory[80]; /* root/state: not made yet */
    char path[96];      /* directory/state.db */
    struct clock_virtual clock;
    struct store_options options;
    struct store *store; /* closed by the teardown */
};

static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    unsetenv("CREDENTIALS_DIRECTORY");
    (void)snprintf(f->root, sizeof(f->root), "/tmp/mlopsd-store-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    (void)snprintf(f->directory, sizeof(f->directory), "%s/state", f->root);
    (void)snprintf(f->path, sizeof(f->path), "%s/state.db", f->directory);
    clock_virtual_init(&f->clock, FIXTURE_WALL_MS);
    f->options = (struct store_options){.directory = f->directory, .clock = &f->clock.clock};
    *state = f;
    return 0;
}

static inline void directory_remove(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;

    while (directory && (entry = readdir(directory))) {
        if (!str_equal(entry->d_name, ".") && !str_equal(entry->d_name, ".."))
            (void)unlinkat(dirfd(directory), entry->d_name, 0);
    }
    if (directory)
        closedir(directory);
    (void)rmdir(path);
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    f->store = store_close(f->store);
    directory_remove(f->directory);
    directory_remove(f->root);
    free(f);
    return 0;
}

static inline void fixture_open(struct fixture *f)
{
    struct err err = {0};
    int r = store_open(&f->options, &f->store, &err);

    if (r < 0)
        print_error("store_open: %s\n", err_text(&err));
    assert_int_equal(r, 0);
}

static inline void fixture_reopen(struct fixture *f)
{
    f->store = store_close(f->store);
    fixture_open(f);
}

/** Opening must fail with @code and a text that holds @part. */
static inline void assert_refused(struct fixture *f, int code, const char *part)
{
    struct store *store = NULL;
    struct err err = {0};
    int r = store_open(&f->options, &store, &err);

    assert_null(store);
    if (!strstr(err_text(&err), part))
        print_error("got: %s\n", err_text(&err));
    assert_int_equal(r, code);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err_text(&err), part));
    err_done(&err);
}

/** Whole content of a file; owned. */
static inline char *slurp(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "re");
    struct stat info;
    char *data;

    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &info), 0);
    data = malloc((size_t)info.st_size + 1);
    assert_non_null(data);
    *ret_size = fread(data, 1, (size_t)info.st_size, file);
    data[*ret_size] = '\0';
    fclose(file);
    return data;
}

/** SQL on the file behind the store's back. */
static inline void raw_sql(const char *path, const char *sql)
{
    char *message = NULL;
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
}

static inline int64_t raw_int(const char *path, const char *sql)
{
    sqlite3_stmt *stmt;
    sqlite3 *db;
    int64_t value;

    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return value;
}

static inline void put_fact(struct fixture *f, const char *name, const char *value)
{
    assert_int_equal(fact_put(f->store, "p", name, value, NULL), 0);
}

static inline void assert_fact(struct fixture *f, const char *name, const char *expected)
{
    char *value = NULL;
    int r = fact_get(f->store, "p", name, &value, NULL);

    if (!expected) {
        assert_int_equal(r, -ENOENT);
        return;
    }
    assert_int_equal(r, 0);
    assert_string_equal(value, expected);
    free(value);
}

static inline struct record sample_record(const char *address)
{
    static char platform[] = "p", type[] = "aws_iam_role", id[] = "AROA1", attributes[] = "{\"arn\":\"a\"}";
    static char applied[] = "{\"name\":\"x\"}", needs[] = "[\"aws_vpc.main\"]";

    return (struct record){.platform = platform,
                           .address = (char *)(uintptr_t)address,
                           .type = type,
                           .id = id,
                           .attributes = attributes,
                           .desired = applied,
                           .needs = needs,
                           .applied = applied,
                           .created_ms = 5,
                           .written_ms = 6,
                           .proof_ms = 7,
                           .sightings = 1};
}

#endif
