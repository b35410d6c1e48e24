/*
 * github_probe.c: what the GitHub client makes, for other programs to judge.
 *
 *   github_probe requests            every operation once, one JSON line a request
 *   github_probe jwt                 {"jwt", "public_key", "now"}
 *   github_probe seal KEY VALUE      body of a PUT of VALUE, sealed to KEY (base64)
 *
 * Used by check_github_crypto.py and check_github_openapi.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/js.h"
#include "tests/unit/github_sim.h"

#define ANY_KEY "G7r4xbCbGPIVjvIsTzc2TjvyU2kUZH5BXCLeI4dJ3QM="

static struct github_sim sim;
static const char *public_key = ANY_KEY;

static int serve(struct github_sim *s, const struct sim_request *request, struct http_answer *answer)
{
    char *key CLEANUP_FREE = str_format("{\"key_id\": \"568250167242549743\", \"key\": \"%s\"}", public_key);

    if (str_ends(request->url, "/access_tokens"))
        return sim_answer(s, answer, 201, NULL,
                          "{\"token\": \"ghs_x\", \"expires_at\": \"2026-11-22T18:30:00Z\"}");
    if (str_ends(request->url, "/public-key"))
        return sim_answer(s, answer, 200, NULL, key);
    if (strstr(request->url, "?per_page"))
        return sim_answer(s, answer, 200, NULL, "{\"total_count\": 0, \"secrets\": []}");
    if (!str_equal(request->method, "GET"))
        return sim_answer(s, answer, 204, NULL, NULL);
    return sim_answer(s, answer, 200, NULL, "{\"id\": 42}");
}

static int print_request(const struct sim_request *request)
{
    struct json_object *line CLEANUP_JS = json_object_new_object();
    char *text CLEANUP_FREE = NULL;

    js_set_text(line, "method", request->method);
    js_set_text(line, "url", request->url);
    js_set_text(line, "headers", request->headers);
    if (request->body)
        js_set_text(line, "body", request->body);
    text = js_canonical(line);
    return text && puts(text) >= 0 ? 0 : 1;
}

static int print_requests(void)
{
    struct secret *pem CLEANUP_SECRET = secret_new_text(sim_private_key(false));
    struct github_options options = {
        .app_id = "Iv1.probe", .app_private_key = pem, .app_repository = "john-doe/mlops-project"};
    struct sim_call call;
    int r = 0;

    sim_open(&sim, &options);
    sim.serve = serve;
    for (int op = 0; op < GITHUB_OP_MAX; op++) {
        if (op == GITHUB_CREATE_INSTALLATION_TOKEN || op == GITHUB_PUT_SECRET)
            continue;
        sim_do(&sim, &call, op, SIM_SECRET);
        r |= call.r;
        sim_call_done(&call);
    }
    sim_start_put(&sim, &call, "DB_PASSWORD", "value");
    sim_run(&sim);
    r |= call.r;
    sim_call_done(&call);
    for (size_t i = 0; i < sim.logged; i++)
        r |= print_request(&sim.log[i]);
    sim_close(&sim);
    return r ? 1 : 0;
}

static int print_jwt(void)
{
    struct secret *pem CLEANUP_SECRET = secret_new_text(sim_private_key(true));
    struct secret *jwt CLEANUP_SECRET = NULL;
    struct json_object *line CLEANUP_JS = json_object_new_object();
    char *text CLEANUP_FREE = NULL;

    if (app_jwt(pem, "Iv1.probe", SIM_WALL_MS, &jwt, NULL) < 0)
        return 1;
    js_set_text(line, "jwt", secret_text(jwt));
    js_set_text(line, "public_key", sim_public_key());
    js_set_int(line, "now", SIM_WALL_MS / 1000);
    text = js_canonical(line);
    return text && puts(text) >= 0 ? 0 : 1;
}

static int print_sealed(const char *key, const char *value)
{
    struct sim_call call;
    int r = 1;

    public_key = key;
    sim_open(&sim, NULL);
    sim.serve = serve;
    sim_start_put(&sim, &call, "DB_PASSWORD", value);
    sim_run(&sim);
    if (call.r == 0 && sim.logged == 2)
        r = puts(sim.log[1].body) >= 0 ? 0 : 1;
    sim_call_done(&call);
    sim_close(&sim);
    return r;
}

int main(int argc, char **argv)
{
    if (crypto_setup() < 0)
        return 1;
    if (argc == 2 && strcmp(argv[1], "requests") == 0)
        return print_requests();
    if (argc == 2 && strcmp(argv[1], "jwt") == 0)
        return print_jwt();
    if (argc == 4 && strcmp(argv[1], "seal") == 0)
        return print_sealed(argv[2], argv[3]);
    fputs("usage: github_probe requests | jwt | seal KEY VALUE\n", stderr);
    return 64;
}
