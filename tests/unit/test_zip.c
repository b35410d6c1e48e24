/*
 * test_zip.c: packages: what is in them, that equal sources make equal digests and equal bytes, and
 * what is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/crypto.h"
#include "common/str.h"
#include "common/zip.h"

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/test_zip.XXXXXX");
    return mkdtemp(folder) ? crypto_setup() : -1;
}

static int tear_down(void **state)
{
    char *command = str_format("rm -rf %s", folder);
    int r = system(command);

    (void)state;
    free(command);
    return r;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    char *path = str_format("%s/%s", folder, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
    free(path);
}

static void make_folder(const char *name)
{
    char *path = str_format("%s/%s", folder, name);

    assert_int_equal(mkdir(path, 0755), 0);
    free(path);
}

static void fill(void)
{
    write_file("b.py", "def handler(event, context): pass\n", 0600);
    make_folder("lib");
    write_file("lib/a.py", "x = 1\n", 0644);
    write_file("run.sh", "#!/bin/sh\n", 0755);
    write_file(".hidden", "x", 0644);
    make_folder("__pycache__");
    write_file("__pycache__/b.cpython-311.pyc", "x", 0644);
}

static void package_holds_sorted_files_and_no_rubbish(void **state)
{
    struct package package = {0};

    (void)state;
    fill();
    assert_int_equal(package_read(folder, &package, NULL), 0);
    assert_int_equal(package.count, 3);
    assert_string_equal(package.files[0].name, "b.py");
    assert_string_equal(package.files[1].name, "lib/a.py");
    assert_string_equal(package.files[2].name, "run.sh");
    assert_false(package.files[0].executable);
    assert_true(package.files[2].executable);
    package_done(&package);
}

static char *digest_now(void)
{
    struct package package = {0};
    char *digest;

    assert_int_equal(package_read(folder, &package, NULL), 0);
    digest = package_digest(&package);
    assert_non_null(digest);
    package_done(&package);
    return digest;
}

static void expect_change(char **digest, bool changed)
{
    char *now = digest_now();

    assert_true((strcmp(now, *digest) != 0) == changed);
    free(*digest);
    *digest = now;
}

static void digest_sees_contents_names_and_modes_only(void **state)
{
    char *digest, *from, *to;

    (void)state;
    fill();
    digest = digest_now();
    write_file("b.py", "def handler(event, context): pass\n", 0644); /* again, with another time */
    expect_change(&digest, false);
    write_file(".other", "x", 0644);
    expect_change(&digest, false);
    write_file("b.py", "def handler(event, context): pass", 0644);
    expect_change(&digest, true);
    write_file("run.sh", "#!/bin/sh\n", 0644);
    expect_change(&digest, true);
    from = str_format("%s/b.py", folder);
    to = str_format("%s/c.py", folder);
    assert_int_equal(rename(from, to), 0);
    expect_change(&digest, true);
    free(from);
    free(to);
    free(digest);
}

static void zip_now(unsigned char **ret, size_t *ret_size)
{
    struct package package = {0};

    assert_int_equal(package_read(folder, &package, NULL), 0);
    assert_int_equal(package_zip(&package, ret, ret_size, NULL), 0);
    package_done(&package);
}

static void zip_has_the_same_bytes_everywhere(void **state)
{
    unsigned char *one = NULL, *two = NULL;
    size_t one_size, two_size;
    struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    char *path;

    (void)state;
    fill();
    path = str_format("%s/b.py", folder);
    zip_now(&one, &one_size);
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    assert_int_equal(chmod(path, 0664), 0);
    assert_int_equal(setenv("TZ", "Pacific/Auckland", 1), 0);
    tzset();
    zip_now(&two, &two_size);
    assert_int_equal(one_size, two_size);
    assert_memory_equal(one, two, one_size);
    assert_memory_equal(one, "PK\003\004", 4);
    free(one);
    free(two);
    free(path);
    assert_int_equal(unsetenv("TZ"), 0);
}

/* Python reads it, and finds the names, the modes and the time. */
static void zip_is_read_by_others(void **state)
{
    static const char script[] =
        "import sys, zipfile\n"
        "z = zipfile.ZipFile(sys.argv[1])\n"
        "assert z.testzip() is None\n"
        "assert z.namelist() == ['b.py', 'lib/a.py', 'run.sh'], z.namelist()\n"
        "assert z.read('lib/a.py') == b'x = 1\\n'\n"
        "assert all(i.date_time == (1980, 1, 1, 0, 0, 0) for i in z.infolist())\n"
        "assert [oct(i.external_attr >> 16) for i in z.infolist()] == ['0o100644', '0o100644', '0o100755']\n";
    unsigned char *bytes = NULL;
    char *command, *path;
    size_t size;
    FILE *file;

    (void)state;
    fill();
    zip_now(&bytes, &size);
    write_file(".check.py", script, 0644);
    path = str_format("%s/.out.zip", folder);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    command = str_format("python3 %s/.check.py %s", folder, path);
    if (system("python3 -c pass") == 0)
        assert_int_equal(system(command), 0);
    free(command);
    free(path);
    free(bytes);
}

static void one_file_is_a_package(void **state)
{
    struct package package = {0};
    char *path;

    (void)state;
    fill();
    path = str_format("%s/b.py", folder);
    assert_int_equal(package_read(path, &package, NULL), 0);
    assert_int_equal(package.count, 1);
    assert_string_equal(package.files[0].name, "b.py");
    package_done(&package);
    free(path);
}

static void expect_refusal(const char *path, const char *text)
{
    struct package package = {0};
    struct err err = {0};

    assert_true(package_read(path, &package, &err) < 0);
    assert_int_equal(err.class, ERR_INVALID);
    assert_non_null(strstr(err_text(&err), text));
    assert_null(package.files);
    err_done(&err);
}

static void what_is_no_source_is_refused(void **state)
{
    char *path = str_format("%s/absent", folder), *link = str_format("%s/link", folder);

    (void)state;
    expect_refusal(path, "No such file");
    expect_refusal(folder, "holds no file");
    fill();
    assert_int_equal(symlink("/etc/passwd", link), 0);
    expect_refusal(folder, "neither a file nor a folder");
    free(path);
    free(link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(package_holds_sorted_files_and_no_rubbish, set_up, tear_down),
        cmocka_unit_test_setup_teardown(digest_sees_contents_names_and_modes_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(zip_has_the_same_bytes_everywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(zip_is_read_by_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_file_is_a_package, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_source_is_refused, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
