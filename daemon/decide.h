/*
 * decide.h: what to do about one resource: a pure function of facts.
 *
 * No I/O, no clock, no store: the facts come in, the decision comes out, so it
 * can be tested row by row, printed and repeated. Level-triggered: nothing is done because it was
 * once planned.
 */
#ifndef MLOPSD_DAEMON_DECIDE_H
#define MLOPSD_DAEMON_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "desired/desired.h"
#include "kinds/diff.h"
#include "kinds/kind.h"

enum action {
    ACTION_NONE,
    ACTION_CREATE,
    ACTION_UPDATE,
    ACTION_REPLACE,
    ACTION_DELETE,
    ACTION_ADOPT,
    ACTION_FORGET,
    ACTION_MAX
};
const char *action_name(enum action action); /* "create" */

/** Why an action, or none. */
enum reason {
    REASON_IN_ORDER,   /* as wanted */
    REASON_NEW,        /* not there yet */
    REASON_CONFIG,     /* the wanted state changed */
    REASON_DRIFT,      /* the world changed */
    REASON_MISSING,    /* it was there and is gone */
    REASON_UNFINISHED, /* our own earlier work was interrupted */
    REASON_UNPROVED,   /* it can not be read back, and nothing vouches for what is there: written again */
    REASON_UNDECLARED, /* no longer in the config */
    REASON_DESTROYED,  /* its platform is being destroyed */
    REASON_FOUND,      /* ours by its tags, not in our records */
    REASON_IMPORTED,   /* a person named it by its id */
    REASON_WATCHED,    /* not ours to make: from now on it is looked at */
    REASON_TAKEN,      /* the name belongs to somebody else */
    REASON_UNKNOWN,    /* could not be looked at */
    REASON_SUSPECT,    /* a first not-found: look again */
    REASON_GRACE,      /* made a moment ago, not visible yet */
    REASON_SETTLING,   /* in transition */
    REASON_WAITING,    /* needs a value that is not known yet */
    REASON_GONE,       /* undeclared and not there: forget it */
    REASON_MAX,
};
const char *reason_text(enum reason reason); /* "not there yet": for people */

/** Why an action is not taken by itself. */
enum hold {
    HOLD_NONE,
    HOLD_PROTECTED, /* policy.protect */
    HOLD_APPROVAL,  /* waits for mlopsctl approve */
    HOLD_POLICY,    /* on_drift: alert */
    HOLD_PAUSED,
    HOLD_BRAKE,    /* too many vanished at once */
    HOLD_TAKEN,    /* needs adopt: true, or another name */
    HOLD_OBSERVED, /* the kind is only looked at: a person has to put it right */
    HOLD_IMPORT,   /* somebody wants to take over one that exists: no second one is made */
    HOLD_WAITING,  /* goes on by itself, as soon as what it refers to is known */
    HOLD_MAX,
};
const char *hold_text(enum hold hold);

/** All that matters about one resource. */
struct situation {
    unsigned kind_flags;
    bool declared;
    bool doomed;   /* declared or not: its platform is being destroyed, which a person has confirmed */
    bool recorded; /* we made or adopted it once */
    bool waiting;  /* the desired document has unknowns */
    bool key_known;
    bool buried; /* a destroy deleted it: what can no longer be asked about it holds nobody */
    enum item_state seen;
    bool unconfirmed; /* what differs can not be read back: our own business, not drift */
    bool interrupted; /* an intent of ours is open on something that is there */
    bool vouched;     /* it was in order once, by our records */

    /* absence */
    bool in_grace;         /* made by us moments ago and not yet seen often enough */
    unsigned absent_looks; /* in a row, this one included */
    bool removing;         /* an open intent of ours may have removed it */

    /* ownership of something present that we have no record of */
    bool ours_by_tags;
    bool ours_by_intent; /* open intent: name was free, and the creation time fits */
    bool foreign_tags;   /* tagged as another platform's or address's */
    bool importing;      /* a person named one to be taken over */
    bool imported;       /* a person named this very one, and has seen what differs */
    bool adopt;          /* the file says adopt: true */

    /* difference, after policy.ignore */
    const struct diff *diff; /* NULL when not comparable */
    size_t drifted;          /* entries that are drift, not our own change */

    /* policy */
    enum on_drift on_drift;
    bool protected_;
    bool approve_create, approve_update, approve_replace, approve_delete;
    bool approved; /* a person said yes to this very action */
    bool paused;
    bool brake;
};

struct decision {
    enum action action;
    enum reason reason;
    enum hold hold;
    bool only_own_changes; /* update what the config changed, leave the drift (on_drift: alert) */
    struct diff diff;      /* owned copy for the plan and for update(); empty without one */
    bool *is_drift;        /* per entry of diff; owned */
};

/** Fill action, reason, hold and only_own_changes of *ret. */
void decide(const struct situation *situation, struct decision *ret);
void decision_done(struct decision *decision);

/** Entries of @diff that are drift: desired is what was in order before, the world is not. @applied may be NULL. */
size_t decide_drifted(const struct diff *diff, struct json_object *desired, struct json_object *applied,
                      bool *is_drift);

/** Absence is believed after this many definite not-founds in a row. */
#define ABSENT_LOOKS 2
/** A young resource is trusted to be visible after this many sightings. */
#define SIGHTINGS    2

#endif
