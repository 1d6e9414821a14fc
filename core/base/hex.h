/* SPDX-License-Identifier: MIT */
/* Strict hexadecimal: lower case only, so that a value has one spelling. */
#ifndef ROWFS_BASE_HEX_H
#define ROWFS_BASE_HEX_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

/* The value of one digit, or -1. */
static inline int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads exactly `digits` (at most 16) digits; stops at a NUL. Errors: -EINVAL. */
static inline int hex_to_u64(const char *hex, size_t digits, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (size_t i = 0; i < digits; i++) {
        int digit = hex_digit(hex[i]);

        if (digit < 0)
            return -EINVAL;
        value = value << 4 | (uint64_t)digit;
    }
    *ret_value = value;
    return 0;
}

#endif
