/* SPDX-License-Identifier: MIT */
/* What core promises in core/pick.h: exactly the rows of a selection, and where they lie. */
#include <stdio.h>
#include <stdlib.h>

#include "core/pick.h"
#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/fixture.h"
#include "tests/lib/nomem.h"
#include "tests/lib/picktool.h"
#include "tests/lib/rowmodel.h"

#define SCHEMA                                                                                     \
    "{\"columns\":{\"id\":\"int64\",\"c\":{\"type\":\"int64\",\"default\":3},\"p\":\"string\"},"   \
    "\"key\":\"id\"}"
#define COLORS 7

static uint64_t seed;
static struct rowmodel model;
static size_t next_id;

static int begin_with(void **state, const char *schema)
{
    seed = 8;
    next_id = 0;
    fixture_begin_db(state);
    rowmodel_init(&model, schema);
    return 0;
}

static int begin(void **state)
{
    return begin_with(state, SCHEMA);
}

static int begin_without_schema(void **state)
{
    return begin_with(state, NULL);
}

static int end(void **state)
{
    nomem_end();
    rowmodel_finish(&model);
    rowmodel_end();
    return fixture_end(state);
}

/* Unique ids; some rows are long, some have no color. */
static void make_row(struct buf *row, size_t i)
{
    size_t color = check_random_below(&seed, COLORS + 1);
    int pad = i % 97 == 5 ? 70000 : (int)check_random_below(&seed, 50);

    assert_int_equal(buf_printf(row, "{\"id\":%zu,", next_id++), 0);
    if (color < COLORS)
        assert_int_equal(buf_printf(row, "\"c\":%zu,", color), 0);
    assert_int_equal(buf_printf(row, "\"p\":\"%0*d\"}", pad, 1), 0);
}

/* Rows in segments and records, with holes. */
static void make_table(int pieces)
{
    for (int i = 0; i < pieces; i++) {
        size_t count = 1 + check_random_below(&seed, i % 3 ? 40 : 300), from, to;
        unsigned object = i % 3 ? rowmodel_body(temp.store, count, make_row)
                                : rowmodel_segment(temp.store, count, make_row);
        size_t first = check_random_below(&seed, count);

        rowmodel_append(&model, object, first, count - first);
        from = check_random_below(&seed, rowmodel_rows(&model));
        to = from + check_random_below(&seed, 9);
        rowmodel_delete(&model, from, to < rowmodel_rows(&model) ? to : rowmodel_rows(&model));
    }
}

/* --- the oracle ------------------------------------------------------------------------- */

static bool is_row(struct slice row, long id, long low_color, long high_color)
{
    struct slice color = json_find(row, slice_of("c", 1));
    long its_id = strtol(json_find(row, slice_of("id", 2)).text, NULL, 10);
    long its = color.text ? strtol(color.text, NULL, 10) : model.table->schema ? 3 : -1;

    return (id < 0 || its_id == id) && (low_color < 0 || (its >= low_color && its <= high_color));
}

/* What a row is said to be, and where it lies. */
static void expect_place(const struct picked *picked, size_t i)
{
    const struct rowmodel_place *place = rowmodel_place(&model, i);
    struct object *object = rowmodel_object(place->object);
    char *read = malloc(picked->place.bytes);
    struct err err = ERR_INIT;

    assert_non_null(read);
    assert_true(slice_equal(picked->row, rowmodel_row(&model, i)));
    assert_int_equal(picked->ordinal, i);
    assert_int_equal(picked->place.row, place->number);
    assert_int_equal(picked->place.rows, 1);
    assert_int_equal(picked->place.first_row, place->row);
    assert_true(object_id_equal(picked->place.object, object->id));
    assert_int_equal(picked->place.bytes, picked->row.bytes + 1);
    assert_ok(
        object_read(temp.store, object, read, picked->place.bytes, picked->place.offset, &err),
        &err);
    assert_memory_equal(read, picked->row.text, picked->row.bytes);
    free(read);
}

static void expect_between(const char *conditions, long id, long low, long high, uint64_t from,
                           uint64_t to)
{
    struct selection *selection = picktool_selection(conditions);
    struct pick *pick = NULL;
    struct err err = ERR_INIT;
    struct picked picked;

    assert_ok(pick_create(temp.db, model.table, selection, from, to, &pick, &err), &err);
    for (size_t i = 0; i < rowmodel_rows(&model); i++) {
        uint64_t number = rowmodel_place(&model, i)->number;

        if (number < from || number >= to || !is_row(rowmodel_row(&model, i), id, low, high))
            continue;
        assert_int_equal(pick_next(pick, &picked, &err), 1);
        expect_place(&picked, i);
    }
    assert_int_equal(pick_next(pick, &picked, &err), 0);
    assert_int_equal(pick_next(pick, &picked, &err), 0);
    pick_destroy(pick);
    selection_unref(selection);
}

/* The same from and to some rows. */
static void expect(const char *conditions, long id, long low, long high)
{
    uint64_t most = model.table->appended;

    expect_between(conditions, id, low, high, 0, PICK_TO_END);
    for (int i = 0; i < 4; i++) {
        uint64_t from = check_random_below(&seed, most), to = check_random_below(&seed, most + 2);

        expect_between(conditions, id, low, high, from, to);
        expect_between(conditions, id, low, high, from, from + 1);
    }
}

static void expect_selections(void)
{
    expect("", -1, -1, -1);
    for (long color = 0; color < COLORS; color += 3) {
        long id = (long)check_random_below(&seed, next_id + 3);
        char path[80];

        snprintf(path, sizeof path, "c/%ld", color);
        expect(path, -1, color, color);
        snprintf(path, sizeof path, "c/%ld..%ld", color, color + 1);
        expect(path, -1, color, color + 1);
        snprintf(path, sizeof path, "id/%ld", id);
        expect(path, id, -1, -1);
        snprintf(path, sizeof path, "c/..%ld/id/%ld", color, id);
        expect(path, id, 0, color);
    }
}

static void with_a_key_the_rows_are_those_of_a_search(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        make_table(3);
        expect_selections();
    }
}

static void without_a_schema_the_rows_are_those_of_a_search(void **state)
{
    (void)state;
    make_table(12);
    expect_selections();
}

static void a_key_is_found_in_a_few_reads(void **state)
{
    struct pick *pick = NULL;
    struct err err = ERR_INIT;
    struct selection *selection;
    struct picked picked;
    uint64_t before;

    (void)state;
    make_table(12);
    expect("id/500", 500, -1, -1);
    selection = picktool_selection("id/510/c/0..");
    before = atomic_load(&temp.store->counts.get);
    assert_ok(pick_create(temp.db, model.table, selection, 0, PICK_TO_END, &pick, &err), &err);
    while (pick_next(pick, &picked, &err) > 0)
        continue;
    assert_true(atomic_load(&temp.store->counts.get) - before <= 10); /* 4 segments */
    pick_destroy(pick);
    selection_unref(selection);
}

static void what_makes_no_sense_for_the_schema_is_not_there(void **state)
{
    static const char *const wrong[] = {"x/1", "id/abc", "id/1/c/red"};
    struct pick *pick = NULL;
    struct err err = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct selection *selection = picktool_selection(wrong[i]);

        assert_fails(pick_create(temp.db, model.table, selection, 0, PICK_TO_END, &pick, &err),
                     -ENOENT, &err);
        assert_has(err.text, "table t");
        assert_null(pick);
        selection_unref(selection);
    }
}

static void an_empty_table_has_no_rows(void **state)
{
    (void)state;
    expect_between("", -1, -1, -1, 0, PICK_TO_END);
    expect_between("id/3", 3, -1, -1, 0, PICK_TO_END);
    expect_between("c/3", -1, 3, 3, 5, 7);
}

static int pick_all(struct selection *selection, size_t *ret_count, struct err *err)
{
    struct pick *pick = NULL;
    struct picked picked;
    int r = pick_create(temp.db, model.table, selection, 0, PICK_TO_END, &pick, err);

    *ret_count = 0;
    while (!r && (r = pick_next(pick, &picked, err)) > 0) {
        ++*ret_count;
        r = 0;
    }
    pick_destroy(pick);
    return r;
}

static void without_memory_no_row_is_left_out(void **state)
{
    static const char *const paths[] = {"", "id/100", "c/2", "p/..x"};

    (void)state;
    make_table(3);
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        struct selection *selection = picktool_selection(paths[i]);
        size_t expected, count;
        bool refused = true;

        assert_int_equal(pick_all(selection, &expected, NULL), 0);
        for (unsigned granted = 0; refused; granted++) {
            struct err err = ERR_INIT;
            int r;

            nomem_after(granted);
            r = pick_all(selection, &count, &err);
            refused = nomem_end();
            if (r < 0)
                assert_fails(r, -ENOMEM, &err);
            else
                assert_int_equal(count, expected);
            assert_int_equal(r < 0, err.text[0] != '\0');
        }
        selection_unref(selection);
    }
}

/* --- through a database -------------------------------------------------------------------- */

static void every_version_has_its_own_rows(void **state)
{
    struct table *old;
    char *rows;

    (void)state;
    t = dbtool_table(temp.db, "u");
    assert_int_equal(dbtool_append(temp.db, t, "{\"id\":1,\"p\":\"a\"}\n{\"id\":2}\n"), 0);
    assert_int_equal(picktool_set_schema(temp.db, "u", SCHEMA, NULL), 0);
    picktool_expect(temp.db, "u", "id/1", "{\"id\":1,\"p\":\"a\"}\n");
    old = dbtool_look(temp.db, "u");
    assert_int_equal(dbtool_write(temp.db, t, true, "{\"id\":1,\"p\":\"b\"}\n", 0, NULL), 0);
    picktool_expect(temp.db, "u", "id/1", "{\"id\":1,\"p\":\"b\"}\n");
    picktool_expect(temp.db, "u", "id/2", "");
    rows = picktool_rows(temp.db, old, "id/1");
    assert_string_equal(rows, "{\"id\":1,\"p\":\"a\"}\n");
    free(rows);
    rows = picktool_rows(temp.db, old, "c/3/id/2");
    assert_string_equal(rows, "{\"id\":2}\n");
    free(rows);
    table_unref(old);
}

#define test(name)                cmocka_unit_test_setup_teardown(name, begin, end)
#define test_without_schema(name) cmocka_unit_test_setup_teardown(name, begin_without_schema, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(with_a_key_the_rows_are_those_of_a_search),
        test_without_schema(without_a_schema_the_rows_are_those_of_a_search),
        test(a_key_is_found_in_a_few_reads),
        test(what_makes_no_sense_for_the_schema_is_not_there),
        test(an_empty_table_has_no_rows),
        test(without_memory_no_row_is_left_out),
        test(every_version_has_its_own_rows),
    };

    return cmocka_run_group_tests_name("pick", tests, NULL, NULL);
}
