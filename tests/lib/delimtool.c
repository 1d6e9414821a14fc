/* SPDX-License-Identifier: MIT */
/* Rows printed as, and read from, delimited text. */
#include "tests/lib/delimtool.h"

#include "core/rowcheck.h"

void delimtool_put(struct buf *buf, const char *text)
{
    assert_int_equal(buf_append(buf, text, strlen(text)), 0);
}

struct schema *delimtool_schema(const char *columns)
{
    struct schema *schema = NULL;
    struct buf text = {0};
    struct err err = ERR_INIT;

    if (!columns)
        return NULL;
    assert_int_equal(buf_printf(&text, "{\"columns\":%s}", columns), 0);
    assert_ok(schema_parse(slice_of_buf(&text), &schema, &err), &err);
    buf_finish(&text);
    return schema;
}

void delimtool_same(struct slice actual, struct slice expected)
{
    if (slice_equal(actual, expected))
        return;
    print_error("%.*s\ninstead of\n%.*s\n", (int)actual.bytes, actual.text, (int)expected.bytes,
                expected.text);
    fail();
}

/* --- printing ------------------------------------------------------------------------ */

/* Calls for each of the rows, which are lines. */
static int for_each_row(struct slice rows, delimited_row_fn *each, void *context, struct err *err)
{
    const char *p = rows.text, *end = p + rows.bytes;
    int r = 0;

    while (p < end && !r) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));

        r = each(context, slice_of(p, (size_t)(line_end - p)), err);
        p = line_end + 1;
    }
    return r;
}

struct printing {
    enum delimited_format format;
    const struct schema *schema;
    struct delimited_columns columns;
    struct buf *text;
};

static int add_columns(void *context, struct slice row, struct err *err)
{
    struct printing *printing = context;

    return delimited_columns_add_row(&printing->columns, row, err);
}

static int print_row(void *context, struct slice row, struct err *err)
{
    struct printing *printing = context;

    return delimited_print_row(printing->format, &printing->columns, printing->schema, row,
                               printing->text, err);
}

int delimtool_print(enum delimited_format format, const struct schema *schema, struct slice rows,
                    struct buf *text, struct err *err)
{
    struct printing printing = {.format = format, .schema = schema, .text = text};
    int r = schema ? delimited_columns_of_schema(schema, &printing.columns)
                   : for_each_row(rows, add_columns, &printing, err);

    if (!r)
        r = delimited_print_header(format, &printing.columns, text, err);
    if (!r)
        r = for_each_row(rows, print_row, &printing, err);
    delimited_columns_finish(&printing.columns);
    return r;
}

/* --- reading -------------------------------------------------------------------------- */

static struct rowcheck *check;

int delimtool_setup(void **state)
{
    (void)state;
    return rowcheck_create(&check);
}

int delimtool_teardown(void **state)
{
    (void)state;
    rowcheck_destroy(check);
    return 0;
}

int delimtool_keep_row(void *context, struct slice row, struct err *err)
{
    struct buf *rows = context;

    if (rowcheck_line(check, row.text, row.bytes, err) == -EINVAL) {
        print_error("%.*s: %s\n", (int)row.bytes, row.text, err->text);
        fail();
    }
    if (buf_append(rows, row.text, row.bytes) < 0 || buf_append(rows, "\n", 1) < 0)
        return -ENOMEM;
    return 0;
}

/* A copy, behind which a sanitizer sees a read. */
static int read_copy(struct delimited_reader *reader, const struct delimtool_reading *reading,
                     struct slice part, struct buf *rows, struct err *err)
{
    char *copy = test_malloc(part.bytes ? part.bytes : 1);
    int r;

    if (part.bytes)
        memcpy(copy, part.text, part.bytes);
    r = delimited_read(reader, slice_of(copy, part.bytes), reading->each, rows, err);
    test_free(copy);
    return r;
}

int delimtool_read_parts(struct delimtool_reading *reading, struct slice text, size_t cut,
                         size_t step, struct buf *rows, struct err *err)
{
    struct delimited_reader *reader;
    int r = delimited_reader_create(reading->format, reading->schema, reading->row_limit, &reader);

    if (r < 0)
        return r;
    r = read_copy(reader, reading, slice_of(text.text, cut), rows, err);
    for (size_t at = cut; at < text.bytes && !r; at += step)
        r = read_copy(reader, reading,
                      slice_of(text.text + at, step < text.bytes - at ? step : text.bytes - at),
                      rows, err);
    if (!r)
        r = delimited_read_end(reader, reading->each, rows, err);
    if (!r)
        reading->is_empty = delimited_reader_is_empty(reader);
    delimited_reader_destroy(reader);
    return r;
}

int delimtool_read(struct delimtool_reading *reading, struct slice text, struct buf *rows,
                   struct err *err)
{
    return delimtool_read_parts(reading, text, text.bytes, 1, rows, err);
}
