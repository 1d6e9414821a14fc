/* SPDX-License-Identifier: MIT */
/*
 * The index of a segment: which rows may have a key, by its hash. A data object of its
 * own beside the segment, that no record names: it follows from the segment, can be
 * thrown away and is made again when it is needed, so that it is never wrong, only missing.
 *
 * "data/<table>/<segment>.<signature>.key", all numbers little-endian, in pages of 4096 bytes, each
 * of which ends in the xxh3 (64 bits) of what is before it in the page:
 *
 *     page 0: 0  8  magic "rowfskx1"
 *             8  16 UUID of the segment
 *             24 8  signature: which columns, of which types (a hash that the caller makes)
 *             32 8  entries
 *             40 8  bytes of the segment
 *             48    zeros
 *     pages of the directory: 511 x 8: the hash of the first entry of each page of entries
 *     pages of entries: 340 x 12: hash (8), row (4; its ordinal in the segment); by hash, then by
 * row; zeros behind
 *
 * Any thread.
 */
#ifndef ROWFS_CORE_KEYINDEX_H
#define ROWFS_CORE_KEYINDEX_H

#include "core/store/object.h"

/* --- making --- */

struct keyindex_builder;

/* New and empty in `*ret_builder`, freed with keyindex_builder_destroy. Errors: -ENOMEM. One thread
 * at a time. */
int keyindex_builder_create(struct keyindex_builder **ret_builder);
void keyindex_builder_destroy(struct keyindex_builder *builder); /* accepts NULL */

/* The row `row` of the segment has a key of this hash. Memory: 12 or 16 bytes an entry. Errors:
 * -ENOMEM. */
int keyindex_builder_add(struct keyindex_builder *builder, uint64_t hash, uint32_t row);

/*
 * Publishes the index of `segment`. That one is there already is no error. The builder is empty
 * afterwards. Errors: -ENOMEM; what the store says.
 */
int keyindex_builder_put(struct keyindex_builder *builder, struct store *store,
                         const struct object_entry *segment, uint64_t signature, struct err *err);

/* --- looking up --- */

struct keyindex;

/*
 * Opens it: reads page 0 and the directory. `*ret_index` is new, counted. Errors: -ENOENT, there is
 * none that can be used (missing, damaged, of another segment or signature): make it; -ENOMEM; what
 * the medium says.
 */
int keyindex_open(struct store *store, const struct object_entry *segment, uint64_t signature,
                  struct keyindex **ret_index, struct err *err);
struct keyindex *keyindex_ref(struct keyindex *index);
void keyindex_unref(struct keyindex *index); /* accepts NULL */

/*
 * Appends the ordinals (uint32_t) of the rows with this hash to `rows`, in order. Reads one page,
 * seldom more: one search in memory and one read of the store. Errors: -EIO, a page is damaged (the
 * index is to be removed and made again); -ENOMEM; what the medium says.
 */
int keyindex_find(struct store *store, struct keyindex *index, uint64_t hash, struct buf *rows,
                  struct err *err);

/* Removes what cannot be used, so that it can be put again. Errors: what the store says. */
int keyindex_remove(struct store *store, const struct object_entry *segment, uint64_t signature,
                    struct err *err);

/* Whether an index holds exactly the entries of the builder, for `rowfs check`. 1, 0. Errors: as
 * keyindex_find. */
int keyindex_equal(struct store *store, struct keyindex *index, struct keyindex_builder *builder,
                   struct err *err);

#endif
