/*
 * random_password.c: a password made once and kept sealed in the daemon's own
 * store. Argument names, character sets and defaults are those of Terraform's
 * random provider.
 *
 * The password exists only as long as its sealed copy does; what it was made with is in the kind's
 * notes, so that a change of any argument (keepers above all) shows as a difference and makes a new
 * one. Sealing, and forgetting the sealed copy of a resource that is gone, are the host's.
 */
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "common/crypto.h"
#include "common/js.h"
#include "kinds/registry-internal.h"

#define LENGTH_MAX 1024

enum char_class { CLASS_LOWER, CLASS_UPPER, CLASS_NUMERIC, CLASS_SPECIAL, CLASS_MAX };

static const struct {
    const char *flag, *minimum, *characters;
} classes[CLASS_MAX] = {
    [CLASS_LOWER] = {"lower", "min_lower", "abcdefghijklmnopqrstuvwxyz"},
    [CLASS_UPPER] = {"upper", "min_upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    [CLASS_NUMERIC] = {"numeric", "min_numeric", "0123456789"},
    [CLASS_SPECIAL] = {"special", "min_special", "!@#$%&*()-_=+[]{}<>:?"},
};

/* Printable ASCII without a blank: what every database and shell variable can carry. */
static bool is_special(const char *text)
{
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text <= ' ' || *text >= 0x7f)
            return false;
    }
    return true;
}

static const struct field fields[] = {
    {.name = "length",
     .type = FIELD_INTEGER,
     .flags = FIELD_REQUIRED | FIELD_IMMUTABLE,
     .min = 1,
     .max = LENGTH_MAX,
     .doc = "Number of characters."},
    {.name = "special",
     .type = FIELD_BOOLEAN,
     .flags = FIELD_IMMUTABLE,
     .fallback = "true",
     .doc = "Use special characters."},
    {.name = "upper",
     .type = FIELD_BOOLEAN,
     .flags = FIELD_IMMUTABLE,
     .fallback = "true",
     .doc = "Use upper-case letters."},
    {.name = "lower",
     .type = FIELD_BOOLEAN,
     .flags = FIELD_IMMUTABLE,
     .fallback = "true",
     .doc = "Use lower-case letters."},
    {.name = "numeric",
     .type = FIELD_BOOLEAN,
     .flags = FIELD_IMMUTABLE,
     .fallback = "true",
     .doc = "Use digits."},
    {.name = "min_special",
     .type = FIELD_INTEGER,
     .flags = FIELD_IMMUTABLE,
     .fallback = "0",
     .max = LENGTH_MAX,
     .doc = "At least so many special characters."},
    {.name = "min_upper",
     .type = FIELD_INTEGER,
     .flags = FIELD_IMMUTABLE,
     .fallback = "0",
     .max = LENGTH_MAX,
     .doc = "At least so many upper-case letters."},
    {.name = "min_lower",
     .type = FIELD_INTEGER,
     .flags = FIELD_IMMUTABLE,
     .fallback = "0",
     .max = LENGTH_MAX,
     .doc = "At least so many lower-case letters."},
    {.name = "min_numeric",
     .type = FIELD_INTEGER,
     .flags = FIELD_IMMUTABLE,
     .fallback = "0",
     .max = LENGTH_MAX,
     .doc = "At least so many digits."},
    {.name = "override_special",
     .type = FIELD_STRING,
     .flags = FIELD_IMMUTABLE,
     .min = 1,
     .max = 94,
     .accepts = is_special,
     .pattern = "printable ASCII characters without blanks",
     .doc = "The special characters to choose from, instead of !@#$%&*()-_=+[]{}<>:?."},
    {.name = "keepers",
     .type = FIELD_MAP,
     .flags = FIELD_IMMUTABLE | FIELD_EXCLUSIVE,
     .element = FIELD_STRING,
     .fallback = "{}",
     .doc = "Any texts: a new password is made when one of them changes."},
    {0},
};

static const struct attribute attributes[] = {
    {.name = "result", .type = FIELD_SECRET, .flags = FIELD_SENSITIVE, .doc = "The password."},
    {0},
};

/* ---- checking ---- */

/* A number as written; -1 for a reference. */
static int64_t written_number(struct json_object *document, const char *name)
{
    struct json_object *value = js_get(document, name);

    if (!value)
        return 0;
    return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;
}

static bool is_off(struct json_object *document, enum char_class class)
{
    struct json_object *value = js_get(document, classes[class].flag);

    return json_object_is_type(value, json_type_boolean) && !json_object_get_boolean(value);
}

static void check(struct kind_check *check)
{
    struct json_object *document = check->document;
    int64_t length = written_number(document, "length"), sum = 0;
    unsigned off = 0;

    for (int i = 0; i < CLASS_MAX; i++) {
        int64_t minimum = written_number(document, classes[i].minimum);

        if (minimum > 0)
            sum += minimum;
        off += is_off(document, i);
        if (minimum > 0 && is_off(document, i))
            check->problem(check, classes[i].minimum, "%s asks for characters that \"%s: false\" rules out",
                           classes[i].minimum, classes[i].flag);
    }
    if (off == CLASS_MAX)
        check->problem(check, "special",
                       "no characters are left: one of special, upper, lower, numeric must be true");
    if (length > 0 && sum > length)
        check->problem(check, "length", "length is %lld, but the min_ arguments ask for %lld characters",
                       (long long)length, (long long)sum);
}

/* ---- making one ---- */

static const char *characters_of(struct json_object *desired, enum char_class class)
{
    const char *own = class == CLASS_SPECIAL ? js_text(desired, "override_special") : NULL;

    return own && *own ? own : classes[class].characters;
}

static size_t add_random(char *password, size_t at, const char *characters, int64_t count)
{
    uint32_t choices = (uint32_t)strlen(characters);

    for (; count > 0; count--)
        password[at++] = characters[random_below(choices)];
    return at;
}

static void shuffle(char *password, size_t size)
{
    for (size_t i = size; i > 1; i--) {
        size_t other = random_below((uint32_t)i);
        char c = password[i - 1];

        password[i - 1] = password[other];
        password[other] = c;
    }
}

/* First what each class must have, then from all of them, then in random order. */
static int fill(struct json_object *desired, char *password, size_t length)
{
    struct buf all CLEANUP_BUF = BUF_INIT(512);
    size_t at = 0;

    for (int i = 0; i < CLASS_MAX; i++) {
        int64_t minimum = js_int(desired, classes[i].minimum, 0);

        if (!js_bool(desired, classes[i].flag, true))
            continue;
        buf_add_text(&all, characters_of(desired, i));
        if (minimum < 0 || (uint64_t)minimum > length - at)
            return -EINVAL;
        at = add_random(password, at, characters_of(desired, i), minimum);
    }
    if (all.failed < 0)
        return all.failed;
    if (all.size == 0)
        return -EINVAL;
    add_random(password, at, buf_text(&all), (int64_t)(length - at));
    shuffle(password, length);
    return 0;
}

static int generate(struct kind_op *op, struct secret **ret)
{
    int64_t length = js_int(op->desired, "length", 0);
    char *password;
    int r;

    if (length < 1 || length > LENGTH_MAX)
        return op_fail(op, -EINVAL, ERR_INVALID, "length must be from 1 to %d", LENGTH_MAX);
    password = sodium_malloc((size_t)length); /* wiped when freed */
    if (!password)
        return err_no_memory(op->err);
    r = fill(op->desired, password, (size_t)length);
    if (r == 0) {
        *ret = secret_new(password, (size_t)length);
        r = *ret ? 0 : -ENOMEM;
    }
    sodium_free(password);
    if (r == -EINVAL)
        return op_fail(op, r, ERR_INVALID, "the arguments leave no characters, or ask for more than length");
    return r < 0 ? err_no_memory(op->err) : 0;
}

/* What it was made with: every declared field, as the notes hold it. */
static struct json_object *arguments_of(struct json_object *document)
{
    struct json_object *notes = json_object_new_object();

    for (const struct field *field = fields; notes && field->name; field++) {
        struct json_object *value = js_get(document, field->name), *copy;

        if (!value)
            continue;
        copy = js_copy(value);
        if (!copy || js_put_key(notes, field->name, copy) < 0) {
            json_object_put(notes);
            notes = NULL;
        }
    }
    return notes;
}

static struct json_object *fingerprinted(const char *fingerprint)
{
    struct json_object *secret = json_object_new_object();

    if (secret && js_set_text(secret, "secret", fingerprint) < 0) {
        json_object_put(secret);
        return NULL;
    }
    return secret;
}

static int create(struct kind_op *op)
{
    struct secret *password CLEANUP_SECRET = NULL;
    struct json_object *notes CLEANUP_JS = arguments_of(op->desired);
    char *fingerprint CLEANUP_FREE = NULL;
    int r;

    if (!notes)
        return err_no_memory(op->err);
    r = generate(op, &password);
    if (r < 0)
        return r;
    fingerprint = op->host->fingerprint(op->host_data, password);
    if (!fingerprint)
        return err_no_memory(op->err);
    r = op->host->before_write(op, "make password", op->err);
    if (r == 0)
        r = op->host->keep_secret(op, "result", password, op->err);
    if (r < 0)
        return r;
    op_remember(op, TAKE(notes));
    r = op_created(op, op->address);
    return r < 0 ? r : op_attribute(op, "result", fingerprinted(fingerprint));
}

/* ---- looking ---- */

static void observe_one(struct kind_batch *batch, struct kind_item *item)
{
    char *fingerprint CLEANUP_FREE = batch->host->kept_secret(batch->host_data, item->address, "result");
    struct json_object *observed = NULL;
    struct err err CLEANUP_ERR = {0};

    /*
     * Made before, and now not to be opened: that is a lost key or a damaged store, and no reason to
     * lock everybody out.
     */
    if (!fingerprint && item->id) {
        err_set(&err, -EKEYREJECTED, ERR_BUG,
                "its sealed copy is gone or can not be opened; restore the key, or forget the resource to "
                "get a new "
                "password");
        batch_unknown(item, &err);
        return;
    }
    if (!fingerprint) {
        batch_absent(item);
        return;
    }
    /* Without notes (made, but we died before they were kept) there is nothing it could differ from. */
    observed = arguments_of(item->memory ? item->memory : item->desired);
    if (observed && js_put_key(observed, "result", fingerprinted(fingerprint)) < 0) {
        json_object_put(observed);
        observed = NULL;
    }
    batch_present(item, item->address, observed);
}

static int observe(struct kind_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        observe_one(batch, &batch->items[i]);
    return 0;
}

/* Every field is immutable: a difference means a new password, never a change to this one. */
static int update(struct kind_op *op, const struct diff *diff)
{
    (void)diff;
    return op_fail(op, -EINVAL, ERR_BUG, "a password can not be changed, only made anew");
}

/* The host forgets the sealed copy together with the resource. */
static int remove_password(struct kind_op *op)
{
    return op->host->before_write(op, "forget password", op->err);
}

static void farewell(struct kind_batch *batch, struct kind_item *item, struct farewell *farewell)
{
    (void)batch;
    (void)item;
    farewell_say(farewell, FAREWELL_LOSES, "the password is forgotten for good");
}

const struct kind random_password_kind = {
    .type = "random_password",
    .provider = PROVIDER_NONE,
    .flags = KIND_LOCAL | KIND_ADOPT_ALWAYS,
    .doc = "A random password, kept sealed in the daemon's store.",
    .fields = fields,
    .attributes = attributes,
    .pace = {.first_look_ms = 100, .every_ms = 100, .give_up_ms = 1000, .usual_ms = 1},
    .check = check,
    .observe = observe,
    .create = create,
    .update = update,
    .remove = remove_password,
    .farewell = farewell,
};
