/* SPDX-License-Identifier: MIT */
/* Writes a segment as a stream: large writes go straight through, small ones are gathered. */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "core/base/mem.h"
#include "core/store/segment.h"
#include "core/store/segment_format.h"

/* Gathered up to this many bytes, so that a writer of small rows does not cost a call each. */
#define GATHER_BYTES (256 * 1024)

struct segment_writer {
    struct store *store;
    struct uuid table;
    struct upload *upload;
    struct buf gathered;
    uint64_t bytes, rows;
    XXH3_state_t *block_hash; /* of the bytes of the block that is not full */
    uint64_t block_bytes;
    uint64_t block_rows_before;
    struct buf blocks; /* struct segment_block, as they will stand on disk */
};

int segment_writer_create(struct store *store, struct uuid table,
                          struct segment_writer **ret_writer, struct err *err)
{
    struct segment_writer *writer = calloc(1, sizeof *writer);
    int r;

    if (!writer)
        return err_nomem(err);
    writer->store = store;
    writer->table = table;
    writer->block_hash = XXH3_createState();
    r = writer->block_hash ? store_upload_begin(store, &writer->upload, err) : err_nomem(err);
    if (r < 0) {
        segment_writer_destroy(writer);
        return r;
    }
    XXH3_64bits_reset(writer->block_hash);
    *ret_writer = writer;
    return 0;
}

void segment_writer_destroy(struct segment_writer *writer)
{
    if (!writer)
        return;
    upload_destroy(writer->upload);
    XXH3_freeState(writer->block_hash);
    buf_finish(&writer->gathered);
    buf_finish(&writer->blocks);
    free(writer);
}

uint64_t segment_writer_bytes(const struct segment_writer *writer)
{
    return writer->bytes;
}

uint64_t segment_writer_rows(const struct segment_writer *writer)
{
    return writer->rows;
}

static int end_block(struct segment_writer *writer)
{
    struct segment_block block = {.xxh3 = htole64(XXH3_64bits_digest(writer->block_hash)),
                                  .rows_before = htole64(writer->block_rows_before)};

    XXH3_64bits_reset(writer->block_hash);
    writer->block_bytes = 0;
    return buf_append(&writer->blocks, &block, sizeof block);
}

/*
 * How many rows begin in `data`: one behind every line feed, except the last
 * byte's, whose row begins in what follows; `at_row_start`: also the first byte.
 */
static uint64_t rows_beginning(const char *data, size_t bytes, bool at_row_start)
{
    uint64_t rows = at_row_start && bytes ? 1 : 0;
    const char *end = data + bytes;

    for (const char *p = data; p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++)
        if (p + 1 < end)
            rows++;
    return rows;
}

/* Hashes the appended bytes block by block, and keeps count of the rows before each. */
static int index_bytes(struct segment_writer *writer, const char *data, size_t bytes)
{
    uint64_t rows = writer->rows; /* the append begins at a row's first byte */
    bool at_row_start = true;

    while (bytes > 0) {
        size_t room = SEGMENT_BLOCK_BYTES - writer->block_bytes;
        size_t n = bytes < room ? bytes : room;

        if (writer->block_bytes == 0)
            writer->block_rows_before = rows;
        XXH3_64bits_update(writer->block_hash, data, n);
        writer->block_bytes += n;
        if (n < bytes)
            rows += rows_beginning(data, n, at_row_start);
        at_row_start = data[n - 1] == '\n';
        data += n;
        bytes -= n;
        if (writer->block_bytes == SEGMENT_BLOCK_BYTES && end_block(writer) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int flush(struct segment_writer *writer, struct err *err)
{
    int r = upload_write(writer->upload, writer->gathered.data, writer->gathered.bytes, err);

    writer->gathered.bytes = 0;
    return r;
}

int segment_writer_append(struct segment_writer *writer, const void *rows, size_t bytes,
                          uint64_t row_count, struct err *err)
{
    int r = index_bytes(writer, rows, bytes);

    if (r < 0)
        return err_nomem(err);
    writer->bytes += bytes;
    writer->rows += row_count;
    if (writer->gathered.bytes && writer->gathered.bytes + bytes > GATHER_BYTES) {
        r = flush(writer, err);
        if (r < 0)
            return r;
    }
    if (bytes >= GATHER_BYTES)
        return upload_write(writer->upload, rows, bytes, err);
    r = buf_append(&writer->gathered, rows, bytes);
    return r < 0 ? err_nomem(err) : 0;
}

int segment_writer_read(struct segment_writer *writer, void *buf, size_t bytes, uint64_t offset,
                        struct err *err)
{
    uint64_t written = writer->upload->bytes;
    size_t first = offset < written ? (size_t)(written - offset) : 0;
    int r = 0;

    if (first > bytes)
        first = bytes;
    if (first)
        r = upload_read(writer->upload, buf, first, offset, err);
    if (!r && first < bytes)
        memcpy((char *)buf + first, writer->gathered.data + (offset + first - written),
               bytes - first);
    return r;
}

static int put_index(struct segment_writer *writer, const char *path, struct hash *ret_hash,
                     struct err *err)
{
    struct segment_header header = {
        .magic = SEGMENT_MAGIC,
        .header_bytes = htole32(sizeof header),
        .block_bytes = htole32(SEGMENT_BLOCK_BYTES),
        .bytes = htole64(writer->bytes),
        .rows = htole64(writer->rows),
        .blocks = htole64(writer->blocks.bytes / sizeof(struct segment_block)),
    };
    cleanup_buf struct buf whole = {0};
    enum put_state state;

    if (buf_append(&whole, &header, sizeof header) < 0 ||
        buf_append(&whole, writer->blocks.data, writer->blocks.bytes) < 0)
        return err_nomem(err);
    *ret_hash = hash_bytes(whole.data, whole.bytes);
    return store_put(writer->store, path, whole.data, whole.bytes, NULL, &state, err);
}

static int make_entry(struct segment_writer *writer, struct object_entry *ret_entry)
{
    char table[UUID_TEXT_BYTES + 1], object[UUID_TEXT_BYTES + 1];

    *ret_entry = (struct object_entry){
        .uuid = uuid_random(),
        .table = writer->table,
        .bytes = writer->bytes,
        .stored_bytes = writer->bytes,
        .rows = writer->rows,
    };
    uuid_to_text(writer->table, table);
    uuid_to_text(ret_entry->uuid, object);
    if (asprintf(&ret_entry->path, "data/%s/%s.ndjson", table, object) < 0)
        ret_entry->path = NULL;
    if (asprintf(&ret_entry->index_path, "data/%s/%s.idx", table, object) < 0)
        ret_entry->index_path = NULL;
    return ret_entry->path && ret_entry->index_path ? 0 : -ENOMEM;
}

int segment_writer_finish(struct segment_writer *writer, struct object_entry *ret_entry,
                          struct err *err)
{
    struct object_entry entry;
    enum put_state state;
    int r = flush(writer, err);

    if (r < 0)
        return r;
    if (writer->block_bytes && end_block(writer) < 0)
        return err_nomem(err);
    r = make_entry(writer, &entry);
    if (r < 0)
        r = err_nomem(err);
    /* The rows first: a sidecar without its segment would be the worse orphan. */
    if (!r)
        r = upload_finish(writer->upload, entry.path, NULL, &state, err);
    if (!r)
        r = put_index(writer, entry.index_path, &entry.index_hash, err);
    if (r < 0) {
        free(entry.path);
        free(entry.index_path);
        return r;
    }
    *ret_entry = entry;
    return 0;
}
