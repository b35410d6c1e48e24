/*
 * graph.c: one platform file and its blueprint, from text to graph: the order of the steps,
 * and what becomes of drafts when all is well.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "desired/desired-internal.h"

/* ---- release ---- */

static void source_strings_done(struct credential_source *source)
{
    free(source->credential);
    free(source->file);
    free(source->environment);
}

static void resource_done(struct desired_resource *resource)
{
    struct place_list places = {resource->places, resource->places_count, resource->places_count};

    place_list_done(&places);
    free(resource->address);
    free(resource->type);
    free(resource->name);
    free(resource->instance_key);
    free(resource->body);
    free(resource->needs);
}

static void output_done(struct desired_output *output)
{
    free(output->name);
    free(output->value);
    free(output->description);
}

static void policy_done(struct desired_policy *policy)
{
    strv_done(&policy->protect);
    for (size_t i = 0; i < policy->ignore_count; i++) {
        free(policy->ignore[i].address);
        free(policy->ignore[i].path);
    }
    free(policy->ignore);
}

static void sections_done(struct graph *graph)
{
    free(graph->aws.account_id);
    free(graph->aws.region);
    free(graph->aws.partition);
    free(graph->aws.profile);
    free(graph->github.repository);
    free(graph->github.owner);
    free(graph->github.name);
    free(graph->github.api_url);
    free(graph->github.app_id);
    free(graph->github.app_installation_id);
    source_strings_done(&graph->github.token);
    source_strings_done(&graph->github.app_private_key);
}

struct graph *graph_free(struct graph *graph)
{
    if (!graph)
        return NULL;
    sections_done(graph);
    policy_done(&graph->policy);
    for (size_t i = 0; i < graph->count; i++)
        resource_done(&graph->resources[i]);
    for (size_t i = 0; i < graph->outputs_count; i++)
        output_done(&graph->outputs[i]);
    for (size_t i = 0; i < graph->credentials_count; i++)
        free(graph->credentials[i].name);
    free(graph->resources);
    free(graph->by_address);
    free(graph->outputs);
    free(graph->credentials);
    free(graph->platform);
    free(graph->file);
    free(graph->blueprint);
    free(graph->blueprint_file);
    free(graph->blueprint_dir);
    free(graph->text);
    free(graph->digest);
    free(graph);
    return NULL;
}

static void loader_done(struct loader *loader)
{
    source_done(&loader->platform);
    source_done(&loader->blueprint);
    for (size_t i = 0; i < loader->declared_count; i++)
        free(loader->declared[i].address);
    for (size_t i = 0; i < loader->drafts_count; i++) {
        resource_done(&loader->drafts[i].resource);
        node_free(loader->drafts[i].depends_on);
        free(loader->drafts[i].edges);
    }
    for (size_t i = 0; i < loader->outputs_count; i++)
        output_done(&loader->outputs[i].output);
    free(loader->declared);
    free(loader->drafts);
    free(loader->outputs);
    free(loader->variables_from);
    strv_done(&loader->broken);
    place_list_done(&loader->settings);
    json_object_put(loader->variables);
    json_object_put(loader->credentials);
    json_object_put(loader->policy);
    graph_free(loader->graph);
}

/* ---- drafts become resources ---- */

static int compare_indexes(const void *a, const void *b)
{
    const size_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* Edges are between drafts; needs are between resources in their final order. */
static int take_needs(const struct draft *draft, const size_t *position, struct desired_resource *resource)
{
    if (draft->edges_count == 0)
        return 0;
    resource->needs = calloc(draft->edges_count, sizeof(*resource->needs));
    if (!resource->needs)
        return -ENOMEM;
    for (size_t i = 0; i < draft->edges_count; i++)
        resource->needs[i] = position[draft->edges[i].to];
    resource->needs_count = draft->edges_count;
    qsort(resource->needs, resource->needs_count, sizeof(*resource->needs), compare_indexes);
    return 0;
}

static int take_resources(struct loader *loader, const size_t *order)
{
    struct graph *graph = loader->graph;
    size_t *position CLEANUP_FREE = calloc(loader->drafts_count + 1, sizeof(*position));

    graph->resources = calloc(loader->drafts_count + 1, sizeof(*graph->resources));
    graph->by_address = calloc(loader->drafts_count + 1, sizeof(*graph->by_address));
    if (!graph->resources || !graph->by_address || !position)
        return -ENOMEM;
    for (size_t i = 0; i < loader->drafts_count; i++)
        graph->by_address[order[i]] = position[order[i]] = i; /* drafts are sorted by address */
    for (size_t i = 0; i < loader->drafts_count; i++) {
        struct draft *draft = &loader->drafts[order[i]];

        graph->resources[i] = draft->resource;
        memset(&draft->resource, 0, sizeof(draft->resource));
        graph->count++;
        if (take_needs(draft, position, &graph->resources[i]) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int take_outputs(struct loader *loader)
{
    struct graph *graph = loader->graph;

    graph->outputs = calloc(loader->outputs_count + 1, sizeof(*graph->outputs));
    if (!graph->outputs)
        return -ENOMEM;
    for (size_t i = 0; i < loader->outputs_count; i++) {
        graph->outputs[i] = loader->outputs[i].output;
        memset(&loader->outputs[i].output, 0, sizeof(loader->outputs[i].output));
        graph->outputs_count++;
    }
    return 0;
}

static int compare_credentials(const void *a, const void *b)
{
    const struct credential_use *left = a, *right = b;

    return strcmp(left->name, right->name);
}

static int take_credentials(struct loader *loader)
{
    struct graph *graph = loader->graph;
    size_t count = (size_t)json_object_object_length(loader->credentials);

    graph->credentials = calloc(count + 1, sizeof(*graph->credentials));
    if (!graph->credentials)
        return -ENOMEM;
    js_each (loader->credentials, name, value) {
        (void)value;
        graph->credentials[graph->credentials_count].name = strdup(name);
        if (!graph->credentials[graph->credentials_count].name)
            return -ENOMEM;
        graph->credentials_count++;
    }
    qsort(graph->credentials, count, sizeof(*graph->credentials), compare_credentials);
    return 0;
}

/* ---- the steps ---- */

/* Files to drafts. */
static int read_files(struct loader *loader, const struct daemon_config *config)
{
    int r;

    r = source_load(&loader->platform, loader->graph->file, &loader->report);
    if (r < 0)
        return r;
    r = platform_read(loader);
    if (r == 0)
        r = blueprint_read(loader, config);
    if (r == 0)
        r = parameters_read(loader);
    if (r == 0)
        r = declare_resources(loader);
    if (r == 0)
        r = expand_resources(loader);
    return r < 0 ? r : outputs_read(loader);
}

/* A blueprint that could not be read would make every reference to it a mistake of its own. */
static bool all_is_read(const struct loader *loader)
{
    return !loader->graph->blueprint || loader->blueprint.root;
}

/* Drafts to graph. */
static int link_drafts(struct loader *loader)
{
    size_t *order CLEANUP_FREE = NULL;
    size_t before;
    int r;

    r = links_find(loader);
    if (r == 0)
        r = outputs_link(loader);
    before = report_count(&loader->report);
    if (r == 0)
        r = order_find(loader, &order);
    if (r == 0 && report_count(&loader->report) == before) {
        r = splice_fields(loader, order);
        if (r == 0)
            r = splice_outputs(loader);
    }
    if (r == 0)
        r = rules_check(loader);
    if (r == 0)
        r = report_result(&loader->report);
    if (r == 0)
        r = take_resources(loader, order);
    if (r == 0)
        r = take_outputs(loader);
    if (r == 0)
        r = take_credentials(loader);
    return r < 0 ? r : graph_write_text(loader->graph);
}

int graph_load(const struct daemon_config *config, const char *path, struct graph **ret,
               struct problems *problems, struct problems *warnings)
{
    struct loader loader = {0};
    int r = -ENOMEM;

    report_init(&loader.report, problems, warnings);
    loader.graph = calloc(1, sizeof(*loader.graph));
    loader.scope.graph = loader.graph;
    if (loader.graph)
        r = str_set(&loader.graph->file, path);
    if (r == 0)
        r = read_files(&loader, config);
    if (r == 0)
        r = all_is_read(&loader) ? link_drafts(&loader) : report_result(&loader.report);
    if (r == 0)
        r = report_result(&loader.report);
    if (r == 0)
        *ret = TAKE(loader.graph);
    loader_done(&loader);
    problems_sort(problems);
    if (warnings)
        problems_sort(warnings);
    return r;
}

const struct desired_resource *graph_find(const struct graph *graph, const char *address)
{
    size_t low = 0, high = graph->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct desired_resource *resource = &graph->resources[graph->by_address[middle]];
        int r = strcmp(address, resource->address);

        if (r == 0)
            return resource;
        if (r < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
