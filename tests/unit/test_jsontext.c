/* SPDX-License-Identifier: MIT */
/* JSON as slices of its text, beside what jansson reads in the same text. */
#include <jansson.h>
#include <stdio.h>

#include "core/jsontext.h"
#include "tests/lib/check.h"

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

static json_t *load(struct slice value)
{
    const size_t flags =
        JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL;
    json_error_t error;
    json_t *json = json_loadb(value.text, value.bytes, flags, &error);

    if (!json)
        print_error("%.*s\n%s\n", (int)value.bytes, value.text, error.text);
    assert_non_null(json);
    return json;
}

/* --- agreement --------------------------------------------------------------------------- */

static void compare(struct slice value, json_t *expected);

static void compare_string(struct slice value, json_t *expected)
{
    struct slice characters = slice_of(json_string_value(expected), json_string_length(expected));
    struct buf decoded = {0}, encoded = {0};
    json_t *again;

    assert_int_equal(json_string_decode(value, &decoded), 0);
    assert_true(slice_equal(slice_of(decoded.data, decoded.bytes), characters));
    assert_true(json_string_is(value, characters));
    assert_int_equal(json_string_encode(characters, &encoded), 0);
    again = load(slice_of(encoded.data, encoded.bytes));
    assert_true(json_equal(again, expected));
    json_decref(again);
    /* One byte less, one more, another one. */
    if (characters.bytes) {
        assert_false(json_string_is(value, slice_of(characters.text, characters.bytes - 1)));
        decoded.data[characters.bytes / 2] ^= 1;
        assert_false(json_string_is(value, slice_of(decoded.data, decoded.bytes)));
    }
    assert_int_equal(buf_append(&decoded, "\0", 1), 0);
    assert_false(json_string_is(value, slice_of(decoded.data, decoded.bytes)));
    buf_finish(&decoded);
    buf_finish(&encoded);
}

static void compare_object(struct slice value, json_t *expected)
{
    struct json_members members;
    struct json_member member;
    size_t count = 0;

    json_members_begin(&members, value);
    for (; json_members_next(&members, &member); count++) {
        struct buf name = {0};
        struct slice characters;
        json_t *child;

        assert_int_equal(json_string_decode(member.name, &name), 0);
        characters = slice_of(name.data, name.bytes);
        child = json_object_getn(expected, name.data, name.bytes);
        assert_non_null(child);
        assert_ptr_equal(member.member.text, member.name.text);
        assert_ptr_equal(member.member.text + member.member.bytes,
                         member.value.text + member.value.bytes);
        assert_ptr_equal(json_find(value, characters).text, member.value.text);
        compare(member.value, child);
        buf_finish(&name);
    }
    assert_int_equal(count, json_object_size(expected));
    assert_false(json_members_next(&members, &member));
    assert_null(json_find(value, text("no such name")).text);
}

static void compare_array(struct slice value, json_t *expected)
{
    struct json_members elements;
    struct slice element;
    size_t count = 0;

    json_elements_begin(&elements, value);
    for (; json_elements_next(&elements, &element); count++)
        compare(element, json_array_get(expected, count));
    assert_int_equal(count, json_array_size(expected));
    assert_false(json_elements_next(&elements, &element));
}

/* The text of the whole value is as jansson has it, too, and has nothing around it. */
static void compare(struct slice value, json_t *expected)
{
    static const int kinds[] = {
        [JSON_OBJECT] = JSON_KIND_OBJECT, [JSON_ARRAY] = JSON_KIND_ARRAY,
        [JSON_STRING] = JSON_KIND_STRING, [JSON_REAL] = JSON_KIND_NUMBER,
        [JSON_TRUE] = JSON_KIND_TRUE,     [JSON_FALSE] = JSON_KIND_FALSE,
        [JSON_NULL] = JSON_KIND_NULL,
    };
    json_t *again = load(value);

    assert_non_null(expected);
    assert_true(json_equal(again, expected));
    json_decref(again);
    assert_null(memchr(" \t\r\n", value.text[0], 4));
    assert_null(memchr(" \t\r\n", value.text[value.bytes - 1], 4));
    assert_int_equal(json_kind(value), kinds[json_typeof(expected)]);
    if (json_is_object(expected))
        compare_object(value, expected);
    else if (json_is_array(expected))
        compare_array(value, expected);
    else if (json_is_string(expected))
        compare_string(value, expected);
}

/* Of a copy, behind which a sanitizer sees a read. */
static void agree(struct slice object)
{
    char *copy = malloc(object.bytes);
    struct slice value = slice_of(copy, object.bytes);
    struct buf compact = {0};
    json_t *expected, *again;

    assert_non_null(copy);
    memcpy(copy, object.text, object.bytes);
    expected = load(value);
    compare_object(value, expected);
    assert_int_equal(json_compact(value, &compact), 0);
    again = load(slice_of(compact.data, compact.bytes));
    assert_true(json_equal(again, expected));
    compare(slice_of(compact.data, compact.bytes), expected);
    json_decref(again);
    json_decref(expected);
    buf_finish(&compact);
    free(copy);
}

static void jansson_agrees_on_tricky_objects(void **state)
{
    static const char *const objects[] = {
        "{}",
        " \t\r\n{ \t\r\n} \t\r\n",
        "{\"\":\"\"}",
        "{\"a\":1}",
        " { \"a\" : 1 , \"b\" : [ ] , \"c\" : { } } ",
        "{\"a\":\"\\\\\",\"b\":\"\\\\\\\"\",\"c\":\"\\\"\"}",
        "{\"\\\\\":1,\"\\\"\":2,\"\\\\\\\\\":3,\"\\\"\\\"\":4}",
        "{\"a\":\"}\",\"b\":\"{\",\"c\":\"]\",\"d\":\"[\",\"e\":\",\",\"f\":\":\"}",
        "{\"a\":[\"]\",\"}\",{\"}\":\"]\"}],\"b\":{\"]\":[\"\\\"]\"]}}",
        "{\"a\":[[[[1],[]],{}],{\"b\":[{}]}],\"c\":[1 , 2\t,3\n,\r4]}",
        "{\"a\":-0,\"b\":1E+5,\"c\":0.10e-2,\"d\":true,\"e\":false,\"f\":null}",
        "{\"a\":true ,\"b\":null\n,\"c\":1\t}",
        "{\"\\u0061\":1,\"\\u00e9\":2,\"\\ud83d\\ude00\":3,\"\\u20AC\":4}",
        "{\"a\":\"\\u0000\",\"b\":\"x\\u0000y\",\"c\":\"\\b\\f\\n\\r\\t\\/\\\"\\\\\"}",
        "{\"a\":\"\\uD834\\uDD1E\",\"b\":\"\\udbff\\udfff\",\"c\":\"\x7f\\u007f\\u0080\\u07ff\"}",
        "{\"é\":\"€\",\"😀\":\"é€😀\"}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(objects); i++)
        agree(text(objects[i]));
}

static uint64_t random_state;

static const char *one_of(const char *const *texts, size_t count)
{
    return texts[check_random_below(&random_state, count)];
}

static void put(struct buf *line, const char *string)
{
    assert_int_equal(buf_append(line, string, strlen(string)), 0);
}

static void put_space(struct buf *line)
{
    static const char *const spaces[] = {"", "", "", " ", "\t", "\r", "\n", " \n  "};

    put(line, one_of(spaces, ARRAY_COUNT(spaces)));
}

static void put_string(struct buf *line, size_t number)
{
    static const char *const parts[] = {
        "",     "a",        "id",  "\\\\", "\\\"",      "\\/",     "\\n", "\\t",
        "{",    "}",        "[",   "]",    ",",         ":",       " ",   "\\u0061",
        "\x7f", "\\u001f",  "é",   "€",    "\\u00e9",   "\\uffff", "😀",   "\\ud83d\\ude00",
        "null", "\\u0020x", "\\b", "true", "\\\\u0061", "\\f",     "\\r", "0123456789abcdef",
    };
    char unique[24] = "";

    put(line, "\"");
    for (size_t count = check_random_below(&random_state, 5); count; count--)
        put(line, one_of(parts, ARRAY_COUNT(parts)));
    if (number)
        snprintf(unique, sizeof unique, "%zu", number); /* names must differ */
    put(line, unique);
    put(line, "\"");
}

static void put_value(struct buf *line, unsigned depth);

static void put_container(struct buf *line, bool is_object, unsigned depth)
{
    size_t count = check_random_below(&random_state, 6);

    put(line, is_object ? "{" : "[");
    for (size_t i = 1; i <= count; i++) {
        put_space(line);
        if (is_object) {
            put_string(line, i);
            put_space(line);
            put(line, ":");
            put_space(line);
        }
        put_value(line, depth + 1);
        put_space(line);
        put(line, i < count ? "," : "");
    }
    put_space(line);
    put(line, is_object ? "}" : "]");
}

static void put_value(struct buf *line, unsigned depth)
{
    static const char *const scalars[] = {"0",    "-0",   "17",     "-3.25", "1e9",
                                          "2E-7", "null", "1.5e+3", "true",  "false"};
    size_t kind = check_random_below(&random_state, 10);

    if (kind < 4 && depth < 6)
        put_container(line, kind < 2, depth);
    else if (kind < 7)
        put_string(line, 0);
    else
        put(line, one_of(scalars, ARRAY_COUNT(scalars)));
}

static void jansson_agrees_on_generated_objects(void **state)
{
    struct buf line = {0};

    (void)state;
    random_state = 20261123;
    for (int i = 0; i < 10000; i++) {
        line.bytes = 0;
        put_space(&line);
        put_container(&line, true, 0);
        put_space(&line);
        agree(slice_of(line.data, line.bytes));
    }
    buf_finish(&line);
}

/* --- what jansson cannot tell -------------------------------------------------------------- */

static void numbers_keep_their_digits(void **state)
{
    static const char object[] = "{\"a\": 1.50000000000000000000000001 ,\"b\":1e99999}";

    (void)state;
    expect_text(json_find(text(object), text("a")), "1.50000000000000000000000001");
    expect_text(json_find(text(object), text("b")), "1e99999");
}

static void a_compact_text_has_space_in_strings_only(void **state)
{
    struct buf compact = {0};

    (void)state;
    assert_int_equal(json_compact(text(" { \"a b\" : [ 1 ,\n\t\" \\\" \" ] } "), &compact), 0);
    expect_text(slice_of(compact.data, compact.bytes), "{\"a b\":[1,\" \\\" \"]}");
    buf_finish(&compact);
}

static void an_encoded_string_has_the_short_escapes(void **state)
{
    static const char characters[] = "\"\\/\b\f\n\r\t\x01\x1f\x7f\0é";
    struct buf string = {0};

    (void)state;
    assert_int_equal(json_string_encode(slice_of(characters, sizeof characters - 1), &string), 0);
    expect_text(slice_of(string.data, string.bytes),
                "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000é\"");
    string.bytes = 0;
    assert_int_equal(json_string_encode((struct slice){0}, &string), 0);
    expect_text(slice_of(string.data, string.bytes), "\"\"");
    buf_finish(&string);
}

static void a_name_with_a_nul_is_found(void **state)
{
    (void)state;
    expect_text(json_find(text("{\"a\":1,\"a\\u0000b\":2}"), slice_of("a\0b", 3)), "2");
    assert_false(json_string_is(text("\"a\\u0000b\""), text("a")));
}

static void an_empty_string_is_only_itself(void **state)
{
    (void)state;
    assert_true(json_string_is(text("\"\""), (struct slice){0}));
    assert_false(json_string_is(text("\"\\u0000\""), (struct slice){0}));
    assert_false(json_string_is(text("\"\""), text("a")));
    expect_text(json_find(text("{\"a\":1,\"\":2}"), (struct slice){0}), "2");
}

static void slices_are_equal_by_their_bytes(void **state)
{
    (void)state;
    assert_true(slice_equal((struct slice){0}, text("")));
    assert_true(slice_equal(text("ab"), slice_of("abc", 2)));
    assert_false(slice_equal(text("ab"), text("ac")));
    assert_false(slice_equal(text("ab"), text("abc")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jansson_agrees_on_tricky_objects),
        cmocka_unit_test(jansson_agrees_on_generated_objects),
        cmocka_unit_test(numbers_keep_their_digits),
        cmocka_unit_test(a_compact_text_has_space_in_strings_only),
        cmocka_unit_test(an_encoded_string_has_the_short_escapes),
        cmocka_unit_test(a_name_with_a_nul_is_found),
        cmocka_unit_test(an_empty_string_is_only_itself),
        cmocka_unit_test(slices_are_equal_by_their_bytes),
    };

    return cmocka_run_group_tests_name("jsontext", tests, NULL, NULL);
}
