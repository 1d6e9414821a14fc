/* SPDX-License-Identifier: MIT */
/* Rows one by one, read in large pieces. */
#include "core/scan.h"

#include <errno.h>
#include <string.h>

#include "core/base/mem.h"

#define READ_BYTES (4 * SEGMENT_BLOCK_BYTES) /* and one block where a row is looked for */

void scan_init(struct scan *scan, struct store *store, struct table *table)
{
    *scan = (struct scan){.store = store, .table = table, .read_ahead = READ_BYTES};
    ptree_seek_first(&scan->cursor, table->extents);
}

void scan_init_extent(struct scan *scan, struct store *store, const struct extent *extent)
{
    *scan = (struct scan){.store = store, .extent = extent, .read_ahead = READ_BYTES};
    ptree_seek_first(&scan->cursor, NULL);
}

void scan_finish(struct scan *scan)
{
    buf_finish(&scan->buf);
}

int scan_seek(struct scan *scan, uint64_t row, struct err *err)
{
    const struct extent *extent;
    uint64_t before, offset;
    int r;

    scan->extent = NULL;
    scan->buf.bytes = scan->used = 0;
    scan->read_ahead = SEGMENT_BLOCK_BYTES;
    ptree_seek_sum(&scan->cursor, &extent_class, scan->table->extents, EXTENT_ROWS, row, &before);
    scan->row = row;
    if (row == before) /* the first row of an extent, or the end */
        return 0;
    extent = ptree_next(&scan->cursor);
    if (!extent) {
        scan->row = table_rows(scan->table);
        return 0;
    }
    r = object_find_row(scan->store, extent->object, extent->first_row + (row - before), &offset,
                        err);
    if (r < 0)
        return r;
    if (offset < extent->offset || offset >= extent->offset + extent->bytes)
        return err_set(err, -EIO, "rows are not where the log says");
    scan->extent = extent;
    scan->read_bytes = offset - extent->offset;
    scan->extent_row = row - before;
    return 0;
}

struct extent_ref scan_place(const struct scan *scan)
{
    const struct extent *extent = scan->extent;
    uint64_t end = extent->offset + scan->read_bytes - (scan->buf.bytes - scan->used);

    return (struct extent_ref){
        .object = extent->object->id,
        .offset = end - scan->last_bytes,
        .bytes = scan->last_bytes,
        .first_row = extent->first_row + scan->extent_row - 1,
        .rows = 1,
        .row = extent->row + scan->extent_row - 1,
    };
}

/* Reads more of the extent behind what is there. 0: the extent ends. */
static int read_more(struct scan *scan, struct err *err)
{
    const struct extent *extent = scan->extent;
    uint64_t left = extent ? extent->bytes - scan->read_bytes : 0, at;
    size_t n;
    int r;

    if (!left)
        return 0;
    at = extent->offset + scan->read_bytes;
    n = scan->read_ahead - at % SEGMENT_BLOCK_BYTES; /* up to the end of a block */
    scan->read_ahead = READ_BYTES;
    n = n < left ? n : (size_t)left;
    buf_drop_front(&scan->buf, scan->used);
    scan->used = 0;
    if (buf_reserve(&scan->buf, n) < 0)
        return err_nomem(err);
    r = object_read(scan->store, extent->object, scan->buf.data + scan->buf.bytes, n, at, err);
    if (r < 0)
        return r;
    scan->buf.bytes += n;
    scan->read_bytes += n;
    return 1;
}

int scan_next(struct scan *scan, const char **ret_row, size_t *ret_bytes, struct err *err)
{
    size_t searched = 0; /* of the row's beginning: has no line feed */

    for (;;) {
        const char *row = scan->buf.data + scan->used;
        size_t bytes = scan->buf.bytes - scan->used;
        const char *feed = bytes > searched ? memchr(row + searched, '\n', bytes - searched) : NULL;
        int r;

        if (feed) {
            *ret_row = row;
            *ret_bytes = (size_t)(feed - row);
            scan->last_bytes = *ret_bytes + 1;
            scan->used += scan->last_bytes;
            scan->row++;
            scan->extent_row++;
            return 1;
        }
        searched = bytes;
        r = read_more(scan, err);
        if (r < 0)
            return r;
        if (r > 0)
            continue;
        if (bytes)
            return err_set(err, -EIO, "an extent ends within a row");
        scan->extent = ptree_next(&scan->cursor);
        scan->read_bytes = scan->extent_row = 0;
        if (!scan->extent)
            return 0;
    }
}
