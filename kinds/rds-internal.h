/*
 * rds-internal.h: what the kinds of RDS have in common: how things are found by name, and how they are
 * tagged. For kinds/ alone.
 */
#ifndef MLOPSD_KINDS_RDS_INTERNAL_H
#define MLOPSD_KINDS_RDS_INTERNAL_H

#include "kinds/kind.h"

/** How the things of one kind are listed. */
struct rds_list {
    enum aws_op operation; /* AWS_RDS_DESCRIBE_DB_INSTANCES */
    const char *member;    /* their name, in requests and answers: "DBInstanceIdentifier" */
    const char *list;      /* "DBInstances" */
    const char *field;     /* their name in documents: "identifier" */
    const char *absent;    /* wire code: "DBInstanceNotFound" */
};

/**
 * May wait. All that there are, in one call; for a batch of one, that one by its name. *@ret is an owned
 * array, empty when the one is not there. 0, or negative with batch->err.
 */
int rds_describe(struct kind_batch *batch, const struct rds_list *list, struct json_object **ret);
/** The thing of @found that an item stands for, or NULL; RDS keeps names in lower case. Borrowed. */
struct json_object *rds_find(const struct rds_list *list, struct json_object *found,
                             const struct kind_item *item);
/** May wait. Put back the tags that the diff misses. */
int rds_put_tags(struct kind_op *op, const char *arn, const struct diff *diff);

#endif
