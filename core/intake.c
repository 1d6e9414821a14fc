/* SPDX-License-Identifier: MIT */
/* Checks of rows that depend on where they go. */
#include "core/intake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

struct intake {
    struct db *db; /* borrowed */
    struct table *table;
    struct matcher *matcher;    /* NULL: the path says nothing */
    struct schema_check *check; /* NULL: no schema */
    struct keycheck *keys;      /* NULL: no key */
    struct buf filled;
};

void intake_destroy(struct intake *intake)
{
    if (!intake)
        return;
    matcher_destroy(intake->matcher);
    schema_check_destroy(intake->check);
    keycheck_destroy(intake->keys);
    buf_finish(&intake->filled);
    table_unref(intake->table);
    free(intake);
}

/* Rows of the selection, when they are replaced. */
static int row_goes(void *context, struct slice row)
{
    struct intake *intake = context;

    return matcher_row(intake->matcher, row);
}

int intake_create(struct db *db, struct table *table, struct selection *selection, bool alone,
                  struct intake **ret_intake)
{
    struct intake *intake = calloc(1, sizeof *intake);
    struct schema *schema = table->schema;
    int r = 0;

    if (!intake)
        return -ENOMEM;
    intake->db = db;
    intake->table = table_ref(table);
    if (selection)
        r = matcher_create(selection, schema, &intake->matcher);
    if (!r && schema)
        r = schema_check_create(schema, &intake->check);
    if (!r && schema && schema->key_count)
        r = keycheck_create(db, table, alone && !selection ? 0 : table->appended,
                            alone && selection ? row_goes : NULL, intake, &intake->keys);
    if (r < 0) {
        intake_destroy(intake);
        return r;
    }
    *ret_intake = intake;
    return 0;
}

bool intake_keeps_rows(const struct intake *intake)
{
    return !intake->matcher;
}

uint64_t intake_segment_rows(const struct intake *intake)
{
    return intake->keys ? db_limits(intake->db)->segment_rows : 0;
}

struct table *intake_table(const struct intake *intake)
{
    return intake->table;
}

int intake_row(struct intake *intake, struct slice row, struct slice *ret_row, struct err *err)
{
    int r = 0;

    if (intake->matcher) {
        intake->filled.bytes = 0;
        r = matcher_fill_row(intake->matcher, row, &intake->filled, err);
        row = slice_of(intake->filled.data, intake->filled.bytes);
    }
    if (!r && intake->check)
        r = schema_check_row(intake->check, row, err);
    if (!r && intake->keys)
        r = keycheck_add(intake->keys, row, err);
    *ret_row = row;
    return r;
}

int intake_staged(struct intake *intake, const struct stage *stage)
{
    return intake->keys ? keycheck_take_segments(intake->keys, stage) : 0;
}

int intake_update(struct intake *intake, struct table *now, uint64_t to_row, struct err *err)
{
    return intake->keys ? keycheck_update(intake->keys, now, to_row, err) : 0;
}

int intake_advance(struct intake *intake, struct table *now, struct err *err)
{
    bool same = schema_equal(intake->table->schema, now->schema);

    return intake->keys && same ? keycheck_advance(intake->keys, now, err) : 0;
}

struct staged_rows {
    struct intake *intake;
    struct stage *stage;
};

static int take_staged(void *context, const char *row, size_t bytes, struct err *err)
{
    struct staged_rows *rows = context;
    struct slice taken;
    int r = intake_row(rows->intake, slice_of(row, bytes), &taken, err);

    return !r && intake_staged(rows->intake, rows->stage) < 0 ? err_nomem(err) : r;
}

int intake_stage(struct intake *intake, struct stage *stage, struct err *err)
{
    struct staged_rows rows = {.intake = intake, .stage = stage};

    return stage_each_row(stage, take_staged, &rows, err);
}
