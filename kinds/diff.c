/*
 * diff.c: two documents against each other, row by row.
 *
 * The table decides what is compared and how; nothing here knows a kind.
 * Lists, sets and maps are in diff_set.c, single values in diff_value.c.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "kinds/diff-internal.h"
#include "kinds/kind.h"

const char *diff_what_name(enum diff_what what)
{
    static const char *const names[DIFF_WHAT_MAX] = {
        [DIFF_CHANGED] = "changed",
        [DIFF_MISSING] = "missing",
        [DIFF_EXTRA] = "extra",
    };

    assert((unsigned)what < DIFF_WHAT_MAX);
    return names[what];
}

const char *severity_name(enum severity severity)
{
    static const char *const names[SEVERITY_MAX] = {
        [SEVERITY_NOTICE] = "notice",
        [SEVERITY_WARNING] = "warning",
        [SEVERITY_CRITICAL] = "critical",
    };

    assert((unsigned)severity < SEVERITY_MAX);
    return names[severity];
}

static enum severity severity_of(const struct diff_at *at)
{
    if (at->flags & FIELD_SECURITY)
        return SEVERITY_CRITICAL;
    return strcmp(at->top->name, "tags") == 0 ? SEVERITY_NOTICE : SEVERITY_WARNING;
}

/* What a person sees of a value; owned. NULL for no value, and without memory. */
static char *shown(const struct diff_at *at, struct json_object *value)
{
    if (value && (at->flags & FIELD_SENSITIVE))
        return strdup("\"(sensitive)\"");
    return value ? js_canonical(value) : NULL;
}

static void entry_done(struct diff_entry *entry)
{
    free(entry->path);
    free(entry->element);
    free(entry->desired);
    free(entry->observed);
    free(entry->by);
}

static struct diff_entry *new_entry(struct diff_run *run)
{
    struct diff_entry *entries;
    size_t capacity;

    if (run->diff.count == run->capacity) {
        capacity = run->capacity ? run->capacity * 2 : 4;
        entries = reallocarray(run->diff.entries, capacity, sizeof(*entries));
        if (!entries)
            return NULL;
        run->diff.entries = entries;
        run->capacity = capacity;
    }
    return &run->diff.entries[run->diff.count];
}

int diff_add(struct diff_run *run, const struct diff_at *at, enum diff_what what, struct json_object *desired,
             struct json_object *observed)
{
    struct diff_entry *entry = new_entry(run);

    if (!entry)
        return -ENOMEM;
    *entry = (struct diff_entry){
        .path = strdup(at->path),
        .element = at->element ? strdup(at->element) : NULL,
        .what = what,
        .desired = shown(at, desired),
        .observed = shown(at, observed),
        .field = at->field,
        .top = at->top,
        .severity = severity_of(at),
        .unknown_after = diff_has_unknown(desired),
        .by = at->by ? strdup(at->by) : NULL,
    };
    if (!entry->path || (at->element && !entry->element) || (desired && !entry->desired) ||
        (observed && !entry->observed) || (at->by && !entry->by)) {
        entry_done(entry);
        return -ENOMEM;
    }
    /* Nothing is replaced for the sake of a value that nobody knows yet. */
    entry->replaces = (at->flags & FIELD_IMMUTABLE) && !entry->unknown_after;
    run->diff.replace |= entry->replaces;
    run->diff.count++;
    return 0;
}

static bool means_none(const struct field *field)
{
    return field->fallback && strcmp(field->fallback, "null") == 0;
}

/* One member of two objects; @at is the object's place. */
static int compare_member(struct diff_run *run, const struct diff_at *at, const struct field *field,
                          struct json_object *desired_object, struct json_object *observed_object)
{
    struct json_object *desired = NULL, *observed = NULL;
    char *path CLEANUP_FREE = NULL;
    struct diff_at here = *at;

    if (field->flags & (FIELD_LOCAL | FIELD_CREATE_ONCE))
        return 0;
    if (!json_object_object_get_ex(desired_object, field->name, &desired) && !means_none(field))
        return 0;
    if (!desired && !(field->flags & (FIELD_EXCLUSIVE | FIELD_SECURITY)))
        return 0;
    json_object_object_get_ex(observed_object, field->name, &observed);
    path = at->path[0] ? str_format("%s.%s", at->path, field->name) : strdup(field->name);
    if (!path)
        return -ENOMEM;
    here.field = field;
    here.top = at->top ? at->top : field;
    here.flags = field->flags | (at->flags & DIFF_INHERITED);
    here.path = path;
    return desired ? diff_value(run, &here, field->type, desired, observed)
                   : diff_nothing(run, &here, observed);
}

static int compare_members(struct diff_run *run, const struct diff_at *at, const struct field *fields,
                           struct json_object *desired, struct json_object *observed)
{
    for (const struct field *field = fields; field && field->name; field++) {
        int r = compare_member(run, at, field, desired, observed);

        if (r < 0)
            return r;
    }
    return 0;
}

int diff_object(struct diff_run *run, const struct diff_at *at, struct json_object *desired,
                struct json_object *observed)
{
    if (!json_object_is_type(desired, json_type_object))
        return -EINVAL;
    if (!observed)
        return diff_add(run, at, DIFF_MISSING, desired, NULL);
    if (!json_object_is_type(observed, json_type_object))
        return diff_add(run, at, DIFF_CHANGED, desired, observed);
    return compare_members(run, at, at->field->members, desired, observed);
}

int diff_value(struct diff_run *run, const struct diff_at *at, enum field_type type,
               struct json_object *desired, struct json_object *observed)
{
    if (diff_is_unknown(desired))
        return observed ? diff_add(run, at, DIFF_CHANGED, desired, observed) : 0;
    switch (type) {
    case FIELD_LIST:
        return diff_list(run, at, desired, observed);
    case FIELD_SET:
        return diff_set(run, at, desired, observed);
    case FIELD_MAP:
        return diff_map(run, at, desired, observed);
    case FIELD_OBJECT:
        return diff_object(run, at, desired, observed);
    case FIELD_POLICY:
        return diff_policy(run, at, desired, observed);
    case FIELD_DOCUMENT:
        return diff_document(run, at, desired, observed);
    case FIELD_SECRET:
        return diff_secret(run, at, desired, observed);
    default:
        return diff_scalar(run, at, type, desired, observed);
    }
}

int diff_documents(const struct kind *kind, struct json_object *desired, struct json_object *observed,
                   struct diff *ret, struct err *err)
{
    struct json_object *wanted CLEANUP_JS = NULL;
    struct json_object *seen CLEANUP_JS = NULL;
    struct diff_at at = {.path = ""};
    struct diff_run run = {0};
    int r;

    if (!json_object_is_type(desired, json_type_object) || !json_object_is_type(observed, json_type_object))
        return err_set(err, -EINVAL, ERR_BUG, "%s: a document that is no object", kind->type);
    /* Only normalise() writes to them. */
    wanted = kind->normalise ? js_copy(desired) : json_object_get(desired);
    seen = kind->normalise ? js_copy(observed) : json_object_get(observed);
    if (!wanted || !seen)
        return err_no_memory(err);
    if (kind->normalise)
        kind->normalise(wanted, seen);
    r = compare_members(&run, &at, kind->fields, wanted, seen);
    if (r < 0) {
        diff_done(&run.diff);
        return r == -ENOMEM ? err_no_memory(err)
                            : err_set(err, r, ERR_BUG, "%s: a desired value of the wrong type", kind->type);
    }
    *ret = run.diff;
    return 0;
}

void diff_done(struct diff *diff)
{
    for (size_t i = 0; i < diff->count; i++)
        entry_done(&diff->entries[i]);
    free(diff->entries);
    *diff = (struct diff){0};
}

static char *copy_text(const char *text, bool *failed)
{
    char *copy = text ? strdup(text) : NULL;

    *failed = *failed || (text && !copy);
    return copy;
}

int diff_copy(const struct diff *diff, const bool *skip, struct diff *ret)
{
    struct diff copy = {.entries = calloc(diff->count + 1, sizeof(*copy.entries)), .replace = diff->replace};
    bool failed = copy.entries == NULL;

    for (size_t i = 0; i < diff->count && !failed; i++) {
        const struct diff_entry *from = &diff->entries[i];
        struct diff_entry *to = &copy.entries[copy.count];

        if (skip && skip[i])
            continue;
        *to = *from;
        to->path = copy_text(from->path, &failed);
        to->element = copy_text(from->element, &failed);
        to->desired = copy_text(from->desired, &failed);
        to->observed = copy_text(from->observed, &failed);
        to->by = copy_text(from->by, &failed);
        copy.count++;
    }
    if (failed) {
        diff_done(&copy);
        return -ENOMEM;
    }
    *ret = copy;
    return 0;
}

void diff_ignore(struct diff *diff, const char *path)
{
    size_t kept = 0;

    diff->replace = false;
    for (size_t i = 0; i < diff->count; i++) {
        if (diff_path_under(diff->entries[i].path, path)) {
            entry_done(&diff->entries[i]);
            continue;
        }
        diff->replace |= diff->entries[i].replaces;
        diff->entries[kept++] = diff->entries[i];
    }
    diff->count = kept;
}
