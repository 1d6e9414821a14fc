/* SPDX-License-Identifier: MIT */
/*
 * What is kept open beside segments, such as their indexes: counted things by the segment's
 * UUID and a signature. Bounded: when there are too many all are let go, and opened again by
 * who needs them.
 *
 * Any thread.
 */
#ifndef ROWFS_CORE_SEGMENTCACHE_H
#define ROWFS_CORE_SEGMENTCACHE_H

#include "core/base/uuid.h"

struct segmentcache;

/* How the things in it are counted. */
struct segmentcache_class {
    void *(*ref)(void *thing);
    void (*unref)(void *thing);
};

/* For at most `max` things. `*ret_cache` is new. Errors: -ENOMEM. */
int segmentcache_create(const struct segmentcache_class *class, unsigned max,
                        struct segmentcache **ret_cache);
void segmentcache_destroy(struct segmentcache *cache); /* accepts NULL */

/* A new reference, or NULL: it is not there. */
void *segmentcache_find(struct segmentcache *cache, struct uuid segment, uint64_t signature);

/* Keeps a reference of its own, unless one is there already or memory is short. */
void segmentcache_add(struct segmentcache *cache, struct uuid segment, uint64_t signature,
                      void *thing);

void segmentcache_remove(struct segmentcache *cache, struct uuid segment, uint64_t signature);

#endif
