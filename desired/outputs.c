/*
 * outputs.c: what a platform tells the outside: named values, of the blueprint and of
 * the platform file (which wins).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "desired/desired-internal.h"

static const struct field output_fields[] = {
    {.name = "value", .type = FIELD_ANY, .flags = FIELD_REQUIRED, .doc = "The value."},
    {.name = "sensitive", .type = FIELD_BOOLEAN, .doc = "Is it shown only on demand?"},
    {.name = "description", .type = FIELD_STRING, .max = 4096, .doc = "What it is."},
    {.name = "when", .type = FIELD_ANY, .doc = "Is it there at all?"},
    {0},
};

static const struct yml *outputs_of(struct loader *loader, const struct source *source)
{
    const struct yml *found = source->root ? yml_get(source->root, "outputs") : NULL;

    if (!found || found->kind == YML_NULL)
        return NULL;
    if (found->kind == YML_MAP)
        return found;
    report_problem(&loader->report, (struct place){source->path, found->start},
                   "outputs: a map is wanted, this is %s", yml_kind_name(found->kind));
    return NULL;
}

static bool is_wanted(struct loader *loader, const struct node *tree)
{
    const struct node *when = node_get(tree, "when");

    return !when || condition_holds(&loader->report, when);
}

static int keep(struct loader *loader, const struct node *tree, struct json_object *settings)
{
    struct draft_output *output = &loader->outputs[loader->outputs_count];
    struct json_object *value = NULL;

    if (!json_object_object_get_ex(settings, "value", &value))
        return 0; /* reported */
    output->place = tree->key_place;
    output->output.name = strdup(tree->key);
    output->output.value = js_canonical(value);
    output->output.sensitive = js_bool(settings, "sensitive", false);
    loader->outputs_count++;
    if (str_set(&output->output.description, js_text(settings, "description")) < 0)
        return -ENOMEM;
    return output->output.name && output->output.value ? 0 : -ENOMEM;
}

static bool name_right(struct loader *loader, const struct node *tree)
{
    if (word_accepted(tree->key, NAME_MAX_LENGTH, "_-"))
        return true;
    report_problem(&loader->report, tree->key_place,
                   "\"%s\" can not name an output: up to %d letters, digits, _ and -", tree->key,
                   NAME_MAX_LENGTH);
    return false;
}

static int read_one(struct loader *loader, const char *file, const struct yml *yml)
{
    struct schema schema = {.report = &loader->report, .templates = true, .scope = &loader->scope};
    char *subject CLEANUP_FREE = str_format("output %s", yml->key);
    struct node *written CLEANUP_NODE = node_from_yml(file, yml);
    struct node *tree CLEANUP_NODE = written ? substitute(written, &loader->scope, &loader->report) : NULL;
    struct json_object *settings CLEANUP_JS = NULL;
    int r;

    if (!tree || !subject)
        return -ENOMEM;
    schema.subject = subject;
    if (tree->poison || !name_right(loader, tree) || !is_wanted(loader, tree))
        return 0;
    r = schema_check(&schema, output_fields, tree, &settings);
    return r < 0 ? r : keep(loader, tree, settings);
}

static int compare_outputs(const void *a, const void *b)
{
    const struct draft_output *left = a, *right = b;

    return strcmp(left->output.name, right->output.name);
}

int outputs_read(struct loader *loader)
{
    const struct yml *base = outputs_of(loader, &loader->blueprint);
    const struct yml *over = outputs_of(loader, &loader->platform);
    size_t room = (base ? base->count : 0) + (over ? over->count : 0);
    int r = 0;

    if (room > OUTPUTS_MAX) {
        report_problem(&loader->report, loader_setting(loader, "outputs"), "more than %d outputs",
                       OUTPUTS_MAX);
        return 0;
    }
    loader->outputs = calloc(room + 1, sizeof(*loader->outputs));
    if (!loader->outputs)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && base && i < base->count; i++)
        if (!over || !yml_get(over, base->children[i]->key))
            r = read_one(loader, loader->blueprint.path, base->children[i]);
    for (size_t i = 0; r == 0 && over && i < over->count; i++)
        r = read_one(loader, loader->platform.path, over->children[i]);
    if (r == 0 && loader->outputs_count > 1)
        qsort(loader->outputs, loader->outputs_count, sizeof(*loader->outputs), compare_outputs);
    return r;
}

int outputs_link(struct loader *loader)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < loader->outputs_count; i++) {
        struct draft_output *output = &loader->outputs[i];
        struct link_walk walk = {.loader = loader, .place = output->place};
        struct json_object *value CLEANUP_JS = NULL;

        r = js_parse_text(output->output.value, &value, NULL);
        if (r == 0)
            r = link_value(&walk, value, NULL);
        output->output.sensitive |= walk.sensitive;
    }
    return r;
}
