/*
 * aws_cloudwatch_event_rule.c: a rule of EventBridge with its targets.
 *
 * Its rows are in aws_cloudwatch_event_rule_fields.c, looking in aws_cloudwatch_event_rule_look.c. PutRule
 * makes or overwrites, and clears what it is not told: a rule is asked for before it is made, and an update sends
 * all of it. PutTargets and RemoveTargets answer 200 with failures inside.
 * Ways to fail: the name is taken, the rule belongs to an AWS service, the role is not assumable yet, a
 * pattern that EventBridge does not understand.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_cloudwatch_event_rule-internal.h"
#include "kinds/registry-internal.h"

#define TARGETS_AT_ONCE 10

/* ---- names ---- */

char *event_rule_id(struct json_object *document)
{
    const char *bus = js_text(document, "event_bus_name"), *name = js_text(document, "name");

    return str_format("%s/%s", bus ? bus : "default", name ? name : "");
}

struct json_object *event_rule_params(const char *rule_member, const char *id, struct json_object *document)
{
    char *made CLEANUP_FREE = id ? strdup(id) : event_rule_id(document);
    char *slash = made ? strrchr(made, '/') : NULL;

    if (!slash)
        return NULL;
    *slash = '\0';
    return params_new(rule_member, slash + 1, "EventBusName", made, NULL);
}

/* ---- one call each ---- */

static const char *const put_fields[] = {"description",         "event_pattern", "state",
                                         "schedule_expression", "role_arn",      NULL};

static int put_rule(struct kind_op *op, struct json_object *document, bool tagged, struct json_object **ret)
{
    struct json_object *params = wire_write(aws_cloudwatch_event_rule_fields, document);

    if (params)
        json_object_object_del(params, "Targets");
    if (tagged)
        params_set(&params, "Tags", op_tag_list(op, "Key", "Value"));
    return op_send(op, AWS_EVENTS_PUT_RULE, params, ret);
}

/* A 200 may tell of failures. */
static int check_entries(struct kind_op *op, enum aws_op operation, struct json_object *answer)
{
    struct json_object *entry = js_at(js_get(answer, "FailedEntries"), 0);
    const char *id = js_text(entry, "TargetId"), *code = js_text(entry, "ErrorCode");
    const char *message = js_text(entry, "ErrorMessage");
    int r;

    if (js_int(answer, "FailedEntryCount", 0) == 0)
        return 0;
    r = op_fail(op, -EREMOTEIO, str_equal(code, "ConcurrentModificationException") ? ERR_BUSY : ERR_INVALID,
                "%s: target %s: %s: %s", aws_operations[operation].name, id ? id : "?",
                code ? code : "refused", message ? message : "no reason given");
    if (code && str_set(&op->err->wire_code, code) < 0)
        return err_no_memory(op->err);
    return r;
}

/** Send @take_targets (an array), at most ten in a call. May wait. */
static int put_targets(struct kind_op *op, struct json_object *take_targets)
{
    struct json_object *targets CLEANUP_JS = take_targets;

    if (!targets)
        return err_no_memory(op->err);
    for (size_t first = 0; first < js_count(targets, NULL); first += TARGETS_AT_ONCE) {
        struct json_object *params = event_rule_params("Rule", NULL, op->desired);
        struct json_object *some = json_object_new_array(), *answer CLEANUP_JS = NULL;
        int r;

        for (size_t i = first; some && i < first + TARGETS_AT_ONCE && i < js_count(targets, NULL); i++) {
            if (json_object_array_add(some, json_object_get(js_at(targets, i))) < 0) {
                json_object_put(some);
                some = NULL;
            }
        }
        params_set(&params, "Targets", some);
        r = op_send(op, AWS_EVENTS_PUT_TARGETS, params, &answer);
        if (r == 0)
            r = check_entries(op, AWS_EVENTS_PUT_TARGETS, answer);
        if (r < 0)
            return r;
    }
    return 0;
}

/** @take_ids: array of target ids; at most a hundred. May wait. */
static int remove_targets(struct kind_op *op, struct json_object *take_ids)
{
    struct json_object *params = event_rule_params("Rule", op->id, op->desired), *answer CLEANUP_JS = NULL;
    int r;

    params_set(&params, "Ids", take_ids);
    r = op_send(op, AWS_EVENTS_REMOVE_TARGETS, params, &answer);
    return r < 0 ? r : check_entries(op, AWS_EVENTS_REMOVE_TARGETS, answer);
}

/** The declared targets (with @diff: those to be added or changed) as the service wants them; owned. */
static struct json_object *targets_to_put(const struct kind_op *op, const struct diff *diff)
{
    struct json_object *all = js_get(op->desired, "target"), *some = json_object_new_array();

    for (size_t i = 0; some && i < js_count(all, NULL); i++) {
        const char *id = js_text(js_at(all, i), "target_id"), *added;
        bool wanted = !diff;
        size_t cursor = 0;

        while (diff && !wanted && (added = diff_next_added(diff, "target", &cursor)))
            wanted = str_equal(added, id);
        if (wanted && json_object_array_add(some, wire_write(event_target_fields, js_at(all, i))) < 0) {
            json_object_put(some);
            return NULL;
        }
    }
    return some;
}

/* ---- create, update, remove ---- */

/* PutRule would overwrite somebody else's. May wait. */
static int refuse_existing(struct kind_op *op)
{
    int r = op_send(op, AWS_EVENTS_DESCRIBE_RULE, event_rule_params("Name", NULL, op->desired), NULL);

    if (r == 0)
        return op_fail(op, -EEXIST, ERR_EXISTS, "there is a rule %s already", op_text(op, "name"));
    return op_forgive(op, r, "ResourceNotFoundException");
}

static int report_rule(struct kind_op *op, struct json_object *answer)
{
    char *id CLEANUP_FREE = event_rule_id(op->desired);
    int r;

    if (!id)
        return err_no_memory(op->err);
    if (!js_text(answer, "RuleArn"))
        return op_fail(op, -EBADMSG, ERR_BUG, "PutRule: an answer without RuleArn");
    r = op_created(op, id);
    if (r == 0)
        r = op_attribute_text(op, "id", id);
    return r < 0 ? r : op_attribute_text(op, "arn", js_text(answer, "RuleArn"));
}

static int create(struct kind_op *op)
{
    struct json_object *answer CLEANUP_JS = NULL;
    int r = refuse_existing(op);

    if (r == 0)
        r = put_rule(op, op->desired, true, &answer);
    if (r == 0)
        r = report_rule(op, answer);
    if (r == 0)
        r = put_targets(op, targets_to_put(op, NULL));
    return r;
}

/** The rule as it is to be: what differs as declared, all else as it is. Owned; NULL without memory. */
static struct json_object *rule_after(const struct kind_op *op, const struct diff *diff)
{
    struct json_object *document = params_new("name", op_text(op, "name"), "event_bus_name",
                                              op_text(op, "event_bus_name"), NULL);

    for (const char *const *name = put_fields; document && *name; name++) {
        struct json_object *value = wanted_or_seen(op, diff, *name);

        if (value)
            params_set(&document, *name, json_object_get(value));
    }
    return document;
}

static int put_changes(struct kind_op *op, const struct diff *diff)
{
    struct json_object *document CLEANUP_JS = NULL;
    bool differs = false;

    for (const char *const *name = put_fields; *name; name++)
        differs |= diff_has(diff, *name);
    if (!differs)
        return 0;
    document = rule_after(op, diff);
    return document ? put_rule(op, document, false, NULL) : err_no_memory(op->err);
}

static int remove_extras(struct kind_op *op, const struct diff *diff)
{
    struct json_object *ids = json_object_new_array();
    size_t cursor = 0;
    const char *id;

    while (ids && (id = diff_next_removed(diff, "target", &cursor))) {
        if (js_add_text(ids, id) < 0) {
            json_object_put(ids);
            ids = NULL;
        }
    }
    if (ids && js_count(ids, NULL) == 0) {
        json_object_put(ids);
        return 0;
    }
    return ids ? remove_targets(op, ids) : err_no_memory(op->err);
}

static int put_tags(struct kind_op *op, const struct diff *diff)
{
    return op_put_tags(op, diff, AWS_EVENTS_TAG_RESOURCE,
                       params_new("ResourceARN", js_text(op->observed, "arn"), NULL), "Tags");
}

static int update(struct kind_op *op, const struct diff *diff)
{
    int r = diff_has(diff, "target") ? remove_extras(op, diff) : 0;

    if (r == 0)
        r = put_changes(op, diff);
    if (r == 0 && diff_has(diff, "target"))
        r = put_targets(op, targets_to_put(op, diff));
    if (r == 0 && diff_has(diff, "tags"))
        r = put_tags(op, diff);
    return r;
}

/* A rule goes only without targets, whoever put them there. May wait. */
static int empty_rule(struct kind_op *op)
{
    struct json_object *answer CLEANUP_JS = NULL, *ids = NULL, *targets;
    int r = op_send(op, AWS_EVENTS_LIST_TARGETS_BY_RULE, event_rule_params("Rule", op->id, NULL), &answer);

    if (r < 0)
        return r;
    targets = js_get(answer, "Targets");
    if (js_count(targets, NULL) == 0)
        return 0;
    ids = json_object_new_array();
    for (size_t i = 0; ids && i < js_count(targets, NULL); i++) {
        const char *id = js_text(js_at(targets, i), "Id");

        if (id && js_add_text(ids, id) < 0) {
            json_object_put(ids);
            ids = NULL;
        }
    }
    return ids ? remove_targets(op, ids) : err_no_memory(op->err);
}

static int remove_rule(struct kind_op *op)
{
    int r;

    if (!op->id)
        return op_fail(op, -EINVAL, ERR_BUG, "DeleteRule: no name is recorded");
    r = empty_rule(op);
    if (r == 0)
        r = op_send(op, AWS_EVENTS_DELETE_RULE, event_rule_params("Name", op->id, NULL), NULL);
    return op_forgive(op, r, "ResourceNotFoundException");
}

static const struct not_yet not_yet[] = {
    {"ValidationException", "cannot be assumed by principal", "the role to become assumable"},
    {"ValidationException", "since it has targets", "the targets to be gone"},
    {"ResourceNotFoundException", NULL, "the rule to become visible"},
    {0},
};

const struct kind aws_cloudwatch_event_rule_kind = {
    .type = "aws_cloudwatch_event_rule",
    .provider = PROVIDER_AWS,
    .doc = "A rule of EventBridge and where it sends what matches.",
    .fields = aws_cloudwatch_event_rule_fields,
    .attributes = aws_cloudwatch_event_rule_attributes,
    .not_yet = not_yet,
    .pace =
        {.first_look_ms = 1000, .every_ms = 2000, .give_up_ms = 120000, .grace_ms = 120000, .usual_ms = 2000},
    .check = aws_cloudwatch_event_rule_check,
    .normalise = aws_cloudwatch_event_rule_normalise,
    .observe = aws_cloudwatch_event_rule_observe,
    .create = create,
    .update = update,
    .remove = remove_rule,
};
