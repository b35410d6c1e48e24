/*
 * test_github_limits.c: when a request goes out: one at a time, writes apart,
 * nobody during a limit, no third try with refused credentials.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/js.h"
#include "tests/unit/github_sim.h"

static struct github_sim sim;
static struct sim_call calls[16];

#define MESSAGE(text) "{\"message\": \"" text "\"}"
#define SECONDARY     MESSAGE("You have exceeded a secondary rate limit. Please wait a few minutes.")
#define PRIMARY       MESSAGE("API rate limit exceeded for user ID 1.")
/* SIM_WALL_MS / 1000 + 20 and + 3600 */
#define RESET_20      "x-ratelimit-remaining: 0\nx-ratelimit-reset: 1795368620"
#define RESET_3600    "x-ratelimit-remaining: 0\nx-ratelimit-reset: 1795372200"

static int setup(void **state)
{
    (void)state;
    memset(&sim, 0, sizeof(sim));
    sim_open(&sim, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        sim_call_done(&calls[i]);
    memset(calls, 0, sizeof(calls));
    sim_close(&sim);
    return 0;
}

static struct sim_call *read_once(void)
{
    sim_call_done(&calls[0]);
    sim_do(&sim, &calls[0], GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    return &calls[0];
}

static void say_fine(void)
{
    sim_say(&sim, 200, NULL, "{}");
}

/* ---- one at a time ---- */

static void requests_go_one_after_another(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        say_fine();
        sim.script[i].delay_ms = 100;
        sim_start(&sim, &calls[i], GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    }
    sim_run(&sim);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(calls[i].r, 0);
        assert_int_equal(sim.log[i].at_ms - sim.log[0].at_ms, i * 100);
        assert_int_equal(calls[i].done_at_ms - sim.log[0].at_ms, (i + 1) * 100);
    }
}

static void canceled_waiter_leaves_the_queue(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        sim_start(&sim, &calls[i], GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    for (int i = 0; i < 2; i++) {
        say_fine();
        sim.script[i].delay_ms = 100;
    }
    fibers_run(&sim.fibers);
    fiber_cancel(calls[3].fiber); /* the last */
    fiber_cancel(calls[1].fiber); /* one in the middle */
    sim_run(&sim);
    assert_int_equal(calls[0].r, 0);
    assert_int_equal(calls[1].r, -ECANCELED);
    assert_int_equal(calls[2].r, 0);
    assert_int_equal(calls[3].r, -ECANCELED);
    assert_int_equal(sim.logged, 2);
    assert_false(sim.github->limits.busy);
    assert_null(sim.github->limits.tail);
}

static void enter_and_leave(void *arg)
{
    int *result = arg;

    *result = lane_enter(&sim.github->limits, NULL);
    if (*result == 0)
        lane_leave(&sim.github->limits);
}

static void waiter_canceled_after_it_got_the_lane_gives_it_back(void **state)
{
    struct fiber *second = NULL;
    int results[2] = {1, 1};

    (void)state;
    sim.github->limits.busy = true;
    fiber_spawn(&sim.fibers, "second", enter_and_leave, &results[0], &second);
    fiber_spawn(&sim.fibers, "third", enter_and_leave, &results[1], NULL);
    fibers_run(&sim.fibers);
    lane_leave(&sim.github->limits);
    fiber_cancel(second);
    fibers_run(&sim.fibers);
    assert_int_equal(results[1], 0);
    assert_false(sim.github->limits.busy);
}

/* ---- writes ---- */

static void start_delete(struct sim_call *call)
{
    sim_start(&sim, call, GITHUB_DELETE_SECRET, SIM_SECRET);
}

static void writes_keep_a_second_apart_and_reads_do_not(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        sim_say(&sim, 204, NULL, NULL);
        start_delete(&calls[i]);
    }
    say_fine();
    sim_start(&sim, &calls[3], GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    sim_run(&sim);
    assert_int_equal(sim.log[1].at_ms - sim.log[0].at_ms, 1000);
    assert_int_equal(sim.log[2].at_ms - sim.log[1].at_ms, 1000);
    assert_int_equal(sim.log[3].at_ms, sim.log[2].at_ms);
}

static void write_interval_is_an_option(void **state)
{
    struct github_options options = {.write_interval_ms = 10};

    (void)state;
    sim_close(&sim);
    memset(&sim, 0, sizeof(sim));
    sim_open(&sim, &options);
    for (int i = 0; i < 2; i++) {
        sim_say(&sim, 204, NULL, NULL);
        start_delete(&calls[i]);
    }
    sim_run(&sim);
    assert_int_equal(sim.log[1].at_ms - sim.log[0].at_ms, 10);
}

/* ---- limits ---- */

struct limit_row {
    int status;
    const char *headers, *body;
    uint64_t pause_ms;
};

static void short_limits_are_waited_out(void **state)
{
    static const struct limit_row rows[] = {
        {429, "retry-after: 5", SECONDARY, 5000},
        {403, "retry-after: 7", SECONDARY, 7000},
        {403, "retry-after: 7\n" RESET_3600, PRIMARY, 7000}, /* retry-after comes first */
        {429, "retry-after: 0", NULL, 1000},
        {403, "retry-after: Sun, 22 Nov 2026 17:30:09 GMT", SECONDARY, 9000},
        {403, RESET_20, PRIMARY, 21000},
        {429, RESET_20, PRIMARY, 21000},
        {403, "x-ratelimit-remaining: 0\nx-ratelimit-reset: 1795368000", PRIMARY, 2000}, /* over already */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct github_sim *s = &sim;

        sim_close(&sim);
        memset(&sim, 0, sizeof(sim));
        sim_open(&sim, NULL);
        sim_say(s, rows[i].status, rows[i].headers, rows[i].body);
        say_fine();
        assert_int_equal(read_once()->r, 0);
        if (s->log[1].at_ms - s->log[0].at_ms != rows[i].pause_ms)
            fail_msg("row %zu: %llu ms", i, (unsigned long long)(s->log[1].at_ms - s->log[0].at_ms));
    }
}

static void everybody_waits_for_a_limit(void **state)
{
    (void)state;
    sim_say(&sim, 429, "retry-after: 5", NULL);
    say_fine();
    say_fine();
    sim_start(&sim, &calls[0], GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    sim_start(&sim, &calls[1], GITHUB_GET_OIDC_SUBJECT, SIM_REPOSITORY);
    sim_run(&sim);
    assert_int_equal(sim.logged, 3);
    assert_int_equal(sim.log[1].at_ms - sim.log[0].at_ms, 5000);
    assert_string_equal(sim.log[1].url, SIM_URL); /* the first keeps its turn */
}

static void long_limit_fails_at_once_and_everybody_with_it(void **state)
{
    uint64_t at_ms = sim_now(&sim);
    struct sim_call *call;

    (void)state;
    sim_say(&sim, 403, RESET_3600, PRIMARY);
    sim_start(&sim, &calls[1], GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    sim_start(&sim, &calls[2], GITHUB_GET_OIDC_SUBJECT, SIM_REPOSITORY);
    sim_run(&sim);
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(calls[i].r, -EAGAIN);
        assert_int_equal(calls[i].err.class, ERR_THROTTLED);
        assert_int_equal(calls[i].err.retry_after_ms, 3601000);
        assert_int_equal(calls[i].done_at_ms, at_ms);
    }
    /* Ten seconds before its end it still fails, although patience would reach that far. */
    clock_virtual_advance(&sim.clock, 3591000);
    call = read_once();
    assert_int_equal(call->err.class, ERR_THROTTLED);
    assert_int_equal(call->err.retry_after_ms, 10000);
    assert_int_equal(sim.logged, 1);
    clock_virtual_advance(&sim.clock, 10000);
    say_fine();
    assert_int_equal(read_once()->r, 0);
}

static void reset_is_read_on_githubs_clock(void **state)
{
    (void)state;
    sim.server_ahead_ms = -7200000; /* ours is two hours ahead: on our clock the reset is long past */
    sim_say(&sim, 403, "x-ratelimit-remaining: 0\nx-ratelimit-reset: 1795361410", PRIMARY);
    say_fine();
    assert_int_equal(read_once()->r, 0);
    assert_int_equal(sim.log[1].at_ms - sim.log[0].at_ms, 11000);
}

static void last_allowed_answer_stops_the_next_call(void **state)
{
    (void)state;
    sim_say(&sim, 200, RESET_20, "{}");
    say_fine();
    assert_int_equal(read_once()->r, 0);
    assert_int_equal(read_once()->r, 0);
    assert_int_equal(sim.log[1].at_ms - sim.log[0].at_ms, 21000);
}

static void missing_right_with_the_last_call_is_no_limit(void **state)
{
    (void)state;
    sim_say(&sim, 403, RESET_3600, MESSAGE("Resource not accessible by integration"));
    assert_int_equal(read_once()->err.class, ERR_DENIED);
}

static void limit_is_never_a_missing_right(void **state)
{
    (void)state;
    sim_say(&sim, 403, "x-ratelimit-remaining: 4000\nx-accepted-github-permissions: secrets=read", SECONDARY);
    assert_int_equal(read_once()->err.class, ERR_THROTTLED);
}

static void patience_is_for_all_waits_of_a_call_together(void **state)
{
    (void)state;
    sim_say(&sim, 429, "retry-after: 20", NULL);
    sim_say(&sim, 429, "retry-after: 20", NULL);
    assert_int_equal(read_once()->err.class, ERR_THROTTLED);
    assert_int_equal(calls[0].err.retry_after_ms, 20000);
    assert_int_equal(sim.logged, 2);
}

static void limits_without_end_end_the_call(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        sim_say(&sim, 429, "retry-after: 1", NULL);
    assert_int_equal(read_once()->err.class, ERR_THROTTLED);
    assert_int_equal(sim.logged, 5);
}

static void secondary_limit_waits_a_minute_then_doubles(void **state)
{
    static const uint32_t pauses[] = {60000, 120000, 240000, 480000, 960000, 1920000, 3600000, 3600000};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pauses); i++) {
        sim_say(&sim, i % 2 ? 403 : 429, NULL, SECONDARY);
        assert_int_equal(read_once()->err.class, ERR_THROTTLED);
        assert_int_equal(calls[0].err.retry_after_ms, pauses[i]);
        clock_virtual_advance(&sim.clock, pauses[i]);
    }
    say_fine();
    assert_int_equal(read_once()->r, 0);
    sim_say(&sim, 403, NULL, MESSAGE("You have triggered an abuse detection mechanism."));
    read_once();
    assert_int_equal(calls[0].err.retry_after_ms, 60000);
}

static void absurd_pauses_are_cut_to_a_day(void **state)
{
    (void)state;
    sim_say(&sim, 429, "retry-after: 99999999999999999999", NULL);
    read_once();
    assert_int_equal(calls[0].err.retry_after_ms, 86400000);
    clock_virtual_advance(&sim.clock, 86400000);
    sim_say(&sim, 403, "x-ratelimit-remaining: 0\nx-ratelimit-reset: 999999999999", PRIMARY);
    read_once();
    assert_int_equal(calls[0].err.retry_after_ms, 86401000);
}

static void unreadable_pauses_count_as_secondary(void **state)
{
    (void)state;
    sim_say(&sim, 429, "retry-after: soon", NULL);
    read_once();
    assert_int_equal(calls[0].err.retry_after_ms, 60000);
    clock_virtual_advance(&sim.clock, 60000);
    sim_say(&sim, 403, "x-ratelimit-remaining: 0\nx-ratelimit-reset: never", PRIMARY);
    read_once();
    assert_int_equal(calls[0].err.retry_after_ms, 120000);
}

static void canceled_while_waiting_for_a_limit(void **state)
{
    (void)state;
    sim_say(&sim, 429, "retry-after: 20", NULL);
    sim_start(&sim, &calls[0], GITHUB_GET_REPOSITORY, SIM_REPOSITORY);
    fibers_run(&sim.fibers);
    clock_virtual_step(&sim.clock); /* the answer arrives */
    fibers_run(&sim.fibers);
    assert_string_equal(fiber_where(calls[0].fiber), "waiting for a rate limit of GitHub");
    fiber_cancel(calls[0].fiber);
    sim_run(&sim);
    assert_int_equal(calls[0].r, -ECANCELED);
    assert_int_equal(calls[0].err.class, ERR_CANCELED);
    assert_false(sim.github->limits.busy);
}

/* ---- refused credentials ---- */

#define REFUSED MESSAGE("Bad credentials")

static void personal_token_stops_after_the_second_refusal(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        sim_say(&sim, 401, NULL, REFUSED);
        assert_int_equal(read_once()->err.class, ERR_CREDENTIALS);
    }
    assert_int_equal(read_once()->err.class, ERR_CREDENTIALS);
    assert_int_equal(calls[0].r, -EACCES);
    assert_int_equal(calls[0].err.retry_after_ms, 300000);
    assert_int_equal(sim.logged, 2);
    /* the probe, and its longer and longer pauses */
    clock_virtual_advance(&sim.clock, 300000);
    sim_say(&sim, 401, NULL, REFUSED);
    read_once();
    read_once();
    assert_int_equal(sim.logged, 3);
    assert_int_equal(calls[0].err.retry_after_ms, 600000);
    clock_virtual_advance(&sim.clock, 600000);
    say_fine();
    assert_int_equal(read_once()->r, 0);
    sim_say(&sim, 401, NULL, REFUSED);
    read_once();
    say_fine();
    assert_int_equal(read_once()->r, 0);
}

static void probes_are_an_hour_apart_at_most(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++) {
        sim_say(&sim, 401, NULL, REFUSED);
        read_once();
        clock_virtual_advance(&sim.clock, 3600000);
    }
    assert_int_equal(sim.logged, 9);
    assert_int_equal(sim.github->limits.refusals[CREDENTIAL_TOKEN].probe_wait_ms, 3600000);
}

static void success_between_refusals_starts_the_count_anew(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        sim_say(&sim, 401, NULL, REFUSED);
        assert_int_equal(read_once()->err.class, ERR_CREDENTIALS);
        sim_say(&sim, 404, NULL, MESSAGE("Not Found"));
        assert_int_equal(read_once()->err.class, ERR_ABSENT);
    }
    assert_int_equal(sim.logged, 6);
}

static void lockout_after_failed_logins_is_no_missing_right(void **state)
{
    (void)state;
    sim_say(&sim, 403, NULL, MESSAGE("Maximum number of login attempts exceeded. Please try again later."));
    assert_int_equal(read_once()->err.class, ERR_CREDENTIALS);
    assert_int_equal(read_once()->err.class, ERR_CREDENTIALS);
    assert_int_equal(sim.logged, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(requests_go_one_after_another),
        CASE(canceled_waiter_leaves_the_queue),
        CASE(waiter_canceled_after_it_got_the_lane_gives_it_back),
        CASE(writes_keep_a_second_apart_and_reads_do_not),
        CASE(write_interval_is_an_option),
        CASE(short_limits_are_waited_out),
        CASE(everybody_waits_for_a_limit),
        CASE(long_limit_fails_at_once_and_everybody_with_it),
        CASE(reset_is_read_on_githubs_clock),
        CASE(last_allowed_answer_stops_the_next_call),
        CASE(missing_right_with_the_last_call_is_no_limit),
        CASE(limit_is_never_a_missing_right),
        CASE(patience_is_for_all_waits_of_a_call_together),
        CASE(limits_without_end_end_the_call),
        CASE(secondary_limit_waits_a_minute_then_doubles),
        CASE(absurd_pauses_are_cut_to_a_day),
        CASE(unreadable_pauses_count_as_secondary),
        CASE(canceled_while_waiting_for_a_limit),
        CASE(personal_token_stops_after_the_second_refusal),
        CASE(probes_are_an_hour_apart_at_most),
        CASE(success_between_refusals_starts_the_count_anew),
        CASE(lockout_after_failed_logins_is_no_missing_right),
    };

    if (crypto_setup() < 0)
        return 1;
    return cmocka_run_group_tests_name("github_limits", tests, NULL, NULL);
}
