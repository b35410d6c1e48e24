/*
 * test_engine_destroy.c: the end of a platform, on a virtual clock: order, what is kept, crashes, files that change or
 * vanish meanwhile, and how it comes back. Each case is one story.
 */
#include <unistd.h>

#include "common/js.h"
#include "daemon/documents.h"
#include "tests/unit/engine_check.h"

#define DIAMOND                                                                                              \
    "resources:\n"                                                                                           \
    "  test_item.a: {name: a}\n"                                                                             \
    "  test_item.b: {name: b, from: \"${test_item.a.arn}\", secure: true}\n"                                 \
    "  test_item.c: {name: c, from: \"${test_item.a.arn}\"}\n"                                               \
    "  test_data.d: {name: d, from: \"${test_item.b.arn}\", also: \"${test_item.c.arn}\"}\n"                 \
    "  test_plain.e: {name: e, size: 4}\n"                                                                   \
    "  random_password.p: {length: 20}\n"                                                                    \
    "outputs:\n"                                                                                             \
    "  d: {value: \"${test_data.d.arn}\"}\n"

static int setup(void **state)
{
    struct engine *engine = calloc(1, sizeof(*engine));

    assert_non_null(engine);
    engine_init(engine, 1);
    engine->cloud.strict_order = true;
    *state = engine;
    return 0;
}

static int teardown(void **state)
{
    struct engine *engine = *state;

    engine_close(engine);
    free(engine);
    return 0;
}

static void settle(struct engine *engine, const char *text)
{
    engine_write(engine, text);
    engine_start(engine);
    CHECK(engine, engine_until(engine, engine_converged, 600000));
    engine_run(engine, 200000);
    CHECK(engine, engine_until(engine, engine_converged, 600000));
}

static void begin(struct engine *engine)
{
    struct err err = {0};

    CHECK(engine, destroy_begin(engine_platform(engine), 0, &err) == 0);
    schedule_pass(engine_platform(engine),
                  &(struct pass_request){.mode = PASS_CONVERGE, .full = true, .released = true});
}

static bool is_destroyed(struct engine *engine)
{
    return engine_rests(engine) && engine_platform(engine)->destroy == DESTROY_DONE;
}

static bool rests_in_vain(struct engine *engine)
{
    return engine_rests(engine) && engine_platform(engine)->steady;
}

static void destroy(struct engine *engine)
{
    begin(engine);
    CHECK(engine, engine_until(engine, is_destroyed, 600000));
    CHECK_NO_VIOLATION(engine);
}

static bool has_secret(struct engine *engine, const char *name)
{
    struct secret *value = NULL;
    int r = sealed_get(engine->daemon->store, "p", name, &value, NULL);

    secret_free(value);
    return r == 0;
}

static size_t count_records(struct engine *engine)
{
    struct record *records = NULL;
    size_t count = 0;

    assert_int_equal(record_list(engine->daemon->store, "p", &records, &count, NULL), 0);
    records_free(records, count);
    return count;
}

static void all_goes_in_reverse_order_and_stays_gone(void **state)
{
    struct engine *engine = *state;
    struct output *outputs = NULL;
    size_t count = 0;

    settle(engine, DIAMOND);
    CHECK(engine, has_secret(engine, "random_password.p.result"));
    destroy(engine);
    CHECK_EQUAL(engine, engine->cloud.count, 0);
    CHECK_EQUAL(engine, count_records(engine), 0);
    CHECK(engine, !has_secret(engine, "random_password.p.result"));
    /* side by side where nothing is in the way: b and c in the moment d is gone */
    CHECK_EQUAL(engine, cloud_time(&engine->cloud, "Delete", "b", 1),
                cloud_time(&engine->cloud, "Delete", "c", 1));
    CHECK_EQUAL(engine, cloud_time(&engine->cloud, "Delete", "b", 1),
                cloud_time(&engine->cloud, "Delete", "d", 1) + 50);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DESTROYED, NULL), 1);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, NULL), 0);
    assert_int_equal(output_list(engine->daemon->store, "p", &outputs, &count, NULL), 0);
    outputs_free(outputs, count);
    CHECK_EQUAL(engine, count, 0);

    /* neither time, nor a restart, nor another file builds it again, and no cloud is asked about it */
    count = engine->cloud.calls;
    engine->cloud.frozen = true;
    engine_run(engine, 3600000);
    (void)engine_stop(engine);
    engine_start(engine);
    engine_run(engine, 600000);
    engine_write(engine, DIAMOND "poll_interval: 30s\n");
    (void)daemon_reload(engine->daemon);
    engine_run(engine, 600000);
    CHECK_NO_VIOLATION(engine);
    CHECK_EQUAL(engine, engine->cloud.calls, count);
    CHECK(engine, engine_platform(engine)->destroy == DESTROY_DONE);
}

static void what_is_protected_stays_with_all_it_needs(void **state)
{
    struct engine *engine = *state;

    settle(engine, "policy: {protect: [test_item.b]}\n" DIAMOND);
    destroy(engine);
    CHECK(engine, cloud_find(&engine->cloud, "test_item", "b"));
    CHECK(engine, cloud_find(&engine->cloud, "test_item", "a"));
    CHECK_EQUAL(engine, engine->cloud.count, 2);
    CHECK_EQUAL(engine, count_records(engine), 2);
    CHECK(engine, engine_platform(engine)->converged);

    /* and is looked after as before */
    cloud_set(&engine->cloud, "test_item", "b", "size", "7");
    engine_run(engine, 200000);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_HEAL, "test_item.b"), 1);

    /* what was confirmed did not mean it: an edit of the file alone deletes nothing more */
    engine_write(engine, DIAMOND);
    (void)daemon_reload(engine->daemon);
    engine_run(engine, 200000);
    CHECK_EQUAL(engine, engine->cloud.count, 2);
    destroy(engine);
    CHECK_EQUAL(engine, engine->cloud.count, 0);
}

static void a_confirmed_destroy_is_held_by_no_policy(void **state)
{
    struct engine *engine = *state;
    struct platform *platform;

    settle(engine, "policy: {approve: [delete], on_drift: alert}\n" DIAMOND);
    platform = engine_platform(engine);
    platform->paused = true;
    assert_int_equal(fact_put(engine->daemon->store, "p", "paused", "", NULL), 0);
    destroy(engine);
    CHECK_EQUAL(engine, engine->cloud.count, 0);
}

static bool half_gone(struct engine *engine)
{
    return cloud_count(&engine->cloud, "Delete", NULL) >= 2;
}

static void a_kill_in_the_middle_goes_on(void **state)
{
    struct engine *engine = *state;
    struct engine_moment moment;

    settle(engine, DIAMOND);
    begin(engine);
    CHECK(engine, engine_until(engine, half_gone, 60000));
    engine_keep(engine, &moment);
    engine_cancel(engine);
    engine_back(engine, &moment);
    engine_moment_done(&moment);
    CHECK(engine, engine->cloud.count > 0);
    engine_start(engine);
    CHECK(engine, engine_until(engine, is_destroyed, 600000));
    CHECK_NO_VIOLATION(engine);
    CHECK_EQUAL(engine, engine->cloud.count, 0);
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", "a"), 1);
}

static void without_a_file_it_goes_by_the_records(void **state)
{
    struct engine *engine = *state;
    struct platform *platform;
    struct err err = {0};

    settle(engine, "policy: {protect: [test_item.a]}\n" DIAMOND);
    (void)engine_stop(engine);
    engine_write(engine, NULL);
    engine_start(engine);
    CHECK(engine, !engine_platform(engine));
    platform = destroy_recall(engine->daemon, "p", &err);
    CHECK(engine, platform);
    engine_run(engine, 100000);
    CHECK_EQUAL(engine, engine->cloud.count, 5);
    begin(engine);
    CHECK(engine, engine_until(engine, half_gone, 60000));

    /* nor does a restart in the middle need one */
    engine_cancel(engine);
    engine_start(engine);
    CHECK(engine, engine_until(engine, is_destroyed, 600000));
    CHECK_NO_VIOLATION(engine);
    CHECK_EQUAL(engine, engine->cloud.count, 1);
    CHECK(engine, cloud_find(&engine->cloud, "test_item", "a"));
}

/** A destroy that ends at "b", and what that needs. */
static void get_stuck(struct engine *engine)
{
    settle(engine, DIAMOND);
    engine->cloud.always = CLOUD_REFUSES;
    engine->cloud.always_operation = "Delete";
    engine->cloud.always_name = "b";
    begin(engine);
    engine_run(engine, 2000);
    CHECK(engine, engine_until(engine, rests_in_vain, 600000));
}

static void what_refuses_is_named_and_the_rest_goes(void **state)
{
    struct engine *engine = *state;
    struct json_object *result CLEANUP_JS = NULL;

    get_stuck(engine);
    CHECK_NO_VIOLATION(engine);
    CHECK_EQUAL(engine, engine->cloud.count, 2);
    result = document_destroyed(engine_platform(engine));
    CHECK_EQUAL(engine, js_count(result, "left"), 2);
    assert_string_equal(js_text(js_at(js_get(result, "left"), 0), "address"), "test_item.a");
    assert_string_equal(js_text(result, "state"), "destroying");
    CHECK_EQUAL(engine, engine_told(engine, EVENT_FAILED, "test_item.b"), 1);

    engine->cloud.always = CLOUD_WELL;
    CHECK(engine, engine_until(engine, is_destroyed, 600000));
    CHECK_EQUAL(engine, engine->cloud.count, 0);
}

/** A cluster that lets nobody in any more: of what was in it nothing can be learnt, and it goes all the same. */
static void what_it_deleted_need_not_be_found_absent_after_a_restart(void **state)
{
    struct engine *engine = *state;

    get_stuck(engine);
    CHECK_EQUAL(engine, engine->cloud.count, 2);
    engine_cancel(engine);

    engine->cloud.always = CLOUD_DENIES;
    engine->cloud.always_operation = "Read";
    engine->cloud.always_name = "d";
    engine->cloud.always_met = 0;
    engine_start(engine);
    CHECK(engine, engine_until(engine, is_destroyed, 600000));
    CHECK(engine, engine->cloud.always_met > 0);
    CHECK_NO_VIOLATION(engine);
    CHECK_EQUAL(engine, engine->cloud.count, 0);
}

static void apply_builds_it_again(void **state)
{
    struct engine *engine = *state;
    struct err err = {0};

    settle(engine, DIAMOND);
    destroy(engine);
    CHECK(engine, destroy_cancel(engine_platform(engine), 0, &err) == 0);
    schedule_pass(engine_platform(engine), &(struct pass_request){.mode = PASS_CONVERGE, .full = true});
    CHECK(engine, engine_until(engine, engine_converged, 600000));
    CHECK_NO_VIOLATION(engine);
    CHECK_EQUAL(engine, engine->cloud.count, 5);
    CHECK_EQUAL(engine, count_records(engine), 6);
}

static void apply_in_the_middle_turns_it_round(void **state)
{
    struct engine *engine = *state;
    struct err err = {0};

    settle(engine, DIAMOND);
    begin(engine);
    CHECK(engine, engine_until(engine, half_gone, 60000));
    CHECK(engine, destroy_cancel(engine_platform(engine), 0, &err) == 0);
    schedule_pass(engine_platform(engine), &(struct pass_request){.mode = PASS_CONVERGE, .full = true});
    CHECK(engine, engine_until(engine, engine_converged, 600000));
    CHECK_NO_VIOLATION(engine);
    CHECK_EQUAL(engine, engine->cloud.count, 5);
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", "a"), 1);
}

static void what_was_never_recorded_goes_by_its_tags(void **state)
{
    struct engine *engine = *state;

    settle(engine, DIAMOND);
    (void)engine_stop(engine);
    {
        char *path CLEANUP_FREE = str_format("%s/state.db", engine->state);

        assert_int_equal(unlink(path), 0);
    }
    engine_start(engine);
    begin(engine); /* before the first look could adopt anything */
    CHECK(engine, engine_until(engine, is_destroyed, 600000));
    CHECK_NO_VIOLATION(engine);
    CHECK_EQUAL(engine, engine->cloud.count, 1); /* what carries no mark may be anybody's */
    CHECK(engine, cloud_find(&engine->cloud, "test_plain", "e"));
}

static void the_plan_names_order_and_what_is_kept(void **state)
{
    struct engine *engine = *state;
    struct json_object *plan CLEANUP_JS = NULL, *deletes;

    settle(engine, "policy: {protect: [test_item.b]}\n" DIAMOND);
    engine->cloud.frozen = true;
    engine_pass(engine, &(struct pass_request){.mode = PASS_CHECK, .full = true, .farewells = true});
    plan = document_destroy_plan(engine_platform(engine));
    deletes = js_get(plan, "deletes");
    CHECK_EQUAL(engine, js_count(deletes, NULL), 4);
    assert_string_equal(js_text(js_at(deletes, 0), "address"), "test_data.d");
    assert_string_equal(js_text(js_at(deletes, 1), "address"), "test_item.c");
    CHECK_EQUAL(engine, js_count(plan, "kept"), 2);
    assert_string_equal(js_text(js_at(js_get(plan, "kept"), 0), "why"), "kept by policy.protect");
    assert_non_null(strstr(js_text(js_at(js_get(plan, "kept"), 1), "why"), "needed by test_item.b"));
    CHECK_NO_VIOLATION(engine);
    CHECK(engine, engine_converged(engine));
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(all_goes_in_reverse_order_and_stays_gone),
        CASE(what_is_protected_stays_with_all_it_needs),
        CASE(a_confirmed_destroy_is_held_by_no_policy),
        CASE(a_kill_in_the_middle_goes_on),
        CASE(without_a_file_it_goes_by_the_records),
        CASE(what_refuses_is_named_and_the_rest_goes),
        CASE(what_it_deleted_need_not_be_found_absent_after_a_restart),
        CASE(apply_builds_it_again),
        CASE(apply_in_the_middle_turns_it_round),
        CASE(what_was_never_recorded_goes_by_its_tags),
        CASE(the_plan_names_order_and_what_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
