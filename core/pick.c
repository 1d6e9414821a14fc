/* SPDX-License-Identifier: MIT */
/* Finds the rows of a selection. */
#include "core/pick.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/keyed.h"
#include "core/scan.h"
#include "core/zones.h"

struct pick {
    struct table *table;
    struct matcher *matcher;
    struct scan scan;
    bool by_key;
    bool found;        /* by key: there is one, and it was not given yet */
    uint64_t at;       /* its number */
    struct buf ranges; /* struct zones_range: numbers of rows to look at */
    size_t range;      /* the next one */
    uint64_t end;      /* the ordinal behind the last row of this one */
};

void pick_destroy(struct pick *pick)
{
    if (!pick)
        return;
    scan_finish(&pick->scan);
    buf_finish(&pick->ranges);
    matcher_destroy(pick->matcher);
    table_unref(pick->table);
    free(pick);
}

CLEANUP_POINTER(struct pick, pick_destroy)

/* By the index of the key, if the selection says the whole key. */
static int find_by_key(struct pick *pick, struct db *db, uint64_t from_row, uint64_t to_row,
                       struct err *err)
{
    cleanup_buf struct buf key = {0};
    int r = matcher_row_key(pick->matcher, &key);

    if (r <= 0)
        return r < 0 ? err_nomem(err) : 0;
    pick->by_key = true;
    r = keyed_find(db, pick->table, slice_of(key.data, key.bytes), from_row, to_row, &pick->at,
                   err);
    pick->found = r > 0;
    return r < 0 ? r : 0;
}

int pick_create(struct db *db, struct table *table, struct selection *selection, uint64_t from_row,
                uint64_t to_row, struct pick **ret_pick, struct err *err)
{
    cleanup(pick_destroy_p) struct pick *pick = calloc(1, sizeof *pick);
    int r;

    if (!pick)
        return err_nomem(err);
    pick->table = table_ref(table);
    scan_init(&pick->scan, db_store(db), table);
    r = matcher_create(selection, table->schema, &pick->matcher);
    if (r < 0)
        return r == -ENOMEM ? err_nomem(err)
                            : err_set(err, r, "table %s has no such column or value", table->name);
    r = find_by_key(pick, db, from_row, to_row, err);
    if (!r && !pick->by_key)
        r = zones_ranges(db, table, pick->matcher, from_row, to_row, &pick->ranges, err);
    if (!r)
        *ret_pick = steal_pointer(pick);
    return r;
}

/* To the next range that has rows: 1, or 0 at the end. */
static int next_range(struct pick *pick, struct err *err)
{
    const struct zones_range *ranges = (const void *)pick->ranges.data;
    size_t count = pick->ranges.bytes / sizeof *ranges;

    while (pick->range < count) {
        const struct zones_range *range = &ranges[pick->range++];
        uint64_t begin = table_rows_before(pick->table, range->from);
        uint64_t end = table_rows_before(pick->table, range->to);
        int r;

        if (begin == end) /* all of it has gone */
            continue;
        pick->end = end;
        r = scan_seek(&pick->scan, begin, err);
        return r < 0 ? r : 1;
    }
    return 0;
}

/* Goes to the next row that may match: 1, or 0 at the end. */
static int advance(struct pick *pick, struct err *err)
{
    int r;

    if (!pick->by_key)
        return pick->scan.row < pick->end ? 1 : next_range(pick, err);
    if (!pick->found)
        return 0;
    pick->found = false;
    r = scan_seek(&pick->scan, table_rows_before(pick->table, pick->at), err);
    return r < 0 ? r : 1;
}

static int next_row(struct pick *pick, const char **ret_row, size_t *ret_bytes, struct err *err)
{
    int r = advance(pick, err);

    return r <= 0 ? r : scan_next(&pick->scan, ret_row, ret_bytes, err);
}

int pick_next(struct pick *pick, struct picked *ret_picked, struct err *err)
{
    const char *row;
    size_t bytes;
    int r;

    while ((r = next_row(pick, &row, &bytes, err)) > 0) {
        int matches = matcher_row(pick->matcher, slice_of(row, bytes));

        if (matches < 0)
            return err_nomem(err);
        if (!matches)
            continue;
        ret_picked->row = slice_of(row, bytes);
        ret_picked->place = scan_place(&pick->scan);
        ret_picked->ordinal = pick->scan.row - 1;
        return 1;
    }
    return r;
}
