/* SPDX-License-Identifier: MIT */
/* RFC 3339 in UTC with microseconds, both directions. */
#include "core/base/timefmt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TIME_MIN_SEC (-62135596800LL) /* 0001-01-01T00:00:00Z */
#define TIME_MAX_SEC 253402300799LL   /* 9999-12-31T23:59:59Z */

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
    unsigned hours, minutes;
    int used = 0;

    *ret_sec = 0;
    if ((*p == 'Z' || *p == 'z') && !p[1])
        return 0;
    if ((*p != '+' && *p != '-') || sscanf(p + 1, "%2u:%2u%n", &hours, &minutes, &used) != 2 ||
        used != 5 || p[6] || hours > 23 || minutes > 59)
        return -EINVAL;
    *ret_sec = (int64_t)(hours * 3600 + minutes * 60) * (*p == '-' ? -1 : 1);
    return 0;
}

int time_from_rfc3339(const char *text, int64_t *ret_usec)
{
    char day[20];
    struct tm tm = {0};
    int64_t fraction, offset;
    const char *end;
    time_t sec;
    int day_of_month;

    if (strnlen(text, 20) < 20 || (text[10] != 'T' && text[10] != 't'))
        return -EINVAL;
    memcpy(day, text, 19);
    day[10] = 'T';
    day[19] = '\0';
    end = strptime(day, "%Y-%m-%dT%H:%M:%S", &tm);
    text = parse_fraction(text + 19, &fraction);
    if (!end || *end || !text || parse_offset(text, &offset) < 0)
        return -EINVAL;
    day_of_month = tm.tm_mday;
    sec = timegm(&tm); /* makes a 1st of July of a 31st of June, which strptime lets pass */
    if (tm.tm_mday != day_of_month || strspn(day, "0123456789-T:") != 19)
        return -EINVAL;
    *ret_usec = ((int64_t)sec - offset) * 1000000 + fraction;
    return 0;
}
