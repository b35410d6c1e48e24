/*
 * aws_secretsmanager_secret.c: a secret of Secrets Manager with its current value and its policy.
 *
 * Looking is in aws_secretsmanager_secret_look.c, how values are told apart in the -internal.h. A
 * deleted secret keeps its name for the recovery window: when it was ours it is brought back.
 * Ways to fail: the name is taken, or held by a deleted secret of somebody else; a key that Secrets
 * Manager may not use; a policy with a principal that is not visible yet.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_secretsmanager_secret-internal.h"
#include "kinds/registry-internal.h"

#define DEFAULT_KEY "alias/aws/secretsmanager"
#define TOKEN_SIZE  32

/* ---- the table ---- */

static bool accepts_name(const char *text)
{
    return has_reference(text) || is_word(text, "/_+=.@-", 512);
}

static const struct field fields[] = {
    {
        .name = "name",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE,
        .wire = "Name",
        .pattern = "1 to 512 letters, digits and any of / _ + = . @ -",
        .accepts = accepts_name,
        .doc = "Name of the secret.",
    },
    {
        .name = "description",
        .type = FIELD_STRING,
        .wire = "Description",
        .fallback = "\"\"",
        .max = 2048,
        .doc = "What the secret is for.",
    },
    {
        .name = "kms_key_id",
        .type = FIELD_STRING,
        .flags = FIELD_SECURITY,
        .wire = "KmsKeyId",
        .fallback = "null",
        .doc = "Key that encrypts the value; not given, the account's key for Secrets Manager.",
    },
    {
        .name = "secret_string",
        .type = FIELD_SECRET,
        .flags = FIELD_SECURITY | FIELD_SENSITIVE,
        .doc = "The value; not given, it is left to others.",
    },
    {
        .name = "policy",
        .type = FIELD_POLICY,
        .flags = FIELD_EXCLUSIVE | FIELD_SECURITY,
        .fallback = "null",
        .doc = "Resource policy; not given means there must be none.",
    },
    {
        .name = "rotation_enabled",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_SECURITY,
        .fallback = "false",
        .doc = "Whether AWS rotates the value; it may not, since the value is declared here.",
    },
    {
        .name = "recovery_window_in_days",
        .type = FIELD_INTEGER,
        .flags = FIELD_LOCAL,
        .fallback = "7",
        .max = 30,
        .doc = "Days a deleted secret can be brought back: 7 to 30, or 0 to delete it at once and for ever.",
    },
    TAGS_ROW,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .wire = "ARN", .doc = "ARN of the secret."},
    {.name = "id", .type = FIELD_STRING, .wire = "ARN", .doc = "ARN of the secret."},
    {.name = "version_id", .type = FIELD_STRING, .doc = "Version that is current."},
    {0},
};

static void check(struct kind_check *check)
{
    const char *name = js_text(check->document, "name");
    size_t length = name ? strlen(name) : 0;
    int64_t days = js_int(check->document, "recovery_window_in_days", SECRET_RECOVERY_DAYS);

    tags_check(check);
    policy_check(check, "policy", js_get(check->document, "policy"));
    if (days != 0 && days < 7)
        check->problem(check, "recovery_window_in_days", "a recovery window has 7 to 30 days, or 0 for none");
    if (js_bool(check->document, "rotation_enabled", false))
        check->problem(check, "rotation_enabled", "the value is declared here: nothing else may rotate it");
    if (length > 7 && name[length - 7] == '-' && !strchr(name + length - 6, '-'))
        check->warning(
            check, "name",
            "a hyphen and six characters at the end look like the end of an ARN: look-ups may fail");
}

/* A key id stands for its ARN, and the default key for none. */
static void normalise(struct json_object *desired, struct json_object *observed)
{
    const char *wanted = js_text(desired, "kms_key_id"), *seen = js_text(observed, "kms_key_id");

    if (str_equal(wanted, DEFAULT_KEY))
        (void)js_set(desired, "kms_key_id", NULL); /* it is there: nothing is allocated */
    if (seen && str_ends(seen, DEFAULT_KEY))
        json_object_object_del(observed, "kms_key_id");
    else if (seen && wanted && strchr(seen, '/') && str_equal(strrchr(seen, '/') + 1, wanted))
        (void)js_set_text(observed, "kms_key_id", wanted); /* without memory a false difference */
}

/* ---- notes ---- */

struct value_notes value_notes_read(struct json_object *memory)
{
    return (struct value_notes){
        .version = js_text(memory, "version"),
        .fp = js_text(memory, "fp"),
        .foreign = js_bool(memory, "foreign", false),
        .recovery_days = js_int(memory, "recovery_window_in_days", SECRET_RECOVERY_DAYS),
    };
}

struct json_object *value_notes_write(const struct value_notes *notes)
{
    struct json_object *memory = json_object_new_object();

    if (memory && js_set_text(memory, "version", notes->version) == 0 &&
        js_set_text(memory, "fp", notes->fp) == 0 && js_set_bool(memory, "foreign", notes->foreign) == 0 &&
        js_set_int(memory, "recovery_window_in_days", notes->recovery_days) == 0)
        return memory;
    json_object_put(memory);
    return NULL;
}

static int64_t recovery_days(const struct kind_op *op)
{
    return js_int(op->desired ? op->desired : op->memory, "recovery_window_in_days", SECRET_RECOVERY_DAYS);
}

static int remember(struct kind_op *op, const char *version, const char *fp)
{
    struct value_notes notes = {.version = version, .fp = fp, .recovery_days = recovery_days(op)};
    struct json_object *memory = value_notes_write(&notes);

    if (!memory)
        return err_no_memory(op->err);
    op_remember(op, memory);
    return version ? op_attribute_text(op, "version_id", version) : 0;
}

/* ---- one call each ---- */

/** Send @take_params with the declared value in SecretString, and note the version it became. May wait. */
static int send_value(struct kind_op *op, enum aws_op operation, struct json_object *take_params,
                      struct json_object **ret)
{
    struct json_object *params CLEANUP_JS = take_params, *answer CLEANUP_JS = NULL;
    struct secret *value CLEANUP_SECRET = NULL;
    char *fp CLEANUP_FREE = NULL;
    int r;

    if (!params)
        return err_no_memory(op->err);
    r = op_secret(op, "secret_string", &value);
    if (r < 0)
        return r;
    fp = op->host->fingerprint(op->host_data, value);
    if (!fp)
        return err_no_memory(op->err);
    r = op_aws_secret(op, operation, TAKE(params), "SecretString", value, &answer);
    if (r == 0 && !js_text(answer, "VersionId"))
        r = op_fail(op, -EBADMSG, ERR_BUG, "%s: an answer without VersionId", aws_operations[operation].name);
    if (r == 0)
        r = remember(op, js_text(answer, "VersionId"), fp);
    if (r == 0 && ret)
        *ret = TAKE(answer);
    return r;
}

static int put_policy(struct kind_op *op, const char *id)
{
    struct json_object *policy = js_get(op->desired, "policy"), *params = params_new("SecretId", id, NULL);
    char *text CLEANUP_FREE = policy ? wire_policy_text(policy) : NULL;

    if (!policy)
        return op_send(op, AWS_SECRETSMANAGER_DELETE_RESOURCE_POLICY, params, NULL);
    params_set(&params, "ResourcePolicy", text ? json_object_new_string(text) : NULL);
    params_set(&params, "BlockPublicPolicy", json_object_new_boolean(true));
    return op_send(op, AWS_SECRETSMANAGER_PUT_RESOURCE_POLICY, params, NULL);
}

static int put_rest(struct kind_op *op, const char *id, bool description, bool key)
{
    /* A token of its own: the operation's is the name of the version that the value becomes. */
    char *token CLEANUP_FREE = random_hex(TOKEN_SIZE);
    struct json_object *params = params_new("SecretId", id, NULL);
    const char *wanted_key = op_text(op, "kms_key_id");

    params_set(&params, "ClientRequestToken", token ? json_object_new_string(token) : NULL);
    if (description)
        params_text(&params, "Description", op_text(op, "description") ? op_text(op, "description") : "");
    if (key)
        params_text(&params, "KmsKeyId", wanted_key ? wanted_key : DEFAULT_KEY);
    return op_send(op, AWS_SECRETSMANAGER_UPDATE_SECRET, params, NULL);
}

static int put_tags(struct kind_op *op, const char *id, struct json_object *take_tags)
{
    struct json_object *tags CLEANUP_JS = take_tags, *params = params_new("SecretId", id, NULL);

    params_set(&params, "Tags", tags ? tags_to_list(tags, "Key", "Value") : NULL);
    return op_send(op, AWS_SECRETSMANAGER_TAG_RESOURCE, params, NULL);
}

/* ---- create ---- */

static int report_secret(struct kind_op *op, const char *arn)
{
    int r;

    if (!arn)
        return op_fail(op, -EBADMSG, ERR_BUG, "an answer without the ARN of the secret");
    r = op_created(op, arn);
    if (r == 0)
        r = op_attribute_text(op, "arn", arn);
    return r < 0 ? r : op_attribute_text(op, "id", arn);
}

static bool is_ours(const struct kind_op *op, struct json_object *tags)
{
    const char *address = tag_value(js_get(op->desired, "tags"), TAG_ADDRESS);

    return str_equal(tag_value(tags, TAG_PLATFORM), op->platform) && address &&
           str_equal(tag_value(tags, TAG_ADDRESS), address);
}

/* Everything that a create would have set. May wait. */
static int put_all(struct kind_op *op, const char *arn)
{
    int r = put_rest(op, arn, true, true);

    if (r == 0 && js_get(op->desired, "secret_string"))
        r = send_value(op, AWS_SECRETSMANAGER_PUT_SECRET_VALUE, params_new("SecretId", arn, NULL), NULL);
    if (r == 0)
        r = put_policy(op, arn);
    return r < 0 ? r : put_tags(op, arn, op_tags(op));
}

/* The name is held by a secret that was deleted. Ours: bring it back. May wait. */
static int restore(struct kind_op *op)
{
    const char *name = op_text(op, "name");
    struct json_object *answer CLEANUP_JS = NULL, *tags CLEANUP_JS = NULL;
    const char *arn;
    int r = op_send(op, AWS_SECRETSMANAGER_DESCRIBE_SECRET, params_new("SecretId", name, NULL), &answer);

    if (r < 0 && err_is(op->err, "ResourceNotFoundException"))
        return op_fail(op, -EAGAIN, ERR_NOT_YET, "waiting for the name %s to become free", name);
    if (r < 0)
        return r;
    tags = tags_from_list(js_get(answer, "Tags"), "Key", "Value");
    if (!tags)
        return err_no_memory(op->err);
    arn = js_text(answer, "ARN");
    if (!js_get(answer, "DeletedDate"))
        return op_fail(op, -EAGAIN, ERR_NOT_YET, "the secret %s has just come back: looking again", name);
    if (!arn || !is_ours(op, tags))
        return op_fail(op, -EEXIST, ERR_CONFLICT,
                       "the name %s is held by a deleted secret that mlopsd did not make, until its recovery "
                       "window ends: restore that one, or choose another name",
                       name);
    r = op_send(op, AWS_SECRETSMANAGER_RESTORE_SECRET, params_new("SecretId", arn, NULL), NULL);
    if (r == 0)
        r = report_secret(op, arn);
    if (r == 0)
        r = remember(op, NULL, NULL);
    return r < 0 ? r : put_all(op, arn);
}

static int create(struct kind_op *op)
{
    struct json_object *params = wire_write(fields, op->desired), *answer CLEANUP_JS = NULL;
    bool with_value = js_get(op->desired, "secret_string") != NULL;
    int r;

    params_set(&params, "Tags", op_tag_list(op, "Key", "Value"));
    if (with_value)
        r = send_value(op, AWS_SECRETSMANAGER_CREATE_SECRET, params, &answer);
    else
        r = op_send(op, AWS_SECRETSMANAGER_CREATE_SECRET, params, &answer);
    if (r < 0 && err_is(op->err, "InvalidRequestException") && op->err->text &&
        strstr(op->err->text, "scheduled for deletion"))
        return restore(op);
    if (r == 0)
        r = report_secret(op, js_text(answer, "ARN"));
    if (r == 0 && !with_value)
        r = remember(op, NULL, NULL);
    if (r == 0 && js_get(op->desired, "policy"))
        r = put_policy(op, js_text(answer, "ARN"));
    return r;
}

/* ---- update, remove ---- */

static int update(struct kind_op *op, const struct diff *diff)
{
    bool policy = diff_has(diff, "policy"), wanted = js_get(op->desired, "policy") != NULL;
    bool description = diff_has(diff, "description"), key = diff_has(diff, "kms_key_id");
    int r = 0;

    if (policy && !wanted)
        r = put_policy(op, op->id);
    if (r == 0 && diff_has(diff, "rotation_enabled"))
        r = op_send(op, AWS_SECRETSMANAGER_CANCEL_ROTATE_SECRET, params_new("SecretId", op->id, NULL), NULL);
    if (r == 0 && (description || key))
        r = put_rest(op, op->id, description, key);
    if (r == 0 && diff_has(diff, "secret_string"))
        r = send_value(op, AWS_SECRETSMANAGER_PUT_SECRET_VALUE, params_new("SecretId", op->id, NULL), NULL);
    if (r == 0 && policy && wanted)
        r = put_policy(op, op->id);
    if (r == 0 && diff_has(diff, "tags"))
        r = put_tags(op, op->id, tags_added(diff, op->desired));
    return r;
}

static int remove_secret(struct kind_op *op)
{
    struct json_object *params = params_new("SecretId", op->id, NULL);
    int64_t days = recovery_days(op);
    int r;

    if (!op->id) {
        json_object_put(params);
        return op_fail(op, -EINVAL, ERR_BUG, "DeleteSecret: no ARN is recorded");
    }
    if (days == 0)
        params_set(&params, "ForceDeleteWithoutRecovery", json_object_new_boolean(true));
    else
        params_set(&params, "RecoveryWindowInDays", json_object_new_int64(days));
    r = op_send(op, AWS_SECRETSMANAGER_DELETE_SECRET, params, NULL);
    if (r < 0 && err_is(op->err, "InvalidRequestException") && op->err->text &&
        strstr(op->err->text, "delet")) {
        err_done(op->err); /* somebody was faster */
        return 0;
    }
    return op_forgive(op, r, "ResourceNotFoundException");
}

static void farewell(struct kind_batch *batch, struct kind_item *item, struct farewell *farewell)
{
    int64_t days = js_int(item->desired, "recovery_window_in_days", SECRET_RECOVERY_DAYS);

    (void)batch;
    if (days > 0)
        farewell_say(farewell, FAREWELL_LEAVES,
                     "scheduled for deletion: RestoreSecret brings it back within %lld days, and its name is "
                     "taken until then",
                     (long long)days);
    else
        farewell_say(farewell, FAREWELL_LOSES, "its value is deleted at once (recovery_window_in_days: 0)");
}

static const struct not_yet not_yet[] = {
    {"MalformedPolicyDocumentException", "nsupported principal",
     "the principal of the policy to become visible"},
    {0},
};

const struct kind aws_secretsmanager_secret_kind = {
    .type = "aws_secretsmanager_secret",
    .provider = PROVIDER_AWS,
    .doc = "A secret of AWS Secrets Manager, with its value.",
    .seldom_calls = 1,
    .fields = fields,
    .attributes = attributes,
    .not_yet = not_yet,
    .pace =
        {.first_look_ms = 1000, .every_ms = 2000, .give_up_ms = 120000, .grace_ms = 120000, .usual_ms = 2000},
    .check = check,
    .normalise = normalise,
    .observe = aws_secretsmanager_secret_observe,
    .create = create,
    .update = update,
    .remove = remove_secret,
    .farewell = farewell,
};
