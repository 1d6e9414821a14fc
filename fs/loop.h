/* SPDX-License-Identifier: MIT */
/*
 * The threads that serve a mount. One of them has the turn: it receives a
 * request, looks at what has to be known of it before another may be received
 * (settle.h; libfuse's own loop gives no such place), serves it and receives the
 * next. It passes the turn on only when it is about to wait (loop_pass_turn), so
 * that a request that needs no disk costs no change of threads: an append makes
 * some fifteen requests, and one that waits.
 */
#ifndef ROWFS_FS_LOOP_H
#define ROWFS_FS_LOOP_H

#include "fs/fs.h"

/* More are never needed to keep a disk busy: commits that wait hold no thread. */
#define LOOP_MAX_THREADS 64

struct loop;

/*
 * Lets another thread receive while this one waits or works for long. Nothing if
 * this thread does not have the turn.
 */
void loop_pass_turn(void);

/* Starts to serve. Every signal must be blocked in the caller, and SIGUSR1 is taken. */
int loop_start(struct fs *fs, struct loop **ret_loop);

/*
 * Waits until the kernel has ended the connection (the mount is gone) or one of
 * the blocked signals SIGTERM, SIGINT, SIGHUP comes; then until every request
 * that was received is answered. Frees the loop. `*ret_unmounted`: it was the kernel.
 */
void loop_run(struct loop *loop, bool *ret_unmounted);

#endif
