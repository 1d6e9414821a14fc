/* SPDX-License-Identifier: MIT */
/* What the escapes in a JSON string mean (RFC 8259, section 7). */
#ifndef ROWFS_BASE_JSONESCAPE_H
#define ROWFS_BASE_JSONESCAPE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/base/utf8.h"

/* The value of the four hexadecimal digits at `p`, of either case; -1 if there are none. */
static inline int32_t jsonescape_hex4(const char *p, const char *end)
{
    int32_t value = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char lower = (char)(p[i] | 0x20);

        if (p[i] >= '0' && p[i] <= '9')
            value = value << 4 | (p[i] - '0');
        else if (lower >= 'a' && lower <= 'f')
            value = value << 4 | (lower - 'a' + 10);
        else
            return -1;
    }
    return value;
}

/* Whether the value of a \u is the first, or the second, half of a surrogate pair. */
static inline bool jsonescape_is_high(int32_t unit)
{
    return (unit & ~0x3ff) == 0xd800;
}

static inline bool jsonescape_is_low(int32_t unit)
{
    return (unit & ~0x3ff) == 0xdc00;
}

/* What a backslash and one letter stand for. */
static inline char jsonescape_letter(char c)
{
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    const char *at = strchr(letters, c);

    return at ? meanings[at - letters] : c;
}

/*
 * Decodes the inside of a valid string, from `p` to its closing quote, into
 * `out`, which has room for as many bytes. Returns behind the last one written.
 */
static inline char *jsonescape_decode(const char *p, const char *close, char *out)
{
    while (p < close) {
        int32_t code;

        if (*p != '\\') {
            *out++ = *p++;
            continue;
        }
        if (p[1] != 'u') {
            *out++ = jsonescape_letter(p[1]);
            p += 2;
            continue;
        }
        code = jsonescape_hex4(p + 2, close);
        p += 6;
        if (jsonescape_is_high(code)) {
            code = 0x10000 + ((code & 0x3ff) << 10 | (jsonescape_hex4(p + 2, close) & 0x3ff));
            p += 6;
        }
        out += utf8_encode((uint32_t)code, out);
    }
    return out;
}

#endif
