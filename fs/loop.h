/* SPDX-License-Identifier: MIT */
/*
 * The threads that serve a mount. Requests are received one at a time and served
 * at once: what has to be known of a request before the next one may be received
 * (settle.h) is looked at in between. libfuse's own loop gives no such place.
 */
#ifndef ROWFS_FS_LOOP_H
#define ROWFS_FS_LOOP_H

#include "fs/fs.h"

/* More are never needed to keep a disk busy: commits that wait hold no thread. */
#define LOOP_MAX_THREADS 64

struct loop;

/* Starts to serve. Every signal must be blocked in the caller, and SIGUSR1 is taken. */
int loop_start(struct fs *fs, struct loop **ret_loop);

/*
 * Waits until the kernel has ended the connection (the mount is gone) or one of
 * the blocked signals SIGTERM, SIGINT, SIGHUP comes; then until every request
 * that was received is answered. Frees the loop. `*ret_unmounted`: it was the kernel.
 */
void loop_run(struct loop *loop, bool *ret_unmounted);

#endif
