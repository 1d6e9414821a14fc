/* SPDX-License-Identifier: MIT */
/*
 * What a row must pass on its way into a table, after it was found to be a row: the fields that
 * its path fixes, the schema, the key.
 *
 * One thread at a time.
 */
#ifndef ROWFS_CORE_INTAKE_H
#define ROWFS_CORE_INTAKE_H

#include "core/keycheck.h"
#include "core/selection.h"

struct intake;

/*
 * For rows of `table` as it is now, which is referenced. `selection` (or NULL) is what its path
 * says; `alone`: the rows that are there will be gone, of a selection its own. `*ret_intake` is
 * new. Errors: -ENOENT, the selection makes no sense for the table's schema; -ENOMEM.
 */
int intake_create(struct db *db, struct table *table, struct selection *selection, bool alone,
                  struct intake **ret_intake);
void intake_destroy(struct intake *intake); /* accepts NULL */

/* Whether rows are taken as they come. */
bool intake_keeps_rows(const struct intake *intake);

/* More rows in one segment than this are too many; 0: there is no limit. */
uint64_t intake_segment_rows(const struct intake *intake);

/*
 * Takes a row: `*ret_row` is what is to be staged, valid until the next call. Errors: -EINVAL, it
 * contradicts the path or the schema; -EEXIST, its key is there; -ENOMEM; as object_read.
 */
int intake_row(struct intake *intake, struct slice row, struct slice *ret_row, struct err *err);

/* Rows that were taken have been staged. Errors: -ENOMEM. */
int intake_staged(struct intake *intake, const struct stage *stage);

/* The version of the table that rows are checked for; borrowed. */
struct table *intake_table(const struct intake *intake);

/* Looks at what others have added since (keycheck_update). */
int intake_update(struct intake *intake, struct table *now, uint64_t to_row, struct err *err);

/* The same before it is the leader's turn (keycheck_advance). */
int intake_advance(struct intake *intake, struct table *now, struct err *err);

/*
 * Takes all rows of a stage as they are, for another version of the table than the one that they
 * were checked for. Errors: as intake_row, stage_read.
 */
int intake_stage(struct intake *intake, struct stage *stage, struct err *err);

#endif
