/* SPDX-License-Identifier: MIT */
/* A hash table of rows, with open addressing. */
#include "core/keymap.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_CAPACITY 64

struct entry {
    uint64_t hash, row; /* the row's number plus one; 0: empty */
};

struct keymap {
    _Atomic uint32_t refs;
    pthread_mutex_t lock;
    struct entry *entries;
    size_t capacity, count; /* the capacity is a power of two */
    size_t filtered;        /* how many keymap_filter left; 0: it is of keymap_create */
};

int keymap_create(struct keymap **ret_map)
{
    struct keymap *map = calloc(1, sizeof *map);

    if (!map)
        return -ENOMEM;
    map->entries = calloc(FIRST_CAPACITY, sizeof *map->entries);
    if (!map->entries) {
        free(map);
        return -ENOMEM;
    }
    map->capacity = FIRST_CAPACITY;
    atomic_init(&map->refs, 1);
    pthread_mutex_init(&map->lock, NULL);
    *ret_map = map;
    return 0;
}

struct keymap *keymap_ref(struct keymap *map)
{
    atomic_fetch_add_explicit(&map->refs, 1, memory_order_relaxed);
    return map;
}

void keymap_unref(struct keymap *map)
{
    if (!map || atomic_fetch_sub_explicit(&map->refs, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_destroy(&map->lock);
    free(map->entries);
    free(map);
}

/* Where the entry is, or would be. */
static struct entry *find_entry(struct entry *entries, size_t capacity, uint64_t hash, uint64_t row)
{
    size_t i = hash & (capacity - 1);

    while (entries[i].row && (entries[i].hash != hash || entries[i].row != row))
        i = (i + 1) & (capacity - 1);
    return &entries[i];
}

static int grow(struct keymap *map)
{
    size_t capacity = 2 * map->capacity;
    struct entry *entries = calloc(capacity, sizeof *entries);

    if (!entries)
        return -ENOMEM;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->entries[i].row)
            *find_entry(entries, capacity, map->entries[i].hash, map->entries[i].row) =
                map->entries[i];
    free(map->entries);
    map->entries = entries;
    map->capacity = capacity;
    return 0;
}

int keymap_add(struct keymap *map, uint64_t hash, uint64_t row)
{
    struct entry *entry;
    int r = 0;

    pthread_mutex_lock(&map->lock);
    if (3 * (map->count + 1) > 2 * map->capacity)
        r = grow(map);
    if (!r) {
        entry = find_entry(map->entries, map->capacity, hash, row + 1);
        map->count += !entry->row;
        *entry = (struct entry){.hash = hash, .row = row + 1};
    }
    pthread_mutex_unlock(&map->lock);
    return r;
}

int keymap_find(struct keymap *map, uint64_t hash, struct buf *rows)
{
    int r = 0;

    pthread_mutex_lock(&map->lock);
    for (size_t i = hash & (map->capacity - 1); map->entries[i].row && !r;
         i = (i + 1) & (map->capacity - 1)) {
        uint64_t row = map->entries[i].row - 1;

        if (map->entries[i].hash == hash)
            r = buf_append(rows, &row, sizeof row);
    }
    pthread_mutex_unlock(&map->lock);
    return r;
}

int keymap_filter(struct keymap *map, bool (*keep)(void *context, uint64_t row), void *context,
                  struct keymap **ret_map)
{
    struct keymap *kept;
    int r = keymap_create(&kept);

    if (r < 0)
        return r;
    pthread_mutex_lock(&map->lock);
    for (size_t i = 0; i < map->capacity && !r; i++)
        if (map->entries[i].row && keep(context, map->entries[i].row - 1))
            r = keymap_add(kept, map->entries[i].hash, map->entries[i].row - 1);
    pthread_mutex_unlock(&map->lock);
    if (r < 0) {
        keymap_unref(kept);
        return r;
    }
    kept->filtered = kept->count;
    *ret_map = kept;
    return 0;
}

size_t keymap_count(struct keymap *map)
{
    size_t count;

    pthread_mutex_lock(&map->lock);
    count = map->count;
    pthread_mutex_unlock(&map->lock);
    return count;
}

bool keymap_is_large(struct keymap *map)
{
    bool large;

    pthread_mutex_lock(&map->lock);
    large = map->count >= 2 * map->filtered + KEYMAP_SMALL;
    pthread_mutex_unlock(&map->lock);
    return large;
}

/* --- slots --------------------------------------------------------------------- */

void keymap_slot_init(struct keymap_slot *slot)
{
    *slot = (struct keymap_slot){0};
    pthread_mutex_init(&slot->lock, NULL);
}

void keymap_slot_finish(struct keymap_slot *slot)
{
    keymap_unref(slot->map);
    pthread_mutex_destroy(&slot->lock);
}

void keymap_slot_clear(struct keymap_slot *slot)
{
    keymap_unref(slot->map);
    slot->map = NULL;
    slot->covered = 0;
}

void keymap_slot_inherit(struct keymap_slot *slot, const struct keymap_slot *from)
{
    struct keymap_slot *filled = (struct keymap_slot *)from; /* a version never changes, but this */

    pthread_mutex_lock(&filled->lock);
    slot->map = filled->map ? keymap_ref(filled->map) : NULL;
    slot->covered = filled->covered;
    pthread_mutex_unlock(&filled->lock);
}
