/* SPDX-License-Identifier: MIT */
/*
 * Bytes become rows: the processes that write to an open file, each with its
 * unfinished line, so that the lines of processes that write at once are not torn.
 *
 * Complete lines are checked and staged at once. A line that a writer leaves
 * unfinished when it closes, or that the opener has begun while it waits for a
 * child, is continued by the next writer that begins.
 *
 * The caller holds the lock of the open file.
 */
#ifndef ROWFS_CORE_WRITERS_H
#define ROWFS_CORE_WRITERS_H

#include "core/db.h"
#include "core/jsontext.h"
#include "core/stage.h"

struct rowcheck;
struct writer;

struct writers {
    struct db *db;           /* borrowed: limits and row checkers */
    struct intake *intake;   /* borrowed: what rows must pass besides; NULL: nothing */
    struct writer *first;    /* those that have written and not closed */
    struct buf leftover;     /* the unfinished line of one that has closed */
    uint64_t leftover_lines; /* that writer's, before it */
};

void writers_init(struct writers *writers, struct db *db);

/* Drops all unfinished lines and forgets who wrote; then as after init. */
void writers_finish(struct writers *writers);

/*
 * Takes what the process `owner` wrote: complete lines into `stage`, the rest is
 * kept. Blank lines are skipped, CRs before the line feed are dropped, all else
 * is staged byte for byte, but for what the intake changes.
 *
 * Errors, with the number of the writer's line: those of intake_row; -EINVAL, a line is no row, or
 * the rest of one that was dropped; -EFBIG, a row or the commit over its limit; those of
 * stage_append; -ENOMEM. Some of the lines before may be staged then.
 */
int writers_write(struct writers *writers, struct stage *stage, uint64_t owner, bool by_opener,
                  const char *data, size_t bytes, struct err *err);

/* The same of bytes that somebody else makes rows of: notes that the process has written. Errors:
 * -ENOMEM. */
int writers_note(struct writers *writers, uint64_t owner, bool by_opener);

/* One row, without line feed, that somebody else has made of what was written. Errors: as
 * writers_write. */
int writers_take_row(struct writers *writers, struct stage *stage, struct rowcheck *check,
                     struct slice row, struct err *err);

/* The process has closed: what it left unfinished is left over. Errors: -ENOMEM. */
int writers_close(struct writers *writers, uint64_t owner);

/* The same for all that have written. */
int writers_close_all(struct writers *writers);

/*
 * Ends the line that is left over, if any: a row that only lacks its line feed.
 * Errors: -EINVAL, it is not a row; otherwise as writers_write.
 */
int writers_end_line(struct writers *writers, struct stage *stage, struct err *err);

/* Whether this writer has an unfinished line. */
bool writers_has_line(const struct writers *writers, uint64_t owner);

/*
 * Drops the unfinished line of one writer. If its rest is to come, that is refused as well, up to
 * and with the write that ends it: it must not be taken for a row of its own.
 */
void writers_drop_line(struct writers *writers, uint64_t owner, bool rest_follows);

bool writers_has(const struct writers *writers, uint64_t owner);

/* Whether there is an unfinished line. */
bool writers_any_line(const struct writers *writers);

/* Whether any process has written and not closed. */
static inline bool writers_any(const struct writers *writers)
{
    return writers->first;
}

#endif
