/*
 * test_policy.c: when two policies mean the same: the rules one by one.
 *
 * check_policy.py compares with a second implementation over random policies.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/js.h"
#include "kinds/diff.h"

/* Single quotes for double ones, so that policies can be read. */
static struct json_object *json(const char *text)
{
    struct json_object *object = NULL;
    char *copy CLEANUP_FREE = strdup(text);

    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    assert_int_equal(js_parse_text(copy, &object, NULL), 0);
    return object;
}

static bool equal(const char *a, const char *b)
{
    struct json_object *first CLEANUP_JS = json(a);
    struct json_object *second CLEANUP_JS = json(b);
    bool result = false, reverse = false;

    assert_int_equal(policy_equal(first, second, &result, NULL), 0);
    assert_int_equal(policy_equal(second, first, &reverse, NULL), 0);
    assert_int_equal(result, reverse);
    return result;
}

/* Two statements, each in a document of its own. */
static bool same(const char *a, const char *b)
{
    char *first CLEANUP_FREE = str_format("{'Statement':[%s]}", a);
    char *second CLEANUP_FREE = str_format("{'Statement':[%s]}", b);

    return equal(first, second);
}

static void policy_without_version_is_of_2008(void **state)
{
    (void)state;
    assert_true(equal("{'Statement':[]}", "{'Version':'2008-10-17','Statement':[]}"));
    assert_false(equal("{'Statement':[]}", "{'Version':'2012-10-17','Statement':[]}"));
}

static void policy_id_is_compared_as_it_is(void **state)
{
    (void)state;
    assert_false(equal("{'Id':'a','Statement':[]}", "{'Id':'b','Statement':[]}"));
    assert_false(equal("{'Id':'','Statement':[]}", "{'Statement':[]}"));
}

static void policy_statements_are_a_multiset(void **state)
{
    (void)state;
    assert_true(equal("{'Statement':{'Effect':'Allow'}}", "{'Statement':[{'Effect':'Allow'}]}"));
    assert_true(equal("{'Statement':[{'Sid':'a'},{'Sid':'b'}]}", "{'Statement':[{'Sid':'b'},{'Sid':'a'}]}"));
    assert_false(equal("{'Statement':[{'Sid':'a'},{'Sid':'a'}]}", "{'Statement':[{'Sid':'a'}]}"));
}

static void policy_sid_may_be_empty_or_missing(void **state)
{
    (void)state;
    assert_true(same("{'Sid':''}", "{}"));
    assert_false(same("{'Sid':'A'}", "{'Sid':'a'}"));
    assert_false(same("{'Sid':'A'}", "{}"));
}

static void policy_effect_ignores_case(void **state)
{
    (void)state;
    assert_true(same("{'Effect':'Allow'}", "{'Effect':'ALLOW'}"));
    assert_false(same("{'Effect':'Allow'}", "{'Effect':'Deny'}"));
}

static void policy_actions_are_sets_without_case(void **state)
{
    (void)state;
    assert_true(same("{'Action':'s3:GetObject'}", "{'Action':['S3:getobject']}"));
    assert_true(same("{'NotAction':['a:b','c:d','a:B']}", "{'NotAction':['c:d','a:b']}"));
    assert_false(same("{'Action':'s3:Get*'}", "{'NotAction':'s3:Get*'}"));
    assert_false(same("{'Action':'s3:Get*'}", "{'Action':['s3:Get*','s3:GetObject']}"));
    assert_false(same("{'Action':[]}", "{}"));
}

static void policy_resources_are_sets_with_case(void **state)
{
    (void)state;
    assert_true(same("{'Resource':'arn:a'}", "{'Resource':['arn:a']}"));
    assert_true(same("{'NotResource':['b','a']}", "{'NotResource':['a','b']}"));
    assert_false(same("{'Resource':'arn:a'}", "{'Resource':'arn:A'}"));
}

static void policy_principal_star_means_aws_star(void **state)
{
    (void)state;
    assert_true(same("{'Principal':'*'}", "{'Principal':{'AWS':'*'}}"));
    assert_true(same("{'Principal':'*'}", "{'Principal':{'AWS':['*']}}"));
    assert_false(same("{'Principal':'*'}", "{'Principal':{'Federated':'*'}}"));
    assert_false(same("{'Principal':'*'}", "{'NotPrincipal':'*'}"));
}

static void policy_account_means_its_root(void **state)
{
    (void)state;
    assert_true(same("{'Principal':{'AWS':'123456789012'}}",
                     "{'Principal':{'AWS':'arn:aws:iam::123456789012:root'}}"));
    assert_true(same("{'Principal':{'AWS':'123456789012'}}",
                     "{'Principal':{'AWS':'arn:aws-cn:iam::123456789012:root'}}"));
    assert_false(same("{'Principal':{'AWS':'123456789012'}}",
                      "{'Principal':{'AWS':'arn:aws:iam::210987654321:root'}}"));
    assert_false(same("{'Principal':{'AWS':'123456789012'}}",
                      "{'Principal':{'AWS':'arn:aws:iam::123456789012:role/root'}}"));
    assert_false(
        same("{'Principal':{'AWS':'12345678901'}}", "{'Principal':{'AWS':'arn:aws:iam::12345678901:root'}}"));
    assert_false(same("{'Principal':{'AWS':'AROAEXAMPLE'}}",
                      "{'Principal':{'AWS':'arn:aws:iam::123456789012:role/x'}}"));
}

static void policy_principals_are_sets_by_type(void **state)
{
    (void)state;
    assert_true(same("{'Principal':{'AWS':['a','b'],'Service':'s'}}",
                     "{'Principal':{'Service':['s'],'AWS':['b','a']}}"));
    assert_true(same("{'Principal':{'AWS':'a','Service':[]}}", "{'Principal':{'AWS':'a'}}"));
    assert_false(same("{'Principal':{'AWS':'a'}}", "{'Principal':{'Service':'a'}}"));
    assert_false(same("{'Principal':{'AWS':'a'}}", "{'Principal':{'AWS':['a','b']}}"));
}

static void policy_condition_values_are_sets_of_text(void **state)
{
    (void)state;
    assert_true(same("{'Condition':{'Bool':{'aws:SecureTransport':false}}}",
                     "{'Condition':{'Bool':{'AWS:securetransport':['false']}}}"));
    assert_true(
        same("{'Condition':{'NumericEquals':{'k':12}}}", "{'Condition':{'NumericEquals':{'k':'12'}}}"));
    assert_true(same("{'Condition':{'S':{'k':['a','b']}}}", "{'Condition':{'S':{'k':['b','a','b']}}}"));
    assert_false(same("{'Condition':{'S':{'k':'a'}}}", "{'Condition':{'S':{'k':'A'}}}"));
    assert_false(
        same("{'Condition':{'StringEquals':{'k':'a'}}}", "{'Condition':{'stringequals':{'k':'a'}}}"));
    assert_false(same("{'Condition':{'S':{'k':'a'}}}", "{'Condition':{'S':{'k':['a','b']}}}"));
    assert_false(same("{'Condition':{'S':{'k':'a'}}}", "{}"));
}

static void policy_condition_keys_that_differ_in_case_are_both_kept(void **state)
{
    (void)state;
    assert_false(same("{'Condition':{'S':{'k':'a','K':'b'}}}", "{'Condition':{'S':{'k':['a','b']}}}"));
    assert_false(same("{'Condition':{'S':{'k':'a','K':'b'}}}", "{'Condition':{'S':{'k':'a'}}}"));
}

static void policy_unknown_members_are_json(void **state)
{
    (void)state;
    assert_true(same("{'X':{'a':[1,2],'b':1.0}}", "{'X':{'b':1,'a':[1,2]}}"));
    assert_false(same("{'X':[1,2]}", "{'X':[2,1]}"));
    assert_false(equal("{'Statement':[],'X':1}", "{'Statement':[],'X':2}"));
}

static void policy_may_stand_as_text(void **state)
{
    struct json_object *text CLEANUP_JS = json_object_new_string("{\"Statement\":{\"Effect\":\"allow\"}}");
    struct json_object *object CLEANUP_JS = json("{'Statement':[{'Effect':'Allow'}]}");
    bool result = false;

    (void)state;
    assert_int_equal(policy_equal(text, object, &result, NULL), 0);
    assert_true(result);
}

static void policy_that_is_none_is_refused(void **state)
{
    static const char *const none[] = {
        "[]", "{}", "12", "'text'", "'[]'", "{'Statement':'x'}", "{'Statement':['x']}", "{'Statement':null}"};
    struct json_object *good CLEANUP_JS = json("{'Statement':[]}");

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
        struct json_object *bad CLEANUP_JS = json(none[i]);
        struct err err CLEANUP_ERR = {0};
        bool result = true;

        assert_int_equal(policy_equal(bad, good, &result, &err), -EBADMSG);
        assert_int_equal(policy_equal(good, bad, &result, &err), -EBADMSG);
        assert_true(result); /* untouched */
        assert_null(policy_canonical(bad, &err));
    }
    assert_int_equal(policy_equal(NULL, good, &(bool){0}, NULL), -EBADMSG);
}

static void policy_canonical_form_is_its_own(void **state)
{
    struct json_object *policy CLEANUP_JS = json(
        "{'Statement':{'Effect':'Allow','Action':['b','A'],'Principal':'*','Condition':{'S':{'K':1}}}}");
    struct json_object *once CLEANUP_JS = policy_canonical(policy, NULL);
    struct json_object *twice CLEANUP_JS = policy_canonical(once, NULL);
    char *text CLEANUP_FREE = js_canonical(once);

    (void)state;
    assert_true(js_equal(once, twice));
    assert_string_equal(text,
                        "{\"Statement\":[{\"Action\":[\"a\",\"b\"],\"Condition\":{\"S\":{\"k\":[\"1\"]}},"
                        "\"Effect\":\"allow\",\"Principal\":{\"AWS\":[\"*\"]}}],\"Version\":\"2008-10-17\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_without_version_is_of_2008),
        cmocka_unit_test(policy_id_is_compared_as_it_is),
        cmocka_unit_test(policy_statements_are_a_multiset),
        cmocka_unit_test(policy_sid_may_be_empty_or_missing),
        cmocka_unit_test(policy_effect_ignores_case),
        cmocka_unit_test(policy_actions_are_sets_without_case),
        cmocka_unit_test(policy_resources_are_sets_with_case),
        cmocka_unit_test(policy_principal_star_means_aws_star),
        cmocka_unit_test(policy_account_means_its_root),
        cmocka_unit_test(policy_principals_are_sets_by_type),
        cmocka_unit_test(policy_condition_values_are_sets_of_text),
        cmocka_unit_test(policy_condition_keys_that_differ_in_case_are_both_kept),
        cmocka_unit_test(policy_unknown_members_are_json),
        cmocka_unit_test(policy_may_stand_as_text),
        cmocka_unit_test(policy_that_is_none_is_refused),
        cmocka_unit_test(policy_canonical_form_is_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
