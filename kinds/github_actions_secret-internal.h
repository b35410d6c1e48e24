/*
 * github_actions_secret-internal.h: what the two files of this kind share: its
 * notes, what GitHub shows of a secret, and how the one is judged by the other.
 *
 * GitHub never gives a value back. What can be seen is the name and two times: when the
 * secret was made, and when it was last written. The kind's notes hold the keyed fingerprint of
 * the value last put and the times read back after it; the verdict compares those.
 *
 *   notes: {"fp", "put_ms", "put_local_ms", "prior_ms", "created_ms", "updated_ms"}
 *     put_ms        time of our PUT's answer, on GitHub's clock
 *     put_local_ms  the same on ours, to keep two writes apart
 *     prior_ms      newest updated_at known before our PUT: a read that still shows it is stale
 *     created_ms, updated_ms   read back; 0 until a read confirmed the PUT
 *
 *   unconfirmed ──a read near put_ms, after prior_ms──► confirmed ──our PUT──► unconfirmed
 *
 * A read confirms a PUT only when its updated_at lies within seconds of the PUT by GitHub's
 * own clock: a later one is somebody else's write and must never become "ours". Times
 * are compared as instants.
 */
#ifndef MLOPSD_KINDS_GITHUB_ACTIONS_SECRET_INTERNAL_H
#define MLOPSD_KINDS_GITHUB_ACTIONS_SECRET_INTERNAL_H

#include "kinds/registry-internal.h"

#define SECRET_STALE_MS        60000 /* reads may lag behind a PUT so long */
#define SECRET_GUARD_BEFORE_MS 5000  /* updated_at may lie before the PUT's answer by its time at work, */
#define SECRET_GUARD_AFTER_MS  2000  /* and after it by cut seconds and clocks of several machines */

struct secret_notes {
    const char *fp; /* borrowed from the memory; NULL = we never put it, as far as we know */
    int64_t put_ms, put_local_ms, prior_ms;
    int64_t created_ms, updated_ms;
};
struct secret_notes secret_notes_read(struct json_object *memory);
/** Owned; NULL without memory. */
struct json_object *secret_notes_write(const struct secret_notes *notes);

/** What GitHub shows of one secret. */
struct secret_sighting {
    const char *created_at, *updated_at; /* borrowed from the answer */
    int64_t created_ms, updated_ms;
};
/** -EBADMSG when an entry does not tell its times. */
int secret_sighting_read(struct json_object *entry, struct secret_sighting *ret);
/** Can what is seen be nothing but the trace of our own PUT? */
bool secret_is_our_put(const struct secret_notes *notes, const struct secret_sighting *seen);

/** "john-doe/mlops-project:DB_PASSWORD"; owned; NULL without memory. */
char *secret_id(const char *repository, const char *name);
/** Set "secret_name" to @name in upper case, as GitHub shows it; a NULL name does nothing. 0 or -ENOMEM. */
int secret_put_name(struct json_object *document, const char *name);
/** Parameters of a call about a secret, or (with a NULL @name) its repository. Owned; NULL without memory. */
struct json_object *secret_params(const char *repository, const char *name);

int github_actions_secret_observe(struct kind_batch *batch);

#endif
