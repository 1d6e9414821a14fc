/* SPDX-License-Identifier: MIT */
/*
 * A database: a store that is open, its newest known snapshot, and the way to
 * the next one (commit.h). One per mount; any number of processes and hosts may
 * have the same store open.
 *
 * Any thread.
 */
#ifndef ROWFS_CORE_DB_H
#define ROWFS_CORE_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "core/snapshot.h"
#include "core/store/store.h"

struct db;

/* What this program refuses to write. Readers read rows and commits of any size. */
struct db_limits {
    uint64_t row_bytes;     /* of one row without its line feed */
    uint64_t tx_bytes;      /* of rows in one commit */
    uint64_t scratch_bytes; /* of all scratch files together */

    /* Fixed; tests lower them. */
    uint64_t edit_runs;    /* runs of rows that a statement cuts out one by one (edit.h) */
    uint64_t segment_rows; /* of a segment that is to be found by key (keycheck.h) */
};

#define DB_LIMITS_DEFAULT                                                                          \
    {                                                                                              \
        .row_bytes = 16ULL << 20, .tx_bytes = 64ULL << 30, .scratch_bytes = 16ULL << 30,           \
        .edit_runs = 4096, .segment_rows = 1ULL << 19,                                             \
    }

struct db_options {
    bool read_only; /* writes nothing at all to the store */
    struct db_limits limits;

    /*
     * Called by a thread that is about to wait, for the medium or for another
     * thread, and so should let go of what others wait for. NULL: nothing. Any
     * number of times; no lock of the core is held that a callee could need.
     */
    void (*before_wait)(void);

    /* Called when this process has a newer snapshot, by any thread, which it must not hold up. */
    void (*on_publish)(void *context);
    void *on_publish_context;
};

/*
 * Opens the store in directory `path`; when that is missing or empty and
 * read_only is not set, makes a new one. `*ret_db` is new, freed with db_close.
 *
 * Errors: -ENOTEMPTY, the directory holds something else; -ENOENT, there is no
 * store and read_only is set; -ENOTSUP, the store needs a newer program; -EIO,
 * it is damaged; what dirstore_open says.
 */
int db_open(const char *path, const struct db_options *options, struct db **ret_db,
            struct err *err);

/* The same on a store that is open and has been initialised; the store is taken, also on failure.
 */
int db_open_store(struct store *store, const struct db_options *options, struct db **ret_db,
                  struct err *err);

/* Makes a store of an empty one: record 0 and rowfs.json. Harmless when two do it at once. */
int db_init_store(struct store *store, struct err *err);

/* No commit may be under way and no snapshot's rows may be read any more. Accepts NULL. */
void db_close(struct db *db);

/* Sets on_publish of the options; while nobody commits or refreshes. */
void db_set_on_publish(struct db *db, void (*on_publish)(void *context), void *context);

struct store *db_store(struct db *db);
const struct db_limits *db_limits(const struct db *db);
struct uuid db_uuid(const struct db *db);

/* The newest snapshot that this process knows, without I/O; a new reference. */
struct snapshot *db_head(struct db *db);

/*
 * The snapshot with every commit that was acknowledged, anywhere, before the
 * call; a new reference. Two round trips to the store when nothing is new.
 *
 * Follows "reading forward" of FORMAT.md: after the last probe that found no
 * next record, the record we stand on must still be the one we know; commits of
 * others are made durable before they are shown.
 *
 * Errors: -EIO, the log is damaged; -ENOTSUP, it now needs a newer program.
 */
int db_refresh(struct db *db, struct snapshot **ret_snapshot, struct err *err);

/*
 * The database as it was after commit `version`; 0: before the first. New reference. Reads
 * some of the log; how much of it is bounded by a small part of the whole.
 * Errors: -ENOENT, there is no such version yet; -EIO, the log is damaged.
 */
int db_at(struct db *db, uint64_t version, struct snapshot **ret_snapshot, struct err *err);

/* The last version that was committed at or before that time; 0: none was. Errors: -EIO. */
int db_version_at(struct db *db, int64_t time_usec, uint64_t *ret_version, struct err *err);

/*
 * Whether commits are possible: 0, or -EROFS (opened read_only, or the store
 * has a write feature that we do not know), or -EIO (a put ended in doubt).
 */
int db_check_writable(struct db *db, struct err *err);

#endif
