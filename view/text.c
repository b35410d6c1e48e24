/*
 * text.c: escaping, colour, durations and times.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/js.h"
#include "common/utf8.h"
#include "view/view-internal.h"

#define SECOND_MS 1000
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24LL * HOUR_MS)

static const char *const escapes[] = {
    [STYLE_PLAIN] = "\033[0m", [STYLE_GOOD] = "\033[32m",    [STYLE_CHANGE] = "\033[33m",
    [STYLE_BAD] = "\033[31m",  [STYLE_SPECIAL] = "\033[36m", [STYLE_STRONG] = "\033[1m",
    [STYLE_DIM] = "\033[2m",
};

void view_style(const struct view *view, enum view_style style)
{
    if (view->color)
        (void)buf_add_text(view->out, escapes[style]);
}

/* What could move the cursor, change colours, or turn the direction of reading. */
static bool is_dangerous(uint32_t code_point)
{
    return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) ||
           (code_point >= 0x200b && code_point <= 0x200f) || (code_point >= 0x2028 && code_point <= 0x202e) ||
           (code_point >= 0x2066 && code_point <= 0x2069) || code_point == 0xfeff;
}

static void escape_bytes(struct buf *out, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '\n')
            (void)buf_add_text(out, "\\n");
        else if (bytes[i] == '\t')
            (void)buf_add_text(out, "\\t");
        else
            (void)buf_addf(out, "\\x%02x", (unsigned char)bytes[i]);
    }
}

static void escape_to(struct buf *out, const char *text)
{
    size_t left = strlen(text), length;
    uint32_t code_point = 0;

    while (left > 0) {
        length = utf8_length(text, left, &code_point);
        if (length == 0 || is_dangerous(code_point))
            escape_bytes(out, text, length ? length : 1);
        else
            (void)buf_add(out, text, length);
        length = length ? length : 1;
        text += length;
        left -= length;
    }
}

char *view_escape(const char *text)
{
    struct buf out CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);

    escape_to(&out, text ? text : "");
    return buf_take(&out);
}

void view_text(const struct view *view, const char *text)
{
    if (text)
        escape_to(view->out, text);
}

size_t view_columns(const char *text)
{
    return utf8_count(text, strlen(text));
}

void view_duration(int64_t duration_ms, char *text, size_t size)
{
    long long ms = duration_ms < 0 ? 0 : duration_ms;

    if (ms < MINUTE_MS)
        (void)snprintf(text, size, "%llds", ms / SECOND_MS);
    else if (ms < HOUR_MS)
        (void)snprintf(text, size, "%lldm%02llds", ms / MINUTE_MS, ms % MINUTE_MS / SECOND_MS);
    else if (ms < DAY_MS)
        (void)snprintf(text, size, "%lldh%02lldm", ms / HOUR_MS, ms % HOUR_MS / MINUTE_MS);
    else
        (void)snprintf(text, size, "%lldd%lldh", ms / DAY_MS, ms % DAY_MS / HOUR_MS);
}

void view_time(const struct view *view, const char *rfc3339, char *text, size_t size)
{
    int64_t wall_ms;
    time_t seconds, now = (time_t)(view->now_ms / SECOND_MS);
    struct tm then, today;

    text[0] = '\0';
    if (!rfc3339)
        return;
    if (clock_parse_time(rfc3339, &wall_ms) < 0) {
        char *escaped CLEANUP_FREE = view_escape(rfc3339);

        (void)snprintf(text, size, "%.24s", escaped ? escaped : "");
        return;
    }
    seconds = (time_t)(wall_ms / SECOND_MS);
    if (!localtime_r(&seconds, &then) || !localtime_r(&now, &today))
        return;
    if (strftime(text, size, then.tm_year == today.tm_year ? "%b %d %H:%M:%S" : "%Y-%m-%d %H:%M", &then) == 0)
        text[0] = '\0';
}

void view_addf(const struct view *view, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)buf_vaddf(view->out, format, arguments); /* a failure stays in the buffer */
    va_end(arguments);
}

void view_count(const struct view *view, size_t count, const char *one, const char *many)
{
    if (count == 0)
        view_addf(view, "no %s", many);
    else
        view_addf(view, "%zu %s", count, count == 1 ? one : many);
}

void view_age(const struct view *view, const char *rfc3339, char *text, size_t size)
{
    int64_t wall_ms;

    text[0] = '\0';
    if (rfc3339 && clock_parse_time(rfc3339, &wall_ms) == 0)
        view_duration(view->now_ms - wall_ms, text, size);
}

bool has_many_platforms(struct json_object *list)
{
    const char *first = js_text(js_at(list, 0), "platform");
    size_t count = js_count(list, NULL);

    for (size_t i = 1; i < count; i++) {
        if (!str_equal(js_text(js_at(list, i), "platform"), first))
            return true;
    }
    return false;
}
