/* SPDX-License-Identifier: MIT */
/* What core promises in core/stage.h, one fact a test. */
#include <stdio.h>
#include <stdlib.h>

#include "core/stage.h"
#include "tests/lib/check.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"
#include "tests/lib/nomem.h"

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

/* --- rows one by one ----------------------------------------------------------------- */

struct walk {
    size_t offset; /* of the next row in the model */
    uint64_t rows;
    uint64_t stop_at; /* 0: nowhere */
};

static int take_row(void *context, const char *row, size_t bytes, struct err *err)
{
    struct walk *walk = context;

    (void)err;
    assert_true(walk->offset + bytes < model.bytes);
    assert_memory_equal(row, model.data + walk->offset, bytes);
    assert_int_equal(model.data[walk->offset + bytes], '\n');
    walk->offset += bytes + 1;
    return ++walk->rows == walk->stop_at ? 7 : 0;
}

static void expect_each_row(void)
{
    struct walk walk = {0}, part = {.stop_at = model_rows / 2};

    assert_int_equal(stage_each_row(&stage, take_row, &walk, NULL), 0);
    assert_int_equal(walk.offset, model.bytes);
    assert_int_equal(walk.rows, model_rows);
    assert_int_equal(stage_each_row(&stage, take_row, &part, NULL), part.stop_at ? 7 : 0);
    assert_int_equal(part.rows, part.stop_at);
}

static void each_row_is_given_once_in_order(void **state)
{
    (void)state;
    expect_each_row();
    append(10, 7);
    append(1, 1); /* empty */
    expect_each_row();
    append(1000, 90);
    append(1, 3 * INLINE);
    append(3, INLINE); /* which end with what is read at once, or not */
    append(20, INLINE / 2 + 1);
    expect_each_row();
    assert_int_equal(stage_seal(&stage, NULL), 0);
    expect_each_row();
    append(100, 1000);
    expect_each_row();
}

static void each_row_is_not_given_where_it_cannot_be_read(void **state)
{
    struct walk walk = {0};
    struct err err = ERR_INIT;

    (void)state;
    append(40, 5000);
    assert_int_equal(stage_seal(&stage, NULL), 0);
    faultio_rule(FAULTIO_READ, 1, 1, FAULTIO_REFUSE, EIO);
    assert_fails(stage_each_row(&stage, take_row, &walk, &err), -EIO, &err);
    assert_true(walk.rows < 40);
    faultio_reset();
    nomem_after(0);
    assert_fails(stage_each_row(&stage, take_row, &walk, &err), -ENOMEM, &err);
    nomem_end();
}

/* --- how rows are divided ------------------------------------------------------------ */

static void a_segment_has_no_more_rows_than_it_may(void **state)
{
    (void)state;
    stage.segment_rows = 100;
    append(50, 10);
    append(30, INLINE / 20);
    for (int i = 0; i < 215; i++)
        append(1, 700);
    assert_int_equal(stage_seal(&stage, NULL), 0);
    assert_int_equal(stage.entry_count, 3);
    assert_int_equal(stage.entries[0].rows, 100);
    assert_int_equal(stage.entries[1].rows, 100);
    assert_int_equal(stage.entries[2].rows, 95);
    expect_reads();
    expect_each_row();
}

static void what_is_spilled_is_in_a_segment_whatever_its_size(void **state)
{
    (void)state;
    append(3, 10);
    assert_int_equal(stage_spill(&stage, NULL), 0);
    assert_int_equal(stage.entry_count, 1);
    assert_int_equal(stage.entries[0].rows, 3);
    assert_int_equal(stage.memory.bytes, 0);
    assert_int_equal(stage.memory_rows, 0);
    expect_reads();
    expect_each_row();
    append(5, 20);
    expect_each_row();
    assert_int_equal(stage_spill(&stage, NULL), 0);
    assert_int_equal(stage.entry_count, 2);
    expect_reads();
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
        test(each_row_is_given_once_in_order),
        test(each_row_is_not_given_where_it_cannot_be_read),
        test(a_segment_has_no_more_rows_than_it_may),
        test(what_is_spilled_is_in_a_segment_whatever_its_size),
        test(a_disk_that_is_full_is_told),
    };

    return cmocka_run_group_tests_name("stage", tests, NULL, NULL);
}
