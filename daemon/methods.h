/*
 * methods.h: the methods of io.mlopsd, one row each.
 */
#ifndef MLOPSD_DAEMON_METHODS_H
#define MLOPSD_DAEMON_METHODS_H

#include "daemon/varlink.h"

/** data of each is the struct daemon. */
extern const struct varlink_method control_methods[];

#endif
