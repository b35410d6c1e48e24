/*
 * test_engine.c: the engine on a virtual clock: what it does, in which order, when, and what it says of it.
 * Each case is one story; faults at every call and turn are in test_engine_faults.c.
 */
#include <errno.h>
#include <unistd.h>

#include "common/js.h"
#include "daemon/act-internal.h"
#include "daemon/documents.h"
#include "tests/unit/engine_check.h"

static const char diamond[] =
    "resources:\n"
    "  test_item.a: {name: a}\n"
    "  test_item.b: {name: b, from: \"${test_item.a.arn}\", secure: true}\n"
    "  test_item.c: {name: c, from: \"${test_item.a.arn}\"}\n"
    "  test_item.d: {name: d, from: \"${test_item.b.arn}\", also: \"${test_item.c.arn}\"}\n"
    "  test_plain.e: {name: e, size: 4}\n"
    "outputs:\n"
    "  d: {value: \"${test_item.d.arn}\"}\n";

static int setup(void **state)
{
    struct engine *engine = calloc(1, sizeof(*engine));

    assert_non_null(engine);
    engine_init(engine, 1);
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

/** A daemon that has brought @text to pass, and had a quiet minute or two. */
static void settle(struct engine *engine, const char *text)
{
    engine_write(engine, text);
    engine_start(engine);
    CHECK(engine, engine_until(engine, engine_converged, 600000));
    engine_run(engine, 200000);
    CHECK(engine, engine_until(engine, engine_converged, 600000));
    CHECK_NO_VIOLATION(engine);
}

static void reload(struct engine *engine, const char *text)
{
    engine_write(engine, text);
    (void)daemon_reload(engine->daemon);
}

static struct json_object *thing_member(struct engine *engine, const char *type, const char *name,
                                        const char *path)
{
    struct thing *thing = cloud_find(&engine->cloud, type, name);

    return thing ? js_get(thing->document, path) : NULL;
}

static int64_t size_of(struct engine *engine, const char *name)
{
    return json_object_get_int64(thing_member(engine, "test_item", name, "size"));
}

static size_t open_intents(struct engine *engine)
{
    struct intent *intents = NULL;
    size_t count = 0;

    assert_int_equal(intent_list(engine->daemon->store, "p", &intents, &count, NULL), 0);
    intents_free(intents, count);
    return count;
}

static void fail_always(struct engine *engine, enum cloud_fault fault, const char *operation,
                        const char *name)
{
    engine->cloud.always = fault;
    engine->cloud.always_operation = operation;
    engine->cloud.always_name = name;
}

/* ---- from nothing ---- */

static void converges_along_the_critical_path(void **state)
{
    struct engine *engine = *state;
    struct output *outputs = NULL;
    size_t count = 0;
    uint64_t start_ms;

    engine_write(engine, diamond);
    engine_start(engine);
    start_ms = engine->clock.now_ms;
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK_NO_VIOLATION(engine);
    /* look; a; b (two calls) while c; d; look again: six round trips of 50 ms */
    CHECK_EQUAL(engine, engine->clock.now_ms - start_ms, 300);
    CHECK_EQUAL(engine, cloud_time(&engine->cloud, "Create", "a", 1), start_ms + 50);
    CHECK_EQUAL(engine, cloud_time(&engine->cloud, "Create", "e", 1), start_ms + 50);
    CHECK_EQUAL(engine, cloud_time(&engine->cloud, "Create", "b", 1), start_ms + 100);
    CHECK_EQUAL(engine, cloud_time(&engine->cloud, "Create", "c", 1), start_ms + 100);
    CHECK_EQUAL(engine, cloud_time(&engine->cloud, "Create", "d", 1), start_ms + 200);
    CHECK_EQUAL(engine, engine->cloud.writes, 6);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_CREATE, NULL), 5);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_CONVERGED, NULL), 1);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, NULL), 0);
    CHECK_EQUAL(engine, open_intents(engine), 0);
    assert_int_equal(output_list(engine->daemon->store, "p", &outputs, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_string_equal(outputs[0].value, "\"arn:i-5\"");
    outputs_free(outputs, count);
}

static void a_quiet_pass_writes_nothing_and_looks_once(void **state)
{
    struct engine *engine = *state;
    uint64_t commits, passes;
    size_t calls;

    settle(engine, diamond);
    commits = store_commits(engine->daemon->store);
    passes = engine_platform(engine)->pass_number;
    calls = engine->cloud.calls;
    engine->cloud.frozen = true;
    engine_run(engine, 3600000);
    passes = engine_platform(engine)->pass_number - passes;
    CHECK(engine, passes >= 54 && passes <= 67); /* a minute +- 10 % */
    CHECK_EQUAL(engine, engine->cloud.calls - calls, passes * 5);
    CHECK_EQUAL(engine, store_commits(engine->daemon->store), commits);
    CHECK_NO_VIOLATION(engine);
}

#define SELDOM                                                                                               \
    "resources:\n"                                                                                           \
    "  test_seldom.a: {name: a}\n"                                                                           \
    "  test_seldom.b: {name: b}\n"                                                                           \
    "  test_seldom.c: {name: c}\n"                                                                           \
    "  test_seldom.d: {name: d}\n"                                                                           \
    "  test_seldom.e: {name: e}\n"

static const char seldom[] = SELDOM;
static const char seldom_alert[] = "policy: {on_drift: alert}\n" SELDOM;
static const char seldom_later[] = "poll_interval: 50s\n" SELDOM;

/** Passes of the timer, one after the other, until @count more have begun and the last one rests. */
static void wait_passes(struct engine *engine, uint64_t count)
{
    uint64_t until = engine_platform(engine)->pass_number + count;

    while (engine_platform(engine)->pass_number < until)
        engine_run(engine, 1000);
    CHECK(engine, engine_until(engine, engine_rests, 10000));
}

static void what_hardly_ever_changes_is_read_in_turn(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    struct engine *engine = *state;
    size_t reads[ARRAY_SIZE(names)];

    settle(engine, seldom);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        reads[i] = cloud_count(&engine->cloud, "Read", names[i]);
    for (int i = 0; i < 10; i++) {
        size_t calls = engine->cloud.calls;

        wait_passes(engine, 1);
        CHECK_EQUAL(engine, engine->cloud.calls - calls, 1); /* level: one of five in each pass */
    }
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Read", names[i]) - reads[i], 2);
}

static void what_changed_is_found_in_its_turn_and_then_followed(void **state)
{
    struct engine *engine = *state;

    settle(engine, seldom_alert);
    cloud_set(&engine->cloud, "test_seldom", "b", "size", "7");
    wait_passes(engine, 5);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, "test_seldom.b"), 1);
    /* while it is not in order it is read each time */
    for (int i = 0; i < 5; i++) {
        size_t reads = cloud_count(&engine->cloud, "Read", "b");

        wait_passes(engine, 1);
        CHECK(engine, cloud_count(&engine->cloud, "Read", "b") > reads);
    }
}

static void who_asks_is_told_of_everything(void **state)
{
    static const enum pass_mode modes[] = {PASS_CHECK, PASS_CONVERGE};
    struct engine *engine = *state;

    settle(engine, seldom);
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        size_t calls = engine->cloud.calls;

        engine_pass(engine, &(struct pass_request){.mode = modes[i], .full = true});
        CHECK_EQUAL(engine, engine->cloud.calls - calls, 5);
    }
}

static void a_new_file_is_compared_with_what_is_there(void **state)
{
    struct engine *engine = *state;
    size_t calls;

    settle(engine, seldom);
    wait_passes(engine, 1);
    calls = engine->cloud.calls;
    reload(engine, seldom_later);
    engine_run(engine, 500);
    CHECK(engine, engine->cloud.calls - calls >= 5); /* its turn's pass would read one */
}

static void a_look_that_failed_is_made_again_whoever_has_the_turn(void **state)
{
    struct engine *engine = *state;
    size_t met;

    settle(engine, seldom);
    fail_always(engine, CLOUD_FAILS, "Read", "c");
    wait_passes(engine, 5);
    met = engine->cloud.always_met;
    CHECK(engine, met >= 1);
    wait_passes(engine, 2);
    CHECK(engine, engine->cloud.always_met >= met + 2);
    fail_always(engine, CLOUD_WELL, NULL, NULL);
    CHECK(engine, engine_until(engine, engine_converged, 200000));
}

static void many_start_at_once_but_not_too_many(void **state)
{
    struct engine *engine = *state;
    struct buf text CLEANUP_BUF = BUF_INIT(8192);

    (void)buf_add_text(&text, "resources:\n");
    for (int i = 0; i < 40; i++)
        (void)buf_addf(&text, "  test_item.n%d: {name: n%d}\n", i, i);
    engine_write(engine, buf_text(&text));
    engine_start(engine);
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK_EQUAL(engine, cloud_time(&engine->cloud, "Create", "n31", 1),
                cloud_time(&engine->cloud, "Create", "n0", 1));
    CHECK_EQUAL(engine, cloud_time(&engine->cloud, "Create", "n39", 1),
                cloud_time(&engine->cloud, "Create", "n0", 1) + 50);
}

/* ---- failures ---- */

static void pauses_after_failures(uint64_t seed, uint64_t gaps[8])
{
    struct engine *engine = calloc(1, sizeof(*engine));

    assert_non_null(engine);
    engine_init(engine, seed);
    engine_write(engine, diamond);
    fail_always(engine, CLOUD_FAILS, "Create", "b");
    engine_start(engine);
    engine_run(engine, 1800000);
    for (size_t i = 0; i < 8; i++)
        gaps[i] = cloud_time(&engine->cloud, "Create", "b", i + 2) -
                  cloud_time(&engine->cloud, "Create", "b", i + 1);
    CHECK_NO_VIOLATION(engine);
    engine_close(engine);
    free(engine);
}

static void failures_are_retried_ever_more_slowly_and_not_in_step(void **state)
{
    uint64_t one[8], other[8], longest = 0;
    bool differ = false;

    (void)state;
    pauses_after_failures(1, one);
    pauses_after_failures(2, other);
    for (size_t i = 0; i < 8; i++) {
        uint64_t ceiling_ms = 1000ull << i;

        /* the pause, the look before the next try, and half a pass at most */
        assert_in_range(one[i], 50, ceiling_ms + 500);
        assert_in_range(other[i], 50, ceiling_ms + 500);
        differ = differ || one[i] != other[i];
        if (one[i] > longest)
            longest = one[i];
    }
    assert_true(differ);
    assert_true(longest > 8000);
}

static void a_failure_is_told_once_and_the_rest_goes_on(void **state)
{
    struct engine *engine = *state;
    struct resource *b;

    engine_write(engine, diamond);
    fail_always(engine, CLOUD_FAILS, "Create", "b");
    engine_start(engine);
    engine_run(engine, 600000);
    b = engine_resource(engine, "test_item.b");
    CHECK_EQUAL(engine, engine_told(engine, EVENT_FAILED, "test_item.b"), 1);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_FAILED, NULL), 1);
    CHECK_EQUAL(engine, engine->cloud.count, 3); /* a, c, e */
    CHECK(engine, b->status == STATUS_FAILED && strstr(b->why, "internal failure"));
    CHECK(engine, engine_resource(engine, "test_item.d")->status == STATUS_PENDING);
    CHECK(engine, strstr(engine_resource(engine, "test_item.d")->why, "test_item.b"));
    CHECK(engine, engine->cloud.always_met >= 5 && engine->cloud.always_met < 30);
    fail_always(engine, CLOUD_WELL, NULL, NULL);
    CHECK(engine, engine_until(engine, engine_converged, 600000));
    CHECK_EQUAL(engine, engine_told(engine, EVENT_RECOVERED, "test_item.b"), 1);
    CHECK_NO_VIOLATION(engine);
}

static void what_only_a_person_can_mend_is_tried_every_five_minutes(void **state)
{
    struct engine *engine = *state;

    engine_write(engine, diamond);
    fail_always(engine, CLOUD_DENIES, "Create", "b");
    engine_start(engine);
    engine_run(engine, 3600000);
    CHECK(engine, engine->cloud.always_met >= 11 && engine->cloud.always_met <= 13);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_FAILED, NULL), 1);
}

static void a_new_file_is_a_new_chance(void **state)
{
    struct engine *engine = *state;

    engine_write(engine, "resources:\n  test_item.a: {name: a}\n");
    fail_always(engine, CLOUD_REFUSES, "Create", "a");
    engine_start(engine);
    engine_run(engine, 10000);
    CHECK_EQUAL(engine, engine->cloud.always_met, 1);
    fail_always(engine, CLOUD_WELL, NULL, NULL);
    reload(engine, "resources:\n  test_item.a: {name: a, size: 2}\n");
    CHECK(engine, engine_until(engine, engine_converged, 5000));
}

static void what_waits_for_a_failed_one_does_not_keep_the_engine_busy(void **state)
{
    struct engine *engine = *state;
    uint64_t passes;

    engine_write(engine, "resources:\n"
                         "  test_item.a: {name: a}\n"
                         "  test_item.b: {name: b, colour: \"${test_item.a.name}\"}\n");
    fail_always(engine, CLOUD_DENIES, "Create", "a");
    engine_start(engine);
    engine_run(engine, 10000);
    passes = engine_platform(engine)->pass_number;
    engine_run(engine, 600000);
    passes = engine_platform(engine)->pass_number - passes;
    CHECK(engine, passes >= 9 && passes <= 15); /* one a minute, and one for each try */
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", NULL), 0);
    fail_always(engine, CLOUD_WELL, NULL, NULL);
    CHECK(engine, engine_until(engine, engine_converged, 400000));
}

static void a_failure_that_ends_without_us_is_over_and_may_come_again(void **state)
{
    struct engine *engine = *state;

    settle(engine, "resources:\n  test_item.a: {name: a}\n");
    fail_always(engine, CLOUD_DENIES, "Update", "a");
    cloud_set(&engine->cloud, "test_item", "a", "size", "7");
    engine_run(engine, 70000);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_FAILED, "test_item.a"), 1);
    cloud_set(&engine->cloud, "test_item", "a", "size", "1"); /* somebody put it right */
    engine_run(engine, 70000);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_RECOVERED, "test_item.a"), 1);
    cloud_set(&engine->cloud, "test_item", "a", "size", "7");
    engine_run(engine, 70000);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_FAILED, "test_item.a"), 2);
}

static void not_yet_waits_two_four_eight_seconds_and_is_no_failure(void **state)
{
    static const uint64_t pauses_ms[] = {2000, 4000, 8000, 8000, 8000};
    struct engine *engine = *state;

    engine_write(engine, "resources:\n  test_item.a: {name: a}\n");
    fail_always(engine, CLOUD_NOT_YET, "Create", "a");
    engine_start(engine);
    engine_run(engine, 50000);
    for (size_t i = 0; i < ARRAY_SIZE(pauses_ms); i++) {
        uint64_t gap_ms = cloud_time(&engine->cloud, "Create", "a", i + 2) -
                          cloud_time(&engine->cloud, "Create", "a", i + 1);

        CHECK(engine, gap_ms >= pauses_ms[i] && gap_ms <= pauses_ms[i] + 200);
    }
    CHECK_EQUAL(engine, engine_told(engine, EVENT_FAILED, NULL), 0);
    CHECK(engine, engine_told(engine, EVENT_WAITING, "test_item.a") > 0);
    CHECK(engine, engine_resource(engine, "test_item.a")->status == STATUS_PENDING);
    engine_run(engine, 60000); /* the kind gives up after a minute */
    CHECK_EQUAL(engine, engine_told(engine, EVENT_FAILED, NULL), 1);
    CHECK(engine, strstr(engine_last_words(engine, EVENT_FAILED, NULL), "still not possible after 60 s"));
    fail_always(engine, CLOUD_WELL, NULL, NULL);
    CHECK(engine, engine_until(engine, engine_converged, 600000));
}

static void an_answer_that_never_came_is_looked_for(void **state)
{
    struct engine *engine = *state;

    engine_write(engine, "resources:\n  test_item.a: {name: a}\n");
    engine->cloud.fault = CLOUD_NO_REPLY;
    engine->cloud.fault_at = 2; /* Read, Create */
    engine->cloud.fault_calls = 1;
    engine_start(engine);
    CHECK(engine, engine_until(engine, engine_converged, 120000));
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", "a"), 1);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_ADOPT, "test_item.a"), 1);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, NULL), 0);
    CHECK_NO_VIOLATION(engine);
}

static void half_made_is_finished_and_is_no_drift(void **state)
{
    struct engine *engine = *state;

    engine_write(engine, "resources:\n  test_item.a: {name: a, secure: true}\n");
    fail_always(engine, CLOUD_FAILS, "Secure", "a");
    engine_start(engine);
    engine_run(engine, 30000);
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", "a"), 1);
    CHECK(engine, engine_resource(engine, "test_item.a")->record.id != NULL);
    CHECK_EQUAL(engine, open_intents(engine), 0);
    fail_always(engine, CLOUD_WELL, NULL, NULL);
    CHECK(engine, engine_until(engine, engine_converged, 120000));
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, NULL), 0);
    CHECK(engine, json_object_get_boolean(thing_member(engine, "test_item", "a", "secure")));
}

/* ---- absence ---- */

static void missing_is_believed_only_when_seen_twice(void **state)
{
    struct engine *engine = *state;
    struct thing *thing;

    settle(engine, diamond);
    thing = cloud_find(&engine->cloud, "test_item", "d");
    engine->cloud.frozen = true;
    CHECK(engine, engine_until(engine, engine_rests, 60000));
    thing->visible_wall_ms = clock_wall_ms(&engine->clock.clock) + 500;
    engine_pass(engine, &(struct pass_request){.mode = PASS_CONVERGE, .full = true});
    CHECK(engine, clock_wall_ms(&engine->clock.clock) >=
                      thing->visible_wall_ms); /* the second look came a second later */
    CHECK_NO_VIOLATION(engine);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, NULL), 0);
    CHECK(engine, engine_converged(engine)); /* by that very pass */
}

static void what_was_deleted_is_told_once_and_made_again(void **state)
{
    struct engine *engine = *state;

    settle(engine, diamond);
    cloud_lose(&engine->cloud, "test_item", "d");
    engine_pass(engine, &(struct pass_request){.mode = PASS_CONVERGE, .full = true});
    CHECK(engine, engine_until(engine, engine_converged, 10000));
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, "test_item.d"), 1);
    CHECK(engine, strstr(engine_last_words(engine, EVENT_DRIFT, NULL), "[critical] it is gone"));
    CHECK_EQUAL(engine, engine_told(engine, EVENT_HEAL, "test_item.d"), 1);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_RESOLVED, "test_item.d"), 1);
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", "d"), 2);
    CHECK_NO_VIOLATION(engine);
}

static void what_was_just_made_has_time_to_appear(void **state)
{
    struct engine *engine = *state;

    engine->cloud.blind_ms = 6000;
    engine_write(engine, diamond);
    engine_start(engine);
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", NULL), 5);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, NULL), 0);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_FAILED, NULL), 0);
    CHECK_NO_VIOLATION(engine);
}

static void looks_within_the_grace_prove_nothing(void **state)
{
    struct engine *engine = *state;

    engine->cloud.blind_ms = 11000; /* a second longer than the grace: one look outside of it finds nothing */
    engine_write(engine, "resources:\n  test_item.a: {name: a}\n");
    engine_start(engine);
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", NULL), 1);
    CHECK(engine, cloud_count(&engine->cloud, "Read", "a") >= 5);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, NULL), 0);
}

static void what_shows_its_own_end_is_made_again_without_a_grace(void **state)
{
    struct engine *engine = *state;

    engine->cloud.settle_ms = 8000;
    engine_write(engine, "resources:\n  test_slow.a: {name: a}\n");
    engine_start(engine);
    engine_run(engine, 500); /* made, and not seen often enough to be trusted */
    cloud_find(&engine->cloud, "test_slow", "a")->failed = true;
    engine_run(engine, 5000); /* half of the grace */
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", "a"), 2);
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK_NO_VIOLATION(engine);
}

static void many_gone_at_once_is_asked_about(void **state)
{
    static const char *const names[] = {"n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7"};
    struct engine *engine = *state;
    struct buf text CLEANUP_BUF = BUF_INIT(8192);

    (void)buf_add_text(&text, "resources:\n");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        (void)buf_addf(&text, "  test_item.%s: {name: %s}\n", names[i], names[i]);
    settle(engine, buf_text(&text));
    engine->cloud.frozen = true;
    for (size_t i = 0; i < 5; i++)
        cloud_lose(&engine->cloud, "test_item", names[i]);
    engine_run(engine, 600000);
    CHECK_NO_VIOLATION(engine);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_HELD, NULL), 5); /* each once */
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, NULL), 5);
    engine->cloud.frozen = false;
    engine_pass(engine, &(struct pass_request){.mode = PASS_CONVERGE, .full = true, .released = true});
    CHECK(engine, engine_until(engine, engine_converged, 10000));
    CHECK_EQUAL(engine, engine->cloud.count, 8);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_RESOLVED, NULL), 5);
}

/* ---- not known ---- */

static void unknown_is_left_alone_and_told_once(void **state)
{
    struct engine *engine = *state;

    settle(engine, diamond);
    cloud_set(&engine->cloud, "test_item", "c", "size", "9");
    engine->cloud.frozen = true;
    fail_always(engine, CLOUD_FAILS, "Read", "c");
    engine_run(engine, 1200000);
    CHECK_NO_VIOLATION(engine);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_UNKNOWN, "test_item.c"), 1);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, NULL), 0);
    CHECK(engine, engine_resource(engine, "test_item.c")->status == STATUS_UNKNOWN);
    CHECK(engine, !engine_platform(engine)->converged);
    CHECK(engine, engine->cloud.always_met < 1200000 / 30000 + 10); /* and not asked without pause */
    engine->cloud.frozen = false;
    fail_always(engine, CLOUD_WELL, NULL, NULL);
    CHECK(engine, engine_until(engine, engine_converged, 120000));
    CHECK_EQUAL(engine, engine_told(engine, EVENT_KNOWN, "test_item.c"), 1);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, "test_item.c"), 1);
    CHECK_EQUAL(engine, size_of(engine, "c"), 1);
}

static void a_passing_fault_of_one_look_is_not_told(void **state)
{
    struct engine *engine = *state;

    settle(engine, diamond);
    engine->cloud.fault = CLOUD_FAILS;
    engine->cloud.fault_at = engine->cloud.calls + 1;
    engine->cloud.fault_calls = 5;
    engine_run(engine, 300000);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_UNKNOWN, NULL), 0);
    CHECK(engine, engine_until(engine, engine_converged, 1000));
}

static void what_is_built_on_the_unknown_goes_by_the_record(void **state)
{
    struct engine *engine = *state;

    settle(engine, diamond);
    fail_always(engine, CLOUD_DENIES, "Read", "a");
    cloud_set(&engine->cloud, "test_item", "b", "from", "\"elsewhere\"");
    engine_run(engine, 120000);
    assert_string_equal(json_object_get_string(thing_member(engine, "test_item", "b", "from")), "arn:i-1");
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Update", "a"), 0);
    CHECK_NO_VIOLATION(engine);
}

/* ---- drift ---- */

static void drift_is_told_once_and_put_right(void **state)
{
    struct engine *engine = *state;

    settle(engine, diamond);
    cloud_set(&engine->cloud, "test_item", "b", "secure", "false");
    cloud_set(&engine->cloud, "test_item", "b", "size", "7");
    engine_run(engine, 70000);
    CHECK(engine, engine_until(engine, engine_converged, 1000));
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, "test_item.b"), 2);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_HEAL, "test_item.b"), 1);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_RESOLVED, "test_item.b"), 2);
    CHECK(engine, strstr(engine_last_words(engine, EVENT_HEAL, NULL), "put right: size, secure"));
    CHECK_EQUAL(engine, size_of(engine, "b"), 1);
    CHECK_EQUAL(engine, engine_platform(engine)->episodes_count, 0);
}

static void what_left_the_file_leaves_no_open_drift(void **state)
{
    struct engine *engine = *state;

    settle(engine, "policy: {on_drift: alert}\n"
                   "resources:\n"
                   "  test_item.a: {name: a}\n"
                   "  test_item.b: {name: b}\n");
    cloud_set(&engine->cloud, "test_item", "b", "size", "7");
    engine_run(engine, 70000);
    CHECK_EQUAL(engine, engine_platform(engine)->episodes_count, 1);
    reload(engine, "policy: {on_drift: alert}\nresources:\n  test_item.a: {name: a}\n");
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK_EQUAL(engine, engine_platform(engine)->episodes_count, 0);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_RESOLVED, "test_item.b"), 1);
}

static const char alerting[] = "policy: {on_drift: alert}\n"
                               "resources:\n"
                               "  test_item.a: {name: a, size: 1, colour: red}\n";

static void an_episode_outlives_restarts(void **state)
{
    struct engine *engine = *state;

    settle(engine, alerting);
    cloud_set(&engine->cloud, "test_item", "a", "size", "7");
    engine->cloud.frozen = true;
    engine_run(engine, 120000);
    for (int i = 0; i < 3; i++) {
        (void)engine_stop(engine);
        engine_start(engine);
        engine_run(engine, 120000);
    }
    CHECK_NO_VIOLATION(engine);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, "test_item.a"), 1);
    CHECK_EQUAL(engine, engine_platform(engine)->episodes_count, 1);
    CHECK(engine, engine_resource(engine, "test_item.a")->status == STATUS_DRIFTED);
    cloud_set(&engine->cloud, "test_item", "a", "size", "1");
    engine_run(engine, 70000);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_RESOLVED, "test_item.a"), 1);
    CHECK(engine, engine_until(engine, engine_converged, 1000));
    (void)engine_stop(engine);
    engine_start(engine);
    engine_run(engine, 120000);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, NULL), 1);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_RESOLVED, NULL), 1);
}

static void with_alert_own_changes_are_made_and_drift_is_left(void **state)
{
    struct engine *engine = *state;

    settle(engine, alerting);
    cloud_set(&engine->cloud, "test_item", "a", "size", "7");
    engine_run(engine, 70000);
    reload(engine, "policy: {on_drift: alert}\n"
                   "resources:\n"
                   "  test_item.a: {name: a, size: 1, colour: blue}\n");
    engine_run(engine, 70000);
    assert_string_equal(json_object_get_string(thing_member(engine, "test_item", "a", "colour")), "blue");
    CHECK_EQUAL(engine, size_of(engine, "a"), 7);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, "test_item.a"), 1);
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Update", "a"), 1);
    CHECK_NO_VIOLATION(engine);
}

/** Somebody changes it back as soon as it was put right. Returns how often it was put right within @time_ms. */
static size_t quarrel(struct engine *engine, uint64_t time_ms)
{
    size_t before = cloud_count(&engine->cloud, "Update", "a");
    uint64_t end = engine->clock.now_ms + time_ms;

    while (engine->clock.now_ms < end) {
        engine_run(engine, 1000);
        cloud_set(&engine->cloud, "test_item", "a", "size", "7");
    }
    return cloud_count(&engine->cloud, "Update", "a") - before;
}

static void contested_fields_are_healed_ever_more_slowly(void **state)
{
    struct engine *engine = *state;
    size_t first, later;

    settle(engine, "poll_interval: 5s\nresources:\n  test_item.a: {name: a}\n");
    first = quarrel(engine, 60000);
    CHECK(engine, first >= 3);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_CONTESTED, "test_item.a"), 1);
    later = quarrel(engine, 600000);
    CHECK(engine, later >= 1 && later <= 8);
    CHECK(engine, engine_resource(engine, "test_item.a")->status == STATUS_DRIFTED);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_CONTESTED, "test_item.a"), 1);
    engine_run(engine, 7200000); /* peace */
    CHECK(engine, engine_until(engine, engine_converged, 1000));
}

static void a_shorter_interval_does_not_wait_for_the_end_of_the_longer(void **state)
{
    struct engine *engine = *state;
    uint64_t passes;

    settle(engine, "poll_interval: 6h\nresources:\n  test_item.a: {name: a}\n");
    reload(engine, "poll_interval: 5s\nresources:\n  test_item.a: {name: a}\n");
    passes = engine_platform(engine)->pass_number;
    engine_run(engine, 60000);
    CHECK(engine, engine_platform(engine)->pass_number - passes >= 10);
}

/* ---- people ---- */

static void approve_it(struct engine *engine, const char *address, const char *action)
{
    char *row CLEANUP_FREE = str_format("approved %s", address);

    assert_int_equal(fact_put(engine->daemon->store, "p", row, action, NULL), 0);
    schedule_pass(engine_platform(engine), &(struct pass_request){.mode = PASS_CONVERGE});
}

static void losing_data_waits_for_an_approval_of_that_very_action(void **state)
{
    struct engine *engine = *state;
    char *left = NULL;

    settle(engine, "resources:\n  test_data.a: {name: a, shape: round}\n");
    reload(engine, "resources:\n  test_data.a: {name: a, shape: square}\n");
    engine_run(engine, 300000);
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Delete", "a"), 0);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_HELD, "test_data.a"), 1);
    approve_it(engine, "test_data.a", "delete"); /* something else */
    engine_run(engine, 300000);
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Delete", "a"), 0);
    approve_it(engine, "test_data.a", "replace");
    CHECK(engine, engine_until(engine, engine_converged, 10000));
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Delete", "a"), 1);
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", "a"), 2);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_REPLACE, "test_data.a"), 1);
    assert_int_equal(fact_get(engine->daemon->store, "p", "approved test_data.a", &left, NULL), -ENOENT);
    CHECK_NO_VIOLATION(engine);
}

static void paused_looks_and_tells_but_does_nothing(void **state)
{
    struct engine *engine = *state;

    settle(engine, diamond);
    assert_int_equal(fact_put(engine->daemon->store, "p", "paused", "lunch", NULL), 0);
    engine_platform(engine)->paused = true;
    cloud_set(&engine->cloud, "test_item", "b", "size", "7");
    engine->cloud.frozen = true;
    engine_run(engine, 120000);
    (void)engine_stop(engine);
    engine_start(engine); /* a pause outlives a restart */
    engine_run(engine, 120000);
    CHECK(engine, engine_platform(engine)->paused);
    assert_string_equal(engine_platform(engine)->paused_why, "lunch");
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, "test_item.b"), 1);
    CHECK_NO_VIOLATION(engine);
    engine->cloud.frozen = false;
    engine_platform(engine)->paused = false;
    engine_pass(engine, &(struct pass_request){.mode = PASS_CONVERGE, .full = true});
    CHECK(engine, engine_converged(engine));
}

static void a_plan_changes_nothing(void **state)
{
    struct engine *engine = *state;
    struct json_object *plan;

    settle(engine, diamond);
    (void)engine_stop(engine);
    cloud_set(&engine->cloud, "test_item", "b", "size", "7");
    cloud_lose(&engine->cloud, "test_item", "d");
    engine->cloud.frozen = true;
    engine_start(engine);
    engine_platform(engine)->queued.mode = PASS_CHECK;
    engine_turn(engine);
    CHECK(engine, engine_until(engine, engine_rests, 10000));
    plan = document_plan(engine_platform(engine));
    CHECK_EQUAL(engine, js_count(plan, "actions"), 2);
    assert_string_equal(js_text(js_at(js_get(plan, "actions"), 0), "action"), "update");
    assert_string_equal(js_text(js_at(js_get(plan, "actions"), 1), "action"), "create");
    json_object_put(plan);
    CHECK_NO_VIOLATION(engine);
}

/* ---- files ---- */

static const char first_half[] = "resources:\n"
                                 "  test_item.a: {name: a}\n"
                                 "  test_plain.e: {name: e, size: 4}\n";

static void removed_ones_are_deleted_in_reverse_order(void **state)
{
    struct engine *engine = *state;

    settle(engine, diamond);
    engine->cloud.strict_order = true;
    reload(engine, first_half);
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK_NO_VIOLATION(engine);
    CHECK_EQUAL(engine, engine->cloud.count, 2);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DELETE, NULL), 3);
    CHECK_EQUAL(engine, engine_platform(engine)->count, 2);
    CHECK(engine,
          cloud_time(&engine->cloud, "Delete", "b", 1) >= cloud_time(&engine->cloud, "Delete", "d", 1) + 50);
    CHECK_EQUAL(engine, cloud_time(&engine->cloud, "Delete", "b", 1),
                cloud_time(&engine->cloud, "Delete", "c", 1));
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, NULL), 0);
    (void)engine_stop(engine);
    engine_start(engine);
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK_EQUAL(engine, engine_platform(engine)->count, 2);
}

static void what_left_the_file_and_the_world_is_forgotten(void **state)
{
    struct engine *engine = *state;

    settle(engine, diamond);
    cloud_lose(&engine->cloud, "test_item", "d");
    reload(engine, first_half);
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK_EQUAL(engine, engine->cloud.count, 2);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_FORGOTTEN, "test_item.d"), 1);
    CHECK_EQUAL(engine, engine_platform(engine)->count, 2);
    CHECK_NO_VIOLATION(engine);
}

static void a_reload_in_the_middle_of_a_pass_waits_for_what_runs(void **state)
{
    struct engine *engine = *state;

    engine_write(engine, diamond);
    engine_start(engine);
    engine_run(engine, 120); /* a is made, b and c are under way */
    reload(engine, "resources:\n"
                   "  test_item.a: {name: a}\n"
                   "  test_item.c: {name: c, size: 2, from: \"${test_item.a.arn}\"}\n");
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK_NO_VIOLATION(engine);
    CHECK_EQUAL(engine, engine->cloud.count, 2);
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", "d"),
                0); /* the old pass started nothing more */
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Delete", "b"), 1);
    CHECK_EQUAL(engine, size_of(engine, "c"), 2);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, NULL), 0);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_GENERATION, NULL), 2);
}

static void a_bad_file_leaves_the_last_good_one_in_force(void **state)
{
    struct engine *engine = *state;

    settle(engine, diamond);
    reload(engine, "resources:\n  test_item.a: {name: a, sise: 3}\n");
    reload(engine, "resources:\n  test_item.a: {name: a, sise: 3}\n");
    CHECK_EQUAL(engine, engine_told(engine, EVENT_REFUSED, NULL), 1);
    CHECK(engine, strstr(engine_platform(engine)->refused, "sise"));
    cloud_set(&engine->cloud, "test_item", "b", "size", "7");
    engine_run(engine, 70000);
    CHECK_EQUAL(engine, size_of(engine, "b"), 1);
    CHECK_EQUAL(engine, engine->cloud.count, 5);
    reload(engine, diamond);
    CHECK(engine, engine_platform(engine)->refused == NULL);
}

static void a_platform_without_a_file_is_left_alone_until_it_comes_back(void **state)
{
    struct engine *engine = *state;

    settle(engine, diamond);
    engine_write(engine, NULL);
    (void)daemon_reload(engine->daemon);
    cloud_set(&engine->cloud, "test_item", "b", "size", "7");
    engine->cloud.frozen = true;
    engine_run(engine, 300000);
    CHECK_NO_VIOLATION(engine);
    CHECK_EQUAL(engine, engine->cloud.count, 5);
    engine->cloud.frozen = false;
    reload(engine, diamond); /* the very same text */
    engine_run(engine, 70000);
    CHECK(engine, !engine_platform(engine)->gone);
    CHECK_EQUAL(engine, size_of(engine, "b"), 1);
}

static void note_done(struct pass_waiter *waiter)
{
    waiter->from_pass = UINT64_MAX; /* marks it */
}

static void nobody_waits_for_ever_for_a_platform_that_went(void **state)
{
    struct engine *engine = *state;
    struct pass_waiter waiter = {.done = note_done, .until_steady = true};

    settle(engine, diamond);
    CHECK(engine, engine_until(engine, engine_rests, 60000));
    waiter.from_pass = engine_platform(engine)->pass_number + 1;
    pass_wait(engine_platform(engine), &waiter);
    schedule_pass(engine_platform(engine), &(struct pass_request){.mode = PASS_CONVERGE, .full = true});
    engine_write(engine, NULL);
    (void)daemon_reload(engine->daemon);
    engine_run(engine, 10000);
    CHECK(engine, waiter.from_pass == UINT64_MAX);
}

/* ---- whose is it ---- */

static void a_lost_state_is_found_again_by_the_tags(void **state)
{
    struct engine *engine = *state;
    char *path CLEANUP_FREE = NULL;

    settle(engine, diamond);
    (void)engine_stop(engine);
    path = str_format("%s/state.db", engine->state);
    assert_int_equal(unlink(path), 0);
    engine->cloud.frozen = true;
    engine_start(engine);
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK_NO_VIOLATION(engine);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_ADOPT, NULL), 5);
    assert_string_equal(engine_resource(engine, "test_item.d")->record.id, "i-5");
}

static void what_was_found_again_is_deleted_in_order_too(void **state)
{
    struct engine *engine = *state;
    char *path CLEANUP_FREE = NULL;

    settle(engine, diamond);
    (void)engine_stop(engine);
    path = str_format("%s/state.db", engine->state);
    assert_int_equal(unlink(path), 0);
    engine_start(engine);
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    engine->cloud.strict_order = true;
    reload(engine, first_half);
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK_NO_VIOLATION(engine);
    CHECK_EQUAL(engine, engine->cloud.count, 2);
}

static void a_taken_name_is_never_touched(void **state)
{
    struct engine *engine = *state;

    cloud_put(&engine->cloud, "test_item", "a", "{\"name\":\"a\",\"size\":5}");
    cloud_put(&engine->cloud, "test_item", "b",
              "{\"name\":\"b\",\"size\":5,\"tags\":{\"mlopsd:platform\":\"q\",\"mlopsd:address\":\"x\"}}");
    engine->cloud.frozen = true;
    engine_write(engine, "resources:\n"
                         "  test_item.a: {name: a}\n"
                         "  test_item.b: {name: b, adopt: true}\n"
                         "  test_item.c: {name: c, from: \"${test_item.a.arn}\"}\n");
    engine_start(engine);
    engine_run(engine, 600000);
    CHECK_NO_VIOLATION(engine);
    CHECK(engine, engine_resource(engine, "test_item.a")->status == STATUS_FAILED);
    CHECK(engine, engine_resource(engine, "test_item.b")->status == STATUS_FAILED);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_HELD, "test_item.a"), 1);
    CHECK_EQUAL(engine, engine->cloud.count, 2);
}

static void adopt_takes_an_unmarked_one_over_and_marks_it(void **state)
{
    struct engine *engine = *state;

    cloud_put(&engine->cloud, "test_item", "a", "{\"name\":\"a\",\"size\":5,\"tags\":{}}");
    engine_write(engine, "resources:\n  test_item.a: {name: a, adopt: true}\n");
    engine_start(engine);
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", NULL), 0);
    CHECK_EQUAL(engine, size_of(engine, "a"), 1);
    CHECK(engine, json_object_object_length(thing_member(engine, "test_item", "a", "tags")) == 2);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, NULL), 0);
}

static void a_name_that_is_taken_but_not_seen_is_not_hammered_at(void **state)
{
    struct engine *engine = *state;

    engine->cloud.taken_name = "a"; /* creates say "exists", looks say "absent" */
    engine_write(engine, "resources:\n  test_item.a: {name: a}\n");
    engine_start(engine);
    engine_run(engine, 600000);
    CHECK(engine, engine->cloud.taken_met >= 3 && engine->cloud.taken_met <= 40);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_FAILED, "test_item.a"), 1);
}

/* ---- the right account ---- */

static const char *account; /* NULL: nobody answers */

static int identity(void *data, const struct http_request *request, struct http_answer *answer,
                    uint64_t *ret_delay_ms)
{
    char *body CLEANUP_FREE = str_format(
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::%s:user/u</Arn><UserId>U</"
        "UserId>"
        "<Account>%s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
        account, account);

    (void)data;
    (void)request;
    *ret_delay_ms = 10;
    if (!account)
        return -ECONNREFUSED;
    answer->status = 200;
    return http_answer_set_body(answer, body, strlen(body));
}

static void behind_the_guard(struct engine *engine, const char *answered, const char *wanted)
{
    char *text CLEANUP_FREE = str_format("aws: {account_id: \"%s\", region: us-east-1}\n"
                                         "resources:\n"
                                         "  test_guarded.a: {name: a}\n"
                                         "  test_item.b: {name: b}\n",
                                         wanted);

    account = answered;
    engine_aws(engine, identity, NULL);
    engine_write(engine, text);
}

static void the_wrong_account_is_neither_looked_at_nor_touched(void **state)
{
    struct engine *engine = *state;

    behind_the_guard(engine, "210987654321", "123456789012");
    engine_start(engine);
    engine_run(engine, 600000);
    CHECK_EQUAL(engine, cloud_time(&engine->cloud, "Read", "a", 1), UINT64_MAX);
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", "a"), 0);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_BLOCKED, NULL), 1);
    CHECK(engine, strstr(engine_last_words(engine, EVENT_BLOCKED, NULL), "wrong AWS account"));
    CHECK_EQUAL(engine, engine_told(engine, EVENT_UNKNOWN, "test_guarded.a"), 0); /* told once, for all */
    CHECK(engine, !engine_platform(engine)->converged);
    behind_the_guard(engine, "210987654321", "210987654321");
    (void)daemon_reload(engine->daemon);
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK_EQUAL(engine, engine_told(engine, EVENT_UNBLOCKED, NULL), 1);
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", "a"), 1);
}

static void who_we_are_is_asked_again_until_it_is_known(void **state)
{
    struct engine *engine = *state;

    behind_the_guard(engine, NULL, "123456789012");
    engine_start(engine);
    engine_run(engine, 8000);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_BLOCKED, NULL), 0); /* a passing fault so far */
    engine_run(engine, 300000);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_BLOCKED, NULL), 1);
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Read", "a"), 0);
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", "b"), 1); /* what needs no AWS goes on */
    account = "123456789012";
    CHECK(engine, engine_until(engine, engine_converged, 120000));
    CHECK_EQUAL(engine, engine_told(engine, EVENT_UNBLOCKED, NULL), 1);
}

/* ---- changes ---- */

static void a_replaced_one_hands_its_new_name_on(void **state)
{
    struct engine *engine = *state;

    settle(engine, "resources:\n"
                   "  test_item.a: {name: a, shape: round}\n"
                   "  test_item.b: {name: b, from: \"${test_item.a.arn}\"}\n");
    reload(engine, "resources:\n"
                   "  test_item.a: {name: a, shape: square}\n"
                   "  test_item.b: {name: b, from: \"${test_item.a.arn}\"}\n");
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK_NO_VIOLATION(engine);
    assert_string_equal(json_object_get_string(thing_member(engine, "test_item", "b", "from")),
                        cloud_find(&engine->cloud, "test_item", "a")->arn);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_REPLACE, "test_item.a"), 1);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, NULL), 0);
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", "b"), 1);
}

static void what_is_in_transition_is_looked_at_in_its_own_pace(void **state)
{
    struct engine *engine = *state;
    uint64_t made_ms;

    engine->cloud.settle_ms = 5000;
    engine_write(engine, "resources:\n"
                         "  test_slow.a: {name: a}\n"
                         "  test_item.b: {name: b, from: \"${test_slow.a.arn}\"}\n");
    engine_start(engine);
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK_NO_VIOLATION(engine);
    made_ms = cloud_time(&engine->cloud, "Create", "a", 1);
    CHECK(engine, cloud_time(&engine->cloud, "Create", "b", 1) >= made_ms + 5000);
    CHECK(engine, cloud_time(&engine->cloud, "Create", "b", 1) <= made_ms + 6200);
    CHECK(engine, cloud_count(&engine->cloud, "Read", "a") <= 14);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, NULL), 0);
}

/* ---- the end ---- */

static void a_stop_lets_calls_finish(void **state)
{
    struct engine *engine = *state;

    engine_write(engine, diamond);
    engine_start(engine);
    engine_run(engine, 120); /* b and c are under way */
    CHECK(engine, engine_stop(engine) <= 500);
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", "d"), 0);
    engine_start(engine);
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", NULL), 5);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_ADOPT, NULL), 0);
    CHECK_NO_VIOLATION(engine);
}

static void a_stop_abandons_what_does_not_answer(void **state)
{
    struct engine *engine = *state;

    engine_write(engine, diamond);
    fail_always(engine, CLOUD_NO_REPLY, "Create", "b");
    engine_start(engine);
    engine_run(engine, 1000);
    CHECK(engine, engine_stop(engine) <= 5000);
    fail_always(engine, CLOUD_WELL, NULL, NULL);
    engine_start(engine);
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", "b"), 1);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_ADOPT, "test_item.b"), 1);
    CHECK_NO_VIOLATION(engine);
}

static void a_stop_before_the_first_look_does_nothing(void **state)
{
    struct engine *engine = *state;

    engine_write(engine, diamond);
    engine_start(engine);
    (void)clock_virtual_step(&engine->clock); /* the pass is spawned and has not run yet */
    CHECK(engine, engine_stop(engine) <= 500);
    CHECK(engine, engine->cloud.calls <= 5);
    CHECK_EQUAL(engine, engine->cloud.writes, 0);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_FAILED, NULL), 0);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_START, NULL), 0);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(converges_along_the_critical_path),
        CASE(a_quiet_pass_writes_nothing_and_looks_once),
        CASE(what_hardly_ever_changes_is_read_in_turn),
        CASE(what_changed_is_found_in_its_turn_and_then_followed),
        CASE(who_asks_is_told_of_everything),
        CASE(a_new_file_is_compared_with_what_is_there),
        CASE(a_look_that_failed_is_made_again_whoever_has_the_turn),
        CASE(many_start_at_once_but_not_too_many),
        cmocka_unit_test(failures_are_retried_ever_more_slowly_and_not_in_step),
        CASE(a_failure_is_told_once_and_the_rest_goes_on),
        CASE(what_only_a_person_can_mend_is_tried_every_five_minutes),
        CASE(a_new_file_is_a_new_chance),
        CASE(what_waits_for_a_failed_one_does_not_keep_the_engine_busy),
        CASE(a_failure_that_ends_without_us_is_over_and_may_come_again),
        CASE(not_yet_waits_two_four_eight_seconds_and_is_no_failure),
        CASE(an_answer_that_never_came_is_looked_for),
        CASE(half_made_is_finished_and_is_no_drift),
        CASE(missing_is_believed_only_when_seen_twice),
        CASE(what_was_deleted_is_told_once_and_made_again),
        CASE(what_was_just_made_has_time_to_appear),
        CASE(looks_within_the_grace_prove_nothing),
        CASE(what_shows_its_own_end_is_made_again_without_a_grace),
        CASE(many_gone_at_once_is_asked_about),
        CASE(unknown_is_left_alone_and_told_once),
        CASE(a_passing_fault_of_one_look_is_not_told),
        CASE(what_is_built_on_the_unknown_goes_by_the_record),
        CASE(drift_is_told_once_and_put_right),
        CASE(what_left_the_file_leaves_no_open_drift),
        CASE(an_episode_outlives_restarts),
        CASE(with_alert_own_changes_are_made_and_drift_is_left),
        CASE(contested_fields_are_healed_ever_more_slowly),
        CASE(a_shorter_interval_does_not_wait_for_the_end_of_the_longer),
        CASE(losing_data_waits_for_an_approval_of_that_very_action),
        CASE(paused_looks_and_tells_but_does_nothing),
        CASE(a_plan_changes_nothing),
        CASE(removed_ones_are_deleted_in_reverse_order),
        CASE(what_left_the_file_and_the_world_is_forgotten),
        CASE(a_reload_in_the_middle_of_a_pass_waits_for_what_runs),
        CASE(a_bad_file_leaves_the_last_good_one_in_force),
        CASE(a_platform_without_a_file_is_left_alone_until_it_comes_back),
        CASE(nobody_waits_for_ever_for_a_platform_that_went),
        CASE(a_lost_state_is_found_again_by_the_tags),
        CASE(what_was_found_again_is_deleted_in_order_too),
        CASE(a_taken_name_is_never_touched),
        CASE(adopt_takes_an_unmarked_one_over_and_marks_it),
        CASE(a_name_that_is_taken_but_not_seen_is_not_hammered_at),
        CASE(the_wrong_account_is_neither_looked_at_nor_touched),
        CASE(who_we_are_is_asked_again_until_it_is_known),
        CASE(a_replaced_one_hands_its_new_name_on),
        CASE(what_is_in_transition_is_looked_at_in_its_own_pace),
        CASE(a_stop_lets_calls_finish),
        CASE(a_stop_abandons_what_does_not_answer),
        CASE(a_stop_before_the_first_look_does_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
