/* SPDX-License-Identifier: MIT */
/* What core promises in core/keyindex.h, one fact a test. */
#include "core/keyindex.h"

#include <pthread.h>

#include "tests/lib/check.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"
#include "tests/lib/keytool.h"

static void an_index_without_entries_finds_nothing(void **state)
{
    (void)state;
    keytool_put();
    keytool_open();
    assert_int_equal(keytool_bytes(), 4096);
    keytool_expect(0);
    keytool_expect(7);
    keytool_expect(UINT64_MAX);
}

static void one_entry_is_found_and_nothing_else(void **state)
{
    (void)state;
    keytool_add(7, 5);
    keytool_put();
    keytool_open();
    assert_int_equal(keytool_bytes(), 3 * 4096);
    for (uint64_t hash = 0; hash < 20; hash++)
        keytool_expect(hash);
    keytool_expect(UINT64_MAX);
}

static void rows_of_the_lowest_and_the_highest_hash_are_found(void **state)
{
    (void)state;
    for (uint32_t row = 0; row < 1000; row++)
        keytool_add(row % 2 ? UINT64_MAX : 0, row % 7 ? row : UINT32_MAX - row);
    keytool_put();
    keytool_open();
    keytool_expect(0);
    keytool_expect(1);
    keytool_expect(UINT64_MAX - 1);
    keytool_expect(UINT64_MAX);
}

static void a_page_holds_340_entries(void **state)
{
    static const size_t counts[] = {339, 340, 341, 679, 680, 681};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        keytool_again();
        for (uint32_t row = 0; row < counts[i]; row++)
            keytool_add(2 * (uint64_t)row + 2, row);
        keytool_put();
        keytool_open();
        assert_int_equal(keytool_bytes(), (2 + (counts[i] + 339) / 340) * 4096);
        for (uint64_t hash = 0; hash < 2 * counts[i] + 4; hash++)
            keytool_expect(hash);
    }
}

static void a_page_of_the_directory_holds_510_hashes(void **state)
{
    static const size_t pages[] = {510, 511, 1020, 1021};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(pages); i++) {
        uint32_t count = (uint32_t)(pages[i] - 1) * 340 + 1;

        keytool_again();
        for (uint32_t row = 0; row < count; row++)
            keytool_add(3 * (uint64_t)row, row);
        keytool_put();
        keytool_open();
        assert_int_equal(keytool_bytes(), (1 + (pages[i] + 509) / 510 + pages[i]) * 4096);
        for (uint64_t hash = 0; hash < 3 * (uint64_t)count; hash += 3 * 340 - 1)
            keytool_expect(hash);
        keytool_expect(3 * (uint64_t)(count - 1));
    }
}

/* Added from the highest on, and the same one now and then. */
static void rows_of_one_hash_across_pages_come_in_order(void **state)
{
    (void)state;
    for (uint32_t row = 1000000; row > 0; row -= 400)
        keytool_add(7, row);
    keytool_add(6, 1);
    keytool_add(8, 2);
    keytool_add(7, 400);
    keytool_add(7, 800);
    keytool_put();
    keytool_open();
    for (uint64_t hash = 5; hash < 10; hash++)
        keytool_expect(hash);
}

static void a_hash_that_ends_one_page_and_begins_the_next_is_found_in_both(void **state)
{
    (void)state;
    for (uint32_t row = 0; row < 1360; row++)
        keytool_add((row + 1) / 2, row); /* pages begin with 0, 170, 340, 510 */
    keytool_put();
    keytool_open();
    for (uint64_t hash = 0; hash < 682; hash++)
        keytool_expect(hash);
}

static void a_million_entries_are_found_as_in_a_sorted_array(void **state)
{
    uint64_t seed = 11;

    (void)state;
    for (uint32_t row = 0; row < 1000000; row++) {
        uint64_t hash = check_random(&seed);

        if (row % 10 == 0)
            hash = check_random_below(&seed, 1000); /* many rows of few keys */
        else if (row % 10 == 1)
            hash &= UINT64_C(0xff000000000000ff); /* hashes that differ at both ends */
        keytool_add(hash, row);
    }
    keytool_put();
    keytool_open();
    for (size_t i = 0; i < 40000; i++) {
        uint64_t hash = keytool_hash(check_random_below(&seed, 1000000));

        keytool_expect(hash);
        keytool_expect(hash + 1);
        keytool_expect(check_random(&seed));
    }
    for (size_t i = 0; i < 1000000; i += 340) /* the first and the last of each page */
        for (size_t j = 0; j < 2; j++)
            keytool_expect(keytool_hash(i < j ? 0 : i - j));
}

static void the_rows_are_appended(void **state)
{
    struct err err = ERR_INIT;
    struct buf rows = {0};

    (void)state;
    keytool_add(7, 1);
    keytool_add(7, 2);
    keytool_add(8, 3);
    keytool_put();
    keytool_open();
    assert_ok(keyindex_find(temp.store, key_index, 8, &rows, &err), &err);
    assert_ok(keyindex_find(temp.store, key_index, 7, &rows, &err), &err);
    assert_int_equal(rows.bytes, 12);
    assert_memory_equal(rows.data, ((uint32_t[]){3, 1, 2}), 12);
    buf_finish(&rows);
}

static uint64_t reads(void)
{
    return temp.store->counts.get;
}

static uint64_t reads_of_find(uint64_t hash)
{
    uint64_t before = reads();

    keytool_expect(hash);
    return reads() - before;
}

static void a_find_is_one_read(void **state)
{
    uint64_t before;

    (void)state;
    for (uint32_t row = 0; row < 3400; row++)
        keytool_add(10 + row, row);
    for (uint32_t row = 0; row < 3400; row++)
        keytool_add(10000, row);
    keytool_put();
    before = reads();
    keytool_open();
    assert_int_equal(reads() - before, 2);
    assert_int_equal(reads_of_find(9), 0); /* the directory says so */
    for (uint64_t hash = 10; hash < 3410; hash++)
        assert_int_equal(reads_of_find(hash), 1);
    assert_int_equal(reads_of_find(9999), 1);
    assert_int_equal(reads_of_find(10001), 1);
    assert_int_equal(reads_of_find(10000), 6); /* it fills ten pages, and may end another */
    faultio_reset();
    keytool_expect(500);
    assert_string_equal(faultio_trace(), "r");
}

static void an_index_may_be_held_more_than_once(void **state)
{
    struct keyindex *held;

    (void)state;
    keytool_add(7, 5);
    keytool_put();
    keytool_open();
    held = keyindex_ref(key_index);
    keyindex_unref(held);
    keytool_expect(7);
    keyindex_unref(NULL);
    keyindex_builder_destroy(NULL);
}

static void a_builder_is_empty_after_a_put(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    keytool_add(7, 5);
    keytool_put();
    assert_ok(
        keyindex_builder_put(key_builder, temp.store, &key_segment, KEYTOOL_SIGNATURE + 1, &err),
        &err);
    assert_ok(keyindex_open(temp.store, &key_segment, KEYTOOL_SIGNATURE + 1, &key_index, &err),
              &err);
    keytool_forget();
    keytool_expect(7);
}

static void an_index_that_is_there_already_is_no_error(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    keytool_add(7, 5);
    keytool_put();
    assert_int_equal(keyindex_builder_add(key_builder, 7, 5), 0);
    assert_ok(keyindex_builder_put(key_builder, temp.store, &key_segment, KEYTOOL_SIGNATURE, &err),
              &err);
    assert_string_equal(err.text, "");
    keytool_open();
    keytool_expect(7);
    assert_int_equal(tempstore_entries(&temp, "tmp"), 0);
}

static void *put_another(void *context)
{
    struct keyindex_builder *another = NULL;
    int *result = context;

    *result = keyindex_builder_create(&another);
    if (!*result)
        *result = keyindex_builder_add(another, 7, 5);
    if (!*result)
        *result = keyindex_builder_put(another, temp.store, &key_segment, KEYTOOL_SIGNATURE, NULL);
    keyindex_builder_destroy(another);
    return NULL;
}

/* One is about to give its file the name when the other one does. */
static void two_that_put_at_once_both_succeed(void **state)
{
    pthread_t thread;
    int result = -EINVAL;

    (void)state;
    faultio_hold(FAULTIO_LINK, 0);
    assert_int_equal(pthread_create(&thread, NULL, put_another, &result), 0);
    faultio_wait_held();
    keytool_add(7, 5);
    keytool_put();
    faultio_let_go();
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(result, 0);
    keytool_open();
    keytool_expect(7);
}

static void what_is_removed_is_gone_and_can_be_put_again(void **state)
{
    struct err err = ERR_INIT;
    struct keyindex *none = NULL;

    (void)state;
    for (int i = 0; i < 2; i++) {
        keytool_add(7, 5);
        keytool_put();
        keytool_open();
        keytool_expect(7);
        keytool_again();
        assert_fails(keyindex_open(temp.store, &key_segment, KEYTOOL_SIGNATURE, &none, &err),
                     -ENOENT, &err);
        assert_null(none);
    }
}

static void removing_what_is_not_there_is_no_error(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_ok(keyindex_remove(temp.store, &key_segment, KEYTOOL_SIGNATURE, &err), &err);
    assert_string_equal(err.text, "");
}

static int compare_with(uint64_t hash, uint32_t row, uint32_t more)
{
    struct keyindex_builder *builder = NULL;
    struct err err = ERR_INIT;
    int first, second;

    assert_int_equal(keyindex_builder_create(&builder), 0);
    for (uint32_t i = 1000; i > 0; i--)
        assert_int_equal(
            keyindex_builder_add(builder, i == 500 ? hash : 10 * (uint64_t)i, i == 500 ? row : i),
            0);
    for (uint32_t i = 0; i < more; i++)
        assert_int_equal(keyindex_builder_add(builder, 10000, 2000 + i), 0);
    first = keyindex_equal(temp.store, key_index, builder, &err);
    second = keyindex_equal(temp.store, key_index, builder, &err);
    assert_int_equal(first, second); /* the builder keeps its entries */
    keyindex_builder_destroy(builder);
    return first;
}

static void an_index_is_equal_to_what_it_was_made_of(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 1000; i++)
        keytool_add(10 * (uint64_t)i, i);
    keytool_put();
    keytool_open();
    assert_int_equal(compare_with(5000, 500, 0), 1);
    assert_int_equal(compare_with(5001, 500, 0), 0);
    assert_int_equal(compare_with(5000, 501, 0), 0);
    assert_int_equal(compare_with(5000, 500, 1), 0);
    tempstore_flip(&temp, keytool_path(), 2 * 4096 + 100, 1);
    assert_int_equal(compare_with(5000, 500, 0), -EIO);
    assert_int_equal(compare_with(5000, 500, 1), 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, keytool_begin, keytool_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(an_index_without_entries_finds_nothing),
        test(one_entry_is_found_and_nothing_else),
        test(rows_of_the_lowest_and_the_highest_hash_are_found),
        test(a_page_holds_340_entries),
        test(a_page_of_the_directory_holds_510_hashes),
        test(rows_of_one_hash_across_pages_come_in_order),
        test(a_hash_that_ends_one_page_and_begins_the_next_is_found_in_both),
        test(a_million_entries_are_found_as_in_a_sorted_array),
        test(the_rows_are_appended),
        test(a_find_is_one_read),
        test(an_index_may_be_held_more_than_once),
        test(a_builder_is_empty_after_a_put),
        test(an_index_that_is_there_already_is_no_error),
        test(two_that_put_at_once_both_succeed),
        test(what_is_removed_is_gone_and_can_be_put_again),
        test(removing_what_is_not_there_is_no_error),
        test(an_index_is_equal_to_what_it_was_made_of),
    };

    return cmocka_run_group_tests_name("keyindex", tests, NULL, NULL);
}
