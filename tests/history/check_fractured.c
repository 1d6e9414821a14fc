/* SPDX-License-Identifier: MIT */
/* Reads that saw a part of a transaction. */
#include <inttypes.h>

#include "tests/history/array.h"
#include "tests/history/check_values.h"

/* The last place in a key's order where a transaction has a value; 0: none. */
static size_t last_position(const struct versions *v, size_t txn, size_t key)
{
    size_t last = 0;

    for (size_t i = v->first_write[txn]; i < v->first_write[txn + 1]; i++)
        if (v->writes[i].key == key && v->writes[i].position > last)
            last = v->writes[i].position;
    return last;
}

/*
 * For two keys: per length of a prefix of the one, how much of the other its
 * writers have written. Made when a pair is first asked for.
 */
struct pairs {
    const struct versions *versions;
    size_t **reach; /* [one * keys + other][length - 1] */
    size_t keys;
};

static const size_t *reach_of(struct pairs *pairs, size_t one, size_t other)
{
    const struct versions *v = pairs->versions;
    const struct version_order *order = &v->orders[one];
    size_t **reach = &pairs->reach[one * pairs->keys + other], last = 0;

    if (*reach)
        return *reach;
    *reach = array_new(order->count, sizeof **reach);
    for (size_t i = 0; i < order->count; i++) {
        size_t writer = versions_writer(v, order, i);
        size_t position = writer == VERSIONS_NONE ? 0 : last_position(v, writer, other);

        last = position > last ? position : last;
        (*reach)[i] = last;
    }
    return *reach;
}

static void check_pair(struct pairs *pairs, const struct version_read *one,
                       const struct version_read *other, struct report *report)
{
    const struct versions *v = pairs->versions;
    const char *const *keys = (const char *const *)v->history->keys;
    size_t needed = reach_of(pairs, one->key, other->key)[one->seen - 1];
    size_t writer;

    if (needed <= other->seen)
        return;
    writer = versions_writer(v, &v->orders[other->key], needed - 1);
    if (writer != one->txn && v->committed[writer])
        report_add(report, ANOMALY_FRACTURED_READ,
                   "%s saw what %s wrote to %s and not what it wrote to %s (%" PRId64 ")",
                   v->history->txns[one->txn].id, v->history->txns[writer].id, keys[one->key],
                   keys[other->key], v->writes[v->orders[other->key].writes[needed - 1]].value);
}

static void check_txn(struct pairs *pairs, size_t txn, struct report *report)
{
    const struct versions *v = pairs->versions;

    for (size_t i = v->first_read[txn]; i < v->first_read[txn + 1]; i++) {
        const struct version_read *one = &v->reads[i];

        if (one->seen == 0 || one->seen == VERSIONS_NONE)
            continue;
        for (size_t j = v->first_read[txn]; j < v->first_read[txn + 1]; j++)
            if (j != i && v->reads[j].seen != VERSIONS_NONE)
                check_pair(pairs, one, &v->reads[j], report);
    }
}

void check_fractured(const struct versions *v, struct report *report)
{
    struct pairs pairs = {.versions = v, .keys = v->history->key_count};

    pairs.reach = array_new(pairs.keys * pairs.keys, sizeof *pairs.reach);
    for (size_t t = 0; t < v->history->txn_count; t++)
        check_txn(&pairs, t, report);
    for (size_t k = 0; k < pairs.keys * pairs.keys; k++)
        free(pairs.reach[k]);
    free(pairs.reach);
}
