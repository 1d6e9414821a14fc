/* SPDX-License-Identifier: MIT */
/* What core promises in core/distinct.h: each name once, however few are remembered. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/distinct.h"
#include "tests/lib/check.h"
#include "tests/lib/fixture.h"
#include "tests/lib/nomem.h"
#include "tests/lib/picktool.h"
#include "tests/lib/rowmodel.h"

#define SCHEMA                                                                                     \
    "{\"columns\":{\"v\":{\"type\":\"int64\",\"default\":7},\"w\":\"string\",\"j\":\"json\"}}"

static uint64_t seed;
static struct rowmodel model;
static size_t next_id, most_values;
static char **names; /* of the rows of the model, each once, as they first come */
static size_t name_count;

static int begin(void **state)
{
    seed = 21;
    next_id = 0;
    most_values = 40;
    fixture_begin_db(state);
    return 0;
}

static void forget_names(void)
{
    while (name_count > 0)
        free(names[--name_count]);
    free(names);
    names = NULL;
}

static int end(void **state)
{
    nomem_end();
    forget_names();
    rowmodel_finish(&model);
    rowmodel_end();
    return fixture_end(state);
}

/* --- tables ------------------------------------------------------------------------------ */

static const char *const strange[] = {
    "null",        "true",         "\"\"",        "\"true\"", "\"a/b\"",   "\"..\"", "\".\"",
    "\"a..b\"",    "\"%25\"",      "[1, 2]",      "[1,2]",    "{\"a\":1}", "1e5",    "100000",
    "\"\\u00e9\"", "\"\xc3\xa9\"", "\"\\u0000\"", "1.50",     "\"1.5\"",   "-0",     "0",
};

static void print_strange(struct buf *row)
{
    size_t which = check_random_below(&seed, ARRAY_COUNT(strange) + 2);
    int pad = 250 + (int)check_random_below(&seed, 10);

    if (which < ARRAY_COUNT(strange))
        assert_int_equal(buf_printf(row, "\"v\":%s", strange[which]), 0);
    else if (which == ARRAY_COUNT(strange))
        assert_int_equal(buf_printf(row, "\"v\":\"%0*d\"", pad, 0), 0);
    else
        assert_int_equal(buf_printf(row, "\"x\":1"), 0);
}

static void make_strange(struct buf *row, size_t i)
{
    assert_int_equal(buf_append(row, "{", 1), 0);
    if (i % 3)
        assert_int_equal(buf_printf(row, "\"v\":%zu", check_random_below(&seed, most_values)), 0);
    else
        print_strange(row);
    assert_int_equal(buf_printf(row, ",\"w\":\"%zu\"}", i % 5), 0);
}

/* Of the schema. */
static void make_typed(struct buf *row, size_t i)
{
    size_t value = check_random_below(&seed, most_values + 2);
    const char *json = strange[check_random_below(&seed, ARRAY_COUNT(strange))];

    assert_int_equal(buf_printf(row, "{\"j\":%s,\"w\":\"%zu\"", json, i % 5), 0);
    if (value < most_values)
        assert_int_equal(buf_printf(row, ",\"v\":%zu", value), 0);
    else if (value == most_values)
        assert_int_equal(buf_printf(row, ",\"v\":null"), 0);
    assert_int_equal(buf_append(row, "}", 1), 0);
}

static void make_unique(struct buf *row, size_t i)
{
    (void)i;
    assert_int_equal(buf_printf(row, "{\"v\":%zu}", next_id++), 0);
}

static void make_table(const char *schema, rowmodel_row_fn *make)
{
    rowmodel_init(&model, schema);
    for (int i = 0; i < 6; i++) {
        size_t rows = 1 + check_random_below(&seed, 100), from;
        unsigned object = i % 2 ? rowmodel_segment(temp.store, rows, make)
                                : rowmodel_body(temp.store, rows, make);

        rowmodel_append(&model, object, 0, rows);
        from = check_random_below(&seed, rowmodel_rows(&model));
        rowmodel_delete(&model, from, from + 1);
    }
}

/* --- the oracle ----------------------------------------------------------------------------- */

static struct column_type type_of(const char *name, struct slice *ret_default)
{
    const struct schema *schema = model.table->schema;
    const struct column *column =
        schema ? schema_column(schema, slice_of(name, strlen(name))) : NULL;

    *ret_default = column ? column->default_json : (struct slice){0};
    return column ? column->type : (struct column_type){.kind = TYPE_ANY};
}

/* The name of the value that a row has in a column; new. */
static char *name_of(const char *column, struct slice row)
{
    struct slice fallback, value = json_find(row, slice_of(column, strlen(column)));
    struct column_type type = type_of(column, &fallback);
    struct buf key = {0}, name = {0};

    assert_int_equal(value_key(type, value.text ? value : fallback, &key), 0);
    assert_int_equal(value_name(type, slice_of(key.data, key.bytes), &name), 0);
    assert_int_equal(buf_append(&name, "", 1), 0);
    buf_finish(&key);
    return name.data;
}

static void take_name(char *name)
{
    for (size_t i = 0; i < name_count; i++)
        if (!strcmp(names[i], name)) {
            free(name);
            return;
        }
    names[name_count++] = name;
}

static void find_names(const char *column, const char *conditions)
{
    struct selection *selection = picktool_selection(conditions);
    struct matcher *matcher = NULL;

    forget_names();
    names = calloc(rowmodel_rows(&model) + 1, sizeof *names);
    assert_non_null(names);
    assert_int_equal(matcher_create(selection, model.table->schema, &matcher), 0);
    for (size_t i = 0; i < rowmodel_rows(&model); i++)
        if (matcher_row(matcher, rowmodel_row(&model, i)) > 0)
            take_name(name_of(column, rowmodel_row(&model, i)));
    matcher_destroy(matcher);
    selection_unref(selection);
}

/* --- comparing -------------------------------------------------------------------------------- */

static int try_create(const char *column, const char *conditions, size_t max,
                      struct distinct **ret_distinct, struct err *err)
{
    struct selection *selection = picktool_selection(conditions);
    int r = distinct_create(temp.db, model.table, selection, slice_of(column, strlen(column)), max,
                            ret_distinct, err);

    selection_unref(selection);
    return r;
}

static size_t position(struct slice name)
{
    size_t i = 0;

    while (i < name_count && !slice_equal(name, slice_of(names[i], strlen(names[i]))))
        i++;
    if (i == name_count)
        fail_msg("no row has the name %.*s", (int)name.bytes, name.text);
    return i;
}

/* Every name once; in the order of the rows if all can be remembered. */
static void expect_max(const char *column, const char *conditions, size_t max)
{
    unsigned *given = calloc(name_count + 1, sizeof *given);
    struct distinct *distinct = NULL;
    struct err err = ERR_INIT;
    struct slice name;
    size_t count = 0;
    int r;

    assert_non_null(given);
    assert_ok(try_create(column, conditions, max, &distinct, &err), &err);
    while ((r = distinct_next(distinct, &name, &err)) > 0) {
        size_t i = position(name);

        if (given[i]++)
            fail_msg("with %zu at once %s comes again", max, names[i]);
        if (name_count <= max)
            assert_int_equal(i, count);
        count++;
    }
    assert_ok(r, &err);
    assert_int_equal(count, name_count);
    assert_int_equal(distinct_next(distinct, &name, &err), 0);
    distinct_destroy(distinct);
    free(given);
}

static void expect(const char *column, const char *conditions)
{
    find_names(column, conditions);
    for (size_t max = 1; max <= 50; max++)
        expect_max(column, conditions, max);
    expect_max(column, conditions, DISTINCT_MAX);
}

static void without_a_schema_each_name_comes_once(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        most_values = (size_t[]){3, 40, 1000}[i % 3];
        make_table(NULL, make_strange);
        expect("v", "");
        expect("v", "w/2..3");
        expect("none", "");
        rowmodel_finish(&model);
    }
}

static void with_a_schema_each_name_comes_once(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        most_values = (size_t[]){3, 40, 1000}[i % 3];
        make_table(SCHEMA, make_typed);
        expect("v", "");
        expect("j", "");
        expect("v", "v/5../w/2..3");
        rowmodel_finish(&model);
    }
}

static void many_values_are_halved_many_times(void **state)
{
    static const size_t most[] = {1, 2, 3, 10, 50, 700};

    (void)state;
    rowmodel_init(&model, NULL);
    rowmodel_append(&model, rowmodel_segment(temp.store, 800, make_unique), 0, 800);
    rowmodel_append(&model, 0, 0, 800); /* and all again */
    find_names("v", "");
    for (size_t i = 0; i < ARRAY_COUNT(most); i++)
        expect_max("v", "", most[i]);
}

static void every_name_selects_the_rows_that_have_it(void **state)
{
    static const char *const columns[] = {"v", "w"};

    (void)state;
    make_table(SCHEMA, make_typed);
    for (size_t c = 0; c < ARRAY_COUNT(columns); c++) {
        size_t rows = 0;

        find_names(columns[c], "");
        for (size_t i = 0; i < name_count; i++) {
            struct buf path = {0};
            char *found;

            assert_int_equal(buf_printf(&path, "%s/%s", columns[c], names[i]), 0);
            assert_int_equal(buf_append(&path, "", 1), 0);
            found = picktool_rows(temp.db, model.table, path.data);
            assert_true(found[0] != '\0');
            for (const char *p = found; *p; p++)
                rows += *p == '\n';
            free(found);
            buf_finish(&path);
        }
        assert_int_equal(rows, rowmodel_rows(&model));
    }
}

static void a_table_without_rows_has_no_names(void **state)
{
    (void)state;
    rowmodel_init(&model, SCHEMA);
    expect("v", "");
    assert_int_equal(name_count, 0);
}

static void a_column_that_is_not_of_the_schema_is_not_there(void **state)
{
    struct distinct *distinct = NULL;
    struct err err = ERR_INIT;

    (void)state;
    rowmodel_init(&model, SCHEMA);
    assert_fails(try_create("none", "", 10, &distinct, &err), -ENOENT, &err);
    assert_has(err.text, "table t");
    assert_fails(try_create("v", "none/1", 10, &distinct, &err), -ENOENT, &err);
    assert_null(distinct);
}

/* --- memory -------------------------------------------------------------------------------------
 */

#define MANY      40000
#define AT_ONCE   2000
#define MOST_USED (600 * 1024) /* all at once would take a set of 1 MiB */

static size_t used(void)
{
    struct mallinfo2 info = mallinfo2(); /* nothing where a sanitizer allocates */

    return info.uordblks + info.hblkhd;
}

static size_t list_all(size_t max, size_t *ret_most)
{
    struct distinct *distinct = NULL;
    size_t before = used(), count = 0;
    struct slice name;

    *ret_most = 0;
    assert_int_equal(try_create("v", "", max, &distinct, NULL), 0);
    while (distinct_next(distinct, &name, NULL) > 0)
        if (count++ % 16 == 0 && used() > before + *ret_most)
            *ret_most = used() - before;
    distinct_destroy(distinct);
    return count;
}

static void memory_is_bounded_however_many_there_are(void **state)
{
    size_t most;

    (void)state;
    rowmodel_init(&model, NULL);
    rowmodel_append(&model, rowmodel_segment(temp.store, MANY, make_unique), 0, MANY);
    assert_int_equal(list_all(AT_ONCE, &most), MANY);
    assert_true(most < MOST_USED);
    assert_int_equal(list_all(DISTINCT_MAX, &most), MANY);
    assert_true(!used() || most > MOST_USED); /* else nothing was measured */
}

static int starve(size_t max, unsigned granted, size_t *ret_count, struct err *err)
{
    struct selection *selection = picktool_selection("w/2..");
    struct distinct *distinct = NULL;
    struct slice name;
    int r;

    *ret_count = 0;
    nomem_after(granted);
    r = distinct_create(temp.db, model.table, selection, slice_of("v", 1), max, &distinct, err);
    while (!r && (r = distinct_next(distinct, &name, err)) > 0) {
        ++*ret_count;
        r = 0;
    }
    distinct_destroy(distinct);
    selection_unref(selection);
    return r;
}

static void without_memory_no_name_is_left_out(void **state)
{
    bool refused = true;

    (void)state;
    make_table(NULL, make_strange);
    find_names("v", "w/2..");
    for (unsigned granted = 0; refused; granted++) {
        struct err err = ERR_INIT;
        size_t count;
        int r = starve(20, granted, &count, &err);

        refused = nomem_end();
        if (r < 0)
            assert_fails(r, -ENOMEM, &err);
        else
            assert_int_equal(count, name_count);
        assert_int_equal(r < 0, err.text[0] != '\0');
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(without_a_schema_each_name_comes_once),
        test(with_a_schema_each_name_comes_once),
        test(many_values_are_halved_many_times),
        test(every_name_selects_the_rows_that_have_it),
        test(a_table_without_rows_has_no_names),
        test(a_column_that_is_not_of_the_schema_is_not_there),
        test(memory_is_bounded_however_many_there_are),
        test(without_memory_no_name_is_left_out),
    };

    return cmocka_run_group_tests_name("distinct", tests, NULL, NULL);
}
