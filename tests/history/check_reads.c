/* SPDX-License-Identifier: MIT */
/* Values that must not be where they were read. */
#include <inttypes.h>

#include "tests/history/array.h"
#include "tests/history/check_values.h"

struct look {
    const struct versions *versions;
    struct report *report;
    size_t *read_of; /* per write: the last read that had it, plus one */
};

static const char *reader_id(const struct look *look, const struct version_read *read)
{
    return look->versions->history->txns[read->txn].id;
}

static const char *key_name(const struct look *look, const struct version_read *read)
{
    return look->versions->history->keys[read->key];
}

static bool is_known(const struct look *look, const struct version_read *read,
                     const struct version_write *write, int64_t value)
{
    if (!write)
        report_add(look->report, ANOMALY_UNKNOWN_VALUE,
                   "%s read %" PRId64 " of %s, and nobody wrote it there", reader_id(look, read),
                   value, key_name(look, read));
    return write;
}

static bool is_committed(const struct look *look, const struct version_read *read,
                         const struct version_write *write)
{
    const struct versions *v = look->versions;
    const struct history_txn *writer = &v->history->txns[write->txn];
    bool gone = writer->outcome == HISTORY_UNKNOWN && writer->logged == HISTORY_NOT_ASKED;

    if (v->committed[write->txn])
        return true;
    if (gone)
        report_add(look->report, ANOMALY_LOST_WRITE,
                   "%s read %" PRId64 " of %s, which %s wrote, and in the end it is gone",
                   reader_id(look, read), write->value, key_name(look, read), writer->id);
    else
        report_add(look->report, ANOMALY_ABORTED_READ,
                   "%s read %" PRId64 " of %s, which %s wrote, and that never committed",
                   reader_id(look, read), write->value, key_name(look, read), writer->id);
    return false;
}

static bool is_single(const struct look *look, const struct version_read *read,
                      const struct version_write *write)
{
    size_t *last = &look->read_of[write - look->versions->writes];
    size_t this = (size_t)(read - look->versions->reads) + 1;
    bool again = *last == this;

    *last = this;
    if (again)
        report_add(look->report, ANOMALY_DUPLICATE_VALUE, "%s read %" PRId64 " of %s twice",
                   reader_id(look, read), write->value, key_name(look, read));
    return !again;
}

/*
 * What was in a list is in it in the end. (A row of a register that is not among
 * its versions was lost by a fork, or was never meant for others: reported there.)
 */
static bool is_kept(const struct look *look, const struct version_read *read,
                    const struct version_write *write)
{
    const struct version_order *order = &look->versions->orders[write->key];

    if (write->position || order->is_register || !order->complete)
        return true;
    report_add(look->report, ANOMALY_LOST_WRITE,
               "%s read %" PRId64 " of %s, which %s wrote, and in the end it is gone",
               reader_id(look, read), write->value, key_name(look, read),
               look->versions->history->txns[write->txn].id);
    return false;
}

static bool look_at_values(const struct look *look, const struct version_read *read)
{
    bool good = true;

    for (size_t i = 0; i < read->count; i++) {
        const struct version_write *write =
            versions_find(look->versions, read->key, read->values[i]);

        good = is_known(look, read, write, read->values[i]) && is_single(look, read, write) &&
               is_committed(look, read, write) && is_kept(look, read, write) && good;
    }
    return good;
}

static void look_at_list(const struct look *look, const struct version_read *read)
{
    const struct versions *v = look->versions;
    const struct version_order *order = &v->orders[read->key];
    bool is_order = read == &v->reads[order->reader];

    /* A prefix of the order has only what is in the order, which is looked at once. */
    if (read->seen != VERSIONS_NONE && !is_order)
        return;
    if (look_at_values(look, read) && !is_order)
        report_add(look->report, ANOMALY_INCOMPATIBLE_ORDER,
                   "%s and %s read %s, and neither list is the beginning of the other",
                   reader_id(look, read), reader_id(look, &v->reads[order->reader]),
                   key_name(look, read));
}

static void look_at_row(const struct look *look, const struct version_read *read)
{
    const struct version_write *write;

    if (read->count > 1)
        report_add(look->report, ANOMALY_DUPLICATE_VALUE, "%s read %zu rows of %s, which has one",
                   reader_id(look, read), read->count, key_name(look, read));
    if (!look_at_values(look, read) || !read->count)
        return;
    write = versions_find(look->versions, read->key, read->values[0]);
    if (write->overwritten && write->txn != read->txn)
        report_add(look->report, ANOMALY_INTERMEDIATE_READ,
                   "%s read %" PRId64 " of %s, which %s had replaced itself", reader_id(look, read),
                   write->value, key_name(look, read),
                   look->versions->history->txns[write->txn].id);
}

void check_reads(const struct versions *v, struct report *report)
{
    struct look look = {.versions = v, .report = report};

    look.read_of = array_new(v->write_count, sizeof *look.read_of);
    for (size_t i = 0; i < v->read_count; i++) {
        if (v->orders[v->reads[i].key].is_register)
            look_at_row(&look, &v->reads[i]);
        else
            look_at_list(&look, &v->reads[i]);
    }
    free(look.read_of);
}
