/*
 * fiber_uv.h: run fibers on a libuv loop: soon after one is woken, and always
 * before the loop sleeps. A loop whose fibers are all parked is not woken, and
 * parked fibers do not keep it alive: what they wait for does.
 */
#ifndef MLOPSD_COMMON_FIBER_UV_H
#define MLOPSD_COMMON_FIBER_UV_H

#include <uv.h>

#include "common/fiber.h"

/** Embed. */
struct fibers_uv {
    struct fibers *fibers;
    uv_idle_t idle; /* active only while the run queue is not empty */
};

/** Takes over @fibers->ready and @fibers->data. 0 or a negative errno. */
int fibers_uv_init(struct fibers_uv *glue, uv_loop_t *loop, struct fibers *fibers);
/** Starts closing the uv handle; run the loop once more before freeing. The queue must be empty. */
void fibers_uv_close(struct fibers_uv *glue);

#endif
