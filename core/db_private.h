/* SPDX-License-Identifier: MIT */
/* What db.c and commit.c share. */
#ifndef ROWFS_CORE_DB_PRIVATE_H
#define ROWFS_CORE_DB_PRIVATE_H

#include <pthread.h>

#include "core/commit.h"
#include "core/db.h"

#define HOST_BYTES  64
#define DB_CHECKERS 8
#define DB_MARKS    64

struct rowcheck;
struct segmentcache;

struct db {
    struct store *store;
    struct db_options options;
    struct uuid uuid;
    char host[HOST_BYTES + 1]; /* for the records; printable ASCII */

    pthread_mutex_t head_lock; /* for a few instructions only */
    struct snapshot *head;
    struct log_position in_flight; /* the record that our leader is putting; seq 0: none */
    pthread_cond_t landed;         /* it is not in flight any more */

    pthread_mutex_t marks_lock;
    struct snapshot *marks[DB_MARKS]; /* of the past, from which others are found; oldest first */
    unsigned mark_count;
    uint64_t mark_spacing; /* in records */

    struct segmentcache *keyed; /* the indexes that are open */
    struct segmentcache *zones; /* and the zones */

    pthread_mutex_t forward_lock; /* one reader of new records at a time */

    pthread_mutex_t checkers_lock;
    struct rowcheck *checkers[DB_CHECKERS]; /* not in use; each is some 50 KB */
    unsigned checker_count;

    pthread_mutex_t queue_lock;
    struct commit *queue_first, **queue_end;
    bool leader;
    bool fenced; /* a put ended in doubt: no more commits */
    char fenced_reason[ERR_TEXT_BYTES];
};

/*
 * A row checker for the time of one write, and back: an open file that is not
 * being written to has none. NULL: out of memory.
 */
struct rowcheck *db_take_checker(struct db *db);
void db_return_checker(struct db *db, struct rowcheck *checker);

/* See db_options. */
void db_before_wait(struct db *db);

/*
 * Keeps the snapshot of a record that was read or put if it is as far from the last one that was
 * kept as those are from each other. Of too many every other one is let go.
 */
void db_mark(struct db *db, struct snapshot *snapshot);

/* Makes `snapshot` the head unless one at least as new is there. The reference is taken. */
void db_publish(struct db *db, struct snapshot *snapshot);

/* Reads records from the head on until there are no more, and publishes. */
int db_read_forward(struct db *db, struct err *err);

/* Marks the record that is about to be put, so that readers need not make it durable themselves;
 * NULL: none. */
void db_set_in_flight(struct db *db, const struct log_position *position);

#endif
