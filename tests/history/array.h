/* SPDX-License-Identifier: MIT */
/* Arrays that grow. A test program has no use for -ENOMEM: here it ends. */
#ifndef ROWFS_TESTS_HISTORY_ARRAY_H
#define ROWFS_TESTS_HISTORY_ARRAY_H

#include <stdio.h>
#include <stdlib.h>

/* `count` zeroed items (free). Never NULL, also for none. */
static inline void *array_new(size_t count, size_t item_bytes)
{
    void *items = calloc(count ? count : 1, item_bytes);

    if (!items) {
        fprintf(stderr, "out of memory\n");
        abort();
    }
    return items;
}

/*
 * Room for one more behind `count`. It doubles whenever count is a power of two,
 * so no capacity is kept: grow an array with this only.
 */
static inline void *array_room(void *items, size_t count, size_t item_bytes)
{
    if (count & (count - 1))
        return items;
    items = reallocarray(items, count ? 2 * count : 1, item_bytes);
    if (!items) {
        fprintf(stderr, "out of memory\n");
        abort();
    }
    return items;
}

/* Counts one more and gives its address, not initialized; valid until the next. */
#define ARRAY_ADD(items, count)                                                                    \
    ((items) = array_room(items, count, sizeof *(items)), &(items)[(count)++])

#endif
