/* SPDX-License-Identifier: MIT */
/*
 * Keeps the rows of a table unique by its key: the rows that a file or a statement is to add are
 * looked up, one by one, among each other and in the version of the table that is there. A
 * commit then only looks at what others have added meanwhile.
 *
 * Of rows that are written out the keys are kept in memory until a segment of them is finished, so
 * its rows are bounded (segment_rows of db_limits).
 *
 * One thread at a time.
 */
#ifndef ROWFS_CORE_KEYCHECK_H
#define ROWFS_CORE_KEYCHECK_H

#include "core/db.h"
#include "core/stage.h"

struct keycheck;

/* Whether a row that is there, now or later, will be gone: 1, 0. Errors: -ENOMEM. */
typedef int keycheck_goes_fn(void *context, struct slice row);

/*
 * For rows that are to be added to `table`, which is referenced and has a schema with a key. Of
 * its rows those count that are numbered below `to_row`, without those of which `goes` (may be
 * NULL) says so. `*ret_check` is new. Errors: -ENOMEM.
 */
int keycheck_create(struct db *db, struct table *table, uint64_t to_row, keycheck_goes_fn *goes,
                    void *context, struct keycheck **ret_check);
void keycheck_destroy(struct keycheck *check); /* accepts NULL */

/*
 * One more row. Errors: -EEXIST, its key is there, with a sentence that says which; -ENOMEM; as
 * object_read.
 */
int keycheck_add(struct keycheck *check, struct slice row, struct err *err);

/* One more row, that takes the place of `old`, a row of the table. Errors: the same. */
int keycheck_replace(struct keycheck *check, struct slice old, struct slice row, struct err *err);

/*
 * Segments of `stage`, which has the rows in the order in which they are added, may be finished:
 * the keys of those of which all rows were added need not be kept in memory any more. Errors:
 * -ENOMEM.
 */
int keycheck_take_segments(struct keycheck *check, const struct stage *stage);

/* Whether a row that is to be added has the key of this one. 1, 0. Errors: -ENOMEM; as object_read.
 */
int keycheck_has(struct keycheck *check, struct slice row, struct err *err);

/*
 * Looks at what others have added: the rows of `now`, a later version, numbered below `to_row`,
 * that the table did not have and that stay. Errors: as keycheck_add.
 */
int keycheck_update(struct keycheck *check, struct table *now, uint64_t to_row, struct err *err);

/*
 * The same with all rows of a version that is committed: they are not looked at again. Done by
 * whoever commits, so that the leader, for whom all others wait, finds little to do.
 */
int keycheck_advance(struct keycheck *check, struct table *now, struct err *err);

#endif
