/*
 * run.c: the last words of a run that ends by itself.
 */
#include "daemon/run.h"

#include <stdio.h>

#include "common/js.h"
#include "daemon/daemon.h"
#include "daemon/documents.h"

int run_tell_result(struct platform *platform)
{
    size_t left = 0;

    for (size_t i = 0; i < platform->count; i++)
        left += platform->resources[i]->status != STATUS_READY;
    if (platform->converged) {
        (void)printf("%s: steady: %zu resources as wanted (generation %lld)\n", platform->name, platform->count,
                     (long long)platform->generation);
        return 0;
    }
    (void)fprintf(stderr, "%s: not steady: %zu of %zu resources are not as wanted\n", platform->name, left, platform->count);
    if (platform->problem)
        (void)fprintf(stderr, "  %s\n", platform->problem);
    for (size_t i = 0; i < platform->count; i++) {
        const struct resource *resource = platform->resources[i];

        if (resource->status != STATUS_READY)
            (void)fprintf(stderr, "  %s: %s: %s\n", resource->address, status_name(resource->status),
                          resource->why ? resource->why : "no reason known");
    }
    return 1;
}

int run_tell_plan(struct platform *platform)
{
    struct json_object *plan CLEANUP_JS = document_plan(platform);
    size_t changes = js_count(plan, "actions"), unknown = js_count(plan, "unknown");
    char *text CLEANUP_FREE = js_canonical(plan);

    (void)printf("%s\n", text ? text : "");
    if (platform->problem)
        (void)fprintf(stderr, "%s: %s\n", platform->name, platform->problem);
    if (platform->problem || unknown > 0)
        return 1;
    return changes > 0 ? 2 : 0;
}
