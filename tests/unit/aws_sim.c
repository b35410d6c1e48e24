/*
 * aws_sim.c: see aws_sim.h.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/js.h"
#include "common/macro.h"
#include "tests/unit/aws_sim.h"

#define FILES_MAX 16

static char *files[FILES_MAX];
static size_t file_count;
static char directory[64];

extern char **environ;

static void environment_clear(void)
{
    char name[128];

    for (char **e = environ; *e;) {
        size_t size = strcspn(*e, "=");

        if (strncmp(*e, "AWS_", 4) != 0 || size >= sizeof name) {
            e++;
            continue;
        }
        memcpy(name, *e, size);
        name[size] = '\0';
        unsetenv(name);
        e = environ;
    }
    unsetenv("HOME");
    setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
}

static int gate(void *data, const struct aws_operation *operation, struct err *err)
{
    struct aws_sim *sim = data;

    assert(operation->access == AWS_WRITE);
    sim->gate_asked++;
    return sim->gate_closed ? err_set(err, -EPERM, ERR_DENIED, "check mode") : 0;
}

static void record(struct aws_sim *sim, const struct http_request *request)
{
    struct sim_request *r = &sim->requests[sim->count++];

    assert(sim->count < SIM_REQUESTS_MAX);
    r->method = strdup(request->method);
    r->url = strdup(request->url);
    r->body = strndup(request->body ? request->body : "", request->body_size);
    r->ca_pem = request->ca_pem ? strndup(request->ca_pem, request->ca_pem_size) : NULL;
    r->fresh = request->fresh;
    r->wall_ms = clock_wall_ms(&sim->clock.clock);
    r->at_ms = clock_monotonic_ms(&sim->clock.clock);
    for (const char *const *h = request->headers; h && *h; h++)
        strv_add(&r->headers, *h);
}

static void headers_add(struct http_answer *answer, const char *lines)
{
    while (lines && *lines) {
        size_t size = strcspn(lines, "\n");
        size_t name = strcspn(lines, ":");

        char *key CLEANUP_FREE = strndup(lines, name);
        char *value CLEANUP_FREE = strndup(lines + name + 2, size - name - 2);

        http_answer_add_header(answer, key, value);
        lines += size;
        lines += *lines == '\n';
    }
}

static int handler(void *data, const struct http_request *request, struct http_answer *answer,
                   uint64_t *ret_delay_ms)
{
    struct aws_sim *sim = data;
    size_t index = sim->count < sim->answer_count ? sim->count : sim->answer_count - 1;
    const struct sim_answer *step = &sim->answers[index];
    const char *body = step->body ? step->body : "";

    assert(sim->answer_count > 0);
    record(sim, request);
    *ret_delay_ms = step->delay_ms;
    if (step->result < 0)
        return step->result;
    answer->status = step->status;
    headers_add(answer, step->headers);
    return http_answer_set_body(answer, body, strlen(body));
}

void sim_begin(struct aws_sim *sim, const char *profile)
{
    struct aws_options options = {.region = "us-east-1", .gate = gate, .profile = profile};

    memset(sim, 0, sizeof *sim);
    assert(crypto_setup() == 0);
    environment_clear();
    clock_virtual_init(&sim->clock, SIM_WALL_MS);
    fibers_init(&sim->fibers);
    http_sim_init(&sim->http, &sim->clock.clock, handler, sim);
    options.http = &sim->http.http;
    options.clock = &sim->clock.clock;
    options.fibers = &sim->fibers;
    options.gate_data = sim;
    assert(aws_new(&options, &sim->aws, NULL) == 0);
}

void sim_end(struct aws_sim *sim)
{
    assert(sim->fibers.living == 0);
    assert(!sim->clock.clock.timers);
    aws_free(sim->aws);
    fibers_close(&sim->fibers);
    for (size_t i = 0; i < sim->count; i++) {
        free(sim->requests[i].method);
        free(sim->requests[i].url);
        free(sim->requests[i].body);
        free(sim->requests[i].ca_pem);
        strv_done(&sim->requests[i].headers);
    }
    for (size_t i = 0; i < file_count; i++) {
        unlink(files[i]);
        free(files[i]);
    }
    file_count = 0;
    if (*directory)
        rmdir(directory);
    *directory = '\0';
}

void sim_script(struct aws_sim *sim, const struct sim_answer *answers, size_t count)
{
    sim->answers = answers;
    sim->answer_count = count;
}

void sim_settle(struct aws_sim *sim)
{
    fibers_run(&sim->fibers);
    clock_virtual_advance(&sim->clock, 0);
    fibers_run(&sim->fibers);
}

void sim_run(struct aws_sim *sim, fiber_fn fn, void *arg)
{
    assert(fiber_spawn(&sim->fibers, "test", fn, arg, NULL) == 0);
    while (sim->fibers.living > 0) {
        fibers_run(&sim->fibers);
        if (sim->fibers.living > 0)
            assert(clock_virtual_step(&sim->clock)); /* else the fiber waits for ever */
    }
}

void sim_call_run(void *arg)
{
    struct sim_call *call = arg;

    call->result = aws_call_pages(call->sim->aws, call->operation, call->params, call->token, &call->answer,
                                  &call->err);
}

void sim_call(struct aws_sim *sim, struct sim_call *call, enum aws_op op, const char *params)
{
    *call = (struct sim_call){.sim = sim, .operation = &aws_operations[op]};
    if (params)
        assert(js_parse_text(params, &call->params, NULL) == 0);
    sim_run(sim, sim_call_run, call);
}

void sim_call_done(struct sim_call *call)
{
    json_object_put(call->params);
    json_object_put(call->answer);
    err_done(&call->err);
}

const char *sim_header(const struct aws_sim *sim, size_t index, const char *name)
{
    const struct strv *headers = &sim->requests[index].headers;
    size_t size = strlen(name);

    for (size_t i = 0; i < headers->count; i++) {
        if (strncasecmp(headers->items[i], name, size) == 0 && headers->items[i][size] == ':')
            return headers->items[i] + size + 2;
    }
    return NULL;
}

const char *sim_file(const char *name, const char *text)
{
    FILE *file;
    char *path;

    if (!*directory) {
        snprintf(directory, sizeof directory, "/tmp/mlopsd-aws-XXXXXX");
        assert(mkdtemp(directory));
    }
    path = str_format("%s/%s", directory, name);
    file = fopen(path, "w");
    assert(path && file && fputs(text, file) >= 0);
    fclose(file);
    for (size_t i = 0; i < file_count; i++) {
        if (strcmp(files[i], path) == 0) {
            free(path);
            return files[i];
        }
    }
    assert(file_count < FILES_MAX);
    files[file_count++] = path;
    return path;
}
