/*
 * test_varlink.c: the Varlink server on a socket of its own: framing, order, errors by name, streams, and clients
 * that misbehave or go away. Server and clients share one thread: the test pumps the loop.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/js.h"
#include "common/str.h"
#include "daemon/varlink.h"

#define CLIENTS 300

struct server {
    uv_loop_t loop;
    struct varlink *varlink;
    struct varlink_service service;
    char root[64], path[96];
    bool denies;
    struct varlink_peer asked; /* who wanted a guarded method */
    struct varlink_call *kept; /* of Later */
    unsigned served, gone;
    int clients[CLIENTS];
    size_t count;
    char *message; /* the last one received; owned */
};

/* ---- the methods ---- */

static void echo(void *data, struct varlink_call *call, struct json_object *parameters)
{
    struct server *server = data;

    server->served++;
    varlink_reply(call, json_object_get(parameters));
}

static void empty(void *data, struct varlink_call *call, struct json_object *parameters)
{
    struct server *server = data;

    (void)parameters;
    server->served++;
    varlink_reply(call, NULL);
}

static void broken(void *data, struct varlink_call *call, struct json_object *parameters)
{
    struct json_object *why = json_object_new_object();

    (void)data;
    (void)parameters;
    (void)js_set_text(why, "why", "because");
    varlink_error(call, "io.test.Broken", why);
}

static void stream(void *data, struct varlink_call *call, struct json_object *parameters)
{
    (void)data;
    (void)parameters;
    for (int i = 1; i <= 2; i++) {
        struct json_object *number = json_object_new_object();

        (void)js_set_int(number, "number", i);
        varlink_continue(call, number);
    }
    varlink_reply(call, NULL);
}

static void on_gone(void *data)
{
    struct server *server = data;

    server->gone++;
    server->kept = NULL;
}

static void later(void *data, struct varlink_call *call, struct json_object *parameters)
{
    struct server *server = data;

    (void)parameters;
    server->kept = call;
    varlink_on_gone(call, on_gone, server);
}

static void big(void *data, struct varlink_call *call, struct json_object *parameters)
{
    struct json_object *reply = json_object_new_object();
    size_t size = (size_t)js_int(parameters, "size", 0);
    char *text = malloc(size + 1);

    (void)data;
    assert(text);
    memset(text, 'x', size);
    text[size] = '\0';
    (void)js_set_text(reply, "text", text);
    free(text);
    if (varlink_wants_more(call))
        varlink_continue(call, reply);
    else
        varlink_reply(call, reply);
}

static const struct varlink_parameter echo_parameters[] = {
    {"text", json_type_string, true}, {"number", json_type_int, false}, {0}};
static const struct varlink_parameter big_parameters[] = {{"size", json_type_int, true}, {0}};

static const struct varlink_method methods[] = {
    {"Echo", false, false, echo_parameters, echo}, {"Empty", false, false, NULL, empty},
    {"Fail", false, false, NULL, broken},          {"Stream", false, true, NULL, stream},
    {"Later", false, false, NULL, later},          {"Guarded", true, false, NULL, empty},
    {"Big", false, false, big_parameters, big},    {0},
};

static bool allowed(void *data, const struct varlink_peer *peer)
{
    struct server *server = data;

    server->asked = *peer;
    return !server->denies;
}

/* ---- the fixture ---- */

static int listen_at(struct server *server, struct err *err)
{
    int r = varlink_open(&server->loop, server->path, -1, &server->service, &server->varlink, err);

    if (r < 0) {
        varlink_close(server->varlink);
        (void)uv_run(&server->loop, UV_RUN_DEFAULT);
        server->varlink = varlink_free(server->varlink);
    }
    return r;
}

static int setup(void **state)
{
    struct server *server = calloc(1, sizeof(*server));

    assert_non_null(server);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)snprintf(server->root, sizeof(server->root), "/tmp/mlopsd-varlink-XXXXXX");
    assert_non_null(mkdtemp(server->root));
    (void)snprintf(server->path, sizeof(server->path), "%s/sock", server->root);
    server->service = (struct varlink_service){.interface = "io.test",
                                               .description = "interface io.test\n",
                                               .vendor = "v",
                                               .product = "p",
                                               .version = "1",
                                               .url = "u",
                                               .denied_error = "io.test.NotAllowed",
                                               .methods = methods,
                                               .allowed = allowed,
                                               .data = server};
    assert_int_equal(uv_loop_init(&server->loop), 0);
    assert_int_equal(listen_at(server, NULL), 0);
    *state = server;
    return 0;
}

static void pump(struct server *server)
{
    for (int i = 0; i < 5; i++)
        (void)uv_run(&server->loop, UV_RUN_NOWAIT);
}

static int teardown(void **state)
{
    struct server *server = *state;

    if (server->varlink) {
        varlink_close(server->varlink);
        assert_int_equal(uv_run(&server->loop, UV_RUN_DEFAULT), 0);
        server->varlink = varlink_free(server->varlink);
    }
    assert_int_equal(uv_loop_close(&server->loop), 0); /* nothing is left in it */
    for (size_t i = 0; i < server->count; i++)
        if (server->clients[i] >= 0)
            close(server->clients[i]);
    assert_int_not_equal(access(server->path, F_OK), 0); /* it took its socket away */
    (void)unlink(server->path);
    assert_int_equal(rmdir(server->root), 0);
    free(server->message);
    free(server);
    return 0;
}

static int connect_to(struct server *server)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    memcpy(address.sun_path, server->path, strlen(server->path) + 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_true(server->count < CLIENTS);
    server->clients[server->count++] = fd;
    pump(server);
    return fd;
}

static void send_bytes(struct server *server, int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            break; /* it hung up on us: seen by the next receive */
        assert_true(n > 0 || errno == EAGAIN);
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
        pump(server);
    }
    pump(server);
}

/* The size counts the NUL of the literal: the end of the message. */
#define SEND(server, fd, text) send_bytes(server, fd, text, sizeof(text))

/** Move one message out of the socket. 1, 0 at its end, negative when there is no whole one (more) now. */
static int take_message(int fd, struct buf *out)
{
    static char chunk[65536];

    for (;;) {
        ssize_t n = recv(fd, chunk, sizeof(chunk), MSG_PEEK);
        char *end = n > 0 ? memchr(chunk, '\0', (size_t)n) : NULL;
        size_t size = end ? (size_t)(end - chunk) + 1 : (size_t)n;

        if (n <= 0)
            return n == 0 || errno == ECONNRESET ? 0 : -errno;
        (void)buf_add(out, chunk, end ? size - 1 : size);
        assert_int_equal(recv(fd, chunk, size, 0), size);
        if (end)
            return 1;
    }
}

/** One message; NULL when none is there (yet); "closed" at the end of the connection. */
static const char *receive(struct server *server, int fd)
{
    struct buf out = BUF_INIT(32u << 20);
    int r = take_message(fd, &out);

    for (int i = 0; r < 0 && i < 50; i++) { /* a big one comes in pieces */
        pump(server);
        r = take_message(fd, &out);
        if (r < 0 && out.size == 0)
            break;
    }
    free(server->message);
    server->message = r == 1 ? buf_take(&out) : r == 0 ? strdup("closed") : NULL;
    buf_done(&out);
    return server->message;
}

#define EXPECT(server, fd, text) assert_string_equal(receive(server, fd), text)

static void assert_nothing(struct server *server, int fd)
{
    assert_null(receive(server, fd));
}

/* ---- requests and replies ---- */

static void a_call_is_answered(void **state)
{
    struct server *server = *state;
    int fd = connect_to(server);

    SEND(server, fd, "{\"method\":\"io.test.Echo\",\"parameters\":{\"text\":\"a\",\"number\":3}}");
    EXPECT(server, fd, "{\"parameters\":{\"number\":3,\"text\":\"a\"}}");
    SEND(server, fd, "{\"method\":\"io.test.Empty\"}");
    EXPECT(server, fd, "{\"parameters\":{}}");
    SEND(server, fd, "{\"method\":\"io.test.Fail\"}");
    EXPECT(server, fd, "{\"error\":\"io.test.Broken\",\"parameters\":{\"why\":\"because\"}}");
    assert_nothing(server, fd);
}

static void a_call_may_come_byte_by_byte(void **state)
{
    static const char text[] = "{\"method\":\"io.test.Empty\"}";
    struct server *server = *state;
    int fd = connect_to(server);

    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        send_bytes(server, fd, text + i, 1);
        assert_nothing(server, fd);
    }
    send_bytes(server, fd, "", 1);
    EXPECT(server, fd, "{\"parameters\":{}}");
}

static void calls_in_one_write_are_answered_in_order(void **state)
{
    struct server *server = *state;
    int fd = connect_to(server);

    SEND(server, fd,
         "{\"method\":\"io.test.Echo\",\"parameters\":{\"text\":\"1\"}}\0"
         "{\"method\":\"io.test.Fail\"}\0"
         "{\"method\":\"io.test.Echo\",\"parameters\":{\"text\":\"2\"}}");
    EXPECT(server, fd, "{\"parameters\":{\"text\":\"1\"}}");
    EXPECT(server, fd, "{\"error\":\"io.test.Broken\",\"parameters\":{\"why\":\"because\"}}");
    EXPECT(server, fd, "{\"parameters\":{\"text\":\"2\"}}");
}

static void a_kept_call_holds_back_what_comes_behind_it(void **state)
{
    struct server *server = *state;
    int fd = connect_to(server), other = connect_to(server);

    SEND(server, fd,
         "{\"method\":\"io.test.Later\"}\0"
         "{\"method\":\"io.test.Empty\"}\0"
         "{\"method\":\"io.test.Later\"}\0"
         "{\"method\":\"io.test.Echo\",\"parameters\":{\"text\":\"end\"}}");
    assert_nothing(server, fd);
    SEND(server, other, "{\"method\":\"io.test.Empty\"}"); /* others go on */
    EXPECT(server, other, "{\"parameters\":{}}");
    assert_non_null(server->kept);
    varlink_on_gone(server->kept, NULL, NULL);
    varlink_reply(TAKE(server->kept), NULL);
    EXPECT(server, fd, "{\"parameters\":{}}");
    EXPECT(server, fd, "{\"parameters\":{}}");
    assert_nothing(server, fd);
    assert_non_null(server->kept);
    varlink_error(TAKE(server->kept), "io.test.Broken", NULL);
    EXPECT(server, fd, "{\"error\":\"io.test.Broken\",\"parameters\":{}}");
    EXPECT(server, fd, "{\"parameters\":{\"text\":\"end\"}}");
    assert_int_equal(server->gone, 0);
}

static void many_calls_in_one_write_do_not_grow_the_stack(void **state)
{
    static const char one[] = "{\"method\":\"io.test.Empty\"}";
    struct server *server = *state;
    int fd = connect_to(server);
    size_t count = (1u << 20) / sizeof(one) - 1;
    char *all = malloc(count * sizeof(one));

    assert_non_null(all);
    for (size_t i = 0; i < count; i++)
        memcpy(all + i * sizeof(one), one, sizeof(one));
    SEND(server, fd, "{\"method\":\"io.test.Later\"}"); /* so that all of them are there at once */
    send_bytes(server, fd, all, count * sizeof(one));
    free(all);
    assert_int_equal(server->served, 0);
    varlink_on_gone(server->kept, NULL, NULL);
    varlink_reply(TAKE(server->kept), NULL);
    assert_int_equal(server->served, count);
    for (size_t i = 0; i < count + 1; i++)
        EXPECT(server, fd, "{\"parameters\":{}}");
}

static void oneway_is_done_and_not_answered(void **state)
{
    struct server *server = *state;
    int fd = connect_to(server);

    SEND(server, fd,
         "{\"method\":\"io.test.Empty\",\"oneway\":true}\0"
         "{\"method\":\"io.test.Fail\",\"oneway\":true}\0"
         "{\"method\":\"io.test.NoSuch\",\"oneway\":true}\0"
         "{\"method\":\"io.test.Echo\",\"parameters\":{\"text\":\"1\"}}");
    EXPECT(server, fd, "{\"parameters\":{\"text\":\"1\"}}");
    assert_int_equal(server->served, 2);
    assert_nothing(server, fd);
}

static void more_gives_several_replies_and_a_last_one(void **state)
{
    struct server *server = *state;
    int fd = connect_to(server);

    SEND(server, fd, "{\"method\":\"io.test.Stream\",\"more\":true}");
    EXPECT(server, fd, "{\"continues\":true,\"parameters\":{\"number\":1}}");
    EXPECT(server, fd, "{\"continues\":true,\"parameters\":{\"number\":2}}");
    EXPECT(server, fd, "{\"parameters\":{}}");
    SEND(server, fd, "{\"method\":\"io.test.Stream\"}");
    EXPECT(server, fd, "{\"error\":\"org.varlink.service.ExpectedMore\",\"parameters\":{}}");
    SEND(server, fd, "{\"method\":\"io.test.Empty\",\"more\":true}"); /* one reply is fine, too */
    EXPECT(server, fd, "{\"parameters\":{}}");
}

static void mistakes_have_names(void **state)
{
    static const struct {
        const char *request, *reply;
    } rows[] = {
        {"{\"method\":\"io.test.NoSuch\"}",
         "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{\"method\":\"io.test.NoSuch\"}}"},
        {"{\"method\":\"io.test.echo\"}",
         "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{\"method\":\"io.test.echo\"}}"},
        {"{\"method\":\"io.other.Echo\"}",
         "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":\"io.other\"}}"},
        {"{\"method\":\"io.tes.Echo\"}",
         "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":\"io.tes\"}}"},
        {"{\"method\":\"Echo\"}",
         "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":\"\"}}"},
        {"{\"method\":\"io.test.\"}",
         "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{\"method\":\"io.test.\"}}"},
        {"{\"method\":\"io.test.Echo\"}",
         "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"text\"}}"},
        {"{\"method\":\"io.test.Echo\",\"parameters\":{\"text\":1}}",
         "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"text\"}}"},
        {"{\"method\":\"io.test.Echo\",\"parameters\":{\"text\":null}}",
         "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"text\"}}"},
        {"{\"method\":\"io.test.Echo\",\"parameters\":{\"text\":\"a\",\"txt\":\"b\"}}",
         "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"txt\"}}"},
        {"{\"method\":\"io.test.Echo\",\"parameters\":{\"text\":\"a\",\"number\":\"3\"}}",
         "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"number\"}}"},
        {"{\"method\":\"io.test.Echo\",\"parameters\":{\"text\":\"a\",\"number\":null}}",
         "{\"parameters\":{\"number\":null,\"text\":\"a\"}}"},
        {"{\"method\":\"io.test.Empty\",\"parameters\":{\"text\":\"a\"}}",
         "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"text\"}}"},
        {"{\"method\":\"io.test.Empty\",\"parameters\":null}", "{\"parameters\":{}}"},
        {"{\"method\":\"org.varlink.service.GetInterfaceDescription\"}",
         "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"interface\"}}"},
        {"{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"io.x\"}"
         "}",
         "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":\"io.x\"}}"},
    };
    struct server *server = *state;
    int fd = connect_to(server);

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        send_bytes(server, fd, rows[i].request, strlen(rows[i].request) + 1);
        EXPECT(server, fd, rows[i].reply);
    }
}

static void the_service_describes_itself(void **state)
{
    struct server *server = *state;
    struct json_object *reply CLEANUP_JS = NULL;
    int fd = connect_to(server);

    SEND(server, fd, "{\"method\":\"org.varlink.service.GetInfo\"}");
    EXPECT(server, fd,
           "{\"parameters\":{\"interfaces\":[\"org.varlink.service\",\"io.test\"],\"product\":\"p\",\"url\":"
           "\"u\","
           "\"vendor\":\"v\",\"version\":\"1\"}}");
    SEND(server, fd,
         "{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"io."
         "test\"}}");
    EXPECT(server, fd, "{\"parameters\":{\"description\":\"interface io.test\\n\"}}");
    SEND(server, fd,
         "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
         "\"parameters\":{\"interface\":\"org.varlink.service\"}}");
    assert_int_equal(js_parse_text(receive(server, fd), &reply, NULL), 0);
    assert_non_null(strstr(js_text(reply, "parameters.description"), "interface org.varlink.service\n"));
}

static void a_guarded_method_asks_who_it_is(void **state)
{
    struct server *server = *state;
    int fd = connect_to(server);

    server->denies = true;
    SEND(server, fd, "{\"method\":\"io.test.Guarded\"}");
    assert_true(str_starts(receive(server, fd), "{\"error\":\"io.test.NotAllowed\""));
    assert_int_equal(server->served, 0);
    assert_int_equal(server->asked.uid, geteuid());
    assert_int_equal(server->asked.gid, getegid());
    assert_int_equal(server->asked.pid, getpid());
    SEND(server, fd, "{\"method\":\"io.test.Empty\"}"); /* and goes on */
    EXPECT(server, fd, "{\"parameters\":{}}");
    server->denies = false;
    SEND(server, fd, "{\"method\":\"io.test.Guarded\"}");
    EXPECT(server, fd, "{\"parameters\":{}}");
}

/* ---- misbehaviour ---- */

static void garbage_ends_the_connection_and_no_other(void **state)
{
    static const char *const garbage[] = {
        "",
        "x",
        "{",
        "[]",
        "1",
        "null",
        "\"io.test.Empty\"",
        "{}",
        "{\"method\":1}",
        "{\"method\":null}",
        "{\"method\":\"io.test.Empty\",\"parameters\":[]}",
        "{\"method\":\"io.test.Empty\",\"parameters\":1}",
        "{\"method\":\"io.test.Empty\"}x",
        "{\"method\":\"io.test.Empty\",\"method\":\"io.test.Empty\"}",
        "{\"method\":\"\xff\"}",
    };
    struct server *server = *state;
    int good = connect_to(server);

    for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
        int fd = connect_to(server);

        send_bytes(server, fd, garbage[i], strlen(garbage[i]) + 1);
        if (!str_equal(receive(server, fd), "closed"))
            fail_msg("%s: %s", garbage[i], server->message ? server->message : "nothing");
        SEND(server, good, "{\"method\":\"io.test.Empty\"}");
        EXPECT(server, good, "{\"parameters\":{}}");
    }
}

static void what_came_before_the_garbage_is_answered(void **state)
{
    struct server *server = *state;
    int fd = connect_to(server);

    SEND(server, fd, "{\"method\":\"io.test.Empty\"}\0garbage\0{\"method\":\"io.test.Empty\"}");
    EXPECT(server, fd, "{\"parameters\":{}}");
    EXPECT(server, fd, "closed");
    assert_int_equal(server->served, 1);
}

static void deep_nesting_is_garbage(void **state)
{
    struct server *server = *state;
    int fd = connect_to(server);
    char deep[4096];

    memset(deep, '[', sizeof(deep));
    send_bytes(server, fd, deep, sizeof(deep));
    send_bytes(server, fd, "", 1);
    EXPECT(server, fd, "closed");
}

static void a_message_without_an_end_is_cut_off_at_a_mebibyte(void **state)
{
    struct server *server = *state;
    int fd = connect_to(server);
    size_t size = (1u << 20) + 1;
    char *data = malloc(size);

    assert_non_null(data);
    memset(data, ' ', size);
    send_bytes(server, fd, data, (1u << 20) - 200);
    assert_nothing(server, fd);
    SEND(server, fd, "{\"method\":\"io.test.Empty\"}"); /* white space before a message is fine */
    EXPECT(server, fd, "{\"parameters\":{}}");
    send_bytes(server, fd, data, size);
    EXPECT(server, fd, "closed");
    free(data);
}

static void requests_behind_a_kept_call_are_bounded_too(void **state)
{
    struct server *server = *state;
    int fd = connect_to(server);
    size_t size = 2u << 20;
    char *data = calloc(1, size);

    assert_non_null(data);
    SEND(server, fd, "{\"method\":\"io.test.Later\"}");
    send_bytes(server, fd, data, size);
    free(data);
    EXPECT(server, fd, "closed");
    assert_int_equal(server->gone, 1);
}

static void a_client_that_goes_away_is_told_of_once(void **state)
{
    struct server *server = *state;
    int fd = connect_to(server);

    SEND(server, fd, "{\"method\":\"io.test.Later\"}");
    assert_non_null(server->kept);
    close(fd);
    server->clients[0] = -1;
    pump(server);
    assert_int_equal(server->gone, 1);
    assert_null(server->kept);
    pump(server);
    assert_int_equal(server->gone, 1);
}

static void closing_the_server_tells_those_who_keep_calls(void **state)
{
    struct server *server = *state;
    int fd = connect_to(server), idle = connect_to(server);

    SEND(server, fd, "{\"method\":\"io.test.Later\"}");
    varlink_close(server->varlink);
    assert_int_equal(server->gone, 1);
    assert_int_equal(uv_run(&server->loop, UV_RUN_DEFAULT), 0);
    server->varlink = varlink_free(server->varlink);
    EXPECT(server, fd, "closed");
    EXPECT(server, idle, "closed");
}

static void a_big_answer_arrives_whole(void **state)
{
    struct server *server = *state;
    int fd = connect_to(server);

    SEND(server, fd, "{\"method\":\"io.test.Big\",\"parameters\":{\"size\":3000000}}");
    assert_true(strlen(receive(server, fd) ? server->message : "") > 3000000);
    SEND(server, fd, "{\"method\":\"io.test.Empty\"}");
    EXPECT(server, fd, "{\"parameters\":{}}");
}

static void who_does_not_read_is_cut_off(void **state)
{
    struct server *server = *state;
    int fd = connect_to(server);
    unsigned char rest[4096];
    ssize_t n, total = 0;

    for (int i = 0; i < 12; i++) {
        SEND(server, fd, "{\"method\":\"io.test.Big\",\"parameters\":{\"size\":1000000}}");
        pump(server);
    }
    while ((n = recv(fd, rest, sizeof(rest), 0)) > 0)
        total += n;
    assert_true(n == 0 || errno == ECONNRESET); /* closed, not merely empty */
    assert_true(total < 8000000);
}

static void a_stream_to_a_reader_that_stopped_ends_with_gone(void **state)
{
    struct server *server = *state;
    int fd = connect_to(server);
    struct json_object *event;
    char *text = malloc(1000001);

    assert_non_null(text);
    memset(text, 'x', 1000000);
    text[1000000] = '\0';
    SEND(server, fd, "{\"method\":\"io.test.Later\",\"more\":true}");
    for (int i = 0; i < 20 && server->kept; i++) {
        event = json_object_new_object();
        (void)js_set_text(event, "event", text);
        varlink_continue(server->kept, event);
    }
    free(text);
    assert_null(server->kept);
    assert_int_equal(server->gone, 1);
}

static void too_many_connections_are_turned_away(void **state)
{
    struct server *server = *state;
    int first = connect_to(server), last = -1;

    for (int i = 0; i < 260; i++)
        last = connect_to(server);
    EXPECT(server, last, "closed");
    SEND(server, first, "{\"method\":\"io.test.Empty\"}");
    EXPECT(server, first, "{\"parameters\":{}}");
    close(first);
    server->clients[0] = -1;
    pump(server);
    last = connect_to(server); /* there is room for one again */
    SEND(server, last, "{\"method\":\"io.test.Empty\"}");
    EXPECT(server, last, "{\"parameters\":{}}");
}

/* ---- the path ---- */

static void shut(struct server *server)
{
    varlink_close(server->varlink);
    (void)uv_run(&server->loop, UV_RUN_DEFAULT);
    server->varlink = varlink_free(server->varlink);
}

static void a_stale_socket_is_replaced_and_a_live_one_is_not(void **state)
{
    struct server *server = *state;
    struct varlink *second = NULL;
    struct err err CLEANUP_ERR = {0};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    assert_int_equal(varlink_open(&server->loop, server->path, -1, &server->service, &second, &err),
                     -EADDRINUSE);
    assert_non_null(strstr(err_text(&err), "another daemon answers"));
    varlink_close(second);
    pump(server);
    second = varlink_free(second);
    assert_int_equal(access(server->path, F_OK), 0); /* it is not the second one's to take away */

    shut(server);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(address.sun_path, server->path, strlen(server->path) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd); /* a daemon that was killed leaves this */
    assert_int_equal(listen_at(server, NULL), 0);
    (void)connect_to(server);
}

static void a_path_that_is_no_socket_or_too_long_is_refused(void **state)
{
    struct server *server = *state;
    struct err err CLEANUP_ERR = {0};
    char *real = strdup(server->path);
    FILE *file;

    shut(server);
    file = fopen(server->path, "we");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(listen_at(server, &err), -EEXIST);
    assert_non_null(strstr(err_text(&err), "is no socket"));
    assert_int_equal(access(server->path, F_OK), 0);
    (void)unlink(server->path);
    {
        char long_path[200];
        struct varlink *varlink = NULL;

        memset(long_path, 'x', sizeof(long_path) - 1);
        long_path[sizeof(long_path) - 1] = '\0';
        assert_int_equal(varlink_open(&server->loop, long_path, -1, &server->service, &varlink, &err),
                         -ENAMETOOLONG);
        varlink_close(varlink);
        (void)uv_run(&server->loop, UV_RUN_DEFAULT);
        varlink_free(varlink);
    }
    free(real);
}

static void everybody_may_connect(void **state)
{
    struct server *server = *state;
    struct stat info;

    assert_int_equal(stat(server->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0666);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_call_is_answered),
        CASE(a_call_may_come_byte_by_byte),
        CASE(calls_in_one_write_are_answered_in_order),
        CASE(a_kept_call_holds_back_what_comes_behind_it),
        CASE(many_calls_in_one_write_do_not_grow_the_stack),
        CASE(oneway_is_done_and_not_answered),
        CASE(more_gives_several_replies_and_a_last_one),
        CASE(mistakes_have_names),
        CASE(the_service_describes_itself),
        CASE(a_guarded_method_asks_who_it_is),
        CASE(garbage_ends_the_connection_and_no_other),
        CASE(what_came_before_the_garbage_is_answered),
        CASE(deep_nesting_is_garbage),
        CASE(a_message_without_an_end_is_cut_off_at_a_mebibyte),
        CASE(requests_behind_a_kept_call_are_bounded_too),
        CASE(a_client_that_goes_away_is_told_of_once),
        CASE(closing_the_server_tells_those_who_keep_calls),
        CASE(a_big_answer_arrives_whole),
        CASE(who_does_not_read_is_cut_off),
        CASE(a_stream_to_a_reader_that_stopped_ends_with_gone),
        CASE(too_many_connections_are_turned_away),
        CASE(a_stale_socket_is_replaced_and_a_live_one_is_not),
        CASE(a_path_that_is_no_socket_or_too_long_is_refused),
        CASE(everybody_may_connect),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
