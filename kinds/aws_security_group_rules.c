/*
 * aws_security_group_rules.c: rules of a security group, one by one.
 *
 * EC2 merges rules of equal protocol and ports and splits them again, and people write several peers in
 * one rule: only rules with one peer can be compared. The description belongs to a rule and does not
 * make it another one.
 */
#include <string.h>

#include "common/js.h"
#include "kinds/aws_security_group-internal.h"
#include "kinds/diff-internal.h"
#include "kinds/ec2-internal.h"
#include "kinds/registry-internal.h"

/* Peers of a rule: member of documents, list and member of permissions. "self" is a peer of its own. */
static const struct peer_sort {
    const char *name, *list, *member;
    bool network;
} peer_sorts[] = {
    {"cidr_blocks", "IpRanges", "CidrIp", true},
    {"ipv6_cidr_blocks", "Ipv6Ranges", "CidrIpv6", true},
    {"security_groups", "UserIdGroupPairs", "GroupId", false},
    {"prefix_list_ids", "PrefixListIds", "PrefixListId", false},
};

const char *aws_group_protocol(const char *protocol)
{
    static const char *const names[][2] = {
        {"6", "tcp"},     {"tcp", "tcp"},   {"17", "udp"},        {"udp", "udp"}, {"1", "icmp"},
        {"icmp", "icmp"}, {"58", "icmpv6"}, {"icmpv6", "icmpv6"}, {"all", "-1"},
    };

    for (size_t i = 0; protocol && i < ARRAY_SIZE(names); i++) {
        if (str_equal_nocase(names[i][0], protocol))
            return names[i][1];
    }
    return protocol;
}

bool aws_group_protocol_has_ports(const char *protocol)
{
    const char *name = aws_group_protocol(protocol);

    return str_equal(name, "tcp") || str_equal(name, "udp") || str_equal(name, "icmp") ||
           str_equal(name, "icmpv6");
}

static bool is_icmp(const char *protocol)
{
    return str_starts(protocol, "icmp");
}

/* ---- names ---- */

static char *rule_name(const char *protocol, int64_t from, int64_t to, const char *peer)
{
    if (str_equal(protocol, "-1"))
        return str_format("all %s", peer);
    if (!aws_group_protocol_has_ports(protocol) || (is_icmp(protocol) && from == -1))
        return str_format("%s %s", protocol, peer);
    if (is_icmp(protocol))
        return str_format("%s %lld/%lld %s", protocol, (long long)from, (long long)to, peer);
    if (from == to)
        return str_format("%s %lld %s", protocol, (long long)from, peer);
    return str_format("%s %lld-%lld %s", protocol, (long long)from, (long long)to, peer);
}

static struct json_object *text_list(const char *text)
{
    struct json_object *list = json_object_new_array();

    if (list && js_add_text(list, text) == 0)
        return list;
    json_object_put(list);
    return NULL;
}

/* @sort NULL: the group itself. */
static struct json_object *named_rule(struct json_object *rule, const struct peer_sort *sort,
                                      const char *peer)
{
    const char *protocol = aws_group_protocol(js_text(rule, "protocol"));
    int64_t from = js_int(rule, "from_port", -1), to = js_int(rule, "to_port", -1);
    char *name CLEANUP_FREE = rule_name(protocol, from, to, peer);
    struct json_object *made = params_new("protocol", protocol, NULL);

    params_set(&made, RULE_KEY, name ? json_object_new_string(name) : NULL);
    if (aws_group_protocol_has_ports(protocol)) {
        params_set(&made, "from_port", json_object_new_int64(from));
        params_set(&made, "to_port", json_object_new_int64(to));
    }
    params_set(&made, sort ? sort->name : "self", sort ? text_list(peer) : json_object_new_boolean(true));
    params_text(&made, "description", js_text(rule, "description"));
    return made;
}

static bool add(struct json_object *list, struct json_object *take_rule)
{
    if (take_rule && json_object_array_add(list, take_rule) == 0)
        return true;
    json_object_put(take_rule);
    return false;
}

static bool add_peers(struct json_object *list, struct json_object *rule, const struct peer_sort *sort,
                      const char *own_id)
{
    struct json_object *peers = js_get(rule, sort->name);

    for (size_t i = 0, count = js_count(peers, NULL); i < count; i++) {
        const char *peer = json_object_get_string(js_at(peers, i));
        char *network CLEANUP_FREE = sort->network ? cidr_canonical(peer) : NULL;
        bool self = str_equal(sort->name, "security_groups") && str_equal(peer, own_id);

        if (!add(list,
                 self ? named_rule(rule, NULL, "self") : named_rule(rule, sort, network ? network : peer)))
            return false;
    }
    return true;
}

static bool add_rules(struct json_object *list, struct json_object *rule, const char *own_id)
{
    if (diff_has_unknown(rule) || !js_text(rule, "protocol"))
        return add(list, js_copy(rule));
    for (size_t i = 0; i < ARRAY_SIZE(peer_sorts); i++) {
        if (!add_peers(list, rule, &peer_sorts[i], own_id))
            return false;
    }
    return !js_bool(rule, "self", false) || add(list, named_rule(rule, NULL, "self"));
}

struct json_object *aws_group_rules(struct json_object *rules, const char *own_id)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0, count = js_count(rules, NULL); list && i < count; i++) {
        if (!add_rules(list, js_at(rules, i), own_id)) {
            json_object_put(list);
            return NULL;
        }
    }
    return list;
}

struct json_object *aws_group_rule_find(struct json_object *named_rules, const char *name)
{
    for (size_t i = 0, count = js_count(named_rules, NULL); i < count; i++) {
        if (str_equal(js_text(js_at(named_rules, i), RULE_KEY), name))
            return js_at(named_rules, i);
    }
    return NULL;
}

struct json_object *aws_group_rules_with_peer(struct json_object *rules, const char *own_id, const char *peer)
{
    struct json_object *all CLEANUP_JS = aws_group_rules(rules, own_id);
    struct json_object *list = all ? json_object_new_array() : NULL;

    for (size_t i = 0, count = js_count(all, NULL); list && i < count; i++) {
        if (js_has_text(js_get(js_at(all, i), "security_groups"), peer) &&
            !add(list, json_object_get(js_at(all, i)))) {
            json_object_put(list);
            return NULL;
        }
    }
    return list;
}

/* ---- to the wire ---- */

static struct json_object *list_of(struct json_object *take_element)
{
    struct json_object *list = json_object_new_array();

    if (list && add(list, take_element))
        return list;
    if (!list)
        json_object_put(take_element);
    json_object_put(list);
    return NULL;
}

struct json_object *aws_group_permission(struct json_object *rule, const char *own_id)
{
    const struct peer_sort *sort = &peer_sorts[2];
    struct json_object *permission = params_new("IpProtocol", js_text(rule, "protocol"), NULL), *peer;
    const char *text = own_id;

    for (size_t i = 0; i < ARRAY_SIZE(peer_sorts); i++) {
        if (js_count(rule, peer_sorts[i].name) > 0) {
            sort = &peer_sorts[i];
            text = json_object_get_string(js_at(js_get(rule, sort->name), 0));
        }
    }
    if (js_get(rule, "from_port")) {
        params_set(&permission, "FromPort", json_object_new_int64(js_int(rule, "from_port", -1)));
        params_set(&permission, "ToPort", json_object_new_int64(js_int(rule, "to_port", -1)));
    }
    peer = params_new(sort->member, text, NULL);
    params_text(&peer, "Description", js_text(rule, "description"));
    params_set(&permission, sort->list, peer ? list_of(peer) : NULL);
    return permission;
}

/* ---- from the wire ---- */

static struct json_object *rule_seen(struct json_object *permission, const struct peer_sort *sort,
                                     struct json_object *peer)
{
    const char *protocol = aws_group_protocol(js_text(permission, "IpProtocol"));
    struct json_object *rule = params_new("protocol", protocol ? protocol : "?", NULL);
    const char *text = js_text(peer, sort->member);

    if (aws_group_protocol_has_ports(protocol)) {
        params_set(&rule, "from_port", json_object_new_int64(js_int(permission, "FromPort", -1)));
        params_set(&rule, "to_port", json_object_new_int64(js_int(permission, "ToPort", -1)));
    }
    params_set(&rule, sort->name, text_list(text ? text : "?"));
    params_text(&rule, "description", js_text(peer, "Description"));
    return rule;
}

static bool add_seen(struct json_object *list, struct json_object *permission)
{
    for (size_t i = 0; i < ARRAY_SIZE(peer_sorts); i++) {
        struct json_object *peers = js_get(permission, peer_sorts[i].list);

        for (size_t j = 0, count = js_count(peers, NULL); j < count; j++) {
            if (!add(list, rule_seen(permission, &peer_sorts[i], js_at(peers, j))))
                return false;
        }
    }
    return true;
}

struct json_object *aws_group_rules_seen(struct json_object *permissions)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0, count = js_count(permissions, NULL); list && i < count; i++) {
        if (!add_seen(list, js_at(permissions, i))) {
            json_object_put(list);
            return NULL;
        }
    }
    return list;
}
