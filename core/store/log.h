/* SPDX-License-Identifier: MIT */
/*
 * The commit log as a sequence of records on a store: get one, put the next,
 * and tell whether the one we stand on is still the one we read.
 *
 * Existence of a name proves nothing, identity does: a writer that stalled can
 * put a record again whose name was cleaned up long ago. So a position is a
 * number and a checksum, never a number alone.
 */
#ifndef ROWFS_STORE_LOG_H
#define ROWFS_STORE_LOG_H

#include "core/store/record.h"
#include "core/store/store.h"

struct log_position {
    uint64_t seq;
    struct hash hash;     /* of the whole record */
    struct store_tag tag; /* a hint: saves reading it again */
};

/*
 * Reads and verifies record `seq`; its chain is not looked at (record.prev).
 * Errors: -ENOENT, there is none (no sentence); otherwise as record_decode.
 */
int log_read(struct store *store, uint64_t seq, struct record *ret_record,
             struct log_position *ret_position, struct err *err);

/*
 * The same of a record that was there before: one that the head has gone past, or that the log
 * itself names. Errors: as log_read, but -EIO when it is missing.
 */
int log_read_known(struct store *store, uint64_t seq, struct record *ret_record,
                   struct log_position *ret_position, struct err *err);

/* Whether there is a record `seq`: 1, 0 or an error. One round trip. */
int log_exists(struct store *store, uint64_t seq, struct err *err);

/*
 * Whether the record at `position` is still there and the same: 1, 0 or an
 * error. One round trip, two when the tag changed.
 */
int log_holds(struct store *store, const struct log_position *position, struct err *err);

/*
 * Put-if-absent of an encoded record (record_encode) at `seq`. On 0 it is visible
 * and survives power loss. Errors: as store_put, with `*ret_state`.
 */
int log_put(struct store *store, uint64_t seq, const struct buf *encoded, struct hash hash,
            struct log_position *ret_position, enum put_state *ret_state, struct err *err);

/* Makes all records that are visible survive power loss. */
int log_settle(struct store *store, struct err *err);

#endif
