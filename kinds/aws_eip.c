/*
 * aws_eip.c: a public address that stays the same.
 *
 * One call sees all. Nothing protects from taking a second one, and an idle one costs money: ec2.c
 * finds ours by its tags. Ways to fail: the quota of addresses is reached, it is in use when it is to
 * be released.
 */
#include <errno.h>

#include "common/js.h"
#include "kinds/ec2-internal.h"
#include "kinds/registry-internal.h"

static const char *const domains[] = {"vpc", NULL};

static const struct field fields[] = {
    {
        .name = "domain",
        .type = FIELD_ENUM,
        .values = domains,
        .flags = FIELD_IMMUTABLE,
        .wire = "Domain",
        .fallback = "\"vpc\"",
        .doc = "What it is for; only vpc is left.",
    },
    TAGS_ROW,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "id", .type = FIELD_STRING, .doc = "Id of the allocation."},
    {.name = "allocation_id", .type = FIELD_STRING, .wire = "AllocationId", .doc = "Id of the allocation."},
    {.name = "public_ip", .type = FIELD_STRING, .wire = "PublicIp", .doc = "The address."},
    {.name = "association_id",
     .type = FIELD_STRING,
     .wire = "AssociationId",
     .doc = "Id of its association, while it is in use."},
    {.name = "network_interface",
     .type = FIELD_STRING,
     .wire = "NetworkInterfaceId",
     .doc = "Interface that uses it."},
    {0},
};

static void take(struct kind_batch *batch, struct kind_item *item, struct json_object *address)
{
    batch_present(item, js_text(address, "AllocationId"),
                  ec2_document(batch->clouds.aws, &aws_eip_kind, address, "AllocationId", "elastic-ip"));
}

static const struct ec2_look by_allocation = {
    .operation = AWS_EC2_DESCRIBE_ADDRESSES,
    .list = "Addresses",
    .id = "AllocationId",
    .id_filter = "allocation-id",
    .filters = "Filters",
    .unprotected = true,
    .take = take,
};

static int observe(struct kind_batch *batch)
{
    return ec2_observe(batch, &by_allocation);
}

static int create(struct kind_op *op)
{
    struct json_object *params = params_new("Domain", op_text(op, "domain"), NULL);
    struct json_object *answer CLEANUP_JS = NULL;
    int r;

    ec2_tag_at_birth(op, &params, "elastic-ip");
    r = op_send(op, AWS_EC2_ALLOCATE_ADDRESS, params, &answer);
    return r < 0 ? r : ec2_created(op, answer, "AllocationId", "elastic-ip");
}

static int update(struct kind_op *op, const struct diff *diff)
{
    return diff_has(diff, "tags") ? ec2_put_tags(op, diff) : 0;
}

/* AWS's own services hold addresses in our account that are not ours to release. */
static int refuse_managed(struct kind_op *op)
{
    struct json_object *params = params_new(NULL, NULL, NULL), *answer CLEANUP_JS = NULL;
    const char *owner;
    int r;

    params_set(&params, "Filters", ec2_filter("allocation-id", op->id));
    r = op_send(op, AWS_EC2_DESCRIBE_ADDRESSES, params, &answer);
    if (r < 0)
        return r;
    owner = js_text(js_at(js_get(answer, "Addresses"), 0), "ServiceManaged");
    return owner ? op_fail(op, -EPERM, ERR_INVALID, "%s is managed by %s: it is not ours to release", op->id,
                           owner)
                 : 0;
}

static int remove_address(struct kind_op *op)
{
    int r;

    if (!op->id)
        return op_fail(op, -EINVAL, ERR_BUG, "ReleaseAddress: no id is recorded");
    r = refuse_managed(op);
    if (r == 0)
        r = op_forgive(op, ec2_send(op, AWS_EC2_RELEASE_ADDRESS, "AllocationId", op->id),
                       "InvalidAllocationID.NotFound");
    return r;
}

const struct kind aws_eip_kind = {
    .type = "aws_eip",
    .provider = PROVIDER_AWS,
    .doc = "An elastic IP address.",
    .fields = fields,
    .attributes = attributes,
    .pace =
        {.first_look_ms = 500, .every_ms = 1000, .give_up_ms = 600000, .grace_ms = 300000, .usual_ms = 2000},
    .check = tags_check,
    .observe = observe,
    .create = create,
    .update = update,
    .remove = remove_address,
};
