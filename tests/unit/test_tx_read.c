/* SPDX-License-Identifier: MIT */
/* Serializable: a selection that was read must hold the same rows at the commit. */
#include <stdio.h>

#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/fixture.h"
#include "tests/lib/txtool.h"

#define RED   "{\"n\":1,\"color\":\"red\"}\n"
#define RED2  "{\"n\":3,\"color\":\"red\"}\n"
#define BLUE  "{\"n\":2,\"color\":\"blue\"}\n"
#define BLUE2 "{\"n\":4,\"color\":\"blue\"}\n"

static struct tx *tx;
static struct selection *red;
static struct err err;

/* It has read what is red, and writes to another table. */
static int begin(void **state)
{
    int r = fixture_begin_two_mounts(state);

    err = (struct err)ERR_INIT;
    dbtool_table(temp.db, "u");
    assert_int_equal(dbtool_append(temp.db, t, RED BLUE), 0); /* version 3 */
    tx = txtool_begin(temp.db, "a");
    assert_int_equal(selection_create(NULL, "color", "red", &red), 0);
    assert_ok(tx_set_serializable(tx, true, &err), &err);
    tx_note_read(tx, t, red);
    txtool_append(tx, "u", RED);
    return r;
}

static int end(void **state)
{
    tx_unref(tx);
    selection_unref(red);
    return fixture_end(state);
}

static void rows_that_were_read_and_are_gone_are_a_conflict(void **state)
{
    (void)state;
    assert_int_equal(dbtool_append(other, t, BLUE2), 0);
    assert_int_equal(dbtool_write(other, t, true, "", 0, NULL), 0);
    assert_int_equal(dbtool_append(other, t, BLUE2), 0);
    txtool_expect_conflict(tx, "has changed in rows that this transaction has read");
    txtool_expect_winner(tx, 5, "t", 0); /* the red one went with all others */
}

static void rows_that_it_has_not_read_are_no_conflict(void **state)
{
    (void)state;
    assert_int_equal(dbtool_append(other, t, BLUE2), 0);
    assert_ok(tx_commit(tx, &err), &err);
    dbtool_expect(temp.db, "u", RED);
}

static void a_row_that_comes_to_the_selection_is_a_conflict(void **state)
{
    (void)state;
    assert_int_equal(dbtool_append(other, t, BLUE2), 0);
    assert_int_equal(dbtool_append(other, t, RED2), 0);
    assert_int_equal(dbtool_append(other, t, BLUE2), 0);
    txtool_expect_conflict(tx, "has changed in rows that this transaction has read");
    txtool_expect_winner(tx, 5, "t", 0);
    dbtool_expect(temp.db, "u", "");
}

static void reading_all_of_it_is_more_than_a_selection(void **state)
{
    (void)state;
    tx_note_read(tx, t, NULL);
    assert_int_equal(dbtool_append(other, t, BLUE2), 0);
    txtool_expect_conflict(tx, "was read by this transaction");
    txtool_expect_winner(tx, 4, "t", 0);
}

static void the_same_selection_is_remembered_once(void **state)
{
    struct selection *again;

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(selection_create(NULL, "color", "red", &again), 0);
        tx_note_read(tx, t, again);
        selection_unref(again);
    }
    assert_int_equal(dbtool_append(other, t, BLUE2), 0);
    assert_ok(tx_commit(tx, &err), &err);
}

static void of_too_many_selections_all_rows_count_as_read(void **state)
{
    char name[16];

    (void)state;
    for (int i = 0; i < 40; i++) {
        struct selection *one;

        snprintf(name, sizeof name, "%d", i);
        assert_int_equal(selection_create(NULL, "n", name, &one), 0);
        tx_note_read(tx, t, one);
        selection_unref(one);
    }
    assert_int_equal(dbtool_append(other, t, "{\"n\":99}\n"), 0);
    txtool_expect_conflict(tx, "was read by this transaction");
}

static void under_snapshot_isolation_reading_is_no_conflict(void **state)
{
    (void)state;
    assert_ok(tx_set_serializable(tx, false, &err), &err);
    assert_int_equal(dbtool_append(other, t, RED2), 0);
    assert_ok(tx_commit(tx, &err), &err);
}

static void a_table_that_is_gone_has_changed(void **state)
{
    (void)state;
    assert_int_equal(dbtool_write(other, t, true, "", 0, NULL), 0);
    assert_int_equal(dbtool_drop(other, t, "t", NULL), 0);
    txtool_expect_conflict(tx, "was dropped");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_that_were_read_and_are_gone_are_a_conflict),
        TEST(rows_that_it_has_not_read_are_no_conflict),
        TEST(a_row_that_comes_to_the_selection_is_a_conflict),
        TEST(reading_all_of_it_is_more_than_a_selection),
        TEST(the_same_selection_is_remembered_once),
        TEST(of_too_many_selections_all_rows_count_as_read),
        TEST(under_snapshot_isolation_reading_is_no_conflict),
        TEST(a_table_that_is_gone_has_changed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
