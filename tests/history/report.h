/* SPDX-License-Identifier: MIT */
/* What a checker has found: anomalies by name, each with its transactions in words. */
#ifndef ROWFS_TESTS_HISTORY_REPORT_H
#define ROWFS_TESTS_HISTORY_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "core/base/buf.h"

/* check.h says what each of them is, and why it must not happen. */
enum anomaly {
    ANOMALY_UNKNOWN_VALUE,
    ANOMALY_DUPLICATE_VALUE,
    ANOMALY_INCOMPATIBLE_ORDER,
    ANOMALY_INTERNAL,
    ANOMALY_NON_REPEATABLE_READ,
    ANOMALY_ABORTED_READ,
    ANOMALY_INTERMEDIATE_READ,
    ANOMALY_DIRTY_READ,
    ANOMALY_LOST_WRITE,
    ANOMALY_PARTIAL_COMMIT,
    ANOMALY_LOST_UPDATE,
    ANOMALY_DIRTY_WRITE,
    ANOMALY_CIRCULAR,
    ANOMALY_FRACTURED_READ,
    ANOMALY_READ_SKEW,
    ANOMALY_LONG_FORK,
    ANOMALY_WRITE_SKEW,
    ANOMALY_DEPENDENCY_CYCLE,
    ANOMALY_STALE_READ,
    ANOMALY_REAL_TIME,
    ANOMALY_VERSION_ORDER,
    ANOMALY_WRONG_LOG,
    ANOMALY_WRONG_AMOUNT,
    ANOMALY_WRONG_SUM,
    ANOMALY_NOBODY_ON_CALL,
    ANOMALY_COUNT
};

/* Static. */
const char *anomaly_name(enum anomaly anomaly);

#define REPORT_TEXTS 5 /* of each anomaly so many are described, the rest only counted */

/* Zeroed is empty. */
struct report {
    size_t counts[ANOMALY_COUNT];
    char *texts[ANOMALY_COUNT][REPORT_TEXTS];
};

void report_finish(struct report *report);

/* One more of them; the text is a sentence, or several lines. */
void report_add(struct report *report, enum anomaly anomaly, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

bool report_is_empty(const struct report *report);

/* Each line begins with `prefix`. */
void report_print(const struct report *report, const char *prefix, FILE *file);

#endif
