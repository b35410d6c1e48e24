/*
 * http_curl_socket.c: libcurl's sockets on the loop.
 *
 * Between two calls on a kept connection libcurl lets go of the socket, and
 * names it anew at the next. To follow it would cost five system calls each
 * time, so such a socket stays watched while it idles. Should something arrive
 * then (the other side closes, as a rule), watching ends: the loop does not
 * spin, and libcurl finds out by itself before it uses the connection again.
 *
 * That takes somebody who says when the socket is closed. libcurl does for
 * the connections it keeps (curl_sockets_close); the sockets of its name
 * lookups and of attempts to connect it may close silently, so those are let
 * go at once.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/http_curl-internal.h"
#include "common/macro.h"

struct curl_socket {
    uv_poll_t poll;
    struct curl_sockets *sockets;
    curl_socket_t fd;
    int wanted;  /* by libcurl; 0 while idle */
    int watched; /* by the loop: the same, or what was wanted last */
    struct curl_socket *next;
};

static struct curl_socket **place_of(struct curl_sockets *sockets, curl_socket_t fd)
{
    struct curl_socket **place = &sockets->all;

    while (*place && (*place)->fd != fd)
        place = &(*place)->next;
    return place;
}

static struct curl_socket *socket_new(struct curl_sockets *sockets, curl_socket_t fd)
{
    struct curl_socket *socket = calloc(1, sizeof(*socket));

    if (!socket)
        return NULL;
    if (uv_poll_init_socket(sockets->loop, &socket->poll, fd) < 0) {
        free(socket);
        return NULL;
    }
    socket->sockets = sockets;
    socket->fd = fd;
    sockets->handles++;
    return socket;
}

static void socket_closed(uv_handle_t *handle)
{
    struct curl_socket *socket = container_of((uv_poll_t *)handle, struct curl_socket, poll);

    socket->sockets->handles--;
    free(socket);
}

/* Take the socket at @place out of the list; the loop lets go of it at once. */
static void drop(struct curl_socket **place)
{
    struct curl_socket *socket = *place;

    *place = socket->next;
    uv_close((uv_handle_t *)&socket->poll, socket_closed);
}

static void poll_cb(uv_poll_t *poll, int status, int events)
{
    struct curl_socket *socket = container_of(poll, struct curl_socket, poll);
    int flags = 0;

    if (status < 0 || socket->wanted == 0) {
        uv_poll_stop(poll);
        socket->watched = 0;
    }
    if (socket->wanted == 0)
        return;
    if (status < 0)
        flags = CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    socket->sockets->act(socket->sockets, socket->fd, flags); /* @socket may be gone after this */
}

/* An idle socket is no reason for the loop to go on. */
static void idle(struct curl_socket *socket)
{
    socket->wanted = 0;
    uv_unref((uv_handle_t *)&socket->poll);
}

static int want(struct curl_socket *socket, int events)
{
    int r = 0;

    socket->wanted = events;
    uv_ref((uv_handle_t *)&socket->poll);
    if (events != socket->watched)
        r = uv_poll_start(&socket->poll, events, poll_cb);
    socket->watched = r < 0 ? 0 : events;
    return r;
}

int curl_sockets_watch(struct curl_sockets *sockets, curl_socket_t fd, int what)
{
    struct curl_socket **place = place_of(sockets, fd);
    int events = 0;

    if (!*place)
        *place = socket_new(sockets, fd);
    if (!*place)
        return -ENOMEM;
    if (what & CURL_POLL_IN)
        events |= UV_READABLE;
    if (what & CURL_POLL_OUT)
        events |= UV_WRITABLE;
    return want(*place, events);
}

void curl_sockets_unwatch(struct curl_sockets *sockets, curl_socket_t fd, bool kept)
{
    struct curl_socket **place = place_of(sockets, fd);

    if (*place && kept)
        idle(*place);
    else if (*place)
        drop(place);
}

int curl_sockets_close(void *user, curl_socket_t fd)
{
    curl_sockets_unwatch(user, fd, false);
    return close(fd);
}

void curl_sockets_drop(struct curl_sockets *sockets)
{
    while (sockets->all)
        drop(&sockets->all);
}
