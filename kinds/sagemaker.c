/*
 * sagemaker.c: what SageMaker's domains and user profiles have in common; see sagemaker-internal.h.
 *
 * A description does not say the tags. While an item waits for them its description stands in
 * item->observed, with the tags as "Tags" once they are known.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/registry-internal.h"
#include "kinds/sagemaker-internal.h"

bool sagemaker_accepts_name(const char *text)
{
    size_t length = strlen(text);

    return has_reference(text) || (is_word(text, "-", 63) && text[0] != '-' && text[length - 1] != '-');
}

/* ---- looking ---- */

int sagemaker_read_tags(struct kind_batch *batch, struct json_object *answer, const char *arn,
                        struct err *err)
{
    struct json_object *tags CLEANUP_JS = NULL, *map;
    int r;

    if (js_get(answer, SAGEMAKER_TAGS))
        return 0;
    if (!arn)
        return err_set(err, -EBADMSG, ERR_BUG, "a description without an ARN");
    r = batch_ask(batch, AWS_SAGEMAKER_LIST_TAGS, params_new("ResourceArn", arn, NULL), &tags, err);
    if (r < 0) {
        if (err->class == ERR_ABSENT)
            err->class = ERR_RETRY; /* we have just seen it */
        return r;
    }
    map = tags_from_list(js_get(tags, "Tags"), "Key", "Value");
    return !map || js_put_key(answer, SAGEMAKER_TAGS, map) < 0 ? err_no_memory(err) : 0;
}

/*
 * What failed at birth never comes to life, but it can be deleted: its name is not what it should be, so
 * that another takes its place.
 */
static void mark_failed(struct kind_item *item, const char *name, struct json_object *answer,
                        struct json_object **document)
{
    const char *reason = js_text(answer, "FailureReason");
    char *text CLEANUP_FREE = str_format("(failed: %s)", reason ? reason : "no reason given");

    params_set(document, name, text ? json_object_new_string(text) : NULL);
    item->unconfirmed = true;
}

static struct json_object *read_document(const struct kind *kind, struct json_object *answer)
{
    struct json_object *document = json_object_new_object();

    if (document && wire_read(kind, answer, document) < 0) {
        json_object_put(document);
        return NULL;
    }
    params_set(&document, "tags", js_copy(js_get(answer, SAGEMAKER_TAGS)));
    return document;
}

void sagemaker_report(struct kind_batch *batch, struct kind_item *item, const char *arn, const char *name,
                      char *(*id_of)(struct json_object *answer))
{
    struct json_object *answer CLEANUP_JS = TAKE(item->observed), *document;
    const char *status = js_text(answer, "Status");
    struct err err CLEANUP_ERR = {0};
    char *id CLEANUP_FREE = NULL;

    if (!answer)
        return; /* reported already */
    if (sagemaker_read_tags(batch, answer, js_text(answer, arn), &err) < 0) {
        batch_unknown(item, &err);
        return;
    }
    id = id_of(answer);
    document = id ? read_document(batch->kind, answer) : NULL;
    params_text(&document, "id", id);
    item_note_locals(item, batch->kind);
    item->created_wall_ms = answer_time_ms(answer, "CreationTime");
    if (str_equal(status, "Failed"))
        mark_failed(item, name, answer, &document);
    if (str_equal(status, "Pending") || str_equal(status, "Updating") || str_equal(status, "Deleting"))
        batch_settling(item, id, document, status);
    else
        batch_present(item, id, document);
}

/* ---- writes ---- */

int sagemaker_put_tags(struct kind_op *op, const struct diff *diff)
{
    return op_put_tags(op, diff, AWS_SAGEMAKER_ADD_TAGS,
                       params_new("ResourceArn", js_text(op->observed, "arn"), NULL), "Tags");
}

int sagemaker_wait_gone(struct kind_op *op, enum aws_op operation, struct json_object *take_params,
                        const char *what)
{
    struct json_object *answer CLEANUP_JS = NULL;
    int r = op_send(op, operation, take_params, &answer);

    if (r < 0)
        return op_forgive(op, r, "ResourceNotFound");
    return op_fail(op, -EAGAIN, ERR_NOT_YET, "waiting for %s to be deleted", what);
}
