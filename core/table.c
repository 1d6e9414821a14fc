/* SPDX-License-Identifier: MIT */
/* Tables as immutable sequences of extents. */
#include "core/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/keymap.h"

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
    ret_sums[EXTENT_SEGMENTS] = extent_is_in_segment(extent);
}

static int extent_compare(const void *key, const void *item)
{
    const struct extent *extent = item;
    uint64_t row = *(const uint64_t *)key;

    if (row < extent->row)
        return -1;
    return row - extent->row >= extent->rows;
}

const struct ptree_class extent_class = {
    .ref = extent_ref_item,
    .unref = extent_unref_item,
    .measure = extent_measure,
    .compare = extent_compare,
};

CLEANUP_POINTER(void, extent_unref_item)

static struct extent *extent_new(struct object *object, const struct extent_ref *ref, uint64_t row)
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
        .row = row,
    };
    atomic_init(&extent->refs, 1);
    return extent;
}

struct extent_ref extent_as_ref(const struct extent *extent)
{
    return (struct extent_ref){
        .object = extent->object->id,
        .offset = extent->offset,
        .bytes = extent->bytes,
        .first_row = extent->first_row,
        .rows = extent->rows,
    };
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
    ptree_unref(&extent_class, table->placements);
    schema_unref(table->schema);
    keymap_slot_finish(&table->keymap);
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

uint64_t table_rows_before(const struct table *table, uint64_t row)
{
    uint64_t before;
    const struct extent *extent =
        ptree_find_sum(&extent_class, table->extents, &row, EXTENT_ROWS, &before);

    return extent ? before + (row - extent->row) : before;
}

/* How many rows of [from, to) there are. */
static uint64_t rows_in(const struct table *table, uint64_t from, uint64_t to)
{
    return table_rows_before(table, to) - table_rows_before(table, from);
}

uint64_t table_first_missing(const struct table *table, const struct table *later, uint64_t from,
                             uint64_t to)
{
    if (rows_in(table, from, to) == rows_in(later, from, to))
        return to;
    if (rows_in(table, from, from + 1) > rows_in(later, from, from + 1))
        return from;        /* most go together with their neighbours */
    while (to - from > 1) { /* one of [from, to) is missing, none before */
        uint64_t middle = from + (to - from) / 2;

        if (rows_in(table, from, middle) == rows_in(later, from, middle))
            from = middle;
        else
            to = middle;
    }
    return from;
}

int table_create(struct uuid uuid, const char *name, uint64_t version, int64_t time_usec,
                 struct table **ret_table)
{
    cleanup(table_unref_p) struct table *table = calloc(1, sizeof *table);

    if (!table)
        return -ENOMEM;
    atomic_init(&table->refs, 1);
    keymap_slot_init(&table->keymap);
    table->uuid = uuid;
    table->name = strdup(name);
    table->created_version = table->named_version = table->version = version;
    table->named_usec = table->time_usec = time_usec;
    if (!table->name)
        return -ENOMEM;
    *ret_table = steal_pointer(table);
    return 0;
}

/* The same table, to be changed before anybody sees it. */
static int next_version(const struct table *table, const char *name, uint64_t version,
                        int64_t time_usec, struct table **ret_table)
{
    struct table *next;
    int r = table_create(table->uuid, name, version, time_usec, &next);

    if (r < 0)
        return r;
    next->created_version = table->created_version;
    next->named_version = table->named_version;
    next->named_usec = table->named_usec;
    next->appended = table->appended;
    next->schema = schema_ref(table->schema);
    next->schema_version = table->schema_version;
    next->schema_usec = table->schema_usec;
    next->extents = ptree_ref(table->extents);
    next->placements = ptree_ref(table->placements);
    keymap_slot_inherit(&next->keymap, &table->keymap);
    *ret_table = next;
    return 0;
}

static void set_extents(struct table *table, struct ptree *extents)
{
    ptree_unref(&extent_class, table->extents);
    table->extents = extents;
}

static void set_placements(struct table *table, struct ptree *placements)
{
    ptree_unref(&extent_class, table->placements);
    table->placements = placements;
}

/* The same table with other extents, which are taken over, also on failure. */
static int with_extents(const struct table *table, struct ptree *extents, uint64_t version,
                        int64_t time_usec, struct table **ret_table)
{
    int r = next_version(table, table->name, version, time_usec, ret_table);

    if (r < 0)
        ptree_unref(&extent_class, extents);
    else
        set_extents(*ret_table, extents);
    return r;
}

int table_rename(const struct table *table, const char *name, uint64_t version, int64_t time_usec,
                 struct table **ret_table)
{
    int r = next_version(table, name, table->version, table->time_usec, ret_table);

    if (r < 0)
        return r;
    (*ret_table)->named_version = version;
    (*ret_table)->named_usec = time_usec;
    return 0;
}

int table_set_schema(const struct table *table, struct schema *schema, uint64_t version,
                     int64_t time_usec, struct table **ret_table)
{
    int r = next_version(table, table->name, version, time_usec, ret_table);

    if (r < 0)
        return r;
    schema_unref((*ret_table)->schema);
    (*ret_table)->schema = schema_ref(schema);
    (*ret_table)->schema_version = version;
    (*ret_table)->schema_usec = time_usec;
    keymap_slot_clear(&(*ret_table)->keymap); /* other columns may be the key */
    return 0;
}

/* The placements without those that lie below `row` as a whole. */
static int drop_placements(struct table *table, uint64_t row)
{
    struct ptree *gone, *rest, *whole = NULL, *first = NULL;
    void *cut;
    int r = ptree_split_key(&extent_class, table->placements, &row, &gone, &cut, &rest);

    if (r < 0)
        return r;
    ptree_unref(&extent_class, gone);
    if (cut) {
        r = ptree_append(&extent_class, NULL, cut, &first);
        if (!r)
            r = ptree_concat(&extent_class, first, rest, &whole);
        ptree_unref(&extent_class, first);
        ptree_unref(&extent_class, rest);
        extent_unref_item(cut);
        rest = whole;
    }
    if (!r)
        set_placements(table, rest);
    return r;
}

int table_clear(const struct table *table, uint64_t before, uint64_t version, int64_t time_usec,
                struct table **ret_table)
{
    cleanup(table_unref_p) struct table *next = NULL;
    struct ptree *gone, *rest;
    void *cut;
    int r = ptree_split_key(&extent_class, table->extents, &before, &gone, &cut, &rest);

    if (r < 0)
        return r;
    ptree_unref(&extent_class, gone);
    if (cut) { /* its first row is numbered `before`, or it would have to be cut */
        struct extent *extent = cut;
        struct ptree *whole = NULL;
        struct ptree *first = NULL;

        r = extent->row == before ? ptree_append(&extent_class, NULL, extent, &first) : -ENOENT;
        if (!r)
            r = ptree_concat(&extent_class, first, rest, &whole);
        ptree_unref(&extent_class, first);
        ptree_unref(&extent_class, rest);
        extent_unref_item(extent);
        rest = whole;
    }
    if (!r)
        r = with_extents(table, rest, version, time_usec, &next);
    if (!r)
        r = drop_placements(next, before);
    if (!r)
        *ret_table = steal_pointer(next);
    return r;
}

/* Whether the rows of `ref` stand directly behind those of `last` in the same object. */
static bool continues(const struct extent *last, const struct extent_ref *ref)
{
    struct extent_ref before = extent_as_ref(last);

    return extent_ref_adjoins(&before, ref);
}

/* A tree of extents with one more at the end, or with one in the place of the last. */
static int append_extent(struct ptree *tree, struct extent *extent, bool in_place_of_last,
                         struct ptree **ret_tree)
{
    struct ptree *before = ptree_ref(tree), *none;
    int r = 0;

    if (in_place_of_last) {
        const struct extent *last = ptree_last(tree);
        void *item;

        ptree_unref(&extent_class, before);
        r = ptree_split_key(&extent_class, tree, &last->row, &before, &item, &none);
        if (!r)
            extent_unref_item(item);
    }
    if (r < 0)
        return r;
    r = ptree_append(&extent_class, before, extent, ret_tree);
    ptree_unref(&extent_class, before);
    return r;
}

static int place(struct table *table, struct extent *extent, bool joined)
{
    struct ptree *tree;
    int r = append_extent(table->extents, extent, joined, &tree);

    if (r < 0)
        return r;
    set_extents(table, tree);
    if (!extent_is_in_segment(extent))
        return 0;
    r = append_extent(table->placements, extent, joined, &tree);
    if (!r)
        set_placements(table, tree);
    return r;
}

int table_append(const struct table *table, struct object *object, const struct extent_ref *ref,
                 bool join, uint64_t version, int64_t time_usec, struct table **ret_table)
{
    cleanup(table_unref_p) struct table *next = NULL;
    const struct extent *last = ptree_last(table->extents);
    struct extent_ref whole = *ref;
    uint64_t row = table->appended;
    struct extent *extent;
    int r;

    join = join && last && last->row + last->rows == row && continues(last, ref);
    if (join) {
        whole.offset = last->offset;
        whole.bytes += last->bytes;
        whole.first_row = last->first_row;
        whole.rows += last->rows;
        row = last->row;
    }
    r = next_version(table, table->name, version, time_usec, &next);
    if (r < 0)
        return r;
    extent = extent_new(object, &whole, row);
    r = extent ? place(next, extent, join) : -ENOMEM;
    if (extent)
        extent_unref_item(extent);
    if (r < 0)
        return r;
    next->appended += ref->rows;
    *ret_table = steal_pointer(next);
    return 0;
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
    struct extent *part = extent_new(extent->object, &ref, extent->row + from_row);
    int r = part ? ptree_append(&extent_class, tree, part, ret_tree) : -ENOMEM;

    if (part)
        extent_unref_item(part);
    ptree_unref(&extent_class, tree);
    return r;
}

/*
 * Splits a sequence of extents before the row numbered `row`, cutting the extent that
 * spans it. The cut stands at byte `offset` of its object.
 */
static int split_rows(struct ptree *tree, uint64_t row, uint64_t offset, struct ptree **ret_left,
                      struct ptree **ret_right)
{
    struct ptree *left, *right, *part = NULL, *whole = NULL;
    void *item;
    int r = ptree_split_key(&extent_class, tree, &row, &left, &item, &right);

    if (r < 0)
        return r;
    if (item) {
        cleanup(extent_unref_item_p) void *held = item;
        const struct extent *extent = held;
        uint64_t cut_row =
            row - extent->row; /* at 0 nothing is cut, and the object may be another */
        uint64_t cut = cut_row ? offset - extent->offset : 0;

        r = (cut_row > 0) == (cut > 0) && cut < extent->bytes ? 0 : -ENOENT;
        if (!r)
            r = append_part(NULL, extent, cut, extent->bytes, cut_row, extent->rows, &part);
        if (!r)
            r = ptree_concat(&extent_class, part, right, &whole);
        ptree_unref(&extent_class, part);
        ptree_unref(&extent_class, right);
        right = whole;
        if (!r && cut)
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
            extent->first_row != row || extent->row - ref->row != row - ref->first_row)
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
    int r = split_rows(tree, ref->row, ref->offset, &before, &rest);

    if (r < 0)
        return r;
    r = split_rows(rest, ref->row + ref->rows, ref->offset + ref->bytes, &cut, &after);
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

    for (size_t i = 0; i < count; i++) {
        struct ptree *next = NULL;
        bool ordered = !i || refs[i - 1].row + refs[i - 1].rows <= refs[i].row;
        int r = ordered ? delete_range(extents, &refs[i], &next) : -ENOENT;

        ptree_unref(&extent_class, extents);
        if (r < 0)
            return r;
        extents = next;
    }
    return with_extents(table, extents, version, time_usec, ret_table);
}

/* The part of an extent that `ref` names as well; each end lies where one of them ends. */
static struct extent_ref common_part(const struct extent *extent, const struct extent_ref *ref)
{
    uint64_t extent_end = extent->row + extent->rows, ref_end = ref->row + ref->rows;
    bool from_ref = ref->row > extent->row, to_ref = ref_end < extent_end;
    uint64_t row = from_ref ? ref->row : extent->row;
    uint64_t offset = from_ref ? ref->offset : extent->offset;

    return (struct extent_ref){
        .object = ref->object,
        .offset = offset,
        .bytes = (to_ref ? ref->offset + ref->bytes : extent->offset + extent->bytes) - offset,
        .first_row = extent->first_row + (row - extent->row),
        .rows = (to_ref ? ref_end : extent_end) - row,
        .row = row,
    };
}

int table_intersect(const struct table *table, const struct extent_ref *ref,
                    int (*each)(void *context, const struct extent_ref *run), void *context)
{
    struct ptree_cursor cursor;
    const struct extent *extent;
    uint64_t before;
    int r = 0;

    ptree_seek_sum(&cursor, &extent_class, table->extents, EXTENT_ROWS,
                   table_rows_before(table, ref->row), &before);
    while (!r && (extent = ptree_next(&cursor)) && extent->row < ref->row + ref->rows) {
        struct extent_ref run = common_part(extent, ref);

        r = each(context, &run);
    }
    return r;
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
