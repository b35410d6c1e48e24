/*
 * resolve.c: putting values in place of the references that were left in bodies and outputs.
 *
 * Values come from a resolver; what it does not know yet stands as {"unknown": "REFERENCE"}, what is
 * secret as {"secret": FINGERPRINT}. A secret's own text is only ever assembled in locked memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "desired/desired-internal.h"

#define SECRET_MAX_BYTES (256 << 10)

struct resolve {
    const struct resolver *resolver;
    struct strv *waiting; /* may be NULL */
    struct err *err;
};

static const struct field any_row = {.type = FIELD_ANY, .element = FIELD_ANY};

static int resolve_any(struct resolve *resolve, struct json_object *value, const struct field *row,
                       struct json_object **ret);

static int no_memory(struct resolve *resolve)
{
    return err_no_memory(resolve->err);
}

static int note_waiting(struct resolve *resolve, const char *text)
{
    if (!resolve->waiting || strv_has(resolve->waiting, text))
        return 0;
    return strv_add(resolve->waiting, text) < 0 ? no_memory(resolve) : 0;
}

/* {"unknown": TEXT} or {"secret": TEXT}. */
static int mark(struct resolve *resolve, const char *name, const char *text, struct json_object **ret)
{
    struct json_object *object = json_object_new_object();

    if (!object || js_set_text(object, name, text) < 0) {
        json_object_put(object);
        return no_memory(resolve);
    }
    *ret = object;
    return 0;
}

/* ---- secrets ---- */

struct piece {
    const char *data;
    size_t size;
    struct secret *secret; /* owned; data lies in it */
};

struct pieces {
    struct piece *items;
    size_t count;
    size_t size_bytes;
};

static void pieces_done(struct pieces *pieces)
{
    for (size_t i = 0; i < pieces->count; i++)
        secret_free(pieces->items[i].secret);
    free(pieces->items);
}

static void pieces_add(struct pieces *pieces, const char *data, size_t size, struct secret *take_secret)
{
    pieces->items[pieces->count++] = (struct piece){data, size, take_secret};
    pieces->size_bytes += size;
}

/* Literal text, "$${" as "${". */
static void pieces_add_text(struct pieces *pieces, const char *text, size_t size)
{
    size_t from = 0;

    for (size_t i = 0; i + 2 < size; i++) {
        if (text[i] != '$' || text[i + 1] != '$' || text[i + 2] != '{')
            continue;
        pieces_add(pieces, text + from, i - from, NULL);
        from = i + 1;
        i += 2;
    }
    pieces_add(pieces, text + from, size - from, NULL);
}

/* One reference's value as a secret, whether it is one or not. */
static int secret_value(struct resolve *resolve, const struct reference *reference, struct secret **ret)
{
    const struct resolver *resolver = resolve->resolver;
    struct json_object *value CLEANUP_JS = NULL;
    char *text CLEANUP_FREE = NULL;
    int r;

    if (reference_is_sensitive(reference))
        return resolver->secret(resolver->data, reference, ret, resolve->err);
    r = resolver->value(resolver->data, reference, &value, resolve->err);
    if (r != RESOLVED)
        return r;
    text = value ? js_scalar_text(value) : NULL;
    if (!text)
        return err_set(resolve->err, -EINVAL, ERR_INVALID, "${%s} is %s and can not be part of a text",
                       reference->text, js_type_name(value));
    *ret = secret_new_text(text);
    return *ret ? RESOLVED : no_memory(resolve);
}

static int pieces_collect(struct resolve *resolve, const char *text, const struct references *references,
                          struct pieces *pieces, char **ret_waits_for)
{
    size_t done = 0;
    bool later = false;

    for (size_t i = 0; i < references->count; i++) {
        const struct reference *reference = &references->items[i];
        struct secret *value = NULL;
        int r = secret_value(resolve, reference, &value);

        if (r < 0)
            return r;
        if (r == RESOLVE_LATER) {
            later = true;
            if (note_waiting(resolve, reference->text) < 0 ||
                (ret_waits_for && !*ret_waits_for && str_set(ret_waits_for, reference->text) < 0))
                return no_memory(resolve);
            continue;
        }
        pieces_add_text(pieces, text + done, reference->offset - done);
        done = reference->offset + reference->length;
        pieces_add(pieces, secret_text(value), secret_size(value), value);
    }
    pieces_add_text(pieces, text + done, strlen(text + done));
    return later ? RESOLVE_LATER : RESOLVED;
}

/* The secret that is the whole text: there is nothing to put together. */
static struct secret *pieces_take_whole(struct pieces *pieces)
{
    for (size_t i = 0; i < pieces->count; i++)
        if (pieces->items[i].secret && pieces->items[i].size == pieces->size_bytes)
            return TAKE(pieces->items[i].secret);
    return NULL;
}

static int pieces_join(struct resolve *resolve, struct pieces *pieces, struct secret **ret)
{
    struct secret *whole;
    char *at;

    if (pieces->size_bytes > SECRET_MAX_BYTES)
        return err_set(resolve->err, -EMSGSIZE, ERR_LIMIT, "a secret is longer than %d bytes",
                       SECRET_MAX_BYTES);
    *ret = pieces_take_whole(pieces);
    if (*ret)
        return RESOLVED;
    whole = secret_new_blank(pieces->size_bytes);
    if (!whole)
        return no_memory(resolve);
    at = secret_space(whole);
    for (size_t i = 0; i < pieces->count; i++) {
        if (pieces->items[i].size > 0)
            memcpy(at, pieces->items[i].data, pieces->items[i].size);
        at += pieces->items[i].size;
    }
    secret_finish(whole);
    *ret = whole;
    return RESOLVED;
}

/* Escapes split literal text: room for the most pieces there can be. */
static size_t pieces_bound(const char *text, const struct references *references)
{
    size_t bound = 2 * references->count + 1;

    for (const char *at = text; (at = strstr(at, "$${")); at += 3)
        bound++;
    return bound;
}

static int assemble(struct resolve *resolve, const char *text, struct secret **ret, char **ret_waits_for)
{
    struct references references = {0};
    struct pieces pieces = {0};
    int r;

    r = references_find(text, &references, resolve->err);
    if (r < 0)
        return r;
    pieces.items = calloc(pieces_bound(text, &references), sizeof(*pieces.items));
    r = pieces.items ? pieces_collect(resolve, text, &references, &pieces, ret_waits_for)
                     : no_memory(resolve);
    if (r == RESOLVED)
        r = pieces_join(resolve, &pieces, ret);
    pieces_done(&pieces);
    references_done(&references);
    return r;
}

int resolve_secret(const char *text, const struct resolver *resolver, struct secret **ret, struct err *err)
{
    struct resolve resolve = {resolver, NULL, err};

    return assemble(&resolve, text, ret, NULL);
}

/* A text that is or holds a secret, as it stands in documents. */
static int resolve_hidden(struct resolve *resolve, const char *text, struct json_object **ret)
{
    const struct resolver *resolver = resolve->resolver;
    struct secret *secret CLEANUP_SECRET = NULL;
    char *waits_for CLEANUP_FREE = NULL;
    char *fingerprint CLEANUP_FREE = NULL;
    int r;

    if (!resolver->secret || !resolver->fingerprint)
        return err_set(resolve->err, -EINVAL, ERR_BUG, "a secret is referred to where none can be looked up");
    r = assemble(resolve, text, &secret, &waits_for);
    if (r < 0)
        return r;
    if (r == RESOLVE_LATER)
        return mark(resolve, "unknown", waits_for ? waits_for : text, ret);
    fingerprint = resolver->fingerprint(resolver->data, secret);
    return fingerprint ? mark(resolve, "secret", fingerprint, ret) : no_memory(resolve);
}

/* ---- plain values ---- */

static bool wants_text(enum field_type type)
{
    return type == FIELD_STRING || type == FIELD_ENUM || type == FIELD_VERSION;
}

/* A value that came from elsewhere, in the type that its field wants. */
static int coerce(struct resolve *resolve, const struct reference *reference, struct json_object *value,
                  const struct field *row, struct json_object **ret)
{
    char *text CLEANUP_FREE = NULL;
    long long number;

    if (value && wants_text(row->type) && !json_object_is_type(value, json_type_string)) {
        text = js_scalar_text(value);
        if (!text)
            return err_set(resolve->err, -EINVAL, ERR_INVALID, "${%s} is %s, and text is wanted",
                           reference->text, js_type_name(value));
        *ret = json_object_new_string(text);
    } else if (row->type == FIELD_INTEGER && json_object_is_type(value, json_type_string)) {
        if (str_to_int64(json_object_get_string(value), INT64_MIN, INT64_MAX, &number) < 0)
            return err_set(resolve->err, -EINVAL, ERR_INVALID, "${%s} is no integer", reference->text);
        *ret = json_object_new_int64(number);
    } else if (row->type == FIELD_BOOLEAN && json_object_is_type(value, json_type_string)) {
        if (!str_equal(json_object_get_string(value), "true") &&
            !str_equal(json_object_get_string(value), "false"))
            return err_set(resolve->err, -EINVAL, ERR_INVALID, "${%s} is neither true nor false",
                           reference->text);
        *ret = json_object_new_boolean(str_equal(json_object_get_string(value), "true"));
    } else if (row->type == FIELD_POLICY && json_object_is_type(value, json_type_string)) {
        return js_parse_text(json_object_get_string(value), ret, resolve->err);
    } else {
        *ret = json_object_get(value);
        return 0;
    }
    return *ret ? 0 : no_memory(resolve);
}

static int add_literal(struct buf *out, const char *text, size_t size)
{
    char *piece CLEANUP_FREE = strndup(text, size);
    char *plain CLEANUP_FREE = piece ? text_unescape(piece) : NULL;

    return plain ? buf_add_text(out, plain) : -ENOMEM;
}

/* Put one value into the text. RESOLVE_LATER when it is not known. */
static int add_value(struct resolve *resolve, const struct reference *reference, struct buf *out)
{
    const struct resolver *resolver = resolve->resolver;
    struct json_object *value CLEANUP_JS = NULL;
    char *text CLEANUP_FREE = NULL;
    int r;

    r = resolver->value(resolver->data, reference, &value, resolve->err);
    if (r == RESOLVE_LATER)
        return note_waiting(resolve, reference->text) < 0 ? -ENOMEM : r;
    if (r < 0)
        return r;
    text = value ? js_scalar_text(value) : NULL;
    if (!text)
        return err_set(resolve->err, -EINVAL, ERR_INVALID, "${%s} is %s and can not be part of a text",
                       reference->text, js_type_name(value));
    r = buf_add_text(out, text);
    return r == -EMSGSIZE ? 0 : r; /* told at the end */
}

static int interpolate(struct resolve *resolve, const char *text, const struct references *references,
                       struct json_object **ret)
{
    struct buf out CLEANUP_BUF = BUF_INIT(TEXT_MAX_BYTES);
    const char *waits_for = NULL;
    size_t done = 0;

    for (size_t i = 0; i < references->count; i++) {
        const struct reference *reference = &references->items[i];
        int r = add_literal(&out, text + done, reference->offset - done);

        if (r == -ENOMEM)
            return no_memory(resolve);
        r = add_value(resolve, reference, &out);
        if (r < 0)
            return r;
        if (r == RESOLVE_LATER && !waits_for)
            waits_for = reference->text;
        done = reference->offset + reference->length;
    }
    if (waits_for)
        return mark(resolve, "unknown", waits_for, ret);
    if (add_literal(&out, text + done, strlen(text + done)) == -ENOMEM)
        return no_memory(resolve);
    if (out.failed == -EMSGSIZE)
        return err_set(resolve->err, -EMSGSIZE, ERR_LIMIT,
                       "a text is longer than %d bytes with its values put in", TEXT_MAX_BYTES);
    *ret = json_object_new_string(buf_text(&out));
    return *ret ? 0 : no_memory(resolve);
}

static int resolve_whole(struct resolve *resolve, const struct reference *reference, const struct field *row,
                         struct json_object **ret)
{
    const struct resolver *resolver = resolve->resolver;
    struct json_object *value CLEANUP_JS = NULL;
    int r;

    r = resolver->value(resolver->data, reference, &value, resolve->err);
    if (r < 0)
        return r;
    if (r == RESOLVED)
        return coerce(resolve, reference, value, row, ret);
    r = note_waiting(resolve, reference->text);
    return r < 0 ? r : mark(resolve, "unknown", reference->text, ret);
}

static bool any_sensitive(const struct references *references)
{
    for (size_t i = 0; i < references->count; i++)
        if (reference_is_sensitive(&references->items[i]))
            return true;
    return false;
}

static int resolve_text(struct resolve *resolve, const char *text, const struct field *row,
                        struct json_object **ret)
{
    struct references references = {0};
    int r;

    if (row->type == FIELD_SECRET)
        return resolve_hidden(resolve, text, ret);
    r = references_find(text, &references, resolve->err);
    if (r < 0)
        return r;
    if (any_sensitive(&references))
        r = resolve_hidden(resolve, text, ret);
    else if (references.count == 1 && reference_is_whole(&references.items[0], text))
        r = resolve_whole(resolve, &references.items[0], row, ret);
    else
        r = interpolate(resolve, text, &references, ret);
    references_done(&references);
    return r;
}

/* ---- documents ---- */

/* A key that is not known yet makes the whole object unknown: *ret_unknown says so. */
static int resolve_key(struct resolve *resolve, const char *key, char **ret, struct json_object **ret_unknown)
{
    struct json_object *value CLEANUP_JS = NULL;
    int r;

    if (!strchr(key, '$')) {
        *ret = strdup(key);
        return *ret ? 0 : no_memory(resolve);
    }
    r = resolve_text(resolve, key, &any_row, &value);
    if (r < 0)
        return r;
    if (json_object_is_type(value, json_type_object)) {
        if (!js_text(value, "unknown"))
            return err_set(resolve->err, -EINVAL, ERR_INVALID, "the key \"%s\" is no text", key);
        if (!*ret_unknown)
            *ret_unknown = json_object_get(value);
        return 0;
    }
    *ret = js_scalar_text(value);
    return *ret ? 0 : err_set(resolve->err, -EINVAL, ERR_INVALID, "the key \"%s\" is no text", key);
}

static int resolve_member(struct resolve *resolve, const char *key, struct json_object *member,
                          const struct field *row, struct json_object *into, struct json_object **ret_unknown)
{
    char *name CLEANUP_FREE = NULL;
    struct json_object *value = NULL;
    int r = resolve_key(resolve, key, &name, ret_unknown);

    if (r == 0)
        r = resolve_any(resolve, member, row, &value);
    if (r < 0)
        return r;
    if (!name) {
        json_object_put(value);
        return 0;
    }
    return js_put_key(into, name, value) < 0 ? no_memory(resolve) : 0;
}

static int resolve_object(struct resolve *resolve, struct json_object *object, const struct field *row,
                          struct json_object **ret)
{
    const struct field element = row->type == FIELD_MAP ? row_of_element(row) : any_row;
    struct json_object *out CLEANUP_JS = json_object_new_object();
    struct json_object *unknown CLEANUP_JS = NULL;

    if (!out)
        return no_memory(resolve);
    js_each (object, key, member) {
        const struct field *inner = row->type == FIELD_OBJECT ? field_find(row->members, key) : &element;
        int r = resolve_member(resolve, key, member, inner ? inner : &any_row, out, &unknown);

        if (r < 0)
            return r;
    }
    *ret = unknown ? TAKE(unknown) : TAKE(out);
    return 0;
}

static int resolve_array(struct resolve *resolve, struct json_object *array, const struct field *row,
                         struct json_object **ret)
{
    const bool rows = row->type == FIELD_LIST || row->type == FIELD_SET;
    const struct field element = rows ? row_of_element(row) : any_row;
    struct json_object *out CLEANUP_JS = json_object_new_array();

    if (!out)
        return no_memory(resolve);
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        struct json_object *value = NULL;
        int r = resolve_any(resolve, json_object_array_get_idx(array, i), &element, &value);

        if (r < 0)
            return r;
        if (json_object_array_add(out, value) < 0) {
            json_object_put(value);
            return no_memory(resolve);
        }
    }
    *ret = TAKE(out);
    return 0;
}

/* The depth of what is walked was bounded by js_parse(). */
static int resolve_any(struct resolve *resolve, struct json_object *value, const struct field *row,
                       struct json_object **ret)
{
    switch (json_object_get_type(value)) {
    case json_type_string:
        return resolve_text(resolve, json_object_get_string(value), row, ret);
    case json_type_object:
        return resolve_object(resolve, value, row, ret);
    case json_type_array:
        return resolve_array(resolve, value, row, ret);
    default:
        *ret = json_object_get(value);
        return 0;
    }
}

int resolve_body(const struct kind *kind, const char *body, const struct resolver *resolver,
                 struct json_object **ret, struct strv *ret_waiting, struct err *err)
{
    const struct field top = {.type = FIELD_OBJECT, .members = kind->fields};
    struct resolve resolve = {resolver, ret_waiting, err};
    struct json_object *document CLEANUP_JS = NULL;
    int r;

    r = js_parse_text(body, &document, err);
    if (r < 0)
        return r;
    return resolve_any(&resolve, document, &top, ret);
}

int resolve_value(struct json_object *value, const struct resolver *resolver, struct json_object **ret,
                  struct strv *ret_waiting, struct err *err)
{
    struct resolve resolve = {resolver, ret_waiting, err};

    return resolve_any(&resolve, value, &any_row, ret);
}

static bool is_unknown(struct json_object *value)
{
    return json_object_is_type(value, json_type_object) && json_object_object_length(value) == 1 &&
           js_text(value, "unknown");
}

bool document_has_unknown(struct json_object *document)
{
    if (json_object_is_type(document, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(document); i++)
            if (document_has_unknown(json_object_array_get_idx(document, i)))
                return true;
        return false;
    }
    if (!json_object_is_type(document, json_type_object))
        return false;
    if (is_unknown(document))
        return true;
    js_each (document, key, member) {
        (void)key;
        if (document_has_unknown(member))
            return true;
    }
    return false;
}

/* Is something unknown at a dotted path, or on the way to it? */
static bool leads_to_unknown(struct json_object *value, const char *path)
{
    while (value && !is_unknown(value) && *path) {
        size_t length = strcspn(path, ".");
        char *step CLEANUP_FREE = strndup(path, length);
        struct json_object *next = NULL;

        if (!step)
            return true; /* not told: it waits */
        json_object_object_get_ex(value, step, &next);
        value = next;
        path += length + (path[length] == '.');
    }
    return document_has_unknown(value);
}

/* Is what names the thing known? Of a document only the paths of its identity. */
static bool key_is_known(const struct field *row, struct json_object *value)
{
    if (!value)
        return !(row->flags & FIELD_REQUIRED);
    if (row->type != FIELD_DOCUMENT || !row->identity)
        return !document_has_unknown(value);
    for (const char *const *path = row->identity; *path; path++)
        if (leads_to_unknown(value, *path))
            return false;
    return true;
}

bool document_key_known(const struct kind *kind, struct json_object *document)
{
    for (const struct field *row = kind->fields; row->name; row++) {
        if (row->flags & FIELD_KEY && !key_is_known(row, js_get(document, row->name)))
            return false;
    }
    return true;
}
