/* SPDX-License-Identifier: MIT */
/*
 * What the file `log` prints: one JSON line a commit, oldest first.
 *
 * The lines are made from the records when they are read. A snapshot keeps only
 * how many bytes the lines of every HISTORY_CHUNK_RECORDS records take, so that
 * the file's size is exact and a read finds its records by a search.
 */
#ifndef ROWFS_CORE_HISTORY_H
#define ROWFS_CORE_HISTORY_H

#include "core/base/buf.h"
#include "core/base/ptree.h"
#include "core/store/log.h"

#define HISTORY_CHUNK_RECORDS 64

#define HISTORY_BYTES 0 /* the sums of the tree */

extern const struct ptree_class history_class;

/* Appends the line of one commit, with its line feed. Errors: -ENOMEM. */
int history_print(const struct member *member, const char *host, struct buf *buf);

/* With `bytes` more of lines, of record `seq`, the last one. Errors: -ENOMEM. */
int history_append(struct ptree *history, uint64_t seq, uint64_t bytes, struct ptree **ret_history);

/*
 * Reads at most `bytes` of the lines from `offset` on; returns how many, 0 at
 * the end. Errors: -EIO when a record is missing or damaged.
 */
int history_read(struct store *store, const struct ptree *history, void *buf, size_t bytes,
                 uint64_t offset, struct err *err);

#endif
