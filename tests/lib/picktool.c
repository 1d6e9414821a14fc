/* SPDX-License-Identifier: MIT */
/* Selections and the rows that are found by them. */
#include "tests/lib/picktool.h"

#include <stdlib.h>

#include "core/commit.h"
#include "core/pick.h"
#include "core/reshape.h"
#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"

struct schema *picktool_schema(const char *text)
{
    struct schema *schema = NULL;
    struct err err = ERR_INIT;

    if (text)
        assert_ok(schema_parse(slice_of(text, strlen(text)), &schema, &err), &err);
    return schema;
}

/* The next part of a path, cut off with a NUL. */
static const char *next_part(char **path)
{
    char *part = *path, *slash = strchr(part, '/');

    if (slash)
        *slash = '\0';
    *path = slash ? slash + 1 : part + strlen(part);
    return part;
}

int picktool_try(const char *conditions, struct selection **ret_selection)
{
    char *copy = strdup(conditions), *path = copy;
    struct selection *selection = NULL;
    int r = 0;

    assert_non_null(copy);
    while (*path && !r) {
        const char *column = next_part(&path), *name = next_part(&path);
        struct selection *next = NULL;

        r = selection_create(selection, column, name, &next);
        selection_unref(selection);
        selection = next;
    }
    free(copy);
    if (!r)
        *ret_selection = selection;
    return r;
}

struct selection *picktool_selection(const char *conditions)
{
    struct selection *selection = NULL;
    int r = picktool_try(conditions, &selection);

    if (r < 0)
        print_error("no selection: %s\n", conditions);
    assert_int_equal(r, 0);
    return selection;
}

int picktool_set_schema(struct db *db, const char *name, const char *text, struct err *err)
{
    struct table *table = dbtool_look(db, name);
    struct schema *schema = picktool_schema(text);
    struct reshape *reshape = NULL;
    struct commit *commit = NULL;
    int r = reshape_create(db, table, schema, &reshape, err);

    assert_int_equal(commit_create(&commit), 0);
    if (!r)
        r = reshape_seal(reshape, err);
    if (!r)
        r = commit_add_schema(commit, table->uuid, reshape);
    if (!r)
        r = commit_run(db, commit);
    if (r < 0 && err && commit_reason(commit)->text[0])
        *err = *commit_reason(commit);
    commit_destroy(commit);
    schema_unref(schema);
    table_unref(table);
    return r;
}

char *picktool_rows(struct db *db, struct table *table, const char *conditions)
{
    struct selection *selection = picktool_selection(conditions);
    struct pick *pick = NULL;
    struct err err = ERR_INIT;
    struct picked picked;
    struct buf rows = {0};
    int r = pick_create(db, table, selection, 0, PICK_TO_END, &pick, &err);

    assert_ok(r, &err);
    while ((r = pick_next(pick, &picked, &err)) > 0) {
        assert_int_equal(buf_append(&rows, picked.row.text, picked.row.bytes), 0);
        assert_int_equal(buf_append(&rows, "\n", 1), 0);
    }
    assert_ok(r, &err);
    assert_int_equal(buf_append(&rows, "", 1), 0);
    pick_destroy(pick);
    selection_unref(selection);
    return rows.data;
}

void picktool_expect(struct db *db, const char *name, const char *conditions, const char *rows)
{
    struct table *table = dbtool_look(db, name);
    char *found = picktool_rows(db, table, conditions);

    assert_string_equal(found, rows);
    free(found);
    table_unref(table);
}
