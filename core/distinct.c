/* SPDX-License-Identifier: MIT */
/* Names of values, each once. */
#include "core/distinct.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/mem.h"

#define FIRST_CAPACITY 1024

/* Names whose hashes lie between these. What the first `told` rows have of them was given. */
struct part {
    uint64_t low, high;
    uint64_t told;
};

struct distinct {
    struct db *db; /* borrowed */
    struct table *table;
    struct selection *selection;
    struct buf column;
    struct column_type type;
    struct slice default_json; /* borrowed from the table's schema */
    size_t max;

    struct pick *pick;
    struct part part;                        /* that this pass is for */
    struct part later[8 * sizeof(uint64_t)]; /* those that are to come: each is half of the last */
    unsigned later_count;
    struct hash *set; /* of names that were met in this pass; all zero: empty */
    size_t capacity, count;
    struct buf key, name;
};

void distinct_destroy(struct distinct *distinct)
{
    if (!distinct)
        return;
    pick_destroy(distinct->pick);
    free(distinct->set);
    buf_finish(&distinct->column);
    buf_finish(&distinct->key);
    buf_finish(&distinct->name);
    selection_unref(distinct->selection);
    table_unref(distinct->table);
    free(distinct);
}

CLEANUP_POINTER(struct distinct, distinct_destroy)

/* --- the set ------------------------------------------------------------------------ */

static bool is_empty(struct hash hash)
{
    return !hash.high && !hash.low;
}

static struct hash *find_slot(struct hash *set, size_t capacity, struct hash hash)
{
    size_t i = hash.low & (capacity - 1);

    while (!is_empty(set[i]) && !hash_equal(set[i], hash))
        i = (i + 1) & (capacity - 1);
    return &set[i];
}

/* The set anew, of what is still in the part, with room for more. */
static int remake_set(struct distinct *distinct, size_t capacity)
{
    struct hash *set = calloc(capacity, sizeof *set);

    if (!set)
        return -ENOMEM;
    distinct->count = 0;
    for (size_t i = 0; i < distinct->capacity; i++) {
        struct hash hash = distinct->set[i];

        if (is_empty(hash) || hash.high < distinct->part.low || hash.high > distinct->part.high)
            continue;
        *find_slot(set, capacity, hash) = hash;
        distinct->count++;
    }
    free(distinct->set);
    distinct->set = set;
    distinct->capacity = capacity;
    return 0;
}

/* Leaves the upper half of the part to another pass, from the row with this ordinal on. */
static int halve(struct distinct *distinct, uint64_t ordinal)
{
    struct part *part = &distinct->part;
    uint64_t middle = part->low + (part->high - part->low) / 2;

    distinct->later[distinct->later_count++] = (struct part){
        .low = middle + 1, .high = part->high, .told = ordinal > part->told ? ordinal : part->told};
    part->high = middle;
    return remake_set(distinct, distinct->capacity);
}

static int make_room(struct distinct *distinct, uint64_t ordinal)
{
    if (distinct->count >= distinct->max && distinct->part.low < distinct->part.high)
        return halve(distinct, ordinal);
    if (3 * (distinct->count + 1) > 2 * distinct->capacity)
        return remake_set(distinct, distinct->capacity ? 2 * distinct->capacity : FIRST_CAPACITY);
    return 0;
}

/* --- passes ---------------------------------------------------------------------------- */

static int begin_pass(struct distinct *distinct, struct err *err)
{
    pick_destroy(steal_pointer(distinct->pick));
    distinct->count = 0;
    free(distinct->set);
    distinct->set = NULL;
    distinct->capacity = 0;
    return pick_create(distinct->db, distinct->table, distinct->selection, 0, PICK_TO_END,
                       &distinct->pick, err);
}

static int find_type(struct distinct *distinct, struct err *err)
{
    const struct schema *schema = distinct->table->schema;
    const struct column *column;

    if (!schema)
        return 0;
    column = schema_column(schema, slice_of(distinct->column.data, distinct->column.bytes));
    if (!column)
        return err_set(err, -ENOENT, "table %s has no such column", distinct->table->name);
    distinct->type = column->type;
    distinct->default_json = column->default_json;
    return 0;
}

int distinct_create(struct db *db, struct table *table, struct selection *selection,
                    struct slice column, size_t max, struct distinct **ret_distinct,
                    struct err *err)
{
    cleanup(distinct_destroy_p) struct distinct *distinct = calloc(1, sizeof *distinct);
    int r;

    if (!distinct || buf_append(&distinct->column, column.text, column.bytes) < 0)
        return err_nomem(err);
    distinct->db = db;
    distinct->table = table_ref(table);
    distinct->selection = selection_ref(selection);
    distinct->max = max;
    distinct->part.high = UINT64_MAX;
    r = find_type(distinct, err);
    if (!r)
        r = begin_pass(distinct, err);
    if (!r)
        *ret_distinct = steal_pointer(distinct);
    return r;
}

/* The name of the row's value, in `name`. */
static int name_value(struct distinct *distinct, struct slice row)
{
    struct slice column = slice_of(distinct->column.data, distinct->column.bytes);
    struct slice value = json_find(row, column);
    int r;

    distinct->key.bytes = distinct->name.bytes = 0;
    r = value_key(distinct->type, value.text ? value : distinct->default_json, &distinct->key);
    return r < 0 ? r
                 : value_name(distinct->type, slice_of(distinct->key.data, distinct->key.bytes),
                              &distinct->name);
}

/* Whether the name in `name`, of the row with this ordinal, is to be given now. */
static int is_new(struct distinct *distinct, uint64_t ordinal)
{
    struct hash hash = hash_bytes(distinct->name.data, distinct->name.bytes);
    int r;

    hash.low |= is_empty(hash);
    if (hash.high < distinct->part.low || hash.high > distinct->part.high)
        return 0;
    if (distinct->count && !is_empty(*find_slot(distinct->set, distinct->capacity, hash)))
        return 0;
    r = make_room(distinct, ordinal);
    if (r < 0 || hash.high > distinct->part.high)
        return r;
    *find_slot(distinct->set, distinct->capacity, hash) = hash;
    distinct->count++;
    return ordinal >= distinct->part.told;
}

int distinct_next(struct distinct *distinct, struct slice *ret_name, struct err *err)
{
    struct picked picked;
    int r;

    for (;;) {
        r = pick_next(distinct->pick, &picked, err);
        if (!r && distinct->later_count) {
            distinct->part = distinct->later[--distinct->later_count];
            r = begin_pass(distinct, err);
            if (r < 0)
                return r;
            continue;
        }
        if (r <= 0)
            return r;
        if (name_value(distinct, picked.row) < 0)
            return err_nomem(err);
        r = is_new(distinct, picked.ordinal);
        if (r < 0)
            return err_nomem(err);
        if (r)
            break;
    }
    *ret_name = slice_of(distinct->name.data, distinct->name.bytes);
    return 1;
}
