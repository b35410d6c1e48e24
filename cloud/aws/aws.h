/*
 * aws.h: AWS as the floors above see it: one client per account and Region,
 * one function per call, JSON in and JSON out.
 *
 * Parameters and answers have the shape that botocore's models give them
 * (member names as on the wire, lists as arrays, wrappers removed, S3 header
 * and body members side by side), whatever protocol carries them: query, ec2,
 * json, rest-json or rest-xml. All calls come from the table in operations.h.
 * Knows nothing of resource kinds or of state. Loop thread only.
 */
#ifndef MLOPSD_CLOUD_AWS_AWS_H
#define MLOPSD_CLOUD_AWS_AWS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "cloud/aws/operations.h"
#include "common/clock.h"
#include "common/crypto.h"
#include "common/err.h"
#include "common/fiber.h"
#include "common/http.h"
#include "common/str.h"

struct aws;

/** All texts are copied. Zero = the default. */
struct aws_options {
    struct http *http;     /* borrowed, must outlive the client */
    struct clock *clock;   /* borrowed */
    struct fibers *fibers; /* borrowed; one refresh of credentials serves all waiters */
    uv_loop_t *loop;       /* borrowed: its thread pool runs credential_process; NULL = that is refused */
    const char *region;    /* "us-east-1"; required */
    const char *profile;   /* named profile; NULL = the standard chain, AWS_PROFILE included */
    /**
     * Asked before the first attempt of every operation marked as a write, on the
     * calling fiber: 0 lets it pass; a negative errno with @err refuses it before
     * any byte leaves. NULL = all writes are refused.
     */
    int (*gate)(void *data, const struct aws_operation *operation, struct err *err);
    void *gate_data;
};

/** Reads no file and sends nothing yet. -EINVAL for a Region no partition knows. */
int aws_new(const struct aws_options *options, struct aws **ret, struct err *err);
struct aws *aws_free(struct aws *aws); /* no call may be in flight */

/** Partition, Region, and DNS suffix: "aws", "us-east-1", "amazonaws.com". Borrowed. */
const char *aws_region(const struct aws *aws);
const char *aws_partition(const struct aws *aws);
/** Partition of a Region by pattern, without a client; NULL when unknown. Static. */
const char *aws_partition_of(const char *region);

/**
 * May wait. Sign, send, retry what is safe, parse.
 *
 * Attempts: throttles, 5xx and lost connections are repeated with full jitter
 * within the service's adaptive budget; an operation that creates and carries no token is
 * repeated only when it surely was not executed (throttle, connection refused). Credentials and clock errors
 * are mended once and replayed.
 * Pages: operations with a pager are read to the end; a repeated token is an error. List members are joined.
 * Who names the (first) token member in @params, be it as JSON null, gets that one page only, tokens and all:
 * for lists too long to hold, as the versions of a bucket that is to be emptied.
 *
 * @params  borrowed; NULL = {}.
 * @token   idempotency token for operations that have a token member and none in @params; may be NULL (then a
 *          random one is made for this call).
 * @ret     owned; untouched on failure; may be NULL.
 * @err     code, class by aws-error table, wire_code ("NoSuchEntity"), request id. Text begins with the
 *          operation's name.
 */
int aws_call(struct aws *aws, enum aws_op op, struct json_object *params, const char *token,
             struct json_object **ret, struct err *err);

/**
 * May wait. As aws_call(), with one more member whose value never stands in the parameters: only in the
 * message, which is wiped. JSON protocols and query only.
 */
int aws_call_secret(struct aws *aws, enum aws_op op, struct json_object *params, const char *token,
                    const char *member, const struct secret *value, struct json_object **ret,
                    struct err *err);
/**
 * May wait. As aws_call() without a token, for a read whose answer holds a secret text: @member is taken out
 * of the answer and wiped there. *@ret_secret is NULL when the answer has no such text.
 */
int aws_read_secret(struct aws *aws, enum aws_op op, struct json_object *params, const char *member,
                    struct secret **ret_secret, struct json_object **ret, struct err *err);

/** One of several calls made together. Zero; fill op and params; release with aws_reads_done(). */
struct aws_read {
    enum aws_op op;
    struct json_object *params; /* owned by this struct */
    struct json_object *answer;
    struct err err;
    int result;
};
/** May wait: run all at once (at most @limit in flight, 0 = 8), wait for all. Reads only. 0 or -ECANCELED / -ENOMEM. */
int aws_read_all(struct aws *aws, struct aws_read *reads, size_t count, size_t limit);
void aws_reads_done(struct aws_read *reads, size_t count);

/**
 * May wait: whose credentials these are (sts GetCallerIdentity), cached until the identity behind
 * them changes. Texts are borrowed until the next call. Either may be NULL.
 */
int aws_identity(struct aws *aws, const char **ret_account, const char **ret_arn, struct err *err);

/**
 * Do its calls go to something that is not AWS: an endpoint that somebody configured outside of AWS's own domains, as a
 * local cloud for tests is? Such a one may keep a time of its own. Reads the files if that was not done yet.
 */
bool aws_is_stand_in(struct aws *aws);

/** Calls sent (attempts count) since the client was made, for budgets and status. */
uint64_t aws_calls_sent(const struct aws *aws);

/**
 * Presigned "GET ?Action=GetCallerIdentity" with extra signed headers ("x-k8s-aws-id: NAME"), as EKS wants it.
 * May wait (credentials). Owned by the caller; a bearer credential: treat as secret.
 */
int aws_presign_identity(struct aws *aws, const char *header_name, const char *header_value,
                         uint32_t expires_s, struct secret **ret, struct err *err);

#endif
