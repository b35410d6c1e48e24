/*
 * http_curl.c: libcurl's multi interface on a libuv loop.
 *
 * Happy path: http_start() adds an easy handle, at once or when a connection
 * to the host is free (http_curl_line.c); libcurl names the sockets and
 * the one timeout it waits for (on_socket, on_timeout); the loop reports them
 * (on_ready, timer_cb) to curl_multi_socket_action(); finished calls are taken
 * off the multi (drain) and called back (deliver).
 * Ways to fail: every failure of a call comes out of drain() with libcurl's
 * code; a canceled call is taken off the multi in the next turn of the loop,
 * never on the stack of the fiber that canceled.
 *
 * No function of the multi is called from inside one of libcurl's callbacks:
 * `depth` counts them and is asserted. Calls finish in two steps, so that the
 * owner's callback may start, cancel and free whatever it likes.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/fiber.h"
#include "common/http-internal.h"
#include "common/http.h"
#include "common/http_curl-internal.h"
#include "common/macro.h"

#define SPARES_MAX            32 /* easy handles kept; connections are kept by the multi */
#define CONNECTIONS_PER_HOST  8L /* also the bound on parallel name lookups */
#define CONNECTIONS_KEPT_IDLE 32L

struct http_curl {
    struct http http;
    uv_loop_t *loop;
    CURLM *multi;
    struct curl_sockets sockets;
    uv_timer_t timer; /* libcurl's one timeout */
    struct curl_line line;
    uv_idle_t idle; /* active only while calls are to be stopped */
    struct curl_call *running;
    struct curl_call *done, *done_last; /* waiting for their callback */
    CURL *spares[SPARES_MAX];
    size_t spare_count;
    char *ca_file;
    struct curl_proxies proxies;
    unsigned depth;   /* inside callbacks of libcurl */
    unsigned handles; /* of libuv, not closed yet */
    bool delivering;
    bool closed;
};

static void deliver(struct http_curl *curl);

/* easy handles */

static CURL *easy_get(struct http_curl *curl)
{
    return curl->spare_count > 0 ? curl->spares[--curl->spare_count] : curl_easy_init();
}

static void easy_put(struct http_curl *curl, CURL *easy)
{
    if (curl->spare_count == SPARES_MAX || curl->closed) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_reset(easy); /* now: it still points into the call */
    curl->spares[curl->spare_count++] = easy;
}

static struct curl_call *call_of(CURL *easy)
{
    struct curl_call *call = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
    return call;
}

/* lists */

static void running_add(struct http_curl *curl, struct curl_call *call)
{
    call->next = curl->running;
    if (curl->running)
        curl->running->prev = call;
    curl->running = call;
}

static void running_remove(struct http_curl *curl, struct curl_call *call)
{
    if (call->prev)
        call->prev->next = call->next;
    else
        curl->running = call->next;
    if (call->next)
        call->next->prev = call->prev;
    call->prev = call->next = NULL;
}

static void done_add(struct http_curl *curl, struct curl_call *call)
{
    call->state = CURL_CALL_DONE;
    if (curl->done_last)
        curl->done_last->next = call;
    else
        curl->done = call;
    curl->done_last = call;
}

/* sending */

static bool host_is_busy(const struct http_curl *curl, const char *host)
{
    long busy = 0;

    for (const struct curl_call *call = curl->running; call; call = call->next)
        busy += call->sent && str_equal(call->host, host);
    return busy >= CONNECTIONS_PER_HOST;
}

static int send_call(struct http_curl *curl, struct curl_call *call)
{
    CURLMcode code = curl_multi_add_handle(curl->multi, call->easy);

    assert(code == CURLM_OK || code == CURLM_OUT_OF_MEMORY); /* all else would be a mistake of ours */
    call->sent = code == CURLM_OK;
    return call->sent ? 0 : -ENOMEM;
}

/* finishing */

static void finish(struct http_curl *curl, struct curl_call *call);

/* A connection to @host is free: who waited longest for one goes, with what is left of its time. */
static void admit(struct http_curl *curl, const char *host)
{
    struct curl_call *call;
    uint32_t left_ms;

    while ((call = curl_line_take(&curl->line, host, &left_ms))) {
        if (curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, (long)left_ms) == CURLE_OK &&
            send_call(curl, call) == 0)
            return;
        curl_call_fail(call, -ENOMEM);
        finish(curl, call);
    }
}

/* Take @call, whose answer or error is filled in, off the multi; its callback comes in deliver(). */
static void finish(struct http_curl *curl, struct curl_call *call)
{
    assert(curl->depth == 0);
    if (call->sent)
        curl_multi_remove_handle(curl->multi, call->easy);
    else
        curl_line_remove(&curl->line, call);
    easy_put(curl, call->easy);
    call->easy = NULL;
    running_remove(curl, call);
    done_add(curl, call);
    if (call->sent && !curl->closed)
        admit(curl, call->host);
}

/* All finished transfers, not just one: libcurl does not mention them again. */
static void drain(struct http_curl *curl)
{
    struct curl_call *call;
    CURLMsg *message;
    CURLcode code;
    int left;

    while ((message = curl_multi_info_read(curl->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        code = message->data.result;
        call = call_of(message->easy_handle);
        curl_call_result(call, code);
        finish(curl, call); /* @message is gone with this */
    }
}

static void deliver(struct http_curl *curl)
{
    struct curl_call *call;

    curl->delivering = true;
    while ((call = curl->done)) {
        curl->done = call->next;
        if (!curl->done)
            curl->done_last = NULL;
        if (call->err.code < 0)
            http_call_finish(call->call, NULL, &call->err);
        else
            http_call_finish(call->call, &call->answer, NULL);
        curl_call_free(call);
    }
    curl->delivering = false;
}

/* the loop reports to libcurl */

static void act(struct http_curl *curl, curl_socket_t fd, int events)
{
    int running;

    assert(curl->depth == 0);
    curl_multi_socket_action(curl->multi, fd, events, &running);
    drain(curl);
    deliver(curl);
}

static void on_ready(struct curl_sockets *sockets, curl_socket_t fd, int flags)
{
    act(container_of(sockets, struct http_curl, sockets), fd, flags);
}

static void timer_cb(uv_timer_t *timer)
{
    act(container_of(timer, struct http_curl, timer), CURL_SOCKET_TIMEOUT, 0);
}

static void on_give_up(struct curl_line *line, struct curl_call *call)
{
    struct http_curl *curl = container_of(line, struct http_curl, line);

    http_error(&call->err, -ETIMEDOUT, call->host, "all connections were in use");
    finish(curl, call);
    deliver(curl);
}

/* Stop @call in the next turn of the loop, which may be asked for anywhere, in libcurl's callbacks too. */
static void stop_later(struct curl_call *call, int code);

static struct curl_call *first_to_stop(struct http_curl *curl)
{
    struct curl_call *call = curl->running;

    while (call && call->state != CURL_CALL_STOPPING)
        call = call->next;
    return call;
}

static void idle_cb(uv_idle_t *idle)
{
    struct http_curl *curl = container_of(idle, struct http_curl, idle);
    struct curl_call *call;

    uv_idle_stop(idle);
    while ((call = first_to_stop(curl))) {
        curl_call_fail(call, call->stop_code);
        finish(curl, call);
    }
    deliver(curl);
}

static void stop_later(struct curl_call *call, int code)
{
    call->state = CURL_CALL_STOPPING;
    call->stop_code = code;
    if (!call->sent)
        curl_line_remove(&call->curl->line, call); /* its turn must not come any more */
    uv_idle_start(&call->curl->idle, idle_cb);
}

/* libcurl asks the loop: these run inside libcurl and only note what is wanted */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    struct http_curl *curl = data;
    struct curl_call *call = call_of(easy); /* NULL: libcurl's own, to close a connection with */

    (void)socket_data; /* forgotten with every REMOVE */
    curl->depth++;
    if (what == CURL_POLL_REMOVE)
        curl_sockets_unwatch(&curl->sockets, fd, call && call->answered);
    else if (curl_sockets_watch(&curl->sockets, fd, what) < 0 && call && call->state == CURL_CALL_RUNNING)
        stop_later(call, -ENOMEM); /* its own call fails; libcurl's way would fail all of them */
    curl->depth--;
    return 0;
}

static int on_timeout(CURLM *multi, long timeout_ms, void *data)
{
    struct http_curl *curl = data;

    (void)multi; /* there is one */
    if (curl->closed)
        return 0;
    curl->depth++;
    if (timeout_ms < 0) {
        uv_timer_stop(&curl->timer);
    } else {
        uv_update_time(curl->loop); /* the loop's idea of now may be old, and the timer early */
        uv_timer_start(&curl->timer, timer_cb, (uint64_t)timeout_ms, 0);
    }
    curl->depth--;
    return 0;
}

/* calls */

static void call_free(struct http_curl *curl, struct curl_call *call)
{
    if (call->easy)
        easy_put(curl, call->easy);
    curl_call_free(call);
}

static int begin(struct http_curl *curl, struct curl_call *call, const struct http_request *request,
                 struct err *err)
{
    int r;

    call->easy = easy_get(curl);
    if (!call->easy)
        return err_no_memory(err);
    r = curl_call_setup(call, request, curl->ca_file, &curl->proxies, err);
    if (r < 0)
        return r;
    if (host_is_busy(curl, call->host))
        curl_line_add(&curl->line, call, http_timeout_ms(request));
    else if (send_call(curl, call) < 0)
        return err_no_memory(err);
    running_add(curl, call);
    return 0;
}

static int start(struct http *http, struct http_call *http_call, const struct http_request *request,
                 struct err *err)
{
    struct http_curl *curl = container_of(http, struct http_curl, http);
    struct curl_call *call;
    int r;

    assert(curl->depth == 0);
    if (curl->closed)
        return err_set(err, -ECANCELED, ERR_CANCELED, "request not sent: the transport is closed");
    call = calloc(1, sizeof(*call));
    if (!call)
        return err_no_memory(err);
    call->call = http_call;
    call->curl = curl;
    call->sockets = &curl->sockets;
    r = begin(curl, call, request, err);
    if (r < 0)
        call_free(curl, call);
    else
        http_call->transport = call;
    return r;
}

static void cancel(struct http *http, struct http_call *http_call)
{
    struct http_curl *curl = container_of(http, struct http_curl, http);
    struct curl_call *call = http_call->transport;

    assert(curl->depth == 0);
    if (call->state == CURL_CALL_RUNNING)
        stop_later(call, -ECANCELED);
}

/* the transport */

static int multi_setup(struct http_curl *curl)
{
    CURLM *multi = curl_multi_init();

    if (!multi)
        return -ENOMEM;
    curl->multi = multi;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, curl);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, curl);
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, CONNECTIONS_PER_HOST);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT_IDLE);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    return 0;
}

int http_curl_new(uv_loop_t *loop, const char *ca_file, struct http_curl **ret, struct err *err)
{
    struct http_curl *curl = calloc(1, sizeof(*curl));

    if (!curl || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(curl);
        return err_no_memory(err);
    }
    curl->http = (struct http){.start = start, .cancel = cancel};
    curl->loop = loop;
    curl->sockets = (struct curl_sockets){.loop = loop, .act = on_ready};
    curl->ca_file = strdup(ca_file ? ca_file : curl_system_ca_file());
    if (!curl->ca_file || curl_proxies_load(&curl->proxies) < 0 || multi_setup(curl) < 0) {
        http_curl_free(curl);
        return err_no_memory(err);
    }
    uv_timer_init(loop, &curl->timer); /* these three can not fail */
    uv_timer_init(loop, &curl->line.timer);
    uv_idle_init(loop, &curl->idle);
    curl->line.give_up = on_give_up;
    curl->handles = 3;
    *ret = curl;
    return 0;
}

struct http *http_curl_http(struct http_curl *curl)
{
    return &curl->http;
}

static void timer_closed(uv_handle_t *handle)
{
    container_of((uv_timer_t *)handle, struct http_curl, timer)->handles--;
}

static void line_closed(uv_handle_t *handle)
{
    container_of((uv_timer_t *)handle, struct http_curl, line.timer)->handles--;
}

static void idle_closed(uv_handle_t *handle)
{
    struct http_curl *curl = container_of((uv_idle_t *)handle, struct http_curl, idle);

    curl->handles--;
    deliver(curl); /* what was canceled by closing */
}

/* The order matters: calls, easy handles, the multi (which closes its sockets), then libuv's handles. */
void http_curl_close(struct http_curl *curl)
{
    assert(curl->depth == 0 && !curl->delivering && !fiber_self());
    if (curl->closed)
        return;
    curl->closed = true;
    while (curl->running) {
        struct curl_call *call = curl->running;

        curl_call_fail(call, call->state == CURL_CALL_STOPPING ? call->stop_code : -ECANCELED);
        finish(curl, call);
    }
    while (curl->spare_count > 0)
        curl_easy_cleanup(curl->spares[--curl->spare_count]);
    curl_multi_cleanup(curl->multi);
    curl->multi = NULL;
    curl_sockets_drop(&curl->sockets);
    uv_close((uv_handle_t *)&curl->timer, timer_closed);
    uv_close((uv_handle_t *)&curl->line.timer, line_closed);
    uv_close((uv_handle_t *)&curl->idle, idle_closed);
}

struct http_curl *http_curl_free(struct http_curl *curl)
{
    if (!curl)
        return NULL;
    assert(curl->handles == 0 && curl->sockets.handles == 0); /* closed, and the loop ran once more */
    assert(!curl->running && !curl->done);
    curl_multi_cleanup(curl->multi); /* only where _new() failed; NULL is fine */
    curl_proxies_done(&curl->proxies);
    free(curl->ca_file);
    free(curl);
    curl_global_cleanup();
    return NULL;
}
