/*
 * act-internal.h: one action under way; between act.c (doing it) and
 * outcome.c (what became of it).
 */
#ifndef MLOPSD_DAEMON_ACT_INTERNAL_H
#define MLOPSD_DAEMON_ACT_INTERNAL_H

#include "daemon/platform.h"

struct operation {
    struct kind_op op;
    struct resource *resource;
    enum action action;
    enum reason reason;
    struct diff diff;   /* for update(); owned */
    char *token;        /* of the intent */
    char *id;           /* op.id */
    char *desired_text; /* op.desired */
    struct err err;     /* op.err */
    bool was_absent;
    bool intent_kept; /* the intent is in the store */
    bool wrote;       /* at least one write was sent */
};

/** It worked: one commit for record, intent, history; then the news. */
void outcome_success(struct operation *operation);
/** It did not: keep what is known, the backoff, and the intent if something may have been made. */
void outcome_failure(struct operation *operation);
/** The first half of a replace is done: what was there is gone. 0 or negative with op.err. */
int outcome_removed(struct operation *operation);

/** Does this resource want an operation that nothing holds? */
bool act_wanted(const struct resource *resource);
/** Is it held back by others only? Then it goes on with them, and no time of its own brings it further. */
bool act_waits_for_others(const struct resource *resource, uint64_t now_ms);
/** Is all that it needs there, and ready to be built on? */
bool act_needs_usable(const struct resource *resource, uint64_t now_ms);
uint64_t act_backoff_ms(const struct resource *resource, enum err_class class);

#endif
