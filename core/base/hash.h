/* SPDX-License-Identifier: MIT */
/*
 * Checksums: xxh3 (libxxhash), 128 bits for whole objects, 64 bits for blocks.
 * They find damage and tell records apart (each has a random nonce); they are
 * no defence against somebody who can write the store.
 */
#ifndef ROWFS_BASE_HASH_H
#define ROWFS_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_HEX_BYTES 32 /* without the terminating NUL */

struct hash {
    uint64_t high, low;
};

struct hash hash_bytes(const void *data, size_t bytes);
uint64_t hash64_bytes(const void *data, size_t bytes);
bool hash_equal(struct hash a, struct hash b);

/* Lower-case hexadecimal, most significant digit first, as xxh128sum prints it. */
void hash_to_hex(struct hash hash, char ret_hex[HASH_HEX_BYTES + 1]);

/* Reads HASH_HEX_BYTES lower-case digits. Errors: -EINVAL. */
int hash_from_hex(const char *hex, struct hash *ret_hash);

#endif
