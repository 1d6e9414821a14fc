/* SPDX-License-Identifier: MIT */
/* Rows and names that change places in a transaction, as its commit has them. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/check.h"
#include "tests/lib/tempstore.h"
#include "tests/lib/txtool.h"

#define ROW(n) "{\"n\":" #n "}\n"

static struct tempstore temp;
static struct db *db, *other;
static struct uuid t, u;
static struct tx *tx;
static struct err err;

static int begin(void **state)
{
    (void)state;
    err = (struct err)ERR_INIT;
    tempstore_begin(&temp);
    tempstore_open_db(&temp);
    db = temp.db;
    other = tempstore_another(&temp);
    t = dbtool_table(db, "t");
    u = dbtool_table(db, "u");
    dbtool_table(db, "v");
    assert_int_equal(dbtool_append(db, t, ROW(1) ROW(2)), 0);
    assert_int_equal(dbtool_append(db, t, ROW(3)), 0);
    assert_int_equal(dbtool_append(db, u, ROW(7)), 0);
    tx = txtool_begin(db, "a");
    return 0;
}

static int end(void **state)
{
    (void)state;
    tx_unref(tx);
    db_close(other);
    tempstore_end(&temp);
    return 0;
}

/* The table is so here, on another mount, and on one that reads the log from the beginning. */
static void expect(const char *table, const char *rows)
{
    struct db *third = tempstore_another(&temp);

    dbtool_expect(db, table, rows);
    dbtool_expect(other, table, rows);
    dbtool_expect(third, table, rows);
    db_close(third);
}

static void commit_it(void)
{
    assert_ok(tx_commit(tx, &err), &err);
}

static void move(const char *from, const char *to)
{
    assert_ok(txtool_move(tx, from, to, &err), &err);
}

static char *joined(const char *a, const char *b, const char *c)
{
    size_t bytes = strlen(a) + strlen(b) + strlen(c) + 1;
    char *text = malloc(bytes);

    assert_non_null(text);
    snprintf(text, bytes, "%s%s%s", a, b, c);
    return text;
}

/* --- rows -------------------------------------------------------------------------- */

static void rows_of_the_base_move(void **state)
{
    (void)state;
    move("t", "u");
    commit_it();
    expect("t", "");
    expect("u", ROW(1) ROW(2) ROW(3));
}

static void rows_of_its_own_move(void **state)
{
    (void)state;
    txtool_append(tx, "v", ROW(10));
    txtool_append(tx, "v", ROW(11));
    move("v", "u");
    txtool_append(tx, "v", ROW(12));
    txtool_append(tx, "u", ROW(13));
    commit_it();
    expect("v", ROW(12));
    expect("u", ROW(10) ROW(11) ROW(13));
}

static void rows_of_both_kinds_move_around(void **state)
{
    (void)state;
    txtool_append(tx, "t", ROW(10));
    txtool_append(tx, "u", ROW(11));
    move("t", "v");
    move("u", "t");
    move("v", "u");
    txtool_append(tx, "t", ROW(12));
    txtool_append(tx, "u", ROW(13));
    txtool_append(tx, "v", ROW(14));
    commit_it();
    expect("t", ROW(7) ROW(11) ROW(12));
    expect("u", ROW(1) ROW(2) ROW(3) ROW(10) ROW(13));
    expect("v", ROW(14));
}

static void rows_move_and_come_back(void **state)
{
    (void)state;
    txtool_append(tx, "t", ROW(10));
    move("t", "v");
    move("v", "t");
    txtool_append(tx, "t", ROW(11));
    commit_it();
    expect("t", ROW(1) ROW(2) ROW(3) ROW(10) ROW(11));
    expect("v", "");
}

static void rows_that_others_append_meanwhile_stay_where_they_are(void **state)
{
    (void)state;
    move("t", "u");
    assert_int_equal(dbtool_append(other, t, ROW(4)), 0);
    assert_int_equal(dbtool_append(other, u, ROW(8)), 0);
    commit_it();
    expect("t", ROW(4));
    expect("u", ROW(8) ROW(1) ROW(2) ROW(3));
}

static void rows_are_moved_once(void **state)
{
    struct tx *second = txtool_begin(other, "b");

    (void)state;
    move("t", "v");
    assert_ok(txtool_move(second, "t", "u", &err), &err);
    assert_ok(txtool_commit(second, &err), &err);
    txtool_expect_conflict(tx, "t has lost rows");
    expect("v", "");
    expect("u", ROW(1) ROW(2) ROW(3));
}

static void rows_in_data_objects_move(void **state)
{
    char *row = txtool_long_row('x', 100000), *rows = joined(row, ROW(10), row);

    (void)state;
    txtool_append(tx, "t", ROW(4));
    txtool_replace(tx, "v", row);
    txtool_append(tx, "v", ROW(10));
    txtool_append(tx, "v", row);
    move("v", "t");
    commit_it();
    expect("t", rows);
    expect("v", "");
    free(rows);
    free(row);
}

/* The table that they go to is older in the transaction than the one that they are written to. */
static void rows_in_data_objects_move_to_a_table_that_was_changed_before(void **state)
{
    char *row = txtool_long_row('x', 100000), *rows = joined(row, ROW(10), "");

    (void)state;
    txtool_append(tx, "u", ROW(9));
    txtool_append(tx, "v", row);
    txtool_append(tx, "v", ROW(10));
    move("v", "u");
    commit_it();
    expect("u", rows);
    expect("v", "");
    free(rows);
    free(row);
}

static void rows_move_out_of_a_table_that_is_dropped(void **state)
{
    static const size_t sizes[] = {100, 100000};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *row = txtool_long_row('x', sizes[i]), *rows = joined(row, ROW(10), "");

        assert_ok(txtool_create(tx, "w", &err), &err);
        txtool_append(tx, "w", row);
        txtool_append(tx, "w", ROW(10));
        move("w", "u");
        assert_ok(txtool_drop(tx, "w", &err), &err);
        commit_it();
        expect("u", rows);
        assert_false(dbtool_has(other, "w"));
        tx_unref(tx);
        tx = txtool_begin(db, NULL);
        free(rows);
        free(row);
    }
}

static void rows_that_fit_in_a_record_one_by_one_but_not_together_are_written_out(void **state)
{
    char *x = txtool_long_row('x', 40000), *y = txtool_long_row('y', 40000);

    (void)state;
    txtool_replace(tx, "t", x);
    txtool_replace(tx, "u", y);
    move("t", "v");
    move("u", "t");
    commit_it();
    expect("v", x);
    expect("t", y);
    expect("u", "");
    assert_int_equal(tempstore_entries(&temp, "data"), 1);
    free(x);
    free(y);
}

static void written_rows_that_are_gone_again_leave_the_others_where_they_are(void **state)
{
    (void)state;
    txtool_append(tx, "v", ROW(10) ROW(11));
    txtool_replace(tx, "v", ROW(12));
    txtool_append(tx, "u", ROW(13));
    txtool_replace(tx, "u", "");
    txtool_append(tx, "v", ROW(14));
    commit_it();
    expect("v", ROW(12) ROW(14));
    expect("u", "");
}

static void rows_that_come_to_lie_side_by_side_in_the_record_are_one_extent(void **state)
{
    struct table *table;

    (void)state;
    txtool_append(tx, "v", ROW(10) ROW(11));
    move("v", "u");
    txtool_append(tx, "u", ROW(12) ROW(13));
    commit_it();
    expect("u", ROW(10) ROW(11) ROW(12) ROW(13));
    table = dbtool_look(db, "u");
    assert_int_equal(ptree_count(table->extents), 1);
    table_unref(table);
}

/* --- names ------------------------------------------------------------------------------ */

static void two_tables_swap_their_names(void **state)
{
    (void)state;
    txtool_append(tx, "t", ROW(10));
    assert_ok(txtool_rename(tx, "t", "swap", &err), &err);
    assert_ok(txtool_rename(tx, "u", "t", &err), &err);
    assert_ok(txtool_rename(tx, "swap", "u", &err), &err);
    txtool_append(tx, "t", ROW(11));
    commit_it();
    expect("u", ROW(1) ROW(2) ROW(3) ROW(10));
    expect("t", ROW(7) ROW(11));
    assert_false(dbtool_has(other, "swap"));
}

static void a_table_made_renamed_and_dropped_inside_leaves_no_trace_but_the_log(void **state)
{
    (void)state;
    assert_ok(txtool_create(tx, "w", &err), &err);
    assert_ok(txtool_rename(tx, "w", "x", &err), &err);
    assert_ok(txtool_drop(tx, "x", &err), &err);
    commit_it();
    assert_false(dbtool_has(other, "w"));
    assert_false(dbtool_has(other, "x"));
}

static void a_table_is_made_anew_under_its_old_name(void **state)
{
    (void)state;
    txtool_replace(tx, "t", "");
    assert_ok(txtool_drop(tx, "t", &err), &err);
    assert_ok(txtool_create(tx, "t", &err), &err);
    txtool_append(tx, "t", ROW(10));
    commit_it();
    expect("t", ROW(10));
    assert_int_equal(dbtool_append(db, t, ROW(11)), -ENOENT);
}

static void a_renamed_table_keeps_what_is_written_to_it(void **state)
{
    (void)state;
    txtool_replace(tx, "t", ROW(10));
    assert_ok(txtool_rename(tx, "t", "v", &err), &err); /* over the empty one */
    txtool_append(tx, "v", ROW(11));
    commit_it();
    expect("v", ROW(10) ROW(11));
    assert_false(dbtool_has(other, "t"));
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(rows_of_the_base_move),
        test(rows_of_its_own_move),
        test(rows_of_both_kinds_move_around),
        test(rows_move_and_come_back),
        test(rows_that_others_append_meanwhile_stay_where_they_are),
        test(rows_are_moved_once),
        test(rows_in_data_objects_move),
        test(rows_in_data_objects_move_to_a_table_that_was_changed_before),
        test(rows_move_out_of_a_table_that_is_dropped),
        test(rows_that_fit_in_a_record_one_by_one_but_not_together_are_written_out),
        test(written_rows_that_are_gone_again_leave_the_others_where_they_are),
        test(rows_that_come_to_lie_side_by_side_in_the_record_are_one_extent),
        test(two_tables_swap_their_names),
        test(a_table_made_renamed_and_dropped_inside_leaves_no_trace_but_the_log),
        test(a_table_is_made_anew_under_its_old_name),
        test(a_renamed_table_keeps_what_is_written_to_it),
    };

    return cmocka_run_group_tests_name("tx move", tests, NULL, NULL);
}
