/* SPDX-License-Identifier: MIT */
/* RFC 3339 in UTC with microseconds, both directions. */
#include "core/base/timefmt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t time_now_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t time_monotonic_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void time_to_text(int64_t usec, char ret_text[TIMEFMT_BYTES + 1])
{
    int64_t frac = usec % 1000000;
    time_t sec = (time_t)(usec / 1000000);
    struct tm tm;
    char day[32];

    if (frac < 0) {
        frac += 1000000;
        sec--;
    }
    sec = sec < TIME_MIN_SEC ? TIME_MIN_SEC : sec > TIME_MAX_SEC ? TIME_MAX_SEC : sec;
    gmtime_r(&sec, &tm);
    snprintf(day, sizeof day, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
             tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    snprintf(ret_text, TIMEFMT_BYTES + 1, "%.19s.%06dZ", day, (int)(frac % 1000000));
}

int time_from_text(const char *text, int64_t *ret_usec)
{
    struct tm tm = {0};
    char again[TIMEFMT_BYTES + 1];
    int usec;
    int64_t value;

    if (strlen(text) != TIMEFMT_BYTES)
        return -EINVAL;
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%6dZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &usec) != 7)
        return -EINVAL;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    value = (int64_t)timegm(&tm) * 1000000 + usec;
    time_to_text(value, again); /* a 31st of June comes back as a 1st of July: not a time */
    if (strcmp(text, again) != 0)
        return -EINVAL;
    *ret_usec = value;
    return 0;
}

/* The number that `count` digits spell; -1: there is something else. */
static int read_digits(const char *p, int count)
{
    int value = 0;

    for (; count; count--, p++) {
        if (*p < '0' || *p > '9')
            return -1;
        value = value * 10 + (*p - '0');
    }
    return value;
}

static int days_in_month(int year, int month)
{
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
        return 29;
    return days[month - 1];
}

/* Days from 1970-01-01 on. */
static int64_t days_since_1970(int year, int month, int day)
{
    /* Years that begin in March have their leap day at the end; 400 years are 146097 days. */
    int64_t y = year + 400 - (month <= 2), m = (month + 9) % 12;

    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468 - 146097;
}

/* "2026-11-22": days since 1970. */
static int parse_day(const char *text, int64_t *ret_days)
{
    int year = read_digits(text, 4), month, day;

    if (year < 0 || text[4] != '-')
        return -EINVAL;
    month = read_digits(text + 5, 2);
    if (month < 1 || month > 12 || text[7] != '-')
        return -EINVAL;
    day = read_digits(text + 8, 2);
    if (day < 1 || day > days_in_month(year, month))
        return -EINVAL;
    *ret_days = days_since_1970(year, month, day);
    return 0;
}

/* "18:15": seconds. */
static int parse_minutes(const char *text, int64_t *ret_sec)
{
    int hours = read_digits(text, 2), minutes;

    if (hours < 0 || hours > 23 || text[2] != ':')
        return -EINVAL;
    minutes = read_digits(text + 3, 2);
    if (minutes < 0 || minutes > 59)
        return -EINVAL;
    *ret_sec = hours * 3600 + minutes * 60;
    return 0;
}

/* ".5": digits behind the point, as microseconds; none if there is no point. NULL: no digits. */
static const char *parse_fraction(const char *p, int64_t *ret_usec)
{
    int64_t unit = 100000;

    *ret_usec = 0;
    if (*p != '.')
        return p;
    if (p[1] < '0' || p[1] > '9')
        return NULL;
    for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
        *ret_usec += (*p - '0') * unit;
    return p;
}

/* "Z", "+01:00": seconds east of UTC. */
static int parse_offset(const char *p, int64_t *ret_sec)
{
    *ret_sec = 0;
    if ((*p == 'Z' || *p == 'z') && !p[1])
        return 0;
    if ((*p != '+' && *p != '-') || parse_minutes(p + 1, ret_sec) < 0 || p[6])
        return -EINVAL;
    if (*p == '-')
        *ret_sec = -*ret_sec;
    return 0;
}

/* By hand: strptime and sscanf let more pass, and timegm takes a lock of the whole process. */
int time_from_rfc3339(const char *text, int64_t *ret_usec)
{
    int64_t days, minutes, fraction, offset, sec;
    int seconds;

    if (strnlen(text, 20) < 20 || (text[10] != 'T' && text[10] != 't') || text[16] != ':' ||
        parse_day(text, &days) < 0 || parse_minutes(text + 11, &minutes) < 0)
        return -EINVAL;
    seconds = read_digits(text + 17, 2);
    text = parse_fraction(text + 19, &fraction);
    if (seconds < 0 || seconds > 60 || !text || parse_offset(text, &offset) < 0)
        return -EINVAL;
    sec = days * 86400 + minutes - offset;
    if (seconds == 60 && (sec + 60) % 86400 != 0)
        return -EINVAL; /* leap seconds are those before midnight, UTC */
    *ret_usec = (sec + seconds) * 1000000 + fraction;
    return 0;
}
