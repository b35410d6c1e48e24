/*
 * aws_nat_gateway.c: the way out for subnets without public addresses.
 *
 * Made in a minute and a half, deleted in one; rows of deleted and failed gateways stay visible for an
 * hour and count as nothing. ClientToken protects from making a second one. Ways to fail: no internet
 * gateway is attached to the VPC (the call succeeds, the gateway fails), the address is in use.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/ec2-internal.h"
#include "kinds/registry-internal.h"

static const char *const connectivities[] = {"public", "private", NULL};

static const struct field fields[] = {
    {
        .name = "subnet_id",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_IMMUTABLE,
        .wire = "SubnetId",
        .doc = "Subnet that it stands in; a public one needs a route to an internet gateway there.",
    },
    {
        .name = "allocation_id",
        .type = FIELD_STRING,
        .flags = FIELD_IMMUTABLE | FIELD_SECURITY,
        .doc = "Elastic IP address that it uses; needed by a public one.",
    },
    {
        .name = "connectivity_type",
        .type = FIELD_ENUM,
        .values = connectivities,
        .flags = FIELD_IMMUTABLE,
        .wire = "ConnectivityType",
        .fallback = "\"public\"",
        .doc = "Whether it reaches the internet, or only other networks.",
    },
    TAGS_ROW,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "id", .type = FIELD_STRING, .doc = "Id of the gateway."},
    {.name = "public_ip", .type = FIELD_STRING, .doc = "Address that the world sees."},
    {.name = "private_ip", .type = FIELD_STRING, .doc = "Address inside the subnet."},
    {.name = "network_interface_id", .type = FIELD_STRING, .doc = "Its network interface."},
    {0},
};

static void check(struct kind_check *check)
{
    bool private = str_equal(js_text(check->document, "connectivity_type"), "private");
    bool address = js_get(check->document, "allocation_id") != NULL;

    tags_check(check);
    if (private && address)
        check->problem(check, "allocation_id", "a private gateway has no public address");
    if (!private && !address)
        check->problem(check, "allocation_id",
                       "missing: a public gateway needs the id of an address (aws_eip)");
}

/* ---- looking ---- */

static bool has_state(struct json_object *gateway, const char *state)
{
    return str_equal(js_text(gateway, "State"), state);
}

/* A failed gateway never comes to life: another one takes its place, and EC2 clears it away. */
static bool is_gone(struct json_object *gateway)
{
    return has_state(gateway, "deleted") || has_state(gateway, "failed");
}

static bool is_better(struct json_object *a, struct json_object *b)
{
    if (has_state(a, "deleting") != has_state(b, "deleting"))
        return has_state(b, "deleting");
    return answer_time_ms(a, "CreateTime") < answer_time_ms(b, "CreateTime");
}

/* The address that routes see: the primary one, else the first. */
static struct json_object *primary_address(struct json_object *gateway)
{
    struct json_object *addresses = js_get(gateway, "NatGatewayAddresses");

    for (size_t i = 0, count = js_count(addresses, NULL); i < count; i++) {
        if (js_bool(js_at(addresses, i), "IsPrimary", false))
            return js_at(addresses, i);
    }
    return js_count(addresses, NULL) > 0 ? js_at(addresses, 0) : NULL;
}

static void take(struct kind_batch *batch, struct kind_item *item, struct json_object *gateway)
{
    struct json_object *document = ec2_document(batch->clouds.aws, &aws_nat_gateway_kind, gateway,
                                                "NatGatewayId", "natgateway");
    struct json_object *address = primary_address(gateway);
    const char *id = js_text(gateway, "NatGatewayId");

    params_text(&document, "allocation_id", js_text(address, "AllocationId"));
    params_text(&document, "public_ip", js_text(address, "PublicIp"));
    params_text(&document, "private_ip", js_text(address, "PrivateIp"));
    params_text(&document, "network_interface_id", js_text(address, "NetworkInterfaceId"));
    item->created_wall_ms = answer_time_ms(gateway, "CreateTime");
    if (has_state(gateway, "pending") || has_state(gateway, "deleting"))
        batch_settling(item, id, document, js_text(gateway, "State"));
    else
        batch_present(item, id, document);
}

static const struct ec2_look by_gateway = {
    .operation = AWS_EC2_DESCRIBE_NAT_GATEWAYS,
    .list = "NatGateways",
    .id = "NatGatewayId",
    .id_filter = "nat-gateway-id",
    .filters = "Filter",
    .is_gone = is_gone,
    .is_better = is_better,
    .take = take,
};

static int observe(struct kind_batch *batch)
{
    return ec2_observe(batch, &by_gateway);
}

/* ---- create, update, remove ---- */

static int create(struct kind_op *op)
{
    struct json_object *params = params_new("SubnetId", op_text(op, "subnet_id"), "ConnectivityType",
                                            op_text(op, "connectivity_type"), NULL);
    struct json_object *answer CLEANUP_JS = NULL;
    int r;

    params_text(&params, "AllocationId", op_text(op, "allocation_id"));
    ec2_tag_at_birth(op, &params, "natgateway");
    r = op_send(op, AWS_EC2_CREATE_NAT_GATEWAY, params, &answer);
    if (r < 0)
        return r;
    r = ec2_created(op, js_get(answer, "NatGateway"), "NatGatewayId", "natgateway");
    op_settling(op);
    return r;
}

static int update(struct kind_op *op, const struct diff *diff)
{
    return diff_has(diff, "tags") ? ec2_put_tags(op, diff) : 0;
}

static int read_state(struct kind_op *op, bool *ret_gone)
{
    struct json_object *params = params_new(NULL, NULL, NULL), *answer CLEANUP_JS = NULL, *gateway;
    int r;

    params_set(&params, "Filter", ec2_filter("nat-gateway-id", op->id));
    r = op_send(op, AWS_EC2_DESCRIBE_NAT_GATEWAYS, params, &answer);
    if (r < 0)
        return r;
    gateway = js_at(js_get(answer, "NatGateways"), 0);
    *ret_gone = !gateway || has_state(gateway, "deleted");
    return 0;
}

/* Its address and its subnet are held until it is really gone: others build on that. */
static int remove_gateway(struct kind_op *op)
{
    bool gone = false;
    int r = ec2_send(op, AWS_EC2_DELETE_NAT_GATEWAY, "NatGatewayId", op->id);

    if (r < 0)
        return op_forgive(op, r, "NatGatewayNotFound");
    r = read_state(op, &gone);
    if (r < 0 || gone)
        return r;
    return op_fail(op, -EAGAIN, ERR_NOT_YET, "waiting for NAT gateway %s to be deleted", op->id);
}

static const struct not_yet not_yet[] = {
    EC2_SUBNET_NOT_YET,
    {.code = "InvalidAllocationID.NotFound", .waiting_for = "the address to become visible in EC2"},
    {.code = "Resource.AlreadyAssociated", .waiting_for = "the address to be let go by what used it"},
    {.code = "InvalidAddress.NotFound", .waiting_for = "the address to become visible in EC2"},
    {0},
};

const struct kind aws_nat_gateway_kind = {
    .type = "aws_nat_gateway",
    .provider = PROVIDER_AWS,
    .doc = "A gateway that lets private subnets reach the outside.",
    .fields = fields,
    .attributes = attributes,
    .not_yet = not_yet,
    .pace = {.first_look_ms = 75000,
             .every_ms = 5000,
             .give_up_ms = 1800000,
             .grace_ms = 300000,
             .usual_ms = 105000},
    .check = check,
    .observe = observe,
    .create = create,
    .update = update,
    .remove = remove_gateway,
};
