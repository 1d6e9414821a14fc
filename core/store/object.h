/* SPDX-License-Identifier: MIT */
/*
 * What rows lie in, as something to read from: a segment, or the body of a
 * record. Shared by all extents that point into it, counted, immutable. Any thread.
 */
#ifndef ROWFS_STORE_OBJECT_H
#define ROWFS_STORE_OBJECT_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/store/record.h"
#include "core/store/segment.h"

struct object {
    _Atomic uint32_t refs;
    struct object_id id;
    struct object_entry entry; /* of a segment; empty for a record */
    _Atomic(struct segment_index *) index; /* loaded at the first read */
};

/* A new object with one reference, of a data object (the entry is copied). Errors: -ENOMEM. */
int object_create_segment(const struct object_entry *entry, struct object **ret_object);

/* The same of record `seq`. */
int object_create_inlined(uint64_t seq, struct object **ret_object);

struct object *object_ref(struct object *object);
void object_unref(struct object *object); /* accepts NULL */

/*
 * Reads `bytes` decoded bytes at `offset`, verified. Errors: -EIO with the name
 * of the object that is damaged, missing or short; -ENOMEM; what the medium says.
 */
int object_read(struct store *store, struct object *object, void *buf, size_t bytes,
                uint64_t offset, struct err *err);

/*
 * Where row number `row` of the object (counted from 0) begins, in decoded bytes.
 * Reads about one block. Errors: -EIO, also when there is no such row; -ENOMEM.
 */
int object_find_row(struct store *store, struct object *object, uint64_t row,
                    uint64_t *ret_offset, struct err *err);

#endif
