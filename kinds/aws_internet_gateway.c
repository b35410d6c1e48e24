/*
 * aws_internet_gateway.c: a VPC's way to the internet, with its attachment: detached it is of no use.
 *
 * One call sees all. Ways to fail: the VPC has another gateway already; public addresses are still
 * mapped in the VPC when it is to be detached.
 */
#include <errno.h>

#include "common/js.h"
#include "kinds/ec2-internal.h"
#include "kinds/registry-internal.h"

static const struct field fields[] = {
    {
        .name = "vpc_id",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_SECURITY,
        .doc = "VPC that it is attached to.",
    },
    TAGS_ROW,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .doc = "ARN of the gateway."},
    {.name = "id", .type = FIELD_STRING, .doc = "Id of the gateway."},
    {.name = "owner_id", .type = FIELD_STRING, .wire = "OwnerId", .doc = "Account that owns the gateway."},
    {0},
};

/* ---- looking ---- */

/* "attached" is what the model says, "available" what EC2 says. */
static bool is_attached(const char *state)
{
    return str_equal(state, "attached") || str_equal(state, "available");
}

static void take(struct kind_batch *batch, struct kind_item *item, struct json_object *gateway)
{
    struct json_object *document = ec2_document(batch->clouds.aws, &aws_internet_gateway_kind, gateway,
                                                "InternetGatewayId", "internet-gateway");
    struct json_object *attachment = js_at(js_get(gateway, "Attachments"), 0);
    const char *id = js_text(gateway, "InternetGatewayId"), *state = js_text(attachment, "State");

    if (attachment && is_attached(state))
        params_text(&document, "vpc_id", js_text(attachment, "VpcId"));
    if (str_equal(state, "attaching") || str_equal(state, "detaching"))
        batch_settling(item, id, document, state);
    else
        batch_present(item, id, document);
}

static const struct ec2_look by_gateway = {
    .operation = AWS_EC2_DESCRIBE_INTERNET_GATEWAYS,
    .list = "InternetGateways",
    .id = "InternetGatewayId",
    .id_filter = "internet-gateway-id",
    .filters = "Filters",
    .unprotected = true,
    .take = take,
};

static int observe(struct kind_batch *batch)
{
    return ec2_observe(batch, &by_gateway);
}

/* ---- the attachment ---- */

/* VPC that it is attached to now; *ret_vpc is owned, NULL when there is none. */
static int read_vpc(struct kind_op *op, const char *id, char **ret_vpc)
{
    struct json_object *params = params_new(NULL, NULL, NULL), *answer CLEANUP_JS = NULL, *gateway;
    const char *vpc;
    int r;

    params_set(&params, "Filters", ec2_filter("internet-gateway-id", id));
    r = op_send(op, AWS_EC2_DESCRIBE_INTERNET_GATEWAYS, params, &answer);
    if (r < 0)
        return r;
    gateway = js_at(js_get(answer, "InternetGateways"), 0);
    vpc = js_text(js_at(js_get(gateway, "Attachments"), 0), "VpcId");
    return vpc && str_set(ret_vpc, vpc) < 0 ? err_no_memory(op->err) : 0;
}

static int attach(struct kind_op *op, const char *id)
{
    struct err refused CLEANUP_ERR = {0};
    char *vpc CLEANUP_FREE = NULL;
    int r = op_send(op, AWS_EC2_ATTACH_INTERNET_GATEWAY,
                    params_new("InternetGatewayId", id, "VpcId", op_text(op, "vpc_id"), NULL), NULL);

    if (r == 0 || !err_is(op->err, "Resource.AlreadyAssociated"))
        return r;
    /* To the right one? Then it was an answer that got lost. */
    err_move(&refused, op->err);
    r = read_vpc(op, id, &vpc);
    if (r < 0)
        return r;
    if (str_equal(vpc, op_text(op, "vpc_id")))
        return 0;
    err_move(op->err, &refused);
    return op->err->code;
}

/* Already detached is success. */
static int detach(struct kind_op *op, const char *vpc)
{
    int r = op_send(op, AWS_EC2_DETACH_INTERNET_GATEWAY,
                    params_new("InternetGatewayId", op->id, "VpcId", vpc, NULL), NULL);

    return op_forgive(op, ec2_explain(op, r, "vpc-id", vpc), "Gateway.NotAttached");
}

/* ---- create, update, remove ---- */

static int create(struct kind_op *op)
{
    struct json_object *params = params_new(NULL, NULL, NULL), *answer CLEANUP_JS = NULL, *gateway;
    int r;

    ec2_tag_at_birth(op, &params, "internet-gateway");
    r = op_send(op, AWS_EC2_CREATE_INTERNET_GATEWAY, params, &answer);
    if (r < 0)
        return r;
    gateway = js_get(answer, "InternetGateway");
    r = ec2_created(op, gateway, "InternetGatewayId", "internet-gateway");
    return r < 0 ? r : attach(op, js_text(gateway, "InternetGatewayId"));
}

static int update(struct kind_op *op, const struct diff *diff)
{
    const char *vpc = js_text(op->observed, "vpc_id");
    bool moved = diff_has(diff, "vpc_id");
    int r = 0;

    if (moved && vpc)
        r = detach(op, vpc);
    if (r == 0 && moved)
        r = attach(op, op->id);
    if (r == 0 && diff_has(diff, "tags"))
        r = ec2_put_tags(op, diff);
    return r;
}

static int remove_gateway(struct kind_op *op)
{
    char *vpc CLEANUP_FREE = NULL;
    int r;

    if (!op->id)
        return op_fail(op, -EINVAL, ERR_BUG, "DeleteInternetGateway: no id is recorded");
    r = read_vpc(op, op->id, &vpc);
    if (r == 0 && vpc)
        r = op_forgive(op, detach(op, vpc), "InvalidInternetGatewayID.NotFound");
    if (r == 0)
        r = op_forgive(op, ec2_send(op, AWS_EC2_DELETE_INTERNET_GATEWAY, "InternetGatewayId", op->id),
                       "InvalidInternetGatewayID.NotFound");
    return r;
}

static const struct not_yet not_yet[] = {
    EC2_VPC_NOT_YET,
    {.code = "InvalidInternetGatewayID.NotFound", .waiting_for = "the gateway to become visible in EC2"},
    {0},
};

const struct kind aws_internet_gateway_kind = {
    .type = "aws_internet_gateway",
    .provider = PROVIDER_AWS,
    .doc = "A VPC's gateway to the internet.",
    .fields = fields,
    .attributes = attributes,
    .not_yet = not_yet,
    .pace = EC2_PACE,
    .check = tags_check,
    .observe = observe,
    .create = create,
    .update = update,
    .remove = remove_gateway,
};
