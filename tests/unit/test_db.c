/* SPDX-License-Identifier: MIT */
/* What core promises in core/db.h, one fact a test. */
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/store/dirstore.h"
#include "core/store/sealed.h"
#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"

static const char *record_name(uint64_t seq)
{
    static char key[RECORD_KEY_BYTES];

    record_key(seq, key);
    return key;
}

static void expect_refused(bool read_only, int code, const char *part)
{
    struct err err = ERR_INIT;

    assert_fails(tempstore_try(&temp, read_only, &err), code, &err);
    assert_has(err.text, part);
}

static void expect_opens(void)
{
    struct err err = ERR_INIT;

    assert_ok(tempstore_try(&temp, false, &err), &err);
    assert_ok(tempstore_try(&temp, true, &err), &err);
}

/* --- making a store ------------------------------------------------------------------ */

static void a_missing_or_empty_directory_becomes_an_empty_store(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct snapshot *head;

        if (i > 0)
            assert_int_equal(mkdir(temp.path, 0777), 0);
        if (i == 2) { /* the root of a file system */
            char path[TEMPSTORE_PATH_BYTES];

            tempstore_file(&temp, "lost+found", path);
            assert_int_equal(mkdir(path, 0700), 0);
        }
        tempstore_open_db(&temp);
        head = db_head(temp.db);
        assert_int_equal(head->version, 0);
        assert_int_equal(ptree_count(head->by_name), 0);
        snapshot_unref(head);
        fixture_end(state);
        fixture_begin(state);
    }
}

static void a_store_is_the_same_when_it_is_opened_again(void **state)
{
    struct uuid uuid;

    (void)state;
    tempstore_open_db(&temp);
    uuid = db_uuid(temp.db);
    t = dbtool_table(temp.db, "t");
    assert_int_equal(dbtool_append(temp.db, t, "{\"a\":1}\n"), 0);
    tempstore_close(&temp);
    tempstore_open_db(&temp);
    assert_true(uuid_equal(db_uuid(temp.db), uuid));
    assert_int_equal(dbtool_version(temp.db), 2);
    dbtool_expect(temp.db, "t", "{\"a\":1}\n");
}

static void a_directory_of_something_else_is_left_as_it_was(void **state)
{
    struct buf before = {0}, after = {0};

    (void)state;
    assert_int_equal(mkdir(temp.path, 0777), 0);
    tempstore_replace(&temp, "letter.txt", "dear", 4);
    tempstore_describe(&temp, &before);
    expect_refused(false, -ENOTEMPTY, "letter.txt");
    expect_refused(true, -ENOTEMPTY, "letter.txt");
    tempstore_describe(&temp, &after);
    assert_string_equal(before.data, after.data);
    buf_finish(&before);
    buf_finish(&after);
}

static void a_read_only_open_makes_no_store(void **state)
{
    (void)state;
    expect_refused(true, -ENOENT, temp.path);
    assert_false(tempstore_has(&temp, ""));
    assert_int_equal(mkdir(temp.path, 0777), 0);
    expect_refused(true, -ENOENT, temp.path);
    assert_int_equal(tempstore_entries(&temp, ""), 0);
}

static void a_file_or_a_place_that_does_not_exist_is_no_store(void **state)
{
    struct db_options options = {.limits = DB_LIMITS_DEFAULT};
    char path[TEMPSTORE_PATH_BYTES + 8];
    struct err err = ERR_INIT;
    struct db *db = NULL;

    (void)state;
    snprintf(path, sizeof path, "%s/a/b", temp.root);
    assert_fails(db_open(path, &options, &db, &err), -ENOENT, &err);
    tempstore_replace(&temp, temp.path, "x", 1);
    expect_refused(false, -ENOTDIR, temp.path);
    assert_null(db);
}

static void a_store_whose_making_failed_anywhere_is_completed(void **state)
{
    bool struck = true;
    unsigned n;

    (void)state;
    for (n = 0; struck; n++) {
        struct err err = ERR_INIT;
        int r;

        faultio_reset();
        faultio_rule(FAULTIO_ANY, n, 1, FAULTIO_REFUSE, ENOSPC);
        r = tempstore_try(&temp, false, &err);
        struck = faultio_struck();
        assert_true(r == 0 || struck);
        faultio_reset();
        expect_opens();
        fixture_end(state);
        fixture_begin(state);
    }
    assert_true(n > 20);
}

struct opener {
    pthread_t thread;
    struct db *db;
    int result;
    struct err err;
};

static void *open_one(void *context)
{
    struct db_options options = {.limits = DB_LIMITS_DEFAULT};
    struct opener *opener = context;

    opener->result = db_open(temp.path, &options, &opener->db, &opener->err);
    return NULL;
}

static void several_that_make_one_store_at_once_make_one(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct opener openers[4] = {0};

        for (int i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&openers[i].thread, NULL, open_one, &openers[i]), 0);
        for (int i = 0; i < 4; i++)
            pthread_join(openers[i].thread, NULL);
        for (int i = 0; i < 4; i++) {
            assert_ok(openers[i].result, &openers[i].err);
            assert_true(uuid_equal(db_uuid(openers[i].db), db_uuid(openers[0].db)));
        }
        dbtool_table(openers[0].db, "t");
        assert_true(dbtool_has(openers[3].db, "t"));
        for (int i = 0; i < 4; i++)
            db_close(openers[i].db);
        fixture_end(state);
        fixture_begin(state);
    }
}

/* --- stores that are not right --------------------------------------------------------- */

/* rowfs.json with a member replaced, or without it (NULL), sealed again. */
static void change_identity(const char *key, json_t *value)
{
    struct buf buf = {0}, again = {0};
    struct hash hash;
    json_t *object;
    size_t body;

    tempstore_read(&temp, "rowfs.json", &buf);
    assert_int_equal(sealed_read("x", buf.data, buf.bytes, &object, &hash, &body, NULL), 0);
    json_object_del(object, "xxh3");
    if (value)
        json_object_set_new(object, key, value);
    else
        json_object_del(object, key);
    assert_int_equal(sealed_write(object, NULL, 0, &again, &hash), 0);
    tempstore_replace(&temp, "rowfs.json", again.data, again.bytes);
    json_decref(object);
    buf_finish(&buf);
    buf_finish(&again);
}

static void a_newer_format_is_refused(void **state)
{
    (void)state;
    change_identity("format", json_integer(2));
    expect_refused(false, -ENOTSUP, "format 2");
    expect_refused(true, -ENOTSUP, "format 2");
    change_identity("format", json_integer(1));
    expect_opens();
}

static void a_newer_format_is_refused_before_anything_else_is_believed(void **state)
{
    static const char text[] = "{\"sealed\":\"another way\",\"format\":7}\n";

    (void)state;
    tempstore_replace(&temp, "rowfs.json", text, strlen(text));
    expect_refused(false, -ENOTSUP, "format 7");
}

static void a_store_without_a_format_is_damaged(void **state)
{
    (void)state;
    change_identity("format", NULL);
    expect_refused(false, -EIO, "rowfs.json");
    change_identity("format", json_string("1"));
    expect_refused(false, -EIO, "rowfs.json");
}

static void a_damaged_identity_is_refused(void **state)
{
    struct buf buf = {0};

    (void)state;
    tempstore_read(&temp, "rowfs.json", &buf);
    for (size_t i = 0; i < buf.bytes; i += 5) {
        tempstore_flip(&temp, "rowfs.json", i, 0x10);
        expect_refused(false, -EIO, "rowfs.json");
        tempstore_flip(&temp, "rowfs.json", i, 0x10);
    }
    expect_opens();
    tempstore_cut(&temp, "rowfs.json", 0);
    expect_refused(false, -EIO, "rowfs.json");
    buf_finish(&buf);
}

static void a_lost_identity_does_not_make_a_new_store_of_an_old_one(void **state)
{
    (void)state;
    dbtool_table(temp.db, "t");
    tempstore_remove(&temp, "rowfs.json");
    expect_refused(false, -EIO, "rowfs.json");
    assert_false(tempstore_has(&temp, "rowfs.json"));
}

static void a_log_of_another_store_is_damage(void **state)
{
    struct record record = {.nonce = uuid_random(), .host = (char *)""};
    struct buf foreign = {0};
    struct hash hash;

    (void)state;
    assert_int_equal(record_encode(&record, NULL, 0, &foreign, &hash), 0);
    tempstore_replace(&temp, record_name(0), foreign.data, foreign.bytes);
    expect_refused(false, -EIO, "another store");
    tempstore_remove(&temp, record_name(0));
    expect_refused(false, -EIO, record_name(0));
    buf_finish(&foreign);
}

static void make_tables(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char name[8];

        snprintf(name, sizeof name, "t%u", i);
        dbtool_table(temp.db, name);
    }
}

static void a_gap_in_the_log_is_named(void **state)
{
    (void)state;
    make_tables(6);
    tempstore_remove(&temp, record_name(4));
    expect_refused(false, -EIO, record_name(4));
    expect_refused(true, -EIO, record_name(4));
    tempstore_remove(&temp, record_name(1));
    expect_refused(false, -EIO, record_name(1));
}

static void other_files_in_the_log_are_no_records(void **state)
{
    (void)state;
    make_tables(2);
    tempstore_replace(&temp, "log/99.ndjson", "x", 1);
    tempstore_replace(&temp, "log/00000000000000000099.ndjson~", "x", 1);
    tempstore_replace(&temp, "log/README", "x", 1);
    expect_opens();
}

static void a_damaged_record_is_named_and_nothing_behind_it_is_believed(void **state)
{
    (void)state;
    make_tables(4);
    for (uint64_t seq = 0; seq <= 4; seq++) {
        tempstore_flip(&temp, record_name(seq), 60, 4);
        expect_refused(false, -EIO, record_name(seq));
        tempstore_flip(&temp, record_name(seq), 60, 4);
    }
    expect_opens();
}

static void a_missing_directory_of_a_store_is_damage(void **state)
{
    (void)state;
    tempstore_remove(&temp, "checkpoint");
    expect_refused(false, -EIO, "checkpoint");
    assert_false(tempstore_has(&temp, "checkpoint"));
}

static void a_read_only_open_writes_nothing(void **state)
{
    struct db_options options = {.read_only = true, .limits = DB_LIMITS_DEFAULT};
    struct buf before = {0}, after = {0};
    struct err err = ERR_INIT;
    struct db *db = NULL;

    (void)state;
    assert_int_equal(dbtool_append(temp.db, dbtool_table(temp.db, "t"), "{\"a\":1}\n"), 0);
    tempstore_close(&temp);
    tempstore_describe(&temp, &before);
    assert_ok(db_open(temp.path, &options, &db, &err), &err);
    dbtool_expect(db, "t", "{\"a\":1}\n");
    assert_int_equal(dbtool_create(db, "u", &err), -EROFS);
    assert_int_equal(db_check_writable(db, &err), -EROFS);
    db_close(db);
    tempstore_describe(&temp, &after);
    assert_string_equal(before.data, after.data);
    buf_finish(&before);
    buf_finish(&after);
}

#define test(name)      cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)
#define test_made(name) cmocka_unit_test_setup_teardown(name, fixture_begin_db, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_missing_or_empty_directory_becomes_an_empty_store),
        test(a_store_is_the_same_when_it_is_opened_again),
        test(a_directory_of_something_else_is_left_as_it_was),
        test(a_read_only_open_makes_no_store),
        test(a_file_or_a_place_that_does_not_exist_is_no_store),
        test(a_store_whose_making_failed_anywhere_is_completed),
        test(several_that_make_one_store_at_once_make_one),
        test_made(a_newer_format_is_refused),
        test_made(a_newer_format_is_refused_before_anything_else_is_believed),
        test_made(a_store_without_a_format_is_damaged),
        test_made(a_damaged_identity_is_refused),
        test_made(a_lost_identity_does_not_make_a_new_store_of_an_old_one),
        test_made(a_log_of_another_store_is_damage),
        test_made(a_gap_in_the_log_is_named),
        test_made(other_files_in_the_log_are_no_records),
        test_made(a_damaged_record_is_named_and_nothing_behind_it_is_believed),
        test_made(a_missing_directory_of_a_store_is_damage),
        test_made(a_read_only_open_writes_nothing),
    };

    return cmocka_run_group_tests_name("db", tests, NULL, NULL);
}
