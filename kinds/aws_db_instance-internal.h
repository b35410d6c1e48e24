/*
 * aws_db_instance-internal.h: between the files of this kind: what state an instance is in, and the notes.
 *
 * RDS never gives a password back. The notes say which one mlopsd set last, and in which instance; nothing
 * tells of a password that somebody else sets afterwards. What a deletion needs is noted too, since it comes when nothing is
 * declared any more:
 *
 *   notes: {"fp", "resource_id", "skip_final_snapshot", "final_snapshot_identifier", "delete_automated_backups"}
 *     fp           keyed fingerprint of the password last set
 *     resource_id  the instance that has it: another one may come to bear the same identifier
 */
#ifndef MLOPSD_KINDS_AWS_DB_INSTANCE_INTERNAL_H
#define MLOPSD_KINDS_AWS_DB_INSTANCE_INTERNAL_H

#include "kinds/kind.h"
#include "kinds/rds-internal.h"

enum instance_state {
    INSTANCE_STEADY,
    INSTANCE_PASSING, /* something goes on that ends by itself; also every word that we do not know */
    INSTANCE_DELETING,
    INSTANCE_STOPPED,
    INSTANCE_FAILED, /* somebody has to help */
};
/** Of a DBInstanceStatus. */
enum instance_state aws_db_instance_state(const char *status);

extern const struct rds_list aws_db_instance_list;

/** Owned; NULL without memory. @settings: the document or the notes that hold what a deletion needs. */
struct json_object *aws_db_instance_notes(const char *fp, const char *resource_id,
                                          struct json_object *settings);

int aws_db_instance_observe(struct kind_batch *batch);
int aws_db_instance_remove(struct kind_op *op);
void aws_db_instance_farewell(struct kind_batch *batch, struct kind_item *item, struct farewell *farewell);

/* ---- aws_db_instance_fields.c ---- */

extern const struct field aws_db_instance_fields[];
extern const struct attribute aws_db_instance_attributes[];
void aws_db_instance_check(struct kind_check *check);
void aws_db_instance_normalise(struct json_object *desired, struct json_object *observed);

#endif
