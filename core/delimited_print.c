/* SPDX-License-Identifier: MIT */
/*
 * Rows as CSV and TSV.
 *
 * Quotes are put by hand: libcsv's csv_write2() quotes every field that it is given, and tells
 * not which ones need it.
 */
#include <errno.h>

#include "core/delimited_private.h"

struct printer {
    enum delimited_format format;
    const struct delimited_columns *columns;
    const struct schema *schema;
    struct buf *text;
    struct err *err;
};

static bool slice_is(struct slice text, const char *word)
{
    return slice_equal(text, slice_of(word, strlen(word)));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* --- fields -------------------------------------------------------------------------- */

/*
 * What RFC 4180 has quotes for, and blanks at the ends: they are part of the field, but many
 * readers drop them.
 */
static bool needs_quotes(struct slice characters)
{
    static const bool special[256] = {[','] = true, ['"'] = true, ['\r'] = true, ['\n'] = true};
    const char *p = characters.text, *end = p + characters.bytes;

    if (p == end || is_blank(*p) || is_blank(end[-1]))
        return true;
    while (p < end && !special[(unsigned char)*p])
        p++;
    return p < end;
}

static int put_quoted(struct slice characters, struct buf *text)
{
    const char *p = characters.text, *end = p + characters.bytes, *quote;
    int r = buf_append(text, "\"", 1);

    while (!r && (quote = memchr(p, '"', (size_t)(end - p)))) {
        r = buf_append(text, p, (size_t)(quote + 1 - p));
        if (!r)
            r = buf_append(text, "\"", 1);
        p = quote + 1;
    }
    if (!r)
        r = buf_append(text, p, (size_t)(end - p));
    return r < 0 ? r : buf_append(text, "\"", 1);
}

/* Why characters cannot be a field of TSV; NULL: they can. */
static const char *tsv_fault(struct slice characters)
{
    for (size_t i = 0; i < characters.bytes; i++)
        switch (characters.text[i]) {
        case '\t':
            return "a tab";
        case '\n':
            return "a line feed";
        case '\r':
            return "a carriage return";
        }
    return NULL;
}

static int put_field(struct printer *printer, struct slice characters, bool quoted)
{
    if (printer->format == DELIMITED_CSV && (quoted || needs_quotes(characters)))
        return put_quoted(characters, printer->text);
    return buf_append(printer->text, characters.text, characters.bytes);
}

static int put_separator(struct printer *printer)
{
    return buf_append(printer->text, printer->format == DELIMITED_CSV ? "," : "\t", 1);
}

static int put_line_end(struct printer *printer)
{
    if (printer->format == DELIMITED_CSV)
        return buf_append(printer->text, "\r\n", 2);
    return buf_append(printer->text, "\n", 1);
}

/* --- the header ------------------------------------------------------------------------ */

static int put_name(struct printer *printer, size_t i)
{
    struct slice name = printer->columns->names[i];
    bool marked = i == 0 && name.bytes >= DELIMITED_MARK_BYTES &&
                  !memcmp(name.text, DELIMITED_MARK, DELIMITED_MARK_BYTES);
    const char *fault;

    if (printer->format == DELIMITED_TSV) {
        fault = !name.bytes ? "no characters" : marked ? "a byte order mark" : tsv_fault(name);
        if (fault)
            return err_set(printer->err, -EINVAL,
                           "column %s: its name has %s, and cannot be written as TSV",
                           delimited_show(name).text, fault);
    }
    return put_field(printer, name, marked); /* quoted, it is not taken for the text's mark */
}

int delimited_print_header(enum delimited_format format, const struct delimited_columns *columns,
                           struct buf *text, struct err *err)
{
    struct printer printer = {.format = format, .columns = columns, .text = text, .err = err};
    size_t before = text->bytes;
    int r = 0;

    for (size_t i = 0; i < columns->count && !r; i++) {
        r = i ? put_separator(&printer) : 0;
        if (!r)
            r = put_name(&printer, i);
    }
    if (!r)
        r = put_line_end(&printer);
    if (r < 0)
        text->bytes = before;
    return r == -ENOMEM ? err_nomem(err) : r;
}

/* --- values ------------------------------------------------------------------------------ */

/* Whether a reader without schema would take it for something else: true, false, a number. */
static int looks_like_json(struct slice characters)
{
    char first = characters.bytes ? characters.text[0] : '\0';
    struct buf json = {0};
    int r;

    if (first == 't' || first == 'f')
        return slice_is(characters, "true") || slice_is(characters, "false");
    if (first != '-' && (first < '0' || first > '9'))
        return false;
    r = value_json_of((struct column_type){.kind = TYPE_ANY}, characters, &json);
    if (!r)
        r = json.data[0] != '"';
    buf_finish(&json);
    return r;
}

/* Whether a string of a column of type json would be read as something else (delimited.h). */
static int needs_json(struct slice characters)
{
    if (characters.bytes && strchr("{[\"", characters.text[0]))
        return true;
    return slice_is(characters, "null") || looks_like_json(characters);
}

static int put_json_string(struct printer *printer, struct slice value, struct slice characters)
{
    int r = needs_json(characters);

    if (!r && printer->format == DELIMITED_TSV)
        r = !characters.bytes || tsv_fault(characters);
    return r < 0 ? r : put_field(printer, r ? value : characters, false);
}

static int refuse(struct printer *printer, size_t i, struct slice value, const char *fault)
{
    return err_set(
        printer->err, -EINVAL, "column %s: %s has %s in it, and cannot be written as TSV",
        delimited_show(printer->columns->names[i]).text, delimited_show(value).text, fault);
}

static int put_string(struct printer *printer, size_t i, enum type_kind kind, struct slice value)
{
    struct slice characters = slice_of(value.text + 1, value.bytes - 2);
    struct buf *scratch = delimited_columns_scratch(printer->columns);
    const char *fault;
    int quoted = false;

    if (memchr(characters.text, '\\', characters.bytes)) {
        scratch->bytes = 0;
        if (json_string_decode(value, scratch) < 0)
            return -ENOMEM;
        characters = slice_of(scratch->data, scratch->bytes);
    }
    if (kind == TYPE_JSON)
        return put_json_string(printer, value, characters);
    if (printer->format == DELIMITED_TSV) {
        fault = tsv_fault(characters);
        return fault ? refuse(printer, i, value, fault) : put_field(printer, characters, false);
    }
    if (kind == TYPE_ANY)
        quoted = looks_like_json(characters);
    return quoted < 0 ? quoted : put_field(printer, characters, quoted);
}

static int put_container(struct printer *printer, struct slice value)
{
    struct buf *scratch = delimited_columns_scratch(printer->columns);

    scratch->bytes = 0;
    if (json_compact(value, scratch) < 0)
        return -ENOMEM;
    return put_field(printer, slice_of(scratch->data, scratch->bytes), false);
}

/* What the schema says of a column; NULL: nothing. */
static const struct column *column_of(const struct printer *printer, size_t i)
{
    const struct schema *schema = printer->schema;
    struct slice name = printer->columns->names[i];

    if (!schema)
        return NULL;
    if (i < schema->count && slice_equal(schema->columns[i].name, name))
        return &schema->columns[i]; /* the columns are made of it */
    return schema_column(schema, name);
}

static int put_value(struct printer *printer, size_t i, struct slice value)
{
    const struct column *column = column_of(printer, i);

    if (!value.text && column)
        value = column->default_json;
    if (!value.text)
        return 0;
    switch (json_kind(value)) {
    case JSON_KIND_NULL:
        return 0;
    case JSON_KIND_STRING:
        return put_string(printer, i, column ? column->type.kind : TYPE_ANY, value);
    case JSON_KIND_OBJECT:
    case JSON_KIND_ARRAY:
        return put_container(printer, value);
    default:
        return buf_append(printer->text, value.text, value.bytes);
    }
}

/* The values of the row, by column. */
static int collect(const struct delimited_columns *columns, struct slice row, struct slice *values)
{
    struct json_members members;
    struct json_member member;
    size_t position = SIZE_MAX;
    int r;

    for (size_t i = 0; i < columns->count; i++)
        values[i] = (struct slice){0};
    json_members_begin(&members, row);
    while (json_members_next(&members, &member)) {
        r = delimited_columns_find(columns, member.name, position + 1, &position);
        if (r < 0)
            return r;
        if (r)
            values[position] = member.value;
    }
    return 0;
}

int delimited_print_row(enum delimited_format format, const struct delimited_columns *columns,
                        const struct schema *schema, struct slice row, struct buf *text,
                        struct err *err)
{
    struct printer printer = {
        .format = format, .columns = columns, .schema = schema, .text = text, .err = err};
    struct slice *values = delimited_columns_values(columns);
    size_t before = text->bytes;
    int r = collect(columns, row, values);

    for (size_t i = 0; i < columns->count && !r; i++) {
        r = i ? put_separator(&printer) : 0;
        if (!r)
            r = put_value(&printer, i, values[i]);
    }
    if (!r)
        r = put_line_end(&printer);
    if (r < 0)
        text->bytes = before;
    return r == -ENOMEM ? err_nomem(err) : r;
}
