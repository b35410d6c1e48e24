/*
 * aws_route_table_look.c: route tables as they are. One call sees all.
 *
 * Left out is what EC2 puts in itself: local routes, what gateways propagate, what gateway endpoints
 * add, the main association. A route whose target is gone is shown without one.
 */
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_route_table-internal.h"
#include "kinds/ec2-internal.h"
#include "kinds/registry-internal.h"

static bool is_ec2s_own(struct json_object *route)
{
    const char *origin = js_text(route, "Origin"), *gateway = js_text(route, "GatewayId");

    if (str_equal(gateway, "local") || (origin && !str_equal(origin, "CreateRoute")))
        return true;
    return gateway && str_starts(gateway, "vpce-") && js_text(route, "DestinationPrefixListId");
}

static struct json_object *route_document(struct json_object *route)
{
    struct json_object *document = params_new(NULL, NULL, NULL);
    bool dead = str_equal(js_text(route, "State"), "blackhole");
    const char *gateway = js_text(route, "GatewayId");

    for (size_t i = 0; aws_route_fields[i].name; i++) {
        if (i < ROUTE_DESTINATIONS || !dead)
            params_text(&document, aws_route_fields[i].name, js_text(route, aws_route_fields[i].wire));
    }
    /* An endpoint is given by its own name and shown as a gateway. */
    if (document && !dead && gateway && str_starts(gateway, "vpce-")) {
        json_object_object_del(document, "gateway_id");
        params_text(&document, "vpc_endpoint_id", gateway);
    }
    return document;
}

static struct json_object *routes_document(struct json_object *routes)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0, count = js_count(routes, NULL); list && i < count; i++) {
        struct json_object *document;

        if (is_ec2s_own(js_at(routes, i)))
            continue;
        document = route_document(js_at(routes, i));
        if (!document || json_object_array_add(list, document) < 0) {
            json_object_put(document);
            json_object_put(list);
            return NULL;
        }
    }
    return list;
}

bool aws_route_association_holds(struct json_object *association)
{
    const char *state = js_text(association, "AssociationState.State");

    return !js_bool(association, "Main", false) && js_text(association, "SubnetId") &&
           (!state || str_equal(state, "associated") || str_equal(state, "associating"));
}

static struct json_object *subnets_document(struct json_object *associations)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0, count = js_count(associations, NULL); list && i < count; i++) {
        struct json_object *association = js_at(associations, i);

        if (aws_route_association_holds(association) &&
            js_add_text(list, js_text(association, "SubnetId")) < 0) {
            json_object_put(list);
            return NULL;
        }
    }
    return list;
}

static void take(struct kind_batch *batch, struct kind_item *item, struct json_object *table)
{
    struct json_object *document = ec2_document(batch->clouds.aws, &aws_route_table_kind, table,
                                                "RouteTableId", "route-table");

    params_set(&document, "route", routes_document(js_get(table, "Routes")));
    params_set(&document, "subnet_ids", subnets_document(js_get(table, "Associations")));
    batch_present(item, js_text(table, "RouteTableId"), document);
}

static const struct ec2_look by_table = {
    .operation = AWS_EC2_DESCRIBE_ROUTE_TABLES,
    .list = "RouteTables",
    .id = "RouteTableId",
    .id_filter = "route-table-id",
    .filters = "Filters",
    .take = take,
};

int aws_route_table_observe(struct kind_batch *batch)
{
    return ec2_observe(batch, &by_table);
}

/* ---- comparing ---- */

char *aws_route_destination(struct json_object *route)
{
    for (size_t i = 0; i < ROUTE_DESTINATIONS; i++) {
        const char *text = js_text(route, aws_route_fields[i].name);
        char *canonical = text ? cidr_canonical(text) : NULL;

        if (text)
            return canonical ? canonical : strdup(text); /* the id of a prefix list */
    }
    return NULL;
}

static void normalise_routes(struct json_object *routes)
{
    for (size_t i = 0, count = js_count(routes, NULL); i < count; i++) {
        struct json_object *route = js_at(routes, i);
        char *destination CLEANUP_FREE = aws_route_destination(route);

        if (!destination)
            continue;
        cidr_normalise(route, "cidr_block");
        cidr_normalise(route, "ipv6_cidr_block");
        (void)js_set_text(route, ROUTE_KEY, destination); /* without memory: not comparable, not wrong */
    }
}

void aws_route_table_normalise(struct json_object *desired, struct json_object *observed)
{
    normalise_routes(js_get(desired, "route"));
    normalise_routes(js_get(observed, "route"));
}
