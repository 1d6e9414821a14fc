/* SPDX-License-Identifier: MIT */
/*
 * The schema of a table: which columns its rows have, of which type, and which of them are
 * its key. Immutable, counted; a table without one has NULL, and takes any object.
 *
 *     {"columns": {
 *        "id":    {"type": "int64", "required": true},
 *        "name":  "string",
 *        "price": {"type": "decimal(10,2)", "default": 0.00}},
 *      "key": ["id"]}
 *
 * "name": "string" is short for {"type": "string"}. The order of the columns is that of rows.csv.
 * A row has no other members than these. A column that is not required may be missing or null.
 * One that is missing shows its default wherever rows are typed (rows.csv, by/); a required
 * column with a default may be missing, too, but not null. The columns of a key are required,
 * whatever is said of them, and have no default. `key` is a list or, of one column, its name.
 *
 * A column of a schema that is being written may also have "from", the name that it had
 * before: it is renamed. No two have the same "from"; a column whose name is the "from" of
 * another one is new. Where the old schema has no column "from", but one that is called as
 * this one is now, that was done before, and nothing is renamed.
 */
#ifndef ROWFS_CORE_SCHEMA_H
#define ROWFS_CORE_SCHEMA_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/value.h"

#define SCHEMA_MAX_COLUMNS 4096
#define SCHEMA_MAX_BYTES   (1024 * 1024) /* as it is written */

struct column {
    struct slice name; /* its characters; owned, as all of these */
    struct column_type type;
    bool required, is_key;
    struct slice default_json; /* a value of the type, compact; without text: none */
    struct slice from;         /* the name that it had; without text: it is not renamed */
};

struct schema {
    _Atomic uint32_t refs;
    struct column *columns;
    size_t count;
    size_t *key; /* positions in `columns` */
    size_t key_count;
    /*
     * Printed: one column a line, always in the same way, ending in a line feed. schema_parse
     * makes an equal schema of it. Without "from".
     */
    struct buf text;
    /* what finds a column by its name fast is private */
    struct schema_lookup *lookup;
};

/*
 * Reads what a user has written, which need not be valid in any way. `*ret_schema` is new; NULL
 * for a text of white space only: no schema. Errors: -EINVAL with a sentence that names the
 * column and what is wrong (no JSON, an unknown member or type, a name twice, no columns, a
 * default that is null or not of its type, a key column that is none, ...); -EFBIG, more than
 * SCHEMA_MAX_BYTES, also as it is printed, or than SCHEMA_MAX_COLUMNS; -ENOMEM.
 */
int schema_parse(struct slice text, struct schema **ret_schema, struct err *err);

struct schema *schema_ref(struct schema *schema); /* accepts NULL */
void schema_unref(struct schema *schema);         /* accepts NULL */

/* Whether both say the same; "from" is not compared. NULL is equal to NULL. */
bool schema_equal(const struct schema *a, const struct schema *b);

/* The column of that name; NULL: there is none. */
const struct column *schema_column(const struct schema *schema, struct slice name);

/*
 * What a row checker keeps from row to row; one thread at a time. The schema is borrowed until
 * schema_check_destroy. `*ret_check` is new. Errors: -ENOMEM.
 */
struct schema_check;
int schema_check_create(const struct schema *schema, struct schema_check **ret_check);
void schema_check_destroy(struct schema_check *check); /* accepts NULL */

/*
 * Whether a row, which rowcheck.h has found to be one, is of the schema. Allocates nothing but for
 * a sentence; linear in the row's length. After any failure the next row can be checked. Errors:
 * -EINVAL with a sentence that names the column and its value (cut to 40 bytes, as it is written):
 * "column price: 1.234 has too many digits behind the point", "column id is missing", "column x is
 * not in the schema".
 */
int schema_check_row(struct schema_check *check, struct slice row, struct err *err);

/* What it takes to make rows of one schema rows of the next one. */
struct evolution {
    bool rechecks; /* the rows must be looked at: there was no schema before */
    bool rekeys;   /* and must be found unique: the first schema has a key */
    bool rewrites; /* columns go or are renamed: schema_rewrite_row for each row */
};

/*
 * Whether a table can go from `from` to `to` (either may be NULL). With rows it can: get a
 * first schema, lose its schema, lose its key, get a column that is not required or has a
 * default, lose a column that is not of its key, rename one, widen int64 to float64 (not of
 * the key), have a requirement loosened, another order of columns. Nothing else, nor
 * another default (0 is 0.00), which rows without the column show (a column that was required, and
 * had none, may get one: all rows have a value). Without rows (`has_rows` false) anything goes, and
 * nothing is to be done. Errors: -EINVAL with a sentence that names the column and why.
 */
int schema_evolve(const struct schema *from, const struct schema *to, bool has_rows,
                  struct evolution *ret_evolution, struct err *err);

/*
 * Appends a row of `from` as one of `to`, without line feed: members of columns that are gone are
 * left out, those that were renamed get their new names, all else stays as it is written, byte for
 * byte; a member that is left out takes the comma before it along, or behind it if it is the first.
 * Any thread. Errors: -ENOMEM, `rewritten` as it was.
 */
int schema_rewrite_row(const struct schema *from, const struct schema *to, struct slice row,
                       struct buf *rewritten);

#endif
