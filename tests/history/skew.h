/* SPDX-License-Identifier: MIT */
/* Two transactions whose steps are interleaved by hand, so that it is known what must happen. */
#ifndef ROWFS_TESTS_HISTORY_SKEW_H
#define ROWFS_TESTS_HISTORY_SKEW_H

#include "tests/history/history.h"

/*
 * Write skew: both read who of two is on call, one leaves for the one and one for
 * the other. Of snapshot transactions both commit, and nobody is on call: snapshot
 * isolation does not promise more. Of serializable ones the second is refused.
 *
 * Lost update: both replace the same row. The second is refused in both modes,
 * and its row is nowhere.
 *
 * The first runs on one mount and the second on the other. Prints what happened;
 * returns how much of it must not have.
 */
int skew_run(const char *const mounts[2], enum history_isolation isolation);

#endif
