/* SPDX-License-Identifier: MIT */
/* Transactions without memory: a statement or a commit is done, or nothing of it is. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/check.h"
#include "tests/lib/faultio.h"
#include "tests/lib/nomem.h"
#include "tests/lib/tempstore.h"
#include "tests/lib/txtool.h"

#define ROW(n) "{\"n\":" #n "}\n"

static struct tempstore temp;
static struct db *db, *other;
static struct uuid t, u;

static int begin(void **state)
{
    (void)state;
    tempstore_begin(&temp);
    faultio_install();
    tempstore_open_db(&temp);
    db = temp.db;
    other = tempstore_another(&temp);
    t = dbtool_table(db, "t");
    u = dbtool_table(db, "u");
    assert_int_equal(dbtool_append(db, t, ROW(1)), 0);
    assert_int_equal(dbtool_append(db, u, ROW(2)), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    nomem_end();
    db_close(other);
    faultio_remove();
    tempstore_end(&temp);
    return 0;
}

/* t's rows replaced by `row`, u's moved to t2, which is made, and a rename. */
static struct commit *make_statement(const char *row)
{
    struct commit *commit = NULL;
    struct stage stage;

    assert_int_equal(commit_create(&commit), 0);
    dbtool_stage(db, t, row, strlen(row), &stage);
    assert_int_equal(commit_add_write(commit, t, true, &stage, 0), 0);
    assert_int_equal(commit_add_create(commit, "new"), 0);
    assert_int_equal(commit_add_move_rows(commit, t, u), 0);
    assert_int_equal(commit_add_rename(commit, t, "t", "renamed", true), 0);
    return commit;
}

/* What t has shows, unless it was lost on its way out of memory; then reading it fails. */
static void expect_rows_or_no_memory(struct tx *tx)
{
    struct snapshot *view = NULL;
    struct err err = ERR_INIT;
    char rows[20] = "";
    int n;

    assert_ok(tx_view(tx, &view, &err), &err);
    n = table_read(db_store(db), snapshot_table(view, t), rows, 19, 0, &err);
    if (n < 0)
        assert_fails(n, -ENOMEM, &err);
    else
        assert_string_equal(rows, ROW(1) ROW(3));
    snapshot_unref(view);
}

/* A statement with its row, refused memory after ever more requests. */
static void starve_statements(const char *row)
{
    bool refused = true;
    unsigned granted;

    for (granted = 0; refused; granted++) {
        struct tx *tx = txtool_begin(db, NULL);
        struct err err = ERR_INIT;
        struct commit *statement;
        int r;

        txtool_append(tx, "t", ROW(3));
        statement = make_statement(row);
        nomem_after(granted);
        r = tx_apply(tx, statement, &err);
        refused = nomem_end();
        commit_destroy(statement);
        if (!r) {
            txtool_expect(tx, "u", row);
            txtool_expect(tx, "renamed", "");
            assert_true(txtool_has(tx, "new"));
        } else {
            assert_true(refused);
            assert_fails(r, -ENOMEM, &err);
            assert_string_equal(err.text, "out of memory");
        }
        if (r < 0 && tx_state(tx) == TX_OPEN) {
            expect_rows_or_no_memory(tx);
            txtool_expect(tx, "u", ROW(2));
            assert_false(txtool_has(tx, "new"));
        }
        tx_unref(tx);
    }
    assert_true(granted > 20);
    assert_int_equal(dbtool_version(other), 4);
}

static void a_statement_without_memory_is_none(void **state)
{
    (void)state;
    starve_statements(ROW(4));
}

static void a_statement_of_a_data_object_without_memory_is_none(void **state)
{
    char *row = txtool_long_row('x', 100000);

    (void)state;
    starve_statements(row);
    free(row);
}

/* What is left after a statement without memory is committed, or refused, as a whole. */
static void what_is_left_after_a_statement_without_memory_commits_or_not(void **state)
{
    bool refused = true;

    (void)state;
    for (unsigned granted = 0; refused; granted++) {
        struct tx *tx = txtool_begin(db, NULL);
        struct err err = ERR_INIT;
        struct commit *statement;
        int r;

        txtool_append(tx, "t", ROW(3));
        statement = make_statement(ROW(4));
        nomem_after(granted);
        r = tx_apply(tx, statement, &err);
        refused = nomem_end();
        commit_destroy(statement);
        if (!r) {
            tx_unref(tx);
            continue;
        }
        if (tx_commit(tx, &err) == 0)
            dbtool_expect(other, "t", ROW(1) ROW(3));
        else
            dbtool_expect(other, "t", ROW(1));
        dbtool_expect(other, "u", ROW(2));
        assert_false(dbtool_has(other, "new"));
        tx_unref(tx);
        assert_int_equal(dbtool_write(db, t, true, ROW(1), 0, NULL), 0);
    }
}

static struct tx *begin_with_changes(const char *row)
{
    struct tx *tx = txtool_begin(db, NULL);
    struct err err = ERR_INIT;

    txtool_append(tx, "t", row);
    assert_ok(txtool_create(tx, "v", &err), &err);
    assert_ok(txtool_move(tx, "t", "v", &err), &err);
    txtool_replace(tx, "u", ROW(5));
    return tx;
}

/* Nothing of the commit is there, or all of it, as its result says. */
static void expect_all_or_nothing(int r, const char *row)
{
    bool there = dbtool_has(other, "v");
    char text[200000];

    if (r != -EIO) /* then it may have happened */
        assert_int_equal(there, r == 0);
    dbtool_expect(other, "t", there ? "" : ROW(1));
    dbtool_expect(other, "u", there ? ROW(5) : ROW(2));
    snprintf(text, sizeof text, "%s%s", ROW(1), row);
    if (there)
        dbtool_expect(other, "v", text);
}

static void starve_commits(const char *row)
{
    bool refused = true;
    unsigned granted;

    for (granted = 0; refused; granted++) {
        struct tx *tx = begin_with_changes(row);
        struct err err = ERR_INIT;
        int r;

        nomem_after(granted);
        r = tx_commit(tx, &err);
        refused = nomem_end();
        assert_true(r == 0 || r == -ENOMEM || r == -EIO);
        expect_all_or_nothing(r, row);
        if (tx_state(tx) == TX_OPEN) {
            assert_int_equal(r, -ENOMEM);
            assert_ok(tx_commit(tx, &err), &err);
            expect_all_or_nothing(0, row);
        }
        tx_unref(tx);
        end(NULL);
        begin(NULL);
    }
    assert_true(granted > 20);
}

static void a_commit_without_memory_is_none(void **state)
{
    (void)state;
    starve_commits(ROW(4));
}

static void a_commit_of_data_objects_without_memory_is_none(void **state)
{
    char *row = txtool_long_row('x', 100000);

    (void)state;
    starve_commits(row);
    free(row);
}

static void a_refusal_without_memory_to_explain_it_is_a_refusal(void **state)
{
    bool refused = true;

    (void)state;
    for (unsigned granted = 0; refused; granted++) {
        struct tx *tx = txtool_begin(db, NULL);
        struct err err = ERR_INIT;
        int r;

        txtool_replace(tx, "t", ROW(6));
        assert_int_equal(dbtool_write(db, t, true, ROW(1), 0, NULL), 0);
        nomem_after(granted);
        r = tx_commit(tx, &err);
        refused = nomem_end();
        assert_true(r == -ECANCELED || r == -ENOMEM);
        dbtool_expect(other, "t", ROW(1));
        if (tx_state(tx) != TX_OPEN) {
            assert_int_equal(tx_state(tx), TX_ABORTED);
            json_decref(txtool_status(tx));
        }
        tx_unref(tx);
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_statement_without_memory_is_none),
        test(a_statement_of_a_data_object_without_memory_is_none),
        test(what_is_left_after_a_statement_without_memory_commits_or_not),
        test(a_commit_without_memory_is_none),
        test(a_commit_of_data_objects_without_memory_is_none),
        test(a_refusal_without_memory_to_explain_it_is_a_refusal),
    };

    return cmocka_run_group_tests_name("tx nomem", tests, NULL, NULL);
}
