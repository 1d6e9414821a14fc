/* SPDX-License-Identifier: MIT */
/* What core promises in core/store/segment.h, one fact a test. */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/store/object.h"
#include "core/store/segment.h"
#include "core/store/segment_format.h"
#include "tests/lib/check.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"

#define BLOCK SEGMENT_BLOCK_BYTES

static uint64_t seed;
static struct buf model; /* what the segment must hold */
static uint64_t model_rows;
static struct object_entry entry;
static struct segment_writer *writer;

static int begin(void **state)
{
    struct err err = ERR_INIT;

    seed = 5;
    model = (struct buf){0};
    model_rows = 0;
    entry = (struct object_entry){0};
    fixture_begin_store(state);
    assert_ok(segment_writer_create(temp.store, uuid_random(), &writer, &err), &err);
    return 0;
}

static int end(void **state)
{
    segment_writer_destroy(writer);
    free(entry.path);
    free(entry.index_path);
    buf_finish(&model);
    return fixture_end(state);
}

/* One append of `count` rows of `row_bytes` each, with their line feeds. */
static void append_rows(size_t count, size_t row_bytes)
{
    struct err err = ERR_INIT;
    size_t from = model.bytes;

    assert_int_equal(buf_reserve(&model, count * row_bytes), 0);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j + 1 < row_bytes; j++)
            model.data[model.bytes++] = (char)('a' + check_random_below(&seed, 26));
        model.data[model.bytes++] = '\n';
    }
    model_rows += count;
    assert_ok(segment_writer_append(writer, model.data + from, model.bytes - from, count, &err),
              &err);
    assert_int_equal(segment_writer_bytes(writer), model.bytes);
    assert_int_equal(segment_writer_rows(writer), model_rows);
}

static void finish(void)
{
    struct err err = ERR_INIT;

    assert_ok(segment_writer_finish(writer, &entry, &err), &err);
    assert_int_equal(entry.bytes, model.bytes);
    assert_int_equal(entry.stored_bytes, model.bytes);
    assert_int_equal(entry.rows, model_rows);
}

static int read_range(void *to, size_t bytes, uint64_t offset, struct err *err)
{
    struct segment_index *index = NULL;
    int r = segment_index_load(temp.store, &entry, &index, err);

    if (!r)
        r = segment_read(temp.store, &entry, index, to, bytes, offset, err);
    segment_index_destroy(index);
    return r;
}

static void expect_range(uint64_t offset, size_t bytes)
{
    char *read = malloc(bytes + 1);
    struct err err = ERR_INIT;

    assert_non_null(read);
    assert_ok(read_range(read, bytes, offset, &err), &err);
    assert_memory_equal(read, model.data + offset, bytes);
    free(read);
}

static void expect_ranges(void)
{
    size_t marks[] = {0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK - 1};

    for (size_t i = 0; i < ARRAY_COUNT(marks); i++)
        for (size_t j = 0; j < ARRAY_COUNT(marks); j++)
            if (marks[i] + marks[j] <= model.bytes) {
                expect_range(marks[i], marks[j]);
                expect_range(model.bytes - marks[i] - marks[j], marks[j]);
            }
    for (int i = 0; i < 50; i++) {
        size_t offset = check_random_below(&seed, model.bytes + 1);

        expect_range(offset, check_random_below(&seed, model.bytes - offset + 1));
    }
}

/* The sidecar, counted again from the model. */
static void expect_index(void)
{
    const struct segment_header *header;
    const struct segment_block *blocks;
    uint64_t count = (model.bytes + BLOCK - 1) / BLOCK, rows = 0;
    struct buf index = {0};

    tempstore_read(&temp, entry.index_path, &index);
    assert_true(hash_equal(hash_bytes(index.data, index.bytes), entry.index_hash));
    assert_int_equal(index.bytes, sizeof *header + count * sizeof *blocks);
    header = (const void *)index.data;
    blocks = (const void *)(index.data + sizeof *header);
    assert_memory_equal(header->magic, "rowfsix1", 8);
    assert_int_equal(le32toh(header->header_bytes), 48);
    assert_int_equal(le32toh(header->block_bytes), 65536);
    assert_int_equal(le64toh(header->bytes), model.bytes);
    assert_int_equal(le64toh(header->rows), model_rows);
    assert_int_equal(le64toh(header->blocks), count);
    assert_int_equal(header->reserved, 0);
    for (size_t i = 0; i < model.bytes; i++) {
        size_t left = model.bytes - i;

        if (i % BLOCK == 0) {
            assert_int_equal(le64toh(blocks[i / BLOCK].rows_before), rows);
            assert_true(le64toh(blocks[i / BLOCK].xxh3) ==
                        hash64_bytes(model.data + i, left < BLOCK ? left : BLOCK));
        }
        rows += i == 0 || model.data[i - 1] == '\n'; /* one begins here */
    }
    assert_int_equal(rows, model_rows);
    buf_finish(&index);
}

static void expect_segment(void)
{
    finish();
    expect_index();
    expect_ranges();
}

/* --- round trips ---------------------------------------------------------------- */

static void rows_of_any_length_come_back(void **state)
{
    (void)state;
    while (model.bytes < 5 * BLOCK)
        append_rows(1 + check_random_below(&seed, 300), 1 + check_random_below(&seed, 120));
    expect_segment();
}

static void rows_that_end_where_a_block_ends_come_back(void **state)
{
    (void)state;
    append_rows(3 * BLOCK / 64, 64);
    append_rows(BLOCK / 64, 64);
    append_rows(BLOCK / 64 - 1, 64);
    append_rows(1, 63);
    append_rows(1, 1);
    append_rows(1, 2);
    append_rows(BLOCK / 32, 32);
    expect_segment();
}

static void a_segment_of_exactly_some_blocks_comes_back(void **state)
{
    (void)state;
    append_rows(1, BLOCK);
    append_rows(2, BLOCK / 2);
    append_rows(1, 2 * BLOCK);
    expect_segment();
}

static void rows_longer_than_a_block_come_back(void **state)
{
    (void)state;
    append_rows(1, BLOCK + 1);
    append_rows(3, 2 * BLOCK + 17);
    append_rows(2, BLOCK - 1);
    append_rows(5, 1);
    append_rows(1, 5 * BLOCK);
    expect_segment();
}

static void large_and_small_appends_keep_their_order(void **state)
{
    (void)state;
    append_rows(10, 100);
    append_rows(4, 100 * 1024);
    append_rows(1, 10);
    append_rows(1, 256 * 1024);
    append_rows(1, 256 * 1024 - 1);
    append_rows(2600, 101);
    append_rows(1, 1);
    expect_segment();
}

static void a_segment_of_one_byte_comes_back(void **state)
{
    (void)state;
    append_rows(1, 1);
    finish();
    expect_index();
    expect_range(0, 1);
    expect_range(0, 0);
    expect_range(1, 0);
}

static void what_was_appended_is_read_back_before_the_end(void **state)
{
    char *read = malloc(1024 * 1024);

    (void)state;
    assert_non_null(read);
    for (int i = 0; i < 30; i++) {
        append_rows(1 + check_random_below(&seed, 50), 1 + check_random_below(&seed, 1200));
        for (int j = 0; j < 20; j++) {
            size_t offset = check_random_below(&seed, model.bytes + 1);
            size_t bytes = check_random_below(&seed, model.bytes - offset + 1);

            assert_int_equal(segment_writer_read(writer, read, bytes, offset, NULL), 0);
            assert_memory_equal(read, model.data + offset, bytes);
        }
    }
    free(read);
}

static void nothing_is_visible_before_the_end(void **state)
{
    (void)state;
    append_rows(3, 200 * 1024);
    assert_int_equal(tempstore_entries(&temp, "data"), 0);
    segment_writer_destroy(writer);
    writer = NULL;
    assert_int_equal(tempstore_entries(&temp, "data"), 0);
    assert_int_equal(tempstore_entries(&temp, "tmp"), 0);
}

/* --- damage ----------------------------------------------------------------------- */

static void make_segment(void)
{
    append_rows(2, BLOCK);
    append_rows(100, 50);
    finish();
}

static void expect_damaged(uint64_t offset, size_t bytes, const char *name, const char *part)
{
    char *read = malloc(bytes + 1);
    struct err err = ERR_INIT;

    assert_non_null(read);
    assert_fails(read_range(read, bytes, offset, &err), -EIO, &err);
    assert_has(err.text, name);
    assert_has(err.text, part);
    free(read);
}

static void a_flipped_bit_of_the_rows_is_damage_to_whoever_reads_its_block(void **state)
{
    size_t places[] = {0, 1, BLOCK / 2, BLOCK - 1, BLOCK, 2 * BLOCK - 1, 2 * BLOCK, 0};

    (void)state;
    make_segment();
    places[ARRAY_COUNT(places) - 1] = model.bytes - 1;
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        size_t block = places[i] / BLOCK * BLOCK, another = block ? 0 : BLOCK;
        char part[32];

        snprintf(part, sizeof part, "block %zu", places[i] / BLOCK);
        tempstore_flip(&temp, entry.path, places[i], (unsigned char)(1 << i));
        expect_damaged(0, model.bytes, entry.path, part);
        expect_damaged(block, 1, entry.path, part);
        expect_damaged(places[i], 1, entry.path, part);
        expect_range(another, BLOCK);
        tempstore_flip(&temp, entry.path, places[i], (unsigned char)(1 << i));
        expect_range(0, model.bytes);
    }
}

static void a_flipped_bit_anywhere_in_the_sidecar_is_damage(void **state)
{
    size_t bytes = sizeof(struct segment_header) + 3 * sizeof(struct segment_block);

    (void)state;
    make_segment();
    for (size_t i = 0; i < bytes; i++) {
        tempstore_flip(&temp, entry.index_path, i, (unsigned char)(1 << i % 8));
        expect_damaged(0, 1, entry.index_path, "");
        tempstore_flip(&temp, entry.index_path, i, (unsigned char)(1 << i % 8));
    }
    expect_range(0, 1);
}

static void a_short_segment_is_damage(void **state)
{
    (void)state;
    make_segment();
    tempstore_cut(&temp, entry.path, (off_t)model.bytes - 1);
    expect_damaged(model.bytes - 1, 1, entry.path, "short");
    expect_range(0, 2 * BLOCK);
    tempstore_cut(&temp, entry.path, 0);
    expect_damaged(0, 1, entry.path, "short");
    tempstore_cut(&temp, entry.index_path, 47);
    expect_damaged(0, 1, entry.index_path, "damaged");
}

static void a_missing_segment_is_damage(void **state)
{
    (void)state;
    make_segment();
    tempstore_remove(&temp, entry.path);
    expect_damaged(0, 1, entry.path, "missing");
    expect_damaged(0, model.bytes, entry.path, "missing");
    tempstore_remove(&temp, entry.index_path);
    expect_damaged(0, 1, entry.index_path, "missing");
}

static void a_range_behind_the_end_is_damage(void **state)
{
    (void)state;
    make_segment();
    expect_damaged(model.bytes, 1, entry.path, "shorter");
    expect_damaged(0, model.bytes + 1, entry.path, "shorter");
    expect_damaged(UINT64_MAX, 2, entry.path, "shorter");
}

static void a_sidecar_of_another_segment_does_not_fit(void **state)
{
    (void)state;
    make_segment();
    entry.rows++;
    expect_damaged(0, 1, entry.index_path, "does not fit");
    entry.rows--;
    entry.bytes += BLOCK;
    expect_damaged(0, 1, entry.index_path, "does not fit");
    entry.bytes -= BLOCK;
    expect_range(0, 1);
}

static void a_row_of_a_segment_without_rows_is_not_found(void **state)
{
    struct object *object = NULL;
    struct err err = ERR_INIT;
    uint64_t offset = 7;

    (void)state;
    finish();
    assert_int_equal(object_create_segment(&entry, &object), 0);
    assert_fails(object_find_row(temp.store, object, 1, &offset, &err), -EIO, &err);
    assert_int_equal(offset, 7);
    object_unref(object);
}

static void sections_behind_the_blocks_are_ignored(void **state)
{
    struct buf index = {0};

    (void)state;
    make_segment();
    tempstore_read(&temp, entry.index_path, &index);
    assert_int_equal(buf_append(&index, "a newer section", 15), 0);
    tempstore_replace(&temp, entry.index_path, index.data, index.bytes);
    entry.index_hash = hash_bytes(index.data, index.bytes);
    expect_range(0, model.bytes);
    buf_finish(&index);
}

/* A new writer, for a table that has no directory yet, with a few rows. */
static void begin_again(void)
{
    struct err err = ERR_INIT;

    segment_writer_destroy(writer);
    assert_int_equal(tempstore_entries(&temp, "tmp"), 0);
    assert_ok(segment_writer_create(temp.store, uuid_random(), &writer, &err), &err);
    model.bytes = model_rows = 0;
    append_rows(3, 1000);
}

static void a_disk_that_fails_at_any_call_of_the_end_gives_no_segment(void **state)
{
    struct object_entry untouched = entry;
    unsigned failures = 0;
    bool struck = true;

    (void)state;
    for (unsigned n = 0; struck; n++) {
        struct err err = ERR_INIT;
        int r;

        begin_again();
        faultio_reset();
        faultio_rule(FAULTIO_ANY, n, 1, FAULTIO_REFUSE, ENOSPC);
        r = segment_writer_finish(writer, &entry, &err);
        struck = faultio_struck();
        faultio_reset();
        if (r < 0) {
            assert_fails(r, -ENOSPC, &err);
            assert_memory_equal(&entry, &untouched, sizeof entry);
            failures++;
        } else { /* also when the answer of the call that failed did not matter */
            expect_range(0, model.bytes);
            free(entry.path);
            free(entry.index_path);
            entry = untouched;
        }
    }
    assert_true(failures >=
                10); /* two times write, fsync, link, fstat and fsync of the directory */
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(rows_of_any_length_come_back),
        test(rows_that_end_where_a_block_ends_come_back),
        test(a_segment_of_exactly_some_blocks_comes_back),
        test(rows_longer_than_a_block_come_back),
        test(large_and_small_appends_keep_their_order),
        test(a_segment_of_one_byte_comes_back),
        test(what_was_appended_is_read_back_before_the_end),
        test(nothing_is_visible_before_the_end),
        test(a_flipped_bit_of_the_rows_is_damage_to_whoever_reads_its_block),
        test(a_flipped_bit_anywhere_in_the_sidecar_is_damage),
        test(a_short_segment_is_damage),
        test(a_missing_segment_is_damage),
        test(a_range_behind_the_end_is_damage),
        test(a_sidecar_of_another_segment_does_not_fit),
        test(a_row_of_a_segment_without_rows_is_not_found),
        test(sections_behind_the_blocks_are_ignored),
        test(a_disk_that_fails_at_any_call_of_the_end_gives_no_segment),
    };

    return cmocka_run_group_tests_name("segment", tests, NULL, NULL);
}
