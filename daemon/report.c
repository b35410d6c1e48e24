/*
 * report.c: say what happened, once, to all who listen: the history in the
 * store, the journal with its fields, and whoever watches live.
 */
#include <stdarg.h>

#include "common/js.h"
#include "common/log.h"
#include "common/str.h"
#include "daemon/daemon.h"

#define DETAIL_MAX 4000

unsigned report_patience(enum err_class class)
{
    bool passing = class == ERR_RETRY || class == ERR_THROTTLED || class == ERR_CANCELED;

    return passing ? 3 : 1;
}

static enum log_level level_of(const struct report *what)
{
    if (what->event != EVENT_DRIFT || !what->severity)
        return event_infos[what->event].level;
    if (str_equal(what->severity, severity_name(SEVERITY_CRITICAL)))
        return LOG_AT_CRITICAL;
    return str_equal(what->severity, severity_name(SEVERITY_WARNING)) ? LOG_AT_WARNING : LOG_AT_NOTICE;
}

static void to_journal(const struct platform *platform, const struct report *what, const char *detail)
{
    const struct event_info *info = &event_infos[what->event];
    char *line CLEANUP_FREE = NULL;
    const struct log_field fields[] = {
        {"MLOPSD_PLATFORM", platform->name}, {"MLOPSD_RESOURCE", what->address},
        {"MLOPSD_FIELD", what->field},       {"MLOPSD_DESIRED", what->desired},
        {"MLOPSD_OBSERVED", what->observed}, {"MLOPSD_SEVERITY", what->severity},
        {"MLOPSD_EVENT", info->name},        {"MLOPSD_REQUEST_ID", what->request_id},
    };

    line = what->address ? str_format("%s: %s: %s: %s", platform->name, info->name, what->address, detail)
                         : str_format("%s: %s: %s", platform->name, info->name, detail);
    log_event(level_of(what), info->message_id, line ? line : detail, fields, ARRAY_SIZE(fields));
}

void report(struct platform *platform, const struct report *what, const char *format, ...)
{
    struct daemon *daemon = platform->daemon;
    int64_t now_ms = clock_wall_ms(daemon->clock);
    struct buf detail CLEANUP_BUF = BUF_INIT(DETAIL_MAX);
    struct err err CLEANUP_ERR = {0};
    va_list arguments;

    va_start(arguments, format);
    if (buf_vaddf(&detail, format, arguments) < 0)
        (void)buf_add_text(&detail, "(the text was too long)"); /* the fields still tell */
    va_end(arguments);

    if (event_infos[what->event].kept && daemon->mode != RUN_ONCE_PLAN &&
        event_add(daemon->store, now_ms, platform->name, what->address, event_infos[what->event].name,
                  buf_text(&detail), &err) < 0)
        log_err(LOG_AT_WARNING, &err, "the history could not be written");
    to_journal(platform, what, buf_text(&detail));
    for (struct watcher *w = daemon->watchers, *next; w; w = next) {
        next = w->next;
        w->event(w, platform, what, now_ms, buf_text(&detail));
    }
}
