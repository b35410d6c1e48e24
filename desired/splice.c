/*
 * splice.c: references to what another resource *declares* are replaced by what it
 * declares, in dependency order. References to what the cloud computes stay.
 *
 * The other's value may itself hold references: they come along as they are. So one pass in order is enough.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "desired/desired-internal.h"

struct splice {
    struct loader *loader;
    struct place place;
    const char *who;
};

static int splice_value(struct splice *splice, struct json_object *value, struct json_object **ret);

/* Does the reference name a declared field, as opposed to an attribute? */
static bool names_field(const struct reference *reference, const struct kind *kind)
{
    char *first CLEANUP_FREE = strndup(reference->attribute, strcspn(reference->attribute, "."));

    if (!kind || !first)
        return false;
    if (kind->attributes &&
        (attribute_find(kind->attributes, reference->attribute) || attribute_find(kind->attributes, first)))
        return false;
    return field_find(kind->fields, first) != NULL;
}

/* The declared value; *ret stays NULL for attributes, built-ins, and what only the service chooses. */
static int declared_value(struct splice *splice, const struct reference *reference, struct json_object **ret)
{
    const struct draft *draft = reference->address ? draft_find(splice->loader, reference->address) : NULL;
    struct json_object *body CLEANUP_JS = NULL;
    struct json_object *found;
    char *first CLEANUP_FREE = NULL;
    const struct field *row;
    int r;

    if (!draft || !names_field(reference, draft->resource.kind))
        return 0;
    r = js_parse_text(draft->resource.body, &body, NULL);
    if (r < 0)
        return r == -ENOMEM ? r : 0;
    found = js_get(body, reference->attribute);
    if (found) {
        *ret = json_object_get(found);
        return 0;
    }
    first = strndup(reference->attribute, strcspn(reference->attribute, "."));
    row = first ? field_find(draft->resource.kind->fields, first) : NULL;
    if (row && row->flags & FIELD_SERVER_DEFAULT)
        return 0; /* seen once the thing exists */
    report_problem(&splice->loader->report, splice->place,
                   "%s: ${%s}: %s does not declare %s, so it has no value", splice->who, reference->text,
                   draft->resource.address, reference->attribute);
    return 0;
}

static int splice_scalar(struct splice *splice, const struct reference *reference, struct json_object *value,
                         struct buf *text)
{
    char *scalar CLEANUP_FREE = js_scalar_text(value);

    if (scalar)
        return buf_add_text(text, scalar) == -ENOMEM ? -ENOMEM : 0;
    report_problem(&splice->loader->report, splice->place,
                   "%s: ${%s} is no text here and can not be part of one; it must stand alone", splice->who,
                   reference->text);
    return 0;
}

static int splice_found(struct splice *splice, const char *text, const struct references *references,
                        struct json_object **ret)
{
    struct buf out CLEANUP_BUF = BUF_INIT(TEXT_MAX_BYTES);
    size_t done = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < references->count; i++) {
        const struct reference *reference = &references->items[i];
        struct json_object *value CLEANUP_JS = NULL;

        r = declared_value(splice, reference, &value);
        if (r == 0 && value && reference_is_whole(reference, text)) {
            *ret = TAKE(value);
            return 0;
        }
        (void)buf_add(&out, text + done, reference->offset - done); /* a failed buffer is seen below */
        done = reference->offset + reference->length;
        if (r == 0 && value)
            r = splice_scalar(splice, reference, value, &out);
        else
            (void)buf_add(&out, text + reference->offset, reference->length);
    }
    (void)buf_add_text(&out, text + done);
    if (r < 0 || out.failed == -ENOMEM)
        return -ENOMEM;
    if (out.failed < 0)
        report_problem(&splice->loader->report, splice->place,
                       "%s: a text is longer than %d bytes once its values are put in", splice->who,
                       TEXT_MAX_BYTES);
    *ret = json_object_new_string(buf_text(&out));
    return *ret ? 0 : -ENOMEM;
}

static int splice_text(struct splice *splice, struct json_object *value, struct json_object **ret)
{
    const char *text = json_object_get_string(value);
    struct references references = {0};
    int r;

    if (!text_has_reference(text) || references_find(text, &references, NULL) < 0) {
        *ret = json_object_get(value);
        return 0;
    }
    r = splice_found(splice, text, &references, ret);
    references_done(&references);
    return r;
}

static int splice_key(struct splice *splice, const char *key, char **ret)
{
    struct json_object *text CLEANUP_JS = json_object_new_string(key);
    struct json_object *spliced CLEANUP_JS = NULL;
    int r = text ? splice_text(splice, text, &spliced) : -ENOMEM;

    if (r < 0)
        return r;
    *ret = js_scalar_text(spliced);
    if (!*ret)
        *ret = strdup(key); /* no scalar: what stood there fails later, when it is resolved */
    return *ret ? 0 : -ENOMEM;
}

static int splice_object(struct splice *splice, struct json_object *value, struct json_object **ret)
{
    struct json_object *object CLEANUP_JS = json_object_new_object();
    int r = object ? 0 : -ENOMEM;

    js_each (value, key, member) {
        struct json_object *spliced = NULL;
        char *name CLEANUP_FREE = NULL;

        if (r == 0)
            r = splice_key(splice, key, &name);
        if (r == 0)
            r = splice_value(splice, member, &spliced);
        if (r == 0)
            r = js_put_key(object, name, spliced);
    }
    if (r == 0)
        *ret = TAKE(object);
    return r;
}

static int splice_array(struct splice *splice, struct json_object *value, struct json_object **ret)
{
    struct json_object *array CLEANUP_JS = json_object_new_array();
    int r = array ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < json_object_array_length(value); i++) {
        struct json_object *spliced = NULL;

        r = splice_value(splice, json_object_array_get_idx(value, i), &spliced);
        if (r == 0 && json_object_array_add(array, spliced) < 0) {
            json_object_put(spliced);
            r = -ENOMEM;
        }
    }
    if (r == 0)
        *ret = TAKE(array);
    return r;
}

static int splice_value(struct splice *splice, struct json_object *value, struct json_object **ret)
{
    switch (json_object_get_type(value)) {
    case json_type_string:
        return splice_text(splice, value, ret);
    case json_type_object:
        return splice_object(splice, value, ret);
    case json_type_array:
        return splice_array(splice, value, ret);
    default:
        *ret = json_object_get(value);
        return 0;
    }
}

static unsigned depth_of(struct json_object *value)
{
    unsigned deepest = 0;

    if (json_object_is_type(value, json_type_object)) {
        js_each (value, key, member) {
            unsigned depth = depth_of(member);

            (void)key;
            deepest = depth > deepest ? depth : deepest;
        }
    }
    for (size_t i = 0; json_object_is_type(value, json_type_array) && i < json_object_array_length(value);
         i++) {
        unsigned depth = depth_of(json_object_array_get_idx(value, i));

        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

/* Splice one document in place. */
static int splice_document(struct splice *splice, char **text)
{
    struct json_object *before CLEANUP_JS = NULL;
    struct json_object *after CLEANUP_JS = NULL;
    char *canonical;
    int r;

    r = js_parse_text(*text, &before, NULL);
    if (r < 0)
        return r == -ENOMEM ? r : 0; /* reported by links.c */
    r = splice_value(splice, before, &after);
    if (r < 0)
        return r;
    canonical = js_canonical(after);
    if (!canonical)
        return -ENOMEM;
    if (depth_of(after) > DEPTH_MAX + 1 || strlen(canonical) > BODY_MAX_BYTES) {
        report_problem(&splice->loader->report, splice->place,
                       "%s is too large or too deep once its references are put in", splice->who);
        free(canonical);
        return 0;
    }
    free(*text);
    *text = canonical;
    return 0;
}

int splice_fields(struct loader *loader, const size_t *order)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < loader->drafts_count; i++) {
        struct draft *draft = &loader->drafts[order[i]];
        struct splice splice = {loader, draft->resource.place, draft->resource.address};
        size_t before = report_count(&loader->report);

        if (!draft->refers_to_fields)
            continue;
        loader->body_bytes -= strlen(draft->resource.body);
        r = splice_document(&splice, &draft->resource.body);
        loader->body_bytes += strlen(draft->resource.body);
        if (report_count(&loader->report) != before)
            draft->sound = false;
        if (loader->body_bytes > GRAPH_MAX_BYTES) {
            report_problem(&loader->report, splice.place,
                           "the platform is larger than %d MiB once its references "
                           "are put in",
                           GRAPH_MAX_BYTES >> 20);
            return r;
        }
    }
    return r;
}

int splice_outputs(struct loader *loader)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < loader->outputs_count; i++) {
        struct draft_output *output = &loader->outputs[i];
        struct splice splice = {loader, output->place, output->output.name};

        if (strstr(output->output.value, "${"))
            r = splice_document(&splice, &output->output.value);
    }
    return r;
}
