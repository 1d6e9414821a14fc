/* SPDX-License-Identifier: MIT */
/*
 * JSON as it is written: the members of an object and the characters of a string,
 * as slices of a text that was checked before (rowcheck.h). Nothing is converted, so
 * that numbers keep all of their digits.
 *
 * Does not look at what the checker has made sure of: on other text it is undefined.
 */
#ifndef ROWFS_CORE_JSONTEXT_H
#define ROWFS_CORE_JSONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"

/* A part of a text, borrowed from it. `text` NULL: there is none. */
struct slice {
    const char *text;
    size_t bytes;
};

static inline struct slice slice_of(const char *text, size_t bytes)
{
    return (struct slice){.text = text, .bytes = bytes};
}

bool slice_equal(struct slice a, struct slice b);

enum json_kind {
    JSON_KIND_OBJECT,
    JSON_KIND_ARRAY,
    JSON_KIND_STRING,
    JSON_KIND_NUMBER,
    JSON_KIND_TRUE,
    JSON_KIND_FALSE,
    JSON_KIND_NULL,
};

/* Of a value, by its first byte. */
enum json_kind json_kind(struct slice value);

/* Steps through the members of an object, in the order in which they are written. */
struct json_members {
    const char *at, *end;
};

struct json_member {
    struct slice name;   /* with its quotes */
    struct slice value;  /* without white space around it */
    struct slice member; /* from the name's quote to the end of the value */
};

/* `object` may have white space around it. */
void json_members_begin(struct json_members *members, struct slice object);
bool json_members_next(struct json_members *members, struct json_member *ret_member);

/* Steps through the elements of an array. */
void json_elements_begin(struct json_members *elements, struct slice array);
bool json_elements_next(struct json_members *elements, struct slice *ret_value);

/* Whether a string (with its quotes) spells these characters. */
bool json_string_is(struct slice string, struct slice characters);

/* The value of the member that is so called; without text: there is none. */
struct slice json_find(struct slice object, struct slice name);

/* Appends the characters of a string (with its quotes). Errors: -ENOMEM. */
int json_string_decode(struct slice string, struct buf *characters);

/* Appends a string with its quotes; the characters are UTF-8. Errors: -ENOMEM. */
int json_string_encode(struct slice characters, struct buf *string);

/* Appends a value without white space outside of strings. Errors: -ENOMEM. */
int json_compact(struct slice value, struct buf *text);

#endif
