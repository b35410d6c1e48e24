/*
 * answer.c: what an answer of the API server means. Pure: one answer in, an object or an error out.
 *
 * Refusals are "Status" objects. A 404 is an absence only when such a Status names the thing that is not there: a path
 * that the server does not serve and a proxy's page answer 404 too, and prove nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/kubernetes/kubernetes-internal.h"
#include "common/js.h"
#include "common/utf8.h"

#define STATUS_MAX      (256u << 10) /* longer refusals are not read */
#define MESSAGE_MAX     600u
#define CAUSE_MAX       160u
#define CAUSES_MAX      5u
#define RETRY_AFTER_MAX 86400 /* seconds */

static struct json_object *status_of(const struct http_answer *answer)
{
    struct json_object *body CLEANUP_JS = NULL;

    if (answer->body_size > STATUS_MAX || js_parse(answer->body, answer->body_size, &body, NULL) < 0)
        return NULL;
    return str_equal(js_text(body, "kind"), "Status") ? TAKE(body) : NULL;
}

struct verdict {
    int status, code;
    enum err_class class;
    const char *text; /* where the server said nothing */
};

static struct verdict verdict_of(int status)
{
    static const struct verdict verdicts[] = {
        {400, -EINVAL, ERR_INVALID, "bad request"},
        {401, -EACCES, ERR_NOT_YET, "the cluster does not know the daemon's role yet"},
        {403, -EPERM, ERR_DENIED, "access denied"},
        {404, -EINVAL, ERR_INVALID, "the cluster serves no such path"},
        {408, -EIO, ERR_RETRY, "time-out at the server"},
        {409, -EEXIST, ERR_CONFLICT, "conflict"},
        {410, -ESTALE, ERR_RETRY, "too old"},
        {413, -EMSGSIZE, ERR_LIMIT, "larger than the cluster takes"},
        {415, -EINVAL, ERR_BUG, "the type of the body is not taken"},
        {429, -EAGAIN, ERR_THROTTLED, "too many requests"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
        if (verdicts[i].status == status)
            return verdicts[i];
    }
    if (status >= 400 && status < 500)
        return (struct verdict){status, -EINVAL, ERR_INVALID, "refused"};
    return (struct verdict){status, -EIO, ERR_RETRY, "fault at the server"};
}

static bool has_cause(struct json_object *status, const char *reason)
{
    struct json_object *causes = js_get(status, "details.causes");

    for (size_t i = 0; i < js_count(causes, NULL); i++) {
        if (str_equal(js_text(js_at(causes, i), "reason"), reason))
            return true;
    }
    return false;
}

/* The verdict, with what only the Status can tell. */
static struct verdict refined(struct verdict v, struct json_object *status)
{
    if (v.status == 404 && str_equal(js_text(status, "reason"), "NotFound") &&
        !str_empty(js_text(status, "details.name")))
        return (struct verdict){404, -ENOENT, ERR_ABSENT, "not found"};
    if (v.class == ERR_DENIED && has_cause(status, "NamespaceTerminating"))
        return (struct verdict){403, -EAGAIN, ERR_NOT_YET, "the namespace is being deleted"};
    if (v.class == ERR_CONFLICT && str_equal(js_text(status, "reason"), "Conflict") &&
        js_count(status, "details.causes") == 0)
        return (struct verdict){409, -EAGAIN, ERR_BUSY, "changed by somebody at the same moment"};
    return v;
}

/* ---- words ---- */

/* Strangers' text, at most @max bytes of it, on one line. */
static void add_words(struct buf *out, const char *text, size_t max)
{
    size_t size = strnlen(text, max + 1);
    bool cut = size > max;

    if (cut) {
        size = max;
        while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
            size--;
    }
    (void)utf8_add_visible(out, text, size); /* a failed buffer stays failed; an error text may be short */
    if (cut)
        (void)buf_add_text(out, "...");
}

/* The causes that the server's sentence does not name already: " (FIELD: MESSAGE)"; only the fields when @quiet. */
static void add_causes(struct buf *out, struct json_object *status, const char *sentence, bool quiet)
{
    struct json_object *causes = js_get(status, "details.causes");
    unsigned told = 0;

    for (size_t i = 0; i < js_count(causes, NULL) && told < CAUSES_MAX; i++) {
        const char *field = js_text(js_at(causes, i), "field"),
                   *message = js_text(js_at(causes, i), "message");

        if (str_empty(field) || (sentence && strstr(sentence, field)))
            continue;
        (void)buf_add_text(out, told++ ? "; " : " (");
        add_words(out, field, CAUSE_MAX);
        if (!quiet && !str_empty(message)) {
            (void)buf_add_text(out, ": ");
            add_words(out, message, CAUSE_MAX);
        }
    }
    if (told > 0)
        (void)buf_add_char(out, ')');
}

static void add_reason(struct buf *out, const struct verdict *v, struct json_object *status, bool quiet)
{
    const char *sentence = quiet ? NULL : js_text(status, "message");
    const char *reason = js_text(status, "reason");

    if (!str_empty(sentence)) {
        add_words(out, sentence, MESSAGE_MAX);
    } else {
        (void)buf_add_text(out, v->text);
        if (!str_empty(reason)) {
            (void)buf_add_text(out, ": ");
            add_words(out, reason, CAUSE_MAX);
        }
    }
    add_causes(out, status, sentence, quiet);
    (void)buf_addf(out, " (%d)", v->status);
}

/* ---- verdicts ---- */

static uint32_t retry_after_ms(const struct http_answer *answer)
{
    const char *text = http_answer_header(answer, "retry-after");
    long long seconds = 0;

    if (!text || str_to_int64(text, 0, RETRY_AFTER_MAX, &seconds) < 0)
        return 0;
    return (uint32_t)seconds * 1000;
}

int kube_answer_error(const char *name, const struct http_answer *answer, bool quiet, struct err *err)
{
    struct json_object *status CLEANUP_JS = status_of(answer);
    struct verdict v = refined(verdict_of(answer->status), status);
    struct buf text CLEANUP_BUF = BUF_INIT(16384);

    /* Only what the server thinks of the values can quote them. */
    add_reason(&text, &v, status, quiet && v.class == ERR_INVALID);
    err_set(err, v.code, v.class, "%s: %s", name, text.failed ? v.text : buf_text(&text));
    if (err) { /* niceties: they may stay NULL */
        (void)str_set(&err->wire_code, js_text(status, "reason"));
        (void)str_set(&err->request_id, http_answer_header(answer, "audit-id"));
        err->retry_after_ms = retry_after_ms(answer);
    }
    return v.code;
}

int kube_answer_object(const char *name, const struct http_answer *answer, struct json_object **ret,
                       struct err *err)
{
    struct json_object *body CLEANUP_JS = NULL;
    struct err why CLEANUP_ERR = {0};
    int r;

    r = js_parse(answer->body, answer->body_size, &body, &why);
    if (r == -ENOMEM)
        return err_no_memory(err);
    if (r < 0)
        return err_set(err, -EIO, ERR_RETRY, "%s: the answer (%d) can not be read: %s", name, answer->status,
                       err_text(&why));
    if (!json_object_is_type(body, json_type_object))
        return err_set(err, -EIO, ERR_RETRY, "%s: the answer (%d) is no object", name, answer->status);
    *ret = TAKE(body);
    return 0;
}
