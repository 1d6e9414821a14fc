/* SPDX-License-Identifier: MIT */
/* Walks from commit to commit and prints the difference of a table. */
#include "core/follow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/db_private.h"
#include "core/scan.h"

#define LINE_BUFFER_BYTES (128 * 1024)

struct follow {
    struct db *db;
    struct uuid table;
    struct snapshot *at; /* after the last record that was gone through */
    int ended;           /* 0, or what every further read returns */
    struct err reason;

    bool behind;    /* the last call has stopped before the newest record */
    bool in_record; /* the record behind `at` is being gone through */
    struct record record;
    struct log_position position;
    struct draft draft;
    size_t member; /* the next one of it */

    struct table *before, *after; /* the commit that is being printed; `after` NULL: none is */
    uint64_t gone;                /* rows of `before` below this number are printed, if they went */
    struct scan scan;             /* of `before` */
    struct buf lines;             /* about rows that went, the first `used` bytes handed out */
    size_t used;
    uint64_t offset; /* in the rows of `after`: what comes and is not printed yet */
};

CLEANUP_POINTER(struct snapshot, snapshot_unref)

int follow_create(struct db *db, struct snapshot *from, struct uuid uuid,
                  struct follow **ret_follow)
{
    struct table *table = snapshot_table(from, uuid);
    struct follow *follow;

    if (!table)
        return -ENOENT;
    follow = calloc(1, sizeof *follow);
    if (!follow)
        return -ENOMEM;
    follow->db = db;
    follow->table = uuid;
    follow->at = snapshot_ref(from);
    follow->before = table_ref(table);
    *ret_follow = follow;
    return 0;
}

static void end_record(struct follow *follow)
{
    if (!follow->in_record)
        return;
    record_finish(&follow->record);
    draft_abandon(&follow->draft);
    follow->in_record = false;
}

void follow_destroy(struct follow *follow)
{
    if (!follow)
        return;
    if (follow->after)
        scan_finish(&follow->scan);
    end_record(follow);
    buf_finish(&follow->lines);
    table_unref(follow->before);
    table_unref(follow->after);
    snapshot_unref(follow->at);
    free(follow);
}

/* --- from commit to commit --------------------------------------------------------- */

/* The record behind `at`, if it is known that there is one: 1, or 0. */
static int begin_record(struct follow *follow, struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *head = db_head(follow->db);
    uint64_t seq = follow->at->position.seq + 1;
    int r;

    if (seq > head->position.seq)
        return 0;
    r = log_read_known(db_store(follow->db), seq, &follow->record, &follow->position, err);
    if (!r && draft_begin(follow->at, &follow->draft) < 0) {
        record_finish(&follow->record);
        return err_nomem(err);
    }
    if (r < 0)
        return r;
    follow->in_record = true;
    follow->member = 0;
    /* `at` can be a state of the past that lies within this record. */
    while (follow->member < follow->record.member_count &&
           follow->record.members[follow->member].version <= follow->at->version)
        follow->member++;
    return 1;
}

/* How many bytes the commit has appended to the table, which stand at its end. */
static uint64_t appended_bytes(const struct follow *follow, const struct member *member)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < member->action_count; i++) {
        const struct action *action = &member->actions[i];

        if (!uuid_equal(action->table, follow->table))
            continue;
        if (action->op == ACTION_CLEAR)
            bytes = 0;
        for (size_t j = 0; action->op == ACTION_APPEND && j < action->extent_count; j++)
            bytes += action->extents[j].bytes;
    }
    return bytes;
}

/* After a commit: whether it has changed the rows, so that there is something to print. */
static int look_at_table(struct follow *follow, const struct member *member, struct err *err)
{
    struct table *after = snapshot_table(follow->draft.next, follow->table);

    if (!after)
        return err_set(err, -ENOENT, "table %s was dropped", follow->before->name);
    if (after->version == follow->before->version)
        return 0;
    follow->after = table_ref(after);
    follow->gone = 0;
    scan_init(&follow->scan, db_store(follow->db), follow->before);
    follow->offset = table_bytes(after) - appended_bytes(follow, member);
    return 1;
}

/* The next commit: 1 if it has changed the rows, 0 if not. */
static int apply_next(struct follow *follow, struct err *err)
{
    int r = draft_apply_member(&follow->draft, &follow->record, follow->member, err);

    return r < 0 ? r : look_at_table(follow, &follow->record.members[follow->member++], err);
}

static void leave_record(struct follow *follow)
{
    snapshot_unref(follow->at);
    follow->at = draft_finish(&follow->draft, &follow->position, follow->record.read_only);
    end_record(follow);
}

/* To the next commit that has changed the rows: 1, or 0 when there is none yet. */
static int advance(struct follow *follow, struct err *err)
{
    int r;

    for (unsigned records = 0; records < FOLLOW_RECORDS; records++) {
        if (!follow->in_record) {
            r = begin_record(follow, err);
            if (r <= 0)
                return r;
        }
        while (follow->member < follow->record.member_count) {
            r = apply_next(follow, err);
            if (r)
                return r;
        }
        leave_record(follow);
    }
    follow->behind = true;
    return 0;
}

bool follow_is_behind(const struct follow *follow)
{
    return follow->behind;
}

/* --- printing a commit ---------------------------------------------------------------- */

/* A line about the row numbered `gone`, which `after` has not. */
static int print_gone(struct follow *follow, struct err *err)
{
    uint64_t ordinal = table_rows_before(follow->before, follow->gone);
    const char *row;
    size_t bytes;
    int r = 0;

    if (follow->scan.row != ordinal)
        r = scan_seek(&follow->scan, ordinal, err);
    if (!r)
        r = scan_next(&follow->scan, &row, &bytes, err);
    if (r < 0)
        return r;
    if (buf_append(&follow->lines, "{\"$op\":\"delete\",\"row\":", 22) < 0 ||
        buf_append(&follow->lines, row, bytes) < 0 || buf_append(&follow->lines, "}\n", 2) < 0)
        return err_nomem(err);
    return 0;
}

/* Fills the buffer with lines about rows that went. */
static int print_lines(struct follow *follow, struct err *err)
{
    uint64_t end = follow->before->appended;
    int r = 0;

    follow->lines.bytes = follow->used = 0;
    while (!r && follow->lines.bytes < LINE_BUFFER_BYTES) {
        follow->gone = table_first_missing(follow->before, follow->after, follow->gone, end);
        if (follow->gone == end)
            break;
        r = print_gone(follow, err);
        follow->gone++;
    }
    return r;
}

static void end_commit(struct follow *follow)
{
    scan_finish(&follow->scan);
    table_unref(follow->before);
    follow->before = steal_pointer(follow->after);
    buf_finish(&follow->lines);
    follow->used = 0;
}

/* More of the commit that is being printed; 0: that was all. */
static int print(struct follow *follow, void *buf, size_t bytes, struct err *err)
{
    size_t n;
    int r;

    if (follow->used == follow->lines.bytes && follow->gone < follow->before->appended) {
        r = print_lines(follow, err);
        if (r < 0)
            return r;
    }
    n = follow->lines.bytes - follow->used;
    if (n) {
        n = n < bytes ? n : bytes;
        memcpy(buf, follow->lines.data + follow->used, n);
        follow->used += n;
        return (int)n;
    }
    r = table_read(db_store(follow->db), follow->after, buf, bytes, follow->offset, err);
    if (r > 0)
        follow->offset += (uint64_t)r;
    return r;
}

/* Whether the commit that is being printed has more. */
static bool has_more(const struct follow *follow)
{
    return follow->used < follow->lines.bytes || follow->offset < table_bytes(follow->after) ||
           table_first_missing(follow->before, follow->after, follow->gone,
                               follow->before->appended) < follow->before->appended;
}

static int end_with(struct follow *follow, int code, const struct err *reason, struct err *err)
{
    follow->ended = code;
    follow->reason = *reason;
    if (err)
        *err = *reason;
    return code;
}

int follow_has_more(struct follow *follow, struct err *err)
{
    struct err reason = ERR_INIT;
    int r;

    if (follow->ended < 0) {
        if (err)
            *err = follow->reason;
        return follow->ended;
    }
    follow->behind = false;
    for (;;) {
        if (follow->after && has_more(follow))
            return 1;
        if (follow->after)
            end_commit(follow);
        r = advance(follow, &reason);
        if (r < 0)
            return end_with(follow, r, &reason, err);
        if (!r)
            return 0;
    }
}

int follow_read(struct follow *follow, void *buf, size_t bytes, struct err *err)
{
    struct err reason = ERR_INIT;
    int r = follow_has_more(follow, err);

    if (r <= 0)
        return r;
    r = print(follow, buf, bytes, &reason);
    return r < 0 ? end_with(follow, r, &reason, err) : r;
}
