/*
 * log.c: where a log line goes: the journal, stderr or a sink.
 *
 * sd_journal_sendv() says 0 even when there is no journal, so it is used only
 * where JOURNAL_STREAM proves that our stderr leads to one. What a line looks
 * like is in log_format.c. A line that can not be built for want of memory is
 * shown bare: losing the layout is better than losing the message.
 */
#define SD_JOURNAL_SUPPRESS_LOCATION /* "log.c" would be the location of every entry */

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#include "common/log-internal.h"

#define STDERR_WAIT_MS 100

static struct {
    enum log_format format;
    enum log_level max_level;
    bool to_journal; /* entries go by sd_journal_sendv */
    bool is_journal; /* stderr leads to the journal: a bare line needs its "<4>" */
    bool is_terminal;
    log_sink sink;
    void *sink_data;
} state = {.format = LOG_FORMAT_TEXT, .max_level = LOG_AT_INFO};

/* systemd puts device:inode of the journal's stream there; a redirected stderr has others. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat info;
    char *end;

    if (!stream || fstat(STDERR_FILENO, &info) < 0)
        return false;
    device = strtoull(stream, &end, 10);
    if (*end != ':')
        return false;
    inode = strtoull(end + 1, &end, 10);
    return *end == '\0' && device == info.st_dev && inode == info.st_ino;
}

void log_setup(enum log_format format, enum log_level max_level)
{
    assert((unsigned)format < LOG_FORMAT_MAX);
    assert(log_level_name(max_level));
    tzset(); /* reads a file: now rather than on a fiber */
    state.is_journal = stderr_is_journal();
    state.is_terminal = isatty(STDERR_FILENO);
    state.to_journal = state.is_journal && (format == LOG_FORMAT_AUTO || format == LOG_FORMAT_JOURNAL);
    state.format = format == LOG_FORMAT_JSON ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
    state.max_level = max_level;
}

int log_format_parse(const char *text, enum log_format *ret)
{
    static const char *const names[LOG_FORMAT_MAX] = {
        [LOG_FORMAT_AUTO] = "auto",
        [LOG_FORMAT_JOURNAL] = "journal",
        [LOG_FORMAT_TEXT] = "text",
        [LOG_FORMAT_JSON] = "json",
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (str_equal(text, names[i])) {
            *ret = (enum log_format)i;
            return 0;
        }
    }
    return -EINVAL;
}

int log_level_parse(const char *text, enum log_level *ret)
{
    for (int level = LOG_AT_CRITICAL; level <= LOG_AT_DEBUG; level++) {
        if (str_equal(text, log_level_name((enum log_level)level))) {
            *ret = (enum log_level)level;
            return 0;
        }
    }
    return -EINVAL;
}

void log_set_sink(log_sink sink, void *data)
{
    state.sink = sink;
    state.sink_data = data;
}

/* One write for a line, so that lines of several processes do not mix. What stderr does not take is lost. */
static void write_stderr(const char *text, size_t size)
{
    struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};

    while (size > 0) {
        ssize_t n = write(STDERR_FILENO, text, size);

        if (n >= 0) {
            text += n;
            size -= (size_t)n;
        } else if (errno == EAGAIN) {
            if (poll(&ready, 1, STDERR_WAIT_MS) <= 0)
                return;
        } else if (errno != EINTR) {
            return;
        }
    }
}

static int add_field(struct buf *text, size_t *ends, size_t *count, const char *name, const char *value)
{
    int r = buf_addf(text, "%s=%s", name, value);

    ends[(*count)++] = text->size;
    return r;
}

/* All fields one behind the other in @text, the end of each in @ends. */
static int journal_fields(const struct log_entry *entry, struct buf *text, size_t *ends, size_t *count)
{
    const char priority[] = {(char)('0' + entry->level), '\0'};

    (void)add_field(text, ends, count, "MESSAGE",
                    entry->message); /* a failed buffer stays failed: one check */
    (void)add_field(text, ends, count, "PRIORITY", priority);
    if (entry->message_id)
        (void)add_field(text, ends, count, "MESSAGE_ID", entry->message_id);
    for (size_t i = 0; i < entry->field_count; i++) {
        if (entry->fields[i].value)
            (void)add_field(text, ends, count, entry->fields[i].name, entry->fields[i].value);
    }
    return text->failed;
}

static int send_journal(const struct log_entry *entry)
{
    struct buf text CLEANUP_BUF = BUF_INIT(LOG_LINE_MAX_BYTES);
    struct iovec *parts CLEANUP_FREE = calloc(entry->field_count + 3, sizeof(*parts));
    size_t *ends CLEANUP_FREE = calloc(entry->field_count + 3, sizeof(*ends));
    size_t count = 0, start = 0;
    int r;

    if (!parts || !ends)
        return -ENOMEM;
    r = journal_fields(entry, &text, ends, &count);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        parts[i] = (struct iovec){.iov_base = text.data + start, .iov_len = ends[i] - start};
        start = ends[i];
    }
    return sd_journal_sendv(parts, (int)count);
}

static int format_line(struct buf *line, const struct log_entry *entry)
{
    struct log_entry bare = *entry;
    time_t now = time(NULL);
    int r;

    if (state.format != LOG_FORMAT_JSON)
        return log_format_text(line, entry, now, state.is_terminal);
    r = log_format_json(line, entry, now);
    if (r != -EMSGSIZE)
        return r;
    bare.field_count = 0;
    buf_reset(line);
    return log_format_json(line, &bare, now);
}

static void send_stderr(const struct log_entry *entry)
{
    struct buf line CLEANUP_BUF = BUF_INIT(LOG_LINE_MAX_BYTES);
    int r = 0;

    if (state.is_journal && state.format != LOG_FORMAT_JSON) {
        /* The journal stamps the time itself. */
        r = buf_addf(&line, "<%d>%s", (int)entry->level, entry->message);
    } else {
        r = format_line(&line, entry);
    }
    if (r == 0 && buf_add_char(&line, '\n') == 0) {
        write_stderr(line.data, line.size);
        return;
    }
    write_stderr(entry->message, strlen(entry->message));
    write_stderr("\n", 1);
}

static void send_sink(const struct log_entry *entry)
{
    struct buf line CLEANUP_BUF = BUF_INIT(LOG_LINE_MAX_BYTES);

    if (state.format == LOG_FORMAT_JSON && format_line(&line, entry) == 0)
        state.sink(state.sink_data, entry->level, buf_text(&line));
    else
        state.sink(state.sink_data, entry->level, entry->message);
}

void log_event(enum log_level level, const char *message_id, const char *message,
               const struct log_field *fields, size_t field_count)
{
    struct buf escaped CLEANUP_BUF = BUF_INIT(SIZE_MAX);
    struct log_entry entry = {
        .level = level, .message_id = message_id, .fields = fields, .field_count = field_count};

    assert(log_level_name(level));
    if (level > state.max_level)
        return;
    entry.message = log_escape(&escaped, message) == 0 ? buf_text(&escaped) : "out of memory";
    if (state.sink)
        send_sink(&entry);
    else if (!state.to_journal || send_journal(&entry) < 0)
        send_stderr(&entry);
}

void log_line(enum log_level level, const char *format, ...)
{
    char *message CLEANUP_FREE = NULL;
    va_list arguments;
    int r;

    if (level > state.max_level)
        return;
    va_start(arguments, format);
    r = vasprintf(&message, format, arguments);
    va_end(arguments);
    if (r < 0)
        message = NULL;
    log_event(level, NULL, message ? message : format, NULL, 0);
}

void log_err(enum log_level level, const struct err *err, const char *format, ...)
{
    const struct log_field fields[] = {
        {"MLOPSD_REQUEST_ID", err ? err->request_id : NULL},
        {"MLOPSD_ERROR_CODE", err ? err->wire_code : NULL},
    };
    char *context CLEANUP_FREE = NULL, *message CLEANUP_FREE = NULL;
    va_list arguments;
    int r;

    if (level > state.max_level)
        return;
    va_start(arguments, format);
    r = vasprintf(&context, format, arguments);
    va_end(arguments);
    if (r < 0)
        context = NULL;
    message = str_format("%s: %s", context ? context : format, err_text(err));
    log_event(level, NULL, message ? message : err_text(err), fields, ARRAY_SIZE(fields));
}
