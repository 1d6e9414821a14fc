/* SPDX-License-Identifier: MIT */
/* A check of a store finds an index that is intact and wrong, and says what it has read. */
#include <stdlib.h>

#include "core/check.h"
#include "core/keyindex.h"
#include "core/rowkey.h"
#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/edittool.h"
#include "tests/lib/fixture.h"

#define ROWS 5000

static struct err err;
static char last[ERR_TEXT_BYTES];

/* A keyed table of one segment. */
static int begin(void **state)
{
    int r = fixture_begin_table(state);
    char *rows = edittool_rows(0, ROWS, 1, 50);

    err = (struct err)ERR_INIT;
    last[0] = '\0';
    edittool_do(temp.db, "t", SCHEMA(KEYED_SCHEMA));
    assert_int_equal(dbtool_append(temp.db, t, rows), 0);
    free(rows);
    return r;
}

static void note(void *context, enum check_severity severity, const char *sentence)
{
    (void)context;
    (void)severity;
    strncpy(last, sentence, sizeof last - 1);
}

static struct check_result check(void)
{
    struct check_result result;

    assert_ok(check_store(temp.db, note, NULL, &result, &err), &err);
    return result;
}

static struct object *segment_of(struct table *table)
{
    const struct extent *placement = ptree_last(table->placements);

    assert_non_null(placement);
    return placement->object;
}

/* An index that says that row `i` has the key of row `i + shift`. */
static void put_index(struct table *table, uint32_t shift)
{
    struct keyindex_builder *builder;
    uint64_t signature;

    assert_int_equal(rowkey_signature(table->schema, &signature), 0);
    assert_int_equal(keyindex_builder_create(&builder), 0);
    for (uint32_t i = 0; i < ROWS; i++) {
        struct buf row = {0}, key = {0};

        assert_int_equal(buf_printf(&row, "{\"k\":%u}", (i + shift) % ROWS), 0);
        assert_int_equal(rowkey_of_row(table->schema, slice_of(row.data, row.bytes), &key), 0);
        assert_int_equal(keyindex_builder_add(builder, hash64_bytes(key.data, key.bytes), i), 0);
        buf_finish(&row);
        buf_finish(&key);
    }
    assert_ok(keyindex_builder_put(builder, db_store(temp.db), &segment_of(table)->entry, signature,
                                   &err),
              &err);
    keyindex_builder_destroy(builder);
}

static void what_was_read_is_counted(void **state)
{
    struct check_result result = check();

    (void)state;
    assert_int_equal(result.tables, 1);
    assert_int_equal(result.rows, ROWS);
    assert_int_equal(result.segments, 1);
    assert_int_equal(result.indexes, 0); /* nobody has needed one */
    assert_int_equal(result.records, 4);
    assert_int_equal(result.warnings + result.damages, 0);
}

static void an_index_that_is_right_is_compared(void **state)
{
    struct table *table = dbtool_look(temp.db, "t");
    struct check_result result;

    (void)state;
    put_index(table, 0);
    result = check();
    assert_int_equal(result.indexes, 1);
    assert_int_equal(result.warnings + result.damages, 0);
    table_unref(table);
}

static void an_index_that_is_intact_and_wrong_is_damage(void **state)
{
    struct table *table = dbtool_look(temp.db, "t");
    struct check_result result;

    (void)state;
    put_index(table, 1);
    result = check();
    assert_int_equal(result.damages, 1);
    assert_has(last, "does not hold what the segment does");
    table_unref(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_read_is_counted, begin, fixture_end),
        cmocka_unit_test_setup_teardown(an_index_that_is_right_is_compared, begin, fixture_end),
        cmocka_unit_test_setup_teardown(an_index_that_is_intact_and_wrong_is_damage, begin,
                                        fixture_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
