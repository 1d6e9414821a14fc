/* SPDX-License-Identifier: MIT */
/* Uncommitted rows as an object that grows, and where a record has them. */
#include <stdio.h>
#include <stdlib.h>

#include "core/staged.h"
#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/faultio.h"
#include "tests/lib/tempstore.h"
#include "tests/lib/txtool.h"

#define ROW(n) "{\"n\":" #n "}\n"
#define BODY   1000 /* where the rows in memory begin in the body of the record */
#define FIRST  100
#define SEQ    7
#define PARTS  64

static struct tempstore temp;
static struct staged *staged;
static struct object *object;
static struct err err;

static int begin(void **state)
{
    (void)state;
    err = (struct err)ERR_INIT;
    tempstore_begin(&temp);
    faultio_install();
    tempstore_open_db(&temp);
    assert_int_equal(staged_create(temp.store, uuid_random(), &staged), 0);
    assert_int_equal(staged_object(staged, &object), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    object_unref(object);
    staged_unref(staged);
    faultio_remove();
    tempstore_end(&temp);
    return 0;
}

static int try_append(const char *rows, struct extent_ref *ret_ref)
{
    struct stage stage;
    int r;

    dbtool_stage(temp.db, staged_table(staged), rows, strlen(rows), &stage);
    r = staged_append(staged, &stage, ret_ref, &err);
    assert_int_equal(stage_bytes(&stage), 0); /* it was taken, whatever came of it */
    stage_finish(&stage);
    return r;
}

static struct extent_ref append(const char *rows)
{
    struct extent_ref ref;

    assert_ok(try_append(rows, &ref), &err);
    assert_true(uuid_equal(ref.object.uuid, object->id.uuid));
    assert_false(ref.object.inlined);
    return ref;
}

static const struct stage *seal(void)
{
    const struct stage *stage = NULL;

    assert_ok(staged_seal(staged, &stage, &err), &err);
    return stage;
}

static void expect_text(const struct extent_ref *ref, const char *text)
{
    char *is = malloc(ref->bytes + 1);

    assert_non_null(is);
    assert_ok(object_read(temp.store, object, is, ref->bytes, ref->offset, &err), &err);
    is[ref->bytes] = '\0';
    assert_string_equal(is, text);
    free(is);
}

/* --- growing ------------------------------------------------------------------------ */

static void rows_are_read_where_they_were_appended_while_it_grows(void **state)
{
    char *row = txtool_long_row('x', 50000);
    struct extent_ref a = append(ROW(1) ROW(2)), b, c, d;

    (void)state;
    assert_int_equal(a.offset, 0);
    assert_int_equal(a.bytes, 16);
    assert_int_equal(a.first_row, 0);
    assert_int_equal(a.rows, 2);
    b = append(row);
    assert_int_equal(staged_memory(staged), 50016);
    c = append(row); /* past what a record holds: it is written out */
    assert_int_equal(staged_memory(staged), 0);
    d = append(ROW(3));
    assert_int_equal(d.offset, 100016);
    assert_int_equal(d.first_row, 4);
    expect_text(&a, ROW(1) ROW(2));
    expect_text(&b, row);
    expect_text(&c, row);
    expect_text(&d, ROW(3));
    seal();
    expect_text(&a, ROW(1) ROW(2));
    expect_text(&c, row);
    expect_text(&d, ROW(3));
    free(row);
}

static void what_was_not_appended_is_not_read(void **state)
{
    struct extent_ref a = append(ROW(1));
    char byte;

    (void)state;
    assert_fails(object_read(temp.store, object, &byte, 1, a.bytes, &err), -EIO, &err);
    assert_has(err.text, "not where they were");
}

static void the_object_keeps_the_rows(void **state)
{
    struct extent_ref a = append(ROW(1));
    struct object *segment = NULL;

    (void)state;
    assert_ptr_equal(staged_of(object), staged);
    staged_unref(staged);
    staged = NULL;
    expect_text(&a, ROW(1));
    assert_int_equal(object_create_inlined(1, &segment), 0);
    assert_null(staged_of(segment));
    object_unref(segment);
    staged_unref(NULL);
}

static void a_row_is_found_by_its_number(void **state)
{
    uint64_t offset = 0;

    (void)state;
    append(ROW(1) ROW(2));
    append(ROW(3));
    for (uint64_t row = 0; row < 3; row++) {
        assert_ok(object_find_row(temp.store, object, row, &offset, &err), &err);
        assert_int_equal(offset, 8 * row);
    }
}

static void a_spill_that_failed_has_lost_nothing_and_can_be_tried_again(void **state)
{
    char byte;

    (void)state;
    append(ROW(1));
    for (unsigned n = 0; n < 2; n++) { /* of the rows, then of their sidecar */
        faultio_rule(FAULTIO_LINK, n, 1, FAULTIO_REFUSE, ENOSPC);
        assert_fails(staged_spill(staged, &err), -ENOSPC, &err);
        assert_ok(object_read(temp.store, object, &byte, 1, 0, &err), &err);
    }
    append(ROW(2));
    assert_ok(staged_spill(staged, &err), &err);
    assert_int_equal(seal()->entries[0].rows, 2);
}

static void rows_that_were_lost_on_their_way_out_are_a_failure_that_is_repeated(void **state)
{
    char *row = txtool_long_row('x', 40000), byte;
    const struct stage *stage;
    struct extent_ref ref;

    (void)state;
    append(row);
    append(row); /* too much for the memory */
    assert_true(staged_is_writing(staged));
    faultio_rule(FAULTIO_LINK, 0, 1, FAULTIO_REFUSE, ENOSPC);
    assert_fails(staged_spill(staged, &err), -ENOSPC, &err);
    assert_true(staged_has_failed(staged));
    for (int i = 0; i < 2; i++) {
        err = (struct err)ERR_INIT;
        assert_fails(try_append(ROW(2), &ref), -ENOSPC, &err);
        assert_has(err.text, "No space");
        assert_fails(staged_spill(staged, &err), -ENOSPC, &err);
        assert_fails(staged_seal(staged, &stage, &err), -ENOSPC, &err);
        assert_fails(object_read(temp.store, object, &byte, 1, 0, &err), -ENOSPC, &err);
    }
    free(row);
}

/* --- translating --------------------------------------------------------------------------- */

static void rows_in_memory_are_in_the_body_of_the_record(void **state)
{
    struct extent_ref parts[1], ref;

    (void)state;
    append(ROW(1) ROW(2));
    ref = append(ROW(3));
    assert_int_equal(seal()->memory_rows, 3);
    assert_int_equal(staged_parts(staged), 1);
    assert_int_equal(staged_translate(staged, &ref, SEQ, BODY, FIRST, parts), 1);
    assert_true(parts[0].object.inlined);
    assert_int_equal(parts[0].object.seq, SEQ);
    assert_int_equal(parts[0].offset, BODY + 16);
    assert_int_equal(parts[0].bytes, 8);
    assert_int_equal(parts[0].first_row, FIRST + 2);
    assert_int_equal(parts[0].rows, 1);
}

static void rows_over_several_data_objects_have_a_part_in_each(void **state)
{
    struct extent_ref parts[4], whole, some;
    const struct stage *stage;

    (void)state;
    append(ROW(1) ROW(2));
    assert_ok(staged_spill(staged, &err), &err);
    append(ROW(3));
    assert_ok(staged_spill(staged, &err), &err);
    append(ROW(4) ROW(5));
    stage = seal();
    assert_int_equal(stage->entry_count, 3);
    assert_int_equal(staged_parts(staged), 4);
    whole = (struct extent_ref){.object = object->id, .bytes = 40, .rows = 5};
    assert_int_equal(staged_translate(staged, &whole, SEQ, 0, 0, parts), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(uuid_equal(parts[i].object.uuid, stage->entries[i].uuid));
        assert_int_equal(parts[i].offset, 0);
        assert_int_equal(parts[i].rows, stage->entries[i].rows);
        assert_int_equal(parts[i].bytes, stage->entries[i].bytes);
    }
    some = (struct extent_ref){
        .object = object->id, .offset = 8, .bytes = 24, .first_row = 1, .rows = 3};
    assert_int_equal(staged_translate(staged, &some, SEQ, 0, 0, parts), 3);
    assert_int_equal(parts[0].offset, 8);
    assert_int_equal(parts[0].first_row, 1);
    assert_int_equal(parts[0].rows, 1);
    assert_int_equal(parts[1].rows, 1);
    assert_int_equal(parts[2].offset, 0);
    assert_int_equal(parts[2].bytes, 8);
    assert_int_equal(parts[2].rows, 1);
}

/* --- at random ------------------------------------------------------------------------------ */

#define ROWS 400

static uint64_t seed;
static struct buf all;              /* rows that were appended */
static size_t ends[ROWS + 1], rows; /* of each row, after a 0 */

static void grow(void)
{
    size_t count = check_random_below(&seed, 5);
    struct buf some = {0};
    struct extent_ref ref;

    for (size_t i = 0; i < count && rows < ROWS; i++) {
        size_t longest = check_random_below(&seed, 6) ? 200 : 60000;
        char *row =
            txtool_long_row((char)('a' + rows % 26), 20 + check_random_below(&seed, longest));

        assert_int_equal(buf_append(&some, row, strlen(row)), 0);
        assert_int_equal(buf_append(&all, row, strlen(row)), 0);
        ends[++rows] = all.bytes;
        free(row);
    }
    assert_int_equal(buf_append(&some, "", 1), 0);
    ref = append(some.data);
    assert_int_equal(ref.offset + ref.bytes, all.bytes);
    assert_int_equal(ref.first_row + ref.rows, rows);
    buf_finish(&some);
}

static struct extent_ref random_extent(void)
{
    size_t from = check_random_below(&seed, rows),
           to = from + 1 + check_random_below(&seed, rows - from);

    return (struct extent_ref){.object = object->id,
                               .offset = ends[from],
                               .bytes = ends[to] - ends[from],
                               .first_row = from,
                               .rows = to - from};
}

static size_t count_rows(const char *data, size_t bytes)
{
    size_t count = 0;

    for (size_t i = 0; i < bytes; i++)
        count += data[i] == '\n';
    return count;
}

/* What a record would show of a part is what is there; appends it to `text`. */
static void read_part(const struct stage *stage, const struct extent_ref *part, struct buf *text)
{
    struct buf whole = {0};
    uint64_t offset = part->offset, first = part->first_row;
    const struct object_entry *entry = NULL;

    if (part->object.inlined) {
        offset -= BODY;
        first -= FIRST;
        assert_int_equal(buf_append(&whole, stage->memory.data, stage->memory.bytes), 0);
    }
    for (size_t i = 0; i < stage->entry_count && !part->object.inlined; i++)
        if (uuid_equal(stage->entries[i].uuid, part->object.uuid))
            entry = &stage->entries[i];
    if (entry)
        assert_ok(store_get(temp.store, entry->path, &whole, NULL, &err), &err);
    assert_true(offset + part->bytes <= whole.bytes);
    assert_int_equal(count_rows(whole.data, offset), first);
    assert_int_equal(count_rows(whole.data + offset, part->bytes), part->rows);
    assert_int_equal(buf_append(text, whole.data + offset, part->bytes), 0);
    buf_finish(&whole);
}

static void check_extent(const struct stage *stage)
{
    struct extent_ref ref = random_extent(), parts[PARTS];
    struct buf text = {0};
    size_t count;

    assert_true(staged_parts(staged) <= PARTS);
    count = staged_translate(staged, &ref, SEQ, BODY, FIRST, parts);
    assert_true(count >= 1 && count <= staged_parts(staged));
    for (size_t i = 0; i < count; i++)
        read_part(stage, &parts[i], &text);
    assert_int_equal(text.bytes, ref.bytes);
    assert_memory_equal(text.data, all.data + ref.offset, ref.bytes);
    buf_finish(&text);
}

static void check_bytes(void)
{
    struct extent_ref ref = random_extent();
    char *is = malloc(ref.bytes);

    assert_non_null(is);
    assert_ok(object_read(temp.store, object, is, ref.bytes, ref.offset, &err), &err);
    assert_memory_equal(is, all.data + ref.offset, ref.bytes);
    free(is);
}

static void a_random_extent_is_translated_to_where_its_rows_are(void **state)
{
    for (uint64_t i = 1; i <= 30; i++) {
        size_t turns = 1 + (size_t)(i * 7 % 20);

        seed = i * UINT64_C(0x9e3779b97f4a7c15);
        rows = 0;
        for (size_t j = 0; j < turns; j++) {
            grow();
            if (!check_random_below(&seed, 8))
                assert_ok(staged_spill(staged, &err), &err);
            if (!check_random_below(&seed, 8)) /* a commit that was not taken: it goes on */
                seal();
            if (rows)
                check_bytes();
        }
        for (size_t j = 0; j < 20 && rows; j++)
            check_extent(seal());
        buf_finish(&all);
        end(state);
        begin(state);
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(rows_are_read_where_they_were_appended_while_it_grows),
        test(what_was_not_appended_is_not_read),
        test(the_object_keeps_the_rows),
        test(a_row_is_found_by_its_number),
        test(a_spill_that_failed_has_lost_nothing_and_can_be_tried_again),
        test(rows_that_were_lost_on_their_way_out_are_a_failure_that_is_repeated),
        test(rows_in_memory_are_in_the_body_of_the_record),
        test(rows_over_several_data_objects_have_a_part_in_each),
        test(a_random_extent_is_translated_to_where_its_rows_are),
    };

    return cmocka_run_group_tests_name("staged", tests, NULL, NULL);
}
