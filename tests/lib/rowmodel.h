/* SPDX-License-Identifier: MIT */
/*
 * Tables that are put together by hand, of rows in segments and in records, and beside each the
 * list of the rows that it must have. What is not a result must succeed.
 */
#ifndef ROWFS_TESTS_LIB_ROWMODEL_H
#define ROWFS_TESTS_LIB_ROWMODEL_H

#include "core/table.h"

/* --- objects; all are gone after rowmodel_end --- */

#define ROWMODEL_OBJECTS 1200

/* Appends row `i` of an object, without line feed. */
typedef void rowmodel_row_fn(struct buf *row, size_t i);

/* A new object of `rows` rows in this store, as its number. */
unsigned rowmodel_segment(struct store *store, size_t rows, rowmodel_row_fn *make);
unsigned rowmodel_body(struct store *store, size_t rows, rowmodel_row_fn *make);

struct object *rowmodel_object(unsigned object);
size_t rowmodel_object_rows(unsigned object);

void rowmodel_end(void);

/* --- tables --- */

struct rowmodel_place {
    unsigned object;
    size_t row;      /* in it */
    uint64_t number; /* in the table */
};

struct rowmodel {
    struct table *table;
    struct buf places; /* struct rowmodel_place */
};

void rowmodel_init(struct rowmodel *model, const char *schema); /* an empty table "t" */
void rowmodel_finish(struct rowmodel *model);                   /* accepts a zeroed one */

/* The version that it is, for later. */
void rowmodel_keep(const struct rowmodel *model, struct rowmodel *ret_kept);

size_t rowmodel_rows(const struct rowmodel *model);
const struct rowmodel_place *rowmodel_place(const struct rowmodel *model, size_t i);
struct slice rowmodel_row(const struct rowmodel *model, size_t i); /* without line feed */

/* The next version. */
void rowmodel_append(struct rowmodel *model, unsigned object, size_t first, size_t rows);
void rowmodel_delete(struct rowmodel *model, size_t from, size_t to); /* by their ordinals */
void rowmodel_clear(struct rowmodel *model);
void rowmodel_set_schema(struct rowmodel *model, const char *schema);

#endif
