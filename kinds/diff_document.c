/*
 * diff_document.c: comparing documents of a form that no row describes: declared leaves only.
 *
 * The kind brings what it sees into the shape of what is declared before, so elements of lists stand at the same
 * index; a list of another length is one entry. What must not be there at all the kind puts
 * under DOCUMENT_EXTRA, and who changed what under DOCUMENT_BY (diff.h).
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/diff-internal.h"

/* One document under comparison. */
struct leaves {
    struct diff_run *run;
    struct json_object *by;
    size_t base; /* length of the field's own path and the dot behind it */
};

static int compare(const struct leaves *leaves, const struct diff_at *at, struct json_object *desired,
                   struct json_object *observed);

/* Path inside the document. */
static const char *inner_path(const struct leaves *leaves, const struct diff_at *at)
{
    return strlen(at->path) > leaves->base ? at->path + leaves->base : "";
}

static bool is_identity(const struct field *field, const char *path)
{
    for (const char *const *name = field->identity; name && *name; name++) {
        if (diff_path_under(path, *name))
            return true;
    }
    return false;
}

static int add(const struct leaves *leaves, const struct diff_at *at, enum diff_what what,
               struct json_object *desired, struct json_object *observed)
{
    struct diff_at here = *at;
    struct json_object *by = NULL;

    if (json_object_object_get_ex(leaves->by, inner_path(leaves, at), &by))
        here.by = json_object_get_string(by);
    if (is_identity(at->field, inner_path(leaves, at)))
        here.flags |= FIELD_IMMUTABLE;
    if (what == DIFF_EXTRA)
        here.flags |= FIELD_SECURITY; /* nobody declared it: whose is it? */
    return diff_add(leaves->run, &here, what, desired, observed);
}

static int compare_members(const struct leaves *leaves, const struct diff_at *at, struct json_object *desired,
                           struct json_object *observed)
{
    int r = 0;

    js_each (desired, key, wanted) {
        char *path CLEANUP_FREE = diff_path_member(at->path, key);
        struct json_object *seen = NULL;
        struct diff_at here = *at;

        if (r < 0 || !path)
            return r < 0 ? r : -ENOMEM;
        here.path = path;
        json_object_object_get_ex(observed, key, &seen);
        r = compare(leaves, &here, wanted, seen);
    }
    return r;
}

static int compare_elements(const struct leaves *leaves, const struct diff_at *at,
                            struct json_object *desired, struct json_object *observed)
{
    size_t count = js_count(desired, NULL);
    int r = 0;

    if (!json_object_is_type(observed, json_type_array) || js_count(observed, NULL) != count)
        return add(leaves, at, DIFF_CHANGED, desired, observed);
    for (size_t i = 0; i < count && r == 0; i++) {
        char *path CLEANUP_FREE = str_format("%s.%zu", at->path, i);
        struct diff_at here = *at;

        if (!path)
            return -ENOMEM;
        here.path = path;
        r = compare(leaves, &here, js_at(desired, i), js_at(observed, i));
    }
    return r;
}

static int compare(const struct leaves *leaves, const struct diff_at *at, struct json_object *desired,
                   struct json_object *observed)
{
    if (diff_is_unknown(desired))
        return observed ? add(leaves, at, DIFF_CHANGED, desired, observed) : 0;
    if (desired && !observed)
        return add(leaves, at, DIFF_MISSING, desired, NULL);
    if (json_object_is_type(desired, json_type_object) && json_object_is_type(observed, json_type_object))
        return compare_members(leaves, at, desired, observed);
    if (json_object_is_type(desired, json_type_array))
        return compare_elements(leaves, at, desired, observed);
    return js_equal(desired, observed) ? 0 : add(leaves, at, DIFF_CHANGED, desired, observed);
}

static int add_extras(const struct leaves *leaves, const struct diff_at *at, struct json_object *extras)
{
    int r = 0;

    js_each (extras, key, value) {
        char *path CLEANUP_FREE = str_format("%s.%s", at->path, key);
        struct diff_at here = *at;

        if (r < 0 || !path)
            return r < 0 ? r : -ENOMEM;
        here.path = path;
        r = add(leaves, &here, DIFF_EXTRA, NULL, value);
    }
    return r;
}

int diff_document(struct diff_run *run, const struct diff_at *at, struct json_object *desired,
                  struct json_object *observed)
{
    struct json_object *extras = NULL;
    struct leaves leaves = {.run = run, .base = strlen(at->path) + 1};
    int r;

    if (!json_object_is_type(desired, json_type_object))
        return -EINVAL;
    json_object_object_get_ex(observed, DOCUMENT_BY, &leaves.by);
    json_object_object_get_ex(observed, DOCUMENT_EXTRA, &extras);
    r = compare(&leaves, at, desired, observed);
    return r == 0 && extras ? add_extras(&leaves, at, extras) : r;
}
