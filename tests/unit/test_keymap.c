/* SPDX-License-Identifier: MIT */
/* What core promises in core/keymap.h, one fact a test. */
#include <pthread.h>
#include <stdlib.h>

#include "core/keymap.h"
#include "tests/lib/check.h"
#include "tests/lib/nomem.h"

#define ROWS 3000

static struct keymap *map;

static int begin(void **state)
{
    (void)state;
    return keymap_create(&map);
}

static int end(void **state)
{
    (void)state;
    nomem_end();
    keymap_unref(map);
    return 0;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Few different ones, some neighbours in the table of which they are the hashes. */
static uint64_t hash_of(uint64_t row)
{
    return row % 50 < 25 ? row % 7 : row / 3 << 32 | row % 5;
}

static bool is_odd(void *context, uint64_t row)
{
    ++*(size_t *)context;
    return row % 2;
}

/* The rows of a hash are those of `rows` rows, with the step, that have it. */
static void expect_rows(struct keymap *m, uint64_t hash, uint64_t first, uint64_t rows,
                        uint64_t step)
{
    struct buf found = {0};
    const uint64_t *at;
    size_t count;

    assert_int_equal(keymap_find(m, hash, &found), 0);
    count = found.bytes / sizeof *at;
    if (count)
        qsort(found.data, count, sizeof *at, ascending);
    at = (const void *)found.data;
    for (uint64_t row = first; row < rows; row += step)
        if (hash_of(row) == hash) {
            assert_true(count-- > 0);
            assert_int_equal(*at++, row);
        }
    assert_int_equal(count, 0);
    buf_finish(&found);
}

static void add_all(void)
{
    for (uint64_t row = 0; row < ROWS; row++)
        assert_int_equal(keymap_add(map, hash_of(row), row), 0);
}

static void all_rows_of_a_hash_are_found(void **state)
{
    (void)state;
    expect_rows(map, 3, 0, 0, 1);
    add_all();
    assert_int_equal(keymap_count(map), ROWS);
    for (uint64_t row = 0; row < ROWS; row += 7)
        expect_rows(map, hash_of(row), 0, ROWS, 1);
    expect_rows(map, 12345, 0, ROWS, 1);
    expect_rows(map, UINT64_MAX, 0, ROWS, 1);
}

static void a_row_that_is_added_again_is_there_once(void **state)
{
    (void)state;
    add_all();
    add_all();
    assert_int_equal(keymap_count(map), ROWS);
    expect_rows(map, 4, 0, ROWS, 1);
}

/* Rows of the same number, of transactions that do not know of each other. */
static void a_row_may_have_several_hashes(void **state)
{
    struct buf found = {0};

    (void)state;
    for (uint64_t i = 0; i < 5; i++)
        assert_int_equal(keymap_add(map, i << 32 | 9, 77), 0);
    assert_int_equal(keymap_count(map), 5);
    for (uint64_t i = 0; i < 6; i++)
        assert_int_equal(keymap_find(map, i << 32 | 9, &found), 0);
    assert_int_equal(found.bytes, 5 * sizeof(uint64_t));
    buf_finish(&found);
}

static void what_is_found_is_appended(void **state)
{
    struct buf found = {0};

    (void)state;
    assert_int_equal(buf_append(&found, "12345678", 8), 0);
    assert_int_equal(keymap_add(map, 9, 77), 0);
    assert_int_equal(keymap_find(map, 9, &found), 0);
    assert_int_equal(found.bytes, 16);
    assert_memory_equal(found.data, "12345678", 8);
    assert_int_equal(((const uint64_t *)(const void *)found.data)[1], 77);
    buf_finish(&found);
}

static void a_filter_leaves_the_map_as_it_is(void **state)
{
    struct keymap *odd = NULL;
    size_t asked = 0;

    (void)state;
    add_all();
    assert_int_equal(keymap_filter(map, is_odd, &asked, &odd), 0);
    assert_int_equal(asked, ROWS);
    assert_int_equal(keymap_count(map), ROWS);
    assert_int_equal(keymap_count(odd), ROWS / 2);
    for (uint64_t row = 0; row < ROWS; row += 13) {
        expect_rows(odd, hash_of(row), 1, ROWS, 2);
        expect_rows(map, hash_of(row), 0, ROWS, 1);
    }
    keymap_unref(odd);
}

static void a_map_is_large_when_it_has_doubled_since_it_was_filtered(void **state)
{
    struct keymap *odd = NULL;
    size_t asked = 0;

    (void)state;
    for (uint64_t row = 0; row < KEYMAP_SMALL; row++) {
        assert_false(keymap_is_large(map));
        assert_int_equal(keymap_add(map, row, row), 0);
    }
    assert_true(keymap_is_large(map));
    assert_int_equal(keymap_filter(map, is_odd, &asked, &odd), 0);
    for (uint64_t row = 0; row < KEYMAP_SMALL / 2 + KEYMAP_SMALL; row++) {
        assert_false(keymap_is_large(odd));
        assert_int_equal(keymap_add(odd, row, ROWS + row), 0);
    }
    assert_true(keymap_is_large(odd));
    keymap_unref(odd);
}

static void without_memory_the_map_stays_as_it_was(void **state)
{
    struct keymap *odd = NULL;
    struct buf found = {0};
    unsigned refused = 0;
    size_t asked = 0;

    (void)state;
    for (uint64_t row = 0; row < ROWS; row++) {
        nomem_after(0);
        if (keymap_add(map, hash_of(row), row) < 0) {
            nomem_end();
            refused++;
            assert_int_equal(keymap_count(map), row);
            assert_int_equal(keymap_add(map, hash_of(row), row), 0);
        }
        nomem_end();
    }
    assert_true(refused > 3);
    nomem_after(0);
    assert_int_equal(keymap_find(map, 3, &found), -ENOMEM);
    for (unsigned granted = 0; granted < 4; granted++) {
        nomem_after(granted);
        assert_int_equal(keymap_filter(map, is_odd, &asked, &odd), -ENOMEM);
        assert_null(odd);
    }
    nomem_end();
    expect_rows(map, 3, 0, ROWS, 1);
}

static void a_slot_inherits_what_its_predecessor_has(void **state)
{
    struct keymap_slot first, second, third;

    (void)state;
    keymap_slot_init(&first);
    keymap_slot_init(&second);
    keymap_slot_init(&third);
    keymap_slot_inherit(&second, &first);
    assert_null(second.map);
    first.map = keymap_ref(map);
    first.covered = 5;
    keymap_slot_inherit(&second, &first);
    keymap_slot_finish(&first);
    assert_ptr_equal(second.map, map);
    assert_int_equal(second.covered, 5);
    keymap_slot_inherit(&third, &second);
    keymap_slot_clear(&second);
    assert_null(second.map);
    assert_int_equal(second.covered, 0);
    assert_ptr_equal(third.map, map);
    keymap_slot_finish(&second);
    keymap_slot_finish(&third);
}

#define THREADS 4

static void *add_and_find(void *context)
{
    uint64_t first = (uint64_t)(uintptr_t)context;
    struct buf found = {0};

    for (uint64_t row = first; row < ROWS; row += THREADS) {
        found.bytes = 0;
        if (keymap_add(map, hash_of(row), row) < 0 || keymap_find(map, hash_of(row), &found) < 0 ||
            !found.bytes)
            abort();
    }
    buf_finish(&found);
    return NULL;
}

static void any_threads_add_and_find(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_and_find, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(keymap_count(map), ROWS);
    for (uint64_t row = 0; row < ROWS; row += 11)
        expect_rows(map, hash_of(row), 0, ROWS, 1);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(all_rows_of_a_hash_are_found),
        test(a_row_that_is_added_again_is_there_once),
        test(a_row_may_have_several_hashes),
        test(what_is_found_is_appended),
        test(a_filter_leaves_the_map_as_it_is),
        test(a_map_is_large_when_it_has_doubled_since_it_was_filtered),
        test(without_memory_the_map_stays_as_it_was),
        test(a_slot_inherits_what_its_predecessor_has),
        test(any_threads_add_and_find),
    };

    return cmocka_run_group_tests_name("keymap", tests, NULL, NULL);
}
