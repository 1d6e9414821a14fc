/* SPDX-License-Identifier: MIT */
/*
 * A table at one version: its name and its rows as an ordered sequence of
 * extents. Immutable and counted; versions share what did not change.
 */
#ifndef ROWFS_CORE_TABLE_H
#define ROWFS_CORE_TABLE_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/base/ptree.h"
#include "core/base/uuid.h"
#include "core/store/object.h"

/* A run of rows of an object; immutable, counted. The items of a table's `extents`. */
struct extent {
    _Atomic uint32_t refs;
    struct object *object; /* owned reference */
    uint64_t offset, bytes, first_row, rows;
};

/* The sums of the tree of extents. */
#define EXTENT_BYTES    0
#define EXTENT_ROWS     1
#define EXTENT_SEGMENTS 2 /* extents that lie in segments, not in records */

extern const struct ptree_class extent_class;

struct table {
    _Atomic uint32_t refs;
    struct uuid uuid;
    char *name;
    uint64_t created_version; /* of the commit that made it */
    int64_t named_usec;       /* time of the commit that made or renamed it */
    uint64_t version;         /* of the last commit that changed its rows, or made it */
    int64_t time_usec;        /* of that commit */
    struct ptree *extents;
};

struct table *table_ref(struct table *table);
void table_unref(struct table *table); /* accepts NULL */

uint64_t table_bytes(const struct table *table);
uint64_t table_rows(const struct table *table);

/* A new empty table. Errors: -ENOMEM. */
int table_create(struct uuid uuid, const char *name, uint64_t version, int64_t time_usec,
                 struct table **ret_table);

/*
 * The next versions of a table; each borrows the old one and gives a new one
 * with one reference. Errors: -ENOMEM.
 */
int table_rename(const struct table *table, const char *name, int64_t time_usec,
                 struct table **ret_table);
int table_clear(const struct table *table, uint64_t version, int64_t time_usec,
                struct table **ret_table);

/* With rows behind all others; joined to the last extent when they follow it in its object. */
int table_append(const struct table *table, struct object *object, const struct extent_ref *ref,
                 uint64_t version, int64_t time_usec, struct table **ret_table);

/*
 * Without the rows of `refs`: each names where its rows are (an address) and
 * where in the table they stand (`at`), so that finding them costs a search. In
 * the table's order, not overlapping.
 * Errors: -ENOENT, the rows at that place are others; -ENOMEM.
 */
int table_delete(const struct table *table, const struct extent_ref *refs, size_t count,
                 uint64_t version, int64_t time_usec, struct table **ret_table);

/*
 * Reads at most `bytes` of the rows' concatenation from `offset` on; returns
 * how many, 0 at the end. Errors: as object_read.
 */
int table_read(struct store *store, const struct table *table, void *buf, size_t bytes,
               uint64_t offset, struct err *err);

#endif
