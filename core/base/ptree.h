/* SPDX-License-Identifier: MIT */
/*
 * A persistent balanced tree: an ordered sequence of items that never changes.
 * An edit gives a new tree that shares all but O(log n) nodes with the old one,
 * so every version of a table can be kept for the price of its difference.
 *
 * Two uses: as a sequence with sums (a table's extents: find the one that holds
 * byte or row N) and as a sorted map (tables by name). AVL trees built from one
 * operation, join: Blelloch, Ferizovic, Sun, "Just Join for Parallel Ordered
 * Sets", SPAA 2016.
 *
 * NULL is the empty tree. A tree is held by counted references; the functions
 * below borrow the trees and items they are given and return new references.
 * A tree may be read and its references counted by any number of threads.
 */
#ifndef ROWFS_BASE_PTREE_H
#define ROWFS_BASE_PTREE_H

#include <stddef.h>
#include <stdint.h>

#define PTREE_SUMS       3
#define PTREE_MAX_HEIGHT 64 /* 1.44 log2(n): more nodes than memory can hold */

struct ptree; /* a node, and so the tree below it */

/* What a tree needs to know of its items; one per item type, static. */
struct ptree_class {
    void (*ref)(void *item);
    void (*unref)(void *item);
    /* What the item adds to each sum; NULL: all sums are 0. */
    void (*measure)(const void *item, uint64_t ret_sums[PTREE_SUMS]);
    /* Orders a key against an item, <0, 0, >0; NULL for sequences without an order. */
    int (*compare)(const void *key, const void *item);
};

struct ptree *ptree_ref(struct ptree *tree);
void ptree_unref(const struct ptree_class *class, struct ptree *tree);

size_t ptree_count(const struct ptree *tree);
uint64_t ptree_sum(const struct ptree *tree, unsigned sum);

/* The last item, borrowed for as long as the tree is held; NULL when empty. */
void *ptree_last(const struct ptree *tree);

/* Map: the item that equals key, borrowed as above; NULL: none. */
void *ptree_find(const struct ptree_class *class, const struct ptree *tree, const void *key);

/* Map: with `item` at `key`, in place of an equal one. Errors: -ENOMEM. */
int ptree_insert(const struct ptree_class *class, struct ptree *tree, const void *key, void *item,
                 struct ptree **ret_tree);

/* Map: without the item at `key`; the same tree when there is none. Errors: -ENOMEM. */
int ptree_remove(const struct ptree_class *class, struct ptree *tree, const void *key,
                 struct ptree **ret_tree);

/* Sequence: with `item` at the end. Errors: -ENOMEM. */
int ptree_append(const struct ptree_class *class, struct ptree *tree, void *item,
                 struct ptree **ret_tree);

/* Sequence: left followed by right. Errors: -ENOMEM. */
int ptree_concat(const struct ptree_class *class, struct ptree *left, struct ptree *right,
                 struct ptree **ret_tree);

/*
 * Sequence: cuts before position `at` of a sum. Items that end at or before
 * `at` are in `*ret_left`, those that begin at or after it in `*ret_right`; the
 * one that spans it, if any, is in `*ret_item` (a new reference, else NULL).
 * Errors: -ENOMEM.
 */
int ptree_split(const struct ptree_class *class, struct ptree *tree, unsigned sum, uint64_t at,
                struct ptree **ret_left, void **ret_item, struct ptree **ret_right);

/*
 * The same before a key, of a sequence whose items are ordered by one as well: items less than it
 * are in `*ret_left`, greater ones in `*ret_right`. Errors: -ENOMEM.
 */
int ptree_split_key(const struct ptree_class *class, struct ptree *tree, const void *key,
                    struct ptree **ret_left, void **ret_item, struct ptree **ret_right);

/*
 * The item that equals key, as ptree_find, and what a sum is of all items that are less.
 */
void *ptree_find_sum(const struct ptree_class *class, const struct ptree *tree, const void *key,
                     unsigned sum, uint64_t *ret_before);

/* A position in a tree; valid while the tree is held. Costs no memory of its own. */
struct ptree_cursor {
    const struct ptree *path[PTREE_MAX_HEIGHT];
    unsigned depth;
};

/*
 * Steps through the items in order: the first call of ptree_next after a
 * ptree_seek_* gives the item sought. NULL at the end.
 */
void ptree_seek_first(struct ptree_cursor *cursor, const struct ptree *tree);

/* To the item that holds position `at` of the sum; `*ret_before` is the sum of all before it. */
void ptree_seek_sum(struct ptree_cursor *cursor, const struct ptree_class *class,
                    const struct ptree *tree, unsigned sum, uint64_t at, uint64_t *ret_before);

/* To the item that has `index` others before it. */
void ptree_seek_index(struct ptree_cursor *cursor, const struct ptree *tree, size_t index);

/* Map: to the first item that is greater than `key`. */
void ptree_seek_after(struct ptree_cursor *cursor, const struct ptree_class *class,
                      const struct ptree *tree, const void *key);
void *ptree_next(struct ptree_cursor *cursor);

#endif
