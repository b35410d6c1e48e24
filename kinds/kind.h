/*
 * kind.h: what a kind of resource is: a table of fields and a few functions
 * that look at, make, change and remove one in the world.
 *
 * Documents. A resource is a JSON object whose members are the kind's fields:
 *   desired:  references resolved, defaults filled in, ownership tags added;
 *   observed: the same members as the world has them, plus the attributes.
 * A secret is never in a document. In its place stands {"secret": FINGERPRINT};
 * an observed secret that can not be read back and was changed by others is
 * {"secret": null, "note": "written outside mlopsd at ..."}. The value itself comes from op_secret(), in locked
 * memory. A value that is known only after another resource exists stands as {"unknown": "TYPE.NAME.ATTR"}; no operation ever sees one.
 *
 * A kind knows nothing of the engine or of SQLite: what it needs of them comes through
 * struct kind_host. Functions of a kind run in fibers and may wait, but only in the op_*
 * and batch_* calls below.
 */
#ifndef MLOPSD_KINDS_KIND_H
#define MLOPSD_KINDS_KIND_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "cloud/aws/aws.h"
#include "cloud/github/github.h"
#include "cloud/kubernetes/kubernetes.h"
#include "common/err.h"
#include "kinds/diff.h"
#include "kinds/field.h"

struct kind_op;
struct kind_batch;
struct kind_check;

/** Times of a kind, in milliseconds. */
struct pace {
    uint32_t first_look_ms; /* after a create that settles: the first look */
    uint32_t every_ms;      /* then every */
    uint32_t give_up_ms;    /* settling or "not yet" longer than this is a failure */
    uint32_t grace_ms;      /* a not-found younger than this after our own create proves nothing */
    uint32_t usual_ms;      /* what a create usually takes: for progress and graphs */
};

/** A service's way of saying "not yet": eventual consistency, waited for as pace.give_up_ms allows. */
struct not_yet {
    const char *code;        /* wire code */
    const char *text;        /* part of the message; NULL = any */
    const char *waiting_for; /* "the principal to become visible in IAM" */
};

enum kind_flag {
    KIND_ADOPT_ALWAYS =
        1 << 0, /* carries no ownership mark and a write is harmless: take what exists (GitHub secrets) */
    KIND_HOLDS_DATA = 1 << 1,       /* deleting or replacing loses data: always needs an approval */
    KIND_INTENT_ON_UPDATE = 1 << 2, /* updates too are preceded by a durable intent */
    KIND_LOCAL = 1 << 3,            /* lives in the daemon's own store; no cloud is asked */
    KIND_OBSERVED =
        1
        << 4, /* made by somebody else: looked at and told about, never made, changed or removed; no create, update, remove */
};

/** Which client a kind needs: decides what blocks it when a cloud is out of reach. */
enum provider { PROVIDER_NONE, PROVIDER_AWS, PROVIDER_GITHUB, PROVIDER_KUBERNETES, PROVIDER_MAX };
const char *provider_name(enum provider provider); /* "aws" */

struct kind {
    const char *type; /* "aws_iam_role" */
    enum provider provider;
    unsigned flags;
    const char *doc; /* one sentence */
    const struct field *fields;
    const struct attribute *attributes;
    const struct not_yet *not_yet; /* ends with a NULL code; may be NULL */
    struct pace pace;

    /** Pure: what the tables can not say about a desired document (references may still be in it). May be NULL. */
    void (*check)(struct kind_check *check);
    /**
     * Bring @desired and @observed to comparable form before the generic diff, in place: spellings, orders,
     * values that mean the same. Pure. May be NULL.
     */
    void (*normalise)(struct json_object *desired, struct json_object *observed);
    /**
     * Look at all resources of the kind in one account and Region with the fewest calls; report each with
     * batch_present(), batch_absent() or batch_unknown(). What is not reported stays unknown.
     * A negative return makes every unreported item unknown with batch->err.
     */
    int (*observe)(struct kind_batch *batch);
    /** Make it. Ends with op_created() having been called. 0, or negative with op->err. */
    int (*create)(struct kind_op *op);
    /** Bring what differs to what is desired. Only called without immutable differences. */
    int (*update)(struct kind_op *op, const struct diff *diff);
    /** Remove it; already gone is success. */
    int (*remove)(struct kind_op *op);
};

/* ---- registry ---- */

/** All kinds, sorted by type; NULL-terminated. */
extern const struct kind *const kinds[];
const struct kind *kind_find(const char *type); /* NULL when there is none */
/** The type with the closest spelling, for "did you mean"; NULL when nothing is near. */
const char *kind_suggest(const char *type);

/* ---- checking a desired document ---- */

struct kind_check {
    struct json_object *document;    /* as written, references inside */
    const char *platform_repository; /* "owner/name", NULL without one */
    bool allow_wide_trust;           /* the config says in so many words that others may assume the role */
    /** Report a mistake at a path of the document ("assume_role_policy.Statement.0"). */
    void (*problem)(struct kind_check *check, const char *path, const char *format, ...) PRINTF_LIKE(3, 4);
    void (*warning)(struct kind_check *check, const char *path, const char *format, ...) PRINTF_LIKE(3, 4);
    /**
     * The document, as declared, of the resource that the one reference at a top-level field names ("vpc_id"); owned.
     * NULL when there is none.
     */
    struct json_object *(*referred)(struct kind_check *check, const char *field);
};

/* ---- clients and host ---- */

/** The clients of one platform; NULL where the platform has none of that sort. Borrowed. */
struct clouds {
    struct aws *aws;
    struct github *github;
    struct kubernetes *kubernetes;
    struct http *http; /* for what has no client of its own */
    struct clock *clock;
    struct fibers *fibers;
};

/** What the engine lends to a running operation. All calls on the operation's fiber. */
struct kind_host {
    /** Before each write: the intent is durable when this returns 0. Refuses in check mode and when the platform is not ours. */
    int (*before_write)(struct kind_op *op, const char *operation, struct err *err);
    /** The value of a SECRET field, references resolved. Owned by the caller. */
    int (*secret)(struct kind_op *op, const char *field, struct secret **ret, struct err *err);
    /** Seal and keep a computed secret ("result"): durable when this returns 0. */
    int (*keep_secret)(struct kind_op *op, const char *attribute, const struct secret *value,
                       struct err *err);
    /** Keyed fingerprint as it stands in documents; owned by the caller. */
    char *(*fingerprint)(void *host_data, const struct secret *value);
    /** Is a computed secret of this address kept? Fingerprint of it (owned), or NULL. */
    char *(*kept_secret)(void *host_data, const char *address, const char *attribute);
};

/* ---- one operation on one resource ---- */

/** Given by the engine. Only @desired, @id and @memory survive a wait unchanged; they are frozen copies. */
struct kind_op {
    const struct kind *kind;
    const char *address;
    const char *platform;
    struct json_object *desired;  /* NULL for a remove of something no longer declared */
    struct json_object *observed; /* as last seen; NULL before a create */
    const char *id;               /* NULL before a create */
    const char *intent;           /* the intent's token: idempotency token and mlopsd:intent tag */
    struct json_object *memory; /* the kind's own notes from last time (stamps), never secret; may be NULL */
    struct clouds clouds;
    const struct kind_host *host;
    void *host_data;
    struct err *err; /* filled on failure */

    /* results, set through the functions below; owned by the engine */
    char *ret_id;
    struct json_object *ret_attributes;
    struct json_object *ret_memory;
    bool ret_settling;
};

/**
 * May wait. One AWS call: a write goes through host->before_write first; the kind's not_yet rows turn
 * matching errors into class ERR_NOT_YET. @take_params moves in (may be NULL). @ret may be NULL.
 */
int op_aws(struct kind_op *op, enum aws_op operation, struct json_object *take_params,
           struct json_object **ret);
/**
 * May wait. Likewise, with @member (of no parameters' tree) carrying a secret. @value is borrowed and may be
 * released when this returns; nothing of it stays behind.
 */
int op_aws_secret(struct kind_op *op, enum aws_op operation, struct json_object *take_params,
                  const char *member, const struct secret *value, struct json_object **ret);
/** May wait. One GitHub call, likewise. */
int op_github(struct kind_op *op, enum github_op operation, struct json_object *take_params,
              struct github_answer *ret);
/** May wait. Seal and PUT an Actions secret, likewise. */
int op_github_put_secret(struct kind_op *op, const char *repository, const char *name,
                         const struct secret *value, struct github_answer *ret);
/** May wait. One call to a cluster, likewise: writes go through host->before_write first. */
int op_kubernetes(struct kind_op *op, const struct kubernetes_call *call, struct kubernetes_answer *ret);
/** The value of a SECRET field. */
int op_secret(struct kind_op *op, const char *field, struct secret **ret);

/** Record the id of what was just created: call as soon as it is known. 0 or -ENOMEM. */
int op_created(struct kind_op *op, const char *id);
/** Record an attribute that others may refer to ("arn"). Takes @value. */
int op_attribute(struct kind_op *op, const char *name, struct json_object *take_value);
int op_attribute_text(struct kind_op *op, const char *name, const char *value);
/** Replace the kind's notes. Takes @memory. Never secret. */
void op_remember(struct kind_op *op, struct json_object *take_memory);
/** The thing exists but is not ready: the engine looks again as pace says. */
void op_settling(struct kind_op *op);

/** Convenience reads of op->desired by dotted path; as js_*. */
const char *op_text(const struct kind_op *op, const char *path);
/**
 * The tags to send with a create: desired tags plus mlopsd:intent, as {"k": "v"}; owned.
 * op_tag_list gives [{"Key":..,"Value":..}] with the given member names.
 */
struct json_object *op_tags(const struct kind_op *op);
struct json_object *op_tag_list(const struct kind_op *op, const char *key_name, const char *value_name);
/** Map {"k":"v"} ↔ list [{"Key":"k","Value":"v"}]; owned results. */
struct json_object *tags_to_list(struct json_object *map, const char *key_name, const char *value_name);
struct json_object *tags_from_list(struct json_object *list, const char *key_name, const char *value_name);

/** Fail an operation with a text of our own: fills op->err, returns @code. */
int op_fail(struct kind_op *op, int code, enum err_class class, const char *format, ...) PRINTF_LIKE(4, 5);

/* ---- one look at many ---- */

enum item_state { ITEM_UNKNOWN, ITEM_ABSENT, ITEM_PRESENT, ITEM_SETTLING, ITEM_STATE_MAX };
const char *item_state_name(enum item_state state);

/** One resource in a batch. Inputs are frozen for the length of the look. */
struct kind_item {
    const char *address;
    struct json_object
        *desired;   /* at least the natural key is resolved; other members may be {"unknown":...} */
    const char *id; /* recorded id; NULL when we know of none */
    struct json_object *memory; /* the kind's notes; may be NULL */
    bool recent; /* we wrote to it seconds ago: use a strongly consistent read where there is one */
    /**
     * Token of our own create of unknown outcome, and how long ago that was: what carries it in its mlopsd:intent
     * tag is ours, and where nothing else protects from a second one, an empty answer this young proves nothing.
     */
    const char *intent;
    int64_t intent_age_ms;

    /* the answer */
    enum item_state state;
    struct json_object *observed;   /* fields and attributes; owned by the item */
    struct json_object *ret_memory; /* new notes, NULL = unchanged; owned */
    char *ret_id;                   /* owned */
    int64_t created_wall_ms;        /* the service's creation time; 0 = not told */
    char *note;                     /* "CREATING"; why unknown is in err */
    bool unconfirmed;               /* what differs is our own unfinished business, not drift */
    struct err err;
};

struct kind_batch {
    const struct kind *kind;
    struct kind_item *items;
    size_t count;
    struct clouds clouds;
    const struct kind_host *host;
    void *host_data;
    struct err *err;
};

/** It is there: @take_observed moves in, @id is copied. */
void batch_present(struct kind_item *item, const char *id, struct json_object *take_observed);
/** As present, but in transition; @status is the service's word for it. */
void batch_settling(struct kind_item *item, const char *id, struct json_object *take_observed,
                    const char *status);
/** A definite "not found" for the right account and Region. */
void batch_absent(struct kind_item *item);
/** The same, of something that is only looked at and is of no use: @why says what it answered instead. */
void batch_useless(struct kind_item *item, const char *why);
/** Could not be told: @err is copied. */
void batch_unknown(struct kind_item *item, const struct err *err);
/** As batch_absent() for class ERR_ABSENT, else batch_unknown(). */
void batch_failed(struct kind_item *item, const struct err *err);

/** May wait. One read; writes are refused. @take_params moves in. Error goes to @err. */
int batch_aws(struct kind_batch *batch, enum aws_op operation, struct json_object *take_params,
              struct json_object **ret, struct err *err);
/** May wait. Likewise; the secret text @member of the answer comes as a secret, or NULL when there is none. */
int batch_aws_secret(struct kind_batch *batch, enum aws_op operation, struct json_object *take_params,
                     const char *member, struct secret **ret_secret, struct json_object **ret,
                     struct err *err);
int batch_github(struct kind_batch *batch, enum github_op operation, struct json_object *take_params,
                 struct github_answer *ret, struct err *err);
/** May wait. One read of a cluster; writes are refused. */
int batch_kubernetes(struct kind_batch *batch, const struct kubernetes_call *call,
                     struct kubernetes_answer *ret, struct err *err);
/** May wait. Run @each for every item at once (at most @limit in flight), each in a fiber of its own. */
int batch_each(struct kind_batch *batch, size_t limit,
               void (*each)(struct kind_batch *batch, struct kind_item *item));

/* ---- rows to and from the wire ---- */

/** Members of @document whose rows have a wire path, placed at these paths of a new object. Owned. */
struct json_object *wire_write(const struct field *fields, struct json_object *document);
/** The reverse: fields and attributes with wire paths, read from @answer, typed by their rows, into @observed. */
int wire_read(const struct kind *kind, struct json_object *answer, struct json_object *observed);

#endif
