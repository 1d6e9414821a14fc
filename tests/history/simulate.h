/* SPDX-License-Identifier: MIT */
/*
 * A database in memory whose histories are known to be right, or wrong in one
 * chosen way: what the checker is tested with.
 */
#ifndef ROWFS_TESTS_HISTORY_SIMULATE_H
#define ROWFS_TESTS_HISTORY_SIMULATE_H

#include "tests/history/history.h"

enum simulate_workload { SIMULATE_LISTS, SIMULATE_BANK, SIMULATE_ON_CALL };

enum simulate_fault {
    SIMULATE_RIGHT,
    SIMULATE_READ_COMMITTED, /* a read shows what has committed by then, not the snapshot */
    SIMULATE_STALE_SNAPSHOT, /* a snapshot may lack the last commits */
    SIMULATE_LAGGING_KEYS,   /* half of the keys are shown some commits late */
    SIMULATE_NO_VALIDATION,  /* serializable transactions are committed like others */
    SIMULATE_NO_CONFLICT,    /* two that replace the same row both commit */
    SIMULATE_TORN_COMMIT,    /* the tables of a commit become visible one after the other */
    SIMULATE_LOST_COMMIT,    /* one in a hundred acknowledged commits is not there */
    SIMULATE_HALF_COMMIT,    /* of one in a hundred without an answer, a part is there */
    SIMULATE_ABORTED_COMMIT, /* one in twenty of the aborted transactions is there */
    SIMULATE_DOUBLE_COMMIT,  /* one in a hundred commits is applied twice */
    SIMULATE_FAULT_COUNT
};

struct simulate_options {
    uint64_t seed; /* not 0 */
    size_t transactions;
    size_t clients;
    size_t keys;
    size_t per_generation; /* after so many transactions other keys are used; 0: never */
    enum simulate_workload workload;
    enum history_isolation isolation;
    enum simulate_fault fault;
    bool numbered; /* the history has versions and bases, and says what the log has */
};

#define SIMULATE_BALANCE 100 /* of each account at the beginning */

/* An empty history that is filled (history_finish). */
void simulate(const struct simulate_options *options, struct history *ret_history);

/* From 0 to below - 1; the same numbers in every run (xorshift64*, the state is not 0). */
size_t simulate_random(uint64_t *state, size_t below);

#endif
