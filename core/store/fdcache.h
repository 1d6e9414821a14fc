/* SPDX-License-Identifier: MIT */
/*
 * Keeps the most recently read objects of a directory store open, so that a
 * reader pays for open(2) once per object and not once per block, with a bound
 * on descriptors. Any thread.
 */
#ifndef ROWFS_STORE_FDCACHE_H
#define ROWFS_STORE_FDCACHE_H

#include <pthread.h>
#include <stdbool.h>

#define FDCACHE_SLOTS 64

struct fdcache_entry {
    char *key;
    int fd;
    unsigned pins;     /* readers that use fd now */
    unsigned long use; /* the clock at the last use */
};

struct fdcache {
    pthread_mutex_t lock;
    unsigned long clock;
    struct fdcache_entry entries[FDCACHE_SLOTS];
};

void fdcache_init(struct fdcache *cache);
void fdcache_finish(struct fdcache *cache); /* nothing may be pinned */

/*
 * A descriptor of `key`, opened for reading below `dirfd` when it is not there.
 * It stays open until fdcache_put. Errors: those of open(2).
 */
int fdcache_get(struct fdcache *cache, int dirfd, const char *key, int *ret_fd);
void fdcache_put(struct fdcache *cache, int fd);

/* Closes what is known of `key`, which is about to be removed. */
void fdcache_forget(struct fdcache *cache, const char *key);

#endif
