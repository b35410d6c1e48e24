/*
 * rules.c: what holds for the graph as a whole: one owner per thing, sections that resources
 * need, policies that name what exists, and each kind's own check.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "desired/desired-internal.h"

/* ---- natural keys ---- */

struct natural_key {
    char *text;
    const struct draft *draft;
};

static int compare_keys(const void *a, const void *b)
{
    const struct natural_key *left = a, *right = b;
    int r = strcmp(left->text, right->text);

    return r != 0 ? r : strcmp(left->draft->resource.address, right->draft->resource.address);
}

static int key_add(struct buf *text, struct json_object *value, bool ignore_case)
{
    char *canonical CLEANUP_FREE = js_canonical(value);

    if (!canonical)
        return -ENOMEM;
    for (char *c = canonical; ignore_case && *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return buf_addf(text, "\n%s", canonical);
}

/* *ret stays NULL for a kind without a natural key, or when part of it is missing. */
static int key_of(const struct draft *draft, char **ret)
{
    struct buf text CLEANUP_BUF = BUF_INIT(2 * BODY_MAX_BYTES);
    struct json_object *body CLEANUP_JS = NULL;
    size_t parts = 0;
    int r;

    r = js_parse_text(draft->resource.body, &body, NULL);
    if (r == 0)
        r = buf_add_text(&text, draft->resource.type);
    for (const struct field *row = draft->resource.kind->fields; r == 0 && row->name; row++) {
        struct json_object *value = js_get(body, row->name);

        if (!(row->flags & FIELD_KEY))
            continue;
        if (!value && row->flags & FIELD_REQUIRED)
            return 0;
        parts++;
        r = key_add(&text, value, row->flags & FIELD_IGNORE_CASE);
    }
    if (r < 0 || parts == 0)
        return r == -ENOMEM ? r : 0;
    *ret = buf_take(&text);
    return *ret ? 0 : -ENOMEM;
}

static void report_twins(struct loader *loader, const struct natural_key *first,
                         const struct natural_key *second)
{
    const struct desired_resource *one = &first->draft->resource, *two = &second->draft->resource;
    const char *field = NULL;
    struct place there, here;

    for (const struct field *row = two->kind->fields; row->name && !field; row++)
        if (row->flags & FIELD_KEY)
            field = row->name;
    there = graph_place(one, field);
    here = graph_place(two, field);
    /* Instances of a for_each stand in one place; the later of two places is the one complained about. */
    if (here.file == there.file && here.mark.line < there.mark.line) {
        struct place swap = here;

        here = there;
        there = swap;
        one = &second->draft->resource;
        two = &first->draft->resource;
    }
    report_problem(&loader->report, here,
                   "%s and %s (%s:%u) are the same thing: their %s is equal; each thing can "
                   "have one owner",
                   two->address, one->address, there.file, (unsigned)there.mark.line, field);
}

static int check_natural_keys(struct loader *loader)
{
    struct natural_key *keys = calloc(loader->drafts_count + 1, sizeof(*keys));
    size_t count = 0;
    int r = keys ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < loader->drafts_count; i++) {
        keys[count].draft = &loader->drafts[i];
        r = key_of(&loader->drafts[i], &keys[count].text);
        if (keys[count].text)
            count++;
    }
    if (count > 1)
        qsort(keys, count, sizeof(*keys), compare_keys);
    for (size_t i = 1; r == 0 && i < count; i++)
        if (str_equal(keys[i - 1].text, keys[i].text))
            report_twins(loader, &keys[i - 1], &keys[i]);
    for (size_t i = 0; i < count; i++)
        free(keys[i].text);
    free(keys);
    return r;
}

/* ---- sections ---- */

static bool uses_github_at_run_time(const struct draft *draft)
{
    return strstr(draft->resource.body, "${github.") != NULL;
}

static void check_sections(struct loader *loader)
{
    const struct graph *graph = loader->graph;
    bool aws_told = graph->aws.configured, github_told = false;

    for (size_t i = 0; i < loader->drafts_count; i++) {
        const struct draft *draft = &loader->drafts[i];
        enum provider provider = draft->resource.kind->provider;

        if (provider == PROVIDER_AWS && !aws_told) {
            report_problem(&loader->report, draft->resource.place,
                           "%s needs an \"aws\" section with account_id and "
                           "region in the platform file",
                           draft->resource.address);
            aws_told = true;
        }
        if ((provider != PROVIDER_GITHUB && !uses_github_at_run_time(draft)) || github_told)
            continue;
        github_told = true;
        if (!graph->github.configured)
            report_problem(&loader->report, draft->resource.place,
                           "%s needs a \"github\" section with repository "
                           "and token in the platform file",
                           draft->resource.address);
        else if (!graph->github.has_token && !graph->github.app_id && !loader->scope.github_broken)
            report_problem(&loader->report, loader_setting(loader, "github"),
                           "github: neither token nor app is given, and %s needs one",
                           draft->resource.address);
    }
}

/* ---- policies ---- */

/* Addresses that a policy means: one, or all instances of a for_each. False: reported. */
static bool policy_instances(struct loader *loader, const char *address, struct place place, const char *what,
                             size_t *ret_first, size_t *ret_end)
{
    size_t length = strcspn(address, "[");
    const struct declared *declared = declared_find(loader, address, length);
    char *hint CLEANUP_FREE = NULL;

    draft_instances(loader, address, ret_first, ret_end);
    if (*ret_first < *ret_end)
        return true;
    /* Switched off, or could not be read: nothing to say about it. An unknown key of a for_each is a mistake. */
    if (declared && (declared->off || declared->broken || (declared->each && address[length] == '\0')))
        return true;
    hint = address_hint(loader, address);
    if (hint)
        report_problem(&loader->report, place, "%s: there is no resource %s%s", what, address, hint);
    else
        report_no_memory(&loader->report);
    return false;
}

static int check_protect(struct loader *loader)
{
    struct json_object *protect = js_get(loader->policy, "protect");
    int r = 0;

    for (size_t i = 0; r == 0 && i < js_count(protect, NULL); i++) {
        const char *address = json_object_get_string(js_at(protect, i));
        char *path CLEANUP_FREE = str_format("policy.protect.%zu", i);
        size_t first, end;

        if (!path)
            return -ENOMEM;
        if (!policy_instances(loader, address, loader_setting(loader, path), "policy.protect", &first, &end))
            continue;
        for (size_t j = first; r == 0 && j < end; j++)
            r = strv_add(&loader->graph->policy.protect, loader->drafts[j].resource.address);
    }
    strv_sort(&loader->graph->policy.protect);
    return r;
}

static void check_ignored_field(struct loader *loader, const struct kind *kind, const char *path,
                                struct place place)
{
    char *first CLEANUP_FREE = strndup(path, strcspn(path, ".["));
    struct nearest nearest = NEAREST(first ? first : "");
    char *hint CLEANUP_FREE = NULL;

    if (first && field_find(kind->fields, first))
        return;
    for (const struct field *row = kind->fields; row->name; row++)
        nearest_offer(&nearest, row->name);
    hint = nearest_hint(&nearest);
    if (!first || !hint)
        report_no_memory(&loader->report);
    else
        report_problem(&loader->report, place,
                       "policy.ignore: \"%s\" is no field of %s%s (mlopsctl explain %s)", first, kind->type,
                       hint, kind->type);
}

static int ignore_add(struct desired_policy *policy, const char *address, const char *path)
{
    struct ignore_rule *rules = reallocarray(policy->ignore, policy->ignore_count + 1, sizeof(*rules));

    if (!rules)
        return -ENOMEM;
    policy->ignore = rules;
    rules[policy->ignore_count].address = strdup(address);
    rules[policy->ignore_count].path = strdup(path);
    policy->ignore_count++; /* released by graph_free() even when half of it failed */
    return rules[policy->ignore_count - 1].address && rules[policy->ignore_count - 1].path ? 0 : -ENOMEM;
}

static int check_ignore_one(struct loader *loader, const char *address, struct json_object *paths)
{
    char *where CLEANUP_FREE = str_format("policy.ignore.%s", address);
    struct place place;
    size_t first, end;
    int r = 0;

    if (!where)
        return -ENOMEM;
    place = loader_setting(loader, where);
    if (!policy_instances(loader, address, place, "policy.ignore", &first, &end))
        return 0;
    for (size_t i = 0; i < js_count(paths, NULL); i++) {
        struct json_object *path = js_at(paths, i);
        char *here CLEANUP_FREE = str_format("%s.%zu", where, i);

        if (!here)
            return -ENOMEM;
        if (!json_object_is_type(path, json_type_string)) {
            report_problem(&loader->report, loader_setting(loader, here),
                           "policy.ignore: the path of a field is wanted, such as tags.owner");
            continue;
        }
        if (first < end)
            check_ignored_field(loader, loader->drafts[first].resource.kind, json_object_get_string(path),
                                loader_setting(loader, here));
        for (size_t j = first; r == 0 && j < end; j++)
            r = ignore_add(&loader->graph->policy, loader->drafts[j].resource.address,
                           json_object_get_string(path));
    }
    return r;
}

static int check_ignore(struct loader *loader)
{
    struct json_object *ignore = js_get(loader->policy, "ignore");
    int r = 0;

    if (!ignore)
        return 0;
    js_each (ignore, address, paths) {
        if (r == 0)
            r = check_ignore_one(loader, address, paths);
    }
    return r;
}

/* ---- the kinds' own checks ---- */

struct kind_context {
    struct kind_check check;
    struct loader *loader;
    const struct draft *draft;
};

static void tell(struct kind_check *check, const char *path, bool warning, const char *format,
                 va_list arguments)
{
    struct kind_context *context = container_of(check, struct kind_context, check);
    const struct desired_resource *resource = &context->draft->resource;
    struct report *report = &context->loader->report;
    struct buf text CLEANUP_BUF = BUF_INIT(16 << 10);
    struct place place = graph_place(resource, path);
    const struct field *row = NULL;
    char *first CLEANUP_FREE = path ? strndup(path, strcspn(path, ".[")) : NULL;

    if (first)
        row = field_find(resource->kind->fields, first);
    if (buf_vaddf(&text, format, arguments) < 0) {
        report_no_memory(report);
        return;
    }
    if (warning)
        report_warning(report, place, "%s: %s%s%s", resource->address, path ? path : "",
                       path && *path ? ": " : "", buf_text(&text));
    else if (row && (row->type == FIELD_SECRET || row->flags & FIELD_SENSITIVE))
        report_hidden(report, place, "%s: %s: %s", resource->address, path, buf_text(&text));
    else
        report_problem(report, place, "%s: %s%s%s", resource->address, path ? path : "",
                       path && *path ? ": " : "", buf_text(&text));
}

static void kind_problem(struct kind_check *check, const char *path, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    tell(check, path, false, format, arguments);
    va_end(arguments);
}

static void kind_warning(struct kind_check *check, const char *path, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    tell(check, path, true, format, arguments);
    va_end(arguments);
}

static struct json_object *kind_referred(struct kind_check *check, const char *field)
{
    struct kind_context *context = container_of(check, struct kind_context, check);
    const char *text = js_text(check->document, field);
    struct references references = {0};
    const struct draft *target = NULL;

    if (!text || references_find(text, &references, NULL) < 0)
        return NULL;
    if (references.count == 1 && references.items[0].address)
        target = draft_find(context->loader, references.items[0].address);
    references_done(&references);
    return target ? js_read(target->resource.body) : NULL;
}

static int check_kind(struct loader *loader, const struct draft *draft)
{
    struct kind_context context = {
        .check = {.platform_repository = loader->graph->github.repository,
                  .allow_wide_trust = draft->resource.allow_wide_trust,
                  .problem = kind_problem,
                  .warning = kind_warning,
                  .referred = kind_referred},
        .loader = loader,
        .draft = draft,
    };
    struct json_object *body CLEANUP_JS = NULL;
    int r;

    if (!draft->sound || !draft->resource.kind->check)
        return 0;
    r = js_parse_text(draft->resource.body, &body, NULL);
    if (r < 0)
        return r == -ENOMEM ? r : 0;
    context.check.document = body;
    draft->resource.kind->check(&context.check);
    return 0;
}

int rules_check(struct loader *loader)
{
    int r;

    check_sections(loader);
    r = check_natural_keys(loader);
    if (r == 0)
        r = check_protect(loader);
    if (r == 0)
        r = check_ignore(loader);
    for (size_t i = 0; r == 0 && i < loader->drafts_count; i++)
        r = check_kind(loader, &loader->drafts[i]);
    return r;
}
