/*
 * test_daemon_config.c: the daemon's file, and finding platform files.
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

#include "tests/unit/desired_case.h"

static struct daemon_config *load(const char *name)
{
    struct problems problems = {0};
    struct daemon_config *config = NULL;
    char *path = case_path(name);

    assert_int_equal(daemon_config_load(path, &config, &problems), 0);
    assert_int_equal(problems.count, 0);
    free(path);
    return config;
}

static void assert_ends(const char *text, const char *end)
{
    assert_non_null(text);
    assert_int_equal(text[0], '/');
    assert_true(str_ends(text, end));
}

static void config_reads_every_setting(void **state)
{
    struct daemon_config *config = load("daemon/full.yaml");

    (void)state;
    assert_ends(config->state_dir, "/tests/unit/desired/daemon/state");
    assert_string_equal(config->socket, "/run/mlopsd/test.sock");
    assert_ends(config->platforms_dir, "/tests/unit/desired/daemon/./p.d");
    assert_ends(config->blueprints_dir, "/tests/unit/desired/daemon/../blueprints");
    assert_int_equal(config->poll_interval_ms, 300000);
    assert_int_equal(config->log_format, LOG_FORMAT_JSON);
    assert_int_equal(config->log_level, LOG_AT_DEBUG);
    assert_string_equal(config->access_group, "ops");
    daemon_config_free(config);
}

static void config_has_defaults_for_all(void **state)
{
    struct daemon_config *config = load("daemon/empty.yaml");

    (void)state;
    assert_null(config->state_dir);
    assert_null(config->socket);
    assert_ends(config->platforms_dir, "/tests/unit/desired/daemon/platforms.d");
    assert_ends(config->blueprints_dir, "/tests/unit/desired/daemon/blueprints");
    assert_int_equal(config->poll_interval_ms, 60000);
    assert_int_equal(config->log_format, LOG_FORMAT_AUTO);
    assert_int_equal(config->log_level, LOG_AT_INFO);
    assert_string_equal(config->access_group, "mlopsd");
    daemon_config_free(config);
}

/* The marks are read as for platform files: "#! COLUMN: TEXT" at the end of the line. */
static void config_tells_all_mistakes_at_once(void **state)
{
    struct problems problems = {0};
    struct daemon_config *config = NULL;
    char *path = case_path("daemon/bad.yaml");
    char *text = NULL, *line, *rest;
    size_t size, number = 0, seen = 0;

    (void)state;
    assert_int_equal(daemon_config_load(path, &config, &problems), -EBADMSG);
    assert_null(config);
    assert_int_equal(file_read(path, 1 << 20, &text, &size, NULL), 0);
    for (rest = text; (line = strsep(&rest, "\n")); number++) {
        const char *mark = strstr(line, "#! ");
        char *expected, *got;

        if (!mark)
            continue;
        assert_true(seen < problems.count);
        expected = str_format("%zu:%s", number + 1, mark + 3);
        got = str_format("%u:%u: %s", (unsigned)problems.items[seen].mark.line,
                         (unsigned)problems.items[seen].mark.column, problems.items[seen].text);
        assert_string_equal(got, expected);
        assert_true(str_starts(problems.items[seen].excerpt, "  ") || number != 4);
        free(expected);
        free(got);
        seen++;
    }
    assert_int_equal(seen, problems.count);
    problems_done(&problems);
    free(text);
    free(path);
}

static void config_refuses_a_socket_path_that_the_system_can_not_take(void **state)
{
    struct problems problems = {0};
    struct daemon_config *config = NULL;
    char *path = case_path("daemon/long_socket.yaml");

    (void)state;
    assert_int_equal(daemon_config_load(path, &config, &problems), -EBADMSG);
    assert_int_equal(problems.count, 1);
    assert_int_equal(problems.items[0].mark.line, 1);
    assert_int_equal(problems.items[0].mark.column, 1);
    assert_string_equal(problems.items[0].text, "socket: the path has 121 bytes; the system takes 107");
    problems_done(&problems);
    free(path);
}

static void config_that_is_not_there_is_a_problem_with_line_0(void **state)
{
    struct problems problems = {0};
    struct daemon_config *config = NULL;

    (void)state;
    assert_int_equal(daemon_config_load("/nowhere/mlopsd.yaml", &config, &problems), -EBADMSG);
    assert_int_equal(problems.count, 1);
    assert_int_equal(problems.items[0].mark.line, 0);
    problems_done(&problems);
}

static void touch(const char *directory, const char *name)
{
    char *path = str_format("%s/%s", directory, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fclose(file);
    free(path);
}

static void platform_files_are_found_and_sorted(void **state)
{
    static const char *const names[] = {"b.yaml", "a.yml", ".hidden.yaml", "c.yaml~", "readme.txt"};
    char directory[] = "/tmp/test_platforms_XXXXXX";
    struct problems problems = {0};
    struct strv files = {0};

    (void)state;
    assert_non_null(mkdtemp(directory));
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        touch(directory, names[i]);
    assert_int_equal(platform_files(directory, &files, &problems), 0);
    assert_int_equal(files.count, 2);
    assert_true(str_ends(files.items[0], "/a.yml"));
    assert_true(str_ends(files.items[1], "/b.yaml"));
    strv_done(&files);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char *path = str_format("%s/%s", directory, names[i]);

        unlink(path);
        free(path);
    }
    rmdir(directory);
    assert_int_equal(platform_files(directory, &files, &problems), -ENOENT);
    assert_int_equal(problems.count, 1);
    assert_int_equal(problems.items[0].mark.line, 0);
    problems_done(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config_reads_every_setting),
        cmocka_unit_test(config_has_defaults_for_all),
        cmocka_unit_test(config_tells_all_mistakes_at_once),
        cmocka_unit_test(config_refuses_a_socket_path_that_the_system_can_not_take),
        cmocka_unit_test(config_that_is_not_there_is_a_problem_with_line_0),
        cmocka_unit_test(platform_files_are_found_and_sorted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
