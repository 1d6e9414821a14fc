/* SPDX-License-Identifier: MIT */
/*
 * The transactions of a mount by their ids: those that are open, and those that
 * ended last, whose status can still be read. A thread of its own aborts what
 * nobody has used for too long.
 *
 * Any thread.
 */
#ifndef ROWFS_CORE_TXSET_H
#define ROWFS_CORE_TXSET_H

#include <sys/types.h>

#include "core/tx.h"

#define TXSET_OPEN     10000 /* transactions of a mount that are open at once */
#define TXSET_FINISHED 1000  /* that are remembered after their end */

struct txset;

/*
 * `*ret_set` is new, freed with txset_destroy. `idle_usec` 0: no transaction is too idle.
 * Errors: -ENOMEM.
 */
int txset_create(struct db *db, uint64_t idle_usec, struct txset **ret_set);

/* Aborts those that are open and forgets all. Accepts NULL. */
void txset_destroy(struct txset *set);

/*
 * Begins a transaction on the newest version. `id` NULL: with a fresh id of
 * TXSET_FRESH_BYTES hex digits. New reference.
 *
 * Errors: -EEXIST, one of that id has committed, in any mount, or failed here and
 * was not removed; -EBUSY, one of that id is open here; -EINVAL and -ENAMETOOLONG, as
 * name_check; -ENOSPC, too many are open; those of db_refresh and db_check_writable.
 */
#define TXSET_FRESH_BYTES 16
int txset_begin(struct txset *set, const char *id, uid_t owner, struct tx **ret_tx,
                struct err *err);

/* The transaction of that id and who began it, new reference; NULL: this mount knows none. */
struct tx *txset_find(struct txset *set, const char *id, uid_t *ret_owner);

/*
 * Aborts it if it is open, and forgets it: its id is free if it has not committed.
 * Errors: -ENOENT, there is none; -EBUSY, it is being committed.
 */
int txset_remove(struct txset *set, const char *id, struct err *err);

/* The ids of those of `owner` (of all: (uid_t)-1) that are open, each with its NUL. Errors:
 * -ENOMEM. */
int txset_list(struct txset *set, uid_t owner, struct buf *ids);

#endif
