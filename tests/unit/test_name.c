/* SPDX-License-Identifier: MIT */
/* What core promises in core/name.h, one fact a test. */
#include <stdio.h>
#include <stdlib.h>

#include "core/name.h"
#include "tests/lib/check.h"

static void expect_name(const char *name)
{
    struct err err = ERR_INIT;

    assert_ok(name_check(name, &err), &err);
    assert_string_equal(err.text, "");
}

static void expect_refused(const char *name, int code)
{
    struct err err = ERR_INIT;

    assert_fails(name_check(name, &err), code, &err);
    assert_true(err.text[0] != '\0');
    assert_int_equal(name_check(name, NULL), code);
}

static void anything_printable_is_a_name(void **state)
{
    static const char *const names[] = {
        "t",           "orders",           "a b",          " ",    "...",  ".hidden",
        "~",           "\"quoted\"",       "back\\slash",  "-",    "100%", "\xc2\xa0",
        "caf\xc3\xa9", "\xf0\x9f\x90\x98", "\xe2\x80\xa8", "a..b", "..a",  "\xef\xbf\xbd",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        expect_name(names[i]);
}

static void what_a_path_cannot_hold_is_no_name(void **state)
{
    static const char *const names[] = {"", ".", "..", "/", "a/b", "/a", "a/"};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        expect_refused(names[i], -EINVAL);
}

static void no_control_character_is_in_a_name(void **state)
{
    char name[5];

    (void)state;
    for (int code = 1; code < 0x20; code++) {
        snprintf(name, sizeof name, "a%cb", code);
        expect_refused(name, -EINVAL);
    }
    expect_refused("a\x7f", -EINVAL);
    for (int low = 0x80; low <= 0x9f; low++) {
        snprintf(name, sizeof name, "a\xc2%cb", low);
        expect_refused(name, -EINVAL);
    }
    for (int low = 0xa0; low <= 0xbf; low++) {
        snprintf(name, sizeof name, "a\xc2%cb", low);
        expect_name(name);
    }
    expect_name("\xc3\x80\xe2\x80\x94\xc4\x85"); /* such bytes inside of other characters */
}

static void what_is_not_utf8_is_no_name(void **state)
{
    static const char *const names[] = {
        "\xff",
        "a\x80",
        "\xc3",
        "\xc3(",
        "\xe2\x82",
        "\xc0\xaf",
        "\xed\xa0\x80",
        "\xf4\x90\x80\x80",
        "\xf0\x80\x80\xaf",
        "caf\xe9",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        expect_refused(names[i], -EINVAL);
}

static void a_name_has_at_most_255_bytes(void **state)
{
    char name[600];

    (void)state;
    memset(name, 'x', sizeof name);
    name[255] = '\0';
    expect_name(name);
    name[255] = 'x';
    name[256] = '\0';
    expect_refused(name, -ENAMETOOLONG);
    name[256] = 'x';
    name[sizeof name - 1] = '\0';
    expect_refused(name, -ENAMETOOLONG);
    for (size_t i = 0; i < 256; i += 2)
        memcpy(name + i, "\xc3\xa9", 2);
    name[256] = '\0'; /* 128 characters */
    expect_refused(name, -ENAMETOOLONG);
    name[254] = '\0';
    expect_name(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anything_printable_is_a_name),
        cmocka_unit_test(what_a_path_cannot_hold_is_no_name),
        cmocka_unit_test(no_control_character_is_in_a_name),
        cmocka_unit_test(what_is_not_utf8_is_no_name),
        cmocka_unit_test(a_name_has_at_most_255_bytes),
    };

    return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
