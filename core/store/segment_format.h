/* SPDX-License-Identifier: MIT */
/* The sidecar's layout, as drawn in segment.h. */
#ifndef ROWFS_STORE_SEGMENT_FORMAT_H
#define ROWFS_STORE_SEGMENT_FORMAT_H

#include <stdint.h>

#define SEGMENT_MAGIC "rowfsix1"

struct segment_header {
    char magic[8] __attribute__((nonstring));
    uint32_t header_bytes, block_bytes;
    uint64_t bytes, rows, blocks, reserved;
};
_Static_assert(sizeof(struct segment_header) == 48, "on disk");

struct segment_block {
    uint64_t xxh3, rows_before;
};
_Static_assert(sizeof(struct segment_block) == 16, "on disk");

#endif
