/* SPDX-License-Identifier: MIT */
/* Whether rows are of a schema. For each row that is written, so nothing here asks for memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/schema.h"
#include "core/schema_private.h"

struct slot {
    uint64_t seen;   /* the number of the last row that had the column */
    size_t next;     /* the column that came behind it when we last looked */
    bool must_be;    /* in every row: required, and without a default */
    bool is_literal; /* its name is written in JSON as it is, and what is so written is it */
};

struct schema_check {
    const struct schema *schema;
    struct slot *slots; /* of the columns, and behind them one for the row's beginning */
    size_t must_be;
    uint64_t row;
    struct buf name; /* has room for each name that could be a column's, however it is written */
    size_t name_limit;
};

int schema_check_create(const struct schema *schema, struct schema_check **ret_check)
{
    struct schema_check *check = calloc(1, sizeof *check);
    size_t longest = 0;

    if (!check)
        return -ENOMEM;
    check->schema = schema;
    check->slots = calloc(schema->count + 1, sizeof *check->slots);
    if (!check->slots)
        goto no_memory;
    for (size_t i = 0; i < schema->count; i++) {
        const struct column *column = &schema->columns[i];

        check->slots[i] = (struct slot){
            .next = (i + 1) % schema->count,
            .must_be = column->required && !column->default_json.text,
            .is_literal = !memchr(column->name.text, '\\', column->name.bytes),
        };
        check->must_be += check->slots[i].must_be;
        longest = column->name.bytes > longest ? column->name.bytes : longest;
    }
    check->name_limit = 6 * longest + 2; /* each byte a \uXXXX, and the quotes */
    if (buf_reserve(&check->name, check->name_limit) < 0)
        goto no_memory;
    *ret_check = check;
    return 0;

no_memory:
    schema_check_destroy(check);
    return -ENOMEM;
}

void schema_check_destroy(struct schema_check *check)
{
    if (!check)
        return;
    buf_finish(&check->name);
    free(check->slots);
    free(check);
}

static size_t find_name(struct schema_check *check, struct slice name)
{
    if (name.bytes > check->name_limit)
        return SCHEMA_NOWHERE;
    if (!memchr(name.text, '\\', name.bytes))
        return schema_position(check->schema, slice_of(name.text + 1, name.bytes - 2));
    check->name.bytes = 0;
    if (json_string_decode(name, &check->name) < 0)
        return SCHEMA_NOWHERE; /* there is room: does not happen */
    return schema_position(check->schema, slice_of(check->name.data, check->name.bytes));
}

/*
 * The column of a name that stands behind that of another one. Rows of one program have their
 * members in one order: the guess is that it is the same one as in the row before.
 */
static size_t find_behind(struct schema_check *check, size_t before, struct slice name)
{
    size_t guess = check->slots[before].next, found;
    struct slice expected = check->schema->columns[guess].name;

    if (name.bytes == expected.bytes + 2 && check->slots[guess].is_literal &&
        !memcmp(name.text + 1, expected.text, expected.bytes))
        return guess;
    found = find_name(check, name);
    if (found != SCHEMA_NOWHERE)
        check->slots[before].next = found;
    return found;
}

static int refuse_unknown(struct slice name, struct err *err)
{
    struct schema_quote quote = schema_quote_json(slice_of(name.text + 1, name.bytes - 2));

    return err_set(err, -EINVAL, "column %s is not in the schema",
                   name.bytes > 2 ? quote.text : "\"\"");
}

static int check_value(const struct column *column, struct slice value, struct err *err)
{
    const char *fault;

    if (json_kind(value) == JSON_KIND_NULL) {
        if (!column->required)
            return 0;
        return err_set(err, -EINVAL, "column %s is null, but required",
                       schema_quote_name(column->name).text);
    }
    fault = value_fault(column->type, value);
    if (!fault)
        return 0;
    return err_set(err, -EINVAL, "column %s: %s %s", schema_quote_name(column->name).text,
                   schema_quote_json(value).text, fault);
}

static int refuse_missing(const struct schema_check *check, struct err *err)
{
    size_t i = 0;

    while (!check->slots[i].must_be || check->slots[i].seen == check->row)
        i++;
    return err_set(err, -EINVAL, "column %s is missing",
                   schema_quote_name(check->schema->columns[i].name).text);
}

int schema_check_row(struct schema_check *check, struct slice row, struct err *err)
{
    size_t position = check->schema->count, found = 0;
    struct json_members members;
    struct json_member member;
    int r;

    check->row++;
    json_members_begin(&members, row);
    while (json_members_next(&members, &member)) {
        position = find_behind(check, position, member.name);
        if (position == SCHEMA_NOWHERE)
            return refuse_unknown(member.name, err);
        r = check_value(&check->schema->columns[position], member.value, err);
        if (r < 0)
            return r;
        check->slots[position].seen = check->row;
        found += check->slots[position].must_be; /* no name is twice in a row */
    }
    return found < check->must_be ? refuse_missing(check, err) : 0;
}
