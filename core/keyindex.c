/* SPDX-License-Identifier: MIT */
/* Looks up rows in the index of a segment: a search in memory, a read, a search in the page. */
#include "core/keyindex.h"

#include <endian.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/keyindex_private.h"

struct keyindex {
    _Atomic uint32_t refs;
    char key[KEYINDEX_KEY_BYTES];
    uint64_t id; /* the checksum of page 0, which all other pages repeat */
    uint64_t entries;
    uint64_t pages;   /* of entries */
    uint64_t first[]; /* the hash of the first entry of each */
};

/* --- reading ------------------------------------------------------------ */

static bool is_intact(const struct keyindex_page *page, uint64_t id, uint64_t number)
{
    return le64toh(page->xxh3) == hash64_bytes(page, offsetof(struct keyindex_page, xxh3)) &&
           le64toh(page->place) == keyindex_place(id, number);
}

/* Reads `count` pages of the file and verifies each. -EIO if one is damaged or gone. */
static int read_pages(struct store *store, const char *key, uint64_t id, uint64_t number,
                      size_t count, struct keyindex_page *ret_pages, struct err *err)
{
    int r = store_read(store, key, ret_pages, count * sizeof *ret_pages, number * sizeof *ret_pages,
                       err);

    if (r < 0)
        return r == -ENOENT ? err_set(err, -EIO, "the key index %s is missing", key) : r;
    for (size_t i = 0; i < count; i++)
        if (!is_intact(&ret_pages[i], id, number + i))
            return err_set(err, -EIO, "the key index %s is damaged in its page %llu", key,
                           (unsigned long long)(number + i));
    return 0;
}

/* Pages of entries, counted from the first of them. */
static int read_entries(struct store *store, const struct keyindex *index, uint64_t page,
                        size_t count, struct keyindex_page *ret_pages, struct err *err)
{
    return read_pages(store, index->key, index->id,
                      1 + keyindex_directory_pages(index->entries) + page, count, ret_pages, err);
}

static size_t entries_in_page(const struct keyindex *index, uint64_t page)
{
    uint64_t left = index->entries - page * KEYINDEX_PAGE_ENTRIES;

    return left < KEYINDEX_PAGE_ENTRIES ? (size_t)left : KEYINDEX_PAGE_ENTRIES;
}

/* --- opening ------------------------------------------------------------ */

/* The number of entries bounds what is asked of memory next: no segment has so many rows. */
static bool fits(const struct keyindex_header *header, const struct object_entry *segment,
                 uint64_t signature)
{
    return !memcmp(header->magic, KEYINDEX_MAGIC, sizeof header->magic) &&
           uuid_equal(header->segment, segment->uuid) && le64toh(header->signature) == signature &&
           le64toh(header->segment_bytes) == segment->bytes &&
           le64toh(header->entries) <= UINT32_MAX;
}

static int load_directory(struct store *store, struct keyindex *index, struct err *err)
{
    size_t count = (size_t)keyindex_directory_pages(index->entries);
    cleanup_free struct keyindex_page *pages = NULL;
    int r;

    if (!count)
        return 0;
    pages = malloc(count * sizeof *pages);
    if (!pages)
        return err_nomem(err);
    r = read_pages(store, index->key, index->id, 1, count, pages, err);
    for (uint64_t i = 0; !r && i < index->pages; i++)
        index->first[i] = le64toh(pages[i / KEYINDEX_PAGE_HASHES].hashes[i % KEYINDEX_PAGE_HASHES]);
    return r;
}

static int load(struct store *store, const struct object_entry *segment, uint64_t signature,
                struct keyindex **ret_index, struct err *err)
{
    char key[KEYINDEX_KEY_BYTES];
    struct keyindex_page page;
    struct keyindex *index;
    uint64_t entry_pages;
    int r;

    keyindex_key(segment, signature, key);
    r = read_pages(store, key, 0, 0, 1, &page, err);
    if (r < 0)
        return r;
    if (!fits(&page.header, segment, signature))
        return err_set(err, -EIO, "the key index %s does not fit its segment", key);
    entry_pages = keyindex_entry_pages(le64toh(page.header.entries));
    index = malloc(sizeof *index + (size_t)entry_pages * sizeof index->first[0]);
    if (!index)
        return err_nomem(err);
    index->refs = 1;
    memcpy(index->key, key, sizeof key);
    index->id = le64toh(page.xxh3);
    index->entries = le64toh(page.header.entries);
    index->pages = entry_pages;
    r = load_directory(store, index, err);
    if (r < 0) {
        free(index);
        return r;
    }
    *ret_index = index;
    return 0;
}

int keyindex_open(struct store *store, const struct object_entry *segment, uint64_t signature,
                  struct keyindex **ret_index, struct err *err)
{
    int r = load(store, segment, signature, ret_index, err);

    return r == -EIO ? -ENOENT : r; /* the sentence says why there is none */
}

struct keyindex *keyindex_ref(struct keyindex *index)
{
    atomic_fetch_add(&index->refs, 1);
    return index;
}

void keyindex_unref(struct keyindex *index)
{
    if (index && atomic_fetch_sub(&index->refs, 1) == 1)
        free(index);
}

/* --- finding ------------------------------------------------------------ */

/* How many pages begin with an entry of a lower hash. */
static uint64_t pages_below(const struct keyindex *index, uint64_t hash)
{
    uint64_t low = 0, high = index->pages;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (index->first[middle] < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/*
 * The pages that can hold the hash: those that begin with it, and the one before
 * them, which can end with it.
 */
static void find_pages(const struct keyindex *index, uint64_t hash, uint64_t *ret_begin,
                       uint64_t *ret_end)
{
    uint64_t below = pages_below(index, hash);

    *ret_begin = below ? below - 1 : 0;
    *ret_end = hash == UINT64_MAX ? index->pages : pages_below(index, hash + 1);
}

static int append_rows(const struct keyindex_page *page, size_t count, uint64_t hash,
                       struct buf *rows)
{
    size_t low = 0, high = count;
    int r = 0;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (le64toh(page->entries[middle].hash) < hash)
            low = middle + 1;
        else
            high = middle;
    }
    for (; !r && low < count && le64toh(page->entries[low].hash) == hash; low++) {
        uint32_t row = le32toh(page->entries[low].row);

        r = buf_append(rows, &row, sizeof row);
    }
    return r;
}

int keyindex_find(struct store *store, struct keyindex *index, uint64_t hash, struct buf *rows,
                  struct err *err)
{
    struct keyindex_page pages[2]; /* so that a hash which begins a page costs one read, too */
    size_t bytes_before = rows->bytes;
    uint64_t page, end;
    int r = 0;

    find_pages(index, hash, &page, &end);
    while (!r && page < end) {
        size_t count = end - page < ARRAY_COUNT(pages) ? (size_t)(end - page) : ARRAY_COUNT(pages);

        r = read_entries(store, index, page, count, pages, err);
        for (size_t i = 0; !r && i < count; i++)
            if (append_rows(&pages[i], entries_in_page(index, page + i), hash, rows) < 0)
                r = err_nomem(err);
        page += count;
    }
    if (r < 0)
        rows->bytes = bytes_before;
    return r;
}

/* --- keeping ------------------------------------------------------------ */

int keyindex_remove(struct store *store, const struct object_entry *segment, uint64_t signature,
                    struct err *err)
{
    struct err reason = ERR_INIT;
    char key[KEYINDEX_KEY_BYTES];
    int r;

    keyindex_key(segment, signature, key);
    r = store_remove(store, key, &reason);
    if (r == -ENOENT)
        return 0;
    if (r < 0 && err)
        *err = reason;
    return r;
}

static bool page_has(const struct keyindex_page *page, const struct keyindex_entry *entries,
                     size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (le64toh(page->entries[i].hash) != entries[i].hash ||
            le32toh(page->entries[i].row) != entries[i].row)
            return false;
    return true;
}

int keyindex_equal(struct store *store, struct keyindex *index, struct keyindex_builder *builder,
                   struct err *err)
{
    const struct keyindex_entry *entries;
    struct keyindex_page page;
    size_t count;

    entries = keyindex_builder_sort(builder, &count);
    if (count != index->entries)
        return 0;
    for (uint64_t i = 0; i < index->pages; i++) {
        const struct keyindex_entry *expected = entries + i * KEYINDEX_PAGE_ENTRIES;
        int r = read_entries(store, index, i, 1, &page, err);

        if (r < 0)
            return r;
        if (index->first[i] != expected->hash ||
            !page_has(&page, expected, entries_in_page(index, i)))
            return 0;
    }
    return 1;
}

int keyindex_is_there(struct store *store, const struct object_entry *segment, uint64_t signature,
                      struct err *err)
{
    char key[KEYINDEX_KEY_BYTES];
    struct store_tag tag;

    keyindex_key(segment, signature, key);
    return store_head(store, key, &tag, err);
}
