/* SPDX-License-Identifier: MIT */
/* Many threads with transactions on one database at once; for the thread sanitizer, too. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/txset.h"
#include "tests/lib/check.h"
#include "tests/lib/faultio.h"
#include "tests/lib/tempstore.h"
#include "tests/lib/txtool.h"

#define THREADS 6
#define TURNS   60

static struct tempstore temp;
static struct db *db;
static struct txset *set;

struct worker {
    pthread_t thread;
    unsigned number, committed, refused;
};

static int begin(void **state)
{
    (void)state;
    tempstore_begin(&temp);
    faultio_install();
    tempstore_open_db(&temp);
    db = temp.db;
    assert_int_equal(txset_create(db, 3600ULL * 1000000, &set), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    txset_destroy(set);
    faultio_remove();
    tempstore_end(&temp);
    return 0;
}

/* Runs so many workers at once and adds up what they did. */
static struct worker run(void *(*work)(void *))
{
    struct worker workers[THREADS] = {0}, sum = {0};

    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].number = i;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        sum.committed += workers[i].committed;
        sum.refused += workers[i].refused;
    }
    return sum;
}

static struct tx *start(const char *id)
{
    struct tx *tx = NULL;
    struct err err = ERR_INIT;

    assert_ok(txset_begin(set, id, 1000, &tx, &err), &err);
    return tx;
}

static void count(struct worker *worker, struct tx *tx)
{
    struct err err = ERR_INIT;
    int r = txtool_commit(tx, &err);

    if (r < 0)
        assert_fails(r, -ECANCELED, &err);
    worker->committed += !r;
    worker->refused += !!r;
}

/* --- counters --------------------------------------------------------------------------- */

/* Reads a number and writes the next: of those that read the same, one commits. */
static void *count_up(void *context)
{
    struct worker *worker = context;

    for (unsigned i = 0; i < TURNS; i++) {
        struct tx *tx = start(NULL);
        char *rows = txtool_rows(tx, "counter"), row[40];
        unsigned n = 0;

        assert_int_equal(sscanf(rows, "{\"n\":%u}", &n), 1);
        free(rows);
        snprintf(row, sizeof row, "{\"n\":%u}\n", n + 1);
        txtool_replace(tx, "counter", row);
        txtool_append(tx, "log", row);
        count(worker, tx);
    }
    return NULL;
}

static void no_update_is_lost(void **state)
{
    struct uuid counter = dbtool_table(db, "counter");
    struct table *log;
    struct worker sum;
    char row[40];

    (void)state;
    dbtool_table(db, "log");
    assert_int_equal(dbtool_append(db, counter, "{\"n\":0}\n"), 0);
    sum = run(count_up);
    assert_int_equal(sum.committed + sum.refused, THREADS * TURNS);
    snprintf(row, sizeof row, "{\"n\":%u}\n", sum.committed);
    dbtool_expect(db, "counter", row);
    log = dbtool_look(db, "log");
    assert_int_equal(table_rows(log), sum.committed);
    table_unref(log);
}

/* --- rows that go around ------------------------------------------------------------------- */

/* Moves a table's rows to another one and writes some more. */
static void *move_around(void *context)
{
    struct worker *worker = context;
    uint64_t seed = worker->number + 1;

    for (unsigned i = 0; i < TURNS; i++) {
        struct tx *tx = start(NULL);
        char from[2] = {(char)('a' + check_random_below(&seed, 3))};
        char *row = txtool_long_row('x', 20 + check_random_below(&seed, i % 10 ? 100 : 90000));
        struct err err = ERR_INIT;

        assert_ok(tx_set_serializable(tx, check_random_below(&seed, 2), &err), &err);
        txtool_note_read(tx, from);
        tx_note_tables_listed(tx);
        txtool_replace(tx, "d", row);
        assert_ok(txtool_move(tx, from, "d", &err), &err);
        assert_ok(txtool_move(tx, "d", from, &err), &err);
        txtool_append(tx, from, row);
        free(row);
        count(worker, tx);
    }
    return NULL;
}

static void rows_that_are_moved_by_many_are_not_multiplied(void **state)
{
    static const char *const names[] = {"a", "b", "c"};
    struct worker sum;
    uint64_t rows = 0;

    (void)state;
    dbtool_table(db, "d");
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(dbtool_append(db, dbtool_table(db, names[i]), "{}\n"), 0);
    sum = run(move_around);
    for (size_t i = 0; i < 3; i++) {
        struct table *table = dbtool_look(db, names[i]);
        char *text = dbtool_rows(db, names[i]);

        rows += table_rows(table);
        table_unref(table);
        free(text);
    }
    assert_int_equal(rows, 3 + sum.committed);
    dbtool_expect(db, "d", "");
}

/* --- one transaction, many users -------------------------------------------------------------- */

static struct tx *shared;

static void *use_shared(void *context)
{
    struct worker *worker = context;

    for (unsigned i = 0; i < TURNS; i++) {
        char row[40];

        snprintf(row, sizeof row, "{\"w\":%u,\"n\":%u}\n", worker->number, i);
        txtool_append(shared, worker->number % 2 ? "a" : "b", row);
        free(txtool_rows(shared, "a"));
        json_decref(txtool_status(shared));
        txtool_note_read(shared, "a");
        tx_hold(shared);
        tx_idle_usec(shared);
        tx_release(shared);
    }
    return NULL;
}

static void many_threads_write_in_one_transaction(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    dbtool_table(db, "a");
    dbtool_table(db, "b");
    shared = start("shared");
    run(use_shared);
    assert_ok(txtool_commit(shared, &err), &err);
    for (size_t i = 0; i < 2; i++) {
        struct table *table = dbtool_look(db, i ? "a" : "b");

        assert_int_equal(table_rows(table), THREADS / 2 * TURNS);
        table_unref(table);
    }
}

/* One commits, the others look at it, note, list, and try the same. */
static void *end_shared(void *context)
{
    struct worker *worker = context;
    struct buf ids = {0};
    int r = 0;

    for (unsigned i = 0; i < TURNS; i++) {
        struct snapshot *view = NULL;

        if (tx_view(shared, &view, NULL) == 0)
            snapshot_unref(view);
        tx_note_tables_listed(shared);
        tx_note_read(shared, uuid_random(), NULL);
        json_decref(txtool_status(shared));
        assert_int_equal(txset_list(set, 1000, &ids), 0);
        if (i == TURNS / 2) {
            r = tx_commit(shared, NULL);
            worker->committed += !r;
            worker->refused += !!r;
        }
    }
    buf_finish(&ids);
    return NULL;
}

static void a_transaction_that_many_commit_commits_once(void **state)
{
    struct err err = ERR_INIT;
    struct worker sum;

    (void)state;
    dbtool_table(db, "a");
    for (unsigned i = 0; i < 10; i++) {
        char name[8];

        snprintf(name, sizeof name, "t%u", i);
        shared = start(NULL);
        txtool_replace(shared, "a", "{\"a\":1}\n");
        assert_ok(txtool_create(shared, name, &err), &err);
        if (i % 2) /* it loses, and the log is read for why, while others ask for its status */
            dbtool_table(db, name);
        sum = run(end_shared);
        assert_int_equal(sum.committed, i % 2 ? 0 : 1);
        assert_int_equal(sum.refused, THREADS - sum.committed);
        tx_unref(shared);
    }
}

/* --- the set -------------------------------------------------------------------------------- */

static void *use_ids(void *context)
{
    struct worker *worker = context;
    struct buf ids = {0};

    for (unsigned i = 0; i < TURNS; i++) {
        struct tx *tx = NULL, *found;
        char id[20];
        uid_t owner;
        int r;

        snprintf(id, sizeof id, "tx%u", i); /* the same in all threads */
        r = txset_begin(set, id, worker->number, &tx, NULL);
        assert_true(r == 0 || r == -EBUSY || r == -EEXIST);
        if (!r) {
            txtool_append(tx, "a", "{}\n");
            count(worker, tx);
        }
        found = txset_find(set, id, &owner);
        tx_unref(found);
        assert_int_equal(txset_list(set, (uid_t)-1, &ids), 0);
        if (!r && i % 7 == worker->number) /* not under the hands of who is writing to it */
            txset_remove(set, id, NULL);
    }
    buf_finish(&ids);
    return NULL;
}

static void an_id_that_many_want_commits_once(void **state)
{
    struct worker sum;
    struct table *a;

    (void)state;
    dbtool_table(db, "a");
    sum = run(use_ids);
    a = dbtool_look(db, "a");
    assert_int_equal(table_rows(a), sum.committed);
    assert_true(sum.committed <= TURNS && sum.committed > TURNS / 2);
    table_unref(a);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(no_update_is_lost),
        test(rows_that_are_moved_by_many_are_not_multiplied),
        test(many_threads_write_in_one_transaction),
        test(a_transaction_that_many_commit_commits_once),
        test(an_id_that_many_want_commits_once),
    };

    return cmocka_run_group_tests_name("tx threads", tests, NULL, NULL);
}
