/*
 * github_sim.c: see github_sim.h.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "common/js.h"
#include "tests/unit/github_sim.h"

int64_t sim_server_ms(const struct github_sim *sim)
{
    struct clock *clock = (struct clock *)&sim->clock.clock;

    return clock_wall_ms(clock) + sim->server_ahead_ms;
}

uint64_t sim_now(const struct github_sim *sim)
{
    return clock_monotonic_ms((struct clock *)&sim->clock.clock);
}

static void add_headers(struct http_answer *answer, const char *headers)
{
    while (headers && *headers) {
        size_t size = strcspn(headers, "\n");
        char *line CLEANUP_FREE = strndup(headers, size);
        char *colon = strchr(line, ':');

        *colon = '\0';
        http_answer_add_header(answer, line, colon + 1 + strspn(colon + 1, " "));
        headers += size + (headers[size] == '\n');
    }
}

int sim_answer(struct github_sim *sim, struct http_answer *answer, int status, const char *headers,
               const char *body)
{
    time_t now = (time_t)(sim_server_ms(sim) / 1000);
    char date[64];
    struct tm tm;

    answer->status = status;
    add_headers(answer, headers);
    gmtime_r(&now, &tm);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (!sim->no_date)
        http_answer_add_header(answer, "Date", date);
    http_answer_add_header(answer, "X-GitHub-Request-Id", "ABCD:1234");
    if (body && body[0] && !http_answer_header(answer, "content-type"))
        http_answer_add_header(answer, "Content-Type",
                               body[0] == '<' ? "text/html" : "application/json; charset=utf-8");
    return http_answer_set_body(answer, body ? body : "", body ? strlen(body) : 0);
}

static char *header_value(const struct http_request *request, const char *name)
{
    for (size_t i = 0; request->headers && request->headers[i]; i++) {
        if (str_starts(request->headers[i], name))
            return strdup(request->headers[i] + strlen(name));
    }
    return NULL;
}

static void log_request(struct github_sim *sim, const struct http_request *request)
{
    struct sim_request *entry = &sim->log[sim->logged++];
    struct buf headers = BUF_INIT(65536);

    *entry = (struct sim_request){
        .method = strdup(request->method),
        .url = strdup(request->url),
        .body = request->body ? strndup(request->body, request->body_size) : NULL,
        .authorization = header_value(request, "Authorization: "),
        .if_none_match = header_value(request, "If-None-Match: "),
        .at_ms = sim_now(sim),
    };
    for (size_t i = 0; request->headers && request->headers[i]; i++)
        buf_addf(&headers, "%s\n", request->headers[i]);
    entry->headers = buf_take(&headers);
}

static int handle(void *data, const struct http_request *request, struct http_answer *answer,
                  uint64_t *ret_delay_ms)
{
    struct github_sim *sim = data;
    struct sim_line *line;

    if (sim->logged == SIM_LOG)
        return -ECONNREFUSED;
    log_request(sim, request);
    if (sim->serve)
        return sim->serve(sim, &sim->log[sim->logged - 1], answer);
    if (sim->played == sim->scripted)
        return -ECONNREFUSED; /* one request too many: the case sees it by its count */
    line = &sim->script[sim->played++];
    *ret_delay_ms = line->delay_ms;
    return line->status ? sim_answer(sim, answer, line->status, line->headers, line->body) : -ECONNRESET;
}

static int gate(void *data, const struct github_operation *operation, struct err *err)
{
    struct github_sim *sim = data;

    sim->gate_asked++;
    if (sim->gate_closed)
        return err_set(err, -EPERM, ERR_CANCELED, "%s: check mode", operation->name);
    return 0;
}

void sim_open(struct github_sim *sim, const struct github_options *given)
{
    struct github_options options = given ? *given : (struct github_options){0};
    struct secret *token CLEANUP_SECRET = secret_new_text("ghp_test");
    struct err err CLEANUP_ERR = {0};

    clock_virtual_init(&sim->clock, SIM_WALL_MS);
    fibers_init(&sim->fibers);
    http_sim_init(&sim->http, &sim->clock.clock, handle, sim);
    options.http = &sim->http.http;
    options.clock = &sim->clock.clock;
    options.fibers = &sim->fibers;
    options.gate = gate;
    options.gate_data = sim;
    if (!options.token && !options.app_private_key)
        options.token = token;
    if (github_new(&options, &sim->github, &err) < 0)
        fail_msg("github_new: %s", err_text(&err));
}

void sim_close(struct github_sim *sim)
{
    github_free(sim->github);
    assert_null(sim->clock.clock.timers);
    fibers_close(&sim->fibers);
    for (size_t i = 0; i < sim->logged; i++) {
        struct sim_request *entry = &sim->log[i];

        free(entry->method);
        free(entry->url);
        free(entry->body);
        free(entry->authorization);
        free(entry->if_none_match);
        free(entry->headers);
    }
    for (size_t i = 0; i < sim->scripted; i++)
        free(sim->script[i].body);
    assert_int_equal(sim->played, sim->scripted);
}

void sim_say(struct github_sim *sim, int status, const char *headers, const char *body)
{
    assert_true(sim->scripted < SIM_SCRIPT);
    sim->script[sim->scripted++] = (struct sim_line){
        .status = status, .headers = headers, .body = body ? strdup(body) : NULL};
}

static void call_fiber(void *arg)
{
    struct sim_call *call = arg;

    if (call->secret_name)
        call->r = github_put_secret(call->sim->github, call->repository, call->secret_name, call->value,
                                    &call->answer, &call->err);
    else
        call->r = github_call(call->sim->github, call->op, call->params, &call->answer, &call->err);
    call->done = true;
    call->done_at_ms = sim_now(call->sim);
    call->fiber = NULL;
}

void sim_start(struct github_sim *sim, struct sim_call *call, enum github_op op, const char *params)
{
    *call = (struct sim_call){.sim = sim, .op = op, .r = 1};
    assert_int_equal(js_parse_text(params, &call->params, NULL), 0);
    assert_int_equal(fiber_spawn(&sim->fibers, "call", call_fiber, call, &call->fiber), 0);
}

void sim_start_put(struct github_sim *sim, struct sim_call *call, const char *name, const char *value)
{
    *call = (struct sim_call){.sim = sim,
                              .r = 1,
                              .repository = "john-doe/mlops-project",
                              .secret_name = name,
                              .value = secret_new_text(value)};
    assert_int_equal(fiber_spawn(&sim->fibers, "put", call_fiber, call, &call->fiber), 0);
}

void sim_run(struct github_sim *sim)
{
    fibers_run(&sim->fibers);
    while (sim->fibers.living > 0) {
        if (!clock_virtual_step(&sim->clock))
            fail_msg("%zu fibers wait for nothing", sim->fibers.living);
        fibers_run(&sim->fibers);
    }
}

void sim_do(struct github_sim *sim, struct sim_call *call, enum github_op op, const char *params)
{
    sim_start(sim, call, op, params);
    sim_run(sim);
    assert_true(call->done);
}

void sim_call_done(struct sim_call *call)
{
    json_object_put(call->params);
    secret_free(call->value);
    github_answer_done(&call->answer);
    err_done(&call->err);
}

/* ---- a key ---- */

static EVP_PKEY *the_key(void)
{
    static EVP_PKEY *key; /* for the life of the process */

    if (!key)
        key = EVP_RSA_gen(2048);
    return key;
}

static const char *written(char *text, size_t size, BIO *bio)
{
    int length = BIO_read(bio, text, (int)size - 1);

    text[length > 0 ? length : 0] = '\0';
    BIO_free(bio);
    return text;
}

const char *sim_private_key(bool pkcs1)
{
    static char text[2][4096];
    BIO *bio = BIO_new(BIO_s_mem());

    if (pkcs1)
        PEM_write_bio_PrivateKey_traditional(bio, the_key(), NULL, NULL, 0, NULL, NULL);
    else
        PEM_write_bio_PrivateKey(bio, the_key(), NULL, NULL, 0, NULL, NULL);
    return written(text[pkcs1], sizeof(text[pkcs1]), bio);
}

const char *sim_public_key(void)
{
    static char text[2048];
    BIO *bio = BIO_new(BIO_s_mem());

    PEM_write_bio_PUBKEY(bio, the_key());
    return written(text, sizeof(text), bio);
}
