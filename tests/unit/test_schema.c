/* SPDX-License-Identifier: MIT */
/* What core/schema.h promises: reading schemas, checking rows, going from one to the next. */
#include <stdio.h>
#include <stdlib.h>

#include "core/rowcheck.h"
#include "core/schema.h"
#include "tests/lib/check.h"
#include "tests/lib/nomem.h"

static struct slice text(const char *string)
{
    return slice_of(string, strlen(string));
}

static void expect_text(struct slice found, const char *expected)
{
    if (!slice_equal(found, text(expected)))
        print_error("\"%.*s\" instead of \"%s\"\n", (int)found.bytes, found.text, expected);
    assert_true(slice_equal(found, text(expected)));
}

/* Of a copy, behind which a sanitizer sees a read. */
static int parse(struct slice written, struct schema **ret_schema, struct err *err)
{
    cleanup_free char *copy = malloc(written.bytes ? written.bytes : 1);

    assert_non_null(copy);
    memcpy(copy, written.text, written.bytes);
    return schema_parse(slice_of(copy, written.bytes), ret_schema, err);
}

static struct schema *schema_of(const char *written)
{
    struct schema *schema = NULL;
    struct err err = {.text = "untouched"};

    assert_ok(parse(text(written), &schema, &err), &err);
    assert_string_equal(err.text, "untouched");
    return schema;
}

static struct slice text_of(const struct schema *schema)
{
    return slice_of(schema->text.data, schema->text.bytes);
}

/* --- reading and printing ------------------------------------------------------------------- */

#define EVERYTHING                                                                                 \
    "{\"columns\": {\n"                                                                            \
    "   \"id\":    {\"type\": \"int64\", \"required\": true},\n"                                   \
    "   \"name\":  \"string\",\n"                                                                  \
    "   \"price\": {\"type\": \"decimal(10,2)\", \"default\": 0.00},\n"                            \
    "   \"seen\":  {\"type\": \"timestamp\", \"required\": false},\n"                              \
    "   \"more\":  {\"type\": \"json\", \"default\": { \"a\" : [ 1, \" \" ] }, \"required\":true}" \
    "},\n \"key\": [\"id\"]}\n"

static void a_schema_is_what_was_written(void **state)
{
    struct schema *schema = schema_of(EVERYTHING);

    (void)state;
    assert_int_equal(schema->count, 5);
    assert_int_equal(schema->key_count, 1);
    assert_int_equal(schema->key[0], 0);
    expect_text(schema->columns[0].name, "id");
    assert_int_equal(schema->columns[0].type.kind, TYPE_INT64);
    assert_true(schema->columns[0].required && schema->columns[0].is_key);
    assert_null(schema->columns[0].default_json.text);
    assert_null(schema->columns[0].from.text);
    assert_int_equal(schema->columns[1].type.kind, TYPE_STRING);
    assert_false(schema->columns[1].required || schema->columns[1].is_key);
    assert_int_equal(schema->columns[2].type.precision, 10);
    assert_int_equal(schema->columns[2].type.scale, 2);
    expect_text(schema->columns[2].default_json, "0.00");
    assert_false(schema->columns[3].required);
    expect_text(schema->columns[4].default_json, "{\"a\":[1,\" \"]}");
    schema_unref(schema);
}

static void a_printed_schema_has_one_column_a_line(void **state)
{
    struct schema *schema = schema_of(EVERYTHING), *again;

    (void)state;
    expect_text(
        text_of(schema),
        "{\n"
        "  \"columns\": {\n"
        "    \"id\": {\"type\": \"int64\", \"required\": true},\n"
        "    \"name\": \"string\",\n"
        "    \"price\": {\"type\": \"decimal(10,2)\", \"default\": 0.00},\n"
        "    \"seen\": \"timestamp\",\n"
        "    \"more\": {\"type\": \"json\", \"required\": true, \"default\": {\"a\":[1,\" \"]}}\n"
        "  },\n"
        "  \"key\": [\"id\"]\n"
        "}\n");
    assert_int_equal(parse(text_of(schema), &again, NULL), 0);
    assert_true(schema_equal(schema, again));
    assert_true(slice_equal(text_of(schema), text_of(again)));
    schema_unref(schema);
    schema_unref(again);
}

static void a_schema_without_key_prints_none(void **state)
{
    struct schema *schema = schema_of("{\"columns\":{\"a\":\"int64\"}}");

    (void)state;
    expect_text(text_of(schema), "{\n  \"columns\": {\n    \"a\": \"int64\"\n  }\n}\n");
    schema_unref(schema);
}

static void schemas_that_say_the_same_are_equal(void **state)
{
    static const char *const same[] = {
        "{\"columns\":{\"a\":\"int64\",\"b\":\"string\"},\"key\":\"a\"}",
        "{\"key\":\"a\",\"columns\":{\"a\":\"int64\",\"b\":\"string\"}}",
        "{\"columns\":{\"a\":\"int64\",\"b\":{\"type\":\"string\"}},\"key\":[\"a\"]}",
        "{\"columns\":{\"\\u0061\":{\"required\":false,\"type\":\"int64\"},\"b\":\"str\\u0069ng\"},"
        "\"k\\u0065y\":[\"\\u0061\"]}",
        "\r\n{ \"columns\" : { \"a\" : { \"type\" : \"int64\" , \"required\" : true } ,\t\"b\" : "
        "{ \"from\" : \"c\" , \"type\" : \"string\" } } , \"key\" : [ \"a\" ] }\n",
    };
    static const char *const others[] = {
        "{\"columns\":{\"a\":\"int64\",\"b\":\"string\"}}",
        "{\"columns\":{\"b\":\"string\",\"a\":\"int64\"},\"key\":\"a\"}",
        "{\"columns\":{\"a\":\"int64\",\"b\":\"string\"},\"key\":\"b\"}",
        "{\"columns\":{\"a\":\"int64\",\"b\":\"string\"},\"key\":[\"a\",\"b\"]}",
        "{\"columns\":{\"a\":\"int64\",\"b\":\"string\"},\"key\":[\"b\",\"a\"]}",
        "{\"columns\":{\"a\":\"int64\",\"B\":\"string\"},\"key\":\"a\"}",
        "{\"columns\":{\"a\":\"float64\",\"b\":\"string\"},\"key\":\"a\"}",
        "{\"columns\":{\"a\":\"decimal(3,1)\",\"b\":\"string\"},\"key\":\"a\"}",
        "{\"columns\":{\"a\":\"decimal(3,2)\",\"b\":\"string\"},\"key\":\"a\"}",
        "{\"columns\":{\"a\":\"int64\",\"b\":{\"type\":\"string\",\"required\":true}},\"key\":"
        "\"a\"}",
        "{\"columns\":{\"a\":\"int64\",\"b\":{\"type\":\"string\",\"default\":\"\"}},\"key\":"
        "\"a\"}",
        "{\"columns\":{\"a\":\"int64\",\"b\":{\"type\":\"string\",\"default\":\" "
        "\"}},\"key\":\"a\"}",
        "{\"columns\":{\"a\":\"int64\",\"b\":\"string\",\"c\":\"string\"},\"key\":\"a\"}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(same); i++) {
        struct schema *a = schema_of(same[i]);

        for (size_t j = 0; j < ARRAY_COUNT(same); j++) {
            struct schema *b = schema_of(same[j]);

            assert_true(schema_equal(a, b));
            schema_unref(b);
        }
        for (size_t j = 0; j < ARRAY_COUNT(others); j++) {
            struct schema *b = schema_of(others[j]);

            assert_false(schema_equal(a, b));
            assert_false(schema_equal(b, a));
            schema_unref(b);
        }
        assert_false(schema_equal(a, NULL));
        assert_false(schema_equal(NULL, a));
        schema_unref(a);
    }
    assert_true(schema_equal(NULL, NULL));
}

static void a_text_of_white_space_is_no_schema(void **state)
{
    static const char *const texts[] = {"", " ", "\n", " \t\r\n "};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct schema *schema = (struct schema *)state;

        assert_int_equal(parse(text(texts[i]), &schema, NULL), 0);
        assert_null(schema);
    }
    assert_int_equal(schema_parse((struct slice){0}, &(struct schema *){NULL}, NULL), 0);
}

/* --- refusing --------------------------------------------------------------------------------- */

static void expect_refused(struct slice written, int code, const char *sentence)
{
    struct schema *schema = (struct schema *)&written;
    struct err err = ERR_INIT;
    int r = parse(written, &schema, &err);

    if (r != code || strcmp(err.text, sentence) != 0)
        print_error("%.*s\n%s\n", written.bytes < 300 ? (int)written.bytes : 300, written.text,
                    err.text);
    assert_int_equal(r, code);
    assert_string_equal(err.text, sentence);
    assert_ptr_equal(schema, &written);
}

/* What jansson says of it follows, and may be another thing in its next version. */
static void expect_no_json(struct slice written, const char *beginning)
{
    struct schema *schema = NULL;
    struct err err = ERR_INIT;

    assert_fails(parse(written, &schema, &err), -EINVAL, &err);
    if (strncmp(err.text, beginning, strlen(beginning)) != 0)
        fail_msg("%s", err.text);
    assert_true(strlen(err.text) > strlen(beginning));
    for (const char *p = err.text; *p; p++)
        assert_true((unsigned char)*p >= ' ' && *p != 0x7f && (unsigned char)*p < 0x80);
}

static void what_is_no_json_object_is_refused(void **state)
{
    static const char *const others[] = {"x", "[]", "\"columns\"", "null", "\xef\xbb\xbf{}"};
    static const char *const first_line[] = {
        "{",
        "{\"columns\":{\"a\":\"string\",\"a\":\"int64\"}}",
        "{\"columns\":{\"a\":\"string\",\"\\u0061\":\"int64\"}}",
        "{\"columns\":{\"a\":{\"type\":\"int64\",\"type\":\"string\"}}}",
        "{} {}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\x01\"}",
        "{\"a\":\x7f}",
        "{\"a\":1,}",
        "{\"a\":\"\\ud800\"}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(others); i++)
        expect_refused(text(others[i]), -EINVAL, "the schema is not a JSON object");
    for (size_t i = 0; i < ARRAY_COUNT(first_line); i++)
        expect_no_json(text(first_line[i]), "the schema is not JSON: line 1, column ");
    expect_no_json(text("{\"columns\":\n {\"a\":int64}}"),
                   "the schema is not JSON: line 2, column ");
    expect_no_json(text("{\"columns\":\n\n {\"a\":\"int\n64\"}}"),
                   "the schema is not JSON: line 3, column ");
    expect_no_json(slice_of("{\"columns\":{\"a\":\"int64\"}}\0", 27),
                   "the schema is not JSON: line 1, column ");
    /* For a number beyond what jansson can hold it does not get to see the rest. */
    expect_no_json(text("{\"a\":1e999,}"), "the schema is not valid: byte 12: ");
}

/* One column x that is described so. */
static void expect_column_refused(const char *described, const char *sentence)
{
    char written[1024];

    snprintf(written, sizeof written, "{\"columns\":{\"a\":\"int64\",\"x\":%s}}", described);
    expect_refused(text(written), -EINVAL, sentence);
}

static void a_column_that_is_described_wrongly_is_refused(void **state)
{
    static const char *const types[] = {
        "\"\"",        "\"int\"",          "\"INT64\"",        "\"any\"",
        "\"decimal\"", "\"decimal(1,2)\"", "\"int64\\u0000\"", "\"\\u0000\"",
        "\"int64 \""};
    char sentence[300];

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        snprintf(sentence, sizeof sentence,
                 "column x: %s is no type; there are \"string\", \"int64\", \"float64\", \"bool\", "
                 "\"timestamp\", \"date\", \"decimal(10,2)\", \"json\"",
                 types[i]);
        expect_column_refused(types[i], sentence);
    }
    expect_column_refused("1", "column x: it is described by a type or an object, such as "
                               "\"int64\"");
    expect_column_refused("null", "column x: it is described by a type or an object, such as "
                                  "\"int64\"");
    expect_column_refused("[\"int64\"]", "column x: it is described by a type or an object, such "
                                         "as \"int64\"");
    expect_column_refused("{}", "column x: it has no \"type\"");
    expect_column_refused("{\"type\":\"int64\",\"Required\":true}",
                          "column x: \"Required\" is none of \"type\", \"required\", \"default\", "
                          "\"from\"");
    expect_column_refused("{\"type\":\"int64\",\"required\":1}",
                          "column x: \"required\" is neither true nor false");
    expect_column_refused("{\"type\":\"int64\",\"required\":\"true\"}",
                          "column x: \"required\" is neither true nor false");
    expect_column_refused("{\"type\":\"int64\",\"from\":1}",
                          "column x: \"from\" is not the name of a column");
    expect_column_refused("{\"type\":\"int64\",\"from\":null}",
                          "column x: \"from\" is not the name of a column");
}

static void a_default_that_is_not_of_the_type_is_refused(void **state)
{
    (void)state;
    expect_column_refused("{\"type\":\"int64\",\"default\":\"1\"}",
                          "column x: the default \"1\" is not a whole number");
    expect_column_refused("{\"default\":9223372036854775808,\"type\":\"int64\"}",
                          "column x: the default 9223372036854775808 is beyond int64");
    expect_column_refused("{\"type\":\"float64\",\"default\":1e999}",
                          "column x: the default 1e999 is beyond float64");
    expect_column_refused("{\"type\":\"decimal(10,2)\",\"default\":0.000}",
                          "column x: the default 0.000 has too many digits behind the point");
    expect_column_refused("{\"type\":\"string\",\"default\":[\n\t1]}",
                          "column x: the default [  1] is not a string");
    expect_column_refused(
        "{\"type\":\"json\",\"default\":null}",
        "column x: the default is null, which is what a column without one shows");
}

static void a_key_that_is_none_is_refused(void **state)
{
    static const struct {
        const char *key, *sentence;
    } cases[] = {
        {"null", "\"key\" is not a list of columns"},
        {"{}", "\"key\" is not a list of columns"},
        {"1", "\"key\" is not a list of columns"},
        {"[]", "\"key\" has no columns; leave it out if there is no key"},
        {"\"c\"", "column c, which is in \"key\", is not in \"columns\""},
        {"\"\"", "column \"\", which is in \"key\", is not in \"columns\""},
        {"[\"a\",\"A\"]", "column A, which is in \"key\", is not in \"columns\""},
        {"[\"a\",\"a\"]", "column a: it is twice in \"key\""},
        {"[\"a\",\"\\u0061\"]", "column a: it is twice in \"key\""},
        {"[\"a\",\"b\",\"a\",\"a\"]", "column a: it is twice in \"key\""},
        {"[[\"a\"]]", "\"key\" has [\"a\"] in it, which is not the name of a column"},
        {"[1]", "\"key\" has 1 in it, which is not the name of a column"},
        {"\"d\"", "column d: it is of the key, and cannot have a default"},
    };
    char written[512];

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        snprintf(written, sizeof written,
                 "{\"key\":%s,\"columns\":{\"a\":\"int64\",\"b\":\"int64\","
                 "\"d\":{\"type\":\"int64\",\"default\":1}}}",
                 cases[i].key);
        expect_refused(text(written), -EINVAL, cases[i].sentence);
    }
}

static void a_schema_of_anything_but_columns_and_key_is_refused(void **state)
{
    (void)state;
    expect_refused(text("{}"), -EINVAL,
                   "the schema has no \"columns\", an object of names and types");
    expect_refused(text("{\"columns\":[]}"), -EINVAL,
                   "the schema has no \"columns\", an object of names and types");
    expect_refused(text("{\"columns\":{}}"), -EINVAL, "the schema has no columns");
    expect_refused(text("{\"Columns\":{}}"), -EINVAL,
                   "the schema has \"Columns\", which is neither \"columns\" nor \"key\"");
    expect_refused(text("{\"columns\":{\"a\":\"json\"},\"keys\":\"a\"}"), -EINVAL,
                   "the schema has \"keys\", which is neither \"columns\" nor \"key\"");
}

static void no_column_becomes_two(void **state)
{
    (void)state;
    expect_refused(text("{\"columns\":{\"a\":{\"type\":\"json\",\"from\":\"x\"},\"b\":\"json\","
                        "\"c\":{\"type\":\"json\",\"from\":\"\\u0078\"}}}"),
                   -EINVAL, "column c: column a is \"from\" x, too");
}

static void what_is_quoted_is_short_and_on_one_line(void **state)
{
    (void)state;
    expect_refused(text("{\"columns\":{\"a\\nb\\u0001\":\"x\"}}"), -EINVAL,
                   "column a\\nb\\u0001: \"x\" is no type; there are \"string\", \"int64\", "
                   "\"float64\", \"bool\", \"timestamp\", \"date\", \"decimal(10,2)\", \"json\"");
    expect_refused(text("{\"columns\":{\"0123456789012345678901234567890123456789é\":1}}"), -EINVAL,
                   "column 0123456789012345678901234567890123456789...: it is described by a type "
                   "or an object, such as \"int64\"");
    expect_refused(text("{\"columns\":{\"012345678901234567890123456789012345678é\":1}}"), -EINVAL,
                   "column 012345678901234567890123456789012345678...: it is described by a type "
                   "or an object, such as \"int64\"");
    expect_refused(text("{\"columns\":{\"01234567890123456789012345678901234567é\":1}}"), -EINVAL,
                   "column 01234567890123456789012345678901234567é: it is described by a type "
                   "or an object, such as \"int64\"");
}

/* `count` columns, each described by `described`. */
static void put_columns(struct buf *written, size_t count, const char *described)
{
    written->bytes = 0;
    assert_int_equal(buf_printf(written, "{\"columns\":{"), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(buf_printf(written, "%s\"c%zu\":%s", i ? "," : "", i, described), 0);
    assert_int_equal(buf_append(written, "}}", 2), 0);
}

static void a_schema_has_limits(void **state)
{
    struct buf written = {0};
    struct schema *schema;

    (void)state;
    put_columns(&written, SCHEMA_MAX_COLUMNS, "\"int64\"");
    assert_int_equal(parse(slice_of(written.data, written.bytes), &schema, NULL), 0);
    assert_int_equal(schema->count, SCHEMA_MAX_COLUMNS);
    for (size_t i = 0; i < schema->count; i++)
        assert_ptr_equal(schema_column(schema, schema->columns[i].name), &schema->columns[i]);
    assert_null(schema_column(schema, text("c")));
    assert_null(schema_column(schema, text("")));
    assert_null(schema_column(schema, text("c4096")));
    schema_unref(schema);
    put_columns(&written, SCHEMA_MAX_COLUMNS + 1, "\"int64\"");
    expect_refused(slice_of(written.data, written.bytes), -EFBIG,
                   "the schema has 4097 columns, 4096 are allowed");
    put_columns(&written, 1, "\"int64\"");
    while (written.bytes < SCHEMA_MAX_BYTES)
        assert_int_equal(buf_append(&written, "\n", 1), 0);
    assert_int_equal(parse(slice_of(written.data, written.bytes), &schema, NULL), 0);
    schema_unref(schema);
    assert_int_equal(buf_append(&written, "\n", 1), 0);
    expect_refused(slice_of(written.data, written.bytes), -EFBIG,
                   "the schema has 1048577 bytes, 1048576 are allowed");
    buf_finish(&written);
}

static void a_schema_whose_print_is_too_long_is_refused(void **state)
{
    struct buf written = {0};
    struct schema *schema = NULL;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(buf_printf(&written, "{\"columns\":{\"a\":\"int64\",\""), 0);
    while (written.bytes < SCHEMA_MAX_BYTES - 12)
        assert_int_equal(buf_append(&written, "x", 1), 0);
    assert_int_equal(buf_printf(&written, "\":\"json\"}}"), 0);
    assert_true(written.bytes <= SCHEMA_MAX_BYTES);
    assert_fails(parse(slice_of(written.data, written.bytes), &schema, &err), -EFBIG, &err);
    assert_has(err.text, "when it is printed");
    buf_finish(&written);
}

static void a_schema_nested_too_deep_is_refused(void **state)
{
    struct buf written = {0};
    struct schema *schema = NULL;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(buf_printf(&written, "{\"columns\":{\"a\":{\"type\":\"json\",\"default\":"),
                     0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buf_append(&written, "[", 1), 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buf_append(&written, "]", 1), 0);
    assert_int_equal(buf_append(&written, "}}}", 3), 0);
    assert_fails(parse(slice_of(written.data, written.bytes), &schema, &err), -EINVAL, &err);
    assert_has(err.text, "the schema is not valid: byte ");
    buf_finish(&written);
}

/* --- what may be in it -------------------------------------------------------------------------
 */

static void defaults_keep_their_digits(void **state)
{
    static const struct {
        const char *type, *value;
    } cases[] = {
        {"decimal(40,2)", "12345678901234567890123456789012345678.10"},
        {"decimal(40,2)", "\"12345678901234567890123456789012345678.10\""},
        {"decimal(1000,1)",
         "1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"
         "1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"
         "1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"
         "1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"
         "1111111111111111111111111111111111111111111111111111111111111111111111111111111111111"},
        {"int64", "-9223372036854775808"},
        {"int64", "-0"},
        {"float64", "1E+05"},
        {"float64", "0.10000000000000000000000000000000001"},
        {"json", "1e99999"},
        {"json", "{\"a\":1.50,\"\\u0000\":[]}"},
        {"string", "\"\\u00e9\\u0000\\/\""},
        {"bool", "false"},
        {"date", "\"2026-11-23\""},
    };
    char written[1024];

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct schema *schema, *again;

        snprintf(written, sizeof written,
                 "{\"columns\":{\"a\":{\"type\":\"%s\",\"default\": %s }}}", cases[i].type,
                 cases[i].value);
        schema = schema_of(written);
        expect_text(schema->columns[0].default_json, cases[i].value);
        assert_int_equal(parse(text_of(schema), &again, NULL), 0);
        expect_text(again->columns[0].default_json, cases[i].value);
        schema_unref(schema);
        schema_unref(again);
    }
}

static void a_column_may_have_any_name(void **state)
{
    struct schema *schema = schema_of(
        "{\"columns\":{\"\":\"json\",\".\":\"json\",\"a/b\":\"json\",\"\\u0000\":\"json\","
        "\"a\\u0000\":\"json\",\"\\\"\":\"json\",\"\\\\\":\"json\",\"\\n\":\"json\","
        "\"columns\":\"json\",\"type\":\"json\",\"%\":\"json\",\"\\u00e9\":\"json\","
        "\"\\ud83d\\ude00\":\"json\"},\"key\":[\"\",\"\\u0000\"]}");
    static const struct slice names[] = {
        {"", 0},   {".", 1},       {"a/b", 3},  {"\0", 1}, {"a\0", 2}, {"\"", 1}, {"\\", 1},
        {"\n", 1}, {"columns", 7}, {"type", 4}, {"%", 1},  {"é", 2},   {"😀", 4}};
    struct schema *again;

    (void)state;
    assert_int_equal(schema->count, ARRAY_COUNT(names));
    assert_int_equal(parse(text_of(schema), &again, NULL), 0);
    assert_true(schema_equal(schema, again));
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        assert_non_null(schema->columns[i].name.text);
        assert_ptr_equal(schema_column(schema, names[i]), &schema->columns[i]);
        assert_ptr_equal(schema_column(again, names[i]), &again->columns[i]);
    }
    assert_null(schema_column(schema, text("a")));
    schema_unref(schema);
    schema_unref(again);
}

static void a_from_is_kept_but_not_printed(void **state)
{
    struct schema *schema = schema_of("{\"columns\":{\"a\":{\"type\":\"json\",\"from\":\"\"},"
                                      "\"b\":{\"type\":\"json\",\"from\":\"b\"},"
                                      "\"c\":{\"type\":\"json\",\"from\":\"b\\u0000\"}}}");

    (void)state;
    assert_non_null(schema->columns[0].from.text);
    assert_int_equal(schema->columns[0].from.bytes, 0);
    assert_null(schema->columns[1].from.text);
    assert_true(slice_equal(schema->columns[2].from, slice_of("b\0", 2)));
    assert_null(memmem(schema->text.data, schema->text.bytes, "from", 4));
    schema_unref(schema);
}

static void a_schema_lives_as_long_as_it_is_held(void **state)
{
    struct schema *schema = schema_of(EVERYTHING);

    (void)state;
    assert_ptr_equal(schema_ref(schema), schema);
    schema_unref(schema);
    expect_text(schema->columns[0].name, "id");
    schema_unref(schema);
    assert_null(schema_ref(NULL));
    schema_unref(NULL);
}

static void without_memory_a_schema_is_not_read(void **state)
{
    int r = -ENOMEM;
    unsigned granted = 0;

    (void)state;
    for (; r < 0; granted++) {
        struct schema *schema = NULL;
        struct err err = ERR_INIT;

        nomem_after(granted);
        r = schema_parse(text(EVERYTHING), &schema, &err);
        assert_true(nomem_end() == (r < 0));
        if (r < 0) {
            assert_fails(r, -ENOMEM, &err);
            assert_null(schema);
            assert_true(err.text[0]);
        }
        schema_unref(schema);
    }
    assert_true(granted > 10);
}

static void any_text_is_read_or_refused(void **state)
{
    static const char *const parts[] = {
        "{",        "}",     "[",       "]",    ":",       ",",        "\"",
        "\\",       "\"a\"", "\"key\"", "true", "null",    "1e999",    "\"from\"",
        "\"type\"", "\n",    "\xff",    "\x80", "\\u0000", "\"json\"", "\"decimal(2,1)\"",
        "",         "",      "é"};
    uint64_t random = 7;
    size_t read = 0, refused = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct buf written = {0};
        struct schema *schema = NULL, *again;
        struct err err = ERR_INIT;
        const char *part = parts[check_random_below(&random, ARRAY_COUNT(parts))];
        size_t at = check_random_below(&random, sizeof EVERYTHING - 1), cut;
        int r;

        cut = check_random_below(&random, 4);
        cut = cut < sizeof EVERYTHING - 1 - at ? cut : sizeof EVERYTHING - 1 - at;
        assert_int_equal(buf_append(&written, EVERYTHING, at), 0);
        assert_int_equal(buf_append(&written, part, strlen(part)), 0);
        assert_int_equal(
            buf_append(&written, EVERYTHING + at + cut, sizeof EVERYTHING - 1 - at - cut), 0);
        r = parse(slice_of(written.data, written.bytes), &schema, &err);
        assert_true(r == 0 || (r == -EINVAL && err.text[0] && !strpbrk(err.text, "\n\r")));
        read += r == 0;
        refused += r < 0;
        if (schema) {
            assert_int_equal(parse(text_of(schema), &again, NULL), 0);
            assert_true(schema_equal(schema, again));
            schema_unref(again);
        }
        schema_unref(schema);
        buf_finish(&written);
    }
    assert_true(read > 1000 && refused > 1000);
}

/* --- checking rows --------------------------------------------------------------------------- */

static struct rowcheck *rowcheck;

static int setup_rowcheck(void **state)
{
    (void)state;
    return rowcheck_create(&rowcheck);
}

static int teardown_rowcheck(void **state)
{
    (void)state;
    rowcheck_destroy(rowcheck);
    return 0;
}

static struct schema_check *check_of(const struct schema *schema)
{
    struct schema_check *check = NULL;

    assert_int_equal(schema_check_create(schema, &check), 0);
    return check;
}

/* NULL: the row is of the schema. */
static void expect_row(struct schema_check *check, struct slice row, const char *sentence)
{
    cleanup_free char *copy = malloc(row.bytes);
    struct err err = ERR_INIT;
    int r;

    assert_non_null(copy);
    memcpy(copy, row.text, row.bytes);
    assert_ok(rowcheck_line(rowcheck, copy, row.bytes, &err), &err);
    r = schema_check_row(check, slice_of(copy, row.bytes), &err);
    if (r != (sentence ? -EINVAL : 0) || strcmp(err.text, sentence ? sentence : "") != 0)
        print_error("%.*s\n%d %s\n", (int)row.bytes, row.text, r, err.text);
    assert_int_equal(r, sentence ? -EINVAL : 0);
    assert_string_equal(err.text, sentence ? sentence : "");
}

#define FIVE                                                                                       \
    "{\"columns\":{\"id\":\"int64\",\"name\":{\"type\":\"string\",\"required\":true},"             \
    "\"price\":\"decimal(10,2)\",\"ok\":{\"type\":\"bool\",\"required\":true,\"default\":true},"   \
    "\"tag\":{\"type\":\"json\",\"default\":[]}},\"key\":\"id\"}"

static void a_row_is_of_the_schema_or_is_told_why_not(void **state)
{
    static const struct {
        const char *row, *sentence;
    } cases[] = {
        {"{\"id\":1,\"name\":\"a\",\"price\":1.50,\"ok\":false,\"tag\":{\"x\":null}}", NULL},
        {"{\"id\":1,\"name\":\"a\"}", NULL},
        {"{\"name\":\"a\",\"id\":1}", NULL},
        {" { \"id\" : 1 , \"name\" : \"a\" } ", NULL},
        {"{\"id\":1,\"name\":\"\",\"price\":null,\"tag\":null}", NULL},
        {"{\"\\u0069d\":1,\"n\\u0061m\\u0065\":\"a\"}", NULL},
        {"{}", "column id is missing"},
        {"{\"name\":\"a\"}", "column id is missing"},
        {"{\"id\":1}", "column name is missing"},
        {"{\"price\":1,\"ok\":true,\"tag\":1,\"id\":5}", "column name is missing"},
        {"{\"id\":null,\"name\":\"a\"}", "column id is null, but required"},
        {"{\"id\":1,\"name\":null}", "column name is null, but required"},
        {"{\"id\":1,\"name\":\"a\",\"ok\":null}", "column ok is null, but required"},
        {"{\"id\":1,\"name\":\"a\",\"x\":1}", "column x is not in the schema"},
        {"{\"id\":1,\"name\":\"a\",\"\":1}", "column \"\" is not in the schema"},
        {"{\"id\":1,\"name\":\"a\",\"Id\":1}", "column Id is not in the schema"},
        {"{\"id\":1,\"name\":\"a\",\"id\\u0000\":1}", "column id\\u0000 is not in the schema"},
        {"{\"id\":1,\"name\":\"a\",\"na\":1}", "column na is not in the schema"},
        {"{\"id\":1,\"name\":\"a\",\"i\\\\d\":1}", "column i\\\\d is not in the schema"},
        {"{\"id\":1,\"name\":\"a\",\"0123456789012345678901234567890123456789012345\":1}",
         "column 0123456789012345678901234567890123456789... is not in the schema"},
        {"{\"id\":\"1\",\"name\":\"a\"}", "column id: \"1\" is not a whole number"},
        {"{\"id\":1,\"name\":\"a\",\"price\":1.234}",
         "column price: 1.234 has too many digits behind the point"},
        {"{\"id\":1,\"name\":\"a\",\"price\":1e2}",
         "column price: 1e2 is not a number without exponent"},
        {"{\"id\":1,\"name\":{\t\"first\" :\r\"a\"},\"price\":1.234}",
         "column name: { \"first\" : \"a\"} is not a string"},
        {"{\"id\":1,\"name\":[\"ééééééééééééééééééééééé\"]}",
         "column name: [\"ééééééééééééééééééé... is not a string"},
        {"{\"ok\":\"yes\",\"id\":1}", "column ok: \"yes\" is not true or false"},
    };
    struct schema *schema = schema_of(FIVE);
    struct schema_check *check = check_of(schema);

    (void)state;
    for (int round = 0; round < 2; round++) /* what was checked before does not matter */
        for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
            expect_row(check, text(cases[i].row), cases[i].sentence);
    schema_check_destroy(check);
    schema_unref(schema);
}

/* Every way to leave members out and to order the others. */
static void members_may_have_any_order(void **state)
{
    static const char *const members[] = {"\"id\":1", "\"name\":\"a\"", "\"price\":1",
                                          "\"ok\":true", "\"tag\":[]"};
    struct schema *schema = schema_of(FIVE);
    struct schema_check *check = check_of(schema);

    (void)state;
    for (unsigned order = 0; order < 6 * 6 * 6 * 6 * 6; order++) {
        char row[128] = "{";
        unsigned there = 0, rest = order;
        bool twice = false;

        for (int i = 0; i < 5; i++, rest /= 6) {
            unsigned n = rest % 6;

            if (n == 5)
                continue;
            twice |= (there & 1U << n) != 0;
            if (there)
                strcat(row, ",");
            strcat(row, members[n]);
            there |= 1U << n;
        }
        strcat(row, "}");
        if (!twice)
            expect_row(check, text(row),
                       !(there & 1)   ? "column id is missing"
                       : !(there & 2) ? "column name is missing"
                                      : NULL);
    }
    schema_check_destroy(check);
    schema_unref(schema);
}

static void names_that_need_escapes_are_found(void **state)
{
    struct schema *schema =
        schema_of("{\"columns\":{\"a\\\\b\":\"int64\",\"a\\\\\\\\b\":\"bool\",\"\\\"\":\"string\","
                  "\"\\u0000\":\"date\",\"\":\"json\",\"é\":\"float64\",\"\\n\":\"int64\"}}");
    struct schema_check *check = check_of(schema);

    (void)state;
    for (int i = 0; i < 2; i++) {
        expect_row(check,
                   text("{\"a\\\\b\":1,\"a\\\\\\\\b\":true,\"\\\"\":\"\",\"\\u0000\":"
                        "\"2026-11-23\",\"\":1,\"é\":1.5,\"\\n\":1}"),
                   NULL);
        expect_row(check,
                   text("{\"a\\u005cb\":1,\"a\\u005C\\\\b\":true,\"\\u0022\":\"\",\"\\u00e9\":"
                        "1.5,\"\\u000a\":1}"),
                   NULL);
        expect_row(check, text("{\"a\\\\\\\\b\":1}"), "column a\\\\\\\\b: 1 is not true or false");
        /* Written as the characters of the column that is expected next. */
        expect_row(check, text("{\"a\\\\b\":1}"), NULL);
        expect_row(check, text("{\"\\n\":true}"), "column \\n: true is not a whole number");
        expect_row(check, text("{\"\\u0000\":1}"),
                   "column \\u0000: 1 is not a date, such as \"2026-11-23\"");
        expect_row(check, text("{\"a\\\\\\\\\\\\b\":1}"),
                   "column a\\\\\\\\\\\\b is not in the schema");
        expect_row(
            check, text("{\"\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\":1}"),
            "column \\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u00... is not in the schema");
    }
    schema_check_destroy(check);
    schema_unref(schema);
}

static void checking_rows_asks_for_no_memory(void **state)
{
    struct schema *schema =
        schema_of("{\"columns\":{\"a\":\"int64\",\"b\":\"float64\",\"c\":\"decimal(40,2)\","
                  "\"d\":\"timestamp\",\"e\":\"date\",\"f\":\"string\",\"g\":\"json\"}}");
    struct schema_check *check = check_of(schema);
    static const char *const rows[] = {
        "{\"a\":9223372036854775807,\"b\":1.7976931348623157e308,\"c\":\"1.00\","
        "\"d\":\"2026-11-23T18:15:59.123456789+01:00\",\"e\":\"2026-11-23\",\"f\":\"x\",\"g\":{}}",
        "{\"\\u0067\":[],\"f\":\"\\u0000\",\"b\":-0.00000000000000000000000000000000000000001}",
        "{\"c\":1,\"\\u0061\":1}",
    };
    unsigned long before;

    (void)state;
    before = nomem_requests();
    for (size_t i = 0; i < 3 * ARRAY_COUNT(rows); i++)
        assert_int_equal(schema_check_row(check, text(rows[i % ARRAY_COUNT(rows)]), NULL), 0);
    assert_int_equal(nomem_requests(), before);
    schema_check_destroy(check);
    schema_unref(schema);
}

static void a_row_of_all_columns_is_found_in_any_order(void **state)
{
    enum { COUNT = 1000 };
    size_t order[COUNT];
    struct buf written = {0}, row = {0};
    struct schema *schema;
    struct schema_check *check;
    uint64_t random = 3;

    (void)state;
    put_columns(&written, COUNT, "{\"type\":\"int64\",\"required\":true}");
    assert_int_equal(parse(slice_of(written.data, written.bytes), &schema, NULL), 0);
    check = check_of(schema);
    for (size_t i = 0; i < COUNT; i++)
        order[i] = i;
    for (int round = 0; round < 20; round++) {
        char sentence[64];

        for (size_t i = COUNT - 1; i; i--) {
            size_t j = check_random_below(&random, i + 1), moved = order[i];

            order[i] = order[j];
            order[j] = moved;
        }
        row.bytes = 0;
        for (size_t i = 0; i < COUNT; i++)
            assert_int_equal(buf_printf(&row, "%c\"c%zu\":%zu", i ? ',' : '{', order[i], i), 0);
        assert_int_equal(buf_append(&row, "}", 1), 0);
        expect_row(check, slice_of(row.data, row.bytes), NULL);
        expect_row(check, slice_of(row.data, row.bytes), NULL);
        row.bytes = 0;
        for (size_t i = 0; i < COUNT - 1; i++)
            assert_int_equal(buf_printf(&row, "%c\"c%zu\":%zu", i ? ',' : '{', order[i], i), 0);
        assert_int_equal(buf_append(&row, "}", 1), 0);
        snprintf(sentence, sizeof sentence, "column c%zu is missing", order[COUNT - 1]);
        expect_row(check, slice_of(row.data, row.bytes), sentence);
    }
    schema_check_destroy(check);
    schema_unref(schema);
    buf_finish(&written);
    buf_finish(&row);
}

static void without_memory_there_is_no_checker(void **state)
{
    struct schema *schema = schema_of(FIVE);
    int r = -ENOMEM;
    unsigned granted = 0;

    (void)state;
    for (; r < 0; granted++) {
        struct schema_check *check = NULL;

        nomem_after(granted);
        r = schema_check_create(schema, &check);
        assert_true(nomem_end() == (r < 0));
        assert_true(r == 0 || (r == -ENOMEM && !check));
        schema_check_destroy(check);
    }
    assert_true(granted > 3);
    schema_unref(schema);
}

/* --- from one to the next ----------------------------------------------------------------------
 */

enum { RECHECKS = 1, REKEYS = 2, REWRITES = 4 };

static int flags_of(struct evolution evolution)
{
    return (evolution.rechecks ? RECHECKS : 0) | (evolution.rekeys ? REKEYS : 0) |
           (evolution.rewrites ? REWRITES : 0);
}

/* Columns are written without {"columns":{}}; NULL: no schema. */
static struct schema *schema_of_columns(const char *columns)
{
    char written[1024];

    if (!columns)
        return NULL;
    snprintf(written, sizeof written, "{\"columns\":{%s}", columns);
    if (!strstr(columns, "},\"key\":"))
        strcat(written, "}");
    return schema_of(written);
}

#define A                  "\"a\":\"int64\""
#define B                  "\"b\":\"string\""
#define FROM(name)         ",\"from\":\"" name "\"}"
#define REQUIRED           ",\"required\":true}"
#define COLUMN(name, type) "\"" name "\":{\"type\":\"" type "\""
#define DEFAULT(value)     ",\"default\":" value "}"
#define KEY(names)         "},\"key\":[" names "]"

static void rows_can_follow_into_another_schema(void **state)
{
    static const struct {
        const char *from, *to;
        int expected;
    } cases[] = {
        {NULL, NULL, 0},
        {NULL, A, RECHECKS},
        {NULL, A "," COLUMN("b", "json") REQUIRED, RECHECKS},
        {NULL, A KEY("\"a\""), RECHECKS | REKEYS},
        {A, NULL, 0},
        {A KEY("\"a\""), NULL, 0},
        {A, A, 0},
        {A "," B KEY("\"a\""), A "," B KEY("\"a\""), 0},
        {A "," B KEY("\"a\",\"b\""), A "," B KEY("\"a\",\"b\""), 0},
        {A "," B, B "," A, 0},
        {A "," B KEY("\"a\""), B "," A KEY("\"a\""), 0},
        {A KEY("\"a\""), A, 0},
        {A KEY("\"a\""), COLUMN("a", "int64") REQUIRED, 0},
        {A KEY("\"a\""), COLUMN("a", "int64") DEFAULT("1"), 0},
        /* more columns */
        {A, A "," B, 0},
        {A, B "," A, 0},
        {A, A "," COLUMN("b", "string") DEFAULT("\"x\""), 0},
        {A, A "," COLUMN("b", "string") ",\"required\":true" DEFAULT("\"x\""), 0},
        /* fewer */
        {A "," B, A, REWRITES},
        {A "," B, B, REWRITES},
        {A "," B KEY("\"a\""), A KEY("\"a\""), REWRITES},
        {A, B, REWRITES},
        /* under another name */
        {A, COLUMN("x", "int64") FROM("a"), REWRITES},
        {A KEY("\"a\""), COLUMN("x", "int64") FROM("a") KEY("\"x\""), REWRITES},
        {A "," B, COLUMN("b", "int64") FROM("a"), REWRITES},
        {A "," COLUMN("b", "int64") "}",
         COLUMN("a", "int64") FROM("b") "," COLUMN("b", "int64") FROM("a"), REWRITES},
        {A, A "," COLUMN("b", "int64") FROM("a"), REWRITES},
        {B, A "," COLUMN("b", "string") FROM("x"), 0}, /* renamed before */
        {A, COLUMN("a", "int64") FROM("a"), 0},
        /* other types */
        {A, "\"a\":\"float64\"", 0},
        {COLUMN("a", "int64") DEFAULT("1"), COLUMN("a", "float64") DEFAULT("1"), 0},
        {A, COLUMN("x", "float64") FROM("a"), REWRITES},
        /* less required */
        {COLUMN("a", "int64") REQUIRED, A, 0},
        {COLUMN("a", "int64") REQUIRED, COLUMN("a", "int64") DEFAULT("1"), 0},
        {COLUMN("a", "int64") REQUIRED, COLUMN("a", "int64") ",\"required\":true" DEFAULT("1"), 0},
        {COLUMN("a", "int64") ",\"required\":true" DEFAULT("1"), COLUMN("a", "int64") DEFAULT("1"),
         0},
        {COLUMN("a", "int64") DEFAULT("1"), COLUMN("a", "int64") DEFAULT(" 1 "), 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct schema *from = schema_of_columns(cases[i].from);
        struct schema *to = schema_of_columns(cases[i].to);
        struct evolution evolution;
        struct err err = ERR_INIT;

        assert_ok(schema_evolve(from, to, true, &evolution, &err), &err);
        if (flags_of(evolution) != cases[i].expected)
            print_error("%s to %s\n", cases[i].from, cases[i].to);
        assert_int_equal(flags_of(evolution), cases[i].expected);
        assert_string_equal(err.text, "");
        schema_unref(from);
        schema_unref(to);
    }
}

static void rows_cannot_follow_into_every_schema(void **state)
{
    static const struct {
        const char *from, *to, *sentence;
    } cases[] = {
        {NULL, COLUMN("x", "int64") FROM("a"),
         "column x: it cannot be \"from\" another one, as there was no schema"},
        {A, A "," COLUMN("b", "string") REQUIRED,
         "column b: it is required, and the rows do not have it; give it a default"},
        {A "," B KEY("\"a\""), B, "column a: it is of the key, and cannot go"},
        {A "," B KEY("\"a\""), B KEY("\"b\""), "column a: it is of the key, and cannot go"},
        {A, A KEY("\"a\""), "column a: a table with rows gets a key with its first schema only"},
        {A "," B KEY("\"a\""), A "," B KEY("\"b\""),
         "column b: the key of a table with rows cannot become another one"},
        {A "," B KEY("\"a\""), A "," B KEY("\"a\",\"b\""),
         "column b: the key of a table with rows cannot become another one"},
        {A "," B KEY("\"a\",\"b\""), A "," B KEY("\"a\""),
         "column b: the key of a table with rows cannot become another one"},
        {A "," B KEY("\"a\",\"b\""), A "," B KEY("\"b\",\"a\""),
         "column b: the key of a table with rows cannot become another one"},
        {A "," COLUMN("b", "int64") "}" KEY("\"a\""),
         COLUMN("a", "int64") FROM("b") "," COLUMN("b", "int64") FROM("a") KEY("\"a\""),
         "column a: the key of a table with rows cannot become another one"},
        {A, "\"a\":\"string\"", "column a: there are rows, int64 cannot become string"},
        {"\"a\":\"float64\"", A, "column a: there are rows, float64 cannot become int64"},
        {"\"a\":\"decimal(10,2)\"", "\"a\":\"decimal(11,2)\"",
         "column a: there are rows, decimal(10,2) cannot become decimal(11,2)"},
        {A, "\"a\":\"json\"", "column a: there are rows, int64 cannot become json"},
        {A, COLUMN("x", "string") FROM("a"),
         "column x: there are rows, int64 cannot become string"},
        {A KEY("\"a\""), "\"a\":\"float64\"" KEY("\"a\""),
         "column a: there are rows, int64 cannot become float64 in a key"},
        {A KEY("\"a\""), "\"a\":\"float64\"",
         "column a: there are rows, int64 cannot become float64 in a key"},
        {A, COLUMN("a", "int64") REQUIRED, "column a: there are rows, it cannot become required"},
        {COLUMN("a", "int64") DEFAULT("1"), COLUMN("a", "int64") ",\"required\":true" DEFAULT("1"),
         "column a: there are rows, it cannot become required"},
        {A, COLUMN("a", "int64") DEFAULT("1"),
         "column a: there are rows that may show its default, it cannot change"},
        {COLUMN("a", "int64") DEFAULT("1"), A,
         "column a: there are rows that may show its default, it cannot change"},
        {COLUMN("a", "int64") DEFAULT("1"), COLUMN("a", "int64") DEFAULT("2"),
         "column a: there are rows that may show its default, it cannot change"},
        {COLUMN("a", "int64") ",\"required\":true" DEFAULT("1"), COLUMN("a", "int64") REQUIRED,
         "column a: there are rows that may show its default, it cannot change"},
        {A, A "," COLUMN("b", "int64") FROM("x"),
         "column b: there is no column x that it could be \"from\""},
        {A, A "," COLUMN("b", "int64") ",\"from\":\"a\"" REQUIRED,
         "column b: there are rows, it cannot become required"},
        {COLUMN("a", "int64") REQUIRED,
         COLUMN("a", "int64") REQUIRED "," COLUMN("b", "int64") FROM("a"),
         "column a: it is required, and the rows do not have it; give it a default"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct schema *from = schema_of_columns(cases[i].from);
        struct schema *to = schema_of_columns(cases[i].to);
        struct evolution evolution = {.rekeys = true};
        struct err err = ERR_INIT;

        assert_fails(schema_evolve(from, to, true, &evolution, &err), -EINVAL, &err);
        assert_string_equal(err.text, cases[i].sentence);
        assert_int_equal(flags_of(evolution), REKEYS);
        assert_int_equal(schema_evolve(from, to, false, &evolution, &err), 0);
        assert_int_equal(flags_of(evolution), 0);
        schema_unref(from);
        schema_unref(to);
    }
}

static void a_rewritten_row_is_as_it_was_but_for_columns_that_changed(void **state)
{
    static const struct {
        const char *from, *to, *row, *expected;
    } cases[] = {
        {A "," B, A "," B, "{\"a\":1,\"b\":\"x\"}", "{\"a\":1,\"b\":\"x\"}"},
        {A "," B, A, "{\"a\":1,\"b\":\"x\"}", "{\"a\":1}"},
        {A "," B, B, "{\"a\":1,\"b\":\"x\"}", "{\"b\":\"x\"}"},
        {A "," B, "\"c\":\"json\"", "{\"a\":1,\"b\":\"x\"}", "{}"},
        {A "," B, A, "{}", "{}"},
        {A "," B, A, " \t{ } ", " \t{ } "},
        {A "," B, A, "{\"b\":\"x\"}", "{}"},
        {A "," B, A, "{ \"b\" : \"x\" } ", "{  } "},
        {A "," B, A, " { \"a\" : 1 , \"b\" : \"x\" } ", " { \"a\" : 1 } "},
        {A "," B, B, " { \"a\" : 1 , \"b\" : \"x\" } ", " { \"b\" : \"x\" } "},
        {A "," B, B, "{\"b\":\"x\",\"a\":1}", "{\"b\":\"x\"}"},
        {A "," B ",\"c\":\"json\"", A ",\"c\":\"json\"",
         "{ \"a\":1,\t\"b\":\"}\" , \"c\":[1, {\"b\":2}] }", "{ \"a\":1 , \"c\":[1, {\"b\":2}] }"},
        {A "," B, COLUMN("x", "int64") FROM("a") "," B, "{\"a\" : -0,\"b\":\"a\"}",
         "{\"x\" : -0,\"b\":\"a\"}"},
        {A "," B, COLUMN("b", "int64") FROM("a"), "{\"a\":1,\"b\":\"x\"}", "{\"b\":1}"},
        {A "," B, COLUMN("b", "int64") FROM("a") "," COLUMN("a", "string") FROM("b"),
         "{\"a\":1,\"b\":\"x\"}", "{\"b\":1,\"a\":\"x\"}"},
        {A, A "," COLUMN("b", "int64") FROM("a"), "{\"a\":1}", "{\"b\":1}"},
        {B, COLUMN("b", "string") FROM("x"), "{\"b\":\"x\"}", "{\"b\":\"x\"}"},
        {A "," B, B, "{\"\\u0061\":1,\"\\u0062\":\"\\u0061\"}", "{\"\\u0062\":\"\\u0061\"}"},
        {A, COLUMN("\\n\\\"é", "int64") FROM("a"), "{\"a\":1}", "{\"\\n\\\"é\":1}"},
        {"\"\":\"json\"", COLUMN("x", "json") FROM(""), "{\"\":1}", "{\"x\":1}"},
        {"\"x\":\"json\"", COLUMN("", "json") FROM("x"), "{\"x\":1.00}", "{\"\":1.00}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct schema *from = schema_of_columns(cases[i].from);
        struct schema *to = schema_of_columns(cases[i].to);
        cleanup_free char *copy = strdup(cases[i].row);
        struct buf row = {0};

        assert_int_equal(buf_append(&row, "#", 1), 0);
        assert_int_equal(schema_rewrite_row(from, to, text(copy), &row), 0);
        assert_int_equal(row.data[0], '#');
        expect_text(slice_of(row.data + 1, row.bytes - 1), cases[i].expected);
        buf_finish(&row);
        schema_unref(from);
        schema_unref(to);
    }
}

static void without_memory_a_row_is_not_rewritten(void **state)
{
    struct schema *from = schema_of_columns(A "," B);
    struct schema *to = schema_of_columns(COLUMN("x\\n", "int64") FROM("a") "," B);
    int r = -ENOMEM;
    unsigned granted = 0;

    (void)state;
    for (; r < 0; granted++) {
        struct buf row = {0};

        assert_int_equal(buf_append(&row, "#", 1), 0);
        nomem_after(granted);
        r = schema_rewrite_row(from, to, text("{\"\\u0061\":1,\"b\":\"\"}"), &row);
        assert_true(nomem_end() == (r < 0));
        expect_text(slice_of(row.data, row.bytes), r < 0 ? "#" : "#{\"x\\n\":1,\"b\":\"\"}");
        buf_finish(&row);
    }
    assert_true(granted > 1);
    schema_unref(from);
    schema_unref(to);
}

/* --- schemas at random ---------------------------------------------------------------------------
 */

static const char *const random_types[] = {"int64", "float64", "string", "json"};

/* Columns of a few names; `renames`: some are from others. */
static struct schema *random_schema(uint64_t *random, bool renames)
{
    struct buf written = {0};
    struct schema *schema = NULL;
    unsigned taken = 0, named = 0;

    assert_int_equal(buf_printf(&written, "{\"columns\":{"), 0);
    for (size_t count = 1 + check_random_below(random, 5); count; count--) {
        size_t name = check_random_below(random, 6), from = check_random_below(random, 6);

        if (named & 1U << name)
            continue;
        assert_int_equal(buf_printf(&written, "%s\"%c\":{\"type\":\"%s\"", named ? "," : "",
                                    "abcdef"[name],
                                    random_types[check_random_below(random, 4) / 2]),
                         0);
        if (renames && check_random_below(random, 2) && !(taken & 1U << from)) {
            assert_int_equal(buf_printf(&written, ",\"from\":\"%c\"", "abcdef"[from]), 0);
            taken |= 1U << from;
        }
        if (!check_random_below(random, 3))
            assert_int_equal(buf_printf(&written, ",\"required\":true"), 0);
        if (!check_random_below(random, 3))
            assert_int_equal(buf_printf(&written, ",\"default\":1"), 0);
        assert_int_equal(buf_append(&written, "}", 1), 0);
        named |= 1U << name;
    }
    assert_int_equal(buf_append(&written, "}}", 2), 0);
    assert_int_equal(parse(slice_of(written.data, written.bytes), &schema, NULL), 0);
    buf_finish(&written);
    return schema;
}

/* With what may be left out there or not. */
static void random_row(uint64_t *random, const struct schema *schema, struct buf *row)
{
    const char *divider = "{";

    row->bytes = 0;
    for (size_t i = 0; i < schema->count; i++) {
        const struct column *column = &schema->columns[i];
        const char *value = column->required || check_random_below(random, 3) ? "7" : "null";

        if ((!column->required || column->default_json.text) && !check_random_below(random, 3))
            continue;
        assert_int_equal(buf_printf(row, "%s\"%.*s\":%s", divider, (int)column->name.bytes,
                                    column->name.text, value),
                         0);
        divider = ",";
    }
    assert_int_equal(buf_printf(row, *divider == '{' ? "{}" : "}"), 0);
}

static void rows_that_may_follow_are_of_the_next_schema(void **state)
{
    uint64_t random = 11;
    int followed = 0, rewritten = 0;
    struct buf row = {0}, next = {0};

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct schema *from = random_schema(&random, false), *to = random_schema(&random, true);
        struct evolution evolution;

        if (schema_evolve(from, to, true, &evolution, NULL) == 0) {
            struct schema_check *before = check_of(from), *after = check_of(to);

            for (int n = 0; n < 5; n++) {
                random_row(&random, from, &row);
                expect_row(before, slice_of(row.data, row.bytes), NULL);
                next.bytes = 0;
                assert_int_equal(schema_rewrite_row(from, to, slice_of(row.data, row.bytes), &next),
                                 0);
                expect_row(after, slice_of(next.data, next.bytes), NULL);
                if (!evolution.rewrites)
                    assert_true(slice_equal(slice_of(row.data, row.bytes),
                                            slice_of(next.data, next.bytes)));
            }
            followed++;
            rewritten += evolution.rewrites;
            schema_check_destroy(before);
            schema_check_destroy(after);
        }
        schema_unref(from);
        schema_unref(to);
    }
    assert_true(followed > 1000 && rewritten > 500 && rewritten < followed);
    buf_finish(&row);
    buf_finish(&next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_schema_is_what_was_written),
        cmocka_unit_test(a_printed_schema_has_one_column_a_line),
        cmocka_unit_test(a_schema_without_key_prints_none),
        cmocka_unit_test(schemas_that_say_the_same_are_equal),
        cmocka_unit_test(a_text_of_white_space_is_no_schema),
        cmocka_unit_test(what_is_no_json_object_is_refused),
        cmocka_unit_test(a_column_that_is_described_wrongly_is_refused),
        cmocka_unit_test(a_default_that_is_not_of_the_type_is_refused),
        cmocka_unit_test(a_key_that_is_none_is_refused),
        cmocka_unit_test(a_schema_of_anything_but_columns_and_key_is_refused),
        cmocka_unit_test(no_column_becomes_two),
        cmocka_unit_test(what_is_quoted_is_short_and_on_one_line),
        cmocka_unit_test(a_schema_has_limits),
        cmocka_unit_test(a_schema_whose_print_is_too_long_is_refused),
        cmocka_unit_test(a_schema_nested_too_deep_is_refused),
        cmocka_unit_test(defaults_keep_their_digits),
        cmocka_unit_test(a_column_may_have_any_name),
        cmocka_unit_test(a_from_is_kept_but_not_printed),
        cmocka_unit_test(a_schema_lives_as_long_as_it_is_held),
        cmocka_unit_test(without_memory_a_schema_is_not_read),
        cmocka_unit_test(any_text_is_read_or_refused),
        cmocka_unit_test(a_row_is_of_the_schema_or_is_told_why_not),
        cmocka_unit_test(members_may_have_any_order),
        cmocka_unit_test(names_that_need_escapes_are_found),
        cmocka_unit_test(checking_rows_asks_for_no_memory),
        cmocka_unit_test(a_row_of_all_columns_is_found_in_any_order),
        cmocka_unit_test(without_memory_there_is_no_checker),
        cmocka_unit_test(rows_can_follow_into_another_schema),
        cmocka_unit_test(rows_cannot_follow_into_every_schema),
        cmocka_unit_test(a_rewritten_row_is_as_it_was_but_for_columns_that_changed),
        cmocka_unit_test(without_memory_a_row_is_not_rewritten),
        cmocka_unit_test(rows_that_may_follow_are_of_the_next_schema),
    };

    return cmocka_run_group_tests_name("schema", tests, setup_rowcheck, teardown_rowcheck);
}
