/*
 * test_tfstate.c: which declared resource is which thing of a Terraform state, and what is said of the rest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/js.h"
#include "common/str.h"
#include "common/yml.h"
#include "ctl/import_tfstate-internal.h"

#define DECLARED_MAX 16

struct fixture {
    struct tf_state *state;
    struct tf_declared declared[DECLARED_MAX];
    size_t count;
    struct json_object *report;
};

/* The state that the tests share. */
static struct tf_state *stored_state(void)
{
    const char *folder = getenv("srcdir");
    char *path CLEANUP_FREE = str_format("%s/tests/unit/data/terraform.tfstate", folder ? folder : ".");
    char *text = NULL;
    size_t size = 0;
    struct err err CLEANUP_ERR = {0};
    struct tf_state *state;

    assert_non_null(path);
    assert_int_equal(file_read(path, 1 << 20, &text, &size, &err), 0);
    state = tf_state_new(text, size, &err);
    assert_non_null(state);
    return state;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    fixture->state = stored_state();
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < fixture->count; i++)
        json_object_put(fixture->declared[i].document);
    json_object_put(fixture->report);
    tf_state_free(fixture->state);
    free(fixture);
    return 0;
}

static void declare(struct fixture *fixture, const char *address, const char *document)
{
    struct tf_declared *declared = &fixture->declared[fixture->count++];
    char *type CLEANUP_FREE = strndup(address, strcspn(address, "."));

    assert_true(fixture->count <= DECLARED_MAX);
    *declared = (struct tf_declared){
        .address = address, .kind = kind_find(type), .document = js_read(document), .match = TF_NONE};
    assert_non_null(declared->kind);
    assert_non_null(declared->document);
}

/* Match, and make the report. */
static void match(struct fixture *fixture)
{
    tf_match(fixture->state, fixture->declared, fixture->count);
    json_object_put(fixture->report);
    fixture->report = tf_report(fixture->state, fixture->declared, fixture->count);
    assert_non_null(fixture->report);
}

/* Terraform's address of what this one was found to be; "" = nothing. */
static const char *found(const struct fixture *fixture, const char *address)
{
    for (size_t i = 0; i < fixture->count; i++)
        if (str_equal(fixture->declared[i].address, address))
            return fixture->declared[i].match == TF_NONE
                       ? ""
                       : fixture->state->things[fixture->declared[i].match].address;
    return "not declared";
}

static void declare_network(struct fixture *fixture)
{
    declare(fixture, "aws_vpc.main", "{\"cidr_block\":\"10.0.0.0/16\"}");
    declare(fixture, "aws_subnet.public[\"a\"]",
            "{\"vpc_id\":{\"unknown\":\"aws_vpc.main.id\"},\"cidr_block\":\"10.0.1.0/24\"}");
    declare(fixture, "aws_subnet.public[\"b\"]",
            "{\"vpc_id\":{\"unknown\":\"aws_vpc.main.id\"},\"cidr_block\":\"10.0.2.0/24\"}");
}

static void a_network_in_a_module_is_found_by_what_it_is(void **state)
{
    struct fixture *fixture = *state;

    declare_network(fixture);
    match(fixture);
    assert_string_equal(found(fixture, "aws_vpc.main"), "module.net.aws_vpc.this[0]");
    assert_string_equal(found(fixture, "aws_subnet.public[\"a\"]"), "module.net.aws_subnet.public[1]");
    assert_string_equal(found(fixture, "aws_subnet.public[\"b\"]"), "module.net.aws_subnet.public[0]");
}

static void what_refers_to_it_tells_which_address_it_is(void **state)
{
    struct fixture *fixture = *state;

    declare_network(fixture);
    declare(fixture, "aws_eip.out", "{\"domain\":\"vpc\"}");
    match(fixture);
    assert_string_equal(found(fixture, "aws_eip.out"), "");
    assert_int_equal(js_count(fixture->report, "ambiguous.0.candidates"), 2);
    declare(fixture, "aws_nat_gateway.out",
            "{\"subnet_id\":{\"unknown\":\"aws_subnet.public[\\\"a\\\"].id\"},"
            "\"allocation_id\":{\"unknown\":\"aws_eip.out.id\"}}");
    match(fixture);
    assert_string_equal(found(fixture, "aws_nat_gateway.out"), "module.net.aws_nat_gateway.this");
    assert_string_equal(found(fixture, "aws_eip.out"), "module.net.aws_eip.nat[1]");
    assert_int_equal(js_count(fixture->report, "ambiguous"), 0);
}

static void route_tables_are_told_apart_by_their_subnets(void **state)
{
    struct fixture *fixture = *state;

    declare_network(fixture);
    declare(fixture, "aws_route_table.outer",
            "{\"vpc_id\":{\"unknown\":\"aws_vpc.main.id\"},"
            "\"subnet_ids\":[{\"unknown\":\"aws_subnet.public[\\\"a\\\"].id\"}]}");
    declare(fixture, "aws_route_table.inner",
            "{\"vpc_id\":{\"unknown\":\"aws_vpc.main.id\"},\"subnet_ids\":[],\"tags\":{\"Name\":\"inner\"}}");
    match(fixture);
    assert_string_equal(found(fixture, "aws_route_table.outer"), "module.net.aws_route_table.t[\"x\"]");
    assert_string_equal(found(fixture, "aws_route_table.inner"), "module.net.aws_route_table.t[\"y\"]");
}

static void the_same_address_does_not_help_against_another_name(void **state)
{
    struct fixture *fixture = *state;

    declare(fixture, "aws_iam_role.this", "{\"name\":\"second\"}");
    declare(fixture, "aws_iam_role.other", "{\"name\":\"nobody\"}");
    match(fixture);
    assert_string_equal(found(fixture, "aws_iam_role.this"), "aws_iam_role.more[\"k\"]");
    assert_string_equal(found(fixture, "aws_iam_role.other"), "");
    assert_string_equal(js_text(fixture->report, "missing.0"), "aws_iam_role.other");
}

static void ids_are_those_that_import_wants(void **state)
{
    struct fixture *fixture = *state;

    declare(fixture, "aws_db_instance.db", "{\"identifier\":\"abalone\"}");
    match(fixture);
    assert_string_equal(js_text(fixture->report, "things.0.id"), "abalone");
}

static void objects_of_a_cluster_are_found_by_their_names(void **state)
{
    struct fixture *fixture = *state;

    declare(fixture, "kubernetes_manifest.server",
            "{\"manifest\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\","
            "\"metadata\":{\"name\":\"mlflow\",\"namespace\":\"mlflow\"}}}");
    declare(fixture, "kubernetes_secret.password", "{\"namespace\":\"mlflow\",\"name\":\"db\"}");
    match(fixture);
    assert_string_equal(js_text(fixture->report, "things.0.id"), "apps/v1/Deployment/mlflow/mlflow");
    assert_string_equal(js_text(fixture->report, "things.1.id"), "mlflow/db");
}

static void the_rest_is_named_and_no_secret_with_it(void **state)
{
    struct fixture *fixture = *state;
    char *text CLEANUP_FREE = NULL;

    declare(fixture, "random_password.db", "{\"length\":16}");
    match(fixture);
    assert_string_equal(js_text(fixture->report, "passwords.0.from"), "random_password.db");
    assert_string_equal(js_text(fixture->report, "parts.0.whole"), "aws_route_table");
    assert_int_equal(js_int(fixture->report, "parts.0.count", 0), 1);
    assert_string_equal(js_text(fixture->report, "left.0"), "aws_cloudfront_distribution.site");
    text = js_canonical(fixture->report);
    assert_non_null(text);
    assert_null(strstr(text, "s3cret"));
    assert_null(strstr(text, "aws_caller_identity"));
    assert_null(strstr(text, "deposed"));
}

static void another_version_is_refused(void **state)
{
    static const char *const texts[] = {"{\"version\":3}", "[]", "{", "{\"resources\":[]}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        char *text = strdup(texts[i]);
        struct err err CLEANUP_ERR = {0};

        assert_non_null(text);
        assert_null(tf_state_new(text, strlen(texts[i]), &err));
        assert_true(err.code < 0);
    }
}

#define WITH_STATE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STATE(a_network_in_a_module_is_found_by_what_it_is),
        WITH_STATE(what_refers_to_it_tells_which_address_it_is),
        WITH_STATE(route_tables_are_told_apart_by_their_subnets),
        WITH_STATE(the_same_address_does_not_help_against_another_name),
        WITH_STATE(ids_are_those_that_import_wants),
        WITH_STATE(objects_of_a_cluster_are_found_by_their_names),
        WITH_STATE(the_rest_is_named_and_no_secret_with_it),
        cmocka_unit_test(another_version_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
