/*
 * tagging.c: tags that are looked up: those of many things in one call, and what our own say of an item.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/registry-internal.h"

#define ARNS_AT_ONCE 100   /* as many as one GetResources takes */
#define UNPROVED_MS  60000 /* reads may be behind writes that long */

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

void tagging_find(struct kind_batch *batch, struct json_object *arns, struct json_object *tags)
{
    for (size_t at = 0; at + 1 < js_count(arns, NULL);) {
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

void batch_tags(struct kind_batch *batch, const char *(*arn_of)(const struct kind_item *item, void *data),
                void *data, struct json_object *known)
{
    struct json_object *arns CLEANUP_JS = json_object_new_array();

    for (size_t i = 0; arns && i < batch->count; i++) {
        const char *arn = arn_of(&batch->items[i], data);

        if (arn && !batch->items[i].recent && js_add_text(arns, arn) < 0)
            return; /* an aid: each is asked for alone then */
    }
    if (arns)
        tagging_find(batch, arns, known);
}

/* ---- our own ---- */

const char *item_tag(const struct kind_item *item, const char *key)
{
    struct json_object *value = NULL;

    json_object_object_get_ex(js_get(item->desired, "tags"), key, &value);
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
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
