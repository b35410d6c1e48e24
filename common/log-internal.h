/*
 * log-internal.h: between log.c (where a line goes) and log_format.c (what it looks like).
 */
#ifndef MLOPSD_COMMON_LOG_INTERNAL_H
#define MLOPSD_COMMON_LOG_INTERNAL_H

#include <stdbool.h>
#include <time.h>

#include "common/log.h"
#include "common/str.h"

/* A longer message is cut; a longer JSON line loses its fields. */
#define LOG_MESSAGE_MAX_BYTES 16384
#define LOG_LINE_MAX_BYTES    (1024UL * 1024)

struct log_entry {
    enum log_level level;
    const char *message_id; /* may be NULL */
    const char *message;    /* escaped */
    const struct log_field *fields;
    size_t field_count;
};

/** Append @message with everything that could move a cursor or break a line made visible. */
int log_escape(struct buf *out, const char *message);
/** "17:31:05 warning text" for a terminal, else "2026-11-22T17:31:05Z warning text". No newline. */
int log_format_text(struct buf *out, const struct log_entry *entry, time_t now, bool is_terminal);
/** One JSON object, without newline. */
int log_format_json(struct buf *out, const struct log_entry *entry, time_t now);
/** "error"; never NULL for a valid level. */
const char *log_level_name(enum log_level level);

#endif
