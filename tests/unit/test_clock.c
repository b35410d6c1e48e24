/*
 * test_clock.c: timers in order, on the virtual and on the real clock, and
 * times as text.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/macro.h"

/* The letters of the timers that fired, in order. */
static char fired[128];
static struct clock *the_clock;

struct named_timer {
    struct clock_timer timer;
    char letter;
    struct clock_timer *stops;
    struct clock_timer *starts;
    uint64_t starts_after_ms;
};

static void note(struct clock_timer *timer)
{
    struct named_timer *named = container_of(timer, struct named_timer, timer);
    size_t n = strlen(fired);

    assert_true(n + 1 < sizeof(fired));
    fired[n] = named->letter;
    fired[n + 1] = '\0';
    if (named->stops)
        clock_stop(named->stops);
    if (named->starts)
        clock_start(the_clock, named->starts, named->starts_after_ms, note);
}

static int forget(void **state)
{
    (void)state;
    memset(fired, 0, sizeof(fired));
    return 0;
}

static void timers_fire_in_order_of_their_due_time(void **state)
{
    struct clock_virtual v;
    struct named_timer t[6] = {{.letter = 'a'}, {.letter = 'b'}, {.letter = 'c'},
                               {.letter = 'd'}, {.letter = 'e'}, {.letter = 'f'}};

    (void)state;
    clock_virtual_init(&v, 0);
    clock_start(&v.clock, &t[3].timer, 40, note);
    clock_start(&v.clock, &t[0].timer, 10, note);
    clock_start(&v.clock, &t[5].timer, 60, note);
    clock_start(&v.clock, &t[4].timer, 50, note);
    clock_start(&v.clock, &t[1].timer, 20, note);
    clock_start(&v.clock, &t[2].timer, 30, note);
    clock_virtual_advance(&v, 30);
    assert_string_equal(fired, "abc");
    assert_false(clock_armed(&t[2].timer));
    assert_true(clock_armed(&t[3].timer));
    clock_virtual_advance(&v, 100);
    assert_string_equal(fired, "abcdef");
    assert_int_equal(clock_monotonic_ms(&v.clock), 130);
    assert_null(v.clock.timers);
}

static void equal_due_times_keep_the_order_of_starting(void **state)
{
    struct clock_virtual v;
    struct named_timer t[5] = {
        {.letter = 'a'}, {.letter = 'b'}, {.letter = 'c'}, {.letter = 'd'}, {.letter = 'e'}};

    (void)state;
    clock_virtual_init(&v, 0);
    for (int i = 0; i < 5; i++)
        clock_start(&v.clock, &t[i].timer, i == 2 ? 3 : 7, note);
    clock_virtual_advance(&v, 7);
    assert_string_equal(fired, "cabde");
}

static void a_stopped_timer_does_not_fire_wherever_it_stood(void **state)
{
    struct clock_virtual v;

    (void)state;
    for (int stopped = 0; stopped < 3; stopped++) {
        struct named_timer t[3] = {{.letter = 'a'}, {.letter = 'b'}, {.letter = 'c'}};
        static const char *const expected[] = {"bc", "ac", "ab"};

        forget(NULL);
        clock_virtual_init(&v, 0);
        for (int i = 0; i < 3; i++)
            clock_start(&v.clock, &t[i].timer, 10 + (uint64_t)i, note);
        clock_stop(&t[stopped].timer);
        clock_stop(&t[stopped].timer); /* twice is fine */
        clock_virtual_advance(&v, 100);
        assert_string_equal(fired, expected[stopped]);
    }
}

static void starting_an_armed_timer_moves_it(void **state)
{
    struct clock_virtual v;
    struct named_timer a = {.letter = 'a'}, b = {.letter = 'b'};

    (void)state;
    clock_virtual_init(&v, 0);
    clock_start(&v.clock, &a.timer, 10, note);
    clock_start(&v.clock, &b.timer, 20, note);
    clock_start(&v.clock, &a.timer, 30, note);
    clock_virtual_advance(&v, 100);
    assert_string_equal(fired, "ba");
}

static void a_callback_may_stop_the_next_timer_and_start_others(void **state)
{
    struct clock_virtual v;
    struct named_timer c = {.letter = 'c'}, b = {.letter = 'b'};
    struct named_timer a = {.letter = 'a', .stops = &b.timer, .starts = &c.timer, .starts_after_ms = 5};

    (void)state;
    clock_virtual_init(&v, 0);
    the_clock = &v.clock;
    clock_start(&v.clock, &a.timer, 10, note);
    clock_start(&v.clock, &b.timer, 10, note);
    clock_virtual_advance(&v, 14);
    assert_string_equal(fired, "a");
    clock_virtual_advance(&v, 1);
    assert_string_equal(fired, "ac");
}

static void a_step_jumps_to_one_timer_at_a_time(void **state)
{
    struct clock_virtual v;
    struct named_timer a = {.letter = 'a'}, b = {.letter = 'b'};

    (void)state;
    clock_virtual_init(&v, 1000);
    clock_start(&v.clock, &a.timer, 365 * 86400000ull, note);
    clock_start(&v.clock, &b.timer, 365 * 86400000ull, note);
    assert_true(clock_virtual_step(&v));
    assert_string_equal(fired, "a");
    assert_int_equal(clock_wall_ms(&v.clock), 1000 + 365 * 86400000ll);
    assert_true(clock_virtual_step(&v));
    assert_false(clock_virtual_step(&v));
    assert_string_equal(fired, "ab");
}

static void a_thousand_random_timers_stay_sorted(void **state)
{
    static struct clock_timer timers[1000];
    struct clock_virtual v;
    uint32_t seed = 12345;
    uint64_t last_ms = 0;

    (void)state;
    clock_virtual_init(&v, 0);
    memset(timers, 0, sizeof(timers));
    for (size_t i = 0; i < ARRAY_SIZE(timers); i++) {
        seed = seed * 1664525 + 1013904223;
        timers[i].data = &timers[i];
        clock_start(&v.clock, &timers[i], seed >> 24, note); /* few values: many are equal */
        if (i % 3 == 2)
            clock_stop(&timers[i - 1]);
    }
    for (struct clock_timer *timer = v.clock.timers; timer; timer = timer->next) {
        assert_true(timer->due_ms >= last_ms);
        assert_true(!timer->next || timer->next->prev == timer);
        if (timer->next && timer->next->due_ms == timer->due_ms)
            assert_true((char *)timer->next->data > (char *)timer->data); /* first come, first served */
        last_ms = timer->due_ms;
    }
    assert_ptr_equal(v.clock.timers->prev->next, NULL);
}

static void a_very_long_delay_does_not_wrap_around(void **state)
{
    struct clock_virtual v;
    struct named_timer a = {.letter = 'a'};

    (void)state;
    clock_virtual_init(&v, 0);
    clock_virtual_advance(&v, 1000);
    clock_start(&v.clock, &a.timer, UINT64_MAX, note);
    clock_virtual_advance(&v, 1000000);
    assert_string_equal(fired, "");
    clock_stop(&a.timer);
}

static void the_real_clock_fires_in_order_and_never_early(void **state)
{
    struct clock_real real;
    uv_loop_t loop;
    struct named_timer a = {.letter = 'a'}, b = {.letter = 'b'}, c = {.letter = 'c'};
    uint64_t begin_ms;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(clock_real_init(&real, &loop), 0);
    begin_ms = clock_monotonic_ms(&real.clock);
    clock_start(&real.clock, &c.timer, 25, note);
    clock_start(&real.clock, &a.timer, 5, note);
    clock_start(&real.clock, &b.timer, 15, note);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0); /* ends by itself: nothing is armed any more */
    assert_string_equal(fired, "abc");
    assert_true(clock_monotonic_ms(&real.clock) >= begin_ms + 25);
    assert_true(clock_wall_ms(&real.clock) > 1700000000000ll);
    clock_real_close(&real);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static int rounds;

static void count_round(uv_prepare_t *prepare)
{
    (void)prepare;
    rounds++;
}

static void the_real_clock_wakes_the_loop_only_for_a_timer(void **state)
{
    struct clock_real real;
    uv_loop_t loop;
    uv_prepare_t prepare;
    struct named_timer a = {.letter = 'a'}, b = {.letter = 'b'};

    (void)state;
    rounds = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(clock_real_init(&real, &loop), 0);
    uv_prepare_init(&loop, &prepare);
    uv_prepare_start(&prepare, count_round);
    uv_unref((uv_handle_t *)&prepare);
    clock_start(&real.clock, &b.timer, 40, note);
    clock_start(&real.clock, &a.timer, 20, note);
    clock_stop(&a.timer);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_string_equal(fired, "b");
    assert_in_range(rounds, 1, 3); /* one, and one more where the kernel's coarse time lags */
    uv_close((uv_handle_t *)&prepare, NULL);
    clock_real_close(&real);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void a_timer_without_delay_does_not_hold_the_loop(void **state)
{
    struct clock_real real;
    uv_loop_t loop;
    struct named_timer a = {.letter = 'a'};

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(clock_real_init(&real, &loop), 0);
    the_clock = &real.clock;
    a.starts = &a.timer; /* for ever again */
    clock_start(&real.clock, &a.timer, 0, note);
    for (int i = 0; i < 5; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    assert_in_range(strlen(fired), 1, 10);
    clock_stop(&a.timer);
    clock_real_close(&real);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void times_are_written_as_rfc3339(void **state)
{
    char text[21], long_text[25];

    (void)state;
    clock_format_rfc3339(1795368665250ll, text, sizeof(text));
    assert_string_equal(text, "2026-11-22T17:31:05Z");
    clock_format_rfc3339(1795368665250ll, long_text, sizeof(long_text));
    assert_string_equal(long_text, "2026-11-22T17:31:05.250Z");
    clock_format_rfc3339(-1, long_text, sizeof(long_text));
    assert_string_equal(long_text, "1969-12-31T23:59:59.999Z");
    clock_format_rfc3339(-1000, text, sizeof(text));
    assert_string_equal(text, "1969-12-31T23:59:59Z");
    clock_format_rfc3339(INT64_MAX, text, sizeof(text));
    assert_string_equal(text, "0000-00-00T00:00:00Z");
    clock_format_rfc3339(INT64_MIN, text, sizeof(text));
    assert_string_equal(text, "0000-00-00T00:00:00Z");
}

static void times_of_every_usual_shape_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t wall_ms;
    } cases[] = {
        {"2026-11-22T17:31:05Z", 1795368665000},
        {"2026-11-22T17:31:05.25Z", 1795368665250},
        {"2026-11-22T17:31:05.250999999Z", 1795368665250},
        {"2026-11-22T17:31:05,250Z", 1795368665250},
        {"2026-11-22T18:31:05+01:00", 1795368665000},
        {"2026-11-22T18:31:05+0100", 1795368665000},
        {"2026-11-22T18:31:05+01", 1795368665000},
        {"2026-11-22T12:01:05-05:30", 1795368665000},
        {"2026-11-22 17:31:05", 1795368665000},
        {"20261122T173105Z", 1795368665000},
        {"Sun, 22 Nov 2026 17:31:05 GMT", 1795368665000},
        {"Sun, 22 Nov 2026 18:31:05 +0100", 1795368665000},
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2000-02-29T00:00:00Z", 951782400000},
        {"2024-02-29T12:00:00Z", 1709208000000},
        {"2016-12-31T23:59:60Z", 1483228800000}, /* a leap second */
        {"0001-01-01T00:00:00Z", -62135596800000},
        {"9999-12-31T23:59:59Z", 253402300799000},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t wall_ms = 42;

        if (clock_parse_time(cases[i].text, &wall_ms) != 0)
            fail_msg("%s was refused", cases[i].text);
        if (wall_ms != cases[i].wall_ms)
            fail_msg("%s: got %lld", cases[i].text, (long long)wall_ms);
    }
}

static void what_is_not_a_time_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "x",
        "2026",
        "2026-11-22",
        "2026-11-22T",
        "2026-11-22T17:31",
        "2026-11-22T17:31:05Zx",
        "2026-13-22T17:31:05Z",
        "2026-00-22T17:31:05Z",
        "2026-11-31T17:31:05Z",
        "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-11-00T17:31:05Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T17:60:05Z",
        "2026-11-22T17:31:61Z",
        "2026-11-22T17:31:05.Z",
        "2026-11-22T17:31:05+1",
        "2026-11-22T17:31:05+24:00",
        "2026-11-22T17:31:05+01:60",
        "2026-11-22T17:31:05+01:",
        "2026-1122T17:31:05Z",
        "20261122T17:31:05Z",
        "-026-11-22T17:31:05Z",
        "Sun, 22 Nov 2026 17:31:05",
        "Sun, 22 Nov 2026 17:31:05 ",
        "Sun, 22 Nox 2026 17:31:05 GMT",
        "Sunday, 22-Nov-26 17:31:05 GMT",
        "Sun, 31 Jun 2026 17:31:05 GMT",
        "Sun, 22 Nov 2026 17:31:05 GMTx",
        " 2026-11-22T17:31:05Z",
        "Sun,",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t wall_ms = 42;

        if (clock_parse_time(cases[i], &wall_ms) != -EINVAL)
            fail_msg("%s was taken", cases[i]);
        assert_int_equal(wall_ms, 42);
    }
    assert_int_equal(clock_parse_time(NULL, &(int64_t){0}), -EINVAL);
}

static void writing_and_reading_agree(void **state)
{
    char text[32];

    (void)state;
    for (int64_t ms = -62135596800000; ms < 253402300799000; ms += 86399999 * 37ll) {
        int64_t back = 0;

        clock_format_rfc3339(ms, text, sizeof(text));
        assert_int_equal(clock_parse_time(text, &back), 0);
        if (back != ms)
            fail_msg("%s: %lld became %lld", text, (long long)ms, (long long)back);
    }
}

static void the_basic_form_is_that_of_strftime(void **state)
{
    char text[CLOCK_BASIC_SIZE], expected[32];

    (void)state;
    for (int64_t ms = -30610224000000; ms < 253402300799000; ms += 86399999 * 29ll) {
        time_t seconds = (time_t)((ms - (ms % 1000 + 1000) % 1000) / 1000);
        struct tm parts;

        assert_non_null(gmtime_r(&seconds, &parts));
        assert_int_equal(strftime(expected, sizeof(expected), "%Y%m%dT%H%M%SZ", &parts), 16);
        assert_int_equal(clock_format_basic(ms, text), 0);
        assert_string_equal(text, expected);
    }
}

static void four_digits_of_a_year_bound_what_is_written(void **state)
{
    char text[CLOCK_BASIC_SIZE] = "as it was";

    (void)state;
    assert_int_equal(clock_format_basic(-62167219200001, text), -EOVERFLOW);
    assert_int_equal(clock_format_basic(253402300800000, text), -EOVERFLOW);
    assert_string_equal(text, "as it was");
    assert_int_equal(clock_format_basic(-62167219200000, text), 0);
    assert_string_equal(text, "00000101T000000Z");
    assert_int_equal(clock_format_basic(253402300799999, text), 0);
    assert_string_equal(text, "99991231T235959Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(timers_fire_in_order_of_their_due_time, forget),
        cmocka_unit_test_setup(equal_due_times_keep_the_order_of_starting, forget),
        cmocka_unit_test_setup(a_stopped_timer_does_not_fire_wherever_it_stood, forget),
        cmocka_unit_test_setup(starting_an_armed_timer_moves_it, forget),
        cmocka_unit_test_setup(a_callback_may_stop_the_next_timer_and_start_others, forget),
        cmocka_unit_test_setup(a_step_jumps_to_one_timer_at_a_time, forget),
        cmocka_unit_test(a_thousand_random_timers_stay_sorted),
        cmocka_unit_test_setup(a_very_long_delay_does_not_wrap_around, forget),
        cmocka_unit_test_setup(the_real_clock_fires_in_order_and_never_early, forget),
        cmocka_unit_test_setup(the_real_clock_wakes_the_loop_only_for_a_timer, forget),
        cmocka_unit_test_setup(a_timer_without_delay_does_not_hold_the_loop, forget),
        cmocka_unit_test(times_are_written_as_rfc3339),
        cmocka_unit_test(times_of_every_usual_shape_are_read),
        cmocka_unit_test(what_is_not_a_time_is_refused),
        cmocka_unit_test(writing_and_reading_agree),
        cmocka_unit_test(the_basic_form_is_that_of_strftime),
        cmocka_unit_test(four_digits_of_a_year_bound_what_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
