/*
 * refusal.c: see refusal.h. Texts from the daemon are escaped: they end on a terminal.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/str.h"
#include "ctl/refusal.h"
#include "view/view.h"

#define TEXT_MAX 4096

static const struct error_row {
    const char *name;
    int code;
    enum err_class class;
    const char *before;    /* "there is no platform " */
    const char *parameter; /* text put after it; NULL = none */
    const char *after;
    const char *list; /* array or text shown at the end: "(known: a, b)" */
    const char *list_word;
} rows[] = {
    {"io.mlopsd.NoSuchPlatform", -ENOENT, ERR_ABSENT, "there is no platform ", "platform", "", "known",
     "known"},
    {"io.mlopsd.WhichPlatform", -EINVAL, ERR_INVALID,
     "there are several platforms: choose one with --platform NAME", NULL, "", "known", "known"},
    {"io.mlopsd.NoSuchResource", -ENOENT, ERR_ABSENT, "there is no resource ", "address", "", "suggestion",
     "did you mean"},
    {"io.mlopsd.NoSuchOutput", -ENOENT, ERR_ABSENT, "there is no output ", "name", "", "known", "known"},
    {"io.mlopsd.NotAllowed", -EPERM, ERR_DENIED, "you may not do this: ", "why", "", NULL, NULL},
    {"io.mlopsd.NotNow", -EBUSY, ERR_BUSY, "not now: ", "why", "", NULL, NULL},
    {"io.mlopsd.Failed", -EIO, ERR_RETRY, "", "why", "", NULL, NULL},
    {"org.varlink.service.MethodNotFound", -EOPNOTSUPP, ERR_INVALID, "this mlopsd does not know ", "method",
     ": mlopsctl and mlopsd are of different versions", NULL, NULL},
    {"org.varlink.service.MethodNotImplemented", -EOPNOTSUPP, ERR_INVALID, "this mlopsd does not offer ",
     "method", "", NULL, NULL},
    {"org.varlink.service.InterfaceNotFound", -EOPNOTSUPP, ERR_INVALID,
     "what answers is not mlopsd: it does not offer ", "interface", "", NULL, NULL},
    {"org.varlink.service.InvalidParameter", -EINVAL, ERR_INVALID, "mlopsd does not accept ", "parameter",
     ": mlopsctl and mlopsd may be of different versions", NULL, NULL},
    {"org.varlink.service.PermissionDenied", -EPERM, ERR_DENIED, "you may not do this", NULL, "", NULL, NULL},
    {"org.varlink.service.ExpectedMore", -EINVAL, ERR_BUG, "this call has several answers", NULL, "", NULL,
     NULL},
};

static void add_escaped(struct buf *out, const char *text)
{
    char *escaped CLEANUP_FREE = view_escape(text);

    (void)buf_add_text(out, escaped ? escaped : "");
}

static void add_list(struct buf *out, const char *word, struct json_object *list)
{
    size_t count = js_count(list, NULL);

    if (json_object_is_type(list, json_type_string)) {
        (void)buf_addf(out, " (%s ", word);
        add_escaped(out, json_object_get_string(list));
        (void)buf_add_text(out, "?)");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (i == 0)
            (void)buf_addf(out, " (%s: ", word);
        else
            (void)buf_add_text(out, ", ");
        add_escaped(out, json_object_get_string(js_at(list, i)));
    }
    if (count > 0)
        (void)buf_add_char(out, ')');
}

static int known_error(const struct error_row *row, struct json_object *parameters, struct err *err)
{
    struct buf text CLEANUP_BUF = BUF_INIT(TEXT_MAX);
    const char *value = row->parameter ? js_text(parameters, row->parameter) : NULL;

    (void)buf_add_text(&text, row->before);
    if (row->parameter)
        add_escaped(&text, value ? value : "(it did not say what)");
    (void)buf_add_text(&text, row->after);
    if (row->list)
        add_list(&text, row->list_word, js_get(parameters, row->list));
    return err_set(err, row->code, row->class, "%s", text.failed ? row->name : buf_text(&text));
}

int refusal_err(const char *name, struct json_object *parameters, struct err *err)
{
    char *escaped CLEANUP_FREE = NULL;
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(rows) && r == 0; i++) {
        if (str_equal(name, rows[i].name))
            r = known_error(&rows[i], parameters, err);
    }
    escaped = view_escape(name ? name : "(no name)");
    if (r == 0)
        r = err_set(err, -EIO, ERR_BUG, "mlopsd answered with the error %s", escaped ? escaped : "");
    if (err)
        err->wire_code = TAKE(escaped);
    return r;
}
