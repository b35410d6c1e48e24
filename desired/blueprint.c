/*
 * blueprint.c: finding and reading the blueprint that a platform names, and
 * the values of its parameters: given by the platform file, or defaults.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "desired/desired-internal.h"

#ifndef DATADIR
#define DATADIR "/usr/local/share"
#endif

#define PARAMETERS_MAX 500

static const char *const type_words[] = {"string", "integer", "boolean", "list", "map", NULL};
static const enum field_type type_values[] = {FIELD_STRING, FIELD_INTEGER, FIELD_BOOLEAN, FIELD_LIST,
                                              FIELD_MAP};

static const struct field blueprint_fields[] = {
    {.name = "description", .type = FIELD_STRING, .max = 4096, .doc = "What it builds."},
    {0},
};
static const struct field elsewhere_fields[] = {
    {.name = "parameters", .type = FIELD_ANY},
    {.name = "resources", .type = FIELD_ANY},
    {.name = "outputs", .type = FIELD_ANY},
    {0},
};
static const struct field parameter_fields[] = {
    {.name = "type", .type = FIELD_ENUM, .flags = FIELD_REQUIRED, .values = type_words, .doc = "Its type."},
    {.name = "default", .type = FIELD_ANY, .doc = "The value when none is given."},
    {.name = "required", .type = FIELD_BOOLEAN, .doc = "Must the platform file give it?"},
    {.name = "allowed",
     .type = FIELD_LIST,
     .element = FIELD_ANY,
     .min = 1,
     .max = 100,
     .doc = "The only values it may have."},
    {.name = "needs",
     .type = FIELD_LIST,
     .element = FIELD_STRING,
     .min = 1,
     .max = 100,
     .doc = "Parameters that must be true where this one is."},
    {.name = "description", .type = FIELD_STRING, .max = 4096, .doc = "What it is for."},
    {0},
};

/* ---- finding the file ---- */

static int try_directory(const char *directory, const char *below, const char *name, char **ret,
                         struct strv *tried)
{
    static const char *const suffixes[] = {".yaml", ".yml"};

    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        char *path CLEANUP_FREE = str_format("%s%s/%s%s", directory, below, name, suffixes[i]);

        if (!path)
            return -ENOMEM;
        if (file_exists(path)) {
            *ret = TAKE(path);
            return 0;
        }
    }
    return strv_addf(tried, "%s%s", directory, below);
}

static bool is_path(const char *blueprint)
{
    return strchr(blueprint, '/') || str_ends(blueprint, ".yaml") || str_ends(blueprint, ".yml");
}

/* The directory of a path as it was given, so that messages stay short; and the one above it. */
static char *directory_as_given(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
}

static char *directory_above(const char *directory)
{
    const char *slash = strrchr(directory, '/');

    if (str_equal(directory, ".") || str_ends(directory, ".."))
        return str_format("%s/..", directory);
    return slash ? strndup(directory, slash == directory ? 1 : (size_t)(slash - directory)) : strdup(".");
}

static int locate_beside(const struct loader *loader, char **ret, struct strv *tried)
{
    const char *name = loader->graph->blueprint;
    char *directory CLEANUP_FREE = directory_as_given(loader->platform.path);
    char *above CLEANUP_FREE = directory ? directory_above(directory) : NULL;
    int r;

    if (!above)
        return -ENOMEM;
    r = try_directory(directory, "/blueprints", name, ret, tried);
    if (r == 0 && !*ret)
        r = try_directory(above, "/blueprints", name, ret, tried);
    if (r == 0 && !*ret)
        r = try_directory(directory, "", name, ret, tried);
    return r;
}

/* *ret stays NULL when there is none. */
static int blueprint_locate(const struct loader *loader, const struct daemon_config *config, char **ret,
                            struct strv *tried)
{
    const char *name = loader->graph->blueprint;
    int r;

    if (is_path(name)) {
        char *directory CLEANUP_FREE = directory_as_given(loader->platform.path);

        *ret = directory ? path_join(directory, name) : NULL;
        return *ret ? 0 : -ENOMEM;
    }
    if (config)
        r = try_directory(config->blueprints_dir, "", name, ret, tried);
    else
        r = locate_beside(loader, ret, tried);
    if (r == 0 && !*ret)
        r = try_directory(DATADIR "/mlopsd", "/blueprints", name, ret, tried);
    return r;
}

static int not_found(struct loader *loader, const struct strv *tried)
{
    struct buf places CLEANUP_BUF = BUF_INIT(16 << 10);

    for (size_t i = 0; i < tried->count; i++)
        (void)buf_addf(&places, "%s%s", i > 0 ? ", " : "", tried->items[i]); /* only for the message */
    report_problem(&loader->report, loader_setting(loader, "blueprint"),
                   "blueprint: there is no %s.yaml in %s", loader->graph->blueprint, buf_text(&places));
    return 0;
}

/* ${blueprint.dir}: where a blueprint keeps what belongs to it, as the code of a function. */
static int note_folder(struct graph *graph)
{
    char *path CLEANUP_FREE = realpath(graph->blueprint_file, NULL);
    char *slash = path ? strrchr(path, '/') : NULL;

    if (!slash)
        return path ? -EINVAL : 0; /* not there: reading it says so */
    *slash = '\0';
    graph->blueprint_dir = TAKE(path);
    return 0;
}

int blueprint_read(struct loader *loader, const struct daemon_config *config)
{
    struct schema schema = {.report = &loader->report, .subject = "the blueprint", .also = elsewhere_fields};
    struct strv tried CLEANUP_STRV = {0};
    struct node *node CLEANUP_NODE = NULL;
    struct json_object *settings CLEANUP_JS = NULL;
    int r;

    if (!loader->graph->blueprint)
        return 0;
    r = blueprint_locate(loader, config, &loader->graph->blueprint_file, &tried);
    if (r < 0)
        return r;
    if (!loader->graph->blueprint_file)
        return not_found(loader, &tried);
    loader->variables_from = str_format("blueprint %s", loader->graph->blueprint);
    if (!loader->variables_from)
        return -ENOMEM;
    if (is_path(loader->graph->blueprint) && !file_exists(loader->graph->blueprint_file)) {
        report_problem(&loader->report, loader_setting(loader, "blueprint"), "blueprint: there is no file %s",
                       loader->graph->blueprint_file);
        return 0;
    }
    r = note_folder(loader->graph);
    if (r < 0)
        return r;
    r = source_load(&loader->blueprint, loader->graph->blueprint_file, &loader->report);
    if (r < 0)
        return r == -EBADMSG ? 0 : r;
    node = node_from_yml(loader->blueprint.path, loader->blueprint.root);
    return node ? schema_check(&schema, blueprint_fields, node, &settings) : -ENOMEM;
}

/* ---- parameters ---- */

static enum field_type parameter_type(const char *word)
{
    for (size_t i = 0; word && type_words[i]; i++)
        if (str_equal(word, type_words[i]))
            return type_values[i];
    return FIELD_ANY;
}

/* One value against one row: the same messages as everywhere. *ret NULL: reported. */
static int value_check(struct loader *loader, const char *name, enum field_type type,
                       const struct node *value, struct json_object **ret)
{
    const struct field rows[] = {{.name = name, .type = type, .element = FIELD_ANY}, {0}};
    struct schema schema = {.report = &loader->report, .subject = "the parameters", .templates = true};
    struct node *map CLEANUP_NODE = node_new(YML_MAP, value->place);
    struct node *ready = substitute(value, &loader->scope, &loader->report);
    struct json_object *object CLEANUP_JS = NULL;
    struct json_object *found = NULL;
    int r;

    if (!map || !ready || str_set(&ready->key, name) < 0) {
        node_free(ready);
        return -ENOMEM;
    }
    r = node_add(map, ready);
    if (r == 0)
        r = schema_check(&schema, rows, map, &object);
    if (r == 0 && json_object_object_get_ex(object, name, &found))
        *ret = json_object_get(found);
    return r;
}

static int allowed_check(struct loader *loader, const char *name, struct json_object *allowed,
                         struct json_object *value, struct place place)
{
    struct buf words CLEANUP_BUF = BUF_INIT(4 << 10);

    for (size_t i = 0; i < json_object_array_length(allowed); i++) {
        struct json_object *one = json_object_array_get_idx(allowed, i);
        char *text CLEANUP_FREE = js_canonical(one);

        if (!text)
            return -ENOMEM;
        if (js_equal(one, value))
            return 1;
        (void)buf_addf(&words, "%s%s", i > 0 ? ", " : "", text); /* only for the message */
    }
    report_problem(&loader->report, place, "%s: not one of the allowed values: %s", name, buf_text(&words));
    return 0;
}

/* A parameter that is not given and has no default. */
static int parameter_missing(struct loader *loader, const struct node *declaration,
                             struct json_object *settings)
{
    const struct yml *given = yml_get(loader->platform.root, "parameters");
    struct json_object *required = js_get(settings, "required");
    struct place place = given ? (struct place){loader->platform.path, given->key_mark}
                               : loader_setting(loader, "blueprint");
    const char *description = js_text(settings, "description");

    if (required && !json_object_get_boolean(required))
        return json_object_object_add(loader->variables, declaration->key, NULL) == 0 ? 0 : -ENOMEM;
    report_problem(&loader->report, place, "parameters.%s: missing%s%s (%s, line %u)", declaration->key,
                   description ? ": " : "", description ? description : "", loader->variables_from,
                   (unsigned)declaration->key_place.mark.line);
    return strv_add(&loader->broken, declaration->key);
}

static int parameter_set(struct loader *loader, const struct node *declaration, struct json_object *settings,
                         const struct node *value)
{
    struct json_object *allowed = js_get(settings, "allowed");
    struct json_object *ready CLEANUP_JS = NULL;
    int r = value_check(loader, declaration->key, parameter_type(js_text(settings, "type")), value, &ready);

    if (r == 0 && ready && allowed) {
        r = allowed_check(loader, declaration->key, allowed, ready, value->place);
        if (r == 0)
            return strv_add(&loader->broken, declaration->key);
    }
    if (r < 0)
        return r;
    if (!ready)
        return strv_add(&loader->broken, declaration->key);
    return js_put_key(loader->variables, declaration->key, TAKE(ready));
}

static bool name_right(struct loader *loader, const struct node *declaration)
{
    if (word_accepted(declaration->key, NAME_MAX_LENGTH, "_-"))
        return true;
    report_problem(&loader->report, declaration->key_place,
                   "\"%s\" can not name a parameter: up to %d letters, digits, _ and -", declaration->key,
                   NAME_MAX_LENGTH);
    return false;
}

static int parameter_declare(struct loader *loader, const struct yml *yml, const struct node *given)
{
    struct schema schema = {.report = &loader->report};
    char *subject CLEANUP_FREE = str_format("parameter %s", yml->key);
    struct node *declaration CLEANUP_NODE = node_from_yml(loader->blueprint.path, yml);
    struct json_object *settings CLEANUP_JS = NULL;
    const struct node *fallback;
    size_t before = report_count(&loader->report);
    int r;

    if (!subject || !declaration)
        return -ENOMEM;
    schema.subject = subject;
    r = schema_check(&schema, parameter_fields, declaration, &settings);
    if (r < 0)
        return r;
    if (!name_right(loader, declaration) || report_count(&loader->report) != before)
        return strv_add(&loader->broken, declaration->key);
    fallback = node_get(declaration, "default");
    if (js_bool(settings, "required", false) && fallback)
        report_problem(&loader->report, fallback->key_place,
                       "parameter %s is required, so its default is never used: drop one of the two",
                       declaration->key);
    if (given && given->kind != YML_NULL)
        return parameter_set(loader, declaration, settings, given);
    if (fallback && fallback->kind != YML_NULL)
        return parameter_set(loader, declaration, settings, fallback);
    return parameter_missing(loader, declaration, settings);
}

/* What the platform file gives and nobody asked for. */
static int unknown_parameters(struct loader *loader, const struct node *given, const struct yml *declared)
{
    for (size_t i = 0; i < given->count; i++) {
        const struct node *one = given->children[i];
        struct nearest nearest = NEAREST(one->key);
        char *hint CLEANUP_FREE = NULL;

        if (yml_get(declared, one->key))
            continue;
        for (size_t j = 0; declared && j < declared->count; j++)
            nearest_offer(&nearest, declared->children[j]->key);
        hint = nearest_hint(&nearest);
        if (!hint)
            return -ENOMEM;
        if (loader->variables_from)
            report_problem(&loader->report, one->key_place, "%s has no parameter \"%s\"%s",
                           loader->variables_from, one->key, hint);
        else
            report_problem(&loader->report, one->key_place,
                           "parameter \"%s\": parameters come from a blueprint, and this platform names none",
                           one->key);
    }
    return 0;
}

/* Where somebody has said what a parameter is, or would. */
static struct place place_of_value(struct loader *loader, const struct node *given, const char *name)
{
    const struct node *value = node_get(given, name);

    return value ? value->key_place : loader_setting(loader, "blueprint");
}

/* One that is on needs another that is off. Both are broken then: what follows from them is not worth a word. */
static int need_check(struct loader *loader, const struct node *given, const char *name, const char *need,
                      struct place place)
{
    struct json_object *value = NULL;

    if (!json_object_object_get_ex(loader->variables, need, &value)) {
        if (!strv_has(&loader->broken, need))
            report_problem(&loader->report, place, "%s: it needs \"%s\", and there is no such parameter",
                           name, need);
        return 0;
    }
    if (!json_object_is_type(value, json_type_boolean)) {
        report_problem(&loader->report, place, "%s: it needs \"%s\", which is no boolean", name, need);
        return 0;
    }
    if (json_object_get_boolean(value))
        return 0;
    report_problem(&loader->report, place_of_value(loader, given, need),
                   "%s needs %s, which is off: set %s: false as well, or %s: true", name, need, name, need);
    return strv_add(&loader->broken, need) < 0 || strv_add(&loader->broken, name) < 0 ? -ENOMEM : 0;
}

static int needs_check(struct loader *loader, const struct node *given, const struct yml *declared)
{
    const struct yml *needs = yml_get(declared, "needs");
    int r = 0;

    if (!needs || needs->kind != YML_LIST || strv_has(&loader->broken, declared->key) ||
        !js_bool(loader->variables, declared->key, false))
        return 0;
    for (size_t i = 0; r == 0 && i < needs->count; i++)
        r = need_check(loader, given, declared->key, needs->children[i]->text,
                       (struct place){loader->blueprint.path, needs->children[i]->start});
    return r;
}

/* What stands on something that is off: told once, where it was switched off. */
static int all_needs_check(struct loader *loader, const struct node *given, const struct yml *declared)
{
    int r = 0;

    for (size_t i = 0; r == 0 && declared && i < declared->count; i++)
        r = needs_check(loader, given, declared->children[i]);
    for (size_t i = 0; i < loader->broken.count; i++)
        json_object_object_del(loader->variables, loader->broken.items[i]);
    return r;
}

/* A section that must be a map; NULL when it is absent, empty or (reported) something else. */
static const struct yml *section(struct loader *loader, const struct source *source, const char *name)
{
    const struct yml *found = source->root ? yml_get(source->root, name) : NULL;

    if (!found || found->kind == YML_NULL)
        return NULL;
    if (found->kind == YML_MAP)
        return found;
    report_problem(&loader->report, (struct place){source->path, found->start},
                   "%s: a map is wanted, this is %s", name, yml_kind_name(found->kind));
    return NULL;
}

int parameters_read(struct loader *loader)
{
    const struct yml *declared = section(loader, &loader->blueprint, "parameters");
    const struct yml *values = section(loader, &loader->platform, "parameters");
    struct node *given CLEANUP_NODE = NULL;
    int r = 0;

    loader->variables = json_object_new_object();
    given = values ? node_from_yml(loader->platform.path, values)
                   : node_new(YML_MAP, loader_setting(loader, "blueprint"));
    if (!loader->variables || !given)
        return -ENOMEM;
    if (declared && declared->count > PARAMETERS_MAX) {
        report_problem(&loader->report, (struct place){loader->blueprint.path, declared->start},
                       "more than %d parameters", PARAMETERS_MAX);
        return 0;
    }
    for (size_t i = 0; r == 0 && declared && i < declared->count; i++)
        r = parameter_declare(loader, declared->children[i], node_get(given, declared->children[i]->key));
    if (r == 0)
        r = all_needs_check(loader, given, declared);
    /* A blueprint that could not be read declares nothing, which is no reason to complain about every value. */
    if (r == 0 && (loader->blueprint.root || !loader->graph->blueprint))
        r = unknown_parameters(loader, given, declared);
    loader->scope.variables = loader->variables;
    loader->scope.broken = &loader->broken;
    loader->scope.variables_from = loader->variables_from;
    return r;
}
