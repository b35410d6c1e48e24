/*
 * codec.h: parameters to a message, an answer to JSON. One file per family of
 * protocols; nothing here waits, signs or knows hosts.
 */
#ifndef MLOPSD_CLOUD_AWS_CODEC_H
#define MLOPSD_CLOUD_AWS_CODEC_H

#include <json-c/json.h>

#include "cloud/aws/operations.h"
#include "cloud/aws/shape.h"
#include "common/crypto.h"
#include "common/err.h"
#include "common/http.h"
#include "common/str.h"
#include "common/xml.h"

#define AWS_BODY_MAX  (4u << 20) /* bytes of a request body */
#define AWS_DEPTH_MAX 32         /* nesting of parameters and answers */

/** A request before it has a host and a signature. Release with aws_message_done(). */
struct aws_message {
    const char *method;  /* static */
    struct buf path;     /* encoded, begins with '/'; without the bucket when that goes into the host */
    struct buf query;    /* encoded, without '?' */
    struct strv headers; /* "Name: value" */
    struct buf body;
};
void aws_message_done(struct aws_message *message); /* wipes the body: it may hold a token */
#define CLEANUP_MESSAGE CLEANUP(aws_message_done)

/**
 * Fill @ret (zeroed). @params must be an object; members that are JSON null are
 * not sent. @bucket_in_host leaves "{Bucket}" out of the path.
 * -EINVAL with class ERR_BUG for parameters that the operation can not carry.
 */
int aws_encode(const struct aws_service_info *service, const struct aws_operation *operation,
               struct json_object *params, bool bucket_in_host, struct aws_message *ret, struct err *err);

/**
 * Put one more member into an encoded message of a JSON protocol or of query: a value that must not stand in
 * the parameters, which nobody wipes. The message's body is wiped when it goes. -EINVAL for a value that a form
 * can not carry.
 */
int aws_encode_secret(const struct aws_service_info *service, const char *member, const struct secret *value,
                      struct aws_message *message, struct err *err);

/**
 * Read a successful answer. -EBADMSG with ERR_BUG for what is no answer of this
 * operation; S3 may hide an error in a 200, which is -EREMOTEIO: ask aws_error_read().
 */
int aws_decode(const struct aws_service_info *service, const struct aws_operation *operation,
               const struct http_answer *answer, struct json_object **ret, struct err *err);

/* ---- between the codecs ---- */

int aws_encode_query(const struct aws_service_info *service, const struct aws_operation *operation,
                     struct json_object *params, struct aws_message *ret, struct err *err);
int aws_encode_query_secret(const char *member, const struct secret *value, struct aws_message *message,
                            struct err *err);
int aws_encode_json(const struct aws_service_info *service, const struct aws_operation *operation,
                    struct json_object *params, struct aws_message *ret, struct err *err);
int aws_encode_rest(const struct aws_service_info *service, const struct aws_operation *operation,
                    struct json_object *params, bool bucket_in_host, struct aws_message *ret,
                    struct err *err);

int aws_decode_query(const struct aws_service_info *service, const struct aws_operation *operation,
                     const struct http_answer *answer, struct json_object **ret, struct err *err);
int aws_decode_json(const struct http_answer *answer, struct json_object **ret, struct err *err);
int aws_decode_rest(const struct aws_service_info *service, const struct aws_operation *operation,
                    const struct http_answer *answer, struct json_object **ret, struct err *err);

/** One XML element with its children to a JSON object, by the shape of the operation's answer. Names in it may change. */
int aws_xml_to_json(const struct aws_service_info *service, const struct aws_operation *operation,
                    struct xml *element, struct json_object **ret, struct err *err);
/** The body of a rest-xml request: @value as <@name xmlns=...>. */
int aws_xml_write(const struct aws_service_info *service, const struct aws_operation *operation,
                  const char *name, struct json_object *value, struct buf *ret, struct err *err);
/** A copy of @params without the members that are null; owned. NULL without memory. */
struct json_object *aws_without_nulls(struct json_object *params);
/** The same to be read only: where nothing is null, as mostly, @params themselves. */
struct json_object *aws_given_params(struct json_object *params);

#endif
