/*
 * diff_value.c: comparing single values: text, numbers, versions, policies,
 * secrets by fingerprint; and telling what is known only after apply.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "kinds/diff-internal.h"

bool diff_is_unknown(struct json_object *value)
{
    struct json_object *name;

    return json_object_is_type(value, json_type_object) && json_object_object_length(value) == 1 &&
           json_object_object_get_ex(value, "unknown", &name) && json_object_is_type(name, json_type_string);
}

/* Parsed documents are at most 32 levels deep, so this is too. */
bool diff_has_unknown(struct json_object *value)
{
    if (diff_is_unknown(value))
        return true;
    if (json_object_is_type(value, json_type_object)) {
        js_each (value, key, member) {
            (void)key; /* only values can be unknown */
            if (diff_has_unknown(member))
                return true;
        }
    }
    for (size_t i = 0, count = js_count(value, NULL); i < count; i++) {
        if (diff_has_unknown(js_at(value, i)))
            return true;
    }
    return false;
}

/* The next number of a dotted version; parts that are no number end it. False when there is none left. */
static bool next_part(const char **version, unsigned long *ret)
{
    char *end;

    if (!isdigit((unsigned char)**version))
        return false;
    *ret = strtoul(*version, &end, 10);
    *version = *end == '.' ? end + 1 : end;
    return true;
}

/* "16" is content with "16.4"; a version above the wanted one is left alone, since nothing may lower it. */
static bool version_satisfied(const char *desired, const char *observed)
{
    unsigned long want, have;

    while (next_part(&desired, &want)) {
        if (!next_part(&observed, &have))
            return false;
        if (have != want)
            return have > want;
    }
    return strcmp(desired, observed) == 0 || desired[0] == '\0';
}

static bool same_text(const struct diff_at *at, enum field_type type, struct json_object *desired,
                      struct json_object *observed)
{
    const char *a = json_object_get_string(desired), *b = json_object_get_string(observed);

    if (type == FIELD_VERSION)
        return version_satisfied(a, b);
    if (at->flags & FIELD_IGNORE_CASE)
        return str_equal_nocase(a, b);
    return js_equal(desired, observed); /* not strcmp: a NUL may hide the rest */
}

int diff_scalar(struct diff_run *run, const struct diff_at *at, enum field_type type,
                struct json_object *desired, struct json_object *observed)
{
    bool equal;

    if (!observed)
        return diff_add(run, at, DIFF_MISSING, desired, NULL);
    if (json_object_is_type(desired, json_type_string) && json_object_is_type(observed, json_type_string))
        equal = same_text(at, type, desired, observed);
    else
        equal = js_equal(desired, observed);
    return equal ? 0 : diff_add(run, at, DIFF_CHANGED, desired, observed);
}

/* A document that may stand as JSON text; owned; text that is no JSON stays text. */
static struct json_object *policy_parsed(struct json_object *policy)
{
    struct json_object *parsed = NULL;

    if (json_object_is_type(policy, json_type_string) &&
        js_parse(json_object_get_string(policy), (size_t)json_object_get_string_len(policy), &parsed, NULL) ==
            0 &&
        parsed)
        return parsed;
    return json_object_get(policy);
}

int diff_policy(struct diff_run *run, const struct diff_at *at, struct json_object *desired,
                struct json_object *observed)
{
    struct json_object *wanted CLEANUP_JS = policy_parsed(desired);
    struct json_object *seen CLEANUP_JS = policy_parsed(observed);
    bool equal = false;
    int r;

    if (!seen)
        return diff_add(run, at, DIFF_MISSING, wanted, NULL);
    if (diff_has_unknown(wanted))
        return diff_add(run, at, DIFF_CHANGED, wanted, seen);
    r = policy_equal(wanted, seen, &equal, NULL);
    if (r == -ENOMEM)
        return r;
    /* Without statements (a lifecycle policy) it is JSON like any other. */
    if (r < 0)
        equal = js_equal(wanted, seen);
    return equal ? 0 : diff_add(run, at, DIFF_CHANGED, wanted, seen);
}

/* What a person sees of a secret: never more than a note about it; owned. */
static struct json_object *secret_note(struct json_object *secret)
{
    const char *note = js_text(secret, "note");

    return json_object_new_string(note ? note : "(sensitive)");
}

int diff_secret(struct diff_run *run, const struct diff_at *at, struct json_object *desired,
                struct json_object *observed)
{
    struct diff_at here = *at;
    struct json_object *wanted CLEANUP_JS = NULL;
    struct json_object *seen CLEANUP_JS = NULL;

    if (observed && js_text(desired, "secret") &&
        str_equal(js_text(desired, "secret"), js_text(observed, "secret")))
        return 0;
    here.flags &= ~(unsigned)FIELD_SENSITIVE; /* the notes may be seen */
    wanted = secret_note(desired);
    seen = observed ? secret_note(observed) : NULL;
    if (!wanted || (observed && !seen))
        return -ENOMEM;
    return diff_add(run, &here, observed ? DIFF_CHANGED : DIFF_MISSING, wanted, seen);
}
