/* SPDX-License-Identifier: MIT */
/* Keys of rows on their way into a table: among each other, across segments, and against it. */
#include <stdio.h>
#include <stdlib.h>

#include "core/db_private.h"
#include "core/keycheck.h"
#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/edittool.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"
#include "tests/lib/nomem.h"

#define SEGMENT_ROWS 10

static struct table *table;
static struct keycheck *keys;
static struct stage stage;
static struct err err;

static int begin(void **state)
{
    err = (struct err)ERR_INIT;
    fixture_begin_two_mounts(state);
    edittool_do(temp.db, "t", SCHEMA(KEYED_SCHEMA));
    stage_init(&stage, db_store(temp.db), t);
    stage.segment_rows = SEGMENT_ROWS;
    temp.db->options.limits.segment_rows = SEGMENT_ROWS;
    return 0;
}

static int end(void **state)
{
    keycheck_destroy(keys);
    keys = NULL;
    stage_finish(&stage);
    table_unref(table);
    table = NULL;
    return fixture_end(state);
}

/* A check for the table as it is now. */
static void check_now(void)
{
    keycheck_destroy(keys);
    table_unref(table);
    table = dbtool_look(temp.db, "t");
    assert_int_equal(keycheck_create(temp.db, table, table->appended, NULL, NULL, &keys), 0);
}

static struct slice row_of(unsigned k, size_t pad)
{
    static char *row;

    free(row);
    row = edittool_rows(k, k + 1, 1, pad);
    return slice_of(row, strlen(row) - 1);
}

static int add(unsigned k)
{
    return keycheck_add(keys, row_of(k, 0), &err);
}

static int has(unsigned k)
{
    return keycheck_has(keys, row_of(k, 0), &err);
}

static int replace(unsigned old, unsigned new)
{
    char *was = edittool_rows(old, old + 1, 1, 0);
    int r = keycheck_replace(keys, slice_of(was, strlen(was) - 1), row_of(new, 0), &err);

    free(was);
    return r;
}

/* Adds a row and stages it, so large that segments are written. */
static void add_and_stage(unsigned k)
{
    struct slice row = row_of(k, 10000);

    assert_ok(keycheck_add(keys, row, &err), &err);
    assert_ok(stage_append(&stage, row.text, row.bytes + 1, 1, &err), &err);
    assert_int_equal(keycheck_take_segments(keys, &stage), 0);
}

static void a_key_is_added_once(void **state)
{
    (void)state;
    check_now();
    for (unsigned k = 0; k < 1000; k++)
        assert_ok(add(k), &err);
    for (unsigned k = 0; k < 1000; k += 7) {
        assert_fails(add(k), -EEXIST, &err);
        assert_int_equal(has(k), 1);
    }
    assert_string_equal(err.text, "two of the rows have k 994");
    assert_int_equal(has(1000), 0);
    assert_ok(add(1000), &err); /* a refusal has added nothing and broken nothing */
}

static void the_table_is_looked_at_up_to_a_row(void **state)
{
    (void)state;
    edittool_do(temp.db, "t", INSERT("{\"k\":1}\n{\"k\":2}\n{\"k\":3}\n"));
    edittool_do(temp.db, "t", DELETE_BY("k", "2"));
    check_now();
    assert_fails(add(1), -EEXIST, &err);
    assert_string_equal(err.text, "there is a row with k 1");
    assert_ok(add(2), &err); /* which was deleted */
    keycheck_destroy(keys);
    assert_int_equal(keycheck_create(temp.db, table, 2, NULL, NULL, &keys), 0);
    assert_fails(add(1), -EEXIST, &err);
    assert_ok(add(3), &err); /* whose number is 2 */
}

static void a_row_that_takes_the_place_of_another_may_have_its_key(void **state)
{
    (void)state;
    edittool_do(temp.db, "t", INSERT("{\"k\":1}\n{\"k\":2}\n{\"k\":3}\n"));
    check_now();
    assert_ok(replace(1, 1), &err);
    assert_fails(replace(2, 3), -EEXIST, &err);
    assert_fails(replace(2, 1), -EEXIST, &err);
    assert_ok(replace(2, 7), &err);
    assert_fails(replace(3, 7), -EEXIST, &err);
}

static int two_goes(void *context, struct slice row)
{
    (void)context;
    return memmem(row.text, row.bytes, "\"k\":2", 5) != NULL;
}

static void a_key_of_a_row_that_goes_is_free(void **state)
{
    struct table *now;

    (void)state;
    edittool_do(temp.db, "t", INSERT("{\"k\":1}\n{\"k\":2}\n"));
    table = dbtool_look(temp.db, "t");
    assert_int_equal(keycheck_create(temp.db, table, table->appended, two_goes, NULL, &keys), 0);
    assert_fails(add(1), -EEXIST, &err);
    assert_ok(add(2), &err);
    edittool_do(other, "t", DELETE_BY("k", "2"));
    edittool_do(other, "t", INSERT("{\"k\":2}\n")); /* it would go as well */
    now = dbtool_look(temp.db, "t");
    assert_ok(keycheck_update(keys, now, now->appended, &err), &err);
    table_unref(now);
}

static void what_others_have_added_is_looked_at(void **state)
{
    struct table *now;

    (void)state;
    edittool_do(temp.db, "t", INSERT("{\"k\":1}\n"));
    check_now();
    assert_ok(add(5), &err);
    assert_ok(add(6), &err);
    edittool_do(other, "t", INSERT("{\"k\":7}\n{\"k\":6}\n"));
    now = dbtool_look(temp.db, "t");
    assert_ok(keycheck_update(keys, now, 2, &err), &err); /* only the first of the two */
    assert_fails(keycheck_update(keys, now, now->appended, &err), -EEXIST, &err);
    assert_string_equal(err.text, "somebody has just added a row with k 6");
    table_unref(now);
    edittool_do(other, "t", DELETE_BY("k", "6"));
    now = dbtool_look(temp.db, "t");
    assert_ok(keycheck_update(keys, now, now->appended, &err), &err);
    table_unref(now);
}

static void what_was_looked_at_before_the_commit_is_not_looked_at_again(void **state)
{
    struct table *now;
    uint64_t gets;

    (void)state;
    check_now();
    assert_ok(add(5), &err);
    edittool_do(other, "t", INSERT("{\"k\":6}\n"));
    now = dbtool_look(temp.db, "t");
    assert_ok(keycheck_advance(keys, now, &err), &err);
    gets = db_store(temp.db)->counts.get;
    assert_ok(keycheck_update(keys, now, now->appended, &err), &err);
    assert_int_equal(db_store(temp.db)->counts.get, gets);
    table_unref(now);
    edittool_do(other, "t", INSERT("{\"k\":5}\n"));
    now = dbtool_look(temp.db, "t");
    assert_fails(keycheck_advance(keys, now, &err), -EEXIST, &err);
    assert_fails(keycheck_update(keys, now, now->appended, &err), -EEXIST, &err);
    table_unref(now);
}

static void keys_in_finished_segments_are_found(void **state)
{
    (void)state;
    check_now();
    for (unsigned k = 0; k < 10 * SEGMENT_ROWS; k++)
        add_and_stage(k);
    assert_true(stage.entry_count >= 8);
    for (unsigned k = 0; k < 10 * SEGMENT_ROWS; k++) {
        assert_int_equal(has(k), 1);
        assert_fails(add(k), -EEXIST, &err);
    }
    assert_int_equal(has(10 * SEGMENT_ROWS), 0);
    assert_ok(stage_seal(&stage, &err), &err);
    assert_int_equal(keycheck_take_segments(keys, &stage), 0);
    for (unsigned k = 0; k < 10 * SEGMENT_ROWS; k++)
        assert_int_equal(has(k), 1);
    assert_int_equal(has(10 * SEGMENT_ROWS), 0);
}

/* As when the rows of a stage that is complete are checked again. */
static void segments_are_taken_when_their_rows_were_added(void **state)
{
    (void)state;
    check_now();
    for (unsigned k = 0; k < 3 * SEGMENT_ROWS; k++)
        add_and_stage(k);
    assert_ok(stage_seal(&stage, &err), &err);
    for (unsigned most = 0; most <= 3 * SEGMENT_ROWS; most++) {
        check_now();
        for (unsigned k = 0; k < most; k++) {
            assert_ok(add(k), &err);
            assert_int_equal(keycheck_take_segments(keys, &stage), 0);
        }
        for (unsigned k = 0; k < 3 * SEGMENT_ROWS; k++)
            assert_int_equal(has(k), k < most);
    }
}

static void others_are_found_in_finished_segments(void **state)
{
    struct table *now;

    (void)state;
    check_now();
    for (unsigned k = 0; k < 3 * SEGMENT_ROWS; k++)
        add_and_stage(k);
    edittool_do(other, "t", INSERT("{\"k\":0}\n"));
    now = dbtool_look(temp.db, "t");
    assert_fails(keycheck_update(keys, now, now->appended, &err), -EEXIST, &err);
    table_unref(now);
}

/* --- through statements -------------------------------------------------------------------- */

static void a_file_of_many_segments_has_each_key_once(void **state)
{
    char *rows = edittool_rows(0, 100, 1, 5000), *twice = malloc(strlen(rows) + 100);

    (void)state;
    assert_non_null(twice);
    for (unsigned k = 0; k < 100; k += 33) {
        sprintf(twice, "%s{\"k\":%u}\n", rows, k);
        assert_fails(edittool_try(temp.db, "t", INSERT(twice), &err), -EEXIST, &err);
    }
    edittool_do(temp.db, "t", INSERT(rows));
    edittool_expect(other, "t", rows);
    for (unsigned k = 0; k < 100; k += 33) {
        sprintf(twice, "{\"k\":%u}\n", k);
        assert_fails(edittool_try(temp.db, "t", INSERT(twice), &err), -EEXIST, &err);
    }
    edittool_do(temp.db, "t", REPLACE(rows)); /* each key again */
    edittool_expect(other, "t", rows);
    free(twice);
    free(rows);
}

static void patched_rows_of_many_segments_have_each_key_once(void **state)
{
    char *rows = edittool_rows(0, 60, 1, 5000);

    (void)state;
    edittool_do(temp.db, "t", INSERT(rows));
    edittool_do(temp.db, "t", PATCH("{\"v\":1}"));
    assert_fails(edittool_try(temp.db, "t", PATCH("{\"k\":1}"), &err), -EEXIST, &err);
    edittool_do(temp.db, "t", PATCH("{\"v\":0}"));
    edittool_expect(other, "t", rows);
    free(rows);
}

/* The rows lie in data objects when they are checked again. */
static void rows_of_segments_are_checked_for_another_schema(void **state)
{
    char *rows = edittool_rows(0, 60, 1, 5000);
    const char *wider = "{\"columns\":{\"k\":\"int64\",\"v\":\"int64\",\"w\":\"string\",\"x\":"
                        "\"string\"},\"key\":\"k\"}";
    const char *narrow = "{\"columns\":{\"k\":\"int64\",\"w\":\"string\"},\"key\":\"k\"}";
    struct commit *inserts[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        inserts[i] = edittool_make(temp.db, "t", INSERT(rows));
    edittool_do(other, "t", SCHEMA(wider));
    assert_ok(edittool_run(temp.db, inserts[0], &err), &err);
    edittool_expect(other, "t", rows);
    assert_fails(edittool_run(temp.db, inserts[1], &err), -EEXIST, &err);
    edittool_do(other, "t", SCHEMA(narrow));
    assert_fails(edittool_run(temp.db, inserts[2], &err), -EINVAL, &err);
    free(rows);
}

static void rows_that_were_not_checked_for_a_key_are(void **state)
{
    struct commit *twice;
    char *rows = edittool_rows(0, 60, 1, 5000), *text = malloc(strlen(rows) + 100);

    (void)state;
    assert_non_null(text);
    sprintf(text, "%s{\"k\":59}\n", rows);
    edittool_do(other, "t", SCHEMA(""));
    twice = edittool_make(temp.db, "t", INSERT(text));
    edittool_do(other, "t", SCHEMA(KEYED_SCHEMA));
    assert_fails(edittool_run(temp.db, twice, &err), -EEXIST, &err);
    assert_has(err.text, "two of the rows have k 59");
    edittool_do(temp.db, "t", INSERT(rows));
    free(text);
    free(rows);
}

static void a_schema_with_a_key_is_refused_where_two_rows_have_it(void **state)
{
    char *rows = edittool_rows(0, 100, 1, 0), *text = malloc(strlen(rows) + 100);

    (void)state;
    assert_non_null(text);
    edittool_do(temp.db, "t", SCHEMA(""));
    for (unsigned k = 0; k < 100; k += 9) { /* in whatever pass the key is */
        sprintf(text, "%s{\"k\":%u}\n", rows, k);
        edittool_do(temp.db, "t", REPLACE(text));
        assert_fails(edittool_try(temp.db, "t", SCHEMA(KEYED_SCHEMA), &err), -EEXIST, &err);
    }
    edittool_do(temp.db, "t", REPLACE(rows));
    edittool_do(temp.db, "t", SCHEMA(KEYED_SCHEMA));
    edittool_expect(other, "t", rows);
    free(text);
    free(rows);
}

/* --- without memory ------------------------------------------------------------------------ */

static int add_many(void)
{
    int r = 0;

    for (unsigned k = 0; k < 100 && !r; k++) {
        char row[20];

        snprintf(row, sizeof row, "{\"k\":%u}", k);
        r = keycheck_add(keys, slice_of(row, strlen(row)), &err);
    }
    return r;
}

static void a_check_without_memory_can_go_on_with_memory(void **state)
{
    bool starved = true;
    unsigned granted;

    (void)state;
    edittool_do(temp.db, "t", INSERT("{\"k\":1000}\n"));
    for (granted = 0; starved; granted++) {
        unsigned k = 0;
        int r;

        check_now();
        nomem_after(granted);
        r = add_many();
        starved = nomem_end();
        assert_true(!r || (starved && r == -ENOMEM));
        while (has(k) > 0)
            k++;
        for (; k < 100; k++)
            assert_ok(add(k), &err);
        assert_fails(add(99), -EEXIST, &err);
        assert_fails(add(1000), -EEXIST, &err);
    }
    assert_true(granted > 5);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_key_is_added_once),
        test(the_table_is_looked_at_up_to_a_row),
        test(a_row_that_takes_the_place_of_another_may_have_its_key),
        test(a_key_of_a_row_that_goes_is_free),
        test(what_others_have_added_is_looked_at),
        test(what_was_looked_at_before_the_commit_is_not_looked_at_again),
        test(keys_in_finished_segments_are_found),
        test(segments_are_taken_when_their_rows_were_added),
        test(others_are_found_in_finished_segments),
        test(a_file_of_many_segments_has_each_key_once),
        test(patched_rows_of_many_segments_have_each_key_once),
        test(rows_of_segments_are_checked_for_another_schema),
        test(rows_that_were_not_checked_for_a_key_are),
        test(a_schema_with_a_key_is_refused_where_two_rows_have_it),
        test(a_check_without_memory_can_go_on_with_memory),
    };

    return cmocka_run_group_tests_name("keycheck", tests, NULL, NULL);
}
