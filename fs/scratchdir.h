/* SPDX-License-Identifier: MIT */
/*
 * The scratch files of a mount by table (in its view: now, or a transaction), name and owner:
 * only the owner meets them. `at` is the table's directory, or any node in it. Any thread.
 */
#ifndef ROWFS_FS_SCRATCHDIR_H
#define ROWFS_FS_SCRATCHDIR_H

#include <pthread.h>
#include <stdbool.h>

#include "fs/node.h"

#define SCRATCHDIR_FILES 4096 /* of a mount */

struct scratchdir {
    struct nodes *nodes;
    pthread_mutex_t lock;
    struct node **entries; /* NODE_SCRATCH; each holds a reference */
    size_t count, capacity;
};

void scratchdir_init(struct scratchdir *dir, struct nodes *nodes);
void scratchdir_finish(struct scratchdir *dir);

/* A new reference, or NULL. */
struct node *scratchdir_find(struct scratchdir *dir, const struct node *at, uid_t owner,
                             const char *name);

/* Adds a node, of which it takes a reference of its own. Errors: -ENOSPC, too many; -ENOMEM. */
int scratchdir_add(struct scratchdir *dir, struct node *node);

/* Forgets it; false: it was not there. Open descriptors keep it alive. */
bool scratchdir_remove(struct scratchdir *dir, const struct node *at, uid_t owner,
                       const char *name);

/* Renames, over one that has the new name. false: there is none of the old name. */
bool scratchdir_rename(struct scratchdir *dir, const struct node *at, uid_t owner, const char *from,
                       const struct node *to_at, const char *to);

bool scratchdir_has_any(struct scratchdir *dir, const struct node *at, uid_t owner);

/* Forgets all of a table that was dropped. */
void scratchdir_remove_table(struct scratchdir *dir, const struct view *view, struct uuid table);

/* Forgets all of a transaction that is over. */
void scratchdir_remove_tx(struct scratchdir *dir, const struct tx *tx);

/* The name of the owner's file number `index` in this table; false: there are no more. */
bool scratchdir_name_at(struct scratchdir *dir, const struct node *at, uid_t owner, size_t index,
                        char ret_name[NAME_MAX + 1]);

#endif
