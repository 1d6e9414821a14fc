/* SPDX-License-Identifier: MIT */
/* What core promises in core/table.h: rows that are still there, placements, schemas. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/check.h"
#include "tests/lib/fixture.h"
#include "tests/lib/nomem.h"
#include "tests/lib/picktool.h"
#include "tests/lib/rowmodel.h"

#define SCHEMA "{\"columns\":{\"id\":\"int64\"},\"key\":\"id\"}"

static uint64_t seed;
static struct rowmodel model, old;

static int begin(void **state)
{
    seed = 31;
    fixture_begin_store(state);
    rowmodel_init(&model, NULL);
    return 0;
}

static int end(void **state)
{
    nomem_end();
    rowmodel_finish(&model);
    rowmodel_finish(&old);
    rowmodel_end();
    return fixture_end(state);
}

static void make_row(struct buf *row, size_t i)
{
    assert_int_equal(buf_printf(row, "{\"id\":%zu,\"p\":\"%0*zu\"}", i,
                                1 + (int)check_random_below(&seed, 30), i),
                     0);
}

static void make_table(void)
{
    for (int i = 0; i < 6; i++) {
        size_t rows = 20 + check_random_below(&seed, 100);
        unsigned object = i % 2 ? rowmodel_body(temp.store, rows, make_row)
                                : rowmodel_segment(temp.store, rows, make_row);

        rowmodel_append(&model, object, i, rows - 2 * i);
        rowmodel_append(&model, object, 0, rows); /* the same rows again */
    }
}

static void delete_randomly(int times)
{
    while (times-- > 0 && rowmodel_rows(&model) > 20) {
        size_t from = check_random_below(&seed, rowmodel_rows(&model) - 12);

        rowmodel_delete(&model, from, from + 1 + check_random_below(&seed, 12));
    }
}

/* --- rows of an earlier version that are still there ----------------------------------------- */

/* What the runs of an intersection say, row by row. */
struct expectation {
    const struct extent_ref *ref;
    size_t next; /* of the new version's rows */
    uint64_t stop_at;
};

static int take_run(void *context, const struct extent_ref *run)
{
    struct expectation *e = context;
    uint64_t offset = run->offset;

    assert_true(run->rows > 0);
    assert_true(object_id_equal(run->object, e->ref->object));
    for (uint64_t i = 0; i < run->rows; i++) {
        const struct rowmodel_place *place = rowmodel_place(&model, e->next);
        struct slice row = rowmodel_row(&model, e->next);
        char read[200];

        assert_int_equal(run->row + i, place->number);
        assert_int_equal(run->first_row + i, place->row);
        assert_int_equal(
            object_read(temp.store, rowmodel_object(place->object), read, row.bytes, offset, NULL),
            0);
        assert_memory_equal(read, row.text, row.bytes);
        offset += row.bytes + 1;
        e->next++;
    }
    assert_int_equal(offset, run->offset + run->bytes);
    return e->stop_at && run->row >= e->stop_at ? 17 : 0;
}

/* The rows [from, to) of the old version, which lie in one run, as they are named. */
static struct extent_ref ref_to_old(size_t from, size_t to)
{
    const struct rowmodel_place *place = rowmodel_place(&old, from);
    struct extent_ref ref = {.object = rowmodel_object(place->object)->id,
                             .first_row = place->row,
                             .rows = to - from,
                             .row = place->number};

    assert_int_equal(
        object_find_row(temp.store, rowmodel_object(place->object), place->row, &ref.offset, NULL),
        0);
    for (size_t i = from; i < to; i++)
        ref.bytes += rowmodel_row(&old, i).bytes + 1;
    return ref;
}

/* The end of a run of rows of the old version. */
static size_t run_end(size_t from)
{
    const struct rowmodel_place *first = rowmodel_place(&old, from);
    size_t to = from + 1, most = from + 1 + check_random_below(&seed, 60);

    while (to < rowmodel_rows(&old) && to < most && first[to - from].object == first->object &&
           first[to - from].row == first->row + (to - from) &&
           first[to - from].number == first->number + (to - from))
        to++;
    return to;
}

/* The first row of the new version that is numbered so or higher. */
static size_t find_number(uint64_t number)
{
    size_t i = 0;

    while (i < rowmodel_rows(&model) && rowmodel_place(&model, i)->number < number)
        i++;
    return i;
}

static void the_rows_that_are_left_of_a_run_are_found(void **state)
{
    (void)state;
    make_table();
    delete_randomly(10);
    rowmodel_keep(&model, &old);
    for (int step = 0; step < 300; step++) {
        size_t from = check_random_below(&seed, rowmodel_rows(&old)), to = run_end(from);
        struct extent_ref ref = ref_to_old(from, to);
        struct expectation e = {.ref = &ref, .next = find_number(ref.row)};

        assert_int_equal(table_intersect(model.table, &ref, take_run, &e), 0);
        assert_int_equal(e.next, find_number(ref.row + ref.rows));
        if (step % 10 == 0)
            delete_randomly(1);
    }
}

static void what_each_returns_ends_an_intersection(void **state)
{
    struct extent_ref ref;
    struct expectation e = {.ref = &ref, .stop_at = 10};

    (void)state;
    rowmodel_append(&model, rowmodel_segment(temp.store, 100, make_row), 0, 100);
    rowmodel_keep(&model, &old);
    ref = ref_to_old(0, 100);
    rowmodel_delete(&model, 80, 85);
    rowmodel_delete(&model, 10, 12);
    assert_int_equal(table_intersect(model.table, &ref, take_run, &e), 17);
    assert_int_equal(e.next, 78);
}

static void nothing_is_left_of_a_run_in_a_cleared_table(void **state)
{
    struct extent_ref ref;
    struct expectation e = {.ref = &ref};

    (void)state;
    make_table();
    rowmodel_keep(&model, &old);
    ref = ref_to_old(5, 9);
    rowmodel_clear(&model);
    assert_int_equal(table_intersect(model.table, &ref, take_run, &e), 0);
    make_table();
    assert_int_equal(table_intersect(model.table, &ref, take_run, &e), 0);
    assert_int_equal(e.next, 0);
}

/* --- placements ---------------------------------------------------------------------------- */

static void expect_placement(struct ptree_cursor *cursor, unsigned object, uint64_t first_row,
                             uint64_t rows, uint64_t number)
{
    const struct extent *placement = ptree_next(cursor);

    assert_non_null(placement);
    assert_ptr_equal(placement->object, rowmodel_object(object));
    assert_int_equal(placement->first_row, first_row);
    assert_int_equal(placement->rows, rows);
    assert_int_equal(placement->row, number);
}

static void placements_are_what_was_appended_in_segments(void **state)
{
    struct ptree_cursor cursor;

    (void)state;
    rowmodel_append(&model, rowmodel_segment(temp.store, 50, make_row), 0, 50);
    rowmodel_append(&model, rowmodel_body(temp.store, 9, make_row), 0, 9);
    rowmodel_append(&model, rowmodel_segment(temp.store, 50, make_row), 10, 20);
    rowmodel_append(&model, 0, 3, 4);
    rowmodel_delete(&model, 5, 70);
    rowmodel_delete(&model, 0, 2);
    assert_int_equal(ptree_count(model.table->placements), 3);
    ptree_seek_first(&cursor, model.table->placements);
    expect_placement(&cursor, 0, 0, 50, 0);
    expect_placement(&cursor, 2, 10, 20, 59);
    expect_placement(&cursor, 0, 3, 4, 79);
}

static void a_placement_goes_when_all_before_its_end_is_cleared(void **state)
{
    struct ptree_cursor cursor;
    struct table *next = NULL;

    (void)state;
    rowmodel_append(&model, rowmodel_segment(temp.store, 50, make_row), 0, 50);
    rowmodel_append(&model, rowmodel_segment(temp.store, 50, make_row), 0, 50);
    rowmodel_append(&model, rowmodel_segment(temp.store, 50, make_row), 0, 50);
    rowmodel_keep(&model, &old);
    assert_int_equal(table_clear(model.table, 50, 9, 1, &next), 0);
    assert_int_equal(ptree_count(next->placements), 2);
    ptree_seek_first(&cursor, next->placements);
    expect_placement(&cursor, 1, 0, 50, 50);
    expect_placement(&cursor, 2, 0, 50, 100);
    table_unref(next);
    rowmodel_clear(&model);
    assert_int_equal(ptree_count(model.table->placements), 0);
    assert_int_equal(ptree_count(old.table->placements), 3);
}

/* --- schemas -------------------------------------------------------------------------------- */

static void a_table_gets_a_schema_and_keeps_its_rows(void **state)
{
    struct schema *schema = picktool_schema(SCHEMA);
    struct table *with = NULL, *next = NULL, *without = NULL;

    (void)state;
    make_table();
    assert_int_equal(table_set_schema(model.table, schema, 70, 71, &with), 0);
    assert_ptr_equal(with->schema, schema);
    schema_unref(schema);
    assert_int_equal(with->schema_version, 70);
    assert_int_equal(with->schema_usec, 71);
    assert_int_equal(with->version, 70);
    assert_int_equal(with->time_usec, 71);
    assert_ptr_equal(with->extents, model.table->extents);
    assert_ptr_equal(with->placements, model.table->placements);
    assert_int_equal(with->appended, model.table->appended);
    assert_int_equal(table_rename(with, "u", 80, 81, &next), 0);
    table_unref(with);
    assert_true(schema_equal(next->schema, schema));
    assert_int_equal(next->schema_version, 70);
    assert_int_equal(table_set_schema(next, NULL, 90, 91, &without), 0);
    assert_null(without->schema);
    assert_int_equal(without->schema_version, 90);
    assert_null(model.table->schema);
    table_unref(next);
    table_unref(without);
}

static void without_memory_a_table_stays_as_it_is(void **state)
{
    unsigned object = rowmodel_segment(temp.store, 50, make_row);
    bool refused = true;

    (void)state;
    make_table();
    for (unsigned granted = 0; refused; granted++) {
        struct extent_ref ref = {.object = rowmodel_object(object)->id, .bytes = 1, .rows = 1};
        struct table *next = NULL, *cleared = NULL;
        int r;

        nomem_after(granted);
        r = table_append(model.table, rowmodel_object(object), &ref, false, 5, 5, &next);
        if (!r)
            r = table_clear(next, next->appended - 1, 6, 6, &cleared);
        refused = nomem_end();
        assert_int_equal(r, refused ? -ENOMEM : 0);
        if (!r)
            assert_int_equal(ptree_count(cleared->placements), 1);
        table_unref(next);
        table_unref(cleared);
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_rows_that_are_left_of_a_run_are_found),
        test(what_each_returns_ends_an_intersection),
        test(nothing_is_left_of_a_run_in_a_cleared_table),
        test(placements_are_what_was_appended_in_segments),
        test(a_placement_goes_when_all_before_its_end_is_cleared),
        test(a_table_gets_a_schema_and_keeps_its_rows),
        test(without_memory_a_table_stays_as_it_is),
    };

    return cmocka_run_group_tests_name("table_rows", tests, NULL, NULL);
}
