/* SPDX-License-Identifier: MIT */
/* Commits on disks that fail, lie, or answer too late. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"

#define ROW  "{\"n\":1}\n"
#define NEXT "{\"n\":2}\n"

/* Commits ROW; what is staged is staged before the rules are looked at. */
static int commit_row(struct err *err)
{
    struct commit *commit = dbtool_appending(temp.db, t, ROW);
    int r;

    r = commit_run(temp.db, commit);
    assert_true(r <= 0);
    *err = *commit_reason(commit);
    commit_destroy(commit);
    return r;
}

static void expect_records(size_t commits)
{
    assert_int_equal(tempstore_entries(&temp, "log"), 2 + commits); /* record 0, and t's */
}

static void expect_fenced(void)
{
    struct err err = ERR_INIT;

    assert_fails(db_check_writable(temp.db, &err), -EIO, &err);
    assert_has(err.text, "unknown");
    assert_fails(dbtool_write(temp.db, t, false, NEXT, 0, &err), -EIO, &err);
    assert_has(err.text, "unknown");
    assert_fails(dbtool_create(temp.db, "u", &err), -EIO, &err);
}

static void reopen(void)
{
    tempstore_close(&temp);
    tempstore_open_db(&temp);
}

/* --- puts in doubt -------------------------------------------------------------------- */

static void a_put_that_happened_and_said_that_it_failed_counts_once(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    faultio_reset();
    faultio_rule(FAULTIO_LINK, 0, 1, FAULTIO_LIE, EIO);
    assert_ok(commit_row(&err), &err);
    expect_records(1);
    dbtool_expect(temp.db, "t", ROW);
    dbtool_expect(other, "t", ROW);
}

static void a_put_that_happened_and_could_not_be_looked_at_counts_once(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    faultio_reset();
    faultio_rule(FAULTIO_LINK, 0, 1, FAULTIO_LIE, EIO);
    faultio_rule(FAULTIO_STAT_FD, 0, 1, FAULTIO_REFUSE, EIO);
    assert_ok(commit_row(&err), &err);
    assert_true(faultio_count(FAULTIO_FSYNC_DIR) >= 1); /* it is made durable all the same */
    expect_records(1);
    dbtool_expect(temp.db, "t", ROW);
    assert_int_equal(dbtool_append(temp.db, t, NEXT), 0);
    dbtool_expect(other, "t", ROW NEXT);
}

static void a_put_in_doubt_that_did_not_happen_is_made_again_under_its_number(void **state)
{
    (void)state;
    for (unsigned times = 1; times <= 3; times++) {
        struct err err = ERR_INIT;
        struct log_position position;
        struct record record;

        faultio_reset();
        faultio_rule(FAULTIO_LINK, 0, times, FAULTIO_REFUSE, EIO);
        assert_ok(commit_row(&err), &err);
        assert_int_equal(faultio_count(FAULTIO_LINK), times + 1);
        expect_records(times);
        assert_int_equal(log_read(temp.store, 1 + times, &record, &position, NULL), 0);
        assert_int_equal(record.member_count, 1);
        record_finish(&record);
        assert_int_equal(dbtool_count(other, "t", ROW), times);
    }
}

static void a_doubt_that_does_not_end_stops_all_commits(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    faultio_reset();
    faultio_rule(FAULTIO_LINK, 0, 1000, FAULTIO_REFUSE, EIO);
    assert_fails(commit_row(&err), -EIO, &err);
    assert_has(err.text, "unknown");
    faultio_reset();
    expect_fenced();
    expect_records(0);
    dbtool_expect(temp.db, "t", ""); /* who reads can go on */
    reopen();
    assert_int_equal(dbtool_append(temp.db, t, NEXT), 0);
    dbtool_expect(other, "t", NEXT);
}

static void a_put_that_happened_in_doubt_and_is_not_durable_stops_all_commits(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    faultio_reset();
    faultio_rule(FAULTIO_LINK, 0, 1, FAULTIO_LIE, EIO);
    faultio_rule(FAULTIO_STAT_FD, 0, 1, FAULTIO_REFUSE, EIO);
    faultio_rule(FAULTIO_FSYNC_DIR, 0, 1, FAULTIO_REFUSE, EIO);
    assert_fails(commit_row(&err), -EIO, &err);
    faultio_reset();
    expect_fenced();
    reopen();
    dbtool_expect(temp.db, "t", ROW);
}

static void a_record_whose_directory_is_not_synced_stops_all_commits(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    for (int i = 0; i < 2; i++) {
        faultio_reset();
        faultio_rule(i ? FAULTIO_STAT_FD : FAULTIO_FSYNC_DIR, 0, 1, FAULTIO_REFUSE, EIO);
        assert_fails(commit_row(&err), -EIO, &err);
        assert_has(err.text, "unknown");
        faultio_reset();
        expect_fenced();
        expect_records((size_t)i + 1);
        reopen();
        assert_int_equal(dbtool_count(temp.db, "t", ROW), i + 1); /* it was visible, it stays */
    }
    assert_int_equal(dbtool_append(temp.db, t, NEXT), 0);
    dbtool_expect(other, "t", ROW ROW NEXT);
}

static void all_that_share_a_record_in_doubt_are_told_the_same(void **state)
{
    struct err err = ERR_INIT;
    struct commit *commit = dbtool_appending(temp.db, t, NEXT);

    (void)state;
    faultio_rule(FAULTIO_FSYNC_DIR, 0, 1, FAULTIO_REFUSE, EIO);
    assert_fails(commit_row(&err), -EIO, &err);
    assert_fails(commit_run(temp.db, commit), -EIO, commit_reason(commit));
    assert_string_equal(commit_reason(commit)->text, err.text);
    commit_destroy(commit);
}

struct late {
    pthread_t thread;
    struct commit *commit;
    int result;
};

static void *run_late(void *context)
{
    struct late *late = context;

    late->result = commit_run(temp.db, late->commit);
    return NULL;
}

static void a_number_that_somebody_took_while_it_was_in_doubt_is_theirs(void **state)
{
    struct late late = {.commit = dbtool_appending(temp.db, t, ROW)};

    (void)state;
    faultio_reset();
    faultio_rule(FAULTIO_LINK, 0, 1, FAULTIO_REFUSE, EIO);
    faultio_hold(FAULTIO_OPEN, 0); /* of the record, to see whose it is */
    assert_int_equal(pthread_create(&late.thread, NULL, run_late, &late), 0);
    faultio_wait_held();
    assert_int_equal(dbtool_append(other, t, NEXT), 0);
    faultio_let_go();
    pthread_join(late.thread, NULL);
    assert_ok(late.result, commit_reason(late.commit));
    assert_int_equal(commit_version(late.commit), 3);
    commit_destroy(late.commit);
    dbtool_expect(temp.db, "t", NEXT ROW);
    dbtool_expect(other, "t", NEXT ROW);
    expect_records(2);
}

static void a_put_on_a_predecessor_that_is_gone_does_not_count(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    tempstore_remove(&temp, "log/00000000000000000001.ndjson");
    assert_fails(commit_row(&err), -EIO, &err);
    expect_fenced();
}

/* --- a failure of any one call ------------------------------------------------------------- */

/* What a commit that met a failure may have come to, in a database that is told the truth. */
static void expect_one_of_three_ends(int r, struct err *err, unsigned n)
{
    size_t rows = dbtool_count(other, "t", ROW);

    if (r == 0) {
        assert_int_equal(rows, 1);
    } else if (db_check_writable(temp.db, NULL) == 0) {
        assert_int_equal(rows, 0);
    } else {
        assert_fails(r, -EIO, err);
        expect_fenced();
        assert_true(rows <= 1);
        reopen();
        assert_int_equal(dbtool_count(temp.db, "t", ROW), rows);
    }
    if (dbtool_append(temp.db, t, NEXT) < 0)
        print_error("after a failure of call %u\n", n);
    assert_int_equal(dbtool_count(temp.db, "t", NEXT), 1);
    assert_int_equal(dbtool_count(other, "t", ROW), rows);
    assert_int_equal(dbtool_count(other, "t", NEXT), 1);
    assert_int_equal(tempstore_entries(&temp, "tmp"), 0);
}

/* Fails each call of a commit in turn; returns how many commits were refused and left no doubt. */
static unsigned fail_each_call(enum faultio_how how, int code)
{
    unsigned refused = 0;
    bool struck = true;

    for (unsigned n = 0; struck; n++) {
        struct err err = ERR_INIT;
        struct commit *commit = dbtool_appending(temp.db, t, ROW);
        int r;

        faultio_reset();
        faultio_rule(FAULTIO_ANY, n, 1, how, code);
        r = commit_run(temp.db, commit);
        struck = faultio_struck();
        err = *commit_reason(commit);
        faultio_reset();
        commit_destroy(commit);
        refused += r == -code && db_check_writable(temp.db, NULL) == 0;
        expect_one_of_three_ends(r, &err, n);
        assert_int_equal(dbtool_write(temp.db, t, true, "", 0, NULL), 0);
    }
    return refused;
}

static void a_disk_full_at_any_call_leaves_nothing_and_the_next_commit_works(void **state)
{
    (void)state;
    assert_true(fail_each_call(FAULTIO_REFUSE, ENOSPC) >= 4); /* make, write, fsync, link */
}

static void a_disk_that_fails_at_any_call_commits_once_or_not_at_all(void **state)
{
    (void)state;
    assert_true(fail_each_call(FAULTIO_REFUSE, EIO) >= 3); /* a failed link is in doubt */
}

static void a_disk_that_lies_at_any_call_commits_once_or_not_at_all(void **state)
{
    (void)state;
    fail_each_call(FAULTIO_LIE, EIO);
    fail_each_call(FAULTIO_LIE, ENOSPC);
}

static void a_disk_that_fails_for_good_from_any_call_on_commits_once_or_not_at_all(void **state)
{
    bool struck = true;

    (void)state;
    for (unsigned n = 0; struck; n++) {
        struct err err = ERR_INIT;
        int r;

        faultio_reset();
        faultio_rule(FAULTIO_ANY, n, 1000000, FAULTIO_REFUSE, EIO);
        r = commit_row(&err);
        struck = faultio_struck();
        faultio_reset();
        expect_one_of_three_ends(r, &err, n);
        assert_int_equal(dbtool_write(temp.db, t, true, "", 0, NULL), 0);
    }
}

static void a_commit_behind_a_refused_one_takes_its_number(void **state)
{
    struct commit *commit = dbtool_appending(temp.db, t, ROW);

    (void)state;
    faultio_rule(FAULTIO_LINK, 0, 1, FAULTIO_REFUSE, ENOSPC);
    assert_int_equal(commit_run(temp.db, commit), -ENOSPC);
    assert_has(commit_reason(commit)->text, "No space");
    commit_destroy(commit);
    expect_records(0);
    commit = dbtool_appending(temp.db, t, ROW);
    assert_ok(commit_run(temp.db, commit), commit_reason(commit));
    assert_int_equal(commit_version(commit), 2);
    commit_destroy(commit);
    expect_records(1);
}

#define test(name) cmocka_unit_test_setup_teardown(name, fixture_begin_two_mounts, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_put_that_happened_and_said_that_it_failed_counts_once),
        test(a_put_that_happened_and_could_not_be_looked_at_counts_once),
        test(a_put_in_doubt_that_did_not_happen_is_made_again_under_its_number),
        test(a_doubt_that_does_not_end_stops_all_commits),
        test(a_put_that_happened_in_doubt_and_is_not_durable_stops_all_commits),
        test(a_record_whose_directory_is_not_synced_stops_all_commits),
        test(all_that_share_a_record_in_doubt_are_told_the_same),
        test(a_number_that_somebody_took_while_it_was_in_doubt_is_theirs),
        test(a_put_on_a_predecessor_that_is_gone_does_not_count),
        test(a_disk_full_at_any_call_leaves_nothing_and_the_next_commit_works),
        test(a_disk_that_fails_at_any_call_commits_once_or_not_at_all),
        test(a_disk_that_lies_at_any_call_commits_once_or_not_at_all),
        test(a_disk_that_fails_for_good_from_any_call_on_commits_once_or_not_at_all),
        test(a_commit_behind_a_refused_one_takes_its_number),
    };

    return cmocka_run_group_tests_name("commit faults", tests, NULL, NULL);
}
