/* SPDX-License-Identifier: MIT */
/* Names in rows: the same name twice, objects of many names, and what they take of memory. */
#include <malloc.h>
#include <stdlib.h>

#include "tests/lib/check.h"
#include "tests/lib/rowtool.h"

static void a_repeated_name_is_refused(void **state)
{
    (void)state;
    refused("{\"a\":1,\"a\":1}", "byte 8: the name \"a\" is in the object already");
    refused("{\"\":1,\"\":1}", "byte 7: the name \"\" is in the object already");
    refused("{\"id\":1,\"b\":{\"c\":1},\"id\":2}",
            "byte 21: the name \"id\" is in the object already");
    refused("{\"a\":[{\"b\":1},{\"b\":1,\"c\":2,\"b\":3}]}",
            "byte 28: the name \"b\" is in the object already");
    refused("{\"12345678\":1,\"12345678\":1}",
            "byte 15: the name \"12345678\" is in the object already");
    refused("{\"123456789\":1,\"123456789\":1}",
            "byte 16: the name \"123456789\" is in the object already");
    refused("{\"\xc3\xa9\":1,\"\xc3\xa9\":1}", "byte 9: this name is in the object already");
}

static void a_repeated_name_spelled_with_an_escape_is_refused(void **state)
{
    (void)state;
    refused("{\"a\":1,\"\\u0061\":1}", "byte 8: the name \"\\u0061\" is in the object already");
    refused("{\"\\u0061\":1,\"a\":1}", "byte 13: the name \"a\" is in the object already");
    refused("{\"\\u006A\":1,\"\\u006a\":1}",
            "byte 13: the name \"\\u006a\" is in the object already");
    refused("{\"\xc3\xa9\":1,\"\\u00E9\":1}",
            "byte 9: the name \"\\u00E9\" is in the object already");
    refused("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":1}",
            "byte 19: this name is in the object already");
    refused("{\"\\u20ac\":1,\"\xe2\x82\xac\":1}", "byte 13: this name is in the object already");
    refused("{\"a/b\":1,\"a\\/b\":1}", "byte 10: the name \"a\\/b\" is in the object already");
    refused("{\"\\n\":1,\"\\u000a\":1}", "byte 9: the name \"\\u000a\" is in the object already");
    refused("{\"\\b\\f\\r\\t\":1,\"\\u0008\\u000C\\u000D\\u0009\":1}",
            "byte 15: the name \"\\u0008\\u000C\\u000D\\u0009\" is in the object already");
    refused("{\"\\\"\\\\\":1,\"\\u0022\\u005c\":1}",
            "byte 11: the name \"\\u0022\\u005c\" is in the object already");
    refused("{\"\\u0000\":1,\"\\u0000\":1}",
            "byte 13: the name \"\\u0000\" is in the object already");
}

static void names_that_only_look_alike_are_different(void **state)
{
    (void)state;
    row("{\"a\":1,\"A\":2,\"a \":3,\"aa\":4,\"\":5,\" \":6}");
    row("{\"a\":1,\"a\\u0000\":2,\"\\u0000a\":3,\"\\u0000\":4,\"\":5}");
    row("{\"12345678\":1,\"123456789\":2,\"12345678 12345678\":3,\"1234567\":4}");
    row("{\"created__at_min\":1,\"created_at__min\":2,\"created_-at_min\":3}");
    row("{\"\\\\u0061\":1,\"a\":2,\"u0061\":3}");
    /* Precomposed or not: these are different characters. */
    row("{\"\xc3\xa9\":1,\"e\xcc\x81\":2}");
}

static void the_same_name_in_another_object_is_allowed(void **state)
{
    (void)state;
    row("{\"a\":{\"a\":{\"a\":1},\"b\":1},\"b\":[{\"a\":1},{\"a\":2}]}");
    row("{\"\\u0061\":{\"a\":{\"\\u0061\":1}},\"b\":{\"a\":1}}");
    row("{\"a\":\"a\",\"b\":\"a\"}");
    refused("{\"a\":{\"b\":{\"c\":1}},\"a\":1}",
            "byte 20: the name \"a\" is in the object already");
}

static void a_long_repeated_name_is_quoted_in_part(void **state)
{
    (void)state;
    refused("{\"0123456789012345678901234567890123456789\":1,"
            "\"0123456789012345678901234567890123456789\":1}",
            "byte 47: the name \"0123456789012345678901234567890123456789\" is in the object "
            "already");
    refused("{\"0123456789012345678901234567890123456789!\":1,"
            "\"0123456789012345678901234567890123456789!\":1}",
            "byte 48: the name \"0123456789012345678901234567890123456789...\" is in the object "
            "already");
}

/* An object of `count` names; the last is also the name `repeated`, unless that is negative. */
static void put_object(struct buf *line, int count, int repeated, const char *format)
{
    for (int i = 0; i < count; i++) {
        rowtool_put(line, i ? "," : "{");
        assert_int_equal(buf_printf(line, format, i), 0);
    }
    if (repeated >= 0) {
        rowtool_put(line, ",");
        assert_int_equal(buf_printf(line, format, repeated), 0);
    }
    rowtool_put(line, count ? "}" : "{}");
}

static void any_name_of_a_wide_object_is_refused_when_repeated(void **state)
{
    static const char *formats[] = {"\"%d\":1", "\"a_long_name_%d\":{}", "\"\\u0061%d\":[]"};

    (void)state;
    for (int count = 1; count < 150; count += count < 40 ? 1 : 13)
        for (int repeated = -1; repeated < count; repeated++)
            for (size_t i = 0; i < ARRAY_COUNT(formats); i++) {
                cleanup_buf struct buf line = {0};

                put_object(&line, count, repeated, formats[i]);
                assert_int_equal(rowtool_check(line.data, line.bytes, NULL),
                                 repeated < 0 ? 0 : -EINVAL);
            }
}

static void wide_objects_inside_each_other_keep_their_names_apart(void **state)
{
    cleanup_buf struct buf line = {0};

    (void)state;
    /* Each opens its successor after 20 of its names, and has 20 more after it. */
    for (int depth = 0; depth < ROWCHECK_MAX_DEPTH; depth++) {
        put_object(&line, 20, -1, "\"%d\":1");
        line.data[line.bytes - 1] = ',';
        rowtool_put(&line, "\"child\":");
    }
    rowtool_put(&line, "[]");
    for (int depth = 0; depth < ROWCHECK_MAX_DEPTH; depth++) {
        size_t start = line.bytes;

        put_object(&line, 20, -1, "\"b%d\":1");
        line.data[start] = ',';
    }
    line.bytes -= strlen("[]") - 2;
    assert_int_equal(rowcheck_line(check, line.data, line.bytes, NULL), -EINVAL);
    memcpy(strstr(line.data, "[]"), "17", 2);
    rowtool_expect_row(line.data, line.bytes);
    /* The outermost object's first and last names. */
    line.bytes--;
    rowtool_put(&line, ",\"b19\":1}");
    assert_int_equal(rowcheck_line(check, line.data, line.bytes, NULL), -EINVAL);
    line.bytes -= strlen(",\"b19\":1}");
    rowtool_put(&line, ",\"19\":1}");
    assert_int_equal(rowcheck_line(check, line.data, line.bytes, NULL), -EINVAL);
    line.bytes -= strlen(",\"19\":1}");
    rowtool_put(&line, ",\"b20\":1}");
    rowtool_expect_row(line.data, line.bytes);
}

static void wide_objects_beside_each_other_keep_their_names_apart(void **state)
{
    cleanup_buf struct buf line = {0};

    (void)state;
    rowtool_put(&line, "{\"a\":[");
    for (int i = 0; i < 2000; i++) {
        rowtool_put(&line, i ? "," : "");
        put_object(&line, 40, -1, "\"%d\":1");
    }
    rowtool_put(&line, "]}");
    rowtool_expect_row(line.data, line.bytes);
    rowtool_expect_row(line.data, line.bytes);
}

/* Ends only if the time is linear. */
static void an_object_of_a_million_names_is_a_row(void **state)
{
    static const char *formats[] = {"\"%d\":0", "\"\\u0061%d\":0",
                                    "\"same_start_%08d_same_end\":0"};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(formats); i++) {
        cleanup_buf struct buf line = {0};

        put_object(&line, 1000000, -1, formats[i]);
        rowtool_expect_row(line.data, line.bytes);
        line.bytes = 0;
        put_object(&line, 1000000, 999999, formats[i]);
        assert_int_equal(rowcheck_line(check, line.data, line.bytes, NULL), -EINVAL);
    }
    row("{\"0\":0,\"a0\":0}");
}

static void long_names_that_differ_in_the_middle_are_different(void **state)
{
    cleanup_buf struct buf line = {0};
    char name[2000];

    (void)state;
    memset(name, 'x', sizeof name);
    for (int i = 0; i < 1000; i++) {
        rowtool_put(&line, i ? ",\"" : "{\"");
        name[1000 + i % 100] = (char)('a' + i / 100);
        assert_int_equal(buf_append(&line, name, sizeof name), 0);
        rowtool_put(&line, "\":0");
        name[1000 + i % 100] = 'x';
    }
    rowtool_put(&line, "}");
    rowtool_expect_row(line.data, line.bytes);
}

static void names_of_nothing_but_escapes_are_told_apart(void **state)
{
    cleanup_buf struct buf line = {0};

    (void)state;
    put_object(&line, 5000, -1, "\"\\uffff\\ud800\\udc00\\u%04x\":0");
    rowtool_expect_row(line.data, line.bytes);
    line.bytes = 0;
    put_object(&line, 5000, 17, "\"\\uffff\\ud800\\udc00\\u%04x\":0");
    assert_int_equal(rowcheck_line(check, line.data, line.bytes, NULL), -EINVAL);
}

/* A sanitizer's malloc counts nothing, and this test then says nothing. */
static void more_rows_take_no_more_memory(void **state)
{
    cleanup_buf struct buf line = {0};
    struct rowcheck *fresh;
    size_t before = 0;

    (void)state;
    assert_int_equal(rowcheck_create(&fresh), 0);
    put_object(&line, 60, -1, "\"\\u0061%d\":{\"\\u0061\":1}");
    for (int i = 0; i < 2000; i++) {
        if (i == 2)
            before = mallinfo2().uordblks;
        assert_int_equal(rowcheck_line(fresh, line.data, line.bytes - (size_t)(i % 2), NULL),
                         i % 2 ? -EINVAL : 0);
    }
    assert_int_equal(mallinfo2().uordblks, before);
    rowcheck_destroy(fresh);
}

/* A row as large as may be is seldom: its memory is not kept. */
static void the_memory_for_a_large_row_is_given_back(void **state)
{
    cleanup_buf struct buf line = {0};
    size_t before;

    (void)state;
    put_object(&line, 100000, -1, "\"\\u0061%d\":0");
    before = mallinfo2().uordblks + mallinfo2().hblkhd;
    assert_int_equal(rowcheck_line(check, line.data, line.bytes, NULL), 0);
    assert_true(mallinfo2().uordblks + mallinfo2().hblkhd <= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repeated_name_is_refused),
        cmocka_unit_test(a_repeated_name_spelled_with_an_escape_is_refused),
        cmocka_unit_test(names_that_only_look_alike_are_different),
        cmocka_unit_test(the_same_name_in_another_object_is_allowed),
        cmocka_unit_test(a_long_repeated_name_is_quoted_in_part),
        cmocka_unit_test(any_name_of_a_wide_object_is_refused_when_repeated),
        cmocka_unit_test(wide_objects_inside_each_other_keep_their_names_apart),
        cmocka_unit_test(wide_objects_beside_each_other_keep_their_names_apart),
        cmocka_unit_test(an_object_of_a_million_names_is_a_row),
        cmocka_unit_test(long_names_that_differ_in_the_middle_are_different),
        cmocka_unit_test(names_of_nothing_but_escapes_are_told_apart),
        cmocka_unit_test(more_rows_take_no_more_memory),
        cmocka_unit_test(the_memory_for_a_large_row_is_given_back),
    };

    return cmocka_run_group_tests_name("rowcheck names", tests, rowtool_setup, rowtool_teardown);
}
