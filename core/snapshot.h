/* SPDX-License-Identifier: MIT */
/*
 * The whole database at one record of the log: its tables, the object table, and
 * the history that the file `log` prints. Immutable, counted; a snapshot shares
 * with its predecessor all that the record did not change.
 *
 * A snapshot is a function of the records up to its own: every mount that reads
 * the log builds the same one.
 */
#ifndef ROWFS_CORE_SNAPSHOT_H
#define ROWFS_CORE_SNAPSHOT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/ptree.h"
#include "core/store/log.h"
#include "core/table.h"

struct snapshot {
    _Atomic uint32_t refs;
    struct log_position position; /* of the last record */
    uint64_t version;             /* of the last commit; 0: an empty store */
    int64_t time_usec;            /* of the last commit; of the store's creation before it */
    int64_t named_usec;           /* of the last commit that made, dropped or renamed a table */
    bool read_only;               /* a record has a write feature that we do not know */
    struct ptree *by_name;        /* struct table, keyed by name (const char *) */
    struct ptree *by_uuid;        /* the same tables, keyed by struct uuid */
    struct ptree *objects;        /* struct object of the data objects, keyed by struct uuid */
    struct ptree *history;        /* history.h */
    struct ptree *ids;            /* struct commit_id of the commits that have one, keyed by it */
};

/* The name that a transaction was given; immutable, counted. */
struct commit_id {
    _Atomic uint32_t refs;
    uint64_t version; /* of the commit */
    char id[];
};

extern const struct ptree_class commit_id_class;
extern const struct ptree_class table_by_name_class;
extern const struct ptree_class table_by_uuid_class;
extern const struct ptree_class object_class;

struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot *snapshot); /* accepts NULL */

/* A table, borrowed for as long as the snapshot is held; NULL: there is none. */
struct table *snapshot_table_named(const struct snapshot *snapshot, const char *name);
struct table *snapshot_table(const struct snapshot *snapshot, struct uuid uuid);

/* The version in which the transaction called `id` was committed; 0: none was. */
uint64_t snapshot_committed_id(const struct snapshot *snapshot, const char *id);

/*
 * A snapshot that is being built: the successor of a base, one commit after
 * another, either from a record of the log or for one that will be put. One thread.
 */
struct draft {
    struct snapshot *next;    /* with the commits that were applied so far */
    struct snapshot *pending; /* with the commit that is being applied; NULL: none is */
    uint64_t seq;             /* of its record */
    struct object *body;      /* the record's rows; owned reference, NULL until one names them */
};

/* Errors: -ENOMEM. */
int draft_begin(struct snapshot *base, struct draft *ret_draft);

/*
 * One commit: begin, any number of objects and actions, each seen by those after
 * it (`draft->pending`), and an end. Without an end, or after any failure, the
 * commit is undone by draft_undo_commit and has changed nothing.
 */

/* Errors: -EINVAL, version or time of the member do not follow; -ENOMEM. */
int draft_begin_commit(struct draft *draft, const struct member *member, struct err *err);

/* A data object that actions will refer to. Errors: -EEXIST, it is known already; -ENOMEM. */
int draft_add_object(struct draft *draft, const struct object_entry *entry, struct err *err);

/* The same of an object that is made already; nothing when it is known. Errors: -ENOMEM. */
int draft_use_object(struct draft *draft, struct object *object);

/*
 * Errors: -EEXIST, a table of that name (or uuid) is there; -ENOENT, no such
 * table, object or row; -EINVAL, a name that no table can have; -ENOMEM.
 */
int draft_apply_action(struct draft *draft, const struct member *member,
                       const struct action *action, struct err *err);

/* `host` is for the history; NULL: it gets no line. Errors: -EEXIST, its id has committed; -ENOMEM.
 */
int draft_end_commit(struct draft *draft, const struct member *member, const char *host,
                     struct err *err);
/* A whole commit of the log, member `index` of its record; the objects come with the first one. */
int draft_apply_member(struct draft *draft, const struct record *record, size_t index,
                       struct err *err);

void draft_undo_commit(struct draft *draft); /* harmless when none has begun */

/* The finished snapshot, new, at the record's position. The draft is gone. */
struct snapshot *draft_finish(struct draft *draft, const struct log_position *position,
                              bool read_only);
void draft_abandon(struct draft *draft);

/*
 * The successor of `base` by a record that follows it.
 * Errors: -EIO, the record does not follow from the base; -ENOMEM.
 */
int snapshot_apply_record(struct snapshot *base, const struct record *record,
                          const struct log_position *position, struct snapshot **ret_snapshot,
                          struct err *err);

/*
 * The same without the commits of the record that come after `version`: a state that no
 * record ends with, to look at and not to build on. Its position is then that of the base.
 */
int snapshot_apply_record_until(struct snapshot *base, const struct record *record,
                                const struct log_position *position, uint64_t version,
                                struct snapshot **ret_snapshot, struct err *err);

/* The snapshot of record 0: an empty store. Errors: -ENOMEM. */
int snapshot_create_empty(const struct log_position *position, int64_t time_usec,
                          struct snapshot **ret_snapshot);

#endif
