/*
 * aws_db_instance_remove.c: removing a database: its protection, its last snapshot, and the wait until it
 * is gone, since its subnets and security groups are held until then.
 *
 *   read ──gone──► done
 *     ├─ being deleted, or busy ──► not yet
 *     ├─ failed, and a snapshot is wanted ──► refused: none can be made
 *     └─ steady ──► protection off ──► delete, with a snapshot unless told otherwise ──► not yet
 */
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/js.h"
#include "kinds/aws_db_instance-internal.h"
#include "kinds/registry-internal.h"

#define TIME_SIZE 21

/* What the config says of a deletion, or said when the database was last declared. */
static struct json_object *settings(const struct kind_op *op)
{
    return op->desired ? op->desired : op->memory;
}

static struct json_object *named(const struct kind_op *op)
{
    return params_new("DBInstanceIdentifier", op->id, NULL);
}

/* *ret is NULL when it is not there. May wait. */
static int read_instance(struct kind_op *op, struct json_object **ret)
{
    struct json_object *answer CLEANUP_JS = NULL;
    int r = op_send(op, AWS_RDS_DESCRIBE_DB_INSTANCES, named(op), &answer);

    if (r < 0)
        return op_forgive(op, r, aws_db_instance_list.absent);
    *ret = json_object_get(js_at(js_get(answer, aws_db_instance_list.list), 0));
    return 0;
}

/* Owned. */
static char *first_name(struct json_object *settings, const char *id)
{
    const char *wanted = js_text(settings, "final_snapshot_identifier");

    return str_empty(wanted) ? str_format("%s-final", id) : strdup(wanted);
}

/* Snapshots keep their names when the database is gone: a second life's must have another. Owned. */
static char *snapshot_name(const struct kind_op *op, bool taken)
{
    char *name = first_name(settings(op), op->id), *longer;
    char time[TIME_SIZE], digits[TIME_SIZE];
    size_t size = 0;

    if (!name || !taken)
        return name;
    clock_format_rfc3339(clock_wall_ms(op->clouds.clock), time, sizeof(time));
    for (const char *c = time; *c; c++) {
        if (*c >= '0' && *c <= '9')
            digits[size++] = *c;
    }
    digits[size] = '\0';
    longer = str_format("%s-%s", name, digits);
    free(name);
    return longer;
}

/* May wait. */
static int delete_with_snapshot(struct kind_op *op, const char *snapshot)
{
    struct json_object *params = named(op);
    bool backups = js_bool(settings(op), "delete_automated_backups", true);

    params_set(&params, "SkipFinalSnapshot", json_object_new_boolean(!snapshot));
    params_text(&params, "FinalDBSnapshotIdentifier", snapshot);
    params_set(&params, "DeleteAutomatedBackups", json_object_new_boolean(backups));
    return op_send(op, AWS_RDS_DELETE_DB_INSTANCE, params, NULL);
}

/* May wait. */
static int delete_keeping_data(struct kind_op *op)
{
    char *snapshot CLEANUP_FREE = snapshot_name(op, false), *other CLEANUP_FREE = NULL;
    int r = snapshot ? delete_with_snapshot(op, snapshot) : err_no_memory(op->err);

    if (r == 0 || !err_is(op->err, "DBSnapshotAlreadyExists"))
        return r;
    other = snapshot_name(op, true);
    return other ? delete_with_snapshot(op, other) : err_no_memory(op->err);
}

/* May wait. */
static int lift_protection(struct kind_op *op)
{
    struct json_object *params = named(op);

    params_set(&params, "DeletionProtection", json_object_new_boolean(false));
    params_set(&params, "ApplyImmediately", json_object_new_boolean(true));
    return op_send(op, AWS_RDS_MODIFY_DB_INSTANCE, params, NULL);
}

/* Of one that is there and not in the middle of something. May wait. */
static int delete_instance(struct kind_op *op, struct json_object *instance, enum instance_state state)
{
    bool skip = js_bool(settings(op), "skip_final_snapshot", false);
    int r = 0;

    if (state == INSTANCE_FAILED && !skip)
        return op_fail(op, -EINVAL, ERR_INVALID,
                       "database %s is in the state %s, in which no final snapshot can be made: declare "
                       "skip_final_snapshot: true to delete it with all that it holds",
                       op->id, js_text(instance, "DBInstanceStatus"));
    if (js_bool(instance, "DeletionProtection", false))
        r = lift_protection(op);
    if (r == 0)
        r = skip ? delete_with_snapshot(op, NULL) : delete_keeping_data(op);
    return r;
}

int aws_db_instance_remove(struct kind_op *op)
{
    struct json_object *instance CLEANUP_JS = NULL;
    enum instance_state state;
    int r;

    if (!op->id)
        return op_fail(op, -EINVAL, ERR_BUG, "DeleteDBInstance: no identifier is recorded");
    r = read_instance(op, &instance);
    if (r < 0 || !instance)
        return r;
    state = aws_db_instance_state(js_text(instance, "DBInstanceStatus"));
    if (state == INSTANCE_PASSING)
        return op_fail(op, -EAGAIN, ERR_NOT_YET,
                       "database %s is %s: waiting for that to end before it is deleted", op->id,
                       js_text(instance, "DBInstanceStatus"));
    if (state != INSTANCE_DELETING)
        r = delete_instance(op, instance, state);
    if (r < 0)
        return op_forgive(op, r, aws_db_instance_list.absent);
    return op_fail(op, -EAGAIN, ERR_NOT_YET, "waiting for database %s to be deleted", op->id);
}

/* ---- before ---- */

void aws_db_instance_farewell(struct kind_batch *batch, struct kind_item *item, struct farewell *farewell)
{
    const char *status = js_text(item->observed, "status");
    char *snapshot CLEANUP_FREE = first_name(item->desired, item->id);
    const char *backups = js_bool(item->desired, "delete_automated_backups", true)
                              ? "its automated backups are deleted"
                              : "its automated backups stay until they expire";

    (void)batch;
    if (js_bool(item->desired, "skip_final_snapshot", false))
        farewell_say(farewell, FAREWELL_LOSES,
                     "all data in it, without a final snapshot (skip_final_snapshot); %s", backups);
    else if (status && aws_db_instance_state(status) == INSTANCE_FAILED)
        farewell_say(
            farewell, FAREWELL_BLOCKS,
            "it is %s, so that no final snapshot can be made: mend it, or set skip_final_snapshot: true",
            status);
    else
        farewell_say(
            farewell, FAREWELL_LEAVES,
            "its data stays as the final snapshot %s (with the time behind it, if that name is taken); %s",
            snapshot ? snapshot : "", backups);
}
