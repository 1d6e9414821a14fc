/* SPDX-License-Identifier: MIT */
/* Values of columns: which are of a type, which are equal, how they are ordered and named. */
#include <math.h>
#include <stdio.h>

#include "core/base/hash.h"
#include "core/value.h"
#include "tests/lib/check.h"

static struct slice text(const char *string)
{
    return slice_of(string, strlen(string));
}

static struct slice bytes_of(const struct buf *buf)
{
    return slice_of(buf->data, buf->bytes);
}

static struct column_type type_of(const char *name)
{
    struct column_type type = {.kind = TYPE_ANY};

    if (strcmp(name, "any") != 0)
        assert_int_equal(type_from_text(name, &type), 0);
    return type;
}

/* The key of a value; "" is the one that is missing. */
static struct buf key_of(struct column_type type, const char *value)
{
    struct buf key = {0};

    assert_int_equal(value_key(type, *value ? text(value) : (struct slice){0}, &key), 0);
    return key;
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static void expect_order(struct column_type type, const char *a, const char *b, int expected)
{
    struct buf key_a = key_of(type, a), key_b = key_of(type, b);
    int order = sign(value_key_compare(bytes_of(&key_a), bytes_of(&key_b)));

    if (order != expected)
        print_error("%s and %s: %d instead of %d\n", a, b, order, expected);
    assert_int_equal(order, expected);
    buf_finish(&key_a);
    buf_finish(&key_b);
}

/* Lists of values, each line of which is equal in itself and less than the next one. */
typedef const char *const equals[6];

static void expect_ordered(const char *type, equals *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            for (const char *const *a = lines[i]; *a; a++)
                for (const char *const *b = lines[j]; *b; b++)
                    expect_order(type_of(type), *a, *b, (i > j) - (i < j));
}

/* --- types ---------------------------------------------------------------------------------- */

static void the_name_of_a_type_means_that_type(void **state)
{
    static const char *const names[] = {
        "string",         "int64",         "float64",      "bool",           "timestamp",
        "date",           "decimal(10,2)", "decimal(1,0)", "decimal(38,38)", "decimal(1000,1000)",
        "decimal(999,7)", "json",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        char again[TYPE_TEXT_BYTES];

        type_to_text(type_of(names[i]), again);
        assert_string_equal(again, names[i]);
    }
}

static void anything_else_is_no_type(void **state)
{
    static const char *const names[] = {
        "",
        "any",
        "String",
        "int",
        "int64 ",
        " int64",
        "decimal",
        "decimal()",
        "decimal(10)",
        "decimal(10,2",
        "decimal(10,2))",
        "decimal(10, 2)",
        "decimal( 10,2)",
        "decimal(\t10,2)",
        "decimal(10,\n2)",
        "decimal(+10,2)",
        "decimal(10,-0)",
        "decimal(010,2)",
        "decimal(10,02)",
        "decimal(0,0)",
        "decimal(1,2)",
        "decimal(1001,2)",
        "decimal(99999,2)",
        "decimal(4294967297,1)",
        "decimal(10,2,3)",
        "decimal(10.2)",
    };
    struct column_type type;

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (type_from_text(names[i], &type) != -EINVAL)
            fail_msg("\"%s\" is taken for a type", names[i]);
}

static void expect_fault(const char *type, const char *value, const char *expected)
{
    const char *fault = value_fault(type_of(type), text(value));

    if (!fault != !expected || (fault && strcmp(fault, expected) != 0))
        print_error("%s %s: %s\n", type, value, fault ? fault : "(no fault)");
    if (expected)
        assert_string_equal(fault ? fault : "", expected);
    else
        assert_null(fault);
}

static void an_int64_is_a_whole_number_of_64_bits(void **state)
{
    static const char *const good[] = {"0",
                                       "-0",
                                       "1",
                                       "-1",
                                       "123456789012345678",
                                       "-12345678901234567",
                                       "9223372036854775807",
                                       "-9223372036854775808"};
    static const char *const beyond[] = {"9223372036854775808", "-9223372036854775809",
                                         "18446744073709551616",
                                         "99999999999999999999999999999999999999"};
    static const char *const other[] = {"1.0", "1e2", "\"1\"", "true", "{}", "[]", "0.5", "1E0"};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        expect_fault("int64", good[i], NULL);
    for (size_t i = 0; i < ARRAY_COUNT(beyond); i++)
        expect_fault("int64", beyond[i], "is beyond int64");
    for (size_t i = 0; i < ARRAY_COUNT(other); i++)
        expect_fault("int64", other[i], "is not a whole number");
}

static void a_float64_is_a_number_that_a_double_can_hold(void **state)
{
    /* Half way between the greatest double and 2^1024: the first number that is beyond. */
    static const char limit[] =
        "1797693134862315807937289714053034150799341327100378269361737789804449682927647509466490"
        "1797758720709633028641669288791094655554785194040263065748867150582068190890200070838367"
        "6273854845817711531764475730270069855571366959622842914819860834936475292719074168444365"
        "510704342711559699508093042880177904174497792";
    char number[512];

    (void)state;
    expect_fault("float64", "0", NULL);
    expect_fault("float64", "-1.5e-400", NULL);
    expect_fault("float64", "0e99999999999999999999999", NULL);
    expect_fault("float64", "1.7976931348623157e308", NULL);
    expect_fault("float64", "17976931348623157e292", NULL);
    expect_fault("float64", "0.0000017976931348623158e314", NULL);
    expect_fault("float64", "-1.7976931348623159e308", "is beyond float64");
    expect_fault("float64", "1e309", "is beyond float64");
    expect_fault("float64", "1e99999999999999999999999", "is beyond float64");
    expect_fault("float64", "1e-99999999999999999999999", NULL);
    expect_fault("float64", "\"1\"", "is not a number");
    expect_fault("float64", "null", "is not a number");
    expect_fault("float64", limit, "is beyond float64");
    snprintf(number, sizeof number, "%s.%0100d", limit, 0);
    expect_fault("float64", number, "is beyond float64");
    snprintf(number, sizeof number, "%s", limit);
    number[strlen(number) - 2] = '7';
    expect_fault("float64", number, NULL);
    snprintf(number + strlen(number), sizeof number - strlen(number), ".99999999999999999");
    expect_fault("float64", number, NULL);
}

static void a_decimal_has_no_more_digits_than_its_type(void **state)
{
    static const char *const good[] = {"0",        "-0",     "0.00", "12345678",   "-12345678.99",
                                       "\"1.50\"", "\"-7\"", "0.1",  "99999999.99"};
    static const char *const form[] = {"1e2",    "\"1e2\"", "\"\"",   "\"x\"", "\"1.\"", "\".5\"",
                                       "\"+1\"", "\" 1\"",  "\"01\"", "1E-1",  "\"-\""};
    static const char *const kind[] = {"true", "{}", "[1]", "\"\\u0031\"", "null"};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        expect_fault("decimal(10,2)", good[i], NULL);
    for (size_t i = 0; i < ARRAY_COUNT(form); i++)
        expect_fault("decimal(10,2)", form[i], "is not a number without exponent");
    for (size_t i = 0; i < ARRAY_COUNT(kind); i++)
        expect_fault("decimal(10,2)", kind[i], "is not a number");
    expect_fault("decimal(10,2)", "1.234", "has too many digits behind the point");
    expect_fault("decimal(10,2)", "\"1.000\"", "has too many digits behind the point");
    expect_fault("decimal(10,2)", "123456789", "has too many digits before the point");
    expect_fault("decimal(10,2)", "-123456789.1", "has too many digits before the point");
    expect_fault("decimal(2,2)", "0.99", NULL);
    expect_fault("decimal(2,2)", "1.99", "has too many digits before the point");
    expect_fault("decimal(2,0)", "99", NULL);
    expect_fault("decimal(2,0)", "9.0", "has too many digits behind the point");
}

#define NO_TIME "is not a time of RFC 3339, such as \"2026-11-23T18:15:59Z\""
#define NO_DATE "is not a date, such as \"2026-11-23\""

static void a_timestamp_is_a_time_of_rfc_3339(void **state)
{
    static const char *const good[] = {
        "\"2026-11-23T18:15:59Z\"",
        "\"2026-11-23t18:15:59z\"",
        "\"2024-02-29T00:00:00+00:00\"",
        "\"2000-02-29T23:59:59-23:59\"",
        "\"1969-12-31T23:59:59.999999999999999999999999999999999999999999999999999999999999Z\"",
        "\"0001-01-01T00:00:00Z\"",
        "\"9999-12-31T23:59:59.9Z\"",
        "\"2016-12-31T23:59:60Z\"",
        "\"2017-01-01T00:59:60.5+01:00\"",
        "\"0000-12-31T23:59:59-00:01\"",
    };
    static const char *const bad[] = {
        "\"\"",
        "\"2026-11-23\"",
        "\"2026-11-23T18:15:59\"",
        "\"2026-11-23T18:15Z\"",
        "\"2026-11-23 18:15:59Z\"",
        "\"2026-11-23T18:15:59.Z\"",
        "\"2026-11-23T18:15:59.5\"",
        "\"2026-11-23T18:15:59,5Z\"",
        "\"2026-11-23T18:15:59Z \"",
        "\" 2026-11-23T18:15:59Z\"",
        "\"2026-11-23T18:15:59+1:00\"",
        "\"2026-11-23T18:15:59+ 1:00\"",
        "\"2026-11-23T18:15:59++1:00\"",
        "\"2026-11-23T18:15:59+-0:00\"",
        "\"2026-11-23T18:15:59+01: 5\"",
        "\"2026-11-23T18:15:59+24:00\"",
        "\"2026-11-23T18:15:59+01:60\"",
        "\"2026-11-23T18:15:59+0100\"",
        "\"2026-11-23T18:15:59+01:00x\"",
        "\"2026-11-23T18:15:59ZZ\"",
        "\"2026-11-23T24:00:00Z\"",
        "\"2026-11-23T18:60:00Z\"",
        "\"2026-11-23T18:15:60Z\"",
        "\"2026-11-23T23:59:61Z\"",
        "\"2016-12-31T23:59:60+01:00\"",
        "\"2026-13-01T00:00:00Z\"",
        "\"2026-00-01T00:00:00Z\"",
        "\"2026-06-31T00:00:00Z\"",
        "\"2026-06-00T00:00:00Z\"",
        "\"2026-02-29T00:00:00Z\"",
        "\"1900-02-29T00:00:00Z\"",
        "\"+202-11-23T18:15:59Z\"",
        "\" 202-11-23T18:15:59Z\"",
        "\"-026-11-23T18:15:59Z\"",
        "\"2026-11-23T-8:15:59Z\"",
        "\"2026-11-23T18:15:-9Z\"",
        "\"0000-12-31T23:59:59Z\"",      /* before the year 1 in UTC */
        "\"9999-12-31T23:59:59-00:01\"", /* and behind 9999 */
        "\"2026-11-23T18:15:59\\u005a\"",
        "1732385759",
        "null",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        expect_fault("timestamp", good[i], NULL);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        expect_fault("timestamp", bad[i], NO_TIME);
    assert_ptr_equal(
        value_fault(type_of("timestamp"), slice_of("\"2026-11-23T18:15:59Z\0\"", sizeof "" + 22)),
        value_fault(type_of("timestamp"), text("1")));
}

static void a_date_is_a_day_that_there_is(void **state)
{
    (void)state;
    expect_fault("date", "\"2026-11-23\"", NULL);
    expect_fault("date", "\"2024-02-29\"", NULL);
    expect_fault("date", "\"2023-02-29\"", NO_DATE);
    expect_fault("date", "\"2026-11-31\"", NO_DATE);
    expect_fault("date", "\"2026-1-23\"", NO_DATE);
    expect_fault("date", "\"2026-11-2 \"", NO_DATE);
    expect_fault("date", "\"2026-11-23T\"", NO_DATE);
    expect_fault("date", "\"2026/11/23\"", NO_DATE);
    expect_fault("date", "20261123", NO_DATE);
}

static void the_other_types_go_by_the_kind(void **state)
{
    (void)state;
    expect_fault("string", "\"\"", NULL);
    expect_fault("string", "1", "is not a string");
    expect_fault("bool", "true", NULL);
    expect_fault("bool", "false", NULL);
    expect_fault("bool", "\"true\"", "is not true or false");
    expect_fault("bool", "0", "is not true or false");
    expect_fault("json", "{\"a\":[1]}", NULL);
    expect_fault("json", "1e99999", NULL);
    expect_fault("any", "[]", NULL);
}

/* --- keys ------------------------------------------------------------------------------------ */

/* Also in decimal columns, since all that is a number has the key of one. */
static equals numbers[] = {
    {"-1e999999999999999999999999", "-1e99999999999999999999"},
    {"-1e1000"},
    {"-1e400"},
    {"-18446744073709551616"},
    {"-9223372036854775809"},
    {"-9223372036854775808", "-9223372036854775808.000", "-9223372036854775808e0"},
    {"-9223372036854775807"},
    {"-123456789012345678901e-2"},
    {"-100.5", "-1.005e2", "-1005E-1"},
    {"-100", "-1e2", "-100.0", "-1e+2", "-0.1e3"},
    {"-99.999999999999999999999999"},
    {"-12"},
    {"-11"},
    {"-2"},
    {"-1.5"},
    {"-1.25"},
    {"-1.0000000000000000000000000000000000000000001"},
    {"-1", "-1.0", "-10e-1", "-0.1e1", "-1e00000000000000000000000000"},
    {"-0.99999999999999999999999999999999999999999999"},
    {"-0.1"},
    {"-0.01"},
    {"-1e-400"},
    {"-1e-999999999999999999999999"},
    {"0", "-0", "0.000", "-0.0e-99999999999999999999", "0e5"},
    {"1e-999999999999999999999999"},
    {"1e-400", "10e-401", "0.1e-399"},
    {"5e-324"},
    {"0.01"},
    {"0.1"},
    {"0.1000000000000000055511151231257827021181583404541015625"},
    {"0.99999999999999999999999999999999999999999999"},
    {"1", "1.0", "10e-1", "0.1e1", "1E0"},
    {"1.0000000000000000000000000000000000000000001"},
    {"1.25"},
    {"1.5", "1.500", "15e-1", "0.15E+1"},
    {"2"},
    {"9"},
    {"10", "1e1", "10.000", "1E+01", "0.0001e5"},
    {"11"},
    {"12"},
    {"99"},
    {"100", "1e2", "100.0"},
    {"100.5"},
    {"9007199254740992", "9007199254740992.0"},
    {"9007199254740993"},
    {"9223372036854775806"},
    {"9223372036854775807", "9223372036854775807.0", "9.223372036854775807e18"},
    {"9223372036854775808"},
    {"18446744073709551616"},
    {"1e400", "10e399"},
    {"1.1e400"},
    {"1e401"},
    {"1e999999999"},
    {"1e999999999999997"},
    {"1e999999999999998"},
    {"1e999999999999999999999999", "1e99999999999999999999", "1000e99999999999999999999"},
};

static void numbers_are_ordered_exactly(void **state)
{
    (void)state;
    expect_ordered("any", numbers, ARRAY_COUNT(numbers));
    expect_ordered("json", numbers, ARRAY_COUNT(numbers));
    expect_ordered("int64", numbers, ARRAY_COUNT(numbers));
    expect_ordered("decimal(40,20)", numbers, ARRAY_COUNT(numbers));
}

static void kinds_are_ordered_as_the_header_says(void **state)
{
    static equals lines[] = {
        {""},
        {"null"},
        {"false"},
        {"true"},
        {"-1e400"},
        {"0"},
        {"1e400"},
        {"\"\""},
        {"\"\\u0000\""},
        {"\"\\u0000\\u0000\""},
        {"\"\\u0000a\""},
        {"\" \""},
        {"\"0\""},
        {"\"A\"", "\"\\u0041\""},
        {"\"a\"", "\"\\u0061\""},
        {"\"a\\u0000\""},
        {"\"aa\""},
        {"\"b\""},
        {"\"\x7f\"", "\"\\u007f\"", "\"\\u007F\""},
        {"\"\xc2\x80\"", "\"\\u0080\""},
        {"\"é\"", "\"\\u00e9\"", "\"\\u00E9\""},
        {"\"€\"", "\"\\u20ac\""},
        {"\"\xef\xbf\xbf\"", "\"\\uffff\""},
        {"\"\xf0\x90\x80\x80\"", "\"\\ud800\\udc00\""}, /* UTF-16 has it before U+FFFF */
        {"\"😀\"", "\"\\ud83d\\ude00\""},
        /* Objects and arrays by the bytes that they are written in. */
        {"[1,\" \"]", "[ 1 , \" \" ]"},
        {"[10]"},
        {"[]", "[ ]"},
        {"{\"a\" :1}", "{\"a\":1}"},
        {"{}", "{ }", "{\t}"},
    };

    (void)state;
    expect_ordered("any", lines, ARRAY_COUNT(lines));
    expect_ordered("string", lines, ARRAY_COUNT(lines));
    expect_ordered("json", lines, ARRAY_COUNT(lines));
    expect_ordered("date", lines, ARRAY_COUNT(lines));
    expect_ordered("bool", lines, ARRAY_COUNT(lines));
}

static void a_float64_is_what_a_double_makes_of_it(void **state)
{
    static equals lines[] = {
        {""},
        {"null"},
        {"-1.7976931348623157e308"},
        {"-1"},
        {"-5e-324", "-4.9e-324"},
        {"0", "-0", "1e-400", "-1e-400", "0.0"},
        {"5e-324", "4.9406564584124654e-324", "3e-324"},
        {"1e-7", "0.0000001"},
        {"0.1", "0.1000000000000000055511151231257827021181583404541015625",
         "0.10000000000000000001"},
        {"0.30000000000000004"},
        {"1", "1.00000000000000000000000000001", "0.99999999999999999999"},
        {"1.0000000000000002"},
        {"9007199254740992", "9007199254740993", "9007199254740992.9"},
        {"9007199254740994"},
        {"123456789012345680", "123456789012345678"},
        {"1e23"},
        {"1.7976931348623157e308", "17976931348623157e292"},
        {"1e309"}, /* not of the type: the number that it is */
        {"1e400"},
        {"\"1\""},
    };

    (void)state;
    expect_ordered("float64", lines, ARRAY_COUNT(lines));
}

/* Middles of two doubles have the most digits; what is behind them decides. */
static void many_digits_are_rounded_as_they_should(void **state)
{
    char below[1400], exact[1400], above[1400];
    struct column_type type = type_of("float64");

    (void)state;
    snprintf(exact, sizeof exact, "%.1074f", 2.2250738585072011e-308); /* the digits of a double */
    assert_int_equal(exact[strlen(exact) - 1], '5');
    expect_order(type, exact, "2.2250738585072011e-308", 0);
    /* Half of 2^-1074 is the middle of 0 and the least double; a tie goes to the even 0. */
    snprintf(exact, sizeof exact, "%.1100Lf", ldexpl(1, -1075));
    snprintf(above, sizeof above, "%s1", exact);
    snprintf(below, sizeof below, "%s", exact);
    below[strlen(below) - 26] = '4'; /* of the ...25 at the end, before zeros */
    expect_order(type, exact, "0", 0);
    expect_order(type, below, "0", 0);
    expect_order(type, above, "5e-324", 0);
}

static void timestamps_are_ordered_by_the_time(void **state)
{
    static equals lines[] = {
        {""},
        {"null"},
        {"1"},
        {"\"\""},
        {"\"2026-11-23\""}, /* not of the type: a string */
        {"\"0001-01-01T00:00:00Z\"", "\"0000-12-31T23:00:00-01:00\""},
        {"\"1969-12-31T23:59:58.999Z\""},
        {"\"1969-12-31T23:59:59Z\"", "\"1969-12-31T23:59:59.000Z\""},
        {"\"1969-12-31T23:59:59.5Z\"", "\"1970-01-01T01:59:59.50+02:00\""},
        {"\"1969-12-31T23:59:59.999999999999999999999999999999999999999999999999999999999Z\""},
        {"\"1970-01-01T00:00:00Z\"", "\"1970-01-01T00:00:00-00:00\"",
         "\"1969-12-31T19:00:00-05:00\"", "\"1970-01-01t00:00:00.00000z\""},
        {"\"1970-01-01T00:00:00.000000000000000000000000000000000000000000000000000000001Z\""},
        {"\"1970-01-01T00:00:00.1Z\"", "\"1970-01-01T00:00:00.10Z\""},
        {"\"1970-01-01T00:00:00.11Z\""},
        {"\"1970-01-01T00:00:00.2Z\""},
        {"\"2016-12-31T23:59:59Z\""},
        {"\"2017-01-01T00:00:00Z\"", "\"2016-12-31T23:59:60Z\"", "\"2017-01-01T00:59:60+01:00\""},
        {"\"9999-12-31T23:59:59Z\""},
    };

    (void)state;
    expect_ordered("timestamp", lines, ARRAY_COUNT(lines));
}

static void a_decimal_is_equal_to_the_string_of_it(void **state)
{
    static equals lines[] = {
        {"-1.5", "\"-1.50\"", "-1.50"},
        {"0", "\"-0.00\"", "\"0\""},
        {"1.5", "\"1.5\"", "1.50"},
        {"1000", "\"1000.00\""},
        /* Not of the type: strings. */
        {"\"\""},
        {"\"1.234\""},
        {"\"1e1\""},
        {"\"x\""},
    };

    (void)state;
    expect_ordered("decimal(10,2)", lines, ARRAY_COUNT(lines));
}

static void only_values_of_one_kind_make_a_range(void **state)
{
    struct column_type any = {.kind = TYPE_ANY};
    struct buf one = key_of(any, "1"), many = key_of(any, "1e400"), string = key_of(any, "\"1\"");

    (void)state;
    assert_true(value_keys_are_alike(bytes_of(&one), bytes_of(&many)));
    assert_false(value_keys_are_alike(bytes_of(&one), bytes_of(&string)));
    assert_false(value_keys_are_alike(bytes_of(&one), (struct slice){0}));
    buf_finish(&one);
    buf_finish(&many);
    buf_finish(&string);
}

/* --- names ----------------------------------------------------------------------------------- */

static struct buf name_of(struct column_type type, const char *value)
{
    struct buf key = key_of(type, value), name = {0};

    assert_int_equal(buf_append(&name, "x", 1), 0); /* what is there already is left alone */
    assert_int_equal(value_name(type, bytes_of(&key), &name), 0);
    assert_int_equal(name.data[0], 'x');
    buf_drop_front(&name, 1);
    buf_finish(&key);
    return name;
}

static void expect_name(const char *type, const char *value, const char *expected)
{
    struct buf name = name_of(type_of(type), value);

    if (!slice_equal(bytes_of(&name), text(expected)))
        print_error("%s %s: %.*s\n", type, value, (int)name.bytes, name.data);
    assert_true(slice_equal(bytes_of(&name), text(expected)));
    buf_finish(&name);
}

static void a_name_is_what_a_person_would_write(void **state)
{
    (void)state;
    expect_name("any", "", "%missing");
    expect_name("any", "null", "%null");
    expect_name("any", "\"\"", "%empty");
    expect_name("any", "\"null\"", "null");
    expect_name("any", "\"%null\"", "%25null");
    expect_name("any", "true", "true");
    expect_name("any", "false", "false");
    expect_name("any", "4.20e1", "42");
    expect_name("any", "-0", "0");
    expect_name("any", "-0.00012", "-0.00012");
    expect_name("any", "1e58", "10000000000000000000000000000000000000000000000000000000000");
    expect_name("any", "1e400", "1e400");
    expect_name("any", "-12.5e399", "-1.25e400");
    expect_name("any", "1e-400", "1e-400");
    expect_name("any", "9223372036854775808", "9223372036854775808");
    expect_name("float64", "0.1000000000000000055511151231257827", "0.1");
    expect_name("float64", "5e-324", "5e-324");
    expect_name("decimal(80,0)",
                "1"
                "0000000000"
                "0000000000"
                "0000000000"
                "0000000000"
                "0000000000"
                "0000000000"
                "0000000000",
                "1"
                "0000000000"
                "0000000000"
                "0000000000"
                "0000000000"
                "0000000000"
                "0000000000"
                "0000000000");
    expect_name("decimal(80,0)", "1e999999999999999", "1e999999999999999");
    expect_name("decimal(10,2)", "\"1.50\"", "1.5");
    expect_name("timestamp", "\"2026-11-23T18:15:59+01:00\"", "2026-11-23T17:15:59Z");
    expect_name("timestamp", "\"0001-01-01T00:00:00.1234567890Z\"",
                "0001-01-01T00:00:00.123456789Z");
    expect_name("timestamp", "\"1969-12-31T23:59:59.25Z\"", "1969-12-31T23:59:59.25Z");
    expect_name("timestamp", "\"9999-12-31T23:59:59Z\"", "9999-12-31T23:59:59Z");
    expect_name("json", "{ \"a\" : \"b/c\" }", "{\"a\":\"b%2Fc\"}");
}

static void what_a_file_name_cannot_have_is_escaped(void **state)
{
    (void)state;
    expect_name("string", "\".\"", "%2E");
    expect_name("string", "\"..\"", "%2E%2E");
    expect_name("string", "\"...\"", ".%2E.");
    expect_name("string", "\"....\"", ".%2E.%2E");
    expect_name("string", "\"a..b\"", "a.%2Eb");
    expect_name("string", "\".a.\"", ".a.");
    expect_name("string", "\"a/b\\/c\"", "a%2Fb%2Fc");
    expect_name("string", "\"100%\"", "100%25");
    expect_name("string", "\"a\\u0000b\"", "a%00b");
    expect_name("string", "\"a\\nb\"", "a\nb");
    expect_name("string", "\"%2F\"", "%252F");
}

/* The name stands for the key, and for the JSON of a value that is equal. */
static void expect_way_back(struct column_type type, const char *value)
{
    struct buf key = key_of(type, value), name = name_of(type, value), characters = {0}, json = {0};
    struct value_keys keys;
    bool found = false;

    if (!slice_equal(bytes_of(&name), text("%empty")))
        assert_int_equal(value_name_unescape(bytes_of(&name), &characters), 0);
    assert_int_equal(value_keys_of(type, bytes_of(&characters), &keys), 0);
    for (unsigned i = 0; i < keys.count; i++)
        found |= slice_equal(bytes_of(&keys.keys[i]), bytes_of(&key));
    if (!found)
        print_error("%s: the name %.*s is another value's\n", value, (int)name.bytes, name.data);
    assert_true(found);
    assert_int_equal(value_json_of(type, bytes_of(&characters), &json), 0);
    assert_null(value_fault(type, bytes_of(&json)));
    if (type.kind != TYPE_ANY && type.kind != TYPE_JSON) {
        struct buf again = {0};

        assert_int_equal(keys.count, 1);
        assert_int_equal(value_key(type, bytes_of(&json), &again), 0);
        assert_true(slice_equal(bytes_of(&again), bytes_of(&key)));
        buf_finish(&again);
    }
    value_keys_finish(&keys);
    buf_finish(&key);
    buf_finish(&name);
    buf_finish(&characters);
    buf_finish(&json);
}

static void a_name_leads_back_to_its_value(void **state)
{
    static const char *const types[] = {"any",           "string",    "int64", "float64",
                                        "bool",          "timestamp", "date",  "decimal(40,20)",
                                        "decimal(10,0)", "json"};
    static const char *const values[] = {
        "true",
        "false",
        "\"\"",
        "\"true\"",
        "\"42\"",
        "\"1e5\"",
        "\"null\"",
        "\"%missing\"",
        "\"%\"",
        "\"%%~25\"",
        "\".\"",
        "\"..\"",
        "\"...\"",
        "\"a..b\"",
        "\"/\"",
        "\"a\\u0000b\"",
        "\"\\\\ \\\" \\n\"",
        "\"é€😀\"",
        "\"{}\"",
        "[]",
        "{\"a\":[\"/\",\"..\",\"%\"]}",
        "\"2026-11-23\"",
        "\"2026-11-23T18:15:59Z\"",
        "\"2026-11-23T18:15:59.123456789012345678+01:00\"",
        "\"0001-01-01T00:00:00.5Z\"",
        "\"9999-12-31T23:59:59.999999Z\"",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        struct column_type type = type_of(types[i]);

        for (size_t j = 0; j < ARRAY_COUNT(values); j++)
            if (!value_fault(type, text(values[j])))
                expect_way_back(type, values[j]);
        for (size_t j = 0; j < ARRAY_COUNT(numbers); j++)
            for (const char *const *n = numbers[j]; *n; n++)
                if (!value_fault(type, text(*n)))
                    expect_way_back(type, *n);
    }
}

static void random_numbers_are_ordered_and_lead_back(void **state)
{
    uint64_t random = 42;
    struct column_type any = {.kind = TYPE_ANY}, floating = type_of("float64");

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char a[64], b[64];
        double x, y;
        uint64_t bits[2] = {check_random(&random), check_random(&random)};

        if (i % 2) /* near each other */
            bits[1] = bits[0] + check_random_below(&random, 5) - 2;
        memcpy(&x, &bits[0], sizeof x);
        memcpy(&y, &bits[1], sizeof y);
        if (!isfinite(x) || !isfinite(y))
            continue;
        snprintf(a, sizeof a, "%.17g", x);
        snprintf(b, sizeof b, "%.17g", y);
        expect_order(any, a, b, (x > y) - (x < y));
        expect_order(floating, a, b, (x > y) - (x < y));
        expect_way_back(any, a);
        expect_way_back(floating, a);
    }
}

static void without_a_schema_a_name_may_be_two_values(void **state)
{
    static const struct {
        const char *characters;
        const char *other; /* than the string */
    } cases[] = {{"42", "42"},      {"4.2e1", "42"}, {"true", "true"}, {"false", "false"},
                 {"{}", "{}"},      {"[1]", "[1]"},  {"x", NULL},      {"", NULL},
                 {"null", NULL},    {"042", NULL},   {"+1", NULL},     {".5", NULL},
                 {"TRUE", NULL},    {"0x10", NULL},  {"1e", NULL},     {"NaN", NULL},
                 {"Infinity", NULL}};
    struct column_type any = {.kind = TYPE_ANY};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct value_keys keys;

        assert_int_equal(value_keys_of(any, text(cases[i].characters), &keys), 0);
        assert_int_equal(keys.count, cases[i].other ? 2 : 1);
        if (cases[i].other) {
            struct buf key = key_of(any, cases[i].other);

            assert_true(slice_equal(bytes_of(&keys.keys[1]), bytes_of(&key)));
            buf_finish(&key);
        }
        value_keys_finish(&keys);
    }
}

static void characters_that_are_no_value_of_the_type_are_refused(void **state)
{
    static const struct {
        const char *type, *characters;
    } cases[] = {
        {"int64", ""},
        {"int64", "x"},
        {"int64", "1.5"},
        {"int64", "1e2"},
        {"int64", "+1"},
        {"int64", "9223372036854775808"},
        {"float64", ""},
        {"float64", "1e309"},
        {"float64", "nan"},
        {"float64", "0x1p3"},
        {"bool", ""},
        {"bool", "yes"},
        {"bool", "TRUE"},
        {"bool", "true "},
        {"timestamp", ""},
        {"timestamp", "2026-11-23"},
        {"date", ""},
        {"date", "2026-02-30"},
        {"decimal(4,2)", ""},
        {"decimal(4,2)", "123"},
        {"decimal(4,2)", "1e1"},
        {"decimal(4,2)", "1.234"},
        {"decimal(4,2)", "\"1\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct value_keys keys;
        struct buf json = {0};

        assert_int_equal(value_keys_of(type_of(cases[i].type), text(cases[i].characters), &keys),
                         -EINVAL);
        assert_int_equal(value_json_of(type_of(cases[i].type), text(cases[i].characters), &json),
                         0);
        assert_non_null(value_fault(type_of(cases[i].type), bytes_of(&json)));
        buf_finish(&json);
    }
}

static void json_is_never_more_than_one_value(void **state)
{
    static const char *const types[] = {"any",  "int64", "bool",          "float64", "timestamp",
                                        "date", "json",  "decimal(10,2)", "string"};
    struct buf json = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        json.bytes = 0;
        assert_int_equal(value_json_of(type_of(types[i]), text("1,\"x\":2"), &json), 0);
        assert_true(slice_equal(bytes_of(&json), text("\"1,\\\"x\\\":2\"")));
    }
    buf_finish(&json);
}

/* --- long names ---------------------------------------------------------------------------------
 */

/* `unit` repeated behind `lead` bytes; gives the length of the name. */
static size_t long_name(size_t lead, const char *unit, size_t times, struct buf *name)
{
    struct buf characters = {0}, whole = {0};
    const char *hash;
    char expected[24];

    name->bytes = 0;
    for (size_t i = 0; i < lead; i++)
        assert_int_equal(buf_append(&characters, "a", 1), 0);
    for (size_t i = 0; i < times; i++)
        assert_int_equal(buf_append(&characters, unit, strlen(unit)), 0);
    assert_int_equal(value_name_escape(bytes_of(&characters), name), 0);
    for (size_t i = 0; i < characters.bytes; i++) {
        char c = characters.data[i];

        assert_int_equal(
            c == '%' || c == '/' ? buf_printf(&whole, "%%%02X", c) : buf_append(&whole, &c, 1), 0);
    }
    if (whole.bytes > VALUE_NAME_MAX) {
        assert_true(name->bytes <= VALUE_NAME_MAX && name->bytes > VALUE_NAME_MAX - 4);
        hash = name->data + name->bytes - VALUE_HASH_BYTES - 2;
        snprintf(expected, sizeof expected, "%%~%016llx",
                 (unsigned long long)hash64_bytes(whole.data, whole.bytes));
        assert_memory_equal(hash, expected, strlen(expected));
        assert_memory_equal(name->data, whole.data, name->bytes - strlen(expected));
        /* What is before the cut is whole: nothing but complete characters and escapes. */
        characters.bytes = 0;
        assert_int_equal(
            value_name_unescape(slice_of(name->data, (size_t)(hash - name->data)), &characters), 0);
    } else {
        assert_true(slice_equal(bytes_of(name), bytes_of(&whole)));
    }
    buf_finish(&characters);
    buf_finish(&whole);
    return name->bytes;
}

static void a_long_name_is_cut_between_characters(void **state)
{
    static const char *const units[] = {"b", "é", "€", "😀", "/", "%", "/b", "%é", "€/"};
    struct buf name = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(units); i++)
        for (size_t lead = 0; lead < 8; lead++)
            for (size_t times = 20; times < 260; times++)
                long_name(lead, units[i], times, &name);
    assert_int_equal(long_name(255, "", 0, &name), 255);
    assert_null(memchr(name.data, '%', name.bytes));
    assert_int_equal(long_name(256, "", 0, &name), 255);
    assert_int_equal(name.data[VALUE_NAME_MAX - 18], '%');
    buf_finish(&name);
}

static void a_long_number_or_time_is_cut_too(void **state)
{
    struct buf value = {0}, name;

    (void)state;
    assert_int_equal(buf_printf(&value, "1.%0300d1", 0), 0);
    assert_int_equal(buf_append(&value, "\0", 1), 0);
    name = name_of((struct column_type){.kind = TYPE_ANY}, value.data);
    assert_int_equal(name.bytes, VALUE_NAME_MAX);
    buf_finish(&name);
    value.bytes = 0;
    assert_int_equal(buf_printf(&value, "\"2026-11-23T18:15:59.%0300d1Z\"", 0), 0);
    assert_int_equal(buf_append(&value, "\0", 1), 0);
    name = name_of(type_of("timestamp"), value.data);
    assert_int_equal(name.bytes, VALUE_NAME_MAX);
    assert_memory_equal(name.data + VALUE_NAME_MAX - 18, "%~", 2);
    buf_finish(&name);
    buf_finish(&value);
}

static void a_name_that_nothing_escapes_to_is_refused(void **state)
{
    static const char *const bad[] = {"%",     "%2",        "%zz", "a%",   "%~0123456789abcdef",
                                      "%null", "\xff",      "%FF", "\xc3", "%C3",
                                      "%2g",   "%ED%A0%80", "%-1", "\xc3%"};
    struct buf characters = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        if (value_name_unescape(text(bad[i]), &characters) != -EINVAL)
            fail_msg("%s is unescaped", bad[i]);
    assert_int_equal(characters.bytes, 0);
    assert_int_equal(value_name_unescape(text("%2f%2F%c3%A9%00"), &characters), 0);
    assert_true(slice_equal(bytes_of(&characters), slice_of("//é\0", 5)));
    assert_int_equal(value_name_unescape(text("%A9"), &characters), -EINVAL);
    assert_int_equal(characters.bytes, 5);
    buf_finish(&characters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_of_a_type_means_that_type),
        cmocka_unit_test(anything_else_is_no_type),
        cmocka_unit_test(an_int64_is_a_whole_number_of_64_bits),
        cmocka_unit_test(a_float64_is_a_number_that_a_double_can_hold),
        cmocka_unit_test(a_decimal_has_no_more_digits_than_its_type),
        cmocka_unit_test(a_timestamp_is_a_time_of_rfc_3339),
        cmocka_unit_test(a_date_is_a_day_that_there_is),
        cmocka_unit_test(the_other_types_go_by_the_kind),
        cmocka_unit_test(numbers_are_ordered_exactly),
        cmocka_unit_test(kinds_are_ordered_as_the_header_says),
        cmocka_unit_test(a_float64_is_what_a_double_makes_of_it),
        cmocka_unit_test(many_digits_are_rounded_as_they_should),
        cmocka_unit_test(timestamps_are_ordered_by_the_time),
        cmocka_unit_test(a_decimal_is_equal_to_the_string_of_it),
        cmocka_unit_test(only_values_of_one_kind_make_a_range),
        cmocka_unit_test(a_name_is_what_a_person_would_write),
        cmocka_unit_test(what_a_file_name_cannot_have_is_escaped),
        cmocka_unit_test(a_name_leads_back_to_its_value),
        cmocka_unit_test(random_numbers_are_ordered_and_lead_back),
        cmocka_unit_test(without_a_schema_a_name_may_be_two_values),
        cmocka_unit_test(characters_that_are_no_value_of_the_type_are_refused),
        cmocka_unit_test(json_is_never_more_than_one_value),
        cmocka_unit_test(a_long_name_is_cut_between_characters),
        cmocka_unit_test(a_long_number_or_time_is_cut_too),
        cmocka_unit_test(a_name_that_nothing_escapes_to_is_refused),
    };

    return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
