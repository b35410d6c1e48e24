/*
 * methods-internal.h: what the method files share.
 */
#ifndef MLOPSD_DAEMON_METHODS_INTERNAL_H
#define MLOPSD_DAEMON_METHODS_INTERNAL_H

#include "daemon/daemon.h"
#include "daemon/varlink.h"

/** {"why": text} under "io.mlopsd.NAME". */
void method_fail(struct varlink_call *call, const char *error, const char *key, const char *text);
/**
 * The platforms that a call means: the one that "platform" names, or all. Returns false (and has answered) when
 * the name is unknown, or when @single and there are several.
 */
bool method_platforms(struct daemon *daemon, struct varlink_call *call, struct json_object *parameters,
                      bool single, struct platform ***ret, size_t *ret_count);
struct resource *method_resource(struct platform *platform, struct varlink_call *call, const char *address);

/** {KEY: @take_list}: an answer of one part. NULL without memory. */
struct json_object *method_wrap(const char *key, struct json_object *take_list);

/* ---- calls that wait for passes ---- */

struct waiting_call;

struct one_platform {
    struct pass_waiter waiter;
    struct waiting_call *owner;
    struct platform *platform;
    bool over;
};

/** A call that waits for passes of one or more platforms, with or without a stream of events. */
struct waiting_call {
    struct daemon *daemon;
    struct varlink_call *call;
    struct watcher watcher;
    bool watching;
    char *platform;              /* whose events; NULL = all */
    char *address;               /* Check: of one resource; NULL = all */
    struct strv imports;         /* Import, ImportAll: the resources that hold an id for this call */
    struct json_object *refused; /* ImportAll: those that were refused before the look; may be NULL */
    struct json_object *(*answer)(struct waiting_call *waiting);
    void (*end)(struct waiting_call *waiting); /* it was answered, or its client went; may be NULL */
    size_t left, count;
    struct one_platform platforms[];
};

/** For @count platforms; NULL (answered) without memory. From here on the client may go. */
struct waiting_call *waiting_new(struct daemon *daemon, struct varlink_call *call, size_t count);
/** Start the passes: ->answer is asked when the last is over. */
void waiting_begin(struct waiting_call *waiting, struct platform **platforms, size_t count,
                   const struct pass_request *request, bool until_steady);
/** It will not begin: the caller answers instead. */
void waiting_drop(struct waiting_call *waiting);

/* methods_import.c */
void method_import(void *data, struct varlink_call *call, struct json_object *parameters);
void method_import_all(void *data, struct varlink_call *call, struct json_object *parameters);
void method_import_secret(void *data, struct varlink_call *call, struct json_object *parameters);

/* methods_pass.c: those that wait for a pass, and Watch */
void method_plan(void *data, struct varlink_call *call, struct json_object *parameters);
void method_apply(void *data, struct varlink_call *call, struct json_object *parameters);
void method_destroy(void *data, struct varlink_call *call, struct json_object *parameters);
void method_check(void *data, struct varlink_call *call, struct json_object *parameters);
void method_watch(void *data, struct varlink_call *call, struct json_object *parameters);

#endif
