/*
 * record.c: what a pass learnt, written down: records that changed, adoptions,
 * outputs. A pass that learnt nothing new writes nothing.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/js.h"
#include "common/log.h"
#include "common/str.h"
#include "daemon/daemon.h"
#include "daemon/words.h"
#include "desired/reference.h"

static bool may_write(const struct platform *platform)
{
    return platform->daemon->mode != RUN_ONCE_PLAN;
}

static int fill_adopted(struct resource *resource)
{
    struct record *record = &resource->record;

    record_done(record);
    *record = (struct record){0};
    if (str_set(&record->platform, resource->platform->name) < 0 ||
        str_set(&record->address, resource->address) < 0 ||
        str_set(&record->type, resource->kind->type) < 0 || str_set(&record->id, resource->seen_id) < 0 ||
        str_set(&record->desired, resource->desired) < 0 || str_set(&record->attributes, "{}") < 0)
        return -ENOMEM;
    record->created_ms = clock_wall_ms(resource->platform->daemon->clock);
    record->proof_ms = record->created_ms;
    record->sightings = 1;
    return 0;
}

/* ---- intents ---- */

static int put_intent_desired(struct resource *resource, const char *desired, struct err *err)
{
    struct platform *platform = resource->platform;
    char *row CLEANUP_FREE = str_format("intent %s", resource->address);

    return row ? fact_put(platform->daemon->store, platform->name, row, desired, err) : err_no_memory(err);
}

int record_intend(struct resource *resource, const struct intent *intent, const char *desired,
                  struct err *err)
{
    struct store *store = resource->platform->daemon->store;
    int r = store_begin(store, err);

    if (r < 0)
        return r;
    r = intent_put(store, intent, err);
    if (r == 0)
        r = put_intent_desired(resource, desired, err);
    if (r == 0)
        r = store_commit(store, err);
    if (r < 0)
        store_rollback(store);
    return r;
}

int record_settle(struct resource *resource, const char *token, struct err *err)
{
    int r = intent_clear(resource->platform->daemon->store, token, err);

    return r < 0 ? r : put_intent_desired(resource, NULL, err);
}

/* ---- adopt and forget ---- */

static int clear_intent(struct resource *resource, struct err *err)
{
    int r;

    if (!resource->intent.token)
        return 0;
    r = record_settle(resource, resource->intent.token, err);
    if (r < 0)
        return r;
    resource_drop_intent(resource);
    return 0;
}

static int adopt(struct resource *resource, struct err *err)
{
    struct store *store = resource->platform->daemon->store;
    struct json_object *observed CLEANUP_JS = NULL;
    enum reason reason = resource->decision.reason;
    int r;

    if (fill_adopted(resource) < 0)
        return err_no_memory(err);
    r = js_parse_text(resource->observed, &observed, err);
    if (r < 0)
        return r;
    resource_remember_attributes(resource, observed);
    r = store_begin(store, err);
    if (r < 0)
        return r;
    r = record_put(store, &resource->record, err);
    if (r == 0)
        r = clear_intent(resource, err);
    if (r == 0)
        r = import_end(resource, err);
    if (r == 0)
        r = store_commit(store, err);
    if (r < 0) {
        store_rollback(store);
        return r;
    }
    report(resource->platform, &(struct report){.event = EVENT_ADOPT, .address = resource->address},
           "adopted%s%s: %s", resource->record.id ? " " : "", resource->record.id ? resource->record.id : "",
           reason_text(reason));
    return 0;
}

int record_drop(struct resource *resource, struct err *err)
{
    struct platform *platform = resource->platform;
    struct store *store = platform->daemon->store;
    int r = record_delete(store, platform->name, resource->address, err);

    for (const struct attribute *a = resource->kind->attributes; r == 0 && a && a->name; a++) {
        char *name CLEANUP_FREE = str_format("%s.%s", resource->address, a->name);

        if ((a->flags & FIELD_SENSITIVE) && name)
            r = sealed_delete(store, platform->name, name, err);
    }
    return r < 0 ? r : destroy_bury(resource, err);
}

static int forget(struct resource *resource, struct err *err)
{
    struct platform *platform = resource->platform;
    struct store *store = platform->daemon->store;
    bool known = resource->record.address != NULL;
    bool ours = resource_doomed(resource) || str_equal(resource->intent.action, action_name(ACTION_DELETE));
    int r = store_begin(store, err);

    if (r < 0)
        return r;
    r = record_drop(resource, err);
    if (r == 0)
        r = clear_intent(resource, err);
    if (r == 0)
        r = store_commit(store, err);
    if (r < 0) {
        store_rollback(store);
        return r;
    }
    record_done(&resource->record);
    resource->record = (struct record){0};
    if (known && (resource->kind->flags & KIND_OBSERVED))
        report(platform, &(struct report){.event = EVENT_FORGOTTEN, .address = resource->address},
               "no longer looked at");
    else if (known && ours)
        report(platform, &(struct report){.event = EVENT_DELETE, .address = resource->address},
               "deleted: it is no longer there");
    else if (known)
        report(platform, &(struct report){.event = EVENT_FORGOTTEN, .address = resource->address},
               "forgotten: no longer declared, and no longer there");
    return 0;
}

size_t record_adopt_and_forget(struct platform *platform)
{
    size_t done = 0;

    if (!may_write(platform) || platform->mode != PASS_CONVERGE)
        return 0;
    for (size_t i = 0; i < platform->count; i++) {
        struct resource *resource = platform->resources[i];
        struct err err CLEANUP_ERR = {0};
        int r = -ENOENT;

        if (resource->acting || resource->decision.hold != HOLD_NONE)
            continue;
        if (resource->decision.action == ACTION_ADOPT)
            r = adopt(resource, &err);
        else if (resource->decision.action == ACTION_FORGET &&
                 (resource->record.address || resource->intent.token))
            r = forget(resource, &err);
        if (r == 0)
            done++;
        else if (r != -ENOENT)
            log_err(LOG_AT_ERROR, &err, "%s", resource->address);
    }
    return done;
}

/* ---- outputs ---- */

/** What it refers to is not known yet, or not any more: what is stored stays. */
#define OUTPUT_LATER 1

/** Terraform's type expression of a value, as JSON text. Static. */
static const char *type_of(struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_boolean:
        return "\"bool\"";
    case json_type_int:
    case json_type_double:
        return "\"number\"";
    case json_type_array:
        return "[\"list\",\"string\"]";
    case json_type_object:
        return "[\"map\",\"string\"]";
    default:
        return "\"string\"";
    }
}

static int put_plain(struct platform *platform, const struct desired_output *output, struct err *err)
{
    struct json_object *wanted CLEANUP_JS = NULL, *value CLEANUP_JS = NULL;
    struct resolver resolver;
    char *text CLEANUP_FREE = NULL;
    int r;

    lookup_resolver(platform, &resolver);
    r = js_parse_text(output->value, &wanted, err);
    if (r == 0)
        r = resolve_value(wanted, &resolver, &value, NULL, err);
    if (r < 0)
        return r;
    if (document_has_unknown(value))
        return OUTPUT_LATER;
    text = js_canonical(value);
    if (!text)
        return err_no_memory(err);
    return output_put(platform->daemon->store, platform->name, output->name, type_of(value), text, err);
}

static int put_secret(struct platform *platform, const struct desired_output *output, struct err *err)
{
    struct json_object *wanted CLEANUP_JS = NULL;
    struct secret *value CLEANUP_SECRET = NULL;
    struct resolver resolver;
    int r;

    r = js_parse_text(output->value, &wanted, err);
    if (r < 0)
        return r;
    if (!json_object_is_type(wanted, json_type_string))
        return err_set(err, -EINVAL, ERR_INVALID, "a sensitive output must be a text");
    lookup_resolver(platform, &resolver);
    r = resolve_secret(json_object_get_string(wanted), &resolver, &value, err);
    if (r != RESOLVED)
        return r < 0 ? r : OUTPUT_LATER;
    return output_put_secret(platform->daemon->store, platform->name, output->name, "\"string\"", value, err);
}

int record_outputs(struct platform *platform, struct err *err)
{
    const char **names = calloc(platform->graph->outputs_count + 1, sizeof(*names));
    size_t kept = 0;
    int r = 0;

    if (!names)
        return err_no_memory(err);
    for (size_t i = 0; i < platform->graph->outputs_count; i++) {
        const struct desired_output *output = &platform->graph->outputs[i];
        struct err local CLEANUP_ERR = {0};

        r = output->sensitive ? put_secret(platform, output, &local) : put_plain(platform, output, &local);
        if (r < 0)
            log_err(LOG_AT_WARNING, &local, "%s: output %s", platform->name, output->name);
        if (r != OUTPUT_LATER || platform->destroy == DESTROY_NONE)
            names[kept++] = output->name; /* of something destroyed no value is kept */
    }
    r = output_delete_others(platform->daemon->store, platform->name, names, kept, err);
    free(names);
    return r;
}

/* ---- the pass ---- */

static void note_in_order(struct resource *resource)
{
    if (resource->decision.reason != REASON_IN_ORDER || !resource->record.address || !resource->desired)
        return;
    if (!str_equal(resource->record.applied, resource->desired) &&
        str_set(&resource->record.applied, resource->desired) == 0)
        resource->record_dirty = true;
    if (!str_equal(resource->record.desired, resource->desired) &&
        str_set(&resource->record.desired, resource->desired) == 0)
        resource->record_dirty = true;
    (void)resource_note_needs(resource); /* without memory: noted by the next pass */
}

static bool anything_dirty(struct platform *platform)
{
    bool dirty = false;

    for (size_t i = 0; i < platform->count; i++) {
        struct resource *resource = platform->resources[i];

        note_in_order(resource);
        dirty = dirty || resource->record_dirty ||
                (resource->intent.token && resource->decision.reason == REASON_IN_ORDER);
    }
    return dirty;
}

static int put_dirty(struct platform *platform, struct err *err)
{
    int r = 0;

    for (size_t i = 0; i < platform->count && r == 0; i++) {
        struct resource *resource = platform->resources[i];

        if (resource->record_dirty && resource->record.address)
            r = record_put(platform->daemon->store, &resource->record, err);
        if (r == 0 && resource->intent.token && resource->decision.reason == REASON_IN_ORDER)
            r = clear_intent(resource, err);
    }
    return r;
}

int record_pass(struct platform *platform, struct err *err)
{
    struct store *store = platform->daemon->store;
    int r;

    if (!may_write(platform))
        return 0;
    if (anything_dirty(platform)) {
        r = store_begin(store, err);
        if (r < 0)
            return r;
        r = put_dirty(platform, err);
        if (r == 0)
            r = store_commit(store, err);
        if (r < 0) {
            store_rollback(store);
            return r;
        }
        for (size_t i = 0; i < platform->count; i++)
            platform->resources[i]->record_dirty = false;
    }
    if (platform->graph->is_frame && platform->destroy == DESTROY_NONE)
        return 0; /* only looked at: its outputs are not known here */
    return record_outputs(platform, err);
}
