/*
 * test_varlink_client.c: the client's framing, against a socketpair and a socket that nobody serves.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/js.h"
#include "common/str.h"
#include "ctl/varlink_client.h"

struct pair {
    struct varlink_client *client;
    int server;
    struct err err;
    struct json_object *reply;
    bool continues;
};

static int setup(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    int fds[2];

    assert_non_null(pair);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    pair->client = varlink_client_new(fds[0]);
    pair->server = fds[1];
    assert_non_null(pair->client);
    *state = pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;

    pair->client = varlink_client_free(pair->client);
    if (pair->server >= 0)
        close(pair->server);
    err_done(&pair->err);
    json_object_put(pair->reply);
    free(pair);
    return 0;
}

/* The size counts the NUL of the literal: the end of the message. */
#define SERVE(pair, text) assert_int_equal(write((pair)->server, text, sizeof(text)), sizeof(text))

static int receive(struct pair *pair, int timeout_ms)
{
    json_object_put(pair->reply);
    pair->reply = NULL;
    err_done(&pair->err);
    return varlink_receive(pair->client, timeout_ms, &pair->reply, &pair->continues, &pair->err);
}

static void start(struct pair *pair, bool more)
{
    assert_int_equal(varlink_send(pair->client, "io.mlopsd.Test", NULL, more, NULL), 0);
}

static void call_is_one_object_and_a_nul(void **state)
{
    struct pair *pair = *state;
    struct json_object *parameters = json_object_new_object();
    char data[256] = "";
    ssize_t n;

    assert_int_equal(js_set_text(parameters, "platform", "a/b"), 0);
    assert_int_equal(varlink_send(pair->client, "io.mlopsd.Plan", parameters, true, NULL), 0);
    start(pair, false);
    n = read(pair->server, data, sizeof(data));
    assert_true(n > 0);
    assert_string_equal(
        data, "{\"method\":\"io.mlopsd.Plan\",\"more\":true,\"parameters\":{\"platform\":\"a/b\"}}");
    assert_string_equal(data + strlen(data) + 1, "{\"method\":\"io.mlopsd.Test\"}");
    assert_int_equal((size_t)n, strlen(data) + 1 + strlen(data + strlen(data) + 1) + 1);
}

static void answer_gives_its_parameters(void **state)
{
    struct pair *pair = *state;

    start(pair, false);
    SERVE(pair, "{\"parameters\":{\"version\":\"1\"}}");
    assert_int_equal(receive(pair, VARLINK_FOREVER), 1);
    assert_string_equal(js_text(pair->reply, "version"), "1");
    assert_false(pair->continues);
    SERVE(pair, "{}");
    assert_int_equal(receive(pair, VARLINK_FOREVER), 1);
    assert_true(json_object_is_type(pair->reply, json_type_object));
}

static void answer_may_come_in_pieces(void **state)
{
    static const char text[] = "{\"parameters\":{\"version\":\"2\"}}";
    struct pair *pair = *state;

    start(pair, false);
    for (size_t i = 0; i < sizeof(text); i++) {
        assert_int_equal(receive(pair, 0), 0);
        assert_int_equal(write(pair->server, text + i, 1), 1);
    }
    assert_int_equal(receive(pair, 0), 1);
    assert_string_equal(js_text(pair->reply, "version"), "2");
    SERVE(pair, "{}"); /* shorter than what was looked through before */
    assert_int_equal(receive(pair, 0), 1);
}

static void answers_may_come_together(void **state)
{
    static const char text[] =
        "{\"parameters\":{\"n\":1},\"continues\":true}\0{\"parameters\":{\"n\":2},\"continues\":"
        "true}\0{\"parameters\":{\"n\":3}}";
    struct pair *pair = *state;

    start(pair, true);
    SERVE(pair, text);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(receive(pair, VARLINK_FOREVER), 1);
        assert_int_equal(js_int(pair->reply, "n", 0), i);
        assert_int_equal(pair->continues, i < 3);
    }
    assert_int_equal(receive(pair, 0), 0);
}

static void answer_of_many_megabytes_is_taken(void **state)
{
    struct pair *pair = *state;
    size_t size = 5u << 20;
    char *text = malloc(size);
    int status;
    pid_t child;

    assert_non_null(text);
    memset(text, 'x', size);
    memcpy(text, "{\"parameters\":{\"a\":\"", 20);
    memcpy(text + size - 4, "\"}}", 4);
    start(pair, false);
    child = fork();
    if (child == 0) {
        size_t done = 0;
        ssize_t n;

        while (done < size && (n = write(pair->server, text + done, size - done)) > 0)
            done += (size_t)n;
        _exit(done == size ? 0 : 1);
    }
    assert_int_equal(receive(pair, VARLINK_FOREVER), 1);
    assert_int_equal(strlen(js_text(pair->reply, "a")), size - 24);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    free(text);
}

static void assert_answer(struct pair *pair, int code, const char *text)
{
    assert_int_equal(receive(pair, VARLINK_FOREVER), code);
    assert_null(pair->reply);
    assert_int_equal(pair->err.code, code);
    assert_string_equal(err_text(&pair->err), text);
}

static void errors_say_what_to_do(void **state)
{
    struct pair *pair = *state;

    start(pair, false);
    SERVE(pair, "{\"error\":\"io.mlopsd.WhichPlatform\",\"parameters\":{\"known\":[\"a\",\"b\"]}}");
    assert_answer(pair, -EINVAL,
                  "there are several platforms: choose one with --platform NAME (known: a, b)");
    assert_string_equal(pair->err.wire_code, "io.mlopsd.WhichPlatform");
    SERVE(pair, "{\"error\":\"io.mlopsd.NoSuchPlatform\",\"parameters\":{\"platform\":\"x\",\"known\":[]}}");
    assert_answer(pair, -ENOENT, "there is no platform x");
    SERVE(pair, "{\"error\":\"io.mlopsd.NoSuchResource\",\"parameters\":{\"address\":\"a.b\",\"suggestion\":"
                "\"a.c\"}}");
    assert_answer(pair, -ENOENT, "there is no resource a.b (did you mean a.c?)");
    SERVE(
        pair,
        "{\"error\":\"io.mlopsd.NoSuchResource\",\"parameters\":{\"address\":\"a.b\",\"suggestion\":null}}");
    assert_answer(pair, -ENOENT, "there is no resource a.b");
    SERVE(pair, "{\"error\":\"io.mlopsd.NotAllowed\",\"parameters\":{\"why\":\"join the group\\u001b[2J\"}}");
    assert_answer(pair, -EPERM, "you may not do this: join the group\\x1b[2J");
    SERVE(
        pair,
        "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{\"method\":\"io.mlopsd.Test\"}}");
    assert_answer(pair, -EOPNOTSUPP,
                  "this mlopsd does not know io.mlopsd.Test: mlopsctl and mlopsd are of different versions");
    SERVE(pair, "{\"error\":\"com.example.Odd\"}");
    assert_answer(pair, -EIO, "mlopsd answered with the error com.example.Odd");
    SERVE(pair, "{\"error\":\"io.mlopsd.Failed\"}");
    assert_answer(pair, -EIO, "(it did not say what)");
    SERVE(pair, "{\"error\":12}");
    assert_answer(pair, -EIO, "mlopsd answered with the error (no name)");
}

static void what_is_no_varlink_is_refused(void **state)
{
    static const char *const odd[] = {"HTTP/1.1 400 Bad Request",
                                      "",
                                      "[]",
                                      "null",
                                      "{\"parameters\":[]}",
                                      "{\"parameters\":{},\"continues\":true}",
                                      "{\"a\":1,\"a\":2}",
                                      "{\"a\":\xff}"};
    struct pair *pair = *state;

    start(pair, false);
    for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
        assert_int_equal(write(pair->server, odd[i], strlen(odd[i]) + 1), strlen(odd[i]) + 1);
        assert_answer(pair, -EBADMSG, "what answers at the socket is not mlopsd: see --socket");
    }
}

static void answer_without_end_is_refused(void **state)
{
    struct pair *pair = *state;
    int status, r;
    pid_t child;

    start(pair, false);
    child = fork();
    if (child == 0) {
        static char chunk[65536];

        varlink_client_free(pair->client); /* else this end keeps the other one alive */
        memset(chunk, 'x', sizeof(chunk));
        while (write(pair->server, chunk, sizeof(chunk)) > 0)
            ;
        _exit(0);
    }
    close(pair->server);
    pair->server = -1;
    r = receive(pair, VARLINK_FOREVER);
    pair->client = varlink_client_free(pair->client);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(r, -EMSGSIZE);
    assert_string_equal(err_text(&pair->err),
                        "the answer of mlopsd is over 64 MiB: ask for less (--platform, --limit)");
}

static void daemon_that_goes_away_is_noticed(void **state)
{
    struct pair *pair = *state;

    start(pair, false);
    assert_int_equal(write(pair->server, "{\"par", 5), 5);
    close(pair->server);
    pair->server = -1;
    assert_answer(pair, -ECONNRESET,
                  "mlopsd closed the connection before it answered: see journalctl -u mlopsd");
    assert_int_equal(varlink_send(pair->client, "io.mlopsd.Test", NULL, false, &pair->err), -ECONNRESET);
}

static void assert_unreachable(const char *path, int code, const char *part)
{
    struct varlink_client *client = NULL;
    struct err err = {0};

    assert_int_equal(varlink_client_open(path, &client, &err), code);
    assert_null(client);
    if (!strstr(err_text(&err), part))
        print_error("got: %s\n", err_text(&err));
    assert_non_null(strstr(err_text(&err), part));
    assert_non_null(strstr(err_text(&err), path));
    err_done(&err);
}

static void socket_that_can_not_be_reached_is_explained(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char directory[] = "/tmp/mlopsd-client-XXXXXX", path[64], longest[300];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/socket", directory);
    assert_unreachable(path, -ENOENT, "is the service running?");
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_unreachable(path, -ECONNREFUSED, "is the service running?"); /* left by a dead daemon */
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_unreachable(longest, -ENAMETOOLONG, "cannot reach mlopsd");
    close(fd);
    unlink(path);
    rmdir(directory);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(call_is_one_object_and_a_nul),
        CASE(answer_gives_its_parameters),
        CASE(answer_may_come_in_pieces),
        CASE(answers_may_come_together),
        CASE(answer_of_many_megabytes_is_taken),
        CASE(errors_say_what_to_do),
        CASE(what_is_no_varlink_is_refused),
        CASE(answer_without_end_is_refused),
        CASE(daemon_that_goes_away_is_noticed),
        cmocka_unit_test(socket_that_can_not_be_reached_is_explained),
    };

    signal(SIGPIPE, SIG_IGN);
    (void)alarm(60); /* a test that hangs must fail */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
