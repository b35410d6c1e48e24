/*
 * aws_cloudwatch_event_rule_fields.c: what may be declared of a rule and its targets, and what of it means the same.
 */
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_cloudwatch_event_rule-internal.h"
#include "kinds/registry-internal.h"

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

const struct field event_target_fields[] = {
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

const struct field aws_cloudwatch_event_rule_fields[] = {
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
        .members = event_target_fields,
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

const struct attribute aws_cloudwatch_event_rule_attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .wire = "Arn", .doc = "ARN of the rule."},
    {.name = "id", .type = FIELD_STRING, .doc = "Bus and name of the rule."},
    {0},
};

void aws_cloudwatch_event_rule_check(struct kind_check *check)
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

void aws_cloudwatch_event_rule_normalise(struct json_object *desired, struct json_object *observed)
{
    normalise_pattern(desired);
    normalise_pattern(observed);
}
