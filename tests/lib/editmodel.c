/* SPDX-License-Identifier: MIT */
/* Statements on lists of rows. */
#include "tests/lib/editmodel.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/check.h"

#define K   "\"k\":\"int64\""
#define V   "\"v\":\"int64\""
#define W   "\"w\":\"string\""
#define KEY ",\"key\":\"k\""

const struct editmodel_schema editmodel_schemas[EDITMODEL_SCHEMAS] = {
    {.text = "", .columns = NULL},
    {.text = "{\"columns\":{" K "," V "," W "}" KEY "}", .columns = "kvw", .key = true},
    {.text = "{\"columns\":{" K "," V "," W "}}", .columns = "kvw"},
    {.text = "{\"columns\":{" K "," V "}" KEY "}", .columns = "kv", .key = true},
    {.text = "{\"columns\":{" K "," V "," W ",\"x\":\"int64\"}" KEY "}",
     .columns = "kvwx",
     .key = true},
    {.text = "{\"columns\":{" K "," W ",\"n\":{\"type\":\"int64\",\"from\":\"v\"}}" KEY "}",
     .columns = "kwn",
     .from = 'v',
     .to = 'n',
     .key = true},
    {.text = "{\"columns\":{" K "," W ",\"v\":{\"type\":\"int64\",\"from\":\"n\"}}" KEY "}",
     .columns = "kwv",
     .from = 'n',
     .to = 'v',
     .key = true},
    {.text = "{\"columns\":{" K "," W ",\"n\":\"int64\"}}", .columns = "kwn"},
};

unsigned editmodel_runs;

static uint64_t last_id;

bool editmodel_allows(unsigned set, int result)
{
    switch (result) {
    case 0:
        return !set;
    case -EINVAL:
        return set & EDITMODEL_EINVAL;
    case -EEXIST:
        return set & EDITMODEL_EEXIST;
    case -ENOENT:
        return set & EDITMODEL_ENOENT;
    case -ECANCELED:
        return set & EDITMODEL_ECANCELED;
    default:
        return false;
    }
}

/* --- rows --------------------------------------------------------------------------- */

static int find_member(const struct editmodel_row *row, char name)
{
    for (unsigned i = 0; i < row->count; i++)
        if (row->members[i].name == name)
            return (int)i;
    return -1;
}

static bool has(const struct editmodel_row *row, char name, int value)
{
    int i = find_member(row, name);

    return i >= 0 && row->members[i].value == value;
}

static void remove_member(struct editmodel_row *row, unsigned i)
{
    row->count--;
    memmove(&row->members[i], &row->members[i + 1], (row->count - i) * sizeof row->members[0]);
}

static void put(struct buf *text, const char *more)
{
    assert_int_equal(buf_append(text, more, strlen(more)), 0);
}

void editmodel_print_row(const struct editmodel_row *row, struct buf *text)
{
    for (unsigned i = 0; i < row->count; i++) {
        char member[40];

        snprintf(member, sizeof member, "%s\"%c\":", i ? "," : "{", row->members[i].name);
        put(text, member);
        if (row->members[i].name == 'w') {
            put(text, "\"");
            for (int j = 0; j < row->members[i].value; j++)
                put(text, "x");
            put(text, "\"");
        } else {
            snprintf(member, sizeof member, "%d", row->members[i].value);
            put(text, member);
        }
    }
    put(text, row->count ? "}\n" : "{}\n");
}

void editmodel_print(const struct editmodel_table *t, char column, int value, struct buf *text)
{
    for (unsigned i = 0; i < t->count; i++)
        if (!column || has(&t->rows[i], column, value))
            editmodel_print_row(&t->rows[i], text);
}

/* --- what rows must be ------------------------------------------------------------------ */

static unsigned check_row(const struct editmodel_schema *schema, const struct editmodel_row *row)
{
    if (!schema->columns)
        return 0;
    for (unsigned i = 0; i < row->count; i++)
        if (!strchr(schema->columns, row->members[i].name))
            return EDITMODEL_EINVAL;
    return schema->key && find_member(row, 'k') < 0 ? EDITMODEL_EINVAL : 0;
}

static unsigned check_keys(const struct editmodel_schema *schema, const struct editmodel_row *rows,
                           unsigned count)
{
    for (unsigned i = 0; schema->key && i < count; i++)
        for (unsigned j = 0; j < i; j++) {
            int a = find_member(&rows[i], 'k'), b = find_member(&rows[j], 'k');

            if (a >= 0 && b >= 0 && rows[i].members[a].value == rows[j].members[b].value)
                return EDITMODEL_EEXIST;
        }
    return 0;
}

static unsigned check_table(const struct editmodel_table *t)
{
    unsigned errors = check_keys(t->schema, t->rows, t->count);

    for (unsigned i = 0; i < t->count; i++)
        errors |= check_row(t->schema, &t->rows[i]);
    return errors;
}

unsigned editmodel_fill(struct editmodel_statement *s)
{
    unsigned errors = 0;

    if (!s->column || s->kind != EDITMODEL_WRITE)
        return 0;
    for (unsigned i = 0; i < s->count; i++) {
        struct editmodel_row *row = &s->rows[i];

        if (find_member(row, s->column) >= 0) {
            if (!has(row, s->column, s->value))
                errors = EDITMODEL_EINVAL;
            continue;
        }
        memmove(&row->members[1], &row->members[0], row->count * sizeof row->members[0]);
        row->members[0].name = s->column;
        row->members[0].value = s->value;
        row->count++;
    }
    return errors;
}

/* --- statements ------------------------------------------------------------------------- */

static void add(struct editmodel_table *t, const struct editmodel_row *row)
{
    assert_true(t->count < EDITMODEL_ROWS);
    t->rows[t->count] = *row;
    t->rows[t->count++].id = ++last_id;
}

/* The row with the patch; false: it is the same. */
static bool patch(struct editmodel_row *row, const struct editmodel_statement *s)
{
    int i = find_member(row, s->member);

    if (i < 0 && s->to < 0)
        return false;
    if (i < 0) {
        i = (int)row->count++;
        row->members[i].name = s->member;
    } else if (row->members[i].value == s->to) {
        return false;
    }
    if (s->to < 0)
        remove_member(row, (unsigned)i);
    else
        row->members[i].value = s->to;
    return true;
}

/* Rows that stay, then those that are written, then those that are patched. */
static void edit(struct editmodel_table *t, const struct editmodel_statement *s,
                 struct editmodel_effect *effect)
{
    struct editmodel_table was = *t;
    struct editmodel_row patched[EDITMODEL_ROWS];
    unsigned patched_count = 0;
    bool edits = s->kind == EDITMODEL_PATCH || (s->replace && s->column);

    t->count = 0;
    for (unsigned i = 0; i < was.count; i++) {
        struct editmodel_row row = was.rows[i];
        bool selected = !s->column || has(&row, s->column, s->value);
        bool goes =
            s->kind == EDITMODEL_PATCH ? selected && patch(&row, s) : s->replace && selected;

        if (!goes)
            t->rows[t->count++] = row;
        else if (s->kind == EDITMODEL_PATCH)
            patched[patched_count++] = row;
        effect->changed |= goes;
    }
    effect->cleared =
        (s->replace && !s->column && was.count) || (edits && effect->changed && !editmodel_runs);
    for (unsigned i = 0; effect->cleared && i < t->count; i++)
        t->rows[i].id = ++last_id;
    for (unsigned i = 0; s->kind == EDITMODEL_WRITE && i < s->count; i++)
        add(t, &s->rows[i]);
    for (unsigned i = 0; i < patched_count; i++)
        add(t, &patched[i]);
    effect->changed |= s->kind == EDITMODEL_WRITE && s->count;
}

/* Which column of the new schema one of the old is; 0: none. */
static char successor(const struct editmodel_schema *old, const struct editmodel_schema *new,
                      char name)
{
    bool renames = new->from &&strchr(old->columns, new->from);

    if (renames && name == new->from)
        return new->to;
    if (!strchr(new->columns, name) || (renames && name == new->to))
        return 0;
    return name;
}

static unsigned check_evolution(const struct editmodel_schema *old,
                                const struct editmodel_schema *new)
{
    if (!old->columns)
        return new->from ? EDITMODEL_EINVAL : 0;
    if (!old->key && new->key)
        return EDITMODEL_EINVAL;
    /* Neither the old name nor the new one is there. */
    return new->from && !strchr(old->columns, new->from) && !strchr(old->columns, new->to)
               ? EDITMODEL_EINVAL
               : 0;
}

static void rewrite(struct editmodel_table *t, const struct editmodel_schema *new,
                    struct editmodel_effect *effect)
{
    const struct editmodel_schema *old = t->schema;
    bool rewrites = false;

    for (const char *c = old->columns; c && new->columns &&*c; c++)
        rewrites |= successor(old, new, *c) != *c;
    effect->cleared = rewrites && t->count;
    for (unsigned i = 0; effect->cleared && i < t->count; i++) {
        t->rows[i].id = ++last_id;
        for (unsigned j = t->rows[i].count; j--;) {
            char to = successor(old, new, t->rows[i].members[j].name);

            if (to)
                t->rows[i].members[j].name = to;
            else
                remove_member(&t->rows[i], j);
        }
    }
}

/* Whether they say the same: a "from" is no part of it, the order of the columns is. */
static bool same_schema(const struct editmodel_schema *a, const struct editmodel_schema *b)
{
    if (!a->columns || !b->columns)
        return a->columns == b->columns;
    return !strcmp(a->columns, b->columns) && a->key == b->key;
}

static unsigned reshape(struct editmodel_table *t, const struct editmodel_statement *s,
                        struct editmodel_effect *effect)
{
    if (same_schema(t->schema, s->schema))
        return 0;
    if (t->count && s->schema->columns && check_evolution(t->schema, s->schema))
        return EDITMODEL_EINVAL;
    effect->changed = effect->reshaped = true;
    rewrite(t, s->schema, effect);
    t->schema = s->schema;
    return check_table(t);
}

/* A column that the schema does not have. */
static bool is_no_column(const struct editmodel_table *t, const struct editmodel_statement *s)
{
    return s->column && t->schema->columns && !strchr(t->schema->columns, s->column);
}

unsigned editmodel_run(struct editmodel_table *t, const struct editmodel_statement *s,
                       struct editmodel_effect *ret_effect)
{
    struct editmodel_effect effect = {0};
    struct editmodel_table was = *t;
    unsigned errors = 0;

    if (s->expect_version && s->expect_version != t->version)
        return EDITMODEL_ECANCELED;
    if ((s->kind == EDITMODEL_PATCH || s->replace) && is_no_column(t, s))
        return EDITMODEL_ENOENT;
    if (s->kind == EDITMODEL_SCHEMA) {
        errors = reshape(t, s, &effect);
    } else {
        edit(t, s, &effect);
        errors = check_table(t);
    }
    t->version += effect.changed;
    t->schema_version += effect.reshaped;
    if (errors)
        *t = was;
    if (!errors && ret_effect)
        *ret_effect = effect;
    return errors;
}

/* --- transactions ----------------------------------------------------------------------- */

void editmodel_begin(struct editmodel_tx *tx, const struct editmodel_table *now)
{
    memset(tx, 0, sizeof *tx);
    memcpy(tx->base, now, sizeof tx->base);
    memcpy(tx->view, now, sizeof tx->view);
}

unsigned editmodel_run_tx(struct editmodel_tx *tx, unsigned table,
                          const struct editmodel_statement *s)
{
    struct editmodel_effect effect = {0};
    unsigned errors = editmodel_run(&tx->view[table], s, &effect);

    tx->cleared[table] |= effect.cleared;
    tx->reshaped[table] |= effect.reshaped;
    if (!errors && (s->kind == EDITMODEL_PATCH || (s->replace && s->column)))
        tx->read[table] = true;
    return errors;
}

static bool has_id(const struct editmodel_table *t, uint64_t id)
{
    for (unsigned i = 0; i < t->count; i++)
        if (t->rows[i].id == id)
            return true;
    return false;
}

/* Whether the transaction deletes this row of its base. */
static bool deletes(const struct editmodel_tx *tx, unsigned table, uint64_t id)
{
    return has_id(&tx->base[table], id) && (tx->cleared[table] || !has_id(&tx->view[table], id));
}

/* The rows that it would bring, behind those of `now` that stay. Returns whether it writes. */
static bool merge(const struct editmodel_tx *tx, unsigned table, const struct editmodel_table *now,
                  struct editmodel_table *ret)
{
    const struct editmodel_table *base = &tx->base[table], *view = &tx->view[table];
    bool writes = tx->reshaped[table] || (tx->cleared[table] && base->count);

    *ret = *now;
    ret->count = 0;
    ret->schema = tx->reshaped[table] ? view->schema : now->schema;
    for (unsigned i = 0; i < now->count; i++)
        if (!deletes(tx, table, now->rows[i].id))
            ret->rows[ret->count++] = now->rows[i];
    for (unsigned i = 0; i < base->count; i++)
        writes |= deletes(tx, table, base->rows[i].id);
    for (unsigned i = 0; i < view->count; i++) {
        if (has_id(base, view->rows[i].id))
            continue;
        assert_true(ret->count < EDITMODEL_ROWS);
        ret->rows[ret->count++] = view->rows[i];
        writes = true;
    }
    ret->version += writes;
    ret->schema_version += tx->reshaped[table];
    return writes;
}

static bool conflicts(const struct editmodel_tx *tx, unsigned table, bool writes,
                      const struct editmodel_table *now, const struct editmodel_table *merged)
{
    const struct editmodel_table *base = &tx->base[table];
    bool changed = now->version != base->version;

    if (writes && now->schema_version != base->schema_version)
        return true;
    if ((tx->reshaped[table] || (tx->serializable && tx->read[table])) && changed)
        return true;
    for (unsigned i = 0; i < base->count; i++)
        if (deletes(tx, table, base->rows[i].id) && !has_id(now, base->rows[i].id))
            return true;
    return writes && check_keys(merged->schema, merged->rows, merged->count);
}

bool editmodel_commit(const struct editmodel_tx *tx, struct editmodel_table *now)
{
    struct editmodel_table merged[EDITMODEL_TABLES];
    bool writes[EDITMODEL_TABLES], any = false;

    for (unsigned i = 0; i < EDITMODEL_TABLES; i++) {
        writes[i] = merge(tx, i, &now[i], &merged[i]);
        any |= writes[i];
    }
    if (!any)
        return true;
    for (unsigned i = 0; i < EDITMODEL_TABLES; i++)
        if (conflicts(tx, i, writes[i], &now[i], &merged[i]))
            return false;
    memcpy(now, merged, sizeof merged);
    return true;
}
