/*
 * engine_cloud.c: see engine_cloud.h.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/log.h"
#include "common/str.h"
#include "tests/unit/engine_cloud-internal.h"

#define SILENCE_MS 60000

struct cloud *the_cloud;

const char *cloud_fault_name(enum cloud_fault fault)
{
    static const char *const names[CLOUD_FAULT_MAX] = {
        [CLOUD_WELL] = "well",         [CLOUD_FAILS] = "fails",     [CLOUD_DENIES] = "denies",
        [CLOUD_REFUSES] = "refuses",   [CLOUD_NOT_YET] = "not-yet", [CLOUD_NO_SHOW] = "no-show",
        [CLOUD_NO_REPLY] = "no-reply",
    };

    return names[fault];
}

void cloud_init(struct cloud *cloud, struct clock *clock, uint64_t seed)
{
    *cloud = (struct cloud){.clock = clock, .seed = seed, .latency_ms = 50};
}

static void thing_done(struct thing *thing)
{
    free(thing->type);
    free(thing->name);
    free(thing->id);
    free(thing->arn);
    free(thing->token);
    json_object_put(thing->document);
    *thing = (struct thing){0};
}

void cloud_done(struct cloud *cloud)
{
    for (size_t i = 0; i < cloud->count; i++)
        thing_done(&cloud->things[i]);
    for (size_t i = 0; i < cloud->calls; i++)
        free(cloud->lines[i].name);
    free(cloud->lines);
    *cloud = (struct cloud){0};
}

static char *copy(const char *text)
{
    char *result = text ? strdup(text) : NULL;

    assert(result || !text);
    return result;
}

void cloud_copy_things(struct cloud *to, const struct cloud *from)
{
    for (size_t i = 0; i < to->count; i++)
        thing_done(&to->things[i]);
    to->count = from->count;
    to->made = from->made;
    for (size_t i = 0; i < from->count; i++) {
        const struct thing *thing = &from->things[i];

        to->things[i] = *thing;
        to->things[i].type = copy(thing->type);
        to->things[i].name = copy(thing->name);
        to->things[i].id = copy(thing->id);
        to->things[i].arn = copy(thing->arn);
        to->things[i].token = copy(thing->token);
        to->things[i].document = js_copy(thing->document);
    }
}

void cloud_violates(struct cloud *cloud, const char *format, ...)
{
    va_list arguments;

    if (cloud->violation[0])
        return;
    va_start(arguments, format);
    (void)vsnprintf(cloud->violation, sizeof(cloud->violation), format, arguments);
    va_end(arguments);
}

/* ---- things ---- */

struct thing *cloud_find(struct cloud *cloud, const char *type, const char *name)
{
    for (size_t i = 0; i < cloud->count; i++)
        if (str_equal(cloud->things[i].type, type) && str_equal(cloud->things[i].name, name))
            return &cloud->things[i];
    return NULL;
}

struct thing *cloud_add(struct cloud *cloud, const char *type, const char *name,
                        struct json_object *take_document, const char *token)
{
    struct thing *thing = &cloud->things[cloud->count++];

    assert(cloud->count <= CLOUD_THINGS);
    *thing = (struct thing){
        .type = copy(type),
        .name = copy(name),
        .token = copy(token),
        .document = take_document,
        .created_wall_ms = clock_wall_ms(cloud->clock),
        .visible_wall_ms = clock_wall_ms(cloud->clock) + (int64_t)cloud->blind_ms,
    };
    thing->id = str_format("i-%u", ++cloud->made);
    thing->arn = str_format("arn:%s", thing->id);
    if (str_equal(type, "test_slow"))
        thing->ready_wall_ms = clock_wall_ms(cloud->clock) + (int64_t)cloud->settle_ms;
    return thing;
}

struct thing *cloud_put(struct cloud *cloud, const char *type, const char *name, const char *document)
{
    struct json_object *object = NULL;
    int r = js_parse_text(document, &object, NULL);
    struct thing *thing;

    assert(r == 0);
    (void)r;
    thing = cloud_add(cloud, type, name, object, NULL);
    thing->visible_wall_ms = 0;
    return thing;
}

void cloud_set(struct cloud *cloud, const char *type, const char *name, const char *field, const char *json)
{
    struct thing *thing = cloud_find(cloud, type, name);
    struct json_object *value = NULL;
    int r = js_parse_text(json, &value, NULL);

    assert(thing && r == 0);
    (void)r;
    (void)js_set(thing->document, field, value);
}

void cloud_remove(struct cloud *cloud, struct thing *thing)
{
    thing_done(thing);
    memmove(thing, thing + 1, sizeof(*thing) * (size_t)(&cloud->things[cloud->count] - (thing + 1)));
    cloud->count--;
}

void cloud_lose(struct cloud *cloud, const char *type, const char *name)
{
    struct thing *thing = cloud_find(cloud, type, name);

    assert(thing);
    cloud_remove(cloud, thing);
}

bool cloud_is_visible(const struct cloud *cloud, const struct thing *thing)
{
    return thing->visible_wall_ms <= clock_wall_ms(cloud->clock);
}

/* ---- the log ---- */

size_t cloud_count(const struct cloud *cloud, const char *operation, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < cloud->calls; i++)
        count += cloud->lines[i].done && str_equal(cloud->lines[i].operation, operation) &&
                 (!name || str_equal(cloud->lines[i].name, name));
    return count;
}

uint64_t cloud_time(const struct cloud *cloud, const char *operation, const char *name, size_t nth)
{
    for (size_t i = 0; i < cloud->calls; i++)
        if (str_equal(cloud->lines[i].operation, operation) && str_equal(cloud->lines[i].name, name) &&
            --nth == 0)
            return cloud->lines[i].at_ms;
    return UINT64_MAX;
}

static void add_line(struct cloud *cloud, const struct cloud_call *call, bool done)
{
    if ((cloud->calls & (cloud->calls + 1)) == 0) {
        cloud->lines = reallocarray(cloud->lines, 2 * (cloud->calls + 1), sizeof(*cloud->lines));
        assert(cloud->lines);
    }
    cloud->lines[cloud->calls++] = (struct cloud_line){
        .at_ms = clock_monotonic_ms(cloud->clock),
        .operation = call->operation,
        .name = copy(call->name),
        .write = call->write,
        .done = done,
    };
    cloud->writes += call->write && done;
}

/* ---- looks that brought nothing ---- */

static void mark_blind(struct cloud *cloud, const char *name, bool blind)
{
    char mark[64], *at;

    (void)snprintf(mark, sizeof(mark), ",%s,", name);
    at = strstr(cloud->blind_names, mark);
    if (blind && !at && strlen(cloud->blind_names) + strlen(mark) < sizeof(cloud->blind_names))
        (void)snprintf(cloud->blind_names + strlen(cloud->blind_names), sizeof(mark), "%s", mark);
    else if (!blind && at)
        memmove(at, at + strlen(mark), strlen(at + strlen(mark)) + 1);
}

static bool is_blind(const struct cloud *cloud, const char *name)
{
    char mark[64];

    (void)snprintf(mark, sizeof(mark), ",%s,", name);
    return strstr(cloud->blind_names, mark) != NULL;
}

static void note_look(struct cloud *cloud, const struct cloud_call *call, bool answered)
{
    if (call->name) {
        mark_blind(cloud, call->name, !answered);
        return;
    }
    for (size_t i = 0; i < cloud->count; i++)
        if (str_equal(cloud->things[i].type, call->type))
            mark_blind(cloud, cloud->things[i].name, !answered);
}

/* ---- one call ---- */

static enum cloud_fault fault_of(struct cloud *cloud, const struct cloud_call *call)
{
    size_t number = cloud->calls + 1;

    if (cloud->always != CLOUD_WELL && str_equal(cloud->always_operation, call->operation) &&
        (!cloud->always_name || str_equal(cloud->always_name, call->name))) {
        cloud->always_met++;
        return cloud->always;
    }
    if (cloud->fault_at && number >= cloud->fault_at && number < cloud->fault_at + cloud->fault_calls)
        return cloud->fault;
    return CLOUD_WELL;
}

static int fail(const struct cloud_call *call, enum cloud_fault fault, struct err *err)
{
    switch (fault) {
    case CLOUD_FAILS:
        return err_set(err, -EREMOTEIO, ERR_RETRY, "%s: internal failure", call->operation);
    case CLOUD_DENIES:
        return err_set(err, -EACCES, ERR_DENIED, "%s: access denied", call->operation);
    case CLOUD_REFUSES:
        return err_set(err, -EINVAL, ERR_INVALID, "%s: the request is wrong", call->operation);
    case CLOUD_NOT_YET:
        return err_set(err, -EAGAIN, ERR_NOT_YET, "%s: waiting for the tide", call->operation);
    default:
        return err_set(err, -ETIMEDOUT, ERR_RETRY, "%s: no answer", call->operation);
    }
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

int cloud_serve(struct cloud *cloud, struct cloud_call *call, struct err *err)
{
    enum cloud_fault fault = fault_of(cloud, call);
    bool done = fault == CLOUD_WELL || fault == CLOUD_NO_REPLY;
    bool silent = fault == CLOUD_NO_SHOW || fault == CLOUD_NO_REPLY;
    uint64_t latency_ms = silent ? SILENCE_MS : cloud->latency_ms;
    int r = 0;

    add_line(cloud, call, done);
    log_debug("call %zu: %s %s%s%s", cloud->calls, call->operation, call->name ? call->name : call->type,
              fault ? ": " : "", fault ? cloud_fault_name(fault) : "");
    if (cloud->jitter_ms)
        latency_ms += next_random(&cloud->seed) % cloud->jitter_ms;
    if (!call->write)
        note_look(cloud, call, fault == CLOUD_WELL);
    else if (is_blind(cloud, call->name))
        cloud_violates(cloud, "%s %s, although the last look at it brought no answer", call->operation,
                       call->name);
    if (call->write && cloud->frozen)
        cloud_violates(cloud, "%s %s, when nothing is to be written", call->operation, call->name);
    if (done)
        r = call->execute(cloud, call, err);
    if (fiber_sleep(cloud->clock, latency_ms) < 0) {
        err_done(err);
        return err_set(err, -ECANCELED, ERR_CANCELED, "%s: canceled", call->operation);
    }
    if (fault != CLOUD_WELL) {
        err_done(err);
        return fail(call, fault, err);
    }
    return r;
}
