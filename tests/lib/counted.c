/* SPDX-License-Identifier: MIT */
/* Items that are counted, and the shape of the trees that they are in. */
#include "tests/lib/counted.h"

#include <stdlib.h>

#include "tests/lib/check.h"

_Atomic long counted_live;

static _Atomic unsigned measured; /* a search measures every node on its way */

struct counted *counted_new(uint64_t key, uint64_t bytes, bool flag)
{
    struct counted *item = malloc(sizeof *item);

    assert_non_null(item);
    *item = (struct counted){.key = key, .bytes = bytes, .flag = flag};
    atomic_init(&item->refs, 1);
    counted_live++;
    return item;
}

static void counted_ref(void *item)
{
    atomic_fetch_add(&((struct counted *)item)->refs, 1);
}

void counted_unref(void *item)
{
    if (atomic_fetch_sub(&((struct counted *)item)->refs, 1) != 1)
        return;
    free(item);
    counted_live--;
}

static void counted_measure(const void *item, uint64_t ret_sums[PTREE_SUMS])
{
    const struct counted *it = item;

    measured++;
    ret_sums[0] = it->bytes;
    ret_sums[1] = 1;
    ret_sums[2] = it->flag;
}

static int counted_compare(const void *key, const void *item)
{
    uint64_t k = *(const uint64_t *)key, of = ((const struct counted *)item)->key;

    return k < of ? -1 : k > of;
}

const struct ptree_class counted_class = {.ref = counted_ref,
                                          .unref = counted_unref,
                                          .measure = counted_measure,
                                          .compare = counted_compare};

/* The most nodes that a search in the tree passes. */
static unsigned height(const struct ptree *tree)
{
    unsigned highest = 0;

    for (size_t i = 0; i < ptree_count(tree); i++) {
        struct ptree_cursor cursor;
        uint64_t before;

        measured = 0;
        ptree_seek_sum(&cursor, &counted_class, tree, 1, i, &before);
        assert_int_equal(before, i);
        highest = measured > highest ? measured : highest;
    }
    return highest;
}

/* No more than 1.44 log2(n): an AVL tree of height h has at least so many nodes. */
void counted_expect_balanced(const struct ptree *tree)
{
    unsigned h = height(tree);
    size_t least = 0, before = 0;

    for (unsigned i = 1; i <= h; i++) {
        size_t next = least + before + 1;

        before = least;
        least = next;
    }
    assert_true(ptree_count(tree) >= least);
}

struct ptree *counted_sequence(size_t count)
{
    struct ptree *tree = NULL;

    for (size_t i = 0; i < count; i++) {
        struct counted *item = counted_new(i, 2, false);
        struct ptree *next;

        assert_int_equal(ptree_append(&counted_class, tree, item, &next), 0);
        counted_unref(item);
        ptree_unref(&counted_class, tree);
        tree = next;
    }
    return tree;
}
