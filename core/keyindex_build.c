/* SPDX-License-Identifier: MIT */
/* Makes the index of a segment: gathers its entries, sorts them, writes them page by page. */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/keyindex_private.h"

CLEANUP_POINTER(struct upload, upload_destroy)

int keyindex_builder_create(struct keyindex_builder **ret_builder)
{
    struct keyindex_builder *builder = calloc(1, sizeof *builder);

    if (!builder)
        return -ENOMEM;
    *ret_builder = builder;
    return 0;
}

void keyindex_builder_destroy(struct keyindex_builder *builder)
{
    if (!builder)
        return;
    buf_finish(&builder->entries);
    free(builder);
}

int keyindex_builder_add(struct keyindex_builder *builder, uint64_t hash, uint32_t row)
{
    struct keyindex_entry entry = {.hash = hash, .row = row};

    return buf_append(&builder->entries, &entry, sizeof entry);
}

/* --- sorting ------------------------------------------------------------ */

#define DIGITS     12 /* bytes of an entry: 8 of the hash, 4 of the row */
#define FEW        32 /* so few are sorted faster by insertion */
#define BYTE_COUNT 256

static unsigned digit_of(const struct keyindex_entry *entry, unsigned digit)
{
    if (digit < 8)
        return (unsigned)(entry->hash >> (56 - 8 * digit)) & 0xff;
    return entry->row >> (24 - 8 * (digit - 8)) & 0xff;
}

static bool is_before(const struct keyindex_entry *a, const struct keyindex_entry *b)
{
    return a->hash < b->hash || (a->hash == b->hash && a->row < b->row);
}

static void sort_few(struct keyindex_entry *entries, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct keyindex_entry entry = entries[i];
        size_t j = i;

        for (; j > 0 && is_before(&entry, &entries[j - 1]); j--)
            entries[j] = entries[j - 1];
        entries[j] = entry;
    }
}

/* Brings each entry into the run of its digit. On return next[d] is the end of the run of d. */
static void distribute(struct keyindex_entry *entries, size_t count, unsigned digit,
                       size_t next[BYTE_COUNT])
{
    size_t end[BYTE_COUNT] = {0}, sum = 0;

    for (size_t i = 0; i < count; i++)
        end[digit_of(&entries[i], digit)]++;
    for (unsigned d = 0; d < BYTE_COUNT; d++) {
        next[d] = sum;
        sum += end[d];
        end[d] = sum;
    }
    for (unsigned d = 0; d < BYTE_COUNT; d++)
        while (next[d] < end[d]) {
            struct keyindex_entry entry = entries[next[d]];

            for (unsigned to; (to = digit_of(&entry, digit)) != d;) {
                struct keyindex_entry *other = &entries[next[to]++];
                struct keyindex_entry moved = *other;

                *other = entry;
                entry = moved;
            }
            entries[next[d]++] = entry;
        }
}

/*
 * By the bytes from the highest on, in place: there are millions, of which a second copy
 * would be too much, and whose hashes differ in their first two or three bytes.
 */
static void sort_by(struct keyindex_entry *entries, size_t count, unsigned digit)
{
    size_t end[BYTE_COUNT], begin = 0;

    if (count <= FEW) {
        sort_few(entries, count);
        return;
    }
    distribute(entries, count, digit, end);
    if (++digit == DIGITS)
        return;
    for (unsigned d = 0; d < BYTE_COUNT; begin = end[d++])
        if (end[d] - begin > 1)
            sort_by(entries + begin, end[d] - begin, digit);
}

const struct keyindex_entry *keyindex_builder_sort(struct keyindex_builder *builder,
                                                   size_t *ret_count)
{
    struct keyindex_entry *entries = (struct keyindex_entry *)builder->entries.data;

    *ret_count = builder->entries.bytes / sizeof *entries;
    sort_by(entries, *ret_count, 0);
    return entries;
}

/* --- writing ------------------------------------------------------------ */

void keyindex_key(const struct object_entry *segment, uint64_t signature,
                  char ret_key[KEYINDEX_KEY_BYTES])
{
    char table[UUID_TEXT_BYTES + 1], object[UUID_TEXT_BYTES + 1];

    uuid_to_text(segment->table, table);
    uuid_to_text(segment->uuid, object);
    snprintf(ret_key, KEYINDEX_KEY_BYTES, "data/%s/%s.%016" PRIx64 ".key", table, object,
             signature);
}

/* The pages of an index on their way out. */
struct pages {
    struct upload *upload;
    struct keyindex_page page; /* the next one; zeros where nothing was set */
    uint64_t number, id;
};

static int put_page(struct pages *pages, struct err *err)
{
    struct keyindex_page *page = &pages->page;
    uint64_t xxh3;
    int r;

    page->place = htole64(keyindex_place(pages->id, pages->number));
    xxh3 = hash64_bytes(page, offsetof(struct keyindex_page, xxh3));
    page->xxh3 = htole64(xxh3);
    if (!pages->number++)
        pages->id = xxh3;
    r = upload_write(pages->upload, page, sizeof *page, err);
    memset(page, 0, sizeof *page);
    return r;
}

static int put_header(struct pages *pages, const struct object_entry *segment, uint64_t signature,
                      uint64_t count, struct err *err)
{
    pages->page.header = (struct keyindex_header){
        .magic = KEYINDEX_MAGIC,
        .segment = segment->uuid,
        .signature = htole64(signature),
        .entries = htole64(count),
        .segment_bytes = htole64(segment->bytes),
    };
    return put_page(pages, err);
}

static int put_directory(struct pages *pages, const struct keyindex_entry *entries, size_t count,
                         struct err *err)
{
    size_t filled = 0;
    int r = 0;

    for (size_t i = 0; !r && i < count; i += KEYINDEX_PAGE_ENTRIES) {
        pages->page.hashes[filled++] = htole64(entries[i].hash);
        if (filled == KEYINDEX_PAGE_HASHES || count - i <= KEYINDEX_PAGE_ENTRIES) {
            r = put_page(pages, err);
            filled = 0;
        }
    }
    return r;
}

static int put_entries(struct pages *pages, const struct keyindex_entry *entries, size_t count,
                       struct err *err)
{
    size_t filled = 0;
    int r = 0;

    for (size_t i = 0; !r && i < count; i++) {
        pages->page.entries[filled++] = (struct keyindex_entry){.hash = htole64(entries[i].hash),
                                                                .row = htole32(entries[i].row)};
        if (filled == KEYINDEX_PAGE_ENTRIES || i + 1 == count) {
            r = put_page(pages, err);
            filled = 0;
        }
    }
    return r;
}

/* Somebody else may have been first: with the same bytes, as they follow from the segment. */
static int finish(struct upload *upload, const char *key, struct err *err)
{
    struct err reason = ERR_INIT;
    enum put_state state;
    int r = upload_finish(upload, key, NULL, &state, &reason);

    if (r == -EEXIST)
        return 0;
    if (r < 0 && err)
        *err = reason;
    return r;
}

int keyindex_builder_put(struct keyindex_builder *builder, struct store *store,
                         const struct object_entry *segment, uint64_t signature, struct err *err)
{
    cleanup(upload_destroy_p) struct upload *upload = NULL;
    const struct keyindex_entry *entries;
    char key[KEYINDEX_KEY_BYTES];
    struct pages pages;
    size_t count;
    int r;

    entries = keyindex_builder_sort(builder, &count);
    keyindex_key(segment, signature, key);
    r = store_upload_begin(store, &upload, err);
    memset(&pages, 0, sizeof pages);
    pages.upload = upload;
    if (!r)
        r = put_header(&pages, segment, signature, count, err);
    if (!r)
        r = put_directory(&pages, entries, count, err);
    if (!r)
        r = put_entries(&pages, entries, count, err);
    if (!r)
        r = finish(upload, key, err);
    buf_finish(&builder->entries);
    return r;
}
