/* SPDX-License-Identifier: MIT */
/*
 * What rows lie in, as something to read from: a segment, the body of a record,
 * or what a transaction keeps until it commits. Shared by all extents that point into it, counted,
 * immutable. Any thread.
 */
#ifndef ROWFS_STORE_OBJECT_H
#define ROWFS_STORE_OBJECT_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/store/record.h"
#include "core/store/segment.h"

/* Where the bytes of an object come from that is in no store yet. */
struct object_source {
    /* As object_read; what was written can be read by any thread. */
    int (*read)(void *context, void *buf, size_t bytes, uint64_t offset, struct err *err);
    uint64_t (*bytes)(void *context);
    void (*release)(void *context); /* with the last reference; NULL: nothing to do */
};

struct object {
    _Atomic uint32_t refs;
    struct object_id id;
    const struct object_source *source; /* NULL: it is in the store */
    void *context;
    struct object_entry entry;             /* of a segment; empty for a record */
    _Atomic(struct segment_index *) index; /* loaded at the first read */
};

/* A new object with one reference, of a data object (the entry is copied). Errors: -ENOMEM. */
int object_create_segment(const struct object_entry *entry, struct object **ret_object);

/* The same of record `seq`. */
int object_create_inlined(uint64_t seq, struct object **ret_object);

/* The same of what `source` reads; `context` is taken, also on failure. */
int object_create_outside(struct uuid uuid, const struct object_source *source, void *context,
                          struct object **ret_object);

/* The body of record `seq` while that is being made: read from `source` until object_set_source. */
int object_create_pending(uint64_t seq, const struct object_source *source, void *context,
                          struct object **ret_object);

/*
 * From now on it is read from somewhere else; NULL: from the store. While nobody reads it. What
 * it had is not released.
 */
void object_set_source(struct object *object, const struct object_source *source, void *context);

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
int object_find_row(struct store *store, struct object *object, uint64_t row, uint64_t *ret_offset,
                    struct err *err);

#endif
