/*
 * aws_vpc.c: a virtual network with its two DNS switches.
 *
 * The switches are in no list: two reads for each VPC, in thorough looks. Nothing protects from making a second VPC: ec2.c
 * finds ours by its tags. Ways to fail: the quota of VPCs is reached, a range EC2 does not take,
 * something is still inside when it is to be deleted.
 */
#include <errno.h>

#include "common/js.h"
#include "kinds/ec2-internal.h"
#include "kinds/registry-internal.h"

#define LOOKS_AT_ONCE 8

static const char *const tenancies[] = {"default", "dedicated", NULL};

static const struct field fields[] = {
    {
        .name = "cidr_block",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_IMMUTABLE,
        .wire = "CidrBlock",
        .pattern = "an IPv4 network, as 10.0.0.0/16",
        .accepts = cidr4_accepts,
        .doc = "Range of addresses of the VPC.",
    },
    {
        .name = "instance_tenancy",
        .type = FIELD_ENUM,
        .values = tenancies,
        .flags = FIELD_IMMUTABLE,
        .wire = "InstanceTenancy",
        .fallback = "\"default\"",
        .doc = "Whether instances share hardware with those of others.",
    },
    {
        .name = "enable_dns_support",
        .type = FIELD_BOOLEAN,
        .fallback = "true",
        .doc = "Answer DNS queries inside the VPC.",
    },
    {
        .name = "enable_dns_hostnames",
        .type = FIELD_BOOLEAN,
        .fallback = "false",
        .doc = "Give public addresses names; EKS nodes and public databases need it.",
    },
    {
        .name = "dhcp_options_id",
        .type = FIELD_STRING,
        .flags = FIELD_SERVER_DEFAULT | FIELD_SECURITY,
        .wire = "DhcpOptionsId",
        .doc = "DHCP options, which decide who answers DNS queries; not given, AWS's own are used and not "
               "watched.",
    },
    TAGS_ROW,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .doc = "ARN of the VPC."},
    {.name = "id", .type = FIELD_STRING, .doc = "Id of the VPC."},
    {.name = "owner_id", .type = FIELD_STRING, .wire = "OwnerId", .doc = "Account that owns the VPC."},
    {0},
};

static void check(struct kind_check *check)
{
    tags_check(check);
    if (js_bool(check->document, "enable_dns_hostnames", false) &&
        !js_bool(check->document, "enable_dns_support", true))
        check->problem(check, "enable_dns_hostnames", "host names need enable_dns_support: true");
}

static void normalise(struct json_object *desired, struct json_object *observed)
{
    cidr_normalise(desired, "cidr_block");
    cidr_normalise(observed, "cidr_block");
}

/* ---- looking ---- */

static void take(struct kind_batch *batch, struct kind_item *item, struct json_object *vpc)
{
    item->observed = ec2_document(batch->clouds.aws, &aws_vpc_kind, vpc, "VpcId", "vpc");
    params_text(&item->observed, "state", js_text(vpc, "State"));
}

static const struct ec2_look by_vpc = {
    .operation = AWS_EC2_DESCRIBE_VPCS,
    .list = "Vpcs",
    .id = "VpcId",
    .id_filter = "vpc-id",
    .filters = "Filters",
    .unprotected = true,
    .take = take,
};

static const char *const switches[][3] = {
    /* attribute, member of the answer, field */
    {"enableDnsSupport", "EnableDnsSupport.Value", "enable_dns_support"},
    {"enableDnsHostnames", "EnableDnsHostnames.Value", "enable_dns_hostnames"},
};

static int take_switches(struct aws_read reads[], struct json_object **document, struct err *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
        if (reads[i].result < 0) {
            err_move(err, &reads[i].err);
            /* We have just seen it. */
            if (err->class == ERR_ABSENT)
                err->class = ERR_RETRY;
            return err->code;
        }
        if (!js_get(reads[i].answer, switches[i][1]))
            return err_set(err, -EBADMSG, ERR_RETRY, "DescribeVpcAttribute: an answer without %s",
                           switches[i][1]);
        params_set(document, switches[i][2],
                   json_object_new_boolean(js_bool(reads[i].answer, switches[i][1], false)));
    }
    return *document ? 0 : err_no_memory(err);
}

/* May wait. */
static int read_switches(struct kind_batch *batch, const char *id, struct json_object **document,
                         struct err *err)
{
    struct aws_read reads[ARRAY_SIZE(switches)] = {0};
    int r;

    for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
        reads[i].op = AWS_EC2_DESCRIBE_VPC_ATTRIBUTE;
        reads[i].params = params_new("VpcId", id, "Attribute", switches[i][0], NULL);
    }
    r = aws_read_all(batch->clouds.aws, reads, ARRAY_SIZE(reads), 0);
    if (r < 0)
        (void)err_set(err, r, r == -ECANCELED ? ERR_CANCELED : ERR_RETRY, "looking was interrupted");
    else
        r = take_switches(reads, document, err);
    aws_reads_done(reads, ARRAY_SIZE(reads));
    return r;
}

static void keep_switches(const struct kind_item *item, struct json_object **document)
{
    for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
        item_keep(item, switches[i][2], document);
}

/* item->observed holds what the list said; the state is still unknown. */
static void look(struct kind_batch *batch, struct kind_item *item)
{
    struct json_object *document = TAKE(item->observed);
    const char *id = js_text(document, "id");
    bool pending = str_equal(js_text(document, "state"), "pending");
    struct err err CLEANUP_ERR = {0};
    int r = 0;

    if (!document)
        return;
    json_object_object_del(document, "state");
    if (item_may_keep(item))
        keep_switches(item, &document);
    else
        r = read_switches(batch, id, &document, &err);
    if (r < 0)
        batch_unknown(item, &err);
    else if (pending)
        batch_settling(item, id, TAKE(document), "pending");
    else
        batch_present(item, id, TAKE(document));
    json_object_put(document);
}

static int observe(struct kind_batch *batch)
{
    int r = ec2_observe(batch, &by_vpc);

    if (r == 0)
        r = batch_each(batch, LOOKS_AT_ONCE, look);
    for (size_t i = 0; i < batch->count; i++) {
        /* Not come to: half a picture is none. */
        if (batch->items[i].state == ITEM_UNKNOWN && batch->items[i].observed)
            json_object_put(TAKE(batch->items[i].observed));
    }
    return r;
}

/* ---- create, update, remove ---- */

/* One attribute a call. */
static int put_switch(struct kind_op *op, const char *id, const char *member, const char *field)
{
    struct json_object *params = params_new("VpcId", id, NULL);

    params_set(&params, member, json_object_new_boolean(js_bool(op->desired, field, false)));
    return op_send(op, AWS_EC2_MODIFY_VPC_ATTRIBUTE, params, NULL);
}

static int put_support(struct kind_op *op, const char *id)
{
    return put_switch(op, id, "EnableDnsSupport.Value", "enable_dns_support");
}

static int put_hostnames(struct kind_op *op, const char *id)
{
    return put_switch(op, id, "EnableDnsHostnames.Value", "enable_dns_hostnames");
}

static int put_dhcp_options(struct kind_op *op, const char *id)
{
    return op_send(op, AWS_EC2_ASSOCIATE_DHCP_OPTIONS,
                   params_new("VpcId", id, "DhcpOptionsId", op_text(op, "dhcp_options_id"), NULL), NULL);
}

static int create(struct kind_op *op)
{
    struct json_object *params = params_new("CidrBlock", op_text(op, "cidr_block"), "InstanceTenancy",
                                            op_text(op, "instance_tenancy"), NULL);
    struct json_object *answer CLEANUP_JS = NULL, *vpc;
    const char *id;
    int r;

    ec2_tag_at_birth(op, &params, "vpc");
    r = op_send(op, AWS_EC2_CREATE_VPC, params, &answer);
    if (r < 0)
        return r;
    vpc = js_get(answer, "Vpc");
    r = ec2_created(op, vpc, "VpcId", "vpc");
    id = js_text(vpc, "VpcId");
    if (str_equal(js_text(vpc, "State"), "pending"))
        op_settling(op);
    /* A new one has support and no host names. */
    if (r == 0 && !js_bool(op->desired, "enable_dns_support", true))
        r = put_support(op, id);
    if (r == 0 && js_bool(op->desired, "enable_dns_hostnames", false))
        r = put_hostnames(op, id);
    if (r == 0 && op_text(op, "dhcp_options_id"))
        r = put_dhcp_options(op, id);
    return r;
}

/* Host names need support: on first, off last. */
static int update(struct kind_op *op, const struct diff *diff)
{
    bool support = diff_has(diff, "enable_dns_support"),
         wanted = js_bool(op->desired, "enable_dns_support", true);
    int r = 0;

    if (support && wanted)
        r = put_support(op, op->id);
    if (r == 0 && diff_has(diff, "enable_dns_hostnames"))
        r = put_hostnames(op, op->id);
    if (r == 0 && support && !wanted)
        r = put_support(op, op->id);
    if (r == 0 && diff_has(diff, "dhcp_options_id"))
        r = put_dhcp_options(op, op->id);
    if (r == 0 && diff_has(diff, "tags"))
        r = ec2_put_tags(op, diff);
    return r;
}

static int remove_vpc(struct kind_op *op)
{
    int r = ec2_send(op, AWS_EC2_DELETE_VPC, "VpcId", op->id);

    return op_forgive(op, ec2_explain(op, r, "vpc-id", op->id), "InvalidVpcID.NotFound");
}

static const struct not_yet not_yet[] = {
    EC2_VPC_NOT_YET,
    {0},
};

const struct kind aws_vpc_kind = {
    .type = "aws_vpc",
    .provider = PROVIDER_AWS,
    .doc = "A virtual private network.",
    .seldom_calls = 2,
    .fields = fields,
    .attributes = attributes,
    .not_yet = not_yet,
    .pace = EC2_PACE,
    .check = check,
    .normalise = normalise,
    .observe = observe,
    .create = create,
    .update = update,
    .remove = remove_vpc,
};
