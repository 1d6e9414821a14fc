/* SPDX-License-Identifier: MIT */
/* A search tree of open things under a lock. */
#include "core/segmentcache.h"

#include <errno.h>
#include <pthread.h>
#include <search.h>
#include <stdlib.h>

struct kept {
    struct uuid segment;
    uint64_t signature;
    void *thing; /* owned reference; of another class in every cache */
    void (*unref)(void *thing);
};

struct segmentcache {
    const struct segmentcache_class *class;
    unsigned max, count;
    pthread_mutex_t lock;
    void *tree; /* tsearch(3) of struct kept */
};

int segmentcache_create(const struct segmentcache_class *class, unsigned max,
                        struct segmentcache **ret_cache)
{
    struct segmentcache *cache = calloc(1, sizeof *cache);

    if (!cache)
        return -ENOMEM;
    cache->class = class;
    cache->max = max;
    pthread_mutex_init(&cache->lock, NULL);
    *ret_cache = cache;
    return 0;
}

static void kept_free(void *item)
{
    struct kept *entry = item;

    entry->unref(entry->thing);
    free(entry);
}

void segmentcache_destroy(struct segmentcache *cache)
{
    if (!cache)
        return;
    tdestroy(cache->tree, kept_free);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static int compare(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;
    int order = uuid_compare(x->segment, y->segment);

    return order ? order : (x->signature > y->signature) - (x->signature < y->signature);
}

void *segmentcache_find(struct segmentcache *cache, struct uuid segment, uint64_t signature)
{
    struct kept key = {.segment = segment, .signature = signature}, **found;
    void *thing;

    pthread_mutex_lock(&cache->lock);
    found = tfind(&key, &cache->tree, compare);
    thing = found ? cache->class->ref((*found)->thing) : NULL;
    pthread_mutex_unlock(&cache->lock);
    return thing;
}

void segmentcache_add(struct segmentcache *cache, struct uuid segment, uint64_t signature,
                      void *thing)
{
    struct kept *entry = malloc(sizeof *entry), **found;

    if (!entry)
        return;
    *entry = (struct kept){.segment = segment,
                           .signature = signature,
                           .thing = cache->class->ref(thing),
                           .unref = cache->class->unref};
    pthread_mutex_lock(&cache->lock);
    if (cache->count == cache->max) {
        tdestroy(cache->tree, kept_free);
        cache->tree = NULL;
        cache->count = 0;
    }
    found = tsearch(entry, &cache->tree, compare);
    cache->count += found && *found == entry;
    pthread_mutex_unlock(&cache->lock);
    if (!found || *found != entry)
        kept_free(entry);
}

void segmentcache_remove(struct segmentcache *cache, struct uuid segment, uint64_t signature)
{
    struct kept key = {.segment = segment, .signature = signature}, **found, *entry = NULL;

    pthread_mutex_lock(&cache->lock);
    found = tfind(&key, &cache->tree, compare);
    if (found) {
        entry = *found;
        tdelete(&key, &cache->tree, compare);
        cache->count--;
    }
    pthread_mutex_unlock(&cache->lock);
    if (entry)
        kept_free(entry);
}
