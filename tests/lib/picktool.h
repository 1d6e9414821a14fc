/* SPDX-License-Identifier: MIT */
/*
 * Selections, schemas and the rows that are found by them, in one line of a test. What is not a
 * result must succeed.
 */
#ifndef ROWFS_TESTS_LIB_PICKTOOL_H
#define ROWFS_TESTS_LIB_PICKTOOL_H

#include "core/db.h"
#include "core/selection.h"

/* A new schema; NULL of NULL. */
struct schema *picktool_schema(const char *text);

/*
 * Conditions as in a path, without the "by": "id/42/name/Ada" is by/id/42/by/name/Ada. NULL of
 * an empty text. New (selection_unref), or what selection_create says of one of them.
 */
int picktool_try(const char *conditions, struct selection **ret_selection);
struct selection *picktool_selection(const char *conditions);

/* Gives a table of the database a schema. Its result; `err` may be NULL. */
int picktool_set_schema(struct db *db, const char *name, const char *schema, struct err *err);

/* The rows of a table that a selection has, each with its line feed; new (free). */
char *picktool_rows(struct db *db, struct table *table, const char *conditions);

/* They are exactly these, of the table as it is after a refresh. */
void picktool_expect(struct db *db, const char *name, const char *conditions, const char *rows);

#endif
