/*
 * codec_rest.c: rest-json and rest-xml: parameters spread over path, query,
 * headers and body, and gathered again from headers and body.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "cloud/aws/codec.h"
#include "common/crypto.h"
#include "common/encode.h"
#include "common/js.h"
#include "common/utf8.h"

struct rest {
    const struct aws_service_info *service;
    const struct aws_operation *operation;
    struct json_object *params;
    struct json_object *left; /* what no other place carries: the body of rest-json */
    struct aws_message *message;
    struct err *err;
};

/* Text of a scalar parameter; owned. NULL with @rest->err filled. */
static char *scalar(const struct rest *rest, const char *name, struct json_object *value)
{
    char *text;

    if (json_object_is_type(value, json_type_object) || json_object_is_type(value, json_type_array)) {
        err_set(rest->err, -EINVAL, ERR_BUG, "%s must be a single value", name);
        return NULL;
    }
    text = js_scalar_text(value);
    if (!text)
        err_no_memory(rest->err);
    return text;
}

/* ---- path ---- */

static int label_add(struct rest *rest, const char *name, bool greedy)
{
    struct json_object *value = NULL;
    char *encoded CLEANUP_FREE = NULL;
    char *text CLEANUP_FREE = NULL;

    if (!json_object_object_get_ex(rest->params, name, &value))
        return err_set(rest->err, -EINVAL, ERR_BUG, "%s is missing", name);
    json_object_object_del(rest->left, name);
    text = scalar(rest, name, value);
    if (!text)
        return -EINVAL;
    if (!*text) /* the path would name something else: the list instead of the item */
        return err_set(rest->err, -EINVAL, ERR_BUG, "%s is empty", name);
    if (!greedy && (strcmp(text, ".") == 0 || strcmp(text, "..") == 0))
        return err_set(rest->err, -EINVAL, ERR_INVALID, "%s can not be \"%s\"", name, text);
    encoded = encode_percent(text, greedy);
    return encoded && buf_add_text(&rest->message->path, encoded) == 0 ? 0 : err_no_memory(rest->err);
}

/* Expand one "{Name}" or "{Name+}" at *@template and step over it. */
static int label_expand(struct rest *rest, const char **template)
{
    const char *start = *template + 1;
    size_t size = strcspn(start, "}+");
    bool greedy = start[size] == '+';
    char name[AWS_NAME_MAX];

    assert(size < sizeof name && start[size] != '\0');
    memcpy(name, start, size);
    name[size] = '\0';
    *template = start + size + (greedy ? 2 : 1);
    return label_add(rest, name, greedy);
}

static int path_build(struct rest *rest, bool bucket_in_host)
{
    static const char bucket[] = "/{Bucket}";
    const char *template = rest->operation->path;
    int r = 0;

    if (bucket_in_host && strncmp(template, bucket, strlen(bucket)) == 0) {
        template += strlen(bucket);
        json_object_object_del(rest->left, "Bucket");
    }
    while (r == 0 && *template && *template != '?') {
        if (*template == '{')
            r = label_expand(rest, &template);
        else
            r = buf_add_char(&rest->message->path, *template ++);
    }
    if (r == 0 && rest->message->path.size == 0)
        r = buf_add_char(&rest->message->path, '/');
    if (r == 0 && *template == '?')
        r = buf_add_text(&rest->message->query, template + 1);
    return r;
}

/* ---- query ---- */

static int query_pair(struct rest *rest, const struct aws_field *field, const char *name,
                      struct json_object *value)
{
    struct buf *query = &rest->message->query;
    char *encoded CLEANUP_FREE = NULL;
    char *text CLEANUP_FREE = scalar(rest, name, value);

    if (!text)
        return -EINVAL;
    encoded = encode_percent(text, false);
    if (!encoded)
        return err_no_memory(rest->err);
    if (query->size > 0)
        buf_add_char(query, '&');
    buf_add(query, field->wire, field->wire_size);
    buf_add_char(query, '=');
    if (buf_add_text(query, encoded) < 0)
        return err_set(rest->err, query->failed, ERR_LIMIT, "the query is too long");
    return 0;
}

/* Lists repeat the key. */
static int query_member(struct rest *rest, const struct aws_field *field, const char *name,
                        struct json_object *value)
{
    size_t count = js_count(value, NULL);
    int r = 0;

    if (!json_object_is_type(value, json_type_array))
        return query_pair(rest, field, name, value);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = query_pair(rest, field, name, js_at(value, i));
    return r;
}

/* ---- headers ---- */

static int header_member(struct rest *rest, const struct aws_field *field, const char *name,
                         struct json_object *value)
{
    char *text CLEANUP_FREE = scalar(rest, name, value);

    if (!text)
        return -EINVAL;
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return err_set(rest->err, -EINVAL, ERR_INVALID, "%s holds a control character", name);
    }
    if (strv_addf(&rest->message->headers, "%.*s: %s", (int)field->wire_size, field->wire, text) < 0)
        return err_no_memory(rest->err);
    return 0;
}

/* Hand every member named in @shape that is there to @place. */
static int spread(struct rest *rest, const char *shape,
                  int (*place)(struct rest *, const struct aws_field *, const char *, struct json_object *))
{
    struct aws_field field;
    int r = 0;

    while (r == 0 && aws_shape_next(&shape, &field)) {
        struct json_object *value = NULL;
        char space[AWS_NAME_MAX];
        const char *name = aws_field_name(&field, space);

        if (!json_object_object_get_ex(rest->params, name, &value))
            continue;
        json_object_object_del(rest->left, name);
        r = place(rest, &field, name, value);
    }
    return r;
}

/* ---- body ---- */

static int body_add(struct rest *rest, const char *text, const char *content_type)
{
    if (buf_add_text(&rest->message->body, text) < 0)
        return err_set(rest->err, rest->message->body.failed, ERR_LIMIT, "the parameters are too long");
    if (strv_addf(&rest->message->headers, "Content-Type: %s", content_type) < 0)
        return err_no_memory(rest->err);
    return 0;
}

static int body_json(struct rest *rest, struct json_object *value)
{
    char *text CLEANUP_FREE = js_canonical(value);

    return text ? body_add(rest, text, "application/json") : err_no_memory(rest->err);
}

static int body_xml(struct rest *rest, const char *name, struct json_object *value)
{
    int r;

    if (json_object_is_type(value, json_type_string)) /* a policy: the text is the body */
        return body_add(rest, json_object_get_string(value), "application/octet-stream");
    r = aws_xml_write(rest->service, rest->operation, name, value, &rest->message->body, rest->err);
    if (r < 0)
        return r;
    return body_add(rest, "", "application/xml");
}

static int payload_build(struct rest *rest)
{
    const char *name = rest->operation->payload;
    struct json_object *value = NULL;

    if (!json_object_object_get_ex(rest->params, name, &value))
        return 0;
    json_object_object_del(rest->left, name);
    return rest->service->protocol == AWS_REST_XML ? body_xml(rest, name, value) : body_json(rest, value);
}

static int body_build(struct rest *rest)
{
    bool has_body = strcmp(rest->message->method, "GET") != 0 && strcmp(rest->message->method, "HEAD") != 0 &&
                    strcmp(rest->message->method, "DELETE") != 0;
    int r = rest->operation->payload ? payload_build(rest) : 0;

    if (r < 0)
        return r;
    if (rest->service->protocol == AWS_REST_JSON && !rest->operation->payload &&
        (has_body || json_object_object_length(rest->left) > 0))
        return body_json(rest, rest->left);
    js_each (rest->left, key, value) {
        (void)value; /* the name alone says what is wrong */
        return err_set(rest->err, -EINVAL, ERR_BUG, "unknown parameter %s", key);
    }
    return 0;
}

/* The digest S3 asks for; the same bytes are hashed for the signature anyway. */
static int checksum_add(struct rest *rest)
{
    unsigned char digest[DIGEST_SIZE];
    const struct buf *body = &rest->message->body;
    char *text CLEANUP_FREE = NULL;

    digest_sha256(buf_text(body), body->size, digest);
    text = encode_base64(digest, sizeof digest);
    if (!text || strv_add(&rest->message->headers, "x-amz-sdk-checksum-algorithm: SHA256") < 0 ||
        strv_addf(&rest->message->headers, "x-amz-checksum-sha256: %s", text) < 0)
        return err_no_memory(rest->err);
    return 0;
}

int aws_encode_rest(const struct aws_service_info *service, const struct aws_operation *operation,
                    struct json_object *params, bool bucket_in_host, struct aws_message *ret, struct err *err)
{
    struct json_object *left CLEANUP_JS = aws_without_nulls(params);
    struct rest rest = {.service = service,
                        .operation = operation,
                        .params = params,
                        .left = left,
                        .message = ret,
                        .err = err};
    int r;

    if (!left)
        return err_no_memory(err);
    ret->method = operation->method;
    r = path_build(&rest, bucket_in_host);
    if (r == 0)
        r = spread(&rest, operation->query, query_member);
    if (r == 0)
        r = spread(&rest, operation->headers, header_member);
    if (r == 0)
        r = body_build(&rest);
    if (r == 0 && operation->checksum)
        r = checksum_add(&rest);
    return r;
}

/* ---- answers ---- */

static int gather_headers(const struct aws_operation *operation, const struct http_answer *answer,
                          struct json_object *into, struct err *err)
{
    const char *shape = operation->answer_headers;
    struct aws_field field;

    while (aws_shape_next(&shape, &field)) {
        char *wire CLEANUP_FREE = str_format("%.*s", (int)field.wire_size, field.wire);
        const char *value = wire ? http_answer_header(answer, wire) : NULL;
        struct json_object *made;
        char space[AWS_NAME_MAX];

        if (!wire)
            return err_no_memory(err);
        if (!value)
            continue;
        made = field.type == 'b' ? json_object_new_boolean(str_equal_nocase(value, "true"))
                                 : json_object_new_string(value);
        if (!made || js_put_key(into, aws_field_name(&field, space), made) < 0)
            return err_no_memory(err);
    }
    return 0;
}

static int root_check(const struct aws_operation *operation, const struct xml *root, struct err *err)
{
    if (strcmp(root->name, "Error") == 0 && !str_equal(operation->answer_root, "Error"))
        return err_set(err, -EREMOTEIO, ERR_RETRY, "an error in place of the answer");
    /* the root's name says nothing in this protocol but whose answer it is: some servers name it after the operation */
    if (operation->answer_root && strcmp(root->name, operation->answer_root) != 0 &&
        !str_starts(root->name, operation->name))
        return err_set(err, -EBADMSG, ERR_BUG, "the answer is <%.100s>, not <%s>", root->name,
                       operation->answer_root);
    return 0;
}

/* Move the members of @from into @into. */
static int merge(struct json_object *into, struct json_object *from, struct err *err)
{
    js_each (from, key, value) {
        if (js_put_key(into, key, json_object_get(value)) < 0)
            return err_no_memory(err);
    }
    return 0;
}

static int place_body(const struct aws_operation *operation, struct json_object *body,
                      struct json_object *into, struct err *err)
{
    if (!operation->answer_payload)
        return merge(into, body, err);
    if (js_put_key(into, operation->answer_payload, json_object_get(body)) < 0)
        return err_no_memory(err);
    return 0;
}

static int gather_xml(const struct aws_service_info *service, const struct aws_operation *operation,
                      const struct http_answer *answer, struct json_object *into, struct err *err)
{
    struct json_object *body CLEANUP_JS = NULL;
    struct xml *root CLEANUP_XML = NULL;
    int r;

    /* Operations without a declared root answer with headers alone; a body may still carry an error. */
    if (!operation->answer_root && answer->body[strspn(answer->body, " \t\r\n")] != '<')
        return 0;
    r = xml_parse(answer->body, answer->body_size, &root, err);
    if (r < 0)
        return err_wrap(err, r, "the answer can not be read");
    r = root_check(operation, root, err);
    if (r < 0 || !operation->answer_root)
        return r;
    r = aws_xml_to_json(service, operation, root, &body, err);
    return r < 0 ? r : place_body(operation, body, into, err);
}

static int gather_json(const struct aws_operation *operation, const struct http_answer *answer,
                       struct json_object *into, struct err *err)
{
    struct json_object *body CLEANUP_JS = NULL;
    int r;

    if (answer->body_size == 0 && answer->status == 204)
        return 0;
    if (answer->body_size == 0 && operation->access == AWS_WRITE)
        return 0;
    r = aws_decode_json(answer, &body, err);
    return r < 0 ? r : place_body(operation, body, into, err);
}

/* The body itself is the member: S3's bucket policy. */
static int gather_text(const struct aws_operation *operation, const struct http_answer *answer,
                       struct json_object *into, struct err *err)
{
    if (answer->body_size == 0 || memchr(answer->body, '\0', answer->body_size) ||
        !utf8_valid(answer->body, answer->body_size, NULL))
        return err_set(err, -EBADMSG, ERR_BUG, "the answer is no text");
    if (answer->body[strspn(answer->body, " \t\r\n")] == '<')
        return err_set(err, -EREMOTEIO, ERR_RETRY, "an error in place of the answer");
    if (js_set_text(into, operation->answer_payload, answer->body) < 0)
        return err_no_memory(err);
    return 0;
}

int aws_decode_rest(const struct aws_service_info *service, const struct aws_operation *operation,
                    const struct http_answer *answer, struct json_object **ret, struct err *err)
{
    struct json_object *made CLEANUP_JS = json_object_new_object();
    int r;

    if (!made)
        return err_no_memory(err);
    r = gather_headers(operation, answer, made, err);
    if (r < 0)
        return r;
    if (service->protocol == AWS_REST_JSON)
        r = gather_json(operation, answer, made, err);
    else if (operation->answer_payload && !operation->answer_root)
        r = gather_text(operation, answer, made, err);
    else if (strcmp(operation->method, "HEAD") != 0)
        r = gather_xml(service, operation, answer, made, err);
    if (r < 0)
        return r;
    *ret = TAKE(made);
    return 0;
}
