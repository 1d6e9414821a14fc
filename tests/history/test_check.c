/* SPDX-License-Identifier: MIT */
/* The checker names what is wrong with values: unknown, double, aborted, lost. */
#include "tests/history/checking.h"

/* --- right histories -------------------------------------------------------------------- */

static void no_transactions_are_right(void **state)
{
    (void)state;
    expect_nothing();
}

static void one_after_the_other_is_right(void **state)
{
    (void)state;
    given("T1 1-2-3-4 ok  x= x+1 x=1");
    given("T2 5-6-7-8 ok  x=1 x+2 y+3 x=1,2 y=3");
    given("final 9-10 ok final  x=1,2 y=3");
    expect_nothing();
}

/* The second list is a beginning plus own rows, and no beginning of the final one. */
static void own_appends_follow_the_snapshot_and_not_the_last_commit(void **state)
{
    (void)state;
    given("T1 1-2-9-10 ok  x+1 x=1 x+2 x=1,2");
    given("T2 3-4-5-6 ok  x+3");
    given("final 11-12 ok final  x=3,1,2");
    expect_nothing();
}

static void two_that_read_and_append_to_one_list_both_commit_in_snapshot_mode(void **state)
{
    (void)state;
    given("T1 1-2-5-7 ok  x= x+1");
    given("T2 1-2-6-8 ok  x= x+2");
    given("final 9-10 ok final  x=1,2");
    expect_nothing();
}

static void write_skew_is_right_in_snapshot_mode(void **state)
{
    (void)state;
    given("T1 1-2-5-7 ok  x= y= x+1");
    given("T2 1-2-6-8 ok  x= y= y+2");
    given("final 9-10 ok final  x=1 y=2");
    expect_nothing();
}

/* T1 -ww-> T2 -rw-> T1: what no two could do if their appends conflicted. */
static void missing_a_commit_and_appending_behind_it_is_right_in_snapshot_mode(void **state)
{
    (void)state;
    given("T1 1-2-5-7 ok  x+1 y+2");
    given("T2 1-2-8-9 ok  x+3 y=");
    given("final 10-11 ok final  x=1,3 y=2");
    expect_nothing();
}

static void one_without_an_answer_may_have_committed_or_not(void **state)
{
    (void)state;
    given("T1 1-2-3-0 unknown  x+1 y+2");
    given("T2 1-2-3-0 unknown  x+3 y+4");
    given("T3 5-6-7-8 ok  x=3");
    given("final 9-10 ok final  x=3 y=4");
    expect_nothing();
}

/* The daemon may commit for a client that is long gone. */
static void one_without_an_answer_may_commit_later_than_all_others(void **state)
{
    (void)state;
    given("T1 1-2-3-0 unknown  x+1");
    given("T2 5-6-7-8 ok  x= x+2");
    given("final 9-10 ok final  x=2,1");
    expect_nothing();
}

static void a_client_without_an_answer_does_not_tell_when_it_committed(void **state)
{
    (void)state;
    given("T1 1-2-3-4 unknown  x+1");
    given("T2 5-6-7-8 ok  x= x+2");
    given("final 9-10 ok final  x=2,1");
    expect_nothing();
}

static void transactions_that_overlap_may_be_seen_or_not(void **state)
{
    (void)state;
    given("T1 1-2-5-9 ok  x+1");
    given("T2 4-6-7-10 ok  x=1");
    given("T3 5-8-8-10 ok  x=");
    given("final 11-12 ok final  x=1");
    expect_nothing();
}

static void a_reader_may_overtake_a_serializable_writer(void **state)
{
    (void)state;
    given("T1 1-2-6-8 ok serializable  x= y+1");
    given("T2 3-4-4-5 ok serializable  x= y=");
    given("T3 3-4-5-9 ok serializable  x+2 y=");
    given("final 10-11 ok final  x= y=");
    expect_among(ANOMALY_LOST_WRITE); /* the frame is right, it can find something */
    history_finish(&history);
    given("T1 1-2-6-8 ok serializable  x= y+1");
    given("T2 3-4-4-5 ok serializable  x= y=");
    given("final 10-11 ok final  x= y=1");
    expect_nothing();
}

static void a_chain_of_replacements_is_right(void **state)
{
    (void)state;
    rules.total = 20;
    given("T0 1-2 ok  a:0>1@10 b:0>2@10");
    given("T1 3-4-5-6 ok  a=1@10 a:1>3@7 b=2@10 b:2>4@13 a=3@7");
    given("T2 3-4-6-7 aborted  a=1@10 a:1>5@0 b=2@10 b:2>6@20");
    given("T3 8-9-9-10 ok  a=3@7 b=4@13");
    given("T4 8-9-11-0 unknown  a=3@7 a:3>7@5 b:4>8@15");
    given("final 12-13 ok final  a=7@5 b=8@15");
    expect_nothing();
}

static void one_transaction_may_replace_a_row_twice(void **state)
{
    (void)state;
    given("T1 1-2-3-4 ok  a:0>1 a=1 a:1>2 a=2");
    given("T2 5-6-7-8 ok  a:2>3");
    given("final 9-10 ok final  a=3");
    expect_nothing();
}

/* --- values ----------------------------------------------------------------------------- */

static void a_value_that_nobody_wrote_is_unknown(void **state)
{
    (void)state;
    given("T1 1-2 ok  x+1");
    given("final 3-4 ok final  x=1,7");
    expect(ANOMALY_UNKNOWN_VALUE);
}

static void a_value_of_another_list_is_unknown(void **state)
{
    (void)state;
    given("T1 1-2 ok  x+1 y+2");
    given("final 3-4 ok final  x=1 y=2,1");
    expect(ANOMALY_UNKNOWN_VALUE);
}

static void a_row_of_a_register_that_nobody_wrote_is_unknown(void **state)
{
    (void)state;
    given("T1 1-2 ok  a:0>1");
    given("T2 3-4 ok  a=9");
    given("final 5-6 ok final  a=1");
    expect(ANOMALY_UNKNOWN_VALUE);
}

static void a_value_that_is_there_twice_is_duplicate(void **state)
{
    (void)state;
    given("T1 1-2 ok  x+1");
    given("T2 3-4 ok  x+2");
    given("final 5-6 ok final  x=1,2,1");
    expect(ANOMALY_DUPLICATE_VALUE);
}

static void rows_that_replace_each_other_have_an_incompatible_order(void **state)
{
    (void)state;
    given("T1 1-9 ok  a:2>1");
    given("T2 1-9 ok  a:1>2");
    given("final 10-11 ok final  a=1");
    expect_among(ANOMALY_INCOMPATIBLE_ORDER);
}

static void a_register_with_two_rows_is_duplicate(void **state)
{
    (void)state;
    given("T1 1-2 ok  a:0>1");
    given("T2 3-4-5-6 ok  a:1>2");
    given("T3 7-8 ok  a=1,2");
    given("final 9-10 ok final  a=2");
    expect(ANOMALY_DUPLICATE_VALUE);
}

static void two_lists_that_contradict_each_other_have_an_incompatible_order(void **state)
{
    (void)state;
    given("T1 1-9 ok  x+1");
    given("T2 1-9 ok  x+2");
    given("T3 1-9 ok  x=2");
    given("final 10-11 ok final  x=1,2");
    expect(ANOMALY_INCOMPATIBLE_ORDER);
}

static void a_hole_in_a_list_is_an_incompatible_order(void **state)
{
    (void)state;
    given("T1 1-2 ok  x+1");
    given("T2 3-9 ok  x+2");
    given("T3 3-9 ok  x+3");
    given("T4 3-9 ok  x=1,3");
    given("final 10-11 ok final  x=1,2,3");
    expect(ANOMALY_INCOMPATIBLE_ORDER);
}

static void appends_of_one_transaction_keep_their_order(void **state)
{
    (void)state;
    given("T1 1-2 ok  x+1 x+2");
    given("final 3-4 ok final  x=2,1");
    expect(ANOMALY_INCOMPATIBLE_ORDER);
}

static void a_transaction_that_does_not_see_its_own_append_is_inconsistent(void **state)
{
    (void)state;
    given("T1 1-2 ok  x+1 x=");
    given("final 3-4 ok final  x=1");
    expect(ANOMALY_INTERNAL);
}

static void own_appends_stand_at_the_end(void **state)
{
    (void)state;
    given("T1 1-2 ok  x+1");
    given("T2 3-4 ok  x+2 x=2,1");
    given("final 5-6 ok final  x=1,2");
    expect(ANOMALY_INTERNAL);
}

static void a_transaction_that_does_not_see_its_own_replacement_is_inconsistent(void **state)
{
    (void)state;
    given("T1 1-2 ok  a:0>1");
    given("T2 3-4 ok  a:1>2 a=1");
    given("final 5-6 ok final  a=2");
    expect(ANOMALY_INTERNAL);
}

static void two_reads_of_one_transaction_are_the_same(void **state)
{
    (void)state;
    given("T1 1-2-4-6 ok  x+1");
    given("T2 1-2-7-8 ok  x= x=1");
    given("final 9-10 ok final  x=1");
    expect(ANOMALY_NON_REPEATABLE_READ);
}

static void an_own_append_does_not_move_the_snapshot(void **state)
{
    (void)state;
    given("T1 1-2-4-6 ok  x+1");
    given("T2 1-2-7-8 ok  x= x+2 x=1,2");
    given("final 9-10 ok final  x=1,2");
    expect(ANOMALY_NON_REPEATABLE_READ);
}

/* --- what must not be seen -------------------------------------------------------------- */

static void a_value_of_an_aborted_transaction_in_the_end_is_an_aborted_read(void **state)
{
    (void)state;
    given("T1 1-2 aborted  x+1");
    given("final 3-4 ok final  x=1");
    expect(ANOMALY_ABORTED_READ);
}

static void a_value_of_an_aborted_transaction_that_goes_away_is_an_aborted_read(void **state)
{
    (void)state;
    given("T1 1-2 aborted  x+1");
    given("T2 1-2 ok  x=1");
    given("T3 3-4 ok  x+2");
    given("final 5-6 ok final  x=2");
    expect(ANOMALY_ABORTED_READ);
}

static void a_value_of_one_without_an_answer_that_is_not_in_the_log_is_an_aborted_read(void **state)
{
    (void)state;
    given("T1 1-2-3-0 unknown unlogged  x+1");
    given("final 5-6 ok final  x=1");
    expect(ANOMALY_ABORTED_READ);
}

static void a_row_of_an_aborted_replacement_is_an_aborted_read(void **state)
{
    (void)state;
    given("T1 1-2 ok  a:0>1");
    given("T2 3-4 aborted  a:1>2");
    given("T3 3-4 ok  a=2");
    given("final 5-6 ok final  a=1");
    expect(ANOMALY_ABORTED_READ);
}

static void replacing_an_aborted_row_is_an_aborted_read(void **state)
{
    (void)state;
    given("T1 1-2 ok  a:0>1");
    given("T2 3-4 aborted  a:1>2");
    given("T3 5-6 ok  a:2>3");
    given("final 7-8 ok final  a=3");
    expect(ANOMALY_ABORTED_READ);
}

static void an_aborted_reader_of_an_aborted_value_counts_as_well(void **state)
{
    (void)state;
    given("T1 1-2-3-9 aborted  x+1");
    given("T2 4-5-6-7 aborted  x=1");
    given("final 10-11 ok final  x=");
    expect(ANOMALY_ABORTED_READ);
}

static void a_list_that_ends_inside_of_a_transaction_is_an_intermediate_read(void **state)
{
    (void)state;
    given("T1 1-2-3-9 ok  x+1 x+2");
    given("T2 4-5-6-7 ok  x=1");
    given("final 10-11 ok final  x=1,2");
    expect(ANOMALY_INTERMEDIATE_READ);
}

static void a_row_that_its_writer_had_replaced_is_an_intermediate_read(void **state)
{
    (void)state;
    given("T1 1-2-3-9 ok  a:0>1 a:1>2");
    given("T2 4-5-6-7 ok  a=1");
    given("final 10-11 ok final  a=2");
    expect(ANOMALY_INTERMEDIATE_READ);
}

static void a_snapshot_older_than_the_commit_that_it_shows_is_a_dirty_read(void **state)
{
    (void)state;
    given("T1 1-2-7-8 ok  x+1");
    given("T2 3-4-9-10 ok  x=1");
    given("final 11-12 ok final  x=1");
    expect(ANOMALY_DIRTY_READ);
}

static void a_dirty_read_behind_others_is_found(void **state)
{
    (void)state;
    given("T1 1-2-7-8 ok  x+1");
    given("T2 1-2-3-9 ok  x+2");
    given("T3 3-4-9-10 ok  x=1,2");
    given("final 11-12 ok final  x=1,2");
    expect(ANOMALY_DIRTY_READ);
}

/* --- what must be seen ------------------------------------------------------------------ */

static void an_acknowledged_append_that_is_not_there_is_lost(void **state)
{
    (void)state;
    given("T1 1-2 ok  x+1");
    given("T2 3-4 ok  x+2");
    given("final 5-6 ok final  x=1");
    expect(ANOMALY_LOST_WRITE);
}

static void an_append_that_was_read_and_is_gone_is_lost(void **state)
{
    (void)state;
    given("T1 1-2-3-0 unknown  x+1");
    given("T2 3-4-5-6 ok  x=1");
    given("final 7-8 ok final  x=");
    expect(ANOMALY_LOST_WRITE);
}

static void an_acknowledged_append_that_was_read_and_is_gone_is_lost(void **state)
{
    (void)state;
    given("T1 1-2-3-4 ok  x+1");
    given("T2 5-6-7-8 ok  x=1");
    given("final 9-10 ok final  x=");
    expect(ANOMALY_LOST_WRITE);
}

static void an_append_that_the_log_names_is_lost_if_it_is_not_there(void **state)
{
    (void)state;
    given("T1 1-2-3-0 unknown logged  x+1");
    given("final 7-8 ok final  x=");
    expect(ANOMALY_LOST_WRITE);
}

static void an_acknowledged_replacement_of_the_last_row_that_is_not_there_is_lost(void **state)
{
    (void)state;
    given("T1 1-2 ok  a:0>1");
    given("T2 3-4 ok  a:1>2");
    given("final 5-6 ok final  a=1");
    expect(ANOMALY_LOST_WRITE);
}

static void one_without_an_answer_is_there_whole(void **state)
{
    (void)state;
    given("T1 1-2-3-0 unknown  x+1 y+2");
    given("final 7-8 ok final  x=1 y=");
    expect(ANOMALY_PARTIAL_COMMIT);
}

static void one_without_an_answer_is_there_whole_in_one_table_too(void **state)
{
    (void)state;
    given("T1 1-2-3-0 unknown  x+1 x+2");
    given("final 7-8 ok final  x=1");
    expect_among(ANOMALY_PARTIAL_COMMIT);
}

static void one_without_an_answer_replaces_all_rows_or_none(void **state)
{
    (void)state;
    given("T0 1-2 ok  a:0>1 b:0>2");
    given("T1 3-4-5-0 unknown  a:1>3 b:2>4");
    given("final 7-8 ok final  a=3 b=2");
    expect_among(ANOMALY_PARTIAL_COMMIT);
}

static void an_acknowledged_commit_is_in_the_log(void **state)
{
    (void)state;
    given("T1 1-2 ok unlogged  x+1");
    given("final 3-4 ok final  x=1");
    expect(ANOMALY_WRONG_LOG);
}

static void an_aborted_one_is_not_in_the_log(void **state)
{
    (void)state;
    given("T1 1-2 aborted logged  x+1");
    given("final 3-4 ok final  x=");
    expect(ANOMALY_WRONG_LOG);
}

/* --- what is no history ----------------------------------------------------------------- */

static void expect_invalid(const char *part)
{
    struct err err = ERR_INIT;

    assert_fails(check_history(&history, &rules, &report, &err), -EINVAL, &err);
    assert_has(err.text, part);
}

static void a_value_is_written_once(void **state)
{
    (void)state;
    given("T1 1-9 ok  x+1 y+1");
    expect_invalid("1 is written twice");
}

static void a_key_is_a_list_or_a_register(void **state)
{
    (void)state;
    given("T1 1-9 ok  x+1 x:0>2");
    expect_invalid("x is both");
}

static void a_register_is_read_in_the_end(void **state)
{
    (void)state;
    given("T1 1-9 ok  x:0>2");
    expect_invalid("x is a register and has no final read");
}

static void a_list_need_not_be_read_in_the_end(void **state)
{
    (void)state;
    given("T1 1-9 ok  x+1 y+1000");
    given("T2 1-9 ok  x=1 y=1000");
    given("T3 1-9 ok  x+2");
    expect_nothing();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(no_transactions_are_right),
        test(one_after_the_other_is_right),
        test(own_appends_follow_the_snapshot_and_not_the_last_commit),
        test(two_that_read_and_append_to_one_list_both_commit_in_snapshot_mode),
        test(write_skew_is_right_in_snapshot_mode),
        test(missing_a_commit_and_appending_behind_it_is_right_in_snapshot_mode),
        test(one_without_an_answer_may_have_committed_or_not),
        test(one_without_an_answer_may_commit_later_than_all_others),
        test(a_client_without_an_answer_does_not_tell_when_it_committed),
        test(transactions_that_overlap_may_be_seen_or_not),
        test(a_reader_may_overtake_a_serializable_writer),
        test(a_chain_of_replacements_is_right),
        test(one_transaction_may_replace_a_row_twice),
        test(a_value_that_nobody_wrote_is_unknown),
        test(a_value_of_another_list_is_unknown),
        test(a_row_of_a_register_that_nobody_wrote_is_unknown),
        test(a_value_that_is_there_twice_is_duplicate),
        test(rows_that_replace_each_other_have_an_incompatible_order),
        test(a_register_with_two_rows_is_duplicate),
        test(two_lists_that_contradict_each_other_have_an_incompatible_order),
        test(a_hole_in_a_list_is_an_incompatible_order),
        test(appends_of_one_transaction_keep_their_order),
        test(a_transaction_that_does_not_see_its_own_append_is_inconsistent),
        test(own_appends_stand_at_the_end),
        test(a_transaction_that_does_not_see_its_own_replacement_is_inconsistent),
        test(two_reads_of_one_transaction_are_the_same),
        test(an_own_append_does_not_move_the_snapshot),
        test(a_value_of_an_aborted_transaction_in_the_end_is_an_aborted_read),
        test(a_value_of_an_aborted_transaction_that_goes_away_is_an_aborted_read),
        test(a_value_of_one_without_an_answer_that_is_not_in_the_log_is_an_aborted_read),
        test(a_row_of_an_aborted_replacement_is_an_aborted_read),
        test(replacing_an_aborted_row_is_an_aborted_read),
        test(an_aborted_reader_of_an_aborted_value_counts_as_well),
        test(a_list_that_ends_inside_of_a_transaction_is_an_intermediate_read),
        test(a_row_that_its_writer_had_replaced_is_an_intermediate_read),
        test(a_snapshot_older_than_the_commit_that_it_shows_is_a_dirty_read),
        test(a_dirty_read_behind_others_is_found),
        test(an_acknowledged_append_that_is_not_there_is_lost),
        test(an_append_that_was_read_and_is_gone_is_lost),
        test(an_acknowledged_append_that_was_read_and_is_gone_is_lost),
        test(an_append_that_the_log_names_is_lost_if_it_is_not_there),
        test(an_acknowledged_replacement_of_the_last_row_that_is_not_there_is_lost),
        test(one_without_an_answer_is_there_whole),
        test(one_without_an_answer_is_there_whole_in_one_table_too),
        test(one_without_an_answer_replaces_all_rows_or_none),
        test(an_acknowledged_commit_is_in_the_log),
        test(an_aborted_one_is_not_in_the_log),
        test(a_value_is_written_once),
        test(a_key_is_a_list_or_a_register),
        test(a_register_is_read_in_the_end),
        test(a_list_need_not_be_read_in_the_end),
    };

    return cmocka_run_group_tests_name("history_check", tests, NULL, NULL);
}
