/*
 * clock-internal.h: what the clocks share: clock.c (the real one) and clock_virtual.c.
 */
#ifndef MLOPSD_COMMON_CLOCK_INTERNAL_H
#define MLOPSD_COMMON_CLOCK_INTERNAL_H

#include "common/clock.h"

/** Call what is due now, in order; what these calls start waits for the next round. */
void clock_fire_due(struct clock *clock);

#endif
