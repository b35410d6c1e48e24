/*
 * err.c: one failure, its class and its story.
 *
 * Leaves to callers: what the text says, and keeping secrets out of it.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"

static const char *const class_names[ERR_CLASS_MAX] = {
    [ERR_RETRY] = "retry",       [ERR_THROTTLED] = "throttled", [ERR_CREDENTIALS] = "credentials",
    [ERR_DENIED] = "denied",     [ERR_ABSENT] = "absent",       [ERR_EXISTS] = "exists",
    [ERR_BUSY] = "busy",         [ERR_NOT_YET] = "not_yet",     [ERR_INVALID] = "invalid",
    [ERR_CONFLICT] = "conflict", [ERR_LIMIT] = "limit",         [ERR_CANCELED] = "canceled",
    [ERR_BUG] = "bug",
};

int err_set(struct err *err, int code, enum err_class class, const char *format, ...)
{
    va_list arguments;
    char *text;
    int r;

    assert(code < 0);
    assert((unsigned)class < ERR_CLASS_MAX);
    if (!err)
        return code;
    /* Format before releasing: an argument may be the old text. */
    va_start(arguments, format);
    r = vasprintf(&text, format, arguments);
    va_end(arguments);
    err_done(err);
    err->code = code;
    err->class = class;
    err->text = r < 0 ? NULL : text;
    return code;
}

int err_wrap(struct err *err, int code, const char *format, ...)
{
    char *context CLEANUP_FREE = NULL;
    va_list arguments;
    char *text;
    int r;

    assert(code < 0);
    if (!err)
        return code;
    /* An err that nobody filled still ends up with the caller's code. */
    if (err->code == 0)
        err->code = code;
    va_start(arguments, format);
    r = vasprintf(&context, format, arguments);
    va_end(arguments);
    if (r < 0) {
        context = NULL;
        return err->code; /* the bare text is better than none */
    }
    if (asprintf(&text, "%s: %s", context, err_text(err)) < 0)
        return err->code;
    free(err->text);
    err->text = text;
    return err->code;
}

int err_no_memory(struct err *err)
{
    if (err) {
        err_done(err);
        err->code = -ENOMEM;
        err->class = ERR_RETRY;
    }
    return -ENOMEM;
}

const char *err_text(const struct err *err)
{
    const char *description;

    if (!err)
        return "unknown error";
    if (err->text)
        return err->text;
    if (err->code == -ENOMEM)
        return "out of memory";
    description = strerrordesc_np(-err->code);
    return description ? description : "unknown error";
}

void err_move(struct err *to, struct err *from)
{
    if (to == from)
        return;
    err_done(to);
    *to = *from;
    memset(from, 0, sizeof(*from));
}

static char *copy_text(const char *text)
{
    return text ? strdup(text) : NULL;
}

void err_copy(struct err *to, const struct err *from)
{
    if (to == from)
        return;
    err_done(to);
    *to = *from;
    to->text = copy_text(from->text);
    to->wire_code = copy_text(from->wire_code);
    to->request_id = copy_text(from->request_id);
}

void err_done(struct err *err)
{
    if (!err)
        return;
    free(err->text);
    free(err->wire_code);
    free(err->request_id);
    memset(err, 0, sizeof(*err));
}

const char *err_class_name(enum err_class class)
{
    return (unsigned)class < ERR_CLASS_MAX ? class_names[class] : NULL;
}
