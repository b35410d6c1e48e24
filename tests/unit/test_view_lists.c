/*
 * test_view_lists.c: status, drift, history, resources, outputs, kinds and live progress, whole texts.
 */
#include "view_fixture.h"

typedef void (*view_function)(const struct view *view, struct json_object *reply);

static void assert_view(view_function function, unsigned width, const char *text, const char *expected)
{
    struct json_object *reply = document(text);
    struct page page;

    page_init(&page, width);
    function(&page.view, reply);
    assert_page(&page, expected);
    json_object_put(reply);
}

/* ---- status ---- */

#define PLATFORM_END "'file':'/etc/p.yaml','calls_last_pass':31}"

static void status_is_one_screen_per_platform(void **state)
{
    (void)state;
    assert_view(
        view_status, 80,
        "{'version':'0.1.0','pid':123,'started':'2026-11-19T07:00:00Z','platforms':["
        "{'name':'abalone','generation':3,'converged':false,'paused':false,'paused_why':null,"
        "'last_pass':'2026-11-22T17:59:48Z','next_pass':'2026-11-22T18:00:48Z','problem':null,'refused':null,"
        "'resources':{'total':42,'ready':39,'drifted':1,'pending':1,'failed':1},'open_drifts':2,'blocked':["
        "{'address':'aws_eks_cluster.a','why':'waits for an approval (replace): mlopsctl approve it','since':"
        "'2026-11-22T17:56:48Z'},{'address':'aws_iam_role.x','why':'access "
        "denied','since':null}]," PLATFORM_END
        ",{'name':'other','generation':1,'converged':true,'paused':false,'last_pass':null,"
        "'next_pass':null,'resources':{'total':4,'ready':4,'drifted':0,'pending':0,'failed':0},"
        "'open_drifts':0,'blocked':[]," PLATFORM_END "]}",
        "mlopsd 0.1.0, pid 123, up 3d11h, 2 platforms\n"
        "\n"
        "* abalone: not converged\n"
        "       File: /etc/p.yaml (generation 3)\n"
        "  Last pass: Nov 22 17:59:48 (12s ago, 31 calls), next in 48s\n"
        "  Resources: 39 of 42 ready, 1 drifted, 1 pending, 1 failed\n"
        "      Drift: 2 open (mlopsctl drift)\n"
        "\n"
        "RESOURCE           SINCE  WHY\n"
        "aws_eks_cluster.a  3m12s  waits for an approval (replace): mlopsctl approve it\n"
        "aws_iam_role.x     -      access denied\n"
        "\n"
        "* other: converged\n"
        "       File: /etc/p.yaml (generation 1)\n"
        "  Last pass: none yet\n"
        "  Resources: 4 of 4 ready\n");
}

static void status_says_why_a_platform_stands_still(void **state)
{
    (void)state;
    assert_view(
        view_status, 80,
        "{'version':'1','pid':1,'started':null,'platforms':[{'name':'p','generation':1,'converged':false,"
        "'paused':true,'paused_why':'we move house','last_pass':null,'next_pass':null,'resources':{},"
        "'open_drifts':0,'blocked':[],'problem':'the account is 1, not 2',"
        "'refused':'p.yaml:3:1: error: bad\\n    3 | foo\\u001b\\n      | ^\\n'," PLATFORM_END "]}",
        "mlopsd 1, pid 1, 1 platform\n"
        "\n"
        "* p: stopped\n"
        "    Problem: the account is 1, not 2\n"
        "     Paused: we move house\n"
        "       File: /etc/p.yaml (generation 1)\n"
        "    Refused: a newer file; its problems stand below\n"
        "  Last pass: none yet\n"
        "  Resources: 0 of 0 ready\n"
        "\n"
        "p.yaml:3:1: error: bad\n"
        "    3 | foo\\x1b\n"
        "      | ^\n");
}

static void status_does_not_list_thousands(void **state)
{
    struct json_object *reply = document("{'platforms':[{'name':'p','blocked':[]}]}");
    struct json_object *blocked = js_get(reply, "platforms.0.blocked");
    struct page page;

    (void)state;
    for (int i = 0; i < 1000; i++)
        json_object_array_add(blocked, document("{'address':'a.b','why':'x'}"));
    page_init(&page, 80);
    view_status(&page.view, reply);
    assert_non_null(strstr(buf_text(&page.out), "... and 980 more (mlopsctl state list -long)\n"));
    buf_done(&page.out);
    json_object_put(reply);
}

/* ---- drift and history ---- */

#define DRIFTS                                                                                               \
    "{'drifts':[{'platform':'abalone','address':'aws_s3_bucket.a','severity':'critical','kind':'changed','"  \
    "field':"                                                                                                \
    "'versioning.enabled','desired':'true','observed':'false','first_seen':'2026-11-22T17:00:00Z','state':"  \
    "'healing'},{'platform':'abalone','address':'aws_iam_role.github','severity':'warning','kind':'extra',"  \
    "'field':'inline_policy[`evil`]','desired':null,'observed':'{`name`:`evil`}','first_seen':"              \
    "'2026-11-22T17:58:00Z','state':'open'},{'platform':'abalone','address':'aws_iam_role.x','severity':"    \
    "'warning','kind':'missing','field':'','desired':null,'observed':null,'first_seen':null,'state':'open'}" \
    "]}"

static void drift_is_a_table(void **state)
{
    (void)state;
    assert_view(view_drift, 0, DRIFTS,
                "SEVERITY  SINCE            STATE    RESOURCE             WHAT\n"
                "critical  Nov 22 17:00:00  healing  aws_s3_bucket.a      versioning.enabled: wanted true, "
                "found false\n"
                "warning   Nov 22 17:58:00  open     aws_iam_role.github  inline_policy[\"evil\"]: not "
                "declared, found "
                "{\"name\":\"evil\"}\n"
                "warning                    open     aws_iam_role.x       the resource is gone\n");
}

static void drift_fits_into_80_columns(void **state)
{
    (void)state;
    assert_view(view_drift, 80, DRIFTS,
                "SEVERITY  SINCE            STATE    RESOURCE\n"
                "critical  Nov 22 17:00:00  healing  aws_s3_bucket.a\n"
                "    versioning.enabled: wanted true, found false\n"
                "warning   Nov 22 17:58:00  open     aws_iam_role.github\n"
                "    inline_policy[\"evil\"]: not declared, found {\"name\":\"evil\"}\n"
                "warning                    open     aws_iam_role.x\n"
                "    the resource is gone\n");
}

static void drift_that_is_not_there_is_said(void **state)
{
    (void)state;
    assert_view(view_drift, 80, "{'drifts':[]}", "No drift.\n");
}

static void history_is_a_table_with_platforms_when_there_are_several(void **state)
{
    (void)state;
    assert_view(
        view_history, 80,
        "{'events':[{'time':'2026-11-22T17:00:00Z','platform':'a','address':'t.x','event':'heal','detail':"
        "'put right: name','level':'notice'},{'time':'2025-11-22T17:00:00Z','platform':'a','address':null,"
        "'event':'generation','detail':'3 is in force','level':'info'}]}",
        "TIME              EVENT       RESOURCE  DETAIL\n"
        "Nov 22 17:00:00   heal        t.x       put right: name\n"
        "2025-11-22 17:00  generation  -         3 is in force\n");
    assert_view(
        view_history, 80,
        "{'events':[{'time':'2026-11-22T17:00:00Z','platform':'a','address':'t.x','event':'heal','detail':"
        "'x'},{'time':'2026-11-22T17:00:00Z','platform':'b','address':'t.x','event':'heal','detail':'y'}]}",
        "TIME             PLATFORM  EVENT  RESOURCE  DETAIL\n"
        "Nov 22 17:00:00  a         heal   t.x       x\n"
        "Nov 22 17:00:00  b         heal   t.x       y\n");
    assert_view(view_history, 80, "{'events':[]}", "No events.\n");
}

/* ---- resources ---- */

#define RESOURCES                                                                                            \
    "{'resources':[{'platform':'a','address':'aws_iam_role.x','type':'aws_iam_role','id':'X','status':'"     \
    "ready',"                                                                                                \
    "'why':null,'proved':'2026-11-22T17:59:30Z'},{'platform':'a','address':'aws_subnet.p[`a`]','id':null,"   \
    "'status':'pending','why':'waits for aws_vpc.main','proved':null}]}"

static void resources_short(const struct view *view, struct json_object *reply)
{
    view_resources(view, reply, false);
}

static void resources_long(const struct view *view, struct json_object *reply)
{
    view_resources(view, reply, true);
}

static void resources_are_plain_addresses_or_a_table(void **state)
{
    (void)state;
    assert_view(resources_short, 80, RESOURCES, "aws_iam_role.x\naws_subnet.p[\"a\"]\n");
    assert_view(resources_long, 80, RESOURCES,
                "RESOURCE           STATUS   LOOKED  ID  WHY\n"
                "aws_iam_role.x     ready    30s     X   -\n"
                "aws_subnet.p[\"a\"]  pending  -       -   waits for aws_vpc.main\n");
    assert_view(resources_long, 80, "{'resources':[]}", "");
}

static void resource_is_shown_in_full(void **state)
{
    (void)state;
    assert_view(view_resource, 80,
                "{'resource':{'address':'aws_iam_role.x','status':'drifted','why':'one field','id':'X'},"
                "'attributes':'{`arn`:`arn:x`}','desired':'{`name`:`wanted`}',"
                "'observed':'{`name`:`x`,`password`:{`secret`:`00`}}','needs':['a.b','c.d']}",
                "# aws_iam_role.x: drifted: one field\n"
                "# id: X\n"
                "# needs: a.b, c.d\n"
                "aws_iam_role.x {\n"
                "    name     = \"x\"\n"
                "    password = (sensitive value)\n"
                "    arn      = \"arn:x\"\n"
                "}\n");
    assert_view(
        view_resource, 80,
        "{'resource':{'address':'a.b','status':'pending'},'attributes':'{}','desired':'{`name`:`wanted`}',"
        "'observed':null,'needs':[]}",
        "# a.b: pending\n"
        "a.b {\n"
        "    name = \"wanted\"\n"
        "}\n");
    assert_view(view_resource, 80, "{'resource':{'address':'a.b'},'attributes':'[1','observed':'2'}",
                "# a.b: \na.b {\n}\n");
}

/* ---- outputs ---- */

#define OUTPUTS                                                                                              \
    "{'outputs':[{'name':'role_arn','sensitive':false,'type':'`string`','value':'`arn:x`'},{'name':'"        \
    "password',"                                                                                             \
    "'sensitive':true,'type':'`string`','value':null},{'name':'n','sensitive':false,'type':'[`list`,`"       \
    "number`]',"                                                                                             \
    "'value':'[1,2]'},{'name':'later','sensitive':false,'type':'`string`','value':null}]}"

static void outputs_look_as_in_terraform(void **state)
{
    (void)state;
    assert_view(view_outputs, 80, OUTPUTS,
                "role_arn = \"arn:x\"\n"
                "password = <sensitive>\n"
                "n        = [1, 2]\n"
                "later    = (known after apply)\n");
    assert_view(view_outputs, 80, "{'outputs':[]}", "No outputs.\n");
}

static void outputs_as_json_have_the_shape_of_terraform(void **state)
{
    struct json_object *reply = document(OUTPUTS), *json = view_outputs_json(reply);
    char *text = js_canonical(json);

    (void)state;
    assert_string_equal(text, "{\"later\":{\"sensitive\":false,\"type\":\"string\",\"value\":null},"
                              "\"n\":{\"sensitive\":false,\"type\":[\"list\",\"number\"],\"value\":[1,2]},"
                              "\"password\":{\"sensitive\":true,\"type\":\"string\",\"value\":null},"
                              "\"role_arn\":{\"sensitive\":false,\"type\":\"string\",\"value\":\"arn:x\"}}");
    free(text);
    json_object_put(json);
    json_object_put(reply);
}

/* ---- events and progress ---- */

static void event_is_one_line(void **state)
{
    (void)state;
    assert_view(
        view_event, 0,
        "{'time':'2026-11-22T17:00:00Z','platform':'p','address':'a.b','event':'failed','detail':'no\\nway'}",
        "Nov 22 17:00:00 a.b: failed: no\\nway\n");
    assert_view(
        view_event, 0,
        "{'time':'2026-11-22T17:00:00Z','platform':'p','address':null,'event':'converged','detail':''}",
        "Nov 22 17:00:00 p: converged\n");
}

static void take(struct progress *progress, const char *address, const char *event, const char *detail,
                 int age_s)
{
    char time[32], *text;
    struct json_object *object;

    clock_format_rfc3339(fixture_now_ms() - age_s * 1000, time, sizeof(time));
    text = str_format("{'time':'%s','platform':'p','address':'%s','event':'%s','detail':'%s'}", time, address,
                      event, detail);
    object = document(text);
    assert_true(progress_take(progress, object, fixture_now_ms()));
    json_object_put(object);
    free(text);
}

static void progress_follows_what_runs(void **state)
{
    struct progress progress = {0};
    struct page page;

    (void)state;
    page_init(&page, 40);
    take(&progress, "aws_eks_cluster.main", "start", "create", 192);
    take(&progress, "aws_iam_role.x", "start", "create", 2);
    take(&progress, "aws_iam_role.y", "waiting", "the role to become visible in IAM", 1);
    assert_int_equal(progress_view(&progress, &page.view, 10), 3);
    assert_page(&page, "    3m12s  aws_eks_cluster.main: create\n"
                       "       2s  aws_iam_role.x: create\n"
                       "       1s  aws_iam_role.y: the role ...\n");
    assert_int_equal(progress_view(&progress, &page.view, 2), 2);
    assert_page(&page, "    3m12s  aws_eks_cluster.main: create\n  ... and 2 more\n");
    take(&progress, "aws_eks_cluster.main", "waiting", "CREATING", 100);
    take(&progress, "aws_iam_role.x", "create", "created", 0);
    take(&progress, "aws_iam_role.y", "failed", "no", 0);
    take(&progress, "aws_iam_role.z", "heal", "put right", 0);
    take(&progress, "aws_iam_role.r", "replace", "replaced", 0);
    take(&progress, "aws_iam_role.d", "delete", "gone", 0);
    take(&progress, "aws_iam_role.u", "drift", "not an action", 0);
    assert_int_equal(progress_view(&progress, &page.view, 10), 1);
    assert_page(&page, "    3m12s  aws_eks_cluster.main: CRE...\n");
    progress_summary(&progress, &page.view);
    assert_page(&page, "2 added, 1 changed, 2 destroyed, 1 failed");
    progress_done(&progress);
}

static void results_name_what_is_in_the_way(void **state)
{
    (void)state;
    assert_view(view_results, 80,
                "{'results':[{'platform':'a','converged':true,'blocked':[],'problem':null},{'platform':'b','"
                "converged':"
                "false,'blocked':[{'address':'t.x','why':'no capacity'}],'problem':'wrong account'}]}",
                "a: converged\n"
                "b: not converged: wrong account\n"
                "  t.x: no capacity\n");
}

/* ---- kinds ---- */

static void kind_is_explained(void **state)
{
    (void)state;
    assert_view(view_kinds, 80, "{'kinds':[{'type':'aws_iam_role','doc':'A role.'}]}",
                "TYPE          WHAT\naws_iam_role  A role.\n");
    assert_view(
        view_kind, 50,
        "{'type':'aws_iam_role','doc':'An IAM "
        "role.','fields':[{'path':'name','type':'string','required':true,"
        "'flags':['key','immutable'],'default':null,'doc':'Name of the role.'},{'path':'tags','type':"
        "'map of strings','required':false,'flags':['odd'],'default':'{}','doc':''}],'attributes':[{'name':"
        "'arn','type':'string','sensitive':false,'doc':'Its ARN.'},{'name':'key','type':'string','sensitive':"
        "true,'doc':'Its key.'}]}",
        "aws_iam_role\n"
        "  An IAM role.\n"
        "\n"
        "  name\n"
        "      string, required, names the thing in the\n"
        "      cloud, a change replaces the resource\n"
        "      Name of the role.\n"
        "  tags\n"
        "      map of strings, odd, default {}\n"
        "\n"
        "ATTRIBUTE  TYPE               WHAT\n"
        "arn        string             Its ARN.\n"
        "key        string, sensitive  Its key.\n");
}

static void odd_documents_are_shown_without_harm(void **state)
{
    static const view_function functions[] = {view_status,    view_drift,    view_history, resources_short,
                                              resources_long, view_resource, view_outputs, view_event,
                                              view_results,   view_kinds,    view_kind};
    static const char *const odd[] = {
        "{}",
        "[]",
        "{'platforms':[null,{},1],'drifts':[{},null],'events':[{},1],'resources':[{},1],'outputs':[{},'x'],"
        "'results':[{},1],'kinds':[1],'fields':[{'flags':[1,null]}],'attributes':[{}],'needs':[1,null]}",
        "{'platforms':{},'drifts':1,'events':'x','resources':null,'outputs':true,'observed':'[[','attributes'"
        ":'1'}",
    };
    struct page page;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(functions) * ARRAY_SIZE(odd); i++) {
        struct json_object *reply = document(odd[i % ARRAY_SIZE(odd)]);

        page_init(&page, 20);
        functions[i / ARRAY_SIZE(odd)](&page.view, reply);
        assert_int_equal(page.out.failed, 0);
        buf_done(&page.out);
        json_object_put(view_outputs_json(reply));
        json_object_put(reply);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_is_one_screen_per_platform),
        cmocka_unit_test(status_says_why_a_platform_stands_still),
        cmocka_unit_test(status_does_not_list_thousands),
        cmocka_unit_test(drift_is_a_table),
        cmocka_unit_test(drift_fits_into_80_columns),
        cmocka_unit_test(drift_that_is_not_there_is_said),
        cmocka_unit_test(history_is_a_table_with_platforms_when_there_are_several),
        cmocka_unit_test(resources_are_plain_addresses_or_a_table),
        cmocka_unit_test(resource_is_shown_in_full),
        cmocka_unit_test(outputs_look_as_in_terraform),
        cmocka_unit_test(outputs_as_json_have_the_shape_of_terraform),
        cmocka_unit_test(event_is_one_line),
        cmocka_unit_test(progress_follows_what_runs),
        cmocka_unit_test(results_name_what_is_in_the_way),
        cmocka_unit_test(kind_is_explained),
        cmocka_unit_test(odd_documents_are_shown_without_harm),
    };

    return cmocka_run_group_tests(tests, view_setup_all, NULL);
}
