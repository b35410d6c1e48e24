/*
 * graph_frame.c: the settings of a platform out of the text of a generation (graph_text.c writes it). Enough to reach
 * its clouds and to know what its policy protects; what it declares is not read back.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/js.h"
#include "desired/desired-internal.h"

static int take_source(struct json_object *settings, const char *key, struct credential_source *ret)
{
    struct json_object *source = js_get(settings, key);

    return str_set(&ret->credential, js_text(source, "credential")) |
           str_set(&ret->file, js_text(source, "file")) |
           str_set(&ret->environment, js_text(source, "environment"));
}

static int take_aws(struct graph *graph, struct json_object *aws)
{
    graph->aws.configured = aws != NULL;
    return str_set(&graph->aws.account_id, js_text(aws, "account_id")) |
           str_set(&graph->aws.region, js_text(aws, "region")) |
           str_set(&graph->aws.partition, js_text(aws, "partition")) |
           str_set(&graph->aws.profile, js_text(aws, "profile"));
}

static int take_github(struct graph *graph, struct json_object *github)
{
    graph->github.configured = github != NULL;
    graph->github.has_token = js_get(github, "token") != NULL;
    graph->github.write_interval_ms = (uint64_t)js_int(github, "write_interval_ms", 0);
    return str_set(&graph->github.repository, js_text(github, "repository")) |
           str_set(&graph->github.api_url, js_text(github, "api_url")) |
           str_set(&graph->github.app_id, js_text(github, "app_id")) |
           str_set(&graph->github.app_installation_id, js_text(github, "app_installation_id")) |
           take_source(github, "token", &graph->github.token) |
           take_source(github, "app_private_key", &graph->github.app_private_key);
}

static int take_policy(struct desired_policy *policy, struct json_object *settings)
{
    struct json_object *protect = js_get(settings, "protect"), *approve = js_get(settings, "approve");

    policy->on_drift = str_equal(js_text(settings, "on_drift"), "alert") ? ON_DRIFT_ALERT : ON_DRIFT_HEAL;
    policy->approve_create = js_has_text(approve, "create");
    policy->approve_update = js_has_text(approve, "update");
    policy->approve_replace = js_has_text(approve, "replace");
    policy->approve_delete = js_has_text(approve, "delete");
    for (size_t i = 0; i < js_count(protect, NULL); i++)
        if (strv_add(&policy->protect, json_object_get_string(js_at(protect, i))) < 0)
            return -ENOMEM;
    return 0;
}

int graph_frame(const char *text, const char *file, struct graph **ret, struct err *err)
{
    struct json_object *top CLEANUP_JS = NULL;
    struct graph *graph;
    int r = js_parse_text(text, &top, err);

    if (r < 0)
        return r;
    graph = calloc(1, sizeof(*graph));
    if (!graph)
        return err_no_memory(err);
    graph->is_frame = true;
    graph->poll_interval_ms = (uint64_t)js_int(top, "poll_interval_ms", 0);
    r = str_set(&graph->platform, js_text(top, "platform")) | str_set(&graph->file, file) |
        str_set(&graph->text, text) | str_set(&graph->digest, "") | take_aws(graph, js_get(top, "aws")) |
        take_github(graph, js_get(top, "github")) | take_policy(&graph->policy, js_get(top, "policy"));
    if (r < 0) {
        graph_free(graph);
        return err_no_memory(err);
    }
    *ret = graph;
    return 0;
}
