/* SPDX-License-Identifier: MIT */
/*
 * Selections: by/<column>/<value>/, which rows of a table, by conditions on its columns that must
 * all hold.
 *
 *     value          the rows whose value is spelled so (value.h)
 *     from..to       those from one to the other, with both; either may be left out
 *     %null %missing %empty   null, no such member, the empty string
 *
 * Without a schema a range between numbers holds numbers, any other range strings. What is null or
 * missing is in no range. A value that is missing is its column's default, if that has one.
 */
#ifndef ROWFS_CORE_SELECTION_H
#define ROWFS_CORE_SELECTION_H

#include <stdatomic.h>

#include "core/schema.h"

#define SELECTION_MAX_CONDITIONS 64

/* The last of its conditions; immutable, counted. NULL selects all rows. */
struct selection {
    _Atomic uint32_t refs;
    struct selection *parent; /* the conditions before it */
    struct buf column;        /* its characters */
    char *name;               /* of the value, as it is in the path */
    unsigned depth;
};

/*
 * One more condition: `column` and `name` as they are in the path. `*ret_selection` is new.
 * Errors: -EINVAL, not well-formed; -ENAMETOOLONG, too many conditions; -ENOMEM.
 */
int selection_create(struct selection *parent, const char *column, const char *name,
                     struct selection **ret_selection);
struct selection *selection_ref(struct selection *selection); /* accepts NULL */
void selection_unref(struct selection *selection);            /* accepts NULL */

/* Whether both are spelled the same. NULL is equal to NULL. */
bool selection_equal(const struct selection *a, const struct selection *b);

/* Appends "by/id/42/by/name/Ada". Errors: -ENOMEM. */
int selection_print(const struct selection *selection, struct buf *path);

/* --- on rows --- */

/* A selection made ready for the rows of a schema. One thread at a time. */
struct matcher;

/*
 * `*ret_matcher` is new; both are referenced. Errors: -ENOENT, the schema has no such column, or no
 * value of its type is spelled so; -ENOMEM.
 */
int matcher_create(struct selection *selection, struct schema *schema,
                   struct matcher **ret_matcher);
void matcher_destroy(struct matcher *matcher); /* accepts NULL */

/* 1 or 0. The row is valid (rowcheck.h). Errors: -ENOMEM. */
int matcher_row(struct matcher *matcher, struct slice row);

/*
 * A row that is to be one of the selection: appends it with the fields that the selection fixes and
 * it lacks, before its own, in the order of the path; as it is if it lacks none. Errors: -EINVAL,
 * it contradicts the selection, with a sentence that names the column; -ENOMEM. `filled` is then as
 * it was.
 */
int matcher_fill_row(struct matcher *matcher, struct slice row, struct buf *filled,
                     struct err *err);

/*
 * If the selection fixes every column of the schema's key: appends the key that its rows have
 * (rowkey.h) and returns 1. 0: it does not, or not to one value. Errors: -ENOMEM.
 */
int matcher_row_key(const struct matcher *matcher, struct buf *key);

/*
 * The conditions one by one, numbered below matcher_count, in no order that matters. May match:
 * whether a row can of which the value of that column has a key (value.h, of the column's type)
 * from `min` to `max`.
 */
unsigned matcher_count(const struct matcher *matcher);
struct slice matcher_column(const struct matcher *matcher, unsigned condition);
struct column_type matcher_column_type(const struct matcher *matcher, unsigned condition);
bool matcher_may_match(const struct matcher *matcher, unsigned condition, struct slice min,
                       struct slice max);

#endif
