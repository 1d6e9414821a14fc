/* SPDX-License-Identifier: MIT */
/*
 * The member names of one row, object by object: is this one there already?
 * Names are compared as the characters they spell.
 */
#ifndef ROWFS_CORE_ROWNAMES_H
#define ROWFS_CORE_ROWNAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/nameset.h"

/* An object's first names are compared one by one, those beyond go into the hash set. */
#define ROWNAMES_FEW 16

/* What may be read of a line, however short, before its end. */
#define ROWNAMES_READABLE_BYTES 8

struct rowname {
    const char *text;
    size_t bytes;
    uint64_t tag; /* equal for equal names */
};

/* The names of one object. */
struct rownames_object {
    uint64_t group; /* of the names in the set; 0: none */
    unsigned few_count;
    struct rowname few[ROWNAMES_FEW];
};

/* What all objects of a row share. */
struct rownames {
    struct nameset many;
    char *decoded;
    size_t decoded_bytes, decoded_capacity;
};

/* Errors: those of getrandom(2). */
int rownames_init(struct rownames *names);
void rownames_finish(struct rownames *names);

/* An object that has no names. */
static inline void rownames_object_init(struct rownames_object *object)
{
    object->few_count = 0;
    object->group = 0;
}

/*
 * Adds a name to an object. `text` is the inside of a valid string of the line
 * that ends at `end`, `escaped` if it has a backslash, and borrowed until
 * rownames_clear(). At least ROWNAMES_READABLE_BYTES before `end` are readable.
 * Returns 0, or 1 if the object has the name already. Errors: -ENOMEM.
 */
int rownames_add(struct rownames *names, struct rownames_object *object, const char *text,
                 size_t bytes, bool escaped, const char *end);

/* Forgets the row, in constant time; keeps memory of an ordinary size. */
void rownames_clear(struct rownames *names);

#endif
