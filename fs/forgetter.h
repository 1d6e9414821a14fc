/* SPDX-License-Identifier: MIT */
/*
 * Asks the kernel to forget selections that nobody has used for long. It keeps every name that
 * it was told until its own memory is short, and we an inode for each: a script that looks up a
 * million keys would cost us a gigabyte.
 */
#ifndef ROWFS_FS_FORGETTER_H
#define ROWFS_FS_FORGETTER_H

#include <pthread.h>

#include "fs/node.h"

/* Selections that the kernel may know; past it those that were used longest ago are dropped. */
#define FORGETTER_SELECTIONS 8192

struct forgetter {
    struct nodes *nodes;
    struct fuse_session *session; /* NULL until the first request */
    pthread_mutex_t lock;
    pthread_cond_t work;
    pthread_t thread;
    bool runs, ends, has_work;
};

void forgetter_init(struct forgetter *forgetter, struct nodes *nodes);
void forgetter_finish(struct forgetter *forgetter); /* before the session ends */

/* There may be too many now. Never waits for the kernel. */
void forgetter_wake(struct forgetter *forgetter, struct fuse_session *session);

#endif
