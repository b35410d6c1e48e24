/*
 * http_curl-internal.h: the real transport in four files: http_curl.c joins
 * libcurl to the loop and carries calls through their life; http_curl_line.c
 * lets them wait for a free connection; http_curl_socket.c watches the sockets;
 * http_curl_easy.c knows the options of one call, its answer, and what its
 * failure means.
 */
#ifndef MLOPSD_COMMON_HTTP_CURL_INTERNAL_H
#define MLOPSD_COMMON_HTTP_CURL_INTERNAL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/http.h"
#include "common/str.h"

/** Proxies of the environment, read once. A password may be in them: wiped at the end, never shown. */
struct curl_proxies {
    char *https;
    char *http;
    char *none; /* hosts that need no proxy */
};
int curl_proxies_load(struct curl_proxies *proxies); /* 0 or -ENOMEM */
void curl_proxies_done(struct curl_proxies *proxies);

/** What libcurl waits for on the loop. Embed, zero, set @loop and @act. */
struct curl_sockets {
    uv_loop_t *loop;
    /** Something happened on @fd: CURL_CSELECT_*. */
    void (*act)(struct curl_sockets *sockets, curl_socket_t fd, int flags);
    struct curl_socket *all;
    unsigned handles; /* of libuv, not closed yet */
};
/** Wait for CURL_POLL_IN, OUT or both of @fd. 0, or a negative errno: it can not be watched. */
int curl_sockets_watch(struct curl_sockets *sockets, curl_socket_t fd, int what);
/** Nobody waits for @fd now. @kept: curl_sockets_close() will tell its end, so the next wait may be soon and cheap. */
void curl_sockets_unwatch(struct curl_sockets *sockets, curl_socket_t fd, bool kept);
/** libcurl's CURLOPT_CLOSESOCKETFUNCTION; @user is the struct curl_sockets. */
int curl_sockets_close(void *user, curl_socket_t fd);
/** Let go of all; @handles falls to 0 as the loop runs. */
void curl_sockets_drop(struct curl_sockets *sockets);

/*
 *   http_start            drained, or canceled           callback ran
 *  ------------> RUNNING ------------------------> DONE ------------> freed
 *                   |                               ^
 *                   +--> STOPPING (http_cancel) ----+
 *                            next turn of the loop
 *
 * A running call that was not sent yet stands in the line.
 */
enum curl_call_state { CURL_CALL_RUNNING, CURL_CALL_STOPPING, CURL_CALL_DONE, CURL_CALL_STATE_MAX };

struct curl_call {
    struct http_call *call;
    struct http_curl *curl;
    enum curl_call_state state;
    int stop_code;       /* why it is being stopped: -ECANCELED or -ENOMEM */
    bool sent;           /* handed to libcurl */
    uint64_t give_up_at; /* by the loop's clock, while in the line */
    struct curl_call *line_next;
    CURL *easy;
    CURLU *url;
    struct curl_sockets *sockets;
    struct curl_slist *headers; /* ours, wiped at the end: they hold tokens and signatures */
    void *body;                 /* the same */
    size_t body_size;
    char *host;          /* for messages */
    const char *ca_file; /* for messages; the transport's or own_ca_file */
    char *own_ca_file;
    bool own_ca_pem;
    bool proxied;
    bool answered;      /* at least a status line came: the connection is established */
    struct buf content; /* of the answer */
    struct http_answer answer;
    struct err err;
    int overflow; /* 0, or why the answer was not taken: -EMSGSIZE, -ENOMEM */
    struct curl_call *prev, *next;
    char reason[CURL_ERROR_SIZE]; /* libcurl's words */
};

/** Running calls that were not sent yet. Embed, zero, set @give_up and init @timer; the owner closes it. */
struct curl_line {
    uv_timer_t timer;
    struct curl_call *first;
    /** The time limit of @call, which has left the line, is over. */
    void (*give_up)(struct curl_line *line, struct curl_call *call);
};
void curl_line_add(struct curl_line *line, struct curl_call *call, uint32_t timeout_ms);
void curl_line_remove(struct curl_line *line, struct curl_call *call); /* not in it: nothing happens */
/** Take out the first for @host; NULL when nobody waits for it. @ret_left_ms: what is left of its time, at least 1. */
struct curl_call *curl_line_take(struct curl_line *line, const char *host, uint32_t *ret_left_ms);

/** "" where the system has no bundle in a known place. */
const char *curl_system_ca_file(void);

/** Set everything on @call->easy. 0, -ENOMEM or -EINVAL with @err. */
int curl_call_setup(struct curl_call *call, const struct http_request *request, const char *ca_file,
                    const struct curl_proxies *proxies, struct err *err);
/** libcurl is done with it: fill call->answer, or call->err. */
void curl_call_result(struct curl_call *call, CURLcode code);
/** Fill call->err with @code. */
void curl_call_fail(struct curl_call *call, int code);
/** Wipe and free; the easy handle must have been taken away. */
void curl_call_free(struct curl_call *call);

#endif
