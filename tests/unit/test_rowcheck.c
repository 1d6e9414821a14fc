/* SPDX-License-Identifier: MIT */
/* What core promises in core/rowcheck.h, one fact a test. */
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/rowcheck.h"

static struct rowcheck *check; /* one for all tests: a failure must leave it usable */

static int create_check(void **state)
{
    (void)state;
    return rowcheck_create(&check);
}

static int destroy_check(void **state)
{
    (void)state;
    rowcheck_destroy(check);
    return 0;
}

/* The line is copied to where a sanitizer sees a read behind its end. */
static int check_copy(const char *line, size_t bytes, struct err *err)
{
    cleanup_free char *copy = malloc(bytes ? bytes : 1);

    assert_non_null(copy);
    memcpy(copy, line, bytes);
    return rowcheck_line(check, copy, bytes, err);
}

static void expect_row(const char *line, size_t bytes)
{
    struct err err = {.text = "untouched", .line = 7};
    int r = check_copy(line, bytes, &err);

    if (r < 0)
        print_error("%.*s\n%s\n", (int)(bytes < 200 ? bytes : 200), line, err.text);
    assert_int_equal(r, 0);
    assert_string_equal(err.text, "untouched");
}

static void expect_refused(const char *line, size_t bytes, const char *sentence)
{
    struct err err = {.text = "", .line = 7};
    int r = check_copy(line, bytes, &err);

    if (r != -EINVAL || strcmp(err.text, sentence) != 0)
        print_error("%.*s\n", (int)(bytes < 200 ? bytes : 200), line);
    assert_int_equal(r, -EINVAL);
    assert_string_equal(err.text, sentence);
    assert_int_equal(err.line, 0);
    expect_row("{\"a\":1}", 7);
}

/* Of string literals, which may have NULs in them. */
#define row(line)               expect_row(line, sizeof(line) - 1)
#define refused(line, sentence) expect_refused(line, sizeof(line) - 1, sentence)

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
    expect_row(digits, 100007);
    digits[50000] = '.';
    expect_row(digits, 100007);
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

static void every_escape_of_the_standard_is_allowed(void **state)
{
    (void)state;
    row("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}");
    row("{\"a\":\"\\u0000\\u001f\\u00e9\\uABCD\\uabcd\\ud7ff\\ue000\\uffff\"}");
    row("{\"a\":\"\\ud83d\\ude00\\uD800\\uDC00\\uDBFF\\uDFFF\"}");
    row("{\"\\u0000\":1,\"\\u0000\\u0000\":2,\"\":3}");
    row("{\"a\":\"\\\\u00zz\\\\\"}");
}

static void other_escapes_are_refused(void **state)
{
    (void)state;
    refused("{\"a\":\"\\x41\"}", "byte 7: \\x is no escape");
    refused("{\"a\":\"b\\'\"}", "byte 8: \\' is no escape");
    refused("{\"\\U0041\":1}", "byte 3: \\U is no escape");
    refused("{\"a\":\"\\\x01\"}", "byte 7: a backslash before byte 0x01 is no escape");
    refused("{\"a\":\"\\\0\"}", "byte 7: a backslash before byte 0x00 is no escape");
    refused("{\"a\":\"\\\xc3\xa9\"}", "byte 7: a backslash before byte 0xc3 is no escape");
    refused("{\"a\":\"\\u12\"}", "byte 7: \\u needs four hexadecimal digits");
    refused("{\"a\":\"\\u12g4\"}", "byte 7: \\u needs four hexadecimal digits");
    refused("{\"a\":\"\\u-123\"}", "byte 7: \\u needs four hexadecimal digits");
    refused("{\"a\":\"\\u00:0\"}", "byte 7: \\u needs four hexadecimal digits");
    refused("{\"a\":\"\\u00/0\"}", "byte 7: \\u needs four hexadecimal digits");
    refused("{\"a\":\"\\u00@0\"}", "byte 7: \\u needs four hexadecimal digits");
    refused("{\"a\":\"\\u00`0\"}", "byte 7: \\u needs four hexadecimal digits");
    refused("{\"a\":\"\\u", "byte 7: \\u needs four hexadecimal digits");
    refused("{\"a\":\"\\u123", "byte 7: \\u needs four hexadecimal digits");
}

#define HALF " is half of a surrogate pair, the other half is missing"

static void an_escaped_lone_surrogate_is_refused(void **state)
{
    (void)state;
    refused("{\"a\":\"\\ud800\"}", "byte 7: \\ud800" HALF);
    refused("{\"a\":\"\\uDBFFx\"}", "byte 7: \\udbff" HALF);
    refused("{\"a\":\"\\udc00\"}", "byte 7: \\udc00" HALF);
    refused("{\"a\":\"\\uDFFF\\uD800\"}", "byte 7: \\udfff" HALF);
    refused("{\"a\":\"\\ud800\\ud800\"}", "byte 7: \\ud800" HALF);
    refused("{\"a\":\"\\ud800\\u0041\"}", "byte 7: \\ud800" HALF);
    refused("{\"a\":\"\\ud800\\ue000\"}", "byte 7: \\ud800" HALF);
    refused("{\"a\":\"\\ud800\\n\"}", "byte 7: \\ud800" HALF);
    refused("{\"a\":\"\\ud800u1234 \"}", "byte 7: \\ud800" HALF);
    refused("{\"a\":\"\\ud800\\udc0\"}", "byte 7: \\ud800" HALF);
    refused("{\"a\":\"\\ud800\\udc0", "byte 7: \\ud800" HALF);
    refused("{\"a\":\"\\ud83d\\ude00", "byte 19: the line ends inside a string");
    refused("{\"a\":\"\\ud83d\\ude00\\ude00\"}", "byte 19: \\ude00" HALF);
}

/* Each byte at each offset, so that each lane of a scan and its tail is met. */
static void a_raw_control_character_in_a_string_is_refused(void **state)
{
    (void)state;
    for (int byte = 0; byte < 0x20; byte++)
        for (int offset = 0; offset < 40; offset++) {
            char line[] = "{\"a\":\"........................................\"}";
            char sentence[100];

            line[6 + offset] = (char)byte;
            snprintf(sentence, sizeof sentence,
                     "byte %d: byte 0x%02x in a string must be written as an escape", 7 + offset,
                     (unsigned)byte);
            expect_refused(line, sizeof line - 1, sentence);
        }
    row("{\"\x7f\":\"\x7f\"}");
}

static void every_printable_byte_is_allowed_at_each_offset_of_a_string(void **state)
{
    (void)state;
    for (int byte = 0x20; byte < 0x80; byte++)
        for (int offset = 0; offset < 40; offset++) {
            char line[] = "{\"a\":\"........................................\"}";

            line[6 + offset] = (char)byte;
            if (byte != '"' && byte != '\\')
                expect_row(line, sizeof line - 1);
        }
}

static void every_character_of_unicode_is_allowed(void **state)
{
    char line[] = "{\"a\":\"       ";

    (void)state;
    for (uint32_t code = 0x80; code <= 0x10ffff; code++) {
        size_t n = utf8_encode(code, line + 6);

        memcpy(line + 6 + n, "\"}", 2);
        if (code < 0xd800 || code > 0xdfff)
            assert_int_equal(rowcheck_line(check, line, 8 + n, NULL), 0);
        else
            assert_int_equal(rowcheck_line(check, line, 8 + n, NULL), -EINVAL);
    }
    row("{\"ключ\":\"значение\",\"鍵\":\"值\",\"🔑\":\"🙂🙂\"}");
}

static void what_is_not_utf8_is_refused(void **state)
{
    (void)state;
    refused("{\"a\":\"\x80\"}", "byte 7: not UTF-8: a continuation byte without a first byte");
    refused("{\"a\":\"\xbf\"}", "byte 7: not UTF-8: a continuation byte without a first byte");
    refused("{\"a\":\"\xc3\xa9\xa9\"}",
            "byte 9: not UTF-8: a continuation byte without a first byte");
    refused("{\"a\":\"\xc0\x80\"}", "byte 7: not UTF-8: an overlong form");
    refused("{\"a\":\"\xc1\xbf\"}", "byte 7: not UTF-8: an overlong form");
    refused("{\"a\":\"\xe0\x9f\xbf\"}", "byte 7: not UTF-8: an overlong form");
    refused("{\"a\":\"\xf0\x8f\xbf\xbf\"}", "byte 7: not UTF-8: an overlong form");
    refused("{\"a\":\"\xed\xa0\x80\"}", "byte 7: not UTF-8: a surrogate");
    refused("{\"a\":\"\xed\xbf\xbf\"}", "byte 7: not UTF-8: a surrogate");
    refused("{\"a\":\"\xf4\x90\x80\x80\"}", "byte 7: not UTF-8: beyond U+10FFFF");
    refused("{\"a\":\"\xf5\x80\x80\x80\"}",
            "byte 7: not UTF-8: no character starts with this byte");
    refused("{\"a\":\"\xff\"}", "byte 7: not UTF-8: no character starts with this byte");
    refused("{\"a\":\"\xc3\"}", "byte 7: not UTF-8: a character cut short");
    refused("{\"a\":\"\xe2\x82\"}", "byte 7: not UTF-8: a character cut short");
    refused("{\"a\":\"\xf0\x9f\x98\"}", "byte 7: not UTF-8: a character cut short");
    refused("{\"a\":\"ok \xf0\x9f\x98", "byte 10: not UTF-8: a character cut short");
    refused("{\"a\":\"\xc3", "byte 7: not UTF-8: a character cut short");
    refused("{\"a\xe9\":1}", "byte 4: not UTF-8: a character cut short");
}

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

static void put(struct buf *line, const char *text)
{
    assert_int_equal(buf_append(line, text, strlen(text)), 0);
}

/* An object of `count` names; the last is also the name `repeated`, unless that is negative. */
static void put_object(struct buf *line, int count, int repeated, const char *format)
{
    for (int i = 0; i < count; i++) {
        put(line, i ? "," : "{");
        assert_int_equal(buf_printf(line, format, i), 0);
    }
    if (repeated >= 0) {
        put(line, ",");
        assert_int_equal(buf_printf(line, format, repeated), 0);
    }
    put(line, count ? "}" : "{}");
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
                assert_int_equal(check_copy(line.data, line.bytes, NULL),
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
        put(&line, "\"child\":");
    }
    put(&line, "[]");
    for (int depth = 0; depth < ROWCHECK_MAX_DEPTH; depth++) {
        size_t start = line.bytes;

        put_object(&line, 20, -1, "\"b%d\":1");
        line.data[start] = ',';
    }
    line.bytes -= strlen("[]") - 2;
    assert_int_equal(rowcheck_line(check, line.data, line.bytes, NULL), -EINVAL);
    memcpy(strstr(line.data, "[]"), "17", 2);
    expect_row(line.data, line.bytes);
    /* The outermost object's first and last names. */
    line.bytes--;
    put(&line, ",\"b19\":1}");
    assert_int_equal(rowcheck_line(check, line.data, line.bytes, NULL), -EINVAL);
    line.bytes -= strlen(",\"b19\":1}");
    put(&line, ",\"19\":1}");
    assert_int_equal(rowcheck_line(check, line.data, line.bytes, NULL), -EINVAL);
    line.bytes -= strlen(",\"19\":1}");
    put(&line, ",\"b20\":1}");
    expect_row(line.data, line.bytes);
}

static void wide_objects_beside_each_other_keep_their_names_apart(void **state)
{
    cleanup_buf struct buf line = {0};

    (void)state;
    put(&line, "{\"a\":[");
    for (int i = 0; i < 2000; i++) {
        put(&line, i ? "," : "");
        put_object(&line, 40, -1, "\"%d\":1");
    }
    put(&line, "]}");
    expect_row(line.data, line.bytes);
    expect_row(line.data, line.bytes);
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
        expect_row(line.data, line.bytes);
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
        put(&line, i ? ",\"" : "{\"");
        name[1000 + i % 100] = (char)('a' + i / 100);
        assert_int_equal(buf_append(&line, name, sizeof name), 0);
        put(&line, "\":0");
        name[1000 + i % 100] = 'x';
    }
    put(&line, "}");
    expect_row(line.data, line.bytes);
}

static void a_string_of_sixteen_megabytes_is_a_row(void **state)
{
    size_t bytes = 16u << 20;
    cleanup_free char *line = malloc(bytes);

    (void)state;
    assert_non_null(line);
    memset(line, 'x', bytes);
    memcpy(line, "{\"a\":\"", 6);
    memcpy(line + bytes - 2, "\"}", 2);
    expect_row(line, bytes);
    for (size_t i = 6; i < bytes - 3; i += 2)
        memcpy(line + i, "\xc3\xa9", 2);
    expect_row(line, bytes);
    line[bytes - 4] = 'x';
    expect_refused(line, bytes,
                   "byte 16777214: not UTF-8: a continuation byte without a first byte");
    line[bytes - 3] = '\x1f';
    expect_refused(line, bytes,
                   "byte 16777214: byte 0x1f in a string must be written as an escape");
}

/* The row's own object and `arrays` in each other. */
static void put_nested(struct buf *line, int arrays)
{
    line->bytes = 0;
    put(line, "{\"a\":");
    for (int i = 0; i < arrays; i++)
        put(line, "[");
    for (int i = 0; i < arrays; i++)
        put(line, "]");
    put(line, "}");
}

static void a_row_may_nest_up_to_the_limit_only(void **state)
{
    cleanup_buf struct buf line = {0};

    (void)state;
    put_nested(&line, 127);
    expect_row(line.data, line.bytes);
    put_nested(&line, 128);
    expect_refused(line.data, line.bytes, "byte 133: nested deeper than 128");
    put_nested(&line, 1000000);
    expect_refused(line.data, line.bytes, "byte 133: nested deeper than 128");

    line.bytes = 0;
    for (int i = 0; i < 128; i++)
        put(&line, "{\"a\":");
    put(&line, "[");
    expect_refused(line.data, line.bytes, "byte 641: nested deeper than 128");
    line.bytes--;
    put(&line, "1");
    for (int i = 0; i < 128; i++)
        put(&line, "}");
    expect_row(line.data, line.bytes);
}

static void a_failure_needs_no_place_for_its_sentence(void **state)
{
    (void)state;
    assert_int_equal(rowcheck_line(check, "{\"a\":1,\"a\":1}", 13, NULL), -EINVAL);
    assert_int_equal(rowcheck_line(check, "[]", 2, NULL), -EINVAL);
    rowcheck_destroy(NULL);
}

static void names_of_nothing_but_escapes_are_told_apart(void **state)
{
    cleanup_buf struct buf line = {0};

    (void)state;
    put_object(&line, 5000, -1, "\"\\uffff\\ud800\\udc00\\u%04x\":0");
    expect_row(line.data, line.bytes);
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
        cmocka_unit_test(every_escape_of_the_standard_is_allowed),
        cmocka_unit_test(other_escapes_are_refused),
        cmocka_unit_test(an_escaped_lone_surrogate_is_refused),
        cmocka_unit_test(a_raw_control_character_in_a_string_is_refused),
        cmocka_unit_test(every_printable_byte_is_allowed_at_each_offset_of_a_string),
        cmocka_unit_test(every_character_of_unicode_is_allowed),
        cmocka_unit_test(what_is_not_utf8_is_refused),
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
        cmocka_unit_test(a_string_of_sixteen_megabytes_is_a_row),
        cmocka_unit_test(a_row_may_nest_up_to_the_limit_only),
        cmocka_unit_test(a_failure_needs_no_place_for_its_sentence),
        cmocka_unit_test(names_of_nothing_but_escapes_are_told_apart),
        cmocka_unit_test(more_rows_take_no_more_memory),
        cmocka_unit_test(the_memory_for_a_large_row_is_given_back),
        cmocka_unit_test(a_line_is_not_read_beyond_its_ends),
    };

    return cmocka_run_group_tests_name("rowcheck", tests, create_check, destroy_check);
}
