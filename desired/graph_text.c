/*
 * graph_text.c: a graph as one canonical text: what a generation is. No secrets: where
 * a secret was written out in the file, the text has a mark and only the digest knows the difference.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto.h"
#include "common/js.h"
#include "desired/desired-internal.h"

#define GRAPH_TEXT_MAX (256 << 20)

/* Text being written, and secrets that only the digest sees. */
struct writer {
    struct buf text;
    struct buf hidden;
};

static int put_text(struct json_object *object, const char *key, const char *text)
{
    return text ? js_set_text(object, key, text) : 0;
}

static int put_object(struct json_object *object, const char *key, struct json_object *take_value)
{
    return take_value ? js_put_key(object, key, take_value) : -ENOMEM;
}

static int put_source(struct json_object *object, const char *key, const struct credential_source *source)
{
    struct json_object *value;

    if (!source->credential && !source->file && !source->environment)
        return 0;
    value = json_object_new_object();
    if (!value || put_text(value, "credential", source->credential) < 0 ||
        put_text(value, "file", source->file) < 0 ||
        put_text(value, "environment", source->environment) < 0) {
        json_object_put(value);
        return -ENOMEM;
    }
    return put_object(object, key, value);
}

static int put_aws(struct json_object *top, const struct graph *graph)
{
    struct json_object *aws;

    if (!graph->aws.configured)
        return 0;
    aws = json_object_new_object();
    if (put_object(top, "aws", aws) < 0)
        return -ENOMEM;
    if (put_text(aws, "account_id", graph->aws.account_id) < 0 ||
        put_text(aws, "region", graph->aws.region) < 0 ||
        put_text(aws, "partition", graph->aws.partition) < 0 ||
        put_text(aws, "profile", graph->aws.profile) < 0)
        return -ENOMEM;
    return 0;
}

static int put_github(struct json_object *top, const struct graph *graph)
{
    struct json_object *github;

    if (!graph->github.configured)
        return 0;
    github = json_object_new_object();
    if (put_object(top, "github", github) < 0)
        return -ENOMEM;
    if (put_text(github, "repository", graph->github.repository) < 0 ||
        put_text(github, "api_url", graph->github.api_url) < 0 ||
        put_source(github, "token", &graph->github.token) < 0 ||
        put_text(github, "app_id", graph->github.app_id) < 0 ||
        put_text(github, "app_installation_id", graph->github.app_installation_id) < 0 ||
        put_source(github, "app_private_key", &graph->github.app_private_key) < 0 ||
        js_set_int(github, "write_interval_ms", (int64_t)graph->github.write_interval_ms) < 0)
        return -ENOMEM;
    return 0;
}

static int put_ignore(struct json_object *policy, const struct desired_policy *desired)
{
    struct json_object *list = json_object_new_array();

    if (put_object(policy, "ignore", list) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < desired->ignore_count; i++) {
        struct json_object *rule = json_object_new_object();

        if (!rule || put_text(rule, "address", desired->ignore[i].address) < 0 ||
            put_text(rule, "path", desired->ignore[i].path) < 0 || json_object_array_add(list, rule) < 0) {
            json_object_put(rule);
            return -ENOMEM;
        }
    }
    return 0;
}

static int put_policy(struct json_object *top, const struct desired_policy *desired)
{
    const bool approve[] = {desired->approve_create, desired->approve_update, desired->approve_replace,
                            desired->approve_delete};
    static const char *const words[] = {"create", "update", "replace", "delete"};
    struct json_object *policy = json_object_new_object(), *list;
    int r;

    if (put_object(top, "policy", policy) < 0)
        return -ENOMEM;
    r = put_text(policy, "on_drift", desired->on_drift == ON_DRIFT_ALERT ? "alert" : "heal");
    list = json_object_new_array();
    if (r == 0)
        r = put_object(policy, "approve", list);
    else
        json_object_put(list);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(words); i++)
        if (approve[i])
            r = js_add_text(list, words[i]);
    if (r < 0)
        return r;
    list = json_object_new_array();
    r = put_object(policy, "protect", list);
    for (size_t i = 0; r == 0 && i < desired->protect.count; i++)
        r = js_add_text(list, desired->protect.items[i]);
    return r < 0 ? r : put_ignore(policy, desired);
}

/* ---- bodies without secrets ---- */

static bool has_secret_fields(const struct field *fields)
{
    for (const struct field *row = fields; row && row->name; row++)
        if (row->type == FIELD_SECRET || row->element == FIELD_SECRET || row->flags & FIELD_SENSITIVE ||
            has_secret_fields(row->members))
            return true;
    return false;
}

static int hide_value(struct writer *writer, struct json_object *value, const struct field *row,
                      struct json_object **ret);

static bool is_literal_secret(struct json_object *value, const struct field *row)
{
    if (row->type != FIELD_SECRET && !(row->flags & FIELD_SENSITIVE))
        return false;
    if (json_object_is_type(value, json_type_string))
        return !text_is_reference(json_object_get_string(value));
    return row->type == FIELD_SECRET && value;
}

static int hide_object(struct writer *writer, struct json_object *value, const struct field *row,
                       struct json_object **ret)
{
    const struct field element = row_of_element(row);
    struct json_object *object CLEANUP_JS = json_object_new_object();
    int r = object ? 0 : -ENOMEM;

    js_each (value, key, member) {
        const struct field *member_row = row->type == FIELD_OBJECT ? field_find(row->members, key) : &element;
        struct json_object *hidden = NULL;

        if (r == 0 && member_row)
            r = hide_value(writer, member, member_row, &hidden);
        else if (r == 0)
            hidden = json_object_get(member);
        if (r == 0)
            r = js_put_key(object, key, hidden);
    }
    if (r == 0)
        *ret = TAKE(object);
    return r;
}

static int hide_array(struct writer *writer, struct json_object *value, const struct field *row,
                      struct json_object **ret)
{
    const struct field element = row_of_element(row);
    struct json_object *array CLEANUP_JS = json_object_new_array();
    int r = array ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < json_object_array_length(value); i++) {
        struct json_object *hidden = NULL;

        r = hide_value(writer, json_object_array_get_idx(value, i), &element, &hidden);
        if (r == 0 && json_object_array_add(array, hidden) < 0) {
            json_object_put(hidden);
            r = -ENOMEM;
        }
    }
    if (r == 0)
        *ret = TAKE(array);
    return r;
}

/* A copy in which texts of secret fields that were written out are {"secret": true}. */
static int hide_value(struct writer *writer, struct json_object *value, const struct field *row,
                      struct json_object **ret)
{
    bool rows = row->type == FIELD_OBJECT || row->type == FIELD_MAP;

    if (is_literal_secret(value, row)) {
        const char *text = json_object_get_string(value);

        /* With its length, so that no two sequences of secrets can look alike. */
        if (buf_addf(&writer->hidden, "%zu:", strlen(text)) < 0 || buf_add_text(&writer->hidden, text) < 0)
            return -ENOMEM;
        *ret = json_object_new_object();
        return *ret ? js_set_bool(*ret, "secret", true) : -ENOMEM;
    }
    if (rows && json_object_is_type(value, json_type_object))
        return hide_object(writer, value, row, ret);
    if ((row->type == FIELD_LIST || row->type == FIELD_SET) && json_object_is_type(value, json_type_array))
        return hide_array(writer, value, row, ret);
    *ret = json_object_get(value);
    return 0;
}

static int write_body(struct writer *writer, const struct desired_resource *resource)
{
    struct field top = {.type = FIELD_OBJECT, .members = resource->kind->fields};
    struct json_object *body CLEANUP_JS = NULL;
    struct json_object *hidden CLEANUP_JS = NULL;
    char *text CLEANUP_FREE = NULL;
    int r;

    if (!has_secret_fields(resource->kind->fields))
        return buf_add_text(&writer->text, resource->body);
    r = js_parse_text(resource->body, &body, NULL);
    if (r == 0)
        r = hide_value(writer, body, &top, &hidden);
    if (r < 0)
        return r;
    text = js_canonical(hidden);
    return text ? buf_add_text(&writer->text, text) : -ENOMEM;
}

/* A JSON string of a text of ours. */
static int write_string(struct writer *writer, const char *text)
{
    struct json_object *string CLEANUP_JS = json_object_new_string(text);
    char *canonical CLEANUP_FREE = string ? js_canonical(string) : NULL;

    return canonical ? buf_add_text(&writer->text, canonical) : -ENOMEM;
}

static int write_resource(struct writer *writer, const struct graph *graph,
                          const struct desired_resource *resource)
{
    int r;

    /* By hand, members in the order of their bytes: bodies are canonical already and need no tree. */
    r = buf_add_text(&writer->text, "{\"address\":");
    if (r == 0)
        r = write_string(writer, resource->address);
    if (r == 0)
        r = buf_addf(&writer->text,
                     ",\"adopt\":%s,\"allow_wide_trust\":%s,\"body\":", resource->adopt ? "true" : "false",
                     resource->allow_wide_trust ? "true" : "false");
    if (r == 0)
        r = write_body(writer, resource);
    if (r == 0)
        r = buf_add_text(&writer->text, ",\"needs\":[");
    for (size_t i = 0; r == 0 && i < resource->needs_count; i++) {
        if (i > 0)
            r = buf_add_char(&writer->text, ',');
        if (r == 0)
            r = write_string(writer, graph->resources[resource->needs[i]].address);
    }
    return r < 0 ? r : buf_add_text(&writer->text, "]}");
}

static int write_resources(struct writer *writer, const struct graph *graph)
{
    int r = buf_add_char(&writer->text, '[');

    for (size_t i = 0; r == 0 && i < graph->count; i++) {
        if (i > 0)
            r = buf_add_char(&writer->text, ',');
        if (r == 0)
            r = write_resource(writer, graph, &graph->resources[i]);
    }
    return r < 0 ? r : buf_add_char(&writer->text, ']');
}

static int put_outputs(struct json_object *top, const struct graph *graph)
{
    struct json_object *outputs = json_object_new_object();

    if (put_object(top, "outputs", outputs) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < graph->outputs_count; i++) {
        const struct desired_output *output = &graph->outputs[i];
        struct json_object *one = json_object_new_object(), *value = NULL;

        if (put_object(outputs, output->name, one) < 0 || js_parse_text(output->value, &value, NULL) < 0 ||
            js_put_key(one, "value", value) < 0 || js_set_bool(one, "sensitive", output->sensitive) < 0 ||
            put_text(one, "description", output->description) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* Everything but resources; an object whose canonical text ends where they follow. */
static char *head_text(const struct graph *graph)
{
    struct json_object *top CLEANUP_JS = json_object_new_object();

    if (!top || put_text(top, "platform", graph->platform) < 0 ||
        put_text(top, "blueprint", graph->blueprint) < 0 ||
        js_set_int(top, "poll_interval_ms", (int64_t)graph->poll_interval_ms) < 0 ||
        put_aws(top, graph) < 0 || put_github(top, graph) < 0 || put_policy(top, &graph->policy) < 0 ||
        put_outputs(top, graph) < 0)
        return NULL;
    return js_canonical(top);
}

static int finish(struct graph *graph, struct writer *writer)
{
    size_t visible = writer->text.size;
    char *whole;

    graph->text = strndup(buf_text(&writer->text), visible);
    if (!graph->text)
        return -ENOMEM;
    /* Secrets written out take part in the digest, so that changing one is a new generation. */
    if (writer->hidden.size > 0 &&
        (buf_add_char(&writer->text, '\n') < 0 ||
         buf_add(&writer->text, buf_text(&writer->hidden), writer->hidden.size) < 0))
        return writer->text.failed;
    whole = digest_text(buf_text(&writer->text));
    graph->digest = whole;
    return whole ? 0 : -ENOMEM;
}

int graph_write_text(struct graph *graph)
{
    struct writer writer = {.text = BUF_INIT(GRAPH_TEXT_MAX), .hidden = BUF_INIT(GRAPH_TEXT_MAX)};
    char *head CLEANUP_FREE = head_text(graph);
    int r = -ENOMEM;

    /* "resources" sorts behind every member of the head. */
    if (head)
        r = buf_add(&writer.text, head, strlen(head) - 1);
    if (r == 0)
        r = buf_add_text(&writer.text, ",\"resources\":");
    if (r == 0)
        r = write_resources(&writer, graph);
    if (r == 0)
        r = buf_add_char(&writer.text, '}');
    if (r == 0)
        r = finish(graph, &writer);
    buf_wipe(&writer.hidden);
    buf_wipe(&writer.text);
    return r;
}
