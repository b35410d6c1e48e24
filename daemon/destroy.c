/*
 * destroy.c: a platform's end. A person confirms it once; that is written down before anything is deleted, so
 * it goes on after a crash, and after the platform's file was broken or removed.
 *
 *   none -- destroy_begin() --> destroying -- all gone but what is spared --> destroyed
 *     ^                             |                                             |
 *     +------- mlopsctl apply ------+---------------------------------------------+
 *
 * Spared is what policy.protect names (now, or when the destroy was confirmed) and what that needs, as far as is
 * declared or recorded. All others are doomed: decided as if they were no longer declared. In a destroyed platform
 * whatever is still recorded stays, so that an edit of the file can not delete more than was confirmed.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/log.h"
#include "common/str.h"
#include "daemon/daemon.h"

#define DESTROY_ROW "destroy"

static const char *const destroy_names[DESTROY_MAX] = {
    [DESTROY_GOING] = "destroying",
    [DESTROY_DONE] = "destroyed",
};

const char *destroy_name(enum destroy destroy)
{
    return destroy_names[destroy];
}

/* ---- one resource ---- */

bool resource_doomed(const struct resource *resource)
{
    return resource->platform->destroy != DESTROY_NONE && !resource->spared;
}

bool resource_wanted(const struct resource *resource)
{
    return resource->want && !resource_doomed(resource);
}

bool resource_buried(const struct resource *resource)
{
    return resource->platform->destroy == DESTROY_DONE && resource_doomed(resource) &&
           !resource->record.address && !resource->intent.token;
}

bool resource_gone(const struct resource *resource)
{
    return resource_doomed(resource) && resource->status == STATUS_ABSENT;
}

static bool declares_need(const struct resource *resource, const struct resource *need)
{
    if (!resource->want || !need->want)
        return false;
    for (size_t i = 0; i < resource->want->needs_count; i++)
        if (resource->platform->resources[resource->want->needs[i]] == need)
            return true;
    return false;
}

static bool records_need(const struct resource *resource, const struct resource *need)
{
    struct json_object *needs CLEANUP_JS = NULL;

    if (!resource->record.address || !resource->record.needs ||
        !strstr(resource->record.needs, need->address))
        return false;
    needs = js_read(resource->record.needs);
    return needs && js_has_text(needs, need->address);
}

bool resource_needs(const struct resource *resource, const struct resource *need)
{
    if (records_need(resource, need))
        return true;
    /* never recorded, perhaps there: what the file says is all that is known */
    return !resource->record.address && resource_doomed(resource) && resource->seen != ITEM_ABSENT &&
           resource->decision.reason != REASON_GONE && declares_need(resource, need);
}

/** What only steers mlopsd ("force_destroy") counts as the file has it now: it is the way out of a refusal. */
static void take_local_fields(const struct resource *resource, struct json_object *document)
{
    struct json_object *desired CLEANUP_JS = js_read(resource->desired);

    for (const struct field *field = resource->kind->fields; desired && field->name; field++) {
        struct json_object *value = NULL;

        if ((field->flags & FIELD_LOCAL) && json_object_object_get_ex(desired, field->name, &value))
            (void)js_put_key(document, field->name,
                             json_object_get(value)); /* lost: the recorded one counts */
    }
}

char *resource_last_document(const struct resource *resource)
{
    const char *text = resource->record.desired   ? resource->record.desired
                       : resource->intent_desired ? resource->intent_desired
                                                  : resource->desired;
    struct json_object *document CLEANUP_JS = js_read(text);

    if (!document)
        return NULL;
    take_local_fields(resource, document);
    return js_canonical(document);
}

bool platform_watched(const struct platform *platform)
{
    return !platform->gone || platform->destroy == DESTROY_GOING;
}

/* ---- who is spared ---- */

static bool is_protected(const struct platform *platform, const char *address)
{
    return (platform->graph && strv_has(&platform->graph->policy.protect, address)) ||
           strv_has(&platform->destroy_spares, address);
}

/** Spare what @resource needs, and what that needs. The depth is the graph's. */
static void spare_needs(struct resource *resource, const char *protected_one)
{
    struct platform *platform = resource->platform;

    for (size_t i = 0; i < platform->count; i++) {
        struct resource *need = platform->resources[i];

        if (need->spared || (!declares_need(resource, need) && !records_need(resource, need)))
            continue;
        need->spared = true;
        (void)str_set(&need->spared_for, protected_one); /* without memory it is spared without a reason */
        spare_needs(need, protected_one);
    }
}

void destroy_spare(struct platform *platform)
{
    for (size_t i = 0; i < platform->count; i++) {
        struct resource *resource = platform->resources[i];

        resource->spared = is_protected(platform, resource->address) ||
                           (platform->destroy == DESTROY_DONE && resource->record.address);
        free(TAKE(resource->spared_for));
    }
    for (size_t i = 0; i < platform->count; i++)
        if (is_protected(platform, platform->resources[i]->address))
            spare_needs(platform->resources[i], platform->resources[i]->address);
}

/* ---- the order ---- */

#define DEPTH_UNKNOWN UINT_MAX

/** Length of the longest chain of needs below a resource. */
static unsigned depth_of(const struct platform *platform, size_t index, unsigned *depths)
{
    const struct resource *resource = platform->resources[index];
    unsigned deepest = 0;

    if (depths[index] != DEPTH_UNKNOWN)
        return depths[index];
    depths[index] = 0; /* a circle in the records, should there ever be one, ends here */
    for (size_t i = 0; i < platform->count; i++) {
        const struct resource *need = platform->resources[i];

        if (i != index && (records_need(resource, need) || declares_need(resource, need))) {
            unsigned depth = 1 + depth_of(platform, i, depths);

            deepest = depth > deepest ? depth : deepest;
        }
    }
    return depths[index] = deepest;
}

size_t *destroy_order(const struct platform *platform)
{
    size_t *order = calloc(platform->count + 1, sizeof(*order));
    unsigned *depths CLEANUP_FREE = calloc(platform->count + 1, sizeof(*depths));
    size_t placed = 0;
    unsigned deepest = 0;

    if (!order || !depths) {
        free(order);
        return NULL;
    }
    memset(depths, 0xff, platform->count * sizeof(*depths));
    for (size_t i = 0; i < platform->count; i++) {
        unsigned depth = depth_of(platform, i, depths);

        deepest = depth > deepest ? depth : deepest;
    }
    for (unsigned depth = deepest + 1; depth-- > 0;)
        for (size_t i = 0; i < platform->count; i++)
            if (depths[i] == depth)
                order[placed++] = i;
    return order;
}

/* ---- the note ---- */

static int put_addresses(struct json_object *note, const char *key, const struct strv *addresses)
{
    struct json_object *array = json_object_new_array();

    for (size_t i = 0; i < addresses->count; i++)
        if (js_add_text(array, addresses->items[i]) < 0) {
            json_object_put(array);
            return -ENOMEM;
        }
    return js_put_key(note, key, array);
}

static int read_addresses(struct json_object *note, const char *key, struct strv *ret)
{
    struct json_object *array = js_get(note, key);

    for (size_t i = 0; i < js_count(array, NULL); i++)
        if (strv_add(ret, json_object_get_string(js_at(array, i))) < 0)
            return -ENOMEM;
    return 0;
}

static char *note_text(const struct platform *platform)
{
    struct json_object *note CLEANUP_JS = json_object_new_object();

    if (put_addresses(note, "spares", &platform->destroy_spares) < 0 ||
        put_addresses(note, "buried", &platform->destroy_buried) < 0 ||
        js_set_text(note, "state", destroy_name(platform->destroy)) < 0)
        return NULL;
    return js_canonical(note);
}

static int keep(struct platform *platform, struct err *err)
{
    char *text CLEANUP_FREE = NULL;

    if (platform->destroy != DESTROY_NONE) {
        text = note_text(platform);
        if (!text)
            return err_no_memory(err);
    }
    return fact_put(platform->daemon->store, platform->name, DESTROY_ROW, text, err);
}

static int read_note(struct platform *platform, const char *text, struct err *err)
{
    struct json_object *note CLEANUP_JS = NULL;
    int r = js_parse_text(text, &note, err);

    if (r < 0)
        return r;
    platform->destroy = str_equal(js_text(note, "state"), destroy_name(DESTROY_DONE)) ? DESTROY_DONE
                                                                                      : DESTROY_GOING;
    if (read_addresses(note, "spares", &platform->destroy_spares) < 0 ||
        read_addresses(note, "buried", &platform->destroy_buried) < 0)
        return err_no_memory(err);
    return 0;
}

int destroy_load(struct platform *platform, struct err *err)
{
    char *text CLEANUP_FREE = NULL;
    int r = fact_get(platform->daemon->store, platform->name, DESTROY_ROW, &text, err);

    if (r == -ENOENT) {
        err_done(err);
        return 0;
    }
    return r < 0 ? r : read_note(platform, text, err);
}

/* ---- what is deleted ---- */

bool destroy_has_buried(const struct resource *resource)
{
    return strv_has(&resource->platform->destroy_buried, resource->address);
}

int destroy_bury(struct resource *resource, struct err *err)
{
    if (!resource_doomed(resource) || destroy_has_buried(resource))
        return 0;
    if (strv_add(&resource->platform->destroy_buried, resource->address) < 0)
        return err_no_memory(err);
    return keep(resource->platform, err);
}

void destroy_dig_up(struct resource *resource)
{
    struct platform *platform = resource->platform;
    struct err err CLEANUP_ERR = {0};

    if (!destroy_has_buried(resource))
        return;
    strv_remove(&platform->destroy_buried, resource->address);
    if (keep(platform, &err) < 0)
        log_err(LOG_AT_WARNING, &err, "%s: that %s is there again could not be written down", platform->name,
                resource->address);
}

/* ---- the wish ---- */

/** A new wish is a new chance: nothing waits out the pause after an old failure. */
static void try_all_at_once(struct platform *platform)
{
    for (size_t i = 0; i < platform->count; i++) {
        struct resource *resource = platform->resources[i];

        resource->next_try_ms = 0;
        resource->failures = 0;
        if (!resource->acting)
            err_done(&resource->act_err);
    }
    if (platform->fiber)
        platform->cut_short = true; /* what it decided is not wanted any more */
    platform->converged = platform->converged_told = platform->steady = false;
}

static int note_spares(struct platform *platform)
{
    const struct strv *protect = platform->graph ? &platform->graph->policy.protect : NULL;

    strv_done(&platform->destroy_spares);
    for (size_t i = 0; protect && i < protect->count; i++)
        if (strv_add(&platform->destroy_spares, protect->items[i]) < 0)
            return -ENOMEM;
    return 0;
}

int destroy_begin(struct platform *platform, unsigned uid, struct err *err)
{
    int r;

    if (platform->destroy == DESTROY_GOING)
        return 0;
    if (note_spares(platform) < 0)
        return err_no_memory(err);
    strv_done(&platform->destroy_buried);
    platform->destroy = DESTROY_GOING;
    r = keep(platform, err);
    if (r < 0) {
        platform->destroy = DESTROY_NONE;
        return r;
    }
    destroy_spare(platform);
    try_all_at_once(platform);
    report(platform, &(struct report){.event = EVENT_DESTROYING},
           "uid %u wants it destroyed: everything is deleted that policy.protect does not keep", uid);
    return 0;
}

int destroy_cancel(struct platform *platform, unsigned uid, struct err *err)
{
    enum destroy was = platform->destroy;
    int r;

    if (was == DESTROY_NONE)
        return 0;
    platform->destroy = DESTROY_NONE;
    r = keep(platform, err);
    if (r < 0) {
        platform->destroy = was;
        return r;
    }
    strv_done(&platform->destroy_spares);
    strv_done(&platform->destroy_buried);
    try_all_at_once(platform);
    report(platform, &(struct report){.event = EVENT_REBUILDING}, "uid %u wants it back: %s", uid,
           was == DESTROY_GOING ? "its destroy ends here, and what was deleted is made again"
                                : "what its file declares is made again");
    return 0;
}

void destroy_conclude(struct platform *platform)
{
    struct err err CLEANUP_ERR = {0};
    size_t left = 0;

    if (platform->destroy != DESTROY_GOING || platform->mode != PASS_CONVERGE || platform->next_graph)
        return;
    for (size_t i = 0; i < platform->count; i++) {
        const struct resource *resource = platform->resources[i];

        if (resource_doomed(resource) &&
            (resource->record.address || resource->intent.token || !resource_gone(resource)))
            return;
        left += resource->spared;
    }
    platform->destroy = DESTROY_DONE;
    if (keep(platform, &err) < 0) {
        platform->destroy = DESTROY_GOING;
        log_err(LOG_AT_ERROR, &err, "%s: its end could not be written down", platform->name);
        return;
    }
    report(platform, &(struct report){.event = EVENT_DESTROYED},
           "destroyed, %zu resources kept; nothing is made again until `mlopsctl apply`", left);
}

/* ---- without a file ---- */

struct platform *destroy_recall(struct daemon *daemon, const char *name, struct err *err)
{
    struct generation generation = {0};
    struct platform *platform = NULL;
    struct graph *frame = NULL;

    if (generation_latest(daemon->store, name, &generation, err) < 0)
        return NULL;
    if (graph_frame(generation.text, generation.file, &frame, err) == 0)
        platform = daemon_add(daemon, name, generation.file);
    if (platform) {
        platform->gone = true;
        platform->next_graph = TAKE(frame);
        platform->next_generation = generation.number;
    } else if (err->code == 0) {
        (void)err_no_memory(err);
    }
    graph_free(frame);
    generation_done(&generation);
    return platform;
}

static bool is_unfinished(struct daemon *daemon, const char *name)
{
    char *text CLEANUP_FREE = NULL;
    struct json_object *note CLEANUP_JS = NULL;

    if (fact_get(daemon->store, name, DESTROY_ROW, &text, NULL) < 0)
        return false;
    note = js_read(text);
    return str_equal(js_text(note, "state"), destroy_name(DESTROY_GOING));
}

void destroy_recall_all(struct daemon *daemon)
{
    struct strv names CLEANUP_STRV = {0};
    struct err err CLEANUP_ERR = {0};

    if (fact_holders(daemon->store, DESTROY_ROW, &names, &err) < 0)
        log_err(LOG_AT_ERROR, &err, "unfinished destroys could not be looked up");
    for (size_t i = 0; i < names.count; i++) {
        struct err one CLEANUP_ERR = {0};

        if (daemon_find(daemon, names.items[i]) || !is_unfinished(daemon, names.items[i]))
            continue;
        if (destroy_recall(daemon, names.items[i], &one))
            log_notice("%s: no file declares it now; its destroy goes on by what is recorded",
                       names.items[i]);
        else
            log_err(LOG_AT_ERROR, &one, "%s: its destroy can not go on", names.items[i]);
    }
}
