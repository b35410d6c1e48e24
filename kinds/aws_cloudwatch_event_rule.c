/*
 * aws_cloudwatch_event_rule.c: a rule of EventBridge with its targets.
 *
 * Looking is in aws_cloudwatch_event_rule_look.c. PutRule makes or overwrites, and clears what it is not
 * told: a rule is asked for before it is made, and an update sends all of it. PutTargets and
 * RemoveTargets answer 200 with failures inside.
 * Ways to fail: the name is taken, the rule belongs to an AWS service, the role is not assumable yet, a
 * pattern that EventBridge does not understand.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_cloudwatch_event_rule-internal.h"
#include "kinds/registry-internal.h"

#define TARGETS_AT_ONCE 10

/* ---- the table ---- */

static bool accepts_word(const char *text)
{
    return has_reference(text) || is_word(text, "._-", 64);
}

static bool accepts_bus(const char *text)
{
    return has_reference(text) ||
           (text[0] && strlen(text) <= 256 && !strpbrk(text, ": \t\r\n") && text[0] != '/');
}

static const char *const states[] = {"ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
                                     NULL};

static const struct field transformer_fields[] = {
    {
        .name = "input_paths",
        .type = FIELD_MAP,
        .element = FIELD_STRING,
        .wire = "InputPathsMap",
        .doc = "Names for parts of the event.",
    },
    {
        .name = "input_template",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED,
        .wire = "InputTemplate",
        .doc = "What the target gets, with the names in it.",
    },
    {0},
};

static const struct field retry_fields[] = {
    {
        .name = "maximum_retry_attempts",
        .type = FIELD_INTEGER,
        .wire = "MaximumRetryAttempts",
        .max = 185,
        .doc = "How often a failed delivery is tried again.",
    },
    {
        .name = "maximum_event_age_in_seconds",
        .type = FIELD_INTEGER,
        .wire = "MaximumEventAgeInSeconds",
        .min = 60,
        .max = 86400,
        .doc = "How long it is tried.",
    },
    {0},
};

static const struct field dead_letter_fields[] = {
    {
        .name = "arn",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED,
        .wire = "Arn",
        .doc = "Queue for events that could not be delivered.",
    },
    {0},
};

static const struct field target_fields[] = {
    {
        .name = "target_id",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED,
        .wire = "Id",
        .pattern = "1 to 64 letters, digits and any of . _ -",
        .accepts = accepts_word,
        .doc = "Name of the target within the rule.",
    },
    {
        .name = "arn",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_SECURITY,
        .wire = "Arn",
        .doc = "Where matching events go.",
    },
    {
        .name = "role_arn",
        .type = FIELD_STRING,
        .flags = FIELD_SECURITY,
        .wire = "RoleArn",
        .fallback = "null",
        .doc = "Role that EventBridge assumes to deliver.",
    },
    {
        .name = "input",
        .type = FIELD_POLICY,
        .flags = FIELD_SECURITY,
        .wire = "Input",
        .fallback = "null",
        .doc = "JSON that the target gets instead of the event.",
    },
    {
        .name = "input_path",
        .type = FIELD_STRING,
        .flags = FIELD_SECURITY,
        .wire = "InputPath",
        .fallback = "null",
        .doc = "The part of the event that the target gets.",
    },
    {
        .name = "input_transformer",
        .type = FIELD_OBJECT,
        .members = transformer_fields,
        .flags = FIELD_SECURITY,
        .wire = "InputTransformer",
        .fallback = "null",
        .doc = "How the event is rewritten for the target.",
    },
    {
        .name = "retry_policy",
        .type = FIELD_OBJECT,
        .members = retry_fields,
        .flags = FIELD_SERVER_DEFAULT,
        .wire = "RetryPolicy",
        .doc = "How delivery is tried again.",
    },
    {
        .name = "dead_letter_config",
        .type = FIELD_OBJECT,
        .members = dead_letter_fields,
        .flags = FIELD_SERVER_DEFAULT,
        .wire = "DeadLetterConfig",
        .doc = "Where undeliverable events go.",
    },
    {0},
};

static const struct field fields[] = {
    {
        .name = "name",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE,
        .wire = "Name",
        .pattern = "1 to 64 letters, digits and any of . _ -",
        .accepts = accepts_word,
        .doc = "Name of the rule.",
    },
    {
        .name = "event_bus_name",
        .type = FIELD_STRING,
        .flags = FIELD_KEY | FIELD_IMMUTABLE,
        .wire = "EventBusName",
        .fallback = "\"default\"",
        .pattern = "the name of an event bus",
        .accepts = accepts_bus,
        .doc = "Bus whose events the rule sees.",
    },
    {
        .name = "description",
        .type = FIELD_STRING,
        .wire = "Description",
        .fallback = "\"\"",
        .max = 512,
        .doc = "What the rule is for.",
    },
    {
        .name = "event_pattern",
        .type = FIELD_POLICY,
        .flags = FIELD_SECURITY,
        .wire = "EventPattern",
        .fallback = "null",
        .doc = "Which events match, as JSON.",
    },
    {
        .name = "schedule_expression",
        .type = FIELD_STRING,
        .flags = FIELD_SECURITY,
        .wire = "ScheduleExpression",
        .fallback = "null",
        .doc = "When the rule fires by the clock: rate(...) or cron(...).",
    },
    {
        .name = "state",
        .type = FIELD_ENUM,
        .values = states,
        .flags = FIELD_SECURITY,
        .wire = "State",
        .fallback = "\"ENABLED\"",
        .doc = "Whether the rule is at work.",
    },
    {
        .name = "role_arn",
        .type = FIELD_STRING,
        .flags = FIELD_SECURITY,
        .wire = "RoleArn",
        .fallback = "null",
        .doc = "Role that EventBridge assumes for the rule.",
    },
    {
        .name = "target",
        .type = FIELD_SET,
        .element = FIELD_OBJECT,
        .members = target_fields,
        .key = "target_id",
        .flags = FIELD_EXCLUSIVE | FIELD_SECURITY,
        .wire = "Targets",
        .fallback = "[]",
        .max = 100,
        .doc = "Where matching events go; targets not named here are removed.",
    },
    TAGS_ROW,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .wire = "Arn", .doc = "ARN of the rule."},
    {.name = "id", .type = FIELD_STRING, .doc = "Bus and name of the rule."},
    {0},
};

static void check(struct kind_check *check)
{
    struct json_object *targets = js_get(check->document, "target");

    tags_check(check);
    if (!js_get(check->document, "event_pattern") && !js_get(check->document, "schedule_expression"))
        check->problem(check, "event_pattern", "a rule needs an event_pattern or a schedule_expression");
    for (size_t i = 0; i < js_count(targets, NULL); i++) {
        struct json_object *target = js_at(targets, i);
        int inputs = (js_get(target, "input") != NULL) + (js_get(target, "input_path") != NULL) +
                     (js_get(target, "input_transformer") != NULL);
        char *path CLEANUP_FREE = str_format("target.%zu", i);

        if (path && inputs > 1)
            check->problem(check, path, "only one of input, input_path and input_transformer can be given");
    }
}

/* ---- comparing ---- */

static int compare_values(const void *a, const void *b)
{
    char *left CLEANUP_FREE = js_canonical(*(struct json_object *const *)a);
    char *right CLEANUP_FREE = js_canonical(*(struct json_object *const *)b);

    return left && right ? strcmp(left, right) : 0; /* without memory the order stays: a false difference */
}

/* In a pattern the order of a list means nothing. Parsed documents are at most 32 levels deep. */
static void sort_lists(struct json_object *value)
{
    if (json_object_is_type(value, json_type_object)) {
        js_each (value, key, member) {
            (void)key;
            sort_lists(member);
        }
    }
    if (!json_object_is_type(value, json_type_array))
        return;
    for (size_t i = 0; i < json_object_array_length(value); i++)
        sort_lists(json_object_array_get_idx(value, i));
    json_object_array_sort(value, compare_values);
}

static void normalise_pattern(struct json_object *document)
{
    struct json_object *pattern = js_get(document, "event_pattern"), *parsed = NULL;

    if (json_object_is_type(pattern, json_type_string)) {
        parsed = wire_policy(json_object_get_string(pattern));
        if (!parsed || js_put_key(document, "event_pattern", parsed) < 0)
            return;
    }
    sort_lists(js_get(document, "event_pattern"));
}

static void normalise(struct json_object *desired, struct json_object *observed)
{
    normalise_pattern(desired);
    normalise_pattern(observed);
}

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
    struct json_object *params = wire_write(fields, document);

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
        if (wanted && json_object_array_add(some, wire_write(target_fields, js_at(all, i))) < 0) {
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
    .fields = fields,
    .attributes = attributes,
    .not_yet = not_yet,
    .pace =
        {.first_look_ms = 1000, .every_ms = 2000, .give_up_ms = 120000, .grace_ms = 120000, .usual_ms = 2000},
    .check = check,
    .normalise = normalise,
    .observe = aws_cloudwatch_event_rule_observe,
    .create = create,
    .update = update,
    .remove = remove_rule,
};
