/*
 * aws_s3_bucket.c: a bucket with the sub-resources that decide who may do what with it.
 *
 * Looking is in aws_s3_bucket_look.c, removal in aws_s3_bucket_remove.c. Sub-resources have a call each and
 * S3 refuses two at a time for one bucket, so writes go one after the other. Ways to fail: the
 * name belongs to somebody else (final: names are global), a young bucket that is not visible everywhere
 * ("not yet"), a public policy that the public access block refuses.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_s3_bucket-internal.h"
#include "kinds/registry-internal.h"

static bool accepts_bucket(const char *text)
{
    size_t length = strlen(text);

    if (has_reference(text))
        return true;
    return length >= 3 && is_small_word(text, ".-", 63) && isalnum((unsigned char)text[0]) &&
           isalnum((unsigned char)text[length - 1]) && !strstr(text, "..");
}

static const struct field versioning_fields[] = {
    {
        .name = "enabled",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_REQUIRED | FIELD_SECURITY,
        .doc = "Keep old versions of objects; once enabled it can only be suspended.",
    },
    {0},
};

static const char *const sse_algorithms[] = {"AES256", "aws:kms", "aws:kms:dsse", NULL};

static const struct field encryption_fields[] = {
    {
        .name = "sse_algorithm",
        .type = FIELD_ENUM,
        .values = sse_algorithms,
        .flags = FIELD_REQUIRED | FIELD_SECURITY,
        .wire = "ApplyServerSideEncryptionByDefault.SSEAlgorithm",
        .doc = "How new objects are encrypted.",
    },
    {
        .name = "kms_master_key_id",
        .type = FIELD_STRING,
        .flags = FIELD_SECURITY,
        .wire = "ApplyServerSideEncryptionByDefault.KMSMasterKeyID",
        .fallback = "null",
        .doc = "Id or ARN of the KMS key; not given means that none may be set.",
    },
    {
        .name = "bucket_key_enabled",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_SERVER_DEFAULT,
        .wire = "BucketKeyEnabled",
        .doc = "Use a bucket key to save KMS requests.",
    },
    {0},
};

static const struct field block_fields[] = {
    {
        .name = "block_public_acls",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_SECURITY,
        .wire = "BlockPublicAcls",
        .fallback = "true",
        .doc = "Refuse new ACLs that are public.",
    },
    {
        .name = "block_public_policy",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_SECURITY,
        .wire = "BlockPublicPolicy",
        .fallback = "true",
        .doc = "Refuse bucket policies that are public.",
    },
    {
        .name = "ignore_public_acls",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_SECURITY,
        .wire = "IgnorePublicAcls",
        .fallback = "true",
        .doc = "Ignore ACLs that are public.",
    },
    {
        .name = "restrict_public_buckets",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_SECURITY,
        .wire = "RestrictPublicBuckets",
        .fallback = "true",
        .doc = "Keep others out even where the policy is public.",
    },
    {0},
};

static const char *const ownerships[] = {"BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter", NULL};

static const struct field fields[] = {
    {
        .name = "bucket",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE,
        .pattern = "3 to 63 lower-case letters, digits, dots and hyphens, a letter or digit at both ends",
        .accepts = accepts_bucket,
        .doc = "Name of the bucket, unique in the world.",
    },
    {
        .name = "force_destroy",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_LOCAL,
        .fallback = "false",
        .doc = "Delete all objects and versions when the bucket is to be deleted.",
    },
    {
        .name = "versioning",
        .type = FIELD_OBJECT,
        .members = versioning_fields,
        .flags = FIELD_SERVER_DEFAULT | FIELD_SECURITY,
        .doc = "Versions of objects.",
    },
    {
        .name = "server_side_encryption_configuration",
        .type = FIELD_OBJECT,
        .members = encryption_fields,
        .flags = FIELD_SERVER_DEFAULT | FIELD_SECURITY,
        .doc = "Encryption of new objects.",
    },
    {
        .name = "public_access_block",
        .type = FIELD_OBJECT,
        .members = block_fields,
        .flags = FIELD_SECURITY,
        .fallback = "{\"block_public_acls\":true,\"block_public_policy\":true,\"ignore_public_acls\":true,"
                    "\"restrict_public_buckets\":true}",
        .doc = "The four locks against public access.",
    },
    {
        .name = "object_ownership",
        .type = FIELD_ENUM,
        .values = ownerships,
        .flags = FIELD_SECURITY,
        .fallback = "\"BucketOwnerEnforced\"",
        .doc = "Who owns uploaded objects; BucketOwnerEnforced turns ACLs off.",
    },
    {
        .name = "policy",
        .type = FIELD_POLICY,
        .flags = FIELD_EXCLUSIVE | FIELD_SECURITY,
        .fallback = "null",
        .doc = "Bucket policy; not given means there must be none.",
    },
    TAGS_ROW,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .doc = "ARN of the bucket."},
    {.name = "id", .type = FIELD_STRING, .doc = "Name of the bucket."},
    {.name = "bucket_domain_name", .type = FIELD_STRING, .doc = "Host name of the bucket."},
    {.name = "bucket_regional_domain_name", .type = FIELD_STRING, .doc = "Host name with the Region in it."},
    {.name = "region", .type = FIELD_STRING, .doc = "Region of the bucket."},
    {0},
};

static const struct not_yet not_yet[] = {
    {"NoSuchBucket", NULL, "the new bucket to become visible"},
    {"OperationAborted", NULL, "another change of the bucket to end"},
    {0},
};

static void check(struct kind_check *check)
{
    struct json_object *encryption = js_get(check->document, "server_side_encryption_configuration");
    const char *algorithm = js_text(encryption, "sse_algorithm");

    tags_check(check);
    policy_check(check, "policy", js_get(check->document, "policy"));
    if (str_equal(algorithm, "AES256") && js_get(encryption, "kms_master_key_id"))
        check->problem(check, "server_side_encryption_configuration.kms_master_key_id",
                       "a key can be named only with aws:kms");
}

/* A key's ARN ends with its id: with one of each, both mean the same key. */
static void normalise(struct json_object *desired, struct json_object *observed)
{
    static const char path[] = "server_side_encryption_configuration.kms_master_key_id";
    const char *wanted = js_text(desired, path), *seen = js_text(observed, path);
    const char *arn, *id, *end;

    if (!wanted || !seen || str_starts(wanted, "arn:") == str_starts(seen, "arn:"))
        return;
    arn = str_starts(wanted, "arn:") ? wanted : seen;
    id = arn == wanted ? seen : wanted;
    /* "arn:...:key/ID" and "ID", or "arn:...:alias/NAME" and "alias/NAME" */
    end = strstr(arn, str_starts(id, "alias/") ? ":alias/" : ":key/");
    if (end && str_equal(str_starts(id, "alias/") ? end + 1 : end + strlen(":key/"), id))
        (void)js_set(observed, path,
                     js_copy(js_get(desired, path))); /* without memory: a difference, no crash */
}

/* ---- calls of one bucket ---- */

static struct json_object *bucket_params(struct kind_op *op)
{
    return aws_s3_bucket_params(op->clouds.aws, op->id ? op->id : op_text(op, "bucket"), op->err);
}

int aws_s3_bucket_send(struct kind_op *op, enum aws_op operation, struct json_object *take_params,
                       struct json_object **ret)
{
    if (!take_params)
        return op->err->code < 0 ? op->err->code : err_no_memory(op->err);
    return op_aws(op, operation, take_params, ret);
}

/** What S3 has now, where a write must put back what is not ours. Read before the first write. */
struct bucket_before {
    struct json_object *encryption_rule; /* owned; NULL = none */
    struct json_object *tags;            /* list; owned; NULL = none */
};

static void bucket_before_done(struct bucket_before *before)
{
    json_object_put(before->encryption_rule);
    json_object_put(before->tags);
}

/* Read a sub-resource; *ret stays NULL where there is none. */
static int read_part(struct kind_op *op, enum aws_op operation, const char *absent_code, const char *path,
                     struct json_object **ret)
{
    struct json_object *answer CLEANUP_JS = NULL;
    int r = aws_s3_bucket_send(op, operation, bucket_params(op), &answer);

    if (r < 0 && op_forgive(op, r, absent_code) == 0)
        return 0;
    if (r < 0) {
        if (err_is(op->err, "NoSuchBucket"))
            op->err->class = ERR_NOT_YET; /* we know that it is there */
        return r;
    }
    *ret = json_object_get(js_get(answer, path));
    return 0;
}

static int read_encryption(struct kind_op *op, struct bucket_before *before)
{
    return read_part(op, AWS_S3_GET_BUCKET_ENCRYPTION, "ServerSideEncryptionConfigurationNotFoundError",
                     "ServerSideEncryptionConfiguration.Rules.0", &before->encryption_rule);
}

/* Set a member of the rule to what is declared; a declared null takes it out. */
static void set_in_rule(struct json_object **rule, const struct field *row, struct json_object *wanted)
{
    struct json_object *value = NULL;

    if (json_object_object_get_ex(wanted, row->name, &value) && value)
        params_set(rule, row->wire, js_copy(value));
    else if (row->flags & FIELD_SECURITY)
        json_object_object_del(js_get(*rule, "ApplyServerSideEncryptionByDefault"), "KMSMasterKeyID");
}

static int put_encryption(struct kind_op *op, const struct bucket_before *before)
{
    struct json_object *wanted = js_get(op->desired, "server_side_encryption_configuration");
    struct json_object *params = bucket_params(op), *rules = json_object_new_array();
    struct json_object *rule = before->encryption_rule ? js_copy(before->encryption_rule)
                                                       : json_object_new_object();

    for (const struct field *row = encryption_fields; row->name; row++)
        set_in_rule(&rule, row, wanted);
    if (rules && rule && json_object_array_add(rules, rule) == 0)
        rule = NULL;
    else
        params_set(&params, "Bucket", NULL);
    json_object_put(rule);
    params_set(&params, "ServerSideEncryptionConfiguration.Rules", rules);
    return aws_s3_bucket_send(op, AWS_S3_PUT_BUCKET_ENCRYPTION, params, NULL);
}

/* Locks that the diff names as wanted, the others as they are. */
static int put_block(struct kind_op *op, const struct diff *diff)
{
    struct json_object *params = bucket_params(op);

    for (const struct field *row = block_fields; row->name; row++) {
        char *path CLEANUP_FREE = str_format("public_access_block.%s", row->name);
        char *wire CLEANUP_FREE = str_format("PublicAccessBlockConfiguration.%s", row->wire);
        struct json_object *value = NULL;

        if (path && diff)
            value = wanted_or_seen(op, diff, path);
        else if (path)
            value = js_get(op->desired, path);
        params_set(&params, wire ? wire : "",
                   wire && path ? json_object_new_boolean(js_bool(value, NULL, true)) : NULL);
    }
    return aws_s3_bucket_send(op, AWS_S3_PUT_PUBLIC_ACCESS_BLOCK, params, NULL);
}

static int put_ownership(struct kind_op *op)
{
    struct json_object *params = bucket_params(op), *rules = json_object_new_array();
    struct json_object *rule = params_new("ObjectOwnership", op_text(op, "object_ownership"), NULL);

    if (!rules || !rule || json_object_array_add(rules, rule) < 0) {
        json_object_put(rule);
        params_set(&params, "Bucket", NULL);
    }
    params_set(&params, "OwnershipControls.Rules", rules);
    return aws_s3_bucket_send(op, AWS_S3_PUT_BUCKET_OWNERSHIP_CONTROLS, params, NULL);
}

static int put_versioning(struct kind_op *op)
{
    struct json_object *params = bucket_params(op);

    params_text(&params, "VersioningConfiguration.Status",
                js_bool(op->desired, "versioning.enabled", false) ? "Enabled" : "Suspended");
    return aws_s3_bucket_send(op, AWS_S3_PUT_BUCKET_VERSIONING, params, NULL);
}

static int put_policy(struct kind_op *op)
{
    struct json_object *policy = js_get(op->desired, "policy"), *params = bucket_params(op);
    char *text CLEANUP_FREE = policy ? wire_policy_text(policy) : NULL;

    if (!policy)
        return aws_s3_bucket_send(op, AWS_S3_DELETE_BUCKET_POLICY, params, NULL);
    params_set(&params, "Policy", text ? json_object_new_string(text) : NULL);
    return aws_s3_bucket_send(op, AWS_S3_PUT_BUCKET_POLICY, params, NULL);
}

/* The call replaces the whole set: @map is all there shall be. */
static int put_tags(struct kind_op *op, struct json_object *map)
{
    struct json_object *params = bucket_params(op);

    params_set(&params, "Tagging.TagSet", map ? tags_to_list(map, "Key", "Value") : NULL);
    return aws_s3_bucket_send(op, AWS_S3_PUT_BUCKET_TAGGING, params, NULL);
}

/* ---- create ---- */

/* us-east-1 answers a second create of one's own bucket with success, so look first. */
static int name_is_free(struct kind_op *op)
{
    int r = aws_s3_bucket_send(op, AWS_S3_HEAD_BUCKET, bucket_params(op), NULL);

    if (r == 0)
        return op_fail(op, -EEXIST, ERR_EXISTS, "bucket %s exists already", op_text(op, "bucket"));
    if (op->err->class == ERR_ABSENT) {
        err_done(op->err);
        return 0;
    }
    if (op->err->class == ERR_DENIED)
        return op_fail(
            op, -EEXIST, ERR_CONFLICT,
            "bucket %s belongs to another account, or we may not look at it: bucket names are shared by "
            "the whole world, choose another one",
            op_text(op, "bucket"));
    return r;
}

static int create_bucket(struct kind_op *op)
{
    struct json_object *params = params_new("Bucket", op_text(op, "bucket"), NULL);
    const char *region = aws_region(op->clouds.aws);
    int r;

    /* us-east-1 must not be named. */
    if (!str_equal(region, "us-east-1"))
        params_text(&params, "CreateBucketConfiguration.LocationConstraint", region);
    params_set(&params, "CreateBucketConfiguration.Tags", op_tag_list(op, "Key", "Value"));
    params_text(&params, "ObjectOwnership", op_text(op, "object_ownership"));
    r = op_send(op, AWS_S3_CREATE_BUCKET, params, NULL);
    if (r < 0 && err_is(op->err, "BucketAlreadyExists"))
        (void)err_wrap(op->err, r, "bucket %s belongs to another account: choose another name",
                       op_text(op, "bucket")); /* the code stays */
    return r;
}

static int report_bucket(struct kind_op *op)
{
    struct json_object *values CLEANUP_JS = json_object_new_object();
    int r = op_created(op, op_text(op, "bucket"));

    aws_s3_bucket_attributes(op->clouds.aws, op_text(op, "bucket"), &values);
    if (!values)
        return err_no_memory(op->err);
    for (const struct attribute *row = attributes; row->name && r == 0; row++)
        r = op_attribute_text(op, row->name, js_text(values, row->name));
    return r;
}

static int create(struct kind_op *op)
{
    struct bucket_before before CLEANUP(bucket_before_done) = {0};
    struct json_object *tags CLEANUP_JS = NULL;
    int r;

    r = name_is_free(op);
    if (r == 0)
        r = create_bucket(op);
    if (r == 0)
        r = report_bucket(op);
    if (r < 0)
        return r;
    op_note_flag(op, "force_destroy");
    tags = op_tags(op);
    /* Not every S3 takes tags at birth: our mark comes before anything else. */
    r = put_tags(op, tags);
    if (r == 0)
        r = put_block(op, NULL);
    if (r == 0)
        r = put_ownership(op);
    if (r == 0 && js_get(op->desired, "server_side_encryption_configuration"))
        r = read_encryption(op, &before);
    if (r == 0 && js_get(op->desired, "server_side_encryption_configuration"))
        r = put_encryption(op, &before);
    if (r == 0 && js_bool(op->desired, "versioning.enabled", false))
        r = put_versioning(op);
    if (r == 0 && js_get(op->desired, "policy"))
        r = put_policy(op);
    return r;
}

/* ---- update: what closes doors comes first ---- */

static int read_before(struct kind_op *op, const struct diff *diff, struct bucket_before *before)
{
    int r = 0;

    if (diff_has(diff, "server_side_encryption_configuration"))
        r = read_encryption(op, before);
    if (r == 0 && diff_has(diff, "tags"))
        r = read_part(op, AWS_S3_GET_BUCKET_TAGGING, "NoSuchTagSet", "TagSet", &before->tags);
    return r;
}

/* Does the diff ask to open one of the four locks? */
static bool opens_lock(struct kind_op *op, const struct diff *diff)
{
    for (const struct field *row = block_fields; row->name; row++) {
        char *path CLEANUP_FREE = str_format("public_access_block.%s", row->name);

        if (path && diff_has(diff, path) && !js_bool(op->desired, path, true))
            return true;
    }
    return false;
}

static int close_doors(struct kind_op *op, const struct diff *diff)
{
    int r = 0;

    if (diff_has(diff, "policy") && !js_get(op->desired, "policy"))
        r = put_policy(op);
    if (r == 0 && diff_has(diff, "public_access_block") && !opens_lock(op, diff))
        r = put_block(op, diff);
    if (r == 0 && diff_has(diff, "object_ownership"))
        r = put_ownership(op);
    return r;
}

static int open_doors(struct kind_op *op, const struct diff *diff)
{
    int r = 0;

    /* A public policy is refused while the locks are on. */
    if (diff_has(diff, "public_access_block") && opens_lock(op, diff))
        r = put_block(op, diff);
    if (r == 0 && diff_has(diff, "policy") && js_get(op->desired, "policy"))
        r = put_policy(op);
    return r;
}

static int update_tags(struct kind_op *op, const struct diff *diff, const struct bucket_before *before)
{
    struct json_object *all CLEANUP_JS = tags_from_list(before->tags, "Key", "Value");
    struct json_object *added CLEANUP_JS = tags_added(diff, op->desired);

    if (!all || !added)
        return err_no_memory(op->err);
    js_each (added, key, value) {
        if (js_put_key(all, key, json_object_get(value)) < 0)
            return err_no_memory(op->err);
    }
    return put_tags(op, all);
}

static int update(struct kind_op *op, const struct diff *diff)
{
    struct bucket_before before CLEANUP(bucket_before_done) = {0};
    int r = read_before(op, diff, &before);

    if (r == 0)
        r = close_doors(op, diff);
    if (r == 0 && diff_has(diff, "server_side_encryption_configuration"))
        r = put_encryption(op, &before);
    if (r == 0 && diff_has(diff, "versioning"))
        r = put_versioning(op);
    if (r == 0)
        r = open_doors(op, diff);
    if (r == 0 && diff_has(diff, "tags"))
        r = update_tags(op, diff, &before);
    return r;
}

const struct kind aws_s3_bucket_kind = {
    .type = "aws_s3_bucket",
    .provider = PROVIDER_AWS,
    .flags = KIND_HOLDS_DATA,
    .doc = "An S3 bucket with versioning, encryption, public access block, ownership and policy.",
    .fields = fields,
    .attributes = attributes,
    .not_yet = not_yet,
    .pace =
        {.first_look_ms = 1000, .every_ms = 2000, .give_up_ms = 120000, .grace_ms = 120000, .usual_ms = 3000},
    .check = check,
    .normalise = normalise,
    .observe = aws_s3_bucket_observe,
    .create = create,
    .update = update,
    .remove = aws_s3_bucket_remove,
    .farewell = aws_s3_bucket_farewell,
};
