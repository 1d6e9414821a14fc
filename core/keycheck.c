/* SPDX-License-Identifier: MIT */
/* Rows that are to be added, by their keys. */
#include "core/keycheck.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/keyed.h"
#include "core/pick.h"

#define FIRST_CAPACITY 64

/* The key of a row that is to be added. */
struct added {
    struct hash hash;
    uint64_t row; /* how many were added up to and with it; 0: an empty slot */
};

struct keycheck {
    struct db *db;
    struct table *table;
    uint64_t seen; /* rows below this number need not be looked at again */
    uint64_t to_row;
    struct added *set; /* the keys of rows in no finished segment */
    size_t capacity, count;
    uint64_t added;         /* rows, in all */
    struct table *segments; /* those that are finished, as a table of their own; NULL: none */
    size_t segment_count;
    keycheck_goes_fn *goes;
    void *context;
    struct buf key;
};

CLEANUP_POINTER(struct pick, pick_destroy)
CLEANUP_POINTER(struct object, object_unref)

int keycheck_create(struct db *db, struct table *table, uint64_t to_row, keycheck_goes_fn *goes,
                    void *context, struct keycheck **ret_check)
{
    struct keycheck *check = calloc(1, sizeof *check);

    if (!check)
        return -ENOMEM;
    check->db = db;
    check->table = table_ref(table);
    check->seen = table->appended;
    check->to_row = to_row;
    check->goes = goes;
    check->context = context;
    *ret_check = check;
    return 0;
}

void keycheck_destroy(struct keycheck *check)
{
    if (!check)
        return;
    table_unref(check->table);
    table_unref(check->segments);
    free(check->set);
    buf_finish(&check->key);
    free(check);
}

/* --- the set ------------------------------------------------------------------- */

static struct added *find_slot(struct added *set, size_t capacity, struct hash hash)
{
    size_t i = hash.low & (capacity - 1);

    while (set[i].row && !hash_equal(set[i].hash, hash))
        i = (i + 1) & (capacity - 1);
    return &set[i];
}

/* The set anew, of the rows behind the first `before`, with room for more. */
static int remake_set(struct keycheck *check, uint64_t before)
{
    size_t capacity = FIRST_CAPACITY, count = (size_t)(check->added - before);
    struct added *set;

    while (3 * (count + 1) > capacity)
        capacity *= 2;
    set = calloc(capacity, sizeof *set);
    if (!set)
        return -ENOMEM;
    for (size_t i = 0; i < check->capacity; i++)
        if (check->set[i].row > before)
            *find_slot(set, capacity, check->set[i].hash) = check->set[i];
    free(check->set);
    check->set = set;
    check->capacity = capacity;
    check->count = count;
    return 0;
}

static bool set_has(const struct keycheck *check, struct hash hash)
{
    return check->count && find_slot(check->set, check->capacity, hash)->row;
}

static int set_add(struct keycheck *check, struct hash hash)
{
    if (3 * (check->count + 1) > 2 * check->capacity &&
        remake_set(check, check->added - check->count) < 0)
        return -ENOMEM;
    *find_slot(check->set, check->capacity, hash) =
        (struct added){.hash = hash, .row = ++check->added};
    check->count++;
    return 0;
}

/* --- rows ----------------------------------------------------------------------- */

static int refuse(const struct keycheck *check, struct slice row, const char *what, struct err *err)
{
    cleanup_buf struct buf key = {0};

    if (rowkey_print(check->table->schema, row, &key) < 0)
        return err_nomem(err);
    return err_set(err, -EEXIST, "%s %.*s", what, (int)key.bytes, key.data);
}

/* The key of a row, in `check->key`, and its hash. */
static int hash_key(struct keycheck *check, struct slice row, struct hash *ret_hash,
                    struct err *err)
{
    check->key.bytes = 0;
    if (rowkey_of_row(check->table->schema, row, &check->key) < 0)
        return err_nomem(err);
    *ret_hash = hash_bytes(check->key.data, check->key.bytes);
    return 0;
}

static int find(struct keycheck *check, struct table *table, uint64_t to_row, uint64_t *ret_row,
                struct err *err)
{
    return to_row && table_rows(table)
               ? keyed_find(check->db, table, slice_of(check->key.data, check->key.bytes), 0,
                            to_row, ret_row, err)
               : 0;
}

/* Whether a row that is to be added has this key. */
static int is_added(struct keycheck *check, struct hash hash, struct err *err)
{
    uint64_t row;

    if (set_has(check, hash))
        return 1;
    return check->segments ? find(check, check->segments, check->added, &row, err) : 0;
}

/* Adds the row whose key was made last to those that are to be added. */
static int add(struct keycheck *check, struct slice row, struct hash hash, struct err *err)
{
    int r = is_added(check, hash, err);

    if (r > 0)
        return refuse(check, row, "two of the rows have", err);
    if (!r && set_add(check, hash) < 0)
        return err_nomem(err);
    return r;
}

/* Whether a row that has the key of one that is to be added stays. */
static int row_stays(struct keycheck *check, struct slice row, struct err *err)
{
    int r = check->goes ? check->goes(check->context, row) : 0;

    return r < 0 ? err_nomem(err) : !r;
}

/* The same of a row of the table. */
static int stays(struct keycheck *check, uint64_t number, struct err *err)
{
    cleanup(pick_destroy_p) struct pick *pick = NULL;
    struct picked picked;
    int r;

    if (!check->goes)
        return 1;
    r = pick_create(check->db, check->table, NULL, number, number + 1, &pick, err);
    if (!r)
        r = pick_next(pick, &picked, err);
    return r <= 0 ? r : row_stays(check, picked.row, err);
}

/* Whether the table has, and keeps, a row with the key that was made last. */
static int is_in_table(struct keycheck *check, struct err *err)
{
    uint64_t there;
    int r = find(check, check->table, check->to_row, &there, err);

    return r > 0 ? stays(check, there, err) : r;
}

int keycheck_add(struct keycheck *check, struct slice row, struct err *err)
{
    struct hash hash;
    int r = hash_key(check, row, &hash, err);

    if (!r)
        r = is_in_table(check, err);
    if (r > 0)
        return refuse(check, row, "there is a row with", err);
    return r < 0 ? r : add(check, row, hash, err);
}

int keycheck_replace(struct keycheck *check, struct slice old, struct slice row, struct err *err)
{
    struct hash was, hash;
    int r = hash_key(check, old, &was, err);

    if (!r)
        r = hash_key(check, row, &hash, err);
    if (!r && !hash_equal(was, hash))
        r = is_in_table(check, err);
    if (r > 0)
        return refuse(check, row, "there is a row with", err);
    return r < 0 ? r : add(check, row, hash, err);
}

/* --- segments --------------------------------------------------------------------- */

static int take_segment(struct keycheck *check, const struct object_entry *entry)
{
    cleanup(object_unref_p) struct object *object = NULL;
    struct extent_ref whole = {
        .object = {.uuid = entry->uuid}, .bytes = entry->bytes, .rows = entry->rows};
    struct table *next;
    int r = object_create_segment(entry, &object);

    if (!r)
        r = table_append(check->segments, object, &whole, false, 1, 0, &next);
    if (r < 0)
        return r;
    table_unref(check->segments);
    check->segments = next;
    return 0;
}

/* A table of no database, with the schema of the one that is there. */
static int begin_segments(struct keycheck *check)
{
    struct table *table, *with_schema;
    int r = table_create(check->table->uuid, check->table->name, 1, 0, &table);

    if (r < 0)
        return r;
    r = table_set_schema(table, check->table->schema, 1, 0, &with_schema);
    table_unref(table);
    if (!r)
        check->segments = with_schema;
    return r;
}

/* The next segment of the stage, all rows of which were added; NULL: there is none. */
static const struct object_entry *next_segment(const struct keycheck *check,
                                               const struct stage *stage)
{
    uint64_t before = check->segments ? check->segments->appended : 0;
    const struct object_entry *entry;

    if (check->segment_count == stage->entry_count)
        return NULL;
    entry = &stage->entries[check->segment_count];
    return before + entry->rows <= check->added ? entry : NULL;
}

int keycheck_take_segments(struct keycheck *check, const struct stage *stage)
{
    const struct object_entry *entry = next_segment(check, stage);
    int r = 0;

    if (!entry)
        return 0;
    if (!check->segments)
        r = begin_segments(check);
    for (; !r && entry; entry = next_segment(check, stage)) {
        r = take_segment(check, entry);
        check->segment_count++;
    }
    /* Rows that were checked and are not in a segment yet must be remembered. */
    return r < 0 ? r : remake_set(check, check->segments->appended);
}

/* --- what others have added ---------------------------------------------------------- */

int keycheck_has(struct keycheck *check, struct slice row, struct err *err)
{
    struct hash hash;
    int r = hash_key(check, row, &hash, err);

    return r < 0 ? r : is_added(check, hash, err);
}

int keycheck_update(struct keycheck *check, struct table *now, uint64_t to_row, struct err *err)
{
    cleanup(pick_destroy_p) struct pick *pick = NULL;
    struct picked picked;
    int r;

    if (check->seen >= to_row || (!check->count && !check->segments))
        return 0;
    r = pick_create(check->db, now, NULL, check->seen, to_row, &pick, err);
    while (!r && (r = pick_next(pick, &picked, err)) > 0) {
        struct hash hash;

        r = hash_key(check, picked.row, &hash, err);
        if (!r)
            r = is_added(check, hash, err);
        if (r > 0)
            r = row_stays(check, picked.row, err);
        if (r > 0)
            return refuse(check, picked.row, "somebody has just added a row with", err);
    }
    return r;
}

int keycheck_advance(struct keycheck *check, struct table *now, struct err *err)
{
    int r = keycheck_update(check, now, now->appended, err);

    if (!r && check->seen < now->appended)
        check->seen = now->appended;
    return r;
}
