/* SPDX-License-Identifier: MIT */
/* What core promises in core/derived.h: a file is what its rows give, of the size that was told. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/delimited.h"
#include "core/derived.h"
#include "tests/lib/check.h"
#include "tests/lib/fixture.h"
#include "tests/lib/nomem.h"
#include "tests/lib/picktool.h"
#include "tests/lib/rowmodel.h"

#define SCHEMA                                                                                     \
    "{\"columns\":{\"c\":{\"type\":\"int64\",\"default\":3},\"id\":\"int64\",\"p\":\"string\"}}"
#define KEYED "{\"columns\":{\"c\":\"int64\",\"id\":\"int64\",\"p\":\"string\"},\"key\":\"id\"}"

static uint64_t seed;
static struct rowmodel model;
static struct derived *derived;
static struct buf expected;
static size_t next_id, most_padding;

static int begin(void **state)
{
    seed = 12;
    next_id = 0;
    most_padding = 60;
    fixture_begin_db(state);
    return 0;
}

static int end(void **state)
{
    nomem_end();
    derived_destroy(derived);
    derived = NULL;
    buf_finish(&expected);
    rowmodel_finish(&model);
    rowmodel_end();
    return fixture_end(state);
}

/* --- tables ---------------------------------------------------------------------------- */

static void make_row(struct buf *row, size_t i)
{
    size_t color = check_random_below(&seed, 5);
    int pad = (int)check_random_below(&seed, most_padding);

    (void)i;
    assert_int_equal(buf_printf(row, "{\"id\":%zu", next_id++), 0);
    if (color)
        assert_int_equal(buf_printf(row, ",\"c\":%zu", color), 0);
    if (color == 2)
        assert_int_equal(buf_printf(row, ",\"q\\u0022,%zu\":null", color), 0);
    assert_int_equal(buf_printf(row, ", \"p\":\"\\\"%0*d\"}", pad, 7), 0);
}

static void make_plain(struct buf *row, size_t i)
{
    assert_int_equal(buf_printf(row, "{\"id\":%zu}", i), 0);
}

/* One of many rows is longer than a run. */
static void make_long(struct buf *row, size_t i)
{
    int pad = i % 20 == 6 ? 700000 : i % 5 == 1 ? 100000 : 3;

    assert_int_equal(buf_printf(row, "{\"id\":%zu,\"p\":\"%0*d\"}", i, pad, 1), 0);
}

static void make_empty(struct buf *row, size_t i)
{
    assert_int_equal(buf_printf(row, "%s", i % 2 ? "{ }" : "{}"), 0);
}

static void append_segment(size_t rows, rowmodel_row_fn *make)
{
    rowmodel_append(&model, rowmodel_segment(temp.store, rows, make), 0, rows);
}

static void cut_randomly(int times)
{
    while (times-- > 0) {
        size_t from = check_random_below(&seed, rowmodel_rows(&model));
        size_t to = from + check_random_below(&seed, 6);

        rowmodel_delete(&model, from, to < rowmodel_rows(&model) ? to : rowmodel_rows(&model));
    }
}

static void make_table(const char *schema)
{
    rowmodel_init(&model, schema);
    for (int i = 0; i < 4; i++) {
        append_segment(100 + check_random_below(&seed, 1000), make_row);
        for (size_t n = check_random_below(&seed, 5); n > 0; n--)
            rowmodel_append(&model, rowmodel_body(temp.store, 5, make_row), n - 1, 6 - n);
        cut_randomly(20);
    }
}

/* --- the oracle --------------------------------------------------------------------------- */

static struct matcher *make_matcher(const char *conditions)
{
    struct selection *selection = picktool_selection(conditions);
    struct matcher *matcher = NULL;

    assert_int_equal(matcher_create(selection, model.table->schema, &matcher), 0);
    selection_unref(selection);
    return matcher;
}

static void print_header(struct matcher *matcher, enum delimited_format format,
                         struct delimited_columns *columns)
{
    const struct schema *schema = model.table->schema;
    bool any = schema;

    if (schema)
        assert_int_equal(delimited_columns_of_schema(schema, columns), 0);
    for (size_t i = 0; !schema && i < rowmodel_rows(&model); i++)
        if (matcher_row(matcher, rowmodel_row(&model, i)) > 0) {
            assert_int_equal(delimited_columns_add_row(columns, rowmodel_row(&model, i), NULL), 0);
            any = true;
        }
    if (any)
        assert_int_equal(delimited_print_header(format, columns, &expected, NULL), 0);
}

static void print_row(enum derived_format format, const struct delimited_columns *columns,
                      struct slice row)
{
    if (format == DERIVED_ROWS) {
        assert_int_equal(buf_append(&expected, row.text, row.bytes), 0);
        assert_int_equal(buf_append(&expected, "\n", 1), 0);
        return;
    }
    assert_int_equal(delimited_print_row(format == DERIVED_CSV ? DELIMITED_CSV : DELIMITED_TSV,
                                         columns, model.table->schema, row, &expected, NULL),
                     0);
}

/* What the file must be, in `expected`; returns of how many rows. */
static size_t make_expected(const char *conditions, enum derived_format format)
{
    struct matcher *matcher = make_matcher(conditions);
    struct delimited_columns columns = {0};
    size_t rows = 0;

    expected.bytes = 0;
    if (format != DERIVED_ROWS)
        print_header(matcher, format == DERIVED_CSV ? DELIMITED_CSV : DELIMITED_TSV, &columns);
    for (size_t i = 0; i < rowmodel_rows(&model); i++)
        if (matcher_row(matcher, rowmodel_row(&model, i)) > 0) {
            print_row(format, &columns, rowmodel_row(&model, i));
            rows++;
        }
    delimited_columns_finish(&columns);
    matcher_destroy(matcher);
    return rows;
}

static int try_create(const char *conditions, enum derived_format format, struct err *err)
{
    struct selection *selection = picktool_selection(conditions);
    int r;

    derived_destroy(derived);
    derived = NULL;
    r = derived_create(temp.db, model.table, selection, format, &derived, err);
    selection_unref(selection);
    return r;
}

/* --- reading -------------------------------------------------------------------------------- */

static void expect_read(uint64_t offset, size_t bytes)
{
    size_t there = offset < expected.bytes ? expected.bytes - (size_t)offset : 0;
    char *read = malloc(bytes + 1);
    struct err err = ERR_INIT;
    int r;

    assert_non_null(read);
    there = there < bytes ? there : bytes;
    r = derived_read(derived, read, bytes, offset, &err);
    if (r < 0)
        assert_ok(r, &err);
    assert_int_equal(r, there);
    if (there)
        assert_memory_equal(read, expected.data + offset, there);
    free(read);
}

static void expect_chunks(size_t chunk)
{
    for (uint64_t offset = 0; offset <= expected.bytes; offset += chunk)
        expect_read(offset, chunk);
}

static void create(const char *conditions, enum derived_format format)
{
    size_t rows = make_expected(conditions, format);
    struct err err = ERR_INIT;

    assert_ok(try_create(conditions, format, &err), &err);
    assert_int_equal(derived_bytes(derived), expected.bytes);
    assert_int_equal(derived_rows(derived), rows);
}

/* Everything at once, in chunks, and anywhere. */
static void expect(const char *conditions, enum derived_format format)
{
    create(conditions, format);
    expect_read(0, expected.bytes + 1);
    expect_read(expected.bytes, 10);
    expect_read(UINT64_MAX, 10);
    expect_read(0, 0);
    for (int i = 0; i < 40; i++)
        expect_read(check_random_below(&seed, expected.bytes + 1),
                    check_random_below(&seed, i % 2 ? 100 : expected.bytes + 10));
    expect_chunks(4096 + check_random_below(&seed, 100));
}

static void expect_all_formats(const char *conditions)
{
    expect(conditions, DERIVED_ROWS);
    expect(conditions, DERIVED_CSV);
    expect(conditions, DERIVED_TSV);
}

static void random_tables_are_what_their_rows_give(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        most_padding = i % 2 ? 2000 : 60;
        make_table(i < 2 ? NULL
                         : "{\"columns\":{\"c\":{\"type\":\"int64\",\"default\":3},"
                           "\"id\":\"int64\",\"p\":\"string\",\"q\\\",2\":\"bool\"}}");
        expect_all_formats("");
        expect_all_formats("c/3");
        expect_all_formats("c/2../id/..1000");
        expect_all_formats("id/1000000");
        rowmodel_finish(&model);
    }
}

static void every_byte_can_be_read_alone(void **state)
{
    (void)state;
    make_table(NULL);
    rowmodel_delete(&model, 30, rowmodel_rows(&model));
    for (enum derived_format format = DERIVED_ROWS; format <= DERIVED_TSV; format++) {
        create("c/1..2", format);
        expect_chunks(1);
        expect_chunks(7);
    }
}

static void more_rows_than_a_run_has_are_several_runs(void **state)
{
    (void)state;
    rowmodel_init(&model, SCHEMA);
    append_segment(40000, make_plain);
    append_segment(100, make_row);
    rowmodel_delete(&model, 16380, 16390);
    cut_randomly(20);
    expect_all_formats("");
    expect_all_formats("id/16000..17000");
    expect_all_formats("id/39990..");
    expect("p/..~", DERIVED_ROWS);
}

/* One of ten thousand is of the selection. */
static void make_sparse(struct buf *row, size_t i)
{
    assert_int_equal(
        buf_printf(row, "{\"id\":%zu,\"c\":%d,\"p\":\"%0200d\"}", i, i % 10000 == 9, 0), 0);
}

static void a_read_of_few_rows_among_many_does_not_read_all(void **state)
{
    uint64_t before;

    (void)state;
    rowmodel_init(&model, NULL);
    append_segment(60000, make_sparse);
    before = atomic_load(&temp.store->counts.get);
    create("c/1", DERIVED_ROWS);
    assert_true(atomic_load(&temp.store->counts.get) - before >= 40);
    before = atomic_load(&temp.store->counts.get);
    expect_read(expected.bytes - 1, 1);
    assert_true(atomic_load(&temp.store->counts.get) - before <= 18);
}

static void rows_that_are_longer_than_a_run_are_read(void **state)
{
    (void)state;
    rowmodel_init(&model, NULL);
    append_segment(45, make_long);
    rowmodel_append(&model, rowmodel_body(temp.store, 3, make_long), 0, 3);
    rowmodel_delete(&model, 8, 9);
    expect_all_formats("");
    expect_all_formats("id/6..7");
}

static void a_file_of_one_key_is_one_row(void **state)
{
    (void)state;
    rowmodel_init(&model, KEYED);
    append_segment(20000, make_plain);
    rowmodel_append(&model, rowmodel_body(temp.store, 20003, make_plain), 20000, 3);
    expect_all_formats("id/17000");
    expect_all_formats("id/20001");
    expect_all_formats("id/20003");
}

static void a_table_without_rows_has_at_most_a_header(void **state)
{
    (void)state;
    rowmodel_init(&model, NULL);
    assert_int_equal(try_create("", DERIVED_CSV, NULL), 0);
    assert_int_equal(derived_bytes(derived), 0);
    expect("", DERIVED_ROWS);
    rowmodel_set_schema(&model, SCHEMA);
    expect_all_formats("");
    expect_all_formats("c/5");
    assert_true(derived_bytes(derived) > 0);
}

static void rows_without_members_stand_behind_a_header_without_columns(void **state)
{
    (void)state;
    rowmodel_init(&model, NULL);
    append_segment(3, make_empty);
    expect("", DERIVED_ROWS);
    create("", DERIVED_CSV);
    assert_int_equal(expected.bytes, strlen("\r\n\r\n\r\n\r\n"));
    expect_chunks(3);
    expect("", DERIVED_TSV);
}

/* --- what fails ---------------------------------------------------------------------------------
 */

static void make_tab(struct buf *row, size_t i)
{
    assert_int_equal(buf_printf(row, "{\"id\":%zu,\"p\":\"a\\tb\"}", i), 0);
}

static void a_value_that_tsv_cannot_write_is_told(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    rowmodel_init(&model, SCHEMA);
    append_segment(3, make_tab);
    expect("", DERIVED_CSV);
    assert_fails(try_create("", DERIVED_TSV, &err), -EINVAL, &err);
    assert_has(err.text, "column p");
    expect("c/5", DERIVED_TSV);
}

static void a_selection_that_makes_no_sense_is_not_there(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    rowmodel_init(&model, SCHEMA);
    assert_fails(try_create("none/1", DERIVED_ROWS, &err), -ENOENT, &err);
    assert_fails(try_create("id/x", DERIVED_CSV, &err), -ENOENT, &err);
    assert_null(derived);
}

static void damage_of_a_row_is_an_error(void **state)
{
    struct err err = ERR_INIT;
    char byte;

    (void)state;
    rowmodel_init(&model, NULL);
    append_segment(40000, make_plain);
    create("", DERIVED_ROWS);
    tempstore_flip(&temp, rowmodel_object(0)->entry.path, 490000, 1);
    assert_fails(derived_read(derived, &byte, 1, 100, &err), 1, &err);
    assert_fails(derived_read(derived, &byte, 1, 490000, &err), -EIO, &err);
    assert_has(err.text, rowmodel_object(0)->entry.path);
    expect_read(100, 1000);
    assert_fails(derived_read(derived, &byte, 1, 490000, &err), -EIO, &err);
    tempstore_flip(&temp, rowmodel_object(0)->entry.path, 490000, 1);
    expect_read(489990, 100);
}

static int starve(enum derived_format format, unsigned granted, struct err *err)
{
    struct selection *selection = picktool_selection("c/2..");
    char byte;
    int r;

    derived_destroy(derived);
    derived = NULL;
    nomem_after(granted);
    r = derived_create(temp.db, model.table, selection, format, &derived, err);
    if (!r)
        r = derived_read(derived, &byte, 1, expected.bytes - 1, err);
    if (!r)
        nomem_end();
    if (r > 0)
        assert_int_equal(byte, '\n');
    selection_unref(selection);
    return r;
}

static void without_memory_nothing_is_told_or_read(void **state)
{
    (void)state;
    make_table(NULL);
    rowmodel_delete(&model, 100, rowmodel_rows(&model));
    for (enum derived_format format = DERIVED_ROWS; format <= DERIVED_TSV; format++) {
        bool refused = true;

        make_expected("c/2..", format);
        for (unsigned granted = 0; refused; granted++) {
            struct err err = ERR_INIT;
            int r = starve(format, granted, &err);

            refused = nomem_end();
            if (r != 1)
                assert_fails(r, -ENOMEM, &err);
            assert_true(r == 1 || err.text[0]);
        }
    }
}

/* --- threads --------------------------------------------------------------------------------- */

static void *read_anywhere(void *context)
{
    uint64_t own = (uint64_t)(uintptr_t)context;
    char *read = malloc(100000);

    for (int i = 0; i < 100; i++) {
        uint64_t offset = check_random_below(&own, expected.bytes);
        size_t bytes = check_random_below(&own, 100000), there = expected.bytes - offset;

        there = there < bytes ? there : bytes;
        if (derived_read(derived, read, bytes, offset, NULL) != (int)there ||
            memcmp(read, expected.data + offset, there))
            abort();
    }
    free(read);
    return NULL;
}

static void any_threads_read_one_file(void **state)
{
    pthread_t threads[4];

    (void)state;
    rowmodel_init(&model, NULL);
    append_segment(60000, make_plain);
    create("", DERIVED_CSV);
    for (uintptr_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_anywhere, (void *)(i + 1)), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(random_tables_are_what_their_rows_give),
        test(every_byte_can_be_read_alone),
        test(more_rows_than_a_run_has_are_several_runs),
        test(a_read_of_few_rows_among_many_does_not_read_all),
        test(rows_that_are_longer_than_a_run_are_read),
        test(a_file_of_one_key_is_one_row),
        test(a_table_without_rows_has_at_most_a_header),
        test(rows_without_members_stand_behind_a_header_without_columns),
        test(a_value_that_tsv_cannot_write_is_told),
        test(a_selection_that_makes_no_sense_is_not_there),
        test(damage_of_a_row_is_an_error),
        test(without_memory_nothing_is_told_or_read),
        test(any_threads_read_one_file),
    };

    return cmocka_run_group_tests_name("derived", tests, NULL, NULL);
}
