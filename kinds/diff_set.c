/*
 * diff_set.c: comparing what holds many: lists by place, sets by element, maps by key.
 *
 * What is observed and not declared counts only where the row is EXCLUSIVE.
 * Elements that are not known yet could be any: then extras can not be told
 * one by one, and one entry for the whole says so.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "kinds/diff-internal.h"

static bool is_list(struct json_object *value)
{
    return json_object_is_type(value, json_type_array);
}

/* Is nothing declared or seen here? */
static bool is_empty(struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_null:
        return true;
    case json_type_string:
        return json_object_get_string_len(value) == 0;
    case json_type_array:
        return json_object_array_length(value) == 0;
    case json_type_object:
        return json_object_object_length(value) == 0;
    default:
        return false;
    }
}

int diff_nothing(struct diff_run *run, const struct diff_at *at, struct json_object *observed)
{
    struct json_object *none CLEANUP_JS = NULL;

    if (is_empty(observed))
        return 0;
    if (at->field->type == FIELD_SET || at->field->type == FIELD_LIST)
        none = json_object_new_array();
    else if (at->field->type == FIELD_MAP)
        none = json_object_new_object();
    else
        return diff_add(run, at, DIFF_EXTRA, NULL, observed);
    return none ? diff_value(run, at, at->field->type, none, observed) : -ENOMEM;
}

static int compare_index(struct diff_run *run, const struct diff_at *at, size_t index,
                         struct json_object *desired, struct json_object *observed)
{
    char *path CLEANUP_FREE = str_format("%s[%zu]", at->path, index);
    struct diff_at here = *at;

    if (!path)
        return -ENOMEM;
    here.path = path;
    if (!desired)
        return diff_add(run, &here, DIFF_EXTRA, NULL, observed);
    return diff_value(run, &here, at->field->element, desired, observed);
}

int diff_list(struct diff_run *run, const struct diff_at *at, struct json_object *desired,
              struct json_object *observed)
{
    size_t count = js_count(desired, NULL), seen = js_count(observed, NULL);
    int r = 0;

    if (!is_list(desired))
        return -EINVAL;
    for (size_t i = 0; i < count && r == 0; i++)
        r = compare_index(run, at, i, js_at(desired, i), js_at(observed, i));
    if (!(at->field->flags & FIELD_EXCLUSIVE))
        return r;
    for (size_t i = count; i < seen && r == 0; i++)
        r = compare_index(run, at, i, NULL, js_at(observed, i));
    return r;
}

/* What tells an element of a set from the others; owned; NULL when it is not known, or without memory. */
static char *element_name(const struct field *field, struct json_object *element)
{
    const char *name;

    if (field->element != FIELD_OBJECT)
        return js_scalar_text(element);
    name = js_text(element, field->key);
    return name ? strdup(name) : NULL;
}

static bool same_name(const struct field *field, const char *a, const char *b)
{
    return field->flags & FIELD_IGNORE_CASE ? str_equal_nocase(a, b) : str_equal(a, b);
}

/* The element of that name; NULL when there is none. Borrowed. */
static struct json_object *element_find(const struct field *field, struct json_object *set, const char *name)
{
    for (size_t i = 0, count = js_count(set, NULL); i < count; i++) {
        char *other CLEANUP_FREE = element_name(field, js_at(set, i));

        if (other && same_name(field, other, name))
            return js_at(set, i);
    }
    return NULL;
}

static int compare_element(struct diff_run *run, const struct diff_at *at, const char *name,
                           struct json_object *desired, struct json_object *observed)
{
    char *path CLEANUP_FREE = diff_path_element(at->path, name);
    struct diff_at here = *at;

    if (!path)
        return -ENOMEM;
    here.path = path;
    here.element = name;
    if (!desired)
        return diff_add(run, &here, DIFF_EXTRA, NULL, observed);
    if (!observed)
        return diff_add(run, &here, DIFF_MISSING, desired, NULL);
    if (at->field->element != FIELD_OBJECT)
        return 0; /* found by its value */
    return diff_object(run, &here, desired, observed);
}

/* Declared elements; *@ret_vague: are there some that nobody knows yet? */
static int compare_declared(struct diff_run *run, const struct diff_at *at, struct json_object *desired,
                            struct json_object *observed, bool *ret_vague)
{
    const struct field *field = at->field;
    int r;

    for (size_t i = 0, count = js_count(desired, NULL); i < count; i++) {
        struct json_object *element = js_at(desired, i);
        char *name CLEANUP_FREE = element_name(field, element);

        if (!name && (diff_has_unknown(element) || !element)) {
            *ret_vague |= element != NULL;
            continue;
        }
        if (!name)
            return -EINVAL;
        if (element_find(field, desired, name) != element)
            continue; /* said twice */
        r = compare_element(run, at, name, element, element_find(field, observed, name));
        if (r < 0)
            return r;
    }
    return 0;
}

static int compare_extras(struct diff_run *run, const struct diff_at *at, struct json_object *desired,
                          struct json_object *observed, bool vague)
{
    const struct field *field = at->field;

    for (size_t i = 0, count = js_count(observed, NULL); i < count; i++) {
        char *name CLEANUP_FREE = element_name(field, js_at(observed, i));
        int r;

        if (!name || element_find(field, desired, name))
            continue;
        if (vague) /* one for all: it could be what is not known yet */
            return diff_add(run, at, DIFF_CHANGED, desired, observed);
        r = compare_element(run, at, name, NULL, js_at(observed, i));
        if (r < 0)
            return r;
    }
    return 0;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct diff_entry *)a)->path, ((const struct diff_entry *)b)->path);
}

/* Services list sets in any order: the entries come in one. */
static void sort_entries(struct diff_run *run, size_t first)
{
    if (run->diff.count > first)
        qsort(run->diff.entries + first, run->diff.count - first, sizeof(*run->diff.entries), by_path);
}

int diff_set(struct diff_run *run, const struct diff_at *at, struct json_object *desired,
             struct json_object *observed)
{
    size_t first = run->diff.count;
    bool vague = false;
    int r;

    if (!is_list(desired))
        return -EINVAL;
    r = compare_declared(run, at, desired, observed, &vague);
    if (r == 0 && (at->field->flags & FIELD_EXCLUSIVE))
        r = compare_extras(run, at, desired, observed, vague);
    sort_entries(run, first);
    return r;
}

static int compare_key(struct diff_run *run, const struct diff_at *at, const char *key,
                       struct json_object *desired, struct json_object *observed)
{
    char *path CLEANUP_FREE = diff_path_element(at->path, key);
    struct diff_at here = *at;

    if (!path)
        return -ENOMEM;
    here.path = path;
    here.element = key;
    if (!desired)
        return observed ? diff_add(run, &here, DIFF_EXTRA, NULL, observed) : 0;
    return diff_value(run, &here, at->field->element, desired, observed);
}

static int compare_declared_keys(struct diff_run *run, const struct diff_at *at, struct json_object *desired,
                                 struct json_object *observed)
{
    int r = 0;

    js_each (desired, key, wanted) {
        struct json_object *seen = NULL;

        json_object_object_get_ex(observed, key, &seen);
        if (wanted && r == 0)
            r = compare_key(run, at, key, wanted, seen);
    }
    return r;
}

static int compare_extra_keys(struct diff_run *run, const struct diff_at *at, struct json_object *desired,
                              struct json_object *observed)
{
    int r = 0;

    js_each (observed, key, seen) {
        struct json_object *wanted = NULL;

        json_object_object_get_ex(desired, key, &wanted);
        if (!wanted && r == 0)
            r = compare_key(run, at, key, NULL, seen);
    }
    return r;
}

int diff_map(struct diff_run *run, const struct diff_at *at, struct json_object *desired,
             struct json_object *observed)
{
    size_t first = run->diff.count;
    int r;

    if (!json_object_is_type(desired, json_type_object))
        return -EINVAL;
    r = compare_declared_keys(run, at, desired, observed);
    if (r == 0 && (at->field->flags & FIELD_EXCLUSIVE) && json_object_is_type(observed, json_type_object))
        r = compare_extra_keys(run, at, desired, observed);
    sort_entries(run, first);
    return r;
}
