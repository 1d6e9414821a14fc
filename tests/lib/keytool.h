/* SPDX-License-Identifier: MIT */
/*
 * An index of keys (core/keyindex.h) in a store of its own, and beside it a sorted array of
 * what it must hold. What is not a result must succeed.
 */
#ifndef ROWFS_TESTS_LIB_KEYTOOL_H
#define ROWFS_TESTS_LIB_KEYTOOL_H

#include "core/keyindex.h"

#define KEYTOOL_SIGNATURE UINT64_C(0x00c0ffee12345678)

extern struct object_entry key_segment; /* no more than what names it */
extern struct keyindex_builder *key_builder;
extern struct keyindex *key_index; /* NULL before keytool_open */

int keytool_begin(void **state); /* for cmocka: an empty store, an empty builder */
int keytool_end(void **state);

/* Its file, below the store, as keyindex.h names it; static. */
const char *keytool_path(void);
size_t keytool_bytes(void);

void keytool_add(uint64_t hash, uint32_t row); /* to the builder and the array */
void keytool_put(void);
void keytool_open(void);   /* anew, if it was open */
void keytool_forget(void); /* the array is empty */
void keytool_again(void);  /* nothing is open, put, or in the array */

/* The hash of the i-th entry, by hash; after keytool_put. */
uint64_t keytool_hash(size_t i);

/* A find gives exactly the rows of the array; or either that or -EIO: its result. */
void keytool_expect(uint64_t hash);
int keytool_try(uint64_t hash);

#endif
