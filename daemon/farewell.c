/*
 * farewell.c: before somebody confirms a destroy: what would be lost, what would stay, and what would refuse to go.
 * The kinds know; each is asked on a fiber of its own, and may look.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/js.h"
#include "daemon/daemon.h"

#define ASKED_AT_ONCE 16

static void ask(void *arg)
{
    struct resource *resource = arg;
    struct platform *platform = resource->platform;
    struct err err CLEANUP_ERR = {0};
    char *text CLEANUP_FREE = resource_last_document(resource);
    struct kind_item item = {
        .address = resource->address,
        .id = resource->record.id ? resource->record.id : resource->seen_id,
        .desired = js_read(text),
        .observed = js_read(resource->observed),
        .memory = js_read(resource->record.memory),
    };
    struct kind_batch batch = {
        .kind = resource->kind,
        .items = &item,
        .count = 1,
        .clouds = platform->clouds,
        .host = &engine_kind_host,
        .host_data = platform,
        .err = &err,
    };

    if (item.desired && item.id)
        resource->kind->farewell(&batch, &item, &resource->farewell);
    json_object_put(item.desired);
    json_object_put(item.observed);
    json_object_put(item.memory);
}

static bool has_something_to_say(const struct resource *resource)
{
    return resource->kind->farewell && !resource->spared && resource->seen == ITEM_PRESENT;
}

void destroy_farewells(struct platform *platform)
{
    struct fiber_group group = {.fibers = &platform->daemon->fibers, .limit = ASKED_AT_ONCE};
    int r = 0;

    destroy_spare(platform);
    for (size_t i = 0; i < platform->count && r == 0; i++) {
        farewell_done(&platform->resources[i]->farewell);
        if (has_something_to_say(platform->resources[i]))
            r = fiber_group_spawn(&group, platform->resources[i]->address, ask, platform->resources[i]);
    }
    fiber_set_where("asking what a destroy would lose");
    (void)fiber_group_wait(&group); /* canceled: so is the pass */
}
