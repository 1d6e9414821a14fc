/* SPDX-License-Identifier: MIT */
/*
 * Least and greatest values of a column in each run of rows (zone) of a segment, so that a search
 * skips those that cannot hold what it looks for. A data object of its own beside the segment,
 * that no record names: it follows from the segment, is made when it is first needed, and can be
 * thrown away, so that it is never wrong, only missing.
 *
 * "data/<table>/<segment>.<signature>.zones", all numbers little-endian:
 *
 *      0  8  magic "rowfszn1"
 *      8  16 UUID of the segment
 *     24  8  signature: which column, of which type
 *     32  8  bytes of the segment
 *     40  8  zones; the last one may have fewer rows
 *     48     per zone: bytes of the least key (1), the key, bytes of the greatest (1), the key
 * (value.h) xxh3 (64 bits) of all before
 *
 * Of a key the first ZONES_KEY_BYTES bytes are kept, of a greatest one that is cut the next
 * greater.
 *
 * Any thread.
 */
#ifndef ROWFS_CORE_ZONES_H
#define ROWFS_CORE_ZONES_H

#include "core/db.h"
#include "core/selection.h"

#define ZONES_ROWS      8192 /* of a zone */
#define ZONES_KEY_BYTES 64

/* Segments with fewer rows are just read. */
#define ZONES_MIN_ROWS (2 * ZONES_ROWS)

/* What a database keeps open of it: see segmentcache.h. Errors: -ENOMEM. */
struct segmentcache;
int zones_cache_create(struct segmentcache **ret_cache);

/* Rows of a table by their numbers: from `from` up to before `to`. */
struct zones_range {
    uint64_t from, to;
};

/*
 * Appends the ranges (struct zones_range) of row numbers of [from, to) in which rows of this
 * version can match, in order. What cannot be known, for lack of an index that could be made, can
 * match. Errors: -ENOMEM; as object_read.
 */
int zones_ranges(struct db *db, const struct table *table, const struct matcher *matcher,
                 uint64_t from, uint64_t to, struct buf *ranges, struct err *err);

/*
 * Compares the zones of a column of a segment, if there are any, with the segment: 1, they agree;
 * 0, they do not. Errors: -ENOENT, there are none; -EIO, they or the segment cannot be read;
 * -ENOMEM.
 */
int zones_compare(struct db *db, const struct table *table, struct object *object,
                  struct slice column, struct err *err);

#endif
