/*
 * words.h: short texts about differences and actions, for one line of a journal.
 */
#ifndef MLOPSD_DAEMON_WORDS_H
#define MLOPSD_DAEMON_WORDS_H

#include "daemon/decide.h"
#include "daemon/platform.h"
#include "kinds/diff.h"

/** "created", "deleted": static. */
const char *words_past(enum action action);
/** What is held, why it was to be done and why it is not: "delete (no longer declared): waits for ...". Owned. */
char *words_of_hold(const struct resource *resource);
/** "versioning.enabled, tags.team" (the first few and a count). Owned; NULL without memory. */
char *words_of_diff(const struct diff *diff);
#endif
