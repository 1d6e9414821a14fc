/* SPDX-License-Identifier: MIT */
/* Commit times: microseconds since 1970 UTC, written as RFC 3339 with six digits. */
#ifndef ROWFS_BASE_TIMEFMT_H
#define ROWFS_BASE_TIMEFMT_H

#include <stdint.h>

#define TIMEFMT_BYTES 27 /* "2026-11-22T18:15:59.000001Z" without the terminating NUL */

#define TIME_MIN_SEC (-62135596800LL) /* 0001-01-01T00:00:00Z */
#define TIME_MAX_SEC 253402300799LL   /* 9999-12-31T23:59:59Z */

int64_t time_now_usec(void);

/* Microseconds of a clock that is never set. */
int64_t time_monotonic_usec(void);

/* Years 0001 to 9999; a time outside is clamped to them. */
void time_to_text(int64_t usec, char ret_text[TIMEFMT_BYTES + 1]);

/* Exactly the form that time_to_text writes. Errors: -EINVAL. */
int time_from_text(const char *text, int64_t *ret_usec);

/*
 * Any time of RFC 3339, section 5.6: "2026-11-22T18:15:59Z", "2026-11-22t19:15:59.5+01:00".
 * What is finer than a microsecond is dropped. A leap second, 23:59:60, is the second behind it.
 * Errors: -EINVAL.
 */
int time_from_rfc3339(const char *text, int64_t *ret_usec);

#endif
