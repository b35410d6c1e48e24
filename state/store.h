/*
 * store.h: what the daemon remembers: one SQLite file.
 *
 * State is a cache: the config and the tags on real resources are the truth; losing this
 * file loses history and generated passwords, never the platform. Knows nothing of clouds or kinds:
 * documents are text here. One connection, loop thread only; a store call never waits for anything but the disk.
 * Count commits, not writes: nothing is written when nothing changed.
 *
 * Errors: 0 or negative errno with @err: -ENOSPC disk full, -EROFS, -EIO, -EBUSY (another
 * daemon holds it), -EUCLEAN damaged, -ENOTSUP made by a newer mlopsd. Rows out are owned by the caller
 * and released with the _done / _free beside them. All times are Unix milliseconds, UTC.
 */
#ifndef MLOPSD_STATE_STORE_H
#define MLOPSD_STATE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/crypto.h"
#include "common/err.h"
#include "common/str.h"

struct store;

struct store_options {
    const char *directory; /* made with mode 0700 when missing; holds state.db, lock, and the key file */
    struct clock *clock;
    bool read_only; /* --once --plan on a running daemon's file, and tools: nothing is created or changed */
};

/**
 * Open, check (quick_check), migrate (after a VACUUM INTO backup beside the file), take the lock.
 * The sealing key comes from the systemd credential "mlopsd-state-key" ($CREDENTIALS_DIRECTORY; 32 raw bytes or
 * 64 hex digits), else from state.key (mode 0600, checked; made at the first start). A key that does not fit
 * the sealed rows is refused. A damaged or newer file is refused and left as it is.
 */
int store_open(const struct store_options *options, struct store **ret, struct err *err);
struct store *store_close(struct store *store);
const struct seal_key *store_key(const struct store *store);

/** Group writes into one commit; not nested; no waiting between (asserted with fiber_no_yield_begin). */
int store_begin(struct store *store, struct err *err);
int store_commit(struct store *store, struct err *err);
void store_rollback(struct store *store);
/** Passive checkpoint and housekeeping; call when idle. */
void store_idle(struct store *store);
uint64_t store_commits(const struct store *store); /* since open: for tests and metrics */

/* ---- generations ---- */
struct generation {
    int64_t number; /* 1.. per platform */
    char *digest, *text, *file;
    int64_t created_ms;
};
/** Newest generation of a platform; -ENOENT when there is none. */
int generation_latest(struct store *store, const char *platform, struct generation *ret, struct err *err);
/** Store @text as a new generation unless the newest has the same digest. *ret_number = newest afterwards. */
int generation_put(struct store *store, const char *platform, const char *digest, const char *text,
                   const char *file, int64_t *ret_number, struct err *err);
void generation_done(struct generation *generation);

/* ---- resources ---- */
struct record {
    char *platform, *address, *type;
    char *id;         /* the cloud's; NULL before it is known */
    char *attributes; /* canonical JSON, no secrets */
    char *memory;     /* kind's notes, canonical JSON; may be NULL */
    char *
        desired; /* desired document last asked for: finds the thing when it is no longer declared; may be NULL */
    char *needs;        /* JSON array of the addresses it was built on: the order of deletes; may be NULL */
    char *applied;      /* desired document last seen in order; NULL = never yet */
    int64_t created_ms; /* when we made or adopted it; 0 = unknown */
    int64_t written_ms; /* our last write to it */
    int64_t proof_ms;   /* last look that proved its state; flushed with other commits only */
    uint32_t sightings; /* looks that saw it since created_ms, counted to a few */
};
int record_put(struct store *store, const struct record *record, struct err *err);
int record_delete(struct store *store, const char *platform, const char *address, struct err *err);
/** All of a platform, sorted by address. */
int record_list(struct store *store, const char *platform, struct record **ret, size_t *ret_count,
                struct err *err);
void record_done(struct record *record);
void records_free(struct record *records, size_t count);

/* ---- intents ---- */
struct intent {
    char *token; /* 32 hex digits */
    char *platform, *address;
    char *action;    /* "create", "replace", "delete", "update" */
    char *operation; /* "CreateRole" */
    bool was_absent; /* a look just before proved the name free */
    int64_t at_ms;
};
int intent_put(struct store *store, const struct intent *intent, struct err *err);
int intent_clear(struct store *store, const char *token, struct err *err);
int intent_list(struct store *store, const char *platform, struct intent **ret, size_t *ret_count,
                struct err *err);
void intents_free(struct intent *intents, size_t count);

/* ---- sealed secrets ---- */
/** @name: "random_password.db.result". Bound to (platform, name): a row can not be moved. */
int sealed_put(struct store *store, const char *platform, const char *name, const struct secret *value,
               struct err *err);
/** -ENOENT when there is none; -EKEYREJECTED when the key does not fit. */
int sealed_get(struct store *store, const char *platform, const char *name, struct secret **ret,
               struct err *err);
int sealed_delete(struct store *store, const char *platform, const char *name, struct err *err);

/* ---- drift episodes ---- */
struct episode {
    int64_t id;                                                /* 0 = new: filled by episode_put */
    char *platform, *address, *type, *field, *kind, *severity; /* kind: changed, missing, extra */
    char *desired, *observed;                                  /* canonical JSON, no secrets; may be NULL */
    char *state; /* open, healing, resolved, ignored, contested */
    int64_t first_seen_ms, last_change_ms, closed_ms, reminded_ms; /* 0 = not */
    uint32_t flips;                                                /* times it came back within the window */
};
int episode_put(struct store *store, struct episode *episode, struct err *err); /* insert or update by id */
/** Not closed ones of a platform; @platform NULL = of all. Sorted by first_seen. */
int episode_list_open(struct store *store, const char *platform, struct episode **ret, size_t *ret_count,
                      struct err *err);
/** Closed since @since_ms, newest first, at most @limit. */
int episode_list_closed(struct store *store, const char *platform, int64_t since_ms, size_t limit,
                        struct episode **ret, size_t *ret_count, struct err *err);
void episode_done(struct episode *episode);
void episodes_free(struct episode *episodes, size_t count);

/* ---- events: the history ---- */
struct event {
    int64_t id, time_ms;
    char *platform, *address, *event, *detail; /* address may be NULL; detail: one line for a person */
};
int event_add(struct store *store, int64_t time_ms, const char *platform, const char *address,
              const char *event, const char *detail, struct err *err);
/** Newest first; filters may be NULL; at most @limit (<= 10000); ids below @before_id (0 = all). */
int event_list(struct store *store, const char *platform, const char *address, int64_t before_id,
               size_t limit, struct event **ret, size_t *ret_count, struct err *err);
void events_free(struct event *events, size_t count);

/* ---- outputs ---- */
struct output {
    char *name;
    char *value; /* canonical JSON; NULL for sensitive ones: ask output_secret() */
    bool sensitive;
    char *type; /* Terraform's type expression as JSON: "\"string\"" */
};
/** @value: canonical JSON. Sensitive values are sealed. Unchanged values write nothing. */
int output_put(struct store *store, const char *platform, const char *name, const char *type,
               const char *value, struct err *err);
int output_put_secret(struct store *store, const char *platform, const char *name, const char *type,
                      const struct secret *value, struct err *err);
int output_delete_others(struct store *store, const char *platform, const char *const *keep,
                         size_t keep_count, struct err *err);
int output_list(struct store *store, const char *platform, struct output **ret, size_t *ret_count,
                struct err *err);
int output_secret(struct store *store, const char *platform, const char *name, struct secret **ret,
                  struct err *err);
void outputs_free(struct output *outputs, size_t count);

/* ---- small facts that must survive a restart: pauses, approvals, frozen zones ---- */
int fact_put(struct store *store, const char *platform, const char *name, const char *value,
             struct err *err); /* value NULL deletes */
/** Platforms that have a fact of this name, sorted. */
int fact_holders(struct store *store, const char *name, struct strv *ret, struct err *err);
int fact_get(struct store *store, const char *platform, const char *name, char **ret,
             struct err *err); /* -ENOENT */

#endif
