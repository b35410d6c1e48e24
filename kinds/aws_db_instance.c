/*
 * aws_db_instance.c: a database server of RDS: how it is made and changed.
 *
 * Its rows are in aws_db_instance_fields.c, looking in aws_db_instance_look.c, removing in
 * aws_db_instance_remove.c; how the password is followed is said in the -internal.h. The natural key protects from
 * making a second one.
 * Ways to fail: the subnet group is not visible yet; the class is not to be had in the zones; a change asks
 * for what RDS never does (less storage), or comes while the instance is busy.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_db_instance-internal.h"
#include "kinds/registry-internal.h"

/* ---- create ---- */

/**
 * May wait. Send @take_params with the declared password, and note that it is set. *ret is the instance
 * as the answer tells it, owned.
 */
static int send_password(struct kind_op *op, enum aws_op operation, struct json_object *take_params,
                         struct json_object **ret)
{
    struct json_object *params CLEANUP_JS = take_params, *answer CLEANUP_JS = NULL, *memory;
    struct secret *password CLEANUP_SECRET = NULL;
    char *fp CLEANUP_FREE = NULL;
    int r;

    if (!params)
        return err_no_memory(op->err);
    r = op_secret(op, "password", &password);
    if (r < 0)
        return r;
    fp = op->host->fingerprint(op->host_data, password);
    if (!fp)
        return err_no_memory(op->err);
    r = op_aws_secret(op, operation, TAKE(params), "MasterUserPassword", password, &answer);
    if (r < 0)
        return r;
    memory = aws_db_instance_notes(fp, js_text(answer, "DBInstance.DbiResourceId"), op->desired);
    if (!memory)
        return err_no_memory(op->err);
    op_remember(op, memory);
    if (ret)
        *ret = json_object_get(js_get(answer, "DBInstance"));
    return 0;
}

static struct json_object *create_params(const struct kind_op *op)
{
    struct json_object *params = wire_write(aws_db_instance_fields, op->desired);
    const char *engine = op_text(op, "engine");

    if (params && js_int(params, "MaxAllocatedStorage", 0) == 0)
        json_object_object_del(params, "MaxAllocatedStorage");
    if (str_equal(engine, "postgres") || str_equal(engine, "mysql"))
        params_text(&params, "EngineLifecycleSupport", op_text(op, "engine_lifecycle_support"));
    params_set(&params, "Tags", op_tag_list(op, "Key", "Value"));
    return params;
}

static int create(struct kind_op *op)
{
    struct json_object *instance CLEANUP_JS = NULL;
    const char *name, *arn;
    int r = send_password(op, AWS_RDS_CREATE_DB_INSTANCE, create_params(op), &instance);

    if (r < 0)
        return r;
    name = js_text(instance, "DBInstanceIdentifier");
    arn = js_text(instance, "DBInstanceArn");
    if (!name || !arn)
        return op_fail(op, -EBADMSG, ERR_BUG, "CreateDBInstance: an answer without identifier and ARN");
    op_settling(op);
    r = op_created(op, name);
    if (r == 0)
        r = op_attribute_text(op, "id", name);
    if (r == 0)
        r = op_attribute_text(op, "arn", arn);
    return r < 0 ? r : op_attribute_text(op, "resource_id", js_text(instance, "DbiResourceId"));
}

/* ---- update ---- */

static bool is_smaller(const struct kind_op *op)
{
    return js_int(op->desired, "allocated_storage", 0) < js_int(op->observed, "allocated_storage", 0);
}

/* One differing field into the call that changes it. */
static void change(const struct kind_op *op, const struct field *row, struct json_object **params)
{
    struct json_object *value = js_get(op->desired, row->name);
    const char *member = str_equal(row->name, "port") ? "DBPortNumber" : row->wire;

    if (str_equal(row->name, "allocated_storage") && is_smaller(op))
        return; /* said in the end */
    if (str_equal(row->name, "max_allocated_storage") && js_int(value, NULL, 0) == 0)
        value = js_get(op->observed, "allocated_storage"); /* RDS' way of saying that it may not grow */
    if (value)
        params_set(params, member, js_copy(value));
}

/* What ModifyDBInstance is to change; empty where it is nothing. Owned; NULL without memory. */
static struct json_object *changes(const struct kind_op *op, const struct diff *diff)
{
    struct json_object *params = json_object_new_object();

    for (const struct field *row = aws_db_instance_fields; row->name; row++) {
        if (row->wire && diff_has(diff, row->name))
            change(op, row, &params);
    }
    return params;
}

/* May wait. */
static int modify(struct kind_op *op, const struct diff *diff)
{
    struct json_object *params = changes(op, diff);
    bool password = diff_has(diff, "password");
    int r;

    if (params && json_object_object_length(params) == 0 && !password) {
        json_object_put(params);
        return 0;
    }
    params_text(&params, "DBInstanceIdentifier", op->id);
    params_set(&params, "ApplyImmediately",
               json_object_new_boolean(js_bool(op->desired, "apply_immediately", true)));
    if (js_bool(op->desired, "allow_major_version_upgrade", false))
        params_set(&params, "AllowMajorVersionUpgrade", json_object_new_boolean(true));
    r = password ? send_password(op, AWS_RDS_MODIFY_DB_INSTANCE, params, NULL)
                 : op_send(op, AWS_RDS_MODIFY_DB_INSTANCE, params, NULL);
    if (r == 0)
        op_settling(op); /* the old values are still to be seen for a while */
    if (r < 0 && err_is(op->err, "InvalidParameterCombination") && op->err->text &&
        strstr(op->err->text, "No modifications were requested")) {
        err_done(op->err);
        return 0;
    }
    return r;
}

/* It is there, and does not work. May wait. */
static int help(struct kind_op *op)
{
    const char *status = js_text(op->observed, "status");
    int r;

    if (str_equal(status, "storage-full"))
        return op_fail(op, -ENOSPC, ERR_INVALID,
                       "the storage of database %s is full: declare more allocated_storage", op->id);
    if (!str_equal(status, "stopped"))
        return op_fail(
            op, -EINVAL, ERR_INVALID,
            "database %s is in the state %s, which mlopsd can not end: its events say why (aws rds "
            "describe-events --source-type db-instance --source-identifier %s)",
            op->id, status ? status : "?", op->id);
    r = op_send(op, AWS_RDS_START_DB_INSTANCE, params_new("DBInstanceIdentifier", op->id, NULL), NULL);
    if (r == 0)
        op_settling(op);
    return r;
}

static int update(struct kind_op *op, const struct diff *diff)
{
    bool stopped = str_equal(js_text(op->observed, "status"), "stopped");
    int r = 0;

    if (diff_has(diff, "tags"))
        r = rds_put_tags(op, js_text(op->observed, "arn"), diff);
    if (r == 0 && !(diff_has(diff, "status") && stopped)) /* what is stopped is changed when it runs */
        r = modify(op, diff);
    if (r == 0 && diff_has(diff, "status"))
        r = help(op);
    if (r == 0 && diff_has(diff, "allocated_storage") && is_smaller(op))
        r = op_fail(op, -EINVAL, ERR_INVALID,
                    "database %s has %lld GiB of storage, and storage never shrinks: declare that much",
                    op->id, (long long)js_int(op->observed, "allocated_storage", 0));
    return r;
}

static const struct not_yet not_yet[] = {
    {.code = "DBSubnetGroupNotFoundFault", .waiting_for = "the subnet group to become visible in RDS"},
    {.code = "InvalidDBInstanceState", .waiting_for = "the database to be done with what it is doing"},
    {.code = "InvalidDBInstanceStateFault", .waiting_for = "the database to be done with what it is doing"},
    {.code = "InvalidParameterValue",
     .text = "IAM role ARN value is invalid or does not include the required permissions",
     .waiting_for = "the role to become visible to RDS"},
    {0},
};

const struct kind aws_db_instance_kind = {
    .type = "aws_db_instance",
    .provider = PROVIDER_AWS,
    .flags = KIND_HOLDS_DATA,
    .doc = "A database server of RDS.",
    .fields = aws_db_instance_fields,
    .attributes = aws_db_instance_attributes,
    .not_yet = not_yet,
    .pace = {.first_look_ms = 240000,
             .every_ms = 10000,
             .give_up_ms = 3600000,
             .grace_ms = 60000,
             .usual_ms = 400000},
    .check = aws_db_instance_check,
    .normalise = aws_db_instance_normalise,
    .observe = aws_db_instance_observe,
    .create = create,
    .update = update,
    .remove = aws_db_instance_remove,
    .farewell = aws_db_instance_farewell,
};
