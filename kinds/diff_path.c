/*
 * diff_path.c: the paths of diff entries: making them, telling what lies under
 * which, and walking the elements that must come or go.
 *
 * A path is steps: NAME after a dot, ["KEY"] with KEY quoted as in JSON, [INDEX].
 */
#include <string.h>

#include "common/js.h"
#include "kinds/diff-internal.h"

char *diff_path_element(const char *path, const char *element)
{
    struct json_object *key CLEANUP_JS = json_object_new_string(element);
    char *quoted CLEANUP_FREE = key ? js_canonical(key) : NULL;

    return quoted ? str_format("%s[%s]", path, quoted) : NULL;
}

char *diff_path_member(const char *path, const char *member)
{
    if (member[strcspn(member, ".[]\"")] != '\0' || member[0] == '\0')
        return diff_path_element(path, member);
    return str_format("%s%s%s", path, path[0] ? "." : "", member);
}

/* Length of a quoted key with its quotes, at its opening quote. */
static size_t quoted_length(const char *text)
{
    size_t length = 1;

    while (text[length] && text[length] != '"')
        length += text[length] == '\\' && text[length + 1] ? 2 : 1;
    return text[length] ? length + 1 : length;
}

/* Take the next step off *@path: its bytes without dot, brackets and quotes. False at the end. */
static bool next_step(const char **path, const char **ret_step, size_t *ret_length)
{
    const char *at = *path;
    size_t length;

    if (*at == '.')
        at++;
    if (*at == '\0')
        return false;
    if (*at != '[') {
        *ret_step = at;
        *ret_length = strcspn(at, ".[");
        *path = at + *ret_length;
        return true;
    }
    at++;
    if (*at == '"') {
        length = quoted_length(at);
        *ret_step = at + 1;
        *ret_length = length >= 2 ? length - 2 : 0;
    } else {
        length = strcspn(at, "]");
        *ret_step = at;
        *ret_length = length;
    }
    *path = at + length + (at[length] == ']');
    return true;
}

bool diff_path_under(const char *path, const char *under)
{
    const char *step, *wanted;
    size_t length, wanted_length;

    while (next_step(&under, &wanted, &wanted_length)) {
        if (!next_step(&path, &step, &length))
            return false;
        if (length != wanted_length || memcmp(step, wanted, length) != 0)
            return false;
    }
    return true;
}

bool diff_has(const struct diff *diff, const char *field)
{
    for (size_t i = 0; i < diff->count; i++) {
        if (diff_path_under(diff->entries[i].path, field))
            return true;
    }
    return false;
}

/* Is it about an element of @field, and not the second entry about the same element? */
static bool is_element(const struct diff *diff, size_t i, const char *field)
{
    const struct diff_entry *entry = &diff->entries[i];

    if (!entry->element || !diff_path_under(entry->path, field))
        return false;
    return i == 0 || !str_equal(diff->entries[i - 1].element, entry->element) ||
           !diff_path_under(diff->entries[i - 1].path, field);
}

/* An entry that says EXTRA below the element (a member of it) is a change of the element. */
static bool is_removed(const struct diff_entry *entry)
{
    size_t length = strlen(entry->path);

    return entry->what == DIFF_EXTRA && length > 0 && entry->path[length - 1] == ']';
}

static const char *next_element(const struct diff *diff, const char *field, size_t *cursor, bool removed)
{
    while (*cursor < diff->count) {
        size_t i = (*cursor)++;

        if (is_element(diff, i, field) && is_removed(&diff->entries[i]) == removed)
            return diff->entries[i].element;
    }
    return NULL;
}

const char *diff_next_added(const struct diff *diff, const char *field, size_t *cursor)
{
    return next_element(diff, field, cursor, false);
}

const char *diff_next_removed(const struct diff *diff, const char *field, size_t *cursor)
{
    return next_element(diff, field, cursor, true);
}
