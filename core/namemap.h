/* SPDX-License-Identifier: MIT */
/*
 * A hash table from names to their positions in some array, for objects and headers of many
 * names. Seeded at random, so that nobody can write names that collide.
 */
#ifndef ROWFS_CORE_NAMEMAP_H
#define ROWFS_CORE_NAMEMAP_H

#include <stdint.h>

#include "core/jsontext.h"

struct namemap_slot;

/* Zeroed is empty. */
struct namemap {
    struct namemap_slot *slots;
    size_t capacity, used;
    uint64_t seed;
};

void namemap_finish(struct namemap *map); /* frees; empty and usable afterwards */

/*
 * Adds a name that is not there yet. Its characters are borrowed until namemap_finish().
 * Errors: -ENOMEM, the map as it was.
 */
int namemap_add(struct namemap *map, struct slice name, size_t position);

/* Whether the name is there. */
bool namemap_find(const struct namemap *map, struct slice name, size_t *ret_position);

#endif
