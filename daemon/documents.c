/*
 * documents.c: see documents.h.
 */
#include "daemon/documents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/str.h"

/** A member that may fail for want of memory only: the document is then short of it, never wrong. */
static void put(struct json_object *object, const char *key, struct json_object *take_value)
{
    (void)js_put_key(object, key, take_value);
}

static void put_text(struct json_object *object, const char *key, const char *text)
{
    put(object, key, text ? json_object_new_string(text) : NULL);
}

static void put_int(struct json_object *object, const char *key, int64_t number)
{
    put(object, key, json_object_new_int64(number));
}

static void put_bool(struct json_object *object, const char *key, bool value)
{
    put(object, key, json_object_new_boolean(value));
}

static void put_time(struct json_object *object, const char *key, int64_t wall_ms)
{
    char text[32];

    if (wall_ms == 0) {
        put(object, key, NULL);
        return;
    }
    clock_format_rfc3339(wall_ms, text, sizeof(text));
    put_text(object, key, text);
}

static void put_place(struct json_object *object, const struct resource *resource, const char *path)
{
    struct place place;
    char *text CLEANUP_FREE = NULL;

    if (resource->want) {
        place = path ? graph_place(resource->want, path) : resource->want->place;
        text = str_format("%s:%u:%u", place.file, place.mark.line, place.mark.column);
    }
    put_text(object, "place", text);
}

struct json_object *document_blocked(const struct platform *platform)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; list && i < platform->count; i++) {
        const struct resource *resource = platform->resources[i];
        struct json_object *entry;

        if (resource->status == STATUS_READY || resource_gone(resource) ||
            !(entry = json_object_new_object()))
            continue;
        put_text(entry, "address", resource->address);
        put_text(entry, "why", resource->why ? resource->why : status_name(resource->status));
        put_time(entry, "since", resource->since_ms);
        if (json_object_array_add(list, entry) < 0)
            json_object_put(entry);
    }
    return list;
}

static struct json_object *counts_of(const struct platform *platform)
{
    struct json_object *counts = json_object_new_object();
    int64_t by[STATUS_MAX] = {0}, total = 0;

    for (size_t i = 0; i < platform->count; i++) {
        if (resource_gone(platform->resources[i]))
            continue;
        by[platform->resources[i]->status]++;
        total++;
    }
    if (!counts)
        return NULL;
    put_int(counts, "total", total);
    put_int(counts, "ready", by[STATUS_READY]);
    put_int(counts, "drifted", by[STATUS_DRIFTED]);
    put_int(counts, "pending", by[STATUS_PENDING] + by[STATUS_UNKNOWN] + by[STATUS_ABSENT]);
    put_int(counts, "failed", by[STATUS_FAILED]);
    return counts;
}

struct json_object *document_platform(struct platform *platform)
{
    struct json_object *document = json_object_new_object();

    if (!document)
        return NULL;
    put_text(document, "name", platform->name);
    put_int(document, "generation", platform->generation);
    put_bool(document, "converged", platform->converged && !platform->next_graph);
    put_bool(document, "paused", platform->paused);
    put_text(document, "paused_why", platform->paused_why);
    put_text(document, "destroy", destroy_name(platform->destroy));
    put_time(document, "last_pass", platform->last_pass_ms);
    put_time(document, "next_pass", platform->fiber ? 0 : platform->next_pass_ms);
    put(document, "resources", counts_of(platform));
    put_int(document, "open_drifts", (int64_t)platform->episodes_count);
    put(document, "blocked", document_blocked(platform));
    put_text(document, "problem", platform->problem);
    put_text(document, "refused", platform->refused);
    put_text(document, "file", platform->file);
    put_int(document, "calls_last_pass", (int64_t)platform->calls_last);
    return document;
}

/* ---- plan ---- */

static struct json_object *change_of(const struct resource *resource, const struct diff_entry *entry)
{
    struct json_object *change = json_object_new_object();
    bool sensitive = entry->field &&
                     (entry->field->type == FIELD_SECRET || (entry->field->flags & FIELD_SENSITIVE));

    if (!change)
        return NULL;
    put_text(change, "path", entry->path);
    put_text(change, "what", diff_what_name(entry->what));
    put_text(change, "desired", sensitive ? NULL : entry->desired);
    put_text(change, "observed", sensitive ? NULL : entry->observed);
    put_bool(change, "sensitive", sensitive);
    put_bool(change, "known_after_apply", entry->unknown_after);
    put_text(change, "severity", severity_name(entry->severity));
    put_place(change, resource, entry->path);
    return change;
}

/** What a create will set: one change per field that has a value. */
static struct json_object *change_of_field(const struct resource *resource, const struct field *field,
                                           struct json_object *value)
{
    struct json_object *change = json_object_new_object();
    bool sensitive = field->type == FIELD_SECRET || (field->flags & FIELD_SENSITIVE);
    bool unknown = json_object_is_type(value, json_type_object) &&
                   json_object_object_get_ex(value, "unknown", NULL);
    char *text CLEANUP_FREE = sensitive || unknown ? NULL : js_canonical(value);

    if (!change)
        return NULL;
    put_text(change, "path", field->name);
    put_text(change, "what", diff_what_name(DIFF_MISSING));
    put_text(change, "desired", text);
    put_text(change, "observed", NULL);
    put_bool(change, "sensitive", sensitive);
    put_bool(change, "known_after_apply", unknown);
    put_text(change, "severity", severity_name(SEVERITY_NOTICE));
    put_place(change, resource, field->name);
    return change;
}

static void add_create_changes(const struct resource *resource, struct json_object *changes)
{
    struct json_object *desired CLEANUP_JS = NULL;

    if (!resource->desired || js_parse_text(resource->desired, &desired, NULL) < 0)
        return;
    for (const struct field *field = resource->kind->fields; field->name; field++) {
        struct json_object *value = NULL;

        if (!json_object_object_get_ex(desired, field->name, &value) || !value ||
            (field->flags & FIELD_LOCAL))
            continue;
        if ((json_object_is_type(value, json_type_array) && json_object_array_length(value) == 0) ||
            (json_object_is_type(value, json_type_object) && json_object_object_length(value) == 0))
            continue;
        (void)json_object_array_add(changes, change_of_field(resource, field, value));
    }
}

static struct json_object *changes_of(const struct resource *resource)
{
    struct json_object *changes = json_object_new_array();
    const struct decision *decision = &resource->decision;

    if (!changes)
        return NULL;
    if (decision->action == ACTION_CREATE) {
        add_create_changes(resource, changes);
        return changes;
    }
    for (size_t i = 0; i < decision->diff.count; i++)
        if (!decision->only_own_changes || !decision->is_drift[i])
            (void)json_object_array_add(changes, change_of(resource, &decision->diff.entries[i]));
    return changes;
}

static struct json_object *action_of(const struct resource *resource)
{
    const struct decision *decision = &resource->decision;
    struct json_object *action = json_object_new_object();

    if (!action)
        return NULL;
    put_text(action, "address", resource->address);
    put_text(action, "type", resource->kind->type);
    put_text(action, "action", action_name(decision->action));
    put_text(action, "reason", reason_text(decision->reason));
    put(action, "changes", changes_of(resource));
    put_text(action, "held", decision->hold == HOLD_WAITING ? NULL : hold_text(decision->hold));
    put_place(action, resource, NULL);
    return action;
}

static struct json_object *unknown_of(const struct resource *resource)
{
    struct json_object *entry = json_object_new_object();

    if (!entry)
        return NULL;
    put_text(entry, "address", resource->address);
    put_text(entry, "why", resource->why ? resource->why : reason_text(resource->decision.reason));
    put_time(entry, "since", resource->since_ms);
    return entry;
}

static bool is_planned(const struct resource *resource)
{
    return (resource->decision.action != ACTION_NONE && resource->decision.action != ACTION_FORGET) ||
           resource->decision.hold == HOLD_TAKEN;
}

struct json_object *document_plan(struct platform *platform)
{
    struct json_object *document = json_object_new_object();
    struct json_object *actions = json_object_new_array(), *unknown = json_object_new_array();

    if (!document || !actions || !unknown) {
        json_object_put(document);
        json_object_put(actions);
        json_object_put(unknown);
        return NULL;
    }
    for (size_t i = 0; i < platform->count; i++) {
        const struct resource *resource = platform->resources[i];

        if (resource->unresolved || resource->decision.reason == REASON_UNKNOWN)
            (void)json_object_array_add(unknown, unknown_of(resource));
        else if (is_planned(resource))
            (void)json_object_array_add(actions, action_of(resource));
    }
    put_text(document, "name", platform->name);
    put_int(document, "generation", platform->generation);
    put(document, "actions", actions);
    put(document, "unknown", unknown);
    put_int(document, "calls", (int64_t)platform->calls_last);
    put_text(document, "problem", platform->problem);
    return document;
}

struct json_object *document_result(struct platform *platform)
{
    struct json_object *document = json_object_new_object();

    if (!document)
        return NULL;
    put_text(document, "platform", platform->name);
    put_bool(document, "converged", platform->converged);
    put(document, "blocked", document_blocked(platform));
    put_text(document, "problem", platform->problem);
    return document;
}

/** What importing it would do; NULL = it was not seen, or no memory. */
static struct json_object *import_action(const struct resource *resource, const char *refused)
{
    struct json_object *action = resource->seen == ITEM_PRESENT ? action_of(resource) : NULL;

    if (!action)
        return NULL;
    put_text(action, "action", action_name(ACTION_ADOPT));
    put_text(action, "reason", reason_text(REASON_IMPORTED));
    put_text(action, "held", refused);
    return action;
}

/** A plan of these actions alone. */
static struct json_object *plan_of(struct platform *platform, struct json_object *take_actions)
{
    struct json_object *plan = json_object_new_object(), *platforms = json_object_new_array();

    if (!plan || !take_actions || !platforms || json_object_array_add(platforms, plan) < 0) {
        json_object_put(plan);
        json_object_put(take_actions);
        json_object_put(platforms);
        return NULL;
    }
    put_text(plan, "name", platform->name);
    put_int(plan, "generation", platform->generation);
    put(plan, "actions", take_actions);
    put(plan, "unknown", json_object_new_array());
    put_int(plan, "calls", (int64_t)platform->calls_last);
    put_text(plan, "problem", platform->problem);
    return platforms;
}

struct json_object *document_import(struct platform *platform, const struct resource *resource)
{
    struct json_object *document = json_object_new_object(), *actions = json_object_new_array();
    char *refused CLEANUP_FREE = import_refusal(resource);
    struct json_object *action = import_action(resource, refused);

    if (!document || !actions || (action && json_object_array_add(actions, action) < 0)) {
        json_object_put(document);
        json_object_put(actions);
        json_object_put(action);
        return NULL;
    }
    put(document, "platforms", plan_of(platform, actions));
    put_text(document, "refused", refused);
    return document;
}

struct json_object *document_imports(struct platform *platform, const struct strv *addresses)
{
    struct json_object *document = json_object_new_object();
    struct json_object *actions = json_object_new_array(), *resources = json_object_new_array();

    for (size_t i = 0; i < addresses->count && actions && resources; i++) {
        const struct resource *resource = platform_find(platform, addresses->items[i]);
        char *refused CLEANUP_FREE = resource && !resource->record.address ? import_refusal(resource) : NULL;
        struct json_object *action = resource && !resource->record.address && !refused
                                         ? import_action(resource, NULL)
                                         : NULL;

        if (resource && resource->record.address)
            (void)json_object_array_add(resources, document_resource(resource));
        else if (action)
            (void)json_object_array_add(actions, action);
    }
    put(document, "platforms", plan_of(platform, actions));
    put(document, "resources", resources);
    return document;
}

/* ---- destroy ---- */

static struct json_object *destroy_entry(const struct resource *resource, const char *why)
{
    struct json_object *entry = json_object_new_object();
    const char *id = resource->record.id ? resource->record.id : resource->seen_id;

    if (!entry)
        return NULL;
    put_text(entry, "address", resource->address);
    put_text(entry, "type", resource->kind->type);
    put_text(entry, "id", id);
    put_text(entry, "why", why);
    return entry;
}

static struct json_object *deleted_entry(const struct resource *resource)
{
    struct json_object *entry = destroy_entry(resource, resource->farewell.words);

    put_text(entry, "farewell", farewell_name(resource->farewell.sort));
    return entry;
}

static struct json_object *kept_entry(const struct resource *resource)
{
    char *why CLEANUP_FREE = NULL;

    if (resource->spared_for)
        why = str_format("needed by %s, which policy.protect keeps", resource->spared_for);
    else if (resource->kind->flags & KIND_OBSERVED)
        why = str_format("mlopsd only looks at it");
    else
        why = str_format("kept by policy.protect");
    return destroy_entry(resource, why);
}

/** Is there, as far as is known, something of ours to delete? */
static bool is_deletable(const struct resource *resource)
{
    bool found = resource->decision.action == ACTION_ADOPT && !(resource->want && resource->want->adopt) &&
                 !(resource->kind->flags & KIND_ADOPT_ALWAYS);

    if (resource->seen == ITEM_UNKNOWN)
        return resource->record.address && resource->decision.reason != REASON_UNKNOWN;
    return resource->seen != ITEM_ABSENT && (resource->record.address || resource->intent.token || found);
}

struct json_object *document_destroy_plan(struct platform *platform)
{
    struct json_object *document = json_object_new_object(), *deletes = json_object_new_array();
    struct json_object *kept = json_object_new_array(), *unknown = json_object_new_array();
    size_t *order CLEANUP_FREE = destroy_order(platform);

    put(document, "deletes", deletes);
    put(document, "kept", kept);
    put(document, "unknown", unknown);
    if (!document || !order) {
        json_object_put(document);
        return NULL;
    }
    for (size_t i = 0; i < platform->count; i++) {
        const struct resource *resource = platform->resources[order[i]];

        if (resource->spared || (resource->kind->flags & KIND_OBSERVED)) {
            if (resource->record.address)
                (void)json_object_array_add(kept, kept_entry(resource));
        } else if (is_deletable(resource)) {
            (void)json_object_array_add(deletes, deleted_entry(resource));
        } else if (resource->decision.reason == REASON_UNKNOWN) {
            (void)json_object_array_add(unknown, unknown_of(resource));
        }
    }
    put_text(document, "platform", platform->name);
    put_int(document, "generation", platform->generation);
    put_text(document, "file", platform->gone ? NULL : platform->file);
    put_text(document, "state", destroy_name(platform->destroy));
    put_text(document, "problem", platform->problem);
    return document;
}

struct json_object *document_destroyed(struct platform *platform)
{
    struct json_object *document = json_object_new_object(), *left = json_object_new_array();
    struct json_object *kept = json_object_new_array();

    put(document, "left", left);
    put(document, "kept", kept);
    if (!document)
        return NULL;
    for (size_t i = 0; i < platform->count; i++) {
        const struct resource *resource = platform->resources[i];

        if (resource->spared)
            (void)json_object_array_add(kept, kept_entry(resource));
        else if (resource_doomed(resource) && !resource_gone(resource))
            (void)json_object_array_add(
                left, destroy_entry(resource, resource->why ? resource->why : status_name(resource->status)));
    }
    put(document, "leftovers",
        platform->leftovers ? json_object_get(platform->leftovers) : json_object_new_array());
    put_text(document, "platform", platform->name);
    put_text(document, "state", destroy_name(platform->destroy));
    put_text(document, "problem", platform->problem);
    return document;
}

/* ---- resources ---- */

struct json_object *document_resource(const struct resource *resource)
{
    struct json_object *document = json_object_new_object();

    if (!document)
        return NULL;
    put_text(document, "platform", resource->platform->name);
    put_text(document, "address", resource->address);
    put_text(document, "type", resource->kind->type);
    put_text(document, "id", resource->record.id);
    put_text(document, "status", status_name(resource->status));
    put_text(document, "why", resource->why);
    put_time(document, "proved", resource->record.proof_ms);
    return document;
}

struct json_object *document_resource_details(const struct resource *resource)
{
    struct json_object *document = json_object_new_object(), *needs = json_object_new_array();

    if (!document || !needs) {
        json_object_put(document);
        json_object_put(needs);
        return NULL;
    }
    for (size_t i = 0; resource->want && i < resource->want->needs_count; i++)
        (void)js_add_text(needs, resource->platform->resources[resource->want->needs[i]]->address);
    put(document, "resource", document_resource(resource));
    put_text(document, "attributes", resource->record.attributes ? resource->record.attributes : "{}");
    put_text(document, "desired", resource->desired);
    put_text(document, "observed", resource->observed);
    put(document, "needs", needs);
    return document;
}

struct json_object *document_episode(const struct episode *episode)
{
    struct json_object *document = json_object_new_object();

    if (!document)
        return NULL;
    put_text(document, "platform", episode->platform);
    put_text(document, "address", episode->address);
    put_text(document, "type", episode->type);
    put_text(document, "severity", episode->severity);
    put_text(document, "kind", episode->kind);
    put_text(document, "field", episode->field);
    put_text(document, "desired", episode->desired);
    put_text(document, "observed", episode->observed);
    put_time(document, "first_seen", episode->first_seen_ms);
    put_text(document, "state", episode->state);
    put_time(document, "resolved_at", episode->closed_ms);
    return document;
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_AT_CRITICAL:
        return "critical";
    case LOG_AT_ERROR:
        return "error";
    case LOG_AT_WARNING:
        return "warning";
    case LOG_AT_NOTICE:
        return "notice";
    case LOG_AT_DEBUG:
        return "debug";
    default:
        return "info";
    }
}

struct json_object *document_event(int64_t time_ms, const char *platform, const char *address,
                                   const char *event, const char *detail, enum log_level level)
{
    struct json_object *document = json_object_new_object();

    if (!document)
        return NULL;
    put_time(document, "time", time_ms);
    put_text(document, "platform", platform);
    put_text(document, "address", address);
    put_text(document, "event", event);
    put_text(document, "detail", detail);
    put_text(document, "level", level_name(level));
    return document;
}

struct json_object *document_output(struct platform *platform, const struct output *output, bool reveal,
                                    struct err *err)
{
    struct json_object *document = json_object_new_object(), *text = NULL;
    struct secret *value CLEANUP_SECRET = NULL;

    if (!document) {
        (void)err_no_memory(err);
        return NULL;
    }
    put_text(document, "name", output->name);
    put_bool(document, "sensitive", output->sensitive);
    put_text(document, "type", output->type);
    put_text(document, "value", output->value);
    if (output->sensitive && reveal) {
        char *canonical;

        if (output_secret(platform->daemon->store, platform->name, output->name, &value, err) < 0) {
            json_object_put(document);
            return NULL;
        }
        text = json_object_new_string_len(secret_text(value), (int)secret_size(value));
        canonical = text ? js_canonical(text) : NULL;
        put_text(document, "value", canonical);
        if (canonical)
            explicit_bzero(canonical, strlen(canonical));
        free(canonical);
        json_object_put(text);
    }
    return document;
}
