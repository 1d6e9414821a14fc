/* SPDX-License-Identifier: MIT */
/* A hash table of names with linear probing. */
#include "core/namemap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "core/base/uuid.h"

#define FIRST_SLOTS 64

struct namemap_slot {
    struct slice name; /* without text: empty */
    uint64_t hash;
    size_t position;
};

void namemap_finish(struct namemap *map)
{
    free(map->slots);
    *map = (struct namemap){0};
}

static uint64_t hash_of(const struct namemap *map, struct slice name)
{
    return XXH3_64bits_withSeed(name.text, name.bytes, map->seed);
}

/* The slot that holds the name, or the empty one where it belongs. */
static struct namemap_slot *find(const struct namemap *map, struct slice name, uint64_t hash)
{
    for (size_t i = hash;; i++) {
        struct namemap_slot *slot = &map->slots[i & (map->capacity - 1)];

        if (!slot->name.text || (slot->hash == hash && slice_equal(slot->name, name)))
            return slot;
    }
}

static int grow(struct namemap *map)
{
    struct namemap bigger = *map;

    bigger.capacity = map->capacity ? 2 * map->capacity : FIRST_SLOTS;
    bigger.slots = calloc(bigger.capacity, sizeof *bigger.slots);
    if (!bigger.slots)
        return -ENOMEM;
    if (!map->capacity) {
        struct uuid random = uuid_random();

        memcpy(&bigger.seed, random.bytes, sizeof bigger.seed);
    }
    for (size_t i = 0; i < map->capacity; i++) {
        const struct namemap_slot *slot = &map->slots[i];

        if (slot->name.text)
            *find(&bigger, slot->name, slot->hash) = *slot;
    }
    free(map->slots);
    *map = bigger;
    return 0;
}

int namemap_add(struct namemap *map, struct slice name, size_t position)
{
    uint64_t hash;
    int r;

    if (map->used >= map->capacity / 4 * 3) {
        r = grow(map);
        if (r < 0)
            return r;
    }
    hash = hash_of(map, name);
    *find(map, name, hash) =
        (struct namemap_slot){.name = name, .hash = hash, .position = position};
    map->used++;
    return 0;
}

bool namemap_find(const struct namemap *map, struct slice name, size_t *ret_position)
{
    const struct namemap_slot *slot;

    if (!map->used)
        return false;
    slot = find(map, name, hash_of(map, name));
    if (!slot->name.text)
        return false;
    *ret_position = slot->position;
    return true;
}
