/*
 * aws_cloudwatch_event_rule_look.c: looking at rules, three calls each, all at once: the rule, its
 * targets, and its tags by the ARN that its name gives it.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_cloudwatch_event_rule-internal.h"
#include "kinds/registry-internal.h"

#define LOOKS_AT_ONCE 8

enum { READ_RULE, READ_TARGETS, READ_TAGS, READ_MAX };

/* Rules of the default bus do not name it in their ARNs. Owned; NULL without memory. */
static char *rule_arn(struct kind_batch *batch, const char *account, struct json_object *desired)
{
    const char *bus = js_text(desired, "event_bus_name"), *name = js_text(desired, "name");
    bool other = bus && !str_equal(bus, "default");

    return str_format("arn:%s:events:%s:%s:rule/%s%s%s", aws_partition(batch->clouds.aws),
                      aws_region(batch->clouds.aws), account, other ? bus : "", other ? "/" : "", name);
}

static struct json_object *read_document(struct json_object *desired, struct aws_read *reads)
{
    struct json_object *rule = reads[READ_RULE].answer, *document = json_object_new_object();
    struct json_object *targets = js_get(reads[READ_TARGETS].answer, "Targets");
    char *id CLEANUP_FREE = event_rule_id(desired);

    /* One answer for the rows to read from. */
    if (js_set(rule, "Targets", targets ? json_object_get(targets) : json_object_new_array()) < 0 || !id ||
        !document || wire_read(&aws_cloudwatch_event_rule_kind, rule, document) < 0) {
        json_object_put(document);
        return NULL;
    }
    params_text(&document, "id", id);
    if (document && !js_get(document, "event_bus_name"))
        params_text(&document, "event_bus_name", "default");
    if (document && !js_get(document, "description"))
        params_text(&document, "description", ""); /* an empty one is left out on the wire */
    params_set(&document, "tags", tags_from_list(js_get(reads[READ_TAGS].answer, "Tags"), "Key", "Value"));
    return document;
}

static void judge(struct kind_item *item, struct aws_read *reads)
{
    struct json_object *document;
    struct err err CLEANUP_ERR = {0};

    if (reads[READ_RULE].result < 0) {
        batch_failed(item, &reads[READ_RULE].err);
        return;
    }
    for (size_t i = READ_TARGETS; i < READ_MAX; i++) {
        if (reads[i].result == 0)
            continue;
        if (reads[i].err.class == ERR_ABSENT)
            reads[i].err.class = ERR_RETRY; /* we have just seen it */
        batch_unknown(item, &reads[i].err);
        return;
    }
    if (js_text(reads[READ_RULE].answer, "ManagedBy")) {
        (void)err_set(&err, -EPERM, ERR_CONFLICT, "the rule %s belongs to %s", js_text(item->desired, "name"),
                      js_text(reads[READ_RULE].answer, "ManagedBy"));
        batch_unknown(item, &err);
        return;
    }
    document = read_document(item->desired, reads);
    batch_present(item, js_text(document, "id"), document);
}

static void look(struct kind_batch *batch, struct kind_item *item)
{
    struct aws_read reads[READ_MAX] = {
        [READ_RULE] = {.op = AWS_EVENTS_DESCRIBE_RULE},
        [READ_TARGETS] = {.op = AWS_EVENTS_LIST_TARGETS_BY_RULE},
        [READ_TAGS] = {.op = AWS_EVENTS_LIST_TAGS_FOR_RESOURCE},
    };
    struct err err CLEANUP_ERR = {0};
    const char *account = NULL;
    char *arn CLEANUP_FREE = NULL;
    int r;

    if (!batch->clouds.aws)
        r = err_set(&err, -EINVAL, ERR_INVALID, "the platform has no aws: section");
    else
        r = aws_identity(batch->clouds.aws, &account, NULL, &err);
    if (r == 0) {
        arn = rule_arn(batch, account, item->desired);
        reads[READ_RULE].params = event_rule_params("Name", NULL, item->desired);
        reads[READ_TARGETS].params = event_rule_params("Rule", NULL, item->desired);
        reads[READ_TAGS].params = arn ? params_new("ResourceARN", arn, NULL) : NULL;
        if (!reads[READ_RULE].params || !reads[READ_TARGETS].params || !reads[READ_TAGS].params)
            r = err_no_memory(&err);
    }
    if (r == 0) {
        r = aws_read_all(batch->clouds.aws, reads, READ_MAX, 0);
        if (r < 0)
            (void)err_set(&err, r, r == -ECANCELED ? ERR_CANCELED : ERR_RETRY, "reading the rule");
    }
    if (r < 0)
        batch_unknown(item, &err);
    else
        judge(item, reads);
    aws_reads_done(reads, READ_MAX);
}

int aws_cloudwatch_event_rule_observe(struct kind_batch *batch)
{
    return batch_each(batch, LOOKS_AT_ONCE, look);
}
