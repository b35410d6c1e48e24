/*
 * refusal.h: what the daemon refused, in words that say what to do.
 */
#ifndef MLOPSD_CTL_REFUSAL_H
#define MLOPSD_CTL_REFUSAL_H

#include <json-c/json.h>

#include "common/err.h"

/** Fill @err from a Varlink error and its parameters (may be NULL); always negative. */
int refusal_err(const char *name, struct json_object *parameters, struct err *err);

#endif
