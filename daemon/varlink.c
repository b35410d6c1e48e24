/*
 * varlink.c: see varlink.h.
 *
 *   connection:  reading --request--> serving --last reply--> reading
 *                   \---------- garbage, end, too slow ------> closing
 */
#include "daemon/varlink.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/js.h"
#include "common/log.h"
#include "common/str.h"

#define MESSAGE_MAX     (1u << 20)
#define UNREAD_MAX      (4u << 20)
#define CONNECTIONS_MAX 256
#define BACKLOG         64

struct varlink_call {
    struct connection *connection;
    bool more, oneway;
    void (*gone)(void *data);
    void *gone_data;
};

struct connection {
    struct varlink *varlink;
    uv_pipe_t pipe;
    struct varlink_peer peer;
    struct buf input;
    struct varlink_call *call; /* being served; NULL = reading */
    bool closing, handling;
    struct connection *prev, *next;
};

struct varlink {
    const struct varlink_service *service;
    uv_pipe_t listener;
    char *path; /* unlinked at the end; NULL when the socket was passed to us */
    struct connection *connections;
    size_t count;
};

static const char service_description[] =
    "# What every Varlink service answers.\n"
    "interface org.varlink.service\n\n"
    "method GetInfo() -> (vendor: string, product: string, version: string, url: string, interfaces: "
    "[]string)\n"
    "method GetInterfaceDescription(interface: string) -> (description: string)\n\n"
    "error InterfaceNotFound (interface: string)\n"
    "error MethodNotFound (method: string)\n"
    "error MethodNotImplemented (method: string)\n"
    "error InvalidParameter (parameter: string)\n"
    "error PermissionDenied ()\n"
    "error ExpectedMore ()\n";

static void handle_input(struct connection *connection);

/* ---- closing ---- */

static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;

    buf_wipe(&connection->input);
    free(connection);
}

static void connection_close(struct connection *connection)
{
    struct varlink *varlink = connection->varlink;
    struct varlink_call *call = TAKE(connection->call);

    if (connection->closing)
        return;
    connection->closing = true;
    if (call) {
        if (call->gone)
            call->gone(call->gone_data);
        free(call);
    }
    if (connection->prev)
        connection->prev->next = connection->next;
    else
        varlink->connections = connection->next;
    if (connection->next)
        connection->next->prev = connection->prev;
    varlink->count--;
    uv_close((uv_handle_t *)&connection->pipe, on_closed);
}

/* ---- writing ---- */

struct outgoing {
    uv_write_t request;
    struct connection *connection;
    char *text;
    size_t size;
};

static void on_written(uv_write_t *request, int status)
{
    struct outgoing *out = container_of(request, struct outgoing, request);

    if (status < 0 && status != UV_ECANCELED)
        connection_close(out->connection);
    explicit_bzero(out->text, out->size); /* a revealed output may have been in it */
    free(out->text);
    free(out);
}

static void send_message(struct connection *connection, struct json_object *message)
{
    struct outgoing *out = calloc(1, sizeof(*out));
    uv_buf_t buffer;

    if (!out || !(out->text = js_canonical(message))) {
        free(out);
        connection_close(connection);
        return;
    }
    out->connection = connection;
    out->size = strlen(out->text) + 1; /* with the NUL that ends a message */
    buffer = uv_buf_init(out->text, (unsigned)out->size);
    if (uv_stream_get_write_queue_size((uv_stream_t *)&connection->pipe) > UNREAD_MAX ||
        uv_write(&out->request, (uv_stream_t *)&connection->pipe, &buffer, 1, on_written) < 0) {
        free(out->text);
        free(out);
        connection_close(connection);
    }
}

static void send_reply(struct varlink_call *call, const char *error, struct json_object *take_parameters,
                       bool continues)
{
    struct json_object *message CLEANUP_JS = json_object_new_object();

    if (!take_parameters)
        take_parameters = json_object_new_object();
    if (!message) {
        json_object_put(take_parameters);
        return;
    }
    (void)js_put_key(message, "parameters", take_parameters); /* a message without them is still an answer */
    if (error)
        (void)js_set_text(message, "error", error);
    if (continues)
        (void)js_set_bool(message, "continues", true);
    if (!call->oneway)
        send_message(call->connection, message);
}

/** The call is over: go on with what the client sent meanwhile. */
static void call_end(struct varlink_call *call)
{
    struct connection *connection = call->connection;

    if (connection->call != call)
        return; /* the connection closed under it, and the call with it */
    connection->call = NULL;
    free(call);
    if (!connection->handling)
        handle_input(connection);
}

void varlink_reply(struct varlink_call *call, struct json_object *take_parameters)
{
    struct connection *connection = call->connection;

    send_reply(call, NULL, take_parameters, false);
    if (!connection->closing)
        call_end(call);
}

void varlink_continue(struct varlink_call *call, struct json_object *take_parameters)
{
    assert(call->more);
    send_reply(call, NULL, take_parameters, true);
}

void varlink_error(struct varlink_call *call, const char *error, struct json_object *take_parameters)
{
    struct connection *connection = call->connection;

    send_reply(call, error, take_parameters, false);
    if (!connection->closing)
        call_end(call);
}

bool varlink_wants_more(const struct varlink_call *call)
{
    return call->more;
}

const struct varlink_peer *varlink_peer_of(const struct varlink_call *call)
{
    return &call->connection->peer;
}

void varlink_on_gone(struct varlink_call *call, void (*gone)(void *data), void *data)
{
    call->gone = gone;
    call->gone_data = data;
}

/* ---- requests ---- */

static void error_with(struct varlink_call *call, const char *error, const char *key, const char *value)
{
    struct json_object *parameters = json_object_new_object();

    if (key && parameters)
        (void)js_set_text(parameters, key, value);
    varlink_error(call, error, parameters);
}

static void get_info(struct varlink_call *call)
{
    const struct varlink_service *service = call->connection->varlink->service;
    struct json_object *info = json_object_new_object(), *interfaces = json_object_new_array();

    (void)js_add_text(interfaces, "org.varlink.service");
    (void)js_add_text(interfaces, service->interface);
    (void)js_set_text(info, "vendor", service->vendor);
    (void)js_set_text(info, "product", service->product);
    (void)js_set_text(info, "version", service->version);
    (void)js_set_text(info, "url", service->url);
    (void)js_put_key(info, "interfaces", interfaces);
    varlink_reply(call, info);
}

static void get_description(struct varlink_call *call, struct json_object *parameters)
{
    const struct varlink_service *service = call->connection->varlink->service;
    const char *interface = js_text(parameters, "interface");
    const char *text = NULL;
    struct json_object *reply;

    if (!interface) {
        error_with(call, "org.varlink.service.InvalidParameter", "parameter", "interface");
        return;
    }
    if (str_equal(interface, service->interface))
        text = service->description;
    else if (str_equal(interface, "org.varlink.service"))
        text = service_description;
    if (!text) {
        error_with(call, "org.varlink.service.InterfaceNotFound", "interface", interface);
        return;
    }
    reply = json_object_new_object();
    (void)js_set_text(reply, "description", text);
    varlink_reply(call, reply);
}

static const struct varlink_parameter *parameter_find(const struct varlink_parameter *table, const char *name)
{
    for (; table && table->name; table++)
        if (str_equal(table->name, name))
            return table;
    return NULL;
}

/** The first parameter that is unknown, mistyped or missing; NULL when all is well. */
static const char *parameter_wrong(const struct varlink_method *method, struct json_object *parameters)
{
    js_each (parameters, key, value) {
        const struct varlink_parameter *parameter = parameter_find(method->parameters, key);

        if (!parameter || (value && !json_object_is_type(value, parameter->type)))
            return key;
    }
    for (const struct varlink_parameter *p = method->parameters; p && p->name; p++) {
        struct json_object *given = NULL;

        if (p->required && (!json_object_object_get_ex(parameters, p->name, &given) || !given))
            return p->name;
    }
    return NULL;
}

static void serve_method(struct varlink_call *call, const char *name, struct json_object *parameters)
{
    const struct varlink_service *service = call->connection->varlink->service;
    const char *dot = strrchr(name, '.');
    size_t size = dot ? (size_t)(dot - name) : 0;
    const struct varlink_method *method;
    const char *wrong;

    if (size != strlen(service->interface) || strncmp(name, service->interface, size) != 0) {
        char *interface CLEANUP_FREE = str_format("%.*s", (int)size, name);

        error_with(call, "org.varlink.service.InterfaceNotFound", "interface", interface ? interface : "");
        return;
    }
    for (method = service->methods; method->name && !str_equal(method->name, dot + 1); method++)
        ;
    if (!method->name) {
        error_with(call, "org.varlink.service.MethodNotFound", "method", name);
        return;
    }
    wrong = parameter_wrong(method, parameters);
    if (wrong)
        error_with(call, "org.varlink.service.InvalidParameter", "parameter", wrong);
    else if (method->needs_more && !call->more)
        error_with(call, "org.varlink.service.ExpectedMore", NULL, NULL);
    else if (method->guarded && !service->allowed(service->data, &call->connection->peer))
        error_with(call, service->denied_error, "why",
                   "this changes things: ask as root, or as a member of the group that access_group: names");
    else
        method->serve(service->data, call, parameters);
}

/** One request. Returns false when it is garbage and the connection must go. */
static bool serve(struct connection *connection, struct json_object *request)
{
    const char *method = js_text(request, "method");
    struct json_object *given = js_get(request, "parameters");
    struct json_object *parameters CLEANUP_JS = given ? json_object_get(given) : json_object_new_object();
    struct varlink_call *call;

    if (!method || !json_object_is_type(parameters, json_type_object))
        return false;
    call = calloc(1, sizeof(*call));
    if (!call)
        return false;
    call->connection = connection;
    call->more = js_bool(request, "more", false);
    call->oneway = js_bool(request, "oneway", false);
    connection->call = call;
    if (str_equal(method, "org.varlink.service.GetInfo"))
        get_info(call);
    else if (str_equal(method, "org.varlink.service.GetInterfaceDescription"))
        get_description(call, parameters);
    else
        serve_method(call, method, parameters);
    return true;
}

/** Serve complete messages, one at a time: a call that is answered later holds the rest back. */
static void handle_input(struct connection *connection)
{
    struct buf *input = &connection->input;
    size_t done = 0;

    connection->handling = true;
    while (!connection->closing && !connection->call && done < input->size) {
        const char *start = input->data + done;
        const char *end = memchr(start, '\0', input->size - done);
        struct json_object *request CLEANUP_JS = NULL;
        bool good;

        if (!end)
            break;
        good = js_parse(start, (size_t)(end - start), &request, NULL) == 0 &&
               json_object_is_type(request, json_type_object);
        done += (size_t)(end - start) + 1;
        if (!good || !serve(connection, request))
            connection_close(connection);
    }
    if (done > 0) { /* once for all of them: a mebibyte of small calls must not hold up the loop */
        memmove(input->data, input->data + done, input->size - done);
        input->size -= done;
        explicit_bzero(input->data + input->size, done); /* a password may have been in it */
    }
    connection->handling = false;
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)handle;
    buffer->base = malloc(suggested);
    buffer->len = buffer->base ? suggested : 0;
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct connection *connection = stream->data;

    if (size < 0)
        connection_close(connection);
    else if (size > 0 && buf_add(&connection->input, buffer->base, (size_t)size) < 0)
        connection_close(connection); /* over 1 MiB without an end */
    else if (size > 0 && !connection->call)
        handle_input(connection);
    if (size > 0)
        explicit_bzero(buffer->base, (size_t)size);
    free(buffer->base);
}

/* ---- connections ---- */

static int peer_of(uv_pipe_t *pipe, struct varlink_peer *ret)
{
    struct ucred credentials;
    socklen_t size = sizeof(credentials);
    uv_os_fd_t fd;

    if (uv_fileno((uv_handle_t *)pipe, &fd) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
        return -EACCES;
    *ret = (struct varlink_peer){.uid = credentials.uid, .gid = credentials.gid, .pid = credentials.pid};
    return 0;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct varlink *varlink = listener->data;
    struct connection *connection;

    if (status < 0 || !(connection = calloc(1, sizeof(*connection))))
        return;
    connection->varlink = varlink;
    connection->input = BUF_INIT(MESSAGE_MAX);
    if (uv_pipe_init(listener->loop, &connection->pipe, 0) < 0) {
        free(connection);
        return;
    }
    connection->pipe.data = connection;
    connection->next = varlink->connections;
    if (connection->next)
        connection->next->prev = connection;
    varlink->connections = connection;
    varlink->count++;
    if (uv_accept(listener, (uv_stream_t *)&connection->pipe) < 0 || varlink->count > CONNECTIONS_MAX ||
        peer_of(&connection->pipe, &connection->peer) < 0 ||
        uv_read_start((uv_stream_t *)&connection->pipe, on_allocate, on_read) < 0)
        connection_close(connection);
}

/** Does somebody answer at this path? */
static bool is_live(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool live;

    if (fd < 0)
        return false;
    memcpy(address.sun_path, path, strlen(path) + 1);
    live = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    (void)close(fd); /* only asked */
    return live;
}

static int claim_path(const char *path, struct err *err)
{
    struct stat info;

    if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return err_set(err, -ENAMETOOLONG, ERR_INVALID, "socket path %s is too long: at most %zu bytes", path,
                       sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
    if (lstat(path, &info) < 0)
        return 0;
    if (!S_ISSOCK(info.st_mode))
        return err_set(err, -EEXIST, ERR_INVALID, "%s is there and is no socket: move it away", path);
    if (is_live(path))
        return err_set(err, -EADDRINUSE, ERR_CONFLICT, "another daemon answers at %s", path);
    if (unlink(path) < 0)
        return err_set(err, -errno, ERR_INVALID, "the stale socket %s can not be removed: %s", path,
                       strerror(errno));
    return 0;
}

static int bind_to(struct varlink *varlink, const char *path, int fd, struct err *err)
{
    int r;

    if (fd >= 0) {
        r = uv_pipe_open(&varlink->listener, fd);
    } else {
        r = claim_path(path, err);
        if (r < 0)
            return r;
        r = uv_pipe_bind(&varlink->listener, path);
        if (r == 0 && str_set(&varlink->path, path) < 0)
            r = -ENOMEM;
        if (r == 0 &&
            chmod(path, 0666) < 0) /* everybody may ask; who may change is told by peer credentials */
            r = -errno;
    }
    if (r == 0)
        r = uv_listen((uv_stream_t *)&varlink->listener, BACKLOG, on_connection);
    if (r < 0)
        return err_set(err, r, ERR_INVALID, "can not listen at %s: %s", path, uv_strerror(r));
    return 0;
}

int varlink_open(uv_loop_t *loop, const char *path, int fd, const struct varlink_service *service,
                 struct varlink **ret, struct err *err)
{
    struct varlink *varlink = calloc(1, sizeof(*varlink));
    int r;

    if (!varlink || uv_pipe_init(loop, &varlink->listener, 0) < 0) {
        free(varlink);
        return err_no_memory(err);
    }
    varlink->service = service;
    varlink->listener.data = varlink;
    *ret = varlink; /* from here on closed and freed by the caller, also after a failure */
    r = bind_to(varlink, path, fd, err);
    return r;
}

void varlink_close(struct varlink *varlink)
{
    while (varlink->connections)
        connection_close(varlink->connections);
    if (!uv_is_closing((uv_handle_t *)&varlink->listener))
        uv_close((uv_handle_t *)&varlink->listener, NULL);
    if (varlink->path)
        (void)unlink(varlink->path); /* gone already is as good */
}

struct varlink *varlink_free(struct varlink *varlink)
{
    if (varlink)
        free(varlink->path);
    free(varlink);
    return NULL;
}
