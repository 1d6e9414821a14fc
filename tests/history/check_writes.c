/* SPDX-License-Identifier: MIT */
/* Writes that are not where they must be. */
#include <inttypes.h>

#include "tests/history/check_values.h"

static bool is_visible(const struct versions *v, size_t txn)
{
    for (size_t i = v->first_write[txn]; i < v->first_write[txn + 1]; i++)
        if (v->writes[i].position)
            return true;
    return false;
}

/* Who replaced what this one replaced, and is still there; VERSIONS_NONE: nobody. */
static size_t winner_of(const struct versions *v, const struct version_write *write)
{
    const struct version_order *order = &v->orders[write->key];
    const struct version_write *origin = versions_find(v, write->key, write->origin);
    size_t next = origin ? origin->position : 0;

    if ((write->origin && (!origin || !origin->position)) || next >= order->count)
        return VERSIONS_NONE;
    return versions_writer(v, order, next);
}

/* Two that replaced the same row: the registers have one line of versions, it may not fork. */
static bool complain_fork(const struct versions *v, const struct version_write *write,
                          struct report *report)
{
    const struct history *history = v->history;
    size_t winner = winner_of(v, write);

    if (winner == VERSIONS_NONE || winner == write->txn)
        return false;
    report_add(report, ANOMALY_LOST_UPDATE,
               "%s and %s both replaced %" PRId64 " of %s; what %s wrote is lost",
               history->txns[write->txn].id, history->txns[winner].id, write->origin,
               history->keys[write->key], history->txns[write->txn].id);
    return true;
}

static void complain_missing(const struct versions *v, const struct version_write *write,
                             struct report *report)
{
    const struct history_txn *txn = &v->history->txns[write->txn];
    bool ok = txn->outcome == HISTORY_OK;

    if (v->orders[write->key].is_register && complain_fork(v, write, report))
        return;
    if (!ok && is_visible(v, write->txn))
        report_add(report, ANOMALY_PARTIAL_COMMIT,
                   "%s: %" PRId64 " of %s is not there, and another of its writes is", txn->id,
                   write->value, v->history->keys[write->key]);
    else
        report_add(report, ANOMALY_LOST_WRITE, "%s was %s, and its %" PRId64 " of %s is not there",
                   txn->id, ok ? "acknowledged" : "in the log", write->value,
                   v->history->keys[write->key]);
}

/* Those of one transaction to one list are in the order in which it appended them. */
static void check_sequence(const struct versions *v, const struct version_write *write,
                           struct report *report)
{
    for (const struct version_write *w = write + 1; w < v->writes + v->first_write[write->txn + 1];
         w++) {
        if (w->key != write->key || !w->position || w->position > write->position)
            continue;
        report_add(report, ANOMALY_INCOMPATIBLE_ORDER,
                   "%s appended %" PRId64 " to %s before %" PRId64 ", and there it is behind",
                   v->history->txns[write->txn].id, write->value, v->history->keys[write->key],
                   w->value);
        return;
    }
}

static void check_log(const struct versions *v, size_t t, struct report *report)
{
    const struct history_txn *txn = &v->history->txns[t];

    if (txn->outcome == HISTORY_OK && txn->logged == HISTORY_NOT_LOGGED && history_writes(txn))
        report_add(report, ANOMALY_WRONG_LOG, "%s was acknowledged, and the log has no such id",
                   txn->id);
    if (txn->outcome == HISTORY_ABORTED && txn->logged == HISTORY_LOGGED)
        report_add(report, ANOMALY_WRONG_LOG, "%s was aborted, and its id is in the log", txn->id);
}

void check_writes(const struct versions *v, struct report *report)
{
    for (size_t t = 0; t < v->history->txn_count; t++)
        check_log(v, t, report);
    for (size_t i = 0; i < v->write_count; i++) {
        const struct version_write *write = &v->writes[i];

        if (write->overwritten || !v->committed[write->txn])
            continue;
        if (!write->position && v->orders[write->key].complete)
            complain_missing(v, write, report);
        else if (write->position && !v->orders[write->key].is_register)
            check_sequence(v, write, report);
    }
}
