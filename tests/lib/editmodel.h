/* SPDX-License-Identifier: MIT */
/*
 * What statements on rows mean, in a few lines: a table is a list of rows, a row a list of members.
 * Knows nothing of extents, records and indexes.
 */
#ifndef ROWFS_TESTS_LIB_EDITMODEL_H
#define ROWFS_TESTS_LIB_EDITMODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"

#define EDITMODEL_ROWS    256
#define EDITMODEL_MEMBERS 6
#define EDITMODEL_TABLES  2
#define EDITMODEL_SCHEMAS 8

/* Members have names of one letter. They are numbers, but for w: so many letters. */
struct editmodel_row {
    uint64_t id; /* no two rows ever have the same */
    unsigned count;
    struct {
        char name;
        int value;
    } members[EDITMODEL_MEMBERS];
};

struct editmodel_schema {
    const char *text;
    const char *columns;
    char from, to; /* a column that is renamed; 0: none is */
    bool key;      /* k is */
};

/* The first one is none. */
extern const struct editmodel_schema editmodel_schemas[EDITMODEL_SCHEMAS];

struct editmodel_table {
    const struct editmodel_schema *schema;
    uint64_t version, schema_version; /* count changes */
    unsigned count;
    struct editmodel_row rows[EDITMODEL_ROWS];
};

struct editmodel_statement {
    enum { EDITMODEL_WRITE, EDITMODEL_PATCH, EDITMODEL_SCHEMA } kind;
    char column; /* of the selection; 0: all rows */
    int value;
    bool replace; /* write */
    unsigned count;
    struct editmodel_row rows[8];
    char member; /* patch */
    int to;      /* -1: it goes */
    const struct editmodel_schema *schema;
    uint64_t expect_version; /* 0: any */
};

/* What a statement has done to a table besides its rows. */
struct editmodel_effect {
    bool changed, cleared, reshaped;
};

/* Rows are cut out one by one up to this many runs: 0 or very many. */
extern unsigned editmodel_runs;

/* How it may be refused, as a set. */
#define EDITMODEL_EINVAL    1U
#define EDITMODEL_EEXIST    2U
#define EDITMODEL_ENOENT    4U
#define EDITMODEL_ECANCELED 8U
bool editmodel_allows(unsigned set, int result);

/* What is written through by/<column>/<value> has its member. */
unsigned editmodel_fill(struct editmodel_statement *s);

/* 0: it was done. Otherwise the table is as it was. */
unsigned editmodel_run(struct editmodel_table *t, const struct editmodel_statement *s,
                       struct editmodel_effect *ret_effect);

/* Appends the rows that have the value; `column` 0: all. */
void editmodel_print(const struct editmodel_table *t, char column, int value, struct buf *text);
void editmodel_print_row(const struct editmodel_row *row, struct buf *text);

/* --- transactions --- */

struct editmodel_tx {
    struct editmodel_table base[EDITMODEL_TABLES], view[EDITMODEL_TABLES];
    bool cleared[EDITMODEL_TABLES], reshaped[EDITMODEL_TABLES], read[EDITMODEL_TABLES];
    bool serializable;
};

void editmodel_begin(struct editmodel_tx *tx, const struct editmodel_table *now);
unsigned editmodel_run_tx(struct editmodel_tx *tx, unsigned table,
                          const struct editmodel_statement *s);

/* False: it is refused, and `now` stays as it is. */
bool editmodel_commit(const struct editmodel_tx *tx, struct editmodel_table *now);

#endif
