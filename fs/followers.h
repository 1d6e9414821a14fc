/* SPDX-License-Identifier: MIT */
/*
 * Those who read a stream: each gets the rows that are committed after it has opened, and
 * waits when there are none. A request that waits holds no thread; one thread of its own
 * looks for commits (of this mount and others) while there are readers at all, and costs
 * nothing while nothing happens.
 *
 * Any thread.
 */
#ifndef ROWFS_FS_FOLLOWERS_H
#define ROWFS_FS_FOLLOWERS_H

#include "core/follow.h"

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

/* Where nobody tells of other mounts' commits they are looked for so often, while somebody waits.
 */
#define FOLLOWERS_LOOK_MSEC 40

struct followers;
struct follower;

int followers_create(struct db *db, struct followers **ret_followers); /* Errors: -ENOMEM. */

/* Whoever waits reads an end of file, and everybody else from now on. Accepts NULL. */
void followers_end(struct followers *followers);

/* After the end, and when there are no followers any more. Accepts NULL. */
void followers_destroy(struct followers *followers);

/*
 * A reader of what comes after `from` to the table. `*ret_follower` is new.
 * Errors: -ENOENT, there is no such table in it; -ENOMEM.
 */
int follower_create(struct followers *followers, struct snapshot *from, struct uuid table,
                    struct follower **ret_follower);
void follower_destroy(struct follower *follower); /* accepts NULL; no request may wait */

/*
 * Answers the request with what there is, now or when something comes; with nothing at the
 * end (the table was dropped, or the mount ends), with EINTR when the reader is
 * interrupted, with EAGAIN if it will not wait.
 */
void follower_read(struct follower *follower, fuse_req_t req, size_t size, bool nonblock);

/* poll(2); the handle is taken over. */
void follower_poll(struct follower *follower, fuse_req_t req, struct fuse_pollhandle *ph);

#endif
