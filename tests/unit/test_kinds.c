/*
 * test_kinds.c: the registry and the tables of all kinds: every row is complete and
 * means something, since all else is derived from it. And the kinds' own checks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/js.h"
#include "kinds/registry-internal.h"

static void kinds_are_sorted_and_found(void **state)
{
    (void)state;
    for (size_t i = 0; kinds[i]; i++) {
        assert_ptr_equal(kind_find(kinds[i]->type), kinds[i]);
        if (i > 0)
            assert_true(strcmp(kinds[i - 1]->type, kinds[i]->type) < 0);
    }
    assert_null(kind_find("aws_iam_rol"));
    assert_null(kind_find(""));
}

static void kinds_near_in_spelling_are_suggested(void **state)
{
    (void)state;
    assert_string_equal(kind_suggest("aws_iam_rol"), "aws_iam_role");
    assert_string_equal(kind_suggest("aws_s3_buckt"), "aws_s3_bucket");
    assert_string_equal(kind_suggest("github_action_secret"), "github_actions_secret");
    assert_null(kind_suggest("kubernetes_something_else"));
    assert_null(kind_suggest(""));
}

static void check_fallback(const char *type, const struct field *row)
{
    struct json_object *value CLEANUP_JS = NULL;
    enum json_type expected;

    if (js_parse_text(row->fallback, &value, NULL) < 0)
        fail_msg("%s.%s: fallback is no JSON", type, row->name);
    if (!value) {
        /* "there must be none" is only said of fields where an extra counts */
        assert_true(row->flags & (FIELD_EXCLUSIVE | FIELD_SECURITY));
        return;
    }
    switch (row->type) {
    case FIELD_BOOLEAN:
        expected = json_type_boolean;
        break;
    case FIELD_INTEGER:
        expected = json_type_int;
        break;
    case FIELD_LIST:
    case FIELD_SET:
        expected = json_type_array;
        break;
    case FIELD_MAP:
    case FIELD_OBJECT:
    case FIELD_POLICY:
    case FIELD_DOCUMENT:
        expected = json_type_object;
        break;
    default:
        expected = json_type_string;
    }
    if (json_object_get_type(value) != expected)
        fail_msg("%s.%s: fallback of the wrong type", type, row->name);
}

static void check_rows(const char *type, const struct field *rows)
{
    for (const struct field *row = rows; row && row->name; row++) {
        bool holds = row->type == FIELD_LIST || row->type == FIELD_SET || row->type == FIELD_MAP;
        bool objects = row->type == FIELD_OBJECT || (holds && row->element == FIELD_OBJECT);

        if (!row->doc || !str_ends(row->doc, "."))
            fail_msg("%s.%s: doc is no sentence", type, row->name);
        for (const struct field *other = rows; other < row; other++)
            assert_string_not_equal(other->name, row->name);
        if (objects != (row->members != NULL))
            fail_msg("%s.%s: members", type, row->name);
        if (row->type == FIELD_SET && row->element == FIELD_OBJECT)
            assert_true(field_find(row->members, row->key) || kind_find(type)->normalise);
        if ((row->type == FIELD_ENUM) != (row->values != NULL))
            fail_msg("%s.%s: values", type, row->name);
        if (row->accepts && !row->pattern)
            fail_msg("%s.%s: a text may be refused, but no words say why", type, row->name);
        if (row->flags & FIELD_OR_WORD)
            assert_true(holds && row->pattern);
        if (row->fallback)
            check_fallback(type, row);
        assert_non_null(field_type_name(row));
        if (row->members)
            check_rows(type, row->members);
    }
}

static void kinds_have_complete_tables(void **state)
{
    (void)state;
    for (size_t i = 0; kinds[i]; i++) {
        const struct kind *kind = kinds[i];
        bool has_key = false;

        assert_true(kind->doc && str_ends(kind->doc, "."));
        check_rows(kind->type, kind->fields);
        for (const struct field *row = kind->fields; row->name; row++) {
            has_key |= (row->flags & FIELD_KEY) != 0;
            assert_null(attribute_find(kind->attributes, row->name));
        }
        for (const struct attribute *row = kind->attributes; row && row->name; row++)
            assert_true(row->doc && str_ends(row->doc, "."));
        has_key |= field_find(kind->fields, "tags") != NULL; /* ours can be found by them */
        if (!(kind->flags & KIND_LOCAL) && !has_key)
            fail_msg("%s: nothing to find it by", kind->type);
        assert_non_null(kind->observe);
        if (kind->flags & KIND_OBSERVED)
            assert_true(!kind->create && !kind->update && !kind->remove);
        else
            assert_true(kind->create && kind->remove);
        if (kind->provider == PROVIDER_AWS)
            assert_true(kind->pace.give_up_ms > 0 && kind->pace.grace_ms > 0 && kind->pace.every_ms > 0);
        assert_non_null(provider_name(kind->provider));
    }
}

static void field_types_have_names(void **state)
{
    const struct field set = {.name = "x", .type = FIELD_SET, .element = FIELD_STRING};
    const struct field text = {.name = "x", .type = FIELD_STRING};

    (void)state;
    assert_string_equal(field_type_name(&set), "set of strings");
    assert_string_equal(field_type_name(&text), "string");
}

/* ---- wire ---- */

static struct json_object *json(const char *text)
{
    struct json_object *object = NULL;
    char *copy CLEANUP_FREE = strdup(text);

    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    assert_int_equal(js_parse_text(copy, &object, NULL), 0);
    return object;
}

static void expect_json(struct json_object *object, const char *expected)
{
    char *text CLEANUP_FREE = js_canonical(object);

    for (char *c = text; *c; c++)
        *c = *c == '"' ? '\'' : *c;
    assert_string_equal(text, expected);
}

static const struct field item_fields[] = {
    {.name = "name", .type = FIELD_STRING, .wire = "Name"},
    {.name = "document", .type = FIELD_POLICY, .wire = "Body.Document"},
    {0},
};
static const struct field wire_fields[] = {
    {.name = "name", .type = FIELD_STRING, .wire = "Name"},
    {.name = "count", .type = FIELD_INTEGER, .wire = "Deep.Count"},
    {.name = "on", .type = FIELD_BOOLEAN, .wire = "Deep.On"},
    {.name = "users", .type = FIELD_SET, .element = FIELD_STRING, .wire = "Users"},
    {.name = "box", .type = FIELD_OBJECT, .members = item_fields, .wire = "Box"},
    {.name = "items",
     .type = FIELD_SET,
     .element = FIELD_OBJECT,
     .members = item_fields,
     .key = "name",
     .wire = "Items"},
    {.name = "labels", .type = FIELD_MAP, .element = FIELD_STRING, .wire = "Labels"},
    {.name = "secret", .type = FIELD_SECRET, .wire = "Secret"},
    {.name = "local", .type = FIELD_BOOLEAN, .flags = FIELD_LOCAL, .wire = "Local"},
    {.name = "own", .type = FIELD_STRING},
    {0},
};
static const struct attribute wire_attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .wire = "Arn"},
    {.name = "size", .type = FIELD_INTEGER, .wire = "Deep.Size"},
    {.name = "token", .type = FIELD_STRING, .flags = FIELD_SENSITIVE, .wire = "Token"},
    {0},
};
static const struct kind wire_kind = {.type = "wire", .fields = wire_fields, .attributes = wire_attributes};

static void assert_bounds(struct field field, const char *expected)
{
    char *bounds CLEANUP_FREE = field_bounds(&field);

    assert_string_equal(bounds, expected);
}

static void bounds_are_told_in_words(void **state)
{
    (void)state;
    assert_bounds((struct field){.type = FIELD_STRING, .min = 1, .max = 20}, "1 to 20");
    assert_bounds((struct field){.type = FIELD_SET, .min = 2}, "at least 2");
    assert_bounds((struct field){.type = FIELD_LIST, .max = 5}, "at most 5");
    assert_bounds((struct field){.type = FIELD_SET, .min = 1, .max = 1}, "exactly 1");
    assert_bounds((struct field){.type = FIELD_INTEGER, .max = 35}, "0 to 35");
    assert_bounds((struct field){.type = FIELD_INTEGER, .min = -1}, "-1 to 0");
}

static void wire_write_places_what_has_a_path(void **state)
{
    struct json_object *document CLEANUP_JS = json(
        "{'name':'n','count':3,'on':false,'users':['a'],'box':{'document':{'b':1,'a':[2]}},"
        "'items':[{'name':'i','document':'{ \\u0022x\\u0022: 1 "
        "}'}],'labels':{'a.b':'c'},'secret':{'secret':'f'},"
        "'local':true,'own':'o','other':1}");
    struct json_object *request CLEANUP_JS = wire_write(wire_fields, document);

    (void)state;
    expect_json(request,
                "{'Box':{'Body':{'Document':'{\\'a\\':[2],\\'b\\':1}'}},'Deep':{'Count':3,'On':false},"
                "'Items':[{'Body':{'Document':'{\\'x\\':1}'},'Name':'i'}],'Labels':{'a.b':'c'},'Name':'n',"
                "'Users':['a']}");
}

static void wire_write_leaves_out_nulls_and_unknowns(void **state)
{
    struct json_object *document CLEANUP_JS = json("{'name':null,'count':{'unknown':'a.b.c'}}");
    struct json_object *request CLEANUP_JS = wire_write(wire_fields, document);

    (void)state;
    expect_json(request, "{}");
}

static void wire_read_types_by_the_rows(void **state)
{
    struct json_object *answer CLEANUP_JS = json(
        "{'Name':12,'Deep':{'Count':'3600','On':'true','Size':'7'},'Users':['a',1],"
        "'Box':{'Name':'b','Body':{'Document':'%7B%22a%22%3A1%7D'},'More':1},'Labels':{'x':'y'},'Secret':'s',"
        "'Arn':'arn:x','Token':'t','Unheard':1}");
    struct json_object *observed CLEANUP_JS = json("{'own':'kept','users':['old']}");

    (void)state;
    assert_int_equal(wire_read(&wire_kind, answer, observed), 0);
    expect_json(observed,
                "{'arn':'arn:x','box':{'document':{'a':1},'name':'b'},'count':3600,'labels':{'x':'y'},"
                "'name':'12','on':true,'own':'kept','size':7,'users':['a','1']}");
}

static void wire_read_keeps_what_does_not_fit(void **state)
{
    struct json_object *answer CLEANUP_JS = json(
        "{'Deep':{'Count':'many','On':'perhaps'},'Box':{'Body':{'Document':'{'}}}");
    struct json_object *observed CLEANUP_JS = json("{}");

    (void)state;
    assert_int_equal(wire_read(&wire_kind, answer, observed), 0);
    expect_json(observed, "{'box':{'document':'{'},'count':'many','on':'perhaps'}");
}

static void tags_go_both_ways(void **state)
{
    struct json_object *map CLEANUP_JS = json("{'a.b':'1','n':2}");
    struct json_object *list CLEANUP_JS = tags_to_list(map, "Key", "Value");
    struct json_object *odd CLEANUP_JS = json("[{'Key':'a'},{'Value':'x'},{'Key':'b','Value':'y'}]");
    struct json_object *back CLEANUP_JS = tags_from_list(list, "Key", "Value");
    struct json_object *read CLEANUP_JS = tags_from_list(odd, "Key", "Value");
    struct json_object *none CLEANUP_JS = tags_from_list(NULL, "Key", "Value");

    (void)state;
    expect_json(list, "[{'Key':'a.b','Value':'1'},{'Key':'n','Value':'2'}]");
    expect_json(back, "{'a.b':'1','n':'2'}");
    expect_json(read, "{'a':'','b':'y'}");
    expect_json(none, "{}");
}

/* ---- checks ---- */

struct listener {
    struct kind_check check;
    char said[2048];
};

static void hear(struct kind_check *check, const char *path, const char *format, ...) PRINTF_LIKE(3, 4);
static void hear(struct kind_check *check, const char *path, const char *format, ...)
{
    struct listener *listener = container_of(check, struct listener, check);
    size_t used = strlen(listener->said);

    (void)format; /* the words may change */
    assert_true((size_t)snprintf(listener->said + used, sizeof(listener->said) - used, "%s;", path) <
                sizeof(listener->said) - used);
}

static void expect_said(const char *type, const char *text, const char *paths)
{
    struct json_object *document CLEANUP_JS = json(text);
    struct listener listener = {.check = {.document = document, .problem = hear, .warning = hear}};

    kind_find(type)->check(&listener.check);
    if (strcmp(listener.said, paths) != 0)
        fail_msg("%s %s: \"%s\"", type, text, listener.said);
}

static void checks_find_tags_that_can_not_be(void **state)
{
    char *text CLEANUP_FREE = str_format("{'tags':{'%0130d':'x'}}", 1),
               *path CLEANUP_FREE = str_format("tags.%0130d;", 1);

    (void)state;
    expect_said("aws_ecr_repository", "{'tags':{'aws:x':'1'}}", "tags.aws:x;");
    expect_said("aws_ecr_repository", "{'tags':{'mlopsd:platform':'1'}}", "tags.mlopsd:platform;");
    expect_said("aws_ecr_repository", "{'tags':{'a':'b[c]'}}", "tags.a;");
    expect_said("aws_ecr_repository", "{'tags':{'a':'${x[\\u0022y\\u0022].z}'}}", "");
    expect_said("aws_ecr_repository", "{'tags':{'Ärger im Büro':'ü 1_./=+-:@'}}", "");
    expect_said("aws_ecr_repository", text, path);
}

static void checks_of_roles(void **state)
{
    (void)state;
    expect_said("aws_iam_role", "{'assume_role_policy':{'Statement':[]}}", "");
    expect_said("aws_iam_role", "{'assume_role_policy':{'Stat':[]}}", "assume_role_policy;");
    expect_said("aws_iam_role", "{'assume_role_policy':'nonsense'}", "assume_role_policy;");
    expect_said("aws_iam_role", "{'assume_role_policy':'${var.x}'}", "");
    expect_said("aws_iam_role",
                "{'assume_role_policy':{'Statement':{'Effect':'Allow','Principal':'*','Action':'*'}}}",
                "assume_role_policy.Statement;");
    expect_said("aws_iam_role",
                "{'assume_role_policy':{'Statement':[]},'inline_policy':[{'name':'a','policy':{}}]}",
                "inline_policy.0.policy;");
    expect_said("aws_iam_role", "{'assume_role_policy':{'Statement':[]},'path':'/aws-service-role/x/'}",
                "path;");
}

static struct json_object *a_vpc(struct kind_check *check, const char *field)
{
    (void)check;
    return strcmp(field, "vpc_id") == 0 ? json("{'cidr_block':'10.0.0.0/16'}") : NULL;
}

static void expect_subnet(const char *text, const char *paths)
{
    struct json_object *document CLEANUP_JS = json(text);
    struct listener listener = {
        .check = {.document = document, .problem = hear, .warning = hear, .referred = a_vpc}};

    kind_find("aws_subnet")->check(&listener.check);
    if (strcmp(listener.said, paths) != 0)
        fail_msg("%s: \"%s\"", text, listener.said);
}

static void checks_of_subnets(void **state)
{
    (void)state;
    expect_subnet("{'cidr_block':'10.0.255.0/24'}", "");
    expect_subnet("{'cidr_block':'10.0.0.0/16'}", "");
    expect_subnet("{'cidr_block':'10.1.0.0/24'}", "cidr_block;");
    expect_subnet("{'cidr_block':'10.0.0.0/15'}", "cidr_block;cidr_block;");
    expect_subnet("{'cidr_block':'10.0.0.0/29'}", "cidr_block;");
    expect_subnet("{'cidr_block':'${aws_x.y.z}'}", "");
}

static void checks_of_providers(void **state)
{
    (void)state;
    expect_said("aws_iam_openid_connect_provider", "{'thumbprint_list':['auto']}", "");
    expect_said("aws_iam_openid_connect_provider", "{}", "");
    expect_said("aws_iam_openid_connect_provider",
                "{'thumbprint_list':['auto','6938fd4d98bab03faadb97b34396831e3780aea1']}",
                "thumbprint_list;");
    expect_said("aws_iam_openid_connect_provider", "{'thumbprint_list':['6938']}", "thumbprint_list;");
    expect_said("aws_iam_openid_connect_provider",
                "{'thumbprint_list':['6938FD4d98bab03faadb97b34396831e3780aea1']}", "");
}

static void checks_of_buckets_and_repositories(void **state)
{
    (void)state;
    expect_said("aws_s3_bucket",
                "{'server_side_encryption_configuration':{'sse_algorithm':'AES256','kms_master_key_id':'k'}}",
                "server_side_encryption_configuration.kms_master_key_id;");
    expect_said("aws_s3_bucket", "{'policy':{}}", "policy;");
    expect_said("aws_ecr_repository", "{'encryption_configuration':{'kms_key':'k'}}",
                "encryption_configuration.kms_key;");
    expect_said("aws_ecr_repository", "{'encryption_configuration':{'encryption_type':'KMS','kms_key':'k'}}",
                "");
}

static void checks_of_studio_domains(void **state)
{
    (void)state;
    expect_said("aws_sagemaker_domain",
                "{'app_network_access_type':'VpcOnly','default_user_settings':{'execution_role':'r'}}",
                "default_user_settings.security_groups;");
    expect_said("aws_sagemaker_domain",
                "{'app_network_access_type':'PublicInternetOnly','default_user_settings':{}}",
                "default_user_settings.execution_role;");
    expect_said("aws_sagemaker_domain",
                "{'app_network_access_type':'VpcOnly',"
                "'default_user_settings':{'execution_role':'r','security_groups':['sg-1']}}",
                "");
}

static void checks_of_databases(void **state)
{
    (void)state;
    expect_said("aws_db_instance", "{}", "");
    expect_said("aws_db_instance", "{'password':'short'}", "password;");
    expect_said("aws_db_instance", "{'password':'with@sign-and-more'}", "password;");
    expect_said("aws_db_instance", "{'password':'long-enough!'}", "");
    expect_said("aws_db_instance", "{'password':'${random_password.db.result}'}", "");
    expect_said("aws_db_instance", "{'allocated_storage':20,'max_allocated_storage':20}",
                "max_allocated_storage;");
    expect_said("aws_db_instance", "{'allocated_storage':20,'max_allocated_storage':0}", "");
    expect_said("aws_db_instance", "{'storage_type':'io2'}", "iops;");
    expect_said("aws_db_instance", "{'publicly_accessible':true,'backup_retention_period':0}",
                "publicly_accessible;backup_retention_period;");
    expect_said("aws_db_instance", "{'storage_encrypted':false}", "storage_encrypted;");
    expect_said("aws_db_instance", "{'skip_final_snapshot':true,'final_snapshot_identifier':'x'}", "");
}

static bool accepts(const char *type, const char *field, const char *text)
{
    return field_find(kind_find(type)->fields, field)->accepts(text);
}

static void names_are_checked_by_their_rows(void **state)
{
    (void)state;
    assert_true(accepts("aws_s3_bucket", "bucket", "jd-models.2"));
    assert_true(accepts("aws_s3_bucket", "bucket", "${var.name}-x"));
    assert_false(accepts("aws_s3_bucket", "bucket", "JD"));
    assert_false(accepts("aws_s3_bucket", "bucket", "a_b"));
    assert_false(accepts("aws_s3_bucket", "bucket", "-ab"));
    assert_false(accepts("aws_s3_bucket", "bucket", "a..b"));
    assert_true(accepts("aws_iam_role", "name", "Git_Hub+=,.@-1"));
    assert_false(accepts("aws_iam_role", "name", "a b"));
    assert_true(accepts("aws_iam_role", "path", "/a/"));
    assert_false(accepts("aws_iam_role", "path", "/a"));
    assert_true(accepts("aws_ecr_repository", "name", "ml/model-1"));
    assert_false(accepts("aws_ecr_repository", "name", "ML/model"));
    assert_true(accepts("aws_db_instance", "identifier", "mlflow-1"));
    assert_false(accepts("aws_db_instance", "identifier", "MLflow"));
    assert_false(accepts("aws_db_instance", "identifier", "1mlflow"));
    assert_false(accepts("aws_db_instance", "identifier", "a--b"));
    assert_false(accepts("aws_db_instance", "identifier", "a-"));
    assert_true(accepts("aws_db_subnet_group", "name", "mlflow subnets_1.2"));
    assert_false(accepts("aws_db_subnet_group", "name", "default"));
    assert_true(accepts("aws_iam_openid_connect_provider", "url", "https://a.b/id/X"));
    assert_false(accepts("aws_iam_openid_connect_provider", "url", "http://a.b"));
    assert_false(accepts("aws_iam_openid_connect_provider", "url", "https://"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_sorted_and_found),
        cmocka_unit_test(kinds_near_in_spelling_are_suggested),
        cmocka_unit_test(kinds_have_complete_tables),
        cmocka_unit_test(field_types_have_names),
        cmocka_unit_test(bounds_are_told_in_words),
        cmocka_unit_test(wire_write_places_what_has_a_path),
        cmocka_unit_test(wire_write_leaves_out_nulls_and_unknowns),
        cmocka_unit_test(wire_read_types_by_the_rows),
        cmocka_unit_test(wire_read_keeps_what_does_not_fit),
        cmocka_unit_test(tags_go_both_ways),
        cmocka_unit_test(checks_find_tags_that_can_not_be),
        cmocka_unit_test(checks_of_roles),
        cmocka_unit_test(checks_of_subnets),
        cmocka_unit_test(checks_of_providers),
        cmocka_unit_test(checks_of_buckets_and_repositories),
        cmocka_unit_test(checks_of_studio_domains),
        cmocka_unit_test(checks_of_databases),
        cmocka_unit_test(names_are_checked_by_their_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
