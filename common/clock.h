/*
 * clock.h: time and timers as a parameter.
 *
 * Code asks a struct clock, never the system: tests run years of virtual time.
 * Loop thread only.
 */
#ifndef MLOPSD_COMMON_CLOCK_H
#define MLOPSD_COMMON_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct clock;
struct clock_timer;
typedef void (*clock_timer_cb)(struct clock_timer *timer);

/** Owned and embedded by the caller, zeroed before the first start. */
struct clock_timer {
    void *data; /* the caller's, never touched */
    clock_timer_cb cb;
    struct clock *clock;             /* NULL = not armed */
    uint64_t due_ms;                 /* on the monotonic scale of the clock */
    struct clock_timer *prev, *next; /* the clock's list */
};

struct clock {
    uint64_t (*monotonic_ms)(struct clock *clock); /* never goes back */
    int64_t (*wall_ms)(struct clock *clock);       /* Unix time, UTC, in milliseconds */
    void (*changed)(struct clock *clock);          /* the earliest due time changed */
    struct clock_timer *timers;                    /* sorted by due_ms */
};

uint64_t clock_monotonic_ms(struct clock *clock);
int64_t clock_wall_ms(struct clock *clock);

/**
 * Call @cb once, @delay_ms from now, on the loop thread. An armed timer is
 * moved. The timer must stay valid until it fired or was stopped.
 */
void clock_start(struct clock *clock, struct clock_timer *timer, uint64_t delay_ms, clock_timer_cb cb);
/** Disarm; fine on a timer that is not armed. */
void clock_stop(struct clock_timer *timer);
static inline bool clock_armed(const struct clock_timer *timer)
{
    return timer->clock != NULL;
}

/** The real clock: one uv_timer_t for all timers, so the process wakes no more than a timer needs. */
struct clock_real {
    struct clock clock;
    uv_loop_t *loop;
    uv_timer_t timer;
};
int clock_real_init(struct clock_real *real, uv_loop_t *loop);
/** Starts closing the uv handle; run the loop once more before freeing. All timers must be stopped. */
void clock_real_close(struct clock_real *real);

/** A clock that stands still until told. */
struct clock_virtual {
    struct clock clock;
    uint64_t now_ms;
    int64_t wall_offset_ms;
};
void clock_virtual_init(struct clock_virtual *virtual_clock, int64_t wall_ms);
/** Fire timers in order up to @advance_ms from now, then stand there. */
void clock_virtual_advance(struct clock_virtual *virtual_clock, uint64_t advance_ms);
/** Jump to the next due timer and fire it; false when none is armed. */
bool clock_virtual_step(struct clock_virtual *virtual_clock);

/** "2026-11-22T17:31:05Z"; @size must be >= 21; from 25 on with milliseconds: "...:05.250Z". */
void clock_format_rfc3339(int64_t wall_ms, char *text, unsigned size);
#define CLOCK_BASIC_SIZE 17 /* "20261122T173105Z" and a NUL */
/** The basic form of ISO 8601; -EOVERFLOW outside of the years 0 to 9999. */
int clock_format_basic(int64_t wall_ms, char text[CLOCK_BASIC_SIZE]);
/** ISO 8601 / RFC 3339 with or without fraction and offset, and RFC 1123 (HTTP dates). -EINVAL. */
int clock_parse_time(const char *text, int64_t *ret_wall_ms);

#endif
