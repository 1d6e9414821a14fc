/* SPDX-License-Identifier: MIT */
/*
 * Transactions: a base snapshot, what was changed on it, and the view of both
 * together, until all of it is committed at one moment or none is.
 *
 *  - Reads see the base and the transaction's own writes, in their order, and nothing
 *    that others commit meanwhile. A statement costs the store nothing: rows wait in
 *    memory, and past a bound in data objects that no one sees.
 *  - Snapshot isolation: the first committer wins. Rows that both have deleted or
 *    replaced are a conflict; so is a table that one has made, dropped or renamed
 *    and the other has changed in any way. Appends conflict with nothing, nor do
 *    changes of different rows (Berenson et al., "A Critique of ANSI SQL Isolation
 *    Levels", SIGMOD 1995; rows that were appended since the base stay when the
 *    transaction replaces what it saw).
 *  - Serializable adds: a table whose rows were read (also by a statement, to find those of
 *    a selection), or the list of tables if that was read, must be at the commit as it was at the
 *    base. A transaction that only reads is
 *    never refused: it stands where its base does. (Kung and Robinson, "On Optimistic
 *    Methods for Concurrency Control", 1981: backward validation.)
 *  - An id is recorded in the commit, so that it commits at most once, on any mount.
 *
 * Counted. Any thread; what is called for one transaction waits for each other,
 * except that reading its view never waits for a commit.
 */
#ifndef ROWFS_CORE_TX_H
#define ROWFS_CORE_TX_H

#include "core/base/buf.h"
#include "core/commit.h"
#include "core/selection.h"

/* Rows that all tables of a transaction keep in memory; past it they go to data objects. */
#define TX_MEMORY_BYTES (1024 * 1024)

struct tx;

enum tx_state {
    TX_OPEN,
    TX_COMMITTING,
    TX_COMMITTED,
    TX_ABORTED,
    TX_UNKNOWN, /* the store did not say whether it has committed */
};

/*
 * Begins on `base`, which it holds. `id` is copied. `*ret_tx` is new.
 * Errors: -ENOMEM.
 */
int tx_create(struct db *db, const char *id, struct snapshot *base, struct tx **ret_tx);
struct tx *tx_ref(struct tx *tx);
void tx_unref(struct tx *tx); /* accepts NULL */

const char *tx_id(const struct tx *tx);
uint64_t tx_serial(const struct tx *tx); /* no two of this process share it; not 0 */
int64_t tx_began_usec(const struct tx *tx);
uint64_t tx_base_version(const struct tx *tx);
enum tx_state tx_state(struct tx *tx);

/*
 * Whether a statement that writes so many bytes of rows is possible now. Errors: as tx_apply
 * before it looks at the statement; -EFBIG.
 */
int tx_check_room(struct tx *tx, uint64_t bytes, struct err *err);

/*
 * The base and what was written: a snapshot whose versions above the base's count
 * statements. New reference. Errors: -ECANCELED, it was aborted; -ENOENT, it has
 * committed; with the reason.
 */
int tx_view(struct tx *tx, struct snapshot **ret_view, struct err *err);

/*
 * Runs the changes of a commit that was not submitted (commit_add_*) as a statement: on
 * the view, all or nothing. The commit can only be destroyed then.
 * Errors: as tx_view; those of commit.h; -EFBIG, the transaction passes tx_limit;
 * -EBUSY, it is being committed; what the store says, when rows are written out.
 */
int tx_apply(struct tx *tx, struct commit *statement, struct err *err);

/* Notes what was read, for serializable: the rows of a selection, which is referenced; NULL: all.
 */
void tx_note_read(struct tx *tx, struct uuid table, struct selection *selection);
void tx_note_tables_listed(struct tx *tx);

bool tx_is_serializable(struct tx *tx);
/* Errors: as tx_view; -EBUSY. */
int tx_set_serializable(struct tx *tx, bool serializable, struct err *err);

/*
 * Commits, and waits for the outcome. A transaction without changes commits without a
 * record. Afterwards it is committed, aborted or unknown; but -EBUSY and a full store
 * (-ENOSPC, -EDQUOT: nothing is visible, the rows are kept) leave it open.
 *
 * Errors: -ECANCELED, a conflict, or it was aborted before; -ENOENT, it has committed
 * before; those of a commit.
 */
int tx_commit(struct tx *tx, struct err *err);

/* Drops what was written, if it is open. `code` and `reason` are what users of it are told. */
void tx_abort(struct tx *tx, int code, const char *reason);

/* For how long nobody has used it, in microseconds of the monotonic clock. */
int64_t tx_idle_usec(struct tx *tx);

/* While it is held (an open file inside, its `commit`) it is not idle. */
void tx_hold(struct tx *tx);
void tx_release(struct tx *tx);

/* A process that has a file inside open with bytes that are not committed. */
struct tx_writer {
    int pid;
};

/*
 * The file `status`: JSON, with its line feed. Appends to `buf`. Errors: -ENOMEM.
 */
int tx_print_status(struct tx *tx, const struct tx_writer *writers, size_t writer_count,
                    struct buf *buf);

/* The same of a transaction that is only known from the log. */
int tx_print_committed(const char *id, uint64_t version, struct buf *buf);

#endif
