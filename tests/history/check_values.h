/* SPDX-License-Identifier: MIT */
/* The checks that need no graph: each looks at one read or one write at a time. */
#ifndef ROWFS_TESTS_HISTORY_CHECK_VALUES_H
#define ROWFS_TESTS_HISTORY_CHECK_VALUES_H

#include "tests/history/versions.h"

/* Values that must not be where they were read: unknown, double, aborted, out of order. */
void check_reads(const struct versions *versions, struct report *report);

/* Writes that are not where they must be, and logs that say otherwise. */
void check_writes(const struct versions *versions, struct report *report);

/*
 * Transactions that were seen in one key and not in another. Each of these is a
 * cycle, too; but a search for short ones need not meet the two transactions.
 */
void check_fractured(const struct versions *versions, struct report *report);

#endif
