/* SPDX-License-Identifier: MIT */
/* xxh3 as values and as hexadecimal. */
#include "core/base/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

#include "core/base/hex.h"

struct hash hash_bytes(const void *data, size_t bytes)
{
    XXH128_hash_t h = XXH3_128bits(data, bytes);

    return (struct hash){.high = h.high64, .low = h.low64};
}

uint64_t hash64_bytes(const void *data, size_t bytes)
{
    return XXH3_64bits(data, bytes);
}

bool hash_equal(struct hash a, struct hash b)
{
    return a.high == b.high && a.low == b.low;
}

void hash_to_hex(struct hash hash, char ret_hex[HASH_HEX_BYTES + 1])
{
    snprintf(ret_hex, HASH_HEX_BYTES + 1, "%016" PRIx64 "%016" PRIx64, hash.high, hash.low);
}

int hash_from_hex(const char *hex, struct hash *ret_hash)
{
    struct hash hash;
    int r = hex_to_u64(hex, 16, &hash.high);

    if (!r)
        r = hex_to_u64(hex + 16, 16, &hash.low);
    if (!r)
        *ret_hash = hash;
    return r;
}
