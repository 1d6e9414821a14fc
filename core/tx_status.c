/* SPDX-License-Identifier: MIT */
/* The file `status` of a transaction. */
#include "core/base/jsonbuf.h"
#include "core/base/timefmt.h"
#include "core/tx_private.h"

static const char *state_name(enum tx_state state)
{
    static const char *const names[] = {
        [TX_OPEN] = "open",       [TX_COMMITTING] = "committing", [TX_COMMITTED] = "committed",
        [TX_ABORTED] = "aborted", [TX_UNKNOWN] = "unknown",
    };

    return names[state];
}

/* What was buffered: a table's part of it; NULL: it was only read, or made and dropped again. */
static json_t *print_table(struct tx *tx, const struct touched *touched)
{
    const struct table *table = snapshot_table(tx->view, touched->table);
    const struct table *base = touched->base;
    uint64_t old = table ? tx_rows_of_base(table, base) : 0;
    uint64_t appended = table ? table_rows(table) - old : 0;
    uint64_t deleted = base ? table_rows(base) - old : 0;

    if ((!table && !base) || (!appended && !deleted && !touched->named))
        return NULL;
    return json_pack("{ss sI sI ss*}", "table", table ? table->name : base->name, "rows_appended",
                     (json_int_t)appended, "rows_deleted", (json_int_t)deleted, "made",
                     touched->named ? (!base    ? "created"
                                       : !table ? "dropped"
                                                : "renamed")
                                    : NULL);
}

static json_t *print_tables(struct tx *tx)
{
    json_t *tables = json_array();

    for (const struct touched *t = tx->touched; t && tx->view; t = t->next) {
        json_t *table = print_table(tx, t);

        if (table)
            json_array_append_new(tables, table);
    }
    return tables;
}

static json_t *print_writers(const struct tx_writer *writers, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{si}", "pid", writers[i].pid));
    return list;
}

static void print_failure(const struct tx *tx, json_t *status)
{
    const struct tx_failure *failure = &tx->failure;

    json_object_set_new(status, "errno", json_string(err_name(failure->code)));
    json_object_set_new(status, "reason", json_string(failure->reason.text));
    json_object_set_new(status, "retry", json_boolean(failure->retry));
    if (!failure->version)
        return;
    /* `exact` false: some commit up to this one, which is the last that has changed the table. */
    json_object_set_new(status, "conflict",
                        json_pack("{sI sb ss* sI sO*}", "version", (json_int_t)failure->version,
                                  "exact", failure->exact, "table", failure->table, "rows",
                                  (json_int_t)failure->rows, "samples", failure->samples));
}

int tx_print_status(struct tx *tx, const struct tx_writer *writers, size_t writer_count,
                    struct buf *buf)
{
    char began[TIMEFMT_BYTES + 1];
    json_t *status;

    time_to_text(tx->began_usec, began);
    pthread_mutex_lock(&tx->lock);
    status = json_pack("{ss ss ss ss sI}", "id", tx->id, "state", state_name(tx->state),
                       "isolation", tx->serializable ? "serializable" : "snapshot", "began", began,
                       "base", (json_int_t)tx->base_version);
    if (tx->state == TX_COMMITTED) {
        json_object_set_new(status, "version", json_integer((json_int_t)tx->version));
        json_object_set_new(status, "rebases", json_integer((json_int_t)tx->rebases));
    } else if (tx->state >= TX_ABORTED) {
        print_failure(tx, status);
    } else {
        if (tx->failure.code) /* of the last try to commit */
            print_failure(tx, status);
        json_object_set_new(status, "bytes_written", json_integer((json_int_t)tx->bytes));
        json_object_set_new(status, "tables", print_tables(tx));
        json_object_set_new(status, "writers", print_writers(writers, writer_count));
    }
    pthread_mutex_unlock(&tx->lock);
    return jsonbuf_print(buf, status, JSON_INDENT(2));
}

int tx_print_committed(const char *id, uint64_t version, struct buf *buf)
{
    return jsonbuf_print(
        buf,
        json_pack("{ss ss sI}", "id", id, "state", "committed", "version", (json_int_t)version),
        JSON_INDENT(2));
}
