/*
 * aws_cloudwatch_event_rule-internal.h: what the two files of this kind share: how rules are named.
 */
#ifndef MLOPSD_KINDS_AWS_CLOUDWATCH_EVENT_RULE_INTERNAL_H
#define MLOPSD_KINDS_AWS_CLOUDWATCH_EVENT_RULE_INTERNAL_H

#include "kinds/kind.h"

/**
 * Parameters that name a rule: {@rule_member: NAME, "EventBusName": BUS}. From @id ("BUS/NAME") when there is
 * one, else from the document. Owned; NULL without memory.
 */
struct json_object *event_rule_params(const char *rule_member, const char *id, struct json_object *document);
/** "BUS/NAME"; owned; NULL without memory. */
char *event_rule_id(struct json_object *document);

int aws_cloudwatch_event_rule_observe(struct kind_batch *batch);

/* ---- aws_cloudwatch_event_rule_fields.c ---- */

extern const struct field aws_cloudwatch_event_rule_fields[];
extern const struct attribute aws_cloudwatch_event_rule_attributes[];
extern const struct field event_target_fields[];
void aws_cloudwatch_event_rule_check(struct kind_check *check);
void aws_cloudwatch_event_rule_normalise(struct json_object *desired, struct json_object *observed);

#endif
