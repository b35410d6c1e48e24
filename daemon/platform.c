/*
 * platform.c: what a platform is made of at run time, and how a new graph
 * takes the place of the old one between two passes.
 */
#include "daemon/platform.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/log.h"
#include "common/str.h"
#include "daemon/act-internal.h"
#include "daemon/clients.h"
#include "daemon/daemon.h"

/** Whoever waits for a rest waits for so many tries to read what the graph asks of the outside. */
#define FACTS_TRIES 3

#define HOPELESS_FAILURES 5
#define HOPELESS_UNKNOWN  3

static const char *const status_names[STATUS_MAX] = {
    [STATUS_UNKNOWN] = "unknown", [STATUS_ABSENT] = "absent",   [STATUS_PENDING] = "pending",
    [STATUS_READY] = "ready",     [STATUS_DRIFTED] = "drifted", [STATUS_FAILED] = "failed",
};

const char *status_name(enum status status)
{
    assert(status < STATUS_MAX);
    return status_names[status];
}

/* ---- resources ---- */

static struct resource *resource_new(struct platform *platform, const char *address, const struct kind *kind)
{
    struct resource *resource = calloc(1, sizeof(*resource));

    if (!resource || str_set(&resource->address, address) < 0) {
        free(resource);
        return NULL;
    }
    resource->platform = platform;
    resource->kind = kind;
    resource->since_ms = clock_wall_ms(platform->daemon->clock);
    return resource;
}

void resource_drop_intent(struct resource *resource)
{
    free(resource->intent.token);
    free(resource->intent.platform);
    free(resource->intent.address);
    free(resource->intent.action);
    free(resource->intent.operation);
    resource->intent = (struct intent){0};
    free(TAKE(resource->intent_desired));
}

static void resource_free(struct resource *resource)
{
    assert(!resource->acting);
    free(resource->address);
    record_done(&resource->record);
    resource_drop_intent(resource);
    free(resource->observed);
    free(resource->seen_id);
    err_done(&resource->look_err);
    free(resource->settling);
    free(resource->useless);
    decision_done(&resource->decision);
    free(resource->desired);
    strv_done(&resource->waiting_on);
    err_done(&resource->act_err);
    free(resource->failed_told);
    free(resource->held_told);
    free(resource->why);
    free(resource->spared_for);
    farewell_done(&resource->farewell);
    free(resource->import_id);
    free(resource);
}

/** A text that is kept, and the number of its version. */
static void keep(char **text, uint64_t *revision, char *take_text)
{
    if (str_equal(*text, take_text)) {
        free(take_text);
        return;
    }
    free(*text);
    *text = take_text;
    (*revision)++;
}

void resource_set_desired(struct resource *resource, char *take_text)
{
    keep(&resource->desired, &resource->desired_revision, take_text);
}

void resource_set_observed(struct resource *resource, char *take_text)
{
    keep(&resource->observed, &resource->observed_revision, take_text);
}

void resource_set_status(struct resource *resource, enum status status, const char *why)
{
    if (resource->status == status && str_equal(resource->why, why))
        return;
    resource->status = status;
    (void)str_set(&resource->why, why); /* without memory the old words stay */
    resource->since_ms = clock_wall_ms(resource->platform->daemon->clock);
}

bool resource_in_grace(const struct resource *resource)
{
    const struct record *record = &resource->record;
    bool perhaps = !record->address && resource->intent.token;
    int64_t made_ms = perhaps ? resource->intent.at_ms : record->created_ms;

    if (made_ms == 0 || record->sightings >= SIGHTINGS || resource->ended ||
        clock_wall_ms(resource->platform->daemon->clock) < made_ms)
        return false;
    if (str_equal(resource->intent.action, action_name(ACTION_DELETE)))
        return false; /* our own delete was interrupted: that it is gone is no surprise */
    return resource->asked_ms - made_ms < (int64_t)resource->kind->pace.grace_ms;
}

int resource_note_needs(struct resource *resource)
{
    struct json_object *needs CLEANUP_JS = json_object_new_array();
    char *text CLEANUP_FREE = NULL;

    for (size_t i = 0; resource->want && i < resource->want->needs_count; i++)
        if (js_add_text(needs, resource->platform->resources[resource->want->needs[i]]->address) < 0)
            return -ENOMEM;
    text = needs ? js_canonical(needs) : NULL;
    if (!text)
        return -ENOMEM;
    if (str_equal(text, resource->record.needs))
        return 0;
    free(resource->record.needs);
    resource->record.needs = TAKE(text);
    resource->record_dirty = true;
    return 0;
}

void resource_remember_attributes(struct resource *resource, struct json_object *observed)
{
    struct json_object *attributes CLEANUP_JS = json_object_new_object();
    char *text CLEANUP_FREE = NULL;

    if (!resource->record.address || !attributes)
        return;
    for (const struct attribute *a = resource->kind->attributes; a && a->name; a++) {
        struct json_object *value = NULL;

        if (!(a->flags & FIELD_SENSITIVE) && json_object_object_get_ex(observed, a->name, &value))
            (void)js_put_key(attributes, a->name,
                             json_object_get(value)); /* a lost one is read by the next look */
    }
    text = js_canonical(attributes);
    if (!text || str_equal(text, resource->record.attributes))
        return;
    free(resource->record.attributes);
    resource->record.attributes = TAKE(text);
    resource->record_dirty = true;
}

struct resource *platform_find(struct platform *platform, const char *address)
{
    const struct desired_resource *want = platform->graph ? graph_find(platform->graph, address) : NULL;
    size_t index = want ? (size_t)(want - platform->graph->resources) : 0;

    /* declared ones stand in graph order */
    if (want && index < platform->count && platform->resources[index]->want == want)
        return platform->resources[index];
    for (size_t i = 0; i < platform->count; i++)
        if (str_equal(platform->resources[i]->address, address))
            return platform->resources[i];
    return NULL;
}

/* ---- platforms ---- */

static int add_resource(struct platform *platform, struct resource *resource)
{
    struct resource **all = reallocarray(platform->resources, platform->count + 1, sizeof(*all));

    if (!all)
        return -ENOMEM;
    platform->resources = all;
    all[platform->count++] = resource;
    return 0;
}

/** The run-time object for an address: the one there is, or a new one at the end. */
static struct resource *ensure(struct platform *platform, const char *address, const char *type)
{
    struct resource *resource = platform_find(platform, address);
    const struct kind *kind;

    if (resource)
        return resource;
    kind = kind_find(type);
    if (!kind) {
        log_warning("%s: %s is recorded, but this mlopsd knows no kind %s: left alone", platform->name,
                    address, type);
        return NULL;
    }
    resource = resource_new(platform, address, kind);
    if (resource && add_resource(platform, resource) < 0) {
        resource_free(resource);
        resource = NULL;
    }
    return resource;
}

static int load_records(struct platform *platform, struct err *err)
{
    struct record *records = NULL;
    size_t count = 0;
    int r = record_list(platform->daemon->store, platform->name, &records, &count, err);

    for (size_t i = 0; r == 0 && i < count; i++) {
        struct resource *resource = ensure(platform, records[i].address, records[i].type);

        if (!resource)
            continue;
        resource->record = records[i];
        records[i] = (struct record){0}; /* moved */
    }
    records_free(records, count);
    return r;
}

static void type_of_address(const char *address, char type[128])
{
    size_t size = strcspn(address, ".");

    if (size > 127)
        size = 127;
    memcpy(type, address, size);
    type[size] = '\0';
}

static int load_intent_desired(struct resource *resource, struct err *err)
{
    struct platform *platform = resource->platform;
    char *row CLEANUP_FREE = str_format("intent %s", resource->address);
    int r = row ? fact_get(platform->daemon->store, platform->name, row, &resource->intent_desired, err)
                : err_no_memory(err);

    if (r != -ENOENT)
        return r;
    err_done(err);
    return 0;
}

static int load_intents(struct platform *platform, struct err *err)
{
    struct intent *intents = NULL;
    size_t count = 0;
    char type[128];
    int r = intent_list(platform->daemon->store, platform->name, &intents, &count, err);

    for (size_t i = 0; r == 0 && i < count; i++) {
        struct resource *resource;

        type_of_address(intents[i].address, type);
        resource = ensure(platform, intents[i].address, type);
        if (!resource || resource->intent.token)
            continue;
        resource->intent = intents[i];
        intents[i] = (struct intent){0}; /* moved */
        r = load_intent_desired(resource, err);
        log_notice("%s: %s: %s was interrupted at %s; looking what became of it", platform->name,
                   resource->address, resource->intent.action, resource->intent.operation);
    }
    intents_free(intents, count);
    return r;
}

static int load_pause(struct platform *platform, struct err *err)
{
    int r = fact_get(platform->daemon->store, platform->name, "paused", &platform->paused_why, err);

    if (r == -ENOENT) {
        err_done(err);
        return 0;
    }
    platform->paused = r == 0;
    return r;
}

struct platform *platform_new(struct daemon *daemon, const char *name, const char *file)
{
    struct platform *platform = calloc(1, sizeof(*platform));
    struct err err CLEANUP_ERR = {0};
    int r;

    if (!platform)
        return NULL;
    platform->daemon = daemon;
    platform->clouds.clock = daemon->clock;
    platform->clouds.fibers = &daemon->fibers;
    platform->clouds.tag_desk = tag_desk_new();
    if (!platform->clouds.tag_desk || str_set(&platform->name, name) < 0 ||
        str_set(&platform->file, file) < 0) {
        platform_free(platform);
        return NULL;
    }
    r = load_records(platform, &err);
    if (r == 0)
        r = load_intents(platform, &err);
    if (r == 0)
        r = drift_load(platform, &err);
    if (r == 0)
        r = load_pause(platform, &err);
    if (r == 0)
        r = destroy_load(platform, &err);
    if (r < 0) {
        log_err(LOG_AT_ERROR, &err, "platform %s", name);
        platform_free(platform);
        return NULL;
    }
    return platform;
}

struct platform *platform_free(struct platform *platform)
{
    if (!platform)
        return NULL;
    assert(!platform->fiber);
    schedule_stop(platform);
    clients_drop(platform);
    platform->clouds.tag_desk = tag_desk_free(platform->clouds.tag_desk);
    for (size_t i = 0; i < platform->count; i++)
        resource_free(platform->resources[i]);
    free(platform->resources);
    episodes_free(platform->episodes, platform->episodes_count);
    graph_free(platform->graph);
    graph_free(platform->next_graph);
    free(platform->github_token_mark);
    free(platform->facts);
    free(platform->refused);
    free(platform->problem);
    free(platform->paused_why);
    json_object_put(platform->leftovers);
    strv_done(&platform->destroy_spares);
    strv_done(&platform->destroy_buried);
    free(platform->name);
    free(platform->file);
    free(platform);
    return NULL;
}

uint64_t platform_calls(const struct platform *platform)
{
    uint64_t calls = 0;

    if (platform->clouds.aws)
        calls += aws_calls_sent(platform->clouds.aws);
    if (platform->clouds.kubernetes)
        calls += kubernetes_calls_sent(platform->clouds.kubernetes);
    if (platform->clouds.github)
        calls += github_calls_sent(platform->clouds.github);
    return calls;
}

/* ---- a new graph ---- */

int platform_offer(struct platform *platform, struct graph *take_graph, struct err *err)
{
    struct graph *current = platform->next_graph ? platform->next_graph : platform->graph;
    struct store *store = platform->daemon->store;
    char *digest CLEANUP_FREE = NULL;
    int64_t number = 0;
    int r = 0;

    free(TAKE(platform->refused));
    if (current && str_equal(current->digest, take_graph->digest)) {
        graph_free(take_graph);
        if (platform->gone) { /* its file came back as it was */
            platform->gone = false;
            schedule_pass(platform, &(struct pass_request){.mode = PASS_CONVERGE, .full = true});
        }
        return 0;
    }
    if (platform->daemon->mode != RUN_ONCE_PLAN) {
        /* keyed: the graph's own digest covers secrets written out in the file, and must not let anyone test guesses */
        digest = seal_fingerprint(store_key(store), "generation", take_graph->digest,
                                  strlen(take_graph->digest));
        r = digest ? generation_put(store, platform->name, digest, take_graph->text, take_graph->file,
                                    &number, err)
                   : err_no_memory(err);
    }
    if (r < 0) {
        graph_free(take_graph);
        return r;
    }
    graph_free(platform->next_graph);
    platform->next_graph = take_graph;
    platform->next_generation = number;
    platform->gone = false;
    if (platform->fiber)
        platform->cut_short = true; /* end the running pass soon: it works for an old graph */
    return 0;
}

/** Resources in graph order first; those no longer declared behind them. */
static int rebuild(struct platform *platform, struct graph *graph, struct err *err)
{
    struct resource **all;
    size_t count = 0;

    for (size_t i = 0; i < platform->count; i++)
        platform->resources[i]->want = NULL;
    for (size_t i = 0; i < graph->count; i++) {
        struct resource *resource = ensure(platform, graph->resources[i].address, graph->resources[i].type);

        if (!resource)
            return err_no_memory(err);
        if (import_load(resource, err) < 0)
            return err->code;
        resource->want = &graph->resources[i];
        resource->made_from.hold = false;
        resource->next_try_ms = 0; /* a new desired state is a new chance */
        resource->failures = 0;
        err_done(&resource->act_err);
    }
    all = calloc(platform->count + 1, sizeof(*all));
    if (!all)
        return err_no_memory(err);
    for (size_t i = 0; i < graph->count; i++)
        all[count++] = platform_find(platform, graph->resources[i].address);
    for (size_t i = 0; i < platform->count; i++) {
        struct resource *resource = platform->resources[i];

        if (resource->want)
            continue;
        if (resource->record.address || resource->intent.token)
            all[count++] = resource;
        else
            resource_free(resource);
    }
    free(platform->resources);
    platform->resources = all;
    platform->count = count;
    return 0;
}

void platform_prune(struct platform *platform)
{
    size_t kept = 0;

    assert(platform->running == 0);
    for (size_t i = 0; i < platform->count; i++) {
        struct resource *resource = platform->resources[i];

        if (resource->want || resource->record.address || resource->intent.token)
            platform->resources[kept++] = resource; /* declared ones come first: their places stay */
        else
            resource_free(resource);
    }
    platform->count = kept;
    drift_close_orphans(platform);
}

static bool same_source(const struct credential_source *a, const struct credential_source *b)
{
    return str_equal(a->credential, b->credential) && str_equal(a->file, b->file) &&
           str_equal(a->environment, b->environment);
}

/** Would the clouds' clients be made the same way? */
static bool same_clients(const struct graph *a, const struct graph *b)
{
    return a && str_equal(a->aws.region, b->aws.region) && str_equal(a->aws.profile, b->aws.profile) &&
           str_equal(a->aws.account_id, b->aws.account_id) &&
           str_equal(a->github.repository, b->github.repository) &&
           str_equal(a->github.api_url, b->github.api_url) && str_equal(a->github.app_id, b->github.app_id) &&
           str_equal(a->github.app_installation_id, b->github.app_installation_id) &&
           a->github.write_interval_ms == b->github.write_interval_ms &&
           same_source(&a->github.token, &b->github.token) &&
           same_source(&a->github.app_private_key, &b->github.app_private_key);
}

int platform_take_over(struct platform *platform, struct err *err)
{
    struct graph *graph = platform->next_graph;
    bool first = platform->graph == NULL;

    if (!graph)
        return 0;
    assert(platform->running == 0);
    if (rebuild(platform, graph, err) < 0)
        return err->code; /* the offer stays; the next pass tries again */
    if (!same_clients(platform->graph, graph))
        clients_drop(platform);
    graph_free(platform->graph);
    platform->graph = graph;
    platform->next_graph = NULL;
    platform->generation = platform->next_generation;
    platform->converged = platform->converged_told = false; /* of the new one nothing is known yet */
    platform->full_due_ms = 0; /* this pass looks at everything, and the next follows in the new interval */
    destroy_spare(platform);
    if (platform->daemon->mode == RUN_ONCE_PLAN || graph->is_frame)
        return 0; /* only looked at; or nothing new */
    report(platform, &(struct report){.event = EVENT_GENERATION},
           "generation %lld in force: %zu resources, from %s%s", (long long)platform->generation,
           graph->count, graph->file, first ? "" : " (reloaded)");
    return 0;
}

bool platform_at_rest(const struct platform *platform)
{
    uint64_t now_ms = clock_monotonic_ms(platform->daemon->clock);

    if (platform->facts_failures > 0 && platform->facts_failures < FACTS_TRIES)
        return false;
    for (size_t i = 0; i < platform->count; i++) {
        const struct resource *resource = platform->resources[i];

        if (resource->acting || resource->settling_since_ms != 0)
            return false;
        switch (resource->decision.reason) {
        case REASON_SUSPECT:
        case REASON_GRACE:
        case REASON_SETTLING:
            return false;
        default:
            break;
        }
        if (act_look_again(resource, now_ms))
            return false;
        if (resource_doomed(resource) && resource_hopeful(resource))
            return false; /* whoever waits for a destroy waits for more than the first try */
        if (act_wanted(resource) && !act_waits_for_others(resource, now_ms) &&
            (resource->failures == 0 || resource->act_err.class == ERR_NOT_YET))
            return false;
    }
    return true;
}

/** Its last failure is one that no other try mends. */
static bool failed_for_good(const struct resource *resource)
{
    switch (resource->act_err.class) {
    case ERR_INVALID:
    case ERR_DENIED:
    case ERR_LIMIT:
    case ERR_CONFLICT:
    case ERR_CREDENTIALS:
        return resource->act_err.code != 0;
    default:
        return resource->failures >= HOPELESS_FAILURES && resource->act_err.class != ERR_NOT_YET;
    }
}

bool resource_hopeful(const struct resource *resource)
{
    if (resource->status == STATUS_READY || resource_gone(resource))
        return false;
    if (resource->decision.reason == REASON_UNKNOWN)
        return !resource->platform->problem && resource->unknown_passes < HOPELESS_UNKNOWN &&
               resource->look_err.class != ERR_DENIED && resource->look_err.class != ERR_CREDENTIALS;
    if (resource->unresolved || resource->decision.hold != HOLD_NONE)
        return false;
    if (!act_wanted(resource))
        return true; /* settling, in its grace, suspect */
    if (act_waits_for_others(resource, clock_monotonic_ms(resource->platform->daemon->clock)))
        return false; /* hope for them, then */
    return !failed_for_good(resource);
}
