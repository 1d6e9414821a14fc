/* SPDX-License-Identifier: MIT */
/*
 * The checker against an oracle: short random histories, right and wrong ones,
 * for which every order of begins and commits is tried. The checker accepts
 * exactly those that some order explains.
 */
#include <inttypes.h>

#include "tests/history/checking.h"
#include "tests/history/simulate.h"

#define TXNS_MAX   8
#define KEYS_MAX   2
#define VALUES_MAX 64

static uint64_t seed = 2463534242u;

/* --- the oracle ------------------------------------------------------------------------- */

struct list {
    int64_t values[VALUES_MAX];
    size_t count;
};

struct world {
    struct list lists[KEYS_MAX];
    struct list snapshots[TXNS_MAX][KEYS_MAX];
    unsigned begun, done; /* sets of transactions */
    unsigned committing;  /* those that commit in this world */
};

static bool is_writer(size_t t)
{
    return history_writes(&history.txns[t]);
}

/* When the event can have been at the latest; a commit without an answer: ever. */
static int64_t latest(size_t t, bool commit)
{
    const struct history_txn *txn = &history.txns[t];

    if (commit)
        return txn->outcome == HISTORY_OK && txn->end ? txn->end : INT64_MAX;
    if (txn->begun)
        return txn->begun;
    if (txn->committing)
        return txn->committing;
    return txn->outcome != HISTORY_UNKNOWN && txn->end ? txn->end : INT64_MAX;
}

static int64_t earliest(size_t t, bool commit)
{
    const struct history_txn *txn = &history.txns[t];

    return commit && txn->committing ? txn->committing : txn->start;
}

/* Whether the clock says anything about a begin and an event that is later by it. */
static bool is_ordered(size_t other, bool other_commits, size_t t, bool commit)
{
    if (commit || !rules.mounts_may_lag)
        return true;
    return (other_commits && is_writer(other)) ||
           history.txns[other].mount == history.txns[t].mount;
}

/* No event that is still to come must have been before this one. */
static bool is_in_time(const struct world *world, size_t t, bool commit)
{
    for (size_t other = 0; other < history.txn_count; other++) {
        unsigned bit = 1u << other;

        if (!(world->begun & bit) && is_ordered(other, false, t, commit) &&
            latest(other, false) < earliest(t, commit))
            return false;
        if ((world->committing & bit) && !(world->done & bit) &&
            is_ordered(other, true, t, commit) && latest(other, true) < earliest(t, commit))
            return false;
    }
    return true;
}

static bool equals(const struct list *list, const int64_t *values, size_t count)
{
    return list->count == count &&
           (!count || memcmp(list->values, values, count * sizeof *values) == 0);
}

/* Does the operation, and says whether the transaction saw what it said that it saw. */
static bool perform(struct list *lists, const struct history_op *op)
{
    struct list *list = &lists[op->key];

    if (op->kind == HISTORY_READ)
        return equals(list, op->values, op->value_count);
    if (op->kind == HISTORY_REPLACE) {
        if (!equals(list, &op->previous, op->previous != 0))
            return false;
        list->count = 0;
    }
    list->values[list->count++] = op->value;
    return true;
}

static bool begin_in(struct world *world, size_t t)
{
    const struct history_txn *txn = &history.txns[t];
    struct list own[KEYS_MAX];

    memcpy(world->snapshots[t], world->lists, sizeof world->lists);
    memcpy(own, world->lists, sizeof own);
    world->begun |= 1u << t;
    for (size_t i = 0; i < txn->op_count; i++)
        if (!perform(own, &txn->ops[i]))
            return false;
    return true;
}

static bool has_changed(const struct world *world, size_t t, size_t key)
{
    const struct list *old = &world->snapshots[t][key];

    return !equals(&world->lists[key], old->values, old->count);
}

static bool commit_in(struct world *world, size_t t)
{
    const struct history_txn *txn = &history.txns[t];
    bool validates = txn->isolation == HISTORY_SERIALIZABLE && is_writer(t);

    world->done |= 1u << t;
    for (size_t i = 0; i < txn->op_count; i++) {
        const struct history_op *op = &txn->ops[i];

        if ((op->kind == HISTORY_REPLACE || (op->kind == HISTORY_READ && validates)) &&
            has_changed(world, t, op->key))
            return false;
    }
    for (size_t i = 0; i < txn->op_count; i++) {
        struct list *list = &world->lists[txn->ops[i].key];

        if (txn->ops[i].kind == HISTORY_READ)
            continue;
        if (txn->ops[i].kind == HISTORY_REPLACE)
            list->count = 0;
        list->values[list->count++] = txn->ops[i].value;
    }
    return true;
}

static bool is_explained_from(const struct world *world);

static bool try_event(const struct world *world, size_t t, bool commit)
{
    struct world next = *world;

    return is_in_time(world, t, commit) && (commit ? commit_in(&next, t) : begin_in(&next, t)) &&
           is_explained_from(&next);
}

static bool is_explained_from(const struct world *world)
{
    unsigned all = (1u << history.txn_count) - 1;

    if (world->begun == all && (world->done & world->committing) == world->committing)
        return true;
    for (size_t t = 0; t < history.txn_count; t++) {
        unsigned bit = 1u << t;

        if (!(world->begun & bit)) {
            if (try_event(world, t, false))
                return true;
        } else if ((world->committing & bit) && !(world->done & bit)) {
            if (try_event(world, t, true))
                return true;
        }
    }
    return false;
}

/* For every choice of which of those without an answer have committed. */
static bool is_explained(void)
{
    unsigned acknowledged = 0, unknown = 0, subset = 0;

    for (size_t t = 0; t < history.txn_count; t++) {
        if (history.txns[t].outcome == HISTORY_OK)
            acknowledged |= 1u << t;
        if (history.txns[t].outcome == HISTORY_UNKNOWN)
            unknown |= 1u << t;
    }
    do {
        struct world world = {.committing = acknowledged | subset};

        if (is_explained_from(&world))
            return true;
        subset = (subset - unknown) & unknown;
    } while (subset);
    return false;
}

/* --- the histories ---------------------------------------------------------------------- */

static struct history_op *any_op(struct history_txn **ret_txn)
{
    struct history_txn *txn = &history.txns[check_random_below(&seed, history.txn_count)];

    *ret_txn = txn;
    return txn->op_count ? &txn->ops[check_random_below(&seed, txn->op_count)] : NULL;
}

static int64_t any_value_of(size_t key)
{
    for (int i = 0; i < 20; i++) {
        struct history_txn *txn;
        const struct history_op *op = any_op(&txn);

        if (op && op->kind != HISTORY_READ && op->key == key)
            return op->value;
    }
    return 0;
}

static void disturb_read(struct history_op *read)
{
    size_t n = read->value_count;
    int64_t other = any_value_of(read->key);

    switch (check_random_below(&seed, 4)) {
    case 0:
        read->value_count -= n > 0;
        break;
    case 1:
        if (n)
            read->values[check_random_below(&seed, n)] = other ? other : 1;
        break;
    case 2:
        if (n > 1)
            memmove(read->values, read->values + 1, --read->value_count * sizeof *read->values);
        break;
    default:
        if (!n || !other)
            break;
        /* As if it had come between: what a database that forgets to lock would show. */
        read->values = realloc(read->values, (n + 1) * sizeof *read->values);
        assert_non_null(read->values);
        read->values[read->value_count++] = other;
    }
}

/* Each time stays between those beside it. */
static void disturb_times(struct history_txn *txn)
{
    int64_t shift = (int64_t)check_random_below(&seed, 9);

    txn->begun = check_random_below(&seed, 2) ? 0 : txn->begun;
    txn->committing = check_random_below(&seed, 2) ? 0 : txn->committing;
    if (check_random_below(&seed, 2)) {
        txn->start = txn->start > shift ? txn->start - shift : 1;
        txn->end += txn->end ? shift : 0;
        return;
    }
    txn->start += shift;
    txn->begun += txn->begun ? shift : 0;
    txn->committing += txn->committing ? shift : 0;
    txn->end += txn->end ? shift : 0;
}

static void disturb(void)
{
    struct history_txn *txn;
    struct history_op *op = any_op(&txn);

    switch (check_random_below(&seed, 5)) {
    case 0:
        if (!txn->final)
            disturb_times(txn);
        break;
    case 1:
        if (txn->final)
            break;
        txn->outcome = (enum history_outcome)check_random_below(&seed, 3);
        txn->end = txn->end ? txn->end : 500;
        break;
    case 2:
        txn->isolation = HISTORY_SERIALIZABLE;
        break;
    default:
        if (op && op->kind == HISTORY_READ)
            disturb_read(op);
        else if (op && op->kind == HISTORY_REPLACE)
            op->previous = any_value_of(op->key);
    }
}

static void make_history(void)
{
    struct simulate_options options = {
        .seed = check_random(&seed) | 1,
        .transactions = 2 + check_random_below(&seed, 3),
        .clients = 3,
        .keys = KEYS_MAX,
        .workload = (enum simulate_workload)check_random_below(&seed, 3),
        .isolation = (enum history_isolation)check_random_below(&seed, 2),
        .fault = (enum simulate_fault)check_random_below(&seed, SIMULATE_FAULT_COUNT),
    };

    history_finish(&history);
    simulate(&options, &history);
    for (size_t t = 0; t < history.txn_count; t++)
        history.txns[t].mount = (int)check_random_below(&seed, 2);
    rules.mounts_may_lag = check_random_below(&seed, 2);
    history.txns[history.txn_count - 1].start += 1000; /* after all others, whatever is disturbed */
    history.txns[history.txn_count - 1].end += 1000;
    for (size_t n = check_random_below(&seed, 3); n > 0; n--)
        disturb();
}

static void print_disagreement(bool explained)
{
    print_error("an order explains it: %s; the checker found:\n", explained ? "yes" : "no");
    report_print(&report, "  ", stderr);
    history_save(&history, stderr);
    fail();
}

static void the_checker_accepts_what_some_order_explains_and_nothing_else(void **state)
{
    size_t right = 0, wrong = 0;

    (void)state;
    for (int n = 0; n < 20000; n++) {
        struct err err = ERR_INIT;
        bool explained;

        make_history();
        report_finish(&report);
        if (check_history(&history, &rules, &report, &err) < 0)
            continue;
        report.counts[ANOMALY_WRONG_AMOUNT] = 0; /* the oracle does not look at amounts */
        explained = is_explained();
        if (explained != report_is_empty(&report))
            print_disagreement(explained);
        right += explained;
        wrong += !explained;
    }
    assert_true(right > 4000);
    assert_true(wrong > 4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_checker_accepts_what_some_order_explains_and_nothing_else),
    };

    return cmocka_run_group_tests_name("history_oracle", tests, NULL, NULL);
}
