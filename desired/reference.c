/*
 * reference.c: finding ${...} in text. What a reference means is for others
 * (substitute.c while reading, resolve.c while the engine runs).
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "desired/desired-internal.h"

#define REFERENCE_MAX_BYTES 512

static const char *const builtins[] = {"var", "each", "aws", "github", "credential", "platform", "blueprint"};

static bool name_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* Bytes of a name at @text. */
static size_t name_length(const char *text)
{
    size_t n = 0;

    while (name_byte(text[n]))
        n++;
    return n;
}

static bool is_builtin(const char *text)
{
    size_t n = name_length(text);

    for (size_t i = 0; i < ARRAY_SIZE(builtins); i++)
        if (strlen(builtins[i]) == n && strncmp(builtins[i], text, n) == 0 && text[n] == '.')
            return true;
    return false;
}

/* Bytes of "["key"]" at @text; 0 when there is none or it is malformed. */
static size_t key_length(const char *text)
{
    const char *end;

    if (text[0] != '[' || text[1] != '"')
        return 0;
    end = strchr(text + 2, '"');
    if (!end || end == text + 2 || end[1] != ']')
        return 0;
    return (size_t)(end + 2 - text);
}

static int malformed(const char *text, struct err *err)
{
    if (strchr(text, ':'))
        return err_set(err, -EBADMSG, ERR_INVALID,
                       "${%s} is no reference; an IAM policy variable is written $${%s}", text, text);
    if (strpbrk(text, "(+*?|, "))
        return err_set(err, -EBADMSG, ERR_INVALID,
                       "${%s} is no reference: there are no functions or operators, only TYPE.NAME.ATTRIBUTE",
                       text);
    return err_set(err, -EBADMSG, ERR_INVALID,
                   "${%s} is no reference: write ${TYPE.NAME.ATTRIBUTE}, or $${ for a literal ${", text);
}

/* A dotted path of names; for built-ins the text behind the first dot is freer (credential names, map keys). */
static bool path_valid(const char *path)
{
    for (;;) {
        size_t n = name_length(path);

        if (n == 0)
            return false;
        path += n;
        if (*path == '\0')
            return true;
        if (*path != '.')
            return false;
        path++;
    }
}

/* Split TYPE.NAME["key"].ATTRIBUTE; -EBADMSG when it is not of that form. */
static int split_address(struct reference *reference)
{
    const char *text = reference->text, *at = text;
    size_t n = name_length(at);

    if (n == 0 || at[n] != '.')
        return -EBADMSG;
    at += n + 1;
    n = name_length(at);
    if (n == 0)
        return -EBADMSG;
    at += n;
    at += key_length(at);
    if (*at != '.' || !path_valid(at + 1))
        return -EBADMSG;
    reference->address = strndup(text, (size_t)(at - text));
    reference->attribute = strdup(at + 1);
    return reference->address && reference->attribute ? 0 : -ENOMEM;
}

static int parse_inside(struct reference *reference, struct err *err)
{
    int r;

    if (is_builtin(reference->text)) {
        if (!path_valid(reference->text))
            return malformed(reference->text, err);
        reference->attribute = strdup(reference->text);
        return reference->attribute ? 0 : err_no_memory(err);
    }
    r = split_address(reference);
    if (r == -ENOMEM)
        return err_no_memory(err);
    return r < 0 ? malformed(reference->text, err) : 0;
}

static void reference_done(struct reference *reference)
{
    free(reference->text);
    free(reference->address);
    free(reference->attribute);
    memset(reference, 0, sizeof(*reference));
}

/* The brace that ends what begins at @text, passing over quoted keys; NULL when there is none. */
static const char *closing_brace(const char *text)
{
    bool quoted = false;

    for (; *text && (quoted || *text != '}'); text++) {
        if (*text == '"')
            quoted = !quoted;
        if (*text == '\n' || (text[0] == '$' && text[1] == '{'))
            return NULL;
    }
    return *text ? text : NULL;
}

/* The reference at @start ("${..."). */
static int reference_parse(const char *start, struct reference *ret, struct err *err)
{
    const char *inside = start + 2, *end = closing_brace(inside), *close = end;
    int r;

    if (!end)
        return err_set(err, -EBADMSG, ERR_INVALID,
                       "unclosed ${: a } is missing (a literal ${ is written $${)");
    while (inside < end && *inside == ' ')
        inside++;
    while (end > inside && end[-1] == ' ')
        end--;
    if (inside == end)
        return err_set(err, -EBADMSG, ERR_INVALID,
                       "empty ${}: write ${TYPE.NAME.ATTRIBUTE}, or $${ for a literal ${");
    if (end - inside > REFERENCE_MAX_BYTES)
        return err_set(err, -EBADMSG, ERR_LIMIT, "a reference is longer than %d bytes", REFERENCE_MAX_BYTES);
    ret->length = (size_t)(close + 1 - start);
    ret->text = strndup(inside, (size_t)(end - inside));
    if (!ret->text)
        return err_no_memory(err);
    r = parse_inside(ret, err);
    if (r < 0)
        reference_done(ret);
    return r;
}

static int references_add(struct references *references, struct reference *take, struct err *err)
{
    struct reference *items;

    if (references->count >= REFERENCES_MAX) {
        reference_done(take);
        return err_set(err, -EBADMSG, ERR_LIMIT, "more than %d references in one text", REFERENCES_MAX);
    }
    items = reallocarray(references->items, references->count + 1, sizeof(*items));
    if (!items) {
        reference_done(take);
        return err_no_memory(err);
    }
    references->items = items;
    references->items[references->count++] = *take;
    return 0;
}

int references_find(const char *text, struct references *ret, struct err *err)
{
    struct references found = {0};
    const char *at = text;
    int r;

    while ((at = strchr(at, '$'))) {
        struct reference one = {0};

        if (at[1] == '$' && at[2] == '{') {
            at += 3;
            continue;
        }
        if (at[1] != '{') {
            at++;
            continue;
        }
        r = reference_parse(at, &one, err);
        if (r == 0) {
            one.offset = (size_t)(at - text);
            at += one.length;
            r = references_add(&found, &one, err);
        }
        if (r < 0) {
            references_done(&found);
            return r;
        }
    }
    *ret = found;
    return 0;
}

void references_done(struct references *references)
{
    for (size_t i = 0; i < references->count; i++)
        reference_done(&references->items[i]);
    free(references->items);
    references->items = NULL;
    references->count = 0;
}

bool text_has_reference(const char *text)
{
    const char *at = text;

    while ((at = strchr(at, '$'))) {
        if (at[1] == '$' && at[2] == '{')
            at += 3;
        else if (at[1] == '{')
            return true;
        else
            at++;
    }
    return false;
}

bool reference_is_whole(const struct reference *reference, const char *text)
{
    return reference->offset == 0 && text[reference->length] == '\0';
}

bool text_is_reference(const char *text)
{
    struct references references = {0};
    bool whole;

    if (!str_starts(text, "${") || references_find(text, &references, NULL) < 0)
        return false;
    whole = references.count == 1 && reference_is_whole(&references.items[0], text);
    references_done(&references);
    return whole;
}

char *text_unescape(const char *text)
{
    char *copy = malloc(strlen(text) + 1), *to = copy;

    if (!copy)
        return NULL;
    for (; *text; text++) {
        if (text[0] == '$' && text[1] == '$' && text[2] == '{')
            text++;
        *to++ = *text;
    }
    *to = '\0';
    return copy;
}

const struct kind *address_kind(const char *address)
{
    size_t n = strcspn(address, ".");
    char *type CLEANUP_FREE = strndup(address, n);

    return type ? kind_find(type) : NULL;
}

bool reference_is_sensitive(const struct reference *reference)
{
    const struct attribute *attribute;
    const struct kind *kind;
    char *first CLEANUP_FREE = NULL;
    enum field_type type;
    unsigned flags;

    if (!reference->address)
        return str_starts(reference->attribute, "credential.");
    kind = address_kind(reference->address);
    if (!kind)
        return false; /* reported where references are checked; nothing of it is ever resolved */
    first = strndup(reference->attribute, strcspn(reference->attribute, "."));
    if (!first)
        return true; /* without memory: the careful answer */
    attribute = kind->attributes ? attribute_find(kind->attributes, first) : NULL;
    if (!attribute && kind->attributes)
        attribute = attribute_find(kind->attributes, reference->attribute);
    if (attribute)
        return attribute->flags & FIELD_SENSITIVE || attribute->type == FIELD_SECRET;
    return row_at(kind->fields, reference->attribute, &type, &flags) &&
           (type == FIELD_SECRET || flags & FIELD_SENSITIVE);
}
