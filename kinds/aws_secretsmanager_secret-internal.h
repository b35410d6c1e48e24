/*
 * aws_secretsmanager_secret-internal.h: what the two files of this kind share: its notes.
 *
 * The value is not read in each look. Every write of it has a version id of its own, and the
 * notes say which version mlopsd knows, with the keyed fingerprint of its value:
 *
 *   notes: {"version", "fp", "foreign", "recovery_window_in_days"}
 *     version   the version whose value is known
 *     fp        keyed fingerprint of that value; null for a value that is no text
 *     foreign   someone else wrote it
 *
 * While AWSCURRENT stands at that version, nothing is read. When it stands elsewhere, the value is
 * read once, compared, and noted.
 */
#ifndef MLOPSD_KINDS_AWS_SECRETSMANAGER_SECRET_INTERNAL_H
#define MLOPSD_KINDS_AWS_SECRETSMANAGER_SECRET_INTERNAL_H

#include "kinds/kind.h"

#define SECRET_RECOVERY_DAYS 7 /* where nothing else is said */

struct value_notes {
    const char *version; /* borrowed from the memory; NULL = none is known */
    const char *fp;
    bool foreign;
    int64_t recovery_days;
};
struct value_notes value_notes_read(struct json_object *memory);
/** Owned; NULL without memory. */
struct json_object *value_notes_write(const struct value_notes *notes);

int aws_secretsmanager_secret_observe(struct kind_batch *batch);

#endif
