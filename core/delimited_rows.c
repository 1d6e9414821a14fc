/* SPDX-License-Identifier: MIT */
/* Rows made of the fields of delimited lines. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/delimited_private.h"
#include "core/namemap.h"
#include "core/rowcheck.h"

struct delimited_rows_column {
    struct slice label; /* `"name":` */
    struct column_type type;
};

void delimited_rows_finish(struct delimited_rows *rows)
{
    schema_unref(rows->schema);
    rowcheck_destroy(rows->check);
    buf_finish(&rows->labels);
    buf_finish(&rows->json);
    buf_finish(&rows->row);
    free(rows->columns);
    *rows = (struct delimited_rows){0};
}

static struct slice field_at(const struct delimited_line *line, size_t i)
{
    size_t from = i ? line->fields[i - 1].end : 0;

    return slice_of(line->characters.data + from, line->fields[i].end - from);
}

/* --- characters ---------------------------------------------------------------------- */

/* Whether the line is as most are: ASCII without NUL. */
static bool is_ascii(const struct buf *characters)
{
    const char *p = characters->data, *end = p + characters->bytes;
    uint64_t word, seen = 0;

    if (!characters->bytes)
        return true;
    for (; end - p >= (ptrdiff_t)sizeof word; p += sizeof word) {
        memcpy(&word, p, sizeof word);
        seen |= word;
    }
    for (; p < end; p++)
        seen |= (unsigned char)*p;
    return !(seen & UINT64_C(0x8080808080808080)) &&
           !memchr(characters->data, '\0', characters->bytes);
}

/* What is wrong with the characters; NULL: nothing. */
static const char *text_fault(struct slice text)
{
    const char *p = text.text, *end = p + text.bytes;

    while (p < end) {
        size_t n = (unsigned char)*p < 0x80 ? *p != '\0' : utf8_char_bytes(p, end);

        if (!n)
            return *p ? utf8_fault(p, end) : "a NUL byte";
        p += n;
    }
    return NULL;
}

/* --- the header ------------------------------------------------------------------------ */

static int check_name(const struct delimited_rows *rows, struct slice name, size_t i,
                      struct err *err)
{
    const char *fault = text_fault(name);

    if (fault)
        return err_set(err, -EINVAL, "the name of column %zu is not UTF-8 text: %s", i + 1, fault);
    if (!name.bytes)
        return err_set(err, -EINVAL, "the header has no name for column %zu", i + 1);
    if (rows->schema && !schema_column(rows->schema, name))
        return err_set(err, -EINVAL, "column %s is not in the schema", delimited_show(name).text);
    return 0;
}

static int add_name(struct namemap *names, struct slice name, size_t i, struct err *err)
{
    size_t other;

    if (namemap_find(names, name, &other))
        return err_set(err, -EINVAL, "column %s is twice in the header, as %zu and as %zu",
                       delimited_show(name).text, other + 1, i + 1);
    return namemap_add(names, name, i);
}

static int check_names(const struct delimited_rows *rows, const struct delimited_line *line,
                       struct err *err)
{
    struct namemap names = {0};
    int r = 0;

    for (size_t i = 0; i < rows->count && !r; i++) {
        r = check_name(rows, field_at(line, i), i, err);
        if (!r)
            r = add_name(&names, field_at(line, i), i, err);
    }
    namemap_finish(&names);
    return r;
}

static int add_label(struct delimited_rows *rows, struct delimited_rows_column *column,
                     struct slice name)
{
    size_t from = rows->labels.bytes;
    int r = json_string_encode(name, &rows->labels);

    if (!r)
        r = buf_append(&rows->labels, ":", 1);
    column->label.bytes = rows->labels.bytes - from;
    return r;
}

static int make_columns(struct delimited_rows *rows, const struct delimited_line *line)
{
    size_t from = 0;
    int r = 0;

    rows->columns = calloc(rows->count + 1, sizeof *rows->columns);
    if (!rows->columns)
        return -ENOMEM;
    for (size_t i = 0; i < rows->count && !r; i++) {
        struct slice name = field_at(line, i);

        if (rows->schema)
            rows->columns[i].type = schema_column(rows->schema, name)->type;
        if (rows->columns[i].type.kind == TYPE_JSON && !rows->check)
            r = rowcheck_create(&rows->check);
        if (!r)
            r = add_label(rows, &rows->columns[i], name);
    }
    /* Now that the labels move no more: */
    for (size_t i = 0; i < rows->count && !r; i++) {
        rows->columns[i].label.text = rows->labels.data + from;
        from += rows->columns[i].label.bytes;
    }
    return r;
}

int delimited_rows_set_header(struct delimited_rows *rows, const struct delimited_line *line,
                              struct err *err)
{
    bool is_empty = line->count == 1 && !line->fields[0].end && !line->fields[0].quoted;
    int r;

    rows->count = is_empty ? 0 : line->count; /* as rows without members are printed */
    r = check_names(rows, line, err);
    if (!r)
        r = make_columns(rows, line);
    if (!r)
        rows->has_header = true;
    return r == -ENOMEM ? err_nomem(err) : r;
}

/* --- values ------------------------------------------------------------------------------ */

/* Of a column, as it is written in JSON without the quotes. */
static struct delimited_shown show_name(const struct delimited_rows_column *column)
{
    return delimited_show(slice_of(column->label.text + 1, column->label.bytes - 3));
}

/* In a row, a line feed would end it; a carriage return is allowed at the same places only. */
static void replace_line_feeds(struct buf *text)
{
    char *p = text->data, *end = p + text->bytes;

    while ((p = memchr(p, '\n', (size_t)(end - p))))
        *p++ = '\r';
}

/* Appends characters that are to be JSON. 1: they are not. Errors: -ENOMEM. */
static int put_json(struct delimited_rows *rows, struct slice characters)
{
    struct json_members members;
    struct json_member member, second;
    struct buf *json = &rows->json;
    int r;

    json->bytes = 0;
    r = buf_append(json, "{\"\":", 4);
    if (!r)
        r = buf_append(json, characters.text, characters.bytes);
    if (!r)
        r = buf_append(json, "}", 1);
    if (r < 0)
        return r;
    replace_line_feeds(json);
    r = rowcheck_line(rows->check, json->data, json->bytes, NULL);
    if (r < 0)
        return r == -EINVAL ? 1 : r;
    json_members_begin(&members, slice_of(json->data, json->bytes));
    json_members_next(&members, &member);
    if (json_members_next(&members, &second))
        return 1; /* `1,"a":2` was one, too */
    return json_compact(member.value, &rows->row);
}

/* Appends the field of a column of type json: see delimited.h. 1: it is not JSON. */
static int put_any_json(struct delimited_rows *rows, struct slice characters)
{
    if (characters.bytes && memchr("{[\"", characters.text[0], 3))
        return put_json(rows, characters);
    if (slice_equal(characters, slice_of("null", 4)))
        return buf_append(&rows->row, "null", 4);
    return value_json_of((struct column_type){.kind = TYPE_ANY}, characters, &rows->row);
}

/* As programs write them: .5 and -.5, which JSON wants a zero in. */
static int put_number(struct delimited_rows *rows, struct slice characters)
{
    cleanup_buf struct buf spelled = {0};
    size_t sign = characters.bytes && characters.text[0] == '-';

    if (characters.bytes > sign && characters.text[sign] == '.') {
        if (buf_printf(&spelled, "%s0", sign ? "-" : "") < 0 ||
            buf_append(&spelled, characters.text + sign, characters.bytes - sign) < 0)
            return -ENOMEM;
        characters = slice_of(spelled.data, spelled.bytes);
    }
    return value_json_of((struct column_type){.kind = TYPE_ANY}, characters, &rows->row);
}

/* Appends the JSON that the field would be; whether it is of the type is another question. */
static int put_value(struct delimited_rows *rows, struct column_type type, struct slice characters,
                     bool quoted)
{
    switch (type.kind) {
    case TYPE_ANY:
        if (quoted)
            return json_string_encode(characters, &rows->row);
        return value_json_of(type, characters, &rows->row);
    case TYPE_JSON:
        return put_any_json(rows, characters);
    case TYPE_STRING:
    case TYPE_TIMESTAMP:
    case TYPE_DATE:
        return json_string_encode(characters, &rows->row);
    case TYPE_FLOAT64:
    case TYPE_DECIMAL:
        return put_number(rows, characters);
    default:
        /* A string where it is not spelled as JSON: value_fault() looks at valid JSON only. */
        return value_json_of((struct column_type){.kind = TYPE_ANY}, characters, &rows->row);
    }
}

/* A member with its comma. */
static int put_member(struct delimited_rows *rows, const struct delimited_rows_column *column,
                      struct slice characters, bool quoted, struct err *err)
{
    struct buf *row = &rows->row;
    const char *fault = NULL;
    size_t from;
    int r;

    r = buf_append(row, column->label.text, column->label.bytes);
    if (r < 0)
        return r;
    from = row->bytes;
    r = put_value(rows, column->type, characters, quoted);
    if (r < 0)
        return r;
    if (r > 0)
        fault = "is not valid JSON";
    else if (column->type.kind != TYPE_ANY && column->type.kind != TYPE_STRING)
        fault = value_fault(column->type, slice_of(row->data + from, row->bytes - from));
    if (fault)
        return err_set(err, -EINVAL, "column %s: %s %s", show_name(column).text,
                       characters.bytes ? delimited_show(characters).text : "\"\"", fault);
    return buf_append(row, ",", 1);
}

static int check_text(const struct delimited_rows *rows, const struct delimited_line *line,
                      struct err *err)
{
    if (is_ascii(&line->characters))
        return 0;
    for (size_t i = 0; i < rows->count; i++) {
        const char *fault = text_fault(field_at(line, i));

        if (fault)
            return err_set(err, -EINVAL, "column %s is not UTF-8 text: %s",
                           show_name(&rows->columns[i]).text, fault);
    }
    return 0;
}

static int put_members(struct delimited_rows *rows, const struct delimited_line *line,
                       struct err *err)
{
    int r = buf_append(&rows->row, "{", 1);

    for (size_t i = 0; i < rows->count && !r; i++) {
        struct slice characters = field_at(line, i);
        bool quoted = line->fields[i].quoted;

        if (characters.bytes || quoted)
            r = put_member(rows, &rows->columns[i], characters, quoted, err);
    }
    if (!r && rows->row.bytes > 1)
        rows->row.bytes--; /* the last comma */
    return r < 0 ? r : buf_append(&rows->row, "}", 1);
}

int delimited_rows_make(struct delimited_rows *rows, const struct delimited_line *line,
                        struct err *err)
{
    int r = check_text(rows, line, err);

    rows->row.bytes = 0;
    if (!r)
        r = put_members(rows, line, err);
    if (!r && rows->row.bytes > rows->row_limit)
        return err_set(err, -EFBIG, "the row is longer than %" PRIu64 " bytes (row_limit)",
                       rows->row_limit);
    return r == -ENOMEM ? err_nomem(err) : r;
}
