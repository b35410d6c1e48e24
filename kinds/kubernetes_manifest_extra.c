/*
 * kubernetes_manifest_extra.c: what somebody put into our pods beside what is declared.
 *
 * Server-side apply never takes away what others added. Containers, volumes, environment and the service account
 * decide what runs with our rights: there, what nobody declared is found and taken out.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/diff-internal.h"
#include "kinds/manifest-internal.h"
#include "kinds/registry-internal.h"

#define STEPS_MAX 16

/* A place in the live object on its way down. All borrowed. */
struct trail {
    const char *steps[STEPS_MAX]; /* as managedFields names them: f:spec, k:{"name":"x"} */
    size_t count;
    const char *path;    /* of the difference */
    const char *pointer; /* of the JSON patch */
};

struct search {
    struct json_object *live, *extra, *by, *patch;
};

/* ---- who ---- */

static char *with_time(struct json_object *entry, const char *name)
{
    const char *time = js_text(entry, "time");

    return time ? str_format("%s at %s", name, time) : str_format("%s", name);
}

static bool is_ours(struct json_object *entry)
{
    return str_equal(js_text(entry, "manager"), KUBERNETES_FIELD_MANAGER) &&
           str_equal(js_text(entry, "operation"), "Apply");
}

char *manifest_manager(struct json_object *live, const char *name)
{
    struct json_object *entries = js_get(live, "metadata.managedFields"), *latest = NULL;

    for (size_t i = 0, count = js_count(entries, NULL); i < count; i++) {
        struct json_object *entry = js_at(entries, i);

        if (!str_equal(js_text(entry, "manager"), name))
            continue;
        if (!latest || answer_time_ms(entry, "time") > answer_time_ms(latest, "time"))
            latest = entry;
    }
    return with_time(latest, name);
}

static bool owns(struct json_object *entry, const struct trail *trail)
{
    struct json_object *at = js_get(entry, "fieldsV1");

    for (size_t i = 0; i < trail->count; i++) {
        if (!json_object_object_get_ex(at, trail->steps[i], &at))
            return false;
    }
    return true;
}

/* Who put it there, as far as the server tells; owned. */
static char *owner_of(struct json_object *live, const struct trail *trail)
{
    struct json_object *entries = js_get(live, "metadata.managedFields");

    for (size_t i = 0, count = js_count(entries, NULL); i < count; i++) {
        struct json_object *entry = js_at(entries, i);

        if (!is_ours(entry) && js_text(entry, "manager") && owns(entry, trail))
            return with_time(entry, js_text(entry, "manager"));
    }
    return NULL;
}

/* ---- one find ---- */

static int add_operation(struct json_object *patch, const char *operation, const char *pointer,
                         struct json_object *value)
{
    struct json_object *entry = params_new("op", operation, "path", pointer, NULL);

    if (value)
        params_set(&entry, "value", json_object_get(value));
    if (!entry || json_object_array_add(patch, entry) < 0) {
        json_object_put(entry);
        return -ENOMEM;
    }
    return 0;
}

static int found(const struct search *search, const struct trail *trail, struct json_object *value)
{
    char *who CLEANUP_FREE = search->by ? owner_of(search->live, trail) : NULL;
    int r = search->extra ? js_put_key(search->extra, trail->path, json_object_get(value)) : 0;

    if (r == 0 && who)
        r = js_put_key(search->by, trail->path, json_object_new_string(who));
    if (r == 0 && search->patch)
        r = add_operation(search->patch, "remove", trail->pointer, NULL);
    return r;
}

/* ---- lists ---- */

/* k:{"name":"x"}, as managedFields writes it; owned. */
static char *key_step(struct json_object *element)
{
    struct json_object *key CLEANUP_JS = params_new("name", js_text(element, "name"), NULL);
    char *text CLEANUP_FREE = key ? js_canonical(key) : NULL;

    return text ? str_format("k:%s", text) : NULL;
}

/* An element that is about to go must still be the one that was looked at. */
static int test_name(const struct search *search, const char *pointer, struct json_object *element)
{
    char *name CLEANUP_FREE = str_format("%s/name", pointer);

    if (!search->patch)
        return 0;
    return name ? add_operation(search->patch, "test", name, js_get(element, "name")) : -ENOMEM;
}

/* From the last to the first: indexes of a patch count what is left. */
static int search_list(const struct search *search, const struct trail *at, struct json_object *desired,
                       struct json_object *live)
{
    for (size_t i = js_count(live, NULL); i > 0; i--) {
        struct json_object *element = js_at(live, i - 1);
        const char *name = js_text(element, "name");
        char *step CLEANUP_FREE = NULL, *path CLEANUP_FREE = NULL, *pointer CLEANUP_FREE = NULL;
        struct trail here = *at;
        int r;

        if (!name || manifest_element(desired, element))
            continue;
        step = key_step(element);
        path = diff_path_element(at->path, name);
        pointer = str_format("%s/%zu", at->pointer, i - 1);
        if (!step || !path || !pointer)
            return -ENOMEM;
        here.steps[here.count++] = step;
        here.path = path;
        here.pointer = pointer;
        r = test_name(search, pointer, element);
        if (r == 0)
            r = found(search, &here, element);
        if (r < 0)
            return r;
    }
    return 0;
}

static int search_member(const struct search *search, const struct trail *at, const char *member,
                         const char *step, struct json_object *desired, struct json_object *live)
{
    char *path CLEANUP_FREE = str_format("%s.%s", at->path, member);
    char *pointer CLEANUP_FREE = str_format("%s/%s", at->pointer, member);
    struct trail here = *at;

    if (!path || !pointer)
        return -ENOMEM;
    here.steps[here.count++] = step;
    here.path = path;
    here.pointer = pointer;
    return search_list(search, &here, js_get(desired, member), js_get(live, member));
}

/* The environment of each declared container. */
static int search_environment(const struct search *search, const struct trail *pod, const char *list,
                              const char *list_step, struct json_object *desired, struct json_object *live)
{
    for (size_t i = 0, count = js_count(desired, NULL); i < count; i++) {
        struct json_object *container = js_at(desired, i);
        char *path CLEANUP_FREE = str_format("%s.%s.%zu", pod->path, list, i);
        char *step CLEANUP_FREE = key_step(container), *pointer CLEANUP_FREE = NULL;
        struct trail here = *pod;
        size_t index = 0;
        int r;

        while (index < js_count(live, NULL) &&
               !str_equal(js_text(js_at(live, index), "name"), js_text(container, "name")))
            index++;
        if (index == js_count(live, NULL))
            continue;
        pointer = str_format("%s/%s/%zu", pod->pointer, list, index);
        if (!path || !step || !pointer)
            return -ENOMEM;
        here.steps[here.count++] = list_step;
        here.steps[here.count++] = step;
        here.path = path;
        here.pointer = pointer;
        r = search_member(search, &here, "env", "f:env", container, js_at(live, index));
        if (r < 0)
            return r;
    }
    return 0;
}

/* Rights of the pods. The old spelling of the field follows the new one, both must go. */
static int search_account(const struct search *search, const struct trail *pod, struct json_object *desired,
                          struct json_object *live)
{
    const char *account = js_text(live, "serviceAccountName");
    char *path CLEANUP_FREE = str_format("%s.serviceAccountName", pod->path);
    char *pointer CLEANUP_FREE = str_format("%s/serviceAccountName", pod->pointer);
    char *old CLEANUP_FREE = str_format("%s/serviceAccount", pod->pointer);
    struct trail here = *pod;
    int r;

    if (js_get(desired, "serviceAccountName") || !account || !*account || str_equal(account, "default"))
        return 0;
    if (!path || !pointer || !old)
        return -ENOMEM;
    here.steps[here.count++] = "f:serviceAccountName";
    here.path = path;
    here.pointer = pointer;
    r = found(search, &here, js_get(live, "serviceAccountName"));
    if (r == 0 && search->patch && js_get(live, "serviceAccount"))
        r = add_operation(search->patch, "remove", old, NULL);
    return r;
}

/* Environments first: their containers' indexes are those of the live object as long as no container goes. */
static int search_pod(const struct search *search, const struct trail *pod, struct json_object *desired,
                      struct json_object *live)
{
    static const struct {
        const char *member, *step;
        bool environment;
    } lists[] = {
        {"containers", "f:containers", true},
        {"initContainers", "f:initContainers", true},
        {"volumes", "f:volumes", false},
    };
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(lists) && r == 0; i++) {
        const char *member = lists[i].member, *step = lists[i].step;

        if (lists[i].environment)
            r = search_environment(search, pod, member, step, js_get(desired, member), js_get(live, member));
        if (r == 0)
            r = search_member(search, pod, member, step, desired, live);
    }
    return r < 0 ? r : search_account(search, pod, desired, live);
}

/* Steps and pointer of a dotted path: f:spec ... and /spec/... */
static int begin(struct trail *trail, const char *path, struct buf *names, struct buf *pointer)
{
    size_t offsets[STEPS_MAX], length;

    for (const char *at = path; *at; at += length + (at[length] == '.')) {
        length = strcspn(at, ".");
        offsets[trail->count++] = names->size;
        (void)buf_addf(names, "f:%.*s", (int)length, at); /* failures show below */
        (void)buf_add_char(names, '\0');
        (void)buf_addf(pointer, "/%.*s", (int)length, at);
    }
    if (names->failed < 0 || pointer->failed < 0)
        return -ENOMEM;
    for (size_t i = 0; i < trail->count; i++)
        trail->steps[i] = names->data + offsets[i];
    trail->path = path;
    trail->pointer = buf_text(pointer);
    return 0;
}

int manifest_extras(struct json_object *desired, struct json_object *live, struct json_object *extra,
                    struct json_object *by, struct json_object *patch)
{
    const struct search search = {live, extra, by, patch};
    const char *path = manifest_pod_path(js_text(desired, "kind"));
    struct buf names CLEANUP_BUF = BUF_INIT(1024), pointer CLEANUP_BUF = BUF_INIT(1024);
    struct trail pod = {0};

    if (!path)
        return 0;
    if (begin(&pod, path, &names, &pointer) < 0)
        return -ENOMEM;
    return search_pod(&search, &pod, js_get(desired, path), js_get(live, path));
}
