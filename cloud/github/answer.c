/*
 * answer.c: what an answer of GitHub means. Pure: one answer in, a verdict, a
 * pause or an error out. What to do about it is limits.c's and client.c's.
 *
 * A 403 is three things: a limit, a lock-out after failed logins, or a missing
 * right; they are told apart here and nowhere else. A 404 counts as absence only when GitHub's own
 * JSON says so: a proxy's page proves nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cloud/github/github-internal.h"
#include "common/js.h"

#define MESSAGE_MAX    200u
#define ERRORS_MAX     5u
#define ERROR_BODY_MAX (64u << 10) /* longer ones are not read */

static bool is_json(const struct http_answer *answer)
{
    const char *type = http_answer_header(answer, "content-type");

    /* "application/json; charset=utf-8", "application/vnd.github+json" */
    return type && strcasestr(type, "json");
}

static struct json_object *error_body(const struct http_answer *answer)
{
    struct json_object *body = NULL;

    if (!is_json(answer) || answer->body_size > ERROR_BODY_MAX)
        return NULL;
    if (js_parse(answer->body, answer->body_size, &body, NULL) < 0)
        return NULL;
    if (!json_object_is_type(body, json_type_object)) {
        json_object_put(body);
        return NULL;
    }
    return body;
}

/* At most MESSAGE_MAX bytes, whole characters, on one line. */
static char *shortened(const char *text)
{
    size_t size = strnlen(text, MESSAGE_MAX + 1);
    char *copy;

    if (size > MESSAGE_MAX) {
        size = MESSAGE_MAX;
        while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
            size--;
    }
    copy = strndup(text, size);
    for (char *c = copy; c && *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    }
    return copy;
}

char *answer_message(const struct http_answer *answer)
{
    struct json_object *body CLEANUP_JS = error_body(answer);
    const char *message = js_text(body, "message");

    return message ? shortened(message) : NULL;
}

static bool header_is(const struct http_answer *answer, const char *name, const char *value)
{
    return str_equal(http_answer_header(answer, name), value);
}

static bool is_exhausted(const struct http_answer *answer)
{
    return header_is(answer, "x-ratelimit-remaining", "0");
}

static enum meaning forbidden_meaning(const struct http_answer *answer)
{
    char *message CLEANUP_FREE = answer_message(answer);

    if (http_answer_header(answer, "retry-after"))
        return MEANS_LIMIT;
    if (message && strcasestr(message, "login attempts"))
        return MEANS_LOGIN;
    if (message && (strcasestr(message, "rate limit") || strcasestr(message, "abuse detection")))
        return MEANS_LIMIT;
    /* The last call that the limit allowed can also be one for which the right is lacking. */
    if (is_exhausted(answer) && !(message && str_starts(message, "Resource not accessible")))
        return MEANS_LIMIT;
    return MEANS_FAILURE;
}

enum meaning answer_meaning(const struct http_answer *answer)
{
    switch (answer->status) {
    case 304:
        return MEANS_UNCHANGED;
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        return MEANS_MOVED;
    case 401:
        return MEANS_LOGIN;
    case 403:
        return forbidden_meaning(answer);
    case 429:
        return MEANS_LIMIT;
    default:
        return answer->status >= 200 && answer->status < 300 ? MEANS_SUCCESS : MEANS_FAILURE;
    }
}

/* ---- times ---- */

int64_t answer_date(const struct http_answer *answer)
{
    const char *date = http_answer_header(answer, "date");
    int64_t wall_ms;

    return date && clock_parse_time(date, &wall_ms) == 0 ? wall_ms : 0;
}

static uint64_t pause_until(int64_t wall_ms, int64_t server_wall_ms)
{
    if (wall_ms <= server_wall_ms)
        return 1000;
    if ((uint64_t)(wall_ms - server_wall_ms) > PAUSE_MAX_MS)
        return PAUSE_MAX_MS;
    return (uint64_t)(wall_ms - server_wall_ms);
}

/* Seconds, or an HTTP date. */
static uint64_t retry_after_ms(const char *text, int64_t server_wall_ms)
{
    long long seconds;
    int64_t wall_ms;
    int r;

    r = str_to_int64(text, 0, (long long)(PAUSE_MAX_MS / 1000), &seconds);
    if (r == 0)
        return seconds > 0 ? (uint64_t)seconds * 1000 : 1000;
    if (r == -ERANGE && text[0] != '-')
        return PAUSE_MAX_MS;
    if (server_wall_ms > 0 && clock_parse_time(text, &wall_ms) == 0)
        return pause_until(wall_ms, server_wall_ms);
    return 0;
}

uint64_t answer_exhausted_ms(const struct http_answer *answer, int64_t server_wall_ms)
{
    const char *reset = http_answer_header(answer, "x-ratelimit-reset");
    long long seconds;

    if (!is_exhausted(answer) || !reset || str_to_int64(reset, 0, INT64_MAX / 1000, &seconds) < 0)
        return 0;
    /* A second more: both clocks are cut to whole seconds. */
    return pause_until((int64_t)seconds * 1000, server_wall_ms) + 1000;
}

uint64_t answer_pause_ms(const struct http_answer *answer, int64_t server_wall_ms)
{
    const char *after = http_answer_header(answer, "retry-after");
    uint64_t pause_ms = after ? retry_after_ms(after, server_wall_ms) : 0;

    return pause_ms ? pause_ms : answer_exhausted_ms(answer, server_wall_ms);
}

/* "2027-01-31 17:00:00 UTC" or "... +0200": RFC 3339 with blanks, which clock_parse_time() does not read. */
int64_t answer_token_expires(const struct http_answer *answer)
{
    const char *text = http_answer_header(answer, "github-authentication-token-expiration");
    char *iso CLEANUP_FREE = NULL;
    int64_t wall_ms;
    const char *zone;

    if (!text)
        return 0;
    if (clock_parse_time(text, &wall_ms) == 0)
        return wall_ms;
    if (strlen(text) < 21 || strlen(text) > 30 || text[10] != ' ' || text[19] != ' ')
        return 0;
    zone = text + 20;
    if (strlen(zone) == 5 && (zone[0] == '+' || zone[0] == '-'))
        iso = str_format("%.10sT%.8s%.3s:%.2s", text, text + 11, zone, zone + 3);
    else if (str_equal(zone, "UTC"))
        iso = str_format("%.10sT%.8sZ", text, text + 11);
    return iso && clock_parse_time(iso, &wall_ms) == 0 ? wall_ms : 0;
}

/* ---- errors ---- */

/* ": secrets.key_id invalid" for each of the errors of a 422. */
static void add_validation(struct buf *text, struct json_object *body)
{
    struct json_object *errors = js_get(body, "errors");

    for (size_t i = 0; i < js_count(errors, NULL) && i < ERRORS_MAX; i++) {
        struct json_object *error = js_at(errors, i);
        const char *parts[] = {js_text(error, "resource"), js_text(error, "field"), js_text(error, "code"),
                               js_text(error, "message")};
        const char *separator = i ? "; " : ": ";

        if (json_object_is_type(error, json_type_string))
            parts[3] = json_object_get_string(error);
        for (size_t k = 0; k < ARRAY_SIZE(parts); k++) {
            char *part CLEANUP_FREE = parts[k] ? shortened(parts[k]) : NULL;

            if (part) {
                buf_addf(text, "%s%s", separator, part);
                separator = " ";
            }
        }
    }
}

static void add_rights(struct buf *text, const struct github_operation *operation,
                       const struct http_answer *answer)
{
    const char *accepted = http_answer_header(answer, "x-accepted-github-permissions");
    const char *scopes = http_answer_header(answer, "x-accepted-oauth-scopes");

    if (http_answer_header(answer, "x-github-sso")) {
        buf_add_text(text, "; the token is not authorised for the organization's single sign-on");
        return;
    }
    if (str_empty(accepted))
        accepted = scopes;
    if (!str_empty(accepted)) {
        char *shown CLEANUP_FREE = shortened(accepted);

        buf_addf(text, "; the call needs the permission %s", shown ? shown : operation->permission);
    } else {
        buf_addf(text, "; the call needs the permission \"%s\"", operation->permission);
    }
}

struct verdict {
    int status, code;
    enum err_class class;
    const char *text;
};

static const struct verdict verdicts[] = {
    {400, -EINVAL, ERR_INVALID, "bad request"},
    {401, -EACCES, ERR_CREDENTIALS, "the credentials are refused"},
    {403, -EPERM, ERR_DENIED, "access denied"},
    {404, -ENOENT, ERR_ABSENT, "not found"},
    {408, -EIO, ERR_RETRY, "time-out at the server"},
    {409, -EAGAIN, ERR_RETRY, "conflict"}, /* read again, decide anew */
    {410, -EINVAL, ERR_INVALID, "this version of the API is retired"},
    {422, -EINVAL, ERR_INVALID, "refused as invalid"},
    {429, -EAGAIN, ERR_THROTTLED, "rate limit"},
    {451, -EPERM, ERR_DENIED, "blocked for legal reasons"},
};

static struct verdict verdict_of(const struct http_answer *answer, enum meaning meaning, bool has_message)
{
    struct verdict v = {answer->status, -EIO, ERR_RETRY, "fault at the server"};

    if (answer->status >= 400 && answer->status < 500)
        v = (struct verdict){answer->status, -EINVAL, ERR_INVALID, "refused"};
    for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
        if (verdicts[i].status == answer->status)
            v = verdicts[i];
    }
    if (meaning == MEANS_LIMIT)
        v = (struct verdict){answer->status, -EAGAIN, ERR_THROTTLED, "rate limit"};
    else if (meaning == MEANS_LOGIN)
        v = (struct verdict){answer->status, -EACCES, ERR_CREDENTIALS, "the credentials are refused"};
    else if (v.class == ERR_ABSENT && !has_message)
        v = (struct verdict){answer->status, -EIO, ERR_RETRY, "not GitHub's own \"not found\""};
    return v;
}

int answer_error(const struct github_operation *operation, const struct http_answer *answer, struct err *err)
{
    struct buf text CLEANUP_BUF = BUF_INIT(8192); /* ERRORS_MAX errors of four long parts, and then some */
    struct json_object *body CLEANUP_JS = error_body(answer);
    const char *message = js_text(body, "message");
    enum meaning meaning = answer_meaning(answer);
    struct verdict v = verdict_of(answer, meaning, message != NULL);
    char *shown CLEANUP_FREE = message ? shortened(message) : NULL;

    buf_addf(&text, "%s (%d%s%s)", v.text, answer->status, shown ? " " : "", shown ? shown : "");
    if (answer->status == 422)
        add_validation(&text, body);
    else if (v.class == ERR_DENIED && answer->status == 403)
        add_rights(&text, operation, answer);
    err_set(err, v.code, v.class, "%s: %s", operation->name, buf_text(&text));
    if (err) {
        const char *after = http_answer_header(answer, "retry-after");

        (void)str_set(&err->wire_code, js_text(body, "errors.0.code")); /* a nicety: may stay NULL */
        (void)str_set(&err->request_id, http_answer_header(answer, "x-github-request-id"));
        if (after)
            err->retry_after_ms = (uint32_t)retry_after_ms(after, answer_date(answer));
    }
    return v.code;
}

/* A body that should have been JSON: a fault on the way, not a statement. */
static int unreadable(const struct github_operation *operation, const struct http_answer *answer,
                      const char *why, struct err *err)
{
    int r;

    r = err_set(err, -EIO, ERR_RETRY, "%s: the answer (%d) can not be read: %s", operation->name,
                answer->status, why);
    if (err)
        (void)str_set(&err->request_id, http_answer_header(answer, "x-github-request-id"));
    return r;
}

int answer_object(const struct github_operation *operation, const struct http_answer *answer,
                  const char *body, struct json_object **ret, struct err *err)
{
    struct json_object *object = NULL;
    struct err why CLEANUP_ERR = {0};
    int r;

    /* A 304 has no body and no type of its own. */
    if (answer->status != 304 && !is_json(answer))
        return unreadable(operation, answer, "no JSON", err);
    r = js_parse_text(body, &object, &why);
    if (r == -ENOMEM)
        return err_no_memory(err);
    if (r < 0)
        return unreadable(operation, answer, err_text(&why), err);
    if (!json_object_is_type(object, json_type_object)) {
        json_object_put(object);
        return unreadable(operation, answer, "no JSON object", err);
    }
    *ret = object;
    return 0;
}
