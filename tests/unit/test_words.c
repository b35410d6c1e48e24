/*
 * test_words.c: short texts about actions and fields, for one line of a journal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/str.h"
#include "daemon/words.h"

static void names_are_listed_to_four(void **state)
{
    char paths[6][8] = {"a", "b.c", "d[\"e\"]", "f", "g", "h"};
    struct diff_entry entries[6] = {{0}};
    struct diff diff = {.entries = entries};
    static const char *const expected[] = {
        "",
        "a",
        "a, b.c",
        "a, b.c, d[\"e\"]",
        "a, b.c, d[\"e\"], f",
        "a, b.c, d[\"e\"], f and 1 more",
        "a, b.c, d[\"e\"], f and 2 more",
    };

    (void)state;
    for (size_t i = 0; i < 6; i++)
        entries[i].path = paths[i];
    for (size_t i = 0; i <= 6; i++) {
        char *got CLEANUP_FREE = NULL;

        diff.count = i;
        got = words_of_diff(&diff);
        assert_non_null(got);
        assert_string_equal(got, expected[i]);
    }
}

static void actions_have_a_past(void **state)
{
    (void)state;
    assert_string_equal(words_past(ACTION_CREATE), "created");
    assert_string_equal(words_past(ACTION_UPDATE), "changed");
    assert_string_equal(words_past(ACTION_REPLACE), "replaced");
    assert_string_equal(words_past(ACTION_DELETE), "deleted");
    assert_string_equal(words_past(ACTION_ADOPT), "adopted");
    assert_string_equal(words_past(ACTION_FORGET), "forgotten");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_listed_to_four),
        cmocka_unit_test(actions_have_a_past),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
