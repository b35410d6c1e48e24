/*
 * aws_route_table.c: where packets of subnets go: a table with its routes and the subnets that use it.
 *
 * Looking is in aws_route_table_look.c. ClientToken protects from making a second one. A route has no
 * id but its destination. A subnet moves from table to table in one call, so that it is never without.
 * Ways to fail: a target that is not ready or does not exist.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_route_table-internal.h"
#include "kinds/ec2-internal.h"
#include "kinds/registry-internal.h"

const struct field aws_route_fields[] = {
    {
        .name = "cidr_block",
        .type = FIELD_STRING,
        .wire = "DestinationCidrBlock",
        .pattern = "an IPv4 network, as 0.0.0.0/0",
        .accepts = cidr4_accepts,
        .doc = "Destination, as an IPv4 network.",
    },
    {
        .name = "ipv6_cidr_block",
        .type = FIELD_STRING,
        .wire = "DestinationIpv6CidrBlock",
        .pattern = "an IPv6 network, as ::/0",
        .accepts = cidr6_accepts,
        .doc = "Destination, as an IPv6 network.",
    },
    {
        .name = "destination_prefix_list_id",
        .type = FIELD_STRING,
        .wire = "DestinationPrefixListId",
        .doc = "Destination, as a managed prefix list.",
    },
    {
        .name = "gateway_id",
        .type = FIELD_STRING,
        .wire = "GatewayId",
        .doc = "Target: an internet gateway or a virtual private gateway.",
    },
    {
        .name = "nat_gateway_id",
        .type = FIELD_STRING,
        .wire = "NatGatewayId",
        .doc = "Target: a NAT gateway.",
    },
    {
        .name = "network_interface_id",
        .type = FIELD_STRING,
        .wire = "NetworkInterfaceId",
        .doc = "Target: a network interface.",
    },
    {
        .name = "transit_gateway_id",
        .type = FIELD_STRING,
        .wire = "TransitGatewayId",
        .doc = "Target: a transit gateway.",
    },
    {
        .name = "vpc_peering_connection_id",
        .type = FIELD_STRING,
        .wire = "VpcPeeringConnectionId",
        .doc = "Target: a peering connection.",
    },
    {
        .name = "egress_only_gateway_id",
        .type = FIELD_STRING,
        .wire = "EgressOnlyInternetGatewayId",
        .doc = "Target: an egress-only internet gateway.",
    },
    {
        .name = "vpc_endpoint_id",
        .type = FIELD_STRING,
        .wire = "VpcEndpointId",
        .doc = "Target: an endpoint of a gateway load balancer.",
    },
    {0},
};

static const struct field fields[] = {
    {
        .name = "vpc_id",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_IMMUTABLE,
        .wire = "VpcId",
        .doc = "VPC that it is a part of.",
    },
    {
        .name = "route",
        .type = FIELD_SET,
        .element = FIELD_OBJECT,
        .members = aws_route_fields,
        .key = ROUTE_KEY,
        .flags = FIELD_EXCLUSIVE | FIELD_SECURITY,
        .fallback = "[]",
        .doc = "All routes, but those that AWS puts in itself; others are removed.",
    },
    {
        .name = "subnet_ids",
        .type = FIELD_SET,
        .element = FIELD_STRING,
        .flags = FIELD_EXCLUSIVE | FIELD_SECURITY,
        .fallback = "[]",
        .doc = "All subnets that use this table; others are sent back to the VPC's main table.",
    },
    TAGS_ROW,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .doc = "ARN of the table."},
    {.name = "id", .type = FIELD_STRING, .doc = "Id of the table."},
    {.name = "owner_id", .type = FIELD_STRING, .wire = "OwnerId", .doc = "Account that owns the table."},
    {0},
};

/* ---- checking ---- */

static void check_route(struct kind_check *check, size_t index, struct json_object *route)
{
    char *path CLEANUP_FREE = str_format("route.%zu", index);
    size_t destinations = 0, targets = 0;

    for (size_t i = 0; aws_route_fields[i].name; i++) {
        if (!js_get(route, aws_route_fields[i].name))
            continue;
        destinations += i < ROUTE_DESTINATIONS;
        targets += i >= ROUTE_DESTINATIONS;
    }
    if (path && destinations != 1)
        check->problem(check, path,
                       "a route has one destination: cidr_block, ipv6_cidr_block or "
                       "destination_prefix_list_id");
    if (path && targets != 1)
        check->problem(check, path, "a route has one target, as gateway_id or nat_gateway_id");
}

static void check(struct kind_check *check)
{
    struct json_object *routes = js_get(check->document, "route");

    tags_check(check);
    for (size_t i = 0, count = js_count(routes, NULL); i < count; i++) {
        char *path CLEANUP_FREE = str_format("route.%zu", i);
        char *destination CLEANUP_FREE = aws_route_destination(js_at(routes, i));

        check_route(check, i, js_at(routes, i));
        for (size_t j = 0; path && destination && j < i; j++) {
            char *other CLEANUP_FREE = aws_route_destination(js_at(routes, j));

            if (str_equal(other, destination))
                check->problem(check, path, "%s has a route already", destination);
        }
    }
}

/* ---- routes ---- */

/* The route of a document with this destination; borrowed; NULL when there is none. */
static struct json_object *find_route(struct json_object *document, const char *destination)
{
    struct json_object *routes = js_get(document, "route");

    for (size_t i = 0, count = js_count(routes, NULL); i < count; i++) {
        char *other CLEANUP_FREE = aws_route_destination(js_at(routes, i));

        if (str_equal(other, destination))
            return js_at(routes, i);
    }
    return NULL;
}

static struct json_object *route_params(const char *table, struct json_object *route)
{
    struct json_object *params = wire_write(aws_route_fields, route);

    params_text(&params, "RouteTableId", table);
    return params;
}

static int put_route(struct kind_op *op, const char *table, struct json_object *route, bool exists)
{
    int r;

    if (!exists) {
        r = op_send(op, AWS_EC2_CREATE_ROUTE, route_params(table, route), NULL);
        if (r == 0 || !err_is(op->err, "RouteAlreadyExists"))
            return r;
    }
    return op_send(op, AWS_EC2_REPLACE_ROUTE, route_params(table, route), NULL);
}

static int delete_route(struct kind_op *op, const char *destination)
{
    struct json_object *route = find_route(op->observed, destination);
    struct json_object *params = params_new("RouteTableId", op->id, NULL);
    int r;

    for (size_t i = 0; i < ROUTE_DESTINATIONS; i++)
        params_text(&params, aws_route_fields[i].wire, js_text(route, aws_route_fields[i].name));
    r = op_send(op, AWS_EC2_DELETE_ROUTE, params, NULL);
    return op_forgive(op, r, "InvalidRoute.NotFound");
}

static int update_routes(struct kind_op *op, const struct diff *diff)
{
    const char *destination;
    size_t cursor = 0;
    int r = 0;

    while (r == 0 && (destination = diff_next_added(diff, "route", &cursor))) {
        struct json_object *route = find_route(op->desired, destination);

        if (route)
            r = put_route(op, op->id, route, find_route(op->observed, destination) != NULL);
    }
    cursor = 0;
    while (r == 0 && (destination = diff_next_removed(diff, "route", &cursor)))
        r = delete_route(op, destination);
    return r;
}

/* ---- subnets ---- */

/* Associations that hold, of all tables that this filter finds, by subnet; owned. */
static int read_associations(struct kind_op *op, const char *filter, struct json_object *take_values,
                             struct json_object **ret)
{
    struct json_object *params = params_new(NULL, NULL, NULL), *answer CLEANUP_JS = NULL;
    struct json_object *by_subnet CLEANUP_JS = json_object_new_object(), *tables;
    int r;

    params_set(&params, "Filters", take_values ? ec2_filters(filter, take_values) : NULL);
    r = op_send(op, AWS_EC2_DESCRIBE_ROUTE_TABLES, params, &answer);
    if (r < 0)
        return r;
    tables = js_get(answer, "RouteTables");
    for (size_t i = 0, count = js_count(tables, NULL); i < count; i++) {
        struct json_object *associations = js_get(js_at(tables, i), "Associations");

        for (size_t j = 0; j < js_count(associations, NULL); j++) {
            struct json_object *association = js_at(associations, j);

            if (aws_route_association_holds(association) &&
                (!by_subnet ||
                 js_put_key(by_subnet, js_text(association, "SubnetId"), json_object_get(association)) < 0))
                return err_no_memory(op->err);
        }
    }
    *ret = TAKE(by_subnet);
    return *ret ? 0 : err_no_memory(op->err);
}

static int associate(struct kind_op *op, const char *table, const char *subnet, struct json_object *now)
{
    const char *id = js_text(now, "RouteTableAssociationId");

    if (!id)
        return op_send(op, AWS_EC2_ASSOCIATE_ROUTE_TABLE,
                       params_new("RouteTableId", table, "SubnetId", subnet, NULL), NULL);
    if (str_equal(js_text(now, "RouteTableId"), table))
        return 0;
    return op_send(op, AWS_EC2_REPLACE_ROUTE_TABLE_ASSOCIATION,
                   params_new("AssociationId", id, "RouteTableId", table, NULL), NULL);
}

static int disassociate(struct kind_op *op, const char *table, struct json_object *now)
{
    const char *id = js_text(now, "RouteTableAssociationId");
    int r;

    if (!id || !str_equal(js_text(now, "RouteTableId"), table))
        return 0; /* gone, or gone elsewhere */
    r = op_send(op, AWS_EC2_DISASSOCIATE_ROUTE_TABLE, params_new("AssociationId", id, NULL), NULL);
    return op_forgive(op, r, "InvalidAssociationID.NotFound");
}

/* @subnets: what is to be added, then from @added on what is to be removed. */
static int put_subnets(struct kind_op *op, const char *table, struct json_object *subnets, size_t added)
{
    struct json_object *by_subnet CLEANUP_JS = NULL;
    int r;

    if (subnets && js_count(subnets, NULL) == 0)
        return 0;
    r = read_associations(op, "association.subnet-id", js_copy(subnets), &by_subnet);
    for (size_t i = 0, count = js_count(subnets, NULL); r == 0 && i < count; i++) {
        const char *subnet = json_object_get_string(js_at(subnets, i));
        struct json_object *now = NULL;

        json_object_object_get_ex(by_subnet, subnet, &now);
        r = i < added ? associate(op, table, subnet, now) : disassociate(op, table, now);
    }
    return r;
}

static int update_subnets(struct kind_op *op, const struct diff *diff)
{
    struct json_object *subnets CLEANUP_JS = json_object_new_array();
    size_t cursor = 0, added;
    const char *subnet;

    while (subnets && (subnet = diff_next_added(diff, "subnet_ids", &cursor))) {
        if (js_add_text(subnets, subnet) < 0)
            return err_no_memory(op->err);
    }
    added = js_count(subnets, NULL);
    cursor = 0;
    while (subnets && (subnet = diff_next_removed(diff, "subnet_ids", &cursor))) {
        if (js_add_text(subnets, subnet) < 0)
            return err_no_memory(op->err);
    }
    return put_subnets(op, op->id, subnets, added);
}

/* ---- create, update, remove ---- */

static int create(struct kind_op *op)
{
    struct json_object *params = params_new("VpcId", op_text(op, "vpc_id"), NULL);
    struct json_object *routes = js_get(op->desired, "route"), *subnets = js_get(op->desired, "subnet_ids");
    struct json_object *answer CLEANUP_JS = NULL;
    const char *id;
    int r;

    ec2_tag_at_birth(op, &params, "route-table");
    r = op_send(op, AWS_EC2_CREATE_ROUTE_TABLE, params, &answer);
    if (r < 0)
        return r;
    r = ec2_created(op, js_get(answer, "RouteTable"), "RouteTableId", "route-table");
    id = js_text(answer, "RouteTable.RouteTableId");
    for (size_t i = 0, count = js_count(routes, NULL); r == 0 && i < count; i++)
        r = put_route(op, id, js_at(routes, i), false);
    if (r == 0 && js_count(subnets, NULL) > 0)
        r = put_subnets(op, id, subnets, js_count(subnets, NULL));
    return r;
}

static int update(struct kind_op *op, const struct diff *diff)
{
    int r = update_routes(op, diff);

    if (r == 0 && diff_has(diff, "subnet_ids"))
        r = update_subnets(op, diff);
    if (r == 0 && diff_has(diff, "tags"))
        r = ec2_put_tags(op, diff);
    return r;
}

static int remove_table(struct kind_op *op)
{
    struct json_object *by_subnet CLEANUP_JS = NULL, *values = json_object_new_array();
    int r;

    if (!op->id || !values || js_add_text(values, op->id) < 0) {
        json_object_put(values);
        return op->id ? err_no_memory(op->err)
                      : op_fail(op, -EINVAL, ERR_BUG, "DeleteRouteTable: no id is recorded");
    }
    r = read_associations(op, "route-table-id", values, &by_subnet);
    if (r < 0)
        return r;
    js_each (by_subnet, subnet, association) {
        (void)subnet;
        r = r < 0 ? r : disassociate(op, op->id, association);
    }
    if (r < 0)
        return r;
    r = ec2_send(op, AWS_EC2_DELETE_ROUTE_TABLE, "RouteTableId", op->id);
    return op_forgive(op, r, "InvalidRouteTableID.NotFound");
}

static const struct not_yet not_yet[] = {
    EC2_VPC_NOT_YET,
    {.code = "InvalidRouteTableID.NotFound", .waiting_for = "the route table to become visible in EC2"},
    EC2_SUBNET_NOT_YET,
    {.code = "InvalidGatewayID.NotFound", .waiting_for = "the gateway to become visible in EC2"},
    {.code = "InvalidInternetGatewayID.NotFound", .waiting_for = "the gateway to become visible in EC2"},
    {.code = "InvalidNatGatewayID.NotFound", .waiting_for = "the NAT gateway to become visible in EC2"},
    {.code = "NatGatewayNotFound", .waiting_for = "the NAT gateway to become visible in EC2"},
    {.code = "Resource.AlreadyAssociated", .waiting_for = "another change of the subnet's table to end"},
    {0},
};

const struct kind aws_route_table_kind = {
    .type = "aws_route_table",
    .provider = PROVIDER_AWS,
    .doc = "A table of routes and the subnets that use it.",
    .fields = fields,
    .attributes = attributes,
    .not_yet = not_yet,
    .pace = EC2_PACE,
    .check = check,
    .normalise = aws_route_table_normalise,
    .observe = aws_route_table_observe,
    .create = create,
    .update = update,
    .remove = remove_table,
};
