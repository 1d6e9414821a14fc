/* SPDX-License-Identifier: MIT */
/*
 * The rows of a selection in one version of a table, in the table's order. Where the
 * selection says the key, an index leads to the row (keyed.h); otherwise all rows are looked at.
 *
 * One thread at a time.
 */
#ifndef ROWFS_CORE_PICK_H
#define ROWFS_CORE_PICK_H

#include "core/db.h"
#include "core/selection.h"

struct pick;

struct picked {
    struct slice row;        /* valid until the next call */
    struct extent_ref place; /* with the row's number */
    uint64_t ordinal;        /* in the table, counted from 0 */
};

/*
 * Of the rows whose numbers are `from_row` or higher and below `to_row`. Table and selection
 * (NULL: all rows) are referenced; `*ret_pick` is new, freed with pick_destroy. Errors: -ENOENT,
 * the selection makes no sense for the table's schema; -ENOMEM; as object_read.
 */
int pick_create(struct db *db, struct table *table, struct selection *selection, uint64_t from_row,
                uint64_t to_row, struct pick **ret_pick, struct err *err);
#define PICK_TO_END UINT64_MAX
void pick_destroy(struct pick *pick); /* accepts NULL */

/* 1 and the next row, or 0 at the end. Errors: as scan_next. */
int pick_next(struct pick *pick, struct picked *ret_picked, struct err *err);

#endif
