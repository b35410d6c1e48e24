/*
 * aws_sagemaker_domain_look.c: looking at domains: a known one by its id, any other among those of its
 * name by our tags.
 *
 * Names may repeat and there is no token: after a create whose answer was lost, only the tags tell
 * whether it was made, so an empty list is believed when it is old enough, and not before.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_sagemaker_domain-internal.h"
#include "kinds/registry-internal.h"
#include "kinds/sagemaker-internal.h"

#define PAGE_SIZE 100

static const char *domain_id(const struct kind_item *item)
{
    return item->ret_id ? item->ret_id : item->id;
}

static bool is_lost(const struct kind_item *item)
{
    return !item->id || item->intent;
}

/* ---- finding it again ---- */

/** A domain of the right name, and the tags of it that matter. */
struct candidate {
    struct json_object *row;  /* borrowed from the list */
    struct json_object *tags; /* owned */
};

static bool is_ours(const struct candidate *candidate, const struct kind_item *item)
{
    const char *platform = item_tag(item, TAG_PLATFORM), *address = item_tag(item, TAG_ADDRESS);

    return platform && address && str_equal(tag_value(candidate->tags, TAG_PLATFORM), platform) &&
           str_equal(tag_value(candidate->tags, TAG_ADDRESS), address);
}

/* An open intent decides, then health, then age. */
static bool is_better(const struct candidate *a, const struct candidate *b, const char *intent)
{
    bool a_intended = intent && str_equal(tag_value(a->tags, TAG_INTENT), intent);
    bool b_intended = intent && str_equal(tag_value(b->tags, TAG_INTENT), intent);
    bool a_well = str_equal(js_text(a->row, "Status"), "InService");
    bool b_well = str_equal(js_text(b->row, "Status"), "InService");

    if (a_intended != b_intended)
        return a_intended;
    if (a_well != b_well)
        return a_well;
    return answer_time_ms(a->row, "CreationTime") < answer_time_ms(b->row, "CreationTime");
}

/* May wait. 0 with tags, which stay NULL when the domain has just gone. */
static int read_candidate(struct kind_batch *batch, struct candidate *candidate, struct err *err)
{
    struct json_object *answer CLEANUP_JS = NULL;
    int r = batch_ask(batch, AWS_SAGEMAKER_LIST_TAGS,
                      params_new("ResourceArn", js_text(candidate->row, "DomainArn"), NULL), &answer, err);

    if (r < 0 && err->class == ERR_ABSENT) {
        err_done(err);
        return 0;
    }
    if (r < 0)
        return r;
    candidate->tags = tags_from_list(js_get(answer, "Tags"), "Key", "Value");
    return candidate->tags ? 0 : err_no_memory(err);
}

/* May wait. Put the id of the one that is ours into item->ret_id. */
static int find_again(struct kind_batch *batch, struct kind_item *item, struct json_object *domains,
                      struct err *err)
{
    const char *name = js_text(item->desired, "domain_name");
    struct candidate best = {0};
    int r = 0;

    for (size_t i = 0, count = js_count(domains, NULL); i < count && r == 0; i++) {
        struct candidate next = {.row = js_at(domains, i)}, other;

        if (item->id && str_equal(js_text(next.row, "DomainId"), item->id)) {
            json_object_put(best.tags);
            return 0; /* the recorded one is there */
        }
        if (!str_equal(js_text(next.row, "DomainName"), name))
            continue;
        r = read_candidate(batch, &next, err);
        if (r == 0 && is_ours(&next, item) && (!best.row || is_better(&next, &best, item->intent))) {
            other = best;
            best = next;
            next = other;
        }
        json_object_put(next.tags);
    }
    if (r == 0 && best.row && str_set(&item->ret_id, js_text(best.row, "DomainId")) < 0)
        r = err_no_memory(err);
    json_object_put(best.tags);
    return r;
}

/* May wait. Those whose id is not known, or may not be the right one any more. */
static void find_lost(struct kind_batch *batch)
{
    struct json_object *params = params_new(NULL, NULL, NULL), *answer CLEANUP_JS = NULL;
    struct err err CLEANUP_ERR = {0};
    int r;

    params_set(&params, "MaxResults", json_object_new_int(PAGE_SIZE));
    r = batch_ask(batch, AWS_SAGEMAKER_LIST_DOMAINS, params, &answer, &err);
    for (size_t i = 0; i < batch->count; i++) {
        struct kind_item *item = &batch->items[i];

        if (!is_lost(item))
            continue;
        if (r == 0)
            r = find_again(batch, item, js_get(answer, "Domains"), &err);
        if (r < 0)
            batch_unknown(item, &err);
        else if (!domain_id(item))
            item_report_none(item, true);
    }
}

/* ---- looking ---- */

static void describe(struct kind_batch *batch, struct kind_item *item)
{
    const char *id = domain_id(item);
    struct err err CLEANUP_ERR = {0};

    if (!id || item->err.code != 0)
        return; /* reported already */
    if (batch_ask(batch, AWS_SAGEMAKER_DESCRIBE_DOMAIN, params_new("DomainId", id, NULL), &item->observed,
                  &err) == 0)
        return;
    if (err.class == ERR_ABSENT)
        item_report_none(item, true);
    else
        batch_unknown(item, &err);
}

static char *id_of(struct json_object *answer)
{
    const char *id = js_text(answer, "DomainId");

    return id ? strdup(id) : NULL;
}

static void report(struct kind_batch *batch, struct kind_item *item)
{
    sagemaker_report(batch, item, "DomainArn", "domain_name", id_of);
}

static const struct tagged_look domain_look = {
    .arn = "DomainArn",
    .tags = SAGEMAKER_TAGS,
    .describe = describe,
    .report = report,
};

int aws_sagemaker_domain_observe(struct kind_batch *batch)
{
    bool lost = false;

    for (size_t i = 0; i < batch->count; i++)
        lost = lost || is_lost(&batch->items[i]);
    if (lost)
        find_lost(batch);
    return tagged_observe(batch, &domain_look);
}
