/* SPDX-License-Identifier: MIT */
/* Rows of one schema as rows of another. */
#include "core/reshape.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/commit_private.h"
#include "core/keyed.h"
#include "core/pick.h"

struct reshape {
    struct db *db;       /* borrowed */
    struct table *table; /* that it was made ready for */
    struct schema *schema;
    struct table *shaped; /* `table` with the schema, for looking keys up; NULL: it needs none */
    bool provisional;     /* `table` is one that only an attempt had */
    struct evolution evolution;
    struct schema_check *check;
    struct stage stage, late; /* rows that are written anew */
    struct buf row;
};

CLEANUP_POINTER(struct reshape, reshape_destroy)
CLEANUP_POINTER(struct pick, pick_destroy)
CLEANUP_POINTER(struct keycheck, keycheck_destroy)

static void finish_checks(struct reshape *reshape)
{
    table_unref(steal_pointer(reshape->shaped));
    schema_check_destroy(steal_pointer(reshape->check));
}

void reshape_destroy(struct reshape *reshape)
{
    if (!reshape)
        return;
    finish_checks(reshape);
    stage_finish(&reshape->stage);
    stage_finish(&reshape->late);
    buf_finish(&reshape->row);
    schema_unref(reshape->schema);
    table_unref(reshape->table);
    free(reshape);
}

struct stage *reshape_stage(struct reshape *reshape)
{
    return &reshape->stage;
}

struct stage *reshape_late_stage(struct reshape *reshape)
{
    return &reshape->late;
}

int reshape_seal(struct reshape *reshape, struct err *err)
{
    return stage_seal(&reshape->stage, err);
}

/* --- rows -------------------------------------------------------------------------- */

static int write_row(struct reshape *reshape, struct slice row, struct stage *stage,
                     struct err *err)
{
    reshape->row.bytes = 0;
    if (schema_rewrite_row(reshape->table->schema, reshape->schema, row, &reshape->row) < 0 ||
        buf_append(&reshape->row, "\n", 1) < 0)
        return err_nomem(err);
    return stage_append(stage, reshape->row.data, reshape->row.bytes, 1, err);
}

/* The rows of a version from number `from` on: checked, or written anew to `stage`. */
static int take_rows(struct reshape *reshape, struct table *table, uint64_t from,
                     struct stage *stage, struct err *err)
{
    cleanup(pick_destroy_p) struct pick *pick = NULL;
    struct picked picked;
    int r;

    if (!reshape->evolution.rechecks && !reshape->evolution.rewrites)
        return 0;
    r = pick_create(reshape->db, table, NULL, from, PICK_TO_END, &pick, err);
    while (!r && (r = pick_next(pick, &picked, err)) > 0) {
        r = reshape->evolution.rechecks ? schema_check_row(reshape->check, picked.row, err) : 0;
        if (r < 0)
            return err_prefix(err, r, "row %" PRIu64 " of table %s", picked.ordinal + 1,
                              table->name);
        if (reshape->evolution.rewrites)
            r = write_row(reshape, picked.row, stage, err);
    }
    return r;
}

/* --- keys ----------------------------------------------------------------------------- */

/* One pass over the rows for those keys whose hashes are `part` of `parts`. */
static int check_part(struct reshape *reshape, uint64_t part, uint64_t parts, struct err *err)
{
    cleanup(pick_destroy_p) struct pick *pick = NULL;
    cleanup(keycheck_destroy_p) struct keycheck *keys = NULL;
    cleanup_buf struct buf key = {0};
    struct picked picked;
    int r = keycheck_create(reshape->db, reshape->shaped, 0, NULL, NULL, &keys);

    if (r < 0)
        return err_nomem(err);
    r = pick_create(reshape->db, reshape->table, NULL, 0, PICK_TO_END, &pick, err);
    while (!r && (r = pick_next(pick, &picked, err)) > 0) {
        key.bytes = 0;
        if (rowkey_of_row(reshape->schema, picked.row, &key) < 0)
            return err_nomem(err);
        r = hash64_bytes(key.data, key.bytes) % parts == part ? keycheck_add(keys, picked.row, err)
                                                              : 0;
    }
    return r;
}

/* In as many passes as it takes to keep the keys of one in memory. */
static int check_keys(struct reshape *reshape, struct err *err)
{
    uint64_t parts = table_rows(reshape->table) / KEYCHECK_SEGMENT_ROWS + 1;
    int r = 0;

    if (!reshape->evolution.rekeys)
        return 0;
    r = table_set_schema(reshape->table, reshape->schema, reshape->table->version,
                         reshape->table->time_usec, &reshape->shaped);
    if (r < 0)
        return err_nomem(err);
    for (uint64_t i = 0; i < parts && !r; i++)
        r = check_part(reshape, i, parts, err);
    return r;
}

/* Rows that others have added, each against all that stand before it. */
static int check_late_keys(struct reshape *reshape, struct table *table, struct err *err)
{
    cleanup(pick_destroy_p) struct pick *pick = NULL;
    cleanup_buf struct buf key = {0};
    uint64_t seen = reshape->table->appended, there;
    struct table *shaped;
    struct picked picked;
    int r;

    if (!reshape->evolution.rekeys || table->appended == seen)
        return 0;
    r = table_set_schema(table, reshape->schema, table->version, table->time_usec, &shaped);
    if (r < 0)
        return err_nomem(err);
    r = pick_create(reshape->db, table, NULL, seen, PICK_TO_END, &pick, err);
    while (!r && (r = pick_next(pick, &picked, err)) > 0) {
        key.bytes = 0;
        r = rowkey_of_row(reshape->schema, picked.row, &key);
        if (!r)
            r = keyed_find(reshape->db, shaped, slice_of(key.data, key.bytes), 0, picked.place.row,
                           &there, err);
        if (r > 0)
            r = err_set(err, -EEXIST, "two rows of table %s have the same key", table->name);
    }
    table_unref(shaped);
    return r;
}

/* --- making ready -------------------------------------------------------------------------- */

static int make_ready(struct reshape *reshape, struct err *err)
{
    const struct table *table = reshape->table;
    int r = schema_evolve(table->schema, reshape->schema, table_rows(table) > 0,
                          &reshape->evolution, err);

    if (r < 0)
        return r;
    if (reshape->schema && schema_check_create(reshape->schema, &reshape->check) < 0)
        return err_nomem(err);
    r = take_rows(reshape, reshape->table, 0, &reshape->stage, err);
    return r < 0 ? r : check_keys(reshape, err);
}

int reshape_create(struct db *db, struct table *table, struct schema *schema,
                   struct reshape **ret_reshape, struct err *err)
{
    cleanup(reshape_destroy_p) struct reshape *reshape = calloc(1, sizeof *reshape);
    int r;

    if (!reshape)
        return err_nomem(err);
    reshape->db = db;
    reshape->table = table_ref(table);
    reshape->schema = schema_ref(schema);
    stage_init(&reshape->stage, db_store(db), table->uuid);
    stage_init(&reshape->late, db_store(db), table->uuid);
    r = make_ready(reshape, err);
    if (!r)
        *ret_reshape = steal_pointer(reshape);
    return r;
}

/* --- on the version that it is committed on ----------------------------------------------------
 */

/* Whether what was made ready still holds of the rows that were there then. */
static bool holds(const struct reshape *reshape, const struct table *table)
{
    const struct table *old = reshape->table;

    if (!schema_equal(old->schema, table->schema) || !table_rows(old) != !table_rows(table))
        return false;
    return !reshape->evolution.rewrites ||
           table_rows_before(table, old->appended) == table_rows(old);
}

static int renew(struct reshape *reshape, struct preparation *p, struct table *table)
{
    uint64_t planned = reshape->stage.memory.bytes;
    struct err *err = p->err;
    int r;

    finish_checks(reshape);
    stage_finish(&reshape->stage);
    table_unref(reshape->table);
    reshape->table = table_ref(table);
    reshape->provisional = !prepare_is_committed(p, table);
    r = make_ready(reshape, err);
    if (!r && reshape->stage.memory.bytes > planned)
        r = stage_spill(&reshape->stage, err);
    return r < 0 ? r : stage_seal(&reshape->stage, err);
}

static int replace_rows(struct reshape *reshape, struct preparation *p, struct table *table)
{
    int r = prepare_spare(p, &reshape->late);

    if (!r && table_rows(table) && !prepare_action(p, ACTION_CLEAR, table->uuid, table->name))
        r = -ENOMEM;
    if (!r)
        r = prepare_append_stage(p, table, &reshape->stage);
    return r < 0 ? r : prepare_append_stage(p, table, &reshape->late);
}

int reshape_prepare(struct reshape *reshape, struct preparation *p, struct table *table)
{
    int r = 0;

    if (schema_equal(table->schema, reshape->schema))
        return 0;
    stage_finish(&reshape->late);
    if (reshape->provisional || !holds(reshape, table))
        r = renew(reshape, p, table);
    if (!r)
        r = take_rows(reshape, table, reshape->table->appended, &reshape->late, p->err);
    if (!r)
        r = check_late_keys(reshape, table, p->err);
    if (!r)
        r = prepare_set_schema(p, table, reshape->schema);
    if (!r && reshape->evolution.rewrites)
        r = replace_rows(reshape, p, table);
    return r == -ENOMEM ? err_nomem(p->err) : r;
}
