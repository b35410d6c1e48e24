/*
 * varlink_client.c: framing, and what can go wrong on the way.
 *
 * Happy path: connect, write the call, read until a NUL, parse, hand out "parameters".
 * Ways to fail: no socket, nobody listens, no right to it, the daemon goes away in the middle, an answer that
 * is too long or no Varlink, an error that was answered.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/js.h"
#include "common/str.h"
#include "ctl/refusal.h"
#include "ctl/varlink_client.h"

#define READ_BYTES 16384

struct varlink_client {
    int fd;
    struct buf input; /* what was read and not yet handed out */
    size_t scanned;   /* of it, without a NUL */
    bool more;        /* the call allows several answers */
};

struct varlink_client *varlink_client_new(int take_fd)
{
    struct varlink_client *client = calloc(1, sizeof(*client));

    if (!client) {
        close(take_fd);
        return NULL;
    }
    client->fd = take_fd;
    client->input = BUF_INIT(VARLINK_ANSWER_MAX);
    return client;
}

struct varlink_client *varlink_client_free(struct varlink_client *client)
{
    if (!client)
        return NULL;
    close(client->fd);
    buf_wipe(&client->input); /* may hold revealed outputs */
    free(client);
    return NULL;
}

static int unreachable(const char *path, int code, struct err *err)
{
    const char *advice = "";

    if (code == -ENOENT || code == -ECONNREFUSED)
        advice = ": is the service running? (systemctl status mlopsd)";
    else if (code == -EACCES || code == -EPERM)
        advice = ": you may not open the socket: ask to be added to its group";
    return err_set(err, code, ERR_RETRY, "cannot reach mlopsd at %s: %s%s", path, strerror(-code), advice);
}

int varlink_client_open(const char *path, struct varlink_client **ret, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct varlink_client *client;
    int fd, r;

    if (strlen(path) >= sizeof(address.sun_path))
        return unreachable(path, -ENAMETOOLONG, err);
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return unreachable(path, -errno, err);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        r = unreachable(path, -errno, err);
        close(fd);
        return r;
    }
    client = varlink_client_new(fd);
    if (!client)
        return err_no_memory(err);
    *ret = client;
    return 0;
}

static int gone(struct err *err)
{
    return err_set(err, -ECONNRESET, ERR_RETRY,
                   "mlopsd closed the connection before it answered: see journalctl -u mlopsd");
}

static int write_all(struct varlink_client *client, const char *data, size_t size_bytes, struct err *err)
{
    ssize_t n;

    while (size_bytes > 0) {
        n = write(client->fd, data, size_bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return gone(err);
        if (n < 0) {
            int code = -errno;

            return err_set(err, code, ERR_RETRY, "cannot write to mlopsd: %m");
        }
        data += n;
        size_bytes -= (size_t)n;
    }
    return 0;
}

int varlink_send(struct varlink_client *client, const char *method, struct json_object *take_parameters,
                 bool more, struct err *err)
{
    struct json_object *call CLEANUP_JS = json_object_new_object();
    char *text CLEANUP_FREE = NULL;
    size_t size;
    int r = call ? 0 : -ENOMEM;

    if (take_parameters) {
        if (r == 0)
            r = js_put_key(call, "parameters", take_parameters);
        else
            json_object_put(take_parameters);
    }
    if (r == 0)
        r = js_set_text(call, "method", method);
    if (r == 0 && more)
        r = js_set_bool(call, "more", true);
    if (r == 0)
        text = js_canonical(call);
    if (!text)
        return err_no_memory(err);
    client->more = more;
    size = strlen(text);
    r = write_all(client, text, size + 1, err); /* with its NUL */
    explicit_bzero(text, size);                 /* a password may have been in it */
    return r;
}

/* 1 when there is something to read. */
static int wait_readable(struct varlink_client *client, int timeout_ms, struct err *err)
{
    struct pollfd wanted = {.fd = client->fd, .events = POLLIN};
    int r = poll(&wanted, 1, timeout_ms);

    if (r >= 0)
        return r;
    if (errno == EINTR)
        return 0;
    r = -errno;
    return err_set(err, r, ERR_RETRY, "cannot wait for mlopsd: %m");
}

static int read_some(struct varlink_client *client, struct err *err)
{
    char *chunk CLEANUP_FREE = malloc(READ_BYTES);
    ssize_t n;
    int r;

    if (!chunk)
        return err_no_memory(err);
    do {
        n = read(client->fd, chunk, READ_BYTES);
    } while (n < 0 && errno == EINTR);
    if (n == 0 || (n < 0 && errno == ECONNRESET))
        return gone(err);
    if (n < 0) {
        r = -errno;
        return err_set(err, r, ERR_RETRY, "cannot read from mlopsd: %m");
    }
    r = buf_add(&client->input, chunk, (size_t)n);
    explicit_bzero(chunk, READ_BYTES);
    if (r == -EMSGSIZE)
        return err_set(err, r, ERR_LIMIT,
                       "the answer of mlopsd is over %u MiB: ask for less (--platform, --limit)",
                       VARLINK_ANSWER_MAX >> 20);
    return r < 0 ? err_no_memory(err) : 0;
}

/* The size of a whole message at the front, without its NUL; -EAGAIN when it is not all there. */
static ssize_t message_size(struct varlink_client *client)
{
    const char *text = buf_text(&client->input);
    const char *end = memchr(text + client->scanned, '\0', client->input.size - client->scanned);

    if (!end) {
        client->scanned = client->input.size;
        return -EAGAIN;
    }
    client->scanned = 0;
    return end - text;
}

static int drop_message(struct varlink_client *client, size_t size_bytes, struct err *err)
{
    struct buf rest = BUF_INIT(VARLINK_ANSWER_MAX);
    int r = 0;

    if (client->input.size > size_bytes + 1)
        r = buf_add(&rest, client->input.data + size_bytes + 1, client->input.size - size_bytes - 1);
    buf_wipe(&client->input);
    client->input = rest;
    return r < 0 ? err_no_memory(err) : 0;
}

static int not_varlink(struct err *err)
{
    return err_set(err, -EBADMSG, ERR_BUG, "what answers at the socket is not mlopsd: see --socket");
}

static int take_answer(struct varlink_client *client, struct json_object *message, struct json_object **ret,
                       bool *ret_continues, struct err *err)
{
    struct json_object *parameters = js_get(message, "parameters");

    if (!json_object_is_type(message, json_type_object) ||
        (parameters && !json_object_is_type(parameters, json_type_object)))
        return not_varlink(err);
    if (js_get(message, "error"))
        return refusal_err(js_text(message, "error"), parameters, err);
    *ret_continues = js_bool(message, "continues", false);
    if (*ret_continues && !client->more)
        return not_varlink(err);
    *ret = parameters ? json_object_get(parameters) : json_object_new_object();
    return *ret ? 1 : err_no_memory(err);
}

int varlink_receive(struct varlink_client *client, int timeout_ms, struct json_object **ret,
                    bool *ret_continues, struct err *err)
{
    struct json_object *message CLEANUP_JS = NULL;
    ssize_t size;
    int r;

    while ((size = message_size(client)) < 0) {
        r = wait_readable(client, timeout_ms, err);
        if (r < 0)
            return r;
        if (r == 0 && timeout_ms != VARLINK_FOREVER)
            return 0;
        if (r > 0)
            r = read_some(client, err);
        if (r < 0)
            return r;
    }
    r = js_parse(client->input.data, (size_t)size, &message, NULL);
    if (drop_message(client, (size_t)size, err) < 0 || r == -ENOMEM)
        return err_no_memory(err);
    return r < 0 ? not_varlink(err) : take_answer(client, message, ret, ret_continues, err);
}

int varlink_call(struct varlink_client *client, const char *method, struct json_object *take_parameters,
                 struct json_object **ret, struct err *err)
{
    bool continues;
    int r;

    r = varlink_send(client, method, take_parameters, false, err);
    if (r < 0)
        return r;
    do {
        r = varlink_receive(client, VARLINK_FOREVER, ret, &continues, err);
    } while (r == 0);
    return r < 0 ? r : 0;
}
