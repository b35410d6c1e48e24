/*
 * fuzz_graph.c: no platform file does harm. What is taken is a graph that keeps its
 * promises: needs come first, texts are canonical JSON, every body resolves; what is refused says why.
 *
 * Built with the kinds of tests/unit/desired_kinds.c; blueprints are those of tests/unit/desired/blueprints.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/crypto.h"
#include "common/js.h"
#include "common/utf8.h"
#include "desired/desired.h"
#include "desired/reference.h"
#include "fuzz_main.h"

static struct daemon_config config;

static int any_value(void *data, const struct reference *reference, struct json_object **ret, struct err *err)
{
    (void)data;
    (void)err;
    if (strlen(reference->text) % 3 == 0)
        return RESOLVE_LATER;
    *ret = strlen(reference->text) % 3 == 1 ? json_object_new_string("value") : json_object_new_int64(7);
    return *ret ? RESOLVED : -ENOMEM;
}

static int any_secret(void *data, const struct reference *reference, struct secret **ret, struct err *err)
{
    (void)data;
    (void)reference;
    (void)err;
    *ret = secret_new_text("secret");
    return *ret ? RESOLVED : -ENOMEM;
}

static char *any_fingerprint(void *data, const struct secret *value)
{
    (void)data;
    return str_format("%zu", secret_size(value));
}

static void check_resource(const struct graph *graph, size_t index)
{
    const struct resolver world = {.value = any_value, .secret = any_secret, .fingerprint = any_fingerprint};
    const struct desired_resource *resource = &graph->resources[index];
    struct json_object *document = NULL;
    struct err err = {0};

    FUZZ_CHECK(graph_find(graph, resource->address) == resource);
    FUZZ_CHECK(resource->place.mark.line > 0);
    for (size_t i = 0; i < resource->needs_count; i++) {
        FUZZ_CHECK(resource->needs[i] < index);
        FUZZ_CHECK(i == 0 || resource->needs[i - 1] < resource->needs[i]);
    }
    for (size_t i = 0; i < resource->places_count; i++)
        FUZZ_CHECK(i == 0 || strcmp(resource->places[i - 1].path, resource->places[i].path) <= 0);
    if (resolve_body(resource->kind, resource->body, &world, &document, NULL, &err) == 0)
        (void)document_has_unknown(document); /* it must only end */
    else
        FUZZ_CHECK(err.text || err.code == -ENOMEM);
    json_object_put(document);
    err_done(&err);
}

static void check_graph(const struct graph *graph)
{
    struct json_object *parsed = NULL;
    char *again;

    for (size_t i = 0; i < graph->count; i++)
        check_resource(graph, i);
    FUZZ_CHECK(js_parse_text(graph->text, &parsed, NULL) == 0);
    again = js_canonical(parsed);
    FUZZ_CHECK(again && strcmp(again, graph->text) == 0);
    FUZZ_CHECK(strlen(graph->digest) == 64);
    free(again);
    json_object_put(parsed);
}

static void check_problems(const struct problems *problems)
{
    char *text = problems_text(problems);

    FUZZ_CHECK(problems->count > 0);
    FUZZ_CHECK(text && utf8_valid(text, strlen(text), NULL));
    free(text);
}

/* A file without a name: nothing is left behind on a crash. */
static void file_of(const uint8_t *data, size_t size, char path[32])
{
    int fd = memfd_create("platform.yaml", MFD_CLOEXEC);

    FUZZ_CHECK(fd >= 0);
    FUZZ_CHECK(write(fd, data, size) == (ssize_t)size);
    FUZZ_CHECK(snprintf(path, 32, "/proc/self/fd/%d", fd) < 32);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct problems problems = {0}, warnings = {0};
    struct graph *graph = NULL;
    char path[32];
    int r;

    if (!config.blueprints_dir) {
        const char *top = getenv("srcdir");

        FUZZ_CHECK(crypto_setup() == 0);
        config.blueprints_dir = str_format("%s/tests/unit/desired/blueprints", top ? top : ".");
        FUZZ_CHECK(config.blueprints_dir);
    }
    file_of(data, size, path);
    r = graph_load(&config, path, &graph, &problems, &warnings);
    (void)close((int)strtol(path + strlen("/proc/self/fd/"), NULL, 10)); /* only read from */
    FUZZ_CHECK((r == 0) == (graph != NULL));
    if (r == 0)
        check_graph(graph);
    else
        check_problems(&problems);
    graph_free(graph);
    problems_done(&problems);
    problems_done(&warnings);
    return 0;
}
