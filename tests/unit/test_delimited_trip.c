/* SPDX-License-Identifier: MIT */
/* CSV and TSV there and back, of any size; beside libcsv; without memory. */
#include <csv.h>
#include <errno.h>
#include <stdio.h>

#include "tests/lib/check.h"
#include "tests/lib/delimtool.h"
#include "tests/lib/nomem.h"

/* --- sizes ---------------------------------------------------------------------------------- */

static void rows_beyond_the_limit_are_refused(void **state)
{
    struct delimtool_reading reading = {.each = delimtool_keep_row};
    struct slice text = slice_of_text("a\n1\n\"0123\n\"\n");
    struct buf rows = {0};
    struct err err = ERR_INIT;

    (void)state;
    reading.row_limit = strlen("{\"a\":\"0123\\n\"}");
    assert_ok(delimtool_read(&reading, text, &rows, &err), &err);
    reading.row_limit--;
    assert_fails(delimtool_read(&reading, text, &rows, &err), -EFBIG, &err);
    assert_string_equal(err.text, "the row is longer than 13 bytes (row_limit)");
    assert_int_equal(err.line, 3);
    buf_finish(&rows);
}

static void lines_without_end_do_not_fill_the_memory(void **state)
{
    struct delimtool_reading reading = {.row_limit = 100, .each = delimtool_keep_row};
    struct buf text = {0};
    struct err err = ERR_INIT;

    (void)state;
    delimtool_put(&text, "a\n\"");
    for (int i = 0; i < 100; i++)
        delimtool_put(&text, "x");
    assert_fails(delimtool_read_parts(&reading, slice_of_buf(&text), 0, 1, NULL, &err), -EINVAL,
                 &err);
    delimtool_put(&text, "x");
    assert_fails(delimtool_read_parts(&reading, slice_of_buf(&text), 0, 1, NULL, &err), -EFBIG,
                 &err);
    assert_string_equal(err.text, "the line is longer than 100 bytes");
    assert_int_equal(err.line, 2);

    text.bytes = 0;
    for (int i = 0; i < SCHEMA_MAX_BYTES; i++)
        delimtool_put(&text, "x");
    assert_ok(delimtool_read(&reading, slice_of_buf(&text), NULL, &err), &err);
    delimtool_put(&text, "x");
    assert_fails(delimtool_read(&reading, slice_of_buf(&text), NULL, &err), -EFBIG, &err);
    buf_finish(&text);
}

static void long_fields_come_back(void **state)
{
    static const size_t steps[] = {1, 4096, 65537, SIZE_MAX / 2};
    struct buf row = {0}, text = {0}, rows = {0};
    struct delimtool_reading reading = {.row_limit = DELIMTOOL_ROW_LIMIT,
                                        .each = delimtool_keep_row};
    struct err err = ERR_INIT;

    (void)state;
    delimtool_put(&row, "{\"a\":\"");
    while (row.bytes < 1024 * 1024)
        delimtool_put(&row, "plain, \\\"quoted\\\" é\\r\\n");
    delimtool_put(&row, "\",\"b\":1}\n");
    assert_ok(delimtool_print(DELIMITED_CSV, NULL, slice_of_buf(&row), &text, &err), &err);
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        rows.bytes = 0;
        assert_ok(delimtool_read_parts(&reading, slice_of_buf(&text), 0, steps[i], &rows, &err),
                  &err);
        assert_int_equal(rows.bytes, row.bytes);
        assert_memory_equal(rows.data, row.data, row.bytes);
    }
    buf_finish(&row);
    buf_finish(&text);
    buf_finish(&rows);
}

/* --- there and back ----------------------------------------------------------------------------
 */

static uint64_t random_state = 4180;

static const char *one_of(const char *const *texts, size_t count)
{
    return texts[check_random_below(&random_state, count)];
}

static void put_string(struct buf *row, bool has_control)
{
    /* clang-format off */
    static const char *const parts[] = {
        "a", "bc", " ", ",", ";", "\\\"", "\\\\", "/", "1", "42", "-", ".", "e", "0", "true", "false",
        "null", "{", "[", "}", "é", "€", "😀", "\x7f", "", "", "", "\\u0001", "'", "=", "#",
        "\\n", "\\r", "\\t", "\\r\\n",
    };
    /* clang-format on */
    size_t count = ARRAY_COUNT(parts) - (has_control ? 0 : 4);

    delimtool_put(row, "\"");
    for (size_t n = check_random_below(&random_state, 4); n; n--)
        delimtool_put(row, one_of(parts, count));
    delimtool_put(row, "\"");
}

static void put_any(struct buf *row, bool has_control)
{
    static const char *const scalars[] = {
        "0", "-1.50", "1e400", "123456789012345678901234567890", "true", "false"};

    if (check_random_below(&random_state, 2))
        delimtool_put(row, one_of(scalars, ARRAY_COUNT(scalars)));
    else
        put_string(row, has_control);
}

static void put_json(struct buf *row, bool has_control)
{
    static const char *const json[] = {"[]", "{}", "[1,\"a,\\t\"]", "{\"a\":{\"\":null}}"};

    if (check_random_below(&random_state, 2))
        delimtool_put(row, one_of(json, ARRAY_COUNT(json)));
    else
        put_any(row, has_control);
}

/* A value of the column that is so called in `typed`. */
static void put_typed(struct buf *row, char name, bool has_control)
{
    static const char *const ints[] = {"0", "-7", "9223372036854775807"};
    static const char *const decimals[] = {"0.00", "-12.5", "1"};
    static const char *const times[] = {"\"2026-11-23T18:15:59Z\"",
                                        "\"2026-11-23T18:15:59.5+01:00\""};

    switch (name) {
    case 's':
        put_string(row, has_control);
        return;
    case 'i':
        delimtool_put(row, one_of(ints, ARRAY_COUNT(ints)));
        return;
    case 'm':
        delimtool_put(row, one_of(decimals, ARRAY_COUNT(decimals)));
        return;
    case 't':
        delimtool_put(row, one_of(times, ARRAY_COUNT(times)));
        return;
    default:
        put_json(row, true);
    }
}

static const char typed[] = "{\"s\":\"string\",\"i\":\"int64\",\"m\":\"decimal(9,2)\","
                            "\"t\":\"timestamp\",\"j\":\"json\"}";

/* Members in the order of the columns, so that what comes back is the same bytes. */
static void put_row(struct buf *rows, bool has_schema, bool is_first, bool has_control)
{
    const char *names = has_schema ? "simtj" : "abc", *separator = "";

    delimtool_put(rows, "{");
    for (const char *name = names; *name; name++) {
        if (!is_first && !check_random_below(&random_state, 3))
            continue;
        assert_int_equal(buf_printf(rows, "%s\"%c\":", separator, *name), 0);
        if (has_schema)
            put_typed(rows, *name, has_control);
        else
            put_any(rows, has_control);
        separator = ",";
    }
    delimtool_put(rows, "}\n");
}

/* In TSV an empty string is nothing, and one that looks like a number is one. */
static void rows_come_back(enum delimited_format format, const char *columns, struct slice expected)
{
    struct delimtool_reading reading = {
        .format = format, .row_limit = DELIMTOOL_ROW_LIMIT, .each = delimtool_keep_row};
    struct buf text = {0}, rows = {0}, again = {0};
    struct err err = ERR_INIT;

    reading.schema = delimtool_schema(columns);
    assert_ok(delimtool_print(format, reading.schema, expected, &text, &err), &err);
    assert_ok(delimtool_read_parts(&reading, slice_of_buf(&text),
                                   check_random_below(&random_state, 9),
                                   1 + check_random_below(&random_state, 99), &rows, &err),
              &err);
    if (format == DELIMITED_CSV) {
        delimtool_same(slice_of_buf(&rows), expected);
    } else {
        assert_ok(delimtool_print(format, reading.schema, slice_of_buf(&rows), &again, &err), &err);
        delimtool_same(slice_of_buf(&again), slice_of_buf(&text));
    }
    buf_finish(&text);
    buf_finish(&rows);
    buf_finish(&again);
    schema_unref(reading.schema);
}

static void generated_rows_come_back(void **state)
{
    struct buf rows = {0};

    (void)state;
    for (int i = 0; i < 20000; i++) {
        enum delimited_format format = i % 4 < 2 ? DELIMITED_CSV : DELIMITED_TSV;
        const char *columns = i % 2 ? typed : NULL;

        rows.bytes = 0;
        /* TSV may lose all values of a column, and with them its place, if no schema has it. */
        if (format == DELIMITED_TSV && !columns)
            delimtool_put(&rows, "{\"a\":1,\"b\":1,\"c\":1}\n");
        for (size_t n = 0; n <= check_random_below(&random_state, 6); n++)
            put_row(&rows, columns, !n, format == DELIMITED_CSV);
        rows_come_back(format, columns, slice_of_buf(&rows));
    }
    buf_finish(&rows);
}

/* --- beside libcsv ---------------------------------------------------------------------------- */

/* A text's fields in one notation: [field], NULL for one that is nothing, a line feed for a line's
 * end. */
struct fields {
    struct buf text;
    size_t in_line, lines, expected;
    bool refused; /* a line has not as many fields as the first one */
};

static void put_field(struct fields *fields, struct slice field)
{
    if (field.text)
        assert_int_equal(buf_printf(&fields->text, "[%.*s]", (int)field.bytes, field.text), 0);
    else
        delimtool_put(&fields->text, "NULL");
    fields->in_line++;
}

static void csv_field(void *field, size_t bytes, void *context)
{
    put_field(context, slice_of(field, bytes));
}

static void csv_line(int byte, void *context)
{
    struct fields *fields = context;

    (void)byte;
    if (!fields->lines++)
        fields->expected = fields->in_line;
    fields->refused = fields->refused || fields->in_line != fields->expected;
    fields->in_line = 0;
    delimtool_put(&fields->text, "\n");
}

/* By default libcsv drops blanks around fields. */
static int no_blank(unsigned char byte)
{
    (void)byte;
    return 0;
}

/* Whether libcsv reads it. */
static bool libcsv_reads(struct slice text, struct fields *fields)
{
    struct csv_parser parser;
    bool whole;

    assert_int_equal(csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL), 0);
    csv_set_space_func(&parser, no_blank);
    whole = csv_parse(&parser, text.text, text.bytes, csv_field, csv_line, fields) == text.bytes &&
            !csv_fini(&parser, csv_field, csv_line, fields);
    csv_free(&parser);
    return whole && !fields->refused;
}

/* The row's values, all of which are strings. */
static int put_fields(void *context, struct slice row, struct err *err)
{
    static const char *const names[] = {"a", "b", "c"};
    struct fields *fields = context;

    (void)err;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct slice value = json_find(row, slice_of_text(names[i]));
        struct buf characters = {0};

        if (value.text)
            assert_int_equal(json_string_decode(value, &characters), 0);
        put_field(fields, slice_of(value.text ? characters.data : NULL, characters.bytes));
        buf_finish(&characters);
    }
    delimtool_put(&fields->text, "\n");
    return 0;
}

static const char strings[] = "{\"a\":\"string\",\"b\":\"string\",\"c\":\"string\"}";

static bool we_read(struct slice text, struct fields *fields)
{
    struct schema *schema = delimtool_schema(strings);
    struct delimited_reader *reader;
    int r;

    delimtool_put(&fields->text, "[a][b][c]\n");
    assert_int_equal(delimited_reader_create(DELIMITED_CSV, schema, 1000, &reader), 0);
    r = delimited_read(reader, text, put_fields, fields, NULL);
    if (!r)
        r = delimited_read_end(reader, put_fields, fields, NULL);
    delimited_reader_destroy(reader);
    schema_unref(schema);
    assert_true(r == 0 || r == -EINVAL);
    return r == 0;
}

/* 1: both read it. */
static int agreed(struct slice text)
{
    struct fields ours = {0}, theirs = {0};
    bool read = we_read(text, &ours);

    if (libcsv_reads(text, &theirs) != read) {
        print_error("only %s read\n%.*s\n", read ? "we" : "libcsv", (int)text.bytes, text.text);
        fail();
    }
    if (read)
        delimtool_same(slice_of_buf(&ours.text), slice_of_buf(&theirs.text));
    buf_finish(&ours.text);
    buf_finish(&theirs.text);
    return read;
}

/*
 * Any text of three columns, but for what libcsv sees otherwise: an empty line, which is none to
 * it, and a carriage return, which ends a line by itself.
 */
static void libcsv_agrees_on_generated_text(void **state)
{
    static const char *const parts[] = {"x",   "\"",     "\"\"",  ",",     ",",     "\n",
                                        "y z", " ",      "\"a\"", "\"b\"", "\",\"", ",\"",
                                        "é",   "\"\"\"", "\t",    "1"};
    struct buf text = {0};
    int read = 0;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        text.bytes = 0;
        delimtool_put(&text, "a,b,c\n");
        for (size_t line = check_random_below(&random_state, 3); line < 3; line++) {
            for (size_t field = 0; field < 3; field++) {
                for (size_t n = check_random_below(&random_state, 4); n < 3; n++)
                    delimtool_put(&text, one_of(parts, ARRAY_COUNT(parts)));
                delimtool_put(&text, field < 2 ? "," : "\r\n");
            }
        }
        for (size_t k = 0; k + 1 < text.bytes; k++)
            if (text.data[k] == '\n' && strchr("\r\n", text.data[k + 1]))
                text.data[k + 1] = 'n';
        read += agreed(slice_of_buf(&text));
    }
    print_message("%d of 200000 texts were read\n", read);
    assert_true(read > 5000 && read < 150000);
    buf_finish(&text);
}

static void libcsv_reads_what_we_print(void **state)
{
    struct schema *schema = delimtool_schema(strings);
    struct buf rows = {0}, text = {0};

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct err err = ERR_INIT;

        rows.bytes = text.bytes = 0;
        for (int n = 0; n < 3; n++) {
            delimtool_put(&rows, "{\"a\":");
            put_string(&rows, true);
            delimtool_put(&rows, ",\"b\":");
            put_string(&rows, true);
            delimtool_put(&rows, "}\n");
        }
        assert_ok(delimtool_print(DELIMITED_CSV, schema, slice_of_buf(&rows), &text, &err), &err);
        assert_true(agreed(slice_of_buf(&text)));
    }
    buf_finish(&rows);
    buf_finish(&text);
    schema_unref(schema);
}

/* --- memory --------------------------------------------------------------------------------- */

static int everything(enum delimited_format format, struct schema *schema, struct slice rows,
                      struct buf *back)
{
    struct delimtool_reading reading = {.format = format,
                                        .schema = schema,
                                        .row_limit = DELIMTOOL_ROW_LIMIT,
                                        .each = delimtool_keep_row};
    struct buf text = {0};
    struct err err = ERR_INIT;
    int r = delimtool_print(format, schema, rows, &text, &err);

    if (!r)
        r = delimtool_read_parts(&reading, slice_of_buf(&text), 0, 7, back, &err);
    if (r < 0 && err.text[0])
        assert_has(err.text, "memory");
    buf_finish(&text);
    return r;
}

/* What is leaked, a sanitizer tells. */
static void memory_may_run_out_anywhere(void **state)
{
    struct slice rows = slice_of_text("{\"s\":\"x, \\\"y\\\"\",\"i\":1,\"j\":[\"\\\"\"]}\n"
                                      "{\"\\u0073\":\"42\",\"j\":{\"a\":\"b\"}}\n");
    struct buf back = {0};

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct schema *schema = delimtool_schema(i % 2 ? typed : NULL);
        unsigned granted = 0;
        int r;

        do {
            buf_finish(&back);
            nomem_after(granted++);
            r = everything(i < 2 ? DELIMITED_CSV : DELIMITED_TSV, schema, rows, &back);
            assert_int_equal(nomem_end(), r < 0);
            assert_true(r == 0 || r == -ENOMEM);
        } while (r < 0);
        assert_true(granted > 20);
        schema_unref(schema);
    }
    buf_finish(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_beyond_the_limit_are_refused),
        cmocka_unit_test(lines_without_end_do_not_fill_the_memory),
        cmocka_unit_test(long_fields_come_back),
        cmocka_unit_test(generated_rows_come_back),
        cmocka_unit_test(libcsv_agrees_on_generated_text),
        cmocka_unit_test(libcsv_reads_what_we_print),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };

    return cmocka_run_group_tests_name("delimited there and back", tests, delimtool_setup,
                                       delimtool_teardown);
}
