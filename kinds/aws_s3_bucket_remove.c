/*
 * aws_s3_bucket_remove.c: deleting a bucket, and what is in it when the config says so.
 *
 * "Empty" means no objects, no old versions, no delete markers and no unfinished uploads.
 * DeleteObjects answers 200 even where it could not delete: its Errors say so, key by key.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_s3_bucket-internal.h"
#include "kinds/registry-internal.h"

#define KEYS_AT_ONCE 1000  /* S3's limit */
#define ROUNDS_MAX   10000 /* ten million keys in one go; the next try goes on */

static struct json_object *params_of(struct kind_op *op)
{
    return aws_s3_bucket_params(op->clouds.aws, op->id, op->err);
}

/*
 * One page from the start: what was deleted is no longer in it. A null marker keeps the client from
 * turning pages.
 */
static int list(struct kind_op *op, enum aws_op operation, struct json_object **ret)
{
    struct json_object *params = params_of(op);

    if (params && js_set_text(params, "KeyMarker", NULL) < 0)
        params_set(&params, "Bucket", NULL);
    return aws_s3_bucket_send(op, operation, params, ret);
}

/* ---- versions and delete markers ---- */

static int add_objects(struct json_object *objects, struct json_object *versions)
{
    for (size_t i = 0, count = js_count(versions, NULL); i < count; i++) {
        struct json_object *version = js_at(versions, i), *object;

        if (json_object_array_length(objects) == KEYS_AT_ONCE)
            return 0;
        object = params_new("Key", js_text(version, "Key"), "VersionId", js_text(version, "VersionId"), NULL);
        if (!object || json_object_array_add(objects, object) < 0) {
            json_object_put(object);
            return -ENOMEM;
        }
    }
    return 0;
}

static int report_errors(struct kind_op *op, struct json_object *answer)
{
    struct json_object *first = js_at(js_get(answer, "Errors"), 0);
    const char *code = js_text(first, "Code"), *message = js_text(first, "Message");
    bool denied = str_equal(code, "AccessDenied");

    if (!first)
        return 0;
    return op_fail(op, denied ? -EACCES : -EIO, denied ? ERR_DENIED : ERR_RETRY,
                   "DeleteObjects: %zu objects can not be deleted, the first is %s: %s %s",
                   js_count(answer, "Errors"), js_text(first, "Key") ? js_text(first, "Key") : "?",
                   code ? code : "", message ? message : "");
}

static int delete_objects(struct kind_op *op, struct json_object *objects)
{
    struct json_object *params = params_of(op), *answer CLEANUP_JS = NULL;
    int r;

    params_set(&params, "Delete.Objects", json_object_get(objects));
    params_set(&params, "Delete.Quiet", json_object_new_boolean(true));
    r = aws_s3_bucket_send(op, AWS_S3_DELETE_OBJECTS, params, &answer);
    return r < 0 ? r : report_errors(op, answer);
}

/* 1 = deleted some, look again; 0 = there are none. */
static int delete_page(struct kind_op *op)
{
    struct json_object *answer CLEANUP_JS = NULL;
    struct json_object *objects CLEANUP_JS = json_object_new_array();
    int r = list(op, AWS_S3_LIST_OBJECT_VERSIONS, &answer);

    if (r < 0)
        return r;
    if (!objects || add_objects(objects, js_get(answer, "Versions")) < 0 ||
        add_objects(objects, js_get(answer, "DeleteMarkers")) < 0)
        return err_no_memory(op->err);
    if (json_object_array_length(objects) == 0)
        return 0;
    r = delete_objects(op, objects);
    return r < 0 ? r : 1;
}

/* ---- unfinished uploads ---- */

static int abort_upload(struct kind_op *op, struct json_object *upload)
{
    struct json_object *params = params_of(op);
    int r;

    params_text(&params, "Key", js_text(upload, "Key"));
    params_text(&params, "UploadId", js_text(upload, "UploadId"));
    r = aws_s3_bucket_send(op, AWS_S3_ABORT_MULTIPART_UPLOAD, params, NULL);
    return op_forgive(op, r, "NoSuchUpload");
}

static int abort_page(struct kind_op *op)
{
    struct json_object *answer CLEANUP_JS = NULL, *uploads;
    int r = list(op, AWS_S3_LIST_MULTIPART_UPLOADS, &answer);

    if (r < 0)
        return r;
    uploads = js_get(answer, "Uploads");
    for (size_t i = 0, count = js_count(uploads, NULL); i < count && r == 0; i++)
        r = abort_upload(op, js_at(uploads, i));
    return r < 0 ? r : js_count(uploads, NULL) > 0;
}

/* ---- the bucket ---- */

static int empty(struct kind_op *op)
{
    int (*const pages[])(struct kind_op *) = {delete_page, abort_page};

    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        int r = 1;

        for (size_t round = 0; r == 1 && round < ROUNDS_MAX; round++)
            r = pages[i](op);
        if (r < 0)
            return r;
        if (r == 1)
            return op_fail(op, -EAGAIN, ERR_RETRY, "bucket %s is being emptied, and there is more to delete",
                           op->id);
    }
    return 0;
}

int aws_s3_bucket_remove(struct kind_op *op)
{
    int r;

    if (!op->id)
        return op_fail(op, -EINVAL, ERR_BUG, "DeleteBucket: no name is recorded");
    r = aws_s3_bucket_send(op, AWS_S3_DELETE_BUCKET, params_of(op), NULL);
    if (r < 0 && err_is(op->err, "BucketNotEmpty")) {
        if (!op_flag(op, "force_destroy"))
            return op_fail(
                op, -ENOTEMPTY, ERR_INVALID,
                "bucket %s is not empty: empty it, or set force_destroy: true to delete what is in it",
                op->id);
        r = empty(op);
        if (r == 0)
            r = aws_s3_bucket_send(op, AWS_S3_DELETE_BUCKET, params_of(op), NULL);
    }
    return op_forgive(op, r, "NoSuchBucket");
}

/* ---- before ---- */

/* 1 = there is something in it, 0 = nothing, negative = could not be told. */
static int holds_anything(struct kind_batch *batch, struct kind_item *item)
{
    struct json_object *params = aws_s3_bucket_params(batch->clouds.aws, item->id, batch->err);
    struct json_object *answer CLEANUP_JS = NULL;
    int r;

    params_set(&params, "MaxKeys", json_object_new_int(1));
    if (params && js_set_text(params, "KeyMarker", NULL) < 0) /* one page is enough */
        params_set(&params, "Bucket", NULL);
    if (!params)
        return -ENOMEM;
    r = batch_aws(batch, AWS_S3_LIST_OBJECT_VERSIONS, params, &answer, batch->err);
    return r < 0 ? r : js_count(answer, "Versions") > 0 || js_count(answer, "DeleteMarkers") > 0;
}

void aws_s3_bucket_farewell(struct kind_batch *batch, struct kind_item *item, struct farewell *farewell)
{
    bool force = js_bool(item->desired, "force_destroy", false);
    int full = holds_anything(batch, item);

    if (full != 0 && force)
        farewell_say(farewell, FAREWELL_LOSES, "all objects and versions in it are deleted (force_destroy)");
    else if (full > 0)
        farewell_say(
            farewell, FAREWELL_BLOCKS,
            "it is not empty, and is not deleted while it is not: empty it, or set force_destroy: true");
    else if (full < 0)
        farewell_say(farewell, FAREWELL_BLOCKS, "it is not deleted unless it is empty");
}
