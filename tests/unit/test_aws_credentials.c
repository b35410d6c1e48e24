/*
 * test_aws_credentials.c: where keys come from, in which order, and when they
 * are fetched again. Programs run on a real loop, everything else on the virtual clock.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/fiber_uv.h"
#include "common/js.h"
#include "common/log.h"
#include "tests/unit/aws_sim.h"

static struct aws_sim sim;

static int begin(void **state)
{
    (void)state;
    sim_begin(&sim, NULL);
    unsetenv("AWS_ACCESS_KEY_ID");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    return 0;
}

static int end(void **state)
{
    (void)state;
    sim_end(&sim);
    return 0;
}

/* ---- helpers ---- */

static struct ensure {
    uint64_t stale;
    int result;
    struct err err;
} ensured;

static void ensure_run(void *arg)
{
    struct ensure *ensure = arg;

    err_done(&ensure->err);
    ensure->result = aws_chain_ensure(sim.aws, ensure->stale, &ensure->err);
}

static int ensure(void)
{
    ensured.stale = 0;
    sim_run(&sim, ensure_run, &ensured);
    return ensured.result;
}

static void assert_key(const char *id)
{
    assert_int_equal(ensure(), 0);
    assert_string_equal(sim.aws->chain.current.keys.id, id);
}

static void assert_refused(const char *part)
{
    assert_true(ensure() < 0);
    assert_int_equal(ensured.err.class, ERR_CREDENTIALS);
    if (!strstr(ensured.err.text, part))
        fail_msg("\"%s\" does not say \"%s\"", ensured.err.text, part);
    err_done(&ensured.err);
}

static void use_files(const char *config, const char *credentials)
{
    if (config)
        setenv("AWS_CONFIG_FILE", sim_file("config", config), 1);
    if (credentials)
        setenv("AWS_SHARED_CREDENTIALS_FILE", sim_file("credentials", credentials), 1);
}

#define KEYS(prefix) "aws_access_key_id = " prefix "ID\naws_secret_access_key = " prefix "SECRET\n"
#define ASSUMED(id, expiry)                                                                                  \
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>" id "</AccessKeyId>"                   \
    "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>" expiry "</Expiration>"  \
    "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
#define METADATA(id, expiry)                                                                                 \
    "{\"Code\": \"Success\", \"AccessKeyId\": \"" id "\", \"SecretAccessKey\": \"s\", \"Token\": \"t\", "    \
    "\"Expiration\": \"" expiry "\"}"

/* ---- environment and files ---- */

static void the_environment_comes_first(void **state)
{
    (void)state;
    use_files(NULL, "[default]\n" KEYS("FILE"));
    setenv("AWS_ACCESS_KEY_ID", "ENVID", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "x", 1);
    setenv("AWS_SESSION_TOKEN", "tok", 1);
    assert_key("ENVID");
    assert_string_equal(secret_text(sim.aws->chain.current.keys.token), "tok");
}

static void half_a_pair_is_an_error_not_a_reason_to_look_further(void **state)
{
    (void)state;
    use_files(NULL, "[default]\n" KEYS("FILE") "[half]\naws_access_key_id = X\n");
    setenv("AWS_ACCESS_KEY_ID", "ENVID", 1);
    assert_refused("secret access key is missing");
    unsetenv("AWS_ACCESS_KEY_ID");
    clock_virtual_advance(&sim.clock, 5000);
    assert_key("FILEID");
}

static void keys_of_the_environment_that_expired_are_refused(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "ENVID", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "x", 1);
    setenv("AWS_CREDENTIAL_EXPIRATION", "2026-11-22T16:59:59Z", 1);
    assert_refused("expired");
}

static void keys_with_line_breaks_are_refused(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "ENVID", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "x", 1);
    setenv("AWS_SESSION_TOKEN", "tok\r\nX-Evil: 1", 1);
    assert_refused("characters");
}

static void the_credentials_file_wins_over_the_config_file(void **state)
{
    (void)state;
    use_files("[default]\n" KEYS("CONFIG"), "[default]\n" KEYS("FILE"));
    assert_key("FILEID");
}

static void the_config_file_alone_is_enough(void **state)
{
    (void)state;
    use_files("[profile x]\n" KEYS("CONFIG"), NULL);
    setenv("AWS_PROFILE", "x", 1);
    assert_key("CONFIGID");
}

static void a_profile_named_by_the_platform_shuts_out_the_environment(void **state)
{
    (void)state;
    sim.aws->profile = strdup("x");
    use_files("[profile x]\n" KEYS("CONFIG"), NULL);
    setenv("AWS_ACCESS_KEY_ID", "ENVID", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "x", 1);
    assert_key("CONFIGID");
}

static void files_that_change_are_read_again(void **state)
{
    (void)state;
    use_files(NULL, "[default]\n" KEYS("OLD"));
    assert_key("OLDID");
    use_files(NULL, "[default]\n# longer\n" KEYS("NEW"));
    clock_virtual_advance(&sim.clock, 1500);
    assert_key("NEWID");
    assert_int_equal(sim.aws->chain.generation, 2);
    use_files(NULL, "[default\n"); /* half-written */
    clock_virtual_advance(&sim.clock, 1500);
    assert_key("NEWID");
}

static void nothing_at_all_is_said_plainly(void **state)
{
    (void)state;
    assert_refused("no AWS credentials");
}

static void sign_in_through_sso_is_refused_with_a_way_out(void **state)
{
    (void)state;
    use_files("[default]\nsso_session = s\n", NULL);
    assert_refused("credential_process");
}

/* ---- roles ---- */

static void a_role_is_assumed_with_its_source(void **state)
{
    (void)state;
    use_files("[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\nexternal_id = ext\n"
              "duration_seconds = 1800\n[profile base]\n" KEYS("BASE"),
              NULL);
    SIM_SCRIPT(&sim, {.status = 200, .body = ASSUMED("ROLEID", "2026-11-22T18:00:00Z")});
    assert_key("ROLEID");
    assert_int_equal(sim.count, 1);
    assert_non_null(strstr(sim_header(&sim, 0, "Authorization"), "Credential=BASEID/"));
    assert_non_null(strstr(sim.requests[0].body, "Action=AssumeRole&"));
    assert_non_null(strstr(sim.requests[0].body, "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr"));
    assert_non_null(strstr(sim.requests[0].body, "ExternalId=ext"));
    assert_non_null(strstr(sim.requests[0].body, "DurationSeconds=1800"));
    assert_int_equal(sim.aws->chain.current.expires_ms, SIM_WALL_MS + 3600000);
}

static void a_chain_of_roles_is_followed(void **state)
{
    (void)state;
    use_files("[default]\nrole_arn = r1\nsource_profile = b\n[profile b]\nrole_arn = r2\nsource_profile = c\n"
              "[profile c]\n" KEYS("C"),
              NULL);
    SIM_SCRIPT(&sim, {.status = 200, .body = ASSUMED("SECOND", "2026-11-22T18:00:00Z")},
               {.status = 200, .body = ASSUMED("FIRST", "2026-11-22T18:00:00Z")});
    assert_key("FIRST");
    assert_non_null(strstr(sim.requests[0].body, "RoleArn=r2"));
    assert_non_null(strstr(sim.requests[1].body, "RoleArn=r1"));
    assert_non_null(strstr(sim_header(&sim, 1, "Authorization"), "Credential=SECOND/"));
}

static void a_chain_that_bites_its_tail_is_refused(void **state)
{
    (void)state;
    use_files("[default]\nrole_arn = r1\nsource_profile = b\n[profile b]\nrole_arn = r2\nsource_profile = "
              "default\n",
              NULL);
    assert_refused("leads back to itself");
    assert_int_equal(sim.count, 0);
}

static void a_profile_may_be_its_own_source_with_keys(void **state)
{
    (void)state;
    use_files("[default]\nrole_arn = r1\nsource_profile = default\n" KEYS("OWN"), NULL);
    SIM_SCRIPT(&sim, {.status = 200, .body = ASSUMED("ROLEID", "2026-11-22T18:00:00Z")});
    assert_key("ROLEID");
    assert_non_null(strstr(sim_header(&sim, 0, "Authorization"), "Credential=OWNID/"));
}

static void a_role_that_needs_a_person_is_refused(void **state)
{
    (void)state;
    use_files("[default]\nrole_arn = r1\nsource_profile = b\nmfa_serial = m\n[profile b]\n" KEYS("B"), NULL);
    assert_refused("mfa_serial");
}

static void a_role_needs_exactly_one_source(void **state)
{
    (void)state;
    use_files("[default]\nrole_arn = r1\n", NULL);
    assert_refused("exactly one of");
}

static void a_role_nobody_may_assume_is_a_matter_of_credentials(void **state)
{
    (void)state;
    use_files("[default]\nrole_arn = r1\nsource_profile = b\n[profile b]\n" KEYS("B"), NULL);
    SIM_SCRIPT(&sim, {.status = 403,
                      .body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error>"
                              "</ErrorResponse>"});
    assert_refused("AssumeRole: access denied: no");
}

static void a_web_identity_is_sent_unsigned_and_read_each_time(void **state)
{
    (void)state;
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", sim_file("token", "one.two.three\n"), 1);
    setenv("AWS_ROLE_ARN", "role", 1);
    setenv("AWS_ROLE_SESSION_NAME", "me", 1);
    SIM_SCRIPT(&sim,
               {.status = 200,
                .body = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
                        "<AccessKeyId>WEB</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t"
                        "</SessionToken><Expiration>2026-11-22T17:12:00Z</Expiration></Credentials>"
                        "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"});
    assert_key("WEB");
    assert_null(sim_header(&sim, 0, "Authorization"));
    assert_non_null(strstr(sim.requests[0].body, "WebIdentityToken=one.two.three"));
    assert_non_null(strstr(sim.requests[0].body, "RoleSessionName=me"));
    sim_file("token", "four.five.six");
    clock_virtual_advance(&sim.clock, 5 * 60000);
    assert_key("WEB");
    assert_non_null(strstr(sim.requests[1].body, "WebIdentityToken=four.five.six"));
}

/* ---- the machine ---- */

static void a_container_is_asked_with_its_token(void **state)
{
    (void)state;
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials", 1);
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", sim_file("agent", "agent-token"), 1);
    SIM_SCRIPT(&sim, {.status = 500, .body = ""},
               {.status = 200, .body = METADATA("POD", "2026-11-22T18:00:00Z")});
    assert_key("POD");
    assert_int_equal(sim.count, 2);
    assert_string_equal(sim.requests[0].url, "http://169.254.170.23/v1/credentials");
    assert_string_equal(sim_header(&sim, 0, "Authorization"), "agent-token");
}

static void a_container_address_elsewhere_is_refused(void **state)
{
    (void)state;
    assert_true(aws_container_url_ok("https://anywhere.example/x"));
    assert_true(aws_container_url_ok("http://localhost:8080/x"));
    assert_true(aws_container_url_ok("http://127.1.2.3/x"));
    assert_true(aws_container_url_ok("http://[::1]:80/x"));
    assert_true(aws_container_url_ok("http://[fd00:ec2::23]/v1"));
    assert_false(aws_container_url_ok("http://169.254.170.2.evil.example/"));
    assert_false(aws_container_url_ok("http://127.0.0.1.evil.example/"));
    assert_false(aws_container_url_ok("http://127.0.0.1@evil.example/"));
    assert_false(aws_container_url_ok("http://evil.example\\@127.0.0.1/"));
    assert_false(aws_container_url_ok("http://[::1].evil.example/"));
    assert_false(aws_container_url_ok("http://[::1"));
    assert_false(aws_container_url_ok("http://10.0.0.1/"));
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://10.0.0.1/", 1);
    assert_refused("neither https nor an address of this host");
    assert_int_equal(sim.count, 0);
}

static void an_instance_is_asked_in_three_steps(void **state)
{
    (void)state;
    unsetenv("AWS_EC2_METADATA_DISABLED");
    SIM_SCRIPT(&sim, {.status = 200, .body = "session"}, {.status = 200, .body = "my-role\n"},
               {.status = 200, .body = METADATA("IMDS", "2026-11-22T18:00:00Z")});
    assert_key("IMDS");
    assert_string_equal(sim.requests[0].method, "PUT");
    assert_string_equal(sim.requests[0].url, "http://169.254.169.254/latest/api/token");
    assert_string_equal(sim_header(&sim, 0, "X-aws-ec2-metadata-token-ttl-seconds"), "21600");
    assert_string_equal(sim.requests[2].url,
                        "http://169.254.169.254/latest/meta-data/iam/security-credentials/my-role");
    assert_string_equal(sim_header(&sim, 2, "X-aws-ec2-metadata-token"), "session");
}

static void keys_an_instance_could_not_renew_are_used_a_little_longer(void **state)
{
    (void)state;
    unsetenv("AWS_EC2_METADATA_DISABLED");
    SIM_SCRIPT(&sim, {.status = 200, .body = "session"}, {.status = 200, .body = "my-role"},
               {.status = 200, .body = METADATA("IMDS", "2026-11-22T16:00:00Z")});
    assert_key("IMDS");
    assert_true(sim.aws->chain.current.expires_ms > SIM_WALL_MS + 15 * 60000);
}

static void an_instance_that_answers_failure_is_an_error(void **state)
{
    (void)state;
    unsetenv("AWS_EC2_METADATA_DISABLED");
    SIM_SCRIPT(&sim, {.status = 200, .body = "session"}, {.status = 200, .body = "my-role"},
               {.status = 200, .body = "{\"Code\": \"AssumeRoleUnauthorizedAccess\"}"});
    assert_refused("AssumeRoleUnauthorizedAccess");
}

static void no_instance_is_no_error_of_its_own(void **state)
{
    (void)state;
    unsetenv("AWS_EC2_METADATA_DISABLED");
    SIM_SCRIPT(&sim, {.result = -EHOSTUNREACH});
    assert_refused("no AWS credentials");
}

/* ---- when ---- */

#define ROLE_FILE "[default]\nrole_arn = r\nsource_profile = b\n[profile b]\n" KEYS("B")

static void one_refresh_serves_all_waiters(void **state)
{
    struct ensure many[6] = {{0}};

    (void)state;
    use_files(ROLE_FILE, NULL);
    SIM_SCRIPT(&sim, {.status = 200, .body = ASSUMED("ROLEID", "2026-11-22T18:00:00Z"), .delay_ms = 500});
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(fiber_spawn(&sim.fibers, "w", ensure_run, &many[i], NULL), 0);
    assert_key("ROLEID");
    assert_int_equal(sim.count, 1);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(many[i].result, 0);
}

static void one_failure_serves_all_waiters(void **state)
{
    struct ensure many[6] = {{0}};

    (void)state;
    use_files(ROLE_FILE, NULL);
    SIM_SCRIPT(&sim, {.status = 403,
                      .body = "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>",
                      .delay_ms = 500});
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(fiber_spawn(&sim.fibers, "w", ensure_run, &many[i], NULL), 0);
    assert_refused("AssumeRole");
    assert_int_equal(sim.count, 1);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(many[i].err.class, ERR_CREDENTIALS);
        err_done(&many[i].err);
    }
}

static void a_canceled_refresher_is_followed_by_another(void **state)
{
    struct ensure first = {0};
    struct ensure second = {0};
    struct fiber *leader;

    (void)state;
    use_files(ROLE_FILE, NULL);
    SIM_SCRIPT(&sim, {.status = 200, .body = ASSUMED("ROLEID", "2026-11-22T18:00:00Z"), .delay_ms = 500});
    assert_int_equal(fiber_spawn(&sim.fibers, "1", ensure_run, &first, &leader), 0);
    assert_int_equal(fiber_spawn(&sim.fibers, "2", ensure_run, &second, NULL), 0);
    sim_settle(&sim);
    fiber_cancel(leader);
    assert_key("ROLEID");
    assert_int_equal(first.result, -ECANCELED);
    err_done(&first.err);
    assert_int_equal(second.result, 0);
    assert_int_equal(sim.count, 2);
}

static void keys_are_refreshed_before_they_expire(void **state)
{
    (void)state;
    use_files(ROLE_FILE, NULL);
    SIM_SCRIPT(&sim, {.status = 200, .body = ASSUMED("ONE", "2026-11-22T18:00:00Z")},
               {.status = 200, .body = ASSUMED("TWO", "2026-11-22T19:00:00Z")});
    assert_key("ONE");
    clock_virtual_advance(&sim.clock, 44 * 60000);
    assert_key("ONE");
    assert_int_equal(sim.count, 1);
    clock_virtual_advance(&sim.clock, 2 * 60000);
    assert_key("TWO");
    assert_int_equal(sim.count, 2);
}

static void with_a_quarter_of_an_hour_left_nobody_else_waits(void **state)
{
    struct ensure first = {.result = 1};
    struct ensure other = {.result = 1};

    (void)state;
    use_files(ROLE_FILE, NULL);
    SIM_SCRIPT(&sim, {.status = 200, .body = ASSUMED("ONE", "2026-11-22T18:00:00Z")},
               {.status = 200, .body = ASSUMED("TWO", "2026-11-22T19:00:00Z"), .delay_ms = 900});
    assert_key("ONE");
    clock_virtual_advance(&sim.clock, 46 * 60000);
    assert_int_equal(fiber_spawn(&sim.fibers, "1", ensure_run, &first, NULL), 0);
    assert_int_equal(fiber_spawn(&sim.fibers, "2", ensure_run, &other, NULL), 0);
    sim_settle(&sim);
    assert_int_equal(first.result, 1);
    assert_int_equal(other.result, 0);
    assert_string_equal(sim.aws->chain.current.keys.id, "ONE");
    while (sim.fibers.living) {
        clock_virtual_step(&sim.clock);
        fibers_run(&sim.fibers);
    }
    assert_int_equal(first.result, 0);
}

static void with_ten_minutes_left_everybody_waits(void **state)
{
    struct ensure first = {.result = 1};
    struct ensure other = {.result = 1};

    (void)state;
    use_files(ROLE_FILE, NULL);
    SIM_SCRIPT(&sim, {.status = 200, .body = ASSUMED("ONE", "2026-11-22T18:00:00Z")},
               {.status = 200, .body = ASSUMED("TWO", "2026-11-22T19:00:00Z"), .delay_ms = 900});
    assert_key("ONE");
    clock_virtual_advance(&sim.clock, 51 * 60000);
    assert_int_equal(fiber_spawn(&sim.fibers, "1", ensure_run, &first, NULL), 0);
    assert_int_equal(fiber_spawn(&sim.fibers, "2", ensure_run, &other, NULL), 0);
    sim_settle(&sim);
    assert_int_equal(other.result, 1);
    assert_key("TWO");
    assert_int_equal(other.result, 0);
    assert_int_equal(sim.count, 2);
}

static void old_keys_serve_until_they_really_expire(void **state)
{
    (void)state;
    use_files(ROLE_FILE, NULL);
    SIM_SCRIPT(
        &sim, {.status = 200, .body = ASSUMED("ONE", "2026-11-22T18:00:00Z")},
        {.status = 403, .body = "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"});
    assert_key("ONE");
    clock_virtual_advance(&sim.clock, 55 * 60000);
    assert_key("ONE");
    assert_int_equal(sim.count, 2);
    assert_key("ONE"); /* and nobody asks again at once */
    assert_int_equal(sim.count, 2);
    clock_virtual_advance(&sim.clock, 6 * 60000);
    assert_refused("AssumeRole");
}

/* ---- programs ---- */

static void a_command_line_is_split_like_a_shell_would(void **state)
{
    struct strv words CLEANUP_STRV = {0};
    struct strv none CLEANUP_STRV = {0};

    (void)state;
    assert_int_equal(aws_process_split(" /bin/x 'a b' \"c \\\" $d\" e\\ f '' g\"h\"i ", &words), 0);
    assert_int_equal(words.count, 6);
    assert_string_equal(words.items[1], "a b");
    assert_string_equal(words.items[2], "c \" $d");
    assert_string_equal(words.items[3], "e f");
    assert_string_equal(words.items[4], "");
    assert_string_equal(words.items[5], "ghi");
    assert_int_equal(aws_process_split("x 'open", &none), -EINVAL);
    assert_int_equal(aws_process_split("x \\", &none), -EINVAL);
}

static void the_output_of_a_program_is_checked(void **state)
{
    static const char good[] = "{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"s\"}";
    static const char *const bad[] = {
        "", "[]", "{\"Version\": 2, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"s\"}",
        "{\"Version\": 1, \"AccessKeyId\": \"A\"}",
        "{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"s\", \"Expiration\": \"soon\"}"};
    struct aws_credentials made CLEANUP_CREDENTIALS = {0};

    (void)state;
    assert_int_equal(aws_process_parse(good, strlen(good), &made, NULL), 0);
    assert_int_equal(made.expires_ms, 0);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_true(aws_process_parse(bad[i], strlen(bad[i]), &made, NULL) < 0);
}

/* A real loop for the thread pool, beside the simulated world. */
static void run_on_loop(struct ensure *ensure, unsigned cancel_after_ms)
{
    struct fibers_uv glue;
    struct fiber *fiber;
    uv_loop_t loop;

    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(fibers_uv_init(&glue, &loop, &sim.fibers), 0);
    sim.aws->loop = &loop;
    assert_int_equal(fiber_spawn(&sim.fibers, "p", ensure_run, ensure, &fiber), 0);
    uv_run(&loop, UV_RUN_NOWAIT);
    if (cancel_after_ms) {
        uv_sleep(cancel_after_ms);
        fiber_cancel(fiber);
    }
    uv_run(&loop, UV_RUN_DEFAULT); /* until the thread is done too */
    assert_int_equal(sim.fibers.living, 0);
    fibers_uv_close(&glue);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    sim.aws->loop = NULL;
    sim.fibers.ready = NULL;
}

static void a_program_gives_keys(void **state)
{
    struct ensure ensure = {0};

    (void)state;
    use_files("[default]\ncredential_process = /bin/sh -c \"echo '{\\\"Version\\\": 1, \\\"AccessKeyId\\\": "
              "\\\"PROC\\\", \\\"SecretAccessKey\\\": \\\"s\\\", \\\"Expiration\\\": "
              "\\\"2026-11-22T18:00:00Z\\\"}'\"\n",
              NULL);
    run_on_loop(&ensure, 0);
    assert_int_equal(ensure.result, 0);
    assert_string_equal(sim.aws->chain.current.keys.id, "PROC");
    assert_int_equal(sim.aws->chain.current.expires_ms, SIM_WALL_MS + 3600000);
}

static char log_text[512];

static void log_keep(void *data, enum log_level level, const char *line)
{
    (void)data;
    (void)level;
    snprintf(log_text, sizeof log_text, "%s", line);
}

static void a_program_that_fails_is_told_with_its_complaint(void **state)
{
    struct ensure ensure = {0};

    (void)state;
    log_set_sink(log_keep, NULL);
    use_files("[default]\ncredential_process = /bin/sh -c 'echo sorry >&2; exit 3'\n", NULL);
    run_on_loop(&ensure, 0);
    log_set_sink(NULL, NULL);
    assert_int_equal(ensure.err.class, ERR_CREDENTIALS);
    assert_non_null(strstr(ensure.err.text, "status 3"));
    assert_non_null(strstr(log_text, "sorry"));
    err_done(&ensure.err);
}

static void a_program_that_is_not_there_is_an_error(void **state)
{
    struct ensure ensure = {0};

    (void)state;
    use_files("[default]\ncredential_process = /nonexistent/program\n", NULL);
    run_on_loop(&ensure, 0);
    assert_non_null(strstr(ensure.err.text, "can not be run"));
    err_done(&ensure.err);
}

static void a_program_nobody_waits_for_is_killed(void **state)
{
    struct ensure ensure = {0};
    uint64_t before = uv_hrtime();

    (void)state;
    use_files("[default]\ncredential_process = /bin/sh -c 'sleep 50'\n", NULL);
    run_on_loop(&ensure, 50);
    assert_int_equal(ensure.result, -ECANCELED);
    assert_true(uv_hrtime() - before < 20000000000ull);
    err_done(&ensure.err);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_environment_comes_first),
        CASE(half_a_pair_is_an_error_not_a_reason_to_look_further),
        CASE(keys_of_the_environment_that_expired_are_refused),
        CASE(keys_with_line_breaks_are_refused),
        CASE(the_credentials_file_wins_over_the_config_file),
        CASE(the_config_file_alone_is_enough),
        CASE(a_profile_named_by_the_platform_shuts_out_the_environment),
        CASE(files_that_change_are_read_again),
        CASE(nothing_at_all_is_said_plainly),
        CASE(sign_in_through_sso_is_refused_with_a_way_out),
        CASE(a_role_is_assumed_with_its_source),
        CASE(a_chain_of_roles_is_followed),
        CASE(a_chain_that_bites_its_tail_is_refused),
        CASE(a_profile_may_be_its_own_source_with_keys),
        CASE(a_role_that_needs_a_person_is_refused),
        CASE(a_role_needs_exactly_one_source),
        CASE(a_role_nobody_may_assume_is_a_matter_of_credentials),
        CASE(a_web_identity_is_sent_unsigned_and_read_each_time),
        CASE(a_container_is_asked_with_its_token),
        CASE(a_container_address_elsewhere_is_refused),
        CASE(an_instance_is_asked_in_three_steps),
        CASE(keys_an_instance_could_not_renew_are_used_a_little_longer),
        CASE(an_instance_that_answers_failure_is_an_error),
        CASE(no_instance_is_no_error_of_its_own),
        CASE(one_refresh_serves_all_waiters),
        CASE(one_failure_serves_all_waiters),
        CASE(a_canceled_refresher_is_followed_by_another),
        CASE(keys_are_refreshed_before_they_expire),
        CASE(with_a_quarter_of_an_hour_left_nobody_else_waits),
        CASE(with_ten_minutes_left_everybody_waits),
        CASE(old_keys_serve_until_they_really_expire),
        CASE(a_command_line_is_split_like_a_shell_would),
        CASE(the_output_of_a_program_is_checked),
        CASE(a_program_gives_keys),
        CASE(a_program_that_fails_is_told_with_its_complaint),
        CASE(a_program_that_is_not_there_is_an_error),
        CASE(a_program_nobody_waits_for_is_killed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
