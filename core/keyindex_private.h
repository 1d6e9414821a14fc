/* SPDX-License-Identifier: MIT */
/* What making and looking up share: the layout, as drawn in keyindex.h; the builder. */
#ifndef ROWFS_CORE_KEYINDEX_PRIVATE_H
#define ROWFS_CORE_KEYINDEX_PRIVATE_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/keyindex.h"

#define KEYINDEX_MAGIC        "rowfskx1"
#define KEYINDEX_PAGE_BYTES   4096
#define KEYINDEX_PAGE_HASHES  510
#define KEYINDEX_PAGE_ENTRIES 340

#define KEYINDEX_KEY_BYTES 128

struct keyindex_header {
    char magic[8] __attribute__((nonstring));
    struct uuid segment;
    uint64_t signature, entries, segment_bytes;
};
_Static_assert(sizeof(struct keyindex_header) == 48, "on disk");

struct keyindex_entry {
    uint64_t hash;
    uint32_t row;
} __attribute__((packed));
_Static_assert(sizeof(struct keyindex_entry) == 12, "on disk");

struct keyindex_page {
    union {
        struct keyindex_header header;                        /* page 0 */
        uint64_t hashes[KEYINDEX_PAGE_HASHES];                /* of the directory */
        struct keyindex_entry entries[KEYINDEX_PAGE_ENTRIES]; /* of entries */
    };
    uint64_t place;
    uint64_t xxh3; /* of all bytes before it */
};
_Static_assert(sizeof(struct keyindex_page) == KEYINDEX_PAGE_BYTES, "on disk");

/* How many pages of entries, and of the directory, an index of so many entries has. */
static inline uint64_t keyindex_entry_pages(uint64_t entries)
{
    return entries / KEYINDEX_PAGE_ENTRIES + (entries % KEYINDEX_PAGE_ENTRIES != 0);
}

static inline uint64_t keyindex_directory_pages(uint64_t entries)
{
    return (keyindex_entry_pages(entries) + KEYINDEX_PAGE_HASHES - 1) / KEYINDEX_PAGE_HASHES;
}

/* What page `number` says of its place; `id` is the checksum of page 0. */
static inline uint64_t keyindex_place(uint64_t id, uint64_t number)
{
    return number ? id + number : 0;
}

/* Where the index lies in the store. */
void keyindex_key(const struct object_entry *segment, uint64_t signature,
                  char ret_key[KEYINDEX_KEY_BYTES]);

struct keyindex_builder {
    struct buf entries; /* struct keyindex_entry, in this machine's byte order */
};

/* By hash, then by row. The entries are valid until one is added. */
const struct keyindex_entry *keyindex_builder_sort(struct keyindex_builder *builder,
                                                   size_t *ret_count);

#endif
