/*
 * methods_import.c: the calls that take over what exists: one thing, many at once (all that another tool's state
 * names), and a password that was made elsewhere.
 *
 * Without "confirm" a look is all: the resources hold their ids until the call is answered or its client
 * goes. Confirmed, the ids are facts in the store, all of them in one commit; see import.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto.h"
#include "common/js.h"
#include "common/str.h"
#include "daemon/documents.h"
#include "daemon/methods-internal.h"

#define SECRET_MAX_BYTES 4096

/** Why nothing can be imported as this resource; NULL = it can. */
static const char *why_not(const struct resource *resource)
{
    if (resource->record.address)
        return "it is recorded already (mlopsctl state show); nothing to import";
    if (!resource_wanted(resource))
        return "no file declares it";
    if (resource->import_id)
        return "somebody else imports it just now";
    if (resource->acting)
        return "it is being made just now: mlopsctl pause first, then import";
    return NULL;
}

/** The call is over, or its client went: what was only tried is forgotten; what was confirmed goes on. */
static void end_trials(struct waiting_call *waiting)
{
    for (size_t i = 0; i < waiting->imports.count && waiting->count > 0; i++) {
        struct resource *resource = platform_find(waiting->platforms[0].platform, waiting->imports.items[i]);

        if (resource && !resource->import_confirmed)
            (void)import_end(resource, NULL); /* a trial writes nothing */
    }
}

/** Give the resource its id; from now on the call answers for it. */
static int hold_id(struct waiting_call *waiting, struct resource *resource, const char *id, bool confirm,
                   struct err *err)
{
    int r;

    if (strv_add(&waiting->imports, resource->address) < 0)
        return err_no_memory(err);
    r = confirm ? import_confirm(resource, id, err) : import_try(resource, id, err);
    if (r < 0)
        (void)import_end(resource, NULL); /* the failure is told already */
    return r;
}

static void look_at_imports(struct waiting_call *waiting, struct platform *platform, bool confirm)
{
    waiting->end = end_trials;
    waiting_begin(waiting, &platform, 1,
                  &(struct pass_request){.mode = confirm ? PASS_CONVERGE : PASS_CHECK, .full = true},
                  confirm);
}

/** A refused one is forgotten: it was told; a row that stayed is tried again, and refused again. */
static void end_refused(struct resource *resource)
{
    if (resource->import_confirmed)
        (void)import_end(resource, NULL);
}

/* ---- one ---- */

static struct json_object *answer_import(struct waiting_call *waiting)
{
    struct platform *platform = waiting->platforms[0].platform;
    struct resource *resource = platform_find(platform, waiting->imports.items[0]);
    struct json_object *answer;

    if (resource && resource->record.address)
        return method_wrap("resource", document_resource(resource));
    if (!resource)
        return json_object_new_object();
    answer = document_import(platform, resource);
    end_refused(resource);
    return answer;
}

void method_import(void *data, struct varlink_call *call, struct json_object *parameters)
{
    bool confirm = js_bool(parameters, "confirm", false);
    struct platform **platforms CLEANUP_FREE = NULL;
    struct waiting_call *waiting;
    struct resource *resource;
    struct err err CLEANUP_ERR = {0};
    size_t count = 0;

    if (!method_platforms(data, call, parameters, true, &platforms, &count))
        return;
    resource = method_resource(platforms[0], call, js_text(parameters, "address"));
    if (!resource)
        return;
    if (why_not(resource)) {
        method_fail(call, "NotNow", "why", why_not(resource));
        return;
    }
    waiting = waiting_new(data, call, 1);
    if (!waiting)
        return;
    if (hold_id(waiting, resource, js_text(parameters, "id"), confirm, &err) < 0) {
        waiting_drop(waiting);
        method_fail(call, "Failed", "why", err_text(&err));
        return;
    }
    waiting->answer = answer_import;
    look_at_imports(waiting, platforms[0], confirm);
}

/* ---- many ---- */

static int refuse(struct waiting_call *waiting, const char *address, const char *why)
{
    struct json_object *entry = json_object_new_object();

    if (!waiting->refused)
        waiting->refused = json_object_new_array();
    if (entry && waiting->refused && js_set_text(entry, "address", address) == 0 &&
        js_set_text(entry, "why", why) == 0 && json_object_array_add(waiting->refused, entry) == 0)
        return 0;
    json_object_put(entry);
    return -ENOMEM;
}

static struct json_object *answer_import_all(struct waiting_call *waiting)
{
    struct platform *platform = waiting->platforms[0].platform;
    struct json_object *answer = document_imports(platform, &waiting->imports);

    for (size_t i = 0; i < waiting->imports.count; i++) {
        struct resource *resource = platform_find(platform, waiting->imports.items[i]);
        char *why CLEANUP_FREE = resource && !resource->record.address ? import_refusal(resource) : NULL;

        if (!resource || why)
            (void)refuse(waiting, waiting->imports.items[i],
                         why ? why : "no file declares it any more"); /* without memory: not in the list */
        if (resource && !resource->record.address)
            end_refused(resource);
    }
    if (answer)
        (void)js_put_key(answer, "refused",
                         waiting->refused ? TAKE(waiting->refused) : json_object_new_array());
    return answer;
}

/** All of the ids, or none. */
static int hold_ids(struct waiting_call *waiting, struct platform *platform, struct json_object *things,
                    bool confirm, struct err *err)
{
    int r = 0;

    for (size_t i = 0; i < js_count(things, NULL) && r == 0; i++) {
        struct json_object *thing = js_at(things, i);
        const char *address = js_text(thing, "address"), *id = js_text(thing, "id");
        struct resource *resource = address ? platform_find(platform, address) : NULL;
        const char *why = resource ? why_not(resource) : "there is no such resource";

        if (!address || str_empty(id))
            r = err_set(err, -EINVAL, ERR_INVALID, "things: each wants an address and an id");
        else if (why)
            r = refuse(waiting, address, why) < 0 ? err_no_memory(err) : 0;
        else
            r = hold_id(waiting, resource, id, confirm, err);
    }
    return r;
}

/** The ids of a confirmed one are durable together, when this returns 0. */
static int keep_ids(struct waiting_call *waiting, struct platform *platform, struct json_object *things,
                    struct err *err)
{
    struct store *store = platform->daemon->store;
    int r = store_begin(store, err);

    if (r < 0)
        return r;
    r = hold_ids(waiting, platform, things, true, err);
    if (r == 0)
        r = store_commit(store, err);
    if (r < 0)
        store_rollback(store);
    return r;
}

static void let_go(struct waiting_call *waiting, struct platform *platform)
{
    for (size_t i = 0; i < waiting->imports.count; i++) {
        struct resource *resource = platform_find(platform, waiting->imports.items[i]);

        if (resource)
            (void)import_end(resource, NULL); /* the failure is told already */
    }
}

void method_import_all(void *data, struct varlink_call *call, struct json_object *parameters)
{
    bool confirm = js_bool(parameters, "confirm", false);
    struct json_object *things = js_get(parameters, "things");
    struct platform **platforms CLEANUP_FREE = NULL;
    struct waiting_call *waiting;
    struct err err CLEANUP_ERR = {0};
    size_t count = 0;
    int r;

    if (!method_platforms(data, call, parameters, true, &platforms, &count))
        return;
    waiting = waiting_new(data, call, 1);
    if (!waiting)
        return;
    r = confirm ? keep_ids(waiting, platforms[0], things, &err)
                : hold_ids(waiting, platforms[0], things, false, &err);
    if (r < 0) {
        let_go(waiting, platforms[0]);
        waiting_drop(waiting);
        method_fail(call, "Failed", "why", err_text(&err));
        return;
    }
    waiting->answer = answer_import_all;
    look_at_imports(waiting, platforms[0], confirm);
}

/* ---- a password ---- */

/** Why this resource can not be given a password; NULL = it can. */
static const char *why_no_secret(const struct resource *resource, struct json_object *value)
{
    size_t size = (size_t)json_object_get_string_len(value);

    if (!(resource->kind->flags & KIND_LOCAL) || !attribute_find(resource->kind->attributes, "result"))
        return "it keeps no password of its own";
    if (size == 0 || size > SECRET_MAX_BYTES || strlen(json_object_get_string(value)) != size)
        return "a password has from 1 to 4096 bytes, none of them zero";
    return why_not(resource);
}

static int keep_secret(const struct resource *resource, struct json_object *value, struct err *err)
{
    struct secret *secret CLEANUP_SECRET = secret_new_text(json_object_get_string(value));
    char *name CLEANUP_FREE = str_format("%s.result", resource->address);
    struct platform *platform = resource->platform;

    if (!secret || !name)
        return err_no_memory(err);
    return sealed_put(platform->daemon->store, platform->name, name, secret, err);
}

/** Sealed at once, and the text of the message wiped; the next pass finds it, and takes it over as its own. */
void method_import_secret(void *data, struct varlink_call *call, struct json_object *parameters)
{
    struct json_object *value = js_get(parameters, "value");
    struct platform **platforms CLEANUP_FREE = NULL;
    struct resource *resource = NULL;
    struct err err CLEANUP_ERR = {0};
    const char *why = NULL;
    size_t count = 0;
    int r = 0;

    if (method_platforms(data, call, parameters, true, &platforms, &count))
        resource = method_resource(platforms[0], call, js_text(parameters, "address"));
    if (resource)
        why = why_no_secret(resource, value);
    if (resource && !why)
        r = keep_secret(resource, value, &err);
    js_wipe_text(value);
    if (!resource)
        return; /* answered */
    if (why || r < 0) {
        method_fail(call, why ? "NotNow" : "Failed", "why", why ? why : err_text(&err));
        return;
    }
    schedule_pass(platforms[0], &(struct pass_request){.mode = PASS_CONVERGE, .full = true});
    varlink_reply(call, NULL);
}
