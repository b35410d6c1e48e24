/*
 * notify.h: the service manager's side: READY, STATUS, WATCHDOG, RELOADING,
 * STOPPING. Without NOTIFY_SOCKET everything here is silent.
 */
#ifndef MLOPSD_DAEMON_NOTIFY_H
#define MLOPSD_DAEMON_NOTIFY_H

#include "common/clock.h"

struct notify;

/** Starts beating for the watchdog when the manager asks for it. NULL without memory. */
struct notify *notify_new(struct clock *clock);
struct notify *notify_free(struct notify *notify);
void notify_ready(struct notify *notify);
void notify_reloading(struct notify *notify);
void notify_stopping(struct notify *notify);
/** One line for `systemctl status`; sent only when it changed. */
void notify_status(struct notify *notify, const char *text);

#endif
