/*
 * kube_call_tool.c: the Kubernetes client against a server of its own, over the real transport: one call a line.
 *
 *   kube_call_tool NAME ENDPOINT CERTIFICATE_AUTHORITY <calls >answers
 *
 * A call: {"verb", "api_version", "kind", "namespace"?, "name"?, "body"?, "hidden"?: {"KEY": "VALUE"}} (below "data").
 * An answer: {"status", "body"} or {"class", "wire_code", "text"}. AWS keys come from the environment.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/kubernetes/kubernetes.h"
#include "common/fiber_uv.h"
#include "common/js.h"
#include "common/str.h"

#define HIDDEN_MAX 8

static const char *const verbs[KUBERNETES_VERB_MAX] = {"get",   "list",   "apply", "dry_run",
                                                       "patch", "delete", "create"};

struct tool {
    char **argv;
    struct kubernetes *kubernetes;
};

static int let_pass(void *data, const char *what, struct err *err)
{
    (void)data;
    (void)what;
    (void)err;
    return 0;
}

static char *mark(void *data, const struct secret *value)
{
    (void)data;
    return digest_text(secret_text(value));
}

static enum kubernetes_verb verb_of(const char *name)
{
    for (unsigned i = 0; i < KUBERNETES_VERB_MAX; i++) {
        if (str_equal(verbs[i], name))
            return (enum kubernetes_verb)i;
    }
    fprintf(stderr, "no such verb: %s\n", name ? name : "");
    exit(2);
}

static void print_answer(int r, const struct kubernetes_answer *answer, const struct err *err)
{
    struct json_object *line CLEANUP_JS = json_object_new_object();
    char *text CLEANUP_FREE = NULL;

    if (r == 0) {
        js_set_int(line, "status", answer->status);
        js_put_key(line, "body", json_object_get(answer->body));
    } else {
        js_set_text(line, "class", err_class_name(err->class));
        js_set_text(line, "wire_code", err->wire_code);
        js_set_text(line, "text", err_text(err));
    }
    text = js_canonical(line);
    puts(text);
    fflush(stdout);
}

static void call_one(struct tool *tool, struct json_object *line)
{
    const char *paths[HIDDEN_MAX][3];
    struct kubernetes_hidden hidden[HIDDEN_MAX];
    struct secret *values[HIDDEN_MAX];
    struct kubernetes_answer answer CLEANUP_KUBERNETES_ANSWER = {0};
    struct err err CLEANUP_ERR = {0};
    struct json_object *given = js_get(line, "hidden");
    struct kubernetes_call call = {
        .verb = verb_of(js_text(line, "verb")),
        .cluster = {.name = tool->argv[1], .endpoint = tool->argv[2], .certificate_authority = tool->argv[3]},
        .object = {js_text(line, "api_version"), js_text(line, "kind"), js_text(line, "namespace"),
                   js_text(line, "name")},
        .body = js_get(line, "body"),
        .hidden = hidden,
        .fingerprint = mark,
    };

    if (given) {
        js_each (given, key, value) {
            size_t i = call.hidden_count++;

            paths[i][0] = "data";
            paths[i][1] = key;
            paths[i][2] = NULL;
            values[i] = secret_new_text(json_object_get_string(value));
            hidden[i] = (struct kubernetes_hidden){paths[i], values[i]};
        }
    }
    print_answer(kubernetes_call(tool->kubernetes, &call, &answer, &err), &answer, &err);
    for (size_t i = 0; i < call.hidden_count; i++)
        secret_free(values[i]);
}

static void call_all(void *arg)
{
    struct tool *tool = arg;
    char *text = NULL;
    size_t space = 0;

    while (getline(&text, &space, stdin) > 0) {
        struct json_object *line CLEANUP_JS = NULL;
        struct err err CLEANUP_ERR = {0};

        text[strcspn(text, "\n")] = '\0';
        if (js_parse_text(text, &line, &err) < 0) {
            fprintf(stderr, "%s\n", err_text(&err));
            exit(2);
        }
        call_one(tool, line);
    }
    free(text);
}

int main(int argc, char **argv)
{
    uv_loop_t loop;
    struct clock_real clock;
    struct fibers fibers;
    struct fibers_uv pump;
    struct http_curl *curl = NULL;
    struct aws *aws = NULL;
    struct tool tool = {.argv = argv};
    struct err err CLEANUP_ERR = {0};

    if (argc != 4 || crypto_setup() < 0)
        return 2;
    uv_loop_init(&loop);
    clock_real_init(&clock, &loop);
    fibers_init(&fibers);
    fibers_uv_init(&pump, &loop, &fibers);
    if (http_curl_new(&loop, NULL, &curl, &err) < 0)
        return 2;
    struct aws_options aws_options = {.http = http_curl_http(curl),
                                      .clock = &clock.clock,
                                      .fibers = &fibers,
                                      .region = getenv("AWS_REGION")};
    struct kubernetes_options options = {
        .http = http_curl_http(curl), .clock = &clock.clock, .fibers = &fibers, .gate = let_pass};
    if (aws_new(&aws_options, &aws, &err) < 0)
        return 2;
    options.aws = aws;
    if (kubernetes_new(&options, &tool.kubernetes, &err) < 0 ||
        fiber_spawn(&fibers, "calls", call_all, &tool, NULL) < 0)
        return 2;
    while (fibers.living > 0)
        uv_run(&loop, UV_RUN_ONCE);
    kubernetes_free(tool.kubernetes);
    aws_free(aws);
    http_curl_close(curl);
    clock_real_close(&clock);
    fibers_uv_close(&pump);
    uv_run(&loop, UV_RUN_DEFAULT);
    http_curl_free(curl);
    fibers_close(&fibers);
    return uv_loop_close(&loop) < 0 ? 1 : 0;
}
