/*
 * log.h: the one way to say something: to the journal with fields, or to
 * stderr as one line of text or JSON.
 *
 * Modules return errors; the engine and the commands log them, once.
 * Nothing secret may come here: callers pass fingerprints, never values.
 */
#ifndef MLOPSD_COMMON_LOG_H
#define MLOPSD_COMMON_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

/** syslog's numbers. */
enum log_level {
    LOG_AT_CRITICAL = 2,
    LOG_AT_ERROR = 3,
    LOG_AT_WARNING = 4,
    LOG_AT_NOTICE = 5,
    LOG_AT_INFO = 6,
    LOG_AT_DEBUG = 7
};

enum log_format {
    LOG_FORMAT_AUTO, /* the journal when stderr is connected to it, else text */
    LOG_FORMAT_JOURNAL,
    LOG_FORMAT_TEXT,
    LOG_FORMAT_JSON,
    LOG_FORMAT_MAX,
};

struct log_field {
    const char *name;  /* "MLOPSD_RESOURCE" */
    const char *value; /* NULL = leave the field out */
};

/** Before the first line: format and lowest level shown. Sends via sd_journal when stderr is the journal. */
void log_setup(enum log_format format, enum log_level max_level);
int log_format_parse(const char *text, enum log_format *ret); /* "auto", "journal", "text", "json" */
int log_level_parse(const char *text, enum log_level *ret);   /* "error" ... "debug" */

/** One line without extra fields. */
void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);
#define log_error(...)   log_line(LOG_AT_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_AT_WARNING, __VA_ARGS__)
#define log_notice(...)  log_line(LOG_AT_NOTICE, __VA_ARGS__)
#define log_info(...)    log_line(LOG_AT_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_AT_DEBUG, __VA_ARGS__)
/** "@context: err text", with the request id as a field. */
void log_err(enum log_level level, const struct err *err, const char *format, ...) PRINTF_LIKE(3, 4);

/**
 * One structured entry. @message_id: 32 hex digits, NULL for none; becomes
 * MESSAGE_ID. @fields are shown as fields in the journal, as members with
 * lower-case names in JSON; text lines carry the message only, so @message must tell the story alone.
 * Control characters in @message are escaped; fields are passed as they are.
 */
void log_event(enum log_level level, const char *message_id, const char *message,
               const struct log_field *fields, size_t field_count);

/**
 * Redirect lines to a function instead of stderr / journal (tests, --once); NULL restores.
 * @line: the message alone (no time, no level), or the JSON object in JSON format. No newline.
 */
typedef void (*log_sink)(void *data, enum log_level level, const char *line);
void log_set_sink(log_sink sink, void *data);

#endif
