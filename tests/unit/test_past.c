/* SPDX-License-Identifier: MIT */
/* Any version of a long log, found from few that are kept. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/timefmt.h"
#include "core/db_private.h"
#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"

#define COMMITS 9000 /* more than twice what the marks hold at first */

static struct err err;

static uint64_t rows_at(struct db *db, uint64_t version)
{
    struct snapshot *snapshot = NULL;
    uint64_t rows;

    assert_ok(db_at(db, version, &snapshot, &err), &err);
    assert_int_equal(snapshot->version, version);
    rows = version ? table_rows(snapshot_table(snapshot, t)) : 0;
    snapshot_unref(snapshot);
    return rows;
}

static int64_t time_of(struct db *db, uint64_t version)
{
    struct snapshot *snapshot = NULL;
    int64_t usec;

    assert_ok(db_at(db, version, &snapshot, &err), &err);
    usec = snapshot->time_usec;
    snapshot_unref(snapshot);
    return usec;
}

static void expect_versions(struct db *db, uint64_t last)
{
    uint64_t seed = 3;

    for (int i = 0; i < 60; i++) {
        uint64_t version = 1 + check_random_below(&seed, last), found = 0;
        uint64_t gets = temp.store->counts.get;
        int64_t usec;

        assert_int_equal(rows_at(db, version), version - 1); /* version 1 made the table */
        if (db == temp.db) /* a 32nd of the log, and no more than what is between two marks */
            assert_true(temp.store->counts.get - gets <= last / 30 + 64);
        usec = time_of(db, version);
        assert_ok(db_version_at(db, usec, &found, &err), &err);
        assert_int_equal(found, version);
        assert_ok(db_version_at(db, usec - 1, &found, &err), &err);
        assert_int_equal(found, version - 1);
    }
}

static void every_version_of_a_long_log_is_found_by_reading_little(void **state)
{
    uint64_t found = 1;

    (void)state;
    for (int i = 0; i < COMMITS; i++)
        assert_int_equal(dbtool_append(temp.db, t, "{}\n"), 0);
    expect_versions(temp.db, COMMITS + 1);
    assert_true(temp.db->mark_count <= DB_MARKS);
    expect_versions(other, COMMITS + 1); /* which has followed */
    assert_int_equal(rows_at(temp.db, 0), 0);
    assert_ok(db_version_at(temp.db, 0, &found, &err), &err);
    assert_int_equal(found, 0);
}

static void a_version_that_is_not_there_yet_is_ENOENT_until_it_is(void **state)
{
    struct snapshot *snapshot = NULL;

    (void)state;
    assert_fails(db_at(temp.db, 2, &snapshot, &err), -ENOENT, &err);
    assert_int_equal(dbtool_append(other, t, "{}\n"), 0);
    assert_int_equal(rows_at(temp.db, 2), 1);
}

static void *append_one(void *context)
{
    *(int *)context = dbtool_append(temp.db, t, "{}\n");
    return NULL;
}

static void note_verdict(struct commit *commit, int result, void *context)
{
    (void)commit;
    *(int *)context = result;
}

/* Version 2 in record 2, and versions 3 to 6 in record 3. */
static void commit_a_group(void)
{
    struct commit *commits[4];
    int results[5] = {1, 1, 1, 1, 1};
    pthread_t leader;

    faultio_hold(FAULTIO_LINK, 0);
    assert_int_equal(pthread_create(&leader, NULL, append_one, &results[4]), 0);
    faultio_wait_held();
    for (int i = 0; i < 4; i++) {
        commits[i] = dbtool_appending(temp.db, t, "{}\n");
        commit_submit(temp.db, commits[i], note_verdict, &results[i]);
    }
    faultio_let_go();
    pthread_join(leader, NULL);
    for (int i = 0; i < 5; i++)
        assert_int_equal(results[i], 0);
    for (int i = 0; i < 4; i++)
        commit_destroy(commits[i]);
}

static void a_version_within_a_record_is_found(void **state)
{
    struct snapshot *snapshot = NULL;

    (void)state;
    commit_a_group();
    for (uint64_t version = 2; version <= 6; version++)
        assert_int_equal(rows_at(temp.db, version), version - 1);
    assert_ok(db_at(temp.db, 4, &snapshot, &err), &err);
    assert_int_equal(snapshot->position.seq, 2); /* no record ends there */
    snapshot_unref(snapshot);
}

static void a_log_that_has_lost_a_record_is_EIO(void **state)
{
    struct snapshot *snapshot = NULL;

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(dbtool_append(temp.db, t, "{}\n"), 0);
    tempstore_remove(&temp, "log/00000000000000000003.ndjson");
    assert_fails(db_at(temp.db, 4, &snapshot, &err), -EIO, &err);
    assert_has(err.text, "00000000000000000003");
    assert_int_equal(rows_at(temp.db, 2), 1);
}

#define test(name) cmocka_unit_test_setup_teardown(name, fixture_begin_two_mounts, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(every_version_of_a_long_log_is_found_by_reading_little),
        test(a_version_that_is_not_there_yet_is_ENOENT_until_it_is),
        test(a_version_within_a_record_is_found),
        test(a_log_that_has_lost_a_record_is_EIO),
    };

    return cmocka_run_group_tests_name("past", tests, NULL, NULL);
}
