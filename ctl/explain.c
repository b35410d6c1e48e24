/*
 * explain.c: the tables of the kinds as documents: what "mlopsctl explain" shows or prints as JSON.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "ctl/ctl.h"
#include "kinds/kind.h"

#define DEPTH_MAX 12

/* As io.mlopsd.varlink's KindField has them. */
static const struct {
    unsigned flag;
    const char *name;
} flag_names[] = {
    {FIELD_KEY, "key"},
    {FIELD_IMMUTABLE, "immutable"},
    {FIELD_EXCLUSIVE, "exclusive"},
    {FIELD_CREATE_ONCE, "create-once"},
    {FIELD_SERVER_DEFAULT, "server-default"},
    {FIELD_SECURITY, "security"},
    {FIELD_SENSITIVE, "sensitive"},
    {FIELD_LOCAL, "local"},
    {FIELD_IGNORE_CASE, "ignore-case"},
};

static int put_flags(struct json_object *entry, unsigned flags)
{
    struct json_object *list = json_object_new_array();
    int r = js_put_key(entry, "flags", list);

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(flag_names); i++) {
        if (flags & flag_names[i].flag)
            r = js_add_text(list, flag_names[i].name);
    }
    return r;
}

/* " (1 to 20 characters)" */
static void add_bounds(struct buf *out, const struct field *field)
{
    bool is_many = field->type == FIELD_LIST || field->type == FIELD_SET || field->type == FIELD_MAP;
    char *bounds CLEANUP_FREE = field_bounds(field);
    const char *unit = is_many ? " element" : " character";
    bool is_one = (field->max ? field->max : field->min) == 1;

    if (field->type == FIELD_INTEGER)
        unit = "";
    if (bounds)
        (void)buf_addf(out, " (%s%s%s)", bounds, unit, *unit && !is_one ? "s" : "");
}

/* "enum" alone helps nobody: its words do. */
static char *type_text(const struct field *field)
{
    struct buf out CLEANUP_BUF = BUF_INIT(4096);

    (void)buf_add_text(&out, field_type_name(field));
    for (size_t i = 0; field->values && field->values[i]; i++)
        (void)buf_addf(&out, "%s%s", i ? ", " : ": ", field->values[i]);
    if (!field->values && field->pattern)
        (void)buf_addf(&out, ": %s", field->pattern);
    if (field->min != 0 || field->max != 0)
        add_bounds(&out, field);
    return buf_take(&out);
}

static int add_field(struct json_object *list, const struct field *field, const char *path)
{
    struct json_object *entry = json_object_new_object();
    char *type CLEANUP_FREE = type_text(field);

    if (!entry || json_object_array_add(list, entry) < 0) {
        json_object_put(entry);
        return -ENOMEM;
    }
    if (!type || js_set_text(entry, "path", path) < 0 || js_set_text(entry, "type", type) < 0 ||
        js_set_bool(entry, "required", field->flags & FIELD_REQUIRED) < 0 ||
        put_flags(entry, field->flags) < 0 || js_set_text(entry, "default", field->fallback) < 0 ||
        js_set_text(entry, "doc", field->doc) < 0)
        return -ENOMEM;
    return 0;
}

/* Is @path what was asked for, or under it? NULL asks for all. */
static bool is_wanted(const char *path, const char *wanted)
{
    size_t length = wanted ? strlen(wanted) : 0;

    if (!wanted)
        return true;
    return strncmp(path, wanted, length) == 0 && (path[length] == '\0' || strchr(".[", path[length]));
}

/* "ingress", "ingress[].from_port", "versioning.enabled". A ring in our tables must not hang us. */
static int add_fields(struct json_object *list, const struct field *fields, const char *before,
                      const char *wanted, unsigned depth)
{
    int r = 0;

    for (const struct field *field = fields; r == 0 && field && field->name && depth < DEPTH_MAX; field++) {
        bool is_many = field->type == FIELD_LIST || field->type == FIELD_SET || field->type == FIELD_MAP;
        char *path CLEANUP_FREE = str_format("%s%s", before, field->name);
        char *below CLEANUP_FREE = path ? str_format("%s%s.", path, is_many ? "[]" : "") : NULL;

        if (!below)
            return -ENOMEM;
        if (is_wanted(path, wanted))
            r = add_field(list, field, path);
        if (r == 0)
            r = add_fields(list, field->members, below, wanted, depth + 1);
    }
    return r;
}

static int add_attributes(struct json_object *list, const struct attribute *attributes, const char *wanted)
{
    for (const struct attribute *attribute = attributes; attribute && attribute->name; attribute++) {
        struct field shape = {.name = attribute->name, .type = attribute->type};
        struct json_object *entry;

        if (!is_wanted(attribute->name, wanted))
            continue;
        entry = json_object_new_object();
        if (!entry || json_object_array_add(list, entry) < 0) {
            json_object_put(entry);
            return -ENOMEM;
        }
        if (js_set_text(entry, "name", attribute->name) < 0 ||
            js_set_text(entry, "type", field_type_name(&shape)) < 0 ||
            js_set_bool(entry, "sensitive", attribute->flags & FIELD_SENSITIVE) < 0 ||
            js_set_text(entry, "doc", attribute->doc) < 0)
            return -ENOMEM;
    }
    return 0;
}

static struct json_object *kind_document(const struct kind *kind, const char *wanted)
{
    struct json_object *document CLEANUP_JS = json_object_new_object();
    struct json_object *fields = json_object_new_array(), *attributes = json_object_new_array();

    if (js_put_key(document, "fields", fields) < 0 || js_put_key(document, "attributes", attributes) < 0 ||
        js_set_text(document, "type", kind->type) < 0 || js_set_text(document, "doc", kind->doc) < 0 ||
        js_set_text(document, "provider", provider_name(kind->provider)) < 0 ||
        add_fields(fields, kind->fields, "", wanted, 0) < 0 ||
        add_attributes(attributes, kind->attributes, wanted) < 0)
        return NULL;
    return TAKE(document);
}

static struct json_object *kinds_document(void)
{
    struct json_object *document CLEANUP_JS = json_object_new_object();
    struct json_object *list = json_object_new_array();

    if (js_put_key(document, "kinds", list) < 0)
        return NULL;
    for (size_t i = 0; kinds[i]; i++) {
        struct json_object *entry = json_object_new_object();

        if (!entry || json_object_array_add(list, entry) < 0) {
            json_object_put(entry);
            return NULL;
        }
        if (js_set_text(entry, "type", kinds[i]->type) < 0 || js_set_text(entry, "doc", kinds[i]->doc) < 0 ||
            js_set_text(entry, "provider", provider_name(kinds[i]->provider)) < 0)
            return NULL;
    }
    return TAKE(document);
}

static int show(const struct ctl *ctl, struct json_object *document,
                void (*function)(const struct view *view, struct json_object *document))
{
    struct buf out CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);
    struct view view = ctl_view(ctl, &out);

    if (!document)
        return ctl_fail("no memory");
    if (ctl->json)
        return ctl_print_json(ctl, document);
    function(&view, document);
    return ctl_print(&out);
}

static int unknown_type(const char *type)
{
    char *escaped CLEANUP_FREE = view_escape(type);
    const char *nearest = kind_suggest(type);

    if (nearest)
        return ctl_fail("there is no resource type %s; did you mean %s?", escaped ? escaped : "", nearest);
    return ctl_fail("there is no resource type %s; mlopsctl explain lists them", escaped ? escaped : "");
}

static int unknown_field(const struct kind *kind, const char *name)
{
    char *escaped CLEANUP_FREE = view_escape(name);
    const char *nearest = NULL;
    unsigned best = 4;

    for (const struct field *field = kind->fields; field->name; field++) {
        unsigned distance = str_distance(name, field->name);

        if (distance < best) {
            best = distance;
            nearest = field->name;
        }
    }
    if (nearest)
        return ctl_fail("%s has no field %s; did you mean %s?", kind->type, escaped ? escaped : "", nearest);
    return ctl_fail("%s has no field %s; mlopsctl explain %s lists them", kind->type, escaped ? escaped : "",
                    kind->type);
}

int ctl_explain(const struct ctl *ctl)
{
    const char *asked = ctl->argument_count > 0 ? ctl->arguments[0] : NULL;
    struct json_object *document CLEANUP_JS = NULL;
    char *type CLEANUP_FREE = NULL;
    const struct kind *kind;
    const char *field;

    if (!asked) {
        document = kinds_document();
        return show(ctl, document, view_kinds);
    }
    field = strchr(asked, '.');
    type = strndup(asked, field ? (size_t)(field - asked) : strlen(asked));
    if (!type)
        return ctl_fail("no memory");
    kind = kind_find(type);
    if (!kind)
        return unknown_type(type);
    document = kind_document(kind, field ? field + 1 : NULL);
    if (field && document && js_count(document, "fields") == 0 && js_count(document, "attributes") == 0)
        return unknown_field(kind, field + 1);
    return show(ctl, document, view_kind);
}
