/*
 * aws_lambda_function_look.c: looking at functions, two calls each, both at once: the function with its
 * tags, and its policy. The policy's "not found" means "none" only when the function is there.
 *
 * Values of variables that are not the declared ones stand in documents as digests: they may be
 * somebody's secrets.
 */
#include <errno.h>
#include <string.h>

#include "common/crypto.h"
#include "common/js.h"
#include "kinds/aws_lambda_function-internal.h"
#include "kinds/registry-internal.h"

#define LOOKS_AT_ONCE 4
#define DIGEST_SHOWN  16 /* characters that tell two values apart */

enum { READ_FUNCTION, READ_POLICY, READ_MAX };

/* ---- code ---- */

/*
 * Is the code what the source holds? *ret_text: what stands for it in the document; owned. Sets notes
 * and "unconfirmed" of the item.
 */
static int judge_code(struct kind_item *item, const char *source, const char *seen, char **ret_text,
                      struct err *err)
{
    const char *noted = js_text(item->memory, "digest"), *uploaded = js_text(item->memory, "sha256");
    char *digest CLEANUP_FREE = NULL;
    char *zip CLEANUP_FREE = NULL;
    char *sha256 CLEANUP_FREE = NULL;
    bool ours = str_equal(uploaded, seen);
    int r = lambda_package(source, &digest, ours ? NULL : &zip, &sha256, err);

    if (r < 0)
        return r;
    if (ours && str_equal(digest, noted)) {
        *ret_text = strdup(source);
    } else if (ours) {
        *ret_text = strdup("older code than the source holds now");
        item->unconfirmed = true; /* the source was edited */
    } else if (str_equal(sha256, seen)) {
        *ret_text = strdup(source);
        item->ret_memory = lambda_notes(digest, seen); /* without memory: noted by the next look */
    } else {
        *ret_text = str_format("other code, CodeSha256 %s", seen);
        item->unconfirmed = !uploaded; /* nothing is known of who put it there */
    }
    return *ret_text ? 0 : err_no_memory(err);
}

static int look_at_code(struct kind_item *item, struct json_object *function, struct json_object **document,
                        struct err *err)
{
    const char *member = js_text(item->desired, "source_dir") ? "source_dir" : "source_file";
    const char *source = lambda_source(item->desired), *seen = js_text(function, "CodeSha256");
    const char *reason = js_text(function, "StateReason");
    char *text CLEANUP_FREE = NULL;
    int r = 0;

    if (!source)
        return 0;
    if (!seen)
        return err_set(err, -EBADMSG, ERR_BUG, "GetFunction: an answer without CodeSha256");
    if (str_equal(js_text(function, "State"), "Failed"))
        text = str_format("the function failed: %s", reason ? reason : "no reason given");
    else
        r = judge_code(item, source, seen, &text, err);
    if (r < 0 && err->class == ERR_INVALID) {
        /* The source is not what it should be. An update will say so; a removal needs none. */
        text = str_format("not to be compared: %s", err_text(err));
        item->unconfirmed = true;
        err_done(err);
        r = 0;
    }
    if (r == 0 && !text)
        return err_no_memory(err);
    if (r == 0)
        params_text(document, member, text);
    return r;
}

/* ---- the document ---- */

/* Digests for values that are not what is declared. 0 or -ENOMEM. */
static int hide_variables(struct json_object *document, struct json_object *desired)
{
    struct json_object *variables = js_get(document, "environment.variables"), *hidden;

    if (!variables)
        return 0;
    hidden = json_object_new_object();
    js_each (variables, name, value) {
        struct json_object *wanted = NULL, *shown;
        char *digest CLEANUP_FREE = NULL;

        (void)json_object_object_get_ex(js_get(desired, "environment.variables"), name, &wanted);
        if (wanted && js_equal(wanted, value)) {
            shown = json_object_get(value);
        } else {
            digest = value ? digest_text(json_object_get_string(value)) : NULL;
            if (digest)
                digest[DIGEST_SHOWN] = '\0';
            shown = digest ? json_object_new_string(digest) : NULL;
        }
        if (!shown || !hidden || js_put_key(hidden, name, shown) < 0) {
            if (!hidden)
                json_object_put(shown);
            json_object_put(hidden);
            return -ENOMEM;
        }
    }
    return hidden ? js_set(document, "environment.variables", hidden) : -ENOMEM;
}

static struct json_object *layer_arns(struct json_object *function)
{
    struct json_object *layers = js_get(function, "Layers"), *arns = json_object_new_array();

    for (size_t i = 0; arns && i < js_count(layers, NULL); i++) {
        const char *arn = js_text(js_at(layers, i), "Arn");

        if (js_add_text(arns, arn ? arn : "?") < 0) {
            json_object_put(arns);
            return NULL;
        }
    }
    return arns;
}

/* What the service says of nothing is nothing. */
static void drop_empty(struct json_object *document)
{
    if (js_get(document, "vpc_config") && js_count(document, "vpc_config.subnet_ids") == 0)
        json_object_object_del(document, "vpc_config");
    if (js_get(document, "environment") && !js_get(document, "environment.variables"))
        json_object_object_del(document, "environment");
}

static struct json_object *read_document(struct kind_item *item, struct aws_read *reads)
{
    struct json_object *answer = reads[READ_FUNCTION].answer, *function = js_get(answer, "Configuration");
    struct json_object *document = json_object_new_object(), *tags = js_get(answer, "Tags");
    const char *policy = reads[READ_POLICY].result == 0 ? js_text(reads[READ_POLICY].answer, "Policy") : NULL;

    if (!document || wire_read(&aws_lambda_function_kind, function, document) < 0) {
        json_object_put(document);
        return NULL;
    }
    drop_empty(document);
    if (hide_variables(document, item->desired) < 0) {
        json_object_put(document);
        return NULL;
    }
    if (!js_get(document, "description"))
        params_text(&document, "description", "");
    params_set(&document, "layers", layer_arns(function));
    params_set(&document, "permission", policy ? lambda_permissions(policy) : json_object_new_array());
    params_set(&document, "reserved_concurrent_executions",
               json_object_new_int64(js_int(answer, "Concurrency.ReservedConcurrentExecutions", -1)));
    params_set(&document, "tags", tags ? js_copy(tags) : json_object_new_object());
    return document;
}

/* ---- one function ---- */

static int refuse_bad_answer(struct aws_read *reads, struct err *err)
{
    struct json_object *function = js_get(reads[READ_FUNCTION].answer, "Configuration");

    if (reads[READ_POLICY].result < 0 && reads[READ_POLICY].err.class != ERR_ABSENT) {
        err_move(err, &reads[READ_POLICY].err);
        return err->code;
    }
    if (!js_text(function, "FunctionArn"))
        return err_set(err, -EBADMSG, ERR_BUG, "GetFunction: an answer without FunctionArn");
    return 0;
}

static void judge(struct kind_item *item, struct aws_read *reads)
{
    struct json_object *function = js_get(reads[READ_FUNCTION].answer, "Configuration");
    struct json_object *document CLEANUP_JS = NULL;
    struct err err CLEANUP_ERR = {0};
    int r;

    if (reads[READ_FUNCTION].result < 0) {
        batch_failed(item, &reads[READ_FUNCTION].err);
        return;
    }
    r = refuse_bad_answer(reads, &err);
    if (r == 0) {
        document = read_document(item, reads);
        r = look_at_code(item, function, &document, &err);
    }
    if (r < 0)
        batch_unknown(item, &err);
    else if (lambda_in_transit(function))
        batch_settling(item, js_text(function, "FunctionName"), TAKE(document),
                       str_equal(js_text(function, "State"), "Active") ? "InProgress"
                                                                       : js_text(function, "State"));
    else
        batch_present(item, js_text(function, "FunctionName"), TAKE(document));
}

static void look(struct kind_batch *batch, struct kind_item *item)
{
    const char *name = item->id ? item->id : js_text(item->desired, "function_name");
    struct aws_read reads[READ_MAX] = {
        [READ_FUNCTION] = {.op = AWS_LAMBDA_GET_FUNCTION, .params = params_new("FunctionName", name, NULL)},
        [READ_POLICY] = {.op = AWS_LAMBDA_GET_POLICY, .params = params_new("FunctionName", name, NULL)},
    };
    struct err err CLEANUP_ERR = {0};
    int r;

    if (!batch->clouds.aws)
        r = err_set(&err, -EINVAL, ERR_INVALID, "the platform has no aws: section");
    else if (!reads[READ_FUNCTION].params || !reads[READ_POLICY].params)
        r = err_no_memory(&err);
    else {
        r = aws_read_all(batch->clouds.aws, reads, READ_MAX, 0);
        if (r < 0)
            (void)err_set(&err, r, r == -ECANCELED ? ERR_CANCELED : ERR_RETRY, "reading the function");
    }
    if (r < 0)
        batch_unknown(item, &err);
    else
        judge(item, reads);
    aws_reads_done(reads, READ_MAX);
}

int aws_lambda_function_observe(struct kind_batch *batch)
{
    return batch_each(batch, LOOKS_AT_ONCE, look);
}
