/* SPDX-License-Identifier: MIT */
/* What core promises in core/keyed.h of the indexes in the store: what they save, and that they can
 * be missing or damaged. */
#include <stdio.h>
#include <stdlib.h>

#include "core/keyed.h"
#include "core/keyindex_private.h"
#include "tests/lib/check.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"
#include "tests/lib/rowmodel.h"

#define SCHEMA "{\"columns\":{\"id\":\"int64\",\"p\":\"string\"},\"key\":\"id\"}"

#define BIG_SEGMENTS 10
#define BIG_ROWS     4000 /* of some 500 bytes: 32 blocks, 8 reads */
#define SMALL_ROWS   1000 /* 3 pages of entries */

static struct rowmodel model;
static size_t first_id;

static int begin(void **state)
{
    first_id = 0;
    fixture_begin_db(state);
    rowmodel_init(&model, SCHEMA);
    return 0;
}

static int end(void **state)
{
    rowmodel_finish(&model);
    rowmodel_end();
    return fixture_end(state);
}

static void make_big(struct buf *row, size_t i)
{
    assert_int_equal(buf_printf(row, "{\"id\":%zu,\"p\":\"%0500zu\"}", first_id + i, i), 0);
}

static void make_small(struct buf *row, size_t i)
{
    assert_int_equal(buf_printf(row, "{\"id\":%zu}", first_id + i), 0);
}

/* Rows with the next ids, in a segment of their own. */
static unsigned add_segment(size_t rows, rowmodel_row_fn *make)
{
    unsigned object = rowmodel_segment(temp.store, rows, make);

    first_id += rows;
    rowmodel_append(&model, object, 0, rows);
    return object;
}

static int find_between(struct db *db, size_t id, uint64_t from, uint64_t to)
{
    struct buf text = {0}, key = {0};
    struct err err = ERR_INIT;
    uint64_t row = 0;
    int r;

    assert_int_equal(buf_printf(&text, "{\"id\":%zu}", id), 0);
    assert_int_equal(rowkey_of_row(model.table->schema, slice_of(text.data, text.bytes), &key), 0);
    r = keyed_find(db, model.table, slice_of(key.data, key.bytes), from, to, &row, &err);
    if (r < 0)
        assert_ok(r, &err);
    if (r > 0)
        assert_int_equal(row, id); /* all rows are appended in the order of their ids */
    buf_finish(&text);
    buf_finish(&key);
    return r;
}

static int find(struct db *db, size_t id)
{
    return find_between(db, id, 0, UINT64_MAX);
}

/* What a lookup reads, once its result is as expected. */
static uint64_t cost_between(size_t id, uint64_t from, uint64_t to, int expected)
{
    uint64_t before = atomic_load(&temp.store->counts.get);

    assert_int_equal(find_between(temp.db, id, from, to), expected);
    return atomic_load(&temp.store->counts.get) - before;
}

static uint64_t cost(size_t id, int expected)
{
    return cost_between(id, 0, UINT64_MAX, expected);
}

/* --- what it costs ------------------------------------------------------------------------- */

static void a_lookup_among_segments_reads_a_page_of_each(void **state)
{
    uint64_t whole;

    (void)state;
    for (int i = 0; i < BIG_SEGMENTS; i++)
        add_segment(BIG_ROWS, make_big);
    whole = cost(first_id, 0);
    assert_true(whole >= 6 * BIG_SEGMENTS); /* the first one makes the indexes */
    assert_true(cost(first_id - 5, 1) <= BIG_SEGMENTS + 3);
    assert_true(cost(5, 1) <= 4); /* found in the first */
    assert_true(cost(first_id + 5, 0) <= BIG_SEGMENTS);
}

static void another_database_opens_the_indexes_that_are_there(void **state)
{
    uint64_t before;

    (void)state;
    other = tempstore_another(&temp);
    for (int i = 0; i < BIG_SEGMENTS; i++)
        add_segment(BIG_ROWS, make_big);
    assert_int_equal(find(temp.db, first_id), 0);
    before = atomic_load(&db_store(other)->counts.get);
    assert_int_equal(find(other, first_id), 0);
    assert_true(atomic_load(&db_store(other)->counts.get) - before <= 3 * BIG_SEGMENTS);
    assert_int_equal(atomic_load(&db_store(other)->counts.put), 0);
}

static void a_row_outside_of_segments_is_found_without_them(void **state)
{
    size_t id;

    (void)state;
    for (int i = 0; i < 3; i++)
        add_segment(SMALL_ROWS, make_small);
    rowmodel_append(&model, rowmodel_body(temp.store, 5, make_small), 0, 5);
    id = first_id + 2;
    assert_true(cost(id, 1) <= 4);
    assert_true(cost(id, 1) <= 4);
    assert_int_equal(atomic_load(&temp.store->counts.remove), 0);
}

static void segments_without_rows_of_the_version_are_not_asked(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        add_segment(SMALL_ROWS, make_small);
    rowmodel_delete(&model, 0, 2 * SMALL_ROWS);
    assert_true(cost(5, 0) > 0);
    assert_true(cost(5, 0) <= 1);
    rowmodel_delete(&model, 0, SMALL_ROWS);
    assert_int_equal(cost(5, 0), 0);
}

static void segments_outside_of_the_range_are_not_asked(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        add_segment(SMALL_ROWS, make_small);
    assert_int_equal(find(temp.db, 3 * SMALL_ROWS), 0); /* makes the indexes */
    assert_true(cost_between(SMALL_ROWS + 3, SMALL_ROWS, 2 * SMALL_ROWS, 1) <= 3);
    assert_int_equal(cost_between(SMALL_ROWS + 3, 2 * SMALL_ROWS, UINT64_MAX, 0), 1);
    assert_int_equal(cost_between(SMALL_ROWS + 3, 0, SMALL_ROWS, 0), 1);
    assert_int_equal(cost_between(SMALL_ROWS + 3, SMALL_ROWS + 4, SMALL_ROWS + 9, 0), 1);
    assert_int_equal(cost_between(SMALL_ROWS + 3, 7, 7, 0), 0);
}

#define MANY_SEGMENTS 1030 /* more than are kept open */

static void there_can_be_more_segments_than_indexes_are_kept_open(void **state)
{
    (void)state;
    for (int i = 0; i < MANY_SEGMENTS; i++)
        add_segment(2, make_small);
    assert_int_equal(find(temp.db, first_id), 0);
    assert_int_equal(find(temp.db, first_id - 1), 1);
    assert_int_equal(find(temp.db, 0), 1);
    assert_int_equal(find(temp.db, 1001), 1);
}

/* --- indexes that are missing or damaged ----------------------------------------------------- */

/* Where the index of an object lies. */
static const char *index_path(unsigned object)
{
    static char path[KEYINDEX_KEY_BYTES];
    uint64_t signature;

    assert_int_equal(rowkey_signature(model.table->schema, &signature), 0);
    keyindex_key(&rowmodel_object(object)->entry, signature, path);
    return path;
}

/* A segment with its index, and the bytes of that. */
static unsigned make_segment(struct buf *ret_index)
{
    unsigned object = add_segment(SMALL_ROWS, make_small);

    assert_int_equal(find(temp.db, 3), 1);
    tempstore_read(&temp, index_path(object), ret_index);
    assert_int_equal(ret_index->bytes, 5 * KEYINDEX_PAGE_BYTES);
    return object;
}

/* All keys, and some that are none, with a database that has no index open. */
static void expect_all(struct db *db)
{
    for (size_t id = 0; id < SMALL_ROWS + 50; id += 3)
        assert_int_equal(find(db, id), id < SMALL_ROWS);
}

static void expect_index(unsigned object, const struct buf *index)
{
    struct buf is = {0};

    tempstore_read(&temp, index_path(object), &is);
    assert_int_equal(is.bytes, index->bytes);
    assert_memory_equal(is.data, index->data, is.bytes);
    buf_finish(&is);
}

/* The index is whole again after another database has looked everything up. */
static void expect_repair(unsigned object, const struct buf *index)
{
    struct db *db = tempstore_another(&temp);

    expect_all(db);
    expect_index(object, index);
    db_close(db);
}

static void an_index_that_is_missing_is_made_again(void **state)
{
    struct buf index = {0};
    unsigned object = make_segment(&index);

    (void)state;
    tempstore_remove(&temp, index_path(object));
    expect_all(temp.db); /* which has it open */
    expect_repair(object, &index);
    buf_finish(&index);
}

static void a_byte_that_is_wrong_anywhere_is_found_and_repaired(void **state)
{
    struct buf index = {0};
    unsigned object = make_segment(&index);

    (void)state;
    for (size_t at = 0; at < index.bytes; at += 397) {
        tempstore_flip(&temp, index_path(object), at, 0x10);
        expect_repair(object, &index);
    }
    buf_finish(&index);
}

static void an_open_index_that_is_damaged_is_put_again(void **state)
{
    struct buf index = {0};
    unsigned object = make_segment(&index);

    (void)state;
    tempstore_flip(&temp, index_path(object), 2 * KEYINDEX_PAGE_BYTES + 100, 1);
    expect_all(temp.db);
    expect_all(temp.db);
    expect_index(object, &index);
    assert_true(cost(3, 1) <= 3);
    buf_finish(&index);
}

static void an_index_of_any_length_is_repaired(void **state)
{
    struct buf index = {0};
    unsigned object = make_segment(&index);

    (void)state;
    for (size_t bytes = 0; bytes < index.bytes; bytes += 1000) {
        tempstore_cut(&temp, index_path(object), (off_t)bytes);
        expect_repair(object, &index);
    }
    buf_finish(&index);
}

static void an_index_of_another_segment_is_not_believed(void **state)
{
    struct buf index = {0}, foreign = {0};
    unsigned object = make_segment(&index), another;

    (void)state;
    another = add_segment(SMALL_ROWS, make_small);
    assert_int_equal(find(temp.db, first_id - 1), 1);
    tempstore_read(&temp, index_path(another), &foreign);
    rowmodel_delete(&model, SMALL_ROWS, 2 * SMALL_ROWS);
    tempstore_replace(&temp, index_path(object), foreign.data, foreign.bytes);
    expect_repair(object, &index);
    buf_finish(&index);
    buf_finish(&foreign);
}

/* --- databases that do not write ---------------------------------------------------------------
 */

static struct db *open_read_only(void)
{
    struct db_options options = {.read_only = true, .limits = DB_LIMITS_DEFAULT};
    struct err err = ERR_INIT;
    struct db *db = NULL;

    assert_ok(db_open(temp.path, &options, &db, &err), &err);
    return db;
}

/* Everything is found, and nothing in the store is changed. */
static void expect_read_only(void)
{
    struct buf before = {0}, after = {0};

    tempstore_describe(&temp, &before);
    other = open_read_only();
    expect_all(other);
    tempstore_describe(&temp, &after);
    assert_string_equal(after.data, before.data);
    db_close(other);
    other = NULL;
    buf_finish(&before);
    buf_finish(&after);
}

static void a_read_only_database_finds_rows_without_an_index(void **state)
{
    (void)state;
    add_segment(SMALL_ROWS, make_small);
    expect_read_only();
}

static void a_read_only_database_leaves_a_damaged_index_alone(void **state)
{
    struct buf index = {0};
    unsigned object = make_segment(&index);

    (void)state;
    expect_read_only();
    tempstore_flip(&temp, index_path(object), 3 * KEYINDEX_PAGE_BYTES + 100, 1);
    expect_read_only();
    tempstore_flip(&temp, index_path(object), 0, 1);
    expect_read_only();
    buf_finish(&index);
}

static void a_damaged_segment_is_an_error_that_names_it(void **state)
{
    unsigned object = add_segment(SMALL_ROWS, make_small);
    struct buf text = {0}, key = {0};
    struct err err = ERR_INIT;
    uint64_t row;

    (void)state;
    tempstore_flip(&temp, rowmodel_object(object)->entry.path, 100, 1);
    assert_int_equal(buf_printf(&text, "{\"id\":3}"), 0);
    assert_int_equal(rowkey_of_row(model.table->schema, slice_of(text.data, text.bytes), &key), 0);
    assert_fails(
        keyed_find(temp.db, model.table, slice_of(key.data, key.bytes), 0, UINT64_MAX, &row, &err),
        -EIO, &err);
    assert_has(err.text, rowmodel_object(object)->entry.path);
    buf_finish(&text);
    buf_finish(&key);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_lookup_among_segments_reads_a_page_of_each),
        test(another_database_opens_the_indexes_that_are_there),
        test(a_row_outside_of_segments_is_found_without_them),
        test(segments_without_rows_of_the_version_are_not_asked),
        test(segments_outside_of_the_range_are_not_asked),
        test(there_can_be_more_segments_than_indexes_are_kept_open),
        test(an_index_that_is_missing_is_made_again),
        test(a_byte_that_is_wrong_anywhere_is_found_and_repaired),
        test(an_open_index_that_is_damaged_is_put_again),
        test(an_index_of_any_length_is_repaired),
        test(an_index_of_another_segment_is_not_believed),
        test(a_read_only_database_finds_rows_without_an_index),
        test(a_read_only_database_leaves_a_damaged_index_alone),
        test(a_damaged_segment_is_an_error_that_names_it),
    };

    return cmocka_run_group_tests_name("keyed_index", tests, NULL, NULL);
}
