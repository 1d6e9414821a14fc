/* SPDX-License-Identifier: MIT */
/* What tests of the checker share: a history, a report, and what is expected of it. */
#ifndef ROWFS_TESTS_HISTORY_CHECKING_H
#define ROWFS_TESTS_HISTORY_CHECKING_H

#include "tests/history/check.h"
#include "tests/history/written.h"
#include "tests/lib/check.h"

static struct history history;
static struct report report;
static struct check_rules rules;

static inline int begin(void **state)
{
    (void)state;
    history = (struct history){0};
    report = (struct report){0};
    rules = (struct check_rules){0};
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    history_finish(&history);
    report_finish(&report);
    return 0;
}

#define given(text) written_add(&history, text)

static inline void run_check(void)
{
    struct err err = ERR_INIT;

    report_finish(&report);
    assert_ok(check_history(&history, &rules, &report, &err), &err);
}

/* The anomaly is found, and no other; ANOMALY_COUNT: none is. */
static inline void expect_at(enum anomaly anomaly, const char *file, int line)
{
    bool good = true;

    run_check();
    for (size_t i = 0; i < ANOMALY_COUNT; i++)
        good = good && (report.counts[i] != 0) == (i == anomaly);
    if (good)
        return;
    print_error("expected: %s; found:\n",
                anomaly == ANOMALY_COUNT ? "nothing" : anomaly_name(anomaly));
    report_print(&report, "  ", stderr);
    _fail(file, line);
}

#define expect(anomaly)  expect_at(anomaly, __FILE__, __LINE__)
#define expect_nothing() expect_at(ANOMALY_COUNT, __FILE__, __LINE__)

/* It is found, maybe with others that follow from it. */
static inline void expect_among_at(enum anomaly anomaly, const char *file, int line)
{
    run_check();
    if (report.counts[anomaly])
        return;
    print_error("expected: %s; found:\n", anomaly_name(anomaly));
    report_print(&report, "  ", stderr);
    _fail(file, line);
}

#define expect_among(anomaly) expect_among_at(anomaly, __FILE__, __LINE__)

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
