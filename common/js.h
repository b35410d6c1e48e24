/*
 * js.h: JSON documents, over json-c, with the checks that json-c leaves out.
 *
 * Trees are for the moment (25 times the text): keep documents as canonical
 * text, parse one at a time. "Canonical" = keys sorted by bytes, no white
 * space, "/" not escaped: equal documents have equal bytes.
 */
#ifndef MLOPSD_COMMON_JS_H
#define MLOPSD_COMMON_JS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/macro.h"

static inline void js_putp(struct json_object **object)
{
    if (*object)
        json_object_put(*object);
}
#define CLEANUP_JS CLEANUP(js_putp)

/**
 * Parse untrusted JSON: strict, UTF-8 checked, depth <= 32, at most
 * @size_bytes; duplicate keys, NaN, Infinity, trailing bytes and a cut text
 * are refused with line and column in @err (class ERR_BUG, -EBADMSG).
 * @ret  owned by the caller; may be a NULL pointer for JSON null.
 */
int js_parse(const char *text, size_t size_bytes, struct json_object **ret, struct err *err);
/** js_parse() of NUL-terminated text. */
int js_parse_text(const char *text, struct json_object **ret, struct err *err);
/** A document of our own, kept as text, back to a tree; owned. NULL for NULL, and for what can not be read. */
struct json_object *js_read(const char *text);

/** Canonical text, owned by the caller; NULL without memory, or for more than 64 levels. */
char *js_canonical(struct json_object *object);
struct buf;
/** Append @text as a JSON string, quotes and all. A failed buffer stays failed: look at the end. */
void js_write_string(struct buf *out, const char *text, size_t size_bytes);
/** Deep copy; NULL without memory (or for NULL). */
struct json_object *js_copy(struct json_object *object);
/** Same value: objects without order, arrays with order, 1 equals 1.0. */
bool js_equal(struct json_object *a, struct json_object *b);

/**
 * Walk a dotted path ("imageScanningConfiguration.scanOnPush") through objects;
 * digits index arrays. Borrowed; NULL when a step is missing or null.
 */
struct json_object *js_get(struct json_object *object, const char *path);
/** Text at @path, or NULL when it is missing or no string. Borrowed. */
const char *js_text(struct json_object *object, const char *path);
/** Number / boolean at @path, or @otherwise. Text "true"/"12" as XML protocols give it is accepted. */
int64_t js_int(struct json_object *object, const char *path, int64_t otherwise);
bool js_bool(struct json_object *object, const char *path, bool otherwise);
/** Array length at @path ("" or NULL = the object itself); 0 when it is no array. */
size_t js_count(struct json_object *object, const char *path);
/** Element @index of the array @object; borrowed. */
struct json_object *js_at(struct json_object *object, size_t index);

/**
 * Set a value at a dotted path, making objects on the way. @take_value moves to
 * the document (also on failure). 0, -ENOMEM, or -EINVAL when a step is no object.
 * Keys that hold dots: use js_put_key.
 */
int js_set(struct json_object *object, const char *path, struct json_object *take_value);
int js_set_text(struct json_object *object, const char *path, const char *text); /* NULL = JSON null */
int js_set_int(struct json_object *object, const char *path, int64_t number);
int js_set_bool(struct json_object *object, const char *path, bool value);
/** Set one member by its exact key. */
int js_put_key(struct json_object *object, const char *key, struct json_object *take_value);
/** Append text to an array. */
int js_add_text(struct json_object *array, const char *text);
/** Does the array hold this text? */
bool js_has_text(struct json_object *array, const char *text);
/** Overwrite the bytes of a text (others are left alone): before a secret in a tree is released. */
void js_wipe_text(struct json_object *text);
/** "string", "object", ...: for messages. */
const char *js_type_name(struct json_object *object);

/** A number-safe text form of a scalar (string as is, true, 12): for interpolation. NULL for others or no memory. */
char *js_scalar_text(struct json_object *object);

/** Iterate an object: js_each(object, key, value) { ... } */
#define js_each(object, key, value) json_object_object_foreach(object, key, value)

#endif
