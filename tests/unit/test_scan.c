/* SPDX-License-Identifier: MIT */
/* Rows one by one, from any row on, are those that were appended. */
#include <stdlib.h>

#include "core/commit.h"
#include "core/scan.h"
#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/tempstore.h"

#define ROWS 5000

/* A table of ROWS rows of very different lengths, in segments and in records. */
struct fixture {
    struct tempstore t;
    struct snapshot *head;
    struct table *table;
    struct buf rows;         /* the model */
    size_t offset[ROWS + 1]; /* of each row in it */
};

/* Mostly short; one of 200 is longer than a block, some end exactly with one. */
static size_t padding(unsigned i)
{
    return i % 200 == 7 ? 150000 + i : i % 50 == 3 ? 65536 - 24 : i % 37;
}

static void append_row(struct buf *buf, unsigned i)
{
    size_t pad = padding(i);

    assert_int_equal(buf_printf(buf, "{\"n\":%07u,\"p\":\"", i), 0);
    assert_int_equal(buf_reserve(buf, pad), 0);
    memset(buf->data + buf->bytes, 'x', pad);
    buf->bytes += pad;
    assert_int_equal(buf_append(buf, "\"}\n", 3), 0);
}

static void commit_rows(struct fixture *f, struct uuid table, unsigned from, unsigned to)
{
    struct err err = ERR_INIT;
    struct commit *commit;
    struct stage stage;

    stage_init(&stage, db_store(f->t.db), table);
    for (unsigned i = from; i < to; i++) {
        f->offset[i] = f->rows.bytes;
        append_row(&f->rows, i);
        assert_ok(stage_append(&stage, f->rows.data + f->offset[i], f->rows.bytes - f->offset[i], 1,
                               &err),
                  &err);
    }
    assert_ok(stage_seal(&stage, &err), &err);
    assert_int_equal(commit_create(&commit), 0);
    assert_int_equal(commit_add_write(commit, table, false, &stage, 0), 0);
    assert_ok(commit_run(f->t.db, commit), commit_reason(commit));
    commit_destroy(commit);
}

static int begin(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct uuid table;

    assert_non_null(f);
    tempstore_begin(&f->t);
    tempstore_open_db(&f->t);
    table = dbtool_table(f->t.db, "t");
    commit_rows(f, table, 0, 2); /* inlined */
    commit_rows(f, table, 2, 3000);
    commit_rows(f, table, 3000, 3001);
    commit_rows(f, table, 3001, 3003);
    commit_rows(f, table, 3003, ROWS);
    f->offset[ROWS] = f->rows.bytes;
    f->head = db_head(f->t.db);
    f->table = snapshot_table_named(f->head, "t");
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    snapshot_unref(f->head);
    tempstore_end(&f->t);
    buf_finish(&f->rows);
    free(f);
    return 0;
}

/* The scan's next row is number i of the model. */
static void assert_row(struct fixture *f, struct scan *scan, unsigned i)
{
    struct err err = ERR_INIT;
    const char *row;
    size_t bytes;

    assert_int_equal(scan->row, i);
    assert_int_equal(scan_next(scan, &row, &bytes, &err), 1);
    assert_int_equal(bytes, f->offset[i + 1] - f->offset[i] - 1);
    assert_memory_equal(row, f->rows.data + f->offset[i], bytes);
}

static void assert_end(struct scan *scan)
{
    struct err err = ERR_INIT;
    const char *row;
    size_t bytes;

    assert_int_equal(scan_next(scan, &row, &bytes, &err), 0);
    assert_int_equal(scan_next(scan, &row, &bytes, &err), 0);
}

static void a_scan_gives_every_row_once_in_order(void **state)
{
    struct fixture *f = *state;
    struct scan scan;

    scan_init(&scan, db_store(f->t.db), f->table);
    for (unsigned i = 0; i < ROWS; i++)
        assert_row(f, &scan, i);
    assert_end(&scan);
    scan_finish(&scan);
}

static void a_scan_goes_to_any_row(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct scan scan;

    scan_init(&scan, db_store(f->t.db), f->table);
    for (unsigned k = 0; k < 1200; k++) {
        unsigned i = k * 2654435761u % ROWS;

        assert_ok(scan_seek(&scan, i, &err), &err);
        assert_row(f, &scan, i);
        if (i + 1 < ROWS)
            assert_row(f, &scan, i + 1);
    }
    assert_ok(scan_seek(&scan, ROWS - 1, &err), &err);
    assert_row(f, &scan, ROWS - 1);
    assert_end(&scan);
    scan_finish(&scan);
}

static void behind_the_last_row_is_the_end(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct scan scan;

    scan_init(&scan, db_store(f->t.db), f->table);
    assert_ok(scan_seek(&scan, ROWS, &err), &err);
    assert_end(&scan);
    assert_ok(scan_seek(&scan, ROWS + 1000, &err), &err);
    assert_int_equal(scan.row, ROWS);
    assert_end(&scan);
    scan_finish(&scan);
}

static void a_seek_reads_blocks_not_the_table(void **state)
{
    struct fixture *f = *state;
    struct store *store = db_store(f->t.db);
    struct err err = ERR_INIT;
    struct scan scan;
    uint64_t before;

    scan_init(&scan, store, f->table);
    assert_ok(scan_seek(&scan, 4000, &err), &err); /* loads the index of the segment */
    before = atomic_load(&store->counts.get);
    assert_ok(scan_seek(&scan, 4990, &err), &err);
    assert_row(f, &scan, 4990);
    assert_true(atomic_load(&store->counts.get) - before <= 8);
    scan_finish(&scan);
}

/* The place of the row that was given last: its bytes, read from there, are the row. */
static void assert_place(struct fixture *f, const struct scan *scan, unsigned i)
{
    struct extent_ref place = scan_place(scan);
    struct extent_ref whole = extent_as_ref(scan->extent);
    size_t bytes = f->offset[i + 1] - f->offset[i];
    char *read = malloc(bytes);
    struct err err = ERR_INIT;

    assert_non_null(read);
    assert_true(object_id_equal(place.object, whole.object));
    assert_int_equal(place.row, i); /* no row has gone */
    assert_int_equal(place.rows, 1);
    assert_int_equal(place.first_row - whole.first_row, i - scan->extent->row);
    assert_int_equal(place.bytes, bytes);
    assert_ok(object_read(db_store(f->t.db), scan->extent->object, read, bytes, place.offset, &err),
              &err);
    assert_memory_equal(read, f->rows.data + f->offset[i], bytes);
    free(read);
}

static void the_place_of_a_row_is_where_it_lies(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct scan scan;

    scan_init(&scan, db_store(f->t.db), f->table);
    for (unsigned i = 0; i < ROWS; i++) {
        assert_row(f, &scan, i);
        assert_place(f, &scan, i);
    }
    for (unsigned k = 0; k < 300; k++) {
        unsigned i = k * 2654435761u % (ROWS - 1);

        assert_ok(scan_seek(&scan, i, &err), &err);
        assert_row(f, &scan, i);
        assert_place(f, &scan, i);
        assert_row(f, &scan, i + 1);
        assert_place(f, &scan, i + 1);
    }
    scan_finish(&scan);
}

static void a_scan_of_an_extent_gives_its_rows_only(void **state)
{
    struct fixture *f = *state;
    struct ptree_cursor cursor;
    const struct extent *extent;
    unsigned first = 0, extents = 0;

    ptree_seek_first(&cursor, f->table->extents);
    while ((extent = ptree_next(&cursor))) {
        struct scan scan;

        scan_init_extent(&scan, db_store(f->t.db), extent);
        for (unsigned i = 0; i < extent->rows; i++) {
            const char *row;
            size_t bytes;

            assert_int_equal(scan.row, i);
            assert_int_equal(scan_next(&scan, &row, &bytes, NULL), 1);
            assert_int_equal(bytes, f->offset[first + i + 1] - f->offset[first + i] - 1);
            assert_memory_equal(row, f->rows.data + f->offset[first + i], bytes);
            assert_place(f, &scan, first + i);
        }
        assert_end(&scan);
        scan_finish(&scan);
        first += (unsigned)extent->rows;
        extents++;
    }
    assert_int_equal(first, ROWS);
    assert_true(extents >= 5);
}

static void damage_under_a_scan_is_an_error(void **state)
{
    struct fixture *f = *state;
    char name[RECORD_KEY_BYTES];
    struct err err = ERR_INIT;
    struct scan scan;
    const char *row;
    size_t bytes;

    record_key(2, name); /* the first two rows */
    tempstore_flip(&f->t, name, 60, 1);
    scan_init(&scan, db_store(f->t.db), f->table);
    assert_fails(scan_next(&scan, &row, &bytes, &err), -EIO, &err);
    assert_non_null(strstr(err.text, name));
    scan_finish(&scan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scan_gives_every_row_once_in_order),
        cmocka_unit_test(a_scan_goes_to_any_row),
        cmocka_unit_test(behind_the_last_row_is_the_end),
        cmocka_unit_test(a_seek_reads_blocks_not_the_table),
        cmocka_unit_test(the_place_of_a_row_is_where_it_lies),
        cmocka_unit_test(a_scan_of_an_extent_gives_its_rows_only),
        cmocka_unit_test(damage_under_a_scan_is_an_error),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
