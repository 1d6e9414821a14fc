/* SPDX-License-Identifier: MIT */
/*
 * A hash set of names, told apart by the object they belong to, for objects of
 * many names. Seeded at random, so that nobody can write names that collide.
 */
#ifndef ROWFS_CORE_NAMESET_H
#define ROWFS_CORE_NAMESET_H

#include <stddef.h>
#include <stdint.h>

struct nameset_slot;

struct nameset {
    struct nameset_slot *slots;
    size_t capacity, used;
    uint64_t seed;
    uint64_t last_group;
    uint64_t cleared_group; /* slots of this group and of older ones are empty */
};

/* Empty, without memory. Errors: those of getrandom(2). */
int nameset_init(struct nameset *set);
void nameset_finish(struct nameset *set); /* accepts a zeroed set */

/* A group that has no names, for one object; never 0. */
uint64_t nameset_new_group(struct nameset *set);

/*
 * Adds a name to a group. `text` is borrowed until nameset_clear(). Returns 0,
 * or 1 if the group has the name already. Errors: -ENOMEM, the set as it was.
 */
int nameset_add(struct nameset *set, uint64_t group, const char *text, size_t bytes);

/*
 * Forgets all groups, in constant time. Memory of an ordinary size is kept for
 * the next names, much of it is freed.
 */
void nameset_clear(struct nameset *set);

#endif
