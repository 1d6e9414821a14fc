/* SPDX-License-Identifier: MIT */
/* Transactions in one line of a test. What is not a result must succeed. */
#ifndef ROWFS_TESTS_LIB_TXTOOL_H
#define ROWFS_TESTS_LIB_TXTOOL_H

#include <jansson.h>

#include "core/tx.h"
#include "tests/lib/dbtool.h"

/* On the newest version. `id` NULL: one that nobody else has. */
struct tx *txtool_begin(struct db *db, const char *id);

/* One statement. Tables by the names that they have in the view; `err` may be NULL. */
int txtool_write(struct tx *tx, const char *table, bool replace, const char *rows, struct err *err);
int txtool_create(struct tx *tx, const char *table, struct err *err);
int txtool_drop(struct tx *tx, const char *table, struct err *err);
int txtool_rename(struct tx *tx, const char *from, const char *to, struct err *err);
int txtool_move(struct tx *tx, const char *from, const char *to, struct err *err);

/* The same where it must succeed. */
void txtool_append(struct tx *tx, const char *table, const char *rows);
void txtool_replace(struct tx *tx, const char *table, const char *rows);

/* Runs a commit as a statement and destroys it. */
int txtool_apply(struct tx *tx, struct commit *statement, struct err *err);

/* The UUID of a table of the view. */
struct uuid txtool_uuid(struct tx *tx, const char *table);
bool txtool_has(struct tx *tx, const char *table);
char *txtool_rows(struct tx *tx, const char *table); /* NUL-terminated; new (free) */
void txtool_expect(struct tx *tx, const char *table, const char *rows);

/* Notes a table of the view as read. */
void txtool_note_read(struct tx *tx, const char *table);

/* Commits and lets go of it. */
int txtool_commit(struct tx *tx, struct err *err);

/* It is refused for what others did: `what` is in the reason. The transaction stays. */
void txtool_expect_conflict(struct tx *tx, const char *what);

/* Its status; new (json_decref). */
json_t *txtool_status(struct tx *tx);

/* The status names this commit as the winner, with so many rows of that table (NULL: of none). */
void txtool_expect_winner(struct tx *tx, uint64_t version, const char *table, uint64_t rows);

/* One row of so many bytes with its line feed, full of `fill`; new (free). */
char *txtool_long_row(char fill, size_t bytes);

/* How many operations the store was asked for. */
uint64_t txtool_operations(struct db *db);

#endif
