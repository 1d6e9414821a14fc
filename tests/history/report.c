/* SPDX-License-Identifier: MIT */
/* The list of what a checker has found. */
#include "tests/history/report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[ANOMALY_COUNT] = {
    [ANOMALY_UNKNOWN_VALUE] = "unknown value",
    [ANOMALY_DUPLICATE_VALUE] = "duplicate value",
    [ANOMALY_INCOMPATIBLE_ORDER] = "incompatible order",
    [ANOMALY_INTERNAL] = "internal inconsistency",
    [ANOMALY_NON_REPEATABLE_READ] = "non-repeatable read",
    [ANOMALY_ABORTED_READ] = "aborted read (G1a)",
    [ANOMALY_INTERMEDIATE_READ] = "intermediate read (G1b)",
    [ANOMALY_DIRTY_READ] = "dirty read",
    [ANOMALY_LOST_WRITE] = "lost write",
    [ANOMALY_PARTIAL_COMMIT] = "partial commit",
    [ANOMALY_LOST_UPDATE] = "lost update",
    [ANOMALY_DIRTY_WRITE] = "dirty write (G0)",
    [ANOMALY_CIRCULAR] = "circular information flow (G1c)",
    [ANOMALY_FRACTURED_READ] = "fractured read",
    [ANOMALY_READ_SKEW] = "read skew (G-single)",
    [ANOMALY_LONG_FORK] = "long fork (G-nonadjacent)",
    [ANOMALY_WRITE_SKEW] = "write skew (G2)",
    [ANOMALY_DEPENDENCY_CYCLE] = "dependency cycle (G2)",
    [ANOMALY_STALE_READ] = "stale read",
    [ANOMALY_REAL_TIME] = "real-time order",
    [ANOMALY_VERSION_ORDER] = "version order",
    [ANOMALY_WRONG_LOG] = "wrong log",
    [ANOMALY_WRONG_AMOUNT] = "wrong amount",
    [ANOMALY_WRONG_SUM] = "wrong sum",
    [ANOMALY_NOBODY_ON_CALL] = "nobody on call",
};

const char *anomaly_name(enum anomaly anomaly)
{
    return names[anomaly];
}

void report_finish(struct report *report)
{
    for (size_t i = 0; i < ANOMALY_COUNT; i++)
        for (size_t j = 0; j < REPORT_TEXTS; j++)
            free(report->texts[i][j]);
    *report = (struct report){0};
}

void report_add(struct report *report, enum anomaly anomaly, const char *fmt, ...)
{
    size_t n = report->counts[anomaly]++;
    va_list args;

    if (n >= REPORT_TEXTS)
        return;
    va_start(args, fmt);
    if (vasprintf(&report->texts[anomaly][n], fmt, args) < 0)
        report->texts[anomaly][n] = NULL;
    va_end(args);
}

bool report_is_empty(const struct report *report)
{
    for (size_t i = 0; i < ANOMALY_COUNT; i++)
        if (report->counts[i])
            return false;
    return true;
}

static void print_text(const char *text, const char *prefix, FILE *file)
{
    while (*text) {
        size_t bytes = strcspn(text, "\n");

        fprintf(file, "%s  %.*s\n", prefix, (int)bytes, text);
        text += bytes + (text[bytes] == '\n');
    }
}

void report_print(const struct report *report, const char *prefix, FILE *file)
{
    for (size_t i = 0; i < ANOMALY_COUNT; i++) {
        if (!report->counts[i])
            continue;
        fprintf(file, "%s%s: %zu\n", prefix, names[i], report->counts[i]);
        for (size_t j = 0; j < REPORT_TEXTS && report->texts[i][j]; j++)
            print_text(report->texts[i][j], prefix, file);
    }
}
