/*
 * test_engine_faults.c: every story again with call k failing, with call k unanswered, and stopped, canceled or
 * killed after turn k, for every k up to its end. After each of them:
 *
 *   nothing was created twice, nothing was written while it was unknown, the order of the graph was kept;
 *   as soon as the fault is over the engine gets where it should, and then leaves the world alone;
 *   each drift was told once and closed once, and nothing was called drift that was our own doing;
 *   no intent is left open, no fiber lives, no timer is armed, the loop is empty.
 *
 * Answers that are failures come in four classes; each k meets one of them, in turn; every second turn is followed by
 * an orderly stop. ENGINE_FULL=1: all of them.
 * ENGINE_POINT="story fault k" runs that one alone; with ENGINE_LOG=1 it says what it does. ENGINE_SEED=n: another
 * course of latencies and pauses.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "common/js.h"
#include "tests/unit/engine_check.h"

#define LIMIT_MS 7200000
#define POLL_MS  600000 /* seldom: what is not ready must not have to wait for it */
#define QUIET_MS 700000 /* at least one more pass */

/** What goes wrong: an answer of the cloud, or the end of the process. */
enum fault { FAULT_STOP = CLOUD_FAULT_MAX, FAULT_CANCEL, FAULT_KILL, FAULT_MAX };

static const char *fault_name(unsigned fault)
{
    static const char *const names[] = {"stop", "cancel", "kill"};

    return fault < CLOUD_FAULT_MAX ? cloud_fault_name(fault) : names[fault - FAULT_STOP];
}

struct story {
    const char *name;
    const char *before;                                 /* the platform file; NULL = an empty one */
    void (*begin)(struct engine *engine);               /* the daemon is down */
    void (*turn)(struct engine *engine, uint64_t turn); /* in the middle; the daemon runs */
    bool (*done)(struct engine *engine);                /* NULL = converged */
    void (*check)(struct engine *engine);               /* how the world should be at the end */
    size_t drifts;                                      /* to be told, and (but for open ones) closed */
    size_t open;
};

struct point {
    const struct story *story;
    unsigned fault;
    size_t k;
};

static size_t points_run;
static uint64_t seed;

/* ---- the stories ---- */

#define DIAMOND                                                                                              \
    "resources:\n"                                                                                           \
    "  test_item.a: {name: a}\n"                                                                             \
    "  test_item.b: {name: b, from: \"${test_item.a.arn}\", secure: true, shape: round}\n"                   \
    "  test_item.c: {name: c, from: \"${test_item.a.arn}\"}\n"                                               \
    "  test_item.d: {name: d, from: \"${test_item.b.arn}\", also: \"${test_item.c.arn}\"}\n"                 \
    "  test_plain.e: {name: e, size: 4}\n"                                                                   \
    "  random_password.p: {length: 12}\n"

static struct json_object *member(struct engine *engine, const char *name, const char *path)
{
    for (size_t i = 0; i < engine->cloud.count; i++)
        if (str_equal(engine->cloud.things[i].name, name))
            return js_get(engine->cloud.things[i].document, path);
    return NULL;
}

static const char *text(struct engine *engine, const char *name, const char *path)
{
    const char *found = json_object_get_string(member(engine, name, path));

    return found ? found : "";
}

static const char *arn(struct engine *engine, const char *name)
{
    struct thing *thing = cloud_find(&engine->cloud, "test_item", name);

    return thing ? thing->arn : "";
}

static void check_diamond(struct engine *engine)
{
    CHECK_EQUAL(engine, engine->cloud.count, 5);
    CHECK(engine, str_equal(text(engine, "a", "size"), "1"));
    CHECK(engine, str_equal(text(engine, "b", "from"), arn(engine, "a")));
    CHECK(engine, str_equal(text(engine, "b", "secure"), "true"));
    CHECK(engine, str_equal(text(engine, "c", "from"), arn(engine, "a")));
    CHECK(engine, str_equal(text(engine, "d", "from"), arn(engine, "b")));
    CHECK(engine, str_equal(text(engine, "d", "also"), arn(engine, "c")));
    CHECK(engine, str_equal(text(engine, "e", "size"), "4"));
}

static void nothing_is_there(struct engine *engine)
{
    engine_write(engine, DIAMOND);
}

static void not_seen_at_once(struct engine *engine)
{
    engine->cloud.blind_ms = 4000;
    engine_write(engine, DIAMOND);
}

static void somebody_meddled(struct engine *engine)
{
    cloud_set(&engine->cloud, "test_item", "b", "secure", "false");
    cloud_set(&engine->cloud, "test_item", "b", "size", "7");
    cloud_set(&engine->cloud, "test_plain", "e", "size", "7");
    cloud_lose(&engine->cloud, "test_item", "d");
}

static void the_file_changed(struct engine *engine)
{
    engine_write(engine,
                 "resources:\n"
                 "  test_item.a: {name: a, size: 2, colour: red}\n"
                 "  test_item.b: {name: b, from: \"${test_item.a.arn}\", secure: true, shape: square}\n"
                 "  test_item.c: {name: c, from: \"${test_item.a.arn}\"}\n"
                 "  test_item.d: {name: d, from: \"${test_item.b.arn}\", also: \"${test_item.c.arn}\"}\n"
                 "  test_plain.e: {name: e, size: 5}\n"
                 "  random_password.p: {length: 14}\n");
}

static void check_changed(struct engine *engine)
{
    CHECK_EQUAL(engine, engine->cloud.count, 5);
    CHECK(engine, str_equal(text(engine, "a", "size"), "2"));
    CHECK(engine, str_equal(text(engine, "a", "colour"), "red"));
    CHECK(engine, str_equal(text(engine, "b", "shape"), "square"));
    CHECK(engine, str_equal(text(engine, "b", "secure"), "true"));
    CHECK(engine, str_equal(text(engine, "d", "from"), arn(engine, "b")));
    CHECK(engine, str_equal(text(engine, "e", "size"), "5"));
}

static void the_file_shrank(struct engine *engine)
{
    engine->cloud.strict_order = true;
    engine_write(engine, "resources:\n"
                         "  test_item.a: {name: a, size: 2}\n");
}

static void check_shrunk(struct engine *engine)
{
    CHECK_EQUAL(engine, engine->cloud.count, 1);
    CHECK(engine, str_equal(text(engine, "a", "size"), "2"));
    CHECK_EQUAL(engine, engine_platform(engine)->count, 1);
}

static void the_state_is_lost(struct engine *engine)
{
    char *path CLEANUP_FREE = str_format("%s/state.db", engine->state);

    assert_int_equal(unlink(path), 0);
}

#define ALERT "policy: {on_drift: alert}\n"

static void alert_only(struct engine *engine)
{
    cloud_set(&engine->cloud, "test_item", "a", "size", "7");
    cloud_lose(&engine->cloud, "test_item", "b");
    engine_write(engine, ALERT "resources:\n"
                               "  test_item.a: {name: a, colour: blue}\n"
                               "  test_item.b: {name: b}\n"
                               "  test_item.c: {name: c, size: 2}\n");
}

static void check_alerted(struct engine *engine)
{
    CHECK_EQUAL(engine, engine->cloud.count, 2);
    CHECK(engine, str_equal(text(engine, "a", "size"), "7"));
    CHECK(engine, str_equal(text(engine, "a", "colour"), "blue"));
    CHECK(engine, str_equal(text(engine, "c", "size"), "2"));
}

/** Only what policy holds is left to do. */
static bool alert_is_done(struct engine *engine)
{
    struct platform *platform = engine_platform(engine);

    if (!engine_rests(engine) || !platform->steady)
        return false;
    for (size_t i = 0; i < platform->count; i++)
        if (platform->resources[i]->status != STATUS_READY &&
            platform->resources[i]->decision.hold != HOLD_POLICY)
            return false;
    return true;
}

static void the_file_changes_midway(struct engine *engine, uint64_t turn)
{
    if (turn != 9)
        return;
    the_file_changed(engine);
    (void)daemon_reload(engine->daemon);
}

static void the_file_shrinks_midway(struct engine *engine, uint64_t turn)
{
    if (turn != 8) /* b and c are being made */
        return;
    the_file_shrank(engine);
    (void)daemon_reload(engine->daemon);
}

static void slow_ones(struct engine *engine)
{
    engine->cloud.settle_ms = 3000;
    engine_write(engine, "resources:\n"
                         "  test_slow.a: {name: a, secure: true}\n"
                         "  test_item.b: {name: b, from: \"${test_slow.a.arn}\"}\n");
}

static void check_slow(struct engine *engine)
{
    CHECK_EQUAL(engine, engine->cloud.count, 2);
    CHECK(engine, str_equal(text(engine, "a", "secure"), "true"));
}

static const struct story stories[] = {
    {.name = "from-nothing", .begin = nothing_is_there, .check = check_diamond},
    {.name = "not-seen-at-once", .begin = not_seen_at_once, .check = check_diamond},
    {.name = "meddled", .before = DIAMOND, .begin = somebody_meddled, .check = check_diamond, .drifts = 4},
    {.name = "changed", .before = DIAMOND, .begin = the_file_changed, .check = check_changed},
    {.name = "shrunk", .before = DIAMOND, .begin = the_file_shrank, .check = check_shrunk},
    {.name = "state-lost",
     .before = "resources:\n"
               "  test_item.a: {name: a}\n"
               "  test_item.b: {name: b, from: \"${test_item.a.arn}\", secure: true, shape: round}\n"
               "  test_item.c: {name: c, from: \"${test_item.a.arn}\"}\n"
               "  test_item.d: {name: d, from: \"${test_item.b.arn}\", also: \"${test_item.c.arn}\"}\n"
               "  test_plain.e: {name: e, size: 4}\n",
     .begin = the_state_is_lost,
     .check = check_diamond},
    {.name = "alert",
     .before = ALERT "resources:\n"
                     "  test_item.a: {name: a, colour: red}\n"
                     "  test_item.b: {name: b}\n"
                     "  test_item.c: {name: c}\n",
     .begin = alert_only,
     .done = alert_is_done,
     .check = check_alerted,
     .drifts = 2,
     .open = 2},
    {.name = "reload-midway",
     .begin = nothing_is_there,
     .turn = the_file_changes_midway,
     .check = check_changed},
    {.name = "shrink-midway",
     .begin = nothing_is_there,
     .turn = the_file_shrinks_midway,
     .check = check_shrunk},
    {.name = "slow", .begin = slow_ones, .check = check_slow},
};

/* ---- one point ---- */

static void tell_point(struct engine *engine, const struct point *point, const char *what)
{
    (void)fprintf(stderr, "ENGINE_SEED=%llu ENGINE_POINT=\"%s %s %zu\": %s\n", (unsigned long long)seed,
                  point->story->name, fault_name(point->fault), point->k, what);
    engine_tell(engine);
}

#define POINT(statement, what)                                                                               \
    do {                                                                                                     \
        if (!(statement)) {                                                                                  \
            tell_point(engine, point, what);                                                                 \
            fail_msg("%s %s %zu: %s", point->story->name, fault_name(point->fault), point->k, what);         \
        }                                                                                                    \
    } while (0)

static void end_process(struct engine *engine, const struct point *point)
{
    struct engine_moment moment;

    switch (point->fault) {
    case FAULT_STOP:
        POINT(engine_stop(engine) <= 5000, "it took more than 5 s to stop");
        break;
    case FAULT_CANCEL:
        engine_cancel(engine);
        break;
    default:
        engine_keep(engine, &moment);
        engine_cancel(engine);
        engine_back(engine, &moment);
        engine_moment_done(&moment);
    }
    engine_start(engine);
}

static bool is_done(struct engine *engine, const struct story *story)
{
    return story->done ? story->done(engine) : engine_converged(engine);
}

/** Turns to the end of the story. Returns how many. */
static uint64_t play(struct engine *engine, const struct point *point)
{
    uint64_t limit_ms = engine->clock.now_ms + LIMIT_MS, turn = 0;

    for (;;) {
        fibers_run(&engine->daemon->fibers);
        turn++;
        if (point->story->turn)
            point->story->turn(engine, turn);
        if (point->fault >= FAULT_STOP && turn == point->k) {
            end_process(engine, point);
            limit_ms = engine->clock.now_ms + LIMIT_MS;
        } else if (is_done(engine, point->story)) {
            return turn;
        }
        POINT(engine->clock.now_ms <= limit_ms, "it does not get there");
        POINT(engine_turn(engine), "nothing is left that could happen");
    }
}

static void check_news(struct engine *engine, const struct point *point)
{
    POINT(engine_told(engine, EVENT_DRIFT, NULL) == point->story->drifts,
          "drift told too often or not at all");
    POINT(engine_told(engine, EVENT_RESOLVED, NULL) == point->story->drifts - point->story->open,
          "drift not closed, or closed too often");
    POINT(engine_platform(engine)->episodes_count == point->story->open, "episodes left open");
    POINT(engine_told(engine, EVENT_FAILED, NULL) >= engine_told(engine, EVENT_RECOVERED, NULL),
          "more recovered than had failed");
}

static void check_store(struct engine *engine, const struct point *point)
{
    struct intent *intents = NULL;
    struct record *records = NULL;
    size_t open = 0, count = 0;

    assert_int_equal(intent_list(engine->daemon->store, "p", &intents, &open, NULL), 0);
    assert_int_equal(record_list(engine->daemon->store, "p", &records, &count, NULL), 0);
    intents_free(intents, open);
    records_free(records, count);
    POINT(open == 0, "an intent is left open");
    POINT(count == engine_platform(engine)->count, "the records are not those of the platform");
}

/** Returns the turns it took. *ret_calls: the calls. */
static uint64_t run_point(const struct point *point, const struct engine_moment *base, size_t *ret_calls)
{
    struct engine *engine = calloc(1, sizeof(*engine));
    uint64_t turns;

    assert_non_null(engine);
    engine_init(engine, seed);
    engine->config->poll_interval_ms = POLL_MS;
    engine->cloud.jitter_ms = 40;
    engine_back(engine, base);
    point->story->begin(engine);
    if (point->fault != CLOUD_WELL && point->fault < FAULT_STOP) {
        engine->cloud.fault = point->fault;
        engine->cloud.fault_at = point->k;
        engine->cloud.fault_calls = 1;
    }
    engine_start(engine);
    turns = play(engine, point);
    *ret_calls = engine->cloud.calls;
    engine->cloud.frozen = true;
    engine_run(engine, QUIET_MS);
    while (!is_done(engine, point->story))
        POINT(engine_turn(engine) && engine->clock.now_ms < 2 * LIMIT_MS, "it does not stay there");
    POINT(!engine->cloud.violation[0], engine->cloud.violation);
    point->story->check(engine);
    check_news(engine, point);
    check_store(engine, point);
    POINT(engine_stop(engine) <= 5000, "it took more than 5 s to stop");
    engine_close(engine);
    free(engine);
    points_run++;
    return turns;
}

static void prepare(const struct story *story, struct engine_moment *ret)
{
    struct engine *engine = calloc(1, sizeof(*engine));

    assert_non_null(engine);
    engine_init(engine, seed);
    engine_write(engine, story->before ? story->before : "resources: {}\n");
    engine_start(engine);
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    engine_run(engine, 200000);
    (void)engine_stop(engine);
    engine_keep(engine, ret);
    ret->news = 0;
    engine_close(engine);
    free(engine);
}

static bool is_wanted(const struct story *story, unsigned fault, size_t k)
{
    const char *only = getenv("ENGINE_POINT");
    char *name CLEANUP_FREE = str_format("%s %s %zu", story->name, fault_name(fault), k);
    unsigned failure = CLOUD_FAILS + (unsigned)((k + seed) % (CLOUD_NO_SHOW - CLOUD_FAILS));

    if (only)
        return str_equal(only, name);
    if (getenv("ENGINE_FULL"))
        return true;
    if (fault == FAULT_STOP)
        return (k + seed) % 2 == 0;
    return fault >= CLOUD_NO_SHOW || fault == failure;
}

static void run_story(const struct story *story)
{
    struct engine_moment base = {0};
    struct point point = {.story = story};
    size_t calls = 0, before = points_run, ignored;
    uint64_t turns;

    prepare(story, &base);
    turns = run_point(&point, &base, &calls);
    for (unsigned fault = CLOUD_FAILS; fault < FAULT_MAX; fault++) {
        for (size_t k = 1; k <= (fault < FAULT_STOP ? calls : turns); k++) {
            point.fault = fault;
            point.k = k;
            if (is_wanted(story, fault, k))
                (void)run_point(&point, &base, &ignored);
        }
    }
    engine_moment_done(&base);
    print_message("%s: %zu calls, %llu turns: %zu points\n", story->name, calls, (unsigned long long)turns,
                  points_run - before);
}

#define STORY(index, function)                                                                               \
    static void function(void **state)                                                                       \
    {                                                                                                        \
        (void)state;                                                                                         \
        run_story(&stories[index]);                                                                          \
    }

STORY(0, making_from_nothing_survives_everything)
STORY(1, making_what_is_not_seen_at_once_survives_everything)
STORY(2, healing_survives_everything)
STORY(3, changing_survives_everything)
STORY(4, deleting_survives_everything)
STORY(5, finding_again_survives_everything)
STORY(6, alerting_survives_everything)
STORY(7, a_reload_survives_everything)
STORY(8, giving_up_survives_everything)
STORY(9, waiting_survives_everything)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(making_from_nothing_survives_everything),
        cmocka_unit_test(making_what_is_not_seen_at_once_survives_everything),
        cmocka_unit_test(healing_survives_everything),
        cmocka_unit_test(changing_survives_everything),
        cmocka_unit_test(deleting_survives_everything),
        cmocka_unit_test(finding_again_survives_everything),
        cmocka_unit_test(alerting_survives_everything),
        cmocka_unit_test(a_reload_survives_everything),
        cmocka_unit_test(giving_up_survives_everything),
        cmocka_unit_test(waiting_survives_everything),
    };
    const char *wanted = getenv("ENGINE_SEED");
    int failed;

    seed = wanted ? strtoull(wanted, NULL, 10) : 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    print_message("%zu points ran, seed %llu\n", points_run, (unsigned long long)seed);
    return failed;
}
