/*
 * test_trust.c: which trust policies let strangers in. Each case is the
 * Condition of a statement for GitHub's workflows and what is said about it.
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

#define AUD "'token.actions.githubusercontent.com:aud':'sts.amazonaws.com'"
#define SUB "'token.actions.githubusercontent.com:sub':"

/** A check that counts and keeps the last text of each sort. */
struct listener {
    struct kind_check check;
    unsigned problems, warnings;
    char text[1024], path[256];
};

static void hear(struct kind_check *check, const char *path, const char *format, va_list arguments)
{
    struct listener *listener = container_of(check, struct listener, check);

    assert_true(vsnprintf(listener->text, sizeof(listener->text), format, arguments) > 0);
    assert_true(snprintf(listener->path, sizeof(listener->path), "%s", path) > 0);
}

static void problem(struct kind_check *check, const char *path, const char *format, ...) PRINTF_LIKE(3, 4);
static void problem(struct kind_check *check, const char *path, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    hear(check, path, format, arguments);
    va_end(arguments);
    container_of(check, struct listener, check)->problems++;
}

static void warning(struct kind_check *check, const char *path, const char *format, ...) PRINTF_LIKE(3, 4);
static void warning(struct kind_check *check, const char *path, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    hear(check, path, format, arguments);
    va_end(arguments);
    container_of(check, struct listener, check)->warnings++;
}

static struct json_object *json(const char *text)
{
    struct json_object *object = NULL;
    char *copy CLEANUP_FREE = strdup(text);

    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    assert_int_equal(js_parse_text(copy, &object, NULL), 0);
    return object;
}

static struct listener judge_policy(const char *text, bool allow)
{
    struct listener listener = {
        .check = {
            .platform_repository = "o/r", .allow_wide_trust = allow, .problem = problem, .warning = warning}};
    struct json_object *policy CLEANUP_JS = json(text);

    trust_check(&listener.check, "assume_role_policy", policy);
    return listener;
}

static struct listener judge(const char *condition)
{
    char *text CLEANUP_FREE = str_format(
        "{'Statement':[{'Effect':'Allow','Action':'sts:AssumeRoleWithWebIdentity',"
        "'Principal':{'Federated':'${aws_iam_openid_connect_provider.github.arn}'},'Condition':%s}]}",
        condition);

    return judge_policy(text, false);
}

static void expect(const char *condition, unsigned problems, unsigned warnings)
{
    struct listener listener = judge(condition);

    if (listener.problems != problems || listener.warnings != warnings)
        fail_msg("%s: %u problems, %u warnings, last: %s", condition, listener.problems, listener.warnings,
                 listener.text);
}

static void trust_in_named_subjects_is_fine(void **state)
{
    (void)state;
    expect("{'StringEquals':{" AUD "," SUB "'repo:o/r:ref:refs/heads/main'}}", 0, 0);
    expect("{'StringEquals':{" AUD "," SUB "['repo:o/r:ref:refs/heads/main','repo:o/r:environment:prod']}}",
           0, 0);
    expect("{'StringEquals':{" AUD "},'StringLike':{" SUB "'repo:o/r:ref:refs/heads/main'}}", 0, 0);
    expect("{'ForAnyValue:StringEquals':{" AUD "," SUB "'repo:o/r:pull_request'}}", 0, 0);
    expect("{'StringEquals':{" AUD "," SUB "'${github.oidc_subject_prefix}:ref:refs/heads/main'}}", 0, 0);
    expect("{'StringEquals':{" AUD "," SUB "'repo:o@1/r@22:environment:prod'}}", 0, 0);
    expect("{'StringEquals':{'token.actions.githubusercontent.com:AUD':'a','TOKEN.actions.githubusercontent."
           "com:SUB':"
           "'repo:o/r:pull_request'}}",
           0, 0);
}

static void trust_in_a_whole_repository_is_warned_about(void **state)
{
    (void)state;
    expect("{'StringEquals':{" AUD "},'StringLike':{" SUB "'repo:o/r:*'}}", 0, 1);
    expect("{'StringEquals':{" AUD "},'StringLike':{" SUB "'repo:o/r:ref:refs/heads/*'}}", 0, 1);
    expect("{'StringEquals':{" AUD "},'StringLike':{" SUB "'${github.oidc_subject_prefix}:*'}}", 0, 1);
    expect("{'StringEquals':{" AUD "},'StringLike':{" SUB "'repo:${github.repository}:*'}}", 0, 1);
}

static void trust_in_other_repositories_is_refused(void **state)
{
    static const char *const wide[] = {"*",
                                       "repo:*",
                                       "repo:o/*",
                                       "repo:o/*:ref:refs/heads/main",
                                       "repo:o/r*",
                                       "repo:o/r*:x",
                                       "repo:?/r:x",
                                       "re*:o/r:ref:refs/heads/main",
                                       "repo:o/r?",
                                       "*:o/r:x",
                                       "${github.oidc_subject_prefix}*",
                                       "repo:${github.owner}/*:x"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wide); i++) {
        char *condition CLEANUP_FREE = str_format("{'StringEquals':{" AUD "},'StringLike':{" SUB "'%s'}}",
                                                  wide[i]);

        expect(condition, 1, 0);
    }
    /* One wide value among narrow ones is enough. */
    expect("{'StringEquals':{" AUD "},'StringLike':{" SUB "['repo:o/r:pull_request','repo:o/*']}}", 1, 0);
}

static void trust_without_a_subject_is_refused(void **state)
{
    (void)state;
    expect("{'StringEquals':{" AUD "}}", 1, 0);
    expect("null", 1, 0);
    expect("{}", 1, 0);
    expect("{'StringEquals':{" AUD "," SUB "[]}}", 1, 0);
    expect("{'StringEquals':{" AUD "},'StringNotEquals':{" SUB "'repo:o/r:pull_request'}}", 1, 0);
    expect("{'StringEquals':{" AUD "},'Null':{" SUB "'false'}}", 1, 0);
}

static void trust_that_holds_without_the_claim_is_refused(void **state)
{
    (void)state;
    expect("{'StringEquals':{" AUD "},'ForAllValues:StringEquals':{" SUB "'repo:o/r:pull_request'}}", 1, 0);
    expect("{'StringEquals':{" AUD "},'StringLikeIfExists':{" SUB "'repo:o/r:pull_request'}}", 1, 0);
    expect("{'StringEquals':{" AUD "},'ForAnyValue:StringLikeIfExists':{" SUB "'repo:o/r:pull_request'}}", 1,
           0);
}

static void trust_takes_the_narrowest_of_its_conditions(void **state)
{
    (void)state;
    expect("{'StringEquals':{" AUD "," SUB "'repo:o/r:pull_request'},'StringLike':{" SUB "'*'}}", 0, 0);
}

static void trust_without_an_audience_is_warned_about(void **state)
{
    (void)state;
    expect("{'StringEquals':{" SUB "'repo:o/r:pull_request'}}", 0, 1);
}

static void trust_knows_the_platforms_repository(void **state)
{
    (void)state;
    expect("{'StringEquals':{" AUD "," SUB "'repo:O/r:pull_request'}}", 0, 1);
    assert_non_null(
        strstr(judge("{'StringEquals':{" AUD "," SUB "'repo:O/r:pull_request'}}").text, "capital"));
    expect("{'StringEquals':{" AUD "," SUB "'repo:o/other:pull_request'}}", 0, 1);
    expect("{'StringEquals':{" AUD "," SUB "'repo:o@1/other@2:pull_request'}}", 0, 1);
}

static void trust_warns_of_stars_that_equals_takes_by_the_letter(void **state)
{
    (void)state;
    expect("{'StringEquals':{" AUD "," SUB "'repo:o/r:*'}}", 0, 1);
}

static void trust_may_be_wide_when_the_config_says_so(void **state)
{
    static const char text[] = "{'Statement':{'Effect':'Allow','Action':'sts:*','Principal':{'Federated':"
                               "'arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com'}}}";
    struct listener listener = judge_policy(text, true);

    (void)state;
    assert_int_equal(listener.problems, 0);
    assert_true(listener.warnings > 0);
    listener = judge_policy(text, false);
    assert_int_equal(listener.problems, 1);
    assert_string_equal(listener.path, "assume_role_policy.Statement");
}

static void trust_of_everybody_is_refused(void **state)
{
    (void)state;
    assert_int_equal(
        judge_policy("{'Statement':[{'Effect':'Allow','Principal':'*','Action':'sts:AssumeRole'}]}", false)
            .problems,
        1);
    assert_int_equal(
        judge_policy("{'Statement':[{'Effect':'Allow','Principal':{'AWS':['1','*']},'Action':'*'}]}", false)
            .problems,
        1);
    assert_int_equal(
        judge_policy("{'Statement':[{'Effect':'Allow','NotPrincipal':{'AWS':'1'},'Action':'*'}]}", false)
            .problems,
        1);
    assert_int_equal(
        judge_policy("{'Statement':[{'Effect':'Deny','Principal':'*','Action':'sts:AssumeRole'}]}", false)
            .problems,
        0);
}

static void trust_in_services_and_accounts_is_fine(void **state)
{
    struct listener listener = judge_policy(
        "{'Statement':[{'Effect':'Allow','Principal':{'Service':'eks.amazonaws.com'},'Action':'sts:"
        "AssumeRole'},"
        "{'Effect':'Allow','Principal':{'AWS':'arn:aws:iam::1:root'},'Action':'sts:AssumeRole'}]}",
        false);

    (void)state;
    assert_int_equal(listener.problems + listener.warnings, 0);
}

static void trust_for_a_cluster_needs_a_subject_too(void **state)
{
    static const char principal[] =
        "'Principal':{'Federated':'arn:aws:iam::1:oidc-provider/oidc.eks.x/id/A'},"
        "'Action':'sts:AssumeRoleWithWebIdentity'";
    char *with CLEANUP_FREE = str_format(
        "{'Statement':[{'Effect':'Allow',%s,'Condition':{'StringLike':{'oidc.eks.x/id/A:sub':"
        "'system:serviceaccount:ns:*'}}}]}",
        principal);
    char *without CLEANUP_FREE = str_format("{'Statement':[{'Effect':'Allow',%s}]}", principal);

    (void)state;
    assert_int_equal(judge_policy(with, false).problems, 0);
    assert_int_equal(judge_policy(without, false).problems, 1);
}

static void trust_names_the_statement(void **state)
{
    struct listener listener = judge_policy(
        "{'Statement':[{'Effect':'Allow','Principal':{'AWS':'1'},'Action':'sts:AssumeRole'},"
        "{'Effect':'Allow','Principal':'*','Action':'sts:AssumeRole'}]}",
        false);

    (void)state;
    assert_string_equal(listener.path, "assume_role_policy.Statement.1");
}

static void trust_as_text_is_read(void **state)
{
    struct json_object *text CLEANUP_JS = json_object_new_string(
        "{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\"}}");
    struct listener listener = {.check = {.problem = problem, .warning = warning}};

    (void)state;
    trust_check(&listener.check, "p", text);
    assert_int_equal(listener.problems, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trust_in_named_subjects_is_fine),
        cmocka_unit_test(trust_in_a_whole_repository_is_warned_about),
        cmocka_unit_test(trust_in_other_repositories_is_refused),
        cmocka_unit_test(trust_without_a_subject_is_refused),
        cmocka_unit_test(trust_that_holds_without_the_claim_is_refused),
        cmocka_unit_test(trust_takes_the_narrowest_of_its_conditions),
        cmocka_unit_test(trust_without_an_audience_is_warned_about),
        cmocka_unit_test(trust_knows_the_platforms_repository),
        cmocka_unit_test(trust_warns_of_stars_that_equals_takes_by_the_letter),
        cmocka_unit_test(trust_may_be_wide_when_the_config_says_so),
        cmocka_unit_test(trust_of_everybody_is_refused),
        cmocka_unit_test(trust_in_services_and_accounts_is_fine),
        cmocka_unit_test(trust_for_a_cluster_needs_a_subject_too),
        cmocka_unit_test(trust_names_the_statement),
        cmocka_unit_test(trust_as_text_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
