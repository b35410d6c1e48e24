/*
 * test_view_plan.c: plans, whole texts.
 */
#include "view_fixture.h"

#define CHANGE(path, what, desired, observed, more)                                                          \
    "{'path':'" path "','what':'" what "','desired':" desired ",'observed':" observed                        \
    ",'severity':'notice'," more "}"
#define OPEN "'sensitive':false,'known_after_apply':false,'place':'p.yaml:3:5'"

static void assert_plan(const char *platforms, const char *expected)
{
    struct json_object *reply;
    char *text = str_format("{'platforms':[%s]}", platforms);
    struct page page;

    reply = document(text);
    page_init(&page, 80);
    view_plan(&page.view, reply);
    assert_page(&page, expected);
    json_object_put(reply);
    free(text);
}

static void plan_without_actions_says_no_changes(void **state)
{
    (void)state;
    assert_plan("{'name':'abalone','generation':3,'actions':[],'unknown':[],'calls':7}",
                "Platform abalone, generation 3\n"
                "\n"
                "No changes. What is there is what the files say.\n");
}

static void plan_of_a_create_lists_what_will_be_set(void **state)
{
    (void)state;
    assert_plan(
        "{'name':'abalone','generation':1,'unknown':[],'actions':[{'address':'aws_iam_role.deploy',"
        "'type':'aws_iam_role','action':'create','reason':'not there yet','held':null,'place':'p.yaml:3:5',"
        "'changes':[" CHANGE("name", "missing", "'`deploy`'", "null", OPEN) "," CHANGE(
            "boundary", "missing", "null", "null",
            "'sensitive':false,'known_after_apply':true") "," CHANGE("password", "missing", "null", "null",
                                                                     "'sensitive':true,'known_after_apply':"
                                                                     "false") "," CHANGE("tags", "missing",
                                                                                         "'{`a`:`b`}'",
                                                                                         "null", OPEN) "]}]}",
        "Platform abalone, generation 1\n"
        "\n"
        "  # aws_iam_role.deploy will be created: not there yet\n"
        "  # p.yaml:3:5\n"
        "  + aws_iam_role.deploy\n"
        "      + name     = \"deploy\"\n"
        "      + boundary = (known after apply)\n"
        "      + password = (sensitive value)\n"
        "      + tags     = { a = \"b\" }\n"
        "\n"
        "Plan: 1 to add, 0 to change, 0 to destroy.\n");
}

static void plan_of_an_update_shows_both_sides_and_where_it_is_wanted(void **state)
{
    (void)state;
    assert_plan(
        "{'name':'abalone','generation':1,'unknown':[],'actions':[{'address':'aws_s3_bucket.a',"
        "'action':'update','reason':'drift','held':null,'place':'p.yaml:3:5','changes':[" CHANGE(
            "versioning.enabled", "changed", "'true'", "'false'",
            "'sensitive':false,'known_after_apply':false,'place':'p.yaml:14:9'") "," CHANGE("acl", "changed",
                                                                                            "'`private`'",
                                                                                            "'`public`'",
                                                                                            "'sensitive':"
                                                                                            "false,'known_"
                                                                                            "after_apply':"
                                                                                            "false,'place':'"
                                                                                            "blueprints/"
                                                                                            "b.yaml:40:3'") "," CHANGE("rules[`x`]",
                                                                                                                       "extra",
                                                                                                                       "null",
                                                                                                                       "'`x`'",
                                                                                                                       OPEN) "," CHANGE("rules[`y`]",
                                                                                                                                        "missing",
                                                                                                                                        "'`y`'",
                                                                                                                                        "null",
                                                                                                                                        OPEN) "," CHANGE("key",
                                                                                                                                                         "changed",
                                                                                                                                                         "null",
                                                                                                                                                         "null",
                                                                                                                                                         "'sensitive':true,'known_after_apply':false") "]}]}",
        "Platform abalone, generation 1\n"
        "\n"
        "  # aws_s3_bucket.a will be changed in place: drift\n"
        "  # p.yaml:3:5\n"
        "  ~ aws_s3_bucket.a\n"
        "      ~ versioning.enabled = false -> true  # line 14\n"
        "      ~ acl                = \"public\" -> \"private\"  # blueprints/b.yaml:40\n"
        "      - rules[\"x\"]         = \"x\"\n"
        "      + rules[\"y\"]         = \"y\"\n"
        "      ~ key                = (sensitive value)\n"
        "\n"
        "Plan: 0 to add, 1 to change, 0 to destroy.\n");
}

static void plan_shows_a_long_document_line_by_line(void **state)
{
    (void)state;
    assert_plan("{'name':'abalone','generation':1,'unknown':[],'actions':[{'address':'aws_iam_role.a','"
                "action':'update',"
                "'reason':'drift','held':null,'place':null,'changes':[" CHANGE(
                    "policy", "changed",
                    "'{`Action`:`s3:GetObject`,`Resource`:`arn:aws:s3:::some-bucket-of-ours/*`}'",
                    "'{`Action`:`s3:*`,`Resource`:`arn:aws:s3:::some-bucket-of-ours/*`,`Sid`:`1`}'",
                    "'sensitive':false,'known_after_apply':false,'place':null") "]}]}",
                "Platform abalone, generation 1\n"
                "\n"
                "  # aws_iam_role.a will be changed in place: drift\n"
                "  ~ aws_iam_role.a\n"
                "      ~ policy:\n"
                "          {\n"
                "        -     Action = \"s3:*\"\n"
                "        +     Action = \"s3:GetObject\"\n"
                "              Resource = \"arn:aws:s3:::some-bucket-of-ours/*\"\n"
                "        -     Sid = \"1\"\n"
                "          }\n"
                "\n"
                "Plan: 0 to add, 1 to change, 0 to destroy.\n");
}

static void plan_tells_what_is_held_replaced_destroyed_and_adopted(void **state)
{
    (void)state;
    assert_plan(
        "{'name':'abalone','generation':2,'unknown':[],'actions':["
        "{'address':'aws_db_instance.x','action':'replace','reason':'the config changed',"
        "'held':'waits for an approval','place':null,'changes':[" CHANGE(
            "engine", "changed", "'`postgres`'", "'`mysql`'",
            OPEN) "]},"
                  "{'address':'aws_iam_role.old','action':'delete','reason':'no longer declared','held':null,"
                  "'place':null,'changes':[]},"
                  "{'address':'aws_s3_bucket.b','action':'adopt','reason':'it is "
                  "ours','held':null,'place':null,"
                  "'changes':[]},"
                  "{'address':'aws_s3_bucket.c','action':'none','reason':'not ours','held':'its name is "
                  "taken',"
                  "'place':null,'changes':[]}]}",
        "Platform abalone, generation 2\n"
        "\n"
        "  # aws_db_instance.x would be replaced: the config changed\n"
        "  # held: waits for an approval\n"
        "-/+ aws_db_instance.x\n"
        "      ~ engine = \"mysql\" -> \"postgres\"  # p.yaml:3\n"
        "\n"
        "  # aws_iam_role.old will be destroyed: no longer declared\n"
        "  - aws_iam_role.old\n"
        "\n"
        "  # aws_s3_bucket.b exists and will be adopted: it is ours\n"
        "  = aws_s3_bucket.b\n"
        "\n"
        "  # aws_s3_bucket.c is left alone: not ours\n"
        "  # held: its name is taken\n"
        "    aws_s3_bucket.c\n"
        "\n"
        "Plan: 1 to adopt, 1 to add, 0 to change, 2 to destroy. 2 held.\n");
}

static void plan_names_what_could_not_be_looked_at(void **state)
{
    (void)state;
    assert_plan("{'name':'abalone','generation':2,'actions':[],'problem':'wrong account',"
                "'unknown':[{'address':'aws_iam_role.a','why':'access denied','since':null}]}",
                "Platform abalone, generation 2\n"
                "Nothing moves here: wrong account\n"
                "\n"
                "Could not be looked at, so nothing is planned for:\n"
                "  aws_iam_role.a: access denied\n"
                "\n"
                "No changes are known.\n");
}

static void plan_escapes_what_comes_from_outside(void **state)
{
    (void)state;
    assert_plan(
        "{'name':'a\\u001b[2J','generation':2,'unknown':[],'actions':[{'address':'x\\nPlan: 0 to add',"
        "'action':'create','reason':'\\u202ereason','held':null,'place':'\\rplace','changes':[" CHANGE(
            "na\\u001bme", "missing", "'`v\\\\u001b[31m`'", "null", OPEN) "]}]}",
        "Platform a\\x1b[2J, generation 2\n"
        "\n"
        "  # x\\nPlan: 0 to add will be created: \\xe2\\x80\\xaereason\n"
        "  # \\x0dplace\n"
        "  + x\\nPlan: 0 to add\n"
        "      + na\\x1bme = \"v\\x1b[31m\"\n"
        "\n"
        "Plan: 1 to add, 0 to change, 0 to destroy.\n");
}

static void plan_has_colours_only_when_asked(void **state)
{
    struct json_object *reply = document(
        "{'platforms':[{'name':'p','generation':1,'unknown':[],'actions':[{'address':'t.a','action':'create',"
        "'reason':'new','held':null,'place':null,'changes':[]}]}]}");
    struct page page;

    (void)state;
    page_init(&page, 80);
    view_plan(&page.view, reply);
    assert_null(strchr(buf_text(&page.out), '\033'));
    buf_done(&page.out);
    page_init(&page, 80);
    page.view.color = true;
    view_plan(&page.view, reply);
    assert_non_null(strstr(buf_text(&page.out), "\033[32m+\033[0m t.a"));
    buf_done(&page.out);
    json_object_put(reply);
}

static void plan_tells_programs_whether_it_changes_something(void **state)
{
    static const struct {
        const char *platform;
        bool has_changes;
        const char *doubt;
    } rows[] = {
        {"{'name':'p','actions':[],'unknown':[]}", false, NULL},
        {"{'name':'p','actions':[{'action':'none'}],'unknown':[]}", false, NULL},
        {"{'name':'p','actions':[{'action':'update','held':'x'}],'unknown':[]}", true, NULL},
        {"{'name':'p','actions':[{'action':'adopt'}],'unknown':[]}", true, NULL},
        {"{'name':'p','actions':[],'unknown':[{'address':'a'}]}", false, "1 resource could not be looked at"},
        {"{'name':'p','actions':[],'unknown':[{},{}]}", false, "2 resources could not be looked at"},
        {"{'name':'p','actions':[],'unknown':[],'problem':'no credentials'}", false, "p: no credentials"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char *text = str_format("{'platforms':[%s]}", rows[i].platform);
        struct json_object *reply = document(text);
        char *doubt = view_plan_doubt(reply);

        assert_int_equal(view_plan_has_changes(reply), rows[i].has_changes);
        assert_true(str_equal(doubt, rows[i].doubt));
        free(doubt);
        json_object_put(reply);
        free(text);
    }
}

static void plan_of_odd_documents_is_shown_without_harm(void **state)
{
    static const char *const odd[] = {
        "{}",
        "{'platforms':null}",
        "{'platforms':[null,1,'x',{}]}",
        "{'platforms':[{'name':1,'actions':[{},null,{'changes':[{},null,1]}],'unknown':[1]}]}",
        "{'platforms':[{'actions':[{'action':'update','changes':[{'path':null,'what':'changed','place':':'},"
        "{'path':'a','what':'changed','place':'::','desired':'{','observed':''}]}]}]}",
    };
    struct page page;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
        struct json_object *reply = document(odd[i]);

        page_init(&page, 80);
        view_plan(&page.view, reply);
        assert_int_equal(page.out.failed, 0);
        buf_done(&page.out);
        json_object_put(reply);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_without_actions_says_no_changes),
        cmocka_unit_test(plan_of_a_create_lists_what_will_be_set),
        cmocka_unit_test(plan_of_an_update_shows_both_sides_and_where_it_is_wanted),
        cmocka_unit_test(plan_shows_a_long_document_line_by_line),
        cmocka_unit_test(plan_tells_what_is_held_replaced_destroyed_and_adopted),
        cmocka_unit_test(plan_names_what_could_not_be_looked_at),
        cmocka_unit_test(plan_escapes_what_comes_from_outside),
        cmocka_unit_test(plan_has_colours_only_when_asked),
        cmocka_unit_test(plan_tells_programs_whether_it_changes_something),
        cmocka_unit_test(plan_of_odd_documents_is_shown_without_harm),
    };

    return cmocka_run_group_tests(tests, view_setup_all, NULL);
}
