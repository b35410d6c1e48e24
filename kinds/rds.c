/*
 * rds.c: what the kinds of RDS have in common; see rds-internal.h.
 */
#include <errno.h>

#include "common/js.h"
#include "kinds/rds-internal.h"
#include "kinds/registry-internal.h"

static const char *name_of(const struct rds_list *list, const struct kind_item *item)
{
    return item->id ? item->id : js_text(item->desired, list->field);
}

int rds_describe(struct kind_batch *batch, const struct rds_list *list, struct json_object **ret)
{
    struct json_object *params = params_new(NULL, NULL, NULL), *answer CLEANUP_JS = NULL, *found;
    int r;

    if (batch->count == 1)
        params_text(&params, list->member, name_of(list, batch->items));
    r = batch_ask(batch, list->operation, params, &answer, batch->err);
    if (r < 0 && !(batch->count == 1 && err_is(batch->err, list->absent)))
        return r;
    err_done(batch->err);
    found = js_get(answer, list->list);
    if (r == 0 && !json_object_is_type(found, json_type_array))
        return err_set(batch->err, -EBADMSG, ERR_BUG, "%s: an answer without %s",
                       aws_operations[list->operation].name, list->list);
    *ret = r == 0 ? json_object_get(found) : json_object_new_array();
    return *ret ? 0 : err_no_memory(batch->err);
}

struct json_object *rds_find(const struct rds_list *list, struct json_object *found,
                             const struct kind_item *item)
{
    const char *name = name_of(list, item);

    for (size_t i = 0, count = js_count(found, NULL); name && i < count; i++) {
        if (str_equal_nocase(js_text(js_at(found, i), list->member), name))
            return js_at(found, i);
    }
    return NULL;
}

int rds_put_tags(struct kind_op *op, const char *arn, const struct diff *diff)
{
    return op_put_tags(op, diff, AWS_RDS_ADD_TAGS_TO_RESOURCE, params_new("ResourceName", arn, NULL), "Tags");
}
