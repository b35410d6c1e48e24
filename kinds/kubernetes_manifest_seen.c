/*
 * kubernetes_manifest_seen.c: a live object in the shape of what is declared.
 *
 * Defaults, spellings of quantities and merges are the server's business: where what it would make of the manifest
 * equals what is there, the declared value stands; where not, the live one. Elements of lists are matched by their
 * merge key. Documents are at most 32 levels deep, so the recursion is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "kinds/diff-internal.h"
#include "kinds/manifest-internal.h"

/* ---- elements of lists ---- */

/* Members that tell elements apart, the most special first: a volumeMount has a name as well. */
static const char *const keys[] = {"mountPath", "devicePath", "containerPort", "port", "name", "ip"};

/* The member that names @element among its like; NULL when it has none. */
static const char *key_of(struct json_object *element)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (json_object_object_get_ex(element, keys[i], NULL))
            return keys[i];
    }
    return NULL;
}

/* Ports are told apart by their protocol too. */
static const char *protocol_of(struct json_object *element)
{
    const char *protocol = js_text(element, "protocol");

    return protocol ? protocol : "TCP";
}

static bool has_protocol(const char *key)
{
    return strcmp(key, "containerPort") == 0 || strcmp(key, "port") == 0;
}

static bool is_same(struct json_object *a, struct json_object *b, const char *key)
{
    if (!js_get(b, key) || !js_equal(js_get(a, key), js_get(b, key)))
        return false;
    return !has_protocol(key) || str_equal(protocol_of(a), protocol_of(b));
}

struct json_object *manifest_element(struct json_object *list, struct json_object *element)
{
    const char *key = key_of(element);

    for (size_t i = 0, count = js_count(list, NULL); key && i < count; i++) {
        if (is_same(element, js_at(list, i), key))
            return js_at(list, i);
    }
    return NULL;
}

static bool all_keyed(struct json_object *list)
{
    for (size_t i = 0, count = js_count(list, NULL); i < count; i++) {
        if (!key_of(js_at(list, i)))
            return false;
    }
    return true;
}

/* ---- where we are ---- */

/* The same place twice: as our differences name it, and as the server's conflicts do. Owned. */
struct spot {
    char *path;  /* spec.containers.0.image */
    char *field; /* .spec.containers[name="mlflow"].image */
};

static void spot_done(struct spot *spot)
{
    free(spot->path);
    free(spot->field);
}
#define CLEANUP_SPOT CLEANUP(spot_done)

static bool spot_made(struct seen *seen, const struct spot *spot)
{
    if (spot->path && spot->field)
        return true;
    seen->failed = true;
    return false;
}

static struct spot member_spot(const struct spot *at, const char *key)
{
    return (struct spot){diff_path_member(at->path, key), str_format("%s.%s", at->field, key)};
}

static struct spot element_spot(const struct spot *at, size_t index, struct json_object *element)
{
    const char *key = key_of(element);
    char *value CLEANUP_FREE = key ? js_canonical(js_get(element, key)) : NULL;
    struct spot spot = {.path = str_format("%s.%zu", at->path, index)};

    if (!key)
        spot.field = str_format("%s[%zu]", at->field, index);
    else if (value && has_protocol(key))
        spot.field = str_format("%s[%s=%s,protocol=\"%s\"]", at->field, key, value, protocol_of(element));
    else if (value)
        spot.field = str_format("%s[%s=%s]", at->field, key, value);
    return spot;
}

/* Is one place in, above or the same as the other? */
static bool is_within(const char *a, const char *b)
{
    size_t length = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
    const char *rest = strlen(a) < strlen(b) ? b + length : a + length;

    return strncmp(a, b, length) == 0 && (rest[0] == '\0' || rest[0] == '.' || rest[0] == '[');
}

/* The conflict that is about this place. Borrowed. */
static struct json_object *cause_of(const struct seen *seen, const struct spot *at)
{
    for (size_t i = 0, count = js_count(seen->causes, NULL); i < count; i++) {
        const char *field = js_text(js_at(seen->causes, i), "field");

        if (field && is_within(field, at->field))
            return js_at(seen->causes, i);
    }
    return NULL;
}

/* conflict with "kubectl-edit" using apps/v1: the name between the first quotes; owned. */
static char *manager_of(struct json_object *cause)
{
    const char *text = js_text(cause, "message"), *from = text ? strchr(text, '"') : NULL;

    return from ? strndup(from + 1, strcspn(from + 1, "\"")) : NULL;
}

static void note_culprit(struct seen *seen, const struct spot *at, struct json_object *cause)
{
    char *manager CLEANUP_FREE = manager_of(cause);
    char *who CLEANUP_FREE = manager ? manifest_manager(seen->live, manager) : NULL;

    if (who && js_put_key(seen->by, at->path, json_object_new_string(who)) < 0)
        seen->failed = true;
}

/* ---- the walk ---- */

static struct json_object *walk(struct seen *seen, const struct spot *at, struct json_object *desired,
                                struct json_object *wished, struct json_object *live);

static struct json_object *copy(struct seen *seen, struct json_object *value)
{
    struct json_object *result = value ? js_copy(value) : NULL;

    seen->failed |= value && !result;
    return result;
}

static struct json_object *walk_members(struct seen *seen, const struct spot *at, struct json_object *desired,
                                        struct json_object *wished, struct json_object *live)
{
    struct json_object *result = json_object_new_object();

    seen->failed |= !result;
    js_each (desired, key, value) {
        struct json_object *would = NULL, *is = NULL, *found;
        struct spot here CLEANUP_SPOT = member_spot(at, key);

        if (seen->failed || !spot_made(seen, &here))
            break;
        json_object_object_get_ex(wished, key, &would);
        json_object_object_get_ex(live, key, &is);
        found = walk(seen, &here, value, would, is);
        if (found && js_put_key(result, key, found) < 0)
            seen->failed = true;
    }
    return result;
}

static struct json_object *walk_elements(struct seen *seen, const struct spot *at,
                                         struct json_object *desired, struct json_object *wished,
                                         struct json_object *live)
{
    struct json_object *result = json_object_new_array();
    bool keyed = all_keyed(desired);

    seen->failed |= !result;
    for (size_t i = 0, count = js_count(desired, NULL); i < count && !seen->failed; i++) {
        struct json_object *element = js_at(desired, i), *found;
        struct spot here CLEANUP_SPOT = element_spot(at, i, element);

        if (!spot_made(seen, &here))
            break;
        found = walk(seen, &here, element, keyed ? manifest_element(wished, element) : js_at(wished, i),
                     keyed ? manifest_element(live, element) : js_at(live, i));
        if (found && json_object_array_add(result, found) < 0) {
            json_object_put(found);
            seen->failed = true;
        }
    }
    return result;
}

static bool both(struct json_object *a, struct json_object *b, enum json_type type)
{
    return json_object_is_type(a, type) && json_object_is_type(b, type);
}

static bool is_hollow(struct json_object *value)
{
    if (json_object_is_type(value, json_type_object))
        return json_object_object_length(value) == 0;
    return json_object_is_type(value, json_type_array) && json_object_array_length(value) == 0;
}

/*
 * A leaf that is not as wanted. With conflicts told, a value that is in none of them is only spelled otherwise, and
 * what is empty may have been left out.
 */
static struct json_object *differs(struct seen *seen, const struct spot *at, struct json_object *desired,
                                   struct json_object *live)
{
    struct json_object *cause = seen->causes ? cause_of(seen, at) : NULL;

    if (seen->causes && !cause && (live || is_hollow(desired)))
        return copy(seen, desired);
    if (cause)
        note_culprit(seen, at, cause);
    return copy(seen, live);
}

static struct json_object *walk(struct seen *seen, const struct spot *at, struct json_object *desired,
                                struct json_object *wished, struct json_object *live)
{
    if (seen->failed)
        return NULL;
    if (js_equal(wished, live))
        return copy(seen, desired);
    if (both(desired, live, json_type_object) && !diff_is_unknown(desired))
        return walk_members(seen, at, desired, wished, live);
    if (both(desired, live, json_type_array) &&
        (all_keyed(desired) || js_count(desired, NULL) == js_count(live, NULL)))
        return walk_elements(seen, at, desired, wished, live);
    return differs(seen, at, desired, live);
}

struct json_object *manifest_seen(struct seen *seen)
{
    struct spot top CLEANUP_SPOT = {strdup(""), strdup("")};
    struct json_object *result = NULL;

    if (spot_made(seen, &top))
        result = walk(seen, &top, seen->desired, seen->wished, seen->live);
    if (!seen->failed)
        return result;
    json_object_put(result);
    return NULL;
}

/* ---- what we declared before ---- */

static int leftovers(const char *path, struct json_object *desired, struct json_object *wished,
                     struct json_object *live, struct json_object *extra);

static int leftover_members(const char *path, struct json_object *desired, struct json_object *wished,
                            struct json_object *live, struct json_object *extra)
{
    int r = 0;

    js_each (live, key, is) {
        struct json_object *want = NULL, *would = NULL;
        char *here CLEANUP_FREE = diff_path_member(path, key);

        if (r < 0 || !here)
            return r < 0 ? r : -ENOMEM;
        json_object_object_get_ex(desired, key, &want);
        json_object_object_get_ex(wished, key, &would);
        r = leftovers(here, want, would, is, extra);
    }
    return r;
}

static int leftover_elements(const char *path, struct json_object *desired, struct json_object *wished,
                             struct json_object *live, struct json_object *extra)
{
    int r = 0;

    for (size_t i = 0, count = js_count(live, NULL); i < count && r == 0; i++) {
        struct json_object *element = js_at(live, i);
        char *name CLEANUP_FREE = js_scalar_text(js_get(element, key_of(element)));
        char *here CLEANUP_FREE = name ? diff_path_element(path, name) : NULL;

        if (!here)
            return -ENOMEM;
        r = leftovers(here, manifest_element(desired, element), manifest_element(wished, element), element,
                      extra);
    }
    return r;
}

static int leftovers(const char *path, struct json_object *desired, struct json_object *wished,
                     struct json_object *live, struct json_object *extra)
{
    if (js_equal(wished, live))
        return 0;
    if (both(wished, live, json_type_object))
        return leftover_members(path, desired, wished, live, extra);
    if (both(wished, live, json_type_array) && all_keyed(live))
        return leftover_elements(path, desired, wished, live, extra);
    if (desired)
        return 0; /* a declared leaf: manifest_seen() tells */
    return js_put_key(extra, path, json_object_get(live));
}

/* What every write changes, and nobody declares. */
static struct json_object *without_records(struct json_object *object)
{
    static const char *const records[] = {
        "managedFields", "resourceVersion", "generation", "creationTimestamp", "uid", "selfLink"};
    struct json_object *copied = js_copy(object), *metadata = js_get(copied, "metadata");

    if (copied)
        json_object_object_del(copied, "status");
    for (size_t i = 0; metadata && i < ARRAY_SIZE(records); i++)
        json_object_object_del(metadata, records[i]);
    return copied;
}

int manifest_leftovers(struct json_object *desired, struct json_object *wished, struct json_object *live,
                       struct json_object *extra)
{
    struct json_object *would CLEANUP_JS = without_records(wished);
    struct json_object *is CLEANUP_JS = without_records(live);

    return would && is ? leftovers("", desired, would, is, extra) : -ENOMEM;
}
