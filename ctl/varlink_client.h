/*
 * varlink_client.h: the client's side of Varlink: one blocking connection, one call at a time.
 *
 * A message is a JSON object and a NUL byte. Answers over VARLINK_ANSWER_MAX are refused. Waits as long as
 * the daemon takes: a look at a whole cloud has no time limit of its own.
 */
#ifndef MLOPSD_CTL_VARLINK_CLIENT_H
#define MLOPSD_CTL_VARLINK_CLIENT_H

#include <json-c/json.h>
#include <stdbool.h>

#include "common/err.h"
#include "common/macro.h"

#define VARLINK_ANSWER_MAX (64u << 20)
#define VARLINK_FOREVER    (-1)

struct varlink_client;

/** Connect to the socket at @path. Texts of failures say what to do. SIGPIPE must be ignored. */
int varlink_client_open(const char *path, struct varlink_client **ret, struct err *err);
/** Speak over @take_fd, a connected socket; NULL without memory (then it is closed). */
struct varlink_client *varlink_client_new(int take_fd);
struct varlink_client *varlink_client_free(struct varlink_client *client);
DEFINE_CLEANUP(struct varlink_client *, varlink_client_free)
#define CLEANUP_CLIENT CLEANUP(varlink_client_freep)

/**
 * Send a call; @take_parameters moves in (NULL = {}). With @more there may be several answers.
 * @method: full name, "io.mlopsd.Status".
 */
int varlink_send(struct varlink_client *client, const char *method, struct json_object *take_parameters,
                 bool more, struct err *err);
/**
 * Wait for the next answer, @timeout_ms or VARLINK_FOREVER. 1 with *ret (its parameters, owned, never NULL)
 * and *ret_continues (more will come); 0 when the time is over; negative with @err, also for an error that
 * the daemon answered: then the text is for the person, and wire_code is the error's name.
 */
int varlink_receive(struct varlink_client *client, int timeout_ms, struct json_object **ret,
                    bool *ret_continues, struct err *err);
/** Both, for a call with one answer. */
int varlink_call(struct varlink_client *client, const char *method, struct json_object *take_parameters,
                 struct json_object **ret, struct err *err);

#endif
