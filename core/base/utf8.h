/* SPDX-License-Identifier: MIT */
/* Strict UTF-8 (RFC 3629): no overlong form, no surrogate, nothing beyond U+10FFFF. */
#ifndef ROWFS_BASE_UTF8_H
#define ROWFS_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool utf8_is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Whether `second` may follow `first`, the lead of three or four bytes, given that it continues. */
static inline bool utf8_pair_allowed(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xe0:
        return second >= 0xa0; /* below: fits two bytes */
    case 0xed:
        return second < 0xa0; /* from there: surrogates */
    case 0xf0:
        return second >= 0x90; /* below: fits three bytes */
    case 0xf4:
        return second < 0x90; /* from there: beyond U+10FFFF */
    default:
        return true;
    }
}

/*
 * The length (2 to 4) of the character at `p`, which is before `end` and not
 * ASCII; 0 if it is not valid.
 */
static inline size_t utf8_char_bytes(const char *p, const char *end)
{
    unsigned char first = (unsigned char)p[0];
    size_t n = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (first < 0xc2 || first > 0xf4 || (size_t)(end - p) < n)
        return 0;
    if (!utf8_is_continuation(p[1]) || (n > 2 && !utf8_is_continuation(p[2])) ||
        (n > 3 && !utf8_is_continuation(p[3])))
        return 0;
    return n == 2 || utf8_pair_allowed(first, (unsigned char)p[1]) ? n : 0;
}

/* What is wrong with the character at `p`, for which utf8_char_bytes() gave 0. Static. */
static inline const char *utf8_fault(const char *p, const char *end)
{
    unsigned char first = (unsigned char)p[0];

    if (first < 0xc0)
        return "a continuation byte without a first byte";
    if (first < 0xc2)
        return "an overlong form";
    if (first > 0xf4)
        return "no character starts with this byte";
    if (end - p < 2 || !utf8_is_continuation(p[1]) || utf8_pair_allowed(first, (unsigned char)p[1]))
        return "a character cut short";
    return first == 0xed ? "a surrogate" : first == 0xf4 ? "beyond U+10FFFF" : "an overlong form";
}

/* Writes a code point that is no surrogate and at most 0x10ffff; returns its length (1 to 4). */
static inline size_t utf8_encode(uint32_t code, char ret_bytes[4])
{
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = n - 1; i > 0; i--) {
        ret_bytes[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    ret_bytes[0] = (char)(lead[n] | code);
    return n;
}

#endif
