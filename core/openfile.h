/* SPDX-License-Identifier: MIT */
/*
 * An open file that rows are written to: whose bytes are complete, and when they
 * become a commit.
 *
 * A close is a commit, a failure is an abort. What is written through one open
 * file, by however many processes that share it, becomes visible at one moment
 * or not at all:
 *
 *  - It belongs to the process that opened it. The opener's close commits once
 *    every writer has closed; another process's close only marks its own bytes
 *    as finished; the last close commits what is left. A process has closed when it
 *    has closed its last descriptor of the file.
 *  - The opener or a writer that ends with anything but exit status 0 poisons
 *    the file: nothing of it is committed. So does one whose children have written,
 *    and any process that is killed by a signal while it shares the file; but a child that
 *    had nothing to do with the rows may exit with 1 (cmp, grep), as a shell script lets it.
 *  - Complete lines are checked as they come, so that write(2) reports what is
 *    wrong with them. After the first refusal the file is poisoned and repeats it.
 *  - Every writer (process) has its own unfinished line, so that the lines of
 *    processes that write at once are not torn. An unfinished line that a writer
 *    leaves behind, or the opener while it waits, is continued by the next one that
 *    begins: { printf '{"a":'; cat value; echo '}'; } >> rows.
 *  - Opened to replace (O_TRUNC) and nothing written: a close commits that too.
 *  - Rows that a program has removed to make them anew (mv, install, tar) come back when this
 * fails, unless somebody has written to the table since.
 *
 * A stream is the same with another unit: each write commits its complete lines.
 *
 * A patch and a schema are documents: one JSON object, which is checked by the write that
 * completes it (on the rows that are there then) and committed by the close.
 *
 * Within a transaction all this is the same, and what is called a commit here is a
 * statement of that transaction. What a close drops there aborts the transaction: a shell
 * does not tell its script that a close has failed, and half of it must not be committed.
 * What a write refuses, the writer knows.
 *
 * Any thread; calls for one file wait for each other.
 */
#ifndef ROWFS_CORE_OPENFILE_H
#define ROWFS_CORE_OPENFILE_H

#include "core/tx.h"

struct openfile;

enum openfile_kind {
    OPENFILE_ROWS,
    OPENFILE_STREAM,
    OPENFILE_CSV,   /* rows.csv: its lines become rows; the first one is a header */
    OPENFILE_TSV,   /* the same of rows.tsv */
    OPENFILE_PATCH, /* one JSON merge patch, for each row */
    OPENFILE_SCHEMA /* a schema for the table */
};

/* How the process that closes a descriptor stands. */
enum openfile_end {
    OPENFILE_HOLDS,         /* it has another descriptor of the file: this was a duplicate */
    OPENFILE_ALIVE,         /* it lives, or ended with exit status 0 */
    OPENFILE_FAILED,        /* it ended with another exit status */
    OPENFILE_FAILED_PARENT, /* the same, and a process that it started has written */
    OPENFILE_KILLED,        /* it was killed by a signal */
};

/*
 * Called when an operation is over: result 0 or a negative errno. With `err`
 * not NULL this is the first time that the reason is told, and bytes were dropped
 * for it. By this thread or another, and must not block.
 */
typedef void openfile_done_fn(void *context, int result, const struct err *err);

struct openfile_options {
    enum openfile_kind kind;
    struct selection *selection; /* whose rows are written or replaced, held; NULL: all */
    uint64_t start_bytes;        /* of what a reader of it sees, CSV, TSV and selections */
    struct tx *tx;               /* of which this is a part, held meanwhile; NULL: autocommit */
    bool close_is_told;          /* whoever closes it looks at the verdict */
    bool replace;                /* the rows that are there go (O_TRUNC) */
    bool append;                 /* offsets are not looked at (O_APPEND) */
    uint64_t expect_version;     /* of the table's last change, or 0: any */
    uint64_t
        removed_version; /* in which the rows were removed to be made anew by this file, or 0 */
};

/*
 * Opens a table's rows for writing. The table is borrowed for the call; reads
 * through the file (openfile_read) show it with what was written behind.
 * `*ret_file` is new, given up with openfile_release. Errors: -ENOMEM.
 */
int openfile_create(struct db *db, struct table *table, const struct openfile_options *options,
                    struct openfile **ret_file);

/*
 * Writes as the process `owner` (the kernel's lock owner). `data` is borrowed for
 * the call. For rows, done is called before this returns.
 *
 * Errors: -EINVAL, a line is not a row, or not one of the table (intake.h), or `offset` is not the
 * end; -EEXIST, a row's key is there; -EFBIG, a
 * row or the commit over its limit; the first refusal again; for a stream also
 * those of a commit; -ENOSPC and what the store says; -ENOMEM.
 */
void openfile_write(struct openfile *file, uint64_t owner, bool by_opener, const char *data,
                    size_t bytes, uint64_t offset, openfile_done_fn *done, void *context);

/*
 * A process closes a descriptor of the file (FLUSH). `why` says how it ended, if
 * it did: "the process was killed by signal 9".
 *
 * Errors: -EINVAL, the last line is unfinished and not a row; -ECANCELED, it was
 * aborted; those of a commit.
 */
void openfile_close(struct openfile *file, uint64_t owner, bool by_opener, enum openfile_end end,
                    const char *why, openfile_done_fn *done, void *context);

/* Commits the lines that are complete (fsync); without any also no replacement. Errors: those of a
 * commit. */
void openfile_sync(struct openfile *file, openfile_done_fn *done, void *context);

/*
 * Sets the size: 0 begins to replace, the present size changes nothing.
 * Errors: -EINVAL, any other size.
 */
int openfile_truncate(struct openfile *file, uint64_t bytes, struct err *err);

/* The last close: commits what is finished and not committed, frees the file, then calls done. */
void openfile_release(struct openfile *file, openfile_done_fn *done, void *context);

/* Whether the last close has something to commit. */
bool openfile_is_undecided(struct openfile *file);

/* Drops what is not committed, so that openfile_release commits nothing. */
void openfile_abort(struct openfile *file);

/* The size that a reader of this open file sees. */
uint64_t openfile_bytes(struct openfile *file);

/* Reads the table as it was opened, and behind it what was written. Returns how many bytes. */
int openfile_read(struct openfile *file, void *buf, size_t bytes, uint64_t offset, struct err *err);

#endif
