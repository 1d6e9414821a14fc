/* SPDX-License-Identifier: MIT */
/* A small table of open descriptors, the least recently used one goes first. */
#include "core/store/fdcache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/io.h"
#include "core/base/mem.h"

void fdcache_init(struct fdcache *cache)
{
    *cache = (struct fdcache){0};
    pthread_mutex_init(&cache->lock, NULL);
    for (unsigned i = 0; i < FDCACHE_SLOTS; i++)
        cache->entries[i].fd = -1;
}

static void entry_clear(struct fdcache_entry *entry)
{
    if (entry->fd >= 0)
        io_close(entry->fd);
    free(entry->key);
    *entry = (struct fdcache_entry){.fd = -1};
}

void fdcache_finish(struct fdcache *cache)
{
    for (unsigned i = 0; i < FDCACHE_SLOTS; i++)
        entry_clear(&cache->entries[i]);
    pthread_mutex_destroy(&cache->lock);
}

static struct fdcache_entry *find(struct fdcache *cache, const char *key)
{
    for (unsigned i = 0; i < FDCACHE_SLOTS; i++)
        if (cache->entries[i].key && !strcmp(cache->entries[i].key, key))
            return &cache->entries[i];
    return NULL;
}

/* An entry that nobody reads from: empty, or the one used longest ago. */
static struct fdcache_entry *find_idle(struct fdcache *cache)
{
    struct fdcache_entry *oldest = NULL;

    for (unsigned i = 0; i < FDCACHE_SLOTS; i++) {
        struct fdcache_entry *entry = &cache->entries[i];

        if (entry->pins)
            continue;
        if (!oldest || entry->use < oldest->use)
            oldest = entry;
    }
    return oldest;
}

static void use(struct fdcache *cache, struct fdcache_entry *entry)
{
    entry->pins++;
    entry->use = ++cache->clock;
}

int fdcache_get(struct fdcache *cache, int dirfd, const char *key, int *ret_fd)
{
    struct fdcache_entry *entry;
    cleanup_free char *copy = NULL;
    int fd;

    pthread_mutex_lock(&cache->lock);
    entry = find(cache, key);
    if (entry) {
        use(cache, entry);
        *ret_fd = entry->fd;
    }
    pthread_mutex_unlock(&cache->lock);
    if (entry)
        return 0;

    fd = io_open_beneath(dirfd, key, O_RDONLY);
    if (fd < 0)
        return fd;
    *ret_fd = fd;
    copy = strdup(key);
    if (!copy)
        return 0; /* works without being remembered: fdcache_put closes it */
    pthread_mutex_lock(&cache->lock);
    entry = find(cache, key) ? NULL : find_idle(cache);
    if (entry) {
        entry_clear(entry);
        entry->key = steal_pointer(copy);
        entry->fd = fd;
        use(cache, entry);
    }
    pthread_mutex_unlock(&cache->lock);
    return 0;
}

void fdcache_put(struct fdcache *cache, int fd)
{
    bool known = false;

    pthread_mutex_lock(&cache->lock);
    for (unsigned i = 0; i < FDCACHE_SLOTS && !known; i++) {
        struct fdcache_entry *entry = &cache->entries[i];

        if (entry->fd != fd)
            continue;
        known = true;
        if (--entry->pins == 0 && !entry->key)
            entry_clear(entry); /* forgotten while it was read */
    }
    pthread_mutex_unlock(&cache->lock);
    if (!known)
        io_close(fd);
}

void fdcache_forget(struct fdcache *cache, const char *key)
{
    struct fdcache_entry *entry;

    pthread_mutex_lock(&cache->lock);
    entry = find(cache, key);
    if (entry && entry->pins) {
        free(entry->key);
        entry->key = NULL;
    } else if (entry) {
        entry_clear(entry);
    }
    pthread_mutex_unlock(&cache->lock);
}
