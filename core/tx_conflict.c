/* SPDX-License-Identifier: MIT */
/*
 * Who won, and over which rows. A refused commit knows that the table has changed
 * and not by whom; the log does. Read only when a transaction has lost.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/db_private.h"
#include "core/scan.h"
#include "core/tx_private.h"

#define EXPLAIN_RECORDS 10000 /* read back at most; more of them, and only a bound is told */
#define SAMPLES         3
#define SAMPLE_BYTES    1000

/* --- the winner ------------------------------------------------------------------------- */

/* Whether a run of rows is among those that the transaction deletes. */
static bool deletes_too(const struct touched *touched, const struct extent_ref *run)
{
    if (touched->cleared)
        return run->row < touched->base->appended;
    for (size_t i = 0; i < touched->deleted_count; i++)
        if (touched->deleted[i].row < run->row + run->rows &&
            run->row < touched->deleted[i].row + touched->deleted[i].rows)
            return true;
    return false;
}

static bool deletes_same_rows(const struct action *action, const struct touched *touched)
{
    if (action->op == ACTION_CLEAR)
        return true;
    for (size_t i = 0; action->op == ACTION_DELETE && i < action->extent_count; i++)
        if (deletes_too(touched, &action->extents[i]))
            return true;
    return false;
}

static bool names_table(enum action_op op)
{
    return op == ACTION_CREATE || op == ACTION_DROP || op == ACTION_RENAME || op == ACTION_SCHEMA;
}

/* Whether the row of that number came by this action; `*appended` counts those that have come. */
static bool brings_row(const struct action *action, uint64_t row, uint64_t *appended)
{
    for (size_t i = 0; action->op == ACTION_APPEND && i < action->extent_count; i++)
        *appended += action->extents[i].rows;
    return *appended > row;
}

/* The same of a row that was read, or has come: whether the action has brought or deleted it. */
static bool concerns_row(const struct action *action, const struct conflict *conflict,
                         uint64_t *appended)
{
    uint64_t row = conflict->row;

    if (row >= conflict->base->appended)
        return brings_row(action, row, appended);
    if (action->op == ACTION_CLEAR)
        return row < action->before;
    for (size_t i = 0; action->op == ACTION_DELETE && i < action->extent_count; i++)
        if (action->extents[i].row <= row && row < action->extents[i].row + action->extents[i].rows)
            return true;
    return false;
}

/* Whether this is the action that the conflict is with. */
static bool is_cause(const struct conflict *conflict, const struct touched *touched,
                     const struct action *action, uint64_t *appended)
{
    bool same = uuid_equal(action->table, conflict->table);

    switch (conflict->kind) {
    case CONFLICT_LIST:
        return names_table(action->op);
    case CONFLICT_ROWS:
        return same && deletes_same_rows(action, touched);
    case CONFLICT_READ:
        return same &&
               (conflict->row == CONFLICT_ANY_ROW || concerns_row(action, conflict, appended));
    case CONFLICT_KEY:
        return same && brings_row(action, conflict->row, appended);
    case CONFLICT_NAMES:
        if (!conflict->base) /* it has taken a name of ours */
            return same && names_table(action->op) && !strcmp(action->name, conflict->now->name);
        /* Where we have named it any change counts, otherwise only another name. */
        return same && (names_table(action->op) || touched->named || touched->schema);
    default:
        return false;
    }
}

/* The first commit after the base that is the cause, in one record; 0: none of it. */
static uint64_t find_in_record(const struct tx *tx, const struct conflict *conflict,
                               const struct touched *touched, const struct record *record,
                               uint64_t *appended)
{
    for (size_t i = 0; i < record->member_count; i++) {
        const struct member *member = &record->members[i];

        for (size_t j = 0; j < member->action_count && member->version > tx->base_version; j++)
            if (is_cause(conflict, touched, &member->actions[j], appended))
                return member->version;
    }
    return 0;
}

static uint64_t find_winner(struct tx *tx, const struct conflict *conflict)
{
    /* Not one more: its status may be read meanwhile. */
    const struct touched *touched = tx_touched(tx, conflict->table);
    uint64_t seq = tx->base->position.seq, version = 0;
    uint64_t appended = conflict->base ? conflict->base->appended : 0;

    for (unsigned i = 0; i < EXPLAIN_RECORDS && !version; i++) {
        cleanup(record_finish) struct record record = {0};
        struct log_position position;

        if (log_read(db_store(tx->db), ++seq, &record, &position, NULL) < 0)
            break;
        version = find_in_record(tx, conflict, touched, &record, &appended);
    }
    return version;
}

/* --- the rows ------------------------------------------------------------------------------ */

static json_t *read_row(struct store *store, struct table *table, uint64_t row)
{
    struct scan scan;
    const char *text;
    size_t bytes;
    json_t *string = NULL;

    scan_init(&scan, store, table);
    if (scan_seek(&scan, table_rows_before(table, row), NULL) == 0 &&
        scan_next(&scan, &text, &bytes, NULL) == 1)
        /* A long one is cut; nocheck: perhaps within a character, which is then no UTF-8. */
        string = bytes <= SAMPLE_BYTES ? json_stringn_nocheck(text, bytes)
                                       : json_pack("s", "(a long row)");
    scan_finish(&scan);
    return string;
}

static void add_sample(struct tx *tx, struct table *table, uint64_t row)
{
    if (json_array_size(tx->failure.samples) < SAMPLES)
        json_array_append_new(tx->failure.samples, read_row(db_store(tx->db), table, row));
}

/* The rows of [from, to) that the base has and that are gone now. */
static void sample_missing(struct tx *tx, const struct conflict *conflict, uint64_t from,
                           uint64_t to)
{
    struct table *base = conflict->base, *now = conflict->now;
    uint64_t was = table_rows_before(base, to) - table_rows_before(base, from);

    tx->failure.rows += was - (table_rows_before(now, to) - table_rows_before(now, from));
    while (json_array_size(tx->failure.samples) < SAMPLES) {
        uint64_t row = table_first_missing(base, now, from, to);

        if (row == to)
            break;
        add_sample(tx, base, row);
        from = row + 1;
    }
}

static void sample_rows(struct tx *tx, const struct conflict *conflict)
{
    const struct touched *touched = tx_touched(tx, conflict->table);

    tx->failure.samples = json_array();
    if (conflict->kind == CONFLICT_KEY) {
        tx->failure.rows = 1;
        add_sample(tx, conflict->now, conflict->row);
    } else if (touched->cleared) {
        sample_missing(tx, conflict, 0, conflict->base->appended);
    } else {
        for (size_t i = 0; i < touched->deleted_count; i++)
            sample_missing(tx, conflict, touched->deleted[i].row,
                           touched->deleted[i].row + touched->deleted[i].rows);
    }
}

static void set_reason(struct tx_failure *failure, const char *what)
{
    struct err *err = &failure->reason;
    int code = -ECANCELED;

    if (!failure->version)
        err_set(err, code, "conflict: %s", what);
    else
        err_set(err, code, "conflict with %sversion %" PRIu64 ": %s",
                failure->exact ? "" : "a commit up to ", failure->version, what);
}

void tx_explain_conflict(struct tx *tx, const struct conflict *conflict, const char *what)
{
    struct tx_failure *failure = &tx->failure;
    const struct table *named = conflict->base ? conflict->base : conflict->now;
    const struct table *now = conflict->now;

    if (conflict->kind == CONFLICT_ID)
        return;
    failure->version = find_winner(tx, conflict);
    failure->exact = failure->version > 0;
    if (!failure->exact && now)
        failure->version = now->version > now->named_version ? now->version : now->named_version;
    failure->table = named ? strdup(named->name) : NULL;
    if (conflict->kind == CONFLICT_ROWS || conflict->kind == CONFLICT_KEY)
        sample_rows(tx, conflict);
    set_reason(failure, what);
}
