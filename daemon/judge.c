/*
 * judge.c: from what is wanted, recorded and seen of a resource to the facts
 * that decide.h wants, and from its decision to the words people read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/log.h"
#include "common/str.h"
#include "daemon/daemon.h"
#include "daemon/ownership.h"
#include "daemon/words.h"
#include "desired/reference.h"

/** Vanished at once before the brake holds: at least so many, and more than half. */
#define BRAKE_COUNT 5

/** The parsed documents of one judgement: for the moment only. */
struct documents {
    struct json_object *desired, *observed, *applied;
};

static void documents_done(struct documents *documents)
{
    json_object_put(documents->desired);
    json_object_put(documents->observed);
    json_object_put(documents->applied);
}

static bool is_protected(const struct platform *platform, const char *address)
{
    return platform->graph && strv_has(&platform->graph->policy.protect, address);
}

static void apply_ignores(const struct platform *platform, const char *address, struct diff *diff)
{
    const struct desired_policy *policy = &platform->graph->policy;

    for (size_t i = 0; i < policy->ignore_count; i++)
        if (str_equal(policy->ignore[i].address, address))
            diff_ignore(diff, policy->ignore[i].path);
}

static int compare(struct resource *resource, const struct documents *documents, struct decision *decision,
                   size_t *ret_drifted)
{
    struct err err CLEANUP_ERR = {0};
    int r;

    r = diff_documents(resource->kind, documents->desired, documents->observed, &decision->diff, &err);
    if (r < 0) {
        log_err(LOG_AT_ERROR, &err, "%s can not be compared", resource->address);
        return r;
    }
    resource->sight.in_order = decision->diff.count == 0;
    apply_ignores(resource->platform, resource->address, &decision->diff);
    decision->is_drift = calloc(decision->diff.count + 1, sizeof(*decision->is_drift));
    if (!decision->is_drift)
        return -ENOMEM;
    *ret_drifted = decide_drifted(&decision->diff, documents->desired, documents->applied,
                                  decision->is_drift);
    return 0;
}

/** Interrupted between the call that made it and our note of it: tag of the intent, or name free before and made since. */
static bool ours_by_intent(const struct resource *resource, struct json_object *observed)
{
    const struct intent *intent = &resource->intent;

    if (!intent->token)
        return false;
    if (ownership_by_intent(observed, intent->token))
        return true;
    return intent->was_absent && resource->observed_created_ms >= intent->at_ms - 5000 &&
           ownership_of(observed, resource->platform->name, resource->address) != OWNER_OTHERS;
}

/** What a person approved: the name of the action, valid for that action alone. */
static char *approval(const struct resource *resource)
{
    struct platform *platform = resource->platform;
    char *row CLEANUP_FREE = str_format("approved %s", resource->address);
    char *action = NULL;

    if (!row || fact_get(platform->daemon->store, platform->name, row, &action, NULL) < 0)
        return NULL;
    return action;
}

static void gather_policy(const struct resource *resource, struct situation *s)
{
    const struct platform *platform = resource->platform;
    const struct desired_policy *policy = &platform->graph->policy;

    s->on_drift = policy->on_drift;
    s->protected_ = is_protected(platform, resource->address) ||
                    (platform->destroy != DESTROY_NONE && resource->spared);
    s->approve_create = policy->approve_create;
    s->approve_update = policy->approve_update;
    s->approve_replace = policy->approve_replace;
    s->approve_delete = policy->approve_delete;
    s->paused = platform->paused;
    s->brake = platform->vanished && !platform->released;
}

/** Did our own work, interrupted, perhaps take it away? */
static bool is_removing(const struct resource *resource)
{
    const char *action = resource->intent.token ? resource->intent.action : NULL;

    return str_equal(action, action_name(ACTION_REPLACE)) || str_equal(action, action_name(ACTION_DELETE));
}

/** What the documents say by themselves. */
static void take_sight(struct resource *resource, const struct documents *documents)
{
    resource->sight = (struct sight){
        .desired_revision = resource->desired_revision,
        .observed_revision = resource->observed_revision,
        .owner = ownership_of(documents->observed, resource->platform->name, resource->address),
        .waiting = documents->desired && document_has_unknown(documents->desired),
        .key_known = documents->desired && document_key_known(resource->kind, documents->desired),
    };
}

/** Neither document has changed since they were found to be the same; and there is nothing else to look for in them. */
static bool still_in_order(const struct resource *resource)
{
    const struct sight *sight = &resource->sight;

    return sight->in_order && sight->desired_revision == resource->desired_revision &&
           sight->observed_revision == resource->observed_revision && !resource_doomed(resource) &&
           !resource->intent.token;
}

static void gather_sight(const struct resource *resource, const struct documents *documents,
                         struct situation *s)
{
    const struct sight *sight = &resource->sight;

    s->kind_flags = resource->kind->flags;
    s->declared = resource_wanted(resource);
    s->doomed = resource_doomed(resource);
    s->recorded = resource->record.address != NULL;
    s->waiting = sight->waiting;
    s->buried = destroy_has_buried(resource) && !resource->intent.token;
    s->key_known = sight->key_known;
    s->seen = resource->seen;
    s->unconfirmed = resource->unconfirmed;
    s->interrupted = resource->intent.token && resource->record.address;
    s->vouched = resource->record.applied != NULL;
    s->in_grace = resource_in_grace(resource);
    s->absent_looks = resource->absent_looks;
    s->removing = is_removing(resource);
    s->ours_by_tags = sight->owner == OWNER_US;
    s->foreign_tags = sight->owner == OWNER_OTHERS;
    s->ours_by_intent = ours_by_intent(resource, documents->observed);
    s->importing = resource->import_id != NULL && !resource->record.address;
    s->adopt = resource->want && resource->want->adopt;
}

/* ---- words ---- */

static void say_waiting(struct resource *resource)
{
    char *text CLEANUP_FREE = NULL;

    if (resource->unresolved) {
        resource_set_status(resource, STATUS_FAILED, err_text(&resource->act_err));
        return;
    }
    text = resource->waiting_on.count > 0 ? str_format("waits for %s", resource->waiting_on.items[0])
                                          : str_format("%s", reason_text(REASON_WAITING));
    resource_set_status(resource, STATUS_PENDING, text);
}

static void say_action(struct resource *resource)
{
    const struct decision *decision = &resource->decision;
    bool drifted = decision->reason == REASON_DRIFT || decision->reason == REASON_MISSING;
    char *text CLEANUP_FREE = NULL;

    if (resource->act_err.text && decision->hold == HOLD_NONE && resource->act_err.class != ERR_NOT_YET) {
        text = str_format("%s failed: %s", action_name(decision->action), err_text(&resource->act_err));
        resource_set_status(resource, STATUS_FAILED, text);
        return;
    }
    if (resource->act_err.class == ERR_NOT_YET && resource->act_err.text)
        text = str_format("%s: %s", action_name(decision->action), err_text(&resource->act_err));
    else if (hold_text(decision->hold))
        text = words_of_hold(resource);
    else
        text = str_format("%s: %s", action_name(decision->action), reason_text(decision->reason));
    resource_set_status(resource, drifted ? STATUS_DRIFTED : STATUS_PENDING, text);
}

static void say(struct resource *resource)
{
    const struct decision *decision = &resource->decision;

    if (decision->hold == HOLD_WAITING) {
        say_waiting(resource);
        return;
    }
    switch (decision->reason) {
    case REASON_IN_ORDER:
        resource_set_status(resource, STATUS_READY, NULL);
        break;
    case REASON_UNKNOWN:
        resource_set_status(resource, STATUS_UNKNOWN, err_text(&resource->look_err));
        break;
    case REASON_SETTLING:
        resource_set_status(resource, pace_settles_too_long(resource) ? STATUS_FAILED : STATUS_PENDING,
                            resource->settling);
        break;
    case REASON_SUSPECT:
    case REASON_GRACE:
        resource_set_status(resource, STATUS_PENDING, reason_text(decision->reason));
        break;
    case REASON_GONE:
        resource_set_status(resource, STATUS_ABSENT, reason_text(decision->reason));
        break;
    case REASON_TAKEN:
        resource_set_status(resource, STATUS_FAILED,
                            "the name is taken by something mlopsd did not make: choose another name, or say "
                            "`adopt: true` to take it over");
        break;
    default:
        say_action(resource);
    }
}

/** Of a destroyed platform: neither looked for nor wanted. */
static void judge_buried(struct resource *resource)
{
    decision_done(&resource->decision);
    resource->decision.reason = REASON_GONE;
    say(resource);
}

static void read_documents(const struct resource *resource, struct documents *ret)
{
    char *last CLEANUP_FREE = resource_doomed(resource) ? resource_last_document(resource) : NULL;

    *ret = (struct documents){
        .desired = js_read(resource_doomed(resource) ? last : resource->desired),
        .observed = js_read(resource->observed),
        .applied = js_read(resource->record.applied),
    };
}

/** Compare what is wanted with what is there, unless nothing of either has changed. */
static void compare_all(struct resource *resource, struct situation *s)
{
    struct documents documents CLEANUP(documents_done) = {0};
    bool in_order = still_in_order(resource), comparable;

    if (!in_order) {
        read_documents(resource, &documents);
        take_sight(resource, &documents);
    }
    gather_sight(resource, &documents, s);
    comparable = s->declared && resource->seen == ITEM_PRESENT &&
                 (in_order || (documents.desired && documents.observed));
    if (!comparable)
        return;
    if (in_order || compare(resource, &documents, &resource->decision, &s->drifted) == 0)
        s->diff = &resource->decision.diff;
    else
        s->seen = ITEM_UNKNOWN; /* what can not be compared is not in order */
}

void judge(struct resource *resource)
{
    struct situation s = {0};
    char *approved CLEANUP_FREE = NULL;

    if (resource_buried(resource)) {
        judge_buried(resource);
        return;
    }
    decision_done(&resource->decision);
    compare_all(resource, &s);
    gather_policy(resource, &s);
    s.imported = resource->import_confirmed && import_fits(resource);
    decide(&s, &resource->decision);
    if (resource->decision.hold == HOLD_APPROVAL) {
        approved = approval(resource);
        s.approved = str_equal(approved, action_name(resource->decision.action));
        decide(&s, &resource->decision);
    }
    say(resource);
}

void judge_all(struct platform *platform)
{
    for (size_t i = 0; i < platform->count; i++)
        if (!platform->resources[i]->acting)
            judge(platform->resources[i]);
}

void judge_brakes(struct platform *platform)
{
    size_t recorded = 0, missing = 0;

    for (size_t i = 0; i < platform->count; i++) {
        const struct resource *resource = platform->resources[i];

        if (!resource->record.address || !resource_wanted(resource) ||
            (resource->kind->flags & (KIND_LOCAL | KIND_OBSERVED)))
            continue;
        recorded++;
        missing += resource->seen == ITEM_ABSENT && !is_removing(resource);
    }
    platform->vanished = missing >= BRAKE_COUNT && missing * 2 > recorded;
}
