/* SPDX-License-Identifier: MIT */
/* What core promises in core/selection.h: which rows a path means. */
#include <stdio.h>

#include "tests/lib/check.h"
#include "tests/lib/picktool.h"

#define ID "{\"columns\":{\"id\":\"int64\"}}"

/* 1 or 0, or why the selection makes no sense for the schema (NULL: none). */
static int match(const char *schema_text, const char *conditions, const char *row)
{
    struct schema *schema = picktool_schema(schema_text);
    struct selection *selection = picktool_selection(conditions);
    struct matcher *matcher = NULL;
    int r = matcher_create(selection, schema, &matcher);

    selection_unref(selection); /* the matcher holds both */
    schema_unref(schema);
    if (!r)
        r = matcher_row(matcher, slice_of(row, strlen(row)));
    matcher_destroy(matcher);
    return r;
}

static void check_match(const char *schema, const char *conditions, const char *row, int expected,
                        int line)
{
    int r = match(schema, conditions, row);

    if (r == expected)
        return;
    print_error("%s and %s: %d\n", conditions, row, r);
    _fail(__FILE__, line);
}

#define assert_match(schema, conditions, row)    check_match(schema, conditions, row, 1, __LINE__)
#define assert_no_match(schema, conditions, row) check_match(schema, conditions, row, 0, __LINE__)
#define assert_no_such(schema, conditions)       check_match(schema, conditions, "{}", -ENOENT, __LINE__)

/* --- one value --------------------------------------------------------------------- */

static void without_a_schema_a_number_is_also_the_string_that_looks_like_it(void **state)
{
    (void)state;
    assert_match(NULL, "a/42", "{\"a\":42}");
    assert_match(NULL, "a/42", "{\"b\":1,\"a\" : 42.0 }");
    assert_match(NULL, "a/42", "{\"a\":\"42\"}");
    assert_match(NULL, "a/42.0", "{\"a\":42}");
    assert_no_match(NULL, "a/42", "{\"a\":\"42.0\"}");
    assert_no_match(NULL, "a/42", "{\"a\":43}");
    assert_no_match(NULL, "a/42", "{\"a\":null}");
    assert_no_match(NULL, "a/42", "{\"b\":42}");
    assert_no_match(NULL, "a/42", "{\"b\":{\"a\":42}}");
    assert_match(NULL, "a/true", "{\"a\":true}");
    assert_match(NULL, "a/true", "{\"a\":\"true\"}");
    assert_match(NULL, "a/null", "{\"a\":\"null\"}");
    assert_no_match(NULL, "a/null", "{\"a\":null}");
}

static void with_a_schema_a_value_is_what_its_type_makes_of_it(void **state)
{
    static const char columns[] =
        "{\"columns\":{\"i\":\"int64\",\"f\":\"float64\",\"b\":\"bool\",\"s\":\"string\","
        "\"d\":\"decimal(10,2)\",\"t\":\"timestamp\",\"y\":\"date\"}}";

    (void)state;
    assert_match(columns, "i/42", "{\"i\":42}");
    assert_match(columns, "f/100", "{\"f\":1e2}");
    assert_match(columns, "b/true", "{\"b\":true}");
    assert_no_match(columns, "b/true", "{\"b\":false}");
    assert_match(columns, "s/42", "{\"s\":\"42\"}");
    assert_no_match(columns, "s/42", "{\"s\":\"42.0\"}");
    assert_match(columns, "d/4.2", "{\"d\":4.20}");
    assert_match(columns, "d/4.20", "{\"d\":\"4.2\"}");
    assert_match(columns, "t/2026-11-23T10:00:00Z", "{\"t\":\"2026-11-23T12:00:00+02:00\"}");
    assert_match(columns, "y/2026-11-23", "{\"y\":\"2026-11-23\"}");
}

static void what_is_no_value_or_no_column_of_the_schema_is_not_there(void **state)
{
    static const char columns[] = "{\"columns\":{\"i\":\"int64\",\"b\":\"bool\",\"y\":\"date\"}}";
    static const char *const wrong[] = {
        "i/x",    "i/1.5",   "i/1..x", "i/%empty", "b/yes", "y/today", "y/2026-11-23..no",
        "none/1", "i/1/j/2", "b/1..2", "i/x.."};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        assert_no_such(columns, wrong[i]);
    assert_no_match(NULL, "i/x", "{}");
    assert_no_match(NULL, "none/%empty", "{}");
}

static void special_names_are_null_the_missing_value_and_the_empty_string(void **state)
{
    (void)state;
    assert_match(NULL, "a/%null", "{\"a\":null}");
    assert_no_match(NULL, "a/%null", "{\"a\":\"\"}");
    assert_no_match(NULL, "a/%null", "{}");
    assert_match(NULL, "a/%missing", "{\"b\":null}");
    assert_no_match(NULL, "a/%missing", "{\"a\":null}");
    assert_match(NULL, "a/%empty", "{\"a\":\"\"}");
    assert_no_match(NULL, "a/%empty", "{\"a\":\" \"}");
    assert_match(NULL, "a/%25null", "{\"a\":\"%null\"}");
    assert_match(NULL, "%empty/1", "{\"\":1}");
    assert_match(ID, "id/%null", "{\"id\":null}");
    assert_match(ID, "id/%missing", "{}");
}

static void escapes_stand_for_their_characters(void **state)
{
    (void)state;
    assert_match(NULL, "a%2Fb/x%2fy", "{\"a/b\":\"x/y\"}");
    assert_match(NULL, "a/%2E", "{\"a\":\".\"}");
    assert_match(NULL, "a/.%2E", "{\"a\":\"..\"}");
    assert_match(NULL, "a/x.%2Ey", "{\"a\":\"x..y\"}");
    assert_match(NULL, "a/%00", "{\"a\":\"\\u0000\"}");
    assert_match(NULL, "a/\xc3\xa9", "{\"\\u0061\":\"\\u00e9\"}");
}

static void a_missing_value_is_its_default(void **state)
{
    static const char columns[] =
        "{\"columns\":{\"i\":{\"type\":\"int64\",\"default\":7},\"s\":\"string\"}}";

    (void)state;
    assert_match(columns, "i/7", "{\"s\":\"x\"}");
    assert_match(columns, "i/5..9", "{}");
    assert_no_match(columns, "i/8..", "{}");
    assert_no_match(columns, "i/%missing", "{}");
    assert_no_match(columns, "i/7", "{\"i\":null}");
    assert_match(columns, "i/%null", "{\"i\":null}");
    assert_match(columns, "s/%missing", "{}");
}

/* --- names that are too long --------------------------------------------------------- */

/* The selection by the name that the value has. */
static int match_by_name(struct column_type type, const char *schema, const char *value,
                         const char *row)
{
    struct buf key = {0}, path = {0};
    int r;

    assert_int_equal(value_key(type, slice_of(value, strlen(value)), &key), 0);
    assert_int_equal(buf_append(&path, "a/", 2), 0);
    assert_int_equal(value_name(type, slice_of(key.data, key.bytes), &path), 0);
    assert_true(path.bytes <= 2 + VALUE_NAME_MAX);
    assert_int_equal(buf_append(&path, "", 1), 0);
    r = match(schema, path.data, row);
    buf_finish(&key);
    buf_finish(&path);
    return r;
}

/* A string of `bytes` bytes with its quotes, of which the last one is `last`. */
static const char *long_string(size_t bytes, char last)
{
    static char text[1024];

    memset(text, 'x', bytes + 2);
    text[0] = text[bytes + 1] = '"';
    text[bytes] = last;
    text[bytes + 2] = '\0';
    return text;
}

static void a_long_value_is_found_by_its_name(void **state)
{
    static const struct column_type any = {.kind = TYPE_ANY}, string = {.kind = TYPE_STRING};
    static const size_t lengths[] = {1, 254, 255, 256, 257, 600};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
        char same[1100], another[1100];

        snprintf(same, sizeof same, "{\"a\":%s}", long_string(lengths[i], 'y'));
        snprintf(another, sizeof another, "{\"a\":%s}", long_string(lengths[i], 'z'));
        long_string(lengths[i], 'y');
        assert_int_equal(match_by_name(any, NULL, long_string(lengths[i], 'y'), same), 1);
        assert_int_equal(match_by_name(any, NULL, long_string(lengths[i], 'y'), another), 0);
        assert_int_equal(match_by_name(string, "{\"columns\":{\"a\":\"string\"}}",
                                       long_string(lengths[i], 'y'), same),
                         1);
    }
}

static void a_number_of_many_digits_is_found_by_its_name(void **state)
{
    static const struct column_type any = {.kind = TYPE_ANY};
    char digits[402], same[450], another[450];

    (void)state;
    memset(digits, '7', 400);
    digits[1] = '.';
    digits[400] = '\0';
    snprintf(same, sizeof same, "{\"a\":%s}", digits);
    snprintf(another, sizeof another, "{\"a\":%s1}", digits);
    assert_int_equal(match_by_name(any, NULL, digits, same), 1);
    assert_int_equal(match_by_name(any, NULL, digits, another), 0);
}

static void no_value_has_a_short_name_that_ends_in_a_hash(void **state)
{
    (void)state;
    assert_no_match(NULL, "a/x%~0123456789abcdef", "{\"a\":\"x%~0123456789abcdef\"}");
    assert_no_match(ID, "id/x%~0123456789abcdef", "{\"id\":1}");
}

/* --- ranges ------------------------------------------------------------------------------ */

static void a_range_has_both_of_its_ends(void **state)
{
    (void)state;
    assert_match(NULL, "a/1..3", "{\"a\":1}");
    assert_match(NULL, "a/1..3", "{\"a\":2.5}");
    assert_match(NULL, "a/1..3", "{\"a\":3.0}");
    assert_no_match(NULL, "a/1..3", "{\"a\":3.01}");
    assert_no_match(NULL, "a/1..3", "{\"a\":0.99}");
    assert_match(NULL, "a/1..", "{\"a\":1e99}");
    assert_match(NULL, "a/..1", "{\"a\":-1e99}");
    assert_no_match(NULL, "a/2..", "{\"a\":1}");
    assert_no_match(NULL, "a/..1", "{\"a\":2}");
    assert_no_match(NULL, "a/3..1", "{\"a\":2}");
    assert_match(NULL, "a/b..d", "{\"a\":\"d\"}");
    assert_no_match(NULL, "a/b..d", "{\"a\":\"da\"}");
    assert_match(NULL, "a/b..", "{\"a\":\"\xc3\xa9\"}");
}

static void without_a_schema_numbers_bound_numbers_and_all_else_strings(void **state)
{
    (void)state;
    assert_no_match(NULL, "a/1..3", "{\"a\":\"2\"}");
    assert_no_match(NULL, "a/1..", "{\"a\":\"2\"}");
    assert_no_match(NULL, "a/..z", "{\"a\":1}");
    assert_match(NULL, "a/1..z", "{\"a\":\"2\"}");
    assert_no_match(NULL, "a/1..z", "{\"a\":2}");
    assert_match(NULL, "a/false..true", "{\"a\":\"nought\"}");
    assert_no_match(NULL, "a/false..true", "{\"a\":true}");
    assert_match(NULL, "a/true..", "{\"a\":\"z\"}");
    assert_no_match(NULL, "a/true..", "{\"a\":true}");
}

static void null_and_what_is_missing_are_in_no_range(void **state)
{
    static const char *const ranges[] = {"a/..9", "a/1..", "a/..z", "a/a..", "a/1..9"};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(ranges); i++) {
        assert_no_match(NULL, ranges[i], "{\"a\":null}");
        assert_no_match(NULL, ranges[i], "{}");
        assert_no_match(NULL, ranges[i], "{\"a\":[5]}");
    }
    assert_no_match(ID, "id/..9", "{\"id\":null}");
    assert_no_match(ID, "id/..9", "{}");
}

static void with_a_schema_a_range_is_of_the_type(void **state)
{
    static const char columns[] =
        "{\"columns\":{\"s\":\"string\",\"t\":\"timestamp\",\"d\":\"decimal(9,2)\"}}";

    (void)state;
    assert_match(columns, "s/1..3", "{\"s\":\"10\"}");
    assert_no_match(columns, "s/1..3", "{\"s\":\"4\"}");
    assert_match(columns, "t/2026-01-01T00:00:00Z..", "{\"t\":\"2025-12-31T23:30:00-01:00\"}");
    assert_no_match(columns, "t/2026-01-01T00:00:00Z..", "{\"t\":\"2026-01-01T00:30:00+01:00\"}");
    assert_match(columns, "d/1.10..1.20", "{\"d\":\"1.2\"}");
    assert_match(ID, "id/-9223372036854775808..0", "{\"id\":-5}");
}

static void any_number_is_in_exactly_the_ranges_around_it(void **state)
{
    uint64_t seed = 4;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        int from = (int)check_random_below(&seed, 40) - 20;
        int to = (int)check_random_below(&seed, 40) - 20;
        int value = (int)check_random_below(&seed, 40) - 20;
        bool no_from = check_random_below(&seed, 5) == 0;
        bool no_to = !no_from && check_random_below(&seed, 5) == 0;
        char path[40] = "id/", row[40];

        if (!no_from)
            snprintf(path + 3, sizeof path - 3, "%d", from);
        strcat(path, "..");
        if (!no_to)
            snprintf(path + strlen(path), 10, "%d", to);
        snprintf(row, sizeof row, "{\"id\":%d}", value);
        check_match(i % 2 ? ID : NULL, path, row,
                    (no_from || from <= value) && (no_to || value <= to), __LINE__);
    }
}

/* --- several conditions --------------------------------------------------------------------- */

static void all_conditions_must_hold(void **state)
{
    (void)state;
    assert_match(NULL, "a/1/b/x", "{\"b\":\"x\",\"a\":1}");
    assert_no_match(NULL, "a/1/b/x", "{\"b\":\"x\",\"a\":2}");
    assert_no_match(NULL, "a/1/b/x", "{\"b\":\"y\",\"a\":1}");
    assert_match(NULL, "a/1../a/..3", "{\"a\":2}");
    assert_no_match(NULL, "a/1../a/..3", "{\"a\":4}");
    assert_no_match(NULL, "a/1/a/2", "{\"a\":1}");
    assert_match(NULL, "a/%missing/b/%null/c/%empty", "{\"c\":\"\",\"b\":null}");
}

static void no_selection_has_all_rows(void **state)
{
    (void)state;
    assert_match(NULL, "", "{}");
    assert_match(ID, "", "{\"id\":1}");
}

/* --- paths ------------------------------------------------------------------------------------ */

static void what_is_not_well_formed_is_refused(void **state)
{
    static const char *const wrong[] = {
        "a/",     "a/..",  "a/...",     "a/....",   "a/1..2..3", "a/1...2",    "a/%",
        "a/%4",   "a/%zz", "a/%FF",     "a/x..%",   "a/%x..y",   "a/%null..1", "a/1..%missing",
        "%zz/1",  "%/1",   "\xff/1",    "a/\xff",   "a/%Null",   "%null/1",    "%missing/1",
        "a/1/b/", "a/%~",  "a/%~01234", "a/%empty."};
    struct selection *untouched = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        if (picktool_try(wrong[i], &untouched) != -EINVAL)
            fail_msg("%s is well-formed", wrong[i]);
        assert_null(untouched);
    }
}

static void a_path_has_at_most_64_conditions(void **state)
{
    struct selection *selection = NULL, *next = NULL;

    (void)state;
    for (int i = 0; i < SELECTION_MAX_CONDITIONS; i++) {
        assert_int_equal(selection_create(selection, "a", "1..", &next), 0);
        selection_unref(selection);
        selection = next;
    }
    assert_int_equal(selection_create(selection, "a", "1..", &next), -ENAMETOOLONG);
    selection_unref(selection);
}

static void expect_printed(const char *conditions, const char *path)
{
    struct selection *selection = picktool_selection(conditions);
    struct buf text = {0};

    assert_int_equal(selection_print(selection, &text), 0);
    assert_int_equal(text.bytes, strlen(path));
    assert_memory_equal(text.data, path, text.bytes);
    buf_finish(&text);
    selection_unref(selection);
}

static void a_selection_is_printed_as_its_path(void **state)
{
    (void)state;
    expect_printed("id/42", "by/id/42");
    expect_printed("id/42/name/Ada", "by/id/42/by/name/Ada");
    expect_printed("a%2Fb/%2f/%empty/%missing", "by/a%2Fb/%2f/by/%empty/%missing");
}

static bool are_equal(const char *one, const char *another)
{
    struct selection *a = picktool_selection(one), *b = picktool_selection(another);
    bool equal = selection_equal(a, b);

    assert_int_equal(selection_equal(b, a), equal);
    selection_unref(a);
    selection_unref(b);
    return equal;
}

static void selections_are_equal_if_they_are_spelled_the_same(void **state)
{
    (void)state;
    assert_true(are_equal("a/1/b/2", "a/1/b/2"));
    assert_true(are_equal("a%2fb/1", "a%2Fb/1"));
    assert_true(are_equal("", ""));
    assert_false(are_equal("a/1", "a/1.0"));
    assert_false(are_equal("a/1", "b/1"));
    assert_false(are_equal("a/1/b/2", "b/2"));
    assert_false(are_equal("a/1/b/2", "b/2/a/1"));
    assert_false(are_equal("a/1", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_schema_a_number_is_also_the_string_that_looks_like_it),
        cmocka_unit_test(with_a_schema_a_value_is_what_its_type_makes_of_it),
        cmocka_unit_test(what_is_no_value_or_no_column_of_the_schema_is_not_there),
        cmocka_unit_test(special_names_are_null_the_missing_value_and_the_empty_string),
        cmocka_unit_test(escapes_stand_for_their_characters),
        cmocka_unit_test(a_missing_value_is_its_default),
        cmocka_unit_test(a_long_value_is_found_by_its_name),
        cmocka_unit_test(a_number_of_many_digits_is_found_by_its_name),
        cmocka_unit_test(no_value_has_a_short_name_that_ends_in_a_hash),
        cmocka_unit_test(a_range_has_both_of_its_ends),
        cmocka_unit_test(without_a_schema_numbers_bound_numbers_and_all_else_strings),
        cmocka_unit_test(null_and_what_is_missing_are_in_no_range),
        cmocka_unit_test(with_a_schema_a_range_is_of_the_type),
        cmocka_unit_test(any_number_is_in_exactly_the_ranges_around_it),
        cmocka_unit_test(all_conditions_must_hold),
        cmocka_unit_test(no_selection_has_all_rows),
        cmocka_unit_test(what_is_not_well_formed_is_refused),
        cmocka_unit_test(a_path_has_at_most_64_conditions),
        cmocka_unit_test(a_selection_is_printed_as_its_path),
        cmocka_unit_test(selections_are_equal_if_they_are_spelled_the_same),
    };

    return cmocka_run_group_tests_name("selection", tests, NULL, NULL);
}
