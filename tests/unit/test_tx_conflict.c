/* SPDX-License-Identifier: MIT */
/* Which transactions stand in each other's way, and what the loser is told. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/check.h"
#include "tests/lib/tempstore.h"
#include "tests/lib/txtool.h"

#define ROW(n) "{\"n\":" #n "}\n"

static struct tempstore temp;
static struct db *db, *other;
static struct uuid t, u; /* u is empty */
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
    t = dbtool_table(db, "t");                                /* version 1 */
    u = dbtool_table(db, "u");                                /* version 2 */
    assert_int_equal(dbtool_append(db, t, ROW(1) ROW(2)), 0); /* version 3 */
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

/* Commits a replacement of all rows of a table from the other mount. */
static void others_replace(struct uuid table, const char *rows)
{
    assert_int_equal(dbtool_write(other, table, true, rows, 0, NULL), 0);
}

static void others_append(struct uuid table, const char *rows)
{
    assert_int_equal(dbtool_append(other, table, rows), 0);
}

static void commit_it(void)
{
    assert_ok(tx_commit(tx, &err), &err);
}

static void be_serializable(void)
{
    assert_ok(tx_set_serializable(tx, true, &err), &err);
}

/* --- rows ---------------------------------------------------------------------------- */

static void appends_do_not_conflict_with_appends(void **state)
{
    (void)state;
    txtool_append(tx, "t", ROW(10));
    txtool_append(tx, "u", ROW(11));
    others_append(t, ROW(3));
    others_append(u, ROW(4));
    commit_it();
    dbtool_expect(other, "t", ROW(1) ROW(2) ROW(3) ROW(10));
    dbtool_expect(other, "u", ROW(4) ROW(11));
}

static void appends_do_not_conflict_with_replacements(void **state)
{
    (void)state;
    txtool_append(tx, "t", ROW(10));
    others_replace(t, ROW(3));
    commit_it();
    dbtool_expect(other, "t", ROW(3) ROW(10));
}

static void rows_appended_meanwhile_stay_when_what_was_seen_is_replaced(void **state)
{
    (void)state;
    txtool_replace(tx, "t", ROW(10));
    others_append(t, ROW(3));
    txtool_append(tx, "t", ROW(11));
    others_append(t, ROW(4));
    commit_it();
    dbtool_expect(other, "t", ROW(3) ROW(4) ROW(10) ROW(11));
    dbtool_expect(db, "t", ROW(3) ROW(4) ROW(10) ROW(11));
}

static void two_replacements_of_the_same_rows_conflict(void **state)
{
    struct tx *second = txtool_begin(other, "b");

    (void)state;
    txtool_replace(tx, "t", ROW(10));
    txtool_append(tx, "u", ROW(11));
    txtool_replace(second, "t", ROW(20));
    assert_ok(txtool_commit(second, &err), &err);
    txtool_expect_conflict(tx, "has lost rows");
    txtool_expect_winner(tx, 4, "t", 2);
    dbtool_expect(db, "t", ROW(20));
    dbtool_expect(db, "u", ""); /* nothing of the loser stays */
}

static void emptying_conflicts_with_emptying(void **state)
{
    (void)state;
    txtool_replace(tx, "t", "");
    others_append(t, ROW(3)); /* is not the winner */
    others_replace(t, "");
    others_append(t, ROW(4));
    txtool_expect_conflict(tx, "has lost rows");
    txtool_expect_winner(tx, 5, "t", 2);
}

static void replacements_of_a_table_without_rows_do_not_conflict(void **state)
{
    (void)state;
    txtool_replace(tx, "u", ROW(10));
    others_replace(u, ROW(3));
    commit_it();
    dbtool_expect(db, "u", ROW(3) ROW(10));
}

static void replacing_rows_that_came_after_the_base_is_no_conflict(void **state)
{
    (void)state;
    txtool_append(tx, "t", ROW(10));
    others_append(t, ROW(3));
    others_replace(t, "");
    commit_it();
    dbtool_expect(db, "t", ROW(10));
}

static void a_loser_is_shown_some_of_the_rows(void **state)
{
    json_t *status, *samples;

    (void)state;
    tx_unref(tx);
    others_append(t, ROW(3) ROW(4));
    tx = txtool_begin(db, "b");
    txtool_replace(tx, "t", "");
    others_replace(t, ROW(5));
    txtool_expect_conflict(tx, "t has lost rows");
    txtool_expect_winner(tx, 5, "t", 4);
    status = txtool_status(tx);
    samples = json_object_get(json_object_get(status, "conflict"), "samples");
    assert_int_equal(json_array_size(samples), 3);
    assert_string_equal(json_string_value(json_array_get(samples, 0)), "{\"n\":1}");
    assert_string_equal(json_string_value(json_array_get(samples, 1)), "{\"n\":2}");
    assert_string_equal(json_string_value(json_array_get(samples, 2)), "{\"n\":3}");
    json_decref(status);
}

static void a_long_row_is_no_sample(void **state)
{
    char *row = txtool_long_row('x', 2000);
    json_t *status, *samples;

    (void)state;
    tx_unref(tx);
    others_replace(t, row);
    tx = txtool_begin(db, "b");
    txtool_replace(tx, "t", "");
    others_replace(t, "");
    txtool_expect_conflict(tx, "t");
    status = txtool_status(tx);
    samples = json_object_get(json_object_get(status, "conflict"), "samples");
    assert_int_equal(json_array_size(samples), 1);
    assert_string_equal(json_string_value(json_array_get(samples, 0)), "(a long row)");
    json_decref(status);
    free(row);
}

/* --- names ----------------------------------------------------------------------------- */

static void writing_to_a_table_that_was_dropped_conflicts(void **state)
{
    (void)state;
    txtool_append(tx, "u", ROW(10));
    assert_int_equal(dbtool_drop(other, u, "u", NULL), 0);
    txtool_expect_conflict(tx, "u was dropped");
    txtool_expect_winner(tx, 4, "u", 0);
}

static void writing_to_a_table_that_was_renamed_conflicts(void **state)
{
    (void)state;
    txtool_append(tx, "t", ROW(10));
    others_append(t, ROW(3));
    assert_int_equal(dbtool_rename(other, t, "t", "v", false, NULL), 0);
    txtool_expect_conflict(tx, "t was renamed");
    txtool_expect_winner(tx, 5, "t", 0);
    dbtool_expect(db, "v", ROW(1) ROW(2) ROW(3));
}

static void dropping_a_table_that_was_changed_conflicts(void **state)
{
    (void)state;
    assert_ok(txtool_drop(tx, "u", &err), &err);
    others_append(u, ROW(3));
    txtool_expect_conflict(tx, "u is renamed or dropped by this transaction");
    txtool_expect_winner(tx, 4, "u", 0);
    dbtool_expect(db, "u", ROW(3));
}

static void renaming_a_table_that_was_changed_conflicts(void **state)
{
    (void)state;
    assert_ok(txtool_rename(tx, "t", "v", &err), &err);
    others_append(t, ROW(3));
    others_append(t, ROW(4));
    txtool_expect_conflict(tx, "t is renamed or dropped by this transaction");
    txtool_expect_winner(tx, 4, "t", 0);
    assert_false(dbtool_has(db, "v"));
}

static void replacing_a_table_by_a_rename_conflicts_with_its_change(void **state)
{
    (void)state;
    assert_ok(txtool_rename(tx, "t", "u", &err), &err);
    others_append(u, ROW(3));
    txtool_expect_conflict(tx, "u is renamed or dropped");
    dbtool_expect(db, "u", ROW(3));
    dbtool_expect(db, "t", ROW(1) ROW(2));
}

static void both_renaming_a_table_conflicts(void **state)
{
    (void)state;
    assert_ok(txtool_rename(tx, "t", "v", &err), &err);
    assert_int_equal(dbtool_rename(other, t, "t", "v", false, NULL), 0);
    txtool_expect_conflict(tx, "t was renamed");
    txtool_expect_winner(tx, 4, "t", 0);
}

static void a_name_that_another_table_was_given_conflicts(void **state)
{
    (void)state;
    assert_ok(txtool_create(tx, "v", &err), &err);
    txtool_append(tx, "v", ROW(10));
    dbtool_table(other, "v");
    txtool_expect_conflict(tx, "a table v exists");
    txtool_expect_winner(tx, 4, "v", 0);
    dbtool_expect(db, "v", "");
}

static void the_winner_of_a_name_is_who_gave_it(void **state)
{
    (void)state;
    assert_ok(txtool_create(tx, "v", &err), &err);
    others_append(t, ROW(3));
    assert_int_equal(dbtool_rename(other, t, "t", "w", false, NULL), 0);
    assert_int_equal(dbtool_rename(other, t, "w", "v", false, NULL), 0);
    others_append(t, ROW(4));
    txtool_expect_conflict(tx, "a table v exists");
    txtool_expect_winner(tx, 6, "v", 0);
}

static void a_name_that_was_taken_and_is_free_again_is_no_conflict(void **state)
{
    struct uuid v = dbtool_table(other, "v");

    (void)state;
    assert_ok(txtool_create(tx, "v", &err), &err);
    assert_int_equal(dbtool_drop(other, v, "v", NULL), 0);
    commit_it();
    assert_true(dbtool_has(db, "v"));
}

static void tables_that_were_only_looked_at_may_change_their_names(void **state)
{
    (void)state;
    txtool_note_read(tx, "u");
    txtool_append(tx, "t", ROW(10));
    assert_int_equal(dbtool_drop(other, u, "u", NULL), 0);
    commit_it();
}

/* --- serializable ------------------------------------------------------------------------ */

static void what_was_read_and_has_changed_conflicts_if_serializable(void **state)
{
    (void)state;
    be_serializable();
    txtool_note_read(tx, "t");
    txtool_append(tx, "u", ROW(10));
    others_append(u, ROW(3)); /* was not read */
    others_append(t, ROW(4));
    others_append(t, ROW(5));
    txtool_expect_conflict(tx, "t was read by this transaction");
    txtool_expect_winner(tx, 5, "t", 0);
}

static void what_was_read_and_has_changed_is_no_conflict_in_a_snapshot(void **state)
{
    (void)state;
    txtool_note_read(tx, "t");
    tx_note_tables_listed(tx);
    txtool_append(tx, "u", ROW(10));
    others_append(t, ROW(4));
    dbtool_table(other, "v");
    commit_it();
}

static void what_was_read_before_the_isolation_was_chosen_counts(void **state)
{
    (void)state;
    txtool_note_read(tx, "t");
    be_serializable();
    txtool_append(tx, "u", ROW(10));
    others_append(t, ROW(4));
    txtool_expect_conflict(tx, "t was read");
}

static void a_table_that_was_read_and_renamed_conflicts_if_serializable(void **state)
{
    (void)state;
    be_serializable();
    txtool_note_read(tx, "u");
    txtool_append(tx, "t", ROW(10));
    assert_int_equal(dbtool_rename(other, u, "u", "v", false, NULL), 0);
    txtool_expect_conflict(tx, "u was renamed");
    txtool_expect_winner(tx, 4, "u", 0);
}

static void a_table_that_was_read_and_dropped_conflicts_if_serializable(void **state)
{
    (void)state;
    be_serializable();
    txtool_note_read(tx, "u");
    txtool_append(tx, "t", ROW(10));
    assert_int_equal(dbtool_drop(other, u, "u", NULL), 0);
    txtool_expect_conflict(tx, "u was dropped");
    txtool_expect_winner(tx, 4, "u", 0);
}

static void a_list_of_tables_that_was_read_and_is_another_conflicts_if_serializable(void **state)
{
    (void)state;
    be_serializable();
    tx_note_tables_listed(tx);
    txtool_append(tx, "t", ROW(10));
    others_append(t, ROW(3)); /* is no change of the list */
    dbtool_table(other, "v");
    txtool_expect_conflict(tx, "has listed them");
    txtool_expect_winner(tx, 5, NULL, 0);
}

static void rows_that_change_do_not_change_the_list_of_tables(void **state)
{
    (void)state;
    be_serializable();
    tx_note_tables_listed(tx);
    txtool_append(tx, "t", ROW(10));
    others_replace(t, ROW(3));
    commit_it();
}

static void a_transaction_that_only_read_is_never_refused(void **state)
{
    uint64_t version;

    (void)state;
    be_serializable();
    tx_note_tables_listed(tx);
    txtool_note_read(tx, "t");
    txtool_note_read(tx, "u");
    others_replace(t, ROW(3));
    assert_int_equal(dbtool_drop(other, u, "u", NULL), 0);
    version = dbtool_version(db);
    commit_it();
    assert_int_equal(dbtool_version(db), version);
}

/* Each reads what the other writes: in a snapshot both commit, serializable only the first. */
static void a_write_skew_is_refused_if_serializable(void **state)
{
    struct tx *second = txtool_begin(other, NULL);

    (void)state;
    be_serializable();
    assert_ok(tx_set_serializable(second, true, &err), &err);
    txtool_note_read(tx, "t");
    txtool_note_read(second, "u");
    txtool_append(tx, "u", ROW(10));
    txtool_append(second, "t", ROW(11));
    assert_ok(txtool_commit(second, &err), &err);
    txtool_expect_conflict(tx, "t was read");
}

/* --- ids ------------------------------------------------------------------------------------ */

static void an_id_commits_once_whichever_mount_asks(void **state)
{
    struct tx *same = txtool_begin(other, "a");
    json_t *status;

    (void)state;
    txtool_append(tx, "t", ROW(10));
    txtool_append(same, "u", ROW(11));
    commit_it();
    assert_fails(tx_commit(same, &err), -ECANCELED, &err);
    assert_has(err.text, "has committed before, as version 4");
    status = txtool_status(same);
    assert_true(json_is_false(json_object_get(status, "retry")));
    assert_null(json_object_get(status, "conflict"));
    json_decref(status);
    tx_unref(same);
    dbtool_expect(db, "u", "");
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(appends_do_not_conflict_with_appends),
        test(appends_do_not_conflict_with_replacements),
        test(rows_appended_meanwhile_stay_when_what_was_seen_is_replaced),
        test(two_replacements_of_the_same_rows_conflict),
        test(emptying_conflicts_with_emptying),
        test(replacements_of_a_table_without_rows_do_not_conflict),
        test(replacing_rows_that_came_after_the_base_is_no_conflict),
        test(a_loser_is_shown_some_of_the_rows),
        test(a_long_row_is_no_sample),
        test(writing_to_a_table_that_was_dropped_conflicts),
        test(writing_to_a_table_that_was_renamed_conflicts),
        test(dropping_a_table_that_was_changed_conflicts),
        test(renaming_a_table_that_was_changed_conflicts),
        test(replacing_a_table_by_a_rename_conflicts_with_its_change),
        test(both_renaming_a_table_conflicts),
        test(a_name_that_another_table_was_given_conflicts),
        test(the_winner_of_a_name_is_who_gave_it),
        test(a_name_that_was_taken_and_is_free_again_is_no_conflict),
        test(tables_that_were_only_looked_at_may_change_their_names),
        test(what_was_read_and_has_changed_conflicts_if_serializable),
        test(what_was_read_and_has_changed_is_no_conflict_in_a_snapshot),
        test(what_was_read_before_the_isolation_was_chosen_counts),
        test(a_table_that_was_read_and_renamed_conflicts_if_serializable),
        test(a_table_that_was_read_and_dropped_conflicts_if_serializable),
        test(a_list_of_tables_that_was_read_and_is_another_conflicts_if_serializable),
        test(rows_that_change_do_not_change_the_list_of_tables),
        test(a_transaction_that_only_read_is_never_refused),
        test(a_write_skew_is_refused_if_serializable),
        test(an_id_commits_once_whichever_mount_asks),
    };

    return cmocka_run_group_tests_name("tx conflict", tests, NULL, NULL);
}
