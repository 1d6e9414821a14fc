/* SPDX-License-Identifier: MIT */
/*
 * Another schema for a table: its rows are checked, or written anew without the columns that go,
 * by whoever asks for it; the leader does the same with what others have added meanwhile.
 */
#ifndef ROWFS_CORE_RESHAPE_H
#define ROWFS_CORE_RESHAPE_H

#include "core/db.h"
#include "core/stage.h"

struct preparation;
struct reshape;

/*
 * Makes ready to give `table` (referenced) this schema (referenced; NULL: none). `*ret_reshape` is
 * new, freed with reshape_destroy. Errors: -EINVAL, the table cannot go there (schema_evolve), or a
 * row is not of the schema; -EEXIST, two rows have the same key; what the store says; -ENOMEM.
 */
int reshape_create(struct db *db, struct table *table, struct schema *schema,
                   struct reshape **ret_reshape, struct err *err);
void reshape_destroy(struct reshape *reshape); /* accepts NULL */

/* Makes what it has written durable (stage_seal). */
int reshape_seal(struct reshape *reshape, struct err *err);

/* What the record is to bring, in the order of its body: the rows, and those that others have
 * added. */
struct stage *reshape_stage(struct reshape *reshape);
struct stage *reshape_late_stage(struct reshape *reshape);

/* For the leader: actions of the preparation; none if the table has the schema. Errors: as
 * reshape_create. */
int reshape_prepare(struct reshape *reshape, struct preparation *p, struct table *table);

#endif
