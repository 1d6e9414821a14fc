/* SPDX-License-Identifier: MIT */
/* How a database follows a log that others write to. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/store/sealed.h"
#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"

static uint64_t known_version(struct db *db)
{
    struct snapshot *head = db_head(db);
    uint64_t version = head->version;

    snapshot_unref(head);
    return version;
}

static void expect_refresh_fails(struct db *db, int code, const char *part)
{
    struct snapshot *snapshot = NULL;
    struct err err = ERR_INIT;

    assert_fails(db_refresh(db, &snapshot, &err), code, &err);
    assert_has(err.text, part);
    assert_null(snapshot);
}

static void two_databases_on_one_store_see_each_others_commits(void **state)
{
    (void)state;
    dbtool_expect(other, "t", "");
    assert_int_equal(dbtool_append(temp.db, t, "{\"a\":1}\n"), 0);
    dbtool_expect(other, "t", "{\"a\":1}\n");
    assert_int_equal(dbtool_append(other, t, "{\"a\":2}\n"), 0);
    assert_int_equal(dbtool_append(other, t, "{\"a\":3}\n"), 0);
    dbtool_expect(temp.db, "t", "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
    assert_int_equal(dbtool_version(temp.db), dbtool_version(other));
}

static void the_known_head_costs_no_io_and_may_be_old(void **state)
{
    (void)state;
    assert_int_equal(dbtool_append(other, t, "{\"a\":1}\n"), 0);
    faultio_reset();
    assert_int_equal(known_version(temp.db), 1);
    assert_int_equal(faultio_count(FAULTIO_ANY), 0);
    assert_int_equal(dbtool_version(temp.db), 2);
    assert_int_equal(known_version(temp.db), 2);
}

static void a_refresh_that_finds_nothing_new_asks_twice(void **state)
{
    struct store_counts *counts = &temp.store->counts;
    uint64_t heads, gets;

    (void)state;
    dbtool_version(temp.db);
    heads = counts->head;
    gets = counts->get;
    dbtool_version(temp.db);
    assert_int_equal(counts->head - heads, 2);
    assert_int_equal(counts->get, gets);
}

static void what_others_committed_is_durable_before_it_is_shown(void **state)
{
    (void)state;
    assert_int_equal(dbtool_append(other, t, "{\"a\":1}\n"), 0);
    faultio_reset();
    faultio_rule(FAULTIO_FSYNC_DIR, 0, 1, FAULTIO_REFUSE, EIO);
    expect_refresh_fails(temp.db, -EIO, "log");
    assert_int_equal(known_version(temp.db), 1);
    faultio_reset();
    assert_int_equal(dbtool_version(temp.db), 2);
    assert_int_equal(faultio_count(FAULTIO_FSYNC_DIR), 1);
    dbtool_version(temp.db);
    assert_int_equal(faultio_count(FAULTIO_FSYNC_DIR), 1);
}

static void a_refresh_says_nothing_when_nothing_is_wrong(void **state)
{
    struct snapshot *snapshot = NULL;
    struct err err = ERR_INIT;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(db_refresh(temp.db, &snapshot, &err), 0);
        snapshot_unref(snapshot);
        assert_string_equal(err.text, "");
        assert_int_equal(dbtool_append(other, t, "{\"a\":1}\n"), 0);
    }
    assert_ok(tempstore_try(&temp, true, &err), &err);
    assert_string_equal(err.text, "");
}

/* --- logs that are not right ------------------------------------------------------------- */

/* Another good record in the place of record `seq`: its twin but for the nonce. */
static void replace_record(uint64_t seq)
{
    char key[RECORD_KEY_BYTES];
    struct record record;
    struct buf buf = {0};
    struct hash hash;

    record_key(seq, key);
    tempstore_read(&temp, key, &buf);
    assert_int_equal(record_decode(seq, buf.data, buf.bytes, &record, &hash, NULL), 0);
    record.nonce = uuid_random();
    buf_finish(&buf);
    assert_int_equal(record_encode(&record, NULL, 0, &buf, &hash), 0);
    tempstore_replace(&temp, key, buf.data, buf.bytes);
    record_finish(&record);
    buf_finish(&buf);
}

static void a_record_that_was_replaced_is_noticed(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    dbtool_version(other);
    replace_record(1);
    expect_refresh_fails(temp.db, -EIO, "00000000000000000001.ndjson");
    expect_refresh_fails(other, -EIO, "00000000000000000001.ndjson");
    assert_int_equal(dbtool_create(temp.db, "u", &err), -EIO);
    assert_false(tempstore_has(&temp, "log/00000000000000000003.ndjson"));
}

static void a_record_that_was_replaced_below_a_new_one_is_noticed(void **state)
{
    (void)state;
    dbtool_version(other);
    replace_record(1);
    tempstore_close(&temp);
    tempstore_open_db(&temp); /* follows the new record 1 */
    assert_int_equal(dbtool_create(temp.db, "u", NULL), 0);
    expect_refresh_fails(other, -EIO, "00000000000000000002.ndjson");
}

static void a_head_that_is_gone_or_damaged_is_noticed(void **state)
{
    (void)state;
    dbtool_version(other);
    tempstore_flip(&temp, "log/00000000000000000001.ndjson", 70, 1);
    expect_refresh_fails(temp.db, -EIO, "00000000000000000001.ndjson");
    tempstore_flip(&temp, "log/00000000000000000001.ndjson", 70, 1);
    assert_int_equal(dbtool_version(temp.db), 1); /* touched, but the same */
    tempstore_remove(&temp, "log/00000000000000000001.ndjson");
    expect_refresh_fails(temp.db, -EIO, "00000000000000000001.ndjson");
}

static void a_copy_of_the_head_is_the_head(void **state)
{
    struct buf buf = {0};

    (void)state;
    tempstore_read(&temp, "log/00000000000000000001.ndjson", &buf);
    tempstore_replace(&temp, "log/00000000000000000001.ndjson", buf.data, buf.bytes);
    assert_int_equal(dbtool_version(temp.db), 1);
    buf_finish(&buf);
}

struct refresher {
    pthread_t thread;
    struct snapshot *snapshot;
    int result;
};

static void *refresh_once(void *context)
{
    struct refresher *refresher = context;

    refresher->result = db_refresh(temp.db, &refresher->snapshot, NULL);
    return NULL;
}

static void a_record_that_is_replaced_while_it_is_followed_is_noticed(void **state)
{
    struct refresher refresher = {0};

    (void)state;
    dbtool_table(other, "u");
    faultio_hold(FAULTIO_OPEN, 1); /* of record 3, which is not there; 2 has been read */
    assert_int_equal(pthread_create(&refresher.thread, NULL, refresh_once, &refresher), 0);
    faultio_wait_held();
    replace_record(2);
    faultio_let_go();
    pthread_join(refresher.thread, NULL);
    assert_int_equal(refresher.result, -EIO);
    assert_null(refresher.snapshot);
    assert_int_equal(known_version(temp.db), 1);
}

static void a_damaged_new_record_leaves_the_head_where_it_was(void **state)
{
    (void)state;
    assert_int_equal(dbtool_append(other, t, "{\"a\":1}\n"), 0);
    assert_int_equal(dbtool_append(other, t, "{\"a\":2}\n"), 0);
    tempstore_flip(&temp, "log/00000000000000000003.ndjson", 100, 1);
    expect_refresh_fails(temp.db, -EIO, "00000000000000000003.ndjson");
    assert_int_equal(known_version(temp.db), 1);
    tempstore_flip(&temp, "log/00000000000000000003.ndjson", 100, 1);
    dbtool_expect(temp.db, "t", "{\"a\":1}\n{\"a\":2}\n");
}

/* --- newer programs ------------------------------------------------------------------------ */

/* What a newer program would put as the next record: no commits, but a feature. */
static void put_feature(const char *list)
{
    struct snapshot *head = db_head(temp.db);
    char prev[HASH_HEX_BYTES + 1], nonce[UUID_TEXT_BYTES + 1], key[RECORD_KEY_BYTES];
    struct buf buf = {0};
    struct hash hash;
    json_t *header;

    hash_to_hex(head->position.hash, prev);
    uuid_to_text(uuid_random(), nonce);
    header =
        json_pack("{sI ss ss ss s[] s[] sI s[] s[]}", "seq", (json_int_t)head->position.seq + 1,
                  "prev", prev, "nonce", nonce, "host", "h", "read_features", "write_features",
                  "inline_bytes", (json_int_t)0, "objects", "members");
    assert_non_null(header);
    json_array_append_new(json_object_get(header, list), json_string("future"));
    assert_int_equal(sealed_write(header, NULL, 0, &buf, &hash), 0);
    record_key(head->position.seq + 1, key);
    tempstore_replace(&temp, key, buf.data, buf.bytes);
    json_decref(header);
    buf_finish(&buf);
    snapshot_unref(head);
}

static void a_store_that_needs_a_newer_reader_is_refused(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    put_feature("read_features");
    expect_refresh_fails(temp.db, -ENOTSUP, "future");
    assert_int_equal(dbtool_create(temp.db, "u", &err), -ENOTSUP);
    assert_fails(tempstore_try(&temp, true, &err), -ENOTSUP, &err);
}

static void a_store_that_needs_a_newer_writer_is_read_only(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(dbtool_append(temp.db, t, "{\"a\":1}\n"), 0);
    put_feature("write_features");
    assert_int_equal(db_check_writable(temp.db, &err), 0); /* not known yet */
    dbtool_expect(temp.db, "t", "{\"a\":1}\n");
    assert_fails(db_check_writable(temp.db, &err), -EROFS, &err);
    assert_has(err.text, "newer");
    assert_int_equal(dbtool_append(temp.db, t, "{\"a\":2}\n"), -EROFS);
    dbtool_expect(other, "t", "{\"a\":1}\n");
}

static void a_commit_that_meets_a_newer_writer_is_refused(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    put_feature("write_features");
    assert_fails(dbtool_write(temp.db, t, false, "{\"a\":1}\n", 0, &err), -EROFS, &err);
    dbtool_expect(other, "t", "");
    assert_false(tempstore_has(&temp, "log/00000000000000000003.ndjson"));
}

/* --- readers and writers at once -------------------------------------------------------------- */

struct follower {
    pthread_t thread;
    struct db *db;
    uint64_t until;
    int result;
};

/* Rows are appended one a commit: a snapshot shows as many as its version says. */
static void *follow(void *context)
{
    struct follower *f = context;
    uint64_t version = 0;

    while (version < f->until && !f->result) {
        struct snapshot *snapshot = NULL;
        const struct table *table;

        f->result = db_refresh(f->db, &snapshot, NULL);
        if (f->result < 0)
            break;
        table = snapshot_table(snapshot, t);
        if (snapshot->version < version || table_rows(table) != snapshot->version - 1)
            f->result = -1;
        version = snapshot->version;
        snapshot_unref(snapshot);
    }
    return NULL;
}

static void readers_see_versions_in_order_while_writers_write(void **state)
{
    struct follower followers[3] = {{.db = temp.db}, {.db = other}, {.db = other}};
    const unsigned rows = 150;

    (void)state;
    for (int i = 0; i < 3; i++) {
        followers[i].until = 1 + rows;
        assert_int_equal(pthread_create(&followers[i].thread, NULL, follow, &followers[i]), 0);
    }
    for (unsigned i = 0; i < rows; i++)
        assert_int_equal(dbtool_append(i % 3 ? temp.db : other, t, "{\"a\":1}\n"), 0);
    for (int i = 0; i < 3; i++) {
        pthread_join(followers[i].thread, NULL);
        assert_int_equal(followers[i].result, 0);
    }
}

static void *append_once(void *context)
{
    *(int *)context = dbtool_append(temp.db, t, "{\"a\":1}\n");
    return NULL;
}

/* It is not acknowledged yet; but whoever was told of it by somebody there must find it here. */
static void a_commit_that_another_mount_shows_is_waited_for_by_its_own(void **state)
{
    struct refresher refresher = {.result = 1};
    pthread_t committer;
    int result = 1;

    (void)state;
    faultio_hold(FAULTIO_FSYNC_DIR, 0);
    assert_int_equal(pthread_create(&committer, NULL, append_once, &result), 0);
    faultio_wait_held(); /* the record is linked */
    dbtool_expect(other, "t", "{\"a\":1}\n");
    assert_int_equal(pthread_create(&refresher.thread, NULL, refresh_once, &refresher), 0);
    usleep(50000); /* in which a reader that does not wait would have come back with less */
    faultio_let_go();
    pthread_join(refresher.thread, NULL);
    pthread_join(committer, NULL);
    assert_int_equal(result, 0);
    assert_int_equal(refresher.result, 0);
    assert_int_equal(refresher.snapshot->version, 2);
    snapshot_unref(refresher.snapshot);
}

#define test(name) cmocka_unit_test_setup_teardown(name, fixture_begin_two_mounts, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(two_databases_on_one_store_see_each_others_commits),
        test(the_known_head_costs_no_io_and_may_be_old),
        test(a_refresh_that_finds_nothing_new_asks_twice),
        test(what_others_committed_is_durable_before_it_is_shown),
        test(a_refresh_says_nothing_when_nothing_is_wrong),
        test(a_record_that_was_replaced_is_noticed),
        test(a_record_that_was_replaced_below_a_new_one_is_noticed),
        test(a_head_that_is_gone_or_damaged_is_noticed),
        test(a_copy_of_the_head_is_the_head),
        test(a_commit_that_another_mount_shows_is_waited_for_by_its_own),
        test(a_record_that_is_replaced_while_it_is_followed_is_noticed),
        test(a_damaged_new_record_leaves_the_head_where_it_was),
        test(a_store_that_needs_a_newer_reader_is_refused),
        test(a_store_that_needs_a_newer_writer_is_read_only),
        test(a_commit_that_meets_a_newer_writer_is_refused),
        test(readers_see_versions_in_order_while_writers_write),
    };

    return cmocka_run_group_tests_name("db refresh", tests, NULL, NULL);
}
