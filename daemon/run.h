/*
 * run.h: what `mlopsd --once` and `--once --plan` print at their end.
 */
#ifndef MLOPSD_DAEMON_RUN_H
#define MLOPSD_DAEMON_RUN_H

struct platform;

/** Result of a converging run. Returns 0 (steady) or 1 (could not; reasons on stderr). */
int run_tell_result(struct platform *platform);
/** The plan. Returns 0 (no change), 1 (something could not be looked at), 2 (changes). */
int run_tell_plan(struct platform *platform);

#endif
