/*
 * exchanges.c: what bare libcurl needs for the exchanges of a pass: requests that are ready and signed, over kept
 * connections, eight at once to a host, all answers thrown away. The price below which no client on libcurl gets.
 *
 *   exchanges PASSES < requests      one JSON object a line: {"method", "url", "headers", "body"}
 *   -> milliseconds of CPU a pass
 *
 * A tool of the bench, compiled by it: not a part of the program, and not careful about memory.
 */
#include <curl/curl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#define REQUESTS_MAX 512
#define AT_ONCE      8
#define WARM_PASSES  3

struct bench {
    CURLM *multi;
    int epoll;
    long timeout_ms; /* libcurl's, taken once; -1 = none */
    CURL *requests[REQUESTS_MAX];
    size_t count, failed;
};

static size_t throw_away(char *data, size_t one, size_t count, void *user)
{
    (void)data;
    (void)user;
    return one * count;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known)
{
    struct bench *bench = user;
    struct epoll_event event = {.data.fd = fd};

    (void)easy;
    if (what & CURL_POLL_IN)
        event.events |= EPOLLIN;
    if (what & CURL_POLL_OUT)
        event.events |= EPOLLOUT;
    if (what == CURL_POLL_REMOVE)
        (void)epoll_ctl(bench->epoll, EPOLL_CTL_DEL, fd, NULL); /* perhaps it is closed already */
    else if (epoll_ctl(bench->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0)
        return -1;
    curl_multi_assign(bench->multi, fd, what == CURL_POLL_REMOVE ? NULL : bench);
    return 0;
}

static int on_timeout(CURLM *multi, long timeout_ms, void *user)
{
    struct bench *bench = user;

    (void)multi;
    bench->timeout_ms = timeout_ms;
    return 0;
}

static const char *text(struct json_object *request, const char *key)
{
    return json_object_get_string(json_object_object_get(request, key));
}

static CURL *prepare(const char *line)
{
    struct json_object *request = json_tokener_parse(line);
    struct json_object *headers = json_object_object_get(request, "headers");
    struct curl_slist *list = NULL;
    CURL *easy = curl_easy_init();

    for (size_t i = 0; i < json_object_array_length(headers); i++)
        list = curl_slist_append(list, json_object_get_string(json_object_array_get_idx(headers, i)));
    curl_easy_setopt(easy, CURLOPT_URL, text(request, "url"));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, throw_away);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER,
                     0L); /* the sandbox's own authority; cheaper than to verify */
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    if (strcmp(text(request, "method"), "POST") == 0)
        curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, text(request, "body"));
    json_object_put(request);
    return easy;
}

static void wait_and_act(struct bench *bench)
{
    struct epoll_event events[16];
    int running, count = epoll_wait(bench->epoll, events, 16, (int)bench->timeout_ms);

    if (count <= 0) {
        bench->timeout_ms = -1;
        curl_multi_socket_action(bench->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    for (int i = 0; i < count; i++) {
        int in = events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0;
        int out = events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0;

        curl_multi_socket_action(bench->multi, events[i].data.fd, in | out, &running);
    }
}

static void one_pass(struct bench *bench)
{
    size_t sent = 0, done = 0;

    while (done < bench->count) {
        CURLMsg *message;
        int left;

        while (sent < bench->count && sent - done < AT_ONCE)
            curl_multi_add_handle(bench->multi, bench->requests[sent++]);
        wait_and_act(bench);
        while ((message = curl_multi_info_read(bench->multi, &left))) {
            long status = 0;

            curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
            bench->failed += message->data.result != CURLE_OK || status < 200 || status >= 500;
            curl_multi_remove_handle(bench->multi, message->easy_handle);
            done++;
        }
    }
}

static double cpu_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
    struct bench bench = {.timeout_ms = -1};
    int passes = argc > 1 ? atoi(argv[1]) : 20;
    char *line = NULL;
    size_t size = 0;
    double start;

    curl_global_init(CURL_GLOBAL_ALL);
    bench.multi = curl_multi_init();
    bench.epoll = epoll_create1(EPOLL_CLOEXEC);
    curl_multi_setopt(bench.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(bench.multi, CURLMOPT_SOCKETDATA, &bench);
    curl_multi_setopt(bench.multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(bench.multi, CURLMOPT_TIMERDATA, &bench);
    while (bench.count < REQUESTS_MAX && getline(&line, &size, stdin) > 0)
        bench.requests[bench.count++] = prepare(line);
    for (int i = 0; i < WARM_PASSES; i++)
        one_pass(&bench);
    start = cpu_ms();
    for (int i = 0; i < passes; i++)
        one_pass(&bench);
    printf("%.3f\n", (cpu_ms() - start) / passes);
    return bench.failed > 0 || bench.count == 0;
}
