/*
 * test_fiber.c: switching, waiting, cancelling, groups, sleeping, listing, the
 * rules that abort, and fibers on a libuv loop.
 *
 * Nothing is asserted inside a fiber: cmocka leaves a failed case by longjmp,
 * which must not cross stacks. Fibers write a log, the case compares it.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/fiber-internal.h"
#include "common/fiber.h"
#include "common/fiber_uv.h"
#include "common/macro.h"

static struct fibers fibers;
static struct clock_virtual virtual_clock;
static char story[512];
static int result;

static void tell(const char *text)
{
    size_t n = strlen(story);

    snprintf(story + n, sizeof(story) - n, "%s%s", n ? " " : "", text);
}

static int setup(void **state)
{
    (void)state;
    fibers_init(&fibers);
    clock_virtual_init(&virtual_clock, 0);
    memset(story, 0, sizeof(story));
    result = 1234;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fibers_cancel_all(&fibers);
    fibers_run(&fibers);
    fibers_close(&fibers);
    return 0;
}

static struct fiber *spawn(const char *name, fiber_fn fn, void *arg)
{
    struct fiber *fiber = NULL;

    assert_int_equal(fiber_spawn(&fibers, name, fn, arg, &fiber), 0);
    return fiber;
}

static void tell_arg(void *arg)
{
    tell(arg);
}

static void wait_and_tell(void *arg)
{
    tell(arg);
    result = fiber_wait();
    tell(arg);
}

static void a_fiber_runs_from_the_queue_only(void **state)
{
    (void)state;
    spawn("a", tell_arg, (char *)"a");
    spawn("b", tell_arg, (char *)"b");
    assert_string_equal(story, "");
    assert_int_equal(fibers.living, 2);
    fibers_run(&fibers);
    assert_string_equal(story, "a b");
    assert_int_equal(fibers.living, 0);
    assert_null(fiber_self());
}

static void a_wait_returns_what_the_waker_gave(void **state)
{
    struct fiber *fiber;

    (void)state;
    fiber = spawn("a", wait_and_tell, (char *)"a");
    fibers_run(&fibers);
    assert_string_equal(story, "a");
    fiber_wake(fiber, -EBUSY);
    assert_string_equal(story, "a");
    fiber_wake(fiber, -EIO); /* already queued: ignored */
    fibers_run(&fibers);
    assert_string_equal(story, "a a");
    assert_int_equal(result, -EBUSY);
    assert_int_equal(fibers.living, 0);
}

static void count_rounds(void *arg)
{
    int *rounds = arg;

    while (fiber_wait() == 0)
        (*rounds)++;
}

static void ten_thousand_switches_keep_the_stack_intact(void **state)
{
    int rounds[10] = {0};
    struct fiber *all[10];

    (void)state;
    for (size_t i = 0; i < 10; i++)
        all[i] = spawn("counter", count_rounds, &rounds[i]);
    fibers_run(&fibers);
    for (int i = 0; i < 1000; i++) {
        for (size_t j = 0; j < 10; j++)
            fiber_wake(all[j], 0);
        fibers_run(&fibers);
    }
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(rounds[i], 1000);
        fiber_wake(all[i], -EIO);
    }
    fibers_run(&fibers);
    assert_int_equal(fibers.living, 0);
}

static void wake_self_and_wait(void *arg)
{
    (void)arg;
    fiber_wake(fiber_self(), 7);
    tell("woken");
    result = fiber_wait();
}

static void a_running_fiber_that_was_woken_does_not_sleep(void **state)
{
    (void)state;
    spawn("a", wake_self_and_wait, NULL);
    fibers_run(&fibers);
    assert_int_equal(result, 7);
    assert_int_equal(fibers.living, 0);
}

static void wake_self_and_end(void *arg)
{
    (void)arg;
    fiber_wake(fiber_self(), 0);
}

static void a_fiber_that_ends_while_queued_leaves_the_queue(void **state)
{
    struct fiber *other;

    (void)state;
    other = spawn("other", wait_and_tell, (char *)"other");
    fibers_run(&fibers);
    /* at the head, in the middle and at the tail of the queue */
    spawn("a", wake_self_and_end, NULL);
    fiber_wake(other, 0);
    spawn("b", wake_self_and_end, NULL);
    spawn("c", wake_self_and_end, NULL);
    fibers_run(&fibers);
    assert_int_equal(fibers.living, 0);
    assert_null(fibers.run_head);
    assert_null(fibers.run_tail);
    assert_string_equal(story, "other other");
}

static void wait_thrice(void *arg)
{
    char text[64];
    int a = fiber_wait(), b = fiber_wait(), c = fiber_sleep(arg, 10);

    snprintf(text, sizeof(text), "%d %d %d %d", a == -ECANCELED, b == -ECANCELED, c == -ECANCELED,
             fiber_canceled());
    tell(text);
}

static void cancel_ends_this_wait_and_all_later_ones(void **state)
{
    struct fiber *fiber;

    (void)state;
    fiber = spawn("a", wait_thrice, &virtual_clock.clock);
    fibers_run(&fibers);
    fiber_cancel(fiber);
    fiber_cancel(fiber); /* twice is once */
    fibers_run(&fibers);
    assert_string_equal(story, "1 1 1 1");
    assert_null(virtual_clock.clock.timers);
    assert_false(fiber_canceled());
}

static void cancel_wins_over_a_wake_up_that_waits_in_the_queue(void **state)
{
    struct fiber *fiber;

    (void)state;
    fiber = spawn("a", wait_and_tell, (char *)"a");
    fibers_run(&fibers);
    fiber_wake(fiber, 0);
    fiber_cancel(fiber);
    fibers_run(&fibers);
    assert_int_equal(result, -ECANCELED);
}

static void a_fiber_canceled_before_it_ran_still_runs(void **state)
{
    struct fiber *fiber;

    (void)state;
    fiber = spawn("a", wait_and_tell, (char *)"a");
    fiber_cancel(fiber);
    fibers_run(&fibers);
    assert_string_equal(story, "a a"); /* it may have something to release */
    assert_int_equal(result, -ECANCELED);
}

static void cancel_self_and_wait(void *arg)
{
    (void)arg;
    fiber_cancel(fiber_self());
    result = fiber_wait();
}

static void a_fiber_may_cancel_itself(void **state)
{
    (void)state;
    spawn("a", cancel_self_and_wait, NULL);
    fibers_run(&fibers);
    assert_int_equal(result, -ECANCELED);
    assert_int_equal(fibers.living, 0);
}

static void cancel_all_reaches_everyone(void **state)
{
    (void)state;
    for (int i = 0; i < FIBER_POOL_MAX + 10; i++)
        spawn("a", wait_and_tell, (char *)"");
    fibers_run(&fibers);
    assert_int_equal(fibers.living, FIBER_POOL_MAX + 10);
    fibers_cancel_all(&fibers);
    fibers_run(&fibers);
    assert_int_equal(fibers.living, 0);
    assert_int_equal(fibers.pooled, FIBER_POOL_MAX);
}

/* sleeping */

static void sleep_and_tell(void *arg)
{
    result = fiber_sleep(&virtual_clock.clock, 100);
    tell(arg);
}

static void sleep_lasts_as_long_as_asked(void **state)
{
    (void)state;
    spawn("a", sleep_and_tell, (char *)"awake");
    fibers_run(&fibers);
    clock_virtual_advance(&virtual_clock, 99);
    fibers_run(&fibers);
    assert_string_equal(story, "");
    clock_virtual_advance(&virtual_clock, 1);
    fibers_run(&fibers);
    assert_string_equal(story, "awake");
    assert_int_equal(result, 0);
}

static void a_stray_wake_up_does_not_end_a_sleep(void **state)
{
    struct fiber *fiber;

    (void)state;
    fiber = spawn("a", sleep_and_tell, (char *)"awake");
    fibers_run(&fibers);
    fiber_wake(fiber, -EIO);
    fibers_run(&fibers);
    assert_string_equal(story, "");
    clock_virtual_advance(&virtual_clock, 100);
    fibers_run(&fibers);
    assert_string_equal(story, "awake");
    assert_int_equal(result, 0);
}

static void cancel_ends_a_sleep_and_stops_its_timer(void **state)
{
    struct fiber *fiber;

    (void)state;
    fiber = spawn("a", sleep_and_tell, (char *)"awake");
    fibers_run(&fibers);
    assert_non_null(virtual_clock.clock.timers);
    fiber_cancel(fiber);
    fibers_run(&fibers);
    assert_int_equal(result, -ECANCELED);
    assert_null(virtual_clock.clock.timers);
}

/* groups */

static int group_result, children_now, children_most;

static void child(void *arg)
{
    children_now++;
    if (children_now > children_most)
        children_most = children_now;
    (void)fiber_sleep(&virtual_clock.clock, (uint64_t)(uintptr_t)arg);
    children_now--;
}

static void parent(void *arg)
{
    struct fiber_group group = {.fibers = &fibers, .limit = *(size_t *)arg};
    int r = 0;

    for (uintptr_t i = 1; i <= 5 && r == 0; i++)
        r = fiber_group_spawn(&group, "child", child, (void *)(i * 10));
    if (r < 0)
        tell("no more");
    group_result = fiber_group_wait(&group);
    tell(children_now == 0 && !group.children ? "none left" : "some left");
}

static struct fiber *start_parent(size_t *limit)
{
    struct fiber *fiber;

    children_now = children_most = 0;
    group_result = 1234;
    fiber = spawn("parent", parent, limit);
    fibers_run(&fibers);
    return fiber;
}

static void run_until_nothing_is_due(void)
{
    do
        fibers_run(&fibers);
    while (clock_virtual_step(&virtual_clock));
}

static void a_group_waits_for_its_last_child(void **state)
{
    size_t limit = 0;

    (void)state;
    start_parent(&limit);
    assert_int_equal(children_now, 5);
    for (int i = 0; i < 4; i++) {
        clock_virtual_advance(&virtual_clock, 10);
        fibers_run(&fibers);
        assert_int_equal(group_result, 1234);
    }
    run_until_nothing_is_due();
    assert_int_equal(group_result, 0);
    assert_string_equal(story, "none left");
}

static struct fiber *group_waiter;
static int woken_early;

/* Ends one turn after it began; by then the waiter waits and other children have ended. */
static void short_child(void *arg)
{
    (void)arg;
    woken_early += group_waiter->queued;
    fiber_wake(fiber_self(), 0);
    (void)fiber_wait();
    woken_early += group_waiter->queued;
}

static void waits_for_many(void *arg)
{
    struct fiber_group group = {.fibers = &fibers};

    (void)arg;
    for (int i = 0; i < 5; i++)
        (void)fiber_group_spawn(&group, "short", short_child, NULL);
    group_result = fiber_group_wait(&group);
}

static void only_the_last_child_wakes_who_waits_for_all(void **state)
{
    (void)state;
    group_result = 1234;
    woken_early = 0;
    fiber_spawn(&fibers, "waiter", waits_for_many, NULL, &group_waiter);
    fibers_run(&fibers);
    assert_int_equal(group_result, 0);
    assert_int_equal(woken_early, 0);
}

static void a_group_keeps_its_limit(void **state)
{
    size_t limit = 2;

    (void)state;
    start_parent(&limit);
    assert_int_equal(children_now, 2);
    run_until_nothing_is_due();
    assert_int_equal(children_most, 2);
    assert_int_equal(group_result, 0);
    assert_string_equal(story, "none left");
}

static void a_canceled_waiter_cancels_its_children_and_waits_for_them(void **state)
{
    struct fiber *fiber;
    size_t limit = 0;

    (void)state;
    fiber = start_parent(&limit);
    fiber_cancel(fiber);
    fibers_run(&fibers);
    assert_int_equal(group_result, -ECANCELED);
    assert_string_equal(story, "none left");
    assert_null(virtual_clock.clock.timers);
    assert_int_equal(fibers.living, 0);
}

static void a_canceled_fiber_starts_no_more_children(void **state)
{
    struct fiber *fiber;
    size_t limit = 2;

    (void)state;
    fiber = start_parent(&limit);
    fiber_cancel(fiber);
    fibers_run(&fibers);
    assert_int_equal(group_result, -ECANCELED);
    assert_int_equal(children_most, 2);
    assert_string_equal(story, "no more none left");
}

static void slow_to_stop(void *arg)
{
    (void)arg;
    while (fiber_sleep(&virtual_clock.clock, 1000) != -ECANCELED)
        ;
    for (int i = 0; i < 3; i++) { /* as a call that can not be called back at once */
        fiber_wake(fiber_self(), 0);
        fiber_park();
    }
    tell("child stopped");
}

static void parent_of_slow(void *arg)
{
    struct fiber_group group = {.fibers = &fibers};

    (void)arg;
    (void)fiber_group_spawn(&group, "slow", slow_to_stop, NULL);
    group_result = fiber_group_wait(&group);
    tell("parent");
}

static void a_canceled_waiter_is_never_early(void **state)
{
    struct fiber *fiber;

    (void)state;
    fiber = spawn("parent", parent_of_slow, NULL);
    fibers_run(&fibers);
    fiber_cancel(fiber);
    fibers_run(&fibers);
    assert_string_equal(story, "child stopped parent");
    assert_int_equal(group_result, -ECANCELED);
}

/* listing */

static void wait_somewhere(void *arg)
{
    fiber_set_where(arg);
    (void)fiber_wait();
}

static void the_living_are_listed_with_name_and_place(void **state)
{
    char name[32] = "create aws_iam_role.x";
    struct fiber *fiber = NULL;
    int seen = 0;

    (void)state;
    spawn(name, wait_somewhere, (char *)"CreateRole, waiting for the answer");
    memset(name, 'x', sizeof(name) - 1); /* the name was copied */
    spawn("second", wait_and_tell, (char *)"");
    spawn("gone", tell_arg, (char *)"");
    fibers_run(&fibers);
    while ((fiber = fiber_next(&fibers, fiber))) {
        seen++;
        if (strcmp(fiber_name(fiber), "create aws_iam_role.x") == 0)
            assert_string_equal(fiber_where(fiber), "CreateRole, waiting for the answer");
        else
            assert_string_equal(fiber_name(fiber), "second");
    }
    assert_int_equal(seen, 2);
}

/* what aborts */

static void wait_in_no_yield(void *arg)
{
    (void)arg;
    fiber_set_where("between BEGIN and COMMIT");
    fiber_no_yield_begin();
    fiber_no_yield_begin();
    fiber_no_yield_end();
    (void)fiber_wait();
}

static void end_in_no_yield(void *arg)
{
    (void)arg;
    fiber_no_yield_begin();
}

static void run_fibers_in_fiber(void *arg)
{
    (void)arg;
    fibers_run(&fibers);
}

/* Room for a name, a place and a sentence. */
static char dying_words[1024];

/* Run @fn in a fiber (or outside of one) of a child process; return the signal that ended it. */
static int die_of(const char *name, fiber_fn fn, bool in_fiber)
{
    int pipe_fds[2], status = 0;
    size_t size = 0;
    ssize_t n;
    pid_t pid;

    assert_int_equal(pipe(pipe_fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(pipe_fds[1], STDERR_FILENO);
        close(pipe_fds[0]);
        close(pipe_fds[1]);
        if (!in_fiber)
            fn(NULL);
        else if (fiber_spawn(&fibers, name, fn, NULL, NULL) == 0)
            fibers_run(&fibers);
        _exit(0);
    }
    close(pipe_fds[1]);
    while (size + 1 < sizeof(dying_words) &&
           (n = read(pipe_fds[0], dying_words + size, sizeof(dying_words) - 1 - size)) > 0)
        size += (size_t)n;
    dying_words[size] = '\0';
    close(pipe_fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void waiting_inside_a_no_yield_section_aborts_with_the_name(void **state)
{
    (void)state;
    assert_int_equal(die_of("apply x.y", wait_in_no_yield, true), SIGABRT);
    assert_non_null(strstr(dying_words, "\"apply x.y\""));
    assert_non_null(strstr(dying_words, "between BEGIN and COMMIT"));
    assert_non_null(strstr(dying_words, "no-yield"));
}

static void ending_inside_a_no_yield_section_aborts_with_the_name(void **state)
{
    (void)state;
    assert_int_equal(die_of("apply x.z", end_in_no_yield, true), SIGABRT);
    assert_non_null(strstr(dying_words, "\"apply x.z\""));
}

static void wait_anywhere(void *arg)
{
    (void)arg;
    (void)fiber_wait();
}

static void waiting_outside_of_a_fiber_aborts(void **state)
{
    (void)state;
    assert_int_equal(die_of("", wait_anywhere, false), SIGABRT);
    assert_non_null(strstr(dying_words, "outside of a fiber"));
}

static void running_fibers_inside_a_fiber_aborts(void **state)
{
    (void)state;
    assert_int_equal(die_of("nested", run_fibers_in_fiber, true), SIGABRT);
    assert_non_null(strstr(dying_words, "\"nested\""));
}

static void close_with_living(void *arg)
{
    (void)arg;
    (void)fiber_spawn(&fibers, "forgotten", wait_anywhere, NULL, NULL);
    fibers_run(&fibers);
    fibers_close(&fibers);
}

static void closing_while_a_fiber_lives_aborts_with_its_name(void **state)
{
    (void)state;
    assert_int_equal(die_of("", close_with_living, false), SIGABRT);
    assert_non_null(strstr(dying_words, "\"forgotten\""));
}

static void wait_after_no_yield(void *arg)
{
    (void)arg;
    fiber_no_yield_begin();
    fiber_no_yield_begin();
    fiber_no_yield_end();
    fiber_no_yield_end();
    result = fiber_wait();
}

static void waiting_after_the_section_is_fine(void **state)
{
    struct fiber *fiber;

    (void)state;
    fiber = spawn("a", wait_after_no_yield, NULL);
    fibers_run(&fibers);
    fiber_wake(fiber, 3);
    fibers_run(&fibers);
    assert_int_equal(result, 3);
}

/* on a libuv loop */

static int loop_rounds;

static void count_round(uv_prepare_t *prepare)
{
    (void)prepare;
    loop_rounds++;
}

static void sleep_thrice(void *arg)
{
    for (int i = 0; i < 3; i++)
        result = fiber_sleep(arg, 20);
    tell("slept");
}

static void the_loop_runs_fibers_and_does_not_spin(void **state)
{
    struct fibers_uv glue;
    struct clock_real real;
    uv_prepare_t prepare;
    uv_loop_t loop;

    (void)state;
    loop_rounds = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(clock_real_init(&real, &loop), 0);
    spawn("early", sleep_thrice, &real.clock); /* also one that was there before the loop */
    assert_int_equal(fibers_uv_init(&glue, &loop, &fibers), 0);
    spawn("late", sleep_thrice, &real.clock);
    uv_prepare_init(&loop, &prepare);
    uv_prepare_start(&prepare, count_round);
    uv_unref((uv_handle_t *)&prepare);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_string_equal(story, "slept slept");
    assert_int_equal(result, 0);
    assert_in_range(loop_rounds, 3, 20); /* two or three for each sleep */
    uv_close((uv_handle_t *)&prepare, NULL);
    fibers_uv_close(&glue);
    clock_real_close(&real);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void parked_fibers_do_not_keep_the_loop_alive(void **state)
{
    struct fibers_uv glue;
    uv_loop_t loop;
    struct fiber *fiber;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(fibers_uv_init(&glue, &loop, &fibers), 0);
    fiber = spawn("a", wait_and_tell, (char *)"a");
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_string_equal(story, "a");
    fiber_wake(fiber, 0);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0); /* but one that can run does */
    assert_string_equal(story, "a a");
    fibers_uv_close(&glue);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_fiber_runs_from_the_queue_only),
        CASE(a_wait_returns_what_the_waker_gave),
        CASE(ten_thousand_switches_keep_the_stack_intact),
        CASE(a_running_fiber_that_was_woken_does_not_sleep),
        CASE(a_fiber_that_ends_while_queued_leaves_the_queue),
        CASE(cancel_ends_this_wait_and_all_later_ones),
        CASE(cancel_wins_over_a_wake_up_that_waits_in_the_queue),
        CASE(a_fiber_canceled_before_it_ran_still_runs),
        CASE(a_fiber_may_cancel_itself),
        CASE(cancel_all_reaches_everyone),
        CASE(sleep_lasts_as_long_as_asked),
        CASE(a_stray_wake_up_does_not_end_a_sleep),
        CASE(cancel_ends_a_sleep_and_stops_its_timer),
        CASE(a_group_waits_for_its_last_child),
        CASE(only_the_last_child_wakes_who_waits_for_all),
        CASE(a_group_keeps_its_limit),
        CASE(a_canceled_waiter_cancels_its_children_and_waits_for_them),
        CASE(a_canceled_fiber_starts_no_more_children),
        CASE(a_canceled_waiter_is_never_early),
        CASE(the_living_are_listed_with_name_and_place),
        CASE(waiting_inside_a_no_yield_section_aborts_with_the_name),
        CASE(ending_inside_a_no_yield_section_aborts_with_the_name),
        CASE(waiting_outside_of_a_fiber_aborts),
        CASE(running_fibers_inside_a_fiber_aborts),
        CASE(closing_while_a_fiber_lives_aborts_with_its_name),
        CASE(waiting_after_the_section_is_fine),
        CASE(the_loop_runs_fibers_and_does_not_spin),
        CASE(parked_fibers_do_not_keep_the_loop_alive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
