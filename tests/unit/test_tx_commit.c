/* SPDX-License-Identifier: MIT */
/* The commit of a transaction: all or nothing, and together with others. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/commit_private.h"
#include "core/db_private.h"
#include "tests/lib/check.h"
#include "tests/lib/faultio.h"
#include "tests/lib/tempstore.h"
#include "tests/lib/txtool.h"

#define ROW(n) "{\"n\":" #n "}\n"

/* A transaction whose commit is under way in a thread of its own. */
struct party {
    struct tx *tx;
    pthread_t thread;
    struct err err;
    int result;
};

static struct tempstore temp;
static struct db *db, *other;
static struct uuid t, u;
static struct tx *tx;
static struct err err;

static int begin(void **state)
{
    (void)state;
    err = (struct err)ERR_INIT;
    tempstore_begin(&temp);
    faultio_install();
    tempstore_open_db(&temp);
    db = temp.db;
    other = tempstore_another(&temp);
    t = dbtool_table(db, "t");
    u = dbtool_table(db, "u");
    assert_int_equal(dbtool_append(db, t, ROW(1)), 0); /* version and record 3 */
    tx = txtool_begin(db, "a");
    return 0;
}

static int end(void **state)
{
    (void)state;
    tx_unref(tx);
    db_close(other);
    faultio_remove();
    tempstore_end(&temp);
    return 0;
}

/* The table is so here, on another mount, and on one that reads the log from the beginning. */
static void expect(const char *table, const char *rows)
{
    struct db *third = tempstore_another(&temp);

    dbtool_expect(db, table, rows);
    dbtool_expect(other, table, rows);
    dbtool_expect(third, table, rows);
    db_close(third);
}

static size_t records(void)
{
    return tempstore_entries(&temp, "log");
}

static void expect_status(const char *name, json_int_t value)
{
    json_t *status = txtool_status(tx);

    assert_int_equal(json_integer_value(json_object_get(status, name)), value);
    json_decref(status);
}

/* --- one commit --------------------------------------------------------------------- */

static void a_commit_of_many_tables_is_one_version_in_one_record(void **state)
{
    size_t before = records();

    (void)state;
    txtool_replace(tx, "t", ROW(2));
    txtool_append(tx, "u", ROW(3));
    assert_ok(txtool_create(tx, "v", &err), &err);
    txtool_append(tx, "v", ROW(4));
    assert_ok(tx_commit(tx, &err), &err);
    assert_int_equal(records(), before + 1);
    assert_int_equal(dbtool_version(db), 4);
    expect("t", ROW(2));
    expect("u", ROW(3));
    expect("v", ROW(4));
    expect_status("version", 4);
    expect_status("rebases", 0);
}

static void what_has_committed_is_not_used_any_more(void **state)
{
    struct snapshot *view = NULL;
    struct commit *commit = NULL;

    (void)state;
    txtool_append(tx, "u", ROW(2));
    assert_int_equal(commit_create(&commit), 0);
    assert_int_equal(commit_add_create(commit, "v"), 0);
    assert_ok(tx_commit(tx, &err), &err);
    assert_int_equal(tx_state(tx), TX_COMMITTED);
    tx_abort(tx, -ECANCELED, "too late");
    assert_fails(tx_commit(tx, &err), -ENOENT, &err);
    assert_has(err.text, "as version 4");
    assert_fails(tx_view(tx, &view, &err), -ENOENT, &err);
    assert_fails(txtool_apply(tx, commit, &err), -ENOENT, &err);
    expect("u", ROW(2));
}

static void a_commit_without_changes_makes_no_record(void **state)
{
    size_t before = records();

    (void)state;
    txtool_append(tx, "u", ROW(2));
    txtool_replace(tx, "u", "");
    txtool_append(tx, "u", "");
    assert_ok(tx_commit(tx, &err), &err);
    assert_int_equal(records(), before);
    expect_status("version", 3);
}

static void a_commit_onto_newer_versions_says_how_often_it_was_rebased(void **state)
{
    char *history;

    (void)state;
    assert_int_equal(dbtool_append(db, u, ROW(2)), 0);
    txtool_append(tx, "u", ROW(3));
    assert_ok(tx_commit(tx, &err), &err);
    expect_status("rebases", 1);
    history = dbtool_history(db);
    assert_has(history, "\"rebases\":1");
    assert_has(history, "\"a\"");
    free(history);
    expect("u", ROW(2) ROW(3));
}

static void an_id_is_in_the_record_and_known_to_all(void **state)
{
    struct snapshot *snapshot = NULL;
    struct tx *same;

    (void)state;
    txtool_append(tx, "u", ROW(2));
    assert_ok(tx_commit(tx, &err), &err);
    assert_ok(db_refresh(other, &snapshot, &err), &err);
    assert_int_equal(snapshot_committed_id(snapshot, "a"), 4);
    assert_int_equal(snapshot_committed_id(snapshot, "b"), 0);
    snapshot_unref(snapshot);
    same = txtool_begin(other, "a");
    txtool_append(same, "u", ROW(3));
    assert_fails(txtool_commit(same, &err), -ECANCELED, &err);
    expect("u", ROW(2));
}

/* What a transaction with so many statements costs the store, from its beginning on. */
static uint64_t cost_of(unsigned statements)
{
    struct tx *one = txtool_begin(db, NULL);
    uint64_t before = txtool_operations(db);

    for (unsigned i = 0; i < statements; i++)
        txtool_append(one, i % 2 ? "t" : "u", ROW(5));
    assert_ok(txtool_commit(one, &err), &err);
    return txtool_operations(db) - before;
}

static void a_hundred_statements_cost_the_store_what_one_costs(void **state)
{
    uint64_t cost = cost_of(1);

    (void)state;
    assert_true(cost > 0);
    assert_int_equal(cost_of(100), cost);
    assert_int_equal(cost_of(1000), cost);
}

/* --- several in one record ------------------------------------------------------------ */

static void *run_party(void *context)
{
    struct party *party = context;

    party->result = tx_commit(party->tx, &party->err);
    return NULL;
}

static void start(struct party *party)
{
    party->err = (struct err)ERR_INIT;
    assert_int_equal(pthread_create(&party->thread, NULL, run_party, party), 0);
}

static void wait_queued(unsigned expected)
{
    for (unsigned count = 0; count != expected;) {
        pthread_mutex_lock(&db->queue_lock);
        count = 0;
        for (const struct commit *c = db->queue_first; c; c = c->next)
            count++;
        pthread_mutex_unlock(&db->queue_lock);
    }
}

/* Starts the commit of `leader` and stops it where it links its record; the others wait behind it.
 */
static void gather(struct party *leader, struct party *others, unsigned count)
{
    faultio_hold(FAULTIO_LINK, 0);
    start(leader);
    faultio_wait_held();
    for (unsigned i = 0; i < count; i++) {
        start(&others[i]);
        wait_queued(i + 1);
    }
}

static void let_go(struct party *leader, struct party *others, unsigned count)
{
    faultio_let_go();
    pthread_join(leader->thread, NULL);
    for (unsigned i = 0; i < count; i++)
        pthread_join(others[i].thread, NULL);
}

static void unref_all(struct party *parties, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        tx_unref(parties[i].tx);
}

static void transactions_that_wait_become_one_record_each_validated_on_those_before(void **state)
{
    struct party leader = {.tx = tx}, others[4];
    size_t before = records();

    (void)state;
    for (int i = 0; i < 4; i++)
        others[i].tx = txtool_begin(db, NULL);
    txtool_append(tx, "u", ROW(2));
    txtool_replace(others[0].tx, "t", ROW(3));
    txtool_replace(others[1].tx, "t", ROW(4)); /* loses against the one before it */
    txtool_append(others[1].tx, "u", ROW(5));
    txtool_append(others[2].tx, "t", ROW(6));
    assert_ok(txtool_create(others[2].tx, "v", &err), &err);
    assert_ok(txtool_create(others[3].tx, "v", &err), &err); /* and this one too */
    gather(&leader, others, 4);
    let_go(&leader, others, 4);
    assert_int_equal(leader.result, 0);
    assert_int_equal(others[0].result, 0);
    assert_fails(others[1].result, -ECANCELED, &others[1].err);
    assert_int_equal(others[2].result, 0);
    assert_fails(others[3].result, -ECANCELED, &others[3].err);
    txtool_expect_winner(others[1].tx, 5, "t", 1);
    txtool_expect_winner(others[3].tx, 6, "v", 0);
    assert_int_equal(records(), before + 2);
    expect("t", ROW(3) ROW(6));
    expect("u", ROW(2));
    unref_all(others, 4);
}

static void one_id_commits_once_in_one_record(void **state)
{
    struct party leader = {.tx = tx}, others[2];

    (void)state;
    txtool_append(tx, "t", ROW(2));
    for (int i = 0; i < 2; i++) {
        others[i].tx = txtool_begin(db, "same");
        txtool_append(others[i].tx, "u", ROW(3));
    }
    gather(&leader, others, 2);
    let_go(&leader, others, 2);
    assert_int_equal(others[0].result, 0);
    assert_fails(others[1].result, -ECANCELED, &others[1].err);
    assert_has(others[1].err.text, "has committed before");
    expect("u", ROW(3));
    unref_all(others, 2);
}

/* The record with the winner was not taken, so nobody has lost. */
static void a_conflict_with_a_commit_that_failed_is_none(void **state)
{
    struct party leader = {.tx = tx}, others[2];
    json_t *status;

    (void)state;
    for (int i = 0; i < 2; i++)
        others[i].tx = txtool_begin(db, NULL);
    txtool_append(tx, "u", ROW(2));
    txtool_replace(others[0].tx, "t", ROW(3));
    txtool_replace(others[1].tx, "t", ROW(4));
    gather(&leader, others, 2);
    faultio_rule(FAULTIO_LINK, 1, 1, FAULTIO_REFUSE, ENOSPC);
    let_go(&leader, others, 2);
    for (int i = 0; i < 2; i++) {
        assert_fails(others[i].result, -ENOSPC, &others[i].err);
        assert_int_equal(tx_state(others[i].tx), TX_OPEN);
    }
    tx_abort(others[1].tx, -ECANCELED, "enough");
    status = txtool_status(others[1].tx);
    assert_null(json_object_get(status, "conflict"));
    json_decref(status);
    assert_ok(tx_commit(others[0].tx, &err), &err);
    expect("t", ROW(3));
    unref_all(others, 2);
}

static void the_same_while_it_is_being_committed_is_busy(void **state)
{
    struct party leader = {.tx = tx};
    struct snapshot *view = NULL;
    struct commit *commit = NULL;

    (void)state;
    txtool_append(tx, "u", ROW(2));
    gather(&leader, NULL, 0);
    assert_fails(tx_commit(tx, &err), -EBUSY, &err);
    assert_fails(tx_set_serializable(tx, true, &err), -EBUSY, &err);
    assert_int_equal(commit_create(&commit), 0);
    assert_int_equal(commit_add_create(commit, "v"), 0);
    assert_fails(txtool_apply(tx, commit, &err), -EBUSY, &err);
    assert_ok(tx_view(tx, &view, &err), &err); /* who reads does not wait */
    snapshot_unref(view);
    txtool_expect(tx, "u", ROW(2));
    tx_abort(tx, -ECANCELED, "too late");
    tx_note_read(tx, t, NULL);
    tx_note_tables_listed(tx);
    json_decref(txtool_status(tx));
    let_go(&leader, NULL, 0);
    assert_ok(leader.result, &leader.err);
    expect("u", ROW(2));
}

static void a_commit_that_lost_its_number_is_validated_again(void **state)
{
    struct party leader = {.tx = tx};

    (void)state;
    txtool_replace(tx, "t", ROW(2));
    txtool_append(tx, "u", ROW(3));
    gather(&leader, NULL, 0);
    assert_int_equal(dbtool_write(other, t, true, ROW(4), 0, NULL), 0);
    let_go(&leader, NULL, 0);
    assert_fails(leader.result, -ECANCELED, &leader.err);
    txtool_expect_winner(tx, 4, "t", 1);
    expect("t", ROW(4));
    expect("u", "");
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_commit_of_many_tables_is_one_version_in_one_record),
        test(what_has_committed_is_not_used_any_more),
        test(a_commit_without_changes_makes_no_record),
        test(a_commit_onto_newer_versions_says_how_often_it_was_rebased),
        test(an_id_is_in_the_record_and_known_to_all),
        test(a_hundred_statements_cost_the_store_what_one_costs),
        test(transactions_that_wait_become_one_record_each_validated_on_those_before),
        test(one_id_commits_once_in_one_record),
        test(a_conflict_with_a_commit_that_failed_is_none),
        test(the_same_while_it_is_being_committed_is_busy),
        test(a_commit_that_lost_its_number_is_validated_again),
    };

    return cmocka_run_group_tests_name("tx commit", tests, NULL, NULL);
}
