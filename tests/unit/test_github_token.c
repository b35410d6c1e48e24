/*
 * test_github_token.c: an App proves itself, gets a token, and renews it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "common/encode.h"
#include "common/js.h"
#include "tests/unit/github_sim.h"

static struct github_sim sim;
static struct sim_call calls[8];

#define TOKEN_URL  "https://api.github.com/app/installations/42/access_tokens"
/* Stateless tokens have hundreds of bytes; nothing may assume a length. */
#define LONG_PART  "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJnaXRodWIiLCJzdWIiOiJpbnN0YWxsYXRpb24ifQ.c2lnbmF0dXJl-_"
#define LONG_TOKEN "ghs_123456_" LONG_PART LONG_PART LONG_PART LONG_PART LONG_PART LONG_PART

static void open_app(const char *installation)
{
    struct secret *pem CLEANUP_SECRET = secret_new_text(sim_private_key(false));
    struct github_options options = {
        .app_id = "Iv1.client",
        .app_installation_id = installation,
        .app_private_key = pem,
        .app_repository = "john-doe/mlops-project",
    };

    memset(&sim, 0, sizeof(sim));
    sim_open(&sim, &options);
}

static int setup(void **state)
{
    (void)state;
    open_app("42");
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

/* A token that ends @minutes from now on the server's clock. */
static void say_token(const char *token, int minutes)
{
    char text[32];
    char *body CLEANUP_FREE = NULL;

    clock_format_rfc3339(sim_server_ms(&sim) + minutes * 60000ll, text, sizeof(text));
    body = str_format("{\"permissions\": {\"token\": \"write\"}, \"token\": \"%s\", \"expires_at\": \"%s\"}",
                      token, text);
    sim_say(&sim, 201, NULL, body);
}

static struct sim_call *read_once(void)
{
    sim_call_done(&calls[0]);
    sim_do(&sim, &calls[0], GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    return &calls[0];
}

/* ---- the JWT ---- */

static unsigned char *decode_url(const char *text, size_t size, size_t *ret_size)
{
    struct buf standard CLEANUP_BUF = BUF_INIT(65536);
    unsigned char *data = NULL;

    for (size_t i = 0; i < size; i++)
        buf_add_char(&standard, text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
    while (standard.size % 4)
        buf_add_char(&standard, '=');
    assert_int_equal(decode_base64(buf_text(&standard), &data, ret_size), 0);
    return data;
}

static struct json_object *decode_json(const char *text, size_t size)
{
    unsigned char *data CLEANUP_FREE = NULL;
    struct json_object *object = NULL;
    size_t got;

    data = decode_url(text, size, &got);
    assert_int_equal(js_parse((char *)data, got, &object, NULL), 0);
    return object;
}

/* Verify header and signature with the public key; return the claims. */
static struct json_object *verify_jwt(const char *jwt)
{
    struct json_object *header CLEANUP_JS = NULL;
    const char *dot = strchr(jwt, '.');
    const char *second = strchr(dot + 1, '.');
    BIO *bio = BIO_new_mem_buf(sim_public_key(), -1);
    EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char *signature CLEANUP_FREE = NULL;
    size_t size;

    assert_null(strchr(jwt, '='));
    header = decode_json(jwt, (size_t)(dot - jwt));
    assert_string_equal(js_text(header, "alg"), "RS256");
    assert_string_equal(js_text(header, "typ"), "JWT");
    signature = decode_url(second + 1, strlen(second + 1), &size);
    EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key);
    assert_int_equal(
        EVP_DigestVerify(context, signature, size, (const unsigned char *)jwt, (size_t)(second - jwt)), 1);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    BIO_free(bio);
    return decode_json(dot + 1, (size_t)(second - dot - 1));
}

static void expect_claims(const char *authorization, int64_t now_ms)
{
    struct json_object *claims CLEANUP_JS = NULL;

    assert_true(str_starts(authorization, "Bearer "));
    claims = verify_jwt(authorization + 7);
    assert_string_equal(js_text(claims, "iss"), "Iv1.client");
    assert_int_equal(js_int(claims, "iat", 0), now_ms / 1000 - 60);
    assert_int_equal(js_int(claims, "exp", 0), now_ms / 1000 + 540);
}

static void both_forms_of_pem_sign(void **state)
{
    (void)state;
    for (int pkcs1 = 0; pkcs1 < 2; pkcs1++) {
        struct secret *pem CLEANUP_SECRET = secret_new_text(sim_private_key(pkcs1));
        struct secret *jwt CLEANUP_SECRET = NULL;
        struct json_object *claims CLEANUP_JS = NULL;

        assert_non_null(strstr(secret_text(pem), pkcs1 ? "BEGIN RSA PRIVATE KEY" : "BEGIN PRIVATE KEY"));
        assert_int_equal(app_jwt(pem, "12345", SIM_WALL_MS, &jwt, NULL), 0);
        claims = verify_jwt(secret_text(jwt));
        assert_string_equal(js_text(claims, "iss"), "12345");
    }
}

static void refuse_key(const char *text)
{
    struct secret *pem CLEANUP_SECRET = secret_new_text(text);
    struct err err CLEANUP_ERR = {0};

    assert_int_equal(app_key_check(pem, &err), -EINVAL);
    assert_int_equal(err.class, ERR_INVALID);
}

/* As PEM, with a password when @cipher is given. */
static void refuse_written_key(EVP_PKEY *key, const EVP_CIPHER *cipher)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char text[4096];
    int size;

    PEM_write_bio_PrivateKey(bio, key, cipher, (const unsigned char *)"pw", 2, NULL, NULL);
    size = BIO_read(bio, text, sizeof(text) - 1);
    text[size] = '\0';
    BIO_free(bio);
    refuse_key(text);
}

static void other_keys_are_refused(void **state)
{
    EVP_PKEY *keys[3] = {EVP_RSA_gen(1024), EVP_EC_gen("P-256"), EVP_RSA_gen(2048)};

    (void)state;
    refuse_key("");
    refuse_key("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    refuse_key(sim_public_key());
    refuse_written_key(keys[0], NULL);
    refuse_written_key(keys[1], NULL);
    refuse_written_key(keys[2], EVP_aes_128_cbc()); /* nobody may ask for the password on the terminal */
    for (int i = 0; i < 3; i++)
        EVP_PKEY_free(keys[i]);
}

/* ---- the token ---- */

static void app_fetches_a_narrow_token_and_uses_it(void **state)
{
    struct json_object *body CLEANUP_JS = NULL;

    (void)state;
    say_token(LONG_TOKEN, 60);
    sim_say(&sim, 200, NULL, "{}");
    sim_say(&sim, 200, NULL, "{}");
    assert_int_equal(read_once()->r, 0);
    assert_int_equal(read_once()->r, 0);
    assert_int_equal(sim.logged, 3);
    assert_string_equal(sim.log[0].method, "POST");
    assert_string_equal(sim.log[0].url, TOKEN_URL);
    expect_claims(sim.log[0].authorization, SIM_WALL_MS);
    assert_int_equal(js_parse_text(sim.log[0].body, &body, NULL), 0);
    assert_int_equal(js_count(body, "repositories"), 1);
    assert_string_equal(js_text(body, "repositories.0"), "mlops-project");
    assert_string_equal(js_text(body, "permissions.secrets"), "write");
    assert_string_equal(js_text(body, "permissions.metadata"), "read");
    assert_string_equal(js_text(body, "permissions.actions"), "read");
    assert_int_equal(json_object_object_length(js_get(body, "permissions")), 3);
    assert_string_equal(sim.log[1].authorization, "Bearer " LONG_TOKEN);
    assert_string_equal(sim.log[2].authorization, "Bearer " LONG_TOKEN);
    assert_int_equal(github_token_expires_ms(sim.github), 0);
    assert_int_equal(sim.gate_asked, 0); /* a plan may have a token too */
}

static void one_fetch_serves_all_who_wait(void **state)
{
    (void)state;
    say_token("ghs_a", 60);
    sim.script[0].delay_ms = 500;
    for (int i = 0; i < 5; i++) {
        sim_say(&sim, 200, NULL, "{}");
        sim_start(&sim, &calls[i], GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    }
    sim_run(&sim);
    assert_int_equal(sim.logged, 6);
    for (int i = 0; i < 5; i++)
        assert_int_equal(calls[i].r, 0);
}

static void token_is_renewed_five_minutes_before_its_end(void **state)
{
    (void)state;
    say_token("ghs_a", 60);
    sim_say(&sim, 200, "etag: \"1\"", "{}");
    read_once();
    clock_virtual_advance(&sim.clock, 54 * 60000);
    sim_say(&sim, 304, NULL, NULL);
    assert_int_equal(read_once()->r, 0);
    assert_string_equal(sim.log[2].authorization, "Bearer ghs_a");
    clock_virtual_advance(&sim.clock, 60000);
    say_token("ghs_b", 60);
    sim_say(&sim, 200, NULL, "{}");
    assert_int_equal(read_once()->r, 0);
    assert_string_equal(sim.log[4].authorization, "Bearer ghs_b");
    assert_null(sim.log[4].if_none_match); /* what the old token saw is forgotten */
}

static void end_of_the_token_is_read_on_githubs_clock(void **state)
{
    (void)state;
    sim.server_ahead_ms = 3600000 * 3;
    say_token("ghs_a", 60); /* on our clock: four hours from now; GitHub ends it in one */
    sim_say(&sim, 200, NULL, "{}");
    read_once();
    clock_virtual_advance(&sim.clock, 56 * 60000);
    say_token("ghs_b", 60);
    sim_say(&sim, 200, NULL, "{}");
    assert_int_equal(read_once()->r, 0);
    assert_string_equal(sim.log[3].authorization, "Bearer ghs_b");
}

static void refused_token_is_renewed_once(void **state)
{
    (void)state;
    say_token("ghs_a", 60);
    sim_say(&sim, 401, NULL, "{\"message\": \"Bad credentials\"}");
    say_token("ghs_b", 60);
    sim_say(&sim, 200, NULL, "{}");
    assert_int_equal(read_once()->r, 0);
    assert_string_equal(sim.log[3].authorization, "Bearer ghs_b");
}

static void refused_renewed_token_stops_the_client(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        say_token("ghs_a", 60);
        sim_say(&sim, 401, NULL, "{\"message\": \"Bad credentials\"}");
    }
    assert_int_equal(read_once()->err.class, ERR_CREDENTIALS);
    assert_int_equal(read_once()->err.class, ERR_CREDENTIALS);
    assert_int_equal(calls[0].err.retry_after_ms, 300000);
    assert_int_equal(sim.logged, 4);
    clock_virtual_advance(&sim.clock, 300000);
    say_token("ghs_c", 60); /* the probe begins with a new token */
    sim_say(&sim, 200, NULL, "{}");
    assert_int_equal(read_once()->r, 0);
}

static void refused_jwt_is_signed_again_with_githubs_time(void **state)
{
    (void)state;
    sim.server_ahead_ms = -900000; /* ours is 15 minutes ahead: "iat" lies in GitHub's future */
    sim_say(&sim, 401, NULL, "{\"message\": \"'Issued at' claim ('iat') must be an Integer ...\"}");
    say_token("ghs_a", 60);
    sim_say(&sim, 200, NULL, "{}");
    assert_int_equal(read_once()->r, 0);
    expect_claims(sim.log[0].authorization, SIM_WALL_MS);
    expect_claims(sim.log[1].authorization, SIM_WALL_MS - 900000);
    assert_string_equal(sim.log[2].authorization, "Bearer ghs_a");
}

static void jwt_refused_twice_stops_the_client(void **state)
{
    (void)state;
    sim_say(&sim, 401, NULL, "{\"message\": \"A JSON web token could not be decoded\"}");
    sim_say(&sim, 401, NULL, "{\"message\": \"A JSON web token could not be decoded\"}");
    assert_int_equal(read_once()->err.class, ERR_CREDENTIALS);
    assert_int_equal(read_once()->err.class, ERR_CREDENTIALS);
    assert_int_equal(sim.logged, 2);
}

static void installation_is_asked_for_once(void **state)
{
    (void)state;
    sim_close(&sim);
    open_app(NULL);
    sim_say(&sim, 200, NULL, "{\"id\": 42}");
    say_token("ghs_a", 60);
    sim_say(&sim, 200, NULL, "{}");
    assert_int_equal(read_once()->r, 0);
    assert_string_equal(sim.log[0].url, SIM_URL "/installation");
    expect_claims(sim.log[0].authorization, SIM_WALL_MS);
    assert_string_equal(sim.log[1].url, TOKEN_URL);
    clock_virtual_advance(&sim.clock, 3600000);
    say_token("ghs_b", 60);
    sim_say(&sim, 200, NULL, "{}");
    assert_int_equal(read_once()->r, 0);
    assert_int_equal(sim.logged, 5);
}

static void installation_made_anew_is_found(void **state)
{
    (void)state;
    sim_close(&sim);
    open_app(NULL);
    sim_say(&sim, 200, NULL, "{\"id\": 41}");
    sim_say(&sim, 404, NULL, "{\"message\": \"Not Found\"}");
    sim_say(&sim, 200, NULL, "{\"id\": 42}");
    say_token("ghs_a", 60);
    sim_say(&sim, 200, NULL, "{}");
    assert_int_equal(read_once()->r, 0);
    assert_string_equal(sim.log[3].url, TOKEN_URL);
}

static void missing_installation_is_not_an_absent_secret(void **state)
{
    (void)state;
    sim_say(&sim, 404, NULL, "{\"message\": \"Not Found\"}");
    assert_int_equal(read_once()->r, -EACCES);
    assert_int_equal(calls[0].err.class, ERR_CREDENTIALS);
    sim_close(&sim);
    open_app(NULL);
    sim_say(&sim, 404, NULL, "{\"message\": \"Not Found\"}");
    assert_int_equal(read_once()->r, -EACCES);
    assert_int_equal(calls[0].err.class, ERR_CREDENTIALS);
}

static void permission_not_granted_is_left_out(void **state)
{
    (void)state;
    sim_say(&sim, 422, NULL,
            "{\"message\": \"The permissions requested are not granted to this installation.\"}");
    say_token("ghs_a", 60);
    sim_say(&sim, 200, NULL, "{}");
    assert_int_equal(read_once()->r, 0);
    assert_non_null(strstr(sim.log[0].body, "actions"));
    assert_null(strstr(sim.log[1].body, "actions"));
    assert_non_null(strstr(sim.log[1].body, "\"secrets\":\"write\""));
    token_drop(sim.github);
    sim_say(&sim, 422, NULL, "{\"message\": \"still not\"}");
    assert_int_equal(read_once()->err.class, ERR_INVALID);
}

static void odd_token_answers_are_faults(void **state)
{
    static const char *const bodies[] = {
        "{}",
        "[]",
        "{\"token\": 7}",
        "{\"token\": \"\", \"expires_at\": \"2026-11-22T18:30:00Z\"}",
        "{\"token\": \"a\\nb\", \"expires_at\": \"2026-11-22T18:30:00Z\"}",
        "{\"token\": \"a b\", \"expires_at\": \"2026-11-22T18:30:00Z\"}",
        "{\"token\": \"ghs_a\"}",
        "{\"token\": \"ghs_a\", \"expires_at\": \"soon\"}",
        "{\"token\": \"ghs_a\", \"expires_at\": \"2026-11-22T18:30:00Z\"",
        "{\"token\": \"ghs_a",
        "{\"x\": {\"token\": \"ghs_a\"}, \"expires_at\": \"2026-11-22T18:30:00Z\"}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        sim_say(&sim, 201, NULL, bodies[i]);
        assert_int_equal(read_once()->err.class, ERR_RETRY);
        assert_null(strstr(err_text(&calls[0].err), "ghs_a"));
    }
    assert_int_equal(sim.logged, ARRAY_SIZE(bodies));
}

static void token_is_cut_out_of_the_text(void **state)
{
    char body[] =
        "{\"a\": \"\\\"token\\\": \\\"no\\\"\", \"b\": [{\"token\": \"no\"}], \"token\" : \"ghs_x.y-z\" }";
    struct secret *token CLEANUP_SECRET = NULL;

    (void)state;
    assert_int_equal(token_cut(body, strlen(body), &token), 0);
    assert_string_equal(secret_text(token), "ghs_x.y-z");
    assert_null(strstr(body, "ghs_"));
    assert_non_null(strstr(body, "\"token\" : \"xxxxxxxxx\" }"));
}

static void app_needs_its_id_and_a_place(void **state)
{
    struct secret *pem CLEANUP_SECRET = secret_new_text(sim_private_key(false));
    struct github_options options = {
        .http = &sim.http.http, .clock = &sim.clock.clock, .fibers = &sim.fibers, .app_private_key = pem};
    struct github *github = NULL;

    (void)state;
    options.app_repository = "o/r";
    assert_int_equal(github_new(&options, &github, NULL), -EINVAL);
    options.app_id = "1";
    options.app_repository = NULL;
    assert_int_equal(github_new(&options, &github, NULL), -EINVAL);
    options.app_installation_id = "7";
    options.token = pem;
    assert_int_equal(github_new(&options, &github, NULL), -EINVAL);
    options.token = NULL;
    assert_int_equal(github_new(&options, &github, NULL), 0);
    github_free(github);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(both_forms_of_pem_sign),
        CASE(other_keys_are_refused),
        CASE(app_fetches_a_narrow_token_and_uses_it),
        CASE(one_fetch_serves_all_who_wait),
        CASE(token_is_renewed_five_minutes_before_its_end),
        CASE(end_of_the_token_is_read_on_githubs_clock),
        CASE(refused_token_is_renewed_once),
        CASE(refused_renewed_token_stops_the_client),
        CASE(refused_jwt_is_signed_again_with_githubs_time),
        CASE(jwt_refused_twice_stops_the_client),
        CASE(installation_is_asked_for_once),
        CASE(installation_made_anew_is_found),
        CASE(missing_installation_is_not_an_absent_secret),
        CASE(permission_not_granted_is_left_out),
        CASE(odd_token_answers_are_faults),
        CASE(token_is_cut_out_of_the_text),
        CASE(app_needs_its_id_and_a_place),
    };

    if (crypto_setup() < 0)
        return 1;
    return cmocka_run_group_tests_name("github_token", tests, NULL, NULL);
}
