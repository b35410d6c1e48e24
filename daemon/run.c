/*
 * run.c: the last words of a run that ends by itself.
 */
#include "daemon/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/js.h"
#include "daemon/daemon.h"
#include "daemon/documents.h"
#include "view/view.h"

int run_tell_result(struct platform *platform)
{
    size_t left = 0;

    for (size_t i = 0; i < platform->count; i++)
        left += platform->resources[i]->status != STATUS_READY;
    if (platform->converged) {
        (void)printf("%s: steady: %zu resources as wanted (generation %lld)\n", platform->name,
                     platform->count, (long long)platform->generation);
        return 0;
    }
    (void)fprintf(stderr, "%s: not steady: %zu of %zu resources are not as wanted\n", platform->name, left,
                  platform->count);
    if (platform->problem)
        (void)fprintf(stderr, "  %s\n", platform->problem);
    for (size_t i = 0; i < platform->count; i++) {
        const struct resource *resource = platform->resources[i];

        if (resource->status != STATUS_READY && !resource_gone(resource))
            (void)fprintf(stderr, "  %s: %s: %s\n", resource->address, status_name(resource->status),
                          resource->why ? resource->why : "no reason known");
    }
    return 1;
}

static void print_plan(struct json_object *reply, int64_t now_ms)
{
    struct buf out CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);
    const char *no_color = getenv("NO_COLOR");
    struct view view = {
        .out = &out,
        .color = isatty(STDOUT_FILENO) && (!no_color || !*no_color),
        .now_ms = now_ms,
    };

    view_plan(&view, reply);
    (void)printf("%s", buf_text(&out));
}

int run_tell_plan(struct platform *platform)
{
    struct json_object *reply CLEANUP_JS = json_object_new_object();
    struct json_object *platforms = json_object_new_array(), *plan = document_plan(platform);
    bool doubtful = platform->problem || js_count(plan, "unknown") > 0;
    bool changes = js_count(plan, "actions") > 0;

    if (!reply || !platforms || !plan || json_object_array_add(platforms, plan) < 0 ||
        js_put_key(reply, "platforms", platforms) < 0)
        return 1;
    print_plan(reply, clock_wall_ms(platform->daemon->clock));
    if (platform->problem)
        (void)fprintf(stderr, "%s: %s\n", platform->name, platform->problem);
    if (doubtful)
        return 1;
    return changes ? 2 : 0;
}
