/* SPDX-License-Identifier: MIT */
/*
 * The different values of a column, by their names (value.h): what by/<column>/ lists. In
 * the order in which they first come in the table, but for what follows.
 *
 * Bounded memory, whatever their number: past `max` names (16 bytes each, and room) a pass over the
 * rows goes on for half of them (by a hash of the name) only, and the other half comes in another
 * pass.
 *
 * One thread at a time.
 */
#ifndef ROWFS_CORE_DISTINCT_H
#define ROWFS_CORE_DISTINCT_H

#include "core/pick.h"

#define DISTINCT_MAX (1U << 20)

struct distinct;

/*
 * Of the rows that the selection (or NULL: all) has in this version; both are referenced, the
 * column's characters copied. About `max` names, at least 1, are remembered at once.
 * `*ret_distinct` is new. Errors: -ENOENT, the table's schema has no such column; those of
 * pick_create.
 */
int distinct_create(struct db *db, struct table *table, struct selection *selection,
                    struct slice column, size_t max, struct distinct **ret_distinct,
                    struct err *err);
void distinct_destroy(struct distinct *distinct); /* accepts NULL */

/* The next name, valid until the next call: 1, or 0 at the end. Errors: as pick_next; -ENOMEM. */
int distinct_next(struct distinct *distinct, struct slice *ret_name, struct err *err);

#endif
