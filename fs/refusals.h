/* SPDX-License-Identifier: MIT */
/*
 * The file `errors`: what was refused to each user, newest last. A shell's
 * builtin echo cannot report an error of close(2); this is where it is found.
 */
#ifndef ROWFS_FS_REFUSALS_H
#define ROWFS_FS_REFUSALS_H

#include <pthread.h>
#include <sys/types.h>

#include "core/base/buf.h"
#include "core/base/err.h"

#define REFUSALS_KEPT  100 /* lines a user */
#define REFUSALS_USERS 64  /* users; the one refused longest ago is forgotten */

struct refusals {
    pthread_mutex_t lock;
    uint64_t clock;
    struct refusals_user {
        uid_t uid;
        uint64_t used;  /* the clock at the last refusal; 0: an empty slot */
        uint64_t count; /* refusals ever */
        int64_t time_usec;
        char *lines[REFUSALS_KEPT];
    } users[REFUSALS_USERS];
};

void refusals_init(struct refusals *refusals);
void refusals_finish(struct refusals *refusals);

/* Adds a line. `path` is relative to the mount. Returns it, new (free); NULL: out of memory. */
char *refusals_add(struct refusals *refusals, uid_t uid, pid_t pid, const char *path, int code,
                   const struct err *err);

/* The user's lines and the time of the last one (0: none). Errors: -ENOMEM. */
int refusals_print(struct refusals *refusals, uid_t uid, struct buf *buf, int64_t *ret_time_usec);

#endif
