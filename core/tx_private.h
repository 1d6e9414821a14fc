/* SPDX-License-Identifier: MIT */
/* What a transaction is made of; shared by tx.c, tx_prepare.c, tx_conflict.c and tx_status.c. */
#ifndef ROWFS_CORE_TX_PRIVATE_H
#define ROWFS_CORE_TX_PRIVATE_H

#include <jansson.h>
#include <pthread.h>

#include "core/commit_private.h"
#include "core/staged.h"
#include "core/tx.h"

/* Data objects that a transaction writes at once; each takes a descriptor and 256 KiB. */
#define TX_WRITERS 8

/* Selections of a table whose reading is remembered; one more, and all of it was read. */
#define TX_READ_SELECTIONS 32

/* A table that the transaction has changed or read. */
struct touched {
    struct uuid table;
    struct table *base; /* as the base has it, held; NULL: made by the transaction */
    bool named;         /* made, dropped or renamed */
    bool cleared;       /* the rows of the base are gone */
    bool schema;        /* it has got another schema */
    struct extent_ref
        *deleted; /* rows of the base that are gone, if not all of them; in no order */
    size_t deleted_count, deleted_capacity;
    bool read;                                             /* all of its rows */
    struct selection *read_selections[TX_READ_SELECTIONS]; /* these rows; references */
    unsigned read_count;
    struct staged *staged;     /* rows that were written to it; NULL: none yet */
    struct body_position body; /* of the rows in memory, in the record that is being built */
    bool needed;               /* some of its rows are still somewhere in the view */
    struct touched *next;      /* in the order in which they were touched */
};

/* One that was made, dropped or renamed, in the order in which it happened. */
struct naming {
    enum action_op op;
    struct uuid table;
    char *name;
};

/* Why a commit was refused, for `status`; filled once. */
struct tx_failure {
    int code;
    struct err reason;
    uint64_t version; /* the commit that won; 0: not known or none */
    bool exact;       /* it is that one, not a later one */
    bool retry;       /* the same again can succeed */
    char *table;
    uint64_t rows;   /* that both have changed */
    json_t *samples; /* some of them; NULL: none */
};

struct tx {
    _Atomic uint32_t refs;
    struct db *db;
    uint64_t serial;
    char *id;
    struct uuid uuid;
    int64_t began_usec;
    _Atomic int64_t used_usec; /* monotonic */
    _Atomic unsigned holders;

    pthread_mutex_t lock; /* not held while a commit is under way */
    enum tx_state state;
    bool serializable, listed;
    struct snapshot *base, *view; /* NULL when it is over */
    uint64_t base_version;
    void *touched_tree; /* tsearch(3), by table */
    struct touched *touched, **touched_end;
    struct naming *namings;
    size_t naming_count;
    uint64_t bytes;  /* of rows that were written, also of those that are gone again */
    uint64_t memory; /* of them that are in memory */
    struct staged *writing[TX_WRITERS]; /* borrowed: those that write data objects, oldest first */
    unsigned writing_count;

    uint64_t version, rebases; /* once it has committed */
    struct tx_failure failure;
};

/* The entry of a table, made when there is none. NULL: out of memory. */
struct touched *tx_touch(struct tx *tx, struct uuid table);

/* Runs of rows of one table that a transaction can delete one by one. */
#define TX_DELETED_RUNS 100000

/* How many rows of the base a table of the view still has. */
uint64_t tx_rows_of_base(const struct table *table, const struct table *base);

/* The same if there is one; otherwise NULL. */
struct touched *tx_touched(const struct tx *tx, struct uuid table);

/* For a statement: the rows of a stage as an extent at the end of a table of the view. */
int tx_append_stage(struct preparation *p, const struct table *table, struct stage *stage);

/* Fills a commit with the transaction's changes. Errors: those of staged_seal; -ENOMEM. */
int tx_fill_commit(struct tx *tx, struct commit *commit, struct err *err);

/* For the leader: validates the transaction on `p->on`, and what it has made, dropped, renamed. */
int tx_prepare_names(struct preparation *p, struct tx *tx);

/* For the leader: what it has changed in the rows of a table. */
int tx_prepare_rows(struct preparation *p, struct tx *tx, const struct touched *touched);

/*
 * Finds out who won and which rows, by reading the log; slow, and done once. `what` is the
 * sentence without that.
 */
void tx_explain_conflict(struct tx *tx, const struct conflict *conflict, const char *what);

#endif
