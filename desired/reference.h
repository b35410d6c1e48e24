/*
 * reference.h: ${...} inside strings: finding them, and putting values in.
 *
 * "${TYPE.NAME.ATTR}", "${TYPE.NAME["key"].ATTR}", "${credential.NAME}",
 * "${aws.zones.0}", "${github.oidc_subject_prefix}". "$${" is a literal "${".
 * A string that is one reference and nothing else takes the type of its value;
 * otherwise scalar values are put in as text. There are no functions.
 */
#ifndef MLOPSD_DESIRED_REFERENCE_H
#define MLOPSD_DESIRED_REFERENCE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/crypto.h"
#include "common/err.h"
#include "common/str.h"
#include "kinds/kind.h"

/** One reference inside a text. */
struct reference {
    char *text;      /* between the braces */
    char *address;   /* "aws_iam_role.x" or "aws_subnet.public[\"a\"]"; NULL for a built-in */
    char *attribute; /* dotted path behind it; for a built-in the whole text */
    size_t offset;   /* bytes from the start of the string to "${" */
    size_t length;   /* bytes from "${" up to and with "}" */
};
struct references {
    struct reference *items;
    size_t count;
};
/** Find all references of a string. 0, -EBADMSG with @err ("unclosed ${", "empty ${}"), -ENOMEM. */
int references_find(const char *text, struct references *ret, struct err *err);
void references_done(struct references *references);

/** Answers of a resolver. */
enum { RESOLVED = 0, RESOLVE_LATER = 1 };

/** Where values come from. Callbacks must not wait. */
struct resolver {
    void *data;
    /** RESOLVED with *ret owned; RESOLVE_LATER when it is known only after apply; negative with @err. */
    int (*value)(void *data, const struct reference *reference, struct json_object **ret, struct err *err);
    /** As value(), for references to sensitive attributes and credentials. */
    int (*secret)(void *data, const struct reference *reference, struct secret **ret, struct err *err);
    /** Keyed fingerprint; owned by the caller. */
    char *(*fingerprint)(void *data, const struct secret *value);
};

/**
 * Resolve a resource's body into a desired document (kinds/kind.h): references replaced, SECRET
 * fields replaced by {"secret": FINGERPRINT}, what is not known yet by {"unknown": "REFERENCE"}.
 * @ret_waiting  the references that were RESOLVE_LATER, unique; may be NULL.
 */
int resolve_body(const struct kind *kind, const char *body, const struct resolver *resolver,
                 struct json_object **ret, struct strv *ret_waiting, struct err *err);
/** Resolve any JSON value (outputs): as above without secrets. */
int resolve_value(struct json_object *value, const struct resolver *resolver, struct json_object **ret,
                  struct strv *ret_waiting, struct err *err);
/** Assemble the text of a secret in locked memory. RESOLVE_LATER is returned as it comes. */
int resolve_secret(const char *text, const struct resolver *resolver, struct secret **ret, struct err *err);
/** Does a document hold an {"unknown"} anywhere? In any of the natural key's fields? */
bool document_has_unknown(struct json_object *document);
bool document_key_known(const struct kind *kind, struct json_object *document);

#endif
