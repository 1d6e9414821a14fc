/* SPDX-License-Identifier: MIT */
/* Statements of open files, without the files. */
#include "tests/lib/edittool.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/keyed.h"
#include "core/pick.h"
#include "core/tx_private.h"
#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/txtool.h"

#define WRITER 1 /* who writes */

struct selection *edittool_selection(const char *column, const char *value)
{
    struct selection *selection = NULL;

    if (column)
        assert_int_equal(selection_create(NULL, column, value, &selection), 0);
    return selection;
}

static int fill(struct input *input, struct table *table, const char *text, struct err *err)
{
    int r = 0;

    if (*text)
        r = input_write(input, table, WRITER, true, text, strlen(text), err);
    if (!r)
        r = writers_close_all(&input->writers);
    return r < 0 ? r : input_end(input, table, err);
}

static int prepare(struct db *db, struct table *table, struct statement statement,
                   struct selection *selection, struct commit *commit, struct err *err)
{
    struct input input;
    int r;

    input_init(&input, db, statement.kind, table->uuid, selection);
    input.replace = statement.replace;
    r = fill(&input, table, statement.text, err);
    if (!r)
        r = input_commit(&input, table, statement.expect_version, commit, err);
    input_finish(&input);
    return r;
}

int edittool_prepare(struct db *db, struct table *table, struct statement statement,
                     struct commit **ret_commit, struct err *err)
{
    struct selection *selection = NULL;
    struct commit *commit = NULL;
    int r = commit_create(&commit);

    if (!r && statement.column)
        r = selection_create(NULL, statement.column, statement.value, &selection);
    if (!r)
        r = prepare(db, table, statement, selection, commit, err);
    selection_unref(selection);
    if (r < 0)
        commit_destroy(commit);
    else
        *ret_commit = commit;
    return r;
}

struct commit *edittool_make(struct db *db, const char *name, struct statement statement)
{
    struct table *table = dbtool_look(db, name);
    struct commit *commit = NULL;
    struct err err = ERR_INIT;

    assert_ok(edittool_prepare(db, table, statement, &commit, &err), &err);
    table_unref(table);
    return commit;
}

int edittool_run(struct db *db, struct commit *commit, struct err *err)
{
    int r = commit_run(db, commit);

    if (r < 0)
        assert_true(commit_reason(commit)->text[0] != '\0');
    if (r < 0 && err)
        *err = *commit_reason(commit);
    commit_destroy(commit);
    return r;
}

int edittool_try(struct db *db, const char *name, struct statement statement, struct err *err)
{
    struct table *table = dbtool_look(db, name);
    struct commit *commit = NULL;
    struct err own = ERR_INIT;
    int r = edittool_prepare(db, table, statement, &commit, &own);

    table_unref(table);
    if (r < 0)
        assert_true(own.text[0] != '\0');
    if (r < 0 && err)
        *err = own;
    return r < 0 ? r : edittool_run(db, commit, err);
}

void edittool_do(struct db *db, const char *name, struct statement statement)
{
    struct err err = ERR_INIT;

    assert_ok(edittool_try(db, name, statement, &err), &err);
}

/* --- transactions -------------------------------------------------------------------- */

int edittool_try_tx(struct tx *tx, const char *name, struct statement statement, struct err *err)
{
    struct snapshot *view = NULL;
    struct commit *commit = NULL;
    struct table *table;
    int r = tx_view(tx, &view, err);

    assert_int_equal(r, 0);
    table = snapshot_table_named(view, name);
    assert_non_null(table);
    r = edittool_prepare(tx->db, table, statement, &commit, err);
    snapshot_unref(view);
    return r < 0 ? r : txtool_apply(tx, commit, err);
}

void edittool_do_tx(struct tx *tx, const char *name, struct statement statement)
{
    struct err err = ERR_INIT;

    assert_ok(edittool_try_tx(tx, name, statement, &err), &err);
}

/* --- rows ----------------------------------------------------------------------------- */

static void expect_found(struct db *db, struct table *table, const struct picked *picked)
{
    struct buf key = {0};
    struct err err = ERR_INIT;
    uint64_t row = UINT64_MAX;
    int r;

    assert_int_equal(rowkey_of_row(table->schema, picked->row, &key), 0);
    r = keyed_find(db, table, slice_of(key.data, key.bytes), 0, PICK_TO_END, &row, &err);
    if (r <= 0)
        fail_msg("row %.*s is not found by its key: %s", (int)picked->row.bytes, picked->row.text,
                 err.text);
    if (row != picked->place.row)
        fail_msg("the key of row %.*s leads to another row", (int)picked->row.bytes,
                 picked->row.text);
    buf_finish(&key);
}

void edittool_expect_keys(struct db *db, struct table *table)
{
    struct pick *pick = NULL;
    struct err err = ERR_INIT;
    struct picked picked;
    int r;

    if (!table->schema || !table->schema->key_count)
        return;
    assert_ok(pick_create(db, table, NULL, 0, PICK_TO_END, &pick, &err), &err);
    while ((r = pick_next(pick, &picked, &err)) > 0)
        expect_found(db, table, &picked);
    assert_ok(r, &err);
    pick_destroy(pick);
}

void edittool_expect(struct db *db, const char *name, const char *rows)
{
    struct table *table = dbtool_look(db, name);

    dbtool_expect(db, name, rows);
    edittool_expect_keys(db, table);
    table_unref(table);
}

char *edittool_rows(unsigned from, unsigned to, unsigned step, size_t pad)
{
    struct buf rows = {0};
    char row[64], *text = malloc(pad + 1);

    assert_non_null(text);
    memset(text, 'x', pad);
    text[pad] = '\0';
    for (unsigned k = from; k < to; k += step) {
        snprintf(row, sizeof row, "{\"k\":%u,\"v\":0", k);
        assert_int_equal(buf_append(&rows, row, strlen(row)), 0);
        if (pad)
            assert_int_equal(buf_append(&rows, ",\"w\":\"", 6) | buf_append(&rows, text, pad) |
                                 buf_append(&rows, "\"", 1),
                             0);
        assert_int_equal(buf_append(&rows, "}\n", 2), 0);
    }
    assert_int_equal(buf_append(&rows, "", 1), 0);
    free(text);
    return rows.data;
}
