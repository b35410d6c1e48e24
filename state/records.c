/*
 * records.c: what is known of each resource.
 *
 * A record is written only when something in it differs. The time of the last proof differs after every look,
 * so it waits in memory (pending_proofs, a temporary table) and goes to the disk beside the next thing that
 * is worth a commit.
 */
#include <stdlib.h>
#include <string.h>

#include "state/store-internal.h"

void record_done(struct record *record)
{
    if (!record)
        return;
    free(record->platform);
    free(record->address);
    free(record->type);
    free(record->id);
    free(record->attributes);
    free(record->memory);
    free(record->desired);
    free(record->needs);
    free(record->applied);
    memset(record, 0, sizeof(*record));
}

void records_free(struct record *records, size_t count)
{
    for (size_t i = 0; i < count; i++)
        record_done(&records[i]);
    free(records);
}

static int record_write(struct store *store, const struct record *record, struct err *err)
{
    return store_write(
        store,
        "INSERT INTO records (platform, address, type, cloud_id, attributes, memory, desired, needs, applied,"
        "  created_ms, written_ms, sightings) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (platform, address) DO UPDATE SET type = excluded.type, cloud_id = excluded.cloud_id,"
        "  attributes = excluded.attributes, memory = excluded.memory, desired = excluded.desired,"
        "  needs = excluded.needs, applied = excluded.applied, created_ms = excluded.created_ms,"
        "  written_ms = excluded.written_ms, sightings = excluded.sightings"
        " WHERE type IS NOT excluded.type OR cloud_id IS NOT excluded.cloud_id"
        "  OR attributes IS NOT excluded.attributes OR memory IS NOT excluded.memory"
        "  OR desired IS NOT excluded.desired OR needs IS NOT excluded.needs"
        "  OR applied IS NOT excluded.applied OR created_ms IS NOT excluded.created_ms"
        "  OR written_ms IS NOT excluded.written_ms OR sightings IS NOT excluded.sightings",
        VALUES(TEXT(record->platform), TEXT(record->address), TEXT(record->type), TEXT(record->id),
               TEXT(record->attributes), TEXT(record->memory), TEXT(record->desired), TEXT(record->needs),
               TEXT(record->applied), INT(record->created_ms), INT(record->written_ms),
               INT(record->sightings)),
        err);
}

static int proof_note(struct store *store, const struct record *record, struct err *err)
{
    int r;

    r = store_write_memory(
        store,
        "INSERT INTO temp.pending_proofs (record, proof_ms)"
        " SELECT r.id, ?3 FROM records r LEFT JOIN proofs p ON p.record = r.id"
        "  LEFT JOIN temp.pending_proofs w ON w.record = r.id"
        "  WHERE r.platform = ?1 AND r.address = ?2 AND coalesce(w.proof_ms, p.proof_ms, 0) <> ?3"
        " ON CONFLICT (record) DO UPDATE SET proof_ms = excluded.proof_ms",
        VALUES(TEXT(record->platform), TEXT(record->address), INT(record->proof_ms)), err);
    if (r > 0)
        store->has_proofs = true;
    return r;
}

int record_put(struct store *store, const struct record *record, struct err *err)
{
    int r;

    r = write_begin(store, err);
    if (r < 0)
        return r;
    r = record_write(store, record, err);
    if (r >= 0)
        r = proof_note(store, record, err);
    return write_end(store, r, err);
}

int proofs_flush(struct store *store, struct err *err)
{
    int r;

    r = store_write(
        store,
        "INSERT INTO proofs (record, proof_ms) SELECT record, proof_ms FROM temp.pending_proofs WHERE true"
        " ON CONFLICT (record) DO UPDATE SET proof_ms = excluded.proof_ms",
        (struct values){0}, err);
    if (r < 0)
        return r;
    r = store_write_memory(store, "DELETE FROM temp.pending_proofs", (struct values){0}, err);
    return r < 0 ? r : 0;
}

int record_delete(struct store *store, const char *platform, const char *address, struct err *err)
{
    int r;

    r = write_begin(store, err);
    if (r < 0)
        return r;
    /* First: the id may be given to another record afterwards. */
    r = store_write_memory(store,
                           "DELETE FROM temp.pending_proofs WHERE record ="
                           " (SELECT id FROM records WHERE platform = ? AND address = ?)",
                           VALUES(TEXT(platform), TEXT(address)), err);
    if (r >= 0)
        r = store_write(store, "DELETE FROM records WHERE platform = ? AND address = ?",
                        VALUES(TEXT(platform), TEXT(address)), err);
    return write_end(store, r, err);
}

static void record_read(struct row *row, void *item)
{
    struct record *record = item;

    record->platform = row_text(row);
    record->address = row_text(row);
    record->type = row_text(row);
    record->id = row_text(row);
    record->attributes = row_text(row);
    record->memory = row_text(row);
    record->desired = row_text(row);
    record->needs = row_text(row);
    record->applied = row_text(row);
    record->created_ms = row_int(row);
    record->written_ms = row_int(row);
    record->proof_ms = row_int(row);
    record->sightings = (uint32_t)row_int(row);
}

static void records_release(void *items, size_t count)
{
    records_free(items, count);
}

int record_list(struct store *store, const char *platform, struct record **ret, size_t *ret_count,
                struct err *err)
{
    return store_list(
        store,
        "SELECT r.platform, r.address, r.type, r.cloud_id, r.attributes, r.memory, r.desired,"
        "  r.needs, r.applied, r.created_ms, r.written_ms, coalesce(w.proof_ms, p.proof_ms, 0), r.sightings"
        " FROM records r LEFT JOIN proofs p ON p.record = r.id"
        "  LEFT JOIN temp.pending_proofs w ON w.record = r.id"
        " WHERE r.platform = ? ORDER BY r.address",
        VALUES(TEXT(platform)), sizeof(struct record), record_read, records_release, ret, ret_count, err);
}
