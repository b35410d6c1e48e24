/*
 * events.h: everything mlopsd has to say, as one table: what an event is called,
 * how loud it is, its MESSAGE_ID, and whether it belongs to the history.
 * The journal catalog (systemd/mlopsd.catalog) has one text per MESSAGE_ID; a test compares the two.
 */
#ifndef MLOPSD_DAEMON_EVENTS_H
#define MLOPSD_DAEMON_EVENTS_H

#include <stdbool.h>

#include "common/log.h"

enum event_type {
    EVENT_GENERATION, /* a new desired state came into force */
    EVENT_REFUSED,    /* a file was refused; the last good generation stays */
    EVENT_START,      /* an action begins: shown live, not kept */
    EVENT_CREATE,
    EVENT_ADOPT,
    EVENT_UPDATE,
    EVENT_REPLACE,
    EVENT_DELETE,
    EVENT_DRIFT,     /* an episode opens */
    EVENT_HEAL,      /* drift was put right */
    EVENT_RESOLVED,  /* an episode closes */
    EVENT_CONTESTED, /* somebody keeps changing it back */
    EVENT_FAILED,    /* an action failed */
    EVENT_RECOVERED, /* what failed works again */
    EVENT_UNKNOWN,   /* can not be looked at */
    EVENT_KNOWN,     /* can be looked at again */
    EVENT_HELD,      /* an action waits for a person */
    EVENT_BLOCKED,   /* a whole platform can not move: wrong account, no credentials */
    EVENT_UNBLOCKED,
    EVENT_CONVERGED,
    EVENT_WAITING, /* settling or "not yet": shown live, not kept */
    EVENT_PAUSED,
    EVENT_RESUMED,
    EVENT_APPROVED,
    EVENT_FORGOTTEN,
    EVENT_DESTROYING, /* somebody confirmed that a platform is destroyed */
    EVENT_DESTROYED,  /* all is gone that should go */
    EVENT_REBUILDING, /* it is wanted again */
    EVENT_TYPE_MAX,
};

struct event_info {
    const char *name;       /* "drift": MLOPSD_EVENT, history, watch */
    const char *message_id; /* 32 hex digits */
    enum log_level level;   /* unless a severity says otherwise */
    bool kept;              /* becomes a row of the history */
};
extern const struct event_info event_infos[EVENT_TYPE_MAX];

#endif
