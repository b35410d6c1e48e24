/*
 * test_github_secret.c: a secret is sealed so that only GitHub can open it, and put.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/encode.h"
#include "common/js.h"
#include "tests/unit/github_sim.h"

static struct github_sim sim;
static struct sim_call calls[12];
static unsigned char public_key[2][crypto_box_PUBLICKEYBYTES], private_key[2][crypto_box_SECRETKEYBYTES];
static char *key_body[2];

#define KEY_URL    SIM_URL "/actions/secrets/public-key"
#define SECRET_URL SIM_URL "/actions/secrets/DB_PASSWORD"

static int setup_keys(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        char *text CLEANUP_FREE = NULL;

        crypto_box_keypair(public_key[i], private_key[i]);
        text = encode_base64(public_key[i], sizeof(public_key[i]));
        key_body[i] = str_format("{\"key_id\": \"key %d\", \"key\": \"%s\"}", i, text);
    }
    return 0;
}

static int teardown_keys(void **state)
{
    (void)state;
    free(key_body[0]);
    free(key_body[1]);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    memset(&sim, 0, sizeof(sim));
    sim_open(&sim, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        sim_call_done(&calls[i]);
    memset(calls, 0, sizeof(calls));
    sim_close(&sim);
    return 0;
}

static struct sim_call *put(const char *name, const char *value)
{
    sim_call_done(&calls[0]);
    sim_start_put(&sim, &calls[0], name, value);
    sim_run(&sim);
    return &calls[0];
}

/* Open the box of a logged PUT as GitHub would. */
static void expect_box(const struct sim_request *request, int key, const char *value)
{
    struct json_object *body CLEANUP_JS = NULL;
    unsigned char *box CLEANUP_FREE = NULL;
    char *key_id CLEANUP_FREE = str_format("key %d", key);
    unsigned char *plain;
    size_t size;

    assert_string_equal(request->method, "PUT");
    assert_int_equal(js_parse_text(request->body, &body, NULL), 0);
    assert_int_equal(json_object_object_length(body), 2);
    assert_string_equal(js_text(body, "key_id"), key_id);
    assert_int_equal(decode_base64(js_text(body, "encrypted_value"), &box, &size), 0);
    assert_int_equal(size, strlen(value) + crypto_box_SEALBYTES);
    plain = malloc(size);
    assert_int_equal(crypto_box_seal_open(plain, box, size, public_key[key], private_key[key]), 0);
    assert_memory_equal(plain, value, strlen(value));
    free(plain);
}

static void secret_is_sealed_to_the_repositorys_key(void **state)
{
    (void)state;
    sim_say(&sim, 200, NULL, key_body[0]);
    sim_say(&sim, 201, NULL, "{}");
    assert_int_equal(put("DB_PASSWORD", "s3cr\xc3\xa4t\n")->r, 0);
    assert_int_equal(calls[0].answer.status, 201);
    assert_int_equal(calls[0].answer.server_wall_ms, SIM_WALL_MS);
    assert_string_equal(sim.log[0].url, KEY_URL);
    assert_string_equal(sim.log[1].url, SECRET_URL);
    expect_box(&sim.log[1], 0, "s3cr\xc3\xa4t\n");
}

static void empty_and_binary_values_are_sealed_as_they_are(void **state)
{
    (void)state;
    sim_say(&sim, 200, NULL, key_body[0]);
    sim_say(&sim, 204, NULL, NULL);
    assert_int_equal(put("EMPTY", "")->r, 0);
    assert_int_equal(calls[0].answer.status, 204);
    expect_box(&sim.log[1], 0, "");
}

static void same_value_never_looks_the_same(void **state)
{
    (void)state;
    sim_say(&sim, 200, NULL, key_body[0]);
    sim_say(&sim, 204, NULL, NULL);
    sim_say(&sim, 204, NULL, NULL);
    put("A", "value");
    put("A", "value");
    assert_string_not_equal(sim.log[1].body, sim.log[2].body);
}

static void eleven_secrets_read_one_key_and_keep_their_distance(void **state)
{
    char names[11][32];

    (void)state;
    sim_say(&sim, 200, NULL, key_body[0]);
    for (int i = 0; i < 11; i++) {
        snprintf(names[i], sizeof(names[i]), "NAME_%d", i);
        sim_say(&sim, 201, NULL, "{}");
        sim_start_put(&sim, &calls[i], names[i], names[i]);
    }
    sim_run(&sim);
    assert_int_equal(sim.logged, 12);
    for (int i = 0; i < 11; i++) {
        assert_int_equal(calls[i].r, 0);
        expect_box(&sim.log[i + 1], 0, names[i]);
        if (i > 0)
            assert_int_equal(sim.log[i + 1].at_ms - sim.log[i].at_ms, 1000);
    }
}

static void key_is_kept_for_five_minutes(void **state)
{
    (void)state;
    sim_say(&sim, 200, NULL, key_body[0]);
    sim_say(&sim, 204, NULL, NULL);
    put("A", "v");
    clock_virtual_advance(&sim.clock, 299000);
    sim_say(&sim, 204, NULL, NULL);
    put("A", "v");
    assert_int_equal(sim.logged, 3);
    clock_virtual_advance(&sim.clock, 1000);
    sim_say(&sim, 200, NULL, key_body[1]);
    sim_say(&sim, 204, NULL, NULL);
    put("A", "v");
    expect_box(&sim.log[4], 1, "v");
}

static void each_repository_has_its_own_key(void **state)
{
    (void)state;
    sim_say(&sim, 200, NULL, key_body[0]);
    sim_say(&sim, 204, NULL, NULL);
    put("A", "v");
    sim_say(&sim, 200, NULL, key_body[1]);
    sim_say(&sim, 204, NULL, NULL);
    sim_start_put(&sim, &calls[1], "A", "v");
    calls[1].repository = "john-doe/other";
    sim_run(&sim);
    expect_box(&sim.log[3], 1, "v");
    sim_say(&sim, 204, NULL, NULL);
    put("A", "v");
    expect_box(&sim.log[4], 0, "v");
}

static void many_repositories_push_out_the_oldest_key(void **state)
{
    char repository[32];

    (void)state;
    for (int i = 0; i <= PUBLIC_KEYS_MAX; i++) {
        sim_say(&sim, 200, NULL, key_body[0]);
        sim_say(&sim, 204, NULL, NULL);
        snprintf(repository, sizeof(repository), "o/r%d", i);
        sim_start_put(&sim, &calls[1], "A", "v");
        calls[1].repository = repository;
        sim_run(&sim);
        sim_call_done(&calls[1]);
    }
    memset(&calls[1], 0, sizeof(calls[1]));
    for (int i = 0; i < PUBLIC_KEYS_MAX; i++)
        assert_string_not_equal(sim.github->keys[i].repository, "o/r0");
}

#define BAD_KEY                                                                                              \
    "{\"message\": \"Unprocessable\", \"errors\": [{\"field\": \"key_id\", \"code\": \"invalid\"}]}"

static void rotated_key_is_read_again_once(void **state)
{
    (void)state;
    sim_say(&sim, 200, NULL, key_body[0]);
    sim_say(&sim, 422, NULL, BAD_KEY);
    sim_say(&sim, 200, NULL, key_body[1]);
    sim_say(&sim, 204, NULL, NULL);
    assert_int_equal(put("A", "v")->r, 0);
    expect_box(&sim.log[3], 1, "v");
    assert_int_equal(sim.log[3].at_ms - sim.log[1].at_ms, 1000);
}

static void second_refusal_of_the_key_is_the_answer(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        sim_say(&sim, 200, NULL, key_body[i]);
        sim_say(&sim, 422, NULL, BAD_KEY);
    }
    assert_int_equal(put("A", "v")->err.class, ERR_INVALID);
    assert_string_equal(calls[0].err.wire_code, "invalid");
    assert_int_equal(sim.logged, 4);
}

static void hidden_repository_is_not_an_absent_secret(void **state)
{
    (void)state;
    sim_say(&sim, 404, NULL, "{\"message\": \"Not Found\"}");
    assert_int_equal(put("A", "v")->err.class, ERR_DENIED);
    assert_int_equal(calls[0].r, -EPERM);
    sim_say(&sim, 200, NULL, key_body[0]);
    sim_say(&sim, 404, NULL, "{\"message\": \"Not Found\"}");
    assert_int_equal(put("A", "v")->err.class, ERR_DENIED);
}

static void odd_keys_are_not_used(void **state)
{
    static const char *const bodies[] = {
        "{\"key_id\": \"1\"}",
        "{\"key_id\": \"1\", \"key\": \"AAAA\"}",
        "{\"key_id\": \"1\", \"key\": \"!!!!\"}",
        "{\"key\": \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}",
        /* no point on the curve */
        "{\"key_id\": \"1\", \"key\": \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        sim_say(&sim, 200, NULL, bodies[i]);
        assert_int_equal(put("A", "v")->err.class, ERR_BUG);
    }
    assert_int_equal(sim.logged, ARRAY_SIZE(bodies));
}

static void bad_names_and_sizes_send_nothing(void **state)
{
    static const char *const names[] = {"1A", "A-B", "", "A B", "GITHUB_X", "github_x", "\xc3\x84", "A/B"};
    char *big = malloc((48 << 10) + 2);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        assert_int_equal(put(names[i], "v")->err.class, ERR_INVALID);
    memset(big, 'x', (48 << 10) + 1);
    big[(48 << 10) + 1] = '\0';
    assert_int_equal(put("A", big)->err.class, ERR_INVALID);
    assert_int_equal(sim.logged, 0);
    big[48 << 10] = '\0';
    sim_say(&sim, 200, NULL, key_body[0]);
    sim_say(&sim, 201, NULL, "{}");
    assert_int_equal(put("GH_PAT", big)->r, 0);
    expect_box(&sim.log[1], 0, big);
    free(big);
}

static void closed_gate_reads_not_even_the_key(void **state)
{
    (void)state;
    sim.gate_closed = true;
    assert_int_equal(put("A", "v")->r, -EPERM);
    assert_int_equal(sim.logged, 0);
}

static void value_is_in_no_error_and_no_header(void **state)
{
    (void)state;
    sim_say(&sim, 200, NULL, key_body[0]);
    sim_say(&sim, 422, NULL, BAD_KEY);
    sim_say(&sim, 200, NULL, key_body[0]);
    sim_say(&sim, 500, NULL, NULL);
    put("A", "TOPSECRET");
    assert_int_equal(calls[0].err.class, ERR_RETRY);
    for (size_t i = 0; i < sim.logged; i++) {
        assert_null(strstr(sim.log[i].headers, "TOPSECRET"));
        assert_true(!sim.log[i].body || !strstr(sim.log[i].body, "TOPSECRET"));
    }
    assert_null(strstr(err_text(&calls[0].err), "TOPSECRET"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(secret_is_sealed_to_the_repositorys_key),
        CASE(empty_and_binary_values_are_sealed_as_they_are),
        CASE(same_value_never_looks_the_same),
        CASE(eleven_secrets_read_one_key_and_keep_their_distance),
        CASE(key_is_kept_for_five_minutes),
        CASE(each_repository_has_its_own_key),
        CASE(many_repositories_push_out_the_oldest_key),
        CASE(rotated_key_is_read_again_once),
        CASE(second_refusal_of_the_key_is_the_answer),
        CASE(hidden_repository_is_not_an_absent_secret),
        CASE(odd_keys_are_not_used),
        CASE(bad_names_and_sizes_send_nothing),
        CASE(closed_gate_reads_not_even_the_key),
        CASE(value_is_in_no_error_and_no_header),
    };

    if (crypto_setup() < 0)
        return 1;
    return cmocka_run_group_tests_name("github_secret", tests, setup_keys, teardown_keys);
}
