/* SPDX-License-Identifier: MIT */
/* Records of one commit each, made by hand. */
#include "tests/lib/handmade.h"

#include "tests/lib/check.h"

struct snapshot *head;

int handmade_setup(void **state)
{
    struct log_position position = {.seq = 0, .hash = {.high = 1}};

    (void)state;
    return snapshot_create_empty(&position, HANDMADE_TIME, &head);
}

int handmade_teardown(void **state)
{
    (void)state;
    snapshot_unref(head);
    return 0;
}

struct uuid handmade_uuid(uint8_t n)
{
    return (struct uuid){.bytes = {n}};
}

void handmade_begin(struct handmade *s, const struct snapshot *on)
{
    *s = (struct handmade){0};
    s->member = (struct member){.version = on->version + 1,
                                .transaction = handmade_uuid(200),
                                .time_usec = on->time_usec + 10,
                                .base = on->version,
                                .actions = s->actions};
    s->record = (struct record){.seq = on->position.seq + 1,
                                .prev = on->position.hash,
                                .host = (char *)"h",
                                .members = &s->member,
                                .member_count = 1};
    s->position = (struct log_position){.seq = s->record.seq, .hash = {.high = s->record.seq + 1}};
}

struct action *handmade_add(struct handmade *s, enum action_op op, uint8_t table, const char *name)
{
    struct action *action = &s->actions[s->member.action_count++];

    *action = (struct action){
        .op = op, .table = handmade_uuid(table), .name = (char *)name, .before = ACTION_ALL_ROWS};
    return action;
}

void handmade_append(struct handmade *s, uint8_t table, uint64_t offset, uint64_t bytes)
{
    struct extent_ref *ref = &s->extents[s->member.action_count];
    struct action *action = handmade_add(s, ACTION_APPEND, table, "t");

    *ref = (struct extent_ref){.object = {.inlined = true, .seq = s->record.seq},
                               .offset = offset,
                               .bytes = bytes,
                               .first_row = offset,
                               .rows = bytes};
    action->extents = ref;
    action->extent_count = 1;
}

void handmade_object(struct handmade *s, uint8_t object)
{
    s->object = (struct object_entry){.uuid = handmade_uuid(object),
                                      .table = handmade_uuid(1),
                                      .path = (char *)"data/t/o",
                                      .index_path = (char *)"data/t/i",
                                      .bytes = 100,
                                      .stored_bytes = 100,
                                      .rows = 10};
    s->record.objects = &s->object;
    s->record.object_count = 1;
}

void handmade_apply(struct handmade *s)
{
    struct snapshot *next = NULL;
    struct err err = ERR_INIT;

    assert_ok(snapshot_apply_record(head, &s->record, &s->position, &next, &err), &err);
    assert_string_equal(err.text, "");
    snapshot_unref(head);
    head = next;
}

void handmade_table(uint8_t table, const char *name)
{
    struct handmade s;

    handmade_begin(&s, head);
    handmade_add(&s, ACTION_CREATE, table, name);
    handmade_apply(&s);
}
