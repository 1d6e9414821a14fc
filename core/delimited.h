/* SPDX-License-Identifier: MIT */
/*
 * Rows as delimited text: CSV (RFC 4180) and TSV (IANA text/tab-separated-values), both
 * directions. The first line is a header: the names of the columns.
 *
 * From rows to text. A field is the value's characters: a string without its quotes, a number as it
 * is written, true, false, an object or array as compact JSON. What is null or missing is an
 * empty field (of a column with a default, missing is the default). In CSV an empty string
 * is "", so that it can be told from that, and lines end in CRLF as RFC 4180 says. TSV has no
 * quotes: a value with a tab, a line feed or a carriage return in it cannot be written, and in TSV
 * an empty string is an empty field, too; lines end in LF.
 *
 * From text to rows. The header names the columns of the fields behind it, in any order. With a
 * schema a field becomes a value of the column's type (a float64 or decimal may begin with its
 * point); without one what looks like a JSON
 * number, true or false is that, all else a string. An empty field (in CSV one
 * without quotes) is a member that is left out. Lines may end in LF or CRLF. A field that is quoted
 * in CSV is a string where there is no schema, whatever it looks like; so a string that looks like
 * a number is quoted when it is printed without a schema.
 *
 * In a column of type json, a field that begins with {, [ or " is JSON text; null, true, false
 * and what is spelled as a number are that, quoted or not; all else is a string. A string that
 * would not come back so is printed as JSON text, with its quotes; in TSV also one that could not
 * be written otherwise.
 *
 * What comes back is the same rows, except: a member that is null is left out; without a schema
 * objects and arrays become strings, and, in TSV, strings that look like numbers become numbers;
 * a decimal that was a string becomes a number. A text may begin with a byte order mark, which is
 * skipped. A line without any character is one empty field: in a file of one column it is a row,
 * and an empty header has no columns, as rows without members are printed. A string with \u0000 is
 * printed as it is, and cannot be read.
 *
 * One thread at a time.
 */
#ifndef ROWFS_CORE_DELIMITED_H
#define ROWFS_CORE_DELIMITED_H

#include <stdint.h>

#include "core/schema.h"

enum delimited_format { DELIMITED_CSV, DELIMITED_TSV };

/* --- to text --- */

/* The columns of a file, in order. */
struct delimited_columns {
    struct slice *names; /* characters; owned */
    size_t count;
    struct delimited_lookup *lookup; /* private: finds a column by name fast */
};

/* Errors: -ENOMEM. `ret_columns` is finished with delimited_columns_finish. */
int delimited_columns_of_schema(const struct schema *schema, struct delimited_columns *ret_columns);
void delimited_columns_finish(struct delimited_columns *columns); /* accepts a zeroed one */

/*
 * Adds the columns of a row that are not there yet, behind the others. `columns` may be zeroed.
 * Errors: -EFBIG, more than SCHEMA_MAX_COLUMNS; -ENOMEM.
 */
int delimited_columns_add_row(struct delimited_columns *columns, struct slice row, struct err *err);

/* Appends the header with its line end. Errors: -EINVAL, in TSV a name cannot be written; -ENOMEM.
 */
int delimited_print_header(enum delimited_format format, const struct delimited_columns *columns,
                           struct buf *text, struct err *err);

/*
 * Appends one row (valid, see rowcheck.h) as a line. `schema` (for defaults) may be NULL. Members
 * that are no column are left out. Errors: -EINVAL with a sentence that names column and value, in
 * TSV; -ENOMEM.
 */
int delimited_print_row(enum delimited_format format, const struct delimited_columns *columns,
                        const struct schema *schema, struct slice row, struct buf *text,
                        struct err *err);

/* --- from text --- */

struct delimited_reader;

/* Called for each row that was read: JSON without line feed, borrowed for the call. What it returns
 * ends the reading if it is not 0. */
typedef int delimited_row_fn(void *context, struct slice row, struct err *err);

/*
 * `*ret_reader` is new, freed with delimited_reader_destroy. `schema` (may be NULL) is referenced.
 * A row of more than `row_limit` bytes is refused. Errors: -ENOMEM.
 */
int delimited_reader_create(enum delimited_format format, struct schema *schema, uint64_t row_limit,
                            struct delimited_reader **ret_reader);
void delimited_reader_destroy(struct delimited_reader *reader); /* accepts NULL */

/*
 * Reads on: any part of the text, cut anywhere. Memory: one line and one row. After a failure the
 * reader can only be destroyed.
 *
 * Errors, with the line at which the row begins in `err->line` (also of a failure of `each` that
 * has none): -EINVAL, a header that has a name twice, an empty name, or one that is no column of
 * the schema; fewer or more fields than the header; a field that is not of its type (names column
 * and value); quotes that do not follow RFC 4180; a carriage return, outside of quotes, without
 * line feed; not UTF-8; a NUL byte; -EFBIG, a line or a row beyond `row_limit` (a header may have
 * SCHEMA_MAX_BYTES where that is more), more than SCHEMA_MAX_COLUMNS columns; -ENOMEM; what `each`
 * returned.
 */
int delimited_read(struct delimited_reader *reader, struct slice text, delimited_row_fn *each,
                   void *context, struct err *err);

/* The end of the text: of a last line without line end, too. Errors: as delimited_read; -EINVAL
 * also within quotes. */
int delimited_read_end(struct delimited_reader *reader, delimited_row_fn *each, void *context,
                       struct err *err);

/* Whether nothing, or nothing but the header, was read. */
bool delimited_reader_is_empty(const struct delimited_reader *reader);

#endif
