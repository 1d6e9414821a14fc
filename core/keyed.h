/* SPDX-License-Identifier: MIT */
/*
 * Rows of a table by their key. Segments have indexes in the store (keyindex.h), made when the
 * segment is or when they are first needed. The rows in records have one in memory, for all
 * versions of the table: a row keeps its number and its key for life, so that what is found is
 * only asked whether it is still there.
 *
 * Any thread.
 */
#ifndef ROWFS_CORE_KEYED_H
#define ROWFS_CORE_KEYED_H

#include "core/db.h"
#include "core/rowkey.h"

/* The indexes of segments that a database keeps open. Errors: -ENOMEM. */
struct segmentcache;
int keyed_cache_create(struct segmentcache **ret_cache);

/*
 * Finds the row of this version, numbered `from_row` or higher and below `to_row`, that has the key
 * (rowkey.h): 1 and its number (if there are several: of any), or 0. The table's schema has a key.
 *
 * Costs one or two reads for each segment of which the version has rows, until it is found; a
 * segment is read as a whole the first time, and each time where its index can be neither read nor
 * written (a read-only database that nobody has made one for, a full store). Errors: as
 * object_read; -ENOMEM.
 */
int keyed_find(struct db *db, struct table *table, struct slice key, uint64_t from_row,
               uint64_t to_row, uint64_t *ret_row, struct err *err);

/*
 * Compares the key index of a segment, if there is one, with the segment: 1, they agree; 0, they do
 * not. Errors: -ENOENT, there is none; -EIO, it or the segment cannot be read; -ENOMEM.
 */
int keyed_compare(struct db *db, const struct schema *schema, struct object *object,
                  struct err *err);

#endif
