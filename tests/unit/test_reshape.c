/* SPDX-License-Identifier: MIT */
/* Another schema for a table, committed on another version than the one it was made ready for. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/edittool.h"
#include "tests/lib/fixture.h"
#include "tests/lib/partytool.h"

#define R(k, v) "{\"k\":" #k ",\"v\":" #v "}\n"
#define N(k, n) "{\"k\":" #k ",\"n\":" #n "}\n"

#define WITHOUT_KEY "{\"columns\":{\"k\":\"int64\",\"v\":\"int64\",\"w\":\"string\"}}"
#define RENAMED                                                                                    \
    "{\"columns\":{\"k\":\"int64\",\"n\":{\"type\":\"int64\",\"from\":\"v\"}},\"key\":\"k\"}"
#define KEY_RENAMED                                                                                \
    "{\"columns\":{\"id\":{\"type\":\"int64\",\"from\":\"k\"},\"v\":\"int64\"},\"key\":\"id\"}"
#define WIDER "{\"columns\":{\"k\":\"int64\",\"v\":\"float64\",\"w\":\"string\"},\"key\":\"k\"}"

static struct err err;

static int begin(void **state)
{
    err = (struct err)ERR_INIT;
    party_begin();
    return fixture_begin_two_mounts(state);
}

static int begin_keyed(void **state)
{
    begin(state);
    edittool_do(temp.db, "t", SCHEMA(KEYED_SCHEMA));
    return 0;
}

static void expect(const char *rows)
{
    struct db *third = tempstore_another(&temp);

    edittool_expect(temp.db, "t", rows);
    edittool_expect(other, "t", rows);
    edittool_expect(third, "t", rows);
    db_close(third);
}

static void insert(const char *rows)
{
    edittool_do(temp.db, "t", INSERT(rows));
}

static struct commit *make(const char *schema)
{
    return edittool_make(temp.db, "t", SCHEMA(schema));
}

static void run(struct commit *commit)
{
    assert_ok(edittool_run(temp.db, commit, &err), &err);
}

static void refused(struct commit *commit, int code)
{
    assert_fails(edittool_run(temp.db, commit, &err), code, &err);
}

/* --- rows that others have added, changed or removed -------------------------------------------
 */

static void rows_that_came_are_checked(void **state)
{
    struct commit *commits[3];

    (void)state;
    insert(R(1, 1));
    for (int i = 0; i < 3; i++)
        commits[i] = make(KEYED_SCHEMA);
    edittool_do(other, "t", INSERT("{\"k\":2,\"v\":\"x\"}\n"));
    refused(commits[0], -EINVAL);
    assert_has(err.text, "row 2 of table t");
    edittool_do(other, "t", DELETE_BY("k", "2"));
    edittool_do(other, "t", INSERT(R(1, 5)));
    refused(commits[1], -EEXIST);
    edittool_do(other, "t", DELETE_BY("v", "5"));
    edittool_do(other, "t", INSERT(R(3, 3)));
    run(commits[2]);
    expect(R(1, 1) R(3, 3));
    assert_fails(edittool_try(other, "t", INSERT(R(3, 4)), &err), -EEXIST, &err);
}

static void rows_that_came_are_unique_among_each_other(void **state)
{
    struct commit *commit;

    (void)state;
    insert(R(1, 1));
    commit = make(KEYED_SCHEMA);
    edittool_do(other, "t", INSERT(R(2, 2) R(3, 3) R(2, 4)));
    refused(commit, -EEXIST);
}

static void a_table_that_was_filled_or_emptied_is_looked_at_anew(void **state)
{
    struct commit *first, *second;

    (void)state;
    first = make(KEYED_SCHEMA);
    second = make(RENAMED); /* anything goes while there are no rows */
    edittool_do(other, "t", INSERT(R(1, 1) R(1, 2)));
    refused(first, -EEXIST);
    refused(second, -EINVAL);
    second = make(WITHOUT_KEY);
    edittool_do(other, "t", REPLACE(""));
    edittool_do(other, "t", SCHEMA("{\"columns\":{\"k\":\"string\"}}"));
    run(second);
    expect("");
}

static void rows_that_came_are_written_anew(void **state)
{
    struct commit *commit;

    (void)state;
    insert("{\"k\":1,\"v\":1,\"w\":\"x\"}\n" R(2, 2));
    commit = make(RENAMED);
    edittool_do(other, "t", INSERT("{\"w\":\"y\",\"k\":3,\"v\":3}\n"));
    run(commit);
    expect(N(1, 1) N(2, 2) N(3, 3));
}

static void rows_that_went_are_not_written(void **state)
{
    struct commit *commit;

    (void)state;
    insert(R(1, 1) R(2, 2) R(3, 3));
    commit = make(RENAMED);
    edittool_do(other, "t", PATCH_BY("k", "1", "{\"v\":9}"));
    edittool_do(other, "t", DELETE_BY("k", "2"));
    run(commit);
    expect(N(3, 3) N(1, 9));
}

static void the_columns_of_a_key_are_renamed(void **state)
{
    struct commit *commit;

    (void)state;
    insert(R(1, 1) R(2, 2));
    commit = make(KEY_RENAMED);
    edittool_do(other, "t", INSERT(R(3, 3)));
    run(commit);
    expect("{\"id\":1,\"v\":1}\n{\"id\":2,\"v\":2}\n{\"id\":3,\"v\":3}\n");
    assert_fails(edittool_try(other, "t", INSERT("{\"id\":3}\n"), &err), -EEXIST, &err);
}

static void a_key_that_went_and_comes_again_is_another(void **state)
{
    (void)state;
    insert(R(1, 5) R(2, 6));
    edittool_do(temp.db, "t", SCHEMA(""));
    edittool_do(temp.db, "t",
                SCHEMA("{\"columns\":{\"k\":\"int64\",\"v\":\"int64\"},\"key\":\"v\"}"));
    expect(R(1, 5) R(2, 6));
    assert_fails(edittool_try(other, "t", INSERT(R(9, 6)), &err), -EEXIST, &err);
    edittool_do(other, "t", INSERT(R(2, 7)));
    expect(R(1, 5) R(2, 6) R(2, 7));
}

static void a_schema_that_is_there_already_changes_nothing(void **state)
{
    struct commit *commit;
    uint64_t version;

    (void)state;
    insert(R(1, 1));
    commit = make(RENAMED);
    edittool_do(other, "t", SCHEMA(RENAMED));
    version = dbtool_version(other);
    run(commit);
    assert_int_equal(dbtool_version(other), version);
    expect(N(1, 1));
}

static void another_schema_meanwhile_may_make_it_impossible(void **state)
{
    struct commit *wider, *renamed;

    (void)state;
    insert(R(1, 1));
    wider = make(WIDER);
    renamed = make(RENAMED);
    run(wider);
    refused(renamed, -EINVAL); /* float64 does not become int64 */
    expect(R(1, 1));
}

/* --- in one record ------------------------------------------------------------------------------
 */

/* The commits become one record; with `meanwhile` it loses its number to that of another mount. */
static void run_together(struct commit **commits, unsigned count, const struct statement *meanwhile)
{
    struct uuid z = dbtool_table(temp.db, "z");
    struct party *leader = party_lead(dbtool_appending(temp.db, z, ROW1));

    for (unsigned i = 0; i < count; i++)
        party_enqueue(commits[i]);
    party_enqueue(dbtool_appending(temp.db, z, ROW2));
    if (meanwhile) {
        party_stop_batch(0);
        edittool_do(other, "t", *meanwhile);
    }
    party_end(leader);
}

static void expect_results(const int *results, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_fails(parties[1 + i].result, results[i], commit_reason(parties[1 + i].commit));
    party_destroy();
}

static void rows_and_schemas_of_a_record_see_each_other(void **state)
{
    struct commit *commits[4];

    (void)state;
    insert(R(1, 1));
    commits[0] = edittool_make(temp.db, "t", INSERT(R(2, 2)));
    commits[1] = make(RENAMED);
    commits[2] = edittool_make(temp.db, "t", INSERT(R(3, 3))); /* of the schema before */
    commits[3] = make(RENAMED);
    run_together(commits, 4, NULL);
    expect_results((const int[]){0, 0, -EINVAL, 0}, 4);
    expect(N(1, 1) N(2, 2));
}

static void a_schema_of_a_record_that_was_lost_is_made_ready_again(void **state)
{
    struct commit *commits[2];

    (void)state;
    insert(R(1, 1));
    commits[0] = edittool_make(temp.db, "t", REPLACE(R(2, 2) R(3, 3) R(4, 4)));
    commits[1] = make(RENAMED);
    run_together(commits, 2, &INSERT(R(5, 5) R(6, 6) R(7, 7) R(8, 8)));
    expect_results((const int[]){0, 0}, 2);
    expect(N(2, 2) N(3, 3) N(4, 4));
}

/* What it rested on in the record that was lost is refused in the one that counts. */
static void a_schema_is_made_ready_for_what_is_there_in_the_end(void **state)
{
    struct commit *commits[3];

    (void)state;
    insert(R(1, 1) R(2, 2));
    commits[0] = edittool_make(temp.db, "t", DELETE_BY("k", "1"));
    commits[1] = edittool_make(temp.db, "t", INSERT(R(5, 5)));
    commits[2] = make(RENAMED);
    run_together(commits, 3, &INSERT(R(5, 6))); /* which has the number of the other one */
    expect_results((const int[]){0, -EEXIST, 0}, 3);
    expect(N(2, 2) N(5, 6));
}

/* Rows that were checked again in a record that was lost. */
static void rows_are_checked_again_for_each_attempt(void **state)
{
    struct commit *commits[3];

    (void)state;
    insert(R(1, 1));
    commits[0] = edittool_make(temp.db, "t", INSERT(R(2, 2) R(3, 3) R(4, 4)));
    commits[1] = make("{\"columns\":{\"k\":\"int64\",\"v\":\"int64\"},\"key\":\"k\"}");
    commits[2] = edittool_make(temp.db, "t", INSERT(R(7, 7)));
    run_together(commits, 3, &INSERT(R(7, 1) R(4, 9))); /* so that the first one is refused */
    expect_results((const int[]){-EEXIST, 0, -EEXIST}, 3);
    expect(R(1, 1) R(7, 1) R(4, 9));
}

/* The schema was made ready for one small row, and the record has much already. */
static void what_is_written_anew_has_the_room_that_was_planned(void **state)
{
    char *rows = edittool_rows(1, 9, 1, 5000);
    struct commit *commits[2];
    uint64_t seq;

    (void)state;
    insert(R(0, 0));
    seq = dbtool_version(temp.db);
    commits[0] = edittool_make(temp.db, "t", REPLACE(rows));
    commits[1] = make("{\"columns\":{\"k\":\"int64\",\"w\":\"string\","
                      "\"n\":{\"type\":\"int64\",\"from\":\"v\"}},\"key\":\"k\"}");
    run_together(commits, 2, NULL);
    expect_results((const int[]){0, 0}, 2);
    party_expect_record(seq + 3, 3, seq + 3);
    edittool_do(temp.db, "t", PATCH("{\"w\":null}"));
    edittool_do(temp.db, "t", DELETE_BY("k", "3.."));
    expect(N(1, 0) N(2, 0));
    free(rows);
}

#define test(name)       cmocka_unit_test_setup_teardown(name, begin, fixture_end)
#define test_keyed(name) cmocka_unit_test_setup_teardown(name, begin_keyed, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(rows_that_came_are_checked),
        test(rows_that_came_are_unique_among_each_other),
        test(a_table_that_was_filled_or_emptied_is_looked_at_anew),
        test_keyed(rows_that_came_are_written_anew),
        test_keyed(rows_that_went_are_not_written),
        test_keyed(the_columns_of_a_key_are_renamed),
        test_keyed(a_key_that_went_and_comes_again_is_another),
        test_keyed(a_schema_that_is_there_already_changes_nothing),
        test_keyed(another_schema_meanwhile_may_make_it_impossible),
        test_keyed(rows_and_schemas_of_a_record_see_each_other),
        test_keyed(a_schema_of_a_record_that_was_lost_is_made_ready_again),
        test_keyed(a_schema_is_made_ready_for_what_is_there_in_the_end),
        test_keyed(rows_are_checked_again_for_each_attempt),
        test_keyed(what_is_written_anew_has_the_room_that_was_planned),
    };

    return cmocka_run_group_tests_name("reshape", tests, NULL, NULL);
}
