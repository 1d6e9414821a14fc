/* SPDX-License-Identifier: MIT */
/* Rows that go, and rows that take their place. */
#include "core/edit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/commit_private.h"
#include "core/mergepatch.h"
#include "core/pick.h"

/* Runs of rows, in order, that grow at the end. */
struct runs {
    struct extent_ref *refs;
    size_t count, capacity;
};

struct edit {
    struct db *db; /* borrowed */
    struct table *table;
    struct selection *selection;
    struct buf patch; /* without bytes: the rows go */
    struct matcher *matcher;
    struct schema_check *check;
    struct keycheck *keys;
    struct runs runs; /* of rows that go or are patched */
    bool rewrites;    /* there were too many runs: what stays is in `kept` */
    struct stage kept, patched;
    struct buf row;
    bool renewed; /* by an attempt to commit: for a version that may never be */

    struct runs late_runs; /* the same of rows that others have added, for one attempt */
    struct stage late;
};

CLEANUP_POINTER(struct edit, edit_destroy)
CLEANUP_POINTER(struct pick, pick_destroy)
CLEANUP_POINTER(struct keycheck, keycheck_destroy)

static void finish_checks(struct edit *edit)
{
    matcher_destroy(steal_pointer(edit->matcher));
    schema_check_destroy(steal_pointer(edit->check));
    keycheck_destroy(steal_pointer(edit->keys));
}

void edit_destroy(struct edit *edit)
{
    if (!edit)
        return;
    stage_finish(&edit->kept);
    stage_finish(&edit->patched);
    stage_finish(&edit->late);
    free(edit->runs.refs);
    free(edit->late_runs.refs);
    buf_finish(&edit->patch);
    buf_finish(&edit->row);
    finish_checks(edit);
    selection_unref(edit->selection);
    table_unref(edit->table);
    free(edit);
}

struct selection *edit_selection(const struct edit *edit)
{
    return edit->selection;
}

struct stage *edit_kept_stage(struct edit *edit)
{
    return &edit->kept;
}

struct stage *edit_patched_stage(struct edit *edit)
{
    return &edit->patched;
}

struct stage *edit_late_stage(struct edit *edit)
{
    return &edit->late;
}

/* --- runs ------------------------------------------------------------------------ */

static int runs_add(struct runs *runs, const struct extent_ref *ref)
{
    struct extent_ref *last = runs->count ? &runs->refs[runs->count - 1] : NULL;

    if (last && extent_ref_adjoins(last, ref) && last->row + last->rows == ref->row) {
        last->bytes += ref->bytes;
        last->rows += ref->rows;
        return 0;
    }
    if (runs->count == runs->capacity) {
        size_t capacity = runs->capacity ? 2 * runs->capacity : 8;
        struct extent_ref *refs = realloc(runs->refs, capacity * sizeof *refs);

        if (!refs)
            return -ENOMEM;
        runs->refs = refs;
        runs->capacity = capacity;
    }
    runs->refs[runs->count++] = *ref;
    return 0;
}

/* --- finding rows ------------------------------------------------------------------ */

/* What becomes of a row that the selection has: 0, it stays; 1, it goes, or is replaced by
 * edit->row. */
static int change_row(struct edit *edit, struct slice row, struct err *err)
{
    struct slice patch = slice_of(edit->patch.data, edit->patch.bytes);

    if (!edit->patch.bytes)
        return 1;
    edit->row.bytes = 0;
    if (mergepatch_apply(row, patch, &edit->row) < 0)
        return err_nomem(err);
    return !slice_equal(row, slice_of(edit->row.data, edit->row.bytes));
}

static int check_limits(const struct edit *edit, struct err *err)
{
    const struct db_limits *limits = db_limits(edit->db);

    if (edit->row.bytes > limits->row_bytes)
        return err_set(err, -EFBIG, "a patched row is longer than %" PRIu64 " bytes (row_limit)",
                       limits->row_bytes);
    if (stage_bytes(&edit->patched) + edit->row.bytes >= limits->tx_bytes)
        return err_set(err, -EFBIG, "the patched rows have more than %" PRIu64 " bytes (tx_limit)",
                       limits->tx_bytes);
    return 0;
}

/* Appends edit->row to a stage, checked. */
static int stage_patched(struct edit *edit, const struct picked *old, struct stage *stage,
                         struct err *err)
{
    struct slice row = slice_of(edit->row.data, edit->row.bytes);
    int r = check_limits(edit, err);

    if (!r && edit->check)
        r = schema_check_row(edit->check, row, err);
    if (!r && edit->keys && stage == &edit->patched)
        r = keycheck_replace(edit->keys, old->row, row, err);
    if (r < 0)
        return err_prefix(err, r, "row %" PRIu64 ", patched", old->ordinal + 1);
    if (buf_append(&edit->row, "\n", 1) < 0)
        return err_nomem(err);
    r = stage_append(stage, edit->row.data, edit->row.bytes, 1, err);
    if (!r && edit->keys && stage == &edit->patched &&
        keycheck_take_segments(edit->keys, stage) < 0)
        r = err_nomem(err);
    return r;
}

/* Rows of the selection from number `from` on: they go to `runs`, what replaces them to `stage`. */
static int find_rows(struct edit *edit, struct table *table, uint64_t from, struct runs *runs,
                     struct stage *stage, struct err *err)
{
    cleanup(pick_destroy_p) struct pick *pick = NULL;
    struct picked picked;
    int r = pick_create(edit->db, table, edit->selection, from, PICK_TO_END, &pick, err);

    while (!r && (r = pick_next(pick, &picked, err)) > 0) {
        r = change_row(edit, picked.row, err);
        if (r <= 0)
            continue;
        r = edit->patch.bytes ? stage_patched(edit, &picked, stage, err) : 0;
        if (!r && (!edit->rewrites || runs != &edit->runs))
            r = runs_add(runs, &picked.place) < 0 ? err_nomem(err) : 0;
        if (runs == &edit->runs && runs->count > db_limits(edit->db)->edit_runs)
            edit->rewrites = true;
    }
    return r;
}

/* Whether the edit changes a row: as change_row. */
static int goes(struct edit *edit, struct slice row, struct err *err)
{
    int r = matcher_row(edit->matcher, row);

    return r > 0 ? change_row(edit, row, err) : r < 0 ? err_nomem(err) : 0;
}

/* The rows that stay, in a stage. */
static int rewrite(struct edit *edit, struct err *err)
{
    cleanup(pick_destroy_p) struct pick *pick = NULL;
    struct picked picked;
    int r;

    edit->runs.count = 0;
    r = pick_create(edit->db, edit->table, NULL, 0, PICK_TO_END, &pick, err);
    while (!r && (r = pick_next(pick, &picked, err)) > 0) {
        r = goes(edit, picked.row, err);
        if (!r) /* with the line feed, which stands behind it */
            r = stage_append(&edit->kept, picked.row.text, picked.row.bytes + 1, 1, err);
        else if (r > 0)
            r = 0;
    }
    return r;
}

/* For a key that another row has. */
static int row_goes(void *context, struct slice row)
{
    struct edit *edit = context;
    struct buf patched = edit->row; /* it is being looked at */
    int r;

    edit->row = (struct buf){0};
    r = goes(edit, row, NULL);
    buf_finish(&edit->row);
    edit->row = patched;
    return r;
}

static int prepare_checks(struct edit *edit)
{
    struct schema *schema = edit->table->schema;
    int r = matcher_create(edit->selection, schema, &edit->matcher);

    if (r < 0 || !edit->patch.bytes || !schema)
        return r;
    r = schema_check_create(schema, &edit->check);
    edit->patched.segment_rows = schema->key_count ? db_limits(edit->db)->segment_rows : 0;
    if (!r && schema->key_count)
        r = keycheck_create(edit->db, edit->table, edit->table->appended, row_goes, edit,
                            &edit->keys);
    return r;
}

static int find_all(struct edit *edit, struct err *err)
{
    int r = prepare_checks(edit);

    if (r == -ENOENT)
        return err_set(err, r, "table %s has no such column or value", edit->table->name);
    if (r < 0)
        return err_nomem(err);
    r = find_rows(edit, edit->table, 0, &edit->runs, &edit->patched, err);
    return r < 0 || !edit->rewrites ? r : rewrite(edit, err);
}

int edit_create(struct db *db, struct table *table, struct selection *selection, struct slice patch,
                struct edit **ret_edit, struct err *err)
{
    cleanup(edit_destroy_p) struct edit *edit = calloc(1, sizeof *edit);
    int r;

    if (!edit)
        return err_nomem(err);
    edit->db = db;
    edit->table = table_ref(table);
    edit->selection = selection_ref(selection);
    stage_init(&edit->kept, db_store(db), table->uuid);
    stage_init(&edit->patched, db_store(db), table->uuid);
    stage_init(&edit->late, db_store(db), table->uuid);
    if (patch.bytes && buf_append(&edit->patch, patch.text, patch.bytes) < 0)
        return err_nomem(err);
    r = find_all(edit, err);
    if (!r)
        *ret_edit = steal_pointer(edit);
    return r;
}

int edit_seal(struct edit *edit, struct err *err)
{
    int r = stage_seal(&edit->kept, err);

    return r < 0 ? r : stage_seal(&edit->patched, err);
}

/* --- keys ----------------------------------------------------------------------------------- */

struct late_check {
    struct edit *edit;
    struct keycheck *others;
};

static int check_late_row(void *context, const char *row, size_t bytes, struct err *err)
{
    struct late_check *late = context;
    struct slice text = slice_of(row, bytes);
    int r = keycheck_has(late->edit->keys, text, err);

    if (r > 0)
        return err_set(err, -EEXIST, "two of the patched rows have the same key");
    return r < 0 ? r : keycheck_add(late->others, text, err);
}

/* The rows that were patched by the leader, each against all others. */
static int check_late(struct edit *edit, struct table *table, struct err *err)
{
    cleanup(keycheck_destroy_p) struct keycheck *others = NULL;
    struct late_check late = {.edit = edit};

    if (!stage_rows(&edit->late))
        return 0;
    if (keycheck_create(edit->db, table, table->appended, row_goes, edit, &others) < 0)
        return err_nomem(err);
    late.others = others;
    return stage_each_row(&edit->late, check_late_row, &late, err);
}

/* Patched rows against those of the version that stay. */
static int check_keys(struct edit *edit, struct table *table, struct err *err)
{
    int r = edit->keys ? keycheck_update(edit->keys, table, table->appended, err) : 0;

    return r < 0 || !edit->keys ? r : check_late(edit, table, err);
}

/* --- on the version that it is committed on ---------------------------------------------- */

static bool all_there(const struct table *table, const struct runs *runs)
{
    for (size_t i = 0; i < runs->count; i++) {
        const struct extent_ref *run = &runs->refs[i];

        if (table_rows_before(table, run->row + run->rows) - table_rows_before(table, run->row) !=
            run->rows)
            return false;
    }
    return true;
}

/* Whether what was found still holds of the rows that were there then. */
static bool holds(const struct edit *edit, const struct preparation *p, const struct table *table)
{
    if (!schema_equal(edit->table->schema, table->schema))
        return false;
    if (!edit->rewrites)
        return !edit->patch.bytes || all_there(table, &edit->runs);
    /* In a transaction rows of two statements can lie in one extent. */
    return table_rows_before(table, edit->table->appended) == table_rows(edit->table) &&
           (!p->statement || table->appended == edit->table->appended);
}

/*
 * Finds all rows anew, which the leader does when others have changed some of them. The next
 * attempt does it again: this one's version may come to nothing, or this may fail halfway.
 */
static int renew(struct edit *edit, struct table *table, struct err *err)
{
    uint64_t planned = edit->kept.memory.bytes + edit->patched.memory.bytes;
    int r;

    edit->renewed = true;
    table_unref(edit->table);
    edit->table = table_ref(table);
    stage_finish(&edit->kept);
    stage_finish(&edit->patched);
    edit->runs.count = 0;
    edit->rewrites = false;
    finish_checks(edit);
    r = find_all(edit, err);
    if (!r)
        r = edit_seal(edit, err);
    if (!r && edit->kept.memory.bytes + edit->patched.memory.bytes > planned)
        r = stage_spill(&edit->kept, err); /* more than there is room for in the record */
    if (!r && edit->kept.memory.bytes + edit->patched.memory.bytes > planned)
        r = stage_spill(&edit->patched, err);
    return r;
}

static int collect(void *context, const struct extent_ref *run)
{
    return runs_add(context, run);
}

/* Cuts out what is still there of the rows that were found, and those that came later. */
static int delete_runs(struct edit *edit, struct preparation *p, const struct table *table)
{
    struct runs there = {0};
    struct action *action;
    int r = 0;

    for (size_t i = 0; i < edit->runs.count && !r; i++)
        r = table_intersect(table, &edit->runs.refs[i], collect, &there);
    for (size_t i = 0; i < edit->late_runs.count && !r; i++)
        r = runs_add(&there, &edit->late_runs.refs[i]);
    if (!r && there.count) {
        action = prepare_action(p, ACTION_DELETE, table->uuid, table->name);
        r = action && prepare_extents(action, there.count) ? 0 : -ENOMEM;
        if (!r)
            memcpy(action->extents, there.refs, there.count * sizeof *there.refs);
    }
    free(there.refs);
    return r;
}

/* Of the rows that came later those that stay, by reference, in place of the whole table. */
static int append_newer(struct edit *edit, struct preparation *p, const struct table *table)
{
    uint64_t seen = edit->table->appended;
    struct table *rest, *newer;
    int r = table_clear(table, seen, table->version, table->time_usec, &newer);

    if (r < 0)
        return r;
    r = table_delete(newer, edit->late_runs.refs, edit->late_runs.count, table->version,
                     table->time_usec, &rest);
    table_unref(newer);
    if (r < 0)
        return r;
    r = table_rows(rest) ? prepare_append_all(p, rest, table) : 0;
    table_unref(rest);
    return r;
}

static int replace_all(struct edit *edit, struct preparation *p, struct table *table)
{
    int r = prepare_action(p, ACTION_CLEAR, table->uuid, table->name) ? 0 : -ENOMEM;

    if (!r)
        r = prepare_append_stage(p, table, &edit->kept);
    return r < 0 ? r : append_newer(edit, p, table);
}

static void drop_late(struct edit *edit)
{
    stage_finish(&edit->late);
    edit->late_runs.count = 0;
}

/* Rows of the selection that others have added. */
static int find_late(struct edit *edit, struct table *table, struct err *err)
{
    int r = table->appended > edit->table->appended
                ? find_rows(edit, table, edit->table->appended, &edit->late_runs, &edit->late, err)
                : 0;

    if (r || edit->late_runs.count <= db_limits(edit->db)->edit_runs)
        return r;
    drop_late(edit);
    return renew(edit, table, err);
}

int edit_prepare(struct edit *edit, struct preparation *p, struct table *table)
{
    int r = 0;

    drop_late(edit);
    if (edit->renewed || !holds(edit, p, table))
        r = renew(edit, table, p->err);
    if (!r)
        r = find_late(edit, table, p->err);
    if (!r)
        r = check_keys(edit, table, p->err);
    if (!r && (edit->runs.count || edit->late_runs.count || edit->rewrites))
        r = edit->rewrites ? replace_all(edit, p, table) : delete_runs(edit, p, table);
    if (!r)
        r = prepare_spare(p, &edit->late);
    return r == -ENOMEM ? err_nomem(p->err) : r;
}

int edit_append(struct edit *edit, struct preparation *p, const struct table *table)
{
    int r = prepare_append_stage(p, table, &edit->patched);

    return r < 0 ? r : prepare_append_stage(p, table, &edit->late);
}
