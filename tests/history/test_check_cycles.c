/* SPDX-License-Identifier: MIT */
/* The checker names cycles: what no order of begins and commits explains. */
#include "tests/history/checking.h"

/* --- cycles ----------------------------------------------------------------------------- */

static void two_commits_in_different_orders_are_a_dirty_write(void **state)
{
    (void)state;
    given("T1 1-9 ok  x+1 y+2");
    given("T2 1-9 ok  x+3 y+4");
    given("final 10-11 ok final  x=1,3 y=4,2");
    expect(ANOMALY_DIRTY_WRITE);
}

static void a_commit_inside_of_another_is_a_dirty_write(void **state)
{
    (void)state;
    given("T1 1-9 ok  x+1 x+2");
    given("T2 1-9 ok  x+3");
    given("final 10-11 ok final  x=1,3,2");
    expect(ANOMALY_DIRTY_WRITE);
}

static void two_that_read_each_others_writes_are_circular(void **state)
{
    (void)state;
    given("T1 1-9 ok  x+1 y=2");
    given("T2 1-9 ok  y+2 x=1");
    given("final 10-11 ok final  x=1 y=2");
    expect(ANOMALY_CIRCULAR);
}

static void three_are_circular_too(void **state)
{
    (void)state;
    given("T1 1-9 ok  x+1 y=2");
    given("T2 1-9 ok  y+2 z=3");
    given("T3 1-9 ok  z+3 x+4");
    given("final 10-11 ok final  x=1,4 y=2 z=3");
    expect(ANOMALY_CIRCULAR);
}

static void a_transaction_seen_in_one_table_and_not_in_the_other_is_a_fractured_read(void **state)
{
    (void)state;
    given("T1 1-9 ok  x+1 y+2");
    given("T2 1-9 ok  x=1 y=");
    given("final 10-11 ok final  x=1 y=2");
    expect(ANOMALY_FRACTURED_READ);
}

/* The value of T1 is not the last that was read, nor the first that was not. */
static void a_fractured_read_between_others_is_found(void **state)
{
    (void)state;
    given("T1 1-9 ok  x+1 y+2");
    given("T2 1-9 ok  x+3");
    given("T3 1-9 ok  y+4");
    given("T4 1-9 ok  x=1,3 y=");
    given("final 10-11 ok final  x=1,3 y=4,2");
    expect_among(ANOMALY_FRACTURED_READ);
    assert_has(report.texts[ANOMALY_FRACTURED_READ][0], "T4 saw what T1 wrote to x");
}

static void a_fractured_read_behind_another_commit_is_found(void **state)
{
    (void)state;
    given("T1 1-9 ok  x+1 y+2");
    given("T2 1-9 ok  x+3");
    given("T3 1-9 ok  x=1,3 y=");
    given("final 10-11 ok final  x=1,3 y=2");
    expect_among(ANOMALY_FRACTURED_READ);
}

static void an_aborted_transaction_reads_a_snapshot_too(void **state)
{
    (void)state;
    given("T1 1-9 ok  x+1 y+2");
    given("T2 1-9 aborted  x=1 y= z+3");
    given("final 10-11 ok final  x=1 y=2 z=");
    expect(ANOMALY_FRACTURED_READ);
}

static void one_without_an_answer_is_seen_whole(void **state)
{
    (void)state;
    given("T1 1-2-3-0 unknown  x+1 y+2");
    given("T2 1-9 ok  x=1 y=");
    given("final 10-11 ok final  x=1 y=2");
    expect(ANOMALY_FRACTURED_READ);
}

static void no_single_snapshot_is_read_skew(void **state)
{
    (void)state;
    given("T1 1-9 ok  x+1");
    given("T2 1-9 ok  x=1 y+2");
    given("T3 1-9 ok  y=2 x=");
    given("final 10-11 ok final  x=1 y=2");
    expect(ANOMALY_READ_SKEW);
}

/* Two appends to one list order their transactions, so x cannot be newer than y. */
static void read_skew_through_a_common_list_is_found(void **state)
{
    (void)state;
    given("T1 1-9 ok  y+1 z+2");
    given("T2 1-9 ok  z+3 x+4");
    given("T3 1-9 ok  x=4 y=");
    given("final 10-11 ok final  x=4 y=1 z=2,3");
    expect(ANOMALY_READ_SKEW);
}

static void two_snapshots_that_each_lack_a_commit_of_the_other_are_a_long_fork(void **state)
{
    (void)state;
    given("T1 1-9 ok  x+1");
    given("T2 1-9 ok  y+2");
    given("T3 1-9 ok  x=1 y=");
    given("T4 1-9 ok  x= y=2");
    given("final 10-11 ok final  x=1 y=2");
    expect(ANOMALY_LONG_FORK);
    assert_has(report.texts[ANOMALY_LONG_FORK][0], "T3 -rw-> T2: T3 read y without 2");
}

static void a_long_fork_of_registers_is_found(void **state)
{
    (void)state;
    given("T0 1-2 ok  a:0>1 b:0>2");
    given("T1 3-9 ok  a:1>3");
    given("T2 3-9 ok  b:2>4");
    given("T3 3-9 ok  a=3 b=2");
    given("T4 3-9 ok  a=1 b=4");
    given("final 10-11 ok final  a=3 b=4");
    expect(ANOMALY_LONG_FORK);
}

static void a_long_fork_in_serializable_mode_keeps_its_name(void **state)
{
    (void)state;
    given("T1 1-9 ok serializable  x+1");
    given("T2 1-9 ok serializable  y+2");
    given("T3 1-9 ok serializable  x=1 y=");
    given("T4 1-9 ok serializable  x= y=2");
    given("final 10-11 ok final  x=1 y=2");
    expect(ANOMALY_LONG_FORK);
}

/* --- serializable ----------------------------------------------------------------------- */

static void write_skew_of_serializable_transactions_is_found(void **state)
{
    (void)state;
    given("T1 1-2-5-7 ok serializable  x= y= x+1");
    given("T2 1-2-6-8 ok serializable  x= y= y+2");
    given("final 9-10 ok final  x=1 y=2");
    expect(ANOMALY_WRITE_SKEW);
}

static void write_skew_of_registers_is_found(void **state)
{
    (void)state;
    given("T0 1-2 ok  a:0>1@1 b:0>2@1");
    given("T1 3-4-5-7 ok serializable  a=1@1 b=2@1 a:1>3@0");
    given("T2 3-4-6-8 ok serializable  a=1@1 b=2@1 b:2>4@0");
    given("final 9-10 ok final  a=3@0 b=4@0");
    expect(ANOMALY_WRITE_SKEW);
}

static void write_skew_of_three_is_a_dependency_cycle(void **state)
{
    (void)state;
    given("T1 1-9 ok serializable  x= y+1");
    given("T2 1-9 ok serializable  y= z+2");
    given("T3 1-9 ok serializable  z= x+3");
    given("final 10-11 ok final  x=3 y=1 z=2");
    expect(ANOMALY_DEPENDENCY_CYCLE);
}

static void a_serializable_one_that_missed_what_it_appended_behind_is_found(void **state)
{
    (void)state;
    given("T1 1-9 ok serializable  x+1 y+2");
    given("T2 1-9 ok serializable  x+3 y=");
    given("final 10-11 ok final  x=1,3 y=2");
    expect(ANOMALY_DEPENDENCY_CYCLE);
}

/* Its own reads are what a serializable transaction is promised, whatever others are. */
static void one_serializable_transaction_among_others_is_held_to_it(void **state)
{
    (void)state;
    given("T1 1-2-5-7 ok  x= y= x+1");
    given("T2 1-2-8-9 ok serializable  x= y= y+2");
    given("final 10-11 ok final  x=1 y=2");
    expect_among(ANOMALY_REAL_TIME);
    history_finish(&history);
    given("T1 1-2-5-7 ok  x= y= x+1");
    given("T2 1-2-3-4 ok serializable  x= y= y+2");
    given("final 10-11 ok final  x=1 y=2");
    expect_nothing();
}

/* --- clocks and numbers ----------------------------------------------------------------- */

static void given_a_mount_that_lags(const char *late)
{
    history_finish(&history);
    given("T1 1-2-3-20 ok  x+1");
    given("T2 4-5-6-7 ok  m1 x=1");
    given(late);
    given("final 21-22 ok final  x=1");
}

static void a_mount_may_lag_behind_another_only_until_the_commit_is_acknowledged(void **state)
{
    (void)state;
    given_a_mount_that_lags("T3 8-9-10-11 ok  x=");
    expect(ANOMALY_STALE_READ);
    rules.mounts_may_lag = true;
    expect_nothing();
    given_a_mount_that_lags("T3 8-9-10-11 ok m1 x=");
    expect(ANOMALY_STALE_READ);
    given_a_mount_that_lags("T3 21-22-23-24 ok  x=");
    expect(ANOMALY_STALE_READ);
}

static void a_cycle_that_is_too_far_to_be_shown_is_reported_all_the_same(void **state)
{
    (void)state;
    rules.budget = 1;
    given("T1 1-9 ok  x+1 y=2");
    given("T2 1-9 ok  y+2 z=3");
    given("T3 1-9 ok  z+3 x+4");
    given("final 10-11 ok final  x=1,4 y=2 z=3");
    expect(ANOMALY_DEPENDENCY_CYCLE);
    assert_has(report.texts[ANOMALY_DEPENDENCY_CYCLE][0], "too long to be shown");
}

static void a_snapshot_without_an_acknowledged_commit_is_a_stale_read(void **state)
{
    (void)state;
    given("T1 1-2-3-4 ok  x+1");
    given("T2 5-6-7-8 ok  x=");
    given("final 9-10 ok final  x=1");
    expect(ANOMALY_STALE_READ);
    assert_has(report.texts[ANOMALY_STALE_READ][0], "T1 had ended before T2 began");
}

static void a_stale_read_of_an_aborted_transaction_counts_as_well(void **state)
{
    (void)state;
    given("T1 1-2-3-4 ok  x+1");
    given("T2 5-6-7-8 aborted  x= y+2");
    given("final 9-10 ok final  x=1 y=");
    expect(ANOMALY_STALE_READ);
}

static void a_stale_read_that_others_prove_is_found(void **state)
{
    (void)state;
    given("T1 1-20 ok  x+1");
    given("T2 1-2-3-4 ok  x=1");
    given("T3 5-6-7-8 ok  x=");
    given("final 21-22 ok final  x=1");
    expect(ANOMALY_STALE_READ);
}

static void a_dirty_read_that_others_prove_is_found(void **state)
{
    (void)state;
    given("T1 1-20 ok  x=1 y+2");
    given("T2 1-2-3-20 ok  y=2");
    given("T3 1-2-10-20 ok  x+1");
    given("final 21-22 ok final  x=1 y=2");
    expect(ANOMALY_DIRTY_READ);
}

static void a_snapshot_is_older_than_the_question_to_commit(void **state)
{
    (void)state;
    given("T1 1-20 ok  x=1 y+2");
    given("T2 1-0-3-20 ok  y=2 z+3");
    given("T3 1-2-10-20 ok  x+1");
    given("final 21-22 ok final  x=1 y=2 z=3");
    expect(ANOMALY_DIRTY_READ);
}

static void a_snapshot_is_older_than_the_end_of_an_aborted_transaction(void **state)
{
    (void)state;
    given("T1 1-20 ok  x+1");
    given("T2 1-4 aborted  x=1");
    given("T3 5-6-7-8 ok  x=");
    given("final 21-22 ok final  x=1");
    expect(ANOMALY_STALE_READ);
}

static void commits_in_another_order_than_their_acknowledgements_are_found(void **state)
{
    (void)state;
    given("T1 1-2-3-4 ok  x+1");
    given("T2 1-2-5-6 ok  x+2");
    given("final 7-8 ok final  x=2,1");
    expect(ANOMALY_REAL_TIME);
}

static void a_serializable_order_against_the_clock_is_found(void **state)
{
    (void)state;
    given("T1 1-2-5-6 ok serializable  x= y+1");
    given("T2 1-2-3-4 ok serializable  x+2");
    given("final 7-8 ok final  x=2 y=1");
    expect(ANOMALY_REAL_TIME);
}

static void equal_times_say_nothing(void **state)
{
    (void)state;
    given("T1 1-2-3-5 ok  x+1");
    given("T2 5-6-7-8 ok  x=");
    given("final 9-10 ok final  x=1");
    expect_nothing();
}

static void version_numbers_follow_the_order_of_the_rows(void **state)
{
    (void)state;
    given("T1 1-9 ok v2  x+1");
    given("T2 1-9 ok v1  x+2");
    given("final 10-11 ok final  x=1,2");
    expect(ANOMALY_VERSION_ORDER);
}

static void a_version_belongs_to_one_commit(void **state)
{
    (void)state;
    given("T1 1-9 ok v2  x+1");
    given("T2 1-9 ok v2  y+2");
    given("final 10-11 ok final  x=1 y=2");
    expect(ANOMALY_VERSION_ORDER);
}

static void a_base_says_what_must_be_seen_and_what_must_not(void **state)
{
    (void)state;
    given("T1 1-9 ok v1  x+1");
    given("T2 1-9 ok v2  x+2");
    given("T3 1-9 ok b1  x=1");
    given("T4 1-9 ok b2  x=1,2");
    given("T5 1-9 ok b0  x=1,2");
    given("final 10-11 ok final  x=1,2");
    expect_nothing(); /* base 0 is none */
    given("T6 1-9 ok b1  x=1,2");
    expect(ANOMALY_VERSION_ORDER);
    given("T7 1-9 ok b2  x=1");
    expect(ANOMALY_VERSION_ORDER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(two_commits_in_different_orders_are_a_dirty_write),
        test(a_commit_inside_of_another_is_a_dirty_write),
        test(two_that_read_each_others_writes_are_circular),
        test(three_are_circular_too),
        test(a_transaction_seen_in_one_table_and_not_in_the_other_is_a_fractured_read),
        test(a_fractured_read_between_others_is_found),
        test(a_fractured_read_behind_another_commit_is_found),
        test(an_aborted_transaction_reads_a_snapshot_too),
        test(one_without_an_answer_is_seen_whole),
        test(no_single_snapshot_is_read_skew),
        test(read_skew_through_a_common_list_is_found),
        test(two_snapshots_that_each_lack_a_commit_of_the_other_are_a_long_fork),
        test(a_long_fork_of_registers_is_found),
        test(a_long_fork_in_serializable_mode_keeps_its_name),
        test(write_skew_of_serializable_transactions_is_found),
        test(write_skew_of_registers_is_found),
        test(write_skew_of_three_is_a_dependency_cycle),
        test(a_serializable_one_that_missed_what_it_appended_behind_is_found),
        test(one_serializable_transaction_among_others_is_held_to_it),
        test(a_mount_may_lag_behind_another_only_until_the_commit_is_acknowledged),
        test(a_cycle_that_is_too_far_to_be_shown_is_reported_all_the_same),
        test(a_snapshot_without_an_acknowledged_commit_is_a_stale_read),
        test(a_stale_read_of_an_aborted_transaction_counts_as_well),
        test(a_stale_read_that_others_prove_is_found),
        test(a_dirty_read_that_others_prove_is_found),
        test(a_snapshot_is_older_than_the_question_to_commit),
        test(a_snapshot_is_older_than_the_end_of_an_aborted_transaction),
        test(commits_in_another_order_than_their_acknowledgements_are_found),
        test(a_serializable_order_against_the_clock_is_found),
        test(equal_times_say_nothing),
        test(version_numbers_follow_the_order_of_the_rows),
        test(a_version_belongs_to_one_commit),
        test(a_base_says_what_must_be_seen_and_what_must_not),
    };

    return cmocka_run_group_tests_name("history_check_cycles", tests, NULL, NULL);
}
