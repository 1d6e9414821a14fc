/* SPDX-License-Identifier: MIT */
/*
 * Leads a thread from the inode that it found to the one that it needs.
 *
 * LOOKUP does not say what for. So a table's file is looked up as the inode of its
 * newest version, and OPEN for writing answers ESTALE there: the VFS then walks
 * the path once more, and this time the lookup of the same thread is given an
 * inode for writing (do_filp_open in the kernel's fs/namei.c retries once with
 * LOOKUP_REVAL). The same for a reader that found a writer's inode, and for a
 * directory whose table was renamed or dropped elsewhere.
 *
 * A second ESTALE would reach the user. So what a thread is led from is noted:
 * when it comes to the same node again (through /proc/self/fd there is no
 * lookup), it is taken as it is. A thread of another pid namespace (number 0)
 * cannot be told from others and is led nowhere.
 */
#ifndef ROWFS_FS_REDIRECT_H
#define ROWFS_FS_REDIRECT_H

#include <pthread.h>

#include "fs/node.h"

#define REDIRECT_SLOTS 1024
#define REDIRECT_USEC  2000000 /* later the same thread is on another errand */

struct redirects {
    struct nodes *nodes;
    pthread_mutex_t lock;
    struct redirect_slot {
        pid_t tid;
        int64_t since_usec;
        const struct node *from; /* only compared */
        struct uuid table;
        enum table_file file;
        struct selection *selection; /* holds a reference */
        struct view *view;           /* of the table; holds a reference */
        int open_flags;
        bool to_writer;
        struct node *writer; /* handed out to the thread; holds a reference */
    } slots[REDIRECT_SLOTS];
};

void redirects_init(struct redirects *redirects, struct nodes *nodes);
void redirects_finish(struct redirects *redirects);

/*
 * Whether to answer ESTALE: true, and it is noted; false when this thread was
 * led away from this very node just now. `to_writer`: the next lookup of this
 * file of the table by this thread is to find a writer's inode.
 */
bool redirect_begin(struct redirects *redirects, pid_t tid, const struct node *from, bool to_writer,
                    int open_flags);

/*
 * For a lookup of a file in the directory of a table or a selection: whether this thread is to
 * find a writer's inode. Then `*ret_writer` is the one that it was given already (with a new
 * reference) or NULL, and `*ret_open_flags` those of its open.
 */
bool redirect_wants_writer(struct redirects *redirects, pid_t tid, const struct node *dir,
                           enum table_file file, struct node **ret_writer, int *ret_open_flags);

/* Remembers the inode that the thread was given; the kernel looks it up twice. */
void redirect_set_writer(struct redirects *redirects, pid_t tid, struct node *writer);

/* The thread has arrived. */
void redirect_end(struct redirects *redirects, pid_t tid);

#endif
