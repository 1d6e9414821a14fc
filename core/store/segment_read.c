/* SPDX-License-Identifier: MIT */
/* Reads segments, block by block verified. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/store/segment.h"
#include "core/store/segment_format.h"

struct segment_index {
    uint64_t blocks;
    struct segment_block block[]; /* in this machine's byte order */
};

static int check_header(const struct segment_header *header, size_t bytes,
                        const struct object_entry *entry)
{
    uint64_t blocks = (entry->bytes + SEGMENT_BLOCK_BYTES - 1) / SEGMENT_BLOCK_BYTES;

    if (bytes < sizeof *header || memcmp(header->magic, SEGMENT_MAGIC, sizeof header->magic))
        return -EIO;
    if (le32toh(header->header_bytes) != sizeof *header ||
        le32toh(header->block_bytes) != SEGMENT_BLOCK_BYTES ||
        le64toh(header->bytes) != entry->bytes || le64toh(header->rows) != entry->rows ||
        le64toh(header->blocks) != blocks)
        return -EIO;
    return bytes - sizeof *header < blocks * sizeof(struct segment_block) ? -EIO : 0;
}

int segment_index_load(struct store *store, const struct object_entry *entry,
                       struct segment_index **ret_index, struct err *err)
{
    cleanup_buf struct buf buf = {0};
    const struct segment_block *block;
    struct segment_index *index;
    uint64_t blocks;
    int r;

    r = store_get(store, entry->index_path, &buf, NULL, err);
    if (r < 0)
        return r == -ENOENT ? err_set(err, -EIO, "%s is missing", entry->index_path) : r;
    if (!hash_equal(hash_bytes(buf.data, buf.bytes), entry->index_hash))
        return err_set(err, -EIO, "%s is damaged: its checksum does not match", entry->index_path);
    if (check_header((const void *)buf.data, buf.bytes, entry) < 0)
        return err_set(err, -EIO, "%s does not fit its segment", entry->index_path);

    blocks = (buf.bytes - sizeof(struct segment_header)) / sizeof *block;
    index = malloc(sizeof *index + blocks * sizeof index->block[0]);
    if (!index)
        return err_nomem(err);
    index->blocks = blocks;
    block = (const void *)(buf.data + sizeof(struct segment_header));
    for (uint64_t i = 0; i < blocks; i++)
        index->block[i] = (struct segment_block){.xxh3 = le64toh(block[i].xxh3),
                                                 .rows_before = le64toh(block[i].rows_before)};
    *ret_index = index;
    return 0;
}

void segment_index_destroy(struct segment_index *index)
{
    free(index);
}

void segment_index_find(const struct segment_index *index, uint64_t row, uint64_t *ret_block,
                        uint64_t *ret_rows_before)
{
    uint64_t low = 0, high = index->blocks;

    if (!index->blocks) { /* of a segment without rows, which nothing points into */
        *ret_block = *ret_rows_before = 0;
        return;
    }

    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        if (index->block[middle].rows_before <= row)
            low = middle;
        else
            high = middle;
    }
    *ret_block = low;
    *ret_rows_before = index->block[low].rows_before;
}

/* One block's checksum, of bytes that are the whole block. */
static int verify_block(const struct object_entry *entry, const struct segment_index *index,
                        uint64_t block, const void *data, size_t bytes, struct err *err)
{
    if (block < index->blocks && hash64_bytes(data, bytes) == index->block[block].xxh3)
        return 0;
    return err_set(err, -EIO, "%s is damaged: the checksum of its block %llu does not match",
                   entry->path, (unsigned long long)block);
}

static size_t block_bytes(const struct object_entry *entry, uint64_t begin)
{
    uint64_t left = entry->bytes - begin;

    return left < SEGMENT_BLOCK_BYTES ? (size_t)left : SEGMENT_BLOCK_BYTES;
}

/* Whole blocks that the caller wants anyway: read and verified in place. */
static int read_whole_blocks(struct store *store, const struct object_entry *entry,
                             const struct segment_index *index, char *buf, size_t bytes,
                             uint64_t offset, struct err *err)
{
    int r = store_read(store, entry->path, buf, bytes, offset, err);

    for (size_t done = 0; !r && done < bytes;) {
        size_t n = block_bytes(entry, offset + done);

        r = verify_block(entry, index, (offset + done) / SEGMENT_BLOCK_BYTES, buf + done, n, err);
        done += n;
    }
    return r;
}

/* A part of one block: the block is read beside, verified, and the part copied. */
static int read_part(struct store *store, const struct object_entry *entry,
                     const struct segment_index *index, char *buf, size_t bytes, uint64_t offset,
                     struct err *err)
{
    uint64_t begin = offset - offset % SEGMENT_BLOCK_BYTES;
    size_t n = block_bytes(entry, begin);
    cleanup_free char *block = malloc(n);
    int r;

    if (!block)
        return err_nomem(err);
    r = store_read(store, entry->path, block, n, begin, err);
    if (!r)
        r = verify_block(entry, index, begin / SEGMENT_BLOCK_BYTES, block, n, err);
    if (!r)
        memcpy(buf, block + (offset - begin), bytes);
    return r;
}

/* How many bytes from `offset` on are whole blocks. */
static size_t whole_bytes(const struct object_entry *entry, size_t bytes, uint64_t offset)
{
    if (offset % SEGMENT_BLOCK_BYTES)
        return 0;
    if (offset + bytes == entry->bytes)
        return bytes;
    return bytes - bytes % SEGMENT_BLOCK_BYTES;
}

int segment_read(struct store *store, const struct object_entry *entry,
                 const struct segment_index *index, void *buf, size_t bytes, uint64_t offset,
                 struct err *err)
{
    char *to = buf;
    int r = 0;

    if (offset > entry->bytes || bytes > entry->bytes - offset)
        return err_set(err, -EIO, "%s is shorter than the log says", entry->path);
    while (!r && bytes > 0) {
        size_t n = whole_bytes(entry, bytes, offset);

        if (n) {
            r = read_whole_blocks(store, entry, index, to, n, offset, err);
        } else {
            n = SEGMENT_BLOCK_BYTES - offset % SEGMENT_BLOCK_BYTES;
            n = n < bytes ? n : bytes;
            r = read_part(store, entry, index, to, n, offset, err);
        }
        to += n;
        offset += n;
        bytes -= n;
    }
    if (r == -ENOENT)
        r = err_set(err, -EIO, "%s is missing", entry->path);
    return r;
}
