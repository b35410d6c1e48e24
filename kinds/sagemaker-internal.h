/*
 * sagemaker-internal.h: what SageMaker's kinds have in common: names, the settings of users, how domains
 * and profiles are looked at, and the work of users that stands in the way of a deletion. For kinds/
 * alone.
 */
#ifndef MLOPSD_KINDS_SAGEMAKER_INTERNAL_H
#define MLOPSD_KINDS_SAGEMAKER_INTERNAL_H

#include "kinds/kind.h"

/* ---- sagemaker_settings.c ---- */

/** Members of default_user_settings and user_settings. */
extern const struct field sagemaker_settings_fields[];

/* ---- sagemaker.c ---- */

#define SAGEMAKER_NAME "1 to 63 letters, digits and hyphens between them"
/** Field rows' accepts(): a name of that form, or a reference. */
bool sagemaker_accepts_name(const char *text);

/** The member of a description that takes the tags: for tagged_look. */
#define SAGEMAKER_TAGS "Tags"

/**
 * May wait. Add to the description in item->observed the tags that no common call brought, and report it
 * as present or settling. @arn: member with its ARN. @name: field that tells of a failed one. @id_of gives
 * the id to record, owned, from the description.
 */
void sagemaker_report(struct kind_batch *batch, struct kind_item *item, const char *arn, const char *name,
                      char *(*id_of)(struct json_object *answer));
/** May wait. Set the tags of a description, {KEY: VALUE}, unless they are there. 0 or negative with @err. */
int sagemaker_read_tags(struct kind_batch *batch, struct json_object *answer, const char *arn,
                        struct err *err);
/** May wait. Put back the tags that the diff misses. */
int sagemaker_put_tags(struct kind_op *op, const struct diff *diff);
/**
 * May wait. After a delete: 0 when @operation no longer finds it, else a failure that waits for @what to be
 * gone.
 */
int sagemaker_wait_gone(struct kind_op *op, enum aws_op operation, struct json_object *take_params,
                        const char *what);

/* ---- sagemaker_work.c ---- */

/**
 * May wait. 0 when nothing stands in the way of deleting a domain (@profile NULL) or a profile of it:
 * apps, spaces, and for a domain profiles of others. Else a failure: which names them, or, where the file
 * says force_destroy, which waits for their deletion.
 */
int sagemaker_clear_work(struct kind_op *op, const char *domain, const char *profile);

/**
 * May wait. Is there work of users in the domain, or of this user? Then it was said what becomes of it; also when it could
 * not be told.
 */
bool sagemaker_farewell_work(struct kind_batch *batch, const struct kind_item *item, const char *domain,
                             const char *profile, struct farewell *farewell);

#endif
