/* SPDX-License-Identifier: MIT */
/* Who wrote what, what each transaction found, and the order of the lists. */
#include "tests/history/versions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/history/array.h"

/* --- writes ----------------------------------------------------------------------------- */

static size_t slot_of(const struct versions *v, int64_t value)
{
    size_t slot = (size_t)((uint64_t)value * UINT64_C(0x9e3779b97f4a7c15) >> 20) & v->slot_mask;

    while (v->slots[slot] && v->writes[v->slots[slot] - 1].value != value)
        slot = (slot + 1) & v->slot_mask;
    return slot;
}

static struct version_write *find_value(const struct versions *v, int64_t value)
{
    size_t slot = slot_of(v, value);

    return v->slots[slot] ? &v->writes[v->slots[slot] - 1] : NULL;
}

struct version_write *versions_find(const struct versions *v, size_t key, int64_t value)
{
    struct version_write *write = find_value(v, value);

    return write && write->key == key ? write : NULL;
}

size_t versions_writer(const struct versions *v, const struct version_order *order, size_t i)
{
    size_t write = order->writes[i];

    return write == VERSIONS_NONE ? VERSIONS_NONE : v->writes[write].txn;
}

/* What a replace found there first, through those that the same transaction made before it. */
static int64_t origin_of(struct versions *v, size_t txn, const struct history_op *op)
{
    for (size_t i = v->write_count; i-- > v->first_write[txn];) {
        if (v->writes[i].key == op->key) {
            v->writes[i].overwritten = true;
            return v->writes[i].origin;
        }
    }
    return op->previous;
}

static int check_kind(struct versions *v, const struct history_op *op, struct err *err)
{
    struct version_order *order = &v->orders[op->key];
    bool is_register = op->kind == HISTORY_REPLACE;

    if (order->count++ && order->is_register != is_register)
        return err_set(err, -EINVAL, "%s is both appended to and replaced",
                       v->history->keys[op->key]);
    order->is_register = is_register;
    return 0;
}

static int add_write(struct versions *v, size_t txn, const struct history_op *op, struct err *err)
{
    size_t slot = slot_of(v, op->value);
    int r = check_kind(v, op, err);

    if (r < 0)
        return r;
    if (v->slots[slot])
        return err_set(err, -EINVAL, "%" PRId64 " is written twice", op->value);
    v->writes[v->write_count] = (struct version_write){
        .value = op->value, .txn = txn, .key = op->key, .amount = op->amount};
    if (op->kind == HISTORY_REPLACE)
        v->writes[v->write_count].origin = origin_of(v, txn, op);
    v->slots[slot] = ++v->write_count;
    return 0;
}

static int add_writes(struct versions *v, struct err *err)
{
    for (size_t t = 0; t < v->history->txn_count; t++) {
        const struct history_txn *txn = &v->history->txns[t];

        v->first_write[t] = v->write_count;
        for (size_t i = 0; i < txn->op_count; i++) {
            int r = txn->ops[i].kind == HISTORY_READ ? 0 : add_write(v, t, &txn->ops[i], err);

            if (r < 0)
                return err_prefix(err, r, "%s", txn->id);
        }
    }
    v->first_write[v->history->txn_count] = v->write_count;
    for (size_t k = 0; k < v->history->key_count; k++)
        v->orders[k].count = 0; /* it counted the writes until here */
    return 0;
}

/* --- reads ------------------------------------------------------------------------------ */

/* Takes the transaction's own appends off the end of a read; false: they are not there. */
static bool strip_appends(const struct history_txn *txn, size_t i, size_t *ret_count)
{
    const struct history_op *read = &txn->ops[i];
    size_t count = read->value_count;

    while (i-- > 0) {
        const struct history_op *op = &txn->ops[i];

        if (op->kind != HISTORY_APPEND || op->key != read->key)
            continue;
        if (!count || read->values[count - 1] != op->value)
            return false;
        count--;
    }
    *ret_count = count;
    return true;
}

/* The last replace of a key before operation i; NULL: none. */
static const struct history_op *own_replace(const struct history_txn *txn, size_t i)
{
    size_t key = txn->ops[i].key;

    while (i-- > 0)
        if (txn->ops[i].kind == HISTORY_REPLACE && txn->ops[i].key == key)
            return &txn->ops[i];
    return NULL;
}

static void add_read(struct versions *v, size_t txn, size_t key, const int64_t *values,
                     size_t count, struct report *report)
{
    for (size_t i = v->first_read[txn]; i < v->read_count; i++) {
        const struct version_read *read = &v->reads[i];

        if (read->key != key)
            continue;
        if (read->count != count || (count && memcmp(read->values, values, count * sizeof *values)))
            report_add(report, ANOMALY_NON_REPEATABLE_READ,
                       "%s read %s twice, and it had %zu values and then %zu, or others",
                       v->history->txns[txn].id, v->history->keys[key], read->count, count);
        return;
    }
    *ARRAY_ADD(v->reads, v->read_count) = (struct version_read){
        .txn = txn, .key = key, .values = values, .count = count, .seen = VERSIONS_NONE};
}

static void complain_internal(const struct versions *v, size_t txn, const struct history_op *op,
                              struct report *report)
{
    report_add(report, ANOMALY_INTERNAL, "%s %s %s, and what it had written itself is not there",
               v->history->txns[txn].id, op->kind == HISTORY_READ ? "read" : "replaced",
               v->history->keys[op->key]);
}

static void collect_list_read(struct versions *v, size_t t, size_t i, struct report *report)
{
    const struct history_txn *txn = &v->history->txns[t];
    const struct history_op *op = &txn->ops[i];
    size_t count;

    if (strip_appends(txn, i, &count))
        add_read(v, t, op->key, op->values, count, report);
    else
        complain_internal(v, t, op, report);
}

/* A replace is a read of what it replaced. */
static void collect_register_read(struct versions *v, size_t t, size_t i, struct report *report)
{
    const struct history_txn *txn = &v->history->txns[t];
    const struct history_op *op = &txn->ops[i], *own = own_replace(txn, i);
    const int64_t *values = op->kind == HISTORY_READ ? op->values : &op->previous;
    size_t count = op->kind == HISTORY_READ ? op->value_count : op->previous != 0;

    if (!own)
        add_read(v, t, op->key, values, count, report);
    else if (count != 1 || values[0] != own->value)
        complain_internal(v, t, op, report);
}

static void collect_reads(struct versions *v, struct report *report)
{
    for (size_t t = 0; t < v->history->txn_count; t++) {
        const struct history_txn *txn = &v->history->txns[t];

        v->first_read[t] = v->read_count;
        for (size_t i = 0; i < txn->op_count; i++) {
            if (v->orders[txn->ops[i].key].is_register)
                collect_register_read(v, t, i, report);
            else if (txn->ops[i].kind == HISTORY_READ)
                collect_list_read(v, t, i, report);
        }
    }
    v->first_read[v->history->txn_count] = v->read_count;
}

/* --- orders ----------------------------------------------------------------------------- */

/* The final read of each key, or else the longest. */
static void choose_readers(struct versions *v)
{
    for (size_t i = 0; i < v->read_count; i++) {
        const struct version_read *read = &v->reads[i];
        struct version_order *order = &v->orders[read->key];
        bool final = v->history->txns[read->txn].final;

        if (order->complete)
            continue;
        if (final || order->reader == VERSIONS_NONE || read->count > v->reads[order->reader].count)
            order->reader = i;
        order->complete = final;
    }
}

static void order_list(struct versions *v, size_t key)
{
    struct version_order *order = &v->orders[key];
    const struct version_read *read = &v->reads[order->reader];

    order->writes = array_new(read->count, sizeof *order->writes);
    order->count = read->count;
    for (size_t i = 0; i < read->count; i++) {
        struct version_write *write = versions_find(v, key, read->values[i]);

        order->writes[i] = write && !write->position ? (size_t)(write - v->writes) : VERSIONS_NONE;
        if (write && !write->position)
            write->position = i + 1;
    }
}

/* How many versions each read of a list saw, if it is a prefix of the order. */
static void place_list_reads(struct versions *v)
{
    for (size_t i = 0; i < v->read_count; i++) {
        struct version_read *read = &v->reads[i];
        const struct version_order *order = &v->orders[read->key];
        const struct version_read *whole = order->is_register ? NULL : &v->reads[order->reader];

        if (whole && read->count <= whole->count &&
            memcmp(read->values, whole->values, read->count * sizeof *read->values) == 0)
            read->seen = read->count;
    }
}

static void place_register_reads(struct versions *v)
{
    for (size_t i = 0; i < v->read_count; i++) {
        struct version_read *read = &v->reads[i];
        const struct version_write *write;

        if (!v->orders[read->key].is_register || read->count > 1)
            continue;
        write = read->count ? versions_find(v, read->key, read->values[0]) : NULL;
        if (!read->count || (write && write->position))
            read->seen = write ? write->position : 0;
    }
}

static int make_orders(struct versions *v, struct report *report, struct err *err)
{
    choose_readers(v);
    for (size_t k = 0; k < v->history->key_count; k++) {
        int r = 0;

        if (v->orders[k].is_register)
            r = versions_walk_register(v, k, report, err);
        else if (v->orders[k].reader != VERSIONS_NONE)
            order_list(v, k);
        if (r < 0)
            return r;
    }
    place_list_reads(v);
    place_register_reads(v);
    return 0;
}

/* --- outcomes --------------------------------------------------------------------------- */

static bool is_seen(const struct versions *v, size_t txn)
{
    for (size_t i = v->first_write[txn]; i < v->first_write[txn + 1]; i++)
        if (v->writes[i].position)
            return true;
    return false;
}

static void decide_outcomes(struct versions *v)
{
    for (size_t t = 0; t < v->history->txn_count; t++) {
        const struct history_txn *txn = &v->history->txns[t];

        if (txn->outcome != HISTORY_UNKNOWN)
            v->committed[t] = txn->outcome == HISTORY_OK;
        else if (txn->logged != HISTORY_NOT_ASKED)
            v->committed[t] = txn->logged == HISTORY_LOGGED;
        else
            v->committed[t] = is_seen(v, t);
    }
}

static void allocate(struct versions *v)
{
    const struct history *history = v->history;
    size_t writes = 0, slots = 16;

    for (size_t t = 0; t < history->txn_count; t++)
        writes += history->txns[t].op_count;
    while (slots < 2 * writes)
        slots *= 2;
    v->writes = array_new(writes, sizeof *v->writes);
    v->slots = array_new(slots, sizeof *v->slots);
    v->slot_mask = slots - 1;
    v->first_write = array_new(history->txn_count + 1, sizeof *v->first_write);
    v->first_read = array_new(history->txn_count + 1, sizeof *v->first_read);
    v->committed = array_new(history->txn_count, sizeof *v->committed);
    v->orders = array_new(history->key_count, sizeof *v->orders);
    for (size_t k = 0; k < history->key_count; k++)
        v->orders[k].reader = VERSIONS_NONE;
}

int versions_init(struct versions *v, const struct history *history, struct report *report,
                  struct err *err)
{
    int r;

    *v = (struct versions){.history = history};
    allocate(v);
    r = add_writes(v, err);
    if (r < 0)
        return r;
    collect_reads(v, report);
    r = make_orders(v, report, err);
    if (r < 0)
        return r;
    decide_outcomes(v);
    return 0;
}

void versions_finish(struct versions *v)
{
    if (v->orders)
        for (size_t k = 0; k < v->history->key_count; k++)
            free(v->orders[k].writes);
    free(v->orders);
    free(v->writes);
    free(v->slots);
    free(v->reads);
    free(v->first_write);
    free(v->first_read);
    free(v->committed);
    *v = (struct versions){0};
}
