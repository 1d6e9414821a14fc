/* SPDX-License-Identifier: MIT */
/*
 * A table at one version: its name and its rows as an ordered sequence of
 * extents. Immutable and counted; versions share what did not change.
 *
 * Rows are numbered in the order in which they are appended, from 0 on, and keep
 * their numbers: a row that goes leaves a gap. So a row that was seen in one version
 * is found in another by a search, and whether rows are still there is a
 * difference of two sums.
 */
#ifndef ROWFS_CORE_TABLE_H
#define ROWFS_CORE_TABLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/ptree.h"
#include "core/base/uuid.h"
#include "core/schema.h"
#include "core/store/object.h"

/* A run of rows of an object; immutable, counted. The items of a table's `extents`. */
struct extent {
    _Atomic uint32_t refs;
    struct object *object;                   /* owned reference */
    uint64_t offset, bytes, first_row, rows; /* in the object */
    uint64_t row;                            /* the number of its first row in the table */
};

/* The sums of the tree of extents. */
#define EXTENT_BYTES    0
#define EXTENT_ROWS     1
#define EXTENT_SEGMENTS 2 /* extents that lie in segments, not in records */

extern const struct ptree_class extent_class;

static inline bool extent_is_in_segment(const struct extent *extent)
{
    return !extent->object->id.inlined && !extent->object->source;
}

/*
 * What finds rows by their keys that lie in no segment (keymap.h), and up to which row
 * number it knows them; kept with the version of a table that it was made for, and inherited by
 * those that come of it. Filled in when it is first needed, under the lock.
 */
struct keymap_slot {
    pthread_mutex_t lock;
    struct keymap *map; /* NULL: none yet; owned reference */
    uint64_t covered;
};

struct table {
    _Atomic uint32_t refs;
    struct uuid uuid;
    char *name;
    uint64_t created_version; /* of the commit that made it */
    uint64_t named_version;   /* of the last commit that made or renamed it */
    int64_t named_usec;       /* the time of that one */
    uint64_t version;         /* of the last commit that changed its rows or schema, or made it */
    int64_t time_usec;        /* of that commit */
    uint64_t appended;        /* rows ever: the number of the next one */
    struct schema *schema;    /* NULL: any object is a row */
    uint64_t schema_version;  /* of the commit that last changed it */
    int64_t schema_usec;      /* the time of that one */
    struct ptree *extents;    /* keyed by row number (uint64_t) */
    struct ptree *placements; /* the same of segments only and as they were appended: whole, also
                                 where rows, even all, have gone since; those before a clear go */
    struct keymap_slot keymap;
};

struct keymap;

/* What names an extent. */
struct extent_ref extent_as_ref(const struct extent *extent);

struct table *table_ref(struct table *table);
void table_unref(struct table *table); /* accepts NULL */

uint64_t table_bytes(const struct table *table);
uint64_t table_rows(const struct table *table);

/* How many rows there are whose numbers are below `row`. */
uint64_t table_rows_before(const struct table *table, uint64_t row);

/*
 * The number of the first row from `from` on, and below `to`, that `table` has and a later version
 * of it has not; `to`: there is none. Costs the square of a search.
 */
uint64_t table_first_missing(const struct table *table, const struct table *later, uint64_t from,
                             uint64_t to);

/* A new empty table. Errors: -ENOMEM. */
int table_create(struct uuid uuid, const char *name, uint64_t version, int64_t time_usec,
                 struct table **ret_table);

/*
 * The next versions of a table; each borrows the old one and gives a new one
 * with one reference. Errors: -ENOMEM.
 */
int table_rename(const struct table *table, const char *name, uint64_t version, int64_t time_usec,
                 struct table **ret_table);

/* With another schema, which is referenced; NULL: none. The rows are the same, and no row of a
 * version before is known by its key (keymap). */
int table_set_schema(const struct table *table, struct schema *schema, uint64_t version,
                     int64_t time_usec, struct table **ret_table);

/*
 * Without the rows whose numbers are below `before`. Errors: -ENOENT, it is in the middle of an
 * extent, which no end of a record is.
 */
int table_clear(const struct table *table, uint64_t before, uint64_t version, int64_t time_usec,
                struct table **ret_table);

/*
 * With rows behind all others. With `join` they become one with the last extent when they
 * follow it in its object: for what one record brings, so that the end of a record is
 * never in the middle of an extent.
 */
int table_append(const struct table *table, struct object *object, const struct extent_ref *ref,
                 bool join, uint64_t version, int64_t time_usec, struct table **ret_table);

/*
 * Without the rows of `refs`: each names where its rows are (an address) and
 * their numbers (`row` and so on), so that finding them costs a search. In
 * the table's order, not overlapping.
 * Errors: -ENOENT, the rows at that place are others; -ENOMEM.
 */
int table_delete(const struct table *table, const struct extent_ref *refs, size_t count,
                 uint64_t version, int64_t time_usec, struct table **ret_table);

/*
 * Those of the rows of `ref` (at its place in an earlier version, with their numbers) that the
 * table still has, as runs of rows: calls `each` with every one, in order, until it returns other
 * than 0, which is returned. They lie where they lay then.
 */
int table_intersect(const struct table *table, const struct extent_ref *ref,
                    int (*each)(void *context, const struct extent_ref *run), void *context);

/*
 * Reads at most `bytes` of the rows' concatenation from `offset` on; returns
 * how many, 0 at the end. Errors: as object_read.
 */
int table_read(struct store *store, const struct table *table, void *buf, size_t bytes,
               uint64_t offset, struct err *err);

#endif
