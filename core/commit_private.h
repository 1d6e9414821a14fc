/* SPDX-License-Identifier: MIT */
/* What a commit is made of; shared by commit.c (the protocol) and commit_prepare.c (the changes). */
#ifndef ROWFS_CORE_COMMIT_PRIVATE_H
#define ROWFS_CORE_COMMIT_PRIVATE_H

#include "core/commit.h"

enum change_kind { CHANGE_CREATE, CHANGE_DROP, CHANGE_RENAME, CHANGE_WRITE, CHANGE_MOVE_ROWS };

struct change {
    enum change_kind kind;
    struct uuid table;
    char *name;              /* create: the new one; drop, rename: the one it must have */
    char *to_name;           /* rename */
    bool no_replace;         /* rename */
    bool replace;            /* write */
    struct stage stage;      /* write; sealed */
    uint64_t expect_version; /* write; 0: any */
    struct uuid to_table;    /* move rows */
};

struct commit {
    struct change *changes;
    size_t change_count;
    struct uuid transaction;
    uint64_t base, rebases;

    commit_done_fn *done;
    void *context;
    struct commit *next; /* in the queue, then in the batch */

    enum { COMMIT_WAITING, COMMIT_IN_RECORD, COMMIT_NOTHING_TO_DO, COMMIT_FAILED } state;
    int result;
    struct err reason;
    uint64_t version;
};

/* A place in the body of a record. */
struct body_position {
    uint64_t bytes, rows;
};

/* How much of the body the commit's inlined rows take. */
struct body_position commit_inlined(const struct commit *commit);

/*
 * Evaluates the changes, each on the result of those before it, within a commit
 * that was begun in `draft`: adds to the actions of `member` (freed with
 * member_finish) and applies them. Rows that are inlined will lie from `body` on
 * in the body of the draft's record, in the order of the changes.
 *
 * Errors: those named in commit.h, with the reason; the caller undoes the commit.
 */
int commit_prepare(const struct commit *commit, struct draft *draft, struct body_position body,
                   struct member *member, struct err *err);

#endif
