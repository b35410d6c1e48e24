/*
 * aws_security_group-internal.h: between aws_security_group.c (what it is, and how it is changed) and
 * aws_security_group_rules.c (rules, one by one).
 */
#ifndef MLOPSD_KINDS_AWS_SECURITY_GROUP_INTERNAL_H
#define MLOPSD_KINDS_AWS_SECURITY_GROUP_INTERNAL_H

#include "kinds/kind.h"

/** Member that names a rule in a diff: "tcp 443 10.0.0.0/16", "all self". */
#define RULE_KEY "rule"

/** Protocols by name, without case; "-1" for all. Borrowed from @protocol or static. */
const char *aws_group_protocol(const char *protocol);
/** Has it ports (or ICMP types) at all? */
bool aws_group_protocol_has_ports(const char *protocol);
/**
 * Rules of a document as rules with one peer each, every one with its name. @own_id (may be NULL) as a
 * peer is "self". A rule that is not known in full stays as it is, without a name. Owned; NULL without
 * memory.
 */
struct json_object *aws_group_rules(struct json_object *rules, const char *own_id);
/** The rule of that name; borrowed; NULL when there is none. */
struct json_object *aws_group_rule_find(struct json_object *named_rules, const char *name);
/** One such rule as a permission for a request; owned; NULL without memory. */
struct json_object *aws_group_permission(struct json_object *named_rule, const char *own_id);
/** Permissions of an answer as rules of a document; owned; NULL without memory. */
struct json_object *aws_group_rules_seen(struct json_object *permissions);
/** Rules of a document that have this group as their peer, with their names; owned. */
struct json_object *aws_group_rules_with_peer(struct json_object *rules, const char *own_id,
                                              const char *peer);

#endif
