/*
 * mlflow_tracking_server.c: an MLflow server as its users reach it: made by others, looked at here.
 *
 * /health stays green while the API is locked (it asks no database, and is exempt from the check of the host name), so
 * both are asked. While it has never answered it is only not ready yet; once it has, a server that answers wrongly
 * is missing, and one that does not answer at all is unknown: nothing is done about either, people are told.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "kinds/registry-internal.h"

#define ANSWER_MAX   (256u << 10)
#define TIMEOUT_MS   15000
#define SEARCH       "/api/2.0/mlflow/experiments/search"
#define SEARCH_BODY  "{\"max_results\":1}"
#define HOST_REFUSED "DNS rebinding"
#define AT_ONCE      4

static bool accepts_url(const char *text)
{
    return strstr(text, "${") || ((str_starts(text, "http://") || str_starts(text, "https://")) &&
                                  !strchr(text, '?') && !strchr(text, '#') && !str_ends(text, "/"));
}

static const struct field fields[] = {
    {
        .name = "url",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY,
        .pattern = "http:// or https://, a host and no slash at the end",
        .accepts = accepts_url,
        .doc = "Where its users reach it.",
    },
    {0},
};

static const struct attribute attributes[] = {
    {.name = "tracking_uri", .type = FIELD_STRING, .doc = "The URL, known once the server answers there."},
    {.name = "version", .type = FIELD_STRING, .doc = "Version of MLflow."},
    {.name = "health", .type = FIELD_STRING, .doc = "What /health says."},
    {0},
};

/* ---- asking ---- */

/* What one look found out. */
struct visit {
    char *version;  /* owned; NULL = not told */
    char *trouble;  /* owned; why it is of no use yet; NULL = it answers */
    bool is_silent; /* nothing came back at all */
    struct err err;
};

static void visit_done(struct visit *visit)
{
    free(visit->version);
    free(visit->trouble);
    err_done(&visit->err);
}

/* May wait. */
static int ask(struct kind_batch *batch, const char *url, const char *path, const char *body,
               struct http_answer *ret, struct err *err)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    char *whole CLEANUP_FREE = str_format("%s%s", url, path);
    struct http_request request = {
        .method = body ? "POST" : "GET",
        .url = whole,
        .headers = body ? headers : NULL,
        .body = body,
        .body_size = body ? strlen(body) : 0,
        .timeout_ms = TIMEOUT_MS,
        .max_answer_bytes = ANSWER_MAX,
        .fresh = true, /* a kept connection may lead to a server that is gone */
    };

    if (!whole)
        return err_no_memory(err);
    if (!batch->clouds.http)
        return err_set(err, -EINVAL, ERR_BUG, "there is nothing to ask with");
    return http_fetch(batch->clouds.http, &request, ret, err);
}

/* Why an answer is no success; owned. */
static char *refusal(const char *path, const struct http_answer *answer)
{
    if (answer->status == 403 && strstr(answer->body, HOST_REFUSED))
        return str_format(
            "/health answers, the API refuses the host name: it is not among the server's allowed "
            "hosts (--allowed-hosts)");
    if (answer->status == 401)
        return str_format("%s wants a login (401), and none is configured here", path);
    if (answer->status >= 500 && str_equal(path, SEARCH)) /* /health is green: it runs */
        return str_format("%s answers %d: the server runs, but does it reach its database? (see its log)",
                          path, answer->status);
    return str_format("%s answers %d", path, answer->status);
}

/* One call that must succeed; else @visit has the reason. May wait. */
static bool is_answered(struct kind_batch *batch, struct visit *visit, const char *url, const char *path,
                        const char *body)
{
    struct http_answer answer CLEANUP_ANSWER = {0};
    int r = ask(batch, url, path, body, &answer, &visit->err);

    if (r < 0) {
        visit->is_silent = true;
        visit->trouble = str_format("%s does not answer: %s", path, err_text(&visit->err));
        return false;
    }
    if (answer.status == 200)
        return true;
    visit->trouble = refusal(path, &answer);
    return false;
}

/* An extra: a server with a login does not tell. But one that just answered and now does not is no good. May wait. */
static bool ask_version(struct kind_batch *batch, struct visit *visit, const char *url)
{
    struct http_answer answer CLEANUP_ANSWER = {0};
    int r = ask(batch, url, "/version", NULL, &answer, &visit->err);

    if (r == 0 && answer.status == 200)
        visit->version = strndup(answer.body, strcspn(answer.body, "\r\n"));
    if (r < 0)
        visit->trouble = str_format("/version does not answer: %s", err_text(&visit->err));
    visit->is_silent = r < 0;
    return r == 0;
}

/* ---- reporting ---- */

static void report_answering(struct kind_item *item, const struct visit *visit, const char *url)
{
    struct json_object *observed = params_new("url", url, "tracking_uri", url, "health", "OK", NULL);
    struct err err CLEANUP_ERR = {0};

    params_text(&observed, "version", visit->version);
    if (observed) {
        batch_present(item, url, observed);
    } else {
        (void)err_no_memory(&err);
        batch_unknown(item, &err);
    }
}

/* Never seen in order: it is on its way. */
static void report_not_ready(struct kind_item *item, const struct visit *visit, const char *url)
{
    struct json_object *observed = params_new("url", url, NULL);
    struct err err CLEANUP_ERR = {0};

    if (observed) {
        batch_settling(item, url, observed, visit->trouble);
    } else {
        (void)err_no_memory(&err);
        batch_unknown(item, &err);
    }
}

static void report_lost(struct kind_item *item, struct visit *visit)
{
    if (visit->is_silent)
        batch_unknown(item, &visit->err);
    else
        batch_useless(item, visit->trouble);
}

static void look_at(struct kind_batch *batch, struct kind_item *item)
{
    const char *url = js_text(item->desired, "url");
    struct visit visit CLEANUP(visit_done) = {0};

    if (is_answered(batch, &visit, url, "/health", NULL) &&
        is_answered(batch, &visit, url, SEARCH, SEARCH_BODY) && ask_version(batch, &visit, url)) {
        report_answering(item, &visit, url);
    } else if (str_equal(item->id, url)) {
        report_lost(item, &visit);
    } else {
        report_not_ready(item, &visit, url);
    }
}

static int observe(struct kind_batch *batch)
{
    return batch_each(batch, AT_ONCE, look_at);
}

const struct kind mlflow_tracking_server_kind = {
    .type = "mlflow_tracking_server",
    .provider = PROVIDER_NONE,
    .flags = KIND_OBSERVED,
    .doc = "An MLflow server as its users reach it; looked at, never changed.",
    .fields = fields,
    .attributes = attributes,
    .pace = {.first_look_ms = 5000, .every_ms = 5000, .give_up_ms = 900000, .grace_ms = 0, .usual_ms = 60000},
    .observe = observe,
};
