/* SPDX-License-Identifier: MIT */
/* Whether a line is a row, according to jansson. */
#ifndef ROWFS_TESTS_ROWCHECK_ORACLE_H
#define ROWFS_TESTS_ROWCHECK_ORACLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/rowcheck.h"

#define ROWCHECK_ORACLE_REPAIRS 64

enum rowcheck_oracle {
    ROWCHECK_ORACLE_REFUSED,
    ROWCHECK_ORACLE_ROW,
    ROWCHECK_ORACLE_UNKNOWN, /* something that jansson does not support hides the rest */
};

/* Of containers in each other; jansson itself refuses 2048. */
static inline int rowcheck_oracle_depth(const json_t *value)
{
    json_t *child;
    const char *name;
    size_t i;
    int depth, deepest = 0;

    json_object_foreach ((json_t *)value, name, child) {
        depth = rowcheck_oracle_depth(child);
        deepest = depth > deepest ? depth : deepest;
    }
    json_array_foreach (value, i, child) {
        depth = rowcheck_oracle_depth(child);
        deepest = depth > deepest ? depth : deepest;
    }
    return json_is_object(value) || json_is_array(value) ? deepest + 1 : 0;
}

/*
 * A number may be of any size in a row: writes 0e00 over the one that ends at
 * `end`. With its exponent and after its minus, so that nothing on either side
 * can become a part of it: jansson looks ahead at the 1e999 of 5-1e999.
 */
static inline void rowcheck_oracle_shrink_number(char *line, size_t end)
{
    size_t start = end;

    while (start > 0 && strchr("0123456789+.eE", line[start - 1])) {
        start--;
        if (start > 1 && line[start - 1] == '-' && strchr("eE", line[start - 2]))
            start--;
    }
    memset(line + start, '0', end - start);
    if (end - start > 2)
        line[start + 1] = 'e';
}

/*
 * A name may have a \u0000 in a row: makes each a \u0001, unless there is one
 * already, to which it might become equal.
 */
static inline bool rowcheck_oracle_replace_nul(char *line, size_t bytes)
{
    if (memmem(line, bytes, "u0001", 5))
        return false;
    for (size_t i = 0; i + 6 <= bytes; i++) {
        if (line[i] != '\\')
            continue;
        if (!memcmp(line + i + 1, "u0000", 5))
            line[i + 5] = '1';
        i++; /* what is escaped is no backslash that escapes */
    }
    return true;
}

static inline enum rowcheck_oracle rowcheck_oracle_parse(char *line, size_t bytes)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;

    for (int repairs = 0; repairs < ROWCHECK_ORACLE_REPAIRS; repairs++) {
        json_error_t error;
        json_t *value = json_loadb(line, bytes, flags, &error);

        if (value) {
            bool row = json_is_object(value) && rowcheck_oracle_depth(value) <= ROWCHECK_MAX_DEPTH;

            json_decref(value);
            return row ? ROWCHECK_ORACLE_ROW : ROWCHECK_ORACLE_REFUSED;
        }
        if (json_error_code(&error) == json_error_numeric_overflow)
            rowcheck_oracle_shrink_number(line, (size_t)error.position);
        else if (json_error_code(&error) != json_error_null_byte_in_key)
            return ROWCHECK_ORACLE_REFUSED;
        else if (!rowcheck_oracle_replace_nul(line, bytes))
            return ROWCHECK_ORACLE_UNKNOWN;
    }
    return ROWCHECK_ORACLE_UNKNOWN;
}

static inline enum rowcheck_oracle rowcheck_oracle(const char *line, size_t bytes)
{
    enum rowcheck_oracle verdict;
    char *copy;

    /* jansson takes a line feed for white space, and loses a NUL behind a number or a word. */
    if (!bytes || memchr(line, '\n', bytes) || memchr(line, '\0', bytes))
        return ROWCHECK_ORACLE_REFUSED;
    copy = malloc(bytes);
    if (!copy)
        abort();
    memcpy(copy, line, bytes);
    verdict = rowcheck_oracle_parse(copy, bytes);
    free(copy);
    return verdict;
}

#endif
