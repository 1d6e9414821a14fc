/* SPDX-License-Identifier: MIT */
/*
 * Statements on the rows of a table as open files make them (core/input.h), prepared on one version
 * of the table and committed whenever a test likes. What is not a result must succeed.
 */
#ifndef ROWFS_TESTS_LIB_EDITTOOL_H
#define ROWFS_TESTS_LIB_EDITTOOL_H

#include "core/input.h"
#include "core/tx.h"

/* A key, and columns that can go. */
#define KEYED_SCHEMA                                                                               \
    "{\"columns\":{\"k\":\"int64\",\"v\":\"int64\",\"w\":\"string\"},\"key\":\"k\"}"

struct statement {
    enum input_kind kind;
    const char *column, *value; /* by/<column>/<value>; NULL: all rows */
    bool replace;
    const char *text;
    uint64_t expect_version; /* of the table's last change; 0: any */
};

/* The statements that there are; each is a struct statement. */
#define INSERT(rows)  ((struct statement){.kind = INPUT_ROWS, .text = (rows)})
#define REPLACE(rows) ((struct statement){.kind = INPUT_ROWS, .replace = true, .text = (rows)})
#define REPLACE_BY(c, v, rows)                                                                     \
    ((struct statement){                                                                           \
        .kind = INPUT_ROWS, .column = (c), .value = (v), .replace = true, .text = (rows)})
#define INSERT_BY(c, v, rows)                                                                      \
    ((struct statement){.kind = INPUT_ROWS, .column = (c), .value = (v), .text = (rows)})
#define DELETE_BY(c, v) REPLACE_BY(c, v, "")
#define PATCH_BY(c, v, patch)                                                                      \
    ((struct statement){.kind = INPUT_PATCH, .column = (c), .value = (v), .text = (patch)})
#define PATCH(patch)   PATCH_BY(NULL, NULL, patch)
#define SCHEMA(schema) ((struct statement){.kind = INPUT_SCHEMA, .replace = true, .text = (schema)})

/* by/<column>/<value>; new (selection_unref). */
struct selection *edittool_selection(const char *column, const char *value);

/* A commit that was prepared on this version of the table, to be run, submitted or applied. */
int edittool_prepare(struct db *db, struct table *table, struct statement statement,
                     struct commit **ret_commit, struct err *err);

/* The same on the newest version of the table of that name, where it must succeed. */
struct commit *edittool_make(struct db *db, const char *table, struct statement statement);

/* Runs a commit and destroys it. `err` may be NULL. */
int edittool_run(struct db *db, struct commit *commit, struct err *err);

/* Prepares and runs. */
int edittool_try(struct db *db, const char *table, struct statement statement, struct err *err);
void edittool_do(struct db *db, const char *table, struct statement statement);

/* The same within a transaction. */
int edittool_try_tx(struct tx *tx, const char *table, struct statement statement, struct err *err);
void edittool_do_tx(struct tx *tx, const char *table, struct statement statement);

/* The table has exactly these rows, and each key leads to its row and no other; after a refresh. */
void edittool_expect(struct db *db, const char *table, const char *rows);
void edittool_expect_keys(struct db *db, struct table *table);

/* {"k":<from>,"v":0} to {"k":<to - 1>,"v":0}; with `pad` bytes of "w" if that is not 0. New (free).
 */
char *edittool_rows(unsigned from, unsigned to, unsigned step, size_t pad);

#endif
