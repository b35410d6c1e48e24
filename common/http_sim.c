/*
 * http_sim.c: a transport without a network: a function answers, a clock says
 * when. The request reaches the function at once, so what it does is done also
 * when the answer comes too late or the call is canceled: as with a real server.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/http-internal.h"
#include "common/http.h"
#include "common/macro.h"

struct sim_call {
    struct http_call *call;
    struct clock *clock;
    struct clock_timer timer;
    struct http_answer answer;
    int result; /* 0, or how it failed */
    char *host;
};

static void sim_call_free(struct sim_call *sim_call)
{
    http_answer_done(&sim_call->answer);
    free(sim_call->host);
    free(sim_call);
}

static void deliver(struct clock_timer *timer)
{
    struct sim_call *sim_call = container_of(timer, struct sim_call, timer);
    struct err err = {0};

    if (sim_call->result < 0) {
        http_error(&err, sim_call->result, sim_call->host, "simulated");
        http_call_finish(sim_call->call, NULL, &err);
    } else {
        http_call_finish(sim_call->call, &sim_call->answer, NULL);
    }
    sim_call_free(sim_call);
}

/* Hold the answer to what the real transport promises. */
static int tidy_answer(struct http_answer *answer, const struct http_request *request)
{
    if (answer->body_size > http_max_answer_bytes(request) || answer->header_count > HTTP_HEADERS_MAX)
        return -EMSGSIZE;
    for (size_t i = 0; i < answer->header_count; i++) {
        for (const char *c = answer->headers[i].name; *c; c++)
            assert(*c < 'A' || *c > 'Z'); /* the handler's part: http_answer_add_header() does it */
    }
    return answer->body ? 0 : http_answer_set_body(answer, "", 0);
}

static int sim_start(struct http *http, struct http_call *call, const struct http_request *request,
                     struct err *err)
{
    struct http_sim *sim = container_of(http, struct http_sim, http);
    struct sim_call *sim_call = calloc(1, sizeof(*sim_call));
    uint64_t delay_ms = 0;

    if (!sim_call)
        return err_no_memory(err);
    sim_call->host = http_url_host(request->url);
    if (!sim_call->host) {
        sim_call_free(sim_call);
        return err_no_memory(err);
    }
    sim_call->call = call;
    sim_call->clock = sim->clock;
    sim->calls++;
    sim_call->result = sim->handler(sim->data, request, &sim_call->answer, &delay_ms);
    if (sim_call->result == 0)
        sim_call->result = tidy_answer(&sim_call->answer, request);
    if (delay_ms > http_timeout_ms(request) || sim_call->result == -ETIMEDOUT) {
        delay_ms = http_timeout_ms(request);
        sim_call->result = -ETIMEDOUT;
    }
    call->transport = sim_call;
    clock_start(sim->clock, &sim_call->timer, delay_ms, deliver);
    return 0;
}

static void sim_cancel(struct http *http, struct http_call *call)
{
    struct sim_call *sim_call = call->transport;

    (void)http; /* all is in the call */
    sim_call->result = -ECANCELED;
    clock_start(sim_call->clock, &sim_call->timer, 0, deliver);
}

void http_sim_init(struct http_sim *sim, struct clock *clock, http_sim_handler handler, void *data)
{
    *sim = (struct http_sim){
        .http = {.start = sim_start, .cancel = sim_cancel},
        .clock = clock,
        .handler = handler,
        .data = data,
    };
}
