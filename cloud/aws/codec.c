/*
 * codec.c: the switch between the protocols, and JSON messages, which are
 * hardly more than the parameters themselves.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "cloud/aws/codec.h"
#include "common/js.h"

void aws_message_done(struct aws_message *message)
{
    buf_done(&message->path);
    buf_done(&message->query);
    strv_done(&message->headers);
    buf_wipe(&message->body);
}

struct json_object *aws_without_nulls(struct json_object *params)
{
    struct json_object *copy = json_object_new_object();

    if (!copy || !params)
        return copy;
    js_each (params, key, value) {
        if (!value)
            continue;
        if (js_put_key(copy, key, json_object_get(value)) < 0) {
            json_object_put(copy);
            return NULL;
        }
    }
    return copy;
}

struct json_object *aws_given_params(struct json_object *params)
{
    if (!params)
        return json_object_new_object();
    js_each (params, key, value) {
        (void)key;
        if (!value)
            return aws_without_nulls(params);
    }
    return json_object_get(params);
}

static int encode(const struct aws_service_info *service, const struct aws_operation *operation,
                  struct json_object *params, bool bucket_in_host, struct aws_message *ret, struct err *err)
{
    switch (service->protocol) {
    case AWS_QUERY:
    case AWS_EC2:
        return aws_encode_query(service, operation, params, ret, err);
    case AWS_JSON:
        return aws_encode_json(service, operation, params, ret, err);
    case AWS_REST_JSON:
    case AWS_REST_XML:
        return aws_encode_rest(service, operation, params, bucket_in_host, ret, err);
    case AWS_PROTOCOL_MAX:
        break;
    }
    assert(!"a protocol of the table");
    return -EINVAL;
}

int aws_encode(const struct aws_service_info *service, const struct aws_operation *operation,
               struct json_object *params, bool bucket_in_host, struct aws_message *ret, struct err *err)
{
    struct json_object *given CLEANUP_JS = NULL;

    if (params && !json_object_is_type(params, json_type_object))
        return err_set(err, -EINVAL, ERR_BUG, "the parameters are no object");
    given = aws_given_params(params);
    if (!given)
        return err_no_memory(err);
    *ret = (struct aws_message){
        .path = BUF_INIT(AWS_BODY_MAX), .query = BUF_INIT(AWS_BODY_MAX), .body = BUF_INIT(AWS_BODY_MAX)};
    return encode(service, operation, given, bucket_in_host, ret, err);
}

int aws_encode_secret(const struct aws_service_info *service, const char *member, const struct secret *value,
                      struct aws_message *message, struct err *err)
{
    struct buf *body = &message->body;

    if (service->protocol == AWS_QUERY)
        return aws_encode_query_secret(member, value, message, err);
    assert(service->protocol == AWS_JSON || service->protocol == AWS_REST_JSON);
    assert(body->size >= 2 && body->data[body->size - 1] == '}');
    body->data[--body->size] = '\0';
    if (body->size > 1)
        (void)buf_add_char(body, ','); /* a failed buffer stays failed: the last step tells */
    js_write_string(body, member, strlen(member));
    (void)buf_add_char(body, ':');
    js_write_string(body, secret_text(value), secret_size(value));
    if (buf_add_char(body, '}') < 0)
        return err_set(err, body->failed, ERR_LIMIT, "%s is too long", member);
    return 0;
}

/** A write that has nothing to tell (DeleteRule) is answered with an empty body; a read never is. */
static int decode_nothing(struct json_object **ret, struct err *err)
{
    struct json_object *nothing = json_object_new_object();

    if (!nothing)
        return err_no_memory(err);
    *ret = nothing;
    return 0;
}

int aws_decode(const struct aws_service_info *service, const struct aws_operation *operation,
               const struct http_answer *answer, struct json_object **ret, struct err *err)
{
    switch (service->protocol) {
    case AWS_QUERY:
    case AWS_EC2:
        return aws_decode_query(service, operation, answer, ret, err);
    case AWS_JSON:
        if (answer->body_size == 0 && operation->access == AWS_WRITE)
            return decode_nothing(ret, err);
        return aws_decode_json(answer, ret, err);
    case AWS_REST_JSON:
    case AWS_REST_XML:
        return aws_decode_rest(service, operation, answer, ret, err);
    case AWS_PROTOCOL_MAX:
        break;
    }
    assert(!"a protocol of the table");
    return -EINVAL;
}

int aws_encode_json(const struct aws_service_info *service, const struct aws_operation *operation,
                    struct json_object *params, struct aws_message *ret, struct err *err)
{
    char *text CLEANUP_FREE = js_canonical(params);

    ret->method = "POST";
    if (!text || buf_add_text(&ret->path, "/") < 0 ||
        strv_add(&ret->headers, "Content-Type: application/x-amz-json-1.1") < 0 ||
        strv_addf(&ret->headers, "X-Amz-Target: %s.%s", service->target, operation->name) < 0)
        return err_no_memory(err);
    if (buf_add_text(&ret->body, text) < 0)
        return err_set(err, ret->body.failed, ERR_LIMIT, "the parameters are too long");
    return 0;
}

int aws_decode_json(const struct http_answer *answer, struct json_object **ret, struct err *err)
{
    struct json_object *body CLEANUP_JS = NULL;
    int r;

    r = js_parse(answer->body, answer->body_size, &body, err);
    if (r < 0)
        return err_wrap(err, r, "the answer can not be read");
    if (!json_object_is_type(body, json_type_object))
        return err_set(err, -EBADMSG, ERR_BUG, "the answer is %s, not an object", js_type_name(body));
    *ret = TAKE(body);
    return 0;
}
