/*
 * github_actions_secret_look.c: one look at all Actions secrets, and the
 * verdict about each. One list call per repository; a single secret is asked for again only
 * when the list shows it older than it was. Writing is github_actions_secret.c's.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/js.h"
#include "kinds/github_actions_secret-internal.h"

#define SECRETS_MAX 100 /* of one repository, says GitHub */

/* ---- the verdict: pure ---- */

enum verdict {
    VERDICT_IN_ORDER,  /* as we left it */
    VERDICT_CONFIRMED, /* our PUT is seen for the first time */
    VERDICT_LAGGING,   /* not seen yet, which proves nothing so soon after the PUT */
    VERDICT_LOST,      /* our PUT never showed: put it again */
    VERDICT_STALE,     /* older than what we have seen before: an old replica answered */
    VERDICT_MISSING,
    VERDICT_UNKNOWN,   /* there, but we know of no value we put */
    VERDICT_OVERTAKEN, /* written by somebody else before we could confirm our PUT */
    VERDICT_WRITTEN,   /* written by somebody else */
    VERDICT_MADE_ANEW, /* deleted and made again by somebody else */
};

/* @seen: NULL = not in the list, which is complete. @now_ms: of the list, on GitHub's clock. */
static enum verdict judge(const struct secret_notes *notes, const struct secret_sighting *seen,
                          int64_t now_ms)
{
    bool confirmed = notes->updated_ms > 0;
    bool fresh = notes->fp && !confirmed && now_ms - notes->put_ms < SECRET_STALE_MS;

    if (!seen)
        return fresh ? VERDICT_LAGGING : VERDICT_MISSING;
    if (!notes->fp)
        return VERDICT_UNKNOWN;
    if (!confirmed) {
        if (secret_is_our_put(notes, seen))
            return VERDICT_CONFIRMED;
        if (seen->updated_ms > notes->put_ms + SECRET_GUARD_AFTER_MS)
            return VERDICT_OVERTAKEN;
        return fresh ? VERDICT_LAGGING : VERDICT_LOST;
    }
    if (seen->updated_ms < notes->updated_ms)
        return VERDICT_STALE;
    if (seen->created_ms != notes->created_ms)
        return VERDICT_MADE_ANEW;
    return seen->updated_ms != notes->updated_ms ? VERDICT_WRITTEN : VERDICT_IN_ORDER;
}

/* ---- looking ---- */

/* The document's stand-in for a value: a fingerprint, or a note why there is none. */
static struct json_object *stand_in(const char *fp, const char *note, const char *at)
{
    struct json_object *secret = json_object_new_object();
    char *text CLEANUP_FREE = note ? str_format("%s%s%s", note, at ? " at " : "", at ? at : "") : NULL;

    if (secret && js_set_text(secret, "secret", fp) == 0 && (!note || js_set_text(secret, "note", text) == 0))
        return secret;
    json_object_put(secret);
    return NULL;
}

/* @take_value moves in. NULL without memory. */
static struct json_object *observed_document(const struct kind_item *item, const struct secret_sighting *seen,
                                             struct json_object *take_value)
{
    struct json_object *document = json_object_new_object();

    if (!document || !take_value) {
        json_object_put(take_value);
        json_object_put(document);
        return NULL;
    }
    if (js_put_key(document, "plaintext_value", take_value) == 0 &&
        js_set_text(document, "repository", js_text(item->desired, "repository")) == 0 &&
        secret_put_name(document, js_text(item->desired, "secret_name")) == 0 &&
        (!seen || (js_set_text(document, "created_at", seen->created_at) == 0 &&
                   js_set_text(document, "updated_at", seen->updated_at) == 0)))
        return document;
    json_object_put(document);
    return NULL;
}

static void confirm(struct kind_item *item, struct secret_notes notes, const struct secret_sighting *seen)
{
    notes.created_ms = seen->created_ms;
    notes.updated_ms = seen->updated_ms;
    json_object_put(item->ret_memory);
    item->ret_memory = secret_notes_write(&notes); /* without memory: confirmed by the next look */
}

struct telling {
    const char *note; /* NULL = the value is the one we put */
    bool with_time;
    bool ours; /* unfinished business of our own, not drift */
};

static const struct telling tellings[] = {
    [VERDICT_UNKNOWN] = {"there, with a value that mlopsd does not know", false, true},
    [VERDICT_LOST] = {"the last write of mlopsd never showed", false, true},
    [VERDICT_OVERTAKEN] = {"written by someone else right after mlopsd", true, true},
    [VERDICT_WRITTEN] = {"written outside mlopsd", true, false},
    [VERDICT_MADE_ANEW] = {"deleted and made again outside mlopsd", true, false},
};

static void tell_present(struct kind_item *item, enum verdict verdict, const struct secret_notes *notes,
                         const struct secret_sighting *seen)
{
    const struct telling *telling = &tellings[verdict];
    const char *wanted = js_text(item->desired, "plaintext_value.secret");
    char *id CLEANUP_FREE = secret_id(js_text(item->desired, "repository"),
                                      js_text(item->desired, "secret_name"));
    struct json_object *value = telling->note ? stand_in(NULL, telling->note,
                                                         telling->with_time ? seen->updated_at : NULL)
                                              : stand_in(notes->fp, NULL, NULL);

    batch_present(item, id, observed_document(item, seen, value));
    item->created_wall_ms = seen->created_ms;
    /* A value that we are about to change is no drift, whatever else happened to it. */
    item->unconfirmed = telling->ours || (notes->fp && wanted && !str_equal(wanted, notes->fp));
}

static void tell(struct kind_item *item, enum verdict verdict, const struct secret_notes *notes,
                 const struct secret_sighting *seen)
{
    char *id CLEANUP_FREE = NULL;
    struct err err CLEANUP_ERR = {0};

    switch (verdict) {
    case VERDICT_MISSING:
        batch_absent(item);
        return;
    case VERDICT_STALE:
        err_set(&err, -EAGAIN, ERR_RETRY, "GitHub shows an older state of the secret than before");
        batch_unknown(item, &err);
        return;
    case VERDICT_LAGGING:
        id = secret_id(js_text(item->desired, "repository"), js_text(item->desired, "secret_name"));
        batch_settling(item, id, observed_document(item, seen, stand_in(notes->fp, NULL, NULL)),
                       "written, not visible yet");
        return;
    case VERDICT_CONFIRMED:
        confirm(item, *notes, seen);
        break;
    default:
        break;
    }
    tell_present(item, verdict, notes, seen);
}

/* What one list call brought. */
struct look {
    struct kind_batch *batch;
    struct json_object *secrets; /* borrowed array */
    int64_t now_ms;
    size_t missing;
};

static struct json_object *find_entry(struct json_object *secrets, const char *name)
{
    for (size_t i = 0; i < js_count(secrets, NULL); i++) {
        struct json_object *entry = js_at(secrets, i);

        if (str_equal_nocase(js_text(entry, "name"), name))
            return entry;
    }
    return NULL;
}

/* An old replica may have made the list: ask for this one again. May wait. */
static void look_again(struct look *look, struct kind_item *item, const struct secret_notes *notes)
{
    struct github_answer answer CLEANUP_GITHUB_ANSWER = {0};
    struct err err CLEANUP_ERR = {0};
    struct secret_sighting seen;
    struct json_object *params = secret_params(js_text(item->desired, "repository"),
                                               js_text(item->desired, "secret_name"));

    if (!params)
        (void)err_no_memory(&err);
    else if (batch_github(look->batch, GITHUB_GET_SECRET, params, &answer, &err) == 0 &&
             secret_sighting_read(answer.body, &seen) == 0) {
        tell(item, judge(notes, &seen, look->now_ms), notes, &seen);
        return;
    }
    /* Not found here, but in the list: that is no absence. */
    if (err.class == ERR_ABSENT || err.code == 0)
        err_set(&err, -EAGAIN, ERR_RETRY, "GitHub's answers about the secret contradict each other");
    batch_unknown(item, &err);
}

static void look_at(struct look *look, struct kind_item *item)
{
    struct json_object *entry = find_entry(look->secrets, js_text(item->desired, "secret_name"));
    struct secret_notes notes = secret_notes_read(item->memory);
    struct err err CLEANUP_ERR = {0};
    struct secret_sighting seen;
    enum verdict verdict;

    if (entry && secret_sighting_read(entry, &seen) < 0) {
        err_set(&err, -EBADMSG, ERR_BUG, "GitHub's answer does not say when the secret was written");
        batch_unknown(item, &err);
        return;
    }
    verdict = judge(&notes, entry ? &seen : NULL, look->now_ms);
    if (verdict == VERDICT_STALE) {
        look_again(look, item, &notes);
        return;
    }
    look->missing += verdict == VERDICT_MISSING;
    tell(item, verdict, &notes, entry ? &seen : NULL);
}

static bool is_of(const struct kind_item *item, const char *repository)
{
    return str_equal_nocase(js_text(item->desired, "repository"), repository);
}

static void all_unknown(struct kind_batch *batch, const char *repository, struct err *err)
{
    /* Hidden things are "not found" too: without its repository nothing is known about a secret. */
    if (err->class == ERR_ABSENT)
        err->class = ERR_DENIED;
    for (size_t i = 0; i < batch->count; i++) {
        if (is_of(&batch->items[i], repository))
            batch_unknown(&batch->items[i], err);
    }
}

/* Rather none than the first few of too many. */
static void refuse_too_many(struct look *look, const char *repository)
{
    size_t total = js_count(look->secrets, NULL) + look->missing;
    struct err err CLEANUP_ERR = {0};

    if (total <= SECRETS_MAX || look->missing == 0)
        return;
    err_set(&err, -EDQUOT, ERR_LIMIT, "%s would have %zu secrets; GitHub allows %d", repository, total,
            SECRETS_MAX);
    for (size_t i = 0; i < look->batch->count; i++) {
        struct kind_item *item = &look->batch->items[i];

        if (is_of(item, repository) && item->state == ITEM_ABSENT)
            batch_unknown(item, &err);
    }
}

/* May wait. */
static int observe_repository(struct kind_batch *batch, const char *repository)
{
    struct github_answer answer CLEANUP_GITHUB_ANSWER = {0};
    struct err err CLEANUP_ERR = {0};
    struct json_object *params = secret_params(repository, NULL);
    struct look look = {.batch = batch};
    int r;

    if (!params)
        return err_no_memory(batch->err);
    r = batch_github(batch, GITHUB_LIST_SECRETS, params, &answer, &err);
    if (r == 0 && answer.moved)
        r = err_set(&err, -EINVAL, ERR_INVALID,
                    "the repository %s was renamed: the config must give its new name", repository);
    if (r < 0) {
        all_unknown(batch, repository, &err);
        return r == -ECANCELED ? r : 0;
    }
    look.secrets = js_get(answer.body, "secrets");
    look.now_ms = answer.server_wall_ms ? answer.server_wall_ms : clock_wall_ms(batch->clouds.clock);
    for (size_t i = 0; i < batch->count; i++) {
        if (is_of(&batch->items[i], repository))
            look_at(&look, &batch->items[i]);
    }
    refuse_too_many(&look, repository);
    return 0;
}

static bool seen_before(const struct kind_batch *batch, size_t index, const char *repository)
{
    for (size_t i = 0; i < index; i++) {
        if (is_of(&batch->items[i], repository))
            return true;
    }
    return false;
}

int github_actions_secret_observe(struct kind_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const char *repository = js_text(batch->items[i].desired, "repository");
        int r;

        if (!repository || !js_text(batch->items[i].desired, "secret_name"))
            continue; /* stays unknown */
        if (seen_before(batch, i, repository))
            continue;
        r = observe_repository(batch, repository);
        if (r < 0)
            return r;
    }
    return 0;
}
