/* SPDX-License-Identifier: MIT */
/*
 * A history as a graph of events: each transaction has a begin, where its
 * snapshot was taken, and, if it committed, a commit. An edge says that an event
 * was before another. check.h says why these edges, and why all of them.
 */
#ifndef ROWFS_TESTS_HISTORY_EVENTS_H
#define ROWFS_TESTS_HISTORY_EVENTS_H

#include "tests/history/graph.h"
#include "tests/history/versions.h"

enum event_label {
    EVENT_OWN = 1,        /* begin -> commit, of one transaction */
    EVENT_WW = 2,         /* commit -> commit: the next version of a key */
    EVENT_WR = 4,         /* commit -> begin: the version was read */
    EVENT_RW = 8,         /* begin -> commit: the next version was not read */
    EVENT_RW_COMMIT = 16, /* commit -> commit: nor had it come when a serializable one committed */
    EVENT_TIME = 32,      /* by the clock, through the moments */
    EVENT_VERSION = 64,   /* by the version numbers that the store gave */
};

/* The nodes of transaction t; nodes from 2 * transactions on are moments. */
static inline uint32_t event_begin(size_t txn)
{
    return (uint32_t)(2 * txn);
}

static inline uint32_t event_commit(size_t txn)
{
    return (uint32_t)(2 * txn + 1);
}

/*
 * Sealed; graph_finish. Reports a version that two transactions have.
 * `mounts_may_lag` is that of struct check_rules.
 */
void events_make(const struct versions *versions, bool mounts_may_lag, struct graph *ret_graph,
                 struct report *report);

#endif
