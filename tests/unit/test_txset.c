/* SPDX-License-Identifier: MIT */
/* Transactions by their ids, from the first use of one to when it is forgotten. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/txset.h"
#include "tests/lib/check.h"
#include "tests/lib/faultio.h"
#include "tests/lib/tempstore.h"
#include "tests/lib/txtool.h"

#define ME   1000
#define YOU  1001
#define ROW  "{\"n\":1}\n"
#define FULL 300 /* of names */

static struct tempstore temp;
static struct db *other;
static struct txset *set;
static struct err err;

static int begin(void **state)
{
    (void)state;
    err = (struct err)ERR_INIT;
    tempstore_begin(&temp);
    faultio_install();
    tempstore_open_db(&temp);
    other = tempstore_another(&temp);
    dbtool_table(temp.db, "t");
    assert_int_equal(txset_create(temp.db, 0, &set), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    txset_destroy(set);
    db_close(other);
    faultio_remove();
    tempstore_end(&temp);
    return 0;
}

static struct tx *start(struct txset *in, const char *id, uid_t owner)
{
    struct tx *tx = NULL;

    assert_ok(txset_begin(in, id, owner, &tx, &err), &err);
    return tx;
}

static int try(struct txset *in, const char *id)
{
    struct tx *tx = NULL;
    int r;

    err = (struct err)ERR_INIT;
    r = txset_begin(in, id, ME, &tx, &err);
    assert_true(!r == !!tx);
    tx_unref(tx);
    return r;
}

/* Begins one, and commits it with a row or without. */
static void commit_one(struct txset *in, const char *id, bool row)
{
    struct tx *tx = start(in, id, ME);

    if (row)
        txtool_append(tx, "t", ROW);
    assert_ok(tx_commit(tx, &err), &err);
    tx_unref(tx);
}

/* The ids of a list, each followed by a comma; static. */
static const char *list(uid_t owner)
{
    static char text[1000];
    struct buf ids = {0};

    assert_int_equal(txset_list(set, owner, &ids), 0);
    assert_true(ids.bytes < sizeof text);
    memcpy(text, ids.bytes ? ids.data : "", ids.bytes);
    text[ids.bytes] = '\0';
    for (size_t i = 0; i < ids.bytes; i++)
        if (!text[i])
            text[i] = ',';
    buf_finish(&ids);
    return text;
}

/* --- ids ------------------------------------------------------------------------------- */

static void a_transaction_is_found_by_its_id_with_its_owner(void **state)
{
    struct tx *tx = start(set, "a", YOU), *found;
    uid_t owner = 0;

    (void)state;
    found = txset_find(set, "a", &owner);
    assert_ptr_equal(found, tx);
    assert_int_equal(owner, YOU);
    assert_null(txset_find(set, "b", &owner));
    tx_unref(found);
    tx_unref(tx);
}

static void an_open_id_is_EBUSY(void **state)
{
    struct tx *tx = start(set, "a", ME);

    (void)state;
    assert_fails(try(set, "a"), -EBUSY, &err);
    assert_has(err.text, "transaction a is open");
    tx_unref(tx);
    assert_fails(try(set, "a"), -EBUSY, &err); /* the set still has it */
}

static void a_committed_id_is_EEXIST_on_any_mount_for_ever(void **state)
{
    struct txset *theirs = NULL;

    (void)state;
    commit_one(set, "a", true);
    assert_fails(try(set, "a"), -EEXIST, &err);
    assert_has(err.text, "has committed, as version 2");
    assert_int_equal(txset_create(other, 0, &theirs), 0);
    assert_fails(try(theirs, "a"), -EEXIST, &err);
    txset_destroy(theirs);
    assert_ok(txset_remove(set, "a", &err), &err);
    assert_fails(try(set, "a"), -EEXIST, &err);
}

static void an_id_that_committed_nothing_is_taken_here_until_it_is_removed(void **state)
{
    (void)state;
    commit_one(set, "a", false);
    assert_fails(try(set, "a"), -EEXIST, &err);
    assert_ok(txset_remove(set, "a", &err), &err);
    assert_ok(try(set, "a"), &err);
}

static void a_failed_id_is_EEXIST_until_it_is_removed(void **state)
{
    struct tx *tx = start(set, "a", ME);

    (void)state;
    txtool_append(tx, "t", ROW);
    tx_abort(tx, -ECANCELED, "enough");
    assert_fails(try(set, "a"), -EEXIST, &err);
    assert_has(err.text, "rmdir");
    assert_ok(txset_remove(set, "a", &err), &err);
    commit_one(set, "a", true);
    tx_unref(tx);
    dbtool_expect(temp.db, "t", ROW);
}

static void two_mounts_may_have_one_id_open_and_one_commits(void **state)
{
    struct txset *theirs = NULL;
    struct tx *one = start(set, "a", ME), *two;

    (void)state;
    assert_int_equal(txset_create(other, 0, &theirs), 0);
    two = start(theirs, "a", ME);
    txtool_append(one, "t", ROW);
    txtool_append(two, "t", ROW);
    assert_ok(tx_commit(two, &err), &err);
    assert_fails(tx_commit(one, &err), -ECANCELED, &err);
    assert_has(err.text, "has committed before");
    tx_unref(one);
    tx_unref(two);
    txset_destroy(theirs);
    dbtool_expect(temp.db, "t", ROW);
}

static void a_transaction_without_an_id_gets_a_fresh_one(void **state)
{
    struct tx *one = start(set, NULL, ME), *two = start(set, NULL, ME);

    (void)state;
    assert_int_equal(strlen(tx_id(one)), TXSET_FRESH_BYTES);
    assert_int_equal(strspn(tx_id(one), "0123456789abcdef"), TXSET_FRESH_BYTES);
    assert_string_not_equal(tx_id(one), tx_id(two));
    tx_unref(one);
    tx_unref(two);
}

static void an_id_that_is_no_name_is_refused(void **state)
{
    char name[FULL + 1];

    (void)state;
    memset(name, 'x', FULL);
    name[FULL] = '\0';
    assert_fails(try(set, ""), -EINVAL, &err);
    assert_fails(try(set, ".."), -EINVAL, &err);
    assert_fails(try(set, "a/b"), -EINVAL, &err);
    assert_fails(try(set, name), -ENAMETOOLONG, &err);
    assert_string_equal(list((uid_t)-1), "");
}

static void a_transaction_begins_on_the_newest_version_of_any_mount(void **state)
{
    struct table *t = dbtool_look(other, "t");
    struct tx *tx;

    (void)state;
    assert_int_equal(dbtool_append(other, t->uuid, ROW), 0);
    tx = start(set, "a", ME);
    txtool_expect(tx, "t", ROW);
    tx_unref(tx);
    table_unref(t);
}

static void nothing_begins_where_nothing_can_be_written(void **state)
{
    struct db_options options = {.read_only = true, .limits = DB_LIMITS_DEFAULT};
    struct txset *theirs = NULL;
    struct db *reader = NULL;

    (void)state;
    assert_ok(db_open(temp.path, &options, &reader, &err), &err);
    assert_int_equal(txset_create(reader, 0, &theirs), 0);
    assert_fails(try(theirs, "a"), -EROFS, &err);
    txset_destroy(theirs);
    db_close(reader);
}

/* --- the list and removal ---------------------------------------------------------------- */

static void the_list_has_what_is_open_in_the_order_of_its_beginning(void **state)
{
    struct tx *b = start(set, "b", ME), *a = start(set, "a", YOU), *c = start(set, "c", ME);

    (void)state;
    assert_string_equal(list((uid_t)-1), "b,a,c,");
    assert_string_equal(list(ME), "b,c,");
    assert_string_equal(list(YOU), "a,");
    assert_string_equal(list(0), "");
    assert_ok(tx_commit(b, &err), &err);
    tx_abort(a, -ECANCELED, "enough");
    assert_string_equal(list((uid_t)-1), "c,");
    tx_unref(a);
    tx_unref(b);
    tx_unref(c);
}

static void what_is_removed_is_aborted_and_its_id_is_free(void **state)
{
    struct tx *tx = start(set, "a", ME);
    uid_t owner;

    (void)state;
    txtool_append(tx, "t", ROW);
    assert_ok(txset_remove(set, "a", &err), &err);
    assert_int_equal(tx_state(tx), TX_ABORTED);
    assert_fails(tx_commit(tx, &err), -ECANCELED, &err);
    assert_has(err.text, "removed");
    assert_null(txset_find(set, "a", &owner));
    assert_fails(txset_remove(set, "a", &err), -ENOENT, &err);
    assert_ok(try(set, "a"), &err);
    assert_string_equal(list(ME), "a,");
    tx_unref(tx);
}

static void removing_from_anywhere_keeps_the_order(void **state)
{
    static const char *const ids[] = {"a", "b", "c", "d", "e"};

    (void)state;
    for (size_t i = 0; i < 5; i++)
        assert_ok(try(set, ids[i]), &err);
    assert_ok(txset_remove(set, "e", &err), &err);
    assert_ok(txset_remove(set, "a", &err), &err);
    assert_ok(txset_remove(set, "c", &err), &err);
    assert_ok(try(set, "f"), &err);
    assert_string_equal(list(ME), "b,d,f,");
}

static void *commit_in_thread(void *tx)
{
    return tx_commit(tx, NULL) ? NULL : tx;
}

static void what_is_being_committed_is_not_removed(void **state)
{
    struct tx *tx = start(set, "a", ME);
    pthread_t thread;
    void *committed;

    (void)state;
    txtool_append(tx, "t", ROW);
    faultio_hold(FAULTIO_LINK, 0);
    assert_int_equal(pthread_create(&thread, NULL, commit_in_thread, tx), 0);
    faultio_wait_held();
    assert_fails(txset_remove(set, "a", &err), -EBUSY, &err);
    assert_fails(try(set, "a"), -EBUSY, &err);
    assert_string_equal(list(ME), "a,");
    faultio_let_go();
    pthread_join(thread, &committed);
    assert_ptr_equal(committed, tx);
    assert_ok(txset_remove(set, "a", &err), &err);
    tx_unref(tx);
}

static void the_end_of_the_set_aborts_what_is_open(void **state)
{
    struct tx *open = start(set, "a", ME), *done = start(set, "b", ME);

    (void)state;
    txtool_append(done, "t", ROW);
    assert_ok(tx_commit(done, &err), &err);
    txset_destroy(set);
    set = NULL;
    assert_int_equal(tx_state(open), TX_ABORTED);
    assert_int_equal(tx_state(done), TX_COMMITTED);
    assert_fails(tx_commit(open, &err), -ECANCELED, &err);
    assert_has(err.text, "mount has ended");
    tx_unref(open);
    tx_unref(done);
}

/* --- bounds ---------------------------------------------------------------------------------- */

static void the_oldest_of_those_that_ended_are_forgotten(void **state)
{
    char id[20];
    uid_t owner;
    struct tx *tx, *open = start(set, "open", ME);

    (void)state;
    for (unsigned i = 0; i < TXSET_FINISHED + 10; i++) {
        snprintf(id, sizeof id, "tx%u", i);
        commit_one(set, id, false);
    }
    assert_null(txset_find(set, "tx0", &owner));
    tx = txset_find(set, id, &owner);
    assert_non_null(tx);
    tx_unref(tx);
    tx = txset_find(set, "open", &owner); /* it is the oldest, and it is open */
    assert_ptr_equal(tx, open);
    tx_unref(tx);
    tx_unref(open);
}

static void how_many_are_open_takes_no_room_from_those_that_ended(void **state)
{
    struct tx *ended, *found;
    uid_t owner;

    (void)state;
    for (unsigned i = 0; i < TXSET_FINISHED + 10; i++)
        assert_ok(try(set, NULL), &err);
    ended = start(set, "ended", ME);
    tx_abort(ended, -ECANCELED, "enough");
    for (unsigned i = 0; i < 10; i++)
        assert_ok(try(set, NULL), &err);
    found = txset_find(set, "ended", &owner);
    assert_ptr_equal(found, ended);
    tx_unref(found);
    tx_unref(ended);
}

static void as_many_as_were_open_at_once_are_not_remembered(void **state)
{
    struct tx *many[TXSET_FINISHED + 100];
    struct buf ids = {0};
    unsigned known = 0;
    uid_t owner;

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(many); i++)
        many[i] = start(set, NULL, ME);
    for (size_t i = 0; i < ARRAY_COUNT(many); i++)
        tx_abort(many[i], -ECANCELED, "enough");
    assert_ok(try(set, NULL), &err);
    for (size_t i = 0; i < ARRAY_COUNT(many); i++) {
        struct tx *found = txset_find(set, tx_id(many[i]), &owner);

        known += found != NULL;
        tx_unref(found);
        tx_unref(many[i]);
    }
    assert_true(known <= TXSET_FINISHED);
    buf_finish(&ids);
}

static void too_many_that_are_open_are_ENOSPC(void **state)
{
    struct tx *one;

    (void)state;
    for (unsigned i = 0; i < TXSET_OPEN - 1; i++)
        assert_ok(try(set, NULL), &err);
    one = start(set, "one", ME);
    assert_fails(try(set, NULL), -ENOSPC, &err);
    tx_abort(one, -ECANCELED, "enough");
    assert_ok(try(set, NULL), &err);
    tx_unref(one);
}

/* --- the idle --------------------------------------------------------------------------------- */

static void what_nobody_uses_is_aborted(void **state)
{
    struct txset *impatient = NULL;
    struct tx *idle, *held;

    (void)state;
    assert_int_equal(txset_create(temp.db, 20000, &impatient), 0);
    held = start(impatient, "held", ME);
    tx_hold(held);
    idle = start(impatient, "idle", ME);
    txtool_append(idle, "t", ROW);
    while (tx_state(idle) == TX_OPEN)
        ;
    assert_int_equal(tx_state(idle), TX_ABORTED);
    assert_int_equal(tx_state(held), TX_OPEN);
    assert_fails(tx_commit(idle, &err), -ECANCELED, &err);
    assert_has(err.text, "tx_timeout");
    assert_fails(try(impatient, "idle"), -EEXIST, &err);
    tx_release(held);
    while (tx_state(held) == TX_OPEN)
        ;
    tx_unref(held);
    tx_unref(idle);
    txset_destroy(impatient);
}

static void a_set_that_waits_for_hours_ends_at_once(void **state)
{
    struct txset *patient = NULL;

    (void)state;
    assert_int_equal(txset_create(temp.db, 3600ULL * 1000000, &patient), 0);
    assert_ok(try(patient, "a"), &err);
    txset_destroy(patient);
    txset_destroy(NULL);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_transaction_is_found_by_its_id_with_its_owner),
        test(an_open_id_is_EBUSY),
        test(a_committed_id_is_EEXIST_on_any_mount_for_ever),
        test(an_id_that_committed_nothing_is_taken_here_until_it_is_removed),
        test(a_failed_id_is_EEXIST_until_it_is_removed),
        test(two_mounts_may_have_one_id_open_and_one_commits),
        test(a_transaction_without_an_id_gets_a_fresh_one),
        test(an_id_that_is_no_name_is_refused),
        test(a_transaction_begins_on_the_newest_version_of_any_mount),
        test(nothing_begins_where_nothing_can_be_written),
        test(the_list_has_what_is_open_in_the_order_of_its_beginning),
        test(what_is_removed_is_aborted_and_its_id_is_free),
        test(removing_from_anywhere_keeps_the_order),
        test(what_is_being_committed_is_not_removed),
        test(the_end_of_the_set_aborts_what_is_open),
        test(the_oldest_of_those_that_ended_are_forgotten),
        test(how_many_are_open_takes_no_room_from_those_that_ended),
        test(as_many_as_were_open_at_once_are_not_remembered),
        test(too_many_that_are_open_are_ENOSPC),
        test(what_nobody_uses_is_aborted),
        test(a_set_that_waits_for_hours_ends_at_once),
    };

    return cmocka_run_group_tests_name("txset", tests, NULL, NULL);
}
