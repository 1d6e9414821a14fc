/* SPDX-License-Identifier: MIT */
/* Statements on selections, keys and schemas in transactions, and what others do meanwhile. */
#include <stdio.h>
#include <stdlib.h>

#include "core/db_private.h"
#include "core/tx_private.h"
#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/edittool.h"
#include "tests/lib/fixture.h"
#include "tests/lib/partytool.h"
#include "tests/lib/txtool.h"

#define R(k, v) "{\"k\":" #k ",\"v\":" #v "}\n"
#define BASE    R(1, 0) R(2, 1) R(3, 0) R(4, 1)

static struct tx *tx;
static struct err err;

static int begin(void **state)
{
    err = (struct err)ERR_INIT;
    party_begin();
    fixture_begin_two_mounts(state);
    edittool_do(temp.db, "t", SCHEMA(KEYED_SCHEMA));
    edittool_do(temp.db, "t", INSERT(BASE)); /* version and record 3 */
    tx = txtool_begin(temp.db, "a");
    return 0;
}

/* The same, where any statement writes the whole table anew. */
static int begin_rewriting(void **state)
{
    begin(state);
    temp.db->options.limits.edit_runs = 0;
    return 0;
}

static int end(void **state)
{
    tx_unref(tx);
    tx = NULL;
    return fixture_end(state);
}

static void in_tx(struct statement statement)
{
    edittool_do_tx(tx, "t", statement);
}

static void refused_in_tx(struct statement statement, int code)
{
    assert_fails(edittool_try_tx(tx, "t", statement, &err), code, &err);
}

static void commit(void)
{
    assert_ok(tx_commit(tx, &err), &err);
}

static void expect(const char *rows)
{
    struct db *third = tempstore_another(&temp);

    edittool_expect(temp.db, "t", rows);
    edittool_expect(other, "t", rows);
    edittool_expect(third, "t", rows);
    db_close(third);
}

/* --- rows ---------------------------------------------------------------------------------- */

static void statements_see_the_base_and_their_own_rows(void **state)
{
    (void)state;
    in_tx(INSERT(R(5, 0) R(6, 1)));
    in_tx(PATCH_BY("v", "0", "{\"v\":7}"));
    in_tx(DELETE_BY("v", "1"));
    txtool_expect(tx, "t", R(1, 7) R(3, 7) R(5, 7));
    in_tx(PATCH_BY("v", "7", "{\"w\":\"x\"}"));
    in_tx(DELETE_BY("k", "3"));
    commit();
    expect("{\"k\":1,\"v\":7,\"w\":\"x\"}\n{\"k\":5,\"v\":7,\"w\":\"x\"}\n");
}

static void rows_that_others_add_stay(void **state)
{
    (void)state;
    in_tx(DELETE_BY("v", "0"));
    in_tx(PATCH_BY("v", "1", "{\"v\":2}"));
    edittool_do(other, "t", INSERT(R(7, 0) R(8, 1)));
    commit();
    expect(R(7, 0) R(8, 1) R(2, 2) R(4, 2));
}

static void a_row_that_both_change_is_a_conflict(void **state)
{
    (void)state;
    in_tx(PATCH_BY("v", "1", "{\"v\":2}"));
    edittool_do(other, "t", DELETE_BY("k", "4"));
    txtool_expect_conflict(tx, "has lost rows that this transaction deletes");
    txtool_expect_winner(tx, 4, "t", 1);
    expect(R(1, 0) R(2, 1) R(3, 0));
}

static void rows_that_only_one_of_both_changes_are_none(void **state)
{
    (void)state;
    in_tx(PATCH_BY("k", "1", "{\"v\":2}"));
    in_tx(DELETE_BY("k", "3"));
    edittool_do(other, "t", PATCH_BY("k", "2", "{\"v\":3}"));
    edittool_do(other, "t", DELETE_BY("k", "4"));
    commit();
    expect(R(2, 3) R(1, 2));
}

/* A statement that was made for a view, behind another that has come before it. */
static void a_statement_is_brought_up_to_the_view_that_it_runs_on(void **state)
{
    struct snapshot *view = NULL;
    struct commit *patches;

    (void)state;
    in_tx(INSERT(R(5, 0)));
    assert_int_equal(tx_view(tx, &view, NULL), 0);
    assert_ok(edittool_prepare(temp.db, snapshot_table_named(view, "t"),
                               PATCH_BY("v", "0", "{\"v\":9}"), &patches, &err),
              &err);
    snapshot_unref(view);
    in_tx(INSERT(R(6, 0) R(7, 1)));
    in_tx(DELETE_BY("k", "3"));
    assert_ok(txtool_apply(tx, patches, &err), &err);
    txtool_expect(tx, "t", R(2, 1) R(4, 1) R(7, 1) R(1, 9) R(5, 9) R(6, 9));
    commit();
    expect(R(2, 1) R(4, 1) R(7, 1) R(1, 9) R(5, 9) R(6, 9));
}

/* Whose rows lie in one extent with those that it was made for. */
static void rows_of_the_view_that_came_since_are_found_too(void **state)
{
    struct snapshot *view = NULL;
    struct commit *patches;

    (void)state;
    in_tx(INSERT(R(5, 0)));
    assert_int_equal(tx_view(tx, &view, NULL), 0);
    assert_ok(edittool_prepare(temp.db, snapshot_table_named(view, "t"),
                               PATCH_BY("v", "1", "{\"v\":9}"), &patches, &err),
              &err);
    snapshot_unref(view);
    in_tx(INSERT(R(6, 0) R(7, 1)));
    assert_ok(txtool_apply(tx, patches, &err), &err);
    commit();
    expect(R(1, 0) R(3, 0) R(5, 0) R(6, 0) R(2, 9) R(4, 9) R(7, 9));
}

static void a_refused_statement_leaves_the_view_as_it_was(void **state)
{
    (void)state;
    in_tx(INSERT(R(5, 5)));
    refused_in_tx(PATCH("{\"k\":5}"), -EEXIST);
    refused_in_tx(PATCH("{\"x\":5}"), -EINVAL);
    refused_in_tx(DELETE_BY("x", "5"), -ENOENT);
    refused_in_tx(INSERT(R(6, 6) R(2, 2)), -EEXIST);
    refused_in_tx(SCHEMA("{\"columns\":{\"k\":\"string\"}}"), -EINVAL);
    txtool_expect(tx, "t", BASE R(5, 5));
    commit();
    expect(BASE R(5, 5));
}

/* --- keys ---------------------------------------------------------------------------------- */

static void keys_are_unique_in_the_view(void **state)
{
    (void)state;
    refused_in_tx(INSERT(R(1, 1)), -EEXIST);
    in_tx(DELETE_BY("k", "1"));
    in_tx(INSERT(R(1, 1)));
    refused_in_tx(INSERT(R(1, 1)), -EEXIST);
    in_tx(PATCH_BY("k", "2", "{\"k\":9}"));
    in_tx(PATCH_BY("k", "3", "{\"k\":2}"));
    refused_in_tx(PATCH_BY("k", "4", "{\"k\":9}"), -EEXIST);
    refused_in_tx(INSERT(R(9, 1)), -EEXIST);
    commit();
    expect(R(4, 1) R(1, 1) R(9, 1) R(2, 0));
}

static void expect_sample(const char *row)
{
    json_t *status = txtool_status(tx), *conflict = json_object_get(status, "conflict");
    json_t *samples = json_object_get(conflict, "samples");

    assert_int_equal(json_array_size(samples), 1);
    assert_string_equal(json_string_value(json_array_get(samples, 0)), row);
    json_decref(status);
}

static void a_key_that_has_come_is_a_conflict_with_its_commit_and_row(void **state)
{
    (void)state;
    in_tx(INSERT(R(7, 0) R(8, 0)));
    edittool_do(other, "t", INSERT(R(5, 5) R(6, 6)));           /* 4 */
    edittool_do(other, "t", DELETE_BY("k", "5"));               /* 5 */
    edittool_do(other, "t", PATCH_BY("k", "1", "{\"v\":1}"));   /* 6 */
    edittool_do(other, "t", INSERT(R(10, 9) R(8, 8) R(11, 9))); /* 7 */
    edittool_do(other, "t", INSERT(R(12, 9)));                  /* 8 */
    txtool_expect_conflict(tx, "the key of one that this transaction adds");
    txtool_expect_winner(tx, 7, "t", 1);
    expect_sample("{\"k\":8,\"v\":8}");
}

static void a_key_that_came_by_a_patch_is_a_conflict(void **state)
{
    (void)state;
    in_tx(PATCH_BY("k", "1", "{\"k\":7}"));
    edittool_do(other, "t", INSERT(R(5, 5)));
    edittool_do(other, "t", PATCH_BY("k", "2", "{\"k\":7}"));
    txtool_expect_conflict(tx, "the key of one that this transaction adds");
    txtool_expect_winner(tx, 5, "t", 1);
    expect_sample("{\"k\":7,\"v\":1}");
}

static void a_key_that_came_and_went_again_is_none(void **state)
{
    (void)state;
    in_tx(INSERT(R(7, 0)));
    edittool_do(other, "t", INSERT(R(7, 1)));
    edittool_do(other, "t", DELETE_BY("k", "7"));
    commit();
    expect(BASE R(7, 0));
}

static void a_key_that_is_not_added_any_more_is_none(void **state)
{
    (void)state;
    in_tx(INSERT(R(7, 0) R(8, 0)));
    in_tx(DELETE_BY("k", "7"));
    edittool_do(other, "t", INSERT(R(7, 1)));
    commit();
    expect(BASE R(7, 1) R(8, 0));
}

static unsigned queued(void)
{
    unsigned count = 0;

    pthread_mutex_lock(&temp.db->queue_lock);
    for (const struct commit *c = temp.db->queue_first; c; c = c->next)
        count++;
    pthread_mutex_unlock(&temp.db->queue_lock);
    return count;
}

static void *commit_in_thread(void *context)
{
    *(int *)context = tx_commit(tx, &err);
    return NULL;
}

/* The winner stands before the transaction in the same record. */
static void a_key_that_comes_in_the_same_record_is_a_conflict(void **state)
{
    struct party *leader;
    pthread_t thread;
    int r = 1;

    (void)state;
    in_tx(INSERT(R(7, 0)));
    leader = party_lead(edittool_make(temp.db, "t", INSERT(R(5, 5)))); /* 4 */
    party_enqueue(edittool_make(temp.db, "t", INSERT(R(6, 6))));       /* 5 */
    party_enqueue(edittool_make(temp.db, "t", INSERT(R(7, 7))));       /* 6 */
    assert_int_equal(pthread_create(&thread, NULL, commit_in_thread, &r), 0);
    while (queued() < 3)
        sched_yield();
    party_stop_batch(0);
    party_end(leader);
    pthread_join(thread, NULL);
    assert_fails(r, -ECANCELED, &err);
    txtool_expect_winner(tx, 6, "t", 1);
    expect_sample("{\"k\":7,\"v\":7}");
    party_destroy();
    expect(BASE R(5, 5) R(6, 6) R(7, 7));
}

static void rows_moved_into_a_table_are_of_its_schema_and_key(void **state)
{
    (void)state;
    dbtool_table(temp.db, "u");
    tx_unref(tx);
    tx = txtool_begin(temp.db, "b");
    edittool_do_tx(tx, "u", INSERT("{\"k\":1}\n{\"k\":1}\n"));
    assert_fails(txtool_move(tx, "u", "t", &err), -EINVAL, &err);
    edittool_do_tx(tx, "u", REPLACE(R(5, 5)));
    edittool_do_tx(tx, "u", SCHEMA(KEYED_SCHEMA));
    assert_ok(txtool_move(tx, "u", "t", &err), &err);
    refused_in_tx(INSERT(R(5, 5)), -EEXIST);
    edittool_do(other, "t", INSERT(R(5, 6)));
    txtool_expect_conflict(tx, "the key of one that this transaction adds");
}

/* --- schemas -------------------------------------------------------------------------------- */

#define RENAMED                                                                                    \
    "{\"columns\":{\"k\":\"int64\",\"n\":{\"type\":\"int64\",\"from\":\"v\"}},\"key\":\"k\"}"

static void a_schema_and_rows_of_it_are_one_commit(void **state)
{
    (void)state;
    in_tx(INSERT(R(5, 5)));
    in_tx(SCHEMA(RENAMED));
    in_tx(INSERT("{\"k\":6,\"n\":6}\n"));
    in_tx(PATCH_BY("n", "1", "{\"n\":2}"));
    refused_in_tx(INSERT(R(7, 7)), -EINVAL);
    edittool_expect(other, "t", BASE);
    commit();
    expect("{\"k\":1,\"n\":0}\n{\"k\":3,\"n\":0}\n{\"k\":5,\"n\":5}\n{\"k\":6,\"n\":6}\n"
           "{\"k\":2,\"n\":2}\n{\"k\":4,\"n\":2}\n");
    assert_int_equal(dbtool_version(other), 4);
}

static void a_schema_conflicts_with_any_change(void **state)
{
    (void)state;
    in_tx(SCHEMA(RENAMED));
    edittool_do(other, "t", INSERT(R(5, 5)));
    txtool_expect_conflict(tx, "is given another schema by this transaction, and was changed");
    txtool_expect_winner(tx, 4, "t", 0);
}

static void rows_conflict_with_a_schema(void **state)
{
    (void)state;
    in_tx(INSERT(R(5, 5)));
    edittool_do(other, "t", INSERT(R(6, 6)));
    edittool_do(other, "t", SCHEMA(RENAMED));
    txtool_expect_conflict(tx, "was given another schema");
    txtool_expect_winner(tx, 5, "t", 0);
}

static void a_table_is_made_with_a_schema_and_rows(void **state)
{
    (void)state;
    assert_ok(txtool_create(tx, "new", &err), &err);
    edittool_do_tx(tx, "new", SCHEMA(KEYED_SCHEMA));
    edittool_do_tx(tx, "new", INSERT(R(1, 1) R(2, 2)));
    edittool_do_tx(tx, "new", SCHEMA(RENAMED));
    assert_fails(edittool_try_tx(tx, "new", INSERT("{\"k\":1}\n"), &err), -EEXIST, &err);
    commit();
    edittool_expect(other, "new", "{\"k\":1,\"n\":1}\n{\"k\":2,\"n\":2}\n");
    assert_fails(edittool_try(other, "new", INSERT("{\"k\":1}\n"), &err), -EEXIST, &err);
}

/* --- serializable ---------------------------------------------------------------------------- */

static void whoever_finds_rows_has_read_the_table(void **state)
{
    const struct statement finds[] = {PATCH_BY("v", "0", "{\"v\":5}"), DELETE_BY("v", "0"),
                                      REPLACE_BY("v", "0", R(30, 0)), DELETE_BY("v", "100")};

    (void)state;
    dbtool_table(temp.db, "u");
    for (unsigned i = 0; i < ARRAY_COUNT(finds); i++) {
        char row[40];

        tx_unref(tx);
        tx = txtool_begin(temp.db, NULL);
        assert_ok(tx_set_serializable(tx, true, &err), &err);
        in_tx(finds[i]);
        txtool_append(tx, "u", ROW1); /* so that it writes, whatever it has found */
        snprintf(row, sizeof row, "{\"k\":%u,\"v\":9}\n", 100 + i);
        edittool_do(other, "t", INSERT(row));
        txtool_expect_conflict(tx, "was read by this transaction, and was changed");
    }
}

static void whoever_only_adds_rows_has_not(void **state)
{
    (void)state;
    assert_ok(tx_set_serializable(tx, true, &err), &err);
    in_tx(INSERT(R(5, 5)));
    edittool_do(other, "t", INSERT(R(6, 6)));
    commit();
    expect(BASE R(6, 6) R(5, 5));
}

/* --- limits ---------------------------------------------------------------------------------- */

static void patched_rows_count_for_the_limit(void **state)
{
    char *rows = edittool_rows(10, 20, 1, 1000);

    (void)state;
    temp.db->options.limits.tx_bytes = 25000;
    in_tx(INSERT(rows));
    in_tx(PATCH_BY("v", "0", "{\"v\":1}"));
    refused_in_tx(PATCH_BY("v", "1", "{\"v\":2}"), -EFBIG);
    assert_has(err.text, "tx_limit");
    in_tx(DELETE_BY("k", "10"));
    commit();
    free(rows);
}

static void rows_in_too_many_places_are_refused(void **state)
{
    struct buf rows = {0};
    char row[40];

    (void)state;
    for (unsigned k = 0; k < 2 * TX_DELETED_RUNS + 4; k++) {
        snprintf(row, sizeof row, "{\"k\":%u,\"v\":%u}\n", k, k % 2 ? k % 4 : 0);
        assert_int_equal(buf_append(&rows, row, strlen(row)), 0);
    }
    assert_int_equal(buf_append(&rows, "", 1), 0);
    edittool_do(temp.db, "t", SCHEMA(""));
    edittool_do(temp.db, "t", REPLACE(rows.data));
    buf_finish(&rows);
    tx_unref(tx);
    tx = txtool_begin(temp.db, "b");
    temp.db->options.limits.edit_runs = 1000000;
    refused_in_tx(DELETE_BY("v", "1..3"), -EFBIG); /* one more than may go */
    in_tx(DELETE_BY("v", "1"));
    refused_in_tx(PATCH_BY("v", "3", "{\"v\":4}"), -EFBIG);
    commit();
    assert_int_equal(dbtool_count(other, "t", "{\"k\":1,\"v\":1}\n"), 0);
    assert_int_equal(dbtool_count(other, "t", "{\"k\":3,\"v\":3}\n"), 1);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define test_both(name)                                                                            \
    test(name),                                                                                    \
    {                                                                                              \
#name "_written_anew", name, begin_rewriting, end, NULL                                    \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_both(statements_see_the_base_and_their_own_rows),
        test(rows_that_others_add_stay),
        test(a_row_that_both_change_is_a_conflict),
        test(rows_that_only_one_of_both_changes_are_none),
        test_both(a_statement_is_brought_up_to_the_view_that_it_runs_on),
        test_both(rows_of_the_view_that_came_since_are_found_too),
        test_both(a_refused_statement_leaves_the_view_as_it_was),
        test_both(keys_are_unique_in_the_view),
        test_both(a_key_that_has_come_is_a_conflict_with_its_commit_and_row),
        test(a_key_that_came_by_a_patch_is_a_conflict),
        test_both(a_key_that_came_and_went_again_is_none),
        test(a_key_that_is_not_added_any_more_is_none),
        test(a_key_that_comes_in_the_same_record_is_a_conflict),
        test_both(rows_moved_into_a_table_are_of_its_schema_and_key),
        test_both(a_schema_and_rows_of_it_are_one_commit),
        test_both(a_schema_conflicts_with_any_change),
        test_both(rows_conflict_with_a_schema),
        test_both(a_table_is_made_with_a_schema_and_rows),
        test_both(whoever_finds_rows_has_read_the_table),
        test_both(whoever_only_adds_rows_has_not),
        test(patched_rows_count_for_the_limit),
        test(rows_in_too_many_places_are_refused),
    };

    return cmocka_run_group_tests_name("tx edit", tests, NULL, NULL);
}
