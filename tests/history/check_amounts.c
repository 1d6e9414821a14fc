/* SPDX-License-Identifier: MIT */
/* Balances, sums, and who is on call. */
#include "tests/history/check_amounts.h"

#include <inttypes.h>
#include <stdlib.h>

#include "tests/history/array.h"

static int64_t amount_of(const struct versions *v, size_t key, int64_t value)
{
    const struct version_write *write = value ? versions_find(v, key, value) : NULL;

    return write ? write->amount : 0;
}

void check_amounts(const struct versions *v, struct report *report)
{
    for (size_t t = 0; t < v->history->txn_count; t++) {
        const struct history_txn *txn = &v->history->txns[t];

        for (size_t i = 0; i < txn->op_count; i++) {
            const struct history_op *op = &txn->ops[i];
            int64_t written;

            if (op->kind != HISTORY_READ || op->value_count != 1 || !v->orders[op->key].is_register)
                continue;
            written = amount_of(v, op->key, op->values[0]);
            if (op->amount != written)
                report_add(report, ANOMALY_WRONG_AMOUNT,
                           "%s read %" PRId64 " in row %" PRId64 " of %s, and %" PRId64
                           " was written there",
                           txn->id, op->amount, op->values[0], v->history->keys[op->key], written);
        }
    }
}

static size_t count_registers(const struct versions *v)
{
    size_t count = 0;

    for (size_t k = 0; k < v->history->key_count; k++)
        count += v->orders[k].is_register;
    return count;
}

/* The sum of a snapshot; false: the transaction has not read all registers. */
static bool snapshot_sum(const struct versions *v, size_t txn, size_t registers, int64_t *ret_sum)
{
    size_t count = 0;
    int64_t sum = 0;

    for (size_t i = v->first_read[txn]; i < v->first_read[txn + 1]; i++) {
        const struct version_read *read = &v->reads[i];

        if (!v->orders[read->key].is_register)
            continue;
        count += read->count == 1;
        sum += amount_of(v, read->key, read->count ? read->values[0] : 0);
    }
    *ret_sum = sum;
    return count == registers;
}

/* --- bank ------------------------------------------------------------------------------- */

static int64_t change_of(const struct versions *v, const struct version_write *write)
{
    return write->amount - amount_of(v, write->key, write->origin);
}

/* One that did not commit may have been killed between the two accounts. */
static void check_transfer(const struct versions *v, size_t txn, struct report *report)
{
    int64_t sum = 0;

    if (!v->committed[txn])
        return;
    for (size_t i = v->first_write[txn]; i < v->first_write[txn + 1]; i++)
        if (v->writes[i].origin && !v->writes[i].overwritten)
            sum += change_of(v, &v->writes[i]);
    if (sum)
        report_add(report, ANOMALY_WRONG_SUM, "%s moved %" PRId64 " from nowhere",
                   v->history->txns[txn].id, sum);
}

/* Not by the line of versions but by all that were acknowledged, so that each counts once. */
static void check_balances(const struct versions *v, struct report *report)
{
    int64_t *sums = array_new(v->history->key_count, sizeof *sums);

    for (size_t i = 0; i < v->write_count; i++)
        if (v->committed[v->writes[i].txn] && !v->writes[i].overwritten)
            sums[v->writes[i].key] += change_of(v, &v->writes[i]);
    for (size_t k = 0; k < v->history->key_count; k++) {
        const struct version_order *order = &v->orders[k];
        int64_t last = 0;

        if (!order->is_register)
            continue;
        if (order->count)
            last = v->writes[order->writes[order->count - 1]].amount;
        if (last != sums[k])
            report_add(report, ANOMALY_WRONG_AMOUNT,
                       "%s has %" PRId64 " in the end, and its transfers add up to %" PRId64,
                       v->history->keys[k], last, sums[k]);
    }
    free(sums);
}

void check_bank(const struct versions *v, int64_t total, struct report *report)
{
    size_t registers = count_registers(v);
    int64_t sum;

    for (size_t t = 0; t < v->history->txn_count; t++) {
        check_transfer(v, t, report);
        if (snapshot_sum(v, t, registers, &sum) && sum != total)
            report_add(report, ANOMALY_WRONG_SUM,
                       "%s read all accounts, and they add up to %" PRId64 " instead of %" PRId64,
                       v->history->txns[t].id, sum, total);
    }
    check_balances(v, report);
}

/* --- on call ---------------------------------------------------------------------------- */

static size_t look_for_nobody(const struct versions *v, struct report *report)
{
    size_t registers = count_registers(v), found = 0;
    int64_t sum;

    for (size_t t = 0; t < v->history->txn_count; t++) {
        if (!snapshot_sum(v, t, registers, &sum) || sum > 0)
            continue;
        found++;
        if (report)
            report_add(report, ANOMALY_NOBODY_ON_CALL, "%s found nobody on call",
                       v->history->txns[t].id);
    }
    return found;
}

void check_on_call(const struct versions *v, struct report *report)
{
    look_for_nobody(v, report);
}

size_t check_nobody_on_call(const struct history *history)
{
    struct report ignored = {0};
    struct versions versions;
    size_t found = 0;

    if (versions_init(&versions, history, &ignored, NULL) == 0)
        found = look_for_nobody(&versions, NULL);
    versions_finish(&versions);
    report_finish(&ignored);
    return found;
}
