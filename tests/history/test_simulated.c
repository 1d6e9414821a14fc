/* SPDX-License-Identifier: MIT */
/*
 * Long random histories: right ones are accepted, those of a database with a
 * fault and those that were tampered with are not.
 */
#include <inttypes.h>

#include "tests/history/checking.h"
#include "tests/history/simulate.h"

static uint64_t seed = 88172645463325252u;

static struct simulate_options options_for(enum simulate_workload workload,
                                           enum history_isolation isolation)
{
    return (struct simulate_options){
        .seed = seed + check_random(&seed) % 1000000,
        .transactions = 2000,
        .clients = 8,
        .keys = workload == SIMULATE_ON_CALL ? 2 : 6,
        .per_generation = workload == SIMULATE_LISTS ? 250 : 0,
        .workload = workload,
        .isolation = isolation,
    };
}

static void simulate_and_check(const struct simulate_options *options)
{
    rules = (struct check_rules){0};
    if (options->workload == SIMULATE_BANK)
        rules.total = SIMULATE_BALANCE * (int64_t)options->keys;
    rules.on_call =
        options->workload == SIMULATE_ON_CALL && options->isolation == HISTORY_SERIALIZABLE;
    history_finish(&history);
    simulate(options, &history);
    run_check();
}

static void fail_with_report(const struct simulate_options *options, const char *expected)
{
    print_error("seed %" PRIu64 ", workload %d, isolation %d, fault %d; expected %s, found:\n",
                options->seed, options->workload, options->isolation, options->fault, expected);
    report_print(&report, "  ", stderr);
    fail();
}

static size_t count_outcomes(enum history_outcome outcome)
{
    size_t count = 0;

    for (size_t i = 0; i < history.txn_count; i++)
        count += history.txns[i].outcome == outcome;
    return count;
}

static void right_histories_of_all_kinds_are_accepted(void **state)
{
    (void)state;
    for (int i = 0; i < 48; i++) {
        struct simulate_options options =
            options_for((enum simulate_workload)(i % 3), (enum history_isolation)(i / 3 % 2));

        options.numbered = i / 6 % 2;
        simulate_and_check(&options);
        if (!report_is_empty(&report))
            fail_with_report(&options, "nothing");
        assert_true(count_outcomes(HISTORY_OK) > 300);
        assert_true(count_outcomes(HISTORY_ABORTED) > 50);
        assert_true(count_outcomes(HISTORY_UNKNOWN) > 5);
    }
}

static void twenty_thousand_transactions_are_checked(void **state)
{
    struct simulate_options options = options_for(SIMULATE_LISTS, HISTORY_SNAPSHOT);

    (void)state;
    options.transactions = 20000;
    simulate_and_check(&options);
    if (!report_is_empty(&report))
        fail_with_report(&options, "nothing");
    options.fault = SIMULATE_LAGGING_KEYS;
    simulate_and_check(&options);
    assert_true(report.counts[ANOMALY_FRACTURED_READ] > 100);
}

/* Also without the numbers, which would give away most of the faults by themselves. */
static void expect_fault(enum simulate_fault fault, enum simulate_workload workload,
                         enum history_isolation isolation, enum anomaly anomaly)
{
    for (int i = 0; i < 8; i++) {
        struct simulate_options options = options_for(workload, isolation);

        options.fault = fault;
        options.numbered = i % 2;
        simulate_and_check(&options);
        if (!report.counts[anomaly])
            fail_with_report(&options, anomaly_name(anomaly));
    }
}

static void reads_of_what_has_committed_since_are_found(void **state)
{
    (void)state;
    expect_fault(SIMULATE_READ_COMMITTED, SIMULATE_LISTS, HISTORY_SNAPSHOT,
                 ANOMALY_NON_REPEATABLE_READ);
    expect_fault(SIMULATE_READ_COMMITTED, SIMULATE_LISTS, HISTORY_SNAPSHOT, ANOMALY_DIRTY_READ);
    expect_fault(SIMULATE_READ_COMMITTED, SIMULATE_BANK, HISTORY_SNAPSHOT, ANOMALY_DIRTY_READ);
}

static void snapshots_that_lack_commits_are_found(void **state)
{
    (void)state;
    expect_fault(SIMULATE_STALE_SNAPSHOT, SIMULATE_LISTS, HISTORY_SNAPSHOT, ANOMALY_STALE_READ);
    expect_fault(SIMULATE_STALE_SNAPSHOT, SIMULATE_BANK, HISTORY_SNAPSHOT, ANOMALY_STALE_READ);
    expect_fault(SIMULATE_STALE_SNAPSHOT, SIMULATE_ON_CALL, HISTORY_SERIALIZABLE,
                 ANOMALY_STALE_READ);
}

static void tables_of_different_age_are_found(void **state)
{
    (void)state;
    expect_fault(SIMULATE_LAGGING_KEYS, SIMULATE_LISTS, HISTORY_SNAPSHOT, ANOMALY_FRACTURED_READ);
    expect_fault(SIMULATE_LAGGING_KEYS, SIMULATE_BANK, HISTORY_SNAPSHOT, ANOMALY_WRONG_SUM);
}

static void missing_validation_is_found(void **state)
{
    (void)state;
    expect_fault(SIMULATE_NO_VALIDATION, SIMULATE_LISTS, HISTORY_SERIALIZABLE,
                 ANOMALY_DEPENDENCY_CYCLE);
    expect_fault(SIMULATE_NO_VALIDATION, SIMULATE_ON_CALL, HISTORY_SERIALIZABLE,
                 ANOMALY_NOBODY_ON_CALL);
    expect_fault(SIMULATE_NO_VALIDATION, SIMULATE_ON_CALL, HISTORY_SERIALIZABLE,
                 ANOMALY_WRITE_SKEW);
}

static void without_validation_snapshot_mode_is_right(void **state)
{
    struct simulate_options options = options_for(SIMULATE_ON_CALL, HISTORY_SNAPSHOT);

    (void)state;
    options.fault = SIMULATE_NO_VALIDATION;
    simulate_and_check(&options);
    assert_true(report_is_empty(&report));
    assert_true(check_nobody_on_call(&history) > 0);
}

static void replacements_that_do_not_conflict_are_found(void **state)
{
    (void)state;
    expect_fault(SIMULATE_NO_CONFLICT, SIMULATE_BANK, HISTORY_SNAPSHOT, ANOMALY_LOST_UPDATE);
    expect_fault(SIMULATE_NO_CONFLICT, SIMULATE_BANK, HISTORY_SNAPSHOT, ANOMALY_WRONG_AMOUNT);
    expect_fault(SIMULATE_NO_CONFLICT, SIMULATE_ON_CALL, HISTORY_SNAPSHOT, ANOMALY_LOST_UPDATE);
}

static void commits_that_are_torn_are_found(void **state)
{
    (void)state;
    expect_fault(SIMULATE_TORN_COMMIT, SIMULATE_LISTS, HISTORY_SNAPSHOT, ANOMALY_FRACTURED_READ);
    expect_fault(SIMULATE_TORN_COMMIT, SIMULATE_BANK, HISTORY_SNAPSHOT, ANOMALY_WRONG_SUM);
    expect_fault(SIMULATE_TORN_COMMIT, SIMULATE_BANK, HISTORY_SNAPSHOT, ANOMALY_FRACTURED_READ);
}

static void commits_that_are_lost_are_found(void **state)
{
    (void)state;
    expect_fault(SIMULATE_LOST_COMMIT, SIMULATE_LISTS, HISTORY_SNAPSHOT, ANOMALY_LOST_WRITE);
    expect_fault(SIMULATE_LOST_COMMIT, SIMULATE_BANK, HISTORY_SNAPSHOT, ANOMALY_LOST_UPDATE);
}

static void halves_of_commits_are_found(void **state)
{
    (void)state;
    expect_fault(SIMULATE_HALF_COMMIT, SIMULATE_LISTS, HISTORY_SNAPSHOT, ANOMALY_PARTIAL_COMMIT);
}

static void aborted_transactions_that_are_there_are_found(void **state)
{
    (void)state;
    expect_fault(SIMULATE_ABORTED_COMMIT, SIMULATE_LISTS, HISTORY_SNAPSHOT, ANOMALY_ABORTED_READ);
}

static void commits_that_are_there_twice_are_found(void **state)
{
    (void)state;
    expect_fault(SIMULATE_DOUBLE_COMMIT, SIMULATE_LISTS, HISTORY_SNAPSHOT, ANOMALY_DUPLICATE_VALUE);
}

/* --- tampering -------------------------------------------------------------------------- */

static void make_history(void)
{
    struct simulate_options options = options_for(SIMULATE_LISTS, HISTORY_SNAPSHOT);

    simulate_and_check(&options);
    assert_true(report_is_empty(&report));
}

static struct history_txn *any_txn(void)
{
    return &history.txns[check_random_below(&seed, history.txn_count)];
}

static const struct history_txn *writer_of(int64_t value)
{
    for (size_t t = 0; t < history.txn_count; t++)
        for (size_t i = 0; i < history.txns[t].op_count; i++)
            if (history.txns[t].ops[i].kind != HISTORY_READ &&
                history.txns[t].ops[i].value == value)
                return &history.txns[t];
    fail();
    return NULL;
}

static void drop_value(struct history_op *read, int64_t value)
{
    size_t kept = 0;

    for (size_t i = 0; i < read->value_count; i++)
        if (read->values[i] != value)
            read->values[kept++] = read->values[i];
    read->value_count = kept;
}

/* A transaction with an outcome and at least one append; the append. */
static const struct history_op *any_append(enum history_outcome outcome)
{
    for (;;) {
        const struct history_txn *txn = any_txn();

        for (size_t i = 0; txn->outcome == outcome && i < txn->op_count; i++)
            if (txn->ops[i].kind == HISTORY_APPEND)
                return &txn->ops[i];
    }
}

/* From all reads but the writer's own: as if it had never been there. */
static void an_acknowledged_append_that_is_dropped_everywhere_is_missed(void **state)
{
    (void)state;
    for (int n = 0; n < 5; n++) {
        int64_t value;
        const struct history_txn *writer;

        make_history();
        value = any_append(HISTORY_OK)->value;
        writer = writer_of(value);
        for (size_t t = 0; t < history.txn_count; t++)
            for (size_t i = 0; &history.txns[t] != writer && i < history.txns[t].op_count; i++)
                drop_value(&history.txns[t].ops[i], value);
        run_check();
        assert_true(report.counts[ANOMALY_LOST_WRITE]);
    }
}

/* A read of some transaction with at least two values, none of them its own. */
static struct history_op *any_read(struct history_txn **ret_txn)
{
    for (;;) {
        struct history_txn *txn = any_txn();

        for (size_t i = 0; !txn->final && i < txn->op_count; i++) {
            bool own = false;

            for (size_t j = 0; j < i; j++)
                own = own || txn->ops[j].key == txn->ops[i].key;
            if (txn->ops[i].kind == HISTORY_READ && txn->ops[i].value_count >= 2 && !own) {
                *ret_txn = txn;
                return &txn->ops[i];
            }
        }
    }
}

static void two_values_that_are_swapped_in_a_read_are_found(void **state)
{
    (void)state;
    for (int n = 0; n < 5; n++) {
        struct history_txn *txn;
        struct history_op *read;
        size_t i;
        int64_t value;

        make_history();
        read = any_read(&txn);
        i = check_random_below(&seed, read->value_count - 1);
        value = read->values[i];
        read->values[i] = read->values[i + 1];
        read->values[i + 1] = value;
        run_check();
        assert_true(report.counts[ANOMALY_INCOMPATIBLE_ORDER] ||
                    report.counts[ANOMALY_NON_REPEATABLE_READ]);
    }
}

static void swap_in(struct history_op *read, int64_t one, int64_t other)
{
    for (size_t i = 0; i < read->value_count; i++) {
        if (read->values[i] == one)
            read->values[i] = other;
        else if (read->values[i] == other)
            read->values[i] = one;
    }
}

/* So that all lists agree, and only their transactions tell that it cannot have been. */
static void two_values_that_are_swapped_in_all_reads_are_found(void **state)
{
    (void)state;
    for (int n = 0; n < 5; n++) {
        struct history_txn *txn;
        struct history_op *read;
        int64_t one, other;

        make_history();
        do {
            read = any_read(&txn);
            one = read->values[0];
            other = read->values[read->value_count - 1];
        } while (writer_of(one)->outcome != HISTORY_OK || writer_of(other)->outcome != HISTORY_OK ||
                 writer_of(one)->end >= writer_of(other)->start);
        for (size_t t = 0; t < history.txn_count; t++)
            for (size_t i = 0; i < history.txns[t].op_count; i++)
                swap_in(&history.txns[t].ops[i], one, other);
        run_check();
        assert_false(report_is_empty(&report));
    }
}

/* Without the last values, whose writers had ended before the reader began. */
static void a_read_that_is_moved_back_in_time_is_found(void **state)
{
    (void)state;
    for (int n = 0; n < 5; n++) {
        struct history_txn *txn;
        struct history_op *read;
        const struct history_txn *writer;

        make_history();
        do {
            read = any_read(&txn);
            writer = writer_of(read->values[read->value_count / 2]);
        } while (writer->outcome != HISTORY_OK || writer->end >= txn->start);
        read->value_count /= 2;
        run_check();
        assert_false(report_is_empty(&report));
    }
}

/* The place of a value of the same writer in another read of the transaction. */
static bool cut_before(struct history_op *read, const struct history_txn *writer)
{
    for (size_t i = 0; i < read->value_count; i++) {
        if (writer_of(read->values[i]) != writer)
            continue;
        read->value_count = i;
        return true;
    }
    return false;
}

static bool fracture(struct history_txn *txn)
{
    for (size_t i = 0; i < txn->op_count; i++) {
        const struct history_op *one = &txn->ops[i];

        if (one->kind != HISTORY_READ || !one->value_count)
            continue;
        for (size_t j = 0; j < txn->op_count; j++) {
            struct history_op *other = &txn->ops[j];
            const struct history_txn *writer = writer_of(one->values[one->value_count - 1]);

            if (other->kind == HISTORY_READ && other->key != one->key && writer != txn &&
                cut_before(other, writer))
                return true;
        }
    }
    return false;
}

static bool reads_each_key_once(const struct history_txn *txn)
{
    for (size_t i = 0; i < txn->op_count; i++)
        for (size_t j = 0; j < i; j++)
            if (txn->ops[i].key == txn->ops[j].key)
                return false;
    return !txn->final;
}

static void a_read_that_lacks_half_of_a_transaction_is_found(void **state)
{
    (void)state;
    for (int n = 0; n < 5; n++) {
        struct history_txn *txn;

        make_history();
        do
            txn = any_txn();
        while (!reads_each_key_once(txn) || !fracture(txn));
        run_check();
        assert_true(report.counts[ANOMALY_FRACTURED_READ]);
    }
}

static void an_aborted_value_that_is_put_into_a_read_is_found(void **state)
{
    (void)state;
    for (int n = 0; n < 5; n++) {
        const struct history_op *append;
        int64_t *values;
        struct history_txn *final;

        make_history();
        append = any_append(HISTORY_ABORTED);
        final = &history.txns[history.txn_count - 1];
        values = final->ops[append->key].values;
        if (!final->ops[append->key].value_count)
            continue;
        values[final->ops[append->key].value_count - 1] = append->value;
        run_check();
        assert_true(report.counts[ANOMALY_ABORTED_READ]);
    }
}

/* --- files ------------------------------------------------------------------------------ */

static void save(const struct history *saved, char **ret_text, size_t *ret_bytes)
{
    FILE *file = open_memstream(ret_text, ret_bytes);

    assert_non_null(file);
    assert_int_equal(history_save(saved, file), 0);
    fclose(file);
}

static void a_history_that_is_saved_and_loaded_is_the_same(void **state)
{
    struct simulate_options options = options_for(SIMULATE_BANK, HISTORY_SERIALIZABLE);
    struct history loaded = {0};
    struct err err = ERR_INIT;
    char *text, *again;
    size_t bytes, again_bytes;
    FILE *file;

    (void)state;
    options.numbered = true;
    simulate(&options, &history);
    save(&history, &text, &bytes);
    file = fmemopen(text, bytes, "r");
    assert_ok(history_load(&loaded, file, &err), &err);
    fclose(file);
    save(&loaded, &again, &again_bytes);
    assert_int_equal(bytes, again_bytes);
    assert_memory_equal(text, again, bytes);
    free(text);
    free(again);
    history_finish(&loaded);
}

static void expect_refused(const char *text, const char *part)
{
    struct err err = ERR_INIT;
    FILE *file = fmemopen((void *)text, strlen(text), "r");

    assert_fails(history_load(&history, file, &err), -EINVAL, &err);
    assert_has(err.text, part);
    fclose(file);
}

#define LINE(times, ops)                                                                           \
    "{\"client\":1,\"id\":\"x\",\"isolation\":\"snapshot\"," times ",\"outcome\":\"ok\"," ops "}"  \
    "\n"

static void lines_that_are_no_transactions_are_refused(void **state)
{
    (void)state;
    expect_refused("{", "line 1");
    expect_refused("{}\n", "line 1: not a transaction");
    expect_refused(LINE("\"start\":1", "\"ops\":[]") "7\n", "line 2");
    expect_refused(LINE("\"end\":1", "\"ops\":[]"), "no start");
    expect_refused(LINE("\"start\":2,\"end\":1", "\"ops\":[]"), "backwards");
    expect_refused(LINE("\"start\":1", "\"ops\":[{}]"), "not an operation");
    expect_refused(LINE("\"start\":1", "\"ops\":[{\"append\":\"k\"}]"), "no value");
    expect_refused(LINE("\"start\":1", "\"ops\":[{\"read\":\"k\"}]"), "no values");
    expect_refused(LINE("\"start\":1", "\"ops\":[{\"read\":\"k\",\"values\":[0]}]"), "positive");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(right_histories_of_all_kinds_are_accepted),
        test(twenty_thousand_transactions_are_checked),
        test(reads_of_what_has_committed_since_are_found),
        test(snapshots_that_lack_commits_are_found),
        test(tables_of_different_age_are_found),
        test(missing_validation_is_found),
        test(without_validation_snapshot_mode_is_right),
        test(replacements_that_do_not_conflict_are_found),
        test(commits_that_are_torn_are_found),
        test(commits_that_are_lost_are_found),
        test(halves_of_commits_are_found),
        test(aborted_transactions_that_are_there_are_found),
        test(commits_that_are_there_twice_are_found),
        test(an_acknowledged_append_that_is_dropped_everywhere_is_missed),
        test(two_values_that_are_swapped_in_a_read_are_found),
        test(two_values_that_are_swapped_in_all_reads_are_found),
        test(a_read_that_is_moved_back_in_time_is_found),
        test(a_read_that_lacks_half_of_a_transaction_is_found),
        test(an_aborted_value_that_is_put_into_a_read_is_found),
        test(a_history_that_is_saved_and_loaded_is_the_same),
        test(lines_that_are_no_transactions_are_refused),
    };

    return cmocka_run_group_tests_name("history_simulated", tests, NULL, NULL);
}
