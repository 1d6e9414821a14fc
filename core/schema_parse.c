/* SPDX-License-Identifier: MIT */
/* Reads what a user has written as a schema. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/rowcheck.h"
#include "core/schema.h"
#include "core/schema_private.h"

CLEANUP_POINTER(struct schema, schema_unref)
CLEANUP_POINTER(struct rowcheck, rowcheck_destroy)

static const char *skip_space(struct slice text)
{
    const char *p = text.text, *end = p + text.bytes;

    while (p < end && strchr(" \t\r\n", *p) && *p)
        p++;
    return p;
}

/* --- is it JSON? --------------------------------------------------------------------- */

/* What a library says of a text can have any part of that in it. */
static void make_printable(char *sentence)
{
    char *end = sentence + strlen(sentence);

    for (char *p = sentence; p < end;) {
        size_t n = (unsigned char)*p >= 0x80 ? utf8_char_bytes(p, end) : *p >= ' ' && *p != 0x7f;

        if (!n)
            *p = '?';
        p += n ? n : 1;
    }
}

/* jansson tells the line. Where it fails for limits of its own, the row checker's words remain. */
static int say_why_not(struct slice text, const struct err *reason, struct err *err)
{
    json_error_t error;
    json_t *value;

    if (*skip_space(text) != '{')
        return err_set(err, -EINVAL, "the schema is not a JSON object");
    value = json_loadb(text.text, text.bytes, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (value || json_error_code(&error) == json_error_numeric_overflow ||
        json_error_code(&error) == json_error_null_byte_in_key) {
        json_decref(value);
        return err_set(err, -EINVAL, "the schema is not valid: %s", reason->text);
    }
    make_printable(error.text);
    return err_set(err, -EINVAL, "the schema is not JSON: line %d, column %d: %s", error.line,
                   error.column, error.text);
}

/*
 * By the checker of rows, since jansson would refuse numbers that it cannot hold, and
 * jsontext must be able to rely on the answer. Rows have no line feeds; carriage returns are
 * allowed and refused in the same places.
 */
static int check_json(struct slice text, struct err *err)
{
    cleanup(rowcheck_destroy_p) struct rowcheck *check = NULL;
    cleanup_free char *copy = malloc(text.bytes);
    struct err reason = ERR_INIT;
    int r = rowcheck_create(&check);

    if (r < 0)
        return err_set(err, r, "cannot check the schema: %s", strerror(-r));
    if (!copy)
        return err_nomem(err);
    for (size_t i = 0; i < text.bytes; i++)
        copy[i] = text.text[i] == '\n' ? '\r' : text.text[i];
    r = rowcheck_line(check, copy, text.bytes, &reason);
    if (r == -EINVAL)
        return say_why_not(text, &reason, err);
    return r < 0 ? err_set(err, r, "%s", reason.text) : 0;
}

/* --- columns ---------------------------------------------------------------------------- */

static bool is_called(struct json_member member, const char *name)
{
    return json_string_is(member.name, slice_of(name, strlen(name)));
}

/* The characters of a string, owned; never without text. */
static int decode(struct slice string, struct slice *ret_characters)
{
    struct buf characters = {0};

    if (json_string_decode(string, &characters) < 0)
        return -ENOMEM;
    *ret_characters = slice_of(characters.data, characters.bytes);
    return 0;
}

/* What a column's object says, as it is written; without text: it does not. */
struct description {
    struct slice type, required, default_json, from;
};

static int refuse(const struct column *column, struct err *err, const char *why)
{
    return err_set(err, -EINVAL, "column %s: %s", schema_quote_name(column->name).text, why);
}

static int read_description(const struct column *column, struct slice object,
                            struct description *ret, struct err *err)
{
    struct json_members members;
    struct json_member member;

    json_members_begin(&members, object);
    while (json_members_next(&members, &member)) {
        if (is_called(member, "type"))
            ret->type = member.value;
        else if (is_called(member, "required"))
            ret->required = member.value;
        else if (is_called(member, "default"))
            ret->default_json = member.value;
        else if (is_called(member, "from"))
            ret->from = member.value;
        else
            return err_set(err, -EINVAL,
                           "column %s: %s is none of \"type\", \"required\", \"default\", \"from\"",
                           schema_quote_name(column->name).text,
                           schema_quote_json(member.name).text);
    }
    return ret->type.text ? 0 : refuse(column, err, "it has no \"type\"");
}

static int read_type(struct column *column, struct slice value, struct err *err)
{
    cleanup_buf struct buf name = {0};

    if (json_kind(value) == JSON_KIND_STRING) {
        if (json_string_decode(value, &name) < 0 || buf_append(&name, "\0", 1) < 0)
            return err_nomem(err);
        if (strlen(name.data) == name.bytes - 1 && !type_from_text(name.data, &column->type))
            return 0;
    }
    return err_set(err, -EINVAL,
                   "column %s: %s is no type; there are \"string\", \"int64\", \"float64\", "
                   "\"bool\", \"timestamp\", \"date\", \"decimal(10,2)\", \"json\"",
                   schema_quote_name(column->name).text, schema_quote_json(value).text);
}

static int read_required(struct column *column, struct slice value, struct err *err)
{
    enum json_kind kind = json_kind(value);

    if (kind != JSON_KIND_TRUE && kind != JSON_KIND_FALSE)
        return refuse(column, err, "\"required\" is neither true nor false");
    column->required = kind == JSON_KIND_TRUE;
    return 0;
}

static int read_default(struct column *column, struct slice value, struct err *err)
{
    struct buf json = {0};
    const char *fault;

    if (json_kind(value) == JSON_KIND_NULL)
        return refuse(column, err, "the default is null, which is what a column without one shows");
    fault = value_fault(column->type, value);
    if (fault)
        return err_set(err, -EINVAL, "column %s: the default %s %s",
                       schema_quote_name(column->name).text, schema_quote_json(value).text, fault);
    if (json_compact(value, &json) < 0) {
        buf_finish(&json);
        return err_nomem(err);
    }
    column->default_json = slice_of(json.data, json.bytes);
    return 0;
}

static int read_from(struct column *column, struct slice value, struct err *err)
{
    if (json_kind(value) != JSON_KIND_STRING)
        return refuse(column, err, "\"from\" is not the name of a column");
    if (json_string_is(value, column->name))
        return 0; /* no other name than it has */
    return decode(value, &column->from) < 0 ? err_nomem(err) : 0;
}

static int read_column(struct column *column, struct json_member member, struct err *err)
{
    struct description said = {0};
    int r = decode(member.name, &column->name);

    if (r < 0)
        return err_nomem(err);
    if (json_kind(member.value) == JSON_KIND_STRING)
        said.type = member.value;
    else if (json_kind(member.value) == JSON_KIND_OBJECT)
        r = read_description(column, member.value, &said, err);
    else
        r = refuse(column, err, "it is described by a type or an object, such as \"int64\"");
    if (!r)
        r = read_type(column, said.type, err);
    if (!r && said.required.text)
        r = read_required(column, said.required, err);
    if (!r && said.default_json.text)
        r = read_default(column, said.default_json, err);
    if (!r && said.from.text)
        r = read_from(column, said.from, err);
    return r;
}

static size_t count_members(struct slice object)
{
    struct json_members members;
    struct json_member member;
    size_t count = 0;

    json_members_begin(&members, object);
    while (json_members_next(&members, &member))
        count++;
    return count;
}

static int read_columns(struct schema *schema, struct slice columns, struct err *err)
{
    struct json_members members;
    struct json_member member;
    size_t count;
    int r = 0;

    if (!columns.text || json_kind(columns) != JSON_KIND_OBJECT)
        return err_set(err, -EINVAL, "the schema has no \"columns\", an object of names and types");
    count = count_members(columns);
    if (!count)
        return err_set(err, -EINVAL, "the schema has no columns");
    if (count > SCHEMA_MAX_COLUMNS)
        return err_set(err, -EFBIG, "the schema has %zu columns, %d are allowed", count,
                       SCHEMA_MAX_COLUMNS);
    schema->columns = calloc(count, sizeof *schema->columns);
    if (!schema->columns)
        return err_nomem(err);
    json_members_begin(&members, columns);
    while (!r && json_members_next(&members, &member)) /* counted, so that what fails is freed */
        r = read_column(&schema->columns[schema->count++], member, err);
    return r;
}

/* No column can become two. */
static int check_froms(const struct schema *schema, struct err *err)
{
    const struct schema_lookup *lookup = schema->lookup;

    for (size_t i = 1; i < lookup->from_count; i++) {
        const struct column *a = &schema->columns[lookup->by_from[i - 1]];
        const struct column *b = &schema->columns[lookup->by_from[i]];

        if (slice_equal(a->from, b->from))
            return err_set(err, -EINVAL, "column %s: column %s is \"from\" %s, too",
                           schema_quote_name(b->name).text, schema_quote_name(a->name).text,
                           schema_quote_name(b->from).text);
    }
    return 0;
}

/* --- the key --------------------------------------------------------------------------- */

static int add_to_key(struct schema *schema, struct slice value, struct err *err)
{
    cleanup_buf struct buf name = {0};
    struct column *column;
    size_t position;

    if (json_kind(value) != JSON_KIND_STRING)
        return err_set(err, -EINVAL, "\"key\" has %s in it, which is not the name of a column",
                       schema_quote_json(value).text);
    if (json_string_decode(value, &name) < 0)
        return err_nomem(err);
    position = schema_position(schema, slice_of(name.data, name.bytes));
    if (position == SCHEMA_NOWHERE)
        return err_set(err, -EINVAL, "column %s, which is in \"key\", is not in \"columns\"",
                       schema_quote_name(slice_of(name.data, name.bytes)).text);
    column = &schema->columns[position];
    if (column->is_key)
        return refuse(column, err, "it is twice in \"key\"");
    if (column->default_json.text)
        return refuse(column, err, "it is of the key, and cannot have a default");
    column->is_key = column->required = true;
    schema->key[schema->key_count++] = position;
    return 0;
}

static int read_key(struct schema *schema, struct slice key, struct err *err)
{
    struct json_members elements;
    struct slice element;
    int r = 0;

    if (json_kind(key) != JSON_KIND_STRING && json_kind(key) != JSON_KIND_ARRAY)
        return err_set(err, -EINVAL, "\"key\" is not a list of columns");
    schema->key = calloc(schema->count + 1, sizeof *schema->key);
    if (!schema->key)
        return err_nomem(err);
    if (json_kind(key) == JSON_KIND_STRING)
        return add_to_key(schema, key, err);
    json_elements_begin(&elements, key);
    while (!r && json_elements_next(&elements, &element)) /* ends, since none is in it twice */
        r = add_to_key(schema, element, err);
    if (!r && !schema->key_count)
        r = err_set(err, -EINVAL, "\"key\" has no columns; leave it out if there is no key");
    return r;
}

/* --- the whole ---------------------------------------------------------------------------- */

static int read_schema(struct schema *schema, struct slice text, struct err *err)
{
    struct slice columns = {0}, key = {0};
    struct json_members members;
    struct json_member member;
    int r;

    json_members_begin(&members, text);
    while (json_members_next(&members, &member)) {
        if (is_called(member, "columns"))
            columns = member.value;
        else if (is_called(member, "key"))
            key = member.value;
        else
            return err_set(err, -EINVAL,
                           "the schema has %s, which is neither \"columns\" nor \"key\"",
                           schema_quote_json(member.name).text);
    }
    r = read_columns(schema, columns, err);
    if (r < 0)
        return r;
    if (schema_lookup_make(schema) < 0)
        return err_nomem(err);
    r = check_froms(schema, err);
    return !r && key.text ? read_key(schema, key, err) : r;
}

int schema_parse(struct slice text, struct schema **ret_schema, struct err *err)
{
    cleanup(schema_unref_p) struct schema *schema = NULL;
    int r;

    if (text.bytes > SCHEMA_MAX_BYTES)
        return err_set(err, -EFBIG, "the schema has %zu bytes, %d are allowed", text.bytes,
                       SCHEMA_MAX_BYTES);
    if (!text.bytes || skip_space(text) == text.text + text.bytes) {
        *ret_schema = NULL;
        return 0;
    }
    r = check_json(text, err);
    if (r < 0)
        return r;
    schema = calloc(1, sizeof *schema);
    if (!schema)
        return err_nomem(err);
    schema->refs = 1;
    r = read_schema(schema, text, err);
    if (r < 0)
        return r;
    if (schema_print(schema) < 0)
        return err_nomem(err);
    if (schema->text.bytes > SCHEMA_MAX_BYTES) /* what is kept must be read again */
        return err_set(err, -EFBIG, "the schema has %zu bytes when it is printed, %d are allowed",
                       schema->text.bytes, SCHEMA_MAX_BYTES);
    *ret_schema = steal_pointer(schema);
    return 0;
}
