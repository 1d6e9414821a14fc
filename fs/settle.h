/* SPDX-License-Identifier: MIT */
/*
 * Order between a last close and what is asked after it.
 *
 * The kernel queues RELEASE before the last close(2) returns, but does not wait
 * for it. Where RELEASE still has something to commit (what a child wrote after
 * its opener had closed), a process must see that commit in whatever it asks
 * next. So requests are received one at a time (loop.h), each such RELEASE is
 * noted before the next request can be received, and whoever asks for the newest
 * version first waits for those noted.
 */
#ifndef ROWFS_FS_SETTLE_H
#define ROWFS_FS_SETTLE_H

#include <pthread.h>
#include <stdint.h>

struct settle_ticket {
    uint64_t number; /* 0: not noted */
    struct settle_ticket *next, **link;
};

struct settle {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t last_number;
    struct settle_ticket *pending, **end; /* in the order of their numbers */
};

void settle_init(struct settle *settle);
void settle_finish(struct settle *settle);

/* Called while no other request can be received. The ticket lives until settle_end. */
void settle_begin(struct settle *settle, struct settle_ticket *ticket);
void settle_end(struct settle *settle, struct settle_ticket *ticket);

/*
 * Waits until all that began before this call have ended; bounded by their
 * commits. `before_wait` is called first if there is anything to wait for.
 */
void settle_wait(struct settle *settle, void (*before_wait)(void));

#endif
