/*
 * test_tag_desk.c: the tags of several kinds in one call: who asks, who waits, and what comes of a
 * refusal, a write moments ago, a canceled asker or waiter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/js.h"
#include "fake_cloud.h"
#include "kinds/registry-internal.h"

static const struct kind plain = {.type = "plain"};
static const char *const all[] = {"arn:a", "arn:b", "arn:c", "arn:d", "arn:e", "arn:f"};

#define ASKERS 4

/** One kind of two things, that looks at the same time as others. */
struct asker {
    struct desk_test *test;
    struct kind_item items[2];
    struct kind_batch batch;
    struct err err;
    struct fiber *fiber;
    uint64_t delay_ms;
    size_t alone; /* asked for by itself */
    bool cancel;
};

struct desk_test {
    struct fake_cloud cloud;
    struct tag_desk *desk;
    struct asker askers[ASKERS];
    size_t count;
};

static void describe(struct kind_batch *batch, struct kind_item *item)
{
    (void)batch;
    item->observed = params_new("arn", item->address, NULL);
}

static void report(struct kind_batch *batch, struct kind_item *item)
{
    struct asker *asker = container_of(batch, struct asker, batch);

    if (!js_get(item->observed, "tags"))
        asker->alone++;
    batch_present(item, item->address, TAKE(item->observed));
}

static const struct tagged_look tagged = {
    .arn = "arn", .tags = "tags", .describe = describe, .report = report};

static void run_asker(void *arg)
{
    struct asker *asker = arg;

    asker->fiber = fiber_self();
    (void)fiber_sleep(&asker->test->cloud.clock.clock, asker->delay_ms);
    (void)tagged_observe(&asker->batch, &tagged);
}

static void look(void *arg)
{
    struct desk_test *test = arg;
    struct fiber_group group = {.fibers = &test->cloud.fibers};

    for (size_t i = 0; i < test->count; i++)
        (void)fiber_group_spawn(&group, "asker", run_asker, &test->askers[i]);
    for (int i = 0; i < 8; i++)
        (void)fiber_sleep(&test->cloud.clock.clock, 0); /* one of them is asking now: that takes 1 ms */
    for (size_t i = 0; i < test->count; i++)
        if (test->askers[i].cancel)
            fiber_cancel(test->askers[i].fiber);
    (void)fiber_group_wait(&group);
}

static void begin(struct desk_test *test, const char *answers)
{
    struct json_object *list CLEANUP_JS = NULL;

    assert_int_equal(js_parse_text(answers, &list, NULL), 0);
    *test = (struct desk_test){.count = 3};
    fake_cloud_begin(&test->cloud, list);
    test->desk = tag_desk_new();
    assert_non_null(test->desk);
}

static void asker_done(struct asker *asker)
{
    for (size_t i = 0; i < 2; i++) {
        json_object_put(asker->items[i].observed);
        free(asker->items[i].ret_id);
        err_done(&asker->items[i].err);
    }
    err_done(&asker->err);
}

/** Askers of two things each: a and b, c and d, ... at the same time. */
static void prepare(struct desk_test *test)
{
    for (size_t i = 0; i < ASKERS; i++) {
        struct asker *asker = &test->askers[i];
        struct clouds clouds = fake_clouds(&test->cloud);

        asker_done(asker);
        clouds.tag_desk = test->desk;
        *asker = (struct asker){.test = test};
        for (size_t j = 0; j < 2; j++)
            asker->items[j] = (struct kind_item){.address = all[(2 * i + j) % ARRAY_SIZE(all)]};
        asker->batch = (struct kind_batch){
            .kind = &plain, .items = asker->items, .count = 2, .clouds = clouds, .err = &asker->err};
    }
}

static void run(struct desk_test *test, bool everything)
{
    tag_desk_begin(test->desk, everything);
    test->cloud.calls = 0;
    fake_run(&test->cloud, look, test);
}

static void end(struct desk_test *test)
{
    for (size_t i = 0; i < ASKERS; i++)
        asker_done(&test->askers[i]);
    tag_desk_free(test->desk);
    fake_cloud_end(&test->cloud);
}

static size_t alone(const struct desk_test *test)
{
    size_t count = 0;

    for (size_t i = 0; i < test->count; i++)
        count += test->askers[i].alone;
    return count;
}

/* How many ARNs the nth call asked for. */
static size_t asked(const struct desk_test *test, size_t n)
{
    struct json_object *calls = test->cloud.log;

    return js_count(js_at(calls, js_count(calls, NULL) - test->cloud.calls + n),
                    "GetResources.ResourceARNList");
}

#define ROW(arn) "{\"ResourceARN\":\"" arn "\",\"Tags\":[{\"Key\":\"k\",\"Value\":\"v\"}]}"
#define SOME     ROW("arn:a") "," ROW("arn:b") "," ROW("arn:c") "," ROW("arn:d") "," ROW("arn:e")
#define ANSWER(rows)                                                                                         \
    "{\"operation\":\"GetResources\",\"times\":-1,\"answer\":{\"ResourceTagMappingList\":[" rows "]}}"
/* Twice. */
#define FOUR                                                                                                 \
    "{\"operation\":\"GetResources\",\"times\":2,\"answer\":{\"ResourceTagMappingList\":[" ROW(              \
        "arn:a") "," ROW("arn:b") "," ROW("arn:c") "," ROW("arn:d") "]}}"
#define TELLS_ALL "[" ANSWER(SOME "," ROW("arn:f")) "]"

static void one_call_serves_all_that_ask_in_one_look(void **state)
{
    struct desk_test test;

    (void)state;
    begin(&test, TELLS_ALL);
    prepare(&test);
    run(&test, true); /* nobody knows of the others yet: who came while the first waited go together */
    assert_int_equal(alone(&test), 0);
    assert_in_range(test.cloud.calls, 1, 2);
    prepare(&test);
    test.askers[2].delay_ms = 50; /* long after the answer */
    run(&test, true);
    assert_int_equal(test.cloud.calls, 1);
    assert_int_equal(asked(&test, 0), 6);
    assert_int_equal(alone(&test), 0);
    end(&test);
}

static void what_is_new_is_asked_for_once_more(void **state)
{
    struct desk_test test;

    (void)state;
    begin(&test, "[" FOUR "," ANSWER(ROW("arn:e") "," ROW("arn:f")) "]");
    test.count = 2;
    prepare(&test);
    run(&test, true);
    test.count = 3;
    prepare(&test);
    test.askers[2].delay_ms = 50; /* long after the answer */
    run(&test, true);
    assert_int_equal(test.cloud.calls, 2);
    assert_int_equal(asked(&test, 0), 4);
    assert_int_equal(asked(&test, 1), 2);
    assert_int_equal(alone(&test), 0);
    end(&test);
}

static void a_look_at_some_asks_for_those_alone_and_forgets_nothing(void **state)
{
    struct desk_test test;

    (void)state;
    begin(&test, TELLS_ALL);
    prepare(&test);
    run(&test, true);
    test.count = 1;
    prepare(&test);
    run(&test, false);
    assert_int_equal(test.cloud.calls, 1);
    assert_int_equal(asked(&test, 0), 2);
    test.count = 3;
    prepare(&test);
    run(&test, true);
    assert_int_equal(test.cloud.calls, 1);
    assert_int_equal(asked(&test, 0), 6);
    end(&test);
}

static void what_does_not_come_back_is_asked_alone(void **state)
{
    struct desk_test test;

    (void)state;
    begin(&test, "[" ANSWER(SOME) "]");
    prepare(&test);
    run(&test, true);
    prepare(&test);
    run(&test, true);
    assert_int_equal(test.cloud.calls, 1);
    assert_int_equal(alone(&test), 1);
    assert_int_equal(test.askers[2].alone, 1);
    end(&test);
}

static void a_refused_call_is_not_made_again_in_the_look(void **state)
{
    struct desk_test test;

    (void)state;
    begin(&test, "[{\"operation\":\"GetResources\",\"times\":-1,\"error\":\"AccessDeniedException\"}]");
    prepare(&test);
    run(&test, true);
    prepare(&test);
    run(&test, true);
    assert_int_equal(test.cloud.calls, 1);
    assert_int_equal(alone(&test), 6);
    end(&test);
}

static void what_was_written_moments_ago_is_asked_alone(void **state)
{
    struct desk_test test;

    (void)state;
    begin(&test, TELLS_ALL);
    prepare(&test);
    run(&test, true);
    prepare(&test);
    test.askers[0].items[0].recent = true; /* the others still ask for it: its answer is not believed */
    run(&test, true);
    assert_int_equal(test.cloud.calls, 1);
    assert_int_equal(test.askers[0].alone, 1);
    assert_int_equal(alone(&test), 1);
    end(&test);
}

static void a_canceled_waiter_leaves_the_line(void **state)
{
    struct desk_test test;

    (void)state;
    begin(&test, TELLS_ALL);
    prepare(&test);
    test.askers[1].cancel = true;
    run(&test, true);
    assert_int_equal(test.askers[0].alone + test.askers[2].alone, 0);
    prepare(&test);
    run(&test, true);
    assert_int_equal(alone(&test), 0);
    end(&test);
}

static void when_who_asks_is_canceled_the_next_one_asks(void **state)
{
    struct desk_test test;

    (void)state;
    begin(&test, TELLS_ALL);
    prepare(&test);
    run(&test, true);
    prepare(&test);
    test.askers[0].cancel = true;
    run(&test, true);
    assert_int_equal(test.askers[1].alone + test.askers[2].alone, 0);
    assert_int_equal(asked(&test, test.cloud.calls - 1), 6);
    end(&test);
}

static void one_alone_costs_no_common_call(void **state)
{
    struct desk_test test;

    (void)state;
    begin(&test, TELLS_ALL);
    test.count = 1;
    prepare(&test);
    test.askers[0].batch.count = 1;
    run(&test, true);
    assert_int_equal(test.cloud.calls, 0);
    assert_int_equal(test.askers[0].alone, 1);
    end(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_call_serves_all_that_ask_in_one_look),
        cmocka_unit_test(what_is_new_is_asked_for_once_more),
        cmocka_unit_test(a_look_at_some_asks_for_those_alone_and_forgets_nothing),
        cmocka_unit_test(what_does_not_come_back_is_asked_alone),
        cmocka_unit_test(a_refused_call_is_not_made_again_in_the_look),
        cmocka_unit_test(what_was_written_moments_ago_is_asked_alone),
        cmocka_unit_test(a_canceled_waiter_leaves_the_line),
        cmocka_unit_test(when_who_asks_is_canceled_the_next_one_asks),
        cmocka_unit_test(one_alone_costs_no_common_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
