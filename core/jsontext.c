/* SPDX-License-Identifier: MIT */
/* Finds the parts of JSON text that is known to be valid. */
#include "core/jsontext.h"

#include <errno.h>
#include <string.h>

#include "core/base/jsonescape.h"

bool slice_equal(struct slice a, struct slice b)
{
    return a.bytes == b.bytes && (!a.bytes || !memcmp(a.text, b.text, a.bytes));
}

/* No other bytes are so low, outside of strings. */
static inline bool is_space(char c)
{
    return (unsigned char)c <= ' ';
}

static inline const char *skip_space(const char *p, const char *end)
{
    while (p < end && is_space(*p))
        p++;
    return p;
}

enum json_kind json_kind(struct slice value)
{
    switch (value.text[0]) {
    case '{':
        return JSON_KIND_OBJECT;
    case '[':
        return JSON_KIND_ARRAY;
    case '"':
        return JSON_KIND_STRING;
    case 't':
        return JSON_KIND_TRUE;
    case 'f':
        return JSON_KIND_FALSE;
    case 'n':
        return JSON_KIND_NULL;
    default:
        return JSON_KIND_NUMBER;
    }
}

/* `p` is at the opening quote; returns behind the closing one. */
static const char *skip_string(const char *p, const char *end)
{
    for (;;) {
        const char *quote = memchr(p + 1, '"', (size_t)(end - p - 1)), *before = quote;

        if (!quote)
            return end;
        while (before[-1] == '\\') /* ends at the quote at `p`, if not before */
            before--;
        if ((quote - before) % 2 == 0)
            return quote + 1;
        p = quote;
    }
}

static const char *skip_container(const char *p, const char *end)
{
    unsigned depth = 0;

    do {
        switch (*p) {
        case '"':
            p = skip_string(p, end);
            continue;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            depth--;
            break;
        }
        p++;
    } while (depth && p < end);
    return p;
}

static inline bool ends_word(char c)
{
    return c == ',' || c == '}' || c == ']' || is_space(c);
}

static const char *skip_value(const char *p, const char *end)
{
    if (*p == '"')
        return skip_string(p, end);
    if (*p == '{' || *p == '[')
        return skip_container(p, end);
    while (p < end && !ends_word(*p))
        p++;
    return p;
}

/* --- members and elements ------------------------------------------------------ */

static void begin(struct json_members *inside, struct slice container)
{
    inside->end = container.text + container.bytes;
    inside->at = skip_space(container.text, inside->end);
    if (inside->at < inside->end)
        inside->at++; /* the bracket */
}

/* To the next element, or false where the container ends. */
static inline bool step(struct json_members *inside)
{
    const char *p = skip_space(inside->at, inside->end);

    if (p < inside->end && *p == ',')
        p = skip_space(p + 1, inside->end);
    inside->at = p;
    return p < inside->end && *p != '}' && *p != ']';
}

void json_members_begin(struct json_members *members, struct slice object)
{
    begin(members, object);
}

bool json_members_next(struct json_members *members, struct json_member *ret_member)
{
    const char *name, *name_end, *value;

    if (!step(members))
        return false;
    name = members->at;
    name_end = skip_string(name, members->end);
    value = skip_space(name_end, members->end) + 1; /* the colon */
    value = skip_space(value, members->end);
    if (value >= members->end)
        return false;
    members->at = skip_value(value, members->end);
    ret_member->name = slice_of(name, (size_t)(name_end - name));
    ret_member->value = slice_of(value, (size_t)(members->at - value));
    ret_member->member = slice_of(name, (size_t)(members->at - name));
    return true;
}

void json_elements_begin(struct json_members *elements, struct slice array)
{
    begin(elements, array);
}

bool json_elements_next(struct json_members *elements, struct slice *ret_value)
{
    const char *value;

    if (!step(elements))
        return false;
    value = elements->at;
    elements->at = skip_value(value, elements->end);
    *ret_value = slice_of(value, (size_t)(elements->at - value));
    return true;
}

struct slice json_find(struct slice object, struct slice name)
{
    struct json_members members;
    struct json_member member;

    json_members_begin(&members, object);
    while (json_members_next(&members, &member))
        if (json_string_is(member.name, name))
            return member.value;
    return (struct slice){0};
}

/* --- strings --------------------------------------------------------------------- */

bool json_string_is(struct slice string, struct slice characters)
{
    const char *p = string.text + 1, *close = string.text + string.bytes - 1;
    const char *want = characters.text, *want_end = characters.text + characters.bytes;

    if (string.bytes - 2 < characters.bytes)
        return false; /* an escape is never shorter than what it means */
    if (!characters.bytes)
        return string.bytes == 2;
    if (!memchr(p, '\\', (size_t)(close - p)))
        return string.bytes - 2 == characters.bytes && !memcmp(p, want, characters.bytes);
    while (p < close) {
        const char *next = *p == '\\' ? p + (p[1] == 'u' ? 6 : 2) : p + 1;
        char decoded[4];
        size_t n;

        if (*p == '\\' && p[1] == 'u' && jsonescape_is_high(jsonescape_hex4(p + 2, close)))
            next += 6;
        n = (size_t)(jsonescape_decode(p, next, decoded) - decoded);
        if ((size_t)(want_end - want) < n || memcmp(want, decoded, n) != 0)
            return false;
        want += n;
        p = next;
    }
    return want == want_end;
}

int json_string_decode(struct slice string, struct buf *characters)
{
    char *end;

    if (buf_reserve(characters, string.bytes) < 0)
        return -ENOMEM;
    end = jsonescape_decode(string.text + 1, string.text + string.bytes - 1,
                            characters->data + characters->bytes);
    characters->bytes = (size_t)(end - characters->data);
    return 0;
}

int json_string_encode(struct slice characters, struct buf *string)
{
    const char *p = characters.text, *end = p + characters.bytes, *run = p;
    int r = buf_append(string, "\"", 1);

    for (; p < end && !r; p++) {
        unsigned char c = (unsigned char)*p;

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        r = buf_append(string, run, (size_t)(p - run));
        if (!r && c >= 0x20)
            r = buf_printf(string, "\\%c", c);
        else if (!r && strchr("\b\f\n\r\t", c) && c)
            r = buf_printf(string, "\\%c", "bfnrt"[strchr("\b\f\n\r\t", c) - "\b\f\n\r\t"]);
        else if (!r)
            r = buf_printf(string, "\\u%04x", c);
        run = p + 1;
    }
    if (!r)
        r = buf_append(string, run, (size_t)(end - run));
    return r < 0 ? r : buf_append(string, "\"", 1);
}

int json_compact(struct slice value, struct buf *text)
{
    const char *p = value.text, *end = p + value.bytes;
    int r = 0;

    while (p < end && !r) {
        const char *run = p;

        while (p < end && !is_space(*p))
            p = *p == '"' ? skip_string(p, end) : p + 1;
        r = buf_append(text, run, (size_t)(p - run));
        p = skip_space(p, end);
    }
    return r;
}
