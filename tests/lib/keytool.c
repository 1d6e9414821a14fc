/* SPDX-License-Identifier: MIT */
/* An index of keys and the array that it must agree with. */
#include "tests/lib/keytool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/check.h"
#include "tests/lib/fixture.h"

struct object_entry key_segment;
struct keyindex_builder *key_builder;
struct keyindex *key_index;

struct pair {
    uint64_t hash;
    uint32_t row;
};
static struct buf model; /* struct pair, sorted by keytool_put */

int keytool_begin(void **state)
{
    fixture_begin_store(state);
    key_segment = (struct object_entry){
        .uuid = uuid_random(), .table = uuid_random(), .bytes = 123456, .rows = 1000};
    key_index = NULL;
    return keyindex_builder_create(&key_builder);
}

int keytool_end(void **state)
{
    keyindex_unref(key_index);
    keyindex_builder_destroy(key_builder);
    buf_finish(&model);
    return fixture_end(state);
}

const char *keytool_path(void)
{
    static char path[TEMPSTORE_PATH_BYTES];
    char table[UUID_TEXT_BYTES + 1], object[UUID_TEXT_BYTES + 1];

    uuid_to_text(key_segment.table, table);
    uuid_to_text(key_segment.uuid, object);
    snprintf(path, sizeof path, "data/%s/%s.00c0ffee12345678.key", table, object);
    return path;
}

size_t keytool_bytes(void)
{
    struct buf file_bytes = {0};
    size_t bytes;

    tempstore_read(&temp, keytool_path(), &file_bytes);
    bytes = file_bytes.bytes;
    buf_finish(&file_bytes);
    return bytes;
}

void keytool_add(uint64_t hash, uint32_t row)
{
    struct pair pair = {.hash = hash, .row = row};

    assert_int_equal(keyindex_builder_add(key_builder, hash, row), 0);
    assert_int_equal(buf_append(&model, &pair, sizeof pair), 0);
}

static int compare(const void *one, const void *other_one)
{
    const struct pair *a = one, *b = other_one;

    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

void keytool_put(void)
{
    struct err err = ERR_INIT;

    if (model.bytes)
        qsort(model.data, model.bytes / sizeof(struct pair), sizeof(struct pair), compare);
    assert_ok(keyindex_builder_put(key_builder, temp.store, &key_segment, KEYTOOL_SIGNATURE, &err),
              &err);
}

void keytool_open(void)
{
    struct err err = ERR_INIT;

    keyindex_unref(key_index);
    key_index = NULL;
    assert_ok(keyindex_open(temp.store, &key_segment, KEYTOOL_SIGNATURE, &key_index, &err), &err);
}

void keytool_forget(void)
{
    model.bytes = 0;
}

void keytool_again(void)
{
    struct err err = ERR_INIT;

    keyindex_unref(key_index);
    key_index = NULL;
    assert_ok(keyindex_remove(temp.store, &key_segment, KEYTOOL_SIGNATURE, &err), &err);
    keytool_forget();
}

uint64_t keytool_hash(size_t i)
{
    return ((const struct pair *)(const void *)model.data)[i].hash;
}

/* The first entry that is not below the hash. */
static size_t find_in_model(uint64_t hash)
{
    size_t low = 0, high = model.bytes / sizeof(struct pair);

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (keytool_hash(middle) < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int keytool_try(uint64_t hash)
{
    const struct pair *pairs = (const void *)model.data;
    size_t count = model.bytes / sizeof *pairs, found;
    size_t at = find_in_model(hash);
    struct err err = ERR_INIT;
    struct buf rows = {0};
    const uint32_t *row;
    int r = keyindex_find(temp.store, key_index, hash, &rows, &err);

    found = rows.bytes / sizeof *row;
    row = (const void *)rows.data;
    if (r < 0) {
        assert_fails(r, -EIO, &err);
        assert_int_equal(found, 0);
    } else {
        for (size_t i = 0; i < found; i++, at++)
            if (at >= count || pairs[at].hash != hash || pairs[at].row != row[i])
                fail_msg("row %zu of hash %" PRIx64 " is not to be there", i, hash);
        if (at < count && pairs[at].hash == hash)
            fail_msg("only %zu rows of hash %" PRIx64, found, hash);
    }
    buf_finish(&rows);
    return r;
}

void keytool_expect(uint64_t hash)
{
    assert_int_equal(keytool_try(hash), 0);
}
