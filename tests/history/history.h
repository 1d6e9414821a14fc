/* SPDX-License-Identifier: MIT */
/*
 * A history: the transactions of a run as their clients saw them, in memory and
 * as NDJSON, one transaction a line.
 *
 *     {"client":3,"id":"c3-17","isolation":"snapshot","start":10,"begun":12,
 *      "committing":40,"end":45,"outcome":"ok","version":9,"base":7,"logged":true,
 *      "ops":[{"read":"k0","values":[4,8]},{"append":"k0","value":11},
 *             {"replace":"a","value":12,"previous":6,"amount":90},
 *             {"read":"a","values":[12],"amount":90}]}
 *
 * A key is a table. A value is what identifies a row, {"v":11}: it is written
 * once in the whole history. There are two kinds of keys: a list is appended to
 * and read whole; a register is one row that is replaced as a whole, and each
 * new row names the one that it replaced. 0 is no value: the register was empty.
 *
 * The times are nanoseconds of one clock (CLOCK_MONOTONIC of one machine):
 *
 *     start       before the begin was asked for
 *     begun       after it was answered: the snapshot was taken between the two
 *     committing  before the commit was asked for
 *     end         after the outcome was known: the commit was between the two
 *
 * Of these only `start` must be there. A write or a read outside of any
 * transaction is a transaction with one operation.
 *
 * `outcome`: "ok" was acknowledged; "aborted" was aborted, refused or never
 * asked to commit; "unknown" is anything else, a client that died before it had
 * the answer. `logged` says whether the store's log names the transaction; it
 * is left out when that was not asked or the transaction has no name there.
 * `version` and `base` are what the store said of it, left out when not known.
 * `mount` says through which mount of the store it went, 0 if left out. `final`
 * marks a read of keys after all clients had ended.
 */
#ifndef ROWFS_TESTS_HISTORY_HISTORY_H
#define ROWFS_TESTS_HISTORY_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "core/base/buf.h"
#include "core/base/err.h"

#define HISTORY_ID_BYTES 32

enum history_outcome { HISTORY_OK, HISTORY_ABORTED, HISTORY_UNKNOWN };
enum history_isolation { HISTORY_SNAPSHOT, HISTORY_SERIALIZABLE };
enum history_kind { HISTORY_APPEND, HISTORY_REPLACE, HISTORY_READ };
enum history_logged { HISTORY_NOT_ASKED, HISTORY_LOGGED, HISTORY_NOT_LOGGED };

struct history_op {
    enum history_kind kind;
    size_t key;
    int64_t value;    /* append, replace: the row that is written */
    int64_t previous; /* replace: the row that it takes away; 0: there was none */
    int64_t amount;   /* replace, read of a register: what else is in the row */
    int64_t *values;  /* read: the rows, in order */
    size_t value_count;
};

struct history_txn {
    int client, mount;
    char id[HISTORY_ID_BYTES];
    enum history_isolation isolation;
    enum history_outcome outcome;
    enum history_logged logged;
    bool final;
    int64_t start, begun, committing, end; /* 0: not known */
    int64_t version, base;                 /* 0: not known */
    struct history_op *ops;
    size_t op_count;
};

/* Zeroed is empty. */
struct history {
    struct history_txn *txns;
    size_t txn_count;
    char **keys;
    size_t key_count;
};

void history_finish(struct history *history);

/* The number of a key, a new one for a name not seen before. */
size_t history_key(struct history *history, const char *name);

/* A transaction with no operations, outcome unknown; valid until the next is added. */
struct history_txn *history_add(struct history *history, int client, const char *id, int64_t start);

void history_append(struct history_txn *txn, size_t key, int64_t value);
void history_replace(struct history_txn *txn, size_t key, int64_t value, int64_t previous,
                     int64_t amount);
void history_read(struct history_txn *txn, size_t key, const int64_t *values, size_t count,
                  int64_t amount);

/* One that appends or replaces. */
bool history_writes(const struct history_txn *txn);

/* Adds an operation as it is written in a line. Errors: -EINVAL. */
int history_parse_op(struct history *history, struct history_txn *txn, json_t *object,
                     struct err *err);

/* Appends the operation, as it stands in a line; `name` is that of its key. */
int history_print_op(const struct history_op *op, const char *name, struct buf *buf);

/* Errors: -EIO, -ENOMEM. */
int history_save(const struct history *history, FILE *file);

/* Adds the lines of a file. Errors: -EINVAL with the line, -EIO. */
int history_load(struct history *history, FILE *file, struct err *err);

#endif
