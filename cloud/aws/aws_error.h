/*
 * aws_error.h: an answer that is a refusal, as a struct err: the service's own
 * code, one class, one line for people.
 */
#ifndef MLOPSD_CLOUD_AWS_AWS_ERROR_H
#define MLOPSD_CLOUD_AWS_AWS_ERROR_H

#include <stdbool.h>

#include "cloud/aws/operations.h"
#include "common/err.h"
#include "common/http.h"

/**
 * Fill @err from an answer with a status of 300 or more (or from S3's error inside a 200).
 * @region  ours, for the message about a bucket elsewhere; may be NULL.
 * Return err->code. The text begins with the operation's name.
 */
int aws_error_read(const struct aws_service_info *service, const struct aws_operation *operation,
                   const struct http_answer *answer, const char *region, struct err *err);

/** Class of a wire code; false for a code the table does not know. */
bool aws_error_class(const char *code, enum err_class *ret);

/** These answers can mean that our clock is wrong: worth a look at the Date header. */
bool aws_error_may_be_clock(const char *code);
/** These answers say that the keys are used up or unknown: worth fresh ones. */
bool aws_error_is_credentials(const char *code);

/** The service's id for a call; NULL when it gave none. Borrowed. */
const char *aws_request_id(const struct http_answer *answer);

#endif
