/* SPDX-License-Identifier: MIT */
/* What the files of delimited text share: fields of a line, rows of fields, names in sentences. */
#ifndef ROWFS_CORE_DELIMITED_PRIVATE_H
#define ROWFS_CORE_DELIMITED_PRIVATE_H

#include <string.h>

#include "core/base/utf8.h"
#include "core/delimited.h"

/* U+FEFF, which some programs write at the beginning of a text. */
#define DELIMITED_MARK       "\xef\xbb\xbf"
#define DELIMITED_MARK_BYTES 3

/* --- columns (delimited_columns.c) --- */

/* Whether a member's name (as JSON) is that of a column; tried first is the one at `guess`.
 * 1: it is; 0: it is not. Errors: -ENOMEM. */
int delimited_columns_find(const struct delimited_columns *columns, struct slice name, size_t guess,
                           size_t *ret_position);

/* The memory that a row's printing needs, in the columns so that it is kept from row to row. */
struct slice *delimited_columns_values(const struct delimited_columns *columns);
struct buf *delimited_columns_scratch(const struct delimited_columns *columns);

/* --- rows of fields (delimited_rows.c) --- */

struct delimited_field {
    size_t end; /* in the characters of the line; begins at the end of the field before */
    bool quoted;
};

/* A line, taken apart; NULs and bytes that are no UTF-8 are still in it. */
struct delimited_line {
    struct buf characters;
    struct delimited_field *fields;
    size_t count, capacity;
};

/* What the header says, and the row of the line that was read last. */
struct delimited_rows {
    struct schema *schema; /* referenced; NULL: none */
    uint64_t row_limit;
    bool has_header;
    struct delimited_rows_column *columns;
    size_t count;
    struct buf labels;      /* of all columns: a name as JSON, with its colon */
    struct rowcheck *check; /* of JSON in fields; NULL: there is no such column */
    struct buf json;        /* which it checks */
    struct buf row;
};

void delimited_rows_finish(struct delimited_rows *rows);

/* Errors: those of delimited_read. */
int delimited_rows_set_header(struct delimited_rows *rows, const struct delimited_line *line,
                              struct err *err);

/* Makes `rows->row` of the fields, of which there are as many as columns. The same errors. */
int delimited_rows_make(struct delimited_rows *rows, const struct delimited_line *line,
                        struct err *err);

/* --- names and values in sentences --- */

#define DELIMITED_SHOWN_BYTES 40

struct delimited_shown {
    char text[DELIMITED_SHOWN_BYTES + 4];
};

/* Cut to DELIMITED_SHOWN_BYTES, on one line. */
static inline struct delimited_shown delimited_show(struct slice text)
{
    struct delimited_shown shown = {""};
    size_t bytes = text.bytes < DELIMITED_SHOWN_BYTES ? text.bytes : DELIMITED_SHOWN_BYTES;

    while (bytes < text.bytes && bytes && utf8_is_continuation(text.text[bytes]))
        bytes--;
    for (size_t i = 0; i < bytes; i++)
        shown.text[i] = (unsigned char)text.text[i] < 0x20 ? ' ' : text.text[i];
    if (bytes < text.bytes)
        memcpy(shown.text + bytes, "...", sizeof "...");
    return shown;
}

#endif
