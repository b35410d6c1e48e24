/*
 * clock_text.c: times as text: RFC 3339 out; ISO 8601, RFC 3339 and the dates
 * of HTTP in. All in UTC and in the Gregorian calendar, whatever TZ says.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"

/* Days since 1970-01-01. The year is counted from March, so that a leap day comes last. */
static int64_t days_from_date(int year, int month, int day)
{
    int64_t years = month <= 2 ? year - 1 : year;
    int64_t era = (years >= 0 ? years : years - 399) / 400;
    int64_t year_of_era = years - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

void clock_format_rfc3339(int64_t wall_ms, char *text, unsigned size)
{
    int milliseconds = (int)((wall_ms % 1000 + 1000) % 1000);
    int64_t seconds = wall_ms / 1000 - (wall_ms % 1000 < 0 ? 1 : 0);
    time_t when = (time_t)seconds;
    struct tm tm;
    int n;

    assert(size >= 21);
    if (!gmtime_r(&when, &tm) || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900) {
        memcpy(text, "0000-00-00T00:00:00Z", 21); /* out of what the format can say */
        return;
    }
    if (size >= 25)
        n = snprintf(text, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                     tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, milliseconds);
    else
        n = snprintf(text, size, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                     tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    assert(n > 0 && (unsigned)n < size);
}

/* Reading times: a cursor that becomes NULL at the first thing that does not fit. */
struct time_parts {
    int year, month, day, hour, minute, second, millisecond;
    int offset_minutes; /* east of UTC */
};

static const char *read_digits(const char *at, int count, int max, int *ret)
{
    int value = 0;

    for (int i = 0; at && i < count; i++) {
        if (*at < '0' || *at > '9')
            return NULL;
        value = value * 10 + (*at++ - '0');
    }
    if (!at || value > max)
        return NULL;
    *ret = value;
    return at;
}

static const char *read_char(const char *at, const char *one_of)
{
    return at && *at && strchr(one_of, *at) ? at + 1 : NULL;
}

/* ":" between two fields, where the first separator decided whether there are any. */
static const char *read_separator(const char *at, bool extended, char separator)
{
    if (!extended)
        return at;
    return at && *at == separator ? at + 1 : NULL;
}

static const char *read_fraction(const char *at, int *ret_millisecond)
{
    int scale = 100;

    if (!at || (*at != '.' && *at != ','))
        return at;
    at++;
    if (*at < '0' || *at > '9')
        return NULL;
    for (; *at >= '0' && *at <= '9'; at++) {
        *ret_millisecond += (*at - '0') * scale; /* digits after the third add nothing */
        scale /= 10;
    }
    return at;
}

/* "", "Z", "+hh", "+hhmm", "+hh:mm"; without one the time is UTC. */
static const char *read_offset(const char *at, int *ret_minutes)
{
    int hours = 0, minutes = 0;
    bool west;

    if (!at || !*at)
        return at;
    if (*at == 'Z' || *at == 'z')
        return at + 1;
    west = *at == '-';
    at = read_digits(read_char(at, "+-"), 2, 23, &hours);
    if (at && *at)
        at = read_digits(*at == ':' ? at + 1 : at, 2, 59, &minutes);
    *ret_minutes = (hours * 60 + minutes) * (west ? -1 : 1);
    return at;
}

/* "2026-11-22T17:31:05.25+01:00" and the basic form "20261122T173105Z". */
static const char *read_iso8601(const char *text, struct time_parts *parts)
{
    const char *at = read_digits(text, 4, 9999, &parts->year);
    bool extended = at && *at == '-';

    at = read_separator(at, extended, '-');
    at = read_digits(at, 2, 12, &parts->month);
    at = read_separator(at, extended, '-');
    at = read_digits(at, 2, 31, &parts->day);
    at = read_char(at, "Tt ");
    at = read_digits(at, 2, 23, &parts->hour);
    at = read_separator(at, extended, ':');
    at = read_digits(at, 2, 59, &parts->minute);
    at = read_separator(at, extended, ':');
    at = read_digits(at, 2, 60, &parts->second);
    at = read_fraction(at, &parts->millisecond);
    return read_offset(at, &parts->offset_minutes);
}

static const char *read_month_name(const char *at, int *ret_month)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (size_t i = 0; at && i < 12; i++) {
        if (strncmp(at, &names[3 * i], 3) == 0) {
            *ret_month = (int)i + 1;
            return at + 3;
        }
    }
    return NULL;
}

/* "Sun, 22 Nov 2026 17:31:05 GMT"; the name of the day is not checked against the date. */
static const char *read_rfc1123(const char *text, struct time_parts *parts)
{
    const char *at = strchr(text, ',');

    if (!at || at - text != 3)
        return NULL;
    at = read_digits(read_char(at + 1, " "), 2, 31, &parts->day);
    at = read_month_name(read_char(at, " -"), &parts->month);
    at = read_digits(read_char(at, " -"), 4, 9999, &parts->year);
    at = read_digits(read_char(at, " "), 2, 23, &parts->hour);
    at = read_digits(read_char(at, ":"), 2, 59, &parts->minute);
    at = read_digits(read_char(at, ":"), 2, 60, &parts->second);
    at = read_char(at, " ");
    if (!at)
        return NULL;
    if (strncmp(at, "GMT", 3) == 0 || strncmp(at, "UTC", 3) == 0)
        return at + 3;
    return *at ? read_offset(at, &parts->offset_minutes) : NULL;
}

static bool date_exists(const struct time_parts *parts)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = parts->year % 4 == 0 && (parts->year % 100 != 0 || parts->year % 400 == 0);

    if (parts->month < 1 || parts->month > 12 || parts->day < 1)
        return false;
    return parts->day <= days[parts->month - 1] + (parts->month == 2 && leap ? 1 : 0);
}

int clock_parse_time(const char *text, int64_t *ret_wall_ms)
{
    struct time_parts parts = {0};
    const char *end;
    int64_t minutes, hours;

    if (!text || !*text)
        return -EINVAL;
    end = *text >= '0' && *text <= '9' ? read_iso8601(text, &parts) : read_rfc1123(text, &parts);
    if (!end || *end || !date_exists(&parts))
        return -EINVAL;
    hours = days_from_date(parts.year, parts.month, parts.day) * 24 + parts.hour;
    minutes = hours * 60 + parts.minute - parts.offset_minutes;
    *ret_wall_ms = (minutes * 60 + parts.second) * 1000 + parts.millisecond;
    return 0;
}
