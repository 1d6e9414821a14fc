/* SPDX-License-Identifier: MIT */
/*
 * Random statements of two mounts, prepared on one version and committed on another, in
 * records of several, in records that lose their number, and in transactions: rows, lookups by
 * key and refusals are those of a model. The last seed that is printed is the one that failed:
 * ROWFS_TEST_SEED=<seed> runs that one alone, ROWFS_TEST_STEPS=1 prints its steps.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/db_private.h"
#include "core/pick.h"
#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/editmodel.h"
#include "tests/lib/edittool.h"
#include "tests/lib/fixture.h"
#include "tests/lib/partytool.h"
#include "tests/lib/txtool.h"

#define PENDING   5
#define OPEN      3
#define KEYS      10
#define MANY_ROWS 24      /* then they are replaced */
#define NEVER     1000000 /* a version that does not come */

static const char *const names[EDITMODEL_TABLES] = {"t", "u"};

/* A statement that was prepared. */
static struct pending {
    struct commit *commit; /* NULL: none */
    struct editmodel_statement model;
    unsigned db, table;
} pending[PENDING];

static struct open {
    struct tx *tx; /* NULL: none */
    struct editmodel_tx model;
} open[OPEN];

/* What a run does. */
static struct mode {
    uint64_t edit_runs;
    bool prepares, transactions;
    int long_text; /* letters of a w, so that rows are written to data objects */
} mode;

static struct db *dbs[2];
static struct editmodel_table now[EDITMODEL_TABLES];
static struct uuid batch_table;
static uint64_t seed, number;
static bool running;
static unsigned refused, done, conflicted; /* how often */

static unsigned below(size_t limit)
{
    return (unsigned)check_random_below(&seed, limit);
}

static bool one_in(unsigned of)
{
    return below(of) == 0;
}

/* --- statements ------------------------------------------------------------------------ */

static void add_member(struct editmodel_row *row, char name, int value)
{
    row->members[row->count].name = name;
    row->members[row->count++].value = value;
}

static struct editmodel_row random_row(const struct editmodel_schema *schema)
{
    struct editmodel_row row = {0};
    const char *columns = schema->columns ? schema->columns : "kvwx";

    if (!one_in(40))
        add_member(&row, 'k', (int)below(KEYS));
    for (const char *c = columns; *c; c++)
        if (*c != 'k' && one_in(2))
            add_member(&row, *c,
                       *c != 'w'   ? (int)below(3)
                       : one_in(3) ? mode.long_text
                                   : (int)below(3));
    if (one_in(60) || !row.count)
        add_member(&row, 'n', 1); /* which is no column, mostly */
    for (unsigned i = 0; i + 1 < row.count; i++)
        if (row.members[i].name == 'n' && row.members[row.count - 1].name == 'n')
            row.count--;
    return row;
}

/* A column to select by; w is text. */
static char random_column(const struct editmodel_schema *schema)
{
    const char *columns = schema->columns && !one_in(12) ? schema->columns : "kvxn";
    char column = columns[below(strlen(columns))];

    return column == 'w' ? 'k' : column;
}

static void add_rows(struct editmodel_statement *s, const struct editmodel_schema *schema,
                     unsigned most)
{
    s->count = 1 + below(most);
    for (unsigned i = 0; i < s->count; i++) {
        s->rows[i] = random_row(schema);
        if (s->column && s->rows[i].count && one_in(2) && s->rows[i].members[0].name == s->column)
            s->rows[i].members[0].value = s->value;
    }
}

static struct editmodel_statement random_statement(const struct editmodel_table *on)
{
    struct editmodel_statement s = {0};
    unsigned kind = on->count > MANY_ROWS ? 9 : below(20);

    if (kind >= 10 || kind == 3 || kind == 4) {
        s.column = random_column(on->schema);
        s.value = (int)below(s.column == 'k' ? KEYS : 3);
    }
    if (kind == 0) {
        s.kind = EDITMODEL_SCHEMA;
        s.schema = &editmodel_schemas[below(EDITMODEL_SCHEMAS)];
    } else if (kind >= 15 || kind == 1) {
        s.kind = EDITMODEL_PATCH;
        s.member = one_in(4) ? 'k' : random_row(on->schema).members[0].name;
        s.member = s.member == 'k' && one_in(2) ? 'v' : s.member;
        s.to = one_in(8) ? -1 : (int)below(s.member == 'k' ? KEYS : 3);
    } else {
        s.kind = EDITMODEL_WRITE;
        s.replace = kind >= 9;
        if (kind < 9 || !one_in(3))
            add_rows(&s, on->schema, s.replace ? 4 : 3);
    }
    if (s.kind != EDITMODEL_SCHEMA && one_in(15))
        s.expect_version = on->version + (one_in(2) ? NEVER : 0);
    return s;
}

static void print_rows(const struct editmodel_statement *s, struct buf *text)
{
    for (unsigned i = 0; i < s->count; i++)
        editmodel_print_row(&s->rows[i], text);
}

/* {"v":1}, or null, or a text. */
static void print_patch(const struct editmodel_statement *s, struct buf *text)
{
    struct editmodel_row row = {.count = 1};
    char null[20];

    row.members[0].name = s->member;
    row.members[0].value = s->to;
    snprintf(null, sizeof null, "{\"%c\":null}\n", s->member);
    if (s->to < 0)
        assert_int_equal(buf_append(text, null, strlen(null)), 0);
    else
        editmodel_print_row(&row, text);
}

/* The same statement for the database; the texts last until the next call. */
static struct statement real(const struct editmodel_statement *s, struct table *table)
{
    static struct buf text;
    static char column[2], value[12];
    struct statement real = {.replace = s->kind == EDITMODEL_SCHEMA || s->replace};

    text.bytes = 0;
    column[0] = s->column;
    snprintf(value, sizeof value, "%d", s->value);
    if (s->column) {
        real.column = column;
        real.value = value;
    }
    if (s->kind == EDITMODEL_WRITE)
        print_rows(s, &text);
    else if (s->kind == EDITMODEL_PATCH)
        print_patch(s, &text);
    else
        assert_int_equal(buf_append(&text, s->schema->text, strlen(s->schema->text)), 0);
    assert_int_equal(buf_append(&text, "", 1), 0);
    real.kind = s->kind == EDITMODEL_WRITE   ? INPUT_ROWS
                : s->kind == EDITMODEL_PATCH ? INPUT_PATCH
                                             : INPUT_SCHEMA;
    real.text = text.data;
    if (s->expect_version) /* the model counts otherwise */
        real.expect_version = table->version + (s->expect_version < NEVER ? 0 : NEVER);
    return real;
}

static void explain(const char *what, unsigned table, const struct editmodel_statement *s)
{
    struct buf text = {0};
    struct statement is = real(s, &(struct table){0});

    assert_int_equal(buf_append(&text, "", 1), 0);
    print_error("%s on %s: kind %d by/%s/%s%s: %s\n", what, names[table], s->kind,
                is.column ? is.column : "-", is.value ? is.value : "-",
                s->replace ? " replacing" : "", is.text);
    buf_finish(&text);
}

static void expect_result(int r, unsigned allowed, unsigned table,
                          const struct editmodel_statement *s, const struct err *err)
{
    if (editmodel_allows(allowed, r)) {
        refused += r < 0;
        done += !r;
        return;
    }
    explain(err->text, table, s);
    fail_msg("%s, the model allows %x", r < 0 ? err_name(r) : "success", allowed);
}

/* --- statements of their own -------------------------------------------------------------- */

/* How a statement that is prepared on this version may be refused; its rows are filled in. */
static unsigned refusals(struct editmodel_statement *s, const struct editmodel_table *on)
{
    static struct editmodel_table copy;
    struct editmodel_statement now_only;
    unsigned errors = editmodel_fill(s);

    if (s->column && on->schema->columns && !strchr(on->schema->columns, s->column))
        return EDITMODEL_ENOENT;
    copy = *on;
    now_only = *s;
    now_only.expect_version = 0; /* the commit looks at it */
    return errors | editmodel_run(&copy, &now_only, NULL);
}

/* Prepares it; false: it was refused, as it had to be. */
static bool prepare(unsigned db, unsigned table, struct editmodel_statement *s,
                    struct commit **ret_commit)
{
    struct table *look = dbtool_look(dbs[db], names[table]);
    struct statement is = real(s, look);
    struct err err = ERR_INIT;
    int r = edittool_prepare(dbs[db], look, is, ret_commit, &err);
    unsigned allowed = refusals(s, &now[table]);

    table_unref(look);
    if (allowed || r < 0)
        expect_result(r, allowed, table, s, &err);
    if (s->kind == EDITMODEL_WRITE && !s->replace)
        s->column = 0; /* its rows are filled in */
    return !r;
}

/* What a prepared statement has come to. */
static void expect_verdict(const struct pending *p, int r, const struct err *err)
{
    expect_result(r, editmodel_run(&now[p->table], &p->model, NULL), p->table, &p->model, err);
}

static void autocommit(unsigned db)
{
    struct pending p = {.db = db, .table = below(EDITMODEL_TABLES)};
    struct err err = ERR_INIT;

    p.model = random_statement(&now[p.table]);
    if (prepare(db, p.table, &p.model, &p.commit))
        expect_verdict(&p, edittool_run(dbs[db], p.commit, &err), &err);
}

static void prepare_one(void)
{
    struct pending *p = &pending[below(PENDING)];

    if (p->commit)
        return;
    *p = (struct pending){.db = below(2), .table = below(EDITMODEL_TABLES)};
    p->model = random_statement(&now[p->table]);
    if (!prepare(p->db, p->table, &p->model, &p->commit))
        p->commit = NULL;
}

static void run_one(void)
{
    struct pending *p = &pending[below(PENDING)];
    struct err err = ERR_INIT;

    if (p->commit)
        expect_verdict(p, edittool_run(dbs[p->db], steal_pointer(p->commit), &err), &err);
}

/* All of the first database in one record; perhaps it loses its number first. */
static void run_batch(void)
{
    struct party *leader = party_lead(dbtool_appending(dbs[0], batch_table, ROW1));
    struct pending *in[PENDING];
    unsigned count = 0;

    for (unsigned i = 0; i < PENDING; i++)
        if (pending[i].commit && pending[i].db == 0) {
            in[count++] = &pending[i];
            party_enqueue(steal_pointer(pending[i].commit));
        }
    party_enqueue(dbtool_appending(dbs[0], batch_table, ROW2)); /* one that is not refused */
    if (one_in(2)) {
        party_stop_batch(0);
        for (unsigned i = below(3); i < 3; i++)
            autocommit(1);
    }
    party_end(leader);
    for (unsigned i = 0; i < count; i++)
        expect_verdict(in[i], parties[1 + i].result, commit_reason(parties[1 + i].commit));
    assert_int_equal(leader->result, 0);
    assert_int_equal(parties[party_count - 1].result, 0);
    party_destroy();
}

/* --- transactions --------------------------------------------------------------------------- */

static void begin_one(void)
{
    struct open *o = &open[below(OPEN)];
    struct err err = ERR_INIT;

    if (o->tx)
        return;
    o->tx = txtool_begin(dbs[below(2)], NULL);
    editmodel_begin(&o->model, now);
    o->model.serializable = one_in(3);
    assert_ok(tx_set_serializable(o->tx, o->model.serializable, &err), &err);
}

static void statement_in_one(void)
{
    struct open *o = &open[below(OPEN)];
    unsigned table = below(EDITMODEL_TABLES), allowed;
    struct editmodel_statement s;
    struct err err = ERR_INIT;
    int r;

    if (!o->tx)
        return;
    s = random_statement(&o->model.view[table]);
    s.expect_version = 0;
    r = edittool_try_tx(o->tx, names[table], real(&s, NULL), &err);
    allowed = refusals(&s, &o->model.view[table]);
    if (!allowed)
        editmodel_run_tx(&o->model, table, &s);
    expect_result(r, allowed, table, &s, &err);
}

static void commit_one(void)
{
    struct open *o = &open[below(OPEN)];
    struct err err = ERR_INIT;
    bool expected;
    int r;

    if (!o->tx)
        return;
    r = txtool_commit(steal_pointer(o->tx), &err);
    expected = editmodel_commit(&o->model, now);
    conflicted += !expected;
    if (r != (expected ? 0 : -ECANCELED))
        fail_msg("%s instead of %s: %s", err_name(r), expected ? "success" : "a conflict",
                 err.text);
}

/* --- comparing -------------------------------------------------------------------------------- */

/* The rows that by/<column>/<value>/ has; `column` 0: all. */
static void compare_rows(struct db *db, struct table *table, const struct editmodel_table *model,
                         char column, int value)
{
    char column_name[2] = {column}, name[12];
    struct selection *selection;
    struct buf is = {0}, expected = {0};
    struct pick *pick = NULL;
    struct err err = ERR_INIT;
    struct picked picked;
    int r;

    snprintf(name, sizeof name, "%d", value);
    selection = edittool_selection(column ? column_name : NULL, name);
    assert_ok(pick_create(db, table, selection, 0, PICK_TO_END, &pick, &err), &err);
    while ((r = pick_next(pick, &picked, &err)) > 0)
        assert_int_equal(
            buf_append(&is, picked.row.text, picked.row.bytes) | buf_append(&is, "\n", 1), 0);
    assert_ok(r, &err);
    editmodel_print(model, column, value, &expected);
    if (is.bytes != expected.bytes || (is.bytes && memcmp(is.data, expected.data, is.bytes) != 0))
        fail_msg("%s has\n%.*sinstead of\n%.*s", table->name, (int)is.bytes, is.data,
                 (int)expected.bytes, expected.data);
    pick_destroy(pick);
    selection_unref(selection);
    buf_finish(&is);
    buf_finish(&expected);
}

static void compare_table(struct db *db, struct table *table, const struct editmodel_table *model)
{
    const char *columns = model->schema->columns;

    assert_int_equal(table_rows(table), model->count);
    assert_int_equal(table->schema != NULL, columns != NULL);
    compare_rows(db, table, model, 0, 0);
    for (int k = 0; k < KEYS; k++)
        compare_rows(db, table, model, 'k', k);
    if (!columns || strchr(columns, 'v'))
        compare_rows(db, table, model, 'v', 1);
}

static void compare_all(void)
{
    for (unsigned i = 0; i < EDITMODEL_TABLES; i++)
        for (unsigned d = 0; d < 2; d++) {
            struct table *table = dbtool_look(dbs[d], names[i]);

            compare_table(dbs[d], table, &now[i]);
            table_unref(table);
        }
}

static void compare_view(const struct open *o)
{
    struct snapshot *view = NULL;

    assert_int_equal(tx_view(o->tx, &view, NULL), 0);
    for (unsigned i = 0; i < EDITMODEL_TABLES; i++)
        compare_table(dbs[0], snapshot_table_named(view, names[i]), &o->model.view[i]);
    snapshot_unref(view);
}

/* --- runs ---------------------------------------------------------------------------------------
 */

static void step(void)
{
    unsigned what = below(20);

    if (mode.prepares && what < 6)
        prepare_one();
    else if (mode.prepares && what < 8)
        run_one();
    else if (mode.prepares && what < 9)
        run_batch();
    else if (mode.transactions && what < 11)
        begin_one();
    else if (mode.transactions && what < 16)
        statement_in_one();
    else if (mode.transactions && what < 17)
        commit_one();
    else
        autocommit(below(2));
    compare_all();
    for (unsigned i = 0; i < OPEN; i++)
        if (open[i].tx && one_in(3))
            compare_view(&open[i]);
}

static void begin_run(void)
{
    void *state = NULL;

    fixture_begin_two_mounts(&state);
    running = true;
    party_begin();
    dbs[0] = temp.db;
    dbs[1] = other;
    dbtool_table(temp.db, "u");
    batch_table = dbtool_table(temp.db, "z");
    memset(now, 0, sizeof now);
    for (unsigned i = 0; i < EDITMODEL_TABLES; i++) {
        now[i].schema = &editmodel_schemas[0];
        now[i].version = 1;
    }
    for (unsigned i = 0; i < 2; i++)
        dbs[i]->options.limits.edit_runs = mode.edit_runs;
    editmodel_runs = mode.edit_runs ? 1 : 0;
    edittool_do(temp.db, "t", SCHEMA(editmodel_schemas[1].text));
    now[0].schema = &editmodel_schemas[1];
}

/* Also behind a test that has failed. */
static int clean(void **state)
{
    for (unsigned i = 0; i < PENDING; i++)
        commit_destroy(steal_pointer(pending[i].commit));
    for (unsigned i = 0; i < OPEN; i++)
        tx_unref(steal_pointer(open[i].tx));
    if (running)
        fixture_end(state);
    running = false;
    return 0;
}

static void end_run(void)
{
    void *state = NULL;
    struct db *third = tempstore_another(&temp);

    for (unsigned i = 0; i < EDITMODEL_TABLES; i++) {
        struct table *table = dbtool_look(third, names[i]);

        compare_table(third, table, &now[i]);
        table_unref(table);
    }
    db_close(third);
    clean(&state);
}

static void run(uint64_t with, unsigned steps)
{
    seed = number = with;
    begin_run();
    for (unsigned i = 0; i < steps; i++) {
        if (getenv("ROWFS_TEST_STEPS"))
            print_message("seed %llu step %u\n", (unsigned long long)number, i);
        step();
    }
    end_run();
}

static void run_mode(struct mode what, unsigned seeds, unsigned steps)
{
    const char *only = getenv("ROWFS_TEST_SEED");

    mode = what;
    refused = done = conflicted = 0;
    for (uint64_t s = 1; s <= seeds; s++) {
        uint64_t with = only ? strtoull(only, NULL, 10) : s;

        print_message("seed %llu\n", (unsigned long long)with);
        run(with, steps);
        if (only)
            return;
    }
    print_message("%u done, %u refused, %u conflicts\n", done, refused, conflicted);
    assert_true(done > seeds * steps / 10 && refused > seeds * steps / 50);
    assert_true(!mode.transactions || conflicted > seeds);
}

static void statements_and_transactions_are_as_in_the_model(void **state)
{
    (void)state;
    run_mode((struct mode){.edit_runs = 4096, .prepares = true, .transactions = true}, 8, 400);
}

static void statements_that_write_data_objects_are_as_in_the_model(void **state)
{
    (void)state;
    run_mode(
        (struct mode){
            .edit_runs = 4096, .prepares = true, .transactions = true, .long_text = 30000},
        4, 150);
}

static void statements_that_write_few_runs_anew_are_as_in_the_model(void **state)
{
    (void)state;
    run_mode((struct mode){.edit_runs = 2, .prepares = true}, 4, 400);
}

static void statements_that_write_the_table_anew_are_as_in_the_model(void **state)
{
    (void)state;
    run_mode((struct mode){.edit_runs = 0, .prepares = true, .transactions = true}, 5, 400);
}

#define test(name) cmocka_unit_test_teardown(name, clean)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(statements_and_transactions_are_as_in_the_model),
        test(statements_that_write_data_objects_are_as_in_the_model),
        test(statements_that_write_few_runs_anew_are_as_in_the_model),
        test(statements_that_write_the_table_anew_are_as_in_the_model),
    };

    return cmocka_run_group_tests_name("edit model", tests, NULL, NULL);
}
