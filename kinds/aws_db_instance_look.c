/*
 * aws_db_instance_look.c: looking at databases: one list tells of all, tags included.
 *
 * What RDS is asked to change may wait for the maintenance window and stands beside the old values
 * until then. The document shows what will be: else mlopsd would ask for the same thing for ever.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_db_instance-internal.h"
#include "kinds/registry-internal.h"

const struct rds_list aws_db_instance_list = {
    .operation = AWS_RDS_DESCRIBE_DB_INSTANCES,
    .member = "DBInstanceIdentifier",
    .list = "DBInstances",
    .field = "identifier",
    .absent = "DBInstanceNotFound",
};

/* ---- states ---- */

static const struct {
    const char *status;
    enum instance_state state;
} states[] = {
    {"available", INSTANCE_STEADY},
    {"storage-optimization", INSTANCE_STEADY},
    {"storage-full", INSTANCE_STEADY},
    {"deleting", INSTANCE_DELETING},
    {"delete-precheck", INSTANCE_DELETING},
    {"stopped", INSTANCE_STOPPED},
    {"failed", INSTANCE_FAILED},
    {"incompatible-credentials", INSTANCE_FAILED},
    {"incompatible-network", INSTANCE_FAILED},
    {"incompatible-option-group", INSTANCE_FAILED},
    {"incompatible-parameters", INSTANCE_FAILED},
    {"incompatible-restore", INSTANCE_FAILED},
    {"insufficient-capacity", INSTANCE_FAILED},
    {"restore-error", INSTANCE_FAILED},
    {"inaccessible-encryption-credentials", INSTANCE_FAILED},
    {"inaccessible-encryption-credentials-recoverable", INSTANCE_FAILED},
};

enum instance_state aws_db_instance_state(const char *status)
{
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (str_equal(states[i].status, status))
            return states[i].state;
    }
    return INSTANCE_PASSING;
}

/* ---- the notes ---- */

struct json_object *aws_db_instance_notes(const char *fp, const char *resource_id,
                                          struct json_object *settings)
{
    struct json_object *memory = json_object_new_object();

    if (memory && js_set_text(memory, "fp", fp) == 0 &&
        js_set_text(memory, "resource_id", resource_id) == 0 &&
        js_set_bool(memory, "skip_final_snapshot", js_bool(settings, "skip_final_snapshot", false)) == 0 &&
        js_set_text(memory, "final_snapshot_identifier", js_text(settings, "final_snapshot_identifier")) ==
            0 &&
        js_set_bool(memory, "delete_automated_backups",
                    js_bool(settings, "delete_automated_backups", true)) == 0)
        return memory;
    json_object_put(memory);
    return NULL;
}

/* The fingerprint of the password that this very instance has, as far as we know; borrowed. */
static const char *known_password(const struct kind_item *item, const char *resource_id)
{
    const char *noted = js_text(item->memory, "resource_id");

    return !noted || str_equal(noted, resource_id) ? js_text(item->memory, "fp") : NULL;
}

static void note(struct kind_item *item, const char *fp, const char *resource_id)
{
    struct json_object *memory CLEANUP_JS = aws_db_instance_notes(
        fp, resource_id, item->desired ? item->desired : item->memory);

    json_object_put(item->ret_memory);
    item->ret_memory = NULL;
    if (memory && !js_equal(memory, item->memory)) /* without memory: noted by the next look */
        item->ret_memory = json_object_get(memory);
}

/* The document's stand-in for the password. Owned; NULL without memory. */
static struct json_object *stand_in(const char *fp)
{
    struct json_object *value = json_object_new_object();

    if (value && js_set_text(value, "secret", fp) == 0 &&
        (fp || js_set_text(value, "note", "there, with a password that mlopsd does not know") == 0))
        return value;
    json_object_put(value);
    return NULL;
}

/* ---- the document ---- */

/* What answers call otherwise than requests, whose names the rows have. */
static const struct {
    const char *answer, *request;
} spellings[] = {
    {"DBSubnetGroup.DBSubnetGroupName", "DBSubnetGroupName"},
    {"IAMDatabaseAuthenticationEnabled", "EnableIAMDatabaseAuthentication"},
    {"Endpoint.Port", "Port"},
};

static int respell(struct json_object *values)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        struct json_object *value = js_get(values, spellings[i].answer);

        if (value)
            r = js_set(values, spellings[i].request, json_object_get(value));
    }
    return r;
}

/* The groups that it is in or getting into. Owned; NULL without memory. */
static struct json_object *read_groups(struct json_object *instance)
{
    struct json_object *groups = js_get(instance, "VpcSecurityGroups"), *ids = json_object_new_array();

    for (size_t i = 0, count = js_count(groups, NULL); ids && i < count; i++) {
        const char *id = js_text(js_at(groups, i), "VpcSecurityGroupId");

        if (id && !str_equal(js_text(js_at(groups, i), "Status"), "removing") && js_add_text(ids, id) < 0) {
            json_object_put(ids);
            return NULL;
        }
    }
    return ids;
}

/* What it is, and over that what it is about to become. */
static int read_values(struct json_object *instance, struct json_object *document)
{
    struct json_object *pending = js_get(instance, "PendingModifiedValues");
    int r = respell(instance);

    if (r == 0)
        r = wire_read(&aws_db_instance_kind, instance, document);
    if (r < 0 || !pending)
        return r;
    json_object_object_del(pending, aws_db_instance_list.member); /* until then its name is its name */
    json_object_object_del(pending, "Engine");
    r = respell(pending);
    return r < 0 ? r : wire_read(&aws_db_instance_kind, pending, document);
}

static struct json_object *read_document(struct json_object *instance)
{
    struct json_object *document = json_object_new_object();
    const char *host = js_text(instance, "Endpoint.Address");
    int64_t port = js_int(instance, "Endpoint.Port", 0);
    char *endpoint CLEANUP_FREE = NULL;

    params_text(&document, "status", js_text(instance, "DBInstanceStatus"));
    params_text(&document, "engine_version_actual", js_text(instance, "EngineVersion"));
    if (!document || read_values(instance, document) < 0) {
        json_object_put(document);
        return NULL;
    }
    if (host && port > 0) {
        endpoint = str_format("%s:%lld", host, (long long)port);
        params_set(&document, "endpoint", endpoint ? json_object_new_string(endpoint) : NULL);
    }
    if (document && !js_get(document, "max_allocated_storage")) /* left out on the wire where it is off */
        params_set(&document, "max_allocated_storage", json_object_new_int(0));
    params_set(&document, "vpc_security_group_ids", read_groups(instance));
    params_set(&document, "tags", tags_from_list(js_get(instance, "TagList"), "Key", "Value"));
    return document;
}

/* ---- one instance ---- */

static void look_at(struct kind_item *item, struct json_object *instance)
{
    const char *name = js_text(instance, "DBInstanceIdentifier");
    const char *status = js_text(instance, "DBInstanceStatus");
    const char *resource_id = js_text(instance, "DbiResourceId");
    const char *fp = known_password(item, resource_id);
    enum instance_state state = aws_db_instance_state(status);
    struct json_object *document;

    document = read_document(instance);
    params_set(&document, "password", stand_in(fp));
    note(item, fp, resource_id);
    item->created_wall_ms = answer_time_ms(instance, "InstanceCreateTime");
    if (state == INSTANCE_PASSING || state == INSTANCE_DELETING)
        batch_settling(item, name, document, status ? status : "in transition");
    else
        batch_present(item, name, document);                              /* its status tells the rest */
    item->unconfirmed = !fp && js_text(item->desired, "password.secret"); /* ours to set, nobody's drift */
}

int aws_db_instance_observe(struct kind_batch *batch)
{
    struct json_object *found CLEANUP_JS = NULL;
    int r = rds_describe(batch, &aws_db_instance_list, &found);

    for (size_t i = 0; r == 0 && i < batch->count; i++) {
        struct json_object *instance = rds_find(&aws_db_instance_list, found, &batch->items[i]);

        if (instance)
            look_at(&batch->items[i], instance);
        else
            batch_absent(&batch->items[i]);
    }
    return r;
}
