/*
 * daemon_config.c: the daemon's own file, mlopsd.yaml. Rows say what may stand in it;
 * relative paths are relative to the file.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "desired/desired-internal.h"

#define POLL_DEFAULT_MS  60000
#define SOCKET_MAX_BYTES 107 /* sun_path without its NUL */

static const char *const format_words[] = {"auto", "journal", "text", "json", NULL};
static const char *const level_words[] = {"critical", "error", "warning", "notice", "info", "debug", NULL};

static bool group_accepted(const char *text)
{
    return word_accepted(text, 32, "_-.");
}

static const struct field log_fields[] = {
    {.name = "format",
     .type = FIELD_ENUM,
     .values = format_words,
     .fallback = "\"auto\"",
     .doc = "Where lines go: auto is the journal when stderr leads there, else text."},
    {.name = "level",
     .type = FIELD_ENUM,
     .values = level_words,
     .fallback = "\"info\"",
     .doc = "The least important lines that are shown."},
    {0},
};

static const struct field config_fields[] = {
    {.name = "state_dir",
     .type = FIELD_STRING,
     .min = 1,
     .max = 4096,
     .doc = "Where the state is kept; $STATE_DIRECTORY when left out."},
    {.name = "socket",
     .type = FIELD_STRING,
     .min = 1,
     .max = 4096,
     .doc = "The control socket; $RUNTIME_DIRECTORY/mlopsd.sock when left out."},
    {.name = "platforms",
     .type = FIELD_STRING,
     .min = 1,
     .max = 4096,
     .fallback = "\"platforms.d\"",
     .doc = "The directory of platform files."},
    {.name = "blueprints",
     .type = FIELD_STRING,
     .min = 1,
     .max = 4096,
     .fallback = "\"blueprints\"",
     .doc = "The directory of blueprints."},
    {.name = "poll_interval",
     .type = FIELD_STRING,
     .accepts = poll_interval_accepted,
     .pattern = POLL_INTERVAL_WORDS,
     .doc = "How often everything is looked at."},
    {.name = "log", .type = FIELD_OBJECT, .members = log_fields, .fallback = "{}", .doc = "The log."},
    {.name = "access_group",
     .type = FIELD_STRING,
     .accepts = group_accepted,
     .pattern = "the name of a group",
     .fallback = "\"mlopsd\"",
     .doc = "Who may change things besides root."},
    {0},
};

/* A path of the file, made absolute; NULL stays NULL. 0 or -ENOMEM. */
static int set_path(char **target, const char *directory, const char *path)
{
    if (!path)
        return 0;
    *target = path_join(directory, path);
    return *target ? 0 : -ENOMEM;
}

static int fill(struct daemon_config *config, struct json_object *settings)
{
    char *directory CLEANUP_FREE = path_directory(config->file);
    int r;

    if (!directory || set_path(&config->state_dir, directory, js_text(settings, "state_dir")) < 0 ||
        set_path(&config->socket, directory, js_text(settings, "socket")) < 0 ||
        set_path(&config->platforms_dir, directory, js_text(settings, "platforms")) < 0 ||
        set_path(&config->blueprints_dir, directory, js_text(settings, "blueprints")) < 0 ||
        str_set(&config->access_group, js_text(settings, "access_group")) < 0)
        return -ENOMEM;
    config->poll_interval_ms = duration_ms(js_text(settings, "poll_interval"), POLL_DEFAULT_MS);
    r = log_format_parse(js_text(settings, "log.format"), &config->log_format);
    assert(r == 0); /* the rows have let only these words pass */
    r = log_level_parse(js_text(settings, "log.level"), &config->log_level);
    assert(r == 0);
    return 0;
}

static void check_socket(struct report *report, const struct daemon_config *config,
                         const struct place_list *places)
{
    struct place place = {config->file, {0, 0}};

    if (config->socket && strlen(config->socket) > SOCKET_MAX_BYTES)
        report_problem(report, place_find(places->items, places->count, "socket", place),
                       "socket: the path has %zu bytes; the system takes %d", strlen(config->socket),
                       SOCKET_MAX_BYTES);
}

static int config_check(struct report *report, struct daemon_config *config, const struct source *source)
{
    struct place_list places = {0};
    struct schema schema = {.report = report, .subject = "the daemon's file", .places = &places};
    struct json_object *settings CLEANUP_JS = NULL;
    struct node *node CLEANUP_NODE = NULL;
    int r;

    node = source->root->kind == YML_NULL ? node_new(YML_MAP, (struct place){config->file, {1, 1}})
                                          : node_from_yml(config->file, source->root);
    r = node ? schema_check(&schema, config_fields, node, &settings) : -ENOMEM;
    if (r == 0)
        r = report_result(report);
    if (r == 0)
        r = fill(config, settings);
    place_list_sort(&places);
    if (r == 0) {
        check_socket(report, config, &places);
        r = report_result(report);
    }
    place_list_done(&places);
    return r;
}

int daemon_config_load(const char *path, struct daemon_config **ret, struct problems *problems)
{
    struct daemon_config *config = calloc(1, sizeof(*config));
    struct source source = {0};
    struct report report;
    int r = -ENOMEM;

    report_init(&report, problems, NULL);
    if (config)
        r = str_set(&config->file, path);
    if (r == 0)
        r = source_load(&source, config->file, &report);
    if (r == 0)
        r = config_check(&report, config, &source);
    problems_sort(problems);
    source_done(&source);
    if (r == 0)
        *ret = TAKE(config);
    daemon_config_free(config);
    return r;
}

struct daemon_config *daemon_config_free(struct daemon_config *config)
{
    if (!config)
        return NULL;
    free(config->file);
    free(config->state_dir);
    free(config->socket);
    free(config->platforms_dir);
    free(config->blueprints_dir);
    free(config->access_group);
    free(config);
    return NULL;
}
