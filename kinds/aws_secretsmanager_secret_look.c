/*
 * aws_secretsmanager_secret_look.c: looking at secrets, two calls each, both at once: the
 * description and, in thorough looks, the policy. The value is read only when AWSCURRENT stands at a version that the notes
 * do not know. A secret that is scheduled for deletion counts as absent: create brings it back.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_secretsmanager_secret-internal.h"
#include "kinds/registry-internal.h"

#define LOOKS_AT_ONCE 8

enum { READ_SECRET, READ_POLICY, READ_MAX };

/* ---- the value ---- */

/* The version that is current; borrowed; NULL when there is none. */
static const char *current_version(struct json_object *secret)
{
    struct json_object *versions = js_get(secret, "VersionIdsToStages");

    if (!json_object_is_type(versions, json_type_object))
        return NULL;
    js_each (versions, version, stages) {
        if (js_has_text(stages, "AWSCURRENT"))
            return version;
    }
    return NULL;
}

/* The document's stand-in for a value. Owned; NULL without memory. */
static struct json_object *stand_in(const struct value_notes *notes, bool known_before)
{
    struct json_object *value = json_object_new_object();
    const char *note = NULL;

    if (notes->foreign)
        note = known_before ? "written outside mlopsd" : "there, with a value that mlopsd did not write";
    if (value && js_set_text(value, "secret", notes->fp) == 0 &&
        (!note || js_set_text(value, "note", note) == 0))
        return value;
    json_object_put(value);
    return NULL;
}

/* Read the value of @version once, to learn its fingerprint. *ret_fp is NULL for what is no text. May wait. */
static int read_value(struct kind_batch *batch, const char *arn, const char *version, char **ret_fp,
                      struct err *err)
{
    struct json_object *params = params_new("SecretId", arn, "VersionId", version, NULL);
    struct secret *value CLEANUP_SECRET = NULL;
    int r;

    if (!params)
        return err_no_memory(err);
    r = batch_aws_secret(batch, AWS_SECRETSMANAGER_GET_SECRET_VALUE, params, "SecretString", &value, NULL,
                         err);
    if (r < 0 && err->class == ERR_ABSENT)
        err->class = ERR_RETRY; /* we have just seen it */
    if (r < 0 || !value)
        return r;
    *ret_fp = batch->host->fingerprint(batch->host_data, value);
    return *ret_fp ? 0 : err_no_memory(err);
}

/* Set "secret_string" of the document to what is there, and bring the notes up to date. May wait. */
static int look_at_value(struct kind_batch *batch, struct kind_item *item, struct json_object *secret,
                         struct json_object **document, struct value_notes *notes, char **fp, struct err *err)
{
    const char *current = current_version(secret);
    const char *wanted = js_text(item->desired, "secret_string.secret");
    bool known_before = notes->version != NULL;
    int r;

    if (!js_get(item->desired, "secret_string") || !current)
        return 0;
    if (!str_equal(current, notes->version) && wanted) {
        r = read_value(batch, js_text(secret, "ARN"), current, fp, err);
        if (r < 0)
            return r;
        notes->version = current;
        notes->fp = *fp;
        notes->foreign = !str_equal(*fp, wanted);
        item->unconfirmed = notes->foreign && !known_before;
    } else if (!str_equal(current, notes->version)) {
        notes->fp = NULL; /* what is wanted is not known yet: nothing to compare with */
    }
    params_set(document, "secret_string", stand_in(notes, known_before));
    return 0;
}

/* ---- one secret ---- */

static void note(struct kind_item *item, struct value_notes *notes)
{
    struct json_object *memory;

    notes->recovery_days = js_int(item->desired, "recovery_window_in_days", notes->recovery_days);
    memory = value_notes_write(notes);
    json_object_put(item->ret_memory);
    item->ret_memory = NULL;
    if (memory && !js_equal(memory, item->memory))
        item->ret_memory = json_object_get(memory); /* without memory: noted by the next look */
    json_object_put(memory);
}

static struct json_object *read_document(const struct kind_item *item, struct json_object *secret,
                                         struct json_object *policy)
{
    struct json_object *document = json_object_new_object();
    const char *text = js_text(policy, "ResourcePolicy"), *current = current_version(secret);

    if (document && wire_read(&aws_secretsmanager_secret_kind, secret, document) < 0) {
        json_object_put(document);
        return NULL;
    }
    if (document && !js_get(document, "description"))
        params_text(&document, "description", ""); /* an empty one is left out on the wire */
    if (document) {
        params_set(&document, "rotation_enabled",
                   json_object_new_boolean(js_bool(secret, "RotationEnabled", false)));
        params_set(&document, "tags", tags_from_list(js_get(secret, "Tags"), "Key", "Value"));
        params_text(&document, "version_id", current);
    }
    if (text)
        params_set(&document, "policy", wire_policy(text));
    else if (item_may_keep(item))
        item_keep(item, "policy", &document);
    return document;
}

/* May wait. */
static void look_at(struct kind_batch *batch, struct kind_item *item, struct json_object *secret,
                    struct json_object *policy)
{
    struct json_object *document CLEANUP_JS = read_document(item, secret, policy);
    struct value_notes notes = value_notes_read(item->memory);
    struct err err CLEANUP_ERR = {0};
    char *fp CLEANUP_FREE = NULL;
    int r;

    if (!js_text(secret, "ARN")) {
        (void)err_set(&err, -EBADMSG, ERR_BUG, "DescribeSecret: an answer without ARN");
        batch_unknown(item, &err);
        return;
    }
    r = look_at_value(batch, item, secret, &document, &notes, &fp, &err);
    if (r < 0) {
        batch_unknown(item, &err);
        return;
    }
    note(item, &notes);
    item->created_wall_ms = answer_time_ms(secret, "CreatedDate");
    batch_present(item, js_text(secret, "ARN"), TAKE(document));
}

static void judge(struct kind_batch *batch, struct kind_item *item, struct aws_read *reads)
{
    struct json_object *secret = reads[READ_SECRET].answer;

    if (reads[READ_SECRET].result < 0) {
        batch_failed(item, &reads[READ_SECRET].err);
    } else if (js_get(secret, "DeletedDate")) {
        batch_absent(item);
    } else if (reads[READ_POLICY].result < 0) {
        if (reads[READ_POLICY].err.class == ERR_ABSENT)
            reads[READ_POLICY].err.class = ERR_RETRY; /* we have just seen it */
        batch_unknown(item, &reads[READ_POLICY].err);
    } else {
        look_at(batch, item, secret, reads[READ_POLICY].answer);
    }
}

static void look(struct kind_batch *batch, struct kind_item *item)
{
    /* By name, not by the recorded ARN: a secret made again by others has another one. */
    const char *name = js_text(item->desired, "name");
    size_t count = item_may_keep(item) ? READ_POLICY : READ_MAX;
    struct aws_read reads[READ_MAX] = {
        [READ_SECRET] = {.op = AWS_SECRETSMANAGER_DESCRIBE_SECRET,
                         .params = params_new("SecretId", name, NULL)},
        [READ_POLICY] = {.op = AWS_SECRETSMANAGER_GET_RESOURCE_POLICY,
                         .params = params_new("SecretId", name, NULL)},
    };
    struct err err CLEANUP_ERR = {0};
    int r;

    if (!batch->clouds.aws)
        r = err_set(&err, -EINVAL, ERR_INVALID, "the platform has no aws: section");
    else if (!reads[READ_SECRET].params || !reads[READ_POLICY].params)
        r = err_no_memory(&err);
    else {
        r = aws_read_all(batch->clouds.aws, reads, count, 0);
        if (r < 0)
            (void)err_set(&err, r, r == -ECANCELED ? ERR_CANCELED : ERR_RETRY, "reading the secret");
    }
    if (r < 0)
        batch_unknown(item, &err);
    else
        judge(batch, item, reads);
    aws_reads_done(reads, READ_MAX);
}

int aws_secretsmanager_secret_observe(struct kind_batch *batch)
{
    return batch_each(batch, LOOKS_AT_ONCE, look);
}
