/*
 * lookup.c: where the values behind ${...} come from: attributes and fields
 * of other resources, run-time built-ins, credentials, sealed secrets. Nothing here waits.
 *
 * A document is made anew only when something it was made from has changed: the graph, the facts, or
 * how one of the resources it needs stands. Secrets are looked up each time: a file may hold another one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto.h"
#include "common/js.h"
#include "common/str.h"
#include "daemon/clients.h"
#include "daemon/daemon.h"
#include "daemon/ownership.h"
#include "desired/reference.h"

/** "github.repository_id" is kept as "github_repository_id". */
static int builtin(struct platform *platform, const char *name, struct json_object **ret, struct err *err)
{
    struct json_object *facts CLEANUP_JS = NULL;
    struct json_object *value = NULL;
    char *key CLEANUP_FREE = str_format("%s", name);
    int r;

    if (!key)
        return err_no_memory(err);
    for (char *c = key; *c; c++)
        if (*c == '.')
            *c = '_';
    if (!platform->facts)
        return RESOLVE_LATER;
    r = js_parse_text(platform->facts, &facts, err);
    if (r < 0)
        return r;
    if (!json_object_object_get_ex(facts, key, &value) || !value)
        return RESOLVE_LATER;
    *ret = json_object_get(value);
    return RESOLVED;
}

/** A value at the head of a dotted path, and the rest inside of it. */
static struct json_object *value_at(const char *document, const char *path)
{
    struct json_object *object CLEANUP_JS = js_read(document);

    return json_object_get(js_get(object, path));
}

/** In a trial of several imports, what one brings is what the next refers to. */
static bool is_promised(const struct resource *resource)
{
    return resource->platform->promises && import_stands(resource);
}

static int of_resource(struct resource *resource, const char *path, struct json_object **ret)
{
    bool promised = is_promised(resource);
    size_t head = strcspn(path, ".");
    char *name CLEANUP_FREE = str_format("%.*s", (int)head, path);
    struct json_object *value CLEANUP_JS = NULL;

    if (!name)
        return -ENOMEM;
    if (resource_gone(resource))
        return RESOLVE_LATER; /* destroyed: not even its name means anything now */
    if (attribute_find(resource->kind->attributes, name))
        value = resource->record.address ? value_at(resource->record.attributes, path) : NULL;
    else
        value = value_at(resource->desired, path);
    if (!value && (resource->record.address || promised))
        value = value_at(resource->observed, path); /* left to the service: what it chose */
    if (!value || document_has_unknown(value))
        return RESOLVE_LATER;
    *ret = TAKE(value);
    return RESOLVED;
}

static int resolve_reference(void *data, const struct reference *reference, struct json_object **ret,
                             struct err *err)
{
    struct platform *platform = data;
    struct resource *resource;
    int r;

    if (!reference->address)
        return builtin(platform, reference->attribute, ret, err);
    resource = platform_find(platform, reference->address);
    if (!resource)
        return err_set(err, -EINVAL, ERR_BUG, "%s refers to nothing", reference->text);
    r = of_resource(resource, reference->attribute, ret);
    return r < 0 ? err_no_memory(err) : r;
}

static int secret_of_resource(struct platform *platform, const struct reference *reference,
                              struct secret **ret, struct err *err)
{
    char *name CLEANUP_FREE = str_format("%s.%s", reference->address, reference->attribute);
    int r;

    if (!name)
        return err_no_memory(err);
    r = sealed_get(platform->daemon->store, platform->name, name, ret, err);
    if (r != -ENOENT)
        return r;
    err_done(err);
    return RESOLVE_LATER;
}

static int resolve_secret_reference(void *data, const struct reference *reference, struct secret **ret,
                                    struct err *err)
{
    struct platform *platform = data;
    struct credential_source source = {0};
    const char *prefix = "credential.";

    platform->secrets_asked++;
    if (reference->address)
        return secret_of_resource(platform, reference, ret, err);
    if (!str_starts(reference->attribute, prefix))
        return err_set(err, -EINVAL, ERR_BUG, "%s is no secret", reference->text);
    source.credential = reference->attribute + strlen(prefix);
    /* "${credential.X}" where X is what the platform file names as its own token: the same place */
    if (platform->graph->github.has_token &&
        str_equal(platform->graph->github.token.credential, source.credential))
        return credential_read(&platform->graph->github.token, ret, err);
    return credential_read(&source, ret, err);
}

char *lookup_fingerprint(struct platform *platform, const struct secret *value)
{
    return seal_fingerprint(store_key(platform->daemon->store), "document", secret_text(value),
                            secret_size(value));
}

static char *resolver_fingerprint(void *data, const struct secret *value)
{
    return lookup_fingerprint(data, value);
}

void lookup_resolver(struct platform *platform, struct resolver *ret)
{
    *ret = (struct resolver){
        .data = platform,
        .value = resolve_reference,
        .secret = resolve_secret_reference,
        .fingerprint = resolver_fingerprint,
    };
}

/* ---- what a document is made from ---- */

static uint64_t digest_text_after(uint64_t before, const char *text)
{
    return text ? digest_quick(before, text, strlen(text)) : before;
}

void lookup_begin(struct platform *platform)
{
    platform->stand = digest_text_after(platform->promises, platform->facts);
}

/** How it stands, for those that refer to it: all that of_resource() goes by. */
static uint64_t stand_of(const struct resource *resource)
{
    const uint64_t stand[] = {
        resource->desired_revision,
        resource->observed_revision,
        resource->record.address != NULL,
        resource_gone(resource),
        is_promised(resource),
        digest_text_after(0, resource->record.attributes),
    };

    return digest_quick(0, stand, sizeof(stand));
}

static uint64_t inputs_of(const struct resource *resource)
{
    const struct platform *platform = resource->platform;
    uint64_t digest = platform->stand;

    for (size_t i = 0; i < resource->want->needs_count; i++) {
        const struct resource *need = platform->resources[resource->want->needs[i]];

        digest = digest_quick(digest, &need->stand, sizeof(need->stand));
    }
    return digest;
}

static int make_desired(struct resource *resource, char **ret, struct err *err)
{
    struct json_object *document CLEANUP_JS = NULL;
    struct resolver resolver;
    int r;

    lookup_resolver(resource->platform, &resolver);
    r = resolve_body(resource->kind, resource->want->body, &resolver, &document, &resource->waiting_on, err);
    if (r < 0)
        return err_wrap(err, r, "%s", resource->address);
    if (field_find(resource->kind->fields, "tags")) {
        r = ownership_mark(document, resource->platform->name, resource->address);
        if (r < 0)
            return err_no_memory(err);
    }
    *ret = js_canonical(document);
    return *ret ? 0 : err_no_memory(err);
}

int lookup_desired(struct resource *resource, struct err *err)
{
    uint64_t secrets_asked = resource->platform->secrets_asked;
    struct inputs inputs = {.hold = true};
    char *text = NULL;
    int r = 0;

    if (resource->want)
        inputs.digest = inputs_of(resource);
    if (resource->want && resource->made_from.hold && resource->made_from.digest == inputs.digest) {
        resource->stand = stand_of(resource);
        return 0;
    }
    strv_done(&resource->waiting_on);
    if (resource->want)
        r = make_desired(resource, &text, err);
    resource_set_desired(resource, text);
    inputs.hold = r == 0 && resource->want && resource->platform->secrets_asked == secrets_asked;
    resource->made_from = inputs;
    resource->stand = stand_of(resource);
    return r;
}

/* The text of a field; below a map the rest of @field is one key, dots and all: "data.ca.crt". Borrowed. */
static const char *field_text(struct json_object *body, const char *field)
{
    const char *text = js_text(body, field), *dot = strchr(field, '.');
    struct json_object *map = NULL, *value = NULL;
    char *head CLEANUP_FREE = dot ? strndup(field, (size_t)(dot - field)) : NULL;

    if (text || !head || !json_object_object_get_ex(body, head, &map) ||
        !json_object_object_get_ex(map, dot + 1, &value))
        return text;
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

int lookup_secret(struct resource *resource, const char *field, struct secret **ret, struct err *err)
{
    struct json_object *body CLEANUP_JS = NULL;
    struct resolver resolver;
    const char *text;
    int r;

    if (!resource->want)
        return err_set(err, -EINVAL, ERR_BUG, "%s is no longer declared", resource->address);
    r = js_parse_text(resource->want->body, &body, err);
    if (r < 0)
        return r;
    text = field_text(body, field);
    if (!text)
        return err_set(err, -EINVAL, ERR_INVALID, "%s has no %s", resource->address, field);
    lookup_resolver(resource->platform, &resolver);
    r = resolve_secret(text, &resolver, ret, err);
    if (r == RESOLVE_LATER)
        return err_set(err, -EAGAIN, ERR_NOT_YET, "the value of %s is not known yet", field);
    return r;
}
