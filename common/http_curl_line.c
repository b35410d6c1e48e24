/*
 * http_curl_line.c: calls that wait for a free connection, first come, first
 * served, each as long as its own time limit allows.
 *
 * libcurl has a line of its own, but keeps nobody's place in it, and looks for
 * a connection again and again: three times a call when many come at once, at
 * the price of a fifth of all it does.
 */
#include "common/http_curl-internal.h"
#include "common/macro.h"

static struct curl_call *first_due(struct curl_line *line)
{
    struct curl_call *call = line->first;

    while (call && call->give_up_at > uv_now(line->timer.loop))
        call = call->line_next;
    return call;
}

static void timer_cb(uv_timer_t *timer)
{
    struct curl_line *line = container_of(timer, struct curl_line, timer);
    struct curl_call *call;

    while ((call = first_due(line))) {
        curl_line_remove(line, call);
        line->give_up(line, call);
    }
}

/* Wake up when the next one must give up. */
static void timer_set(struct curl_line *line)
{
    uint64_t now = uv_now(line->timer.loop), at = UINT64_MAX;

    for (const struct curl_call *call = line->first; call; call = call->line_next) {
        if (call->give_up_at < at)
            at = call->give_up_at;
    }
    if (line->first)
        uv_timer_start(&line->timer, timer_cb, at > now ? at - now : 0, 0);
    else
        uv_timer_stop(&line->timer);
}

void curl_line_add(struct curl_line *line, struct curl_call *call, uint32_t timeout_ms)
{
    struct curl_call **place = &line->first;

    while (*place)
        place = &(*place)->line_next;
    *place = call;
    uv_update_time(line->timer.loop); /* the loop's idea of now may be old, and the end early */
    call->give_up_at = uv_now(line->timer.loop) + timeout_ms;
    timer_set(line);
}

void curl_line_remove(struct curl_line *line, struct curl_call *call)
{
    struct curl_call **place = &line->first;

    while (*place && *place != call)
        place = &(*place)->line_next;
    if (!*place)
        return;
    *place = call->line_next;
    timer_set(line);
}

struct curl_call *curl_line_take(struct curl_line *line, const char *host, uint32_t *ret_left_ms)
{
    uint64_t now = uv_now(line->timer.loop);
    struct curl_call *call = line->first;

    while (call && !str_equal(call->host, host))
        call = call->line_next;
    if (!call)
        return NULL;
    curl_line_remove(line, call);
    *ret_left_ms = call->give_up_at > now ? (uint32_t)(call->give_up_at - now) : 1;
    return call;
}
