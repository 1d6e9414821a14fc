/* SPDX-License-Identifier: MIT */
/* What core promises in core/history.h, one fact a test. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/timefmt.h"
#include "core/history.h"
#include "tests/lib/check.h"
#include "tests/lib/fixture.h"

static uint64_t seed;
static struct ptree *history;
static struct buf model; /* all lines */
static uint64_t last_seq, last_version;
static struct hash last_hash;

static int begin(void **state)
{
    seed = 7;
    history = NULL;
    model = (struct buf){0};
    last_seq = last_version = 0;
    fixture_begin_store(state);
    return 0;
}

static int end(void **state)
{
    ptree_unref(&history_class, history);
    buf_finish(&model);
    return fixture_end(state);
}

/* One commit: a line of a length that depends on its name. */
static void fill_member(struct member *member, struct action *action, char name[64])
{
    snprintf(name, 64, "t%0*d", (int)(1 + check_random_below(&seed, 40)), 1);
    *action = (struct action){.op = ACTION_CREATE, .table = uuid_random(), .name = name};
    *member = (struct member){.version = ++last_version,
                              .transaction = uuid_random(),
                              .time_usec = (int64_t)last_version * 1000,
                              .base = last_version - 1,
                              .actions = action,
                              .action_count = 1};
}

static void put_record(uint64_t seq, struct member *members, size_t count)
{
    struct record record = {.seq = seq,
                            .prev = last_hash,
                            .nonce = uuid_random(),
                            .host = (char *)"h",
                            .members = members,
                            .member_count = count};
    struct log_position position;
    struct buf encoded = {0};
    enum put_state state;

    assert_int_equal(record_encode(&record, NULL, 0, &encoded, &last_hash), 0);
    assert_int_equal(log_put(temp.store, seq, &encoded, last_hash, &position, &state, NULL), 0);
    buf_finish(&encoded);
}

/* The next record, a group of `count` commits. */
static void add_record(size_t count)
{
    struct member members[8];
    struct action actions[8];
    char names[8][64];

    last_seq++;
    for (size_t i = 0; i < count; i++) {
        struct ptree *next;
        size_t before = model.bytes;

        fill_member(&members[i], &actions[i], names[i]);
        assert_int_equal(history_print(&members[i], "h", &model), 0);
        assert_int_equal(history_append(history, last_seq, model.bytes - before, &next), 0);
        ptree_unref(&history_class, history);
        history = next;
    }
    put_record(last_seq, members, count);
}

static void expect_read(uint64_t offset, size_t bytes)
{
    size_t there = offset < model.bytes ? model.bytes - (size_t)offset : 0;
    char *read = malloc(bytes + 1);
    struct err err = ERR_INIT;
    int n;

    assert_non_null(read);
    there = there < bytes ? there : bytes;
    n = history_read(temp.store, history, read, bytes, offset, &err);
    if (n < 0)
        assert_ok(n, &err);
    assert_int_equal(n, there);
    if (there)
        assert_memory_equal(read, model.data + offset, there);
    free(read);
}

/* Around the beginning of every line that begins a chunk, and anywhere. */
static void expect_history(void)
{
    assert_int_equal(ptree_sum(history, HISTORY_BYTES), model.bytes);
    expect_read(0, model.bytes);
    expect_read(0, model.bytes + 100);
    expect_read(model.bytes, 10);
    expect_read(model.bytes - 1, 10);
    expect_read(UINT64_MAX, 10);
    expect_read(5, 0);
    for (int i = 0; i < 16; i++)
        expect_read(check_random_below(&seed, model.bytes),
                    check_random_below(&seed, i % 2 ? 300 : model.bytes));
}

static void the_whole_is_read_from_any_offset_at_each_border_of_a_chunk(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 200; n++) {
        add_record(1);
        if (n == 1 || n == 63 || n == 64 || n == 65 || n == 127 || n == 128 || n == 129 || n == 200)
            expect_history();
        assert_int_equal(ptree_count(history), (n + 63) / 64);
    }
}

static void reads_that_end_or_begin_where_a_chunk_does_are_whole(void **state)
{
    size_t border = 0;

    (void)state;
    for (unsigned n = 1; n <= 130; n++) {
        add_record(1);
        if (n == HISTORY_CHUNK_RECORDS)
            border = model.bytes;
    }
    for (size_t from = border - 2; from <= border + 2; from++)
        for (size_t to = from; to <= border + 3; to++)
            expect_read(from, to - from);
}

static void records_of_several_commits_are_read_whole(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 140; n++) {
        add_record(1 + check_random_below(&seed, 8));
        if (n == 63 || n == 64 || n == 65)
            expect_history();
    }
    expect_history();
    assert_int_equal(ptree_count(history), 3);
}

static void records_without_commits_are_passed_over(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 150; n++)
        add_record(n % 3 == 0);
    expect_history();
}

static void the_empty_history_is_empty(void **state)
{
    (void)state;
    expect_read(0, 10);
    expect_read(10, 10);
}

static void an_old_history_is_not_changed_by_new_records(void **state)
{
    struct ptree *old, *new;
    size_t bytes;

    (void)state;
    for (unsigned n = 1; n <= 70; n++)
        add_record(1);
    old = ptree_ref(history);
    bytes = model.bytes;
    for (unsigned n = 1; n <= 100; n++)
        add_record(2);
    new = history;
    history = old;
    model.bytes = bytes;
    expect_history();
    ptree_unref(&history_class, new);
}

static void expect_damaged(uint64_t offset, const char *part)
{
    struct err err = ERR_INIT;
    char byte;

    assert_fails(history_read(temp.store, history, &byte, 1, offset, &err), -EIO, &err);
    assert_has(err.text, part);
}

static void a_record_that_is_missing_damaged_or_another_is_EIO(void **state)
{
    static const char name[] = "log/00000000000000000003.ndjson";
    struct member members[2];
    struct action actions[2];
    char names[2][64];

    (void)state;
    for (unsigned n = 1; n <= 70; n++)
        add_record(1);
    tempstore_flip(&temp, name, 50, 1);
    expect_damaged(0, name);
    expect_read(model.bytes - 1, 1); /* the other chunk is whole */
    tempstore_remove(&temp, name);
    expect_damaged(0, name);
    for (size_t i = 0; i < 2; i++)
        fill_member(&members[i], &actions[i], names[i]);
    put_record(3, members, 2);
    expect_damaged(0, "not those");
}

/* --- lines ------------------------------------------------------------------------------ */

static json_t *print(const struct member *member, const char *host)
{
    struct buf line = {0};
    json_t *object;

    assert_int_equal(buf_append(&line, "before", 6), 0);
    assert_int_equal(history_print(member, host, &line), 0);
    assert_memory_equal(line.data, "before", 6);
    assert_ptr_equal(memchr(line.data, '\n', line.bytes), line.data + line.bytes - 1);
    object = json_loadb(line.data + 6, line.bytes - 6, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    buf_finish(&line);
    return object;
}

static void expect_text(json_t *object, const char *key, const char *text)
{
    assert_string_equal(json_string_value(json_object_get(object, key)), text);
}

static void expect_number(json_t *object, const char *key, json_int_t number)
{
    assert_true(json_is_integer(json_object_get(object, key)));
    assert_int_equal(json_integer_value(json_object_get(object, key)), number);
}

static void a_line_says_who_did_what_and_when(void **state)
{
    struct extent_ref extents[] = {{.bytes = 10, .rows = 2}, {.bytes = 5, .rows = 1}};
    struct action actions[] = {
        {.op = ACTION_RENAME, .name = (char *)"caf\xc3\xa9 \"\n\\"},
        {.op = ACTION_APPEND, .name = (char *)"t", .extents = extents, .extent_count = 2},
    };
    struct member member = {.version = 12,
                            .id = (char *)"import \"7\"",
                            .time_usec = 1,
                            .base = 9,
                            .rebases = 3,
                            .actions = actions,
                            .action_count = 2};
    json_t *line = print(&member, "host.example"), *tables;

    (void)state;
    expect_number(line, "version", 12);
    expect_text(line, "time", "1970-01-01T00:00:00.000001Z");
    expect_text(line, "host", "host.example");
    expect_text(line, "transaction", "00000000-0000-0000-0000-000000000000");
    expect_text(line, "id", "import \"7\"");
    expect_number(line, "base", 9);
    expect_number(line, "rebases", 3);
    tables = json_object_get(line, "tables");
    assert_int_equal(json_array_size(tables), 2);
    expect_text(json_array_get(tables, 0), "table", "caf\xc3\xa9 \"\n\\");
    expect_text(json_array_get(tables, 0), "op", "rename");
    assert_null(json_object_get(json_array_get(tables, 0), "rows"));
    expect_text(json_array_get(tables, 1), "op", "append");
    expect_number(json_array_get(tables, 1), "rows", 3);
    expect_number(json_array_get(tables, 1), "bytes", 15);
    json_decref(line);
}

static void a_commit_without_an_id_has_none_in_its_line(void **state)
{
    struct member member = {.version = 1};
    json_t *line = print(&member, "h");

    (void)state;
    assert_null(json_object_get(line, "id"));
    json_decref(line);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_whole_is_read_from_any_offset_at_each_border_of_a_chunk),
        test(reads_that_end_or_begin_where_a_chunk_does_are_whole),
        test(records_of_several_commits_are_read_whole),
        test(records_without_commits_are_passed_over),
        test(the_empty_history_is_empty),
        test(an_old_history_is_not_changed_by_new_records),
        test(a_record_that_is_missing_damaged_or_another_is_EIO),
        cmocka_unit_test(a_line_says_who_did_what_and_when),
        cmocka_unit_test(a_commit_without_an_id_has_none_in_its_line),
    };

    return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
