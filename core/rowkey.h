/* SPDX-License-Identifier: MIT */
/*
 * The key of a row: the keys of its values in the columns of the schema's key, one behind
 * the other, so that rows are the same by their key if these bytes are equal.
 */
#ifndef ROWFS_CORE_ROWKEY_H
#define ROWFS_CORE_ROWKEY_H

#include "core/schema.h"

/* Appends the key of one value, with its length, so that no two lists of values have the same
 * bytes. Errors: -ENOMEM. */
int rowkey_append(struct slice value_key, struct buf *key);

/* The key of a row of this schema, which has a key. Appends. Errors: -ENOMEM. */
int rowkey_of_row(const struct schema *schema, struct slice row, struct buf *key);

/* For people, values as they are written: "id 42", "a 1, b "x"". Appends. Errors: -ENOMEM. */
int rowkey_print(const struct schema *schema, struct slice row, struct buf *text);

/* Which columns of which types make the key: names an index. Equal for schemas with equal keys.
 * Errors: -ENOMEM. */
int rowkey_signature(const struct schema *schema, uint64_t *ret_signature);

#endif
