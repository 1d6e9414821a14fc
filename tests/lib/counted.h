/* SPDX-License-Identifier: MIT */
/* Items for trees (core/base/ptree.h) that are counted, so that a test sees one that is lost. */
#ifndef ROWFS_TESTS_LIB_COUNTED_H
#define ROWFS_TESTS_LIB_COUNTED_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/ptree.h"

/* Its sums are its bytes, 1, and whether it has the flag; a map's key is a uint64_t. */
struct counted {
    _Atomic int refs;
    uint64_t key, bytes;
    bool flag;
};

extern const struct ptree_class counted_class;
extern _Atomic long counted_live;

struct counted *counted_new(uint64_t key, uint64_t bytes, bool flag); /* with one reference */
void counted_unref(void *item);

/* A tree of `count` items of two bytes each, with the keys from 0 on. */
struct ptree *counted_sequence(size_t count);

/* The tree is no higher than 1.44 log2(n). */
void counted_expect_balanced(const struct ptree *tree);

#endif
