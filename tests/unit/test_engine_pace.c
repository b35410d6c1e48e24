/*
 * test_engine_pace.c: when the engine looks again at what takes its time, on a virtual clock: not before it can be
 * over, not for anybody else's sake, never without pause; and what it asks of AWS once. Each case is one story.
 */
#include <errno.h>

#include "common/js.h"
#include "tests/unit/engine_check.h"

#define ACCOUNT       "123456789012"
#define AWS           "aws: {account_id: \"" ACCOUNT "\", region: us-east-1}\n"
#define STAND_IN      "http://127.0.0.1:4600"
/* of test_slow, see engine_kinds.c; a look takes 50 ms on top */
#define FIRST_LOOK_MS 1000
#define EVERY_MS      500
#define LOOK_MS       50

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

/* ---- a small AWS ---- */

static struct {
    const char *arn;      /* who calls */
    const char *zones[3]; /* name ends at NULL */
    const char *role;     /* ARN of the one role */
    bool zones_fail;
    unsigned zones_asked, roles_asked;
} aws;

static char *identity(void)
{
    return str_format("<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>%s</Arn><UserId>U</UserId>"
                      "<Account>" ACCOUNT "</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
                      aws.arn);
}

static char *zones(void)
{
    struct buf text CLEANUP_BUF = BUF_INIT(4096);

    aws.zones_asked++;
    (void)buf_add_text(&text, "<DescribeAvailabilityZonesResponse><availabilityZoneInfo>");
    for (size_t i = 0; i < ARRAY_SIZE(aws.zones) && aws.zones[i]; i++)
        (void)buf_addf(&text, "<item><zoneName>%s</zoneName><zoneId>use1-az9</zoneId></item>", aws.zones[i]);
    (void)buf_add_text(&text, "</availabilityZoneInfo></DescribeAvailabilityZonesResponse>");
    return str_format("%s", buf_text(&text));
}

static char *role(void)
{
    aws.roles_asked++;
    return str_format(
        "<GetRoleResponse><GetRoleResult><Role><Arn>%s</Arn><RoleName>Operator</RoleName></Role>"
        "</GetRoleResult></GetRoleResponse>",
        aws.role);
}

static bool asks(const struct http_request *request, const char *action)
{
    return request->body && memmem(request->body, request->body_size, action, strlen(action));
}

static int answer_as_aws(void *data, const struct http_request *request, struct http_answer *answer,
                         uint64_t *ret_delay_ms)
{
    char *body CLEANUP_FREE = asks(request, "Action=GetRole&")                     ? role()
                              : asks(request, "Action=DescribeAvailabilityZones&") ? zones()
                                                                                   : identity();

    (void)data;
    *ret_delay_ms = 10;
    answer->status = aws.zones_fail && asks(request, "Action=DescribeAvailabilityZones&") ? 500 : 200;
    return body ? http_answer_set_body(answer, body, strlen(body)) : -ENOMEM;
}

static void begin(struct engine *engine, const char *endpoint, const char *resources)
{
    char *text CLEANUP_FREE = str_format(AWS "resources:\n%s", resources);

    engine_aws(engine, answer_as_aws, endpoint);
    engine_write(engine, text);
    engine_start(engine);
}

static int setup_aws(void **state)
{
    memset(&aws, 0, sizeof(aws));
    aws.arn = "arn:aws:iam::" ACCOUNT ":user/jd";
    return setup(state);
}

/* ---- looks ---- */

/** Looks at @name after it was made: when, and how many. */
static size_t looks(const struct engine *engine, const char *name, uint64_t *ret_at, size_t most)
{
    uint64_t made_ms = cloud_time(&engine->cloud, "Create", name, 1), at_ms;
    size_t count = 0;

    for (size_t n = 1; (at_ms = cloud_time(&engine->cloud, "Read", name, n)) != UINT64_MAX; n++)
        if (at_ms > made_ms && count < most)
            ret_at[count++] = at_ms - made_ms;
    return count;
}

static void check_own_pace(struct engine *engine, const char *name, uint64_t settle_ms)
{
    uint64_t at[64];
    size_t count = looks(engine, name, at, ARRAY_SIZE(at));

    CHECK(engine, count > 0 && at[0] >= FIRST_LOOK_MS);
    for (size_t i = 1; i < count; i++)
        CHECK(engine, at[i] - at[i - 1] >= EVERY_MS);
    /* and not much later than it could be over */
    CHECK(engine, at[count - 1] <= settle_ms + EVERY_MS + 2 * LOOK_MS);
}

static void each_in_transition_is_looked_at_by_its_own_timer(void **state)
{
    struct engine *engine = *state;

    engine->cloud.settle_ms = 6000;
    begin(engine, NULL,
          "  test_item.x: {name: x}\n"
          "  test_slow.a: {name: a}\n"
          "  test_slow.b: {name: b, from: \"${test_item.x.arn}\"}\n"
          "  test_item.y: {name: y, from: \"${test_item.x.arn}\"}\n"
          "  test_slow.c: {name: c, from: \"${test_item.y.arn}\", secure: true}\n");
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    check_own_pace(engine, "a", 6000);
    check_own_pace(engine, "b", 6000);
    check_own_pace(engine, "c", 6000);
    CHECK_NO_VIOLATION(engine);
}

/** What fails nearby wakes the platform again and again. */
static void what_fails_nearby_wakes_nobody_in_transition(void **state)
{
    struct engine *engine = *state;

    engine->cloud.settle_ms = 20000;
    engine->cloud.always = CLOUD_NOT_YET;
    engine->cloud.always_operation = "Create";
    engine->cloud.always_name = "x";
    begin(engine, NULL, "  test_item.x: {name: x}\n  test_slow.a: {name: a}\n");
    engine_run(engine, 30000);
    CHECK(engine, engine->cloud.always_met >= 4);
    check_own_pace(engine, "a", 20000);
    CHECK(engine, engine_resource(engine, "test_slow.a")->status == STATUS_READY);
}

static void what_is_in_transition_and_can_not_be_seen_is_put_off(void **state)
{
    struct engine *engine = *state;
    uint64_t passes;
    size_t met;

    engine->cloud.settle_ms = 90000;
    begin(engine, NULL, "  test_slow.a: {name: a}\n");
    engine_run(engine, 5000);
    engine->cloud.always = CLOUD_FAILS;
    engine->cloud.always_operation = "Read";
    for (int minute = 0; minute < 3; minute++) {
        met = engine->cloud.always_met;
        passes = engine_platform(engine)->pass_number;
        engine_run(engine, 60000);
        met = engine->cloud.always_met - met;
        CHECK(engine, met >= 3 && met <= 32); /* every two seconds at most, the look at everything included */
        CHECK(engine, engine_platform(engine)->pass_number - passes <= met + 1); /* nor woken for nothing */
    }
    CHECK_EQUAL(engine, engine_told(engine, EVENT_UNKNOWN, "test_slow.a"), 1);
    engine->cloud.always = CLOUD_WELL;
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", "a"), 1);
    CHECK_NO_VIOLATION(engine);
}

/** A cluster that is being made answers for nothing inside it: no trouble, no alarm, and not the end of an apply. */
static void what_can_not_be_seen_before_its_turn_is_no_trouble(void **state)
{
    struct engine *engine = *state;
    uint64_t ready_ms;

    engine->cloud.settle_ms = 40000;
    engine->cloud.always = CLOUD_FAILS;
    engine->cloud.always_operation = "Read";
    engine->cloud.always_name = "b";
    begin(engine, NULL, "  test_slow.a: {name: a}\n  test_item.b: {name: b, depends_on: [test_slow.a]}\n");
    engine_run(engine, 38000);
    CHECK(engine, engine->cloud.always_met >= 2);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_UNKNOWN, NULL), 0);
    engine->cloud.always = CLOUD_WELL;
    CHECK(engine, engine_until(engine, engine_converged, 10000));
    ready_ms = cloud_time(&engine->cloud, "Create", "a", 1) + engine->cloud.settle_ms;
    CHECK(engine, cloud_time(&engine->cloud, "Create", "b", 1) <= ready_ms + EVERY_MS + 8 * LOOK_MS);
    CHECK_NO_VIOLATION(engine);
}

/** A look alone can bring what others wait for: they start at once, not with the next look at everything. */
static void what_a_look_brings_sets_others_going(void **state)
{
    struct engine *engine = *state;
    uint64_t ready_ms;

    engine->cloud.settle_ms = 40000;
    begin(engine, NULL, "  test_slow.a: {name: a}\n  test_item.b: {name: b, from: \"${test_slow.a.arn}\"}\n");
    CHECK(engine, engine_until(engine, engine_converged, 120000));
    ready_ms = cloud_time(&engine->cloud, "Create", "a", 1) + engine->cloud.settle_ms;
    CHECK(engine, cloud_time(&engine->cloud, "Create", "b", 1) <= ready_ms + EVERY_MS + 8 * LOOK_MS);
    CHECK_NO_VIOLATION(engine);
}

/** Its turn has come, and it still can not be seen: that is told. */
static void what_can_not_be_seen_in_its_turn_is_told(void **state)
{
    struct engine *engine = *state;

    engine->cloud.settle_ms = 10000;
    engine->cloud.always = CLOUD_FAILS;
    engine->cloud.always_operation = "Read";
    engine->cloud.always_name = "b";
    begin(engine, NULL, "  test_slow.a: {name: a}\n  test_item.b: {name: b, depends_on: [test_slow.a]}\n");
    engine_run(engine, 120000);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_UNKNOWN, "test_item.b"), 1);
    CHECK(engine, engine->cloud.always_met <= 60); /* and it is not asked without pause */
}

static void beside_a_stand_in_the_waits_grow_with_the_age(void **state)
{
    struct engine *engine = *state;
    uint64_t at[192], gap_ms, last_ms = 100;
    size_t count;

    engine->cloud.settle_ms = 45000;
    begin(engine, STAND_IN, "  test_slow.a: {name: a}\n");
    CHECK(engine, engine_until(engine, engine_converged, 90000));
    count = looks(engine, "a", at, ARRAY_SIZE(at));
    CHECK(engine, count < ARRAY_SIZE(at) && at[0] < 500); /* before the table's first look */
    for (size_t i = 1; i < count; i++) {
        gap_ms = at[i] - at[i - 1];
        CHECK(engine, gap_ms >= last_ms && gap_ms <= EVERY_MS + 2 * LOOK_MS);
        CHECK(engine, gap_ms <= 100 + 2 * LOOK_MS || gap_ms <= at[i - 1] / 40 + 2 * LOOK_MS);
        last_ms = gap_ms;
    }
    CHECK(engine, last_ms >= EVERY_MS);
}

static void in_transition_for_too_long_is_told_once(void **state)
{
    struct engine *engine = *state;

    engine->cloud.settle_ms = 600000;
    begin(engine, NULL, "  test_slow.a: {name: a}\n");
    engine_run(engine, 59000); /* test_slow is given up after a minute */
    CHECK_EQUAL(engine, engine_told(engine, EVENT_FAILED, NULL), 0);
    engine_run(engine, 300000);
    CHECK_EQUAL(engine, engine_told(engine, EVENT_FAILED, "test_slow.a"), 1);
    CHECK(engine, strstr(engine_last_words(engine, EVENT_FAILED, NULL), "still CREATING after 1 minutes"));
    CHECK(engine, engine_resource(engine, "test_slow.a")->status == STATUS_FAILED);
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", "a"), 1);
    CHECK(engine, engine_until(engine, engine_converged, 300000)); /* late is not never */
    CHECK_EQUAL(engine, engine_told(engine, EVENT_FAILED, NULL), 1);
}

/* ---- what is asked of AWS itself ---- */

static const char *colour(struct engine *engine, const char *name)
{
    const struct thing *thing = cloud_find(&engine->cloud, "test_item", name);

    return thing ? js_text(thing->document, "colour") : NULL;
}

static void zones_are_taken_once_and_kept(void **state)
{
    struct engine *engine = *state;

    aws.zones[0] = "us-east-1c";
    aws.zones[1] = "us-east-1b";
    begin(engine, NULL,
          "  test_item.a: {name: a, colour: \"${aws.zones.0}\"}\n"
          "  test_item.b: {name: b, colour: \"${aws.zones.1}\"}\n");
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK(engine,
          str_equal(colour(engine, "a"), "us-east-1b") && str_equal(colour(engine, "b"), "us-east-1c"));
    aws.zones[2] = "us-east-1a"; /* AWS opens another one */
    engine->cloud.frozen = true;
    engine_run(engine, 600000);
    (void)engine_stop(engine);
    engine_start(engine);
    engine_run(engine, 600000);
    CHECK_NO_VIOLATION(engine);
    CHECK(engine, engine_until(engine, engine_converged, 5000));
    CHECK_EQUAL(engine, engine_told(engine, EVENT_DRIFT, NULL), 0);
    CHECK_EQUAL(engine, aws.zones_asked, 1);
}

static void what_the_outside_did_not_say_is_asked_again_soon(void **state)
{
    struct engine *engine = *state;

    engine->config->poll_interval_ms = 86400000;
    aws.zones[0] = "us-east-1a";
    aws.zones_fail = true;
    begin(engine, NULL, "  test_item.a: {name: a, colour: \"${aws.zones.0}\"}\n  test_item.b: {name: b}\n");
    engine_run(engine, 600000);
    CHECK_EQUAL(engine, cloud_count(&engine->cloud, "Create", "b"), 1); /* the rest goes on */
    CHECK(engine, aws.zones_asked > 10 && aws.zones_asked < 200);       /* the client itself tries thrice */
    CHECK(engine, engine_platform(engine)->steady);                     /* nobody waits for it for ever */
    aws.zones_fail = false;
    CHECK(engine, engine_until(engine, engine_converged, 45000));
    CHECK(engine, str_equal(colour(engine, "a"), "us-east-1a"));
}

#define WHO "  test_item.a: {name: a, colour: \"${aws.principal_arn}\"}\n"

static void a_user_is_its_own_principal(void **state)
{
    struct engine *engine = *state;

    begin(engine, NULL, WHO);
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK(engine, str_equal(colour(engine, "a"), "arn:aws:iam::" ACCOUNT ":user/jd"));
    CHECK_EQUAL(engine, aws.roles_asked, 0);
}

static void of_an_assumed_role_the_role_with_its_path_is_the_principal(void **state)
{
    struct engine *engine = *state;

    aws.arn = "arn:aws:sts::" ACCOUNT ":assumed-role/Operator/monday";
    aws.role = "arn:aws:iam::" ACCOUNT ":role/people/Operator";
    begin(engine, NULL, WHO);
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    CHECK(engine, str_equal(colour(engine, "a"), aws.role));
    (void)engine_stop(engine);
    aws.arn = "arn:aws:sts::" ACCOUNT ":assumed-role/Operator/tuesday"; /* another session of the same role */
    engine->cloud.frozen = true;
    engine_start(engine);
    engine_run(engine, 300000);
    CHECK_NO_VIOLATION(engine);
    CHECK(engine, engine_until(engine, engine_converged, 5000));
    CHECK_EQUAL(engine, aws.roles_asked, 1);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup_aws, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_in_transition_is_looked_at_by_its_own_timer),
        CASE(what_fails_nearby_wakes_nobody_in_transition),
        CASE(what_is_in_transition_and_can_not_be_seen_is_put_off),
        CASE(what_can_not_be_seen_before_its_turn_is_no_trouble),
        CASE(what_a_look_brings_sets_others_going),
        CASE(what_can_not_be_seen_in_its_turn_is_told),
        CASE(beside_a_stand_in_the_waits_grow_with_the_age),
        CASE(in_transition_for_too_long_is_told_once),
        CASE(zones_are_taken_once_and_kept),
        CASE(what_the_outside_did_not_say_is_asked_again_soon),
        CASE(a_user_is_its_own_principal),
        CASE(of_an_assumed_role_the_role_with_its_path_is_the_principal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
