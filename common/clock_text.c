/*
 * clock_text.c: times as text: RFC 3339 out; ISO 8601, RFC 3339 and the dates
 * of HTTP in. All in UTC and in the Gregorian calendar, whatever TZ says.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

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

struct time_parts {
    int year, month, day, hour, minute, second, millisecond;
    int offset_minutes; /* east of UTC */
};

/* days_from_date() backwards. */
static void date_from_days(int64_t days, struct time_parts *parts)
{
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (year_of_era * 365 + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* 0 is March */

    parts->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    parts->month = (int)(month < 10 ? month + 3 : month - 9);
    parts->year = (int)(era * 400 + year_of_era + (parts->month <= 2));
}

/* What is left of *@count in whole @size, which go out; times before 1970 count from below. */
static int rest(int64_t *count, int size)
{
    int left = (int)((*count % size + size) % size);

    *count = (*count - left) / size;
    return left;
}

/* False outside of the years 0 to 9999. */
static bool split_time(int64_t wall_ms, struct time_parts *ret)
{
    static const int64_t from_ms = -62167219200000, to_ms = 253402300800000;

    if (wall_ms < from_ms || wall_ms >= to_ms)
        return false;
    ret->millisecond = rest(&wall_ms, 1000);
    ret->second = rest(&wall_ms, 60);
    ret->minute = rest(&wall_ms, 60);
    ret->hour = rest(&wall_ms, 24);
    date_from_days(wall_ms, ret);
    return true;
}

static char *write_digits(char *to, int count, int value)
{
    for (int i = count; i-- > 0; value /= 10)
        to[i] = (char)('0' + value % 10);
    return to + count;
}

/* A letter of a form, or what stands for itself. */
static char *write_field(char *to, char letter, const struct time_parts *parts)
{
    switch (letter) {
    case 'Y':
        return write_digits(to, 4, parts->year);
    case 'M':
        return write_digits(to, 2, parts->month);
    case 'D':
        return write_digits(to, 2, parts->day);
    case 'h':
        return write_digits(to, 2, parts->hour);
    case 'm':
        return write_digits(to, 2, parts->minute);
    case 's':
        return write_digits(to, 2, parts->second);
    case 'f':
        return write_digits(to, 3, parts->millisecond);
    default:
        *to = letter;
        return to + 1;
    }
}

/* By hand: printf() and strftime() take ten times as long, and a time stands in every signature. */
static void write_time(char *to, const char *form, const struct time_parts *parts)
{
    for (; *form; form++)
        to = write_field(to, *form, parts);
    *to = '\0';
}

void clock_format_rfc3339(int64_t wall_ms, char *text, unsigned size)
{
    struct time_parts parts;

    assert(size >= 21);
    if (split_time(wall_ms, &parts))
        write_time(text, size >= 25 ? "Y-M-DTh:m:s.fZ" : "Y-M-DTh:m:sZ", &parts);
    else
        memcpy(text, "0000-00-00T00:00:00Z", 21); /* out of what the format can say */
}

int clock_format_basic(int64_t wall_ms, char text[CLOCK_BASIC_SIZE])
{
    struct time_parts parts;

    if (!split_time(wall_ms, &parts))
        return -EOVERFLOW;
    write_time(text, "YMDThmsZ", &parts);
    return 0;
}

/* Reading times: a cursor that becomes NULL at the first thing that does not fit. */
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
