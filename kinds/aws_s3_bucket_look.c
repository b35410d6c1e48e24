/*
 * aws_s3_bucket_look.c: looking at buckets: six sub-resources, each with its own
 * read and its own word for "there is none".
 *
 * The six go out together; HeadBucket is not needed, since they say NoSuchBucket themselves. One
 * that can not be read makes the whole bucket unknown: half a picture would look like drift.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_s3_bucket-internal.h"
#include "kinds/registry-internal.h"

#define BUCKETS_AT_ONCE 4
#define OUR_TAG         "mlopsd:platform"

struct json_object *aws_s3_bucket_params(struct aws *aws, const char *bucket, struct err *err)
{
    struct json_object *params;
    const char *account;

    err_done(err);
    if (!aws || !bucket) {
        (void)err_set(err, -EINVAL, ERR_INVALID,
                      aws ? "a bucket without a name" : "the platform has no aws: section");
        return NULL;
    }
    if (aws_identity(aws, &account, NULL, err) < 0)
        return NULL;
    params = params_new("Bucket", bucket, "ExpectedBucketOwner", account, NULL);
    if (!params)
        (void)err_no_memory(err);
    return params;
}

static const char *dns_suffix(const char *partition)
{
    static const char *const suffixes[][2] = {
        {"aws-cn", "amazonaws.com.cn"},
        {"aws-iso", "c2s.ic.gov"},
        {"aws-iso-b", "sc2s.sgov.gov"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        if (str_equal(suffixes[i][0], partition))
            return suffixes[i][1];
    }
    return "amazonaws.com";
}

void aws_s3_bucket_attributes(struct aws *aws, const char *bucket, struct json_object **document)
{
    const char *region = aws_region(aws), *partition = aws_partition(aws);
    char *arn CLEANUP_FREE = str_format("arn:%s:s3:::%s", partition, bucket);
    char *domain CLEANUP_FREE = str_format("%s.s3.%s", bucket, dns_suffix(partition));
    char *regional CLEANUP_FREE = str_format("%s.s3.%s.%s", bucket, region, dns_suffix(partition));

    if (!arn || !domain || !regional) {
        params_set(document, "id", NULL);
        return;
    }
    params_text(document, "arn", arn);
    params_text(document, "id", bucket);
    params_text(document, "bucket_domain_name", domain);
    params_text(document, "bucket_regional_domain_name", regional);
    params_text(document, "region", region);
}

/* ---- the parts; @answer is NULL where there is none ---- */

static void read_versioning(struct json_object *answer, struct json_object **document)
{
    params_set(document, "versioning.enabled",
               json_object_new_boolean(str_equal(js_text(answer, "Status"), "Enabled")));
}

static void read_encryption(struct json_object *answer, struct json_object **document)
{
    static const char place[] = "server_side_encryption_configuration";
    struct json_object *rule = js_get(answer, "ServerSideEncryptionConfiguration.Rules.0");
    struct json_object *standard = js_get(rule, "ApplyServerSideEncryptionByDefault");

    if (!standard)
        return;
    params_set(document, place, json_object_new_object());
    params_text(document, "server_side_encryption_configuration.sse_algorithm",
                js_text(standard, "SSEAlgorithm"));
    params_text(document, "server_side_encryption_configuration.kms_master_key_id",
                js_text(standard, "KMSMasterKeyID"));
    if (js_get(rule, "BucketKeyEnabled"))
        params_set(document, "server_side_encryption_configuration.bucket_key_enabled",
                   json_object_new_boolean(js_bool(rule, "BucketKeyEnabled", false)));
}

/* No block is no lock: all four are open. */
static void read_block(struct json_object *answer, struct json_object **document)
{
    static const char *const names[][2] = {
        {"public_access_block.block_public_acls", "PublicAccessBlockConfiguration.BlockPublicAcls"},
        {"public_access_block.block_public_policy", "PublicAccessBlockConfiguration.BlockPublicPolicy"},
        {"public_access_block.ignore_public_acls", "PublicAccessBlockConfiguration.IgnorePublicAcls"},
        {"public_access_block.restrict_public_buckets",
         "PublicAccessBlockConfiguration.RestrictPublicBuckets"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        params_set(document, names[i][0], json_object_new_boolean(js_bool(answer, names[i][1], false)));
}

static void read_tags(struct json_object *answer, struct json_object **document)
{
    params_set(document, "tags", tags_from_list(js_get(answer, "TagSet"), "Key", "Value"));
}

static void read_ownership(struct json_object *answer, struct json_object **document)
{
    params_text(document, "object_ownership", js_text(answer, "OwnershipControls.Rules.0.ObjectOwnership"));
}

static void read_policy(struct json_object *answer, struct json_object **document)
{
    const char *text = js_text(answer, "Policy");

    if (!str_empty(text))
        params_set(document, "policy", wire_policy(text));
}

static const struct part {
    enum aws_op operation;
    const char *absent_code; /* "there is none"; NULL = always there */
    void (*read)(struct json_object *answer, struct json_object **document);
} parts[] = {
    {AWS_S3_GET_BUCKET_VERSIONING, NULL, read_versioning},
    {AWS_S3_GET_BUCKET_ENCRYPTION, "ServerSideEncryptionConfigurationNotFoundError", read_encryption},
    {AWS_S3_GET_PUBLIC_ACCESS_BLOCK, "NoSuchPublicAccessBlockConfiguration", read_block},
    {AWS_S3_GET_BUCKET_TAGGING, "NoSuchTagSet", read_tags},
    {AWS_S3_GET_BUCKET_OWNERSHIP_CONTROLS, "OwnershipControlsNotFoundError", read_ownership},
    {AWS_S3_GET_BUCKET_POLICY, "NoSuchBucketPolicy", read_policy},
};
#define PARTS ARRAY_SIZE(parts)

static bool is_answer(const struct part *part, const struct aws_read *read)
{
    return read->result == 0 || (part->absent_code && err_is(&read->err, part->absent_code));
}

/* ---- one bucket ---- */

/**
 * When it was made, for a bucket without our mark: S3 may have dropped the tags of our own create. 0
 * when not told. The list is the only place that says it.
 */
static int64_t created_ms(struct kind_batch *batch, const char *bucket)
{
    struct json_object *answer CLEANUP_JS = NULL;
    struct err err CLEANUP_ERR = {0};

    if (batch_ask(batch, AWS_S3_LIST_BUCKETS, params_new("Prefix", bucket, NULL), &answer, &err) < 0)
        return 0; /* one proof less, and nothing is touched without proof */
    for (size_t i = 0; i < js_count(answer, "Buckets"); i++) {
        struct json_object *row = js_at(js_get(answer, "Buckets"), i);

        if (str_equal(js_text(row, "Name"), bucket))
            return answer_time_ms(row, "CreationDate");
    }
    return 0;
}

static struct json_object *document_of(struct kind_batch *batch, const char *bucket,
                                       const struct aws_read *reads)
{
    struct json_object *document = params_new("bucket", bucket, NULL);

    aws_s3_bucket_attributes(batch->clouds.aws, bucket, &document);
    for (size_t i = 0; i < PARTS; i++)
        parts[i].read(reads[i].answer, &document);
    return document;
}

/* Some part was not answered: what does that say about the bucket? */
static void report_failure(struct kind_item *item, const char *bucket, struct aws_read *reads)
{
    size_t answered = 0, denied = 0;
    struct err *first = NULL;

    for (size_t i = 0; i < PARTS; i++) {
        if (is_answer(&parts[i], &reads[i])) {
            answered++;
            continue;
        }
        denied += reads[i].err.class == ERR_DENIED;
        if (!first || err_is(&reads[i].err, "NoSuchBucket"))
            first = &reads[i].err;
    }
    assert(first);
    /* A young bucket may be visible in one place and not in another: then nothing is proved. */
    if (err_is(first, "NoSuchBucket") && answered == 0) {
        batch_absent(item);
        return;
    }
    if (first->class == ERR_ABSENT)
        first->class = ERR_RETRY;
    if (denied == PARTS)
        (void)err_wrap(
            first, first->code,
            "bucket %s: not ours to read, or it belongs to another account (then choose another name)",
            bucket); /* the code stays */
    else
        (void)err_wrap(first, first->code, "bucket %s", bucket); /* likewise */
    batch_unknown(item, first);
}

static int prepare(struct kind_batch *batch, const char *bucket, struct aws_read *reads, struct err *err)
{
    for (size_t i = 0; i < PARTS; i++) {
        reads[i].op = parts[i].operation;
        reads[i].params = aws_s3_bucket_params(batch->clouds.aws, bucket, err);
        if (!reads[i].params)
            return err->code;
    }
    return 0;
}

static void look(struct kind_batch *batch, struct kind_item *item)
{
    const char *bucket = item->id ? item->id : js_text(item->desired, "bucket");
    struct aws_read reads[PARTS] = {0};
    struct err err CLEANUP_ERR = {0};
    size_t answered = 0;
    int r;

    item_note_flag(item, "force_destroy");
    r = prepare(batch, bucket, reads, &err);
    if (r == 0)
        r = aws_read_all(batch->clouds.aws, reads, PARTS, 0);
    if (r < 0 && err.code == 0)
        (void)err_set(&err, r, r == -ECANCELED ? ERR_CANCELED : ERR_RETRY, "reading bucket %s", bucket);
    for (size_t i = 0; i < PARTS; i++)
        answered += r == 0 && is_answer(&parts[i], &reads[i]);
    if (r < 0)
        batch_unknown(item, &err);
    else if (answered < PARTS)
        report_failure(item, bucket, reads);
    else
        batch_present(item, bucket, document_of(batch, bucket, reads));
    aws_reads_done(reads, PARTS);
    if (item->state == ITEM_PRESENT && !js_get(item->observed, "tags." OUR_TAG))
        item->created_wall_ms = created_ms(batch, bucket);
}

int aws_s3_bucket_observe(struct kind_batch *batch)
{
    return batch_each(batch, BUCKETS_AT_ONCE, look);
}
