/*
 * policy.c: when two IAM-style policy documents mean the same.
 *
 * Both are brought to one canonical form, row by row as AWS evaluates them, and
 * compared as JSON. What AWS rewrites by itself (an account id becomes the ARN
 * of its root, one becomes a list of one, orders change) must not matter;
 * what grants something else must.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "kinds/diff.h"
#include "kinds/registry-internal.h"

#define DEFAULT_VERSION "2008-10-17" /* not 2012-10-17: that is what AWS takes a missing one for */
#define ACCOUNT_DIGITS  12

static void lower_ascii(char *text)
{
    for (; *text; text++)
        *text = (char)tolower((unsigned char)*text);
}

/* Text in lower case; others as they are. Owned. */
static struct json_object *lowered(struct json_object *value)
{
    struct json_object *result;
    char *text;

    if (!json_object_is_type(value, json_type_string))
        return json_object_get(value);
    text = strdup(json_object_get_string(value));
    if (!text)
        return NULL;
    lower_ascii(text);
    result = json_object_new_string(text);
    free(text);
    return result;
}

/* true and 12 as "true" and "12"; others as they are. Owned. */
static struct json_object *as_text(struct json_object *value)
{
    struct json_object *result;
    char *text;

    switch (json_object_get_type(value)) {
    case json_type_boolean:
    case json_type_int:
    case json_type_double:
        text = js_scalar_text(value);
        result = text ? json_object_new_string(text) : NULL;
        free(text);
        return result;
    default:
        return json_object_get(value);
    }
}

static bool all_digits(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
    }
    return true;
}

/* "arn:PARTITION:iam::ACCOUNT:root" as "ACCOUNT"; others as they are. Owned. */
static struct json_object *account_of_root(struct json_object *value)
{
    const char *text, *account;
    size_t length;

    if (!json_object_is_type(value, json_type_string))
        return json_object_get(value);
    text = json_object_get_string(value);
    if (!str_starts(text, "arn:aws") || !str_ends(text, ":root"))
        return json_object_get(value);
    length = strcspn(text + 4, ":"); /* the partition */
    account = text + 4 + length;
    if (!str_starts(account, ":iam::") || strlen(account) != 6 + ACCOUNT_DIGITS + 5)
        return json_object_get(value);
    account += 6;
    return all_digits(account, ACCOUNT_DIGITS) ? json_object_new_string_len(account, ACCOUNT_DIGITS)
                                               : json_object_get(value);
}

/* ---- sets and multisets ---- */

struct keyed {
    char *text; /* canonical */
    struct json_object *value;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct keyed *)a)->text, ((const struct keyed *)b)->text);
}

static void keyed_free(struct keyed *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(items[i].text);
        json_object_put(items[i].value);
    }
    free(items);
}

/* Items sorted into an array, doubles left out where @unique. Owned. */
static struct json_object *keyed_array(struct keyed *items, size_t count, bool unique)
{
    struct json_object *array = json_object_new_array();

    qsort(items, count, sizeof(*items), by_text);
    for (size_t i = 0; array && i < count; i++) {
        if (unique && i > 0 && strcmp(items[i - 1].text, items[i].text) == 0)
            continue;
        if (json_object_array_add(array, items[i].value) < 0) {
            json_object_put(array);
            return NULL;
        }
        json_object_get(items[i].value); /* one for the array, one for the items */
    }
    return array;
}

typedef struct json_object *(*translate_fn)(struct json_object *value);

/*
 * An array, or a value for an array of one: every element translated, sorted, and unique
 * where it is a set. Owned; NULL without memory.
 */
static struct json_object *sorted(struct json_object *value, translate_fn translate, bool unique)
{
    bool is_array = json_object_is_type(value, json_type_array);
    size_t count = is_array ? json_object_array_length(value) : 1, done = 0;
    struct json_object *result = NULL;
    struct keyed *items = calloc(count + 1, sizeof(*items));

    for (; items && done < count; done++) {
        struct json_object *element = is_array ? js_at(value, done) : value;

        items[done].value = translate(element);
        items[done].text = js_canonical(items[done].value);
        if (!items[done].text || (element && !items[done].value)) {
            keyed_free(items, done + 1);
            return NULL;
        }
    }
    if (items)
        result = keyed_array(items, count, unique);
    if (items)
        keyed_free(items, count);
    return result;
}

/* ---- the rows ---- */

/* Put under @key what may be NULL for want of memory. */
static int put_made(struct json_object *object, const char *key, struct json_object *take_value)
{
    return take_value ? js_put_key(object, key, take_value) : -ENOMEM;
}

static int put_as_it_is(struct json_object *object, const char *key, struct json_object *value)
{
    if (!value)
        return js_put_key(object, key, NULL);
    return put_made(object, key, js_copy(value));
}

/* One type of a principal: a set, nothing when it is empty. */
static int put_principal_type(struct json_object *result, const char *type, struct json_object *value)
{
    if (json_object_is_type(value, json_type_array) && json_object_array_length(value) == 0)
        return 0;
    return put_made(result, type, sorted(value, account_of_root, true));
}

static struct json_object *canonical_principal(struct json_object *principal)
{
    struct json_object *result;
    int r = 0;

    if (json_object_is_type(principal, json_type_object)) {
        result = json_object_new_object();
        if (!result)
            return NULL;
        js_each (principal, type, value) {
            r = r < 0 ? r : put_principal_type(result, type, value);
        }
    } else if (str_equal(js_text(principal, NULL), "*")) {
        result = json_object_new_object();
        if (!result)
            return NULL;
        r = put_principal_type(result, "AWS", principal);
    } else {
        return js_copy(principal);
    }
    if (r < 0) {
        json_object_put(result);
        return NULL;
    }
    return result;
}

/*
 * Does the operator have another key that differs in case alone? Both are tested then, and neither may
 * get lost.
 */
static bool key_has_twin(struct json_object *operator, const char * key)
{
    js_each (operator, other, value) {
        (void)value; /* the key is the question */
        if (strcmp(other, key) != 0 && str_equal_nocase(other, key))
            return true;
    }
    return false;
}

static struct json_object *canonical_operator(struct json_object *operator)
{
    struct json_object *result CLEANUP_JS = NULL;
    int r = 0;

    if (!json_object_is_type(operator, json_type_object))
        return js_copy(operator);
    result = json_object_new_object();
    if (!result)
        return NULL;
    js_each (operator, key, value) {
        char *name CLEANUP_FREE = strdup(key);

        if (r < 0 || !name) {
            r = -ENOMEM;
            continue;
        }
        if (!key_has_twin(operator, key))
            lower_ascii(name);
        r = put_made(result, name, sorted(value, as_text, true));
    }
    return r < 0 ? NULL : TAKE(result);
}

static struct json_object *canonical_condition(struct json_object *condition)
{
    struct json_object *result CLEANUP_JS = NULL;
    int r = 0;

    if (!json_object_is_type(condition, json_type_object))
        return js_copy(condition);
    result = json_object_new_object();
    if (!result)
        return NULL;
    js_each (condition, name, operator) {
        if (r == 0 && !operator)
            r = js_put_key(result, name, NULL);
        else if (r == 0)
            r = put_made(result, name, canonical_operator(operator));
    }
    return r < 0 ? NULL : TAKE(result);
}

static bool is_one_of(const char *name, const char *a, const char *b)
{
    return strcmp(name, a) == 0 || strcmp(name, b) == 0;
}

static int put_statement_member(struct json_object *result, const char *name, struct json_object *value)
{
    if (strcmp(name, "Sid") == 0 && (!value || str_equal(js_text(value, NULL), "")))
        return 0;
    if (!value)
        return js_put_key(result, name, NULL);
    if (strcmp(name, "Effect") == 0)
        return put_made(result, name, lowered(value));
    if (is_one_of(name, "Action", "NotAction"))
        return put_made(result, name, sorted(value, lowered, true));
    if (is_one_of(name, "Resource", "NotResource"))
        return put_made(result, name, sorted(value, json_object_get, true));
    if (is_one_of(name, "Principal", "NotPrincipal"))
        return put_made(result, name, canonical_principal(value));
    if (strcmp(name, "Condition") == 0)
        return put_made(result, name, canonical_condition(value));
    return put_as_it_is(result, name, value);
}

static struct json_object *canonical_statement(struct json_object *statement)
{
    struct json_object *result = json_object_new_object();
    int r = 0;

    if (!result)
        return NULL;
    js_each (statement, name, value) {
        r = r < 0 ? r : put_statement_member(result, name, value);
    }
    if (r < 0) {
        json_object_put(result);
        return NULL;
    }
    return result;
}

/* ---- the document ---- */

/* Are these statements at all? */
static bool are_statements(struct json_object *statements)
{
    if (json_object_is_type(statements, json_type_object))
        return true;
    if (!json_object_is_type(statements, json_type_array))
        return false;
    for (size_t i = 0, count = js_count(statements, NULL); i < count; i++) {
        if (!json_object_is_type(js_at(statements, i), json_type_object))
            return false;
    }
    return true;
}

/* The document as an object: as given, or parsed from text. Owned. */
static int policy_object(struct json_object *policy, struct json_object **ret, struct err *err)
{
    struct json_object *object CLEANUP_JS = NULL, *statements = NULL;
    int r;

    if (json_object_is_type(policy, json_type_string)) {
        r = js_parse(json_object_get_string(policy), (size_t)json_object_get_string_len(policy), &object,
                     err);
        if (r < 0)
            return err_wrap(err, r, "policy");
    } else {
        object = json_object_get(policy);
    }
    if (!json_object_is_type(object, json_type_object))
        return err_set(err, -EBADMSG, ERR_INVALID, "policy: %s, not an object", js_type_name(object));
    if (!json_object_object_get_ex(object, "Statement", &statements) || !are_statements(statements))
        return err_set(err, -EBADMSG, ERR_INVALID, "policy: has no statements");
    *ret = TAKE(object);
    return 0;
}

static int put_document_member(struct json_object *result, const char *name, struct json_object *value)
{
    if (strcmp(name, "Statement") == 0)
        return put_made(result, name, sorted(value, canonical_statement, false));
    return put_as_it_is(result, name, value);
}

static int canonical(struct json_object *policy, struct json_object **ret, struct err *err)
{
    struct json_object *object CLEANUP_JS = NULL;
    struct json_object *result CLEANUP_JS = NULL;
    int r;

    r = policy_object(policy, &object, err);
    if (r < 0)
        return r;
    result = json_object_new_object();
    if (!result)
        return err_no_memory(err);
    js_each (object, name, value) {
        r = r < 0 ? r : put_document_member(result, name, value);
    }
    if (r == 0 && !js_get(result, "Version"))
        r = js_set_text(result, "Version", DEFAULT_VERSION);
    if (r < 0)
        return err_no_memory(err);
    *ret = TAKE(result);
    return 0;
}

struct json_object *policy_canonical(struct json_object *policy, struct err *err)
{
    struct json_object *result = NULL;

    (void)canonical(policy, &result, err); /* NULL says it, @err says why */
    return result;
}

int policy_equal(struct json_object *a, struct json_object *b, bool *ret_equal, struct err *err)
{
    struct json_object *first CLEANUP_JS = NULL;
    struct json_object *second CLEANUP_JS = NULL;
    int r;

    r = canonical(a, &first, err);
    if (r < 0)
        return r;
    r = canonical(b, &second, err);
    if (r < 0)
        return r;
    *ret_equal = js_equal(first, second);
    return 0;
}

void policy_check(struct kind_check *check, const char *path, struct json_object *policy)
{
    struct json_object *object CLEANUP_JS = NULL;
    struct err err CLEANUP_ERR = {0};

    if (!policy || str_starts(js_text(policy, NULL) ? js_text(policy, NULL) : "", "${"))
        return; /* none, or known later */
    if (policy_object(policy, &object, &err) == -EBADMSG)
        check->problem(check, path, "%s", err_text(&err));
}
