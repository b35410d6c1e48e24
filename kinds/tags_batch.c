/*
 * tags_batch.c: the tags of many things in one call for a hundred of them.
 *
 * GetResources is an aid: it lags behind the truth, may be denied to us, and tells nothing of what is
 * there. So what we wrote to moments ago is not asked for, and whatever does not come back is for the kind
 * to ask for alone.
 */
#include <errno.h>

#include "common/js.h"
#include "kinds/registry-internal.h"

#define ARNS_AT_ONCE 100

/* ARNs of settled things, from item *@at on. NULL without memory. */
static struct json_object *next_arns(const struct kind_batch *batch,
                                     const char *(*arn_of)(const struct kind_item *item, void *data),
                                     void *data, size_t *at)
{
    struct json_object *arns = json_object_new_array();

    for (; arns && *at < batch->count && js_count(arns, NULL) < ARNS_AT_ONCE; (*at)++) {
        const char *arn = arn_of(&batch->items[*at], data);

        if (arn && !batch->items[*at].recent && js_add_text(arns, arn) < 0) {
            json_object_put(arns);
            return NULL;
        }
    }
    return arns;
}

static int keep(struct json_object *known, struct json_object *answer)
{
    struct json_object *list = js_get(answer, "ResourceTagMappingList");

    for (size_t i = 0, count = js_count(list, NULL); i < count; i++) {
        const char *arn = js_text(js_at(list, i), "ResourceARN");
        struct json_object *tags = tags_from_list(js_get(js_at(list, i), "Tags"), "Key", "Value");

        if (!tags)
            return -ENOMEM;
        if (!arn)
            json_object_put(tags);
        else if (js_put_key(known, arn, tags) < 0)
            return -ENOMEM;
    }
    return 0;
}

void batch_tags(struct kind_batch *batch, const char *(*arn_of)(const struct kind_item *item, void *data),
                void *data, struct json_object *known)
{
    size_t at = 0;

    while (at < batch->count) {
        struct json_object *arns = next_arns(batch, arn_of, data, &at);
        struct json_object *params = params_new(NULL, NULL, NULL), *answer CLEANUP_JS = NULL;
        struct err err CLEANUP_ERR = {0};

        if (arns && js_count(arns, NULL) < 2) { /* one alone is asked for as surely by its own call */
            json_object_put(arns);
            json_object_put(params);
            continue;
        }
        params_set(&params, "ResourceARNList", arns);
        if (batch_ask(batch, AWS_TAGGING_GET_RESOURCES, params, &answer, &err) < 0 || keep(known, answer) < 0)
            return;
    }
}
