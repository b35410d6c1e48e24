/*
 * aws_subnet.c: a range of a VPC in one zone.
 *
 * One call sees all. Ways to fail: a range that is taken or outside of the VPC, a zone that does not
 * exist, an interface still inside when it is to be deleted.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "common/str.h"
#include "kinds/ec2-internal.h"
#include "kinds/registry-internal.h"

static const struct field fields[] = {
    {
        .name = "vpc_id",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_IMMUTABLE,
        .wire = "VpcId",
        .doc = "VPC that it is a part of.",
    },
    {
        .name = "cidr_block",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_IMMUTABLE,
        .wire = "CidrBlock",
        .pattern = "an IPv4 network, as 10.0.1.0/24",
        .accepts = cidr4_accepts,
        .doc = "Range of addresses, inside that of the VPC.",
    },
    {
        .name = "availability_zone",
        .type = FIELD_STRING,
        .flags = FIELD_SERVER_DEFAULT | FIELD_IMMUTABLE,
        .wire = "AvailabilityZone",
        .doc = "Name of the zone, as us-east-1a; not given, EC2 chooses.",
    },
    {
        .name = "availability_zone_id",
        .type = FIELD_STRING,
        .flags = FIELD_SERVER_DEFAULT | FIELD_IMMUTABLE,
        .wire = "AvailabilityZoneId",
        .doc = "Id of the zone, as use1-az1, which means the same zone in every account.",
    },
    {
        .name = "map_public_ip_on_launch",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_SECURITY,
        .wire = "MapPublicIpOnLaunch",
        .fallback = "false",
        .doc = "Give everything that starts here a public address.",
    },
    {
        .name = "tags",
        .type = FIELD_MAP,
        .element = FIELD_STRING,
        .doc = "Tags; those not named here are left alone. Load balancers find their subnets by them.",
    },
    {0},
};

static const struct attribute attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .wire = "SubnetArn", .doc = "ARN of the subnet."},
    {.name = "id", .type = FIELD_STRING, .doc = "Id of the subnet."},
    {.name = "owner_id", .type = FIELD_STRING, .wire = "OwnerId", .doc = "Account that owns the subnet."},
    {0},
};

/* EC2 allows /16 to /28. */
static void check_size(struct kind_check *check, const char *cidr)
{
    const char *slash = cidr ? strrchr(cidr, '/') : NULL;
    long long prefix;

    if (slash && str_to_int64(slash + 1, 0, 32, &prefix) == 0 && (prefix < 16 || prefix > 28))
        check->problem(check, "cidr_block", "%s: a subnet has a size from /16 to /28", cidr);
}

static void check_place(struct kind_check *check, const char *cidr)
{
    struct json_object *vpc CLEANUP_JS = check->referred ? check->referred(check, "vpc_id") : NULL;
    const char *outer = js_text(vpc, "cidr_block");

    if (cidr && outer && !cidr_lies_in(cidr, outer))
        check->problem(check, "cidr_block",
                       "%s does not lie in %s, the range of its VPC: choose a part of that, or another range "
                       "for the VPC",
                       cidr, outer);
}

static void check(struct kind_check *check)
{
    const char *cidr = js_text(check->document, "cidr_block");

    tags_check(check);
    check_size(check, cidr);
    check_place(check, cidr);
    if (js_get(check->document, "availability_zone") && js_get(check->document, "availability_zone_id"))
        check->problem(check, "availability_zone_id", "the zone is given by its name or by its id, not both");
}

static void normalise(struct json_object *desired, struct json_object *observed)
{
    cidr_normalise(desired, "cidr_block");
    cidr_normalise(observed, "cidr_block");
}

static void take(struct kind_batch *batch, struct kind_item *item, struct json_object *subnet)
{
    struct json_object *document = ec2_document(batch->clouds.aws, &aws_subnet_kind, subnet, "SubnetId",
                                                "subnet");
    const char *id = js_text(subnet, "SubnetId"), *state = js_text(subnet, "State");

    if (str_equal(state, "pending"))
        batch_settling(item, id, document, state);
    else
        batch_present(item, id, document);
}

static const struct ec2_look by_subnet = {
    .operation = AWS_EC2_DESCRIBE_SUBNETS,
    .list = "Subnets",
    .id = "SubnetId",
    .id_filter = "subnet-id",
    .filters = "Filters",
    .unprotected = true,
    .take = take,
};

static int observe(struct kind_batch *batch)
{
    return ec2_observe(batch, &by_subnet);
}

static int put_public(struct kind_op *op, const char *id)
{
    struct json_object *params = params_new("SubnetId", id, NULL);

    params_set(&params, "MapPublicIpOnLaunch.Value",
               json_object_new_boolean(js_bool(op->desired, "map_public_ip_on_launch", false)));
    return op_send(op, AWS_EC2_MODIFY_SUBNET_ATTRIBUTE, params, NULL);
}

static int create(struct kind_op *op)
{
    struct json_object *params = params_new("VpcId", op_text(op, "vpc_id"), "CidrBlock",
                                            op_text(op, "cidr_block"), NULL);
    struct json_object *answer CLEANUP_JS = NULL, *subnet;
    int r;

    params_text(&params, "AvailabilityZone", op_text(op, "availability_zone"));
    params_text(&params, "AvailabilityZoneId", op_text(op, "availability_zone_id"));
    ec2_tag_at_birth(op, &params, "subnet");
    r = op_send(op, AWS_EC2_CREATE_SUBNET, params, &answer);
    if (r < 0)
        return r;
    subnet = js_get(answer, "Subnet");
    r = ec2_created(op, subnet, "SubnetId", "subnet");
    if (str_equal(js_text(subnet, "State"), "pending"))
        op_settling(op);
    if (r == 0 && js_bool(op->desired, "map_public_ip_on_launch", false))
        r = put_public(op, js_text(subnet, "SubnetId"));
    return r;
}

static int update(struct kind_op *op, const struct diff *diff)
{
    int r = 0;

    if (diff_has(diff, "map_public_ip_on_launch"))
        r = put_public(op, op->id);
    if (r == 0 && diff_has(diff, "tags"))
        r = ec2_put_tags(op, diff);
    return r;
}

static int remove_subnet(struct kind_op *op)
{
    int r = ec2_send(op, AWS_EC2_DELETE_SUBNET, "SubnetId", op->id);

    return op_forgive(op, ec2_explain(op, r, "subnet-id", op->id), "InvalidSubnetID.NotFound");
}

static const struct not_yet not_yet[] = {
    EC2_VPC_NOT_YET,
    EC2_SUBNET_NOT_YET,
    {0},
};

const struct kind aws_subnet_kind = {
    .type = "aws_subnet",
    .provider = PROVIDER_AWS,
    .doc = "A range of addresses of a VPC, in one zone.",
    .fields = fields,
    .attributes = attributes,
    .not_yet = not_yet,
    .pace = EC2_PACE,
    .check = check,
    .normalise = normalise,
    .observe = observe,
    .create = create,
    .update = update,
    .remove = remove_subnet,
};
