/* SPDX-License-Identifier: MIT */
/*
 * Segments: data objects that hold rows exactly as they are read, and beside
 * each its sidecar with the checksum of every block and the number of rows
 * before it.
 *
 * The sidecar, all numbers little-endian:
 *
 *      0  8  magic "rowfsix1"
 *      8  4  bytes of this header (48)
 *     12  4  bytes of a block (65536)
 *     16  8  bytes of the segment
 *     24  8  rows of the segment
 *     32  8  number of blocks (bytes / block, rounded up)
 *     40  8  reserved, 0
 *     48  8  per block: xxh3, 64 bits, of its bytes
 *         8             rows that begin before the block
 *
 * The whole sidecar's xxh3 (128 bits) is in the record that brought the segment
 * in. More sections (minima, maxima, keys) may come to follow; a reader ignores
 * what lies behind the blocks.
 */
#ifndef ROWFS_STORE_SEGMENT_H
#define ROWFS_STORE_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/store/record.h"
#include "core/store/store.h"

#define SEGMENT_BLOCK_BYTES (64 * 1024)
#define SEGMENT_MAX_BYTES   (1024ULL * 1024 * 1024)

/* --- writing --- */

struct segment_writer;

/*
 * Begins a segment of `table`. `*ret_writer` is new, freed with
 * segment_writer_destroy, which abandons what was not finished. One thread at a time.
 */
int segment_writer_create(struct store *store, struct uuid table,
                          struct segment_writer **ret_writer, struct err *err);
void segment_writer_destroy(struct segment_writer *writer); /* accepts NULL */

/* Appends whole rows. After a failure the writer can only be destroyed. */
int segment_writer_append(struct segment_writer *writer, const void *rows, size_t bytes,
                          uint64_t row_count, struct err *err);

uint64_t segment_writer_bytes(const struct segment_writer *writer);
uint64_t segment_writer_rows(const struct segment_writer *writer);

/* Reads back what was appended. */
int segment_writer_read(struct segment_writer *writer, void *buf, size_t bytes, uint64_t offset,
                        struct err *err);

/*
 * Publishes the segment and its sidecar; on 0 both survive power loss, but no
 * one uses them before a record names them. The strings of `*ret_entry` are new.
 */
int segment_writer_finish(struct segment_writer *writer, struct object_entry *ret_entry,
                          struct err *err);

/* --- reading --- */

/* What the blocks of a segment must hash to; immutable once loaded. */
struct segment_index;

/* Loads and verifies the sidecar. `*ret_index` is new, freed with segment_index_destroy. Errors:
 * -EIO. */
int segment_index_load(struct store *store, const struct object_entry *entry,
                       struct segment_index **ret_index, struct err *err);
void segment_index_destroy(struct segment_index *index); /* accepts NULL */

/*
 * The last block before which at most `row` rows begin, and how many do: no
 * earlier one holds the beginning of row number `row`.
 */
void segment_index_find(const struct segment_index *index, uint64_t row, uint64_t *ret_block,
                        uint64_t *ret_rows_before);

/*
 * Reads `bytes` at `offset` of the segment, verifying every block that it
 * touches. Errors: -EIO; the buffer is then undefined.
 */
int segment_read(struct store *store, const struct object_entry *entry,
                 const struct segment_index *index, void *buf, size_t bytes, uint64_t offset,
                 struct err *err);

#endif
