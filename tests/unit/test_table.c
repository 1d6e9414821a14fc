/* SPDX-License-Identifier: MIT */
/* What core promises in core/table.h, one fact a test. */
#include <stdio.h>
#include <stdlib.h>

#include "core/store/log.h"
#include "core/table.h"
#include "tests/lib/check.h"
#include "tests/lib/fixture.h"

#define OBJECTS     3 /* two segments and the body of a record */
#define OBJECT_ROWS 400
#define SEQ         5
#define MOST_ROWS   2000

/* --- objects with rows in them, and a table beside the list of rows that it must hold ------- */

struct source {
    struct object *object;
    struct buf bytes;
    size_t starts[OBJECT_ROWS + 1]; /* where each row begins, and where the last one ends */
};

struct place {
    unsigned source, row;
    uint64_t number; /* in the table */
};

static uint64_t seed, version, appended;
static struct source sources[OBJECTS];
static struct table *table;
static struct place rows[MOST_ROWS];
static size_t row_count;

static void make_rows(struct source *source, unsigned number)
{
    for (size_t i = 0; i < OBJECT_ROWS; i++) {
        source->starts[i] = source->bytes.bytes;
        buf_printf(&source->bytes, "%u.%zu", number, i);
        for (size_t n = check_random_below(&seed, number == 1 ? 900 : 60); n > 0; n--)
            buf_append(&source->bytes, "x", 1);
        buf_append(&source->bytes, "\n", 1);
    }
    source->starts[OBJECT_ROWS] = source->bytes.bytes;
}

static void make_segment(struct source *source)
{
    struct segment_writer *writer = NULL;
    struct object_entry entry;

    assert_int_equal(segment_writer_create(temp.store, uuid_random(), &writer, NULL), 0);
    assert_int_equal(
        segment_writer_append(writer, source->bytes.data, source->bytes.bytes, OBJECT_ROWS, NULL),
        0);
    assert_int_equal(segment_writer_finish(writer, &entry, NULL), 0);
    segment_writer_destroy(writer);
    assert_int_equal(object_create_segment(&entry, &source->object), 0);
    free(entry.path);
    free(entry.index_path);
}

static void make_body(struct source *source)
{
    struct record record = {.seq = SEQ, .host = (char *)"h", .inline_bytes = source->bytes.bytes};
    struct iovec body = {.iov_base = source->bytes.data, .iov_len = source->bytes.bytes};
    struct log_position position;
    struct buf encoded = {0};
    enum put_state state;
    struct hash hash;

    assert_int_equal(record_encode(&record, &body, 1, &encoded, &hash), 0);
    assert_int_equal(log_put(temp.store, SEQ, &encoded, hash, &position, &state, NULL), 0);
    assert_int_equal(object_create_inlined(SEQ, &source->object), 0);
    buf_finish(&encoded);
}

static int begin(void **state)
{
    seed = 6;
    version = 1;
    row_count = appended = 0;
    fixture_begin_store(state);
    for (unsigned i = 0; i < OBJECTS; i++) {
        make_rows(&sources[i], i);
        if (i < 2)
            make_segment(&sources[i]);
        else
            make_body(&sources[i]);
    }
    return table_create(uuid_random(), "t", version, 100, &table);
}

static int end(void **state)
{
    table_unref(table);
    for (unsigned i = 0; i < OBJECTS; i++) {
        object_unref(sources[i].object);
        buf_finish(&sources[i].bytes);
    }
    return fixture_end(state);
}

static uint64_t row_bytes(struct place place)
{
    const size_t *starts = sources[place.source].starts;

    return starts[place.row + 1] - starts[place.row];
}

static struct extent_ref ref_to(unsigned source, unsigned first, unsigned count)
{
    const size_t *starts = sources[source].starts;

    return (struct extent_ref){.object = sources[source].object->id,
                               .offset = starts[first],
                               .bytes = starts[first + count] - starts[first],
                               .first_row = first,
                               .rows = count};
}

static void take(struct table *next)
{
    table_unref(table);
    table = next;
    assert_int_equal(table->version, version);
    assert_int_equal(table->time_usec, 100 + version);
}

static void append(unsigned source, unsigned first, unsigned count)
{
    struct extent_ref ref = ref_to(source, first, count);
    struct table *next;

    version++;
    assert_int_equal(table_append(table, sources[source].object, &ref, true, version,
                                  (int64_t)(100 + version), &next),
                     0);
    take(next);
    for (unsigned i = 0; i < count; i++)
        rows[row_count++] =
            (struct place){.source = source, .row = first + i, .number = appended++};
}

/* The rows [from, to) of the table, which must follow each other in one object. */
static struct extent_ref ref_to_rows(size_t from, size_t to)
{
    struct extent_ref ref = ref_to(rows[from].source, rows[from].row, (unsigned)(to - from));

    ref.row = rows[from].number;
    return ref;
}

static int try_delete(const struct extent_ref *refs, size_t count)
{
    struct table *untouched = table, *next = untouched;
    int r = table_delete(table, refs, count, version + 1, (int64_t)(101 + version), &next);

    if (r < 0) {
        assert_ptr_equal(next, untouched);
        return r;
    }
    version++;
    take(next);
    return 0;
}

static void forget_rows(size_t from, size_t to)
{
    memmove(rows + from, rows + to, (row_count - to) * sizeof *rows);
    row_count -= to - from;
}

/* A range of rows from `from` on that follow each other in one object. */
static size_t run_end(size_t from)
{
    size_t to = from + 1, most = from + 1 + check_random_below(&seed, 40);

    while (to < row_count && to < most && rows[to].source == rows[from].source &&
           rows[to].row == rows[to - 1].row + 1 && rows[to].number == rows[to - 1].number + 1)
        to++;
    return to;
}

static void model_bytes(struct buf *all)
{
    all->bytes = 0;
    for (size_t i = 0; i < row_count; i++)
        buf_append(all,
                   sources[rows[i].source].bytes.data + sources[rows[i].source].starts[rows[i].row],
                   row_bytes(rows[i]));
}

static void expect_range(const struct buf *all, size_t offset, size_t bytes)
{
    size_t there = offset < all->bytes ? all->bytes - offset : 0;
    char *read = malloc(bytes + 1);
    struct err err = ERR_INIT;

    assert_non_null(read);
    if (there > bytes)
        there = bytes;
    assert_int_equal(table_read(temp.store, table, read, bytes, offset, &err), there);
    if (there)
        assert_memory_equal(read, all->data + offset, there);
    free(read);
}

static void expect_table(int reads)
{
    struct buf all = {0};

    model_bytes(&all);
    assert_int_equal(table_rows(table), row_count);
    assert_int_equal(table_bytes(table), all.bytes);
    if (reads)
        expect_range(&all, 0, all.bytes);
    for (int i = 0; i < reads; i++)
        expect_range(&all, check_random_below(&seed, all.bytes + 10),
                     check_random_below(&seed, 3000));
    buf_finish(&all);
}

/* --- edits ---------------------------------------------------------------------------- */

static void random_append(void)
{
    unsigned source = (unsigned)check_random_below(&seed, OBJECTS);
    unsigned first = (unsigned)check_random_below(&seed, OBJECT_ROWS);

    append(source, first, 1 + (unsigned)check_random_below(&seed, OBJECT_ROWS - first));
}

/* Up to three ranges at once, in order. */
static void random_delete(void)
{
    size_t from[3], to[3], count = 0, at = 0;
    struct extent_ref refs[3];

    while (count < 3 && at < row_count) {
        from[count] = at + check_random_below(&seed, row_count - at);
        to[count] = run_end(from[count]);
        refs[count] = ref_to_rows(from[count], to[count]);
        at = to[count++];
    }
    assert_int_equal(try_delete(refs, count), 0);
    while (count-- > 0)
        forget_rows(from[count], to[count]);
}

static void random_edits_of_a_table_equal_the_same_edits_of_a_list(void **state)
{
    (void)state;
    for (int step = 0; step < 600; step++) {
        if (row_count + OBJECT_ROWS < MOST_ROWS && check_random_below(&seed, 8) == 0)
            random_append();
        else if (row_count)
            random_delete();
        expect_table(step % 20 ? 0 : 5);
    }
    expect_table(100);
}

static void an_old_version_is_not_changed_by_edits(void **state)
{
    struct buf before = {0};
    struct table *old;

    (void)state;
    append(0, 0, OBJECT_ROWS);
    append(1, 10, 50);
    model_bytes(&before);
    old = table_ref(table);
    for (int i = 0; i < 30; i++)
        random_delete();
    append(2, 0, 100);
    assert_true(table_rows(table) != table_rows(old));
    table_unref(table);
    table = old;
    assert_int_equal(table_bytes(old), before.bytes);
    expect_range(&before, 0, before.bytes);
    buf_finish(&before);
}

static void rows_that_follow_the_last_in_its_object_join_it(void **state)
{
    (void)state;
    append(0, 0, 10);
    append(0, 10, 5);
    append(0, 15, 1);
    assert_int_equal(ptree_count(table->extents), 1);
    append(0, 17, 1); /* not the next row */
    append(1, 18, 1); /* the next row of another object */
    append(0, 18, 1); /* not behind the last */
    assert_int_equal(ptree_count(table->extents), 4);
    append(2, 0, 3);
    append(2, 3, 3);
    assert_int_equal(ptree_count(table->extents), 5);
    assert_int_equal(ptree_sum(table->extents, EXTENT_SEGMENTS), 4);
    expect_table(20);
}

static void bytes_that_follow_the_last_under_another_ordinal_do_not_join_it(void **state)
{
    struct extent_ref ref = ref_to(0, 10, 1);
    struct table *next;

    (void)state;
    append(0, 0, 10);
    ref.first_row = 11;
    assert_int_equal(table_append(table, sources[0].object, &ref, true, 9, 109, &next), 0);
    assert_int_equal(ptree_count(next->extents), 2);
    table_unref(next);
}

static void a_delete_reaches_across_extents_that_continue_each_other(void **state)
{
    struct extent_ref ref;

    (void)state;
    append(0, 0, 30);
    ref = ref_to_rows(10, 11);
    assert_int_equal(try_delete(&ref, 1), 0);
    forget_rows(10, 11);
    ref = ref_to_rows(0, 10);
    assert_int_equal(try_delete(&ref, 1), 0);
    forget_rows(0, 10);
    ref = ref_to_rows(0, row_count);
    assert_int_equal(try_delete(&ref, 1), 0);
    row_count = 0;
    expect_table(3);
    append(1, 5, 5);
    expect_table(3);
}

static void expect_not_there(struct extent_ref ref)
{
    assert_int_equal(try_delete(&ref, 1), -ENOENT);
}

static void an_address_that_is_not_at_its_place_deletes_nothing(void **state)
{
    struct extent_ref part, whole, bad;

    (void)state;
    append(0, 0, 20);
    append(1, 0, 20);
    append(0, 20, 20);
    part = ref_to_rows(5, 8);
    expect_not_there((bad = part, bad.row++, bad));
    expect_not_there((bad = part, bad.row--, bad));
    expect_not_there((bad = part, bad.row = 0, bad));
    expect_not_there((bad = part, bad.row = table->appended, bad));
    expect_not_there((bad = part, bad.row = table->appended + 1000, bad));
    expect_not_there((bad = part, bad.row = INT64_MAX, bad));
    expect_not_there((bad = part, bad.bytes = INT64_MAX, bad));
    expect_not_there((bad = part, bad.rows = 100, bad));
    expect_not_there((bad = part, bad.object = sources[1].object->id, bad));
    expect_not_there((bad = part, bad.object = sources[2].object->id, bad));
    whole = ref_to_rows(20, 40); /* only where an extent ends is it known where a row does */
    expect_not_there((bad = whole, bad.offset++, bad));
    expect_not_there((bad = whole, bad.bytes--, bad));
    expect_not_there((bad = whole, bad.rows--, bad));
    expect_not_there((bad = whole, bad.first_row++, bad));
    bad = ref_to_rows(18, 20); /* goes on in another object */
    bad.bytes += row_bytes(rows[20]);
    bad.rows++;
    expect_not_there(bad);
    expect_table(10);
    assert_int_equal(try_delete(&whole, 1), 0);
    assert_int_equal(try_delete(&part, 1), 0);
}

static void ranges_that_overlap_or_are_out_of_order_delete_nothing(void **state)
{
    struct extent_ref refs[2];

    (void)state;
    append(0, 0, 20);
    refs[0] = ref_to_rows(10, 12);
    refs[1] = ref_to_rows(5, 6);
    assert_int_equal(try_delete(refs, 2), -ENOENT);
    refs[0] = ref_to_rows(5, 8);
    refs[1] = ref_to_rows(7, 9);
    assert_int_equal(try_delete(refs, 2), -ENOENT);
    refs[1] = refs[0];
    assert_int_equal(try_delete(refs, 2), -ENOENT);
    refs[1] = ref_to_rows(8, 9); /* the next one is not over it */
    assert_int_equal(try_delete(refs, 2), 0);
    forget_rows(5, 9);
    expect_table(5);
}

static void the_first_of_two_deletes_may_be_wrong_too(void **state)
{
    struct extent_ref refs[2];

    (void)state;
    append(0, 0, 20);
    refs[0] = ref_to_rows(3, 4);
    refs[0].row++;
    refs[1] = ref_to_rows(10, 12);
    assert_int_equal(try_delete(refs, 2), -ENOENT);
    expect_table(5);
}

static void a_cleared_table_is_the_same_table_without_rows(void **state)
{
    struct table *next;

    (void)state;
    append(0, 0, 20);
    version++;
    assert_int_equal(table_clear(table, ACTION_ALL_ROWS, version, (int64_t)(100 + version), &next),
                     0);
    assert_true(uuid_equal(next->uuid, table->uuid));
    assert_string_equal(next->name, "t");
    assert_int_equal(next->created_version, 1);
    assert_int_equal(next->named_usec, 100);
    take(next);
    row_count = 0;
    expect_table(2);
    append(1, 0, 3); /* its rows are numbered on */
    assert_int_equal(table->appended, 23);
    assert_int_equal(table_rows_before(table, 20), 0);
    assert_int_equal(table_rows_before(table, 22), 2);
    expect_table(2);
}

static void rows_that_came_later_stay_when_those_before_are_cleared(void **state)
{
    struct extent_ref ref;
    struct table *next;

    (void)state;
    append(0, 0, 20);
    ref = ref_to_rows(4, 6);
    assert_int_equal(try_delete(&ref, 1), 0);
    forget_rows(4, 6);
    append(1, 5, 10);
    assert_int_equal(table_rows_before(table, 0), 0);
    assert_int_equal(table_rows_before(table, 5), 4);
    assert_int_equal(table_rows_before(table, 20), 18);
    assert_int_equal(table_rows_before(table, 21), 19);
    assert_int_equal(table_rows_before(table, 1000), 28);
    version++;
    assert_int_equal(table_clear(table, 20, version, (int64_t)(100 + version), &next), 0);
    take(next);
    forget_rows(0, 18);
    expect_table(5);
    /* No record ends within an extent, so no cut can be asked for there. */
    assert_int_equal(table_clear(table, 25, version, (int64_t)(100 + version), &next), -ENOENT);
    expect_table(5);
}

/* So that the end of a version is never in the middle of an extent. */
static void only_rows_of_one_record_are_joined(void **state)
{
    struct extent_ref ref = ref_to(0, 0, 2), more = ref_to(0, 2, 2);
    struct table *one, *two;

    (void)state;
    assert_int_equal(table_append(table, sources[0].object, &ref, true, 2, 102, &one), 0);
    assert_int_equal(table_append(one, sources[0].object, &more, false, 3, 103, &two), 0);
    assert_int_equal(ptree_count(two->extents), 2);
    table_unref(two);
    assert_int_equal(table_append(one, sources[0].object, &more, true, 3, 103, &two), 0);
    assert_int_equal(ptree_count(two->extents), 1);
    table_unref(two);
    table_unref(one);
}

static void a_renamed_table_keeps_its_rows_and_their_version(void **state)
{
    struct table *renamed;

    (void)state;
    append(0, 0, 20);
    assert_int_equal(table_rename(table, "u", 9, 777, &renamed), 0);
    assert_string_equal(renamed->name, "u");
    assert_string_equal(table->name, "t");
    assert_true(uuid_equal(renamed->uuid, table->uuid));
    assert_int_equal(renamed->named_usec, 777);
    assert_int_equal(renamed->named_version, 9);
    assert_int_equal(renamed->created_version, 1);
    take(renamed);
    expect_table(5);
}

static void damage_below_a_table_is_EIO(void **state)
{
    struct err err = ERR_INIT;
    char read[8];

    (void)state;
    append(2, 0, 20);
    tempstore_flip(&temp, "log/00000000000000000005.ndjson", 300, 1);
    assert_fails(table_read(temp.store, table, read, 8, 0, &err), -EIO, &err);
    assert_has(err.text, "log/00000000000000000005.ndjson");
    tempstore_remove(&temp, "log/00000000000000000005.ndjson");
    assert_fails(table_read(temp.store, table, read, 8, 0, &err), -EIO, &err);
    assert_has(err.text, "log/00000000000000000005.ndjson");
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(random_edits_of_a_table_equal_the_same_edits_of_a_list),
        test(an_old_version_is_not_changed_by_edits),
        test(rows_that_follow_the_last_in_its_object_join_it),
        test(bytes_that_follow_the_last_under_another_ordinal_do_not_join_it),
        test(a_delete_reaches_across_extents_that_continue_each_other),
        test(an_address_that_is_not_at_its_place_deletes_nothing),
        test(ranges_that_overlap_or_are_out_of_order_delete_nothing),
        test(the_first_of_two_deletes_may_be_wrong_too),
        test(a_cleared_table_is_the_same_table_without_rows),
        test(rows_that_came_later_stay_when_those_before_are_cleared),
        test(only_rows_of_one_record_are_joined),
        test(a_renamed_table_keeps_its_rows_and_their_version),
        test(damage_below_a_table_is_EIO),
    };

    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
