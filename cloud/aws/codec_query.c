/*
 * codec_query.c: the query protocol and its EC2 variant: forms out, XML in.
 *
 * A parameter tree becomes "Tags.member.1.Key=k": lists count from 1, with a
 * wrapper name in query and without in ec2; an empty list is "Name=" in query,
 * which means "clear", and nothing in ec2.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "cloud/aws/codec.h"
#include "common/encode.h"
#include "common/js.h"

/* What the recursion carries along. */
struct form {
    const struct aws_service_info *service;
    const struct aws_operation *operation;
    struct buf *body;
    struct err *err;
};

static int form_value(struct form *form, const char *prefix, struct json_object *value, char type,
                      const char *item, int depth);

static int form_pair(struct form *form, const char *name, const char *value)
{
    char *encoded_name CLEANUP_FREE = encode_percent(name, false);
    char *encoded CLEANUP_FREE = encode_percent(value, false);
    int r;

    if (!encoded_name || !encoded)
        return err_no_memory(form->err);
    if (form->body->size > 0)
        buf_add_char(form->body, '&');
    buf_add_text(form->body, encoded_name);
    buf_add_char(form->body, '=');
    r = buf_add_text(form->body, encoded);
    sodium_memzero(encoded, strlen(encoded)); /* it may be a token */
    return r < 0 ? err_set(form->err, r, ERR_LIMIT, "the parameters are too long") : 0;
}

/* The member's name on the wire, and how its list is written. Owned by the caller. */
static char *wire_name(const struct form *form, const char *key, char *ret_type, char **ret_item)
{
    bool ec2 = form->service->protocol == AWS_EC2;
    struct aws_field field;
    char *name;

    *ret_type = ec2 ? 'f' : 'l';
    *ret_item = NULL;
    if (!aws_shape_by_name(form->operation->shape, key, &field)) {
        name = str_format("%s", key);
        if (name && ec2 && *name >= 'a' && *name <= 'z')
            *name = (char)(*name - 32);
        return name;
    }
    if (field.type == 'f' || field.type == 'l')
        *ret_type = field.type;
    if (field.item) {
        *ret_item = str_format("%.*s", (int)field.item_size, field.item);
        if (!*ret_item)
            return NULL;
    }
    return str_format("%.*s", (int)field.wire_size, field.wire);
}

static int form_member(struct form *form, const char *prefix, const char *key, struct json_object *value,
                       int depth)
{
    char *item CLEANUP_FREE = NULL;
    char *path CLEANUP_FREE = NULL;
    char *name CLEANUP_FREE = NULL;
    char type;

    name = wire_name(form, key, &type, &item);
    if (!name)
        return err_no_memory(form->err);
    path = *prefix ? str_format("%s.%s", prefix, name) : TAKE(name);
    if (!path)
        return err_no_memory(form->err);
    return form_value(form, path, value, type, item ? item : "member", depth);
}

static int form_object(struct form *form, const char *prefix, struct json_object *object, int depth)
{
    int r = 0;

    js_each (object, key, value) {
        if (value)
            r = form_member(form, prefix, key, value, depth + 1);
        if (r < 0)
            return r;
    }
    return 0;
}

static int form_list(struct form *form, const char *prefix, struct json_object *list, char type,
                     const char *item, int depth)
{
    size_t count = js_count(list, NULL);
    int r = 0;

    if (count == 0)
        return form->service->protocol == AWS_EC2 ? 0 : form_pair(form, prefix, "");
    for (size_t i = 0; r == 0 && i < count; i++) {
        char *path CLEANUP_FREE = type == 'f' ? str_format("%s.%zu", prefix, i + 1)
                                              : str_format("%s.%s.%zu", prefix, item, i + 1);

        if (!path)
            return err_no_memory(form->err);
        r = form_value(form, path, js_at(list, i), type, item, depth + 1);
    }
    return r;
}

static int form_scalar(struct form *form, const char *prefix, struct json_object *value)
{
    char *text CLEANUP_FREE = js_scalar_text(value);
    int r;

    if (!text)
        return err_no_memory(form->err);
    r = form_pair(form, prefix, text);
    sodium_memzero(text, strlen(text));
    return r;
}

static int form_value(struct form *form, const char *prefix, struct json_object *value, char type,
                      const char *item, int depth)
{
    if (depth > AWS_DEPTH_MAX)
        return err_set(form->err, -EINVAL, ERR_BUG, "the parameters are nested too deeply");
    switch (json_object_get_type(value)) {
    case json_type_object:
        return form_object(form, prefix, value, depth);
    case json_type_array:
        return form_list(form, prefix, value, type, item, depth);
    case json_type_null:
        return err_set(form->err, -EINVAL, ERR_BUG, "%s holds null", prefix);
    default:
        return form_scalar(form, prefix, value);
    }
}

int aws_encode_query(const struct aws_service_info *service, const struct aws_operation *operation,
                     struct json_object *params, struct aws_message *ret, struct err *err)
{
    struct form form = {.service = service, .operation = operation, .body = &ret->body, .err = err};

    ret->method = "POST";
    if (buf_add_text(&ret->path, "/") < 0 ||
        strv_add(&ret->headers, "Content-Type: application/x-www-form-urlencoded; charset=utf-8") < 0)
        return err_no_memory(err);
    if (buf_addf(&ret->body, "Action=%s&Version=%s", operation->name, service->version) < 0)
        return err_no_memory(err);
    return form_object(&form, "", params, 0);
}

int aws_encode_query_secret(const char *member, const struct secret *value, struct aws_message *message,
                            struct err *err)
{
    struct form form = {.body = &message->body, .err = err};

    if (strlen(secret_text(value)) != secret_size(value))
        return err_set(err, -EINVAL, ERR_INVALID, "%s holds a NUL, which no form can carry", member);
    return form_pair(&form, member, secret_text(value));
}

/* <XResponse><XResult>...: the element that holds the members, or NULL. */
static struct xml *result_element(const struct aws_operation *operation, const struct xml *root)
{
    size_t size = strlen(operation->name);

    xml_each (root, child) {
        if (strncmp(child->name, operation->name, size) == 0 && strcmp(child->name + size, "Result") == 0)
            return child;
    }
    return NULL;
}

static bool root_fits(const struct aws_operation *operation, const struct xml *root)
{
    size_t size = strlen(operation->name);

    return strncmp(root->name, operation->name, size) == 0 && strcmp(root->name + size, "Response") == 0;
}

/* Keys in the tree do not outlive it. Trees have a bounded depth. */
static void wipe(struct xml *node)
{
    sodium_memzero(node->text, strlen(node->text));
    xml_each (node, child)
        wipe(child);
}

static int decode_root(const struct aws_service_info *service, const struct aws_operation *operation,
                       struct xml *root, struct json_object **ret, struct err *err)
{
    struct xml *holder;

    if (!root_fits(operation, root))
        return err_set(err, -EBADMSG, ERR_BUG, "the answer is <%.100s>, not <%sResponse>", root->name,
                       operation->name);
    holder = service->protocol == AWS_EC2 ? root : result_element(operation, root);
    if (holder)
        return aws_xml_to_json(service, operation, holder, ret, err);
    if (operation->result)
        return err_set(err, -EBADMSG, ERR_BUG, "the answer holds no <%sResult>", operation->name);
    *ret = json_object_new_object();
    return *ret ? 0 : err_no_memory(err);
}

int aws_decode_query(const struct aws_service_info *service, const struct aws_operation *operation,
                     const struct http_answer *answer, struct json_object **ret, struct err *err)
{
    struct xml *root CLEANUP_XML = NULL;
    int r;

    r = xml_parse(answer->body, answer->body_size, &root, err);
    if (r < 0)
        return err_wrap(err, r, "the answer can not be read");
    r = decode_root(service, operation, root, ret, err);
    if (operation->secret)
        wipe(root);
    return r;
}
