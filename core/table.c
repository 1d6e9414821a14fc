/* SPDX-License-Identifier: MIT */
/* Tables as immutable sequences of extents. */
#include "core/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

/* --- extents ------------------------------------------------------------ */

static void extent_ref_item(void *item)
{
    struct extent *extent = item;

    atomic_fetch_add_explicit(&extent->refs, 1, memory_order_relaxed);
}

static void extent_unref_item(void *item)
{
    struct extent *extent = item;

    if (atomic_fetch_sub_explicit(&extent->refs, 1, memory_order_acq_rel) != 1)
        return;
    object_unref(extent->object);
    free(extent);
}

static void extent_measure(const void *item, uint64_t ret_sums[PTREE_SUMS])
{
    const struct extent *extent = item;

    ret_sums[EXTENT_BYTES] = extent->bytes;
    ret_sums[EXTENT_ROWS] = extent->rows;
    ret_sums[EXTENT_SEGMENTS] = !extent->object->id.inlined;
}

const struct ptree_class extent_class = {
    .ref = extent_ref_item,
    .unref = extent_unref_item,
    .measure = extent_measure,
};

CLEANUP_POINTER(void, extent_unref_item)

static struct extent *extent_new(struct object *object, const struct extent_ref *ref)
{
    struct extent *extent = malloc(sizeof *extent);

    if (!extent)
        return NULL;
    *extent = (struct extent){
        .object = object_ref(object),
        .offset = ref->offset,
        .bytes = ref->bytes,
        .first_row = ref->first_row,
        .rows = ref->rows,
    };
    atomic_init(&extent->refs, 1);
    return extent;
}

/* --- versions of a table ------------------------------------------------ */

struct table *table_ref(struct table *table)
{
    atomic_fetch_add_explicit(&table->refs, 1, memory_order_relaxed);
    return table;
}

void table_unref(struct table *table)
{
    if (!table || atomic_fetch_sub_explicit(&table->refs, 1, memory_order_acq_rel) != 1)
        return;
    ptree_unref(&extent_class, table->extents);
    free(table->name);
    free(table);
}

CLEANUP_POINTER(struct table, table_unref)

uint64_t table_bytes(const struct table *table)
{
    return ptree_sum(table->extents, EXTENT_BYTES);
}

uint64_t table_rows(const struct table *table)
{
    return ptree_sum(table->extents, EXTENT_ROWS);
}

int table_create(struct uuid uuid, const char *name, uint64_t version, int64_t time_usec,
                 struct table **ret_table)
{
    cleanup(table_unref_p) struct table *table = calloc(1, sizeof *table);

    if (!table)
        return -ENOMEM;
    atomic_init(&table->refs, 1);
    table->uuid = uuid;
    table->name = strdup(name);
    table->created_version = table->version = version;
    table->named_usec = table->time_usec = time_usec;
    if (!table->name)
        return -ENOMEM;
    *ret_table = steal_pointer(table);
    return 0;
}

/* The same table with other extents, which are taken over, also on failure. */
static int next_version(const struct table *table, struct ptree *extents, uint64_t version,
                        int64_t time_usec, struct table **ret_table)
{
    struct table *next;
    int r = table_create(table->uuid, table->name, version, time_usec, &next);

    if (r < 0) {
        ptree_unref(&extent_class, extents);
        return r;
    }
    next->created_version = table->created_version;
    next->named_usec = table->named_usec;
    next->extents = extents;
    *ret_table = next;
    return 0;
}

int table_rename(const struct table *table, const char *name, int64_t time_usec,
                 struct table **ret_table)
{
    struct table *next;
    int r = table_create(table->uuid, name, table->version, table->time_usec, &next);

    if (r < 0)
        return r;
    next->created_version = table->created_version;
    next->named_usec = time_usec;
    next->extents = ptree_ref(table->extents);
    *ret_table = next;
    return 0;
}

int table_clear(const struct table *table, uint64_t version, int64_t time_usec,
                struct table **ret_table)
{
    return next_version(table, NULL, version, time_usec, ret_table);
}

/* Whether the rows of `ref` stand directly behind those of `last` in the same object. */
static bool continues(const struct extent *last, const struct object *object,
                      const struct extent_ref *ref)
{
    return last && object_id_equal(last->object->id, object->id) &&
           last->offset + last->bytes == ref->offset && last->first_row + last->rows == ref->first_row;
}

int table_append(const struct table *table, struct object *object, const struct extent_ref *ref,
                 uint64_t version, int64_t time_usec, struct table **ret_table)
{
    const struct extent *last = ptree_last(table->extents);
    struct ptree *before = ptree_ref(table->extents), *extents = NULL;
    struct extent_ref whole = *ref;
    struct extent *extent;
    void *spanning = NULL;
    int r = 0;

    if (continues(last, object, ref)) {
        struct ptree *left, *none;

        whole.offset = last->offset;
        whole.bytes += last->bytes;
        whole.first_row = last->first_row;
        whole.rows += last->rows;
        r = ptree_split(&extent_class, before, EXTENT_BYTES, table_bytes(table) - last->bytes,
                        &left, &spanning, &none);
        ptree_unref(&extent_class, before);
        if (r < 0)
            return r;
        ptree_unref(&extent_class, none); /* the last extent itself */
        before = left;
    }
    extent = extent_new(object, &whole);
    r = extent ? ptree_append(&extent_class, before, extent, &extents) : -ENOMEM;
    ptree_unref(&extent_class, before);
    if (extent)
        extent_unref_item(extent);
    return r < 0 ? r : next_version(table, extents, version, time_usec, ret_table);
}

/* A part of an extent, as an extent of its own at the end of `tree`, which is taken over. */
static int append_part(struct ptree *tree, const struct extent *extent, uint64_t from_byte,
                       uint64_t to_byte, uint64_t from_row, uint64_t to_row,
                       struct ptree **ret_tree)
{
    struct extent_ref ref = {
        .offset = extent->offset + from_byte,
        .bytes = to_byte - from_byte,
        .first_row = extent->first_row + from_row,
        .rows = to_row - from_row,
    };
    struct extent *part = extent_new(extent->object, &ref);
    int r = part ? ptree_append(&extent_class, tree, part, ret_tree) : -ENOMEM;

    if (part)
        extent_unref_item(part);
    ptree_unref(&extent_class, tree);
    return r;
}

/*
 * Splits a sequence of extents before byte `at`, cutting the extent that spans
 * it. The cut stands before the row that has ordinal `row` in its object.
 */
static int split_rows(struct ptree *tree, uint64_t at, uint64_t row, struct ptree **ret_left,
                      struct ptree **ret_right)
{
    struct ptree *left, *right, *part = NULL, *whole = NULL;
    void *item;
    int r = ptree_split(&extent_class, tree, EXTENT_BYTES, at, &left, &item, &right);

    if (r < 0)
        return r;
    if (item) {
        cleanup(extent_unref_item_p) void *held = item;
        const struct extent *extent = held;
        uint64_t cut = at - ptree_sum(left, EXTENT_BYTES), cut_row = row - extent->first_row;

        r = row > extent->first_row && cut_row < extent->rows ? 0 : -ENOENT;
        if (!r)
            r = append_part(NULL, extent, cut, extent->bytes, cut_row, extent->rows, &part);
        if (!r)
            r = ptree_concat(&extent_class, part, right, &whole);
        ptree_unref(&extent_class, part);
        ptree_unref(&extent_class, right);
        right = whole;
        if (!r)
            r = append_part(steal_pointer(left), extent, 0, cut, 0, cut_row, &left);
    }
    if (r < 0) {
        ptree_unref(&extent_class, left);
        ptree_unref(&extent_class, right);
        return r;
    }
    *ret_left = left;
    *ret_right = right;
    return 0;
}

/* Whether these extents are, end to end, exactly the rows that `ref` names. */
static bool is_exactly(const struct ptree *extents, const struct extent_ref *ref)
{
    struct ptree_cursor cursor;
    const struct extent *extent;
    uint64_t offset = ref->offset, row = ref->first_row;

    ptree_seek_first(&cursor, extents);
    while ((extent = ptree_next(&cursor))) {
        if (!object_id_equal(extent->object->id, ref->object) || extent->offset != offset ||
            extent->first_row != row)
            return false;
        offset += extent->bytes;
        row += extent->rows;
    }
    return offset == ref->offset + ref->bytes && row == ref->first_row + ref->rows;
}

/* Cuts one range out of `tree`, which is borrowed. */
static int delete_range(struct ptree *tree, const struct extent_ref *ref, struct ptree **ret_tree)
{
    struct ptree *before, *rest, *cut, *after;
    int r = split_rows(tree, ref->at, ref->first_row, &before, &rest);

    if (r < 0)
        return r;
    r = split_rows(rest, ref->bytes, ref->first_row + ref->rows, &cut, &after);
    ptree_unref(&extent_class, rest);
    if (!r) {
        r = is_exactly(cut, ref) ? ptree_concat(&extent_class, before, after, ret_tree) : -ENOENT;
        ptree_unref(&extent_class, cut);
        ptree_unref(&extent_class, after);
    }
    ptree_unref(&extent_class, before);
    return r;
}

int table_delete(const struct table *table, const struct extent_ref *refs, size_t count,
                 uint64_t version, int64_t time_usec, struct table **ret_table)
{
    struct ptree *extents = ptree_ref(table->extents);

    /* From the last to the first, so that a cut does not move those still to come. */
    for (size_t i = count; i-- > 0;) {
        struct ptree *next = NULL;
        bool ordered = i + 1 == count || refs[i].at + refs[i].bytes <= refs[i + 1].at;
        int r = ordered ? delete_range(extents, &refs[i], &next) : -ENOENT;

        ptree_unref(&extent_class, extents);
        if (r < 0)
            return r;
        extents = next;
    }
    return next_version(table, extents, version, time_usec, ret_table);
}

int table_read(struct store *store, const struct table *table, void *buf, size_t bytes,
               uint64_t offset, struct err *err)
{
    uint64_t total = table_bytes(table), before;
    struct ptree_cursor cursor;
    size_t done = 0;

    if (offset >= total)
        return 0;
    if (bytes > total - offset)
        bytes = (size_t)(total - offset);
    ptree_seek_sum(&cursor, &extent_class, table->extents, EXTENT_BYTES, offset, &before);
    while (done < bytes) {
        const struct extent *extent = ptree_next(&cursor);
        uint64_t skip = offset + done - before;
        size_t n = bytes - done;
        int r;

        if (n > extent->bytes - skip)
            n = (size_t)(extent->bytes - skip);
        r = object_read(store, extent->object, (char *)buf + done, n, extent->offset + skip, err);
        if (r < 0)
            return r;
        before += extent->bytes;
        done += n;
    }
    return (int)done;
}
