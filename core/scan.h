/* SPDX-License-Identifier: MIT */
/*
 * Iterators over the rows of a table at a version. The bytes of `rows` are read
 * by extent (table_read in table.h); this one is for those who need rows.
 *
 * One thread at a time; the store and the table are borrowed while the scan
 * lives.
 */
#ifndef ROWFS_CORE_SCAN_H
#define ROWFS_CORE_SCAN_H

#include "core/base/buf.h"
#include "core/table.h"

struct scan {
    struct store *store;
    struct table *table;
    struct ptree_cursor cursor;
    const struct extent *extent; /* that the buffer was read from; NULL: the next one is to begin */
    uint64_t read_bytes;         /* of the extent, so far */
    struct buf buf;              /* rows that were read, the first `used` bytes handed out */
    size_t used;
    uint64_t row;        /* the ordinal in the table of the next row */
    uint64_t extent_row; /* the same of the extent's next row, in the extent */
    size_t read_ahead;   /* how much is read at once: more where one goes on */
    size_t last_bytes;   /* of the row that was handed out last, with its line feed */
};

/* Stands before the first row. */
void scan_init(struct scan *scan, struct store *store, struct table *table);

/* The same before the first row of one extent, which is borrowed: over its rows only, no seeking.
 */
void scan_init_extent(struct scan *scan, struct store *store, const struct extent *extent);

void scan_finish(struct scan *scan);

/*
 * Goes to the row with this ordinal, counted from 0 in commit order; to the end
 * if there are no more. Costs a search and the reading of about a block, whatever
 * the size of the table. Errors: as object_read.
 */
int scan_seek(struct scan *scan, uint64_t row, struct err *err);

/*
 * The next row without its line feed: 1 and the row, which is valid until the
 * next call, or 0 at the end. Memory: a few blocks, or the longest row. Errors: as
 * object_read; -ENOMEM.
 */
int scan_next(struct scan *scan, const char **ret_row, size_t *ret_bytes, struct err *err);

/* Where the row that scan_next gave lies, and its number (`row`). */
struct extent_ref scan_place(const struct scan *scan);

#endif
