/*
 * test_batch.c: what operations and looks may do: the gate before each write, "not yet",
 * results, many items at once, cancelling.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/js.h"
#include "fake_cloud.h"
#include "kinds/registry-internal.h"

static const struct not_yet rows[] = {{"Odd", "soon", "the thing"}, {"Always", NULL, "the other"}, {0}};
static const struct attribute attributes[] = {{.name = "arn", .type = FIELD_STRING}, {0}};
static const struct kind plain = {.type = "plain", .not_yet = rows, .attributes = attributes};

/** One call inside an operation. */
struct call {
    struct fake_cloud cloud;
    struct kind_op op;
    struct kind_host host;
    struct err err;
    enum aws_op operation;
    struct json_object *answer;
    int result;
    bool refuse;
    char *gate_saw;
};

static int gate(struct kind_op *op, const char *operation, struct err *err)
{
    struct call *call = container_of(op, struct call, op);

    (void)str_set(&call->gate_saw, operation);
    return call->refuse ? err_set(err, -EROFS, ERR_CONFLICT, "not ours") : 0;
}

static void make_call(void *arg)
{
    struct call *call = arg;

    call->result = op_aws(&call->op, call->operation, params_new("RoleName", "x", NULL), &call->answer);
}

static void run_call(struct call *call, enum aws_op operation, const char *answers, bool refuse)
{
    struct json_object *list CLEANUP_JS = NULL;

    assert_int_equal(js_parse_text(answers, &list, NULL), 0);
    *call = (struct call){.operation = operation, .refuse = refuse, .host = {.before_write = gate}};
    fake_cloud_begin(&call->cloud, list);
    call->op = (struct kind_op){
        .kind = &plain, .clouds = fake_clouds(&call->cloud), .host = &call->host, .err = &call->err};
    fake_run(&call->cloud, make_call, call);
}

static void call_done(struct call *call)
{
    fake_cloud_end(&call->cloud);
    json_object_put(call->answer);
    err_done(&call->err);
    free(call->gate_saw);
}

static void op_writes_pass_the_gate(void **state)
{
    struct call call;

    (void)state;
    run_call(&call, AWS_IAM_DELETE_ROLE, "[{\"operation\":\"DeleteRole\"}]", false);
    assert_int_equal(call.result, 0);
    assert_string_equal(call.gate_saw, "DeleteRole");
    call_done(&call);
}

static void op_writes_stop_at_the_gate(void **state)
{
    struct call call;

    (void)state;
    run_call(&call, AWS_IAM_DELETE_ROLE, "[{\"operation\":\"DeleteRole\"}]", true);
    assert_int_equal(call.result, -EROFS);
    assert_int_equal(call.err.class, ERR_CONFLICT);
    assert_int_equal(call.cloud.calls, 0); /* nothing was sent */
    call_done(&call);
}

static void op_reads_need_no_gate(void **state)
{
    struct call call;

    (void)state;
    run_call(&call, AWS_IAM_GET_ROLE, "[{\"operation\":\"GetRole\",\"answer\":{\"Role\":{}}}]", true);
    assert_int_equal(call.result, 0);
    assert_null(call.gate_saw);
    assert_non_null(js_get(call.answer, "Role"));
    call_done(&call);
}

static enum err_class class_of(enum aws_op operation, const char *answers)
{
    struct call call;
    enum err_class class;

    run_call(&call, operation, answers, false);
    assert_true(call.result < 0);
    class = call.err.class;
    call_done(&call);
    return class;
}

static void op_errors_of_the_table_mean_not_yet(void **state)
{
    (void)state;
    assert_int_equal(
        class_of(AWS_IAM_DELETE_ROLE,
                 "[{\"operation\":\"DeleteRole\",\"error\":\"Odd\",\"message\":\"come back soon\"}]"),
        ERR_NOT_YET);
    assert_int_equal(class_of(AWS_IAM_DELETE_ROLE,
                              "[{\"operation\":\"DeleteRole\",\"error\":\"Odd\",\"message\":\"never\"}]"),
                     ERR_INVALID);
    assert_int_equal(class_of(AWS_IAM_DELETE_ROLE, "[{\"operation\":\"DeleteRole\",\"error\":\"Always\"}]"),
                     ERR_NOT_YET);
    /* a read says what it says */
    assert_int_equal(class_of(AWS_IAM_GET_ROLE, "[{\"operation\":\"GetRole\",\"error\":\"Always\"}]"),
                     ERR_INVALID);
}

static void op_without_a_client_fails(void **state)
{
    struct err err CLEANUP_ERR = {0};
    struct kind_op op = {.kind = &plain, .err = &err};

    (void)state;
    assert_int_equal(op_aws(&op, AWS_IAM_DELETE_ROLE, NULL, NULL), -EINVAL);
    assert_int_equal(op_github(&op, GITHUB_GET_REPOSITORY, NULL, NULL), -EINVAL);
    assert_non_null(strstr(err_text(&err), "github"));
}

static void op_keeps_results(void **state)
{
    struct err err CLEANUP_ERR = {0};
    struct json_object *desired CLEANUP_JS = NULL, *tags CLEANUP_JS = NULL, *list CLEANUP_JS = NULL;
    struct kind_op op = {.kind = &plain, .err = &err, .intent = "i1"};

    (void)state;
    assert_int_equal(js_parse_text("{\"tags\":{\"a\":\"b\"},\"x\":{\"y\":\"z\"}}", &desired, NULL), 0);
    op.desired = desired;
    assert_int_equal(op_created(&op, "one"), 0);
    assert_int_equal(op_created(&op, "two"), 0);
    assert_string_equal(op.ret_id, "two");
    assert_int_equal(op_attribute_text(&op, "arn", "arn:x"), 0);
    assert_string_equal(js_text(op.ret_attributes, "arn"), "arn:x");
    op_remember(&op, json_object_new_object());
    op_remember(&op, json_object_new_array());
    assert_true(json_object_is_type(op.ret_memory, json_type_array));
    op_settling(&op);
    assert_true(op.ret_settling);
    assert_string_equal(op_text(&op, "x.y"), "z");
    tags = op_tags(&op);
    assert_string_equal(json_object_to_json_string_ext(tags, 0), "{\"a\":\"b\",\"mlopsd:intent\":\"i1\"}");
    list = op_tag_list(&op, "k", "v");
    assert_int_equal(js_count(list, NULL), 2);
    assert_string_equal(js_text(list, "1.v"), "i1");
    assert_int_equal(op_fail(&op, -EIO, ERR_BUG, "%d%%", 5), -EIO);
    assert_string_equal(err_text(&err), "5%");
    free(op.ret_id);
    json_object_put(op.ret_attributes);
    json_object_put(op.ret_memory);
}

/* ---- items ---- */

static void item_done(struct kind_item *item)
{
    json_object_put(item->observed);
    free(item->ret_id);
    free(item->note);
    err_done(&item->err);
}

static void batch_reports_replace_one_another(void **state)
{
    struct kind_item item = {.address = "a"};
    struct err err CLEANUP_ERR = {0};

    (void)state;
    batch_present(&item, "id", json_object_new_object());
    assert_int_equal(item.state, ITEM_PRESENT);
    batch_settling(&item, "id2", json_object_new_object(), "CREATING");
    assert_int_equal(item.state, ITEM_SETTLING);
    assert_string_equal(item.note, "CREATING");
    err_set(&err, -EACCES, ERR_DENIED, "no");
    batch_failed(&item, &err);
    assert_int_equal(item.state, ITEM_UNKNOWN);
    assert_null(item.observed);
    assert_string_equal(err_text(&item.err), "no");
    err_set(&err, -ENOENT, ERR_ABSENT, "gone");
    batch_failed(&item, &err);
    assert_int_equal(item.state, ITEM_ABSENT);
    assert_int_equal(item.err.code, 0);
    batch_present(&item, "id", NULL); /* no memory for the document */
    assert_int_equal(item.state, ITEM_UNKNOWN);
    assert_true(item.err.code < 0);
    item_done(&item);
}

#define MANY 20

struct many {
    struct fake_cloud cloud;
    struct kind_item items[MANY];
    struct kind_batch batch;
    struct err err;
    size_t running, most;
    struct fiber *fiber;
    int result;
    size_t limit;
    bool cancel;
};

static void look(struct kind_batch *batch, struct kind_item *item)
{
    struct many *many = container_of(batch, struct many, batch);
    struct json_object *answer = NULL;
    struct err err CLEANUP_ERR = {0};
    int r;

    many->running++;
    many->most = many->running > many->most ? many->running : many->most;
    if (many->cancel)
        fiber_cancel(many->fiber);
    r = batch_ask(batch, AWS_IAM_GET_ROLE, params_new("RoleName", item->id, NULL), &answer, &err);
    many->running--;
    if (r < 0)
        batch_failed(item, &err);
    else
        batch_present(item, item->id, answer);
}

static void look_at_many(void *arg)
{
    struct many *many = arg;

    many->fiber = fiber_self();
    many->result = batch_each(&many->batch, many->limit, look);
}

static void run_many(struct many *many, size_t count, size_t limit, bool cancel)
{
    struct json_object *answers CLEANUP_JS = NULL;

    assert_int_equal(
        js_parse_text(
            "[{\"operation\":\"GetRole\",\"params\":{\"RoleName\":\"gone\"},\"error\":\"NoSuchEntity\"},"
            "{\"operation\":\"GetRole\",\"times\":-1,\"answer\":{\"Role\":1}}]",
            &answers, NULL),
        0);
    *many = (struct many){.limit = limit, .cancel = cancel};
    fake_cloud_begin(&many->cloud, answers);
    for (size_t i = 0; i < count; i++)
        many->items[i] = (struct kind_item){.address = "a", .id = i == 3 ? "gone" : "there"};
    many->batch = (struct kind_batch){.kind = &plain,
                                      .items = many->items,
                                      .count = count,
                                      .clouds = fake_clouds(&many->cloud),
                                      .err = &many->err};
    fake_run(&many->cloud, look_at_many, many);
}

static void many_done(struct many *many)
{
    for (size_t i = 0; i < MANY; i++)
        item_done(&many->items[i]);
    err_done(&many->err);
    fake_cloud_end(&many->cloud);
}

static void batch_each_looks_at_all_within_its_limit(void **state)
{
    struct many many;

    (void)state;
    run_many(&many, MANY, 4, false);
    assert_int_equal(many.result, 0);
    assert_int_equal(many.most, 4);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(many.items[i].state, i == 3 ? ITEM_ABSENT : ITEM_PRESENT);
    many_done(&many);
    run_many(&many, 1, 4, false);
    assert_int_equal(many.result, 0);
    assert_int_equal(many.items[0].state, ITEM_PRESENT);
    many_done(&many);
    run_many(&many, 0, 4, false);
    assert_int_equal(many.result, 0);
    many_done(&many);
}

static void batch_each_that_is_canceled_leaves_nothing_running(void **state)
{
    struct many many;

    (void)state;
    run_many(&many, MANY, 4, true);
    assert_int_equal(many.result, -ECANCELED);
    assert_int_equal(many.running, 0);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(many.items[i].state, ITEM_UNKNOWN);
    many_done(&many);
}

/* ---- many repositories: calls do not grow with their number but where the service forces it ---- */

struct repositories {
    struct fake_cloud cloud;
    struct kind_item items[3];
    struct kind_batch batch;
    struct err err;
    int result;
};

static void look_at_repositories(void *arg)
{
    struct repositories *three = arg;

    three->result = aws_ecr_repository_kind.observe(&three->batch);
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

static void repositories_share_calls(void **state)
{
    struct json_object *desired CLEANUP_JS = json("{'policy':null}");
    struct json_object *answers CLEANUP_JS = json(
        "[{'operation':'DescribeRepositories','params':{'repositoryNames':['a1','b1','c1']},'answer':{'"
        "repositories':["
        "{'repositoryName':'c1','repositoryArn':'arn:c'},{'repositoryName':'a1','repositoryArn':'arn:a'},"
        "{'repositoryName':'b1','repositoryArn':'arn:b'}]}},"
        "{'operation':'GetResources','params':{'ResourceARNList':['arn:a','arn:b']},'answer':{'"
        "ResourceTagMappingList':"
        "[{'ResourceARN':'arn:a','Tags':[{'Key':'k','Value':'a'}]}]}},"
        "{'operation':'ListTagsForResource','params':{'resourceArn':'arn:b'},'answer':{'tags':[{'Key':'k','"
        "Value':'b'}]}},"
        "{'operation':'ListTagsForResource','params':{'resourceArn':'arn:c'},'answer':{'tags':[{'Key':'k','"
        "Value':'c'}]}},"
        "{'operation':'GetRepositoryPolicy','times':3,'error':'RepositoryPolicyNotFoundException'}]");
    struct repositories three = {0};
    static const char *const names[] = {"a1", "b1", "c1"};

    (void)state;
    fake_cloud_begin(&three.cloud, answers);
    for (size_t i = 0; i < 3; i++) /* c1 was written to moments ago; GetResources does not know b1 yet */
        three.items[i] = (struct kind_item){
            .address = names[i], .id = names[i], .desired = desired, .recent = i == 2};
    three.batch = (struct kind_batch){.kind = &aws_ecr_repository_kind,
                                      .items = three.items,
                                      .count = 3,
                                      .clouds = fake_clouds(&three.cloud),
                                      .err = &three.err};
    fake_run(&three.cloud, look_at_repositories, &three);
    assert_int_equal(three.result, 0);
    assert_null(three.cloud.stray);
    assert_int_equal(three.cloud.calls, 1 + 1 + 2 + 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(three.items[i].state, ITEM_PRESENT);
        assert_memory_equal(js_text(three.items[i].observed, "tags.k"), names[i], 1);
        item_done(&three.items[i]);
    }
    fake_cloud_end(&three.cloud);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(op_writes_pass_the_gate),
        cmocka_unit_test(op_writes_stop_at_the_gate),
        cmocka_unit_test(op_reads_need_no_gate),
        cmocka_unit_test(op_errors_of_the_table_mean_not_yet),
        cmocka_unit_test(op_without_a_client_fails),
        cmocka_unit_test(op_keeps_results),
        cmocka_unit_test(batch_reports_replace_one_another),
        cmocka_unit_test(batch_each_looks_at_all_within_its_limit),
        cmocka_unit_test(batch_each_that_is_canceled_leaves_nothing_running),
        cmocka_unit_test(repositories_share_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
