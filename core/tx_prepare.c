/* SPDX-License-Identifier: MIT */
/* What a transaction has changed, as the changes of one commit. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/keyed.h"
#include "core/pick.h"
#include "core/tx_private.h"

CLEANUP_POINTER(struct pick, pick_destroy)

/* --- filling a commit ------------------------------------------------------------------ */

uint64_t tx_rows_of_base(const struct table *table, const struct table *base)
{
    return base ? table_rows_before(table, base->appended) : 0;
}

/* To the first extent that the transaction has appended, of a table of its view. */
static void seek_own(struct ptree_cursor *cursor, const struct table *table,
                     const struct table *base)
{
    uint64_t before;

    ptree_seek_sum(cursor, &extent_class, table->extents, EXTENT_ROWS, tx_rows_of_base(table, base),
                   &before);
}

static bool has_own_rows(const struct table *table, const struct table *base)
{
    return table_rows(table) > tx_rows_of_base(table, base);
}

static bool deletes_all_rows(const struct touched *touched)
{
    return touched->cleared && touched->base && table_rows(touched->base);
}

static bool deletes_rows(const struct touched *touched)
{
    return deletes_all_rows(touched) || touched->deleted_count;
}

/* Marks the tables whose written rows the view still shows somewhere; true: there are changes. */
static bool mark_needed(struct tx *tx)
{
    bool changes = tx->naming_count > 0;

    for (struct touched *t = tx->touched; t; t = t->next) {
        const struct table *table = snapshot_table(tx->view, t->table);
        struct ptree_cursor cursor;
        const struct extent *extent;

        changes |= deletes_rows(t) || t->schema;
        if (!table)
            continue;
        seek_own(&cursor, table, t->base);
        while ((extent = ptree_next(&cursor))) {
            struct staged *staged = staged_of(extent->object);

            changes = true;
            if (staged)
                tx_touched(tx, staged_table(staged))->needed = true;
        }
    }
    return changes;
}

static int add_rows(struct tx *tx, struct commit *commit, struct touched *touched, struct err *err)
{
    const struct table *table = snapshot_table(tx->view, touched->table);
    struct change change = {.kind = CHANGE_TX_ROWS, .table = touched->table, .touched = touched};
    int r = 0;

    if (touched->needed) {
        /* What does not fit in the record beside the rest goes to a data object. */
        if (commit_inlined(commit).bytes + staged_memory(touched->staged) > RECORD_INLINE_BYTES)
            r = staged_spill(touched->staged, err);
        if (!r)
            r = staged_seal(touched->staged, &change.staged, err);
    } else if (!table || (!deletes_rows(touched) && !touched->schema &&
                          !has_own_rows(table, touched->base))) {
        return 0;
    }
    if (!r && commit_add_change(commit, &change) < 0)
        r = err_nomem(err);
    return r;
}

int tx_fill_commit(struct tx *tx, struct commit *commit, struct err *err)
{
    struct change names = {.kind = CHANGE_TX_NAMES};
    int r = 0;

    commit->tx = tx;
    commit->id = tx->id;
    commit->transaction = tx->uuid;
    commit->base = tx->base_version;
    if (!mark_needed(tx))
        return 0;
    if (commit_add_change(commit, &names) < 0)
        return err_nomem(err);
    for (struct touched *t = tx->touched; t && !r; t = t->next)
        r = add_rows(tx, commit, t, err);
    return r;
}

/* --- validation ---------------------------------------------------------------------------- */

static int check_id(struct preparation *p, const struct tx *tx)
{
    uint64_t version = snapshot_committed_id(p->on, tx->id);

    if (!version)
        return 0;
    err_set(p->err, -ECANCELED, "transaction %s has committed before, as version %" PRIu64, tx->id,
            version);
    return prepare_conflict(p, CONFLICT_ID, NULL, NULL);
}

/* Whether the transaction changes the table in any way. */
static bool changes(const struct tx *tx, const struct touched *touched)
{
    const struct table *table = snapshot_table(tx->view, touched->table);

    return touched->named || touched->schema || deletes_rows(touched) ||
           (table && has_own_rows(table, touched->base));
}

static int conflict(struct preparation *p, enum conflict_kind kind, const struct touched *touched,
                    struct table *now, const char *what)
{
    err_set(p->err, -ECANCELED, "table %s %s", touched->base->name, what);
    return prepare_conflict(p, kind, touched->base, now);
}

/* Whether the rows that the transaction deletes are all there. */
static bool has_deleted_rows(const struct touched *touched, const struct table *now)
{
    if (deletes_all_rows(touched))
        return table_rows_before(now, touched->base->appended) == table_rows(touched->base);
    for (size_t i = 0; i < touched->deleted_count; i++) {
        const struct extent_ref *run = &touched->deleted[i];

        if (table_rows_before(now, run->row + run->rows) - table_rows_before(now, run->row) !=
            run->rows)
            return false;
    }
    return true;
}

/* Whether a row that has come since has the key of one that the transaction adds. */
static int check_keys(struct preparation *p, const struct tx *tx, const struct touched *touched,
                      struct table *now)
{
    struct table *view = snapshot_table(tx->view, touched->table);
    cleanup(pick_destroy_p) struct pick *pick = NULL;
    cleanup_buf struct buf key = {0};
    uint64_t seen = touched->base->appended, own;
    struct picked picked;
    int r;

    if (!view || !view->schema || !view->schema->key_count || now->appended == seen ||
        !has_own_rows(view, touched->base))
        return 0;
    r = pick_create(p->db, now, NULL, seen, PICK_TO_END, &pick, p->err);
    while (!r && (r = pick_next(pick, &picked, p->err)) > 0) {
        key.bytes = 0;
        if (rowkey_of_row(view->schema, picked.row, &key) < 0)
            return err_nomem(p->err);
        r = keyed_find(p->db, view, slice_of(key.data, key.bytes), seen, view->appended, &own,
                       p->err);
        if (r > 0) {
            r = conflict(p, CONFLICT_KEY, touched, now,
                         "has got a row with the key of one that this transaction adds");
            p->commit->conflict.row = picked.place.row;
        }
    }
    return r;
}

/* Refuses, for a row that has come or gone and is of a selection that was read. */
static int refuse_read(struct preparation *p, const struct touched *touched, struct table *now,
                       uint64_t row)
{
    int r = conflict(p, CONFLICT_READ, touched, now,
                     "has changed in rows that this transaction has read");

    p->commit->conflict.row = row;
    return r;
}

/* Whether a row that has come since is of the selection. */
static int check_newer(struct preparation *p, const struct touched *touched, struct table *now,
                       struct selection *selection)
{
    cleanup(pick_destroy_p) struct pick *pick = NULL;
    struct picked picked;
    int r = pick_create(p->db, now, selection, touched->base->appended, PICK_TO_END, &pick, p->err);

    if (!r)
        r = pick_next(pick, &picked, p->err);
    return r > 0 ? refuse_read(p, touched, now, picked.place.row) : r;
}

/* Rows that others have deleted, looked at one by one; of more all are taken to have been read. */
#define GONE_ROWS 10000

/* Whether a row that has gone since was. */
static int check_gone(struct preparation *p, const struct touched *touched, struct table *now,
                      struct selection *selection)
{
    struct table *base = touched->base;
    uint64_t row = 0;
    unsigned looked_at = 0;
    int r = 0;

    while (!r && (row = table_first_missing(base, now, row, base->appended)) < base->appended) {
        cleanup(pick_destroy_p) struct pick *pick = NULL;
        struct picked picked;

        if (looked_at++ == GONE_ROWS)
            return refuse_read(p, touched, now, CONFLICT_ANY_ROW);
        r = pick_create(p->db, base, selection, row, row + 1, &pick, p->err);
        if (!r)
            r = pick_next(pick, &picked, p->err);
        if (r > 0)
            r = refuse_read(p, touched, now, row);
        row++;
    }
    return r;
}

/* For serializable: the selections that were read, against what others have done. */
static int check_selections(struct preparation *p, const struct touched *touched, struct table *now)
{
    int r = 0;

    if (now->version == touched->base->version)
        return 0;
    if (touched->read_count && now->schema_version != touched->base->schema_version)
        return refuse_read(p, touched, now, CONFLICT_ANY_ROW);
    for (unsigned i = 0; i < touched->read_count && !r; i++) {
        r = check_newer(p, touched, now, touched->read_selections[i]);
        if (!r)
            r = check_gone(p, touched, now, touched->read_selections[i]);
    }
    return r;
}

/* A table of the base against what it is now; first committer wins. */
static int check_table(struct preparation *p, const struct tx *tx, const struct touched *touched)
{
    const struct table *base = touched->base;
    struct table *now = snapshot_table(p->on, touched->table);
    bool writes = changes(tx, touched), reads = tx->serializable && touched->read;
    int r;

    if (!now)
        return writes || reads || (tx->serializable && touched->read_count)
                   ? conflict(p, CONFLICT_NAMES, touched, NULL, "was dropped")
                   : 0;
    if ((writes || reads || (tx->serializable && touched->read_count)) &&
        now->named_version != base->named_version)
        return conflict(p, CONFLICT_NAMES, touched, now, "was renamed");
    if (touched->named && now->version != base->version)
        return conflict(p, CONFLICT_NAMES, touched, now,
                        "is renamed or dropped by this transaction, and was changed");
    if (writes && now->schema_version != base->schema_version)
        return conflict(p, CONFLICT_NAMES, touched, now, "was given another schema");
    if (touched->schema && now->version != base->version)
        return conflict(p, CONFLICT_NAMES, touched, now,
                        "is given another schema by this transaction, and was changed");
    if (deletes_rows(touched) && !has_deleted_rows(touched, now))
        return conflict(p, CONFLICT_ROWS, touched, now,
                        "has lost rows that this transaction deletes");
    if (reads && now->version != base->version)
        return conflict(p, CONFLICT_READ, touched, now,
                        "was read by this transaction, and was changed");
    r = tx->serializable ? check_selections(p, touched, now) : 0;
    return r < 0 ? r : check_keys(p, tx, touched, now);
}

static int check_list(struct preparation *p, const struct tx *tx)
{
    if (!tx->serializable || !tx->listed || p->on->named_usec == tx->base->named_usec)
        return 0;
    err_set(p->err, -ECANCELED,
            "tables were made, dropped or renamed, and this transaction has listed them");
    return prepare_conflict(p, CONFLICT_LIST, NULL, NULL);
}

/* --- actions --------------------------------------------------------------------------------- */

/* Where in the record's body the rows of each table will lie. */
static void place_bodies(struct preparation *p)
{
    struct body_position at = p->body;

    for (size_t i = 0; i < p->commit->change_count; i++) {
        struct change *change = &p->commit->changes[i];

        if (!change->staged)
            continue;
        change->touched->body = at;
        at.bytes += change->staged->memory.bytes;
        at.rows += change->staged->memory_rows;
    }
}

int tx_prepare_names(struct preparation *p, struct tx *tx)
{
    int r = check_id(p, tx);

    if (!r)
        r = check_list(p, tx);
    for (const struct touched *t = tx->touched; t && !r; t = t->next)
        if (t->base)
            r = check_table(p, tx, t);
    place_bodies(p);
    for (size_t i = 0; i < tx->naming_count && !r; i++)
        if (!prepare_action(p, tx->namings[i].op, tx->namings[i].table, tx->namings[i].name))
            r = -ENOMEM;
    return r;
}

/* An extent of the view as extents of the record; what adjoins the last one is joined to it. */
static size_t add_extent(struct preparation *p, struct tx *tx, const struct extent *extent,
                         struct extent_ref *refs, size_t count)
{
    const struct staged *staged = staged_of(extent->object);
    struct extent_ref ref = extent_as_ref(extent);
    size_t parts = 1, from = count;

    if (staged) {
        const struct touched *owner = tx_touched(tx, staged_table(staged));

        parts = staged_translate(staged, &ref, p->draft->seq, owner->body.bytes, owner->body.rows,
                                 refs + count);
    } else {
        refs[count] = ref;
    }
    if (from && extent_ref_adjoins(&refs[from - 1], &refs[from])) {
        refs[from - 1].bytes += refs[from].bytes;
        refs[from - 1].rows += refs[from].rows;
        memmove(refs + from, refs + from + 1, (parts - 1) * sizeof *refs);
        parts--;
    }
    return count + parts;
}

static size_t count_parts(const struct table *table, const struct table *base)
{
    struct ptree_cursor cursor;
    const struct extent *extent;
    size_t count = 0;

    seek_own(&cursor, table, base);
    while ((extent = ptree_next(&cursor))) {
        const struct staged *staged = staged_of(extent->object);

        count += staged ? staged_parts(staged) : 1;
    }
    return count;
}

static int prepare_appends(struct preparation *p, struct tx *tx, const struct touched *touched,
                           const struct table *table)
{
    size_t room = count_parts(table, touched->base), count = 0;
    struct ptree_cursor cursor;
    const struct extent *extent;
    struct action *action;

    if (!room)
        return 0;
    action = prepare_action(p, ACTION_APPEND, table->uuid, table->name);
    if (!action || !prepare_extents(action, room))
        return -ENOMEM;
    seek_own(&cursor, table, touched->base);
    while ((extent = ptree_next(&cursor)))
        count = add_extent(p, tx, extent, action->extents, count);
    action->extent_count = count;
    return 0;
}

static int by_row(const void *a, const void *b)
{
    const struct extent_ref *x = a, *y = b;

    return (x->row > y->row) - (x->row < y->row);
}

static int prepare_deletes(struct preparation *p, const struct touched *touched,
                           const struct table *table)
{
    bool all = deletes_all_rows(touched);
    struct action *action;

    if (!deletes_rows(touched))
        return 0;
    action = prepare_action(p, all ? ACTION_CLEAR : ACTION_DELETE, table->uuid, table->name);
    if (!action)
        return -ENOMEM;
    if (all) {
        action->before = touched->base->appended;
        return 0;
    }
    if (!prepare_extents(action, touched->deleted_count))
        return -ENOMEM;
    memcpy(action->extents, touched->deleted, touched->deleted_count * sizeof *action->extents);
    qsort(action->extents, touched->deleted_count, sizeof *action->extents, by_row);
    return 0;
}

static int prepare_schema(struct preparation *p, const struct touched *touched,
                          const struct table *table)
{
    return touched->schema ? prepare_set_schema(p, table, table->schema) : 0;
}

int tx_prepare_rows(struct preparation *p, struct tx *tx, const struct touched *touched)
{
    const struct table *table = snapshot_table(tx->view, touched->table);
    int r;

    if (!table) /* dropped; some of its rows are elsewhere */
        return 0;
    r = prepare_schema(p, touched, table);
    if (!r)
        r = prepare_deletes(p, touched, table);
    return r < 0 ? r : prepare_appends(p, tx, touched, table);
}
