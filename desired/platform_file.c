/*
 * platform_file.c: a platform file's own settings: name, account, repository, policy.
 * Parameters, resources and outputs are only found to be maps here; blueprint.c, expand.c and outputs.c read them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/aws/aws.h"
#include "common/js.h"
#include "desired/desired-internal.h"

static const char *const drift_words[] = {"heal", "alert", NULL};
static const char *const action_words[] = {"create", "update", "replace", "delete", NULL};

static bool platform_accepted(const char *text)
{
    size_t n = strlen(text);

    return n >= 1 && n <= 40 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static bool blueprint_accepted(const char *text)
{
    return text[0] != '\0' && strlen(text) <= 4096;
}

static bool account_accepted(const char *text)
{
    return strlen(text) == 12 && strspn(text, "0123456789") == 12;
}

static bool region_accepted(const char *text)
{
    return strlen(text) <= 32 && aws_partition_of(text) != NULL;
}

static bool repository_accepted(const char *text)
{
    const char *slash = strchr(text, '/');
    char *owner CLEANUP_FREE = slash ? strndup(text, (size_t)(slash - text)) : NULL;

    return owner && word_accepted(owner, 39, "-_") && word_accepted(slash + 1, 100, "._-");
}

/* TLS everywhere but on this very host. */
static bool api_url_accepted(const char *text)
{
    static const char *const local[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};

    if (strpbrk(text, " @?#\"\\") || strlen(text) > 1024)
        return false;
    if (str_starts(text, "https://"))
        return text[strlen("https://")] != '\0' && text[strlen("https://")] != '/';
    for (size_t i = 0; i < ARRAY_SIZE(local); i++) {
        size_t n = strlen(local[i]);

        if (str_starts(text, local[i]) && (text[n] == ':' || text[n] == '/' || text[n] == '\0'))
            return true;
    }
    return false;
}

static bool profile_accepted(const char *text)
{
    return word_accepted(text, 128, "_.@+=/-");
}

static bool credential_accepted(const char *text)
{
    return word_accepted(text, 255, "._-") && text[0] != '.';
}

static bool variable_accepted(const char *text)
{
    return word_accepted(text, 255, "_") && !(text[0] >= '0' && text[0] <= '9');
}

static bool file_accepted(const char *text)
{
    return text[0] != '\0' && strlen(text) <= 4096;
}

static bool digits_or_client_id(const char *text)
{
    return word_accepted(text, 64, ".");
}

static const struct field source_fields[] = {
    {.name = "credential",
     .type = FIELD_STRING,
     .flags = FIELD_SENSITIVE,
     .accepts = credential_accepted,
     .pattern = "the name of a systemd credential",
     .doc = "A systemd credential."},
    {.name = "file",
     .type = FIELD_STRING,
     .flags = FIELD_SENSITIVE,
     .accepts = file_accepted,
     .pattern = "a path",
     .doc = "A file that only its owner may read."},
    {.name = "environment",
     .type = FIELD_STRING,
     .flags = FIELD_SENSITIVE,
     .accepts = variable_accepted,
     .pattern = "the name of a variable",
     .doc = "A variable of the environment."},
    {0},
};

/* Ids are versions here: digits that may stand without quotes, kept as written. */
static const struct field app_fields[] = {
    {.name = "id",
     .type = FIELD_VERSION,
     .flags = FIELD_REQUIRED,
     .accepts = digits_or_client_id,
     .pattern = "the App's id or client id",
     .doc = "The App's id or client id."},
    {.name = "installation_id",
     .type = FIELD_VERSION,
     .accepts = digits_or_client_id,
     .pattern = "the installation's id",
     .doc = "The installation; found by the repository when left out."},
    {.name = "private_key",
     .type = FIELD_OBJECT,
     .members = source_fields,
     .flags = FIELD_REQUIRED | FIELD_SENSITIVE,
     .doc = "Where the App's private key comes from."},
    {0},
};

static const struct field github_fields[] = {
    {.name = "repository",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED,
     .accepts = repository_accepted,
     .pattern = "OWNER/NAME",
     .doc = "The repository, OWNER/NAME."},
    {.name = "token",
     .type = FIELD_OBJECT,
     .members = source_fields,
     .flags = FIELD_SENSITIVE,
     .doc = "Where the personal access token comes from."},
    {.name = "app", .type = FIELD_OBJECT, .members = app_fields, .doc = "A GitHub App in place of a token."},
    {.name = "api_url",
     .type = FIELD_STRING,
     .accepts = api_url_accepted,
     .pattern = "an https:// address (http:// only on this host)",
     .doc = "Another GitHub."},
    {.name = "write_interval",
     .type = FIELD_STRING,
     .accepts = write_interval_accepted,
     .pattern = WRITE_INTERVAL_WORDS,
     .doc = "The pause between two writes."},
    {0},
};

static const struct field aws_fields[] = {
    {.name = "account_id",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED,
     .accepts = account_accepted,
     .pattern = "12 digits in quotes",
     .doc = "The account, 12 digits in quotes."},
    {.name = "region",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED,
     .accepts = region_accepted,
     .pattern = "a Region such as us-east-1",
     .doc = "The Region."},
    {.name = "profile",
     .type = FIELD_STRING,
     .accepts = profile_accepted,
     .pattern = "the name of a profile",
     .doc = "A named profile of the AWS configuration."},
    {0},
};

static const struct field policy_fields[] = {
    {.name = "on_drift",
     .type = FIELD_ENUM,
     .values = drift_words,
     .fallback = "\"heal\"",
     .doc = "What happens on drift."},
    {.name = "protect", .type = FIELD_SET, .element = FIELD_STRING, .doc = "Never deleted or replaced."},
    {.name = "approve",
     .type = FIELD_SET,
     .element = FIELD_ENUM,
     .values = action_words,
     .doc = "Actions that wait for an approval."},
    {.name = "ignore", .type = FIELD_MAP, .element = FIELD_SET, .doc = "Fields left alone, by address."},
    {0},
};

static const struct field platform_fields[] = {
    {.name = "platform",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED,
     .accepts = platform_accepted,
     .pattern = "1 to 40 of a-z, 0-9 and -",
     .doc = "The platform's name."},
    {.name = "blueprint",
     .type = FIELD_STRING,
     .accepts = blueprint_accepted,
     .pattern = "a name or a path",
     .doc = "The blueprint."},
    {.name = "aws", .type = FIELD_OBJECT, .members = aws_fields, .doc = "The account."},
    {.name = "github", .type = FIELD_OBJECT, .members = github_fields, .doc = "The repository."},
    {.name = "poll_interval",
     .type = FIELD_STRING,
     .accepts = poll_interval_accepted,
     .pattern = POLL_INTERVAL_WORDS,
     .doc = "How often everything is looked at."},
    {.name = "policy",
     .type = FIELD_OBJECT,
     .members = policy_fields,
     .fallback = "{}",
     .doc = "The policy."},
    {0},
};

/* Read by others, from the tree itself. */
static const struct field elsewhere_fields[] = {
    {.name = "parameters", .type = FIELD_ANY},
    {.name = "resources", .type = FIELD_ANY},
    {.name = "outputs", .type = FIELD_ANY},
    {0},
};

struct place loader_setting(const struct loader *loader, const char *path)
{
    struct place top = {loader->platform.path, {1, 1}};

    return place_find(loader->settings.items, loader->settings.count, path, top);
}

static int copy_source(struct loader *loader, struct json_object *settings, const char *path,
                       struct credential_source *ret)
{
    struct json_object *source = js_get(settings, path);
    char *directory CLEANUP_FREE = NULL;
    const char *file = js_text(source, "file");

    if (!source)
        return 0;
    if (json_object_object_length(source) != 1) {
        report_hidden(&loader->report, loader_setting(loader, path),
                      "%s: exactly one of credential, file and environment says where it comes from", path);
        return 0;
    }
    if (js_text(source, "environment"))
        report_warning(
            &loader->report, loader_setting(loader, path),
            "%s comes from the environment, which every child process and the unit's file can show; "
            "a systemd credential is safer",
            path);
    if (file) {
        directory = path_directory(loader->platform.path);
        ret->file = directory ? path_join(directory, file) : NULL;
        if (!ret->file)
            return -ENOMEM;
    }
    if (str_set(&ret->credential, js_text(source, "credential")) < 0 ||
        str_set(&ret->environment, js_text(source, "environment")) < 0)
        return -ENOMEM;
    return 0;
}

static int fill_aws(struct loader *loader, struct json_object *settings)
{
    struct graph *graph = loader->graph;
    const char *region = js_text(settings, "aws.region");

    graph->aws.configured = yml_get(loader->platform.root, "aws") != NULL;
    if (str_set(&graph->aws.account_id, js_text(settings, "aws.account_id")) < 0 ||
        str_set(&graph->aws.region, region) < 0 ||
        str_set(&graph->aws.partition, region ? aws_partition_of(region) : NULL) < 0 ||
        str_set(&graph->aws.profile, js_text(settings, "aws.profile")) < 0)
        return -ENOMEM;
    loader->scope.aws_broken = graph->aws.configured && (!graph->aws.account_id || !region);
    return 0;
}

static int fill_repository(struct graph *graph, const char *repository)
{
    const char *slash = repository ? strchr(repository, '/') : NULL;

    if (!slash)
        return 0;
    graph->github.repository = strdup(repository);
    graph->github.owner = strndup(repository, (size_t)(slash - repository));
    graph->github.name = strdup(slash + 1);
    return graph->github.repository && graph->github.owner && graph->github.name ? 0 : -ENOMEM;
}

static int fill_api_url(struct graph *graph, const char *url)
{
    size_t n = url ? strlen(url) : 0;

    if (!url)
        return 0;
    while (n > 0 && url[n - 1] == '/')
        n--;
    graph->github.api_url = strndup(url, n);
    return graph->github.api_url ? 0 : -ENOMEM;
}

static int fill_github(struct loader *loader, struct json_object *settings)
{
    struct graph *graph = loader->graph;

    graph->github.configured = yml_get(loader->platform.root, "github") != NULL;
    graph->github.has_token = js_get(settings, "github.token") != NULL;
    graph->github.write_interval_ms = duration_ms(js_text(settings, "github.write_interval"), 0);
    if (graph->github.has_token && js_get(settings, "github.app"))
        report_problem(&loader->report, loader_setting(loader, "github.app"),
                       "github.app: a token is given too; only one of them can speak for the daemon");
    if (fill_repository(graph, js_text(settings, "github.repository")) < 0 ||
        fill_api_url(graph, js_text(settings, "github.api_url")) < 0 ||
        copy_source(loader, settings, "github.token", &graph->github.token) < 0 ||
        copy_source(loader, settings, "github.app.private_key", &graph->github.app_private_key) < 0 ||
        str_set(&graph->github.app_id, js_text(settings, "github.app.id")) < 0 ||
        str_set(&graph->github.app_installation_id, js_text(settings, "github.app.installation_id")) < 0)
        return -ENOMEM;
    loader->scope.github_broken = graph->github.configured && !graph->github.repository;
    return 0;
}

static int fill_policy(struct loader *loader, struct json_object *settings)
{
    struct desired_policy *policy = &loader->graph->policy;
    struct json_object *approve = js_get(settings, "policy.approve");

    policy->on_drift = str_equal(js_text(settings, "policy.on_drift"), "alert") ? ON_DRIFT_ALERT
                                                                                : ON_DRIFT_HEAL;
    policy->approve_create = js_has_text(approve, "create");
    policy->approve_update = js_has_text(approve, "update");
    policy->approve_replace = js_has_text(approve, "replace");
    policy->approve_delete = js_has_text(approve, "delete");
    loader->policy = json_object_get(js_get(settings, "policy"));
    return 0;
}

int platform_read(struct loader *loader)
{
    struct schema schema = {.report = &loader->report,
                            .subject = "the platform file",
                            .also = elsewhere_fields,
                            .places = &loader->settings};
    struct json_object *settings CLEANUP_JS = NULL;
    struct node *node CLEANUP_NODE = node_from_yml(loader->platform.path, loader->platform.root);
    struct graph *graph = loader->graph;
    int r = node ? schema_check(&schema, platform_fields, node, &settings) : -ENOMEM;

    place_list_sort(&loader->settings);
    if (r < 0)
        return r;
    graph->poll_interval_ms = duration_ms(js_text(settings, "poll_interval"), 0);
    if (str_set(&graph->platform, js_text(settings, "platform")) < 0 ||
        str_set(&graph->blueprint, js_text(settings, "blueprint")) < 0)
        return -ENOMEM;
    r = fill_aws(loader, settings);
    if (r == 0)
        r = fill_github(loader, settings);
    return r < 0 ? r : fill_policy(loader, settings);
}
