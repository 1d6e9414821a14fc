/* SPDX-License-Identifier: MIT */
/* From one schema to the next: whether rows can follow, and how they are rewritten. */
#include <errno.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/schema.h"
#include "core/schema_private.h"

/* --- which column becomes which ------------------------------------------------------- */

/*
 * A "from" that is no column of the old schema is of no account: it was done before, and the same
 * text was written again.
 */
static bool is_renamed(const struct schema *from, const struct column *column)
{
    return column->from.text && schema_position(from, column->from) != SCHEMA_NOWHERE;
}

/* What a column of the new schema was in the old one; SCHEMA_NOWHERE: it is new. */
static size_t predecessor(const struct schema *from, const struct schema *to,
                          const struct column *column)
{
    if (is_renamed(from, column))
        return schema_position(from, column->from);
    if (schema_position_from(to, column->name) != SCHEMA_NOWHERE)
        return SCHEMA_NOWHERE; /* another one took the old column, and this one took its name */
    return schema_position(from, column->name);
}

/* What a column of the old schema, by its name, is in the new one; SCHEMA_NOWHERE: it goes. */
static size_t successor(const struct schema *from, const struct schema *to, struct slice name)
{
    size_t position = schema_position_from(to, name);

    if (position != SCHEMA_NOWHERE)
        return position;
    position = schema_position(to, name);
    if (position != SCHEMA_NOWHERE && is_renamed(from, &to->columns[position]))
        return SCHEMA_NOWHERE; /* another one has its name now */
    return position;
}

/* --- what may change ---------------------------------------------------------------------- */

#define quoted(column) schema_quote_name((column)->name).text

static int check_first(const struct schema *to, struct evolution *evolution, struct err *err)
{
    for (size_t i = 0; i < to->count; i++)
        if (to->columns[i].from.text)
            return err_set(err, -EINVAL,
                           "column %s: it cannot be \"from\" another one, as there was no schema",
                           quoted(&to->columns[i]));
    evolution->rechecks = true;
    evolution->rekeys = to->key_count > 0;
    return 0;
}

static int check_gone(const struct schema *from, const struct schema *to,
                      struct evolution *evolution, struct err *err)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct column *column = &from->columns[i];

        if (successor(from, to, column->name) != SCHEMA_NOWHERE)
            continue;
        if (column->is_key)
            return err_set(err, -EINVAL, "column %s: it is of the key, and cannot go",
                           quoted(column));
        evolution->rewrites = true;
    }
    return 0;
}

/* A key goes as a whole or stays as it is, but for the names of its columns. */
static int check_key(const struct schema *from, const struct schema *to, struct err *err)
{
    for (size_t i = 0; i < to->key_count; i++) {
        const struct column *column = &to->columns[to->key[i]];

        if (!from->key_count)
            return err_set(err, -EINVAL,
                           "column %s: a table with rows gets a key with its first schema only",
                           quoted(column));
        if (i >= from->key_count || predecessor(from, to, column) != from->key[i])
            return err_set(err, -EINVAL,
                           "column %s: the key of a table with rows cannot become another one",
                           quoted(column));
    }
    if (to->key_count && to->key_count < from->key_count)
        return err_set(err, -EINVAL,
                       "column %s: the key of a table with rows cannot become another one",
                       quoted(&from->columns[from->key[to->key_count]]));
    return 0;
}

static int check_new(const struct column *column, struct err *err)
{
    if (column->from.text)
        return err_set(err, -EINVAL, "column %s: there is no column %s that it could be \"from\"",
                       quoted(column), schema_quote_name(column->from).text);
    if (column->required && !column->default_json.text)
        return err_set(err, -EINVAL,
                       "column %s: it is required, and the rows do not have it; give it a default",
                       quoted(column));
    return 0;
}

static bool type_equal(struct column_type a, struct column_type b)
{
    return a.kind == b.kind && a.precision == b.precision && a.scale == b.scale;
}

static int check_type(const struct column *old, const struct column *new, struct err *err)
{
    bool widens = old->type.kind == TYPE_INT64 && new->type.kind == TYPE_FLOAT64;
    char from[TYPE_TEXT_BYTES], to[TYPE_TEXT_BYTES];

    if (type_equal(old->type, new->type) || (widens && !old->is_key && !new->is_key))
        return 0;
    type_to_text(old->type, from);
    type_to_text(new->type, to);
    return err_set(err, -EINVAL, "column %s: there are rows, %s cannot become %s%s", quoted(new),
                   from, to, widens ? " in a key" : "");
}

/* Whether both have the same value as their default, or none: 1 or 0. Errors: -ENOMEM. */
static int same_default(const struct column *old, const struct column *new)
{
    cleanup_buf struct buf a = {0}, b = {0};

    if (!old->default_json.text || !new->default_json.text)
        return !old->default_json.text && !new->default_json.text;
    if (value_key(new->type, old->default_json, &a) < 0 ||
        value_key(new->type, new->default_json, &b) < 0)
        return -ENOMEM;
    return slice_equal(slice_of(a.data, a.bytes), slice_of(b.data, b.bytes));
}

static int check_changed(const struct column *old, const struct column *new, struct err *err)
{
    /* Where each row had to have a value, no row will show the default. */
    bool first_default = !old->default_json.text && old->required;
    int r = check_type(old, new, err);

    if (r < 0)
        return r;
    if (new->required && !old->required)
        return err_set(err, -EINVAL, "column %s: there are rows, it cannot become required",
                       quoted(new));
    r = same_default(old, new);
    if (r < 0)
        return err_nomem(err);
    if (!r && !first_default)
        return err_set(err, -EINVAL,
                       "column %s: there are rows that may show its default, it cannot change",
                       quoted(new));
    return 0;
}

static int check_columns(const struct schema *from, const struct schema *to,
                         struct evolution *evolution, struct err *err)
{
    int r = 0;

    for (size_t i = 0; i < to->count && !r; i++) {
        const struct column *new = &to->columns[i], *old;
        size_t position = predecessor(from, to, new);

        if (position == SCHEMA_NOWHERE) {
            r = check_new(new, err);
            continue;
        }
        old = &from->columns[position];
        r = check_changed(old, new, err);
        if (!slice_equal(old->name, new->name))
            evolution->rewrites = true;
    }
    return r;
}

int schema_evolve(const struct schema *from, const struct schema *to, bool has_rows,
                  struct evolution *ret_evolution, struct err *err)
{
    struct evolution evolution = {0};
    int r = 0;

    if (has_rows && to && !from) {
        r = check_first(to, &evolution, err);
    } else if (has_rows && to) {
        r = check_gone(from, to, &evolution, err);
        if (!r)
            r = check_key(from, to, err);
        if (!r)
            r = check_columns(from, to, &evolution, err);
    }
    if (!r)
        *ret_evolution = evolution;
    return r;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* What becomes of a member of a row; NULL in `*ret_column`: it goes. */
static int find_successor(const struct schema *from, const struct schema *to, struct slice name,
                          const struct column **ret_column)
{
    struct slice characters = slice_of(name.text + 1, name.bytes - 2);
    struct buf decoded = {0};
    size_t position;

    if (memchr(name.text, '\\', name.bytes)) {
        if (json_string_decode(name, &decoded) < 0)
            return -ENOMEM;
        characters = slice_of(decoded.data, decoded.bytes);
    }
    position = successor(from, to, characters);
    *ret_column = position == SCHEMA_NOWHERE ? NULL : &to->columns[position];
    buf_finish(&decoded);
    return 0;
}

static int append(struct buf *row, const char *begin, const char *end)
{
    return buf_append(row, begin, (size_t)(end - begin));
}

/* A member under the name that it has now. */
static int append_member(const struct column *column, const struct json_member *member,
                         struct buf *row)
{
    int r;

    if (json_string_is(member->name, column->name))
        return buf_append(row, member->member.text, member->member.bytes);
    r = json_string_encode(column->name, row);
    return r < 0 ? r
                 : append(row, member->name.text + member->name.bytes,
                          member->member.text + member->member.bytes);
}

/* A member that goes takes what divides it from the one before it along, or from the next one. */
static int rewrite(const struct schema *from, const struct schema *to, struct slice row,
                   struct buf *rewritten)
{
    const char *opening_end = NULL, *gap = row.text, *end = row.text + row.bytes;
    struct json_members members;
    struct json_member member;
    bool any = false;
    int r = 0;

    json_members_begin(&members, row);
    while (!r && json_members_next(&members, &member)) {
        const struct column *column;

        if (!opening_end)
            opening_end = member.member.text;
        r = find_successor(from, to, member.name, &column);
        if (!r && column) {
            r = any ? append(rewritten, gap, member.member.text)
                    : append(rewritten, row.text, opening_end);
            any = true;
        }
        if (!r && column)
            r = append_member(column, &member, rewritten);
        gap = member.member.text + member.member.bytes;
    }
    if (!r && !any && opening_end)
        r = append(rewritten, row.text, opening_end);
    return r < 0 ? r : append(rewritten, gap, end);
}

int schema_rewrite_row(const struct schema *from, const struct schema *to, struct slice row,
                       struct buf *rewritten)
{
    size_t before = rewritten->bytes;
    int r = rewrite(from, to, row, rewritten);

    if (r < 0)
        rewritten->bytes = before;
    return r;
}
