/* SPDX-License-Identifier: MIT */
/* What core promises in core/base/ptree.h, one fact a test. */
#include "tests/lib/check.h"
#include "tests/lib/counted.h"
#include "tests/lib/nomem.h"

/* --- a tree beside the array that it must equal -------------------------------- */

#define MODEL_ITEMS 512

struct model {
    struct ptree *tree;
    struct counted *items[MODEL_ITEMS]; /* borrowed from the tree */
    size_t count;
};

static void model_set(struct model *m, struct ptree *tree)
{
    ptree_unref(&counted_class, m->tree);
    m->tree = tree;
}

static void expect_order(const struct model *m)
{
    struct ptree_cursor cursor;

    ptree_seek_first(&cursor, m->tree);
    for (size_t i = 0; i < m->count; i++)
        assert_ptr_equal(ptree_next(&cursor), m->items[i]);
    assert_null(ptree_next(&cursor));
    assert_null(ptree_next(&cursor));
}

static void expect_sums(const struct model *m)
{
    uint64_t bytes = 0, flags = 0;

    for (size_t i = 0; i < m->count; i++) {
        bytes += m->items[i]->bytes;
        flags += m->items[i]->flag;
    }
    assert_int_equal(ptree_count(m->tree), m->count);
    assert_int_equal(ptree_sum(m->tree, 0), bytes);
    assert_int_equal(ptree_sum(m->tree, 1), m->count);
    assert_int_equal(ptree_sum(m->tree, 2), flags);
    assert_ptr_equal(ptree_last(m->tree), m->count ? m->items[m->count - 1] : NULL);
}

/* From `index` on, the cursor gives what the model has. */
static void expect_rest(const struct model *m, struct ptree_cursor *cursor, size_t index)
{
    for (; index < m->count; index++)
        assert_ptr_equal(ptree_next(cursor), m->items[index]);
    assert_null(ptree_next(cursor));
}

static void expect_seeks(const struct model *m, uint64_t *seed)
{
    size_t at = check_random_below(seed, (size_t)ptree_sum(m->tree, 0) + 3), index = 0;
    uint64_t before = 0, found;
    struct ptree_cursor cursor;

    while (index < m->count && before + m->items[index]->bytes <= at)
        before += m->items[index++]->bytes;
    ptree_seek_sum(&cursor, &counted_class, m->tree, 0, at, &found);
    assert_int_equal(found, before);
    expect_rest(m, &cursor, index);
    index = check_random_below(seed, m->count + 2);
    ptree_seek_index(&cursor, m->tree, index);
    expect_rest(m, &cursor, index);
}

static void expect_model(const struct model *m, uint64_t *seed)
{
    expect_order(m);
    expect_sums(m);
    expect_seeks(m, seed);
}

/* --- sequences ------------------------------------------------------------------ */

static void do_append(struct model *m, uint64_t *seed)
{
    struct counted *item =
        counted_new(0, 1 + check_random_below(seed, 20), check_random(seed) >> 63);
    struct ptree *tree;

    assert_int_equal(ptree_append(&counted_class, m->tree, item, &tree), 0);
    counted_unref(item);
    model_set(m, tree);
    m->items[m->count++] = item;
}

static void do_concat(struct model *left, const struct model *right)
{
    size_t count = right->count; /* both may be the same */
    struct ptree *tree;

    assert_int_equal(ptree_concat(&counted_class, left->tree, right->tree, &tree), 0);
    model_set(left, tree);
    for (size_t i = 0; i < count; i++)
        left->items[left->count++] = right->items[i];
}

/* Splits at any byte; `right` gets the part behind, the item in the middle is dropped. */
static void do_split(struct model *left, struct model *right, uint64_t *seed)
{
    size_t at = check_random_below(seed, (size_t)ptree_sum(left->tree, 0) + 3), index = 0;
    struct ptree *left_tree, *right_tree;
    struct counted *expected = NULL;
    uint64_t before = 0;
    void *item;

    while (index < left->count && before + left->items[index]->bytes <= at)
        before += left->items[index++]->bytes;
    if (index < left->count && before < at)
        expected = left->items[index];
    assert_int_equal(ptree_split(&counted_class, left->tree, 0, at, &left_tree, &item, &right_tree),
                     0);
    assert_ptr_equal(item, expected);
    right->count = 0;
    for (size_t i = index + (expected != NULL); i < left->count; i++)
        right->items[right->count++] = left->items[i];
    left->count = index;
    model_set(left, left_tree);
    model_set(right, right_tree);
    if (item)
        counted_unref(item);
}

static void random_edits_of_sequences_equal_the_same_edits_of_arrays(void **state)
{
    static struct model models[4], old;
    uint64_t seed = 3;

    (void)state;
    for (int step = 0; step < 6000; step++) {
        struct model *a = &models[check_random_below(&seed, 4)];
        struct model *b = &models[check_random_below(&seed, 4)];
        size_t what = check_random_below(&seed, 10);

        if (what < 6 && a->count < MODEL_ITEMS / 2)
            do_append(a, &seed);
        else if (what < 9 && a->count + b->count < MODEL_ITEMS)
            do_concat(a, b);
        else if (a != b)
            do_split(a, b, &seed);
        expect_model(a, &seed);
        expect_model(b, &seed);
        counted_expect_balanced(a->tree);
        if (step % 500 == 0) {
            expect_model(&old, &seed); /* has been edited 500 times since */
            ptree_unref(&counted_class, old.tree);
            old = *a;
            ptree_ref(old.tree);
        }
    }
    model_set(&old, NULL);
    for (size_t i = 0; i < 4; i++)
        model_set(&models[i], NULL);
    assert_int_equal(counted_live, 0);
}

static void a_split_inside_of_an_item_hands_it_out(void **state)
{
    struct ptree *tree = counted_sequence(5), *left, *right;
    void *item;

    (void)state;
    assert_int_equal(ptree_split(&counted_class, tree, 0, 5, &left, &item, &right), 0);
    assert_int_equal(ptree_count(left), 2);
    assert_int_equal(((struct counted *)item)->key, 2);
    assert_int_equal(ptree_count(right), 2);
    counted_unref(item);
    ptree_unref(&counted_class, left);
    ptree_unref(&counted_class, right);
    assert_int_equal(ptree_count(tree), 5);
    ptree_unref(&counted_class, tree);
    assert_int_equal(counted_live, 0);
}

static void a_long_sequence_is_balanced_and_an_edit_of_it_is_small(void **state)
{
    struct ptree *tree = counted_sequence(20000), *next;
    struct counted *item = counted_new(0, 1, false);
    unsigned long requests;

    (void)state;
    counted_expect_balanced(tree);
    requests = nomem_requests();
    assert_int_equal(ptree_append(&counted_class, tree, item, &next), 0);
    assert_true(nomem_requests() - requests <= 40); /* twice its height, 15 to 20 */
    ptree_unref(&counted_class, next);
    ptree_unref(&counted_class, tree);
    counted_unref(item);
    assert_int_equal(counted_live, 0);
}

static void the_empty_tree_has_nothing(void **state)
{
    struct ptree_cursor cursor;
    struct ptree *left, *right;
    uint64_t key = 1, before;
    void *item;

    (void)state;
    assert_int_equal(ptree_count(NULL), 0);
    assert_int_equal(ptree_sum(NULL, 2), 0);
    assert_null(ptree_last(NULL));
    assert_null(ptree_find(&counted_class, NULL, &key));
    assert_int_equal(ptree_split(&counted_class, NULL, 0, 7, &left, &item, &right), 0);
    assert_true(!left && !item && !right);
    assert_int_equal(ptree_concat(&counted_class, NULL, NULL, &left), 0);
    assert_null(left);
    ptree_seek_sum(&cursor, &counted_class, NULL, 0, 7, &before);
    assert_int_equal(before, 0);
    assert_null(ptree_next(&cursor));
    ptree_unref(&counted_class, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_edits_of_sequences_equal_the_same_edits_of_arrays),
        cmocka_unit_test(a_split_inside_of_an_item_hands_it_out),
        cmocka_unit_test(a_long_sequence_is_balanced_and_an_edit_of_it_is_small),
        cmocka_unit_test(the_empty_tree_has_nothing),
    };

    return cmocka_run_group_tests_name("ptree", tests, NULL, NULL);
}
