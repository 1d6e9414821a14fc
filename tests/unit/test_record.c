/* SPDX-License-Identifier: MIT */
/* What core promises in core/store/record.h, one fact a test. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/store/record.h"
#include "core/store/sealed.h"
#include "tests/lib/check.h"
#include "tests/lib/fullrecord.h"

/* --- round trip ---------------------------------------------------------------- */

static void expect_extent(const struct extent_ref *a, const struct extent_ref *b)
{
    assert_true(object_id_equal(a->object, b->object));
    assert_int_equal(a->offset, b->offset);
    assert_int_equal(a->bytes, b->bytes);
    assert_int_equal(a->first_row, b->first_row);
    assert_int_equal(a->rows, b->rows);
    assert_int_equal(a->row, b->row);
}

static void expect_action(const struct action *a, const struct action *b)
{
    assert_int_equal(a->op, b->op);
    assert_true(uuid_equal(a->table, b->table));
    assert_string_equal(a->name, b->name);
    if (a->op == ACTION_CLEAR)
        assert_int_equal(a->before, b->before);
    assert_true(!a->schema == !b->schema);
    if (a->schema)
        assert_string_equal(a->schema, b->schema);
    assert_int_equal(a->extent_count, b->extent_count);
    for (size_t i = 0; i < a->extent_count; i++)
        expect_extent(&a->extents[i], &b->extents[i]);
}

static void expect_member(const struct member *a, const struct member *b)
{
    assert_int_equal(a->version, b->version);
    assert_true(uuid_equal(a->transaction, b->transaction));
    assert_true(!a->id == !b->id);
    if (a->id)
        assert_string_equal(a->id, b->id);
    assert_int_equal(a->time_usec, b->time_usec);
    assert_int_equal(a->base, b->base);
    assert_int_equal(a->rebases, b->rebases);
    assert_int_equal(a->action_count, b->action_count);
    for (size_t i = 0; i < a->action_count; i++)
        expect_action(&a->actions[i], &b->actions[i]);
}

static void expect_object(const struct object_entry *a, const struct object_entry *b)
{
    assert_true(uuid_equal(a->uuid, b->uuid));
    assert_true(uuid_equal(a->table, b->table));
    assert_string_equal(a->path, b->path);
    assert_string_equal(a->index_path, b->index_path);
    assert_true(hash_equal(a->index_hash, b->index_hash));
    assert_int_equal(a->bytes, b->bytes);
    assert_int_equal(a->stored_bytes, b->stored_bytes);
    assert_int_equal(a->rows, b->rows);
}

static void a_record_of_everything_comes_back(void **state)
{
    struct record expected = fullrecord_get(), record;
    struct err err = ERR_INIT;
    struct buf buf = {0};
    struct hash said = fullrecord_encode(&buf), hash;

    (void)state;
    assert_ok(record_decode(FULLRECORD_SEQ, buf.data, buf.bytes, &record, &hash, &err), &err);
    assert_string_equal(err.text, "");
    assert_true(hash_equal(said, hash));
    assert_int_equal(record.seq, FULLRECORD_SEQ);
    assert_true(hash_equal(record.prev, expected.prev));
    assert_true(uuid_equal(record.nonce, expected.nonce));
    assert_string_equal(record.host, expected.host);
    assert_int_equal(record.inline_bytes, strlen(FULLRECORD_BODY));
    assert_false(record.read_only);
    assert_int_equal(record.object_count, expected.object_count);
    expect_object(&record.objects[0], &expected.objects[0]);
    assert_int_equal(record.member_count, expected.member_count);
    for (size_t i = 0; i < record.member_count; i++)
        expect_member(&record.members[i], &expected.members[i]);
    record_finish(&record);
    buf_finish(&buf);
}

static void the_rows_stand_verbatim_behind_one_line(void **state)
{
    struct buf buf = {0};
    const char *line;

    (void)state;
    fullrecord_encode(&buf);
    line = memchr(buf.data, '\n', buf.bytes);
    assert_non_null(line);
    assert_int_equal(buf.data + buf.bytes - (line + 1), strlen(FULLRECORD_BODY));
    assert_memory_equal(line + 1, FULLRECORD_BODY, strlen(FULLRECORD_BODY));
    buf_finish(&buf);
}

static void a_record_that_commits_nothing_comes_back(void **state)
{
    struct record record = {.nonce = {{1}}, .host = (char *)""}, again;
    struct err err = ERR_INIT;
    struct buf buf = {0};
    struct hash hash;

    (void)state;
    assert_int_equal(record_encode(&record, NULL, 0, &buf, &hash), 0);
    assert_ok(record_decode(0, buf.data, buf.bytes, &again, &hash, &err), &err);
    assert_int_equal(again.member_count, 0);
    assert_int_equal(again.object_count, 0);
    record_finish(&again);
    buf_finish(&buf);
}

static void the_key_of_a_record_sorts_as_its_number(void **state)
{
    char key[RECORD_KEY_BYTES];

    (void)state;
    record_key(FULLRECORD_SEQ, key);
    assert_string_equal(key, "log/00000000000000000042.ndjson");
    record_key(UINT64_MAX, key);
    assert_string_equal(key, "log/18446744073709551615.ndjson");
}

/* --- records of other programs ---------------------------------------------------------- */

static void unknown_optional_fields_are_ignored(void **state)
{
    static const char *const paths[] = {
        "new",           "objects/0/new",           "objects/0/index/new",
        "members/0/new", "members/0/actions/0/new", "members/1/actions/1/extents/0/new",
    };
    struct buf buf = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        struct err err = ERR_INIT;
        struct record record;
        struct hash hash;

        fullrecord_change(paths[i], "{\"x\":[1]}", &buf);
        assert_ok(record_decode(FULLRECORD_SEQ, buf.data, buf.bytes, &record, &hash, &err), &err);
        assert_false(record.read_only);
        for (size_t j = 0; j < record.member_count; j++)
            expect_member(&record.members[j], &fullrecord_get().members[j]);
        record_finish(&record);
    }
    buf_finish(&buf);
}

static void an_unknown_read_feature_is_named_and_refused(void **state)
{
    struct buf buf = {0};

    (void)state;
    fullrecord_change("read_features", "[\"zstd\"]", &buf);
    fullrecord_expect_refused(buf.data, buf.bytes, -ENOTSUP, "\"zstd\"");
    fullrecord_change("read_features", "[7]", &buf);
    fullrecord_expect_refused(buf.data, buf.bytes, -ENOTSUP, "newer");
    buf_finish(&buf);
}

static void what_only_a_newer_reader_understands_does_not_make_it_damaged(void **state)
{
    json_t *header = json_loads("{\"read_features\":[\"f\"],\"write_features\":[]}", 0, NULL);
    struct buf buf = {0};
    struct hash hash;

    (void)state;
    assert_int_equal(sealed_write(header, NULL, 0, &buf, &hash), 0);
    fullrecord_expect_refused(buf.data, buf.bytes, -ENOTSUP, "\"f\"");
    json_decref(header);
    buf_finish(&buf);
}

static void an_unknown_write_feature_makes_the_store_read_only(void **state)
{
    struct err err = ERR_INIT;
    struct buf buf = {0};
    struct record record;
    struct hash hash;

    (void)state;
    fullrecord_change("write_features", "[\"keys\"]", &buf);
    assert_ok(record_decode(FULLRECORD_SEQ, buf.data, buf.bytes, &record, &hash, &err), &err);
    assert_true(record.read_only);
    expect_member(&record.members[1], &fullrecord_get().members[1]);
    record_finish(&record);
    buf_finish(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_of_everything_comes_back),
        cmocka_unit_test(the_rows_stand_verbatim_behind_one_line),
        cmocka_unit_test(a_record_that_commits_nothing_comes_back),
        cmocka_unit_test(the_key_of_a_record_sorts_as_its_number),
        cmocka_unit_test(unknown_optional_fields_are_ignored),
        cmocka_unit_test(an_unknown_read_feature_is_named_and_refused),
        cmocka_unit_test(what_only_a_newer_reader_understands_does_not_make_it_damaged),
        cmocka_unit_test(an_unknown_write_feature_makes_the_store_read_only),
    };

    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
