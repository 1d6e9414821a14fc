/* SPDX-License-Identifier: MIT */
/*
 * Rows that a transaction has written to one table and not committed: a stage
 * that grows while it is read. Extents of the transaction's own view point into it
 * (as an object), in bytes and rows from its beginning; the commit translates them.
 *
 * Counted. One thread writes at a time, any number read.
 */
#ifndef ROWFS_CORE_STAGED_H
#define ROWFS_CORE_STAGED_H

#include "core/stage.h"
#include "core/store/object.h"

struct staged;

/* New and empty, with one reference. Errors: -ENOMEM. */
int staged_create(struct store *store, struct uuid table, struct staged **ret_staged);
struct staged *staged_ref(struct staged *staged);
void staged_unref(struct staged *staged); /* accepts NULL */

/* As an object of its own UUID; new reference. Errors: -ENOMEM. */
int staged_object(struct staged *staged, struct object **ret_object);

/* What such an object shows, borrowed from it; NULL: it is in the store. */
struct staged *staged_of(const struct object *object);

/*
 * Appends the rows of `from`, which is sealed and empty afterwards, also on
 * failure. `*ret_ref` is where they lie in this object. After a failure nothing more
 * can be appended, and nothing read: it is repeated. Errors: as stage_take.
 */
int staged_append(struct staged *staged, struct stage *from, struct extent_ref *ret_ref,
                  struct err *err);

struct uuid staged_table(const struct staged *staged);

/* How many bytes are kept in memory. */
uint64_t staged_memory(struct staged *staged);

/* No record will name its data objects: they are removed with the last reference. */
void staged_discard(struct staged *staged);

/* Whether a data object is being written, which takes a descriptor and a buffer until it is sealed.
 */
bool staged_is_writing(struct staged *staged);

/* Whether rows were lost on their way to a data object. */
bool staged_has_failed(struct staged *staged);

/*
 * Writes what is in memory to a data object. Errors: as stage_spill; what is in memory stays, and
 * it can be tried again.
 */
int staged_spill(struct staged *staged, struct err *err);

/* Makes ready for a commit: as stage_seal. The stage is borrowed. */
int staged_seal(struct staged *staged, const struct stage **ret_stage, struct err *err);

/*
 * The parts of `ref`, an extent of a staged object that was sealed, as extents of what a
 * record brings: its body, in which the rows in memory begin at `body`, or data objects.
 * Appends to `refs`, which has room for staged_parts more. Returns how many.
 */
size_t staged_translate(const struct staged *staged, const struct extent_ref *ref, uint64_t seq,
                        uint64_t body_offset, uint64_t body_row, struct extent_ref *refs);

/* At most this many parts can an extent have. */
size_t staged_parts(const struct staged *staged);

#endif
