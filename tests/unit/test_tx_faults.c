/* SPDX-License-Identifier: MIT */
/* The commit of a transaction on disks that fail, lie, or are full. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/check.h"
#include "tests/lib/faultio.h"
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
    faultio_install();
    tempstore_open_db(&temp);
    db = temp.db;
    other = tempstore_another(&temp);
    t = dbtool_table(db, "t");
    u = dbtool_table(db, "u");
    assert_int_equal(dbtool_append(db, t, ROW(1)), 0); /* version and record 3 */
    tx = txtool_begin(db, "a");
    return 0;
}

static int end(void **state)
{
    (void)state;
    tx_unref(tx);
    db_close(other);
    faultio_remove();
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

static size_t records(void)
{
    return tempstore_entries(&temp, "log");
}

static void a_full_disk_leaves_it_open_and_the_next_commit_succeeds(void **state)
{
    char *row = txtool_long_row('x', 40000);

    (void)state;
    txtool_replace(tx, "t", row);
    txtool_append(tx, "u", row);       /* one of them will lie in a data object */
    for (unsigned n = 0; n < 3; n++) { /* the object's two files, the record */
        faultio_reset();
        faultio_rule(FAULTIO_LINK, n < 2 ? n : 0, 1, FAULTIO_REFUSE, ENOSPC);
        assert_fails(tx_commit(tx, &err), -ENOSPC, &err);
        assert_int_equal(tx_state(tx), TX_OPEN);
        if (n == 1) { /* so that only the record is left to be written */
            faultio_rule(FAULTIO_LINK, 2, 1, FAULTIO_REFUSE, ENOSPC);
            assert_fails(tx_commit(tx, &err), -ENOSPC, &err);
        }
    }
    dbtool_expect(other, "t", ROW(1));
    txtool_expect(tx, "t", row);
    assert_ok(txtool_create(tx, "v", &err), &err);
    txtool_append(tx, "v", ROW(2));
    assert_ok(tx_commit(tx, &err), &err);
    expect("t", row);
    expect("u", row);
    expect("v", ROW(2));
    free(row);
}

/* Makes the link of the record fail, `times` times. */
static void fail_links(unsigned times, enum faultio_how how, int code)
{
    txtool_append(tx, "u", ROW(3));
    faultio_reset();
    faultio_rule(FAULTIO_LINK, 0, times, how, code);
}

static void a_record_that_was_linked_and_said_to_have_failed_commits_once(void **state)
{
    (void)state;
    fail_links(1, FAULTIO_LIE, EIO); /* the number of its links tells */
    assert_ok(tx_commit(tx, &err), &err);
    assert_int_equal(faultio_count(FAULTIO_LINK), 1);
    assert_int_equal(records(), 5);
    expect("u", ROW(3));
}

static void a_record_that_was_linked_and_cannot_be_looked_at_commits_once(void **state)
{
    (void)state;
    fail_links(1, FAULTIO_LIE, EIO);
    faultio_rule(FAULTIO_STAT_FD, 0, 1, FAULTIO_REFUSE, EIO);
    assert_ok(tx_commit(tx, &err), &err);
    assert_int_equal(records(), 5);
    expect("u", ROW(3));
}

static void a_link_whose_lost_answer_is_EEXIST_commits_once(void **state)
{
    (void)state;
    fail_links(1, FAULTIO_LIE, EEXIST);
    assert_ok(tx_commit(tx, &err), &err);
    assert_int_equal(records(), 5);
    expect("u", ROW(3));
}

static void a_lost_answer_of_what_did_not_happen_is_asked_for_again(void **state)
{
    (void)state;
    fail_links(2, FAULTIO_REFUSE, EIO);
    assert_ok(tx_commit(tx, &err), &err);
    assert_int_equal(records(), 5);
    expect("u", ROW(3));
}

static void a_doubt_that_does_not_end_is_told_and_is_final(void **state)
{
    struct tx *second = txtool_begin(db, NULL);
    json_t *status;

    (void)state;
    txtool_append(tx, "u", ROW(3));
    txtool_append(second, "u", ROW(4));
    faultio_reset();
    faultio_rule(FAULTIO_FSYNC_DIR, 0, 1, FAULTIO_REFUSE, EIO);
    assert_fails(tx_commit(tx, &err), -EIO, &err);
    faultio_reset();
    assert_int_equal(tx_state(tx), TX_UNKNOWN);
    assert_fails(tx_commit(tx, &err), -ECANCELED, &err);
    assert_has(err.text, "unknown");
    status = txtool_status(tx);
    assert_string_equal(json_string_value(json_object_get(status, "state")), "unknown");
    assert_true(json_is_false(json_object_get(status, "retry")));
    json_decref(status);
    assert_fails(tx_commit(second, &err), -EIO, &err); /* this one surely did not */
    assert_int_equal(tx_state(second), TX_ABORTED);
    tx_unref(second);
}

/* After a failure of any one call it has committed once, or not at all, and says which. */
static void fail_each_call(enum faultio_how how, int code)
{
    char *row = txtool_long_row('x', 70000);
    bool struck = true;

    for (unsigned n = 0; struck; n++) {
        struct tx *one = txtool_begin(temp.db, NULL);
        size_t rows;
        int r;

        txtool_append(one, "u", row);
        txtool_append(one, "t", ROW(2));
        faultio_reset();
        faultio_rule(FAULTIO_ANY, n, 1, how, code);
        r = tx_commit(one, &err);
        struck = faultio_struck();
        faultio_reset();
        rows = dbtool_count(other, "t", ROW(2));
        assert_int_equal(dbtool_count(other, "u", row), rows);
        assert_int_equal(tx_state(one) == TX_COMMITTED, r == 0);
        if (tx_state(one) != TX_UNKNOWN)
            assert_int_equal(rows, r == 0);
        if (tx_state(one) == TX_OPEN) {
            assert_true(r == -ENOSPC);
            assert_ok(tx_commit(one, &err), &err);
            assert_int_equal(dbtool_count(other, "t", ROW(2)), 1);
        }
        tx_unref(one);
        if (db_check_writable(temp.db, NULL) < 0) {
            tempstore_close(&temp);
            tempstore_open_db(&temp);
        }
        assert_int_equal(dbtool_write(temp.db, t, true, "", 0, NULL), 0);
        assert_int_equal(dbtool_write(temp.db, u, true, "", 0, NULL), 0);
    }
    free(row);
}

static void a_disk_that_fails_at_any_call_commits_once_or_not_at_all(void **state)
{
    (void)state;
    tx_unref(tx);
    tx = NULL;
    fail_each_call(FAULTIO_REFUSE, ENOSPC);
    fail_each_call(FAULTIO_REFUSE, EIO);
    fail_each_call(FAULTIO_LIE, EIO);
    fail_each_call(FAULTIO_LIE, ENOSPC);
}

/* The rows of a table of the view; NULL: they cannot be read. New (free). */
static char *try_rows(struct tx *one, const char *name, int code)
{
    struct snapshot *view = NULL;
    const struct table *table;
    char *rows;
    int n;

    assert_ok(tx_view(one, &view, &err), &err);
    table = snapshot_table_named(view, name);
    rows = calloc(1, table_bytes(table) + 1);
    assert_non_null(rows);
    n = table_read(temp.store, table, rows, table_bytes(table), 0, &err);
    if (n < 0) {
        assert_int_equal(n, -code);
        free(rows);
        rows = NULL;
    }
    snapshot_unref(view);
    return rows;
}

/* A statement of large rows that meets a failure of each call; what is left is whole or unreadable.
 */
static void fail_each_call_of_a_statement(int code, const char *first, const char *second)
{
    bool struck = true;

    for (unsigned n = 0; struck; n++) {
        struct tx *one = txtool_begin(temp.db, NULL);
        struct commit *statement;
        char *rows;
        int r, ended;

        txtool_append(one, "u", first);
        txtool_append(one, "t", ROW(2));
        statement = dbtool_appending(temp.db, u, second);
        faultio_reset();
        faultio_rule(FAULTIO_ANY, n, 1, FAULTIO_REFUSE, code);
        r = txtool_apply(one, statement, &err);
        struck = faultio_struck();
        faultio_reset();
        assert_int_equal(r, struck ? -code : 0);
        rows = try_rows(one, "u", code);
        if (rows)
            assert_int_equal(strlen(rows), strlen(first) + (r ? 0 : strlen(second)));
        txtool_expect(one, "t", ROW(1) ROW(2));
        ended = tx_commit(one, &err);
        if (rows && !ended)
            dbtool_expect(other, "u", rows);
        if (ended)
            assert_int_equal(ended, -code);
        dbtool_expect(other, "t", ended ? ROW(1) : ROW(1) ROW(2));
        assert_true(rows || ended);
        free(rows);
        tx_unref(one);
        assert_int_equal(dbtool_write(temp.db, t, true, ROW(1), 0, NULL), 0);
        assert_int_equal(dbtool_write(temp.db, u, true, "", 0, NULL), 0);
    }
}

static void a_statement_on_a_disk_that_fails_leaves_whole_rows_or_none(void **state)
{
    char *small = txtool_long_row('s', 40000), *large = txtool_long_row('l', 300000);

    (void)state;
    for (int i = 0; i < 8; i++)
        fail_each_call_of_a_statement(i & 1 ? ENOSPC : EIO, i & 2 ? small : large,
                                      i & 4 ? small : large);
    free(small);
    free(large);
}

static void data_objects_of_a_transaction_that_did_not_commit_are_removed(void **state)
{
    char *row = txtool_long_row('x', 70000);
    struct snapshot *view;
    char text[UUID_TEXT_BYTES + 1], data[60];

    (void)state;
    uuid_to_text(t, text);
    snprintf(data, sizeof data, "data/%s", text);
    txtool_append(tx, "t", row);
    assert_ok(tx_view(tx, &view, &err), &err);
    assert_int_equal(tempstore_entries(&temp, data), 2);
    tx_abort(tx, -ECANCELED, "enough");
    assert_int_equal(tempstore_entries(&temp, data), 2); /* somebody still looks at it */
    snapshot_unref(view);
    assert_int_equal(tempstore_entries(&temp, data), 0);
    tx_unref(tx);
    tx = txtool_begin(db, "b");
    txtool_append(tx, "u", row);
    txtool_replace(tx, "u", ROW(2)); /* in the same transaction */
    assert_ok(tx_commit(tx, &err), &err);
    expect("u", ROW(2));
    free(row);
}

static unsigned open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void large_tables_do_not_each_keep_a_descriptor(void **state)
{
    char *row = txtool_long_row('x', 70000), name[8];
    unsigned before = open_descriptors();
    struct buf expected = {0};

    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "m%u", i);
        assert_ok(txtool_create(tx, name, &err), &err);
        txtool_append(tx, name, row);
        txtool_append(tx, name, ROW(1));
    }
    assert_true(open_descriptors() < before + 24);
    txtool_append(tx, "m0", ROW(2)); /* goes on in another object */
    assert_ok(tx_commit(tx, &err), &err);
    buf_printf(&expected, "%s" ROW(1), row);
    dbtool_expect(db, "m39", expected.data);
    buf_finish(&expected);
    free(row);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(large_tables_do_not_each_keep_a_descriptor),
        test(data_objects_of_a_transaction_that_did_not_commit_are_removed),
        test(a_full_disk_leaves_it_open_and_the_next_commit_succeeds),
        test(a_record_that_was_linked_and_said_to_have_failed_commits_once),
        test(a_record_that_was_linked_and_cannot_be_looked_at_commits_once),
        test(a_link_whose_lost_answer_is_EEXIST_commits_once),
        test(a_lost_answer_of_what_did_not_happen_is_asked_for_again),
        test(a_doubt_that_does_not_end_is_told_and_is_final),
        test(a_statement_on_a_disk_that_fails_leaves_whole_rows_or_none),
        test(a_disk_that_fails_at_any_call_commits_once_or_not_at_all),
    };

    return cmocka_run_group_tests_name("tx faults", tests, NULL, NULL);
}
