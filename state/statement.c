/*
 * statement.c: SQL with typed arguments: prepared once, bound, stepped, reset.
 *
 * SQL texts are constants, so a statement is found by the address of its text. Leaves transactions to store.c
 * and the meaning of rows to the families.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "state/store-internal.h"

#define LIST_FIRST_CAPACITY 16

static struct statement *statement_add(struct store *store)
{
    size_t count = store->statement_count;
    struct statement *grown;

    if (count % 32 == 0) {
        grown = reallocarray(store->statements, count + 32, sizeof(*grown));
        if (!grown)
            return NULL;
        store->statements = grown;
    }
    return &store->statements[count];
}

static int statement_get(struct store *store, const char *sql, sqlite3_stmt **ret, struct err *err)
{
    struct statement *added;
    sqlite3_stmt *stmt;
    int rc;

    for (size_t i = 0; i < store->statement_count; i++) {
        if (store->statements[i].sql == sql) {
            *ret = store->statements[i].stmt;
            return 0;
        }
    }
    added = statement_add(store);
    if (!added)
        return err_no_memory(err);
    rc = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    if (rc != SQLITE_OK)
        return sqlite_err(store, rc, err, "prepare");
    *added = (struct statement){.sql = sql, .stmt = stmt};
    store->statement_count++;
    *ret = stmt;
    return 0;
}

void statements_close(struct store *store)
{
    for (size_t i = 0; i < store->statement_count; i++)
        sqlite3_finalize(store->statements[i].stmt);
    free(store->statements);
    store->statements = NULL;
    store->statement_count = 0;
}

static int bind_value(sqlite3_stmt *stmt, int index, const struct value *value)
{
    if (value->kind == VALUE_INT)
        return sqlite3_bind_int64(stmt, index, value->integer);
    if (!value->data)
        return sqlite3_bind_null(stmt, index);
    if (value->kind == VALUE_TEXT)
        return sqlite3_bind_text64(stmt, index, value->data, strlen(value->data), SQLITE_STATIC, SQLITE_UTF8);
    return sqlite3_bind_blob64(stmt, index, value->data, value->size, SQLITE_STATIC);
}

int store_query(struct store *store, const char *sql, struct values values, struct row *ret, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int r, rc;

    r = statement_get(store, sql, &stmt, err);
    if (r < 0)
        return r;
    assert(!sqlite3_stmt_busy(stmt)); /* a list walked twice at once */
    assert(sqlite3_bind_parameter_count(stmt) == (int)values.count);
    for (size_t i = 0; i < values.count; i++) {
        rc = bind_value(stmt, (int)i + 1, &values.items[i]);
        if (rc != SQLITE_OK) {
            r = sqlite_err(store, rc, err, "bind");
            sqlite3_clear_bindings(stmt);
            return r;
        }
    }
    *ret = (struct row){.stmt = stmt};
    return 0;
}

void store_done(struct row *row)
{
    if (!row->stmt)
        return;
    sqlite3_reset(row->stmt);
    sqlite3_clear_bindings(row->stmt);
    row->stmt = NULL;
}

int store_next(struct store *store, struct row *row, struct err *err)
{
    int rc = sqlite3_step(row->stmt);
    int r = 0;

    row->column = 0;
    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE)
        r = sqlite_err(store, rc, err, "read or write");
    store_done(row);
    return r;
}

static int run_to_end(struct store *store, const char *sql, struct values values, struct err *err)
{
    struct row row;
    int r;

    r = store_query(store, sql, values, &row, err);
    if (r < 0)
        return r;
    do {
        r = store_next(store, &row, err);
    } while (r > 0);
    return r < 0 ? r : sqlite3_changes(store->db);
}

int store_write(struct store *store, const char *sql, struct values values, struct err *err)
{
    int r;

    assert(!sqlite3_get_autocommit(store->db)); /* else a crash could fall between two halves */
    r = run_to_end(store, sql, values, err);
    if (r > 0)
        store->changes += (uint64_t)r;
    return r;
}

int store_write_memory(struct store *store, const char *sql, struct values values, struct err *err)
{
    return run_to_end(store, sql, values, err);
}

int store_exec(struct store *store, const char *sql, struct err *err)
{
    int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : sqlite_err(store, rc, err, "change");
}

char *row_text(struct row *row)
{
    int column = row->column++;
    const void *text;
    char *copy;

    if (row->failed || sqlite3_column_type(row->stmt, column) == SQLITE_NULL)
        return NULL;
    text = sqlite3_column_text(row->stmt, column);
    copy = text ? strdup(text) : NULL;
    if (!copy)
        row->failed = true;
    return copy;
}

int64_t row_int(struct row *row)
{
    return sqlite3_column_int64(row->stmt, row->column++);
}

const void *row_blob(struct row *row, size_t *ret_size)
{
    int column = row->column++;
    const void *data = sqlite3_column_blob(row->stmt, column);

    *ret_size = data ? (size_t)sqlite3_column_bytes(row->stmt, column) : 0;
    return data;
}

struct list {
    char *items;
    size_t count, capacity, item_size;
};

static void *list_add(struct list *list)
{
    size_t capacity = list->capacity ? list->capacity * 2 : LIST_FIRST_CAPACITY;
    char *grown, *item;

    if (list->count == list->capacity) {
        grown = reallocarray(list->items, capacity, list->item_size);
        if (!grown)
            return NULL;
        list->items = grown;
        list->capacity = capacity;
    }
    item = list->items + list->count++ * list->item_size;
    memset(item, 0, list->item_size);
    return item;
}

static int list_fill(struct store *store, struct row *row, row_read read, struct list *list, struct err *err)
{
    void *item;
    int r;

    while ((r = store_next(store, row, err)) > 0) {
        item = list_add(list);
        if (!item)
            return err_no_memory(err);
        read(row, item);
        if (row->failed)
            return err_no_memory(err);
    }
    return r;
}

int store_list(struct store *store, const char *sql, struct values values, size_t item_size, row_read read,
               items_free release, void *ret, size_t *ret_count, struct err *err)
{
    struct list list = {.item_size = item_size};
    struct row row;
    int r;

    r = store_query(store, sql, values, &row, err);
    if (r < 0)
        return r;
    r = list_fill(store, &row, read, &list, err);
    store_done(&row);
    if (r < 0) {
        release(list.items, list.count);
        return r;
    }
    memcpy(ret, &list.items, sizeof(list.items));
    *ret_count = list.count;
    return 0;
}
