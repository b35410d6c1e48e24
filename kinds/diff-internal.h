/*
 * diff-internal.h: between the files of the diff: diff.c (documents and objects),
 * diff_set.c (lists, sets, maps), diff_value.c (single values), diff_path.c
 * (what lies under which path).
 */
#ifndef MLOPSD_KINDS_DIFF_INTERNAL_H
#define MLOPSD_KINDS_DIFF_INTERNAL_H

#include "kinds/diff.h"

/** A diff in the making. */
struct diff_run {
    struct diff diff;
    size_t capacity;
};

/** Where in the documents we are. All borrowed. */
struct diff_at {
    const struct field *field, *top;
    unsigned flags; /* the row's own, and what objects above it hand down */
    const char *path;
    const char *element; /* of the nearest SET or MAP */
    const char *by;      /* who is known to have changed it */
};

/** What an object's flags mean for all that is in it. */
#define DIFF_INHERITED (FIELD_SECURITY | FIELD_IMMUTABLE | FIELD_SENSITIVE)

/* All return 0, -ENOMEM, or -EINVAL for a document that can not be. */
int diff_add(struct diff_run *run, const struct diff_at *at, enum diff_what what, struct json_object *desired,
             struct json_object *observed);
int diff_value(struct diff_run *run, const struct diff_at *at, enum field_type type,
               struct json_object *desired, struct json_object *observed);
int diff_object(struct diff_run *run, const struct diff_at *at, struct json_object *desired,
                struct json_object *observed);
int diff_list(struct diff_run *run, const struct diff_at *at, struct json_object *desired,
              struct json_object *observed);
int diff_set(struct diff_run *run, const struct diff_at *at, struct json_object *desired,
             struct json_object *observed);
int diff_map(struct diff_run *run, const struct diff_at *at, struct json_object *desired,
             struct json_object *observed);
int diff_scalar(struct diff_run *run, const struct diff_at *at, enum field_type type,
                struct json_object *desired, struct json_object *observed);
int diff_policy(struct diff_run *run, const struct diff_at *at, struct json_object *desired,
                struct json_object *observed);
int diff_secret(struct diff_run *run, const struct diff_at *at, struct json_object *desired,
                struct json_object *observed);
/** A FIELD_DOCUMENT: its declared leaves, and what the kind says is there too much (diff_document.c). */
int diff_document(struct diff_run *run, const struct diff_at *at, struct json_object *desired,
                  struct json_object *observed);
/** There must be nothing here: whatever is observed is extra. */
int diff_nothing(struct diff_run *run, const struct diff_at *at, struct json_object *observed);

/** {"unknown": "..."}: known after apply. */
bool diff_is_unknown(struct json_object *value);
/** Is there one anywhere in it? */
bool diff_has_unknown(struct json_object *value);

/** Is @path the place @under or below it? tags.Name and tags["Name"] are the same place. */
bool diff_path_under(const char *path, const char *under);
/** PATH["element"]; owned; NULL without memory. */
char *diff_path_element(const char *path, const char *element);
/** PATH.member, or PATH["member"] where a dot or bracket in it would be misread; owned; NULL without memory. */
char *diff_path_member(const char *path, const char *member);

#endif
