/*
 * op.c: what one running operation on one resource may do: calls that pass the
 * gate, and results for the engine to keep.
 *
 * Every write goes through host->before_write first, here and nowhere else.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "kinds/kind.h"

int op_fail(struct kind_op *op, int code, enum err_class class, const char *format, ...)
{
    va_list arguments;
    char *text CLEANUP_FREE = NULL;
    int r;

    va_start(arguments, format);
    r = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (r < 0) {
        text = NULL; /* vasprintf leaves it undefined */
        return err_no_memory(op->err);
    }
    return err_set(op->err, code, class, "%s", text);
}

static bool says_not_yet(const struct not_yet *row, const struct err *err)
{
    if (!str_equal(row->code, err->wire_code))
        return false;
    return !row->text || (err->text && strstr(err->text, row->text));
}

/* A service's way of saying "not yet" becomes the class of that name. */
static void apply_not_yet(const struct kind *kind, struct err *err)
{
    if (!err)
        return;
    for (const struct not_yet *row = kind->not_yet; row && row->code; row++) {
        if (!says_not_yet(row, err))
            continue;
        err->class = ERR_NOT_YET;
        (void)err_wrap(err, err->code, "waiting for %s", row->waiting_for); /* the code stays */
        return;
    }
}

static int pass_gate(struct kind_op *op, const char *operation)
{
    assert(op->host && op->host->before_write);
    return op->host->before_write(op, operation, op->err);
}

static int call_aws(struct kind_op *op, enum aws_op operation, struct json_object *params, const char *member,
                    const struct secret *value, struct json_object **ret)
{
    const struct aws_operation *row = &aws_operations[operation];
    bool writes = row->access == AWS_WRITE;
    int r;

    assert((unsigned)operation < AWS_OP_MAX);
    err_done(op->err);
    if (!op->clouds.aws)
        return op_fail(op, -EINVAL, ERR_INVALID, "%s: the platform has no aws: section", row->name);
    r = writes ? pass_gate(op, row->name) : 0;
    if (r < 0)
        return r;
    op->calls++;
    if (member)
        r = aws_call_secret(op->clouds.aws, operation, params, op->intent, member, value, ret, op->err);
    else
        r = aws_call(op->clouds.aws, operation, params, op->intent, ret, op->err);
    if (r < 0 && writes)
        apply_not_yet(op->kind, op->err);
    return r;
}

int op_aws(struct kind_op *op, enum aws_op operation, struct json_object *take_params,
           struct json_object **ret)
{
    struct json_object *params CLEANUP_JS = take_params;

    return call_aws(op, operation, params, NULL, NULL, ret);
}

int op_aws_secret(struct kind_op *op, enum aws_op operation, struct json_object *take_params,
                  const char *member, const struct secret *value, struct json_object **ret)
{
    struct json_object *params CLEANUP_JS = take_params;

    return call_aws(op, operation, params, member, value, ret);
}

int op_github(struct kind_op *op, enum github_op operation, struct json_object *take_params,
              struct github_answer *ret)
{
    struct json_object *params CLEANUP_JS = take_params;
    struct github_answer ignored CLEANUP_GITHUB_ANSWER = {0};
    const struct github_operation *row = &github_operations[operation];
    int r;

    assert((unsigned)operation < GITHUB_OP_MAX);
    err_done(op->err);
    if (!op->clouds.github)
        return op_fail(op, -EINVAL, ERR_INVALID, "%s: the platform has no github: section", row->name);
    r = row->write ? pass_gate(op, row->name) : 0;
    if (r < 0)
        return r;
    op->calls++;
    r = github_call(op->clouds.github, operation, params, ret ? ret : &ignored, op->err);
    if (r < 0 && row->write)
        apply_not_yet(op->kind, op->err);
    return r;
}

int op_github_put_secret(struct kind_op *op, const char *repository, const char *name,
                         const struct secret *value, struct github_answer *ret)
{
    struct github_answer ignored CLEANUP_GITHUB_ANSWER = {0};
    const char *operation = github_operations[GITHUB_PUT_SECRET].name;
    int r;

    err_done(op->err);
    if (!op->clouds.github)
        return op_fail(op, -EINVAL, ERR_INVALID, "%s: the platform has no github: section", operation);
    r = pass_gate(op, operation);
    if (r < 0)
        return r;
    op->calls++;
    r = github_put_secret(op->clouds.github, repository, name, value, ret ? ret : &ignored, op->err);
    if (r < 0)
        apply_not_yet(op->kind, op->err);
    return r;
}

int op_kubernetes(struct kind_op *op, const struct kubernetes_call *call, struct kubernetes_answer *ret)
{
    struct kubernetes_answer ignored CLEANUP_KUBERNETES_ANSWER = {0};
    char *name CLEANUP_FREE = kubernetes_call_name(call);
    bool writes = kubernetes_writes(call->verb);
    int r;

    err_done(op->err);
    if (!name)
        return err_no_memory(op->err);
    if (!op->clouds.kubernetes)
        return op_fail(op, -EINVAL, ERR_INVALID,
                       "%s: the platform has no aws: section, which leads to clusters", name);
    r = writes ? pass_gate(op, name) : 0;
    fiber_set_where("calling the cluster"); /* the name, which the gate shows, ends with this function */
    if (r < 0)
        return r;
    op->calls++;
    r = kubernetes_call(op->clouds.kubernetes, call, ret ? ret : &ignored, op->err);
    if (r < 0 && writes)
        apply_not_yet(op->kind, op->err);
    return r;
}

int op_secret(struct kind_op *op, const char *field, struct secret **ret)
{
    assert(op->host && op->host->secret);
    err_done(op->err);
    return op->host->secret(op, field, ret, op->err);
}

int op_created(struct kind_op *op, const char *id)
{
    return str_set(&op->ret_id, id) < 0 ? err_no_memory(op->err) : 0;
}

int op_attribute(struct kind_op *op, const char *name, struct json_object *take_value)
{
    assert(attribute_find(op->kind->attributes, name));
    if (!op->ret_attributes)
        op->ret_attributes = json_object_new_object();
    if (!op->ret_attributes) {
        json_object_put(take_value);
        return err_no_memory(op->err);
    }
    return js_put_key(op->ret_attributes, name, take_value) < 0 ? err_no_memory(op->err) : 0;
}

int op_attribute_text(struct kind_op *op, const char *name, const char *value)
{
    struct json_object *text = value ? json_object_new_string(value) : NULL;

    if (value && !text)
        return err_no_memory(op->err);
    return op_attribute(op, name, text);
}

void op_remember(struct kind_op *op, struct json_object *take_memory)
{
    json_object_put(op->ret_memory);
    op->ret_memory = take_memory;
}

void op_settling(struct kind_op *op)
{
    op->ret_settling = true;
}

const char *op_text(const struct kind_op *op, const char *path)
{
    return js_text(op->desired, path);
}

struct json_object *op_tags(const struct kind_op *op)
{
    struct json_object *declared = js_get(op->desired, "tags");
    struct json_object *tags = declared ? js_copy(declared) : json_object_new_object();

    if (!tags || !op->intent)
        return tags;
    if (js_put_key(tags, TAG_INTENT, json_object_new_string(op->intent)) == 0)
        return tags;
    json_object_put(tags);
    return NULL;
}

struct json_object *op_tag_list(const struct kind_op *op, const char *key_name, const char *value_name)
{
    struct json_object *tags CLEANUP_JS = op_tags(op);

    return tags ? tags_to_list(tags, key_name, value_name) : NULL;
}
