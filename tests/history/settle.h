/* SPDX-License-Identifier: MIT */
/* What is known of a run only when clients have ended, and in the end. */
#ifndef ROWFS_TESTS_HISTORY_SETTLE_H
#define ROWFS_TESTS_HISTORY_SETTLE_H

#include "tests/history/client.h"
#include "tests/history/clientlog.h"
#include "tests/history/report.h"

/*
 * The outcome of the transaction in which a client ended, if it did in one:
 * `status` is that of waitpid(2), its log has been loaded. Waits until the store
 * has decided, and aborts what is still open, so that nothing commits later.
 * Errors: -ETIMEDOUT, the store does not decide; with the sentence.
 */
int settle_last(const struct client_options *options, int client, int status,
                const struct clientlog_end *end, struct history *history, struct err *err);

/* Makes the tables, and the rows that a workload begins with, as transactions of client 0. */
int settle_setup(const struct client_options *options, struct history *history, struct err *err);

/*
 * Reads all tables: in one transaction on the first mount, one by one on the
 * second. For each transaction with an id looks up in the store's log whether it
 * has committed, and its version and base; reports what the log has twice or
 * otherwise than its client was told. Errors: what reading says.
 */
int settle_final(const struct client_options *options, struct history *history,
                 struct report *report, struct err *err);

#endif
