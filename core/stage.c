/* SPDX-License-Identifier: MIT */
/* Rows on their way into a commit. */
#include "core/stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

CLEANUP_POINTER(struct segment_writer, segment_writer_destroy)

void stage_init(struct stage *stage, struct store *store, struct uuid table)
{
    *stage = (struct stage){.store = store, .table = table};
}

void stage_finish(struct stage *stage)
{
    buf_finish(&stage->memory);
    segment_writer_destroy(stage->writer);
    for (size_t i = 0; i < stage->entry_count; i++) {
        free(stage->entries[i].path);
        free(stage->entries[i].index_path);
    }
    free(stage->entries);
    stage->memory_rows = stage->entries_bytes = stage->entries_rows = 0;
    stage->writer = NULL;
    stage->entries = NULL;
    stage->entry_count = 0;
}

/* Publishes a segment and adds it to those that are finished. */
static int add_segment(struct stage *stage, struct segment_writer *writer, struct err *err)
{
    struct object_entry *entries =
        realloc(stage->entries, (stage->entry_count + 1) * sizeof *entries);
    int r;

    if (!entries)
        return err_nomem(err);
    stage->entries = entries;
    r = segment_writer_finish(writer, &entries[stage->entry_count], err);
    if (r < 0)
        return r;
    stage->entries_bytes += entries[stage->entry_count].bytes;
    stage->entries_rows += entries[stage->entry_count].rows;
    stage->entry_count++;
    return 0;
}

/* Ends the segment that is being written. */
static int end_segment(struct stage *stage, struct err *err)
{
    int r = add_segment(stage, stage->writer, err);

    if (!r)
        segment_writer_destroy(steal_pointer(stage->writer));
    return r;
}

static int begin_segment(struct stage *stage, struct err *err)
{
    int r = segment_writer_create(stage->store, stage->table, &stage->writer, err);

    if (!r && stage->memory.bytes) {
        r = segment_writer_append(stage->writer, stage->memory.data, stage->memory.bytes,
                                  stage->memory_rows, err);
        buf_finish(&stage->memory);
        stage->memory_rows = 0;
    }
    return r;
}

/* Whether the segment that is being written has no room for so much more. */
static bool is_full(const struct stage *stage, size_t bytes, uint64_t rows)
{
    return segment_writer_bytes(stage->writer) + bytes > SEGMENT_MAX_BYTES ||
           (stage->segment_rows && segment_writer_rows(stage->writer) + rows > stage->segment_rows);
}

int stage_append(struct stage *stage, const char *rows, size_t bytes, uint64_t row_count,
                 struct err *err)
{
    int r = 0;

    if (!stage->writer && !stage->entry_count &&
        stage->memory.bytes + bytes <= RECORD_INLINE_BYTES) {
        if (buf_append(&stage->memory, rows, bytes) < 0)
            return err_nomem(err);
        stage->memory_rows += row_count;
        return 0;
    }
    if (stage->writer && is_full(stage, bytes, row_count))
        r = end_segment(stage, err);
    if (!r && !stage->writer)
        r = begin_segment(stage, err);
    return r < 0 ? r : segment_writer_append(stage->writer, rows, bytes, row_count, err);
}

uint64_t stage_bytes(const struct stage *stage)
{
    return stage->memory.bytes + stage->entries_bytes +
           (stage->writer ? segment_writer_bytes(stage->writer) : 0);
}

uint64_t stage_rows(const struct stage *stage)
{
    return stage->memory_rows + stage->entries_rows +
           (stage->writer ? segment_writer_rows(stage->writer) : 0);
}

/* Reads what lies in finished segments; they are verified only by later readers. */
static int read_entries(struct stage *stage, char *buf, size_t bytes, uint64_t offset,
                        struct err *err)
{
    uint64_t before = 0;
    size_t done = 0;

    for (size_t i = 0; i < stage->entry_count && done < bytes; i++) {
        const struct object_entry *entry = &stage->entries[i];
        uint64_t skip = offset + done - before;
        size_t n = bytes - done;

        if (skip < entry->bytes) {
            int r;

            if (n > entry->bytes - skip)
                n = (size_t)(entry->bytes - skip);
            r = store_read(stage->store, entry->path, buf + done, n, skip, err);
            if (r < 0)
                return r;
            done += n;
        }
        before += entry->bytes;
    }
    return (int)done;
}

int stage_read(struct stage *stage, void *buf, size_t bytes, uint64_t offset, struct err *err)
{
    uint64_t total = stage_bytes(stage);
    int done, r;

    if (offset >= total)
        return 0;
    if (bytes > total - offset)
        bytes = (size_t)(total - offset);
    if (!stage->writer && !stage->entry_count) {
        memcpy(buf, stage->memory.data + offset, bytes);
        return (int)bytes;
    }
    done = read_entries(stage, buf, bytes, offset, err);
    if (done < 0 || (size_t)done == bytes)
        return done;
    r = segment_writer_read(stage->writer, (char *)buf + done, bytes - (size_t)done,
                            offset + (uint64_t)done - stage->entries_bytes, err);
    return r < 0 ? r : (int)bytes;
}

#define READ_BYTES (64 * 1024)

/* The complete rows at the beginning of a buffer; the rest of it is moved to the front. */
static int each_complete_row(struct buf *buf,
                             int (*each)(void *context, const char *row, size_t bytes,
                                         struct err *err),
                             void *context, struct err *err)
{
    const char *row = buf->data, *end = buf->data + buf->bytes, *feed;
    int r = 0;

    while (!r && row < end && (feed = memchr(row, '\n', (size_t)(end - row)))) {
        r = each(context, row, (size_t)(feed - row), err);
        row = feed + 1;
    }
    buf_drop_front(buf, (size_t)(row - buf->data));
    return r;
}

int stage_each_row(struct stage *stage,
                   int (*each)(void *context, const char *row, size_t bytes, struct err *err),
                   void *context, struct err *err)
{
    cleanup_buf struct buf buf = {0};
    uint64_t offset = 0, bytes = stage_bytes(stage);
    int r = 0;

    while (offset < bytes && !r) {
        int n = buf_reserve(&buf, READ_BYTES) < 0 ? err_nomem(err) : 0;

        if (!n)
            n = stage_read(stage, buf.data + buf.bytes, READ_BYTES, offset, err);
        if (n < 0)
            return n;
        buf.bytes += (size_t)n;
        offset += (uint64_t)n;
        r = each_complete_row(&buf, each, context, err);
    }
    return r;
}

int stage_seal(struct stage *stage, struct err *err)
{
    return stage->writer ? end_segment(stage, err) : 0;
}

/* What is in memory stays there until it is safe. */
static int spill_memory(struct stage *stage, struct err *err)
{
    cleanup(segment_writer_destroy_p) struct segment_writer *writer = NULL;
    int r = segment_writer_create(stage->store, stage->table, &writer, err);

    if (!r)
        r = segment_writer_append(writer, stage->memory.data, stage->memory.bytes,
                                  stage->memory_rows, err);
    if (!r)
        r = add_segment(stage, writer, err);
    if (!r) {
        buf_finish(&stage->memory);
        stage->memory_rows = 0;
    }
    return r;
}

int stage_spill(struct stage *stage, struct err *err)
{
    return stage->memory.bytes ? spill_memory(stage, err) : stage_seal(stage, err);
}

static int take_entries(struct stage *stage, struct stage *from, struct err *err)
{
    struct object_entry *entries;
    int r = stage_spill(stage, err);

    if (r < 0)
        return r;
    entries = realloc(stage->entries, (stage->entry_count + from->entry_count) * sizeof *entries);
    if (!entries)
        return err_nomem(err);
    memcpy(entries + stage->entry_count, from->entries, from->entry_count * sizeof *entries);
    stage->entries = entries;
    stage->entry_count += from->entry_count;
    stage->entries_bytes += from->entries_bytes;
    stage->entries_rows += from->entries_rows;
    from->entry_count = 0; /* their strings have changed hands */
    return 0;
}

int stage_take(struct stage *stage, struct stage *from, struct err *err)
{
    int r = 0;

    if (from->entry_count)
        r = take_entries(stage, from, err);
    else if (from->memory.bytes)
        r = stage_append(stage, from->memory.data, from->memory.bytes, from->memory_rows, err);
    stage_finish(from);
    return r;
}

void stage_move(struct stage *stage, struct stage *ret_to)
{
    *ret_to = *stage;
    stage_init(stage, ret_to->store, ret_to->table);
}
