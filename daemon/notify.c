/*
 * notify.c: see notify.h. The watchdog beats from the loop, at half of what the
 * manager allows: a loop that is stuck is killed.
 */
#include "daemon/notify.h"

#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "common/str.h"

struct notify {
    struct clock *clock;
    struct clock_timer timer;
    uint64_t beat_ms; /* 0 = nobody watches */
    char *status;
};

static void beat(struct clock_timer *timer)
{
    struct notify *notify = timer->data;

    (void)sd_notify(0, "WATCHDOG=1"); /* nobody listening is no error */
    clock_start(notify->clock, timer, notify->beat_ms, beat);
}

struct notify *notify_new(struct clock *clock)
{
    struct notify *notify = calloc(1, sizeof(*notify));
    uint64_t limit_usec = 0;

    if (!notify)
        return NULL;
    notify->clock = clock;
    notify->timer.data = notify;
    if (sd_watchdog_enabled(0, &limit_usec) > 0) {
        notify->beat_ms = limit_usec / 2000 ? limit_usec / 2000 : 1;
        clock_start(clock, &notify->timer, notify->beat_ms, beat);
    }
    return notify;
}

struct notify *notify_free(struct notify *notify)
{
    if (!notify)
        return NULL;
    clock_stop(&notify->timer);
    free(notify->status);
    free(notify);
    return NULL;
}

void notify_ready(struct notify *notify)
{
    (void)notify;
    (void)sd_notify(0, "READY=1");
}

void notify_reloading(struct notify *notify)
{
    struct timespec now;

    (void)notify;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* the manager's own clock, not ours to virtualise */
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
                     (unsigned long long)now.tv_sec * 1000000u + (unsigned long long)now.tv_nsec / 1000u);
}

void notify_stopping(struct notify *notify)
{
    (void)notify;
    (void)sd_notify(0, "STOPPING=1\nSTATUS=stopping");
}

void notify_status(struct notify *notify, const char *text)
{
    if (str_equal(text, notify->status) || str_set(&notify->status, text) < 0)
        return;
    (void)sd_notifyf(0, "STATUS=%s", text);
}
