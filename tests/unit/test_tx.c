/* SPDX-License-Identifier: MIT */
/* Statements and the view of a transaction that is open, and the ends that are no commit. */
#include <stdio.h>
#include <stdlib.h>

#include "core/scan.h"
#include "tests/lib/check.h"
#include "tests/lib/tempstore.h"
#include "tests/lib/txtool.h"

#define ROW(n) "{\"n\":" #n "}\n"

static struct tempstore temp;
static struct db *db;
static struct uuid t;
static struct tx *tx;
static struct err err;

static int begin(void **state)
{
    (void)state;
    err = (struct err)ERR_INIT;
    tempstore_begin(&temp);
    tempstore_open_db(&temp);
    db = temp.db;
    t = dbtool_table(db, "t");
    assert_int_equal(dbtool_append(db, t, ROW(1)), 0);
    tx = txtool_begin(db, "a");
    return 0;
}

static int end(void **state)
{
    (void)state;
    tx_unref(tx);
    tempstore_end(&temp);
    return 0;
}

/* --- the view ------------------------------------------------------------------------- */

static void a_transaction_sees_its_own_writes_and_nobody_else_does(void **state)
{
    (void)state;
    txtool_append(tx, "t", ROW(2));
    txtool_append(tx, "t", ROW(3));
    txtool_expect(tx, "t", ROW(1) ROW(2) ROW(3));
    dbtool_expect(db, "t", ROW(1));
    txtool_replace(tx, "t", ROW(4));
    txtool_expect(tx, "t", ROW(4));
    txtool_append(tx, "t", ROW(5));
    txtool_expect(tx, "t", ROW(4) ROW(5));
    dbtool_expect(db, "t", ROW(1));
    assert_int_equal(dbtool_version(db), 2);
}

static void a_transaction_does_not_see_what_others_commit_meanwhile(void **state)
{
    struct tx *later;

    (void)state;
    assert_int_equal(dbtool_append(db, t, ROW(2)), 0);
    dbtool_table(db, "u");
    txtool_append(tx, "t", ROW(3));
    txtool_expect(tx, "t", ROW(1) ROW(3));
    assert_false(txtool_has(tx, "u"));
    later = txtool_begin(db, NULL);
    txtool_expect(later, "t", ROW(1) ROW(2));
    assert_true(txtool_has(later, "u"));
    tx_unref(later);
}

static void two_transactions_do_not_see_each_other(void **state)
{
    struct tx *other = txtool_begin(db, "b");

    (void)state;
    txtool_append(tx, "t", ROW(2));
    txtool_replace(other, "t", ROW(3));
    assert_int_equal(txtool_create(tx, "u", &err), 0);
    assert_int_equal(txtool_create(other, "u", &err), 0);
    txtool_expect(tx, "t", ROW(1) ROW(2));
    txtool_expect(other, "t", ROW(3));
    assert_false(uuid_equal(txtool_uuid(tx, "u"), txtool_uuid(other, "u")));
    tx_unref(other);
}

static void a_view_stays_as_it_is_while_statements_and_the_end_follow(void **state)
{
    struct snapshot *view = NULL;
    char rows[40] = "";

    (void)state;
    txtool_append(tx, "t", ROW(2));
    assert_ok(tx_view(tx, &view, &err), &err);
    txtool_replace(tx, "t", ROW(3));
    tx_abort(tx, -ECANCELED, "enough");
    assert_int_equal(table_read(db_store(db), snapshot_table(view, t), rows, 39, 0, &err), 16);
    assert_string_equal(rows, ROW(1) ROW(2));
    snapshot_unref(view);
}

static void every_statement_is_a_version_above_the_base(void **state)
{
    struct snapshot *view = NULL;
    uint64_t last = 2;

    (void)state;
    for (int i = 0; i < 3; i++) {
        txtool_append(tx, "t", ROW(2));
        assert_ok(tx_view(tx, &view, &err), &err);
        assert_int_equal(view->version, last + 1);
        assert_int_equal(snapshot_table(view, t)->version, last + 1);
        last = view->version;
        snapshot_unref(view);
    }
}

static void rows_of_the_view_are_found_by_their_number(void **state)
{
    struct snapshot *view = NULL;
    struct scan scan;
    const char *row;
    size_t bytes;

    (void)state;
    txtool_append(tx, "t", ROW(2) ROW(3));
    txtool_append(tx, "t", ROW(4));
    assert_ok(tx_view(tx, &view, &err), &err);
    scan_init(&scan, db_store(db), snapshot_table(view, t));
    for (unsigned i = 0; i < 4; i++) {
        assert_ok(scan_seek(&scan, i, &err), &err);
        assert_int_equal(scan_next(&scan, &row, &bytes, &err), 1);
        assert_int_equal(row[bytes - 2], '1' + i);
    }
    scan_finish(&scan);
    snapshot_unref(view);
}

/* --- statements ----------------------------------------------------------------------------- */

static void tables_are_made_renamed_and_dropped_inside(void **state)
{
    (void)state;
    assert_ok(txtool_create(tx, "u", &err), &err);
    txtool_append(tx, "u", ROW(2));
    assert_fails(txtool_create(tx, "u", &err), -EEXIST, &err);
    assert_fails(txtool_drop(tx, "u", &err), -ENOTEMPTY, &err);
    assert_ok(txtool_rename(tx, "u", "v", &err), &err);
    txtool_expect(tx, "v", ROW(2));
    assert_false(txtool_has(tx, "u"));
    assert_fails(txtool_rename(tx, "v", "t", &err), -ENOTEMPTY, &err);
    txtool_replace(tx, "v", "");
    assert_ok(txtool_drop(tx, "v", &err), &err);
    assert_ok(txtool_rename(tx, "t", "v", &err), &err);
    txtool_expect(tx, "v", ROW(1));
    assert_false(dbtool_has(db, "v"));
    dbtool_expect(db, "t", ROW(1));
}

static void a_statement_that_is_refused_changes_nothing(void **state)
{
    struct commit *commit = NULL;
    struct stage stage;

    (void)state;
    txtool_append(tx, "t", ROW(2));
    assert_int_equal(commit_create(&commit), 0);
    dbtool_stage(db, t, ROW(3), 8, &stage);
    assert_int_equal(commit_add_write(commit, t, true, &stage, 0), 0);
    assert_int_equal(commit_add_create(commit, "u"), 0);
    assert_int_equal(commit_add_create(commit, "t"), 0);
    assert_fails(txtool_apply(tx, commit, &err), -EEXIST, &err);
    txtool_expect(tx, "t", ROW(1) ROW(2));
    assert_false(txtool_has(tx, "u"));
    txtool_append(tx, "t", ROW(4));
    txtool_expect(tx, "t", ROW(1) ROW(2) ROW(4));
    assert_ok(tx_commit(tx, &err), &err);
    dbtool_expect(db, "t", ROW(1) ROW(2) ROW(4));
}

static void a_statement_may_expect_a_version_of_the_view(void **state)
{
    struct commit *commit = NULL;
    struct snapshot *view = NULL;
    struct stage stage;

    (void)state;
    txtool_append(tx, "t", ROW(2));
    assert_ok(tx_view(tx, &view, &err), &err);
    for (int i = 0; i < 2; i++) { /* the second time it has changed */
        assert_int_equal(commit_create(&commit), 0);
        dbtool_stage(db, t, ROW(3), 8, &stage);
        assert_int_equal(
            commit_add_write(commit, t, true, &stage, snapshot_table(view, t)->version), 0);
        assert_fails(txtool_apply(tx, commit, &err), i ? -ECANCELED : 0, &err);
    }
    snapshot_unref(view);
    assert_int_equal(tx_state(tx), TX_OPEN);
    txtool_expect(tx, "t", ROW(3));
}

static void rows_move_between_tables_of_the_view(void **state)
{
    (void)state;
    assert_ok(txtool_create(tx, "u", &err), &err);
    txtool_append(tx, "t", ROW(2));
    txtool_append(tx, "u", ROW(3));
    assert_ok(txtool_move(tx, "t", "u", &err), &err);
    txtool_expect(tx, "t", "");
    txtool_expect(tx, "u", ROW(1) ROW(2));
    txtool_append(tx, "t", ROW(4));
    txtool_append(tx, "u", ROW(5));
    assert_ok(txtool_move(tx, "u", "t", &err), &err);
    txtool_expect(tx, "t", ROW(1) ROW(2) ROW(5));
    txtool_expect(tx, "u", "");
}

static void a_statement_costs_the_store_nothing(void **state)
{
    uint64_t before;

    (void)state;
    before = txtool_operations(db);
    for (int i = 0; i < 100; i++)
        txtool_append(tx, "t", ROW(2));
    assert_ok(txtool_create(tx, "u", &err), &err);
    assert_ok(txtool_move(tx, "t", "u", &err), &err);
    assert_int_equal(txtool_operations(db), before);
}

static void rows_past_the_memory_are_written_out_and_read_back(void **state)
{
    char *row = txtool_long_row('x', 60000), *rows, name[8];

    (void)state;
    for (int i = 0; i < 40; i++) { /* 2.4 MB over 20 tables */
        snprintf(name, sizeof name, "u%d", i % 20);
        if (i < 20)
            assert_ok(txtool_create(tx, name, &err), &err);
        txtool_append(tx, name, row);
        txtool_append(tx, name, ROW(2));
    }
    assert_true(tempstore_entries(&temp, "data") >= 1);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "u%d", i);
        rows = txtool_rows(tx, name);
        assert_int_equal(strlen(rows), 2 * (60000 + 8));
        assert_memory_equal(rows, row, 60000);
        assert_memory_equal(rows + 60008, row, 60000);
        assert_string_equal(rows + 120008, ROW(2));
        free(rows);
    }
    assert_int_equal(dbtool_version(db), 2);
    free(row);
}

/* --- limits ------------------------------------------------------------------------------------
 */

static void a_transaction_past_its_limit_is_EFBIG_and_goes_on_without(void **state)
{
    struct db_options options = {.limits = {.row_bytes = 1000, .tx_bytes = 24}};
    struct db *small = NULL;
    struct tx *limited;

    (void)state;
    assert_ok(db_open(temp.path, &options, &small, &err), &err);
    limited = txtool_begin(small, NULL);
    txtool_append(limited, "t", ROW(2));
    assert_fails(txtool_write(limited, "t", false, ROW(3) ROW(4) ROW(5), &err), -EFBIG, &err);
    assert_has(err.text, "24 bytes");
    txtool_append(limited, "t", ROW(6) ROW(7));
    assert_fails(txtool_write(limited, "t", true, ROW(8), &err), -EFBIG, &err);
    txtool_expect(limited, "t", ROW(1) ROW(2) ROW(6) ROW(7));
    assert_ok(txtool_commit(limited, &err), &err);
    db_close(small);
    dbtool_expect(db, "t", ROW(1) ROW(2) ROW(6) ROW(7));
}

/* --- names, isolation, use
 * ------------------------------------------------------------------------- */

static void transactions_have_an_id_a_serial_and_a_beginning(void **state)
{
    struct tx *other = txtool_begin(db, "b");

    (void)state;
    assert_string_equal(tx_id(tx), "a");
    assert_true(tx_serial(tx) != 0);
    assert_true(tx_serial(tx) != tx_serial(other));
    assert_true(tx_began_usec(other) >= tx_began_usec(tx));
    assert_int_equal(tx_state(tx), TX_OPEN);
    tx_unref(other);
    tx_unref(NULL);
}

static void isolation_is_chosen_while_it_is_open(void **state)
{
    (void)state;
    assert_false(tx_is_serializable(tx));
    assert_ok(tx_set_serializable(tx, true, &err), &err);
    assert_true(tx_is_serializable(tx));
    assert_ok(tx_set_serializable(tx, false, &err), &err);
    assert_ok(tx_commit(tx, &err), &err);
    assert_fails(tx_set_serializable(tx, true, &err), -ENOENT, &err);
    assert_false(tx_is_serializable(tx));
}

static void what_is_held_or_used_is_not_idle(void **state)
{
    struct snapshot *view = NULL;

    (void)state;
    while (tx_idle_usec(tx) < 2000)
        ;
    tx_hold(tx);
    assert_int_equal(tx_idle_usec(tx), 0);
    tx_hold(tx);
    tx_release(tx);
    assert_int_equal(tx_idle_usec(tx), 0);
    tx_release(tx);
    assert_true(tx_idle_usec(tx) < 1000000);
    while (tx_idle_usec(tx) < 2000)
        ;
    assert_ok(tx_view(tx, &view, &err), &err);
    assert_true(tx_idle_usec(tx) < 1000000);
    snapshot_unref(view);
}

/* --- its status
 * ------------------------------------------------------------------------------------------ */

/* What the status says of the n-th table that was changed, on one line; new (free). */
static char *status_of_table(size_t n)
{
    json_t *status = txtool_status(tx);
    char *text = json_dumps(json_array_get(json_object_get(status, "tables"), n), JSON_COMPACT);

    json_decref(status);
    return text;
}

static void expect_table(size_t n, const char *text)
{
    char *is = status_of_table(n);

    assert_string_equal(is ? is : "(none)", text);
    free(is);
}

static void the_status_tells_what_was_buffered(void **state)
{
    json_t *status = txtool_status(tx);

    (void)state;
    assert_string_equal(json_string_value(json_object_get(status, "id")), "a");
    assert_string_equal(json_string_value(json_object_get(status, "state")), "open");
    assert_string_equal(json_string_value(json_object_get(status, "isolation")), "snapshot");
    assert_int_equal(json_integer_value(json_object_get(status, "base")), 2);
    json_decref(status);
    expect_table(0, "(none)");
    txtool_note_read(tx, "t");
    expect_table(0, "(none)");
    txtool_append(tx, "t", ROW(2) ROW(3));
    expect_table(0, "{\"table\":\"t\",\"rows_appended\":2,\"rows_deleted\":0}");
    txtool_replace(tx, "t", ROW(4));
    expect_table(0, "{\"table\":\"t\",\"rows_appended\":1,\"rows_deleted\":1}");
    assert_ok(txtool_rename(tx, "t", "v", &err), &err);
    expect_table(0, "{\"table\":\"v\",\"rows_appended\":1,\"rows_deleted\":1,"
                    "\"made\":\"renamed\"}");
    txtool_replace(tx, "v", "");
    assert_ok(txtool_drop(tx, "v", &err), &err);
    expect_table(0, "{\"table\":\"t\",\"rows_appended\":0,\"rows_deleted\":1,"
                    "\"made\":\"dropped\"}");
    assert_ok(txtool_create(tx, "u", &err), &err);
    expect_table(1, "{\"table\":\"u\",\"rows_appended\":0,\"rows_deleted\":0,"
                    "\"made\":\"created\"}");
    assert_ok(txtool_drop(tx, "u", &err), &err);
    expect_table(1, "(none)"); /* it never was */
}

static void the_status_names_the_writers(void **state)
{
    const struct tx_writer writers[] = {{.pid = 12}, {.pid = 34}};
    struct buf buf = {0};

    (void)state;
    assert_int_equal(tx_print_status(tx, writers, 2, &buf), 0);
    assert_int_equal(buf_append(&buf, "", 1), 0);
    assert_has(buf.data, "\"pid\": 12");
    assert_has(buf.data, "\"pid\": 34");
    buf_finish(&buf);
}

static void the_status_of_what_the_log_knows_is_its_version(void **state)
{
    struct buf buf = {0};
    json_t *status;

    (void)state;
    assert_int_equal(tx_print_committed("b", 7, &buf), 0);
    status = json_loadb(buf.data, buf.bytes, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(status, "id")), "b");
    assert_string_equal(json_string_value(json_object_get(status, "state")), "committed");
    assert_int_equal(json_integer_value(json_object_get(status, "version")), 7);
    json_decref(status);
    buf_finish(&buf);
}

/* --- abort
 * -------------------------------------------------------------------------------------------- */

static void what_was_aborted_says_so_to_all_who_use_it(void **state)
{
    struct snapshot *view = NULL;
    struct commit *commit = NULL;

    (void)state;
    txtool_append(tx, "t", ROW(2));
    assert_int_equal(commit_create(&commit), 0);
    assert_int_equal(commit_add_create(commit, "u"), 0);
    tx_abort(tx, -ECANCELED, "the cat sat on it");
    tx_abort(tx, -EIO, "twice");
    assert_int_equal(tx_state(tx), TX_ABORTED);
    assert_fails(tx_view(tx, &view, &err), -ECANCELED, &err);
    assert_has(err.text, "the cat sat on it");
    assert_fails(txtool_apply(tx, commit, &err), -ECANCELED, &err);
    assert_fails(tx_set_serializable(tx, true, &err), -ECANCELED, &err);
    assert_fails(tx_commit(tx, &err), -ECANCELED, &err);
    assert_has(err.text, "the cat sat on it");
    tx_note_read(tx, t, NULL);
    tx_note_tables_listed(tx);
    assert_int_equal(dbtool_version(db), 2);
}

static void nothing_is_left_in_the_store_of_rows_that_were_not_written_out(void **state)
{
    char *row = txtool_long_row('x', 60000);

    (void)state;
    txtool_append(tx, "t", row);
    txtool_append(tx, "t", row); /* these are being written, and have no name yet */
    tx_abort(tx, -ECANCELED, "enough");
    assert_int_equal(tempstore_entries(&temp, "tmp"), 0);
    assert_int_equal(tempstore_entries(&temp, "data"), 0);
    assert_int_equal(tempstore_entries(&temp, "log"), 3);
    free(row);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_transaction_sees_its_own_writes_and_nobody_else_does),
        test(a_transaction_does_not_see_what_others_commit_meanwhile),
        test(two_transactions_do_not_see_each_other),
        test(a_view_stays_as_it_is_while_statements_and_the_end_follow),
        test(every_statement_is_a_version_above_the_base),
        test(rows_of_the_view_are_found_by_their_number),
        test(tables_are_made_renamed_and_dropped_inside),
        test(a_statement_that_is_refused_changes_nothing),
        test(a_statement_may_expect_a_version_of_the_view),
        test(rows_move_between_tables_of_the_view),
        test(a_statement_costs_the_store_nothing),
        test(rows_past_the_memory_are_written_out_and_read_back),
        test(a_transaction_past_its_limit_is_EFBIG_and_goes_on_without),
        test(transactions_have_an_id_a_serial_and_a_beginning),
        test(isolation_is_chosen_while_it_is_open),
        test(what_is_held_or_used_is_not_idle),
        test(the_status_tells_what_was_buffered),
        test(the_status_names_the_writers),
        test(the_status_of_what_the_log_knows_is_its_version),
        test(what_was_aborted_says_so_to_all_who_use_it),
        test(nothing_is_left_in_the_store_of_rows_that_were_not_written_out),
    };

    return cmocka_run_group_tests_name("tx", tests, NULL, NULL);
}
