/*
 * test_notify.c: what the service manager hears, through a datagram socket of our own, on a virtual clock.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/notify.h"

struct manager {
    int fd;
    char root[64];
    struct sockaddr_un address;
    struct clock_virtual clock;
    struct notify *notify;
    char heard[512];
};

static int setup(void **state)
{
    struct manager *manager = calloc(1, sizeof(*manager));

    assert_non_null(manager);
    (void)snprintf(manager->root, sizeof(manager->root), "/tmp/mlopsd-notify-XXXXXX");
    assert_non_null(mkdtemp(manager->root));
    manager->address.sun_family = AF_UNIX;
    (void)snprintf(manager->address.sun_path, sizeof(manager->address.sun_path), "%s/notify", manager->root);
    manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(manager->fd >= 0);
    assert_int_equal(bind(manager->fd, (struct sockaddr *)&manager->address, sizeof(manager->address)), 0);
    setenv("NOTIFY_SOCKET", manager->address.sun_path, 1);
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    clock_virtual_init(&manager->clock, 0);
    *state = manager;
    return 0;
}

static int teardown(void **state)
{
    struct manager *manager = *state;

    manager->notify = notify_free(manager->notify);
    assert_null(manager->clock.clock.timers);
    close(manager->fd);
    (void)unlink(manager->address.sun_path);
    (void)rmdir(manager->root);
    unsetenv("NOTIFY_SOCKET");
    free(manager);
    return 0;
}

static void begin(struct manager *manager)
{
    manager->notify = notify_new(&manager->clock.clock);
    assert_non_null(manager->notify);
}

/** The next message, "" when there is none. */
static const char *hear(struct manager *manager)
{
    ssize_t n = recv(manager->fd, manager->heard, sizeof(manager->heard) - 1, 0);

    assert_true(n >= 0 || errno == EAGAIN);
    manager->heard[n > 0 ? n : 0] = '\0';
    return manager->heard;
}

static void ready_and_stopping_are_said(void **state)
{
    struct manager *manager = *state;

    begin(manager);
    assert_string_equal(hear(manager), "");
    notify_ready(manager->notify);
    assert_string_equal(hear(manager), "READY=1");
    notify_stopping(manager->notify);
    assert_string_equal(hear(manager), "STOPPING=1\nSTATUS=stopping");
    assert_string_equal(hear(manager), "");
}

static void status_is_said_only_when_it_changed(void **state)
{
    struct manager *manager = *state;

    begin(manager);
    notify_status(manager->notify, "one");
    notify_status(manager->notify, "one");
    assert_string_equal(hear(manager), "STATUS=one");
    assert_string_equal(hear(manager), "");
    notify_status(manager->notify, "two");
    notify_status(manager->notify, "one");
    assert_string_equal(hear(manager), "STATUS=two");
    assert_string_equal(hear(manager), "STATUS=one");
    assert_string_equal(hear(manager), "");
}

static void a_status_with_percent_signs_is_no_format(void **state)
{
    struct manager *manager = *state;

    begin(manager);
    notify_status(manager->notify, "100 % of %s");
    assert_string_equal(hear(manager), "STATUS=100 % of %s");
}

static void a_reload_carries_the_time_of_the_managers_clock(void **state)
{
    struct manager *manager = *state;
    struct timespec before, after;
    unsigned long long usec = 0;

    begin(manager);
    clock_gettime(CLOCK_MONOTONIC, &before);
    notify_reloading(manager->notify);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_int_equal(sscanf(hear(manager), "RELOADING=1\nMONOTONIC_USEC=%llu", &usec), 1);
    assert_true(usec >=
                (unsigned long long)before.tv_sec * 1000000 + (unsigned long long)before.tv_nsec / 1000);
    assert_true(usec <=
                (unsigned long long)after.tv_sec * 1000000 + (unsigned long long)after.tv_nsec / 1000);
    notify_ready(manager->notify);
    assert_string_equal(hear(manager), "READY=1");
}

static size_t beats(struct manager *manager)
{
    size_t count = 0;

    while (*hear(manager)) {
        assert_string_equal(manager->heard, "WATCHDOG=1");
        count++;
    }
    return count;
}

static void the_watchdog_is_fed_at_half_its_time(void **state)
{
    struct manager *manager = *state;

    setenv("WATCHDOG_USEC", "30000000", 1);
    begin(manager);
    clock_virtual_advance(&manager->clock, 14999);
    assert_int_equal(beats(manager), 0);
    clock_virtual_advance(&manager->clock, 1);
    assert_int_equal(beats(manager), 1);
    clock_virtual_advance(&manager->clock, 150000);
    assert_int_equal(beats(manager), 10);
    manager->notify = notify_free(manager->notify);
    clock_virtual_advance(&manager->clock, 150000);
    assert_int_equal(beats(manager), 0);
}

static void a_tiny_watchdog_time_does_not_spin(void **state)
{
    struct manager *manager = *state;

    setenv("WATCHDOG_USEC", "1000", 1);
    begin(manager);
    clock_virtual_advance(&manager->clock, 5);
    assert_int_equal(beats(manager), 5); /* one per millisecond, the shortest there is */
}

static void without_a_watchdog_no_timer_runs(void **state)
{
    struct manager *manager = *state;

    begin(manager);
    assert_null(manager->clock.clock.timers);
    notify_free(manager->notify);
    setenv("WATCHDOG_USEC", "30000000", 1);
    setenv("WATCHDOG_PID", "1", 1); /* meant for another process */
    begin(manager);
    assert_null(manager->clock.clock.timers);
}

static void without_a_manager_all_is_silent(void **state)
{
    struct manager *manager = *state;

    unsetenv("NOTIFY_SOCKET");
    begin(manager);
    notify_ready(manager->notify);
    notify_status(manager->notify, "one");
    notify_reloading(manager->notify);
    notify_stopping(manager->notify);
    assert_string_equal(hear(manager), "");
    assert_null(notify_free(NULL));
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(ready_and_stopping_are_said),
        CASE(status_is_said_only_when_it_changed),
        CASE(a_status_with_percent_signs_is_no_format),
        CASE(a_reload_carries_the_time_of_the_managers_clock),
        CASE(the_watchdog_is_fed_at_half_its_time),
        CASE(a_tiny_watchdog_time_does_not_spin),
        CASE(without_a_watchdog_no_timer_runs),
        CASE(without_a_manager_all_is_silent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
