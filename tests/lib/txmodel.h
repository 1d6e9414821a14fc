/* SPDX-License-Identifier: MIT */
/*
 * What transactions must come to, said as simply as it can be: whole states that are
 * copied, tables as lists of rows, each row with an identity of its own place. Commits of
 * one statement are transactions that begin where they commit.
 */
#ifndef ROWFS_TESTS_LIB_TXMODEL_H
#define ROWFS_TESTS_LIB_TXMODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TXMODEL_NAMES   5    /* a table is called by one of so many numbers */
#define TXMODEL_ROWS    1000 /* of a table */
#define TXMODEL_TABLES  1000 /* that are ever made */
#define TXMODEL_NAMINGS 100  /* of a transaction */

struct txmodel_row {
    unsigned text;
    unsigned place; /* no two rows that were ever committed share it; 0: not committed */
};

struct txmodel_table {
    unsigned id, name;
    unsigned named, changed; /* when its name and its rows were last changed */
    size_t count;
    struct txmodel_row rows[TXMODEL_ROWS];
};

struct txmodel_state {
    size_t count;
    unsigned listed; /* when a table was last made, dropped or renamed */
    struct txmodel_table tables[TXMODEL_NAMES];
};

struct txmodel_tx {
    struct txmodel_state base, view;
    bool serializable, listed;
    bool read[TXMODEL_TABLES];
    struct txmodel_naming {
        enum { TXMODEL_CREATE, TXMODEL_DROP, TXMODEL_RENAME } op;
        unsigned table, name;
    } namings[TXMODEL_NAMINGS];
    size_t naming_count;
};

/* An empty state; table numbers begin anew. */
void txmodel_reset(struct txmodel_state *ret_state);

/* NULL: there is none. */
struct txmodel_table *txmodel_find(struct txmodel_state *state, unsigned name);

void txmodel_begin(struct txmodel_tx *tx, const struct txmodel_state *head);

/* Statements, with the result that they have. Tables are there, except the new name. */
int txmodel_create(struct txmodel_tx *tx, unsigned name);
int txmodel_drop(struct txmodel_tx *tx, unsigned name);
int txmodel_rename(struct txmodel_tx *tx, unsigned from, unsigned to);
int txmodel_write(struct txmodel_tx *tx, unsigned name, bool replace, const unsigned *texts,
                  size_t count);
int txmodel_move(struct txmodel_tx *tx, unsigned from, unsigned to);
void txmodel_read(struct txmodel_tx *tx, unsigned name);

/* Onto the head, or -ECANCELED and the head stays. */
int txmodel_commit(const struct txmodel_tx *tx, struct txmodel_state *head);

#endif
