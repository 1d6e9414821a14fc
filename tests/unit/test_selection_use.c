/* SPDX-License-Identifier: MIT */
/* What core promises in core/selection.h: rows that get what a path says, keys, bounds, memory. */
#include <stdio.h>
#include <stdlib.h>

#include "core/rowkey.h"
#include "tests/lib/check.h"
#include "tests/lib/nomem.h"
#include "tests/lib/picktool.h"

static struct matcher *make_matcher(const char *schema_text, const char *conditions)
{
    struct schema *schema = picktool_schema(schema_text);
    struct selection *selection = picktool_selection(conditions);
    struct matcher *matcher = NULL;

    assert_int_equal(matcher_create(selection, schema, &matcher), 0);
    selection_unref(selection);
    schema_unref(schema);
    return matcher;
}

/* --- rows that are to be of the selection ------------------------------------------------ */

#define BEFORE "what is there already;"

/* The row becomes `filled`; NULL: it is refused, with a sentence that has `part`. */
static void expect_filled(const char *schema, const char *conditions, const char *row,
                          const char *filled, const char *part)
{
    struct matcher *matcher = make_matcher(schema, conditions);
    struct err err = ERR_INIT;
    struct buf text = {0};
    int r;

    assert_int_equal(buf_append(&text, BEFORE, strlen(BEFORE)), 0);
    r = matcher_fill_row(matcher, slice_of(row, strlen(row)), &text, &err);
    assert_fails(r, filled ? 0 : -EINVAL, &err);
    if (!filled)
        assert_has(err.text, part);
    assert_int_equal(buf_append(&text, "", 1), 0);
    assert_memory_equal(text.data, BEFORE, strlen(BEFORE));
    assert_string_equal(text.data + strlen(BEFORE), filled ? filled : "");
    buf_finish(&text);
    matcher_destroy(matcher);
}

static void what_a_row_lacks_is_added_in_the_order_of_the_path(void **state)
{
    (void)state;
    expect_filled(NULL, "a/1/b/x", "{\"c\":3}", "{\"a\":1,\"b\":\"x\",\"c\":3}", NULL);
    expect_filled(NULL, "a/1/b/x", "{\"b\":\"x\"}", "{\"a\":1,\"b\":\"x\"}", NULL);
    expect_filled(NULL, "a/1/b/x", "{}", "{\"a\":1,\"b\":\"x\"}", NULL);
    expect_filled(NULL, "a/1", "{ \t}", "{\"a\":1}", NULL);
    expect_filled(NULL, "a/1", " { \"c\" : 3 } ", " {\"a\":1,\"c\" : 3 } ", NULL);
    expect_filled(NULL, "a%2Fb/%2F", "{}", "{\"a/b\":\"/\"}", NULL);
    expect_filled(NULL, "a/true/b/%null/c/%empty", "{}", "{\"a\":true,\"b\":null,\"c\":\"\"}",
                  NULL);
    expect_filled("{\"columns\":{\"s\":\"string\",\"d\":\"decimal(5,2)\"}}", "s/42/d/1.50", "{}",
                  "{\"s\":\"42\",\"d\":1.50}", NULL);
}

static void a_row_that_lacks_nothing_stays_as_it_is(void **state)
{
    (void)state;
    expect_filled(NULL, "a/1", "{ \"a\" : 1.0 }", "{ \"a\" : 1.0 }", NULL);
    expect_filled(NULL, "a/1", "{\"a\":\"1\"}", "{\"a\":\"1\"}", NULL);
    expect_filled(NULL, "a/1..5", " {\"a\":3}", " {\"a\":3}", NULL);
    expect_filled(NULL, "a/%missing", "{ }", "{ }", NULL);
    expect_filled(NULL, "", "{ }", "{ }", NULL);
}

static void what_the_path_says_twice_is_added_once(void **state)
{
    (void)state;
    expect_filled(NULL, "a/1/a/1", "{}", "{\"a\":1}", NULL);
    expect_filled(NULL, "a/1/a/0..5", "{}", "{\"a\":1}", NULL);
    expect_filled(NULL, "a/0..5/a/1", "{}", "{\"a\":1}", NULL);
    expect_filled(NULL, "a/1/a/2", "{}", NULL, "a is 1");
}

static void a_row_that_contradicts_the_path_is_refused(void **state)
{
    (void)state;
    expect_filled(NULL, "a/1", "{\"a\":2}", NULL, "column a is 2, and the path says 1");
    expect_filled(NULL, "a/1", "{\"a\":null}", NULL, "a is null");
    expect_filled(NULL, "a/1..5", "{\"a\":7}", NULL, "a is 7, and the path says 1..5");
    expect_filled(NULL, "a/1..5", "{}", NULL, "column a is missing");
    expect_filled(NULL, "a/%missing", "{\"a\":1}", NULL, "a is 1");
    expect_filled(NULL, "b/x/a/1", "{\"a\":2}", NULL, "a is 2");
    expect_filled("{\"columns\":{\"a\":{\"type\":\"int64\",\"default\":7}}}", "a/%missing", "{}",
                  NULL, "column a");
}

static void a_default_is_written_out_where_the_path_says_it(void **state)
{
    static const char columns[] = "{\"columns\":{\"a\":{\"type\":\"int64\",\"default\":7}}}";

    (void)state;
    expect_filled(columns, "a/7", "{}", "{\"a\":7}", NULL);
    expect_filled(columns, "a/8", "{}", "{\"a\":8}", NULL);
    expect_filled(columns, "a/5..9", "{}", "{}", NULL);
}

static void a_long_value_is_not_repeated_in_full(void **state)
{
    char row[2000] = "{\"a\":\"";
    size_t at = strlen(row);

    (void)state;
    memset(row + at, 'x', 1500);
    strcpy(row + at + 1500, "\"}");
    expect_filled(NULL, "a/1", row, NULL, "xxx..., and the path says 1");
}

/* --- keys ------------------------------------------------------------------------------------ */

#define TWO                                                                                        \
    "{\"columns\":{\"a\":\"int64\",\"b\":\"decimal(9,2)\",\"c\":\"string\"},\"key\":[\"b\",\"a\"]" \
    "}"

/* Whether the path says the key; then it is that of the row. */
static int row_key(const char *schema_text, const char *conditions, const char *row)
{
    struct matcher *matcher = make_matcher(schema_text, conditions);
    struct schema *schema = picktool_schema(schema_text);
    struct buf key = {0}, expected = {0};
    int r = matcher_row_key(matcher, &key);

    if (r > 0) {
        assert_int_equal(rowkey_of_row(schema, slice_of(row, strlen(row)), &expected), 0);
        assert_int_equal(key.bytes, expected.bytes);
        assert_memory_equal(key.data, expected.data, key.bytes);
    }
    buf_finish(&key);
    buf_finish(&expected);
    schema_unref(schema);
    matcher_destroy(matcher);
    return r;
}

static void a_path_that_fixes_all_columns_of_the_key_says_it(void **state)
{
    (void)state;
    assert_int_equal(row_key(TWO, "a/1/b/2.50", "{\"a\":1,\"b\":\"2.5\"}"), 1);
    assert_int_equal(row_key(TWO, "b/2.5/c/x/a/1", "{\"a\":1,\"b\":2.50}"), 1);
    assert_int_equal(row_key(TWO, "a/1", ""), 0);
    assert_int_equal(row_key(TWO, "a/1/b/2..3", ""), 0);
    assert_int_equal(row_key(TWO, "a/1/c/x", ""), 0);
    assert_int_equal(row_key(TWO, "", ""), 0);
    assert_int_equal(row_key(NULL, "a/1/b/2", ""), 0);
    assert_int_equal(row_key("{\"columns\":{\"a\":\"int64\"}}", "a/1", ""), 0);
}

static void a_name_that_stands_for_two_values_says_no_key(void **state)
{
    static const char json[] = "{\"columns\":{\"a\":\"json\"},\"key\":\"a\"}";

    (void)state;
    assert_int_equal(row_key(json, "a/42", ""), 0);
    assert_int_equal(row_key(json, "a/true", ""), 0);
    assert_int_equal(row_key(json, "a/abc", "{\"a\":\"abc\"}"), 1);
}

static struct buf key_of_row(const struct schema *schema, const char *row)
{
    struct buf key = {0};

    assert_int_equal(rowkey_of_row(schema, slice_of(row, strlen(row)), &key), 0);
    return key;
}

/* Also where a value has a byte in it that keys begin with. */
static void keys_of_two_columns_do_not_run_into_each_other(void **state)
{
    struct schema *schema =
        picktool_schema("{\"columns\":{\"a\":\"string\",\"b\":\"string\"},\"key\":[\"a\",\"b\"]}");

    (void)state;
    for (unsigned byte = 0; byte < 0x80; byte++) {
        struct buf one, another;
        char row[60];

        snprintf(row, sizeof row, "{\"a\":\"x\\u%04xy\",\"b\":\"z\"}", byte);
        one = key_of_row(schema, row);
        snprintf(row, sizeof row, "{\"a\":\"x\",\"b\":\"y\\u%04xz\"}", byte);
        another = key_of_row(schema, row);
        assert_false(
            slice_equal(slice_of(one.data, one.bytes), slice_of(another.data, another.bytes)));
        buf_finish(&one);
        buf_finish(&another);
    }
    schema_unref(schema);
}

static uint64_t signature_of(const char *text)
{
    struct schema *schema = picktool_schema(text);
    uint64_t signature = 0;

    assert_int_equal(rowkey_signature(schema, &signature), 0);
    schema_unref(schema);
    return signature;
}

static void a_signature_tells_keys_apart_and_nothing_else(void **state)
{
    uint64_t signature =
        signature_of("{\"columns\":{\"a\":\"int64\",\"b\":\"date\"},\"key\":\"a\"}");

    (void)state;
    assert_true(signature ==
                signature_of("{\"columns\":{\"c\":\"bool\",\"a\":\"int64\"},\"key\":[\"a\"]}"));
    assert_true(signature != signature_of("{\"columns\":{\"a\":\"string\"},\"key\":\"a\"}"));
    assert_true(signature != signature_of("{\"columns\":{\"b\":\"int64\"},\"key\":\"b\"}"));
    assert_true(
        signature !=
        signature_of("{\"columns\":{\"a\":\"int64\",\"b\":\"date\"},\"key\":[\"a\",\"b\"]}"));
    assert_true(
        signature_of("{\"columns\":{\"a\":\"int64\",\"b\":\"date\"},\"key\":[\"b\",\"a\"]}") !=
        signature_of("{\"columns\":{\"a\":\"int64\",\"b\":\"date\"},\"key\":[\"a\",\"b\"]}"));
}

static void without_memory_there_is_no_signature(void **state)
{
    struct schema *schema = picktool_schema(TWO);
    uint64_t signature = 17;
    unsigned granted = 0;
    bool refused = true;

    (void)state;
    for (; refused; granted++) {
        int r;

        nomem_after(granted);
        r = rowkey_signature(schema, &signature);
        refused = nomem_end();
        assert_int_equal(r, refused ? -ENOMEM : 0);
        assert_int_equal(signature == 17, refused);
    }
    assert_true(granted > 1);
    schema_unref(schema);
}

/* --- bounds -------------------------------------------------------------------------------------
 */

static struct buf key_of(int value)
{
    struct buf key = {0};
    char text[20];

    snprintf(text, sizeof text, "%d", value);
    assert_int_equal(
        value_key((struct column_type){.kind = TYPE_INT64}, slice_of(text, strlen(text)), &key), 0);
    return key;
}

static bool may_match(const char *conditions, int min, int max)
{
    struct matcher *matcher = make_matcher("{\"columns\":{\"id\":\"int64\"}}", conditions);
    struct buf low = key_of(min), high = key_of(max);
    bool may;

    assert_int_equal(matcher_count(matcher), 1);
    assert_true(slice_equal(matcher_column(matcher, 0), slice_of("id", 2)));
    assert_int_equal(matcher_column_type(matcher, 0).kind, TYPE_INT64);
    may = matcher_may_match(matcher, 0, slice_of(low.data, low.bytes),
                            slice_of(high.data, high.bytes));
    buf_finish(&low);
    buf_finish(&high);
    matcher_destroy(matcher);
    return may;
}

static void bounds_tell_what_cannot_match(void **state)
{
    (void)state;
    assert_true(may_match("id/5", 5, 9));
    assert_true(may_match("id/9", 5, 9));
    assert_false(may_match("id/4", 5, 9));
    assert_false(may_match("id/10", 5, 9));
    assert_true(may_match("id/1..5", 5, 9));
    assert_true(may_match("id/9..20", 5, 9));
    assert_true(may_match("id/6..7", 5, 9));
    assert_true(may_match("id/..5", 5, 9));
    assert_true(may_match("id/9..", 5, 9));
    assert_false(may_match("id/..4", 5, 9));
    assert_false(may_match("id/10..", 5, 9));
    assert_false(may_match("id/1..4", 5, 9));
    assert_true(may_match("id/x%~0123456789abcdef", 5, 9));
    assert_false(may_match("id/%null", 5, 9));
}

/* --- memory ----------------------------------------------------------------------------------- */

static int select_and_match(struct schema *schema, struct buf *filled)
{
    static const char row[] = "{\"a\":1,\"b\":2.5}";
    struct selection *selection = NULL;
    struct matcher *matcher = NULL;
    struct buf key = {0};
    int r = picktool_try("b/1.0..3/a/1/c/%empty", &selection);

    if (!r)
        r = matcher_create(selection, schema, &matcher);
    if (!r)
        r = matcher_row(matcher, slice_of(row, strlen(row)));
    if (r >= 0)
        r = matcher_fill_row(matcher, slice_of(row, strlen(row)), filled, NULL);
    if (!r)
        r = matcher_row_key(matcher, &key);
    buf_finish(&key);
    matcher_destroy(matcher);
    selection_unref(selection);
    return r;
}

static void without_memory_nothing_is_selected(void **state)
{
    static const char expected[] = "{\"c\":\"\",\"a\":1,\"b\":2.5}";
    struct schema *schema = picktool_schema(TWO);
    struct buf filled = {0};
    bool refused = true;

    (void)state;
    for (unsigned granted = 1; refused; granted++) { /* the first is the test's own */
        int r;

        buf_finish(&filled);
        nomem_after(granted);
        r = select_and_match(schema, &filled);
        refused = nomem_end();
        assert_int_equal(r, refused ? -ENOMEM : 0);
    }
    assert_int_equal(filled.bytes, strlen(expected));
    assert_memory_equal(filled.data, expected, filled.bytes);
    buf_finish(&filled);
    schema_unref(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_row_lacks_is_added_in_the_order_of_the_path),
        cmocka_unit_test(a_row_that_lacks_nothing_stays_as_it_is),
        cmocka_unit_test(what_the_path_says_twice_is_added_once),
        cmocka_unit_test(a_row_that_contradicts_the_path_is_refused),
        cmocka_unit_test(a_default_is_written_out_where_the_path_says_it),
        cmocka_unit_test(a_long_value_is_not_repeated_in_full),
        cmocka_unit_test(a_path_that_fixes_all_columns_of_the_key_says_it),
        cmocka_unit_test(a_name_that_stands_for_two_values_says_no_key),
        cmocka_unit_test(keys_of_two_columns_do_not_run_into_each_other),
        cmocka_unit_test(a_signature_tells_keys_apart_and_nothing_else),
        cmocka_unit_test(without_memory_there_is_no_signature),
        cmocka_unit_test(bounds_tell_what_cannot_match),
        cmocka_unit_test(without_memory_nothing_is_selected),
    };

    return cmocka_run_group_tests_name("selection_use", tests, NULL, NULL);
}
