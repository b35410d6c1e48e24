/*
 * control.h: the control socket: Varlink, interface io.mlopsd (io.mlopsd.varlink).
 */
#ifndef MLOPSD_DAEMON_CONTROL_H
#define MLOPSD_DAEMON_CONTROL_H

#include <stdbool.h>

#include "common/err.h"

struct control;
struct daemon;
struct varlink_peer;

/**
 * Listen at @path (or on the socket the service manager passed). A stale socket file of a dead
 * daemon is replaced; a live one is refused. 0 with *ret owned, or negative with @err.
 */
int control_open(struct daemon *daemon, const char *path, struct control **ret, struct err *err);
/** Close the socket and all connections; the loop must run once more before control_free(). */
void control_close(struct control *control);
struct control *control_free(struct control *control);

/** Root, the daemon's own user, and members of the access group. */
bool control_peer_may_change(struct daemon *daemon, const struct varlink_peer *peer);

#endif
