/* SPDX-License-Identifier: MIT */
/* Records that do not follow from what is there, and records that memory is too short for. */
#include "tests/lib/check.h"
#include "tests/lib/handmade.h"
#include "tests/lib/nomem.h"

/* The record is damage, by its name and for this reason; the base is as it was. */
static void expect_damage(struct handmade *s, const char *part)
{
    uint64_t version = head->version, tables = ptree_count(head->by_name);
    struct snapshot *next = head;
    struct err err = ERR_INIT;
    char key[RECORD_KEY_BYTES];

    assert_fails(snapshot_apply_record(head, &s->record, &s->position, &next, &err), -EIO, &err);
    record_key(s->record.seq, key);
    assert_has(err.text, key);
    assert_has(err.text, part);
    assert_ptr_equal(next, head);
    assert_int_equal(head->version, version);
    assert_int_equal(ptree_count(head->by_name), tables);
    assert_int_equal(head->refs, 1);
}

/* --- records that do not follow ------------------------------------------------------ */

static void a_record_that_does_not_follow_is_damage(void **state)
{
    struct handmade s;

    (void)state;
    handmade_table(1, "t");
    handmade_begin(&s, head);
    s.record.prev.low ^= 1;
    expect_damage(&s, "does not follow");
    handmade_begin(&s, head);
    s.record.seq++;
    expect_damage(&s, "does not follow");
    handmade_begin(&s, head);
    s.record.seq = 1;
    expect_damage(&s, "does not follow");
}

static void versions_and_times_go_up(void **state)
{
    static const int64_t versions[] = {0, 2, -1}, times[] = {0, -1};
    struct handmade s;

    (void)state;
    handmade_table(1, "t");
    for (size_t i = 0; i < ARRAY_COUNT(versions); i++) {
        handmade_begin(&s, head);
        s.member.version = head->version + (uint64_t)versions[i];
        expect_damage(&s, "version");
    }
    for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
        handmade_begin(&s, head);
        s.member.time_usec = head->time_usec + times[i];
        expect_damage(&s, "");
    }
    handmade_begin(&s, head);
    s.member.time_usec = head->time_usec + 1;
    handmade_apply(&s);
}

static void a_name_or_a_uuid_has_one_table(void **state)
{
    struct handmade s;

    (void)state;
    handmade_table(1, "t");
    handmade_table(2, "u");
    handmade_begin(&s, head);
    handmade_add(&s, ACTION_CREATE, 3, "t");
    expect_damage(&s, "a table t exists");
    handmade_begin(&s, head);
    handmade_add(&s, ACTION_CREATE, 1, "v");
    expect_damage(&s, "UUID");
    handmade_begin(&s, head);
    handmade_add(&s, ACTION_RENAME, 1, "u");
    expect_damage(&s, "a table u exists");
    handmade_begin(&s, head);
    handmade_add(&s, ACTION_CREATE, 4, "w");
    handmade_add(&s, ACTION_CREATE, 5, "w");
    expect_damage(&s, "a table w exists");
}

static void actions_on_what_is_not_there_are_damage(void **state)
{
    static const enum action_op ops[] = {ACTION_DROP, ACTION_RENAME, ACTION_CLEAR, ACTION_DELETE,
                                         ACTION_APPEND};
    struct handmade s;

    (void)state;
    handmade_table(1, "t");
    for (size_t i = 0; i < ARRAY_COUNT(ops); i++) {
        handmade_begin(&s, head);
        handmade_add(&s, ops[i], 9, "x");
        expect_damage(&s, "does not exist");
    }
    handmade_begin(&s, head);
    handmade_append(&s, 1, 0, 5);
    s.extents[0].object = (struct object_id){.uuid = handmade_uuid(50)};
    expect_damage(&s, "no record brought in");
    handmade_begin(&s, head);
    handmade_append(&s, 1, 0, 5);
    s.actions[0].op = ACTION_DELETE;
    expect_damage(&s, "not there");
}

static void a_known_object_is_not_brought_in_again(void **state)
{
    struct handmade s;

    (void)state;
    handmade_begin(&s, head);
    handmade_object(&s, 50);
    handmade_apply(&s);
    handmade_begin(&s, head);
    handmade_object(&s, 50);
    expect_damage(&s, "known");
}

static void a_table_is_not_called_what_no_table_can_be_called(void **state)
{
    static const char *const names[] = {"", ".", "..", "a/b", "../../etc", "tab\there"};
    struct handmade s;

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        handmade_begin(&s, head);
        handmade_add(&s, ACTION_CREATE, 1, names[i]);
        expect_damage(&s, "");
    }
}

static void a_record_without_memory_changes_and_loses_nothing(void **state)
{
    bool refused = true;
    unsigned granted;
    struct handmade s;

    (void)state;
    handmade_table(1, "t");
    handmade_begin(&s, head);
    handmade_object(&s, 50);
    handmade_append(&s, 1, 0, 5);
    handmade_add(&s, ACTION_CREATE, 2, "u");
    handmade_add(&s, ACTION_RENAME, 1, "v");
    handmade_add(&s, ACTION_CLEAR, 1, "v");
    for (granted = 0; refused; granted++) {
        struct snapshot *next = head;
        struct err err = ERR_INIT;
        int r;

        nomem_after(granted);
        r = snapshot_apply_record(head, &s.record, &s.position, &next, &err);
        refused = nomem_end();
        assert_fails(r, refused ? -ENOMEM : 0, &err);
        if (!refused)
            snapshot_unref(next);
        assert_int_equal(head->refs, 1);
        assert_int_equal(table_rows(snapshot_table_named(head, "t")), 0);
    }
    assert_true(granted > 20);
}

#define test(name) cmocka_unit_test_setup_teardown(name, handmade_setup, handmade_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_record_that_does_not_follow_is_damage),
        test(versions_and_times_go_up),
        test(a_name_or_a_uuid_has_one_table),
        test(actions_on_what_is_not_there_are_damage),
        test(a_known_object_is_not_brought_in_again),
        test(a_table_is_not_called_what_no_table_can_be_called),
        test(a_record_without_memory_changes_and_loses_nothing),
    };

    return cmocka_run_group_tests_name("snapshot damage", tests, NULL, NULL);
}
