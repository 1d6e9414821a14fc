/* SPDX-License-Identifier: MIT */
/* Trees as sorted maps, without memory, and shared by threads. */
#include <pthread.h>

#include "tests/lib/check.h"
#include "tests/lib/counted.h"
#include "tests/lib/nomem.h"

/* --- maps ----------------------------------------------------------------------- */

#define KEYS 200

static void map_insert(struct ptree **tree, uint64_t key, struct counted **ret_item)
{
    struct ptree *next;

    *ret_item = counted_new(key, 1, false);
    assert_int_equal(ptree_insert(&counted_class, *tree, &key, *ret_item, &next), 0);
    counted_unref(*ret_item);
    ptree_unref(&counted_class, *tree);
    *tree = next;
}

static void map_remove(struct ptree **tree, uint64_t key)
{
    struct ptree *next;

    assert_int_equal(ptree_remove(&counted_class, *tree, &key, &next), 0);
    ptree_unref(&counted_class, *tree);
    *tree = next;
}

static void expect_map(const struct ptree *tree, struct counted *const items[KEYS], uint64_t after)
{
    struct ptree_cursor cursor;
    size_t count = 0;

    for (uint64_t key = 0; key < KEYS; key++) {
        assert_ptr_equal(ptree_find(&counted_class, tree, &key), items[key]);
        count += items[key] != NULL;
    }
    assert_int_equal(ptree_count(tree), count);
    ptree_seek_after(&cursor, &counted_class, tree, &after);
    for (uint64_t key = after + 1; key < KEYS; key++)
        if (items[key])
            assert_ptr_equal(ptree_next(&cursor), items[key]);
    assert_null(ptree_next(&cursor));
}

static void random_edits_of_maps_equal_the_same_edits_of_arrays(void **state)
{
    struct counted *items[KEYS] = {NULL}, *old_items[KEYS] = {NULL};
    struct ptree *tree = NULL, *old = NULL;
    uint64_t seed = 4;

    (void)state;
    for (int step = 0; step < 5000; step++) {
        uint64_t key = check_random_below(&seed, KEYS);

        if (check_random_below(&seed, 100) < (step / 500 % 2 ? 30 : 60)) {
            map_insert(&tree, key, &items[key]);
        } else {
            map_remove(&tree, key);
            items[key] = NULL;
        }
        expect_map(tree, items, check_random_below(&seed, KEYS));
        counted_expect_balanced(tree);
        if (step % 300 == 0) {
            expect_map(old, old_items, 0);
            ptree_unref(&counted_class, old);
            old = ptree_ref(tree);
            memcpy(old_items, items, sizeof items);
        }
    }
    ptree_unref(&counted_class, old);
    ptree_unref(&counted_class, tree);
    assert_int_equal(counted_live, 0);
}

static void removing_what_is_not_there_gives_the_same_tree(void **state)
{
    struct ptree *tree = counted_sequence(10), *same;
    uint64_t key = 99;

    (void)state;
    assert_int_equal(ptree_remove(&counted_class, tree, &key, &same), 0);
    assert_ptr_equal(same, tree);
    ptree_unref(&counted_class, same);
    ptree_unref(&counted_class, tree);
    assert_int_equal(counted_live, 0);
}

/* --- memory ----------------------------------------------------------------------- */

enum edit { EDIT_APPEND, EDIT_CONCAT, EDIT_SPLIT, EDIT_INSERT, EDIT_REPLACE, EDIT_REMOVE, EDITS };

static int try_edit(enum edit edit, struct ptree *tree, struct counted *item, struct ptree **ret)
{
    uint64_t key = edit == EDIT_INSERT ? 500 : 31;
    struct ptree *right = NULL;
    void *split = NULL;
    int r;

    switch (edit) {
    case EDIT_APPEND:
        return ptree_append(&counted_class, tree, item, ret);
    case EDIT_CONCAT:
        return ptree_concat(&counted_class, tree, tree, ret);
    case EDIT_REMOVE:
        return ptree_remove(&counted_class, tree, &key, ret);
    case EDIT_SPLIT:
        r = ptree_split(&counted_class, tree, 0, 55, ret, &split, &right);
        if (split)
            counted_unref(split);
        ptree_unref(&counted_class, right);
        return r;
    default:
        return ptree_insert(&counted_class, tree, &key, item, ret);
    }
}

static void an_edit_without_memory_changes_and_loses_nothing(void **state)
{
    struct counted *item = counted_new(31, 2, false);
    struct ptree *tree = counted_sequence(100), *untouched = counted_sequence(1);
    long live = counted_live;

    (void)state;
    for (enum edit edit = EDIT_APPEND; edit < EDITS; edit++) {
        unsigned granted = 0;
        bool refused = true;

        for (; refused; granted++) {
            struct ptree *result = untouched;
            int r;

            nomem_after(granted);
            r = try_edit(edit, tree, item, &result);
            refused = nomem_end();
            assert_int_equal(r, refused ? -ENOMEM : 0);
            if (refused)
                assert_ptr_equal(result, untouched);
            else
                ptree_unref(&counted_class, result);
            assert_int_equal(counted_live, live);
            assert_int_equal(item->refs, 1);
            assert_int_equal(ptree_count(tree), 100);
        }
        assert_true(granted > 2); /* the first at least was refused */
    }
    ptree_unref(&counted_class, tree);
    ptree_unref(&counted_class, untouched);
    counted_unref(item);
    assert_int_equal(counted_live, 0);
}

static void *read_and_count(void *context)
{
    uintptr_t sum = 0;

    for (int i = 0; i < 300; i++) {
        struct ptree *tree = ptree_ref(context);
        struct ptree_cursor cursor;
        struct counted *item;

        ptree_seek_index(&cursor, tree, 50);
        while ((item = ptree_next(&cursor)))
            sum += item->key;
        ptree_unref(&counted_class, tree);
    }
    return (void *)sum;
}

static void threads_share_a_tree(void **state)
{
    struct ptree *tree = counted_sequence(100);
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_and_count, tree), 0);
    for (size_t i = 0; i < 4; i++) {
        void *sum;

        pthread_join(threads[i], &sum);
        assert_int_equal((uintptr_t)sum, 300 * (99 * 100 / 2 - 49 * 50 / 2));
    }
    ptree_unref(&counted_class, tree);
    assert_int_equal(counted_live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_edits_of_maps_equal_the_same_edits_of_arrays),
        cmocka_unit_test(removing_what_is_not_there_gives_the_same_tree),
        cmocka_unit_test(an_edit_without_memory_changes_and_loses_nothing),
        cmocka_unit_test(threads_share_a_tree),
    };

    return cmocka_run_group_tests_name("ptree map", tests, NULL, NULL);
}
