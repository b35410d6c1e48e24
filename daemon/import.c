/*
 * import.c: taking over what exists and belongs to nobody, because a person names it by its id.
 *
 * First a look with the id and nothing else (a trial): it shows what would be changed, or why not. Confirmed, the id
 * is kept in a fact row "import ADDRESS" until the thing is recorded as ours, so a crash in between loses nothing. Adopting
 * is a note only; tags and what differs are then brought in order by the pass, as any change of the config.
 *
 * Where the kind has a natural key the look goes by that, and the id only has to be that of what was found.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/str.h"
#include "daemon/daemon.h"
#include "daemon/ownership.h"

#define REASON_MAX_BYTES 2000

static char *row_of(const struct resource *resource)
{
    return str_format("import %s", resource->address);
}

static bool has_key(const struct kind *kind)
{
    for (const struct field *field = kind->fields; field->name; field++)
        if (field->flags & FIELD_KEY)
            return true;
    return false;
}

const char *import_look_id(const struct resource *resource)
{
    return has_key(resource->kind) ? NULL : resource->import_id;
}

/* ---- is it the one that was named? ---- */

/** The values of the natural key, one behind the other: "default/nightly", "cluster:nodes". */
static bool is_key(const struct resource *resource, struct json_object *observed, const char *id,
                   char between)
{
    struct buf text CLEANUP_BUF = BUF_INIT(REASON_MAX_BYTES);

    for (const struct field *field = resource->kind->fields; field->name; field++) {
        const char *value = field->flags & FIELD_KEY ? js_text(observed, field->name) : NULL;

        if (!value)
            continue;
        if (str_equal(value, id))
            return true; /* one part of the key says it: the rest is as declared, or it was not found */
        if (text.size > 0)
            (void)buf_add_char(&text, between); /* failed: equal to nothing */
        (void)buf_add_text(&text, value);
    }
    return !text.failed && str_equal(buf_text(&text), id);
}

static bool is_meant(const struct resource *resource)
{
    struct json_object *observed CLEANUP_JS = js_read(resource->observed);
    const char *id = resource->import_id;

    return id && observed &&
           (str_equal(resource->seen_id, id) || str_equal(js_text(observed, "arn"), id) ||
            str_equal(js_text(observed, "id"), id) || is_key(resource, observed, id, '/') ||
            is_key(resource, observed, id, ':'));
}

/** An immutable field whose wanted value is not known yet: it might mean a replace. NULL = none. */
static const char *undecided_field(const struct resource *resource)
{
    const struct diff *diff = &resource->decision.diff;

    for (size_t i = 0; i < diff->count; i++)
        if (diff->entries[i].unknown_after && diff->entries[i].top &&
            (diff->entries[i].top->flags & FIELD_IMMUTABLE))
            return diff->entries[i].path;
    return NULL;
}

bool import_fits(const struct resource *resource)
{
    return is_meant(resource) && !undecided_field(resource);
}

bool import_stands(const struct resource *resource)
{
    return resource->import_id && !resource->record.address && resource->seen == ITEM_PRESENT &&
           import_fits(resource) && !resource->decision.diff.replace;
}

size_t import_waiting(const struct platform *platform, bool also_standing)
{
    size_t waiting = 0;

    for (size_t i = 0; i < platform->count; i++) {
        const struct resource *resource = platform->resources[i];

        waiting += resource->import_id && !resource->record.address &&
                   (also_standing || !import_stands(resource));
    }
    return waiting;
}

/* ---- why not ---- */

static char *immutable_fields(const struct resource *resource)
{
    struct buf text CLEANUP_BUF = BUF_INIT(REASON_MAX_BYTES);
    const struct diff *diff = &resource->decision.diff;

    for (size_t i = 0; i < diff->count; i++)
        if (diff->entries[i].top && (diff->entries[i].top->flags & FIELD_IMMUTABLE))
            (void)buf_addf(&text, "%s%s", text.size ? ", " : "",
                           diff->entries[i].path); /* shows at buf_take */
    return buf_take(&text);
}

static char *why_foreign(struct json_object *observed)
{
    struct json_object *tags = js_get(observed, "tags");
    const char *platform = tag_value(tags, TAG_PLATFORM), *address = tag_value(tags, TAG_ADDRESS);

    return str_format("it belongs to the platform %s, as %s: one thing has one owner",
                      platform ? platform : "of another", address ? address : "another address");
}

static char *why_present(const struct resource *resource)
{
    struct json_object *observed CLEANUP_JS = js_read(resource->observed);
    char *fields CLEANUP_FREE = NULL;

    if (!is_meant(resource))
        return str_format("%s is declared with the name of another one: %s; write the name of what you mean "
                          "into the file, or give that id",
                          resource->address, resource->seen_id ? resource->seen_id : "without an id");
    if (ownership_of(observed, resource->platform->name, resource->address) == OWNER_OTHERS)
        return why_foreign(observed);
    if (undecided_field(resource))
        return str_format("%s can not be compared yet, and may never change: import first what it refers to",
                          undecided_field(resource));
    if (!resource->decision.diff.replace)
        return NULL;
    fields = immutable_fields(resource);
    return str_format(
        "%s can not be changed in place, and nothing is replaced by an import: write into the file "
        "what is there",
        fields ? fields : "some fields");
}

char *import_refusal(const struct resource *resource)
{
    if (resource->record.address)
        return str_format("%s is recorded already, as %s", resource->address,
                          resource->record.id ? resource->record.id : "something without an id");
    switch (resource->seen) {
    case ITEM_PRESENT:
        return why_present(resource);
    case ITEM_SETTLING:
        return str_format("it is in transition (%s): try again later",
                          resource->settling ? resource->settling : "");
    case ITEM_ABSENT:
        return str_format(
            "there is no %s with the id %s in this account and Region, or not by the declared name",
            resource->kind->type, resource->import_id);
    default:
        return str_format("it could not be looked at: %s",
                          resource->look_err.text ? resource->look_err.text
                                                  : "what it refers to is not known yet; import that first");
    }
}

/* ---- the id ---- */

int import_try(struct resource *resource, const char *id, struct err *err)
{
    return str_set(&resource->import_id, id) < 0 ? err_no_memory(err) : 0;
}

int import_confirm(struct resource *resource, const char *id, struct err *err)
{
    char *row CLEANUP_FREE = row_of(resource);
    int r = row ? import_try(resource, id, err) : err_no_memory(err);

    if (r == 0)
        r = fact_put(resource->platform->daemon->store, resource->platform->name, row, id, err);
    resource->import_confirmed = r == 0;
    return r;
}

int import_end(struct resource *resource, struct err *err)
{
    char *row CLEANUP_FREE = row_of(resource);
    bool confirmed = resource->import_confirmed;

    resource->import_confirmed = false;
    free(TAKE(resource->import_id));
    if (!confirmed)
        return 0;
    return row ? fact_put(resource->platform->daemon->store, resource->platform->name, row, NULL, err)
               : err_no_memory(err);
}

int import_load(struct resource *resource, struct err *err)
{
    char *row CLEANUP_FREE = row_of(resource);
    int r;

    if (resource->record.address || resource->import_id)
        return 0;
    r = row ? fact_get(resource->platform->daemon->store, resource->platform->name, row, &resource->import_id,
                       err)
            : err_no_memory(err);
    if (r == -ENOENT) {
        err_done(err);
        return 0;
    }
    resource->import_confirmed = r == 0;
    return r;
}
