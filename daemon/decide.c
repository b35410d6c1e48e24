/*
 * decide.c: the rules, one small function per situation. Pure.
 */
#include "daemon/decide.h"

#include <assert.h>
#include <stdlib.h>

#include "common/js.h"
#include "common/macro.h"

static const char *const action_names[ACTION_MAX] = {
    [ACTION_NONE] = "none",       [ACTION_CREATE] = "create", [ACTION_UPDATE] = "update",
    [ACTION_REPLACE] = "replace", [ACTION_DELETE] = "delete", [ACTION_ADOPT] = "adopt",
    [ACTION_FORGET] = "forget",
};

static const char *const reason_texts[REASON_MAX] = {
    [REASON_IN_ORDER] = "as wanted",
    [REASON_NEW] = "not there yet",
    [REASON_CONFIG] = "the wanted state changed",
    [REASON_DRIFT] = "changed outside mlopsd",
    [REASON_MISSING] = "deleted outside mlopsd",
    [REASON_UNFINISHED] = "an earlier action was interrupted",
    [REASON_UNPROVED] = "it can not be read back, so it is written to be sure",
    [REASON_UNDECLARED] = "no longer declared",
    [REASON_DESTROYED] = "the platform is being destroyed",
    [REASON_FOUND] = "found by its tags",
    [REASON_IMPORTED] = "imported",
    [REASON_WATCHED] = "mlopsd only looks at it",
    [REASON_TAKEN] = "the name is taken by something mlopsd did not make",
    [REASON_UNKNOWN] = "could not be looked at",
    [REASON_SUSPECT] = "not found once; looking again before believing it",
    [REASON_GRACE] = "made a moment ago, not visible yet",
    [REASON_SETTLING] = "in transition",
    [REASON_WAITING] = "waits for what it refers to",
    [REASON_GONE] = "no longer declared and no longer there",
};

static const char *const hold_texts[HOLD_MAX] = {
    [HOLD_NONE] = NULL,
    [HOLD_PROTECTED] = "protected by policy.protect",
    [HOLD_APPROVAL] = "waits for `mlopsctl approve`",
    [HOLD_POLICY] = "on_drift: alert, so it is told and left as it is",
    [HOLD_PAUSED] = "the platform is paused (`mlopsctl resume`)",
    [HOLD_BRAKE] = "too many resources vanished at once: look at the account, then `mlopsctl apply`",
    [HOLD_TAKEN] = "choose another name, or say `adopt: true` to take it over",
    [HOLD_OBSERVED] = "mlopsd only looks at it: put it right where it is made",
    [HOLD_IMPORT] = "an import is under way",
    [HOLD_WAITING] = "waits for what it refers to",
};

const char *action_name(enum action action)
{
    assert(action < ACTION_MAX);
    return action_names[action];
}

const char *reason_text(enum reason reason)
{
    assert(reason < REASON_MAX);
    return reason_texts[reason];
}

const char *hold_text(enum hold hold)
{
    assert(hold < HOLD_MAX);
    return hold_texts[hold];
}

static void say(struct decision *ret, enum action action, enum reason reason, enum hold hold)
{
    ret->action = action;
    ret->reason = reason;
    ret->hold = hold;
}

/** The hold that any action of this sort meets, apart from what drift policy says. */
static enum hold hold_for(const struct situation *s, enum action action)
{
    bool loses = action == ACTION_DELETE || action == ACTION_REPLACE;
    bool asks = (action == ACTION_CREATE && s->approve_create) ||
                (action == ACTION_UPDATE && s->approve_update) ||
                (action == ACTION_REPLACE && s->approve_replace) ||
                (action == ACTION_DELETE && s->approve_delete) ||
                (loses && (s->kind_flags & KIND_HOLDS_DATA));

    if (loses && s->protected_)
        return HOLD_PROTECTED;
    if (s->doomed)
        return HOLD_NONE; /* whoever confirmed the destroy meant this, whatever the policy asks for otherwise */
    if (s->paused)
        return HOLD_PAUSED;
    if (asks && !s->approved)
        return HOLD_APPROVAL;
    return HOLD_NONE;
}

static bool only_observed(const struct situation *s)
{
    return (s->kind_flags & KIND_OBSERVED) != 0;
}

static bool absence_proved(const struct situation *s)
{
    return (s->kind_flags & KIND_LOCAL) || s->absent_looks >= ABSENT_LOOKS;
}

static void decide_undeclared(const struct situation *s, struct decision *ret)
{
    if (only_observed(s)) {
        say(ret, ACTION_FORGET, REASON_GONE, HOLD_NONE);
        return;
    }
    switch (s->seen) {
    case ITEM_ABSENT:
        if (s->in_grace)
            say(ret, ACTION_NONE, REASON_GRACE, HOLD_NONE);
        else if (!absence_proved(s))
            say(ret, ACTION_NONE, REASON_SUSPECT, HOLD_NONE);
        else
            say(ret, ACTION_FORGET, REASON_GONE, HOLD_NONE);
        break;
    case ITEM_PRESENT:
        if (s->recorded || s->ours_by_tags || s->ours_by_intent)
            say(ret, ACTION_DELETE, s->doomed ? REASON_DESTROYED : REASON_UNDECLARED,
                hold_for(s, ACTION_DELETE));
        else
            say(ret, ACTION_FORGET, REASON_GONE, HOLD_NONE);
        break;
    case ITEM_SETTLING:
        say(ret, ACTION_NONE, REASON_SETTLING, HOLD_NONE);
        break;
    default:
        /* doomed, and never made with its name never known, or deleted before: there is nothing to look for */
        say(ret, ACTION_NONE,
            s->doomed && !s->recorded && (!s->key_known || s->buried) ? REASON_GONE : REASON_UNKNOWN,
            HOLD_NONE);
    }
}

static enum hold hold_create(const struct situation *s)
{
    bool vanished = s->recorded && !s->removing;

    if (only_observed(s))
        return s->waiting ? HOLD_WAITING : HOLD_OBSERVED;
    if (s->importing)
        return HOLD_IMPORT;
    if (vanished && s->on_drift == ON_DRIFT_ALERT)
        return HOLD_POLICY;
    if (vanished && s->brake)
        return HOLD_BRAKE;
    return s->waiting ? HOLD_WAITING : hold_for(s, ACTION_CREATE);
}

static enum reason reason_create(const struct situation *s)
{
    if (!s->recorded)
        return REASON_NEW;
    return s->removing ? REASON_UNFINISHED : REASON_MISSING;
}

static void decide_absent(const struct situation *s, struct decision *ret)
{
    if (s->recorded && s->in_grace)
        say(ret, ACTION_NONE, REASON_GRACE, HOLD_NONE);
    else if (s->recorded && !absence_proved(s))
        say(ret, ACTION_NONE, REASON_SUSPECT, HOLD_NONE);
    else
        say(ret, ACTION_CREATE, reason_create(s), hold_create(s));
}

/** Something is there that we have no record of: ours, to be taken over, or somebody else's? */
static void decide_found(const struct situation *s, struct decision *ret)
{
    if (s->ours_by_intent)
        say(ret, ACTION_ADOPT, REASON_UNFINISHED, HOLD_NONE);
    else if (s->ours_by_tags)
        say(ret, ACTION_ADOPT, REASON_FOUND, HOLD_NONE);
    else if (s->foreign_tags)
        say(ret, ACTION_NONE, REASON_TAKEN, HOLD_TAKEN);
    else if (s->imported && s->diff && !s->diff->replace)
        say(ret, ACTION_ADOPT, REASON_IMPORTED, HOLD_NONE);
    else if (only_observed(s))
        say(ret, ACTION_ADOPT, REASON_WATCHED, HOLD_NONE);
    else if (s->kind_flags & KIND_ADOPT_ALWAYS)
        say(ret, ACTION_ADOPT, REASON_FOUND, HOLD_NONE);
    else if (s->adopt && s->diff && !s->diff->replace)
        say(ret, ACTION_ADOPT, REASON_FOUND, s->paused ? HOLD_PAUSED : HOLD_NONE);
    else
        say(ret, ACTION_NONE, REASON_TAKEN, HOLD_TAKEN);
}

static enum reason reason_update(const struct situation *s, bool all_drift)
{
    if (s->interrupted)
        return REASON_UNFINISHED;
    if (s->unconfirmed && (s->drifted > 0 || !s->vouched))
        return REASON_UNPROVED;
    return all_drift && !s->unconfirmed ? REASON_DRIFT : REASON_CONFIG;
}

static void decide_present(const struct situation *s, struct decision *ret)
{
    enum action action;
    enum reason reason;
    bool all_drift;

    if (!s->recorded) {
        decide_found(s, ret);
        return;
    }
    if (!s->diff || s->diff->count == 0) {
        say(ret, ACTION_NONE, REASON_IN_ORDER, s->waiting ? HOLD_WAITING : HOLD_NONE);
        return;
    }
    action = s->diff->replace ? ACTION_REPLACE : ACTION_UPDATE;
    all_drift = s->drifted == s->diff->count;
    reason = reason_update(s, all_drift);
    if (only_observed(s)) {
        say(ret, ACTION_UPDATE, reason, HOLD_OBSERVED);
        return;
    }
    if (s->on_drift == ON_DRIFT_ALERT && s->drifted > 0 && !s->unconfirmed && !s->interrupted) {
        if (all_drift || action == ACTION_REPLACE) {
            say(ret, action, reason, HOLD_POLICY);
            return;
        }
        ret->only_own_changes = true;
    }
    say(ret, action, reason, s->waiting ? HOLD_WAITING : hold_for(s, action));
}

/** Not looked at: because its name is not known yet, or because the look failed. */
static void decide_unseen(const struct situation *s, struct decision *ret)
{
    if (s->key_known)
        say(ret, ACTION_NONE, REASON_UNKNOWN, HOLD_NONE);
    else
        say(ret, s->recorded ? ACTION_NONE : ACTION_CREATE, s->recorded ? REASON_WAITING : REASON_NEW,
            HOLD_WAITING);
}

void decide(const struct situation *s, struct decision *ret)
{
    ret->only_own_changes = false;
    if (!s->declared) {
        decide_undeclared(s, ret);
        return;
    }
    switch (s->seen) {
    case ITEM_ABSENT:
        decide_absent(s, ret);
        break;
    case ITEM_PRESENT:
        decide_present(s, ret);
        break;
    case ITEM_SETTLING:
        say(ret, ACTION_NONE, REASON_SETTLING, HOLD_NONE);
        break;
    default:
        decide_unseen(s, ret);
    }
}

size_t decide_drifted(const struct diff *diff, struct json_object *desired, struct json_object *applied,
                      bool *is_drift)
{
    size_t drifted = 0;

    for (size_t i = 0; i < diff->count; i++) {
        const struct diff_entry *entry = &diff->entries[i];
        struct json_object *want = NULL, *had = NULL;

        is_drift[i] = false;
        if (!applied || entry->unknown_after)
            continue;
        (void)json_object_object_get_ex(desired, entry->top->name, &want); /* absent stays NULL */
        (void)json_object_object_get_ex(applied, entry->top->name, &had);
        is_drift[i] = js_equal(want, had);
        drifted += is_drift[i];
    }
    return drifted;
}

void decision_done(struct decision *decision)
{
    diff_done(&decision->diff);
    free(decision->is_drift);
    *decision = (struct decision){0};
}
