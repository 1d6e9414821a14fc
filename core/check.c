/* SPDX-License-Identifier: MIT */
/* Reads everything once. */
#include "core/check.h"

#include <errno.h>
#include <inttypes.h>

#include "core/base/mem.h"
#include "core/db_private.h"
#include "core/delimited.h"
#include "core/keyed.h"
#include "core/pick.h"
#include "core/rowcheck.h"
#include "core/scan.h"
#include "core/zones.h"

CLEANUP_POINTER(struct snapshot, snapshot_unref)
CLEANUP_POINTER(struct pick, pick_destroy)
CLEANUP_POINTER(struct schema_check, schema_check_destroy)

struct check {
    struct db *db;
    struct snapshot *head;
    check_report_fn *report;
    void *context;
    struct check_result result;
};

static void tell(struct check *check, enum check_severity severity, const char *sentence)
{
    check->report(check->context, severity, sentence);
    if (severity == CHECK_WARNING)
        check->result.warnings++;
    else
        check->result.damages++;
}

/* Reports a failure to read, unless it is for lack of memory. */
static int tell_failure(struct check *check, int r, const struct err *err)
{
    if (r == -ENOMEM)
        return r;
    tell(check, CHECK_DAMAGE, err->text);
    return 0;
}

/* --- segments --------------------------------------------------------------------- */

/* Every block is verified by being read; its rows must be as many as the log says. */
static int check_segment(struct check *check, struct object *object)
{
    const struct object_entry *entry = &object->entry;
    struct extent whole = {.object = object, .bytes = entry->bytes, .rows = entry->rows};
    cleanup(scan_finish) struct scan scan;
    struct err err = ERR_INIT;
    const char *row;
    size_t bytes;
    int r;

    scan_init_extent(&scan, check->db->store, &whole);
    while ((r = scan_next(&scan, &row, &bytes, &err)) > 0)
        ;
    check->result.segments++;
    check->result.bytes += entry->bytes;
    if (!r && scan.row != entry->rows)
        r = err_set(&err, -EIO, "%s has %" PRIu64 " rows, and the log says %" PRIu64, entry->path,
                    scan.row, entry->rows);
    return r < 0 ? tell_failure(check, r, &err) : 0;
}

static int check_segments(struct check *check)
{
    struct ptree_cursor cursor;
    struct object *object;
    int r = 0;

    ptree_seek_first(&cursor, check->head->objects);
    while (!r && (object = ptree_next(&cursor)))
        r = check_segment(check, object);
    return r;
}

/* --- rows ---------------------------------------------------------------------------- */

static int check_row(struct check *check, const struct table *table, struct rowcheck *rows,
                     struct schema_check *schema, const struct picked *picked)
{
    struct err err = ERR_INIT;
    int r = rowcheck_line(rows, picked->row.text, picked->row.bytes, &err);

    if (!r && schema)
        r = schema_check_row(schema, picked->row, &err);
    if (r == -EINVAL)
        err_prefix(&err, r, "table %s, row %" PRIu64, table->name, picked->ordinal + 1);
    check->result.rows++;
    return r < 0 ? tell_failure(check, r, &err) : 0;
}

/* The rows of the newest version: each is one, and of the schema. */
static int check_rows(struct check *check, struct table *table)
{
    cleanup(pick_destroy_p) struct pick *pick = NULL;
    cleanup(schema_check_destroy_p) struct schema_check *schema = NULL;
    struct rowcheck *rows = db_take_checker(check->db);
    struct err err = ERR_INIT;
    struct picked picked;
    int r = rows ? 0 : -ENOMEM;

    if (!r && table->schema)
        r = schema_check_create(table->schema, &schema);
    if (!r)
        r = pick_create(check->db, table, NULL, 0, PICK_TO_END, &pick, &err);
    while (!r && (r = pick_next(pick, &picked, &err)) > 0)
        r = check_row(check, table, rows, schema, &picked);
    if (rows)
        db_return_checker(check->db, rows);
    return r < 0 ? tell_failure(check, r, &err) : r;
}

/* --- what is kept beside segments -------------------------------------------------------- */

/* `r` is what comparing one has given. */
static int note_compared(struct check *check, int r, const char *what, const struct object *object,
                         const struct err *err)
{
    struct err sentence = ERR_INIT;

    if (r == -ENOENT) /* there is none: it is made when it is needed */
        return 0;
    check->result.indexes++;
    if (r == -ENOMEM)
        return r;
    if (r == -EIO)
        tell(check, CHECK_WARNING, err->text);
    else if (r < 0)
        tell(check, CHECK_DAMAGE, err->text);
    if (r)
        return 0;
    err_set(&sentence, -EIO, "%s of %s does not hold what the segment does: remove it", what,
            object->entry.path);
    tell(check, CHECK_DAMAGE, sentence.text);
    return 0;
}

static int check_index(struct check *check, const struct table *table, struct object *object)
{
    struct err err = ERR_INIT;

    if (!table->schema || !table->schema->key_count)
        return 0;
    return note_compared(check, keyed_compare(check->db, table->schema, object, &err),
                         "the key index", object, &err);
}

static int check_zones(struct check *check, const struct table *table, struct object *object,
                       const struct delimited_columns *columns)
{
    int r = 0;

    for (size_t i = 0; i < columns->count && !r; i++) {
        struct err err = ERR_INIT;

        r = note_compared(check, zones_compare(check->db, table, object, columns->names[i], &err),
                          "an index of values", object, &err);
    }
    return r;
}

/* The columns that zones can have been made of. */
static int find_columns(struct check *check, struct table *table, struct delimited_columns *columns)
{
    cleanup(pick_destroy_p) struct pick *pick = NULL;
    struct picked picked;
    int r;

    if (table->schema)
        return delimited_columns_of_schema(table->schema, columns);
    r = pick_create(check->db, table, NULL, 0, PICK_TO_END, &pick, NULL);
    while (!r && (r = pick_next(pick, &picked, NULL)) > 0)
        r = delimited_columns_add_row(columns, picked.row, NULL);
    return r == -ENOMEM ? r : 0; /* rows that cannot be read were told of before */
}

static int check_beside(struct check *check, struct table *table)
{
    cleanup(delimited_columns_finish) struct delimited_columns columns = {0};
    struct ptree_cursor cursor;
    const struct extent *placement;
    int r = table->placements ? find_columns(check, table, &columns) : 0;

    ptree_seek_first(&cursor, table->placements);
    while (!r && (placement = ptree_next(&cursor))) {
        r = check_index(check, table, placement->object);
        if (!r)
            r = check_zones(check, table, placement->object, &columns);
    }
    return r;
}

int check_store(struct db *db, check_report_fn *report, void *context,
                struct check_result *ret_result, struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *head = db_head(db);
    struct check check = {.db = db, .head = head, .report = report, .context = context};
    struct ptree_cursor cursor;
    struct table *table;
    int r = check_segments(&check);

    check.result.records = head->position.seq + 1;
    ptree_seek_first(&cursor, head->by_name);
    while (!r && (table = ptree_next(&cursor))) {
        check.result.tables++;
        r = check_rows(&check, table);
        if (!r)
            r = check_beside(&check, table);
    }
    *ret_result = check.result;
    return r < 0 ? err_nomem(err) : 0;
}
