/* SPDX-License-Identifier: MIT */
/* Keys of values: their types, their order, their names. */
#include "core/value.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/hash.h"
#include "core/base/hex.h"
#include "core/base/mem.h"
#include "core/base/timefmt.h"
#include "core/base/utf8.h"

/* The first byte of a key. */
enum tag {
    TAG_MISSING = 1,
    TAG_NULL,
    TAG_FALSE,
    TAG_TRUE,
    TAG_NUMBER,
    TAG_STRING,
    TAG_TIMESTAMP,
    TAG_JSON,
};

/* --- types ------------------------------------------------------------------- */

static const char *const type_names[] = {
    [TYPE_ANY] = "any",         [TYPE_STRING] = "string",   [TYPE_INT64] = "int64",
    [TYPE_FLOAT64] = "float64", [TYPE_BOOL] = "bool",       [TYPE_TIMESTAMP] = "timestamp",
    [TYPE_DATE] = "date",       [TYPE_DECIMAL] = "decimal", [TYPE_JSON] = "json",
};

void type_to_text(struct column_type type, char ret_text[TYPE_TEXT_BYTES])
{
    if (type.kind == TYPE_DECIMAL)
        snprintf(ret_text, TYPE_TEXT_BYTES, "decimal(%u,%u)", type.precision, type.scale);
    else
        snprintf(ret_text, TYPE_TEXT_BYTES, "%s", type_names[type.kind]);
}

static int decimal_from_text(const char *text, struct column_type *ret_type)
{
    struct column_type type = {.kind = TYPE_DECIMAL};
    char again[TYPE_TEXT_BYTES];

    if (sscanf(text, "decimal(%4u,%4u)", &type.precision, &type.scale) != 2 || !type.precision ||
        type.precision > TYPE_MAX_PRECISION || type.scale > type.precision)
        return -EINVAL;
    type_to_text(type, again); /* sscanf lets signs, white space and more pass */
    if (strcmp(text, again) != 0)
        return -EINVAL;
    *ret_type = type;
    return 0;
}

int type_from_text(const char *text, struct column_type *ret_type)
{
    for (size_t i = TYPE_STRING; i < ARRAY_COUNT(type_names); i++)
        if (i != TYPE_DECIMAL && !strcmp(text, type_names[i])) {
            *ret_type = (struct column_type){.kind = (enum type_kind)i};
            return 0;
        }
    return decimal_from_text(text, ret_type);
}

/* --- numbers -------------------------------------------------------------------- */

/* A number as it is written. */
struct literal {
    bool negative, has_point, has_exponent;
    struct slice whole, fraction; /* digits before and behind the point */
    int64_t exponent;
};

#define EXPONENT_LIMIT INT64_C(1000000000000000) /* beyond, all exponents are alike */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct slice take_digits(const char **p, const char *end)
{
    const char *from = *p;

    while (*p < end && is_digit(**p))
        (*p)++;
    return slice_of(from, (size_t)(*p - from));
}

/* "e+12", up to the end. */
static bool parse_exponent(const char *p, const char *end, int64_t *ret_exponent)
{
    bool negative = false;
    int64_t value = 0;

    p++;
    if (p < end && (*p == '+' || *p == '-'))
        negative = *p++ == '-';
    if (p == end)
        return false;
    for (; p < end; p++) {
        if (!is_digit(*p))
            return false;
        if (value <= EXPONENT_LIMIT)
            value = value * 10 + (*p - '0');
        else
            value = INT64_C(1) << 60; /* no zeros before or behind bring it back below the limit */
    }
    *ret_exponent = negative ? -value : value;
    return true;
}

/* Whether the text is a number as JSON writes it (RFC 8259, section 6). */
static bool parse_number(struct slice text, struct literal *ret)
{
    const char *p = text.text, *end = p + text.bytes;

    *ret = (struct literal){0};
    if (p < end && *p == '-') {
        ret->negative = true;
        p++;
    }
    ret->whole = take_digits(&p, end);
    if (!ret->whole.bytes || (ret->whole.text[0] == '0' && ret->whole.bytes > 1))
        return false;
    if (p < end && *p == '.') {
        p++;
        ret->has_point = true;
        ret->fraction = take_digits(&p, end);
        if (!ret->fraction.bytes)
            return false;
    }
    if (p == end)
        return true;
    ret->has_exponent = true;
    return (*p | 0x20) == 'e' && parse_exponent(p, end, &ret->exponent);
}

/* Digits of both parts as one sequence. */
static char digit_at(const struct literal *n, size_t i)
{
    return i < n->whole.bytes ? n->whole.text[i] : n->fraction.text[i - n->whole.bytes];
}

static int append_byte(struct buf *buf, unsigned char byte)
{
    return buf_append(buf, &byte, 1);
}

static int append_be64(struct buf *buf, uint64_t value)
{
    value = htobe64(value);
    return buf_append(buf, &value, sizeof value);
}

/* The same number as 0.d1d2d3... times ten to the exponent, d1 and the last one not 0. */
struct scientific {
    size_t first, last; /* digits of the literal, the last one excluded; both the same: zero */
    int64_t exponent;
};

static struct scientific to_scientific(const struct literal *n)
{
    struct scientific s = {.last = n->whole.bytes + n->fraction.bytes};

    while (s.first < s.last && digit_at(n, s.first) == '0')
        s.first++;
    while (s.last > s.first && digit_at(n, s.last - 1) == '0')
        s.last--;
    s.exponent = n->exponent + (int64_t)n->whole.bytes - (int64_t)s.first;
    if (s.exponent > EXPONENT_LIMIT)
        s.exponent = EXPONENT_LIMIT;
    else if (s.exponent < -EXPONENT_LIMIT)
        s.exponent = -EXPONENT_LIMIT;
    return s;
}

/*
 * Sign, exponent, digits, end. Of a negative number all is complemented, so that what is greater
 * comes first.
 */
static int append_number(const struct literal *n, struct buf *key)
{
    struct scientific s = to_scientific(n);
    unsigned char flip = n->negative ? 0xff : 0;
    uint64_t exponent = (uint64_t)s.exponent ^ UINT64_C(1) << 63;
    int r;

    if (s.first == s.last)
        return append_byte(key, 0x80);
    r = append_byte(key, n->negative ? 0x7f : 0x81);
    if (!r)
        r = append_be64(key, n->negative ? ~exponent : exponent);
    for (size_t i = s.first; i < s.last && !r; i++)
        r = append_byte(key, (unsigned char)digit_at(n, i) ^ flip);
    return r < 0 ? r : append_byte(key, flip);
}

static int number_key(struct slice text, struct buf *key)
{
    struct literal n;

    if (!parse_number(text, &n))
        return -EINVAL;
    return append_byte(key, TAG_NUMBER) < 0 ? -ENOMEM : append_number(&n, key);
}

/* No double, and no middle of two, has more; of those behind it matters only that there are any. */
#define DOUBLE_DIGITS 780

/* The nearest double; an infinite one for what is beyond all. Asks for no memory. */
static double to_double(const struct literal *n)
{
    struct scientific s = to_scientific(n);
    size_t count = s.last - s.first;
    char text[DOUBLE_DIGITS + 32], *p = text;

    if (!count)
        return 0;
    if (n->negative)
        *p++ = '-';
    for (size_t i = 0; i < count && i < DOUBLE_DIGITS; i++)
        *p++ = digit_at(n, s.first + i);
    if (count > DOUBLE_DIGITS) {
        *p++ = '1';
        count = DOUBLE_DIGITS + 1;
    }
    sprintf(p, "e%" PRId64, s.exponent - (int64_t)count);
    return strtod(text, NULL);
}

static bool fits_double(const struct literal *n)
{
    struct scientific s = to_scientific(n);

    /* 1.8e308 is the limit: only beside it must it be calculated. */
    if (s.first == s.last || s.exponent < 309)
        return true;
    return s.exponent == 309 && isfinite(to_double(n));
}

/* Whether a double of this number, written with as many digits as it has, is the number again. */
static bool survives_double(const struct literal *n)
{
    struct scientific s = to_scientific(n);

    return s.last - s.first <= DBL_DIG && s.exponent > DBL_MIN_10_EXP + DBL_DIG &&
           s.exponent < DBL_MAX_10_EXP;
}

/* Of the shortest text that is the same double. */
static int float_key(struct slice text, struct buf *key)
{
    char shortest[40];
    struct literal n;
    double value;

    if (!parse_number(text, &n) || !fits_double(&n))
        return -EINVAL;
    if (survives_double(&n))
        return append_byte(key, TAG_NUMBER) < 0 ? -ENOMEM : append_number(&n, key);
    value = to_double(&n);
    /* Every double has 15 digits, but for the least ones. */
    for (int digits = fabs(value) < DBL_MIN ? 1 : DBL_DIG; digits <= DBL_DECIMAL_DIG; digits++) {
        snprintf(shortest, sizeof shortest, "%.*g", digits, value);
        if (strtod(shortest, NULL) == value)
            break;
    }
    return number_key(slice_of(shortest, strlen(shortest)), key);
}

/* --- times -------------------------------------------------------------------------- */

#define SECOND_BYTES 19 /* "2026-11-23T18:15:59" */
#define OFFSET_BYTES 6  /* "+01:00" */

static bool copy_without_fraction(struct slice text, struct slice *ret_fraction,
                                  char ret_copy[SECOND_BYTES + OFFSET_BYTES + 1])
{
    const char *p = text.text + SECOND_BYTES, *end = text.text + text.bytes;
    size_t rest;

    if (text.bytes <= SECOND_BYTES)
        return false;
    *ret_fraction = slice_of(p, 0);
    if (*p == '.') {
        p++;
        *ret_fraction = take_digits(&p, end);
        if (!ret_fraction->bytes)
            return false;
    }
    rest = (size_t)(end - p);
    if (rest > OFFSET_BYTES)
        return false;
    memcpy(ret_copy, text.text, SECOND_BYTES);
    memcpy(ret_copy + SECOND_BYTES, p, rest);
    ret_copy[SECOND_BYTES + rest] = '\0';
    return strlen(ret_copy) == SECOND_BYTES + rest; /* a NUL would hide what is behind it */
}

/* Whole seconds, and the digits of the fraction without zeros at the end. */
static bool parse_timestamp(struct slice text, int64_t *ret_sec, struct slice *ret_fraction)
{
    char copy[SECOND_BYTES + OFFSET_BYTES + 1];
    int64_t usec;

    if (!copy_without_fraction(text, ret_fraction, copy) || time_from_rfc3339(copy, &usec) < 0)
        return false;
    while (ret_fraction->bytes && ret_fraction->text[ret_fraction->bytes - 1] == '0')
        ret_fraction->bytes--;
    *ret_sec = usec / 1000000;
    /* In UTC, where an offset may lead beyond what can be written. */
    return *ret_sec >= TIME_MIN_SEC && *ret_sec <= TIME_MAX_SEC;
}

static int timestamp_key(struct slice text, struct buf *key)
{
    struct slice fraction;
    int64_t sec;

    if (!parse_timestamp(text, &sec, &fraction))
        return -EINVAL;
    if (append_byte(key, TAG_TIMESTAMP) < 0 ||
        append_be64(key, (uint64_t)sec ^ UINT64_C(1) << 63) < 0)
        return -ENOMEM;
    return buf_append(key, fraction.text, fraction.bytes);
}

static bool is_date(struct slice text)
{
    char noon[] = "2026-11-23T12:00:00Z";
    int64_t usec;

    if (text.bytes != 10)
        return false;
    memcpy(noon, text.text, 10);
    return time_from_rfc3339(noon, &usec) == 0;
}

/* --- what is wrong with a value ------------------------------------------------------- */

static const char *int64_fault(struct slice value)
{
    struct literal n;
    char copy[24];

    if (json_kind(value) != JSON_KIND_NUMBER || !parse_number(value, &n) || n.has_point ||
        n.has_exponent)
        return "is not a whole number";
    if (value.bytes <= 18)
        return NULL;
    if (value.bytes > 20)
        return "is beyond int64";
    snprintf(copy, sizeof copy, "%.*s", (int)value.bytes, value.text);
    errno = 0;
    strtoll(copy, NULL, 10);
    return errno ? "is beyond int64" : NULL;
}

static const char *float_fault(struct slice value)
{
    struct literal n;

    if (json_kind(value) != JSON_KIND_NUMBER || !parse_number(value, &n))
        return "is not a number";
    return fits_double(&n) ? NULL : "is beyond float64";
}

/* What stands between the quotes of a string without escapes; others are of no type but string. */
static bool plain_string(struct slice value, struct slice *ret_inside)
{
    if (json_kind(value) != JSON_KIND_STRING || memchr(value.text, '\\', value.bytes))
        return false;
    *ret_inside = slice_of(value.text + 1, value.bytes - 2);
    return true;
}

static const char *decimal_fault(struct column_type type, struct slice value)
{
    struct slice text = value;
    struct literal n;

    if (json_kind(value) != JSON_KIND_NUMBER && !plain_string(value, &text))
        return "is not a number";
    if (!parse_number(text, &n) || n.has_exponent)
        return "is not a number without exponent";
    if (n.fraction.bytes > type.scale)
        return "has too many digits behind the point";
    if (n.whole.bytes > type.precision - type.scale &&
        !(n.whole.bytes == 1 && n.whole.text[0] == '0'))
        return "has too many digits before the point";
    return NULL;
}

const char *value_fault(struct column_type type, struct slice value)
{
    enum json_kind kind = json_kind(value);
    struct slice inside, fraction;
    int64_t sec;

    switch (type.kind) {
    case TYPE_STRING:
        return kind == JSON_KIND_STRING ? NULL : "is not a string";
    case TYPE_INT64:
        return int64_fault(value);
    case TYPE_FLOAT64:
        return float_fault(value);
    case TYPE_BOOL:
        return kind == JSON_KIND_TRUE || kind == JSON_KIND_FALSE ? NULL : "is not true or false";
    case TYPE_TIMESTAMP:
        return plain_string(value, &inside) && parse_timestamp(inside, &sec, &fraction)
                   ? NULL
                   : "is not a time of RFC 3339, such as \"2026-11-23T18:15:59Z\"";
    case TYPE_DATE:
        return plain_string(value, &inside) && is_date(inside)
                   ? NULL
                   : "is not a date, such as \"2026-11-23\"";
    case TYPE_DECIMAL:
        return decimal_fault(type, value);
    default:
        return NULL;
    }
}

/* --- keys ------------------------------------------------------------------------------- */

static int tagged(enum tag tag, struct slice bytes, struct buf *key)
{
    if (append_byte(key, tag) < 0)
        return -ENOMEM;
    return buf_append(key, bytes.text, bytes.bytes);
}

static int string_key(struct slice value, struct buf *key)
{
    return append_byte(key, TAG_STRING) < 0 ? -ENOMEM : json_string_decode(value, key);
}

/* The key that a value has by itself. */
static int untyped_key(struct slice value, struct buf *key)
{
    switch (json_kind(value)) {
    case JSON_KIND_NULL:
        return append_byte(key, TAG_NULL);
    case JSON_KIND_FALSE:
        return append_byte(key, TAG_FALSE);
    case JSON_KIND_TRUE:
        return append_byte(key, TAG_TRUE);
    case JSON_KIND_NUMBER:
        return number_key(value, key);
    case JSON_KIND_STRING:
        return string_key(value, key);
    default:
        return append_byte(key, TAG_JSON) < 0 ? -ENOMEM : json_compact(value, key);
    }
}

int value_key(struct column_type type, struct slice value, struct buf *key)
{
    size_t before = key->bytes;
    struct slice inside = value;
    int r = -EINVAL;

    if (!value.text)
        return append_byte(key, TAG_MISSING);
    if (type.kind == TYPE_FLOAT64 && json_kind(value) == JSON_KIND_NUMBER)
        r = float_key(value, key);
    else if (type.kind == TYPE_TIMESTAMP && plain_string(value, &inside))
        r = timestamp_key(inside, key);
    else if (type.kind == TYPE_DECIMAL && plain_string(value, &inside) &&
             !decimal_fault(type, value))
        r = number_key(inside, key);
    if (r != -EINVAL)
        return r;
    key->bytes = before;
    return untyped_key(value, key);
}

int value_key_compare(struct slice a, struct slice b)
{
    size_t common = a.bytes < b.bytes ? a.bytes : b.bytes;
    int order = memcmp(a.text, b.text, common);

    return order ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

bool value_key_is_number(struct slice key)
{
    return key.text[0] == TAG_NUMBER;
}

bool value_keys_are_alike(struct slice a, struct slice b)
{
    return a.bytes && b.bytes && a.text[0] == b.text[0];
}

/* --- what is spelled by some characters ---------------------------------------------------- */

void value_keys_finish(struct value_keys *keys)
{
    for (unsigned i = 0; i < VALUE_KEYS_MAX; i++)
        buf_finish(&keys->keys[i]);
    keys->count = 0;
}

static bool slice_is(struct slice text, const char *word)
{
    return slice_equal(text, slice_of(word, strlen(word)));
}

/* Characters that could as well be the JSON of something else than a string: 1, that is added. */
static int other_key(struct slice characters, struct buf *key)
{
    struct literal n;

    if (slice_is(characters, "true"))
        return append_byte(key, TAG_TRUE) < 0 ? -ENOMEM : 1;
    if (slice_is(characters, "false"))
        return append_byte(key, TAG_FALSE) < 0 ? -ENOMEM : 1;
    if (characters.bytes && strchr("{[", characters.text[0]))
        return tagged(TAG_JSON, characters, key) < 0 ? -ENOMEM : 1;
    if (!parse_number(characters, &n))
        return 0;
    return number_key(characters, key) < 0 ? -ENOMEM : 1;
}

static int any_keys(struct slice characters, struct value_keys *keys)
{
    int r = tagged(TAG_STRING, characters, &keys->keys[0]);

    if (r < 0)
        return r;
    keys->count = 1;
    r = other_key(characters, &keys->keys[1]);
    if (r > 0)
        keys->count++;
    return r < 0 ? r : 0;
}

static int typed_key(struct column_type type, struct slice characters, struct buf *key)
{
    int r;

    switch (type.kind) {
    case TYPE_STRING:
        return tagged(TAG_STRING, characters, key);
    case TYPE_BOOL:
        if (!slice_is(characters, "true") && !slice_is(characters, "false"))
            return -EINVAL;
        return append_byte(key, characters.bytes == 4 ? TAG_TRUE : TAG_FALSE);
    case TYPE_TIMESTAMP:
        return timestamp_key(characters, key);
    case TYPE_DATE:
        return is_date(characters) ? tagged(TAG_STRING, characters, key) : -EINVAL;
    case TYPE_FLOAT64:
        return float_key(characters, key);
    default: /* int64, decimal */
        r = number_key(characters, key);
        return !r && value_fault(type, characters) ? -EINVAL : r;
    }
}

int value_keys_of(struct column_type type, struct slice characters, struct value_keys *ret_keys)
{
    int r;

    *ret_keys = (struct value_keys){0};
    if (type.kind == TYPE_ANY || type.kind == TYPE_JSON) {
        r = any_keys(characters, ret_keys);
    } else {
        r = typed_key(type, characters, &ret_keys->keys[0]);
        ret_keys->count = 1;
    }
    if (r < 0)
        value_keys_finish(ret_keys);
    return r;
}

int value_json_of(struct column_type type, struct slice characters, struct buf *json)
{
    struct literal n;
    bool is_text =
        type.kind == TYPE_STRING || type.kind == TYPE_TIMESTAMP || type.kind == TYPE_DATE;
    bool as_it_is = !is_text && (slice_is(characters, "true") || slice_is(characters, "false") ||
                                 parse_number(characters, &n));

    return as_it_is ? buf_append(json, characters.text, characters.bytes)
                    : json_string_encode(characters, json);
}

/* --- names ----------------------------------------------------------------------------------- */

/* Numbers between these powers of ten are written without an exponent. */
#define PLAIN_MIN (-40)
#define PLAIN_MAX 60

static int append_zeros(struct buf *name, int64_t count)
{
    int r = 0;

    for (; count > 0 && !r; count--)
        r = buf_append(name, "0", 1);
    return r;
}

/* 0.DIGITS times ten to the exponent. */
static int spell_number(bool negative, const char *digits, size_t count, int64_t exponent,
                        struct column_type type, struct buf *name)
{
    bool plain = type.kind == TYPE_DECIMAL ? llabs(exponent) <= TYPE_MAX_PRECISION
                                           : exponent > PLAIN_MIN && exponent < PLAIN_MAX;
    int r = negative ? buf_append(name, "-", 1) : 0;

    if (r < 0)
        return r;
    if (!plain) {
        r = buf_append(name, digits, 1);
        if (!r && count > 1)
            r = buf_append(name, ".", 1);
        if (!r)
            r = buf_append(name, digits + 1, count - 1);
        return r < 0 ? r : buf_printf(name, "e%" PRId64, exponent - 1);
    }
    if (exponent <= 0) {
        r = buf_append(name, "0.", 2);
        if (!r)
            r = append_zeros(name, -exponent);
        return r < 0 ? r : buf_append(name, digits, count);
    }
    if ((int64_t)count <= exponent) {
        r = buf_append(name, digits, count);
        return r < 0 ? r : append_zeros(name, exponent - (int64_t)count);
    }
    r = buf_append(name, digits, (size_t)exponent);
    if (!r)
        r = buf_append(name, ".", 1);
    return r < 0 ? r : buf_append(name, digits + exponent, count - (size_t)exponent);
}

static int name_number(struct column_type type, struct slice key, struct buf *name)
{
    const unsigned char *p = (const unsigned char *)key.text;
    bool negative = p[0] == 0x7f;
    cleanup_free char *digits = NULL;
    size_t count;
    uint64_t exponent;

    if (p[0] == 0x80)
        return buf_append(name, "0", 1);
    memcpy(&exponent, p + 1, sizeof exponent);
    exponent = be64toh(exponent);
    if (negative)
        exponent = ~exponent;
    exponent ^= UINT64_C(1) << 63;
    count = key.bytes - 10;
    digits = calloc(count, 1);
    if (!digits)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        digits[i] = (char)(p[9 + i] ^ (negative ? 0xff : 0));
    return spell_number(negative, digits, count, (int64_t)exponent, type, name);
}

static int name_timestamp(struct slice key, struct buf *name)
{
    uint64_t value;
    char text[TIMEFMT_BYTES + 1];
    int r;

    memcpy(&value, key.text, sizeof value);
    value = be64toh(value) ^ UINT64_C(1) << 63;
    time_to_text((int64_t)value * 1000000, text);
    r = buf_append(name, text, 19); /* without fraction and Z */
    if (!r && key.bytes > sizeof value)
        r = buf_append(name, ".", 1);
    if (!r)
        r = buf_append(name, key.text + sizeof value, key.bytes - sizeof value);
    return r < 0 ? r : buf_append(name, "Z", 1);
}

static int escape_all(struct slice characters, struct buf *name)
{
    const char *p = characters.text, *end = p + characters.bytes;
    bool dots = slice_is(characters, ".") || slice_is(characters, "..");
    char before = '\0';
    int r = 0;

    for (; p < end && !r; p++) {
        if (*p == '%' || *p == '/' || *p == '\0' || (*p == '.' && (dots || before == '.'))) {
            r = buf_printf(name, "%%%02X", (unsigned char)*p);
            before = '\0';
        } else {
            r = buf_append(name, p, 1);
            before = *p;
        }
    }
    return r;
}

/* Cuts what was appended from `from` on, if it is too long for a name. */
static int cut_long(struct buf *name, size_t from)
{
    size_t keep = VALUE_NAME_MAX - 2 - VALUE_HASH_BYTES;
    uint64_t hash;

    if (name->bytes - from <= VALUE_NAME_MAX)
        return 0;
    hash = hash64_bytes(name->data + from, name->bytes - from);
    while (utf8_is_continuation(name->data[from + keep]))
        keep--;
    for (size_t i = keep - 1; i > keep - 3; i--)
        if (name->data[from + i] == '%')
            keep = i; /* not within an escape */
    name->bytes = from + keep;
    return buf_printf(name, "%%~%016" PRIx64, hash);
}

int value_name_escape(struct slice characters, struct buf *name)
{
    size_t from = name->bytes;
    int r;

    if (!characters.bytes)
        return buf_append(name, "%empty", 6);
    r = escape_all(characters, name);
    return r < 0 ? r : cut_long(name, from);
}

static int name_whole(struct column_type type, struct slice key, struct buf *name)
{
    struct slice rest = slice_of(key.text + 1, key.bytes - 1);

    switch (key.text[0]) {
    case TAG_MISSING:
        return buf_append(name, "%missing", 8);
    case TAG_NULL:
        return buf_append(name, "%null", 5);
    case TAG_FALSE:
        return buf_append(name, "false", 5);
    case TAG_TRUE:
        return buf_append(name, "true", 4);
    case TAG_NUMBER:
        return name_number(type, rest, name);
    case TAG_TIMESTAMP:
        return name_timestamp(rest, name);
    default:
        return value_name_escape(rest, name);
    }
}

int value_name(struct column_type type, struct slice key, struct buf *name)
{
    size_t from = name->bytes;
    int r = name_whole(type, key, name);

    return r < 0 ? r : cut_long(name, from); /* numbers and times may be long, too */
}

/* Of either case, since a person may type it. */
static int escape_digit(char c)
{
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : hex_digit(c);
}

static bool is_utf8(const char *p, const char *end)
{
    while (p < end) {
        size_t n = (unsigned char)*p < 0x80 ? 1 : utf8_char_bytes(p, end);

        if (!n)
            return false;
        p += n;
    }
    return true;
}

static int unescape_all(struct slice name, struct buf *characters)
{
    const char *p = name.text, *end = p + name.bytes;
    int r = 0;

    while (p < end && !r) {
        char byte = *p++;

        if (byte == '%') {
            int high = end - p >= 2 ? escape_digit(p[0]) : -1;
            int low = high < 0 ? -1 : escape_digit(p[1]);

            if (low < 0)
                return -EINVAL;
            byte = (char)(high << 4 | low);
            p += 2;
        }
        r = buf_append(characters, &byte, 1);
    }
    return r;
}

int value_name_unescape(struct slice name, struct buf *characters)
{
    size_t before = characters->bytes;
    int r = unescape_all(name, characters);

    if (!r && characters->bytes > before &&
        !is_utf8(characters->data + before, characters->data + characters->bytes))
        r = -EINVAL;
    if (r < 0)
        characters->bytes = before;
    return r;
}
