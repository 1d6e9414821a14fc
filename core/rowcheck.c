/* SPDX-License-Identifier: MIT */
/* The row checker: one pass over the line, no recursion, nothing built. */
#include "core/rowcheck.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/jsonescape.h"
#include "core/base/textscan.h"
#include "core/base/utf8.h"
#include "core/rownames.h"

#define NAME_QUOTED_BYTES 40

/* Out of the way of the code that is fast. */
#define COLD __attribute__((cold, noinline))

#define unlikely(condition) __builtin_expect(!!(condition), 0)

/* An object or an array that is open. */
struct container {
    char closer;
    struct rownames_object names; /* of an object */
};

struct rowcheck {
    const char *line;
    struct err *err;
    int failure;
    size_t depth;
    struct rownames names;
    struct container open[ROWCHECK_MAX_DEPTH];
};

/*
 * In what follows `p` is the next byte to look at and `end` is behind the
 * line's last. Functions return where to go on, or NULL with `failure` and the
 * sentence set.
 */

__attribute__((format(printf, 3, 4))) static COLD const char *
fail(struct rowcheck *check, const char *at, const char *fmt, ...)
{
    char reason[ERR_TEXT_BYTES / 2];
    va_list args;

    va_start(args, fmt);
    vsnprintf(reason, sizeof reason, fmt, args);
    va_end(args);
    check->failure =
        err_set(check->err, -EINVAL, "byte %zu: %s", (size_t)(at - check->line) + 1, reason);
    return NULL;
}

static COLD const char *fail_nomem(struct rowcheck *check)
{
    check->failure = err_nomem(check->err);
    return NULL;
}

static bool is_printable(char c)
{
    return c >= 0x20 && c < 0x7f;
}

static COLD const char *fail_expected(struct rowcheck *check, const char *p, const char *end,
                                      const char *what)
{
    if (p == end)
        return fail(check, p, "the line ends where %s is expected", what);
    if (*p == '\n')
        return fail(check, p, "a line feed inside a row");
    if (!is_printable(*p))
        return fail(check, p, "expected %s, not byte 0x%02x", what, (unsigned char)*p);
    return fail(check, p, "expected %s, not '%c'", what, *p);
}

/* At the end a NUL, which the grammar has nowhere. */
static inline char peek(const char *p, const char *end)
{
    return p < end ? *p : '\0';
}

/* A line feed would end the row, so it is none of the white space. */
static inline const char *skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
        p++;
    return p;
}

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline const char *check_digits(struct rowcheck *check, const char *p, const char *end,
                                       const char *what)
{
    if (unlikely(!is_digit(peek(p, end))))
        return fail_expected(check, p, end, what);
    do
        p++;
    while (p < end && is_digit(*p));
    return p;
}

static inline const char *check_number(struct rowcheck *check, const char *p, const char *end)
{
    const char *digits = *p == '-' ? p + 1 : p;

    p = check_digits(check, digits, end, "a digit after '-'");
    if (unlikely(!p))
        return NULL;
    if (unlikely(*digits == '0' && p - digits > 1))
        return fail(check, digits, "a number may not start with 0");
    if (peek(p, end) == '.') {
        p = check_digits(check, p + 1, end, "a digit after '.'");
        if (unlikely(!p))
            return NULL;
    }
    if ((peek(p, end) | 0x20) == 'e') {
        p++;
        if (peek(p, end) == '+' || peek(p, end) == '-')
            p++;
        p = check_digits(check, p, end, "a digit of the exponent");
    }
    return p;
}

/* `p` is at the backslash of a \u. */
static const char *check_unicode_escape(struct rowcheck *check, const char *p, const char *end)
{
    int32_t unit = jsonescape_hex4(p + 2, end);

    if (unit < 0)
        return fail(check, p, "\\u needs four hexadecimal digits");
    if (jsonescape_is_high(unit) && end - p >= 12 && p[6] == '\\' && p[7] == 'u' &&
        jsonescape_is_low(jsonescape_hex4(p + 8, end)))
        return p + 12;
    if (jsonescape_is_high(unit) || jsonescape_is_low(unit))
        return fail(check, p, "\\u%04x is half of a surrogate pair, the other half is missing",
                    (unsigned)unit);
    return p + 6;
}

/* `p` is at the backslash. */
static const char *check_escape(struct rowcheck *check, const char *p, const char *end)
{
    switch (peek(p + 1, end)) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 2;
    case 'u':
        return check_unicode_escape(check, p, end);
    }
    if (p + 1 == end)
        return fail(check, end, "the line ends inside a string");
    if (!is_printable(p[1]))
        return fail(check, p, "a backslash before byte 0x%02x is no escape", (unsigned char)p[1]);
    return fail(check, p, "\\%c is no escape", p[1]);
}

/* Runs of characters that are not ASCII. */
static const char *check_utf8(struct rowcheck *check, const char *p, const char *end)
{
    do {
        size_t n = utf8_char_bytes(p, end);

        if (unlikely(!n))
            return fail(check, p, "not UTF-8: %s", utf8_fault(p, end));
        p += n;
    } while (p < end && (unsigned char)*p >= 0x80);
    return p;
}

/* From the first byte on that is not plain. */
static const char *check_string_rest(struct rowcheck *check, const char *p, const char *end,
                                     bool *ret_escaped)
{
    while (peek(p, end) != '"') {
        if (p == end)
            return fail(check, p, "the line ends inside a string");
        if (*p == '\\') {
            *ret_escaped = true;
            p = check_escape(check, p, end);
        } else if ((unsigned char)*p >= 0x80) {
            p = check_utf8(check, p, end);
        } else {
            return fail(check, p, "byte 0x%02x in a string must be written as an escape",
                        (unsigned char)*p);
        }
        if (unlikely(!p))
            return NULL;
        p = textscan_plain(p, end);
    }
    return p;
}

/* `p` is behind the opening quote; returns the closing one. */
static inline const char *check_string(struct rowcheck *check, const char *p, const char *end,
                                       bool *ret_escaped)
{
    *ret_escaped = false;
    p = textscan_plain(p, end);
    if (peek(p, end) == '"')
        return p;
    return check_string_rest(check, p, end, ret_escaped);
}

static COLD const char *fail_repeated(struct rowcheck *check, const char *text, const char *close)
{
    int bytes = close - text > NAME_QUOTED_BYTES ? NAME_QUOTED_BYTES : (int)(close - text);
    const char *rest = bytes < close - text ? "..." : "";

    for (const char *p = text; p < close; p++)
        if (!is_printable(*p))
            return fail(check, text - 1, "this name is in the object already");
    return fail(check, text - 1, "the name \"%.*s%s\" is in the object already", bytes, text, rest);
}

/* A member up to its value. */
static inline const char *check_name(struct rowcheck *check, struct rownames_object *names,
                                     const char *p, const char *end)
{
    const char *text = p + 1, *close;
    bool escaped;
    int r;

    if (unlikely(peek(p, end) != '"'))
        return fail_expected(check, p, end, "a name in double quotes");
    close = check_string(check, text, end, &escaped);
    if (unlikely(!close))
        return NULL;
    r = rownames_add(&check->names, names, text, (size_t)(close - text), escaped, end);
    if (unlikely(r))
        return r < 0 ? fail_nomem(check) : fail_repeated(check, text, close);
    p = skip_space(close + 1, end);
    if (unlikely(peek(p, end) != ':'))
        return fail_expected(check, p, end, "':' after a name");
    return skip_space(p + 1, end);
}

static COLD const char *fail_value(struct rowcheck *check, const char *p, const char *end)
{
    char c = peek(p, end);

    if (c == '\'')
        return fail(check, p, "strings are written in double quotes");
    if (c == '+' || c == '.')
        return fail(check, p, "a number may not start with '%c'", c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return fail(check, p, "the only words are true, false and null");
    return fail_expected(check, p, end, "a value");
}

static inline bool is_word(const char *p, const char *end, const char *word, size_t bytes)
{
    return (size_t)(end - p) >= bytes && !memcmp(p, word, bytes);
}

/* A value that is no container. */
static inline const char *check_scalar(struct rowcheck *check, const char *p, const char *end)
{
    char c = peek(p, end);
    bool escaped;

    if (c == '"') {
        p = check_string(check, p + 1, end, &escaped);
        return p ? p + 1 : NULL;
    }
    if (is_digit(c) || c == '-')
        return check_number(check, p, end);
    if (is_word(p, end, "true", 4) || is_word(p, end, "null", 4))
        return p + 4;
    if (is_word(p, end, "false", 5))
        return p + 5;
    return fail_value(check, p, end);
}

static const char *open_container(struct rowcheck *check, const char *p, const char *end)
{
    struct container *container;

    if (check->depth == ROWCHECK_MAX_DEPTH)
        return fail(check, p, "nested deeper than %d", ROWCHECK_MAX_DEPTH);
    container = &check->open[check->depth++];
    container->closer = *p == '{' ? '}' : ']';
    rownames_object_init(&container->names);
    return skip_space(p + 1, end);
}

/*
 * Behind a value: closes the containers that end here and takes the comma.
 * Leaves depth 0 where the row's own object ends.
 */
static inline const char *check_value_end(struct rowcheck *check, const char *p, const char *end)
{
    char closer = check->open[check->depth - 1].closer;

    p = skip_space(p, end);
    while (peek(p, end) == closer) {
        p = skip_space(p + 1, end);
        if (--check->depth == 0)
            return p;
        closer = check->open[check->depth - 1].closer;
    }
    if (unlikely(peek(p, end) != ','))
        return fail_expected(check, p, end, closer == '}' ? "',' or '}'" : "',' or ']'");
    p = skip_space(p + 1, end);
    if (unlikely(peek(p, end) == closer))
        return fail(check, p, "a comma before '%c'", closer);
    return p;
}

/* The row's object, from its brace on, with all that is in it. */
static const char *check_object(struct rowcheck *check, const char *p, const char *end)
{
    do {
        char c = peek(p, end);
        bool opens = c == '{' || c == '[';
        struct container *top;

        p = opens ? open_container(check, p, end) : check_scalar(check, p, end);
        if (unlikely(!p))
            return NULL;
        top = &check->open[check->depth - 1];
        if (!opens || peek(p, end) == top->closer) {
            p = check_value_end(check, p, end);
            if (unlikely(!p) || !check->depth)
                return p;
            top = &check->open[check->depth - 1];
        }
        if (top->closer == '}')
            p = check_name(check, &top->names, p, end);
    } while (p);
    return NULL;
}

static const char *check_start(struct rowcheck *check, const char *p, const char *end)
{
    char c = peek(p, end);
    const char *found = NULL;

    if (c == '{')
        return p;
    if (p == end)
        return fail(check, check->line, "empty line");
    if (is_word(p, end, "\xef\xbb\xbf", 3))
        return fail(check, p, "a UTF-8 byte order mark, which a row must not have");
    if (c == '[')
        found = "is an array";
    else if (c == '"')
        found = "is a string";
    else if (is_digit(c) || c == '-')
        found = "is a number";
    else if (is_word(p, end, "true", 4) || is_word(p, end, "false", 5))
        found = "is a boolean";
    else if (is_word(p, end, "null", 4))
        found = "is null";
    if (found)
        return fail(check, p, "a row must be one JSON object, this %s", found);
    if (is_printable(c))
        return fail(check, p, "a row must be one JSON object, this starts with '%c'", c);
    return fail(check, p, "a row must be one JSON object, this starts with byte 0x%02x",
                (unsigned char)c);
}

/* Behind the row's object. */
static const char *check_rest(struct rowcheck *check, const char *p, const char *end)
{
    char c = peek(p, end);

    if (p == end)
        return p;
    if (c == '}' || c == ']')
        return fail(check, p, "'%c' closes nothing", c);
    if (c == ',')
        return fail(check, p, "a comma after the row, only line feeds divide rows");
    if (c == '{')
        return fail(check, p, "two objects on one line");
    return fail_expected(check, p, end, "the end of the line");
}

static const char *check_row(struct rowcheck *check, const char *line, const char *end)
{
    const char *p = check_start(check, skip_space(line, end), end);

    if (p)
        p = check_object(check, p, end);
    return p ? check_rest(check, p, end) : NULL;
}

int rowcheck_line(struct rowcheck *check, const char *line, size_t line_bytes, struct err *err)
{
    char padded[2 * TEXTSCAN_BYTES] = "";
    const char *p;

    /* A scan near the end of the line looks back as far as this, a look at a name less far. */
    static_assert(TEXTSCAN_BYTES >= ROWNAMES_READABLE_BYTES, "a short line is padded for both");
    if (line_bytes < TEXTSCAN_BYTES) {
        if (line_bytes)
            memcpy(padded + TEXTSCAN_BYTES, line, line_bytes);
        line = padded + TEXTSCAN_BYTES;
    }
    check->line = line;
    check->err = err;
    check->depth = 0;
    p = check_row(check, line, line + line_bytes);
    rownames_clear(&check->names);
    return p ? 0 : check->failure;
}

int rowcheck_create(struct rowcheck **ret_check)
{
    struct rowcheck *check = calloc(1, sizeof *check);
    int r;

    if (!check)
        return -ENOMEM;
    r = rownames_init(&check->names);
    if (r < 0) {
        free(check);
        return r;
    }
    *ret_check = check;
    return 0;
}

void rowcheck_destroy(struct rowcheck *check)
{
    if (!check)
        return;
    rownames_finish(&check->names);
    free(check);
}
