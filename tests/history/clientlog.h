/* SPDX-License-Identifier: MIT */
/*
 * What a client writes down while it works, one line for each step, so that
 * whoever finds it killed knows how far it had come. Each line is one write(2)
 * to a file opened with O_APPEND.
 *
 *     {"begin":"c3-1","isolation":"snapshot","start":1,"named":true}
 *     {"begun":2}          the begin was answered, or the file read was opened
 *     {"held":true}        `commit` is held open
 *     {"op":{"append":"k0","value":5}}    before it is done; a read: after it
 *     {"invoke":3}         before the commit is asked for
 *     {"outcome":"ok","end":4,"version":7}
 *     {"broken":"append to k0: EIO"}      something that must not happen
 *
 * A line without an end was being written when the client was killed: what it
 * announces was not done.
 */
#ifndef ROWFS_TESTS_HISTORY_CLIENTLOG_H
#define ROWFS_TESTS_HISTORY_CLIENTLOG_H

#include "tests/history/history.h"

/* Writers; a failure ends the process. `named`: in tx/, not a plain append or read. */
void clientlog_begin(int fd, const char *id, enum history_isolation isolation, bool named,
                     int64_t start);
void clientlog_begun(int fd, int64_t at);
void clientlog_held(int fd);
void clientlog_op(int fd, const struct history_op *op, const char *key);
void clientlog_invoke(int fd, int64_t at);
void clientlog_outcome(int fd, enum history_outcome outcome, int64_t end, int64_t version);
void clientlog_broken(int fd, const char *what, const char *error);

/* Where a log ends. */
struct clientlog_end {
    size_t txn; /* the transaction that has no outcome; SIZE_MAX: none */
    bool named, held, invoked;
    char broken[256]; /* "": nothing was */
};

/* Adds the transactions of a client's log. Errors: -EINVAL, -EIO. */
int clientlog_load(FILE *file, int client, struct history *history, struct clientlog_end *ret_end,
                   struct err *err);

#endif
