/*
 * aws_db_instance.c: a database server of RDS: its table, and how it is made and changed.
 *
 * Looking is aws_db_instance_look.c's, removing aws_db_instance_remove.c's; how the password is followed is
 * said in the -internal.h. The natural key protects from making a second one.
 * Ways to fail: the subnet group is not visible yet; the class is not to be had in the zones; a change asks
 * for what RDS never does (less storage), or comes while the instance is busy.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_db_instance-internal.h"
#include "kinds/registry-internal.h"

#define IDENTIFIER_MAX 63
#define PASSWORD_MIN   8
#define PASSWORD_MAX   128

/* ---- the table ---- */

/* Letters, digits and single hyphens, a letter first and no hyphen last: databases and snapshots. */
static bool is_identifier(const char *text, size_t max)
{
    size_t length = strlen(text);

    if (strstr(text, "${"))
        return true;
    if (length < 1 || length > max || !islower((unsigned char)text[0]) || text[length - 1] == '-')
        return false;
    for (const char *c = text; *c; c++) {
        if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '-')
            return false;
    }
    return !strstr(text, "--");
}

static bool accepts_identifier(const char *text)
{
    return is_identifier(text, IDENTIFIER_MAX);
}

static bool accepts_snapshot(const char *text)
{
    return is_identifier(text, 255 - sizeof("-20261122170000")); /* room for another name */
}

static const char *const statuses[] = {"available", NULL};
static const char *const storage_types[] = {"gp2", "gp3", "standard", "io1", "io2", NULL};
static const char *const lifecycles[] = {"open-source-rds-extended-support",
                                         "open-source-rds-extended-support-disabled", NULL};

static const struct field fields[] = {
    {
        .name = "identifier",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE | FIELD_IGNORE_CASE,
        .wire = "DBInstanceIdentifier",
        .pattern = "1 to 63 small letters, digits and single hyphens, a letter first and no hyphen last",
        .accepts = accepts_identifier,
        .doc = "Name of the database server.",
    },
    {
        .name = "engine",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_IMMUTABLE,
        .wire = "Engine",
        .doc = "What runs there, as postgres.",
    },
    {
        .name = "engine_version",
        .type = FIELD_VERSION,
        .flags = FIELD_SERVER_DEFAULT,
        .wire = "EngineVersion",
        .doc = "Version at least; \"16\" is satisfied by any 16, and no version is ever lowered.",
    },
    {
        .name = "instance_class",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED,
        .wire = "DBInstanceClass",
        .doc = "Size of the machine, as db.t4g.micro.",
    },
    {
        .name = "allocated_storage",
        .type = FIELD_INTEGER,
        .flags = FIELD_REQUIRED,
        .wire = "AllocatedStorage",
        .min = 5,
        .max = 65536,
        .doc = "GiB of storage; it can only grow.",
    },
    {
        .name = "max_allocated_storage",
        .type = FIELD_INTEGER,
        .wire = "MaxAllocatedStorage",
        .fallback = "0",
        .max = 65536,
        .doc = "GiB that RDS may let the storage grow to by itself; 0 = it may not.",
    },
    {
        .name = "storage_type",
        .type = FIELD_ENUM,
        .values = storage_types,
        .wire = "StorageType",
        .fallback = "\"gp3\"",
        .doc = "Kind of storage.",
    },
    {
        .name = "iops",
        .type = FIELD_INTEGER,
        .flags = FIELD_SERVER_DEFAULT,
        .wire = "Iops",
        .min = 1000,
        .max = 256000,
        .doc = "Operations a second that the storage must carry; needed by io1 and io2.",
    },
    {
        .name = "storage_encrypted",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_IMMUTABLE | FIELD_SECURITY,
        .wire = "StorageEncrypted",
        .fallback = "true",
        .doc = "Whether what lies on disk is encrypted.",
    },
    {
        .name = "kms_key_id",
        .type = FIELD_STRING,
        .flags = FIELD_SERVER_DEFAULT | FIELD_IMMUTABLE | FIELD_SECURITY,
        .wire = "KmsKeyId",
        .doc = "Key of that encryption; not given, the account's key for RDS.",
    },
    {
        .name = "db_name",
        .type = FIELD_STRING,
        .flags = FIELD_SERVER_DEFAULT | FIELD_IMMUTABLE,
        .wire = "DBName",
        .doc = "Name of the first database in it.",
    },
    {
        .name = "username",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_IMMUTABLE,
        .wire = "MasterUsername",
        .doc = "Name of the user that owns everything.",
    },
    {
        .name = "password",
        .type = FIELD_SECRET,
        .flags = FIELD_REQUIRED | FIELD_SECURITY | FIELD_SENSITIVE,
        .doc = "That user's password; RDS shows nobody whether somebody else has changed it.",
    },
    {
        .name = "db_subnet_group_name",
        .type = FIELD_STRING,
        .flags = FIELD_SERVER_DEFAULT | FIELD_IGNORE_CASE | FIELD_SECURITY,
        .wire = "DBSubnetGroupName",
        .doc = "Subnets that it stands in (aws_db_subnet_group); not given, those of the default VPC.",
    },
    {
        .name = "vpc_security_group_ids",
        .type = FIELD_SET,
        .element = FIELD_STRING,
        .flags = FIELD_SERVER_DEFAULT | FIELD_EXCLUSIVE | FIELD_SECURITY,
        .wire = "VpcSecurityGroupIds",
        .doc = "Security groups that guard it; not given, the VPC's default one.",
    },
    {
        .name = "port",
        .type = FIELD_INTEGER,
        .flags = FIELD_SERVER_DEFAULT,
        .wire = "Port",
        .min = 1150,
        .max = 65535,
        .doc = "Port that it listens at; not given, the usual one of the engine.",
    },
    {
        .name = "publicly_accessible",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_SECURITY,
        .wire = "PubliclyAccessible",
        .fallback = "false",
        .doc = "Whether it has an address that the internet can reach.",
    },
    {
        .name = "multi_az",
        .type = FIELD_BOOLEAN,
        .wire = "MultiAZ",
        .fallback = "false",
        .doc = "Keep a second one in another zone that takes over.",
    },
    {
        .name = "backup_retention_period",
        .type = FIELD_INTEGER,
        .flags = FIELD_SECURITY,
        .wire = "BackupRetentionPeriod",
        .fallback = "7",
        .max = 35,
        .doc = "Days that the daily backups are kept; 0 = there are none.",
    },
    {
        .name = "deletion_protection",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_SERVER_DEFAULT | FIELD_SECURITY,
        .wire = "DeletionProtection",
        .doc = "Refuse to be deleted; mlopsd lifts it when a deletion is approved.",
    },
    {
        .name = "auto_minor_version_upgrade",
        .type = FIELD_BOOLEAN,
        .wire = "AutoMinorVersionUpgrade",
        .fallback = "true",
        .doc = "Let RDS install minor versions in the maintenance window.",
    },
    {
        .name = "copy_tags_to_snapshot",
        .type = FIELD_BOOLEAN,
        .wire = "CopyTagsToSnapshot",
        .fallback = "true",
        .doc = "Snapshots get the tags of the database.",
    },
    {
        .name = "engine_lifecycle_support",
        .type = FIELD_ENUM,
        .values = lifecycles,
        .flags = FIELD_CREATE_ONCE,
        .fallback = "\"open-source-rds-extended-support-disabled\"",
        .doc = "Whether it may live on after its engine's end of life, at a price; of postgres and mysql.",
    },
    {
        .name = "ca_cert_identifier",
        .type = FIELD_STRING,
        .flags = FIELD_SERVER_DEFAULT,
        .wire = "CACertificateIdentifier",
        .doc = "Authority that signs its certificate, as rds-ca-rsa2048-g1.",
    },
    {
        .name = "iam_database_authentication_enabled",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_SECURITY,
        .wire = "EnableIAMDatabaseAuthentication",
        .fallback = "false",
        .doc = "Let IAM identities log in.",
    },
    {
        .name = "status",
        .type = FIELD_ENUM,
        .values = statuses,
        .flags = FIELD_SECURITY,
        .fallback = "\"available\"",
        .doc = "State that it must be in; one that somebody stopped is started again.",
    },
    {
        .name = "apply_immediately",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_LOCAL,
        .fallback = "true",
        .doc = "Change it at once, not in its maintenance window.",
    },
    {
        .name = "allow_major_version_upgrade",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_LOCAL,
        .fallback = "false",
        .doc = "Let a new engine_version be another major one.",
    },
    {
        .name = "skip_final_snapshot",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_LOCAL,
        .fallback = "false",
        .doc = "Delete it, when it comes to that, with no last snapshot: what it holds is lost.",
    },
    {
        .name = "final_snapshot_identifier",
        .type = FIELD_STRING,
        .flags = FIELD_LOCAL,
        .pattern = "at most 239 small letters, digits and single hyphens, a letter first and no hyphen last",
        .accepts = accepts_snapshot,
        .doc =
            "Name of the last snapshot; not given, IDENTIFIER-final. Where that is taken, the time is added.",
    },
    {
        .name = "delete_automated_backups",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_LOCAL,
        .fallback = "true",
        .doc = "The daily backups go with the database.",
    },
    {
        .name = "tags",
        .type = FIELD_MAP,
        .element = FIELD_STRING,
        .doc = "Tags; those not named here are left alone.",
    },
    {0},
};

static const struct attribute attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .wire = "DBInstanceArn", .doc = "ARN of the database server."},
    {.name = "id",
     .type = FIELD_STRING,
     .wire = "DBInstanceIdentifier",
     .doc = "Name of the database server."},
    {.name = "resource_id",
     .type = FIELD_STRING,
     .wire = "DbiResourceId",
     .doc = "Id that no other one will ever have."},
    {.name = "address", .type = FIELD_STRING, .wire = "Endpoint.Address", .doc = "Host to connect to."},
    {.name = "endpoint", .type = FIELD_STRING, .doc = "Host and port to connect to, as HOST:PORT."},
    {.name = "hosted_zone_id",
     .type = FIELD_STRING,
     .wire = "Endpoint.HostedZoneId",
     .doc = "Zone of Route 53 that the host's name is in."},
    {.name = "engine_version_actual", .type = FIELD_STRING, .doc = "Version that runs."},
    {0},
};

/* ---- checking ---- */

static bool is_reference(const char *text)
{
    return strstr(text, "${") != NULL;
}

static void check_password(struct kind_check *check)
{
    const char *password = js_text(check->document, "password");
    size_t length = password ? strlen(password) : 0;

    if (!password || is_reference(password))
        return;
    if (length < PASSWORD_MIN || length > PASSWORD_MAX)
        check->problem(check, "password", "a password has %d to %d characters", PASSWORD_MIN, PASSWORD_MAX);
    for (const char *c = password; *c; c++) {
        if (*c <= ' ' || *c > '~' || strchr("/\"@", *c)) {
            check->problem(check, "password",
                           "RDS takes printable ASCII only, without blanks and / \" @; a random_password may "
                           "have override_special");
            return;
        }
    }
}

static void check_storage(struct kind_check *check)
{
    int64_t now = js_int(check->document, "allocated_storage", 0);
    int64_t max = js_int(check->document, "max_allocated_storage", 0);
    const char *type = js_text(check->document, "storage_type");

    if (max != 0 && now != 0 && max <= now)
        check->problem(check, "max_allocated_storage",
                       "must be more than allocated_storage (%lld), or 0 for storage that does not grow",
                       (long long)now);
    if (type && str_starts(type, "io") && !js_get(check->document, "iops"))
        check->problem(check, "iops", "missing: storage of type %s needs it", type);
}

static void check(struct kind_check *check)
{
    tags_check(check);
    check_password(check);
    check_storage(check);
    if (js_bool(check->document, "publicly_accessible", false))
        check->warning(check, "publicly_accessible",
                       "the database gets an address that the internet can reach");
    if (js_int(check->document, "backup_retention_period", 1) == 0)
        check->warning(check, "backup_retention_period",
                       "0: there are no backups, and nothing to go back to when data are lost");
    if (!js_bool(check->document, "storage_encrypted", true))
        check->warning(check, "storage_encrypted", "the storage is not encrypted, and never can be later");
}

static void normalise(struct json_object *desired, struct json_object *observed)
{
    int64_t wanted = js_int(desired, "allocated_storage", 0), seen = js_int(observed, "allocated_storage", 0);
    int64_t most = js_int(desired, "max_allocated_storage", 0);
    const char *key = js_text(desired, "kms_key_id"), *seen_key = js_text(observed, "kms_key_id");
    const char *status = js_text(observed, "status");

    /* Without memory false differences, which the next look does not find. */
    if (most > 0 && seen > wanted && seen <= most)
        (void)js_set_int(observed, "allocated_storage", wanted); /* RDS let it grow, as it may */
    if (key && seen_key && strchr(seen_key, '/') && str_equal(strrchr(seen_key, '/') + 1, key))
        (void)js_set_text(observed, "kms_key_id", key);
    if (str_equal(status, "storage-optimization"))
        (void)js_set_text(observed, "status", "available"); /* it works as ever, for hours */
}

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
    struct json_object *params = wire_write(fields, op->desired);
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

    for (const struct field *row = fields; row->name; row++) {
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
    .fields = fields,
    .attributes = attributes,
    .not_yet = not_yet,
    .pace = {.first_look_ms = 240000,
             .every_ms = 10000,
             .give_up_ms = 3600000,
             .grace_ms = 60000,
             .usual_ms = 400000},
    .check = check,
    .normalise = normalise,
    .observe = aws_db_instance_observe,
    .create = create,
    .update = update,
    .remove = aws_db_instance_remove,
    .farewell = aws_db_instance_farewell,
};
