/* SPDX-License-Identifier: MIT */
/* Statements on a selection, committed on another version than the one that they were made for. */
#include <stdio.h>
#include <stdlib.h>

#include "core/db_private.h"
#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/edittool.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"
#include "tests/lib/partytool.h"

#define R(k, v) "{\"k\":" #k ",\"v\":" #v "}\n"

static struct err err;

static int begin(void **state)
{
    err = (struct err)ERR_INIT;
    party_begin();
    return fixture_begin_two_mounts(state);
}

/* The same with a key. */
static int begin_keyed(void **state)
{
    begin(state);
    edittool_do(temp.db, "t", SCHEMA(KEYED_SCHEMA));
    return 0;
}

/* The same, where any statement writes the whole table anew. */
static int begin_rewriting(void **state)
{
    begin_keyed(state);
    temp.db->options.limits.edit_runs = other->options.limits.edit_runs = 0;
    return 0;
}

/* The table is so here, for another mount, and for one that reads the log from the beginning. */
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

static struct commit *make(struct statement statement)
{
    return edittool_make(temp.db, "t", statement);
}

static void run(struct commit *commit)
{
    assert_ok(edittool_run(temp.db, commit, &err), &err);
}

/* --- what a statement does ---------------------------------------------------------------- */

static void rows_of_a_selection_go(void **state)
{
    (void)state;
    insert(R(1, 0) R(2, 1) R(3, 0) R(4, 1));
    edittool_do(temp.db, "t", DELETE_BY("v", "1"));
    expect(R(1, 0) R(3, 0));
    edittool_do(temp.db, "t", DELETE_BY("k", "3"));
    expect(R(1, 0));
    edittool_do(temp.db, "t", DELETE_BY("k", "3")); /* there is none */
    expect(R(1, 0));
}

static void patched_rows_stand_at_the_end(void **state)
{
    (void)state;
    insert(R(1, 0) R(2, 1) R(3, 0));
    edittool_do(temp.db, "t", PATCH_BY("v", "0", "{\"v\":5}"));
    expect(R(2, 1) R(1, 5) R(3, 5));
    edittool_do(temp.db, "t", PATCH("{\"v\":5}")); /* what is so already stays where it is */
    expect(R(1, 5) R(3, 5) R(2, 5));
}

static void a_patch_that_changes_nothing_makes_no_commit(void **state)
{
    uint64_t version;

    (void)state;
    insert(R(1, 0) R(2, 0));
    version = dbtool_version(temp.db);
    edittool_do(temp.db, "t", PATCH("{\"v\":0}"));
    edittool_do(temp.db, "t", PATCH_BY("k", "7", "{\"v\":1}"));
    assert_int_equal(dbtool_version(temp.db), version);
}

static void rows_of_a_selection_are_replaced(void **state)
{
    (void)state;
    insert(R(1, 0) R(2, 1) R(3, 0));
    edittool_do(temp.db, "t", REPLACE_BY("v", "0", "{\"k\":4}\n{\"k\":1,\"v\":0}\n"));
    expect(R(2, 1) "{\"v\":0,\"k\":4}\n" R(1, 0));
    assert_fails(edittool_try(temp.db, "t", REPLACE_BY("v", "0", R(5, 1)), &err), -EINVAL, &err);
}

/* --- what others have done since -------------------------------------------------------------- */

static void rows_that_were_added_since_are_found_too(void **state)
{
    struct commit *deletes, *patches;

    (void)state;
    insert(R(1, 0) R(2, 1));
    deletes = make(DELETE_BY("v", "0"));
    patches = make(PATCH_BY("v", "1", "{\"w\":\"x\"}"));
    edittool_do(other, "t", INSERT(R(3, 0) R(4, 1) R(5, 2)));
    run(deletes);
    run(patches);
    expect(R(5, 2) "{\"k\":2,\"v\":1,\"w\":\"x\"}\n{\"k\":4,\"v\":1,\"w\":\"x\"}\n");
}

static void rows_that_were_deleted_since_are_none(void **state)
{
    struct commit *deletes, *patches;

    (void)state;
    insert(R(1, 0) R(2, 0) R(3, 0) R(4, 1) R(5, 1) R(6, 1));
    deletes = make(DELETE_BY("v", "0"));
    patches = make(PATCH_BY("v", "1", "{\"v\":7}"));
    edittool_do(other, "t", DELETE_BY("k", "2"));
    edittool_do(other, "t", DELETE_BY("k", "5"));
    run(deletes);
    run(patches);
    expect(R(4, 7) R(6, 7));
}

static void rows_that_were_patched_since_are_looked_at_as_they_are_now(void **state)
{
    struct commit *deletes, *patches;

    (void)state;
    insert(R(1, 0) R(2, 0) R(3, 1) R(4, 1));
    deletes = make(DELETE_BY("v", "0"));
    patches = make(PATCH_BY("v", "1", "{\"w\":\"x\"}"));
    edittool_do(other, "t", PATCH_BY("k", "1", "{\"v\":8}"));
    edittool_do(other, "t", PATCH_BY("k", "3", "{\"v\":9}"));
    edittool_do(other, "t", INSERT(R(5, 1)));
    run(deletes);
    run(patches);
    expect(R(1, 8) R(3, 9) "{\"k\":4,\"v\":1,\"w\":\"x\"}\n{\"k\":5,\"v\":1,\"w\":\"x\"}\n");
}

static void rows_that_were_cleared_and_came_again_are_others(void **state)
{
    struct commit *deletes, *patches;

    (void)state;
    insert(R(1, 0) R(2, 1));
    deletes = make(DELETE_BY("v", "0"));
    patches = make(PATCH_BY("v", "1", "{\"v\":2}"));
    edittool_do(other, "t", REPLACE(R(2, 0) R(1, 1) R(3, 0)));
    run(deletes);
    run(patches);
    expect(R(1, 2));
}

static void a_replaced_selection_is_that_of_the_version_it_commits_on(void **state)
{
    struct commit *replaces;

    (void)state;
    insert(R(1, 0) R(2, 1));
    replaces = make(REPLACE_BY("v", "0", R(7, 0)));
    edittool_do(other, "t", INSERT(R(3, 0) R(4, 1)));
    edittool_do(other, "t", DELETE_BY("k", "1"));
    run(replaces);
    expect(R(2, 1) R(4, 1) R(7, 0));
}

static void a_statement_is_brought_up_to_another_schema(void **state)
{
    const char *wider = "{\"columns\":{\"k\":\"int64\",\"n\":{\"type\":\"int64\",\"from\":\"v\"}},"
                        "\"key\":\"k\"}";
    struct commit *by_old, *patches;

    (void)state;
    insert(R(1, 0) R(2, 1));
    by_old = make(DELETE_BY("v", "0"));
    patches = make(PATCH("{\"v\":3}"));
    edittool_do(other, "t", SCHEMA(wider));
    assert_fails(edittool_run(temp.db, by_old, &err), -ENOENT, &err);
    assert_fails(edittool_run(temp.db, patches, &err), -EINVAL, &err);
    expect("{\"k\":1,\"n\":0}\n{\"k\":2,\"n\":1}\n");
}

static void patched_rows_are_checked_for_a_schema_that_came_since(void **state)
{
    struct commit *wrong, *twice, *right;

    (void)state;
    edittool_do(temp.db, "t", SCHEMA(""));
    insert(R(1, 0) R(2, 0));
    wrong = make(PATCH("{\"z\":1}"));
    twice = make(PATCH("{\"k\":3}"));
    right = make(PATCH("{\"v\":3}"));
    edittool_do(other, "t", SCHEMA(KEYED_SCHEMA));
    assert_fails(edittool_run(temp.db, wrong, &err), -EINVAL, &err);
    assert_fails(edittool_run(temp.db, twice, &err), -EEXIST, &err);
    run(right);
    expect(R(1, 3) R(2, 3));
}

static void rows_that_replace_a_selection_are_checked_for_a_schema_that_came_since(void **state)
{
    struct commit *replaces, *wrong;

    (void)state;
    insert(R(1, 0) R(2, 1));
    replaces = make(REPLACE_BY("v", "0", R(1, 0) R(3, 0)));
    wrong = make(REPLACE_BY("v", "0", "{\"k\":4,\"w\":\"\"}\n"));
    edittool_do(other, "t",
                SCHEMA("{\"columns\":{\"k\":\"int64\",\"v\":\"int64\"},\"key\":\"k\"}"));
    assert_fails(edittool_run(temp.db, wrong, &err), -EINVAL, &err);
    run(replaces);
    expect(R(2, 1) R(1, 0) R(3, 0));
}

/* --- in one record, and on records that lost their number ----------------------------------- */

/* The commits become one record; with `meanwhile` it loses its number to that of another mount. */
static void run_together(struct commit **commits, unsigned count, const struct statement *meanwhile)
{
    struct party *leader = party_lead(make(INSERT(R(100, 100))));

    for (unsigned i = 0; i < count; i++)
        party_enqueue(commits[i]);
    if (meanwhile) {
        party_stop_batch(0);
        edittool_do(other, "t", *meanwhile);
    }
    party_end(leader);
}

static void expect_all_done(void)
{
    for (unsigned i = 0; i < party_count; i++)
        assert_ok(parties[i].result, commit_reason(parties[i].commit));
    party_destroy();
}

static void statements_see_those_before_them_in_the_record(void **state)
{
    struct commit *commits[4];

    (void)state;
    insert(R(1, 0) R(2, 0));
    commits[0] = make(INSERT(R(3, 0)));
    commits[1] = make(PATCH_BY("v", "0", "{\"v\":1}"));
    commits[2] = make(DELETE_BY("k", "2"));
    commits[3] = make(PATCH_BY("v", "1", "{\"v\":2}"));
    run_together(commits, 4, NULL);
    expect_all_done();
    expect(R(100, 100) R(1, 2) R(3, 2));
}

static void what_was_found_in_a_record_that_was_lost_is_found_again(void **state)
{
    struct commit *commits[3];

    (void)state;
    insert(R(1, 0) R(2, 0));
    commits[0] = make(REPLACE(R(50, 0) R(51, 0) R(52, 0) R(53, 0)));
    commits[1] = make(PATCH_BY("v", "0", "{\"v\":1}")); /* finds all anew: its rows are gone */
    commits[2] = make(DELETE_BY("k", "51"));
    run_together(commits, 3, &INSERT(R(10, 0) R(11, 0) R(12, 0) R(13, 0) R(14, 0) R(15, 0)));
    expect_all_done();
    expect(R(50, 1) R(52, 1) R(53, 1));
}

/* The table's rows in the record that was lost are others than in the one that counts. */
static void a_refused_statement_before_it_makes_a_difference(void **state)
{
    struct commit *commits[3];

    (void)state;
    insert(R(1, 0) R(2, 0));
    commits[0] = make(PATCH_BY("k", "2", "{\"k\":9,\"v\":7}"));
    commits[1] = make(PATCH_BY("v", "0", "{\"v\":1}"));
    commits[2] = make(DELETE_BY("v", "7"));
    run_together(commits, 3, &INSERT(R(9, 0) R(10, 0))); /* it has taken the key of the first one */
    assert_fails(parties[1].result, -EEXIST, commit_reason(parties[1].commit));
    assert_ok(parties[2].result, commit_reason(parties[2].commit));
    assert_ok(parties[3].result, commit_reason(parties[3].commit));
    party_destroy();
    expect(R(100, 100) R(1, 1) R(2, 1) R(9, 1) R(10, 1));
}

static void a_statement_that_was_refused_halfway_is_made_anew(void **state)
{
    struct commit *commits[3];

    (void)state;
    insert(R(1, 0) R(5, 5));
    commits[0] = make(PATCH_BY("k", "1", "{\"w\":\"a\"}")); /* so that all is found anew */
    commits[1] = make(PATCH_BY("k", "5", "{\"k\":9}"));     /* and the key is not free */
    commits[2] = make(PATCH_BY("v", "0", "{\"k\":9}"));
    run_together(commits, 3, &DELETE_BY("k", "5"));
    expect_all_done();
    expect(R(100, 100) "{\"k\":9,\"v\":0,\"w\":\"a\"}\n");
}

static void a_patch_is_refused_for_a_key_that_came_before_it_in_the_record(void **state)
{
    struct commit *commits[2];

    (void)state;
    insert(R(1, 0) R(2, 2));
    commits[0] = make(PATCH_BY("k", "1", "{\"k\":7}"));
    commits[1] = make(PATCH_BY("k", "2", "{\"k\":7}"));
    run_together(commits, 2, NULL);
    assert_ok(parties[1].result, commit_reason(parties[1].commit));
    assert_fails(parties[2].result, -EEXIST, commit_reason(parties[2].commit));
    party_destroy();
    edittool_do(temp.db, "t", PATCH_BY("k", "2", "{\"k\":1}")); /* which is free now */
    expect(R(100, 100) R(7, 0) R(1, 2));
}

static void rows_patched_late_are_unique_too(void **state)
{
    struct commit *patches;

    (void)state;
    insert(R(1, 0) R(2, 2));
    patches = make(PATCH_BY("v", "0", "{\"k\":7}"));
    edittool_do(other, "t", INSERT(R(3, 0)));
    assert_fails(edittool_run(temp.db, patches, &err), -EEXIST, &err); /* both would be 7 */
    edittool_do(other, "t", DELETE_BY("k", "1"));
    patches = make(PATCH_BY("v", "1", "{\"k\":2}"));
    edittool_do(other, "t", INSERT(R(5, 1)));
    assert_fails(edittool_run(temp.db, patches, &err), -EEXIST, &err); /* as one that stays */
    patches = make(PATCH_BY("v", "8", "{\"k\":7}"));
    edittool_do(other, "t", INSERT(R(8, 8) R(9, 8)));
    assert_fails(edittool_run(temp.db, patches, &err), -EEXIST, &err); /* as each other */
    patches = make(PATCH_BY("v", "0", "{\"k\":4}"));
    edittool_do(other, "t", INSERT(R(4, 9)));
    assert_fails(edittool_run(temp.db, patches, &err), -EEXIST, &err); /* as one that came */
    expect(R(2, 2) R(3, 0) R(5, 1) R(8, 8) R(9, 8) R(4, 9));
}

/* A key that a late row loses is free for one that was found before, and it may keep its own. */
static void a_patch_of_late_rows_frees_their_keys(void **state)
{
    struct commit *patches;

    (void)state;
    insert(R(1, 0));
    patches = make(PATCH_BY("v", "0", "{\"v\":3}"));
    edittool_do(other, "t", INSERT(R(2, 0)));
    run(patches);
    expect(R(1, 3) R(2, 3));
}

/* --- many runs ---------------------------------------------------------------------------------
 */

#define MANY 4200 /* rows that go one by one, more than are cut out */

/* So many rows of which every other one is `v`. */
static void insert_alternating(unsigned rows)
{
    struct buf text = {0};
    char row[40];

    for (unsigned k = 0; k < rows; k++) {
        snprintf(row, sizeof row, "{\"k\":%u,\"v\":%u}\n", k, k % 2);
        assert_int_equal(buf_append(&text, row, strlen(row)), 0);
    }
    assert_int_equal(buf_append(&text, "", 1), 0);
    insert(text.data);
    buf_finish(&text);
}

static void expect_every(unsigned from, unsigned to, const char *rest)
{
    char *rows = edittool_rows(from, to, 2, 0), *all = malloc(strlen(rows) + strlen(rest) + 1);

    assert_non_null(all);
    strcpy(all, rows);
    strcat(all, rest);
    expect(all);
    free(all);
    free(rows);
}

static void many_rows_here_and_there_go_with_the_table_written_anew(void **state)
{
    struct commit *deletes;
    struct table *table;

    (void)state;
    insert_alternating(2 * MANY);
    deletes = make(DELETE_BY("v", "1"));
    edittool_do(other, "t", INSERT(R(10000, 0) R(10001, 1) R(10002, 0)));
    run(deletes);
    expect_every(0, 2 * MANY, R(10000, 0) R(10002, 0));
    table = dbtool_look(temp.db, "t");
    assert_true(ptree_count(table->extents) < 10);
    table_unref(table);
}

static void many_rows_here_and_there_are_patched_with_their_keys(void **state)
{
    struct commit *patches;

    (void)state;
    insert_alternating(2 * MANY);
    patches = make(PATCH_BY("v", "1", "{\"v\":2}"));
    edittool_do(other, "t", INSERT(R(10000, 0) R(10001, 1)));
    run(patches);
    assert_int_equal(dbtool_count(other, "t", R(10001, 2)), 1);
    assert_fails(edittool_try(other, "t", INSERT(R(4199, 0)), &err), -EEXIST, &err);
    assert_fails(edittool_try(other, "t", INSERT(R(4198, 0)), &err), -EEXIST, &err);
    edittool_do(temp.db, "t", DELETE_BY("v", "2"));
    expect_every(0, 2 * MANY, R(10000, 0));
}

static void many_rows_that_others_have_added_go_with_the_table_written_anew(void **state)
{
    struct commit *deletes;
    struct table *table;

    (void)state;
    deletes = make(DELETE_BY("v", "1"));
    insert_alternating(2 * MANY);
    run(deletes);
    expect_every(0, 2 * MANY, "");
    table = dbtool_look(temp.db, "t");
    assert_true(ptree_count(table->extents) < 10);
    table_unref(table);
}

static void a_table_written_anew_is_that_of_the_version_it_commits_on(void **state)
{
    struct commit *deletes;

    (void)state;
    insert_alternating(2 * MANY);
    deletes = make(DELETE_BY("v", "1"));
    edittool_do(other, "t", DELETE_BY("k", "0"));
    run(deletes);
    expect_every(2, 2 * MANY, "");
}

/* --- what fits in a record -----------------------------------------------------------------------
 */

/* The last record has so many data objects. */
static void expect_objects(uint64_t seq, size_t objects)
{
    struct log_position position;
    struct record record;

    assert_ok(log_read(temp.store, seq, &record, &position, &err), &err);
    assert_int_equal(record.object_count, objects);
    record_finish(&record);
}

static void what_the_leader_adds_and_has_no_room_goes_to_a_data_object(void **state)
{
    char *large = edittool_rows(200, 201, 1, 60000), *rows = edittool_rows(10, 40, 1, 80);
    struct commit *commits[3];
    uint64_t seq;

    (void)state;
    insert(R(1, 0));
    seq = dbtool_version(temp.db);
    commits[0] = make(INSERT(rows));
    commits[1] = make(PATCH_BY("v", "0", "{\"v\":1}"));
    commits[2] = make(INSERT(large));
    run_together(commits, 3, NULL);
    expect_all_done();
    party_expect_record(seq + 2, 3, seq + 2);
    expect_objects(seq + 2, 1);
    assert_int_equal(dbtool_count(other, "t", R(1, 1)), 1);
    edittool_do(temp.db, "t", DELETE_BY("v", "1"));
    edittool_do(temp.db, "t", DELETE_BY("k", "100"));
    expect(large);
    free(large);
    free(rows);
}

/* Each of the two has room for what it adds, both together have not. */
static void statements_of_a_record_share_its_room(void **state)
{
    char *rows = edittool_rows(10, 40, 1, 1000);
    struct commit *commits[3];
    uint64_t seq;

    (void)state;
    insert(R(1, 0));
    seq = dbtool_version(temp.db);
    commits[0] = make(INSERT(rows));
    commits[1] = make(PATCH_BY("v", "0", "{\"v\":1}"));
    commits[2] = make(PATCH_BY("k", "10..40", "{\"v\":2}"));
    run_together(commits, 3, NULL);
    expect_all_done();
    party_expect_record(seq + 2, 3, seq + 2);
    expect_objects(seq + 2, 1);
    edittool_do(temp.db, "t", DELETE_BY("k", "10..40"));
    expect(R(100, 100) R(1, 1));
    free(rows);
}

/* Rows that stay and rows that are patched are each more than that. */
static void what_the_leader_finds_anew_has_the_room_that_was_planned(void **state)
{
    char *large = edittool_rows(200, 201, 1, 10000), *rows = edittool_rows(10, 60, 1, 1000);
    struct commit *commits[3];
    uint64_t seq;

    (void)state;
    insert(R(1, 0) R(10, 0));
    seq = dbtool_version(temp.db);
    commits[0] = make(REPLACE(rows));
    commits[1] = make(PATCH_BY("k", "1..34", "{\"v\":1}"));
    commits[2] = make(INSERT(large));
    run_together(commits, 3, NULL);
    expect_all_done();
    party_expect_record(seq + 2, 3, seq + 2);
    edittool_do(temp.db, "t", DELETE_BY("v", "1"));
    edittool_do(temp.db, "t", DELETE_BY("k", "10..60"));
    expect(large);
    free(large);
    free(rows);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin_keyed, fixture_end)
#define test_all(name)                                                                             \
    test(name), {#name "_without_a_schema", name, begin, fixture_end, NULL},                       \
    {                                                                                              \
#name "_written_anew", name, begin_rewriting, fixture_end, NULL                            \
    }
#define test_keyed(name)                                                                           \
    test(name),                                                                                    \
    {                                                                                              \
#name "_written_anew", name, begin_rewriting, fixture_end, NULL                            \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_all(rows_of_a_selection_go),
        test_all(patched_rows_stand_at_the_end),
        test_all(a_patch_that_changes_nothing_makes_no_commit),
        test_keyed(rows_of_a_selection_are_replaced),
        test_all(rows_that_were_added_since_are_found_too),
        test_all(rows_that_were_deleted_since_are_none),
        test_all(rows_that_were_patched_since_are_looked_at_as_they_are_now),
        test_all(rows_that_were_cleared_and_came_again_are_others),
        test_keyed(a_replaced_selection_is_that_of_the_version_it_commits_on),
        test_keyed(a_statement_is_brought_up_to_another_schema),
        test_keyed(patched_rows_are_checked_for_a_schema_that_came_since),
        test_keyed(rows_that_replace_a_selection_are_checked_for_a_schema_that_came_since),
        test_all(statements_see_those_before_them_in_the_record),
        test_all(what_was_found_in_a_record_that_was_lost_is_found_again),
        test_keyed(a_refused_statement_before_it_makes_a_difference),
        test_keyed(a_statement_that_was_refused_halfway_is_made_anew),
        test_keyed(a_patch_is_refused_for_a_key_that_came_before_it_in_the_record),
        test_keyed(rows_patched_late_are_unique_too),
        test_keyed(a_patch_of_late_rows_frees_their_keys),
        test(many_rows_here_and_there_go_with_the_table_written_anew),
        test(many_rows_here_and_there_are_patched_with_their_keys),
        test(many_rows_that_others_have_added_go_with_the_table_written_anew),
        test(a_table_written_anew_is_that_of_the_version_it_commits_on),
        test(what_the_leader_adds_and_has_no_room_goes_to_a_data_object),
        test(statements_of_a_record_share_its_room),
        test_keyed(what_the_leader_finds_anew_has_the_room_that_was_planned),
    };

    return cmocka_run_group_tests_name("edit", tests, NULL, NULL);
}
