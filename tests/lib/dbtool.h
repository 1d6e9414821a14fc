/* SPDX-License-Identifier: MIT */
/* Tables and rows of a database in one line of a test. What is not a result must succeed. */
#ifndef ROWFS_TESTS_LIB_DBTOOL_H
#define ROWFS_TESTS_LIB_DBTOOL_H

#include "core/commit.h"

/* Runs a commit of one change and destroys it. Returns its result; `err` may be NULL. */
int dbtool_create(struct db *db, const char *name, struct err *err);
int dbtool_drop(struct db *db, struct uuid table, const char *name, struct err *err);
int dbtool_rename(struct db *db, struct uuid table, const char *from, const char *to,
                  bool no_replace, struct err *err);
int dbtool_write(struct db *db, struct uuid table, bool replace, const char *rows,
                 uint64_t expect_version, struct err *err);
int dbtool_append(struct db *db, struct uuid table, const char *rows);

/* Creates a table. */
struct uuid dbtool_table(struct db *db, const char *name);

/* A commit that appends rows, to be run or submitted and destroyed by the test. */
struct commit *dbtool_appending(struct db *db, struct uuid table, const char *rows);

/* A sealed stage of these rows, as commit_add_write takes it. */
void dbtool_stage(struct db *db, struct uuid table, const char *rows, size_t bytes,
                  struct stage *ret_stage);

/* The version of the newest snapshot, after a refresh. */
uint64_t dbtool_version(struct db *db);

/* Whether there is a table of that name, after a refresh. */
bool dbtool_has(struct db *db, const char *name);

/* A table as it is after a refresh; a new reference (table_unref). */
struct table *dbtool_look(struct db *db, const char *name);

/* All rows of a table after a refresh, NUL-terminated; new (free). */
char *dbtool_rows(struct db *db, const char *name);

/* The table's rows are exactly these. */
void dbtool_expect(struct db *db, const char *name, const char *rows);

/* How often `row` (with its line feed) is among the rows of a table. */
size_t dbtool_count(struct db *db, const char *name, const char *row);

/* The file `log`, NUL-terminated; new (free). */
char *dbtool_history(struct db *db);

#endif
