/* SPDX-License-Identifier: MIT */
/* The check that needs the graph: no event may be before itself. */
#ifndef ROWFS_TESTS_HISTORY_CHECK_CYCLES_H
#define ROWFS_TESTS_HISTORY_CHECK_CYCLES_H

#include "tests/history/check.h"
#include "tests/history/versions.h"

/* Reports a short cycle of each kind and component, the plainest kinds first. */
void check_cycles(const struct versions *versions, const struct check_rules *rules,
                  struct report *report);

#endif
