/* SPDX-License-Identifier: MIT */
/* The checker names what is wrong with registers: lost updates, balances, who is on call. */
#include "tests/history/checking.h"

/* --- lost updates ----------------------------------------------------------------------- */

static void two_that_replace_the_same_row_lose_an_update(void **state)
{
    (void)state;
    given("T0 1-2 ok  a:0>1@10");
    given("T1 3-4-5-7 ok  a=1@10 a:1>2@11");
    given("T2 3-4-6-8 ok  a=1@10 a:1>3@12");
    given("final 9-10 ok final  a=3@12");
    expect(ANOMALY_LOST_UPDATE);
    assert_has(report.texts[ANOMALY_LOST_UPDATE][0], "T1 and T2 both replaced 1 of a");
}

static void a_branch_of_lost_updates_begins_with_a_fork(void **state)
{
    (void)state;
    given("T0 1-2 ok  a:0>1");
    given("T1 3-4-5-7 ok  a:1>2");
    given("T2 3-4-6-8 ok  a:1>3");
    given("T3 9-10-11-12 ok  a:2>4");
    given("final 13-14 ok final  a=3");
    expect_among(ANOMALY_LOST_UPDATE);
}

static void one_without_an_answer_may_lose_to_another(void **state)
{
    (void)state;
    given("T0 1-2 ok  a:0>1");
    given("T1 3-4-5-0 unknown  a:1>2");
    given("T2 3-4-6-8 ok  a:1>3");
    given("final 9-10 ok final  a=3");
    expect_nothing();
}

static void a_serializable_read_and_append_that_missed_another_is_a_lost_update(void **state)
{
    (void)state;
    given("T1 1-2-5-7 ok serializable  x= x+1");
    given("T2 1-2-6-8 ok serializable  x= x+2");
    given("final 9-10 ok final  x=1,2");
    expect(ANOMALY_LOST_UPDATE);
}

static void balances_are_the_sums_of_all_acknowledged_transfers(void **state)
{
    (void)state;
    rules.total = 20;
    given("T0 1-2 ok  a:0>1@10 b:0>2@10");
    given("T1 3-4-5-6 ok  a:1>3@7 b:2>4@13");
    given("T2 3-4-5-6 ok  a:1>5@9 b:2>6@11");
    given("final 7-8 ok final  a=5@9 b=6@11");
    expect_among(ANOMALY_LOST_UPDATE);
    assert_int_equal(report.counts[ANOMALY_WRONG_AMOUNT], 2);
}

static void a_transfer_that_makes_money_is_a_wrong_sum(void **state)
{
    (void)state;
    rules.total = 20;
    given("T0 1-2 ok  a:0>1@10 b:0>2@10");
    given("T1 3-4-5-6 ok  a:1>3@7 b:2>4@14");
    given("final 7-8 ok final  a=3@7 b=4@14");
    expect(ANOMALY_WRONG_SUM);
}

static void transfers_that_make_and_lose_money_are_each_a_wrong_sum(void **state)
{
    (void)state;
    rules.total = 20;
    given("T0 1-2 ok  a:0>1@10 b:0>2@10 c:0>9@0");
    given("T1 3-4-5-6 ok  a:1>3@7 b:2>4@14");
    given("T2 7-8-9-10 ok  a:3>5@6 b:4>6@14");
    given("final 11-12 ok final  a=5@6 b=6@14 c=9@0");
    expect(ANOMALY_WRONG_SUM);
    assert_int_equal(report.counts[ANOMALY_WRONG_SUM], 2);
}

static void a_transfer_that_was_killed_half_way_moves_nothing(void **state)
{
    (void)state;
    rules.total = 20;
    given("T0 1-2 ok  a:0>1@10 b:0>2@10");
    given("T1 3-4 aborted  a:1>3@7");
    given("T2 3-4 unknown unlogged  b:2>4@13");
    given("final 7-8 ok final  a=1@10 b=2@10");
    expect_nothing();
}

static void a_snapshot_between_two_halves_of_a_transfer_has_a_wrong_sum(void **state)
{
    (void)state;
    rules.total = 20;
    given("T0 1-2 ok  a:0>1@10 b:0>2@10");
    given("T1 3-4-5-9 ok  a:1>3@7 b:2>4@13");
    given("T2 5-6-7-8 ok  a=3@7 b=2@10");
    given("final 10-11 ok final  a=3@7 b=4@13");
    expect_among(ANOMALY_WRONG_SUM);
    assert_true(report.counts[ANOMALY_FRACTURED_READ]);
}

static void an_amount_that_was_not_written_is_wrong(void **state)
{
    (void)state;
    given("T0 1-2 ok  a:0>1@10");
    given("final 3-4 ok final  a=1@11");
    expect(ANOMALY_WRONG_AMOUNT);
}

static void nobody_on_call_is_found_where_it_is_forbidden(void **state)
{
    (void)state;
    given("T0 1-2 ok  a:0>1@1 b:0>2@1");
    given("T1 3-4-5-7 ok  a=1@1 b=2@1 a:1>3@0");
    given("T2 3-4-6-8 ok  a=1@1 b=2@1 b:2>4@0");
    given("final 9-10 ok final  a=3@0 b=4@0");
    expect_nothing();
    assert_int_equal(check_nobody_on_call(&history), 1);
    rules.on_call = true;
    expect(ANOMALY_NOBODY_ON_CALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(two_that_replace_the_same_row_lose_an_update),
        test(a_branch_of_lost_updates_begins_with_a_fork),
        test(one_without_an_answer_may_lose_to_another),
        test(a_serializable_read_and_append_that_missed_another_is_a_lost_update),
        test(balances_are_the_sums_of_all_acknowledged_transfers),
        test(a_transfer_that_makes_money_is_a_wrong_sum),
        test(transfers_that_make_and_lose_money_are_each_a_wrong_sum),
        test(a_transfer_that_was_killed_half_way_moves_nothing),
        test(a_snapshot_between_two_halves_of_a_transfer_has_a_wrong_sum),
        test(an_amount_that_was_not_written_is_wrong),
        test(nobody_on_call_is_found_where_it_is_forbidden),
    };

    return cmocka_run_group_tests_name("history_check_registers", tests, NULL, NULL);
}
