/*
 * methods.c: the table of io.mlopsd, and the methods that answer at once.
 */
#include "config.h"

#include "daemon/methods.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/js.h"
#include "common/log.h"
#include "common/str.h"
#include "daemon/control.h"
#include "daemon/documents.h"
#include "daemon/methods-internal.h"

#define CLOSED_EPISODES_MS  (30LL * 24 * 3600 * 1000)
#define CLOSED_EPISODES_MAX 1000
#define HISTORY_DEFAULT     50
#define HISTORY_MAX         10000

/* ---- shared ---- */

void method_fail(struct varlink_call *call, const char *error, const char *key, const char *text)
{
    struct json_object *parameters = json_object_new_object();
    char *name CLEANUP_FREE = str_format("io.mlopsd.%s", error);

    if (parameters)
        (void)js_set_text(parameters, key, text);
    varlink_error(call, name ? name : "io.mlopsd.Failed", parameters);
}

static void fail_with_known(struct daemon *daemon, struct varlink_call *call, const char *error,
                            const char *name)
{
    struct json_object *parameters = json_object_new_object(), *known = json_object_new_array();

    for (size_t i = 0; i < daemon->count; i++)
        (void)js_add_text(known, daemon->platforms[i]->name);
    if (name)
        (void)js_set_text(parameters, "platform", name);
    (void)js_put_key(parameters, "known", known);
    varlink_error(call, error, parameters);
}

bool method_platforms(struct daemon *daemon, struct varlink_call *call, struct json_object *parameters,
                      bool single, struct platform ***ret, size_t *ret_count)
{
    const char *name = js_text(parameters, "platform");
    struct platform **all = calloc(daemon->count + 1, sizeof(struct platform *));
    size_t count = 0;

    if (!all) {
        method_fail(call, "Failed", "why", "no memory");
        return false;
    }
    for (size_t i = 0; i < daemon->count; i++)
        if (platform_watched(daemon->platforms[i]) && (!name || str_equal(daemon->platforms[i]->name, name)))
            all[count++] = daemon->platforms[i];
    if ((name && count == 0) || (single && count != 1)) {
        fail_with_known(daemon, call, name ? "io.mlopsd.NoSuchPlatform" : "io.mlopsd.WhichPlatform", name);
        free(all);
        return false;
    }
    *ret = all;
    *ret_count = count;
    return true;
}

struct resource *method_resource(struct platform *platform, struct varlink_call *call, const char *address)
{
    struct resource *resource = platform_find(platform, address);
    struct json_object *parameters;
    const char *nearest = NULL;
    unsigned best = 8;

    if (resource)
        return resource;
    for (size_t i = 0; i < platform->count; i++) {
        unsigned distance = str_distance(platform->resources[i]->address, address);

        if (distance < best) {
            best = distance;
            nearest = platform->resources[i]->address;
        }
    }
    parameters = json_object_new_object();
    (void)js_set_text(parameters, "address", address);
    (void)js_set_text(parameters, "suggestion", nearest);
    varlink_error(call, "io.mlopsd.NoSuchResource", parameters);
    return NULL;
}

static void reply_list(struct varlink_call *call, const char *key, struct json_object *take_list)
{
    struct json_object *reply = json_object_new_object();

    (void)js_put_key(reply, key, take_list);
    varlink_reply(call, reply);
}

static void fail_err(struct varlink_call *call, const struct err *err)
{
    method_fail(call, "Failed", "why", err_text(err));
}

/* ---- looking ---- */

static void status(void *data, struct varlink_call *call, struct json_object *parameters)
{
    struct daemon *daemon = data;
    struct platform **platforms CLEANUP_FREE = NULL;
    struct json_object *reply, *list;
    char started[32];
    size_t count = 0;

    if (!method_platforms(daemon, call, parameters, false, &platforms, &count))
        return;
    reply = json_object_new_object();
    list = json_object_new_array();
    for (size_t i = 0; i < count; i++)
        (void)json_object_array_add(list, document_platform(platforms[i]));
    clock_format_rfc3339(daemon->started_ms, started, sizeof(started));
    (void)js_set_text(reply, "version", PACKAGE_VERSION);
    (void)js_set_int(reply, "pid", getpid());
    (void)js_set_text(reply, "started", started);
    (void)js_put_key(reply, "platforms", list);
    varlink_reply(call, reply);
}

static void add_closed(struct daemon *daemon, const struct platform *platform, struct json_object *list)
{
    struct episode *episodes = NULL;
    size_t count = 0;
    int64_t since_ms = clock_wall_ms(daemon->clock) - CLOSED_EPISODES_MS;

    if (episode_list_closed(daemon->store, platform->name, since_ms, CLOSED_EPISODES_MAX, &episodes, &count,
                            NULL) < 0)
        return;
    for (size_t i = 0; i < count; i++)
        (void)json_object_array_add(list, document_episode(&episodes[i]));
    episodes_free(episodes, count);
}

static void drift(void *data, struct varlink_call *call, struct json_object *parameters)
{
    struct platform **platforms CLEANUP_FREE = NULL;
    struct json_object *list;
    size_t count = 0;

    if (!method_platforms(data, call, parameters, false, &platforms, &count))
        return;
    list = json_object_new_array();
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < platforms[i]->episodes_count; k++)
            (void)json_object_array_add(list, document_episode(&platforms[i]->episodes[k]));
        if (js_bool(parameters, "all", false))
            add_closed(data, platforms[i], list);
    }
    reply_list(call, "drifts", list);
}

static int add_outputs(struct platform *platform, const char *name, bool reveal, struct json_object *list,
                       struct json_object *known, struct err *err)
{
    struct output *outputs = NULL;
    size_t count = 0;
    int r = output_list(platform->daemon->store, platform->name, &outputs, &count, err);

    for (size_t i = 0; r == 0 && i < count; i++) {
        struct json_object *document;

        (void)js_add_text(known, outputs[i].name);
        if (name && !str_equal(name, outputs[i].name))
            continue;
        document = document_output(platform, &outputs[i], reveal, err);
        if (!document)
            r = -EIO;
        else
            (void)json_object_array_add(list, document);
    }
    outputs_free(outputs, count);
    return r;
}

static void output(void *data, struct varlink_call *call, struct json_object *parameters)
{
    struct platform **platforms CLEANUP_FREE = NULL;
    const char *name = js_text(parameters, "name");
    bool reveal = js_bool(parameters, "reveal", false);
    struct json_object *list CLEANUP_JS = NULL, *known CLEANUP_JS = NULL;
    struct err err CLEANUP_ERR = {0};
    size_t count = 0;

    if (reveal && !control_peer_may_change(data, varlink_peer_of(call))) {
        method_fail(call, "NotAllowed", "why",
                    "sensitive values are shown to root and to the group that access_group: names");
        return;
    }
    if (!method_platforms(data, call, parameters, true, &platforms, &count))
        return;
    list = json_object_new_array();
    known = json_object_new_array();
    if (add_outputs(platforms[0], name, reveal, list, known, &err) < 0) {
        fail_err(call, &err);
    } else if (name && json_object_array_length(list) == 0) {
        struct json_object *what = json_object_new_object();

        (void)js_set_text(what, "name", name);
        (void)js_put_key(what, "known", TAKE(known));
        varlink_error(call, "io.mlopsd.NoSuchOutput", what);
    } else {
        reply_list(call, "outputs", TAKE(list));
    }
}

static void state_list(void *data, struct varlink_call *call, struct json_object *parameters)
{
    struct platform **platforms CLEANUP_FREE = NULL;
    struct json_object *list;
    size_t count = 0;

    if (!method_platforms(data, call, parameters, false, &platforms, &count))
        return;
    list = json_object_new_array();
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < platforms[i]->count; k++)
            if (!resource_gone(platforms[i]->resources[k]))
                (void)json_object_array_add(list, document_resource(platforms[i]->resources[k]));
    reply_list(call, "resources", list);
}

static void state_show(void *data, struct varlink_call *call, struct json_object *parameters)
{
    struct platform **platforms CLEANUP_FREE = NULL;
    struct resource *resource;
    size_t count = 0;

    if (!method_platforms(data, call, parameters, true, &platforms, &count))
        return;
    resource = method_resource(platforms[0], call, js_text(parameters, "address"));
    if (resource)
        varlink_reply(call, document_resource_details(resource));
}

static enum log_level level_of_event(const char *name)
{
    for (size_t i = 0; i < EVENT_TYPE_MAX; i++)
        if (str_equal(event_infos[i].name, name))
            return event_infos[i].level;
    return LOG_AT_INFO;
}

static void history(void *data, struct varlink_call *call, struct json_object *parameters)
{
    struct daemon *daemon = data;
    int64_t limit = js_int(parameters, "limit", HISTORY_DEFAULT);
    struct event *events = NULL;
    struct err err CLEANUP_ERR = {0};
    struct json_object *list;
    size_t count = 0;

    if (limit < 1 || limit > HISTORY_MAX)
        limit = HISTORY_MAX;
    if (event_list(daemon->store, js_text(parameters, "platform"), js_text(parameters, "address"), 0,
                   (size_t)limit, &events, &count, &err) < 0) {
        fail_err(call, &err);
        return;
    }
    list = json_object_new_array();
    for (size_t i = 0; i < count; i++)
        (void)json_object_array_add(list, document_event(events[i].time_ms, events[i].platform,
                                                         events[i].address, events[i].event, events[i].detail,
                                                         level_of_event(events[i].event)));
    events_free(events, count);
    reply_list(call, "events", list);
}

/* ---- changing ---- */

static void approve(void *data, struct varlink_call *call, struct json_object *parameters)
{
    struct daemon *daemon = data;
    struct platform **platforms CLEANUP_FREE = NULL;
    struct err err CLEANUP_ERR = {0};
    struct json_object *approved;
    struct resource *resource;
    char *row CLEANUP_FREE = NULL;
    size_t count = 0;

    if (!method_platforms(data, call, parameters, true, &platforms, &count))
        return;
    resource = method_resource(platforms[0], call, js_text(parameters, "address"));
    if (!resource)
        return;
    if (resource->decision.hold != HOLD_APPROVAL) {
        method_fail(call, "NotNow", "why", "nothing of this resource waits for an approval");
        return;
    }
    row = str_format("approved %s", resource->address);
    if (!row ||
        fact_put(daemon->store, platforms[0]->name, row, action_name(resource->decision.action), &err) < 0) {
        fail_err(call, &err);
        return;
    }
    report(platforms[0], &(struct report){.event = EVENT_APPROVED, .address = resource->address},
           "%s approved by uid %u", action_name(resource->decision.action),
           (unsigned)varlink_peer_of(call)->uid);
    schedule_pass(platforms[0], &(struct pass_request){.mode = PASS_CONVERGE});
    approved = json_object_new_array();
    (void)js_add_text(approved, resource->address);
    reply_list(call, "approved", approved);
}

static void set_paused(void *data, struct varlink_call *call, struct json_object *parameters, bool paused)
{
    struct daemon *daemon = data;
    const char *why = js_text(parameters, "why");
    struct platform **platforms CLEANUP_FREE = NULL;
    struct err err CLEANUP_ERR = {0};
    struct json_object *names;
    size_t count = 0;

    if (!method_platforms(data, call, parameters, false, &platforms, &count))
        return;
    names = json_object_new_array();
    for (size_t i = 0; i < count; i++) {
        struct platform *platform = platforms[i];

        if (fact_put(daemon->store, platform->name, "paused", paused ? (why ? why : "") : NULL, &err) < 0)
            break;
        platform->paused = paused;
        (void)str_set(&platform->paused_why, paused ? why : NULL);
        report(platform, &(struct report){.event = paused ? EVENT_PAUSED : EVENT_RESUMED}, "%s by uid %u%s%s",
               paused ? "paused" : "resumed", (unsigned)varlink_peer_of(call)->uid, why ? ": " : "",
               why ? why : "");
        schedule_pass(platform, &(struct pass_request){.mode = PASS_CONVERGE, .full = true});
        (void)js_add_text(names, platform->name);
    }
    if (err.code < 0) {
        json_object_put(names);
        fail_err(call, &err);
        return;
    }
    reply_list(call, paused ? "paused" : "resumed", names);
}

/** A platform that no file declares yet: paused from its first pass on, so that what it has can be imported first. */
static void pause_ahead(struct daemon *daemon, struct varlink_call *call, const char *name, const char *why)
{
    struct platform *gone = daemon_find(daemon, name); /* its file may come back */
    struct json_object *names;
    struct err err CLEANUP_ERR = {0};

    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name) || strlen(name) > 40) {
        fail_with_known(daemon, call, "io.mlopsd.NoSuchPlatform", name);
        return;
    }
    if (fact_put(daemon->store, name, "paused", why ? why : "", &err) < 0) {
        fail_err(call, &err);
        return;
    }
    if (gone)
        gone->paused = true;
    names = json_object_new_array();
    (void)js_add_text(names, name);
    reply_list(call, "paused", names);
}

static void pause_platforms(void *data, struct varlink_call *call, struct json_object *parameters)
{
    const char *name = js_text(parameters, "platform");

    if (js_bool(parameters, "ahead", false) && name &&
        (!daemon_find(data, name) || !platform_watched(daemon_find(data, name)))) {
        pause_ahead(data, call, name, js_text(parameters, "why"));
        return;
    }
    set_paused(data, call, parameters, true);
}

static void resume_platforms(void *data, struct varlink_call *call, struct json_object *parameters)
{
    set_paused(data, call, parameters, false);
}

static void reload(void *data, struct varlink_call *call, struct json_object *parameters)
{
    struct daemon *daemon = data;
    struct json_object *reply = json_object_new_object();
    struct json_object *accepted = json_object_new_array(), *refused = json_object_new_array();
    struct strv strangers CLEANUP_STRV = {0};

    (void)parameters;
    (void)daemon_reload_asked(daemon, &strangers); /* the other refusals are in the platforms */
    for (size_t i = 0; i < daemon->count; i++)
        if (!daemon->platforms[i]->gone || daemon->platforms[i]->refused)
            (void)js_add_text(daemon->platforms[i]->refused ? refused : accepted, daemon->platforms[i]->name);
    for (size_t i = 0; i < strangers.count; i++)
        (void)js_add_text(refused, strangers.items[i]);
    (void)js_put_key(reply, "accepted", accepted);
    (void)js_put_key(reply, "refused", refused);
    varlink_reply(call, reply);
}

/* ---- the table ---- */

#define PLATFORM                                                                                             \
    {                                                                                                        \
        "platform", json_type_string, false                                                                  \
    }
#define ADDRESS(required)                                                                                    \
    {                                                                                                        \
        "address", json_type_string, required                                                                \
    }
#define PARAMETERS(...)                                                                                      \
    (const struct varlink_parameter[])                                                                       \
    {                                                                                                        \
        __VA_ARGS__,                                                                                         \
        {                                                                                                    \
            0                                                                                                \
        }                                                                                                    \
    }

const struct varlink_method control_methods[] = {
    {"Status", false, false, PARAMETERS(PLATFORM), status},
    {"Plan", false, false, PARAMETERS(PLATFORM), method_plan},
    {"Apply", true, false, PARAMETERS(PLATFORM, {"rebuild", json_type_boolean, false}), method_apply},
    {"Import", true, false,
     PARAMETERS(PLATFORM, ADDRESS(true), {"id", json_type_string, true},
                {"confirm", json_type_boolean, false}),
     method_import},
    {"ImportAll", true, false,
     PARAMETERS(PLATFORM, {"things", json_type_array, true}, {"confirm", json_type_boolean, false}),
     method_import_all},
    {"ImportSecret", true, false, PARAMETERS(PLATFORM, ADDRESS(true), {"value", json_type_string, true}),
     method_import_secret},
    {"Destroy", true, false, PARAMETERS(PLATFORM, {"confirm", json_type_string, false}), method_destroy},
    {"Drift", false, false, PARAMETERS(PLATFORM, {"all", json_type_boolean, false}), drift},
    {"Output", false, false,
     PARAMETERS(PLATFORM, {"name", json_type_string, false}, {"reveal", json_type_boolean, false}), output},
    {"StateList", false, false, PARAMETERS(PLATFORM), state_list},
    {"StateShow", false, false, PARAMETERS(PLATFORM, ADDRESS(true)), state_show},
    {"History", false, false, PARAMETERS(PLATFORM, ADDRESS(false), {"limit", json_type_int, false}), history},
    {"Watch", false, true, PARAMETERS(PLATFORM), method_watch},
    {"Approve", true, false, PARAMETERS(PLATFORM, ADDRESS(true)), approve},
    {"Pause", true, false,
     PARAMETERS(PLATFORM, {"why", json_type_string, false}, {"ahead", json_type_boolean, false}),
     pause_platforms},
    {"Resume", true, false, PARAMETERS(PLATFORM), resume_platforms},
    {"Check", true, false, PARAMETERS(PLATFORM, ADDRESS(false)), method_check},
    {"Reload", true, false, NULL, reload},
    {0},
};
