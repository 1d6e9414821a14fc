/* SPDX-License-Identifier: MIT */
/* CSV and TSV: what rows are written as, and what is read as rows. */
#include "core/delimited.h"

#include <errno.h>
#include <stdio.h>

#include "tests/lib/check.h"
#include "tests/lib/delimtool.h"

static void prints(enum delimited_format format, const char *columns, const char *rows,
                   const char *expected)
{
    struct schema *schema = delimtool_schema(columns);
    struct buf text = {0};
    struct err err = ERR_INIT;

    assert_ok(delimtool_print(format, schema, slice_of_text(rows), &text, &err), &err);
    delimtool_same(slice_of_buf(&text), slice_of_text(expected));
    buf_finish(&text);
    schema_unref(schema);
}

static void cannot_print(enum delimited_format format, const char *columns, const char *rows,
                         const char *sentence)
{
    struct schema *schema = delimtool_schema(columns);
    struct buf text = {0};
    struct err err = ERR_INIT;

    assert_fails(delimtool_print(format, schema, slice_of_text(rows), &text, &err), -EINVAL, &err);
    assert_string_equal(err.text, sentence);
    buf_finish(&text);
    schema_unref(schema);
}

/* Cut at every byte, and in single bytes: it is always the same. */
static void reads(enum delimited_format format, const char *columns, struct slice text,
                  const char *expected)
{
    struct delimtool_reading reading = {
        .format = format, .row_limit = DELIMTOOL_ROW_LIMIT, .each = delimtool_keep_row};
    struct buf rows = {0};

    reading.schema = delimtool_schema(columns);
    for (size_t cut = 0; cut <= text.bytes; cut++) {
        size_t step = cut ? text.bytes : 1;
        struct err err = ERR_INIT;

        rows.bytes = 0;
        assert_ok(delimtool_read_parts(&reading, text, cut, step, &rows, &err), &err);
        delimtool_same(slice_of_buf(&rows), slice_of_text(expected));
        assert_int_equal(reading.is_empty, !rows.bytes);
    }
    buf_finish(&rows);
    schema_unref(reading.schema);
}

static void refuses(enum delimited_format format, const char *columns, struct slice text,
                    uint64_t line, const char *sentence)
{
    struct delimtool_reading reading = {
        .format = format, .row_limit = DELIMTOOL_ROW_LIMIT, .each = delimtool_keep_row};
    struct buf rows = {0};

    reading.schema = delimtool_schema(columns);
    for (size_t cut = 0; cut <= text.bytes; cut++) {
        size_t step = cut ? text.bytes : 1;
        struct err err = ERR_INIT;

        assert_fails(delimtool_read_parts(&reading, text, cut, step, &rows, &err), -EINVAL, &err);
        assert_string_equal(err.text, sentence);
        assert_int_equal(err.line, line);
    }
    buf_finish(&rows);
    schema_unref(reading.schema);
}

#define LITERAL(text) slice_of(text, sizeof(text) - 1)

#define csv_reads(columns, text, rows) reads(DELIMITED_CSV, columns, LITERAL(text), rows)
#define tsv_reads(columns, text, rows) reads(DELIMITED_TSV, columns, LITERAL(text), rows)
#define csv_refuses(columns, text, line, sentence)                                                 \
    refuses(DELIMITED_CSV, columns, LITERAL(text), line, sentence)
#define tsv_refuses(columns, text, line, sentence)                                                 \
    refuses(DELIMITED_TSV, columns, LITERAL(text), line, sentence)

/* --- to text ---------------------------------------------------------------------------- */

static void fields_are_the_characters_of_values(void **state)
{
    (void)state;
    prints(DELIMITED_CSV, NULL,
           "{\"s\":\"a b\",\"n\":-1.50,\"t\":true,\"f\":false,\"z\":null,\"o\":{ \"k\": [1, 2] },"
           "\"l\":[ ]}\n",
           "s,n,t,f,z,o,l\r\na b,-1.50,true,false,,\"{\"\"k\"\":[1,2]}\",[]\r\n");
    prints(DELIMITED_TSV, NULL,
           "{\"s\":\"a \\\"b\\\"\",\"n\":1e400,\"z\":null,\"o\":{ \"k\": \"\\t\" }}\n",
           "s\tn\tz\to\na \"b\"\t1e400\t\t{\"k\":\"\\t\"}\n");
}

static void columns_come_in_the_order_in_which_they_are_seen(void **state)
{
    (void)state;
    prints(DELIMITED_CSV, NULL, "{\"b\":1}\n{\"a\":2,\"\\u0062\":3}\n{\"c\":4,\"b\":5}\n{}\n",
           "b,a,c\r\n1,,\r\n3,2,\r\n5,,4\r\n,,\r\n");
    prints(DELIMITED_CSV, "{\"c\":\"int64\",\"b\":\"int64\"}", "{\"b\":1,\"c\":2}\n{\"b\":3}\n",
           "c,b\r\n2,1\r\n,3\r\n");
}

static void a_missing_value_is_its_default_and_null_is_not(void **state)
{
    (void)state;
    prints(DELIMITED_CSV,
           "{\"a\":{\"type\":\"string\",\"default\":\"x, y\"},"
           "\"b\":{\"type\":\"int64\",\"default\":7}}",
           "{}\n{\"a\":null,\"b\":null}\n{\"b\":1,\"a\":\"\"}\n",
           "a,b\r\n\"x, y\",7\r\n,\r\n\"\",1\r\n");
}

static void csv_has_quotes_where_they_are_needed(void **state)
{
    (void)state;
    prints(
        DELIMITED_CSV, NULL,
        "{\"a\":\"\"}\n{\"a\":\"x,y\"}\n{\"a\":\"\\\"\"}\n{\"a\":\"\\\"x\\\"\\\"\"}\n"
        "{\"a\":\"1\\n2\"}\n{\"a\":\"1\\r2\"}\n{\"a\":\" x\"}\n{\"a\":\"x\\t\"}\n{\"a\":\"x y\"}\n"
        "{\"a\":\"\\u00e9\"}\n{}\n",
        "a\r\n\"\"\r\n\"x,y\"\r\n\"\"\"\"\r\n\"\"\"x\"\"\"\"\"\r\n\"1\n2\"\r\n\"1\r2\"\r\n\" "
        "x\"\r\n"
        "\"x\t\"\r\nx y\r\né\r\n\r\n");
}

static void strings_that_look_like_something_else_have_quotes_without_schema(void **state)
{
    const char *rows = "{\"a\":\"42\"}\n{\"a\":\"-1.5e3\"}\n{\"a\":\"true\"}\n{\"a\":\"false\"}\n"
                       "{\"a\":\"007\"}\n{\"a\":\"+1\"}\n{\"a\":\"NaN\"}\n{\"a\":\"null\"}\n"
                       "{\"a\":\"truer\"}\n{\"a\":\"-\"}\n{\"a\":\"2026-11-23\"}\n";

    (void)state;
    prints(DELIMITED_CSV, NULL, rows,
           "a\r\n\"42\"\r\n\"-1.5e3\"\r\n\"true\"\r\n\"false\"\r\n007\r\n+1\r\nNaN\r\nnull\r\n"
           "truer\r\n-\r\n2026-11-23\r\n");
    prints(DELIMITED_CSV, "{\"a\":\"string\"}", rows,
           "a\r\n42\r\n-1.5e3\r\ntrue\r\nfalse\r\n007\r\n+1\r\nNaN\r\nnull\r\ntruer\r\n-\r\n"
           "2026-11-23\r\n");
}

static void names_are_quoted_like_fields(void **state)
{
    (void)state;
    prints(DELIMITED_CSV, NULL, "{\"a,b\":1,\"\\\"\":2,\"\":3,\"\\n\":4,\"42\":5}\n",
           "\"a,b\",\"\"\"\",\"\",\"\n\",42\r\n1,2,3,4,5\r\n");
    prints(DELIMITED_CSV, NULL, "{\"\xef\xbb\xbfx\":1,\"\xef\xbb\xbfy\":1}\n",
           "\"\xef\xbb\xbfx\",\xef\xbb\xbfy\r\n1,1\r\n");
}

static void what_has_no_columns_is_empty_lines(void **state)
{
    (void)state;
    prints(DELIMITED_CSV, NULL, "", "\r\n");
    prints(DELIMITED_CSV, NULL, "{}\n{}\n", "\r\n\r\n\r\n");
    csv_reads(NULL, "\r\n", "");
    csv_reads(NULL, "\r\n\r\n\r\n", "{}\n{}\n");
    csv_refuses(NULL, "\r\n\r\nx\r\n", 3, "the line has more fields than the header, which has 0");
    csv_refuses(NULL, "\r\n\"\"\r\n", 2, "the line has more fields than the header, which has 0");
    csv_refuses(NULL, "\r\n,\r\n", 2, "the line has more fields than the header, which has 0");
}

static void tsv_refuses_what_it_cannot_write(void **state)
{
    (void)state;
    cannot_print(DELIMITED_TSV, NULL, "{\"a\":\"1\"}\n{\"a\":\"x\\ty\"}\n",
                 "column a: \"x\\ty\" has a tab in it, and cannot be written as TSV");
    cannot_print(DELIMITED_TSV, "{\"a\":\"string\"}", "{\"a\":\"x\\u000ay\"}\n",
                 "column a: \"x\\u000ay\" has a line feed in it, and cannot be written as TSV");
    cannot_print(DELIMITED_TSV, NULL, "{\"a\":\"0123456789012345678901234567890123456789\\r\"}\n",
                 "column a: \"012345678901234567890123456789012345678... has a carriage return in "
                 "it, and cannot be written as TSV");
    cannot_print(DELIMITED_TSV, NULL, "{\"a\\tb\":1}\n",
                 "column a b: its name has a tab, and cannot be written as TSV");
    cannot_print(DELIMITED_TSV, NULL, "{\"a\":1,\"\":1}\n",
                 "column : its name has no characters, and cannot be written as TSV");
    cannot_print(
        DELIMITED_TSV, NULL, "{\"\xef\xbb\xbfx\":1}\n",
        "column \xef\xbb\xbfx: its name has a byte order mark, and cannot be written as TSV");
}

static void what_cannot_be_printed_leaves_the_text_as_it_was(void **state)
{
    struct delimited_columns columns = {0};
    struct buf text = {0};
    struct err err = ERR_INIT;

    (void)state;
    delimtool_put(&text, "before");
    assert_ok(delimited_columns_add_row(&columns, slice_of_text("{\"a\":1,\"b\":2}"), &err), &err);
    assert_fails(delimited_print_row(DELIMITED_TSV, &columns, NULL,
                                     slice_of_text("{\"a\":1,\"b\":\"\\t\"}"), &text, &err),
                 -EINVAL, &err);
    delimtool_same(slice_of_buf(&text), slice_of_text("before"));
    /* Members that are no column are left out. */
    assert_ok(delimited_print_row(DELIMITED_TSV, &columns, NULL,
                                  slice_of_text("{\"c\":\"\\t\",\"b\":1,\"\\u0061\":2}"), &text,
                                  &err),
              &err);
    delimtool_same(slice_of_buf(&text), slice_of_text("before2\t1\n"));
    buf_finish(&text);
    delimited_columns_finish(&columns);
}

static void columns_are_at_most_so_many(void **state)
{
    struct delimited_columns columns = {0};
    struct buf row = {0}, text = {0};
    struct err err = ERR_INIT;
    char *first;

    (void)state;
    delimtool_put(&row, "{");
    for (int i = 0; i < SCHEMA_MAX_COLUMNS; i++)
        assert_int_equal(buf_printf(&row, "\"c%d\":%d,", i, i), 0);
    row.data[row.bytes - 1] = '}';
    assert_ok(delimited_columns_add_row(&columns, slice_of_buf(&row), &err), &err);
    assert_ok(delimited_columns_add_row(&columns, slice_of_buf(&row), &err), &err);
    assert_fails(delimited_columns_add_row(&columns, slice_of_text("{\"more\":1}"), &err), -EFBIG,
                 &err);
    assert_string_equal(err.text, "the rows have more than 4096 columns");
    assert_ok(delimited_print_header(DELIMITED_CSV, &columns, &text, &err), &err);
    assert_ok(delimited_print_row(DELIMITED_CSV, &columns, NULL, slice_of_buf(&row), &text, &err),
              &err);
    first = memchr(text.data, '\n', text.bytes);
    assert_memory_equal(first + 1, "0,1,2,", 6);
    assert_memory_equal(text.data + text.bytes - 12, ",4094,4095\r\n", 12);
    delimited_columns_finish(&columns);

    row.bytes = 0;
    for (int i = 0; i <= SCHEMA_MAX_COLUMNS; i++)
        assert_int_equal(buf_printf(&row, "c%d,", i), 0);
    {
        struct delimtool_reading reading = {.row_limit = DELIMTOOL_ROW_LIMIT,
                                            .each = delimtool_keep_row};

        assert_fails(delimtool_read(&reading, slice_of_buf(&row), &text, &err), -EFBIG, &err);
        assert_string_equal(err.text, "the header has more than 4096 columns");
    }
    buf_finish(&row);
    buf_finish(&text);
}

/* --- from text --------------------------------------------------------------------------- */

static void without_schema_numbers_are_spelled_as_in_json(void **state)
{
    (void)state;
    csv_reads(NULL, "a\n0\n-0\n17\n-1.50\n1e400\n2E+7\n9007199254740993\ntrue\nfalse\n",
              "{\"a\":0}\n{\"a\":-0}\n{\"a\":17}\n{\"a\":-1.50}\n{\"a\":1e400}\n{\"a\":2E+7}\n"
              "{\"a\":9007199254740993}\n{\"a\":true}\n{\"a\":false}\n");
    csv_reads(
        NULL,
        "a\n007\n+1\nNaN\n.5\n1.\n1e\n0x10\n 1\n1 \n-\n--1\n1_000\nInfinity\nnull\nTrue\n[1]\n{}\n",
        "{\"a\":\"007\"}\n{\"a\":\"+1\"}\n{\"a\":\"NaN\"}\n{\"a\":\".5\"}\n{\"a\":\"1.\"}\n"
        "{\"a\":\"1e\"}\n{\"a\":\"0x10\"}\n{\"a\":\" 1\"}\n{\"a\":\"1 \"}\n{\"a\":\"-\"}\n"
        "{\"a\":\"--1\"}\n{\"a\":\"1_000\"}\n{\"a\":\"Infinity\"}\n{\"a\":\"null\"}\n"
        "{\"a\":\"True\"}\n{\"a\":\"[1]\"}\n{\"a\":\"{}\"}\n");
    tsv_reads(NULL, "a\tb\n1\tx\n\"1\"\ttrue\n",
              "{\"a\":1,\"b\":\"x\"}\n{\"a\":\"\\\"1\\\"\",\"b\":true}\n");
}

static void quotes_make_strings(void **state)
{
    (void)state;
    csv_reads(NULL, "a,b,c\n\"42\",\"true\",\"\"\n", "{\"a\":\"42\",\"b\":\"true\",\"c\":\"\"}\n");
    csv_reads(NULL, "\"a\",\"b,\"\"c\"\"\"\n\"x\"\"y\",\"1,\r\n2\"\"\"\n",
              "{\"a\":\"x\\\"y\",\"b,\\\"c\\\"\":\"1,\\r\\n2\\\"\"}\n");
    csv_reads(NULL, "a\n\"\"\"\"\n\"\"\"\"\"\"\n", "{\"a\":\"\\\"\"}\n{\"a\":\"\\\"\\\"\"}\n");
}

static void an_empty_field_is_left_out(void **state)
{
    (void)state;
    csv_reads(NULL, "a,b,c\n,,\n1,,\n,2,\n,,3\n", "{}\n{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n");
    csv_reads("{\"a\":\"string\",\"b\":\"int64\"}", "b,a\n,\"\"\n,\n", "{\"a\":\"\"}\n{}\n");
    csv_reads(NULL, "a\n\n1\n\"\"\n", "{}\n{\"a\":1}\n{\"a\":\"\"}\n");
    tsv_reads("{\"a\":\"string\",\"b\":\"int64\"}", "b\ta\n\t\n\tx\n", "{}\n{\"a\":\"x\"}\n");
}

static void lines_end_in_lf_or_crlf_or_with_the_text(void **state)
{
    (void)state;
    csv_reads(NULL, "a,b\r\n1,2\r\n3,4\n\"5\",\"6\"\r\n",
              "{\"a\":1,\"b\":2}\n{\"a\":3,\"b\":4}\n{\"a\":\"5\",\"b\":\"6\"}\n");
    csv_reads(NULL, "a,b\n1,2", "{\"a\":1,\"b\":2}\n");
    csv_reads(NULL, "a,b\n1,\"2\"", "{\"a\":1,\"b\":\"2\"}\n");
    csv_reads(NULL, "a,b\n1,", "{\"a\":1}\n");
    tsv_reads(NULL, "a\tb\r\n1\t2\r\n3\t", "{\"a\":1,\"b\":2}\n{\"a\":3}\n");
    csv_refuses(NULL, "a\n1\rx\n", 2, "a carriage return is not followed by a line feed");
    csv_refuses(NULL, "a\n\"1\"\rx\n", 2, "a carriage return is not followed by a line feed");
    csv_refuses(NULL, "a\n1\r", 2, "a carriage return is not followed by a line feed");
    tsv_refuses(NULL, "a\n1\rx\n", 2, "a carriage return is not followed by a line feed");
}

static void nothing_and_a_header_are_empty(void **state)
{
    (void)state;
    csv_reads(NULL, "", "");
    csv_reads(NULL, "a,b\r\n", "");
    csv_reads(NULL, "a,b", "");
    csv_reads(NULL, "\xef\xbb\xbf", "");
    csv_reads("{\"a\":\"int64\"}", "a\n", "");
}

static void a_byte_order_mark_is_skipped(void **state)
{
    (void)state;
    csv_reads(NULL,
              "\xef\xbb\xbf"
              "a,b\n1,2\n",
              "{\"a\":1,\"b\":2}\n");
    csv_reads(NULL, "\xef\xbb\xbf\"a\",b\n1,2\n", "{\"a\":1,\"b\":2}\n");
    csv_reads(NULL,
              "\"\xef\xbb\xbf"
              "a\"\n1\n",
              "{\"\xef\xbb\xbf"
              "a\":1}\n");
    csv_reads(NULL,
              "\xef\xbb\xbf\xef\xbb\xbf"
              "a\n1\n",
              "{\"\xef\xbb\xbf"
              "a\":1}\n");
    csv_reads(NULL, "\xef\xbb\xba\n1\n", "{\"\xef\xbb\xba\":1}\n");
    csv_reads(NULL, "\xef\xbc\x9f\n1\n", "{\"\xef\xbc\x9f\":1}\n");
    csv_refuses(NULL, "\xef\xbb", 1,
                "the name of column 1 is not UTF-8 text: a character cut short");
}

static void headers_name_each_column_once(void **state)
{
    (void)state;
    csv_refuses(NULL, "a,b,a\n", 1, "column a is twice in the header, as 1 and as 3");
    csv_refuses(NULL, "a,\"a\"", 1, "column a is twice in the header, as 1 and as 2");
    csv_refuses(NULL, "a,,b\n", 1, "the header has no name for column 2");
    csv_refuses(NULL, "a,\"\"\n", 1, "the header has no name for column 2");
    csv_refuses(NULL, "\"\"\n", 1, "the header has no name for column 1");
    csv_refuses("{\"a\":\"int64\"}", "a,b\n1,2\n", 1, "column b is not in the schema");
    csv_refuses("{\"a\":\"int64\"}", " a\n1\n", 1, "column  a is not in the schema");
    csv_refuses(NULL, "a\xff\n", 1,
                "the name of column 1 is not UTF-8 text: no character starts with this byte");
    tsv_refuses(NULL, "a\tb\ta\n", 1, "column a is twice in the header, as 1 and as 3");
    csv_reads(NULL, "\"x\ny\",\"\\\"\n1,2\n", "{\"x\\ny\":1,\"\\\\\":2}\n");
}

static void lines_have_as_many_fields_as_the_header(void **state)
{
    (void)state;
    csv_refuses(NULL, "a,b\n1,2\n1\n", 3, "the line has 1 of the header's 2 fields");
    csv_refuses(NULL, "a,b\n\n", 2, "the line has 1 of the header's 2 fields");
    csv_refuses(NULL, "a,b\n1,2,3\n", 2, "the line has more fields than the header, which has 2");
    csv_refuses(NULL, "a,b\n1,2,", 2, "the line has more fields than the header, which has 2");
    tsv_refuses(NULL, "a\tb\n1\n", 2, "the line has 1 of the header's 2 fields");
}

static void quotes_follow_rfc_4180(void **state)
{
    (void)state;
    csv_refuses(NULL, "a\nx\"y\n", 2, "a quote is within a field that does not begin with one");
    csv_refuses(NULL, "a\n \"y\"\n", 2, "a quote is within a field that does not begin with one");
    csv_refuses(NULL, "a\n\"x\"y\n", 2, "text follows the quote that ends a field");
    csv_refuses(NULL, "a\n\"x\" \n", 2, "text follows the quote that ends a field");
    csv_refuses(NULL, "a\n\"1\n2\"\n\"x", 4, "the text ends within a quoted field");
    csv_refuses(NULL, "a\n1\n\"2\n\n\n", 3, "the text ends within a quoted field");
    csv_refuses(NULL, "\"", 1, "the text ends within a quoted field");
}

static void the_line_of_an_error_is_where_its_row_begins(void **state)
{
    (void)state;
    csv_refuses("{\"a\":\"string\",\"b\":\"int64\"}", "a,b\n\"1\n2\n3\",4\n\"5\n6\",x\n", 5,
                "column b: x is not a whole number");
}

static void what_is_no_text_is_refused(void **state)
{
    (void)state;
    csv_refuses(NULL, "a,b\nx,y\0z\n", 2, "column b is not UTF-8 text: a NUL byte");
    csv_refuses(NULL, "a\n\"\0\"\n", 2, "column a is not UTF-8 text: a NUL byte");
    tsv_refuses(NULL, "a\tb\nx\ty\0z\n", 2, "column b is not UTF-8 text: a NUL byte");
    csv_refuses(NULL, "a\n\xc3\n", 2, "column a is not UTF-8 text: a character cut short");
    csv_refuses(NULL, "a\n\xed\xa0\x80\n", 2, "column a is not UTF-8 text: a surrogate");
    /* The bytes of one character in two fields. */
    csv_refuses(NULL, "a,b\n\xc3,\"\xa9\"\n", 2,
                "column a is not UTF-8 text: a character cut short");
    csv_reads(NULL, "é,a\n€,😀 \x7f\n", "{\"é\":\"€\",\"a\":\"😀 \x7f\"}\n");
    csv_reads(NULL, "a,b\n\x01\x1f,\"\t\x08\"\n", "{\"a\":\"\\u0001\\u001f\",\"b\":\"\\t\\b\"}\n");
}

static void fields_get_the_type_of_their_column(void **state)
{
    static const char columns[] =
        "{\"i\":\"int64\",\"f\":\"float64\",\"b\":\"bool\",\"s\":\"string\",\"t\":\"timestamp\","
        "\"d\":\"date\",\"m\":\"decimal(5,2)\"}";

    (void)state;
    csv_reads(columns, "i,f,b,s,t,d,m\n-7,1e5,true,42,2026-11-23T18:15:59Z,2026-11-23,123.45\n",
              "{\"i\":-7,\"f\":1e5,\"b\":true,\"s\":\"42\",\"t\":\"2026-11-23T18:15:59Z\","
              "\"d\":\"2026-11-23\",\"m\":123.45}\n");
    csv_reads(columns, "s,i\n\"true\",\"7\"\n", "{\"s\":\"true\",\"i\":7}\n");
    csv_refuses(columns, "i\nx\n", 2, "column i: x is not a whole number");
    csv_refuses(columns, "i\n007\n", 2, "column i: 007 is not a whole number");
    csv_refuses(columns, "i\n1.5\n", 2, "column i: 1.5 is not a whole number");
    csv_refuses(columns, "i\n\"\"\n", 2, "column i: \"\" is not a whole number");
    csv_refuses(columns, "i\n\"\"\"7\"\"\"\n", 2, "column i: \"7\" is not a whole number");
    csv_refuses(columns, "i\n9223372036854775808\n", 2,
                "column i: 9223372036854775808 is beyond int64");
    csv_refuses(columns, "f\n1x\n", 2, "column f: 1x is not a number");
    csv_refuses(columns, "f\nNaN\n", 2, "column f: NaN is not a number");
    csv_refuses(columns, "f\n1e400\n", 2, "column f: 1e400 is beyond float64");
    csv_refuses(columns, "b\ntrueish\n", 2, "column b: trueish is not true or false");
    csv_refuses(columns, "b\n1\n", 2, "column b: 1 is not true or false");
    csv_refuses(columns, "t\n\"2026\"\n", 2,
                "column t: 2026 is not a time of RFC 3339, such as \"2026-11-23T18:15:59Z\"");
    csv_refuses(columns, "d\n2026-02-30\n", 2,
                "column d: 2026-02-30 is not a date, such as \"2026-11-23\"");
    csv_refuses(columns, "m\n1.234\n", 2, "column m: 1.234 has too many digits behind the point");
    csv_refuses(columns, "m\n1,5\n", 2, "the line has more fields than the header, which has 1");
    csv_refuses(columns, "m\n\"\"\"1.5\n", 2, "the text ends within a quoted field");
    csv_refuses(columns, "m\n\"\"\"1.5\"\n", 2, "column m: \"1.5 is not a number");
    csv_refuses(columns, "m\n01.5\n", 2, "column m: 01.5 is not a number without exponent");
    csv_refuses(columns, "i\n\"a\n01234567890123456789012345678901234567é\"\n", 2,
                "column i: a 01234567890123456789012345678901234567... is not a whole number");
}

static void columns_of_json_hold_json(void **state)
{
    static const char columns[] = "{\"j\":\"json\"}";

    (void)state;
    csv_reads(columns,
              "j\n\"{\"\"a\"\" :\n[1, null]}\"\n[]\n\"\"\"x "
              "y\"\"\"\n42\n\"42\"\ntrue\nnull\nabc\n\"\"\n\n",
              "{\"j\":{\"a\":[1,null]}}\n{\"j\":[]}\n{\"j\":\"x y\"}\n{\"j\":42}\n{\"j\":42}\n"
              "{\"j\":true}\n{\"j\":null}\n{\"j\":\"abc\"}\n{\"j\":\"\"}\n{}\n");
    csv_refuses(columns, "j\n{\n", 2, "column j: { is not valid JSON");
    csv_refuses(columns, "j\n[]x\n", 2, "column j: []x is not valid JSON");
    csv_refuses(columns, "j\n[]}\n", 2, "column j: []} is not valid JSON");
    csv_refuses(columns, "j\n\"[],\"\"a\"\":1\"\n", 2, "column j: [],\"a\":1 is not valid JSON");
    csv_refuses(columns, "j\n\"\"\"a\nb\"\"\"\n", 2, "column j: \"a b\" is not valid JSON");
    csv_refuses(columns, "j\n\"{\"\"a\"\":1,\"\"a\"\":1}\"\n", 2,
                "column j: {\"a\":1,\"a\":1} is not valid JSON");
    prints(DELIMITED_CSV, columns,
           "{\"j\":\"abc\"}\n{\"j\":\"42\"}\n{\"j\":\"null\"}\n{\"j\":\"true\"}\n{\"j\":\"[\"}\n"
           "{\"j\":\"\"}\n{\"j\":\"a\\tb\"}\n{\"j\":\"\\u0000\"}\n",
           "j\r\nabc\r\n\"\"\"42\"\"\"\r\n\"\"\"null\"\"\"\r\n\"\"\"true\"\"\"\r\n\"\"\"[\"\"\"\r\n"
           "\"\"\r\na\tb\r\n\"\"\"\\u0000\"\"\"\r\n");
    prints(DELIMITED_TSV, columns,
           "{\"j\":\"\"}\n{\"j\":\"a\\tb\"}\n{\"j\":\"x\"}\n{\"j\":\"\\\"\"}\n",
           "j\n\"\"\n\"a\\tb\"\nx\n\"\\\"\"\n");
}

static int stop_at_once(void *context, struct slice row, struct err *err)
{
    (void)row;
    (void)context;
    return err_set(err, -EEXIST, "enough");
}

static int stop_as_wanted(void *context, struct slice row, struct err *err)
{
    (void)row;
    (void)context;
    (void)err;
    return 7;
}

static void what_each_returns_ends_the_reading(void **state)
{
    struct delimtool_reading reading = {.row_limit = DELIMTOOL_ROW_LIMIT, .each = stop_at_once};
    struct err err = ERR_INIT;

    (void)state;
    assert_fails(delimtool_read(&reading, slice_of_text("a\n1\n2\n"), NULL, &err), -EEXIST, &err);
    assert_string_equal(err.text, "enough");
    assert_int_equal(err.line, 2);
    reading.each = stop_as_wanted;
    assert_int_equal(delimtool_read(&reading, slice_of_text("a\n1"), NULL, NULL), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_the_characters_of_values),
        cmocka_unit_test(columns_come_in_the_order_in_which_they_are_seen),
        cmocka_unit_test(a_missing_value_is_its_default_and_null_is_not),
        cmocka_unit_test(csv_has_quotes_where_they_are_needed),
        cmocka_unit_test(strings_that_look_like_something_else_have_quotes_without_schema),
        cmocka_unit_test(names_are_quoted_like_fields),
        cmocka_unit_test(what_has_no_columns_is_empty_lines),
        cmocka_unit_test(tsv_refuses_what_it_cannot_write),
        cmocka_unit_test(what_cannot_be_printed_leaves_the_text_as_it_was),
        cmocka_unit_test(columns_are_at_most_so_many),
        cmocka_unit_test(without_schema_numbers_are_spelled_as_in_json),
        cmocka_unit_test(quotes_make_strings),
        cmocka_unit_test(an_empty_field_is_left_out),
        cmocka_unit_test(lines_end_in_lf_or_crlf_or_with_the_text),
        cmocka_unit_test(nothing_and_a_header_are_empty),
        cmocka_unit_test(a_byte_order_mark_is_skipped),
        cmocka_unit_test(headers_name_each_column_once),
        cmocka_unit_test(lines_have_as_many_fields_as_the_header),
        cmocka_unit_test(quotes_follow_rfc_4180),
        cmocka_unit_test(the_line_of_an_error_is_where_its_row_begins),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(fields_get_the_type_of_their_column),
        cmocka_unit_test(columns_of_json_hold_json),
        cmocka_unit_test(what_each_returns_ends_the_reading),
    };

    return cmocka_run_group_tests_name("delimited", tests, delimtool_setup, delimtool_teardown);
}
