/*
 * aws_cloudwatch_event_rule_look.c: looking at rules: the rule and its targets at once, then the tags by
 * the ARN that the service tells.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_cloudwatch_event_rule-internal.h"
#include "kinds/registry-internal.h"

enum { READ_RULE, READ_TARGETS, READ_MAX };

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
    return document;
}

/* Leave the document in the item; its tags are still missing. */
static void judge(struct kind_item *item, struct aws_read *reads)
{
    struct err err CLEANUP_ERR = {0};

    if (reads[READ_RULE].result < 0) {
        batch_failed(item, &reads[READ_RULE].err);
        return;
    }
    if (reads[READ_TARGETS].result < 0) {
        if (reads[READ_TARGETS].err.class == ERR_ABSENT)
            reads[READ_TARGETS].err.class = ERR_RETRY; /* we have just seen it */
        batch_unknown(item, &reads[READ_TARGETS].err);
        return;
    }
    if (js_text(reads[READ_RULE].answer, "ManagedBy")) {
        (void)err_set(&err, -EPERM, ERR_CONFLICT, "the rule %s belongs to %s", js_text(item->desired, "name"),
                      js_text(reads[READ_RULE].answer, "ManagedBy"));
        batch_unknown(item, &err);
        return;
    }
    item->observed = read_document(item->desired, reads);
    if (!item->observed)
        (void)err_no_memory(&item->err);
}

static void describe(struct kind_batch *batch, struct kind_item *item)
{
    struct aws_read reads[READ_MAX] = {
        [READ_RULE] = {.op = AWS_EVENTS_DESCRIBE_RULE,
                       .params = event_rule_params("Name", NULL, item->desired)},
        [READ_TARGETS] = {.op = AWS_EVENTS_LIST_TARGETS_BY_RULE,
                          .params = event_rule_params("Rule", NULL, item->desired)},
    };
    struct err err CLEANUP_ERR = {0};
    int r;

    if (!batch->clouds.aws)
        r = err_set(&err, -EINVAL, ERR_INVALID, "the platform has no aws: section");
    else if (!reads[READ_RULE].params || !reads[READ_TARGETS].params)
        r = err_no_memory(&err);
    else {
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

/* May wait. */
static int read_tags(struct kind_batch *batch, struct json_object **document, struct err *err)
{
    struct json_object *answer CLEANUP_JS = NULL;
    const char *arn = js_text(*document, "arn");
    int r;

    if (js_get(*document, "tags"))
        return 0;
    if (!arn)
        return err_set(err, -EBADMSG, ERR_BUG, "DescribeRule: an answer without Arn");
    r = batch_ask(batch, AWS_EVENTS_LIST_TAGS_FOR_RESOURCE, params_new("ResourceARN", arn, NULL), &answer,
                  err);
    if (r < 0 && err->class == ERR_ABSENT)
        err->class = ERR_RETRY; /* we have just seen it */
    if (r == 0)
        params_set(document, "tags", tags_from_list(js_get(answer, "Tags"), "Key", "Value"));
    return r;
}

static void report(struct kind_batch *batch, struct kind_item *item)
{
    struct json_object *document CLEANUP_JS = TAKE(item->observed);
    struct err err CLEANUP_ERR = {0};

    if (!document)
        return; /* reported already */
    if (read_tags(batch, &document, &err) < 0)
        batch_unknown(item, &err);
    else {
        const char *id = js_text(document, "id"); /* read before the document is given away */

        batch_present(item, id, TAKE(document));
    }
}

static const struct tagged_look rule_look = {
    .arn = "arn",
    .tags = "tags",
    .describe = describe,
    .report = report,
};

int aws_cloudwatch_event_rule_observe(struct kind_batch *batch)
{
    return tagged_observe(batch, &rule_look);
}
