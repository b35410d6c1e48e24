/*
 * test_expand.c: blueprints, parameters, when, for_each, and the platform file's resources
 * laid over the blueprint's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/crypto.h"
#include "common/js.h"
#include "tests/unit/desired_case.h"

static void parameters_are_checked(void **state)
{
    (void)state;
    case_refused("parameters.yaml");
}

static void platform_file_is_laid_over_the_blueprint(void **state)
{
    struct graph *graph = case_accepted("expand_good.yaml");

    (void)state;
    /* Maps and objects are merged, policies and lists replaced; a parameter without value leaves engine out. */
    assert_body(graph, "test_thing.base",
                "{\"name\":\"abalone-base\",\"size\":5,\"tags\":{\"owner\":\"012345678901/expand-good\","
                "\"size\":\"2\",\"name\":\"inner\",\"cost\":\"ml\"},\"box\":{\"depth\":3,\"lid\":false},"
                "\"manifest\":{\"kind\":\"A\",\"spec\":{\"replicas\":2,"
                "\"template\":{\"image\":\"a\",\"args\":[\"z\"]}}},"
                "\"policy\":{\"Statement\":[{\"Effect\":\"Deny\"}]},\"labels\":[\"api\",\"ui\"],"
                "\"repository\":\"john-doe/mlops-project\"}");
    assert_body(graph, "test_thing.extra",
                "{\"name\":\"extra\",\"size\":3,\"repository\":\"john-doe/mlops-project\"}");
    graph_free(graph);
}

static void places_tell_which_file_a_field_came_from(void **state)
{
    struct graph *graph = case_accepted("expand_good.yaml");
    const struct desired_resource *base = graph_find(graph, "test_thing.base");
    struct place place;

    (void)state;
    place = graph_place(base, "size");
    assert_ptr_equal(place.file, graph->file);
    assert_int_equal(place.mark.line, 14);
    assert_int_equal(place.mark.column, 5);
    place = graph_place(base, "tags.owner");
    assert_ptr_equal(place.file, graph->blueprint_file);
    assert_int_equal(place.mark.line, 13);
    place = graph_place(base, "tags.cost");
    assert_ptr_equal(place.file, graph->file);
    assert_int_equal(place.mark.line, 15);
    /* The longest known prefix; the resource itself at worst. */
    place = graph_place(base, "policy.Statement.0.Effect.deeper[\"x\"]");
    assert_int_equal(place.mark.line, 18);
    place = graph_place(base, "nonsense.more");
    assert_ptr_equal(place.file, graph->blueprint_file);
    assert_int_equal(place.mark.line, 11);
    graph_free(graph);
}

static void for_each_makes_one_per_element(void **state)
{
    struct graph *graph = case_accepted("expand_good.yaml");

    (void)state;
    assert_body(graph, "test_thing.zone[\"a\"]",
                "{\"name\":\"zone-a\",\"size\":3,\"tags\":{\"number\":\"10\",\"where\":\"eu-west-1 aws\","
                "\"third\":\"john-doe+mlops-project\"},\"box\":{\"depth\":2,\"lid\":true},"
                "\"repository\":\"john-doe/mlops-project\"}");
    assert_body(graph, "test_thing.named[\"y-z\"]",
                "{\"name\":\"n-y-z\",\"size\":3,\"engine\":\"y-z=y-z\",\"repository\":\"y-z\"}");
    assert_string_equal(graph_find(graph, "test_thing.zone[\"b\"]")->instance_key, "b");
    assert_string_equal(graph_find(graph, "test_thing.zone[\"b\"]")->name, "zone");
    assert_null(graph_find(graph, "test_thing.none"));
    assert_int_equal(graph->count, 7);
    graph_free(graph);
}

static void when_drops_resources_and_outputs(void **state)
{
    struct graph *graph = case_accepted("expand_good.yaml");

    (void)state;
    assert_null(graph_find(graph, "test_thing.ui"));
    assert_null(graph_find(graph, "test_thing.both"));
    assert_non_null(graph_find(graph, "test_thing.located"));
    assert_int_equal(graph->outputs_count, 1);
    assert_string_equal(graph->outputs[0].name, "zone");
    assert_string_equal(graph->outputs[0].description, "The first zone.");
    graph_free(graph);
}

static void a_blueprint_knows_its_folder(void **state)
{
    struct graph *graph = case_accepted("expand_good.yaml");
    struct json_object *body CLEANUP_JS = js_read(graph_find(graph, "test_thing.located")->body);

    (void)state;
    assert_int_equal(js_text(body, "engine")[0], '/');
    assert_true(str_ends(js_text(body, "engine"), "/desired/blueprints/code"));
    graph_free(graph);
}

static void expand_refuses_what_can_not_be(void **state)
{
    (void)state;
    case_refused("expand_bad.yaml");
}

static void values_must_fit_where_they_are_put(void **state)
{
    (void)state;
    case_refused("expand_text.yaml");
}

static void near_misses_of_overrides_are_warned_about(void **state)
{
    struct graph *graph = case_accepted("warnings.yaml");
    char *key = case_path("key.pem");

    (void)state;
    assert_string_equal(graph->github.app_id, "1");
    assert_string_equal(graph->github.app_installation_id, "2");
    assert_true(str_ends(graph->github.app_private_key.file, "tests/unit/desired/key.pem"));
    assert_int_equal(graph->github.app_private_key.file[0], '/');
    assert_false(graph->github.has_token);
    free(key);
    graph_free(graph);
}

static void a_missing_blueprint_is_one_problem(void **state)
{
    struct problems problems = {0};
    struct graph *graph = NULL;
    char *path = case_path("no_blueprint.yaml");

    (void)state;
    assert_int_equal(graph_load(NULL, path, &graph, &problems, NULL), -EBADMSG);
    assert_int_equal(problems.count, 1);
    assert_int_equal(problems.items[0].mark.line, 2);
    assert_int_equal(problems.items[0].mark.column, 1);
    assert_non_null(strstr(problems.items[0].text, "blueprint: there is no file "));
    assert_non_null(strstr(problems.items[0].text, "nowhere.yaml"));
    free(path);
    problems_done(&problems);
}

/* Text as a platform file of its own. */
static int load_text(const char *text, struct graph **ret, struct problems *problems)
{
    char path[] = "/tmp/test_expand_XXXXXX";
    int fd = mkstemp(path), r;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    r = graph_load(NULL, path, ret, problems, NULL);
    unlink(path);
    return r;
}

static void expansion_has_an_end(void **state)
{
    struct buf text = BUF_INIT(1 << 20);
    struct problems problems = {0};
    struct graph *graph = NULL;

    (void)state;
    /* 1000 instances of a resource with 5000 labels: five million texts from 60 kB. */
    assert_int_equal(buf_add_text(&text,
                                  "platform: big\nresources:\n  test_thing.x:\n    name: \"n-${each.key}\"\n"
                                  "    repository: r\n    for_each: ["),
                     0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buf_addf(&text, "%sk%d", i > 0 ? "," : "", i), 0);
    assert_int_equal(buf_add_text(&text, "]\n    policy: {Statement: ["), 0);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(buf_addf(&text, "%sa%d", i > 0 ? "," : "", i), 0);
    assert_int_equal(buf_add_text(&text, "]}\n"), 0);
    assert_int_equal(load_text(buf_text(&text), &graph, &problems), -EBADMSG);
    assert_non_null(strstr(problems.items[0].text, "the platform is too large once references and for_each"));
    buf_done(&text);
    problems_done(&problems);
}

static void depth_has_an_end(void **state)
{
    struct buf text = BUF_INIT(1 << 16);
    struct problems problems = {0};
    struct graph *graph = NULL;

    (void)state;
    assert_int_equal(buf_add_text(&text, "platform: deep\nresources:\n  test_thing.x:\n    name: n\n"
                                         "    repository: r\n    policy: {a: "),
                     0);
    for (int i = 0; i < 24; i++)
        assert_int_equal(buf_add_char(&text, '['), 0);
    for (int i = 0; i < 24; i++)
        assert_int_equal(buf_add_char(&text, ']'), 0);
    assert_int_equal(buf_add_text(&text, "}\n"), 0);
    assert_int_equal(load_text(buf_text(&text), &graph, &problems), -EBADMSG);
    assert_int_equal(problems.count, 1);
    assert_string_equal(problems.items[0].text, "policy: nested deeper than 24 levels");
    assert_int_equal(problems.items[0].mark.line, 6);
    buf_done(&text);
    problems_done(&problems);
}

static void for_each_has_an_end(void **state)
{
    struct buf text = BUF_INIT(1 << 20);
    struct problems problems = {0};
    struct graph *graph = NULL;

    (void)state;
    assert_int_equal(
        buf_add_text(&text, "platform: big\nresources:\n  test_thing.x:\n    name: n\n    for_each: ["), 0);
    for (int i = 0; i < 1001; i++)
        assert_int_equal(buf_addf(&text, "%sk%d", i > 0 ? "," : "", i), 0);
    assert_int_equal(buf_add_text(&text, "]\n"), 0);
    assert_int_equal(load_text(buf_text(&text), &graph, &problems), -EBADMSG);
    assert_int_equal(problems.count, 1);
    assert_string_equal(problems.items[0].text, "for_each: 1001 elements; at most 1000 are allowed");
    assert_int_equal(problems.items[0].mark.line, 5);
    assert_int_equal(problems.items[0].mark.column, 15);
    buf_done(&text);
    problems_done(&problems);
}

static void problems_beyond_twenty_are_counted(void **state)
{
    struct buf text = BUF_INIT(1 << 20);
    struct problems problems = {0};
    struct graph *graph = NULL;

    (void)state;
    assert_int_equal(buf_add_text(&text, "platform: many\nresources:\n"), 0);
    for (int i = 0; i < 25; i++)
        assert_int_equal(buf_addf(&text, "  test_thing.x%d: {repository: r}\n", i), 0);
    assert_int_equal(load_text(buf_text(&text), &graph, &problems), -EBADMSG);
    assert_int_equal(problems.count, PROBLEMS_MAX);
    assert_int_equal(problems.dropped, 5);
    assert_int_equal(problems.items[0].mark.line, 3); /* in the order of the file, not of addresses */
    assert_int_equal(problems.items[1].mark.line, 4);
    buf_done(&text);
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
        cmocka_unit_test(parameters_are_checked),
        cmocka_unit_test(platform_file_is_laid_over_the_blueprint),
        cmocka_unit_test(places_tell_which_file_a_field_came_from),
        cmocka_unit_test(for_each_makes_one_per_element),
        cmocka_unit_test(when_drops_resources_and_outputs),
        cmocka_unit_test(a_blueprint_knows_its_folder),
        cmocka_unit_test(expand_refuses_what_can_not_be),
        cmocka_unit_test(values_must_fit_where_they_are_put),
        cmocka_unit_test(near_misses_of_overrides_are_warned_about),
        cmocka_unit_test(a_missing_blueprint_is_one_problem),
        cmocka_unit_test(expansion_has_an_end),
        cmocka_unit_test(depth_has_an_end),
        cmocka_unit_test(for_each_has_an_end),
        cmocka_unit_test(problems_beyond_twenty_are_counted),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
