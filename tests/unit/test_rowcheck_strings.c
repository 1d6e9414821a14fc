/* SPDX-License-Identifier: MIT */
/* Strings in rows: escapes, and bytes that are UTF-8 or not. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/utf8.h"
#include "tests/lib/check.h"
#include "tests/lib/rowtool.h"

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
            rowtool_expect_refused(line, sizeof line - 1, sentence);
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
                rowtool_expect_row(line, sizeof line - 1);
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

static void a_string_of_sixteen_megabytes_is_a_row(void **state)
{
    size_t bytes = 16u << 20;
    cleanup_free char *line = malloc(bytes);

    (void)state;
    assert_non_null(line);
    memset(line, 'x', bytes);
    memcpy(line, "{\"a\":\"", 6);
    memcpy(line + bytes - 2, "\"}", 2);
    rowtool_expect_row(line, bytes);
    for (size_t i = 6; i < bytes - 3; i += 2)
        memcpy(line + i, "\xc3\xa9", 2);
    rowtool_expect_row(line, bytes);
    line[bytes - 4] = 'x';
    rowtool_expect_refused(line, bytes,
                           "byte 16777214: not UTF-8: a continuation byte without a first byte");
    line[bytes - 3] = '\x1f';
    rowtool_expect_refused(line, bytes,
                           "byte 16777214: byte 0x1f in a string must be written as an escape");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_escape_of_the_standard_is_allowed),
        cmocka_unit_test(other_escapes_are_refused),
        cmocka_unit_test(an_escaped_lone_surrogate_is_refused),
        cmocka_unit_test(a_raw_control_character_in_a_string_is_refused),
        cmocka_unit_test(every_printable_byte_is_allowed_at_each_offset_of_a_string),
        cmocka_unit_test(every_character_of_unicode_is_allowed),
        cmocka_unit_test(what_is_not_utf8_is_refused),
        cmocka_unit_test(a_string_of_sixteen_megabytes_is_a_row),
    };

    return cmocka_run_group_tests_name("rowcheck strings", tests, rowtool_setup, rowtool_teardown);
}
