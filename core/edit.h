/* SPDX-License-Identifier: MIT */
/*
 * A statement on the rows of a selection: they go (delete), or others take their place (patch),
 * which stand at the end of the table. The rows are found on one version of the table, by whoever
 * makes the statement; the leader brings that up to date for the version that it is
 * committed on, at the price of what others have added meanwhile. So it cannot conflict.
 *
 * Many rows here and there are not cut out one by one: past a number of runs of rows (edit_runs of
 * db_limits) the table's rows are written anew.
 */
#ifndef ROWFS_CORE_EDIT_H
#define ROWFS_CORE_EDIT_H

#include "core/intake.h"

struct preparation;
struct edit;

/*
 * Finds the rows of `table`, which is referenced. `patch` is a JSON object (an RFC 7396 merge
 * patch), copied, for each of them; without text: they go. `*ret_edit` is new, freed with
 * edit_destroy. A row that the patch leaves as it is stays where it is.
 *
 * Errors: -ENOENT, as matcher_create; -EINVAL, a patched row is not of the schema; -EEXIST, or
 * has the key of another; -EFBIG, it passes row_limit, or all of them tx_limit; what the store
 * says; -ENOMEM.
 */
int edit_create(struct db *db, struct table *table, struct selection *selection, struct slice patch,
                struct edit **ret_edit, struct err *err);
void edit_destroy(struct edit *edit); /* accepts NULL */

/* Whose rows they are; borrowed. NULL: all. */
struct selection *edit_selection(const struct edit *edit);

/* Makes what it has written durable (stage_seal), before it is committed. */
int edit_seal(struct edit *edit, struct err *err);

/*
 * What the record is to bring, in the order of its body: rows that stay where all are written anew,
 * patched ones, and patched ones that others have added meanwhile.
 */
struct stage *edit_kept_stage(struct edit *edit);
struct stage *edit_patched_stage(struct edit *edit);
struct stage *edit_late_stage(struct edit *edit);

/*
 * For the leader: what the statement does to the rows of `table`, as actions of the preparation:
 * those that go. After a failure, and after an attempt that came to nothing, it can be called
 * again, for another version. Errors: as edit_create, of the rows that are there now; -ENOMEM.
 */
int edit_prepare(struct edit *edit, struct preparation *p, struct table *table);

/* And, with these applied, those that take their place. Errors: as prepare_append_stage. */
int edit_append(struct edit *edit, struct preparation *p, const struct table *table);

#endif
