/* SPDX-License-Identifier: MIT */
/* Rows printed as, and read from, delimited text. What fails is the test's failure. */
#ifndef ROWFS_TESTS_LIB_DELIMTOOL_H
#define ROWFS_TESTS_LIB_DELIMTOOL_H

#include "core/delimited.h"
#include "tests/lib/check.h"

#define DELIMTOOL_ROW_LIMIT (16 * 1024 * 1024)

int delimtool_setup(void **state); /* for cmocka */
int delimtool_teardown(void **state);

static inline struct slice slice_of_text(const char *text)
{
    return slice_of(text, strlen(text));
}

static inline struct slice slice_of_buf(const struct buf *buf)
{
    return slice_of(buf->data, buf->bytes);
}

void delimtool_put(struct buf *buf, const char *text);
void delimtool_same(struct slice actual, struct slice expected);

/* `columns` is what stands behind "columns" in a schema; NULL: there is none. New. */
struct schema *delimtool_schema(const char *columns);

/* Appends rows, which are lines, with their header. */
int delimtool_print(enum delimited_format format, const struct schema *schema, struct slice rows,
                    struct buf *text, struct err *err);

struct delimtool_reading {
    enum delimited_format format;
    struct schema *schema;
    uint64_t row_limit;
    delimited_row_fn *each; /* called with `rows` */
    bool is_empty;          /* set when all was read */
};

/* For `each`: appends the row, which must be valid, as a line to the buffer. */
int delimtool_keep_row(void *context, struct slice row, struct err *err);

/* In parts: the first one of `cut` bytes, the others of `step`. */
int delimtool_read_parts(struct delimtool_reading *reading, struct slice text, size_t cut,
                         size_t step, struct buf *rows, struct err *err);
int delimtool_read(struct delimtool_reading *reading, struct slice text, struct buf *rows,
                   struct err *err);

#endif
