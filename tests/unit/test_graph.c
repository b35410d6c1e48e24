/*
 * test_graph.c: references between resources, order, rules for the graph as a whole, its text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/crypto.h"
#include "common/js.h"
#include "tests/unit/desired_case.h"

static void references_must_lead_somewhere(void **state)
{
    (void)state;
    case_refused("graph_references.yaml");
}

static void cycles_are_named_whole(void **state)
{
    (void)state;
    case_refused("graph_cycle.yaml");
}

static void graph_has_rules_as_a_whole(void **state)
{
    (void)state;
    case_refused("graph_rules.yaml");
}

static void needs_come_first(void **state)
{
    struct graph *graph = case_accepted("graph_good.yaml");

    (void)state;
    assert_int_equal(graph->count, 9);
    for (size_t i = 0; i < graph->count; i++)
        for (size_t j = 0; j < graph->resources[i].needs_count; j++)
            assert_true(graph->resources[i].needs[j] < i);
    for (size_t i = 0; i < graph->count; i++)
        for (size_t j = 1; j < graph->resources[i].needs_count; j++)
            assert_true(graph->resources[i].needs[j - 1] < graph->resources[i].needs[j]);
    assert_needs(graph, "test_thing.a", "test_thing.b test_thing.c");
    assert_needs(graph, "test_thing.b", "test_thing.c");
    assert_needs(graph, "test_thing.c", "");
    assert_needs(graph, "test_thing.odd", "test_thing.each[\"k\"] test_thing.each[\"l\"]");
    assert_needs(graph, "test_secret.s", "test_password.p");
    graph_free(graph);
}

static void fields_of_others_are_put_in(void **state)
{
    struct graph *graph = case_accepted("graph_good.yaml");

    (void)state;
    assert_body(
        graph, "test_thing.a",
        "{\"name\":\"a\",\"size\":3,\"tags\":{\"b\":\"b-c and ${test_thing.b.arn}\","
        "\"c\":\"${test_thing.c.engine}\"},\"labels\":[\"${test_thing.c.id}\",\"plain\"],"
        "\"policy\":{\"Condition\":{\"${test_thing.c.id}:sub\":\"${github.oidc_subject_prefix}:ref\"}},"
        "\"repository\":\"john-doe/mlops-project\"}");
    assert_body(graph, "test_thing.b",
                "{\"name\":\"b-c\",\"size\":3,\"labels\":[\"${test_thing.c.id}\",\"plain\"],"
                "\"box\":{\"depth\":\"${test_thing.c.number}\",\"lid\":true},\"repository\":\"john-doe/"
                "mlops-project\"}");
    assert_body(graph, "test_secret.t",
                "{\"name\":\"t\",\"value\":\"postgres://${test_password.p.result}@db\"}");
    assert_needs(graph, "test_secret.t", "test_secret.s");
    graph_free(graph);
}

static void settings_are_read(void **state)
{
    struct graph *graph = case_accepted("graph_good.yaml");

    (void)state;
    assert_string_equal(graph->platform, "graph-good");
    assert_string_equal(graph->aws.account_id, "012345678901");
    assert_string_equal(graph->aws.partition, "aws-us-gov");
    assert_string_equal(graph->aws.profile, "ops");
    assert_string_equal(graph->github.owner, "john-doe");
    assert_string_equal(graph->github.name, "mlops-project");
    assert_string_equal(graph->github.api_url, "http://127.0.0.1:8080");
    assert_string_equal(graph->github.token.environment, "GITHUB_TOKEN");
    assert_true(graph->github.has_token);
    assert_int_equal(graph->github.write_interval_ms, 250);
    assert_int_equal(graph->poll_interval_ms, 300000);
    assert_int_equal(graph->policy.on_drift, ON_DRIFT_ALERT);
    assert_true(graph->policy.approve_replace && graph->policy.approve_delete);
    assert_false(graph->policy.approve_create || graph->policy.approve_update);
    assert_true(graph_find(graph, "test_thing.c")->adopt);
    assert_true(graph_find(graph, "test_thing.a")->allow_wide_trust);
    assert_false(graph_find(graph, "test_thing.a")->adopt);
    graph_free(graph);
}

static void policies_mean_every_instance(void **state)
{
    struct graph *graph = case_accepted("graph_good.yaml");

    (void)state;
    assert_int_equal(graph->policy.protect.count, 2); /* the one that is switched off is nothing to protect */
    assert_string_equal(graph->policy.protect.items[0], "test_thing.each[\"k\"]");
    assert_string_equal(graph->policy.protect.items[1], "test_thing.each[\"l\"]");
    assert_int_equal(graph->policy.ignore_count, 2);
    assert_string_equal(graph->policy.ignore[0].address, "test_thing.each[\"k\"]");
    assert_string_equal(graph->policy.ignore[0].path, "tags.owner");
    assert_string_equal(graph->policy.ignore[1].path, "size");
    graph_free(graph);
}

static void outputs_know_what_is_sensitive(void **state)
{
    struct graph *graph = case_accepted("graph_good.yaml");
    static const char *const names[] = {"arn", "name", "open", "password"};
    static const bool sensitive[] = {false, false, true, true};

    (void)state;
    assert_int_equal(graph->outputs_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(graph->outputs[i].name, names[i]);
        assert_int_equal(graph->outputs[i].sensitive, sensitive[i]);
    }
    assert_output(graph, "name", "{\"name\":\"b-c\",\"list\":[\"${test_thing.c.id}\"]}");
    assert_output(graph, "open", "3");
    assert_string_equal(graph->outputs[1].description, "Names.");
    graph_free(graph);
}

static void credentials_are_collected(void **state)
{
    struct graph *graph = case_accepted("graph_good.yaml");

    (void)state;
    assert_int_equal(graph->credentials_count, 1);
    assert_string_equal(graph->credentials[0].name, "github-token");
    graph_free(graph);
}

static void text_is_canonical_json_without_secrets(void **state)
{
    struct graph *graph = case_accepted("graph_good.yaml");
    struct json_object *parsed = NULL;
    char *again;

    (void)state;
    assert_int_equal(js_parse_text(graph->text, &parsed, NULL), 0);
    again = js_canonical(parsed);
    assert_string_equal(graph->text, again);
    assert_null(strstr(graph->text, "hunter2"));
    assert_string_equal(js_text(parsed, "github.token.environment"), "GITHUB_TOKEN");
    assert_int_equal(js_count(parsed, "resources"), 9);
    assert_int_equal(strlen(graph->digest), 64);
    free(again);
    json_object_put(parsed);
    graph_free(graph);
}

/* The graph of a platform file given as text. */
static struct graph *load_text(const char *format, const char *argument)
{
    char path[] = "/tmp/test_graph_XXXXXX";
    struct problems problems = {0};
    struct graph *graph = NULL;
    struct buf text = BUF_INIT(1 << 20);
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    for (const char *at = format; *at; at++) /* "@" is where the argument goes */
        assert_int_equal(*at == '@' ? buf_add_text(&text, argument) : buf_add_char(&text, *at), 0);
    assert_int_equal(write(fd, buf_text(&text), text.size), text.size);
    close(fd);
    if (graph_load(NULL, path, &graph, &problems, NULL) < 0)
        print_error("%s", problems_text(&problems));
    assert_non_null(graph);
    unlink(path);
    buf_done(&text);
    problems_done(&problems);
    return graph;
}

static void digest_changes_with_a_secret_but_the_text_does_not(void **state)
{
    static const char file[] = "platform: x\nresources:\n  test_secret.a: {name: a, value: \"@\"}\n";
    struct graph *one = load_text(file, "hunter2"), *two = load_text(file, "hunter3"),
                 *three = load_text(file, "hunter2");

    (void)state;
    assert_string_equal(one->text, two->text);
    assert_string_not_equal(one->digest, two->digest);
    assert_string_equal(one->digest, three->digest);
    assert_null(strstr(one->text, "hunter"));
    graph_free(one);
    graph_free(two);
    graph_free(three);
}

static void digest_ignores_layout_and_order(void **state)
{
    struct graph *one = load_text("platform: x\nresources:\n  test_thing.a: {name: a, repository: r}\n"
                                  "  test_thing.b: {name: b, repository: \"@\"}\n",
                                  "r");
    struct graph *two = load_text("# comment\nresources:\n  test_thing.b:\n    repository: @\n    name: b\n"
                                  "  test_thing.a: {repository: r, name: a}\nplatform: x\n",
                                  "r");

    (void)state;
    assert_string_equal(one->text, two->text);
    assert_string_equal(one->digest, two->digest);
    graph_free(one);
    graph_free(two);
}

static void a_long_chain_needs_no_deep_stack(void **state)
{
    struct buf text = BUF_INIT(1 << 20);
    struct graph *graph;

    (void)state;
    assert_int_equal(buf_add_text(&text, "platform: chain\nresources:\n"), 0);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(buf_addf(&text, "  test_thing.t%05d: {name: n%d, repository: \"%s%.*d%s\"}\n", i, i,
                                  i < 4999 ? "${test_thing.t" : "", 5, i + 1, i < 4999 ? ".arn}" : ""),
                         0);
    graph = load_text("@", buf_text(&text));
    assert_int_equal(graph->count, 5000);
    assert_string_equal(graph->resources[0].address, "test_thing.t04999");
    assert_string_equal(graph->resources[4999].address, "test_thing.t00000");
    graph_free(graph);
    buf_done(&text);
}

static void field_references_can_not_explode(void **state)
{
    struct buf text = BUF_INIT(1 << 20);
    struct problems problems = {0};
    struct graph *graph = NULL;
    char path[] = "/tmp/test_graph_XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    /* Each repository is twice the one before: 2^40 bytes from 40 lines. */
    assert_int_equal(
        buf_add_text(&text, "platform: x\nresources:\n  test_thing.t00: {name: a, repository: x}\n"), 0);
    for (int i = 1; i < 40; i++)
        assert_int_equal(
            buf_addf(&text,
                     "  test_thing.t%02d: {name: a%d, repository: \"${test_thing.t%02d.repository}"
                     "${test_thing.t%02d.repository}\"}\n",
                     i, i, i - 1, i - 1),
            0);
    assert_int_equal(write(fd, buf_text(&text), text.size), text.size);
    close(fd);
    assert_int_equal(graph_load(NULL, path, &graph, &problems, NULL), -EBADMSG);
    assert_true(problems.count > 0);
    assert_non_null(strstr(problems.items[0].text, "longer than 65536 bytes once its values are put in"));
    assert_int_equal(problems.items[0].mark.line, 20); /* 2^17 at the 17th */
    unlink(path);
    buf_done(&text);
    problems_done(&problems);
}

static void a_field_that_is_not_declared_has_no_value(void **state)
{
    (void)state;
    case_refused("graph_undeclared.yaml");
}

static void broken_yaml_is_told_with_its_place(void **state)
{
    struct problems problems = {0};
    struct graph *graph = NULL;
    char *path = case_path("broken.yaml");

    (void)state;
    assert_int_equal(graph_load(NULL, path, &graph, &problems, NULL), -EBADMSG);
    assert_int_equal(problems.count, 1);
    assert_true(problems.items[0].mark.line >= 2);
    problems_done(&problems);
    free(path);
}

static void a_file_that_is_not_there_is_a_problem(void **state)
{
    struct problems problems = {0};
    struct graph *graph = NULL;

    (void)state;
    assert_int_equal(graph_load(NULL, "/nowhere/at/all.yaml", &graph, &problems, NULL), -EBADMSG);
    assert_int_equal(problems.count, 1);
    assert_int_equal(problems.items[0].mark.line, 0);
    assert_non_null(strstr(problems.items[0].text, "No such file"));
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
        cmocka_unit_test(references_must_lead_somewhere),
        cmocka_unit_test(cycles_are_named_whole),
        cmocka_unit_test(graph_has_rules_as_a_whole),
        cmocka_unit_test(needs_come_first),
        cmocka_unit_test(fields_of_others_are_put_in),
        cmocka_unit_test(settings_are_read),
        cmocka_unit_test(policies_mean_every_instance),
        cmocka_unit_test(outputs_know_what_is_sensitive),
        cmocka_unit_test(credentials_are_collected),
        cmocka_unit_test(text_is_canonical_json_without_secrets),
        cmocka_unit_test(digest_changes_with_a_secret_but_the_text_does_not),
        cmocka_unit_test(digest_ignores_layout_and_order),
        cmocka_unit_test(a_long_chain_needs_no_deep_stack),
        cmocka_unit_test(field_references_can_not_explode),
        cmocka_unit_test(a_field_that_is_not_declared_has_no_value),
        cmocka_unit_test(broken_yaml_is_told_with_its_place),
        cmocka_unit_test(a_file_that_is_not_there_is_a_problem),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
