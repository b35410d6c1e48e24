/*
 * source.c: files, and complaints about them.
 *
 * A source keeps its text until the whole load is over, because every complaint
 * quotes the line it is about. What the text means is left to others.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "desired/desired-internal.h"

void report_init(struct report *report, struct problems *problems, struct problems *warnings)
{
    memset(report, 0, sizeof(*report));
    report->problems = problems;
    report->warnings = warnings;
    report->start = problems->count + problems->dropped;
}

/* The text of the file a place lies in: places carry the very pointer of their source's path. */
static const char *source_text(const struct report *report, const char *file)
{
    for (size_t i = 0; i < ARRAY_SIZE(report->sources); i++)
        if (report->sources[i] && report->sources[i]->path == file)
            return report->sources[i]->text;
    return NULL;
}

static void report_add(struct report *report, struct problems *list, struct place place, const char *source,
                       const char *format, va_list arguments)
{
    struct buf text CLEANUP_BUF = BUF_INIT(16 << 10);

    if (buf_vaddf(&text, format, arguments) < 0) {
        /* An over-long message is still a complaint: never let a mistake pass because of its words. */
        if (text.failed == -ENOMEM)
            report_no_memory(report);
        problems_add(list, place.file, place.mark, source, "a mistake whose description is too long");
        return;
    }
    problems_add(list, place.file, place.mark, source, "%s", buf_text(&text));
}

void report_problem(struct report *report, struct place place, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    report_add(report, report->problems, place, source_text(report, place.file), format, arguments);
    va_end(arguments);
}

void report_hidden(struct report *report, struct place place, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    report_add(report, report->problems, place, NULL, format, arguments);
    va_end(arguments);
}

void report_warning(struct report *report, struct place place, const char *format, ...)
{
    va_list arguments;

    if (!report->warnings)
        return;
    va_start(arguments, format);
    report_add(report, report->warnings, place, source_text(report, place.file), format, arguments);
    va_end(arguments);
}

void report_no_memory(struct report *report)
{
    report->failed = -ENOMEM;
}

size_t report_count(const struct report *report)
{
    return report->problems->count + report->problems->dropped - report->start;
}

int report_result(const struct report *report)
{
    if (report->failed < 0)
        return report->failed;
    return report_count(report) > 0 ? -EBADMSG : 0;
}

static void report_attach(struct report *report, const struct source *source)
{
    for (size_t i = 0; i < ARRAY_SIZE(report->sources); i++) {
        if (!report->sources[i] || report->sources[i] == source) {
            report->sources[i] = source;
            return;
        }
    }
}

int source_load(struct source *source, const char *path, struct report *report)
{
    struct err err CLEANUP_ERR = {0};
    size_t size = 0;
    int r;

    source->path = path;
    report_attach(report, source);
    r = file_read(path, FILE_MAX_BYTES, &source->text, &size, &err);
    if (r < 0) {
        report_problem(report, (struct place){path, {0, 0}}, "%s", err_text(&err));
        return r == -ENOMEM ? r : -EBADMSG;
    }
    return yml_parse(path, source->text, size, &source->root, report->problems);
}

void source_done(struct source *source)
{
    source->root = yml_free(source->root);
    free(source->text);
    memset(source, 0, sizeof(*source));
}
