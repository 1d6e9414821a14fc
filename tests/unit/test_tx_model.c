/* SPDX-License-Identifier: MIT */
/*
 * Random statements in random transactions on two mounts of one store, against a model
 * (tests/lib/txmodel.h): every view, every result and every version must be its own.
 * ROWFS_SEED=n runs one seed of each, ROWFS_SEEDS=n so many.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/scan.h"
#include "tests/lib/check.h"
#include "tests/lib/faultio.h"
#include "tests/lib/tempstore.h"
#include "tests/lib/txmodel.h"
#include "tests/lib/txtool.h"

#define OPEN  4    /* transactions at once */
#define TEXTS 4000 /* rows that are ever written */
#define MANY  60   /* rows of a table, after which it is replaced */
#define WRITE 4    /* rows of one statement at most */

static const char *const names[TXMODEL_NAMES] = {"a", "b", "c", "d", "e"};

static struct open {
    struct tx *tx;
    struct db *db;
    struct txmodel_tx model;
} opened[OPEN];

static struct tempstore temp;
static struct db *dbs[2];
static struct txmodel_state head;
static uint64_t seed;
static size_t text_bytes[TEXTS], most_bytes;
static unsigned text_count;
static unsigned committed, refused; /* how often */
static size_t haste;                /* of a hundred steps of a transaction, so many are its end */

static size_t below(size_t limit)
{
    return check_random_below(&seed, limit);
}

/* --- rows -------------------------------------------------------------------------------- */

static unsigned new_text(void)
{
    size_t bytes = below(8) ? 30 + below(100) : 30 + below(most_bytes);

    assert_true(text_count < TEXTS);
    text_bytes[text_count] = bytes;
    return text_count++;
}

/* Appends a row: its number, and as much as it is long. */
static void add_text(struct buf *rows, unsigned text)
{
    char *row = txtool_long_row((char)('a' + text % 26), text_bytes[text]);
    char number[12];

    snprintf(number, sizeof number, "%08u", text);
    memcpy(row + 6, number, 8);
    assert_int_equal(buf_append(rows, row, text_bytes[text]), 0);
    free(row);
}

/* --- comparing -------------------------------------------------------------------------- */

static void compare_row(struct db *db, struct table *table, const struct txmodel_table *model)
{
    size_t row = below(model->count);
    struct err err = ERR_INIT;
    struct buf is = {0};
    struct scan scan;
    const char *text;
    size_t bytes;

    scan_init(&scan, db_store(db), table);
    assert_ok(scan_seek(&scan, row, &err), &err);
    assert_int_equal(scan_next(&scan, &text, &bytes, &err), 1);
    add_text(&is, model->rows[row].text);
    assert_int_equal(bytes + 1, is.bytes);
    assert_memory_equal(text, is.data, bytes);
    buf_finish(&is);
    scan_finish(&scan);
}

static void compare_table(struct db *db, struct table *table, const struct txmodel_table *model)
{
    struct buf should = {0}, is = {0};
    struct err err = ERR_INIT;

    assert_non_null(table);
    assert_int_equal(table_rows(table), model->count);
    for (size_t i = 0; i < model->count; i++)
        add_text(&should, model->rows[i].text);
    assert_int_equal(table_bytes(table), should.bytes);
    if (!should.bytes)
        return;
    assert_int_equal(buf_reserve(&is, should.bytes), 0);
    if (table_read(db_store(db), table, is.data, should.bytes, 0, &err) != (int)should.bytes)
        assert_ok(-EIO, &err);
    assert_memory_equal(is.data, should.data, should.bytes);
    buf_finish(&should);
    buf_finish(&is);
    compare_row(db, table, model);
}

/* The snapshot is taken over. */
static void compare(struct db *db, struct snapshot *snapshot, struct txmodel_state *model)
{
    assert_int_equal(ptree_count(snapshot->by_name), model->count);
    for (size_t i = 0; i < model->count; i++)
        compare_table(db, snapshot_table_named(snapshot, names[model->tables[i].name]),
                      &model->tables[i]);
    snapshot_unref(snapshot);
}

static void compare_head(struct db *db)
{
    struct snapshot *snapshot = NULL;
    struct err err = ERR_INIT;

    assert_ok(db_refresh(db, &snapshot, &err), &err);
    compare(db, snapshot, &head);
}

static void compare_view(struct open *open)
{
    struct snapshot *view = NULL;
    struct err err = ERR_INIT;

    assert_ok(tx_view(open->tx, &view, &err), &err);
    compare(open->db, view, &open->model.view);
}

/* --- statements ------------------------------------------------------------------------- */

/* A commit and the same in the model. */
struct statement {
    struct commit *commit;
    int expected;
};

static struct uuid uuid_in(struct snapshot *on, unsigned name)
{
    return snapshot_table_named(on, names[name])->uuid;
}

static void write_rows(struct statement *s, struct txmodel_tx *model, struct db *db,
                       struct uuid uuid, const struct txmodel_table *table)
{
    bool replace = table->count > MANY || !below(4);
    unsigned texts[WRITE];
    size_t count = below(WRITE + 1);
    struct buf rows = {0};
    struct stage stage;

    for (size_t i = 0; i < count; i++)
        add_text(&rows, texts[i] = new_text());
    dbtool_stage(db, uuid, rows.data, rows.bytes, &stage);
    assert_int_equal(commit_add_write(s->commit, uuid, replace, &stage, 0), 0);
    s->expected = txmodel_write(model, table->name, replace, texts, count);
    buf_finish(&rows);
}

static struct statement make_statement(struct txmodel_tx *model, struct db *db, struct snapshot *on)
{
    struct txmodel_state *view = &model->view;
    const struct txmodel_table *table = view->count ? &view->tables[below(view->count)] : NULL;
    const struct txmodel_table *target = table ? &view->tables[below(view->count)] : NULL;
    struct statement s = {0};
    size_t kind = below(20), name = below(TXMODEL_NAMES);

    assert_int_equal(commit_create(&s.commit), 0);
    if (!table || kind == 0) {
        assert_int_equal(commit_add_create(s.commit, names[name]), 0);
        s.expected = txmodel_create(model, (unsigned)name);
    } else if (kind == 1) {
        commit_add_drop(s.commit, uuid_in(on, table->name), names[table->name]);
        s.expected = txmodel_drop(model, table->name);
    } else if (kind == 2) {
        commit_add_rename(s.commit, uuid_in(on, table->name), names[table->name], names[name],
                          false);
        s.expected = txmodel_rename(model, table->name, (unsigned)name);
    } else if (kind <= 6) {
        commit_add_move_rows(s.commit, uuid_in(on, table->name), uuid_in(on, target->name));
        s.expected = txmodel_move(model, table->name, target->name);
    } else {
        write_rows(&s, model, db, uuid_in(on, table->name), table);
    }
    return s;
}

static void run_statement(struct open *open)
{
    struct snapshot *view = NULL;
    struct err err = ERR_INIT;
    struct statement s;

    assert_ok(tx_view(open->tx, &view, &err), &err);
    s = make_statement(&open->model, open->db, view);
    snapshot_unref(view);
    assert_fails(txtool_apply(open->tx, s.commit, &err), s.expected, &err);
    if (below(2))
        compare_view(open);
}

/* A commit of one statement is a transaction that begins where it commits. */
static void autocommit(struct db *db)
{
    static struct txmodel_tx model;
    struct snapshot *snapshot = NULL;
    struct err err = ERR_INIT;
    struct statement s;

    txmodel_begin(&model, &head);
    assert_ok(db_refresh(db, &snapshot, &err), &err);
    s = make_statement(&model, db, snapshot);
    snapshot_unref(snapshot);
    assert_fails(commit_run(db, s.commit), s.expected, commit_reason(s.commit));
    commit_destroy(s.commit);
    if (!s.expected)
        assert_int_equal(txmodel_commit(&model, &head), 0);
    compare_head(dbs[below(2)]);
}

static void note_reading(struct open *open)
{
    const struct txmodel_state *view = &open->model.view;
    unsigned name;

    if (!view->count || !below(4)) {
        tx_note_tables_listed(open->tx);
        open->model.listed = true;
        return;
    }
    name = view->tables[below(view->count)].name;
    txtool_note_read(open->tx, names[name]);
    txmodel_read(&open->model, name);
}

/* --- transactions ------------------------------------------------------------------------ */

static void begin_one(struct open *open)
{
    struct err err = ERR_INIT;

    open->db = dbs[below(2)];
    open->tx = txtool_begin(open->db, NULL);
    txmodel_begin(&open->model, &head);
    open->model.serializable = !below(3);
    assert_ok(tx_set_serializable(open->tx, open->model.serializable, &err), &err);
}

static void end_one(struct open *open)
{
    tx_unref(open->tx);
    open->tx = NULL;
}

static void expect_winner(struct open *open)
{
    json_t *status = txtool_status(open->tx), *conflict = json_object_get(status, "conflict");

    assert_true(json_is_true(json_object_get(conflict, "exact")));
    assert_true(json_integer_value(json_object_get(conflict, "version")) >
                json_integer_value(json_object_get(status, "base")));
    json_decref(status);
}

/* Sometimes the disk is full: then it is open still, unless rows could not be written out. */
static void commit_one(struct open *open)
{
    struct err err = ERR_INIT;
    bool full = !below(8), struck;
    int r;

    if (full)
        faultio_rule(FAULTIO_LINK, 0, 1, FAULTIO_REFUSE, ENOSPC);
    r = tx_commit(open->tx, &err);
    struck = faultio_struck();
    faultio_reset();
    if (struck) {
        assert_fails(r, -ENOSPC, &err);
        compare_head(dbs[below(2)]);
        if (tx_state(open->tx) == TX_OPEN)
            compare_view(open);
        else
            end_one(open);
        return;
    }
    assert_fails(r, txmodel_commit(&open->model, &head), &err);
    if (r < 0)
        expect_winner(open);
    r < 0 ? refused++ : committed++;
    end_one(open);
    compare_head(dbs[below(2)]);
}

static void step(void)
{
    struct open *open = &opened[below(OPEN)];
    size_t kind = below(100);

    if (!open->tx)
        begin_one(open);
    else if (kind < haste)
        commit_one(open);
    else if (kind < haste + 2)
        end_one(open);
    else if (kind < haste + 6)
        note_reading(open);
    else if (kind < haste + 12)
        autocommit(dbs[below(2)]);
    else
        run_statement(open);
}

static void run(uint64_t with, unsigned steps, size_t longest)
{
    struct db *third;

    seed = with;
    most_bytes = longest;
    text_count = 0;
    haste = 3 + below(20);
    memset(opened, 0, sizeof opened);
    txmodel_reset(&head);
    tempstore_begin(&temp);
    faultio_install();
    tempstore_open_db(&temp);
    dbs[0] = temp.db;
    dbs[1] = tempstore_another(&temp);
    for (unsigned i = 0; i < steps; i++)
        step();
    for (size_t i = 0; i < OPEN; i++)
        end_one(&opened[i]);
    compare_head(dbs[0]);
    compare_head(dbs[1]);
    third = tempstore_another(&temp); /* reads the log from the beginning */
    compare_head(third);
    db_close(third);
    db_close(dbs[1]);
    faultio_remove();
    tempstore_end(&temp);
}

static void run_seeds(unsigned count, unsigned steps, size_t longest)
{
    const char *one = getenv("ROWFS_SEED"), *many = getenv("ROWFS_SEEDS");

    committed = refused = 0;
    count = many ? (unsigned)atoi(many) : one ? (unsigned)atoi(one) : count;
    for (unsigned i = one ? count : 1; i <= count; i++) {
        print_message("seed %u\n", i);
        run(i * UINT64_C(0x9e3779b97f4a7c15), steps, longest);
    }
    print_message("%u committed, %u refused\n", committed, refused);
    if (!one)
        assert_true(committed > count && refused > count / 2);
}

static void small_transactions_are_as_in_the_model(void **state)
{
    (void)state;
    run_seeds(60, 500, 40);
}

static void transactions_that_write_data_objects_are_as_in_the_model(void **state)
{
    (void)state;
    run_seeds(20, 200, 100000);
}

static void transactions_past_their_memory_are_as_in_the_model(void **state)
{
    (void)state;
    run_seeds(4, 100, 800000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_transactions_are_as_in_the_model),
        cmocka_unit_test(transactions_that_write_data_objects_are_as_in_the_model),
        cmocka_unit_test(transactions_past_their_memory_are_as_in_the_model),
    };

    return cmocka_run_group_tests_name("tx model", tests, NULL, NULL);
}
