/* SPDX-License-Identifier: MIT */
/* The columns of a delimited file, and which of them a member of a row is. */
#include <errno.h>
#include <stdlib.h>

#include "core/delimited_private.h"
#include "core/namemap.h"

struct delimited_lookup {
    struct namemap by_name;
    size_t capacity;      /* of the names, and of: */
    struct slice *values; /* of the row that is printed, by column */
    struct buf scratch;   /* a name or a value of that row, without its escapes */
};

struct slice *delimited_columns_values(const struct delimited_columns *columns)
{
    return columns->lookup ? columns->lookup->values : NULL;
}

struct buf *delimited_columns_scratch(const struct delimited_columns *columns)
{
    return &columns->lookup->scratch;
}

void delimited_columns_finish(struct delimited_columns *columns)
{
    struct delimited_lookup *lookup = columns->lookup;

    for (size_t i = 0; i < columns->count; i++)
        free((char *)columns->names[i].text);
    free(columns->names);
    if (lookup) {
        namemap_finish(&lookup->by_name);
        buf_finish(&lookup->scratch);
        free(lookup->values);
        free(lookup);
    }
    *columns = (struct delimited_columns){0};
}

/* --- adding ------------------------------------------------------------------------ */

static int make_room(struct delimited_columns *columns)
{
    struct delimited_lookup *lookup = columns->lookup;
    struct slice *names, *values;
    size_t capacity;

    if (!lookup) {
        lookup = columns->lookup = calloc(1, sizeof *lookup);
        if (!lookup)
            return -ENOMEM;
    }
    if (columns->count < lookup->capacity)
        return 0;
    capacity = lookup->capacity ? 2 * lookup->capacity : 16;
    names = realloc(columns->names, capacity * sizeof *names);
    if (!names)
        return -ENOMEM;
    columns->names = names;
    values = realloc(lookup->values, capacity * sizeof *values);
    if (!values)
        return -ENOMEM;
    lookup->values = values;
    lookup->capacity = capacity;
    return 0;
}

/* Takes nothing: the characters are copied. */
static int add(struct delimited_columns *columns, struct slice characters)
{
    int r = make_room(columns);
    struct slice name;
    char *copy;

    if (r < 0)
        return r;
    copy = malloc(characters.bytes + 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, characters.text, characters.bytes);
    name = slice_of(copy, characters.bytes);
    r = namemap_add(&columns->lookup->by_name, name, columns->count);
    if (r < 0)
        free(copy);
    else
        columns->names[columns->count++] = name;
    return r;
}

int delimited_columns_of_schema(const struct schema *schema, struct delimited_columns *ret_columns)
{
    struct delimited_columns columns = {0};
    int r = 0;

    for (size_t i = 0; i < schema->count && !r; i++)
        r = add(&columns, schema->columns[i].name);
    if (r < 0)
        delimited_columns_finish(&columns);
    else
        *ret_columns = columns;
    return r;
}

/* --- finding ------------------------------------------------------------------------ */

int delimited_columns_find(const struct delimited_columns *columns, struct slice name, size_t guess,
                           size_t *ret_position)
{
    struct slice characters = slice_of(name.text + 1, name.bytes - 2);
    struct buf *scratch;

    if (!columns->lookup)
        return 0;
    /* Most rows have their members in the same order. */
    if (guess < columns->count && json_string_is(name, columns->names[guess])) {
        *ret_position = guess;
        return 1;
    }
    if (memchr(characters.text, '\\', characters.bytes)) {
        scratch = &columns->lookup->scratch;
        scratch->bytes = 0;
        if (json_string_decode(name, scratch) < 0)
            return -ENOMEM;
        characters = slice_of(scratch->data, scratch->bytes);
    }
    return namemap_find(&columns->lookup->by_name, characters, ret_position);
}

static int add_member(struct delimited_columns *columns, struct slice name, struct err *err)
{
    struct buf characters = {0};
    int r;

    if (columns->count == SCHEMA_MAX_COLUMNS)
        return err_set(err, -EFBIG, "the rows have more than %d columns", SCHEMA_MAX_COLUMNS);
    r = json_string_decode(name, &characters);
    if (!r)
        r = add(columns, slice_of(characters.data, characters.bytes));
    buf_finish(&characters);
    return r < 0 ? err_nomem(err) : 0;
}

int delimited_columns_add_row(struct delimited_columns *columns, struct slice row, struct err *err)
{
    struct json_members members;
    struct json_member member;
    size_t guess = 0;
    int r;

    json_members_begin(&members, row);
    while (json_members_next(&members, &member)) {
        r = delimited_columns_find(columns, member.name, guess, &guess);
        if (r < 0)
            return err_nomem(err);
        if (!r) {
            r = add_member(columns, member.name, err);
            if (r < 0)
                return r;
            guess = columns->count - 1;
        }
        guess++;
    }
    return 0;
}
