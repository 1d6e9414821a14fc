/* SPDX-License-Identifier: MIT */
/* Put if absent on disks that fail: what is known of a put must be true. */
#include <stdio.h>
#include <stdlib.h>

#include "core/store/dirstore.h"
#include "tests/lib/check.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"

#define KEY             "log/00000000000000000007.ndjson"
#define DATA            "data/00000000-0000-4000-8000-000000000001/a.ndjson"
#define DATA_OF_ANOTHER "data/00000000-0000-4000-8000-000000000009/a"

static int put(const char *key, enum put_state *ret_state)
{
    struct err err = ERR_INIT;
    int r = store_put(temp.store, key, "abc", 3, NULL, ret_state, &err);

    assert_true((r < 0) == (err.text[0] != '\0'));
    return r;
}

static void expect_failed_put(const char *key, int code, enum put_state expected, bool there)
{
    enum put_state state = PUT_ABSENT;

    assert_int_equal(put(key, &state), code);
    assert_int_equal(state, expected);
    assert_int_equal(tempstore_has(&temp, key), there);
    assert_int_equal(tempstore_entries(&temp, "tmp"), 0);
}

static void expect_there(const char *key)
{
    struct err err = ERR_INIT;
    struct buf buf = {0};

    assert_ok(store_get(temp.store, key, &buf, NULL, &err), &err);
    assert_int_equal(buf.bytes, 3);
    assert_memory_equal(buf.data, "abc", 3);
    buf_finish(&buf);
}

/* Where the letter stands in the trace, counted from 1. */
static size_t when(char letter)
{
    const char *at = strchr(faultio_trace(), letter);

    if (!at)
        print_error("no %c in %s\n", letter, faultio_trace());
    assert_non_null(at);
    return (size_t)(at - faultio_trace()) + 1;
}

static void a_put_is_durable_before_it_is_visible_and_named_durably_before_it_returns(void **state)
{
    enum put_state state_of;

    (void)state;
    assert_int_equal(put(KEY, &state_of), 0);
    assert_true(when('w') < when('f'));
    assert_true(when('f') < when('l'));
    assert_true(when('l') < when('d'));
    assert_int_equal(faultio_count(FAULTIO_FSYNC), 1);
    assert_int_equal(faultio_count(FAULTIO_FSYNC_DIR), 1);
}

static void a_new_directory_is_durable_before_an_object_in_it_is_acknowledged(void **state)
{
    enum put_state state_of;

    (void)state;
    assert_int_equal(put(DATA, &state_of), 0);
    assert_int_equal(faultio_count(FAULTIO_FSYNC_DIR), 2); /* data/ and data/<table>/ */
    faultio_reset();
    assert_int_equal(put("data/00000000-0000-4000-8000-000000000001/b", &state_of), 0);
    assert_int_equal(faultio_count(FAULTIO_FSYNC_DIR), 1);
    assert_int_equal(faultio_count(FAULTIO_MKDIR), 0);
}

static void a_disk_that_is_full_leaves_nothing(void **state)
{
    static const enum faultio_call calls[] = {
        FAULTIO_OPEN_UNNAMED,
        FAULTIO_WRITE,
        FAULTIO_FSYNC,
        FAULTIO_LINK,
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(calls); i++) {
        for (int j = 0; j < 2; j++) {
            faultio_reset();
            faultio_rule(calls[i], 0, 1, FAULTIO_REFUSE, j ? EDQUOT : ENOSPC);
            expect_failed_put(KEY, j ? -EDQUOT : -ENOSPC, PUT_ABSENT, false);
        }
        faultio_reset();
        faultio_rule(calls[i], 0, 1, FAULTIO_REFUSE, ENOSPC);
        expect_failed_put(DATA, -ENOSPC, PUT_ABSENT, false);
    }
    faultio_reset();
    faultio_rule(FAULTIO_MKDIR, 0, 1, FAULTIO_REFUSE, ENOSPC);
    expect_failed_put(DATA_OF_ANOTHER, -ENOSPC, PUT_ABSENT, false);
}

static void a_fsync_that_fails_publishes_nothing(void **state)
{
    (void)state;
    faultio_rule(FAULTIO_FSYNC, 0, 1, FAULTIO_REFUSE, EIO);
    expect_failed_put(KEY, -EIO, PUT_ABSENT, false);
    assert_int_equal(faultio_count(FAULTIO_LINK), 0);
}

static void a_link_that_happened_counts_whatever_its_answer(void **state)
{
    static const int answers[] = {EIO, EEXIST, ETIMEDOUT, ENOENT, ENOSPC};
    enum put_state state_of;
    char key[64];

    (void)state;
    for (int named = 0; named < 2; named++)
        for (size_t i = 0; i < ARRAY_COUNT(answers); i++) {
            faultio_reset();
            if (named)
                faultio_rule(FAULTIO_OPEN_UNNAMED, 0, 1, FAULTIO_REFUSE, EOPNOTSUPP);
            faultio_rule(FAULTIO_LINK, 0, 1, FAULTIO_LIE, answers[i]);
            snprintf(key, sizeof key, "log/%d%zu", named, i);
            assert_int_equal(put(key, &state_of), 0);
            expect_there(key);
            assert_int_equal(tempstore_entries(&temp, "tmp"), 0);
        }
}

static void a_link_whose_answer_says_nothing_is_in_doubt(void **state)
{
    static const int answers[] = {EIO, ETIMEDOUT, ESTALE};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(answers); i++) {
        faultio_reset();
        faultio_rule(FAULTIO_LINK, 0, 1, FAULTIO_REFUSE, answers[i]);
        expect_failed_put(KEY, -answers[i], PUT_DOUBT, false);
    }
}

static void a_link_that_cannot_be_looked_at_is_in_doubt(void **state)
{
    (void)state;
    faultio_rule(FAULTIO_LINK, 0, 1, FAULTIO_LIE, EIO);
    faultio_rule(FAULTIO_STAT_FD, 0, 1, FAULTIO_REFUSE, EIO);
    expect_failed_put(KEY, -EIO, PUT_DOUBT, true);
}

static void an_object_whose_directory_is_not_synced_is_visible_and_no_more(void **state)
{
    (void)state;
    faultio_rule(FAULTIO_FSYNC_DIR, 0, 1, FAULTIO_REFUSE, EIO);
    expect_failed_put(KEY, -EIO, PUT_VISIBLE, true);
    faultio_reset();
    faultio_rule(FAULTIO_FSYNC_DIR, 1, 1, FAULTIO_REFUSE, ENOSPC);
    expect_failed_put(DATA, -ENOSPC, PUT_VISIBLE, true);
}

static void a_new_directory_that_is_not_synced_is_no_place_for_an_object(void **state)
{
    (void)state;
    faultio_rule(FAULTIO_FSYNC_DIR, 0, 1, FAULTIO_REFUSE, EIO);
    expect_failed_put(DATA, -EIO, PUT_ABSENT, false);
}

static void a_directory_that_was_not_synced_is_synced_by_the_next_put_in_it(void **state)
{
    enum put_state state_of;

    (void)state;
    faultio_rule(FAULTIO_FSYNC_DIR, 0, 1, FAULTIO_REFUSE, EIO);
    expect_failed_put(DATA, -EIO, PUT_ABSENT, false);
    faultio_reset();
    assert_int_equal(put(DATA, &state_of), 0);
    assert_int_equal(faultio_count(FAULTIO_FSYNC_DIR), 2); /* data/ must be synced by somebody */
}

static void a_file_system_without_unnamed_files_will_do(void **state)
{
    static const int answers[] = {EOPNOTSUPP, EISDIR, EINVAL};
    enum put_state state_of;
    char key[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(answers); i++) {
        faultio_reset();
        faultio_rule(FAULTIO_OPEN_UNNAMED, 0, 3, FAULTIO_REFUSE, answers[i]);
        snprintf(key, sizeof key, "log/%zu", i);
        assert_int_equal(put(key, &state_of), 0);
        expect_there(key);
        assert_int_equal(put(key, &state_of), -EEXIST);
        faultio_rule(FAULTIO_LINK, 0, 1, FAULTIO_REFUSE, ENOSPC);
        snprintf(key, sizeof key, "log/full%zu", i);
        expect_failed_put(key, -ENOSPC, PUT_ABSENT, false);
        assert_int_equal(tempstore_entries(&temp, "tmp"), 0);
    }
}

/* --- uploads ---------------------------------------------------------------------- */

static struct upload *begin_upload(void)
{
    struct err err = ERR_INIT;
    struct upload *upload = NULL;

    assert_ok(store_upload_begin(temp.store, &upload, &err), &err);
    return upload;
}

static void an_upload_in_pieces_is_read_back_and_becomes_an_object(void **state)
{
    struct upload *upload = begin_upload();
    enum put_state state_of;
    char all[6] = "";

    (void)state;
    assert_int_equal(upload_write(upload, "ab", 2, NULL), 0);
    assert_int_equal(upload_write(upload, "", 0, NULL), 0);
    assert_int_equal(upload_write(upload, "cde", 3, NULL), 0);
    assert_int_equal(upload->bytes, 5);
    assert_int_equal(upload_read(upload, all, 3, 1, NULL), 0);
    assert_string_equal(all, "bcd");
    assert_int_equal(upload_read(upload, all, 3, 3, NULL), -EIO);
    assert_false(tempstore_has(&temp, DATA));
    assert_int_equal(upload_finish(upload, DATA, NULL, &state_of, NULL), 0);
    upload_destroy(upload);
    assert_int_equal(store_read(temp.store, DATA, all, 5, 0, NULL), 0);
    assert_string_equal(all, "abcde");
}

static void an_abandoned_upload_leaves_nothing(void **state)
{
    (void)state;
    for (int named = 0; named < 2; named++) {
        struct upload *upload;

        if (named)
            faultio_rule(FAULTIO_OPEN_UNNAMED, 0, 1, FAULTIO_REFUSE, EOPNOTSUPP);
        upload = begin_upload();
        assert_int_equal(upload_write(upload, "abc", 3, NULL), 0);
        assert_int_equal(tempstore_entries(&temp, "tmp"), named);
        upload_destroy(upload);
        assert_int_equal(tempstore_entries(&temp, "tmp"), 0);
        assert_int_equal(tempstore_entries(&temp, "data"), 0);
    }
    upload_destroy(NULL);
}

static void a_write_that_failed_is_not_counted(void **state)
{
    struct upload *upload = begin_upload();
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(upload_write(upload, "abc", 3, NULL), 0);
    faultio_rule(FAULTIO_WRITE, 0, 1, FAULTIO_REFUSE, ENOSPC);
    assert_fails(upload_write(upload, "def", 3, &err), -ENOSPC, &err);
    assert_int_equal(upload->bytes, 3);
    upload_destroy(upload);
}

static void every_question_to_the_store_is_counted(void **state)
{
    struct store_counts *counts = &temp.store->counts;
    enum put_state state_of;
    struct store_tag tag;

    (void)state;
    assert_int_equal(put(KEY, &state_of), 0);
    expect_there(KEY);
    assert_int_equal(store_head(temp.store, KEY, &tag, NULL), 0);
    assert_int_equal(store_remove(temp.store, KEY, NULL), 0);
    assert_int_equal(counts->put, 1);
    assert_int_equal(counts->get, 1);
    assert_int_equal(counts->head, 1);
    assert_int_equal(counts->remove, 1);
    assert_int_equal(counts->list, 0);
}

static void settling_syncs_the_directory_and_a_medium_that_is_read_only_is_settled(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_ok(store_settle(temp.store, "log", &err), &err);
    assert_ok(store_settle(temp.store, "data", &err), &err);
    assert_int_equal(faultio_count(FAULTIO_FSYNC_DIR), 2);
    faultio_rule(FAULTIO_FSYNC_DIR, 0, 1, FAULTIO_REFUSE, EROFS);
    assert_ok(store_settle(temp.store, "log", &err), &err);
    faultio_rule(FAULTIO_FSYNC_DIR, 0, 1, FAULTIO_REFUSE, EIO);
    assert_fails(store_settle(temp.store, "log", &err), -EIO, &err);
}

#define test(name) cmocka_unit_test_setup_teardown(name, fixture_begin_store, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_put_is_durable_before_it_is_visible_and_named_durably_before_it_returns),
        test(a_new_directory_is_durable_before_an_object_in_it_is_acknowledged),
        test(a_disk_that_is_full_leaves_nothing),
        test(a_fsync_that_fails_publishes_nothing),
        test(a_link_that_happened_counts_whatever_its_answer),
        test(a_link_whose_answer_says_nothing_is_in_doubt),
        test(a_link_that_cannot_be_looked_at_is_in_doubt),
        test(an_object_whose_directory_is_not_synced_is_visible_and_no_more),
        test(a_new_directory_that_is_not_synced_is_no_place_for_an_object),
        test(a_directory_that_was_not_synced_is_synced_by_the_next_put_in_it),
        test(a_file_system_without_unnamed_files_will_do),
        test(an_upload_in_pieces_is_read_back_and_becomes_an_object),
        test(an_abandoned_upload_leaves_nothing),
        test(a_write_that_failed_is_not_counted),
        test(every_question_to_the_store_is_counted),
        test(settling_syncs_the_directory_and_a_medium_that_is_read_only_is_settled),
    };

    return cmocka_run_group_tests_name("dirstore put", tests, NULL, NULL);
}
