/* SPDX-License-Identifier: MIT */
/* What core promises in core/rowcheck.h of a row's form, one fact a test. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/lib/check.h"
#include "tests/lib/rowtool.h"

static void an_object_of_every_kind_of_value_is_a_row(void **state)
{
    (void)state;
    row("{}");
    row("{\"\":\"\"}");
    row("{\"a\":1,\"b\":\"x\",\"c\":true,\"d\":false,\"e\":null,\"f\":[],\"g\":{}}");
    row("{\"a\":[1,[2,[3,{}],[]],{\"b\":[{\"c\":{}}]}],\"d\":{\"e\":{\"f\":\"g\"}}}");
    row("{\"a\":[{},{},[],[],\"\",0]}");
}

static void white_space_is_allowed_everywhere_between_tokens(void **state)
{
    (void)state;
    row(" \t\r{ \t\r\"a\" \t\r: \t\r1 \t\r, \t\r\"b\" \t\r: \t\r[ \t\r1 \t\r, \t\r{ } \t\r] \t\r} "
        "\t\r");
    row("{}\r");
    row("{\"a\":[ ] , \"b\":{ } }");
}

static void a_line_feed_or_other_white_space_is_refused(void **state)
{
    (void)state;
    refused("{\"a\":\n1}", "byte 6: a line feed inside a row");
    refused("{}\n", "byte 3: a line feed inside a row");
    refused("{\n}", "byte 2: a line feed inside a row");
    refused("{\"a\"\v:1}", "byte 5: expected ':' after a name, not byte 0x0b");
    refused("{\"a\":\f1}", "byte 6: expected a value, not byte 0x0c");
    refused("{\"a\":1\xc2\xa0}", "byte 7: expected ',' or '}', not byte 0xc2");
}

static void an_empty_line_is_refused(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    refused("", "byte 1: empty line");
    refused(" \t\r", "byte 1: empty line");
    assert_int_equal(rowcheck_line(check, NULL, 0, &err), -EINVAL);
    assert_string_equal(err.text, "byte 1: empty line");
}

static void anything_but_an_object_is_refused(void **state)
{
    (void)state;
    refused("[{}]", "byte 1: a row must be one JSON object, this is an array");
    refused(" \"a\"", "byte 2: a row must be one JSON object, this is a string");
    refused("17", "byte 1: a row must be one JSON object, this is a number");
    refused("-1", "byte 1: a row must be one JSON object, this is a number");
    refused("true", "byte 1: a row must be one JSON object, this is a boolean");
    refused("false", "byte 1: a row must be one JSON object, this is a boolean");
    refused("null", "byte 1: a row must be one JSON object, this is null");
    refused("hello", "byte 1: a row must be one JSON object, this starts with 'h'");
    refused("}", "byte 1: a row must be one JSON object, this starts with '}'");
    refused("\x7f", "byte 1: a row must be one JSON object, this starts with byte 0x7f");
    refused("\0", "byte 1: a row must be one JSON object, this starts with byte 0x00");
}

static void a_byte_order_mark_is_refused(void **state)
{
    (void)state;
    refused("\xef\xbb\xbf{}", "byte 1: a UTF-8 byte order mark, which a row must not have");
    refused("\xef\xbb", "byte 1: a row must be one JSON object, this starts with byte 0xef");
    refused("\xff\xfe{\0}\0", "byte 1: a row must be one JSON object, this starts with byte 0xff");
    row("{\"\xef\xbb\xbf\":\"\xef\xbb\xbf\"}");
}

static void anything_behind_the_object_is_refused(void **state)
{
    (void)state;
    refused("{}{}", "byte 3: two objects on one line");
    refused("{\"a\":1} {\"a\":1}", "byte 9: two objects on one line");
    refused("{},", "byte 3: a comma after the row, only line feeds divide rows");
    refused("{}}", "byte 3: '}' closes nothing");
    refused("{} ]", "byte 4: ']' closes nothing");
    refused("{} x", "byte 4: expected the end of the line, not 'x'");
    refused("{}\0", "byte 3: expected the end of the line, not byte 0x00");
}

static void a_line_that_ends_too_early_is_refused(void **state)
{
    (void)state;
    refused("{", "byte 2: the line ends where a name in double quotes is expected");
    refused("{\"a", "byte 4: the line ends inside a string");
    refused("{\"a\\", "byte 5: the line ends inside a string");
    refused("{\"a\"", "byte 5: the line ends where ':' after a name is expected");
    refused("{\"a\":", "byte 6: the line ends where a value is expected");
    refused("{\"a\":1", "byte 7: the line ends where ',' or '}' is expected");
    refused("{\"a\":[1", "byte 8: the line ends where ',' or ']' is expected");
    refused("{\"a\":[", "byte 7: the line ends where a value is expected");
    refused("{\"a\":1,", "byte 8: the line ends where a name in double quotes is expected");
    refused("{\"a\":-", "byte 7: the line ends where a digit after '-' is expected");
    refused("{\"a\":1.", "byte 8: the line ends where a digit after '.' is expected");
    refused("{\"a\":1e", "byte 8: the line ends where a digit of the exponent is expected");
    refused("{\"a\":1e+", "byte 9: the line ends where a digit of the exponent is expected");
    refused("{\"a\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "byte 39: the line ends inside a string");
}

static void the_grammar_of_objects_and_arrays_is_enforced(void **state)
{
    (void)state;
    refused("{a:1}", "byte 2: expected a name in double quotes, not 'a'");
    refused("{1:1}", "byte 2: expected a name in double quotes, not '1'");
    refused("{'a':1}", "byte 2: expected a name in double quotes, not '''");
    refused("{{}}", "byte 2: expected a name in double quotes, not '{'");
    refused("{,}", "byte 2: expected a name in double quotes, not ','");
    refused("{]", "byte 2: expected a name in double quotes, not ']'");
    refused("{\"a\":1,,}", "byte 8: expected a name in double quotes, not ','");
    refused("{\"a\" 1}", "byte 6: expected ':' after a name, not '1'");
    refused("{\"a\"=1}", "byte 5: expected ':' after a name, not '='");
    refused("{\"a\"}", "byte 5: expected ':' after a name, not '}'");
    refused("{\"a\"::1}", "byte 6: expected a value, not ':'");
    refused("{\"a\":}", "byte 6: expected a value, not '}'");
    refused("{\"a\":,}", "byte 6: expected a value, not ','");
    refused("{\"a\":]}", "byte 6: expected a value, not ']'");
    refused("{\"a\":1 \"b\":2}", "byte 8: expected ',' or '}', not '\"'");
    refused("{\"a\":1]", "byte 7: expected ',' or '}', not ']'");
    refused("{\"a\":[1}]", "byte 8: expected ',' or ']', not '}'");
    refused("{\"a\":[}", "byte 7: expected a value, not '}'");
    refused("{\"a\":[,1]}", "byte 7: expected a value, not ','");
    refused("{\"a\":[1 2]}", "byte 9: expected ',' or ']', not '2'");
    refused("{\"a\":[1:2]}", "byte 8: expected ',' or ']', not ':'");
    refused("{\"a\":{\"b\":1]}", "byte 12: expected ',' or '}', not ']'");
    refused("{\"a\":{},[]}", "byte 9: expected a name in double quotes, not '['");
    refused("{\"a\":1 // b\r}", "byte 8: expected ',' or '}', not '/'");
}

static void a_trailing_comma_is_refused(void **state)
{
    (void)state;
    refused("{\"a\":1,}", "byte 8: a comma before '}'");
    refused("{\"a\":1 , }", "byte 10: a comma before '}'");
    refused("{\"a\":[1,]}", "byte 9: a comma before ']'");
    refused("{\"a\":{\"b\":1},}", "byte 14: a comma before '}'");
    refused("{\"a\":[1,}}", "byte 9: expected a value, not '}'");
}

static void a_number_of_any_size_is_allowed(void **state)
{
    cleanup_free char *digits = malloc(100007);

    (void)state;
    row("{\"a\":0,\"b\":-0,\"c\":0.0,\"d\":-0.0e-0,\"e\":0e0,\"f\":10,\"g\":-10}");
    row("{\"a\":[1.5,1E5,1e+5,1e-5,0.25e01,123456789012345678901234567890]}");
    row("{\"a\":1e999999,\"b\":-1E+4000,\"c\":1e-999999,\"d\":9007199254740993}");
    assert_non_null(digits);
    memset(digits, '9', 100007);
    memcpy(digits, "{\"a\":", 5);
    digits[100006] = '}';
    rowtool_expect_row(digits, 100007);
    digits[50000] = '.';
    rowtool_expect_row(digits, 100007);
}

static void the_grammar_of_numbers_is_enforced(void **state)
{
    (void)state;
    refused("{\"a\":01}", "byte 6: a number may not start with 0");
    refused("{\"a\":-01}", "byte 7: a number may not start with 0");
    refused("{\"a\":00}", "byte 6: a number may not start with 0");
    refused("{\"a\":00.5}", "byte 6: a number may not start with 0");
    refused("{\"a\":+1}", "byte 6: a number may not start with '+'");
    refused("{\"a\":.5}", "byte 6: a number may not start with '.'");
    refused("{\"a\":5.}", "byte 8: expected a digit after '.', not '}'");
    refused("{\"a\":5.e1}", "byte 8: expected a digit after '.', not 'e'");
    refused("{\"a\":-}", "byte 7: expected a digit after '-', not '}'");
    refused("{\"a\":--1}", "byte 7: expected a digit after '-', not '-'");
    refused("{\"a\":-.5}", "byte 7: expected a digit after '-', not '.'");
    refused("{\"a\":1e}", "byte 8: expected a digit of the exponent, not '}'");
    refused("{\"a\":1e+-1}", "byte 9: expected a digit of the exponent, not '-'");
    refused("{\"a\":1e1.5}", "byte 9: expected ',' or '}', not '.'");
    refused("{\"a\":0x10}", "byte 7: expected ',' or '}', not 'x'");
    refused("{\"a\":1_000}", "byte 7: expected ',' or '}', not '_'");
    refused("{\"a\":1.5.5}", "byte 9: expected ',' or '}', not '.'");
    refused("{\"a\":-Infinity}", "byte 7: expected a digit after '-', not 'I'");
    refused("{\"a\":1\0}", "byte 7: expected ',' or '}', not byte 0x00");
}

static void other_words_than_true_false_and_null_are_refused(void **state)
{
    (void)state;
    refused("{\"a\":tru}", "byte 6: the only words are true, false and null");
    refused("{\"a\":True}", "byte 6: the only words are true, false and null");
    refused("{\"a\":FALSE}", "byte 6: the only words are true, false and null");
    refused("{\"a\":nul", "byte 6: the only words are true, false and null");
    refused("{\"a\":fals", "byte 6: the only words are true, false and null");
    refused("{\"a\":None}", "byte 6: the only words are true, false and null");
    refused("{\"a\":NaN}", "byte 6: the only words are true, false and null");
    refused("{\"a\":[undefined]}", "byte 7: the only words are true, false and null");
    refused("{\"a\":nullx}", "byte 10: expected ',' or '}', not 'x'");
    refused("{\"a\":true1}", "byte 10: expected ',' or '}', not '1'");
    refused("{\"a\":falsefalse}", "byte 11: expected ',' or '}', not 'f'");
    refused("{\"a\":null\0}", "byte 10: expected ',' or '}', not byte 0x00");
    refused("{\"a\":'b'}", "byte 6: strings are written in double quotes");
    refused("{\"a\":\\u0031}", "byte 6: expected a value, not '\\'");
    refused("{\"a\":\xe2\x80\x9c}", "byte 6: expected a value, not byte 0xe2");
}

/* The row's own object and `arrays` in each other. */
static void put_nested(struct buf *line, int arrays)
{
    line->bytes = 0;
    rowtool_put(line, "{\"a\":");
    for (int i = 0; i < arrays; i++)
        rowtool_put(line, "[");
    for (int i = 0; i < arrays; i++)
        rowtool_put(line, "]");
    rowtool_put(line, "}");
}

static void a_row_may_nest_up_to_the_limit_only(void **state)
{
    cleanup_buf struct buf line = {0};

    (void)state;
    put_nested(&line, 127);
    rowtool_expect_row(line.data, line.bytes);
    put_nested(&line, 128);
    rowtool_expect_refused(line.data, line.bytes, "byte 133: nested deeper than 128");
    put_nested(&line, 1000000);
    rowtool_expect_refused(line.data, line.bytes, "byte 133: nested deeper than 128");

    line.bytes = 0;
    for (int i = 0; i < 128; i++)
        rowtool_put(&line, "{\"a\":");
    rowtool_put(&line, "[");
    rowtool_expect_refused(line.data, line.bytes, "byte 641: nested deeper than 128");
    line.bytes--;
    rowtool_put(&line, "1");
    for (int i = 0; i < 128; i++)
        rowtool_put(&line, "}");
    rowtool_expect_row(line.data, line.bytes);
}

static void a_failure_needs_no_place_for_its_sentence(void **state)
{
    (void)state;
    assert_int_equal(rowcheck_line(check, "{\"a\":1,\"a\":1}", 13, NULL), -EINVAL);
    assert_int_equal(rowcheck_line(check, "[]", 2, NULL), -EINVAL);
    rowcheck_destroy(NULL);
}

/* All prefixes of a row, between pages that cannot be read. */
static void a_line_is_not_read_beyond_its_ends(void **state)
{
    static const char text[] =
        "{\"id\":12345678,\"\":-1.25e-3,\"name\":\"J\xc3\xbcrgen \\u00e9\\ud83d\\ude00\\n\","
        "\"a\\u0062\":[true,false,null,{}],\"0123456789abcdef\":\"0123456789abcdef\"}";
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = sizeof text - 1;
    char *pages = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + page, page, PROT_READ | PROT_WRITE), 0);
    for (size_t n = 1; n <= bytes; n++) {
        char *first = pages + page, *last = pages + 2 * page - n;

        memcpy(first, text, n);
        memcpy(last, text, n);
        assert_int_equal(rowcheck_line(check, first, n, NULL), n == bytes ? 0 : -EINVAL);
        assert_int_equal(rowcheck_line(check, last, n, NULL), n == bytes ? 0 : -EINVAL);
    }
    munmap(pages, 3 * page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_of_every_kind_of_value_is_a_row),
        cmocka_unit_test(white_space_is_allowed_everywhere_between_tokens),
        cmocka_unit_test(a_line_feed_or_other_white_space_is_refused),
        cmocka_unit_test(an_empty_line_is_refused),
        cmocka_unit_test(anything_but_an_object_is_refused),
        cmocka_unit_test(a_byte_order_mark_is_refused),
        cmocka_unit_test(anything_behind_the_object_is_refused),
        cmocka_unit_test(a_line_that_ends_too_early_is_refused),
        cmocka_unit_test(the_grammar_of_objects_and_arrays_is_enforced),
        cmocka_unit_test(a_trailing_comma_is_refused),
        cmocka_unit_test(a_number_of_any_size_is_allowed),
        cmocka_unit_test(the_grammar_of_numbers_is_enforced),
        cmocka_unit_test(other_words_than_true_false_and_null_are_refused),
        cmocka_unit_test(a_row_may_nest_up_to_the_limit_only),
        cmocka_unit_test(a_failure_needs_no_place_for_its_sentence),
        cmocka_unit_test(a_line_is_not_read_beyond_its_ends),
    };

    return cmocka_run_group_tests_name("rowcheck", tests, rowtool_setup, rowtool_teardown);
}
