/* SPDX-License-Identifier: MIT */
/* What the amounts in the registers must add up to. */
#ifndef ROWFS_TESTS_HISTORY_CHECK_AMOUNTS_H
#define ROWFS_TESTS_HISTORY_CHECK_AMOUNTS_H

#include "tests/history/check.h"
#include "tests/history/versions.h"

/* Each row was read with the amount with which it was written. */
void check_amounts(const struct versions *versions, struct report *report);

void check_bank(const struct versions *versions, int64_t total, struct report *report);
void check_on_call(const struct versions *versions, struct report *report);

#endif
