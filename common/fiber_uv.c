/*
 * fiber_uv.c: fibers on a libuv loop.
 *
 * One idle handle is all it takes. libuv runs idle callbacks before it looks
 * how long it may sleep: whatever timers and the last poll made runnable runs
 * first. The handle stops itself, so an idle loop does not spin; while it is
 * active the loop neither ends nor sleeps.
 */
#include <assert.h>

#include "common/fiber_uv.h"

static void run(uv_idle_t *idle)
{
    struct fibers_uv *glue = idle->data;

    uv_idle_stop(idle);
    fibers_run(glue->fibers);
}

static void ready(struct fibers *fibers)
{
    struct fibers_uv *glue = fibers->data;

    assert(!uv_is_closing((uv_handle_t *)&glue->idle));
    uv_idle_start(&glue->idle, run); /* can not fail with a callback given */
}

int fibers_uv_init(struct fibers_uv *glue, uv_loop_t *loop, struct fibers *fibers)
{
    int r = uv_idle_init(loop, &glue->idle);

    if (r < 0)
        return r;
    glue->fibers = fibers;
    glue->idle.data = glue;
    fibers->data = glue;
    fibers->ready = ready;
    if (fibers->run_head) /* spawned before there was a loop */
        ready(fibers);
    return 0;
}

void fibers_uv_close(struct fibers_uv *glue)
{
    assert(!glue->fibers->run_head);
    glue->fibers->ready = NULL;
    uv_close((uv_handle_t *)&glue->idle, NULL);
}
