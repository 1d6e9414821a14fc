/* SPDX-License-Identifier: MIT */
/* Transactions in one line of a test. */
#include "tests/lib/txtool.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/tx_private.h"
#include "tests/lib/check.h"

struct tx *txtool_begin(struct db *db, const char *id)
{
    static _Atomic unsigned count;
    struct snapshot *base = NULL;
    struct err err = ERR_INIT;
    struct tx *tx = NULL;
    char fresh[20];

    snprintf(fresh, sizeof fresh, "tx%u", count++);
    assert_ok(db_refresh(db, &base, &err), &err);
    assert_int_equal(tx_create(db, id ? id : fresh, base, &tx), 0);
    snapshot_unref(base);
    return tx;
}

/* --- statements --------------------------------------------------------------------- */

static struct commit *new_commit(void)
{
    struct commit *commit = NULL;

    assert_int_equal(commit_create(&commit), 0);
    return commit;
}

int txtool_apply(struct tx *tx, struct commit *statement, struct err *err)
{
    struct err own = ERR_INIT;
    int r = tx_apply(tx, statement, &own);

    if (r < 0)
        assert_true(own.text[0] != '\0');
    if (r < 0 && err)
        *err = own;
    commit_destroy(statement);
    return r;
}

static struct snapshot *view_of(struct tx *tx)
{
    struct snapshot *view = NULL;
    struct err err = ERR_INIT;

    assert_ok(tx_view(tx, &view, &err), &err);
    return view;
}

static bool find(struct tx *tx, const char *name, struct uuid *ret_uuid)
{
    struct snapshot *view = view_of(tx);
    const struct table *table = snapshot_table_named(view, name);

    if (table)
        *ret_uuid = table->uuid;
    snapshot_unref(view);
    return table;
}

bool txtool_has(struct tx *tx, const char *table)
{
    struct uuid uuid;

    return find(tx, table, &uuid);
}

struct uuid txtool_uuid(struct tx *tx, const char *table)
{
    struct uuid uuid = {0};

    assert_true(find(tx, table, &uuid));
    return uuid;
}

int txtool_write(struct tx *tx, const char *table, bool replace, const char *rows, struct err *err)
{
    struct commit *commit = new_commit();
    struct uuid uuid = txtool_uuid(tx, table);
    struct stage stage;

    dbtool_stage(tx->db, uuid, rows, strlen(rows), &stage);
    assert_int_equal(commit_add_write(commit, uuid, replace, &stage, 0), 0);
    return txtool_apply(tx, commit, err);
}

int txtool_create(struct tx *tx, const char *table, struct err *err)
{
    struct commit *commit = new_commit();

    assert_int_equal(commit_add_create(commit, table), 0);
    return txtool_apply(tx, commit, err);
}

int txtool_drop(struct tx *tx, const char *table, struct err *err)
{
    struct commit *commit = new_commit();

    assert_int_equal(commit_add_drop(commit, txtool_uuid(tx, table), table), 0);
    return txtool_apply(tx, commit, err);
}

int txtool_rename(struct tx *tx, const char *from, const char *to, struct err *err)
{
    struct commit *commit = new_commit();

    assert_int_equal(commit_add_rename(commit, txtool_uuid(tx, from), from, to, false), 0);
    return txtool_apply(tx, commit, err);
}

int txtool_move(struct tx *tx, const char *from, const char *to, struct err *err)
{
    struct commit *commit = new_commit();

    assert_int_equal(commit_add_move_rows(commit, txtool_uuid(tx, from), txtool_uuid(tx, to)), 0);
    return txtool_apply(tx, commit, err);
}

void txtool_append(struct tx *tx, const char *table, const char *rows)
{
    struct err err = ERR_INIT;

    assert_ok(txtool_write(tx, table, false, rows, &err), &err);
}

void txtool_replace(struct tx *tx, const char *table, const char *rows)
{
    struct err err = ERR_INIT;

    assert_ok(txtool_write(tx, table, true, rows, &err), &err);
}

/* --- reading -------------------------------------------------------------------------- */

char *txtool_rows(struct tx *tx, const char *name)
{
    struct snapshot *view = view_of(tx);
    const struct table *table = snapshot_table_named(view, name);
    struct err err = ERR_INIT;
    size_t bytes;
    char *rows;

    assert_non_null(table);
    bytes = (size_t)table_bytes(table);
    rows = malloc(bytes + 1);
    assert_non_null(rows);
    if (table_read(db_store(tx->db), table, rows, bytes, 0, &err) != (int)bytes)
        assert_ok(-EIO, &err);
    rows[bytes] = '\0';
    snapshot_unref(view);
    return rows;
}

void txtool_expect(struct tx *tx, const char *name, const char *rows)
{
    struct snapshot *view = view_of(tx);
    char *is = txtool_rows(tx, name);
    size_t feeds = 0;

    assert_string_equal(is, rows);
    for (const char *p = rows; *p; p++)
        feeds += *p == '\n';
    assert_int_equal(table_rows(snapshot_table_named(view, name)), feeds);
    free(is);
    snapshot_unref(view);
}

void txtool_note_read(struct tx *tx, const char *table)
{
    tx_note_read(tx, txtool_uuid(tx, table), NULL);
}

/* --- the end --------------------------------------------------------------------------- */

int txtool_commit(struct tx *tx, struct err *err)
{
    struct err own = ERR_INIT;
    int r = tx_commit(tx, &own);

    if (r < 0)
        assert_true(own.text[0] != '\0');
    if (r < 0 && err)
        *err = own;
    tx_unref(tx);
    return r;
}

void txtool_expect_conflict(struct tx *tx, const char *what)
{
    struct err err = ERR_INIT;

    assert_fails(tx_commit(tx, &err), -ECANCELED, &err);
    assert_has(err.text, "conflict");
    assert_has(err.text, what);
    assert_int_equal(tx_state(tx), TX_ABORTED);
}

json_t *txtool_status(struct tx *tx)
{
    struct buf buf = {0};
    json_t *status;

    assert_int_equal(tx_print_status(tx, NULL, 0, &buf), 0);
    assert_true(buf.bytes && buf.data[buf.bytes - 1] == '\n');
    status = json_loadb(buf.data, buf.bytes, 0, NULL);
    assert_non_null(status);
    buf_finish(&buf);
    return status;
}

void txtool_expect_winner(struct tx *tx, uint64_t version, const char *table, uint64_t rows)
{
    json_t *status = txtool_status(tx), *conflict = json_object_get(status, "conflict");
    const char *name = json_string_value(json_object_get(conflict, "table"));

    assert_non_null(conflict);
    assert_true(json_is_true(json_object_get(status, "retry")));
    assert_string_equal(json_string_value(json_object_get(status, "errno")), "ECANCELED");
    assert_int_equal(json_integer_value(json_object_get(conflict, "version")), version);
    assert_true(json_is_true(json_object_get(conflict, "exact")));
    assert_int_equal(json_integer_value(json_object_get(conflict, "rows")), rows);
    assert_string_equal(name ? name : "(none)", table ? table : "(none)");
    json_decref(status);
}

/* --- the rest ---------------------------------------------------------------------------- */

char *txtool_long_row(char fill, size_t bytes)
{
    char *row = malloc(bytes + 1);

    assert_non_null(row);
    memset(row, fill, bytes);
    memcpy(row, "{\"a\":\"", 6);
    memcpy(row + bytes - 3, "\"}\n", 4);
    return row;
}

uint64_t txtool_operations(struct db *db)
{
    struct store_counts *counts = &db_store(db)->counts;

    return counts->put + counts->get + counts->head + counts->list + counts->remove;
}
