/*
 * aws_route_table-internal.h: between aws_route_table.c (what it is, and how it is changed) and
 * aws_route_table_look.c (how it is seen).
 */
#ifndef MLOPSD_KINDS_AWS_ROUTE_TABLE_INTERNAL_H
#define MLOPSD_KINDS_AWS_ROUTE_TABLE_INTERNAL_H

#include "kinds/kind.h"

/** Rows of one route: three destinations, then the targets; wire paths as in CreateRoute. */
extern const struct field aws_route_fields[];
#define ROUTE_DESTINATIONS 3

/** Member that names a route in a diff: its destination in canonical spelling. */
#define ROUTE_KEY "destination"

int aws_route_table_observe(struct kind_batch *batch);
void aws_route_table_normalise(struct json_object *desired, struct json_object *observed);
/** Destination of a route of a document, in canonical spelling; owned; NULL: not known. */
char *aws_route_destination(struct json_object *route);
/** Is it an association of a subnet that holds, or will in a moment? */
bool aws_route_association_holds(struct json_object *association);

#endif
