/*
 * aws_security_group.c: who may talk to what is in the group: its rules, owned whole.
 *
 * Rules are compared one by one, see aws_security_group_rules.c. New ones are added before others are
 * taken away, so that a change never cuts what goes on. Ways to fail: the name is taken in the VPC, a
 * rule that somebody added meanwhile (the next look sees it), rules of other groups or interfaces that
 * use the group when it is to be deleted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/js.h"
#include "kinds/aws_security_group-internal.h"
#include "kinds/ec2-internal.h"
#include "kinds/registry-internal.h"

#define NAME_MAX_LENGTH 255

static bool accepts_name(const char *text)
{
    return has_reference(text) ||
           (*text && strlen(text) <= NAME_MAX_LENGTH && strncasecmp(text, "sg-", 3) != 0);
}

static const struct field rule_fields[] = {
    {
        .name = "protocol",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED,
        .doc = "tcp, udp, icmp, icmpv6, another protocol's number, or -1 for all.",
    },
    {
        .name = "from_port",
        .type = FIELD_INTEGER,
        .min = -1,
        .max = 65535,
        .doc = "First port, or ICMP type (-1 for all).",
    },
    {
        .name = "to_port",
        .type = FIELD_INTEGER,
        .min = -1,
        .max = 65535,
        .doc = "Last port, or ICMP code (-1 for all).",
    },
    {
        .name = "cidr_blocks",
        .type = FIELD_LIST,
        .element = FIELD_STRING,
        .doc = "Peers, as IPv4 networks.",
    },
    {
        .name = "ipv6_cidr_blocks",
        .type = FIELD_LIST,
        .element = FIELD_STRING,
        .doc = "Peers, as IPv6 networks.",
    },
    {
        .name = "security_groups",
        .type = FIELD_LIST,
        .element = FIELD_STRING,
        .doc = "Peers, as the ids of security groups.",
    },
    {
        .name = "prefix_list_ids",
        .type = FIELD_LIST,
        .element = FIELD_STRING,
        .doc = "Peers, as managed prefix lists.",
    },
    {
        .name = "self",
        .type = FIELD_BOOLEAN,
        .doc = "Whatever is in the group itself is a peer.",
    },
    {
        .name = "description",
        .type = FIELD_STRING,
        .max = 255,
        .doc = "What the rule is for.",
    },
    {0},
};

static const struct field fields[] = {
    {
        .name = "name",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE | FIELD_IGNORE_CASE,
        .wire = "GroupName",
        .pattern = "1 to 255 characters, not beginning with sg-",
        .accepts = accepts_name,
        .doc = "Name of the group, unique in its VPC whatever the case.",
    },
    {
        .name = "vpc_id",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE,
        .wire = "VpcId",
        .doc = "VPC that it is a part of.",
    },
    {
        .name = "description",
        .type = FIELD_STRING,
        .flags = FIELD_IMMUTABLE,
        .wire = "Description",
        .fallback = "\"Managed by mlopsd\"",
        .min = 1,
        .max = 255,
        .doc = "What the group is for; it can not be changed.",
    },
    {
        .name = "ingress",
        .type = FIELD_SET,
        .element = FIELD_OBJECT,
        .members = rule_fields,
        .key = RULE_KEY,
        .flags = FIELD_EXCLUSIVE | FIELD_SECURITY,
        .fallback = "[]",
        .doc = "All rules for what comes in; others are removed.",
    },
    {
        .name = "egress",
        .type = FIELD_SET,
        .element = FIELD_OBJECT,
        .members = rule_fields,
        .key = RULE_KEY,
        .flags = FIELD_EXCLUSIVE | FIELD_SECURITY,
        .fallback = "[]",
        .doc = "All rules for what goes out; others are removed, the one that AWS puts in as well.",
    },
    TAGS_ROW,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .doc = "ARN of the group."},
    {.name = "id", .type = FIELD_STRING, .doc = "Id of the group."},
    {.name = "owner_id", .type = FIELD_STRING, .wire = "OwnerId", .doc = "Account that owns the group."},
    {0},
};

/** The two directions of rules. */
static const struct direction {
    const char *field, *permissions;
    enum aws_op authorize, revoke, describe;
} directions[] = {
    {"ingress", "IpPermissions", AWS_EC2_AUTHORIZE_SECURITY_GROUP_INGRESS,
     AWS_EC2_REVOKE_SECURITY_GROUP_INGRESS, AWS_EC2_UPDATE_SECURITY_GROUP_RULE_DESCRIPTIONS_INGRESS},
    {"egress", "IpPermissionsEgress", AWS_EC2_AUTHORIZE_SECURITY_GROUP_EGRESS,
     AWS_EC2_REVOKE_SECURITY_GROUP_EGRESS, AWS_EC2_UPDATE_SECURITY_GROUP_RULE_DESCRIPTIONS_EGRESS},
};

/* ---- checking and comparing ---- */

static void check_networks(struct kind_check *check, const char *path, struct json_object *rule,
                           const char *name, bool (*accepts)(const char *text))
{
    struct json_object *networks = js_get(rule, name);

    for (size_t i = 0, count = js_count(networks, NULL); i < count; i++) {
        const char *text = json_object_get_string(js_at(networks, i));

        if (!accepts(text))
            check->problem(check, path, "%s: \"%.60s\" is no such network", name, text);
    }
}

static void check_rule(struct kind_check *check, const char *path, struct json_object *rule)
{
    const char *protocol = js_text(rule, "protocol");
    bool ports = js_get(rule, "from_port") && js_get(rule, "to_port");
    bool known = protocol && !has_reference(protocol);

    check_networks(check, path, rule, "cidr_blocks", cidr4_accepts);
    check_networks(check, path, rule, "ipv6_cidr_blocks", cidr6_accepts);
    if (known && aws_group_protocol_has_ports(protocol) && !ports)
        check->problem(check, path, "a rule for %s needs from_port and to_port", protocol);
    if (known && str_equal(aws_group_protocol(protocol), "-1") &&
        (js_int(rule, "from_port", 0) > 0 || js_int(rule, "to_port", 0) > 0))
        check->problem(check, path, "a rule for all protocols has no ports");
    if (!js_get(rule, "cidr_blocks") && !js_get(rule, "ipv6_cidr_blocks") &&
        !js_get(rule, "security_groups") && !js_get(rule, "prefix_list_ids") && !js_bool(rule, "self", false))
        check->problem(check, path,
                       "a rule needs a peer: cidr_blocks, ipv6_cidr_blocks, "
                       "security_groups, prefix_list_ids or self");
}

static const char *the_world(struct json_object *networks)
{
    for (size_t i = 0, count = js_count(networks, NULL); i < count; i++) {
        const char *text = json_object_get_string(js_at(networks, i));

        if (text && str_ends(text, "/0"))
            return text;
    }
    return NULL;
}

/* The web is for everybody; anything else that is open to the world is said, as it may be meant or not. */
static void check_openness(struct kind_check *check, const char *path, struct json_object *rule)
{
    const char *world = the_world(js_get(rule, "cidr_blocks"));
    long long from = js_int(rule, "from_port", -1), to = js_int(rule, "to_port", -1);
    char *ports CLEANUP_FREE = NULL;

    if (!world)
        world = the_world(js_get(rule, "ipv6_cidr_blocks"));
    if (!world || (from == to && (from == 80 || from == 443)))
        return;
    ports = from < 0     ? str_format("everything")
            : from == to ? str_format("port %lld", from)
                         : str_format("ports %lld to %lld", from, to);
    check->warning(check, path, "the whole internet (%s) may reach %s: better name the networks that need it",
                   world, ports ? ports : "it");
}

static void check(struct kind_check *check)
{
    tags_check(check);
    for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
        struct json_object *rules = js_get(check->document, directions[i].field);

        for (size_t j = 0, count = js_count(rules, NULL); j < count; j++) {
            char *path CLEANUP_FREE = str_format("%s.%zu", directions[i].field, j);

            if (path)
                check_rule(check, path, js_at(rules, j));
            if (path && str_equal(directions[i].field, "ingress"))
                check_openness(check, path, js_at(rules, j));
        }
    }
}

static void normalise(struct json_object *desired, struct json_object *observed)
{
    const char *own_id = js_text(observed, "id");

    for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
        struct json_object *documents[] = {desired, observed};

        for (size_t j = 0; j < ARRAY_SIZE(documents); j++) {
            struct json_object *rules = js_get(documents[j], directions[i].field), *named;

            if (!json_object_is_type(rules, json_type_array))
                continue;
            named = aws_group_rules(rules, own_id);
            if (named)
                (void)js_put_key(documents[j], directions[i].field, named); /* else not comparable */
        }
    }
}

/* ---- looking ---- */

static void take(struct kind_batch *batch, struct kind_item *item, struct json_object *group)
{
    struct json_object *document = ec2_document(batch->clouds.aws, &aws_security_group_kind, group, "GroupId",
                                                "security-group");

    for (size_t i = 0; i < ARRAY_SIZE(directions); i++)
        params_set(&document, directions[i].field,
                   aws_group_rules_seen(js_get(group, directions[i].permissions)));
    batch_present(item, js_text(group, "GroupId"), document);
}

static const char *vpc_of(const struct kind_item *item)
{
    return item->id && !item->intent ? NULL : js_text(item->desired, "vpc_id");
}

static bool has_name(const struct kind_item *item, struct json_object *group)
{
    const char *wanted = js_text(item->desired, "name"), *name = js_text(group, "GroupName");

    return wanted && name && str_equal_nocase(wanted, name) &&
           str_equal(js_text(item->desired, "vpc_id"), js_text(group, "VpcId"));
}

static const struct ec2_look by_group = {
    .operation = AWS_EC2_DESCRIBE_SECURITY_GROUPS,
    .list = "SecurityGroups",
    .id = "GroupId",
    .id_filter = "group-id",
    .filters = "Filters",
    .key_filter = "vpc-id",
    .key_value = vpc_of,
    .key_matches = has_name,
    .take = take,
};

static int observe(struct kind_batch *batch)
{
    return ec2_observe(batch, &by_group);
}

/* ---- rules ---- */

/* One call for all @named_rules; none for none. */
static int send_rules(struct kind_op *op, enum aws_op operation, const char *id,
                      struct json_object *named_rules)
{
    struct json_object *params = params_new("GroupId", id, NULL), *list = json_object_new_array();

    if (named_rules && js_count(named_rules, NULL) == 0) {
        json_object_put(params);
        json_object_put(list);
        return 0;
    }
    for (size_t i = 0, count = js_count(named_rules, NULL); list && i < count; i++) {
        struct json_object *permission = aws_group_permission(js_at(named_rules, i), id);

        if (!permission || json_object_array_add(list, permission) < 0) {
            json_object_put(permission);
            json_object_put(list);
            list = NULL;
        }
    }
    params_set(&params, "IpPermissions", named_rules ? list : NULL);
    if (!named_rules)
        json_object_put(list);
    return op_send(op, operation, params, NULL);
}

static bool keep(struct json_object *list, struct json_object *rule)
{
    if (!list)
        return false;
    if (json_object_array_add(list, json_object_get(rule)) == 0)
        return true;
    json_object_put(rule);
    return false;
}

/** What is to be done about the rules of one direction; owned. */
struct changes {
    struct json_object *missing, *described, *extra;
};

static void changes_done(struct changes *changes)
{
    json_object_put(changes->missing);
    json_object_put(changes->described);
    json_object_put(changes->extra);
}

static bool changes_sort(const struct diff *diff, const char *field, struct json_object *wanted,
                         struct json_object *seen, struct changes *ret)
{
    const char *name;
    size_t cursor = 0;
    bool good = true;

    while (good && (name = diff_next_added(diff, field, &cursor))) {
        struct json_object *rule = aws_group_rule_find(wanted, name);

        if (rule)
            good = keep(aws_group_rule_find(seen, name) ? ret->described : ret->missing, rule);
    }
    cursor = 0;
    while (good && (name = diff_next_removed(diff, field, &cursor))) {
        struct json_object *rule = aws_group_rule_find(seen, name);

        if (rule)
            good = keep(ret->extra, rule);
    }
    return good;
}

/* Add first, take away last. */
static int update_rules(struct kind_op *op, const struct diff *diff, const struct direction *direction)
{
    struct json_object *wanted CLEANUP_JS = aws_group_rules(js_get(op->desired, direction->field), op->id);
    struct json_object *seen CLEANUP_JS = aws_group_rules(js_get(op->observed, direction->field), op->id);
    struct changes changes CLEANUP(changes_done) = {json_object_new_array(), json_object_new_array(),
                                                    json_object_new_array()};
    int r;

    if (!wanted || !seen || !changes_sort(diff, direction->field, wanted, seen, &changes))
        return err_no_memory(op->err);
    r = send_rules(op, direction->authorize, op->id, changes.missing);
    if (r == 0)
        r = send_rules(op, direction->describe, op->id, changes.described);
    if (r == 0)
        r = op_forgive(op, send_rules(op, direction->revoke, op->id, changes.extra),
                       "InvalidPermission.NotFound");
    return r;
}

/* ---- create, update, remove ---- */

/* The rule that EC2 gives to every new group. */
static struct json_object *born_with(void)
{
    struct json_object *rule = params_new("protocol", "-1", NULL), *list = NULL, *named;

    params_set(&rule, "cidr_blocks", json_object_new_array());
    if (rule && js_add_text(js_get(rule, "cidr_blocks"), "0.0.0.0/0") == 0)
        list = json_object_new_array();
    if (!list || json_object_array_add(list, rule) < 0) {
        json_object_put(rule);
        json_object_put(list);
        return NULL;
    }
    named = aws_group_rules(list, NULL);
    json_object_put(list);
    return named;
}

/* The rule that it was born with has no description yet. */
static int describe_born(struct kind_op *op, const char *id, struct json_object *rule)
{
    struct json_object *described CLEANUP_JS = json_object_new_array();

    if (str_empty(js_text(rule, "description")))
        return 0;
    if (!keep(described, rule))
        return err_no_memory(op->err);
    return send_rules(op, AWS_EC2_UPDATE_SECURITY_GROUP_RULE_DESCRIPTIONS_EGRESS, id, described);
}

static int create_egress(struct kind_op *op, const char *id)
{
    struct json_object *wanted CLEANUP_JS = aws_group_rules(js_get(op->desired, "egress"), id);
    struct json_object *born CLEANUP_JS = born_with();
    struct json_object *missing CLEANUP_JS = json_object_new_array();
    const char *born_name = js_text(js_at(born, 0), RULE_KEY);
    struct json_object *wanted_born = wanted && born_name ? aws_group_rule_find(wanted, born_name) : NULL;
    int r;

    for (size_t i = 0, count = js_count(wanted, NULL); i < count; i++) {
        if (!str_equal(js_text(js_at(wanted, i), RULE_KEY), born_name) && !keep(missing, js_at(wanted, i)))
            return err_no_memory(op->err);
    }
    if (!wanted || !born || !missing)
        return err_no_memory(op->err);
    r = send_rules(op, AWS_EC2_AUTHORIZE_SECURITY_GROUP_EGRESS, id, missing);
    if (r == 0 && wanted_born)
        return describe_born(op, id, wanted_born);
    if (r == 0)
        r = op_forgive(op, send_rules(op, AWS_EC2_REVOKE_SECURITY_GROUP_EGRESS, id, born),
                       "InvalidPermission.NotFound");
    return r;
}

static int create(struct kind_op *op)
{
    struct json_object *params = params_new("GroupName", op_text(op, "name"), "VpcId", op_text(op, "vpc_id"),
                                            "Description", op_text(op, "description"), NULL);
    struct json_object *answer CLEANUP_JS = NULL, *rules CLEANUP_JS = NULL;
    const char *id;
    int r;

    ec2_tag_at_birth(op, &params, "security-group");
    r = op_send(op, AWS_EC2_CREATE_SECURITY_GROUP, params, &answer);
    if (r < 0)
        return r;
    id = js_text(answer, "GroupId");
    r = ec2_created(op, answer, "GroupId", "security-group");
    if (r == 0 && js_text(answer, "SecurityGroupArn"))
        r = op_attribute_text(op, "arn", js_text(answer, "SecurityGroupArn"));
    rules = aws_group_rules(js_get(op->desired, "ingress"), id);
    if (r == 0)
        r = send_rules(op, AWS_EC2_AUTHORIZE_SECURITY_GROUP_INGRESS, id, rules);
    if (r == 0)
        r = create_egress(op, id);
    return r;
}

static int update(struct kind_op *op, const struct diff *diff)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(directions); i++) {
        if (diff_has(diff, directions[i].field))
            r = update_rules(op, diff, &directions[i]);
    }
    if (r == 0 && diff_has(diff, "tags"))
        r = ec2_put_tags(op, diff);
    return r;
}

static bool is_ours(const struct kind_op *op, struct json_object *group)
{
    struct json_object *tags CLEANUP_JS = tags_from_list(js_get(group, "Tags"), "Key", "Value");

    return str_equal(tag_value(tags, TAG_PLATFORM), op->platform);
}

/* Rules of our other groups that name this one: two groups that name each other can go in no order. */
static int let_go(struct kind_op *op, const struct direction *direction, const char *filter)
{
    struct json_object *params = params_new(NULL, NULL, NULL), *answer CLEANUP_JS = NULL, *groups;
    int r;

    params_set(&params, "Filters", ec2_filter(filter, op->id));
    r = op_send(op, AWS_EC2_DESCRIBE_SECURITY_GROUPS, params, &answer);
    groups = js_get(answer, "SecurityGroups");
    for (size_t i = 0, count = js_count(groups, NULL); r == 0 && i < count; i++) {
        const char *id = js_text(js_at(groups, i), "GroupId");
        struct json_object *seen CLEANUP_JS = aws_group_rules_seen(
            js_get(js_at(groups, i), direction->permissions));
        struct json_object *rules CLEANUP_JS = aws_group_rules_with_peer(seen, id, op->id);

        if (id && !str_equal(id, op->id) && is_ours(op, js_at(groups, i)))
            r = op_forgive(op, send_rules(op, direction->revoke, id, rules), "InvalidPermission.NotFound");
    }
    return r;
}

static int delete_group(struct kind_op *op)
{
    return op_forgive(op, ec2_send(op, AWS_EC2_DELETE_SECURITY_GROUP, "GroupId", op->id),
                      "InvalidGroup.NotFound");
}

static int remove_group(struct kind_op *op)
{
    int r = delete_group(op);

    if (r == 0 || !(err_is(op->err, "DependencyViolation") || err_is(op->err, "InvalidGroup.InUse")))
        return r;
    r = let_go(op, &directions[0], "ip-permission.group-id");
    if (r == 0)
        r = let_go(op, &directions[1], "egress.ip-permission.group-id");
    if (r == 0)
        r = ec2_explain(op, delete_group(op), "group-id", op->id);
    return r;
}

static const struct not_yet not_yet[] = {
    EC2_VPC_NOT_YET,
    {.code = "InvalidGroup.NotFound", .waiting_for = "a security group to become visible in EC2"},
    {.code = "InvalidGroupId.NotFound", .waiting_for = "a security group to become visible in EC2"},
    {0},
};

const struct kind aws_security_group_kind = {
    .type = "aws_security_group",
    .provider = PROVIDER_AWS,
    .doc = "A security group with all its rules.",
    .fields = fields,
    .attributes = attributes,
    .not_yet = not_yet,
    .pace = EC2_PACE,
    .check = check,
    .normalise = normalise,
    .observe = observe,
    .create = create,
    .update = update,
    .remove = remove_group,
};
