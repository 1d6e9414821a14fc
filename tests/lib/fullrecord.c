/* SPDX-License-Identifier: MIT */
/* A record that has everything. */
#include "tests/lib/fullrecord.h"

#include <jansson.h>
#include <stdlib.h>

#include "core/store/sealed.h"
#include "tests/lib/check.h"

static struct extent_ref inlined_extents[] = {
    {.object = {.inlined = true, .seq = FULLRECORD_SEQ}, .bytes = 18, .rows = 2},
};
static struct extent_ref segment_extents[] = {
    {.object = {.uuid = {{1}}}, .offset = 100, .bytes = 90, .first_row = 10, .rows = 9},
    {.object = {.inlined = true, .seq = 7}, .bytes = 8, .first_row = 3, .rows = 1},
};
static struct extent_ref delete_extents[] = {
    {.object = {.uuid = {{1}}}, .offset = 64, .bytes = 16, .first_row = 4, .rows = 2, .row = 640},
    {.object = {.inlined = true, .seq = 3},
     .offset = 5,
     .bytes = 6,
     .first_row = 1,
     .rows = 1,
     .row = 900},
};
static struct action first_actions[] = {
    {.op = ACTION_CREATE, .table = {{2}}, .name = (char *)"caf\xc3\xa9 \"x\""},
    {.op = ACTION_DROP, .table = {{3}}, .name = (char *)"gone"},
    {.op = ACTION_RENAME, .table = {{4}}, .name = (char *)"new name"},
    {.op = ACTION_CLEAR, .table = {{5}}, .name = (char *)"empty", .before = ACTION_ALL_ROWS},
    {.op = ACTION_CLEAR, .table = {{6}}, .name = (char *)"old", .before = 1000},
    {.op = ACTION_SCHEMA,
     .table = {{4}},
     .name = (char *)"new name",
     .schema = (char *)"{\"columns\": {\n  \"\\u0000\\\"\": \"int64\"}}\n"},
    {.op = ACTION_SCHEMA, .table = {{6}}, .name = (char *)"old"},
};
static struct action second_actions[] = {
    {.op = ACTION_DELETE,
     .table = {{5}},
     .name = (char *)"t",
     .extents = delete_extents,
     .extent_count = 2},
    {.op = ACTION_APPEND,
     .table = {{5}},
     .name = (char *)"t",
     .extents = segment_extents,
     .extent_count = 2},
    {.op = ACTION_APPEND,
     .table = {{6}},
     .name = (char *)"u",
     .extents = inlined_extents,
     .extent_count = 1},
};
static struct member members[] = {
    {.version = 99,
     .transaction = {{7}},
     .time_usec = 1795371359000001,
     .base = 97,
     .rebases = 2,
     .actions = first_actions,
     .action_count = ARRAY_COUNT(first_actions)},
    {.version = 100,
     .transaction = {{8}},
     .id = (char *)"nightly \\ import",
     .time_usec = 1795371359000002,
     .base = 99,
     .actions = second_actions,
     .action_count = ARRAY_COUNT(second_actions)},
};
static struct object_entry objects[] = {
    {.uuid = {{1}},
     .table = {{5}},
     .path = (char *)"data/t/1.ndjson",
     .index_path = (char *)"data/t/1.idx",
     .index_hash = {.high = 11, .low = 12},
     .bytes = 4096,
     .stored_bytes = 4096,
     .rows = 300},
};

struct record fullrecord_get(void)
{
    return (struct record){.seq = FULLRECORD_SEQ,
                           .prev = {.high = 1, .low = 2},
                           .nonce = {{9}},
                           .host = (char *)"host.example",
                           .objects = objects,
                           .object_count = ARRAY_COUNT(objects),
                           .members = members,
                           .member_count = ARRAY_COUNT(members),
                           .inline_bytes = strlen(FULLRECORD_BODY)};
}

struct hash fullrecord_encode(struct buf *buf)
{
    struct record record = fullrecord_get();
    struct iovec body[] = {
        {.iov_base = (char *)FULLRECORD_BODY, .iov_len = 8},
        {.iov_base = NULL, .iov_len = 0},
        {.iov_base = (char *)FULLRECORD_BODY + 8, .iov_len = strlen(FULLRECORD_BODY) - 8}};
    struct hash hash;

    assert_int_equal(record_encode(&record, body, ARRAY_COUNT(body), buf, &hash), 0);
    return hash;
}

void fullrecord_change(const char *path, const char *value, struct buf *buf)
{
    json_t *header, *at, *new_value = json_loads(value, JSON_DECODE_ANY, NULL);
    char *names = strdup(path), *rest = names, *name = strsep(&rest, "/");
    struct hash hash;
    size_t body;
    struct iovec rows = {.iov_base = (char *)FULLRECORD_BODY, .iov_len = strlen(FULLRECORD_BODY)};

    buf->bytes = 0;
    fullrecord_encode(buf);
    assert_int_equal(sealed_read("x", buf->data, buf->bytes, &header, &hash, &body, NULL), 0);
    json_object_del(header, "xxh3");
    for (at = header; rest; name = strsep(&rest, "/"))
        at = json_is_array(at) ? json_array_get(at, (size_t)atoi(name)) : json_object_get(at, name);
    assert_non_null(at);
    if (!strcmp(value, "absent"))
        assert_int_equal(json_object_del(at, name), 0);
    else if (json_is_array(at))
        assert_int_equal(json_array_set_new(at, (size_t)atoi(name), new_value), 0);
    else
        assert_int_equal(json_object_set_new(at, name, new_value), 0);
    buf->bytes = 0;
    assert_int_equal(sealed_write(header, &rows, 1, buf, &hash), 0);
    json_decref(header);
    free(names);
}

/* The bytes stand in memory of exactly their size, so that a sanitizer sees a read behind them. */
void fullrecord_expect_refused(const char *data, size_t bytes, int code, const char *part)
{
    struct record untouched = {.seq = 5}, record = untouched;
    struct err err = ERR_INIT;
    char *copy = malloc(bytes ? bytes : 1);
    struct hash hash;

    assert_non_null(copy);
    memcpy(copy, data, bytes);
    assert_fails(record_decode(FULLRECORD_SEQ, copy, bytes, &record, &hash, &err), code, &err);
    assert_has(err.text, "log/00000000000000000042.ndjson");
    assert_has(err.text, part);
    assert_memory_equal(&record, &untouched, sizeof record);
    free(copy);
}
