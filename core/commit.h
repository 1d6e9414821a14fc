/* SPDX-License-Identifier: MIT */
/*
 * Commits: changes of any number of tables that become visible at one moment,
 * or not at all.
 *
 * Commits of this process go through a queue. Whoever finds nobody at work
 * becomes the leader: takes what waits, validates each on the result of those
 * before it, and puts all of it as one record (group commit). When another
 * process took the number first, its record is read and everything is validated
 * again on top of it (rebase). A commit that fails does not take its neighbours along.
 *
 * The protocol is FORMAT.md's, steps 1 to 6.
 */
#ifndef ROWFS_CORE_COMMIT_H
#define ROWFS_CORE_COMMIT_H

#include "core/db.h"
#include "core/stage.h"

struct commit;
struct edit;
struct intake;
struct reshape;
struct selection;
typedef void commit_done_fn(struct commit *commit, int result, void *context);

/* New and empty in `*ret_commit`, freed with commit_destroy. Errors: -ENOMEM. */
int commit_create(struct commit **ret_commit);
void commit_destroy(struct commit *commit); /* accepts NULL; not while it is submitted */

/*
 * The changes, in order; each sees those before it. Names are copied. All are blind: they are
 * evaluated on the version that they commit on. The errors named are those of the commit; the
 * functions themselves return 0 or -ENOMEM.
 */

/* -EEXIST: a table of that name exists. */
int commit_add_create(struct commit *commit, const char *name);

/* Drops the table that has both this UUID and this name. -ENOENT; -ENOTEMPTY: it has rows. */
int commit_add_drop(struct commit *commit, struct uuid table, const char *name);

/*
 * Renames. A table that is called `to` already is replaced if it is empty, unless
 * `no_replace`. -ENOENT; -EEXIST; -ENOTEMPTY.
 */
int commit_add_rename(struct commit *commit, struct uuid table, const char *from, const char *to,
                      bool no_replace);

/*
 * Writes rows: deletes all that are there if `replace`, then appends those of
 * `stage`, which must be sealed and is taken over, also on failure. With
 * `expect_version` not 0 the table's last change must be that version.
 * -ENOENT: it was dropped; -ECANCELED: it has changed.
 *
 * Rows that would not fit in one record with those that were added before are
 * written to a data object now: returns also what the store says, with the reason
 * in commit_reason.
 */
int commit_add_write(struct commit *commit, struct uuid table, bool replace, struct stage *stage,
                     uint64_t expect_version);

/* More of a write; what is owned is taken over, also on failure. */
struct write {
    struct stage *stage; /* sealed */
    bool replace;
    uint64_t expect_version;
    struct intake *intake; /* what the rows have passed (intake.h); NULL: the table has no schema */
    struct edit
        *edit; /* what the statement does to the rows that are there (edit.h); NULL: nothing */
};

/*
 * The same with checks of the schema and the key, which are made up to date when it commits, and
 * with an edit of rows that are there. Also -EINVAL, -EEXIST; -ENOENT, the selection of the edit
 * makes no sense for the table's schema any more.
 *
 * This and commit_add_schema read the rows that are there, and so must stand before all else that
 * the same commit writes to the table.
 */
int commit_add_statement(struct commit *commit, struct uuid table, struct write *write);

/*
 * Deletes the rows of a selection, which are looked for now, in `table`; what comes to the
 * selection before the commit goes too. Also what the store says, with the reason in commit_reason.
 */
int commit_add_delete(struct commit *commit, struct db *db, struct table *table,
                      struct selection *selection);

/* Takes the schema from a table: from then on any object is a row. -ENOENT. */
int commit_add_no_schema(struct commit *commit, struct db *db, struct table *table);

/* Gives the table another schema; `reshape` (reshape.h) is taken, also on failure. -ENOENT;
 * -EINVAL; -EEXIST. */
int commit_add_schema(struct commit *commit, struct uuid table, struct reshape *reshape);

/*
 * Appends the rows of `old`, an earlier version of the table, again, if the table's last change is
 * `expect_version`. -ENOENT; -ECANCELED: it has changed.
 */
int commit_add_restore(struct commit *commit, struct table *old, uint64_t expect_version);

/* Replaces the rows of `to` by those of `from`, which is empty then. -ENOENT. */
int commit_add_move_rows(struct commit *commit, struct uuid from, struct uuid to);

/*
 * Queues the commit. `done` is called exactly once, perhaps before this
 * returns, by this thread or another one, which may be the leader: it must not
 * block. The result is 0 (published: survives power loss, seen by every open
 * that follows) or a negative errno with the reason in commit_reason; nothing of
 * a failed commit is visible. -EIO can mean that the outcome is unknown: the
 * reason says so, and the database takes no more commits.
 *
 * A commit that changes nothing succeeds without a record.
 */
void commit_submit(struct db *db, struct commit *commit, commit_done_fn *done, void *context);

/* Submits and waits. */
int commit_run(struct db *db, struct commit *commit);

/* What another commit has done that a transaction's commit cannot stand on. */
struct conflict {
    enum conflict_kind {
        CONFLICT_NONE,
        CONFLICT_ID,    /* a transaction of that id has committed */
        CONFLICT_NAMES, /* the table was made, dropped or renamed, or changed where we did that */
        CONFLICT_ROWS,  /* rows that we have deleted are gone */
        CONFLICT_KEY,   /* a row has come with the key of one that we add */
        CONFLICT_READ,  /* the table was read and has changed */
        CONFLICT_LIST,  /* the tables were listed and there are others */
    } kind;
    struct uuid table;
    struct table *base, *now; /* the table as we saw it and as it is; owned references or NULL */
    uint64_t row;             /* KEY, READ: the number of the row that has come or gone; or */
#define CONFLICT_ANY_ROW UINT64_MAX
};

/* Why it failed; valid as long as the commit. */
const struct err *commit_reason(const struct commit *commit);

/* With which other commit, if that is why; borrowed from the commit. */
const struct conflict *commit_conflict(const struct commit *commit);

/* Whether it failed without an answer from the store: it may have happened. */
bool commit_is_unknown(const struct commit *commit);

/* How often it was evaluated anew because another commit was first. */
uint64_t commit_rebases(const struct commit *commit);

/* After success: the version, or the one that it was found to change nothing in. */
uint64_t commit_version(const struct commit *commit);

#endif
