/* SPDX-License-Identifier: MIT */
/* cmocka behind the headers that it needs, and the assertions that most tests share. */
#ifndef ROWFS_TESTS_LIB_CHECK_H
#define ROWFS_TESTS_LIB_CHECK_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/err.h"
#include "core/base/mem.h" /* ARRAY_COUNT */

static inline void check_result(int r, int expected, const struct err *err, const char *source,
                                int line)
{
    if (r == expected)
        return;
    print_error("%s instead of %s: %s\n", r < 0 ? err_name(r) : "success",
                expected < 0 ? err_name(expected) : "success",
                err && err->text[0] ? err->text : "(no sentence)");
    _fail(source, line);
}

/* The call returned 0, or `code`; otherwise its sentence (NULL: none) is shown. */
#define assert_ok(r, err)          check_result(r, 0, err, __FILE__, __LINE__)
#define assert_fails(r, code, err) check_result(r, code, err, __FILE__, __LINE__)

static inline void check_has(const char *text, const char *part, const char *source, int line)
{
    if (part && strstr(text, part))
        return;
    print_error("\"%s\" is not in \"%s\"\n", part ? part : "(nothing)", text);
    _fail(source, line);
}

#define assert_has(text, part) check_has(text, part, __FILE__, __LINE__)

/* The same numbers in every run (xorshift64*); seeded with anything but 0. */
static inline uint64_t check_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* From 0 to below - 1. */
static inline size_t check_random_below(uint64_t *state, size_t below)
{
    return (size_t)(check_random(state) >> 16) % below;
}

#endif
