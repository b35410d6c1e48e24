/*
 * aws_s3_bucket-internal.h: between the files of the bucket: aws_s3_bucket.c (rows,
 * create, update), aws_s3_bucket_look.c, aws_s3_bucket_remove.c.
 */
#ifndef MLOPSD_KINDS_AWS_S3_BUCKET_INTERNAL_H
#define MLOPSD_KINDS_AWS_S3_BUCKET_INTERNAL_H

#include "kinds/kind.h"

int aws_s3_bucket_observe(struct kind_batch *batch);
int aws_s3_bucket_remove(struct kind_op *op);
void aws_s3_bucket_farewell(struct kind_batch *batch, struct kind_item *item, struct farewell *farewell);

/**
 * {"Bucket", "ExpectedBucketOwner"}: no call may ever reach somebody else's bucket. May wait. NULL
 * with @err.
 */
struct json_object *aws_s3_bucket_params(struct aws *aws, const char *bucket, struct err *err);
/** op_aws(); where @take_params is NULL, op->err says why there are none. */
int aws_s3_bucket_send(struct kind_op *op, enum aws_op operation, struct json_object *take_params,
                       struct json_object **ret);
/** Set arn, bucket_domain_name, ... of a bucket into an object. */
void aws_s3_bucket_attributes(struct aws *aws, const char *bucket, struct json_object **document);

#endif
