/* SPDX-License-Identifier: MIT */
/* Files made of rows, run by run. */
#include "core/derived.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/db_private.h"
#include "core/delimited.h"
#include "core/pick.h"

/* A run ends when its rows have, or give, as many bytes, or it has come from so many rows. */
#define RUN_BYTES (256 * 1024)
#define RUN_ROWS  16384

/* Rows of the file that follow each other in the table, from the first to the last of them. */
struct run {
    uint64_t from, to; /* the numbers of the first row, and of the one behind the last */
    uint64_t offset;   /* in the file */
};

struct derived {
    struct db *db; /* borrowed */
    struct table *table;
    struct selection *selection;
    enum derived_format format;
    struct delimited_columns columns; /* CSV, TSV */
    struct buf header;
    struct run *runs;
    size_t count, capacity;
    uint64_t bytes, rows;

    pthread_mutex_t lock; /* the run that was read last */
    size_t last;
    struct buf text;
};

void derived_destroy(struct derived *derived)
{
    if (!derived)
        return;
    delimited_columns_finish(&derived->columns);
    buf_finish(&derived->header);
    buf_finish(&derived->text);
    free(derived->runs);
    pthread_mutex_destroy(&derived->lock);
    selection_unref(derived->selection);
    table_unref(derived->table);
    free(derived);
}

CLEANUP_POINTER(struct derived, derived_destroy)
CLEANUP_POINTER(struct pick, pick_destroy)

uint64_t derived_bytes(const struct derived *derived)
{
    return derived->bytes;
}

uint64_t derived_rows(const struct derived *derived)
{
    return derived->rows;
}

/* --- rows to text ------------------------------------------------------------------ */

static enum delimited_format delimited_format(const struct derived *derived)
{
    return derived->format == DERIVED_CSV ? DELIMITED_CSV : DELIMITED_TSV;
}

static int print_row(const struct derived *derived, struct slice row, struct buf *text,
                     struct err *err)
{
    int r;

    if (derived->format != DERIVED_ROWS)
        return delimited_print_row(delimited_format(derived), &derived->columns,
                                   derived->table->schema, row, text, err);
    r = buf_append(text, row.text, row.bytes);
    return r < 0 || buf_append(text, "\n", 1) < 0 ? err_nomem(err) : 0;
}

/* --- the first pass ------------------------------------------------------------------- */

static int begin_pick(const struct derived *derived, uint64_t from_row, uint64_t to_row,
                      struct pick **ret_pick, struct err *err)
{
    return pick_create(derived->db, derived->table, derived->selection, from_row, to_row, ret_pick,
                       err);
}

/*
 * Without a schema the columns are those of the rows, in the order in which they first come.
 * 1, or 0: nothing is known of the table.
 */
static int find_columns(struct derived *derived, struct err *err)
{
    cleanup(pick_destroy_p) struct pick *pick = NULL;
    struct picked picked;
    bool any = false;
    int r;

    if (derived->table->schema)
        return delimited_columns_of_schema(derived->table->schema, &derived->columns) < 0
                   ? err_nomem(err)
                   : 1;
    r = begin_pick(derived, 0, PICK_TO_END, &pick, err);
    while (r >= 0 && (r = pick_next(pick, &picked, err)) > 0) {
        r = delimited_columns_add_row(&derived->columns, picked.row, err);
        any = true;
    }
    return r < 0 ? r : any;
}

static int print_header(struct derived *derived, struct err *err)
{
    int r;

    if (derived->format == DERIVED_ROWS)
        return 0;
    r = find_columns(derived, err);
    if (r > 0)
        r = delimited_print_header(delimited_format(derived), &derived->columns, &derived->header,
                                   err);
    derived->bytes = derived->header.bytes;
    return r;
}

static struct run *add_run(struct derived *derived, uint64_t from)
{
    if (derived->count == derived->capacity) {
        size_t capacity = derived->capacity ? 2 * derived->capacity : 4;
        struct run *runs = realloc(derived->runs, capacity * sizeof *runs);

        if (!runs)
            return NULL;
        derived->runs = runs;
        derived->capacity = capacity;
    }
    derived->runs[derived->count] = (struct run){.from = from, .offset = derived->bytes};
    return &derived->runs[derived->count++];
}

/* How far the run that is being made has come. */
struct progress {
    struct run *run;
    uint64_t bytes; /* of its rows */
};

static bool is_long(const struct derived *derived, const struct progress *at, uint64_t row)
{
    return at->bytes >= RUN_BYTES || derived->bytes - at->run->offset >= RUN_BYTES ||
           row - at->run->from >= RUN_ROWS;
}

static int note_row(struct derived *derived, struct progress *at, const struct picked *picked,
                    struct err *err)
{
    uint64_t row = picked->place.row;
    int r;

    if (!at->run || is_long(derived, at, row)) {
        at->run = add_run(derived, row);
        if (!at->run)
            return err_nomem(err);
        at->bytes = 0;
    }
    derived->text.bytes = 0;
    r = print_row(derived, picked->row, &derived->text, err);
    if (r < 0)
        return r;
    at->run->to = row + 1;
    at->bytes += picked->row.bytes + 1;
    derived->bytes += derived->text.bytes;
    derived->rows++;
    return 0;
}

static int measure(struct derived *derived, struct err *err)
{
    cleanup(pick_destroy_p) struct pick *pick = NULL;
    struct progress at = {0};
    struct picked picked;
    int r = begin_pick(derived, 0, PICK_TO_END, &pick, err);

    if (r < 0)
        return r;
    while ((r = pick_next(pick, &picked, err)) > 0) {
        r = note_row(derived, &at, &picked, err);
        if (r < 0)
            return r;
    }
    buf_finish(&derived->text);
    return r;
}

int derived_create(struct db *db, struct table *table, struct selection *selection,
                   enum derived_format format, struct derived **ret_derived, struct err *err)
{
    cleanup(derived_destroy_p) struct derived *derived = calloc(1, sizeof *derived);
    int r;

    if (!derived)
        return err_nomem(err);
    db_before_wait(db);
    pthread_mutex_init(&derived->lock, NULL);
    derived->db = db;
    derived->table = table_ref(table);
    derived->selection = selection_ref(selection);
    derived->format = format;
    derived->last = SIZE_MAX;
    r = print_header(derived, err);
    if (!r)
        r = measure(derived, err);
    if (!r)
        *ret_derived = steal_pointer(derived);
    return r;
}

/* --- reading ----------------------------------------------------------------------------- */

static uint64_t run_end(const struct derived *derived, size_t i)
{
    return i + 1 < derived->count ? derived->runs[i + 1].offset : derived->bytes;
}

/* The run that holds a byte behind the header. */
static size_t find_run(const struct derived *derived, uint64_t offset)
{
    size_t low = 0, high = derived->count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (derived->runs[middle].offset <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Makes the text of a run again, unless it is there. The lock is held. */
static int make_run(struct derived *derived, size_t i, struct err *err)
{
    cleanup(pick_destroy_p) struct pick *pick = NULL;
    const struct run *run = &derived->runs[i];
    struct picked picked;
    int r;

    if (derived->last == i)
        return 0;
    derived->last = SIZE_MAX;
    derived->text.bytes = 0;
    r = begin_pick(derived, run->from, run->to, &pick, err);
    while (r >= 0 && (r = pick_next(pick, &picked, err)) > 0)
        r = print_row(derived, picked.row, &derived->text, err);
    if (r < 0)
        return r;
    if (derived->text.bytes != run_end(derived, i) - run->offset)
        return err_set(err, -EIO, "the rows of table %s are not those that were read before",
                       derived->table->name);
    derived->last = i;
    return 0;
}

static int read_run(struct derived *derived, char *buf, size_t bytes, uint64_t offset,
                    struct err *err)
{
    size_t i = find_run(derived, offset);
    uint64_t skip = offset - derived->runs[i].offset;
    int r;

    pthread_mutex_lock(&derived->lock);
    r = make_run(derived, i, err);
    if (!r) {
        if (bytes > derived->text.bytes - skip)
            bytes = derived->text.bytes - (size_t)skip;
        memcpy(buf, derived->text.data + skip, bytes);
        r = (int)bytes;
    }
    pthread_mutex_unlock(&derived->lock);
    return r;
}

int derived_read(struct derived *derived, void *buf, size_t bytes, uint64_t offset, struct err *err)
{
    size_t done = 0;

    if (offset >= derived->bytes)
        return 0;
    if (bytes > derived->bytes - offset)
        bytes = (size_t)(derived->bytes - offset);
    if (offset < derived->header.bytes) {
        done = derived->header.bytes - (size_t)offset;
        done = done < bytes ? done : bytes;
        memcpy(buf, derived->header.data + offset, done);
    }
    while (done < bytes) {
        int r = read_run(derived, (char *)buf + done, bytes - done, offset + done, err);

        if (r < 0)
            return r;
        done += (size_t)r;
    }
    return (int)done;
}
