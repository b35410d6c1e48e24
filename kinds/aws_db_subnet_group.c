/*
 * aws_db_subnet_group.c: the subnets that databases may stand in.
 *
 * One list tells of all groups; their tags come in one batch, and where that shows nothing from a call each.
 * Ways to fail: the subnets lie in fewer than two zones; a subnet is not visible yet; a database still uses
 * the group, or a subnet that is to leave it.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/rds-internal.h"
#include "kinds/registry-internal.h"

static bool accepts_name(const char *text)
{
    return has_reference(text) || (is_small_word(text, "-_. ", 255) && !str_equal(text, "default"));
}

static const struct field fields[] = {
    {
        .name = "name",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE | FIELD_IGNORE_CASE,
        .wire = "DBSubnetGroupName",
        .pattern = "1 to 255 small letters, digits and any of - _ . and space, and not \"default\"",
        .accepts = accepts_name,
        .doc = "Name of the group.",
    },
    {
        .name = "description",
        .type = FIELD_STRING,
        .wire = "DBSubnetGroupDescription",
        .fallback = "\"made by mlopsd\"",
        .min = 1,
        .max = 255,
        .doc = "What the group is for.",
    },
    {
        .name = "subnet_ids",
        .type = FIELD_SET,
        .element = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_EXCLUSIVE | FIELD_SECURITY,
        .wire = "SubnetIds",
        .min = 2,
        .max = 20,
        .doc = "Ids of the subnets, in two zones at least; a public one among them opens the way in.",
    },
    TAGS_ROW,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .wire = "DBSubnetGroupArn", .doc = "ARN of the group."},
    {.name = "id", .type = FIELD_STRING, .wire = "DBSubnetGroupName", .doc = "Name of the group."},
    {.name = "vpc_id", .type = FIELD_STRING, .wire = "VpcId", .doc = "VPC that its subnets are in."},
    {.name = "status", .type = FIELD_STRING, .wire = "SubnetGroupStatus", .doc = "What RDS says of it."},
    {0},
};

static void check(struct kind_check *check)
{
    tags_check(check);
}

/* ---- looking ---- */

static const struct rds_list by_name = {
    .operation = AWS_RDS_DESCRIBE_DB_SUBNET_GROUPS,
    .member = "DBSubnetGroupName",
    .list = "DBSubnetGroups",
    .field = "name",
    .absent = "DBSubnetGroupNotFoundFault",
};

/* Owned; NULL without memory. */
static struct json_object *read_subnets(struct json_object *group)
{
    struct json_object *subnets = js_get(group, "Subnets"), *ids = json_object_new_array();

    for (size_t i = 0, count = js_count(subnets, NULL); ids && i < count; i++) {
        const char *id = js_text(js_at(subnets, i), "SubnetIdentifier");

        if (id && js_add_text(ids, id) < 0) {
            json_object_put(ids);
            return NULL;
        }
    }
    return ids;
}

static struct json_object *read_document(struct json_object *group)
{
    struct json_object *document = json_object_new_object(), *subnets = read_subnets(group);

    if (document && wire_read(&aws_db_subnet_group_kind, group, document) == 0) {
        params_set(&document, "subnet_ids", subnets);
        return document;
    }
    json_object_put(subnets);
    json_object_put(document);
    return NULL;
}

/* item->observed holds what the list said; the state is still unknown. May wait. */
static void report(struct kind_batch *batch, struct kind_item *item)
{
    struct json_object *document CLEANUP_JS = TAKE(item->observed), *answer CLEANUP_JS = NULL;
    struct err err CLEANUP_ERR = {0};
    int r = 0;

    if (!document)
        return;
    if (!js_get(document, "tags")) {
        r = batch_ask(batch, AWS_RDS_LIST_TAGS_FOR_RESOURCE,
                      params_new("ResourceName", js_text(document, "arn"), NULL), &answer, &err);
        if (r == 0)
            params_set(&document, "tags", tags_from_list(js_get(answer, "TagList"), "Key", "Value"));
    }
    if (r < 0 && err.class == ERR_ABSENT)
        err.class = ERR_RETRY; /* we have just seen it */
    if (r < 0)
        batch_unknown(item, &err);
    else {
        const char *id = js_text(document, "id"); /* read before the document is given away */

        batch_present(item, id, TAKE(document));
    }
}

static const struct tagged_look group_look = {.arn = "arn", .tags = "tags", .report = report};

/* Put what the list said into the item, or report that it is not there. */
static void begin(struct kind_item *item, struct json_object *found)
{
    struct json_object *group = rds_find(&by_name, found, item);

    if (!group) {
        batch_absent(item);
        return;
    }
    item->observed = read_document(group);
    if (!item->observed)
        (void)err_no_memory(&item->err);
}

static int observe(struct kind_batch *batch)
{
    struct json_object *found CLEANUP_JS = NULL;
    int r = rds_describe(batch, &by_name, &found);

    if (r < 0)
        return r;
    for (size_t i = 0; i < batch->count; i++)
        begin(&batch->items[i], found);
    return tagged_observe(batch, &group_look);
}

/* ---- create, update, remove ---- */

static int create(struct kind_op *op)
{
    struct json_object *params = wire_write(fields, op->desired), *answer CLEANUP_JS = NULL;
    const char *name, *arn;
    int r;

    params_set(&params, "Tags", op_tag_list(op, "Key", "Value"));
    r = op_send(op, AWS_RDS_CREATE_DB_SUBNET_GROUP, params, &answer);
    if (r < 0)
        return r;
    name = js_text(answer, "DBSubnetGroup.DBSubnetGroupName");
    arn = js_text(answer, "DBSubnetGroup.DBSubnetGroupArn");
    if (!name || !arn)
        return op_fail(op, -EBADMSG, ERR_BUG, "CreateDBSubnetGroup: an answer without name and ARN");
    r = op_created(op, name);
    if (r == 0)
        r = op_attribute_text(op, "id", name);
    if (r == 0)
        r = op_attribute_text(op, "arn", arn);
    return r < 0 ? r : op_attribute_text(op, "vpc_id", js_text(answer, "DBSubnetGroup.VpcId"));
}

static int update(struct kind_op *op, const struct diff *diff)
{
    int r = 0;

    if (diff_has(diff, "subnet_ids") || diff_has(diff, "description")) {
        struct json_object *params = params_new("DBSubnetGroupName", op->id, NULL);
        struct json_object *subnets = wanted_or_seen(op, diff, "subnet_ids");

        params_text(&params, "DBSubnetGroupDescription",
                    json_object_get_string(wanted_or_seen(op, diff, "description")));
        params_set(&params, "SubnetIds", subnets ? js_copy(subnets) : NULL);
        r = op_send(op, AWS_RDS_MODIFY_DB_SUBNET_GROUP, params, NULL);
    }
    if (r == 0 && diff_has(diff, "tags"))
        r = rds_put_tags(op, js_text(op->observed, "arn"), diff);
    return r;
}

static int remove_group(struct kind_op *op)
{
    int r = op_send(op, AWS_RDS_DELETE_DB_SUBNET_GROUP, params_new("DBSubnetGroupName", op->id, NULL), NULL);

    return op_forgive(op, r, "DBSubnetGroupNotFoundFault");
}

static const struct not_yet not_yet[] = {
    {.code = "InvalidSubnet", .waiting_for = "the subnet to become visible in RDS"},
    {.code = "InvalidDBSubnetGroupStateFault", .waiting_for = "the databases in the group to be gone"},
    {.code = "SubnetAlreadyInUse", .waiting_for = "the databases in the subnet to leave it"},
    {0},
};

const struct kind aws_db_subnet_group_kind = {
    .type = "aws_db_subnet_group",
    .provider = PROVIDER_AWS,
    .doc = "The subnets that databases may stand in.",
    .fields = fields,
    .attributes = attributes,
    .not_yet = not_yet,
    .pace =
        {.first_look_ms = 1000, .every_ms = 2000, .give_up_ms = 300000, .grace_ms = 60000, .usual_ms = 2000},
    .check = check,
    .observe = observe,
    .create = create,
    .update = update,
    .remove = remove_group,
};
