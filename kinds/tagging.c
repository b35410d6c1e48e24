/*
 * tagging.c: tags that are looked up: those of things whose own read does not tell them, many in one
 * call, and what our own say of an item.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/registry-internal.h"

#define ARNS_AT_ONCE  100 /* as many as one GetResources takes */
#define LOOKS_AT_ONCE 8
#define UNPROVED_MS   60000 /* reads may be behind writes that long */

/* ---- many things ---- */

static int keep_tags(struct json_object *answer, struct json_object *tags)
{
    struct json_object *list = js_get(answer, "ResourceTagMappingList");

    for (size_t i = 0, count = js_count(list, NULL); i < count; i++) {
        const char *arn = js_text(js_at(list, i), "ResourceARN");
        struct json_object *of_one = tags_from_list(js_get(js_at(list, i), "Tags"), "Key", "Value");

        if (!of_one)
            return -ENOMEM;
        if (!arn)
            json_object_put(of_one);
        else if (js_put_key(tags, arn, of_one) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* The next of @arns from *@at on; owned; NULL without memory. */
static struct json_object *next_arns(struct json_object *arns, size_t *at)
{
    struct json_object *some = json_object_new_array();

    for (; some && *at < js_count(arns, NULL) && js_count(some, NULL) < ARNS_AT_ONCE; (*at)++) {
        if (js_add_text(some, json_object_get_string(js_at(arns, *at))) < 0) {
            json_object_put(some);
            return NULL;
        }
    }
    return some;
}

void tagging_ask(struct kind_batch *batch, struct json_object *arns, struct json_object *tags)
{
    for (size_t at = 0; at < js_count(arns, NULL);) {
        struct json_object *params = params_new(NULL, NULL, NULL), *answer CLEANUP_JS = NULL;
        struct err err CLEANUP_ERR = {0};

        params_set(&params, "ResourceARNList", next_arns(arns, &at));
        if (batch_ask(batch, AWS_TAGGING_GET_RESOURCES, params, &answer, &err) < 0 ||
            keep_tags(answer, tags) < 0)
            return;
    }
}

int batch_tagged(struct kind_batch *batch, const char *key, const char *value, struct json_object *tags,
                 struct err *err)
{
    struct json_object *filter = params_new("Key", key, NULL), *filters = json_object_new_array();
    struct json_object *values = json_object_new_array(), *params = json_object_new_object();
    struct json_object *answer CLEANUP_JS = NULL;
    int r;

    params_add(&values, json_object_new_string(value));
    params_set(&filter, "Values", values);
    params_add(&filters, filter);
    params_set(&params, "TagFilters", filters);
    r = batch_ask(batch, AWS_TAGGING_GET_RESOURCES, params, &answer, err);
    if (r == 0 && keep_tags(answer, tags) < 0)
        r = err_no_memory(err);
    return r;
}

/* May wait. Put what is found of @arns into @tags, {ARN: {KEY: VALUE}}. */
static void find(struct kind_batch *batch, struct json_object *arns, struct json_object *tags)
{
    if (batch->clouds.tag_desk)
        tag_desk_find(batch->clouds.tag_desk, batch, arns, tags);
    else if (js_count(arns, NULL) > 1)
        tagging_ask(batch, arns, tags);
}

/* Those of which a service that lags can tell; owned; NULL without memory. */
static struct json_object *settled_arns(const struct kind_batch *batch, const struct tagged_look *look)
{
    struct json_object *arns = json_object_new_array();

    for (size_t i = 0; arns && i < batch->count; i++) {
        const char *arn = js_text(batch->items[i].observed, look->arn);

        if (arn && !batch->items[i].recent && js_add_text(arns, arn) < 0) {
            json_object_put(arns);
            return NULL;
        }
    }
    return arns;
}

static int find_tags(struct kind_batch *batch, const struct tagged_look *look)
{
    struct json_object *arns CLEANUP_JS = settled_arns(batch, look);
    struct json_object *found CLEANUP_JS = json_object_new_object(), *tags;

    if (!arns || !found)
        return err_no_memory(batch->err);
    find(batch, arns, found);
    for (size_t i = 0; i < batch->count; i++) {
        struct json_object *half = batch->items[i].observed;
        const char *arn = js_text(half, look->arn);

        if (arn && json_object_object_get_ex(found, arn, &tags) &&
            js_put_key(half, look->tags, json_object_get(tags)) < 0)
            return err_no_memory(batch->err);
    }
    return 0;
}

int tagged_observe(struct kind_batch *batch, const struct tagged_look *look)
{
    int r = look->describe ? batch_each(batch, LOOKS_AT_ONCE, look->describe) : 0;

    if (r == 0)
        r = find_tags(batch, look);
    if (r == 0)
        r = batch_each(batch, LOOKS_AT_ONCE, look->report);
    for (size_t i = 0; i < batch->count; i++) {
        /* Not come to: half a picture is none. */
        if (batch->items[i].state == ITEM_UNKNOWN && batch->items[i].observed)
            json_object_put(TAKE(batch->items[i].observed));
    }
    return r;
}

/* ---- our own ---- */

const char *item_tag(const struct kind_item *item, const char *key)
{
    return tag_value(js_get(item->desired, "tags"), key);
}

void item_report_none(struct kind_item *item, bool unprotected)
{
    struct err err CLEANUP_ERR = {0};

    if (!unprotected || !item->intent || item->intent_age_ms >= UNPROVED_MS) {
        batch_absent(item);
        return;
    }
    (void)err_set(&err, -EAGAIN, ERR_RETRY,
                  "a call to make it had no answer; whether it was made is known %d s later",
                  UNPROVED_MS / 1000);
    batch_unknown(item, &err);
}
