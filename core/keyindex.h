/* SPDX-License-Identifier: MIT */
/*
 * The index of a segment: which rows may have a key, by its hash. A data object of its
 * own beside the segment, that no record names: it follows from the segment, can be
 * thrown away and is made again when it is needed, so that it is never wrong, only missing.
 *
 * "data/<table>/<segment>.<signature, 16 hex digits>.key", all numbers little-endian, in pages
 * of 4096 bytes with zeros where nothing is said:
 *
 *     page 0:     0  8  magic "rowfskx1"
 *                 8  16 UUID of the segment
 *                 24 8  signature: which columns, of which types (a hash that the caller makes)
 *                 32 8  entries, at most 2^32 - 1
 *                 40 8  bytes of the segment
 *     directory:  0     510 x 8: the hash of the first entry of each page of entries
 *     entries:    0     340 x 12: hash (8), row (4; its ordinal in the segment); by hash, then by
 *                       row; all pages but the last are full
 *
 *     every page: 4080 8  its place: 0 in page 0; elsewhere the checksum of page 0 plus the page's
 *                         number, so that a page of another index, or from elsewhere in this
 *                         one, is found out
 *                 4088 8  checksum: xxh3 (64 bits) of the 4088 bytes before it
 *
 * The directory has as many pages as it takes, and so have the entries behind it: none of
 * either where there are no entries.
 *
 * How it is used: open; on -ENOENT remove (what is there is damaged), make it of the rows, put,
 * open again. On -EIO of a find the same, after an unref. Whoever cannot write does without.
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

/* The row `row` of the segment has a key of this hash; in any order; what is added twice is found
 * twice. Memory: 12 bytes an entry, and up to half as much again to grow into. Errors: -ENOMEM, the
 * builder as it was. */
int keyindex_builder_add(struct keyindex_builder *builder, uint64_t hash, uint32_t row);

/*
 * Publishes the index of `segment`; on 0 there is one. That one is there already is no error,
 * and it stays as it is, also if it is damaged. The builder is empty afterwards, in any case.
 * Errors: what the store says (it may then be there or not, whole).
 */
int keyindex_builder_put(struct keyindex_builder *builder, struct store *store,
                         const struct object_entry *segment, uint64_t signature, struct err *err);

/* --- looking up --- */

struct keyindex;

/*
 * Opens it: reads page 0 and the directory (8 bytes of memory for 340 entries), in two reads.
 * `*ret_index` is new, counted; the segment is not needed any longer. Errors: -ENOENT, there is
 * none that can be used (missing, damaged, too short, unreadable, of another segment or signature),
 * with the reason: make it; -ENOMEM; what the medium says besides -EIO.
 */
int keyindex_open(struct store *store, const struct object_entry *segment, uint64_t signature,
                  struct keyindex **ret_index, struct err *err);
struct keyindex *keyindex_ref(struct keyindex *index);
void keyindex_unref(struct keyindex *index); /* accepts NULL */

/*
 * Appends the ordinals (uint32_t) of the rows with this hash to `rows`, in order; none is no error.
 * One search in memory and at most one read of the store, of one page or two; more only if the
 * hash fills pages. After a failure `rows` is as before. Errors: -EIO, a page is damaged or
 * the index is gone (it is to be removed and made again); -ENOMEM; what the medium says.
 */
int keyindex_find(struct store *store, struct keyindex *index, uint64_t hash, struct buf *rows,
                  struct err *err);

/* Removes what cannot be used, so that it can be put again; that there is none is no error. Who has
 * it open finds what it held, or -EIO. Errors: what the store says. */
int keyindex_remove(struct store *store, const struct object_entry *segment, uint64_t signature,
                    struct err *err);

/* Whether there is an object of that name, whatever it holds. 0, -ENOENT; what the medium says. */
int keyindex_is_there(struct store *store, const struct object_entry *segment, uint64_t signature,
                      struct err *err);

/* Whether an index holds exactly the entries of the builder, for `rowfs check`; the builder keeps
 * them. 1, 0. Errors: as keyindex_find. */
int keyindex_equal(struct store *store, struct keyindex *index, struct keyindex_builder *builder,
                   struct err *err);

#endif
