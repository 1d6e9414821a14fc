/* SPDX-License-Identifier: MIT */
/* Statements without memory and on disks that fail: done, or nothing of it is. */
#include <stdio.h>
#include <stdlib.h>

#include "core/db_private.h"
#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/edittool.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"
#include "tests/lib/nomem.h"
#include "tests/lib/txtool.h"

#define R(k, v) "{\"k\":" #k ",\"v\":" #v "}\n"
#define BASE    R(1, 0) R(2, 1) R(3, 0) R(4, 1)

#define RENAMED                                                                                    \
    "{\"columns\":{\"k\":\"int64\",\"n\":{\"type\":\"int64\",\"from\":\"v\"},\"w\":\"string\"},"   \
    "\"key\":\"k\"}"

/* A statement, what others do between its preparation and its commit, and the table then. */
static const struct scenario {
    const char *schema;
    struct statement statement, meanwhile;
    const char *rows;
} scenarios[] = {
    {KEYED_SCHEMA,
     {.kind = INPUT_ROWS, .text = R(5, 5) R(6, 6)},
     {.text = ""},
     BASE R(5, 5) R(6, 6)},
    {KEYED_SCHEMA,
     {.kind = INPUT_PATCH, .column = "v", .value = "0", .text = "{\"v\":2}"},
     {.kind = INPUT_ROWS, .text = R(5, 0)},
     R(2, 1) R(4, 1) R(1, 2) R(3, 2) R(5, 2)},
    {KEYED_SCHEMA,
     {.kind = INPUT_PATCH, .column = "v", .value = "0", .text = "{\"v\":2}"},
     {.kind = INPUT_PATCH, .column = "k", .value = "1", .text = "{\"k\":8}"},
     R(2, 1) R(4, 1) R(3, 2) R(8, 2)},
    {KEYED_SCHEMA,
     {.kind = INPUT_ROWS, .column = "v", .value = "1", .replace = true, .text = R(7, 1) R(4, 1)},
     {.kind = INPUT_ROWS, .text = R(5, 1) R(6, 2)},
     R(1, 0) R(3, 0) R(6, 2) R(7, 1) R(4, 1)},
    {"",
     {.kind = INPUT_SCHEMA, .replace = true, .text = KEYED_SCHEMA},
     {.kind = INPUT_ROWS, .text = R(5, 1)},
     BASE R(5, 1)},
    {KEYED_SCHEMA,
     {.kind = INPUT_SCHEMA, .replace = true, .text = RENAMED},
     {.kind = INPUT_ROWS, .column = "v", .value = "1", .replace = true, .text = R(5, 1)},
     "{\"k\":1,\"n\":0}\n{\"k\":3,\"n\":0}\n{\"k\":5,\"n\":1}\n"},
    {"",
     {.kind = INPUT_ROWS, .text = R(5, 5)},
     {.kind = INPUT_SCHEMA, .replace = true, .text = KEYED_SCHEMA},
     BASE R(5, 5)},
};

static struct commit *commit;
static struct err err;
static char *before; /* the rows before the commit */
static uint64_t version;

/* The table has a schema and the base's rows. */
static void set_up(const struct scenario *s)
{
    edittool_do(temp.db, "t", SCHEMA(""));
    edittool_do(temp.db, "t", REPLACE(BASE));
    edittool_do(temp.db, "t", SCHEMA(s->schema));
}

static void meanwhile(const struct scenario *s)
{
    if (*s->meanwhile.text)
        edittool_do(other, "t", s->meanwhile);
    free(before);
    before = dbtool_rows(other, "t");
    version = dbtool_version(other);
}

static void expect_nothing_done(void)
{
    assert_int_equal(dbtool_version(other), version);
    edittool_expect(other, "t", before);
    edittool_expect(temp.db, "t", before);
}

static void expect_done(const struct scenario *s)
{
    edittool_expect(other, "t", s->rows);
    edittool_expect(temp.db, "t", s->rows);
}

static int prepare(struct table *table, const struct statement *statement)
{
    commit = NULL;
    err = (struct err)ERR_INIT;
    return edittool_prepare(temp.db, table, *statement, &commit, &err);
}

static int end(void **state)
{
    nomem_end();
    free(before);
    before = NULL;
    return fixture_end(state);
}

/* --- memory ---------------------------------------------------------------------------------- */

/* The preparation is refused memory after ever more requests, then the commit. */
static void starve_preparation(const struct scenario *s)
{
    struct table *table;
    bool starved = true;
    unsigned granted;

    set_up(s);
    meanwhile(&(struct scenario){.meanwhile = {.text = ""}});
    table = dbtool_look(temp.db, "t");
    for (granted = 0; starved; granted++) {
        int r;

        nomem_after(granted);
        r = prepare(table, &s->statement);
        starved = nomem_end();
        assert_fails(r, starved && r ? -ENOMEM : 0, &err);
        if (!r)
            commit_destroy(commit);
    }
    assert_true(granted > 4);
    table_unref(table);
    expect_nothing_done();
}

static void starve_commit(const struct scenario *s)
{
    bool starved = true;
    unsigned granted;

    for (granted = 0; starved; granted++) {
        struct table *table;
        int r;

        set_up(s);
        table = dbtool_look(temp.db, "t");
        assert_ok(prepare(table, &s->statement), &err);
        table_unref(table);
        meanwhile(s);
        assert_true(dbtool_version(temp.db) == version);
        nomem_after(granted);
        r = commit_run(temp.db, commit);
        starved = nomem_end();
        assert_fails(r, starved && r ? -ENOMEM : 0, commit_reason(commit));
        commit_destroy(commit);
        if (r)
            expect_nothing_done();
        else
            expect_done(s);
    }
    assert_true(granted > 20);
}

static void starve_statement(const struct scenario *s)
{
    bool starved = true;

    for (unsigned granted = 0; starved; granted++) {
        struct snapshot *view = NULL;
        struct tx *tx;
        char *was, *is;
        int r;

        set_up(s);
        tx = txtool_begin(temp.db, NULL);
        assert_int_equal(tx_view(tx, &view, NULL), 0);
        assert_ok(prepare(snapshot_table_named(view, "t"), &s->statement), &err);
        snapshot_unref(view);
        was = txtool_rows(tx, "t");
        nomem_after(granted);
        r = tx_apply(tx, commit, &err);
        starved = nomem_end();
        commit_destroy(commit);
        assert_fails(r, starved && r ? -ENOMEM : 0, &err);
        if (r && tx_state(tx) == TX_OPEN) {
            is = txtool_rows(tx, "t");
            assert_string_equal(is, was);
            free(is);
        }
        free(was);
        tx_unref(tx);
    }
}

static void statements_without_memory_are_none(void **state)
{
    (void)state;
    for (unsigned runs = 0; runs < 2; runs++)
        for (unsigned i = 0; i < ARRAY_COUNT(scenarios); i++) {
            temp.db->options.limits.edit_runs = runs ? 4096 : 0;
            starve_preparation(&scenarios[i]);
            starve_commit(&scenarios[i]);
            starve_statement(&scenarios[i]);
        }
}

/* --- disks ---------------------------------------------------------------------------------------
 */

/* Whose commit may have happened takes no more, so that it must be opened again. */
static void open_again(void)
{
    db_close(temp.db);
    tempstore_open_db(&temp);
}

/* All in data objects, of which every call fails once. */
static void strike(const struct scenario *s, enum faultio_call call, int code)
{
    bool struck = true;
    unsigned skip;

    for (skip = 0; struck; skip++) {
        struct table *table;
        int r;

        set_up(s);
        edittool_do(temp.db, "t", PATCH("{\"w\":\"\"}"));
        table = dbtool_look(temp.db, "t");
        meanwhile(&(struct scenario){.meanwhile = {.text = ""}});
        faultio_reset();
        faultio_rule(call, skip, 1, FAULTIO_REFUSE, code);
        r = prepare(table, &s->statement);
        table_unref(table);
        if (!r)
            r = commit_run(temp.db, commit);
        struck = faultio_struck();
        faultio_reset();
        if (commit && commit_is_unknown(commit)) {
            commit_destroy(commit);
            open_again();
            continue;
        }
        commit_destroy(commit);
        assert_true(!r || struck);
        if (r)
            expect_nothing_done();
    }
    assert_true(skip > 1);
}

static void statements_on_a_disk_that_fails_are_done_or_not(void **state)
{
    char *large = edittool_rows(10, 14, 1, 40000), *text = malloc(200000);
    struct scenario writes = {.schema = KEYED_SCHEMA, .statement = INSERT(large)};
    struct scenario patches = {.schema = KEYED_SCHEMA, .statement = {.kind = INPUT_PATCH}};
    const enum faultio_call calls[] = {FAULTIO_OPEN,  FAULTIO_OPEN_UNNAMED, FAULTIO_WRITE,
                                       FAULTIO_FSYNC, FAULTIO_LINK,         FAULTIO_READ};

    (void)state;
    assert_non_null(text);
    memset(text, 'x', 60000);
    memcpy(text, "{\"w\":\"", 6);
    strcpy(text + 60000, "\"}\n");
    patches.statement.text = text;
    temp.db->options.limits.segment_rows = 2;
    for (unsigned i = 0; i < ARRAY_COUNT(calls); i++) {
        strike(&writes, calls[i], calls[i] == FAULTIO_READ ? EIO : ENOSPC);
        strike(&patches, calls[i], calls[i] == FAULTIO_READ ? EIO : ENOSPC);
    }
    free(text);
    free(large);
}

#define test(name) cmocka_unit_test_setup_teardown(name, fixture_begin_two_mounts, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(statements_without_memory_are_none),
        test(statements_on_a_disk_that_fails_are_done_or_not),
    };

    return cmocka_run_group_tests_name("edit faults", tests, NULL, NULL);
}
