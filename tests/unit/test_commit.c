/* SPDX-License-Identifier: MIT */
/* What each change does, and each of its errors. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/fixture.h"

static struct commit *new_commit(void)
{
    struct commit *commit = NULL;

    assert_int_equal(commit_create(&commit), 0);
    return commit;
}

static struct uuid uuid_of(const char *name)
{
    struct table *table = dbtool_look(temp.db, name);
    struct uuid uuid = table->uuid;

    table_unref(table);
    return uuid;
}

static size_t records(void)
{
    return tempstore_entries(&temp, "log");
}

/* --- tables ------------------------------------------------------------------------- */

static void a_table_is_created_once(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_ok(dbtool_create(temp.db, "u", &err), &err);
    assert_fails(dbtool_create(temp.db, "u", &err), -EEXIST, &err);
    assert_has(err.text, "u");
    assert_int_equal(dbtool_version(temp.db), 2);
}

static void an_empty_table_is_dropped_and_its_name_is_free(void **state)
{
    struct err err = ERR_INIT;
    struct uuid again;

    (void)state;
    assert_ok(dbtool_drop(temp.db, t, "t", &err), &err);
    assert_false(dbtool_has(temp.db, "t"));
    again = dbtool_table(temp.db, "t");
    assert_false(uuid_equal(t, again));
    assert_fails(dbtool_drop(temp.db, t, "t", &err), -ENOENT, &err); /* that one is gone */
    assert_true(dbtool_has(temp.db, "t"));
    assert_fails(dbtool_drop(temp.db, again, "u", &err), -ENOENT, &err); /* not called so */
    assert_fails(dbtool_drop(temp.db, uuid_random(), "t", &err), -ENOENT, &err);
}

static void a_table_with_rows_is_not_dropped(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(dbtool_append(temp.db, t, "{\"a\":1}\n{\"a\":2}\n"), 0);
    assert_fails(dbtool_drop(temp.db, t, "t", &err), -ENOTEMPTY, &err);
    assert_has(err.text, "2 rows");
    assert_int_equal(dbtool_write(temp.db, t, true, "", 0, NULL), 0);
    assert_ok(dbtool_drop(temp.db, t, "t", &err), &err);
}

static void a_table_is_renamed_with_its_rows(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(dbtool_append(temp.db, t, "{\"a\":1}\n"), 0);
    assert_ok(dbtool_rename(temp.db, t, "t", "u", true, &err), &err);
    assert_false(dbtool_has(temp.db, "t"));
    dbtool_expect(temp.db, "u", "{\"a\":1}\n");
    assert_int_equal(dbtool_append(temp.db, t, "{\"a\":2}\n"), 0); /* whoever has it open */
    dbtool_expect(temp.db, "u", "{\"a\":1}\n{\"a\":2}\n");
    assert_fails(dbtool_rename(temp.db, t, "t", "v", false, &err), -ENOENT, &err);
}

static void a_rename_replaces_an_empty_table_only(void **state)
{
    struct uuid u = dbtool_table(temp.db, "u");
    struct err err = ERR_INIT;

    (void)state;
    assert_fails(dbtool_rename(temp.db, t, "t", "u", true, &err), -EEXIST, &err);
    assert_int_equal(dbtool_append(temp.db, u, "{\"u\":1}\n"), 0);
    assert_fails(dbtool_rename(temp.db, t, "t", "u", true, &err), -EEXIST, &err);
    assert_fails(dbtool_rename(temp.db, t, "t", "u", false, &err), -ENOTEMPTY, &err);
    dbtool_expect(temp.db, "u", "{\"u\":1}\n");
    assert_int_equal(dbtool_write(temp.db, u, true, "", 0, NULL), 0);
    assert_int_equal(dbtool_append(temp.db, t, "{\"t\":1}\n"), 0);
    assert_ok(dbtool_rename(temp.db, t, "t", "u", false, &err), &err);
    dbtool_expect(temp.db, "u", "{\"t\":1}\n");
    assert_true(uuid_equal(uuid_of("u"), t));
    assert_int_equal(dbtool_append(temp.db, u, "{\"u\":2}\n"), -ENOENT);
}

static void a_rename_to_its_own_name_changes_nothing(void **state)
{
    uint64_t version = dbtool_version(temp.db);
    size_t before = records();
    struct err err = ERR_INIT;

    (void)state;
    assert_ok(dbtool_rename(temp.db, t, "t", "t", false, &err), &err);
    assert_ok(dbtool_rename(temp.db, t, "t", "t", true, &err), &err);
    assert_int_equal(dbtool_version(temp.db), version);
    assert_int_equal(records(), before);
}

/* --- rows ------------------------------------------------------------------------------ */

static void rows_are_appended_and_replaced(void **state)
{
    (void)state;
    assert_int_equal(dbtool_append(temp.db, t, "{\"a\":1}\n"), 0);
    assert_int_equal(dbtool_append(temp.db, t, "{\"a\":2}\n{\"a\":3}\n"), 0);
    dbtool_expect(temp.db, "t", "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
    assert_int_equal(dbtool_write(temp.db, t, true, "{\"b\":1}\n", 0, NULL), 0);
    dbtool_expect(temp.db, "t", "{\"b\":1}\n");
    assert_int_equal(dbtool_write(temp.db, t, true, "", 0, NULL), 0);
    dbtool_expect(temp.db, "t", "");
    tempstore_close(&temp);
    tempstore_open_db(&temp);
    dbtool_expect(temp.db, "t", "");
}

static void rows_of_a_table_that_was_dropped_are_refused(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(dbtool_drop(temp.db, t, "t", NULL), 0);
    assert_fails(dbtool_write(temp.db, t, false, "{\"a\":1}\n", 0, &err), -ENOENT, &err);
    assert_fails(dbtool_write(temp.db, t, true, "", 0, &err), -ENOENT, &err);
}

static void a_table_that_has_changed_cancels_who_expected_otherwise(void **state)
{
    uint64_t version = dbtool_version(temp.db);
    struct err err = ERR_INIT;

    (void)state;
    dbtool_table(temp.db, "u"); /* no change of t */
    assert_ok(dbtool_write(temp.db, t, true, "{\"a\":1}\n", version, &err), &err);
    assert_fails(dbtool_write(temp.db, t, true, "{\"a\":2}\n", version, &err), -ECANCELED, &err);
    assert_has(err.text, "version 3");
    dbtool_expect(temp.db, "t", "{\"a\":1}\n");
    assert_ok(dbtool_write(temp.db, t, false, "{\"a\":2}\n", 3, &err), &err);
}

static void moved_rows_replace_those_of_the_other_table(void **state)
{
    struct uuid u = dbtool_table(temp.db, "u");
    struct commit *commit = new_commit();

    (void)state;
    assert_int_equal(dbtool_append(temp.db, t, "{\"t\":1}\n"), 0);
    assert_int_equal(dbtool_append(temp.db, u, "{\"u\":1}\n{\"u\":2}\n"), 0);
    assert_int_equal(dbtool_append(temp.db, t, "{\"t\":2}\n"), 0);
    assert_int_equal(commit_add_move_rows(commit, t, u), 0);
    assert_ok(commit_run(temp.db, commit), commit_reason(commit));
    commit_destroy(commit);
    dbtool_expect(temp.db, "u", "{\"t\":1}\n{\"t\":2}\n");
    dbtool_expect(temp.db, "t", "");
    commit = new_commit(); /* nothing over something: both are empty then */
    assert_int_equal(commit_add_move_rows(commit, t, u), 0);
    assert_ok(commit_run(temp.db, commit), commit_reason(commit));
    commit_destroy(commit);
    dbtool_expect(temp.db, "u", "");
}

static void rows_do_not_move_from_or_to_what_is_not_there(void **state)
{
    const struct uuid pairs[][2] = {{t, uuid_random()}, {uuid_random(), t}};

    (void)state;
    assert_int_equal(dbtool_append(temp.db, t, "{\"t\":1}\n"), 0);
    for (size_t i = 0; i < 2; i++) {
        struct commit *commit = new_commit();

        assert_int_equal(commit_add_move_rows(commit, pairs[i][0], pairs[i][1]), 0);
        assert_fails(commit_run(temp.db, commit), -ENOENT, commit_reason(commit));
        commit_destroy(commit);
    }
    dbtool_expect(temp.db, "t", "{\"t\":1}\n");
}

/* --- commits of nothing and of several changes --------------------------------------------- */

static void a_commit_that_changes_nothing_makes_no_record(void **state)
{
    uint64_t version = dbtool_version(temp.db);
    size_t before = records();
    struct commit *commit = new_commit();

    (void)state;
    assert_int_equal(commit_add_move_rows(commit, t, t), 0);
    assert_ok(commit_run(temp.db, commit), commit_reason(commit));
    assert_int_equal(commit_version(commit), version);
    commit_destroy(commit);
    commit = new_commit();
    assert_ok(commit_run(temp.db, commit), commit_reason(commit));
    commit_destroy(commit);
    assert_int_equal(dbtool_append(temp.db, t, ""), 0);
    assert_int_equal(dbtool_write(temp.db, t, true, "", 0, NULL), 0);
    assert_int_equal(dbtool_version(temp.db), version);
    assert_int_equal(records(), before);
}

static void a_commit_has_its_version_and_its_line_in_the_log(void **state)
{
    struct commit *commit = dbtool_appending(temp.db, t, "{\"a\":1}\n");
    char *history;

    (void)state;
    assert_ok(commit_run(temp.db, commit), commit_reason(commit));
    assert_int_equal(commit_version(commit), 2);
    commit_destroy(commit);
    history = dbtool_history(temp.db);
    assert_has(history, "\"version\":1,");
    assert_has(history, "\"version\":2,");
    assert_has(history, "{\"table\":\"t\",\"op\":\"append\",\"rows\":1,\"bytes\":8}");
    free(history);
    commit_destroy(NULL);
}

static void a_commit_of_several_tables_is_one_version_or_none(void **state)
{
    struct uuid u = dbtool_table(temp.db, "u");
    struct commit *commit = new_commit();
    struct stage stage;

    (void)state;
    dbtool_stage(temp.db, t, "{\"t\":1}\n", 8, &stage);
    assert_int_equal(commit_add_write(commit, t, false, &stage, 0), 0);
    dbtool_stage(temp.db, u, "{\"u\":1}\n{\"u\":2}\n", 16, &stage);
    assert_int_equal(commit_add_write(commit, u, false, &stage, 0), 0);
    assert_int_equal(commit_add_create(commit, "v"), 0);
    assert_ok(commit_run(temp.db, commit), commit_reason(commit));
    assert_int_equal(commit_version(commit), 3);
    commit_destroy(commit);
    dbtool_expect(temp.db, "t", "{\"t\":1}\n");
    dbtool_expect(temp.db, "u", "{\"u\":1}\n{\"u\":2}\n");
    assert_true(dbtool_has(temp.db, "v"));

    commit = new_commit();
    dbtool_stage(temp.db, t, "{\"t\":2}\n", 8, &stage);
    assert_int_equal(commit_add_write(commit, t, false, &stage, 0), 0);
    assert_int_equal(commit_add_create(commit, "v"), 0);
    assert_fails(commit_run(temp.db, commit), -EEXIST, commit_reason(commit));
    commit_destroy(commit);
    dbtool_expect(temp.db, "t", "{\"t\":1}\n");
    assert_int_equal(dbtool_version(temp.db), 3);
}

static void a_change_sees_the_changes_before_it_in_its_commit(void **state)
{
    struct commit *commit = new_commit();

    (void)state;
    assert_int_equal(commit_add_drop(commit, t, "t"), 0);
    assert_int_equal(commit_add_create(commit, "t"), 0);
    assert_ok(commit_run(temp.db, commit), commit_reason(commit));
    commit_destroy(commit);
    assert_false(uuid_equal(uuid_of("t"), t));
}

static void the_second_replacement_in_a_commit_replaces_the_first(void **state)
{
    static const char *const before[] = {"", "{\"old\":1}\n"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct commit *commit = new_commit();
        struct stage stage;

        assert_int_equal(dbtool_write(temp.db, t, true, before[i], 0, NULL), 0);
        dbtool_stage(temp.db, t, "{\"a\":1}\n", 8, &stage);
        assert_int_equal(commit_add_write(commit, t, true, &stage, 0), 0);
        dbtool_stage(temp.db, t, "{\"a\":2}\n", 8, &stage);
        assert_int_equal(commit_add_write(commit, t, true, &stage, 0), 0);
        assert_ok(commit_run(temp.db, commit), commit_reason(commit));
        commit_destroy(commit);
        dbtool_expect(temp.db, "t", "{\"a\":2}\n");
    }
}

/* --- inlined rows ----------------------------------------------------------------------------- */

/* One row of so many bytes with its line feed; new (free). */
static char *long_row(size_t bytes)
{
    char *row = malloc(bytes + 1);

    assert_non_null(row);
    memset(row, 'x', bytes);
    memcpy(row, "{\"a\":\"", 6);
    memcpy(row + bytes - 3, "\"}\n", 4);
    return row;
}

static void expect_data_files(size_t tables, size_t files)
{
    char name[80] = "data/";

    assert_int_equal(tempstore_entries(&temp, "data"), tables);
    uuid_to_text(t, name + strlen(name));
    assert_int_equal(tempstore_has(&temp, name) ? tempstore_entries(&temp, name) : 0, files);
}

static void rows_up_to_64_KiB_are_inlined_and_more_are_a_segment(void **state)
{
    char *row = long_row(RECORD_INLINE_BYTES), *longer = long_row(RECORD_INLINE_BYTES + 1);

    (void)state;
    assert_int_equal(dbtool_append(temp.db, t, row), 0);
    expect_data_files(0, 0);
    assert_int_equal(dbtool_append(temp.db, t, longer), 0);
    expect_data_files(1, 2);
    assert_int_equal(dbtool_count(temp.db, "t", row), 1);
    assert_int_equal(dbtool_count(temp.db, "t", longer), 1);
    tempstore_close(&temp);
    tempstore_open_db(&temp);
    assert_int_equal(dbtool_count(temp.db, "t", row), 1);
    assert_int_equal(dbtool_count(temp.db, "t", longer), 1);
    free(row);
    free(longer);
}

/* The bytes of rows in record `seq`. */
static uint64_t inlined_in(uint64_t seq)
{
    struct record record;
    struct log_position position;
    struct err err = ERR_INIT;
    uint64_t bytes;

    assert_ok(log_read(temp.store, seq, &record, &position, &err), &err);
    bytes = record.inline_bytes;
    record_finish(&record);
    return bytes;
}

static void no_record_holds_more_than_64_KiB_of_rows(void **state)
{
    struct commit *commit = new_commit();
    char *row = long_row(40000);
    struct stage stage;

    (void)state;
    for (int i = 0; i < 2; i++) {
        dbtool_stage(temp.db, t, row, 40000, &stage);
        assert_int_equal(commit_add_write(commit, t, false, &stage, 0), 0);
    }
    assert_ok(commit_run(temp.db, commit), commit_reason(commit));
    commit_destroy(commit);
    assert_int_equal(dbtool_count(temp.db, "t", row), 2);
    assert_true(inlined_in(2) <= RECORD_INLINE_BYTES);
    free(row);
}

#define test(name) cmocka_unit_test_setup_teardown(name, fixture_begin_table, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_table_is_created_once),
        test(an_empty_table_is_dropped_and_its_name_is_free),
        test(a_table_with_rows_is_not_dropped),
        test(a_table_is_renamed_with_its_rows),
        test(a_rename_replaces_an_empty_table_only),
        test(a_rename_to_its_own_name_changes_nothing),
        test(rows_are_appended_and_replaced),
        test(rows_of_a_table_that_was_dropped_are_refused),
        test(a_table_that_has_changed_cancels_who_expected_otherwise),
        test(moved_rows_replace_those_of_the_other_table),
        test(rows_do_not_move_from_or_to_what_is_not_there),
        test(a_commit_that_changes_nothing_makes_no_record),
        test(a_commit_has_its_version_and_its_line_in_the_log),
        test(a_commit_of_several_tables_is_one_version_or_none),
        test(a_change_sees_the_changes_before_it_in_its_commit),
        test(the_second_replacement_in_a_commit_replaces_the_first),
        test(rows_up_to_64_KiB_are_inlined_and_more_are_a_segment),
        test(no_record_holds_more_than_64_KiB_of_rows),
    };

    return cmocka_run_group_tests_name("commit", tests, NULL, NULL);
}
