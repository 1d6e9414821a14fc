/* SPDX-License-Identifier: MIT */
/*
 * What commits do to the rows of one table, commit by commit, as bytes to read: each row
 * that comes as it is, each row that goes as {"$op":"delete","row":<the row>}. Of one
 * commit first what goes, then what comes.
 *
 * One thread at a time. Memory: a few blocks, whatever a commit's size.
 */
#ifndef ROWFS_CORE_FOLLOW_H
#define ROWFS_CORE_FOLLOW_H

#include "core/db.h"

struct follow;

/*
 * Begins behind `from`, any snapshot of this database, past ones too. `*ret_follow` is new,
 * freed with follow_destroy. Errors: -ENOENT, it has no such table; -ENOMEM.
 */
int follow_create(struct db *db, struct snapshot *from, struct uuid table,
                  struct follow **ret_follow);
void follow_destroy(struct follow *follow); /* accepts NULL */

/* Records that one call goes through at most, so that nobody waits long for it. */
#define FOLLOW_RECORDS 1000

/*
 * Whether there is anything to read now, up to the newest snapshot that this process knows
 * (db_head): 1, 0 for not yet, or as follow_read. When follow_is_behind then, more records
 * are there that were not gone through: call again.
 */
int follow_has_more(struct follow *follow, struct err *err);

bool follow_is_behind(const struct follow *follow);

/*
 * Reads on; returns how many bytes, 0 when there is nothing yet. Errors: -ENOENT, the table
 * was dropped, and there is nothing more; -EIO; -ENOMEM. They are repeated.
 */
int follow_read(struct follow *follow, void *buf, size_t bytes, struct err *err);

#endif
