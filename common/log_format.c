/*
 * log_format.c: what a log line looks like, as text and as JSON. No I/O.
 *
 * Messages quote names that strangers chose. On a terminal such a name must
 * not move the cursor, hide text or pretend to be another line.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/log-internal.h"
#include "common/utf8.h"

static const char *const level_names[] = {
    [LOG_AT_CRITICAL] = "critical", [LOG_AT_ERROR] = "error", [LOG_AT_WARNING] = "warning",
    [LOG_AT_NOTICE] = "notice",     [LOG_AT_INFO] = "info",   [LOG_AT_DEBUG] = "debug",
};

const char *log_level_name(enum log_level level)
{
    return (unsigned)level < ARRAY_SIZE(level_names) ? level_names[level] : NULL;
}

int log_escape(struct buf *out, const char *message)
{
    size_t size = strlen(message), shown = size;
    int r;

    if (size > LOG_MESSAGE_MAX_BYTES) {
        shown = LOG_MESSAGE_MAX_BYTES;
        while (shown > 0 && ((unsigned char)message[shown] & 0xc0) == 0x80)
            shown--; /* not in the middle of a character */
    }
    r = utf8_add_visible(out, message, shown);
    if (r == 0 && shown < size)
        r = buf_add_text(out, "...");
    return r;
}

static int add_utc_time(struct buf *out, time_t now)
{
    char text[64];
    struct tm parts;

    if (!gmtime_r(&now, &parts) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        return buf_add_text(out, "-");
    return buf_add_text(out, text);
}

static int add_local_time(struct buf *out, time_t now)
{
    struct tm parts;

    if (!localtime_r(&now, &parts))
        return buf_add_text(out, "-");
    return buf_addf(out, "%02d:%02d:%02d", parts.tm_hour, parts.tm_min, parts.tm_sec);
}

int log_format_text(struct buf *out, const struct log_entry *entry, time_t now, bool is_terminal)
{
    if (is_terminal)
        (void)add_local_time(out, now);
    else
        (void)add_utc_time(out, now);
    return buf_addf(out, " %s %s", log_level_name(entry->level),
                    entry->message); /* sees earlier failures too */
}

/* A JSON string; bytes that are no UTF-8 become U+FFFD, since a reader would refuse the whole line. */
static void add_json_text(struct buf *out, const char *text)
{
    size_t size = strlen(text);

    (void)buf_add_char(out, '"'); /* here and below: a failed buffer stays failed, the end looks */
    for (size_t at = 0; at < size;) {
        uint32_t point = 0;
        size_t length = utf8_length(text + at, size - at, &point);

        if (length == 0)
            (void)buf_add_text(out, "\xef\xbf\xbd");
        else if (point == '"' || point == '\\')
            (void)buf_addf(out, "\\%c", (int)point);
        else if (utf8_is_risky(point))
            (void)buf_addf(out, "\\u%04x", point);
        else
            (void)buf_add(out, text + at, length);
        at += length ? length : 1;
    }
    (void)buf_add_char(out, '"');
}

static void add_json_member(struct buf *out, const char *name, const char *value)
{
    (void)buf_add_text(out, ",\"");
    for (; *name; name++)
        (void)buf_add_char(out, *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name);
    (void)buf_add_text(out, "\":");
    add_json_text(out, value);
}

/* The journal takes a name twice, a JSON object must not. */
static bool is_repeated(const struct log_entry *entry, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (entry->fields[i].value && str_equal_nocase(entry->fields[i].name, entry->fields[index].name))
            return true;
    }
    return false;
}

static void add_json_fields(struct buf *out, const struct log_entry *entry)
{
    for (size_t i = 0; i < entry->field_count; i++) {
        const struct log_field *field = &entry->fields[i];

        if (field->value && !is_repeated(entry, i))
            add_json_member(out, field->name, field->value);
    }
}

int log_format_json(struct buf *out, const struct log_entry *entry, time_t now)
{
    (void)buf_add_text(out, "{\"time\":\"");
    (void)add_utc_time(out, now);
    (void)buf_addf(out, "\",\"level\":\"%s\",\"message\":", log_level_name(entry->level));
    add_json_text(out, entry->message);
    if (entry->message_id)
        add_json_member(out, "message_id", entry->message_id);
    add_json_fields(out, entry);
    return buf_add_char(out, '}');
}
