/* SPDX-License-Identifier: MIT */
/* Looks rows up by their key, in segments and elsewhere. */
#include "core/keyed.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/db_private.h"
#include "core/keyindex.h"
#include "core/keymap.h"
#include "core/scan.h"
#include "core/segmentcache.h"

/* Indexes that are kept open; each takes some 12 bytes for 340 rows. */
#define OPEN_INDEXES 1024

/* Rows that may have one key, and most of them gone, before the map is made anew. */
#define MANY_ROWS 1000

CLEANUP_POINTER(struct keyindex, keyindex_unref)
CLEANUP_POINTER(struct keyindex_builder, keyindex_builder_destroy)
CLEANUP_POINTER(struct keymap, keymap_unref)

static void *index_ref(void *index)
{
    return keyindex_ref(index);
}

static void index_unref(void *index)
{
    keyindex_unref(index);
}

int keyed_cache_create(struct segmentcache **ret_cache)
{
    static const struct segmentcache_class class = {.ref = index_ref, .unref = index_unref};

    return segmentcache_create(&class, OPEN_INDEXES, ret_cache);
}

/* --- the indexes of segments ------------------------------------------------------- */

/* Calls `each` with the key's hash of every row of an extent, and its ordinal there. */
static int each_row(struct db *db, const struct schema *schema, const struct extent *extent,
                    int (*each)(void *context, uint64_t hash, uint64_t ordinal), void *context,
                    struct err *err)
{
    cleanup(scan_finish) struct scan scan;
    cleanup_buf struct buf key = {0};
    const char *row;
    size_t bytes;
    int r;

    scan_init_extent(&scan, db->store, extent);
    while ((r = scan_next(&scan, &row, &bytes, err)) > 0) {
        key.bytes = 0;
        if (rowkey_of_row(schema, slice_of(row, bytes), &key) < 0 ||
            each(context, hash64_bytes(key.data, key.bytes), scan.row - 1) < 0)
            return err_nomem(err);
    }
    return r;
}

static int add_to_builder(void *context, uint64_t hash, uint64_t ordinal)
{
    return keyindex_builder_add(context, hash, (uint32_t)ordinal);
}

/* The whole segment, also rows that no version of the table has any more. */
static int build_index(struct db *db, const struct schema *schema, struct object *object,
                       uint64_t signature, struct err *err)
{
    cleanup(keyindex_builder_destroy_p) struct keyindex_builder *builder = NULL;
    struct extent whole = {
        .object = object, .bytes = object->entry.bytes, .rows = object->entry.rows};
    int r = keyindex_builder_create(&builder);

    if (r < 0)
        return err_nomem(err);
    r = each_row(db, schema, &whole, add_to_builder, builder, err);
    return r < 0 ? r : keyindex_builder_put(builder, db->store, &object->entry, signature, err);
}

/* The index of a segment, made if there is none; a new reference. */
static int get_index(struct db *db, const struct schema *schema, struct object *object,
                     uint64_t signature, struct keyindex **ret_index, struct err *err)
{
    int r = 0;

    *ret_index = segmentcache_find(db->keyed, object->id.uuid, signature);
    if (*ret_index)
        return 0;
    db_before_wait(db);
    r = keyindex_open(db->store, &object->entry, signature, ret_index, NULL);
    if (r == -ENOENT && !db->options.read_only) {
        /* One that is there and cannot be used is in the way. */
        keyindex_remove(db->store, &object->entry, signature, NULL);
        r = build_index(db, schema, object, signature, err);
        if (!r)
            r = keyindex_open(db->store, &object->entry, signature, ret_index, err);
    }
    if (!r)
        segmentcache_add(db->keyed, object->id.uuid, signature, *ret_index);
    return r;
}

/* What a lookup is about. */
struct lookup {
    struct db *db;
    struct table *table;
    struct slice key;
    uint64_t hash, from_row, to_row;
    struct buf rows; /* uint64_t: numbers of rows that may be it */
    struct err *err;
    const struct extent *extent; /* that is scanned */
    struct keymap *map;          /* that is filled */
};

static int add_candidate(struct lookup *lookup, uint64_t row)
{
    return buf_append(&lookup->rows, &row, sizeof row);
}

static int add_if_equal(void *context, uint64_t hash, uint64_t ordinal)
{
    struct lookup *lookup = context;

    return hash == lookup->hash ? add_candidate(lookup, lookup->extent->row + ordinal) : 0;
}

/* Where no index can be written, all rows of the segment are looked at. */
static int scan_segment(struct lookup *lookup, const struct extent *placement)
{
    lookup->extent = placement;
    return each_row(lookup->db, lookup->table->schema, placement, add_if_equal, lookup,
                    lookup->err);
}

/* Adds what the index says, which is of the whole segment. */
static int add_ordinals(struct lookup *lookup, const struct extent *placement,
                        const struct buf *ordinals)
{
    const uint32_t *all = (const void *)ordinals->data;

    for (size_t i = 0; i < ordinals->bytes / sizeof *all; i++) {
        uint64_t ordinal = all[i];

        if (ordinal >= placement->first_row && ordinal < placement->first_row + placement->rows &&
            add_candidate(lookup, placement->row + (ordinal - placement->first_row)) < 0)
            return err_nomem(lookup->err);
    }
    return 0;
}

/* A damaged one is put again by the next lookup that needs it. */
static void drop_index(struct db *db, const struct object *object, uint64_t signature)
{
    segmentcache_remove(db->keyed, object->id.uuid, signature);
    if (!db->options.read_only)
        keyindex_remove(db->store, &object->entry, signature, NULL);
}

static int find_in_segment(struct lookup *lookup, const struct extent *placement,
                           uint64_t signature)
{
    cleanup_buf struct buf ordinals = {0};
    cleanup(keyindex_unref_p) struct keyindex *index = NULL;
    int r = get_index(lookup->db, lookup->table->schema, placement->object, signature, &index,
                      lookup->err);

    if (!r) {
        r = keyindex_find(lookup->db->store, index, lookup->hash, &ordinals, lookup->err);
        if (r == -EIO)
            drop_index(lookup->db, placement->object, signature);
    }
    if (r == -ENOMEM)
        return err_nomem(lookup->err);
    return r < 0 ? scan_segment(lookup, placement) : add_ordinals(lookup, placement, &ordinals);
}

/* --- rows elsewhere ------------------------------------------------------------------- */

static int add_to_map(void *context, uint64_t hash, uint64_t ordinal)
{
    struct lookup *lookup = context;

    return keymap_add(lookup->map, hash, lookup->extent->row + ordinal);
}

/* Adds what the version has from row number `covered` on. */
static int fill_map(struct lookup *lookup, uint64_t covered)
{
    const struct table *table = lookup->table;
    struct ptree_cursor cursor;
    const struct extent *extent;
    uint64_t before;
    int r = 0;

    ptree_seek_sum(&cursor, &extent_class, table->extents, EXTENT_ROWS,
                   table_rows_before(table, covered), &before);
    while (!r && (extent = ptree_next(&cursor))) {
        if (extent_is_in_segment(extent))
            continue;
        lookup->extent = extent;
        r = each_row(lookup->db, table->schema, extent, add_to_map, lookup, lookup->err);
    }
    return r;
}

/* The map of this version, which knows all of its rows. Filled without the lock: twice does no
 * harm. */
static int get_map(struct lookup *lookup)
{
    struct keymap_slot *slot = &lookup->table->keymap;
    uint64_t appended = lookup->table->appended, covered;
    int r = 0;

    pthread_mutex_lock(&slot->lock);
    if (!slot->map)
        r = keymap_create(&slot->map);
    covered = slot->covered;
    lookup->map = slot->map ? keymap_ref(slot->map) : NULL;
    pthread_mutex_unlock(&slot->lock);
    if (r < 0)
        return err_nomem(lookup->err);
    if (covered < appended) {
        db_before_wait(lookup->db);
        r = fill_map(lookup, covered);
    }
    if (r < 0)
        return r;
    pthread_mutex_lock(&slot->lock);
    if (slot->map == lookup->map && slot->covered < appended)
        slot->covered = appended;
    pthread_mutex_unlock(&slot->lock);
    return 0;
}

/* --- lookups ---------------------------------------------------------------------------- */

/* Whether the version has any of the rows [from, to). */
static bool has_rows(const struct table *table, uint64_t from, uint64_t to)
{
    return from < to && table_rows_before(table, to) > table_rows_before(table, from);
}

static bool has_row(const struct table *table, uint64_t row)
{
    return has_rows(table, row, row + 1);
}

/* Whether a row of the version has the key. */
static int is_it(struct lookup *lookup, uint64_t row)
{
    cleanup(scan_finish) struct scan scan;
    cleanup_buf struct buf key = {0};
    const char *text;
    size_t bytes;
    int r;

    scan_init(&scan, lookup->db->store, lookup->table);
    r = scan_seek(&scan, table_rows_before(lookup->table, row), lookup->err);
    if (!r)
        r = scan_next(&scan, &text, &bytes, lookup->err);
    if (r <= 0)
        return r;
    if (rowkey_of_row(lookup->table->schema, slice_of(text, bytes), &key) < 0)
        return err_nomem(lookup->err);
    return slice_equal(slice_of(key.data, key.bytes), lookup->key);
}

static int descending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x < y) - (x > y);
}

/* The newest first: of a key that was replaced often it is the one. */
static int choose(struct lookup *lookup, uint64_t *ret_row)
{
    uint64_t *rows = (uint64_t *)(void *)lookup->rows.data;
    size_t count = lookup->rows.bytes / sizeof *rows;

    if (count > 1)
        qsort(rows, count, sizeof *rows, descending);
    for (size_t i = 0; i < count && rows[i] >= lookup->from_row; i++) {
        int r = rows[i] < lookup->to_row && has_row(lookup->table, rows[i]) ? is_it(lookup, rows[i])
                                                                            : 0;

        if (r > 0)
            *ret_row = rows[i];
        if (r)
            return r;
    }
    return 0;
}

static bool is_there(void *context, uint64_t row)
{
    return has_row(context, row);
}

/* The map holds rows that are gone; when they are many, this version goes on without them. */
static void bound_map(struct lookup *lookup, size_t candidates)
{
    struct keymap_slot *slot = &lookup->table->keymap;
    struct keymap *smaller;

    if (candidates < MANY_ROWS && !keymap_is_large(lookup->map))
        return;
    if (keymap_filter(lookup->map, is_there, lookup->table, &smaller) < 0)
        return; /* another time */
    pthread_mutex_lock(&slot->lock);
    if (slot->map == lookup->map) {
        slot->map = smaller;
        smaller = lookup->map;
    }
    pthread_mutex_unlock(&slot->lock);
    keymap_unref(smaller);
}

static int find_in_map(struct lookup *lookup, uint64_t *ret_row)
{
    cleanup(keymap_unref_p) struct keymap *map = NULL;
    int r = get_map(lookup);

    map = lookup->map;
    if (r < 0)
        return r;
    if (keymap_find(map, lookup->hash, &lookup->rows) < 0)
        return err_nomem(lookup->err);
    r = choose(lookup, ret_row);
    bound_map(lookup, lookup->rows.bytes / sizeof(uint64_t));
    return r;
}

/* Only where the version still has rows that can be it. */
static int find_in_segments(struct lookup *lookup, uint64_t *ret_row)
{
    const struct extent *placement;
    struct ptree_cursor cursor;
    uint64_t signature;
    int r = rowkey_signature(lookup->table->schema, &signature);

    if (r < 0)
        return err_nomem(lookup->err);
    ptree_seek_first(&cursor, lookup->table->placements);
    while (!r && (placement = ptree_next(&cursor)) && placement->row < lookup->to_row) {
        uint64_t from = placement->row, to = placement->row + placement->rows;

        from = from > lookup->from_row ? from : lookup->from_row;
        to = to < lookup->to_row ? to : lookup->to_row;
        if (!has_rows(lookup->table, from, to))
            continue;
        lookup->rows.bytes = 0;
        r = find_in_segment(lookup, placement, signature);
        if (!r)
            r = choose(lookup, ret_row);
    }
    return r;
}

int keyed_find(struct db *db, struct table *table, struct slice key, uint64_t from_row,
               uint64_t to_row, uint64_t *ret_row, struct err *err)
{
    struct lookup lookup = {.db = db,
                            .table = table,
                            .key = key,
                            .hash = hash64_bytes(key.text, key.bytes),
                            .from_row = from_row,
                            .to_row = to_row,
                            .err = err};
    int r = find_in_map(&lookup, ret_row);

    if (!r)
        r = find_in_segments(&lookup, ret_row);
    buf_finish(&lookup.rows);
    return r;
}

int keyed_compare(struct db *db, const struct schema *schema, struct object *object,
                  struct err *err)
{
    cleanup(keyindex_builder_destroy_p) struct keyindex_builder *builder = NULL;
    cleanup(keyindex_unref_p) struct keyindex *index = NULL;
    struct extent whole = {
        .object = object, .bytes = object->entry.bytes, .rows = object->entry.rows};
    uint64_t signature;
    int r = rowkey_signature(schema, &signature);

    if (!r)
        r = keyindex_is_there(db->store, &object->entry, signature, err);
    if (r < 0)
        return r;
    r = keyindex_open(db->store, &object->entry, signature, &index, err);
    if (r == -ENOENT)
        return err_prefix(err, -EIO, "the key index of %s cannot be used", object->entry.path);
    if (!r)
        r = keyindex_builder_create(&builder);
    if (!r)
        r = each_row(db, schema, &whole, add_to_builder, builder, err);
    return r < 0 ? r : keyindex_equal(db->store, index, builder, err);
}
