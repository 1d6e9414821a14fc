/* SPDX-License-Identifier: MIT */
/*
 * Rows of one table that wait for their commit: complete and checked, in the
 * order in which they will stand. Few are kept in memory and will be inlined in
 * the record; past RECORD_INLINE_BYTES they are streamed into data objects, which
 * no one sees until a record names them, so a stage of any size takes little memory.
 *
 * One thread at a time. The table is decided when the stage is made.
 */
#ifndef ROWFS_CORE_STAGE_H
#define ROWFS_CORE_STAGE_H

#include "core/base/buf.h"
#include "core/store/segment.h"

struct stage {
    struct store *store; /* borrowed */
    struct uuid table;
    uint64_t segment_rows; /* a segment has no more rows than this, unless they were appended at
                              once or were in memory; 0: no limit */
    struct buf memory;     /* while there is no segment */
    uint64_t memory_rows;
    struct segment_writer *writer; /* the segment that is being written */
    struct object_entry *entries;  /* those that are finished */
    size_t entry_count;
    uint64_t entries_bytes, entries_rows;
};

void stage_init(struct stage *stage, struct store *store, struct uuid table);
void stage_finish(struct stage *stage); /* abandons what no record names; then as after init */

/*
 * Appends whole rows, each with its line feed. After a failure the stage can
 * only be finished. Errors: -ENOSPC and what the store says; -ENOMEM.
 */
int stage_append(struct stage *stage, const char *rows, size_t bytes, uint64_t row_count,
                 struct err *err);

uint64_t stage_bytes(const struct stage *stage);
uint64_t stage_rows(const struct stage *stage);

/* Reads at most `bytes` back from `offset` on; returns how many, 0 at the end. */
int stage_read(struct stage *stage, void *buf, size_t bytes, uint64_t offset, struct err *err);

/*
 * Calls `each` with every row, without its line feed, until it returns other than 0, which is
 * returned. Nothing may be appended meanwhile. Errors: as stage_read; -ENOMEM.
 */
int stage_each_row(struct stage *stage,
                   int (*each)(void *context, const char *row, size_t bytes, struct err *err),
                   void *context, struct err *err);

/*
 * Takes the rows of `from`, which is sealed, behind those that are there: small ones are
 * copied, data objects change hands. `from` is empty then, also on failure, after which
 * the stage can only be finished. Errors: as stage_append.
 */
int stage_take(struct stage *stage, struct stage *from, struct err *err);

/*
 * Makes what is not going to be inlined durable: afterwards the rows are either
 * in `memory` (at most RECORD_INLINE_BYTES) or in `entries`. What is appended after that
 * begins another data object, unless it all still fits in memory.
 */
int stage_seal(struct stage *stage, struct err *err);

/* The same, and in `entries` whatever the size. What was in memory is still there after a failure.
 */
int stage_spill(struct stage *stage, struct err *err);

/* Hands everything over to `ret_to`, which need not be initialised; `stage` is empty then. */
void stage_move(struct stage *stage, struct stage *ret_to);

#endif
