/*
 * test_clients.c: credentials from where the file says, and the one gate that every write passes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cloud/kubernetes/kubernetes-internal.h"
#include "common/crypto.h"
#include "common/str.h"
#include "daemon/clients.h"
#include "daemon/daemon.h"

struct home {
    char root[64];
    char path[96];
    struct secret *secret;
    struct err err;
};

static int setup(void **state)
{
    struct home *home = calloc(1, sizeof(*home));

    assert_non_null(home);
    (void)snprintf(home->root, sizeof(home->root), "/tmp/mlopsd-clients-XXXXXX");
    assert_non_null(mkdtemp(home->root));
    (void)snprintf(home->path, sizeof(home->path), "%s/token", home->root);
    unsetenv("CREDENTIALS_DIRECTORY");
    unsetenv("MLOPSD_TEST_TOKEN");
    *state = home;
    return 0;
}

static int teardown(void **state)
{
    struct home *home = *state;

    home->secret = secret_free(home->secret);
    err_done(&home->err);
    (void)unlink(home->path);
    (void)rmdir(home->root);
    free(home);
    return 0;
}

static void write_token(struct home *home, const char *text, size_t size, mode_t mode)
{
    FILE *file = fopen(home->path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(home->path, mode), 0);
}

static int read_from(struct home *home, struct credential_source source)
{
    home->secret = secret_free(home->secret);
    err_done(&home->err);
    return credential_read(&source, &home->secret, &home->err);
}

static void assert_token(struct home *home, const char *expected)
{
    assert_non_null(home->secret);
    assert_int_equal(secret_size(home->secret), strlen(expected));
    assert_memory_equal(secret_text(home->secret), expected, strlen(expected));
}

static void assert_refused(struct home *home, int r, int code, const char *part)
{
    assert_int_equal(r, code);
    assert_null(home->secret);
    assert_int_equal(home->err.code, code);
    assert_int_equal(home->err.class, ERR_CREDENTIALS);
    if (!strstr(err_text(&home->err), part))
        fail_msg("\"%s\" does not say \"%s\"", err_text(&home->err), part);
}

static void credentials_come_from_the_service_managers_directory(void **state)
{
    struct home *home = *state;

    write_token(home, "t0ken\n", 6, 0444); /* the manager's directory is private; the file need not be */
    setenv("CREDENTIALS_DIRECTORY", home->root, 1);
    assert_int_equal(read_from(home, (struct credential_source){.credential = (char *)"token"}), 0);
    assert_token(home, "t0ken");
}

static void a_missing_credential_says_what_to_do(void **state)
{
    struct home *home = *state;

    assert_refused(home, read_from(home, (struct credential_source){.credential = (char *)"token"}), -ENOENT,
                   "LoadCredential=token:");
    assert_non_null(strstr(err_text(&home->err), "CREDENTIALS_DIRECTORY is not set"));
    setenv("CREDENTIALS_DIRECTORY", "", 1);
    assert_refused(home, read_from(home, (struct credential_source){.credential = (char *)"token"}), -ENOENT,
                   "CREDENTIALS_DIRECTORY is not set");
    setenv("CREDENTIALS_DIRECTORY", home->root, 1);
    assert_refused(home, read_from(home, (struct credential_source){.credential = (char *)"token"}), -ENOENT,
                   "systemctl edit mlopsd");
    write_token(home, "\n", 1, 0400);
    assert_refused(home, read_from(home, (struct credential_source){.credential = (char *)"token"}), -ENOENT,
                   "not there or empty");
}

static void a_file_must_be_the_owners_alone(void **state)
{
    static const mode_t good[] = {0600, 0400, 0700}, bad[] = {0640, 0604, 0620, 0602, 0610, 0601, 0666};
    struct home *home = *state;

    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        (void)unlink(home->path);
        write_token(home, "abc", 3, good[i]);
        assert_int_equal(read_from(home, (struct credential_source){.file = home->path}), 0);
        assert_token(home, "abc");
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        (void)unlink(home->path);
        write_token(home, "abc", 3, bad[i]);
        assert_refused(home, read_from(home, (struct credential_source){.file = home->path}), -EPERM,
                       "chmod 600");
        assert_null(strstr(err_text(&home->err), "abc"));
    }
}

static void ends_of_line_are_no_part_of_a_secret_but_blanks_are(void **state)
{
    struct home *home = *state;

    write_token(home, " a b \r\n\n", 8, 0600);
    assert_int_equal(read_from(home, (struct credential_source){.file = home->path}), 0);
    assert_token(home, " a b ");
    write_token(home, "-----BEGIN\nx\n-----END\n", 22, 0600);
    assert_int_equal(read_from(home, (struct credential_source){.file = home->path}), 0);
    assert_token(home, "-----BEGIN\nx\n-----END");
}

static void a_file_that_is_missing_empty_or_huge_is_refused(void **state)
{
    struct home *home = *state;
    char *huge = malloc(100000);

    assert_non_null(huge);
    memset(huge, 'x', 100000);
    assert_refused(home, read_from(home, (struct credential_source){.file = home->path}), -ENOENT,
                   home->path);
    write_token(home, "", 0, 0600);
    assert_refused(home, read_from(home, (struct credential_source){.file = home->path}), -ENOENT,
                   "is empty");
    write_token(home, huge, 100000, 0600);
    assert_int_not_equal(read_from(home, (struct credential_source){.file = home->path}), 0);
    assert_null(home->secret);
    assert_int_equal(home->err.class, ERR_CREDENTIALS);
    assert_null(strstr(err_text(&home->err), "xxx"));
    free(huge);
}

static void a_variable_is_read_when_it_is_set(void **state)
{
    struct home *home = *state;
    struct credential_source source = {.environment = (char *)"MLOPSD_TEST_TOKEN"};

    assert_refused(home, read_from(home, source), -ENOENT, "MLOPSD_TEST_TOKEN is not set");
    setenv("MLOPSD_TEST_TOKEN", "", 1);
    assert_refused(home, read_from(home, source), -ENOENT, "MLOPSD_TEST_TOKEN is not set");
    setenv("MLOPSD_TEST_TOKEN", "abc", 1);
    assert_int_equal(read_from(home, source), 0);
    assert_token(home, "abc");
}

static void no_source_is_no_credential(void **state)
{
    struct home *home = *state;

    assert_int_equal(read_from(home, (struct credential_source){0}), -EINVAL);
    assert_null(home->secret);
}

/* ---- the gate ---- */

static void the_gate_is_open_while_converging_only(void **state)
{
    struct home *home = *state;
    struct daemon daemon = {0};
    struct platform platform = {.daemon = &daemon, .mode = PASS_CONVERGE};

    assert_int_equal(clients_gate(&platform, "CreateRole", &home->err), 0);
    assert_int_equal(home->err.code, 0);

    platform.mode = PASS_CHECK;
    assert_int_equal(clients_gate(&platform, "CreateRole", &home->err), -EPERM);
    assert_non_null(strstr(err_text(&home->err), "CreateRole: refused, this pass only looks"));
    platform.mode = PASS_CONVERGE;

    platform.gone = true;
    assert_int_equal(clients_gate(&platform, "CreateRole", &home->err), -ECANCELED);
    assert_int_equal(home->err.class, ERR_CANCELED);
    platform.gone = false;

    daemon.stopping = true;
    assert_int_equal(clients_gate(&platform, "CreateRole", &home->err), -ECANCELED);
    assert_int_equal(home->err.class, ERR_CANCELED);
    platform.mode = PASS_CHECK; /* whatever else there is */
    platform.gone = true;
    assert_int_not_equal(clients_gate(&platform, "CreateRole", NULL), 0);
}

static void clusters_come_with_aws_and_are_blocked_with_it(void **state)
{
    struct home *home = *state;
    struct clock_virtual clock;
    struct http_sim http = {0};
    struct daemon daemon = {.clock = &clock.clock, .http = &http.http};
    char region[] = "us-east-1";
    struct graph graph = {.aws = {.configured = true, .region = region}};
    struct platform platform = {.daemon = &daemon, .mode = PASS_CONVERGE, .graph = &graph};
    struct kubernetes *kubernetes;

    clock_virtual_init(&clock, 0);
    assert_int_equal(clients_ready_aws(&platform, &home->err), 0);
    kubernetes = platform.clouds.kubernetes;
    assert_non_null(kubernetes);
    assert_ptr_equal(platform.clouds.http, &http.http);
    assert_ptr_equal(kubernetes->aws, platform.clouds.aws);
    assert_int_equal(kubernetes->gate(kubernetes->gate_data, "apply X", &home->err), 0);
    kubernetes->sent = 3;
    assert_int_equal(platform_calls(&platform), 3);

    platform.aws_blocked = true;
    assert_int_equal(kubernetes->gate(kubernetes->gate_data, "apply X", &home->err), -EPERM);
    assert_non_null(strstr(err_text(&home->err), "apply X: refused: AWS is blocked"));
    platform.aws_blocked = false;
    platform.mode = PASS_CHECK;
    assert_int_equal(kubernetes->gate(kubernetes->gate_data, "apply X", &home->err), -EPERM);

    clients_drop(&platform);
    assert_null(platform.clouds.kubernetes);
    assert_null(platform.clouds.aws);
}

static int group_setup(void **state)
{
    (void)state;
    return crypto_setup();
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(credentials_come_from_the_service_managers_directory),
        CASE(a_missing_credential_says_what_to_do),
        CASE(a_file_must_be_the_owners_alone),
        CASE(ends_of_line_are_no_part_of_a_secret_but_blanks_are),
        CASE(a_file_that_is_missing_empty_or_huge_is_refused),
        CASE(a_variable_is_read_when_it_is_set),
        CASE(no_source_is_no_credential),
        CASE(the_gate_is_open_while_converging_only),
        CASE(clusters_come_with_aws_and_are_blocked_with_it),
    };

    return cmocka_run_group_tests(tests, group_setup, NULL);
}
