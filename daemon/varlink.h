/*
 * varlink.h: Varlink on a Unix socket, as a server: framing, connections,
 * calls and their replies, introspection. Knows nothing of what is served.
 *
 * One JSON object and a NUL per message, at most 1 MiB. Calls of one connection are answered in order; a
 * client that does not read is cut off. Garbage closes the connection.
 */
#ifndef MLOPSD_DAEMON_VARLINK_H
#define MLOPSD_DAEMON_VARLINK_H

#include <json-c/json.h>
#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "common/err.h"

struct varlink;
struct varlink_call;

struct varlink_peer {
    uid_t uid;
    gid_t gid;
    pid_t pid;
};

/** A parameter that a method takes. */
struct varlink_parameter {
    const char *name; /* NULL ends */
    enum json_type type;
    bool required;
};

struct varlink_method {
    const char *name; /* "Status"; NULL ends the table */
    bool guarded;     /* only for those that allowed() lets */
    bool needs_more;
    const struct varlink_parameter *parameters;
    /** Answer now, or keep @call and answer later. */
    void (*serve)(void *data, struct varlink_call *call, struct json_object *parameters);
};

struct varlink_service {
    const char *interface;   /* "io.mlopsd" */
    const char *description; /* its text */
    const char *vendor, *product, *version, *url;
    const char *denied_error; /* "io.mlopsd.NotAllowed" */
    const struct varlink_method *methods;
    /** May this peer use guarded methods? */
    bool (*allowed)(void *data, const struct varlink_peer *peer);
    void *data;
};

/** Listen at @path, or on @fd when it is >= 0. @service is borrowed. */
int varlink_open(uv_loop_t *loop, const char *path, int fd, const struct varlink_service *service,
                 struct varlink **ret, struct err *err);
void varlink_close(struct varlink *varlink);
struct varlink *varlink_free(struct varlink *varlink);

/** The last reply; @take_parameters moves in (NULL = {}). The call is over. */
void varlink_reply(struct varlink_call *call, struct json_object *take_parameters);
/** One of several replies: only for calls with "more". */
void varlink_continue(struct varlink_call *call, struct json_object *take_parameters);
/** Ends the call with an error: full name, parameters move in. */
void varlink_error(struct varlink_call *call, const char *error, struct json_object *take_parameters);
bool varlink_wants_more(const struct varlink_call *call);
const struct varlink_peer *varlink_peer_of(const struct varlink_call *call);
/** The client may go away before a kept call is answered: @gone runs once then, and the call must not be touched again. */
void varlink_on_gone(struct varlink_call *call, void (*gone)(void *data), void *data);

#endif
