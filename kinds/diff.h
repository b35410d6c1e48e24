/*
 * diff.h: what differs between what is wanted and what is there. Pure.
 */
#ifndef MLOPSD_KINDS_DIFF_H
#define MLOPSD_KINDS_DIFF_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/str.h"
#include "kinds/field.h"

struct kind;

enum diff_what { DIFF_CHANGED, DIFF_MISSING, DIFF_EXTRA, DIFF_WHAT_MAX };
const char *diff_what_name(enum diff_what what); /* "changed" */

enum severity { SEVERITY_NOTICE, SEVERITY_WARNING, SEVERITY_CRITICAL, SEVERITY_MAX };
const char *severity_name(enum severity severity); /* "critical" */

/** One declared field (or element of one) that is not as wanted. */
struct diff_entry {
    char *path; /* inline_policy["deploy"].policy, versioning.enabled, client_id_list["sts.amazonaws.com"] */
    enum diff_what what;
    char *element; /* under a SET or MAP: its text, or key; NULL elsewhere */
    char *desired,
        *observed; /* canonical JSON, NULL where there is none; "(sensitive)" and notes for secrets are JSON strings too */
    const struct field *field; /* the row of the innermost field; borrowed from the table */
    const struct field *top;   /* the row of the top-level field */
    enum severity severity;
    bool unknown_after; /* the desired side is known after apply */
    bool replaces;      /* it can not be changed in place */
    char *by;           /* who did it, as far as the service tells: "kubectl-edit at ..."; NULL elsewhere */
};

/**
 * Members of an observed FIELD_DOCUMENT, beside what is declared: {PATH: VALUE} of what is there and must go, and
 * {PATH: TEXT} of who changed what. Paths are those of the entries, below the field.
 */
#define DOCUMENT_EXTRA "mlopsd:extra"
#define DOCUMENT_BY    "mlopsd:by"

struct diff {
    struct diff_entry *entries;
    size_t count;
    bool replace; /* an immutable field differs */
};

/**
 * Compare declared fields only. Sets and policies by meaning; lists by order; maps: declared keys only
 * unless EXCLUSIVE; CREATE_ONCE, LOCAL and undeclared SERVER_DEFAULT fields never; a desired null of an
 * EXCLUSIVE or SECURITY field means "there must be none". Both documents are read only
 * (kind->normalise runs on copies). {"unknown"} on the desired side: unknown_after, counted as a difference
 * only where something is observed that could differ.
 * 0 with *ret filled (release with diff_done), or -ENOMEM / -EINVAL (ERR_BUG: a document that is no object).
 */
int diff_documents(const struct kind *kind, struct json_object *desired, struct json_object *observed,
                   struct diff *ret, struct err *err);
void diff_done(struct diff *diff);
/**
 * Deep copy of the entries for which @skip (one per entry; NULL = none) is false. 0 with *ret filled, or -ENOMEM
 * (nothing to release).
 */
int diff_copy(const struct diff *diff, const bool *skip, struct diff *ret);
#define CLEANUP_DIFF CLEANUP(diff_done)

/** Is anything under this top-level field different? */
bool diff_has(const struct diff *diff, const char *field);
/**
 * Walk the elements of a SET or MAP that must be added (missing or changed) / removed (extra).
 * Start with *cursor = 0; NULL ends. Returns the element's own text: the value of a set of
 * text, the key member of a set of objects, the key of a map. Borrowed from the diff.
 */
const char *diff_next_added(const struct diff *diff, const char *field, size_t *cursor);
const char *diff_next_removed(const struct diff *diff, const char *field, size_t *cursor);
/** Drop entries whose path is @path or lies under it (policy "ignore"). Recomputes replace. */
void diff_ignore(struct diff *diff, const char *path);

/** Do two IAM-style policy documents (objects or JSON text) mean the same? -EBADMSG when one is no policy. */
int policy_equal(struct json_object *a, struct json_object *b, bool *ret_equal, struct err *err);
/** Canonical form of a policy: equal meaning, equal bytes. Owned object. */
struct json_object *policy_canonical(struct json_object *policy, struct err *err);

#endif
