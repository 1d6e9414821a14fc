/* SPDX-License-Identifier: MIT */
/* What core promises in core/stage.h, one fact a test. */
#include <stdio.h>
#include <stdlib.h>

#include "core/stage.h"
#include "tests/lib/check.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"

#define INLINE RECORD_INLINE_BYTES

static uint64_t seed;
static struct stage stage;
static struct buf model;
static uint64_t model_rows;

static int begin(void **state)
{
    seed = 9;
    model = (struct buf){0};
    model_rows = 0;
    fixture_begin_store(state);
    stage_init(&stage, temp.store, uuid_random());
    return 0;
}

static int end(void **state)
{
    stage_finish(&stage);
    buf_finish(&model);
    return fixture_end(state);
}

/* Rows of so many bytes each with their line feeds, staged at once. */
static int try_append(size_t count, size_t row_bytes, struct err *err)
{
    size_t from = model.bytes;
    int r;

    assert_int_equal(buf_reserve(&model, count * row_bytes), 0);
    for (size_t i = 0; i < count * row_bytes; i++)
        model.data[model.bytes++] =
            (i + 1) % row_bytes ? (char)('a' + check_random_below(&seed, 26)) : '\n';
    r = stage_append(&stage, model.data + from, model.bytes - from, count, err);
    if (r < 0)
        model.bytes = from;
    else
        model_rows += count;
    return r;
}

static void append(size_t count, size_t row_bytes)
{
    struct err err = ERR_INIT;

    assert_ok(try_append(count, row_bytes, &err), &err);
    assert_int_equal(stage_bytes(&stage), model.bytes);
    assert_int_equal(stage_rows(&stage), model_rows);
}

static void expect_read(uint64_t offset, size_t bytes)
{
    size_t there = offset < model.bytes ? model.bytes - (size_t)offset : 0;
    char *read = malloc(bytes + 1);
    struct err err = ERR_INIT;

    assert_non_null(read);
    there = there < bytes ? there : bytes;
    assert_int_equal(stage_read(&stage, read, bytes, offset, &err), there);
    if (there)
        assert_memory_equal(read, model.data + offset, there);
    free(read);
}

static void expect_reads(void)
{
    expect_read(0, model.bytes);
    expect_read(0, model.bytes + 1);
    expect_read(model.bytes, 1);
    expect_read(UINT64_MAX, 1);
    for (int i = 0; i < 20; i++)
        expect_read(check_random_below(&seed, model.bytes + 1),
                    check_random_below(&seed, model.bytes + 1));
}

static void an_empty_stage_has_nothing(void **state)
{
    (void)state;
    assert_int_equal(stage_bytes(&stage), 0);
    assert_int_equal(stage_rows(&stage), 0);
    expect_read(0, 10);
    assert_int_equal(stage_seal(&stage, NULL), 0);
    assert_int_equal(stage.entry_count, 0);
    assert_int_equal(stage.memory.bytes, 0);
}

static void few_rows_stay_in_memory(void **state)
{
    (void)state;
    append(10, 100);
    append(1, INLINE - 1000);
    expect_reads();
    assert_int_equal(stage_seal(&stage, NULL), 0);
    assert_int_equal(stage.entry_count, 0);
    assert_int_equal(stage.memory.bytes, INLINE);
    assert_int_equal(stage.memory_rows, 11);
    assert_memory_equal(stage.memory.data, model.data, INLINE);
    assert_int_equal(tempstore_entries(&temp, "data"), 0);
}

static void more_rows_become_a_segment_when_they_are_sealed(void **state)
{
    struct segment_index *index = NULL;
    char *read = malloc(4 * INLINE);

    (void)state;
    assert_non_null(read);
    append(1, INLINE);
    append(1, 1);
    append(30, 5000);
    expect_reads();
    assert_int_equal(tempstore_entries(&temp, "data"), 0);
    assert_int_equal(stage_seal(&stage, NULL), 0);
    expect_reads();
    assert_int_equal(stage.memory.bytes, 0);
    assert_int_equal(stage.entry_count, 1);
    assert_int_equal(stage.entries[0].bytes, model.bytes);
    assert_int_equal(stage.entries[0].rows, 32);
    assert_true(uuid_equal(stage.entries[0].table, stage.table));
    assert_int_equal(segment_index_load(temp.store, &stage.entries[0], &index, NULL), 0);
    assert_int_equal(segment_read(temp.store, &stage.entries[0], index, read, model.bytes, 0, NULL),
                     0);
    assert_memory_equal(read, model.data, model.bytes);
    segment_index_destroy(index);
    free(read);
}

static void a_first_append_of_many_rows_is_a_segment(void **state)
{
    (void)state;
    append(700, 1000);
    expect_reads();
    assert_int_equal(stage_seal(&stage, NULL), 0);
    assert_int_equal(stage.entry_count, 1);
    expect_reads();
}

static void a_stage_that_is_finished_leaves_nothing_and_can_be_used_again(void **state)
{
    (void)state;
    append(2, INLINE);
    stage_finish(&stage);
    assert_int_equal(tempstore_entries(&temp, "data"), 0);
    assert_int_equal(tempstore_entries(&temp, "tmp"), 0);
    assert_int_equal(stage_bytes(&stage), 0);
    model.bytes = model_rows = 0;
    append(3, 10);
    expect_reads();
}

static void a_moved_stage_is_empty_and_the_other_has_all(void **state)
{
    struct stage from = {0};

    (void)state;
    append(2, INLINE);
    stage_move(&stage, &from);
    assert_int_equal(stage_bytes(&stage), 0);
    assert_ptr_equal(stage.store, temp.store);
    assert_int_equal(stage_bytes(&from), model.bytes);
    stage_move(&from, &stage);
    assert_int_equal(stage_bytes(&from), 0);
    expect_reads();
    assert_int_equal(stage_seal(&stage, NULL), 0);
    stage_finish(&from);
}

static void a_disk_that_is_full_is_told(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    append(1, INLINE);
    faultio_rule(FAULTIO_OPEN_UNNAMED, 0, 1, FAULTIO_REFUSE, ENOSPC);
    assert_fails(try_append(1, 10, &err), -ENOSPC, &err);
    stage_finish(&stage);
    model.bytes = model_rows = 0;
    faultio_reset();
    append(1, 2 * INLINE);
    faultio_rule(FAULTIO_WRITE, 0, 1, FAULTIO_REFUSE, EDQUOT);
    assert_fails(stage_seal(&stage, &err), -EDQUOT, &err);
    assert_int_equal(stage.entry_count, 0);
    stage_finish(&stage);
    assert_int_equal(tempstore_entries(&temp, "data"), 0);
    assert_int_equal(tempstore_entries(&temp, "tmp"), 0);
    faultio_reset();
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(an_empty_stage_has_nothing),
        test(few_rows_stay_in_memory),
        test(more_rows_become_a_segment_when_they_are_sealed),
        test(a_first_append_of_many_rows_is_a_segment),
        test(a_stage_that_is_finished_leaves_nothing_and_can_be_used_again),
        test(a_moved_stage_is_empty_and_the_other_has_all),
        test(a_disk_that_is_full_is_told),
    };

    return cmocka_run_group_tests_name("stage", tests, NULL, NULL);
}
