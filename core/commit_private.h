/* SPDX-License-Identifier: MIT */
/*
 * What a commit is made of; shared by commit.c (the protocol), commit_prepare.c (the changes)
 * and the transactions.
 */
#ifndef ROWFS_CORE_COMMIT_PRIVATE_H
#define ROWFS_CORE_COMMIT_PRIVATE_H

#include "core/commit.h"
#include "core/edit.h"

struct tx;
struct touched;

enum change_kind {
    CHANGE_CREATE,
    CHANGE_DROP,
    CHANGE_RENAME,
    CHANGE_WRITE,
    CHANGE_SCHEMA,
    CHANGE_MOVE_ROWS,
    CHANGE_RESTORE,
    CHANGE_TX_NAMES, /* of a transaction: its validation, and tables made, dropped, renamed */
    CHANGE_TX_ROWS,  /* of a transaction: the rows of one table */
};

struct change {
    enum change_kind kind;
    struct uuid table;
    char *name;                 /* create: the new one; drop, rename: the one it must have */
    char *to_name;              /* rename */
    bool no_replace;            /* rename */
    bool replace;               /* write */
    struct stage stage;         /* write; sealed */
    uint64_t expect_version;    /* write, restore; 0: any */
    struct uuid to_table;       /* move rows */
    struct table *old;          /* restore; owned reference */
    struct touched *touched;    /* transaction's rows; borrowed */
    const struct stage *staged; /* the same, sealed and borrowed, instead of `stage`; or NULL */
    struct intake *intake;      /* write: what its rows have passed; owned, or NULL */
    bool intake_is_provisional; /* on a table that only an attempt had */
    struct reshape *reshape;    /* schema; owned */
    struct edit *edit;          /* write: what it does to rows that are there; owned, or NULL */
};

struct commit {
    struct change *changes;
    size_t change_count;
    struct uuid transaction;
    struct tx *tx;  /* whose changes these are, borrowed; NULL: autocommit */
    const char *id; /* of the transaction, borrowed; NULL: none */
    uint64_t base, rebases;
    bool evaluated; /* at least once */

    commit_done_fn *done;
    void *context;
    struct commit *next; /* in the queue, then in the batch */

    enum { COMMIT_WAITING, COMMIT_IN_RECORD, COMMIT_NOTHING_TO_DO, COMMIT_FAILED } state;
    int result;
    struct err reason;
    struct conflict conflict;
    bool unknown;
    uint64_t version;
};

/* Takes the change over, also on failure. Errors: -ENOMEM. */
int commit_add_change(struct commit *commit, struct change *change);

/*
 * The rows that a change brings, in the order in which they lie in the body: fills in at most
 * CHANGE_STAGES and returns how many.
 */
#define CHANGE_STAGES 4
unsigned change_stages(const struct change *change, const struct stage *stages[CHANGE_STAGES]);

/* A place in the body of a record. */
struct body_position {
    uint64_t bytes, rows;
};

/* How much of the body the commit's inlined rows take. */
struct body_position commit_inlined(const struct commit *commit);

/* Changes that are being evaluated. */
struct preparation {
    struct db *db;
    struct commit *commit;
    struct draft *draft;
    const struct snapshot *base; /* what the record is to follow, borrowed; NULL: in a statement */
    const struct snapshot *on;   /* what the changes before have left */
    struct body_position body;
    struct member *member;
    size_t applied;  /* of its actions */
    uint64_t *spare; /* bytes of the body that nobody has asked for; NULL: any number */
    struct err *err;
    struct tx *statement; /* whose rows wait in the transaction; NULL: of a record */
};

/*
 * Whether the log has the table as it is here, so that its rows keep their numbers when the attempt
 * fails. What was found on one that others in the same record have changed holds for this
 * attempt only.
 */
bool prepare_is_committed(const struct preparation *p, const struct table *table);

/* A new action at the end of the member; the name is copied. NULL: out of memory. */
struct action *prepare_action(struct preparation *p, enum action_op op, struct uuid table,
                              const char *name);

/* An append of a stage's rows; those in memory are next in the body. Errors: -ENOMEM; in a
 * statement as tx_append_stage. */
int prepare_append_stage(struct preparation *p, const struct table *table, struct stage *stage);

/* Applies the actions that were not applied yet: `on` is then their result. Errors: as
 * draft_apply_action. */
int prepare_apply(struct preparation *p);

/* An append of all rows of `from`, by reference. Errors: -ENOMEM. */
int prepare_append_all(struct preparation *p, const struct table *from, const struct table *to);

/* The action that gives a table this schema, or none. Errors: -ENOMEM. */
int prepare_set_schema(struct preparation *p, const struct table *table,
                       const struct schema *schema);

/*
 * Seals a stage that the leader has filled, which nobody could plan for: what the body of the
 * record has no room for goes to a data object. Errors: as stage_spill.
 */
int prepare_spare(struct preparation *p, struct stage *late);

/* Room for the extents of a new action, zeroed. NULL: out of memory. */
struct extent_ref *prepare_extents(struct action *action, size_t count);

/*
 * Evaluates the changes, each on the result of those before it, within a commit
 * that was begun in the draft: adds to the actions of the member (freed with
 * member_finish) and applies them. Rows that are inlined will lie from `body` on
 * in the body of the draft's record, in the order of the changes. `on` is set here.
 *
 * Errors: those named in commit.h and tx.h, with the reason; the caller undoes the commit.
 */
int commit_prepare(struct preparation *p);

/* Notes a conflict with what is now `now` (borrowed, or NULL); returns -ECANCELED, `err` is the
 * caller's. */
int prepare_conflict(struct preparation *p, enum conflict_kind kind, struct table *base,
                     struct table *now);

/* Empties it. */
void conflict_finish(struct conflict *conflict);

#endif
