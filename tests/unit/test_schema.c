/*
 * test_schema.c: values of a platform file against the rows of a kind, and the
 * platform file's own settings. What must be said stands in the files themselves (desired_case.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/crypto.h"
#include "tests/unit/desired_case.h"

static void schema_names_unknown_and_missing_fields(void **state)
{
    (void)state;
    case_refused("schema_fields.yaml");
}

static void schema_says_what_to_write_instead(void **state)
{
    (void)state;
    case_refused("schema_scalars.yaml");
}

static void schema_checks_lists_sets_maps_and_policies(void **state)
{
    (void)state;
    case_refused("schema_containers.yaml");
}

static void schema_fills_in_defaults(void **state)
{
    struct graph *graph = case_accepted("schema_good.yaml");

    (void)state;
    assert_body(
        graph, "test_thing.full",
        "{\"name\":\"full\",\"size\":3,\"enabled\":false,\"mode\":\"fast\",\"labels\":[\"a\",\"1\"],"
        "\"marks\":[\"b\",\"a\"],\"tags\":{\"unknown\":\"x\",\"other\":\"${test_thing.small.arn}\"},"
        "\"box\":{\"depth\":4,\"lid\":true},\"rules\":[{\"name\":\"deploy\",\"policy\":{\"Statement\":"
        "[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"$${aws:username}\"}]}}],"
        "\"policy\":{\"Statement\":[{\"Effect\":\"Deny\"}]},\"manifest\":{\"spec\":{\"replicas\":2,\"ratio\":"
        "0.5,"
        "\"host\":\"x-${test_thing.small.arn}\",\"empty\":{},\"sources\":[{\"secret\":{\"name\":\"s\"}},{"
        "\"b\":true}]}},"
        "\"version\":\"1.30\",\"engine\":\"postgres\","
        "\"repository\":\"john-doe/mlops-project\"}");
    graph_free(graph);
}

static void schema_keeps_null_only_where_it_means_none(void **state)
{
    struct graph *graph = case_accepted("schema_good.yaml");

    (void)state;
    /* marks is exclusive and policy is security: null is "there must be none"; tags is neither. */
    assert_body(graph, "test_thing.small",
                "{\"name\":\"small\",\"size\":3,\"marks\":null,\"policy\":null,"
                "\"repository\":\"john-doe/mlops-project\"}");
    graph_free(graph);
}

static void schema_takes_a_word_for_a_list_and_null_for_a_default(void **state)
{
    struct graph *graph = case_accepted("schema_good.yaml");

    (void)state;
    assert_body(graph, "test_word.auto", "{\"name\":\"a\",\"prints\":[\"auto\"],\"boundary\":null}");
    assert_body(graph, "test_word.list", "{\"name\":\"l\",\"prints\":[\"x\"],\"boundary\":\"b\"}");
    assert_body(graph, "test_word.null", "{\"name\":\"n\",\"prints\":null,\"boundary\":null}");
    graph_free(graph);
}

static void schema_never_quotes_secrets(void **state)
{
    struct problems problems = {0};
    struct graph *graph = NULL;
    char *path = case_path("secrets.yaml");
    char *text;

    (void)state;
    case_refused("secrets.yaml");
    assert_int_equal(graph_load(NULL, path, &graph, &problems, NULL), -EBADMSG);
    text = problems_text(&problems);
    assert_non_null(text);
    assert_null(strstr(text, "hunter2"));
    assert_null(strstr(text, "12345678"));
    for (size_t i = 0; i < problems.count; i++)
        assert_null(problems.items[i].excerpt);
    free(text);
    free(path);
    problems_done(&problems);
}

static void settings_are_checked(void **state)
{
    (void)state;
    case_refused("platform_settings.yaml");
}

static void settings_never_quote_a_token(void **state)
{
    struct problems problems = {0};
    struct graph *graph = NULL;
    char *path = case_path("platform_settings.yaml");
    char *text;

    (void)state;
    assert_int_equal(graph_load(NULL, path, &graph, &problems, NULL), -EBADMSG);
    text = problems_text(&problems);
    assert_non_null(text);
    assert_non_null(strstr(text, "repository: mlops-project")); /* other lines are shown */
    assert_null(strstr(text, "ghp_"));
    free(text);
    free(path);
    problems_done(&problems);
}

static void settings_want_one_source_of_a_credential(void **state)
{
    (void)state;
    case_refused("platform_sources.yaml");
}

static void problems_are_cut_from_the_right_file(void **state)
{
    struct problems problems = {0};
    struct graph *graph = NULL;
    char *path = case_path("parameters.yaml");
    bool platform = false, blueprint = false;

    (void)state;
    assert_int_equal(graph_load(NULL, path, &graph, &problems, NULL), -EBADMSG);
    for (size_t i = 0; i < problems.count; i++) {
        const struct problem *problem = &problems.items[i];

        assert_non_null(problem->excerpt);
        if (str_ends(problem->file, "unit/desired/parameters.yaml") && problem->mark.line == 4)
            platform = strstr(problem->excerpt, "  bucket: 12") == problem->excerpt;
        if (str_ends(problem->file, "blueprints/parameters.yaml") && problem->mark.line == 23)
            blueprint = strstr(problem->excerpt, "    enabled: ${var.flagg}") == problem->excerpt;
    }
    assert_true(platform);
    assert_true(blueprint);
    free(path);
    problems_done(&problems);
}

static int setup(void **state)
{
    (void)state;
    return crypto_setup();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_names_unknown_and_missing_fields),
        cmocka_unit_test(schema_says_what_to_write_instead),
        cmocka_unit_test(schema_checks_lists_sets_maps_and_policies),
        cmocka_unit_test(schema_fills_in_defaults),
        cmocka_unit_test(schema_keeps_null_only_where_it_means_none),
        cmocka_unit_test(schema_takes_a_word_for_a_list_and_null_for_a_default),
        cmocka_unit_test(schema_never_quotes_secrets),
        cmocka_unit_test(settings_are_checked),
        cmocka_unit_test(settings_never_quote_a_token),
        cmocka_unit_test(settings_want_one_source_of_a_credential),
        cmocka_unit_test(problems_are_cut_from_the_right_file),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
