/*
 * test_err.c: one failure, its class and its story.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/err.h"

static void err_set_returns_the_code_and_fills(void **state)
{
    struct err err CLEANUP_ERR = {0};

    (void)state;
    assert_int_equal(err_set(&err, -EACCES, ERR_DENIED, "role %s: %d", "x", 7), -EACCES);
    assert_int_equal(err.code, -EACCES);
    assert_int_equal(err.class, ERR_DENIED);
    assert_string_equal(err.text, "role x: 7");
}

static void err_set_replaces_everything_of_an_old_failure(void **state)
{
    struct err err CLEANUP_ERR = {0};

    (void)state;
    err_set(&err, -EACCES, ERR_DENIED, "old");
    err.wire_code = strdup("AccessDenied");
    err.request_id = strdup("r-1");
    err.retry_after_ms = 5;
    err_set(&err, -EIO, ERR_RETRY, "new, was: %s", err.text);
    assert_string_equal(err.text, "new, was: old");
    assert_null(err.wire_code);
    assert_null(err.request_id);
    assert_int_equal(err.retry_after_ms, 0);
}

static void err_without_a_struct_still_returns_the_code(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, -EIO, ERR_RETRY, "x"), -EIO);
    assert_int_equal(err_wrap(NULL, -EINVAL, "x"), -EINVAL);
    assert_int_equal(err_no_memory(NULL), -ENOMEM);
    err_done(NULL);
}

static void err_wrap_keeps_code_and_class(void **state)
{
    struct err err CLEANUP_ERR = {0};

    (void)state;
    err_set(&err, -EACCES, ERR_DENIED, "access denied");
    err.request_id = strdup("r-1");
    assert_int_equal(err_wrap(&err, -EIO, "put %s", "versioning"), -EACCES);
    assert_int_equal(err_wrap(&err, -EIO, "bucket models"), -EACCES);
    assert_int_equal(err.class, ERR_DENIED);
    assert_string_equal(err.text, "bucket models: put versioning: access denied");
    assert_string_equal(err.request_id, "r-1");
}

static void err_wrap_of_an_empty_err_takes_the_callers_code(void **state)
{
    struct err err CLEANUP_ERR = {0};

    (void)state;
    assert_int_equal(err_wrap(&err, -ENOENT, "file x"), -ENOENT);
    assert_int_equal(err.code, -ENOENT);
    assert_string_equal(err.text, "file x: No such file or directory");
}

static void err_no_memory_has_a_text_without_one(void **state)
{
    struct err err CLEANUP_ERR = {0};

    (void)state;
    err_set(&err, -EIO, ERR_BUG, "old");
    assert_int_equal(err_no_memory(&err), -ENOMEM);
    assert_int_equal(err.class, ERR_RETRY);
    assert_null(err.text);
    assert_string_equal(err_text(&err), "out of memory");
}

static void err_text_is_never_null(void **state)
{
    struct err err = {0};

    (void)state;
    assert_string_equal(err_text(NULL), "unknown error");
    assert_non_null(err_text(&err));
    err.code = -99999;
    assert_string_equal(err_text(&err), "unknown error");
    err.code = -EPIPE;
    assert_string_equal(err_text(&err), "Broken pipe");
}

static void err_move_empties_the_source(void **state)
{
    struct err from CLEANUP_ERR = {0}, to CLEANUP_ERR = {0};

    (void)state;
    err_set(&to, -EIO, ERR_BUG, "old");
    err_set(&from, -EPERM, ERR_CONFLICT, "new");
    from.wire_code = strdup("Code");
    err_move(&to, &from);
    assert_string_equal(to.text, "new");
    assert_string_equal(to.wire_code, "Code");
    assert_int_equal(to.class, ERR_CONFLICT);
    assert_int_equal(from.code, 0);
    assert_null(from.text);
    assert_null(from.wire_code);
    err_move(&to, &to);
    assert_string_equal(to.text, "new");
}

static void err_copy_shares_nothing(void **state)
{
    struct err from CLEANUP_ERR = {0}, to CLEANUP_ERR = {0};

    (void)state;
    err_set(&from, -EPERM, ERR_LIMIT, "text");
    from.wire_code = strdup("Code");
    from.request_id = strdup("r-2");
    from.retry_after_ms = 1500;
    err_set(&to, -EIO, ERR_BUG, "old");
    err_copy(&to, &from);
    assert_ptr_not_equal(to.text, from.text);
    assert_string_equal(to.text, "text");
    assert_string_equal(to.wire_code, "Code");
    assert_string_equal(to.request_id, "r-2");
    assert_int_equal(to.code, -EPERM);
    assert_int_equal(to.class, ERR_LIMIT);
    assert_int_equal(to.retry_after_ms, 1500);
    err_copy(&to, &to);
    assert_string_equal(to.text, "text");
}

static void every_class_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < ERR_CLASS_MAX; i++) {
        assert_non_null(err_class_name((enum err_class)i));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(err_class_name((enum err_class)i), err_class_name((enum err_class)j));
    }
    assert_string_equal(err_class_name(ERR_NOT_YET), "not_yet");
    assert_null(err_class_name(ERR_CLASS_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(err_set_returns_the_code_and_fills),
        cmocka_unit_test(err_set_replaces_everything_of_an_old_failure),
        cmocka_unit_test(err_without_a_struct_still_returns_the_code),
        cmocka_unit_test(err_wrap_keeps_code_and_class),
        cmocka_unit_test(err_wrap_of_an_empty_err_takes_the_callers_code),
        cmocka_unit_test(err_no_memory_has_a_text_without_one),
        cmocka_unit_test(err_text_is_never_null),
        cmocka_unit_test(err_move_empties_the_source),
        cmocka_unit_test(err_copy_shares_nothing),
        cmocka_unit_test(every_class_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
