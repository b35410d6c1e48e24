/*
 * platform.h: one platform at run time: its graph in force, its clients, its
 * resources with what is wanted, recorded and seen of each, and the pass that
 * runs over them.
 *
 * A pass:  guard -> facts -> look -> decide -> act -> (look again) -> record
 *          guard.c  facts.c  look.c  decide.c  act.c                  record.c
 *
 * Everything here lives on the loop thread. Only the pass fiber and the
 * operation fibers it starts wait. The graph of a running pass never changes: a reload
 * is taken over between two passes.
 */
#ifndef MLOPSD_DAEMON_PLATFORM_H
#define MLOPSD_DAEMON_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/fiber.h"
#include "daemon/decide.h"
#include "daemon/events.h"
#include "daemon/ownership.h"
#include "desired/desired.h"
#include "kinds/kind.h"
#include "state/store.h"

struct daemon;
struct platform;

/** Where a resource stands, for people. */
enum status {
    STATUS_UNKNOWN,
    STATUS_ABSENT,
    STATUS_PENDING,
    STATUS_READY,
    STATUS_DRIFTED,
    STATUS_FAILED,
    STATUS_MAX
};
const char *status_name(enum status status);

/** From what a desired document was made. */
struct inputs {
    uint64_t digest;
    bool hold; /* false: made from something that is asked for each time, or not made */
};

/** What its two documents say, kept while neither of them changes: the next pass need not read them again. */
struct sight {
    uint64_t desired_revision, observed_revision; /* of which; 0 = of none */
    enum owner owner;
    bool waiting;   /* something wanted is not known yet */
    bool key_known; /* what it is found by is */
    bool in_order;  /* no difference, not even an ignored one */
};

/** One resource at run time: declared, recorded, or both. */
struct resource {
    struct platform *platform;
    char *address;
    const struct kind *kind;
    const struct desired_resource *want; /* in platform->graph; NULL = no longer declared */
    bool spared;                         /* a destroy leaves it: see destroy.c */
    char *spared_for;                    /* the protected one that needs it; NULL = it is protected itself */
    char *import_id;          /* somebody wants what has this id taken over as this resource; see import.c */
    bool import_confirmed;    /* and has seen what that means */
    struct farewell farewell; /* for the person who confirms a destroy */

    struct record record; /* what is remembered; record.address is NULL while nothing is */
    bool record_dirty;    /* differs from the row in the store */
    struct intent intent; /* an open one; token NULL = none */
    char *
        intent_desired; /* the document it set out for: finds what may have been made, when that is not declared any more */

    /* the last look */
    enum item_state seen;
    char *observed; /* canonical JSON, NULL when not there; set by resource_set_observed() alone */
    uint64_t observed_revision; /* another one for each other text */
    char *seen_id;              /* the cloud's id of what was seen */
    bool looked;                /* in this pass */
    int64_t asked_ms;           /* wall: when the look was sent; its answer is no younger */
    int64_t observed_created_ms;
    bool unconfirmed;
    bool ended;              /* not there, and seen to have been: no look came too early */
    unsigned turn;           /* see turns.c */
    struct err look_err;     /* why unknown */
    unsigned unknown_passes; /* in a row */
    bool looked_early;       /* unknown, never recorded, and what it stands on was not there yet */
    bool unknown_told;
    unsigned absent_looks;      /* definite not-founds in a row */
    char *useless;              /* why what is only looked at counts as missing; NULL = it is not there */
    char *settling;             /* the service's word while it is in transition */
    uint64_t settling_since_ms; /* monotonic; 0 = is not */
    uint64_t look_due_ms;       /* monotonic: no look at it before, unless at everything */
    bool stuck_told;            /* it has been in transition for longer than it ever should */

    /* the last decision */
    struct decision decision;
    char *
        desired; /* resolved document, canonical JSON; NULL = not resolvable; set by resource_set_desired() alone */
    uint64_t desired_revision;
    struct inputs made_from; /* the desired document */
    uint64_t stand;          /* digest of what others may refer to, at the last lookup */
    struct sight sight;
    struct strv waiting_on; /* references that are known only after apply */
    bool unresolved;        /* its values could not be put together: act_err says why */

    /* acting */
    bool acting;
    bool acted;         /* in this pass */
    struct err act_err; /* the last failure; cleared by success */
    char *failed_told;  /* text of the failure that was reported */
    char *held_told;    /* reason of the hold that was reported */
    unsigned failures;
    uint64_t next_try_ms;      /* monotonic; 0 = at once */
    uint64_t not_yet_since_ms; /* first "not yet" in a row; 0 = none */
    uint64_t act_started_ms;

    enum status status;
    char *why;        /* NULL when ready */
    int64_t since_ms; /* wall: status or why changed */
};

/** Has somebody had the platform destroyed? */
enum destroy {
    DESTROY_NONE,
    DESTROY_GOING, /* nothing is wanted but what is spared: the rest is being deleted */
    DESTROY_DONE,  /* it is gone, and nothing is made until somebody says `mlopsctl apply` */
    DESTROY_MAX
};
const char *destroy_name(enum destroy destroy); /* "destroying"; NULL for DESTROY_NONE */

/** What a pass may do. */
enum pass_mode { PASS_CHECK, PASS_CONVERGE };

struct pass_request {
    enum pass_mode mode;
    bool full;      /* look at everything, else only at what is not ready */
    bool released;  /* a person said go: brakes of this pass are off */
    bool farewells; /* ask what a destroy would lose or leave */
    bool by_timer;  /* nobody asked for it: what hardly ever changes is read in turn */
};

/** Somebody waits for the end of a pass: embedded by its owner. */
struct pass_waiter {
    void (*done)(struct pass_waiter *waiter);
    uint64_t from_pass; /* the first pass number that counts */
    bool until_steady;  /* not the end of one pass but of the last that had something to do */
    struct pass_waiter *next;
};

struct platform {
    struct daemon *daemon;
    char *name, *file;
    struct graph *graph;      /* in force; NULL before the first good file */
    struct graph *next_graph; /* taken over before the next pass */
    int64_t generation, next_generation;
    char *refused; /* problems of the newest file; NULL = it is in force */
    bool gone;     /* its file was removed: watched no longer */
    enum destroy destroy;
    struct json_object
        *leftovers;             /* of a destroy that is over: DestroyEntry of each; NULL = not looked for */
    struct strv destroy_spares; /* addresses that were protected when somebody confirmed the destroy */
    struct strv destroy_buried; /* of what it deleted, and was not seen since */

    struct clouds clouds;
    char *github_token_mark; /* fingerprint of the token the client was made with */
    bool github_refused;     /* GitHub refused it: nothing more is sent until there is another one */
    char *facts;             /* run-time built-ins, JSON object; NULL = none yet */
    unsigned facts_failures; /* in a row: not all of them could be read */
    uint64_t
        facts_due_ms; /* monotonic: then they are asked for again; without failures only by full passes */

    uint64_t stand;         /* digest of the facts and the kind of pass, for resource.made_from */
    uint64_t secrets_asked; /* so far, of the resolver */

    struct resource **resources; /* declared ones in graph order, then the others */
    size_t count;
    struct episode *episodes; /* open ones */
    size_t episodes_count;

    /* the pass */
    struct fiber *fiber;
    struct fiber *waiting; /* the pass fiber while it waits for operations */
    size_t running;        /* operations in flight */
    enum pass_mode mode;
    bool released;
    bool farewells;
    bool by_turns;  /* its looks leave out what has its turn in another pass */
    unsigned turn;  /* whose */
    bool promises;  /* a trial: what an import would bring counts as known, for those that refer to it */
    bool cut_short; /* a reload or stop: start nothing new */
    uint64_t pass_number;  /* of the running or last pass */
    uint64_t calls_before; /* client counters at its start */
    uint64_t calls_last;
    bool steady;    /* the last pass found nothing left to do by itself */
    bool converged; /* and everything is ready */
    bool converged_told;
    char *problem; /* why nothing moves; NULL = nothing in the way */
    enum err_class problem_class;
    unsigned problem_passes;
    bool aws_blocked, github_blocked; /* this pass: no look, no act */
    bool vanished;                    /* the brake: too many missing at once */
    bool paused;
    char *paused_why;
    int64_t last_pass_ms, next_pass_ms; /* wall; 0 = never, not planned */
    uint64_t full_due_ms;               /* monotonic: the next look at everything */
    struct pass_request queued;         /* merged wishes for the next pass */
    bool queued_any;
    struct clock_timer timer;
    struct pass_waiter *waiters;
};

/* platform.c */
struct platform *platform_new(struct daemon *daemon, const char *name, const char *file);
struct platform *platform_free(struct platform *platform); /* no fiber may live */
/** Put @take_graph in force as soon as no pass runs. 0, or negative when the store refused it. */
int platform_offer(struct platform *platform, struct graph *take_graph, struct err *err);
/** Make graph, clients and resources of the offer current. Called between passes only. */
int platform_take_over(struct platform *platform, struct err *err);
struct resource *platform_find(struct platform *platform, const char *address);
/** What is wanted, and what was seen: NULL for nothing. The text moves to the resource. */
void resource_set_desired(struct resource *resource, char *take_text);
void resource_set_observed(struct resource *resource, char *take_text);
/** Set status and reason; keeps the time of the last change. */
void resource_set_status(struct resource *resource, enum status status, const char *why);
uint64_t platform_calls(const struct platform *platform);
/** Was it made, or perhaps made, so shortly before the last look that a not-found proves nothing? */
bool resource_in_grace(const struct resource *resource);
/** Bring the record's needs up to those of the graph, for the order of deletes. 0 or -ENOMEM. */
int resource_note_needs(struct resource *resource);
/** The open intent is settled: forget our copy of it. */
void resource_drop_intent(struct resource *resource);
/** Keep the attributes of @observed in the record: others refer to them even while this one can not be seen. */
void resource_remember_attributes(struct resource *resource, struct json_object *observed);
/** Drop the run-time objects of what is neither declared nor recorded any more. No operation may run. */
void platform_prune(struct platform *platform);
/** Done as far as can be without a person or more time? What a "--once" and an "apply" wait for. */
bool platform_at_rest(const struct platform *platform);

/** Will time alone, or another try, bring this one further? */
bool resource_hopeful(const struct resource *resource);

/* import.c: taking over what exists */
/** The id to look for; NULL when the kind's natural key finds it. */
const char *import_look_id(const struct resource *resource);
/** Is what was seen, and compared, the thing with that id, and is nothing that can never change still unknown? */
bool import_fits(const struct resource *resource);
/** Would it be adopted if somebody said yes now? */
bool import_stands(const struct resource *resource);
/** How many hold an id and are not recorded; without those that stand: what another round may bring further. */
size_t import_waiting(const struct platform *platform, bool also_standing);
/** After a look: why it can not be imported, for a person; owned; NULL = it can, or no memory. */
char *import_refusal(const struct resource *resource);
int import_try(struct resource *resource, const char *id, struct err *err);
/** Durable when this returns 0: the next look adopts it, if it still can be. */
int import_confirm(struct resource *resource, const char *id, struct err *err);
/** It is recorded, refused, or was only tried. Within a group of writes or alone. */
int import_end(struct resource *resource, struct err *err);
/** What a restart interrupted. */
int import_load(struct resource *resource, struct err *err);

/* destroy.c: a platform's end */
/** Is it to go, because its platform is being destroyed, or was? */
bool resource_doomed(const struct resource *resource);
/** Is it declared, and meant to be there? */
bool resource_wanted(const struct resource *resource);
/** Does it belong to a destroyed platform, with nothing left of it that we know of? Then no cloud is asked for it. */
bool resource_buried(const struct resource *resource);
/** Did this destroy delete it, and has nobody seen it since? It need not be found absent: what it lived in may answer no more. */
bool destroy_has_buried(const struct resource *resource);
/** It is deleted: as durable as the group of writes this is called in. */
int destroy_bury(struct resource *resource, struct err *err);
/** It is there, after all. */
void destroy_dig_up(struct resource *resource);
/** Was it looked for in a destroy, and is not there? */
bool resource_gone(const struct resource *resource);
/** Does it need, as far as is recorded or else declared, that one? */
bool resource_needs(const struct resource *resource, const struct resource *need);
/** The document that finds and removes it when it is not wanted; owned; NULL = nothing is known. */
char *resource_last_document(const struct resource *resource);
/** Does the daemon look after it? Not when its file is gone, unless it is being destroyed. */
bool platform_watched(const struct platform *platform);
int destroy_load(struct platform *platform, struct err *err);
/** Who is spared? Kept up by each pass; asked anew before a destroy is shown or begun. */
void destroy_spare(struct platform *platform);
/** Indexes of all resources, what is needed by others behind those; owned, NULL without memory. */
size_t *destroy_order(const struct platform *platform);
/** A person has confirmed it: durable when this returns 0. */
int destroy_begin(struct platform *platform, unsigned uid, struct err *err);
/** What is declared is wanted again. */
int destroy_cancel(struct platform *platform, unsigned uid, struct err *err);
/** At the end of a pass: is all gone that should go? */
void destroy_conclude(struct platform *platform);
/** leftovers.c: after a destroy: what still carries the platform's tag, and nobody has a record of? May wait. */
void destroy_find_leftovers(struct platform *platform);
/** Ask the kinds what a destroy would lose or leave; may wait. */
void destroy_farewells(struct platform *platform);
/** A platform without a file, from what is recorded: its settings, no resources. NULL with @err. */
struct platform *destroy_recall(struct daemon *daemon, const char *name, struct err *err);
/** Go on with what a restart interrupted, where no file declares it any more. */
void destroy_recall_all(struct daemon *daemon);

/* pace.c: how long to wait for what takes its time */
/** It is in transition, in the service's words: plan the next look. */
void pace_settling(struct resource *resource, const char *status);
void pace_settled(struct resource *resource);
/** The look brought nothing: plan another one. */
void pace_put_off(struct resource *resource);
/** Facts were read, or not (result): plan the next try. */
void pace_facts(struct platform *platform, int result);
/** Longer in transition than the kind's give_up_ms? */
bool pace_settles_too_long(const struct resource *resource);
/** After a "not yet": the wait before the next try. */
uint64_t pace_not_yet_ms(const struct resource *resource);

/* schedule.c: when the next pass starts */
void schedule_pass(struct platform *platform, const struct pass_request *request);
void schedule_next(struct platform *platform); /* after a pass */
void schedule_stop(struct platform *platform);
void pass_wait(struct platform *platform, struct pass_waiter *waiter);
void pass_forget(struct platform *platform, struct pass_waiter *waiter);
/** Tell those for whom it is over: after a pass, or when there will be none. */
void pass_wake(struct platform *platform);

/* pass.c: one pass, on a fiber of its own */
int pass_start(struct platform *platform, const struct pass_request *request, struct err *err);

/* guard.c: is this the right account; may wait. Sets the blocked flags and platform->problem. */
void guard_check(struct platform *platform);

/* facts.c: run-time built-ins the graph asks for; may wait. */
int facts_gather(struct platform *platform, struct err *err);
bool facts_wanted(const struct graph *graph, const char *prefix);

/* turns.c: what is read in this pass, and what has its turn in another one */
/** A pass begins; @taken: a look at everything that nobody asked for. */
void turns_begin(struct platform *platform, bool taken);
/** Is all of it to be read, what hardly ever changes as well? */
bool turns_resource(const struct resource *resource);
/** Is the subject of GitHub's tokens to be asked for? */
bool turns_subject(const struct platform *platform);

/* look.c: observe; may wait. @wanted picks; NULL = all that can be looked at. */
typedef bool (*look_filter)(const struct resource *resource);
int look(struct platform *platform, look_filter wanted);

/* lookup.c: values for references */
struct resolver;
void lookup_resolver(struct platform *platform, struct resolver *ret);
/** Before a round over all resources, in graph order. */
void lookup_begin(struct platform *platform);
/** Resolve the desired document of one resource from what is known now; nothing is done when that is what it was made from. */
int lookup_desired(struct resource *resource, struct err *err);
/** Secret text of a SECRET field. */
int lookup_secret(struct resource *resource, const char *field, struct secret **ret, struct err *err);
char *lookup_fingerprint(struct platform *platform, const struct secret *value);

/* judge.c: gathers the facts of a resource for decide.h and keeps the decision */
void judge(struct resource *resource);
void judge_all(struct platform *platform);
/** The brake: too many recorded resources missing at once? */
void judge_brakes(struct platform *platform);

/* act.c: start what may start; each operation on a fiber. */
/** How many were started. */
size_t act_start_ready(struct platform *platform);
extern const struct kind_host engine_kind_host;

/* record.c: what a pass learnt, written down if there is anything */
/** Write an intent down, with the document that it sets out for. */
int record_intend(struct resource *resource, const struct intent *intent, const char *desired,
                  struct err *err);
/** The intent is settled; alone or in a group of writes. */
int record_settle(struct resource *resource, const char *token, struct err *err);
/** Within a group of writes: its record, and the sealed secrets that were made for it. */
int record_drop(struct resource *resource, struct err *err);
int record_pass(struct platform *platform, struct err *err);
int record_outputs(struct platform *platform, struct err *err);
/** Adopt and forget what was decided so: notes only, no call. Returns how many. */
size_t record_adopt_and_forget(struct platform *platform);

/* drift.c: episodes: one alert when one opens, one when it closes, restarts or not */
void drift_update(struct resource *resource);
/** Is somebody changing it back again and again? Then it is healed ever more slowly: in *ret_wait_ms (0 = now). */
bool drift_contested(const struct resource *resource, uint64_t *ret_wait_ms);
int drift_load(struct platform *platform, struct err *err);
/** Close the episodes of what is no longer there to drift. */
void drift_close_orphans(struct platform *platform);

/* report.c: say it: history row, journal entry, watchers */
struct report {
    enum event_type event;
    const char *address;                               /* NULL = the platform */
    const char *field, *desired, *observed, *severity; /* NULL where they do not apply */
    const char *request_id;
};
/** For how many passes in a row a failure must last before it is told: passing faults only when they stay. */
unsigned report_patience(enum err_class class);
void report(struct platform *platform, const struct report *what, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
