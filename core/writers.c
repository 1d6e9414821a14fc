/* SPDX-License-Identifier: MIT */
/* Lines of many writers on their way into a stage. */
#include "core/writers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/db_private.h"
#include "core/intake.h"
#include "core/rowcheck.h"

/* A process that has written and not closed. */
struct writer {
    uint64_t owner;
    bool opener;
    struct buf tail; /* its unfinished line */
    uint64_t lines;  /* that it has finished */
    bool refusing;   /* what comes belongs to a line that was dropped */
    struct writer *next;
};

/* What a run of lines is taken with. */
struct taker {
    const struct db_limits *limits;
    struct rowcheck *check;
    struct stage *stage;
    struct intake *intake; /* or NULL */
};

void writers_init(struct writers *writers, struct db *db)
{
    *writers = (struct writers){.db = db};
}

static void writer_destroy(struct writer *writer)
{
    buf_finish(&writer->tail);
    free(writer);
}

void writers_finish(struct writers *writers)
{
    while (writers->first) {
        struct writer *writer = writers->first;

        writers->first = writer->next;
        writer_destroy(writer);
    }
    buf_finish(&writers->leftover);
}

static struct writer *find(const struct writers *writers, uint64_t owner)
{
    struct writer *writer = writers->first;

    while (writer && writer->owner != owner)
        writer = writer->next;
    return writer;
}

bool writers_has(const struct writers *writers, uint64_t owner)
{
    return find(writers, owner);
}

bool writers_any_line(const struct writers *writers)
{
    for (const struct writer *writer = writers->first; writer; writer = writer->next)
        if (writer->tail.bytes)
            return true;
    return writers->leftover.bytes;
}

bool writers_has_line(const struct writers *writers, uint64_t owner)
{
    const struct writer *writer = find(writers, owner);

    return writer && writer->tail.bytes;
}

void writers_drop_line(struct writers *writers, uint64_t owner, bool rest_follows)
{
    struct writer *writer = find(writers, owner);

    if (!writer)
        return;
    writer->tail.bytes = 0;
    writer->refusing = rest_follows;
}

/* --- lines ------------------------------------------------------------------- */

static bool is_blank(const char *line, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
            return false;
    return true;
}

/* A row of `row` bytes that is to stand behind `before` others that are not staged yet. */
static int check_limits(const struct db_limits *limits, const struct stage *stage, size_t row,
                        size_t before, struct err *err)
{
    if (row > limits->row_bytes)
        return err_set(err, -EFBIG, "the row is longer than %" PRIu64 " bytes (row_limit)",
                       limits->row_bytes);
    if (stage_bytes(stage) + before + row >= limits->tx_bytes)
        return err_set(err, -EFBIG, "one commit may hold %" PRIu64 " bytes of rows (tx_limit)",
                       limits->tx_bytes);
    return 0;
}

/* Checks a row; `*ret_row` is what is to be staged. */
static int check_row(const struct taker *taker, const char *line, size_t bytes, size_t before,
                     struct slice *ret_row, struct err *err)
{
    int r = check_limits(taker->limits, taker->stage, bytes, before, err);

    *ret_row = slice_of(line, bytes);
    if (!r)
        r = rowcheck_line(taker->check, line, bytes, err);
    return r < 0 || !taker->intake ? r : intake_row(taker->intake, *ret_row, ret_row, err);
}

static int stage_checked(const struct taker *taker, const char *rows, size_t bytes, uint64_t count,
                         struct err *err)
{
    int r = stage_append(taker->stage, rows, bytes, count, err);

    return !r && taker->intake && intake_staged(taker->intake, taker->stage) < 0 ? err_nomem(err)
                                                                                 : r;
}

/* In one piece with its line feed: what is staged at once lies in one segment and is whole rows. */
static int stage_row(const struct taker *taker, struct slice row, struct err *err)
{
    cleanup_buf struct buf with_feed = {0};
    int r = check_limits(taker->limits, taker->stage, row.bytes, 0, err); /* it may have grown */

    if (r < 0)
        return r;
    if (buf_append(&with_feed, row.text, row.bytes) < 0 || buf_append(&with_feed, "\n", 1) < 0)
        return err_nomem(err);
    return stage_checked(taker, with_feed.data, with_feed.bytes, 1, err);
}

/*
 * One line with its line feed: into the stage, without CRs before the line feed, as the intake
 * has it, or not at all when it is blank.
 */
static int take_line(const struct taker *taker, const char *line, size_t bytes, struct err *err)
{
    size_t row_bytes = bytes - 1;
    struct slice row;
    int r;

    if (is_blank(line, row_bytes))
        return 0;
    while (line[row_bytes - 1] == '\r') /* not blank, so there is something else */
        row_bytes--;
    r = check_row(taker, line, row_bytes, 0, &row, err);
    if (r < 0)
        return r;
    if (row.text == line && row.bytes == bytes - 1)
        return stage_checked(taker, line, bytes, 1, err);
    return stage_row(taker, row, err);
}

/* Whether a line can be passed on as it is, together with its neighbours. */
static bool is_plain(const struct taker *taker, const char *line, size_t row)
{
    return row && line[0] == '{' && line[row - 1] != '\r' &&
           (!taker->intake || intake_keeps_rows(taker->intake));
}

/*
 * Complete lines, checked one by one; those that need no change are staged
 * together. `*lines` counts them for the refusal.
 */
static int take_checked(const struct taker *taker, const char *data, size_t bytes, uint64_t *lines,
                        struct err *err)
{
    const char *run = data, *end = data + bytes;
    uint64_t run_rows = 0;
    int r = 0;

    for (const char *line = data; line < end && !r;) {
        const char *feed = memchr(line, '\n', (size_t)(end - line));
        size_t row = (size_t)(feed - line);
        struct slice taken;

        ++*lines;
        if (is_plain(taker, line, row)) {
            r = check_row(taker, line, row, (size_t)(line - run), &taken, err);
            run_rows++;
        } else {
            if (line > run)
                r = stage_checked(taker, run, (size_t)(line - run), run_rows, err);
            if (!r)
                r = take_line(taker, line, row + 1, err);
            run = feed + 1;
            run_rows = 0;
        }
        line = feed + 1;
    }
    if (!r && end > run)
        r = stage_checked(taker, run, (size_t)(end - run), run_rows, err);
    if (r < 0 && err)
        err->line = *lines;
    return r;
}

int writers_take_row(struct writers *writers, struct stage *stage, struct rowcheck *check,
                     struct slice row, struct err *err)
{
    struct taker taker = {.limits = db_limits(writers->db),
                          .check = check,
                          .stage = stage,
                          .intake = writers->intake};
    int r = check_row(&taker, row.text, row.bytes, 0, &row, err);

    return r < 0 ? r : stage_row(&taker, row, err);
}

static int take_lines(struct writers *writers, struct stage *stage, const char *data, size_t bytes,
                      uint64_t *lines, struct err *err)
{
    struct taker taker = {
        .limits = db_limits(writers->db), .stage = stage, .intake = writers->intake};
    int r;

    taker.check = db_take_checker(writers->db);
    if (!taker.check)
        return err_nomem(err);
    r = take_checked(&taker, data, bytes, lines, err);
    db_return_checker(writers->db, taker.check);
    return r;
}

/* --- writers ----------------------------------------------------------------- */

/* The unfinished line that a writer without one is to continue: left over, or the opener's. */
static struct buf *find_unfinished(struct writers *writers)
{
    if (writers->leftover.bytes)
        return &writers->leftover;
    for (struct writer *writer = writers->first; writer; writer = writer->next)
        if (writer->opener && writer->tail.bytes)
            return &writer->tail;
    return NULL;
}

/* The writer's entry, made at its first write. */
static struct writer *get_writer(struct writers *writers, uint64_t owner, bool by_opener)
{
    struct writer *writer = find(writers, owner);
    struct buf *unfinished = NULL;

    if (!writer) {
        writer = calloc(1, sizeof *writer);
        if (!writer)
            return NULL;
        writer->owner = owner;
        writer->opener = by_opener;
        unfinished = find_unfinished(writers);
        writer->next = writers->first;
        writers->first = writer;
    } else if (!writer->tail.bytes && writers->leftover.bytes) {
        unfinished = &writers->leftover;
    }
    if (unfinished) {
        buf_finish(&writer->tail);
        writer->tail = *unfinished;
        *unfinished = (struct buf){0};
    }
    return writer;
}

static int keep_tail(const struct writers *writers, const struct stage *stage,
                     struct writer *writer, const char *data, size_t bytes, struct err *err)
{
    size_t row = writer->tail.bytes + bytes;
    int r;

    if (row && (bytes ? data[bytes - 1] : writer->tail.data[row - 1]) == '\r')
        row--; /* may turn out to stand before the line feed */
    r = check_limits(db_limits(writers->db), stage, row, 0, err);
    if (r < 0) {
        if (err)
            err->line = writer->lines + 1;
        return r;
    }
    return buf_append(&writer->tail, data, bytes) < 0 ? err_nomem(err) : 0;
}

int writers_note(struct writers *writers, uint64_t owner, bool by_opener)
{
    return get_writer(writers, owner, by_opener) ? 0 : -ENOMEM;
}

int writers_write(struct writers *writers, struct stage *stage, uint64_t owner, bool by_opener,
                  const char *data, size_t bytes, struct err *err)
{
    struct writer *writer = get_writer(writers, owner, by_opener);
    const char *last = memrchr(data, '\n', bytes), *first = data;
    int r = 0;

    if (!writer)
        return err_nomem(err);
    if (writer->refusing)
        return err_set(err, -EINVAL, "this is the rest of a line that was refused");
    if (last && writer->tail.bytes) {
        const char *feed = memchr(data, '\n', bytes);

        /* The limit is on the row, which ends before the line feed. */
        r = keep_tail(writers, stage, writer, data, (size_t)(feed - data), err);
        if (!r && buf_append(&writer->tail, "\n", 1) < 0)
            r = err_nomem(err);
        if (!r)
            r = take_lines(writers, stage, writer->tail.data, writer->tail.bytes, &writer->lines,
                           err);
        writer->tail.bytes = 0;
        first = feed + 1;
    }
    if (!r && last && first <= last)
        r = take_lines(writers, stage, first, (size_t)(last + 1 - first), &writer->lines, err);
    if (last)
        first = last + 1;
    if (!r && first < data + bytes)
        r = keep_tail(writers, stage, writer, first, (size_t)(data + bytes - first), err);
    return r;
}

int writers_close(struct writers *writers, uint64_t owner)
{
    for (struct writer **at = &writers->first; *at; at = &(*at)->next) {
        struct writer *writer = *at;
        int r;

        if (writer->owner != owner)
            continue;
        r = buf_append(&writers->leftover, writer->tail.data, writer->tail.bytes);
        writers->leftover_lines = writer->lines;
        *at = writer->next;
        writer_destroy(writer);
        return r;
    }
    return 0;
}

int writers_close_all(struct writers *writers)
{
    int r = 0;

    while (writers->first && !r)
        r = writers_close(writers, writers->first->owner);
    return r;
}

int writers_end_line(struct writers *writers, struct stage *stage, struct err *err)
{
    uint64_t lines = writers->leftover_lines;
    int r;

    if (!writers->leftover.bytes)
        return 0;
    if (buf_append(&writers->leftover, "\n", 1) < 0)
        return err_nomem(err);
    r = take_lines(writers, stage, writers->leftover.data, writers->leftover.bytes, &lines, err);
    if (r == -EINVAL)
        err_prefix(err, r, "the last line is unfinished");
    buf_finish(&writers->leftover);
    return r;
}
