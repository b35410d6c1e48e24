/*
 * leftovers.c: when a destroy is over: things that carry the platform's tag, and that no record knows of: made in
 * a crash that lost the state, by a service on the platform's behalf, or tagged by hand. They are named, never deleted.
 */
#include "common/js.h"
#include "common/log.h"
#include "common/str.h"
#include "daemon/daemon.h"
#include "daemon/ownership.h"

/** The resource whose mark these tags are; NULL = nobody's. */
static const struct resource *marked_as(const struct platform *platform, struct json_object *tags)
{
    struct json_object *document CLEANUP_JS = json_object_new_object();

    if (!document || js_put_key(document, "tags", json_object_get(tags)) < 0)
        return NULL;
    for (size_t i = 0; i < platform->count; i++)
        if (ownership_of(document, platform->name, platform->resources[i]->address) == OWNER_US)
            return platform->resources[i];
    return NULL;
}

static void add_leftover(struct platform *platform, const char *arn, struct json_object *tags)
{
    const struct resource *resource = marked_as(platform, tags);
    struct json_object *entry, *address = NULL;

    if (resource && resource->spared)
        return;
    (void)json_object_object_get_ex(tags, "mlopsd:address", &address);
    entry = json_object_new_object();
    if (entry && js_set_text(entry, "id", arn) == 0 &&
        js_set_text(entry, "type", resource ? resource->kind->type : "") == 0 &&
        js_set_text(entry, "address", address ? json_object_get_string(address) : arn) == 0 &&
        js_set_text(entry, "why",
                    resource ? "was deleted a moment ago: the index of tags may be behind, so look once more"
                             : "nobody has a record of it: delete it by hand if it is not needed") == 0 &&
        json_object_array_add(platform->leftovers, entry) == 0) {
        log_notice("%s: %s still carries its tag", platform->name, arn);
        return;
    }
    json_object_put(entry);
}

void destroy_find_leftovers(struct platform *platform)
{
    struct err err CLEANUP_ERR = {0};
    struct kind_batch batch = {
        .clouds = platform->clouds, .host = &engine_kind_host, .host_data = platform, .err = &err};
    struct json_object *tags CLEANUP_JS = json_object_new_object();

    json_object_put(platform->leftovers);
    platform->leftovers = json_object_new_array();
    if (!platform->clouds.aws || !tags || !platform->leftovers)
        return;
    if (batch_tagged(&batch, "mlopsd:platform", platform->name, tags, &err) < 0) {
        log_err(LOG_AT_WARNING, &err, "%s: what still carries its tag could not be looked up",
                platform->name);
        return;
    }
    js_each (tags, arn, of_one)
        add_leftover(platform, arn, of_one);
}
