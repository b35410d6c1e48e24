/*
 * codec_xml.c: XML elements to JSON and back, by the shapes of operations.h.
 *
 * Reading is lenient about what it does not know (unknown elements become
 * members of their own name; a number that is none stays text) and makes no
 * absence of an error: whoever calls has checked the root element.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "cloud/aws/codec.h"
#include "common/encode.h"
#include "common/js.h"

struct reader {
    const struct aws_service_info *service;
    struct aws_shape_index shape;
    struct err *err;
};

static int read_object(struct reader *reader, struct xml *element, int depth, struct json_object **ret);

static struct json_object *read_document(const char *text)
{
    struct json_object *made;
    char *decoded;

    /* A document that already looks like JSON was not encoded: "%20" in it is its own. */
    if (text[strspn(text, " \t\r\n")] == '{' || text[strspn(text, " \t\r\n")] == '[')
        return json_object_new_string(text);
    decoded = decode_percent(text);
    if (!decoded)
        return NULL;
    made = json_object_new_string(decoded);
    free(decoded);
    return made;
}

static struct json_object *read_scalar(const char *text, char type)
{
    long long number;

    if (type == 'i' && str_to_int64(text, INT64_MIN, INT64_MAX, &number) == 0)
        return json_object_new_int64(number);
    if (type == 'b' && str_equal_nocase(text, "true"))
        return json_object_new_boolean(true);
    if (type == 'b' && str_equal_nocase(text, "false"))
        return json_object_new_boolean(false);
    if (type == 'd')
        return read_document(text);
    return json_object_new_string(text);
}

static int read_list(struct reader *reader, struct xml *element, int depth, struct json_object **ret);

static int read_value(struct reader *reader, struct xml *element, char type, int depth,
                      struct json_object **ret)
{
    if (depth > AWS_DEPTH_MAX)
        return err_set(reader->err, -EBADMSG, ERR_BUG, "the answer is nested too deeply");
    if (type == 'l')
        return read_list(reader, element, depth, ret);
    if (element->children || type == 's')
        return read_object(reader, element, depth, ret);
    *ret = read_scalar(element->text, type);
    return *ret ? 0 : err_no_memory(reader->err);
}

static int read_list(struct reader *reader, struct xml *element, int depth, struct json_object **ret)
{
    struct json_object *list CLEANUP_JS = json_object_new_array();
    int r;

    if (!list)
        return err_no_memory(reader->err);
    xml_each (element, child) {
        struct json_object *item = NULL;

        r = read_value(reader, child, 't', depth + 1, &item);
        if (r < 0)
            return r;
        if (json_object_array_add(list, item) < 0) {
            json_object_put(item);
            return err_no_memory(reader->err);
        }
    }
    *ret = TAKE(list);
    return 0;
}

/* Append to the array @name of @object, which is made when missing. Takes @take_item. */
static int append_flat(struct json_object *object, const char *name, struct json_object *take_item)
{
    struct json_object *list;

    if (!json_object_object_get_ex(object, name, &list) || !json_object_is_type(list, json_type_array)) {
        list = json_object_new_array();
        if (!list || js_put_key(object, name, list) < 0) {
            json_object_put(take_item);
            return -ENOMEM;
        }
    }
    if (json_object_array_add(list, take_item) < 0) {
        json_object_put(take_item);
        return -ENOMEM;
    }
    return 0;
}

/* Its name in our JSON, borrowed from @space or from the element. */
static const char *member_name(const struct reader *reader, struct xml *element, char space[AWS_NAME_MAX],
                               char *ret_type)
{
    const struct aws_field *field = aws_shape_by_wire(&reader->shape, element->name);

    *ret_type = field ? field->type : 't';
    if (field)
        return aws_field_name(field, space);
    if (reader->service->protocol == AWS_EC2)
        *element->name = (char)toupper((unsigned char)*element->name);
    return element->name;
}

static int read_member(struct reader *reader, struct xml *element, int depth, struct json_object *object)
{
    struct json_object *value = NULL;
    char space[AWS_NAME_MAX];
    char type;
    const char *name = member_name(reader, element, space, &type);
    int r;

    r = read_value(reader, element, type, depth + 1, &value);
    if (r < 0)
        return r;
    r = type == 'f' ? append_flat(object, name, value) : js_put_key(object, name, value);
    return r < 0 ? err_no_memory(reader->err) : 0;
}

static int read_object(struct reader *reader, struct xml *element, int depth, struct json_object **ret)
{
    struct json_object *object CLEANUP_JS = json_object_new_object();
    int r;

    if (!object)
        return err_no_memory(reader->err);
    xml_each (element, child) {
        r = read_member(reader, child, depth, object);
        if (r < 0)
            return r;
    }
    *ret = TAKE(object);
    return 0;
}

int aws_xml_to_json(const struct aws_service_info *service, const struct aws_operation *operation,
                    struct xml *element, struct json_object **ret, struct err *err)
{
    struct reader reader = {.service = service, .err = err};

    aws_shape_index(operation->answer, &reader.shape);
    return read_object(&reader, element, 0, ret);
}

/* ---- writing ---- */

struct writer {
    const struct aws_operation *operation;
    struct buf *body;
    struct err *err;
};

static int write_element(struct writer *writer, const char *name, const char *attributes,
                         struct json_object *value, int depth);

/* Line ends as character references, so that keys keep them; other control characters XML can not carry. */
static int write_text(struct writer *writer, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '&')
            buf_add_text(writer->body, "&amp;");
        else if (c == '<')
            buf_add_text(writer->body, "&lt;");
        else if (c == '>')
            buf_add_text(writer->body, "&gt;");
        else if (c == '\r' || c == '\n' || c == '\t')
            buf_addf(writer->body, "&#x%X;", c);
        else if (c < ' ')
            return err_set(writer->err, -EINVAL, ERR_BUG, "a text holds a control character");
        else
            buf_add_char(writer->body, (char)c);
    }
    return 0;
}

static int write_list(struct writer *writer, const char *item, struct json_object *list, int depth)
{
    size_t count = js_count(list, NULL);
    int r = 0;

    for (size_t i = 0; r == 0 && i < count; i++)
        r = write_element(writer, item, "", js_at(list, i), depth + 1);
    return r;
}

static int write_wrapped(struct writer *writer, const char *name, const char *item, struct json_object *list,
                         int depth)
{
    int r;

    buf_addf(writer->body, "<%s>", name);
    r = write_list(writer, item, list, depth);
    if (r == 0)
        buf_addf(writer->body, "</%s>", name);
    return r;
}

static int write_member(struct writer *writer, const char *key, struct json_object *value, int depth)
{
    struct aws_field field = {.name = key, .wire = key, .wire_size = strlen(key), .type = 't'};
    char *item CLEANUP_FREE = NULL;
    char *name CLEANUP_FREE = NULL;

    (void)aws_shape_by_name(writer->operation->shape, key,
                            &field); /* not listed: its own name, as set above */
    name = str_format("%.*s", (int)field.wire_size, field.wire);
    item = field.item ? str_format("%.*s", (int)field.item_size, field.item) : str_format("member");
    if (!name || !item)
        return err_no_memory(writer->err);
    if (!json_object_is_type(value, json_type_array))
        return write_element(writer, name, "", value, depth);
    if (field.type == 'f')
        return write_list(writer, name, value, depth);
    if (field.type == 'l')
        return write_wrapped(writer, name, item, value, depth);
    return err_set(writer->err, -EINVAL, ERR_BUG, "%s is no list in this operation", key);
}

static int write_content(struct writer *writer, struct json_object *value, int depth)
{
    char *text CLEANUP_FREE = NULL;
    int r = 0;

    if (json_object_is_type(value, json_type_object)) {
        js_each (value, key, member) {
            if (member)
                r = write_member(writer, key, member, depth + 1);
            if (r < 0)
                return r;
        }
        return 0;
    }
    if (!value || json_object_is_type(value, json_type_array))
        return err_set(writer->err, -EINVAL, ERR_BUG, "%s where a value should be", js_type_name(value));
    text = js_scalar_text(value);
    return text ? write_text(writer, text) : err_no_memory(writer->err);
}

static int write_element(struct writer *writer, const char *name, const char *attributes,
                         struct json_object *value, int depth)
{
    int r;

    if (depth > AWS_DEPTH_MAX)
        return err_set(writer->err, -EINVAL, ERR_BUG, "the parameters are nested too deeply");
    buf_addf(writer->body, "<%s%s>", name, attributes);
    r = write_content(writer, value, depth);
    if (r < 0)
        return r;
    if (buf_addf(writer->body, "</%s>", name) < 0)
        return err_set(writer->err, writer->body->failed, ERR_LIMIT, "the parameters are too long");
    return 0;
}

int aws_xml_write(const struct aws_service_info *service, const struct aws_operation *operation,
                  const char *name, struct json_object *value, struct buf *ret, struct err *err)
{
    struct writer writer = {.operation = operation, .body = ret, .err = err};
    const char *space = service->s3 ? " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"" : "";

    return write_element(&writer, name, space, value, 0);
}
