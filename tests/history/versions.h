/* SPDX-License-Identifier: MIT */
/*
 * What a history says about the order of each key's versions, and how far into
 * that order each transaction saw.
 *
 * A list tells its order itself: a read shows every value that was ever
 * appended before it, so the longest one (the final one, if there is one) is the
 * order, and each other one must be a prefix of it. What a transaction had
 * appended itself stands at the end of its reads and is taken off first: appends
 * do not conflict, so at the commit others may have come between the two parts.
 *
 * A register tells it backwards: each row names the one that it replaced, so the
 * order is the walk from the final row to the first.
 */
#ifndef ROWFS_TESTS_HISTORY_VERSIONS_H
#define ROWFS_TESTS_HISTORY_VERSIONS_H

#include "tests/history/history.h"
#include "tests/history/report.h"

#define VERSIONS_NONE SIZE_MAX

/* One value and who wrote it. */
struct version_write {
    int64_t value;
    size_t txn, key;
    int64_t amount;   /* register: what else is in the row */
    int64_t origin;   /* register: what the transaction found there before its first write */
    bool overwritten; /* register: by the same transaction, so nobody else may ever see it */
    size_t position;  /* in the key's order, counted from 1; 0: not in it */
};

/*
 * The part of a key that a transaction found there, its own writes apart: one
 * for each key and transaction, of any outcome. A replace is one, too.
 */
struct version_read {
    size_t txn, key;
    const int64_t *values; /* in the history */
    size_t count;
    size_t seen; /* so many versions of the order; VERSIONS_NONE: does not fit into it */
};

struct version_order {
    bool is_register;
    bool complete;  /* the final state was read: what is not in it is not there */
    size_t *writes; /* indices, in order; VERSIONS_NONE: nobody wrote it, or twice there */
    size_t count;
    size_t reader; /* the read that it was taken from; VERSIONS_NONE: none */
};

struct versions {
    const struct history *history;
    struct version_write *writes; /* in the order of the transactions */
    size_t write_count;
    size_t *slots; /* hash of values: indices of writes, plus one */
    size_t slot_mask;
    struct version_read *reads; /* in the order of the transactions */
    size_t read_count;
    size_t *first_write, *first_read; /* per transaction, and one behind the last */
    struct version_order *orders;     /* per key */
    bool *committed;                  /* per transaction: acknowledged, in the log, or seen */
};

/*
 * Reports what is wrong inside of transactions (a read that is not its base plus
 * its own writes; two reads that differ). Errors: -EINVAL, a value is written
 * twice, a key is both list and register, or a register has no final read; the
 * checker cannot be used then. The history must outlive the result
 * (versions_finish, also after a failure).
 */
int versions_init(struct versions *versions, const struct history *history, struct report *report,
                  struct err *err);
void versions_finish(struct versions *versions);

/* Borrowed; NULL: nobody wrote it, or it was written to another key. */
struct version_write *versions_find(const struct versions *versions, size_t key, int64_t value);

/* The transaction of entry i of an order; VERSIONS_NONE: not known. */
size_t versions_writer(const struct versions *versions, const struct version_order *order,
                       size_t i);

/* The walk of a register, for versions_init. Errors: -EINVAL, no final read. */
int versions_walk_register(struct versions *versions, size_t key, struct report *report,
                           struct err *err);

#endif
