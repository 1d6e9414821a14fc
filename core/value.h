/* SPDX-License-Identifier: MIT */
/*
 * The values of a column: of which type they are, which are equal, how they are
 * ordered, and how they are spelled as a name in by/<column>/.
 *
 * A value's *key* is a run of bytes: equal values of a column have equal keys, and
 * memcmp() of keys (a shorter one first) orders the values. Numbers are compared exactly,
 * however many digits they have (an exponent beyond 10^15 counts as 10^15); only float64 is what
 * a double makes of it. Objects and arrays are equal if they are written alike but for white space.
 *
 *     %missing < %null < false < true < numbers < strings (by code point) < objects and arrays
 *
 * Without a schema (TYPE_ANY) the type of a value is that of its JSON.
 */
#ifndef ROWFS_CORE_VALUE_H
#define ROWFS_CORE_VALUE_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/jsontext.h"

enum type_kind {
    TYPE_ANY, /* no schema says what it is */
    TYPE_STRING,
    TYPE_INT64,     /* -2^63 to 2^63-1, written without point and exponent */
    TYPE_FLOAT64,   /* a number that a double can hold */
    TYPE_BOOL,      /* true or false */
    TYPE_TIMESTAMP, /* a string, RFC 3339; with an offset from UTC, of any precision; in UTC it is
                       of the years 0001 to 9999 */
    TYPE_DATE,      /* a string, "2026-11-23" */
    TYPE_DECIMAL,   /* a number without exponent, or a string of one */
    TYPE_JSON,      /* anything */
};

#define TYPE_MAX_PRECISION 1000

struct column_type {
    enum type_kind kind;
    unsigned precision, scale; /* of a decimal: digits in all, and those behind the point */
};

#define TYPE_TEXT_BYTES 32

/* "decimal(10,2)". */
void type_to_text(struct column_type type, char ret_text[TYPE_TEXT_BYTES]);

/* Errors: -EINVAL, there is no such type. */
int type_from_text(const char *text, struct column_type *ret_type);

/*
 * Whether a JSON value other than null is of this type: NULL, or what it is instead, to
 * be read behind the name of the column ("is not a whole number"). Static.
 */
const char *value_fault(struct column_type type, struct slice value);

/*
 * Appends the key of a JSON value; without text: of the value that is missing. One that
 * is not of the type has the key that it has without one. Errors: -ENOMEM.
 */
int value_key(struct column_type type, struct slice value, struct buf *key);

/* <0, 0, >0. */
int value_key_compare(struct slice a, struct slice b);

/* Whether ranges that end at the one can hold the other: numbers and numbers. */
bool value_keys_are_alike(struct slice a, struct slice b);

#define VALUE_KEYS_MAX 2

/* The keys that one spelling stands for: without a schema 42 is the number and the string. */
struct value_keys {
    struct buf keys[VALUE_KEYS_MAX];
    unsigned count;
};

void value_keys_finish(struct value_keys *keys);

/*
 * The keys of what is spelled by these characters (not of the special names). Without a schema the
 * first one is that of the string. Errors: -EINVAL, no value of that type is; -ENOMEM.
 */
int value_keys_of(struct column_type type, struct slice characters, struct value_keys *ret_keys);

/*
 * Appends the JSON that a row is given for such a value: without a schema what looks like a
 * number, true or false is that. Characters that are no value of the type give a string or
 * another value, in which value_fault finds the fault. Errors: -ENOMEM.
 */
int value_json_of(struct column_type type, struct slice characters, struct buf *json);

#define VALUE_NAME_MAX   255
#define VALUE_HASH_BYTES 16

/*
 * Appends the name of the value with this key, as in by/<column>/<name>: "%" is %25, "/"
 * is %2F, the dots of "." and "..", and one of two dots that follow each other, are %2E, a NUL %00;
 * %empty, %null, %missing. A name past VALUE_NAME_MAX bytes is cut and ends in %~ and the 64-bit
 * xxh3 of the whole in VALUE_HASH_BYTES hex digits. Errors: -ENOMEM.
 */
int value_name(struct column_type type, struct slice key, struct buf *name);

/* The same of any characters, such as the name of a column. */
int value_name_escape(struct slice characters, struct buf *name);

/* Undoes it for names that are not special. Errors: -EINVAL, a % without meaning, or no UTF-8. */
int value_name_unescape(struct slice name, struct buf *characters);

#endif
