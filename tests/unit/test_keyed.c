/* SPDX-License-Identifier: MIT */
/* What core promises in core/keyed.h: a lookup finds what a search through all rows finds. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/keyed.h"
#include "core/keymap.h"
#include "tests/lib/check.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"
#include "tests/lib/nomem.h"
#include "tests/lib/rowmodel.h"

#define BY_ID   "{\"columns\":{\"id\":\"int64\",\"name\":\"string\"},\"key\":\"id\"}"
#define BY_NAME "{\"columns\":{\"id\":\"int64\",\"name\":\"string\"},\"key\":\"name\"}"
#define BY_BOTH "{\"columns\":{\"id\":\"int64\",\"name\":\"string\"},\"key\":[\"name\",\"id\"]}"

#define KEYS 60
#define KEPT 24

static uint64_t seed;
static struct rowmodel model, kept[KEPT]; /* the newest version, and earlier ones */
static size_t kept_count;

static int begin(void **state)
{
    seed = 5;
    kept_count = 0;
    fixture_begin_db(state);
    rowmodel_init(&model, BY_ID);
    return 0;
}

static int end(void **state)
{
    nomem_end();
    rowmodel_finish(&model);
    while (kept_count > 0)
        rowmodel_finish(&kept[--kept_count]);
    rowmodel_end();
    return fixture_end(state);
}

static void print_row(struct buf *row, unsigned id, unsigned name)
{
    assert_int_equal(buf_printf(row, "{\"id\":%u,\"name\":\"%u\"}", id, name), 0);
}

static void make_random(struct buf *row, size_t i)
{
    (void)i;
    print_row(row, (unsigned)check_random_below(&seed, KEYS),
              (unsigned)check_random_below(&seed, 3));
}

/* Keys that no other row has. */
static void make_ordered(struct buf *row, size_t i)
{
    print_row(row, (unsigned)i, 7);
}

static void make_same(struct buf *row, size_t i)
{
    (void)i;
    print_row(row, 1, 1);
}

static struct buf key_of(const struct table *table, unsigned id, unsigned name)
{
    struct buf row = {0}, key = {0};

    print_row(&row, id, name);
    assert_int_equal(rowkey_of_row(table->schema, slice_of(row.data, row.bytes), &key), 0);
    buf_finish(&row);
    return key;
}

/* Whether row `i` of the model has the key. */
static bool has_key(const struct rowmodel *m, size_t i, const struct buf *key)
{
    struct buf its = {0};
    bool equal;

    assert_int_equal(rowkey_of_row(m->table->schema, rowmodel_row(m, i), &its), 0);
    equal = slice_equal(slice_of(its.data, its.bytes), slice_of(key->data, key->bytes));
    buf_finish(&its);
    return equal;
}

/* Whether a search finds a row of these numbers; `at`: and whether that is one (UINT64_MAX: any).
 */
static bool is_there(const struct rowmodel *m, const struct buf *key, uint64_t from, uint64_t to,
                     uint64_t at)
{
    for (size_t i = 0; i < rowmodel_rows(m); i++) {
        uint64_t number = rowmodel_place(m, i)->number;

        if (number >= from && number < to && (at == UINT64_MAX || at == number) &&
            has_key(m, i, key))
            return true;
    }
    return false;
}

static int find_in(struct db *db, const struct rowmodel *m, unsigned id, uint64_t from, uint64_t to,
                   struct err *err)
{
    struct buf key = key_of(m->table, id, 1);
    uint64_t row = UINT64_MAX;
    int r = keyed_find(db, m->table, slice_of(key.data, key.bytes), from, to, &row, err);

    if (r >= 0 && r != is_there(m, &key, from, to, row))
        fail_msg("key %u: %d, row %llu", id, r, (unsigned long long)row);
    if (r <= 0)
        assert_int_equal(row, UINT64_MAX);
    buf_finish(&key);
    return r;
}

/* The result of a lookup that succeeds. */
static int find(const struct rowmodel *m, unsigned id)
{
    struct err err = ERR_INIT;
    int r = find_in(temp.db, m, id, 0, UINT64_MAX, &err);

    if (r < 0)
        assert_ok(r, &err);
    return r;
}

static void expect_random_lookups(const struct rowmodel *m, int count)
{
    for (int i = 0; i < count; i++) {
        uint64_t most = m->table->appended + 2, from = 0, to = UINT64_MAX;
        struct err err = ERR_INIT;
        int r;

        if (i % 2) {
            from = check_random_below(&seed, most);
            to = from + check_random_below(&seed, most);
        }
        r = find_in(temp.db, m, (unsigned)check_random_below(&seed, KEYS + 5), from, to, &err);
        if (r < 0)
            assert_ok(r, &err);
    }
}

/* --- histories ----------------------------------------------------------------------------- */

static void append_random(void)
{
    size_t rows = 1 + check_random_below(&seed, 8);
    bool segment = check_random_below(&seed, 5) == 0;
    unsigned object;

    if (segment)
        object = rowmodel_segment(temp.store, 10 * rows, make_random);
    else
        object = rowmodel_body(temp.store, rows, make_random);
    rows = rowmodel_object_rows(object);
    if (rows > 3 && check_random_below(&seed, 3) == 0)
        rowmodel_append(&model, object, 1, rows - 2);
    else
        rowmodel_append(&model, object, 0, rows);
    if (check_random_below(&seed, 6) == 0) /* the same rows again */
        rowmodel_append(&model, object, 0, rows);
}

static void delete_random(void)
{
    size_t rows = rowmodel_rows(&model), from, count;

    if (!rows)
        return;
    from = check_random_below(&seed, rows);
    count = 1 + check_random_below(&seed, 20);
    rowmodel_delete(&model, from, from + count < rows ? from + count : rows);
}

static void edit_randomly(void)
{
    static const char *const schemas[] = {BY_ID, BY_NAME, BY_BOTH};

    switch (check_random_below(&seed, 12)) {
    case 0:
        if (check_random_below(&seed, 3) == 0)
            rowmodel_clear(&model);
        break;
    case 1:
        if (check_random_below(&seed, 3) == 0)
            rowmodel_set_schema(&model, schemas[check_random_below(&seed, 3)]);
        break;
    case 2:
    case 3:
    case 4:
    case 5:
        delete_random();
        break;
    default:
        append_random();
    }
}

static void keep_version(void)
{
    size_t i = kept_count < KEPT ? kept_count++ : check_random_below(&seed, KEPT);

    rowmodel_finish(&kept[i]);
    rowmodel_keep(&model, &kept[i]);
}

static void in_random_histories_a_lookup_finds_what_a_search_finds(void **state)
{
    (void)state;
    for (int step = 0; step < 400; step++) {
        edit_randomly();
        if (step % 3 == 0)
            expect_random_lookups(&model, 6);
        if (step % 10 == 0)
            keep_version();
        expect_random_lookups(&kept[check_random_below(&seed, kept_count)], 3);
    }
    for (size_t i = 0; i < kept_count; i++)
        expect_random_lookups(&kept[i], 40);
}

static void a_version_that_was_never_asked_is_right_after_later_ones_were(void **state)
{
    (void)state;
    rowmodel_append(&model, rowmodel_body(temp.store, 10, make_ordered), 0, 10);
    rowmodel_keep(&model, &kept[kept_count++]);
    rowmodel_delete(&model, 2, 5);
    rowmodel_append(&model, rowmodel_body(temp.store, 3, make_same), 0, 1);
    assert_int_equal(find(&model, 3), 0);
    assert_int_equal(find(&kept[0], 3), 1);
    rowmodel_clear(&model);
    assert_int_equal(find(&model, 7), 0);
    assert_int_equal(find(&kept[0], 7), 1);
}

static void transactions_from_one_version_do_not_see_each_others_rows(void **state)
{
    struct rowmodel one, another;

    (void)state;
    rowmodel_append(&model, rowmodel_body(temp.store, 4, make_ordered), 0, 4);
    assert_int_equal(find(&model, 1), 1);
    rowmodel_keep(&model, &one);
    rowmodel_keep(&model, &another);
    rowmodel_append(&one, rowmodel_body(temp.store, 40, make_ordered), 20, 10);
    rowmodel_append(&another, rowmodel_body(temp.store, 40, make_ordered), 30, 10);
    assert_int_equal(find(&one, 25), 1);
    assert_int_equal(find(&another, 25), 0);
    assert_int_equal(find(&another, 35), 1);
    assert_int_equal(find(&one, 35), 0);
    assert_int_equal(find(&model, 35), 0);
    rowmodel_finish(&one);
    rowmodel_finish(&another);
}

/* --- what is kept in memory ------------------------------------------------------------------- */

#define REPLACED 5000

static void a_key_that_is_replaced_often_takes_no_more_memory(void **state)
{
    unsigned others = rowmodel_body(temp.store, 3000, make_ordered);
    unsigned object = rowmodel_body(temp.store, REPLACED, make_same);

    (void)state;
    rowmodel_append(&model, others, 2, 2998);
    for (size_t i = 0; i < REPLACED; i++) {
        rowmodel_append(&model, object, i, 1);
        assert_int_equal(find(&model, 1), 1);
        rowmodel_delete(&model, 2998, 2999);
        if (i % 100 == 0)
            assert_int_equal(find(&model, 1), 0);
        assert_true(keymap_count(model.table->keymap.map) < 2998 + 1100);
    }
    assert_int_equal(find(&model, 2999), 1);
}

static void rows_that_go_leave_memory_also_beside_large_segments(void **state)
{
    unsigned segment = rowmodel_segment(temp.store, 20000, make_ordered);

    (void)state;
    rowmodel_append(&model, segment, 10000, 10000);
    for (int i = 0; i < 60; i++) {
        rowmodel_append(&model, rowmodel_body(temp.store, 100, make_ordered), 0, 100);
        assert_int_equal(find(&model, 50), 1);
        rowmodel_delete(&model, 10000, 10100);
    }
    assert_int_equal(find(&model, 50), 0);
    assert_true(keymap_count(model.table->keymap.map) < 3000);
    assert_int_equal(find(&model, 15000), 1);
}

static void dead_rows_in_segments_do_not_make_the_map_anew(void **state)
{
    unsigned segment = rowmodel_segment(temp.store, 3000, make_same);
    struct keymap *map;

    (void)state;
    rowmodel_append(&model, rowmodel_body(temp.store, 100, make_ordered), 2, 98);
    rowmodel_append(&model, segment, 0, 3000);
    rowmodel_delete(&model, 99, 98 + 3000); /* all but one */
    assert_int_equal(find(&model, 1), 1);
    map = keymap_ref(model.table->keymap.map);
    assert_int_equal(find(&model, 1), 1);
    assert_ptr_equal(model.table->keymap.map, map);
    keymap_unref(map);
}

/* --- what fails ---------------------------------------------------------------------------- */

/* A table of rows in two segments and two bodies. */
static void make_table(void)
{
    rowmodel_append(&model, rowmodel_segment(temp.store, 500, make_ordered), 0, 100);
    rowmodel_append(&model, rowmodel_body(temp.store, 300, make_ordered), 100, 50);
    rowmodel_append(&model, rowmodel_segment(temp.store, 500, make_ordered), 150, 100);
    rowmodel_append(&model, rowmodel_body(temp.store, 300, make_ordered), 250, 50);
}

/* A lookup that may fail, and then leaves everything as it was: the next one is right. */
static int try_find(unsigned id, struct err *err)
{
    struct buf key = key_of(model.table, id, 1);
    uint64_t row = 0;
    int r;

    *err = (struct err)ERR_INIT;
    r = keyed_find(temp.db, model.table, slice_of(key.data, key.bytes), 0, UINT64_MAX, &row, err);
    buf_finish(&key);
    return r;
}

static int starve(unsigned id, unsigned granted, bool *ret_refused)
{
    struct err err = ERR_INIT;
    struct buf key = key_of(model.table, id, 1);
    uint64_t row = 0;
    int r;

    nomem_after(granted);
    r = keyed_find(temp.db, model.table, slice_of(key.data, key.bytes), 0, UINT64_MAX, &row, &err);
    *ret_refused = nomem_end();
    buf_finish(&key);
    if (r < 0) {
        assert_fails(r, -ENOMEM, &err);
        assert_has(err.text, "memory");
    }
    return r;
}

static void without_memory_a_lookup_fails_or_is_right(void **state)
{
    static const unsigned ids[] = {50, 120, 200, 280, 400};
    unsigned long failed = 0;

    (void)state;
    make_table();
    for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
        bool refused = true;

        for (unsigned granted = 0; refused; granted++) {
            int r = starve(ids[i], granted, &refused);

            failed += r < 0;
            assert_true(r < 0 || r == (ids[i] < 300));
            assert_int_equal(find(&model, ids[i]), ids[i] < 300);
            rowmodel_append(&model, 1, granted % 50, 1); /* more to fill into the map */
            rowmodel_delete(&model, 300, 301);
        }
    }
    assert_true(failed > 5);
}

static void a_store_that_fails_makes_a_lookup_fail_or_slow_but_not_wrong(void **state)
{
    static const enum faultio_call calls[] = {FAULTIO_ANY,   FAULTIO_OPEN, FAULTIO_READ,
                                              FAULTIO_WRITE, FAULTIO_LINK, FAULTIO_OPEN_UNNAMED};
    struct err err = ERR_INIT;

    (void)state;
    make_table();
    for (size_t i = 0; i < ARRAY_COUNT(calls); i++)
        for (unsigned skip = 0; skip < 12; skip++) {
            unsigned id = i % 2 ? 50 : 200;
            int r;

            rowmodel_set_schema(&model, skip % 2 ? BY_ID : BY_BOTH);
            faultio_reset();
            faultio_rule(calls[i], skip, skip % 3 ? 1 : 1000, FAULTIO_REFUSE, EIO);
            r = try_find(id, &err);
            if (r < 0)
                assert_true(err.text[0] != '\0');
            else
                assert_int_equal(r, skip % 2);
            faultio_reset();
            assert_int_equal(find(&model, id), skip % 2);
        }
}

static void a_full_store_does_not_keep_rows_from_being_found(void **state)
{
    (void)state;
    make_table();
    faultio_rule(FAULTIO_OPEN_UNNAMED, 0, 1000, FAULTIO_REFUSE, ENOSPC);
    faultio_rule(FAULTIO_WRITE, 0, 1000, FAULTIO_REFUSE, ENOSPC);
    assert_int_equal(find(&model, 50), 1);
    assert_int_equal(find(&model, 200), 1);
    assert_int_equal(find(&model, 400), 0);
    assert_true(faultio_struck());
}

/* --- threads ------------------------------------------------------------------------------- */

#define THREADS 4

static _Atomic int wrong;

static void *look_up(void *context)
{
    uint64_t own = (uint64_t)(uintptr_t)context;

    for (int i = 0; i < 300; i++) {
        struct rowmodel *m = &kept[check_random_below(&own, kept_count)];
        unsigned id = (unsigned)check_random_below(&own, 300);
        struct buf key = {0}, row = {0};
        uint64_t number;
        int r;

        if (buf_printf(&row, "{\"id\":%u}", id) < 0 ||
            rowkey_of_row(m->table->schema, slice_of(row.data, row.bytes), &key) < 0)
            abort();
        r = keyed_find(temp.db, m->table, slice_of(key.data, key.bytes), 0, UINT64_MAX, &number,
                       NULL);
        wrong += r != is_there(m, &key, 0, UINT64_MAX, r > 0 ? number : UINT64_MAX);
        buf_finish(&row);
        buf_finish(&key);
    }
    return NULL;
}

static void any_threads_look_up_in_any_versions(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    make_table();
    while (kept_count < 8) {
        rowmodel_keep(&model, &kept[kept_count++]);
        rowmodel_delete(&model, 20, 35);
        rowmodel_append(&model, rowmodel_body(temp.store, 300, make_ordered), 30 * kept_count, 3);
    }
    wrong = 0;
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_up, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(wrong, 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(in_random_histories_a_lookup_finds_what_a_search_finds),
        test(a_version_that_was_never_asked_is_right_after_later_ones_were),
        test(transactions_from_one_version_do_not_see_each_others_rows),
        test(a_key_that_is_replaced_often_takes_no_more_memory),
        test(rows_that_go_leave_memory_also_beside_large_segments),
        test(dead_rows_in_segments_do_not_make_the_map_anew),
        test(without_memory_a_lookup_fails_or_is_right),
        test(a_store_that_fails_makes_a_lookup_fail_or_slow_but_not_wrong),
        test(a_full_store_does_not_keep_rows_from_being_found),
        test(any_threads_look_up_in_any_versions),
    };

    return cmocka_run_group_tests_name("keyed", tests, NULL, NULL);
}
