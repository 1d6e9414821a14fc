/* SPDX-License-Identifier: MIT */
/* A hash set of names with linear probing. */
#include "core/nameset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#define FIRST_SLOTS 64
#define KEPT_SLOTS  4096

struct nameset_slot {
    uint64_t group; /* cleared_group or older: empty */
    uint64_t hash;
    const char *text;
    size_t bytes;
};

int nameset_init(struct nameset *set)
{
    uint64_t seed;
    ssize_t n;
    int r;

    do {
        n = getrandom(&seed, sizeof seed, 0);
        r = n < 0 ? -errno : 0;
    } while (r == -EINTR);
    if (!r)
        *set = (struct nameset){.seed = seed};
    return r;
}

void nameset_finish(struct nameset *set)
{
    free(set->slots);
    set->slots = NULL;
}

uint64_t nameset_new_group(struct nameset *set)
{
    return ++set->last_group;
}

/* The slot that holds the name, or the empty one where it belongs. */
static struct nameset_slot *find(const struct nameset *set, const struct nameset_slot *name)
{
    for (size_t i = name->hash;; i++) {
        struct nameset_slot *slot = &set->slots[i & (set->capacity - 1)];

        if (slot->group <= set->cleared_group)
            return slot;
        if (slot->hash == name->hash && slot->group == name->group && slot->bytes == name->bytes &&
            !memcmp(slot->text, name->text, name->bytes))
            return slot;
    }
}

static int grow(struct nameset *set)
{
    struct nameset bigger = *set;

    bigger.capacity = set->capacity ? 2 * set->capacity : FIRST_SLOTS;
    bigger.slots = calloc(bigger.capacity, sizeof *bigger.slots);
    if (!bigger.slots)
        return -ENOMEM;
    for (size_t i = 0; i < set->capacity; i++) {
        const struct nameset_slot *slot = &set->slots[i];

        if (slot->group > set->cleared_group)
            *find(&bigger, slot) = *slot;
    }
    free(set->slots);
    *set = bigger;
    return 0;
}

int nameset_add(struct nameset *set, uint64_t group, const char *text, size_t bytes)
{
    /* The group seeds too: objects inside each other with the same names must not collide. */
    struct nameset_slot name = {
        .group = group,
        .hash = XXH3_64bits_withSeed(text, bytes, set->seed + group),
        .text = text,
        .bytes = bytes,
    };
    struct nameset_slot *slot;
    int r;

    if (set->used >= set->capacity / 4 * 3) {
        r = grow(set);
        if (r < 0)
            return r;
    }
    slot = find(set, &name);
    if (slot->group > set->cleared_group)
        return 1;
    *slot = name;
    set->used++;
    return 0;
}

void nameset_clear(struct nameset *set)
{
    set->cleared_group = set->last_group;
    set->used = 0;
    if (set->capacity > KEPT_SLOTS) {
        nameset_finish(set);
        set->capacity = 0;
    }
}
