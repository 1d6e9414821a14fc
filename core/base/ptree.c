/* SPDX-License-Identifier: MIT */
/* A persistent AVL tree in which every edit is a split and a join. */
#include "core/base/ptree.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

struct ptree {
    _Atomic uint32_t refs;
    uint32_t height;
    size_t count;
    uint64_t sums[PTREE_SUMS];
    struct ptree *left, *right;
    void *item;
};

/*
 * Inside this file the functions that build trees take over the references that
 * they are given, also when memory runs out: then they release them and return
 * this tree, which they accept and pass on. So only the public functions check.
 */
static struct ptree out_of_memory;
#define OOM (&out_of_memory)

struct ptree *ptree_ref(struct ptree *tree)
{
    if (tree && tree != OOM)
        atomic_fetch_add_explicit(&tree->refs, 1, memory_order_relaxed);
    return tree;
}

void ptree_unref(const struct ptree_class *class, struct ptree *tree)
{
    /* Recursion to the left only: as deep as the tree is high. */
    while (tree && tree != OOM &&
           atomic_fetch_sub_explicit(&tree->refs, 1, memory_order_acq_rel) == 1) {
        struct ptree *right = tree->right;

        ptree_unref(class, tree->left);
        class->unref(tree->item);
        free(tree);
        tree = right;
    }
}

static uint32_t height(const struct ptree *tree)
{
    return tree ? tree->height : 0;
}

size_t ptree_count(const struct ptree *tree)
{
    return tree ? tree->count : 0;
}

uint64_t ptree_sum(const struct ptree *tree, unsigned sum)
{
    return tree ? tree->sums[sum] : 0;
}

static void measure(const struct ptree_class *class, const void *item, uint64_t sums[PTREE_SUMS])
{
    for (unsigned i = 0; i < PTREE_SUMS; i++)
        sums[i] = 0;
    if (class->measure)
        class->measure(item, sums);
}

static void release(const struct ptree_class *class, struct ptree *left, void *item,
                    struct ptree *right)
{
    ptree_unref(class, left);
    if (item)
        class->unref(item);
    ptree_unref(class, right);
}

static struct ptree *node(const struct ptree_class *class, struct ptree *left, void *item,
                          struct ptree *right)
{
    struct ptree *tree = left == OOM || right == OOM ? NULL : malloc(sizeof *tree);

    if (!tree) {
        release(class, left, item, right);
        return OOM;
    }
    atomic_init(&tree->refs, 1);
    tree->height = 1 + (height(left) > height(right) ? height(left) : height(right));
    tree->count = 1 + ptree_count(left) + ptree_count(right);
    measure(class, item, tree->sums);
    for (unsigned i = 0; i < PTREE_SUMS; i++)
        tree->sums[i] += ptree_sum(left, i) + ptree_sum(right, i);
    tree->left = left;
    tree->right = right;
    tree->item = item;
    return tree;
}

/* Gives the tree up for its three parts. */
static void expose(const struct ptree_class *class, struct ptree *tree, struct ptree **ret_left,
                   void **ret_item, struct ptree **ret_right)
{
    *ret_left = ptree_ref(tree->left);
    *ret_right = ptree_ref(tree->right);
    class->ref(tree->item);
    *ret_item = tree->item;
    ptree_unref(class, tree);
}

static struct ptree *rotate_left(const struct ptree_class *class, struct ptree *tree)
{
    struct ptree *left, *right, *inner, *outer;
    void *item, *pivot;

    if (tree == OOM)
        return OOM;
    expose(class, tree, &left, &item, &right);
    expose(class, right, &inner, &pivot, &outer);
    return node(class, node(class, left, item, inner), pivot, outer);
}

static struct ptree *rotate_right(const struct ptree_class *class, struct ptree *tree)
{
    struct ptree *left, *right, *inner, *outer;
    void *item, *pivot;

    if (tree == OOM)
        return OOM;
    expose(class, tree, &left, &item, &right);
    expose(class, left, &outer, &pivot, &inner);
    return node(class, outer, pivot, node(class, inner, item, right));
}

/* Puts item and right at the right edge of a left tree that is higher by two or more. */
static struct ptree *join_right(const struct ptree_class *class, struct ptree *left, void *item,
                                struct ptree *right)
{
    struct ptree *outer, *inner, *joined;
    uint32_t outer_height;
    void *pivot;

    expose(class, left, &outer, &pivot, &inner);
    outer_height = height(outer);
    if (height(inner) <= height(right) + 1) {
        joined = node(class, inner, item, right);
        if (joined != OOM && joined->height > outer_height + 1)
            return rotate_left(class, node(class, outer, pivot, rotate_right(class, joined)));
        return node(class, outer, pivot, joined);
    }
    joined = join_right(class, inner, item, right);
    if (joined != OOM && joined->height > outer_height + 1)
        return rotate_left(class, node(class, outer, pivot, joined));
    return node(class, outer, pivot, joined);
}

static struct ptree *join_left(const struct ptree_class *class, struct ptree *left, void *item,
                               struct ptree *right)
{
    struct ptree *outer, *inner, *joined;
    uint32_t outer_height;
    void *pivot;

    expose(class, right, &inner, &pivot, &outer);
    outer_height = height(outer);
    if (height(inner) <= height(left) + 1) {
        joined = node(class, left, item, inner);
        if (joined != OOM && joined->height > outer_height + 1)
            return rotate_right(class, node(class, rotate_left(class, joined), pivot, outer));
        return node(class, joined, pivot, outer);
    }
    joined = join_left(class, left, item, inner);
    if (joined != OOM && joined->height > outer_height + 1)
        return rotate_right(class, node(class, joined, pivot, outer));
    return node(class, joined, pivot, outer);
}

static struct ptree *join(const struct ptree_class *class, struct ptree *left, void *item,
                          struct ptree *right)
{
    if (left == OOM || right == OOM) {
        release(class, left, item, right);
        return OOM;
    }
    if (height(left) > height(right) + 1)
        return join_right(class, left, item, right);
    if (height(right) > height(left) + 1)
        return join_left(class, left, item, right);
    return node(class, left, item, right);
}

/* A tree without its last item, which is handed out. */
static struct ptree *split_last(const struct ptree_class *class, struct ptree *tree,
                                void **ret_item)
{
    struct ptree *left, *right;
    void *item;

    expose(class, tree, &left, &item, &right);
    if (!right) {
        *ret_item = item;
        return left;
    }
    right = split_last(class, right, ret_item);
    return join(class, left, item, right);
}

static struct ptree *concat(const struct ptree_class *class, struct ptree *left,
                            struct ptree *right)
{
    void *item;

    if (left == OOM || right == OOM) {
        release(class, left, NULL, right);
        return OOM;
    }
    if (!left)
        return right;
    left = split_last(class, left, &item);
    return join(class, left, item, right);
}

/* Splits a sorted tree at a key; the item that equals it is handed out or NULL. */
static void split_key(const struct ptree_class *class, struct ptree *tree, const void *key,
                      struct ptree **ret_left, void **ret_item, struct ptree **ret_right)
{
    struct ptree *left, *right, *part;
    void *item;
    int order;

    *ret_left = *ret_right = NULL;
    *ret_item = NULL;
    if (!tree)
        return;
    expose(class, tree, &left, &item, &right);
    order = class->compare(key, item);
    if (order == 0) {
        *ret_left = left;
        *ret_item = item;
        *ret_right = right;
    } else if (order < 0) {
        split_key(class, left, key, ret_left, ret_item, &part);
        *ret_right = join(class, part, item, right);
    } else {
        split_key(class, right, key, &part, ret_item, ret_right);
        *ret_left = join(class, left, item, part);
    }
}

static void split_sum(const struct ptree_class *class, struct ptree *tree, unsigned sum,
                      uint64_t at, struct ptree **ret_left, void **ret_item,
                      struct ptree **ret_right)
{
    struct ptree *left, *right, *part;
    uint64_t begin, end, sums[PTREE_SUMS];
    void *item;

    *ret_left = *ret_right = NULL;
    *ret_item = NULL;
    if (!tree)
        return;
    expose(class, tree, &left, &item, &right);
    measure(class, item, sums);
    begin = ptree_sum(left, sum);
    end = begin + sums[sum];
    if (at <= begin) {
        split_sum(class, left, sum, at, ret_left, ret_item, &part);
        *ret_right = join(class, part, item, right);
    } else if (at >= end) {
        split_sum(class, right, sum, at - end, &part, ret_item, ret_right);
        *ret_left = join(class, left, item, part);
    } else {
        *ret_left = left;
        *ret_item = item;
        *ret_right = right;
    }
}

static int finish(struct ptree *tree, struct ptree **ret_tree)
{
    if (tree == OOM)
        return -ENOMEM;
    *ret_tree = tree;
    return 0;
}

int ptree_insert(const struct ptree_class *class, struct ptree *tree, const void *key, void *item,
                 struct ptree **ret_tree)
{
    struct ptree *left, *right;
    void *old;

    split_key(class, ptree_ref(tree), key, &left, &old, &right);
    if (old)
        class->unref(old);
    class->ref(item);
    return finish(join(class, left, item, right), ret_tree);
}

int ptree_remove(const struct ptree_class *class, struct ptree *tree, const void *key,
                 struct ptree **ret_tree)
{
    struct ptree *left, *right;
    void *old;

    if (!ptree_find(class, tree, key)) {
        *ret_tree = ptree_ref(tree);
        return 0;
    }
    split_key(class, ptree_ref(tree), key, &left, &old, &right);
    if (old)
        class->unref(old);
    return finish(concat(class, left, right), ret_tree);
}

int ptree_append(const struct ptree_class *class, struct ptree *tree, void *item,
                 struct ptree **ret_tree)
{
    class->ref(item);
    return finish(join(class, ptree_ref(tree), item, NULL), ret_tree);
}

int ptree_concat(const struct ptree_class *class, struct ptree *left, struct ptree *right,
                 struct ptree **ret_tree)
{
    return finish(concat(class, ptree_ref(left), ptree_ref(right)), ret_tree);
}

int ptree_split(const struct ptree_class *class, struct ptree *tree, unsigned sum, uint64_t at,
                struct ptree **ret_left, void **ret_item, struct ptree **ret_right)
{
    struct ptree *left, *right;
    void *item;

    split_sum(class, ptree_ref(tree), sum, at, &left, &item, &right);
    if (left == OOM || right == OOM) {
        release(class, left, item, right);
        return -ENOMEM;
    }
    *ret_left = left;
    *ret_item = item;
    *ret_right = right;
    return 0;
}

int ptree_split_key(const struct ptree_class *class, struct ptree *tree, const void *key,
                    struct ptree **ret_left, void **ret_item, struct ptree **ret_right)
{
    struct ptree *left, *right;
    void *item;

    split_key(class, ptree_ref(tree), key, &left, &item, &right);
    if (left == OOM || right == OOM) {
        release(class, left, item, right);
        return -ENOMEM;
    }
    *ret_left = left;
    *ret_item = item;
    *ret_right = right;
    return 0;
}

void *ptree_last(const struct ptree *tree)
{
    if (!tree)
        return NULL;
    while (tree->right)
        tree = tree->right;
    return tree->item;
}

void *ptree_find(const struct ptree_class *class, const struct ptree *tree, const void *key)
{
    while (tree) {
        int order = class->compare(key, tree->item);

        if (order == 0)
            return tree->item;
        tree = order < 0 ? tree->left : tree->right;
    }
    return NULL;
}

void *ptree_find_sum(const struct ptree_class *class, const struct ptree *tree, const void *key,
                     unsigned sum, uint64_t *ret_before)
{
    uint64_t before = 0;
    void *item = NULL;

    while (tree && !item) {
        int order = class->compare(key, tree->item);

        if (order >= 0)
            before += ptree_sum(tree->left, sum);
        if (order > 0) {
            uint64_t sums[PTREE_SUMS];

            measure(class, tree->item, sums);
            before += sums[sum];
        }
        if (order == 0)
            item = tree->item;
        tree = order < 0 ? tree->left : tree->right;
    }
    *ret_before = before;
    return item;
}

/* The path holds the nodes whose item is still to come, the next one on top. */
static void push(struct ptree_cursor *cursor, const struct ptree *tree)
{
    cursor->path[cursor->depth++] = tree;
}

static void push_left_edge(struct ptree_cursor *cursor, const struct ptree *tree)
{
    for (; tree; tree = tree->left)
        push(cursor, tree);
}

void ptree_seek_first(struct ptree_cursor *cursor, const struct ptree *tree)
{
    cursor->depth = 0;
    push_left_edge(cursor, tree);
}

void ptree_seek_sum(struct ptree_cursor *cursor, const struct ptree_class *class,
                    const struct ptree *tree, unsigned sum, uint64_t at, uint64_t *ret_before)
{
    uint64_t before = 0;

    cursor->depth = 0;
    while (tree) {
        uint64_t sums[PTREE_SUMS], begin = before + ptree_sum(tree->left, sum);

        measure(class, tree->item, sums);
        if (at < begin) {
            push(cursor, tree);
            tree = tree->left;
        } else if (at < begin + sums[sum]) {
            push(cursor, tree);
            before = begin;
            break;
        } else {
            before = begin + sums[sum];
            tree = tree->right;
        }
    }
    *ret_before = before;
}

void ptree_seek_index(struct ptree_cursor *cursor, const struct ptree *tree, size_t index)
{
    cursor->depth = 0;
    while (tree) {
        size_t before = ptree_count(tree->left);

        if (index > before) {
            index -= before + 1;
            tree = tree->right;
            continue;
        }
        push(cursor, tree);
        if (index == before)
            break;
        tree = tree->left;
    }
}

void ptree_seek_after(struct ptree_cursor *cursor, const struct ptree_class *class,
                      const struct ptree *tree, const void *key)
{
    cursor->depth = 0;
    while (tree) {
        if (class->compare(key, tree->item) < 0) {
            push(cursor, tree);
            tree = tree->left;
        } else {
            tree = tree->right;
        }
    }
}

void *ptree_next(struct ptree_cursor *cursor)
{
    const struct ptree *tree;

    if (cursor->depth == 0)
        return NULL;
    tree = cursor->path[--cursor->depth];
    push_left_edge(cursor, tree->right);
    return tree->item;
}
