/* SPDX-License-Identifier: MIT */
/*
 * A file that is made of a table's rows: those of a selection, and as CSV or TSV. Its size is
 * known before it is read: a first pass over the rows notes how many bytes each run of them
 * gives, and a read makes the runs that it needs again. So it takes memory for the
 * runs only, some 24 bytes for 256 KiB of rows, and for the text of the one that was read last.
 *
 * CSV and TSV have a header: the columns of the schema; without one those of the rows, and none
 * where there are no rows.
 *
 * Immutable. Any thread.
 */
#ifndef ROWFS_CORE_DERIVED_H
#define ROWFS_CORE_DERIVED_H

#include "core/db.h"
#include "core/selection.h"

enum derived_format { DERIVED_ROWS, DERIVED_CSV, DERIVED_TSV };

struct derived;

/*
 * The first pass. The selection may be NULL. `*ret_derived` is new, freed with
 * derived_destroy.
 * Errors: -EINVAL, a value cannot be written as TSV; as pick_create and pick_next; -EFBIG, too
 * many columns.
 */
int derived_create(struct db *db, struct table *table, struct selection *selection,
                   enum derived_format format, struct derived **ret_derived, struct err *err);
void derived_destroy(struct derived *derived); /* accepts NULL */

uint64_t derived_bytes(const struct derived *derived);
uint64_t derived_rows(const struct derived *derived);

/* Reads at most `bytes` from `offset` on; returns how many, 0 at the end. Errors: as scan_next. */
int derived_read(struct derived *derived, void *buf, size_t bytes, uint64_t offset,
                 struct err *err);

#endif
