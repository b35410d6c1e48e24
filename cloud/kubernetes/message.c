/*
 * message.c: the body of a request.
 *
 * The body of an apply is read by a YAML parser. It takes canonical JSON, with exceptions: characters that YAML does not
 * print (it refuses them raw) and its extra line ends (it folds them away). They are escaped.
 *
 * A hidden value never stands in a tree: a random word holds its place in the copy, and the value goes into the
 * finished text, in a buffer that is wiped.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "cloud/kubernetes/kubernetes-internal.h"
#include "common/encode.h"
#include "common/js.h"
#include "common/utf8.h"

#define PLACE_LENGTH 32u

/* ---- for a YAML parser ---- */

/* Raw, these would be refused (controls, the byte order mark, non-characters) or folded (line ends). */
static bool is_trouble(uint32_t point)
{
    return (point >= 0x7f && point <= 0x9f) || point == 0x2028 || point == 0x2029 || point == 0xfeff ||
           point == 0xfffe || point == 0xffff;
}

/* All of them can stand in strings only, where an escape means the same. */
static void add_escaped(struct buf *out, const char *text, size_t size)
{
    size_t start = 0, i = 0, length;
    uint32_t point = 0;

    while (i < size) {
        length = utf8_length(text + i, size - i, &point);
        if (length == 0 || !is_trouble(point)) {
            i += length ? length : 1;
            continue;
        }
        (void)buf_add(out, text + start, i - start); /* a failed buffer stays failed: the end looks */
        (void)buf_addf(out, "\\u%04x", (unsigned)point);
        i += length;
        start = i;
    }
    (void)buf_add(out, text + start, size - start);
}

/* ---- hidden values ---- */

/* The object that holds the last step of @path, made where it is missing. Borrowed; NULL when a step is none. */
static struct json_object *holder_of(struct json_object *body, const char *const *path)
{
    struct json_object *at = body, *next;

    for (; path[1]; path++) {
        next = NULL;
        if (!json_object_object_get_ex(at, path[0], &next)) {
            next = json_object_new_object();
            if (js_put_key(at, path[0], next) < 0)
                return NULL;
        }
        if (!json_object_is_type(next, json_type_object))
            return NULL;
        at = next;
    }
    return at;
}

/* Put a word of its own in the place of each hidden value. */
static int hold_places(const struct kubernetes_call *call, struct json_object *body, struct strv *places,
                       struct err *err)
{
    for (size_t i = 0; i < call->hidden_count; i++) {
        const char *const *path = call->hidden[i].path;
        char *place CLEANUP_FREE = random_hex(PLACE_LENGTH);
        struct json_object *holder, *word;

        if (!path || !path[0] || !json_object_is_type(body, json_type_object))
            return err_set(err, -EINVAL, ERR_BUG, "a hidden value without a place");
        holder = holder_of(body, path);
        if (!holder)
            return err_set(err, -EINVAL, ERR_BUG, "a hidden value's place is not in an object");
        while (path[1])
            path++;
        word = place ? json_object_new_string(place) : NULL;
        if (!word || js_put_key(holder, path[0], word) < 0 || strv_add(places, place) < 0)
            return err_no_memory(err);
    }
    return 0;
}

static int add_base64(struct buf *out, const struct secret *value)
{
    char *encoded = encode_base64(secret_text(value), secret_size(value));
    int r;

    if (!encoded)
        return -ENOMEM;
    r = buf_add_text(out, encoded);
    sodium_memzero(encoded, strlen(encoded));
    free(encoded);
    return r;
}

/* The place that comes first in @text; its index, or @places->count when there is none left. */
static size_t next_place(const struct strv *places, const char *text, const char **ret_at)
{
    size_t first = places->count;

    *ret_at = NULL;
    for (size_t i = 0; i < places->count; i++) {
        const char *at = strstr(text, places->items[i]);

        if (at && (!*ret_at || at < *ret_at)) {
            *ret_at = at;
            first = i;
        }
    }
    return first;
}

static int fill_places(const struct kubernetes_call *call, const char *text, const struct strv *places,
                       struct buf *out)
{
    const char *at;
    size_t index;

    while ((index = next_place(places, text, &at)) < places->count) {
        add_escaped(out, text, (size_t)(at - text));
        if (add_base64(out, call->hidden[index].value) < 0)
            return -ENOMEM;
        text = at + PLACE_LENGTH;
    }
    add_escaped(out, text, strlen(text));
    return out->failed;
}

/* ---- bodies ---- */

/* DeleteOptions: what we always want stands where the caller said nothing. */
static struct json_object *delete_options(struct json_object *given)
{
    static const char *const members[][2] = {
        {"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"propagationPolicy", "Foreground"}};
    struct json_object *options CLEANUP_JS = given ? js_copy(given) : json_object_new_object();

    for (size_t i = 0; options && i < ARRAY_SIZE(members); i++) {
        if (!json_object_object_get_ex(options, members[i][0], NULL) &&
            js_set_text(options, members[i][0], members[i][1]) < 0)
            return NULL;
    }
    return TAKE(options);
}

int kube_message(const struct kubernetes_call *call, struct buf *ret, struct err *err)
{
    struct json_object *body CLEANUP_JS = NULL;
    struct strv places CLEANUP_STRV = {0};
    char *text CLEANUP_FREE = NULL;
    int r;

    body = call->verb == KUBERNETES_DELETE ? delete_options(call->body) : js_copy(call->body);
    if (!body)
        return err_no_memory(err);
    r = hold_places(call, body, &places, err);
    if (r < 0)
        return r;
    text = js_canonical(body);
    if (!text)
        return err_no_memory(err);
    r = fill_places(call, text, &places, ret);
    if (r == -EMSGSIZE)
        return err_set(err, r, ERR_LIMIT, "the object is larger than a cluster takes (%u bytes)",
                       KUBE_BODY_MAX);
    return r < 0 ? err_no_memory(err) : 0;
}
