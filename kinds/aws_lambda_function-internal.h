/*
 * aws_lambda_function-internal.h: what the files of this kind share.
 *
 * Code is compared by what the notes say of the last upload, so that no pass builds a zip:
 *
 *   notes: {"digest", "sha256"}
 *     digest   of the source's names and contents when it was uploaded
 *     sha256   CodeSha256 that the service gave to that upload
 */
#ifndef MLOPSD_KINDS_AWS_LAMBDA_FUNCTION_INTERNAL_H
#define MLOPSD_KINDS_AWS_LAMBDA_FUNCTION_INTERNAL_H

#include "kinds/kind.h"

/** The folder or file that is declared; borrowed; NULL when none is. */
const char *lambda_source(struct json_object *document);
/** The source's digest, its zip as base64 (@ret_zip may be NULL), and the zip's own digest as CodeSha256 has it. All owned. */
int lambda_package(const char *source, char **ret_digest, char **ret_zip, char **ret_sha256, struct err *err);
/** Notes of an upload; owned; NULL without memory. */
struct json_object *lambda_notes(const char *digest, const char *sha256);

/** Is an answer's function still taking what it was given? */
bool lambda_in_transit(struct json_object *configuration);
/** The statements of a resource policy as "permission" has them; owned; NULL without memory. */
struct json_object *lambda_permissions(const char *policy_text);

int aws_lambda_function_observe(struct kind_batch *batch);

/* ---- aws_lambda_function_fields.c ---- */

extern const struct field aws_lambda_function_fields[];
extern const struct attribute aws_lambda_function_attributes[];
extern const struct field lambda_permission_fields[];
void aws_lambda_function_check(struct kind_check *check);

#endif
